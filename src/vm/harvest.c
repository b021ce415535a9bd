/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Harvest: making page states say what was done through mappings without telling the library.
 *
 *   anonymous VMO   the kernel fills its mappings by itself. Pages that the map calls EMPTY and the
 *                   memfd has data for are looked at.
 *   pager root      without dirty trap, where the kernel can note stores (fault/page_scan.h): a
 *                   page that was stored to through a mapping is DIRTY, whatever the map says.
 *
 * A harvest of a root takes what it finds: the pages are DIRTY in the map and protected again, so
 * the next finds what was stored since. It does not stop stores. One that comes between a harvest
 * and the change of state that follows is found by the next; where pages or areas are given up
 * there is no next, and stores are stopped first (zxp_pages_settle_locked).
 *
 * Nothing may protect a page of such a mapping again without looking, or a store would be
 * forgotten; so zxp_pages_protect_locked harvests too.
 */
#include <string.h>

#include "base/stats.h"
#include "fault/page_scan.h"
#include "vm/aspace.h"
#include "vm/mapping.h"
#include "vm/page_source.h"
#include "vm/vmo.h"

/* ---- Anonymous VMOs ---- */

static bool page_is_zero(const unsigned char* bytes) {
  /* Zero at the front and equal to itself shifted: memcmp does the walking. */
  return bytes[0] == 0 && memcmp(bytes, bytes + 1, ZXP_PAGE_SIZE - 1) == 0;
}

/*
 * A page that is all zeros stays EMPTY: whether it was only read, or written with zeros, cannot be
 * told apart here. The consequence is a `committed_bytes` too small by such pages, as after
 * Zircon's own scanner for zero pages.
 */
#define HARVEST_DIRECT 16

/* Of arena pages that have memory or may be given some: those with bytes in them become DIRTY. */
static zx_status_t harvest_data_locked(struct zxp_pages* pages, uint64_t first, uint64_t arena_page,
                                       uint64_t count) {
  for (uint64_t n = 0; n < count;) {
    uint64_t run = 0;
    while (n + run < count && !page_is_zero(zxp_arena_view(arena_page + n + run))) {
      run++;
    }
    if (run > 0) {
      const zx_status_t st = zxp_page_map_set(&pages->map, first + n, run, ZXP_PAGE_DIRTY);
      if (st != ZX_OK) {
        return st;
      }
    }
    n += run + 1; /* The page behind the run is zero. */
  }
  return ZX_OK;
}

static zx_status_t harvest_run_locked(struct zxp_pages* pages, uint64_t first, uint64_t arena_page,
                                      uint64_t count) {
  /* A few pages are looked at straight away: two system calls cost more than a page for each hole.
   * So are those of a transfer VMO, which keep their memory. Not where mappings trap by now: a hole
   * that got a page would be writable in them unseen. */
  const bool kept = first >= pages->kept_first && first + count <= pages->kept_end;
  if (!pages->tracked && (count <= HARVEST_DIRECT || kept)) {
    return harvest_data_locked(pages, first, arena_page, count);
  }
  uint64_t data = arena_page;
  uint64_t n = 0;
  for (uint64_t at = arena_page, end = arena_page + count; at < end; at = data + n) {
    if (!zxp_arena_next_data(at, end - at, &data, &n)) {
      break;
    }
    const zx_status_t st = harvest_data_locked(pages, first + (data - arena_page), data, n);
    if (st != ZX_OK) {
      return st;
    }
  }
  return ZX_OK;
}

static zx_status_t harvest_anonymous_locked(struct zxp_pages* pages, uint64_t first,
                                            uint64_t count) {
  const uint64_t end = first + count;
  for (uint64_t page = first; page < end;) {
    enum zxp_page_state state;
    uint64_t run = zxp_page_map_run(&pages->map, page, end - page, &state);
    if (state == ZXP_PAGE_EMPTY) {
      uint64_t arena_page = 0;
      if (zxp_extents_find(&pages->storage->extents, page, run, &arena_page, &run)) {
        const zx_status_t st = harvest_run_locked(pages, page, arena_page, run);
        if (st != ZX_OK) {
          return st;
        }
      }
    }
    page += run;
  }
  return ZX_OK;
}

/* ---- Pager roots ---- */

/* What is being looked at. */
struct harvest {
  struct zxp_mapping* mapping;
  bool all; /* pages are about to appear: unmapped ones are to be protected too */
  zx_status_t status;
};

/* The pages, all in one state that is not EMPTY, were stored to, and are protected again. */
static void stored_locked(struct harvest* h, enum zxp_page_state state, uint64_t first,
                          uint64_t count) {
  struct zxp_pages* pages = h->mapping->pages;
  pages->source->modified = true;
  if (state == ZXP_PAGE_DIRTY) {
    return;
  }
  const zx_status_t st = zxp_page_map_set(&pages->map, first, count, ZXP_PAGE_DIRTY);
  if (st == ZX_OK) {
    ZXP_COUNT(dirtied_pages, count);
  } else {
    /* To be found again. */
    zxp_mapping_write_protect_locked(h->mapping, first, count, false);
    h->status = st;
  }
}

/*
 * Pages without an entry. Every page that has memory was protected in every mapping before it got
 * it, so the kernel has taken away an entry that was not protected any more: that of a page that
 * was stored to. Zeros may lack memory, and then nobody has touched them.
 */
static void unmapped_locked(struct harvest* h, enum zxp_page_state state, uint64_t first,
                            uint64_t count) {
  struct zxp_pages* pages = h->mapping->pages;
  if (zxp_page_state_resident(state)) {
    zxp_mapping_write_protect_locked(h->mapping, first, count, true);
    stored_locked(h, state, first, count);
    return;
  }
  for (uint64_t page = first, end = first + count; page < end;) {
    uint64_t arena_page = 0;
    uint64_t run;
    uint64_t data = 0;
    uint64_t n = 0;
    if (!zxp_extents_find(&pages->storage->extents, page, end - page, &arena_page, &run)) {
      page += run;
    } else if (!zxp_arena_next_data(arena_page, run, &data, &n)) {
      page += run;
    } else {
      page += data - arena_page;
      zxp_mapping_write_protect_locked(h->mapping, page, n, true);
      stored_locked(h, state, page, n);
      page += n;
    }
  }
}

static void visit(void* context, uintptr_t address, uint64_t length, enum zxp_scan_result what) {
  struct harvest* h = context;
  struct zxp_pages* pages = h->mapping->pages;
  const uint64_t first = zxp_mapping_page_at(h->mapping, address);
  const uint64_t end = first + (length >> ZXP_PAGE_SHIFT);
  if (what == ZXP_SCAN_UNMAPPED && h->all) {
    zxp_mapping_write_protect_locked(h->mapping, first, end - first, true);
  }
  for (uint64_t page = first; page < end;) {
    enum zxp_page_state state;
    const uint64_t run = zxp_page_map_run(&pages->map, page, end - page, &state);
    /* EMPTY ones are holes, which nobody can store to without asking. */
    if (state != ZXP_PAGE_EMPTY && what == ZXP_SCAN_WRITTEN) {
      stored_locked(h, state, page, run);
    } else if (state != ZXP_PAGE_EMPTY) {
      unmapped_locked(h, state, page, run);
    }
    page += run;
  }
}

static zx_status_t harvest_mapping_locked(struct zxp_mapping* m, uint64_t first, uint64_t count,
                                          bool all) {
  struct harvest h = {.mapping = m, .all = all};
  zxp_mapping_scan_locked(m, first, count, all ? ZXP_SCAN_TAKE_ALL : ZXP_SCAN_TAKE, visit, &h);
  return h.status;
}

zx_status_t zxp_pages_harvest_mapping_locked(struct zxp_mapping* m, uint64_t first,
                                             uint64_t count) {
  return harvest_mapping_locked(m, first, count, false);
}

static zx_status_t harvest_root_locked(struct zxp_pages* pages, uint64_t first, uint64_t count) {
  zx_status_t st = ZX_OK;
  ZXP_LIST_FOREACH(it, &pages->mappings) {
    struct zxp_mapping* m = ZXP_CONTAINER_OF(it, struct zxp_mapping, pages_link);
    if (st == ZX_OK && zxp_mapping_is_async(m)) {
      st = harvest_mapping_locked(m, first, count, false);
    }
  }
  return st;
}

zx_status_t zxp_pages_settle_locked(struct zxp_pages* pages, uint64_t first, uint64_t count) {
  ZXP_ASSERT_HELD(&pages->tree->lock);
  ZXP_LIST_FOREACH(it, &pages->mappings) {
    struct zxp_mapping* m = ZXP_CONTAINER_OF(it, struct zxp_mapping, pages_link);
    zx_status_t st = zxp_mapping_settle_locked(m, first, count);
    if (st != ZX_OK) {
      zxp_aspace_lend_spares();
      st = zxp_mapping_settle_locked(m, first, count);
    }
    if (st != ZX_OK) {
      zxp_pages_resume_locked(pages, first, count);
      return st;
    }
  }
  return ZX_OK;
}

void zxp_pages_resume_locked(struct zxp_pages* pages, uint64_t first, uint64_t count) {
  ZXP_LIST_FOREACH(it, &pages->mappings) {
    zxp_mapping_resume_locked(ZXP_CONTAINER_OF(it, struct zxp_mapping, pages_link), first, count);
  }
}

zx_status_t zxp_pages_trap_stores_locked(struct zxp_pages* pages) {
  ZXP_ASSERT_HELD(&pages->tree->lock);
  ZXP_LIST_FOREACH(it, &pages->mappings) {
    const zx_status_t st =
        zxp_mapping_trap_stores_locked(ZXP_CONTAINER_OF(it, struct zxp_mapping, pages_link));
    if (st != ZX_OK) {
      return st;
    }
  }
  pages->stores_trap = true;
  pages->untracked = false;
  return ZX_OK;
}

/* ---- Both ---- */

zx_status_t zxp_pages_harvest_locked(struct zxp_pages* pages, uint64_t first, uint64_t count) {
  ZXP_ASSERT_HELD(&pages->tree->lock);
  if (!pages->untracked || count == 0) {
    return ZX_OK;
  }
  return pages->source != NULL ? harvest_root_locked(pages, first, count)
                               : harvest_anonymous_locked(pages, first, count);
}

void zxp_pages_protect_locked(struct zxp_pages* pages, uint64_t first, uint64_t count) {
  ZXP_ASSERT_HELD(&pages->tree->lock);
  ZXP_LIST_FOREACH(it, &pages->mappings) {
    struct zxp_mapping* m = ZXP_CONTAINER_OF(it, struct zxp_mapping, pages_link);
    if (zxp_mapping_is_async(m)) {
      /* Without memory for the map a page stays as it was, open, and is found by the next. */
      (void)harvest_mapping_locked(m, first, count, true);
    } else {
      zxp_mapping_write_protect_locked(m, first, count, true);
    }
  }
}

void zxp_pages_protect_trapping_locked(struct zxp_pages* pages, uint64_t first, uint64_t count) {
  ZXP_ASSERT_HELD(&pages->tree->lock);
  ZXP_LIST_FOREACH(it, &pages->mappings) {
    struct zxp_mapping* m = ZXP_CONTAINER_OF(it, struct zxp_mapping, pages_link);
    if (!zxp_mapping_is_async(m)) {
      zxp_mapping_write_protect_locked(m, first, count, true);
    }
  }
}
