/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A lock for a few instructions at a time: less than half the cost of a mutex of the C library when
 * it is free, and a short spin before a sleep when it is not.
 *
 * For locks that are taken millions of times a second (ports). It has a rank like every other lock
 * of the library, and is checked in the same way. No recursion, no timeouts.
 *
 *   0 free   1 held   2 held, and somebody may sleep on it
 */
#ifndef ZXP_BASE_QUICK_LOCK_H_
#define ZXP_BASE_QUICK_LOCK_H_

#include <stdatomic.h>

#include "base/lock.h"

/* In a loop that waits for another thread to do something at once. */
static inline void zxp_cpu_relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

struct zxp_quick_lock {
  atomic_uint state;
#if ZXP_DEBUG
  enum zxp_rank rank; /* fixed at init */
#endif
};

#if ZXP_DEBUG
#define ZXP_QUICK_LOCK_INITIALIZER(r) \
  { .state = 0, .rank = (r) }
#else
#define ZXP_QUICK_LOCK_INITIALIZER(r) \
  { .state = 0 }
#endif

void zxp_quick_lock_init(struct zxp_quick_lock* lock, enum zxp_rank rank);

/* The parts that are not quick. */
void zxp_quick_lock_wait(struct zxp_quick_lock* lock);
void zxp_quick_lock_wake(struct zxp_quick_lock* lock);

static inline void zxp_quick_lock(struct zxp_quick_lock* lock) {
#if ZXP_DEBUG
  zxp_rank_acquire(lock, lock->rank, false);
#endif
  unsigned free = 0;
  if (!atomic_compare_exchange_strong_explicit(&lock->state, &free, 1, memory_order_acquire,
                                               memory_order_relaxed)) {
    zxp_quick_lock_wait(lock);
  }
}

/* For dumps: takes the lock if it is free. */
static inline bool zxp_quick_trylock(struct zxp_quick_lock* lock) {
  unsigned free = 0;
  if (!atomic_compare_exchange_strong_explicit(&lock->state, &free, 1, memory_order_acquire,
                                               memory_order_relaxed)) {
    return false;
  }
#if ZXP_DEBUG
  zxp_rank_note(lock, lock->rank);
#endif
  return true;
}

/* The memory may be gone when this returns: whoever has the lock next may free it. */
static inline void zxp_quick_unlock(struct zxp_quick_lock* lock) {
#if ZXP_DEBUG
  zxp_rank_release(lock);
#endif
  if (atomic_exchange_explicit(&lock->state, 0, memory_order_release) == 2) {
    zxp_quick_lock_wake(lock);
  }
}

/* Locks two of one rank, lower address first; once if they are the same. */
void zxp_quick_lock_pair(struct zxp_quick_lock* a, struct zxp_quick_lock* b);
void zxp_quick_unlock_pair(struct zxp_quick_lock* a, struct zxp_quick_lock* b);

#endif /* ZXP_BASE_QUICK_LOCK_H_ */
