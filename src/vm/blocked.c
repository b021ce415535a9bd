/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm/blocked.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/lock.h"
#include "vm/arena.h"
#include "vm/page_source.h"

/* A power of two; blocked threads are few. */
#define BUCKETS 64

static struct zxp_mutex lock = ZXP_MUTEX_INITIALIZER(ZXP_RANK_BLOCKED);
static struct zxp_list buckets[BUCKETS]; /* guarded by lock; set up by the first add */

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

void zxp_blocked_add(struct zxp_blocked* b) {
  zxp_mutex_lock(&lock);
  zxp_list_push_back(bucket_locked(b->tid), &b->link);
  zxp_mutex_unlock(&lock);
}

void zxp_blocked_remove(struct zxp_blocked* b) {
  zxp_mutex_lock(&lock);
  zxp_list_remove(&b->link);
  zxp_mutex_unlock(&lock);
}

struct zxp_blocked* zxp_blocked_find(pid_t tid, struct zxp_source** source) {
  struct zxp_blocked* found = NULL;
  zxp_mutex_lock(&lock);
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
  zxp_mutex_unlock(&lock);
  return found;
}

size_t zxp_blocked_at_page(const struct zxp_channel* channel, uintptr_t page,
                           struct zxp_blocked_at* out, size_t max) {
  size_t n = 0;
  zxp_mutex_lock(&lock);
  for (int i = 0; i < BUCKETS; i++) {
    ZXP_LIST_FOREACH(it, bucket_locked(i)) {
      const struct zxp_blocked* b = ZXP_CONTAINER_OF(it, struct zxp_blocked, link);
      if (b->call == NULL && b->channel == channel &&
          (b->address & ~(uintptr_t)ZXP_PAGE_MASK) == page && n < max) {
        out[n++] = (struct zxp_blocked_at){.tid = b->tid, .address = b->address};
      }
    }
  }
  zxp_mutex_unlock(&lock);
  return n;
}

bool zxp_blocked_is_waiting(pid_t tid) {
  bool waiting = false;
  zxp_mutex_lock(&lock);
  ZXP_LIST_FOREACH(it, bucket_locked(tid)) {
    waiting = waiting || ZXP_CONTAINER_OF(it, struct zxp_blocked, link)->tid == tid;
  }
  zxp_mutex_unlock(&lock);
  return waiting;
}

void zxp_blocked_for_each(void (*visit)(void* context, const struct zxp_blocked* b),
                          void* context) {
  zxp_mutex_lock(&lock);
  for (int i = 0; i < BUCKETS; i++) {
    ZXP_LIST_FOREACH(it, bucket_locked(i)) {
      visit(context, ZXP_CONTAINER_OF(it, struct zxp_blocked, link));
    }
  }
  zxp_mutex_unlock(&lock);
}
