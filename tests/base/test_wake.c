/* SPDX-License-Identifier: BSD-3-Clause */
/* The one-shot event on which blocked calls sleep. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zircon/errors.h>

#include "base/clock.h"
#include "base/wake.h"
/* After the headers that it needs and does not include. */
#include <cmocka.h>

/* A thread that waits, and what came of it. */
struct sleeper {
  pthread_t thread;
  struct zxp_wake* wake;
  zx_time_t deadline;
  atomic_int tid;
  const int* box; /* read after the wait; may be NULL */
  int seen;
  zx_status_t status;
};

static void* sleep_on_it(void* context) {
  struct sleeper* const s = context;
  atomic_store(&s->tid, (int)syscall(SYS_gettid));
  s->status = zxp_wake_wait(s->wake, s->deadline);
  if (s->box != NULL) {
    s->seen = *s->box;
  }
  return NULL;
}

static void start(struct sleeper* s, struct zxp_wake* wake, zx_time_t deadline) {
  s->wake = wake;
  s->deadline = deadline;
  atomic_init(&s->tid, 0);
  assert_int_equal(pthread_create(&s->thread, NULL, sleep_on_it, s), 0);
}

/* Waits until the thread waits in futex(2). */
static void wait_until_asleep(struct sleeper* s) {
  for (;; sched_yield()) {
    char path[64];
    char text[128] = "";
    const int tid = atomic_load(&s->tid);
    if (tid == 0) {
      continue;
    }
    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", tid);
    FILE* const f = fopen(path, "r");
    assert_non_null(f);
    const bool any = fgets(text, sizeof text, f) != NULL;
    fclose(f);
    long call = -1;
    unsigned long address = 0;
    /* Starts with "running" while it is not blocked. */
    if (any && sscanf(text, "%ld %lx", &call, &address) == 2 && call == SYS_futex &&
        address == (unsigned long)(uintptr_t)&s->wake->set) {
      return;
    }
  }
}

static zx_status_t join(struct sleeper* s) {
  assert_int_equal(pthread_join(s->thread, NULL), 0);
  return s->status;
}

static void a_new_event_is_not_set(void** state) {
  (void)state;
  struct zxp_wake w;
  zxp_wake_init(&w);
  assert_false(zxp_wake_is_set(&w));
}

static void setting_wakes_the_sleeper(void** state) {
  (void)state;
  struct zxp_wake w;
  struct sleeper s = {0};
  zxp_wake_init(&w);
  start(&s, &w, ZX_TIME_INFINITE);
  wait_until_asleep(&s);
  zxp_wake_set(&w);
  assert_int_equal(join(&s), ZX_OK);
}

static void an_event_that_is_set_lets_through(void** state) {
  (void)state;
  struct zxp_wake w;
  zxp_wake_init(&w);
  zxp_wake_set(&w);
  assert_true(zxp_wake_is_set(&w));
  assert_int_equal(zxp_wake_wait(&w, ZX_TIME_INFINITE), ZX_OK);
  assert_int_equal(zxp_wake_wait(&w, ZX_TIME_INFINITE), ZX_OK);
}

static void a_set_event_wins_over_a_passed_deadline(void** state) {
  (void)state;
  struct zxp_wake w;
  zxp_wake_init(&w);
  zxp_wake_set(&w);
  assert_int_equal(zxp_wake_wait(&w, 0), ZX_OK);
}

static void a_passed_deadline_ends_the_wait_at_once(void** state) {
  (void)state;
  struct zxp_wake w;
  zxp_wake_init(&w);
  assert_int_equal(zxp_wake_wait(&w, 0), ZX_ERR_TIMED_OUT);
  assert_int_equal(zxp_wake_wait(&w, -1), ZX_ERR_TIMED_OUT);
  assert_int_equal(zxp_wake_wait(&w, ZX_TIME_INFINITE_PAST), ZX_ERR_TIMED_OUT);
  assert_int_equal(zxp_wake_wait(&w, zxp_clock_now()), ZX_ERR_TIMED_OUT);
}

static void a_wait_never_ends_before_its_deadline(void** state) {
  (void)state;
  for (int i = 0; i < 20; i++) {
    struct zxp_wake w;
    zxp_wake_init(&w);
    /* Odd numbers of nanoseconds, in case something is rounded down. */
    const zx_time_t deadline = zxp_clock_now() + 100001 + i * 37;
    assert_int_equal(zxp_wake_wait(&w, deadline), ZX_ERR_TIMED_OUT);
    assert_true(zxp_clock_now() >= deadline);
  }
}

static void a_distant_deadline_does_not_hinder_waking(void** state) {
  (void)state;
  struct zxp_wake w;
  struct sleeper s = {0};
  zxp_wake_init(&w);
  start(&s, &w, ZX_TIME_INFINITE - 1);
  wait_until_asleep(&s);
  zxp_wake_set(&w);
  assert_int_equal(join(&s), ZX_OK);
}

static void an_event_can_be_used_again(void** state) {
  (void)state;
  struct zxp_wake w;
  zxp_wake_init(&w);
  for (int i = 0; i < 3; i++) {
    struct sleeper s = {0};
    start(&s, &w, ZX_TIME_INFINITE);
    wait_until_asleep(&s);
    zxp_wake_set(&w);
    assert_int_equal(join(&s), ZX_OK);
    zxp_wake_reset(&w);
    assert_false(zxp_wake_is_set(&w));
  }
}

static atomic_int signals;

static void count_signal(int number) {
  (void)number;
  atomic_fetch_add(&signals, 1);
}

/* pager.md 11.3 */
static void a_signal_does_not_end_the_wait(void** state) {
  (void)state;
  struct sigaction action = {.sa_handler = count_signal};
  struct sigaction before;
  assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
  struct zxp_wake w;
  struct sleeper s = {0};
  zxp_wake_init(&w);
  start(&s, &w, ZX_TIME_INFINITE);
  for (int i = 0; i < 3; i++) {
    wait_until_asleep(&s);
    assert_int_equal(pthread_kill(s.thread, SIGUSR1), 0);
    while (atomic_load(&signals) <= i) {
      sched_yield();
    }
  }
  wait_until_asleep(&s);
  zxp_wake_set(&w);
  assert_int_equal(join(&s), ZX_OK);
  assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

/* What the setter wrote before it set the event is there for the sleeper; TSan looks on. */
static void setting_publishes_what_came_before(void** state) {
  (void)state;
  for (int i = 1; i <= 100; i++) {
    struct zxp_wake w;
    int box = 0;
    struct sleeper s = {.box = &box};
    zxp_wake_init(&w);
    start(&s, &w, ZX_TIME_INFINITE);
    box = i;
    zxp_wake_set(&w);
    assert_int_equal(join(&s), ZX_OK);
    assert_int_equal(s.seen, i);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_event_is_not_set),
      cmocka_unit_test(setting_wakes_the_sleeper),
      cmocka_unit_test(an_event_that_is_set_lets_through),
      cmocka_unit_test(a_set_event_wins_over_a_passed_deadline),
      cmocka_unit_test(a_passed_deadline_ends_the_wait_at_once),
      cmocka_unit_test(a_wait_never_ends_before_its_deadline),
      cmocka_unit_test(a_distant_deadline_does_not_hinder_waking),
      cmocka_unit_test(an_event_can_be_used_again),
      cmocka_unit_test(a_signal_does_not_end_the_wait),
      cmocka_unit_test(setting_publishes_what_came_before),
  };
  return cmocka_run_group_tests_name("wake", tests, NULL, NULL);
}
