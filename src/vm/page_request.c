/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm/page_request.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/stats.h"

/*
 * The order in which a request ends, and why (end_request):
 *
 *   1. It leaves the tree. Nobody joins it any more; an access that looks now makes a new one.
 *   2. ops->withdraw takes its packet out of the announcer's hands. The packet of the next request
 * of this root may be queued by that, so it happens before anyone is told to look again.
 *   3. Each waiter is taken off the list, and only then woken: its memory may be gone by the time
 *      ops->wake returns, so nothing of it is read afterwards, nor any link that leads through it.
 *   4. The request is freed, or kept for the next.
 *
 * No op may call back into the set. Walks find their next request anew by page number all the same,
 * so that no pointer into the tree is kept while an op runs.
 */

static uint64_t request_end(const struct zxp_request* r) { return r->node.key + r->count; }

static uint64_t end_of(uint64_t first, uint64_t count) {
  return count > UINT64_MAX - first ? UINT64_MAX : first + count;
}

static struct zxp_waiter* waiter_of(struct zxp_list* link) {
  return ZXP_CONTAINER_OF(link, struct zxp_waiter, link);
}

/* The request with the smallest end above `page`, or NULL. */
static struct zxp_request* ending_after(const struct zxp_request_set* set,
                                        enum zxp_request_kind kind, uint64_t page) {
  struct zxp_request* r = zxp_request_of(zxp_tree_floor(&set->by_first[kind], page));
  if (r == NULL) {
    return zxp_request_of(zxp_tree_first(&set->by_first[kind]));
  }
  return request_end(r) > page ? r : zxp_request_of(zxp_tree_next(&r->node));
}

static struct zxp_request* new_request(struct zxp_request_set* set) {
  struct zxp_request* r = set->spare;
  set->spare = NULL;
  return r != NULL ? r : malloc(sizeof *r); /* calloc() of glibc 2.36 goes past its cache */
}

static void free_request(struct zxp_request_set* set, struct zxp_request* r) {
  free(set->spare);
  set->spare = r;
}

static void unlist(struct zxp_request_set* set, struct zxp_request* r) {
  zxp_tree_remove(&set->by_first[r->kind], &r->node);
  set->ops->withdraw(set, r);
  ZXP_DEBUG_ASSERT(zxp_list_empty(&r->slot_link));
}

/* Waiters whose own range meets [first, end) wake with `status`, the others with ZX_OK. */
static void end_request(struct zxp_request_set* set, struct zxp_request* r, uint64_t first,
                        uint64_t end, zx_status_t status) {
  unlist(set, r);
  for (struct zxp_list* link; (link = zxp_list_pop_front(&r->waiters)) != NULL;) {
    struct zxp_waiter* const w = waiter_of(link);
    const bool meets = w->next < end && w->end > first;
    w->request = NULL;
    set->ops->wake(set, w, meets ? status : ZX_OK, false);
  }
  free_request(set, r);
}

void zxp_request_set_init(struct zxp_request_set* set, const struct zxp_request_ops* ops) {
  set->ops = ops;
  set->spare = NULL;
  for (int kind = 0; kind < ZXP_REQUEST_KINDS; kind++) {
    zxp_tree_init(&set->by_first[kind]);
  }
}

void zxp_request_set_destroy(struct zxp_request_set* set) {
  for (int kind = 0; kind < ZXP_REQUEST_KINDS; kind++) {
    ZXP_ASSERT(zxp_tree_empty(&set->by_first[kind]));
  }
  free(set->spare);
}

void zxp_waiter_init(struct zxp_waiter* w, bool partial) {
  zxp_list_init(&w->link);
  w->request = NULL;
  w->next = w->end = 0;
  w->partial = partial;
  w->eager = false;
}

zx_status_t zxp_request_ask(struct zxp_request_set* set, enum zxp_request_kind kind,
                            struct zxp_waiter* w, uint64_t first, uint64_t count) {
  ZXP_ASSERT(w->request == NULL);
  ZXP_ASSERT(count > 0 && count <= UINT64_MAX - first);
  uint64_t end = first + count;
  struct zxp_request* r = ending_after(set, kind, first);
  const bool joins = r != NULL && r->node.key <= first;
  if (joins) {
    end = end < request_end(r) ? end : request_end(r);
    ZXP_COUNT(joined, 1);
  } else {
    if (r != NULL && r->node.key < end) {
      end = r->node.key;
    }
    r = new_request(set);
    if (r == NULL) {
      return ZX_ERR_NO_MEMORY;
    }
    *r = (struct zxp_request){.kind = kind};
    r->count = r->pending = end - first;
    zxp_list_init(&r->waiters);
    zxp_list_init(&r->slot_link);
    zxp_tree_insert(&set->by_first[kind], &r->node, first);
  }
  w->next = first;
  w->end = end;
  w->request = r;
  zxp_list_push_back(&r->waiters, &w->link);
  if (!joins) {
    set->ops->announce(set, r);
  }
  return ZX_OK;
}

/* Early waking (pager.md 5.4): the run [first, end) of a request that stands has been answered.
 * Only a run that starts where the first waiter has got to is of use to it; readers behind it go
 * along if the run is not wholly before what they need. Writes of streams go on each by itself with
 * the page that they have got to (objects.md 11.4). */
static void wake_early(struct zxp_request_set* set, struct zxp_request* r, uint64_t first,
                       uint64_t end) {
  const struct zxp_waiter* const maker = waiter_of(r->waiters.next);
  const bool dirty = r->kind == ZXP_REQUEST_DIRTY;
  if (!dirty && (!maker->partial || maker->next != first)) {
    return;
  }
  ZXP_LIST_FOREACH_SAFE(link, &r->waiters) {
    struct zxp_waiter* const w = waiter_of(link);
    if (w->partial && end > w->next && (!dirty || first <= w->next)) {
      set->ops->wake(set, w, ZX_OK, true);
    }
  }
}

/*
 * Faults whose page is in the run [first, end) of a request that stands: the page is there, so the
 * thread may be gone already, and must not be told of what becomes of the rest. True if nobody is
 * left, and with them the request.
 */
static bool release_eager(struct zxp_request_set* set, struct zxp_request* r, uint64_t first,
                          uint64_t end) {
  ZXP_LIST_FOREACH_SAFE(link, &r->waiters) {
    struct zxp_waiter* const w = waiter_of(link);
    if (w->eager && w->next >= first && w->end <= end) {
      zxp_list_remove(&w->link);
      w->request = NULL;
      set->ops->wake(set, w, ZX_OK, false);
    }
  }
  if (!zxp_list_empty(&r->waiters)) {
    return false;
  }
  unlist(set, r);
  free_request(set, r);
  return true;
}

void zxp_request_answered(struct zxp_request_set* set, enum zxp_request_kind kind, uint64_t first,
                          uint64_t count) {
  const uint64_t end = end_of(first, count);
  for (uint64_t page = first; page < end;) {
    struct zxp_request* const r = ending_after(set, kind, page);
    if (r == NULL || r->node.key >= end) {
      return;
    }
    const uint64_t run_first = r->node.key > page ? r->node.key : page;
    const uint64_t run_end = request_end(r) < end ? request_end(r) : end;
    page = run_end;
    /* A page that was answered, dropped and answered again while the request stands counts twice:
     * the request ends early, and whoever still lacks a page asks anew. */
    if (run_end - run_first >= r->pending) {
      r->pending = 0;
      end_request(set, r, 0, UINT64_MAX, ZX_OK);
    } else {
      r->pending -= run_end - run_first;
      if (!release_eager(set, r, run_first, run_end)) {
        wake_early(set, r, run_first, run_end);
      }
    }
  }
}

size_t zxp_request_fail(struct zxp_request_set* set, uint64_t first, uint64_t count,
                        zx_status_t status) {
  const uint64_t end = end_of(first, count);
  size_t ended = 0;
  for (int kind = 0; kind < ZXP_REQUEST_KINDS; kind++) {
    for (uint64_t page = first; page < end;) {
      struct zxp_request* const r = ending_after(set, (enum zxp_request_kind)kind, page);
      if (r == NULL || r->node.key >= end) {
        break;
      }
      page = request_end(r);
      end_request(set, r, first, end, status);
      ended++;
    }
  }
  return ended;
}

void zxp_request_end_all(struct zxp_request_set* set, enum zxp_request_kind kind,
                         zx_status_t status) {
  struct zxp_request* r;
  for (uint64_t page = 0; (r = ending_after(set, kind, page)) != NULL;) {
    page = request_end(r);
    end_request(set, r, 0, UINT64_MAX, status);
  }
}

void zxp_request_leave(struct zxp_request_set* set, struct zxp_waiter* w) {
  struct zxp_request* const r = w->request;
  if (r == NULL) {
    return;
  }
  zxp_list_remove(&w->link);
  w->request = NULL;
  if (zxp_list_empty(&r->waiters)) {
    unlist(set, r);
    free_request(set, r);
  }
}

bool zxp_request_set_check(const struct zxp_request_set* set) {
  for (int kind = 0; kind < ZXP_REQUEST_KINDS; kind++) {
    if (!zxp_tree_check(&set->by_first[kind])) {
      return false;
    }
    uint64_t before_end = 0;
    for (struct zxp_tree_node* n = zxp_tree_first(&set->by_first[kind]); n != NULL;
         n = zxp_tree_next(n)) {
      const struct zxp_request* const r = zxp_request_of(n);
      if ((int)r->kind != kind || n->key < before_end || request_end(r) <= n->key ||
          r->pending == 0 || r->pending > r->count || zxp_list_empty(&r->waiters)) {
        return false;
      }
      before_end = request_end(r);
      ZXP_LIST_FOREACH(link, &r->waiters) {
        const struct zxp_waiter* const w = waiter_of(link);
        if (w->request != r || w->next < n->key || w->next > w->end || w->end > before_end) {
          return false;
        }
      }
    }
  }
  return true;
}
