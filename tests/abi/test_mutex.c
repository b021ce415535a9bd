/* SPDX-License-Identifier: BSD-3-Clause */

/* The mutex of <lib/sync/mutex.h>: it excludes, it waits, and it gives up at a deadline. */

#include <lib/sync/mutex.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define THREADS 4
/* Enough for the threads to meet on any machine, few enough for a sanitizer. */
#define ROUNDS 2000

static sync_mutex_t mutex = SYNC_MUTEX_INIT;
static int counter;

static void* count_up(void* unused) {
  (void)unused;
  for (int i = 0; i < ROUNDS; i++) {
    sync_mutex_lock(&mutex);
    counter++;
    sync_mutex_unlock(&mutex);
  }
  return NULL;
}

static void only_one_thread_at_a_time_holds_it(void** state) {
  (void)state;
  pthread_t threads[THREADS];
  counter = 0;
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, count_up, NULL), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  }
  assert_int_equal(counter, THREADS * ROUNDS);
}

static void trying_does_not_wait(void** state) {
  (void)state;
  assert_int_equal(sync_mutex_trylock(&mutex), ZX_OK);
  assert_int_equal(sync_mutex_trylock(&mutex), ZX_ERR_BAD_STATE);
  sync_mutex_unlock(&mutex);
  assert_int_equal(sync_mutex_trylock(&mutex), ZX_OK);
  sync_mutex_unlock(&mutex);
}

static void a_wait_ends_at_its_deadline(void** state) {
  (void)state;
  sync_mutex_lock(&mutex);
  assert_int_equal(sync_mutex_timedlock(&mutex, 0), ZX_ERR_TIMED_OUT);
  const zx_instant_mono_t deadline = zx_deadline_after(ZX_MSEC(1));
  assert_int_equal(sync_mutex_timedlock(&mutex, deadline), ZX_ERR_TIMED_OUT);
  assert_true(zx_clock_get_monotonic() >= deadline);
  sync_mutex_unlock(&mutex);
  /* Whoever gave up has left nothing behind. */
  assert_int_equal(sync_mutex_timedlock(&mutex, 0), ZX_OK);
  sync_mutex_unlock(&mutex);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_one_thread_at_a_time_holds_it),
      cmocka_unit_test(trying_does_not_wait),
      cmocka_unit_test(a_wait_ends_at_its_deadline),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
