/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * No pager at all: a file whose pages are in the page cache, mapped. What is left of a fault if
 * nobody has to be asked. The kernel maps 16 pages around the one that is touched, so who wants to
 * see faults touches every 16th.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "way.h"

struct file {
  struct way way;
  int fd;
  unsigned char** mapped; /* by memory */
};

static bool start(struct way* way) {
  struct file* f = (struct file*)way;
  const size_t size = way->setup.memories * way->setup.pages * WAY_PAGE;
  f->fd = memfd_create("file", MFD_CLOEXEC);
  f->mapped = calloc(way->setup.memories, sizeof *f->mapped);
  way_must(f->fd >= 0 && f->mapped != NULL && ftruncate(f->fd, (off_t)size) == 0, "memfd");
  unsigned char* all = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
  way_must(all != MAP_FAILED, "mmap");
  memset(all, WAY_BYTE, size);
  munmap(all, size);
  return true;
}

static const unsigned char* begin(struct way* way, size_t memory) {
  struct file* f = (struct file*)way;
  const size_t size = way->setup.pages * WAY_PAGE;
  f->mapped[memory] = mmap(NULL, size, PROT_READ, MAP_SHARED, f->fd, (off_t)(memory * size));
  way_must(f->mapped[memory] != MAP_FAILED, "mmap");
  return f->mapped[memory];
}

static void end(struct way* way, size_t memory) {
  munmap(((struct file*)way)->mapped[memory], way->setup.pages * WAY_PAGE);
}

static void stop(struct way* way) {
  close(((struct file*)way)->fd);
  free(((struct file*)way)->mapped);
}

const struct way_type way_file = {.name = "mmap of a cached file",
                                  .size = sizeof(struct file),
                                  .start = start,
                                  .begin = begin,
                                  .end = end,
                                  .stop = stop};
