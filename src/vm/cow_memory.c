/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory accounting of copy-on-write trees (docs/semantics/vmo.md 10), and the check of their
 * invariants.
 */
#include <string.h>

#include "vm/cow_private.h"

/* One byte in a fraction of bytes, as ZX_INFO_VMO counts it. */
#define WHOLE_BYTE (UINT64_C(1) << 63)

static void add_shared(struct zxp_cow_memory* m, uint64_t bytes, unsigned sharers) {
  m->committed += bytes;
  if (sharers <= 1) {
    m->private_bytes += bytes;
    m->scaled += bytes;
    return;
  }
  m->scaled += bytes / sharers;
  m->scaled_fraction += WHOLE_BYTE / sharers * (bytes % sharers);
  if (m->scaled_fraction >= WHOLE_BYTE) {
    m->scaled_fraction -= WHOLE_BYTE;
    m->scaled++;
  }
}

void zxp_cow_memory_locked(struct zxp_pages* node, uint64_t first, uint64_t count,
                           struct zxp_cow_memory* out) {
  memset(out, 0, sizeof *out);
  for (uint64_t page = first, end = first + count; page < end;) {
    struct zxp_view v;
    zxp_cow_look_locked(node, page, end - page, &v);
    if (v.content == ZXP_CONTENT_BYTES) {
      if (v.owner == node) {
        add_shared(out, v.count << ZXP_PAGE_SHIFT, 1);
      } else if (v.owner->hidden) {
        const unsigned sharers = zxp_cow_viewers(v.owner, v.page, &v.count);
        /* Page by page: the fraction of each is cut off where it falls. */
        for (uint64_t i = 0; i < v.count; i++) {
          add_shared(out, ZXP_PAGE_SIZE, sharers);
        }
      }
      /* A page of a visible VMO, seen through a lazy child, is that VMO's. */
    }
    page += v.count;
  }
}

static bool check_node(struct zxp_pages* node) {
  if (node->hidden &&
      (zxp_list_empty(&node->children) || !zxp_list_empty(&node->mappings) || node->owners != 0)) {
    return false;
  }
  if (!node->hidden && node->source == NULL && node->owners == 0) {
    return false;
  }
  if (node->parent != NULL && !node->tracked && !node->hidden) {
    return false;
  }
  /* Of the bytes it shows, each lies where nobody else's do: a lent page of another node at our own
   * place would be found here by looking. */
  const uint64_t end = node->size >> ZXP_PAGE_SHIFT;
  uint64_t copies = 0;
  for (uint64_t page = zxp_page_map_next_present(&node->map, 0, end); page < end;
       page = zxp_page_map_next_present(&node->map, page, end)) {
    enum zxp_page_state state;
    const uint64_t run = zxp_page_map_run(&node->map, page, end - page, &state);
    copies += state == ZXP_PAGE_CLEAN && !node->hidden && node->source == NULL ? run : 0;
    for (struct zxp_pages* above = node->parent;
         above != NULL && !node->hidden && node->source == NULL && above->hidden &&
         above->lent == node->storage;
         above = above->parent) {
      for (uint64_t p = page; p < page + run; p++) {
        if (zxp_page_map_get(&above->map, p) == ZXP_PAGE_DIRTY) {
          return false;
        }
      }
    }
    page += run;
  }
  if (copies != node->copies) {
    return false;
  }
  ZXP_LIST_FOREACH(it, &node->children) {
    struct zxp_pages* c = ZXP_CONTAINER_OF(it, struct zxp_pages, sibling);
    if (c->parent != node || !check_node(c)) {
      return false;
    }
  }
  return true;
}

bool zxp_cow_check_locked(struct zxp_pages* node) {
  while (node->parent != NULL) {
    node = node->parent;
  }
  return check_node(node);
}
