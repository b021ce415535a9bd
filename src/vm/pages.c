/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pages: giving them memory, taking it back, zeroing, and what mappings must be told before.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/stats.h"
#include "vm/cow.h"
#include "vm/mapping.h"
#include "vm/page_source.h"
#include "vm/vmo.h"

zx_status_t zxp_pages_reserve_locked(struct zxp_pages* pages, uint64_t first, uint64_t count) {
  ZXP_ASSERT_HELD(&pages->tree->lock);
  return zxp_extents_ensure(&pages->storage->extents, first, count, pages->size >> ZXP_PAGE_SHIFT,
                            pages->resizable);
}

unsigned char* zxp_pages_bytes_locked(struct zxp_pages* pages, uint64_t page) {
  ZXP_ASSERT_HELD(&pages->tree->lock);
  return zxp_extents_page(&pages->storage->extents, page);
}

void zxp_pages_release_locked(struct zxp_pages* pages, uint64_t first, uint64_t count) {
  ZXP_ASSERT_HELD(&pages->tree->lock);
  zxp_extents_punch(&pages->storage->extents, first, count);
}

zx_status_t zxp_pages_materialize_locked(struct zxp_pages* pages, uint64_t page) {
  const zx_status_t st = zxp_pages_reserve_locked(pages, page, 1);
  if (st != ZX_OK) {
    return st;
  }
  if (zxp_page_map_get(&pages->map, page) != ZXP_PAGE_DIRTY) {
    zxp_pages_protect_locked(pages, page, 1);
  }
  /* Reading a hole of shared memory through a mapping gives it a page of zeros. */
  (void)*(volatile unsigned char*)zxp_pages_bytes_locked(pages, page);
  return ZX_OK;
}

zx_status_t zxp_pages_allocate_locked(struct zxp_pages* pages, uint64_t first, uint64_t count) {
  ZXP_ASSERT_HELD(&pages->tree->lock);
  while (count > 0) {
    uint64_t arena_page = 0;
    uint64_t run;
    const bool there = zxp_extents_find(&pages->storage->extents, first, count, &arena_page, &run);
    ZXP_ASSERT(there);
    int rc;
    do {
      rc = fallocate(zxp_arena.fd, 0, (off_t)(arena_page << ZXP_PAGE_SHIFT),
                     (off_t)(run << ZXP_PAGE_SHIFT));
    } while (rc != 0 && errno == EINTR);
    if (rc != 0) {
      return ZX_ERR_NO_MEMORY;
    }
    first += run;
    count -= run;
  }
  return ZX_OK;
}

zx_status_t zxp_pages_zero_whole_locked(struct zxp_pages* pages, uint64_t first, uint64_t count) {
  struct zxp_source* s = pages->source;
  ZXP_ASSERT_HELD(&pages->tree->lock);
  if (s == NULL && pages->tracked) {
    return zxp_cow_zero_locked(pages, first, count);
  }
  if (s == NULL) {
    /* Also where the map says EMPTY: a mapping may have filled it. */
    zxp_pages_release_locked(pages, first, count);
    return zxp_page_map_set(&pages->map, first, count, ZXP_PAGE_EMPTY);
  }
  /* Zeros that were stored to are none any more. */
  const zx_status_t harvested = zxp_pages_harvest_locked(pages, first, count);
  if (harvested != ZX_OK) {
    return harvested;
  }
  zxp_cow_changing_locked(pages, first, count);
  for (uint64_t page = first, end = first + count; page < end;) {
    enum zxp_page_state state;
    const uint64_t run = zxp_page_map_run(&pages->map, page, end - page, &state);
    if (state != ZXP_PAGE_MARKER && state != ZXP_PAGE_INTERVAL) {
      const zx_status_t st = zxp_page_map_zero(&pages->map, page, run);
      if (st != ZX_OK) {
        return st;
      }
      if (state == ZXP_PAGE_EMPTY) {
        zxp_request_answered(&s->requests, ZXP_REQUEST_READ, page, run);
      } else {
        zxp_pages_release_locked(pages, page, run);
      }
    }
    page += run;
  }
  s->modified = true;
  return ZX_OK;
}

/* Memory that a transfer VMO may keep: the largest supply that real pagers make at once, 2 MiB. */
#define KEPT_MAX 512

zx_status_t zxp_pages_scrub_locked(struct zxp_pages* pages) {
  ZXP_ASSERT_HELD(&pages->tree->lock);
  const uint64_t end = pages->kept_end;
  /* A mapping may have filled some of them meanwhile. */
  const zx_status_t st =
      zxp_pages_harvest_locked(pages, pages->kept_first, end - pages->kept_first);
  if (st != ZX_OK) {
    return st;
  }
  for (uint64_t page = pages->kept_first; page < end;) {
    enum zxp_page_state state;
    const uint64_t run = zxp_page_map_run(&pages->map, page, end - page, &state);
    if (state == ZXP_PAGE_EMPTY) {
      zxp_pages_release_locked(pages, page, run);
    }
    page += run;
  }
  pages->kept_first = pages->kept_end = 0;
  return ZX_OK;
}

/* Zeroes the pages of the range that have bytes. */
static void clear_bytes_locked(struct zxp_pages* pages, uint64_t first, uint64_t count) {
  for (uint64_t page = first, end = first + count; page < end;) {
    enum zxp_page_state state;
    uint64_t run = zxp_page_map_run(&pages->map, page, end - page, &state);
    if (zxp_page_state_resident(state)) {
      uint64_t arena_page = 0;
      const bool there = zxp_extents_find(&pages->storage->extents, page, run, &arena_page, &run);
      ZXP_ASSERT(there);
      memset(zxp_arena_view(arena_page), 0, run << ZXP_PAGE_SHIFT);
    }
    page += run;
  }
}

zx_status_t zxp_pages_take_locked(struct zxp_pages* pages, uint64_t first, uint64_t count) {
  ZXP_ASSERT_HELD(&pages->tree->lock);
  if (pages->source != NULL || pages->tracked || count > KEPT_MAX) {
    return zxp_pages_zero_whole_locked(pages, first, count);
  }
  if (pages->untracked) {
    clear_bytes_locked(pages, first, count);
  }
  uint64_t low = first;
  uint64_t high = first + count;
  if (pages->kept_first < pages->kept_end) {
    low = low < pages->kept_first ? low : pages->kept_first;
    high = high > pages->kept_end ? high : pages->kept_end;
    if (high - low > KEPT_MAX) {
      const zx_status_t st = zxp_pages_scrub_locked(pages);
      if (st != ZX_OK) {
        return st;
      }
      low = first;
      high = first + count;
    }
  }
  pages->kept_first = low;
  pages->kept_end = high;
  return zxp_page_map_set(&pages->map, first, count, ZXP_PAGE_EMPTY);
}

void zxp_pages_drop_clean_locked(struct zxp_pages* pages, uint64_t first, uint64_t count) {
  ZXP_ASSERT_HELD(&pages->tree->lock);
  if (pages->untracked && zxp_pages_settle_locked(pages, first, count) != ZX_OK) {
    return; /* No areas to stop stores with: better clean pages that stay than stores that don't. */
  }
  const uint64_t end = first + count;
  for (uint64_t page = zxp_page_map_next_present(&pages->map, first, end); page < end;
       page = zxp_page_map_next_present(&pages->map, page, end)) {
    enum zxp_page_state state;
    const uint64_t run = zxp_page_map_run(&pages->map, page, end - page, &state);
    if (state == ZXP_PAGE_CLEAN || state == ZXP_PAGE_MARKER) {
      /* Markers too: a load may have given them a page of zeros. */
      zxp_cow_changing_locked(pages, page, run);
      zxp_pages_release_locked(pages, page, run);
    }
    page += run;
  }
  zxp_page_map_drop_clean(&pages->map, first, count, NULL, NULL);
  if (pages->untracked) {
    zxp_pages_resume_locked(pages, first, count);
  }
}

zx_status_t zxp_pages_cut_locked(struct zxp_pages* pages, uint64_t first) {
  const uint64_t end = pages->size >> ZXP_PAGE_SHIFT;
  struct zxp_source* s = pages->source;
  ZXP_ASSERT_HELD(&pages->tree->lock);
  if (first >= end) {
    return ZX_OK;
  }
  if (pages->tracked || !zxp_list_empty(&pages->children)) {
    const zx_status_t st = zxp_cow_shrink_locked(pages, first);
    if (st != ZX_OK) {
      return st;
    }
  }
  if (s != NULL) {
    for (uint64_t page = first; page < end;) {
      enum zxp_page_state state;
      const uint64_t run = zxp_page_map_run(&pages->map, page, end - page, &state);
      if (state == ZXP_PAGE_EMPTY) {
        zxp_request_answered(&s->requests, ZXP_REQUEST_READ, page, run);
      }
      /* A page that is DIRTY was counted when it became so. */
      if (state != ZXP_PAGE_DIRTY) {
        zxp_request_answered(&s->requests, ZXP_REQUEST_DIRTY, page, run);
      }
      page += run;
    }
  }
  zxp_page_map_cut(&pages->map, first);
  zxp_pages_release_locked(pages, first, end - first);
  if (pages->kept_end > first) {
    pages->kept_end = first;
    pages->kept_first = first < pages->kept_first ? first : pages->kept_first;
  }
  return ZX_OK;
}

void zxp_pages_disown(struct zxp_pages* pages) {
  struct zxp_vmo_tree* tree = pages->tree;
  struct zxp_pages* root = NULL;
  struct zxp_source* s = NULL;
  zxp_vmo_tree_get(tree); /* The lock outlives the pages. */
  zxp_biased_lock(&tree->lock);
  if (--pages->owners == 0) {
    zxp_cow_leave_locked(pages, &root);
    if (root != NULL) {
      s = root->source;
      zxp_source_last_reference_locked(s);
      zxp_pages_free(root);
    }
  }
  zxp_biased_unlock(&tree->lock);
  if (s != NULL) {
    zxp_source_put(s);
  }
  zxp_vmo_tree_put(tree);
}
