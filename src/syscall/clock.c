/* SPDX-License-Identifier: BSD-3-Clause */
/* The time of day's two clocks, ticks and sleeping: docs/semantics/objects.md 12. */
#include "base/clock.h"

#include <errno.h>
#include <unistd.h>
#include <zircon/syscalls.h>

#include "base/export.h"

/* A tick is a nanosecond: the kernel's clocks are read without a system call as it is, and a
 * second, finer unit would only have to be kept in step with them. */
#define TICKS_PER_SECOND ((zx_ticks_t)1000000000)

ZXP_EXPORT zx_instant_mono_t zx_clock_get_monotonic(void) { return zxp_clock_now(); }
ZXP_TWIN(zx_clock_get_monotonic);

ZXP_EXPORT zx_instant_boot_t zx_clock_get_boot(void) { return zxp_clock_boot_now(); }
ZXP_TWIN(zx_clock_get_boot);

ZXP_EXPORT zx_instant_mono_ticks_t zx_ticks_get(void) { return zxp_clock_now(); }
ZXP_TWIN(zx_ticks_get);

ZXP_EXPORT zx_instant_boot_ticks_t zx_ticks_get_boot(void) { return zxp_clock_boot_now(); }
ZXP_TWIN(zx_ticks_get_boot);

ZXP_EXPORT zx_ticks_t zx_ticks_per_second(void) { return TICKS_PER_SECOND; }
ZXP_TWIN(zx_ticks_per_second);

ZXP_EXPORT zx_instant_mono_t zx_deadline_after(zx_duration_mono_t nanoseconds) {
  return zx_time_add_duration(zxp_clock_now(), nanoseconds);
}
ZXP_TWIN(zx_deadline_after);

ZXP_EXPORT zx_status_t zx_nanosleep(zx_instant_mono_t deadline) {
  const struct timespec until = zxp_clock_timespec(deadline);
  /* A signal handler that runs meanwhile does not end the sleep. */
  while (deadline > 0 && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
  }
  return ZX_OK;
}
ZXP_TWIN(zx_nanosleep);
