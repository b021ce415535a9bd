/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_object_signal and zx_object_signal_peer: docs/semantics/objects.md 6. */
#include <zircon/syscalls.h>

#include "base/export.h"
#include "object/handle.h"

/* Clear and set masks may name only what user code may change. */
static bool masks_allowed(const struct zxp_object* object, zx_signals_t clear, zx_signals_t set) {
  return ((clear | set) & ~object->ops->user_signals) == 0;
}

ZXP_EXPORT zx_status_t zx_object_signal(zx_handle_t handle, uint32_t clear_mask,
                                        uint32_t set_mask) {
  struct zxp_object* object;
  zx_status_t status = zxp_handle_pin(handle, ZX_OBJ_TYPE_NONE, ZX_RIGHT_SIGNAL, &object, NULL);
  if (status != ZX_OK) {
    return status;
  }
  if (masks_allowed(object, clear_mask, set_mask)) {
    zxp_object_set_signals(object, clear_mask, set_mask);
  } else {
    status = ZX_ERR_INVALID_ARGS;
  }
  zxp_handle_unpin(handle);
  return status;
}
ZXP_TWIN(zx_object_signal);

ZXP_EXPORT zx_status_t zx_object_signal_peer(zx_handle_t handle, uint32_t clear_mask,
                                             uint32_t set_mask) {
  struct zxp_object* object;
  zx_status_t status =
      zxp_handle_pin(handle, ZX_OBJ_TYPE_NONE, ZX_RIGHT_SIGNAL_PEER, &object, NULL);
  if (status != ZX_OK) {
    return status;
  }
  if (!object->ops->has_peer) {
    status = ZX_ERR_NOT_SUPPORTED;
  } else if (!masks_allowed(object, clear_mask, set_mask)) {
    status = ZX_ERR_INVALID_ARGS;
  } else {
    status = object->ops->signal_peer(object, clear_mask, set_mask);
  }
  zxp_handle_unpin(handle);
  return status;
}
ZXP_TWIN(zx_object_signal_peer);
