/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taking parts of mappings away, and putting a mapping in their place.
 *
 * A cut is prepared with all the memory it needs. Making it is one step under the tree lock of the
 * VMO: areas of the part are replaced, by reservation or by those of the mapping that comes, and
 * the mapping gets its new shape. So whoever changes the areas of a VMO's mappings (resizing, write
 * protection, supply), which is done under that lock, finds mappings and areas in agreement.
 *
 * A mapping that comes grows over its place part by part, each with both tree locks held: the
 * loser's and its own. When a part fails, those before it are undone in reverse order. Only the
 * lack of Linux areas can make one fail, and undoing needs areas too for a moment, which is what
 * spares are for (vm/aspace.h).
 */
#include <stdlib.h>

#include "base/log.h"
#include "fault/channel_private.h"
#include "vm/mapping_private.h"
#include "vm/page_source.h"

static uintptr_t cut_address(const struct zxp_cut* cut) {
  return cut->before.base + (cut->first << ZXP_PAGE_SHIFT);
}

static uintptr_t cut_end(const struct zxp_cut* cut) {
  return cut_address(cut) + (cut->count << ZXP_PAGE_SHIFT);
}

/* ---- Preparing ---- */

static struct zxp_mapping_shape shape_of(const struct zxp_mapping* m) {
  return (struct zxp_mapping_shape){
      .base = m->base,
      .pages_count = m->pages_count,
      .first_page = m->first_page,
      .runs = m->runs,
      .runs_count = m->runs_count,
  };
}

static void set_shape(struct zxp_mapping* m, const struct zxp_mapping_shape* s) {
  m->base = s->base;
  m->pages_count = s->pages_count;
  m->first_page = s->first_page;
  m->runs = s->runs;
  m->runs_count = s->runs_count;
}

/* What [first, first + count) of the mapping is by itself, with runs of its own. */
static zx_status_t slice(const struct zxp_mapping* m, uint64_t first, uint64_t count,
                         struct zxp_mapping_shape* out) {
  *out = (struct zxp_mapping_shape){
      .base = m->base + (first << ZXP_PAGE_SHIFT),
      .pages_count = count,
      .first_page = m->first_page + first,
  };
  if (count == 0) {
    return ZX_OK;
  }
  out->runs = malloc(m->runs_count * sizeof *out->runs);
  if (out->runs == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  for (uint64_t page = first; page < first + count;) {
    uint64_t end;
    const uint32_t perms = zxp_mapping_perms(m, page, &end);
    out->runs[out->runs_count++] = (struct zxp_perm_run){.first = page - first, .perms = perms};
    page = end;
  }
  return ZX_OK;
}

/* The part behind the cut, as a mapping of its own. */
static zx_status_t make_rest(struct zxp_cut* cut, uint64_t first, uint64_t count) {
  const struct zxp_mapping* m = cut->mapping;
  struct zxp_mapping_shape shape;
  struct zxp_mapping* rest = calloc(1, sizeof *rest);
  if (rest == NULL || slice(m, first, count, &shape) != ZX_OK) {
    free(rest);
    return ZX_ERR_NO_MEMORY;
  }
  set_shape(rest, &shape);
  zxp_list_init(&rest->pages_link);
  rest->vmo = m->vmo;
  zxp_object_get(&rest->vmo->object);
  rest->pages = m->pages;
  rest->end_page = m->end_page;
  rest->max_perms = m->max_perms;
  rest->stream_limited = m->stream_limited;
  rest->whole = m->whole;
  cut->rest = rest;
  return ZX_OK;
}

zx_status_t zxp_cuts_add(struct zxp_cuts* cuts, struct zxp_mapping* m, uintptr_t from,
                         uintptr_t to) {
  if (cuts->count == cuts->capacity) {
    const size_t capacity = cuts->capacity * 2 + 2;
    struct zxp_cut* list = realloc(cuts->list, capacity * sizeof *list);
    if (list == NULL) {
      return ZX_ERR_NO_MEMORY;
    }
    cuts->list = list;
    cuts->capacity = capacity;
  }
  struct zxp_cut* cut = &cuts->list[cuts->count];
  *cut = (struct zxp_cut){
      .mapping = m,
      .first = (from - m->base) >> ZXP_PAGE_SHIFT,
      .count = (to - from) >> ZXP_PAGE_SHIFT,
      .before = shape_of(m),
  };
  const uint64_t end = cut->first + cut->count;
  const uint64_t behind = cut->before.pages_count - end;
  zx_status_t st =
      cut->first == 0 ? slice(m, end, behind, &cut->after) : slice(m, 0, cut->first, &cut->after);
  if (st == ZX_OK && cut->first > 0 && behind > 0) {
    st = make_rest(cut, end, behind);
    if (st != ZX_OK) {
      free(cut->after.runs);
    }
  }
  cuts->count += st == ZX_OK;
  return st;
}

void zxp_cuts_free(struct zxp_cuts* cuts) {
  for (size_t i = 0; i < cuts->count; i++) {
    struct zxp_cut* cut = &cuts->list[i];
    if (!cut->made) {
      free(cut->after.runs);
      zxp_mapping_free(cut->rest);
    } else if (cut->after.pages_count > 0) {
      free(cut->before.runs);
    }
  }
  free(cuts->list);
  *cuts = (struct zxp_cuts){0};
}

/* ---- Making one: tree lock held, areas have been replaced ---- */

static void enlist_locked(struct zxp_mapping* m) {
  zxp_list_push_back(&m->pages->mappings, &m->pages_link);
  m->vmo->num_mappings++;
  m->pages->stream_limited += m->stream_limited;
  m->pages->untracked |= zxp_mapping_is_async(m);
}

static void delist_locked(struct zxp_mapping* m) {
  zxp_list_remove(&m->pages_link);
  m->vmo->num_mappings--;
  m->pages->stream_limited -= m->stream_limited;
  if (m->pages->source != NULL && zxp_list_empty(&m->pages->mappings)) {
    m->pages->untracked = false;
  }
}

static void make_locked(struct zxp_cut* cut) {
  struct zxp_mapping* m = cut->mapping;
  cut->made = true;
  if (cut->after.pages_count > 0) {
    set_shape(m, &cut->after);
  } else {
    delist_locked(m);
  }
  if (cut->rest != NULL) {
    cut->rest->made_seq = m->made_seq;
    if (m->channel != NULL) {
      cut->rest->channel = m->channel;
      zxp_channel_get(m->channel);
    }
    enlist_locked(cut->rest);
  }
}

/* Takes it back; the areas are still those of whatever came. */
static void unmake_locked(struct zxp_cut* cut) {
  struct zxp_mapping* m = cut->mapping;
  cut->made = false;
  if (cut->rest != NULL) {
    delist_locked(cut->rest);
  }
  if (cut->after.pages_count > 0) {
    set_shape(m, &cut->before);
  } else {
    enlist_locked(m);
  }
}

/* ---- Undoing ---- */

/* The reservation, with the help of spares. */
static void must_reserve(uintptr_t address, uintptr_t end) {
  if (address < end && !zxp_aspace_reserve_area(address, end - address)) {
    zxp_aspace_lend_spares();
    if (!zxp_aspace_reserve_area(address, end - address)) {
      ZXP_LOG(ZXP_TOPIC_MAP, 1, "[%p, %p) could not be reserved again", (void*)address, (void*)end);
    }
  }
}

/* The areas of the part as they were; the mapping has its old shape. */
static void bring_back_locked(struct zxp_cut* cut, enum zxp_place place) {
  struct zxp_mapping* m = cut->mapping;
  const uint64_t size = zxp_mapping_size_locked(m);
  zxp_aspace_lend_spares();
  if (zxp_mapping_establish_locked(m, cut->first, cut->count, size, place) != ZX_OK) {
    /* It must not show what came; its accesses fail now. */
    must_reserve(cut_address(cut), cut_end(cut));
  }
}

/* ---- Hiding ---- */

/* What was stored through the part is known afterwards, and nothing is stored any more. */
static bool settle_part_locked(const struct zxp_cut* cut) {
  return zxp_mapping_settle_locked(cut->mapping, cut->before.first_page + cut->first, cut->count) ==
         ZX_OK;
}

/* One part. `*lent`: it took the spares. */
static bool hide_part(struct zxp_cut* cut, bool* lent) {
  struct zxp_pages* pages = cut->mapping->pages;
  const uint64_t length = cut->count << ZXP_PAGE_SHIFT;
  zxp_pages_lock(pages);
  bool done = settle_part_locked(cut) && zxp_aspace_reserve_area(cut_address(cut), length);
  if (!done) {
    zxp_aspace_lend_spares();
    *lent = true;
    done = settle_part_locked(cut) && zxp_aspace_reserve_area(cut_address(cut), length);
  }
  if (done) {
    make_locked(cut);
  } else {
    zxp_mapping_resume_locked(cut->mapping, cut->before.first_page + cut->first, cut->count);
  }
  zxp_pages_unlock(pages);
  return done;
}

zx_status_t zxp_cuts_hide(struct zxp_cuts* cuts) {
  bool lent = false;
  size_t i = 0;
  while (i < cuts->count && hide_part(&cuts->list[i], &lent)) {
    i++;
  }
  /* Linux wants room for an area even where fewer are left afterwards. So the spares may help, but
   * there must be room for them again. */
  if (i == cuts->count && (!lent || zxp_aspace_stock_spares())) {
    return ZX_OK;
  }
  while (i-- > 0) {
    struct zxp_cut* cut = &cuts->list[i];
    zxp_pages_lock(cut->mapping->pages);
    unmake_locked(cut);
    bring_back_locked(cut, ZXP_PLACE_UNUSED);
    zxp_pages_unlock(cut->mapping->pages);
  }
  zxp_aspace_stock_spares();
  return ZX_ERR_NO_MEMORY;
}

/* ---- Showing ---- */

/* Before a mapping shows anything. */
static zx_status_t prepare_locked(struct zxp_mapping* m) {
  struct zxp_pages* pages = m->pages;
  if (m->channel == NULL && (pages->source != NULL || pages->tracked)) {
    const struct zxp_source* root = zxp_pages_root_source(pages);
    const bool async = pages->source != NULL && !pages->source->trap_dirty && !pages->stores_trap;
    const zx_status_t st =
        zxp_channel_for_mappings(root != NULL ? root->port : NULL, async, &m->channel);
    if (st != ZX_OK) {
      return st;
    }
  }
  /* The kernel will fill this mapping without telling, and would show old bytes. */
  const zx_status_t st = zxp_pages_scrub_locked(pages);
  if (st == ZX_OK && pages->source == NULL) {
    pages->untracked = m->channel == NULL;
  }
  return st;
}

/* Lets the mapping show `count` pages in all, more than now. */
static zx_status_t grow_locked(struct zxp_mapping* m, uint64_t count, enum zxp_place place) {
  const uint64_t old = m->pages_count;
  zx_status_t st = old == 0 ? prepare_locked(m) : ZX_OK;
  m->pages_count = count;
  if (st == ZX_OK) {
    st = zxp_mapping_establish_locked(m, old, count - old, zxp_mapping_size_locked(m), place);
  }
  if (st != ZX_OK) {
    m->pages_count = old;
    return st;
  }
  m->made_seq = zxp_channel_last_message();
  if (old == 0) {
    enlist_locked(m);
  }
  return st;
}

/* The mapping shows `count` pages only, fewer than now; areas are the caller's. */
static void shrink_locked(struct zxp_mapping* m, uint64_t count) {
  if (m->pages_count > 0 && count == 0) {
    delist_locked(m);
  }
  m->pages_count = count;
}

/* Whether no part that goes can be read or written: nobody will touch it while it is replaced. */
static enum zxp_place place_of(const struct zxp_cut* cut) {
  for (uint64_t page = cut->first; page < cut->first + cut->count;) {
    uint64_t run_end;
    if (zxp_mapping_perms(cut->mapping, page, &run_end) != 0) {
      return ZXP_PLACE_IN_USE;
    }
    page = run_end;
  }
  return ZXP_PLACE_UNUSED;
}

/* Pages of `m` up to an address. */
static uint64_t pages_to(const struct zxp_mapping* m, uintptr_t address) {
  return (address - m->base) >> ZXP_PAGE_SHIFT;
}

/* A mapping may take this part of the arena past its VMO's end: room for a thousand of them. */
#define WHOLE_PART 1024

/* Whether the arena can stand behind all of a mapping of `count` pages, whatever the VMO's size. */
static bool can_be_whole(const struct zxp_mapping* m, uint64_t count) {
  return m->pages->source != NULL && m->pages->resizable && !m->stream_limited &&
         count <= zxp_arena.pages / WHOLE_PART;
}

/* Part `i` of the cuts goes, and the mapping takes its place and the gap before it. */
static zx_status_t replace_part(struct zxp_cut* cut, struct zxp_mapping* m) {
  struct zxp_biased_lock* ours = &m->pages->tree->lock;
  struct zxp_biased_lock* theirs = &cut->mapping->pages->tree->lock;
  zxp_biased_lock_pair(ours, theirs);
  zx_status_t st = ZX_ERR_NO_MEMORY;
  if (settle_part_locked(cut)) {
    st = grow_locked(m, pages_to(m, cut_end(cut)), place_of(cut));
  }
  if (st == ZX_OK) {
    make_locked(cut);
  }
  zxp_biased_unlock_pair(ours, theirs);
  return st;
}

/* Undoes the step, made or half made, that reached to the end of part `i`. */
static void undo_part(struct zxp_cuts* cuts, size_t i, struct zxp_mapping* m) {
  struct zxp_cut* cut = &cuts->list[i];
  struct zxp_biased_lock* ours = &m->pages->tree->lock;
  struct zxp_biased_lock* theirs = &cut->mapping->pages->tree->lock;
  const uintptr_t from = i == 0 ? m->base : cut_end(cut - 1);
  zxp_biased_lock_pair(ours, theirs);
  shrink_locked(m, pages_to(m, from));
  if (cut->made) {
    unmake_locked(cut);
  }
  bring_back_locked(cut, place_of(cut));
  must_reserve(from, cut_address(cut));
  zxp_biased_unlock_pair(ours, theirs);
}

zx_status_t zxp_cuts_show(struct zxp_cuts* cuts, struct zxp_mapping* m, uint64_t count) {
  const uintptr_t end = m->base + (count << ZXP_PAGE_SHIFT);
  zx_status_t st = ZX_OK;
  size_t i = 0;
  m->whole = can_be_whole(m, count);
  while (st == ZX_OK && i < cuts->count) {
    st = replace_part(&cuts->list[i++], m);
  }
  if (st == ZX_OK && m->pages_count < count) {
    const uintptr_t from = zxp_mapping_end(m);
    zxp_pages_lock(m->pages);
    st = grow_locked(m, count, ZXP_PLACE_UNUSED);
    if (st != ZX_OK) {
      must_reserve(from, end);
    }
    zxp_pages_unlock(m->pages);
  }
  if (st != ZX_OK) {
    while (i > 0) {
      undo_part(cuts, --i, m);
    }
    zxp_aspace_stock_spares();
    return st;
  }
  ZXP_LOG(ZXP_TOPIC_MAP, 2, "koid %llu page %llu mapped at %p, %llu pages",
          (unsigned long long)m->vmo->object.koid, (unsigned long long)m->first_page,
          (void*)m->base, (unsigned long long)count);
  return ZX_OK;
}
