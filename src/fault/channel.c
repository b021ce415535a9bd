/* SPDX-License-Identifier: BSD-3-Clause */
#include "fault/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/stats.h"
#include "fault/channel_private.h"
#include "fault/handoff.h"
#include "fault/resolve.h"
#include "fault/uffd.h"
#include "fault/wakes.h"
#include "vm/blocked.h"

/* Messages read at once; more wait for the next read. */
#define MESSAGES 16
/* How often a loop serves one of a channel and its twin, while that has messages all the time,
 * before it looks at the other. */
#define SERVES_FOR_ONE 8

static struct zxp_mutex lock = ZXP_MUTEX_INITIALIZER(ZXP_RANK_CHANNEL);
static struct zxp_list channels = {&channels, &channels}; /* guarded by lock */
static uint64_t last_id;                                  /* guarded by lock */
static struct zxp_channel* portless;                      /* guarded by lock; without a reference */

/*
 * The channel whose faults the calling thread is resolving on its way through zx_port_wait, and the
 * packets that came of it. The first of them needs no notification: this thread takes it itself.
 */
static _Thread_local struct zxp_channel* serving;
static _Thread_local unsigned served_packets;
static _Thread_local bool serving_loop;

void zxp_channels_lock(void) { zxp_mutex_lock(&lock); }
void zxp_channels_unlock(void) { zxp_mutex_unlock(&lock); }
bool zxp_channels_left_locked(void) { return !zxp_list_empty(&channels); }

/* ---- Reading ---- */

uint64_t zxp_channel_last_message(void) { return zxp_tick_now(); }

bool zxp_channel_read_faults(struct zxp_channel* c) {
  if (c->uffd < 0) {
    return false;
  }
  bool found = false;
  for (;;) {
    struct uffd_msg messages[MESSAGES];
    zxp_quick_lock(&c->read_lock);
    /* Numbered before they are read; see wakes.h. */
    const uint64_t seq = zxp_tick(MESSAGES);
    /* Not read(), where a thread may be cancelled: not with this lock held. */
    const long n = syscall(SYS_read, c->uffd, messages, sizeof messages);
    const int error = errno;
    const uint64_t done = zxp_tick_now();
    zxp_quick_unlock(&c->read_lock);
    if (n < 0 && error == EINTR) {
      continue;
    }
    if (n <= 0) {
      return found;
    }
    found = true;
    const size_t count = (size_t)n / sizeof messages[0];
    if (zxp_handoff_here != NULL) {
      zxp_handoff_here->faults += count;
      zxp_handoff_here->faulter = (pid_t)messages[count - 1].arg.pagefault.feat.ptid;
    }
    for (size_t i = 0; i < count; i++) {
      if (messages[i].event == UFFD_EVENT_PAGEFAULT) {
        ZXP_COUNT(faults, 1);
        zxp_fault_resolve(c, messages[i].arg.pagefault.address, messages[i].arg.pagefault.flags,
                          (pid_t)messages[i].arg.pagefault.feat.ptid, seq + i, done);
      }
    }
    if (count < MESSAGES) {
      return true;
    }
  }
}

/* What a loop's thread does that has not been told where there may be messages. It sleeps before
 * long, and is told then; looking costs a system call each, so as a rule at one only. */
static void read_one_of_two(struct zxp_channel* c) {
  struct zxp_channel* const twin = atomic_load_explicit(&c->twin, memory_order_acquire);
  if (twin == NULL) {
    zxp_channel_read_faults(c);
    return;
  }
  const bool found = zxp_channel_read_faults(c->twin_first ? twin : c);
  if (!found || c->serves++ % SERVES_FOR_ONE == 0) {
    c->twin_first ^= zxp_channel_read_faults(c->twin_first ? c : twin) && !found;
  }
}

void zxp_channel_serve(struct zxp_channel* c, int readable) {
  atomic_store_explicit(&c->loop_tid, (int)zxp_gettid(), memory_order_relaxed);
  if (atomic_load_explicit(&c->kicked, memory_order_relaxed) &&
      atomic_exchange_explicit(&c->kicked, false, memory_order_acquire)) {
    uint64_t ignored;
    while (read(c->packet_fd, &ignored, sizeof ignored) > 0) {
    }
  }
  /* The loop takes packets until there are none, so those that come of these faults need no kick.
   * */
  serving = c;
  serving_loop = true;
  if (readable < 0) {
    read_one_of_two(c);
  } else if (readable == c->uffd) {
    zxp_channel_read_faults(c);
  } else if (readable != c->packet_fd) {
    zxp_channel_read_faults(atomic_load_explicit(&c->twin, memory_order_acquire));
  }
  serving = NULL;
  serving_loop = false;
  atomic_fetch_add_explicit(&c->servers, ZXP_CHANNEL_SERVED, memory_order_relaxed);
}

/* ---- The port's side ---- */

int zxp_channel_epoll_wait(int epoll_fd, struct epoll_event* events, int max, zx_time_t deadline) {
  struct timespec left = {0, 0};
  zx_time_t ns = -1;
  if (deadline != ZX_TIME_INFINITE) {
    /* A deadline may lie as far back as ZX_TIME_INFINITE_PAST: no subtraction below zero. */
    const zx_time_t now = zxp_clock_now();
    ns = deadline > now ? deadline - now : 0;
    left = zxp_clock_timespec(ns);
  }
#ifdef SYS_epoll_pwait2
  const long rc =
      syscall(SYS_epoll_pwait2, epoll_fd, events, max, ns < 0 ? NULL : &left, NULL, (size_t)0);
  if (rc >= 0 || errno != ENOSYS) {
    return (int)rc;
  }
#endif
  const zx_time_t ms = ns < 0 ? -1 : (ns + 999999) / 1000000;
  return epoll_wait(epoll_fd, events, max, ms > 3600000 ? 3600000 : (int)ms);
}

static zx_status_t server_wait(void* context, zx_time_t deadline) {
  struct zxp_channel* c = context;
  struct epoll_event events[3];
  atomic_fetch_add_explicit(&c->servers, 1, memory_order_relaxed);
  const int n = zxp_channel_epoll_wait(c->epoll_fd, events, 3, deadline);
  atomic_fetch_add_explicit(&c->servers, ZXP_CHANNEL_SERVED - 1, memory_order_relaxed);
  if (n == 0) {
    return deadline != ZX_TIME_INFINITE && zxp_clock_now() >= deadline ? ZX_ERR_TIMED_OUT : ZX_OK;
  }
  for (int i = 0; i < n; i++) {
    if (events[i].data.fd == c->packet_fd) {
      uint64_t one;
      ssize_t ignored = read(c->packet_fd, &one, sizeof one);
      (void)ignored;
    } else {
      serving = c;
      served_packets = 0;
      zxp_channel_read_faults(
          events[i].data.fd == c->uffd ? c : atomic_load_explicit(&c->twin, memory_order_acquire));
      serving = NULL;
    }
  }
  return ZX_OK;
}

static void notify(struct zxp_channel* c) {
  const uint64_t one = 1;
  atomic_store_explicit(&c->kicked, true, memory_order_release);
  ssize_t ignored = write(c->packet_fd, &one, sizeof one);
  (void)ignored;
}

static void server_kick(void* context) {
  struct zxp_channel* c = context;
  if (serving == c && (serving_loop || served_packets++ == 0)) {
    return;
  }
  notify(c);
}

static bool server_always_kick(void* context) {
  struct zxp_channel* c = context;
  return atomic_load_explicit(&c->polled, memory_order_relaxed);
}

static void server_release(void* context) { zxp_channel_put(context); }

static const struct zxp_port_server_ops server_ops = {
    .wait = server_wait,
    .kick = server_kick,
    .always_kick = server_always_kick,
};

/* ---- Life ---- */

static void channel_free(struct zxp_channel* c) {
  if (c->uffd >= 0) {
    close(c->uffd);
  }
  if (c->packet_fd >= 0) {
    close(c->packet_fd);
  }
  if (c->epoll_fd >= 0) {
    close(c->epoll_fd);
  }
  free(c);
}

void zxp_channel_put(struct zxp_channel* c) {
  c = c->main;
  if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1) {
    return;
  }
  zxp_mutex_lock(&lock);
  zxp_list_remove(&c->link);
  struct zxp_channel* const twin = c->twin;
  if (twin != NULL) {
    zxp_list_remove(&twin->link);
  }
  if (portless == c) {
    portless = NULL;
  }
  zxp_service_unwatch_locked();
  zxp_mutex_unlock(&lock);
  if (twin != NULL) {
    channel_free(twin);
  }
  channel_free(c);
}

/* A reference, unless the last is being put at this moment. */
static bool try_get(struct zxp_channel* c) {
  c = c->main;
  unsigned refs = atomic_load_explicit(&c->refs, memory_order_relaxed);
  while (refs != 0 && !atomic_compare_exchange_weak(&c->refs, &refs, refs + 1)) {
  }
  return refs != 0;
}

struct zxp_channel* zxp_channel_find(uint64_t id) {
  struct zxp_channel* found = NULL;
  zxp_mutex_lock(&lock);
  ZXP_LIST_FOREACH(it, &channels) {
    struct zxp_channel* c = ZXP_CONTAINER_OF(it, struct zxp_channel, link);
    if (c->id == id) {
      found = try_get(c) ? c : NULL;
      break;
    }
  }
  zxp_mutex_unlock(&lock);
  return found;
}

size_t zxp_channels_timed(struct zxp_channel** out, size_t max) {
  size_t n = 0;
  zxp_mutex_lock(&lock);
  ZXP_LIST_FOREACH(it, &channels) {
    struct zxp_channel* c = ZXP_CONTAINER_OF(it, struct zxp_channel, link);
    if (n < max && c->timed && try_get(c)) {
      out[n++] = c;
    }
  }
  zxp_mutex_unlock(&lock);
  return n;
}

static bool poll_add(int epoll_fd, int fd, uint32_t flags) {
  struct epoll_event e = {.events = EPOLLIN | flags, .data.fd = fd};
  return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) == 0;
}

/* Of a channel, or of the twin of `main`. */
static struct zxp_channel* channel_new(struct zxp_channel* main) {
  struct zxp_channel* c = calloc(1, sizeof *c);
  if (c != NULL) {
    c->main = main != NULL ? main : c;
    c->uffd = c->packet_fd = c->epoll_fd = -1;
    atomic_init(&c->refs, 1);
    zxp_list_init(&c->link);
    zxp_quick_lock_init(&c->read_lock, ZXP_RANK_LEAF);
  }
  return c;
}

/* The twin, made if there is none; NULL: there can't be one, or not now. */
static struct zxp_channel* twin_locked(struct zxp_channel* c) {
  struct zxp_channel* twin = c->twin;
  if (twin != NULL || !zxp_uffd_probe()->async_stores || (twin = channel_new(c)) == NULL) {
    return twin;
  }
  twin->id = ++last_id;
  twin->uffd = zxp_uffd_open(ZXP_UFFD_ASYNC);
  /* A loop polls it by itself. */
  if (twin->uffd < 0 || (!c->polled && !poll_add(c->epoll_fd, twin->uffd, EPOLLEXCLUSIVE)) ||
      zxp_service_watch_locked(twin) != ZX_OK) {
    channel_free(twin);
    return NULL;
  }
  zxp_list_push_back(&channels, &twin->link);
  atomic_store_explicit(&c->twin, twin, memory_order_release);
  return twin;
}

static zx_status_t channel_create_locked(struct zxp_port* port, struct zxp_channel** out) {
  struct zxp_channel* c = channel_new(NULL);
  zx_status_t st = ZX_ERR_NO_RESOURCES;
  if (c == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  c->packet_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
  c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  c->uffd = zxp_uffd_open(ZXP_UFFD_TRAPS);
  if (c->packet_fd < 0 || c->epoll_fd < 0) {
    goto fail;
  }
  if (c->uffd < 0 && zxp_uffd_probe()->mappings_supported) {
    goto fail; /* It can be had, but not now: out of descriptors. */
  }
  c->id = ++last_id;
  /* The channel's own epoll before the service thread's: the kernel offers a fault in this order.
   * */
  if (!poll_add(c->epoll_fd, c->packet_fd, 0) ||
      (c->uffd >= 0 && !poll_add(c->epoll_fd, c->uffd, EPOLLEXCLUSIVE))) {
    goto fail;
  }
  if (c->uffd >= 0) {
    zxp_raise_init();
    st = zxp_service_watch_locked(c);
    if (st != ZX_OK) {
      goto fail;
    }
  }
  zxp_list_push_back(&channels, &c->link);
  if (port != NULL) {
    zxp_port_set_server_release(port, server_release);
    zxp_port_set_server(port, &server_ops, c);
  }
  ZXP_LOG(ZXP_TOPIC_FAULT, 2, "channel %llu, userfaultfd %d", (unsigned long long)c->id, c->uffd);
  *out = c;
  return ZX_OK;
fail:
  channel_free(c);
  return st;
}

zx_status_t zxp_channel_of_port(struct zxp_port* port, struct zxp_channel** out) {
  zx_status_t st = ZX_OK;
  zxp_mutex_lock(&lock);
  *out = zxp_port_server_context(port);
  if (*out == NULL) {
    st = channel_create_locked(port, out);
  }
  zxp_mutex_unlock(&lock);
  return st;
}

zx_status_t zxp_channel_for_mappings(struct zxp_port* port, bool async, struct zxp_channel** out) {
  if (!zxp_uffd_probe()->mappings_supported) {
    ZXP_LOG(ZXP_TOPIC_MAP, 1, "pager-backed VMO not mapped: %s", zxp_uffd_probe()->advice);
    return ZX_ERR_NOT_SUPPORTED;
  }
  zx_status_t st = ZX_OK;
  if (port != NULL) {
    st = zxp_channel_of_port(port, out);
    if (st == ZX_OK) {
      zxp_channel_get(*out);
    }
    if (st == ZX_OK && async) {
      zxp_mutex_lock(&lock);
      struct zxp_channel* const twin = twin_locked(*out);
      *out = twin != NULL ? twin : *out; /* References are those of both. */
      zxp_mutex_unlock(&lock);
    }
    return st;
  }
  zxp_mutex_lock(&lock);
  *out = portless;
  if (portless == NULL || !try_get(portless)) {
    st = channel_create_locked(NULL, out);
    portless = st == ZX_OK ? *out : NULL;
  }
  zxp_mutex_unlock(&lock);
  return st;
}

unsigned zxp_channel_poll_fds(const struct zxp_channel* c, int fds[ZXP_CHANNEL_POLL_MAX]) {
  unsigned n = 0;
  if (c->uffd >= 0) {
    fds[n++] = c->uffd;
  }
  const struct zxp_channel* const twin = atomic_load_explicit(&c->twin, memory_order_acquire);
  if (twin != NULL) {
    fds[n++] = twin->uffd;
  }
  fds[n++] = c->packet_fd;
  return n;
}

void zxp_channel_set_polled(struct zxp_channel* c, bool polled) {
  /* Which thread runs the loop shows itself when it serves: it need not be the one that made it. */
  atomic_store_explicit(&c->loop_tid, 0, memory_order_relaxed);
  atomic_store_explicit(&c->polled, polled, memory_order_relaxed);
  if (polled && c->uffd >= 0) {
    /* Nobody will sleep on it, so it need not hear of faults. */
    epoll_ctl(c->epoll_fd, EPOLL_CTL_DEL, c->uffd, NULL);
    /* What the loop polls cannot become more later. */
    zxp_mutex_lock(&lock);
    const struct zxp_channel* const twin = twin_locked(c);
    if (twin != NULL) {
      epoll_ctl(c->epoll_fd, EPOLL_CTL_DEL, twin->uffd, NULL);
    }
    zxp_mutex_unlock(&lock);
  }
  /* Packets queued before now have notified nobody. */
  notify(c);
}
