/* SPDX-License-Identifier: BSD-3-Clause */
#include "store.h"

#include <stdlib.h>
#include <string.h>
#include <zircon/syscalls.h>

/* Of a file read. Requests of loads are a page long, those of calls some more. */
#define MAX_READ ((uint64_t)256 << 10)

struct store_read {
  struct store* store;
  uv_fs_t request;
  uint64_t offset;
  uint64_t length;
  uint64_t changes; /* of the file when the read began */
  char bytes[];
};

static void complain(struct store* s, const char* problem) {
  if (s->problem == NULL) {
    s->problem = problem;
  }
}

/* ---- READ ---- */

/* An answer for pages that were cut off meanwhile is refused as a whole, and the others still
 * wait. */
static uint64_t clip(const struct store* s, uint64_t offset, uint64_t length) {
  uint64_t size = 0;
  zx_vmo_get_size(s->handle, &size);
  if (offset >= size) {
    return 0;
  }
  return length < size - offset ? length : size - offset;
}

static void supply(struct store* s, uint64_t offset, uint64_t length, const char* bytes) {
  zx_status_t st = ZX_ERR_OUT_OF_RANGE;
  while (st == ZX_ERR_OUT_OF_RANGE && (length = clip(s, offset, length)) > 0) {
    /* Each time: a supply empties its source even if it fails. */
    st = zx_vmo_write(s->transfer, bytes, 0, length);
    if (st == ZX_OK) {
      st = zxp_uv_vmo_supply(&s->vmo, offset, length, s->transfer, 0);
    }
  }
  if (st != ZX_OK && length > 0) {
    complain(s, "a supply was refused");
  }
}

static void fail(struct store* s, uint64_t offset, uint64_t length) {
  zx_status_t st = ZX_ERR_OUT_OF_RANGE;
  s->failed_reads++;
  while (st == ZX_ERR_OUT_OF_RANGE && (length = clip(s, offset, length)) > 0) {
    st = zxp_uv_vmo_fail(&s->vmo, offset, length, ZX_ERR_IO);
  }
}

static void on_file_read(uv_fs_t* request);

static void begin_read(struct store_read* r) {
  struct store* s = r->store;
  uv_buf_t buffer = uv_buf_init(r->bytes, (unsigned)r->length);
  r->changes = s->changes;
  r->request.data = r;
  s->reads++;
  /* Fails only for want of a callback. */
  uv_fs_read(s->loop, &r->request, s->fd, &buffer, 1, (int64_t)r->offset, on_file_read);
}

static void on_file_read(uv_fs_t* request) {
  struct store_read* r = request->data;
  struct store* s = r->store;
  const ssize_t result = request->result;
  uv_fs_req_cleanup(request);
  if (zxp_uv_pager_is_closing(&s->pager)) {
    free(r);
    return;
  }
  if (r->changes != s->changes) {
    s->repeated_reads++;
    begin_read(r);
    return;
  }
  if (result < 0) {
    fail(s, r->offset, r->length);
  } else {
    /* The last page of the VMO goes on after the file's end. */
    memset(r->bytes + result, 0, r->length - (size_t)result);
    supply(s, r->offset, r->length, r->bytes);
  }
  free(r);
}

static void on_read(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length) {
  struct store* s = vmo->data;
  s->read_requests++;
  while (length > 0) {
    const uint64_t part = length < MAX_READ ? length : MAX_READ;
    struct store_read* r = malloc(sizeof *r + part);
    if (r == NULL) {
      fail(s, offset, length);
      return;
    }
    r->store = s;
    r->offset = offset;
    r->length = part;
    begin_read(r);
    offset += part;
    length -= part;
  }
}

/* ---- DIRTY ---- */

static void on_dirty(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length) {
  struct store* s = vmo->data;
  s->dirty_requests++;
  const zx_status_t st = zxp_uv_vmo_dirty(vmo, offset, length);
  /* Pages that were cut off, or whose zeros have been written back meanwhile and are to be asked
   * for again, can't become dirty. Who waits for them looks again. */
  if (st != ZX_OK && st != ZX_ERR_OUT_OF_RANGE && st != ZX_ERR_NOT_FOUND) {
    complain(s, "ZX_PAGER_OP_DIRTY was refused");
  }
}

static void on_complete(zxp_uv_vmo_t* vmo) {
  struct store* s = vmo->data;
  s->complete = true;
}

/* ---- Start and end ---- */

zx_status_t store_start(struct store* s, uv_loop_t* loop, uv_file fd, uint64_t size) {
  static const zxp_uv_pager_callbacks_t callbacks = {
      .size = sizeof callbacks,
      .read = on_read,
      .dirty = on_dirty,
      .complete = on_complete,
  };
  *s = (struct store){.loop = loop, .fd = fd};
  zx_status_t st = zx_vmo_create(MAX_READ, 0, &s->transfer);
  if (st != ZX_OK) return st;
  st = zxp_uv_pager_init(loop, &s->pager, &callbacks);
  if (st != ZX_OK) return st;
  s->vmo.data = s;
  return zxp_uv_pager_create_vmo(&s->pager, &s->vmo, ZX_VMO_RESIZABLE | ZX_VMO_TRAP_DIRTY, size,
                                 &s->handle);
}

void store_close(struct store* s) {
  zx_handle_close(s->handle);
  zxp_uv_pager_close(&s->pager, NULL);
  zx_handle_close(s->transfer);
}
