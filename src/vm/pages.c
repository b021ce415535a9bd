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

void zxp_pages_protect_locked(struct zxp_pages* pages, uint64_t first, uint64_t count) {
  ZXP_ASSERT_HELD(&pages->tree->lock);
  ZXP_LIST_FOREACH(it, &pages->mappings) {
    zxp_mapping_write_protect_locked(ZXP_CONTAINER_OF(it, struct zxp_mapping, pages_link), first,
                                     count, true);
  }
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

static bool page_is_zero(const unsigned char* bytes) {
  /* Zero at the front and equal to itself shifted: memcmp does the walking. */
  return bytes[0] == 0 && memcmp(bytes, bytes + 1, ZXP_PAGE_SIZE - 1) == 0;
}

/*
 * A page that is all zeros stays EMPTY: whether it was only read, or written with zeros, cannot be
 * told apart here. The consequence is a `committed_bytes` too small by such pages, as after
 * Zircon's own scanner for zero pages.
 */
#define HARVEST_DIRECT 16

/* Of arena pages that have memory or may be given some: those with bytes in them become DIRTY. */
static zx_status_t harvest_data_locked(struct zxp_pages* pages, uint64_t first, uint64_t arena_page,
                                       uint64_t count) {
  for (uint64_t n = 0; n < count;) {
    uint64_t run = 0;
    while (n + run < count && !page_is_zero(zxp_arena_view(arena_page + n + run))) {
      run++;
    }
    if (run > 0) {
      const zx_status_t st = zxp_page_map_set(&pages->map, first + n, run, ZXP_PAGE_DIRTY);
      if (st != ZX_OK) {
        return st;
      }
    }
    n += run + 1; /* The page behind the run is zero. */
  }
  return ZX_OK;
}

static zx_status_t harvest_run_locked(struct zxp_pages* pages, uint64_t first, uint64_t arena_page,
                                      uint64_t count) {
  /* A few pages are looked at straight away: two system calls cost more than a page for each hole.
   * So are those of a transfer VMO, which keep their memory. Not where mappings trap by now: a hole
   * that got a page would be writable in them unseen. */
  const bool kept = first >= pages->kept_first && first + count <= pages->kept_end;
  if (!pages->tracked && (count <= HARVEST_DIRECT || kept)) {
    return harvest_data_locked(pages, first, arena_page, count);
  }
  uint64_t data = arena_page;
  uint64_t n = 0;
  for (uint64_t at = arena_page, end = arena_page + count; at < end; at = data + n) {
    if (!zxp_arena_next_data(at, end - at, &data, &n)) {
      break;
    }
    const zx_status_t st = harvest_data_locked(pages, first + (data - arena_page), data, n);
    if (st != ZX_OK) {
      return st;
    }
  }
  return ZX_OK;
}

zx_status_t zxp_pages_harvest_locked(struct zxp_pages* pages, uint64_t first, uint64_t count) {
  ZXP_ASSERT_HELD(&pages->tree->lock);
  if (!pages->untracked) {
    return ZX_OK;
  }
  const uint64_t end = first + count;
  for (uint64_t page = first; page < end;) {
    enum zxp_page_state state;
    uint64_t run = zxp_page_map_run(&pages->map, page, end - page, &state);
    if (state == ZXP_PAGE_EMPTY) {
      uint64_t arena_page = 0;
      if (zxp_extents_find(&pages->storage->extents, page, run, &arena_page, &run)) {
        const zx_status_t st = harvest_run_locked(pages, page, arena_page, run);
        if (st != ZX_OK) {
          return st;
        }
      }
    }
    page += run;
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
