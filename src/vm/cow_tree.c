/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making nodes, ending them, and keeping the tree short: snapshots, lazy children, pruning,
 * folding.
 */
#include "fault/channel_private.h"
#include "vm/cow_private.h"
#include "vm/mapping.h"
#include "vm/page_source.h"

static uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint64_t pages_of(const struct zxp_pages* node) { return node->size >> ZXP_PAGE_SHIFT; }

/* Sets a state where the leaves exist or nothing is added; cannot fail. */
static void set_surely(struct zxp_pages* node, uint64_t first, uint64_t count) {
  const zx_status_t st = zxp_page_map_set(&node->map, first, count, ZXP_PAGE_EMPTY);
  ZXP_ASSERT(st == ZX_OK);
}

/* ---- Making ---- */

static void hang(struct zxp_pages* node, struct zxp_pages* parent, uint64_t offset,
                 uint64_t limit) {
  node->parent = parent;
  node->parent_offset = offset;
  node->parent_limit = limit;
  zxp_list_push_back(&parent->children, &node->sibling);
}

zx_status_t zxp_cow_track_locked(struct zxp_pages* node) {
  ZXP_ASSERT_HELD(&node->tree->lock);
  if (node->tracked || node->source != NULL) {
    return ZX_OK;
  }
  zx_status_t st = zxp_pages_scrub_locked(node);
  if (st != ZX_OK) {
    return st;
  }
  if (!zxp_list_empty(&node->mappings)) {
    struct zxp_channel* channel = NULL;
    st = zxp_channel_for_mappings(NULL, false, &channel);
    if (st != ZX_OK) {
      return st;
    }
    /* First every area traps what is missing, so that no page appears unseen; then what is there is
     * protected; then the map learns what that is. From the first step on, a thread that has been
     * stopped stores nothing more until the snapshot is made: what a child sees is a prefix of its
     * stores. */
    ZXP_LIST_FOREACH(it, &node->mappings) {
      st = zxp_mapping_trap_locked(ZXP_CONTAINER_OF(it, struct zxp_mapping, pages_link), channel);
      if (st != ZX_OK) {
        break;
      }
    }
    zxp_channel_put(channel);
    if (st != ZX_OK) {
      return st;
    }
  }
  node->untracked = node->untracked || !zxp_list_empty(&node->mappings);
  node->tracked = true;
  st = zxp_pages_harvest_locked(node, 0, pages_of(node));
  if (st == ZX_OK) {
    node->untracked = false;
  } else {
    node->tracked = false;
  }
  return st;
}

bool zxp_cow_has_own_locked(struct zxp_pages* node) {
  const uint64_t end = pages_of(node);
  for (uint64_t page = zxp_page_map_next_present(&node->map, 0, end); page < end;
       page = zxp_page_map_next_present(&node->map, page, end)) {
    /* Asked of one page first: the run of a committed VMO is as long as the VMO, and its length is
     * not wanted. */
    enum zxp_page_state state = zxp_page_map_get(&node->map, page);
    if (!zxp_cow_inherits(node, state)) {
      return true;
    }
    page += zxp_page_map_run(&node->map, page, end - page, &state);
  }
  return false;
}

static struct zxp_pages* new_child(struct zxp_pages* node, uint64_t size) {
  struct zxp_pages* child = zxp_pages_new(node->tree, size);
  if (child != NULL) {
    child->owners = 1;
    child->root_source = node->root_source;
    child->tracked = true;
  }
  return child;
}

/* Puts a hidden node with all of the node's pages between it and its parent. */
static void insert_hidden(struct zxp_pages* node, struct zxp_pages* hidden) {
  /* Copies are not the node's pages; they would be taken for moved ones. */
  zxp_cow_drop_copies(node, 0, pages_of(node));
  hidden->hidden = true;
  hidden->of_snapshot = true;
  hidden->root_source = node->root_source;
  hidden->lent = node->storage;
  node->storage->refs++;
  const struct zxp_page_map map = node->map;
  node->map = hidden->map;
  hidden->map = map;
  if (node->parent != NULL) {
    zxp_list_remove(&node->sibling);
    hang(hidden, node->parent, node->parent_offset, node->parent_limit);
  }
  hang(node, hidden, 0, pages_of(node));
  /* What was writable in its mappings is not any more. */
  const uint64_t end = pages_of(node);
  for (uint64_t page = zxp_page_map_next_present(&hidden->map, 0, end);
       page < end && !zxp_list_empty(&node->mappings);
       page = zxp_page_map_next_present(&hidden->map, page, end)) {
    enum zxp_page_state state;
    const uint64_t run = zxp_page_map_run(&hidden->map, page, end - page, &state);
    zxp_pages_protect_locked(node, page, run);
    page += run;
  }
}

zx_status_t zxp_cow_snapshot_locked(struct zxp_pages* node, uint64_t first, uint64_t size,
                                    struct zxp_pages** out) {
  ZXP_ASSERT_HELD(&node->tree->lock);
  zx_status_t st = zxp_cow_track_locked(node);
  if (st != ZX_OK) {
    return st;
  }
  struct zxp_pages* child = new_child(node, size);
  if (child == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  const uint64_t window =
      first < pages_of(node) ? min_u64(pages_of(child), pages_of(node) - first) : 0;
  /* In a pager tree also without pages: that a VMO took part in a snapshot decides what children it
   * has. */
  if (node->root_source != NULL || zxp_cow_has_own_locked(node)) {
    struct zxp_pages* hidden = zxp_pages_new(node->tree, node->size);
    if (hidden == NULL) {
      zxp_pages_free(child);
      return ZX_ERR_NO_MEMORY;
    }
    insert_hidden(node, hidden);
    hang(child, hidden, first, window);
  } else if (node->parent != NULL && first < node->parent_limit) {
    /* It shows nothing but its parent's pages: so does the child. */
    hang(child, node->parent, node->parent_offset + first,
         min_u64(window, node->parent_limit - first));
  }
  zxp_cow_debug_check(node);
  *out = child;
  return ZX_OK;
}

zx_status_t zxp_cow_lazy_child_locked(struct zxp_pages* node, uint64_t first, uint64_t size,
                                      struct zxp_pages** out) {
  ZXP_ASSERT_HELD(&node->tree->lock);
  if (node->source != NULL) {
    /* A copy that a mapping of the child was shown has to go with the first store. */
    const zx_status_t st = zxp_pages_trap_stores_locked(node);
    if (st != ZX_OK) {
      return st;
    }
  }
  struct zxp_pages* child = new_child(node, size);
  if (child == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  const uint64_t window =
      first < pages_of(node) ? min_u64(pages_of(child), pages_of(node) - first) : 0;
  hang(child, node, first, window);
  *out = child;
  return ZX_OK;
}

/* ---- Pruning ---- */

void zxp_cow_prune(struct zxp_pages* node, uint64_t first, uint64_t count) {
  if (node == NULL || !node->hidden) {
    return;
  }
  const uint64_t end = first + count;
  for (uint64_t page = first; page < end;) {
    enum zxp_page_state state;
    uint64_t run = zxp_page_map_run(&node->map, page, end - page, &state);
    const bool unseen = zxp_cow_viewers(node, page, &run) == 0;
    if (state == ZXP_PAGE_EMPTY) {
      if (unseen && node->parent != NULL && page < node->parent_limit) {
        zxp_cow_prune(node->parent, node->parent_offset + page,
                      min_u64(run, node->parent_limit - page));
      }
    } else if (unseen) {
      if (zxp_page_state_resident(state)) {
        zxp_extents_punch(&zxp_cow_storage_of(node, state)->extents, page, run);
      }
      set_surely(node, page, run);
    }
    page += run;
  }
}

/* ---- Folding ---- */

/* How a page that the child comes to own is marked there: lent in the storage it has on loan, or
 * its own. */
static enum zxp_page_state own_state(const struct zxp_pages* child) {
  return child->hidden ? ZXP_PAGE_CLEAN : ZXP_PAGE_DIRTY;
}

/* Whether a lent page of `node` is where `child` can go on having it. */
static bool lent_fits(const struct zxp_pages* node, const struct zxp_pages* child) {
  return node->lent != NULL && child->parent_offset == 0 &&
         node->lent == (child->hidden ? child->lent : child->storage);
}

/* Pages of the node in this state, of which `in_child` is asked for those of the child that are its
 * own. */
static uint64_t count_state(struct zxp_pages* node, enum zxp_page_state wanted) {
  uint64_t n = 0;
  const uint64_t end = pages_of(node);
  for (uint64_t page = zxp_page_map_next_present(&node->map, 0, end); page < end;
       page = zxp_page_map_next_present(&node->map, page, end)) {
    enum zxp_page_state state;
    const uint64_t run = zxp_page_map_run(&node->map, page, end - page, &state);
    n += state == wanted ? run : 0;
    page += run;
  }
  return n;
}

/*
 * The child takes over the storage in which most of the node's pages are, and its own few pages are
 * copied there. Only where no mapping shows the child's storage. False: did nothing.
 */
static bool adopt_storage(struct zxp_pages* node, struct zxp_pages* child) {
  const bool lent_free = node->lent != NULL && node->lent->refs == 1;
  const uint64_t in_lent = lent_free ? count_state(node, ZXP_PAGE_DIRTY) : 0;
  const uint64_t in_own = count_state(node, ZXP_PAGE_CLEAN);
  const uint64_t in_child = count_state(child, own_state(child));
  const enum zxp_page_state from_state = in_lent > in_own ? ZXP_PAGE_DIRTY : ZXP_PAGE_CLEAN;
  if ((in_lent > in_own ? in_lent : in_own) <= in_child || !zxp_list_empty(&child->mappings) ||
      child->storage->refs != 1 || child->copies != 0) {
    return false;
  }
  struct zxp_storage* taken = from_state == ZXP_PAGE_DIRTY ? node->lent : node->storage;
  const uint64_t offset = child->parent_offset;
  const uint64_t limit = child->parent_limit;
  const uint64_t child_end = pages_of(child);

  /* Places that the child has pages or zeros of its own for, or that it does not see of the
   * node. */
  for (uint64_t page = 0; page < limit;) {
    enum zxp_page_state state;
    enum zxp_page_state above;
    uint64_t run = zxp_page_map_run(&child->map, page, limit - page, &state);
    run = zxp_page_map_run(&node->map, offset + page, run, &above);
    if (state != ZXP_PAGE_EMPTY || above != from_state) {
      zxp_extents_punch(&taken->extents, offset + page, run);
    }
    page += run;
  }
  zxp_extents_rebase(&taken->extents, offset, limit);

  /* The child's own pages follow; if memory runs out, those that are left stay reachable by going
   * back. */
  for (uint64_t page = zxp_page_map_next_present(&child->map, 0, child_end); page < child_end;
       page = zxp_page_map_next_present(&child->map, page, child_end)) {
    enum zxp_page_state state;
    const uint64_t run = zxp_page_map_run(&child->map, page, child_end - page, &state);
    for (uint64_t p = page; state == own_state(child) && p < page + run; p++) {
      uint64_t from = 0;
      uint64_t n;
      const bool there = zxp_extents_find(&child->storage->extents, p, 1, &from, &n);
      ZXP_ASSERT(there);
      const zx_status_t st = zxp_cow_fill(taken, p, from, child_end, child->resizable);
      ZXP_ASSERT(st == ZX_OK); /* A page of shared memory: Linux kills rather than refuses. */
    }
    page += run;
  }
  /* Which pages of the node came with it. */
  for (uint64_t page = 0; page < limit;) {
    enum zxp_page_state state;
    enum zxp_page_state above;
    uint64_t run = zxp_page_map_run(&child->map, page, limit - page, &state);
    run = zxp_page_map_run(&node->map, offset + page, run, &above);
    if (state == ZXP_PAGE_EMPTY && above == from_state) {
      const zx_status_t st = zxp_page_map_set(&child->map, page, run, own_state(child));
      ZXP_ASSERT(st == ZX_OK);
      set_surely(node, offset + page, run);
    }
    page += run;
  }
  zxp_storage_put(child->storage);
  child->storage = taken;
  if (from_state == ZXP_PAGE_DIRTY) {
    node->lent = NULL;
  } else {
    node->storage = NULL;
  }
  return true;
}

/* Brings what the child sees of the node's page map, run by run, into the child. False: out of
 * memory, with the rest still in the node. */
static bool merge_pages(struct zxp_pages* node, struct zxp_pages* child) {
  const uint64_t offset = child->parent_offset;
  const uint64_t limit = child->parent_limit;
  for (uint64_t page = 0; page < limit;) {
    enum zxp_page_state state;
    enum zxp_page_state above;
    uint64_t run = zxp_page_map_run(&child->map, page, limit - page, &state);
    run = zxp_page_map_run(&node->map, offset + page, run, &above);
    if (above == ZXP_PAGE_EMPTY || !zxp_cow_inherits(child, state)) {
      page += run;
      continue;
    }
    zx_status_t st = ZX_OK;
    if (above == ZXP_PAGE_MARKER) {
      if (node->parent != NULL) {
        zxp_cow_drop_copies(child, page, run);
        st = zxp_page_map_set(&child->map, page, run, ZXP_PAGE_MARKER);
      }
    } else if (above == ZXP_PAGE_DIRTY && lent_fits(node, child)) {
      /* It is in place: lent to the child's maker, or the child's own. */
      st = zxp_page_map_set(&child->map, page, run, ZXP_PAGE_DIRTY);
    } else {
      run = 1;
      if (state == ZXP_PAGE_EMPTY) {
        uint64_t from = 0;
        uint64_t n;
        const bool there = zxp_extents_find(&zxp_cow_storage_of(node, above)->extents,
                                            offset + page, 1, &from, &n);
        ZXP_ASSERT(there);
        /* A mapping shows nothing there yet, or zeros that this replaces whole. */
        st = zxp_cow_fill(child->storage, page, from, pages_of(child), child->resizable);
      } else {
        child->copies--; /* The bytes are there already, as a copy. */
      }
      if (st == ZX_OK) {
        zxp_extents_punch(&zxp_cow_storage_of(node, above)->extents, offset + page, 1);
        st = zxp_page_map_set(&child->map, page, 1, own_state(child));
      }
    }
    if (st != ZX_OK) {
      return false;
    }
    set_surely(node, offset + page, run);
    page += run;
  }
  return true;
}

/* A hidden node with one child goes; the child hangs on what was above it. False: out of memory, it
 * stays, which is right if slower. `*above` gets the node above, if the child has let go of
 * that. */
static bool fold(struct zxp_pages* node, struct zxp_pages** let_go) {
  struct zxp_pages* child = ZXP_CONTAINER_OF(node->children.next, struct zxp_pages, sibling);
  *let_go = NULL;
  if (!lent_fits(node, child)) {
    adopt_storage(node, child);
  }
  if (!merge_pages(node, child)) {
    return false;
  }
  const uint64_t offset = child->parent_offset;
  const uint64_t left = node->parent_limit > offset ? node->parent_limit - offset : 0;
  const uint64_t limit = min_u64(child->parent_limit, left);
  struct zxp_pages* above = node->parent;
  zxp_list_remove(&child->sibling);
  child->parent = NULL;
  child->parent_limit = 0;
  if (above != NULL) {
    zxp_list_remove(&node->sibling);
    /* In a pager tree it keeps the root, whatever it sees of it. */
    if (limit > 0 || child->root_source != NULL) {
      hang(child, above, node->parent_offset + offset, limit);
    } else {
      *let_go = above;
    }
  }
  /* What the child did not see goes with the node; of a storage that others share it is cleared
   * away. */
  const uint64_t end = pages_of(node);
  for (uint64_t page = zxp_page_map_next_present(&node->map, 0, end);
       page < end && node->lent != NULL; page = zxp_page_map_next_present(&node->map, page, end)) {
    enum zxp_page_state state;
    const uint64_t run = zxp_page_map_run(&node->map, page, end - page, &state);
    if (state == ZXP_PAGE_DIRTY) {
      zxp_extents_punch(&node->lent->extents, page, run);
    }
    page += run;
  }
  zxp_pages_free(node);
  return true;
}

/* ---- Ending ---- */

/* Gives back what the leaving node has in its storage; what is lent there stays. */
static void empty_storage(struct zxp_pages* node) {
  if (node->storage->refs == 1) {
    return; /* Freed with it. */
  }
  const uint64_t end = pages_of(node);
  for (uint64_t page = 0; page < end;) {
    struct zxp_view v;
    zxp_cow_look_locked(node, page, end - page, &v);
    if (!zxp_cow_in_place(node, page, &v)) {
      zxp_extents_punch(&node->storage->extents, page, v.count);
    }
    page += v.count;
  }
}

/* A visible node that nobody shows but children need becomes a hidden one. */
static void hide(struct zxp_pages* node) {
  zxp_cow_drop_copies(node, 0, pages_of(node));
  struct zxp_storage* own = node->storage;
  struct zxp_pages* fresh = zxp_pages_new(node->tree, 0);
  if (fresh == NULL) {
    return; /* Its pages are where they are; only folding has to wait. */
  }
  node->storage = fresh->storage;
  fresh->storage = NULL;
  zxp_pages_free(fresh);
  node->lent = own;
  node->hidden = true;
}

static bool is_single(const struct zxp_list* list) {
  return !zxp_list_empty(list) && list->next->next == list;
}

/*
 * Somebody below `node` has gone, or sees less: frees it if nobody is left, folds it if one is,
 * gives up what nobody sees any more; and the same upwards as far as that changes something.
 */
static void tidy(struct zxp_pages* node, struct zxp_pages** root) {
  while (node != NULL) {
    struct zxp_pages* above = NULL;
    if (zxp_list_empty(&node->children) && node->owners == 0) {
      if (node->source != NULL) {
        *root = node;
        return;
      }
      above = node->parent;
      if (above != NULL) {
        zxp_list_remove(&node->sibling);
      }
      zxp_pages_free(node);
    } else {
      /* Before folding too: the child that is left may be hidden itself, and keep what nobody
       * sees. */
      zxp_cow_prune(node, 0, pages_of(node));
      if (node->hidden && is_single(&node->children) && !fold(node, &above)) {
        return;
      }
    }
    node = above;
  }
}

void zxp_cow_leave_locked(struct zxp_pages* node, struct zxp_pages** root) {
  *root = NULL;
  ZXP_ASSERT_HELD(&node->tree->lock);
  ZXP_ASSERT(node->owners == 0 && zxp_list_empty(&node->mappings));
  if (node->source == NULL && zxp_list_empty(&node->children)) {
    empty_storage(node);
  } else if (node->source == NULL) {
    hide(node);
  }
  tidy(node, root);
}
