/* SPDX-License-Identifier: BSD-3-Clause */
/* Which writes ask with DIRTY, and for what: writeback.md 3.1 and 3.2. */
#include "writeback.h"

/* ---- One page ---- */

/* writeback.md 3.1, 2.2 */
BOTH_WAYS(a_write_to_a_clean_page_asks_and_goes_on_after_the_answer) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  struct worker* t1 = start_poke(via, v, 3, VALUE);
  expect_dirty(v, 3, 1);
  expect_waiting(t1);
  expect_nothing();
  expect_bytes(v, 3, 1, content_byte(TAG, 3, 0));
  expect_none_listed(v);
  dirty_pages(v, 3, 1);
  expect_ok(t1);
  expect_bytes(v, 3, 1, VALUE);
  expect_listed(v, DATA(3, 1));
  expect_nothing();
}

/* writeback.md 3.2 rule 1: READ, then DIRTY, never one for both */
BOTH_WAYS(a_write_to_an_absent_page_asks_with_read_and_then_with_dirty) {
  struct root* v = make_trap_root(8);
  struct worker* t1 = start_poke(via, v, 3, VALUE);
  expect_read(v, 3, 1);
  expect_nothing();
  expect_waiting(t1);
  expect_nothing();
  supply(v, 3, 1, TAG);
  expect_dirty(v, 3, 1);
  expect_waiting(t1);
  expect_none_listed(v);
  dirty_pages(v, 3, 1);
  expect_ok(t1);
  expect_listed(v, DATA(3, 1));
  expect_nothing();
  uint8_t bytes[2];
  check_ok(zx_vmo_read(v->vmo, bytes, 3 * PAGE, 2));
  check_equal(bytes[0], VALUE);
  check_equal(bytes[1], content_byte(TAG, 3, 1));
}

/* writeback.md 2.2: a page that was supplied without memory */
BOTH_WAYS(a_write_to_a_zero_marker_asks_with_dirty_only) {
  struct root* v = make_trap_root(8);
  supply_zeros(v, 3, 1);
  poke_asking(via, v, 3, VALUE);
  expect_bytes(v, 3, 1, VALUE);
  expect_listed(v, DATA(3, 1));
  expect_nothing();
}

/* writeback.md 2.2 */
BOTH_WAYS(a_write_to_a_zero_interval_asks_with_dirty_only) {
  struct root* v = make_trap_root(8);
  zero_pages(v, 2, 3);
  poke_asking(via, v, 3, VALUE);
  expect_listed(v, ZERO(2, 1), DATA(3, 1), ZERO(4, 1));
  expect_bytes(v, 2, 1, 0);
  expect_bytes(v, 3, 1, VALUE);
  expect_nothing();
}

/* writeback.md 2.2, 8.1.2 */
BOTH_WAYS(a_write_to_a_page_under_writeback_asks) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  poke_asking(via, v, 3, 1);
  begin_writeback(v, 3, 1);
  poke_asking(via, v, 3, VALUE);
  expect_bytes(v, 3, 1, VALUE);
  expect_nothing();
}

/* writeback.md 3.2 rule 6 */
BOTH_WAYS(a_dirty_page_asks_no_more) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  poke_asking(via, v, 3, 1);
  for (unsigned i = 0; i < 3; i++) {
    poke_freely(via, v, 3, (uint8_t)(2 + i));
  }
  expect_bytes(v, 3, 1, 4);
  expect_nothing();
}

/* writeback.md 3.2 rule 6: through whichever handle or mapping */
SCENARIO(a_page_that_a_call_dirtied_is_dirty_for_mappings) {
  need_mappings();
  struct root* v = make_trap_root(8);
  map_of(v);
  supply(v, 0, 8, TAG);
  poke_asking(VIA_CALLS, v, 3, 1);
  poke_freely(VIA_MAPPING, v, 3, 2);
  expect_bytes(v, 3, 1, 2);
  expect_nothing();
}

/* writeback.md 3.2 rule 6 */
SCENARIO(a_page_that_a_store_dirtied_is_dirty_for_calls_and_other_mappings) {
  need_mappings();
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  uint8_t* other = map_vmo(v->vmo, 2 * PAGE, 4 * PAGE);
  poke_asking(VIA_MAPPING, v, 3, 1);
  const uint64_t before = waits_now();
  expect_ok(start_store(other + PAGE, 2));
  expect_bytes(v, 3, 1, 2);
  const zx_handle_t second = duplicate(v->vmo);
  expect_ok(start_write(second, 3 * PAGE, 1, 3));
  expect_bytes(v, 3, 1, 3);
  check_equal(waits_now(), before);
  expect_listed(v, DATA(3, 1));
  expect_nothing();
}

/* writeback.md 5.3, 3.2 rule 6: however it became dirty */
BOTH_WAYS(a_page_that_the_pager_dirtied_asks_no_more) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 4, TAG);
  zero_pages(v, 4, 4);
  if (via == VIA_MAPPING) map_of(v);
  dirty_pages(v, 2, 4);
  for (uint64_t page = 2; page < 6; page++) {
    poke_freely(via, v, page, VALUE);
  }
  expect_bytes(v, 2, 4, VALUE);
  expect_listed(v, DATA(2, 4), ZERO(6, 2));
  expect_nothing();
}

/* writeback.md 2.2: plain roots */
BOTH_WAYS(a_plain_root_never_asks_with_dirty) {
  struct root* v = make_root(8);
  supply(v, 0, 2, TAG);
  supply_zeros(v, 2, 2);
  zero_pages(v, 4, 3);
  for (uint64_t page = 0; page < 7; page++) {
    poke_freely(via, v, page, VALUE);
  }
  expect_bytes(v, 0, 7, VALUE);
  expect_listed(v, DATA(0, 7));
  struct worker* t1 = start_poke(via, v, 7, VALUE);
  expect_read(v, 7, 1);
  supply(v, 7, 1, TAG);
  expect_ok(t1);
  expect_listed(v, DATA(0, 8));
  expect_nothing();
}

/* ---- Ranges ---- */

/* writeback.md 3.2, the example */
SCENARIO(a_write_over_every_state_asks_run_by_run) {
  struct root* v = make_trap_root(6);
  supply(v, 0, 1, TAG);  /* clean */
  supply_zeros(v, 1, 1); /* marker */
  supply(v, 2, 2, TAG);  /* awaiting clean, dirty */
  dirty_pages(v, 2, 2);
  begin_writeback(v, 2, 1);
  supply(v, 5, 1, TAG); /* clean; page 4 is absent */
  struct worker* t1 = start_write_pages(v, 0, 6, VALUE);
  expect_dirty(v, 0, 3);
  expect_waiting(t1);
  expect_nothing();
  dirty_pages(v, 0, 3);
  expect_read(v, 4, 1);
  expect_waiting(t1);
  expect_bytes(v, 0, 4, VALUE);
  expect_bytes(v, 5, 1, content_byte(TAG, 5, 0));
  supply(v, 4, 1, TAG);
  expect_dirty(v, 4, 2);
  expect_waiting(t1);
  dirty_pages(v, 4, 2);
  expect_ok(t1);
  expect_bytes(v, 0, 6, VALUE);
  expect_listed(v, DATA(0, 6));
  expect_nothing();
}

/* writeback.md 3.2 rule 2: clean, marker, awaiting clean, interval in any mixture */
SCENARIO(a_request_runs_over_a_mixture_of_states) {
  struct root* v = make_trap_root(12);
  /* Twice interval, clean, marker, awaiting clean, marker, interval. */
  for (uint64_t base = 0; base < 12; base += 6) {
    zero_pages(v, base, 1);
    supply(v, base + 1, 1, TAG);
    supply_zeros(v, base + 2, 1);
    supply(v, base + 3, 1, TAG);
    dirty_pages(v, base + 3, 1);
    begin_writeback(v, base + 3, 1);
    supply_zeros(v, base + 4, 1);
    zero_pages(v, base + 5, 1);
  }
  struct worker* t1 = start_write_pages(v, 0, 12, VALUE);
  expect_dirty(v, 0, 12);
  dirty_pages(v, 0, 12);
  expect_ok(t1);
  expect_listed(v, DATA(0, 12));
  expect_nothing();
}

/* writeback.md 3.2 rule 2 */
SCENARIO(a_request_ends_before_the_first_dirty_page) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  dirty_pages(v, 3, 2);
  struct worker* t1 = start_write_pages(v, 1, 6, VALUE);
  expect_dirty(v, 1, 2);
  dirty_pages(v, 1, 2);
  expect_dirty(v, 5, 2);
  expect_waiting(t1);
  dirty_pages(v, 5, 2);
  expect_ok(t1);
  expect_listed(v, DATA(1, 6));
  expect_nothing();
}

/* writeback.md 3.2 rule 2 */
SCENARIO(a_request_ends_before_the_first_absent_page) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 3, TAG);
  struct worker* t1 = start_write_pages(v, 0, 8, VALUE);
  expect_dirty(v, 0, 3);
  expect_nothing();
  dirty_pages(v, 0, 3);
  expect_read(v, 3, 5);
  supply(v, 3, 5, TAG);
  expect_dirty(v, 3, 5);
  dirty_pages(v, 3, 5);
  expect_ok(t1);
  expect_nothing();
}

/* writeback.md 3.2 rule 2: nothing beyond the writer's range */
SCENARIO(a_request_ends_with_the_writers_range) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  struct worker* t1 = start_write(v->vmo, 3 * PAGE - 4, 8, VALUE);
  expect_dirty(v, 2, 2);
  dirty_pages(v, 2, 2);
  expect_ok(t1);
  uint8_t bytes[10];
  check_ok(zx_vmo_read(v->vmo, bytes, 3 * PAGE - 5, sizeof(bytes)));
  check_equal(bytes[0], content_byte(TAG, 2, PAGE - 5));
  check_true(is_filled_with(bytes + 1, VALUE, 8));
  check_equal(bytes[9], content_byte(TAG, 3, 4));
  expect_listed(v, DATA(2, 2));
  expect_nothing();
}

/* writeback.md 1, 3.2 rule 2 */
SCENARIO(a_request_is_for_sixteen_pages_at_most) {
  struct root* v = make_trap_root(40);
  supply(v, 0, 40, TAG);
  struct worker* t1 = start_write_pages(v, 1, 37, VALUE);
  expect_dirty(v, 1, 16);
  expect_nothing();
  dirty_pages(v, 1, 16);
  expect_dirty(v, 17, 16);
  dirty_pages(v, 17, 16);
  expect_dirty(v, 33, 5);
  expect_waiting(t1);
  dirty_pages(v, 33, 5);
  expect_ok(t1);
  expect_listed(v, DATA(1, 37));
  expect_nothing();
}

/* writeback.md 1: counted from the first page that is not dirty */
SCENARIO(the_sixteen_pages_count_from_the_first_that_is_not_dirty) {
  struct root* v = make_trap_root(40);
  zero_pages(v, 0, 40);
  dirty_pages(v, 0, 3);
  struct worker* t1 = start_write_pages(v, 0, 40, VALUE);
  expect_dirty(v, 3, 16);
  expect_bytes(v, 0, 3, VALUE);
  dirty_pages(v, 3, 16);
  expect_dirty(v, 19, 16);
  dirty_pages(v, 19, 16);
  expect_dirty(v, 35, 5);
  dirty_pages(v, 35, 5);
  expect_ok(t1);
  expect_listed(v, DATA(0, 40));
}

/* writeback.md 3.2 rule 3 */
SCENARIO(a_read_request_for_a_write_is_for_sixteen_pages_at_most) {
  struct root* v = make_trap_root(20);
  struct worker* t1 = start_write_pages(v, 0, 20, VALUE);
  expect_read(v, 0, 16);
  expect_nothing();
  supply(v, 0, 16, TAG);
  expect_dirty(v, 0, 16);
  dirty_pages(v, 0, 16);
  expect_read(v, 16, 4);
  supply(v, 16, 4, TAG);
  expect_dirty(v, 16, 4);
  dirty_pages(v, 16, 4);
  expect_ok(t1);
  expect_nothing();
}

/* writeback.md 3.2 rule 3, pager.md 5.4: only zx_vmo_read goes on after a part */
SCENARIO(a_writer_sleeps_until_its_read_request_is_answered_whole) {
  struct root* v = make_trap_root(8);
  struct worker* t1 = start_write_pages(v, 0, 4, VALUE);
  expect_read(v, 0, 4);
  supply(v, 0, 2, TAG);
  expect_waiting(t1);
  expect_nothing();
  supply(v, 2, 2, TAG);
  expect_dirty(v, 0, 4);
  dirty_pages(v, 0, 4);
  expect_ok(t1);
  expect_nothing();
}

/* writeback.md 3.2 rule 4 */
SCENARIO(a_store_asks_for_its_page_only) {
  need_mappings();
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  expect_ok(start_walk(VIA_MAPPING, v, 0, 8));
  poke_asking(VIA_MAPPING, v, 3, VALUE);
  expect_listed(v, DATA(3, 1));
  expect_write_asks(VIA_MAPPING, v, 4);
  expect_write_asks(VIA_MAPPING, v, 2);
  expect_nothing();
}

/* writeback.md 3.2 rule 4: at any place in the page */
SCENARIO(a_store_in_the_middle_of_a_page_asks_for_the_page) {
  need_mappings();
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  struct worker* t1 = start_store(map_of(v) + 5 * PAGE + 1234, VALUE);
  expect_dirty(v, 5, 1);
  dirty_pages(v, 5, 1);
  expect_ok(t1);
  uint8_t byte = 0;
  check_ok(zx_vmo_read(v->vmo, &byte, 5 * PAGE + 1234, 1));
  check_equal(byte, VALUE);
  expect_nothing();
}

/* ---- What does not ask ---- */

/* writeback.md 3.2 rule 5 */
BOTH_WAYS(reading_asks_for_nothing) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 2, TAG);
  supply_zeros(v, 2, 2);
  zero_pages(v, 4, 2);
  supply(v, 6, 2, TAG);
  dirty_pages(v, 6, 2);
  begin_writeback(v, 6, 1);
  expect_pages(via, v, 0, 2, TAG);
  expect_zero_pages(via, v, 2, 4);
  expect_pages(via, v, 6, 2, TAG);
  expect_listed(v, ZERO(4, 2), DATA(6, 2));
  expect_nothing();
  expect_write_asks(via, v, 0);
  expect_write_asks(via, v, 2);
  expect_write_asks(via, v, 4);
  expect_write_asks(via, v, 6);
}

/* writeback.md 3.2 rule 5 */
BOTH_WAYS(an_answer_to_read_asks_for_nothing) {
  struct root* v = make_trap_root(8);
  struct worker* t1 = start_touch(via, v, 3);
  expect_read(v, 3, 1);
  supply(v, 3, 1, TAG);
  expect_byte(t1, content_byte(TAG, 3, 0));
  expect_none_listed(v);
  expect_nothing();
}

/* writeback.md 3.2 rule 5 */
SCENARIO(committing_clean_content_asks_for_nothing) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 4, TAG);
  supply_zeros(v, 4, 4);
  const uint64_t before = waits_now();
  expect_ok(start_commit(v, 0, 8));
  check_equal(waits_now(), before);
  expect_none_listed(v);
  expect_write_asks(VIA_CALLS, v, 0);
  expect_write_asks(VIA_CALLS, v, 5);
}

/* writeback.md 3.2 rule 5 */
SCENARIO(mapping_the_range_asks_for_nothing) {
  need_mappings();
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  const uint64_t before = waits_now();
  v->map = map_with(v->vmo, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_MAP_RANGE, 0, 8 * PAGE);
  check_equal(waits_now(), before);
  expect_none_listed(v);
  expect_write_asks(VIA_MAPPING, v, 3);
}

/* writeback.md 3.2: a writer without bytes, or without the range, asks for nothing */
SCENARIO(a_write_of_nothing_or_past_the_end_asks_for_nothing) {
  struct root* v = make_trap_root(2);
  supply(v, 0, 2, TAG);
  const uint64_t before = waits_now();
  const uint8_t bytes[2] = {1, 2};
  check_ok(zx_vmo_write(v->vmo, bytes, PAGE, 0));
  check_status(zx_vmo_write(v->vmo, bytes, 2 * PAGE - 1, 2), ZX_ERR_OUT_OF_RANGE);
  check_status(zx_vmo_write(v->vmo, bytes, UINT64_MAX, 2), ZX_ERR_OUT_OF_RANGE);
  check_equal(waits_now(), before);
  expect_none_listed(v);
  expect_nothing();
}

/* ---- The writer's own memory ---- */

/* pager.md 11.7: the source is absent memory of another root */
SCENARIO(a_write_from_pager_memory_asks_for_both) {
  need_mappings();
  struct root* from = make_root(8);
  struct root* to = make_trap_root(8);
  supply(to, 0, 8, TAG + 1);
  struct worker* t1 = start_write_from(to->vmo, map_of(from) + 2 * PAGE, 4 * PAGE, 2 * PAGE);
  expect_dirty(to, 4, 2);
  dirty_pages(to, 4, 2);
  for (uint64_t page = 2; page < 4; page++) {
    expect_read(from, page, 1);
    supply(from, page, 1, TAG);
  }
  expect_ok(t1);
  uint8_t bytes[2 * PAGE];
  check_ok(zx_vmo_read(to->vmo, bytes, 4 * PAGE, sizeof(bytes)));
  check_true(content_is(bytes, 2, 2, TAG));
  expect_nothing();
}

/* pager.md 11.7: the state of the page is looked at again after the wait for the source */
SCENARIO(a_write_whose_page_was_cleaned_while_it_waited_for_its_source_asks_again) {
  need_mappings();
  struct root* from = make_root(1);
  struct root* to = make_trap_root(1);
  supply(to, 0, 1, TAG + 1);
  dirty_pages(to, 0, 1);
  struct worker* t1 = start_write_from(to->vmo, map_of(from), 0, PAGE);
  expect_read(from, 0, 1);
  begin_writeback(to, 0, 1);
  end_writeback(to, 0, 1);
  supply(from, 0, 1, TAG);
  expect_dirty(to, 0, 1);
  expect_waiting(t1);
  dirty_pages(to, 0, 1);
  expect_ok(t1);
  expect_listed(to, DATA(0, 1));
  expect_pages(VIA_CALLS, to, 0, 1, TAG);
  expect_nothing();
}

/* writeback.md 3.1: a call of the library that writes to memory is a store */
SCENARIO(a_read_into_a_trapped_mapping_asks_for_the_page) {
  need_mappings();
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  const zx_handle_t from = make_source(0, 2, TAG + 1);
  struct worker* t1 = start_read_to(from, map_of(v) + PAGE, 0, 2 * PAGE);
  for (uint64_t page = 1; page < 3; page++) {
    expect_dirty(v, page, 1);
    expect_waiting(t1);
    dirty_pages(v, page, 1);
  }
  expect_ok(t1);
  expect_listed(v, DATA(1, 2));
  uint8_t bytes[2 * PAGE];
  check_ok(zx_vmo_read(v->vmo, bytes, PAGE, sizeof(bytes)));
  check_true(content_is(bytes, 0, 2, TAG + 1));
  expect_nothing();
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_BOTH_WAYS(a_write_to_a_clean_page_asks_and_goes_on_after_the_answer),
      TEST_BOTH_WAYS(a_write_to_an_absent_page_asks_with_read_and_then_with_dirty),
      TEST_BOTH_WAYS(a_write_to_a_zero_marker_asks_with_dirty_only),
      TEST_BOTH_WAYS(a_write_to_a_zero_interval_asks_with_dirty_only),
      TEST_BOTH_WAYS(a_write_to_a_page_under_writeback_asks),
      TEST_BOTH_WAYS(a_dirty_page_asks_no_more),
      TEST(a_page_that_a_call_dirtied_is_dirty_for_mappings),
      TEST(a_page_that_a_store_dirtied_is_dirty_for_calls_and_other_mappings),
      TEST_BOTH_WAYS(a_page_that_the_pager_dirtied_asks_no_more),
      TEST_BOTH_WAYS(a_plain_root_never_asks_with_dirty),
      TEST(a_write_over_every_state_asks_run_by_run),
      TEST(a_request_runs_over_a_mixture_of_states),
      TEST(a_request_ends_before_the_first_dirty_page),
      TEST(a_request_ends_before_the_first_absent_page),
      TEST(a_request_ends_with_the_writers_range),
      TEST(a_request_is_for_sixteen_pages_at_most),
      TEST(the_sixteen_pages_count_from_the_first_that_is_not_dirty),
      TEST(a_read_request_for_a_write_is_for_sixteen_pages_at_most),
      TEST(a_writer_sleeps_until_its_read_request_is_answered_whole),
      TEST(a_store_asks_for_its_page_only),
      TEST(a_store_in_the_middle_of_a_page_asks_for_the_page),
      TEST_BOTH_WAYS(reading_asks_for_nothing),
      TEST_BOTH_WAYS(an_answer_to_read_asks_for_nothing),
      TEST(committing_clean_content_asks_for_nothing),
      TEST(mapping_the_range_asks_for_nothing),
      TEST(a_write_of_nothing_or_past_the_end_asks_for_nothing),
      TEST(a_write_from_pager_memory_asks_for_both),
      TEST(a_write_whose_page_was_cleaned_while_it_waited_for_its_source_asks_again),
      TEST(a_read_into_a_trapped_mapping_asks_for_the_page),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
