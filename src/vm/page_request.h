/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Outstanding page requests of one pager root: who asked for what, and who waits.
 *
 *   zxp_request_set   all outstanding requests of a root; READ and DIRTY are kept apart
 *   zxp_request       one outstanding request: a range of pages, how many are unanswered, its
 *                     waiters. Requests of one kind never overlap.
 *   zxp_waiter        one blocked access: a thread in a call of the library, or a thread stopped in
 *                     a page fault. Lives in the memory of whoever waits (a stack frame, a fault
 *                     record).
 *
 * The walk of a read of an absent page, tree lock held throughout but for the sleep:
 *
 *   1. The access finds page p EMPTY and computes the range it would like: [p, e).
 *   2. zxp_request_ask trims the range, joins an outstanding request or makes a new one (pager.md
 *      5.1), and puts the waiter on it. A new one is announced: ops->announce queues its packet.
 *   3. The access drops the lock and sleeps.
 *   4. The pager answers. zxp_request_answered takes the pages off the pending count of every
 *      request they meet (5.2); at zero ops->withdraw takes an unread packet back, ops->wake wakes
 *      each waiter with ZX_OK, and the request is freed. Or zxp_request_fail ends them with an
 *      error (6).
 *   5. The access takes the lock and looks at the page again from the start.
 *
 * A waiter that was woken is on no request any more (waiter->request is NULL).
 *
 * Pure bookkeeping, tested without userfaultfd. Counts requests made and joined (base/stats.h);
 * what becomes of packets and waiters the ops count. Lock: the tree lock of the root; ops run under
 * it, and don't call back into the set.
 */
#ifndef ZXP_VM_PAGE_REQUEST_H_
#define ZXP_VM_PAGE_REQUEST_H_

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <zircon/types.h>

#include "base/list.h"
#include "base/tree.h"

struct zxp_request_set;
struct zxp_request;
struct zxp_waiter;

enum zxp_request_kind {
  ZXP_REQUEST_READ,
  ZXP_REQUEST_DIRTY,
  ZXP_REQUEST_KINDS,
};

struct zxp_request_ops {
  /* A new request: queue its packet. */
  void (*announce)(struct zxp_request_set* set, struct zxp_request* request);
  /* The request ends: take its packet back if nobody has read it. The request is freed
   * afterwards. */
  void (*withdraw)(struct zxp_request_set* set, struct zxp_request* request);
  /*
   * The waiter is released: ZX_OK, look again; else the error it gets. It has been taken off its
   * request; its memory may be gone as soon as this returns.
   * `early` (pager.md 5.4): the waiter stays on the request, is only told to copy what there is.
   */
  void (*wake)(struct zxp_request_set* set, struct zxp_waiter* waiter, zx_status_t status,
               bool early);
};

/* All (T): guarded by the tree lock. */
struct zxp_request_set {
  const struct zxp_request_ops* ops;           /* (C) */
  struct zxp_tree by_first[ZXP_REQUEST_KINDS]; /* requests, by first page */
  struct zxp_request* spare;                   /* one that has ended, for the next; NULL: none */
};

struct zxp_request {
  struct zxp_tree_node node; /* key: first page */
  enum zxp_request_kind kind;
  uint64_t count;            /* pages of the range */
  uint64_t pending;          /* pages not answered yet; 0 only while ending */
  struct zxp_list waiters;   /* struct zxp_waiter.link, the one that made it first */
  struct zxp_list slot_link; /* for the announcer's queue; guarded by the announcer's lock */
  atomic_bool taken;         /* (A) for the announcer: the packet has been read; dumps look too */
};

struct zxp_waiter {
  struct zxp_list link;
  struct zxp_request* request; /* NULL: waits for nothing */
  uint64_t next;               /* first page it still needs */
  uint64_t end;                /* one past the last page it waits for */
  bool partial;                /* a zx_vmo_read, or DIRTY for a stream: wakes early (5.4) */
  bool eager; /* a page fault: ends with its own range, since the kernel lets the thread
                                  go on as soon as the page is there. Set after zxp_waiter_init. */
};

void zxp_request_set_init(struct zxp_request_set* set, const struct zxp_request_ops* ops);

/* Nothing may be outstanding. */
void zxp_request_set_destroy(struct zxp_request_set* set);

void zxp_waiter_init(struct zxp_waiter* w, bool partial);

/*
 * Section 5.1 of pager.md: asks for [first, first + count) on behalf of `w`. Joins or makes a
 * request and leaves `w` on it, with w->next = first and w->end the end of what it waits for
 * (trimmed). Errors: ZX_ERR_NO_MEMORY; then nothing has changed.
 */
zx_status_t zxp_request_ask(struct zxp_request_set* set, enum zxp_request_kind kind,
                            struct zxp_waiter* w, uint64_t first, uint64_t count);

/*
 * Section 5.2, 5.4: the pages of [first, first + count) have just been answered, each of them a
 * page that was not so before (callers pass runs of pages that changed).
 */
void zxp_request_answered(struct zxp_request_set* set, enum zxp_request_kind kind, uint64_t first,
                          uint64_t count);

/*
 * Section 6: ends every request of either kind that meets the range, in full. Waiters whose own
 * range (from `next` on) meets the failed range wake with `status`, others with ZX_OK. Returns how
 * many requests ended.
 */
size_t zxp_request_fail(struct zxp_request_set* set, uint64_t first, uint64_t count,
                        zx_status_t status);

/* Ends every request of `kind`; each waiter wakes with `status` (detach passes ZX_OK: look
 * again). */
void zxp_request_end_all(struct zxp_request_set* set, enum zxp_request_kind kind,
                         zx_status_t status);

/* Section 5.5: the waiter gives up. The request goes, withdrawn, when it was the last. Harmless
 * when it waits for nothing. */
void zxp_request_leave(struct zxp_request_set* set, struct zxp_waiter* w);

/* The waiter has copied up to `next`: what early waking (5.4) and failing (6) compare against.
 * Nothing else moves it: a run that comes before the waiter has moved wakes nobody, and need
 * not. */
static inline void zxp_waiter_advance(struct zxp_waiter* w, uint64_t next) { w->next = next; }

static inline struct zxp_request* zxp_request_of(struct zxp_tree_node* n) {
  return n == NULL ? NULL : ZXP_CONTAINER_OF(n, struct zxp_request, node);
}

/* Whether no request of this kind stands. */
static inline bool zxp_request_none(const struct zxp_request_set* set, enum zxp_request_kind kind) {
  return zxp_tree_empty(&set->by_first[kind]);
}

/* For tests, dumps and debug assertions: ranges disjoint, pending right, waiters consistent. */
bool zxp_request_set_check(const struct zxp_request_set* set);

#endif /* ZXP_VM_PAGE_REQUEST_H_ */
