/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_vmar_map from check 14 on: docs/semantics/vmar.md 5.1, 5.5, 5.6. */
#include "vm/region_private.h"

/* A length in whole pages; row 14: neither that nor the end in the VMO may overflow, and 2^64
 * does. */
static zx_status_t round_length(uint64_t vmo_offset, uint64_t length, uint64_t* rounded) {
  *rounded = (length + ZXP_PAGE_MASK) & ~ZXP_PAGE_MASK;
  if (*rounded < length || (*rounded != 0 && vmo_offset + *rounded <= vmo_offset)) {
    return ZX_ERR_OUT_OF_RANGE;
  }
  return ZX_OK;
}

static uint32_t perms_allowed(const struct zxp_region* r) {
  return ((r->flags & ZX_VM_CAN_MAP_READ) != 0 ? ZX_VM_PERM_READ : 0) |
         ((r->flags & ZX_VM_CAN_MAP_WRITE) != 0 ? ZX_VM_PERM_WRITE : 0) |
         ((r->flags & ZX_VM_CAN_MAP_EXECUTE) != 0 ? ZX_VM_PERM_EXECUTE : 0);
}

/* Whether a child region lies in the range, wholly or partly. */
static bool region_in_range(struct zxp_region* r, uintptr_t address, uintptr_t end) {
  for (struct zxp_vm_node* n = zxp_region_child_after(r, address); n != NULL && n->node.key < end;
       n = zxp_vm_node_of(zxp_tree_next(&n->node))) {
    if (n->is_region) {
      return true;
    }
  }
  return false;
}

zx_status_t zxp_region_map(struct zxp_region* r, zx_vm_option_t options, uint64_t offset,
                           struct zxp_vmo* vmo, uint64_t vmo_offset, uint64_t length,
                           uint32_t perms, uint32_t max_perms, zx_vaddr_t* out) {
  struct zxp_mapping* m = NULL;
  struct zxp_cuts cuts = {0};
  struct zxp_leftovers left;
  uint64_t rounded;
  uintptr_t at = 0;
  zx_status_t st = round_length(vmo_offset, length, &rounded);
  if (st != ZX_OK) {
    return st;
  }
  zxp_leftovers_init(&left);
  zxp_rwlock_write(&zxp_aspace.lock);
  if (!r->alive) {
    st = ZX_ERR_BAD_STATE;
  } else if (rounded == 0) {
    st = ZX_ERR_INVALID_ARGS;
  } else if ((max_perms & ~perms_allowed(r)) != 0) {
    st = ZX_ERR_ACCESS_DENIED;
  } else {
    st = zxp_region_choose_place(r, options, offset, rounded, &at);
  }
  const uintptr_t end = at + rounded;
  if (st == ZX_OK && (options & ZX_VM_SPECIFIC_OVERWRITE) != 0) {
    st = region_in_range(r, at, end) ? ZX_ERR_INVALID_ARGS
                                     : zxp_region_collect_cuts(r, at, end, &cuts);
  }
  if (st == ZX_OK && !zxp_aspace_stock_spares()) {
    st = ZX_ERR_NO_MEMORY;
  }
  if (st == ZX_OK) {
    st = zxp_mapping_create(vmo, vmo_offset, at, perms, max_perms,
                            (options & ZX_VM_FAULT_BEYOND_STREAM_SIZE) != 0, &m);
  }
  if (st == ZX_OK) {
    st = zxp_cuts_show(&cuts, m, rounded >> ZXP_PAGE_SHIFT);
  }
  if (st == ZX_OK) {
    zxp_region_settle_cuts(&cuts, &left);
    zxp_region_link(r, &m->node, at, end);
    if ((options & ZX_VM_MAP_RANGE) != 0) {
      zxp_pages_lock(m->pages);
      zxp_mapping_populate_locked(m, 0, m->pages_count);
      zxp_pages_unlock(m->pages);
    }
    *out = at;
    m = NULL;
  }
  zxp_rwlock_unlock(&zxp_aspace.lock);
  zxp_cuts_free(&cuts);
  zxp_leftovers_drop(&left);
  zxp_mapping_free(m);
  return st;
}
