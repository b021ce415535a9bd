/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The library's locks and their order.
 *
 * Every lock in the library is one of the kinds below and is taken downwards only: a thread that
 * holds a lock takes locks of a higher rank. Debug builds check the rank on each acquire.
 *
 * Four kinds: zxp_mutex here; zxp_quick_lock (base/quick_lock.h) for a few instructions at a time;
 * zxp_rwlock (base/rwlock.h), which readers share; zxp_biased_lock (base/biased_lock.h), which
 * threads that change nothing only visit. A visit has the rank of its lock, too.
 *
 *   rank              lock                 guards
 *   ZXP_RANK_STREAM   stream.lock          a stream's seek offset, for the length of an operation
 *   ZXP_RANK_CONTENT  zxp_content_claim    changes of a VMO's size and content size, for the length
 *                                          of an operation (vm/content_size.h; not a mutex)
 *   ZXP_RANK_ASPACE   aspace.lock          the tree of regions and mappings (read/write lock)
 *   ZXP_RANK_TREE     tree.lock            one VMO tree: sizes, page states, extents, children, the
 *                                          mappings of its VMOs, its outstanding page requests.
 *                                          Two trees: lower address first. A zxp_biased_lock.
 *   ZXP_RANK_BLOCKED  blocked.lock         which thread is stopped at which address
 *   ZXP_RANK_CHANNEL  channels.lock        the fault channels there are, and the service thread
 *   ZXP_RANK_PAGER    pager.lock           a pager's list of sources
 *   ZXP_RANK_OBJECT   object.lock          signals and observers of one object
 *   ZXP_RANK_PORT_TAKE port.take_lock      user packets that a receiver has moved over for others
 *   ZXP_RANK_PORT     port.lock            a port's queue, its observers, the packet slot and the
 *                                          waiting requests of each page source bound to it
 *   ZXP_RANK_TABLE    handle table lock    free slots of the handle table
 *   ZXP_RANK_LEAF     everything else      locks inside which no other lock is taken (allocator of
 *                                          the arena, list of fault channels, log, places of
 *                                          visitors)
 *
 * No lock is held while user memory in the root region is touched, while waiting for a pager, or
 * while user code (a callback) runs; but the first two, which are there to make an operation of a
 * stream wait for another one as a whole. Neither is taken by a transfer that stands for an access
 * to the caller's memory, nor by a page fault.
 */
#ifndef ZXP_BASE_LOCK_H_
#define ZXP_BASE_LOCK_H_

#include <pthread.h>
#include <stdbool.h>

#include "base/assert.h"

enum zxp_rank {
  ZXP_RANK_STREAM = 1,
  ZXP_RANK_CONTENT,
  ZXP_RANK_ASPACE,
  ZXP_RANK_TREE,
  ZXP_RANK_BLOCKED,
  ZXP_RANK_CHANNEL,
  ZXP_RANK_PAGER,
  ZXP_RANK_OBJECT,
  ZXP_RANK_PORT_TAKE,
  ZXP_RANK_PORT,
  ZXP_RANK_TABLE,
  ZXP_RANK_LEAF,
};

struct zxp_mutex {
  pthread_mutex_t m;
#if ZXP_DEBUG
  enum zxp_rank rank; /* fixed at init */
#endif
};

#if ZXP_DEBUG
#define ZXP_MUTEX_INITIALIZER(r) \
  { .m = PTHREAD_MUTEX_INITIALIZER, .rank = (r) }
#else
#define ZXP_MUTEX_INITIALIZER(r) \
  { .m = PTHREAD_MUTEX_INITIALIZER }
#endif

void zxp_mutex_init(struct zxp_mutex* m, enum zxp_rank rank);
void zxp_mutex_destroy(struct zxp_mutex* m);

#if ZXP_DEBUG
/* Bookkeeping of the calling thread's locks; see lock.c. */
void zxp_rank_acquire(const void* lock, enum zxp_rank rank, bool same_rank_ok);
void zxp_rank_note(const void* lock, enum zxp_rank rank); /* held, by a try that cannot deadlock */
void zxp_rank_release(const void* lock);
bool zxp_rank_held(const void* lock);
#endif

static inline void zxp_mutex_lock(struct zxp_mutex* m) {
#if ZXP_DEBUG
  zxp_rank_acquire(m, m->rank, false);
#endif
  pthread_mutex_lock(&m->m);
}

/* For dumps and debuggers: takes the lock if it is free. */
static inline bool zxp_mutex_try_lock(struct zxp_mutex* m) {
  if (pthread_mutex_trylock(&m->m) != 0) {
    return false;
  }
#if ZXP_DEBUG
  zxp_rank_note(m, m->rank);
#endif
  return true;
}

static inline void zxp_mutex_unlock(struct zxp_mutex* m) {
#if ZXP_DEBUG
  zxp_rank_release(m);
#endif
  pthread_mutex_unlock(&m->m);
}

/* Locks two mutexes of one rank, lower address first; once if they are the same. */
void zxp_mutex_lock_pair(struct zxp_mutex* a, struct zxp_mutex* b);
void zxp_mutex_unlock_pair(struct zxp_mutex* a, struct zxp_mutex* b);

/* In every `_locked` function: the caller holds this lock. Free in release builds. */
#if ZXP_DEBUG
#define ZXP_ASSERT_HELD(lock) ZXP_ASSERT(zxp_rank_held(lock))
#else
#define ZXP_ASSERT_HELD(lock) ((void)(lock))
#endif

#endif /* ZXP_BASE_LOCK_H_ */
