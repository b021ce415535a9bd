/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_vmar_map: vmar.md 5. Replacing is in test_vmar_overwrite, rights in test_vmar_rights. */
#include <string.h>

#include "regions.h"

/* All arguments, in bytes. */
static zx_status_t map_bytes(const struct region* r, zx_vm_option_t options, uint64_t offset,
                             zx_handle_t vmo, uint64_t vmo_offset, uint64_t length) {
  zx_vaddr_t at = 0;
  return zx_vmar_map(r->vmar, options, offset, vmo, vmo_offset, length, &at);
}

/* ---- The checks, row by row; where two apply the earlier one wins ---- */

/* vmar.md 5.1, rows 1 and 2 */
REGIONS(the_region_is_looked_at_before_the_vmo) {
  struct region* r = make_region(8);
  struct region bad = *r;
  bad.vmar = ZX_HANDLE_INVALID;
  const zx_handle_t vmo = make_vmo(1);
  check_status(try_map(&bad, WRITE, 0, ZX_HANDLE_INVALID, 0, 1), ZX_ERR_BAD_HANDLE);
  bad.vmar = vmo;
  check_status(try_map(&bad, WRITE, 0, ZX_HANDLE_INVALID, 0, 1), ZX_ERR_WRONG_TYPE);
  check_status(try_map(r, WRITE, 0, ZX_HANDLE_INVALID, 0, 1), ZX_ERR_BAD_HANDLE);
  check_status(try_map(r, WRITE, 0, fx.port, 0, 1), ZX_ERR_WRONG_TYPE);
}

/* vmar.md 5.1, row 4: also when no permission is asked for, and before bad options */
REGIONS(the_vmo_handle_must_allow_mapping) {
  struct region* r = make_region(8);
  const zx_handle_t vmo = make_vmo(1);
  const zx_handle_t no_map = duplicate_with(vmo, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_MAP);
  check_status(try_map(r, 0, 0, no_map, 0, 1), ZX_ERR_ACCESS_DENIED);
  check_status(try_map(r, WRITE | 1u << 20, 0, no_map, 0, 1), ZX_ERR_ACCESS_DENIED);
}

/* vmar.md 5.1, row 5: before the missing right of row 8 */
REGIONS(writing_and_executing_need_reading) {
  struct region* r = make_region(8);
  const zx_handle_t vmo = make_vmo(1);
  const zx_handle_t no_write = duplicate_with(vmo, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_WRITE);
  check_status(try_map(r, WRITE, 0, vmo, 0, 1), ZX_ERR_INVALID_ARGS);
  check_status(try_map(r, EXECUTE, 0, vmo, 0, 1), ZX_ERR_INVALID_ARGS);
  check_status(try_map(r, WRITE | EXECUTE, 0, vmo, 0, 1), ZX_ERR_INVALID_ARGS);
  check_status(try_map(r, WRITE, 0, no_write, 0, 1), ZX_ERR_INVALID_ARGS);
}

/* vmar.md 3, bit 14: execute-only memory does not exist, so it always adds reading */
REGIONS(reading_is_added_where_execute_only_memory_does_not_exist) {
  struct region* r = make_region(4);
  const zx_handle_t vmo = tagged("5");
  const zx_vm_option_t xom = ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED;
  check_ok(try_map(r, WRITE | xom | ZX_VM_SPECIFIC, 0, vmo, 0, 1));
  check_ok(try_map(r, xom | ZX_VM_SPECIFIC, 1, vmo, 0, 1));
  expect_shows(r, "55xx");
  expect_stores(r, ".xxx");
  const zx_handle_t no_read = duplicate_with(vmo, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_READ);
  check_status(try_map(r, xom, 0, no_read, 0, 1), ZX_ERR_ACCESS_DENIED);
}

/* vmar.md 5.1, rows 6 and 7 */
REGIONS(options_that_contradict_are_refused) {
  struct region* r = make_region(8);
  const zx_handle_t vmo = make_vmo(1);
  const zx_handle_t no_write = duplicate_with(vmo, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_WRITE);
  const zx_vm_option_t both = ZX_VM_MAP_RANGE | ZX_VM_SPECIFIC_OVERWRITE;
  check_status(try_map(r, READ | both, 0, vmo, 0, 1), ZX_ERR_INVALID_ARGS);
  check_status(try_map(r, RW | both, 0, no_write, 0, 1), ZX_ERR_INVALID_ARGS);
  static const zx_vm_option_t can[] = {ZX_VM_CAN_MAP_READ, ZX_VM_CAN_MAP_WRITE,
                                       ZX_VM_CAN_MAP_EXECUTE};
  for (size_t i = 0; i < 3; i++) {
    check_status(try_map(r, READ | can[i], 0, vmo, 0, 1), ZX_ERR_INVALID_ARGS);
    check_status(try_map(r, RW | can[i], 0, no_write, 0, 1), ZX_ERR_INVALID_ARGS);
  }
}

/* vmar.md 5.1, row 8: before rows 9 and 10 */
REGIONS(a_missing_right_is_found_before_an_unknown_option) {
  struct region* r = make_region(8);
  const zx_handle_t vmo = make_vmo(1);
  const zx_handle_t no_write = duplicate_with(vmo, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_WRITE);
  const struct region no_write_region = by_handle(r, ZX_RIGHT_READ);
  check_status(try_map(r, RW | 1u << 16, 0, no_write, 0, 1), ZX_ERR_ACCESS_DENIED);
  check_status(try_map(&no_write_region, RW | 1u << 16, 0, vmo, 0, 1), ZX_ERR_ACCESS_DENIED);
  check_status(try_map(r, RW | ZX_VM_FAULT_BEYOND_STREAM_SIZE, 0, no_write, 0, 1),
               ZX_ERR_ACCESS_DENIED);
}

/* vmar.md 5.1, row 9: before row 11 */
REGIONS(faults_beyond_the_stream_size_have_to_be_allowed) {
  struct region* r = make_region(8);
  const zx_handle_t vmo = make_resizable_vmo(1);
  check_status(try_map(r, READ | ZX_VM_FAULT_BEYOND_STREAM_SIZE, 0, vmo, 0, 1),
               ZX_ERR_INVALID_ARGS);
  check_status(
      try_map(r, READ | ZX_VM_FAULT_BEYOND_STREAM_SIZE | ZX_VM_REQUIRE_NON_RESIZABLE, 0, vmo, 0, 1),
      ZX_ERR_INVALID_ARGS);
  check_ok(try_map(r, READ | ZX_VM_FAULT_BEYOND_STREAM_SIZE | ZX_VM_ALLOW_FAULTS, 0, vmo, 0, 1));
}

/* vmar.md 5.1, row 10: before row 11 */
REGIONS(unknown_options_are_refused) {
  struct region* r = make_region(8);
  const zx_handle_t vmo = make_resizable_vmo(1);
  const zx_vm_option_t late = READ | ZX_VM_REQUIRE_NON_RESIZABLE;
  for (unsigned bit = 16; bit < 24; bit++) {
    check_status(try_map(r, late | 1u << bit, 0, vmo, 0, 1), ZX_ERR_INVALID_ARGS);
  }
  for (zx_vm_option_t exponent = 1; exponent < 256; exponent++) {
    if (exponent >= 10 && exponent <= 32) continue;
    check_status(try_map(r, late | exponent << ZX_VM_ALIGN_BASE, 0, vmo, 0, 1),
                 ZX_ERR_INVALID_ARGS);
  }
}

/* vmar.md 5.1, rows 11 and 12: before row 13 */
REGIONS(a_vmo_of_the_wrong_kind_is_not_supported) {
  struct region* r = make_region(8);
  const zx_handle_t fixed = make_vmo(1);
  const zx_handle_t resizable = make_resizable_vmo(1);
  const zx_handle_t discardable = tagged_with(ZX_VMO_DISCARDABLE, "4");
  check_ok(try_map(r, READ | ZX_VM_REQUIRE_NON_RESIZABLE, 0, fixed, 0, 1));
  check_ok(try_map(r, READ, 0, resizable, 0, 1));
  check_status(try_map(r, READ | ZX_VM_REQUIRE_NON_RESIZABLE, 0, resizable, 0, 1),
               ZX_ERR_NOT_SUPPORTED);
  check_status(try_map(r, READ | ZX_VM_REQUIRE_NON_RESIZABLE | ZX_VM_COMPACT, 0, resizable, 0, 1),
               ZX_ERR_NOT_SUPPORTED);
  check_status(try_map(r, READ, 0, discardable, 0, 1), ZX_ERR_NOT_SUPPORTED);
  check_status(try_map(r, READ | ZX_VM_COMPACT, 0, discardable, 0, 1), ZX_ERR_NOT_SUPPORTED);
  check_ok(try_map(r, READ | ZX_VM_ALLOW_FAULTS, 0, discardable, 0, 1));
}

/* vmar.md 5.1, row 13: before row 14 */
REGIONS(options_of_regions_and_misaligned_offsets_are_refused) {
  struct region* r = make_region(8);
  const zx_handle_t vmo = make_vmo(1);
  check_status(map_bytes(r, READ | ZX_VM_COMPACT, 0, vmo, 0, UINT64_MAX), ZX_ERR_INVALID_ARGS);
  check_status(map_bytes(r, READ | ZX_VM_CAN_MAP_SPECIFIC, 0, vmo, 0, UINT64_MAX),
               ZX_ERR_INVALID_ARGS);
  check_status(map_bytes(r, READ, 0, vmo, 1, UINT64_MAX), ZX_ERR_INVALID_ARGS);
}

/* vmar.md 5.1, row 14: before row 15 */
REGIONS(a_range_that_overflows_is_out_of_range) {
  struct region* r = make_region(8);
  const zx_handle_t vmo = make_vmo(1);
  check_ok(zx_vmar_destroy(r->vmar));
  check_status(map_bytes(r, READ, 0, vmo, 0, UINT64_MAX), ZX_ERR_OUT_OF_RANGE);
  check_status(map_bytes(r, READ, 0, vmo, 0, UINT64_MAX - PAGE + 2), ZX_ERR_OUT_OF_RANGE);
  /* A sum of exactly 2^64 too. */
  check_status(map_bytes(r, READ, 0, vmo, 0 - PAGE, PAGE), ZX_ERR_OUT_OF_RANGE);
  check_status(map_bytes(r, READ, 0, vmo, 0 - 2 * PAGE, 3 * PAGE), ZX_ERR_OUT_OF_RANGE);
  check_status(map_bytes(r, READ, 0, vmo, 0 - 2 * PAGE, PAGE), ZX_ERR_BAD_STATE);
}

/* vmar.md 5.1, rows 15 and 16 */
REGIONS(a_destroyed_region_is_found_before_an_empty_length) {
  struct region* r = make_region(8);
  const zx_handle_t vmo = make_vmo(1);
  check_status(map_bytes(r, READ, 0, vmo, 0, 0), ZX_ERR_INVALID_ARGS);
  check_status(map_bytes(r, READ, 3, vmo, 0, 0), ZX_ERR_INVALID_ARGS);
  check_ok(zx_vmar_destroy(r->vmar));
  check_status(map_bytes(r, READ, 0, vmo, 0, 0), ZX_ERR_BAD_STATE);
}

/* vmar.md 5.1, row 18: as allocate, rows 7 to 12 */
REGIONS(places_are_chosen_as_for_regions) {
  make_region(1);
  struct region* r = make_region(16);
  struct region* no_places = make_region_with(ZX_VM_CAN_MAP_READ, 16);
  const zx_handle_t vmo = make_vmo(4);
  const zx_vm_option_t limit = READ | ZX_VM_OFFSET_IS_UPPER_LIMIT;
  static const zx_vm_option_t fixed[] = {ZX_VM_SPECIFIC, ZX_VM_SPECIFIC_OVERWRITE};
  check_status(map_bytes(r, READ, PAGE, vmo, 0, PAGE), ZX_ERR_INVALID_ARGS);
  check_status(map_bytes(no_places, limit, PAGE, vmo, 0, PAGE), ZX_ERR_ACCESS_DENIED);
  check_status(map_bytes(r, limit, 17 * PAGE, vmo, 0, PAGE), ZX_ERR_INVALID_ARGS);
  check_status(map_bytes(r, limit, PAGE, vmo, 0, PAGE + 1), ZX_ERR_INVALID_ARGS);
  check_status(map_bytes(r, READ, 0, vmo, 0, 16 * PAGE + 1), ZX_ERR_INVALID_ARGS);
  for (size_t i = 0; i < 2; i++) {
    const zx_vm_option_t options = READ | fixed[i];
    check_status(map_bytes(r, options | ZX_VM_OFFSET_IS_UPPER_LIMIT, 0, vmo, 0, PAGE),
                 ZX_ERR_INVALID_ARGS);
    check_status(map_bytes(r, options, 1, vmo, 0, PAGE), ZX_ERR_INVALID_ARGS);
    check_status(map_bytes(no_places, options, 0, vmo, 0, PAGE), ZX_ERR_ACCESS_DENIED);
    check_status(map_bytes(r, options, 15 * PAGE, vmo, 0, PAGE + 1), ZX_ERR_INVALID_ARGS);
    check_status(map_bytes(r, options, 16 * PAGE, vmo, 0, PAGE), ZX_ERR_INVALID_ARGS);
    check_status(map_bytes(r, options | ZX_VM_ALIGN_4GB, 0, vmo, 0, PAGE), ZX_ERR_INVALID_ARGS);
  }
  check_ok(map_bytes(r, READ | ZX_VM_SPECIFIC, 4 * PAGE, vmo, 0, 4 * PAGE));
  check_status(map_bytes(r, READ | ZX_VM_SPECIFIC, 7 * PAGE, vmo, 0, PAGE), ZX_ERR_ALREADY_EXISTS);
  check_status(map_bytes(r, READ, 0, vmo, 0, 9 * PAGE), ZX_ERR_NO_RESOURCES);
  check_ok(map_bytes(r, READ, 0, vmo, 0, 8 * PAGE));
}

/* ---- What a mapping is ---- */

/* vmar.md 5.2: as if the caller had given the rounded value */
REGIONS(a_length_is_rounded_up_to_pages) {
  struct region* r = make_region(4);
  const zx_handle_t vmo = tagged("12345");
  check_ok(map_bytes(r, RW | ZX_VM_SPECIFIC, PAGE, vmo, 2 * PAGE, PAGE + 1));
  expect_shows(r, "x34x");
  expect_stores(r, "x..x");
  expect_maps(r, "region 0+4/ rw 1+2 @2");
  check_equal(mappings_of(vmo), 1);
}

/* vmar.md 3: a valid request, that holds its place, its VMO and its max permissions */
REGIONS(a_mapping_without_permissions_faults_on_every_access) {
  struct region* r = make_region(2);
  zx_handle_t vmo = tagged("12");
  check_ok(try_map(r, ZX_VM_SPECIFIC, 0, vmo, 0, 2));
  expect_shows(r, "xx");
  expect_stores(r, "xx");
  check_status(try_map(r, READ | ZX_VM_SPECIFIC, 0, vmo, 0, 1), ZX_ERR_ALREADY_EXISTS);
  drop(&vmo);
  check_ok(try_protect(r, RW, 0, 2));
  expect_shows(r, "12");
  expect_stores(r, "..");
}

/* vmar.md 5.5 */
REGIONS(a_fixed_place_that_is_taken_changes_nothing) {
  struct region* r = make_region(8);
  const zx_handle_t a = tagged("1234");
  const zx_handle_t b = tagged("5678");
  map_at(r, 2, a, 0, 4);
  check_status(try_map(r, READ | ZX_VM_SPECIFIC, 0, b, 0, 3), ZX_ERR_ALREADY_EXISTS);
  check_status(try_map(r, READ | ZX_VM_SPECIFIC, 5, b, 0, 3), ZX_ERR_ALREADY_EXISTS);
  check_status(try_map(r, READ | ZX_VM_SPECIFIC, 0, b, 0, 8), ZX_ERR_ALREADY_EXISTS);
  make_region_in(r, 7, 1);
  check_status(try_map(r, READ | ZX_VM_SPECIFIC, 7, b, 0, 1), ZX_ERR_ALREADY_EXISTS);
  expect_shows(r, "xx1234xx");
  check_equal(mappings_of(a), 1);
  check_equal(mappings_of(b), 0);
}

/* vmar.md 5.7, 15 S11: any kind of VMO, as far as one likes, and without being asked to allow
 * faults */
REGIONS(s11_a_vmo_may_be_mapped_past_its_end) {
  struct region* r = make_region(4);
  const zx_handle_t a = tagged("12");
  map_at(r, 0, a, 0, 4);
  expect_shows(r, "12BB");
  expect_stores(r, "..BB");
  struct region* q = make_region(4);
  check_ok(try_map(q, READ | ZX_VM_SPECIFIC, 0, a, 0, 4));
  expect_shows(q, "12BB");
  expect_stores(q, "xxxx");
  check_ok(try_unmap(r, 2, 2));
  expect_shows(r, "12xx");
  /* Wholly past the end, up to the last page that an offset can name. */
  struct region* far = make_region(4);
  check_ok(try_map(far, RW | ZX_VM_SPECIFIC, 0, a, 2, 2));
  check_ok(map_bytes(far, RW | ZX_VM_SPECIFIC, 2 * PAGE, a, 0 - 3 * PAGE, 2 * PAGE));
  expect_shows(far, "BBBB");
  expect_stores(far, "BBBB");
}

/* vmar.md 5.7: an unbounded VMO to its end and past it */
REGIONS(the_end_of_an_unbounded_vmo_can_be_mapped) {
  struct region* r = make_region(4);
  zx_handle_t vmo = ZX_HANDLE_INVALID;
  uint64_t size = 0;
  check_ok(zx_vmo_create(0, ZX_VMO_UNBOUNDED, &vmo));
  keep(vmo);
  check_ok(zx_vmo_get_size(vmo, &size));
  check_ok(map_bytes(r, RW | ZX_VM_SPECIFIC, 0, vmo, size - 2 * PAGE, 4 * PAGE));
  expect_shows(r, "00BB");
  memset(page_of(r, 1), 6, PAGE);
  expect_shows(r, "06BB");
}

/* vmar.md 5.8: no visible effect: it commits nothing, asks no pager, skips what lies past the
 * end */
REGIONS(populating_at_once_cannot_be_seen) {
  struct region* r = make_region(8);
  const zx_handle_t a = tagged("1020");
  const uint64_t before = committed_pages(a);
  check_ok(try_map(r, RW | ZX_VM_SPECIFIC | ZX_VM_MAP_RANGE, 0, a, 0, 6));
  check_equal(committed_pages(a), before);
  expect_shows(r, "1020BB");
  need_mappings();
  struct root* v = make_root(2);
  const uint64_t waits = waits_now();
  check_ok(try_map(r, RW | ZX_VM_SPECIFIC | ZX_VM_MAP_RANGE, 6, v->vmo, 0, 2));
  check_equal(waits_now(), waits);
  expect_nothing();
  /* No more permission than asked. */
  struct region* q = make_region(2);
  check_ok(try_map(q, READ | ZX_VM_SPECIFIC | ZX_VM_MAP_RANGE, 0, a, 0, 1));
  check_ok(try_map(q, ZX_VM_SPECIFIC | ZX_VM_MAP_RANGE, 1, a, 0, 1));
  expect_shows(q, "1x");
  expect_stores(q, "xx");
}

/* vmar.md 5.10, choice: the offset into the VMO counts with a limit, too */
REGIONS(a_limit_leaves_the_vmo_offset_alone) {
  struct region* r = make_region(8);
  const zx_handle_t a = tagged("1234");
  zx_vaddr_t at = 0;
  check_ok(zx_vmar_map(r->vmar, READ | ZX_VM_OFFSET_IS_UPPER_LIMIT, 4 * PAGE, a, 2 * PAGE, 2 * PAGE,
                       &at));
  check_true(at >= r->base && at <= r->base + 2 * PAGE);
  expect_shows_address(at, "34");
}

/* vmar.md 15 S9 */
REGIONS(s9_limits_at_and_beyond_the_region) {
  struct region* r = make_region(20);
  const zx_handle_t a = make_vmo(20);
  const zx_vm_option_t limit = READ | ZX_VM_OFFSET_IS_UPPER_LIMIT;
  zx_vaddr_t at = 0;
  check_status(map_bytes(r, limit, 21 * PAGE, a, 0, PAGE), ZX_ERR_INVALID_ARGS);
  check_status(map_bytes(r, limit, PAGE, a, 0, 2 * PAGE), ZX_ERR_INVALID_ARGS);
  check_ok(zx_vmar_map(r->vmar, limit, 20 * PAGE, a, 0, 20 * PAGE, &at));
  check_equal(at, r->base);
}

/* vmar.md 5.11 */
REGIONS(a_missing_address_leaves_nothing_mapped) {
  struct region* r = make_region(4);
  const zx_handle_t a = tagged("1234");
  check_status(zx_vmar_map(r->vmar, READ, 0, a, 0, PAGE, NULL), ZX_ERR_INVALID_ARGS);
  check_equal(mappings_of(a), 0);
  /* Nor does one that cannot be written. */
  struct region* hole = make_region(1);
  check_status(zx_vmar_map(r->vmar, READ, 0, a, 0, PAGE, (zx_vaddr_t*)hole->base),
               ZX_ERR_INVALID_ARGS);
  check_equal(mappings_of(a), 0);
  map_at(r, 0, a, 0, 4);
}

/* vmar.md 5.12, choice */
REGIONS(other_things_to_map_are_not_supported) {
  struct region* r = make_region(4);
  zx_vaddr_t at = 0;
  check_status(zx_vmar_map_iob(r->vmar, READ, 0, ZX_HANDLE_INVALID, 0, 0, PAGE, &at),
               ZX_ERR_NOT_SUPPORTED);
  check_status(zx_vmar_map_clock(r->vmar, READ, 0, ZX_HANDLE_INVALID, PAGE, &at),
               ZX_ERR_NOT_SUPPORTED);
}

/* vmar.md 5.4: only after zx_vmo_replace_as_executable */
REGIONS(executing_needs_an_executable_handle) {
#if defined(__x86_64__)
  struct region* r = make_region_with(USUAL | ZX_VM_CAN_MAP_EXECUTE, 2);
  static const uint8_t code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */
  zx_handle_t vmo = make_vmo(1);
  check_ok(zx_vmo_write(vmo, code, 0, sizeof(code)));
  check_status(try_map(r, READ | EXECUTE, 0, vmo, 0, 1), ZX_ERR_ACCESS_DENIED);
  zx_handle_t copy = ZX_HANDLE_INVALID; /* the call takes it */
  zx_handle_t executable = ZX_HANDLE_INVALID;
  check_ok(zx_handle_duplicate(vmo, ZX_RIGHT_SAME_RIGHTS, &copy));
  check_ok(zx_vmo_replace_as_executable(copy, ZX_HANDLE_INVALID, &executable));
  keep(executable);
  const zx_status_t status = try_map(r, READ | EXECUTE | ZX_VM_SPECIFIC, 0, executable, 0, 1);
  if (status == ZX_ERR_ACCESS_DENIED) {
    scenario_skip("this system forbids executable shared memory"); /* vmar.md 14.10 */
  }
  check_ok(status);
  int (*function)(void);
  const void* at = page_of(r, 0);
  memcpy(&function, &at, sizeof(function));
  check_equal((uint64_t)function(), 42);
#else
  scenario_skip("machine code for x86-64");
#endif
}

/* vmar.md 10.6 */
REGIONS(a_mapping_keeps_its_vmo) {
  struct region* r = make_region(2);
  zx_handle_t vmo = tagged("34");
  map_at(r, 0, vmo, 0, 2);
  drop(&vmo);
  expect_shows(r, "34");
  memset(page_of(r, 0), 9, PAGE);
  expect_shows(r, "94");
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(the_region_is_looked_at_before_the_vmo),
      TEST(the_vmo_handle_must_allow_mapping),
      TEST(writing_and_executing_need_reading),
      TEST(reading_is_added_where_execute_only_memory_does_not_exist),
      TEST(options_that_contradict_are_refused),
      TEST(a_missing_right_is_found_before_an_unknown_option),
      TEST(faults_beyond_the_stream_size_have_to_be_allowed),
      TEST(unknown_options_are_refused),
      TEST(a_vmo_of_the_wrong_kind_is_not_supported),
      TEST(options_of_regions_and_misaligned_offsets_are_refused),
      TEST(a_range_that_overflows_is_out_of_range),
      TEST(a_destroyed_region_is_found_before_an_empty_length),
      TEST(places_are_chosen_as_for_regions),
      TEST(a_length_is_rounded_up_to_pages),
      TEST(a_mapping_without_permissions_faults_on_every_access),
      TEST(a_fixed_place_that_is_taken_changes_nothing),
      TEST(s11_a_vmo_may_be_mapped_past_its_end),
      TEST(the_end_of_an_unbounded_vmo_can_be_mapped),
      TEST(populating_at_once_cannot_be_seen),
      TEST(a_limit_leaves_the_vmo_offset_alone),
      TEST(s9_limits_at_and_beyond_the_region),
      TEST(a_missing_address_leaves_nothing_mapped),
      TEST(other_things_to_map_are_not_supported),
      TEST(executing_needs_an_executable_handle),
      TEST(a_mapping_keeps_its_vmo),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
