/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm/page_map.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/list.h"
#include "vm/zero_interval.h"

/* A VMO has less than 2^64 bytes and a page at least 2^12: every end of a range fits with room
 * above. */
#define PAGE_LIMIT (UINT64_C(1) << 52)

#define LEAF_PAGES 64

/* The states of the pages [key, key + 64), one bit of each in every plane: bit b of the state of
 * page key + n is bit n of plane[b]. So 64 pages are compared, counted or changed in a few
 * operations. */
#define PLANES 3

struct leaf {
  struct zxp_tree_node node; /* key: first page, a multiple of LEAF_PAGES */
  uint64_t plane[PLANES];
};

/* With the allocator's word it fills one cache line: a byte a page where pages are dense. */
_Static_assert(sizeof(struct leaf) == 56, "a leaf and its malloc header are 64 bytes");
_Static_assert(ZXP_PAGE_AWAITING < 1 << PLANES, "a stored state fits in the planes");

/* Sets of states, to look for several at once. */
#define SET_OF(state) (1u << (state))

enum {
  CLEANS = SET_OF(ZXP_PAGE_CLEAN),
  MARKERS = SET_OF(ZXP_PAGE_MARKER),
  DIRTIES = SET_OF(ZXP_PAGE_DIRTY),
  AWAITINGS = SET_OF(ZXP_PAGE_AWAITING),
  RESIDENTS = CLEANS | DIRTIES | AWAITINGS,
  LISTED = DIRTIES | AWAITINGS, /* by a dirty-range query */
  STORED = RESIDENTS | MARKERS, /* all but EMPTY */
};

static uint64_t at_least(uint64_t a, uint64_t b) { return a > b ? a : b; }
static uint64_t at_most(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* The end of a range that is only looked at; no page lies behind PAGE_LIMIT. */
static uint64_t end_of(uint64_t first, uint64_t count) {
  return first >= PAGE_LIMIT ? first : first + at_most(count, PAGE_LIMIT - first);
}

/* ---- One leaf ---- */

static struct leaf* leaf_of(struct zxp_tree_node* n) {
  return n == NULL ? NULL : ZXP_CONTAINER_OF(n, struct leaf, node);
}

static uint64_t leaf_key(uint64_t page) { return page & ~(uint64_t)(LEAF_PAGES - 1); }
static uint64_t leaf_end(const struct leaf* l) { return l->node.key + LEAF_PAGES; }
static struct leaf* leaf_after(const struct leaf* l) { return leaf_of(zxp_tree_next(&l->node)); }

/* The leaf that `page` lies in, or the next one there is. */
static struct leaf* leaf_from(const struct zxp_page_map* map, uint64_t page) {
  const uint64_t key = leaf_key(page);
  if (map->last != NULL && map->last->key == key) {
    return leaf_of(map->last);
  }
  return leaf_of(zxp_tree_ceil(&map->leaves, key));
}

/* The leaf that `page` lies in, or NULL. */
static struct leaf* leaf_at(const struct zxp_page_map* map, uint64_t page) {
  struct leaf* l = leaf_from(map, page);
  return l != NULL && l->node.key == leaf_key(page) ? l : NULL;
}

static enum zxp_page_state state_in(const struct leaf* l, uint64_t page) {
  const unsigned n = (unsigned)(page - l->node.key);
  unsigned state = 0;
  for (unsigned b = 0; b < PLANES; b++) {
    state |= (unsigned)(l->plane[b] >> n & 1) << b;
  }
  return (enum zxp_page_state)state;
}

/* The pages of the leaf, as bits, that are in one of the states of `set`. */
static inline uint64_t bits_in(const struct leaf* l, unsigned set) {
  uint64_t bits = 0;
  for (unsigned s = ZXP_PAGE_CLEAN; s <= ZXP_PAGE_AWAITING; s++) {
    if ((set & SET_OF(s)) != 0) {
      uint64_t these = ~UINT64_C(0);
      for (unsigned b = 0; b < PLANES; b++) {
        these &= (s >> b & 1) != 0 ? l->plane[b] : ~l->plane[b];
      }
      bits |= these;
    }
  }
  return bits;
}

/* The pages of the leaf, as bits, that lie in [first, end). Some do. */
static uint64_t bits_within(const struct leaf* l, uint64_t first, uint64_t end) {
  uint64_t bits = ~UINT64_C(0);
  if (first > l->node.key) {
    bits <<= first - l->node.key;
  }
  if (end < leaf_end(l)) {
    bits &= (UINT64_C(1) << (end - l->node.key)) - 1;
  }
  return bits;
}

/* Puts the pages `bits` of the leaf in `state`. */
static void put(struct zxp_page_map* map, struct leaf* l, uint64_t bits,
                enum zxp_page_state state) {
  const uint64_t were_resident = bits_in(l, RESIDENTS) & bits;
  for (unsigned b = 0; b < PLANES; b++) {
    l->plane[b] = ((unsigned)state >> b & 1) != 0 ? l->plane[b] | bits : l->plane[b] & ~bits;
  }
  const uint64_t are_resident = zxp_page_state_resident(state) ? bits : 0;
  if ((bits & (bits - 1)) == 0) { /* one page, which is what a fault is about */
    map->resident += (uint64_t)(are_resident != 0) - (uint64_t)(were_resident != 0);
  } else if (were_resident != are_resident) { /* not if they become dirty, or clean again */
    map->resident += (uint64_t)__builtin_popcountll(are_resident) -
                     (uint64_t)__builtin_popcountll(were_resident);
  }
}

static void drop_if_empty(struct zxp_page_map* map, struct leaf* l) {
  if (bits_in(l, STORED) == 0) {
    zxp_tree_remove(&map->leaves, &l->node);
    map->last = map->last == &l->node ? NULL : map->last;
    if (map->spare != NULL) {
      free(leaf_of(map->spare));
    }
    map->spare = &l->node;
  }
}

/* ---- Walks over leaves ---- */

/* The first page of [page, end) that a leaf has in one of the states of `set`, or `end`. `*l` is
 * the leaf_from(page), and afterwards, if a page was found, the leaf of that page. */
static uint64_t find(struct leaf** l, uint64_t page, uint64_t end, unsigned set) {
  for (; *l != NULL && (*l)->node.key < end; *l = leaf_after(*l)) {
    const uint64_t bits = bits_in(*l, set) & bits_within(*l, page, end);
    if (bits != 0) {
      return (*l)->node.key + (uint64_t)__builtin_ctzll(bits);
    }
  }
  return end;
}

/* The first page of [page, end) that is in none of the states of `set` (not EMPTY), or `end`.
 * `page` lies in `l` and before `end`. */
static uint64_t run_end(const struct leaf* l, uint64_t page, uint64_t end, unsigned set) {
  for (;;) {
    const uint64_t others = ~bits_in(l, set) & bits_within(l, page, end);
    if (others != 0) {
      return l->node.key + (uint64_t)__builtin_ctzll(others);
    }
    const uint64_t after = leaf_end(l);
    if (after >= end) {
      return end;
    }
    l = leaf_after(l);
    if (l == NULL || l->node.key != after) {
      return after;
    }
  }
}

/* Pages of [first, end) in one of the states of `from` (not EMPTY) change to `to`. */
static void turn(struct zxp_page_map* map, uint64_t first, uint64_t end, unsigned from,
                 enum zxp_page_state to) {
  for (struct leaf* l = leaf_from(map, first); l != NULL && l->node.key < end;) {
    struct leaf* const after = leaf_after(l);
    put(map, l, bits_in(l, from) & bits_within(l, first, end), to);
    if (to == ZXP_PAGE_EMPTY) {
      drop_if_empty(map, l);
    }
    l = after;
  }
}

static struct leaf* new_leaf(struct zxp_page_map* map) {
  struct leaf* l = leaf_of(map->spare);
  if (l != NULL) {
    map->spare = NULL;
    *l = (struct leaf){0};
    return l;
  }
  return calloc(1, sizeof *l);
}

/* Sees to it that every page of [first, end), not empty, has a leaf; returns the first of them.
 * NULL without memory, and the map is as before. */
static struct leaf* ensure_leaves(struct zxp_page_map* map, uint64_t first, uint64_t end) {
  struct leaf* next = leaf_from(map, first);
  struct leaf* result = NULL;
  for (uint64_t key = leaf_key(first); key < end; key += LEAF_PAGES) {
    struct leaf* l = next;
    if (l != NULL && l->node.key == key) {
      next = key + LEAF_PAGES < end ? leaf_after(l) : NULL;
    } else {
      l = new_leaf(map);
      if (l == NULL) {
        /* Changes nothing but that new leaves, which are still empty, go. */
        turn(map, first, end, 0, ZXP_PAGE_EMPTY);
        return NULL;
      }
      zxp_tree_insert(&map->leaves, &l->node, key);
    }
    result = result == NULL ? l : result;
    map->last = &l->node;
  }
  return result;
}

/* ---- Zeros: most maps hold none ---- */

static struct zxp_zero_interval* zero_at(const struct zxp_tree* t, uint64_t page) {
  return zxp_tree_empty(t) ? NULL : zxp_zero_find(t, page);
}

static struct zxp_zero_interval* zero_from(const struct zxp_tree* t, uint64_t page) {
  return zxp_tree_empty(t) ? NULL : zxp_zero_next(t, page);
}

/* Big maps take too long to walk on every change; what can go wrong goes wrong in small ones too.
 */
#define SELF_CHECK_LIMIT 16

static void self_check(const struct zxp_page_map* map) {
  ZXP_DEBUG_ASSERT(map->leaves.count + map->intervals.count > SELF_CHECK_LIMIT ||
                   zxp_page_map_check(map));
}

/* ---- Queries ---- */

enum zxp_page_state zxp_page_map_get(const struct zxp_page_map* map, uint64_t page) {
  const struct leaf* l = leaf_at(map, page);
  if (l != NULL) {
    const enum zxp_page_state state = state_in(l, page);
    if (state != ZXP_PAGE_EMPTY) {
      return state;
    }
  }
  if (zero_at(&map->intervals, page) != NULL) {
    return ZXP_PAGE_INTERVAL;
  }
  return zero_at(&map->known, page) != NULL ? ZXP_PAGE_MARKER : ZXP_PAGE_EMPTY;
}

uint64_t zxp_page_map_run(const struct zxp_page_map* map, uint64_t page, uint64_t limit,
                          enum zxp_page_state* state) {
  ZXP_DEBUG_ASSERT(limit > 0 && page < PAGE_LIMIT);
  uint64_t end = end_of(page, limit);
  struct leaf* l = leaf_from(map, page);
  *state = l != NULL && l->node.key <= page ? state_in(l, page) : ZXP_PAGE_EMPTY;
  if (*state != ZXP_PAGE_EMPTY) {
    return limit == 1 ? 1 : run_end(l, page, end, SET_OF(*state)) - page;
  }
  const struct zxp_zero_interval* i = zero_from(&map->intervals, page);
  if (i != NULL && i->node.key <= page) {
    *state = ZXP_PAGE_INTERVAL;
    return at_most(zxp_zero_end(i), end) - page;
  }
  if (i != NULL) {
    end = at_most(i->node.key, end);
  }
  const struct zxp_zero_interval* k = zero_from(&map->known, page);
  if (k != NULL && k->node.key <= page) {
    *state = ZXP_PAGE_MARKER;
    return at_most(zxp_zero_end(k), end) - page;
  }
  if (k != NULL) {
    end = at_most(k->node.key, end);
  }
  return end - page == 1 ? 1 : find(&l, page, end, STORED) - page;
}

uint64_t zxp_page_map_next_present(const struct zxp_page_map* map, uint64_t page, uint64_t end) {
  const struct zxp_zero_interval* i = zero_from(&map->intervals, page);
  if (i != NULL) {
    end = at_most(at_least(i->node.key, page), end);
  }
  const struct zxp_zero_interval* k = zero_from(&map->known, page);
  if (k != NULL) {
    end = at_most(at_least(k->node.key, page), end);
  }
  struct leaf* l = leaf_from(map, page);
  return page < end ? find(&l, page, end, STORED) : end;
}

uint64_t zxp_page_map_count_resident(const struct zxp_page_map* map, uint64_t first,
                                     uint64_t count) {
  const uint64_t end = end_of(first, count);
  uint64_t n = 0;
  for (const struct leaf* l = leaf_from(map, first); l != NULL && l->node.key < end;
       l = leaf_after(l)) {
    n += (uint64_t)__builtin_popcountll(bits_in(l, RESIDENTS) & bits_within(l, first, end));
  }
  return n;
}

unsigned zxp_page_map_near(const struct zxp_page_map* map, uint64_t page) {
  const struct leaf* l = leaf_at(map, page);
  return l == NULL ? 0 : (unsigned)__builtin_popcountll(bits_in(l, RESIDENTS));
}

uint64_t zxp_page_map_metadata_bytes(const struct zxp_page_map* map) {
  /* As malloc of glibc has it: one word before each block, the sum rounded up to 16. */
  const uint64_t leaf_bytes = (sizeof(struct leaf) + sizeof(size_t) + 15) & ~(uint64_t)15;
  const uint64_t interval_bytes =
      (sizeof(struct zxp_zero_interval) + sizeof(size_t) + 15) & ~(uint64_t)15;
  return map->leaves.count * leaf_bytes + map->intervals.count * interval_bytes;
}

bool zxp_page_map_next_dirty(const struct zxp_page_map* map, uint64_t page, uint64_t end,
                             uint64_t* first, uint64_t* count, bool* zero) {
  if (page >= end) {
    return false;
  }
  /* Leaves are walked up to the next interval only, or a query would walk them again and again. */
  const struct zxp_zero_interval* i = zero_from(&map->intervals, page);
  const uint64_t zero_first = i == NULL ? end : at_most(at_least(i->node.key, page), end);
  struct leaf* l = leaf_from(map, page);
  const uint64_t dirty = page < zero_first ? find(&l, page, zero_first, LISTED) : zero_first;
  if (dirty < zero_first) {
    *first = dirty;
    *count = run_end(l, dirty, zero_first, LISTED) - dirty;
    *zero = false;
    return true;
  }
  if (zero_first < end) {
    *first = zero_first;
    *count = at_most(zxp_zero_end(i), end) - zero_first;
    *zero = true;
    return true;
  }
  return false;
}

uint64_t zxp_page_map_interval_await(const struct zxp_page_map* map, uint64_t page,
                                     uint64_t* interval_first, uint64_t* interval_count) {
  const struct zxp_zero_interval* i = zero_at(&map->intervals, page);
  if (interval_first != NULL) {
    *interval_first = i == NULL ? 0 : i->node.key;
  }
  if (interval_count != NULL) {
    *interval_count = i == NULL ? 0 : i->count;
  }
  return i == NULL ? 0 : i->await;
}

/* ---- Changes ---- */

void zxp_page_map_init(struct zxp_page_map* map) {
  zxp_tree_init(&map->leaves);
  zxp_tree_init(&map->intervals);
  zxp_tree_init(&map->known);
  map->resident = 0;
  map->spare = NULL;
  map->last = NULL;
}

static void free_leaves(struct zxp_tree_node* n) {
  if (n != NULL) {
    free_leaves(n->child[0]);
    free_leaves(n->child[1]);
    free(leaf_of(n));
  }
}

void zxp_page_map_destroy(struct zxp_page_map* map) {
  free_leaves(map->leaves.root);
  free(leaf_of(map->spare));
  zxp_zero_destroy(&map->intervals);
  zxp_zero_destroy(&map->known);
  zxp_page_map_init(map);
}

zx_status_t zxp_page_map_know_zeros(struct zxp_page_map* map, uint64_t first, uint64_t count) {
  ZXP_ASSERT(first <= PAGE_LIMIT && count > 0 && count <= PAGE_LIMIT - first);
  ZXP_ASSERT(zxp_tree_empty(&map->leaves) && zxp_tree_empty(&map->intervals) &&
             zxp_tree_empty(&map->known));
  struct zxp_zero_interval* const zeros = zxp_zero_alloc();
  if (zeros == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  zxp_zero_cover(&map->known, first, first + count, zeros);
  return ZX_OK;
}

zx_status_t zxp_page_map_set(struct zxp_page_map* map, uint64_t first, uint64_t count,
                             enum zxp_page_state state) {
  ZXP_ASSERT(state <= ZXP_PAGE_AWAITING);
  ZXP_ASSERT(first <= PAGE_LIMIT && count <= PAGE_LIMIT - first);
  const uint64_t end = first + count;
  if (count == 0) {
    return ZX_OK;
  }

  const bool zeros = !zxp_tree_empty(&map->intervals) || !zxp_tree_empty(&map->known);
  struct leaf* l = leaf_key(first) == leaf_key(end - 1) ? leaf_at(map, first) : NULL;
  if (l != NULL && !zeros) {
    /* Near others, or there already: most changes are of such pages. */
    map->last = &l->node;
    put(map, l, bits_within(l, first, end), state);
    if (state == ZXP_PAGE_EMPTY) {
      drop_if_empty(map, l);
    }
    self_check(map);
    return ZX_OK;
  }

  /* An interval and known zeros never lie over each other, so at most one of them splits. */
  struct zxp_zero_interval* spare = NULL;
  if (zeros &&
      (zxp_zero_splits(&map->intervals, first, end) || zxp_zero_splits(&map->known, first, end))) {
    spare = zxp_zero_alloc();
    if (spare == NULL) {
      return ZX_ERR_NO_MEMORY;
    }
  }
  l = NULL;
  if (state != ZXP_PAGE_EMPTY) {
    l = ensure_leaves(map, first, end);
    if (l == NULL) {
      free(spare);
      return ZX_ERR_NO_MEMORY;
    }
  }

  if (zeros) {
    zxp_zero_carve(&map->intervals, first, end, spare);
    zxp_zero_carve(&map->known, first, end, spare);
  }
  if (state == ZXP_PAGE_EMPTY) {
    turn(map, first, end, STORED, ZXP_PAGE_EMPTY);
  }
  while (l != NULL && l->node.key < end) {
    put(map, l, bits_within(l, first, end), state);
    l = leaf_end(l) < end ? leaf_after(l) : NULL;
  }
  self_check(map);
  return ZX_OK;
}

/* The next stretch of [*at, end) without a marker; `*at` moves behind it. False at the end. */
static bool next_stretch(const struct zxp_page_map* map, uint64_t* at, uint64_t end,
                         uint64_t* stretch) {
  while (*at < end && zxp_page_map_get(map, *at) == ZXP_PAGE_MARKER) {
    enum zxp_page_state state;
    *at += zxp_page_map_run(map, *at, end - *at, &state);
  }
  if (*at >= end) {
    return false;
  }
  *stretch = *at;
  const struct zxp_zero_interval* k = zero_from(&map->known, *at);
  struct leaf* l = leaf_from(map, *at);
  *at = find(&l, *at, k != NULL ? at_most(k->node.key, end) : end, MARKERS);
  return true;
}

zx_status_t zxp_page_map_zero(struct zxp_page_map* map, uint64_t first, uint64_t count) {
  ZXP_ASSERT(first <= PAGE_LIMIT && count <= PAGE_LIMIT - first);
  const uint64_t end = first + count;

  /* The intervals that will be needed, chained by a link that they don't use before they are in the
   * tree. Covering one stretch never changes what another one joins: a marker lies between. */
  struct zxp_tree_node* spares = NULL;
  uint64_t stretch = 0;
  for (uint64_t at = first; next_stretch(map, &at, end, &stretch);) {
    if (!zxp_zero_joins(&map->intervals, stretch, at)) {
      struct zxp_zero_interval* spare = zxp_zero_alloc();
      if (spare == NULL) {
        while (spares != NULL) {
          struct zxp_tree_node* const after = spares->child[0];
          free(zxp_zero_of(spares));
          spares = after;
        }
        return ZX_ERR_NO_MEMORY;
      }
      spare->node.child[0] = spares;
      spares = &spare->node;
    }
  }

  for (uint64_t at = first; next_stretch(map, &at, end, &stretch);) {
    struct zxp_tree_node* const after = spares == NULL ? NULL : spares->child[0];
    if (zxp_zero_cover(&map->intervals, stretch, at, zxp_zero_of(spares))) {
      spares = after;
    }
  }
  ZXP_ASSERT(spares == NULL);
  turn(map, first, end, STORED & ~(unsigned)MARKERS, ZXP_PAGE_EMPTY);
  self_check(map);
  return ZX_OK;
}

void zxp_page_map_cut(struct zxp_page_map* map, uint64_t first) {
  if (first == 0) {
    zxp_page_map_destroy(map);
    return;
  }
  zxp_zero_cut(&map->intervals, first);
  zxp_zero_cut(&map->known, first);
  turn(map, first, at_least(first, PAGE_LIMIT), STORED, ZXP_PAGE_EMPTY);
  self_check(map);
}

void zxp_page_map_drop_clean(struct zxp_page_map* map, uint64_t first, uint64_t count,
                             void (*dropped)(void* context, uint64_t first, uint64_t count),
                             void* context) {
  const uint64_t end = end_of(first, count);
  if (dropped != NULL) {
    struct leaf* l = leaf_from(map, first);
    for (uint64_t page = first; (page = find(&l, page, end, CLEANS)) < end;) {
      const uint64_t after = run_end(l, page, end, CLEANS);
      dropped(context, page, after - page);
      page = after;
      l = leaf_from(map, page);
    }
  }
  turn(map, first, end, CLEANS | MARKERS, ZXP_PAGE_EMPTY);
  self_check(map);
}

void zxp_page_map_writeback_begin(struct zxp_page_map* map, uint64_t first, uint64_t count,
                                  bool zero_only) {
  const uint64_t end = end_of(first, count);
  if (!zero_only) {
    turn(map, first, end, DIRTIES, ZXP_PAGE_AWAITING);
  }
  zxp_zero_claim(&map->intervals, first, end);
  self_check(map);
}

void zxp_page_map_writeback_end(struct zxp_page_map* map, uint64_t first, uint64_t count,
                                void (*emptied)(void* context, uint64_t first, uint64_t count),
                                void* context) {
  const uint64_t end = end_of(first, count);
  turn(map, first, end, AWAITINGS, ZXP_PAGE_CLEAN);
  zxp_zero_clean(&map->intervals, first, end, emptied, context);
  self_check(map);
}

/* ---- Invariants ---- */

bool zxp_page_map_check(const struct zxp_page_map* map) {
  if (!zxp_tree_check(&map->leaves) || !zxp_zero_check(&map->intervals) ||
      !zxp_zero_check(&map->known) ||
      (map->last != NULL && zxp_tree_find(&map->leaves, map->last->key) != map->last)) {
    return false;
  }
  for (const struct zxp_zero_interval* k = zero_from(&map->known, 0); k != NULL;
       k = zero_from(&map->known, zxp_zero_end(k))) {
    const struct zxp_zero_interval* i = zero_from(&map->intervals, k->node.key);
    struct leaf* l = leaf_from(map, k->node.key);
    if ((i != NULL && i->node.key < zxp_zero_end(k)) ||
        find(&l, k->node.key, zxp_zero_end(k), STORED) < zxp_zero_end(k)) {
      return false;
    }
  }
  uint64_t resident = 0;
  for (const struct leaf* l = leaf_of(zxp_tree_first(&map->leaves)); l != NULL; l = leaf_after(l)) {
    const uint64_t stored = bits_in(l, STORED);
    uint64_t any = 0;
    for (unsigned b = 0; b < PLANES; b++) {
      any |= l->plane[b];
    }
    /* On a multiple of its size, not empty, and no bit pattern that is no state. */
    if (l->node.key != leaf_key(l->node.key) || stored == 0 || any != stored) {
      return false;
    }
    /* No page of an interval has a state of its own. */
    for (const struct zxp_zero_interval* i = zero_from(&map->intervals, l->node.key);
         i != NULL && i->node.key < leaf_end(l); i = zero_from(&map->intervals, zxp_zero_end(i))) {
      if ((stored & bits_within(l, i->node.key, zxp_zero_end(i))) != 0) {
        return false;
      }
    }
    resident += (uint64_t)__builtin_popcountll(bits_in(l, RESIDENTS));
  }
  return resident == map->resident;
}
