/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Page states of one VMO: which pages there are and in what state.
 *
 *   zxp_page_map      the map of one VMO, keyed by page number
 *   zxp_page_state    what a page holds; the states of docs/semantics/writeback.md 2
 *   zero interval     a run of dirty zeros kept as one object however long it is (writeback.md 2.1)
 *   known zeros       a run of MARKERs kept as one object: what lies past the content of an
 *                     unbounded pager root when it is made (objects.md 11.4)
 *
 * Pure bookkeeping: knows nothing of memory, userfaultfd or pagers, and is tested by itself.
 * Sparse: a leaf holds the states of 64 neighbouring pages in three bit planes and exists only
 * while one of them is not empty, so 20,000 scattered pages in 1 TiB cost 20,000 leaves at most,
 * and a resident page in a dense run costs one byte. Range calls walk leaves and intervals, never
 * single absent pages: their cost depends on what is there, not on the length of the range.
 *
 * For VMOs without a pager, and for copy-on-write children, the same states mean:
 *
 *   state                     pager root                      anonymous VMO, child
 *   EMPTY                     ask the pager                   zero (child: look at the parent)
 *   CLEAN                     supplied                        not used
 *   MARKER                    supplied without a page: zero   zero of its own, hides the parent's
 *   DIRTY                     written                         committed page
 *   AWAITING                  dirty, being written back       not used
 *   INTERVAL                  dirty zeros                     not used
 *
 * Transitions (the function that performs each):
 *
 *              supply            dirty               writeback_begin
 *   EMPTY ---------------> CLEAN --------> DIRTY -----------------------> AWAITING
 *     |  \                 MARKER -------^   ^ ^                             |  |
 *     |   `--- zero, grow --> INTERVAL ------' '---------- dirty ------------'  |
 *     |        CLEAN, DIRTY, AWAITING -- zero --> INTERVAL                      |
 *     `<--- drop_clean, writeback_end (intervals), cut ... CLEAN <-- writeback_end
 *
 * Typical use by a pager root, the tree lock held:
 *
 *   for (p = first; p < end; p += n) {
 *     n = zxp_page_map_run(map, p, end - p, &state);        // pages of one state from p on
 *     if (state == ZXP_PAGE_EMPTY) {
 *       fill the memory; zxp_page_map_set(map, p, n, ZXP_PAGE_CLEAN);
 *     }
 *   }
 *
 * Lock: none of its own; the tree lock guards it. Calls that may need memory return
 * ZX_ERR_NO_MEMORY and then have changed nothing.
 */
#ifndef ZXP_VM_PAGE_MAP_H_
#define ZXP_VM_PAGE_MAP_H_

#include <stdbool.h>
#include <stdint.h>
#include <zircon/types.h>

#include "base/tree.h"

enum zxp_page_state {
  ZXP_PAGE_EMPTY = 0,
  ZXP_PAGE_CLEAN = 1,
  ZXP_PAGE_MARKER = 2,
  ZXP_PAGE_DIRTY = 3,
  ZXP_PAGE_AWAITING = 4,
  /* Only ever reported, never stored in a leaf: the page lies in a zero interval. */
  ZXP_PAGE_INTERVAL = 15,
};

/* The page has memory of its own: it counts as committed. */
static inline bool zxp_page_state_resident(enum zxp_page_state s) {
  return s == ZXP_PAGE_CLEAN || s == ZXP_PAGE_DIRTY || s == ZXP_PAGE_AWAITING;
}

/* All (T): guarded by the tree lock. */
struct zxp_page_map {
  struct zxp_tree leaves;      /* by first page of the leaf */
  struct zxp_tree intervals;   /* by first page; never overlap, never touch */
  struct zxp_tree known;       /* the same, known zeros: MARKERs, but for drop_clean */
  uint64_t resident;           /* pages in CLEAN, DIRTY or AWAITING */
  struct zxp_tree_node* spare; /* a leaf that was given up last: transfer VMOs fill and empty one
                                * page all the time. NULL: none */
  struct zxp_tree_node* last;  /* the leaf that was filled last, where the next calls look first:
                                * pages are worked on one after the other. NULL: none */
};

void zxp_page_map_init(struct zxp_page_map* map);
void zxp_page_map_destroy(struct zxp_page_map* map);

enum zxp_page_state zxp_page_map_get(const struct zxp_page_map* map, uint64_t page);

/* How many pages from `page` on, at most `limit` (> 0), are in the same state as `page`; the
 * state. */
uint64_t zxp_page_map_run(const struct zxp_page_map* map, uint64_t page, uint64_t limit,
                          enum zxp_page_state* state);

/* The first page in [page, end) that is not EMPTY, or `end`. */
uint64_t zxp_page_map_next_present(const struct zxp_page_map* map, uint64_t page, uint64_t end);

/*
 * In a map that holds nothing yet: every page from `first` on, `count` > 0 of them, is a MARKER, at
 * the cost of one object. Such a page stays one until it is put in another state, and after that
 * goes the way of all pages; detach and eviction leave it, since nobody has to be asked for it.
 */
zx_status_t zxp_page_map_know_zeros(struct zxp_page_map* map, uint64_t first, uint64_t count);

/* How many pages of [first, first + count) are resident. */
uint64_t zxp_page_map_count_resident(const struct zxp_page_map* map, uint64_t first,
                                     uint64_t count);

/* How many pages of the aligned 64 that `page` is one of are resident: what lies near by. */
unsigned zxp_page_map_near(const struct zxp_page_map* map, uint64_t page);

/* Bytes of metadata held for the pages of this map (leaves and intervals as allocated). */
uint64_t zxp_page_map_metadata_bytes(const struct zxp_page_map* map);

/*
 * Puts every page of the range in `state` (not INTERVAL), whatever it was. Pages that lay in a zero
 * interval are cut out of it by the rules of writeback.md 2.1 "Split" (and "Cut" at its end).
 */
zx_status_t zxp_page_map_set(struct zxp_page_map* map, uint64_t first, uint64_t count,
                             enum zxp_page_state state);

/*
 * ZX_VMO_OP_ZERO on whole pages: EMPTY, CLEAN, DIRTY and AWAITING become part of a zero interval,
 * MARKER stays, neighbouring intervals join (2.1 "Birth", "Join"). Also what growth does to new
 * pages.
 */
zx_status_t zxp_page_map_zero(struct zxp_page_map* map, uint64_t first, uint64_t count);

/* Forgets every page from `first` on: the VMO shrank. An interval that reaches over is cut
 * (2.1). */
void zxp_page_map_cut(struct zxp_page_map* map, uint64_t first);

/* Every CLEAN page and MARKER becomes EMPTY (detach, eviction). `dropped` (may be NULL) is told
 * each run of CLEAN pages, so that their memory can be released. */
void zxp_page_map_drop_clean(struct zxp_page_map* map, uint64_t first, uint64_t count,
                             void (*dropped)(void* context, uint64_t first, uint64_t count),
                             void* context);

/* OP_WRITEBACK_BEGIN (writeback.md 5.4): DIRTY to AWAITING unless `zero_only`; claims intervals
 * that start in the range. */
void zxp_page_map_writeback_begin(struct zxp_page_map* map, uint64_t first, uint64_t count,
                                  bool zero_only);

/* OP_WRITEBACK_END (5.5): AWAITING to CLEAN; claimed parts of intervals become EMPTY. `emptied`
 * (may be NULL) is told each run of interval pages that became EMPTY. */
void zxp_page_map_writeback_end(struct zxp_page_map* map, uint64_t first, uint64_t count,
                                void (*emptied)(void* context, uint64_t first, uint64_t count),
                                void* context);

/*
 * The first entry of a dirty-range query (writeback.md 6) at or after `page` and before `end`: a
 * run of DIRTY and AWAITING pages, or one zero interval, clipped to [page, end). False if there is
 * none. A query over n entries costs O(n log n) at most, whatever the distances.
 */
bool zxp_page_map_next_dirty(const struct zxp_page_map* map, uint64_t page, uint64_t end,
                             uint64_t* first, uint64_t* count, bool* zero);

/* For tests, dumps and debug assertions: every invariant of the structure, walked. */
bool zxp_page_map_check(const struct zxp_page_map* map);

/* The claimed pages of the interval that `page` lies in, counted from its start; 0 if in none. */
uint64_t zxp_page_map_interval_await(const struct zxp_page_map* map, uint64_t page,
                                     uint64_t* interval_first, uint64_t* interval_count);

#endif /* ZXP_VM_PAGE_MAP_H_ */
