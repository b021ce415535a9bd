/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zx_vmo_op_range: commit, decommit, zero, hints, prefetch (docs/semantics/vmo.md 5, pager.md 3.6,
 * 8.6, writeback.md 8.3).
 */
#include <string.h>

#include "base/stats.h"
#include "vm/cow.h"
#include "vm/mapping.h"
#include "vm/page_source.h"
#include "vm/vmo.h"

/* Rounds outward; false if the end overflows. */
static bool round_outward(uint64_t offset, uint64_t length, uint64_t* first, uint64_t* end) {
  const uint64_t stop = offset + length;
  if (stop < offset || stop + ZXP_PAGE_MASK < stop) {
    return false;
  }
  *first = offset >> ZXP_PAGE_SHIFT;
  *end = (stop + ZXP_PAGE_MASK) >> ZXP_PAGE_SHIFT;
  return true;
}

static uint64_t size_pages(const struct zxp_pages* pages) { return pages->size >> ZXP_PAGE_SHIFT; }

/* ---- Commit, prefetch, always-need: one walk ---- */

enum walk {
  WALK_COMMIT,   /* real pages */
  WALK_PREFETCH, /* content, whatever stands for it */
  WALK_HINT,     /* as prefetch, stepping over failures */
};

/* Turns a run of zeros into pages of zeros in state `to`. */
static zx_status_t make_pages_locked(struct zxp_pages* pages, uint64_t first, uint64_t count,
                                     enum zxp_page_state to) {
  zx_status_t st = zxp_pages_reserve_locked(pages, first, count);
  if (st == ZX_OK) {
    st = zxp_pages_scrub_locked(pages);
  }
  if (st != ZX_OK) {
    return st;
  }
  if (to != ZXP_PAGE_DIRTY && pages->source == NULL) {
    zxp_pages_protect_locked(pages, first, count);
  }
  st = zxp_pages_allocate_locked(pages, first, count);
  return st != ZX_OK ? st : zxp_page_map_set(&pages->map, first, count, to);
}

/* Sees to it that the run, all in `state` and not absent, has pages of its own. May cut the run
 * short. */
static zx_status_t commit_run_locked(struct zxp_pages* pages, uint64_t first,
                                     enum zxp_page_state state, uint64_t* run) {
  if (pages->source == NULL && state == ZXP_PAGE_DIRTY) {
    return ZX_OK;
  }
  if (zxp_cow_is_child_locked(pages)) {
    *run = 1;
    return zxp_cow_fork_locked(pages, first, true);
  }
  if (pages->source != NULL && !zxp_page_state_resident(state)) {
    /* They get memory. Zeros that were stored to turn out to be DIRTY. */
    zxp_pages_protect_locked(pages, first, *run);
    *run = zxp_page_map_run(&pages->map, first, *run, &state);
  }
  switch (state) {
    case ZXP_PAGE_EMPTY:
      return make_pages_locked(pages, first, *run, ZXP_PAGE_DIRTY);
    case ZXP_PAGE_MARKER:
      return make_pages_locked(pages, first, *run,
                               pages->source != NULL ? ZXP_PAGE_CLEAN : ZXP_PAGE_DIRTY);
    case ZXP_PAGE_INTERVAL:
      ZXP_COUNT(dirtied_pages, *run);
      return make_pages_locked(pages, first, *run, ZXP_PAGE_DIRTY);
    default:
      return ZX_OK;
  }
}

static zx_status_t walk_range(struct zxp_pages* pages, enum walk how, const char* call,
                              uint64_t first, uint64_t end) {
  zx_status_t st = ZX_OK;
  struct zxp_access a;
  zxp_access_begin(&a, pages, call, false);
  struct zxp_source* s = pages->source;
  if (end > size_pages(pages)) {
    st = ZX_ERR_OUT_OF_RANGE;
  } else if (pages->discard.state == ZXP_DISCARD_DISCARDED && first < end) {
    st = ZX_ERR_NOT_FOUND;
  }
  while (st == ZX_OK) {
    /* What a shrink cut off meanwhile is dropped (8.5). */
    if (end > size_pages(pages)) {
      end = size_pages(pages);
    }
    if (first >= end) {
      break;
    }
    struct zxp_view v;
    zxp_cow_look_locked(pages, first, end - first, &v);
    if (v.content == ZXP_CONTENT_ABSENT) {
      st = zxp_access_wait_locked(&a, ZXP_REQUEST_READ, v.page, v.count);
      if (st != ZX_OK && how == WALK_HINT) {
        st = ZX_OK;
        first++;
      }
      continue;
    }
    uint64_t run = v.count;
    if (how == WALK_COMMIT) {
      enum zxp_page_state state;
      run = zxp_page_map_run(&pages->map, first, run, &state);
      if (state == ZXP_PAGE_INTERVAL && s->trap_dirty) {
        st = zxp_access_wait_locked(&a, ZXP_REQUEST_DIRTY, first, run);
        continue;
      }
      st = commit_run_locked(pages, first, state, &run);
    }
    first += run;
  }
  zxp_access_end(&a);
  return st;
}

zx_status_t zxp_pages_commit(struct zxp_pages* pages, uint64_t offset, uint64_t length) {
  uint64_t first;
  uint64_t end;
  return round_outward(offset, length, &first, &end)
             ? walk_range(pages, WALK_COMMIT, "ZX_VMO_OP_COMMIT", first, end)
             : ZX_ERR_OUT_OF_RANGE;
}

zx_status_t zxp_pages_prefetch(struct zxp_pages* pages, uint64_t offset, uint64_t length) {
  uint64_t first;
  uint64_t end;
  return round_outward(offset, length, &first, &end)
             ? walk_range(pages, WALK_PREFETCH, "ZX_VMO_OP_PREFETCH", first, end)
             : ZX_ERR_OUT_OF_RANGE;
}

zx_status_t zxp_pages_hint(struct zxp_pages* pages, bool always_need, uint64_t offset,
                           uint64_t length) {
  uint64_t first;
  uint64_t end;
  if (!round_outward(offset, length, &first, &end)) {
    return ZX_ERR_OUT_OF_RANGE;
  }
  if (always_need) {
    return walk_range(pages, WALK_HINT, "ZX_VMO_OP_ALWAYS_NEED", first, end);
  }
  zxp_pages_lock(pages);
  const bool inside = end <= size_pages(pages);
  zxp_pages_unlock(pages);
  return inside ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}

/* ---- Decommit ---- */

zx_status_t zxp_pages_decommit(const struct zxp_vmo* vmo, uint64_t offset, uint64_t length) {
  struct zxp_pages* pages = vmo->pages;
  zx_status_t st = ZX_OK;
  zxp_pages_lock(pages);
  if (offset > pages->size || length > pages->size - offset) {
    st = ZX_ERR_OUT_OF_RANGE;
  } else if (length == 0) {
    st = ZX_OK;
  } else if (pages->root_source != NULL || zxp_vmo_is_cow_relative_locked(vmo)) {
    st = ZX_ERR_NOT_SUPPORTED; /* vmo.md 5 note 1 */
  } else if (((offset | length) & ZXP_PAGE_MASK) != 0) {
    st = ZX_ERR_INVALID_ARGS;
  } else {
    st = zxp_pages_zero_whole_locked(pages, offset >> ZXP_PAGE_SHIFT, length >> ZXP_PAGE_SHIFT);
  }
  zxp_pages_unlock(pages);
  return st;
}

/* ---- Zero ---- */

/* Zeroes bytes inside one page; the page may have to be asked for. */
static zx_status_t zero_part_locked(struct zxp_access* a, uint64_t offset, uint64_t length) {
  struct zxp_pages* pages = a->pages;
  const uint64_t page = offset >> ZXP_PAGE_SHIFT;
  for (;;) {
    if (offset + length > pages->size) {
      return ZX_ERR_OUT_OF_RANGE;
    }
    zx_status_t st = zxp_pages_harvest_locked(pages, page, 1);
    if (st != ZX_OK) {
      return st;
    }
    struct zxp_view v;
    zxp_cow_look_locked(pages, page, 1, &v);
    if (v.content == ZXP_CONTENT_ZERO && (v.owner == pages || v.owner->hidden)) {
      return ZX_OK; /* Zeros already, and nothing is dirtied (writeback.md 8.3 rule 4). */
    }
    if (v.content == ZXP_CONTENT_ZERO) {
      /* Zeros of a lazy parent, which may write to them: from now on they are its own. */
      return zxp_cow_zero_locked(pages, page, 1);
    }
    uint64_t ready;
    bool slept;
    st = zxp_access_prepare_write_locked(a, page, 1, &ready, &slept);
    if (st != ZX_OK) {
      return st;
    }
    if (!slept) {
      memset(zxp_pages_bytes_locked(pages, page) + (offset & ZXP_PAGE_MASK), 0, length);
      if (pages->source != NULL) {
        pages->source->modified = true;
      }
      return ZX_OK;
    }
  }
}

zx_status_t zxp_pages_zero(struct zxp_pages* pages, uint64_t offset, uint64_t length) {
  zx_status_t st = ZX_OK;
  uint64_t end = offset + length;
  struct zxp_access a;
  zxp_access_begin(&a, pages, "ZX_VMO_OP_ZERO", false);
  if (offset > pages->size || length > pages->size - offset) {
    st = ZX_ERR_OUT_OF_RANGE;
    goto out;
  }
  if (length == 0) {
    goto out;
  }
  /* Head, then tail, then the whole pages between (8.6). */
  const uint64_t head = offset & ZXP_PAGE_MASK;
  if (head != 0) {
    const uint64_t n = length < ZXP_PAGE_SIZE - head ? length : ZXP_PAGE_SIZE - head;
    st = zero_part_locked(&a, offset, n);
    if (st != ZX_OK) {
      goto out;
    }
    offset += n;
  }
  const uint64_t tail = end & ZXP_PAGE_MASK;
  if (offset < end && tail != 0) {
    st = zero_part_locked(&a, end - tail, tail);
    if (st != ZX_OK) {
      goto out;
    }
    end -= tail;
  }
  if (offset < end) {
    st = end > pages->size ? ZX_ERR_OUT_OF_RANGE
                           : zxp_pages_zero_whole_locked(pages, offset >> ZXP_PAGE_SHIFT,
                                                         (end - offset) >> ZXP_PAGE_SHIFT);
  }
out:
  zxp_access_end(&a);
  return st;
}
