/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers to page requests: the zx_pager_* calls with the handles of a zxp_uv_vmo_t. */
#include <zircon/syscalls.h>

#include "base/export.h"
#include "loop/loop.h"

static zx_status_t op_range(zxp_uv_vmo_t* vmo, uint32_t op, uint64_t offset, uint64_t length,
                            uint64_t data) {
  if (vmo == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  return zx_pager_op_range(vmo->internal_pager, op, vmo->handle, offset, length, data);
}

ZXP_EXPORT zx_status_t zxp_uv_vmo_supply(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length,
                                         zx_handle_t aux, uint64_t aux_offset) {
  if (vmo == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  return zx_pager_supply_pages(vmo->internal_pager, vmo->handle, offset, length, aux, aux_offset);
}

ZXP_EXPORT zx_status_t zxp_uv_vmo_fail(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length,
                                       zx_status_t status) {
  /* Sign-extended, as the call wants it. */
  return op_range(vmo, ZX_PAGER_OP_FAIL, offset, length, (uint64_t)(int64_t)status);
}

ZXP_EXPORT zx_status_t zxp_uv_vmo_dirty(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length) {
  return op_range(vmo, ZX_PAGER_OP_DIRTY, offset, length, 0);
}

ZXP_EXPORT zx_status_t zxp_uv_vmo_writeback_begin(zxp_uv_vmo_t* vmo, uint64_t offset,
                                                  uint64_t length) {
  return op_range(vmo, ZX_PAGER_OP_WRITEBACK_BEGIN, offset, length, 0);
}

ZXP_EXPORT zx_status_t zxp_uv_vmo_writeback_end(zxp_uv_vmo_t* vmo, uint64_t offset,
                                                uint64_t length) {
  return op_range(vmo, ZX_PAGER_OP_WRITEBACK_END, offset, length, 0);
}

ZXP_EXPORT zx_status_t zxp_uv_vmo_detach(zxp_uv_vmo_t* vmo) {
  if (vmo == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  return zx_pager_detach_vmo(vmo->internal_pager, vmo->handle);
}
