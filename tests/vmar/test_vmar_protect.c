/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_vmar_protect: vmar.md 6.2 to 6.4. */
#include <string.h>

#include "regions.h"

static zx_status_t protect_bytes(const struct region* r, zx_vm_option_t options, uint64_t offset,
                                 uint64_t length) {
  return zx_vmar_protect(r->vmar, options, r->base + offset, length);
}

/* ---- The checks, row by row; where two apply the earlier one wins ---- */

/* vmar.md 6.2, row 1 */
REGIONS(protect_looks_at_handle_and_rights_first) {
  struct region* r = make_region(4);
  struct region bad = *r;
  bad.vmar = ZX_HANDLE_INVALID;
  check_status(protect_bytes(&bad, WRITE, 1, 0), ZX_ERR_BAD_HANDLE);
  bad.vmar = make_vmo(1);
  check_status(protect_bytes(&bad, WRITE, 1, 0), ZX_ERR_WRONG_TYPE);
  const struct region reads = by_handle(r, ZX_RIGHT_READ);
  const struct region nothing = by_handle(r, ZX_RIGHT_NONE);
  check_status(protect_bytes(&reads, RW, 1, 0), ZX_ERR_ACCESS_DENIED);
  check_status(protect_bytes(&reads, READ | EXECUTE, 1, 0), ZX_ERR_ACCESS_DENIED);
  check_status(protect_bytes(&nothing, READ, 1, 0), ZX_ERR_ACCESS_DENIED);
  /* Bit 14 stands for reading. */
  check_status(protect_bytes(&nothing, ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED, 0, PAGE),
               ZX_ERR_ACCESS_DENIED);
}

/* vmar.md 6.2, rows 2 and 3: before the region's state */
REGIONS(protect_looks_at_numbers_before_the_regions_state) {
  struct region* r = make_region(4);
  for (int destroyed = 0; destroyed < 2; destroyed++) {
    check_status(protect_bytes(r, READ, 1, PAGE), ZX_ERR_INVALID_ARGS);
    check_status(protect_bytes(r, WRITE, 0, PAGE), ZX_ERR_INVALID_ARGS);
    for (unsigned bit = 3; bit < 32; bit++) {
      if (bit == 14) continue;
      check_status(protect_bytes(r, READ | 1u << bit, 0, PAGE), ZX_ERR_INVALID_ARGS);
    }
    check_status(protect_bytes(r, READ, 0, 0), ZX_ERR_INVALID_ARGS);
    check_status(protect_bytes(r, READ, 0, UINT64_MAX), ZX_ERR_INVALID_ARGS);
    if (!destroyed) check_ok(zx_vmar_destroy(r->vmar));
  }
  check_status(protect_bytes(r, READ, 5 * PAGE, PAGE), ZX_ERR_BAD_STATE);
}

/* vmar.md 6.2, row 5 */
REGIONS(protect_stays_inside_the_region) {
  struct region* outer = make_region(8);
  struct region* r = make_region_in(outer, 2, 4);
  map_at(outer, 0, tagged("12"), 0, 2);
  map_at(r, 0, tagged("3456"), 0, 4);
  map_at(outer, 6, tagged("78"), 0, 2);
  check_status(protect_bytes(r, READ, 0 - PAGE, 2 * PAGE), ZX_ERR_INVALID_ARGS);
  check_status(protect_bytes(r, READ, 3 * PAGE, PAGE + 1), ZX_ERR_INVALID_ARGS);
  check_status(protect_bytes(r, READ, 4 * PAGE, PAGE), ZX_ERR_INVALID_ARGS);
  expect_stores(outer, "........");
}

/* vmar.md 6.2, row 6; 15 S5 */
REGIONS(s5_a_gap_is_not_found_and_nothing_changes) {
  struct region* r = make_region(8);
  const zx_handle_t a = tagged("123");
  map_at(r, 0, a, 0, 3);
  map_at(r, 4, a, 0, 3);
  check_status(try_protect(r, READ, 0, 7), ZX_ERR_NOT_FOUND);
  expect_stores(r, "...x...x");
  check_status(try_protect(r, READ, 4, 4), ZX_ERR_NOT_FOUND);
  check_status(try_protect(r, READ, 3, 1), ZX_ERR_NOT_FOUND);
  expect_stores(r, "...x...x");
}

/* vmar.md 6.2, row 6: an empty child region is a gap, and so is one inside a child */
REGIONS(an_empty_region_is_a_gap) {
  struct region* r = make_region(8);
  const zx_handle_t a = tagged("12345678");
  map_at(r, 0, a, 0, 2);
  struct region* s = make_region_in(r, 2, 4);
  map_at(r, 6, a, 0, 2);
  check_status(try_protect(r, READ, 0, 8), ZX_ERR_NOT_FOUND);
  map_at(s, 0, a, 2, 3);
  check_status(try_protect(r, READ, 0, 8), ZX_ERR_NOT_FOUND);
  expect_stores(r, ".....x..");
  map_at(s, 3, a, 5, 1);
  check_ok(try_protect(r, READ, 0, 8));
  expect_stores(r, "xxxxxxxx");
}

/* vmar.md 6.2, row 7; 15 S6 */
REGIONS(s6_beyond_the_max_permissions_nothing_changes) {
  struct region* r = make_region(9);
  const zx_handle_t a = tagged("123");
  const zx_handle_t no_write = duplicate_with(a, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_WRITE);
  map_with_at(r, READ, 0, a, 0, 3);
  map_with_at(r, READ, 3, no_write, 0, 3);
  map_with_at(r, READ, 6, a, 0, 3);
  check_status(try_protect(r, RW, 0, 9), ZX_ERR_ACCESS_DENIED);
  expect_stores(r, "xxxxxxxxx");
  check_ok(try_protect(r, RW, 0, 3));
  expect_stores(r, "...xxxxxx");
}

/* vmar.md 6.2, rows 6 to 9: what the lowest address finds decides */
REGIONS(the_lowest_address_decides) {
  struct region* r = make_region(12);
  const zx_handle_t a = tagged("1234");
  const zx_handle_t no_write = duplicate_with(a, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_WRITE);
  const struct region weak = by_handle(r, ZX_RIGHT_READ | ZX_RIGHT_WRITE);
  map_at(r, 0, a, 0, 1);
  map_with_at(r, READ, 1, no_write, 0, 1);
  /* 2: a gap */
  struct region* s = make_region_in(r, 3, 4);
  map_with_at(s, READ, 0, no_write, 0, 1);
  map_with_at(s, READ, 1, a, 0, 1);
  map_at(s, 2, a, 0, 1);
  /* 6: a gap in the child */
  map_at(r, 7, a, 0, 1);
  check_status(try_protect(&weak, RW, 0, 12), ZX_ERR_ACCESS_DENIED); /* the max of page 1 */
  check_status(try_protect(&weak, RW, 2, 10), ZX_ERR_NOT_FOUND);     /* page 2 */
  check_status(try_protect(&weak, RW, 3, 9), ZX_ERR_ACCESS_DENIED);  /* the max of page 3 */
  check_status(try_protect(&weak, RW, 4, 8), ZX_ERR_INVALID_ARGS);   /* OP_CHILDREN at page 4 */
  check_status(try_protect(r, RW, 4, 8), ZX_ERR_ACCESS_DENIED);      /* page 4 would gain */
  check_status(try_protect(r, RW, 5, 7), ZX_ERR_NOT_FOUND);          /* page 6 */
  check_status(try_protect(&weak, READ, 3, 1), ZX_ERR_INVALID_ARGS);
  check_ok(try_protect(r, READ, 3, 3));
  expect_stores(r, ".xxxxxx.xxxx");
}

/* vmar.md 6.2, rows 8 and 9; 15 S7 */
REGIONS(s7_through_a_parent_a_mapping_only_loses) {
  struct region* r = make_region(6);
  const zx_handle_t a = tagged("12");
  map_at(r, 0, a, 0, 2);
  struct region* s = make_region_in(r, 2, 2);
  map_at(s, 0, a, 0, 2);
  map_at(r, 4, a, 0, 2);
  check_ok(try_protect(r, READ, 1, 4));
  expect_stores(r, ".xxxx.");
  check_status(try_protect(r, RW, 0, 6), ZX_ERR_ACCESS_DENIED);
  expect_stores(r, ".xxxx.");
  check_ok(try_protect(s, RW, 0, 2));
  expect_stores(r, ".x..x.");
  /* Nothing at all is allowed, and so is what they have. */
  check_ok(try_protect(r, 0, 2, 2));
  expect_shows(r, "12xx12");
  check_ok(try_protect(r, 0, 2, 2));
  check_status(try_protect(r, READ, 2, 1), ZX_ERR_ACCESS_DENIED);
}

/* vmar.md 6.2, row 8; 2 */
REGIONS(mappings_of_a_child_need_a_right) {
  struct region* r = make_region(4);
  const struct region weak = by_handle(r, ZX_DEFAULT_VMAR_RIGHTS & ~ZX_RIGHT_OP_CHILDREN);
  struct region* s = make_region_in(r, 1, 2);
  map_at(r, 0, tagged("1"), 0, 1);
  map_at(s, 0, tagged("23"), 0, 2);
  check_status(try_protect(&weak, 0, 0, 3), ZX_ERR_INVALID_ARGS);
  expect_stores(r, "...x");
  check_ok(try_protect(&weak, 0, 0, 1));
  expect_stores(r, "x..x");
}

/* ---- What it does ---- */

/* vmar.md 13: rounded up */
REGIONS(the_length_of_protect_is_rounded_up) {
  struct region* r = make_region(4);
  map_at(r, 0, tagged("1234"), 0, 4);
  check_ok(protect_bytes(r, READ, PAGE, PAGE + 1));
  expect_stores(r, ".xx.");
}

/* vmar.md 6.2: protect does not split a mapping, however often its permissions change inside */
REGIONS(protecting_parts_leaves_one_mapping) {
  struct region* r = make_region(16);
  const zx_handle_t a = make_vmo(16);
  map_at(r, 0, a, 0, 16);
  for (uint64_t i = 0; i < 16; i += 2)
    check_ok(try_protect(r, READ, i, 1));
  expect_stores(r, "x.x.x.x.x.x.x.x.");
  check_ok(try_protect(r, 0, 5, 6));
  expect_shows(r, "00000xxxxxx00000");
  expect_stores(r, "x.x.xxxxxxx.x.x.");
  check_equal(mappings_of(a), 1);
  check_ok(try_protect(r, RW, 0, 16));
  expect_stores(r, "................");
  expect_maps(r, "region 0+16/ rw 0+16 @0");
}

/* vmar.md 15 S10; 5.3 */
REGIONS(s10_what_a_weak_handle_mapped_stays_weak) {
  struct region* r = make_region(4);
  const zx_handle_t a = tagged("12");
  struct region weak = by_handle(r, ZX_RIGHT_READ);
  check_ok(try_map(&weak, READ | ZX_VM_SPECIFIC, 0, a, 0, 1));
  drop(&weak.vmar);
  check_status(try_protect(r, RW, 0, 1), ZX_ERR_ACCESS_DENIED);
  check_ok(try_map(r, READ | ZX_VM_SPECIFIC, 1, a, 1, 1));
  check_ok(try_protect(r, RW, 1, 1));
  expect_stores(r, "x.xx");
}

/* vmar.md 5.3: reducing or closing handles later changes nothing */
REGIONS(handles_that_go_take_nothing_along) {
  struct region* r = make_region(2);
  zx_handle_t a = tagged("12");
  check_ok(try_map(r, READ | ZX_VM_SPECIFIC, 0, a, 0, 2));
  drop(&a);
  check_ok(try_protect(r, RW, 0, 2));
  expect_stores(r, "..");
}

/* vmar.md 6.4: permissions of parts past the end hold when the VMO grows */
REGIONS(permissions_past_the_end_are_kept) {
  struct region* r = make_region(6);
  const zx_handle_t a = tagged_with(ZX_VMO_RESIZABLE, "1");
  map_at(r, 0, a, 0, 6);
  check_ok(try_protect(r, READ, 2, 1));
  check_ok(try_protect(r, 0, 3, 1));
  expect_shows(r, "1BBxBB");
  expect_stores(r, ".BxxBB");
  check_ok(zx_vmo_set_size(a, 5 * PAGE));
  expect_shows(r, "100x0B");
  expect_stores(r, "..xx.B");
  check_ok(zx_vmo_set_size(a, 0));
  expect_shows(r, "BBBxBB");
  check_ok(try_protect(r, RW, 0, 6));
  check_ok(zx_vmo_set_size(a, 4 * PAGE));
  expect_stores(r, "....BB");
}

/* vmar.md 6.3, 14.8; 15 S18 */
REGIONS(s18_a_clean_page_asks_after_it_became_writable) {
  need_mappings();
  struct region* r = make_region(2);
  struct root* v = make_root_on(fx.pager, fx.port, ZX_VMO_TRAP_DIRTY, FIRST_KEY, 2 * PAGE);
  supply_tags(v, 0, "12");
  map_with_at(r, READ, 0, v->vmo, 0, 2);
  expect_shows(r, "12");
  check_ok(try_protect(r, RW, 0, 2));
  struct worker* store = start_store(page_of(r, 0), 9);
  expect_packet(v->port, v->key, ZX_PAGER_VMO_DIRTY, 0, PAGE);
  check_ok(zx_pager_op_range(v->pager, ZX_PAGER_OP_DIRTY, v->vmo, 0, PAGE, 0));
  expect_ok(store);
  /* Dirty: there and back again, and nobody is asked. */
  check_ok(try_protect(r, READ, 0, 2));
  expect_sigsegv(start_store(page_of(r, 0), 8));
  check_ok(try_protect(r, RW, 0, 2));
  expect_ok(start_store(page_of(r, 0), 8));
  expect_nothing();
  struct worker* other = start_store(page_of(r, 1), 7);
  expect_packet(v->port, v->key, ZX_PAGER_VMO_DIRTY, PAGE, PAGE);
  check_ok(zx_pager_op_range(v->pager, ZX_PAGER_OP_DIRTY, v->vmo, PAGE, PAGE, 0));
  expect_ok(other);
}

/* vmar.md 6.3: a page shared with a snapshot forks all the same */
REGIONS(a_shared_page_forks_after_it_became_writable) {
  need_mappings();
  struct region* r = make_region(2);
  const zx_handle_t a = tagged("12");
  map_with_at(r, READ, 0, a, 0, 2);
  zx_handle_t child = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create_child(a, ZX_VMO_CHILD_SNAPSHOT, 0, 2 * PAGE, &child));
  keep(child);
  check_ok(try_protect(r, RW, 0, 2));
  memset(page_of(r, 0), 7, PAGE);
  expect_tags(child, "12");
  expect_tags(a, "72");
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(protect_looks_at_handle_and_rights_first),
      TEST(protect_looks_at_numbers_before_the_regions_state),
      TEST(protect_stays_inside_the_region),
      TEST(s5_a_gap_is_not_found_and_nothing_changes),
      TEST(an_empty_region_is_a_gap),
      TEST(s6_beyond_the_max_permissions_nothing_changes),
      TEST(the_lowest_address_decides),
      TEST(s7_through_a_parent_a_mapping_only_loses),
      TEST(mappings_of_a_child_need_a_right),
      TEST(the_length_of_protect_is_rounded_up),
      TEST(protecting_parts_leaves_one_mapping),
      TEST(s10_what_a_weak_handle_mapped_stays_weak),
      TEST(handles_that_go_take_nothing_along),
      TEST(permissions_past_the_end_are_kept),
      TEST(s18_a_clean_page_asks_after_it_became_writable),
      TEST(a_shared_page_forks_after_it_became_writable),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
