/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a page map costs in memory. The number that the map states is held against what it
 * allocated.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include "../base/random.h"
#include "vm/page_map.h"
/* After the headers that it needs and does not include. */
#include <cmocka.h>

#define TIB ((UINT64_C(1) << 40) / 4096) /* pages */

/* ---- Allocations, counted; linked with --wrap=calloc --wrap=free ---- */

void* __real_calloc(size_t n, size_t size);
void* __wrap_calloc(size_t n, size_t size);
void __real_free(void* p);
void __wrap_free(void* p);

static uint64_t blocks;
static uint64_t bytes; /* only ever grows */

void* __wrap_calloc(size_t n, size_t size) {
  blocks++;
  bytes += n * size;
  return __real_calloc(n, size);
}

void __wrap_free(void* p) {
  blocks -= p != NULL;
  __real_free(p);
}

/* ---- Fixture ---- */

static struct zxp_page_map map;

static int set_up(void** state) {
  (void)state;
  zxp_page_map_init(&map);
  blocks = bytes = 0;
  return 0;
}

static int tear_down(void** state) {
  (void)state;
  zxp_page_map_destroy(&map);
  return 0;
}

static void set(uint64_t first, uint64_t count, enum zxp_page_state state) {
  assert_int_equal(zxp_page_map_set(&map, first, count, state), ZX_OK);
}

/* A map keeps the leaf that it gave up last, for the next. */
#define SPARE 1

/* ---- Tests ---- */

static void a_dense_page_costs_a_byte(void** state) {
  (void)state;
  const uint64_t pages = 1000000;
  set(0, pages, ZXP_PAGE_CLEAN);
  assert_in_range(zxp_page_map_metadata_bytes(&map), bytes, pages * 13 / 10);
}

/* Set one by one, in disorder, pages must not cost more than set at once. */
static void the_order_of_setting_does_not_matter(void** state) {
  (void)state;
  const uint64_t pages = 10000;
  /* A step without a common divisor visits every page once. */
  for (uint64_t i = 0, page = 0; i < pages; i++, page = (page + 3331) % pages) {
    set(page, 1, ZXP_PAGE_DIRTY);
  }
  assert_int_equal(map.resident, pages);
  assert_in_range(zxp_page_map_metadata_bytes(&map), bytes, pages * 13 / 10);
}

/* A leaf each at most: no page tables of many levels over the gaps. */
static void scattered_pages_cost_a_leaf_each(void** state) {
  (void)state;
  struct rng rng = rng_start(1);
  for (int i = 0; i < 20000; i++) {
    set(rng_below(&rng, TIB), 1, ZXP_PAGE_DIRTY);
  }
  assert_in_range(zxp_page_map_metadata_bytes(&map), bytes, 20000 * 64);
}

/* writeback.md 2.1: one object, however long */
static void a_zero_interval_costs_the_same_at_any_length(void** state) {
  (void)state;
  assert_int_equal(zxp_page_map_zero(&map, 0, TIB), ZX_OK);
  assert_int_equal(blocks, 1);
  assert_true(zxp_page_map_metadata_bytes(&map) <= 64);
  set(TIB / 2, 1, ZXP_PAGE_DIRTY);
  assert_int_equal(blocks, 3);
  zxp_page_map_cut(&map, TIB / 2);
  assert_int_equal(blocks, 1 + SPARE);
  zxp_page_map_writeback_begin(&map, 0, TIB, true);
  zxp_page_map_writeback_end(&map, 0, TIB, NULL, NULL);
  assert_int_equal(blocks, 0 + SPARE);
}

static void zeroing_gives_the_memory_of_leaves_back(void** state) {
  (void)state;
  set(0, 100000, ZXP_PAGE_DIRTY);
  assert_int_equal(zxp_page_map_zero(&map, 0, 100000), ZX_OK);
  assert_int_equal(blocks, 1 + SPARE);
}

static void all_leaves_but_one_go_with_the_last_page(void** state) {
  (void)state;
  set(7, 100000, ZXP_PAGE_CLEAN);
  zxp_page_map_drop_clean(&map, 0, TIB, NULL, NULL);
  assert_int_equal(blocks, SPARE);
  set(7, 100000, ZXP_PAGE_CLEAN);
  set(0, 100007, ZXP_PAGE_EMPTY);
  assert_int_equal(blocks, SPARE);
  assert_int_equal(zxp_page_map_metadata_bytes(&map), 0);
}

static void a_page_set_and_emptied_over_and_over_allocates_once(void** state) {
  (void)state;
  for (uint64_t i = 0; i < 1000; i++) {
    set(i * 1000, 1, ZXP_PAGE_DIRTY);
    set(i * 1000, 1, ZXP_PAGE_EMPTY);
  }
  assert_int_equal(blocks, SPARE);
  assert_true(bytes <= 64);
}

static void a_destroyed_map_holds_nothing(void** state) {
  (void)state;
  set(7, 1000, ZXP_PAGE_CLEAN);
  set(7, 1000, ZXP_PAGE_EMPTY);
  set(9000, 1, ZXP_PAGE_DIRTY);
  zxp_page_map_destroy(&map);
  assert_int_equal(blocks, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_dense_page_costs_a_byte),
      TEST(the_order_of_setting_does_not_matter),
      TEST(scattered_pages_cost_a_leaf_each),
      TEST(a_zero_interval_costs_the_same_at_any_length),
      TEST(zeroing_gives_the_memory_of_leaves_back),
      TEST(all_leaves_but_one_go_with_the_last_page),
      TEST(a_page_set_and_emptied_over_and_over_allocates_once),
      TEST(a_destroyed_map_holds_nothing),
  };
  return cmocka_run_group_tests_name("page map, cost", tests, NULL, NULL);
}
