/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a scenario may leave behind: nothing.
 *
 *   leaks_baseline   descriptors, threads and Linux mappings in the root region, before a scenario
 *
 * Threads end some time after what they worked for, and take their descriptors with them, so the
 * check waits for the numbers to come down. With AddressSanitizer, memory that nobody can reach
 * counts too.
 */
#ifndef ZXP_TESTS_PAGER_LEAKS_H_
#define ZXP_TESTS_PAGER_LEAKS_H_

#include <stddef.h>
#include <stdint.h>

struct leaks_baseline {
  uint64_t window_base;
  uint64_t window_size;
  size_t descriptors;
  size_t threads;
  size_t areas;
};

void leaks_take_baseline(struct leaks_baseline* baseline, uint64_t window_base,
                         uint64_t window_size);

/* Fails the scenario if there is more now. */
void leaks_check(const struct leaks_baseline* baseline);

size_t leaks_count_descriptors(void);
size_t leaks_count_threads(void);
/* Linux mappings (VMAs) that begin in [base, base + size); size 0 for the whole process. */
size_t leaks_count_areas(uint64_t base, uint64_t size);

#endif /* ZXP_TESTS_PAGER_LEAKS_H_ */
