/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters behind zxp_stats().
 *
 * Each thread counts in its place among the visitors (base/visitor.h), which nobody else writes to,
 * and which stays when the thread ends: the sum over all places is what has been counted. A thread
 * that has no place counts in one that such threads share. Relaxed atomics, since each stands for
 * itself. A signal handler of the program that interrupts a count and counts the same thing loses
 * one of the two.
 */
#ifndef ZXP_BASE_STATS_H_
#define ZXP_BASE_STATS_H_

#include <stdatomic.h>
#include <stdint.h>

#include "base/visitor.h"

#define ZXP_COUNT(field, n) zxp_count(offsetof(struct zxp_counters, field), (n))

/* What threads without a place have counted. */
extern struct zxp_counters zxp_counters_shared;

static inline _Atomic uint64_t* zxp_counter_at(struct zxp_counters* counters, size_t offset) {
  return (_Atomic uint64_t*)((char*)counters + offset);
}

static inline void zxp_count(size_t offset, uint64_t n) {
  struct zxp_visitor* v = zxp_visitor_self();
  if (v != NULL) {
    _Atomic uint64_t* counter = zxp_counter_at(&v->counters, offset);
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
  } else {
    atomic_fetch_add_explicit(zxp_counter_at(&zxp_counters_shared, offset), n,
                              memory_order_relaxed);
  }
}

#endif /* ZXP_BASE_STATS_H_ */
