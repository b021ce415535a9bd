/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Brings what is dirty in the VMO of a store back to its file, and is the only one who changes the
 * file.
 *
 * It works in batches, each a chain of callbacks on the loop:
 *
 *   IDLE       until the timer fires
 *   WRITING    zx_pager_query_dirty_ranges said what is dirty. For each range in turn
 *              ZX_PAGER_OP_WRITEBACK_BEGIN, and only then its bytes are copied: a store that comes
 *              after BEGIN asks again and leaves its page dirty, so it is in the copy or will be in
 *              a later one. Copies are written by uv_fs_write; ranges that are known to be zero are
 *              punched out of the file.
 *   SYNCING    uv_fs_fdatasync
 *   (then)     ZX_PAGER_OP_WRITEBACK_END for each range, and the journal is told.
 *   PAUSED     writeback_pause was granted: no batch runs until writeback_resume
 *   RESIZING   the file gets the size that the VMO has by now
 *
 * Nothing is ended that was not written: after an error the pages go on to be listed as dirty, and
 * the next batch tries again.
 *
 * Everything runs on the loop's thread, but for writeback_pause and _resume.
 */
#ifndef EXAMPLES_FILEPAGER_WRITEBACK_H_
#define EXAMPLES_FILEPAGER_WRITEBACK_H_

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "blocks.h"
#include "journal.h"
#include "store.h"

/* Of one batch. Bytes are copied, so there is a limit to them; zeros cost nothing. */
#define WRITEBACK_PARTS  64
#define WRITEBACK_BYTES  ((uint64_t)1 << 20)
#define WRITEBACK_BLOCKS (WRITEBACK_BYTES / BLOCK_SIZE)

enum writeback_step {
  WRITEBACK_IDLE,
  WRITEBACK_WRITING,
  WRITEBACK_SYNCING,
  WRITEBACK_PAUSED,
  WRITEBACK_RESIZING,
};

/* What the thread that resizes wants, and has got. */
enum writeback_pause {
  PAUSE_NONE,
  PAUSE_WANTED,
  PAUSE_GRANTED,
  PAUSE_ENDING,
};

struct writeback;

/* A dirty range of the batch, and the request that writes it. */
struct writeback_part {
  struct writeback* writeback;
  uint64_t offset;
  uint64_t length;
  bool zero;
  uint64_t copied_at; /* in `copy`, where it is not zero */
  union {
    uv_fs_t write;
    uv_work_t punch;
  } request;
  int error; /* of the latter */
};

/* (L) the loop's thread  (M) mutex */
struct writeback {
  struct store* store;                     /* (L) */
  struct journal* journal;                 /* (L) */
  uv_timer_t timer;                        /* (L) */
  enum writeback_step step;                /* (L) */
  uint64_t file_blocks;                    /* (L) size of the file */
  uint64_t cursor;                         /* (L) where the next batch begins to look, in bytes */
  void (*when_clean)(struct writeback* w); /* (L) the end is near: called once nothing is dirty */

  struct writeback_part parts[WRITEBACK_PARTS]; /* (L) */
  unsigned part_count;                          /* (L) */
  unsigned pending;                             /* (L) parts being written */
  bool failed;                                  /* (L) one of them was not */
  uint64_t* copy;                               /* (L) WRITEBACK_BYTES of bytes */
  uint64_t copied;                              /* (L) bytes in it */
  struct block_content found[WRITEBACK_BLOCKS]; /* (L) of each block in it */
  uv_fs_t sync;                                 /* (L) */

  uv_mutex_t mutex;
  uv_cond_t changed;
  uv_async_t asked;           /* sent by who changes `pause` from outside */
  enum writeback_pause pause; /* (M) */
  uint64_t new_blocks;        /* (M) */

  uint64_t batches;    /* (L) that were ended */
  uint64_t pages;      /* (L) written back as bytes */
  uint64_t zero_pages; /* (L) written back as zeros */
  uint64_t io_errors;  /* (L) */
  uint64_t resizes;    /* (L) */
  const char* problem; /* (L) NULL: all as it should be */
};

/* Starts the timer. False: out of memory. */
bool writeback_start(struct writeback* w, struct store* store, struct journal* journal,
                     uint64_t file_blocks);

/* Writes back until nothing is dirty, or that turns out to be impossible, then calls `when_clean`,
 * once. Nobody may pause any more. */
void writeback_finish(struct writeback* w, void (*when_clean)(struct writeback* w));

void writeback_close(struct writeback* w);

/* After the loop has ended. */
void writeback_free(struct writeback* w);

/*
 * Another thread resizes the VMO: between these two calls, which wait for the loop, no batch runs.
 * One thread at a time. Page requests are served all the time.
 */
void writeback_pause(struct writeback* w);
void writeback_resume(struct writeback* w, uint64_t new_blocks);

#endif /* EXAMPLES_FILEPAGER_WRITEBACK_H_ */
