/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The threads of the example that read the whole file, each in its own way, and hash what they see.
 *
 * Who reads in order gets the SHA-256 of the file. Who reads at random can't: it keeps the SHA-256
 * of each page, and hashes these in the order of pages at the end. One more thread reads the file
 * itself, with pread, and computes both for the others to be held against.
 *
 * A page that the pager fails is a SIGBUS in the thread that touched it, or a status where the page
 * was asked for by zx_vmo_read. The thread checks that the signal names the page that it was
 * touching, and tries again.
 */
#ifndef EXAMPLES_FILEPAGER_READERS_H_
#define EXAMPLES_FILEPAGER_READERS_H_

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>
#include <zircon/types.h>

#include "../sha256.h"
#include "latency.h"
#include "server.h"

enum reader_kind {
  READER_FILE, /* the reference */
  READER_MAP_IN_ORDER,
  READER_CALL_IN_ORDER,
  READER_MAP_RANDOM,
  READER_CALL_RANDOM,
  READER_KINDS,
};

struct reader {
  /* Set before the start. */
  enum reader_kind kind;
  unsigned number;
  const struct server* server;
  const unsigned char* memory; /* the mapped file */
  uv_async_t* finished;        /* sent at the end */
  atomic_uint* running;        /* counted down before that */

  _Atomic uint64_t pages_read; /* may be looked at while it runs */

  /* Results, to be read after the end. */
  const char* problem;              /* NULL: read to the end */
  unsigned char whole[SHA256_SIZE]; /* in order, or reference */
  unsigned char paged[SHA256_SIZE]; /* at random, or reference: of the SHA-256 of each page */
  uint64_t signals;                 /* SIGBUS received */
  uint64_t errors;                  /* ZX_ERR_IO returned by zx_vmo_read */
  struct latency waits;             /* of accesses to pages that were absent */

  uv_thread_t thread;
};

const char* reader_kind_name(enum reader_kind kind);

/* Whether what it read is what the reference read. */
bool reader_matches(const struct reader* r, const struct reader* reference);

/* Installs the handler of SIGBUS. Before the first start. */
int readers_init(void);

/* A libuv error, or 0. */
int reader_start(struct reader* r);

#endif /* EXAMPLES_FILEPAGER_READERS_H_ */
