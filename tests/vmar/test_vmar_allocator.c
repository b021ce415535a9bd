/* SPDX-License-Identifier: BSD-3-Clause */
/* What allocators, loaders and engines written for Zircon do around the region calls: vmar.md 3 to
 * 8. */
#include <string.h>

#include "regions.h"

#define GIB (UINT64_C(1) << 30)

/* A heap reserves tens of GiB without permissions, over a VMO of size 0, and commits pieces by
 * overwriting them. */
REGIONS(a_reservation_is_a_mapping_of_an_empty_vmo) {
  const uint64_t length = 32 * GIB;
  struct region root = root_region();
  zx_handle_t none = make_vmo(0);
  zx_vaddr_t heap = 0;
  check_ok(zx_vmar_map(root.vmar, ZX_VM_ALIGN_1GB, 0, none, 0, length, &heap));
  check_equal(heap % GIB, 0);
  drop(&none); /* the mapping goes on */
  const struct region r = {.vmar = root.vmar, .base = heap, .pages = length / PAGE};
  expect_shows(&r, "xx");
  expect_shows_from(&r, r.pages - 1, "x");

  /* A piece at either end and some in the middle, a VMO each; offsets count from the root's
   * base. */
  static const uint64_t pieces[] = {0, 5, 6, 70000, 1048576, 32 * 262144 - 4};
  for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
    zx_handle_t piece = make_vmo(4);
    zx_vaddr_t at = 0;
    check_ok(zx_vmar_map(root.vmar, RW | ZX_VM_SPECIFIC_OVERWRITE,
                         heap + pieces[i] * PAGE - root.base, piece, 0, 4 * PAGE, &at));
    check_equal(at, heap + pieces[i] * PAGE);
    drop(&piece);
    memset(page_of(&r, pieces[i]), 3, 4 * PAGE);
    expect_shows_from(&r, pieces[i], "3333");
  }
  expect_shows(&r, "3333x33333x");

  /* A piece is given up by overwriting it with nothing again, or unmapped for good. */
  zx_handle_t again = make_vmo(0);
  zx_vaddr_t at = 0;
  check_ok(zx_vmar_map(root.vmar, ZX_VM_SPECIFIC_OVERWRITE, heap + 5 * PAGE - root.base, again, 0,
                       5 * PAGE, &at));
  drop(&again);
  expect_shows(&r, "3333xxxxxxx");
  check_ok(zx_vmar_unmap(root.vmar, heap + 70000 * PAGE, 2 * PAGE));
  expect_shows_from(&r, 70000, "xx33x");
  check_ok(zx_vmar_unmap(root.vmar, heap, length));
  expect_shows(&r, "xx");
}

/* A region of its own to hand out parts of: reserved as one, mapped by offset. */
REGIONS(a_cage_hands_out_its_parts) {
  zx_handle_t cage = ZX_HANDLE_INVALID;
  zx_vaddr_t base = 0;
  const uint64_t size = 4 * GIB;
  check_ok(zx_vmar_allocate(zx_vmar_root_self(), USUAL | ZX_VM_ALIGN_4GB, 0, size, &cage, &base));
  keep(cage);
  const struct region r = {.vmar = cage, .base = base, .pages = size / PAGE};
  check_equal(base % (4 * GIB), 0);
  const zx_handle_t a = tagged("12");
  map_at(&r, r.pages - 2, a, 0, 2);
  map_at(&r, 100000, a, 0, 2);
  check_status(try_map(&r, RW | ZX_VM_SPECIFIC, 100001, a, 0, 1), ZX_ERR_ALREADY_EXISTS);
  expect_shows_from(&r, r.pages - 2, "12");
  /* A hint that is taken: then anywhere. */
  zx_vaddr_t at = 0;
  check_ok(zx_vmar_map(cage, RW | ZX_VM_ALIGN_2MB, 0, a, 0, 2 * PAGE, &at));
  check_equal(at % (2u << 20), 0);
  expect_shows_address(at, "12");
  check_ok(zx_vmar_destroy(cage));
  expect_shows_from(&r, 100000, "xx");
}

/* Guard pages: to nothing and back, and what was there is there. */
REGIONS(protecting_to_nothing_and_back_keeps_the_bytes) {
  struct region* r = make_region(8);
  const zx_handle_t a = make_vmo(8);
  map_at(r, 0, a, 0, 8);
  memset(page_of(r, 0), 4, 8 * PAGE);
  for (int i = 0; i < 20; i++) {
    check_ok(try_protect(r, 0, 2, 3));
    expect_shows(r, "44xxx444");
    check_ok(try_protect(r, READ, 3, 1));
    expect_shows(r, "44x4x444");
    check_ok(try_protect(r, RW, 0, 8));
    expect_stores(r, "........");
  }
  expect_shows(r, "44444444");
  check_equal(mappings_of(a), 1);
}

/* Memory is given back by the VMO's offset once its pages are unmapped, or by the region while they
 * are not. */
REGIONS(pages_are_given_back_after_unmapping) {
  struct region* r = make_region(8);
  const zx_handle_t heap = make_vmo(8);
  map_at(r, 0, heap, 0, 8);
  memset(page_of(r, 0), 6, 8 * PAGE);
  check_equal(committed_pages(heap), 8);
  check_ok(try_unmap(r, 2, 3));
  check_equal(committed_pages(heap), 8);
  check_ok(zx_vmo_op_range(heap, ZX_VMO_OP_DECOMMIT, 2 * PAGE, 3 * PAGE, NULL, 0));
  check_equal(committed_pages(heap), 5);
  check_ok(try_op(r, ZX_VMAR_OP_DECOMMIT, 6, 2));
  check_equal(committed_pages(heap), 3);
  map_at(r, 2, heap, 2, 3);
  expect_shows(r, "66000600");
}

/* A mapping larger than its VMO, and the VMO grown into it: a stack, a table, a log. */
REGIONS(a_vmo_grows_into_its_mapping) {
  enum {
    MOST = 64
  };
  struct region* r = make_region(MOST);
  zx_handle_t vmo = make_resizable_vmo(1);
  map_at(r, 0, vmo, 0, MOST);
  for (uint64_t pages = 1; pages <= MOST; pages++) {
    check_ok(zx_vmo_set_size(vmo, pages * PAGE));
    memset(page_of(r, pages - 1), 1, PAGE);
    expect_shows_from(r, pages - 1, pages < MOST ? "1B" : "1");
  }
  check_equal(committed_pages(vmo), MOST);
  drop(&vmo);
  expect_shows_from(r, MOST - 2, "11");
}

/* Code is written through one mapping and run through another. */
REGIONS(a_compiler_writes_and_runs_code) {
#if defined(__x86_64__)
  struct region* r = make_region_with(USUAL | ZX_VM_CAN_MAP_EXECUTE, 2);
  static const uint8_t code[] = {0xb8, 7, 0, 0, 0, 0xc3}; /* mov eax, 7; ret */
  zx_handle_t vmo = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create(PAGE, 0, &vmo));
  check_ok(zx_vmo_replace_as_executable(vmo, ZX_HANDLE_INVALID, &vmo));
  keep(vmo);
  map_at(r, 0, vmo, 0, 1);
  if (try_map(r, READ | EXECUTE | ZX_VM_SPECIFIC, 1, vmo, 0, 1) == ZX_ERR_ACCESS_DENIED) {
    scenario_skip("this system forbids executable shared memory");
  }
  memcpy(page_of(r, 0), code, sizeof(code));
  int (*function)(void);
  const void* at = page_of(r, 1);
  memcpy(&function, &at, sizeof(function));
  check_equal((uint64_t)function(), 7);
  page_of(r, 0)[1] = 9;
  check_equal((uint64_t)function(), 9);
  /* Or one mapping that is the one and then the other. */
  check_ok(try_protect(r, READ, 1, 1));
  check_ok(try_protect(r, READ | WRITE, 1, 1));
  page_of(r, 1)[1] = 11;
  check_ok(try_protect(r, READ | EXECUTE, 1, 1));
  check_equal((uint64_t)function(), 11);
#else
  scenario_skip("machine code for x86-64");
#endif
}

/* Names are set with and without the terminator counted. */
REGIONS(names_need_no_terminator) {
  static const char name[] = "partition_alloc";
  char got[ZX_MAX_NAME_LEN];
  const zx_handle_t vmo = make_vmo(1);
  check_ok(zx_object_set_property(vmo, ZX_PROP_NAME, name, sizeof(name) - 1));
  check_ok(zx_object_get_property(vmo, ZX_PROP_NAME, got, sizeof(got)));
  check_true(strcmp(got, name) == 0);
  check_ok(zx_object_set_property(vmo, ZX_PROP_NAME, "x", 2));
  check_ok(zx_object_get_property(vmo, ZX_PROP_NAME, got, sizeof(got)));
  check_true(strcmp(got, "x") == 0);
}

/* A fixed address is an offset from the base that ZX_INFO_VMAR tells. */
REGIONS(addresses_are_offsets_from_the_roots_base) {
  zx_info_vmar_t info;
  check_ok(zx_object_get_info(zx_vmar_root_self(), ZX_INFO_VMAR, &info, sizeof(info), NULL, NULL));
  struct region* r = make_region(8); /* an address that is certainly free, once it is gone */
  const zx_vaddr_t want = r->base + 3 * PAGE;
  check_ok(zx_vmar_destroy(r->vmar));
  zx_vaddr_t at = 0;
  const zx_handle_t a = tagged("5");
  check_ok(
      zx_vmar_map(zx_vmar_root_self(), RW | ZX_VM_SPECIFIC, want - info.base, a, 0, PAGE, &at));
  check_equal(at, want);
  expect_shows_address(at, "5");
  check_ok(zx_vmar_unmap(zx_vmar_root_self(), at, PAGE));
}

/* A loader reserves a region for a library's segments and maps each with its own permissions; data
 * is a snapshot. */
REGIONS(a_loader_maps_segments) {
  need_mappings();
  const zx_handle_t file = tagged("123456");
  struct region* lib = make_region_with(USUAL, 8);
  zx_handle_t data = ZX_HANDLE_INVALID;
  map_with_at(lib, READ, 0, file, 0, 3);
  check_ok(zx_vmo_create_child(file, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE, 3 * PAGE, 2 * PAGE,
                               &data));
  map_at(lib, 4, data, 0, 2);
  check_ok(zx_handle_close(data));
  struct region weak = by_handle(lib, ZX_RIGHT_READ | ZX_RIGHT_TRANSFER);
  expect_shows(lib, "123x45xx");
  memset(page_of(lib, 4), 9, PAGE);
  expect_shows(lib, "123x95xx");
  expect_tags(file, "123456");
  check_ok(try_protect(lib, READ, 4, 1)); /* after relocation */
  expect_stores(lib, "xxxxx.xx");
  check_status(try_protect(&weak, RW, 4, 1), ZX_ERR_ACCESS_DENIED);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(a_reservation_is_a_mapping_of_an_empty_vmo),
      TEST(a_cage_hands_out_its_parts),
      TEST(protecting_to_nothing_and_back_keeps_the_bytes),
      TEST(pages_are_given_back_after_unmapping),
      TEST(a_vmo_grows_into_its_mapping),
      TEST(a_compiler_writes_and_runs_code),
      TEST(names_need_no_terminator),
      TEST(addresses_are_offsets_from_the_roots_base),
      TEST(a_loader_maps_segments),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
