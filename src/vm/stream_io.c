/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transfers of streams: how far they go, growth, gaps (docs/semantics/objects.md 11.2, 11.4,
 * writeback.md 8.6).
 *
 * Each buffer is one transfer on the VMO (vm/vmo_io.c), which stops by itself where the content
 * ends, so what is looked up here need not be true any more when it is used.
 */
#include "vm/stream.h"

static uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* ---- Parts ---- */

/* Bytes from the start of the object that a transfer may go to now. */
static uint64_t limit_now(struct zxp_vmo* vmo, bool writes, bool claimed) {
  const struct zxp_content_size* content = zxp_vmo_content(vmo);
  zxp_pages_lock(vmo->pages);
  uint64_t limit = zxp_vmo_size_locked(vmo);
  if (!claimed) {
    limit = min_u64(limit, writes ? zxp_content_settled_locked(content) : content->size);
  }
  zxp_pages_unlock(vmo->pages);
  return limit;
}

/* (C) constant */
struct part {
  struct zxp_vmo* vmo;
  const char* call;
  bool writes;
  bool claimed; /* writes: with the claim of the content */
};

/*
 * Moves bytes from or to `offset` on, buffer by buffer, up to `end` and no further than things
 * allow. `*done` grows by what was moved; buffers beyond that are not looked at.
 */
static zx_status_t move(const struct part* p, struct zxp_iovecs* v, uint64_t offset, uint64_t end,
                        uint64_t* done) {
  zx_status_t st = ZX_OK;
  while (st == ZX_OK && offset < end && v->index < v->count) {
    const zx_iovec_t* entry = &v->vectors[v->index];
    const uint64_t left = entry->capacity - v->used;
    if (left == 0) {
      v->index++;
      v->used = 0;
      continue;
    }
    const uint64_t limit = min_u64(end, limit_now(p->vmo, p->writes, p->claimed));
    if (offset >= limit) {
      break;
    }
    const uint64_t n = min_u64(left, limit - offset);
    /* A null pointer stays one: the entry has failed before any of it was used. */
    unsigned char* buffer = entry->buffer == NULL ? NULL : (unsigned char*)entry->buffer + v->used;
    uint64_t moved = 0;
    st = p->writes ? zxp_vmo_write_content(p->vmo, buffer, offset, n, p->claimed, p->call, &moved)
                   : zxp_vmo_read_content(p->vmo, buffer, offset, n, p->call, &moved);
    v->used += moved;
    offset += moved;
    *done += moved;
    if (moved < n) {
      break;
    }
  }
  return st;
}

static bool is_cached(const struct zxp_vmo* vmo) {
  return atomic_load_explicit(&vmo->cache_policy, memory_order_relaxed) == ZX_CACHE_POLICY_CACHED;
}

/* ---- Reading ---- */

zx_status_t zxp_stream_io_read(struct zxp_vmo* vmo, struct zxp_iovecs* to, uint64_t offset,
                               const char* call, uint64_t* done) {
  const struct part p = {.vmo = vmo, .call = call};
  *done = 0;
  if (!is_cached(vmo)) {
    return ZX_ERR_BAD_STATE;
  }
  const zx_status_t st = move(&p, to, offset, UINT64_MAX, done);
  return *done > 0 ? ZX_OK : st;
}

/* ---- Writing ---- */

/*
 * Sees to it that the object reaches to `end`, or at least past `at`; `*size` is its size then. The
 * content is claimed. Tree lock held.
 */
static zx_status_t make_room_locked(struct zxp_vmo* vmo, bool can_grow, uint64_t at, uint64_t end,
                                    uint64_t* size) {
  *size = zxp_vmo_size_locked(vmo);
  if (end <= *size) {
    return ZX_OK;
  }
  const uint64_t rounded = (end + ZXP_PAGE_MASK) & ~ZXP_PAGE_MASK;
  const bool overflows = rounded < end;
  /* A VMO that may not or cannot grow takes what fits. */
  if (can_grow && vmo->pages->resizable && !vmo->slice && !overflows &&
      rounded <= ZXP_VMO_MAX_SIZE && zxp_pages_grow_locked(vmo->pages, rounded) == ZX_OK) {
    *size = rounded;
    return ZX_OK;
  }
  if (at < *size) {
    return ZX_OK;
  }
  return overflows ? ZX_ERR_OUT_OF_RANGE : ZX_ERR_NO_SPACE;
}

/* What is left of a write, which has to claim the content: it appends, ends past the content or
 * past the object. (C) constant, but for `append`. */
struct rest {
  struct zxp_vmo* vmo;
  struct zxp_iovecs* from;
  const char* call;
  bool can_grow;
};

/* `*again`: by now it can be done without the claim. */
static zx_status_t write_claimed(const struct rest* r, bool append, uint64_t* offset, bool* again,
                                 bool* began, uint64_t* done) {
  struct zxp_content_size* content = zxp_vmo_content(r->vmo);
  const uint64_t left = r->from->total - *done;
  const struct part p = {.vmo = r->vmo, .call = r->call, .writes = true, .claimed = true};
  struct zxp_content_claim claim;
  zx_status_t st = ZX_OK;
  uint64_t size = 0;

  *again = false;
  zxp_content_claim(&claim, r->vmo->pages->tree, content);
  zxp_pages_lock(r->vmo->pages);
  const uint64_t content_size = content->size;
  if (append) {
    *offset = content_size;
  }
  const uint64_t at = *offset + *done;
  const uint64_t end = at + left;
  if (end < at) {
    st = ZX_ERR_OUT_OF_RANGE; /* Only of an append: others have been checked. */
  } else if (!append && end <= content_size && end <= zxp_vmo_size_locked(r->vmo)) {
    *again = true; /* Somebody else has moved the end. */
  } else {
    st = make_room_locked(r->vmo, r->can_grow, at, end, &size);
  }
  zxp_pages_unlock(r->vmo->pages);
  if (st != ZX_OK || *again) {
    zxp_content_release(&claim);
    return st;
  }
  *began = true;
  if (content_size < at) {
    /* What lies between becomes content: bytes of an earlier life go. */
    st = zxp_vmo_zero(r->vmo, content_size, at - content_size);
  }
  if (st == ZX_OK) {
    st = move(&p, r->from, at, min_u64(end, size), done);
  }
  zxp_content_release(&claim);
  return st;
}

zx_status_t zxp_stream_io_write(struct zxp_vmo* vmo, bool can_grow, struct zxp_iovecs* from,
                                bool append, uint64_t* offset, const char* call, bool* began,
                                uint64_t* done) {
  const struct part beside = {.vmo = vmo, .call = call, .writes = true};
  const struct rest rest = {.vmo = vmo, .from = from, .call = call, .can_grow = can_grow};
  zx_status_t st = ZX_OK;
  bool again = true;
  *done = 0;
  *began = false;
  if (!is_cached(vmo)) {
    return ZX_ERR_BAD_STATE;
  }
  if (!append && from->total > UINT64_MAX - *offset) {
    return ZX_ERR_FILE_BIG;
  }
  while (st == ZX_OK && again) {
    again = false;
    /* All or nothing: the pages of a write that grows are asked for together. */
    const uint64_t end = *offset + from->total;
    if (!append && end <= limit_now(vmo, true, false)) {
      st = move(&beside, from, *offset + *done, end, done);
    }
    if (st == ZX_OK && *done < from->total) {
      st = write_claimed(&rest, append, offset, &again, began, done);
    }
  }
  return *done > 0 ? ZX_OK : st;
}
