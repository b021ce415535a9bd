/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Visitors: threads that use something shared without writing to anything that others read.
 *
 * A lock, a pin, a reference count are words that each thread which takes one has to have in its
 * own cache, so two threads that only read cannot be twice as fast as one. Here each thread has a
 * place of its own instead, a cache line, where it says what it is using; whoever wants to change
 * that, or take it away, looks through the places of all threads.
 *
 *   zxp_visitor   the place of a thread
 *
 * Both sides do the same two steps, in orders that meet: a visitor stores what it is going to use,
 * then looks whether it may; a changer stores that nobody may, then looks who does. With both steps
 * sequentially consistent at least one of the two sees the other.
 *
 *   `handle`            a slot of the handle table, so that its object lives on: object/handle.h
 *   `lock` and the rest what a lock guards: base/biased_lock.h
 *   `counters`          what the thread has counted: base/stats.h
 *
 * A thread gets its place when it first asks and gives it back when it ends. There are 256; who
 * comes later goes the way that needs none, as does a signal handler that has interrupted a visit.
 * A thread that leaves a visit by siglongjmp stays in it until it ends.
 *
 * Lock: one of its own (ZXP_RANK_LEAF), for which place is whose.
 */
#ifndef ZXP_BASE_VISITOR_H_
#define ZXP_BASE_VISITOR_H_

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More threads than a machine of ordinary size runs at once. */
#define ZXP_VISITORS_MAX 256

/* Processors fetch lines of 64 bytes in pairs. What the one is about and what the other is about is
 * looked at by different threads. */
#define ZXP_VISITOR_ALIGN 128

/* What zxp_stats() adds up (base/stats.h); the fields are those of zxp_stats_t. */
struct zxp_counters {
  _Atomic uint64_t faults;
  _Atomic uint64_t faults_local;
  _Atomic uint64_t requests;
  _Atomic uint64_t joined;
  _Atomic uint64_t packets_taken;
  _Atomic uint64_t withdrawn;
  _Atomic uint64_t supplied_pages;
  _Atomic uint64_t dirtied_pages;
  _Atomic uint64_t failed;
  _Atomic uint64_t woken;
  _Atomic uint64_t signals_sent;
};

/* (A) atomic, stored by the thread itself but for `handle`  (O) the thread's own */
struct zxp_visitor {
  _Alignas(ZXP_VISITOR_ALIGN) _Atomic uint32_t handle; /* (A) 0: none */

  /* base/biased_lock.c */
  _Alignas(ZXP_VISITOR_ALIGN) _Atomic uintptr_t lock; /* (A) 0: none; the others are about it */
  _Atomic uintptr_t of;                               /* (A) a part of what the lock guards */
  _Atomic uint64_t first;                             /* (A) the range that is used of it */
  _Atomic uint64_t end;                               /* (A) */
  atomic_bool writes;                                 /* (A) */
  uint32_t unmet;                                     /* (O) */

  /* base/stats.h; stays as it is from one owner of the place to the next */
  _Alignas(ZXP_VISITOR_ALIGN) struct zxp_counters counters; /* (A) */
};

/* All places; those that have been anybody's so far come first. */
extern struct zxp_visitor zxp_visitors[ZXP_VISITORS_MAX];
extern atomic_uint zxp_visitors_used; /* (A) only grows */

/* How many places to look through, once it is stored that no visitor may come. */
static inline unsigned zxp_visitor_count(void) { return atomic_load(&zxp_visitors_used); }

extern _Thread_local struct zxp_visitor* zxp_visitor_mine; /* NULL: none so far */

struct zxp_visitor* zxp_visitor_take(void);

/* The calling thread's place; NULL if there is none left. */
static inline struct zxp_visitor* zxp_visitor_self(void) {
  struct zxp_visitor* v = zxp_visitor_mine;
  return v != NULL ? v : zxp_visitor_take();
}

#endif /* ZXP_BASE_VISITOR_H_ */
