/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zxp_wake: a one-shot event on which one thread sleeps until another sets it.
 *
 * Every blocking call of the library sleeps on one of these, which lives on the sleeper's stack.
 * The setter must not touch the event after zxp_wake_set has published it, except for the futex
 * address itself, which the kernel tolerates to be stale: a spurious wake-up of an unrelated futex
 * word is allowed by futex(2), and every user of futexes has to loop.
 *
 * Signals: a sleeper whose thread runs a signal handler goes on sleeping (no EINTR reaches
 * callers).
 */
#ifndef ZXP_BASE_WAKE_H_
#define ZXP_BASE_WAKE_H_

#include <stdatomic.h>
#include <stdbool.h>
#include <zircon/types.h>

struct zxp_wake {
  atomic_uint set; /* (A) 0 asleep, 1 set */
};

static inline void zxp_wake_init(struct zxp_wake* w) { atomic_init(&w->set, 0); }

/* Forgets a former set; only by the sleeper, with the lock held that setters hold. */
static inline void zxp_wake_reset(struct zxp_wake* w) {
  atomic_store_explicit(&w->set, 0, memory_order_relaxed);
}

static inline bool zxp_wake_is_set(const struct zxp_wake* w) {
  return atomic_load_explicit(&w->set, memory_order_acquire) != 0;
}

void zxp_wake_set(struct zxp_wake* w);

/* Sleeps until set (ZX_OK) or until the monotonic clock reads `deadline` (ZX_ERR_TIMED_OUT, never
 * earlier). A set event wins over a passed deadline. */
zx_status_t zxp_wake_wait(struct zxp_wake* w, zx_time_t deadline);

#endif /* ZXP_BASE_WAKE_H_ */
