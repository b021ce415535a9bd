/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Zero intervals: birth, join, split and cut, and how they are written back. writeback.md 2.1, 5.4,
 * 5.5, 8.2.
 */
#include "writeback.h"

/* A resizable root whose first page is clean and whose pages [1, pages) are one zero interval. */
static struct root* grown(bool trap, uint64_t pages) {
  struct root* v = make_resizable_root_of(trap, 1);
  supply(v, 0, 1, TAG);
  resize(v, pages);
  return v;
}

/* A trap root with the zero interval [first, end) in absent pages. */
static struct root* with_interval(uint64_t pages, uint64_t first, uint64_t end) {
  struct root* v = make_trap_root(pages);
  zero_pages(v, first, end - first);
  return v;
}

/* The page is absent, and so has been cleaned. */
static void expect_cleaned(struct root* v, uint64_t first, uint64_t count) {
  for (uint64_t page = first; page < first + count; page++) {
    expect_absent(v, page);
  }
}

/* ---- Growth ---- */

static void growth_is_an_interval(enum via via, bool trap) {
  struct root* v = grown(trap, 4);
  map_pages(v, 4);
  const uint64_t before = waits_now();
  expect_listed(v, ZERO(1, 3));
  expect_zero_pages(via, v, 1, 3);
  supply(v, 1, 3, TAG + 1);
  expect_zero_pages(via, v, 1, 3);
  expect_listed(v, ZERO(1, 3));
  check_equal(waits_now(), before);
  check_equal(committed_pages(v->vmo), 1);
  expect_nothing();
}

/* writeback.md 8.2.1 */
BOTH_WAYS(growth_of_a_trap_root_is_listed_as_zeros) { growth_is_an_interval(via, true); }
BOTH_WAYS(growth_of_a_plain_root_is_listed_as_zeros) { growth_is_an_interval(via, false); }

/* writeback.md 8.2.2 */
BOTH_WAYS(a_write_into_growth_asks_with_dirty_and_splits_the_interval) {
  struct root* v = grown(true, 4);
  map_pages(v, 4);
  poke_asking(via, v, 2, VALUE);
  expect_listed(v, ZERO(1, 1), DATA(2, 1), ZERO(3, 1));
  check_equal(committed_pages(v->vmo), 2);
  expect_nothing();
}

/* writeback.md 8.2.2: the plain root gets there with no packet */
BOTH_WAYS(a_write_into_growth_of_a_plain_root_splits_the_interval) {
  struct root* v = grown(false, 4);
  map_pages(v, 4);
  poke_freely(via, v, 2, VALUE);
  expect_listed(v, ZERO(1, 1), DATA(2, 1), ZERO(3, 1));
  check_equal(committed_pages(v->vmo), 2);
  expect_bytes(v, 2, 1, VALUE);
  expect_nothing();
}

/* writeback.md 8.2.3 */
SCENARIO(one_request_covers_page_and_interval) {
  struct root* v = grown(true, 4);
  struct worker* t1 = start_write_pages(v, 0, 2, VALUE);
  expect_dirty(v, 0, 2);
  dirty_pages(v, 0, 2);
  expect_ok(t1);
  expect_listed(v, DATA(0, 2), ZERO(2, 2));
  expect_nothing();
}

/* writeback.md 8.2.4 */
BOTH_WAYS(op_dirty_makes_pages_of_an_interval) {
  struct root* v = grown(true, 4);
  map_pages(v, 4);
  dirty_pages(v, 1, 3);
  expect_listed(v, DATA(1, 3));
  check_equal(committed_pages(v->vmo), 4);
  expect_zero_pages(via, v, 1, 3);
  poke_freely(via, v, 3, VALUE);
  expect_nothing();
}

/* writeback.md 2.1 "Birth": growth again and again is one interval */
SCENARIO(growth_joins_growth) {
  struct root* v = grown(true, 4);
  resize(v, 5);
  resize(v, 9);
  expect_listed(v, ZERO(1, 8));
  struct root* empty = make_resizable_trap_root(0);
  expect_none_listed(empty);
  resize(empty, 3);
  resize(empty, 7);
  expect_listed(empty, ZERO(0, 7));
}

/* ---- Writing zeros back ---- */

/* writeback.md 5.4, 5.5 */
BOTH_WAYS(written_back_zeros_are_absent) {
  struct root* v = grown(true, 4);
  map_pages(v, 4);
  begin_zero_writeback(v, 1, 3);
  expect_listed(v, ZERO(1, 3));
  expect_zero_pages(via, v, 1, 1);
  end_writeback(v, 1, 3);
  expect_none_listed(v);
  check_equal(committed_pages(v->vmo), 1);
  expect_cleaned(v, 2, 2);
  struct worker* t1 = start_touch(VIA_CALLS, v, 1);
  expect_read(v, 1, 1);
  supply(v, 1, 1, TAG);
  expect_byte(t1, content_byte(TAG, 1, 0));
  expect_pages(via, v, 1, 1, TAG);
  expect_nothing();
}

/* writeback.md 5.4: either data claims intervals */
SCENARIO(a_begin_without_the_flag_claims_intervals_too) {
  struct root* v = grown(true, 4);
  begin_writeback(v, 0, 4);
  end_writeback(v, 0, 4);
  expect_none_listed(v);
  expect_cleaned(v, 1, 3);
}

/* writeback.md 8.2.5 */
BOTH_WAYS(a_page_written_after_the_begin_stays_dirty) {
  struct root* v = grown(true, 4);
  map_pages(v, 4);
  begin_zero_writeback(v, 1, 3);
  poke_asking(via, v, 2, VALUE);
  end_writeback(v, 1, 3);
  expect_listed(v, DATA(2, 1));
  expect_bytes(v, 2, 1, VALUE);
  expect_cleaned(v, 1, 1);
  expect_cleaned(v, 3, 1);
}

/* writeback.md 8.2.6 */
BOTH_WAYS(a_page_written_between_query_and_begin_stays_dirty) {
  struct root* v = grown(true, 4);
  map_pages(v, 4);
  expect_listed(v, ZERO(1, 3));
  poke_asking(via, v, 2, VALUE);
  begin_zero_writeback(v, 1, 3);
  end_writeback(v, 1, 3);
  expect_listed(v, DATA(2, 1));
  poke_freely(via, v, 2, 2);
}

/* writeback.md 8.2.6: with BEGIN data 0 all three are clean */
BOTH_WAYS(a_page_written_before_an_ordinary_begin_is_cleaned) {
  struct root* v = grown(true, 4);
  map_pages(v, 4);
  poke_asking(via, v, 2, VALUE);
  begin_writeback(v, 1, 3);
  end_writeback(v, 1, 3);
  expect_none_listed(v);
  expect_bytes(v, 2, 1, VALUE);
  expect_cleaned(v, 1, 1);
  expect_cleaned(v, 3, 1);
}

/* writeback.md 8.2.7 */
SCENARIO(an_end_of_the_front_leaves_the_rest_claimed) {
  struct root* v = grown(true, 5);
  begin_zero_writeback(v, 1, 4);
  end_writeback(v, 1, 2);
  expect_listed(v, ZERO(3, 2));
  end_writeback(v, 3, 2);
  expect_none_listed(v);
}

/* writeback.md 8.2.8 */
SCENARIO(growth_joins_the_unclaimed_rest) {
  struct root* v = grown(true, 3);
  begin_zero_writeback(v, 1, 1);
  resize(v, 5);
  end_writeback(v, 1, 1);
  expect_listed(v, ZERO(2, 3));
  end_writeback(v, 2, 3);
  expect_listed(v, ZERO(2, 3));
}

/* writeback.md 2.1 "Join": growing at the end keeps what is claimed */
SCENARIO(growth_keeps_what_is_claimed) {
  struct root* v = grown(true, 3);
  begin_zero_writeback(v, 1, 2);
  resize(v, 5);
  expect_listed(v, ZERO(1, 4));
  end_writeback(v, 1, 4);
  expect_listed(v, ZERO(3, 2));
  expect_cleaned(v, 1, 2);
}

/* writeback.md 8.2.9 */
SCENARIO(a_begin_inside_an_interval_does_not_claim) {
  struct root* v = with_interval(12, 5, 10);
  begin_zero_writeback(v, 5, 2);
  begin_zero_writeback(v, 7, 3);
  end_writeback(v, 5, 2);
  end_writeback(v, 7, 3);
  expect_listed(v, ZERO(7, 3));
  begin_zero_writeback(v, 7, 3);
  end_writeback(v, 7, 3);
  expect_none_listed(v);
}

/* writeback.md 5.4: the claim is the larger of the old and the new */
SCENARIO(a_shorter_begin_takes_nothing_back) {
  struct root* v = with_interval(12, 5, 10);
  begin_zero_writeback(v, 5, 4);
  begin_zero_writeback(v, 4, 2);
  end_writeback(v, 5, 5);
  expect_listed(v, ZERO(9, 1));
}

/* writeback.md 5.4: the nearer of the interval's end and the range's */
SCENARIO(a_begin_claims_up_to_the_end_of_its_range) {
  struct root* v = with_interval(12, 5, 10);
  begin_zero_writeback(v, 0, 7);
  end_writeback(v, 0, 12);
  expect_listed(v, ZERO(7, 3));
  begin_zero_writeback(v, 0, 12);
  end_writeback(v, 0, 12);
  expect_none_listed(v);
}

/* writeback.md 5.5: an interval that starts before the range is left alone */
SCENARIO(an_end_inside_an_interval_cleans_nothing) {
  struct root* v = with_interval(12, 5, 10);
  begin_zero_writeback(v, 5, 5);
  end_writeback(v, 6, 4);
  end_writeback(v, 7, 5);
  expect_listed(v, ZERO(5, 5));
  end_writeback(v, 5, 1);
  expect_listed(v, ZERO(6, 4));
  end_writeback(v, 6, 6);
  expect_none_listed(v);
}

/* writeback.md 5.4, 5.5: one pair of calls over many intervals and pages */
SCENARIO(a_cycle_over_a_mixture_cleans_all_of_it) {
  struct root* v = make_trap_root(16);
  for (uint64_t page = 0; page < 16; page += 4) {
    zero_pages(v, page, 2);
    supply(v, page + 2, 1, TAG);
    dirty_pages(v, page + 2, 1);
  }
  expect_listed(v, ZERO(0, 2), DATA(2, 1), ZERO(4, 2), DATA(6, 1), ZERO(8, 2), DATA(10, 1),
                ZERO(12, 2), DATA(14, 1));
  begin_writeback(v, 0, 16);
  end_writeback(v, 4, 8);
  expect_listed(v, ZERO(0, 2), DATA(2, 1), ZERO(12, 2), DATA(14, 1));
  end_writeback(v, 0, 16);
  expect_none_listed(v);
  check_equal(committed_pages(v->vmo), 4);
}

/* ---- Shrinking ---- */

/* writeback.md 8.2.10, 2.1 "Cut" */
SCENARIO(a_shrink_cuts_the_interval_and_keeps_what_is_claimed) {
  struct root* v = grown(true, 3);
  begin_zero_writeback(v, 1, 2);
  resize(v, 2);
  expect_listed(v, ZERO(1, 1));
  check_status(try_op(v, ZX_PAGER_OP_WRITEBACK_END, 1, 2, 0), ZX_ERR_OUT_OF_RANGE);
  expect_listed(v, ZERO(1, 1));
  end_writeback(v, 1, 1);
  expect_none_listed(v);
}

/* writeback.md 8.2.11 */
BOTH_WAYS(a_write_to_written_back_zeros_asks_with_read_and_dirty) {
  struct root* v = grown(true, 3);
  map_pages(v, 3);
  begin_zero_writeback(v, 1, 2);
  end_writeback(v, 1, 2);
  struct worker* t1 = start_poke(via, v, 2, VALUE);
  expect_read(v, 2, 1);
  expect_nothing();
  supply(v, 2, 1, TAG);
  expect_dirty(v, 2, 1);
  dirty_pages(v, 2, 1);
  expect_ok(t1);
  expect_listed(v, DATA(2, 1));
  expect_nothing();
}

/* writeback.md 5.5, 8.2.11: the same where a load has shown the zeros before */
BOTH_WAYS(a_write_to_written_back_zeros_that_were_loaded_is_noticed) {
  struct root* v = grown(true, 3);
  map_pages(v, 3);
  expect_zero_pages(via, v, 1, 2);
  begin_zero_writeback(v, 1, 2);
  end_writeback(v, 1, 2);
  struct worker* t1 = start_poke(via, v, 2, VALUE);
  expect_read(v, 2, 1);
  supply(v, 2, 1, TAG);
  expect_dirty(v, 2, 1);
  dirty_pages(v, 2, 1);
  expect_ok(t1);
  expect_listed(v, DATA(2, 1));
  expect_bytes(v, 2, 1, VALUE);
  expect_nothing();
}

/* writeback.md 5.5: only a mapping through which the zeros were read may go on showing them */
SCENARIO(written_back_zeros_are_asked_for_through_other_mappings) {
  need_mappings();
  struct root* v = grown(true, 3);
  map_pages(v, 3);
  const uint8_t* other = map_vmo(v->vmo, 0, 3 * PAGE);
  expect_zero_pages(VIA_MAPPING, v, 1, 2);
  begin_zero_writeback(v, 1, 2);
  end_writeback(v, 1, 2);
  struct worker* t1 = start_load(other + 2 * PAGE);
  expect_read(v, 2, 1);
  supply(v, 2, 1, TAG);
  expect_byte(t1, content_byte(TAG, 2, 0));
  expect_nothing();
}

/* writeback.md 8.2.12 */
BOTH_WAYS(a_request_outlives_the_interval_that_it_was_made_for) {
  struct root* v = grown(true, 2);
  map_pages(v, 2);
  struct worker* t1 = start_poke(via, v, 1, VALUE);
  expect_dirty(v, 1, 1);
  begin_zero_writeback(v, 1, 1);
  end_writeback(v, 1, 1);
  expect_none_listed(v);
  expect_waiting(t1);
  expect_nothing();
  check_status(try_dirty(v, 1, 1), ZX_ERR_NOT_FOUND);
  expect_read(v, 1, 1);
  expect_waiting(t1);
  supply(v, 1, 1, TAG);
  expect_dirty(v, 1, 1);
  dirty_pages(v, 1, 1);
  expect_ok(t1);
  expect_nothing();
}

/* ---- Splits and joins: what is claimed ---- */

/* writeback.md 2.1 "Split", in the middle: the left keeps the number, the right starts with 0 */
BOTH_WAYS(a_split_in_the_middle_leaves_the_claim_to_the_left_part) {
  struct root* v = with_interval(12, 2, 10);
  begin_zero_writeback(v, 2, 8);
  poke_asking(via, v, 5, VALUE);
  expect_listed(v, ZERO(2, 3), DATA(5, 1), ZERO(6, 4));
  /* Alone, the right part is not claimed. */
  end_writeback(v, 6, 4);
  expect_listed(v, ZERO(2, 3), DATA(5, 1), ZERO(6, 4));
  end_writeback(v, 2, 3);
  expect_listed(v, DATA(5, 1), ZERO(6, 4));
}

/* writeback.md 5.5: the running mark carries the left part's claim over the split */
BOTH_WAYS(one_end_cleans_both_halves_of_a_split_interval) {
  struct root* v = with_interval(12, 2, 10);
  begin_zero_writeback(v, 2, 8);
  poke_asking(via, v, 5, VALUE);
  end_writeback(v, 2, 8);
  expect_listed(v, DATA(5, 1));
  expect_cleaned(v, 4, 1);
  expect_cleaned(v, 6, 1);
}

/* writeback.md 5.5: and over several splits */
BOTH_WAYS(one_end_cleans_all_parts_of_an_interval_that_was_split_often) {
  struct root* v = with_interval(16, 0, 16);
  begin_zero_writeback(v, 0, 16);
  for (uint64_t page = 3; page < 15; page += 4) {
    poke_asking(via, v, page, VALUE);
  }
  end_writeback(v, 0, 16);
  expect_listed(v, DATA(3, 1), DATA(7, 1), DATA(11, 1));
}

/* writeback.md 5.5: but no farther than the number that was claimed */
BOTH_WAYS(the_mark_ends_where_the_claim_ended) {
  struct root* v = with_interval(16, 0, 16);
  begin_zero_writeback(v, 0, 10);
  poke_asking(via, v, 4, VALUE);
  end_writeback(v, 0, 16);
  expect_listed(v, DATA(4, 1), ZERO(10, 6));
}

/* writeback.md 2.1 "Split", at the first page: the rest has a page less */
BOTH_WAYS(a_write_to_the_first_page_takes_a_page_from_the_claim) {
  struct root* v = with_interval(12, 2, 10);
  begin_zero_writeback(v, 2, 4);
  poke_asking(via, v, 2, VALUE);
  expect_listed(v, DATA(2, 1), ZERO(3, 7));
  end_writeback(v, 3, 7);
  expect_listed(v, DATA(2, 1), ZERO(6, 4));
}

/* writeback.md 2.1 "Split", at the last page: there is no right part */
BOTH_WAYS(a_write_to_the_last_page_leaves_the_claim) {
  struct root* v = with_interval(12, 2, 10);
  begin_zero_writeback(v, 2, 8);
  poke_asking(via, v, 9, VALUE);
  expect_listed(v, ZERO(2, 7), DATA(9, 1));
  end_writeback(v, 2, 8);
  expect_listed(v, DATA(9, 1));
}

/* writeback.md 2.1: the claim is longer than the left part, and reaches a later interval */
BOTH_WAYS(a_claim_longer_than_its_part_reaches_over_what_came_after) {
  struct root* v = with_interval(12, 2, 10);
  begin_zero_writeback(v, 2, 8);
  poke_asking(via, v, 4, VALUE);
  /* Page 4 becomes zeros again: the parts are one, with the left part's claim. */
  zero_pages(v, 4, 1);
  expect_listed(v, ZERO(2, 8));
  end_writeback(v, 2, 8);
  expect_none_listed(v);
}

/* writeback.md 2.1 "Split": a COMMIT of the middle splits as a write does */
SCENARIO(a_commit_splits_an_interval) {
  struct root* v = with_interval(12, 2, 10);
  begin_zero_writeback(v, 2, 8);
  struct worker* t1 = start_commit(v, 5, 2);
  expect_dirty(v, 5, 2);
  dirty_pages(v, 5, 2);
  expect_ok(t1);
  expect_listed(v, ZERO(2, 3), DATA(5, 2), ZERO(7, 3));
  end_writeback(v, 2, 8);
  expect_listed(v, DATA(5, 2));
}

/* writeback.md 8.3.6, 2.1 "Join" at the front */
SCENARIO(a_join_at_the_front_gives_the_claim_up) {
  struct root* v = make_trap_root(3);
  zero_pages(v, 1, 1);
  begin_zero_writeback(v, 1, 1);
  zero_pages(v, 0, 1);
  expect_listed(v, ZERO(0, 2));
  end_writeback(v, 1, 1);
  expect_listed(v, ZERO(0, 2));
  end_writeback(v, 0, 2);
  expect_listed(v, ZERO(0, 2));
}

/* writeback.md 8.3.6, 2.1 "Join" at the back */
SCENARIO(a_join_at_the_back_keeps_the_claim) {
  struct root* v = make_trap_root(3);
  zero_pages(v, 1, 1);
  begin_zero_writeback(v, 1, 1);
  zero_pages(v, 2, 1);
  expect_listed(v, ZERO(1, 2));
  end_writeback(v, 1, 2);
  expect_listed(v, ZERO(2, 1));
}

/* writeback.md 2.1 "Join": a gap is filled: the left part's claim stands, the right part's is
 * lost */
SCENARIO(a_join_of_two_intervals_keeps_the_left_claim) {
  struct root* v = make_trap_root(8);
  zero_pages(v, 0, 2);
  zero_pages(v, 4, 2);
  begin_zero_writeback(v, 0, 8);
  zero_pages(v, 2, 2);
  expect_listed(v, ZERO(0, 6));
  end_writeback(v, 0, 8);
  expect_listed(v, ZERO(2, 4));
}

/* writeback.md 2.1 "Birth": what held content becomes part of it, and gives its memory back */
BOTH_WAYS(zeroing_turns_content_into_one_interval) {
  struct root* v = make_trap_root(6);
  supply(v, 0, 4, TAG);
  dirty_pages(v, 1, 2);
  begin_writeback(v, 1, 1);
  if (via == VIA_MAPPING) expect_pages(via, v, 0, 4, TAG);
  zero_pages(v, 0, 6);
  expect_listed(v, ZERO(0, 6));
  check_equal(committed_pages(v->vmo), 0);
  expect_zero_pages(via, v, 0, 6);
  expect_write_asks(via, v, 2);
}

/* writeback.md 2.2, 8.3.3: a marker stays what it is, and keeps intervals apart */
SCENARIO(a_marker_keeps_intervals_apart) {
  struct root* v = make_trap_root(5);
  supply_zeros(v, 2, 1);
  zero_pages(v, 0, 5);
  expect_listed(v, ZERO(0, 2), ZERO(3, 2));
  begin_zero_writeback(v, 0, 5);
  end_writeback(v, 0, 5);
  expect_none_listed(v);
  expect_zero_pages(VIA_CALLS, v, 2, 1);
}

/* writeback.md 2.1: a plain root's intervals follow the same rules */
BOTH_WAYS(the_intervals_of_a_plain_root_split_by_the_same_rules) {
  struct root* v = make_root(12);
  zero_pages(v, 2, 8);
  begin_zero_writeback(v, 2, 8);
  poke_freely(via, v, 5, VALUE);
  expect_listed(v, ZERO(2, 3), DATA(5, 1), ZERO(6, 4));
  end_writeback(v, 6, 4);
  expect_listed(v, ZERO(2, 3), DATA(5, 1), ZERO(6, 4));
  end_writeback(v, 2, 8);
  expect_listed(v, DATA(5, 1));
  expect_bytes(v, 5, 1, VALUE);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_BOTH_WAYS(growth_of_a_trap_root_is_listed_as_zeros),
      TEST_BOTH_WAYS(growth_of_a_plain_root_is_listed_as_zeros),
      TEST_BOTH_WAYS(a_write_into_growth_asks_with_dirty_and_splits_the_interval),
      TEST_BOTH_WAYS(a_write_into_growth_of_a_plain_root_splits_the_interval),
      TEST(one_request_covers_page_and_interval),
      TEST_BOTH_WAYS(op_dirty_makes_pages_of_an_interval),
      TEST(growth_joins_growth),
      TEST_BOTH_WAYS(written_back_zeros_are_absent),
      TEST(a_begin_without_the_flag_claims_intervals_too),
      TEST_BOTH_WAYS(a_page_written_after_the_begin_stays_dirty),
      TEST_BOTH_WAYS(a_page_written_between_query_and_begin_stays_dirty),
      TEST_BOTH_WAYS(a_page_written_before_an_ordinary_begin_is_cleaned),
      TEST(an_end_of_the_front_leaves_the_rest_claimed),
      TEST(growth_joins_the_unclaimed_rest),
      TEST(growth_keeps_what_is_claimed),
      TEST(a_begin_inside_an_interval_does_not_claim),
      TEST(a_shorter_begin_takes_nothing_back),
      TEST(a_begin_claims_up_to_the_end_of_its_range),
      TEST(an_end_inside_an_interval_cleans_nothing),
      TEST(a_cycle_over_a_mixture_cleans_all_of_it),
      TEST(a_shrink_cuts_the_interval_and_keeps_what_is_claimed),
      TEST_BOTH_WAYS(a_write_to_written_back_zeros_asks_with_read_and_dirty),
      TEST_BOTH_WAYS(a_write_to_written_back_zeros_that_were_loaded_is_noticed),
      TEST(written_back_zeros_are_asked_for_through_other_mappings),
      TEST_BOTH_WAYS(a_request_outlives_the_interval_that_it_was_made_for),
      TEST_BOTH_WAYS(a_split_in_the_middle_leaves_the_claim_to_the_left_part),
      TEST_BOTH_WAYS(one_end_cleans_both_halves_of_a_split_interval),
      TEST_BOTH_WAYS(one_end_cleans_all_parts_of_an_interval_that_was_split_often),
      TEST_BOTH_WAYS(the_mark_ends_where_the_claim_ended),
      TEST_BOTH_WAYS(a_write_to_the_first_page_takes_a_page_from_the_claim),
      TEST_BOTH_WAYS(a_write_to_the_last_page_leaves_the_claim),
      TEST_BOTH_WAYS(a_claim_longer_than_its_part_reaches_over_what_came_after),
      TEST(a_commit_splits_an_interval),
      TEST(a_join_at_the_front_gives_the_claim_up),
      TEST(a_join_at_the_back_keeps_the_claim),
      TEST(a_join_of_two_intervals_keeps_the_left_claim),
      TEST_BOTH_WAYS(zeroing_turns_content_into_one_interval),
      TEST(a_marker_keeps_intervals_apart),
      TEST_BOTH_WAYS(the_intervals_of_a_plain_root_split_by_the_same_rules),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
