/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/lock.h"

#include <stdint.h>

#if ZXP_DEBUG
/* No path nests deeper than the number of ranks, plus one for a pair of trees. */
#define MAX_HELD 16

static _Thread_local struct {
  const void* lock;
  enum zxp_rank rank;
} held[MAX_HELD];
static _Thread_local int held_count;

void zxp_rank_acquire(const void* lock, enum zxp_rank rank, bool same_rank_ok) {
  for (int i = 0; i < held_count; i++) {
    ZXP_ASSERT(held[i].lock != lock);
    ZXP_ASSERT(held[i].rank < rank || (same_rank_ok && held[i].rank == rank));
  }
  ZXP_ASSERT(held_count < MAX_HELD);
  held[held_count].lock = lock;
  held[held_count].rank = rank;
  held_count++;
}

void zxp_rank_note(const void* lock, enum zxp_rank rank) {
  ZXP_ASSERT(held_count < MAX_HELD);
  held[held_count].lock = lock;
  held[held_count].rank = rank;
  held_count++;
}

void zxp_rank_release(const void* lock) {
  for (int i = held_count - 1; i >= 0; i--) {
    if (held[i].lock == lock) {
      held[i] = held[--held_count];
      return;
    }
  }
  ZXP_ASSERT(!"released a lock that is not held");
}

bool zxp_rank_held(const void* lock) {
  for (int i = 0; i < held_count; i++) {
    if (held[i].lock == lock) {
      return true;
    }
  }
  return false;
}
#endif

void zxp_mutex_init(struct zxp_mutex* m, enum zxp_rank rank) {
  pthread_mutex_init(&m->m, NULL);
#if ZXP_DEBUG
  m->rank = rank;
#else
  (void)rank;
#endif
}

void zxp_mutex_destroy(struct zxp_mutex* m) { pthread_mutex_destroy(&m->m); }

void zxp_mutex_lock_pair(struct zxp_mutex* a, struct zxp_mutex* b) {
  if (a == b) {
    zxp_mutex_lock(a);
    return;
  }
  struct zxp_mutex* low = (uintptr_t)a < (uintptr_t)b ? a : b;
  struct zxp_mutex* high = low == a ? b : a;
  zxp_mutex_lock(low);
#if ZXP_DEBUG
  zxp_rank_acquire(high, high->rank, true);
#endif
  pthread_mutex_lock(&high->m);
}

void zxp_mutex_unlock_pair(struct zxp_mutex* a, struct zxp_mutex* b) {
  zxp_mutex_unlock(a);
  if (a != b) {
    zxp_mutex_unlock(b);
  }
}
