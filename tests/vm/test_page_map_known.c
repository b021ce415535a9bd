/* SPDX-License-Identifier: BSD-3-Clause */
/* Known zeros: markers that are one object however many they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* CMocka needs the five headers above. */
#include <cmocka.h>
#include <stdlib.h>

#include "../base/random.h"
#include "vm/page_map.h"

#define LIMIT (UINT64_C(1) << 52)

static struct zxp_page_map map;

static int begin(void** state) {
  (void)state;
  zxp_page_map_init(&map);
  return 0;
}

static int end(void** state) {
  (void)state;
  zxp_page_map_destroy(&map);
  return 0;
}

static uint64_t run(uint64_t page, uint64_t limit, enum zxp_page_state want) {
  enum zxp_page_state state;
  const uint64_t n = zxp_page_map_run(&map, page, limit, &state);
  assert_int_equal(state, want);
  return n;
}

static void set(uint64_t first, uint64_t count, enum zxp_page_state state) {
  assert_int_equal(zxp_page_map_set(&map, first, count, state), ZX_OK);
  assert_true(zxp_page_map_check(&map));
}

/* objects.md 11.4 */
static void known_zeros_are_markers_in_one_run(void** state) {
  (void)state;
  assert_int_equal(zxp_page_map_know_zeros(&map, 10, LIMIT - 10), ZX_OK);
  assert_true(zxp_page_map_check(&map));
  assert_int_equal(zxp_page_map_get(&map, 9), ZXP_PAGE_EMPTY);
  assert_int_equal(zxp_page_map_get(&map, 10), ZXP_PAGE_MARKER);
  assert_int_equal(zxp_page_map_get(&map, LIMIT - 1), ZXP_PAGE_MARKER);
  assert_int_equal(run(0, LIMIT, ZXP_PAGE_EMPTY), 10);
  assert_int_equal(run(10, LIMIT - 10, ZXP_PAGE_MARKER), LIMIT - 10);
  assert_int_equal(run(20, 5, ZXP_PAGE_MARKER), 5);
  assert_int_equal(zxp_page_map_next_present(&map, 0, LIMIT), 10);
  assert_int_equal(zxp_page_map_next_present(&map, 12, LIMIT), 12);
  assert_int_equal(map.resident, 0);
  assert_int_equal(zxp_page_map_metadata_bytes(&map), 0);
}

/* writeback.md 2.2: a marker is clean */
static void known_zeros_are_not_listed(void** state) {
  (void)state;
  uint64_t first;
  uint64_t count;
  bool zero;
  assert_int_equal(zxp_page_map_know_zeros(&map, 10, LIMIT - 10), ZX_OK);
  assert_false(zxp_page_map_next_dirty(&map, 0, LIMIT, &first, &count, &zero));
  set(20, 1, ZXP_PAGE_DIRTY);
  assert_true(zxp_page_map_next_dirty(&map, 0, LIMIT, &first, &count, &zero));
  assert_int_equal(first, 20);
  assert_int_equal(count, 1);
  assert_false(zxp_page_map_next_dirty(&map, 21, LIMIT, &first, &count, &zero));
}

/* What has once been something else is not known to be zero any more. */
static void a_page_that_was_written_and_dropped_is_empty(void** state) {
  (void)state;
  assert_int_equal(zxp_page_map_know_zeros(&map, 10, 90), ZX_OK);
  set(20, 2, ZXP_PAGE_DIRTY);
  zxp_page_map_writeback_begin(&map, 0, 100, false);
  zxp_page_map_writeback_end(&map, 0, 100, NULL, NULL);
  assert_int_equal(zxp_page_map_get(&map, 20), ZXP_PAGE_CLEAN);
  zxp_page_map_drop_clean(&map, 0, 100, NULL, NULL);
  assert_true(zxp_page_map_check(&map));
  assert_int_equal(run(10, 90, ZXP_PAGE_MARKER), 10);
  assert_int_equal(run(20, 80, ZXP_PAGE_EMPTY), 2);
  assert_int_equal(run(22, 78, ZXP_PAGE_MARKER), 78);
}

/* writeback.md 2.2: ZERO leaves a marker */
static void zeroing_goes_around_known_zeros(void** state) {
  (void)state;
  assert_int_equal(zxp_page_map_know_zeros(&map, 10, 90), ZX_OK);
  set(30, 1, ZXP_PAGE_DIRTY);
  set(31, 1, ZXP_PAGE_EMPTY);
  assert_int_equal(zxp_page_map_zero(&map, 5, 60), ZX_OK);
  assert_true(zxp_page_map_check(&map));
  assert_int_equal(run(5, 60, ZXP_PAGE_INTERVAL), 5);
  assert_int_equal(run(10, 60, ZXP_PAGE_MARKER), 20);
  assert_int_equal(run(30, 60, ZXP_PAGE_INTERVAL), 2);
  assert_int_equal(run(32, 68, ZXP_PAGE_MARKER), 68);
}

static void cutting_forgets_known_zeros(void** state) {
  (void)state;
  assert_int_equal(zxp_page_map_know_zeros(&map, 10, 90), ZX_OK);
  zxp_page_map_cut(&map, 40);
  assert_true(zxp_page_map_check(&map));
  assert_int_equal(run(10, 90, ZXP_PAGE_MARKER), 30);
  assert_int_equal(run(40, 60, ZXP_PAGE_EMPTY), 60);
  zxp_page_map_cut(&map, 0);
  assert_int_equal(run(0, 100, ZXP_PAGE_EMPTY), 100);
}

/* Against a plain array of states, page by page. */
#define PAGES ((uint64_t)200)

static void any_order_of_changes_gives_the_right_states(void** state) {
  (void)state;
  struct rng random = rng_start(random_seed());
  for (uint64_t round = 0; round < random_rounds(200); round++) {
    enum zxp_page_state want[PAGES];
    const uint64_t from = rng_below(&random, PAGES);
    zxp_page_map_destroy(&map);
    assert_int_equal(zxp_page_map_know_zeros(&map, from, PAGES - from), ZX_OK);
    for (uint64_t p = 0; p < PAGES; p++) {
      want[p] = p < from ? ZXP_PAGE_EMPTY : ZXP_PAGE_MARKER;
    }
    for (unsigned step = 0; step < 30; step++) {
      const uint64_t first = rng_below(&random, PAGES);
      const uint64_t count = 1 + rng_below(&random, PAGES - first);
      const enum zxp_page_state to = (enum zxp_page_state)rng_below(&random, 5);
      if (rng_below(&random, 3) == 0) {
        assert_int_equal(zxp_page_map_zero(&map, first, count), ZX_OK);
        for (uint64_t p = first; p < first + count; p++) {
          want[p] = want[p] == ZXP_PAGE_MARKER ? ZXP_PAGE_MARKER : ZXP_PAGE_INTERVAL;
        }
      } else {
        assert_int_equal(zxp_page_map_set(&map, first, count, to), ZX_OK);
        for (uint64_t p = first; p < first + count; p++) {
          want[p] = to;
        }
      }
      assert_true(zxp_page_map_check(&map));
    }
    for (uint64_t p = 0; p < PAGES; p++) {
      assert_int_equal(zxp_page_map_get(&map, p), want[p]);
    }
    for (uint64_t p = 0; p < PAGES;) {
      const uint64_t n = run(p, PAGES - p, want[p]);
      assert_true(n > 0);
      for (uint64_t i = 0; i < n; i++) {
        assert_int_equal(want[p + i], want[p]);
      }
      p += n;
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(known_zeros_are_markers_in_one_run, begin, end),
      cmocka_unit_test_setup_teardown(known_zeros_are_not_listed, begin, end),
      cmocka_unit_test_setup_teardown(a_page_that_was_written_and_dropped_is_empty, begin, end),
      cmocka_unit_test_setup_teardown(zeroing_goes_around_known_zeros, begin, end),
      cmocka_unit_test_setup_teardown(cutting_forgets_known_zeros, begin, end),
      cmocka_unit_test_setup_teardown(any_order_of_changes_gives_the_right_states, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
