/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hand-written way to learn of first writes: a write-protected shared mapping of a memfd.
 * Either a thread polls, reads the message and lifts the protection (RAW_WP_POLL; RAW_WP_UV, with a
 * uv_poll_t), or the kernel lifts it by itself and remembers (RAW_WP_ASYNC, Linux 6.7).
 */
#ifndef BENCH_RAW_WP_H_
#define BENCH_RAW_WP_H_

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

enum raw_wp_kind {
  RAW_WP_POLL,
  RAW_WP_UV,
  RAW_WP_ASYNC,
};

struct raw_wp {
  enum raw_wp_kind kind;
  int uffd;
  int memfd;
  unsigned char* memory;
  size_t size;
  pthread_t thread; /* but for RAW_WP_ASYNC */
  int stop_pipe[2];
  uv_loop_t loop; /* RAW_WP_UV, and so on */
  uv_poll_t poll;
  uv_poll_t stop_poll;
};

/* Whether the kernel has what `kind` needs. */
bool raw_wp_possible(enum raw_wp_kind kind);

/* Sets up `pages` pages, all there and protected, and starts the thread. False, with a message, if
 * the kernel won't. */
bool raw_wp_start(struct raw_wp* r, size_t pages, enum raw_wp_kind kind);

/* Protects every page again. */
void raw_wp_reset(struct raw_wp* r);

void raw_wp_stop(struct raw_wp* r);

#endif /* BENCH_RAW_WP_H_ */
