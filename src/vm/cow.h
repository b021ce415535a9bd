/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copy-on-write: how pages of a tree of VMOs show through to each other.
 *
 *   node        a zxp_pages. Visible: objects show it. Hidden: it only holds what its children
 *               show.
 *   hidden node what a snapshot puts between a VMO and its parent: the pages as they were at that
 *   moment
 *   storage     the place in the arena where pages of a node are (zxp_storage)
 *   lent page   a page that belongs to a hidden node but lies where the VMO that made it has it, so
 *               that the mappings of that VMO go on showing it
 *   copy        a page that a mapping of a child was shown: the bytes lie in the child's storage,
 *               the page is still the parent's. Not committed memory in Zircon's sense, and not
 *               counted.
 *
 * A page of shared memory cannot be given to two offsets, so a page is never handed from a VMO to
 * its child. Instead:
 *
 *   SNAPSHOT of A makes a hidden node H over A and the child B. H takes A's page map whole; its
 *   pages are all lent, in A's storage; A's map is empty now, so A looks at H, which is where its
 *   bytes still are. The pages are write-protected in A's mappings. Nothing is copied, and the cost
 *   does not depend on the size.
 *
 *   The first write by A to a page: if others see it, its bytes move to H's own storage (one copy)
 *   and the page of A goes on in place; if nobody else does, A just takes it back.
 *
 *   The first write by B: the bytes are copied to B's storage.
 *
 *   A load through a mapping of B: the bytes are copied to B's storage as a copy. Linux needs them
 *   there; a call (zx_vmo_read) reads them where they are.
 *
 *   When only one child of a hidden node is left, the node is folded into it, moving the fewer
 *   pages, so that chains stay short however many snapshots were made and closed.
 *
 * Pager trees: a child made by SNAPSHOT_AT_LEAST_ON_WRITE hangs on the VMO itself, without a hidden
 * node, and sees its present pages. Copies of such pages in the child are dropped when the parent's
 * page changes (zxp_cow_changing_locked); to notice stores, the parent's page is write-protected
 * while there is a copy.
 *
 * What a page state means in a node:
 *
 *   state    pager root      visible           hidden
 *   EMPTY    ask the pager   look at parent    look at parent
 *   CLEAN    bytes           a copy            bytes, in own storage
 *   DIRTY    bytes           bytes             bytes, lent: in the storage `lent`
 *   MARKER   zeros           zeros             zeros
 *
 * Invariants (zxp_cow_check_locked):
 *   1. A hidden node has at least one child, and no object or mapping.
 *   2. Of the nodes that share a storage, at most one has a page in it at each place.
 *   3. A lent page whose maker is alive is EMPTY in every node from the maker up to its owner.
 *   4. Every mapping of a node that is related to others traps (pages->tracked).
 *
 * Lock: the tree lock, for everything here.
 */
#ifndef ZXP_VM_COW_H_
#define ZXP_VM_COW_H_

#include "vm/vmo.h"

enum zxp_content {
  ZXP_CONTENT_ZERO,   /* reads as zeros */
  ZXP_CONTENT_BYTES,  /* bytes at `arena_page` */
  ZXP_CONTENT_ABSENT, /* the pager of the root has to be asked */
};

/* What a run of pages shows. */
struct zxp_view {
  enum zxp_content content;
  struct zxp_pages* owner; /* the node whose page it is; for zeros the node where the search
                            * ended */
  uint64_t page;           /* first page, as the owner counts */
  uint64_t arena_page;     /* BYTES: where, side by side */
  uint64_t count;          /* pages of the run */
};

/* What [page, page + limit) of the node shows, as far as it is of one kind (count >= 1). */
void zxp_cow_look_locked(struct zxp_pages* node, uint64_t page, uint64_t limit,
                         struct zxp_view* view);

/* Whether what the view found is a lent page that lies at the node's own place. */
bool zxp_cow_in_place(struct zxp_pages* node, uint64_t page, const struct zxp_view* view);

/* Whether the node can show pages of others: it has a parent. */
static inline bool zxp_cow_is_child_locked(const struct zxp_pages* node) {
  return node->parent != NULL;
}

/*
 * Gives the node a page of its own with what it shows (`keep`), or to be overwritten whole. The
 * page is DIRTY afterwards. Not for pager roots and not for pages that are ABSENT. Errors:
 * ZX_ERR_NO_MEMORY.
 */
zx_status_t zxp_cow_fork_locked(struct zxp_pages* node, uint64_t page, bool keep);

/* As fork without keeping the bytes, also where the page is ABSENT: it is overwritten whole. */
zx_status_t zxp_cow_replace_locked(struct zxp_pages* node, uint64_t page);

/* Puts the bytes that a load through a mapping of the node has to see into its storage; `view` is
 * what the page shows (not ABSENT). */
zx_status_t zxp_cow_show_locked(struct zxp_pages* node, uint64_t page, const struct zxp_view* view);

/* The page of a pager root or of a lazy parent is about to change: copies of it go. */
void zxp_cow_changing_locked(struct zxp_pages* node, uint64_t first, uint64_t count);

/*
 * New nodes of `size` bytes (rounded) that show [first, ...) of `node`. Snapshot: as at this
 * moment; lazy: as it is at any moment until written. One reference of ownership for the caller.
 * Errors: ZX_ERR_NO_MEMORY; ZX_ERR_NOT_SUPPORTED, the node is mapped and faults cannot be had;
 * ZX_ERR_NO_RESOURCES.
 */
zx_status_t zxp_cow_snapshot_locked(struct zxp_pages* node, uint64_t first, uint64_t size,
                                    struct zxp_pages** out);
zx_status_t zxp_cow_lazy_child_locked(struct zxp_pages* node, uint64_t first, uint64_t size,
                                      struct zxp_pages** out);

/* Whether the node has pages or zeros of its own. */
bool zxp_cow_has_own_locked(struct zxp_pages* node);

/* Zeroes whole pages of a node that is not a pager root, hiding whatever was to be seen. */
zx_status_t zxp_cow_zero_locked(struct zxp_pages* node, uint64_t first, uint64_t count);

/* The node is about to shrink to `first` pages: nobody sees more of it than that from now on, and
 * it sees no more of its parent. */
zx_status_t zxp_cow_shrink_locked(struct zxp_pages* node, uint64_t first);

/*
 * The last object that showed the node has gone. Frees it, or hides it while children need it, and
 * folds what can be folded. `*root` gets the pager root if that has lost its last child and object
 * by this, for the caller to end; else NULL.
 */
void zxp_cow_leave_locked(struct zxp_pages* node, struct zxp_pages** root);

/* From now on every mapping of the node traps, and its map says all. */
zx_status_t zxp_cow_track_locked(struct zxp_pages* node);

/* Memory accounting of vmo.md 10: bytes in the range that the node itself answers for. */
struct zxp_cow_memory {
  uint64_t committed;
  uint64_t private_bytes;
  uint64_t scaled;
  uint64_t scaled_fraction; /* 2^63 is one byte */
};
void zxp_cow_memory_locked(struct zxp_pages* node, uint64_t first, uint64_t count,
                           struct zxp_cow_memory* out);

/* Every invariant above, walked over the whole tree that `node` is in; for debug assertions and
 * tests. */
bool zxp_cow_check_locked(struct zxp_pages* node);

#endif /* ZXP_VM_COW_H_ */
