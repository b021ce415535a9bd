/* SPDX-License-Identifier: BSD-3-Clause */
/* Times inside the library: nanoseconds on CLOCK_MONOTONIC (docs/semantics/objects.md 12). */
#ifndef ZXP_BASE_CLOCK_H_
#define ZXP_BASE_CLOCK_H_

#include <time.h>
#include <zircon/types.h>

static inline zx_time_t zxp_clock_now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (zx_time_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* The same, some milliseconds late and a fraction of the cost: for what people read. */
static inline zx_time_t zxp_clock_coarse(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
  return (zx_time_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* The same with the time that the machine was suspended. */
static inline zx_time_t zxp_clock_boot_now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_BOOTTIME, &ts);
  return (zx_time_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* A deadline as the kernel wants it. Times before the clock's zero are as past as zero itself. */
static inline struct timespec zxp_clock_timespec(zx_time_t t) {
  struct timespec ts = {0, 0};
  if (t > 0) {
    ts.tv_sec = (time_t)(t / 1000000000);
    ts.tv_nsec = (long)(t % 1000000000);
  }
  return ts;
}

#endif /* ZXP_BASE_CLOCK_H_ */
