/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/biased_lock.h"

#include <sched.h>
#include <time.h>

/* Quiet holds before the bias comes (back). Taking it away costs about as much as two holds, so
 * however often that happens, it is a small part of them. */
#define QUIET_HOLDS 16

/* Visits in a row that look for writers and find none before the bias goes, to come back as
 * READS. */
#define UNMET_VISITS 256

/* Waiting for a visit: most are over within the first; a thread that is not running needs the
 * processor, and then perhaps time. */
#define WAIT_SPINS  64
#define WAIT_YIELDS 64
#define WAIT_SLEEP  50000 /* ns; a visit that lasts has a page fault or worse to wait for */

void zxp_biased_init(struct zxp_biased_lock* l, enum zxp_rank rank) {
  zxp_quick_lock_init(&l->mutex, rank);
  atomic_init(&l->bias, ZXP_BIAS_NONE);
  l->quiet = 0;
}

static void wait_turn(unsigned turn) {
  if (turn < WAIT_SPINS) {
    zxp_cpu_relax();
  } else if (turn < WAIT_SPINS + WAIT_YIELDS) {
    sched_yield();
  } else {
    nanosleep(&(struct timespec){.tv_nsec = WAIT_SLEEP}, NULL);
  }
}

void zxp_biased_revoke(struct zxp_biased_lock* l) {
  ZXP_ASSERT_HELD(l);
  atomic_store(&l->bias, ZXP_BIAS_NONE);
  l->quiet = 0;
  const unsigned count = zxp_visitor_count();
  for (unsigned i = 0; i < count; i++) {
    for (unsigned turn = 0; atomic_load(&zxp_visitors[i].lock) == (uintptr_t)l; turn++) {
      wait_turn(turn);
    }
  }
}

bool zxp_biased_try_lock(struct zxp_biased_lock* l) {
  if (!zxp_quick_trylock(&l->mutex)) {
    return false;
  }
  if (atomic_load_explicit(&l->bias, memory_order_relaxed) == ZXP_BIAS_NONE) {
    return true;
  }
  const unsigned bias = atomic_exchange(&l->bias, ZXP_BIAS_NONE);
  bool alone = true;
  const unsigned count = zxp_visitor_count();
  for (unsigned i = 0; i < count; i++) {
    alone = alone && atomic_load(&zxp_visitors[i].lock) != (uintptr_t)l;
  }
  if (alone) {
    l->quiet = 0;
  } else {
    /* Who comes next has to know that somebody may be in. */
    atomic_store(&l->bias, bias);
    zxp_quick_unlock(&l->mutex);
  }
  return alone;
}

void zxp_biased_lock_pair(struct zxp_biased_lock* a, struct zxp_biased_lock* b) {
  zxp_quick_lock_pair(&a->mutex, &b->mutex);
  struct zxp_biased_lock* const both[] = {a, b};
  for (int i = 0; i < 2; i++) {
    if (atomic_load_explicit(&both[i]->bias, memory_order_relaxed) != ZXP_BIAS_NONE) {
      zxp_biased_revoke(both[i]);
    }
  }
}

void zxp_biased_unlock_pair(struct zxp_biased_lock* a, struct zxp_biased_lock* b) {
  zxp_quick_unlock_pair(&a->mutex, &b->mutex);
}

void zxp_biased_quiet(struct zxp_biased_lock* l, bool writes) {
  ZXP_ASSERT_HELD(l);
  if (++l->quiet >= QUIET_HOLDS) {
    /* Release: a visitor that sees it sees all that was changed before. */
    atomic_store_explicit(&l->bias, writes ? ZXP_BIAS_WRITES : ZXP_BIAS_READS,
                          memory_order_release);
  }
}

/* ---- Visits ---- */

/*
 * Whether another visit stands in the way of `me`. What is read of a place may be of two visits, if
 * its thread leaves and comes back meanwhile; but then it came after `me` and looks itself.
 */
static bool meets_another(struct zxp_biased_lock* l, struct zxp_visitor* me, uintptr_t of,
                          uint64_t first, uint64_t end, bool writes) {
  bool writers = writes;
  const unsigned count = zxp_visitor_count();
  for (unsigned i = 0; i < count; i++) {
    struct zxp_visitor* v = &zxp_visitors[i];
    if (v == me || atomic_load(&v->lock) != (uintptr_t)l) {
      continue;
    }
    const bool other_writes = atomic_load_explicit(&v->writes, memory_order_relaxed);
    writers = writers || other_writes;
    if ((writes || other_writes) && atomic_load_explicit(&v->of, memory_order_relaxed) == of &&
        atomic_load_explicit(&v->first, memory_order_relaxed) < end &&
        atomic_load_explicit(&v->end, memory_order_relaxed) > first) {
      return true;
    }
  }
  me->unmet = writers ? 0 : me->unmet + 1;
  if (me->unmet >= UNMET_VISITS) {
    /* Nobody writes any more: by the lock, once, and there will be nothing to look for. */
    me->unmet = 0;
    return true;
  }
  return false;
}

/* Whether the visit that is on record in `v` may go ahead. */
static bool may_visit(struct zxp_biased_lock* l, struct zxp_visitor* v, uintptr_t of,
                      uint64_t first, uint64_t end, bool writes) {
  unsigned bias = atomic_load(&l->bias);
  if (writes && bias == ZXP_BIAS_READS &&
      atomic_compare_exchange_strong(&l->bias, &bias, ZXP_BIAS_WRITES)) {
    bias = ZXP_BIAS_WRITES;
  }
  return bias == ZXP_BIAS_READS ||
         (bias == ZXP_BIAS_WRITES && !meets_another(l, v, of, first, end, writes));
}

struct zxp_visitor* zxp_biased_visit(struct zxp_biased_lock* l, const void* of, uint64_t first,
                                     uint64_t end, bool writes) {
  if (atomic_load_explicit(&l->bias, memory_order_relaxed) == ZXP_BIAS_NONE) {
    return NULL;
  }
  struct zxp_visitor* v = zxp_visitor_self();
  if (v == NULL || atomic_load_explicit(&v->lock, memory_order_relaxed) != 0) {
    return NULL;
  }
  atomic_store_explicit(&v->of, (uintptr_t)of, memory_order_relaxed);
  atomic_store_explicit(&v->first, first, memory_order_relaxed);
  atomic_store_explicit(&v->end, end, memory_order_relaxed);
  atomic_store_explicit(&v->writes, writes, memory_order_relaxed);
  atomic_store(&v->lock, (uintptr_t)l);
  if (!may_visit(l, v, (uintptr_t)of, first, end, writes)) {
    atomic_store_explicit(&v->lock, 0, memory_order_release);
    return NULL;
  }
#if ZXP_DEBUG
  zxp_rank_acquire(l, l->mutex.rank, false);
#endif
  return v;
}

void zxp_biased_leave(struct zxp_biased_lock* l, struct zxp_visitor* v) {
#if ZXP_DEBUG
  zxp_rank_release(l);
#else
  (void)l;
#endif
  /* Release: what was read and written in there comes before what the next holder does. */
  atomic_store_explicit(&v->lock, 0, memory_order_release);
}
