/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm/region.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/assert.h"
#include "vm/region_private.h"

#define CAN_MAP (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE)

static struct zxp_region* root; /* constant after root_once */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static zx_status_t root_status = ZX_ERR_NO_MEMORY;

/* ---- Objects ---- */

static struct zxp_region* region_new(uint32_t flags) {
  struct zxp_region* r = calloc(1, sizeof *r);
  if (r != NULL) {
    zxp_object_init(&r->object, &zxp_region_ops, 0);
    r->node.is_region = true;
    r->flags = flags;
    r->alive = true;
    zxp_tree_init(&r->children);
    zxp_list_init(&r->gone_link);
  }
  return r;
}

static void region_free(struct zxp_object* object) {
  struct zxp_region* r = zxp_region_of(object);
  ZXP_ASSERT(zxp_tree_empty(&r->children) && r->node.parent == NULL);
  zxp_object_fini(object);
  free(r);
}

const struct zxp_object_ops zxp_region_ops = {
    .type = ZX_OBJ_TYPE_VMAR,
    .name = "vmar",
    .user_signals = 0,
    .waitable = false,
    .destroy = region_free,
};

static void root_once(void) {
  root_status = zxp_aspace_init();
  if (root_status != ZX_OK) {
    return;
  }
  struct zxp_region* r = region_new(ZX_VM_CAN_MAP_SPECIFIC | CAN_MAP);
  if (r == NULL) {
    root_status = ZX_ERR_NO_MEMORY;
    return;
  }
  r->base = zxp_aspace.base;
  r->size = zxp_aspace.size;
  root = r;
}

zx_status_t zxp_region_root(struct zxp_region** out) {
  pthread_once(&once, root_once);
  *out = root;
  return root_status;
}

zx_status_t zxp_region_allocate(struct zxp_region* parent, zx_vm_option_t options, uint64_t offset,
                                uint64_t size, struct zxp_region** out) {
  struct zxp_region* r = region_new(options & (ZX_VM_CAN_MAP_SPECIFIC | CAN_MAP));
  zx_status_t st;
  if (r == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  zxp_rwlock_write(&zxp_aspace.lock);
  if (!parent->alive) {
    st = ZX_ERR_BAD_STATE;
  } else if (size == 0) {
    st = ZX_ERR_INVALID_ARGS;
  } else if ((options & CAN_MAP & ~parent->flags) != 0) {
    st = ZX_ERR_ACCESS_DENIED;
  } else {
    st = zxp_region_choose_place(parent, options, offset, size, &r->base);
  }
  if (st == ZX_OK) {
    r->size = size;
    zxp_region_link(parent, &r->node, r->base, r->base + size);
    zxp_object_get(&r->object); /* The tree's. */
  }
  zxp_rwlock_unlock(&zxp_aspace.lock);
  if (st != ZX_OK) {
    zxp_object_put(&r->object);
    return st;
  }
  *out = r;
  return ZX_OK;
}

/* ---- The tree ---- */

void zxp_region_link(struct zxp_region* r, struct zxp_vm_node* n, uintptr_t base, uintptr_t end) {
  ZXP_ASSERT(r->base <= base && base < end && end - r->base <= r->size);
  n->parent = r;
  n->end = end;
  zxp_tree_insert_updating(&r->children, &n->node, base, zxp_vm_node_update);
}

void zxp_region_unlink(struct zxp_vm_node* n) {
  zxp_tree_remove_updating(&n->parent->children, &n->node, zxp_vm_node_update);
  n->parent = NULL;
}

struct zxp_vm_node* zxp_region_child_after(struct zxp_region* r, uintptr_t address) {
  struct zxp_vm_node* n = zxp_vm_node_of(zxp_tree_floor(&r->children, address));
  if (n != NULL && n->end > address) {
    return n;
  }
  return zxp_vm_node_of(zxp_tree_ceil(&r->children, address));
}

/* The next node that is not below `n`; NULL after the last one below `top`. */
static struct zxp_vm_node* pass_over(struct zxp_region* top, struct zxp_vm_node* n, size_t* depth) {
  while (n != &top->node) {
    struct zxp_tree_node* next = zxp_tree_next(&n->node);
    if (next != NULL) {
      return zxp_vm_node_of(next);
    }
    n = &n->parent->node;
    (*depth)--;
  }
  return NULL;
}

struct zxp_vm_node* zxp_region_walk(struct zxp_region* top, struct zxp_vm_node* n, size_t* depth) {
  if (n->is_region && !zxp_tree_empty(&zxp_region_of_node(n)->children)) {
    (*depth)++;
    return zxp_vm_node_of(zxp_tree_first(&zxp_region_of_node(n)->children));
  }
  return pass_over(top, n, depth);
}

struct zxp_mapping* zxp_region_mapping_after(struct zxp_region* r, uintptr_t address) {
  size_t depth = 0;
  struct zxp_vm_node* n = &r->node;
  while (n != NULL && n->is_region) {
    struct zxp_vm_node* child = zxp_region_child_after(zxp_region_of_node(n), address);
    n = child != NULL ? child : pass_over(r, n, &depth);
  }
  return n == NULL ? NULL : zxp_mapping_of_node(n);
}

struct zxp_mapping* zxp_region_find_mapping_locked(uintptr_t address) {
  struct zxp_region* r = root;
  while (r != NULL) {
    struct zxp_vm_node* n = zxp_vm_node_of(zxp_tree_floor(&r->children, address));
    if (n == NULL || n->end <= address) {
      return NULL;
    }
    if (!n->is_region) {
      return zxp_mapping_of_node(n);
    }
    r = zxp_region_of_node(n);
  }
  return NULL;
}

uintptr_t zxp_region_range_end(const struct zxp_region* r, uintptr_t address, uint64_t length) {
  const uint64_t rounded = (length + ZXP_PAGE_MASK) & ~ZXP_PAGE_MASK;
  if (address < r->base || address - r->base > r->size || rounded > r->size - (address - r->base)) {
    return 0;
  }
  return address + rounded;
}
