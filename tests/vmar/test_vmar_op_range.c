/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_vmar_op_range: vmar.md 8. */
#include <stdatomic.h>
#include <string.h>

#include "regions.h"

static const uint32_t all_ops[] = {
    ZX_VMAR_OP_COMMIT,    ZX_VMAR_OP_DECOMMIT,    ZX_VMAR_OP_MAP_RANGE, ZX_VMAR_OP_ZERO,
    ZX_VMAR_OP_DONT_NEED, ZX_VMAR_OP_ALWAYS_NEED, ZX_VMAR_OP_PREFETCH,
};
#define OPS (sizeof(all_ops) / sizeof(all_ops[0]))

static bool is_hint(uint32_t op) {
  return op == ZX_VMAR_OP_DONT_NEED || op == ZX_VMAR_OP_ALWAYS_NEED;
}

static zx_status_t op_bytes(const struct region* r, uint32_t op, uint64_t offset, uint64_t size) {
  return zx_vmar_op_range(r->vmar, op, r->base + offset, size, NULL, 0);
}

/* ---- The checks, row by row; where two apply the earlier one wins ---- */

/* vmar.md 8, rows 1 to 3 */
REGIONS(handle_then_operation_then_right) {
  struct region* r = make_region(4);
  struct region bad = *r;
  bad.vmar = ZX_HANDLE_INVALID;
  check_status(op_bytes(&bad, 99, 1, 0), ZX_ERR_BAD_HANDLE);
  bad.vmar = make_vmo(1);
  check_status(op_bytes(&bad, 99, 1, 0), ZX_ERR_WRONG_TYPE);
  const struct region nothing = by_handle(r, ZX_RIGHT_NONE);
  for (uint32_t op = 0; op < 40; op++) {
    bool known = false;
    for (size_t i = 0; i < OPS; i++)
      known = known || all_ops[i] == op;
    const zx_status_t status = op_bytes(&nothing, op, 1, 0);
    if (!known || is_hint(op)) {
      check_status(status, ZX_ERR_INVALID_ARGS);
    } else {
      check_status(status, ZX_ERR_ACCESS_DENIED);
    }
  }
}

/* vmar.md 8, rows 4 to 6 */
REGIONS(numbers_then_bounds_then_state) {
  struct region* r = make_region(4);
  uint8_t buffer[8];
  for (int destroyed = 0; destroyed < 2; destroyed++) {
    for (size_t i = 0; i < OPS; i++) {
      const uint32_t op = all_ops[i];
      check_status(zx_vmar_op_range(r->vmar, op, r->base, PAGE, buffer, 0), ZX_ERR_INVALID_ARGS);
      check_status(zx_vmar_op_range(r->vmar, op, r->base, PAGE, NULL, 8), ZX_ERR_INVALID_ARGS);
      check_status(op_bytes(r, op, 0, 0), ZX_ERR_INVALID_ARGS);
      check_status(op_bytes(r, op, 0, UINT64_MAX), ZX_ERR_INVALID_ARGS);
      check_status(op_bytes(r, op, 1, PAGE), ZX_ERR_INVALID_ARGS);
      check_status(op_bytes(r, op, 9 * PAGE + 1, PAGE), ZX_ERR_INVALID_ARGS);
      check_status(op_bytes(r, op, 3 * PAGE, PAGE + 1), ZX_ERR_OUT_OF_RANGE);
      check_status(op_bytes(r, op, 0 - PAGE, 2 * PAGE), ZX_ERR_OUT_OF_RANGE);
      check_status(op_bytes(r, op, 4 * PAGE, PAGE), ZX_ERR_OUT_OF_RANGE);
      check_status(op_bytes(r, op, 0, PAGE), ZX_ERR_BAD_STATE); /* empty, or destroyed */
    }
    if (!destroyed) check_ok(zx_vmar_destroy(r->vmar));
  }
}

/* vmar.md 8, rows 7 and 10; 15 S8: what came before the gap stays done */
REGIONS(s8_a_gap_ends_the_walk) {
  struct region* r = make_region(7);
  const zx_handle_t a = tagged("12345");
  map_at(r, 0, a, 0, 3);
  map_at(r, 4, a, 3, 2);
  check_status(try_op(r, ZX_VMAR_OP_DECOMMIT, 1, 4), ZX_ERR_BAD_STATE);
  expect_shows(r, "100x45x");
  check_status(try_op(r, ZX_VMAR_OP_ZERO, 5, 2), ZX_ERR_BAD_STATE);
  expect_shows(r, "100x40x");
  check_status(try_op(r, ZX_VMAR_OP_ZERO, 3, 2), ZX_ERR_BAD_STATE);
  expect_shows(r, "100x40x");
}

/* vmar.md 8, row 8 */
REGIONS(some_operations_stay_in_the_region) {
  struct region* r = make_region(4);
  const zx_handle_t a = tagged("1234");
  const struct region weak = by_handle(r, ZX_RIGHT_READ | ZX_RIGHT_WRITE);
  map_at(r, 0, a, 0, 1);
  struct region* s = make_region_in(r, 1, 2);
  map_at(s, 0, a, 1, 2);
  map_at(r, 3, a, 3, 1);
  for (size_t i = 0; i < OPS; i++) {
    const uint32_t op = all_ops[i];
    const bool own_only =
        op == ZX_VMAR_OP_COMMIT || op == ZX_VMAR_OP_DECOMMIT || op == ZX_VMAR_OP_PREFETCH;
    check_status(try_op(r, op, 0, 4), own_only ? ZX_ERR_INVALID_ARGS : ZX_OK);
    check_status(try_op(&weak, op, 1, 1), ZX_ERR_INVALID_ARGS);
    check_ok(try_op(&weak, op, 3, 1));
    check_ok(try_op(s, op, 0, 2));
  }
  /* Up to there it was done. */
  tag_page(a, 0, '8');
  tag_page(a, 1, '9');
  check_status(try_op(r, ZX_VMAR_OP_DECOMMIT, 0, 4), ZX_ERR_INVALID_ARGS);
  expect_shows(r, "0900");
  /* An empty part of the child is a gap. */
  check_ok(try_unmap(s, 1, 1));
  check_status(try_op(r, ZX_VMAR_OP_ZERO, 0, 4), ZX_ERR_BAD_STATE);
  expect_shows(r, "00x0");
}

/* vmar.md 8, row 9, and the column of max permissions; current ones do not matter */
REGIONS(max_permissions_decide_not_current_ones) {
  struct region* r = make_region(4);
  const zx_handle_t a = tagged("1234");
  const zx_handle_t no_write = duplicate_with(a, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_WRITE);
  const zx_handle_t only_map = duplicate_with(a, ZX_RIGHT_MAP);
  map_with_at(r, READ, 0, a, 0, 1);
  map_with_at(r, READ, 1, no_write, 1, 1);
  check_ok(try_map(r, ZX_VM_SPECIFIC, 2, only_map, 2, 1));
  check_ok(try_map(r, ZX_VM_SPECIFIC, 3, a, 3, 1));
  static const uint32_t writing[] = {ZX_VMAR_OP_COMMIT, ZX_VMAR_OP_DECOMMIT, ZX_VMAR_OP_ZERO};
  for (size_t i = 0; i < 3; i++) {
    check_ok(try_op(r, writing[i], 0, 1));
    check_status(try_op(r, writing[i], 1, 1), ZX_ERR_ACCESS_DENIED);
    check_status(try_op(r, writing[i], 2, 1), ZX_ERR_ACCESS_DENIED);
    check_ok(try_op(r, writing[i], 3, 1));
  }
  check_ok(try_op(r, ZX_VMAR_OP_PREFETCH, 0, 2));
  check_status(try_op(r, ZX_VMAR_OP_PREFETCH, 2, 1), ZX_ERR_ACCESS_DENIED);
  check_ok(try_op(r, ZX_VMAR_OP_PREFETCH, 3, 1));
  check_ok(try_op(r, ZX_VMAR_OP_MAP_RANGE, 0, 4));
  check_ok(try_op(r, ZX_VMAR_OP_DONT_NEED, 0, 4));
  expect_tags(a, "0230");
}

/* ---- What each does ---- */

/* vmar.md 8: past the VMO's end */
REGIONS(past_the_end_operations_differ) {
  struct region* r = make_region(4);
  const zx_handle_t a = tagged("12");
  map_at(r, 0, a, 0, 4);
  for (size_t i = 0; i < OPS; i++) {
    const uint32_t op = all_ops[i];
    const zx_status_t expected =
        is_hint(op) || op == ZX_VMAR_OP_MAP_RANGE ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
    check_status(try_op(r, op, 0, 4), expected);
    check_status(try_op(r, op, 2, 1), expected);
    check_status(try_op(r, op, 1, 2), expected);
  }
  expect_shows(r, "12BB");
}

/* vmar.md 5.9: any operation that reaches past the stream size */
REGIONS(past_the_stream_size_every_operation_is_out_of_range) {
  struct region* r = make_region(4);
  const zx_handle_t a = tagged("1234");
  check_ok(zx_vmo_set_stream_size(a, PAGE + 1));
  check_ok(try_map(r, RW | ZX_VM_SPECIFIC | ZX_VM_ALLOW_FAULTS | ZX_VM_FAULT_BEYOND_STREAM_SIZE, 0,
                   a, 0, 4));
  for (size_t i = 0; i < OPS; i++) {
    check_status(try_op(r, all_ops[i], 0, 3), ZX_ERR_OUT_OF_RANGE);
    check_status(try_op(r, all_ops[i], 2, 1), ZX_ERR_OUT_OF_RANGE);
    check_ok(try_op(r, all_ops[i], 0, 2));
  }
}

/* vmar.md 8: sizes are rounded up to pages first */
REGIONS(zero_of_one_byte_clears_the_page) {
  struct region* r = make_region(3);
  map_at(r, 0, tagged("123"), 0, 3);
  check_ok(op_bytes(r, ZX_VMAR_OP_ZERO, PAGE, 1));
  expect_shows(r, "103");
  check_ok(op_bytes(r, ZX_VMAR_OP_DECOMMIT, 2 * PAGE, 1));
  expect_shows(r, "100");
}

/* vmar.md 8: as on the VMO, through the window that the mapping is */
REGIONS(committing_and_decommitting_act_on_the_vmo) {
  struct region* r = make_region(4);
  const zx_handle_t a = make_vmo(8);
  map_at(r, 0, a, 3, 4);
  check_ok(try_op(r, ZX_VMAR_OP_COMMIT, 1, 2));
  check_equal(committed_pages(a), 2);
  tag_page(a, 4, '5');
  tag_page(a, 5, '6');
  expect_shows(r, "0560");
  check_ok(try_op(r, ZX_VMAR_OP_DECOMMIT, 0, 2));
  expect_shows(r, "0060");
  check_equal(committed_pages(a), 1);
  expect_tags(a, "00000600");
}

/* vmar.md 8: across mappings of several VMOs */
REGIONS(one_call_acts_on_several_mappings) {
  struct region* r = make_region(6);
  const zx_handle_t a = tagged("123");
  const zx_handle_t b = tagged("456");
  map_at(r, 0, a, 0, 2);
  map_at(r, 2, b, 1, 2);
  map_at(r, 4, a, 0, 2);
  check_ok(try_op(r, ZX_VMAR_OP_ZERO, 1, 3));
  expect_shows(r, "100010");
  expect_tags(a, "103");
  expect_tags(b, "400");
}

/* vmar.md 8: pager VMOs and children refuse DECOMMIT */
REGIONS(decommitting_is_for_plain_vmos) {
  need_mappings();
  struct region* r = make_region(2);
  struct root* v = make_root(1);
  const zx_handle_t a = tagged("1");
  zx_handle_t child = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create_child(a, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE, &child));
  keep(child);
  map_at(r, 0, v->vmo, 0, 1);
  map_at(r, 1, child, 0, 1);
  check_status(try_op(r, ZX_VMAR_OP_DECOMMIT, 0, 1), ZX_ERR_NOT_SUPPORTED);
  check_status(try_op(r, ZX_VMAR_OP_DECOMMIT, 1, 1), ZX_ERR_NOT_SUPPORTED);
}

/* ---- Waiting ---- */

struct op {
  const struct region* region;
  uint32_t op;
  uint64_t page;
  uint64_t count;
};

static zx_status_t run_op(void* argument) {
  const struct op* o = argument;
  return try_op(o->region, o->op, o->page, o->count);
}

/* vmar.md 8: COMMIT and PREFETCH ask, wait, and return the pager's error */
REGIONS(committing_asks_the_pager) {
  need_mappings();
  struct region* r = make_region(4);
  struct root* v = make_root(4);
  map_at(r, 0, v->vmo, 0, 4);
  static const uint32_t asking[] = {ZX_VMAR_OP_COMMIT, ZX_VMAR_OP_PREFETCH};
  for (size_t i = 0; i < 2; i++) {
    struct op o = {.region = r, .op = asking[i], .page = 2 * i, .count = 2};
    struct worker* w = start_call(run_op, &o);
    expect_read(v, 2 * i, 2);
    await_waiting(w);
    fail_pages(v, 2 * i, 2, ZX_ERR_IO_DATA_INTEGRITY);
    expect_status(w, ZX_ERR_IO_DATA_INTEGRITY);
    w = start_call(run_op, &o);
    expect_read(v, 2 * i, 2);
    supply_tags(v, 2 * i, "55");
    expect_ok(w);
  }
  expect_nothing();
  expect_shows(r, "5555");
}

/* vmar.md 8: ALWAYS_NEED asks, but failures are ignored; DONT_NEED and MAP_RANGE ask nothing */
REGIONS(hints_ask_and_do_not_fail) {
  need_mappings();
  struct region* r = make_region(2);
  struct root* v = make_root(2);
  map_at(r, 0, v->vmo, 0, 2);
  check_ok(try_op(r, ZX_VMAR_OP_DONT_NEED, 0, 2));
  check_ok(try_op(r, ZX_VMAR_OP_MAP_RANGE, 0, 2));
  expect_nothing();
  struct op o = {.region = r, .op = ZX_VMAR_OP_ALWAYS_NEED, .count = 2};
  struct worker* w = start_call(run_op, &o);
  expect_read(v, 0, 2);
  fail_pages(v, 0, 2, ZX_ERR_IO);
  while (!worker_has_ended(w)) {
    zx_port_packet_t packet;
    if (zx_port_wait(fx.port, ZX_TIME_INFINITE_PAST, &packet) == ZX_OK)
      fail_pages(v, 0, 2, ZX_ERR_IO);
  }
  expect_ok(w);
}

/* vmar.md 8, 15 S20: the region is not held while an operation waits */
REGIONS(s20_others_change_the_region_meanwhile) {
  need_mappings();
  struct region* r = make_region(8);
  struct root* v = make_root(2);
  const zx_handle_t a = tagged("12");
  map_at(r, 0, v->vmo, 0, 2);
  map_at(r, 2, a, 0, 2);
  struct op o = {.region = r, .op = ZX_VMAR_OP_COMMIT, .page = 0, .count = 4};
  struct worker* w = start_call(run_op, &o);
  expect_read(v, 0, 2);
  await_waiting(w);
  map_at(r, 4, a, 0, 2);
  check_ok(try_protect(r, READ, 4, 1));
  check_ok(try_unmap(r, 5, 1));
  check_ok(try_op(r, ZX_VMAR_OP_ZERO, 2, 1));
  expect_waiting(w);
  expect_shows_from(r, 2, "020x");
  supply_tags(v, 0, "89");
  expect_ok(w);
  expect_shows(r, "89020xxx");
}

/* vmar.md 8: what has become of the next part meanwhile decides, and the first stays done */
REGIONS(the_walk_goes_on_with_what_is_there_then) {
  need_mappings();
  struct region* r = make_region(8);
  struct root* v = make_root(2);
  const zx_handle_t a = make_vmo(2);
  map_at(r, 0, v->vmo, 0, 2);
  map_at(r, 2, a, 0, 2);
  struct op o = {.region = r, .op = ZX_VMAR_OP_COMMIT, .page = 0, .count = 4};
  struct worker* w = start_call(run_op, &o);
  expect_read(v, 0, 2);
  await_waiting(w);
  check_ok(try_unmap(r, 0, 4));
  supply_tags(v, 0, "89");
  expect_status(w, ZX_ERR_BAD_STATE);
  check_equal(committed_pages(v->vmo), 2);
  check_equal(committed_pages(a), 0);
}

/* vmar.md 8: so does the region itself, and the VMO lives as long as the operation */
REGIONS(a_region_may_be_destroyed_under_an_operation) {
  need_mappings();
  struct region* r = make_region(4);
  struct root* v = make_root(2);
  map_at(r, 0, v->vmo, 0, 2);
  map_at(r, 2, make_vmo(2), 0, 2);
  drop(&v->vmo);
  struct op o = {.region = r, .op = ZX_VMAR_OP_COMMIT, .page = 0, .count = 4};
  struct worker* w = start_call(run_op, &o);
  expect_read(v, 0, 2);
  await_waiting(w);
  check_ok(zx_vmar_destroy(r->vmar));
  expect_waiting(w);
  expect_nothing();
  drop(&fx.pager); /* nobody else can answer: the VMO has no handle */
  expect_status(w, ZX_ERR_BAD_STATE);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(handle_then_operation_then_right),
      TEST(numbers_then_bounds_then_state),
      TEST(s8_a_gap_ends_the_walk),
      TEST(some_operations_stay_in_the_region),
      TEST(max_permissions_decide_not_current_ones),
      TEST(past_the_end_operations_differ),
      TEST(past_the_stream_size_every_operation_is_out_of_range),
      TEST(zero_of_one_byte_clears_the_page),
      TEST(committing_and_decommitting_act_on_the_vmo),
      TEST(one_call_acts_on_several_mappings),
      TEST(decommitting_is_for_plain_vmos),
      TEST(committing_asks_the_pager),
      TEST(hints_ask_and_do_not_fail),
      TEST(s20_others_change_the_region_meanwhile),
      TEST(the_walk_goes_on_with_what_is_there_then),
      TEST(a_region_may_be_destroyed_under_an_operation),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
