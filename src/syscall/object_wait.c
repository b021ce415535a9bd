/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_object_wait_*: docs/semantics/objects.md 7. */
#include <zircon/syscalls.h>
#include <zircon/syscalls/port.h>

#include "base/export.h"
#include "base/user.h"
#include "object/handle.h"
#include "object/port.h"
#include "object/wait.h"

/* The caller unpins the handle. */
static zx_status_t pin_waitable(zx_handle_t handle, struct zxp_object** out) {
  const zx_status_t status = zxp_handle_pin(handle, ZX_OBJ_TYPE_NONE, ZX_RIGHT_WAIT, out, NULL);
  if (status == ZX_OK && !(*out)->ops->waitable) {
    zxp_handle_unpin(handle);
    return ZX_ERR_NOT_SUPPORTED;
  }
  return status;
}

/* The states that a wait has looked at by itself need no observer: the present one, and "now" for a
 * deadline that has passed. */
static bool poll_one(struct zxp_object* object, zx_signals_t mask, zx_time_t deadline,
                     zx_signals_t* observed, zx_status_t* result) {
  *observed = zxp_object_signals(object);
  if ((*observed & mask) != 0) {
    *result = ZX_OK;
    return true;
  }
  *result = ZX_ERR_TIMED_OUT;
  return deadline <= 0;
}

static zx_status_t block_one(struct zxp_object* object, zx_handle_t handle, zx_signals_t mask,
                             zx_time_t deadline, zx_signals_t* observed) {
  struct zxp_wake wake;
  struct zxp_wait wait;
  zxp_wake_init(&wake);
  if (!zxp_wait_begin(&wait, &wake, object, handle, mask) &&
      zxp_wake_wait(&wake, deadline) != ZX_OK) {
    zxp_wait_end(&wait);
  }
  *observed = wait.observed;
  switch (wait.outcome) {
    case ZXP_WAIT_MATCHED:
      return ZX_OK;
    case ZXP_WAIT_CANCELED:
      return ZX_ERR_CANCELED;
    default:
      return ZX_ERR_TIMED_OUT;
  }
}

ZXP_EXPORT zx_status_t zx_object_wait_one(zx_handle_t handle, zx_signals_t signals,
                                          zx_time_t deadline, zx_signals_t* observed) {
  struct zxp_object* object;
  zx_status_t status = pin_waitable(handle, &object);
  if (status != ZX_OK) {
    return status;
  }
  zx_signals_t state;
  if (!poll_one(object, signals, deadline, &state, &status)) {
    status = block_one(object, handle, signals, deadline, &state);
  }
  zxp_handle_unpin(handle);
  if (observed != NULL) {
    const zx_status_t copied = zxp_user_copy_out(observed, &state, sizeof state, NULL);
    if (copied != ZX_OK) {
      return copied;
    }
  }
  return status;
}
ZXP_TWIN(zx_object_wait_one);

ZXP_EXPORT zx_status_t zx_object_wait_many(zx_wait_item_t* items, size_t num_items,
                                           zx_time_t deadline) {
  struct zxp_wake wake;
  zxp_wake_init(&wake);
  if (num_items == 0) {
    return zxp_wake_wait(&wake, deadline);
  }
  if (num_items > ZX_WAIT_MANY_MAX_ITEMS) {
    return ZX_ERR_OUT_OF_RANGE;
  }
  if (items == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  zx_wait_item_t copy[ZX_WAIT_MANY_MAX_ITEMS];
  struct zxp_object* objects[ZX_WAIT_MANY_MAX_ITEMS];
  struct zxp_wait waits[ZX_WAIT_MANY_MAX_ITEMS];
  size_t held = 0;
  zx_status_t status = zxp_user_copy_in(copy, items, num_items * sizeof copy[0], NULL);
  for (; status == ZX_OK && held < num_items; held++) {
    status = pin_waitable(copy[held].handle, &objects[held]);
    if (status != ZX_OK) {
      break;
    }
  }
  if (status != ZX_OK) {
    goto done; /* nothing is filled in */
  }

  bool final = false;
  for (size_t i = 0; i < num_items; i++) {
    final |= zxp_wait_begin(&waits[i], &wake, objects[i], copy[i].handle, copy[i].waitfor);
  }
  if (!final) {
    (void)zxp_wake_wait(&wake, deadline);
  }
  bool matched = false;
  bool canceled = false;
  for (size_t i = 0; i < num_items; i++) {
    zxp_wait_end(&waits[i]);
    copy[i].pending = waits[i].observed;
    matched |= waits[i].outcome == ZXP_WAIT_MATCHED;
    canceled |= waits[i].outcome == ZXP_WAIT_CANCELED;
  }
  for (size_t i = 0; i < num_items && status == ZX_OK; i++) {
    status = zxp_user_copy_out(&items[i].pending, &copy[i].pending, sizeof copy[i].pending, NULL);
  }
  if (status == ZX_OK) {
    status = canceled ? ZX_ERR_CANCELED : matched ? ZX_OK : ZX_ERR_TIMED_OUT;
  }
done:
  while (held > 0) {
    zxp_handle_unpin(copy[--held].handle);
  }
  return status;
}
ZXP_TWIN(zx_object_wait_many);

ZXP_EXPORT zx_status_t zx_object_wait_async(zx_handle_t handle, zx_handle_t port, uint64_t key,
                                            zx_signals_t signals, uint32_t options) {
  const uint32_t timestamps = ZX_WAIT_ASYNC_TIMESTAMP | ZX_WAIT_ASYNC_BOOT_TIMESTAMP;
  if ((options & ~(timestamps | ZX_WAIT_ASYNC_EDGE)) != 0 || (options & timestamps) == timestamps) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct zxp_object* port_object;
  struct zxp_object* object;
  zx_status_t status = zxp_handle_pin(port, ZX_OBJ_TYPE_PORT, ZX_RIGHT_WRITE, &port_object, NULL);
  if (status != ZX_OK) {
    return status;
  }
  status = pin_waitable(handle, &object);
  if (status == ZX_OK) {
    status = zxp_port_wait_async(zxp_port_from_object(port_object), object, handle, key, signals,
                                 options);
    zxp_handle_unpin(handle);
  }
  zxp_handle_unpin(port);
  return status;
}
ZXP_TWIN(zx_object_wait_async);
