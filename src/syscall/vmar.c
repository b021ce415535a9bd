/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zx_vmar_*, and the root region's handle: handles, rights, options, in the order of
 * docs/semantics/vmar.md 4 to 8; the work is in vm/region*.c.
 */
#include <pthread.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "base/export.h"
#include "base/user.h"
#include "object/handle.h"
#include "vm/region.h"
#include "vm/vmo.h"

#define PERMS   (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE)
#define CAN_MAP (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE)
#define ALIGN   (~((UINT32_C(1) << ZX_VM_ALIGN_BASE) - 1))
/* Bits that zx_vmar_map knows, the alignment apart. */
#define MAP_OPTIONS                                                                             \
  (PERMS | ZX_VM_COMPACT | ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE | ZX_VM_CAN_MAP_SPECIFIC | \
   ZX_VM_MAP_RANGE | ZX_VM_REQUIRE_NON_RESIZABLE | ZX_VM_ALLOW_FAULTS |                         \
   ZX_VM_OFFSET_IS_UPPER_LIMIT | ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED |                           \
   ZX_VM_FAULT_BEYOND_STREAM_SIZE)
#define ALLOCATE_OPTIONS                                               \
  (CAN_MAP | ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_COMPACT | ZX_VM_SPECIFIC | \
   ZX_VM_OFFSET_IS_UPPER_LIMIT | ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED)

static zx_handle_t root_handle;

static void make_root_handle(void) {
  struct zxp_region* root;
  if (zxp_region_root(&root) == ZX_OK) {
    zxp_handle_install(&root->object,
                       ZX_DEFAULT_VMAR_RIGHTS | ZX_RIGHT_READ | ZX_RIGHT_WRITE | ZX_RIGHT_EXECUTE,
                       &root_handle);
  }
}

ZXP_EXPORT zx_handle_t zx_vmar_root_self(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_root_handle);
  return root_handle;
}
ZXP_TWIN(zx_vmar_root_self);

/* READ, WRITE, EXECUTE as permissions; the bits of a right are the same on VMOs and regions. */
static uint32_t perms_of_rights(zx_rights_t rights) {
  return ((rights & ZX_RIGHT_READ) != 0 ? ZX_VM_PERM_READ : 0) |
         ((rights & ZX_RIGHT_WRITE) != 0 ? ZX_VM_PERM_WRITE : 0) |
         ((rights & ZX_RIGHT_EXECUTE) != 0 ? ZX_VM_PERM_EXECUTE : 0);
}

/* Bit 14: execute-only memory does not exist here, so it always adds READ (vmar.md 3). */
static zx_vm_option_t resolve_xom(zx_vm_option_t options) {
  return (options & ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED) != 0 ? options | ZX_VM_PERM_READ : options;
}

static bool perms_valid(zx_vm_option_t options) {
  return (options & (ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE)) == 0 ||
         (options & ZX_VM_PERM_READ) != 0;
}

static bool align_valid(zx_vm_option_t options) {
  const uint32_t exponent = options >> ZX_VM_ALIGN_BASE;
  return exponent == 0 || (exponent >= 10 && exponent <= 32);
}

/* ---- Regions ---- */

/* The right that each CAN_MAP_* asked for needs on the parent (section 2). */
static zx_rights_t rights_to_allocate(zx_vm_option_t options) {
  return ((options & ZX_VM_CAN_MAP_READ) != 0 ? ZX_RIGHT_READ : 0) |
         ((options & ZX_VM_CAN_MAP_WRITE) != 0 ? ZX_RIGHT_WRITE : 0) |
         ((options & ZX_VM_CAN_MAP_EXECUTE) != 0 ? ZX_RIGHT_EXECUTE : 0);
}

ZXP_EXPORT zx_status_t zx_vmar_allocate(zx_handle_t parent_vmar, zx_vm_option_t options,
                                        size_t offset, size_t size, zx_handle_t* child_vmar,
                                        zx_vaddr_t* child_addr) {
  struct zxp_object* parent;
  struct zxp_region* child;
  const zx_rights_t rights = rights_to_allocate(options);
  zx_status_t st = zxp_handle_get(parent_vmar, ZX_OBJ_TYPE_VMAR, rights, &parent, NULL);
  if (st != ZX_OK) {
    return st;
  }
  if ((options & ~(ALLOCATE_OPTIONS | ALIGN)) != 0 || !align_valid(options) ||
      (size & ZXP_PAGE_MASK) != 0 || child_vmar == NULL || child_addr == NULL) {
    st = ZX_ERR_INVALID_ARGS;
  } else {
    st = zxp_region_allocate(zxp_region_of(parent), options, offset, size, &child);
  }
  zxp_object_put(parent);
  if (st != ZX_OK) {
    return st;
  }
  const zx_vaddr_t base = child->base;
  if (zxp_user_copy_out(child_addr, &base, sizeof base, NULL) != ZX_OK) {
    st = ZX_ERR_INVALID_ARGS;
  } else {
    st = zxp_handle_install_user(&child->object, ZX_DEFAULT_VMAR_RIGHTS | rights, child_vmar);
  }
  if (st != ZX_OK) {
    zxp_region_destroy(child); /* Nobody else has seen it. */
  }
  zxp_object_put(&child->object);
  return st;
}
ZXP_TWIN(zx_vmar_allocate);

ZXP_EXPORT zx_status_t zx_vmar_destroy(zx_handle_t handle) {
  struct zxp_object* region;
  zx_status_t st = zxp_handle_get(handle, ZX_OBJ_TYPE_VMAR, ZX_RIGHT_OP_CHILDREN, &region, NULL);
  if (st != ZX_OK) {
    return st;
  }
  st = zxp_region_destroy(zxp_region_of(region));
  zxp_object_put(region);
  return st;
}
ZXP_TWIN(zx_vmar_destroy);

/* ---- Mappings ---- */

/* Rows 4 to 13 of vmar.md 5.1; row 3 is about VMOs that do not exist here. */
static zx_status_t check_map(zx_vm_option_t options, zx_rights_t vmar_rights,
                             zx_rights_t vmo_rights, const struct zxp_vmo* vmo,
                             uint64_t vmo_offset) {
  const uint32_t perms = options & PERMS;
  if ((vmo_rights & ZX_RIGHT_MAP) == 0) {
    return ZX_ERR_ACCESS_DENIED;
  }
  if (!perms_valid(options) ||
      ((options & ZX_VM_MAP_RANGE) != 0 && (options & ZX_VM_SPECIFIC_OVERWRITE) != 0) ||
      (options & CAN_MAP) != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  if ((perms & ~(perms_of_rights(vmo_rights) & perms_of_rights(vmar_rights))) != 0) {
    return ZX_ERR_ACCESS_DENIED;
  }
  if (((options & ZX_VM_FAULT_BEYOND_STREAM_SIZE) != 0 && (options & ZX_VM_ALLOW_FAULTS) == 0) ||
      (options & ~(MAP_OPTIONS | ALIGN)) != 0 || !align_valid(options)) {
    return ZX_ERR_INVALID_ARGS;
  }
  if (((options & ZX_VM_REQUIRE_NON_RESIZABLE) != 0 && vmo->pages->resizable) ||
      ((options & ZX_VM_ALLOW_FAULTS) == 0 && (vmo->options & ZX_VMO_DISCARDABLE) != 0)) {
    return ZX_ERR_NOT_SUPPORTED;
  }
  if ((options & (ZX_VM_COMPACT | ZX_VM_CAN_MAP_SPECIFIC)) != 0 ||
      (vmo_offset & ZXP_PAGE_MASK) != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  return ZX_OK;
}

ZXP_EXPORT zx_status_t zx_vmar_map(zx_handle_t handle, zx_vm_option_t options, size_t vmar_offset,
                                   zx_handle_t vmo, uint64_t vmo_offset, size_t len,
                                   zx_vaddr_t* mapped_addr) {
  struct zxp_object* region_object = NULL;
  struct zxp_object* vmo_object = NULL;
  zx_rights_t vmar_rights;
  zx_rights_t vmo_rights;
  zx_vaddr_t at = 0;
  options = resolve_xom(options);
  zx_status_t st =
      zxp_handle_get(handle, ZX_OBJ_TYPE_VMAR, ZX_RIGHT_NONE, &region_object, &vmar_rights);
  if (st != ZX_OK) {
    return st;
  }
  st = zxp_handle_get(vmo, ZX_OBJ_TYPE_VMO, ZX_RIGHT_NONE, &vmo_object, &vmo_rights);
  if (st != ZX_OK) {
    goto out;
  }
  st = check_map(options, vmar_rights, vmo_rights, zxp_vmo_of(vmo_object), vmo_offset);
  if (st == ZX_OK && mapped_addr == NULL) {
    st = ZX_ERR_INVALID_ARGS;
  }
  if (st == ZX_OK) {
    st = zxp_region_map(zxp_region_of(region_object), options, vmar_offset, zxp_vmo_of(vmo_object),
                        vmo_offset, len, options & PERMS,
                        perms_of_rights(vmo_rights) & perms_of_rights(vmar_rights), &at);
  }
  if (st == ZX_OK && zxp_user_copy_out(mapped_addr, &at, sizeof at, NULL) != ZX_OK) {
    zxp_region_unmap(zxp_region_of(region_object), at, len, false);
    st = ZX_ERR_INVALID_ARGS;
  }
out:
  zxp_object_put(vmo_object);
  zxp_object_put(region_object);
  return st;
}
ZXP_TWIN(zx_vmar_map);

ZXP_EXPORT zx_status_t zx_vmar_unmap(zx_handle_t handle, zx_vaddr_t addr, size_t len) {
  struct zxp_object* region;
  zx_rights_t rights;
  zx_status_t st = zxp_handle_get(handle, ZX_OBJ_TYPE_VMAR, ZX_RIGHT_NONE, &region, &rights);
  if (st != ZX_OK) {
    return st;
  }
  st = zxp_region_unmap(zxp_region_of(region), addr, len, (rights & ZX_RIGHT_OP_CHILDREN) != 0);
  zxp_object_put(region);
  return st;
}
ZXP_TWIN(zx_vmar_unmap);

ZXP_EXPORT zx_status_t zx_vmar_protect(zx_handle_t handle, zx_vm_option_t options, zx_vaddr_t addr,
                                       size_t len) {
  struct zxp_object* region;
  zx_rights_t needed = 0;
  zx_rights_t rights;
  options = resolve_xom(options);
  needed |= (options & ZX_VM_PERM_READ) != 0 ? ZX_RIGHT_READ : 0;
  needed |= (options & ZX_VM_PERM_WRITE) != 0 ? ZX_RIGHT_WRITE : 0;
  needed |= (options & ZX_VM_PERM_EXECUTE) != 0 ? ZX_RIGHT_EXECUTE : 0;
  zx_status_t st = zxp_handle_get(handle, ZX_OBJ_TYPE_VMAR, needed, &region, &rights);
  if (st != ZX_OK) {
    return st;
  }
  if (!perms_valid(options) || (options & ~(PERMS | ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED)) != 0) {
    st = ZX_ERR_INVALID_ARGS;
  } else {
    st = zxp_region_protect(zxp_region_of(region), options & PERMS, addr, len,
                            (rights & ZX_RIGHT_OP_CHILDREN) != 0);
  }
  zxp_object_put(region);
  return st;
}
ZXP_TWIN(zx_vmar_protect);

ZXP_EXPORT zx_status_t zx_vmar_op_range(zx_handle_t handle, uint32_t op, zx_vaddr_t address,
                                        size_t size, void* buffer, size_t buffer_size) {
  struct zxp_object* region;
  zx_rights_t needed = ZX_RIGHT_NONE;
  zx_rights_t rights;
  zx_status_t st = zxp_handle_get(handle, ZX_OBJ_TYPE_VMAR, ZX_RIGHT_NONE, &region, &rights);
  if (st != ZX_OK) {
    return st;
  }
  switch (op) {
    case ZX_VMAR_OP_COMMIT:
    case ZX_VMAR_OP_DECOMMIT:
    case ZX_VMAR_OP_ZERO:
      needed = ZX_RIGHT_WRITE;
      break;
    case ZX_VMAR_OP_PREFETCH:
    case ZX_VMAR_OP_MAP_RANGE:
      needed = ZX_RIGHT_READ;
      break;
    case ZX_VMAR_OP_ALWAYS_NEED:
    case ZX_VMAR_OP_DONT_NEED:
      break;
    default:
      st = ZX_ERR_INVALID_ARGS;
      break;
  }
  if (st == ZX_OK && (rights & needed) != needed) {
    st = ZX_ERR_ACCESS_DENIED;
  }
  if (st == ZX_OK && (buffer != NULL || buffer_size != 0)) {
    st = ZX_ERR_INVALID_ARGS;
  }
  if (st == ZX_OK) {
    st = zxp_region_op_range(zxp_region_of(region), op, address, size,
                             (rights & ZX_RIGHT_OP_CHILDREN) != 0);
  }
  zxp_object_put(region);
  return st;
}
ZXP_TWIN(zx_vmar_op_range);
