/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zx_vmar_op_range: docs/semantics/vmar.md 8.
 *
 * Mapping by mapping: the part is looked up, its VMO and range are pinned by a reference, the lock
 * is let go, and the operation is made on the VMO, where it may wait for a pager. Meanwhile the
 * region may change as it likes; the next part is looked up anew.
 */
#include <zircon/syscalls.h>

#include "vm/region_private.h"

struct part {
  struct zxp_vmo* vmo; /* holds a reference; NULL: nothing is left to do */
  uint64_t offset;     /* of the VMO, bytes */
  uint64_t length;
  uintptr_t end; /* of the part */
};

/* Whether the operation stays inside the region that the handle names. */
static bool own_mappings_only(uint32_t op) {
  return op == ZX_VMAR_OP_COMMIT || op == ZX_VMAR_OP_DECOMMIT || op == ZX_VMAR_OP_PREFETCH;
}

/* What the mapping must have been able to do when it was made. */
static uint32_t max_perm_needed(uint32_t op) {
  switch (op) {
    case ZX_VMAR_OP_COMMIT:
    case ZX_VMAR_OP_DECOMMIT:
    case ZX_VMAR_OP_ZERO:
      return ZX_VM_PERM_WRITE;
    case ZX_VMAR_OP_PREFETCH:
      return ZX_VM_PERM_READ;
    default:
      return 0;
  }
}

/* Rows 6 to 9 for the mapping at `address`. */
static zx_status_t find_part_locked(struct zxp_region* r, uint32_t op, uintptr_t address,
                                    uintptr_t end, bool op_children, struct part* out) {
  if (!r->alive) {
    return ZX_ERR_BAD_STATE;
  }
  struct zxp_mapping* m = zxp_region_mapping_after(r, address);
  if (m == NULL || m->base > address) {
    return ZX_ERR_BAD_STATE;
  }
  if (m->node.parent != r && (own_mappings_only(op) || !op_children)) {
    return ZX_ERR_INVALID_ARGS;
  }
  if ((max_perm_needed(op) & ~m->max_perms) != 0) {
    return ZX_ERR_ACCESS_DENIED;
  }
  const uintptr_t m_end = zxp_mapping_end(m);
  const uint64_t first = (address - m->base) >> ZXP_PAGE_SHIFT;
  out->end = end < m_end ? end : m_end;
  out->length = out->end - address;
  out->offset = zxp_mapping_vmo_offset(m, first);
  if (m->stream_limited || op == ZX_VMAR_OP_MAP_RANGE) {
    const uint64_t count = out->length >> ZXP_PAGE_SHIFT;
    zxp_pages_lock(m->pages);
    const bool shown = zxp_mapping_shows_locked(m, m->first_page + first + count - 1);
    if (op == ZX_VMAR_OP_MAP_RANGE && (shown || !m->stream_limited)) {
      zxp_mapping_populate_locked(m, first, count);
    }
    zxp_pages_unlock(m->pages);
    if (m->stream_limited && !shown) {
      return ZX_ERR_OUT_OF_RANGE;
    }
  }
  if (op != ZX_VMAR_OP_MAP_RANGE) {
    out->vmo = m->vmo;
    zxp_object_get(&m->vmo->object);
  }
  return ZX_OK;
}

zx_status_t zxp_region_op_range(struct zxp_region* r, uint32_t op, uintptr_t address,
                                uint64_t length, bool op_children) {
  if ((address & ZXP_PAGE_MASK) != 0 || length + ZXP_PAGE_MASK <= ZXP_PAGE_MASK) {
    return ZX_ERR_INVALID_ARGS;
  }
  const uintptr_t end = zxp_region_range_end(r, address, length);
  if (end == 0) {
    return ZX_ERR_OUT_OF_RANGE;
  }
  while (address < end) {
    struct part part = {0};
    zxp_rwlock_read(&zxp_aspace.lock);
    zx_status_t st = find_part_locked(r, op, address, end, op_children, &part);
    zxp_rwlock_unlock(&zxp_aspace.lock);
    if (st == ZX_OK && part.vmo != NULL) {
      /* The operations have the same numbers as those of zx_vmo_op_range. */
      st = zxp_vmo_op_range(part.vmo, op, part.offset, part.length);
      zxp_object_put(&part.vmo->object);
    }
    if (st != ZX_OK) {
      return st;
    }
    address = part.end;
  }
  return ZX_OK;
}
