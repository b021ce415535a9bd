/* SPDX-License-Identifier: BSD-3-Clause */
/* What cow.c and cow_tree.c share; see cow.h. All with the tree lock held. */
#ifndef ZXP_VM_COW_PRIVATE_H_
#define ZXP_VM_COW_PRIVATE_H_

#include "vm/cow.h"

/* Where a page of this state of the node lies. */
struct zxp_storage* zxp_cow_storage_of(struct zxp_pages* node, enum zxp_page_state state);

/* Whether a page of this state shows the parent's. */
bool zxp_cow_inherits(const struct zxp_pages* node, enum zxp_page_state state);

/* How many visible nodes show this page of a hidden node; `*run` is cut to where that number
 * holds. */
unsigned zxp_cow_viewers(struct zxp_pages* node, uint64_t page, uint64_t* run);

/* Copies one page of the arena to its place in a storage. */
zx_status_t zxp_cow_fill(struct zxp_storage* storage, uint64_t page, uint64_t from_arena_page,
                         uint64_t size_pages, bool grows);

/* Drops the copies that the node holds in the range. */
void zxp_cow_drop_copies(struct zxp_pages* node, uint64_t first, uint64_t count);

/* In debug builds: the invariants of the whole tree, where that does not cost more than the
 * work. */
static inline void zxp_cow_debug_check(struct zxp_pages* node) {
#if ZXP_DEBUG
  if (node->size <= 64 * ZXP_PAGE_SIZE) {
    ZXP_ASSERT(zxp_cow_check_locked(node));
  }
#else
  (void)node;
#endif
}

/* Frees what nobody sees of a hidden node in the range, and of those above it. NULL is fine. */
void zxp_cow_prune(struct zxp_pages* node, uint64_t first, uint64_t count);

/* The node has come to have pages or zeros of its own in the range: prunes above it. */
static inline void zxp_cow_lost_sight(struct zxp_pages* node, uint64_t first, uint64_t count) {
  if (node->parent != NULL && first < node->parent_limit) {
    const uint64_t n = node->parent_limit - first < count ? node->parent_limit - first : count;
    zxp_cow_prune(node->parent, node->parent_offset + first, n);
  }
}

#endif /* ZXP_VM_COW_PRIVATE_H_ */
