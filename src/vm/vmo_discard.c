/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm/vmo_discard.h"

#include "vm/vmo.h"

/* The statements beside the enum, as code. */
static bool check_locked(const struct zxp_pages* pages) {
  const struct zxp_discard* d = &pages->discard;
  return (d->state == ZXP_DISCARD_LOCKED) == (d->locks > 0);
}

/* What the three operations check, in their order. */
static zx_status_t begin_locked(const struct zxp_pages* pages, uint64_t offset, uint64_t size) {
  ZXP_ASSERT_HELD(&pages->tree->lock);
  ZXP_DEBUG_ASSERT(check_locked(pages));
  if (pages->discard.state == ZXP_DISCARD_NEVER) {
    return ZX_ERR_NOT_SUPPORTED;
  }
  return offset == 0 && size == pages->size ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}

zx_status_t zxp_vmo_lock(struct zxp_pages* pages, uint64_t offset, uint64_t size,
                         zx_vmo_lock_state_t* state) {
  struct zxp_discard* d = &pages->discard;
  zxp_pages_lock(pages);
  zx_status_t st = begin_locked(pages, offset, size);
  if (st == ZX_OK) {
    *state = (zx_vmo_lock_state_t){.offset = offset, .size = size};
    if (d->state == ZXP_DISCARD_DISCARDED) {
      /* Visible again before the mappings are told, which look at this. */
      d->state = ZXP_DISCARD_UNLOCKED;
      st =
          zxp_pages_resize_mappings_locked(pages, 0, pages->size >> ZXP_PAGE_SHIFT, pages->size, 0);
      if (st != ZX_OK) {
        d->state = ZXP_DISCARD_DISCARDED;
      } else {
        state->discarded_size = size;
      }
    }
  }
  if (st == ZX_OK) {
    d->state = ZXP_DISCARD_LOCKED;
    d->locks++;
  }
  zxp_pages_unlock(pages);
  return st;
}

zx_status_t zxp_vmo_try_lock(struct zxp_pages* pages, uint64_t offset, uint64_t size) {
  struct zxp_discard* d = &pages->discard;
  zxp_pages_lock(pages);
  zx_status_t st = begin_locked(pages, offset, size);
  if (st == ZX_OK && d->state == ZXP_DISCARD_DISCARDED) {
    st = ZX_ERR_UNAVAILABLE;
  }
  if (st == ZX_OK) {
    d->state = ZXP_DISCARD_LOCKED;
    d->locks++;
  }
  zxp_pages_unlock(pages);
  return st;
}

static void drop_lock_locked(struct zxp_discard* d) {
  if (--d->locks == 0) {
    d->state = ZXP_DISCARD_UNLOCKED;
  }
}

zx_status_t zxp_vmo_unlock(struct zxp_pages* pages, uint64_t offset, uint64_t size) {
  struct zxp_discard* d = &pages->discard;
  zxp_pages_lock(pages);
  zx_status_t st = begin_locked(pages, offset, size);
  if (st == ZX_OK && d->state != ZXP_DISCARD_LOCKED) {
    st = ZX_ERR_BAD_STATE;
  }
  if (st == ZX_OK) {
    drop_lock_locked(d);
  }
  zxp_pages_unlock(pages);
  return st;
}

zx_status_t zxp_vmo_discard(struct zxp_pages* pages) {
  struct zxp_discard* d = &pages->discard;
  zx_status_t st = ZX_OK;
  zxp_pages_lock(pages);
  ZXP_DEBUG_ASSERT(check_locked(pages));
  if (d->state == ZXP_DISCARD_NEVER) {
    st = ZX_ERR_NOT_SUPPORTED;
  } else if (d->state != ZXP_DISCARD_UNLOCKED) {
    st = ZX_ERR_BAD_STATE;
  } else {
    /* Hidden first: once a page has been given back, no mapping may show what comes after it. */
    st = zxp_pages_resize_mappings_locked(pages, 0, pages->size >> ZXP_PAGE_SHIFT, 0, pages->size);
    if (st == ZX_OK) {
      zxp_pages_cut_locked(pages, 0);
      d->state = ZXP_DISCARD_DISCARDED;
    }
  }
  zxp_pages_unlock(pages);
  return st;
}

void zxp_vmo_lock_undo(struct zxp_pages* pages, const zx_vmo_lock_state_t* state) {
  zxp_pages_lock(pages);
  drop_lock_locked(&pages->discard);
  zxp_pages_unlock(pages);
  if (state->discarded_size > 0) {
    /* So that the next lock tells. If somebody has locked it meanwhile, or a mapping cannot be
     * hidden, the loss goes unreported: a program that hands in a bad pointer has asked for
     * worse. */
    zxp_vmo_discard(pages);
  }
}
