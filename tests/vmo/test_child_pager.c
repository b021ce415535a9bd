/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Children in pager trees: vmo.md 8, scenarios S16 to S19; pager.md 4, 7.7, 8, 10 and scenarios 35,
 * 42 to 45; writeback.md 8.4.
 */
#include <stdatomic.h>
#include <string.h>
#include <zircon/syscalls-next.h>

#include "tagged.h"

#define LAZY            ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE
#define CHILD_RESIZABLE ZX_VMO_CHILD_RESIZABLE
#define TRAP_KEY        ((uint64_t)55)

static void expect_dirty_packet(struct root* r, uint64_t first, uint64_t count) {
  expect_packet(r->port, r->key, ZX_PAGER_VMO_DIRTY, first * PAGE, count * PAGE);
}

static zx_status_t dirty(struct root* r, uint64_t first, uint64_t count) {
  return zx_pager_op_range(r->pager, ZX_PAGER_OP_DIRTY, r->vmo, first * PAGE, count * PAGE, 0);
}

static size_t dirty_ranges(struct root* r) {
  size_t avail = 0;
  check_ok(
      zx_pager_query_dirty_ranges(r->pager, r->vmo, 0, r->pages * PAGE, NULL, 0, NULL, &avail));
  return avail;
}

static bool modified_flag(struct root* r) {
  zx_pager_vmo_stats_t stats = {0};
  check_ok(
      zx_pager_query_vmo_stats(r->pager, r->vmo, ZX_PAGER_RESET_VMO_STATS, &stats, sizeof(stats)));
  return (stats.modified & ZX_PAGER_VMO_STATS_MODIFIED) != 0;
}

/* ---- Scenarios of the document ---- */

/* vmo.md 17 S16 */
EACH_WAY(s16_a_lazy_child_follows_until_it_writes) {
  struct vmo* r = pager_root(way, 0, "1 2", NULL);
  struct vmo* c = lazy(r, 0, 2);
  expect_tags(c, "1 2");
  put(r, 0, 5);
  expect_tags(c, "5 2");
  put(c, 0, 6);
  expect_tags(c, "6 2");
  expect_tags(r, "5 2");
  put(r, 0, 7);
  expect_tags(c, "6 2");
  expect_tags(r, "7 2");
  check_equal(committed_pages(r->handle), 2);
  check_equal(committed_pages(c->handle), 1);
  expect_nothing();
}

/* vmo.md 17 S17 */
EACH_WAY(s17_a_mod_snapshot_shares_what_was_forked_and_follows_the_rest) {
  struct vmo* r = pager_root(way, 0, "1 2", NULL);
  struct vmo* c = lazy(r, 0, 2);
  put(c, 0, 6);
  put(r, 0, 7);
  struct vmo* d = modified(c, 0, 2);
  expect_tags(d, "6 2");
  put(c, 0, 8);
  expect_tags(d, "6 2");
  put(r, 1, 9);
  expect_tags(c, "8 9");
  expect_tags(d, "6 9");
  put(d, 1, 4);
  expect_tags(d, "6 4");
  expect_tags(c, "8 9");
  expect_tags(r, "7 9");
  expect_nothing();
}

/* vmo.md 17 S18 */
EACH_WAY(s18_zeros_of_a_child_hide_what_is_supplied_later) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, 0, "- -", &root);
  struct vmo* c = modified(r, 0, 2);
  struct vmo* d = modified(c, 0, 2);
  zero(d, 0, 1);
  expect_nothing();
  supply_tags(root, 0, "1 2");
  expect_tags(c, "1 2");
  expect_tags(d, "0 2");
  expect_tags(r, "1 2");
}

/* vmo.md 17 S19 */
EACH_WAY(s19_what_the_parent_cut_off_reads_zero_for_good) {
  struct vmo* r = pager_root(way, ZX_VMO_RESIZABLE, "1 2 3", NULL);
  struct vmo* c = lazy(r, 0, 3);
  expect_tags(c, "1 2 3");
  put(c, 1, 9);
  resize(r, 1);
  expect_tags(c, "1 9 0");
  resize(r, 3);
  expect_tags(c, "1 9 0");
  expect_tags(r, "1 0 0");
  put(r, 2, 4);
  expect_tags(c, "1 9 0");
}

/* ---- 8.1: looking at the parent ---- */

/* vmo.md 8.1: every write of the parent shows, also where the child's mapping was read before */
EACH_WAY(a_lazy_child_sees_each_write_of_its_parent) {
  struct vmo* r = pager_root(way, 0, "1 1", NULL);
  struct vmo* c = lazy(r, 0, 2);
  struct vmo* d = lazy(c, 1, 1);
  static const char* const tags[] = {"1", "2", "3", "4", "5", "6", "7", "8", "9"};
  for (unsigned i = 2; i <= 9; i++) {
    put(r, 1, i);
    expect_tags(d, tags[i - 1]);
    expect_at(c, 1, 77, (uint8_t)i);
    expect_at(c, 0, 77, 1);
  }
  zero(r, 1, 1);
  expect_tags(d, "0");
  expect_tags(c, "1 0");
  put_byte(r, 1, 5, 3);
  expect_at(d, 0, 5, 3);
  expect_at(d, 0, 6, 0);
}

/* vmo.md 8.1: "the supplied page then belongs to the root" */
EACH_WAY(an_absent_page_is_asked_for_at_the_roots_offset) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, 0, "- - - -", &root);
  struct vmo* c = lazy(r, 1, 3);
  struct worker* w = start_look(c, 1);
  expect_read(root, 2, 1);
  expect_waiting(w);
  supply(root, 2, 1, TAG);
  expect_byte(w, content_byte(TAG, 2, 0));
  check_equal(committed_pages(r->handle), 1);
  check_equal(committed_pages(c->handle), 0);
  /* Another child needs no request for it. */
  struct vmo* other = lazy(r, 0, 4);
  expect_byte(start_look(other, 2), content_byte(TAG, 2, 0));
  expect_nothing();
}

/* vmo.md 8.1, pager.md 10.2: "first requests it for the root, then forks" */
EACH_WAY(a_write_of_an_absent_page_asks_first_and_then_forks) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, 0, "- -", &root);
  struct vmo* c = lazy(r, 0, 2);
  struct worker* w = start_put(c, 1, 200);
  expect_read(root, 1, 1);
  expect_waiting(w);
  supply(root, 1, 1, TAG);
  expect_ok(w);
  expect_at(c, 1, 0, 200);
  expect_at(c, 1, 1, content_byte(TAG, 1, 1));
  expect_at(r, 1, 0, content_byte(TAG, 1, 0));
  check_equal(committed_pages(r->handle), 1);
  check_equal(committed_pages(c->handle), 1);
  /* The root's page stayed clean. */
  check_equal(dirty_ranges(root), 0);
  check_true(!modified_flag(root));
  expect_nothing();
}

/* pager.md 6, 11.1: a failure reaches those that waited through the child */
EACH_WAY(a_failed_request_fails_the_access_of_the_child) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, 0, "- -", &root);
  struct vmo* c = lazy(lazy(r, 0, 2), 0, 2);
  struct worker* w = start_look(c, 1);
  expect_read(root, 1, 1);
  fail_pages(root, 1, 1, ZX_ERR_IO_DATA_INTEGRITY);
  expect_failed(w, ZX_ERR_IO_DATA_INTEGRITY);
  w = start_put(c, 0, 7);
  expect_read(root, 0, 1);
  fail_pages(root, 0, 1, ZX_ERR_NO_SPACE);
  expect_failed(w, ZX_ERR_NO_SPACE);
  check_equal(committed_pages(c->handle), 0);
  /* Nothing sticks. */
  w = start_look(c, 1);
  expect_read(root, 1, 1);
  supply_tags(root, 1, "4");
  expect_byte(w, 4);
}

/* pager.md 10.1: "parent, clones and slices join each other's" */
EACH_WAY(parent_and_children_share_one_request) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, 0, "- - -", &root);
  struct vmo* all[] = {r, lazy(r, 0, 3), slice(r, 0, 3), reference(r), NULL, NULL};
  all[4] = lazy(all[1], 0, 3);
  all[5] = slice(all[4], 0, 3);
  struct worker* workers[6];
  const struct counts before = counts_now();
  const uint64_t mark = waits_now();
  for (int i = 0; i < 6; i++) {
    workers[i] = start_look(all[i], 1);
  }
  await_waits(mark, 6);
  expect_read(root, 1, 1);
  expect_nothing();
  supply_tags(root, 1, "7");
  for (int i = 0; i < 6; i++) {
    expect_byte(workers[i], 7);
  }
  check_equal(counts_now().requests - before.requests, 1);
  expect_nothing();
}

/* vmo.md 8.1: "with TRAP_DIRTY no DIRTY request is made by a write to a child"; writeback.md
 * 8.4.3 */
EACH_WAY(a_write_to_a_child_of_a_trap_root_asks_for_no_dirtying) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, ZX_VMO_TRAP_DIRTY, "1 2 -", &root);
  struct vmo* c = lazy(r, 0, 3);
  put(c, 0, 5);
  expect_nothing();
  struct worker* w = start_put(c, 2, 6);
  expect_read(root, 2, 1);
  supply_tags(root, 2, "3");
  expect_ok(w);
  expect_nothing();
  commit(c, 1, 1);
  zero(c, 1, 1);
  expect_nothing();
  check_equal(dirty_ranges(root), 0);
  check_true(!modified_flag(root));
  expect_tags(r, "1 2 3");
  expect_at(c, 0, 0, 5);
  expect_at(c, 1, 0, 0);
  expect_at(c, 2, 0, 6);
}

/* writeback.md 8.4.3: "It sees the root's current content, dirty or not, where it has no copy" */
EACH_WAY(a_child_sees_dirty_pages_of_a_trap_root) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, ZX_VMO_TRAP_DIRTY, "1 2", &root);
  struct vmo* c = lazy(r, 0, 2);
  expect_tags(c, "1 2");
  struct worker* w = start_put(r, 1, 9);
  expect_dirty_packet(root, 1, 1);
  expect_at(c, 1, 0, 2);
  check_ok(dirty(root, 1, 1));
  expect_ok(w);
  expect_at(c, 1, 0, 9);
  expect_at(c, 1, 1, 2);
  /* Through writing back and the next write, too. */
  check_ok(zx_pager_op_range(root->pager, ZX_PAGER_OP_WRITEBACK_BEGIN, root->vmo, 0, 2 * PAGE, 0));
  check_ok(zx_pager_op_range(root->pager, ZX_PAGER_OP_WRITEBACK_END, root->vmo, 0, 2 * PAGE, 0));
  expect_at(c, 1, 0, 9);
  w = start_put(r, 1, 8);
  expect_dirty_packet(root, 1, 1);
  expect_waiting(w);
  expect_at(c, 1, 0, 9);
  check_ok(dirty(root, 1, 1));
  expect_ok(w);
  expect_at(c, 1, 0, 8);
  expect_nothing();
}

/* writeback.md 8.4.3: "over a root's zero interval it sees zeros with no request" */
EACH_WAY(a_child_sees_zeros_over_a_zero_interval_of_the_root) {
  struct vmo* r = pager_root(way, ZX_VMO_RESIZABLE, "1 - -", NULL);
  struct vmo* c = lazy(r, 0, 3);
  zero(r, 1, 2);
  expect_tags(c, "1 0 0");
  put(c, 2, 4);
  expect_tags(c, "1 0 4");
  expect_tags(r, "1 0 0");
  put(r, 1, 5);
  expect_tags(c, "1 5 4");
  expect_nothing();
}

/* writeback.md 8.4.4, pager.md 8.6 */
EACH_WAY(zero_of_whole_pages_of_a_child_asks_nothing) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, 0, "- - 3", &root);
  struct vmo* c = lazy(r, 0, 3);
  zero(c, 0, 3);
  expect_nothing();
  expect_tags(c, "0 0 0");
  supply_tags(root, 0, "1 2");
  expect_tags(c, "0 0 0");
  expect_tags(r, "1 2 3");
  check_equal(dirty_ranges(root), 0);
}

/* pager.md 4: ZERO of a part of an absent page asks for it, and forks */
EACH_WAY(zero_of_part_of_a_page_of_a_child_asks_and_forks) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, 0, "1 -", &root);
  struct vmo* c = lazy(r, 0, 2);
  check_ok(try_op(c->handle, ZX_VMO_OP_ZERO, 10, 20));
  struct worker* w = start_op(c->handle, ZX_VMO_OP_ZERO, PAGE + 10, 20);
  expect_read(root, 1, 1);
  supply_tags(root, 1, "2");
  expect_ok(w);
  for (uint64_t page = 0; page < 2; page++) {
    expect_at(c, page, 9, (uint8_t)(page + 1));
    expect_at(c, page, 10, 0);
    expect_at(c, page, 29, 0);
    expect_at(c, page, 30, (uint8_t)(page + 1));
  }
  expect_tags(r, "1 2");
  check_equal(committed_pages(c->handle), 2);
}

/* vmo.md 5, 8.6: also where the parent's page is zero at that moment; and so for the tail of a
 * resize */
EACH_WAY(zero_of_part_of_a_page_of_zeros_hides_it_too) {
  struct vmo* r = pager_root(way, 0, "0 0", NULL);
  struct vmo* c = child(r, LAZY | CHILD_RESIZABLE, 0, 3);
  struct vmo* d = lazy(c, 0, 3);
  check_ok(try_op(c->handle, ZX_VMO_OP_ZERO, 10, 20));
  check_ok(zx_vmo_set_size(c->handle, PAGE + 100));
  check_ok(try_op(d->handle, ZX_VMO_OP_ZERO, 2 * PAGE, 1));
  put(r, 0, 5);
  put(r, 1, 6);
  expect_tags(c, "0 0");
  expect_tags(d, "0 0 0");
  check_equal(committed_pages(c->handle), 0);
  check_equal(committed_pages(d->handle), 0);
  put(c, 0, 7);
  expect_tags(d, "7 0 0");
}

/* ---- What is asked for: pager.md 4 and its scenarios ---- */

/* pager.md 13.42 */
EACH_WAY(p42_requests_are_at_the_roots_offsets) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, 0, "- - - - - - - -", &root);
  struct vmo* c = lazy(r, 2, 4);
  struct vmo* s = slice(r, 5, 3);
  struct worker* t1 = start_look(c, 1);
  expect_read(root, 3, 1);
  struct worker* t2 = start_look(s, 2);
  expect_read(root, 7, 1);
  supply_tags(root, 3, "3");
  supply_tags(root, 7, "7");
  expect_byte(t1, 3);
  expect_byte(t2, 7);
  expect_nothing();
}

/* pager.md 13.43 */
SCENARIO(p43_a_request_ends_before_pages_that_any_node_on_the_way_has) {
  struct root* root = NULL;
  struct vmo* r = pager_root(BY_CALLS, 0, "- - - - - - - -", &root);
  struct vmo* c = lazy(r, 0, 8);
  /* The two pages, owned without anything being asked for. */
  zero(c, 2, 1);
  struct vmo* d = lazy(c, 0, 8);
  zero(d, 5, 1);
  struct worker* t1 = start_read(d->handle, 0, 8 * PAGE);
  expect_read(root, 0, 2);
  supply(root, 0, 2, TAG);
  expect_read(root, 3, 2);
  supply(root, 3, 2, TAG);
  expect_read(root, 6, 2);
  supply(root, 6, 2, TAG);
  expect_ok(t1);
  expect_nothing();
  check_equal(committed_pages(r->handle), 6);
}

/* pager.md 13.44, 10.3 */
EACH_WAY(p44_past_what_it_sees_a_clone_reads_zeros) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, 0, "- -", &root);
  struct vmo* c = lazy(r, 1, 3);
  expect_at(c, 1, 0, 0);
  expect_at(c, 2, PAGE - 1, 0);
  put(c, 2, 5);
  expect_at(c, 2, 0, 5);
  expect_nothing();
  struct worker* w = start_read(c->handle, 0, 3 * PAGE);
  expect_read(root, 1, 1);
  supply_tags(root, 1, "2");
  expect_ok(w);
  expect_tags(c, "2 0 5");
}

/* pager.md 13.45 */
EACH_WAY(p45_a_shrink_of_the_root_lets_a_waiting_clone_read_zeros) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, ZX_VMO_RESIZABLE, "- - -", &root);
  struct vmo* c = lazy(r, 0, 3);
  struct worker* t1 = start_look(c, 1);
  expect_read(root, 1, 1);
  expect_waiting(t1);
  resize(r, 1);
  expect_byte(t1, 0);
  resize(r, 3);
  expect_at(c, 1, 0, 0);
  expect_at(c, 2, 0, 0);
  expect_nothing();
}

/* pager.md 4: zx_vmo_write asks for at most sixteen pages, also through a clone */
SCENARIO(a_write_through_a_clone_asks_for_sixteen_pages_at_most) {
  struct root* root = make_root(20);
  struct vmo* c = lazy(vmo_of(BY_CALLS, root->vmo), 0, 20);
  struct worker* w = start_write(c->handle, 0, 20 * PAGE, 9);
  expect_read(root, 0, 16);
  supply(root, 0, 16, TAG);
  expect_read(root, 16, 4);
  supply(root, 16, 4, TAG);
  expect_ok(w);
  expect_nothing();
  check_equal(committed_pages(c->handle), 20);
  expect_pages(VIA_CALLS, root, 0, 20, TAG);
  check_equal(dirty_ranges(root), 0);
}

/* pager.md 3.6, 10.2: COMMIT of a clone asks for all that is absent, and copies all */
EACH_WAY(commit_of_a_clone_asks_and_copies_every_page) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, 0, "1 - - 4", &root);
  struct vmo* c = lazy(r, 0, 6);
  struct worker* w = start_op(c->handle, ZX_VMO_OP_COMMIT, 0, 6 * PAGE);
  expect_read(root, 1, 2);
  supply_tags(root, 1, "2 3");
  expect_ok(w);
  check_equal(committed_pages(c->handle), 6);
  check_equal(committed_pages(r->handle), 4);
  expect_tags(c, "1 2 3 4 0 0");
  put(r, 0, 9);
  expect_tags(c, "1 2 3 4 0 0");
  check_equal(dirty_ranges(root), 1);
  expect_nothing();
}

/* pager.md 3.6: the range of an operation on a clone is its own */
SCENARIO(ranges_of_clones_are_their_own) {
  struct vmo* r = pager_root(BY_CALLS, 0, "1 2 3 4", NULL);
  struct vmo* c = lazy(r, 1, 2);
  static const uint32_t ops[] = {ZX_VMO_OP_COMMIT,   ZX_VMO_OP_ZERO,        ZX_VMO_OP_PREFETCH,
                                 ZX_VMO_OP_DECOMMIT, ZX_VMO_OP_ALWAYS_NEED, ZX_VMO_OP_DONT_NEED};
  for (int i = 0; i < 6; i++) {
    check_status(try_op(c->handle, ops[i], PAGE, 2 * PAGE), ZX_ERR_OUT_OF_RANGE);
    check_ok(try_op(c->handle, ops[i], 2 * PAGE, 0));
  }
  uint8_t bytes[3 * PAGE];
  check_status(zx_vmo_read(c->handle, bytes, 0, sizeof(bytes)), ZX_ERR_OUT_OF_RANGE);
  expect_nothing();
}

/* pager.md 4, last row: making a child asks for nothing */
SCENARIO(making_children_asks_for_nothing) {
  struct vmo* r = pager_root(BY_CALLS, 0, "- -", NULL);
  struct vmo* c = lazy(r, 0, 2);
  struct vmo* all[] = {modified(r, 0, 2), modified(c, 0, 2), lazy(c, 0, 2), slice(c, 0, 1),
                       reference(c)};
  for (int i = 0; i < 5; i++) {
    check_true((vmo_info(all[i]->handle).flags & ZX_INFO_VMO_PAGER_BACKED) != 0);
  }
  expect_nothing();
}

/* ---- 8.2: windows ---- */

/* vmo.md 8.2: "Pages which the child has forked stay." */
EACH_WAY(a_shrink_of_the_parent_leaves_what_the_child_forked) {
  struct vmo* r = pager_root(way, ZX_VMO_RESIZABLE, "1 2 3 4", NULL);
  struct vmo* c = lazy(r, 1, 3);
  struct vmo* d = lazy(c, 0, 3);
  put(c, 1, 7);
  put_byte(d, 2, 9, 8);
  resize(r, 2);
  expect_tags(c, "2 7 0");
  expect_at(d, 0, 0, 2);
  expect_at(d, 1, 0, 7);
  expect_at(d, 2, 0, 4);
  expect_at(d, 2, 9, 8);
  resize(r, 4);
  put(r, 2, 5);
  put(r, 3, 5);
  expect_tags(c, "2 7 0");
  expect_at(d, 2, 0, 4);
}

/* vmo.md 8.2: the child's own size */
EACH_WAY(a_lazy_child_that_shrinks_and_grows_sees_zeros) {
  struct vmo* r = pager_root(way, 0, "1 2 3", NULL);
  struct vmo* c = child(r, LAZY | CHILD_RESIZABLE, 0, 3);
  put(c, 2, 6);
  resize(c, 1);
  resize(c, 4);
  expect_tags(c, "1 0 0 0");
  put(r, 0, 5);
  put(r, 1, 5);
  expect_tags(c, "5 0 0 0");
  put(c, 1, 7);
  expect_tags(c, "5 7 0 0");
  expect_tags(r, "5 5 3");
}

/* vmo.md 8.2: a parent that grows shows nothing new */
EACH_WAY(a_lazy_child_does_not_see_what_the_parent_grows_by) {
  struct vmo* r = pager_root(way, ZX_VMO_RESIZABLE, "1", NULL);
  struct vmo* c = lazy(r, 0, 3);
  resize(r, 3);
  put(r, 1, 5);
  expect_tags(c, "1 0 0");
  expect_nothing();
}

/* ---- 8.3: mod ---- */

/* vmo.md 8.3: children of both sides of a mod snapshot, and the end of the first */
EACH_WAY(mod_snapshots_of_mod_snapshots_go_on_after_the_others_end) {
  struct vmo* r = pager_root(way, 0, "1 2 3", NULL);
  struct vmo* c = lazy(r, 0, 3);
  put(c, 0, 4);
  struct vmo* d = modified(c, 0, 3);
  put(d, 1, 5);
  struct vmo* e = modified(d, 0, 3);
  put(c, 0, 6);
  struct vmo* f = child(c, LAZY, 0, 3);
  put(c, 2, 7);
  expect_tags(c, "6 2 7");
  expect_tags(d, "4 5 3");
  expect_tags(e, "4 5 3");
  expect_tags(f, "6 2 3");
  put(r, 2, 9);
  expect_tags(d, "4 5 9");
  expect_tags(e, "4 5 9");
  expect_tags(f, "6 2 9");
  expect_tags(c, "6 2 7");
  end(d);
  put(e, 0, 8);
  expect_tags(e, "8 5 9");
  end(c);
  expect_tags(e, "8 5 9");
  expect_tags(f, "6 2 9");
  zero(r, 1, 1);
  expect_tags(f, "6 0 9");
  expect_tags(e, "8 5 9");
  end(e);
  expect_tags(f, "6 0 9");
}

/* vmo.md 6, 8.1: the end of a lazy VMO makes no snapshot of what its children share */
EACH_WAY(children_of_an_ended_lazy_vmo_have_lazy_children) {
  struct vmo* r = pager_root(way, 0, "1 2 3", NULL);
  struct vmo* c = lazy(r, 0, 3);
  put(c, 0, 5);
  struct vmo* d = lazy(c, 0, 3);
  struct vmo* e = lazy(c, 0, 3);
  end(c);
  struct vmo* f = lazy(d, 0, 3);
  put(d, 1, 7);
  expect_tags(f, "5 7 3");
  put(d, 0, 8);
  expect_tags(f, "8 7 3");
  put(r, 2, 9);
  expect_tags(f, "8 7 9");
  expect_tags(e, "5 2 9");
  check_status(try_child(d->handle, ZX_VMO_CHILD_SNAPSHOT_MODIFIED, 0, PAGE, NULL),
               ZX_ERR_NOT_SUPPORTED);
}

/* vmo.md 8.8 */
EACH_WAY(a_modified_child_of_one_that_cannot_be_written_can) {
  struct vmo* r = pager_root(way, 0, "1 2", NULL);
  struct vmo* c = child(r, LAZY | ZX_VMO_CHILD_NO_WRITE, 0, 2);
  const uint8_t byte = 5;
  check_status(zx_vmo_write(c->handle, &byte, 0, 1), ZX_ERR_ACCESS_DENIED);
  check_true((vmo_info(c->handle).handle_rights & ZX_RIGHT_WRITE) == 0);
  struct vmo* d = modified(c, 0, 2);
  put(d, 0, 6);
  expect_tags(d, "6 2");
  expect_tags(c, "1 2");
  put(r, 1, 7);
  expect_tags(c, "1 7");
  expect_tags(d, "6 7");
}

/* ---- 8.5: ends ---- */

/* vmo.md 8.5: "children go on showing and requesting pages" */
EACH_WAY(closing_the_root_leaves_the_children_their_pager) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, 0, "1 -", &root);
  struct vmo* c = lazy(r, 0, 2);
  struct vmo* d = modified(c, 0, 2);
  end(r);
  expect_nothing();
  struct worker* w = start_look(d, 1);
  expect_read(root, 1, 1);
  /* The root has no handle left to supply through; its pager and its page requests live. */
  zx_handle_t pager = make_pager();
  drop(&pager);
  expect_waiting(w);
  end(c);
  expect_at(d, 0, 0, 1);
  drop(&root->pager);
  expect_failed(w, ZX_ERR_BAD_STATE);
  expect_at(d, 0, 0, 1);
}

/* vmo.md 8.5, pager.md 8.1 */
EACH_WAY(detach_takes_clean_pages_from_the_children_and_no_others) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, 0, "1 2 3 -", &root);
  struct vmo* c = lazy(r, 0, 4);
  struct vmo* d = lazy(c, 0, 4);
  expect_at(d, 2, 0, 3);
  put(r, 0, 5);
  put(c, 1, 6);
  struct worker* waiting = start_look(c, 3);
  expect_read(root, 3, 1);
  detach(root);
  expect_complete(root);
  expect_failed(waiting, ZX_ERR_BAD_STATE);
  struct vmo* both[] = {c, d};
  for (int i = 0; i < 2; i++) {
    expect_at(both[i], 0, 0, 5);
    expect_at(both[i], 1, 0, 6);
    expect_failed(start_look(both[i], 2), ZX_ERR_BAD_STATE);
    expect_failed(start_put(both[i], 2, 9), ZX_ERR_BAD_STATE);
    expect_failed(start_look(both[i], 3), ZX_ERR_BAD_STATE);
    check_true((vmo_info(both[i]->handle).flags & ZX_INFO_VMO_PAGER_BACKED) != 0);
  }
  /* What needs no page of the root works: zeros, and writes to pages that are there. */
  zero(d, 2, 1);
  expect_at(d, 2, 0, 0);
  put(d, 0, 8);
  expect_at(d, 0, 0, 8);
  expect_at(c, 0, 0, 5);
  expect_nothing();
}

/* pager.md 8.3: "present pages stay, clean ones too; absent ones fail" */
EACH_WAY(closing_the_pager_leaves_present_pages_to_the_children) {
  struct root* root = make_root_on(make_pager(), make_port(), 0, 3, 2 * PAGE);
  supply_tags(root, 0, "1");
  struct vmo* c = lazy(vmo_of(way, root->vmo), 0, 2);
  drop(&root->pager);
  expect_at(c, 0, 0, 1);
  put_byte(c, 0, 5, 7);
  expect_at(c, 0, 5, 7);
  expect_failed(start_look(c, 1), ZX_ERR_BAD_STATE);
  expect_failed(start_put(c, 1, 1), ZX_ERR_BAD_STATE);
  expect_empty(root->port);
}

/* pager.md 13.35, 8.2: a child, by handle or mapping, at any depth, keeps the root */
EACH_WAY(p35_complete_is_sent_when_the_last_descendant_ends) {
  need_mappings();
  struct root* root = NULL;
  struct vmo* r = pager_root(way, 0, "1 2", &root);
  struct vmo* c = lazy(r, 0, 2);
  struct vmo* d = modified(c, 0, 2);
  struct vmo* s = slice(d, 0, 1);
  uint8_t* at = map_vmo(s->handle, 0, PAGE);
  end(r);
  end(c);
  end(s);
  end(d);
  expect_nothing();
  check_equal(*(volatile uint8_t*)at, 1);
  unmap(at, PAGE);
  expect_complete(root);
  expect_nothing();
}

/* pager.md 8.2: also for one that only sees nothing of the root any more */
SCENARIO(a_child_without_a_window_keeps_the_root_too) {
  struct root* root = NULL;
  struct vmo* r = pager_root(BY_CALLS, ZX_VMO_RESIZABLE, "1", &root);
  struct vmo* c = lazy(r, 0, 1);
  resize(r, 0);
  expect_tags(c, "0");
  end(r);
  expect_nothing();
  end(c);
  expect_complete(root);
}

/* ---- Aliases: writeback.md 8.4, pager.md 3 ---- */

/* writeback.md 8.4.1, 3.1: "also when the writer used a slice that starts elsewhere" */
EACH_WAY(writes_through_aliases_are_writes_of_the_root) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, ZX_VMO_TRAP_DIRTY, "1 2 3", &root);
  struct vmo* s = slice(r, 1, 2);
  struct vmo* alias = reference(r);
  struct worker* w = start_put(s, 0, 9);
  expect_dirty_packet(root, 1, 1);
  expect_waiting(w);
  check_ok(dirty(root, 1, 1));
  expect_ok(w);
  check_equal(dirty_ranges(root), 1);
  check_true(modified_flag(root));
  expect_at(r, 1, 0, 9);
  expect_at(alias, 1, 0, 9);
  w = start_put(alias, 2, 8);
  expect_dirty_packet(root, 2, 1);
  check_ok(dirty(root, 2, 1));
  expect_ok(w);
  expect_at(s, 1, 0, 8);
  check_true(modified_flag(root));
  zero(s, 1, 1);
  check_true(modified_flag(root));
  expect_at(r, 2, 0, 0);
  expect_nothing();
}

/* writeback.md 4: "anything done to a copy-on-write child" does not set `modified` */
EACH_WAY(nothing_done_to_a_clone_marks_the_root) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, 0, "1 2 3", &root);
  struct vmo* c = child(r, LAZY | CHILD_RESIZABLE, 0, 3);
  put(c, 0, 5);
  zero(c, 1, 1);
  commit(c, 2, 1);
  resize(c, 5);
  resize(c, 1);
  check_true(!modified_flag(root));
  check_equal(dirty_ranges(root), 0);
  expect_tags(r, "1 2 3");
}

/* writeback.md 8.4.5, pager.md 3.3 to 3.5 */
SCENARIO(the_pagers_calls_refuse_children) {
  struct vmo* r = pager_root(BY_CALLS, 0, "1 2", NULL);
  struct vmo* all[] = {lazy(r, 0, 2), slice(r, 0, 2), reference(r)};
  const zx_handle_t source = make_source(0, 1, TAG);
  zx_pager_vmo_stats_t stats;
  for (int i = 0; i < 3; i++) {
    const zx_handle_t h = all[i]->handle;
    check_status(zx_pager_supply_pages(fx.pager, h, 0, PAGE, source, 0), ZX_ERR_INVALID_ARGS);
    for (uint32_t op = ZX_PAGER_OP_FAIL; op <= ZX_PAGER_OP_WRITEBACK_END; op++) {
      check_status(zx_pager_op_range(fx.pager, op, h, 0, PAGE, 0), ZX_ERR_INVALID_ARGS);
    }
    check_status(zx_pager_query_dirty_ranges(fx.pager, h, 0, PAGE, NULL, 0, NULL, NULL),
                 ZX_ERR_INVALID_ARGS);
    check_status(zx_pager_query_vmo_stats(fx.pager, h, 0, &stats, sizeof(stats)),
                 ZX_ERR_INVALID_ARGS);
    check_status(zx_pager_detach_vmo(fx.pager, h), ZX_ERR_INVALID_ARGS);
  }
}

/* pager.md 8.5: a reference resizes the root */
EACH_WAY(a_reference_resizes_the_root_and_its_waiters) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, ZX_VMO_RESIZABLE, "1 - -", &root);
  struct vmo* alias = child(r, ZX_VMO_CHILD_REFERENCE | CHILD_RESIZABLE, 0, 0);
  struct worker* w = start_read(r->handle, 2 * PAGE, 1);
  expect_read(root, 2, 1);
  resize(alias, 2);
  expect_status(w, ZX_ERR_OUT_OF_RANGE);
  check_equal(vmo_info(r->handle).size_bytes, 2 * PAGE);
  resize(alias, 3);
  expect_at(r, 2, 0, 0);
  expect_nothing();
}

/* ---- Supplying from children: pager.md 7.7, 7.8 ---- */

/* pager.md 7.7: "Children that are snapshots keep the content they saw" */
EACH_WAY(a_supply_takes_from_the_source_and_not_from_its_snapshots) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, 0, "- -", &root);
  struct vmo* source = anonymous(way, 0, "5 6");
  struct vmo* kept = snapshot(source, 0, 2);
  struct vmo* s = slice(source, 1, 1);
  check_ok(zx_pager_supply_pages(root->pager, root->vmo, 0, 2 * PAGE, source->handle, 0));
  expect_tags(r, "5 6");
  expect_tags(source, "0 0");
  expect_tags(s, "0");
  expect_tags(kept, "5 6");
  put(source, 0, 7);
  expect_tags(kept, "5 6");
  expect_tags(r, "5 6");
}

/* pager.md 7.7: a slice empties its range of the parent, a clone its own view of it */
EACH_WAY(a_supply_from_a_slice_or_a_clone_empties_what_it_shows) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, 0, "- - -", &root);
  struct vmo* parent = anonymous(way, 0, "5 6 7");
  struct vmo* clone = snapshot(parent, 0, 3);
  check_ok(zx_pager_supply_pages(root->pager, root->vmo, 0, PAGE, clone->handle, PAGE));
  expect_tags(clone, "5 0 7");
  expect_tags(parent, "5 6 7");
  struct vmo* s = slice(parent, 1, 2);
  check_ok(zx_pager_supply_pages(root->pager, root->vmo, PAGE, 2 * PAGE, s->handle, 0));
  expect_tags(s, "0 0");
  expect_tags(parent, "5 0 0");
  expect_tags(clone, "5 0 7");
  expect_tags(r, "6 6 7");
}

/* pager.md 3.4: "a slice or reference of one" is refused; 7.7: a clone gives copies of what it
 * sees */
SCENARIO(a_supply_from_a_pager_tree_takes_clones_alone) {
  struct root* root = NULL;
  struct vmo* r = pager_root(BY_CALLS, 0, "- -", &root);
  struct root* other = NULL;
  struct vmo* o = pager_root(BY_CALLS, 0, "3 4", &other);
  const zx_handle_t s = slice(o, 0, 2)->handle;
  const zx_handle_t alias = reference(o)->handle;
  check_status(zx_pager_supply_pages(root->pager, root->vmo, 0, PAGE, s, 0), ZX_ERR_NOT_SUPPORTED);
  check_status(zx_pager_supply_pages(root->pager, root->vmo, 0, PAGE, alias, 0),
               ZX_ERR_NOT_SUPPORTED);
  struct vmo* c = lazy(o, 0, 2);
  check_ok(zx_pager_supply_pages(root->pager, root->vmo, 0, 2 * PAGE, c->handle, 0));
  expect_tags(r, "3 4");
  expect_tags(o, "3 4");
  expect_tags(c, "0 0");
  expect_nothing();
}

/* ---- Several threads ---- */

#define RACE_ROUNDS (UNDER_SANITIZER ? 200 : 2000)

struct race {
  uint64_t* from;     /* the root's mapping */
  const uint64_t* to; /* the child's */
  atomic_uint_fast64_t written;
};

static zx_status_t store_rising(void* argument) {
  struct race* race = argument;
  for (uint64_t n = 1; n <= RACE_ROUNDS; n++) {
    if (guarded_store(race->from, n) != 0) return ZX_ERR_INTERNAL;
    atomic_store_explicit(&race->written, n, memory_order_release);
  }
  return ZX_OK;
}

static zx_status_t load_rising(void* argument) {
  struct race* race = argument;
  uint64_t last = 0;
  while (last < RACE_ROUNDS) {
    const uint64_t least = atomic_load_explicit(&race->written, memory_order_acquire);
    uint64_t seen = 0;
    if (guarded_load(race->to, &seen) != 0) return ZX_ERR_INTERNAL;
    /* Never older than what had been stored before the load began. */
    if (seen < least || seen < last) return ZX_ERR_IO_DATA_INTEGRITY;
    last = seen;
  }
  return ZX_OK;
}

/* vmo.md 8.1: "the parent's current page", while both are mapped and in use */
SCENARIO(a_lazy_childs_mapping_never_shows_what_has_been_written_over) {
  need_mappings();
  static struct race race;
  struct vmo* r = pager_root(BY_MAPPING, 0, "0 0", NULL);
  struct vmo* c = lazy(r, 0, 2);
  race.from = (uint64_t*)(r->map + PAGE);
  race.to = (const uint64_t*)(c->map + PAGE);
  struct worker* writer = start_call(store_rising, &race);
  struct worker* reader = start_call(load_rising, &race);
  struct worker* another = start_call(load_rising, &race);
  expect_ok(writer);
  expect_ok(reader);
  expect_ok(another);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_EACH_WAY(s16_a_lazy_child_follows_until_it_writes),
      TEST_EACH_WAY(s17_a_mod_snapshot_shares_what_was_forked_and_follows_the_rest),
      TEST_EACH_WAY(s18_zeros_of_a_child_hide_what_is_supplied_later),
      TEST_EACH_WAY(s19_what_the_parent_cut_off_reads_zero_for_good),
      TEST_EACH_WAY(a_lazy_child_sees_each_write_of_its_parent),
      TEST_EACH_WAY(an_absent_page_is_asked_for_at_the_roots_offset),
      TEST_EACH_WAY(a_write_of_an_absent_page_asks_first_and_then_forks),
      TEST_EACH_WAY(a_failed_request_fails_the_access_of_the_child),
      TEST_EACH_WAY(parent_and_children_share_one_request),
      TEST_EACH_WAY(a_write_to_a_child_of_a_trap_root_asks_for_no_dirtying),
      TEST_EACH_WAY(a_child_sees_dirty_pages_of_a_trap_root),
      TEST_EACH_WAY(a_child_sees_zeros_over_a_zero_interval_of_the_root),
      TEST_EACH_WAY(zero_of_whole_pages_of_a_child_asks_nothing),
      TEST_EACH_WAY(zero_of_part_of_a_page_of_a_child_asks_and_forks),
      TEST_EACH_WAY(zero_of_part_of_a_page_of_zeros_hides_it_too),
      TEST_EACH_WAY(p42_requests_are_at_the_roots_offsets),
      TEST(p43_a_request_ends_before_pages_that_any_node_on_the_way_has),
      TEST_EACH_WAY(p44_past_what_it_sees_a_clone_reads_zeros),
      TEST_EACH_WAY(p45_a_shrink_of_the_root_lets_a_waiting_clone_read_zeros),
      TEST(a_write_through_a_clone_asks_for_sixteen_pages_at_most),
      TEST_EACH_WAY(commit_of_a_clone_asks_and_copies_every_page),
      TEST(ranges_of_clones_are_their_own),
      TEST(making_children_asks_for_nothing),
      TEST_EACH_WAY(a_shrink_of_the_parent_leaves_what_the_child_forked),
      TEST_EACH_WAY(a_lazy_child_that_shrinks_and_grows_sees_zeros),
      TEST_EACH_WAY(a_lazy_child_does_not_see_what_the_parent_grows_by),
      TEST_EACH_WAY(mod_snapshots_of_mod_snapshots_go_on_after_the_others_end),
      TEST_EACH_WAY(children_of_an_ended_lazy_vmo_have_lazy_children),
      TEST_EACH_WAY(a_modified_child_of_one_that_cannot_be_written_can),
      TEST_EACH_WAY(closing_the_root_leaves_the_children_their_pager),
      TEST_EACH_WAY(detach_takes_clean_pages_from_the_children_and_no_others),
      TEST_EACH_WAY(closing_the_pager_leaves_present_pages_to_the_children),
      TEST_EACH_WAY(p35_complete_is_sent_when_the_last_descendant_ends),
      TEST(a_child_without_a_window_keeps_the_root_too),
      TEST_EACH_WAY(writes_through_aliases_are_writes_of_the_root),
      TEST_EACH_WAY(nothing_done_to_a_clone_marks_the_root),
      TEST(the_pagers_calls_refuse_children),
      TEST_EACH_WAY(a_reference_resizes_the_root_and_its_waiters),
      TEST_EACH_WAY(a_supply_takes_from_the_source_and_not_from_its_snapshots),
      TEST_EACH_WAY(a_supply_from_a_slice_or_a_clone_empties_what_it_shows),
      TEST(a_supply_from_a_pager_tree_takes_clones_alone),
      TEST(a_lazy_childs_mapping_never_shows_what_has_been_written_over),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
