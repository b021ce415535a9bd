/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What filepager --write has reported as written back, in a file beside the file, so that somebody
 * else can hold the program to it after it was killed.
 *
 * Two kinds of records. A promise is added after the writeback has ended, and stands until another
 * record about the same block. A warning is added before the file is changed in a way that takes a
 * promise back: blocks become zero, or the file becomes shorter or longer.
 *
 *   JOURNAL_DATA        block, low, high   promise: each word is of generation `low` or a newer one
 *   JOURNAL_ZERO        block, count       promise: zeros, or words newer than all promised before
 *   JOURNAL_SIZE        blocks             promise: the file is so long
 *   JOURNAL_ZERO_SOON   block, count       warning: words may be zero
 *   JOURNAL_SIZE_SOON   blocks             warning: the file may be so long; blocks beyond may be
 *                                          zero
 *
 * A typical use: add, add, flush before the file is changed; add, add, flush when it has been
 * synced and ZX_PAGER_OP_WRITEBACK_END was made. journal_check reads all of it again.
 *
 * It is made for a program that is killed, while the kernel goes on. The records are not synced:
 * for a machine that loses power they would have to be, before the file is.
 */
#ifndef EXAMPLES_FILEPAGER_JOURNAL_H_
#define EXAMPLES_FILEPAGER_JOURNAL_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum journal_kind {
  JOURNAL_DATA = 1,
  JOURNAL_ZERO,
  JOURNAL_SIZE,
  JOURNAL_ZERO_SOON,
  JOURNAL_SIZE_SOON,
};

struct journal_record {
  uint32_t kind;
  uint32_t block;
  uint32_t a; /* low, or count */
  uint32_t b; /* high */
};

/* Owned by one thread. */
struct journal {
  int fd; /* -1: nobody wants to know, and records are dropped */
  struct journal_record* records;
  size_t count; /* added since the last flush */
  size_t room;
  uint64_t flushed; /* records in all */
};

/* Opens or makes the file; the records in it are kept. NULL is none. False: errno says why. */
bool journal_open(struct journal* j, const char* path);
void journal_close(struct journal* j);

/* Neighbouring blocks of JOURNAL_ZERO and JOURNAL_ZERO_SOON become one record. False: no memory. */
bool journal_add(struct journal* j, enum journal_kind kind, uint64_t block, uint64_t a, uint64_t b);

/* Hands what was added to the kernel. False: errno says why. */
bool journal_flush(struct journal* j);

struct journal_result {
  uint64_t records;
  uint64_t promised; /* blocks that a promise other than that of zeros stands for */
  uint64_t resizes;  /* JOURNAL_SIZE records */
  uint32_t newest;   /* the largest generation promised */
  char problem[160]; /* "": every promise is kept */
};

/*
 * Holds the file against its journal. Both are read from their beginning. False if a promise is
 * broken, or something could not be read; `problem` then says which and where.
 */
bool journal_check(int journal_fd, int file_fd, struct journal_result* out);

#endif /* EXAMPLES_FILEPAGER_JOURNAL_H_ */
