/* SPDX-License-Identifier: BSD-3-Clause */
/* Events and event pairs. Section numbers are those of objects.md. */
#include "support.h"

/* 9 */
static void options_must_be_zero(void** state) {
  (void)state;
  zx_handle_t out[2] = {42, 42};
  assert_status(zx_event_create(1, &out[0]), ZX_ERR_INVALID_ARGS);
  assert_status(zx_eventpair_create(1, &out[0], &out[1]), ZX_ERR_NOT_SUPPORTED);
  assert_int_equal(out[0], 42);
  assert_int_equal(out[1], 42);
}

/* 1.3 */
static void null_output_is_invalid(void** state) {
  (void)state;
  zx_handle_t out = 42;
  assert_status(zx_event_create(0, NULL), ZX_ERR_INVALID_ARGS);
  assert_status(zx_eventpair_create(0, &out, NULL), ZX_ERR_INVALID_ARGS);
  assert_status(zx_eventpair_create(0, NULL, &out), ZX_ERR_INVALID_ARGS);
  assert_status(zx_eventpair_create(1, NULL, NULL), ZX_ERR_NOT_SUPPORTED);
}

/* 9 */
static void waiting_does_not_clear_an_event(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
  for (int i = 0; i < 2; i++) {
    zx_signals_t observed = 0;
    assert_ok(zx_object_wait_one(event, ZX_EVENT_SIGNALED, 0, &observed));
    assert_int_equal(observed, ZX_EVENT_SIGNALED);
  }
  assert_ok(zx_object_signal(event, ZX_EVENT_SIGNALED, 0));
  assert_int_equal(signals_of(event), 0);
  close_handle(event);
}

/* 9 */
static void sides_are_signalled_independently(void** state) {
  (void)state;
  zx_handle_t a;
  zx_handle_t b;
  make_pair(&a, &b);
  assert_ok(zx_object_signal(a, 0, ZX_EVENTPAIR_SIGNALED));
  assert_int_equal(signals_of(a), ZX_EVENTPAIR_SIGNALED);
  assert_int_equal(signals_of(b), 0);
  assert_ok(zx_object_signal_peer(a, 0, ZX_USER_SIGNAL_0));
  assert_int_equal(signals_of(a), ZX_EVENTPAIR_SIGNALED);
  assert_int_equal(signals_of(b), ZX_USER_SIGNAL_0);
  assert_ok(zx_object_signal_peer(a, ZX_USER_SIGNAL_0, ZX_USER_SIGNAL_1));
  assert_int_equal(signals_of(b), ZX_USER_SIGNAL_1);
  close_handle(a);
  close_handle(b);
}

/* 9 */
static void last_handle_of_a_side_tells_the_other_for_good(void** state) {
  (void)state;
  zx_handle_t a;
  zx_handle_t b;
  make_pair(&a, &b);
  const zx_koid_t koid = basic_info(a).koid;
  const zx_handle_t second = duplicate_with(a, ZX_RIGHT_SAME_RIGHTS);
  assert_ok(zx_object_signal(b, 0, ZX_USER_SIGNAL_3));
  close_handle(a);
  assert_int_equal(signals_of(b), ZX_USER_SIGNAL_3);
  close_handle(second);
  assert_int_equal(signals_of(b), ZX_USER_SIGNAL_3 | ZX_EVENTPAIR_PEER_CLOSED);
  assert_int_equal(basic_info(b).related_koid, koid);
  /* User code can neither set nor clear the bit. */
  assert_status(zx_object_signal(b, ZX_EVENTPAIR_PEER_CLOSED, 0), ZX_ERR_INVALID_ARGS);
  assert_status(zx_object_signal(b, 0, ZX_EVENTPAIR_PEER_CLOSED), ZX_ERR_INVALID_ARGS);
  assert_ok(zx_object_signal(b, ZX_USER_SIGNAL_3, ZX_EVENTPAIR_SIGNALED));
  assert_int_equal(signals_of(b), ZX_EVENTPAIR_SIGNALED | ZX_EVENTPAIR_PEER_CLOSED);
  close_handle(b);
}

/* 6.3 */
static void signal_peer_checks_in_order(void** state) {
  (void)state;
  zx_handle_t a;
  zx_handle_t b;
  make_pair(&a, &b);
  const zx_handle_t bare = duplicate_without(a, ZX_RIGHT_SIGNAL_PEER);
  const zx_signals_t bad = ZX_EVENTPAIR_PEER_CLOSED;
  assert_status(zx_object_signal_peer(dead_handle(), bad, 0), ZX_ERR_BAD_HANDLE);
  assert_status(zx_object_signal_peer(bare, bad, 0), ZX_ERR_ACCESS_DENIED);
  assert_status(zx_object_signal_peer(a, bad, 0), ZX_ERR_INVALID_ARGS);
  assert_status(zx_object_signal_peer(a, 0, bad), ZX_ERR_INVALID_ARGS);
  close_handle(b);
  assert_status(zx_object_signal_peer(a, bad, 0), ZX_ERR_INVALID_ARGS);
  assert_status(zx_object_signal_peer(a, 0, 0), ZX_ERR_PEER_CLOSED);
  close_handle(bare);
  close_handle(a);
}

/* 6.3 */
static void event_has_no_right_to_signal_a_peer(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  assert_status(zx_object_signal_peer(event, 0, ZX_USER_SIGNAL_0), ZX_ERR_ACCESS_DENIED);
  close_handle(event);
}

static zx_status_t wait_for_peer(void* argument) {
  return zx_object_wait_one(*(zx_handle_t*)argument, ZX_EVENTPAIR_PEER_CLOSED, ZX_TIME_INFINITE,
                            NULL);
}

/* 9 */
static void blocked_waiter_sees_the_peer_go(void** state) {
  (void)state;
  zx_handle_t a;
  zx_handle_t b;
  make_pair(&a, &b);
  struct thread thread;
  thread_start(&thread, wait_for_peer, &b);
  thread_await_blocked(&thread);
  close_handle(a);
  assert_ok(thread_join(&thread));
  close_handle(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(options_must_be_zero),
      cmocka_unit_test(null_output_is_invalid),
      cmocka_unit_test(waiting_does_not_clear_an_event),
      cmocka_unit_test(sides_are_signalled_independently),
      cmocka_unit_test(last_handle_of_a_side_tells_the_other_for_good),
      cmocka_unit_test(signal_peer_checks_in_order),
      cmocka_unit_test(event_has_no_right_to_signal_a_peer),
      cmocka_unit_test(blocked_waiter_sees_the_peer_go),
  };
  return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
