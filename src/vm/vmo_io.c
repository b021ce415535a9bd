/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zx_vmo_read and zx_vmo_write (docs/semantics/vmo.md 3, pager.md 4).
 *
 * A buffer outside the root region is copied to and from under the tree lock: nothing in it can be a
 * page that the library would have to supply. A buffer inside goes through a page on the stack, copied
 * with no lock held by vm/user.c.
 */
#include <string.h>

#include "base/user.h"
#include "vm/page_source.h"
#include "vm/vmo.h"

/* Bytes copied under one hold of the lock, so that a long call does not shut others out. */
#define COPY_MAX (UINT64_C(1) << 20)

static uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* Checks of vmo.md 3, steps 2 and 4. */
static bool range_inside(const struct zxp_pages* pages, uint64_t offset, uint64_t length) {
  return offset <= pages->size && length <= pages->size - offset;
}

/* Copies from pages that hold bytes or read as zeros, without giving holes memory. */
static void copy_from_pages_locked(struct zxp_pages* pages, void* to, uint64_t offset,
                                   uint64_t length, bool bytes) {
  unsigned char* out = to;
  while (length > 0) {
    const uint64_t page = offset >> ZXP_PAGE_SHIFT;
    const uint64_t last = (offset + length - 1) >> ZXP_PAGE_SHIFT;
    uint64_t arena_page = 0;
    uint64_t run;
    const bool there =
        zxp_extents_find(&pages->extents, page, last - page + 1, &arena_page, &run);
    const uint64_t skip = offset & ZXP_PAGE_MASK;
    const uint64_t n = min_u64(length, (run << ZXP_PAGE_SHIFT) - skip);
    if (there && bytes) {
      memcpy(out, zxp_arena_view(arena_page) + skip, n);
    } else if (there && pages->untracked) {
      zxp_arena_pread(out, (arena_page << ZXP_PAGE_SHIFT) + skip, n);
    } else {
      memset(out, 0, n);
    }
    out += n;
    offset += n;
    length -= n;
  }
}

zx_status_t zxp_pages_read(struct zxp_pages* pages, void* buffer, uint64_t offset, uint64_t length,
                         bool single, uint64_t* done) {
  unsigned char bounce[ZXP_PAGE_SIZE];
  unsigned char* to = buffer;
  const bool in_window = zxp_user_in_window(buffer, length);
  const uint64_t end = offset + length;
  uint64_t at = offset;
  zx_status_t st = ZX_OK;
  struct zxp_access a;

  if (end < offset) {
    return ZX_ERR_OUT_OF_RANGE;
  }
  if (length > 0 && buffer == NULL) {
    /* The size is checked before the buffer. */
    zxp_pages_lock(pages);
    st = range_inside(pages, offset, length) ? ZX_ERR_NOT_FOUND : ZX_ERR_OUT_OF_RANGE;
    zxp_pages_unlock(pages);
    return st;
  }
  zxp_access_begin(&a, pages, single ? "copy from mapped memory" : "zx_vmo_read", !single);
  for (;;) {
    /* Also after each wait: the VMO may have shrunk. */
    if (!range_inside(pages, offset, length)) {
      st = ZX_ERR_OUT_OF_RANGE;
      break;
    }
    if (at == end) {
      break;
    }
    const uint64_t page = at >> ZXP_PAGE_SHIFT;
    const uint64_t last = (end - 1) >> ZXP_PAGE_SHIFT;
    enum zxp_page_state state;
    uint64_t run = zxp_page_map_run(&pages->map, page, last - page + 1, &state);
    if (state == ZXP_PAGE_EMPTY && pages->source != NULL) {
      st = zxp_access_wait_locked(&a, ZXP_REQUEST_READ, page, single ? 1 : run);
      if (st != ZX_OK) {
        break;
      }
      continue;
    }
    const bool bytes = zxp_page_state_resident(state);
    uint64_t n = min_u64(end - at, (run << ZXP_PAGE_SHIFT) - (at & ZXP_PAGE_MASK));
    if (in_window) {
      n = min_u64(n, ZXP_PAGE_SIZE - (at & ZXP_PAGE_MASK));
      copy_from_pages_locked(pages, bounce, at, n, bytes);
      zxp_access_unlock(&a);
      size_t copied = 0;
      st = zxp_user_copy_out(to, bounce, n, &copied);
      zxp_access_lock(&a);
      if (st != ZX_OK) {
        at += copied;
        break;
      }
    } else {
      n = min_u64(n, COPY_MAX);
      copy_from_pages_locked(pages, to, at, n, bytes);
    }
    to += n;
    at += n;
    if (at < end && n == COPY_MAX) {
      zxp_access_unlock(&a);
      zxp_access_lock(&a);
    }
  }
  zxp_access_end(&a);
  if (done != NULL) {
    *done = at - offset;
  }
  return st;
}

/* Copies to pages that are ready for writing. */
static void copy_to_pages_locked(struct zxp_pages* pages, const void* from, uint64_t offset,
                                 uint64_t length) {
  const unsigned char* in = from;
  while (length > 0) {
    const uint64_t page = offset >> ZXP_PAGE_SHIFT;
    const uint64_t last = (offset + length - 1) >> ZXP_PAGE_SHIFT;
    uint64_t arena_page = 0;
    uint64_t run;
    const bool there =
        zxp_extents_find(&pages->extents, page, last - page + 1, &arena_page, &run);
    ZXP_ASSERT(there);
    const uint64_t skip = offset & ZXP_PAGE_MASK;
    const uint64_t n = min_u64(length, (run << ZXP_PAGE_SHIFT) - skip);
    memcpy(zxp_arena_view(arena_page) + skip, in, n);
    in += n;
    offset += n;
    length -= n;
  }
}

zx_status_t zxp_pages_write(struct zxp_pages* pages, const void* buffer, uint64_t offset,
                          uint64_t length, bool single, uint64_t* done) {
  unsigned char bounce[ZXP_PAGE_SIZE];
  const unsigned char* from = buffer;
  const bool in_window = zxp_user_in_window(buffer, length);
  const uint64_t end = offset + length;
  uint64_t at = offset;
  uint64_t bounced = 0; /* bytes at `at` that bounce holds */
  zx_status_t st = ZX_OK;
  struct zxp_access a;

  if (end < offset) {
    return ZX_ERR_OUT_OF_RANGE;
  }
  if (length > 0 && buffer == NULL) {
    zxp_pages_lock(pages);
    st = range_inside(pages, offset, length) ? ZX_ERR_NOT_FOUND : ZX_ERR_OUT_OF_RANGE;
    zxp_pages_unlock(pages);
    return st;
  }
  zxp_access_begin(&a, pages, single ? "copy to mapped memory" : "zx_vmo_write", false);
  for (;;) {
    if (!range_inside(pages, offset, length)) {
      st = ZX_ERR_OUT_OF_RANGE;
      break;
    }
    if (at == end) {
      break;
    }
    const uint64_t page = at >> ZXP_PAGE_SHIFT;
    const uint64_t last = (end - 1) >> ZXP_PAGE_SHIFT;
    uint64_t ready = 0;
    bool slept;
    /* A page that is dirtied here is written here: a buffer that may fault is copied page by page. */
    const bool one = single || (in_window && pages->source == NULL);
    st = zxp_access_prepare_write_locked(&a, page, one ? 1 : last - page + 1, &ready, &slept);
    if (st != ZX_OK) {
      break;
    }
    if (slept) {
      continue;
    }
    uint64_t n = min_u64(end - at, (ready << ZXP_PAGE_SHIFT) - (at & ZXP_PAGE_MASK));
    if (in_window) {
      n = min_u64(n, ZXP_PAGE_SIZE - (at & ZXP_PAGE_MASK));
      if (bounced != n) {
        /* Fetch the bytes with no lock held, then look at the page again. */
        zxp_access_unlock(&a);
        st = zxp_user_copy_in(bounce, from, n, NULL);
        zxp_access_lock(&a);
        if (st != ZX_OK) {
          break;
        }
        bounced = n;
        continue;
      }
      copy_to_pages_locked(pages, bounce, at, n);
      bounced = 0;
    } else {
      n = min_u64(n, COPY_MAX);
      copy_to_pages_locked(pages, from, at, n);
    }
    if (pages->source != NULL) {
      pages->source->modified = true;
    }
    from += n;
    at += n;
    if (at < end && n == COPY_MAX) {
      zxp_access_unlock(&a);
      zxp_access_lock(&a);
    }
  }
  zxp_access_end(&a);
  if (done != NULL) {
    *done = at - offset;
  }
  return st;
}
