/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm/region.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/assert.h"
#include "vm/mapping.h"

static struct zxp_region* root; /* constant after root_once */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static zx_status_t root_status = ZX_ERR_NO_MEMORY;

static void root_once(void) {
  root_status = zxp_aspace_init();
  if (root_status != ZX_OK) {
    return;
  }
  struct zxp_region* r = calloc(1, sizeof *r);
  if (r == NULL) {
    root_status = ZX_ERR_NO_MEMORY;
    return;
  }
  zxp_object_init(&r->object, &zxp_region_ops, 0);
  r->node.is_region = true;
  r->base = zxp_aspace.base;
  r->size = zxp_aspace.size;
  r->flags = ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE |
             ZX_VM_CAN_MAP_EXECUTE;
  r->alive = true;
  zxp_tree_init(&r->children);
  root = r;
}

zx_status_t zxp_region_root(struct zxp_region** out) {
  pthread_once(&once, root_once);
  *out = root;
  return root_status;
}

static struct zxp_vm_node* vm_node_of(struct zxp_tree_node* n) {
  return n == NULL ? NULL : ZXP_CONTAINER_OF(n, struct zxp_vm_node, node);
}

static struct zxp_region* region_of_node(struct zxp_vm_node* n) {
  return ZXP_CONTAINER_OF(n, struct zxp_region, node);
}

static struct zxp_mapping* mapping_of_node(struct zxp_vm_node* n) {
  return ZXP_CONTAINER_OF(n, struct zxp_mapping, node);
}

/* One past the last address of a child. */
static uintptr_t node_end(struct zxp_vm_node* n) {
  return n->is_region ? region_of_node(n)->base + region_of_node(n)->size
                      : mapping_of_node(n)->base + zxp_mapping_length(mapping_of_node(n));
}

/* The first child that reaches beyond `address`, or NULL. */
static struct zxp_vm_node* first_child_after(struct zxp_region* r, uintptr_t address) {
  struct zxp_tree_node* n = zxp_tree_floor(&r->children, address);
  if (n != NULL && node_end(vm_node_of(n)) > address) {
    return vm_node_of(n);
  }
  return vm_node_of(zxp_tree_ceil(&r->children, address));
}

static void link_mapping(struct zxp_region* r, struct zxp_mapping* m) {
  m->node.is_region = false;
  m->node.parent = r;
  zxp_tree_insert(&r->children, &m->node.node, m->base);
}

static void unlink_mapping(struct zxp_mapping* m) {
  zxp_tree_remove(&m->node.parent->children, &m->node.node);
  m->node.parent = NULL;
}

struct zxp_mapping* zxp_region_find_mapping_locked(uintptr_t address) {
  struct zxp_region* r = root;
  while (r != NULL) {
    struct zxp_vm_node* n = vm_node_of(zxp_tree_floor(&r->children, address));
    if (n == NULL || node_end(n) <= address) {
      return NULL;
    }
    if (!n->is_region) {
      return mapping_of_node(n);
    }
    r = region_of_node(n);
  }
  return NULL;
}

/* ---- Places ---- */

/* The lowest free place of `length` bytes, aligned, that ends at or below `limit`; 0 if there is none. */
static uintptr_t find_place(struct zxp_region* r, uint64_t length, uint64_t align, uintptr_t limit) {
  uintptr_t at = r->base;
  for (struct zxp_tree_node* n = zxp_tree_first(&r->children);; n = zxp_tree_next(n)) {
    const uintptr_t stop = n == NULL ? r->base + r->size : n->key;
    const uintptr_t aligned = (at + align - 1) & ~(uintptr_t)(align - 1);
    if (aligned >= at && aligned <= stop && stop - aligned >= length) {
      return aligned <= limit && limit - aligned >= length ? aligned : 0;
    }
    if (n == NULL) {
      return 0;
    }
    at = node_end(vm_node_of(n));
  }
}

static uint64_t alignment_of(zx_vm_option_t options) {
  const uint32_t exponent = options >> ZX_VM_ALIGN_BASE;
  return exponent < ZXP_PAGE_SHIFT ? ZXP_PAGE_SIZE : UINT64_C(1) << exponent;
}

/* Rows 7 to 12 of vmar.md 4. */
static zx_status_t choose_place(struct zxp_region* r, zx_vm_option_t options, uint64_t offset,
                                uint64_t length, uintptr_t* out) {
  const bool specific = (options & (ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE)) != 0;
  const bool limited = (options & ZX_VM_OFFSET_IS_UPPER_LIMIT) != 0;
  const uint64_t align = alignment_of(options);
  if ((specific && limited) || (!specific && !limited && offset != 0) ||
      (offset & ZXP_PAGE_MASK) != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  if ((specific || limited) && (r->flags & ZX_VM_CAN_MAP_SPECIFIC) == 0) {
    return ZX_ERR_ACCESS_DENIED;
  }
  if (length > r->size || (specific && offset > r->size - length) ||
      (limited && (offset > r->size || length > offset))) {
    return ZX_ERR_INVALID_ARGS;
  }
  if (specific) {
    if (((r->base + offset) & (align - 1)) != 0) {
      return ZX_ERR_INVALID_ARGS;
    }
    struct zxp_vm_node* n = first_child_after(r, r->base + offset);
    const bool touches = n != NULL && n->node.key < r->base + offset + length;
    if (touches && (options & ZX_VM_SPECIFIC_OVERWRITE) == 0) {
      return ZX_ERR_ALREADY_EXISTS;
    }
    *out = r->base + offset;
    return ZX_OK;
  }
  *out = find_place(r, length, align, limited ? r->base + offset : r->base + r->size);
  return *out != 0 ? ZX_OK : ZX_ERR_NO_RESOURCES;
}

/* ---- Taking mappings away ---- */

/* Frees mappings that are out of the tree, once the locks are released: the last of a VMO ends it. Linked by
 * pages_link, which a mapping that is gone does not need any more. */
static void free_mappings(struct zxp_list* gone) {
  struct zxp_list* link;
  while ((link = zxp_list_pop_front(gone)) != NULL) {
    zxp_mapping_free(ZXP_CONTAINER_OF(link, struct zxp_mapping, pages_link));
  }
}

/* Takes [address, end) out of the mappings of this region; no child region touches the range. */
static zx_status_t unmap_range_locked(struct zxp_region* r, uintptr_t address, uintptr_t end,
                                      struct zxp_list* freed) {
  struct zxp_vm_node* n;
  while ((n = first_child_after(r, address)) != NULL && n->node.key < end) {
    struct zxp_mapping* m = mapping_of_node(n);
    const uintptr_t from = address > m->base ? address : m->base;
    const uintptr_t m_end = node_end(n);
    const uintptr_t to = end < m_end ? end : m_end;
    struct zxp_mapping* rest = NULL;
    bool gone = false;
    unlink_mapping(m);
    const zx_status_t st = zxp_mapping_cut(m, (from - m->base) >> ZXP_PAGE_SHIFT,
                                           (to - from) >> ZXP_PAGE_SHIFT, &rest, &gone);
    if (gone) {
      zxp_list_push_back(freed, &m->pages_link);
    } else {
      link_mapping(r, m);
    }
    if (rest != NULL) {
      link_mapping(r, rest);
    }
    if (st != ZX_OK) {
      return st;
    }
    address = to;
  }
  return ZX_OK;
}

/* Whether a child region lies in the range, wholly or partly. */
static bool region_in_range(struct zxp_region* r, uintptr_t address, uintptr_t end) {
  for (struct zxp_vm_node* n = first_child_after(r, address); n != NULL && n->node.key < end;
       n = vm_node_of(zxp_tree_next(&n->node))) {
    if (n->is_region) {
      return true;
    }
  }
  return false;
}

/* ---- Calls ---- */

zx_status_t zxp_region_map(struct zxp_region* r, zx_vm_option_t options, uint64_t offset,
                           struct zxp_vmo* vmo, uint64_t vmo_offset, uint64_t length,
                           uint32_t perms, uint32_t max_perms, zx_vaddr_t* out) {
  struct zxp_list freed = {&freed, &freed};
  uint64_t rounded = (length + ZXP_PAGE_MASK) & ~ZXP_PAGE_MASK;
  if (rounded < length || vmo_offset + rounded < vmo_offset || (rounded == 0 && length != 0) ||
      (rounded != 0 && vmo_offset + rounded == 0)) {
    return ZX_ERR_OUT_OF_RANGE;
  }
  uint32_t can = 0;
  can |= (r->flags & ZX_VM_CAN_MAP_READ) != 0 ? ZX_VM_PERM_READ : 0;
  can |= (r->flags & ZX_VM_CAN_MAP_WRITE) != 0 ? ZX_VM_PERM_WRITE : 0;
  can |= (r->flags & ZX_VM_CAN_MAP_EXECUTE) != 0 ? ZX_VM_PERM_EXECUTE : 0;

  zx_status_t st;
  uintptr_t at = 0;
  struct zxp_mapping* m = NULL;
  zxp_rwlock_write(&zxp_aspace.lock);
  if (!r->alive) {
    st = ZX_ERR_BAD_STATE;
  } else if (rounded == 0) {
    st = ZX_ERR_INVALID_ARGS;
  } else if ((max_perms & ~can) != 0) {
    st = ZX_ERR_ACCESS_DENIED;
  } else {
    st = choose_place(r, options, offset, rounded, &at);
  }
  if (st == ZX_OK && (options & ZX_VM_SPECIFIC_OVERWRITE) != 0) {
    st = region_in_range(r, at, at + rounded) ? ZX_ERR_INVALID_ARGS
                                              : unmap_range_locked(r, at, at + rounded, &freed);
  }
  if (st == ZX_OK) {
    st = zxp_mapping_create(vmo, vmo_offset, at, rounded, perms, max_perms, &m);
  }
  if (st == ZX_OK) {
    link_mapping(r, m);
    *out = at;
  }
  zxp_rwlock_unlock(&zxp_aspace.lock);
  free_mappings(&freed);
  return st;
}

/* The page-rounded end of a range that lies inside the region, or 0. */
static uintptr_t range_end(const struct zxp_region* r, uintptr_t address, uint64_t length) {
  const uint64_t rounded = (length + ZXP_PAGE_MASK) & ~ZXP_PAGE_MASK;
  if (address < r->base || address - r->base > r->size || rounded > r->size - (address - r->base)) {
    return 0;
  }
  return address + rounded;
}

zx_status_t zxp_region_unmap(struct zxp_region* r, uintptr_t address, uint64_t length,
                             bool op_children) {
  struct zxp_list freed = {&freed, &freed};
  zx_status_t st;
  if ((address & ZXP_PAGE_MASK) != 0 || length + ZXP_PAGE_MASK <= ZXP_PAGE_MASK) {
    return ZX_ERR_INVALID_ARGS;
  }
  (void)op_children; /* No region has children that are regions yet. */
  zxp_rwlock_write(&zxp_aspace.lock);
  const uintptr_t end = range_end(r, address, length);
  if (!r->alive) {
    st = ZX_ERR_BAD_STATE;
  } else if (end == 0 || region_in_range(r, address, end)) {
    st = ZX_ERR_INVALID_ARGS;
  } else {
    st = unmap_range_locked(r, address, end, &freed);
  }
  zxp_rwlock_unlock(&zxp_aspace.lock);
  free_mappings(&freed);
  return st;
}

/* Rows 6 and 7 of vmar.md 6.2 for the whole range, before anything changes. */
static zx_status_t check_protect_locked(struct zxp_region* r, uint32_t perms, uintptr_t address,
                                        uintptr_t end) {
  while (address < end) {
    struct zxp_vm_node* n = first_child_after(r, address);
    if (n == NULL || n->node.key > address || n->is_region) {
      return ZX_ERR_NOT_FOUND;
    }
    if ((perms & ~mapping_of_node(n)->max_perms) != 0) {
      return ZX_ERR_ACCESS_DENIED;
    }
    address = node_end(n);
  }
  return ZX_OK;
}

zx_status_t zxp_region_protect(struct zxp_region* r, uint32_t perms, uintptr_t address,
                               uint64_t length, bool op_children) {
  zx_status_t st;
  if ((address & ZXP_PAGE_MASK) != 0 || length + ZXP_PAGE_MASK <= ZXP_PAGE_MASK) {
    return ZX_ERR_INVALID_ARGS;
  }
  (void)op_children;
  zxp_rwlock_write(&zxp_aspace.lock);
  const uintptr_t end = range_end(r, address, length);
  if (!r->alive) {
    st = ZX_ERR_BAD_STATE;
  } else if (end == 0) {
    st = ZX_ERR_INVALID_ARGS;
  } else {
    st = check_protect_locked(r, perms, address, end);
  }
  while (st == ZX_OK && address < end) {
    struct zxp_mapping* m = mapping_of_node(first_child_after(r, address));
    const uintptr_t m_end = m->base + zxp_mapping_length(m);
    const uintptr_t to = end < m_end ? end : m_end;
    st = zxp_mapping_protect(m, (address - m->base) >> ZXP_PAGE_SHIFT,
                             (to - address) >> ZXP_PAGE_SHIFT, perms);
    address = to;
  }
  zxp_rwlock_unlock(&zxp_aspace.lock);
  return st;
}

zx_status_t zxp_region_get_info(struct zxp_object* object, zx_info_vmar_t* out) {
  const struct zxp_region* r = zxp_region_of(object);
  out->base = r->base;
  out->len = r->size;
  return ZX_OK;
}

static void region_destroy(struct zxp_object* object) {
  struct zxp_region* r = zxp_region_of(object);
  ZXP_ASSERT(zxp_tree_empty(&r->children));
  zxp_object_fini(object);
  free(r);
}

const struct zxp_object_ops zxp_region_ops = {
    .type = ZX_OBJ_TYPE_VMAR,
    .name = "vmar",
    .user_signals = 0,
    .waitable = false,
    .destroy = region_destroy,
};
