/* SPDX-License-Identifier: BSD-3-Clause */
/* A loop on a thread of the library's own. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/export.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/log.h"
#include "loop/loop.h"
#include "loop/place.h"

#define DEFAULT_NAME "zxp-loop"

/* What the kernel keeps of a thread's name, its terminating NUL included. */
#define NAME_SIZE 16

/* A function on its way to the loop's thread. */
struct post {
  struct zxp_list link;
  zxp_uv_thread_cb function;
  void* argument;
  uv_sem_t* done; /* a call: posted after it, the post is the caller's; NULL: freed after it */
};

/* (C) constant after start  (L) the loop's thread only  (T) thread.lock */
struct zxp_loop_thread {
  zxp_uv_thread_t* handle;     /* (C) the program's side of it */
  char name[NAME_SIZE];        /* (C) */
  uv_thread_t id;              /* (C) */
  uv_loop_t loop;              /* (L) */
  uv_async_t wake;             /* (L) but for uv_async_send, under the lock while not stopping */
  bool stopped;                /* (L) `stopping` was seen, with nothing left to call */
  struct zxp_loop_place place; /* (L) */
  struct zxp_mutex lock;
  struct zxp_list posts; /* (T) */
  bool stopping;         /* (T) nothing is posted any more */
};

static void close_handle(uv_handle_t* h, void* context) {
  (void)context;
  if (!uv_is_closing(h)) {
    uv_close(h, NULL);
  }
}

/* Pagers first: the handles inside them are theirs to close. */
static void close_everything(struct zxp_loop_thread* t) {
  zxp_loop_close_pagers(&t->loop);
  uv_walk(&t->loop, close_handle, NULL);
}

static void on_wake(uv_async_t* wake) {
  struct zxp_loop_thread* t = ZXP_CONTAINER_OF(wake, struct zxp_loop_thread, wake);
  struct zxp_list posts;
  zxp_list_init(&posts);
  zxp_mutex_lock(&t->lock);
  zxp_list_splice_back(&posts, &t->posts);
  const bool stopping = t->stopping;
  zxp_mutex_unlock(&t->lock);

  for (struct zxp_list* node; (node = zxp_list_pop_front(&posts)) != NULL;) {
    struct post* post = ZXP_CONTAINER_OF(node, struct post, link);
    post->function(t->handle, post->argument);
    if (post->done != NULL) {
      uv_sem_post(post->done); /* `post` is gone from here on */
    } else {
      free(post);
    }
  }
  if (stopping && !t->stopped) {
    t->stopped = true;
    close_everything(t);
  }
}

static void thread_main(void* argument) {
  struct zxp_loop_thread* t = argument;
  pthread_setname_np(pthread_self(), t->name);
  zxp_loop_place_enter(&t->place);
  while (!t->stopped) {
    const bool more = zxp_loop_place_here != NULL && zxp_loop_place_serve(&t->place);
    uv_run(&t->loop, more ? UV_RUN_NOWAIT : UV_RUN_ONCE);
  }
  zxp_loop_place_leave(&t->place);
  /* Callbacks of the end may have opened handles anew. */
  while (uv_loop_close(&t->loop) == UV_EBUSY) {
    close_everything(t);
    uv_run(&t->loop, UV_RUN_DEFAULT);
  }
}

/* No signal of the program is to be handled on a thread that it does not know. */
static int start_blocked(struct zxp_loop_thread* t) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error = uv_thread_create(&t->id, thread_main, t);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error;
}

ZXP_EXPORT zx_status_t zxp_uv_thread_start(zxp_uv_thread_t* thread, const char* name) {
  if (thread == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct zxp_loop_thread* t = calloc(1, sizeof *t);
  if (t == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  t->handle = thread;
  strncpy(t->name, name != NULL ? name : DEFAULT_NAME, sizeof t->name - 1);
  zxp_list_init(&t->posts);
  zxp_mutex_init(&t->lock, ZXP_RANK_LEAF);

  int error = uv_loop_init(&t->loop);
  if (error != 0) goto fail;
  error = uv_async_init(&t->loop, &t->wake, on_wake);
  if (error != 0) goto fail_loop;
  thread->loop = &t->loop;
  thread->internal = t;
  error = start_blocked(t);
  if (error != 0) goto fail_wake;
  ZXP_LOG(ZXP_TOPIC_LOOP, 2, "thread %s: started", t->name);
  return ZX_OK;

fail_wake:
  thread->loop = NULL;
  thread->internal = NULL;
  uv_close((uv_handle_t*)&t->wake, NULL);
  uv_run(&t->loop, UV_RUN_DEFAULT);
fail_loop:
  uv_loop_close(&t->loop);
fail:
  zxp_mutex_destroy(&t->lock);
  free(t);
  return zxp_loop_status_from_uv(error);
}

static bool on_own_thread(const struct zxp_loop_thread* t) {
  const uv_thread_t self = uv_thread_self();
  return uv_thread_equal(&self, &t->id) != 0;
}

static zx_status_t add_post(struct zxp_loop_thread* t, struct post* post) {
  zxp_mutex_lock(&t->lock);
  const bool stopping = t->stopping;
  if (!stopping) {
    zxp_list_push_back(&t->posts, &post->link);
    /* Under the lock, so that the loop can't have closed the handle yet. It never blocks. */
    uv_async_send(&t->wake);
  }
  zxp_mutex_unlock(&t->lock);
  return stopping ? ZX_ERR_BAD_STATE : ZX_OK;
}

ZXP_EXPORT zx_status_t zxp_uv_thread_post(zxp_uv_thread_t* thread, zxp_uv_thread_cb function,
                                          void* argument) {
  if (thread == NULL || function == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct zxp_loop_thread* t = thread->internal;
  if (t == NULL) {
    return ZX_ERR_BAD_STATE;
  }
  struct post* post = calloc(1, sizeof *post);
  if (post == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  post->function = function;
  post->argument = argument;
  const zx_status_t st = add_post(t, post);
  if (st != ZX_OK) {
    free(post);
  }
  return st;
}

ZXP_EXPORT zx_status_t zxp_uv_thread_call(zxp_uv_thread_t* thread, zxp_uv_thread_cb function,
                                          void* argument) {
  if (thread == NULL || function == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct zxp_loop_thread* t = thread->internal;
  if (t == NULL) {
    return ZX_ERR_BAD_STATE;
  }
  if (on_own_thread(t)) {
    function(thread, argument);
    return ZX_OK;
  }
  uv_sem_t done;
  const int error = uv_sem_init(&done, 0);
  if (error != 0) {
    return zxp_loop_status_from_uv(error);
  }
  struct post post = {.function = function, .argument = argument, .done = &done};
  const zx_status_t st = add_post(t, &post);
  if (st == ZX_OK) {
    uv_sem_wait(&done);
  }
  uv_sem_destroy(&done);
  return st;
}

ZXP_EXPORT zx_status_t zxp_uv_thread_stop(zxp_uv_thread_t* thread) {
  if (thread == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct zxp_loop_thread* t = thread->internal;
  if (t == NULL || on_own_thread(t)) {
    return ZX_ERR_BAD_STATE;
  }
  zxp_mutex_lock(&t->lock);
  const bool first = !t->stopping;
  if (first) {
    t->stopping = true;
    uv_async_send(&t->wake);
  }
  zxp_mutex_unlock(&t->lock);
  if (!first) {
    return ZX_ERR_BAD_STATE;
  }
  uv_thread_join(&t->id);
  ZXP_LOG(ZXP_TOPIC_LOOP, 2, "thread %s: stopped", t->name);
  thread->loop = NULL;
  thread->internal = NULL;
  zxp_mutex_destroy(&t->lock);
  free(t);
  return ZX_OK;
}

static void place_there(zxp_uv_thread_t* thread, void* argument) {
  struct zxp_loop_thread* t = thread->internal;
  zxp_loop_place_leave(&t->place);
  if (*(const zxp_uv_placement_t*)argument == ZXP_UV_PLACEMENT_MEASURED) {
    zxp_loop_place_enter(&t->place);
  }
}

ZXP_EXPORT zx_status_t zxp_uv_thread_set_placement(zxp_uv_thread_t* thread,
                                                   zxp_uv_placement_t placement) {
  if (placement > ZXP_UV_PLACEMENT_MEASURED) {
    return ZX_ERR_INVALID_ARGS;
  }
  return zxp_uv_thread_call(thread, place_there, &placement);
}

/* ---- Pagers of such a loop ---- */

struct init_call {
  zxp_uv_pager_t* pager;
  const zxp_uv_pager_callbacks_t* callbacks;
  zx_status_t status;
};

static void init_there(zxp_uv_thread_t* thread, void* argument) {
  struct init_call* c = argument;
  c->status = zxp_uv_pager_init(thread->loop, c->pager, c->callbacks);
}

ZXP_EXPORT zx_status_t zxp_uv_pager_init_on_thread(zxp_uv_thread_t* thread, zxp_uv_pager_t* pager,
                                                   const zxp_uv_pager_callbacks_t* callbacks) {
  struct init_call c = {.pager = pager, .callbacks = callbacks};
  const zx_status_t st = zxp_uv_thread_call(thread, init_there, &c);
  return st != ZX_OK ? st : c.status;
}

/* zxp_uv_pager_close has no context for its callback but the pager, whose `data` is the program's.
 * The first reserved word of a pager that is being closed so carries the way back. */
struct close_call {
  zxp_uv_pager_t* pager;
  zx_status_t status;
  uv_sem_t done;
};

static void closed_there(zxp_uv_pager_t* pager) {
  struct close_call* c = pager->reserved[0];
  pager->reserved[0] = NULL;
  uv_sem_post(&c->done);
}

static void close_there(zxp_uv_thread_t* thread, void* argument) {
  (void)thread;
  struct close_call* c = argument;
  c->status = zxp_uv_pager_close(c->pager, closed_there);
  if (c->status == ZX_OK) {
    c->pager->reserved[0] = c; /* the close callback comes from the loop, so later than this */
  }
}

ZXP_EXPORT zx_status_t zxp_uv_pager_close_on_thread(zxp_uv_thread_t* thread,
                                                    zxp_uv_pager_t* pager) {
  if (thread == NULL || pager == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct zxp_loop_thread* t = thread->internal;
  if (t == NULL || on_own_thread(t)) {
    return ZX_ERR_BAD_STATE;
  }
  struct close_call c = {.pager = pager};
  const int error = uv_sem_init(&c.done, 0);
  if (error != 0) {
    return zxp_loop_status_from_uv(error);
  }
  zx_status_t st = zxp_uv_thread_call(thread, close_there, &c);
  if (st == ZX_OK && (st = c.status) == ZX_OK) {
    uv_sem_wait(&c.done);
  }
  uv_sem_destroy(&c.done);
  return st;
}
