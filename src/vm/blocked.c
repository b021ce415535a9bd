/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm/blocked.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/quick_lock.h"
#include "vm/arena.h"
#include "vm/page_source.h"

/* A power of two; blocked threads are few. */
#define BUCKETS 64

static struct zxp_quick_lock lock = ZXP_QUICK_LOCK_INITIALIZER(ZXP_RANK_BLOCKED);
static struct zxp_list buckets[BUCKETS]; /* guarded by lock; set up by the first add */
/* Records in each; written under lock, and looked at without it: most threads are on none. */
static atomic_uint counts[BUCKETS];

pid_t zxp_gettid(void) {
  static _Thread_local pid_t cached;
  if (cached == 0) {
    cached = (pid_t)syscall(SYS_gettid);
  }
  return cached;
}

static struct zxp_list* bucket_locked(pid_t tid) {
  struct zxp_list* b = &buckets[(unsigned)tid % BUCKETS];
  if (b->next == NULL) {
    zxp_list_init(b);
  }
  return b;
}

static void count_locked(pid_t tid, int by) {
  atomic_uint* const count = &counts[(unsigned)tid % BUCKETS];
  atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + (unsigned)by,
                        memory_order_release);
}

void zxp_blocked_add(struct zxp_blocked* b) {
  zxp_quick_lock(&lock);
  zxp_list_push_back(bucket_locked(b->tid), &b->link);
  count_locked(b->tid, 1);
  zxp_quick_unlock(&lock);
}

void zxp_blocked_remove(struct zxp_blocked* b) {
  zxp_quick_lock(&lock);
  ZXP_DEBUG_ASSERT(!zxp_list_empty(&b->link));
  zxp_list_remove(&b->link);
  count_locked(b->tid, -1);
  zxp_quick_unlock(&lock);
}

bool zxp_blocked_maybe(pid_t tid) {
  return atomic_load_explicit(&counts[(unsigned)tid % BUCKETS], memory_order_acquire) != 0;
}

struct zxp_blocked* zxp_blocked_find(pid_t tid, struct zxp_source** source) {
  struct zxp_blocked* found = NULL;
  if (!zxp_blocked_maybe(tid)) {
    return NULL;
  }
  zxp_quick_lock(&lock);
  ZXP_LIST_FOREACH(it, bucket_locked(tid)) {
    struct zxp_blocked* b = ZXP_CONTAINER_OF(it, struct zxp_blocked, link);
    if (b->tid == tid && b->call == NULL) {
      found = b;
      if (source != NULL) {
        /* A record in the table is on a request, so its source is alive. */
        *source = b->source;
        zxp_source_get(b->source);
      }
      break;
    }
  }
  zxp_quick_unlock(&lock);
  return found;
}

size_t zxp_blocked_at_page(const struct zxp_channel* channel, uintptr_t page,
                           struct zxp_blocked_at* out, size_t max) {
  size_t n = 0;
  zxp_quick_lock(&lock);
  for (int i = 0; i < BUCKETS; i++) {
    ZXP_LIST_FOREACH(it, bucket_locked(i)) {
      const struct zxp_blocked* b = ZXP_CONTAINER_OF(it, struct zxp_blocked, link);
      if (b->call == NULL && b->channel == channel &&
          (b->address & ~(uintptr_t)ZXP_PAGE_MASK) == page && n < max) {
        out[n++] = (struct zxp_blocked_at){.tid = b->tid, .address = b->address};
      }
    }
  }
  zxp_quick_unlock(&lock);
  return n;
}

bool zxp_blocked_is_waiting(pid_t tid) {
  bool waiting = false;
  zxp_quick_lock(&lock);
  ZXP_LIST_FOREACH(it, bucket_locked(tid)) {
    waiting = waiting || ZXP_CONTAINER_OF(it, struct zxp_blocked, link)->tid == tid;
  }
  zxp_quick_unlock(&lock);
  return waiting;
}

void zxp_blocked_for_each(void (*visit)(void* context, const struct zxp_blocked* b),
                          void* context) {
  zxp_quick_lock(&lock);
  for (int i = 0; i < BUCKETS; i++) {
    ZXP_LIST_FOREACH(it, bucket_locked(i)) {
      visit(context, ZXP_CONTAINER_OF(it, struct zxp_blocked, link));
    }
  }
  zxp_quick_unlock(&lock);
}
