/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hand-written ways: a userfaultfd over a shared mapping of a memfd, and a thread that answers
 * each missing page with UFFDIO_COPY. Two of the usual loops: poll and read, and a uv_poll_t.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <uv.h>

#include "way.h"

struct raw {
  struct way way;
  int uffd;
  int memfd;
  unsigned char* memory; /* all memories, one after the other */
  size_t size;           /* bytes of it */
  unsigned char* source; /* an answer: what it is copied to first */
  pthread_t thread;
  int stop_pipe[2];
  uv_loop_t loop;
  uv_poll_t poll;
  uv_poll_t stop_poll;
};

static void copy_run(struct raw* r, size_t page) {
  const size_t pages = r->way.setup.answer;
  way_work(&r->way, r->source, pages);
  struct uffdio_copy copy = {
      .dst = (uintptr_t)r->memory + page * WAY_PAGE,
      .src = (uintptr_t)r->source,
      .len = pages * WAY_PAGE,
  };
  way_must(ioctl(r->uffd, UFFDIO_COPY, &copy) == 0, "UFFDIO_COPY");
}

/* Answers one message, if there is one. */
static void answer_one(struct raw* r) {
  struct uffd_msg message;
  if (read(r->uffd, &message, sizeof message) != (ssize_t)sizeof message ||
      message.event != UFFD_EVENT_PAGEFAULT) {
    return;
  }
  const uint64_t offset = message.arg.pagefault.address - (uintptr_t)r->memory;
  size_t page = way_answer_start(&r->way, offset / WAY_PAGE);
  copy_run(r, page);
  for (size_t i = 0; i < r->way.setup.ahead; i++) {
    page += r->way.setup.answer;
    if (page % r->way.setup.pages == 0) {
      break;
    }
    copy_run(r, page);
  }
}

static void call_before(const struct raw* r) {
  if (r->way.setup.before != NULL) {
    r->way.setup.before();
  }
}

static void* poll_main(void* argument) {
  struct raw* r = argument;
  struct pollfd fds[2] = {{.fd = r->uffd, .events = POLLIN},
                          {.fd = r->stop_pipe[0], .events = POLLIN}};
  call_before(r);
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
  struct raw* r = poll->data;
  uv_close((uv_handle_t*)&r->poll, NULL);
  uv_close((uv_handle_t*)&r->stop_poll, NULL);
}

static void* uv_main(void* argument) {
  struct raw* r = argument;
  call_before(r);
  uv_run(&r->loop, UV_RUN_DEFAULT);
  uv_loop_close(&r->loop);
  return NULL;
}

static bool set_up(struct raw* r) {
  r->size = r->way.setup.memories * r->way.setup.pages * WAY_PAGE;
  r->uffd = way_open_uffd(0);
  if (r->uffd < 0) {
    printf("%s: skipped, no userfaultfd: %s\n", r->way.type->name, strerror(errno));
    return false;
  }
  r->memfd = memfd_create("raw", MFD_CLOEXEC);
  way_must(r->memfd >= 0 && ftruncate(r->memfd, (off_t)r->size) == 0, "memfd");
  way_must(pipe2(r->stop_pipe, O_CLOEXEC) == 0, "pipe");
  r->source = aligned_alloc(WAY_PAGE, r->way.setup.answer * WAY_PAGE);
  way_must(r->source != NULL, "aligned_alloc");
  r->memory = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, r->memfd, 0);
  way_must(r->memory != MAP_FAILED, "mmap");
  struct uffdio_register registration = {
      .range = {.start = (uintptr_t)r->memory, .len = r->size},
      .mode = UFFDIO_REGISTER_MODE_MISSING,
  };
  way_must(ioctl(r->uffd, UFFDIO_REGISTER, &registration) == 0, "UFFDIO_REGISTER");
  return true;
}

static bool start_poll(struct way* way) {
  struct raw* r = (struct raw*)way;
  if (!set_up(r)) {
    return false;
  }
  way_must(pthread_create(&r->thread, NULL, poll_main, r) == 0, "pthread_create");
  return true;
}

static bool start_uv(struct way* way) {
  struct raw* r = (struct raw*)way;
  if (!set_up(r)) {
    return false;
  }
  r->poll.data = r;
  r->stop_poll.data = r;
  way_must(uv_loop_init(&r->loop) == 0 && uv_poll_init(&r->loop, &r->poll, r->uffd) == 0 &&
               uv_poll_init(&r->loop, &r->stop_poll, r->stop_pipe[0]) == 0 &&
               uv_poll_start(&r->poll, UV_READABLE, on_readable) == 0 &&
               uv_poll_start(&r->stop_poll, UV_READABLE, on_stop) == 0,
           "libuv");
  way_must(pthread_create(&r->thread, NULL, uv_main, r) == 0, "pthread_create");
  return true;
}

static const unsigned char* begin(struct way* way, size_t memory) {
  return ((struct raw*)way)->memory + memory * way->setup.pages * WAY_PAGE;
}

static void end(struct way* way, size_t memory) {
  struct raw* r = (struct raw*)way;
  const size_t size = way->setup.pages * WAY_PAGE;
  way_must(madvise(r->memory + memory * size, size, MADV_REMOVE) == 0, "MADV_REMOVE");
}

static void stop(struct way* way) {
  struct raw* r = (struct raw*)way;
  (void)!write(r->stop_pipe[1], "", 1);
  pthread_join(r->thread, NULL);
  munmap(r->memory, r->size);
  close(r->uffd);
  close(r->memfd);
  close(r->stop_pipe[0]);
  close(r->stop_pipe[1]);
  free(r->source);
}

const struct way_type way_raw_poll = {.name = "raw poll loop",
                                      .size = sizeof(struct raw),
                                      .start = start_poll,
                                      .begin = begin,
                                      .end = end,
                                      .stop = stop};

const struct way_type way_raw_uv = {.name = "raw uv_poll_t loop",
                                    .size = sizeof(struct raw),
                                    .start = start_uv,
                                    .begin = begin,
                                    .end = end,
                                    .stop = stop};
