/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A mutex in one futex word, for code that brings its own allocator or runtime and cannot use the C
 * library's. Not recursive, not fair, and without owners: no priority is passed on.
 *
 *   static sync_mutex_t lock = SYNC_MUTEX_INIT;
 *   sync_mutex_lock(&lock);
 *   ...
 *   sync_mutex_unlock(&lock);
 *
 * The word is 0 while the mutex is free, 1 while it is held, and 2 while it is held and somebody
 * may be waiting. Only the step from 2 to 0 needs a system call.
 */

#ifndef LIB_SYNC_MUTEX_H_
#define LIB_SYNC_MUTEX_H_

#include <zircon/compiler.h>
#include <zircon/syscalls.h>
#include <zircon/types.h>

__BEGIN_CDECLS

typedef struct sync_mutex {
  zx_futex_t futex;
} sync_mutex_t;

#define SYNC_MUTEX_INIT \
  { 0 }

/* The word without the _Atomic of C, as the builtins of clang want it. */
static inline int* __sync_mutex_word(sync_mutex_t* mutex) { return (int*)(void*)&mutex->futex; }

/* ZX_OK if the mutex was free, ZX_ERR_BAD_STATE if not. */
static inline zx_status_t sync_mutex_trylock(sync_mutex_t* mutex) {
  int free_word = 0;
  return __atomic_compare_exchange_n(__sync_mutex_word(mutex), &free_word, 1, false,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
             ? ZX_OK
             : ZX_ERR_BAD_STATE;
}

/* ZX_OK, or ZX_ERR_TIMED_OUT where the mutex did not become free up to the deadline. */
static inline zx_status_t sync_mutex_timedlock(sync_mutex_t* mutex, zx_instant_mono_t deadline) {
  if (sync_mutex_trylock(mutex) == ZX_OK) {
    return ZX_OK;
  }
  /* From here on the word stays 2: whoever waited cannot know whether it was the only one. */
  while (__atomic_exchange_n(__sync_mutex_word(mutex), 2, __ATOMIC_ACQUIRE) != 0) {
    if (zx_futex_wait(&mutex->futex, 2, ZX_HANDLE_INVALID, deadline) == ZX_ERR_TIMED_OUT) {
      return ZX_ERR_TIMED_OUT;
    }
  }
  return ZX_OK;
}

static inline void sync_mutex_lock(sync_mutex_t* mutex) {
  sync_mutex_timedlock(mutex, ZX_TIME_INFINITE);
}

static inline void sync_mutex_unlock(sync_mutex_t* mutex) {
  if (__atomic_exchange_n(__sync_mutex_word(mutex), 0, __ATOMIC_RELEASE) == 2) {
    zx_futex_wake(&mutex->futex, 1);
  }
}

__END_CDECLS

#endif  // LIB_SYNC_MUTEX_H_
