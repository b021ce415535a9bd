/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zx_vmar_unmap and zx_vmar_destroy: docs/semantics/vmar.md 6.1, 6.5.
 *
 * Mappings go first, in all regions concerned, which is the part that can fail; then the regions
 * that lie wholly in the range. What is left over, mappings and regions, may hold the last
 * reference to something, so it is dropped with no lock held.
 */
#include "vm/region_private.h"

/* ---- What is left over ---- */

void zxp_leftovers_init(struct zxp_leftovers* l) {
  zxp_list_init(&l->mappings);
  zxp_list_init(&l->regions);
}

void zxp_leftovers_drop(struct zxp_leftovers* l) {
  struct zxp_list* link;
  while ((link = zxp_list_pop_front(&l->mappings)) != NULL) {
    zxp_mapping_free(ZXP_CONTAINER_OF(link, struct zxp_mapping, pages_link));
  }
  while ((link = zxp_list_pop_front(&l->regions)) != NULL) {
    zxp_object_put(&ZXP_CONTAINER_OF(link, struct zxp_region, gone_link)->object);
  }
}

/* ---- Mappings ---- */

zx_status_t zxp_region_collect_cuts(struct zxp_region* r, uintptr_t address, uintptr_t end,
                                    struct zxp_cuts* cuts) {
  zx_status_t st = ZX_OK;
  while (st == ZX_OK && address < end) {
    struct zxp_mapping* m = zxp_region_mapping_after(r, address);
    if (m == NULL || m->base >= end) {
      break;
    }
    const uintptr_t m_end = zxp_mapping_end(m);
    st = zxp_cuts_add(cuts, m, address > m->base ? address : m->base, end < m_end ? end : m_end);
    address = m_end;
  }
  return st;
}

void zxp_region_settle_cuts(struct zxp_cuts* cuts, struct zxp_leftovers* left) {
  for (size_t i = 0; i < cuts->count; i++) {
    struct zxp_cut* cut = &cuts->list[i];
    struct zxp_mapping* m = cut->mapping;
    struct zxp_region* r = m->node.parent;
    zxp_region_unlink(&m->node);
    if (cut->after.pages_count > 0) {
      zxp_region_link(r, &m->node, m->base, zxp_mapping_end(m));
    } else {
      zxp_list_push_back(&left->mappings, &m->pages_link);
    }
    if (cut->rest != NULL) {
      zxp_region_link(r, &cut->rest->node, cut->rest->base, zxp_mapping_end(cut->rest));
    }
  }
  zxp_cuts_free(cuts);
}

/* Takes all mappings out of the range. ZX_ERR_NO_MEMORY: nothing has changed. */
static zx_status_t remove_mappings(struct zxp_region* r, uintptr_t address, uintptr_t end,
                                   struct zxp_cuts* cuts, struct zxp_leftovers* left) {
  zx_status_t st = zxp_region_collect_cuts(r, address, end, cuts);
  if (st == ZX_OK) {
    st = zxp_cuts_hide(cuts);
  }
  if (st == ZX_OK) {
    zxp_region_settle_cuts(cuts, left);
  }
  return st;
}

/* ---- Regions ---- */

/* Row 5: whether every child region in the range lies wholly in it, and may be destroyed. */
static bool regions_may_go(struct zxp_region* r, uintptr_t address, uintptr_t end,
                           bool op_children) {
  for (struct zxp_vm_node* n = zxp_region_child_after(r, address); n != NULL && n->node.key < end;
       n = zxp_vm_node_of(zxp_tree_next(&n->node))) {
    if (n->is_region && (!op_children || n->node.key < address || n->end > end)) {
      return false;
    }
  }
  return true;
}

/* Takes a region without mappings out of the tree, and all regions below it; the deepest first. */
static void remove_region(struct zxp_region* top, struct zxp_leftovers* left) {
  struct zxp_region* r = top;
  for (;;) {
    struct zxp_tree_node* child = zxp_tree_first(&r->children);
    if (child != NULL) {
      r = zxp_region_of_node(zxp_vm_node_of(child));
      continue;
    }
    struct zxp_region* parent = r->node.parent;
    zxp_region_unlink(&r->node);
    r->alive = false;
    zxp_list_push_back(&left->regions, &r->gone_link);
    if (r == top) {
      return;
    }
    r = parent;
  }
}

static void remove_regions(struct zxp_region* r, uintptr_t address, uintptr_t end,
                           struct zxp_leftovers* left) {
  struct zxp_vm_node* n = zxp_region_child_after(r, address);
  while (n != NULL && n->node.key < end) {
    struct zxp_vm_node* next = zxp_vm_node_of(zxp_tree_next(&n->node));
    if (n->is_region) {
      remove_region(zxp_region_of_node(n), left);
    }
    n = next;
  }
}

/* ---- Calls ---- */

zx_status_t zxp_region_unmap(struct zxp_region* r, uintptr_t address, uint64_t length,
                             bool op_children) {
  struct zxp_cuts cuts = {0};
  struct zxp_leftovers left;
  zx_status_t st;
  if ((address & ZXP_PAGE_MASK) != 0 || length + ZXP_PAGE_MASK <= ZXP_PAGE_MASK) {
    return ZX_ERR_INVALID_ARGS;
  }
  zxp_leftovers_init(&left);
  zxp_rwlock_write(&zxp_aspace.lock);
  const uintptr_t end = zxp_region_range_end(r, address, length);
  if (!r->alive) {
    st = ZX_ERR_BAD_STATE;
  } else if (end == 0 || !regions_may_go(r, address, end, op_children)) {
    st = ZX_ERR_INVALID_ARGS;
  } else {
    st = remove_mappings(r, address, end, &cuts, &left);
  }
  if (st == ZX_OK) {
    remove_regions(r, address, end, &left);
  }
  zxp_rwlock_unlock(&zxp_aspace.lock);
  zxp_cuts_free(&cuts);
  zxp_leftovers_drop(&left);
  return st;
}

zx_status_t zxp_region_destroy(struct zxp_region* r) {
  struct zxp_cuts cuts = {0};
  struct zxp_leftovers left;
  zx_status_t st;
  zxp_leftovers_init(&left);
  zxp_rwlock_write(&zxp_aspace.lock);
  if (!r->alive) {
    st = ZX_ERR_BAD_STATE;
  } else if (r->node.parent == NULL) {
    st = ZX_ERR_NOT_SUPPORTED; /* The root. */
  } else {
    st = remove_mappings(r, r->base, r->base + r->size, &cuts, &left);
  }
  if (st == ZX_OK) {
    remove_region(r, &left);
  }
  zxp_rwlock_unlock(&zxp_aspace.lock);
  zxp_cuts_free(&cuts);
  zxp_leftovers_drop(&left);
  return st;
}
