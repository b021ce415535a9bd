/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of fault/, and vm/mapping.c, know of a channel; see channel.h. */
#ifndef ZXP_FAULT_CHANNEL_PRIVATE_H_
#define ZXP_FAULT_CHANNEL_PRIVATE_H_

#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/quick_lock.h"
#include "fault/channel.h"
#include "vm/vmo.h"

/* (C) constant  (A) atomic  (L) channels.lock  (S) service thread */
struct zxp_channel {
  struct zxp_channel* main;         /* (C) itself; of a twin the channel that it belongs to */
  struct zxp_channel* _Atomic twin; /* (A) main: set once, with L held; NULL: not needed so far */
  atomic_uint refs;    /* (A) main: the port, each mapping, who has found it by its id */
  uint64_t id;         /* (C) never reused; what the service thread finds it by */
  int uffd;            /* (C) -1: made for a loop where userfaultfd is not to be had */
  int packet_fd;       /* (C) eventfd, a semaphore: one count wakes one waiter; twin: -1 */
  int epoll_fd;        /* (C) over both, and the twin's userfaultfd; twin: -1 */
  atomic_bool polled;  /* (A) a loop polls the descriptors itself */
  bool twin_first;     /* the loop's thread: faults came from the twin last */
  unsigned serves;     /* the loop's thread: how often it has served */
  atomic_bool kicked;  /* (A) packet_fd may hold counts; what a loop looks at before it reads */
  atomic_int loop_tid; /* (A) the thread of that loop, 0 without */
  /* (A) threads asleep on epoll_fd; and, in ZXP_CHANNEL_SERVED each, how often one stopped waiting,
   * or a loop came by, to do something */
  _Atomic uint64_t servers;
  bool timed;        /* (S) see service.c; the service thread's own */
  uint32_t seen;     /* (S) how often they had served when the service thread looked last */
  zx_time_t seen_at; /* (S) when it had changed */
  struct zxp_quick_lock read_lock; /* held while reading and numbering messages, nothing else */
  struct zxp_list link;            /* (L) in the list of channels */
};

#define ZXP_CHANNEL_SERVED (UINT64_C(1) << 32)

static inline void zxp_channel_get(struct zxp_channel* c) {
  atomic_fetch_add_explicit(&c->main->refs, 1, memory_order_relaxed);
}

/* Whether it is a twin: stores to protected pages stop nobody. */
static inline bool zxp_channel_is_async(const struct zxp_channel* c) { return c->main != c; }

/* Drops a reference; the last closes the descriptors. Nobody is stopped in it then, and no area is
 * registered with it. No lock above ZXP_RANK_CHANNEL may be held. */
void zxp_channel_put(struct zxp_channel* c);

/* The channel of a port for a mapping, with a reference; NULL: the one for faults that never need a
 * pager (copy-on-write of VMOs without one). `async`: its twin, if that can be had. Errors as
 * zxp_channel_of_port, and ZX_ERR_NOT_SUPPORTED where this process cannot have a userfaultfd that
 * serves (zxp_probe says why). */
zx_status_t zxp_channel_for_mappings(struct zxp_port* port, bool async, struct zxp_channel** out);

/* Reads every message that waits, then resolves them in order. False: there was none. */
bool zxp_channel_read_faults(struct zxp_channel* c);

/* Messages read from now on, in any channel, have this number or a larger one. */
uint64_t zxp_channel_last_message(void);

/* ---- fault/service.c ---- */

/* The service thread stands by for this channel from now on. channels.lock held. */
zx_status_t zxp_service_watch_locked(struct zxp_channel* c);

/* A channel has gone; the thread ends when it was the last. channels.lock held. */
void zxp_service_unwatch_locked(void);

/* The channel with this id, with a reference, or NULL. */
struct zxp_channel* zxp_channel_find(uint64_t id);

/* Whether there is any channel that faults come from; channels.lock held. */
bool zxp_channels_left_locked(void);
void zxp_channels_lock(void);
void zxp_channels_unlock(void);

/* References to up to `max` channels in the mode TIMED; how many. */
size_t zxp_channels_timed(struct zxp_channel** out, size_t max);

/* epoll_wait with a deadline to the nanosecond; Linux 5.11, else to the next millisecond. */
int zxp_channel_epoll_wait(int epoll_fd, struct epoll_event* events, int max, zx_time_t deadline);

/* ---- fault/raise.c ---- */

/*
 * Raises SIGBUS with `address` in a thread that is stopped in a page fault at it, and in no other;
 * see raise.c for the ways. `pages` (NULL: gone) is what it touched; its tree lock is held, so no
 * answer can overtake. The thread is not stopped any more afterwards.
 */
void zxp_raise_bus_error(struct zxp_pages* pages, struct zxp_channel* c, pid_t tid,
                         uintptr_t address);

/* Whether the thread has been released into a SIGBUS since the message with this number was read:
 * then it does not wait for what the message says any more, or will say so again when it is woken.
 */
bool zxp_raised_since(pid_t tid, uint64_t seq);

/* Installs the library's own signal handler, once; see raise.c. */
void zxp_raise_init(void);

#endif /* ZXP_FAULT_CHANNEL_PRIVATE_H_ */
