/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_timer_*: docs/semantics/objects.md 10. */
#include "object/timer.h"

#include <zircon/syscalls.h>

#include "base/export.h"
#include "object/handle.h"

ZXP_EXPORT zx_status_t zx_timer_create(uint32_t options, zx_clock_t clock_id, zx_handle_t* out) {
  if ((clock_id != ZX_CLOCK_MONOTONIC && clock_id != ZX_CLOCK_BOOT) ||
      options > ZX_TIMER_SLACK_LATE) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct zxp_object* timer;
  zx_status_t status = zxp_timer_create(options, clock_id, &timer);
  if (status != ZX_OK) {
    return status;
  }
  status = zxp_handle_install_user(timer, ZX_DEFAULT_TIMER_RIGHTS, out);
  zxp_object_put(timer);
  return status;
}
ZXP_TWIN(zx_timer_create);

ZXP_EXPORT zx_status_t zx_timer_set(zx_handle_t handle, zx_time_t deadline, zx_duration_t slack) {
  if (slack < 0) {
    return ZX_ERR_OUT_OF_RANGE;
  }
  struct zxp_object* timer;
  zx_status_t status = zxp_handle_pin(handle, ZX_OBJ_TYPE_TIMER, ZX_RIGHT_WRITE, &timer, NULL);
  if (status != ZX_OK) {
    return status;
  }
  status = zxp_timer_set(timer, deadline, slack);
  zxp_handle_unpin(handle);
  return status;
}
ZXP_TWIN(zx_timer_set);

ZXP_EXPORT zx_status_t zx_timer_cancel(zx_handle_t handle) {
  struct zxp_object* timer;
  const zx_status_t status =
      zxp_handle_pin(handle, ZX_OBJ_TYPE_TIMER, ZX_RIGHT_WRITE, &timer, NULL);
  if (status != ZX_OK) {
    return status;
  }
  zxp_timer_cancel(timer);
  zxp_handle_unpin(handle);
  return ZX_OK;
}
ZXP_TWIN(zx_timer_cancel);
