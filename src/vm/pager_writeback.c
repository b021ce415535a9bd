/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Dirty tracking as the pager sees it: OP_DIRTY, OP_WRITEBACK_BEGIN and END, the query for dirty
 * ranges (docs/semantics/writeback.md 5, 6).
 */
#include <stdlib.h>
#include <zircon/syscalls-next.h>

#include "base/stats.h"
#include "vm/cow.h"
#include "vm/mapping.h"
#include "vm/page_source.h"
#include "vm/pager.h"

static bool inside(const struct zxp_pages* root, uint64_t offset, uint64_t length) {
  return offset <= root->size && length <= root->size - offset;
}

/* Whether no page of the range is EMPTY. */
static bool all_present_locked(struct zxp_pages* root, uint64_t first, uint64_t count) {
  for (uint64_t page = first, end = first + count; page < end;) {
    enum zxp_page_state state;
    const uint64_t run = zxp_page_map_run(&root->map, page, end - page, &state);
    if (state == ZXP_PAGE_EMPTY) {
      return false;
    }
    page += run;
  }
  return true;
}

/*
 * Gives the zeros in the range memory: a page that is DIRTY now is CLEAN later, and then a touch of
 * it must not look like that of a page that was never there.
 */
static zx_status_t back_zeros_locked(struct zxp_pages* root, uint64_t first, uint64_t count) {
  zx_status_t st = zxp_pages_reserve_locked(root, first, count);
  for (uint64_t page = first, end = first + count; st == ZX_OK && page < end;) {
    enum zxp_page_state state;
    const uint64_t run = zxp_page_map_run(&root->map, page, end - page, &state);
    if (!zxp_page_state_resident(state)) {
      /* Protected before it is there: OP_DIRTY is no store, and the first one has to be noticed
       * (writeback.md 9, consequence 4). */
      zxp_pages_protect_locked(root, page, run);
      st = zxp_pages_allocate_locked(root, page, run);
    }
    page += run;
  }
  return st;
}

struct page_run {
  uint64_t first;
  uint64_t count;
};

/* The runs of the range that are not DIRTY; their number. `out` may be NULL to count. */
static size_t undirty_runs_locked(struct zxp_pages* root, uint64_t first, uint64_t count,
                                  struct page_run* out) {
  size_t n = 0;
  bool open = false;
  for (uint64_t page = first, end = first + count; page < end;) {
    enum zxp_page_state state;
    const uint64_t run = zxp_page_map_run(&root->map, page, end - page, &state);
    if (state == ZXP_PAGE_DIRTY) {
      open = false;
    } else if (open) {
      if (out != NULL) {
        out[n - 1].count += run;
      }
    } else {
      if (out != NULL) {
        out[n] = (struct page_run){.first = page, .count = run};
      }
      n++;
      open = true;
    }
    page += run;
  }
  return n;
}

/* The usual case: pages that are there, unchanged, have memory and nothing of zero intervals. False
 * if they are anything else. */
static bool dirty_clean_locked(struct zxp_pages* root, uint64_t first, uint64_t count,
                               zx_status_t* st) {
  enum zxp_page_state state;
  if (count == 0 || zxp_page_map_run(&root->map, first, count, &state) != count ||
      state != ZXP_PAGE_CLEAN) {
    return false;
  }
  *st = zxp_page_map_set(&root->map, first, count, ZXP_PAGE_DIRTY);
  if (*st == ZX_OK) {
    ZXP_COUNT(dirtied_pages, count);
    zxp_request_answered(&root->source->requests, ZXP_REQUEST_DIRTY, first, count);
  }
  return true;
}

/* Makes every page of the range DIRTY, or none; answers the requests of those that were not. */
static zx_status_t dirty_runs_locked(struct zxp_pages* root, uint64_t first, uint64_t count) {
  struct page_run few[8];
  struct page_run* runs = few;
  const size_t n = undirty_runs_locked(root, first, count, NULL);
  if (n > sizeof few / sizeof few[0]) {
    runs = malloc(n * sizeof *runs);
    if (runs == NULL) {
      return ZX_ERR_NO_MEMORY;
    }
  }
  undirty_runs_locked(root, first, count, runs);
  const zx_status_t st =
      n == 0 ? ZX_OK : zxp_page_map_set(&root->map, first, count, ZXP_PAGE_DIRTY);
  for (size_t i = 0; st == ZX_OK && i < n; i++) {
    /* The second look finds the same n runs as the first, which the analyzer can't know. */
    /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) */
    ZXP_COUNT(dirtied_pages, runs[i].count);
    zxp_request_answered(&root->source->requests, ZXP_REQUEST_DIRTY, runs[i].first, runs[i].count);
  }
  if (runs != few) {
    free(runs);
  }
  return st;
}

zx_status_t zxp_pager_dirty(struct zxp_pages* root, uint64_t offset, uint64_t length) {
  struct zxp_source* s = root->source;
  const uint64_t first = offset >> ZXP_PAGE_SHIFT;
  uint64_t count = length >> ZXP_PAGE_SHIFT;
  zx_status_t st = ZX_OK;
  if (!s->trap_dirty) {
    return ZX_ERR_NOT_SUPPORTED;
  }
  zxp_pages_lock(root);
  if (offset > root->size || offset + length < offset) {
    zxp_pages_unlock(root);
    return ZX_ERR_OUT_OF_RANGE;
  }
  if (!inside(root, offset, length)) {
    st = ZX_ERR_OUT_OF_RANGE;
    count = (root->size - offset) >> ZXP_PAGE_SHIFT;
  } else if (!zxp_source_attached_locked(s)) {
    st = ZX_ERR_BAD_STATE;
  } else if (dirty_clean_locked(root, first, count, &st)) {
    zxp_pages_unlock(root);
    return st;
  } else if (!all_present_locked(root, first, count)) {
    st = ZX_ERR_NOT_FOUND;
  } else if (count > 0) {
    st = back_zeros_locked(root, first, count);
  }
  if (st != ZX_OK) {
    /* An answer that fails still answers: the waiters look again (5.3). */
    if (count > 0) {
      zxp_request_answered(&s->requests, ZXP_REQUEST_DIRTY, first, count);
    }
    zxp_pages_unlock(root);
    return st;
  }
  st = dirty_runs_locked(root, first, count);
  zxp_pages_unlock(root);
  return st;
}

zx_status_t zxp_pager_writeback_begin(struct zxp_pages* root, uint64_t offset, uint64_t length,
                                      bool zero) {
  const uint64_t first = offset >> ZXP_PAGE_SHIFT;
  const uint64_t end = first + (length >> ZXP_PAGE_SHIFT);
  zx_status_t st = ZX_OK;
  zxp_pages_lock(root);
  if (!inside(root, offset, length)) {
    st = ZX_ERR_OUT_OF_RANGE;
  } else if (length > 0) {
    st = zxp_pages_harvest_locked(root, first, end - first);
  }
  if (st == ZX_OK && length > 0) {
    /* Protect, then change the state: a store that faults meanwhile waits for the lock and finds
     * the page as it is after BEGIN (writeback.md 9, 6). The harvest has done so where stores do
     * not trap. */
    for (uint64_t page = first; page < end;) {
      enum zxp_page_state state;
      const uint64_t run = zxp_page_map_run(&root->map, page, end - page, &state);
      if (state == ZXP_PAGE_DIRTY) {
        zxp_pages_protect_trapping_locked(root, page, run);
      }
      page += run;
    }
    zxp_page_map_writeback_begin(&root->map, first, end - first, zero);
  }
  zxp_pages_unlock(root);
  return st;
}

static void emptied(void* context, uint64_t first, uint64_t count) {
  zxp_cow_changing_locked(context, first, count);
  /* A load may have given the zeros memory; an EMPTY page must be a hole, or touching it would not
   * ask. */
  zxp_pages_release_locked(context, first, count);
}

/* Whether a zero interval in the range has memory: a mapping was shown its zeros. */
static bool zeros_shown_locked(struct zxp_pages* root, uint64_t first, uint64_t count) {
  for (uint64_t page = first, end = first + count; page < end;) {
    enum zxp_page_state state;
    uint64_t run = zxp_page_map_run(&root->map, page, end - page, &state);
    uint64_t arena_page = 0;
    uint64_t data;
    uint64_t n;
    if (state == ZXP_PAGE_INTERVAL &&
        zxp_extents_find(&root->storage->extents, page, run, &arena_page, &run) &&
        zxp_arena_next_data(arena_page, run, &data, &n)) {
      return true;
    }
    page += run;
  }
  return false;
}

zx_status_t zxp_pager_writeback_end(struct zxp_pages* root, uint64_t offset, uint64_t length) {
  const uint64_t first = offset >> ZXP_PAGE_SHIFT;
  const uint64_t count = length >> ZXP_PAGE_SHIFT;
  zx_status_t st = ZX_OK;
  zxp_pages_lock(root);
  if (!inside(root, offset, length)) {
    st = ZX_ERR_OUT_OF_RANGE;
  } else if (length > 0) {
    /* Stores are stopped where pages are given up; elsewhere a later one is found later. */
    const bool settle = root->untracked && zeros_shown_locked(root, first, count);
    st = settle ? zxp_pages_settle_locked(root, first, count)
                : zxp_pages_harvest_locked(root, first, count);
    if (st == ZX_OK) {
      zxp_page_map_writeback_end(&root->map, first, count, emptied, root);
    }
    if (st == ZX_OK && settle) {
      zxp_pages_resume_locked(root, first, count);
    }
  }
  zxp_pages_unlock(root);
  return st;
}

zx_status_t zxp_pager_harvest(struct zxp_pages* root, uint64_t offset, uint64_t end) {
  zx_status_t st = ZX_OK;
  zxp_pages_lock(root);
  end = end < root->size ? end : root->size;
  if (offset < end) {
    st = zxp_pages_harvest_locked(root, offset >> ZXP_PAGE_SHIFT, (end - offset) >> ZXP_PAGE_SHIFT);
  }
  zxp_pages_unlock(root);
  return st;
}

zx_status_t zxp_pager_query_stats(struct zxp_pages* root, bool reset, bool* modified) {
  zxp_pages_lock(root);
  const zx_status_t st = zxp_pages_harvest_locked(root, 0, root->size >> ZXP_PAGE_SHIFT);
  *modified = root->source->modified;
  if (reset && st == ZX_OK) {
    root->source->modified = false;
  }
  zxp_pages_unlock(root);
  return st;
}

size_t zxp_pager_query_dirty(struct zxp_pages* root, uint64_t* cursor, uint64_t end, void* entries,
                             size_t max) {
  zx_vmo_dirty_range_t* out = entries;
  const uint64_t end_page = end >> ZXP_PAGE_SHIFT;
  size_t n = 0;
  zxp_pages_lock(root);
  uint64_t page = *cursor >> ZXP_PAGE_SHIFT;
  while (n < max && page < end_page) {
    uint64_t first;
    uint64_t count;
    bool zero;
    if (!zxp_page_map_next_dirty(&root->map, page, end_page, &first, &count, &zero)) {
      page = end_page;
      break;
    }
    out[n++] = (zx_vmo_dirty_range_t){
        .offset = first << ZXP_PAGE_SHIFT,
        .length = count << ZXP_PAGE_SHIFT,
        .options = zero ? ZX_VMO_DIRTY_RANGE_IS_ZERO : 0,
    };
    page = first + count;
  }
  *cursor = page << ZXP_PAGE_SHIFT;
  zxp_pages_unlock(root);
  return n;
}
