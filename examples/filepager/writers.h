/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The threads of filepager --write that change the file.
 *
 *   writer    owns every so-manyth stretch of the file, and changes blocks of it: through the
 *             mapping, or by zx_vmo_write; now and then it zeroes some. Stretches don't end where
 *             pages do, so most pages have several owners.
 *   resizer   makes the file shorter and longer. While all others are held up for that, it looks
 *             whether each page that is not listed as dirty is in the file as it was written: if
 *             the kernel took such a page away, nothing would be lost
 *   model     which generation each block is at. Before it changes a block the owner holds its
 *             content against that, so a change that got lost is noticed at the next one.
 *
 * The size lock is held, shared, during a change, and exclusively while the VMO gets a new size:
 * nobody touches what has been cut off.
 */
#ifndef EXAMPLES_FILEPAGER_WRITERS_H_
#define EXAMPLES_FILEPAGER_WRITERS_H_

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>
#include <zircon/types.h>

#include "blocks.h"
#include "writeback.h"

/* In the model: a block of words of several generations, found in a file after a kill. */
#define GENERATION_MIXED UINT32_MAX

/* (C) constant  (S) size lock  (O) by the block's owner with the size lock shared, or with it
 * exclusively */
struct model {
  pthread_rwlock_t size_lock;
  uint64_t max_blocks;  /* (C) */
  uint64_t blocks;      /* (S) of the file */
  uint32_t* generation; /* (O) of each block, max_blocks of them; 0: zeros */
};

/* What all of these threads share. */
struct crew {
  /* Set before the start. */
  struct model* model;
  struct writeback* writeback;
  zx_handle_t vmo;
  unsigned char* memory; /* the mapped file, max_blocks long; NULL: all write by calls */
  unsigned writers;
  uint64_t seed;
  uint32_t first_generation; /* newer than all in the file */
  uv_async_t* finished;      /* sent by each at its end */

  atomic_bool stop;
  atomic_uint running;
};

struct writer {
  struct crew* crew;
  unsigned number; /* 0 is the resizer */
  uint64_t random;
  uint32_t generation; /* of the next change */
  uv_thread_t thread;

  _Atomic uint64_t changes; /* may be looked at while it runs */

  /* Results, to be read after the end. */
  const char* problem;
  uint64_t problem_block;
};

/* `blocks` of the file's size are in it already, at `generation`, which it takes over. */
void model_init(struct model* m, uint64_t max_blocks, uint64_t blocks, uint32_t* generation);
void model_free(struct model* m);

/* Starts crew->writers + 1 threads, the resizer first. A libuv error, or 0. */
int crew_start(struct crew* crew, struct writer* writers);

#endif /* EXAMPLES_FILEPAGER_WRITERS_H_ */
