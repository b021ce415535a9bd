/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zx_vmo_transfer_data (docs/semantics/vmo.md 11).
 *
 * Zircon moves pages; here bytes are copied and the source is zeroed, under the locks of both
 * trees, page states first looked at through the kernel's eyes (zxp_pages_harvest_locked). A source
 * page that reads as zeros zeroes its target. Mappings show the arena, so both sides see the result
 * at once.
 *
 * A store to the source by another thread's mapping, made after its page was copied, is lost; in
 * Zircon it would land in the page before it moves or in the zeros after. Programs that race such
 * stores against a transfer cannot tell which of the two they get there either.
 */
#include <string.h>

#include "vm/cow.h"
#include "vm/vmo.h"

/* Copies pages that lie side by side, or zeroes the target's. Says how many. */
static zx_status_t move_run_locked(struct zxp_pages* dst, uint64_t first, struct zxp_pages* src,
                                   uint64_t src_first, uint64_t limit, uint64_t* moved) {
  struct zxp_view v;
  zxp_cow_look_locked(src, src_first, limit, &v);
  *moved = v.count;
  if (v.content == ZXP_CONTENT_ABSENT) {
    return ZX_ERR_BAD_STATE; /* Fetched before the locks were taken, and gone again. */
  }
  if (v.content == ZXP_CONTENT_ZERO) {
    return zxp_pages_zero_whole_locked(dst, first, v.count);
  }
  zxp_cow_changing_locked(dst, first, v.count);
  zx_status_t st = ZX_OK;
  if (dst->tracked) {
    /* To be overwritten whole; parts from what others see of it. */
    for (uint64_t i = 0; st == ZX_OK && i < v.count; i++) {
      st = zxp_cow_replace_locked(dst, first + i);
    }
  } else {
    st = zxp_pages_reserve_locked(dst, first, v.count);
  }
  if (st != ZX_OK) {
    return st;
  }
  for (uint64_t i = 0; i < v.count; i++) {
    memcpy(zxp_pages_bytes_locked(dst, first + i), zxp_arena_view(v.arena_page + i), ZXP_PAGE_SIZE);
  }
  return zxp_page_map_set(&dst->map, first, v.count, ZXP_PAGE_DIRTY);
}

/* The source's pages that are not the target's as well, after an overlapping move. */
static zx_status_t empty_source_locked(struct zxp_pages* dst, uint64_t first, struct zxp_pages* src,
                                       uint64_t src_first, uint64_t count) {
  if (dst == src && first > src_first && first - src_first < count) {
    count = first - src_first;
  } else if (dst == src && src_first > first && src_first - first < count) {
    const uint64_t gap = src_first - first;
    src_first += count - gap;
    count = gap;
  }
  return zxp_pages_zero_whole_locked(src, src_first, count);
}

/* Gives the source the pages that it sees of its relatives: what the move does to the target would
 * change them under it. */
static zx_status_t own_pages_locked(struct zxp_pages* src, uint64_t first, uint64_t count) {
  zx_status_t st = ZX_OK;
  for (uint64_t page = first, end = first + count; st == ZX_OK && page < end;) {
    struct zxp_view v;
    zxp_cow_look_locked(src, page, end - page, &v);
    for (uint64_t i = 0;
         st == ZX_OK && i < v.count && v.owner != src && v.content == ZXP_CONTENT_BYTES; i++) {
      st = zxp_cow_fork_locked(src, page + i, true);
    }
    page += v.count;
  }
  return st;
}

static zx_status_t move_locked(struct zxp_pages* dst, uint64_t first, struct zxp_pages* src,
                               uint64_t src_first, uint64_t count) {
  const bool up = dst == src && first > src_first && first - src_first < count;
  /* Not farther at once than the two ranges are apart: a page is read before it is written to. */
  const uint64_t apart = dst != src ? count : up ? first - src_first : src_first - first;
  zx_status_t st = zxp_pages_harvest_locked(src, src_first, count);
  if (st == ZX_OK && dst != src && dst->tree == src->tree) {
    st = own_pages_locked(src, src_first, count);
  }
  /* Like memmove: towards higher pages of the same VMO from the last page on, singly. */
  for (uint64_t done = 0, n = 0; st == ZX_OK && done < count; done += n) {
    const uint64_t left = count - done;
    const uint64_t at = up ? left - 1 : done;
    const uint64_t limit = up ? 1 : left < apart ? left : apart;
    st = move_run_locked(dst, first + at, src, src_first + at, limit, &n);
  }
  return st != ZX_OK ? st : empty_source_locked(dst, first, src, src_first, count);
}

/* The checks of one side; turns an offset of the object into one of its pages. */
static zx_status_t check_side_locked(const struct zxp_vmo* vmo, uint64_t* offset, uint64_t length) {
  const uint64_t size = vmo->slice ? vmo->window_size : vmo->pages->size;
  if (*offset > size || length > size - *offset) {
    return ZX_ERR_OUT_OF_RANGE;
  }
  *offset += vmo->window_offset;
  return vmo->pages->source != NULL ? ZX_ERR_NOT_SUPPORTED : ZX_OK;
}

zx_status_t zxp_vmo_transfer(struct zxp_vmo* dst, uint64_t offset, uint64_t length,
                             struct zxp_vmo* src, uint64_t src_offset) {
  struct zxp_pages* to = dst->pages;
  struct zxp_pages* from = src->pages;
  if (from->source == NULL && zxp_pages_root_source(from) != NULL && length > 0) {
    /* A child of a pager root: what it sees may have to be asked for. */
    const zx_status_t fetched = zxp_vmo_op_range(src, ZX_VMO_OP_PREFETCH, src_offset, length);
    if (fetched != ZX_OK) {
      return fetched;
    }
  }
  zxp_biased_lock_pair(&to->tree->lock, &from->tree->lock);
  zx_status_t st = check_side_locked(src, &src_offset, length);
  if (st == ZX_OK) {
    st = check_side_locked(dst, &offset, length);
  }
  if (st == ZX_OK && length > 0 && !(to == from && offset == src_offset)) {
    st = move_locked(to, offset >> ZXP_PAGE_SHIFT, from, src_offset >> ZXP_PAGE_SHIFT,
                     length >> ZXP_PAGE_SHIFT);
  }
  zxp_biased_unlock_pair(&to->tree->lock, &from->tree->lock);
  return st;
}
