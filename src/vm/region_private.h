/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the region tree know of each other; see region.h. Everything here needs
 * aspace.lock. */
#ifndef ZXP_VM_REGION_PRIVATE_H_
#define ZXP_VM_REGION_PRIVATE_H_

#include "vm/mapping.h"
#include "vm/region.h"

static inline struct zxp_vm_node* zxp_vm_node_of(struct zxp_tree_node* n) {
  return n == NULL ? NULL : ZXP_CONTAINER_OF(n, struct zxp_vm_node, node);
}

static inline struct zxp_region* zxp_region_of_node(struct zxp_vm_node* n) {
  return ZXP_CONTAINER_OF(n, struct zxp_region, node);
}

static inline struct zxp_mapping* zxp_mapping_of_node(struct zxp_vm_node* n) {
  return ZXP_CONTAINER_OF(n, struct zxp_mapping, node);
}

/* ---- region.c ---- */

/* Puts a child at [base, end) of the region, which is free, and takes it out. */
void zxp_region_link(struct zxp_region* r, struct zxp_vm_node* n, uintptr_t base, uintptr_t end);
void zxp_region_unlink(struct zxp_vm_node* n);

/* The first child that reaches beyond `address`, or NULL. */
struct zxp_vm_node* zxp_region_child_after(struct zxp_region* r, uintptr_t address);

/* The first mapping in the region, or in one below, that reaches beyond `address`; or NULL. */
struct zxp_mapping* zxp_region_mapping_after(struct zxp_region* r, uintptr_t address);

/*
 * The node after `n` in the order parents first, then by address; NULL after the last one below
 * `top`. `*depth` is the node's depth below `top` and follows. Begins with &top->node at depth 0.
 */
struct zxp_vm_node* zxp_region_walk(struct zxp_region* top, struct zxp_vm_node* n, size_t* depth);

/* The end of a range of bytes, rounded up to pages, if it lies inside the region; else 0. */
uintptr_t zxp_region_range_end(const struct zxp_region* r, uintptr_t address, uint64_t length);

/* ---- region_place.c ---- */

/* Keeps what a node says of its subtree right. */
void zxp_vm_node_update(struct zxp_tree_node* tree_node);

/*
 * Rows 7 to 12 of vmar.md 4: a place for `length` bytes, more than none. With
 * ZX_VM_SPECIFIC_OVERWRITE the place may be taken. Errors: as there.
 */
zx_status_t zxp_region_choose_place(struct zxp_region* r, zx_vm_option_t options, uint64_t offset,
                                    uint64_t length, uintptr_t* out);

/* ---- region_unmap.c ---- */

/* What a change of the tree leaves over: dropped after the lock is released. */
struct zxp_leftovers {
  struct zxp_list mappings; /* struct zxp_mapping.pages_link */
  struct zxp_list regions;  /* struct zxp_region.gone_link */
};
void zxp_leftovers_init(struct zxp_leftovers* l);
void zxp_leftovers_drop(struct zxp_leftovers* l); /* aspace.lock not held */

/* Prepares to take [address, end) out of every mapping of the region, and of those below. */
zx_status_t zxp_region_collect_cuts(struct zxp_region* r, uintptr_t address, uintptr_t end,
                                    struct zxp_cuts* cuts);

/* The cuts have been made: brings the tree up to date, and empties `cuts`. */
void zxp_region_settle_cuts(struct zxp_cuts* cuts, struct zxp_leftovers* left);

#endif /* ZXP_VM_REGION_PRIVATE_H_ */
