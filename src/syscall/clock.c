/* SPDX-License-Identifier: BSD-3-Clause */
/* Times, ticks and sleeping (docs/semantics/objects.md 12), and clock objects. */
#include "base/clock.h"

#include <errno.h>
#include <unistd.h>
#include <zircon/syscalls.h>

#include "base/export.h"
#include "base/user.h"
#include "object/clock.h"
#include "object/handle.h"

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

/* ---- Clock objects ---- */

static int args_version(uint64_t options) {
  return (int)((options & ZX_CLOCK_ARGS_VERSION_MASK) >> ZX_CLOCK_ARGS_VERSION_SHIFT);
}

ZXP_EXPORT zx_status_t zx_clock_create(uint64_t options, const void* args, zx_handle_t* out) {
  zx_clock_create_args_v1_t create = {0};
  const int version = args_version(options);
  if (version > 1 || (version == 1) != (args != NULL)) {
    return ZX_ERR_INVALID_ARGS;
  }
  zx_status_t status = ZX_OK;
  if (version == 1) {
    status = zxp_user_copy_in(&create, args, sizeof create, NULL);
  }
  struct zxp_object* clock = NULL;
  if (status == ZX_OK) {
    status = zxp_clock_create(options & ~ZX_CLOCK_ARGS_VERSION_MASK, create.backstop_time, &clock);
  }
  if (status == ZX_OK) {
    status = zxp_handle_install_user(clock, ZX_DEFAULT_CLOCK_RIGHTS, out);
  }
  zxp_object_put(clock);
  return status;
}
ZXP_TWIN(zx_clock_create);

ZXP_EXPORT zx_status_t zx_clock_read(zx_handle_t handle, zx_time_t* now) {
  struct zxp_object* clock;
  const zx_status_t status = zxp_handle_pin(handle, ZX_OBJ_TYPE_CLOCK, ZX_RIGHT_READ, &clock, NULL);
  if (status != ZX_OK) {
    return status;
  }
  const zx_time_t read = zxp_clock_read(clock);
  zxp_handle_unpin(handle);
  return now == NULL ? ZX_ERR_INVALID_ARGS : zxp_user_copy_out(now, &read, sizeof read, NULL);
}
ZXP_TWIN(zx_clock_read);

ZXP_EXPORT zx_status_t zx_clock_get_details(zx_handle_t handle, uint64_t options, void* details) {
  if (options != ZX_CLOCK_ARGS_VERSION(1) || details == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct zxp_object* clock;
  const zx_status_t status = zxp_handle_pin(handle, ZX_OBJ_TYPE_CLOCK, ZX_RIGHT_READ, &clock, NULL);
  if (status != ZX_OK) {
    return status;
  }
  zx_clock_details_v1_t found;
  zxp_clock_get_details(clock, &found);
  zxp_handle_unpin(handle);
  return zxp_user_copy_out(details, &found, sizeof found, NULL);
}
ZXP_TWIN(zx_clock_get_details);

/* The arguments of either version as those of the second. */
static zx_status_t copy_update_args(int version, const void* args, zx_clock_update_args_v2_t* out) {
  if (version == 2) {
    return zxp_user_copy_in(out, args, sizeof *out, NULL);
  }
  zx_clock_update_args_v1_t old;
  const zx_status_t status = zxp_user_copy_in(&old, args, sizeof old, NULL);
  *out = (zx_clock_update_args_v2_t){
      .rate_adjust = old.rate_adjust,
      .synthetic_value = old.value,
      .error_bound = old.error_bound,
  };
  return status;
}

ZXP_EXPORT zx_status_t zx_clock_update(zx_handle_t handle, uint64_t options, const void* args) {
  const int version = args_version(options);
  options &= ~ZX_CLOCK_ARGS_VERSION_MASK;
  if ((version != 1 && version != 2) || args == NULL || options == 0 ||
      (options & ~ZX_CLOCK_UPDATE_OPTIONS_ALL) != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  /* A reference time is for a value or a rate, and the first version has no field for it. */
  if ((options & ZX_CLOCK_UPDATE_OPTION_REFERENCE_VALUE_VALID) != 0 &&
      (version == 1 || (options & (ZX_CLOCK_UPDATE_OPTION_SYNTHETIC_VALUE_VALID |
                                   ZX_CLOCK_UPDATE_OPTION_RATE_ADJUST_VALID)) == 0)) {
    return ZX_ERR_INVALID_ARGS;
  }
  zx_clock_update_args_v2_t update;
  zx_status_t status = copy_update_args(version, args, &update);
  if (status != ZX_OK) {
    return status;
  }
  if ((options & ZX_CLOCK_UPDATE_OPTION_RATE_ADJUST_VALID) != 0 &&
      (update.rate_adjust < ZX_CLOCK_UPDATE_MIN_RATE_ADJUST ||
       update.rate_adjust > ZX_CLOCK_UPDATE_MAX_RATE_ADJUST)) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct zxp_object* clock;
  status = zxp_handle_pin(handle, ZX_OBJ_TYPE_CLOCK, ZX_RIGHT_WRITE, &clock, NULL);
  if (status != ZX_OK) {
    return status;
  }
  status = zxp_clock_update(clock, options, version, &update);
  zxp_handle_unpin(handle);
  return status;
}
ZXP_TWIN(zx_clock_update);
