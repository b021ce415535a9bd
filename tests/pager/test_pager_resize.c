/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_vmo_set_size on pager VMOs: pager.md 8.5, scenarios 39 to 41, vmo.md 4. */
#include "fixture.h"
#include "worker.h"

static void resize_to(struct root* v, uint64_t pages) {
  check_ok(zx_vmo_set_size(v->vmo, pages * PAGE));
}

/* pager.md 13.39 */
SCENARIO(a_shrink_counts_as_a_supply_of_what_it_cuts_off) {
  struct root* v = make_resizable_root(3);
  struct worker* t1 = start_commit(v, 0, 3);
  expect_read(v, 0, 3);
  supply(v, 2, 1, TAG);
  resize_to(v, 1);
  expect_waiting(t1);
  expect_nothing();
  supply_waking(v, 0, 1, TAG, 1);
  expect_ok(t1);
  expect_nothing();
}

/* pager.md 13.40 */
SCENARIO(a_packet_across_the_new_end_keeps_its_old_length) {
  struct root* v = make_resizable_root(4);
  struct worker* t1 = start_commit(v, 0, 4);
  await_waiting(t1);
  resize_to(v, 2);
  expect_read(v, 0, 4);
  expect_waiting(t1);
  check_status(try_supply(v, 0, 4, TAG), ZX_ERR_OUT_OF_RANGE);
  expect_waiting(t1);
  supply(v, 0, 2, TAG);
  expect_ok(t1);
  expect_nothing();
}

/* pager.md 13.41 */
SCENARIO(a_shrink_into_an_absent_page_asks_for_it) {
  struct root* v = make_resizable_root(3);
  struct worker* t1 = start_set_size(v->vmo, PAGE + 100);
  expect_read(v, 1, 1);
  expect_waiting(t1);
  supply(v, 1, 1, TAG);
  expect_ok(t1);
  expect_nothing();
  uint64_t size = 0;
  check_ok(zx_vmo_get_size(v->vmo, &size));
  check_equal(size, 2 * PAGE);
  uint8_t bytes[PAGE];
  check_ok(zx_vmo_read(v->vmo, bytes, PAGE, PAGE));
  for (uint64_t i = 0; i < PAGE; i++) {
    check_equal(bytes[i], i < 100 ? content_byte(TAG, 1, i) : 0);
  }
}

/* pager.md 4: a size on a page border clears nothing, and so asks for nothing */
SCENARIO(a_resize_to_a_page_border_asks_for_nothing) {
  struct root* v = make_resizable_root(3);
  const uint64_t before = waits_now();
  resize_to(v, 2);
  resize_to(v, 4);
  check_equal(waits_now(), before);
  expect_nothing();
}

/* writeback.md 8.2.17: it succeeds even if the pager fails the page */
SCENARIO(a_shrink_whose_page_fails_succeeds) {
  struct root* v = make_resizable_root(3);
  struct worker* t1 = start_set_size(v->vmo, PAGE + 100);
  expect_read(v, 1, 1);
  fail_pages(v, 1, 1, ZX_ERR_IO);
  expect_ok(t1);
  uint64_t size = 0;
  check_ok(zx_vmo_get_size(v->vmo, &size));
  check_equal(size, 2 * PAGE);
  expect_absent(v, 1);
  expect_nothing();
}

/* pager.md 8.5: a page that is present is cleared without a request */
SCENARIO(a_shrink_into_a_present_page_clears_its_tail) {
  struct root* v = make_resizable_root(3);
  supply(v, 0, 3, TAG);
  check_ok(zx_vmo_set_size(v->vmo, PAGE + 100));
  expect_nothing();
  uint8_t bytes[PAGE];
  check_ok(zx_vmo_read(v->vmo, bytes, PAGE, PAGE));
  for (uint64_t i = 0; i < PAGE; i++) {
    check_equal(bytes[i], i < 100 ? content_byte(TAG, 1, i) : 0);
  }
}

/* pager.md 8.5: requests wholly past the new end are over */
BOTH_WAYS(an_unread_packet_past_the_new_end_goes) {
  struct root* v = make_resizable_root(4);
  struct worker* t1 = start_touch(via, v, 3);
  await_waiting(t1);
  resize_to(v, 2);
  expect_failed(t1, ZX_ERR_OUT_OF_RANGE);
  expect_nothing();
}

/* pager.md 8.5: also one whose packet was taken */
BOTH_WAYS(who_waits_past_the_new_end_fails_at_once) {
  struct root* v = make_resizable_root(4);
  struct worker* load = start_touch(via, v, 3);
  expect_read(v, 3, 1);
  struct worker* store = start_poke(via, v, 2, 1);
  expect_read(v, 2, 1);
  struct worker* stays = start_touch(via, v, 1);
  expect_read(v, 1, 1);
  resize_to(v, 2);
  expect_failed(load, ZX_ERR_OUT_OF_RANGE);
  expect_failed(store, ZX_ERR_OUT_OF_RANGE);
  expect_waiting(stays);
  supply(v, 1, 1, TAG);
  expect_byte(stays, content_byte(TAG, 1, 0));
  expect_nothing();
}

/* pager.md 8.5, table: even if only the tail of the call's range was cut */
SCENARIO(a_read_whose_tail_was_cut_off_fails_once_its_request_is_over) {
  struct root* v = make_resizable_root(4);
  struct worker* t1 = start_read_pages(v, 0, 4);
  expect_read(v, 0, 4);
  resize_to(v, 2);
  expect_waiting(t1);
  supply(v, 0, 2, TAG);
  expect_status(t1, ZX_ERR_OUT_OF_RANGE);
  expect_nothing();
}

/* pager.md 8.5, table */
SCENARIO(a_write_whose_tail_was_cut_off_fails_once_its_request_is_over) {
  struct root* v = make_resizable_root(4);
  struct worker* t1 = start_write(v->vmo, 0, 4 * PAGE, 0xee);
  expect_read(v, 0, 4);
  resize_to(v, 2);
  expect_waiting(t1);
  supply(v, 0, 2, TAG);
  expect_status(t1, ZX_ERR_OUT_OF_RANGE);
  expect_nothing();
}

/* pager.md 8.5, table */
SCENARIO(a_zero_whose_tail_was_cut_off_fails_once_its_request_is_over) {
  struct root* v = make_resizable_root(4);
  struct worker* t1 = start_op(v->vmo, ZX_VMO_OP_ZERO, 100, 3 * PAGE);
  expect_read(v, 0, 1);
  resize_to(v, 2);
  expect_waiting(t1);
  supply(v, 0, 1, TAG);
  expect_status(t1, ZX_ERR_OUT_OF_RANGE);
  expect_nothing();
}

static void op_drops_what_was_cut_off(uint32_t op) {
  struct root* v = make_resizable_root(6);
  struct worker* t1 = start_op(v->vmo, op, 0, 6 * PAGE);
  expect_read(v, 0, 6);
  resize_to(v, 2);
  expect_waiting(t1);
  supply(v, 0, 1, TAG);
  expect_waiting(t1);
  supply(v, 1, 1, TAG);
  expect_ok(t1);
  expect_nothing();
}

/* pager.md 8.5, table: the part past the end is dropped */
SCENARIO(a_commit_drops_what_was_cut_off) { op_drops_what_was_cut_off(ZX_VMO_OP_COMMIT); }
SCENARIO(a_prefetch_drops_what_was_cut_off) { op_drops_what_was_cut_off(ZX_VMO_OP_PREFETCH); }
SCENARIO(always_need_drops_what_was_cut_off) { op_drops_what_was_cut_off(ZX_VMO_OP_ALWAYS_NEED); }

/* pager.md 8.5, table: all of its range past the end */
SCENARIO(a_commit_that_was_cut_off_whole_succeeds) {
  struct root* v = make_resizable_root(6);
  struct worker* t1 = start_commit(v, 3, 2);
  expect_read(v, 3, 2);
  resize_to(v, 2);
  expect_ok(t1);
  expect_nothing();
}

/* pager.md 8.5: a waiter that joined, and whose own page remains, goes on after the answer */
SCENARIO(who_joined_a_request_across_the_new_end_goes_on) {
  need_mappings();
  struct root* v = make_resizable_root(4);
  map_of(v);
  struct worker* t1 = start_commit(v, 0, 4);
  expect_read(v, 0, 4);
  struct worker* stays = start_touch(VIA_MAPPING, v, 1);
  await_waiting(stays);
  struct worker* cut = start_touch(VIA_MAPPING, v, 3);
  await_waiting(cut);
  resize_to(v, 2);
  expect_waiting(stays);
  supply(v, 0, 2, TAG);
  expect_ok(t1);
  expect_byte(stays, content_byte(TAG, 1, 0));
  expect_sigbus(cut);
  expect_nothing();
}

/* pager.md 8.5 */
BOTH_WAYS(the_grown_part_is_zero_and_asks_for_nothing) {
  struct root* v = make_resizable_root(2);
  resize_to(v, 4);
  v->pages = 4;
  expect_zero_pages(via, v, 2, 2);
  check_equal(committed_pages(v->vmo), 0);
  expect_absent(v, 1);
  expect_nothing();
}

/* pager.md 8.5, 1: growth is a zero interval, so a supply does not replace it */
BOTH_WAYS(the_grown_part_refuses_supplies) {
  struct root* v = make_resizable_root(2);
  resize_to(v, 4);
  v->pages = 4;
  supply(v, 1, 3, TAG);
  expect_pages(via, v, 1, 1, TAG);
  expect_zero_pages(via, v, 2, 2);
}

/* vmo.md 4: shrunk and grown again, the old bytes are gone, and nothing is asked for */
BOTH_WAYS(a_page_cut_off_and_grown_again_is_zero) {
  struct root* v = make_resizable_root(4);
  supply(v, 0, 4, TAG);
  expect_ok(start_poke(via, v, 3, 0xee));
  resize_to(v, 2);
  resize_to(v, 4);
  expect_pages(via, v, 0, 2, TAG);
  expect_zero_pages(via, v, 2, 2);
  expect_nothing();
}

/* vmar.md 7.1: the end follows the size at each access, the mapping stays */
SCENARIO(a_mapping_follows_the_size) {
  need_mappings();
  struct root* v = make_resizable_root(4);
  uint8_t* at = map_vmo(v->vmo, 0, 8 * PAGE);
  supply(v, 0, 4, TAG);
  expect_ok(start_load(at + 3 * PAGE));
  expect_sigbus(start_load(at + 4 * PAGE));
  resize_to(v, 2);
  expect_byte(start_load(at + PAGE), content_byte(TAG, 1, 0));
  expect_sigbus(start_load(at + 2 * PAGE + 7));
  expect_sigbus(start_store(at + 3 * PAGE, 1));
  resize_to(v, 3);
  expect_byte(start_load(at + 2 * PAGE), 0);
  expect_sigbus(start_load(at + 3 * PAGE));
  resize_to(v, 6);
  expect_byte(start_load(at + 3 * PAGE), 0);
  expect_ok(start_store(at + 5 * PAGE, 0xee));
  expect_byte(start_load(at + 5 * PAGE), 0xee);
  expect_sigbus(start_load(at + 6 * PAGE));
  expect_nothing();
}

/* pager.md 8.5: writes to the grown part need no pager */
BOTH_WAYS(the_grown_part_can_be_written_to) {
  struct root* v = make_resizable_root(1);
  resize_to(v, 3);
  v->pages = 3;
  expect_ok(start_poke(via, v, 2, 0xee));
  expect_byte(start_touch(via, v, 2), 0xee);
  expect_byte(start_touch(via, v, 1), 0);
  expect_nothing();
}

/* pager.md 8.5: to nothing at all */
BOTH_WAYS(a_shrink_to_nothing_ends_every_request) {
  struct root* v = make_resizable_root(4);
  struct worker* t1 = start_touch(via, v, 0);
  expect_read(v, 0, 1);
  struct worker* t2 = start_touch(via, v, 3);
  await_waiting(t2);
  resize_to(v, 0);
  expect_failed(t1, ZX_ERR_OUT_OF_RANGE);
  expect_failed(t2, ZX_ERR_OUT_OF_RANGE);
  expect_nothing();
}

static struct root* stream_root;

static zx_status_t set_stream_size(void* size) {
  return zx_vmo_set_stream_size(stream_root->vmo, *(const uint64_t*)size);
}

/* vmo.md 4, pager.md 8.6: what follows the stream size becomes zero; for part of a page it asks */
SCENARIO(a_stream_size_inside_an_absent_page_asks_for_it) {
  struct root* v = make_root(3);
  stream_root = v;
  uint64_t size = PAGE + 100;
  struct worker* t1 = start_call(set_stream_size, &size);
  expect_read(v, 1, 1);
  expect_waiting(t1);
  supply(v, 1, 1, TAG);
  expect_ok(t1);
  expect_nothing();
  expect_zero_pages(VIA_CALLS, v, 2, 1);
  uint8_t bytes[PAGE];
  check_ok(zx_vmo_read(v->vmo, bytes, PAGE, PAGE));
  for (uint64_t i = 0; i < PAGE; i++) {
    check_equal(bytes[i], i < 100 ? content_byte(TAG, 1, i) : 0);
  }
  check_ok(zx_vmo_get_stream_size(v->vmo, &size));
  check_equal(size, PAGE + 100);
  check_ok(zx_vmo_get_size(v->vmo, &size));
  check_equal(size, 3 * PAGE);
  expect_absent(v, 0);
}

/* vmo.md 4: on a page border, or where nothing changes, nothing is asked for */
SCENARIO(a_stream_size_on_a_page_border_asks_for_nothing) {
  struct root* v = make_root(3);
  check_ok(zx_vmo_set_stream_size(v->vmo, 3 * PAGE));
  check_ok(zx_vmo_set_stream_size(v->vmo, PAGE));
  expect_nothing();
  expect_zero_pages(VIA_CALLS, v, 1, 2);
  expect_absent(v, 0);
}

/* vmo.md 4: who may resize */
SCENARIO(a_fixed_root_cannot_be_resized) {
  struct root* v = make_root(2);
  check_status(zx_vmo_set_size(v->vmo, 4 * PAGE), ZX_ERR_UNAVAILABLE);
  struct root* resizable = make_resizable_root(2);
  const zx_handle_t without_resize = duplicate_with(resizable->vmo, ZX_DEFAULT_VMO_RIGHTS);
  check_status(zx_vmo_set_size(without_resize, 4 * PAGE), ZX_ERR_ACCESS_DENIED);
  const zx_handle_t without_write = duplicate_with(resizable->vmo, ZX_RIGHT_READ | ZX_RIGHT_RESIZE);
  check_status(zx_vmo_set_size(without_write, 4 * PAGE), ZX_ERR_ACCESS_DENIED);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(a_shrink_counts_as_a_supply_of_what_it_cuts_off),
      TEST(a_packet_across_the_new_end_keeps_its_old_length),
      TEST(a_shrink_into_an_absent_page_asks_for_it),
      TEST(a_resize_to_a_page_border_asks_for_nothing),
      TEST(a_shrink_whose_page_fails_succeeds),
      TEST(a_shrink_into_a_present_page_clears_its_tail),
      TEST_BOTH_WAYS(an_unread_packet_past_the_new_end_goes),
      TEST_BOTH_WAYS(who_waits_past_the_new_end_fails_at_once),
      TEST(a_read_whose_tail_was_cut_off_fails_once_its_request_is_over),
      TEST(a_write_whose_tail_was_cut_off_fails_once_its_request_is_over),
      TEST(a_zero_whose_tail_was_cut_off_fails_once_its_request_is_over),
      TEST(a_commit_drops_what_was_cut_off),
      TEST(a_prefetch_drops_what_was_cut_off),
      TEST(always_need_drops_what_was_cut_off),
      TEST(a_commit_that_was_cut_off_whole_succeeds),
      TEST(who_joined_a_request_across_the_new_end_goes_on),
      TEST_BOTH_WAYS(the_grown_part_is_zero_and_asks_for_nothing),
      TEST_BOTH_WAYS(the_grown_part_refuses_supplies),
      TEST_BOTH_WAYS(a_page_cut_off_and_grown_again_is_zero),
      TEST(a_mapping_follows_the_size),
      TEST_BOTH_WAYS(the_grown_part_can_be_written_to),
      TEST_BOTH_WAYS(a_shrink_to_nothing_ends_every_request),
      TEST(a_stream_size_inside_an_absent_page_asks_for_it),
      TEST(a_stream_size_on_a_page_border_asks_for_nothing),
      TEST(a_fixed_root_cannot_be_resized),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
