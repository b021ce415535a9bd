/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/wake.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

void zxp_wake_set(struct zxp_wake* w) {
  atomic_store_explicit(&w->set, 1, memory_order_release);
  syscall(SYS_futex, &w->set, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

zx_status_t zxp_wake_wait(struct zxp_wake* w, zx_time_t deadline) {
  struct timespec ts;
  const struct timespec* limit = NULL;
  if (deadline != ZX_TIME_INFINITE) {
    ts = zxp_clock_timespec(deadline);
    limit = &ts;
  }
  while (!zxp_wake_is_set(w)) {
    /* FUTEX_WAIT_BITSET takes an absolute time on CLOCK_MONOTONIC. */
    const long rc = syscall(SYS_futex, &w->set, FUTEX_WAIT_BITSET_PRIVATE, 0, limit, NULL,
                            FUTEX_BITSET_MATCH_ANY);
    if (rc < 0 && errno == ETIMEDOUT && !zxp_wake_is_set(w)) {
      return ZX_ERR_TIMED_OUT;
    }
  }
  return ZX_OK;
}
