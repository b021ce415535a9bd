/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm/extent.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/list.h"

struct extent {
  struct zxp_tree_node node; /* key: first page of the VMO */
  uint64_t count;
  uint64_t arena_page;
  /* What the allocator gave; more than the above after a rebase. */
  uint64_t alloc_page;
  uint64_t alloc_count;
};

static struct extent* extent_of(struct zxp_tree_node* n) {
  return n == NULL ? NULL : ZXP_CONTAINER_OF(n, struct extent, node);
}

/* The extent that holds `page`, or NULL. */
static struct extent* extent_at(const struct zxp_extents* e, uint64_t page) {
  struct extent* x = extent_of(e->last);
  if (x != NULL && page - x->node.key < x->count) {
    return x;
  }
  x = extent_of(zxp_tree_floor(&e->by_first, page));
  return x != NULL && page - x->node.key < x->count ? x : NULL;
}

void zxp_extents_init(struct zxp_extents* e) {
  zxp_tree_init(&e->by_first);
  e->last = NULL;
}

void zxp_extents_destroy(struct zxp_extents* e) {
  struct extent* x;
  e->last = NULL;
  while ((x = extent_of(zxp_tree_first(&e->by_first))) != NULL) {
    zxp_tree_remove(&e->by_first, &x->node);
    zxp_arena_free(x->alloc_page, x->alloc_count);
    free(x);
  }
}

/* Makes one extent that holds `page`, which has none. */
static zx_status_t add_extent(struct zxp_extents* e, uint64_t page, uint64_t need_end,
                              uint64_t size, bool grows) {
  const uint64_t segment = zxp_arena.segment_pages;
  uint64_t low = page & ~(segment - 1);
  uint64_t high = low + segment;
  const struct extent* before = extent_of(zxp_tree_floor(&e->by_first, page));
  const struct extent* after = extent_of(zxp_tree_ceil(&e->by_first, page));
  if (before != NULL && before->node.key + before->count > low) {
    low = before->node.key + before->count;
  }
  if (after != NULL && after->node.key < high) {
    high = after->node.key;
  }
  /* Up to the VMO's end, or for one that may grow, as far again. */
  uint64_t want = size;
  if (grows) {
    want = need_end > size ? need_end : size;
    want += want - low + 16;
  }
  if (want < high) {
    high = want;
  }
  ZXP_ASSERT(low <= page && page < high);

  struct extent* x = malloc(sizeof *x);
  if (x == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  x->count = high - low;
  const zx_status_t st = zxp_arena_alloc(x->count, &x->arena_page);
  if (st != ZX_OK) {
    free(x);
    return st;
  }
  x->alloc_page = x->arena_page;
  x->alloc_count = x->count;
  zxp_tree_insert(&e->by_first, &x->node, low);
  return ZX_OK;
}

zx_status_t zxp_extents_ensure(struct zxp_extents* e, uint64_t first, uint64_t count, uint64_t size,
                               bool grows) {
  const uint64_t end = first + count;
  while (first < end) {
    struct extent* x = extent_at(e, first);
    if (x == NULL) {
      const zx_status_t st = add_extent(e, first, end, size, grows);
      if (st != ZX_OK) {
        return st;
      }
      x = extent_at(e, first);
    }
    e->last = &x->node;
    first = x->node.key + x->count;
  }
  return ZX_OK;
}

bool zxp_extents_find(const struct zxp_extents* e, uint64_t page, uint64_t limit,
                      uint64_t* arena_page, uint64_t* run) {
  const struct extent* x = extent_at(e, page);
  if (x == NULL) {
    const struct zxp_tree_node* next = zxp_tree_ceil(&e->by_first, page);
    *run = next != NULL && next->key - page < limit ? next->key - page : limit;
    return false;
  }
  const uint64_t skip = page - x->node.key;
  *arena_page = x->arena_page + skip;
  *run = x->count - skip < limit ? x->count - skip : limit;
  return true;
}

void zxp_extents_punch(const struct zxp_extents* e, uint64_t first, uint64_t count) {
  while (count > 0) {
    uint64_t arena_page = 0;
    uint64_t run;
    if (zxp_extents_find(e, first, count, &arena_page, &run)) {
      zxp_arena_punch(arena_page, run);
    }
    first += run;
    count -= run;
  }
}

unsigned char* zxp_extents_page(const struct zxp_extents* e, uint64_t page) {
  const struct extent* x = extent_at(e, page);
  ZXP_ASSERT(x != NULL);
  return zxp_arena_view(x->arena_page + (page - x->node.key));
}

void zxp_extents_rebase(struct zxp_extents* e, uint64_t from, uint64_t count) {
  struct zxp_extents kept;
  zxp_extents_init(&kept);
  struct extent* x;
  while ((x = extent_of(zxp_tree_first(&e->by_first))) != NULL) {
    zxp_tree_remove(&e->by_first, &x->node);
    const uint64_t low = x->node.key > from ? x->node.key : from;
    const uint64_t x_end = x->node.key + x->count;
    const uint64_t high = x_end < from + count ? x_end : from + count;
    if (low >= high) {
      zxp_arena_free(x->alloc_page, x->alloc_count);
      free(x);
      continue;
    }
    if (low > x->node.key) {
      zxp_arena_punch(x->arena_page, low - x->node.key);
    }
    if (high < x_end) {
      zxp_arena_punch(x->arena_page + (high - x->node.key), x_end - high);
    }
    x->arena_page += low - x->node.key;
    x->count = high - low;
    zxp_tree_insert(&kept.by_first, &x->node, low - from);
  }
  *e = kept;
}

uint64_t zxp_extents_metadata_bytes(const struct zxp_extents* e) {
  return e->by_first.count * sizeof(struct extent);
}
