/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A lock that many hold at once who only read, or one who writes; for a lock that each page fault
 * reads: a third of the cost of the C library's when nobody writes.
 *
 * Readers go first, as with the C library's: a writer gets in when there is none. No recursion, no
 * timeouts. It has a rank like every other lock, and is checked in the same way.
 *
 * The word:
 *
 *   31      30         29             0
 *   held    sleepers   readers
 *
 *   held       a writer has it
 *   sleepers   somebody may sleep until the word changes
 *   readers    those who have it, and, while a writer does, those who will when he is done
 */
#ifndef ZXP_BASE_RWLOCK_H_
#define ZXP_BASE_RWLOCK_H_

#include <stdatomic.h>

#include "base/lock.h"

struct zxp_rwlock {
  atomic_uint word;
#if ZXP_DEBUG
  enum zxp_rank rank; /* fixed at init */
#endif
};

#if ZXP_DEBUG
#define ZXP_RWLOCK_INITIALIZER(r) \
  { .word = 0, .rank = (r) }
#else
#define ZXP_RWLOCK_INITIALIZER(r) \
  { .word = 0 }
#endif

#define ZXP_RWLOCK_HELD     (1u << 31)
#define ZXP_RWLOCK_SLEEPERS (1u << 30)

void zxp_rwlock_init(struct zxp_rwlock* l, enum zxp_rank rank);

/* The parts that are not quick. */
void zxp_rwlock_await_writer(struct zxp_rwlock* l);
void zxp_rwlock_await_all(struct zxp_rwlock* l);
void zxp_rwlock_wake(struct zxp_rwlock* l);

static inline void zxp_rwlock_read(struct zxp_rwlock* l) {
#if ZXP_DEBUG
  zxp_rank_acquire(l, l->rank, false);
#endif
  if ((atomic_fetch_add_explicit(&l->word, 1, memory_order_acquire) & ZXP_RWLOCK_HELD) != 0) {
    zxp_rwlock_await_writer(l);
  }
}

static inline void zxp_rwlock_write(struct zxp_rwlock* l) {
#if ZXP_DEBUG
  zxp_rank_acquire(l, l->rank, false);
#endif
  unsigned free = 0;
  if (!atomic_compare_exchange_strong_explicit(&l->word, &free, ZXP_RWLOCK_HELD,
                                               memory_order_acquire, memory_order_relaxed)) {
    zxp_rwlock_await_all(l);
  }
}

/* Ends either. */
static inline void zxp_rwlock_unlock(struct zxp_rwlock* l) {
#if ZXP_DEBUG
  zxp_rank_release(l);
#endif
  unsigned before;
  /* While a writer has it nobody else can be the one who gives it back. */
  if ((atomic_load_explicit(&l->word, memory_order_relaxed) & ZXP_RWLOCK_HELD) != 0) {
    before = atomic_fetch_and_explicit(&l->word, ~(ZXP_RWLOCK_HELD | ZXP_RWLOCK_SLEEPERS),
                                       memory_order_release);
  } else {
    before = atomic_fetch_sub_explicit(&l->word, 1, memory_order_release) - 1;
    if (before != ZXP_RWLOCK_SLEEPERS) {
      return; /* there are readers still, or nobody sleeps */
    }
  }
  if ((before & ZXP_RWLOCK_SLEEPERS) != 0) {
    zxp_rwlock_wake(l);
  }
}

#endif /* ZXP_BASE_RWLOCK_H_ */
