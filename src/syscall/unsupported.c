/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls that answer ZX_ERR_NOT_SUPPORTED because a document says so: docs/semantics/objects.md 14,
 * docs/semantics/vmar.md 5.12 and 12. A dead handle is found first.
 */
#include <zircon/syscalls.h>

#include "base/export.h"
#include "object/handle.h"

static zx_status_t not_supported(zx_handle_t handle) {
  struct zxp_object* object;
  const zx_status_t status = zxp_handle_get(handle, ZX_OBJ_TYPE_NONE, 0, &object, NULL);
  if (status != ZX_OK) {
    return status;
  }
  zxp_object_put(object);
  return ZX_ERR_NOT_SUPPORTED;
}

ZXP_EXPORT zx_status_t zx_object_get_child(zx_handle_t handle, uint64_t koid, zx_rights_t rights,
                                           zx_handle_t* out) {
  (void)koid;
  (void)rights;
  (void)out;
  return not_supported(handle);
}
ZXP_TWIN(zx_object_get_child);

ZXP_EXPORT zx_status_t zx_object_set_profile(zx_handle_t handle, zx_handle_t profile,
                                             uint32_t options) {
  (void)profile;
  (void)options;
  return not_supported(handle);
}
ZXP_TWIN(zx_object_set_profile);

ZXP_EXPORT zx_status_t zx_task_create_exception_channel(zx_handle_t handle, uint32_t options,
                                                        zx_handle_t* out) {
  (void)options;
  (void)out;
  return not_supported(handle);
}
ZXP_TWIN(zx_task_create_exception_channel);

ZXP_EXPORT zx_status_t zx_vmar_map_iob(zx_handle_t handle, zx_vm_option_t options,
                                       size_t vmar_offset, zx_handle_t ep, uint32_t region_index,
                                       uint64_t region_offset, size_t region_length,
                                       zx_vaddr_t* mapped_addr) {
  (void)options;
  (void)vmar_offset;
  (void)ep;
  (void)region_index;
  (void)region_offset;
  (void)region_length;
  (void)mapped_addr;
  return not_supported(handle);
}
ZXP_TWIN(zx_vmar_map_iob);

ZXP_EXPORT zx_status_t zx_vmar_map_clock(zx_handle_t handle, zx_vm_option_t options,
                                         size_t vmar_offset, zx_handle_t clock, size_t len,
                                         zx_vaddr_t* mapped_addr) {
  (void)options;
  (void)vmar_offset;
  (void)clock;
  (void)len;
  (void)mapped_addr;
  return not_supported(handle);
}
ZXP_TWIN(zx_vmar_map_clock);
