/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm/aspace.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/user.h"
#include "vm/arena.h"

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif

/* vmar.md 14.1 wants 16 TiB or more, at least 64 GiB. ThreadSanitizer leaves 1.5 TiB in all. */
#ifdef UNDER_TSAN
#define WINDOW_MAX (UINT64_C(1) << 38)
#else
#define WINDOW_MAX (UINT64_C(1) << 44)
#endif
#define WINDOW_MIN (UINT64_C(1) << 36)
/* The base is aligned so that every ZX_VM_ALIGN_* has places from the first page on. */
#define WINDOW_ALIGN (UINT64_C(1) << 32)

struct zxp_aspace zxp_aspace = {.lock = ZXP_RWLOCK_INITIALIZER(ZXP_RANK_ASPACE)};
_Atomic uintptr_t zxp_window_base;
_Atomic uintptr_t zxp_window_end;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static zx_status_t init_status = ZX_ERR_NO_MEMORY;

static void init_once(void) {
  for (uint64_t size = WINDOW_MAX; size >= WINDOW_MIN; size /= 2) {
    void* at = mmap(NULL, size + WINDOW_ALIGN, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) {
      continue;
    }
    const uintptr_t raw = (uintptr_t)at;
    const uintptr_t base = (raw + WINDOW_ALIGN - 1) & ~(WINDOW_ALIGN - 1);
    if (base > raw) {
      munmap(at, base - raw);
    }
    if (raw + WINDOW_ALIGN > base) {
      munmap((void*)(base + size), raw + WINDOW_ALIGN - base);
    }
    zxp_aspace.base = base;
    zxp_aspace.size = size;
    atomic_store_explicit(&zxp_window_base, base, memory_order_relaxed);
    atomic_store_explicit(&zxp_window_end, base + size, memory_order_release);
    init_status = ZX_OK;
    ZXP_LOG(ZXP_TOPIC_MAP, 2, "root region of %llu GiB at %p", (unsigned long long)(size >> 30),
            (void*)base);
    return;
  }
}

/* ---- Spare areas ---- */

/* Undoing one step needs two at most: a part in the middle of an area makes three of it. */
#define SPARES 16

static struct zxp_mutex spares_lock = ZXP_MUTEX_INITIALIZER(ZXP_RANK_LEAF);
static _Atomic(unsigned char*) spares; /* changed with spares_lock held; NULL: lent */

static unsigned char* make_spares(void) {
  /* Pages that differ from their neighbours in what they allow cannot become one area. */
  unsigned char* at = mmap(NULL, SPARES * ZXP_PAGE_SIZE, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) {
    return NULL;
  }
  for (int i = 1; i < SPARES; i += 2) {
    if (mprotect(at + (uint64_t)i * ZXP_PAGE_SIZE, ZXP_PAGE_SIZE, PROT_READ) != 0) {
      munmap(at, SPARES * ZXP_PAGE_SIZE);
      return NULL;
    }
  }
  return at;
}

bool zxp_aspace_stock_spares(void) {
  if (atomic_load_explicit(&spares, memory_order_relaxed) != NULL) {
    return true;
  }
  zxp_mutex_lock(&spares_lock);
  if (spares == NULL) {
    spares = make_spares();
  }
  const bool there = spares != NULL;
  zxp_mutex_unlock(&spares_lock);
  return there;
}

void zxp_aspace_lend_spares(void) {
  zxp_mutex_lock(&spares_lock);
  if (spares != NULL) {
    munmap(spares, SPARES * ZXP_PAGE_SIZE);
    spares = NULL;
  }
  zxp_mutex_unlock(&spares_lock);
}

/* ---- The window ---- */

zx_status_t zxp_aspace_init(void) {
  pthread_once(&once, init_once);
  return init_status;
}

bool zxp_aspace_reserve_area(uintptr_t address, uint64_t length) {
  return mmap((void*)address, length, PROT_NONE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED;
}
