/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The service thread: stands by for channels that nobody waits on.
 *
 * A channel is in one of two modes:
 *
 *   WATCHED   its userfaultfd is in this thread's epoll, after the channel's own, both with
 *             EPOLLEXCLUSIVE. The kernel offers a fault to them in that order and stops at the
 *             first that has a thread asleep, so a thread in zx_port_wait gets the fault alone. If
 *             nobody is there, this thread is woken and serves at once.
 *   TIMED     somebody serves the channel and is away just now, most likely for the few
 *             microseconds that an answer takes; the thread that the answer has woken may fault
 *             again in that time, and taking that fault would cost two hops instead of none. So
 *             this thread looks at the clock instead: it serves only if the server stays away
 *             longer than a tick.
 *
 *   WATCHED -> TIMED    woken for a channel whose server has been there until just now
 *   TIMED -> WATCHED    the server has been away, or nothing has happened, for several ticks
 *
 * A pager thread that is busy thus holds up a fault that needs no pager for a tick at the most, two
 * milliseconds. Ticks become rarer while there is nothing to do in them. While nothing happens at
 * all every channel is WATCHED and this thread sleeps without a limit.
 *
 * Starts with the first channel that faults come from, ends with the last. It blocks all signals.
 * The variables below are guarded by channels.lock; the modes are this thread's own.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "fault/channel_private.h"
#include "fault/handoff.h"

static bool running;
static int epoll_fd = -1;
static int stop_fd = -1;

/* Long against an answer (a few us), short against what a program notices. */
#define TICK_NS 250000
/* Somebody served until just now, so it is most likely an answer; a burst of faults is often over
 * by then. */
#define TICK_FIRST_NS (4 * TICK_NS)
/* While servers are where they should be. Ticks take time of their own: some 10 us each where a
 * timer is the hypervisor's, and the fault that one falls into is that much longer. */
#define TICK_MAX_NS (8 * TICK_NS)
/* While a loop thread hands its core over: each tick is a thread that wakes on some core, and the
 * scheduler pulls the loop's thread away to that core when it falls asleep again (Linux 6.18). */
#define SELDOM_NS (16 * TICK_NS)
/* Away, or idle, for this long: watch again. */
#define LONG_NS (8 * (zx_time_t)TICK_NS)
/* Channels looked at per tick; others wait for the next. */
#define TIMED_MAX 64

static void watch(struct zxp_channel* c, int fd) {
  struct epoll_event e = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.u64 = c->id};
  c->timed = false;
  /* Fails for lack of memory only; then the channel stays timed. */
  c->timed = epoll_ctl(fd, EPOLL_CTL_ADD, c->uffd, &e) != 0;
}

/* Whether a server has come by since this was asked last. */
static bool has_served(struct zxp_channel* c, zx_time_t now) {
  const uint32_t served = (uint32_t)(atomic_load_explicit(&c->main->servers, memory_order_relaxed) /
                                     ZXP_CHANNEL_SERVED);
  const bool has = served != c->seen;
  if (has) {
    c->seen = served;
    c->seen_at = now;
  }
  return has;
}

static void woken_for(struct zxp_channel* c, int fd) {
  const zx_time_t now = zxp_clock_now();
  const bool polled = atomic_load_explicit(&c->main->polled, memory_order_relaxed);
  /* A loop that polls is woken beside this thread, since it sleeps on an epoll of its own. */
  if (!has_served(c, now) && !polled && now - c->seen_at > TICK_NS) {
    zxp_channel_read_faults(c);
  } else if (epoll_ctl(fd, EPOLL_CTL_DEL, c->uffd, NULL) == 0) {
    c->timed = true;
    c->seen_at = now;
  }
}

/* Serves the channel if nobody else does; whether there was something to do. */
static bool tick_for(struct zxp_channel* c, int fd) {
  const zx_time_t now = zxp_clock_now();
  if (has_served(c, now)) {
    return false;
  }
  bool found = false;
  const bool waiting =
      (atomic_load_explicit(&c->main->servers, memory_order_relaxed) % ZXP_CHANNEL_SERVED) != 0;
  if (now - c->seen_at > TICK_NS && !waiting) {
    found = zxp_channel_read_faults(c);
  }
  if (now - c->seen_at > LONG_NS) {
    watch(c, fd);
  }
  return found;
}

/* Looks at the timed channels; how many there are. `*needed`: somebody was away, and missed. */
static size_t tick(int fd, bool* needed) {
  struct zxp_channel* timed[TIMED_MAX];
  const size_t n = zxp_channels_timed(timed, TIMED_MAX);
  zxp_handoff_watch(zxp_clock_now());
  *needed = false;
  for (size_t i = 0; i < n; i++) {
    *needed |= tick_for(timed[i], fd);
    zxp_channel_put(timed[i]);
  }
  return n;
}

/* Someone said that a channel has gone: whether that was the last, and this thread is to end. */
static bool ends(void) {
  zxp_channels_lock();
  uint64_t ignored;
  ssize_t got = read(stop_fd, &ignored, sizeof ignored);
  (void)got;
  const bool last = !zxp_channels_left_locked();
  if (last) {
    close(epoll_fd);
    close(stop_fd);
    epoll_fd = stop_fd = -1;
    running = false;
  }
  zxp_channels_unlock();
  return last;
}

static void* service_main(void* unused) {
  (void)unused;
  const int fd = epoll_fd; /* Set before the thread was started; stays open until it ends. */
  size_t timed = 0;
  zx_time_t tick_ns = TICK_NS;
  pthread_setname_np(pthread_self(), "zxp-service");
  for (;;) {
    struct epoll_event events[8];
    const zx_time_t wait_ns = zxp_handoff_any() ? SELDOM_NS : tick_ns;
    const zx_time_t deadline = timed > 0 ? zxp_clock_now() + wait_ns : ZX_TIME_INFINITE;
    const int n = zxp_channel_epoll_wait(fd, events, 8, deadline);
    for (int i = 0; i < n; i++) {
      if (events[i].data.u64 == 0) {
        if (ends()) {
          return NULL;
        }
        continue;
      }
      struct zxp_channel* c = zxp_channel_find(events[i].data.u64);
      if (c != NULL) {
        woken_for(c, fd);
        if (timed == 0) {
          tick_ns = TICK_FIRST_NS;
        }
        timed += c->timed;
        zxp_channel_put(c);
      }
    }
    if (timed > 0) {
      bool needed;
      timed = tick(fd, &needed);
      tick_ns = needed ? TICK_NS : tick_ns < TICK_MAX_NS ? 2 * tick_ns : TICK_MAX_NS;
    }
  }
}

static zx_status_t start_locked(void) {
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct epoll_event e = {.events = EPOLLIN, .data.u64 = 0};
  if (epoll_fd >= 0 && stop_fd >= 0 && epoll_ctl(epoll_fd, EPOLL_CTL_ADD, stop_fd, &e) == 0) {
    pthread_t thread;
    pthread_attr_t attr;
    sigset_t all;
    sigset_t old;
    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    const int rc = pthread_create(&thread, &attr, service_main, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    if (rc == 0) {
      running = true;
      return ZX_OK;
    }
  }
  if (epoll_fd >= 0) {
    close(epoll_fd);
  }
  if (stop_fd >= 0) {
    close(stop_fd);
  }
  epoll_fd = stop_fd = -1;
  return ZX_ERR_NO_RESOURCES;
}

zx_status_t zxp_service_watch_locked(struct zxp_channel* c) {
  if (!running) {
    const zx_status_t st = start_locked();
    if (st != ZX_OK) {
      return st;
    }
  }
  struct epoll_event e = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.u64 = c->id};
  return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->uffd, &e) == 0 ? ZX_OK : ZX_ERR_NO_RESOURCES;
}

void zxp_service_unwatch_locked(void) {
  if (running && !zxp_channels_left_locked()) {
    const uint64_t one = 1;
    ssize_t ignored = write(stop_fd, &one, sizeof one);
    (void)ignored;
  }
}
