/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the page map costs in time and memory, per page or entry.
 *
 *   bench_page_map [ROUNDS] [--json FILE]
 *
 * Each round gives one sample a row. Where there is something plain to compare with, an array that
 * holds the same facts and could not do the rest, it is measured in the same round.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "vm/page_map.h"

#define TIB       ((UINT64_C(1) << 40) / 4096) /* pages */
#define SCATTERED 20000
#define DENSE     (UINT64_C(1) << 20)

enum row {
  QUERY_SCATTERED,
  QUERY_ARRAY,
  SET_SCATTERED,
  GET_SCATTERED,
  SET_DENSE,
  SET_DENSE_SINGLY,
  SET_ARRAY,
  RUN_DENSE,
  BEGIN_DENSE,
  END_DENSE,
  CUT_DENSE,
  ZERO_TIB,
  QUERY_TIB,
  CUT_TIB,
  ROWS,
};

static const struct {
  const char* name;
  const char* against;
} rows[ROWS] = {
    [QUERY_ARRAY] = {"1000 steps over a sorted array", NULL},
    [QUERY_SCATTERED] = {"1000 of 20,000 dirty pages in 1 TiB", "1000 steps over a sorted array"},
    [SET_SCATTERED] = {"1000 sets of a scattered page", NULL},
    [GET_SCATTERED] = {"1000 gets of a scattered page", NULL},
    [SET_ARRAY] = {"1000 pages by memset of a byte each", NULL},
    [SET_DENSE] = {"1000 pages set at once", "1000 pages by memset of a byte each"},
    [SET_DENSE_SINGLY] = {"1000 pages set one by one", NULL},
    [RUN_DENSE] = {"run over 1000 pages", NULL},
    [BEGIN_DENSE] = {"writeback_begin of 1000 pages", NULL},
    [END_DENSE] = {"writeback_end of 1000 pages", NULL},
    [CUT_DENSE] = {"cut of 1000 pages", NULL},
    [ZERO_TIB] = {"zero of 1 TiB", NULL},
    [QUERY_TIB] = {"dirty query of 1 TiB of zeros", NULL},
    [CUT_TIB] = {"cut of 1 TiB of zeros in the middle", NULL},
};

static struct bench_samples samples[ROWS];

/* `start` to now was for so many operations. */
static void took_thousands(enum row row, uint64_t start, uint64_t operations) {
  bench_samples_add(&samples[row], bench_per_thousand(bench_now() - start, operations));
}

static void took(enum row row, uint64_t start) {
  bench_samples_add(&samples[row], bench_now() - start);
}

/* Results end here, so that nothing is left out as unused. */
static volatile uint64_t sink;

static void must(zx_status_t status) {
  if (status != ZX_OK) {
    fprintf(stderr, "out of memory\n");
    exit(1);
  }
}

static int by_number(const void* a, const void* b) {
  const uint64_t x = *(const uint64_t*)a;
  const uint64_t y = *(const uint64_t*)b;
  return (x > y) - (x < y);
}

static uint64_t query(const struct zxp_page_map* map, uint64_t end) {
  uint64_t entries = 0;
  uint64_t first = 0;
  uint64_t count = 0;
  bool zero;
  while (zxp_page_map_next_dirty(map, first + count, end, &first, &count, &zero)) {
    entries++;
  }
  return entries;
}

static double scattered_bytes;

static void scattered(void) {
  static uint64_t pages[SCATTERED];
  static uint64_t sorted[SCATTERED];
  struct zxp_page_map map;
  zxp_page_map_init(&map);
  /* Any constant that spreads them over the whole. */
  uint64_t at = 12345;
  for (int i = 0; i < SCATTERED; i++) {
    at = at * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    pages[i] = sorted[i] = (at >> 20) % TIB;
  }
  qsort(sorted, SCATTERED, sizeof *sorted, by_number);

  uint64_t start = bench_now();
  for (int i = 0; i < SCATTERED; i++) {
    must(zxp_page_map_set(&map, pages[i], 1, ZXP_PAGE_DIRTY));
  }
  took_thousands(SET_SCATTERED, start, SCATTERED);

  uint64_t sum = 0;
  start = bench_now();
  for (int i = 0; i < SCATTERED; i++) {
    sum += zxp_page_map_get(&map, pages[i]);
  }
  took_thousands(GET_SCATTERED, start, SCATTERED);

  start = bench_now();
  const uint64_t entries = query(&map, TIB);
  took_thousands(QUERY_SCATTERED, start, entries);

  start = bench_now();
  for (int i = 0; i < SCATTERED; i++) {
    sink = sorted[i];
  }
  took_thousands(QUERY_ARRAY, start, SCATTERED);

  sink = sum;
  scattered_bytes = (double)zxp_page_map_metadata_bytes(&map) / SCATTERED;
  zxp_page_map_destroy(&map);
}

static double dense_bytes;

static void dense(void) {
  struct zxp_page_map map;
  zxp_page_map_init(&map);
  uint64_t start = bench_now();
  for (uint64_t p = 0; p < DENSE; p++) {
    must(zxp_page_map_set(&map, p, 1, ZXP_PAGE_CLEAN));
  }
  took_thousands(SET_DENSE_SINGLY, start, DENSE);
  zxp_page_map_destroy(&map);

  start = bench_now();
  must(zxp_page_map_set(&map, 0, DENSE, ZXP_PAGE_DIRTY));
  took_thousands(SET_DENSE, start, DENSE);
  dense_bytes = (double)zxp_page_map_metadata_bytes(&map) / (double)DENSE;

  enum zxp_page_state state;
  start = bench_now();
  sink = zxp_page_map_run(&map, 0, DENSE, &state);
  took_thousands(RUN_DENSE, start, DENSE);

  start = bench_now();
  zxp_page_map_writeback_begin(&map, 0, DENSE, false);
  took_thousands(BEGIN_DENSE, start, DENSE);

  start = bench_now();
  zxp_page_map_writeback_end(&map, 0, DENSE, NULL, NULL);
  took_thousands(END_DENSE, start, DENSE);

  start = bench_now();
  zxp_page_map_cut(&map, 1);
  took_thousands(CUT_DENSE, start, DENSE);
  zxp_page_map_destroy(&map);

  unsigned char* const array = malloc(DENSE);
  if (array == NULL) {
    must(ZX_ERR_NO_MEMORY);
    return;
  }
  start = bench_now();
  memset(array, ZXP_PAGE_DIRTY, DENSE);
  took_thousands(SET_ARRAY, start, DENSE);
  sink = array[DENSE / 2];
  free(array);
}

static void zeros(void) {
  struct zxp_page_map map;
  zxp_page_map_init(&map);
  uint64_t start = bench_now();
  must(zxp_page_map_zero(&map, 0, TIB));
  took(ZERO_TIB, start);

  start = bench_now();
  sink = query(&map, TIB);
  took(QUERY_TIB, start);

  start = bench_now();
  zxp_page_map_cut(&map, TIB / 2);
  took(CUT_TIB, start);
  zxp_page_map_destroy(&map);
}

int main(int argc, char** argv) {
  const char* json = NULL;
  size_t rounds = 20;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
      json = argv[++i];
    } else {
      rounds = strtoul(argv[i], NULL, 10);
    }
  }
  if (rounds == 0) {
    fprintf(stderr, "usage: bench_page_map [ROUNDS] [--json FILE]\n");
    return 2;
  }
  for (int r = 0; r < ROWS; r++) {
    bench_samples_init(&samples[r], rounds);
  }
  for (size_t i = 0; i < rounds; i++) {
    scattered();
    dense();
    zeros();
  }
  struct bench_report report;
  bench_report_init(&report, "page_map");
  for (int r = 0; r < ROWS; r++) {
    bench_report_add(&report, rows[r].name, &samples[r], rows[r].against);
    bench_samples_free(&samples[r]);
  }
  bench_report_add_bytes(&report, "metadata, a page of 1 Mi dense ones", dense_bytes);
  bench_report_add_bytes(&report, "metadata, a scattered page", scattered_bytes);
  bench_report_print(&report);
  return json == NULL || bench_report_write_json(&report, json) ? 0 : 1;
}
