/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_vmo_op_range: both tables of vmo.md 5, cell by cell, and the order of its checks. */
#include <string.h>

#include "tagged.h"

#define PAGES 4
#define SIZE  (PAGES * PAGE)

/* ---- The first table: rights and ranges ---- */

enum range_rule {
  ROUNDED,    /* outward, then OUT_OF_RANGE */
  ALIGNED,    /* OUT_OF_RANGE, then size 0, then INVALID_ARGS where misaligned */
  EXACT,      /* OUT_OF_RANGE; any byte */
  NOT_EMPTY,  /* the same, but size 0 is INVALID_ARGS */
  PAGER_ONLY, /* any range here */
};

struct op_row {
  const char* name;
  uint32_t op;
  zx_rights_t right;
  enum range_rule rule;
};

static const struct op_row op_rows[] = {
    {"COMMIT", ZX_VMO_OP_COMMIT, ZX_RIGHT_WRITE, ROUNDED},
    {"DECOMMIT", ZX_VMO_OP_DECOMMIT, ZX_RIGHT_WRITE, ALIGNED},
    {"CACHE_SYNC", ZX_VMO_OP_CACHE_SYNC, ZX_RIGHT_READ, NOT_EMPTY},
    {"CACHE_CLEAN", ZX_VMO_OP_CACHE_CLEAN, ZX_RIGHT_READ, NOT_EMPTY},
    {"CACHE_CLEAN_INVALIDATE", ZX_VMO_OP_CACHE_CLEAN_INVALIDATE, ZX_RIGHT_READ, NOT_EMPTY},
    {"ZERO", ZX_VMO_OP_ZERO, ZX_RIGHT_WRITE, EXACT},
    {"DONT_NEED", ZX_VMO_OP_DONT_NEED, ZX_RIGHT_NONE, PAGER_ONLY},
    {"ALWAYS_NEED", ZX_VMO_OP_ALWAYS_NEED, ZX_RIGHT_NONE, PAGER_ONLY},
    {"PREFETCH", ZX_VMO_OP_PREFETCH, ZX_RIGHT_READ, ROUNDED},
};
#define OP_ROWS (sizeof(op_rows) / sizeof(op_rows[0]))

static void expect_op(const struct op_row* row, zx_handle_t vmo, uint64_t offset, uint64_t size,
                      zx_status_t status) {
  const zx_status_t got = try_op(vmo, row->op, offset, size);
  if (got == status) return;
  check_fail("%s of %llu bytes at %llu gave %d, not %d", row->name, (unsigned long long)size,
             (unsigned long long)offset, got, status);
}

/* vmo.md 5: handle and type, then unknown operations, then rights */
SCENARIO(unknown_operations_are_invalid_whatever_the_rights) {
  static const uint32_t unknown[] = {0, 5, 15, 16, 100, UINT32_MAX};
  const zx_handle_t vmo = make_vmo(PAGES);
  const zx_handle_t bare = duplicate_with(vmo, ZX_RIGHT_NONE);
  for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
    check_status(try_op(vmo, unknown[i], 0, PAGE), ZX_ERR_INVALID_ARGS);
    check_status(try_op(bare, unknown[i], 9 * PAGE, 1), ZX_ERR_INVALID_ARGS);
    check_status(try_op(fx.port, unknown[i], 0, PAGE), ZX_ERR_WRONG_TYPE);
    check_status(try_op(ZX_HANDLE_INVALID, unknown[i], 0, PAGE), ZX_ERR_BAD_HANDLE);
  }
}

/* vmo.md 5: the column of rights; a missing one hides a bad range */
SCENARIO(each_operation_needs_its_right_and_no_other) {
  const zx_handle_t vmo = make_vmo(PAGES);
  for (size_t i = 0; i < OP_ROWS; i++) {
    const struct op_row* row = &op_rows[i];
    const zx_handle_t without = duplicate_with(vmo, ZX_DEFAULT_VMO_RIGHTS & ~row->right);
    const zx_handle_t only = duplicate_with(vmo, row->right);
    expect_op(row, only, 0, PAGE, ZX_OK);
    if (row->right == ZX_RIGHT_NONE) continue;
    expect_op(row, without, 0, PAGE, ZX_ERR_ACCESS_DENIED);
    expect_op(row, without, 9 * PAGE, 1, ZX_ERR_ACCESS_DENIED);
    expect_op(row, without, 0, 0, ZX_ERR_ACCESS_DENIED);
    expect_op(row, fx.port, 0, PAGE, ZX_ERR_WRONG_TYPE);
  }
}

/* vmo.md 5, 13: CACHE_INVALIDATE */
SCENARIO(cache_invalidate_is_not_supported_before_the_right_is_checked) {
  const zx_handle_t vmo = make_vmo(PAGES);
  const zx_handle_t bare = duplicate_with(vmo, ZX_RIGHT_NONE);
  check_status(try_op(vmo, ZX_VMO_OP_CACHE_INVALIDATE, 0, PAGE), ZX_ERR_NOT_SUPPORTED);
  check_status(try_op(bare, ZX_VMO_OP_CACHE_INVALIDATE, 0, PAGE), ZX_ERR_NOT_SUPPORTED);
  check_status(try_op(bare, ZX_VMO_OP_CACHE_INVALIDATE, 9 * PAGE, 0), ZX_ERR_NOT_SUPPORTED);
}

/* The status that the rule gives, in the words of the table. */
static zx_status_t by_rule(enum range_rule rule, uint64_t offset, uint64_t size) {
  const uint64_t stop = offset + size;
  const bool overflow = stop < offset;
  switch (rule) {
    case PAGER_ONLY:
      return ZX_OK;
    case ROUNDED:
      return overflow || stop > UINT64_MAX - PAGE + 1 || (stop + PAGE - 1) / PAGE > PAGES
                 ? ZX_ERR_OUT_OF_RANGE
                 : ZX_OK;
    case ALIGNED:
      if (overflow || stop > SIZE) return ZX_ERR_OUT_OF_RANGE;
      return size > 0 && (offset % PAGE != 0 || size % PAGE != 0) ? ZX_ERR_INVALID_ARGS : ZX_OK;
    case EXACT:
      return overflow || stop > SIZE ? ZX_ERR_OUT_OF_RANGE : ZX_OK;
    case NOT_EMPTY:
      if (size == 0) return ZX_ERR_INVALID_ARGS;
      return overflow || stop > SIZE ? ZX_ERR_OUT_OF_RANGE : ZX_OK;
  }
  return ZX_ERR_INTERNAL;
}

static const uint64_t offsets[] = {
    0,    1,        PAGE - 1, PAGE,           SIZE - PAGE,           SIZE - 1,
    SIZE, SIZE + 1, 5 * PAGE, UINT64_MAX / 2, UINT64_MAX - PAGE + 1, UINT64_MAX};
static const uint64_t sizes[] = {
    0,         1,        PAGE - 1,    PAGE,           PAGE + 1,
    SIZE,      SIZE + 1, SIZE - PAGE, UINT64_MAX / 2, UINT64_MAX - PAGE + 1,
    UINT64_MAX};

/* vmo.md 5: the columns of ranges, misalignment and size 0, on an anonymous VMO */
SCENARIO(every_offset_and_size_is_judged_by_the_rule_of_its_operation) {
  struct vmo* v = anonymous(BY_CALLS, 0, "1 2 3 4");
  for (size_t i = 0; i < OP_ROWS; i++) {
    for (size_t k = 0; k < sizeof(offsets) / sizeof(offsets[0]); k++) {
      for (size_t n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++) {
        /* Which of the two mistakes wins is not said. */
        if (op_rows[i].rule == NOT_EMPTY && sizes[n] == 0 && offsets[k] > SIZE) continue;
        const zx_status_t status = by_rule(op_rows[i].rule, offsets[k], sizes[n]);
        expect_op(&op_rows[i], v->handle, offsets[k], sizes[n], status);
      }
    }
  }
}

/* vmo.md 5, last line: "Ranges are checked before any page is touched" */
SCENARIO(an_operation_that_is_out_of_range_touches_no_page) {
  struct vmo* v = anonymous(BY_BOTH, 0, "1 2 3 4");
  for (size_t i = 0; i < OP_ROWS; i++) {
    if (op_rows[i].rule == PAGER_ONLY) continue;
    expect_op(&op_rows[i], v->handle, PAGE, SIZE, ZX_ERR_OUT_OF_RANGE);
  }
  expect_tags(v, "1 2 3 4");
  struct vmo* empty = anonymous(BY_CALLS, 0, "0 0 0 0");
  check_status(try_op(empty->handle, ZX_VMO_OP_COMMIT, PAGE, SIZE), ZX_ERR_OUT_OF_RANGE);
  check_equal(vmo_info(empty->handle).committed_bytes, 0);
}

/* ---- The second table: anonymous VMOs ---- */

/* vmo.md 5: COMMIT, anonymous */
EACH_WAY(commit_gives_every_page_a_frame_and_keeps_the_contents) {
  struct vmo* v = anonymous(way, 0, "1 0 0 0");
  check_ok(try_op(v->handle, ZX_VMO_OP_COMMIT, 2 * PAGE - 1, 2));
  check_equal(vmo_info(v->handle).committed_bytes, 3 * PAGE);
  expect_tags(v, "1 0 0 0");
  commit(v, 0, 4);
  commit(v, 0, 4);
  check_equal(vmo_info(v->handle).committed_bytes, 4 * PAGE);
  put(v, 3, 9);
  expect_tags(v, "1 0 0 9");
  check_equal(vmo_info(v->handle).committed_bytes, 4 * PAGE);
}

/* vmo.md 5: DECOMMIT, anonymous */
EACH_WAY(decommit_drops_pages_which_then_read_zero) {
  struct vmo* v = anonymous(way, 0, "1 2 3 4");
  expect_tags(v, "1 2 3 4");
  decommit(v, 1, 2);
  check_equal(vmo_info(v->handle).committed_bytes, 2 * PAGE);
  expect_tags(v, "1 0 0 4");
  check_equal(vmo_info(v->handle).committed_bytes, 2 * PAGE);
  put_byte(v, 1, 100, 7);
  expect_at(v, 1, 100, 7);
  expect_at(v, 1, 99, 0);
}

/* vmo.md 5: ZERO, anonymous: byte-exact, edges kept, whole pages freed */
EACH_WAY(zero_clears_the_named_bytes_and_frees_whole_pages) {
  struct vmo* v = anonymous(way, 0, "1 2 3 4");
  expect_tags(v, "1 2 3 4");
  check_ok(try_op(v->handle, ZX_VMO_OP_ZERO, PAGE - 1, 2 * PAGE + 2));
  expect_at(v, 0, PAGE - 2, 1);
  expect_at(v, 0, PAGE - 1, 0);
  expect_at(v, 1, 0, 0);
  expect_at(v, 2, PAGE - 1, 0);
  expect_at(v, 3, 0, 0);
  expect_at(v, 3, 1, 4);
  check_equal(vmo_info(v->handle).committed_bytes, 2 * PAGE);
  check_ok(try_op(v->handle, ZX_VMO_OP_ZERO, 10, 20));
  expect_at(v, 0, 9, 1);
  expect_at(v, 0, 10, 0);
  expect_at(v, 0, 29, 0);
  expect_at(v, 0, 30, 1);
}

/* vmo.md 5: "On an absent page it commits nothing" */
EACH_WAY(zero_of_absent_pages_commits_nothing) {
  struct vmo* v = anonymous(way, 0, "0 0 0 0");
  zero(v, 0, 4);
  check_ok(try_op(v->handle, ZX_VMO_OP_ZERO, 100, PAGE));
  expect_tags(v, "0 0 0 0");
  check_ok(try_op(v->handle, ZX_VMO_OP_ZERO, 2 * PAGE + 1, 1));
  check_equal(vmo_info(v->handle).committed_bytes, 0);
}

/* vmo.md 5: CACHE_*, *_NEED, PREFETCH, anonymous */
EACH_WAY(cache_operations_hints_and_prefetch_have_no_effect) {
  struct vmo* v = anonymous(way, 0, "1 0 3 0");
  for (size_t i = 0; i < OP_ROWS; i++) {
    const struct op_row* row = &op_rows[i];
    if (row->rule != NOT_EMPTY && row->rule != PAGER_ONLY && row->op != ZX_VMO_OP_PREFETCH) {
      continue;
    }
    expect_op(row, v->handle, 0, SIZE, ZX_OK);
    expect_tags(v, "1 0 3 0");
    check_equal(vmo_info(v->handle).committed_bytes, 2 * PAGE);
  }
  check_ok(try_op(v->handle, ZX_VMO_OP_ALWAYS_NEED, 100 * PAGE, UINT64_MAX));
  check_ok(try_op(v->handle, ZX_VMO_OP_DONT_NEED, UINT64_MAX, UINT64_MAX));
}

/* ---- Pager roots ---- */

/* vmo.md 5: COMMIT and PREFETCH, pager root */
SCENARIO(commit_and_prefetch_of_a_pager_root_ask_for_absent_pages) {
  static const uint32_t ops[] = {ZX_VMO_OP_COMMIT, ZX_VMO_OP_PREFETCH};
  for (int i = 0; i < 2; i++) {
    struct root* r = make_root(PAGES);
    supply(r, 0, 1, TAG);
    struct worker* w = start_op(r->vmo, ops[i], PAGE / 2, 2 * PAGE);
    expect_read(r, 1, 2);
    expect_waiting(w);
    supply(r, 1, 2, TAG);
    expect_ok(w);
    check_equal(committed_pages(r->vmo), 3);
    w = start_op(r->vmo, ops[i], 3 * PAGE, PAGE);
    expect_read(r, 3, 1);
    fail_pages(r, 3, 1, ZX_ERR_IO);
    expect_status(w, ZX_ERR_IO);
    check_status(try_op(r->vmo, ops[i], PAGE, SIZE), ZX_ERR_OUT_OF_RANGE);
    expect_nothing();
  }
}

/* vmo.md 5: DECOMMIT, pager root, and note 1: the order */
SCENARIO(decommit_of_a_pager_root_is_not_supported) {
  struct root* r = make_root(PAGES);
  supply(r, 0, PAGES, TAG);
  check_status(try_op(r->vmo, ZX_VMO_OP_DECOMMIT, 1, SIZE), ZX_ERR_OUT_OF_RANGE);
  check_ok(try_op(r->vmo, ZX_VMO_OP_DECOMMIT, SIZE, 0));
  check_ok(try_op(r->vmo, ZX_VMO_OP_DECOMMIT, 1, 0));
  check_status(try_op(r->vmo, ZX_VMO_OP_DECOMMIT, SIZE + 1, 0), ZX_ERR_OUT_OF_RANGE);
  check_status(try_op(r->vmo, ZX_VMO_OP_DECOMMIT, 0, PAGE), ZX_ERR_NOT_SUPPORTED);
  check_status(try_op(r->vmo, ZX_VMO_OP_DECOMMIT, 1, PAGE), ZX_ERR_NOT_SUPPORTED);
  expect_pages(VIA_CALLS, r, 0, PAGES, TAG);
}

/* vmo.md 5: ZERO, CACHE_* and the hints, pager root */
SCENARIO(zero_cache_operations_and_hints_work_on_a_pager_root) {
  struct root* r = make_root(PAGES);
  supply(r, 0, 2, TAG);
  check_ok(try_op(r->vmo, ZX_VMO_OP_ZERO, PAGE, 2 * PAGE));
  expect_zero_pages(VIA_CALLS, r, 1, 2);
  check_ok(try_op(r->vmo, ZX_VMO_OP_CACHE_SYNC, 1, 1));
  check_ok(try_op(r->vmo, ZX_VMO_OP_CACHE_CLEAN, 1, 1));
  check_ok(try_op(r->vmo, ZX_VMO_OP_CACHE_CLEAN_INVALIDATE, 3 * PAGE, PAGE));
  check_ok(try_op(r->vmo, ZX_VMO_OP_DONT_NEED, 1, SIZE - 1));
  check_ok(try_op(r->vmo, ZX_VMO_OP_DONT_NEED, SIZE, 0));
  check_status(try_op(r->vmo, ZX_VMO_OP_DONT_NEED, 1, SIZE), ZX_ERR_OUT_OF_RANGE);
  check_status(try_op(r->vmo, ZX_VMO_OP_ALWAYS_NEED, PAGE, SIZE), ZX_ERR_OUT_OF_RANGE);
  check_ok(try_op(r->vmo, ZX_VMO_OP_ALWAYS_NEED, SIZE, 0));
  expect_nothing();
  struct worker* w = start_op(r->vmo, ZX_VMO_OP_ALWAYS_NEED, 3 * PAGE + 1, 1);
  expect_read(r, 3, 1);
  fail_pages(r, 3, 1, ZX_ERR_IO);
  expect_ok(w);
}

/* ---- Children ---- */

/* vmo.md 5: COMMIT, COW child: "forks every page of the range", and keeps the contents */
EACH_WAY(commit_of_a_child_forks_every_page) {
  struct vmo* a = anonymous(way, 0, "1 2 0 4");
  struct vmo* b = snapshot(a, 0, 4);
  commit(b, 1, 2);
  expect_tags(b, "1 2 0 4");
  expect_tags(a, "1 2 0 4");
  /* Page 1 parted, page 2 is new, pages 0 and 3 are shared still. */
  check_equal(vmo_info(b->handle).committed_bytes, 4 * PAGE);
  check_equal(vmo_info(b->handle).committed_private_bytes, 2 * PAGE);
  check_equal(vmo_info(a->handle).committed_private_bytes, PAGE);
  put(b, 1, 7);
  expect_tags(b, "1 7 0 4");
  expect_tags(a, "1 2 0 4");
}

/* vmo.md 5: COMMIT, DECOMMIT, ZERO, slice and reference: they act on the target's pages */
EACH_WAY(operations_of_slices_and_references_act_on_the_target) {
  struct vmo* a = anonymous(way, 0, "1 0 3 4");
  struct vmo* s = slice(a, 1, 2);
  struct vmo* r = reference(a);
  commit(s, 0, 1);
  check_equal(vmo_info(a->handle).committed_bytes, 4 * PAGE);
  check_equal(vmo_info(s->handle).committed_bytes, 0);
  decommit(s, 0, 2);
  expect_tags(a, "1 0 0 4");
  expect_tags(r, "1 0 0 4");
  check_equal(vmo_info(a->handle).committed_bytes, 2 * PAGE);
  zero(r, 3, 1);
  expect_tags(a, "1 0 0 0");
  decommit(r, 0, 1);
  expect_tags(a, "0 0 0 0");
  commit(r, 0, 4);
  check_equal(vmo_info(a->handle).committed_bytes, 4 * PAGE);
  check_equal(vmo_info(r->handle).committed_bytes, 0);
  zero(s, 0, 2);
  check_equal(vmo_info(a->handle).committed_bytes, 2 * PAGE);
}

/* vmo.md 5: the range of a slice is its own, whatever its parent has behind it */
SCENARIO(the_range_of_an_operation_is_that_of_the_slice) {
  struct vmo* a = anonymous(BY_CALLS, 0, "9 9 1 2 3 4 9 9");
  struct vmo* s = slice(a, 2, PAGES);
  for (size_t i = 0; i < OP_ROWS; i++) {
    for (size_t k = 0; k < sizeof(offsets) / sizeof(offsets[0]); k++) {
      for (size_t n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++) {
        if (op_rows[i].rule == NOT_EMPTY && sizes[n] == 0 && offsets[k] > SIZE) continue;
        const zx_status_t status = by_rule(op_rows[i].rule, offsets[k], sizes[n]);
        expect_op(&op_rows[i], s->handle, offsets[k], sizes[n], status);
      }
    }
  }
  uint8_t bytes[2 * PAGE];
  check_ok(zx_vmo_read(a->handle, bytes, 0, sizeof(bytes)));
  check_true(is_filled_with(bytes, 9, sizeof(bytes)));
  check_ok(zx_vmo_read(a->handle, bytes, 6 * PAGE, sizeof(bytes)));
  check_true(is_filled_with(bytes, 9, sizeof(bytes)));
}

/* vmo.md 5, note 1: refused on a COW child and on a VMO that has one; the order of the checks */
EACH_WAY(decommit_is_refused_on_both_sides_of_a_snapshot) {
  struct vmo* a = anonymous(way, 0, "1 2");
  struct vmo* b = snapshot(a, 0, 2);
  struct vmo* sides[] = {a, b};
  for (int i = 0; i < 2; i++) {
    const zx_handle_t h = sides[i]->handle;
    check_status(try_op(h, ZX_VMO_OP_DECOMMIT, 1, 2 * PAGE), ZX_ERR_OUT_OF_RANGE);
    check_status(try_op(h, ZX_VMO_OP_DECOMMIT, 2 * PAGE + 1, 0), ZX_ERR_OUT_OF_RANGE);
    check_ok(try_op(h, ZX_VMO_OP_DECOMMIT, 2 * PAGE, 0));
    check_ok(try_op(h, ZX_VMO_OP_DECOMMIT, 1, 0));
    check_status(try_op(h, ZX_VMO_OP_DECOMMIT, 0, PAGE), ZX_ERR_NOT_SUPPORTED);
    check_status(try_op(h, ZX_VMO_OP_DECOMMIT, 1, PAGE), ZX_ERR_NOT_SUPPORTED);
  }
  expect_tags(a, "1 2");
  expect_tags(b, "1 2");
  /* "When the last COW child of an anonymous VMO is gone it works again." */
  end(b);
  decommit(a, 0, 1);
  expect_tags(a, "0 2");
}

/* vmo.md 5, note 1: the second of two children still counts, also one taken over */
EACH_WAY(decommit_waits_for_the_last_of_the_children) {
  struct vmo* a = anonymous(way, 0, "1 2");
  struct vmo* b = snapshot(a, 0, 2);
  struct vmo* c = snapshot(b, 0, 2);
  struct vmo* d = snapshot(a, 0, 1);
  end(b);
  check_status(try_op(a->handle, ZX_VMO_OP_DECOMMIT, 0, PAGE), ZX_ERR_NOT_SUPPORTED);
  end(d);
  check_status(try_op(a->handle, ZX_VMO_OP_DECOMMIT, 0, PAGE), ZX_ERR_NOT_SUPPORTED);
  end(c);
  decommit(a, 0, 1);
  expect_tags(a, "0 2");
}

/* vmo.md 5, note 1: also where neither has a page, or the child sees none of the parent's */
EACH_WAY(decommit_is_refused_where_a_snapshot_shows_nothing) {
  struct vmo* a = anonymous(way, 0, "0 0");
  struct vmo* b = snapshot(a, 0, 2);
  struct vmo* c = snapshot(b, 7, 1);
  struct vmo* all[] = {a, b, c};
  for (int i = 0; i < 3; i++) {
    check_status(try_op(all[i]->handle, ZX_VMO_OP_DECOMMIT, 0, PAGE), ZX_ERR_NOT_SUPPORTED);
  }
  end(b);
  check_status(try_op(a->handle, ZX_VMO_OP_DECOMMIT, 0, PAGE), ZX_ERR_NOT_SUPPORTED);
  check_status(try_op(c->handle, ZX_VMO_OP_DECOMMIT, 0, PAGE), ZX_ERR_NOT_SUPPORTED);
  end(c);
  decommit(a, 0, 2);
  struct vmo* r = reference(a);
  struct vmo* d = snapshot(r, 0, 1);
  check_status(try_op(a->handle, ZX_VMO_OP_DECOMMIT, 0, PAGE), ZX_ERR_NOT_SUPPORTED);
  check_status(try_op(r->handle, ZX_VMO_OP_DECOMMIT, 0, PAGE), ZX_ERR_NOT_SUPPORTED);
  end(d);
  decommit(r, 0, 2);
}

/* vmo.md 5, note 1: slices and references of both sides */
EACH_WAY(slices_and_references_do_not_block_decommit_and_share_its_limits) {
  struct vmo* a = anonymous(way, 0, "1 2 3");
  struct vmo* s = slice(a, 0, 3);
  struct vmo* r = reference(a);
  decommit(a, 0, 1);
  expect_tags(a, "0 2 3");
  struct vmo* b = snapshot(a, 0, 3);
  check_status(try_op(s->handle, ZX_VMO_OP_DECOMMIT, 0, PAGE), ZX_ERR_NOT_SUPPORTED);
  check_status(try_op(r->handle, ZX_VMO_OP_DECOMMIT, 0, PAGE), ZX_ERR_NOT_SUPPORTED);
  struct vmo* slice_of_b = slice(b, 0, 2);
  check_status(try_op(slice_of_b->handle, ZX_VMO_OP_DECOMMIT, 0, PAGE), ZX_ERR_NOT_SUPPORTED);
  end(slice_of_b);
  end(b);
  decommit(s, 1, 1);
  decommit(r, 2, 1);
  expect_tags(a, "0 0 0");
}

/* vmo.md 5, note 1: the last survivor that began as a child may be refused, or not; never half */
EACH_WAY(decommit_of_the_last_survivor_works_or_changes_nothing) {
  struct vmo* a = anonymous(way, 0, "1 2");
  struct vmo* b = snapshot(a, 0, 2);
  end(a);
  const zx_status_t status = try_op(b->handle, ZX_VMO_OP_DECOMMIT, 0, PAGE);
  check_true(status == ZX_OK || status == ZX_ERR_NOT_SUPPORTED);
  if (status == ZX_OK) {
    expect_tags(b, "0 2");
  } else {
    expect_tags(b, "1 2");
  }
}

/* vmo.md 5: ZERO, COW child: whole pages and parts, seen by nobody else */
EACH_WAY(zero_of_a_child_or_a_parent_is_its_own) {
  struct vmo* a = anonymous(way, 0, "1 2 3");
  struct vmo* b = snapshot(a, 0, 3);
  struct vmo* c = snapshot(a, 0, 3);
  check_ok(try_op(b->handle, ZX_VMO_OP_ZERO, 100, PAGE));
  expect_at(b, 0, 99, 1);
  expect_at(b, 0, 100, 0);
  expect_at(b, 1, 99, 0);
  expect_at(b, 1, 100, 2);
  expect_tags(a, "1 2 3");
  expect_tags(c, "1 2 3");
  zero(b, 0, 3);
  expect_tags(b, "0 0 0");
  check_ok(try_op(a->handle, ZX_VMO_OP_ZERO, 2 * PAGE, 1));
  expect_at(a, 2, 0, 0);
  expect_at(a, 2, 1, 3);
  zero(a, 0, 2);
  expect_tags(c, "1 2 3");
  expect_tags(b, "0 0 0");
}

/* vmo.md 5: CACHE_*, COW child, slice and reference */
SCENARIO(cache_operations_work_on_children_of_every_kind) {
  struct vmo* a = anonymous(BY_CALLS, 0, "1 2");
  struct vmo* children[] = {snapshot(a, 0, 2), slice(a, 0, 2), reference(a)};
  for (int i = 0; i < 3; i++) {
    for (size_t k = 0; k < OP_ROWS; k++) {
      if (op_rows[k].rule != NOT_EMPTY && op_rows[k].rule != PAGER_ONLY) continue;
      expect_op(&op_rows[k], children[i]->handle, PAGE / 2, PAGE, ZX_OK);
    }
    check_status(try_op(children[i]->handle, ZX_VMO_OP_CACHE_INVALIDATE, 0, PAGE),
                 ZX_ERR_NOT_SUPPORTED);
    /* The root has no pager: hints are fine out of range too. */
    check_ok(try_op(children[i]->handle, ZX_VMO_OP_ALWAYS_NEED, 9 * PAGE, PAGE));
    check_ok(try_op(children[i]->handle, ZX_VMO_OP_PREFETCH, 0, 2 * PAGE));
    expect_tags(children[i], "1 2");
  }
  check_equal(vmo_info(children[0]->handle).committed_private_bytes, 0);
}

/* vmo.md 5: *_NEED and PREFETCH, children in a pager tree: "as the root says" */
SCENARIO(hints_of_children_in_a_pager_tree_reach_the_root) {
  static const uint32_t ops[] = {ZX_VMO_OP_ALWAYS_NEED, ZX_VMO_OP_PREFETCH};
  for (int i = 0; i < 2; i++) {
    struct root* r = NULL;
    struct vmo* v = pager_root(BY_CALLS, 0, "- - - - - - - -", &r);
    struct vmo* children[] = {lazy(v, 1, 2), slice(v, 3, 2), reference(v)};
    static const uint64_t firsts[] = {1, 3, 0};
    for (int k = 0; k < 3; k++) {
      const zx_handle_t h = children[k]->handle;
      struct worker* w = start_op(h, ops[i], PAGE / 2, PAGE);
      if (k < 2) {
        expect_read(r, firsts[k], 2);
        supply(r, firsts[k], 2, TAG);
      } else {
        expect_read(r, 0, 1);
        supply(r, 0, 1, TAG);
      }
      expect_ok(w);
      check_equal(vmo_info(h).committed_bytes, 0);
      check_status(try_op(h, ops[i], 8 * PAGE, 1), ZX_ERR_OUT_OF_RANGE);
      check_status(try_op(h, ZX_VMO_OP_DONT_NEED, 8 * PAGE, 1), ZX_ERR_OUT_OF_RANGE);
      check_ok(try_op(h, ZX_VMO_OP_DONT_NEED, 0, PAGE));
      check_ok(try_op(h, ops[i], 0, 0));
    }
    expect_nothing();
  }
}

/* vmo.md 5: DECOMMIT in a pager tree, through every kind of child */
SCENARIO(decommit_is_not_supported_anywhere_in_a_pager_tree) {
  struct root* r = NULL;
  struct vmo* v = pager_root(BY_CALLS, 0, "1 2", &r);
  struct vmo* all[] = {v, lazy(v, 0, 2), slice(v, 0, 2), reference(v)};
  for (int i = 0; i < 4; i++) {
    check_status(try_op(all[i]->handle, ZX_VMO_OP_DECOMMIT, 0, PAGE), ZX_ERR_NOT_SUPPORTED);
    check_status(try_op(all[i]->handle, ZX_VMO_OP_DECOMMIT, 1, PAGE), ZX_ERR_NOT_SUPPORTED);
    check_status(try_op(all[i]->handle, ZX_VMO_OP_DECOMMIT, 0, 3 * PAGE), ZX_ERR_OUT_OF_RANGE);
    check_ok(try_op(all[i]->handle, ZX_VMO_OP_DECOMMIT, PAGE, 0));
    expect_tags(all[i], "1 2");
  }
}

/* vmo.md 5: LOCK, UNLOCK, TRY_LOCK on what is not discardable */
SCENARIO(locks_are_for_discardable_vmos_alone) {
  static const uint32_t ops[] = {ZX_VMO_OP_LOCK, ZX_VMO_OP_TRY_LOCK, ZX_VMO_OP_UNLOCK};
  struct vmo* a = anonymous(BY_CALLS, 0, "1");
  struct root* r = NULL;
  struct vmo* root = pager_root(BY_CALLS, 0, "1", &r);
  struct vmo* all[] = {a, snapshot(a, 0, 1), slice(a, 0, 1), reference(a), root, lazy(root, 0, 1)};
  zx_vmo_lock_state_t state;
  for (int i = 0; i < 6; i++) {
    for (int k = 0; k < 3; k++) {
      check_status(zx_vmo_op_range(all[i]->handle, ops[k], 0, PAGE, &state, sizeof(state)),
                   ZX_ERR_NOT_SUPPORTED);
      check_status(zx_vmo_op_range(all[i]->handle, ops[k], 1, 1, NULL, 0), ZX_ERR_NOT_SUPPORTED);
    }
  }
}

/* ---- Uncached ---- */

/* vmo.md 5, last column */
SCENARIO(operations_on_uncached_memory) {
  struct vmo* v = anonymous(BY_CALLS, 0, "1 0 3 4");
  check_ok(zx_vmo_set_cache_policy(v->handle, ZX_CACHE_POLICY_UNCACHED));
  commit(v, 0, 4);
  check_equal(vmo_info(v->handle).committed_bytes, 4 * PAGE);
  decommit(v, 0, 2);
  check_equal(vmo_info(v->handle).committed_bytes, 2 * PAGE);
  check_status(try_op(v->handle, ZX_VMO_OP_ZERO, 0, PAGE), ZX_ERR_BAD_STATE);
  check_status(try_op(v->handle, ZX_VMO_OP_ZERO, 9 * PAGE, PAGE), ZX_ERR_BAD_STATE);
  check_equal(vmo_info(v->handle).committed_bytes, 2 * PAGE);
  for (size_t i = 0; i < OP_ROWS; i++) {
    if (op_rows[i].op == ZX_VMO_OP_ZERO) continue;
    expect_op(&op_rows[i], v->handle, 0, SIZE, ZX_OK);
    expect_op(&op_rows[i], v->handle, PAGE, SIZE,
              op_rows[i].rule == PAGER_ONLY ? ZX_OK : ZX_ERR_OUT_OF_RANGE);
  }
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(unknown_operations_are_invalid_whatever_the_rights),
      TEST(each_operation_needs_its_right_and_no_other),
      TEST(cache_invalidate_is_not_supported_before_the_right_is_checked),
      TEST(every_offset_and_size_is_judged_by_the_rule_of_its_operation),
      TEST(an_operation_that_is_out_of_range_touches_no_page),
      TEST_EACH_WAY(commit_gives_every_page_a_frame_and_keeps_the_contents),
      TEST_EACH_WAY(decommit_drops_pages_which_then_read_zero),
      TEST_EACH_WAY(zero_clears_the_named_bytes_and_frees_whole_pages),
      TEST_EACH_WAY(zero_of_absent_pages_commits_nothing),
      TEST_EACH_WAY(cache_operations_hints_and_prefetch_have_no_effect),
      TEST(commit_and_prefetch_of_a_pager_root_ask_for_absent_pages),
      TEST(decommit_of_a_pager_root_is_not_supported),
      TEST(zero_cache_operations_and_hints_work_on_a_pager_root),
      TEST_EACH_WAY(commit_of_a_child_forks_every_page),
      TEST_EACH_WAY(operations_of_slices_and_references_act_on_the_target),
      TEST(the_range_of_an_operation_is_that_of_the_slice),
      TEST_EACH_WAY(decommit_is_refused_on_both_sides_of_a_snapshot),
      TEST_EACH_WAY(decommit_waits_for_the_last_of_the_children),
      TEST_EACH_WAY(decommit_is_refused_where_a_snapshot_shows_nothing),
      TEST_EACH_WAY(slices_and_references_do_not_block_decommit_and_share_its_limits),
      TEST_EACH_WAY(decommit_of_the_last_survivor_works_or_changes_nothing),
      TEST_EACH_WAY(zero_of_a_child_or_a_parent_is_its_own),
      TEST(cache_operations_work_on_children_of_every_kind),
      TEST(hints_of_children_in_a_pager_tree_reach_the_root),
      TEST(decommit_is_not_supported_anywhere_in_a_pager_tree),
      TEST(locks_are_for_discardable_vmos_alone),
      TEST(operations_on_uncached_memory),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
