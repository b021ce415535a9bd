/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Places: where in a region there is room.
 *
 * The children of a region are in a tree by address. Each node also knows the first and last
 * address of its subtree and the largest gap between two children in it, so that subtrees without
 * room are passed over: a place is found in logarithmic time however many mappings there are. An
 * alignment above the page size may make gaps that are large enough useless; a gap larger by the
 * alignment always does, and is looked for first.
 *
 * The lowest place is taken (Zircon takes any): what is close together needs fewer Linux areas.
 */
#include "vm/arena.h"
#include "vm/region_private.h"

static uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

void zxp_vm_node_update(struct zxp_tree_node* tree_node) {
  struct zxp_vm_node* n = zxp_vm_node_of(tree_node);
  const struct zxp_vm_node* left = zxp_vm_node_of(tree_node->child[0]);
  const struct zxp_vm_node* right = zxp_vm_node_of(tree_node->child[1]);
  n->low = tree_node->key;
  n->high = n->end;
  n->max_gap = 0;
  if (left != NULL) {
    n->low = left->low;
    n->max_gap = max_u64(left->max_gap, tree_node->key - left->high);
  }
  if (right != NULL) {
    n->high = right->high;
    n->max_gap = max_u64(n->max_gap, max_u64(right->max_gap, right->low - n->end));
  }
}

/* What is looked for, in bytes. */
struct wish {
  uint64_t length;
  uint64_t align;
  uint64_t gap;    /* gaps below this size are not looked into; at least length */
  uintptr_t limit; /* the place ends at or below */
};

/* The lowest place in the subtree and in the gaps on both sides of it, which reach to `low` and
 * `high`; 0 if there is none. */
static uintptr_t search(struct zxp_tree_node* tree_node, uintptr_t low, uintptr_t high,
                        const struct wish* w) {
  if (high - low < w->gap || low >= w->limit || w->limit - low < w->length) {
    return 0;
  }
  struct zxp_vm_node* n = zxp_vm_node_of(tree_node);
  if (n == NULL) {
    const uintptr_t at = (low + w->align - 1) & ~(uintptr_t)(w->align - 1);
    const bool fits = at >= low && at < high && high - at >= w->length && at < w->limit &&
                      w->limit - at >= w->length;
    return fits ? at : 0;
  }
  if (n->max_gap < w->gap && n->low - low < w->gap && high - n->high < w->gap) {
    return 0;
  }
  const uintptr_t at = search(tree_node->child[0], low, tree_node->key, w);
  return at != 0 ? at : search(tree_node->child[1], n->end, high, w);
}

static uintptr_t find_place(struct zxp_region* r, uint64_t length, uint64_t align,
                            uintptr_t limit) {
  const uintptr_t end = r->base + r->size;
  struct wish w = {.length = length, .align = align, .gap = length, .limit = limit};
  if (align > ZXP_PAGE_SIZE) {
    w.gap = length + align - ZXP_PAGE_SIZE;
    const uintptr_t at = search(r->children.root, r->base, end, &w);
    if (at != 0) {
      return at;
    }
    w.gap = length;
  }
  return search(r->children.root, r->base, end, &w);
}

static uint64_t alignment_of(zx_vm_option_t options) {
  const uint32_t exponent = options >> ZX_VM_ALIGN_BASE;
  return exponent < ZXP_PAGE_SHIFT ? ZXP_PAGE_SIZE : UINT64_C(1) << exponent;
}

zx_status_t zxp_region_choose_place(struct zxp_region* r, zx_vm_option_t options, uint64_t offset,
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
  if (!specific) {
    *out = find_place(r, length, align, r->base + (limited ? offset : r->size));
    return *out != 0 ? ZX_OK : ZX_ERR_NO_RESOURCES;
  }
  const uintptr_t at = r->base + offset;
  if ((at & (align - 1)) != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct zxp_vm_node* n = zxp_region_child_after(r, at);
  if (n != NULL && n->node.key < at + length && (options & ZX_VM_SPECIFIC_OVERWRITE) == 0) {
    return ZX_ERR_ALREADY_EXISTS;
  }
  *out = at;
  return ZX_OK;
}
