/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm/mapping.h"

#include <stdlib.h>

#include "base/log.h"
#include "fault/channel_private.h"
#include "vm/mapping_private.h"
#include "vm/page_source.h"

static uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* ---- Permissions ---- */

uint32_t zxp_mapping_perms(const struct zxp_mapping* m, uint64_t page, uint64_t* run_end) {
  uint32_t low = 0;
  uint32_t high = m->runs_count;
  while (high - low > 1) {
    const uint32_t mid = low + (high - low) / 2;
    if (m->runs[mid].first <= page) {
      low = mid;
    } else {
      high = mid;
    }
  }
  if (run_end != NULL) {
    *run_end = low + 1 < m->runs_count ? m->runs[low + 1].first : m->pages_count;
  }
  return m->runs[low].perms;
}

/* ---- Life ---- */

zx_status_t zxp_mapping_create(struct zxp_vmo* vmo, uint64_t vmo_offset, uintptr_t base,
                               uint32_t perms, uint32_t max_perms, bool stream_limited,
                               struct zxp_mapping** out) {
  struct zxp_mapping* m = calloc(1, sizeof *m);
  struct zxp_perm_run* runs = malloc(sizeof *runs);
  if (m == NULL || runs == NULL) {
    free(m);
    free(runs);
    return ZX_ERR_NO_MEMORY;
  }
  *runs = (struct zxp_perm_run){.first = 0, .perms = perms};
  zxp_list_init(&m->pages_link);
  m->base = base;
  m->first_page = (vmo->window_offset >> ZXP_PAGE_SHIFT) + (vmo_offset >> ZXP_PAGE_SHIFT);
  m->end_page = vmo->slice ? (vmo->window_offset + vmo->window_size) >> ZXP_PAGE_SHIFT : UINT64_MAX;
  m->runs = runs;
  m->runs_count = 1;
  m->vmo = vmo;
  zxp_object_get(&vmo->object);
  m->pages = vmo->pages;
  m->max_perms = max_perms;
  m->stream_limited = stream_limited;
  *out = m;
  return ZX_OK;
}

void zxp_mapping_free(struct zxp_mapping* m) {
  if (m == NULL) {
    return;
  }
  ZXP_ASSERT(zxp_list_empty(&m->pages_link) && m->node.parent == NULL);
  if (m->channel != NULL) {
    zxp_channel_put(m->channel);
  }
  zxp_object_put(&m->vmo->object);
  free(m->runs);
  free(m);
}

/* ---- For the owner of the pages ---- */

struct zxp_mapping* zxp_mapping_at_locked(struct zxp_pages* pages, uintptr_t address,
                                          const struct zxp_channel* channel) {
  ZXP_LIST_FOREACH(it, &pages->mappings) {
    struct zxp_mapping* m = ZXP_CONTAINER_OF(it, struct zxp_mapping, pages_link);
    if (address - m->base < zxp_mapping_length(m) && m->channel != NULL &&
        m->channel->main == channel->main) {
      return m;
    }
  }
  return NULL;
}

static struct zxp_mapping* find_below(struct zxp_pages* node, uintptr_t address,
                                      const struct zxp_channel* channel) {
  struct zxp_mapping* m = zxp_mapping_at_locked(node, address, channel);
  ZXP_LIST_FOREACH(it, &node->children) {
    if (m != NULL) {
      break;
    }
    m = find_below(ZXP_CONTAINER_OF(it, struct zxp_pages, sibling), address, channel);
  }
  return m;
}

struct zxp_mapping* zxp_mapping_in_tree_locked(struct zxp_pages* pages, uintptr_t address,
                                               const struct zxp_channel* channel) {
  while (pages->parent != NULL) {
    pages = pages->parent;
  }
  return find_below(pages, address, channel);
}

/* ---- The stream size ---- */

static bool ends_with(const struct zxp_mapping* m, const struct zxp_content_size* content) {
  return m->stream_limited && zxp_vmo_content(m->vmo) == content;
}

/* Puts the areas in [first, end) of each mapping that ends with the content, as that is now. */
static void show_content_locked(struct zxp_pages* pages, const struct zxp_content_size* content,
                                uint64_t first, uint64_t end) {
  ZXP_LIST_FOREACH(it, &pages->mappings) {
    struct zxp_mapping* m = ZXP_CONTAINER_OF(it, struct zxp_mapping, pages_link);
    if (ends_with(m, content)) {
      zxp_mapping_resized_locked(m, first, end, zxp_mapping_size_locked(m));
    }
  }
}

/* Before mappings hide pages that the VMO keeps. */
static zx_status_t settle_content_locked(struct zxp_pages* pages,
                                         const struct zxp_content_size* content, uint64_t first,
                                         uint64_t count) {
  ZXP_LIST_FOREACH(it, &pages->mappings) {
    struct zxp_mapping* m = ZXP_CONTAINER_OF(it, struct zxp_mapping, pages_link);
    const zx_status_t st =
        ends_with(m, content) ? zxp_mapping_settle_locked(m, first, count) : ZX_OK;
    if (st != ZX_OK) {
      show_content_locked(pages, content, first, first + count);
      return st;
    }
  }
  return ZX_OK;
}

zx_status_t zxp_mapping_set_content_locked(struct zxp_pages* pages,
                                           struct zxp_content_size* content, uint64_t window_offset,
                                           uint64_t size) {
  const uint64_t old = content->size;
  const uint64_t window = window_offset >> ZXP_PAGE_SHIFT;
  const uint64_t last = pages->size >> ZXP_PAGE_SHIFT; /* further on it makes no difference */
  const uint64_t first = min_u64(window + (min_u64(old, size) >> ZXP_PAGE_SHIFT), last);
  const uint64_t end = min_u64(window + ((old > size ? old : size) >> ZXP_PAGE_SHIFT) + 1, last);
  ZXP_ASSERT_HELD(&pages->tree->lock);
  if (pages->stream_limited == 0) {
    content->size = size;
    return ZX_OK;
  }
  const zx_status_t settled =
      size < old ? settle_content_locked(pages, content, first, end - first) : ZX_OK;
  if (settled != ZX_OK) {
    return settled;
  }
  content->size = size;
  ZXP_LIST_FOREACH(it, &pages->mappings) {
    struct zxp_mapping* m = ZXP_CONTAINER_OF(it, struct zxp_mapping, pages_link);
    if (!ends_with(m, content)) {
      continue;
    }
    const zx_status_t st = zxp_mapping_resized_locked(m, first, end, zxp_mapping_size_locked(m));
    if (st != ZX_OK) {
      content->size = old;
      zxp_aspace_lend_spares();
      show_content_locked(pages, content, first, end);
      return st;
    }
  }
  return ZX_OK;
}
