/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hand-written way: a userfaultfd over a shared mapping of a memfd, and a thread that answers
 * each missing page with UFFDIO_COPY. Two of the usual loops: poll and read, and a uv_poll_t.
 */
#ifndef BENCH_RAW_UFFD_H_
#define BENCH_RAW_UFFD_H_

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct raw_uffd {
  int uffd;
  int memfd;
  unsigned char* memory;
  size_t size;
  const unsigned char* pattern; /* a page: what every answer contains */
  unsigned char* source;        /* a page: what it is copied to first, as from a disk */
  pthread_t thread;
  int stop_pipe[2];
  bool with_uv;
  uv_loop_t loop;
  uv_poll_t poll;
  uv_poll_t stop_poll;
};

/* Sets up `pages` pages and starts the thread. False, with a message, if the kernel won't. */
bool raw_uffd_start(struct raw_uffd* r, size_t pages, const unsigned char* pattern, bool with_uv);

/* Makes every page absent again. */
void raw_uffd_reset(struct raw_uffd* r);

void raw_uffd_stop(struct raw_uffd* r);

#endif /* BENCH_RAW_UFFD_H_ */
