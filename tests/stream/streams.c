/* SPDX-License-Identifier: BSD-3-Clause */
#include "streams.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What `actual` holds before a call that may fail. */
#define UNTOUCHED ((size_t)0x5a5a5a5a)

/* Kept until the program ends: a thread may still use it when a scenario fails. */
static struct io* ios;

/* ---- Making ---- */

zx_handle_t make_stream(uint32_t modes, zx_handle_t vmo, uint64_t seek) {
  zx_handle_t stream = ZX_HANDLE_INVALID;
  check_ok(zx_stream_create(modes, vmo, seek, &stream));
  return keep(stream);
}

zx_handle_t make_bytes(uint64_t size, uint32_t options) {
  zx_handle_t vmo = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create(size, options, &vmo));
  return keep(vmo);
}

static uint8_t byte_of(char letter) { return letter == '.' ? 0 : (uint8_t)letter; }

static void put_letters(zx_handle_t vmo, const char* letters) {
  for (size_t i = 0; letters[i] != '\0'; i++) {
    const uint8_t byte = byte_of(letters[i]);
    check_ok(zx_vmo_write(vmo, &byte, i, 1));
  }
}

zx_handle_t make_letters(const char* letters) {
  const zx_handle_t vmo = make_bytes(strlen(letters), 0);
  put_letters(vmo, letters);
  return vmo;
}

zx_handle_t make_resizable_letters(const char* letters) {
  const zx_handle_t vmo = make_bytes(strlen(letters), ZX_VMO_RESIZABLE);
  put_letters(vmo, letters);
  return vmo;
}

struct root* make_sized_root(uint32_t options, uint64_t size) {
  /* Away from the keys that the fixtures give. */
  static uint64_t next_key = 2000;
  return make_root_on(fx.pager, fx.port, options, next_key++, size);
}

/* ---- Looking ---- */

uint64_t content_size(zx_handle_t vmo) {
  uint64_t size = 0;
  check_ok(zx_vmo_get_stream_size(vmo, &size));
  return size;
}

uint64_t vmo_size(zx_handle_t vmo) {
  uint64_t size = 0;
  check_ok(zx_vmo_get_size(vmo, &size));
  return size;
}

zx_info_stream_t stream_info(zx_handle_t stream) {
  zx_info_stream_t info;
  check_ok(zx_object_get_info(stream, ZX_INFO_STREAM, &info, sizeof(info), NULL, NULL));
  return info;
}

uint64_t seek_of(zx_handle_t stream) {
  zx_off_t seek = 0;
  check_ok(zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_CURRENT, 0, &seek));
  return seek;
}

void expect_letters_at(struct place place, zx_handle_t vmo, uint64_t offset, const char* letters,
                       bool whole) {
  const size_t length = strlen(letters);
  if (whole && content_size(vmo) != length) {
    scenario_fail(place, "the content size is %" PRIu64 ", not %zu", content_size(vmo), length);
  }
  for (size_t i = 0; i < length; i++) {
    uint8_t byte = 1;
    check_status_at(place, "zx_vmo_read", zx_vmo_read(vmo, &byte, offset + i, 1), ZX_OK);
    if (byte != byte_of(letters[i])) {
      scenario_fail(place, "byte %" PRIu64 " is '%c' (%u), not '%c'", offset + i, byte, byte,
                    letters[i]);
    }
  }
}

void expect_filled_at(struct place place, zx_handle_t vmo, uint64_t offset, uint64_t length,
                      uint8_t byte) {
  uint8_t bytes[PAGE];
  while (length > 0) {
    const uint64_t n = length < sizeof(bytes) ? length : sizeof(bytes);
    check_status_at(place, "zx_vmo_read", zx_vmo_read(vmo, bytes, offset, n), ZX_OK);
    for (uint64_t i = 0; i < n; i++) {
      if (bytes[i] != byte) {
        scenario_fail(place, "byte %" PRIu64 " is %u, not %u", offset + i, bytes[i], byte);
      }
    }
    offset += n;
    length -= n;
  }
}

void fill_vmo(zx_handle_t vmo, uint8_t byte) {
  uint8_t bytes[PAGE];
  memset(bytes, byte, sizeof(bytes));
  for (uint64_t at = 0, end = vmo_size(vmo); at < end; at += PAGE) {
    check_ok(zx_vmo_write(vmo, bytes, at, PAGE));
  }
}

/* ---- Calls ---- */

uint64_t read_bytes(zx_handle_t stream, void* buffer, uint64_t length) {
  zx_iovec_t v = {buffer, length};
  size_t actual = UNTOUCHED;
  check_ok(zx_stream_readv(stream, 0, &v, 1, &actual));
  return actual;
}

uint64_t read_bytes_at(zx_handle_t stream, uint64_t offset, void* buffer, uint64_t length) {
  zx_iovec_t v = {buffer, length};
  size_t actual = UNTOUCHED;
  check_ok(zx_stream_readv_at(stream, 0, offset, &v, 1, &actual));
  return actual;
}

uint64_t write_letters(zx_handle_t stream, const char* letters) {
  const zx_iovec_t v = {(void*)(uintptr_t)letters, strlen(letters)};
  size_t actual = UNTOUCHED;
  check_ok(zx_stream_writev(stream, 0, &v, 1, &actual));
  return actual;
}

uint64_t write_letters_at(zx_handle_t stream, uint64_t offset, const char* letters) {
  const zx_iovec_t v = {(void*)(uintptr_t)letters, strlen(letters)};
  size_t actual = UNTOUCHED;
  check_ok(zx_stream_writev_at(stream, 0, offset, &v, 1, &actual));
  return actual;
}

uint64_t append_letters(zx_handle_t stream, const char* letters) {
  const zx_iovec_t v = {(void*)(uintptr_t)letters, strlen(letters)};
  size_t actual = UNTOUCHED;
  check_ok(zx_stream_writev(stream, ZX_STREAM_APPEND, &v, 1, &actual));
  return actual;
}

/* The failing calls leave `actual` alone; a success that is not expected fails in the caller. */
static zx_status_t checked(zx_status_t status, size_t actual) {
  if (status != ZX_OK) check_equal(actual, UNTOUCHED);
  return status;
}

static zx_status_t try_io(enum io_call call, zx_handle_t stream, uint64_t offset, uint64_t length,
                          uint8_t byte) {
  uint8_t* bytes = malloc(length + 1);
  check_true(bytes != NULL);
  memset(bytes, byte, length + 1);
  zx_iovec_t v = {bytes, length};
  size_t actual = UNTOUCHED;
  zx_status_t status = ZX_ERR_INTERNAL;
  if (call == IO_WRITEV) status = zx_stream_writev(stream, 0, &v, 1, &actual);
  if (call == IO_WRITEV_AT) status = zx_stream_writev_at(stream, 0, offset, &v, 1, &actual);
  if (call == IO_APPEND) status = zx_stream_writev(stream, ZX_STREAM_APPEND, &v, 1, &actual);
  if (call == IO_READV) status = zx_stream_readv(stream, 0, &v, 1, &actual);
  if (call == IO_READV_AT) status = zx_stream_readv_at(stream, 0, offset, &v, 1, &actual);
  free(bytes);
  return checked(status, actual);
}

zx_status_t try_write(zx_handle_t stream, uint64_t length, uint8_t byte) {
  return try_io(IO_WRITEV, stream, 0, length, byte);
}

zx_status_t try_write_at(zx_handle_t stream, uint64_t offset, uint64_t length, uint8_t byte) {
  return try_io(IO_WRITEV_AT, stream, offset, length, byte);
}

zx_status_t try_append(zx_handle_t stream, uint64_t length, uint8_t byte) {
  return try_io(IO_APPEND, stream, 0, length, byte);
}

zx_status_t try_read(zx_handle_t stream) { return try_io(IO_READV, stream, 0, 1, 0); }

zx_status_t try_read_at(zx_handle_t stream, uint64_t offset) {
  return try_io(IO_READV_AT, stream, offset, 1, 0);
}

void seek_to(zx_handle_t stream, uint64_t offset) {
  check_ok(zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_START, 0, NULL));
  /* The argument is signed: the upper half is reached in two steps. */
  while (offset > 0) {
    const int64_t step = offset > INT64_MAX ? INT64_MAX : (int64_t)offset;
    check_ok(zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_CURRENT, step, NULL));
    offset -= (uint64_t)step;
  }
}

/* ---- By a thread ---- */

static zx_status_t perform(void* argument) {
  struct io* io = argument;
  zx_info_stream_t info;
  zx_status_t status;
  switch (io->call) {
    case IO_READV:
      return zx_stream_readv(io->handle, 0, &io->vector, 1, &io->actual);
    case IO_READV_AT:
      return zx_stream_readv_at(io->handle, 0, io->offset, &io->vector, 1, &io->actual);
    case IO_WRITEV:
      return zx_stream_writev(io->handle, 0, &io->vector, 1, &io->actual);
    case IO_WRITEV_AT:
      return zx_stream_writev_at(io->handle, 0, io->offset, &io->vector, 1, &io->actual);
    case IO_APPEND:
      return zx_stream_writev(io->handle, ZX_STREAM_APPEND, &io->vector, 1, &io->actual);
    case IO_SEEK:
      return zx_stream_seek(io->handle, ZX_STREAM_SEEK_ORIGIN_CURRENT, 0, &io->actual);
    case IO_INFO:
      status = zx_object_get_info(io->handle, ZX_INFO_STREAM, &info, sizeof(info), NULL, NULL);
      io->actual = info.seek;
      return status;
    case IO_SET_SIZE:
      return zx_vmo_set_size(io->handle, io->offset);
    case IO_SET_STREAM_SIZE:
      return zx_vmo_set_stream_size(io->handle, io->offset);
    case IO_SET_CONTENT:
      return zx_object_set_property(io->handle, ZX_PROP_VMO_CONTENT_SIZE, &io->offset,
                                    sizeof(io->offset));
  }
  return ZX_ERR_INTERNAL;
}

struct io* start_io_with(enum io_call call, zx_handle_t handle, uint64_t offset, void* buffer,
                         uint64_t length) {
  struct io* io = calloc(1, sizeof(*io));
  check_true(io != NULL);
  io->next = ios;
  ios = io;
  io->call = call;
  io->handle = handle;
  io->offset = offset;
  io->vector = (zx_iovec_t){buffer, length};
  io->actual = UNTOUCHED;
  io->worker = start_call(perform, io);
  return io;
}

struct io* start_io(enum io_call call, zx_handle_t handle, uint64_t offset, uint64_t length,
                    uint8_t value) {
  /* Reachable by `ios`. */
  uint8_t* bytes = malloc(length + 1);
  check_true(bytes != NULL);
  memset(bytes, value, length + 1);
  return start_io_with(call, handle, offset, bytes, length);
}

/* The state of the thread as the kernel gives it: the letter behind the name in brackets. */
static char thread_state(pid_t tid) {
  char path[64];
  char text[512];
  snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return '?';
  const ssize_t n = read(fd, text, sizeof(text) - 1);
  close(fd);
  if (n <= 0) return '?';
  text[n] = '\0';
  const char* end = strrchr(text, ')');
  if (end == NULL || end[1] != ' ') return '?';
  return end[2];
}

void await_asleep_at(struct place place, struct io* io) {
  wait_until_at(place, worker_has_ended(io->worker) || thread_state(worker_tid(io->worker)) == 'S');
  if (worker_has_ended(io->worker)) scenario_fail(place, "the call has ended, and did not wait");
}

unsigned claims_waiting(void) {
  static const char sign[] = "waits to claim";
  char* text = NULL;
  size_t size = 0;
  unsigned count = 0;
  FILE* out = open_memstream(&text, &size);
  check_true(out != NULL);
  zxp_dump(out);
  fclose(out);
  for (const char* at = text; (at = strstr(at, sign)) != NULL; at += sizeof(sign) - 1) {
    count++;
  }
  free(text);
  return count;
}

void expect_moved_at(struct place place, struct io* io, uint64_t count) {
  expect_status_at(place, io->worker, ZX_OK);
  check_equal_at(place, "bytes moved", io->actual, count);
}

void expect_error_at(struct place place, struct io* io, zx_status_t status) {
  expect_status_at(place, io->worker, status);
  check_equal_at(place, "actual, as before", io->actual, UNTOUCHED);
}
