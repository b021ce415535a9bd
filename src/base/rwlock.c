/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/rwlock.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

void zxp_rwlock_init(struct zxp_rwlock* l, enum zxp_rank rank) {
  atomic_init(&l->word, 0);
#if ZXP_DEBUG
  l->rank = rank;
#else
  (void)rank;
#endif
}

/* Sleeps unless the word is not `word` any more; gives what it is then. */
static unsigned sleep_on(struct zxp_rwlock* l, unsigned word) {
  const unsigned marked = word | ZXP_RWLOCK_SLEEPERS;
  if (word == marked || atomic_compare_exchange_strong_explicit(
                            &l->word, &word, marked, memory_order_relaxed, memory_order_relaxed)) {
    syscall(SYS_futex, &l->word, FUTEX_WAIT_PRIVATE, marked, NULL, NULL, 0);
  }
  return atomic_load_explicit(&l->word, memory_order_acquire);
}

/* The caller is counted as a reader already, so no further writer can come before it. */
void zxp_rwlock_await_writer(struct zxp_rwlock* l) {
  unsigned word = atomic_load_explicit(&l->word, memory_order_acquire);
  while ((word & ZXP_RWLOCK_HELD) != 0) {
    word = sleep_on(l, word);
  }
}

void zxp_rwlock_await_all(struct zxp_rwlock* l) {
  unsigned word = atomic_load_explicit(&l->word, memory_order_relaxed);
  for (;;) {
    if ((word & ~ZXP_RWLOCK_SLEEPERS) != 0) {
      word = sleep_on(l, word);
    } else if (atomic_compare_exchange_weak_explicit(&l->word, &word, word | ZXP_RWLOCK_HELD,
                                                     memory_order_acquire, memory_order_relaxed)) {
      return; /* Other sleepers stay marked. */
    }
  }
}

/* All of them: who they wait for differs, and they look for themselves. */
void zxp_rwlock_wake(struct zxp_rwlock* l) {
  /* The mark is gone if a writer gave the lock back, and stands if the last reader did. */
  atomic_fetch_and_explicit(&l->word, ~ZXP_RWLOCK_SLEEPERS, memory_order_relaxed);
  syscall(SYS_futex, &l->word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
