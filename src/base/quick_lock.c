/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/quick_lock.h"

#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* About as long as the lock is held at most; a sleep and a wake-up take many times that. */
#define SPINS 20

void zxp_quick_lock_init(struct zxp_quick_lock* lock, enum zxp_rank rank) {
  atomic_init(&lock->state, 0);
#if ZXP_DEBUG
  lock->rank = rank;
#else
  (void)rank;
#endif
}

void zxp_quick_lock_wait(struct zxp_quick_lock* lock) {
  for (int i = 0; i < SPINS; i++) {
    unsigned free = 0;
    if (atomic_load_explicit(&lock->state, memory_order_relaxed) == 0 &&
        atomic_compare_exchange_weak_explicit(&lock->state, &free, 1, memory_order_acquire,
                                              memory_order_relaxed)) {
      return;
    }
    zxp_cpu_relax();
  }
  while (atomic_exchange_explicit(&lock->state, 2, memory_order_acquire) != 0) {
    syscall(SYS_futex, &lock->state, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
  }
}

void zxp_quick_lock_wake(struct zxp_quick_lock* lock) {
  syscall(SYS_futex, &lock->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void zxp_quick_lock_pair(struct zxp_quick_lock* a, struct zxp_quick_lock* b) {
  struct zxp_quick_lock* low = (uintptr_t)a < (uintptr_t)b ? a : b;
  struct zxp_quick_lock* high = low == a ? b : a;
  zxp_quick_lock(low);
  if (low == high) {
    return;
  }
#if ZXP_DEBUG
  zxp_rank_acquire(high, high->rank, true);
#endif
  unsigned free = 0;
  if (!atomic_compare_exchange_strong_explicit(&high->state, &free, 1, memory_order_acquire,
                                               memory_order_relaxed)) {
    zxp_quick_lock_wait(high);
  }
}

void zxp_quick_unlock_pair(struct zxp_quick_lock* a, struct zxp_quick_lock* b) {
  zxp_quick_unlock(a);
  if (a != b) {
    zxp_quick_unlock(b);
  }
}
