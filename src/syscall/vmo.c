/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zx_vmo_*: handles, rights and arguments (docs/semantics/vmo.md); the work is in vm/.
 */
#include <zircon/syscalls.h>

#include "base/export.h"
#include "base/user.h"
#include "object/handle.h"
#include "vm/vmo.h"

static zx_status_t get_vmo(zx_handle_t handle, zx_rights_t rights, struct zxp_vmo** out,
                           zx_rights_t* rights_out) {
  struct zxp_object* object;
  const zx_status_t st = zxp_handle_get(handle, ZX_OBJ_TYPE_VMO, rights, &object, rights_out);
  if (st == ZX_OK) {
    *out = zxp_vmo_of(object);
  }
  return st;
}

ZXP_EXPORT zx_status_t zx_vmo_create(uint64_t size, uint32_t options, zx_handle_t* out) {
  const uint32_t both = ZX_VMO_RESIZABLE | ZX_VMO_UNBOUNDED;
  uint64_t rounded = ZXP_VMO_MAX_SIZE;
  struct zxp_vmo* vmo;
  if (out == NULL || (options & both) == both) {
    return ZX_ERR_INVALID_ARGS;
  }
  zx_status_t st = ZX_OK;
  if ((options & ZX_VMO_UNBOUNDED) == 0) {
    st = zxp_vmo_round_size(size, &rounded);
    if (st != ZX_OK) {
      return st;
    }
  }
  if ((options & ~(ZX_VMO_RESIZABLE | ZX_VMO_DISCARDABLE | ZX_VMO_UNBOUNDED)) != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  st = zxp_vmo_create(rounded, size, options, NULL, &vmo);
  if (st != ZX_OK) {
    return st;
  }
  st = zxp_handle_install_user(
      &vmo->object,
      ZX_DEFAULT_VMO_RIGHTS | ((options & ZX_VMO_RESIZABLE) != 0 ? ZX_RIGHT_RESIZE : 0), out);
  zxp_object_put(&vmo->object);
  return st;
}
ZXP_TWIN(zx_vmo_create);

static bool is_cached(const struct zxp_vmo* vmo) {
  return atomic_load_explicit(&vmo->cache_policy, memory_order_relaxed) == ZX_CACHE_POLICY_CACHED;
}

/* Steps 2 and 3 of vmo.md 3. */
static zx_status_t check_cached(const struct zxp_vmo* vmo, uint64_t offset, uint64_t length) {
  if (offset + length < offset) {
    return ZX_ERR_OUT_OF_RANGE;
  }
  return is_cached(vmo) ? ZX_OK : ZX_ERR_BAD_STATE;
}

/*
 * zx_vmo_read and zx_vmo_write. What is there is copied on a visit, which writes to nothing that
 * threads share; the rest by a reference, as everywhere.
 */
static zx_status_t transfer(zx_handle_t handle, void* buffer, uint64_t offset, size_t size,
                            bool writes) {
  const zx_rights_t right = writes ? ZX_RIGHT_WRITE : ZX_RIGHT_READ;
  struct zxp_object* object;
  struct zxp_vmo* vmo;
  zx_status_t st;
  uint64_t done = 0;
  struct zxp_visitor* visitor = zxp_handle_visit(handle, ZX_OBJ_TYPE_VMO, right, &object);
  if (visitor != NULL) {
    vmo = zxp_vmo_of(object);
    st = check_cached(vmo, offset, size);
    if (st == ZX_OK) {
      done = writes ? zxp_vmo_write_visiting(vmo, buffer, offset, size)
                    : zxp_vmo_read_visiting(vmo, buffer, offset, size);
    }
    const bool rest = st == ZX_OK && (done < size || size == 0);
    if (rest) {
      zxp_object_get(object);
    }
    zxp_handle_leave(visitor);
    if (!rest) {
      return st;
    }
  } else {
    st = get_vmo(handle, right, &vmo, NULL);
    if (st != ZX_OK) {
      return st;
    }
    st = check_cached(vmo, offset, size);
  }
  if (st == ZX_OK) {
    unsigned char* at = buffer == NULL ? NULL : (unsigned char*)buffer + done;
    st = writes ? zxp_vmo_write(vmo, at, offset + done, size - done, NULL)
                : zxp_vmo_read(vmo, at, offset + done, size - done, NULL);
  }
  zxp_object_put(&vmo->object);
  return st;
}

ZXP_EXPORT zx_status_t zx_vmo_read(zx_handle_t handle, void* buffer, uint64_t offset,
                                   size_t buffer_size) {
  return transfer(handle, buffer, offset, buffer_size, false);
}
ZXP_TWIN(zx_vmo_read);

ZXP_EXPORT zx_status_t zx_vmo_write(zx_handle_t handle, const void* buffer, uint64_t offset,
                                    size_t buffer_size) {
  /* Only read from. */
  return transfer(handle, (void*)(uintptr_t)buffer, offset, buffer_size, true);
}
ZXP_TWIN(zx_vmo_write);

ZXP_EXPORT zx_status_t zx_vmo_get_size(zx_handle_t handle, uint64_t* size) {
  struct zxp_vmo* vmo;
  zx_status_t st = get_vmo(handle, ZX_RIGHT_NONE, &vmo, NULL);
  if (st != ZX_OK) {
    return st;
  }
  const uint64_t value = zxp_vmo_size(vmo);
  zxp_object_put(&vmo->object);
  if (size == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  return zxp_user_copy_out(size, &value, sizeof value, NULL);
}
ZXP_TWIN(zx_vmo_get_size);

ZXP_EXPORT zx_status_t zx_vmo_get_stream_size(zx_handle_t handle, uint64_t* size) {
  struct zxp_vmo* vmo;
  uint64_t value = 0;
  zx_status_t st = get_vmo(handle, ZX_RIGHT_NONE, &vmo, NULL);
  if (st != ZX_OK) {
    return st;
  }
  zxp_vmo_get_content_size(&vmo->object, &value);
  zxp_object_put(&vmo->object);
  if (size == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  return zxp_user_copy_out(size, &value, sizeof value, NULL);
}
ZXP_TWIN(zx_vmo_get_stream_size);

ZXP_EXPORT zx_status_t zx_vmo_set_size(zx_handle_t handle, uint64_t size) {
  struct zxp_vmo* vmo;
  zx_rights_t rights;
  zx_status_t st = get_vmo(handle, ZX_RIGHT_WRITE, &vmo, &rights);
  if (st != ZX_OK) {
    return st;
  }
  if (vmo->pages->resizable && (rights & ZX_RIGHT_RESIZE) == 0) {
    st = ZX_ERR_ACCESS_DENIED;
  } else if (size + ZXP_PAGE_MASK < size) {
    st = ZX_ERR_OUT_OF_RANGE;
  } else if (!vmo->pages->resizable) {
    st = ZX_ERR_UNAVAILABLE;
  } else {
    st = zxp_pages_set_size(vmo->pages, size);
  }
  zxp_object_put(&vmo->object);
  return st;
}
ZXP_TWIN(zx_vmo_set_size);

ZXP_EXPORT zx_status_t zx_vmo_set_stream_size(zx_handle_t handle, uint64_t size) {
  struct zxp_vmo* vmo;
  zx_status_t st = get_vmo(handle, ZX_RIGHT_WRITE, &vmo, NULL);
  if (st != ZX_OK) {
    return st;
  }
  st = zxp_vmo_set_stream_size(vmo, size);
  zxp_object_put(&vmo->object);
  return st;
}
ZXP_TWIN(zx_vmo_set_stream_size);

/* The right of each operation; false: no such operation, or one that this version does not have. */
static bool op_right(uint32_t op, zx_rights_t* right) {
  switch (op) {
    case ZX_VMO_OP_COMMIT:
    case ZX_VMO_OP_DECOMMIT:
    case ZX_VMO_OP_ZERO:
    case ZX_VMO_OP_CACHE_INVALIDATE:
      *right = ZX_RIGHT_WRITE;
      return true;
    case ZX_VMO_OP_PREFETCH:
    case ZX_VMO_OP_CACHE_SYNC:
    case ZX_VMO_OP_CACHE_CLEAN:
    case ZX_VMO_OP_CACHE_CLEAN_INVALIDATE:
      *right = ZX_RIGHT_READ;
      return true;
    case ZX_VMO_OP_ALWAYS_NEED:
    case ZX_VMO_OP_DONT_NEED:
    case ZX_VMO_OP_LOCK:
    case ZX_VMO_OP_TRY_LOCK:
    case ZX_VMO_OP_UNLOCK:
      *right = ZX_RIGHT_NONE;
      return true;
    default:
      return false;
  }
}

/* CACHE_*: memory is coherent here, so only the arguments count (vmo.md 5, 13). */
static zx_status_t cache_op(struct zxp_vmo* vmo, uint64_t offset, uint64_t size) {
  const uint64_t vmo_size = zxp_vmo_size(vmo);
  if (size == 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  return offset > vmo_size || size > vmo_size - offset ? ZX_ERR_OUT_OF_RANGE : ZX_OK;
}

/* LOCK, TRY_LOCK, UNLOCK (vmo.md 12). */
static zx_status_t lock_op(struct zxp_pages* pages, uint32_t op, uint64_t offset, uint64_t size,
                           void* buffer, size_t buffer_size) {
  if (op == ZX_VMO_OP_TRY_LOCK) {
    return zxp_vmo_try_lock(pages, offset, size);
  }
  if (op == ZX_VMO_OP_UNLOCK) {
    return zxp_vmo_unlock(pages, offset, size);
  }
  zx_vmo_lock_state_t state;
  const zx_status_t st = zxp_vmo_lock(pages, offset, size, &state);
  if (st == ZX_OK && (buffer_size < sizeof state ||
                      zxp_user_copy_out(buffer, &state, sizeof state, NULL) != ZX_OK)) {
    zxp_vmo_lock_undo(pages, &state);
    return ZX_ERR_INVALID_ARGS;
  }
  return st;
}

ZXP_EXPORT zx_status_t zx_vmo_op_range(zx_handle_t handle, uint32_t op, uint64_t offset,
                                       uint64_t size, void* buffer, size_t buffer_size) {
  struct zxp_vmo* vmo;
  zx_rights_t needed = ZX_RIGHT_NONE;
  zx_rights_t rights;
  zx_status_t st = get_vmo(handle, ZX_RIGHT_NONE, &vmo, &rights);
  if (st != ZX_OK) {
    return st;
  }
  if (!op_right(op, &needed)) {
    st = ZX_ERR_INVALID_ARGS;
  } else if (op == ZX_VMO_OP_CACHE_INVALIDATE) {
    st = ZX_ERR_NOT_SUPPORTED; /* Needs debugging system calls, before the right (vmo.md 13). */
  } else if ((rights & needed) != needed) {
    st = ZX_ERR_ACCESS_DENIED;
  } else {
    switch (op) {
      case ZX_VMO_OP_COMMIT:
      case ZX_VMO_OP_DECOMMIT:
      case ZX_VMO_OP_PREFETCH:
      case ZX_VMO_OP_ALWAYS_NEED:
      case ZX_VMO_OP_DONT_NEED:
        st = zxp_vmo_op_range(vmo, op, offset, size);
        break;
      case ZX_VMO_OP_ZERO:
        st = is_cached(vmo) ? zxp_vmo_op_range(vmo, op, offset, size) : ZX_ERR_BAD_STATE;
        break;
      case ZX_VMO_OP_LOCK:
      case ZX_VMO_OP_TRY_LOCK:
      case ZX_VMO_OP_UNLOCK:
        st = (rights & (ZX_RIGHT_READ | ZX_RIGHT_WRITE)) == 0
                 ? ZX_ERR_ACCESS_DENIED
                 : lock_op(vmo->pages, op, offset, size, buffer, buffer_size);
        break;
      default:
        st = cache_op(vmo, offset, size);
        break;
    }
  }
  zxp_object_put(&vmo->object);
  return st;
}
ZXP_TWIN(zx_vmo_op_range);
