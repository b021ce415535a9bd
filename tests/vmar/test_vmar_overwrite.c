/* SPDX-License-Identifier: BSD-3-Clause */
/* ZX_VM_SPECIFIC_OVERWRITE: vmar.md 5.6, 14.7, 14.9. */
#include <stdatomic.h>
#include <string.h>

#include "regions.h"

/* vmar.md 15 S2 */
REGIONS(s2_a_mapping_overwritten_in_its_middle_becomes_two) {
  struct region* r = make_region(8);
  const zx_handle_t a = tagged("123456");
  map_at(r, 1, a, 0, 6);
  overwrite_at(r, 3, tagged("89"), 0, 2);
  expect_shows(r, "x128956x");
  check_equal(mappings_of(a), 2);
  expect_tags(a, "123456");
}

/* vmar.md 15 S3 */
REGIONS(s3_regions_are_not_overwritten) {
  struct region* r = make_region(8);
  const zx_handle_t a = tagged("12");
  const zx_handle_t b = make_vmo(8);
  map_at(r, 0, a, 0, 2);
  struct region* s = make_region_in(r, 2, 2);
  map_at(s, 0, a, 0, 1);
  check_status(try_map(r, RW | ZX_VM_SPECIFIC_OVERWRITE, 0, b, 0, 8), ZX_ERR_INVALID_ARGS);
  check_status(try_map(r, RW | ZX_VM_SPECIFIC_OVERWRITE, 1, b, 0, 2), ZX_ERR_INVALID_ARGS);
  check_status(try_map(r, RW | ZX_VM_SPECIFIC_OVERWRITE, 2, b, 0, 2), ZX_ERR_INVALID_ARGS);
  expect_shows(r, "121xxxxx");
  check_true(!is_destroyed(s));
  check_equal(mappings_of(a), 2);
  check_equal(mappings_of(b), 0);
}

/* vmar.md 5.6: into a gap it is the same as SPECIFIC */
REGIONS(overwriting_a_gap_is_mapping) {
  struct region* r = make_region(4);
  overwrite_at(r, 1, tagged("12"), 0, 2);
  expect_shows(r, "x12x");
  expect_maps(r, "region 0+4/ rw 1+2 @0");
}

/* vmar.md 5.6: gaps, ends, middles and whole mappings of several VMOs in one range */
REGIONS(one_mapping_replaces_many) {
  struct region* r = make_region(16);
  const zx_handle_t a = tagged("1234");
  const zx_handle_t b = tagged("5678");
  const zx_handle_t c = make_vmo(12);
  map_at(r, 0, a, 0, 4);
  map_at(r, 4, b, 0, 2);
  map_with_at(r, READ, 7, a, 0, 1);
  map_at(r, 9, b, 0, 4);
  map_at(r, 13, a, 1, 3);
  expect_shows(r, "123456x1x5678234");
  overwrite_at(r, 2, c, 0, 12);
  expect_shows(r, "1200000000000034");
  expect_maps(r, "region 0+16/ rw 0+2 @0/ rw 2+12 @0/ rw 14+2 @2");
  check_equal(mappings_of(a), 2);
  check_equal(mappings_of(b), 0);
  check_equal(mappings_of(c), 1);
}

/* vmar.md 5.6: the parts outside keep VMO, offset, max and current permissions */
REGIONS(the_parts_outside_are_as_they_were) {
  struct region* r = make_region(8);
  const zx_handle_t a = tagged("12345678");
  map_at(r, 0, a, 0, 8);
  check_ok(try_protect(r, READ, 0, 3));
  check_ok(try_map(r, READ | ZX_VM_SPECIFIC_OVERWRITE, 2, tagged("9"), 0, 1));
  expect_shows(r, "12945678");
  expect_stores(r, "xxx.....");
  expect_maps(r, "region 0+8/ r 0+2 @0/ r 2+1 @0/ rw 3+5 @3");
  check_ok(try_protect(r, RW, 0, 8));
  expect_stores(r, "........");
}

/* vmar.md 5.6: also the mapping's own VMO, moved by a page */
REGIONS(a_vmo_may_replace_itself) {
  struct region* r = make_region(4);
  const zx_handle_t a = tagged("1234");
  map_at(r, 0, a, 0, 4);
  overwrite_at(r, 1, a, 0, 2);
  expect_shows(r, "1124");
  check_equal(mappings_of(a), 3);
  overwrite_at(r, 0, a, 0, 4);
  expect_shows(r, "1234");
  check_equal(mappings_of(a), 1);
}

/* vmar.md 5.6: an answer that is not ZX_OK has changed nothing */
REGIONS(a_refused_replacement_changes_nothing) {
  struct region* r = make_region(8);
  const zx_handle_t a = tagged("12345678");
  const zx_handle_t b = tagged("9");
  map_at(r, 0, a, 0, 8);
  const struct region weak = by_handle(r, ZX_RIGHT_READ);
  check_status(try_map(&weak, RW | ZX_VM_SPECIFIC_OVERWRITE, 2, b, 0, 1), ZX_ERR_ACCESS_DENIED);
  check_status(try_map(r, RW | ZX_VM_SPECIFIC_OVERWRITE, 7, b, 0, 2), ZX_ERR_INVALID_ARGS);
  check_status(try_map(r, RW | ZX_VM_SPECIFIC_OVERWRITE | ZX_VM_ALIGN_4GB, 7, b, 0, 1),
               ZX_ERR_INVALID_ARGS);
  expect_shows(r, "12345678");
  check_equal(mappings_of(a), 1);
}

/* vmar.md 10.6: what is replaced lets its VMO go */
REGIONS(the_last_mapping_of_a_pager_vmo_may_be_replaced) {
  need_mappings();
  struct region* r = make_region(4);
  struct root* v = make_root(4);
  map_at(r, 0, v->vmo, 0, 4);
  drop(&v->vmo);
  overwrite_at(r, 0, tagged("1"), 0, 1);
  overwrite_at(r, 2, tagged("3"), 0, 2);
  expect_nothing();
  overwrite_at(r, 1, tagged("2"), 0, 1);
  expect_complete(v);
  expect_nothing();
  expect_shows(r, "123B");
}

/* vmar.md 14.7: a pager VMO over a mapping in use traps from the first moment on */
REGIONS(a_pager_vmo_in_place_of_another_mapping_asks_its_pager) {
  need_mappings();
  struct region* r = make_region(4);
  struct root* v = make_root(4);
  supply_tags(v, 0, "7");
  map_at(r, 0, tagged("1234"), 0, 4);
  overwrite_at(r, 0, v->vmo, 0, 3);
  expect_shows(r, "7");
  struct worker* load = start_load(page_of(r, 1));
  expect_read(v, 1, 1);
  struct worker* store = start_store(page_of(r, 2), 9);
  expect_read(v, 2, 1);
  supply_tags(v, 1, "89");
  expect_byte(load, 8);
  expect_ok(store);
  expect_nothing();
  expect_shows(r, "7894");
}

/* vmar.md 14.8: and its clean pages ask before they are written */
REGIONS(a_pager_vmo_in_place_of_another_mapping_traps_stores) {
  need_mappings();
  struct region* r = make_region(4);
  struct root* v = make_root_on(fx.pager, fx.port, ZX_VMO_TRAP_DIRTY, FIRST_KEY, 4 * PAGE);
  supply_tags(v, 0, "12");
  struct root* w = make_root_on(fx.pager, fx.port, 0, FIRST_KEY + 1, 4 * PAGE);
  supply_tags(w, 0, "5678");
  map_at(r, 0, w->vmo, 0, 4);
  expect_shows(r, "5678");
  overwrite_at(r, 1, v->vmo, 0, 2);
  expect_shows(r, "5128");
  struct worker* store = start_store(page_of(r, 1), 9);
  expect_packet(v->port, v->key, ZX_PAGER_VMO_DIRTY, 0, PAGE);
  expect_shows(r, "5128");
  check_ok(zx_pager_op_range(v->pager, ZX_PAGER_OP_DIRTY, v->vmo, 0, PAGE, 0));
  expect_ok(store);
  expect_nothing();
}

/* ---- No moment without a page ---- */

struct readers {
  const struct region* region;
  uint64_t pages;
  atomic_bool stop;
  atomic_ulong rounds;
};

/* Loads of all pages in turn, which must show one of the tags 1 and 2. */
static zx_status_t read_all_the_time(void* argument) {
  struct readers* readers = argument;
  while (!atomic_load(&readers->stop)) {
    for (uint64_t page = 0; page < readers->pages; page++) {
      uint64_t word = 0;
      const uint64_t* at = (const uint64_t*)page_of(readers->region, page);
      if (guarded_load(at, &word) != 0) return ZX_ERR_NOT_FOUND;
      if (word != 0x0101010101010101 && word != 0x0202020202020202) return ZX_ERR_IO;
    }
    atomic_fetch_add(&readers->rounds, 1);
  }
  return ZX_OK;
}

/* Replaces pages of the region by those of one VMO and the other, while two threads read them. */
static void replace_under_readers(const struct region* r, zx_handle_t one, zx_handle_t two,
                                  uint64_t times) {
  struct readers readers = {.region = r, .pages = 6};
  map_at(r, 0, one, 0, 8);
  struct worker* first = start_call(read_all_the_time, &readers);
  struct worker* second = start_call(read_all_the_time, &readers);
  for (uint64_t i = 0; i < times; i++) {
    const unsigned long rounds = atomic_load(&readers.rounds);
    /* Whole, in the middle, and across an edge between two mappings. */
    overwrite_at(r, 0, i % 2 == 0 ? two : one, 0, 8);
    overwrite_at(r, 2, i % 3 == 0 ? one : two, 2, 2);
    overwrite_at(r, 3, i % 2 == 0 ? one : two, 3, 3);
    if (i % 8 == 0) wait_until(atomic_load(&readers.rounds) != rounds);
  }
  atomic_store(&readers.stop, true);
  expect_ok(first);
  expect_ok(second);
}

/* A pager VMO whose first six pages are there; of the others nobody must ask. */
static zx_handle_t paged(const char* tags) {
  struct root* v = make_root(8);
  supply_tags(v, 0, tags);
  return v->vmo;
}

/* vmar.md 5.6: the last two pages lie past the end, so that each mapping has two areas */
REGIONS(readers_see_one_vmo_or_the_other) {
  replace_under_readers(make_region(8), tagged("111111"), tagged("222222"), 300);
}

/* vmar.md 14.9 */
REGIONS(readers_see_one_pager_vmo_or_the_other) {
  need_mappings();
  replace_under_readers(make_region(8), paged("111111"), paged("222222"),
                        UNDER_SANITIZER ? 20 : 100);
  expect_nothing();
}

/* vmar.md 14.9 */
REGIONS(readers_see_a_pager_vmo_or_another) {
  need_mappings();
  replace_under_readers(make_region(8), paged("111111"), tagged("222222"),
                        UNDER_SANITIZER ? 20 : 100);
  expect_nothing();
}

/* vmar.md 14.9: while other threads fault through the same port all the time */
REGIONS(replacing_goes_well_while_others_fault) {
  enum {
    PAGES = 64
  };
  need_mappings();
  struct region* r = make_region(8);
  struct root* v = make_root(PAGES);
  uint8_t* map = map_of(v);
  const zx_handle_t one = paged("111111");
  const zx_handle_t two = paged("222222");
  map_at(r, 0, one, 0, 8);
  for (uint64_t i = 0; i < PAGES; i++) {
    struct worker* load = start_load(map + i * PAGE);
    overwrite_at(r, 0, i % 2 == 0 ? two : one, 0, 8);
    expect_read(v, i, 1);
    overwrite_at(r, 1, i % 2 == 0 ? two : one, 1, 2);
    supply(v, i, 1, TAG);
    expect_byte(load, content_byte(TAG, i, 0));
  }
  expect_nothing();
  expect_shows(r, "111111");
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(s2_a_mapping_overwritten_in_its_middle_becomes_two),
      TEST(s3_regions_are_not_overwritten),
      TEST(overwriting_a_gap_is_mapping),
      TEST(one_mapping_replaces_many),
      TEST(the_parts_outside_are_as_they_were),
      TEST(a_vmo_may_replace_itself),
      TEST(a_refused_replacement_changes_nothing),
      TEST(the_last_mapping_of_a_pager_vmo_may_be_replaced),
      TEST(a_pager_vmo_in_place_of_another_mapping_asks_its_pager),
      TEST(a_pager_vmo_in_place_of_another_mapping_traps_stores),
      TEST(readers_see_one_vmo_or_the_other),
      TEST(readers_see_one_pager_vmo_or_the_other),
      TEST(readers_see_a_pager_vmo_or_another),
      TEST(replacing_goes_well_while_others_fault),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
