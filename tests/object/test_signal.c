/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_object_signal. Section numbers are those of objects.md. */
#include "support.h"

/* 6.1 */
static void fresh_objects_have_no_signals(void** state) {
  (void)state;
  zx_handle_t a;
  zx_handle_t b;
  make_pair(&a, &b);
  const zx_handle_t event = make_event();
  assert_int_equal(signals_of(event), 0);
  assert_int_equal(signals_of(a), 0);
  assert_int_equal(signals_of(b), 0);
  const zx_handle_t all[] = {a, b, event};
  assert_ok(zx_handle_close_many(all, 3));
}

/* 6.1 */
static void user_code_may_set_the_allowed_bits_only(void** state) {
  (void)state;
  zx_handle_t a;
  zx_handle_t b;
  make_pair(&a, &b);
  const zx_handle_t objects[] = {make_event(), a};
  for (size_t i = 0; i < 2; i++) {
    for (unsigned bit = 0; bit < 32; bit++) {
      const zx_signals_t mask = (zx_signals_t)1 << bit;
      const bool allowed = bit >= 24 || bit == 3;
      const zx_status_t expected = allowed ? ZX_OK : ZX_ERR_INVALID_ARGS;
      assert_status(zx_object_signal(objects[i], 0, mask), expected);
      assert_int_equal(signals_of(objects[i]), allowed ? mask : 0);
      assert_status(zx_object_signal(objects[i], mask, 0), expected);
      assert_int_equal(signals_of(objects[i]), 0);
    }
    close_handle(objects[i]);
  }
  close_handle(b);
}

/* 6.2 */
static void signal_checks_handle_then_right_then_bits(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t bare = duplicate_without(event, ZX_RIGHT_SIGNAL);
  const zx_signals_t bad = ZX_SIGNAL_HANDLE_CLOSED;
  assert_status(zx_object_signal(dead_handle(), bad, 0), ZX_ERR_BAD_HANDLE);
  assert_status(zx_object_signal(bare, bad, 0), ZX_ERR_ACCESS_DENIED);
  assert_status(zx_object_signal(event, bad, 0), ZX_ERR_INVALID_ARGS);
  assert_status(zx_object_signal(event, 0, bad), ZX_ERR_INVALID_ARGS);
  close_handle(bare);
  close_handle(event);
}

/* 6.2 */
static void bad_bit_changes_nothing(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  assert_ok(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
  assert_status(zx_object_signal(event, ZX_USER_SIGNAL_0 | 1, ZX_USER_SIGNAL_1),
                ZX_ERR_INVALID_ARGS);
  assert_status(zx_object_signal(event, ZX_USER_SIGNAL_0, ZX_USER_SIGNAL_1 | 1),
                ZX_ERR_INVALID_ARGS);
  assert_int_equal(signals_of(event), ZX_USER_SIGNAL_0);
  close_handle(event);
}

/* 3, 6.2: a port has no SIGNAL right */
static void port_cannot_be_signalled(void** state) {
  (void)state;
  const zx_handle_t port = make_port();
  assert_status(zx_object_signal(port, 0, ZX_USER_SIGNAL_0), ZX_ERR_ACCESS_DENIED);
  close_handle(port);
}

/* 1.4 */
static void state_is_seen_through_every_handle(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t other = duplicate_with(event, ZX_RIGHT_WAIT);
  assert_ok(zx_object_signal(event, 0, ZX_USER_SIGNAL_7));
  assert_int_equal(signals_of(other), ZX_USER_SIGNAL_7);
  close_handle(event);
  assert_int_equal(signals_of(other), ZX_USER_SIGNAL_7);
  close_handle(other);
}

/* 6.2 */
static void bit_in_both_masks_ends_up_set_and_never_goes_away(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  assert_ok(zx_object_signal(event, ZX_USER_SIGNAL_0, ZX_USER_SIGNAL_0));
  assert_int_equal(signals_of(event), ZX_USER_SIGNAL_0);
  assert_ok(zx_object_wait_async(event, port, 1, ZX_USER_SIGNAL_0, ZX_WAIT_ASYNC_EDGE));
  assert_ok(zx_object_signal(event, ZX_USER_SIGNAL_0, ZX_USER_SIGNAL_0));
  assert_int_equal(signals_of(event), ZX_USER_SIGNAL_0);
  assert_port_empty(port); /* nothing became active */
  close_handle(port);
  close_handle(event);
}

/* 6.4 */
static void setting_a_set_bit_or_clearing_notifies_nobody(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  const zx_signals_t both = ZX_USER_SIGNAL_0 | ZX_USER_SIGNAL_1;
  assert_ok(zx_object_signal(event, 0, both));
  assert_ok(zx_object_wait_async(event, port, 1, both, ZX_WAIT_ASYNC_EDGE));
  assert_ok(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
  assert_ok(zx_object_signal(event, ZX_USER_SIGNAL_1, 0));
  assert_port_empty(port);
  assert_ok(zx_object_signal(event, 0, ZX_USER_SIGNAL_1));
  assert_int_equal(take_packet(port).signal.observed, both);
  close_handle(port);
  close_handle(event);
}

/* 6.4: the mask is held against the whole new state, not against what changed */
static void any_bit_becoming_active_satisfies_a_wait_whose_bit_is_set(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  assert_ok(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
  assert_ok(zx_object_wait_async(event, port, 1, ZX_USER_SIGNAL_0, ZX_WAIT_ASYNC_EDGE));
  assert_ok(zx_object_signal(event, 0, ZX_USER_SIGNAL_5));
  assert_int_equal(take_packet(port).signal.observed, ZX_USER_SIGNAL_0 | ZX_USER_SIGNAL_5);
  close_handle(port);
  close_handle(event);
}

/* 6.4 */
static void newest_registration_is_notified_first(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  for (uint64_t key = 0; key < 3; key++) {
    assert_ok(zx_object_wait_async(event, port, key, ZX_EVENT_SIGNALED, 0));
  }
  assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
  for (uint64_t key = 3; key-- > 0;) {
    assert_int_equal(take_packet(port).key, key);
  }
  assert_port_empty(port);
  close_handle(port);
  close_handle(event);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fresh_objects_have_no_signals),
      cmocka_unit_test(user_code_may_set_the_allowed_bits_only),
      cmocka_unit_test(signal_checks_handle_then_right_then_bits),
      cmocka_unit_test(bad_bit_changes_nothing),
      cmocka_unit_test(port_cannot_be_signalled),
      cmocka_unit_test(state_is_seen_through_every_handle),
      cmocka_unit_test(bit_in_both_masks_ends_up_set_and_never_goes_away),
      cmocka_unit_test(setting_a_set_bit_or_clearing_notifies_nobody),
      cmocka_unit_test(any_bit_becoming_active_satisfies_a_wait_whose_bit_is_set),
      cmocka_unit_test(newest_registration_is_notified_first),
  };
  return cmocka_run_group_tests_name("signal", tests, NULL, NULL);
}
