/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making pages ready for an access: asking the pager, waiting, committing, dirtying.
 */
#include <string.h>

#include "base/clock.h"
#include "base/stats.h"
#include "vm/cow.h"
#include "vm/page_source.h"
#include "vm/vmo.h"

void zxp_access_begin(struct zxp_access* a, struct zxp_pages* pages, const char* call,
                      bool partial) {
  memset(a, 0, sizeof *a);
  zxp_waiter_init(&a->blocked.w, partial);
  zxp_list_init(&a->blocked.link);
  zxp_wake_init(&a->blocked.event);
  a->blocked.source = zxp_pages_root_source(pages);
  a->blocked.call = call;
  a->pages = pages;
  a->partial = partial;
  zxp_pages_lock(pages);
}

void zxp_access_end(struct zxp_access* a) {
  if (a->blocked.w.request != NULL) {
    zxp_request_leave(&a->blocked.source->requests, &a->blocked.w);
  }
  zxp_pages_unlock(a->pages);
}

void zxp_access_unlock(struct zxp_access* a) { zxp_pages_unlock(a->pages); }
void zxp_access_lock(struct zxp_access* a) { zxp_pages_lock(a->pages); }

zx_status_t zxp_access_wait_locked(struct zxp_access* a, enum zxp_request_kind kind, uint64_t first,
                                   uint64_t count) {
  struct zxp_blocked* b = &a->blocked;
  struct zxp_source* s = a->blocked.source;
  ZXP_ASSERT_HELD(&a->pages->tree->lock);
  ZXP_ASSERT(s != NULL);

  a->changed = true;
  if (a->failed != ZX_OK) {
    return a->failed;
  }
  if (b->w.request != NULL && (b->w.request->kind != kind || first >= b->w.end)) {
    zxp_request_leave(&s->requests, &b->w);
  }
  if (b->w.request != NULL) {
    zxp_waiter_advance(&b->w, first);
  } else {
    if (!zxp_source_attached_locked(s)) {
      return ZX_ERR_BAD_STATE;
    }
    b->w.partial = a->partial || (a->stream && kind == ZXP_REQUEST_DIRTY);
    const zx_status_t st = zxp_request_ask(&s->requests, kind, &b->w, first, count);
    if (st != ZX_OK) {
      return st;
    }
    b->kind = kind;
    b->tid = zxp_gettid();
    b->since = zxp_clock_now();
  }
  zxp_wake_reset(&b->event);
  zxp_blocked_add(b);
  zxp_pages_unlock(a->pages);
  zxp_wake_wait(&b->event, ZX_TIME_INFINITE);
  zxp_blocked_remove(b);
  zxp_pages_lock(a->pages);
  if (!a->stream) {
    return b->early ? ZX_OK : b->status;
  }
  if (b->early) {
    if (kind == ZXP_REQUEST_DIRTY) {
      /* A stream's write goes on with a part that was answered, and asks again for the rest. */
      zxp_request_leave(&s->requests, &b->w);
    }
  } else {
    /* A part may have been answered before the rest failed: the caller looks first. */
    a->failed = b->status;
  }
  return ZX_OK;
}

/* The write of a page that the pager has to agree to: how many pages one DIRTY request covers. */
static uint64_t dirty_request_run(struct zxp_pages* pages, uint64_t page, uint64_t limit) {
  uint64_t n = 0;
  while (n < limit) {
    enum zxp_page_state st;
    const uint64_t run = zxp_page_map_run(&pages->map, page + n, limit - n, &st);
    if (st == ZXP_PAGE_EMPTY || st == ZXP_PAGE_DIRTY) {
      break;
    }
    n += run;
  }
  return n;
}

static void zero_stale_locked(struct zxp_pages* pages, uint64_t page) {
  if (zxp_pages_stale_locked(pages, page)) {
    memset(zxp_pages_bytes_locked(pages, page), 0, ZXP_PAGE_SIZE);
  }
}

/* A copy-on-write child: waits for the root's page if need be, then gets a page of its own. */
static zx_status_t prepare_child(struct zxp_access* a, uint64_t page, uint64_t most,
                                 uint64_t* ready, bool* slept) {
  struct zxp_view v;
  zxp_cow_look_locked(a->pages, page, most, &v);
  if (v.content == ZXP_CONTENT_ABSENT) {
    *slept = true;
    return zxp_access_wait_locked(a, ZXP_REQUEST_READ, v.page, v.count);
  }
  zxp_cow_changing_locked(a->pages, page, 1);
  const zx_status_t st = zxp_cow_fork_locked(a->pages, page, true);
  if (st == ZX_OK) {
    *ready = 1;
  }
  return st;
}

zx_status_t zxp_access_prepare_write_locked(struct zxp_access* a, uint64_t page, uint64_t limit,
                                            uint64_t* ready, bool* slept) {
  struct zxp_pages* pages = a->pages;
  struct zxp_source* s = pages->source;
  ZXP_ASSERT_HELD(&pages->tree->lock);
  *slept = false;
  a->fresh = false;

  enum zxp_page_state st;
  uint64_t run = zxp_page_map_run(&pages->map, page, limit, &st);
  if (st == ZXP_PAGE_DIRTY) {
    zxp_cow_changing_locked(pages, page, run);
    *ready = run;
    return ZX_OK;
  }
  a->changed = true;
  const uint64_t most = limit < ZXP_WRITE_REQUEST_PAGES ? limit : ZXP_WRITE_REQUEST_PAGES;
  if (zxp_cow_is_child_locked(pages)) {
    return prepare_child(a, page, most, ready, slept);
  }
  if (s != NULL && st == ZXP_PAGE_EMPTY) {
    *slept = true;
    return zxp_access_wait_locked(a, ZXP_REQUEST_READ, page, run < most ? run : most);
  }
  if (s != NULL && s->trap_dirty) {
    *slept = true;
    return zxp_access_wait_locked(a, ZXP_REQUEST_DIRTY, page, dirty_request_run(pages, page, most));
  }
  /* Nobody has to be asked: the pages become dirty now, before bytes are copied (writeback.md
   * 4). */
  zx_status_t status = zxp_pages_reserve_locked(pages, page, run);
  if (status != ZX_OK) {
    return status;
  }
  if (st == ZXP_PAGE_EMPTY) {
    /* Old bytes where the write may cover the page in part only; between the edges it covers
     * all. */
    zero_stale_locked(pages, page);
    zero_stale_locked(pages, page + run - 1);
  }
  if (s != NULL && !zxp_page_state_resident(st)) {
    /* They get memory here, and the first store through each mapping has to be noticed all the
     * same (writeback.md 4). */
    zxp_pages_protect_locked(pages, page, run);
  }
  status = zxp_page_map_set(&pages->map, page, run, ZXP_PAGE_DIRTY);
  if (status != ZX_OK) {
    return status;
  }
  if (s != NULL) {
    ZXP_COUNT(dirtied_pages, run);
  }
  /* Those that a supply has taken have kept their memory. */
  a->fresh = !zxp_page_state_resident(st) && (page < pages->kept_first || page >= pages->kept_end);
  zxp_cow_changing_locked(pages, page, run);
  *ready = run;
  return ZX_OK;
}
