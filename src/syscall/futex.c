/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_futex_*: docs/semantics/objects.md 13. */
#include "object/futex.h"

#include <stdbool.h>
#include <stddef.h>
#include <zircon/syscalls.h>

#include "base/export.h"
#include "base/user.h"
#include "object/process.h"

static bool is_word(const zx_futex_t* word) {
  return word != NULL && (uintptr_t)word % sizeof *word == 0;
}

ZXP_EXPORT zx_status_t zx_futex_wait(const zx_futex_t* value_ptr, zx_futex_t current_value,
                                     zx_handle_t new_futex_owner, zx_time_t deadline) {
  if (!is_word(value_ptr)) {
    return ZX_ERR_INVALID_ARGS;
  }
  return zxp_futex_wait(value_ptr, current_value, new_futex_owner, deadline);
}
ZXP_TWIN(zx_futex_wait);

ZXP_EXPORT zx_status_t zx_futex_wake(const zx_futex_t* value_ptr, uint32_t wake_count) {
  if (!is_word(value_ptr)) {
    return ZX_ERR_INVALID_ARGS;
  }
  zxp_futex_wake(value_ptr, wake_count, ZXP_FUTEX_OWNER_NONE);
  return ZX_OK;
}
ZXP_TWIN(zx_futex_wake);

ZXP_EXPORT zx_status_t zx_futex_wake_single_owner(const zx_futex_t* value_ptr) {
  if (!is_word(value_ptr)) {
    return ZX_ERR_INVALID_ARGS;
  }
  zxp_futex_wake(value_ptr, 1, ZXP_FUTEX_OWNER_WOKEN);
  return ZX_OK;
}
ZXP_TWIN(zx_futex_wake_single_owner);

ZXP_EXPORT zx_status_t zx_futex_requeue(const zx_futex_t* value_ptr, uint32_t wake_count,
                                        zx_futex_t current_value, const zx_futex_t* requeue_ptr,
                                        uint32_t requeue_count, zx_handle_t new_requeue_owner) {
  if (!is_word(value_ptr) || !is_word(requeue_ptr) || value_ptr == requeue_ptr) {
    return ZX_ERR_INVALID_ARGS;
  }
  return zxp_futex_requeue(value_ptr, wake_count, ZXP_FUTEX_OWNER_NONE, current_value, requeue_ptr,
                           requeue_count, new_requeue_owner);
}
ZXP_TWIN(zx_futex_requeue);

ZXP_EXPORT zx_status_t zx_futex_requeue_single_owner(const zx_futex_t* value_ptr,
                                                     zx_futex_t current_value,
                                                     const zx_futex_t* requeue_ptr,
                                                     uint32_t requeue_count,
                                                     zx_handle_t new_requeue_owner) {
  if (!is_word(value_ptr) || !is_word(requeue_ptr) || value_ptr == requeue_ptr) {
    return ZX_ERR_INVALID_ARGS;
  }
  return zxp_futex_requeue(value_ptr, 1, ZXP_FUTEX_OWNER_WOKEN, current_value, requeue_ptr,
                           requeue_count, new_requeue_owner);
}
ZXP_TWIN(zx_futex_requeue_single_owner);

ZXP_EXPORT zx_status_t zx_futex_get_owner(const zx_futex_t* value_ptr, zx_koid_t* koid) {
  if (!is_word(value_ptr) || koid == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  const zx_koid_t owner = zxp_futex_owner(value_ptr);
  return zxp_user_copy_out(koid, &owner, sizeof owner, NULL);
}
ZXP_TWIN(zx_futex_get_owner);
