/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_vmar_allocate: vmar.md 4; the model: 1. */
#include "regions.h"

static zx_status_t allocate(const struct region* parent, zx_vm_option_t options, uint64_t offset,
                            uint64_t size) {
  zx_handle_t child = ZX_HANDLE_INVALID;
  zx_vaddr_t at = 0;
  const zx_status_t status = zx_vmar_allocate(parent->vmar, options, offset, size, &child, &at);
  if (status == ZX_OK) {
    check_ok(zx_vmar_destroy(child));
    check_ok(zx_handle_close(child));
  }
  return status;
}

/* ---- The checks, row by row; where two apply the earlier one wins ---- */

/* vmar.md 4, row 1 */
REGIONS(the_handle_is_looked_at_first) {
  struct region* r = make_region(16);
  struct region bad = *r;
  bad.vmar = ZX_HANDLE_INVALID;
  check_status(allocate(&bad, READ, 1, 1), ZX_ERR_BAD_HANDLE);
  bad.vmar = make_vmo(1);
  check_status(allocate(&bad, READ, 1, 1), ZX_ERR_WRONG_TYPE);
}

/* vmar.md 4, row 1 and 2: a CAN_MAP_* needs its right on the handle */
REGIONS(a_permission_asked_for_needs_its_right) {
  struct region* r = make_region_with(USUAL | ZX_VM_CAN_MAP_EXECUTE, 16);
  const struct region reads = by_handle(r, ZX_RIGHT_READ);
  const struct region writes = by_handle(r, ZX_RIGHT_WRITE);
  const struct region executes = by_handle(r, ZX_RIGHT_EXECUTE);
  const struct region nothing = by_handle(r, ZX_RIGHT_NONE);
  check_ok(allocate(&reads, ZX_VM_CAN_MAP_READ, 0, PAGE));
  check_ok(allocate(&writes, ZX_VM_CAN_MAP_WRITE, 0, PAGE));
  check_ok(allocate(&executes, ZX_VM_CAN_MAP_EXECUTE, 0, PAGE));
  check_status(allocate(&reads, ZX_VM_CAN_MAP_WRITE, 0, PAGE), ZX_ERR_ACCESS_DENIED);
  check_status(allocate(&reads, ZX_VM_CAN_MAP_EXECUTE, 0, PAGE), ZX_ERR_ACCESS_DENIED);
  check_status(allocate(&writes, ZX_VM_CAN_MAP_READ, 0, PAGE), ZX_ERR_ACCESS_DENIED);
  check_ok(allocate(&nothing, ZX_VM_CAN_MAP_SPECIFIC, 0, PAGE));
  /* Before a bad option. */
  check_status(allocate(&nothing, ZX_VM_CAN_MAP_READ | READ, 0, PAGE), ZX_ERR_ACCESS_DENIED);
}

/* vmar.md 4, row 2; section 3 */
REGIONS(options_of_other_calls_are_refused) {
  struct region* r = make_region(16);
  static const zx_vm_option_t bad[] = {
      READ,
      WRITE,
      EXECUTE,
      ZX_VM_SPECIFIC_OVERWRITE,
      ZX_VM_MAP_RANGE,
      ZX_VM_REQUIRE_NON_RESIZABLE,
      ZX_VM_ALLOW_FAULTS,
      ZX_VM_FAULT_BEYOND_STREAM_SIZE,
      1u << 16,
      1u << 23,
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    check_status(allocate(r, bad[i], 0, PAGE), ZX_ERR_INVALID_ARGS);
  }
  check_ok(allocate(r, ZX_VM_COMPACT, 0, PAGE));
  check_ok(allocate(r, ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED, 0, PAGE));
  for (zx_vm_option_t exponent = 1; exponent < 256; exponent++) {
    const bool valid = exponent >= 10 && exponent <= 32;
    const zx_status_t status = allocate(r, exponent << ZX_VM_ALIGN_BASE, 0, PAGE);
    check_equal(status == ZX_ERR_INVALID_ARGS, !valid);
  }
}

/* vmar.md 4, row 3: not rounded, unlike the other calls; before the region's state */
REGIONS(a_size_that_is_no_multiple_of_the_page_is_refused) {
  struct region* r = make_region(16);
  check_status(allocate(r, 0, 0, PAGE + 1), ZX_ERR_INVALID_ARGS);
  check_status(allocate(r, 0, 0, 1), ZX_ERR_INVALID_ARGS);
  check_ok(zx_vmar_destroy(r->vmar));
  check_status(allocate(r, 0, 0, PAGE + 1), ZX_ERR_INVALID_ARGS);
}

/* vmar.md 4, rows 4 and 5 */
REGIONS(a_destroyed_parent_is_found_before_an_empty_size) {
  struct region* r = make_region(16);
  check_status(allocate(r, 0, 0, 0), ZX_ERR_INVALID_ARGS);
  check_ok(zx_vmar_destroy(r->vmar));
  check_status(allocate(r, 0, 0, 0), ZX_ERR_BAD_STATE);
  check_status(allocate(r, 0, 0, PAGE), ZX_ERR_BAD_STATE);
}

/* vmar.md 4, row 6: before the place is looked at. The handle has its rights by the region's flags,
 * so only a region that lacks the flag can show it: there the right is missing as well. */
REGIONS(a_child_gets_no_more_than_its_parent_allows) {
  struct region* r = make_region_with(ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_SPECIFIC, 16);
  check_ok(allocate(r, ZX_VM_CAN_MAP_READ, 0, PAGE));
  check_status(allocate(r, ZX_VM_CAN_MAP_WRITE, 0, PAGE), ZX_ERR_ACCESS_DENIED);
  check_status(allocate(r, ZX_VM_CAN_MAP_WRITE, 1, PAGE), ZX_ERR_ACCESS_DENIED);
}

/* vmar.md 4, row 7 */
REGIONS(a_place_is_fixed_or_limited_or_free) {
  struct region* r = make_region(16);
  const zx_vm_option_t both = ZX_VM_SPECIFIC | ZX_VM_OFFSET_IS_UPPER_LIMIT;
  check_status(allocate(r, both, 8 * PAGE, PAGE), ZX_ERR_INVALID_ARGS);
  check_status(allocate(r, 0, PAGE, PAGE), ZX_ERR_INVALID_ARGS);
  check_status(allocate(r, ZX_VM_SPECIFIC, 1, PAGE), ZX_ERR_INVALID_ARGS);
  check_status(allocate(r, ZX_VM_OFFSET_IS_UPPER_LIMIT, 2 * PAGE + 1, PAGE), ZX_ERR_INVALID_ARGS);
  /* Before the permission of row 8. */
  struct region* no_places = make_region_with(ZX_VM_CAN_MAP_READ, 16);
  check_status(allocate(no_places, ZX_VM_SPECIFIC, 1, PAGE), ZX_ERR_INVALID_ARGS);
}

/* vmar.md 4, row 8: before the bounds of row 9 */
REGIONS(places_have_to_be_allowed) {
  struct region* r = make_region_with(ZX_VM_CAN_MAP_READ, 16);
  check_status(allocate(r, ZX_VM_SPECIFIC, 0, PAGE), ZX_ERR_ACCESS_DENIED);
  check_status(allocate(r, ZX_VM_OFFSET_IS_UPPER_LIMIT, PAGE, PAGE), ZX_ERR_ACCESS_DENIED);
  check_status(allocate(r, ZX_VM_SPECIFIC, 17 * PAGE, PAGE), ZX_ERR_ACCESS_DENIED);
  check_ok(allocate(r, 0, 0, PAGE));
  /* A child may have places even so. */
  check_ok(allocate(r, ZX_VM_CAN_MAP_SPECIFIC, 0, PAGE));
}

/* vmar.md 4, row 9 */
REGIONS(what_reaches_out_of_the_parent_is_refused) {
  struct region* r = make_region(16);
  check_ok(allocate(r, ZX_VM_SPECIFIC, 15 * PAGE, PAGE));
  check_status(allocate(r, ZX_VM_SPECIFIC, 15 * PAGE, 2 * PAGE), ZX_ERR_INVALID_ARGS);
  check_status(allocate(r, ZX_VM_SPECIFIC, 16 * PAGE, PAGE), ZX_ERR_INVALID_ARGS);
  check_status(allocate(r, ZX_VM_SPECIFIC, 0 - PAGE, 2 * PAGE), ZX_ERR_INVALID_ARGS);
  check_status(allocate(r, ZX_VM_OFFSET_IS_UPPER_LIMIT, 17 * PAGE, PAGE), ZX_ERR_INVALID_ARGS);
  check_status(allocate(r, ZX_VM_OFFSET_IS_UPPER_LIMIT, PAGE, 2 * PAGE), ZX_ERR_INVALID_ARGS);
  check_ok(allocate(r, ZX_VM_OFFSET_IS_UPPER_LIMIT, 16 * PAGE, 16 * PAGE));
  /* Without a place too: one that could never fit. */
  check_status(allocate(r, 0, 0, 17 * PAGE), ZX_ERR_INVALID_ARGS);
}

/* vmar.md 4, rows 10 and 11: alignment counts in addresses, before contact with others */
REGIONS(a_fixed_place_has_to_be_aligned_as_asked) {
  struct region* r = make_region_with(USUAL | ZX_VM_ALIGN_64KB, 64);
  check_equal(r->base % (64 * 1024), 0);
  check_ok(allocate(r, ZX_VM_SPECIFIC | ZX_VM_ALIGN_16KB, 4 * PAGE, PAGE));
  check_status(allocate(r, ZX_VM_SPECIFIC | ZX_VM_ALIGN_16KB, 5 * PAGE, PAGE), ZX_ERR_INVALID_ARGS);
  make_region_in(r, 5, 1);
  check_status(allocate(r, ZX_VM_SPECIFIC | ZX_VM_ALIGN_16KB, 5 * PAGE, PAGE), ZX_ERR_INVALID_ARGS);
  check_status(allocate(r, ZX_VM_SPECIFIC, 5 * PAGE, PAGE), ZX_ERR_ALREADY_EXISTS);
}

/* vmar.md 4, row 11 */
REGIONS(a_fixed_place_must_touch_nobody) {
  struct region* r = make_region(16);
  make_region_in(r, 4, 4);
  map_at(r, 10, tagged("12"), 0, 2);
  check_status(allocate(r, ZX_VM_SPECIFIC, 3 * PAGE, 2 * PAGE), ZX_ERR_ALREADY_EXISTS);
  check_status(allocate(r, ZX_VM_SPECIFIC, 5 * PAGE, PAGE), ZX_ERR_ALREADY_EXISTS);
  check_status(allocate(r, ZX_VM_SPECIFIC, 7 * PAGE, 4 * PAGE), ZX_ERR_ALREADY_EXISTS);
  check_status(allocate(r, ZX_VM_SPECIFIC, 11 * PAGE, PAGE), ZX_ERR_ALREADY_EXISTS);
  check_status(allocate(r, ZX_VM_SPECIFIC, 0, 16 * PAGE), ZX_ERR_ALREADY_EXISTS);
  check_ok(allocate(r, ZX_VM_SPECIFIC, 0, 4 * PAGE));
  check_ok(allocate(r, ZX_VM_SPECIFIC, 8 * PAGE, 2 * PAGE));
  check_ok(allocate(r, ZX_VM_SPECIFIC, 12 * PAGE, 4 * PAGE));
}

/* vmar.md 4, row 12: it would fit an empty parent, not this one */
REGIONS(no_room_is_no_resources) {
  make_region(1); /* so that the next does not begin at the root's base, which is aligned to 4
                   * GiB */
  struct region* r = make_region(16);
  make_region_in(r, 8, 1);
  check_ok(allocate(r, 0, 0, 8 * PAGE));
  check_status(allocate(r, 0, 0, 9 * PAGE), ZX_ERR_NO_RESOURCES);
  check_status(allocate(r, 0, 0, 16 * PAGE), ZX_ERR_NO_RESOURCES);
  check_status(allocate(r, ZX_VM_OFFSET_IS_UPPER_LIMIT, 9 * PAGE, 9 * PAGE), ZX_ERR_NO_RESOURCES);
  check_status(allocate(r, ZX_VM_ALIGN_4GB, 0, PAGE), ZX_ERR_NO_RESOURCES);
}

/* vmar.md 4: the whole range below the limit is usable */
REGIONS(every_place_below_a_limit_is_used) {
  struct region* r = make_region(20);
  bool taken[20] = {false};
  zx_handle_t child;
  zx_vaddr_t at;
  for (int i = 0; i < 10; i++) {
    check_ok(zx_vmar_allocate(r->vmar, ZX_VM_OFFSET_IS_UPPER_LIMIT, 10 * PAGE, PAGE, &child, &at));
    keep(child);
    const uint64_t page = (at - r->base) / PAGE;
    check_true(at >= r->base && page < 10 && !taken[page]);
    taken[page] = true;
  }
  check_status(zx_vmar_allocate(r->vmar, ZX_VM_OFFSET_IS_UPPER_LIMIT, 10 * PAGE, PAGE, &child, &at),
               ZX_ERR_NO_RESOURCES);
  check_ok(zx_vmar_allocate(r->vmar, 0, 0, PAGE, &child, &at));
  keep(child);
  check_true(at >= r->base + 10 * PAGE && at < r->base + 20 * PAGE);
}

/* vmar.md 4: every alignment that the options can say, at any place in the root */
REGIONS(every_alignment_can_be_had) {
  const struct region root = root_region();
  for (zx_vm_option_t exponent = 10; exponent <= 32; exponent++) {
    zx_handle_t child;
    zx_vaddr_t at;
    check_ok(zx_vmar_allocate(root.vmar, exponent << ZX_VM_ALIGN_BASE, 0, PAGE, &child, &at));
    check_equal(at & ((UINT64_C(1) << exponent) - 1), 0);
    check_ok(zx_vmar_destroy(child));
    check_ok(zx_handle_close(child));
  }
}

/* vmar.md 4: nothing is left behind without its outputs */
REGIONS(missing_outputs_leave_no_region_behind) {
  struct region* r = make_region(4);
  zx_handle_t child = ZX_HANDLE_INVALID;
  zx_vaddr_t at = 0;
  check_status(zx_vmar_allocate(r->vmar, 0, 0, 4 * PAGE, NULL, &at), ZX_ERR_INVALID_ARGS);
  check_status(zx_vmar_allocate(r->vmar, 0, 0, 4 * PAGE, &child, NULL), ZX_ERR_INVALID_ARGS);
  /* Nor do outputs that cannot be written. */
  struct region* hole = make_region(1);
  check_true(zx_vmar_allocate(r->vmar, 0, 0, 4 * PAGE, (zx_handle_t*)hole->base, &at) != ZX_OK);
  check_true(zx_vmar_allocate(r->vmar, 0, 0, 4 * PAGE, &child, (zx_vaddr_t*)hole->base) != ZX_OK);
  check_ok(zx_vmar_allocate(r->vmar, 0, 0, 4 * PAGE, &child, &at));
  keep(child);
  check_equal(at, r->base);
}

/* ---- The model ---- */

/* vmar.md 2: rights of the new handle */
REGIONS(a_new_handle_has_the_rights_of_its_flags) {
  static const struct {
    zx_vm_option_t options;
    zx_rights_t rights;
  } cases[] = {
      {0, 0x208003},
      {ZX_VM_CAN_MAP_SPECIFIC, 0x208003},
      {ZX_VM_CAN_MAP_READ, 0x208007},
      {ZX_VM_CAN_MAP_WRITE, 0x20800b},
      {ZX_VM_CAN_MAP_EXECUTE, 0x208013},
      {ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE, 0x20801f},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    zx_info_handle_basic_t info;
    struct region* r = make_region_with(cases[i].options, 1);
    check_ok(zx_object_get_info(r->vmar, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL));
    check_equal(info.rights, cases[i].rights);
    check_equal(info.type, ZX_OBJ_TYPE_VMAR);
    check_equal(info.related_koid, 0);
  }
  zx_info_handle_basic_t info;
  check_ok(zx_object_get_info(zx_vmar_root_self(), ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL,
                              NULL));
  check_equal(info.rights, 0x20801f);
}

/* vmar.md 1.5: the same value at each call */
REGIONS(the_root_is_one_handle) {
  check_true(zx_vmar_root_self() != ZX_HANDLE_INVALID);
  check_equal(zx_vmar_root_self(), zx_vmar_root_self());
}

/* vmar.md 1.2: a destroyed region's handle stays, and answers what is not about addresses */
REGIONS(a_destroyed_region_keeps_its_handle) {
  struct region* r = make_region(4);
  const zx_handle_t a = tagged("1");
  check_ok(zx_vmar_destroy(r->vmar));
  check_ok(zx_object_get_info(r->vmar, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL));
  zx_info_handle_basic_t info;
  check_ok(zx_object_get_info(r->vmar, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL));
  check_status(allocate(r, 0, 0, PAGE), ZX_ERR_BAD_STATE);
  check_status(try_map(r, READ, 0, a, 0, 1), ZX_ERR_BAD_STATE);
  check_status(try_unmap(r, 0, 1), ZX_ERR_BAD_STATE);
  check_status(try_protect(r, READ, 0, 1), ZX_ERR_BAD_STATE);
  check_status(try_op(r, ZX_VMAR_OP_COMMIT, 0, 1), ZX_ERR_BAD_STATE);
  check_status(zx_vmar_destroy(r->vmar), ZX_ERR_BAD_STATE);
  check_true(is_destroyed(r));
}

/* vmar.md 1.3: handles do not hold a place */
REGIONS(a_region_without_handles_keeps_place_and_mappings) {
  struct region* r = make_region(8);
  zx_handle_t child = ZX_HANDLE_INVALID;
  zx_vaddr_t at = 0;
  check_ok(zx_vmar_allocate(r->vmar, USUAL | ZX_VM_SPECIFIC, 2 * PAGE, 4 * PAGE, &child, &at));
  const struct region s = {.vmar = child, .base = at, .pages = 4};
  map_at(&s, 1, tagged("56"), 0, 2);
  check_ok(zx_handle_close(child));
  expect_shows(r, "xxx56xxx");
  check_status(allocate(r, ZX_VM_SPECIFIC, 2 * PAGE, PAGE), ZX_ERR_ALREADY_EXISTS);
  check_ok(try_unmap(r, 2, 4));
  expect_shows(r, "xxxxxxxx");
  check_ok(allocate(r, ZX_VM_SPECIFIC, 2 * PAGE, PAGE));
}

/* vmar.md 1.1, 1.4: offsets count from the region named by the handle, to any depth */
REGIONS(regions_nest_deep) {
  enum {
    DEPTH = 1000
  };
  struct region* r = make_region(DEPTH + 1);
  for (uint64_t i = 0; i < DEPTH; i++) {
    struct region* inner = make_region_in(r, 1, r->pages - 1);
    check_equal(inner->base, r->base + PAGE);
    r = inner;
  }
  map_at(r, 0, tagged("7"), 0, 1);
  expect_shows(r, "7");
}

/* vmar.md 14.2: an address outside is out of the root's range */
REGIONS(the_rest_of_the_process_is_out_of_bounds) {
  static uint8_t own[3 * 4096];
  const struct region root = root_region();
  const zx_vaddr_t mine = ((zx_vaddr_t)own + PAGE) & ~(PAGE - 1);
  check_status(zx_vmar_unmap(root.vmar, mine, PAGE), ZX_ERR_INVALID_ARGS);
  check_status(zx_vmar_protect(root.vmar, READ, mine, PAGE), ZX_ERR_INVALID_ARGS);
  check_status(zx_vmar_op_range(root.vmar, ZX_VMAR_OP_COMMIT, mine, PAGE, NULL, 0),
               ZX_ERR_OUT_OF_RANGE);
  const uint64_t end = root.pages * PAGE;
  check_status(allocate(&root, ZX_VM_SPECIFIC, end, PAGE), ZX_ERR_INVALID_ARGS);
  check_status(zx_vmar_unmap(root.vmar, root.base + end, PAGE), ZX_ERR_INVALID_ARGS);
  check_status(zx_vmar_unmap(root.vmar, root.base - PAGE, 2 * PAGE), ZX_ERR_INVALID_ARGS);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(the_handle_is_looked_at_first),
      TEST(a_permission_asked_for_needs_its_right),
      TEST(options_of_other_calls_are_refused),
      TEST(a_size_that_is_no_multiple_of_the_page_is_refused),
      TEST(a_destroyed_parent_is_found_before_an_empty_size),
      TEST(a_child_gets_no_more_than_its_parent_allows),
      TEST(a_place_is_fixed_or_limited_or_free),
      TEST(places_have_to_be_allowed),
      TEST(what_reaches_out_of_the_parent_is_refused),
      TEST(a_fixed_place_has_to_be_aligned_as_asked),
      TEST(a_fixed_place_must_touch_nobody),
      TEST(no_room_is_no_resources),
      TEST(every_place_below_a_limit_is_used),
      TEST(every_alignment_can_be_had),
      TEST(missing_outputs_leave_no_region_behind),
      TEST(a_new_handle_has_the_rights_of_its_flags),
      TEST(the_root_is_one_handle),
      TEST(a_destroyed_region_keeps_its_handle),
      TEST(a_region_without_handles_keeps_place_and_mappings),
      TEST(regions_nest_deep),
      TEST(the_rest_of_the_process_is_out_of_bounds),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
