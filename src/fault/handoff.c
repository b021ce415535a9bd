/* SPDX-License-Identifier: BSD-3-Clause */
#include "fault/handoff.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"

/* Long against a fault (some us), and short against the time slice of a thread (milliseconds). */
#define WATCH_NS 200000

_Thread_local struct zxp_handoff* zxp_handoff_here;

static struct zxp_mutex lock = ZXP_MUTEX_INITIALIZER(ZXP_RANK_LEAF);
static struct zxp_list all = {&all, &all}; /* guarded by lock */
static atomic_uint on_count;               /* of those that are `on` */

/* ---- Whether it can be done ---- */

static bool set_policy(pid_t tid, int policy) {
  const struct sched_param none = {.sched_priority = 0};
  return sched_setscheduler(tid, policy, &none) == 0;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool possible;

static void* try_it(void* unused) {
  (void)unused;
  possible = sched_getscheduler(0) == SCHED_OTHER && set_policy(0, SCHED_IDLE) &&
             set_policy(0, SCHED_OTHER);
  return NULL;
}

static void try_once(void) {
  pthread_t thread;
  /* A thread that may not leave SCHED_IDLE again would have to stay there. */
  if (pthread_create(&thread, NULL, try_it, NULL) == 0) {
    pthread_join(thread, NULL);
  }
  ZXP_LOG(ZXP_TOPIC_FAULT, 2, "cores can%s be handed over", possible ? "" : "not");
}

bool zxp_handoff_possible(void) {
  pthread_once(&once, try_once);
  return possible;
}

/* ---- Life ---- */

void zxp_handoff_enter(struct zxp_handoff* h) {
  h->tid = (pid_t)syscall(SYS_gettid);
  h->on = false;
  h->faulter = 0;
  h->faults = 0;
  atomic_init(&h->since, 0);
  atomic_init(&h->starved, false);
  zxp_list_init(&h->link);
  zxp_mutex_lock(&lock);
  zxp_list_push_back(&all, &h->link);
  zxp_mutex_unlock(&lock);
  zxp_handoff_here = h;
}

void zxp_handoff_set(struct zxp_handoff* h, bool on) {
  if (h->on != on) {
    h->on = on;
    atomic_fetch_add_explicit(&on_count, on ? 1u : -1u, memory_order_relaxed);
  }
}

bool zxp_handoff_any(void) { return atomic_load_explicit(&on_count, memory_order_relaxed) > 0; }

void zxp_handoff_leave(struct zxp_handoff* h) {
  zxp_handoff_set(h, false);
  zxp_handoff_here = NULL;
  zxp_mutex_lock(&lock);
  zxp_list_remove(&h->link);
  zxp_mutex_unlock(&lock);
}

/* ---- Where the other thread is ---- */

/* The core that a thread of this process runs on or ran on last; -1 if it has gone. */
static int core_of(pid_t tid) {
  char path[64];
  char text[1024];
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)tid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return -1;
  }
  const ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) {
    return -1;
  }
  text[n] = '\0';
  /* The name, in parentheses, may contain anything; `processor` is the 37th field behind it. */
  const char* at = strrchr(text, ')');
  for (int field = 0; at != NULL && field < 37; field++) {
    at = strchr(at + 1, ' ');
  }
  return at == NULL ? -1 : (int)strtol(at, NULL, 10);
}

bool zxp_handoff_follow(struct zxp_handoff* h) {
  const int core = h->faulter == 0 ? -1 : core_of(h->faulter);
  cpu_set_t allowed;
  if (core < 0 || core >= CPU_SETSIZE || core == sched_getcpu() ||
      sched_getaffinity(0, sizeof allowed, &allowed) != 0 || !CPU_ISSET(core, &allowed)) {
    return false;
  }
  cpu_set_t there;
  CPU_ZERO(&there);
  CPU_SET(core, &there);
  if (sched_setaffinity(0, sizeof there, &there) != 0) {
    return false;
  }
  /* It need not stay: a thread that runs is moved away for a reason only. */
  sched_setaffinity(0, sizeof allowed, &allowed);
  return true;
}

/* ---- A wake ---- */

void zxp_handoff_begin_on(struct zxp_handoff* h) {
  atomic_store_explicit(&h->since, zxp_clock_now(), memory_order_release);
  set_policy(0, SCHED_IDLE);
}

void zxp_handoff_end_on(struct zxp_handoff* h) {
  set_policy(0, SCHED_OTHER);
  atomic_store_explicit(&h->since, 0, memory_order_release);
}

void zxp_handoff_watch(zx_time_t now) {
  zxp_mutex_lock(&lock);
  ZXP_LIST_FOREACH(it, &all) {
    struct zxp_handoff* h = ZXP_CONTAINER_OF(it, struct zxp_handoff, link);
    const zx_time_t since = atomic_load_explicit(&h->since, memory_order_acquire);
    if (since != 0 && now - since > WATCH_NS) {
      /* It may be on its way out of the wake just now; what it is made here is what it makes itself
       * then, and it is on the list as long as it lives. */
      atomic_store_explicit(&h->starved, true, memory_order_relaxed);
      set_policy(h->tid, SCHED_OTHER);
    }
  }
  zxp_mutex_unlock(&lock);
}
