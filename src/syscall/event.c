/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_event_create and zx_eventpair_create: docs/semantics/objects.md 9. */
#include "object/event.h"

#include <zircon/syscalls.h>

#include "base/export.h"
#include "base/user.h"
#include "object/handle.h"

ZXP_EXPORT zx_status_t zx_event_create(uint32_t options, zx_handle_t* out) {
  if (options != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct zxp_object* event;
  zx_status_t status = zxp_event_create(&event);
  if (status != ZX_OK) {
    return status;
  }
  status = zxp_handle_install_user(event, ZX_DEFAULT_EVENT_RIGHTS, out);
  zxp_object_put(event);
  return status;
}
ZXP_TWIN(zx_event_create);

ZXP_EXPORT zx_status_t zx_eventpair_create(uint32_t options, zx_handle_t* out0, zx_handle_t* out1) {
  if (options != 0) {
    return ZX_ERR_NOT_SUPPORTED;
  }
  if (out0 == NULL || out1 == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct zxp_object* sides[2] = {NULL, NULL};
  zx_handle_t handles[2] = {ZX_HANDLE_INVALID, ZX_HANDLE_INVALID};
  zx_status_t status = zxp_eventpair_create(&sides[0], &sides[1]);
  if (status != ZX_OK) {
    return status;
  }
  for (int i = 0; i < 2 && status == ZX_OK; i++) {
    status = zxp_handle_install(sides[i], ZX_DEFAULT_EVENTPAIR_RIGHTS, &handles[i]);
  }
  if (status == ZX_OK) {
    status = zxp_user_copy_out(out0, &handles[0], sizeof handles[0], NULL);
  }
  if (status == ZX_OK) {
    status = zxp_user_copy_out(out1, &handles[1], sizeof handles[1], NULL);
  }
  for (int i = 0; i < 2; i++) {
    if (status != ZX_OK && handles[i] != ZX_HANDLE_INVALID) {
      (void)zxp_handle_close(handles[i]);
    }
    zxp_object_put(sides[i]);
  }
  return status;
}
ZXP_TWIN(zx_eventpair_create);
