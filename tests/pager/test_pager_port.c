/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets of page requests in their port: pager.md 9, 2, objects.md 8.7. */
#include "fixture.h"
#include "worker.h"

/* objects.md 8.7: A0, U, A5 */
BOTH_WAYS(the_second_request_of_a_vmo_comes_behind_a_user_packet) {
  struct root* a = make_root(8);
  struct worker* t1 = start_touch(via, a, 0);
  await_waiting(t1);
  struct worker* t2 = start_touch(via, a, 5);
  await_waiting(t2);
  queue_user_packet(fx.port, 1234);
  expect_read(a, 0, 1);
  expect_user_packet(fx.port, 1234);
  expect_read(a, 5, 1);
  expect_nothing();
  supply(a, 0, 8, TAG);
  expect_ok(t1);
  expect_ok(t2);
}

/* pager.md 9.4: plain queue order otherwise */
BOTH_WAYS(packets_of_all_sorts_share_the_port_in_order) {
  struct root* a = make_root(8);
  struct root* b = make_root(8);
  struct root* c = make_root(8);
  queue_user_packet(fx.port, 1);
  struct worker* t1 = start_touch(via, b, 2);
  await_waiting(t1);
  queue_user_packet(fx.port, 2);
  drop(&c->vmo);
  struct worker* t2 = start_touch(via, a, 1);
  await_waiting(t2);
  expect_user_packet(fx.port, 1);
  expect_read(b, 2, 1);
  expect_user_packet(fx.port, 2);
  expect_complete(c);
  expect_read(a, 1, 1);
  expect_nothing();
  supply(b, 2, 1, TAG);
  supply(a, 1, 1, TAG);
  expect_ok(t1);
  expect_ok(t2);
}

/* pager.md 9.1: when the packet is taken back the next comes at the tail */
BOTH_WAYS(a_packet_taken_back_makes_room_at_the_tail) {
  struct root* a = make_root(8);
  struct worker* t1 = start_touch(via, a, 0);
  await_waiting(t1);
  struct worker* t2 = start_touch(via, a, 5);
  await_waiting(t2);
  queue_user_packet(fx.port, 1234);
  supply(a, 0, 1, TAG);
  expect_ok(t1);
  expect_user_packet(fx.port, 1234);
  expect_read(a, 5, 1);
  expect_nothing();
  supply(a, 5, 1, TAG);
  expect_ok(t2);
}

/* pager.md 9.1: a queue of many, answered from the back: none is seen */
BOTH_WAYS(requests_answered_before_their_turn_are_never_seen) {
  enum {
    THREADS = 8
  };
  struct root* v = make_root(THREADS);
  struct worker* threads[THREADS];
  for (uint64_t i = 0; i < THREADS; i++) {
    threads[i] = start_touch(via, v, i);
    await_waiting(threads[i]);
  }
  for (uint64_t i = THREADS - 1; i > 0; i--) {
    supply(v, i, 1, TAG);
    expect_byte(threads[i], content_byte(TAG, i, 0));
  }
  expect_read(v, 0, 1);
  expect_nothing();
  supply(v, 0, 1, TAG);
  expect_ok(threads[0]);
}

/* pager.md 9.2: a shrink of the whole queue of a VMO, packet and all */
BOTH_WAYS(a_shrink_takes_the_whole_queue_back) {
  struct root* v = make_resizable_root(4);
  struct worker* threads[4];
  for (uint64_t i = 0; i < 4; i++) {
    threads[i] = start_touch(via, v, i);
    await_waiting(threads[i]);
  }
  check_ok(zx_vmo_set_size(v->vmo, 0));
  for (uint64_t i = 0; i < 4; i++) {
    expect_failed(threads[i], ZX_ERR_OUT_OF_RANGE);
  }
  expect_nothing();
}

/* pager.md 9.3 */
BOTH_WAYS(taking_a_packet_does_not_end_its_request) {
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(via, v, 0);
  expect_read(v, 0, 1);
  expect_waiting(t1);
  expect_nothing();
  supply_waking(v, 0, 1, TAG, 1);
  expect_ok(t1);
}

/* pager.md 2: keys are opaque */
BOTH_WAYS(any_key_comes_back_as_it_was_given) {
  const uint64_t keys[] = {0, 1, UINT64_C(0x8000000000000000), UINT64_MAX};
  for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
    struct root* v = make_root_on(fx.pager, fx.port, 0, keys[i], 2 * PAGE);
    struct worker* t1 = start_touch(via, v, 1);
    expect_packet(fx.port, keys[i], ZX_PAGER_VMO_READ, PAGE, PAGE);
    supply(v, 1, 1, TAG);
    expect_ok(t1);
    detach(v);
    expect_packet(fx.port, keys[i], ZX_PAGER_VMO_COMPLETE, 0, 0);
  }
}

/* pager.md 2: also the same for two VMOs */
BOTH_WAYS(two_vmos_may_have_the_same_key) {
  struct root* a = make_root_on(fx.pager, fx.port, 0, 5, 8 * PAGE);
  struct root* b = make_root_on(fx.pager, fx.port, 0, 5, 8 * PAGE);
  struct worker* t1 = start_touch(via, a, 1);
  await_waiting(t1);
  struct worker* t2 = start_touch(via, b, 2);
  await_waiting(t2);
  expect_read(a, 1, 1);
  expect_read(b, 2, 1);
  supply(b, 2, 1, TAG);
  expect_ok(t2);
  expect_waiting(t1);
  supply(a, 1, 1, TAG);
  expect_ok(t1);
}

/* pager.md 1: each VMO's packets go to its own port */
BOTH_WAYS(vmos_of_one_pager_may_have_ports_of_their_own) {
  const zx_handle_t second = make_port();
  struct root* a = make_root(8);
  struct root* b = make_root_on(fx.pager, second, 0, FIRST_KEY, 8 * PAGE);
  struct worker* t1 = start_touch(via, a, 1);
  await_waiting(t1);
  struct worker* t2 = start_touch(via, b, 2);
  await_waiting(t2);
  expect_read(b, 2, 1);
  expect_empty(second);
  expect_read(a, 1, 1);
  expect_nothing();
  supply(a, 1, 1, TAG);
  supply(b, 2, 1, TAG);
  expect_ok(t1);
  expect_ok(t2);
}

static zx_status_t wait_in_port(void* argument) {
  return zx_port_wait(fx.port, ZX_TIME_INFINITE, argument);
}

/* pager.md 9: a thread that sleeps in zx_port_wait already gets the packet */
BOTH_WAYS(a_thread_asleep_in_the_port_gets_the_packet) {
  struct root* v = make_root(8);
  for (uint64_t page = 0; page < 4; page++) {
    zx_port_packet_t packet;
    struct worker* receiver = start_call(wait_in_port, &packet);
    round_trip();
    check_true(!worker_has_ended(receiver));
    struct worker* t1 = start_touch(via, v, page);
    expect_ok(receiver);
    check_equal(packet.key, v->key);
    check_equal(packet.page_request.command, ZX_PAGER_VMO_READ);
    check_equal(packet.page_request.offset, page * PAGE);
    check_equal(packet.page_request.length, PAGE);
    supply(v, page, 1, TAG);
    expect_byte(t1, content_byte(TAG, page, 0));
  }
  expect_nothing();
}

/* pager.md 9, objects.md 8: several receivers, each packet to one of them */
BOTH_WAYS(each_packet_goes_to_one_of_several_receivers) {
  enum {
    RECEIVERS = 4
  };
  struct root* v = make_root(RECEIVERS);
  zx_port_packet_t packets[RECEIVERS];
  struct worker* receivers[RECEIVERS];
  struct worker* threads[RECEIVERS];
  for (int i = 0; i < RECEIVERS; i++) {
    receivers[i] = start_call(wait_in_port, &packets[i]);
  }
  for (uint64_t i = 0; i < RECEIVERS; i++) {
    threads[i] = start_touch(via, v, i);
  }
  unsigned seen = 0;
  for (int i = 0; i < RECEIVERS; i++) {
    expect_ok(receivers[i]);
    seen |= 1u << (packets[i].page_request.offset / PAGE);
  }
  check_equal(seen, (1u << RECEIVERS) - 1);
  supply(v, 0, RECEIVERS, TAG);
  for (int i = 0; i < RECEIVERS; i++) {
    expect_ok(threads[i]);
  }
  expect_nothing();
}

/* objects.md 8: a deadline passes while requests of other ports are served */
SCENARIO(waiting_in_an_empty_port_times_out) {
  zx_port_packet_t packet;
  check_status(zx_port_wait(fx.port, zx_deadline_after(1000000), &packet), ZX_ERR_TIMED_OUT);
  struct root* v = make_root(1);
  if (fx.probe.mappings_supported) map_of(v);
  check_status(zx_port_wait(fx.port, zx_deadline_after(1000000), &packet), ZX_ERR_TIMED_OUT);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_BOTH_WAYS(the_second_request_of_a_vmo_comes_behind_a_user_packet),
      TEST_BOTH_WAYS(packets_of_all_sorts_share_the_port_in_order),
      TEST_BOTH_WAYS(a_packet_taken_back_makes_room_at_the_tail),
      TEST_BOTH_WAYS(requests_answered_before_their_turn_are_never_seen),
      TEST_BOTH_WAYS(a_shrink_takes_the_whole_queue_back),
      TEST_BOTH_WAYS(taking_a_packet_does_not_end_its_request),
      TEST_BOTH_WAYS(any_key_comes_back_as_it_was_given),
      TEST_BOTH_WAYS(two_vmos_may_have_the_same_key),
      TEST_BOTH_WAYS(vmos_of_one_pager_may_have_ports_of_their_own),
      TEST_BOTH_WAYS(a_thread_asleep_in_the_port_gets_the_packet),
      TEST_BOTH_WAYS(each_packet_goes_to_one_of_several_receivers),
      TEST(waiting_in_an_empty_port_times_out),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
