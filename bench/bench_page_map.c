/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the page map costs in time and memory, per page or entry.
 *
 *   bench_page_map [ROUNDS]
 *
 * Each row is the fastest of the rounds. Where there is something plain to compare with, an array
 * that holds the same facts and could not do the rest, it is measured in the same round.
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

static const char* const names[ROWS] = {
    [QUERY_SCATTERED] = "dirty query, 20,000 pages scattered over 1 TiB, an entry",
    [QUERY_ARRAY] = "  walk over a sorted array of them, an entry",
    [SET_SCATTERED] = "set of a scattered page",
    [GET_SCATTERED] = "get of a scattered page",
    [SET_DENSE] = "set of 1 Mi pages at once, a page",
    [SET_DENSE_SINGLY] = "set of 1 Mi pages one by one, a page",
    [SET_ARRAY] = "  memset of a byte each, a page",
    [RUN_DENSE] = "run over 1 Mi pages, a page",
    [BEGIN_DENSE] = "writeback_begin of 1 Mi pages, a page",
    [END_DENSE] = "writeback_end of 1 Mi pages, a page",
    [CUT_DENSE] = "cut of 1 Mi pages, a page",
    [ZERO_TIB] = "zero of 1 TiB, the call",
    [QUERY_TIB] = "dirty query of 1 TiB of zeros, the call",
    [CUT_TIB] = "cut of 1 TiB of zeros in the middle, the call",
};

/* Nanoseconds for each `units` of a row; the fastest counts. */
static double fastest[ROWS];

static void took(enum row row, uint64_t start, uint64_t units) {
  const double ns = (double)(bench_now() - start) / (double)units;
  if (fastest[row] == 0 || ns < fastest[row]) {
    fastest[row] = ns;
  }
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
  took(SET_SCATTERED, start, SCATTERED);

  uint64_t sum = 0;
  start = bench_now();
  for (int i = 0; i < SCATTERED; i++) {
    sum += zxp_page_map_get(&map, pages[i]);
  }
  took(GET_SCATTERED, start, SCATTERED);

  start = bench_now();
  const uint64_t entries = query(&map, TIB);
  took(QUERY_SCATTERED, start, entries);

  start = bench_now();
  for (int i = 0; i < SCATTERED; i++) {
    sink = sorted[i];
  }
  took(QUERY_ARRAY, start, SCATTERED);

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
  took(SET_DENSE_SINGLY, start, DENSE);
  zxp_page_map_destroy(&map);

  start = bench_now();
  must(zxp_page_map_set(&map, 0, DENSE, ZXP_PAGE_DIRTY));
  took(SET_DENSE, start, DENSE);
  dense_bytes = (double)zxp_page_map_metadata_bytes(&map) / (double)DENSE;

  enum zxp_page_state state;
  start = bench_now();
  sink = zxp_page_map_run(&map, 0, DENSE, &state);
  took(RUN_DENSE, start, DENSE);

  start = bench_now();
  zxp_page_map_writeback_begin(&map, 0, DENSE, false);
  took(BEGIN_DENSE, start, DENSE);

  start = bench_now();
  zxp_page_map_writeback_end(&map, 0, DENSE, NULL, NULL);
  took(END_DENSE, start, DENSE);

  start = bench_now();
  zxp_page_map_cut(&map, 1);
  took(CUT_DENSE, start, DENSE);
  zxp_page_map_destroy(&map);

  unsigned char* const array = malloc(DENSE);
  if (array == NULL) {
    must(ZX_ERR_NO_MEMORY);
    return;
  }
  start = bench_now();
  memset(array, ZXP_PAGE_DIRTY, DENSE);
  took(SET_ARRAY, start, DENSE);
  sink = array[DENSE / 2];
  free(array);
}

static void zeros(void) {
  struct zxp_page_map map;
  zxp_page_map_init(&map);
  uint64_t start = bench_now();
  must(zxp_page_map_zero(&map, 0, TIB));
  took(ZERO_TIB, start, 1);

  start = bench_now();
  sink = query(&map, TIB);
  took(QUERY_TIB, start, 1);

  start = bench_now();
  zxp_page_map_cut(&map, TIB / 2);
  took(CUT_TIB, start, 1);
  zxp_page_map_destroy(&map);
}

int main(int argc, char** argv) {
  const unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 20;
  for (unsigned long i = 0; i < rounds; i++) {
    scattered();
    dense();
    zeros();
  }
  for (int r = 0; r < ROWS; r++) {
    printf("%-60s %10.3f ns\n", names[r], fastest[r]);
  }
  printf("%-60s %10.3f bytes\n", "metadata, a page of 1 Mi dense ones", dense_bytes);
  printf("%-60s %10.3f bytes\n", "metadata, a scattered page", scattered_bytes);
  return 0;
}
