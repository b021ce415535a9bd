/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looking, forking, showing, changing: what accesses do to a tree. Making and ending nodes is in
 * cow_tree.c.
 */
#include "vm/cow.h"

#include <string.h>

#include "vm/cow_private.h"
#include "vm/mapping.h"
#include "vm/page_source.h"

static uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* ---- Looking ---- */

struct zxp_storage* zxp_cow_storage_of(struct zxp_pages* node, enum zxp_page_state state) {
  return node->hidden && state == ZXP_PAGE_DIRTY ? node->lent : node->storage;
}

bool zxp_cow_inherits(const struct zxp_pages* node, enum zxp_page_state state) {
  return node->source == NULL &&
         (state == ZXP_PAGE_EMPTY || (state == ZXP_PAGE_CLEAN && !node->hidden));
}

void zxp_cow_look_locked(struct zxp_pages* node, uint64_t page, uint64_t limit,
                         struct zxp_view* v) {
  for (;;) {
    enum zxp_page_state state;
    limit = zxp_page_map_run(&node->map, page, limit, &state);
    if (!zxp_cow_inherits(node, state)) {
      v->owner = node;
      v->page = page;
      v->count = limit;
      if (zxp_page_state_resident(state)) {
        v->content = ZXP_CONTENT_BYTES;
        const bool there = zxp_extents_find(&zxp_cow_storage_of(node, state)->extents, page, limit,
                                            &v->arena_page, &v->count);
        ZXP_ASSERT(there);
      } else {
        v->content = state == ZXP_PAGE_EMPTY ? ZXP_CONTENT_ABSENT : ZXP_CONTENT_ZERO;
      }
      return;
    }
    if (node->parent == NULL || page >= node->parent_limit) {
      *v = (struct zxp_view){ZXP_CONTENT_ZERO, node, page, 0, limit};
      return;
    }
    limit = min_u64(limit, node->parent_limit - page);
    page += node->parent_offset;
    node = node->parent;
  }
}

unsigned zxp_cow_viewers(struct zxp_pages* node, uint64_t page, uint64_t* run) {
  unsigned total = 0;
  ZXP_LIST_FOREACH(it, &node->children) {
    struct zxp_pages* c = ZXP_CONTAINER_OF(it, struct zxp_pages, sibling);
    if (page < c->parent_offset) {
      *run = min_u64(*run, c->parent_offset - page);
      continue;
    }
    const uint64_t p = page - c->parent_offset;
    if (p >= c->parent_limit) {
      continue;
    }
    enum zxp_page_state state;
    *run = zxp_page_map_run(&c->map, p, min_u64(*run, c->parent_limit - p), &state);
    if (zxp_cow_inherits(c, state)) {
      total += c->hidden ? zxp_cow_viewers(c, p, run) : 1;
    }
  }
  return total;
}

/* ---- Forking ---- */

zx_status_t zxp_cow_fill(struct zxp_storage* storage, uint64_t page, uint64_t from_arena_page,
                         uint64_t size_pages, bool grows) {
  zx_status_t st = zxp_extents_ensure(&storage->extents, page, 1, size_pages, grows);
  if (st == ZX_OK) {
    uint64_t to = 0;
    uint64_t run;
    const bool there = zxp_extents_find(&storage->extents, page, 1, &to, &run);
    ZXP_ASSERT(there);
    /* By a system call, which puts the page in place whole: a mapping may be looking. */
    st = zxp_arena_write(to, zxp_arena_view(from_arena_page), 1);
  }
  return st;
}

/* A lent page of `v->owner` lies where `node` wants its own: take it back, or move the old bytes
 * away. */
static zx_status_t part_in_place(struct zxp_pages* node, uint64_t page, const struct zxp_view* v) {
  struct zxp_pages* owner = v->owner;
  uint64_t run = 1;
  zx_status_t st = zxp_page_map_set(&node->map, page, 1, ZXP_PAGE_DIRTY);
  if (st != ZX_OK) {
    return st;
  }
  /* The node does not count as a viewer any more. */
  if (zxp_cow_viewers(owner, v->page, &run) == 0) {
    st = zxp_page_map_set(&owner->map, v->page, 1, ZXP_PAGE_EMPTY);
  } else {
    st = zxp_cow_fill(owner->storage, v->page, v->arena_page, owner->size >> ZXP_PAGE_SHIFT, false);
    if (st == ZX_OK) {
      st = zxp_page_map_set(&owner->map, v->page, 1, ZXP_PAGE_CLEAN);
    }
  }
  if (st != ZX_OK) {
    zxp_page_map_set(&node->map, page, 1, ZXP_PAGE_EMPTY);
  }
  return st;
}

bool zxp_cow_in_place(struct zxp_pages* node, uint64_t page, const struct zxp_view* v) {
  uint64_t here = 0;
  uint64_t run;
  return v->content == ZXP_CONTENT_BYTES && v->owner->hidden && v->owner->lent == node->storage &&
         zxp_extents_find(&node->storage->extents, page, 1, &here, &run) && here == v->arena_page;
}

zx_status_t zxp_cow_fork_locked(struct zxp_pages* node, uint64_t page, bool keep) {
  struct zxp_view v;
  ZXP_ASSERT_HELD(&node->tree->lock);
  const enum zxp_page_state state = zxp_page_map_get(&node->map, page);
  if (state == ZXP_PAGE_DIRTY) {
    return ZX_OK;
  }
  zxp_cow_look_locked(node, page, 1, &v);
  ZXP_ASSERT(v.content != ZXP_CONTENT_ABSENT && node->source == NULL && !node->hidden);
  if (zxp_cow_in_place(node, page, &v)) {
    const zx_status_t parted = part_in_place(node, page, &v);
    zxp_cow_debug_check(node);
    return parted;
  }
  zx_status_t st = zxp_pages_reserve_locked(node, page, 1);
  if (st == ZX_OK && v.content == ZXP_CONTENT_BYTES && state != ZXP_PAGE_CLEAN &&
      (keep || !zxp_list_empty(&node->mappings))) {
    st = zxp_cow_fill(node->storage, page, v.arena_page, node->size >> ZXP_PAGE_SHIFT,
                      node->resizable);
  }
  if (st == ZX_OK && v.content == ZXP_CONTENT_ZERO && keep) {
    /* Reading a hole gives it memory, which a commit promises. */
    (void)*(volatile unsigned char*)zxp_pages_bytes_locked(node, page);
  }
  if (st == ZX_OK) {
    st = zxp_page_map_set(&node->map, page, 1, ZXP_PAGE_DIRTY);
  }
  if (st == ZX_OK) {
    node->copies -= state == ZXP_PAGE_CLEAN;
    zxp_cow_lost_sight(node, page, 1);
  }
  zxp_cow_debug_check(node);
  return st;
}

zx_status_t zxp_cow_replace_locked(struct zxp_pages* node, uint64_t page) {
  struct zxp_view v;
  zxp_cow_look_locked(node, page, 1, &v);
  if (v.content != ZXP_CONTENT_ABSENT) {
    return zxp_cow_fork_locked(node, page, false);
  }
  const zx_status_t st = zxp_pages_reserve_locked(node, page, 1);
  return st != ZX_OK ? st : zxp_page_map_set(&node->map, page, 1, ZXP_PAGE_DIRTY);
}

/* ---- Showing to mappings ---- */

zx_status_t zxp_cow_show_locked(struct zxp_pages* node, uint64_t page, const struct zxp_view* v) {
  const enum zxp_page_state state = zxp_page_map_get(&node->map, page);
  ZXP_ASSERT_HELD(&node->tree->lock);
  if (v->owner == node || zxp_cow_in_place(node, page, v) || state == ZXP_PAGE_CLEAN) {
    /* Its own bytes or zeros, or there already; but a page that nobody wrote to yet may lack
     * memory. */
    return zxp_pages_materialize_locked(node, page);
  }
  if (v->content == ZXP_CONTENT_ZERO && v->owner->source == NULL && node->root_source == NULL) {
    /* Zeros that nobody can change: no copy to keep account of. */
    return zxp_pages_materialize_locked(node, page);
  }
  /* Where the page can change under us its owner's stores have to trap while there is a copy. */
  if (!v->owner->hidden) {
    zxp_pages_protect_locked(v->owner, v->page, 1);
  }
  zxp_pages_protect_locked(node, page, 1);
  zx_status_t st = ZX_OK;
  if (v->content == ZXP_CONTENT_BYTES) {
    st = zxp_cow_fill(node->storage, page, v->arena_page, node->size >> ZXP_PAGE_SHIFT,
                      node->resizable);
  } else {
    st = zxp_pages_materialize_locked(node, page);
  }
  if (st == ZX_OK) {
    st = zxp_page_map_set(&node->map, page, 1, ZXP_PAGE_CLEAN);
    node->copies += st == ZX_OK;
  }
  return st;
}

void zxp_cow_drop_copies(struct zxp_pages* node, uint64_t first, uint64_t count) {
  const uint64_t end = first + count;
  if (node->copies == 0 || node->hidden || node->source != NULL) {
    return;
  }
  for (uint64_t page = zxp_page_map_next_present(&node->map, first, end);
       page < end && node->copies > 0; page = zxp_page_map_next_present(&node->map, page, end)) {
    enum zxp_page_state state;
    const uint64_t run = zxp_page_map_run(&node->map, page, end - page, &state);
    if (state == ZXP_PAGE_CLEAN) {
      zxp_pages_release_locked(node, page, run);
      /* Never needs memory: the leaves are there. */
      const zx_status_t st = zxp_page_map_set(&node->map, page, run, ZXP_PAGE_EMPTY);
      ZXP_ASSERT(st == ZX_OK);
      node->copies -= run;
    }
    page += run;
  }
}

void zxp_cow_changing_locked(struct zxp_pages* node, uint64_t first, uint64_t count) {
  const uint64_t end = first + count;
  ZXP_ASSERT_HELD(&node->tree->lock);
  ZXP_LIST_FOREACH(it, &node->children) {
    struct zxp_pages* c = ZXP_CONTAINER_OF(it, struct zxp_pages, sibling);
    const uint64_t low = first > c->parent_offset ? first - c->parent_offset : 0;
    const uint64_t high =
        min_u64(end > c->parent_offset ? end - c->parent_offset : 0, c->parent_limit);
    if (low >= high) {
      continue;
    }
    zxp_cow_drop_copies(c, low, high - low);
    /* Below, only where it is seen through this child. */
    for (uint64_t page = low; !zxp_list_empty(&c->children) && page < high;) {
      enum zxp_page_state state;
      const uint64_t run = zxp_page_map_run(&c->map, page, high - page, &state);
      if (zxp_cow_inherits(c, state)) {
        zxp_cow_changing_locked(c, page, run);
      }
      page += run;
    }
  }
}

/* ---- Zeroing and shrinking ---- */

/* The node gives up what it shows at [first, +count): its own pages, and lent ones that lie in its
 * place. */
static zx_status_t vacate(struct zxp_pages* node, uint64_t first, uint64_t count) {
  const uint64_t end = first + count;
  for (uint64_t page = first; page < end;) {
    enum zxp_page_state state;
    uint64_t run = zxp_page_map_run(&node->map, page, end - page, &state);
    struct zxp_view v;
    if (state == ZXP_PAGE_EMPTY) {
      zxp_cow_look_locked(node, page, run, &v);
      run = v.count;
      if (zxp_cow_in_place(node, page, &v)) {
        /* One at a time: some are seen by others, some are not. */
        const zx_status_t st = part_in_place(node, page, &v);
        if (st != ZX_OK) {
          return st;
        }
        run = 1;
        state = ZXP_PAGE_DIRTY;
      }
    }
    node->copies -= state == ZXP_PAGE_CLEAN ? run : 0;
    /* EMPTY too: a mapping may have been shown zeros there. */
    zxp_pages_release_locked(node, page, run);
    const zx_status_t st = zxp_page_map_set(&node->map, page, run, ZXP_PAGE_EMPTY);
    if (st != ZX_OK) {
      return st;
    }
    page += run;
  }
  return ZX_OK;
}

zx_status_t zxp_cow_zero_locked(struct zxp_pages* node, uint64_t first, uint64_t count) {
  ZXP_ASSERT_HELD(&node->tree->lock);
  zxp_cow_changing_locked(node, first, count);
  zx_status_t st = vacate(node, first, count);
  if (st == ZX_OK && node->parent != NULL && first < node->parent_limit) {
    /* Zeros of its own hide the parent's pages, present and to come. */
    const uint64_t hiding = min_u64(count, node->parent_limit - first);
    st = zxp_page_map_set(&node->map, first, hiding, ZXP_PAGE_MARKER);
    if (st == ZX_OK) {
      zxp_cow_lost_sight(node, first, hiding);
    }
  }
  zxp_cow_debug_check(node);
  return st;
}

zx_status_t zxp_cow_shrink_locked(struct zxp_pages* node, uint64_t first) {
  const uint64_t end = node->size >> ZXP_PAGE_SHIFT;
  ZXP_ASSERT_HELD(&node->tree->lock);
  zxp_cow_changing_locked(node, first, end - first);
  ZXP_LIST_FOREACH(it, &node->children) {
    struct zxp_pages* c = ZXP_CONTAINER_OF(it, struct zxp_pages, sibling);
    const uint64_t seen = first > c->parent_offset ? first - c->parent_offset : 0;
    c->parent_limit = min_u64(c->parent_limit, seen);
  }
  if (node->source != NULL) {
    return ZX_OK;
  }
  zx_status_t st = vacate(node, first, end - first);
  if (st == ZX_OK && node->parent != NULL && node->parent_limit > first) {
    const uint64_t lost = node->parent_limit - first;
    node->parent_limit = first;
    zxp_cow_prune(node->parent, node->parent_offset + first, lost);
  }
  zxp_cow_debug_check(node);
  return st;
}
