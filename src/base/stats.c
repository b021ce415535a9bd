/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/stats.h"

#include <zircon/zxpager.h>

#include "base/export.h"

struct zxp_counters zxp_counters_shared;

static uint64_t sum(size_t offset) {
  uint64_t n = atomic_load(zxp_counter_at(&zxp_counters_shared, offset));
  const unsigned count = zxp_visitor_count();
  for (unsigned i = 0; i < count; i++) {
    n += atomic_load(zxp_counter_at(&zxp_visitors[i].counters, offset));
  }
  return n;
}

#define SUM(field) sum(offsetof(struct zxp_counters, field))

ZXP_EXPORT zx_status_t zxp_stats(zxp_stats_t* out) {
  if (out == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  *out = (zxp_stats_t){
      .faults = SUM(faults),
      .faults_local = SUM(faults_local),
      .requests = SUM(requests),
      .joined = SUM(joined),
      .packets_taken = SUM(packets_taken),
      .withdrawn = SUM(withdrawn),
      .supplied_pages = SUM(supplied_pages),
      .dirtied_pages = SUM(dirtied_pages),
      .failed = SUM(failed),
      .woken = SUM(woken),
      .signals_sent = SUM(signals_sent),
  };
  return ZX_OK;
}
