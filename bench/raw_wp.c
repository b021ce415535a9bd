/* SPDX-License-Identifier: BSD-3-Clause */
#include "raw_wp.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "way.h"

#define PAGE WAY_PAGE

/* Linux 5.19 and 6.7; in newer kernel headers than some that this is built with. */
#ifndef UFFD_FEATURE_WP_HUGETLBFS_SHMEM
#define UFFD_FEATURE_WP_HUGETLBFS_SHMEM (1 << 12)
#endif
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif

static uint64_t features_of(enum raw_wp_kind kind) {
  return UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_HUGETLBFS_SHMEM |
         (kind == RAW_WP_ASYNC ? UFFD_FEATURE_WP_ASYNC : 0);
}

bool raw_wp_possible(enum raw_wp_kind kind) {
  const int fd = way_open_uffd(features_of(kind));
  if (fd >= 0) {
    close(fd);
  }
  return fd >= 0;
}

static void protect(struct raw_wp* r, uint64_t start, uint64_t length, uint64_t mode) {
  struct uffdio_writeprotect wp = {.range = {.start = start, .len = length}, .mode = mode};
  if (ioctl(r->uffd, UFFDIO_WRITEPROTECT, &wp) != 0) {
    perror("UFFDIO_WRITEPROTECT");
    abort();
  }
}

/* Answers one message, if there is one; lifting the protection wakes who waits. */
static void answer_one(struct raw_wp* r) {
  struct uffd_msg message;
  if (read(r->uffd, &message, sizeof message) == (ssize_t)sizeof message &&
      message.event == UFFD_EVENT_PAGEFAULT) {
    protect(r, message.arg.pagefault.address & ~(uint64_t)(PAGE - 1), PAGE, 0);
  }
}

static void* poll_main(void* argument) {
  struct raw_wp* r = argument;
  struct pollfd fds[2] = {{.fd = r->uffd, .events = POLLIN},
                          {.fd = r->stop_pipe[0], .events = POLLIN}};
  while (fds[1].revents == 0) {
    if (poll(fds, 2, -1) > 0 && fds[0].revents != 0) {
      answer_one(r);
    }
  }
  return NULL;
}

static void on_readable(uv_poll_t* poll, int status, int events) {
  (void)status;
  (void)events;
  answer_one(poll->data);
}

static void on_stop(uv_poll_t* poll, int status, int events) {
  (void)status;
  (void)events;
  struct raw_wp* r = poll->data;
  uv_close((uv_handle_t*)&r->poll, NULL);
  uv_close((uv_handle_t*)&r->stop_poll, NULL);
}

static void* uv_main(void* argument) {
  struct raw_wp* r = argument;
  uv_run(&r->loop, UV_RUN_DEFAULT);
  uv_loop_close(&r->loop);
  return NULL;
}

static bool start_thread(struct raw_wp* r) {
  if (r->kind == RAW_WP_POLL) {
    return pthread_create(&r->thread, NULL, poll_main, r) == 0;
  }
  r->poll.data = r;
  r->stop_poll.data = r;
  return uv_loop_init(&r->loop) == 0 && uv_poll_init(&r->loop, &r->poll, r->uffd) == 0 &&
         uv_poll_init(&r->loop, &r->stop_poll, r->stop_pipe[0]) == 0 &&
         uv_poll_start(&r->poll, UV_READABLE, on_readable) == 0 &&
         uv_poll_start(&r->stop_poll, UV_READABLE, on_stop) == 0 &&
         pthread_create(&r->thread, NULL, uv_main, r) == 0;
}

bool raw_wp_start(struct raw_wp* r, size_t pages, enum raw_wp_kind kind) {
  memset(r, 0, sizeof *r);
  r->kind = kind;
  r->size = pages * PAGE;
  r->uffd = way_open_uffd(features_of(kind));
  r->memfd = memfd_create("raw", MFD_CLOEXEC);
  if (r->uffd < 0 || r->memfd < 0 || ftruncate(r->memfd, (off_t)r->size) != 0 ||
      pipe2(r->stop_pipe, O_CLOEXEC) != 0) {
    perror("userfaultfd");
    return false;
  }
  r->memory = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, r->memfd, 0);
  if (r->memory == MAP_FAILED) {
    perror("mmap");
    return false;
  }
  madvise(r->memory, r->size, MADV_NOHUGEPAGE);
  memset(r->memory, 1, r->size);
  struct uffdio_register registration = {
      .range = {.start = (uintptr_t)r->memory, .len = r->size},
      .mode = UFFDIO_REGISTER_MODE_WP,
  };
  if (ioctl(r->uffd, UFFDIO_REGISTER, &registration) != 0) {
    perror("UFFDIO_REGISTER");
    return false;
  }
  raw_wp_reset(r);
  return kind == RAW_WP_ASYNC || start_thread(r);
}

void raw_wp_reset(struct raw_wp* r) {
  protect(r, (uintptr_t)r->memory, r->size, UFFDIO_WRITEPROTECT_MODE_WP);
}

void raw_wp_stop(struct raw_wp* r) {
  (void)!write(r->stop_pipe[1], "", 1);
  if (r->kind != RAW_WP_ASYNC) {
    pthread_join(r->thread, NULL);
  }
  munmap(r->memory, r->size);
  close(r->uffd);
  close(r->memfd);
  close(r->stop_pipe[0]);
  close(r->stop_pipe[1]);
}
