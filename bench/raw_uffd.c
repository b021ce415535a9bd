/* SPDX-License-Identifier: BSD-3-Clause */
#include "raw_uffd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096u

/* Linux 6.1; in newer kernel headers than some that this is built with. */
#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

static int open_uffd(void) {
  const int flags = O_CLOEXEC | O_NONBLOCK;
  int fd = -1;
  const int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
  if (device >= 0) {
    fd = ioctl(device, USERFAULTFD_IOC_NEW, flags);
    close(device);
  }
  if (fd < 0) fd = (int)syscall(SYS_userfaultfd, flags);
  if (fd < 0) fd = (int)syscall(SYS_userfaultfd, flags | UFFD_USER_MODE_ONLY);
  return fd;
}

/* Answers one message; false if there was none. */
static bool answer_one(struct raw_uffd* r) {
  struct uffd_msg message;
  if (read(r->uffd, &message, sizeof message) != (ssize_t)sizeof message) {
    return false;
  }
  if (message.event != UFFD_EVENT_PAGEFAULT) {
    return true;
  }
  memcpy(r->source, r->pattern, PAGE);
  struct uffdio_copy copy = {
      .dst = message.arg.pagefault.address & ~(uint64_t)(PAGE - 1),
      .src = (uintptr_t)r->source,
      .len = PAGE,
  };
  if (ioctl(r->uffd, UFFDIO_COPY, &copy) != 0) {
    perror("UFFDIO_COPY");
    abort();
  }
  return true;
}

static void* poll_main(void* argument) {
  struct raw_uffd* r = argument;
  struct pollfd fds[2] = {{.fd = r->uffd, .events = POLLIN},
                          {.fd = r->stop_pipe[0], .events = POLLIN}};
  while (fds[1].revents == 0) {
    if (poll(fds, 2, -1) > 0 && fds[0].revents != 0) {
      (void)answer_one(r);
    }
  }
  return NULL;
}

static void on_readable(uv_poll_t* poll, int status, int events) {
  (void)status;
  (void)events;
  (void)answer_one(poll->data);
}

static void on_stop(uv_poll_t* poll, int status, int events) {
  (void)status;
  (void)events;
  struct raw_uffd* r = poll->data;
  uv_close((uv_handle_t*)&r->poll, NULL);
  uv_close((uv_handle_t*)&r->stop_poll, NULL);
}

static void* uv_main(void* argument) {
  struct raw_uffd* r = argument;
  uv_run(&r->loop, UV_RUN_DEFAULT);
  uv_loop_close(&r->loop);
  return NULL;
}

static bool set_up_loop(struct raw_uffd* r) {
  r->poll.data = r;
  r->stop_poll.data = r;
  return uv_loop_init(&r->loop) == 0 && uv_poll_init(&r->loop, &r->poll, r->uffd) == 0 &&
         uv_poll_init(&r->loop, &r->stop_poll, r->stop_pipe[0]) == 0 &&
         uv_poll_start(&r->poll, UV_READABLE, on_readable) == 0 &&
         uv_poll_start(&r->stop_poll, UV_READABLE, on_stop) == 0;
}

bool raw_uffd_start(struct raw_uffd* r, size_t pages, const unsigned char* pattern, bool with_uv) {
  memset(r, 0, sizeof *r);
  r->size = pages * PAGE;
  r->pattern = pattern;
  r->with_uv = with_uv;
  r->uffd = open_uffd();
  struct uffdio_api api = {.api = UFFD_API};
  if (r->uffd < 0 || ioctl(r->uffd, UFFDIO_API, &api) != 0) {
    fprintf(stderr, "userfaultfd: %s\n", strerror(errno));
    return false;
  }
  r->memfd = memfd_create("raw", MFD_CLOEXEC);
  r->source = aligned_alloc(PAGE, PAGE);
  if (r->memfd < 0 || r->source == NULL || ftruncate(r->memfd, (off_t)r->size) != 0 ||
      pipe2(r->stop_pipe, O_CLOEXEC) != 0) {
    perror("memfd");
    return false;
  }
  r->memory = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, r->memfd, 0);
  if (r->memory == MAP_FAILED) {
    perror("mmap");
    return false;
  }
  struct uffdio_register registration = {
      .range = {.start = (uintptr_t)r->memory, .len = r->size},
      .mode = UFFDIO_REGISTER_MODE_MISSING,
  };
  if (ioctl(r->uffd, UFFDIO_REGISTER, &registration) != 0) {
    perror("UFFDIO_REGISTER");
    return false;
  }
  if (with_uv && !set_up_loop(r)) {
    fprintf(stderr, "libuv: no loop\n");
    return false;
  }
  return pthread_create(&r->thread, NULL, with_uv ? uv_main : poll_main, r) == 0;
}

void raw_uffd_reset(struct raw_uffd* r) {
  if (madvise(r->memory, r->size, MADV_REMOVE) != 0) {
    perror("MADV_REMOVE");
    abort();
  }
}

void raw_uffd_stop(struct raw_uffd* r) {
  (void)!write(r->stop_pipe[1], "", 1);
  pthread_join(r->thread, NULL);
  munmap(r->memory, r->size);
  close(r->uffd);
  close(r->memfd);
  close(r->stop_pipe[0]);
  close(r->stop_pipe[1]);
  free(r->source);
}
