/* SPDX-License-Identifier: BSD-3-Clause */
#include "object/timer.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/tree.h"

#define CLOCKS 2 /* ZX_CLOCK_MONOTONIC, ZX_CLOCK_BOOT */

/* How long the thread stays when nothing is armed: a program that uses timers soon arms the next
 * one, and starting a thread costs more than a timer does. */
#define LINGER ZX_SEC(1)

/* (C) constant  (O) object.lock  (Q) queue.lock */
struct timer {
  struct zxp_object object;
  uint32_t options;          /* (C) */
  zx_clock_t clock_id;       /* (C) */
  bool armed;                /* (O) */
  zx_time_t deadline;        /* (O) 0 unless armed */
  zx_duration_t slack;       /* (O) 0 unless armed */
  struct zxp_tree_node node; /* (Q) in the queue of its clock, if the first of its deadline */
  struct zxp_list same;      /* (Q) ring of the queued timers of one clock and deadline */
  bool first;                /* (Q) `node` is in the queue */
  bool queued;               /* (Q) */
  struct zxp_list due;       /* the thread's own */
};

static struct {
  struct zxp_mutex lock;
  struct zxp_tree timers[CLOCKS]; /* (Q) */
  int fds[CLOCKS];                /* (Q) timerfds, set to the first deadline; only with a thread */
  bool running;                   /* (Q) the thread exists */
  zx_time_t leave_at;             /* (Q) when it ends, unless a timer is armed before */
} queue = {.lock = ZXP_MUTEX_INITIALIZER(ZXP_RANK_LEAF)};

static struct timer* timer_of(struct zxp_object* object) {
  return ZXP_CONTAINER_OF(object, struct timer, object);
}

static zx_time_t clock_now(zx_clock_t clock_id) {
  return clock_id == ZX_CLOCK_BOOT ? zxp_clock_boot_now() : zxp_clock_now();
}

/* ---- Queue ---- */

static bool empty_locked(void) {
  return zxp_tree_empty(&queue.timers[0]) && zxp_tree_empty(&queue.timers[1]);
}

static void set_fd_locked(zx_clock_t clock_id, zx_time_t when) {
  /* 0 would be "never". */
  const struct itimerspec alarm = {.it_value = zxp_clock_timespec(when)};
  const int rc = timerfd_settime(queue.fds[clock_id], TFD_TIMER_ABSTIME, &alarm, NULL);
  ZXP_ASSERT(rc == 0);
}

/* Has the thread look again when the first timer of this clock is due. */
static void set_alarm_locked(zx_clock_t clock_id) {
  const struct zxp_tree_node* first = zxp_tree_first(&queue.timers[clock_id]);
  set_fd_locked(clock_id, first == NULL ? 0 : (zx_time_t)first->key);
}

/* Nothing is armed any more: has the thread look whether it is to end. */
static void set_leave_locked(void) {
  queue.leave_at = zxp_clock_now() + LINGER;
  set_fd_locked(ZX_CLOCK_MONOTONIC, queue.leave_at);
}

static void enqueue_locked(struct timer* timer) {
  struct zxp_tree* tree = &queue.timers[timer->clock_id];
  struct zxp_tree_node* node = zxp_tree_find(tree, (uint64_t)timer->deadline);
  timer->queued = true;
  timer->first = node == NULL;
  if (timer->first) {
    zxp_tree_insert(tree, &timer->node, (uint64_t)timer->deadline);
  } else {
    zxp_list_push_back(&ZXP_CONTAINER_OF(node, struct timer, node)->same, &timer->same);
  }
}

static void dequeue_locked(struct timer* timer) {
  struct zxp_tree* tree = &queue.timers[timer->clock_id];
  if (timer->first) {
    const uint64_t deadline = timer->node.key;
    zxp_tree_remove(tree, &timer->node);
    if (!zxp_list_empty(&timer->same)) {
      struct timer* next = ZXP_CONTAINER_OF(timer->same.next, struct timer, same);
      next->first = true;
      zxp_tree_insert(tree, &next->node, deadline);
    }
  }
  zxp_list_remove(&timer->same);
  timer->queued = false;
  timer->first = false;
}

/* ---- Thread ---- */

/* Takes what is due off the queue of a clock, with a reference each. */
static void take_due_locked(zx_clock_t clock_id, struct zxp_list* due) {
  const zx_time_t now = clock_now(clock_id);
  for (;;) {
    struct zxp_tree_node* node = zxp_tree_first(&queue.timers[clock_id]);
    if (node == NULL || (zx_time_t)node->key > now) {
      break;
    }
    struct timer* timer = ZXP_CONTAINER_OF(node, struct timer, node);
    dequeue_locked(timer);
    /* A timer whose last reference has just gone waits for this lock in its destroy function. */
    if (zxp_object_try_get(&timer->object)) {
      zxp_list_push_back(due, &timer->due);
    }
  }
}

static void expire(struct timer* timer) {
  zxp_mutex_lock(&timer->object.lock);
  if (timer->armed && timer->deadline <= clock_now(timer->clock_id)) {
    timer->armed = false;
    timer->deadline = 0;
    timer->slack = 0;
    zxp_object_set_signals_locked(&timer->object, 0, ZX_TIMER_SIGNALED);
  }
  zxp_mutex_unlock(&timer->object.lock);
  zxp_object_put(&timer->object);
}

static void* thread_main(void* argument) {
  (void)argument;
  pthread_setname_np(pthread_self(), "zxp-timer");
  for (;;) {
    struct pollfd fds[CLOCKS];
    for (int i = 0; i < CLOCKS; i++) {
      fds[i] = (struct pollfd){.fd = queue.fds[i], .events = POLLIN}; /* ours while we run */
    }
    (void)poll(fds, CLOCKS, -1);

    struct zxp_list due;
    zxp_list_init(&due);
    zxp_mutex_lock(&queue.lock);
    const bool was_empty = empty_locked();
    for (zx_clock_t i = 0; i < CLOCKS; i++) {
      take_due_locked(i, &due);
      set_alarm_locked(i); /* also makes the descriptor unreadable again */
    }
    if (was_empty && zxp_clock_now() >= queue.leave_at) {
      for (int i = 0; i < CLOCKS; i++) {
        close(queue.fds[i]);
      }
      queue.running = false;
      zxp_mutex_unlock(&queue.lock);
      return NULL;
    }
    if (empty_locked()) {
      set_leave_locked();
    }
    zxp_mutex_unlock(&queue.lock);

    struct zxp_list* link;
    while ((link = zxp_list_pop_front(&due)) != NULL) {
      expire(ZXP_CONTAINER_OF(link, struct timer, due));
    }
  }
}

static bool ensure_thread_locked(void) {
  if (queue.running) {
    return true;
  }
  pthread_attr_t attributes;
  pthread_t thread;
  sigset_t all;
  sigset_t before;
  bool started = false;
  queue.fds[ZX_CLOCK_MONOTONIC] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  queue.fds[ZX_CLOCK_BOOT] = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  if (queue.fds[0] >= 0 && queue.fds[1] >= 0 && pthread_attr_init(&attributes) == 0) {
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread inherits it */
    started = pthread_create(&thread, &attributes, thread_main, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
  }
  for (int i = 0; i < CLOCKS && !started; i++) {
    if (queue.fds[i] >= 0) {
      close(queue.fds[i]);
    }
  }
  queue.running = started;
  return started;
}

/* ---- Object ---- */

static void unqueue(struct timer* timer) {
  zxp_mutex_lock(&queue.lock);
  if (timer->queued) {
    dequeue_locked(timer); /* at worst the thread wakes for nothing */
    if (empty_locked()) {
      set_leave_locked();
    }
  }
  zxp_mutex_unlock(&queue.lock);
}

static void disarm_locked(struct timer* timer) {
  ZXP_ASSERT_HELD(&timer->object.lock);
  timer->armed = false;
  timer->deadline = 0;
  timer->slack = 0;
  unqueue(timer);
}

static void timer_zero_handles(struct zxp_object* object) {
  zxp_mutex_lock(&object->lock);
  disarm_locked(timer_of(object));
  zxp_mutex_unlock(&object->lock);
}

static void timer_destroy(struct zxp_object* object) {
  struct timer* timer = timer_of(object);
  /* A call that looked the timer up before its last handle was closed may have armed it since. */
  unqueue(timer);
  zxp_object_fini(object);
  free(timer);
}

static const struct zxp_object_ops timer_ops = {
    .type = ZX_OBJ_TYPE_TIMER,
    .name = "timer",
    .user_signals = ZX_USER_SIGNAL_ALL,
    .waitable = true,
    .on_zero_handles = timer_zero_handles,
    .destroy = timer_destroy,
};

zx_status_t zxp_timer_create(uint32_t options, zx_clock_t clock_id, struct zxp_object** out) {
  ZXP_ASSERT(clock_id < CLOCKS);
  struct timer* timer = calloc(1, sizeof *timer);
  if (timer == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  zxp_object_init(&timer->object, &timer_ops, 0);
  timer->options = options;
  timer->clock_id = clock_id;
  zxp_list_init(&timer->same);
  zxp_list_init(&timer->due);
  *out = &timer->object;
  return ZX_OK;
}

zx_status_t zxp_timer_set(struct zxp_object* object, zx_time_t deadline, zx_duration_t slack) {
  struct timer* timer = timer_of(object);
  zx_status_t status = ZX_OK;
  zxp_mutex_lock(&object->lock);
  disarm_locked(timer);
  /* Two steps, so that a bit which was set goes and comes back for those who wait for the edge. */
  zxp_object_set_signals_locked(object, ZX_TIMER_SIGNALED, 0);
  if (deadline <= clock_now(timer->clock_id)) {
    zxp_object_set_signals_locked(object, 0, ZX_TIMER_SIGNALED);
  } else {
    zxp_mutex_lock(&queue.lock);
    if (ensure_thread_locked()) {
      timer->armed = true;
      timer->deadline = deadline;
      timer->slack = slack;
      enqueue_locked(timer);
      set_alarm_locked(timer->clock_id);
    } else {
      status = ZX_ERR_NO_RESOURCES;
    }
    zxp_mutex_unlock(&queue.lock);
  }
  zxp_mutex_unlock(&object->lock);
  return status;
}

void zxp_timer_cancel(struct zxp_object* object) {
  zxp_mutex_lock(&object->lock);
  disarm_locked(timer_of(object));
  zxp_object_set_signals_locked(object, ZX_TIMER_SIGNALED, 0);
  zxp_mutex_unlock(&object->lock);
}

static zx_status_t get_info(struct zxp_object* object, zx_rights_t handle_rights, void* record) {
  (void)handle_rights;
  struct timer* timer = timer_of(object);
  zxp_mutex_lock(&object->lock);
  *(zx_info_timer_t*)record = (zx_info_timer_t){
      .options = timer->options,
      .clock_id = timer->clock_id,
      .deadline = timer->deadline,
      .slack = timer->slack,
  };
  zxp_mutex_unlock(&object->lock);
  return ZX_OK;
}

const struct zxp_info_topic zxp_info_timer = {
    .topic = ZX_INFO_TIMER,
    .type = ZX_OBJ_TYPE_TIMER,
    .rights = ZX_RIGHT_INSPECT,
    .record_size = sizeof(zx_info_timer_t),
    .get = get_info,
};
