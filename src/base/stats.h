/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters behind zxp_stats(); relaxed atomics, since each stands for itself. */
#ifndef ZXP_BASE_STATS_H_
#define ZXP_BASE_STATS_H_

#include <stdatomic.h>
#include <stdint.h>

struct zxp_counters {
  _Atomic uint64_t faults;
  _Atomic uint64_t faults_local;
  _Atomic uint64_t requests;
  _Atomic uint64_t joined;
  _Atomic uint64_t packets_taken;
  _Atomic uint64_t withdrawn;
  _Atomic uint64_t supplied_pages;
  _Atomic uint64_t dirtied_pages;
  _Atomic uint64_t failed;
  _Atomic uint64_t woken;
  _Atomic uint64_t signals_sent;
};

extern struct zxp_counters zxp_counters;

#define ZXP_COUNT(field, n) \
  atomic_fetch_add_explicit(&zxp_counters.field, (n), memory_order_relaxed)

#endif /* ZXP_BASE_STATS_H_ */
