/* SPDX-License-Identifier: BSD-3-Clause */
/* How VMOs, pagers and ports end by closing: pager.md 8.2 to 8.4, scenarios 35 to 38. */
#include "fixture.h"
#include "worker.h"

/* ---- The last reference to a VMO ---- */

/* pager.md 8.2: queued before the call that dropped it returns */
SCENARIO(closing_the_last_handle_sends_complete) {
  struct root* v = make_root(8);
  supply(v, 0, 2, TAG);
  drop(&v->vmo);
  expect_complete(v);
  expect_nothing();
}

/* pager.md 8.2: the packet is there when zx_handle_close returns, so a poll finds it */
SCENARIO(complete_is_in_the_port_when_the_close_returns) {
  struct root* v = make_root(8);
  drop(&v->vmo);
  zx_port_packet_t packet;
  check_ok(zx_port_wait(fx.port, ZX_TIME_INFINITE_PAST, &packet));
  check_equal(packet.page_request.command, ZX_PAGER_VMO_COMPLETE);
}

/* pager.md 8.2 */
SCENARIO(a_vmo_lives_until_its_last_handle_is_closed) {
  struct root* v = make_root(8);
  zx_handle_t second = duplicate(v->vmo);
  drop(&v->vmo);
  expect_nothing();
  drop(&second);
  expect_complete(v);
}

/* pager.md 13.35 */
SCENARIO(a_vmo_lives_until_its_last_mapping_is_gone) {
  need_mappings();
  struct root* v = make_root(8);
  uint8_t* first = map_vmo(v->vmo, 0, 8 * PAGE);
  uint8_t* second = map_vmo(v->vmo, 4 * PAGE, 2 * PAGE);
  supply(v, 5, 1, TAG);
  drop(&v->vmo);
  expect_nothing();
  unmap(first, 8 * PAGE);
  expect_nothing();
  expect_byte(start_load(second + PAGE), content_byte(TAG, 5, 0));
  unmap(second, PAGE);
  expect_nothing();
  unmap(second + PAGE, PAGE);
  expect_complete(v);
  expect_nothing();
}

/* pager.md 8.2: the pager works as before for a VMO that only a mapping holds */
SCENARIO(a_mapping_without_a_handle_still_asks) {
  need_mappings();
  struct root* v = make_root(8);
  const uint8_t* at = map_vmo(v->vmo, 0, 8 * PAGE);
  drop(&v->vmo);
  /* Nobody can answer without a handle, but closing the pager ends the request. */
  struct worker* t1 = start_load(at + 2 * PAGE);
  expect_read(v, 2, 1);
  expect_waiting(t1);
  drop(&fx.pager);
  expect_sigbus(t1);
  expect_nothing();
}

/* pager.md 8.2 */
SCENARIO(closing_a_handle_does_not_disturb_a_read_through_it) {
  struct root* v = make_root(8);
  zx_handle_t second = duplicate(v->vmo);
  struct worker* t1 = start_read(second, 2 * PAGE, PAGE);
  expect_read(v, 2, 1);
  drop(&second);
  expect_waiting(t1);
  supply(v, 2, 1, TAG);
  expect_ok(t1);
  expect_content(t1, 2, 1, TAG);
  expect_nothing();
}

/* pager.md 8.2: a call in progress keeps the VMO */
SCENARIO(a_call_in_progress_keeps_the_vmo) {
  struct root* v = make_root(8);
  struct worker* t1 = start_read_pages(v, 2, 1);
  expect_read(v, 2, 1);
  drop(&v->vmo);
  expect_waiting(t1);
  expect_nothing();
  drop(&fx.pager);
  expect_status(t1, ZX_ERR_BAD_STATE);
  expect_nothing();
}

/* pager.md 8.2: the end of the VMO ends the request of a waiter whose mapping is gone */
SCENARIO(an_unread_packet_goes_when_its_vmo_ends) {
  need_mappings();
  struct root* v = make_root(8);
  uint8_t* at = map_vmo(v->vmo, 0, 8 * PAGE);
  struct worker* t1 = start_load(at);
  await_waiting(t1);
  unmap(at, 8 * PAGE);
  drop(&v->vmo);
  /* 9.2: what was unread is taken back. */
  expect_complete(v);
  expect_nothing();
  expect_sigsegv(t1);
}

/* pager.md 8.2, 2: keys tell the VMOs apart, in the order of their ends */
SCENARIO(each_vmo_sends_its_own_complete) {
  struct root* a = make_root(1);
  struct root* b = make_root(1);
  struct root* c = make_root(1);
  drop(&b->vmo);
  drop(&c->vmo);
  drop(&a->vmo);
  expect_complete(b);
  expect_complete(c);
  expect_complete(a);
  expect_nothing();
}

/* ---- The pager ---- */

/* pager.md 13.36 */
BOTH_WAYS(closing_the_pager_fails_who_waits_and_keeps_pages) {
  struct root* v = make_root(8);
  supply(v, 1, 1, TAG);
  struct worker* t1 = start_touch(via, v, 0);
  await_waiting(t1);
  drop(&fx.pager);
  expect_failed(t1, ZX_ERR_BAD_STATE);
  expect_nothing();
  expect_pages(via, v, 1, 1, TAG);
}

/* pager.md 8.3: present pages of every sort stay, absent ones fail */
BOTH_WAYS(a_closed_pager_leaves_what_is_present) {
  struct root* v = make_root(8);
  supply(v, 0, 2, TAG);
  supply_zeros(v, 2, 1);
  expect_ok(start_poke(via, v, 1, 0xee));
  check_ok(zx_vmo_op_range(v->vmo, ZX_VMO_OP_ZERO, 3 * PAGE, PAGE, NULL, 0));
  drop(&fx.pager);
  expect_pages(via, v, 0, 1, TAG);
  expect_byte(start_touch(via, v, 1), 0xee);
  expect_zero_pages(via, v, 2, 2);
  expect_failed(start_touch(via, v, 4), ZX_ERR_BAD_STATE);
  expect_failed(start_poke(via, v, 5, 1), ZX_ERR_BAD_STATE);
  expect_ok(start_poke(via, v, 0, 0xdd));
  expect_byte(start_touch(via, v, 0), 0xdd);
}

/* pager.md 8.3: no COMPLETE, also not at later closes */
SCENARIO(a_closed_pager_sends_no_complete) {
  struct root* a = make_root(8);
  struct root* b = make_root(8);
  drop(&fx.pager);
  expect_nothing();
  drop(&a->vmo);
  drop(&b->vmo);
  expect_nothing();
}

/* pager.md 13.37 */
SCENARIO(an_unread_complete_goes_with_the_pager) {
  struct root* a = make_root(8);
  struct root* b = make_root(8);
  detach(a);
  drop(&b->vmo);
  drop(&fx.pager);
  expect_nothing();
}

/* pager.md 8.3: unread READ packets go, those of others stay */
BOTH_WAYS(unread_packets_go_with_their_pager) {
  const zx_handle_t other_pager = make_pager();
  struct root* a = make_root(8);
  struct root* b = make_root_on(other_pager, fx.port, 0, 99, 8 * PAGE);
  struct worker* t1 = start_touch(via, a, 0);
  await_waiting(t1);
  struct worker* t2 = start_touch(via, b, 0);
  await_waiting(t2);
  queue_user_packet(fx.port, 1234);
  drop(&fx.pager);
  expect_failed(t1, ZX_ERR_BAD_STATE);
  expect_read(b, 0, 1);
  expect_user_packet(fx.port, 1234);
  expect_nothing();
  supply(b, 0, 1, TAG);
  expect_ok(t2);
}

/* pager.md 8.3: a request whose packet was taken ends as well */
BOTH_WAYS(closing_the_pager_ends_requests_whose_packets_were_taken) {
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(via, v, 0);
  expect_read(v, 0, 1);
  drop(&fx.pager);
  expect_failed(t1, ZX_ERR_BAD_STATE);
}

/* pager.md 8.3: the clean pages of all its VMOs */
SCENARIO(a_closed_pager_cuts_off_each_of_its_vmos) {
  struct root* roots[16];
  struct worker* threads[16];
  for (unsigned i = 0; i < 16; i++) {
    roots[i] = make_root(2);
    supply(roots[i], 0, 1, TAG + i);
    threads[i] = start_touch(VIA_CALLS, roots[i], 1);
    await_waiting(threads[i]);
  }
  drop(&fx.pager);
  for (unsigned i = 0; i < 16; i++) {
    expect_status(threads[i], ZX_ERR_BAD_STATE);
    expect_pages(VIA_CALLS, roots[i], 0, 1, TAG + i);
  }
  expect_nothing();
}

/* pager.md 8.3: the VMO stays a pager's VMO, of a pager that is gone */
SCENARIO(another_pager_cannot_take_over) {
  struct root* v = make_root(2);
  drop(&fx.pager);
  v->pager = make_pager();
  check_status(try_supply(v, 0, 1, TAG), ZX_ERR_INVALID_ARGS);
  check_status(zx_pager_detach_vmo(v->pager, v->vmo), ZX_ERR_INVALID_ARGS);
}

/* ---- The port ---- */

/* pager.md 13.38 */
BOTH_WAYS(without_a_port_a_supply_still_answers) {
  struct root* v = make_root(8);
  drop(&fx.port);
  struct worker* t1 = start_touch(via, v, 0);
  await_waiting(t1);
  expect_waiting(t1);
  supply(v, 0, 1, TAG);
  expect_byte(t1, content_byte(TAG, 0, 0));
}

/* pager.md 8.4: requests made before the port was closed stand too */
BOTH_WAYS(closing_the_port_leaves_requests_outstanding) {
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(via, v, 0);
  expect_read(v, 0, 1);
  struct worker* t2 = start_touch(via, v, 1);
  await_waiting(t2);
  drop(&fx.port);
  expect_waiting(t1);
  expect_waiting(t2);
  supply(v, 0, 2, TAG);
  expect_byte(t1, content_byte(TAG, 0, 0));
  expect_byte(t2, content_byte(TAG, 1, 0));
}

/* pager.md 8.4: failure, detach and pager close still end them */
BOTH_WAYS(without_a_port_requests_end_in_all_other_ways) {
  struct root* failed = make_root(8);
  struct root* detached = make_root(8);
  struct root* closed = make_root(8);
  drop(&fx.port);
  struct worker* t1 = start_touch(via, failed, 0);
  await_waiting(t1);
  struct worker* t2 = start_touch(via, detached, 0);
  await_waiting(t2);
  struct worker* t3 = start_touch(via, closed, 0);
  await_waiting(t3);
  fail_pages(failed, 0, 1, ZX_ERR_IO);
  expect_failed(t1, ZX_ERR_IO);
  detach(detached);
  expect_failed(t2, ZX_ERR_BAD_STATE);
  expect_waiting(t3);
  drop(&fx.pager);
  expect_failed(t3, ZX_ERR_BAD_STATE);
}

/* pager.md 8.4: a second handle keeps the port */
BOTH_WAYS(a_second_handle_keeps_the_port) {
  struct root* v = make_root(8);
  const zx_handle_t second = duplicate(fx.port);
  drop(&fx.port);
  struct worker* t1 = start_touch(via, v, 0);
  expect_packet(second, v->key, ZX_PAGER_VMO_READ, 0, PAGE);
  supply(v, 0, 1, TAG);
  expect_ok(t1);
  expect_empty(second);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(closing_the_last_handle_sends_complete),
      TEST(complete_is_in_the_port_when_the_close_returns),
      TEST(a_vmo_lives_until_its_last_handle_is_closed),
      TEST(a_vmo_lives_until_its_last_mapping_is_gone),
      TEST(a_mapping_without_a_handle_still_asks),
      TEST(closing_a_handle_does_not_disturb_a_read_through_it),
      TEST(a_call_in_progress_keeps_the_vmo),
      TEST(an_unread_packet_goes_when_its_vmo_ends),
      TEST(each_vmo_sends_its_own_complete),
      TEST_BOTH_WAYS(closing_the_pager_fails_who_waits_and_keeps_pages),
      TEST_BOTH_WAYS(a_closed_pager_leaves_what_is_present),
      TEST(a_closed_pager_sends_no_complete),
      TEST(an_unread_complete_goes_with_the_pager),
      TEST_BOTH_WAYS(unread_packets_go_with_their_pager),
      TEST_BOTH_WAYS(closing_the_pager_ends_requests_whose_packets_were_taken),
      TEST(a_closed_pager_cuts_off_each_of_its_vmos),
      TEST(another_pager_cannot_take_over),
      TEST_BOTH_WAYS(without_a_port_a_supply_still_answers),
      TEST_BOTH_WAYS(closing_the_port_leaves_requests_outstanding),
      TEST_BOTH_WAYS(without_a_port_requests_end_in_all_other_ways),
      TEST_BOTH_WAYS(a_second_handle_keeps_the_port),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
