/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_vmo_create_child: the checks around the handle, and the rights of the new one
 * (docs/semantics/vmo.md 6). */
#include <zircon/syscalls.h>

#include "base/export.h"
#include "object/handle.h"
#include "vm/vmo.h"

/* vmo.md 6, "Rights of the new handle". */
static zx_rights_t child_rights(zx_rights_t parent, uint32_t options) {
  zx_rights_t rights = parent & ~ZX_RIGHT_RESIZE;
  if ((options & ZX_VMO_CHILD_RESIZABLE) != 0) {
    rights |= ZX_RIGHT_RESIZE;
  }
  rights |= ZX_RIGHT_GET_PROPERTY | ZX_RIGHT_SET_PROPERTY;
  if ((options & ZX_VMO_CHILD_NO_WRITE) != 0) {
    return rights & ~ZX_RIGHT_WRITE;
  }
  if ((options & (ZX_VMO_CHILD_SLICE | ZX_VMO_CHILD_REFERENCE)) == 0) {
    rights = (rights | ZX_RIGHT_WRITE) & ~ZX_RIGHT_EXECUTE;
  }
  return rights;
}

ZXP_EXPORT zx_status_t zx_vmo_create_child(zx_handle_t handle, uint32_t options, uint64_t offset,
                                           uint64_t size, zx_handle_t* out) {
  const uint32_t both = ZX_VMO_CHILD_NO_WRITE | ZX_VMO_CHILD_RESIZABLE;
  uint64_t rounded;
  struct zxp_object* parent;
  struct zxp_vmo* child = NULL;
  zx_rights_t rights;
  zx_status_t st = zxp_vmo_round_size(size, &rounded);
  if (st != ZX_OK) {
    return st;
  }
  if ((options & both) == both) {
    return ZX_ERR_INVALID_ARGS;
  }
  st =
      zxp_handle_get(handle, ZX_OBJ_TYPE_VMO, ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ, &parent, &rights);
  if (st != ZX_OK) {
    return st;
  }
  if (out == NULL) {
    st = ZX_ERR_INVALID_ARGS;
  } else {
    st = zxp_vmo_create_child(zxp_vmo_of(parent), options, offset, size,
                              (rights & ZX_RIGHT_GET_PROPERTY) != 0, &child);
  }
  if (st == ZX_OK) {
    st = zxp_handle_install(&child->object, child_rights(rights, options), out);
    zxp_object_put(&child->object);
  }
  zxp_object_put(parent);
  return st;
}
ZXP_TWIN(zx_vmo_create_child);
