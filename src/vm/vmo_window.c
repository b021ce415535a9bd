/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls on a VMO object: sizes, and transfers and operations through the window of a slice.
 *
 * A slice cannot be made of a resizable VMO, so its window always lies inside the pages; for every
 * other object the pages check the range themselves, under their lock.
 */
#include "vm/mapping.h"
#include "vm/page_source.h"
#include "vm/vmo.h"

uint64_t zxp_vmo_size_locked(const struct zxp_vmo* vmo) {
  ZXP_ASSERT_HELD(&vmo->pages->tree->lock);
  return vmo->slice ? vmo->window_size : vmo->pages->size;
}

uint64_t zxp_vmo_size(struct zxp_vmo* vmo) {
  zxp_pages_look(vmo->pages);
  const uint64_t size = zxp_vmo_size_locked(vmo);
  zxp_pages_unlock(vmo->pages);
  return size;
}

zx_status_t zxp_vmo_get_content_size(struct zxp_object* object, uint64_t* out) {
  struct zxp_vmo* vmo = zxp_vmo_of(object);
  zxp_pages_look(vmo->pages);
  *out = zxp_vmo_content(vmo)->size;
  zxp_pages_unlock(vmo->pages);
  return ZX_OK;
}

/* Zeroes the object from `from` on, which may ask a pager, and then sets the content size. The
 * content is claimed; writes beside it keep off the bytes from the start. */
static zx_status_t zero_and_set(struct zxp_vmo* vmo, struct zxp_content_claim* claim, uint64_t from,
                                uint64_t size) {
  zxp_pages_lock(vmo->pages);
  const uint64_t vmo_size = zxp_vmo_size_locked(vmo);
  claim->cut = from;
  zxp_pages_unlock(vmo->pages);
  zx_status_t st = from < vmo_size ? zxp_vmo_zero(vmo, from, vmo_size - from) : ZX_OK;
  zxp_pages_lock(vmo->pages);
  if (st == ZX_OK) {
    st = zxp_mapping_set_content_locked(vmo->pages, zxp_vmo_content(vmo), vmo->window_offset, size);
  }
  claim->cut = UINT64_MAX;
  zxp_pages_unlock(vmo->pages);
  return st;
}

zx_status_t zxp_vmo_set_content_size(struct zxp_object* object, uint64_t size) {
  struct zxp_vmo* vmo = zxp_vmo_of(object);
  struct zxp_content_claim claim;
  zxp_content_claim(&claim, vmo->pages->tree, zxp_vmo_content(vmo));
  const zx_status_t st = zero_and_set(vmo, &claim, size, size);
  zxp_content_release(&claim);
  return st;
}

zx_status_t zxp_vmo_set_stream_size(struct zxp_vmo* vmo, uint64_t size) {
  struct zxp_content_claim claim;
  uint64_t old = 0;
  zxp_content_claim(&claim, vmo->pages->tree, zxp_vmo_content(vmo));
  zxp_vmo_get_content_size(&vmo->object, &old);
  zx_status_t st = ZX_OK;
  if (size == old) {
    /* Nothing is touched. */
  } else if (size > zxp_vmo_size(vmo)) {
    st = ZX_ERR_OUT_OF_RANGE;
  } else {
    st = zero_and_set(vmo, &claim, size < old ? size : old, size);
  }
  zxp_content_release(&claim);
  return st;
}

/* Turns an offset of the object into one of its pages. */
static zx_status_t enter_window(const struct zxp_vmo* vmo, uint64_t* offset, uint64_t length) {
  if (vmo->slice) {
    if (*offset > vmo->window_size || length > vmo->window_size - *offset) {
      return ZX_ERR_OUT_OF_RANGE;
    }
    *offset += vmo->window_offset;
  }
  return ZX_OK;
}

zx_status_t zxp_vmo_read(struct zxp_vmo* vmo, void* buffer, uint64_t offset, uint64_t length,
                         uint64_t* done) {
  const zx_status_t st = enter_window(vmo, &offset, length);
  return st == ZX_OK ? zxp_pages_read(vmo->pages, buffer, offset, length, false, done) : st;
}

zx_status_t zxp_vmo_write(struct zxp_vmo* vmo, const void* buffer, uint64_t offset, uint64_t length,
                          uint64_t* done) {
  const zx_status_t st = enter_window(vmo, &offset, length);
  return st == ZX_OK ? zxp_pages_write(vmo->pages, buffer, offset, length, false, done) : st;
}

uint64_t zxp_vmo_read_visiting(struct zxp_vmo* vmo, void* buffer, uint64_t offset,
                               uint64_t length) {
  return enter_window(vmo, &offset, length) == ZX_OK
             ? zxp_pages_read_visiting(vmo->pages, buffer, offset, length)
             : 0;
}

uint64_t zxp_vmo_write_visiting(struct zxp_vmo* vmo, const void* buffer, uint64_t offset,
                                uint64_t length) {
  return enter_window(vmo, &offset, length) == ZX_OK
             ? zxp_pages_write_visiting(vmo->pages, buffer, offset, length)
             : 0;
}

zx_status_t zxp_vmo_zero(struct zxp_vmo* vmo, uint64_t offset, uint64_t length) {
  const zx_status_t st = enter_window(vmo, &offset, length);
  return st == ZX_OK ? zxp_pages_zero(vmo->pages, offset, length) : st;
}

zx_status_t zxp_vmo_op_range(struct zxp_vmo* vmo, uint32_t op, uint64_t offset, uint64_t length) {
  const bool hint = op == ZX_VMO_OP_ALWAYS_NEED || op == ZX_VMO_OP_DONT_NEED;
  if (hint && zxp_pages_root_source(vmo->pages) == NULL) {
    return ZX_OK; /* Whatever the range (pager.md 3.6). */
  }
  const zx_status_t st = enter_window(vmo, &offset, length);
  if (st != ZX_OK) {
    return st;
  }
  switch (op) {
    case ZX_VMO_OP_COMMIT:
      return zxp_pages_commit(vmo->pages, offset, length);
    case ZX_VMO_OP_DECOMMIT:
      return zxp_pages_decommit(vmo, offset, length);
    case ZX_VMO_OP_ZERO:
      return zxp_pages_zero(vmo->pages, offset, length);
    case ZX_VMO_OP_PREFETCH:
      return zxp_pages_prefetch(vmo->pages, offset, length);
    case ZX_VMO_OP_ALWAYS_NEED:
    case ZX_VMO_OP_DONT_NEED:
      return zxp_pages_hint(vmo->pages, op == ZX_VMO_OP_ALWAYS_NEED, offset, length);
    default:
      return ZX_ERR_INVALID_ARGS;
  }
}
