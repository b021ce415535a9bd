/* SPDX-License-Identifier: BSD-3-Clause */
/* Counts of threads: src/base/stats.h. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/zxpager.h>

#include "base/stats.h"
/* After the headers that it needs and does not include. */
#include <cmocka.h>

#define COUNTS 1000u

static zxp_stats_t stats(void) {
  zxp_stats_t s;
  assert_int_equal(zxp_stats(&s), ZX_OK);
  return s;
}

static pthread_barrier_t all_there;

static void* count_some(void* unused) {
  (void)unused;
  (void)zxp_visitor_self();
  pthread_barrier_wait(&all_there);
  for (unsigned i = 0; i < COUNTS; i++) {
    ZXP_COUNT(joined, 1);
    ZXP_COUNT(supplied_pages, 2);
  }
  return NULL;
}

static void count_in_threads(unsigned threads) {
  static pthread_t ids[ZXP_VISITORS_MAX + 8];
  assert_int_equal(pthread_barrier_init(&all_there, NULL, threads), 0);
  for (unsigned i = 0; i < threads; i++) {
    assert_int_equal(pthread_create(&ids[i], NULL, count_some, NULL), 0);
  }
  for (unsigned i = 0; i < threads; i++) {
    assert_int_equal(pthread_join(ids[i], NULL), 0);
  }
  pthread_barrier_destroy(&all_there);
}

static void counts_outlive_their_threads(void** state) {
  (void)state;
  const zxp_stats_t before = stats();
  for (unsigned round = 1; round <= 3; round++) {
    count_in_threads(4);
    assert_int_equal(stats().joined - before.joined, round * 4 * COUNTS);
    assert_int_equal(stats().supplied_pages - before.supplied_pages, round * 4 * 2 * COUNTS);
  }
  assert_int_equal(stats().faults, before.faults);
}

static void threads_without_a_place_are_counted(void** state) {
  (void)state;
  const unsigned threads = ZXP_VISITORS_MAX + 8;
  const zxp_stats_t before = stats();
  count_in_threads(threads);
  assert_int_equal(stats().joined - before.joined, threads * COUNTS);
  assert_true(atomic_load(&zxp_counters_shared.joined) >= 8 * COUNTS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts_outlive_their_threads),
      cmocka_unit_test(threads_without_a_place_are_counted),
  };
  return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
