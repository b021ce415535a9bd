/* SPDX-License-Identifier: BSD-3-Clause */
#include "way.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zircon/status.h>

/* Linux 6.1; in newer kernel headers than some that this is built with. */
#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

static _Alignas(4096) unsigned char content[4096];

struct way* way_start(const struct way_type* type, const struct way_setup* setup) {
  struct way* way = calloc(1, type->size);
  way_must(way != NULL, type->name);
  if (content[0] != WAY_BYTE) {
    memset(content, WAY_BYTE, sizeof content); /* once, before any thread reads it */
  }
  way->type = type;
  way->setup = *setup;
  if (way->setup.memories == 0) {
    way->setup.memories = 1;
  }
  if (way->setup.answer == 0) {
    way->setup.answer = 1;
  }
  if (!type->start(way)) {
    free(way);
    return NULL;
  }
  return way;
}

void way_stop(struct way* way) {
  way->type->stop(way);
  free(way);
}

const unsigned char* way_begin(struct way* way, size_t memory) {
  return way->type->begin(way, memory);
}

void way_end(struct way* way, size_t memory) { way->type->end(way, memory); }

void way_touch(const unsigned char* memory, size_t pages, size_t stride,
               struct bench_samples* out) {
  for (size_t i = 0; i < pages; i += stride) {
    const uint64_t start = bench_now();
    const unsigned char byte = *(const volatile unsigned char*)(memory + i * WAY_PAGE);
    const uint64_t end = bench_now();
    if (byte != WAY_BYTE) {
      fprintf(stderr, "page %zu: wrong content\n", i);
      exit(1);
    }
    bench_samples_add(out, end - start);
  }
}

void way_work(const struct way* way, unsigned char* buffer, size_t pages) {
  if (way->setup.work != NULL) {
    way->setup.work();
  }
  /* From memory to memory, as real content comes: a memset would read nothing. */
  for (size_t i = 0; i < pages; i++) {
    memcpy(buffer + i * WAY_PAGE, content, WAY_PAGE);
  }
}

size_t way_answer_start(const struct way* way, size_t page) {
  return page - page % way->setup.answer;
}

void way_check(zx_status_t status, const char* what) {
  if (status != ZX_OK) {
    fprintf(stderr, "%s: %s\n", what, zx_status_get_string(status));
    exit(1);
  }
}

_Noreturn void way_fail(const char* what) {
  perror(what);
  exit(1);
}

int way_open_uffd(unsigned long long features) {
  const int flags = O_CLOEXEC | O_NONBLOCK;
  int fd = -1;
  const int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
  if (device >= 0) {
    fd = ioctl(device, USERFAULTFD_IOC_NEW, flags);
    close(device);
  }
  if (fd < 0) fd = (int)syscall(SYS_userfaultfd, flags);
  if (fd < 0) fd = (int)syscall(SYS_userfaultfd, flags | UFFD_USER_MODE_ONLY);
  struct uffdio_api api = {.api = UFFD_API, .features = features};
  if (fd >= 0 && ioctl(fd, UFFDIO_API, &api) != 0) {
    const int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  return fd;
}
