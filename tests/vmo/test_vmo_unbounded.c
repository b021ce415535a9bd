/* SPDX-License-Identifier: BSD-3-Clause */
/* VMOs of the largest size, and offsets near 2^64: vmo.md 2, 6, 16, scenarios S8 and S21. */
#include <string.h>

#include "tagged.h"

#define MAX_SIZE UINT64_C(0xFFFFFFFFFFFE0000)

static zx_handle_t unbounded(uint64_t stream_size) {
  zx_handle_t out = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create(stream_size, ZX_VMO_UNBOUNDED, &out));
  return keep(out);
}

static uint8_t byte_at(zx_handle_t vmo, uint64_t offset) {
  uint8_t byte = 0;
  check_ok(zx_vmo_read(vmo, &byte, offset, 1));
  return byte;
}

static void set_byte(zx_handle_t vmo, uint64_t offset, uint8_t byte) {
  check_ok(zx_vmo_write(vmo, &byte, offset, 1));
}

/* vmo.md 17 S8 */
SCENARIO(s8_the_place_in_the_root_bounds_children) {
  const zx_handle_t a = make_resizable_vmo(0);
  zx_handle_t b = ZX_HANDLE_INVALID;
  zx_handle_t c = ZX_HANDLE_INVALID;
  check_ok(try_child(a, ZX_VMO_CHILD_SNAPSHOT, UINT64_C(0) - 0x8000, 0, &b));
  check_status(try_child(b, ZX_VMO_CHILD_SNAPSHOT, 0x8000, 0, NULL), ZX_ERR_INVALID_ARGS);
  check_ok(try_child(b, ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE, 0x4000, 0, &c));
  check_status(zx_vmo_set_size(c, 0x8000), ZX_ERR_INVALID_ARGS);
  uint64_t size = 1;
  check_ok(zx_vmo_get_size(c, &size));
  check_equal(size, 0);
  check_ok(zx_vmo_set_size(c, 0x3000));
  check_equal(byte_at(c, 0x2fff), 0);
}

/* vmo.md 17 S8: the bound stays when the ancestors have ended */
SCENARIO(the_place_in_the_root_bounds_after_the_root_has_ended) {
  zx_handle_t a = make_vmo(1);
  zx_handle_t b = ZX_HANDLE_INVALID;
  zx_handle_t c = ZX_HANDLE_INVALID;
  check_ok(try_child(a, ZX_VMO_CHILD_SNAPSHOT, UINT64_C(0) - 0x8000, 0, &b));
  check_ok(try_child(b, ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE, 0x4000, 0, &c));
  drop(&a);
  drop(&b);
  check_ok(zx_vmo_set_size(c, 0x3000));
  const zx_status_t status = zx_vmo_set_size(c, 0x8000);
  /* Whether an ended ancestor still counts is not said; a half-done growth would be wrong in any
   * case. */
  check_true(status == ZX_ERR_INVALID_ARGS || status == ZX_OK);
  uint64_t size = 0;
  check_ok(zx_vmo_get_size(c, &size));
  check_equal(size, status == ZX_OK ? 0x8000 : 0x3000);
}

/* vmo.md 17 S21 */
SCENARIO(s21_an_unbounded_vmo_reaches_to_the_largest_size) {
  const zx_handle_t vmo = unbounded(12345);
  uint64_t size = 0;
  check_ok(zx_vmo_get_size(vmo, &size));
  check_equal(size, MAX_SIZE);
  check_ok(zx_vmo_get_stream_size(vmo, &size));
  check_equal(size, 12345);
  set_byte(vmo, MAX_SIZE - 1, 9);
  check_equal(byte_at(vmo, MAX_SIZE - 1), 9);
  uint8_t byte = 0;
  check_status(zx_vmo_read(vmo, &byte, MAX_SIZE, 1), ZX_ERR_OUT_OF_RANGE);
  check_ok(zx_vmo_read(vmo, &byte, MAX_SIZE, 0));
  check_status(zx_vmo_set_size(vmo, PAGE), ZX_ERR_UNAVAILABLE);
  zx_handle_t b = ZX_HANDLE_INVALID;
  check_ok(try_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, MAX_SIZE, &b));
  check_equal(byte_at(b, MAX_SIZE - 1), 9);
  set_byte(vmo, MAX_SIZE - 1, 8);
  check_equal(byte_at(b, MAX_SIZE - 1), 9);
  check_equal(vmo_info(b).committed_bytes, PAGE);
}

/* vmo.md 16: "VMO offsets must be mapped to backing frames by a table": places all over do not
 * meet */
SCENARIO(places_all_over_are_their_own) {
  const zx_handle_t vmo = unbounded(0);
  uint64_t places[120];
  size_t n = 0;
  for (unsigned bit = 12; bit < 64; bit++) {
    places[n++] = (UINT64_C(1) << bit) - 1;
    if ((UINT64_C(1) << bit) < MAX_SIZE) places[n++] = UINT64_C(1) << bit;
  }
  places[n++] = MAX_SIZE - PAGE;
  places[n++] = 0;
  for (size_t i = 0; i < n; i++) {
    set_byte(vmo, places[i], (uint8_t)(i + 1));
  }
  for (size_t i = 0; i < n; i++) {
    check_equal(byte_at(vmo, places[i]), (uint8_t)(i + 1));
  }
  /* Two neighbours on either side of each power of two, and a page at each end. */
  check_ok(try_op(vmo, ZX_VMO_OP_ZERO, PAGE, MAX_SIZE - 2 * PAGE));
  for (size_t i = 0; i < n; i++) {
    const bool kept = places[i] < PAGE || places[i] >= MAX_SIZE - PAGE;
    check_equal(byte_at(vmo, places[i]), kept ? (uint8_t)(i + 1) : 0);
  }
}

/* vmo.md 2, 5: operations over all of it cost what is there */
SCENARIO(operations_over_the_whole_are_fine) {
  const zx_handle_t vmo = unbounded(0);
  set_byte(vmo, UINT64_C(1) << 50, 1);
  set_byte(vmo, MAX_SIZE - 1, 2);
  check_equal(vmo_info(vmo).committed_bytes, 2 * PAGE);
  check_ok(try_op(vmo, ZX_VMO_OP_CACHE_SYNC, 0, MAX_SIZE));
  check_ok(try_op(vmo, ZX_VMO_OP_PREFETCH, 0, MAX_SIZE));
  check_ok(zx_vmo_set_stream_size(vmo, MAX_SIZE));
  check_status(zx_vmo_set_stream_size(vmo, MAX_SIZE + 1), ZX_ERR_OUT_OF_RANGE);
  check_equal(byte_at(vmo, UINT64_C(1) << 50), 0);
  set_byte(vmo, MAX_SIZE - 1, 2);
  check_ok(try_op(vmo, ZX_VMO_OP_DECOMMIT, 0, MAX_SIZE));
  check_equal(vmo_info(vmo).committed_bytes, 0);
  check_equal(byte_at(vmo, MAX_SIZE - 1), 0);
}

/* vmo.md 7: children, slices and references far out */
SCENARIO(children_far_out_show_and_part_as_others_do) {
  need_mappings();
  const zx_handle_t vmo = unbounded(0);
  const uint64_t far_out = UINT64_C(0xF000000000000000);
  set_byte(vmo, far_out + 5, 1);
  set_byte(vmo, far_out + PAGE + 5, 2);
  struct vmo* b = vmo_of(BY_BOTH, make_child(vmo, ZX_VMO_CHILD_SNAPSHOT, far_out / PAGE, 2));
  struct vmo* s = vmo_of(BY_BOTH, make_child(vmo, ZX_VMO_CHILD_SLICE, far_out / PAGE + 1, 1));
  expect_at(b, 0, 5, 1);
  expect_at(b, 1, 5, 2);
  expect_at(s, 0, 5, 2);
  put_byte(s, 0, 5, 3);
  check_equal(byte_at(vmo, far_out + PAGE + 5), 3);
  expect_at(b, 1, 5, 2);
  put_byte(b, 0, 5, 4);
  check_equal(byte_at(vmo, far_out + 5), 1);
  zx_handle_t r = make_child(vmo, ZX_VMO_CHILD_REFERENCE, 0, 0);
  set_byte(r, MAX_SIZE - 1, 6);
  check_equal(byte_at(vmo, MAX_SIZE - 1), 6);
}

/* vmo.md 16: mappings of places far out */
SCENARIO(places_far_out_are_mapped) {
  need_mappings();
  const zx_handle_t vmo = unbounded(0);
  static const uint64_t offsets[] = {0, UINT64_C(1) << 45, UINT64_C(1) << 62, UINT64_C(3) << 62,
                                     MAX_SIZE - 2 * PAGE};
  for (unsigned i = 0; i < 5; i++) {
    volatile uint8_t* at = map_vmo(vmo, offsets[i], 2 * PAGE);
    at[PAGE] = (uint8_t)(10 + i);
    check_equal(byte_at(vmo, offsets[i] + PAGE), 10 + i);
    set_byte(vmo, offsets[i], (uint8_t)(20 + i));
    check_equal(at[0], 20 + i);
  }
  const zx_handle_t b = make_child(vmo, ZX_VMO_CHILD_SNAPSHOT, (UINT64_C(3) << 62) / PAGE, 2);
  volatile uint8_t* of_b = map_vmo(b, 0, 2 * PAGE);
  check_equal(of_b[0], 23);
  of_b[PAGE] = 99;
  check_equal(byte_at(vmo, (UINT64_C(3) << 62) + PAGE), 13);
}

/* pager.md 3.2: unbounded roots; their requests name places far out. Past the content all is
 * zero. */
SCENARIO(an_unbounded_root_is_asked_for_far_out) {
  const uint64_t page = UINT64_C(0xF000000000000000) / PAGE;
  struct root* r = make_root_on(fx.pager, fx.port, ZX_VMO_UNBOUNDED, 9, (page + 2) * PAGE);
  uint64_t size = 0;
  check_ok(zx_vmo_get_size(r->vmo, &size));
  check_equal(size, MAX_SIZE);
  struct worker* w = start_read(r->vmo, page * PAGE, 1);
  expect_read(r, page, 1);
  supply_tags(r, page, "7");
  expect_byte(w, 7);
  const zx_handle_t c = make_child(r->vmo, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE, page, 3);
  check_equal(byte_at(c, 9), 7);
  w = start_read(c, PAGE, 1);
  expect_read(r, page + 1, 1);
  supply_tags(r, page + 1, "8");
  expect_byte(w, 8);
  check_equal(byte_at(c, 2 * PAGE), 0);
  check_equal(byte_at(r->vmo, MAX_SIZE - 1), 0);
  expect_nothing();
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(s8_the_place_in_the_root_bounds_children),
      TEST(the_place_in_the_root_bounds_after_the_root_has_ended),
      TEST(s21_an_unbounded_vmo_reaches_to_the_largest_size),
      TEST(places_all_over_are_their_own),
      TEST(operations_over_the_whole_are_fine),
      TEST(children_far_out_show_and_part_as_others_do),
      TEST(places_far_out_are_mapped),
      TEST(an_unbounded_root_is_asked_for_far_out),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
