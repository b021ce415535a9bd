/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Size: what a huge VMO costs is what is in it. No times are asserted, they are printed; what is
 * asserted is that nothing is committed, nobody is asked, and that metadata stays small.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "writeback.h"

enum {
  SCATTERED = UNDER_TSAN ? 4000 : 20000,
};

/* ThreadSanitizer leaves the library an address space in which 1 TiB has no place. */
#define HUGE_BYTES (UINT64_C(1) << (UNDER_TSAN ? 36 : 40))
#define HUGE_PAGES (HUGE_BYTES / PAGE)

/* For a root that lists a handful of ranges. */
#define SMALL_METADATA 4096

#define DENSE_PAGES ((uint64_t)(UNDER_SANITIZER ? 1 << 14 : 1 << 16))

static double microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

#define TIMED(what, statement)                                           \
  do {                                                                   \
    const double timed_start = microseconds();                           \
    statement;                                                           \
    printf("    %-44s %12.1f us\n", what, microseconds() - timed_start); \
  } while (0)

static void expect_small(struct root* v) {
  const zx_info_vmo_t info = vmo_info(v->vmo);
  check_equal(info.committed_bytes, 0);
  if (info.metadata_bytes > SMALL_METADATA) {
    check_fail("%" PRIu64 " bytes of metadata", info.metadata_bytes);
  }
}

/* ---- Zeros ---- */

static void grow_write_back_and_shrink(bool trap) {
  struct root* v = make_resizable_root_of(trap, 0);
  const struct counts before = counts_now();
  TIMED("growth from nothing", resize(v, HUGE_PAGES));
  expect_small(v);
  TIMED("query", expect_listed(v, ZERO(0, HUGE_PAGES)));
  TIMED("WRITEBACK_BEGIN", begin_zero_writeback(v, 0, HUGE_PAGES));
  TIMED("WRITEBACK_END", end_writeback(v, 0, HUGE_PAGES));
  expect_none_listed(v);
  expect_small(v);
  TIMED("zeroing of absent pages", zero_pages(v, 0, HUGE_PAGES));
  expect_listed(v, ZERO(0, HUGE_PAGES));
  TIMED("shrinking to half", resize(v, HUGE_PAGES / 2));
  expect_listed(v, ZERO(0, HUGE_PAGES / 2));
  TIMED("shrinking to nothing", resize(v, 0));
  expect_none_listed(v);
  expect_small(v);
  check_equal(counts_now().requests, before.requests);
  expect_nothing();
}

/* writeback.md 2.1, 8.2: growing from zero, written back as zeros, shrunk */
SCENARIO(a_huge_trap_root_is_zeros_at_no_cost) { grow_write_back_and_shrink(true); }
SCENARIO(a_huge_plain_root_is_zeros_at_no_cost) { grow_write_back_and_shrink(false); }

/* The same with a mapping of all of it, through which some zeros were looked at. */
SCENARIO(a_huge_mapped_root_is_zeros_at_no_cost) {
  need_mappings();
  struct root* v = make_resizable_trap_root(1);
  map_pages(v, HUGE_PAGES);
  TIMED("growth under a mapping", resize(v, HUGE_PAGES));
  for (uint64_t page = 1; page < HUGE_PAGES; page += HUGE_PAGES / 16) {
    expect_byte(start_touch(VIA_MAPPING, v, page), 0);
  }
  check_equal(vmo_info(v->vmo).committed_bytes, 0);
  expect_listed(v, ZERO(1, HUGE_PAGES - 1));
  TIMED("WRITEBACK_BEGIN", begin_zero_writeback(v, 0, HUGE_PAGES));
  TIMED("WRITEBACK_END", end_writeback(v, 0, HUGE_PAGES));
  expect_none_listed(v);
  TIMED("shrinking under a mapping", resize(v, 1));
  expect_small(v);
  expect_nothing();
}

/* ---- Scattered pages ---- */

/* One page in each of SCATTERED parts of the VMO, at a place of its own; never the first of it. */
static uint64_t scattered_page(uint64_t i) {
  const uint64_t part = HUGE_PAGES / SCATTERED;
  return i * part + 1 + i * 7919 % (part - 2);
}

/* Queries everything through a buffer of `room` entries; `zeros`: intervals lie between the
 * pages. */
static void expect_scattered(struct root* v, size_t room, bool zeros) {
  zx_vmo_dirty_range_t* entries = malloc(room * sizeof(*entries));
  if (entries == NULL) check_fail("no memory");
  uint64_t at = 0;
  uint64_t i = 0;
  bool zero_next = zeros;
  uint64_t covered = 0;
  for (;;) {
    size_t actual = 0;
    check_ok(zx_pager_query_dirty_ranges(v->pager, v->vmo, at, HUGE_BYTES - at, entries,
                                         room * sizeof(*entries), &actual, NULL));
    if (actual == 0) break;
    for (size_t k = 0; k < actual; k++) {
      const uint64_t first = entries[k].offset / PAGE;
      const uint64_t count = entries[k].length / PAGE;
      if (zero_next) {
        check_equal(entries[k].options, ZX_VMO_DIRTY_RANGE_IS_ZERO);
        check_equal(first, covered);
        check_equal(first + count, i < SCATTERED ? scattered_page(i) : HUGE_PAGES);
      } else {
        check_equal(entries[k].options, 0);
        check_equal(first, scattered_page(i));
        check_equal(count, 1);
        i++;
      }
      covered = first + count;
      if (zeros) zero_next = !zero_next;
    }
    at = entries[actual - 1].offset + entries[actual - 1].length;
    if (at == HUGE_BYTES) break;
  }
  check_equal(i, SCATTERED);
  free(entries);
}

static void expect_count(struct root* v, size_t count) {
  size_t avail = 0;
  check_ok(zx_pager_query_dirty_ranges(v->pager, v->vmo, 0, HUGE_BYTES, NULL, 0, NULL, &avail));
  check_equal(avail, count);
}

/* writeback.md 6: pages far from each other, with nothing between them */
SCENARIO(scattered_dirty_pages_are_listed) {
  struct root* v = make_trap_root(HUGE_PAGES);
  const zx_handle_t source = make_vmo(1);
  for (uint64_t i = 0; i < SCATTERED; i++) {
    const uint64_t offset = scattered_page(i) * PAGE;
    check_ok(zx_pager_supply_pages(v->pager, v->vmo, offset, PAGE, source, 0));
    check_ok(zx_pager_op_range(v->pager, ZX_PAGER_OP_DIRTY, v->vmo, offset, PAGE, 0));
  }
  TIMED("counting 20,000 ranges", expect_count(v, SCATTERED));
  TIMED("listing them at once", expect_scattered(v, SCATTERED, false));
  TIMED("listing them in sixties", expect_scattered(v, 60, false));
  check_equal(committed_pages(v->vmo), SCATTERED);
  TIMED("WRITEBACK_BEGIN", begin_writeback(v, 0, HUGE_PAGES));
  expect_scattered(v, 1000, false);
  TIMED("WRITEBACK_END", end_writeback(v, 0, HUGE_PAGES));
  expect_none_listed(v);
  check_equal(committed_pages(v->vmo), SCATTERED);
  expect_nothing();
}

/* writeback.md 2.1, 6: pages that split an interval over everything */
SCENARIO(scattered_dirty_pages_split_the_zeros_between_them) {
  struct root* v = make_resizable_trap_root(0);
  resize(v, HUGE_PAGES);
  for (uint64_t i = 0; i < SCATTERED; i++) {
    dirty_pages(v, scattered_page(i), 1);
  }
  TIMED("counting 40,001 ranges", expect_count(v, 2 * SCATTERED + 1));
  TIMED("listing them at once", expect_scattered(v, 2 * SCATTERED + 1, true));
  TIMED("listing them in sixties", expect_scattered(v, 60, true));
  TIMED("WRITEBACK_BEGIN", begin_writeback(v, 0, HUGE_PAGES));
  TIMED("WRITEBACK_END", end_writeback(v, 0, HUGE_PAGES));
  expect_none_listed(v);
  check_equal(committed_pages(v->vmo), SCATTERED);
  TIMED("shrinking to nothing", resize(v, 0));
  expect_small(v);
}

/* ---- Metadata ---- */

static void expect_metadata_fits(struct root* v) {
  const zx_info_vmo_t info = vmo_info(v->vmo);
  check_equal(info.committed_bytes, DENSE_PAGES * PAGE);
  printf("    %.2f bytes of metadata a page\n", (double)info.metadata_bytes / (double)DENSE_PAGES);
  if (info.metadata_bytes > 4 * DENSE_PAGES) {
    check_fail("%" PRIu64 " bytes of metadata for %" PRIu64 " pages", info.metadata_bytes,
               DENSE_PAGES);
  }
}

/* At most 4 bytes for a resident page, whatever the states are. */
SCENARIO(metadata_of_resident_pages_is_small) {
  struct root* v = make_trap_root(DENSE_PAGES);
  const uint64_t step = 512;
  const zx_handle_t source = make_vmo(step);
  for (uint64_t page = 0; page < DENSE_PAGES; page += step) {
    check_ok(zx_vmo_op_range(source, ZX_VMO_OP_COMMIT, 0, step * PAGE, NULL, 0));
    check_ok(zx_pager_supply_pages(v->pager, v->vmo, page * PAGE, step * PAGE, source, 0));
  }
  expect_metadata_fits(v);
  for (uint64_t page = 0; page < DENSE_PAGES; page += 2) {
    check_ok(zx_pager_op_range(v->pager, ZX_PAGER_OP_DIRTY, v->vmo, page * PAGE, PAGE, 0));
  }
  expect_metadata_fits(v);
  begin_writeback(v, 0, DENSE_PAGES / 2);
  expect_metadata_fits(v);
  dirty_pages(v, 0, DENSE_PAGES);
  expect_metadata_fits(v);
  expect_listed(v, DATA(0, DENSE_PAGES));
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(a_huge_trap_root_is_zeros_at_no_cost),
      TEST(a_huge_plain_root_is_zeros_at_no_cost),
      TEST(a_huge_mapped_root_is_zeros_at_no_cost),
      TEST(scattered_dirty_pages_are_listed),
      TEST(scattered_dirty_pages_split_the_zeros_between_them),
      TEST(metadata_of_resident_pages_is_small),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
