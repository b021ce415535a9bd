/* SPDX-License-Identifier: BSD-3-Clause */
/* Timers. Section numbers are those of objects.md. */
#include <dirent.h>
#include <sched.h>
#include <stdio.h>

#include "support.h"

/* Far enough away never to be reached by a test. */
#define FAR ZX_SEC(3600)

static zx_handle_t make_timer(zx_clock_t clock_id) {
  zx_handle_t timer = ZX_HANDLE_INVALID;
  assert_ok(zx_timer_create(ZX_TIMER_SLACK_LATE, clock_id, &timer));
  return timer;
}

static zx_info_timer_t timer_info(zx_handle_t timer) {
  zx_info_timer_t info;
  memset(&info, 0xaa, sizeof info);
  assert_ok(zx_object_get_info(timer, ZX_INFO_TIMER, &info, sizeof info, NULL, NULL));
  return info;
}

static zx_time_t now_of(zx_clock_t clock_id) {
  return clock_id == ZX_CLOCK_BOOT ? zx_clock_get_boot() : zx_clock_get_monotonic();
}

/* 10 */
static void create_checks_clock_and_options(void** state) {
  (void)state;
  zx_handle_t timer = 42;
  assert_status(zx_timer_create(0, 2, &timer), ZX_ERR_INVALID_ARGS);
  assert_status(zx_timer_create(0, UINT32_MAX, &timer), ZX_ERR_INVALID_ARGS);
  assert_status(zx_timer_create(3, ZX_CLOCK_MONOTONIC, &timer), ZX_ERR_INVALID_ARGS);
  assert_status(zx_timer_create(UINT32_MAX, ZX_CLOCK_BOOT, &timer), ZX_ERR_INVALID_ARGS);
  assert_int_equal(timer, 42);
  assert_status(zx_timer_create(0, ZX_CLOCK_MONOTONIC, NULL), ZX_ERR_INVALID_ARGS);
  for (uint32_t options = 0; options <= ZX_TIMER_SLACK_LATE; options++) {
    for (zx_clock_t clock_id = 0; clock_id < 2; clock_id++) {
      assert_ok(zx_timer_create(options, clock_id, &timer));
      const zx_info_timer_t info = timer_info(timer);
      assert_int_equal(info.options, options);
      assert_int_equal(info.clock_id, clock_id);
      close_handle(timer);
    }
  }
}

/* 3, 6.1 */
static void fresh_timer_has_its_rights_and_no_signal(void** state) {
  (void)state;
  const zx_handle_t timer = make_timer(ZX_CLOCK_MONOTONIC);
  const zx_info_handle_basic_t info = basic_info(timer);
  assert_int_equal(info.type, 22);
  assert_int_equal(info.rights, 0xd00b);
  assert_int_equal(info.related_koid, 0);
  assert_int_equal(signals_of(timer), 0);
  assert_ok(zx_object_signal(timer, 0, ZX_USER_SIGNAL_0));
  assert_status(zx_object_signal(timer, 0, ZX_TIMER_SIGNALED), ZX_ERR_INVALID_ARGS);
  assert_status(zx_object_signal(timer, ZX_TIMER_SIGNALED, 0), ZX_ERR_INVALID_ARGS);
  assert_int_equal(signals_of(timer), ZX_USER_SIGNAL_0);
  close_handle(timer);
}

/* 10 */
static void set_and_cancel_check_in_order(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t timer = make_timer(ZX_CLOCK_MONOTONIC);
  const zx_handle_t bare = duplicate_without(timer, ZX_RIGHT_WRITE);
  assert_status(zx_timer_set(dead_handle(), 0, -1), ZX_ERR_OUT_OF_RANGE);
  assert_status(zx_timer_set(dead_handle(), 0, 0), ZX_ERR_BAD_HANDLE);
  assert_status(zx_timer_set(event, 0, 0), ZX_ERR_WRONG_TYPE);
  assert_status(zx_timer_set(bare, 0, 0), ZX_ERR_ACCESS_DENIED);
  assert_status(zx_timer_cancel(dead_handle()), ZX_ERR_BAD_HANDLE);
  assert_status(zx_timer_cancel(event), ZX_ERR_WRONG_TYPE);
  assert_status(zx_timer_cancel(bare), ZX_ERR_ACCESS_DENIED);
  assert_int_equal(signals_of(timer), 0);
  const zx_handle_t all[] = {event, timer, bare};
  assert_ok(zx_handle_close_many(all, 3));
}

/* 4.1 */
static void info_needs_a_timer_and_inspect(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t timer = make_timer(ZX_CLOCK_MONOTONIC);
  const zx_handle_t bare = duplicate_without(timer, ZX_RIGHT_INSPECT);
  zx_info_timer_t info;
  assert_status(zx_object_get_info(event, ZX_INFO_TIMER, &info, sizeof info, NULL, NULL),
                ZX_ERR_WRONG_TYPE);
  assert_status(zx_object_get_info(bare, ZX_INFO_TIMER, &info, sizeof info, NULL, NULL),
                ZX_ERR_ACCESS_DENIED);
  assert_status(zx_object_get_info(timer, ZX_INFO_TIMER, &info, sizeof info - 1, NULL, NULL),
                ZX_ERR_BUFFER_TOO_SMALL);
  const zx_handle_t all[] = {event, timer, bare};
  assert_ok(zx_handle_close_many(all, 3));
}

/* 10 */
static void passed_deadline_signals_within_the_call(void** state) {
  (void)state;
  for (zx_clock_t clock_id = 0; clock_id < 2; clock_id++) {
    const zx_handle_t timer = make_timer(clock_id);
    const zx_time_t deadlines[] = {0, -1, ZX_TIME_INFINITE_PAST, 1, now_of(clock_id)};
    for (size_t i = 0; i < sizeof deadlines / sizeof deadlines[0]; i++) {
      assert_ok(zx_timer_set(timer, deadlines[i], ZX_SEC(1)));
      assert_int_equal(signals_of(timer), ZX_TIMER_SIGNALED);
      assert_int_equal(timer_info(timer).deadline, 0);
      assert_int_equal(timer_info(timer).slack, 0);
      assert_ok(zx_timer_cancel(timer));
      assert_int_equal(signals_of(timer), 0);
    }
    close_handle(timer);
  }
}

/* 10 */
static void timer_fires_once_and_not_before_its_deadline(void** state) {
  (void)state;
  for (zx_clock_t clock_id = 0; clock_id < 2; clock_id++) {
    const zx_handle_t timer = make_timer(clock_id);
    const zx_handle_t port = make_port();
    for (int i = 0; i < 5; i++) {
      const zx_time_t deadline = now_of(clock_id) + ZX_MSEC(3);
      assert_ok(zx_timer_set(timer, deadline, 0));
      zx_signals_t observed;
      assert_ok(zx_object_wait_one(timer, ZX_TIMER_SIGNALED, ZX_TIME_INFINITE, &observed));
      assert_true(now_of(clock_id) >= deadline);
      assert_int_equal(observed, ZX_TIMER_SIGNALED);
      assert_int_equal(timer_info(timer).deadline, 0);
      /* Over: no second signal comes once the first is cleared by another deadline. */
      assert_ok(zx_timer_set(timer, zx_deadline_after(FAR), 0));
      assert_int_equal(signals_of(timer), 0);
    }
    close_handle(port);
    close_handle(timer);
  }
}

/* 10 */
static void set_clears_the_signal_and_forgets_the_former_deadline(void** state) {
  (void)state;
  const zx_handle_t timer = make_timer(ZX_CLOCK_MONOTONIC);
  assert_ok(zx_timer_set(timer, 0, 0));
  const zx_time_t deadline = zx_deadline_after(FAR);
  assert_ok(zx_timer_set(timer, deadline, 77));
  assert_int_equal(signals_of(timer), 0);
  assert_int_equal(timer_info(timer).deadline, deadline);
  assert_int_equal(timer_info(timer).slack, 77);
  assert_ok(zx_timer_set(timer, deadline - 5, 0));
  assert_int_equal(timer_info(timer).deadline, deadline - 5);
  assert_int_equal(timer_info(timer).slack, 0);
  /* A deadline that was near is forgotten for one that is far. */
  const zx_time_t near = zx_deadline_after(ZX_MSEC(5));
  assert_ok(zx_timer_set(timer, near, 0));
  assert_ok(zx_timer_set(timer, deadline, 0));
  assert_status(zx_object_wait_one(timer, ZX_TIMER_SIGNALED, near + ZX_MSEC(5), NULL),
                ZX_ERR_TIMED_OUT);
  close_handle(timer);
}

/* 10, 6.4 */
static void set_with_a_passed_deadline_signals_anew(void** state) {
  (void)state;
  const zx_handle_t timer = make_timer(ZX_CLOCK_MONOTONIC);
  const zx_handle_t port = make_port();
  assert_ok(zx_timer_set(timer, 0, 0));
  assert_ok(zx_object_wait_async(timer, port, 1, ZX_TIMER_SIGNALED, ZX_WAIT_ASYNC_EDGE));
  assert_ok(zx_timer_set(timer, 0, 0));
  assert_int_equal(take_packet(port).key, 1);
  close_handle(port);
  close_handle(timer);
}

/* 10 */
static void cancel_disarms_and_is_harmless(void** state) {
  (void)state;
  const zx_handle_t timer = make_timer(ZX_CLOCK_MONOTONIC);
  assert_ok(zx_timer_cancel(timer)); /* never set */
  const zx_time_t near = zx_deadline_after(ZX_MSEC(5));
  assert_ok(zx_timer_set(timer, near, 0));
  assert_ok(zx_timer_cancel(timer));
  assert_int_equal(timer_info(timer).deadline, 0);
  assert_status(zx_object_wait_one(timer, ZX_TIMER_SIGNALED, near + ZX_MSEC(5), NULL),
                ZX_ERR_TIMED_OUT);
  close_handle(timer);
}

/* 1.6 */
static void infinite_deadline_never_passes(void** state) {
  (void)state;
  const zx_handle_t timer = make_timer(ZX_CLOCK_MONOTONIC);
  assert_ok(zx_timer_set(timer, ZX_TIME_INFINITE, 0));
  assert_int_equal(signals_of(timer), 0);
  assert_int_equal(timer_info(timer).deadline, ZX_TIME_INFINITE);
  assert_status(zx_object_wait_one(timer, ZX_TIMER_SIGNALED, zx_deadline_after(ZX_MSEC(2)), NULL),
                ZX_ERR_TIMED_OUT);
  close_handle(timer);
}

/* Timers with equal deadlines share a place in the queue. */
static void timers_with_one_deadline_all_fire(void** state) {
  (void)state;
  zx_handle_t timers[9];
  const zx_time_t deadline = zx_deadline_after(ZX_MSEC(10));
  for (int i = 0; i < 9; i++) {
    timers[i] = make_timer(ZX_CLOCK_MONOTONIC);
    assert_ok(zx_timer_set(timers[i], deadline, 0));
  }
  /* The first that was queued, one from the middle and the last leave. */
  assert_ok(zx_timer_cancel(timers[0]));
  close_handle(timers[4]);
  assert_ok(zx_timer_set(timers[8], zx_deadline_after(FAR), 0));
  for (int i = 1; i < 8; i++) {
    if (i != 4) {
      assert_ok(zx_object_wait_one(timers[i], ZX_TIMER_SIGNALED, ZX_TIME_INFINITE, NULL));
    }
  }
  assert_true(zx_clock_get_monotonic() >= deadline);
  assert_int_equal(signals_of(timers[0]), 0);
  assert_int_equal(signals_of(timers[8]), 0);
  for (int i = 0; i < 9; i++) {
    if (i != 4) {
      close_handle(timers[i]);
    }
  }
}

enum {
  COUNT = 20
};

/* Arms the timers in an order that is not that of their deadlines, the first of which is
 * `start`. */
static void arm_out_of_order(const zx_handle_t* timers, zx_time_t start) {
  for (int i = 0; i < COUNT; i++) {
    assert_ok(zx_timer_set(timers[i], start + ZX_USEC(100) * (i * 7 % COUNT), 0));
  }
}

static void timers_fire_in_the_order_of_their_deadlines(void** state) {
  (void)state;
  zx_handle_t timers[COUNT];
  for (int i = 0; i < COUNT; i++) {
    timers[i] = make_timer(ZX_CLOCK_MONOTONIC);
  }
  /* All have to be armed before the first is due; on a busy machine that may take longer. */
  zx_duration_t lead = ZX_MSEC(1);
  zx_handle_t port = ZX_HANDLE_INVALID;
  zx_time_t start = 0;
  do {
    close_handle(port);
    port = make_port();
    lead *= 2;
    start = zx_deadline_after(lead);
    arm_out_of_order(timers, start);
    for (uint64_t i = 0; i < COUNT; i++) {
      assert_ok(zx_object_wait_async(timers[i], port, i, ZX_TIMER_SIGNALED, 0));
    }
  } while (zx_clock_get_monotonic() >= start);
  for (uint64_t i = 0; i < COUNT; i++) {
    zx_port_packet_t packet;
    assert_ok(zx_port_wait(port, ZX_TIME_INFINITE, &packet));
    assert_int_equal(packet.key * 7 % COUNT, i);
  }
  assert_ok(zx_handle_close_many(timers, COUNT));
  close_handle(port);
}

/* How many threads of this process have the name. */
static int threads_named(const char* name) {
  int found = 0;
  DIR* tasks = opendir("/proc/self/task");
  assert_non_null(tasks);
  for (struct dirent* entry = readdir(tasks); entry != NULL; entry = readdir(tasks)) {
    char path[sizeof entry->d_name + 32];
    char comm[32] = {0};
    (void)snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
    FILE* file = fopen(path, "re");
    if (file != NULL) {
      if (fgets(comm, sizeof comm, file) != NULL) {
        comm[strcspn(comm, "\n")] = '\0';
        found += strcmp(comm, name) == 0;
      }
      (void)fclose(file);
    }
  }
  closedir(tasks);
  return found;
}

static void thread_runs_only_while_timers_are_used(void** state) {
  (void)state;
  const zx_handle_t timer = make_timer(ZX_CLOCK_BOOT);
  assert_ok(zx_timer_set(timer, ZX_TIME_INFINITE, 0));
  while (threads_named("zxp-timer") != 1) {
    (void)sched_yield();
  }
  assert_ok(zx_timer_cancel(timer));
  while (threads_named("zxp-timer") != 0) {
    assert_ok(zx_nanosleep(zx_deadline_after(ZX_MSEC(10))));
  }
  /* And it comes back. */
  assert_ok(zx_timer_set(timer, zx_clock_get_boot() + ZX_MSEC(1), 0));
  assert_ok(zx_object_wait_one(timer, ZX_TIMER_SIGNALED, ZX_TIME_INFINITE, NULL));
  close_handle(timer);
}

/* 10 */
static void closing_the_last_handle_disarms(void** state) {
  (void)state;
  for (int i = 0; i < 200; i++) {
    const zx_handle_t timer = make_timer((zx_clock_t)(i % 2));
    assert_ok(zx_timer_set(timer, now_of((zx_clock_t)(i % 2)) + ZX_USEC(i), 0));
    close_handle(timer); /* use after free is for the sanitizers to find */
  }
}

static atomic_bool stop;

static zx_status_t set_and_cancel(void* argument) {
  const zx_handle_t timer = *(zx_handle_t*)argument;
  zx_status_t status = ZX_OK;
  while (!atomic_load(&stop) && status == ZX_OK) {
    status = zx_timer_set(timer, zx_deadline_after(ZX_USEC(20)), 0);
    if (status == ZX_OK) {
      status = zx_timer_cancel(timer);
    }
  }
  return status;
}

/* 10: an expiry that is under way when the timer is cancelled does not signal afterwards */
static void cancelled_timer_stays_unsignalled(void** state) {
  (void)state;
  zx_handle_t timer = make_timer(ZX_CLOCK_MONOTONIC);
  for (int i = 0; i < 300; i++) {
    assert_ok(zx_timer_set(timer, zx_deadline_after(ZX_USEC(i % 60)), 0));
    if (i % 3 == 0) {
      assert_ok(zx_nanosleep(zx_deadline_after(ZX_USEC(30))));
    }
    assert_ok(zx_timer_cancel(timer));
    assert_status(
        zx_object_wait_one(timer, ZX_TIMER_SIGNALED, zx_deadline_after(ZX_USEC(200)), NULL),
        ZX_ERR_TIMED_OUT);
  }
  /* And by two at once, which have to end with it idle. */
  struct thread threads[2];
  atomic_store(&stop, false);
  for (int i = 0; i < 2; i++) {
    thread_start(&threads[i], set_and_cancel, &timer);
  }
  assert_ok(zx_nanosleep(zx_deadline_after(ZX_MSEC(20))));
  atomic_store(&stop, true);
  for (int i = 0; i < 2; i++) {
    assert_ok(thread_join(&threads[i]));
  }
  assert_int_equal(timer_info(timer).deadline, 0);
  assert_int_equal(signals_of(timer), 0);
  close_handle(timer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(create_checks_clock_and_options),
      cmocka_unit_test(fresh_timer_has_its_rights_and_no_signal),
      cmocka_unit_test(set_and_cancel_check_in_order),
      cmocka_unit_test(info_needs_a_timer_and_inspect),
      cmocka_unit_test(passed_deadline_signals_within_the_call),
      cmocka_unit_test(timer_fires_once_and_not_before_its_deadline),
      cmocka_unit_test(set_clears_the_signal_and_forgets_the_former_deadline),
      cmocka_unit_test(set_with_a_passed_deadline_signals_anew),
      cmocka_unit_test(cancel_disarms_and_is_harmless),
      cmocka_unit_test(infinite_deadline_never_passes),
      cmocka_unit_test(timers_with_one_deadline_all_fire),
      cmocka_unit_test(timers_fire_in_the_order_of_their_deadlines),
      cmocka_unit_test(thread_runs_only_while_timers_are_used),
      cmocka_unit_test(closing_the_last_handle_disarms),
      cmocka_unit_test(cancelled_timer_stays_unsignalled),
  };
  return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
