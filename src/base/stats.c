/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/stats.h"

#include <zircon/zxpager.h>

#include "base/export.h"

struct zxp_counters zxp_counters;

ZXP_EXPORT zx_status_t zxp_stats(zxp_stats_t* out) {
  if (out == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  *out = (zxp_stats_t){
      .faults = atomic_load(&zxp_counters.faults),
      .faults_local = atomic_load(&zxp_counters.faults_local),
      .requests = atomic_load(&zxp_counters.requests),
      .joined = atomic_load(&zxp_counters.joined),
      .packets_taken = atomic_load(&zxp_counters.packets_taken),
      .withdrawn = atomic_load(&zxp_counters.withdrawn),
      .supplied_pages = atomic_load(&zxp_counters.supplied_pages),
      .dirtied_pages = atomic_load(&zxp_counters.dirtied_pages),
      .failed = atomic_load(&zxp_counters.failed),
      .woken = atomic_load(&zxp_counters.woken),
      .signals_sent = atomic_load(&zxp_counters.signals_sent),
  };
  return ZX_OK;
}
