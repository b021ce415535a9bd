/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A mutex for those who change things, which most of the time costs those who do not nothing that
 * they would have to share. (The idea is known as BRAVO.)
 *
 *   lock    exclusive: nobody else is in
 *   look    for sizes, names and the like: excludes other holders of the mutex, not visits
 *   visit   reads the structures, and reads or writes bytes of a range that they lead to. Visits
 *           of ranges that overlap do not meet if one of them writes.
 *
 * While the lock is *biased* a visit takes place in the thread's own cache line (base/visitor.h),
 * with no lock held; the next exclusive holder takes the bias away and waits until those who are in
 * have left. It comes back after some exclusive holds in a row that could have been visits.
 *
 *   NONE -> READS           quiet: enough holds that only read
 *   NONE, READS -> WRITES   quiet: enough holds, the last of which wrote; a visit that writes
 *   READS, WRITES -> NONE   lock
 *
 * With READS a visit looks at nobody: there is no writer. With WRITES each looks for one that it
 * would meet, and gives up if it finds one; two that find each other both give up. Whoever gives
 * up, or is not let in, takes the lock.
 *
 *   struct zxp_visitor* v = zxp_biased_visit(&tree->lock, pages, first, end, false);
 *   if (v != NULL) {
 *     ... copy, with no lock taken in between ...
 *     zxp_biased_leave(&tree->lock, v);
 *   } else {
 *     zxp_biased_lock(&tree->lock);
 *     ... the same ...
 *     zxp_biased_quiet(&tree->lock, false);
 *     zxp_biased_unlock(&tree->lock);
 *   }
 *
 * A visit takes no lock and waits for nobody, but it may touch the caller's memory (outside the
 * root region), so it may take long and even never end: a signal handler that jumps out of a copy
 * leaves the visit open until its thread ends, as it would leave a mutex locked. Other visits go on
 * then, the next change waits.
 *
 * It has a rank like every other lock, and visits are checked like locks.
 */
#ifndef ZXP_BASE_BIASED_LOCK_H_
#define ZXP_BASE_BIASED_LOCK_H_

#include <stdatomic.h>

#include "base/quick_lock.h"
#include "base/visitor.h"

enum zxp_bias {
  ZXP_BIAS_NONE,
  ZXP_BIAS_READS,
  ZXP_BIAS_WRITES
};

struct zxp_biased_lock {
  struct zxp_quick_lock mutex; /* first: the lock's address is what ranks are kept by */
  atomic_uint bias; /* enum zxp_bias; with the mutex held, but READS to WRITES by a visit */
  unsigned quiet;   /* guarded by mutex: quiet holds since the bias went */
};

void zxp_biased_init(struct zxp_biased_lock* l, enum zxp_rank rank);

/* Takes the bias away; the mutex is held. */
void zxp_biased_revoke(struct zxp_biased_lock* l);

static inline void zxp_biased_lock(struct zxp_biased_lock* l) {
  zxp_quick_lock(&l->mutex);
  if (atomic_load_explicit(&l->bias, memory_order_relaxed) != ZXP_BIAS_NONE) {
    zxp_biased_revoke(l);
  }
}

static inline void zxp_biased_look(struct zxp_biased_lock* l) { zxp_quick_lock(&l->mutex); }

/* For dumps: takes the lock if it is to be had at once, with nobody in. */
bool zxp_biased_try_lock(struct zxp_biased_lock* l);

/* Ends lock and look. */
static inline void zxp_biased_unlock(struct zxp_biased_lock* l) { zxp_quick_unlock(&l->mutex); }

/* Locks two of one rank, lower address first; once if they are the same. */
void zxp_biased_lock_pair(struct zxp_biased_lock* a, struct zxp_biased_lock* b);
void zxp_biased_unlock_pair(struct zxp_biased_lock* a, struct zxp_biased_lock* b);

/* Before unlock: this hold could have been a visit, one that wrote or not. */
void zxp_biased_quiet(struct zxp_biased_lock* l, bool writes);

/* Comes in to use [first, end) of `of`, some part of what the lock guards; numbers are the
 * caller's. NULL: not now. */
struct zxp_visitor* zxp_biased_visit(struct zxp_biased_lock* l, const void* of, uint64_t first,
                                     uint64_t end, bool writes);
void zxp_biased_leave(struct zxp_biased_lock* l, struct zxp_visitor* v);

#endif /* ZXP_BASE_BIASED_LOCK_H_ */
