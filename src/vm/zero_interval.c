/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm/zero_interval.h"

#include <stdlib.h>

#include "base/assert.h"

static uint64_t at_least(uint64_t a, uint64_t b) { return a > b ? a : b; }
static uint64_t at_most(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

static struct zxp_zero_interval* following(const struct zxp_zero_interval* i) {
  return zxp_zero_of(zxp_tree_next(&i->node));
}

static void drop(struct zxp_tree* tree, struct zxp_zero_interval* i) {
  zxp_tree_remove(tree, &i->node);
  free(i);
}

/* Moves the start of `i` up to `first`, which lies inside. Single pages went from the front one
 * after another, and each took one off what is claimed. */
static void trim_front(struct zxp_zero_interval* i, uint64_t first) {
  const uint64_t gone = first - i->node.key;
  ZXP_DEBUG_ASSERT(gone < i->count);
  i->await = less(i->await, gone);
  i->count -= gone;
  i->node.key = first;
}

struct zxp_zero_interval* zxp_zero_alloc(void) {
  return calloc(1, sizeof(struct zxp_zero_interval));
}

static void free_subtree(struct zxp_tree_node* n) {
  if (n != NULL) {
    free_subtree(n->child[0]);
    free_subtree(n->child[1]);
    free(zxp_zero_of(n));
  }
}

void zxp_zero_destroy(struct zxp_tree* tree) {
  free_subtree(tree->root);
  zxp_tree_init(tree);
}

struct zxp_zero_interval* zxp_zero_next(const struct zxp_tree* tree, uint64_t page) {
  struct zxp_zero_interval* i = zxp_zero_of(zxp_tree_floor(tree, page));
  if (i == NULL) {
    return zxp_zero_of(zxp_tree_first(tree));
  }
  return zxp_zero_end(i) > page ? i : following(i);
}

struct zxp_zero_interval* zxp_zero_find(const struct zxp_tree* tree, uint64_t page) {
  struct zxp_zero_interval* i = zxp_zero_of(zxp_tree_floor(tree, page));
  return i != NULL && zxp_zero_end(i) > page ? i : NULL;
}

/* The first interval that ends at or after `first` and starts at or before `end`. */
static struct zxp_zero_interval* neighbour(const struct zxp_tree* tree, uint64_t first,
                                           uint64_t end) {
  struct zxp_zero_interval* i = zxp_zero_next(tree, first == 0 ? 0 : first - 1);
  return i != NULL && i->node.key <= end ? i : NULL;
}

bool zxp_zero_joins(const struct zxp_tree* tree, uint64_t first, uint64_t end) {
  return neighbour(tree, first, end) != NULL;
}

bool zxp_zero_cover(struct zxp_tree* tree, uint64_t first, uint64_t end,
                    struct zxp_zero_interval* spare) {
  ZXP_DEBUG_ASSERT(first < end);
  struct zxp_zero_interval* i = neighbour(tree, first, end);
  if (i == NULL) {
    ZXP_ASSERT(spare != NULL);
    spare->count = end - first;
    spare->await = 0;
    zxp_tree_insert(tree, &spare->node, first);
    return true;
  }

  /* The one that is kept swallows those behind it; what was claimed of them is lost. */
  uint64_t joined_end = at_least(end, zxp_zero_end(i));
  for (struct zxp_zero_interval* n = following(i); n != NULL && n->node.key <= end;) {
    struct zxp_zero_interval* const after = following(n);
    joined_end = at_least(joined_end, zxp_zero_end(n));
    drop(tree, n);
    n = after;
  }
  if (i->node.key > first) {
    /* It is the right part itself: the left part is new, with nothing claimed. */
    i->node.key = first;
    i->await = 0;
  }
  i->count = joined_end - i->node.key;
  return false;
}

bool zxp_zero_splits(const struct zxp_tree* tree, uint64_t first, uint64_t end) {
  const struct zxp_zero_interval* i = zxp_zero_find(tree, first);
  return i != NULL && i->node.key < first && zxp_zero_end(i) > end;
}

void zxp_zero_carve(struct zxp_tree* tree, uint64_t first, uint64_t end,
                    struct zxp_zero_interval* spare) {
  for (struct zxp_zero_interval* i = zxp_zero_next(tree, first); i != NULL && i->node.key < end;) {
    struct zxp_zero_interval* const after = following(i);
    const uint64_t old_end = zxp_zero_end(i);
    if (i->node.key >= first) {
      if (old_end <= end) {
        drop(tree, i);
      } else {
        trim_front(i, end);
      }
    } else {
      /* The left part keeps the number that is claimed, also where that is now longer than the
       * part. */
      i->count = first - i->node.key;
      if (old_end > end) {
        ZXP_ASSERT(spare != NULL);
        spare->count = old_end - end;
        spare->await = 0;
        zxp_tree_insert(tree, &spare->node, end);
      }
    }
    i = after;
  }
}

void zxp_zero_cut(struct zxp_tree* tree, uint64_t first) {
  for (struct zxp_zero_interval* i = zxp_zero_next(tree, first); i != NULL;) {
    struct zxp_zero_interval* const after = following(i);
    if (i->node.key >= first) {
      drop(tree, i);
    } else {
      i->count = first - i->node.key;
    }
    i = after;
  }
}

/* The first interval whose start is not before `first`: the only ones that writeback looks at. */
static struct zxp_zero_interval* starting_from(const struct zxp_tree* tree, uint64_t first) {
  return zxp_zero_of(zxp_tree_ceil(tree, first));
}

void zxp_zero_claim(struct zxp_tree* tree, uint64_t first, uint64_t end) {
  for (struct zxp_zero_interval* i = starting_from(tree, first); i != NULL && i->node.key < end;
       i = following(i)) {
    i->await = at_least(i->await, at_most(zxp_zero_end(i), end) - i->node.key);
  }
}

void zxp_zero_clean(struct zxp_tree* tree, uint64_t first, uint64_t end,
                    void (*emptied)(void* context, uint64_t first, uint64_t count), void* context) {
  /* How far the zeros are written back. It runs on from one interval to the next, so that both
   * halves of an interval that a write split after BEGIN get cleaned. */
  uint64_t mark = first;
  for (struct zxp_zero_interval* i = starting_from(tree, first); i != NULL && i->node.key < end;) {
    struct zxp_zero_interval* const after = following(i);
    const uint64_t start = i->node.key;
    mark = at_least(mark, start + i->await);
    const uint64_t gone_end = at_most(mark, at_most(end, zxp_zero_end(i)));
    if (gone_end > start) {
      if (gone_end == zxp_zero_end(i)) {
        drop(tree, i);
      } else {
        trim_front(i, gone_end);
      }
      if (emptied != NULL) {
        emptied(context, start, gone_end - start);
      }
    }
    i = after;
  }
}

bool zxp_zero_check(const struct zxp_tree* tree) {
  if (!zxp_tree_check(tree)) {
    return false;
  }
  const struct zxp_zero_interval* before = NULL;
  for (const struct zxp_zero_interval* i = zxp_zero_of(zxp_tree_first(tree)); i != NULL;
       i = following(i)) {
    if (i->count == 0 || zxp_zero_end(i) < i->node.key ||
        (before != NULL && zxp_zero_end(before) >= i->node.key)) {
      return false;
    }
    before = i;
  }
  return true;
}
