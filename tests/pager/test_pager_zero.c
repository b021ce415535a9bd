/* SPDX-License-Identifier: BSD-3-Clause */
/* ZX_VMO_OP_ZERO on pager VMOs: pager.md 8.6, 5.2. */
#include "fixture.h"
#include "worker.h"

static void zero_bytes(struct root* v, uint64_t offset, uint64_t length) {
  check_ok(zx_vmo_op_range(v->vmo, ZX_VMO_OP_ZERO, offset, length, NULL, 0));
}

/* pager.md 8.6 */
BOTH_WAYS(zeroing_whole_pages_asks_for_nothing) {
  struct root* v = make_root(8);
  const uint64_t before = waits_now();
  zero_bytes(v, PAGE, 3 * PAGE);
  check_equal(waits_now(), before);
  expect_nothing();
  expect_zero_pages(via, v, 1, 3);
  expect_absent(v, 0);
  expect_absent(v, 4);
}

/* pager.md 8.6: the whole of it at once */
BOTH_WAYS(zeroing_the_whole_vmo_asks_for_nothing) {
  struct root* v = make_root(600);
  supply(v, 10, 20, TAG);
  zero_bytes(v, 0, 600 * PAGE);
  expect_zero_pages(via, v, 0, 600);
  check_equal(committed_pages(v->vmo), 0);
  expect_nothing();
}

/* pager.md 8.6, 5.2 */
BOTH_WAYS(zeroing_answers_who_waits_with_zeros) {
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(via, v, 2);
  expect_read(v, 2, 1);
  zero_bytes(v, 2 * PAGE, PAGE);
  expect_byte(t1, 0);
  expect_nothing();
}

/* pager.md 8.6: a store that waited goes on over the zeros */
BOTH_WAYS(zeroing_answers_a_write_that_waits) {
  struct root* v = make_root(8);
  struct worker* t1 = start_poke(via, v, 2, 0xee);
  expect_read(v, 2, 1);
  zero_bytes(v, 2 * PAGE, PAGE);
  expect_ok(t1);
  uint8_t bytes[2];
  check_ok(zx_vmo_read(v->vmo, bytes, 2 * PAGE, 2));
  check_equal(bytes[0], 0xee);
  check_equal(bytes[1], 0);
  expect_nothing();
}

/* pager.md 5.2, 9.2 */
BOTH_WAYS(an_unread_packet_goes_when_its_page_is_zeroed) {
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(via, v, 2);
  await_waiting(t1);
  zero_bytes(v, 2 * PAGE, PAGE);
  expect_byte(t1, 0);
  expect_nothing();
}

/* pager.md 5.2: zeroed pages come off the pending count */
SCENARIO(zeroed_pages_count_as_supplied) {
  struct root* v = make_root(8);
  struct worker* t1 = start_commit(v, 0, 4);
  expect_read(v, 0, 4);
  zero_bytes(v, PAGE, 2 * PAGE);
  expect_waiting(t1);
  supply_waking(v, 0, 1, TAG, 0);
  expect_waiting(t1);
  supply_waking(v, 3, 1, TAG, 1);
  expect_ok(t1);
  expect_nothing();
}

/* pager.md 8.6 */
SCENARIO(zeroing_part_of_an_absent_page_asks_for_it) {
  struct root* v = make_root(8);
  struct worker* t1 = start_op(v->vmo, ZX_VMO_OP_ZERO, 2 * PAGE + 10, 20);
  expect_read(v, 2, 1);
  expect_waiting(t1);
  supply(v, 2, 1, TAG);
  expect_ok(t1);
  expect_nothing();
  uint8_t bytes[PAGE];
  check_ok(zx_vmo_read(v->vmo, bytes, 2 * PAGE, PAGE));
  for (uint64_t i = 0; i < PAGE; i++) {
    check_equal(bytes[i], i >= 10 && i < 30 ? 0 : content_byte(TAG, 2, i));
  }
}

/* pager.md 8.6: first the front, then the back, then the pages between */
SCENARIO(zeroing_asks_for_its_front_then_for_its_back) {
  struct root* v = make_root(8);
  struct worker* between = start_read_pages(v, 2, 1);
  expect_read(v, 2, 1);
  struct worker* t1 = start_op(v->vmo, ZX_VMO_OP_ZERO, PAGE + 100, 3 * PAGE);
  expect_read(v, 1, 1);
  expect_nothing();
  supply(v, 1, 1, TAG);
  expect_read(v, 4, 1);
  expect_waiting(t1);
  expect_waiting(between);
  supply(v, 4, 1, TAG);
  expect_ok(t1);
  expect_ok(between);
  expect_zeros(between, 2, 1);
  expect_zero_pages(VIA_CALLS, v, 2, 2);
  expect_nothing();
  uint8_t bytes[PAGE];
  check_ok(zx_vmo_read(v->vmo, bytes, PAGE, PAGE));
  for (uint64_t i = 0; i < PAGE; i++) {
    check_equal(bytes[i], i < 100 ? content_byte(TAG, 1, i) : 0);
  }
  check_ok(zx_vmo_read(v->vmo, bytes, 4 * PAGE, PAGE));
  for (uint64_t i = 0; i < PAGE; i++) {
    check_equal(bytes[i], i < 100 ? 0 : content_byte(TAG, 4, i));
  }
}

/* pager.md 8.6: across one border, with no whole page between */
SCENARIO(zeroing_across_a_border_asks_for_both_pages) {
  struct root* v = make_root(8);
  struct worker* t1 = start_op(v->vmo, ZX_VMO_OP_ZERO, 2 * PAGE - 8, 16);
  expect_read(v, 1, 1);
  supply(v, 1, 1, TAG);
  expect_read(v, 2, 1);
  supply(v, 2, 1, TAG);
  expect_ok(t1);
  expect_nothing();
}

/* pager.md 6: ZERO returns the code; pages between are not touched before */
SCENARIO(zeroing_fails_with_its_front) {
  struct root* v = make_root(8);
  struct worker* t1 = start_op(v->vmo, ZX_VMO_OP_ZERO, PAGE + 100, 3 * PAGE);
  expect_read(v, 1, 1);
  fail_pages(v, 1, 1, ZX_ERR_IO);
  expect_status(t1, ZX_ERR_IO);
  expect_absent(v, 2);
  expect_nothing();
}

/* pager.md 8.6: parts of present pages need no pager */
BOTH_WAYS(zeroing_part_of_a_present_page_asks_for_nothing) {
  struct root* v = make_root(8);
  supply(v, 2, 1, TAG);
  supply_zeros(v, 3, 1);
  zero_bytes(v, 2 * PAGE, 10);
  zero_bytes(v, 3 * PAGE + 5, 10);
  expect_nothing();
  expect_byte(start_touch(via, v, 2), 0);
  expect_zero_pages(via, v, 3, 1);
}

/* pager.md 1, 8.6: pages become part of an interval, their memory is released */
BOTH_WAYS(zeroing_present_pages_releases_them) {
  struct root* v = make_root(8);
  supply(v, 0, 8, TAG);
  expect_ok(start_poke(via, v, 3, 0xee));
  expect_ok(start_touch(via, v, 4));
  zero_bytes(v, 2 * PAGE, 4 * PAGE);
  check_equal(committed_pages(v->vmo), 4);
  expect_pages(via, v, 0, 2, TAG);
  expect_zero_pages(via, v, 2, 4);
  expect_pages(via, v, 6, 2, TAG);
  expect_nothing();
}

/* pager.md 8.6: seen through a mapping that showed the old bytes */
SCENARIO(zeroing_is_seen_through_mappings_at_once) {
  need_mappings();
  struct root* v = make_root(4);
  uint8_t* first = map_vmo(v->vmo, 0, 4 * PAGE);
  uint8_t* second = map_vmo(v->vmo, 0, 4 * PAGE);
  supply(v, 0, 4, TAG);
  expect_byte(start_load(first + PAGE), content_byte(TAG, 1, 0));
  expect_ok(start_store(second + PAGE, 0xee));
  zero_bytes(v, PAGE, PAGE);
  expect_byte(start_load(first + PAGE), 0);
  expect_byte(start_load(second + PAGE), 0);
  expect_ok(start_store(first + PAGE, 0xdd));
  expect_byte(start_load(second + PAGE), 0xdd);
  expect_nothing();
}

/* pager.md 1: a zero interval can be written to; the rest of the page stays zero */
BOTH_WAYS(a_zeroed_page_can_be_written_to) {
  struct root* v = make_root(8);
  zero_bytes(v, 0, 8 * PAGE);
  expect_ok(start_poke(via, v, 4, 0xee));
  expect_nothing();
  uint8_t bytes[PAGE];
  check_ok(zx_vmo_read(v->vmo, bytes, 4 * PAGE, PAGE));
  check_equal(bytes[0], 0xee);
  check_true(is_filled_with(bytes + 1, 0, PAGE - 1));
  expect_zero_pages(via, v, 3, 1);
  expect_zero_pages(via, v, 5, 1);
  check_equal(committed_pages(v->vmo), 1);
}

/* pager.md 8.1, 8.6: on a detached VMO whole pages can be zeroed, and read again */
BOTH_WAYS(whole_pages_can_be_zeroed_after_a_detach) {
  struct root* v = make_root(4);
  detach(v);
  zero_bytes(v, PAGE, PAGE);
  expect_byte(start_touch(via, v, 1), 0);
  expect_failed(start_touch(via, v, 0), ZX_ERR_BAD_STATE);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_BOTH_WAYS(zeroing_whole_pages_asks_for_nothing),
      TEST_BOTH_WAYS(zeroing_the_whole_vmo_asks_for_nothing),
      TEST_BOTH_WAYS(zeroing_answers_who_waits_with_zeros),
      TEST_BOTH_WAYS(zeroing_answers_a_write_that_waits),
      TEST_BOTH_WAYS(an_unread_packet_goes_when_its_page_is_zeroed),
      TEST(zeroed_pages_count_as_supplied),
      TEST(zeroing_part_of_an_absent_page_asks_for_it),
      TEST(zeroing_asks_for_its_front_then_for_its_back),
      TEST(zeroing_across_a_border_asks_for_both_pages),
      TEST(zeroing_fails_with_its_front),
      TEST_BOTH_WAYS(zeroing_part_of_a_present_page_asks_for_nothing),
      TEST_BOTH_WAYS(zeroing_present_pages_releases_them),
      TEST(zeroing_is_seen_through_mappings_at_once),
      TEST_BOTH_WAYS(a_zeroed_page_can_be_written_to),
      TEST_BOTH_WAYS(whole_pages_can_be_zeroed_after_a_detach),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
