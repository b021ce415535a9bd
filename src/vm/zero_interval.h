/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dirty zero intervals of one page map (docs/semantics/writeback.md 2.1).
 *
 *   zxp_zero_interval   pages [first, first + count) that read as zeros and are listed as dirty,
 * kept as one object however long; and `await`, the pages from its start that a WRITEBACK_BEGIN has
 * claimed
 *
 * The life of an interval, `tree` being a map's intervals by first page:
 *
 *   cover    Birth and Join: growth and ZERO put pages under an interval
 *   carve    Split: single pages inside become something else
 *   cut      Cut: the VMO shrank
 *   claim    WRITEBACK_BEGIN raises `await`
 *   clean    WRITEBACK_END takes the claimed part away; the pages are EMPTY afterwards
 *
 * Used by page_map.c alone, which keeps the other states and sees to it that a page of an interval
 * is EMPTY there. Intervals never overlap and never touch. Calls that may need an interval more
 * than there was take it from the caller, who allocates before it changes anything.
 *
 * Lock: none of its own; the tree lock guards it.
 */
#ifndef ZXP_VM_ZERO_INTERVAL_H_
#define ZXP_VM_ZERO_INTERVAL_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/tree.h"

/* All (T): guarded by the tree lock. */
struct zxp_zero_interval {
  struct zxp_tree_node node; /* key: first page */
  uint64_t count;            /* pages, > 0 */
  uint64_t await;            /* pages claimed from the start; may exceed `count` (2.1 "Split") */
};

static inline struct zxp_zero_interval* zxp_zero_of(struct zxp_tree_node* n) {
  return n == NULL ? NULL : ZXP_CONTAINER_OF(n, struct zxp_zero_interval, node);
}

static inline uint64_t zxp_zero_end(const struct zxp_zero_interval* i) {
  return i->node.key + i->count;
}

/* An interval in no tree yet; NULL if there is no memory. Freed with free. */
struct zxp_zero_interval* zxp_zero_alloc(void);
void zxp_zero_destroy(struct zxp_tree* tree);

/* The interval that holds `page`, or NULL. */
struct zxp_zero_interval* zxp_zero_find(const struct zxp_tree* tree, uint64_t page);

/* The first interval that ends after `page`: holds it or lies behind it. NULL if there is none. */
struct zxp_zero_interval* zxp_zero_next(const struct zxp_tree* tree, uint64_t page);

/* Whether [first, end), not empty, meets or touches an interval: then cover needs no new one. */
bool zxp_zero_joins(const struct zxp_tree* tree, uint64_t first, uint64_t end);

/* Makes [first, end), not empty, part of one interval. Uses up `spare` (in no tree, may be NULL if
 * zxp_zero_joins) and returns true if nothing was there to join. */
bool zxp_zero_cover(struct zxp_tree* tree, uint64_t first, uint64_t end,
                    struct zxp_zero_interval* spare);

/* Whether one interval reaches over both ends of [first, end), so that carving splits it in two. */
bool zxp_zero_splits(const struct zxp_tree* tree, uint64_t first, uint64_t end);

/* Takes the pages [first, end) out of their intervals, by the rules for single pages from the front
 * on. Uses up `spare` if zxp_zero_splits, else it may be NULL and is not touched. */
void zxp_zero_carve(struct zxp_tree* tree, uint64_t first, uint64_t end,
                    struct zxp_zero_interval* spare);

void zxp_zero_cut(struct zxp_tree* tree, uint64_t first);

void zxp_zero_claim(struct zxp_tree* tree, uint64_t first, uint64_t end);

/* `emptied` (may be NULL) is told each run that went. */
void zxp_zero_clean(struct zxp_tree* tree, uint64_t first, uint64_t end,
                    void (*emptied)(void* context, uint64_t first, uint64_t count), void* context);

/* Every invariant of the intervals among themselves. */
bool zxp_zero_check(const struct zxp_tree* tree);

#endif /* ZXP_VM_ZERO_INTERVAL_H_ */
