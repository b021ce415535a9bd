/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sizes: zx_vmo_set_size, the stream size (docs/semantics/vmo.md 4, pager.md 8.5, writeback.md
 * 8.2).
 */
#include "vm/mapping.h"
#include "vm/page_source.h"
#include "vm/vmo.h"

zx_status_t zxp_pages_resize_mappings_locked(struct zxp_pages* pages, uint64_t first, uint64_t end,
                                             uint64_t new_size, uint64_t old_size) {
  if (pages->discard.state == ZXP_DISCARD_DISCARDED) {
    return ZX_OK;
  }
  ZXP_LIST_FOREACH(it, &pages->mappings) {
    struct zxp_mapping* m = ZXP_CONTAINER_OF(it, struct zxp_mapping, pages_link);
    const zx_status_t st = zxp_mapping_resized_locked(m, first, end, new_size);
    if (st != ZX_OK) {
      zxp_aspace_lend_spares();
      for (struct zxp_list* back = it;; back = back->prev) {
        zxp_mapping_resized_locked(ZXP_CONTAINER_OF(back, struct zxp_mapping, pages_link), first,
                                   end, old_size);
        if (back == pages->mappings.next) {
          return st;
        }
      }
    }
  }
  return ZX_OK;
}

static zx_status_t resize_locked(struct zxp_pages* pages, uint64_t rounded) {
  const uint64_t old_pages = pages->size >> ZXP_PAGE_SHIFT;
  const uint64_t new_pages = rounded >> ZXP_PAGE_SHIFT;
  zx_status_t st = ZX_OK;
  if (new_pages < old_pages) {
    /* If the call fails the pages stay. */
    st = zxp_pages_harvest_locked(pages, new_pages, old_pages - new_pages);
    if (st != ZX_OK) {
      return st;
    }
    /* Hide first: once a page has been given back, no mapping may show what comes after it. */
    st = zxp_pages_resize_mappings_locked(pages, new_pages, old_pages, rounded, pages->size);
    if (st != ZX_OK) {
      return st;
    }
    st = zxp_pages_cut_locked(pages, new_pages);
    if (st != ZX_OK) {
      zxp_pages_resize_mappings_locked(pages, new_pages, old_pages, pages->size, pages->size);
      return st;
    }
    pages->size = rounded;
  } else if (new_pages > old_pages) {
    const uint64_t in_root = zxp_pages_offset_in_root_locked(pages);
    if (in_root + rounded < in_root) {
      return ZX_ERR_INVALID_ARGS;
    }
    /* The new part is known to be zero: an interval that asks for nothing and refuses supplies. */
    if (pages->source != NULL) {
      st = zxp_page_map_zero(&pages->map, old_pages, new_pages - old_pages);
    }
    if (st == ZX_OK) {
      const uint64_t old_size = pages->size;
      pages->size = rounded;
      st = zxp_pages_resize_mappings_locked(pages, old_pages, new_pages, rounded, old_size);
      if (st != ZX_OK) {
        pages->size = old_size;
        zxp_page_map_cut(&pages->map, old_pages);
      }
    }
  }
  return st;
}

zx_status_t zxp_pages_grow_locked(struct zxp_pages* pages, uint64_t rounded) {
  ZXP_ASSERT_HELD(&pages->tree->lock);
  ZXP_ASSERT(pages->resizable && rounded >= pages->size);
  const zx_status_t st = resize_locked(pages, rounded);
  if (st == ZX_OK && pages->source != NULL) {
    pages->source->modified = true;
  }
  return st;
}

zx_status_t zxp_pages_set_size(struct zxp_pages* pages, uint64_t size) {
  uint64_t rounded;
  struct zxp_content_claim claim;
  zx_status_t st = zxp_vmo_round_size(size, &rounded);
  if (st != ZX_OK) {
    return st;
  }
  zxp_content_claim(&claim, pages->tree, &pages->content);
  zxp_pages_lock(pages);
  /* The content size first: a mapping that ends there is shown no more than it may. */
  const uint64_t old_content = pages->content.size;
  st = zxp_mapping_set_content_locked(pages, &pages->content, 0, size);
  if (st == ZX_OK) {
    st = resize_locked(pages, rounded);
    if (st != ZX_OK) {
      zxp_mapping_set_content_locked(pages, &pages->content, 0, old_content);
    } else if (pages->source != NULL) {
      pages->source->modified = true;
    }
  }
  zxp_pages_unlock(pages);
  if (st == ZX_OK && size < rounded) {
    /* Like a write of zeros: may block on READ and DIRTY; the size has changed whatever becomes of
     * it (writeback.md 8.2 rule 17). */
    zxp_pages_zero(pages, size, rounded - size);
  }
  zxp_content_release(&claim);
  return st;
}
