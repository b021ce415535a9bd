/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The service thread: stands by for channels that nobody waits on.
 *
 * Its epoll is added to each userfaultfd after the channel's own, both with EPOLLEXCLUSIVE. The kernel
 * offers a fault to them in that order and stops at the first that has a thread asleep, so a thread in
 * zx_port_wait gets the fault alone and this one sleeps on; a pager thread that is busy holds nothing up.
 *
 * Starts with the first channel that faults come from, ends with the last. It blocks all signals. Everything
 * here is guarded by channels.lock but the thread's own loop.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "fault/channel_private.h"

static bool running;
static int epoll_fd = -1;
static int stop_fd = -1;

/*
 * A pager that answers and waits again is away for a few microseconds only, and the thread that it has just
 * woken may fault again in that time. Taking that fault from it would cost two hops; so this thread steps
 * back for a moment if somebody has waited on the channel until just now. Nothing is lost if he does not
 * come back: a fault that needs no pager is then answered this much later.
 */
#define GRACE_NS 100000

static void give_way(const struct zxp_channel* c) {
  const zx_time_t left = atomic_load_explicit(&c->left, memory_order_relaxed);
  const zx_time_t now = zxp_clock_now();
  if (now - left < GRACE_NS) {
    const struct timespec ts = zxp_clock_timespec(GRACE_NS);
    clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
  }
}

static void* service_main(void* unused) {
  (void)unused;
  const int fd = epoll_fd; /* Set before the thread was started; stays open until it ends. */
  pthread_setname_np(pthread_self(), "zxp-service");
  for (;;) {
    struct epoll_event events[8];
    const int n = epoll_wait(fd, events, 8, -1);
    for (int i = 0; i < n; i++) {
      if (events[i].data.u64 == 0) {
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
        if (last) {
          return NULL;
        }
        continue;
      }
      struct zxp_channel* c = zxp_channel_find(events[i].data.u64);
      if (c != NULL) {
        give_way(c);
        zxp_channel_read_faults(c);
        zxp_channel_put(c);
      }
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
