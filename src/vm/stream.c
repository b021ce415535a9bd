/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm/stream.h"

#include <stdlib.h>

#include "object/info.h"

/* ---- Life ---- */

static void stream_destroy(struct zxp_object* object) {
  struct zxp_stream* stream = zxp_stream_of(object);
  zxp_object_put(&stream->vmo->object);
  zxp_mutex_destroy(&stream->lock);
  zxp_object_fini(object);
  free(stream);
}

static const struct zxp_object_ops stream_ops = {
    .type = ZX_OBJ_TYPE_STREAM,
    .name = "stream",
    .user_signals = ZX_USER_SIGNAL_ALL,
    .waitable = true,
    .destroy = stream_destroy,
};

zx_status_t zxp_stream_create(struct zxp_vmo* vmo, uint32_t modes, bool can_grow, uint64_t seek,
                              struct zxp_stream** out) {
  struct zxp_stream* stream = calloc(1, sizeof *stream);
  if (stream == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  zxp_object_init(&stream->object, &stream_ops, 0);
  zxp_object_get(&vmo->object);
  stream->vmo = vmo;
  stream->modes = modes & (ZX_STREAM_MODE_READ | ZX_STREAM_MODE_WRITE);
  stream->can_grow = can_grow;
  atomic_init(&stream->append, (modes & ZX_STREAM_MODE_APPEND) != 0);
  zxp_mutex_init(&stream->lock, ZXP_RANK_STREAM);
  stream->seek = seek;
  *out = stream;
  return ZX_OK;
}

/* ---- What uses the seek offset ---- */

zx_status_t zxp_stream_readv(struct zxp_stream* stream, struct zxp_iovecs* to, uint64_t* done) {
  zxp_mutex_lock(&stream->lock);
  const zx_status_t st = zxp_stream_io_read(stream->vmo, to, stream->seek, "zx_stream_readv", done);
  stream->seek += *done;
  zxp_mutex_unlock(&stream->lock);
  return st;
}

zx_status_t zxp_stream_writev(struct zxp_stream* stream, struct zxp_iovecs* from, bool append,
                              uint64_t* done) {
  zxp_mutex_lock(&stream->lock);
  append = append || zxp_stream_get_append(stream);
  uint64_t offset = stream->seek;
  bool began = false;
  const zx_status_t st = zxp_stream_io_write(stream->vmo, stream->can_grow, from, append, &offset,
                                             "zx_stream_writev", &began, done);
  if (st == ZX_OK || (append && began)) {
    stream->seek = offset + *done;
  }
  zxp_mutex_unlock(&stream->lock);
  return st;
}

/* `base` + `offset`, if that is a place. */
static zx_status_t place(uint64_t base, int64_t offset, uint64_t* out) {
  const uint64_t moved = base + (uint64_t)offset;
  if (offset < 0 ? moved > base : moved < base) {
    return ZX_ERR_INVALID_ARGS;
  }
  *out = moved;
  return ZX_OK;
}

zx_status_t zxp_stream_seek(struct zxp_stream* stream, zx_stream_seek_origin_t whence,
                            int64_t offset, uint64_t* out) {
  zx_status_t st;
  uint64_t end = 0;
  zxp_mutex_lock(&stream->lock);
  switch (whence) {
    case ZX_STREAM_SEEK_ORIGIN_START:
      st = place(0, offset, &stream->seek);
      break;
    case ZX_STREAM_SEEK_ORIGIN_CURRENT:
      st = place(stream->seek, offset, &stream->seek);
      break;
    case ZX_STREAM_SEEK_ORIGIN_END:
      zxp_vmo_get_content_size(&stream->vmo->object, &end);
      st = place(end, offset, &stream->seek);
      break;
    default:
      st = ZX_ERR_INVALID_ARGS;
      break;
  }
  *out = stream->seek;
  zxp_mutex_unlock(&stream->lock);
  return st;
}

/* ---- Info ---- */

static zx_status_t get_info(struct zxp_object* object, zx_rights_t handle_rights, void* record) {
  struct zxp_stream* stream = zxp_stream_of(object);
  zx_info_stream_t* info = record;
  (void)handle_rights;
  zxp_mutex_lock(&stream->lock);
  info->options = stream->modes | (zxp_stream_get_append(stream) ? ZX_STREAM_MODE_APPEND : 0);
  info->seek = stream->seek;
  zxp_vmo_get_content_size(&stream->vmo->object, &info->content_size);
  zxp_mutex_unlock(&stream->lock);
  return ZX_OK;
}

const struct zxp_info_topic zxp_info_stream = {
    .topic = ZX_INFO_STREAM,
    .type = ZX_OBJ_TYPE_STREAM,
    .rights = ZX_RIGHT_INSPECT,
    .record_size = sizeof(zx_info_stream_t),
    .get = get_info,
};
