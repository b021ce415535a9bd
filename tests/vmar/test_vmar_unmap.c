/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_vmar_unmap and zx_vmar_destroy: vmar.md 6.1, 6.5; lives: 1.3, 10.6. */
#include "regions.h"

static zx_status_t unmap_bytes(const struct region* r, uint64_t offset, uint64_t length) {
  return zx_vmar_unmap(r->vmar, r->base + offset, length);
}

/* ---- unmap: the checks, row by row ---- */

/* vmar.md 6.1, row 1 */
REGIONS(unmap_looks_at_the_handle_first) {
  struct region* r = make_region(8);
  struct region bad = *r;
  bad.vmar = ZX_HANDLE_INVALID;
  check_status(unmap_bytes(&bad, 1, 0), ZX_ERR_BAD_HANDLE);
  bad.vmar = make_vmo(1);
  check_status(unmap_bytes(&bad, 1, 0), ZX_ERR_WRONG_TYPE);
}

/* vmar.md 6.1, rows 2 and 3 */
REGIONS(unmap_looks_at_numbers_before_the_regions_state) {
  struct region* r = make_region(8);
  for (int destroyed = 0; destroyed < 2; destroyed++) {
    check_status(unmap_bytes(r, 1, PAGE), ZX_ERR_INVALID_ARGS);
    check_status(unmap_bytes(r, 0, 0), ZX_ERR_INVALID_ARGS);
    check_status(unmap_bytes(r, 0, UINT64_MAX), ZX_ERR_INVALID_ARGS);
    check_status(unmap_bytes(r, 0, UINT64_MAX - PAGE + 2), ZX_ERR_INVALID_ARGS);
    if (!destroyed) check_ok(zx_vmar_destroy(r->vmar));
  }
  check_status(unmap_bytes(r, 9 * PAGE, PAGE), ZX_ERR_BAD_STATE);
}

/* vmar.md 6.1, row 4 */
REGIONS(unmap_stays_inside_the_region) {
  struct region* outer = make_region(8);
  struct region* r = make_region_in(outer, 2, 4);
  map_at(outer, 0, tagged("12"), 0, 2);
  map_at(outer, 6, tagged("34"), 0, 2);
  check_status(unmap_bytes(r, 0 - PAGE, 2 * PAGE), ZX_ERR_INVALID_ARGS);
  check_status(unmap_bytes(r, 3 * PAGE, 2 * PAGE), ZX_ERR_INVALID_ARGS);
  check_status(unmap_bytes(r, 3 * PAGE, PAGE + 1), ZX_ERR_INVALID_ARGS);
  check_status(unmap_bytes(r, 4 * PAGE, PAGE), ZX_ERR_INVALID_ARGS);
  check_status(unmap_bytes(r, 0, 0 - PAGE), ZX_ERR_INVALID_ARGS);
  expect_shows(outer, "12xxxx34");
}

/* vmar.md 6.1, row 5; 2: a missing OP_CHILDREN is INVALID_ARGS here */
REGIONS(unmapping_a_region_needs_a_right) {
  struct region* r = make_region(8);
  const struct region weak =
      by_handle(r, ZX_DEFAULT_VMAR_RIGHTS & ~(ZX_RIGHT_OP_CHILDREN | ZX_RIGHT_DUPLICATE));
  map_at(r, 0, tagged("12"), 0, 2);
  struct region* s = make_region_in(r, 4, 2);
  check_status(try_unmap(&weak, 0, 8), ZX_ERR_INVALID_ARGS);
  check_status(try_unmap(&weak, 4, 2), ZX_ERR_INVALID_ARGS);
  expect_shows(r, "12xxxxxx");
  check_true(!is_destroyed(s));
  /* Without a region in the range nothing is needed. */
  check_ok(try_unmap(&weak, 0, 4));
  check_ok(try_unmap(r, 0, 8));
  check_true(is_destroyed(s));
}

/* ---- unmap: what it does ---- */

/* vmar.md 6.1: a range with nothing in it is ZX_OK */
REGIONS(nothing_can_be_unmapped) {
  struct region* r = make_region(8);
  check_ok(try_unmap(r, 0, 8));
  check_ok(unmap_bytes(r, 3 * PAGE, 1));
  check_ok(try_unmap(r, 0, 8));
}

/* vmar.md 6.1, 13: rounded up */
REGIONS(the_length_of_unmap_is_rounded_up) {
  struct region* r = make_region(4);
  map_at(r, 0, tagged("1234"), 0, 4);
  check_ok(unmap_bytes(r, PAGE, PAGE + 1));
  expect_shows(r, "1xx4");
}

/* vmar.md 15 S1 */
REGIONS(s1_cutting_ends_and_middles) {
  struct region* r = make_region(16);
  const zx_handle_t a = tagged("1234");
  map_at(r, 0, a, 0, 4);
  map_at(r, 5, a, 0, 4);
  map_at(r, 10, a, 0, 4);
  check_equal(mappings_of(a), 3);
  check_ok(try_unmap(r, 0, 2));
  check_ok(try_unmap(r, 7, 2));
  check_ok(try_unmap(r, 11, 2));
  expect_shows(r, "xx34x12xxx1xx4xx");
  check_equal(mappings_of(a), 4);
  expect_tags(a, "1234");
}

/* vmar.md 15 S4 */
REGIONS(s4_regions_go_whole_or_not_at_all) {
  struct region* r = make_region(12);
  const zx_handle_t a = tagged("1234");
  map_at(r, 0, a, 0, 4);
  struct region* s = make_region_in(r, 4, 4);
  map_at(s, 1, a, 0, 2);
  map_at(r, 8, a, 0, 4);
  check_status(try_unmap(r, 0, 7), ZX_ERR_INVALID_ARGS);
  check_status(try_unmap(r, 5, 7), ZX_ERR_INVALID_ARGS);
  check_status(try_unmap(r, 5, 2), ZX_ERR_INVALID_ARGS);
  expect_shows(r, "1234x12x1234");
  check_true(!is_destroyed(s));
  check_ok(try_unmap(r, 3, 6));
  expect_shows(r, "123xxxxxx234");
  check_true(is_destroyed(s));
}

/* vmar.md 6.1: what is left of a mapping keeps VMO, offset, current and max permissions */
REGIONS(what_is_left_of_a_mapping_is_as_it_was) {
  struct region* r = make_region(8);
  const zx_handle_t a = tagged("12345678");
  map_with_at(r, READ, 0, a, 0, 8);
  check_ok(try_protect(r, RW, 5, 2));
  check_ok(try_unmap(r, 3, 1));
  expect_maps(r, "region 0+8/ r 0+3 @0/ r 4+1 @4/ rw 5+2 @5/ r 7+1 @7");
  check_ok(try_unmap(r, 0, 1));
  check_ok(try_unmap(r, 7, 1));
  expect_shows(r, "x23x567x");
  expect_stores(r, "xxxxx..x");
  check_ok(try_protect(r, RW, 1, 2));
  check_ok(try_protect(r, RW, 4, 3));
  expect_stores(r, "x..x...x");
  check_equal(mappings_of(a), 2);
}

/* vmar.md 6.1: across several mappings, VMOs and gaps at once */
REGIONS(one_call_unmaps_everything_in_its_range) {
  struct region* r = make_region(20);
  const zx_handle_t a = tagged("1234");
  const zx_handle_t b = tagged("5678");
  struct region* s = make_region_in(r, 9, 3);
  struct region* deep = make_region_in(s, 1, 2);
  map_at(r, 0, a, 0, 4);
  map_at(r, 4, b, 0, 4);
  map_at(s, 0, a, 0, 1);
  map_at(deep, 0, b, 2, 2);
  map_at(r, 12, a, 0, 4);
  map_at(r, 16, a, 0, 4);
  expect_shows(r, "12345678x17812341234");
  check_ok(try_unmap(r, 2, 16));
  expect_shows(r, "12xxxxxxxxxxxxxxxx34");
  check_true(is_destroyed(s));
  check_true(is_destroyed(deep));
  check_equal(mappings_of(a), 2);
  check_equal(mappings_of(b), 0);
}

/* vmar.md 14.2: what was given back is free again, and reserved all the time */
REGIONS(an_unmapped_place_can_be_used_again) {
  struct region* r = make_region(4);
  const zx_handle_t a = tagged("1234");
  const uint64_t areas = areas_in(r);
  for (int i = 0; i < 50; i++) {
    map_at(r, 1, a, 0, 2);
    expect_shows(r, "x12x");
    check_ok(try_unmap(r, 1, 2));
    check_equal(areas_in(r), areas);
  }
}

/* vmar.md 1.3: through a parent, or by destroying */
REGIONS(mappings_of_a_child_are_reached_through_the_parent) {
  struct region* r = make_region(8);
  struct region* s = make_region_in(r, 2, 4);
  map_at(s, 0, tagged("1234"), 0, 4);
  check_ok(try_unmap(s, 1, 1));
  expect_shows(r, "xx1x34xx");
  check_status(try_unmap(r, 2, 1), ZX_ERR_INVALID_ARGS);
  check_ok(try_unmap(r, 2, 4));
  check_true(is_destroyed(s));
}

/* ---- destroy ---- */

/* vmar.md 6.5 */
REGIONS(destroy_looks_at_handle_type_and_right) {
  struct region* r = make_region(4);
  check_status(zx_vmar_destroy(ZX_HANDLE_INVALID), ZX_ERR_BAD_HANDLE);
  check_status(zx_vmar_destroy(fx.port), ZX_ERR_WRONG_TYPE);
  const struct region weak = by_handle(r, ZX_DEFAULT_VMAR_RIGHTS & ~ZX_RIGHT_OP_CHILDREN);
  check_status(zx_vmar_destroy(weak.vmar), ZX_ERR_ACCESS_DENIED);
  check_ok(zx_vmar_destroy(r->vmar));
  check_status(zx_vmar_destroy(weak.vmar), ZX_ERR_ACCESS_DENIED);
  check_status(zx_vmar_destroy(r->vmar), ZX_ERR_BAD_STATE);
}

/* vmar.md 6.5 */
REGIONS(the_root_cannot_be_destroyed) {
  check_status(zx_vmar_destroy(zx_vmar_root_self()), ZX_ERR_NOT_SUPPORTED);
}

/* vmar.md 6.5: everything below, and the place is free at once */
REGIONS(destroying_a_region_destroys_what_is_below) {
  struct region* r = make_region(16);
  struct region* s = make_region_in(r, 2, 10);
  struct region* t = make_region_in(s, 1, 8);
  struct region* u = make_region_in(t, 1, 6);
  struct region* beside = make_region_in(r, 12, 2);
  const zx_handle_t a = tagged("1234");
  map_at(s, 0, a, 0, 1);
  map_at(t, 7, a, 1, 1);
  map_at(u, 0, a, 2, 2);
  map_at(r, 0, a, 0, 2);
  map_at(beside, 0, a, 0, 2);
  expect_shows(r, "121x34xxxx2x12xx");
  check_ok(zx_vmar_destroy(s->vmar));
  expect_shows(r, "12xxxxxxxxxx12xx");
  check_true(is_destroyed(s));
  check_true(is_destroyed(t));
  check_true(is_destroyed(u));
  check_true(!is_destroyed(beside));
  check_equal(mappings_of(a), 2);
  map_at(r, 2, a, 0, 4);
  expect_shows(r, "121234xxxxxx12xx");
}

/* vmar.md 6.5: empty regions, wide and deep, through any of the ways */
REGIONS(many_regions_go_at_once) {
  enum {
    WIDE = 40
  };
  struct region* r = make_region(WIDE * 4);
  struct region* some[WIDE];
  for (uint64_t i = 0; i < WIDE; i++) {
    struct region* outer = make_region_in(r, i * 4, 4);
    some[i] = make_region_in(make_region_in(outer, 0, 3), 1, 1);
  }
  check_ok(try_unmap(r, 4, (WIDE - 2) * 4));
  for (uint64_t i = 0; i < WIDE; i++) {
    check_equal(is_destroyed(some[i]), i != 0 && i != WIDE - 1);
  }
  check_ok(zx_vmar_destroy(r->vmar));
  check_true(is_destroyed(some[0]));
  check_true(is_destroyed(some[WIDE - 1]));
}

/* vmar.md 10.6, 15 S14 */
REGIONS(s14_the_last_page_of_the_last_mapping_ends_a_pager_vmo) {
  need_mappings();
  struct region* r = make_region(8);
  struct root* v = make_root(4);
  map_at(r, 0, v->vmo, 0, 2);
  map_at(r, 4, v->vmo, 0, 4);
  drop(&v->vmo);
  expect_nothing();
  check_ok(try_unmap(r, 0, 2));
  check_ok(try_unmap(r, 5, 3));
  expect_nothing();
  check_ok(try_unmap(r, 4, 1));
  expect_complete(v);
  expect_nothing();
}

/* vmar.md 10.6: by destroying, too */
REGIONS(destroying_the_region_ends_a_pager_vmo) {
  need_mappings();
  struct region* r = make_region(8);
  struct region* s = make_region_in(r, 0, 4);
  struct root* v = make_root(4);
  map_at(s, 0, v->vmo, 0, 4);
  drop(&v->vmo);
  expect_nothing();
  check_ok(zx_vmar_destroy(r->vmar));
  expect_complete(v);
  expect_nothing();
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(unmap_looks_at_the_handle_first),
      TEST(unmap_looks_at_numbers_before_the_regions_state),
      TEST(unmap_stays_inside_the_region),
      TEST(unmapping_a_region_needs_a_right),
      TEST(nothing_can_be_unmapped),
      TEST(the_length_of_unmap_is_rounded_up),
      TEST(s1_cutting_ends_and_middles),
      TEST(s4_regions_go_whole_or_not_at_all),
      TEST(what_is_left_of_a_mapping_is_as_it_was),
      TEST(one_call_unmaps_everything_in_its_range),
      TEST(an_unmapped_place_can_be_used_again),
      TEST(mappings_of_a_child_are_reached_through_the_parent),
      TEST(destroy_looks_at_handle_type_and_right),
      TEST(the_root_cannot_be_destroyed),
      TEST(destroying_a_region_destroys_what_is_below),
      TEST(many_regions_go_at_once),
      TEST(s14_the_last_page_of_the_last_mapping_ends_a_pager_vmo),
      TEST(destroying_the_region_ends_a_pager_vmo),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
