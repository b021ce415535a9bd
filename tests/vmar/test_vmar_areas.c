/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The limit of Linux areas, vm.max_map_count: vmar.md 14.3, 6.1, 6.2, 5.6. A call that runs out of
 * them answers NO_MEMORY and has changed nothing.
 *
 * Areas of the program's own use the limit up but for a few; which step of a call then fails
 * depends on how few. So each call is tried with no area left, with one, and so on, until it
 * succeeds.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "leaks.h"
#include "regions.h"

/* ---- Using up areas ---- */

/* Pages of which every second one is made unlike its neighbours, which makes two areas more. */
static struct {
  uint8_t* pages;
  size_t capacity; /* in odd pages */
  size_t used;
  void* last[8]; /* one area each: a new area finds room where a cut does not */
  size_t last_used;
} filler;

static size_t max_map_count(void) {
  size_t value = 0;
  FILE* file = fopen("/proc/sys/vm/max_map_count", "r");
  if (file == NULL || fscanf(file, "%zu", &value) != 1)
    scenario_skip("vm.max_map_count is unknown");
  fclose(file);
  return value;
}

static void* reserve(size_t pages) {
  void* at =
      mmap(NULL, pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) check_fail("mmap: %s", strerror(errno));
  return at;
}

static bool set_odd_page(size_t i, int prot) {
  return mprotect(filler.pages + (2 * i + 1) * PAGE, PAGE, prot) == 0;
}

static void fill_up(void) {
  while (filler.used < filler.capacity && set_odd_page(filler.used, PROT_READ))
    filler.used++;
  check_true(filler.used < filler.capacity);
  while (filler.last_used < 8) {
    /* Shared memory of its own is never one area with its neighbour. */
    void* at = mmap(NULL, PAGE, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) break;
    filler.last[filler.last_used++] = at;
  }
  check_true(filler.last_used < 8);
}

/* Makes room for `areas` more, or one more than that. */
static void give_back(size_t areas) {
  while (areas > 0 && filler.last_used > 0) {
    munmap(filler.last[--filler.last_used], PAGE);
    areas--;
  }
  for (size_t i = 0; i < areas; i += 2) {
    check_true(filler.used > 0 && set_odd_page(--filler.used, PROT_NONE));
  }
}

static void filler_begin(void) {
  if (UNDER_SANITIZER) scenario_skip("a sanitizer needs areas for itself");
  const size_t max = max_map_count();
  if (max > 300000) scenario_skip("vm.max_map_count is too high to be used up");
  filler.capacity = max;
  filler.pages = reserve(2 * max + 1);
}

static void filler_end(void) {
  give_back(8);
  munmap(filler.pages, (2 * filler.capacity + 1) * PAGE);
  memset(&filler, 0, sizeof(filler));
}

/* Leaves room for `areas` more areas, a few at most. The library's spares are in stock. */
static void leave_room(size_t areas) {
  const struct region root = root_region();
  give_back(100);
  /* Any call that adds areas stocks up first. */
  zx_vaddr_t at = 0;
  zx_handle_t vmo = make_vmo(1);
  check_ok(zx_vmar_map(root.vmar, READ, 0, vmo, 0, PAGE, &at));
  check_ok(zx_vmar_unmap(root.vmar, at, PAGE));
  drop(&vmo);
  fill_up();
  give_back(areas);
}

static void leave_plenty(void) { give_back(2000); }

/* ---- Calls that run out ---- */

/* Everything that a call could have changed. */
struct picture {
  char maps[2048];
  char shown[64];
  uint64_t areas;
  uint64_t mappings[4];
};

/* What a call works on, made anew for each call. */
struct stage {
  struct region* r;
  zx_handle_t vmos[4];
  const char* shown; /* before the call */
  const char* stored;
};

/* What the mappings show, and of what kind the VMOs are. */
enum variant {
  PLAIN,
  PAGERS,
  EVEN, /* as PLAIN, but each mapping has the same permissions everywhere, so it is one area */
};

typedef zx_status_t (*call)(const struct stage* s);

/* Three mappings of two VMOs with a gap, one of them with permissions of its own for each page; a
 * child region with a mapping; and two VMOs that are not mapped. All pages of `vmos` tell which
 * they are. */
static struct stage set_stage(enum variant variant) {
  struct stage s = {
      .r = make_region(24),
      .shown = "12345678xx12345678x1234x",
      .stored = variant == EVEN ? "........xx........x....x" : "........xx.x...x..x....x",
  };
  for (size_t i = 0; i < 4; i++) {
    if (variant == PAGERS) {
      struct root* v = make_root(8);
      supply_tags(v, 0, i % 2 == 0 ? "12345678" : "87654321");
      s.vmos[i] = v->vmo;
    } else {
      s.vmos[i] = tagged_with(ZX_VMO_RESIZABLE, i % 2 == 0 ? "12345678" : "87654321");
    }
  }
  map_at(s.r, 0, s.vmos[0], 0, 8);
  map_at(s.r, 10, s.vmos[0], 0, 4);
  map_at(s.r, 14, s.vmos[2], 4, 4);
  if (variant != EVEN) {
    check_ok(try_protect(s.r, READ, 11, 1));
    check_ok(try_protect(s.r, READ, 15, 1));
  }
  struct region* child = make_region_in(s.r, 18, 6);
  map_at(child, 1, s.vmos[0], 0, 4);
  return s;
}

static void take_picture(const struct stage* s, struct picture* p) {
  maps_text(s->r, p->maps, sizeof(p->maps));
  p->areas = areas_in(s->r);
  for (size_t i = 0; i < 4; i++)
    p->mappings[i] = mappings_of(s->vmos[i]);
  expect_shows(s->r, s->shown);
}

enum need {
  MAY_FAIL,  /* may need no more areas than it gives back, and succeed at once */
  MUST_FAIL, /* needs some */
};

/* Tries the call with more and more room until it succeeds; each time it fails nothing has
 * changed. */
static void try_with_little_room(call make, enum need need, enum variant variant) {
  size_t room = 0;
  for (;; room++) {
    struct picture before;
    struct picture after;
    leave_plenty();
    const struct stage s = set_stage(variant);
    take_picture(&s, &before);
    leave_room(room);
    const zx_status_t status = make(&s);
    leave_plenty();
    if (status == ZX_OK) break;
    check_status(status, ZX_ERR_NO_MEMORY);
    take_picture(&s, &after);
    check_true(strcmp(before.maps, after.maps) == 0);
    check_equal(after.areas, before.areas);
    for (size_t i = 0; i < 4; i++)
      check_equal(after.mappings[i], before.mappings[i]);
    expect_stores(s.r, s.stored);
    check_true(room < 40);
    /* With room it works. */
    check_ok(make(&s));
    check_ok(zx_vmar_destroy(s.r->vmar));
  }
  check_true(need == MAY_FAIL || room > 0);
}

static zx_status_t map_into_gap(const struct stage* s) {
  return try_map(s->r, RW | ZX_VM_SPECIFIC, 8, s->vmos[1], 3, 1);
}

static zx_status_t map_with_an_end(const struct stage* s) {
  return try_map(s->r, READ | ZX_VM_SPECIFIC, 8, s->vmos[1], 7, 2);
}

static zx_status_t unmap_a_middle(const struct stage* s) { return try_unmap(s->r, 2, 3); }

static zx_status_t unmap_everything_but_ends(const struct stage* s) {
  return try_unmap(s->r, 1, 14);
}

static zx_status_t protect_a_middle(const struct stage* s) { return try_protect(s->r, READ, 3, 2); }

/* Needs areas at the last mapping, when two others have changed already. */
static zx_status_t protect_several(const struct stage* s) {
  return try_protect(s->r, ZX_VM_PERM_READ, 10, 7);
}

static zx_status_t overwrite_a_middle(const struct stage* s) {
  return try_map(s->r, RW | ZX_VM_SPECIFIC_OVERWRITE, 3, s->vmos[1], 2, 2);
}

static zx_status_t overwrite_several(const struct stage* s) {
  return try_map(s->r, RW | ZX_VM_SPECIFIC_OVERWRITE, 6, s->vmos[3], 0, 10);
}

static zx_status_t overwrite_ending_in_a_gap(const struct stage* s) {
  return try_map(s->r, READ | ZX_VM_SPECIFIC_OVERWRITE, 7, s->vmos[3], 6, 3);
}

/* For mappings of one area each: the first goes whole, and the second is cut and gets an end in
 * it. */
static zx_status_t overwrite_one_after_the_other(const struct stage* s) {
  return try_map(s->r, RW | ZX_VM_SPECIFIC_OVERWRITE, 10, s->vmos[3], 4, 7);
}

static zx_status_t protect_one_after_the_other(const struct stage* s) {
  return try_protect(s->r, READ, 10, 7);
}

/* Every mapping of the VMO gets an end in its middle. */
static zx_status_t shrink(const struct stage* s) { return zx_vmo_set_size(s->vmos[0], 2 * PAGE); }

static const struct {
  const char* name;
  call make;
  enum need need;
  bool variants[3];
} calls[] = {
    {"map into a gap", map_into_gap, MAY_FAIL, {true, true, true}},
    {"map past the end", map_with_an_end, MUST_FAIL, {true, true, true}},
    {"unmap a middle", unmap_a_middle, MUST_FAIL, {true, true, true}},
    {"unmap several", unmap_everything_but_ends, MAY_FAIL, {true, true, true}},
    {"protect a middle", protect_a_middle, MUST_FAIL, {true, true, true}},
    {"protect several", protect_several, MAY_FAIL, {true, true, true}},
    {"protect one after the other", protect_one_after_the_other, MAY_FAIL, {true, true, true}},
    {"overwrite a middle", overwrite_a_middle, MUST_FAIL, {true, true, true}},
    {"overwrite several", overwrite_several, MAY_FAIL, {true, true, true}},
    {"overwrite into a gap", overwrite_ending_in_a_gap, MUST_FAIL, {true, true, true}},
    {"overwrite one after the other", overwrite_one_after_the_other, MAY_FAIL, {true, true, true}},
    {"shrink", shrink, MUST_FAIL, {true, false, true}},
};

static void try_all_with_little_room(enum variant variant) {
  filler_begin();
  fill_up();
  for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
    if (!calls[i].variants[variant]) continue;
    fprintf(stderr, "%s\n", calls[i].name); /* to know which, if it fails */
    try_with_little_room(calls[i].make, calls[i].need, variant);
  }
  filler_end();
}

/* vmar.md 14.3 */
REGIONS(a_call_that_runs_out_of_areas_has_changed_nothing) { try_all_with_little_room(PLAIN); }

/* vmar.md 14.3 */
REGIONS(so_with_mappings_of_one_area_each) { try_all_with_little_room(EVEN); }

/* vmar.md 14.3 */
REGIONS(so_with_mappings_of_pager_vmos) {
  need_mappings();
  try_all_with_little_room(PAGERS);
}

/* ---- Many ---- */

/* vmar.md 14.3: small mappings until there is no more room, and back */
REGIONS(many_small_mappings_end_in_no_memory) {
  enum {
    ROOM = 4000
  };
  filler_begin();
  struct region* r = make_region(ROOM * 2);
  const zx_handle_t a = tagged("5");
  map_at(r, 0, a, 0, 1);
  fill_up();
  give_back(ROOM);
  /* One page beside the other is an area each: they do not follow each other in the VMO. */
  uint64_t made = 1;
  zx_status_t status = ZX_OK;
  while (status == ZX_OK && made < ROOM * 2) {
    status = try_map(r, RW | ZX_VM_SPECIFIC, made, a, 0, 1);
    made += status == ZX_OK;
  }
  check_status(status, ZX_ERR_NO_MEMORY);
  check_true(made > ROOM - 100);
  check_equal(mappings_of(a), made);
  expect_shows_from(r, made - 2, "55x");
  /* What gives areas back works, and then so does mapping. */
  check_ok(try_unmap(r, 10, 40));
  for (uint64_t i = 0; i < 8; i++)
    map_at(r, 20 + 2 * i, a, 0, 1);
  check_equal(mappings_of(a), made - 32);
  check_ok(zx_vmar_destroy(r->vmar));
  check_equal(mappings_of(a), 0);
  filler_end();
}

/* vmar.md 14.3: a region of very many mappings can be destroyed when there is no area left */
REGIONS(what_is_full_can_be_emptied) {
  filler_begin();
  struct region* r = make_region(400);
  const zx_handle_t a = tagged("56");
  for (uint64_t i = 0; i < 400; i += 2)
    map_at(r, i, a, i / 2 % 2, 1);
  fill_up();
  leave_room(0);
  check_ok(try_unmap(r, 0, 1));
  check_ok(try_unmap(r, 100, 50));
  check_ok(zx_vmar_destroy(r->vmar));
  check_equal(mappings_of(a), 0);
  filler_end();
}

/* vmar.md 14.3: areas that are equal are one: neighbours that show consecutive pages, and what lies
 * past the end */
REGIONS(neighbours_that_go_together_are_one_area) {
  struct region* r = make_region(64);
  const zx_handle_t a = make_vmo(32);
  for (uint64_t i = 0; i < 32; i++)
    map_at(r, i, a, i, 1);
  for (uint64_t i = 32; i < 64; i++)
    map_at(r, i, a, 40, 1);
  check_equal(mappings_of(a), 64);
  check_true(areas_in(r) <= 2);
  check_ok(try_protect(r, READ, 5, 3));
  check_true(areas_in(r) <= 4);
  check_ok(try_protect(r, RW, 4, 5));
  check_true(areas_in(r) <= 2);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(neighbours_that_go_together_are_one_area),
      TEST(a_call_that_runs_out_of_areas_has_changed_nothing),
      TEST(so_with_mappings_of_one_area_each),
      TEST(so_with_mappings_of_pager_vmos),
      TEST(many_small_mappings_end_in_no_memory),
      TEST(what_is_full_can_be_emptied),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
