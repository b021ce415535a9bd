/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/user.h"

#include <string.h>

#include "vm/aspace.h"
#include "vm/mapping.h"
#include "vm/region.h"

/* Whether the page lies past what the mapping shows, the end of the pages apart. */
static bool ends_before(const struct zxp_mapping* m, uint64_t page) {
  if (!m->stream_limited) {
    return page >= m->end_page;
  }
  zxp_pages_lock(m->pages);
  const bool shown = zxp_mapping_shows_locked(m, page);
  zxp_pages_unlock(m->pages);
  return !shown;
}

/*
 * The VMO behind `address`, with a reference, and how many of `n` bytes it stands behind.
 * Permission and end as in vmo.md 3; the end is checked again by the transfer itself.
 */
static zx_status_t find(uintptr_t address, uint64_t n, uint32_t perm, struct zxp_vmo** vmo,
                        uint64_t* offset, uint64_t* length) {
  zx_status_t st = ZX_OK;
  zxp_rwlock_read(&zxp_aspace.lock);
  struct zxp_mapping* m = zxp_region_find_mapping_locked(address);
  if (m == NULL) {
    st = ZX_ERR_NOT_FOUND;
  } else {
    uint64_t run_end;
    const uint64_t at = address - m->base;
    const uint32_t perms = zxp_mapping_perms(m, at >> ZXP_PAGE_SHIFT, &run_end);
    if ((perms & perm) == 0) {
      st = ZX_ERR_ACCESS_DENIED;
    } else if (ends_before(m, m->first_page + (at >> ZXP_PAGE_SHIFT))) {
      st = ZX_ERR_OUT_OF_RANGE;
    } else {
      const uint64_t left = (run_end << ZXP_PAGE_SHIFT) - at;
      *vmo = m->vmo;
      zxp_object_get(&m->vmo->object);
      *offset = (m->first_page << ZXP_PAGE_SHIFT) + at;
      *length = n < left ? n : left;
    }
  }
  zxp_rwlock_unlock(&zxp_aspace.lock);
  return st;
}

/* Bytes from `address` on that lie outside the window; 0 if it lies inside. */
static uint64_t outside(uintptr_t address, uint64_t n) {
  /* The end first: see base/user.h. */
  const uintptr_t end = zxp_window_end;
  const uintptr_t base = zxp_window_base;
  if (address >= base && address < end) {
    return 0;
  }
  const uint64_t gap = address < base ? base - address : n;
  return n < gap ? n : gap;
}

static zx_status_t transfer(unsigned char* user, unsigned char* ours, size_t n, bool out,
                            size_t* done) {
  size_t moved = 0;
  zx_status_t st = user == NULL && n > 0 ? ZX_ERR_NOT_FOUND : ZX_OK;
  while (st == ZX_OK && moved < n) {
    const uintptr_t address = (uintptr_t)user + moved;
    uint64_t step = outside(address, n - moved);
    if (step > 0) {
      if (out) {
        memcpy(user + moved, ours + moved, step);
      } else {
        memcpy(ours + moved, user + moved, step);
      }
    } else {
      struct zxp_vmo* vmo = NULL;
      uint64_t offset = 0;
      uint64_t length = 0;
      st = find(address, n - moved, out ? ZX_VM_PERM_WRITE : ZX_VM_PERM_READ, &vmo, &offset,
                &length);
      if (st != ZX_OK) {
        break;
      }
      /* One page at a time, as the accesses of a copy loop would fault. */
      const uint64_t in_page = ZXP_PAGE_SIZE - (offset & ZXP_PAGE_MASK);
      length = length < in_page ? length : in_page;
      st = out ? zxp_pages_write(vmo->pages, ours + moved, offset, length, true, &step)
               : zxp_pages_read(vmo->pages, ours + moved, offset, length, true, &step);
      zxp_object_put(&vmo->object);
    }
    moved += step;
  }
  if (done != NULL) {
    *done = moved;
  }
  return st;
}

zx_status_t zxp_user_copy_out(void* dst, const void* src, size_t n, size_t* done) {
  return transfer(dst, (unsigned char*)(uintptr_t)src, n, true, done);
}

zx_status_t zxp_user_copy_in(void* dst, const void* src, size_t n, size_t* done) {
  return transfer((unsigned char*)(uintptr_t)src, dst, n, false, done);
}
