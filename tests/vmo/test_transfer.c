/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_vmo_transfer_data: vmo.md 11. */
#include "tagged.h"

static zx_status_t try_transfer(zx_handle_t dst, uint64_t first, uint64_t count, zx_handle_t src,
                                uint64_t src_first) {
  return zx_vmo_transfer_data(dst, 0, first * PAGE, count * PAGE, src, src_first * PAGE);
}

#define transfer(dst, first, count, src, src_first) \
  check_ok(try_transfer((dst)->handle, (first), (count), (src)->handle, (src_first)))

/* ---- Checks ---- */

/* vmo.md 11: the order of the checks */
SCENARIO(mistakes_are_found_in_the_documented_order) {
  const zx_handle_t dst = make_vmo(4);
  const zx_handle_t src = make_vmo(4);
  const zx_handle_t root = make_root(4)->vmo;
  const zx_handle_t port = fx.port;
  const zx_handle_t no_write = duplicate_with(dst, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_WRITE);
  const zx_handle_t src_no_read = duplicate_with(src, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_READ);
  const zx_handle_t src_no_write = duplicate_with(src, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_WRITE);
  const zx_handle_t dst_no_read = duplicate_with(dst, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_READ);
  static const zx_handle_t none = ZX_HANDLE_INVALID;

  /* Options, then alignment, before any handle. */
  check_status(zx_vmo_transfer_data(none, 1, 0, PAGE, none, 0), ZX_ERR_INVALID_ARGS);
  check_status(zx_vmo_transfer_data(none, UINT32_MAX, 1, 1, none, 1), ZX_ERR_INVALID_ARGS);
  check_status(zx_vmo_transfer_data(none, 0, 1, PAGE, none, 0), ZX_ERR_INVALID_ARGS);
  check_status(zx_vmo_transfer_data(none, 0, 0, 1, none, 0), ZX_ERR_INVALID_ARGS);
  check_status(zx_vmo_transfer_data(none, 0, 0, PAGE, none, PAGE - 1), ZX_ERR_INVALID_ARGS);
  /* The target's handle, then the source's. */
  check_status(try_transfer(none, 0, 1, none, 0), ZX_ERR_BAD_HANDLE);
  check_status(try_transfer(port, 0, 1, none, 0), ZX_ERR_WRONG_TYPE);
  check_status(try_transfer(no_write, 0, 1, none, 0), ZX_ERR_ACCESS_DENIED);
  check_status(try_transfer(dst, 9, 1, none, 9), ZX_ERR_BAD_HANDLE);
  check_status(try_transfer(dst, 9, 1, port, 9), ZX_ERR_WRONG_TYPE);
  check_status(try_transfer(dst, 9, 1, src_no_read, 9), ZX_ERR_ACCESS_DENIED);
  check_status(try_transfer(dst, 9, 1, src_no_write, 9), ZX_ERR_ACCESS_DENIED);
  check_ok(try_transfer(dst_no_read, 0, 1, src, 0));
  /* One object and one offset, before any range. */
  check_ok(try_transfer(dst, 9, 100, dst, 9));
  check_ok(try_transfer(root, 0, 1, root, 0));
  /* The source's range and kind, then the target's. */
  check_status(try_transfer(dst, 9, 1, src, 4), ZX_ERR_OUT_OF_RANGE);
  check_status(try_transfer(root, 0, 1, src, 4), ZX_ERR_OUT_OF_RANGE);
  check_status(try_transfer(dst, 9, 1, root, 0), ZX_ERR_NOT_SUPPORTED);
  check_status(try_transfer(dst, 0, 1, root, 4), ZX_ERR_OUT_OF_RANGE);
  check_status(try_transfer(dst, 4, 1, src, 0), ZX_ERR_OUT_OF_RANGE);
  check_status(try_transfer(dst, 0, 5, src, 0), ZX_ERR_OUT_OF_RANGE);
  check_status(try_transfer(root, 4, 1, src, 0), ZX_ERR_OUT_OF_RANGE);
  check_status(try_transfer(root, 0, 1, src, 0), ZX_ERR_NOT_SUPPORTED);
  check_status(try_transfer(root, 1, 1, root, 0), ZX_ERR_NOT_SUPPORTED);
  /* Sums that overflow. */
  check_status(zx_vmo_transfer_data(dst, 0, UINT64_MAX - PAGE + 1, PAGE, src, 0),
               ZX_ERR_OUT_OF_RANGE);
  check_status(zx_vmo_transfer_data(dst, 0, 0, 2 * PAGE, src, UINT64_MAX - PAGE + 1),
               ZX_ERR_OUT_OF_RANGE);
  expect_nothing();
}

/* vmo.md 11: nothing to move */
SCENARIO(no_pages_are_moved_in_range_alone) {
  struct vmo* a = anonymous(BY_CALLS, 0, "1");
  struct vmo* b = anonymous(BY_CALLS, 0, "2");
  transfer(a, 0, 0, b, 0);
  transfer(a, 1, 0, b, 1);
  check_status(try_transfer(a->handle, 2, 0, b->handle, 0), ZX_ERR_OUT_OF_RANGE);
  check_status(try_transfer(a->handle, 0, 0, b->handle, 2), ZX_ERR_OUT_OF_RANGE);
  expect_tags(a, "1");
  expect_tags(b, "2");
}

/* vmo.md 11: pager roots by any name */
SCENARIO(slices_and_references_of_pager_roots_are_refused) {
  struct vmo* r = pager_root(BY_CALLS, 0, "1 2", NULL);
  struct vmo* a = anonymous(BY_CALLS, 0, "3");
  struct vmo* all[] = {slice(r, 0, 2), reference(r)};
  for (int i = 0; i < 2; i++) {
    check_status(try_transfer(a->handle, 0, 1, all[i]->handle, 0), ZX_ERR_NOT_SUPPORTED);
    check_status(try_transfer(all[i]->handle, 0, 1, a->handle, 0), ZX_ERR_NOT_SUPPORTED);
  }
  expect_tags(a, "3");
  expect_tags(r, "1 2");
}

/* ---- Anonymous VMOs ---- */

/* vmo.md 11: "afterwards the target has the bytes, the source range reads zero" */
EACH_WAY(pages_move_and_leave_zeros) {
  struct vmo* a = anonymous(way, 0, "1 2 3 4");
  struct vmo* b = anonymous(way, 0, "5 6 7 8");
  expect_tags(a, "1 2 3 4");
  expect_tags(b, "5 6 7 8");
  transfer(a, 1, 2, b, 2);
  expect_tags(a, "1 7 8 4");
  expect_tags(b, "5 6 0 0");
  check_equal(committed_pages(a->handle), 4);
  check_equal(committed_pages(b->handle), 2);
  put(b, 2, 9);
  put(a, 1, 2);
  expect_tags(a, "1 2 8 4");
  expect_tags(b, "5 6 9 0");
}

/* vmo.md 11: "Absent source pages become zero pages of the target" */
EACH_WAY(absent_pages_replace_the_target_by_zeros) {
  struct vmo* a = anonymous(way, 0, "1 2 3");
  struct vmo* b = anonymous(way, 0, "0 5 0");
  transfer(a, 0, 3, b, 0);
  expect_tags(a, "0 5 0");
  expect_tags(b, "0 0 0");
  check_equal(committed_pages(b->handle), 0);
}

/* vmo.md 11: "Like memmove when both are one VMO", the example and every other overlap of five
 * pages */
EACH_WAY(moves_within_one_vmo_are_like_memmove) {
  struct vmo* example = anonymous(way, 0, "1 1 1 1 1");
  transfer(example, 2, 3, example, 0);
  expect_tags(example, "0 0 1 1 1");
  for (uint64_t from = 0; from < 5; from++) {
    for (uint64_t to = 0; to < 5; to++) {
      for (uint64_t n = 0; n <= 5 - (from > to ? from : to); n++) {
        char model[] = "12345";
        char moved[] = "12345";
        for (uint64_t i = 0; i < n && from != to; i++) {
          moved[from + i] = '0';
        }
        for (uint64_t i = 0; i < n; i++) {
          moved[to + i] = model[from + i];
        }
        struct vmo* v = anonymous(way, 0, model);
        transfer(v, to, n, v, from);
        expect_tags(v, moved);
        end(v);
      }
    }
  }
}

/* vmo.md 11: "Mappings of both sides show the result at once", mappings of parts and several of
 * them */
SCENARIO(every_mapping_shows_the_result) {
  struct vmo* a = anonymous(BY_CALLS, 0, "1 2");
  struct vmo* b = anonymous(BY_CALLS, 0, "3 4");
  volatile uint8_t* of_a[] = {map_vmo(a->handle, 0, 2 * PAGE),
                              map_vmo(a->handle, PAGE, PAGE) - PAGE};
  volatile uint8_t* of_b[] = {map_vmo(b->handle, 0, 2 * PAGE), map_vmo(b->handle, 0, PAGE)};
  for (int i = 0; i < 2; i++) {
    of_a[i][PAGE] = 2;
    of_b[i][0] = 3;
  }
  transfer(a, 1, 1, b, 0);
  for (int i = 0; i < 2; i++) {
    check_equal(of_a[i][PAGE], 3);
    check_equal(of_b[i][0], 0);
  }
  of_b[1][7] = 9;
  of_a[1][PAGE + 7] = 8;
  check_equal(of_b[0][7], 9);
  check_equal(of_a[0][PAGE + 7], 8);
  expect_at(a, 1, 7, 8);
}

/* vmo.md 11: "The lock state of a discardable VMO is not checked" */
SCENARIO(discardable_vmos_take_part_unlocked) {
  struct vmo* a = anonymous(BY_CALLS, ZX_VMO_DISCARDABLE, "1 2");
  struct vmo* b = anonymous(BY_CALLS, ZX_VMO_DISCARDABLE, "3 4");
  transfer(a, 0, 1, b, 1);
  expect_tags(a, "4 2");
  expect_tags(b, "3 0");
}

/* ---- Children ---- */

/* vmo.md 11: "parents and siblings of a COW child are not affected", the child as source and as
 * target */
EACH_WAY(relatives_of_a_child_are_not_affected) {
  struct vmo* a = anonymous(way, 0, "1 2 3");
  struct vmo* b = snapshot(a, 0, 3);
  struct vmo* c = snapshot(a, 0, 3);
  struct vmo* d = snapshot(b, 0, 3);
  struct vmo* other = anonymous(way, 0, "7 8 0");
  transfer(other, 1, 2, b, 0);
  expect_tags(other, "7 1 2");
  expect_tags(b, "0 0 3");
  transfer(b, 1, 2, other, 0);
  expect_tags(b, "0 7 1");
  expect_tags(other, "0 0 2");
  expect_tags(a, "1 2 3");
  expect_tags(c, "1 2 3");
  expect_tags(d, "1 2 3");
}

/* vmo.md 11: the parent as source and as target */
EACH_WAY(children_of_a_parent_are_not_affected) {
  struct vmo* a = anonymous(way, 0, "1 2 3");
  struct vmo* b = snapshot(a, 0, 3);
  struct vmo* other = anonymous(way, 0, "7 0 9");
  transfer(other, 0, 1, a, 1);
  transfer(a, 2, 1, other, 1);
  expect_tags(a, "1 0 0");
  expect_tags(other, "2 0 9");
  expect_tags(b, "1 2 3");
  transfer(a, 0, 1, other, 2);
  expect_tags(a, "9 0 0");
  expect_tags(b, "1 2 3");
}

/* vmo.md 11, 7.1: between the two sides of a snapshot, at other offsets: what was there before is
 * moved */
EACH_WAY(pages_move_between_a_parent_and_its_child) {
  struct vmo* a = anonymous(way, 0, "1 2 3");
  struct vmo* b = snapshot(a, 0, 3);
  transfer(a, 1, 2, b, 0);
  expect_tags(a, "1 1 2");
  expect_tags(b, "0 0 3");
  struct vmo* c = anonymous(way, 0, "4 5 6");
  struct vmo* d = snapshot(c, 0, 3);
  transfer(d, 0, 2, c, 1);
  expect_tags(d, "5 6 6");
  expect_tags(c, "4 0 0");
  struct vmo* e = anonymous(way, 0, "1 2 3");
  struct vmo* f = snapshot(e, 0, 3);
  transfer(e, 0, 3, f, 0);
  expect_tags(e, "1 2 3");
  expect_tags(f, "0 0 0");
  struct vmo* g = snapshot(e, 0, 3);
  struct vmo* h = snapshot(g, 0, 3);
  transfer(h, 1, 2, g, 0);
  expect_tags(h, "1 1 2");
  expect_tags(g, "0 0 3");
  expect_tags(e, "1 2 3");
}

/* vmo.md 11: memmove within a child that shares its pages */
EACH_WAY(moves_within_a_child_leave_the_parent) {
  for (int of_child = 0; of_child < 2; of_child++) {
    struct vmo* a = anonymous(way, 0, "1 2 3 4");
    struct vmo* b = snapshot(a, 0, 4);
    struct vmo* moved = of_child ? b : a;
    struct vmo* other = of_child ? a : b;
    transfer(moved, 1, 3, moved, 0);
    expect_tags(moved, "0 1 2 3");
    expect_tags(other, "1 2 3 4");
    transfer(moved, 0, 2, moved, 2);
    expect_tags(moved, "2 3 0 0");
    expect_tags(other, "1 2 3 4");
  }
}

/* vmo.md 11: "slices and references act on their target" */
EACH_WAY(slices_and_references_stand_for_their_target) {
  struct vmo* a = anonymous(way, 0, "1 2 3 4");
  struct vmo* s = slice(a, 1, 2);
  struct vmo* r = reference(a);
  struct vmo* other = anonymous(way, 0, "7 8");
  transfer(s, 1, 1, other, 0);
  expect_tags(a, "1 2 7 4");
  expect_tags(other, "0 8");
  transfer(other, 0, 1, r, 3);
  expect_tags(a, "1 2 7 0");
  expect_tags(other, "4 8");
  check_status(try_transfer(s->handle, 1, 2, other->handle, 0), ZX_ERR_OUT_OF_RANGE);
  check_status(try_transfer(other->handle, 0, 1, s->handle, 2), ZX_ERR_OUT_OF_RANGE);
  /* Two names of the same pages: a move within one VMO, and no move at all. */
  transfer(r, 0, 2, s, 0);
  expect_tags(a, "2 7 0 0");
  transfer(s, 0, 2, a, 1);
  expect_tags(a, "2 7 0 0");
  transfer(s, 0, 2, r, 0);
  expect_tags(a, "0 2 7 0");
}

/* ---- Pager trees ---- */

/* vmo.md 11: "a COW child (also a lazy one)" */
EACH_WAY(lazy_children_take_part_and_their_parents_do_not) {
  struct vmo* r = pager_root(way, 0, "1 2 3", NULL);
  struct vmo* c = lazy(r, 0, 3);
  struct vmo* d = lazy(r, 0, 3);
  struct vmo* a = anonymous(way, 0, "7 8");
  transfer(a, 0, 1, c, 1);
  expect_tags(a, "2 8");
  expect_tags(c, "1 0 3");
  transfer(c, 2, 1, a, 1);
  expect_tags(c, "1 0 8");
  expect_tags(a, "2 0");
  expect_tags(r, "1 2 3");
  expect_tags(d, "1 2 3");
  put(r, 1, 9);
  put(r, 2, 9);
  expect_tags(c, "1 0 8");
  expect_tags(d, "1 9 9");
  transfer(d, 0, 2, c, 1);
  expect_tags(d, "0 8 9");
  expect_tags(c, "1 0 0");
  expect_tags(r, "1 9 9");
}

/* vmo.md 11: a target page need not be there; a source page is asked for */
EACH_WAY(absent_pages_of_a_lazy_source_are_asked_for) {
  struct root* root = NULL;
  struct vmo* r = pager_root(way, 0, "- - -", &root);
  struct vmo* c = lazy(r, 0, 3);
  struct vmo* a = anonymous(way, 0, "7 8");
  transfer(c, 0, 1, a, 0);
  expect_nothing();
  expect_at(c, 0, 0, 7);
  struct worker* w = start_op(c->handle, ZX_VMO_OP_PREFETCH, PAGE, PAGE);
  expect_read(root, 1, 1);
  supply_tags(root, 1, "2");
  expect_ok(w);
  transfer(a, 0, 1, c, 1);
  expect_tags(a, "2 8");
  expect_at(c, 1, 0, 0);
  supply_tags(root, 0, "1");
  expect_at(c, 0, 0, 7);
  expect_at(r, 0, 0, 1);
  expect_at(r, 1, 0, 2);
}

struct move {
  zx_handle_t dst;
  zx_handle_t src;
};

static zx_status_t move_two_pages(void* argument) {
  const struct move* m = argument;
  return try_transfer(m->dst, 0, 2, m->src, 0);
}

/* vmo.md 11: the call blocks for them like any other, and gives the pager's code */
SCENARIO(a_transfer_from_a_lazy_child_waits_for_the_pager) {
  struct root* root = NULL;
  struct vmo* r = pager_root(BY_CALLS, 0, "- -", &root);
  struct vmo* c = lazy(r, 0, 2);
  struct vmo* a = anonymous(BY_CALLS, 0, "7 8");
  struct move move = {a->handle, c->handle};
  struct worker* w = start_call(move_two_pages, &move);
  expect_read(root, 0, 2);
  expect_waiting(w);
  expect_tags(a, "7 8");
  fail_pages(root, 0, 2, ZX_ERR_IO);
  expect_status(w, ZX_ERR_IO);
  expect_tags(a, "7 8");
  w = start_call(move_two_pages, &move);
  expect_read(root, 0, 2);
  supply_tags(root, 0, "1 2");
  expect_ok(w);
  expect_tags(a, "1 2");
  expect_tags(c, "0 0");
  expect_tags(r, "1 2");
  expect_nothing();
}

/* vmo.md 11, 8.1: a move from a lazy child to its lazy parent, whose pages it sees */
EACH_WAY(pages_move_from_a_lazy_child_to_its_parent) {
  struct vmo* r = pager_root(way, 0, "1 2 3", NULL);
  struct vmo* c = lazy(r, 0, 3);
  put(c, 0, 4);
  put(c, 1, 5);
  struct vmo* d = lazy(c, 0, 3);
  expect_tags(d, "4 5 3");
  transfer(c, 1, 2, d, 0);
  expect_tags(c, "4 4 5");
  expect_tags(d, "0 0 5");
  expect_tags(r, "1 2 3");
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(mistakes_are_found_in_the_documented_order),
      TEST(no_pages_are_moved_in_range_alone),
      TEST(slices_and_references_of_pager_roots_are_refused),
      TEST_EACH_WAY(pages_move_and_leave_zeros),
      TEST_EACH_WAY(absent_pages_replace_the_target_by_zeros),
      TEST_EACH_WAY(moves_within_one_vmo_are_like_memmove),
      TEST(every_mapping_shows_the_result),
      TEST(discardable_vmos_take_part_unlocked),
      TEST_EACH_WAY(relatives_of_a_child_are_not_affected),
      TEST_EACH_WAY(children_of_a_parent_are_not_affected),
      TEST_EACH_WAY(pages_move_between_a_parent_and_its_child),
      TEST_EACH_WAY(moves_within_a_child_leave_the_parent),
      TEST_EACH_WAY(slices_and_references_stand_for_their_target),
      TEST_EACH_WAY(lazy_children_take_part_and_their_parents_do_not),
      TEST_EACH_WAY(absent_pages_of_a_lazy_source_are_asked_for),
      TEST(a_transfer_from_a_lazy_child_waits_for_the_pager),
      TEST_EACH_WAY(pages_move_from_a_lazy_child_to_its_parent),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
