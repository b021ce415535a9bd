/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zx_pager_*: handles, rights and arguments, in the order of docs/semantics/pager.md 3 and
 * writeback.md 5 to 7; the work is in vm/pager*.c.
 */
#include <string.h>
#include <zircon/syscalls-next.h>
#include <zircon/syscalls.h>

#include "base/export.h"
#include "base/user.h"
#include "object/handle.h"
#include "object/port.h"
#include "vm/page_source.h"
#include "vm/pager.h"

/* Entries of a dirty-range query gathered under one hold of the lock. */
#define QUERY_CHUNK 128

/* A root of a pager, pinned. It keeps its pager, so that need not be. */
struct target {
  zx_handle_t vmo_handle;
  struct zxp_vmo* vmo;
};

static void target_unpin(const struct target* t) { zxp_handle_unpin(t->vmo_handle); }

/* What is wrong with a target: the pager and its rights, the VMO and its, whether it is a root of
 * this pager, in this order. */
static zx_status_t check_target(zx_handle_t pager, zx_rights_t pager_rights, zx_handle_t vmo,
                                zx_rights_t vmo_rights) {
  struct zxp_object* object;
  zx_status_t st = zxp_handle_pin(pager, ZX_OBJ_TYPE_PAGER, pager_rights, &object, NULL);
  if (st != ZX_OK) {
    return st;
  }
  zxp_handle_unpin(pager);
  st = zxp_handle_pin(vmo, ZX_OBJ_TYPE_VMO, vmo_rights, &object, NULL);
  if (st != ZX_OK) {
    return st;
  }
  zxp_handle_unpin(vmo);
  return ZX_ERR_INVALID_ARGS;
}

/* Pager with `pager_rights`, VMO with `vmo_rights`, root of this pager. */
static zx_status_t pin_target(zx_handle_t pager, zx_rights_t pager_rights, zx_handle_t vmo,
                              zx_rights_t vmo_rights, struct target* out) {
  struct zxp_object* object;
  if (zxp_handle_pin(vmo, ZX_OBJ_TYPE_VMO, vmo_rights, &object, NULL) != ZX_OK) {
    return check_target(pager, pager_rights, vmo, vmo_rights);
  }
  out->vmo_handle = vmo;
  out->vmo = zxp_vmo_of(object);
  const struct zxp_pager* of = zxp_pager_of_root(out->vmo);
  if (of == NULL || !zxp_handle_is(pager, &of->object, pager_rights)) {
    target_unpin(out);
    return check_target(pager, pager_rights, vmo, vmo_rights);
  }
  return ZX_OK;
}

ZXP_EXPORT zx_status_t zx_pager_create(uint32_t options, zx_handle_t* out) {
  struct zxp_pager* pager;
  if (options != 0 || out == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  zx_status_t st = zxp_pager_create(&pager);
  if (st != ZX_OK) {
    return st;
  }
  st = zxp_handle_install(&pager->object, ZX_DEFAULT_PAGER_RIGHTS, out);
  zxp_object_put(&pager->object);
  return st;
}
ZXP_TWIN(zx_pager_create);

/* Checks of 3.2 behind the handles. */
static zx_status_t check_create(uint32_t options, uint64_t size, uint64_t* rounded) {
  const uint32_t both = ZX_VMO_RESIZABLE | ZX_VMO_UNBOUNDED;
  if ((options & both) == both) {
    return ZX_ERR_INVALID_ARGS;
  }
  *rounded = ZXP_VMO_MAX_SIZE;
  if ((options & ZX_VMO_UNBOUNDED) == 0) {
    const zx_status_t st = zxp_vmo_round_size(size, rounded);
    if (st != ZX_OK) {
      return st;
    }
  }
  /* Any other bit is unknown; DISCARDABLE is known and refused all the same. */
  return (options & ~(ZX_VMO_RESIZABLE | ZX_VMO_TRAP_DIRTY | ZX_VMO_UNBOUNDED)) != 0
             ? ZX_ERR_INVALID_ARGS
             : ZX_OK;
}

ZXP_EXPORT zx_status_t zx_pager_create_vmo(zx_handle_t pager, uint32_t options, zx_handle_t port,
                                           uint64_t key, uint64_t size, zx_handle_t* out) {
  struct zxp_object* pager_object = NULL;
  struct zxp_object* port_object = NULL;
  struct zxp_source* source = NULL;
  struct zxp_vmo* vmo = NULL;
  uint64_t rounded;
  zx_status_t st =
      zxp_handle_get(pager, ZX_OBJ_TYPE_PAGER, ZX_RIGHT_ATTACH_VMO, &pager_object, NULL);
  if (st != ZX_OK) {
    return st;
  }
  st = zxp_handle_get(port, ZX_OBJ_TYPE_PORT, ZX_RIGHT_WRITE, &port_object, NULL);
  if (st != ZX_OK) {
    goto out;
  }
  st = check_create(options, size, &rounded);
  if (st == ZX_OK && out == NULL) {
    st = ZX_ERR_INVALID_ARGS;
  }
  if (st != ZX_OK) {
    goto out;
  }
  st = zxp_source_create(zxp_pager_of(pager_object), zxp_port_from_object(port_object), key,
                         (options & ZX_VMO_TRAP_DIRTY) != 0, &source);
  if (st != ZX_OK) {
    goto out;
  }
  st = zxp_vmo_create(rounded, size, options, source, &vmo);
  if (st != ZX_OK) {
    zxp_source_put(source);
    goto out;
  }
  st = zxp_handle_install(
      &vmo->object,
      ZX_DEFAULT_VMO_RIGHTS | ((options & ZX_VMO_RESIZABLE) != 0 ? ZX_RIGHT_RESIZE : 0), out);
  if (st != ZX_OK) {
    /* A call that fails sends no packet, COMPLETE included (3.2). */
    zxp_pages_lock(vmo->pages);
    zxp_source_cut_locked(source);
    zxp_pages_unlock(vmo->pages);
  }
  zxp_object_put(&vmo->object);
out:
  zxp_object_put(port_object);
  zxp_object_put(pager_object);
  return st;
}
ZXP_TWIN(zx_pager_create_vmo);

ZXP_EXPORT zx_status_t zx_pager_detach_vmo(zx_handle_t pager, zx_handle_t vmo) {
  struct target t;
  const zx_status_t st =
      pin_target(pager, ZX_RIGHT_ATTACH_VMO | ZX_RIGHT_MANAGE_VMO, vmo, ZX_RIGHT_WRITE, &t);
  if (st == ZX_OK) {
    zxp_pager_detach(t.vmo->pages);
    target_unpin(&t);
  }
  return st;
}
ZXP_TWIN(zx_pager_detach_vmo);

ZXP_EXPORT zx_status_t zx_pager_supply_pages(zx_handle_t pager, zx_handle_t pager_vmo,
                                             uint64_t offset, uint64_t length, zx_handle_t aux_vmo,
                                             uint64_t aux_offset) {
  struct target t;
  struct zxp_object* aux;
  if (((offset | length | aux_offset) & ZXP_PAGE_MASK) != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  zx_status_t st = pin_target(pager, ZX_RIGHT_MANAGE_VMO, pager_vmo, ZX_RIGHT_WRITE, &t);
  if (st != ZX_OK) {
    return st;
  }
  st = zxp_handle_pin(aux_vmo, ZX_OBJ_TYPE_VMO, ZX_RIGHT_READ | ZX_RIGHT_WRITE, &aux, NULL);
  if (st == ZX_OK) {
    st = zxp_pager_supply(t.vmo->pages, offset, length, zxp_vmo_of(aux), aux_offset);
    zxp_handle_unpin(aux_vmo);
  }
  target_unpin(&t);
  return st;
}
ZXP_TWIN(zx_pager_supply_pages);

/* The codes that ZX_PAGER_OP_FAIL takes, sign-extended to 64 bits (writeback.md 5.2). */
static bool fail_code_ok(int64_t code) {
  switch (code) {
    case ZX_ERR_IO:
    case ZX_ERR_IO_DATA_INTEGRITY:
    case ZX_ERR_BAD_STATE:
    case ZX_ERR_NO_SPACE:
    case ZX_ERR_BUFFER_TOO_SMALL:
      return true;
    default:
      return false;
  }
}

static zx_status_t op_range(struct zxp_pages* root, uint32_t op, uint64_t offset, uint64_t length,
                            uint64_t data) {
  switch (op) {
    case ZX_PAGER_OP_FAIL:
      return fail_code_ok((int64_t)data)
                 ? zxp_pager_fail(root, offset, length, (zx_status_t)(int64_t)data)
                 : ZX_ERR_INVALID_ARGS;
    case ZX_PAGER_OP_DIRTY:
      return data == 0 ? zxp_pager_dirty(root, offset, length) : ZX_ERR_INVALID_ARGS;
    case ZX_PAGER_OP_WRITEBACK_BEGIN:
      return data == 0 || data == ZX_VMO_DIRTY_RANGE_IS_ZERO
                 ? zxp_pager_writeback_begin(root, offset, length, data != 0)
                 : ZX_ERR_INVALID_ARGS;
    case ZX_PAGER_OP_WRITEBACK_END:
      return data == 0 ? zxp_pager_writeback_end(root, offset, length) : ZX_ERR_INVALID_ARGS;
    default:
      return ZX_ERR_NOT_SUPPORTED;
  }
}

ZXP_EXPORT zx_status_t zx_pager_op_range(zx_handle_t pager, uint32_t op, zx_handle_t pager_vmo,
                                         uint64_t offset, uint64_t length, uint64_t data) {
  struct target t;
  if (((offset | length) & ZXP_PAGE_MASK) != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  zx_status_t st = pin_target(pager, ZX_RIGHT_MANAGE_VMO, pager_vmo, ZX_RIGHT_WRITE, &t);
  if (st == ZX_OK) {
    st = op_range(t.vmo->pages, op, offset, length, data);
    target_unpin(&t);
  }
  return st;
}
ZXP_TWIN(zx_pager_op_range);

/* Memory that cannot be written, for whatever reason, is an argument that is not valid
 * (writeback.md 6, rows 5 and 6; 7). */
static zx_status_t store(void* to, const void* from, size_t n) {
  return zxp_user_copy_out(to, from, n, NULL) == ZX_OK ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

ZXP_EXPORT zx_status_t zx_pager_query_dirty_ranges(zx_handle_t pager, zx_handle_t pager_vmo,
                                                   uint64_t offset, uint64_t length, void* buffer,
                                                   size_t buffer_size, size_t* actual,
                                                   size_t* avail) {
  struct target t;
  zx_status_t st = pin_target(pager, ZX_RIGHT_MANAGE_VMO, pager_vmo, ZX_RIGHT_READ, &t);
  if (st != ZX_OK) {
    return st;
  }
  const uint64_t size = zxp_vmo_size(t.vmo);
  const size_t fit = buffer_size / sizeof(zx_vmo_dirty_range_t);
  size_t stored = 0;
  size_t found = 0;
  if (offset > size || length > size - offset) {
    st = ZX_ERR_OUT_OF_RANGE;
  } else {
    uint64_t cursor = offset & ~ZXP_PAGE_MASK;
    const uint64_t end = (offset + length + ZXP_PAGE_MASK) & ~ZXP_PAGE_MASK;
    st = zxp_pager_harvest(t.vmo->pages, cursor, end);
    /* What does not fit is counted only for who wants to know: a pager that goes through a large
     * VMO with a small buffer would count the rest again and again. */
    while (st == ZX_OK && cursor < end && (stored < fit || avail != NULL)) {
      zx_vmo_dirty_range_t chunk[QUERY_CHUNK];
      const size_t most = avail == NULL && fit - stored < QUERY_CHUNK ? fit - stored : QUERY_CHUNK;
      const size_t n = zxp_pager_query_dirty(t.vmo->pages, &cursor, end, chunk, most);
      const size_t take = fit - stored < n ? fit - stored : n;
      if (take > 0) {
        st = buffer == NULL
                 ? ZX_ERR_INVALID_ARGS
                 : store((zx_vmo_dirty_range_t*)buffer + stored, chunk, take * sizeof chunk[0]);
      }
      stored += take;
      found += n;
    }
  }
  target_unpin(&t);
  if (st == ZX_OK && actual != NULL) {
    st = store(actual, &stored, sizeof stored);
  }
  if (st == ZX_OK && avail != NULL) {
    st = store(avail, &found, sizeof found);
  }
  return st;
}
ZXP_TWIN(zx_pager_query_dirty_ranges);

ZXP_EXPORT zx_status_t zx_pager_query_vmo_stats(zx_handle_t pager, zx_handle_t pager_vmo,
                                                uint32_t options, void* buffer,
                                                size_t buffer_size) {
  struct target t;
  zx_status_t st = pin_target(pager, ZX_RIGHT_MANAGE_VMO, pager_vmo, ZX_RIGHT_READ, &t);
  if (st != ZX_OK) {
    return st;
  }
  zx_pager_vmo_stats_t stats = {0};
  if (buffer_size < sizeof stats) {
    st = ZX_ERR_BUFFER_TOO_SMALL;
  } else if ((options & ~ZX_PAGER_RESET_VMO_STATS) != 0 || buffer == NULL) {
    st = ZX_ERR_INVALID_ARGS;
  } else {
    bool modified = false;
    st = zxp_pager_query_stats(t.vmo->pages, (options & ZX_PAGER_RESET_VMO_STATS) != 0, &modified);
    stats.modified = modified ? ZX_PAGER_VMO_STATS_MODIFIED : 0;
    if (st == ZX_OK) {
      st = store(buffer, &stats, sizeof stats);
    }
  }
  target_unpin(&t);
  return st;
}
ZXP_TWIN(zx_pager_query_vmo_stats);
