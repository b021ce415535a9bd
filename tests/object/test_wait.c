/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_object_wait_one and zx_object_wait_many. Section numbers are those of objects.md. */
#include <zircon/errors.h>

#include "support.h"

/* Long enough to be told from "at once", short enough not to be noticed. */
#define SHORT ZX_MSEC(5)

struct one {
  zx_handle_t handle;
  zx_signals_t mask;
  zx_time_t deadline;
  zx_signals_t observed;
};

static zx_status_t wait_one(void* argument) {
  struct one* w = argument;
  return zx_object_wait_one(w->handle, w->mask, w->deadline, &w->observed);
}

struct many {
  zx_wait_item_t items[4];
  size_t count;
  zx_time_t deadline;
};

static zx_status_t wait_many(void* argument) {
  struct many* w = argument;
  return zx_object_wait_many(w->items, w->count, w->deadline);
}

/* ---- wait_one ---- */

/* 7.1 */
static void wait_one_checks_handle_then_right(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t bare = duplicate_without(event, ZX_RIGHT_WAIT);
  zx_signals_t observed = 42;
  assert_status(zx_object_wait_one(dead_handle(), 0, 0, &observed), ZX_ERR_BAD_HANDLE);
  assert_status(zx_object_wait_one(bare, 0, 0, &observed), ZX_ERR_ACCESS_DENIED);
  assert_int_equal(observed, 42);
  close_handle(bare);
  close_handle(event);
}

/* 3 */
static void port_cannot_be_waited_on(void** state) {
  (void)state;
  const zx_handle_t port = make_port();
  const zx_handle_t other = make_port();
  zx_wait_item_t item = {.handle = port};
  assert_status(zx_object_wait_one(port, 0, 0, NULL), ZX_ERR_ACCESS_DENIED);
  assert_status(zx_object_wait_many(&item, 1, 0), ZX_ERR_ACCESS_DENIED);
  assert_status(zx_object_wait_async(port, other, 0, 0, 0), ZX_ERR_ACCESS_DENIED);
  close_handle(port);
  close_handle(other);
}

/* 7.1, 1.6: what holds already wins over a passed deadline */
static void condition_that_holds_wins_over_the_deadline(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_1));
  const zx_time_t deadlines[] = {0, -1, ZX_TIME_INFINITE_PAST, 1, ZX_TIME_INFINITE};
  for (size_t i = 0; i < sizeof deadlines / sizeof deadlines[0]; i++) {
    zx_signals_t observed = 0;
    assert_ok(zx_object_wait_one(event, ZX_EVENT_SIGNALED, deadlines[i], &observed));
    assert_int_equal(observed, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_1);
    assert_ok(zx_object_wait_one(event, ZX_EVENT_SIGNALED, deadlines[i], NULL));
    zx_wait_item_t item = {.handle = event, .waitfor = ZX_EVENT_SIGNALED};
    assert_ok(zx_object_wait_many(&item, 1, deadlines[i]));
    assert_int_equal(item.pending, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_1);
  }
  close_handle(event);
}

/* 1.6 */
static void passed_deadline_polls(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  assert_ok(zx_object_signal(event, 0, ZX_USER_SIGNAL_1));
  const zx_time_t deadlines[] = {0, -1, ZX_TIME_INFINITE_PAST, 1, zx_clock_get_monotonic()};
  for (size_t i = 0; i < sizeof deadlines / sizeof deadlines[0]; i++) {
    zx_signals_t observed = 0;
    assert_status(zx_object_wait_one(event, ZX_EVENT_SIGNALED, deadlines[i], &observed),
                  ZX_ERR_TIMED_OUT);
    assert_int_equal(observed, ZX_USER_SIGNAL_1);
    assert_status(zx_object_wait_one(event, ZX_EVENT_SIGNALED, deadlines[i], NULL),
                  ZX_ERR_TIMED_OUT);
    zx_wait_item_t item = {.handle = event, .waitfor = ZX_EVENT_SIGNALED};
    assert_status(zx_object_wait_many(&item, 1, deadlines[i]), ZX_ERR_TIMED_OUT);
    assert_int_equal(item.pending, ZX_USER_SIGNAL_1);
  }
  close_handle(event);
}

/* 1.6 */
static void wait_does_not_time_out_before_its_deadline(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  for (int i = 0; i < 5; i++) {
    zx_time_t deadline = zx_deadline_after(SHORT);
    assert_status(zx_object_wait_one(event, ZX_EVENT_SIGNALED, deadline, NULL), ZX_ERR_TIMED_OUT);
    assert_true(zx_clock_get_monotonic() >= deadline);
    deadline = zx_deadline_after(SHORT);
    zx_wait_item_t item = {.handle = event, .waitfor = ZX_EVENT_SIGNALED};
    assert_status(zx_object_wait_many(&item, 1, deadline), ZX_ERR_TIMED_OUT);
    assert_true(zx_clock_get_monotonic() >= deadline);
  }
  close_handle(event);
}

/* 7.1: the state at the end of the call, which another thread changes in the middle of it */
static void timed_out_wait_reports_the_state_at_its_end(void** state) {
  (void)state;
  zx_duration_t patience = SHORT;
  bool in_time = false;
  /* A machine that is busy may let the deadline pass before the signal is set; then once more. */
  while (!in_time) {
    patience *= 2;
    struct one w = {.handle = make_event(), .mask = ZX_EVENT_SIGNALED};
    struct thread thread;
    w.deadline = zx_deadline_after(patience);
    thread_start(&thread, wait_one, &w);
    assert_ok(zx_object_signal(w.handle, 0, ZX_USER_SIGNAL_2));
    in_time = zx_clock_get_monotonic() < w.deadline;
    assert_status(thread_join(&thread), ZX_ERR_TIMED_OUT);
    if (in_time) {
      assert_int_equal(w.observed, ZX_USER_SIGNAL_2);
    }
    close_handle(w.handle);
  }
}

/* 7.1 */
static void match_wakes_all_its_waiters_and_no_other(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  struct one waits[4];
  struct thread threads[4];
  for (int i = 0; i < 4; i++) {
    waits[i] =
        (struct one){event, i < 3 ? ZX_USER_SIGNAL_0 : ZX_USER_SIGNAL_1, ZX_TIME_INFINITE, 0};
    thread_start(&threads[i], wait_one, &waits[i]);
    thread_await_blocked(&threads[i]);
  }
  assert_ok(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
  for (int i = 0; i < 3; i++) {
    assert_ok(thread_join(&threads[i]));
    assert_int_equal(waits[i].observed, ZX_USER_SIGNAL_0);
  }
  thread_await_blocked(&threads[3]);
  assert_ok(zx_object_signal(event, ZX_USER_SIGNAL_0, ZX_USER_SIGNAL_1));
  assert_ok(thread_join(&threads[3]));
  assert_int_equal(waits[3].observed, ZX_USER_SIGNAL_1);
  close_handle(event);
}

/* 6.5 */
static void pulse_is_not_lost(void** state) {
  (void)state;
  for (int i = 0; i < 200; i++) {
    struct one w = {make_event(), ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, 0};
    struct thread thread;
    thread_start(&thread, wait_one, &w);
    thread_await_blocked(&thread);
    assert_ok(zx_object_signal(w.handle, 0, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_0));
    assert_ok(zx_object_signal(w.handle, ZX_EVENT_SIGNALED, ZX_USER_SIGNAL_1));
    assert_ok(thread_join(&thread));
    assert_int_equal(w.observed, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_0);
    close_handle(w.handle);
  }
}

/* 7.1 */
static void closing_the_handle_cancels_the_wait(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  assert_ok(zx_object_signal(event, 0, ZX_USER_SIGNAL_4));
  for (int replace = 0; replace < 2; replace++) {
    struct one w = {duplicate_with(event, ZX_RIGHT_SAME_RIGHTS), ZX_EVENT_SIGNALED,
                    ZX_TIME_INFINITE, 0};
    struct thread thread;
    thread_start(&thread, wait_one, &w);
    thread_await_blocked(&thread);
    zx_handle_t made = ZX_HANDLE_INVALID;
    if (replace) {
      assert_ok(zx_handle_replace(w.handle, ZX_RIGHT_SAME_RIGHTS, &made));
    } else {
      close_handle(w.handle);
    }
    assert_status(thread_join(&thread), ZX_ERR_CANCELED);
    assert_int_equal(w.observed, ZX_USER_SIGNAL_4 | ZX_SIGNAL_HANDLE_CLOSED);
    close_handle(made);
  }
  assert_int_equal(signals_of(event), ZX_USER_SIGNAL_4); /* never part of the state */
  close_handle(event);
}

/* 7.1 */
static void empty_mask_ends_by_deadline_or_cancellation_only(void** state) {
  (void)state;
  struct one w = {make_event(), 0, ZX_TIME_INFINITE, 0};
  struct thread thread;
  assert_ok(zx_object_signal(w.handle, 0, ZX_USER_SIGNAL_ALL));
  assert_status(zx_object_wait_one(w.handle, 0, zx_deadline_after(SHORT), NULL), ZX_ERR_TIMED_OUT);
  thread_start(&thread, wait_one, &w);
  thread_await_blocked(&thread);
  assert_ok(zx_object_signal(w.handle, 0, ZX_EVENT_SIGNALED));
  thread_await_blocked(&thread);
  close_handle(w.handle);
  assert_status(thread_join(&thread), ZX_ERR_CANCELED);
}

/* 7.4 */
static void closing_another_handle_does_not_end_a_wait(void** state) {
  (void)state;
  const zx_handle_t other = make_event();
  struct one w = {duplicate_with(other, ZX_RIGHT_SAME_RIGHTS), ZX_EVENT_SIGNALED, ZX_TIME_INFINITE,
                  0};
  struct thread thread;
  thread_start(&thread, wait_one, &w);
  thread_await_blocked(&thread);
  close_handle(other);
  thread_await_blocked(&thread);
  assert_ok(zx_object_signal(w.handle, 0, ZX_EVENT_SIGNALED));
  assert_ok(thread_join(&thread));
  close_handle(w.handle);
}

/* 2.6 */
static void wait_keeps_the_object_of_a_closed_handle_alive(void** state) {
  (void)state;
  struct many w = {
      .items = {{make_event(), ZX_EVENT_SIGNALED, 0}}, .count = 1, .deadline = ZX_TIME_INFINITE};
  struct thread thread;
  thread_start(&thread, wait_many, &w);
  thread_await_blocked(&thread);
  close_handle(w.items[0].handle); /* the last handle */
  assert_status(thread_join(&thread), ZX_ERR_CANCELED);
  assert_int_equal(w.items[0].pending, ZX_SIGNAL_HANDLE_CLOSED);
}

/* ---- wait_many ---- */

/* 7.2 */
static void wait_many_of_nothing_sleeps(void** state) {
  (void)state;
  const zx_time_t deadline = zx_deadline_after(SHORT);
  assert_status(zx_object_wait_many(NULL, 0, deadline), ZX_ERR_TIMED_OUT);
  assert_true(zx_clock_get_monotonic() >= deadline);
  assert_status(zx_object_wait_many(NULL, 0, 0), ZX_ERR_TIMED_OUT);
}

/* 7.2 */
static void wait_many_checks_in_order(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t bare = duplicate_without(event, ZX_RIGHT_WAIT);
  assert_status(zx_object_wait_many(NULL, 65, 0), ZX_ERR_OUT_OF_RANGE);
  assert_status(zx_object_wait_many(NULL, SIZE_MAX, 0), ZX_ERR_OUT_OF_RANGE);
  assert_status(zx_object_wait_many(NULL, 1, 0), ZX_ERR_INVALID_ARGS);
  zx_wait_item_t items[3] = {{event, 0, 42}, {bare, 0, 42}, {dead_handle(), 0, 42}};
  assert_status(zx_object_wait_many(items, 3, 0), ZX_ERR_ACCESS_DENIED);
  items[1] = (zx_wait_item_t){dead_handle(), 0, 42};
  items[2] = (zx_wait_item_t){bare, 0, 42};
  assert_status(zx_object_wait_many(items, 3, 0), ZX_ERR_BAD_HANDLE);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(items[i].pending, 42);
  }
  close_handle(bare);
  close_handle(event);
}

/* 7.2 */
static void wait_many_takes_64_items(void** state) {
  (void)state;
  zx_wait_item_t items[ZX_WAIT_MANY_MAX_ITEMS];
  for (size_t i = 0; i < ZX_WAIT_MANY_MAX_ITEMS; i++) {
    items[i] = (zx_wait_item_t){make_event(), ZX_EVENT_SIGNALED, 42};
  }
  assert_ok(zx_object_signal(items[63].handle, 0, ZX_EVENT_SIGNALED));
  assert_ok(zx_object_wait_many(items, ZX_WAIT_MANY_MAX_ITEMS, 0));
  for (size_t i = 0; i < ZX_WAIT_MANY_MAX_ITEMS; i++) {
    assert_int_equal(items[i].pending, i == 63 ? ZX_EVENT_SIGNALED : 0);
    close_handle(items[i].handle);
  }
}

/* 7.2 */
static void one_object_may_occur_several_times(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  struct many w = {.items = {{event, ZX_USER_SIGNAL_0, 0},
                             {event, ZX_USER_SIGNAL_1, 0},
                             {event, ZX_USER_SIGNAL_0, 0}},
                   .count = 3,
                   .deadline = ZX_TIME_INFINITE};
  struct thread thread;
  thread_start(&thread, wait_many, &w);
  thread_await_blocked(&thread);
  assert_ok(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
  assert_ok(thread_join(&thread));
  assert_true((w.items[0].pending & ZX_USER_SIGNAL_0) != 0);
  assert_true((w.items[2].pending & ZX_USER_SIGNAL_0) != 0);
  close_handle(event);
}

/* 7.2, 6.5 */
static void each_item_reports_its_state_at_the_match(void** state) {
  (void)state;
  struct many w = {
      .items = {{make_event(), ZX_EVENT_SIGNALED, 0}, {make_event(), ZX_EVENT_SIGNALED, 0}},
      .count = 2,
      .deadline = ZX_TIME_INFINITE};
  struct thread thread;
  thread_start(&thread, wait_many, &w);
  thread_await_blocked(&thread);
  assert_ok(zx_object_signal(w.items[1].handle, 0, ZX_USER_SIGNAL_6));
  assert_ok(zx_object_signal(w.items[0].handle, 0, ZX_EVENT_SIGNALED));
  assert_ok(zx_object_signal(w.items[0].handle, ZX_EVENT_SIGNALED, 0));
  assert_ok(thread_join(&thread));
  assert_int_equal(w.items[0].pending, ZX_EVENT_SIGNALED);
  assert_int_equal(w.items[1].pending, ZX_USER_SIGNAL_6);
  close_handle(w.items[0].handle);
  close_handle(w.items[1].handle);
}

/* 7.4 */
static void closing_one_handle_ends_wait_many(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t second = duplicate_with(event, ZX_RIGHT_SAME_RIGHTS);
  struct many w = {.items = {{event, ZX_EVENT_SIGNALED, 0}, {second, ZX_EVENT_SIGNALED, 0}},
                   .count = 2,
                   .deadline = ZX_TIME_INFINITE};
  struct thread thread;
  assert_ok(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
  thread_start(&thread, wait_many, &w);
  thread_await_blocked(&thread);
  close_handle(second);
  assert_status(thread_join(&thread), ZX_ERR_CANCELED);
  assert_int_equal(w.items[0].pending, ZX_USER_SIGNAL_0);
  assert_int_equal(w.items[1].pending, ZX_USER_SIGNAL_0 | ZX_SIGNAL_HANDLE_CLOSED);
  close_handle(event);
}

/* 7.3: the first wakes the thread, and the second comes before it runs or after. Stopping the
 * thread with a signal handler between the two would prove nothing more, so both orders are only
 * raced. */
static void closed_handle_wins_over_a_match(void** state) {
  (void)state;
  unsigned both = 0;
  for (int i = 0; i < 300; i++) {
    struct many w = {
        .items = {{make_event(), ZX_EVENT_SIGNALED, 0}, {make_event(), ZX_EVENT_SIGNALED, 0}},
        .count = 2,
        .deadline = ZX_TIME_INFINITE};
    struct thread thread;
    thread_start(&thread, wait_many, &w);
    thread_await_blocked(&thread);
    const zx_handle_t closed = w.items[1].handle;
    assert_ok(zx_object_signal(w.items[0].handle, 0, ZX_EVENT_SIGNALED));
    assert_ok(zx_handle_close(closed));
    const zx_status_t status = thread_join(&thread);
    const bool saw_match = (w.items[0].pending & ZX_EVENT_SIGNALED) != 0;
    const bool saw_close = (w.items[1].pending & ZX_SIGNAL_HANDLE_CLOSED) != 0;
    assert_true(saw_match);
    assert_status(status, saw_close ? ZX_ERR_CANCELED : ZX_OK);
    both += saw_close;
    close_handle(w.items[0].handle);
  }
  print_message("closed and matched in %u of 300 rounds\n", both);
}

static _Atomic zx_handle_t target;
static atomic_bool go;

static zx_status_t wait_on_target(void* argument) {
  (void)argument;
  while (!atomic_load(&go)) {
  }
  zx_signals_t observed;
  return zx_object_wait_one(atomic_load(&target), ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, &observed);
}

/* 2.5: the value may die at any moment between its look-up and the registration of the wait */
static void wait_racing_with_close_never_hangs(void** state) {
  (void)state;
  for (int i = 0; i < 500; i++) {
    struct thread thread;
    atomic_store(&go, false);
    const zx_handle_t keep = make_event();
    atomic_store(&target, duplicate_with(keep, ZX_RIGHT_SAME_RIGHTS));
    thread_start(&thread, wait_on_target, NULL);
    atomic_store(&go, true);
    close_handle(atomic_load(&target));
    const zx_status_t status = thread_join(&thread);
    assert_true(status == ZX_ERR_CANCELED || status == ZX_ERR_BAD_HANDLE);
    close_handle(keep);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wait_one_checks_handle_then_right),
      cmocka_unit_test(port_cannot_be_waited_on),
      cmocka_unit_test(condition_that_holds_wins_over_the_deadline),
      cmocka_unit_test(passed_deadline_polls),
      cmocka_unit_test(wait_does_not_time_out_before_its_deadline),
      cmocka_unit_test(timed_out_wait_reports_the_state_at_its_end),
      cmocka_unit_test(match_wakes_all_its_waiters_and_no_other),
      cmocka_unit_test(pulse_is_not_lost),
      cmocka_unit_test(closing_the_handle_cancels_the_wait),
      cmocka_unit_test(empty_mask_ends_by_deadline_or_cancellation_only),
      cmocka_unit_test(closing_another_handle_does_not_end_a_wait),
      cmocka_unit_test(wait_keeps_the_object_of_a_closed_handle_alive),
      cmocka_unit_test(wait_many_of_nothing_sleeps),
      cmocka_unit_test(wait_many_checks_in_order),
      cmocka_unit_test(wait_many_takes_64_items),
      cmocka_unit_test(one_object_may_occur_several_times),
      cmocka_unit_test(each_item_reports_its_state_at_the_match),
      cmocka_unit_test(closing_one_handle_ends_wait_many),
      cmocka_unit_test(closed_handle_wins_over_a_match),
      cmocka_unit_test(wait_racing_with_close_never_hangs),
  };
  return cmocka_run_group_tests_name("wait", tests, NULL, NULL);
}
