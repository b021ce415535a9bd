/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/visitor.h"

#include <pthread.h>
#include <stddef.h>

#include "base/lock.h"

struct zxp_visitor zxp_visitors[ZXP_VISITORS_MAX];
atomic_uint zxp_visitors_used;

static struct zxp_mutex lock = ZXP_MUTEX_INITIALIZER(ZXP_RANK_LEAF);
static bool taken[ZXP_VISITORS_MAX]; /* guarded by lock */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_exit_key;
static bool have_key;

_Thread_local struct zxp_visitor* zxp_visitor_mine;
static _Thread_local bool refused; /* asked, and there was none */

static void give_back(struct zxp_visitor* v) {
  /* A visit that a signal handler jumped out of ends here. */
  atomic_store(&v->lock, 0);
  atomic_store(&v->handle, 0);
  zxp_mutex_lock(&lock);
  taken[v - zxp_visitors] = false;
  zxp_mutex_unlock(&lock);
}

static void at_thread_exit(void* value) {
  zxp_visitor_mine = NULL;
  give_back(value);
}

static void make_key(void) { have_key = pthread_key_create(&at_exit_key, at_thread_exit) == 0; }

/* The lowest that is free, so that there are few to look through. */
static struct zxp_visitor* take(void) {
  struct zxp_visitor* v = NULL;
  zxp_mutex_lock(&lock);
  for (unsigned i = 0; i < ZXP_VISITORS_MAX && v == NULL; i++) {
    if (!taken[i]) {
      taken[i] = true;
      v = &zxp_visitors[i];
      if (i >= atomic_load(&zxp_visitors_used)) {
        atomic_store(&zxp_visitors_used, i + 1);
      }
    }
  }
  zxp_mutex_unlock(&lock);
  return v;
}

struct zxp_visitor* zxp_visitor_take(void) {
  if (refused) {
    return NULL;
  }
  pthread_once(&once, make_key);
  struct zxp_visitor* v = have_key ? take() : NULL;
  if (v != NULL && pthread_setspecific(at_exit_key, v) != 0) {
    give_back(v);
    v = NULL;
  }
  zxp_visitor_mine = v;
  refused = v == NULL;
  return v;
}
