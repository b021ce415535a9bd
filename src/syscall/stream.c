/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_stream_*: handles, rights and arguments (docs/semantics/objects.md 11); the work is in
 * vm/stream*.c. */
#include "vm/stream.h"

#include <stdlib.h>
#include <zircon/syscalls.h>

#include "base/export.h"
#include "base/user.h"
#include "object/handle.h"

ZXP_EXPORT zx_status_t zx_stream_create(uint32_t options, zx_handle_t vmo, zx_off_t seek,
                                        zx_handle_t* out_stream) {
  struct zxp_object* object;
  struct zxp_stream* stream;
  zx_rights_t vmo_rights;
  zx_rights_t rights = 0;
  if ((options & ~ZX_STREAM_CREATE_MASK) != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  if ((options & ZX_STREAM_MODE_READ) != 0) {
    rights |= ZX_RIGHT_READ;
  }
  if ((options & ZX_STREAM_MODE_WRITE) != 0) {
    rights |= ZX_RIGHT_WRITE;
  }
  zx_status_t st = zxp_handle_get(vmo, ZX_OBJ_TYPE_VMO, rights, &object, &vmo_rights);
  if (st != ZX_OK) {
    return st;
  }
  st = zxp_stream_create(zxp_vmo_of(object), options, (vmo_rights & ZX_RIGHT_RESIZE) != 0, seek,
                         &stream);
  zxp_object_put(object);
  if (st != ZX_OK) {
    return st;
  }
  st = zxp_handle_install_user(&stream->object, ZX_DEFAULT_STREAM_RIGHTS | rights, out_stream);
  zxp_object_put(&stream->object);
  return st;
}
ZXP_TWIN(zx_stream_create);

/* ---- Vectors ---- */

/* Most callers pass a buffer or two. */
#define FEW 16

/* A call on a stream: the object with a reference, the vectors in our own memory. */
struct call {
  struct zxp_stream* stream;
  struct zxp_iovecs buffers;
  zx_iovec_t few[FEW];
  zx_iovec_t* many;
};

static void end_call(struct call* c) {
  free(c->many);
  zxp_object_put(&c->stream->object);
}

/* Fetches the vectors and adds them up. */
static zx_status_t get_vectors(struct call* c, const zx_iovec_t* vectors, size_t count) {
  zx_iovec_t* copy = c->few;
  if (count > FEW) {
    /* So many entries cannot lie in memory. */
    if (count > SIZE_MAX / sizeof *vectors) {
      return ZX_ERR_INVALID_ARGS;
    }
    c->many = malloc(count * sizeof *vectors);
    if (c->many == NULL) {
      return ZX_ERR_NO_MEMORY;
    }
    copy = c->many;
  }
  const zx_status_t st = zxp_user_copy_in(copy, vectors, count * sizeof *vectors, NULL);
  if (st != ZX_OK) {
    return st;
  }
  uint64_t total = 0;
  for (size_t i = 0; i < count; i++) {
    if (copy[i].capacity > UINT64_MAX - total) {
      return ZX_ERR_INVALID_ARGS;
    }
    total += copy[i].capacity;
  }
  c->buffers = (struct zxp_iovecs){.vectors = copy, .count = count, .total = total};
  return ZX_OK;
}

/* What all transfers begin with. On ZX_OK end_call follows. */
static zx_status_t begin_call(struct call* c, zx_handle_t handle, zx_rights_t right,
                              const zx_iovec_t* vectors, size_t count) {
  struct zxp_object* object;
  if (vectors == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  zx_status_t st = zxp_handle_get(handle, ZX_OBJ_TYPE_STREAM, right, &object, NULL);
  if (st != ZX_OK) {
    return st;
  }
  c->stream = zxp_stream_of(object);
  c->many = NULL;
  st = get_vectors(c, vectors, count);
  if (st != ZX_OK) {
    end_call(c);
  }
  return st;
}

static zx_status_t put_actual(zx_status_t st, uint64_t done, size_t* actual) {
  const size_t count = done;
  return st != ZX_OK || actual == NULL ? st : zxp_user_copy_out(actual, &count, sizeof count, NULL);
}

/* ---- Transfers ---- */

ZXP_EXPORT zx_status_t zx_stream_readv(zx_handle_t handle, uint32_t options, zx_iovec_t* vectors,
                                       size_t num_vectors, size_t* actual) {
  struct call c;
  uint64_t done = 0;
  if (options != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  zx_status_t st = begin_call(&c, handle, ZX_RIGHT_READ, vectors, num_vectors);
  if (st != ZX_OK) {
    return st;
  }
  if (c.buffers.total > 0) {
    st = zxp_stream_readv(c.stream, &c.buffers, &done);
  }
  end_call(&c);
  return put_actual(st, done, actual);
}
ZXP_TWIN(zx_stream_readv);

ZXP_EXPORT zx_status_t zx_stream_readv_at(zx_handle_t handle, uint32_t options, zx_off_t offset,
                                          zx_iovec_t* vectors, size_t num_vectors, size_t* actual) {
  struct call c;
  uint64_t done = 0;
  if (options != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  zx_status_t st = begin_call(&c, handle, ZX_RIGHT_READ, vectors, num_vectors);
  if (st != ZX_OK) {
    return st;
  }
  if (c.buffers.total > 0) {
    st = zxp_stream_io_read(c.stream->vmo, &c.buffers, offset, "zx_stream_readv_at", &done);
  }
  end_call(&c);
  return put_actual(st, done, actual);
}
ZXP_TWIN(zx_stream_readv_at);

ZXP_EXPORT zx_status_t zx_stream_writev(zx_handle_t handle, uint32_t options,
                                        const zx_iovec_t* vectors, size_t num_vectors,
                                        size_t* actual) {
  struct call c;
  uint64_t done = 0;
  if ((options & ~ZX_STREAM_APPEND) != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  zx_status_t st = begin_call(&c, handle, ZX_RIGHT_WRITE, vectors, num_vectors);
  if (st != ZX_OK) {
    return st;
  }
  if (c.buffers.total > 0) {
    st = zxp_stream_writev(c.stream, &c.buffers, (options & ZX_STREAM_APPEND) != 0, &done);
  }
  end_call(&c);
  return put_actual(st, done, actual);
}
ZXP_TWIN(zx_stream_writev);

ZXP_EXPORT zx_status_t zx_stream_writev_at(zx_handle_t handle, uint32_t options, zx_off_t offset,
                                           const zx_iovec_t* vectors, size_t num_vectors,
                                           size_t* actual) {
  struct call c;
  uint64_t done = 0;
  bool began;
  if (options != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  zx_status_t st = begin_call(&c, handle, ZX_RIGHT_WRITE, vectors, num_vectors);
  if (st != ZX_OK) {
    return st;
  }
  if (c.buffers.total > 0) {
    st = zxp_stream_io_write(c.stream->vmo, c.stream->can_grow, &c.buffers, false, &offset,
                             "zx_stream_writev_at", &began, &done);
  }
  end_call(&c);
  return put_actual(st, done, actual);
}
ZXP_TWIN(zx_stream_writev_at);

/* ---- Seeking ---- */

ZXP_EXPORT zx_status_t zx_stream_seek(zx_handle_t handle, zx_stream_seek_origin_t whence,
                                      int64_t offset, zx_off_t* out_seek) {
  struct zxp_object* object;
  zx_rights_t rights;
  zx_status_t st = zxp_handle_get(handle, ZX_OBJ_TYPE_STREAM, ZX_RIGHT_NONE, &object, &rights);
  if (st != ZX_OK) {
    return st;
  }
  uint64_t seek = 0;
  st = (rights & (ZX_RIGHT_READ | ZX_RIGHT_WRITE)) == 0
           ? ZX_ERR_ACCESS_DENIED
           : zxp_stream_seek(zxp_stream_of(object), whence, offset, &seek);
  zxp_object_put(object);
  return st != ZX_OK || out_seek == NULL ? st
                                         : zxp_user_copy_out(out_seek, &seek, sizeof seek, NULL);
}
ZXP_TWIN(zx_stream_seek);
