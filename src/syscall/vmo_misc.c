/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The VMO calls beside reading, writing and children: transfer_data, set_cache_policy,
 * replace_as_executable, create_contiguous, create_physical (docs/semantics/vmo.md 11, 13).
 */
#include <zircon/syscalls.h>

#include "base/export.h"
#include "object/handle.h"
#include "vm/cow.h"
#include "vm/vmo.h"

/* ---- Transfer ---- */

ZXP_EXPORT zx_status_t zx_vmo_transfer_data(zx_handle_t dst_vmo, uint32_t options, uint64_t offset,
                                            uint64_t length, zx_handle_t src_vmo,
                                            uint64_t src_offset) {
  struct zxp_object* dst = NULL;
  struct zxp_object* src = NULL;
  if (options != 0 || ((offset | length | src_offset) & ZXP_PAGE_MASK) != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  zx_status_t st = zxp_handle_get(dst_vmo, ZX_OBJ_TYPE_VMO, ZX_RIGHT_WRITE, &dst, NULL);
  if (st != ZX_OK) {
    return st;
  }
  st = zxp_handle_get(src_vmo, ZX_OBJ_TYPE_VMO, ZX_RIGHT_READ | ZX_RIGHT_WRITE, &src, NULL);
  if (st == ZX_OK) {
    /* Onto itself: nothing to do, whatever the range. */
    if (dst != src || offset != src_offset) {
      st = zxp_vmo_transfer(zxp_vmo_of(dst), offset, length, zxp_vmo_of(src), src_offset);
    }
    zxp_object_put(src);
  }
  zxp_object_put(dst);
  return st;
}
ZXP_TWIN(zx_vmo_transfer_data);

/* ---- Cache policy ---- */

/* Whether something stands against a change: vmo.md 13. */
static bool policy_is_fixed_locked(struct zxp_vmo* vmo) {
  if (vmo->num_mappings != 0 || vmo->num_children != 0 || vmo->parent != NULL || vmo->slice ||
      vmo->reference) {
    return true;
  }
  if (atomic_load_explicit(&vmo->cache_policy, memory_order_relaxed) == ZX_CACHE_POLICY_CACHED) {
    return false;
  }
  struct zxp_cow_memory memory;
  zxp_cow_memory_locked(vmo->pages, 0, vmo->pages->size >> ZXP_PAGE_SHIFT, &memory);
  return memory.committed != 0;
}

ZXP_EXPORT zx_status_t zx_vmo_set_cache_policy(zx_handle_t handle, uint32_t cache_policy) {
  struct zxp_object* object;
  if (cache_policy > ZX_CACHE_POLICY_MASK) {
    return ZX_ERR_INVALID_ARGS;
  }
  zx_status_t st = zxp_handle_get(handle, ZX_OBJ_TYPE_VMO, ZX_RIGHT_MAP, &object, NULL);
  if (st != ZX_OK) {
    return st;
  }
  struct zxp_vmo* vmo = zxp_vmo_of(object);
  struct zxp_pages* pages = vmo->pages;
  zxp_pages_lock(pages);
  st = zxp_pages_harvest_locked(pages, 0, pages->size >> ZXP_PAGE_SHIFT);
  if (st == ZX_OK && policy_is_fixed_locked(vmo)) {
    st = ZX_ERR_BAD_STATE;
  }
  if (st == ZX_OK) {
    atomic_store_explicit(&vmo->cache_policy, cache_policy, memory_order_relaxed);
  }
  zxp_pages_unlock(pages);
  zxp_object_put(object);
  return st;
}
ZXP_TWIN(zx_vmo_set_cache_policy);

/* ---- Execute ---- */

/* No handle names a resource, a BTI or any other thing of devices: each is dead or of another
 * type. */
static zx_status_t not_such_a_handle(zx_handle_t handle) {
  struct zxp_object* object;
  const zx_status_t st = zxp_handle_get(handle, ZX_OBJ_TYPE_NONE, ZX_RIGHT_NONE, &object, NULL);
  if (st != ZX_OK) {
    return st;
  }
  zxp_object_put(object);
  return ZX_ERR_WRONG_TYPE;
}

ZXP_EXPORT zx_status_t zx_vmo_replace_as_executable(zx_handle_t handle, zx_handle_t vmex,
                                                    zx_handle_t* out) {
  struct zxp_object* object;
  zx_rights_t rights;
  /* Before `handle` dies, which may be the same one. */
  const zx_status_t vmex_status = vmex == ZX_HANDLE_INVALID ? ZX_OK : not_such_a_handle(vmex);
  zx_status_t st = zxp_handle_get(handle, ZX_OBJ_TYPE_NONE, ZX_RIGHT_NONE, &object, &rights);
  if (st != ZX_OK) {
    return st;
  }
  if (vmex_status != ZX_OK) {
    st = vmex_status;
  } else if (object->ops->type != ZX_OBJ_TYPE_VMO) {
    st = ZX_ERR_BAD_HANDLE;
  } else {
    /* The new handle first: an object whose last handle has gone gets no other. */
    st = zxp_handle_install_user(object, rights | ZX_RIGHT_EXECUTE, out);
  }
  (void)zxp_handle_close(handle);
  zxp_object_put(object);
  return st;
}
ZXP_TWIN(zx_vmo_replace_as_executable);

/* ---- Memory of devices, of which there is none ---- */

ZXP_EXPORT zx_status_t zx_vmo_create_contiguous(zx_handle_t bti, size_t size,
                                                uint32_t alignment_log2, zx_handle_t* out) {
  (void)out;
  if (size == 0 || alignment_log2 >= 64 ||
      (alignment_log2 != 0 && alignment_log2 < ZXP_PAGE_SHIFT)) {
    return ZX_ERR_INVALID_ARGS;
  }
  return not_such_a_handle(bti);
}
ZXP_TWIN(zx_vmo_create_contiguous);

ZXP_EXPORT zx_status_t zx_vmo_create_physical(zx_handle_t resource, zx_paddr_t paddr, size_t size,
                                              zx_handle_t* out) {
  (void)paddr;
  (void)size;
  (void)out;
  return not_such_a_handle(resource);
}
ZXP_TWIN(zx_vmo_create_physical);
