/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ways to serve page faults, behind one interface, so that a benchmark lets them take turns and
 * knows nothing of how each does it.
 *
 *   way_type    one way: how to start it, to get memory that is absent, and to stop it
 *   way_setup   how much memory, and what an answer is
 *   way         one that runs
 *
 * All do the same work: a thread touches an absent page, another one copies the content into a
 * buffer of its own, as from a disk, and from there into the page, which lets the first go on.
 *
 *   struct way* w = way_start(&way_port, &(struct way_setup){.pages = 256});
 *   const unsigned char* memory = way_begin(w, 0);
 *   way_touch(memory, 256, 1, &samples);
 *   way_end(w, 0);
 *   way_stop(w);
 *
 * One thread at a time touches a memory. What fails in the middle ends the program: there is
 * nothing left to measure. Where a way can't be had at all, way_start says why and gives NULL.
 */
#ifndef BENCH_WAY_H_
#define BENCH_WAY_H_

#include <stdbool.h>
#include <stddef.h>
#include <zircon/types.h>

#include "bench.h"

#define WAY_PAGE ((size_t)4096)
#define WAY_BYTE 0x5a /* what every page is full of */

struct way_setup {
  size_t pages;         /* in each memory, a multiple of `answer` */
  size_t memories;      /* served by the one thread; 0 is 1 */
  size_t answer;        /* pages in an answer: an aligned run with the touched page in it; 0 is 1 */
  size_t ahead;         /* after each answer so many more behind it, asked for or not */
  void (*before)(void); /* called once by the thread that answers, or NULL */
  void (*work)(void);   /* called by it before each answer, or NULL */
};

struct way {
  const struct way_type* type;
  struct way_setup setup;
};

struct way_type {
  const char* name;
  size_t size; /* of its structure, which begins with a struct way and is zeroed */
  bool (*start)(struct way* way);
  const unsigned char* (*begin)(struct way* way, size_t memory);
  void (*end)(struct way* way, size_t memory);
  void (*stop)(struct way* way);
};

extern const struct way_type way_raw_poll;       /* userfaultfd: poll, read, UFFDIO_COPY */
extern const struct way_type way_raw_uv;         /* the same as a uv_poll_t */
extern const struct way_type way_port;           /* the library: a thread in zx_port_wait */
extern const struct way_type way_uv_loop;        /* the library: callbacks on a loop of the
                                               * program's */
extern const struct way_type way_loop_thread;    /* the library: callbacks on its own loop thread */
extern const struct way_type way_loop_scheduler; /* the same, left to the scheduler */
extern const struct way_type way_segv; /* a SIGSEGV handler that asks a thread; mprotect */
extern const struct way_type way_fuse; /* a FUSE file, mapped; no `before`, no `work` */
extern const struct way_type way_file; /* a file in the page cache, mapped: nobody answers */

struct way* way_start(const struct way_type* type, const struct way_setup* setup);
void way_stop(struct way* way);

/* Memory with every page absent, until way_end. */
const unsigned char* way_begin(struct way* way, size_t memory);
void way_end(struct way* way, size_t memory);

/* Loads a byte from every `stride`th of `pages` pages, and looks whether it is the right one. */
void way_touch(const unsigned char* memory, size_t pages, size_t stride, struct bench_samples* out);

/* ---- For the ways themselves ---- */

/* What the answering thread does before it fills `pages` pages at `buffer`, and the filling. */
void way_work(const struct way* way, unsigned char* buffer, size_t pages);

/* The first page of the answer that `page` is in. */
size_t way_answer_start(const struct way* way, size_t page);

/* End the program with a message. */
void way_check(zx_status_t status, const char* what);
_Noreturn void way_fail(const char* what); /* with what errno says */
static inline void way_must(bool fine, const char* what) {
  if (!fine) {
    way_fail(what);
  }
}

/* A userfaultfd with these features, nonblocking; -1, with errno set, if the kernel won't. */
int way_open_uffd(unsigned long long features);

#endif /* BENCH_WAY_H_ */
