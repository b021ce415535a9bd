/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zx_pager_op_range for dirty pages: its checks and their order (writeback.md 5.1, 5.2), and what
 * ZX_PAGER_OP_DIRTY does with an answer that fails (5.3).
 *
 *   mistake   what is wrong with a call that is right otherwise, and the status for it
 *
 * For each operation all pairs of mistakes are made, and the one that comes first has to win.
 */

#include "writeback.h"

/* ---- Checks and their order ---- */

struct args {
  zx_handle_t owner; /* what has to be closed: the pager, or what replaced it */
  zx_handle_t pager;
  zx_handle_t vmo; /* a trap root of 8 clean pages */
  uint32_t op;
  uint64_t offset;
  uint64_t length;
  uint64_t data;
};

/* What a mistake changes; two that change the same thing cannot be made together. */
enum part {
  OFFSET = 1 << 0,
  LENGTH = 1 << 1,
  PAGER = 1 << 2,
  VMO = 1 << 3,
  OP = 1 << 4,
  DATA = 1 << 5,
};

struct mistake {
  const char* name;
  unsigned part;
  void (*make)(struct args* a);
  zx_status_t status;
};

static void misaligned_offset(struct args* a) { a->offset += 8; }
static void misaligned_length(struct args* a) { a->length += 1; }
static void no_pager(struct args* a) { a->pager = ZX_HANDLE_INVALID; }
static void port_as_pager(struct args* a) { a->pager = fx.port; }
static void weak_pager(struct args* a) {
  /* A pager handle cannot be duplicated. */
  check_ok(zx_handle_replace(a->owner, ZX_DEFAULT_PAGER_RIGHTS & ~ZX_RIGHT_MANAGE_VMO, &a->owner));
  a->pager = a->owner;
}
static void no_vmo(struct args* a) { a->vmo = ZX_HANDLE_INVALID; }
static void port_as_vmo(struct args* a) { a->vmo = fx.port; }
static void weak_vmo(struct args* a) {
  a->vmo = duplicate_with(a->vmo, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_WRITE);
}
static void ordinary_vmo(struct args* a) { a->vmo = make_vmo(8); }
static void vmo_of_another_pager(struct args* a) {
  a->vmo = make_root_on(make_pager(), fx.port, ZX_VMO_TRAP_DIRTY, 1, 8 * PAGE)->vmo;
}
static void unknown_op(struct args* a) { a->op = 5; }
static void op_zero(struct args* a) { a->op = 0; }
static void bad_data(struct args* a) { a->data = 2; }
static void beyond_the_end(struct args* a) { a->offset = 9 * PAGE; }
static void end_beyond_the_end(struct args* a) { a->length = 9 * PAGE; }

/* In the order of the table of writeback.md 5.1. */
static const struct mistake mistakes[] = {
    {"misaligned offset", OFFSET, misaligned_offset, ZX_ERR_INVALID_ARGS},
    {"misaligned length", LENGTH, misaligned_length, ZX_ERR_INVALID_ARGS},
    {"no pager", PAGER, no_pager, ZX_ERR_BAD_HANDLE},
    {"port as pager", PAGER, port_as_pager, ZX_ERR_WRONG_TYPE},
    {"pager without MANAGE_VMO", PAGER, weak_pager, ZX_ERR_ACCESS_DENIED},
    {"no VMO", VMO, no_vmo, ZX_ERR_BAD_HANDLE},
    {"port as VMO", VMO, port_as_vmo, ZX_ERR_WRONG_TYPE},
    {"VMO without WRITE", VMO, weak_vmo, ZX_ERR_ACCESS_DENIED},
    {"ordinary VMO", VMO, ordinary_vmo, ZX_ERR_INVALID_ARGS},
    {"VMO of another pager", VMO, vmo_of_another_pager, ZX_ERR_INVALID_ARGS},
    {"unknown op", OP, unknown_op, ZX_ERR_NOT_SUPPORTED},
    {"op 0", OP, op_zero, ZX_ERR_NOT_SUPPORTED},
    {"bad data", DATA, bad_data, ZX_ERR_INVALID_ARGS},
    {"beyond the end", OFFSET, beyond_the_end, ZX_ERR_OUT_OF_RANGE},
    {"end beyond the end", LENGTH, end_beyond_the_end, ZX_ERR_OUT_OF_RANGE},
};
enum {
  MISTAKES = sizeof(mistakes) / sizeof(mistakes[0])
};

static struct args good_args(uint32_t op) {
  zx_handle_t pager = ZX_HANDLE_INVALID;
  check_ok(zx_pager_create(0, &pager));
  struct root* v = make_root_on(pager, fx.port, ZX_VMO_TRAP_DIRTY, 1, 8 * PAGE);
  supply(v, 0, 8, TAG);
  return (struct args){.owner = pager,
                       .pager = pager,
                       .vmo = v->vmo,
                       .op = op,
                       .offset = PAGE,
                       .length = 2 * PAGE,
                       .data = op == ZX_PAGER_OP_FAIL ? (uint64_t)(int64_t)ZX_ERR_IO : 0};
}

/* Makes the call, and closes the pager. */
static zx_status_t call(const struct args* a) {
  const zx_status_t status =
      zx_pager_op_range(a->pager, a->op, a->vmo, a->offset, a->length, a->data);
  check_ok(zx_handle_close(a->owner));
  return status;
}

static void checks_in_order(uint32_t op) {
  struct args good = good_args(op);
  check_ok(call(&good));
  for (unsigned i = 0; i < MISTAKES; i++) {
    struct args a = good_args(op);
    mistakes[i].make(&a);
    const zx_status_t got = call(&a);
    if (got != mistakes[i].status) {
      check_fail("%s gave %d, not %d", mistakes[i].name, got, mistakes[i].status);
    }
    for (unsigned k = i + 1; k < MISTAKES; k++) {
      if ((mistakes[i].part & mistakes[k].part) != 0) continue;
      a = good_args(op);
      /* The later one first: it may need what the earlier one takes away. */
      mistakes[k].make(&a);
      mistakes[i].make(&a);
      const zx_status_t both = call(&a);
      if (both != mistakes[i].status) {
        check_fail("%s and %s gave %d, not %d", mistakes[i].name, mistakes[k].name, both,
                   mistakes[i].status);
      }
    }
  }
}

/* writeback.md 5.1 */
SCENARIO(op_fail_checks_in_order) { checks_in_order(ZX_PAGER_OP_FAIL); }
SCENARIO(op_dirty_checks_in_order) { checks_in_order(ZX_PAGER_OP_DIRTY); }
SCENARIO(writeback_begin_checks_in_order) { checks_in_order(ZX_PAGER_OP_WRITEBACK_BEGIN); }
SCENARIO(writeback_end_checks_in_order) { checks_in_order(ZX_PAGER_OP_WRITEBACK_END); }

/* writeback.md 5.2 */
SCENARIO(every_value_of_data_is_checked) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  dirty_pages(v, 0, 4);
  static const uint64_t values[] = {
      0, 1, 2, 40, UINT64_C(1) << 32, UINT64_C(1) << 63, UINT64_MAX, UINT32_MAX,
  };
  for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
    const uint64_t data = values[i];
    check_status(try_op(v, ZX_PAGER_OP_DIRTY, 0, 1, data), data == 0 ? ZX_OK : ZX_ERR_INVALID_ARGS);
    check_status(try_op(v, ZX_PAGER_OP_WRITEBACK_END, 0, 1, data),
                 data == 0 ? ZX_OK : ZX_ERR_INVALID_ARGS);
    check_status(try_op(v, ZX_PAGER_OP_WRITEBACK_BEGIN, 0, 1, data),
                 data <= 1 ? ZX_OK : ZX_ERR_INVALID_ARGS);
    check_status(try_op(v, ZX_PAGER_OP_FAIL, 0, 1, data), ZX_ERR_INVALID_ARGS);
  }
}

/* writeback.md 5.2: five codes, sign-extended, and no other */
SCENARIO(op_fail_takes_five_codes) {
  struct root* v = make_trap_root(4);
  for (int64_t code = -100; code <= 1; code++) {
    const bool known = code == ZX_ERR_IO || code == ZX_ERR_IO_DATA_INTEGRITY ||
                       code == ZX_ERR_BAD_STATE || code == ZX_ERR_NO_SPACE ||
                       code == ZX_ERR_BUFFER_TOO_SMALL;
    check_status(try_op(v, ZX_PAGER_OP_FAIL, 0, 4, (uint64_t)code),
                 known ? ZX_OK : ZX_ERR_INVALID_ARGS);
    check_status(try_op(v, ZX_PAGER_OP_FAIL, 0, 4, (uint32_t)code), ZX_ERR_INVALID_ARGS);
  }
}

/* writeback.md 5.3 to 5.6: at the very end there is room for nothing, and nothing is fine */
SCENARIO(a_length_of_zero_does_nothing) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  dirty_pages(v, 1, 1);
  struct worker* t1 = start_write_pages(v, 2, 1, VALUE);
  expect_dirty(v, 2, 1);
  for (uint64_t page = 0; page <= 4; page++) {
    dirty_pages(v, page, 0);
    begin_writeback(v, page, 0);
    end_writeback(v, page, 0);
    fail_pages(v, page, 0, ZX_ERR_IO);
  }
  expect_waiting(t1);
  end_writeback(v, 0, 4);
  expect_listed(v, DATA(1, 1));
  dirty_pages(v, 2, 1);
  expect_ok(t1);

  struct root* empty = make_trap_root(0);
  dirty_pages(empty, 0, 0);
  begin_writeback(empty, 0, 0);
  end_writeback(empty, 0, 0);
}

/* writeback.md 5.3 to 5.6: sums that overflow, starts and ends beyond the size */
SCENARIO(ranges_outside_the_vmo_are_refused) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  dirty_pages(v, 0, 4);
  begin_writeback(v, 0, 4);
  static const struct {
    uint64_t offset;
    uint64_t length;
  } ranges[] = {
      {0, 5 * PAGE},
      {3 * PAGE, 2 * PAGE},
      {4 * PAGE, PAGE},
      {5 * PAGE, 0},
      {5 * PAGE, PAGE},
      {PAGE, UINT64_MAX - PAGE + 1},
      {UINT64_MAX - PAGE + 1, PAGE},
      {UINT64_MAX - PAGE + 1, 5 * PAGE},
  };
  static const uint32_t ops[] = {ZX_PAGER_OP_FAIL, ZX_PAGER_OP_DIRTY, ZX_PAGER_OP_WRITEBACK_BEGIN,
                                 ZX_PAGER_OP_WRITEBACK_END};
  for (unsigned i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
    for (unsigned k = 0; k < sizeof(ops) / sizeof(ops[0]); k++) {
      const uint64_t data = ops[k] == ZX_PAGER_OP_FAIL ? (uint64_t)(int64_t)ZX_ERR_IO : 0;
      check_status(
          zx_pager_op_range(v->pager, ops[k], v->vmo, ranges[i].offset, ranges[i].length, data),
          ZX_ERR_OUT_OF_RANGE);
    }
  }
  /* Nothing was done to the part inside, so END still finds the pages awaiting clean. */
  expect_listed(v, DATA(0, 4));
  end_writeback(v, 0, 4);
  expect_none_listed(v);
}

/* ---- What OP_DIRTY makes dirty ---- */

/* writeback.md 5.3, 2.2 */
BOTH_WAYS(op_dirty_makes_every_sort_of_content_dirty) {
  struct root* v = make_trap_root(5);
  supply(v, 0, 1, TAG);
  supply_zeros(v, 1, 1);
  supply(v, 2, 2, TAG);
  dirty_pages(v, 2, 2);
  begin_writeback(v, 2, 1);
  zero_pages(v, 4, 1);
  if (via == VIA_MAPPING) map_of(v);
  dirty_pages(v, 0, 5);
  expect_listed(v, DATA(0, 5));
  check_equal(committed_pages(v->vmo), 5);
  end_writeback(v, 0, 5);
  expect_listed(v, DATA(0, 5));
  expect_pages(via, v, 0, 1, TAG);
  expect_zero_pages(via, v, 1, 1);
  expect_pages(via, v, 2, 2, TAG);
  expect_zero_pages(via, v, 4, 1);
  for (uint64_t page = 0; page < 5; page++) {
    poke_freely(via, v, page, VALUE);
  }
  expect_nothing();
}

/* writeback.md 8.2.4: what OP_DIRTY made of zeros is written back like any page */
BOTH_WAYS(zeros_that_the_pager_dirtied_can_be_cleaned_and_read) {
  struct root* v = make_trap_root(4);
  supply_zeros(v, 0, 2);
  zero_pages(v, 2, 2);
  if (via == VIA_MAPPING) map_of(v);
  dirty_pages(v, 0, 4);
  begin_writeback(v, 0, 4);
  expect_zero_pages(via, v, 1, 1);
  end_writeback(v, 0, 4);
  expect_none_listed(v);
  check_equal(committed_pages(v->vmo), 4);
  expect_zero_pages(via, v, 0, 4);
  for (uint64_t page = 0; page < 4; page++) {
    poke_asking(via, v, page, VALUE);
  }
  expect_listed(v, DATA(0, 4));
  expect_nothing();
}

/* writeback.md 5.3: all or nothing */
SCENARIO(op_dirty_over_an_absent_page_changes_nothing) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 3, TAG);
  zero_pages(v, 4, 2);
  check_status(try_dirty(v, 0, 6), ZX_ERR_NOT_FOUND);
  check_status(try_dirty(v, 3, 1), ZX_ERR_NOT_FOUND);
  check_status(try_dirty(v, 2, 2), ZX_ERR_NOT_FOUND);
  check_status(try_dirty(v, 5, 2), ZX_ERR_NOT_FOUND);
  expect_listed(v, ZERO(4, 2));
  dirty_pages(v, 0, 3);
  dirty_pages(v, 4, 2);
  expect_listed(v, DATA(0, 3), DATA(4, 2));
}

/* ---- An answer that fails still answers ---- */

/* writeback.md 5.3, 8.2.12 */
BOTH_WAYS(a_not_found_answer_makes_the_writer_ask_with_read) {
  struct root* v = make_trap_root(4);
  zero_pages(v, 1, 1);
  struct worker* t1 = start_poke(via, v, 1, VALUE);
  expect_dirty(v, 1, 1);
  begin_zero_writeback(v, 1, 1);
  end_writeback(v, 1, 1);
  expect_waiting(t1);
  expect_nothing();
  check_status(try_dirty(v, 1, 1), ZX_ERR_NOT_FOUND);
  expect_read(v, 1, 1);
  expect_waiting(t1);
  supply(v, 1, 1, TAG);
  expect_dirty(v, 1, 1);
  dirty_pages(v, 1, 1);
  expect_ok(t1);
  expect_bytes(v, 1, 1, VALUE);
  expect_listed(v, DATA(1, 1));
  expect_nothing();
}

/* writeback.md 5.3: for a page that is there the writer sends a fresh DIRTY */
BOTH_WAYS(a_not_found_answer_for_other_pages_makes_the_writer_ask_again) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 2, TAG);
  struct worker* t1 = start_poke(via, v, 1, VALUE);
  expect_dirty(v, 1, 1);
  check_status(try_dirty(v, 0, 3), ZX_ERR_NOT_FOUND);
  expect_dirty(v, 1, 1);
  expect_waiting(t1);
  expect_none_listed(v);
  dirty_pages(v, 0, 2);
  expect_ok(t1);
  expect_listed(v, DATA(0, 2));
  expect_nothing();
}

/* writeback.md 5.3: an end beyond the size answers the part inside */
BOTH_WAYS(an_answer_that_reaches_beyond_the_end_makes_the_writer_ask_again) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_poke(via, v, 3, VALUE);
  expect_dirty(v, 3, 1);
  struct worker* t2 = start_poke(via, v, 0, VALUE);
  expect_dirty(v, 0, 1);
  check_status(try_dirty(v, 2, 3), ZX_ERR_OUT_OF_RANGE);
  expect_dirty(v, 3, 1);
  expect_waiting(t1);
  expect_waiting(t2);
  expect_none_listed(v);
  expect_nothing();
  dirty_pages(v, 0, 4);
  expect_ok(t1);
  expect_ok(t2);
}

/* writeback.md 5.3: as if it had been answered, but with no page made dirty */
SCENARIO(a_failed_answer_counts_for_the_part_that_it_covers) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_write_pages(v, 0, 4, VALUE);
  expect_dirty(v, 0, 4);
  check_status(try_dirty(v, 2, 3), ZX_ERR_OUT_OF_RANGE);
  expect_waiting(t1);
  expect_nothing();
  dirty_pages(v, 0, 2);
  expect_dirty(v, 2, 2);
  expect_waiting(t1);
  expect_bytes(v, 0, 2, VALUE);
  dirty_pages(v, 2, 2);
  expect_ok(t1);
  expect_nothing();
}

/* writeback.md 5.3 */
BOTH_WAYS(an_answer_that_starts_beyond_the_end_wakes_nobody) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_poke(via, v, 3, VALUE);
  expect_dirty(v, 3, 1);
  check_status(try_dirty(v, 5, 1), ZX_ERR_OUT_OF_RANGE);
  check_status(
      zx_pager_op_range(v->pager, ZX_PAGER_OP_DIRTY, v->vmo, 3 * PAGE, UINT64_MAX - PAGE + 1, 0),
      ZX_ERR_OUT_OF_RANGE);
  expect_waiting(t1);
  expect_nothing();
  dirty_pages(v, 3, 1);
  expect_ok(t1);
  expect_nothing();
}

/* writeback.md 5.3: refused before any page is looked at */
SCENARIO(op_dirty_of_a_plain_root_is_not_supported) {
  struct root* v = make_root(4);
  supply(v, 0, 2, TAG);
  struct worker* t1 = start_touch(VIA_CALLS, v, 3);
  expect_read(v, 3, 1);
  check_status(try_dirty(v, 0, 1), ZX_ERR_NOT_SUPPORTED);
  check_status(try_dirty(v, 3, 1), ZX_ERR_NOT_SUPPORTED);
  check_status(try_dirty(v, 9, 9), ZX_ERR_NOT_SUPPORTED);
  check_status(try_dirty(v, 0, 0), ZX_ERR_NOT_SUPPORTED);
  check_status(try_op(v, ZX_PAGER_OP_DIRTY, 0, 1, 1), ZX_ERR_INVALID_ARGS);
  expect_waiting(t1);
  expect_none_listed(v);
  supply(v, 3, 1, TAG);
  expect_ok(t1);
  detach(v);
  expect_complete(v);
  check_status(try_dirty(v, 0, 1), ZX_ERR_NOT_SUPPORTED);
}

/* writeback.md 5.3: the order of its own checks */
SCENARIO(op_dirty_looks_at_the_range_then_at_detach_then_at_the_pages) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 2, TAG);
  check_status(try_dirty(v, 1, 4), ZX_ERR_OUT_OF_RANGE);
  check_status(try_dirty(v, 1, 2), ZX_ERR_NOT_FOUND);
  detach(v);
  expect_complete(v);
  check_status(try_dirty(v, 1, 4), ZX_ERR_OUT_OF_RANGE);
  check_status(try_dirty(v, 5, 0), ZX_ERR_OUT_OF_RANGE);
  check_status(try_dirty(v, 1, 2), ZX_ERR_BAD_STATE);
  check_status(try_dirty(v, 0, 0), ZX_ERR_BAD_STATE);
  check_status(try_op(v, ZX_PAGER_OP_DIRTY, 1, 1, 1), ZX_ERR_INVALID_ARGS);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(op_fail_checks_in_order),
      TEST(op_dirty_checks_in_order),
      TEST(writeback_begin_checks_in_order),
      TEST(writeback_end_checks_in_order),
      TEST(every_value_of_data_is_checked),
      TEST(op_fail_takes_five_codes),
      TEST(a_length_of_zero_does_nothing),
      TEST(ranges_outside_the_vmo_are_refused),
      TEST_BOTH_WAYS(op_dirty_makes_every_sort_of_content_dirty),
      TEST_BOTH_WAYS(zeros_that_the_pager_dirtied_can_be_cleaned_and_read),
      TEST(op_dirty_over_an_absent_page_changes_nothing),
      TEST_BOTH_WAYS(a_not_found_answer_makes_the_writer_ask_with_read),
      TEST_BOTH_WAYS(a_not_found_answer_for_other_pages_makes_the_writer_ask_again),
      TEST_BOTH_WAYS(an_answer_that_reaches_beyond_the_end_makes_the_writer_ask_again),
      TEST(a_failed_answer_counts_for_the_part_that_it_covers),
      TEST_BOTH_WAYS(an_answer_that_starts_beyond_the_end_wakes_nobody),
      TEST(op_dirty_of_a_plain_root_is_not_supported),
      TEST(op_dirty_looks_at_the_range_then_at_detach_then_at_the_pages),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
