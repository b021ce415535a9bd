/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocked accesses: which thread waits for which page, and how to let it go on.
 *
 * Two sorts of thread wait for a pager: one inside a call of the library, which sleeps on an event
 * and whose record is on its stack, and one that the kernel stopped in a page fault, whose record
 * the fault engine allocates when it reads the message. Both hang on page requests by the same
 * zxp_waiter.
 *
 * A table by thread id finds the record of a thread: to tell a repeated message of a thread that is
 * known to wait (any signal it handles makes it fault again) from a second waiter, and for dumps.
 *
 * Lock: the tree lock of the source guards a record's state; blocked.lock (ZXP_RANK_BLOCKED) the
 * table.
 */
#ifndef ZXP_VM_BLOCKED_H_
#define ZXP_VM_BLOCKED_H_

#include <stdint.h>
#include <sys/types.h>
#include <zircon/types.h>

#include "base/list.h"
#include "base/wake.h"
#include "vm/page_request.h"

struct zxp_channel;
struct zxp_source;

/* (C) constant once waiting  (T) tree lock of the source  (B) blocked.lock */
struct zxp_blocked {
  struct zxp_waiter w;        /* (T) first member */
  struct zxp_list link;       /* (B) in the table */
  struct zxp_source* source;  /* (C) whose request it waits for */
  pid_t tid;                  /* (C) */
  zx_time_t since;            /* (C) when it began to wait, for dumps */
  const char* call;           /* (C) the call it sleeps in; NULL: stopped in a page fault */
  enum zxp_request_kind kind; /* (C) */
  /* In a call: */
  struct zxp_wake event;
  zx_status_t status; /* (T) what the wait ended with */
  bool early;         /* (T) woken to copy what there is; still on its request */
  /* In a page fault: */
  uintptr_t address;           /* (C) the byte touched, if the kernel says; else its page */
  uint64_t seq;                /* (T) number of its latest message, see fault/resolve.h */
  uint64_t done;               /* (T) the tick after that was read, see fault/wakes.h */
  struct zxp_channel* channel; /* (C) of the source's port, which the source holds */
  bool writes;                 /* (C) */
};

/* The calling thread's id, cached. */
pid_t zxp_gettid(void);

/* Puts the record into the table, and takes it out. */
void zxp_blocked_add(struct zxp_blocked* b);
void zxp_blocked_remove(struct zxp_blocked* b);

/*
 * The record of a thread that is stopped in a page fault, or NULL. The result may be looked into
 * only with the tree lock of its source held; `*source` gets that source with a reference (may be
 * NULL).
 */
struct zxp_blocked* zxp_blocked_find(pid_t tid, struct zxp_source** source);

/* False: the thread was on no record just now. No lock is taken. */
bool zxp_blocked_maybe(pid_t tid);

/* A thread that is stopped in a page fault, and the byte it touched. */
struct zxp_blocked_at {
  pid_t tid;
  uintptr_t address;
};

/* Threads stopped at the page (its address) in this channel: up to `max`; how many. */
size_t zxp_blocked_at_page(const struct zxp_channel* channel, uintptr_t page,
                           struct zxp_blocked_at* out, size_t max);

/* Whether the thread waits for a pager, in a call or a fault. */
bool zxp_blocked_is_waiting(pid_t tid);

/* Calls `visit` for each record with blocked.lock held; for dumps. */
void zxp_blocked_for_each(void (*visit)(void* context, const struct zxp_blocked* b), void* context);

#endif /* ZXP_VM_BLOCKED_H_ */
