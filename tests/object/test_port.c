/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: queue, wait, cancel, limits, close. Section numbers are those of objects.md. */
#include "support.h"

struct receive {
  zx_handle_t port;
  zx_time_t deadline;
  zx_port_packet_t packet;
};

static zx_status_t receive(void* argument) {
  struct receive* r = argument;
  return zx_port_wait(r->port, r->deadline, &r->packet);
}

/* 8.2 */
static void create_takes_one_option(void** state) {
  (void)state;
  zx_handle_t port = 42;
  assert_status(zx_port_create(2, &port), ZX_ERR_INVALID_ARGS);
  assert_status(zx_port_create(ZX_PORT_BIND_TO_INTERRUPT | 2, &port), ZX_ERR_INVALID_ARGS);
  assert_int_equal(port, 42);
  assert_status(zx_port_create(0, NULL), ZX_ERR_INVALID_ARGS);
  assert_ok(zx_port_create(ZX_PORT_BIND_TO_INTERRUPT, &port));
  close_handle(port);
}

/* 8.2 */
static void queue_checks_in_order(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  const zx_handle_t bare = duplicate_without(port, ZX_RIGHT_WRITE);
  assert_status(zx_port_queue(dead_handle(), NULL), ZX_ERR_BAD_HANDLE);
  assert_status(zx_port_queue(event, NULL), ZX_ERR_WRONG_TYPE);
  assert_status(zx_port_queue(bare, NULL), ZX_ERR_ACCESS_DENIED);
  assert_status(zx_port_queue(port, NULL), ZX_ERR_INVALID_ARGS);
  const zx_handle_t all[] = {event, port, bare};
  assert_ok(zx_handle_close_many(all, 3));
}

/* 8.2 */
static void wait_checks_in_order(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  const zx_handle_t bare = duplicate_without(port, ZX_RIGHT_READ);
  assert_status(zx_port_wait(dead_handle(), 0, NULL), ZX_ERR_BAD_HANDLE);
  assert_status(zx_port_wait(event, 0, NULL), ZX_ERR_WRONG_TYPE);
  assert_status(zx_port_wait(bare, 0, NULL), ZX_ERR_ACCESS_DENIED);
  assert_status(zx_port_wait(port, 0, NULL), ZX_ERR_TIMED_OUT);
  const zx_handle_t all[] = {event, port, bare};
  assert_ok(zx_handle_close_many(all, 3));
}

/* 8.2 */
static void null_packet_is_found_at_delivery_and_the_packet_is_gone(void** state) {
  (void)state;
  const zx_handle_t port = make_port();
  queue_packet(port, 1);
  assert_status(zx_port_wait(port, 0, NULL), ZX_ERR_INVALID_ARGS);
  assert_port_empty(port);
  close_handle(port);
}

/* 8.2 */
static void queue_overwrites_the_type_and_copies_the_rest(void** state) {
  (void)state;
  const zx_handle_t port = make_port();
  zx_port_packet_t sent;
  memset(&sent, 0x5a, sizeof sent);
  assert_ok(zx_port_queue(port, &sent));
  memset(&sent, 0, sizeof sent); /* a copy was queued */
  const zx_port_packet_t got = take_packet(port);
  memset(&sent, 0x5a, sizeof sent);
  sent.type = ZX_PKT_TYPE_USER;
  assert_memory_equal(&got, &sent, sizeof got);
  close_handle(port);
}

/* 8.2, 1.6 */
static void packet_wins_over_a_passed_deadline(void** state) {
  (void)state;
  const zx_handle_t port = make_port();
  const zx_time_t deadlines[] = {0, -1, ZX_TIME_INFINITE_PAST, 1, ZX_TIME_INFINITE};
  for (size_t i = 0; i < sizeof deadlines / sizeof deadlines[0]; i++) {
    zx_port_packet_t packet;
    if (deadlines[i] != ZX_TIME_INFINITE) {
      assert_status(zx_port_wait(port, deadlines[i], &packet), ZX_ERR_TIMED_OUT);
    }
    queue_packet(port, i);
    assert_ok(zx_port_wait(port, deadlines[i], &packet));
    assert_int_equal(packet.key, i);
  }
  close_handle(port);
}

/* 1.6 */
static void wait_does_not_time_out_before_its_deadline(void** state) {
  (void)state;
  const zx_handle_t port = make_port();
  for (int i = 0; i < 5; i++) {
    const zx_time_t deadline = zx_deadline_after(ZX_MSEC(5));
    assert_status(zx_port_wait(port, deadline, NULL), ZX_ERR_TIMED_OUT);
    assert_true(zx_clock_get_monotonic() >= deadline);
  }
  close_handle(port);
}

/* 8.3 */
static void packets_of_all_kinds_come_in_order(void** state) {
  (void)state;
  const zx_handle_t port = make_port();
  const zx_handle_t event = make_event();
  for (uint64_t key = 0; key < 300; key++) {
    if (key % 3 == 0) {
      assert_ok(zx_object_wait_async(event, port, key, ZX_EVENT_SIGNALED, 0));
      assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
      assert_ok(zx_object_signal(event, ZX_EVENT_SIGNALED, 0));
    } else {
      queue_packet(port, key);
    }
  }
  for (uint64_t key = 0; key < 300; key++) {
    assert_int_equal(take_packet(port).key, key);
  }
  assert_port_empty(port);
  close_handle(event);
  close_handle(port);
}

/* 8.2 */
static void packet_wakes_a_blocked_receiver(void** state) {
  (void)state;
  for (int i = 0; i < 100; i++) {
    struct receive r = {.port = make_port(), .deadline = ZX_TIME_INFINITE};
    struct thread thread;
    thread_start(&thread, receive, &r);
    thread_await_blocked(&thread);
    queue_packet(r.port, 7);
    assert_ok(thread_join(&thread));
    assert_int_equal(r.packet.key, 7);
    close_handle(r.port);
  }
}

/* 8.3 */
static void each_packet_goes_to_exactly_one_receiver(void** state) {
  (void)state;
  const zx_handle_t port = make_port();
  struct receive receives[4];
  struct thread threads[4];
  for (int i = 0; i < 4; i++) {
    receives[i] = (struct receive){.port = port, .deadline = ZX_TIME_INFINITE};
    thread_start(&threads[i], receive, &receives[i]);
    thread_await_blocked(&threads[i]);
  }
  for (uint64_t key = 0; key < 4; key++) {
    queue_packet(port, key);
  }
  unsigned seen = 0;
  for (int i = 0; i < 4; i++) {
    assert_ok(thread_join(&threads[i]));
    seen |= 1u << receives[i].packet.key;
  }
  assert_int_equal(seen, 0xf);
  assert_port_empty(port);
  close_handle(port);
}

/* 2.6, 8.6: closing another handle, then the last one; the receiver stays until its deadline */
static void closing_the_port_does_not_wake_a_receiver(void** state) {
  (void)state;
  struct receive r = {.port = make_port(), .deadline = zx_deadline_after(ZX_MSEC(50))};
  struct thread thread;
  thread_start(&thread, receive, &r);
  close_handle(r.port);
  const zx_status_t status = thread_join(&thread);
  if (status != ZX_ERR_BAD_HANDLE) { /* the handle was closed before the thread ran */
    assert_status(status, ZX_ERR_TIMED_OUT);
    assert_true(zx_clock_get_monotonic() >= r.deadline);
  }
}

/* 8.6 */
static void replacing_the_port_does_not_wake_a_receiver(void** state) {
  (void)state;
  struct receive r = {.port = make_port(), .deadline = ZX_TIME_INFINITE};
  struct thread thread;
  zx_handle_t made;
  thread_start(&thread, receive, &r);
  thread_await_blocked(&thread);
  assert_ok(zx_handle_replace(r.port, ZX_RIGHT_SAME_RIGHTS, &made));
  queue_packet(made, 9);
  assert_ok(thread_join(&thread));
  assert_int_equal(r.packet.key, 9);
  close_handle(made);
}

/* 8.6 */
static void closing_the_port_drops_its_packets(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
  for (uint64_t key = 0; key < 200; key++) {
    queue_packet(port, key);
    assert_ok(zx_object_wait_async(event, port, key, ZX_EVENT_SIGNALED, 0));
  }
  close_handle(port); /* leaks are for the address sanitizer to find */
  close_handle(event);
}

/* ---- Cancelling ---- */

/* 8.2 */
static void cancel_checks_in_order(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  const zx_handle_t no_write = duplicate_without(port, ZX_RIGHT_WRITE);
  const zx_handle_t no_wait = duplicate_without(event, ZX_RIGHT_WAIT);
  const zx_handle_t dead = dead_handle();
  assert_status(zx_port_cancel(dead, dead, 0), ZX_ERR_BAD_HANDLE);
  assert_status(zx_port_cancel(event, dead, 0), ZX_ERR_WRONG_TYPE);
  assert_status(zx_port_cancel(no_write, dead, 0), ZX_ERR_ACCESS_DENIED);
  assert_status(zx_port_cancel(port, dead, 0), ZX_ERR_BAD_HANDLE);
  assert_status(zx_port_cancel(port, no_wait, 0), ZX_ERR_ACCESS_DENIED);
  assert_status(zx_port_cancel(port, port, 0), ZX_ERR_ACCESS_DENIED);
  assert_status(zx_port_cancel(port, event, 0), ZX_ERR_NOT_FOUND);

  assert_status(zx_port_cancel_key(dead, 1, 0), ZX_ERR_INVALID_ARGS);
  assert_status(zx_port_cancel_key(dead, 0, 0), ZX_ERR_BAD_HANDLE);
  assert_status(zx_port_cancel_key(event, 0, 0), ZX_ERR_WRONG_TYPE);
  assert_status(zx_port_cancel_key(no_write, 0, 0), ZX_ERR_ACCESS_DENIED);
  assert_status(zx_port_cancel_key(port, 0, 0), ZX_ERR_NOT_FOUND);
  const zx_handle_t all[] = {event, port, no_write, no_wait};
  assert_ok(zx_handle_close_many(all, 4));
}

/* 8.4 */
static void cancel_drops_pending_and_queued_of_its_handle_and_key(void** state) {
  (void)state;
  const zx_handle_t port = make_port();
  const zx_handle_t elsewhere = make_port();
  const zx_handle_t event = make_event();
  const zx_handle_t other = duplicate_with(event, ZX_RIGHT_SAME_RIGHTS);
  /* Three that are to go: one queued, two pending. */
  assert_ok(zx_object_wait_async(event, port, 1, ZX_USER_SIGNAL_0, 0));
  assert_ok(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
  assert_ok(zx_object_wait_async(event, port, 1, ZX_EVENT_SIGNALED, 0));
  assert_ok(zx_object_wait_async(event, port, 1, ZX_EVENT_SIGNALED, 0));
  /* And what has to stay: another key, another handle, another port, other packets. */
  assert_ok(zx_object_wait_async(event, port, 2, ZX_EVENT_SIGNALED, 0));
  assert_ok(zx_object_wait_async(other, port, 1, ZX_USER_SIGNAL_0, 0));
  assert_ok(zx_object_wait_async(other, port, 1, ZX_EVENT_SIGNALED, 0));
  assert_ok(zx_object_wait_async(event, elsewhere, 1, ZX_EVENT_SIGNALED, 0));
  queue_packet(port, 1);

  assert_ok(zx_port_cancel(port, event, 1));
  assert_status(zx_port_cancel(port, event, 1), ZX_ERR_NOT_FOUND);
  assert_int_equal(take_packet(port).type, ZX_PKT_TYPE_SIGNAL_ONE); /* other's */
  assert_int_equal(take_packet(port).type, ZX_PKT_TYPE_USER);
  assert_port_empty(port);
  assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
  assert_int_equal(take_packet(port).key, 1); /* other's: newest registration first */
  assert_int_equal(take_packet(port).key, 2);
  assert_port_empty(port);
  (void)take_packet(elsewhere);
  const zx_handle_t all[] = {event, other, port, elsewhere};
  assert_ok(zx_handle_close_many(all, 4));
}

/* 8.4 */
static void cancel_finds_either_kind_alone(void** state) {
  (void)state;
  const zx_handle_t port = make_port();
  const zx_handle_t event = make_event();
  assert_ok(zx_object_wait_async(event, port, 1, ZX_EVENT_SIGNALED, 0));
  assert_ok(zx_port_cancel(port, event, 1));
  assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
  assert_port_empty(port);
  assert_ok(zx_object_wait_async(event, port, 1, ZX_EVENT_SIGNALED, 0));
  assert_ok(zx_port_cancel(port, event, 1));
  assert_port_empty(port);
  close_handle(event);
  close_handle(port);
}

/* 8.4 */
static void cancel_does_not_touch_user_packets(void** state) {
  (void)state;
  const zx_handle_t port = make_port();
  const zx_handle_t event = make_event();
  queue_packet(port, 5);
  assert_status(zx_port_cancel(port, event, 5), ZX_ERR_NOT_FOUND);
  assert_int_equal(take_packet(port).key, 5);
  close_handle(event);
  close_handle(port);
}

/* 8.4 */
static void cancel_key_drops_of_all_sources(void** state) {
  (void)state;
  const zx_handle_t port = make_port();
  const zx_handle_t events[2] = {make_event(), make_event()};
  assert_ok(zx_object_signal(events[0], 0, ZX_USER_SIGNAL_0));
  for (uint64_t key = 1; key <= 2; key++) {
    assert_ok(zx_object_wait_async(events[0], port, key, ZX_USER_SIGNAL_0, 0));
    assert_ok(zx_object_wait_async(events[0], port, key, ZX_EVENT_SIGNALED, 0));
    assert_ok(zx_object_wait_async(events[1], port, key, ZX_EVENT_SIGNALED, 0));
    queue_packet(port, key);
  }
  assert_ok(zx_port_cancel_key(port, 0, 1));
  assert_status(zx_port_cancel_key(port, 0, 1), ZX_ERR_NOT_FOUND);
  assert_ok(zx_object_signal(events[0], 0, ZX_EVENT_SIGNALED));
  assert_ok(zx_object_signal(events[1], 0, ZX_EVENT_SIGNALED));
  const zx_packet_type_t types[] = {ZX_PKT_TYPE_SIGNAL_ONE, ZX_PKT_TYPE_USER,
                                    ZX_PKT_TYPE_SIGNAL_ONE, ZX_PKT_TYPE_SIGNAL_ONE};
  for (size_t i = 0; i < 4; i++) {
    const zx_port_packet_t packet = take_packet(port);
    assert_int_equal(packet.key, 2);
    assert_int_equal(packet.type, types[i]);
  }
  assert_port_empty(port);
  const zx_handle_t all[] = {port, events[0], events[1]};
  assert_ok(zx_handle_close_many(all, 3));
}

/* 8.4 */
static void cancel_key_finds_each_kind_alone(void** state) {
  (void)state;
  const zx_handle_t port = make_port();
  const zx_handle_t event = make_event();
  queue_packet(port, 1);
  assert_ok(zx_port_cancel_key(port, 0, 1));
  assert_ok(zx_object_wait_async(event, port, 1, ZX_EVENT_SIGNALED, 0));
  assert_ok(zx_port_cancel_key(port, 0, 1));
  assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
  assert_port_empty(port);
  assert_ok(zx_object_wait_async(event, port, 1, ZX_EVENT_SIGNALED, 0));
  assert_ok(zx_port_cancel_key(port, 0, 1));
  assert_port_empty(port);
  close_handle(event);
  close_handle(port);
}

/* ---- Limits ---- */

#define USER_PACKETS_MAX 4097

static void fill(zx_handle_t port) {
  for (uint64_t key = 0; key < USER_PACKETS_MAX; key++) {
    queue_packet(port, key);
  }
}

/* 8.5 */
static void full_port_refuses_user_packets_until_one_is_taken(void** state) {
  (void)state;
  const zx_handle_t port = make_port();
  const zx_port_packet_t packet = {.key = 12345};
  fill(port);
  assert_status(zx_port_queue(port, &packet), ZX_ERR_SHOULD_WAIT);
  assert_int_equal(take_packet(port).key, 0);
  assert_ok(zx_port_queue(port, &packet));
  assert_status(zx_port_queue(port, &packet), ZX_ERR_SHOULD_WAIT);
  for (uint64_t key = 1; key < USER_PACKETS_MAX; key++) {
    assert_int_equal(take_packet(port).key, key);
  }
  assert_int_equal(take_packet(port).key, 12345); /* and the refused one was dropped */
  assert_port_empty(port);
  close_handle(port);
}

/* 8.5 */
static void cancelling_makes_room(void** state) {
  (void)state;
  const zx_handle_t port = make_port();
  const zx_port_packet_t packet = {.key = 12345};
  fill(port);
  assert_ok(zx_port_cancel_key(port, 0, 77));
  assert_ok(zx_port_queue(port, &packet));
  assert_status(zx_port_queue(port, &packet), ZX_ERR_SHOULD_WAIT);
  close_handle(port);
}

/* 8.5 */
static void full_port_still_takes_signal_packets(void** state) {
  (void)state;
  const zx_handle_t port = make_port();
  const zx_handle_t event = make_event();
  fill(port);
  for (int i = 0; i < 5000; i++) {
    assert_ok(zx_object_wait_async(event, port, 1, ZX_EVENT_SIGNALED, 0));
  }
  assert_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
  for (uint64_t key = 0; key < USER_PACKETS_MAX; key++) {
    assert_int_equal(take_packet(port).type, ZX_PKT_TYPE_USER);
  }
  for (int i = 0; i < 5000; i++) {
    assert_int_equal(take_packet(port).type, ZX_PKT_TYPE_SIGNAL_ONE);
  }
  assert_port_empty(port);
  close_handle(event);
  close_handle(port);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(create_takes_one_option),
      cmocka_unit_test(queue_checks_in_order),
      cmocka_unit_test(wait_checks_in_order),
      cmocka_unit_test(null_packet_is_found_at_delivery_and_the_packet_is_gone),
      cmocka_unit_test(queue_overwrites_the_type_and_copies_the_rest),
      cmocka_unit_test(packet_wins_over_a_passed_deadline),
      cmocka_unit_test(wait_does_not_time_out_before_its_deadline),
      cmocka_unit_test(packets_of_all_kinds_come_in_order),
      cmocka_unit_test(packet_wakes_a_blocked_receiver),
      cmocka_unit_test(each_packet_goes_to_exactly_one_receiver),
      cmocka_unit_test(closing_the_port_does_not_wake_a_receiver),
      cmocka_unit_test(replacing_the_port_does_not_wake_a_receiver),
      cmocka_unit_test(closing_the_port_drops_its_packets),
      cmocka_unit_test(cancel_checks_in_order),
      cmocka_unit_test(cancel_drops_pending_and_queued_of_its_handle_and_key),
      cmocka_unit_test(cancel_finds_either_kind_alone),
      cmocka_unit_test(cancel_does_not_touch_user_packets),
      cmocka_unit_test(cancel_key_drops_of_all_sources),
      cmocka_unit_test(cancel_key_finds_each_kind_alone),
      cmocka_unit_test(full_port_refuses_user_packets_until_one_is_taken),
      cmocka_unit_test(cancelling_makes_room),
      cmocka_unit_test(full_port_still_takes_signal_packets),
  };
  return cmocka_run_group_tests_name("port", tests, NULL, NULL);
}
