/* SPDX-License-Identifier: BSD-3-Clause */
/* The records of a list topic: docs/semantics/vmar.md 10.1. */
#include <stdlib.h>

#include "object/info.h"
#include "support.h"

static void fill(struct zxp_info_list* list, uint64_t records) {
  for (uint64_t i = 0; i < records; i++) {
    zxp_info_list_add(list, &i);
  }
}

static void list_keeps_what_fits_and_counts_the_rest(void** state) {
  (void)state;
  const size_t limits[] = {0, 1, 15, 16, 17, 100, 1000};
  for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
    struct zxp_info_list list = {.record_size = sizeof(uint64_t), .limit = limits[i]};
    fill(&list, 100);
    assert_false(list.failed);
    assert_int_equal(list.count, 100);
    const size_t kept = limits[i] < 100 ? limits[i] : 100;
    assert_true(list.capacity >= kept && list.capacity <= limits[i]);
    for (uint64_t r = 0; r < kept; r++) {
      assert_int_equal(((const uint64_t*)(const void*)list.records)[r], r);
    }
    free(list.records);
  }
}

static void list_of_an_absurd_limit_takes_what_it_needs(void** state) {
  (void)state;
  struct zxp_info_list list = {.record_size = sizeof(uint64_t), .limit = SIZE_MAX / 8};
  fill(&list, 20);
  assert_false(list.failed);
  assert_true(list.capacity < 100);
  free(list.records);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(list_keeps_what_fits_and_counts_the_rest),
      cmocka_unit_test(list_of_an_absurd_limit_takes_what_it_needs),
  };
  return cmocka_run_group_tests_name("info_list", tests, NULL, NULL);
}
