/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_object_wait_async. Section numbers are those of objects.md. */
#include "support.h"

#define KEY 0x1122334455667788u

/* 7.5 */
static void wait_async_checks_in_order(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  const zx_handle_t no_wait = duplicate_without(event, ZX_RIGHT_WAIT);
  const zx_handle_t no_write = duplicate_without(port, ZX_RIGHT_WRITE);
  const zx_handle_t dead = dead_handle();
  assert_status(zx_object_wait_async(dead, dead, 0, 0, 8), ZX_ERR_INVALID_ARGS);
  assert_status(zx_object_wait_async(dead, dead, 0, 0, 0x80000000u), ZX_ERR_INVALID_ARGS);
  assert_status(zx_object_wait_async(dead, dead, 0, 0,
                                     ZX_WAIT_ASYNC_TIMESTAMP | ZX_WAIT_ASYNC_BOOT_TIMESTAMP),
                ZX_ERR_INVALID_ARGS);
  assert_status(zx_object_wait_async(no_wait, dead, 0, 0, 0), ZX_ERR_BAD_HANDLE);
  assert_status(zx_object_wait_async(dead, event, 0, 0, 0), ZX_ERR_WRONG_TYPE);
  assert_status(zx_object_wait_async(dead, no_write, 0, 0, 0), ZX_ERR_ACCESS_DENIED);
  assert_status(zx_object_wait_async(dead, port, 0, 0, 0), ZX_ERR_BAD_HANDLE);
  assert_status(zx_object_wait_async(no_wait, port, 0, 0, 0), ZX_ERR_ACCESS_DENIED);
  assert_ok(zx_object_wait_async(event, port, 0, 0, 0));
  assert_ok(zx_object_wait_async(event, port, 0, 0, ZX_WAIT_ASYNC_ONCE));
  assert_ok(zx_object_wait_async(event, port, 0, 0, ZX_WAIT_ASYNC_EDGE | ZX_WAIT_ASYNC_TIMESTAMP));
  assert_ok(
      zx_object_wait_async(event, port, 0, 0, ZX_WAIT_ASYNC_EDGE | ZX_WAIT_ASYNC_BOOT_TIMESTAMP));
  const zx_handle_t all[] = {event, port, no_wait, no_write};
  assert_ok(zx_handle_close_many(all, 4));
}

/* 8.1 */
static void packet_tells_key_trigger_and_observed_state(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  assert_ok(zx_object_wait_async(event, port, KEY, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_0, 0));
  assert_port_empty(port);
  assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_7));
  const zx_port_packet_t packet = take_packet(port);
  const zx_port_packet_t expected = {
      .key = KEY,
      .type = ZX_PKT_TYPE_SIGNAL_ONE,
      .status = ZX_OK,
      .signal = {.trigger = ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_0,
                 .observed = ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_7,
                 .count = 1,
                 .timestamp = 0,
                 .reserved1 = 0},
  };
  assert_memory_equal(&packet, &expected, sizeof packet);
  close_handle(port);
  close_handle(event);
}

/* 7.6 */
static void bit_that_is_set_queues_within_the_call(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
  assert_ok(zx_object_wait_async(event, port, KEY, ZX_EVENT_SIGNALED, 0));
  assert_int_equal(take_packet(port).signal.observed, ZX_EVENT_SIGNALED);
  close_handle(port);
  close_handle(event);
}

/* 7.6 */
static void edge_ignores_the_present_state(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
  assert_ok(zx_object_wait_async(event, port, KEY, ZX_EVENT_SIGNALED, ZX_WAIT_ASYNC_EDGE));
  assert_port_empty(port);
  assert_ok(zx_object_signal(event, ZX_EVENT_SIGNALED, 0));
  assert_port_empty(port);
  assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
  assert_int_equal(take_packet(port).key, KEY);
  close_handle(port);
  close_handle(event);
}

/* 7.6 */
static void wait_produces_one_packet_and_is_over(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  assert_ok(zx_object_wait_async(event, port, KEY, ZX_EVENT_SIGNALED, 0));
  for (int i = 0; i < 3; i++) {
    assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
    assert_ok(zx_object_signal(event, ZX_EVENT_SIGNALED, 0));
  }
  (void)take_packet(port);
  assert_port_empty(port);
  assert_status(zx_port_cancel(port, event, KEY), ZX_ERR_NOT_FOUND);
  close_handle(port);
  close_handle(event);
}

/* 6.5, 15: the state of the first match, whatever follows before the packet is taken */
static void packet_keeps_the_state_of_its_match(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  assert_ok(zx_object_wait_async(event, port, KEY, ZX_EVENT_SIGNALED, 0));
  assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
  assert_ok(zx_object_signal(event, ZX_EVENT_SIGNALED, ZX_USER_SIGNAL_1));
  const zx_port_packet_t packet = take_packet(port);
  assert_int_equal(packet.signal.observed, ZX_EVENT_SIGNALED);
  assert_int_equal(packet.signal.count, 1);
  close_handle(port);
  close_handle(event);
}

/* 7.6 */
static void any_number_of_waits_coexist(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t ports[2] = {make_port(), make_port()};
  for (int i = 0; i < 100; i++) {
    assert_ok(zx_object_wait_async(event, ports[i % 2], KEY, ZX_EVENT_SIGNALED, 0));
  }
  assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
  for (int p = 0; p < 2; p++) {
    for (int i = 0; i < 50; i++) {
      assert_int_equal(take_packet(ports[p]).key, KEY);
    }
    assert_port_empty(ports[p]);
    close_handle(ports[p]);
  }
  close_handle(event);
}

/* 7.6 */
static void empty_mask_never_fires(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  assert_ok(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
  assert_ok(zx_object_wait_async(event, port, KEY, 0, 0));
  assert_ok(zx_object_signal(event, 0, ZX_USER_SIGNAL_ALL | ZX_EVENT_SIGNALED));
  assert_port_empty(port);
  assert_ok(zx_port_cancel(port, event, KEY)); /* it was there all the time */
  close_handle(port);
  close_handle(event);
}

/* 7.5, 8.1 */
static void timestamp_is_that_of_the_match(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  const struct {
    uint32_t option;
    zx_time_t (*now)(void);
  } rows[] = {
      {ZX_WAIT_ASYNC_TIMESTAMP, zx_clock_get_monotonic},
      {ZX_WAIT_ASYNC_BOOT_TIMESTAMP, zx_clock_get_boot},
  };
  for (size_t i = 0; i < 2; i++) {
    for (int present = 0; present < 2; present++) {
      zx_time_t before = rows[i].now();
      if (present) {
        assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
      }
      assert_ok(zx_object_wait_async(event, port, KEY, ZX_EVENT_SIGNALED, rows[i].option));
      if (!present) {
        before = rows[i].now();
        assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
      }
      const zx_time_t after = rows[i].now();
      assert_ok(zx_nanosleep(zx_deadline_after(1)));
      const zx_port_packet_t packet = take_packet(port);
      assert_true(packet.signal.timestamp >= before);
      assert_true(packet.signal.timestamp <= after);
      assert_ok(zx_object_signal(event, ZX_EVENT_SIGNALED, 0));
    }
  }
  close_handle(port);
  close_handle(event);
}

/* 7.7 */
static void pending_waits_of_a_closed_handle_vanish(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  for (int replace = 0; replace < 2; replace++) {
    zx_handle_t other = duplicate_with(event, ZX_RIGHT_SAME_RIGHTS);
    assert_ok(zx_object_wait_async(other, port, 1, ZX_EVENT_SIGNALED, 0));
    assert_ok(zx_object_wait_async(event, port, 2, ZX_EVENT_SIGNALED, 0));
    if (replace) {
      assert_ok(zx_handle_replace(other, ZX_RIGHT_SAME_RIGHTS, &other));
    } else {
      close_handle(other);
      other = ZX_HANDLE_INVALID;
    }
    assert_port_empty(port);
    assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
    assert_int_equal(take_packet(port).key, 2);
    assert_port_empty(port);
    assert_ok(zx_object_signal(event, ZX_EVENT_SIGNALED, 0));
    assert_ok(zx_handle_close(other));
  }
  close_handle(port);
  close_handle(event);
}

/* 7.7 */
static void queued_packet_of_a_closed_handle_stays(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  assert_ok(zx_object_wait_async(event, port, KEY, ZX_EVENT_SIGNALED, 0));
  assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
  close_handle(event);
  assert_int_equal(take_packet(port).key, KEY);
  close_handle(port);
}

/* 8.6 */
static void closing_the_port_removes_its_waits(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  const zx_handle_t other = make_port();
  for (int i = 0; i < 10; i++) {
    assert_ok(zx_object_wait_async(event, port, KEY, ZX_EVENT_SIGNALED, 0));
  }
  assert_ok(zx_object_wait_async(event, other, KEY, ZX_EVENT_SIGNALED, 0));
  close_handle(port);
  assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
  assert_int_equal(take_packet(other).key, KEY);
  close_handle(other);
  close_handle(event);
}

/* 2.5, 9: the close of one object signals another, whose waits then fire */
static void wait_for_peer_closed_fires(void** state) {
  (void)state;
  const zx_handle_t port = make_port();
  zx_handle_t a;
  zx_handle_t b;
  make_pair(&a, &b);
  assert_ok(zx_object_wait_async(b, port, KEY, ZX_EVENTPAIR_PEER_CLOSED, 0));
  close_handle(a);
  assert_int_equal(take_packet(port).signal.observed, ZX_EVENTPAIR_PEER_CLOSED);
  close_handle(b);
  close_handle(port);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wait_async_checks_in_order),
      cmocka_unit_test(packet_tells_key_trigger_and_observed_state),
      cmocka_unit_test(bit_that_is_set_queues_within_the_call),
      cmocka_unit_test(edge_ignores_the_present_state),
      cmocka_unit_test(wait_produces_one_packet_and_is_over),
      cmocka_unit_test(packet_keeps_the_state_of_its_match),
      cmocka_unit_test(any_number_of_waits_coexist),
      cmocka_unit_test(empty_mask_never_fires),
      cmocka_unit_test(timestamp_is_that_of_the_match),
      cmocka_unit_test(pending_waits_of_a_closed_handle_vanish),
      cmocka_unit_test(queued_packet_of_a_closed_handle_stays),
      cmocka_unit_test(closing_the_port_removes_its_waits),
      cmocka_unit_test(wait_for_peer_closed_fires),
  };
  return cmocka_run_group_tests_name("wait_async", tests, NULL, NULL);
}
