/* SPDX-License-Identifier: BSD-3-Clause */
/* The lock of src/base/rwlock.h. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rwlock.h"
/* After the headers that it needs and does not include. */
#include <cmocka.h>

#define ROUNDS 20000u

static struct zxp_rwlock lock;
static unsigned long first; /* guarded by lock; always the same as the second */
static unsigned long second;
static atomic_uint torn;
static atomic_uint inside;

static int set_up(void** state) {
  (void)state;
  zxp_rwlock_init(&lock, ZXP_RANK_LEAF);
  first = second = 0;
  atomic_store(&torn, 0);
  atomic_store(&inside, 0);
  return 0;
}

/* Everybody has given it back. */
static int tear_down(void** state) {
  (void)state;
  assert_int_equal(atomic_load(&lock.word), 0);
  return 0;
}

static void start(pthread_t* thread, void* (*function)(void*)) {
  assert_int_equal(pthread_create(thread, NULL, function, NULL), 0);
}

static void join(pthread_t thread) { assert_int_equal(pthread_join(thread, NULL), 0); }

static void await_word(unsigned word) {
  while (atomic_load(&lock.word) != word) {
    sched_yield();
  }
}

static void* write_rounds(void* unused) {
  (void)unused;
  for (unsigned i = 0; i < ROUNDS; i++) {
    zxp_rwlock_write(&lock);
    first++;
    second++;
    zxp_rwlock_unlock(&lock);
  }
  return NULL;
}

static void* read_rounds(void* unused) {
  (void)unused;
  for (unsigned i = 0; i < ROUNDS; i++) {
    zxp_rwlock_read(&lock);
    if (first != second) {
      atomic_fetch_add(&torn, 1);
    }
    zxp_rwlock_unlock(&lock);
  }
  return NULL;
}

static void writers_exclude_each_other_and_readers(void** state) {
  (void)state;
  pthread_t threads[5];
  for (int i = 0; i < 5; i++) {
    start(&threads[i], i < 2 ? write_rounds : read_rounds);
  }
  for (int i = 0; i < 5; i++) {
    join(threads[i]);
  }
  assert_int_equal(first, 2 * ROUNDS);
  assert_int_equal(second, 2 * ROUNDS);
  assert_int_equal(atomic_load(&torn), 0);
}

static void* read_once(void* unused) {
  (void)unused;
  zxp_rwlock_read(&lock);
  atomic_fetch_add(&inside, 1);
  zxp_rwlock_unlock(&lock);
  return NULL;
}

static void* write_once(void* unused) {
  (void)unused;
  zxp_rwlock_write(&lock);
  atomic_fetch_add(&inside, 1);
  zxp_rwlock_unlock(&lock);
  return NULL;
}

static void a_writer_sleeps_until_the_last_reader_has_left(void** state) {
  (void)state;
  pthread_t writer;
  zxp_rwlock_read(&lock);
  start(&writer, write_once);
  await_word(ZXP_RWLOCK_SLEEPERS | 1);
  assert_int_equal(atomic_load(&inside), 0);
  /* Another reader comes and goes meanwhile, and wakes nobody. */
  pthread_t reader;
  start(&reader, read_once);
  join(reader);
  assert_int_equal(atomic_load(&inside), 1);
  zxp_rwlock_unlock(&lock);
  join(writer);
  assert_int_equal(atomic_load(&inside), 2);
}

static void readers_and_writers_sleep_until_the_writer_has_left(void** state) {
  (void)state;
  pthread_t threads[4];
  zxp_rwlock_write(&lock);
  for (int i = 0; i < 4; i++) {
    start(&threads[i], i < 2 ? read_once : write_once);
  }
  await_word(ZXP_RWLOCK_HELD | ZXP_RWLOCK_SLEEPERS | 2);
  assert_int_equal(atomic_load(&inside), 0);
  zxp_rwlock_unlock(&lock);
  for (int i = 0; i < 4; i++) {
    join(threads[i]);
  }
  assert_int_equal(atomic_load(&inside), 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(writers_exclude_each_other_and_readers, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_writer_sleeps_until_the_last_reader_has_left, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(readers_and_writers_sleep_until_the_writer_has_left, set_up,
                                      tear_down),
  };
  return cmocka_run_group_tests_name("rwlock", tests, NULL, NULL);
}
