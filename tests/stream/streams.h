/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Streams, as scenarios use them; comes on top of tests/pager/fixture.h and worker.h.
 *
 *   io       one transfer by a thread of its own: a stream call with one buffer, and what became of
 *            it
 *   letters  how scenarios write down what a VMO holds: one byte each, '.' a zero
 *
 * A scenario reads like a script:
 *
 *   zx_handle_t vmo = make_letters("abcdef");           a fixed VMO with this content
 *   zx_handle_t s = make_stream(READ_WRITE, vmo, 0);
 *   check_equal(write_letters(s, "XY"), 2);             zx_stream_writev of one buffer: bytes moved
 *   expect_letters(vmo, "XYcdef");                      what it holds, up to the content size
 *
 * or, where a pager comes in:
 *
 *   struct io* t1 = start_readv(s, 3 * PAGE);
 *   expect_read(v, 0, 3);
 *   supply(v, 0, 3, TAG);
 *   expect_moved(t1, 3 * PAGE);
 *
 * Calls of this file that are named try_* return the status, others expect ZX_OK. Main thread only.
 */
#ifndef ZXP_TESTS_STREAM_STREAMS_H_
#define ZXP_TESTS_STREAM_STREAMS_H_

#include "fixture.h"
#include "worker.h"

#define READ       ZX_STREAM_MODE_READ
#define WRITE      ZX_STREAM_MODE_WRITE
#define READ_WRITE (ZX_STREAM_MODE_READ | ZX_STREAM_MODE_WRITE)
#define APPEND     ZX_STREAM_MODE_APPEND

/* The largest VMO, in bytes. */
#define MAX_SIZE (UINT64_C(0) - 32 * PAGE)

/* ---- Making ---- */

/* Closed at the end of the scenario. */
zx_handle_t make_stream(uint32_t modes, zx_handle_t vmo, uint64_t seek);

/* A VMO whose content are these letters; resizable or not. */
zx_handle_t make_letters(const char* letters);
zx_handle_t make_resizable_letters(const char* letters);

/* A VMO of just this content size. */
zx_handle_t make_bytes(uint64_t size, uint32_t options);

/* A root of the scenario's pager with just this content size. `options`: ZX_VMO_*. */
struct root* make_sized_root(uint32_t options, uint64_t size);

/* ---- Looking ---- */

uint64_t content_size(zx_handle_t vmo);
uint64_t vmo_size(zx_handle_t vmo);
zx_info_stream_t stream_info(zx_handle_t stream);
uint64_t seek_of(zx_handle_t stream);

#define expect_letters(vmo, letters) expect_letters_at(HERE, (vmo), 0, (letters), true)
/* Just these bytes, wherever the content ends. */
#define expect_letters_in(vmo, offset, letters) \
  expect_letters_at(HERE, (vmo), (offset), (letters), false)
void expect_letters_at(struct place place, zx_handle_t vmo, uint64_t offset, const char* letters,
                       bool whole);

/* Every byte of the range. */
#define expect_filled(vmo, offset, length, byte) \
  expect_filled_at(HERE, (vmo), (offset), (length), (byte))
void expect_filled_at(struct place place, zx_handle_t vmo, uint64_t offset, uint64_t length,
                      uint8_t byte);

/* Fills the whole VMO, and leaves the content size alone. */
void fill_vmo(zx_handle_t vmo, uint8_t byte);

/* ---- Calls with one buffer; the bytes moved ---- */

uint64_t read_bytes(zx_handle_t stream, void* buffer, uint64_t length);
uint64_t read_bytes_at(zx_handle_t stream, uint64_t offset, void* buffer, uint64_t length);
uint64_t write_letters(zx_handle_t stream, const char* letters);
uint64_t write_letters_at(zx_handle_t stream, uint64_t offset, const char* letters);
uint64_t append_letters(zx_handle_t stream, const char* letters);

/* `length` times `byte`. */
zx_status_t try_write(zx_handle_t stream, uint64_t length, uint8_t byte);
zx_status_t try_write_at(zx_handle_t stream, uint64_t offset, uint64_t length, uint8_t byte);
zx_status_t try_append(zx_handle_t stream, uint64_t length, uint8_t byte);

/* A read of one byte. */
zx_status_t try_read(zx_handle_t stream);
zx_status_t try_read_at(zx_handle_t stream, uint64_t offset);

/* As the next call is to move this many bytes and then stop; zx_stream_seek from the start. */
void seek_to(zx_handle_t stream, uint64_t offset);

/* ---- The same by a thread ---- */

enum io_call {
  IO_READV,
  IO_READV_AT,
  IO_WRITEV,
  IO_WRITEV_AT,
  IO_APPEND,
  IO_SEEK, /* by 0 from the current place */
  IO_INFO,
  IO_SET_SIZE,        /* of a VMO: the size */
  IO_SET_STREAM_SIZE, /* the same */
  IO_SET_CONTENT,     /* the same, by the property */
};

struct io {
  struct io* next;
  enum io_call call;
  zx_handle_t handle;
  uint64_t offset;
  zx_iovec_t vector;
  size_t actual; /* IO_SEEK and IO_INFO: the seek offset */
  struct worker* worker;
};

/* `value`: the byte to write, `length` times. */
struct io* start_io(enum io_call call, zx_handle_t handle, uint64_t offset, uint64_t length,
                    uint8_t value);
/* With a buffer of the caller's. */
struct io* start_io_with(enum io_call call, zx_handle_t handle, uint64_t offset, void* buffer,
                         uint64_t length);

#define start_readv(s, length)            start_io(IO_READV, (s), 0, (length), 0)
#define start_readv_at(s, offset, length) start_io(IO_READV_AT, (s), (offset), (length), 0)
#define start_writev(s, length, value)    start_io(IO_WRITEV, (s), 0, (length), (value))
#define start_writev_at(s, offset, length, value) \
  start_io(IO_WRITEV_AT, (s), (offset), (length), (value))
#define start_append(s, length, value) start_io(IO_APPEND, (s), 0, (length), (value))

/* Blocked in a request to a pager. */
#define await_asking(io) await_waiting((io)->worker)

/* Asleep in the library, for whatever reason. */
#define await_asleep(io) await_asleep_at(HERE, (io))
void await_asleep_at(struct place place, struct io* io);

/* This many calls wait until they may change the size of a VMO. */
#define await_claims(n) wait_until(claims_waiting() == (n))
unsigned claims_waiting(void);

/* It still has not ended, after all that has happened so far. */
#define expect_blocked(io) expect_waiting((io)->worker)

/* ZX_OK, and this many bytes. */
#define expect_moved(io, count) expect_moved_at(HERE, (io), (count))
/* The status, and `actual` was not written to. */
#define expect_error(io, status) expect_error_at(HERE, (io), (status))
#define expect_done(io)          expect_ok((io)->worker)
void expect_moved_at(struct place place, struct io* io, uint64_t count);
void expect_error_at(struct place place, struct io* io, zx_status_t status);

/* What a read has brought. */
static inline const uint8_t* io_bytes(const struct io* io) { return io->vector.buffer; }

#endif /* ZXP_TESTS_STREAM_STREAMS_H_ */
