/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Streams: a seek offset and a mode over a VMO (docs/semantics/objects.md 11).
 *
 *   zxp_stream     the kernel object: VMO, modes, seek offset
 *   zxp_iovecs     the caller's buffers, and how far a transfer has got in them
 *
 * The files:
 *
 *   stream.c           objects, seeking, what uses the seek offset
 *   stream_io.c        transfers at an offset: how far they go, growth, gaps; knows no stream
 *   syscall/stream.c   handles, rights and arguments
 *
 * Walk, zx_stream_writev past the end of a VMO that may grow: syscall/stream.c fetches the vectors;
 * zxp_stream_writev takes the stream's lock and hands over the seek offset; zxp_stream_io_write
 * claims the content (vm/content_size.h), makes the VMO grow, zeroes what lies between, and places
 * the bytes; zxp_stream_writev moves the seek offset by what was placed.
 *
 * Lock: stream.lock (ZXP_RANK_STREAM) guards the seek offset and is held for the length of each
 * operation that uses it, also while that waits for a pager or touches the caller's memory.
 * Operations at an offset of their own take no lock of the stream.
 *
 * Does not do: asynchronous transfers, vectors shared between calls.
 */
#ifndef ZXP_VM_STREAM_H_
#define ZXP_VM_STREAM_H_

#include <stdatomic.h>

#include "vm/vmo.h"

struct zxp_info_topic;

/* (A) atomic  (C) constant  (S) stream.lock */
struct zxp_stream {
  struct zxp_object object;
  struct zxp_vmo* vmo;   /* (C) holds a reference */
  uint32_t modes;        /* (C) ZX_STREAM_MODE_READ, _WRITE */
  bool can_grow;         /* (C) writes may make the VMO grow */
  atomic_bool append;    /* (A) each call looks once */
  struct zxp_mutex lock; /* ZXP_RANK_STREAM */
  uint64_t seek;         /* (S) bytes */
};

/* One call's own: no lock. */
struct zxp_iovecs {
  const zx_iovec_t* vectors; /* in the library's memory */
  size_t count;
  size_t index;   /* the entry that comes next */
  uint64_t used;  /* bytes of it that are done */
  uint64_t total; /* of all capacities */
};

static inline struct zxp_stream* zxp_stream_of(struct zxp_object* object) {
  return ZXP_CONTAINER_OF(object, struct zxp_stream, object);
}

/* ---- stream.c ---- */

/* `modes` ZX_STREAM_MODE_*; one reference for the caller. ZX_ERR_NO_MEMORY. */
zx_status_t zxp_stream_create(struct zxp_vmo* vmo, uint32_t modes, bool can_grow, uint64_t seek,
                              struct zxp_stream** out);

/* At the seek offset, which moves by `*done`. ZX_OK whenever a byte was moved. */
zx_status_t zxp_stream_readv(struct zxp_stream* stream, struct zxp_iovecs* to, uint64_t* done);
zx_status_t zxp_stream_writev(struct zxp_stream* stream, struct zxp_iovecs* from, bool append,
                              uint64_t* done);

/* ZX_ERR_INVALID_ARGS: unknown `whence`, or a place below 0 or above UINT64_MAX. */
zx_status_t zxp_stream_seek(struct zxp_stream* stream, zx_stream_seek_origin_t whence,
                            int64_t offset, uint64_t* out);

/* ZX_PROP_STREAM_MODE_APPEND: what calls find that begin from now on. */
static inline bool zxp_stream_get_append(struct zxp_stream* stream) {
  return atomic_load_explicit(&stream->append, memory_order_relaxed);
}
static inline void zxp_stream_set_append(struct zxp_stream* stream, bool append) {
  atomic_store_explicit(&stream->append, append, memory_order_relaxed);
}

/* ZX_INFO_STREAM */
extern const struct zxp_info_topic zxp_info_stream;

/* ---- stream_io.c ---- */

/*
 * Reads from `offset` to the end of the buffers or of the content. `*done` bytes were moved; if
 * there are any, ZX_OK. Errors: ZX_ERR_BAD_STATE, memory that is not cached; ZX_ERR_NOT_FOUND, a
 * bad buffer; what the pager failed a page with.
 */
zx_status_t zxp_stream_io_read(struct zxp_vmo* vmo, struct zxp_iovecs* to, uint64_t offset,
                               const char* call, uint64_t* done);

/*
 * Writes at `*offset`, or at the end of the content, which goes to `*offset`, if `append`.
 * `*began`: the transfer itself began, that is, there was room. As above, and ZX_ERR_FILE_BIG,
 * ZX_ERR_OUT_OF_RANGE, ZX_ERR_NO_SPACE as objects.md 11.2 has them.
 */
zx_status_t zxp_stream_io_write(struct zxp_vmo* vmo, bool can_grow, struct zxp_iovecs* from,
                                bool append, uint64_t* offset, const char* call, bool* began,
                                uint64_t* done);

#endif /* ZXP_VM_STREAM_H_ */
