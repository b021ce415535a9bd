/* SPDX-License-Identifier: BSD-3-Clause */
/* ZERO, COMMIT and DECOMMIT where dirty pages are tracked: writeback.md 8.3. */
#include <zircon/syscalls/object.h>

#include "writeback.h"

/* A page whose bytes [from, to) are zero, the others as supplied with TAG. */
static void expect_zeroed_part(struct root* v, uint64_t page, uint64_t from, uint64_t to) {
  uint8_t bytes[PAGE];
  check_ok(zx_vmo_read(v->vmo, bytes, page * PAGE, PAGE));
  for (uint64_t i = 0; i < PAGE; i++) {
    const uint8_t want = i >= from && i < to ? 0 : content_byte(TAG, page, i);
    if (bytes[i] != want) {
      check_fail("byte %u of page %u is %u, not %u", (unsigned)i, (unsigned)page, bytes[i], want);
    }
  }
}

/* ---- Whole pages ---- */

/* writeback.md 8.3.1 */
BOTH_WAYS(zeroing_a_clean_page_asks_nobody_and_frees_its_memory) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  expect_pages(via, v, 0, 4, TAG);
  const uint64_t before = waits_now();
  zero_pages(v, 0, 1);
  expect_listed(v, ZERO(0, 1));
  expect_zero_pages(via, v, 0, 1);
  check_equal(committed_pages(v->vmo), 3);
  check_equal(waits_now(), before);
  expect_nothing();
  expect_write_asks(via, v, 0);
}

/* writeback.md 8.3.1, 2.2: dirty pages and pages under writeback */
BOTH_WAYS(zeroing_pages_that_were_written_asks_nobody_and_frees_their_memory) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  poke_asking(via, v, 1, VALUE);
  poke_asking(via, v, 2, VALUE);
  begin_writeback(v, 2, 1);
  const uint64_t before = waits_now();
  zero_pages(v, 1, 2);
  expect_listed(v, ZERO(1, 2));
  expect_zero_pages(via, v, 1, 2);
  check_equal(committed_pages(v->vmo), 2);
  check_equal(waits_now(), before);
  expect_write_asks(via, v, 1);
  expect_write_asks(via, v, 2);
}

/* writeback.md 8.3.2 */
BOTH_WAYS(zeroing_an_absent_page_lists_it_and_wakes_its_reader) {
  struct root* v = make_trap_root(4);
  struct worker* t1 = start_touch(via, v, 1);
  expect_read(v, 1, 1);
  zero_pages(v, 1, 1);
  expect_byte(t1, 0);
  expect_listed(v, ZERO(1, 1));
  expect_nothing();
}

/* writeback.md 8.3.2, 2.2: a writer that waits for READ then needs DIRTY */
BOTH_WAYS(zeroing_an_absent_page_turns_its_writer_to_dirty) {
  struct root* v = make_trap_root(4);
  struct worker* t1 = start_poke(via, v, 1, VALUE);
  expect_read(v, 1, 1);
  zero_pages(v, 1, 1);
  expect_dirty(v, 1, 1);
  expect_waiting(t1);
  dirty_pages(v, 1, 1);
  expect_ok(t1);
  expect_listed(v, DATA(1, 1));
  expect_nothing();
}

/* writeback.md 8.3.3 */
BOTH_WAYS(zeroing_a_marker_changes_nothing_but_the_flag) {
  struct root* v = make_trap_root(4);
  supply_zeros(v, 1, 2);
  expect_zero_pages(via, v, 1, 1);
  zero_pages(v, 1, 2);
  expect_none_listed(v);
  expect_modified(v);
  expect_zero_pages(via, v, 1, 2);
  expect_nothing();
}

/* writeback.md 8.3.5, 2.2: `await` 0 */
BOTH_WAYS(zeroing_a_page_under_writeback_is_not_cleaned_by_the_end) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  poke_asking(via, v, 0, VALUE);
  begin_writeback(v, 0, 1);
  zero_pages(v, 0, 1);
  end_writeback(v, 0, 1);
  expect_listed(v, ZERO(0, 1));
  expect_zero_pages(via, v, 0, 1);
}

/* writeback.md 8.3.7, 3.3 */
BOTH_WAYS(zeroing_does_not_answer_a_writer_that_waits) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_poke(via, v, 0, VALUE);
  expect_dirty(v, 0, 1);
  zero_pages(v, 0, 1);
  expect_waiting(t1);
  expect_nothing();
  expect_listed(v, ZERO(0, 1));
  dirty_pages_waking(v, 0, 1, 1);
  expect_ok(t1);
  uint8_t bytes[2];
  check_ok(zx_vmo_read(v->vmo, bytes, 0, sizeof(bytes)));
  check_equal(bytes[0], VALUE);
  check_equal(bytes[1], 0);
  expect_listed(v, DATA(0, 1));
  expect_nothing();
}

/* writeback.md 2.2: on a plain root too nobody is asked, and the memory goes */
BOTH_WAYS(zeroing_a_plain_root_lists_zeros) {
  struct root* v = make_root(4);
  supply(v, 0, 4, TAG);
  poke_freely(via, v, 1, VALUE);
  zero_pages(v, 0, 4);
  expect_listed(v, ZERO(0, 4));
  check_equal(committed_pages(v->vmo), 0);
  expect_zero_pages(via, v, 0, 4);
  poke_freely(via, v, 2, VALUE);
  expect_listed(v, ZERO(0, 2), DATA(2, 1), ZERO(3, 1));
  expect_nothing();
}

/* ---- Parts of pages ---- */

/* writeback.md 8.3.4, 2.2 */
SCENARIO(zeroing_a_part_of_a_clean_page_asks_with_dirty) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_op(v->vmo, ZX_VMO_OP_ZERO, 2 * PAGE + 100, 200);
  expect_dirty(v, 2, 1);
  expect_waiting(t1);
  expect_pages(VIA_CALLS, v, 2, 1, TAG);
  dirty_pages(v, 2, 1);
  expect_ok(t1);
  expect_zeroed_part(v, 2, 100, 300);
  expect_listed(v, DATA(2, 1));
  expect_nothing();
}

/* writeback.md 8.3.4 */
SCENARIO(zeroing_a_part_of_an_absent_page_asks_with_read_and_dirty) {
  struct root* v = make_trap_root(4);
  struct worker* t1 = start_op(v->vmo, ZX_VMO_OP_ZERO, 2 * PAGE, 200);
  expect_read(v, 2, 1);
  expect_waiting(t1);
  supply(v, 2, 1, TAG);
  expect_dirty(v, 2, 1);
  expect_waiting(t1);
  dirty_pages(v, 2, 1);
  expect_ok(t1);
  expect_zeroed_part(v, 2, 0, 200);
  expect_listed(v, DATA(2, 1));
  expect_nothing();
}

/* writeback.md 8.3.4, 2.2: what is zero already, and what is dirty already */
SCENARIO(zeroing_a_part_of_zeros_or_of_a_dirty_page_asks_nobody) {
  struct root* v = make_trap_root(4);
  supply_zeros(v, 0, 1);
  zero_pages(v, 1, 1);
  supply(v, 2, 1, TAG);
  dirty_pages(v, 2, 1);
  const uint64_t before = waits_now();
  for (uint64_t page = 0; page < 3; page++) {
    zero_bytes(v, page * PAGE + 10, 20);
  }
  check_equal(waits_now(), before);
  expect_listed(v, ZERO(1, 1), DATA(2, 1));
  expect_zeroed_part(v, 2, 10, 30);
  check_equal(committed_pages(v->vmo), 1);
}

/* writeback.md 2.2 */
SCENARIO(zeroing_a_part_of_a_page_under_writeback_asks_with_dirty) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 1, TAG);
  dirty_pages(v, 0, 1);
  begin_writeback(v, 0, 1);
  struct worker* t1 = start_op(v->vmo, ZX_VMO_OP_ZERO, 8, 8);
  expect_dirty(v, 0, 1);
  dirty_pages(v, 0, 1);
  expect_ok(t1);
  expect_zeroed_part(v, 0, 8, 16);
  end_writeback(v, 0, 1);
  expect_listed(v, DATA(0, 1));
}

/* writeback.md 2.2: the plain root dirties the page and asks nobody */
SCENARIO(zeroing_parts_in_a_plain_root_dirties_the_pages) {
  struct root* v = make_root(4);
  supply(v, 0, 2, TAG);
  supply_zeros(v, 2, 1);
  zero_bytes(v, 8, 8);
  zero_bytes(v, PAGE - 1, 1);
  zero_bytes(v, 2 * PAGE - 8, 16);
  expect_listed(v, DATA(0, 2));
  expect_zeroed_part(v, 1, PAGE - 8, PAGE);
  expect_nothing();
}

/* writeback.md 8.3.4: head, then tail, then the whole pages between */
SCENARIO(zeroing_a_range_does_its_head_then_its_tail_then_the_rest) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  struct worker* t1 = start_op(v->vmo, ZX_VMO_OP_ZERO, PAGE + 100, 4 * PAGE);
  expect_dirty(v, 1, 1);
  expect_waiting(t1);
  expect_nothing();
  dirty_pages(v, 1, 1);
  expect_dirty(v, 5, 1);
  expect_waiting(t1);
  expect_nothing();
  expect_pages(VIA_CALLS, v, 2, 4, TAG);
  dirty_pages(v, 5, 1);
  expect_ok(t1);
  expect_zeroed_part(v, 1, 100, PAGE);
  expect_zeroed_part(v, 5, 0, 100);
  expect_listed(v, DATA(1, 1), ZERO(2, 3), DATA(5, 1));
  expect_zero_pages(VIA_CALLS, v, 2, 3);
  expect_nothing();
}

/* writeback.md 8.3.4: the head has been zeroed when the tail fails, and the middle has not */
SCENARIO(zeroing_a_range_whose_tail_fails_has_zeroed_its_head) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  struct worker* t1 = start_op(v->vmo, ZX_VMO_OP_ZERO, PAGE + 100, 4 * PAGE);
  expect_dirty(v, 1, 1);
  dirty_pages(v, 1, 1);
  expect_dirty(v, 5, 1);
  fail_pages(v, 5, 1, ZX_ERR_IO);
  expect_status(t1, ZX_ERR_IO);
  expect_zeroed_part(v, 1, 100, PAGE);
  expect_pages(VIA_CALLS, v, 2, 4, TAG);
  expect_listed(v, DATA(1, 1));
}

/* ---- COMMIT ---- */

/* writeback.md 8.3.8 */
SCENARIO(committing_clean_content_lists_nothing) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 2, TAG);
  supply_zeros(v, 2, 2);
  const uint64_t before = waits_now();
  expect_ok(start_commit(v, 0, 4));
  check_equal(waits_now(), before);
  expect_none_listed(v);
  expect_not_modified(v);
  check_equal(committed_pages(v->vmo), 4);
  expect_zero_pages(VIA_CALLS, v, 2, 2);
  expect_nothing();
}

/* writeback.md 8.3.8, 2.2: a marker that was committed is a clean page like any other */
BOTH_WAYS(a_committed_marker_is_a_clean_page) {
  struct root* v = make_trap_root(4);
  supply_zeros(v, 1, 2);
  if (via == VIA_MAPPING) map_of(v);
  expect_ok(start_commit(v, 1, 2));
  expect_zero_pages(via, v, 1, 2);
  expect_write_asks(via, v, 1);
  poke_asking(via, v, 2, VALUE);
  expect_listed(v, DATA(2, 1));
  zero_pages(v, 1, 1);
  expect_listed(v, ZERO(1, 1), DATA(2, 1));
}

/* writeback.md 8.3.8 */
SCENARIO(committing_an_absent_page_asks_with_read_only) {
  struct root* v = make_trap_root(4);
  struct worker* t1 = start_commit(v, 1, 2);
  expect_read(v, 1, 2);
  supply(v, 1, 2, TAG);
  expect_ok(t1);
  expect_none_listed(v);
  expect_not_modified(v);
  expect_nothing();
}

/* writeback.md 8.3.8 */
BOTH_WAYS(committing_an_interval_asks_with_dirty) {
  struct root* v = make_trap_root(4);
  zero_pages(v, 1, 1);
  if (via == VIA_MAPPING) expect_zero_pages(via, v, 1, 1);
  struct worker* t1 = start_commit(v, 1, 1);
  expect_dirty(v, 1, 1);
  expect_waiting(t1);
  expect_listed(v, ZERO(1, 1));
  check_equal(committed_pages(v->vmo), 0);
  dirty_pages(v, 1, 1);
  expect_ok(t1);
  expect_listed(v, DATA(1, 1));
  check_equal(committed_pages(v->vmo), 1);
  expect_zero_pages(via, v, 1, 1);
  poke_freely(via, v, 1, VALUE);
  expect_nothing();
}

/* writeback.md 8.3.8: on a plain root no packet */
BOTH_WAYS(committing_an_interval_of_a_plain_root_asks_nobody) {
  struct root* v = make_root(4);
  zero_pages(v, 0, 3);
  if (via == VIA_MAPPING) expect_zero_pages(via, v, 1, 1);
  expect_ok(start_commit(v, 1, 1));
  expect_listed(v, ZERO(0, 1), DATA(1, 1), ZERO(2, 1));
  check_equal(committed_pages(v->vmo), 1);
  expect_zero_pages(via, v, 0, 3);
  expect_nothing();
}

/* writeback.md 8.3.8, 3.2 rule 5: the clean page between is not asked for */
SCENARIO(a_commit_asks_with_dirty_for_intervals_only) {
  struct root* v = make_trap_root(8);
  zero_pages(v, 0, 2);
  supply(v, 2, 1, TAG);
  zero_pages(v, 3, 2);
  struct worker* t1 = start_commit(v, 0, 6);
  expect_dirty(v, 0, 2);
  dirty_pages(v, 0, 2);
  expect_dirty(v, 3, 2);
  dirty_pages(v, 3, 2);
  expect_read(v, 5, 1);
  supply(v, 5, 1, TAG);
  expect_ok(t1);
  expect_listed(v, DATA(0, 2), DATA(3, 2));
  check_equal(committed_pages(v->vmo), 6);
  expect_nothing();
}

/* writeback.md 2.2 */
SCENARIO(committing_dirty_pages_changes_nothing) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 2, TAG);
  dirty_pages(v, 0, 2);
  begin_writeback(v, 0, 1);
  expect_ok(start_commit(v, 0, 2));
  end_writeback(v, 0, 2);
  expect_listed(v, DATA(1, 1));
}

/* writeback.md 8.3.9 */
SCENARIO(a_commit_whose_page_is_shrunk_away_succeeds) {
  struct root* v = make_resizable_trap_root(1);
  resize(v, 3);
  struct worker* t1 = start_commit(v, 2, 1);
  expect_dirty(v, 2, 1);
  resize(v, 1);
  expect_ok(t1);
  expect_nothing();
}

/* ---- DECOMMIT ---- */

/* writeback.md 8.3.10 */
SCENARIO(decommit_is_not_supported_and_changes_nothing) {
  for (unsigned trap = 0; trap < 2; trap++) {
    struct root* v = make_resizable_root_of(trap != 0, 6);
    supply(v, 0, 1, TAG);
    supply_zeros(v, 1, 1);
    zero_pages(v, 2, 1);
    supply(v, 3, 1, TAG);
    poke(VIA_CALLS, v, 3, VALUE);
    const uint32_t op = ZX_VMO_OP_DECOMMIT;
    check_status(zx_vmo_op_range(v->vmo, op, 0, 6 * PAGE, NULL, 0), ZX_ERR_NOT_SUPPORTED);
    for (uint64_t page = 0; page < 6; page++) {
      check_status(zx_vmo_op_range(v->vmo, op, page * PAGE, PAGE, NULL, 0), ZX_ERR_NOT_SUPPORTED);
    }
    check_status(zx_vmo_op_range(v->vmo, op, 5 * PAGE, 2 * PAGE, NULL, 0), ZX_ERR_OUT_OF_RANGE);
    check_ok(zx_vmo_op_range(v->vmo, op, 2 * PAGE, 0, NULL, 0));
    const zx_handle_t weak = duplicate_with(v->vmo, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_WRITE);
    check_status(zx_vmo_op_range(weak, op, 0, 9 * PAGE, NULL, 0), ZX_ERR_ACCESS_DENIED);
    expect_listed(v, ZERO(2, 1), DATA(3, 1));
    expect_pages(VIA_CALLS, v, 0, 1, TAG);
    expect_absent(v, 4);
    check_equal(committed_pages(v->vmo), 2);
    expect_nothing();
  }
}

/* ---- The content size ---- */

static zx_status_t set_content_size(void* argument) {
  const struct root* v = argument;
  const uint64_t size = PAGE + 100;
  return zx_object_set_property(v->vmo, ZX_PROP_VMO_CONTENT_SIZE, &size, sizeof(size));
}

/* writeback.md 8.3.11 */
SCENARIO(lowering_the_content_size_zeroes_to_the_end) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_call(set_content_size, v);
  expect_dirty(v, 1, 1);
  expect_waiting(t1);
  dirty_pages(v, 1, 1);
  expect_ok(t1);
  expect_zeroed_part(v, 1, 100, PAGE);
  expect_listed(v, DATA(1, 1), ZERO(2, 2));
  expect_zero_pages(VIA_CALLS, v, 2, 2);
  expect_pages(VIA_CALLS, v, 0, 1, TAG);
  expect_modified(v);
  expect_nothing();
}

/* writeback.md 8.3.11, 8.3.4: the part page is absent */
SCENARIO(lowering_the_content_size_into_an_absent_page_asks_with_read_and_dirty) {
  struct root* v = make_trap_root(4);
  struct worker* t1 = start_call(set_content_size, v);
  expect_read(v, 1, 1);
  supply(v, 1, 1, TAG);
  expect_dirty(v, 1, 1);
  dirty_pages(v, 1, 1);
  expect_ok(t1);
  expect_zeroed_part(v, 1, 100, PAGE);
  expect_listed(v, DATA(1, 1), ZERO(2, 2));
  expect_nothing();
}

/* writeback.md 8.3.11 */
SCENARIO(lowering_the_content_size_of_a_plain_root_asks_nobody) {
  struct root* v = make_root(4);
  supply(v, 0, 4, TAG);
  check_ok(set_content_size(v));
  expect_zeroed_part(v, 1, 100, PAGE);
  expect_listed(v, DATA(1, 1), ZERO(2, 2));
  expect_nothing();
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_BOTH_WAYS(zeroing_a_clean_page_asks_nobody_and_frees_its_memory),
      TEST_BOTH_WAYS(zeroing_pages_that_were_written_asks_nobody_and_frees_their_memory),
      TEST_BOTH_WAYS(zeroing_an_absent_page_lists_it_and_wakes_its_reader),
      TEST_BOTH_WAYS(zeroing_an_absent_page_turns_its_writer_to_dirty),
      TEST_BOTH_WAYS(zeroing_a_marker_changes_nothing_but_the_flag),
      TEST_BOTH_WAYS(zeroing_a_page_under_writeback_is_not_cleaned_by_the_end),
      TEST_BOTH_WAYS(zeroing_does_not_answer_a_writer_that_waits),
      TEST_BOTH_WAYS(zeroing_a_plain_root_lists_zeros),
      TEST(zeroing_a_part_of_a_clean_page_asks_with_dirty),
      TEST(zeroing_a_part_of_an_absent_page_asks_with_read_and_dirty),
      TEST(zeroing_a_part_of_zeros_or_of_a_dirty_page_asks_nobody),
      TEST(zeroing_a_part_of_a_page_under_writeback_asks_with_dirty),
      TEST(zeroing_parts_in_a_plain_root_dirties_the_pages),
      TEST(zeroing_a_range_does_its_head_then_its_tail_then_the_rest),
      TEST(zeroing_a_range_whose_tail_fails_has_zeroed_its_head),
      TEST(committing_clean_content_lists_nothing),
      TEST_BOTH_WAYS(a_committed_marker_is_a_clean_page),
      TEST(committing_an_absent_page_asks_with_read_only),
      TEST_BOTH_WAYS(committing_an_interval_asks_with_dirty),
      TEST_BOTH_WAYS(committing_an_interval_of_a_plain_root_asks_nobody),
      TEST(a_commit_asks_with_dirty_for_intervals_only),
      TEST(committing_dirty_pages_changes_nothing),
      TEST(a_commit_whose_page_is_shrunk_away_succeeds),
      TEST(decommit_is_not_supported_and_changes_nothing),
      TEST(lowering_the_content_size_zeroes_to_the_end),
      TEST(lowering_the_content_size_into_an_absent_page_asks_with_read_and_dirty),
      TEST(lowering_the_content_size_of_a_plain_root_asks_nobody),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
