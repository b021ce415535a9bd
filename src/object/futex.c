/* SPDX-License-Identifier: BSD-3-Clause */
#include "object/futex.h"

#include <pthread.h>
#include <stdint.h>

#include "base/user.h"
#include "base/wake.h"
#include "object/handle.h"
#include "object/process.h"

/* Enough that threads of a large program rarely meet in one. */
#define BUCKET_BITS 8
#define BUCKETS     (1u << BUCKET_BITS)

/* (B) bucket.lock  (A) read without it too */
struct bucket {
  struct zxp_mutex lock;
  struct zxp_list sleepers;  /* (B) longest waiting first */
  _Atomic uint64_t wakes;    /* (A) calls that woke, or would have */
  _Atomic uint64_t enqueues; /* (A) sleepers that came */
};

/* (C) constant  (B) lock of the bucket it is in  (A) read without it too */
struct sleeper {
  struct zxp_list link;           /* (B) */
  _Atomic(struct bucket*) bucket; /* (A) changes under both locks; NULL once it is woken */
  const zx_futex_t* word;         /* (B) */
  zx_koid_t thread;               /* (C) */
  zx_koid_t owner;                /* (B) of the word */
  struct zxp_wake wake;
};

static struct bucket buckets[BUCKETS];

static void make_buckets(void) {
  for (unsigned i = 0; i < BUCKETS; i++) {
    zxp_mutex_init(&buckets[i].lock, ZXP_RANK_LEAF);
    zxp_list_init(&buckets[i].sleepers);
  }
}

static struct bucket* bucket_of(const zx_futex_t* word) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_buckets);
  const uint64_t hash = (uint64_t)((uintptr_t)word >> 2) * UINT64_C(0x9e3779b97f4a7c15);
  return &buckets[hash >> (64 - BUCKET_BITS)];
}

static struct sleeper* sleeper_of(struct zxp_list* link) {
  return ZXP_CONTAINER_OF(link, struct sleeper, link);
}

static zx_status_t read_word(const zx_futex_t* word, int* value) {
  if (!zxp_user_in_window(word, sizeof *word)) {
    *value = atomic_load_explicit(word, memory_order_acquire);
    return ZX_OK;
  }
  return zxp_user_copy_in(value, (const void*)word, sizeof *value, NULL);
}

/* ---- Owners ---- */

static zx_status_t owner_koid(zx_handle_t handle, zx_koid_t* koid) {
  *koid = ZX_KOID_INVALID;
  if (handle == ZX_HANDLE_INVALID) {
    return ZX_OK;
  }
  struct zxp_object* thread;
  const zx_status_t status = zxp_handle_get(handle, ZX_OBJ_TYPE_THREAD, 0, &thread, NULL);
  if (status == ZX_OK) {
    *koid = thread->koid;
    zxp_object_put(thread);
  }
  return status;
}

static void set_owner_locked(struct bucket* bucket, const zx_futex_t* word, zx_koid_t owner) {
  ZXP_LIST_FOREACH(link, &bucket->sleepers) {
    if (sleeper_of(link)->word == word) {
      sleeper_of(link)->owner = owner;
    }
  }
}

/* A thread cannot own what it waits for. */
static bool waits_locked(struct bucket* bucket, const zx_futex_t* word, zx_koid_t thread) {
  ZXP_LIST_FOREACH(link, &bucket->sleepers) {
    if (sleeper_of(link)->word == word && sleeper_of(link)->thread == thread) {
      return true;
    }
  }
  return false;
}

/* ---- Waiting ---- */

static void enqueue_locked(struct bucket* bucket, struct sleeper* s, const zx_futex_t* word) {
  s->word = word;
  atomic_store_explicit(&s->bucket, bucket, memory_order_relaxed);
  zxp_list_push_back(&bucket->sleepers, &s->link);
  atomic_fetch_add_explicit(&bucket->enqueues, 1, memory_order_release);
}

/* Locks the bucket that the sleeper is in now; NULL if it has been woken. */
static struct bucket* lock_bucket_of(struct sleeper* s) {
  for (;;) {
    struct bucket* bucket = atomic_load_explicit(&s->bucket, memory_order_relaxed);
    if (bucket == NULL) {
      return NULL;
    }
    zxp_mutex_lock(&bucket->lock);
    if (atomic_load_explicit(&s->bucket, memory_order_relaxed) == bucket) {
      return bucket;
    }
    zxp_mutex_unlock(&bucket->lock);
  }
}

zx_status_t zxp_futex_wait(const zx_futex_t* word, int current, zx_handle_t owner,
                           zx_time_t deadline) {
  struct bucket* bucket = bucket_of(word);
  struct sleeper self = {.thread = zxp_thread_koid()};
  zxp_wake_init(&self.wake);
  for (;;) {
    /* Acquire: whoever sees a wake-up counted sees the store that it was meant to tell of. */
    const uint64_t wakes = atomic_load_explicit(&bucket->wakes, memory_order_acquire);
    int value;
    zx_status_t status = read_word(word, &value);
    if (status == ZX_OK && value != current) {
      status = ZX_ERR_BAD_STATE;
    }
    if (status == ZX_OK) {
      status = owner_koid(owner, &self.owner);
    }
    if (status != ZX_OK) {
      return status;
    }
    zxp_mutex_lock(&bucket->lock);
    if (atomic_load_explicit(&bucket->wakes, memory_order_relaxed) == wakes) {
      break;
    }
    zxp_mutex_unlock(&bucket->lock);
  }
  if (self.owner != ZX_KOID_INVALID &&
      (self.owner == self.thread || waits_locked(bucket, word, self.owner))) {
    zxp_mutex_unlock(&bucket->lock);
    return ZX_ERR_INVALID_ARGS;
  }
  enqueue_locked(bucket, &self, word);
  set_owner_locked(bucket, word, self.owner);
  zxp_mutex_unlock(&bucket->lock);

  if (zxp_wake_wait(&self.wake, deadline) == ZX_OK) {
    return ZX_OK;
  }
  bucket = lock_bucket_of(&self);
  if (bucket == NULL) {
    /* Chosen to be woken as the deadline passed. Whoever chose it still has to use `self`. */
    (void)zxp_wake_wait(&self.wake, ZX_TIME_INFINITE);
    return ZX_OK;
  }
  zxp_list_remove(&self.link);
  zxp_mutex_unlock(&bucket->lock);
  return ZX_ERR_TIMED_OUT;
}

/* ---- Waking ---- */

/* Takes up to `count` sleepers off and puts them at the end of `woken`. */
static void choose_locked(struct bucket* bucket, const zx_futex_t* word, uint32_t count,
                          enum zxp_futex_owner mode, struct zxp_list* woken) {
  zx_koid_t owner = ZX_KOID_INVALID;
  atomic_fetch_add_explicit(&bucket->wakes, 1, memory_order_release);
  ZXP_LIST_FOREACH_SAFE(link, &bucket->sleepers) {
    struct sleeper* s = sleeper_of(link);
    if (count == 0) {
      break;
    }
    if (s->word == word) {
      zxp_list_remove(link);
      zxp_list_push_back(woken, link);
      atomic_store_explicit(&s->bucket, NULL, memory_order_relaxed);
      owner = mode == ZXP_FUTEX_OWNER_WOKEN ? s->thread : ZX_KOID_INVALID;
      count--;
    }
  }
  set_owner_locked(bucket, word, owner);
}

/* Without the lock, so that the woken find it free. */
static void wake_chosen(struct zxp_list* woken) {
  struct zxp_list* link;
  while ((link = zxp_list_pop_front(woken)) != NULL) {
    zxp_wake_set(&sleeper_of(link)->wake); /* the sleeper may be gone when this returns */
  }
}

void zxp_futex_wake(const zx_futex_t* word, uint32_t count, enum zxp_futex_owner mode) {
  struct bucket* bucket = bucket_of(word);
  struct zxp_list woken;
  zxp_list_init(&woken);
  zxp_mutex_lock(&bucket->lock);
  choose_locked(bucket, word, count, mode, &woken);
  zxp_mutex_unlock(&bucket->lock);
  wake_chosen(&woken);
}

zx_status_t zxp_futex_requeue(const zx_futex_t* word, uint32_t wake_count,
                              enum zxp_futex_owner mode, int current, const zx_futex_t* to,
                              uint32_t move_count, zx_handle_t to_owner) {
  struct bucket* from_bucket = bucket_of(word);
  struct bucket* to_bucket = bucket_of(to);
  struct zxp_list woken;
  zx_koid_t owner;
  zxp_list_init(&woken);
  for (;;) {
    const uint64_t enqueues = atomic_load_explicit(&from_bucket->enqueues, memory_order_acquire);
    int value;
    zx_status_t status = read_word(word, &value);
    if (status == ZX_OK && value != current) {
      status = ZX_ERR_BAD_STATE;
    }
    if (status == ZX_OK) {
      status = owner_koid(to_owner, &owner);
    }
    if (status != ZX_OK) {
      return status;
    }
    zxp_mutex_lock_pair(&from_bucket->lock, &to_bucket->lock);
    if (atomic_load_explicit(&from_bucket->enqueues, memory_order_relaxed) == enqueues) {
      break;
    }
    zxp_mutex_unlock_pair(&from_bucket->lock, &to_bucket->lock);
  }
  if (owner != ZX_KOID_INVALID &&
      (waits_locked(from_bucket, word, owner) || waits_locked(to_bucket, to, owner))) {
    zxp_mutex_unlock_pair(&from_bucket->lock, &to_bucket->lock);
    return ZX_ERR_INVALID_ARGS;
  }
  choose_locked(from_bucket, word, wake_count, mode, &woken);
  ZXP_LIST_FOREACH_SAFE(link, &from_bucket->sleepers) {
    if (move_count == 0) {
      break;
    }
    if (sleeper_of(link)->word == word) {
      zxp_list_remove(link);
      enqueue_locked(to_bucket, sleeper_of(link), to);
      move_count--;
    }
  }
  set_owner_locked(to_bucket, to, owner);
  zxp_mutex_unlock_pair(&from_bucket->lock, &to_bucket->lock);
  wake_chosen(&woken);
  return ZX_OK;
}

zx_koid_t zxp_futex_owner(const zx_futex_t* word) {
  struct bucket* bucket = bucket_of(word);
  zx_koid_t owner = ZX_KOID_INVALID;
  zxp_mutex_lock(&bucket->lock);
  ZXP_LIST_FOREACH(link, &bucket->sleepers) {
    if (sleeper_of(link)->word == word) {
      owner = sleeper_of(link)->owner;
      break;
    }
  }
  zxp_mutex_unlock(&bucket->lock);
  return owner;
}
