/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Page sources: the link between a pager root, its pager, and the port that gets its packets.
 *
 *   zxp_source   one per root, made by zx_pager_create_vmo, bound for life to pager, port and key
 *
 * A source keeps the outstanding requests (vm/page_request.h) and the packet slot: a root has at
 * most one packet in its port at a time (pager.md 9.1). Further requests wait behind the slot in
 * order of making, and the next is queued at the port's tail when the packet is taken or withdrawn.
 *
 * Walk: zxp_request_ask announces a new request -> put behind the slot -> slot idle: packet queued
 * -> a thread in zx_port_wait takes it: the next request moves into the slot -> the pager answers:
 * zxp_request_answered withdraws (nothing to take back any more) and wakes the waiters.
 *
 * The life of a root as its pager sees it:
 *
 *   ATTACHED --- detach, last reference ---> DETACHED   COMPLETE is sent, once
 *      |                                        |
 *      '--------- last pager handle ------------'-----> CUT   nothing is sent any more, unread
 *                                                             packets are taken back, COMPLETE too
 *
 * Locks: the tree lock (T) guards requests and state; port.lock (P) the slot, so that the next
 * request can move up at the moment of receipt; pager.lock (G) the pager's list.
 */
#ifndef ZXP_VM_PAGE_SOURCE_H_
#define ZXP_VM_PAGE_SOURCE_H_

#include <stdatomic.h>
#include <stdio.h>

#include "object/port.h"
#include "vm/blocked.h"
#include "vm/page_request.h"

struct zxp_pages;
struct zxp_pager;
struct zxp_vmo_tree;

enum zxp_source_state {
  ZXP_SOURCE_ATTACHED,
  ZXP_SOURCE_DETACHED,
  ZXP_SOURCE_CUT,
};

struct zxp_source {
  atomic_uint refs;            /* (A) its pages, a queued COMPLETE, who looks at it */
  struct zxp_pager* pager;     /* (C) holds a reference */
  struct zxp_port* port;       /* (C) holds a reference */
  struct zxp_vmo_tree* tree;   /* (C) holds a reference; the lock, also after the pages are gone */
  uint64_t key;                /* (C) */
  bool trap_dirty;             /* (C) */
  struct zxp_pages* pages;     /* (T) NULL after the last object that showed them */
  enum zxp_source_state state; /* (T) */
  uint64_t ended_seq; /* (T) number of the next fault message when it was detached or cut off */
  bool modified;      /* (T) writeback.md 4 */
  struct zxp_request_set requests; /* (T) */
  struct zxp_list pager_link;      /* (G) */

  /*
   * (T) The range of addresses that the answer under way has woken already, by installing the pages
   * in them: waiters there need no system call of their own. Empty outside of an answer.
   */
  struct zxp_channel* woken_channel;
  uintptr_t woken_from;
  uintptr_t woken_to;

  struct zxp_blocked* spare_record; /* (T) of a fault that has been answered, for the next; or
                                     * NULL */

  struct zxp_port_node node;   /* (P) the packet slot */
  struct zxp_request* in_slot; /* (P) the request whose packet is queued */
  bool complete_in_slot;       /* (P) COMPLETE is queued */
  bool complete_pending;       /* (P) COMPLETE waits for the slot */
  bool silent;                 /* (P) pager closed: send nothing any more */
  struct zxp_list waiting;     /* (P) requests behind the slot, struct zxp_request.slot_link */
};

/* A source for a root that is being made; one reference. Takes references to pager and port. */
zx_status_t zxp_source_create(struct zxp_pager* pager, struct zxp_port* port, uint64_t key,
                              bool trap_dirty, struct zxp_source** out);

static inline void zxp_source_get(struct zxp_source* s) {
  atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
}
void zxp_source_put(struct zxp_source* s);

/* Binds the source to its pages, which now own the caller's reference, and to the pager's list. */
void zxp_source_bind(struct zxp_source* s, struct zxp_pages* pages);

/* Whether requests may still be made. Tree lock. */
static inline bool zxp_source_attached_locked(const struct zxp_source* s) {
  return s->state == ZXP_SOURCE_ATTACHED;
}

/* Cuts the source off its pager (8.1, 8.3): ends every request, queues COMPLETE if `complete`.
 * Clean pages are the caller's to drop. Harmless if cut off already. Tree lock. */
void zxp_source_detach_locked(struct zxp_source* s, bool complete);

/* The pager is closed: as above, no COMPLETE, and what is queued is taken back. Tree lock. */
void zxp_source_cut_locked(struct zxp_source* s);

/* The pages are going away (8.2). Tree lock. */
void zxp_source_last_reference_locked(struct zxp_source* s);

/* Text about requests and waiters, for dumps; tree lock. */
void zxp_source_dump_locked(struct zxp_source* s, FILE* out);

/* What releases a thread that is stopped in a page fault; provided by fault/. Tree lock held.
 * `status` as in zxp_request_ops.wake. Frees the record. */
void zxp_fault_release(struct zxp_source* s, struct zxp_blocked* b, zx_status_t status);

#endif /* ZXP_VM_PAGE_SOURCE_H_ */
