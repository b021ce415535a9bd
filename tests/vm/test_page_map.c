/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Page states of one VMO, rule by rule.
 *
 * States are written one letter a page: '.' empty, 'c' clean, 'm' marker, 'd' dirty, 'a' awaiting
 * clean, 'z' zero interval. Rule numbers are those of docs/semantics/writeback.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vm/page_map.h"
/* After the headers that it needs and does not include. */
#include <cmocka.h>

static const char letters[] = {
    [ZXP_PAGE_EMPTY] = '.', [ZXP_PAGE_CLEAN] = 'c',    [ZXP_PAGE_MARKER] = 'm',
    [ZXP_PAGE_DIRTY] = 'd', [ZXP_PAGE_AWAITING] = 'a', [ZXP_PAGE_INTERVAL] = 'z'};

/* ---- Allocations that fail on demand; linked with --wrap=calloc ---- */

void* __real_calloc(size_t n, size_t size);
void* __wrap_calloc(size_t n, size_t size);

/* Allocations that still succeed; below 0 without limit. */
static long allocations_left = -1;

void* __wrap_calloc(size_t n, size_t size) {
  if (allocations_left == 0) {
    return NULL;
  }
  if (allocations_left > 0) {
    allocations_left--;
  }
  return __real_calloc(n, size);
}

/* ---- Fixture ---- */

static struct zxp_page_map map;

static int set_up(void** state) {
  (void)state;
  zxp_page_map_init(&map);
  allocations_left = -1;
  return 0;
}

static int tear_down(void** state) {
  (void)state;
  allocations_left = -1;
  zxp_page_map_destroy(&map);
  return 0;
}

static void set(uint64_t first, uint64_t count, enum zxp_page_state state) {
  assert_int_equal(zxp_page_map_set(&map, first, count, state), ZX_OK);
}

static void zero(uint64_t first, uint64_t count) {
  assert_int_equal(zxp_page_map_zero(&map, first, count), ZX_OK);
}

static void begin(uint64_t first, uint64_t count) {
  zxp_page_map_writeback_begin(&map, first, count, false);
}

static void begin_zero(uint64_t first, uint64_t count) {
  zxp_page_map_writeback_begin(&map, first, count, true);
}

static void end(uint64_t first, uint64_t count) {
  zxp_page_map_writeback_end(&map, first, count, NULL, NULL);
}

/* Puts pages in the states of the string, `first` on. */
static void fill_at(uint64_t first, const char* states) {
  for (size_t i = 0; states[i] != '\0'; i++) {
    if (states[i] == 'z') {
      zero(first + i, 1);
      continue;
    }
    const char* const letter = memchr(letters, states[i], sizeof letters);
    assert_non_null(letter);
    set(first + i, 1, (enum zxp_page_state)(letter - letters));
  }
}

static void fill(const char* states) { fill_at(0, states); }

static void assert_pages_at(uint64_t first, const char* states) {
  char got[512];
  const size_t n = strlen(states);
  assert_true(n < sizeof got);
  for (size_t i = 0; i < n; i++) {
    got[i] = letters[zxp_page_map_get(&map, first + i)];
  }
  got[n] = '\0';
  assert_string_equal(got, states);
  assert_true(zxp_page_map_check(&map));
}

static void assert_pages(const char* states) { assert_pages_at(0, states); }

/* What a dirty-range query of [first, last) lists, as "{first, count} {first, count, ZERO}". */
static void assert_listed_in(uint64_t first, uint64_t last, const char* entries) {
  char got[512] = "";
  size_t n = 0;
  uint64_t at = first;
  uint64_t count;
  bool is_zero;
  while (zxp_page_map_next_dirty(&map, at, last, &at, &count, &is_zero)) {
    n += (size_t)snprintf(got + n, sizeof got - n, "%s{%llu, %llu%s}", n == 0 ? "" : " ",
                          (unsigned long long)at, (unsigned long long)count,
                          is_zero ? ", ZERO" : "");
    assert_true(n < sizeof got);
    at += count;
  }
  assert_string_equal(got, entries);
}

static void assert_listed(const char* entries) { assert_listed_in(0, 1000, entries); }

static void assert_await(uint64_t page, uint64_t await) {
  assert_int_equal(zxp_page_map_interval_await(&map, page, NULL, NULL), await);
}

/* What a callback was told, as "(first, count) (first, count)". */
static char told[512];

static void tell(void* context, uint64_t first, uint64_t count) {
  assert_ptr_equal(context, &map);
  const size_t n = strlen(told);
  snprintf(told + n, sizeof told - n, "%s(%llu, %llu)", n == 0 ? "" : " ",
           (unsigned long long)first, (unsigned long long)count);
}

/* ---- States of single pages ---- */

static void a_new_map_is_empty(void** state) {
  (void)state;
  assert_pages("....");
  assert_listed("");
  assert_int_equal(map.resident, 0);
  assert_int_equal(zxp_page_map_metadata_bytes(&map), 0);
}

/* writeback.md 2: each state a page can be in */
static void pages_keep_the_state_that_was_set(void** state) {
  (void)state;
  fill("cmda.zc");
  assert_pages("cmda.zc");
}

/* writeback.md 2, last column */
static void clean_dirty_and_awaiting_pages_are_resident(void** state) {
  (void)state;
  fill("cmda.zc");
  assert_int_equal(map.resident, 4);
  assert_int_equal(zxp_page_map_count_resident(&map, 0, 7), 4);
  assert_int_equal(zxp_page_map_count_resident(&map, 1, 2), 1);
  assert_int_equal(zxp_page_map_count_resident(&map, 4, 2), 0);
  fill("dddddmm");
  assert_int_equal(map.resident, 5);
}

/* Leaves hold 64 pages. */
static void ranges_reach_across_leaves(void** state) {
  (void)state;
  set(60, 200, ZXP_PAGE_CLEAN);
  assert_pages_at(58, "..cccccccc");
  assert_pages_at(256, "cccc..");
  assert_int_equal(map.resident, 200);
  set(63, 2, ZXP_PAGE_DIRTY);
  assert_pages_at(61, "ccddcc");
  assert_int_equal(map.resident, 200);
  set(64, 128, ZXP_PAGE_EMPTY);
  assert_pages_at(61, "ccd...");
  assert_int_equal(map.resident, 72);
}

static void a_range_of_no_pages_changes_nothing(void** state) {
  (void)state;
  fill("czd");
  set(1, 0, ZXP_PAGE_DIRTY);
  zero(0, 0);
  begin(0, 0);
  end(0, 0);
  zxp_page_map_drop_clean(&map, 0, 0, NULL, NULL);
  assert_pages("czd");
  assert_await(1, 0);
}

static void metadata_goes_with_the_last_page(void** state) {
  (void)state;
  set(1000, 100, ZXP_PAGE_DIRTY);
  zero(5000, 100);
  assert_true(zxp_page_map_metadata_bytes(&map) > 0);
  set(1000, 100, ZXP_PAGE_EMPTY);
  set(5000, 100, ZXP_PAGE_EMPTY);
  assert_int_equal(zxp_page_map_metadata_bytes(&map), 0);
}

static void pages_near_by_are_counted_among_an_aligned_64(void** state) {
  (void)state;
  assert_int_equal(zxp_page_map_near(&map, 64), 0);
  set(64, 3, ZXP_PAGE_CLEAN);
  set(127, 2, ZXP_PAGE_DIRTY); /* one of them among the next 64 */
  set(100, 1, ZXP_PAGE_MARKER);
  assert_int_equal(zxp_page_map_near(&map, 63), 0);
  assert_int_equal(zxp_page_map_near(&map, 64), 4);
  assert_int_equal(zxp_page_map_near(&map, 110), 4);
  assert_int_equal(zxp_page_map_near(&map, 128), 1);
  set(128, 1, ZXP_PAGE_EMPTY);
  assert_int_equal(zxp_page_map_near(&map, 128), 0);
  assert_int_equal(zxp_page_map_near(&map, 64), 4);
}

static void the_last_page_there_can_be_works(void** state) {
  (void)state;
  const uint64_t last = (UINT64_C(1) << 52) - 1;
  set(last, 1, ZXP_PAGE_CLEAN);
  enum zxp_page_state s;
  assert_int_equal(zxp_page_map_run(&map, last, UINT64_MAX, &s), 1);
  assert_int_equal(s, ZXP_PAGE_CLEAN);
  assert_int_equal(zxp_page_map_next_present(&map, 0, last + 1), last);
  zero(1, last);
  begin(0, last + 1);
  assert_await(1, last);
  assert_listed_in(0, last + 1, "{1, 4503599627370495, ZERO}");
  end(0, UINT64_MAX);
  assert_int_equal(zxp_page_map_metadata_bytes(&map), 0);
}

/* ---- Runs ---- */

static void a_run_is_the_pages_of_one_state(void** state) {
  (void)state;
  fill("ccmzz.d");
  enum zxp_page_state s;
  assert_int_equal(zxp_page_map_run(&map, 0, 100, &s), 2);
  assert_int_equal(s, ZXP_PAGE_CLEAN);
  assert_int_equal(zxp_page_map_run(&map, 1, 100, &s), 1);
  assert_int_equal(zxp_page_map_run(&map, 2, 100, &s), 1);
  assert_int_equal(s, ZXP_PAGE_MARKER);
  assert_int_equal(zxp_page_map_run(&map, 3, 100, &s), 2);
  assert_int_equal(s, ZXP_PAGE_INTERVAL);
  assert_int_equal(zxp_page_map_run(&map, 4, 100, &s), 1);
  assert_int_equal(zxp_page_map_run(&map, 5, 100, &s), 1);
  assert_int_equal(s, ZXP_PAGE_EMPTY);
  assert_int_equal(zxp_page_map_run(&map, 7, 100, &s), 100);
  assert_int_equal(s, ZXP_PAGE_EMPTY);
}

static void a_run_ends_at_its_limit(void** state) {
  (void)state;
  set(0, 1000, ZXP_PAGE_DIRTY);
  enum zxp_page_state s;
  assert_int_equal(zxp_page_map_run(&map, 10, 7, &s), 7);
  assert_int_equal(zxp_page_map_run(&map, 10, 500, &s), 500);
  assert_int_equal(zxp_page_map_run(&map, 10, 5000, &s), 990);
  zero(2000, 1000);
  assert_int_equal(zxp_page_map_run(&map, 2500, 100, &s), 100);
  assert_int_equal(zxp_page_map_run(&map, 1000, 1000, &s), 1000);
  assert_int_equal(zxp_page_map_run(&map, 1000, 1001, &s), 1000);
  assert_int_equal(s, ZXP_PAGE_EMPTY);
}

static void a_run_ends_where_the_next_leaf_is_missing(void** state) {
  (void)state;
  set(0, 64, ZXP_PAGE_CLEAN);
  set(128, 64, ZXP_PAGE_CLEAN);
  enum zxp_page_state s;
  assert_int_equal(zxp_page_map_run(&map, 0, 1000, &s), 64);
  assert_int_equal(zxp_page_map_run(&map, 64, 1000, &s), 64);
  assert_int_equal(s, ZXP_PAGE_EMPTY);
}

static void the_next_present_page_is_any_but_empty(void** state) {
  (void)state;
  assert_int_equal(zxp_page_map_next_present(&map, 0, 500), 500);
  set(300, 1, ZXP_PAGE_MARKER);
  zero(400, 10);
  assert_int_equal(zxp_page_map_next_present(&map, 0, 500), 300);
  assert_int_equal(zxp_page_map_next_present(&map, 300, 500), 300);
  assert_int_equal(zxp_page_map_next_present(&map, 301, 500), 400);
  assert_int_equal(zxp_page_map_next_present(&map, 405, 500), 405);
  assert_int_equal(zxp_page_map_next_present(&map, 410, 500), 500);
  assert_int_equal(zxp_page_map_next_present(&map, 0, 200), 200);
  assert_int_equal(zxp_page_map_next_present(&map, 7, 7), 7);
}

/* ---- Zero intervals: writeback.md 2.1 ---- */

/* writeback.md 2.1 Birth */
static void zeroing_takes_in_every_state_but_markers(void** state) {
  (void)state;
  fill(".cdamcz.");
  zero(0, 8);
  assert_pages("zzzzmzzz");
  assert_int_equal(map.resident, 0);
  assert_listed("{0, 4, ZERO} {5, 3, ZERO}");
}

/* writeback.md 2.2 OP_ZERO of a marker, 8.3.3 */
static void zeroing_a_marker_changes_nothing(void** state) {
  (void)state;
  fill("m");
  zero(0, 1);
  assert_pages("m");
  assert_listed("");
}

/* writeback.md 2.2 OP_ZERO of an interval */
static void zeroing_zeros_changes_nothing(void** state) {
  (void)state;
  zero(0, 10);
  begin(0, 10);
  zero(3, 4);
  assert_await(0, 10);
  zero(0, 10);
  assert_await(0, 10);
  assert_listed("{0, 10, ZERO}");
}

/* writeback.md 2.1 Join */
static void growing_at_the_end_keeps_what_is_claimed(void** state) {
  (void)state;
  zero(2, 2);
  begin(2, 2);
  zero(4, 3);
  assert_await(6, 2);
  assert_listed("{2, 5, ZERO}");
}

/* writeback.md 2.1 Join */
static void extending_at_the_front_forgets_what_is_claimed(void** state) {
  (void)state;
  zero(2, 2);
  begin(2, 2);
  zero(1, 1);
  assert_await(3, 0);
  assert_listed("{1, 3, ZERO}");
}

/* writeback.md 2.1 Join */
static void joining_two_keeps_the_left_parts_claim(void** state) {
  (void)state;
  zero(0, 3);
  zero(5, 2);
  begin(0, 7);
  assert_await(0, 3);
  assert_await(5, 2);
  zero(3, 2);
  assert_await(6, 3);
  assert_listed("{0, 7, ZERO}");
}

/* writeback.md 2.1 Join: the left part is the new one */
static void zeroing_over_intervals_forgets_their_claims(void** state) {
  (void)state;
  zero(2, 2);
  zero(6, 2);
  begin(0, 10);
  zero(0, 10);
  assert_await(0, 0);
  assert_listed("{0, 10, ZERO}");
}

/* writeback.md 2.1 Join: the left part is the old one */
static void zeroing_from_the_start_of_an_interval_keeps_its_claim(void** state) {
  (void)state;
  zero(2, 2);
  begin(2, 2);
  zero(2, 8);
  assert_await(2, 2);
  zero(3, 20);
  assert_await(2, 2);
  assert_listed("{2, 21, ZERO}");
}

/* writeback.md 2.1 Join: nothing joins across a marker */
static void markers_keep_intervals_apart(void** state) {
  (void)state;
  fill("..m..m..");
  zero(0, 8);
  assert_pages("zzmzzmzz");
  begin(3, 2);
  assert_await(0, 0);
  assert_await(3, 2);
  zero(0, 8);
  assert_await(3, 2);
}

/* writeback.md 2.1 Split: in the middle */
static void splitting_leaves_the_whole_claim_on_the_left(void** state) {
  (void)state;
  zero(0, 10);
  begin(0, 8);
  set(5, 1, ZXP_PAGE_DIRTY);
  assert_pages("zzzzzdzzzz");
  assert_await(0, 8);
  assert_await(6, 0);
}

/* writeback.md 2.1 Split: at the first page */
static void splitting_at_the_first_page_takes_one_off_the_claim(void** state) {
  (void)state;
  zero(0, 10);
  begin(0, 2);
  set(0, 1, ZXP_PAGE_DIRTY);
  assert_await(1, 1);
  set(1, 1, ZXP_PAGE_DIRTY);
  assert_await(2, 0);
  set(2, 1, ZXP_PAGE_DIRTY);
  assert_await(3, 0);
}

/* writeback.md 2.1 Split: several pages are as single ones from the front on */
static void splitting_off_several_pages_counts_each(void** state) {
  (void)state;
  zero(0, 10);
  begin(0, 6);
  set(0, 4, ZXP_PAGE_DIRTY);
  assert_await(4, 2);
  set(6, 3, ZXP_PAGE_DIRTY);
  assert_pages("ddddzzdddz");
  assert_await(4, 2);
  assert_await(9, 0);
}

/* writeback.md 2.1 Split: a range that starts before the interval */
static void setting_over_the_front_counts_only_pages_inside(void** state) {
  (void)state;
  zero(5, 10);
  begin(5, 10);
  set(0, 8, ZXP_PAGE_DIRTY);
  assert_await(8, 7);
}

/* writeback.md 2.1 Split: the last page leaves no right part */
static void splitting_at_the_last_page_keeps_the_claim(void** state) {
  (void)state;
  zero(0, 10);
  begin(0, 10);
  set(9, 1, ZXP_PAGE_DIRTY);
  assert_pages("zzzzzzzzzd");
  assert_await(0, 10);
}

static void setting_over_several_intervals_cuts_each(void** state) {
  (void)state;
  fill("zzz.zz.zzz");
  begin(0, 10);
  set(2, 6, ZXP_PAGE_DIRTY);
  assert_pages("zzddddddzz");
  assert_await(0, 3);
  assert_await(8, 2);
}

/* writeback.md 2.1 Split, then Join: the number on the left is longer than its part and stays so */
static void a_claim_longer_than_its_part_covers_regrown_zeros(void** state) {
  (void)state;
  zero(0, 10);
  begin(0, 10);
  set(4, 1, ZXP_PAGE_DIRTY);
  zero(4, 1);
  assert_await(0, 10);
  end(0, 10);
  assert_pages("..........");
}

/* writeback.md 2.1 Cut */
static void shrinking_cuts_an_interval_and_keeps_its_claim(void** state) {
  (void)state;
  zero(0, 10);
  begin(0, 8);
  zxp_page_map_cut(&map, 5);
  assert_listed("{0, 5, ZERO}");
  assert_await(0, 8);
}

static void shrinking_forgets_every_page_behind(void** state) {
  (void)state;
  fill("cmdaz");
  set(62, 100, ZXP_PAGE_DIRTY);
  zero(500, 10);
  zero(1000, 10);
  zxp_page_map_cut(&map, 100);
  assert_listed("{2, 2} {4, 1, ZERO} {62, 38}");
  assert_int_equal(map.resident, 41);
  zxp_page_map_cut(&map, 2);
  assert_pages("cm...");
  zxp_page_map_cut(&map, 0);
  assert_pages(".....");
  assert_int_equal(map.resident, 0);
  assert_int_equal(zxp_page_map_metadata_bytes(&map), 0);
}

/* ---- Writeback: writeback.md 5.4, 5.5 and 8 ---- */

/* writeback.md 2.2, 5.4, 5.5, scenario 8.1.1 */
static void a_cycle_makes_dirty_pages_clean(void** state) {
  (void)state;
  fill("cdma.d");
  begin(0, 6);
  assert_pages("cama.a");
  assert_listed("{1, 1} {3, 1} {5, 1}");
  end(0, 6);
  assert_pages("ccmc.c");
  assert_listed("");
  assert_int_equal(map.resident, 4);
}

/* writeback.md scenario 8.1.2 */
static void a_page_dirtied_during_writeback_stays_dirty(void** state) {
  (void)state;
  fill("dd");
  begin(0, 2);
  set(0, 1, ZXP_PAGE_DIRTY);
  end(0, 2);
  assert_pages("dc");
}

/* writeback.md scenario 8.1.7 */
static void ending_a_part_cleans_that_part(void** state) {
  (void)state;
  fill("dddd");
  begin(0, 4);
  end(1, 2);
  assert_listed("{0, 1} {3, 1}");
}

/* writeback.md 5.5 */
static void ending_without_a_beginning_does_nothing(void** state) {
  (void)state;
  fill("ddzz");
  end(0, 4);
  assert_pages("ddzz");
}

/* writeback.md 5.4, data IS_ZERO */
static void beginning_zeros_leaves_dirty_pages_dirty(void** state) {
  (void)state;
  fill("dzz");
  begin_zero(0, 3);
  assert_pages("dzz");
  assert_await(1, 2);
}

/* writeback.md 5.4: the larger of old and new */
static void beginning_twice_keeps_the_larger_claim(void** state) {
  (void)state;
  zero(0, 10);
  begin(0, 6);
  begin(0, 3);
  assert_await(0, 6);
  begin(0, 20);
  assert_await(0, 10);
}

/* writeback.md 5.4: only intervals that start in the range */
static void beginning_inside_an_interval_claims_nothing(void** state) {
  (void)state;
  zero(5, 5);
  begin(7, 3);
  assert_await(5, 0);
}

/* writeback.md scenario 8.2.2 */
static void writing_inside_zeros_splits_them(void** state) {
  (void)state;
  fill("c");
  zero(1, 3);
  assert_listed("{1, 3, ZERO}");
  set(2, 1, ZXP_PAGE_DIRTY);
  assert_listed("{1, 1, ZERO} {2, 1} {3, 1, ZERO}");
}

/* writeback.md scenario 8.2.5: the mark runs on to the right half */
static void both_halves_of_a_split_interval_are_cleaned(void** state) {
  (void)state;
  zero(1, 3);
  begin_zero(1, 3);
  set(2, 1, ZXP_PAGE_DIRTY);
  end(1, 3);
  assert_pages("..d.");
}

/* writeback.md scenario 8.2.6 */
static void a_page_written_before_a_zero_writeback_is_kept(void** state) {
  (void)state;
  zero(1, 3);
  set(2, 1, ZXP_PAGE_DIRTY);
  begin_zero(1, 3);
  end(1, 3);
  assert_listed("{2, 1}");
  set(2, 1, ZXP_PAGE_EMPTY);
  zero(1, 3);
  set(2, 1, ZXP_PAGE_DIRTY);
  begin(1, 3);
  end(1, 3);
  assert_listed("");
}

/* writeback.md scenario 8.2.7 */
static void zeros_can_be_ended_in_parts(void** state) {
  (void)state;
  zero(1, 4);
  begin_zero(1, 4);
  end(1, 2);
  assert_listed("{3, 2, ZERO}");
  assert_await(3, 2);
  end(3, 2);
  assert_listed("");
}

/* writeback.md scenario 8.2.8 */
static void zeros_grown_during_writeback_stay(void** state) {
  (void)state;
  zero(1, 2);
  begin_zero(1, 1);
  zero(3, 2);
  end(1, 1);
  assert_listed("{2, 3, ZERO}");
}

/* writeback.md scenario 8.2.9 */
static void claims_from_inside_an_interval_do_not_count(void** state) {
  (void)state;
  zero(5, 5);
  begin(5, 2);
  begin(7, 3);
  end(5, 2);
  end(7, 3);
  assert_listed("{7, 3, ZERO}");
  begin(7, 3);
  end(7, 3);
  assert_listed("");
}

/* writeback.md scenario 8.2.10, but for the range check of the call */
static void a_cut_interval_ends_at_its_new_end(void** state) {
  (void)state;
  zero(1, 2);
  begin_zero(1, 2);
  zxp_page_map_cut(&map, 2);
  assert_listed("{1, 1, ZERO}");
  end(1, 1);
  assert_listed("");
}

/* writeback.md 5.5: an interval that starts before the range is left alone */
static void ending_inside_an_interval_does_nothing(void** state) {
  (void)state;
  zero(0, 10);
  begin(0, 10);
  end(3, 7);
  assert_listed("{0, 10, ZERO}");
  assert_await(0, 10);
}

/* writeback.md 5.5: the end of the interval lies behind the range */
static void ending_the_front_leaves_the_rest_claimed(void** state) {
  (void)state;
  zero(0, 10);
  begin(0, 10);
  end(0, 4);
  assert_listed("{4, 6, ZERO}");
  assert_await(4, 6);
}

/* writeback.md scenario 8.3.5 */
static void zeroing_during_writeback_stays_listed(void** state) {
  (void)state;
  fill("d");
  begin(0, 1);
  zero(0, 1);
  end(0, 1);
  assert_listed("{0, 1, ZERO}");
}

/* writeback.md scenario 8.3.6 */
static void joining_during_writeback(void** state) {
  (void)state;
  zero(1, 1);
  begin_zero(1, 1);
  zero(0, 1);
  end(1, 1);
  assert_listed("{0, 2, ZERO}");

  zxp_page_map_cut(&map, 0);
  zero(1, 1);
  begin_zero(1, 1);
  zero(2, 1);
  end(1, 2);
  assert_listed("{2, 1, ZERO}");
}

static void emptied_zeros_are_told(void** state) {
  (void)state;
  fill("zzdzz.zzz");
  begin_zero(0, 9);
  told[0] = '\0';
  zxp_page_map_writeback_end(&map, 0, 8, tell, &map);
  assert_string_equal(told, "(0, 2) (3, 2) (6, 2)");
  assert_pages("..d.....z");
}

/* ---- Dropping clean pages ---- */

/* pager.md 8.1; writeback.md 8.5.1 */
static void dropping_leaves_what_is_dirty(void** state) {
  (void)state;
  fill("cmdazc.cc");
  told[0] = '\0';
  zxp_page_map_drop_clean(&map, 0, 9, tell, &map);
  assert_pages("..daz....");
  assert_string_equal(told, "(0, 1) (5, 1) (7, 2)");
  assert_int_equal(map.resident, 2);
}

static void dropped_runs_are_told_across_leaves(void** state) {
  (void)state;
  set(10, 300, ZXP_PAGE_CLEAN);
  set(200, 1, ZXP_PAGE_MARKER);
  told[0] = '\0';
  zxp_page_map_drop_clean(&map, 20, 270, tell, &map);
  assert_string_equal(told, "(20, 180) (201, 89)");
  assert_int_equal(map.resident, 30);
  zxp_page_map_drop_clean(&map, 0, UINT64_MAX, NULL, NULL);
  assert_int_equal(zxp_page_map_metadata_bytes(&map), 0);
}

/* ---- Dirty ranges: writeback.md 6 ---- */

/* writeback.md 6.3 */
static void dirty_and_awaiting_pages_are_one_entry(void** state) {
  (void)state;
  fill("ddaadcdd");
  assert_listed("{0, 5} {6, 2}");
}

/* writeback.md 6.3 */
static void zeros_are_an_entry_of_their_own(void** state) {
  (void)state;
  fill("dzzdzd");
  assert_listed("{0, 1} {1, 2, ZERO} {3, 1} {4, 1, ZERO} {5, 1}");
}

/* writeback.md 6.2 */
static void entries_are_clipped_to_the_range(void** state) {
  (void)state;
  set(50, 100, ZXP_PAGE_DIRTY);
  zero(150, 100);
  assert_listed_in(60, 200, "{60, 90} {150, 50, ZERO}");
  assert_listed_in(160, 170, "{160, 10, ZERO}");
  assert_listed_in(70, 71, "{70, 1}");
  assert_listed_in(70, 70, "");
  assert_listed_in(250, 1000, "");
}

static void a_dirty_run_reaches_across_leaves(void** state) {
  (void)state;
  set(0, 1000, ZXP_PAGE_DIRTY);
  set(500, 100, ZXP_PAGE_AWAITING);
  assert_listed("{0, 1000}");
}

/* ---- Memory runs out ---- */

/* Every call that may need memory has changed nothing where it fails: tries it with ever more. */
static void assert_all_or_nothing(const char* before, const char* after,
                                  zx_status_t (*change)(void)) {
  for (long enough = 0;; enough++) {
    fill(before);
    begin_zero(0, strlen(before));
    const uint64_t bytes = zxp_page_map_metadata_bytes(&map);
    allocations_left = enough;
    const zx_status_t status = change();
    allocations_left = -1;
    if (status == ZX_OK) {
      assert_pages(after);
      assert_true(enough > 0);
      return;
    }
    assert_int_equal(status, ZX_ERR_NO_MEMORY);
    assert_pages(before);
    assert_int_equal(zxp_page_map_metadata_bytes(&map), bytes);
    zxp_page_map_cut(&map, 0);
  }
}

static zx_status_t set_one_inside(void) { return zxp_page_map_set(&map, 2, 1, ZXP_PAGE_DIRTY); }

static void a_split_without_memory_changes_nothing(void** state) {
  (void)state;
  assert_all_or_nothing("zzzzz", "zzdzz", set_one_inside);
}

static zx_status_t set_across_leaves(void) {
  return zxp_page_map_set(&map, 1, 200, ZXP_PAGE_CLEAN);
}

static void setting_many_without_memory_changes_nothing(void** state) {
  (void)state;
  assert_all_or_nothing("dzz..", "dcccccccc", set_across_leaves);
}

static zx_status_t zero_between_markers(void) { return zxp_page_map_zero(&map, 0, 8); }

static void zeroing_without_memory_changes_nothing(void** state) {
  (void)state;
  assert_all_or_nothing("d.mcmamz", "zzmzmzmz", zero_between_markers);
}

/* ---- The check itself ---- */

static void the_check_finds_damage(void** state) {
  (void)state;
  fill("cdz.m");
  assert_true(zxp_page_map_check(&map));
  map.resident++;
  assert_false(zxp_page_map_check(&map));
  map.resident--;

  /* An interval moved over a page that has a state of its own. */
  struct zxp_tree_node* const interval = zxp_tree_first(&map.intervals);
  interval->key = 1;
  assert_false(zxp_page_map_check(&map));
  interval->key = 2;

  /* A leaf off its place. */
  struct zxp_tree_node* const leaf = zxp_tree_first(&map.leaves);
  leaf->key = 5;
  assert_false(zxp_page_map_check(&map));
  leaf->key = 0;
  assert_true(zxp_page_map_check(&map));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_new_map_is_empty),
      TEST(pages_keep_the_state_that_was_set),
      TEST(clean_dirty_and_awaiting_pages_are_resident),
      TEST(ranges_reach_across_leaves),
      TEST(a_range_of_no_pages_changes_nothing),
      TEST(metadata_goes_with_the_last_page),
      TEST(pages_near_by_are_counted_among_an_aligned_64),
      TEST(the_last_page_there_can_be_works),
      TEST(a_run_is_the_pages_of_one_state),
      TEST(a_run_ends_at_its_limit),
      TEST(a_run_ends_where_the_next_leaf_is_missing),
      TEST(the_next_present_page_is_any_but_empty),
      TEST(zeroing_takes_in_every_state_but_markers),
      TEST(zeroing_a_marker_changes_nothing),
      TEST(zeroing_zeros_changes_nothing),
      TEST(growing_at_the_end_keeps_what_is_claimed),
      TEST(extending_at_the_front_forgets_what_is_claimed),
      TEST(joining_two_keeps_the_left_parts_claim),
      TEST(zeroing_over_intervals_forgets_their_claims),
      TEST(zeroing_from_the_start_of_an_interval_keeps_its_claim),
      TEST(markers_keep_intervals_apart),
      TEST(splitting_leaves_the_whole_claim_on_the_left),
      TEST(splitting_at_the_first_page_takes_one_off_the_claim),
      TEST(splitting_off_several_pages_counts_each),
      TEST(setting_over_the_front_counts_only_pages_inside),
      TEST(splitting_at_the_last_page_keeps_the_claim),
      TEST(setting_over_several_intervals_cuts_each),
      TEST(a_claim_longer_than_its_part_covers_regrown_zeros),
      TEST(shrinking_cuts_an_interval_and_keeps_its_claim),
      TEST(shrinking_forgets_every_page_behind),
      TEST(a_cycle_makes_dirty_pages_clean),
      TEST(a_page_dirtied_during_writeback_stays_dirty),
      TEST(ending_a_part_cleans_that_part),
      TEST(ending_without_a_beginning_does_nothing),
      TEST(beginning_zeros_leaves_dirty_pages_dirty),
      TEST(beginning_twice_keeps_the_larger_claim),
      TEST(beginning_inside_an_interval_claims_nothing),
      TEST(writing_inside_zeros_splits_them),
      TEST(both_halves_of_a_split_interval_are_cleaned),
      TEST(a_page_written_before_a_zero_writeback_is_kept),
      TEST(zeros_can_be_ended_in_parts),
      TEST(zeros_grown_during_writeback_stay),
      TEST(claims_from_inside_an_interval_do_not_count),
      TEST(a_cut_interval_ends_at_its_new_end),
      TEST(ending_inside_an_interval_does_nothing),
      TEST(ending_the_front_leaves_the_rest_claimed),
      TEST(zeroing_during_writeback_stays_listed),
      TEST(joining_during_writeback),
      TEST(emptied_zeros_are_told),
      TEST(dropping_leaves_what_is_dirty),
      TEST(dropped_runs_are_told_across_leaves),
      TEST(dirty_and_awaiting_pages_are_one_entry),
      TEST(zeros_are_an_entry_of_their_own),
      TEST(entries_are_clipped_to_the_range),
      TEST(a_dirty_run_reaches_across_leaves),
      TEST(a_split_without_memory_changes_nothing),
      TEST(setting_many_without_memory_changes_nothing),
      TEST(zeroing_without_memory_changes_nothing),
      TEST(the_check_finds_damage),
  };
  return cmocka_run_group_tests_name("page map", tests, NULL, NULL);
}
