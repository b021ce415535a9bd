/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Content sizes: the byte at which streams find the end of a VMO, and who may change it.
 *
 *   zxp_content_size    the content size of a VMO (newer: stream size), shared by the VMO,
 *                       its references and all streams on them; a slice has one of its own
 *   zxp_content_claim   one operation that changes a size: it excludes all others that do
 *
 * Appends, writes that end past the content size or past the VMO, zx_vmo_set_size, the content-size
 * property and zx_vmo_set_stream_size claim the content for as long as they last, also while they
 * wait for a pager or for the caller's memory. Claims are granted in the order in which they were
 * asked for. Everything else claims nothing and runs side by side with the claim and with each
 * other:
 *
 *   a read          goes up to the content size of the moment, page by page
 *   another write   goes up to zxp_content_settled_locked; what is left then has to claim
 *
 * so nobody reads a byte that has not been placed yet, and nobody writes to bytes that a claim is
 * about to zero. Looks at sizes are never more than a step old: a transfer looks again whenever it
 * has let go of the tree lock.
 *
 * Walk, an append of 100 bytes:
 *
 *   zxp_content_claim(&claim, tree, content);       // may sleep
 *   tree lock: offset = content->size; the VMO grows
 *   bytes are placed; each step moves content->size along in the same hold of the tree lock
 *   zxp_content_release(&claim);
 *
 * Lock: the tree lock guards the fields; a claim ranks before it (ZXP_RANK_CONTENT).
 */
#ifndef ZXP_VM_CONTENT_SIZE_H_
#define ZXP_VM_CONTENT_SIZE_H_

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/wake.h"

struct zxp_vmo_tree;

/* (C) constant while claiming  (T) tree lock */
struct zxp_content_claim {
  struct zxp_content_size* content; /* (C) */
  struct zxp_vmo_tree* tree;        /* (C) */
  struct zxp_content_claim* next;   /* (T) asked for later */
  uint64_t cut;                     /* (T) from this byte on it zeroes what is content now */
  pid_t tid;                        /* (C) whose it is, for dumps */
  zx_time_t since;                  /* (C) when it was asked for */
  struct zxp_wake granted;
};

/* All zero but for the size is a content that nobody has claimed. */
struct zxp_content_size {
  uint64_t size;                   /* (T) bytes; may lie past the VMO's end */
  struct zxp_content_claim* first; /* (T) the one that has it; NULL: nobody */
  struct zxp_content_claim* last;  /* (T) */
};

/* Waits until all earlier claims are released. No lock is held but a stream's. */
void zxp_content_claim(struct zxp_content_claim* claim, struct zxp_vmo_tree* tree,
                       struct zxp_content_size* content);

/* By the thread that claimed; no tree lock held. */
void zxp_content_release(struct zxp_content_claim* claim);

/* The size, who has it claimed and who waits, for dumps; tree lock. */
void zxp_content_dump_locked(const struct zxp_content_size* content, FILE* out);

/* Bytes from the start that a write may go to without a claim. */
static inline uint64_t zxp_content_settled_locked(const struct zxp_content_size* content) {
  return content->first != NULL && content->first->cut < content->size ? content->first->cut
                                                                       : content->size;
}

/* The claim's holder has placed bytes up to `end`. */
static inline void zxp_content_placed_locked(struct zxp_content_size* content, uint64_t end) {
  if (content->size < end) {
    content->size = end;
  }
}

#endif /* ZXP_VM_CONTENT_SIZE_H_ */
