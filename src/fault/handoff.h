/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handing the core over: how a loop thread of the library's own wakes the thread that it answers.
 *
 *   zxp_handoff   one loop thread: whether it hands over, whom it heard of last, since when it is
 *                 inside such a wake
 *
 * Waking a thread on a core that sleeps costs several times the rest of a page fault, and the
 * scheduler of Linux (6.18) prefers such a core to that of the waker. A core that runs nothing but
 * SCHED_IDLE counts as idle, though. So for the length of the one system call that wakes, the
 * waker makes itself SCHED_IDLE on the core where the thread was stopped: the thread goes on there
 * at once, the waker gets the core back when the thread stops again, finds the next fault waiting,
 * and nobody has slept. No code of the program ever runs like that.
 *
 *   zxp_handoff_begin();     // nothing, on any other thread
 *   ... the ioctl that wakes ...
 *   zxp_handoff_end();
 *
 * The price: if the thread computes on, or others want the core, the waker gets none of it, while
 * faults of other threads wait for it. The service thread looks after that (zxp_handoff_watch): a
 * waker that has been away for longer than WATCH_NS is made an ordinary thread again, and told so.
 * Whether to hand over at all is decided by loop/place.h, by what it measures.
 *
 * Needs the right to leave SCHED_IDLE again: CAP_SYS_NICE, or RLIMIT_NICE of 20.
 *
 * Lock: the list of loop threads has one of its own, a leaf. begin and end take none.
 */
#ifndef ZXP_FAULT_HANDOFF_H_
#define ZXP_FAULT_HANDOFF_H_

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <zircon/types.h>

#include "base/list.h"

/* (C) constant  (O) the loop thread's own  (A) atomic  (L) the list's lock */
struct zxp_handoff {
  struct zxp_list link;    /* (L) */
  pid_t tid;               /* (C) */
  bool on;                 /* (O) */
  pid_t faulter;           /* (O) the thread that the latest message is about; 0: unknown */
  uint64_t faults;         /* (O) messages read */
  _Atomic zx_time_t since; /* (A) inside a wake since then; 0: not */
  atomic_bool starved;     /* (A) was away for too long since this was looked at last */
};

/* Of the calling thread; NULL for all but the library's own loop threads. */
extern _Thread_local struct zxp_handoff* zxp_handoff_here;

/* Whether this process may hand over: tried once, on a thread for the purpose. */
bool zxp_handoff_possible(void);

/* On the loop thread, at its start and end. */
void zxp_handoff_enter(struct zxp_handoff* h);
void zxp_handoff_leave(struct zxp_handoff* h);

/* Goes to the core where `faulter` was last, if the thread may run there. True: it is there now and
 * was not before. */
bool zxp_handoff_follow(struct zxp_handoff* h);

void zxp_handoff_begin_on(struct zxp_handoff* h);
void zxp_handoff_end_on(struct zxp_handoff* h);

/* Whether the calling thread hands over. */
static inline bool zxp_handoff_on(void) { return zxp_handoff_here != NULL && zxp_handoff_here->on; }

static inline void zxp_handoff_begin(void) {
  if (zxp_handoff_on()) {
    zxp_handoff_begin_on(zxp_handoff_here);
  }
}

static inline void zxp_handoff_end(void) {
  if (zxp_handoff_on()) {
    zxp_handoff_end_on(zxp_handoff_here);
  }
}

/* Whether any loop thread hands over at present. */
bool zxp_handoff_any(void);
void zxp_handoff_set(struct zxp_handoff* h, bool on);

/* Of the service thread: helps whoever has been inside a wake for too long. */
void zxp_handoff_watch(zx_time_t now);

#endif /* ZXP_FAULT_HANDOFF_H_ */
