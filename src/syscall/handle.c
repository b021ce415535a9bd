/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_handle_*: docs/semantics/objects.md 2. */
#include "object/handle.h"

#include <zircon/syscalls.h>

#include "base/export.h"
#include "base/user.h"

ZXP_EXPORT zx_status_t zx_handle_close(zx_handle_t handle) {
  return handle == ZX_HANDLE_INVALID ? ZX_OK : zxp_handle_close(handle);
}
ZXP_TWIN(zx_handle_close);

ZXP_EXPORT zx_status_t zx_handle_close_many(const zx_handle_t* handles, size_t num_handles) {
  if (handles == NULL && num_handles > 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  zx_status_t result = ZX_OK;
  for (size_t i = 0; i < num_handles; i++) {
    zx_handle_t handle;
    zx_status_t status = zxp_user_copy_in(&handle, &handles[i], sizeof handle, NULL);
    if (status != ZX_OK) {
      return status;
    }
    if (zx_handle_close(handle) != ZX_OK) {
      result = ZX_ERR_BAD_HANDLE;
    }
  }
  return result;
}
ZXP_TWIN(zx_handle_close_many);

/* Gives a new handle to the caller, or to nobody. */
static zx_status_t hand_out(zx_handle_t handle, zx_handle_t* out) {
  zx_status_t status =
      out == NULL ? ZX_ERR_INVALID_ARGS : zxp_user_copy_out(out, &handle, sizeof handle, NULL);
  if (status != ZX_OK) {
    (void)zxp_handle_close(handle);
  }
  return status;
}

ZXP_EXPORT zx_status_t zx_handle_duplicate(zx_handle_t handle, zx_rights_t rights,
                                           zx_handle_t* out) {
  zx_handle_t made;
  const zx_status_t status = zxp_handle_duplicate(handle, rights, &made);
  return status == ZX_OK ? hand_out(made, out) : status;
}
ZXP_TWIN(zx_handle_duplicate);

ZXP_EXPORT zx_status_t zx_handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out) {
  zx_handle_t made;
  const zx_status_t status = zxp_handle_replace(handle, rights, &made);
  return status == ZX_OK ? hand_out(made, out) : status;
}
ZXP_TWIN(zx_handle_replace);

ZXP_EXPORT zx_status_t zx_handle_check_valid(zx_handle_t handle) {
  if (handle == ZX_HANDLE_INVALID) {
    return ZX_ERR_INVALID_ARGS;
  }
  if ((handle & ZX_HANDLE_FIXED_BITS_MASK) != ZX_HANDLE_FIXED_BITS_MASK) {
    return ZX_ERR_OUT_OF_RANGE;
  }
  struct zxp_object* object;
  if (zxp_handle_get(handle, ZX_OBJ_TYPE_NONE, ZX_RIGHT_NONE, &object, NULL) != ZX_OK) {
    return ZX_ERR_NOT_FOUND;
  }
  zxp_object_put(object);
  return ZX_OK;
}
ZXP_TWIN(zx_handle_check_valid);
