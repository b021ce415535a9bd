/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who asks the pager, for what, and how requests are trimmed, joined and answered: pager.md 4 and
 * 5, scenarios 1 to 20.
 */
#include "fixture.h"
#include "worker.h"

/* ---- What an access asks for ---- */

/* pager.md 13.1 */
BOTH_WAYS(a_touch_asks_for_its_page_and_goes_on_after_the_supply) {
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(via, v, 3);
  expect_read(v, 3, 1);
  expect_waiting(t1);
  supply(v, 3, 1, TAG);
  expect_byte(t1, content_byte(TAG, 3, 0));
  expect_nothing();
}

/* pager.md 13.2 */
BOTH_WAYS(touches_in_turn_ask_for_one_page_each) {
  struct root* v = make_root(8);
  struct worker* t1 = start_walk(via, v, 0, 6);
  for (uint64_t page = 0; page < 6; page++) {
    expect_read(v, page, 1);
    expect_nothing();
    supply(v, page, 1, TAG);
  }
  expect_ok(t1);
  expect_nothing();
}

/* pager.md 4, first row: one page, whatever lies around it */
SCENARIO(a_load_between_present_pages_asks_for_one_page) {
  need_mappings();
  struct root* v = make_root(8);
  supply(v, 2, 1, TAG);
  supply(v, 6, 1, TAG);
  struct worker* t1 = start_load(map_of(v) + 4 * PAGE + 100);
  expect_read(v, 4, 1);
  supply(v, 4, 1, TAG);
  expect_byte(t1, content_byte(TAG, 4, 100));
}

/* pager.md 4: a write to an absent page asks with READ; then its byte is merged in */
BOTH_WAYS(a_write_asks_with_read_and_keeps_the_rest_of_the_page) {
  struct root* v = make_root(8);
  struct worker* t1 = start_poke(via, v, 3, 0xee);
  expect_read(v, 3, 1);
  expect_waiting(t1);
  supply(v, 3, 1, TAG);
  expect_ok(t1);
  expect_nothing();

  uint8_t bytes[2];
  check_ok(zx_vmo_read(v->vmo, bytes, 3 * PAGE, 2));
  check_equal(bytes[0], 0xee);
  check_equal(bytes[1], content_byte(TAG, 3, 1));
}

/* pager.md 4: also when the write covers the page whole */
SCENARIO(a_write_of_a_whole_page_asks_for_it) {
  struct root* v = make_root(8);
  struct worker* t1 = start_write(v->vmo, 3 * PAGE, PAGE, 0xee);
  expect_read(v, 3, 1);
  supply(v, 3, 1, TAG);
  expect_ok(t1);
  uint8_t bytes[PAGE];
  check_ok(zx_vmo_read(v->vmo, bytes, 3 * PAGE, PAGE));
  check_true(is_filled_with(bytes, 0xee, PAGE));
}

/* pager.md 13.3 */
SCENARIO(a_read_asks_for_all_its_pages_at_once) {
  struct root* v = make_root(8);
  struct worker* t1 = start_read_pages(v, 1, 6);
  expect_read(v, 1, 6);
  supply(v, 1, 6, TAG);
  expect_ok(t1);
  expect_content(t1, 1, 6, TAG);
  expect_nothing();
}

/* pager.md 13.4 */
SCENARIO(a_read_across_a_border_asks_for_both_pages) {
  struct root* v = make_root(8);
  struct worker* t1 = start_read(v->vmo, 2 * PAGE - 4, 8);
  expect_read(v, 1, 2);
  supply(v, 1, 2, TAG);
  expect_byte(t1, content_byte(TAG, 1, PAGE - 4));
  expect_nothing();
}

/* pager.md 13.5 */
SCENARIO(a_read_asks_up_to_the_next_present_page) {
  struct root* v = make_root(8);
  supply(v, 0, 1, TAG);
  supply(v, 3, 1, TAG);
  struct worker* t1 = start_read_pages(v, 0, 7);
  expect_read(v, 1, 2);
  expect_waiting(t1);
  expect_nothing();
  supply(v, 1, 2, TAG);
  expect_read(v, 4, 3);
  supply(v, 4, 3, TAG);
  expect_ok(t1);
  expect_content(t1, 0, 7, TAG);
  expect_nothing();
}

/* pager.md 4: the range ends before the first page that has content, of any sort */
SCENARIO(every_sort_of_content_ends_a_request) {
  struct root* v = make_resizable_root(7);
  check_ok(zx_vmo_set_size(v->vmo, 8 * PAGE)); /* page 7: a zero interval by growth */
  supply(v, 1, 1, TAG);                        /* a clean page */
  supply_zeros(v, 3, 1);                       /* a clean zero */
  supply(v, 5, 1, TAG);
  const uint8_t byte = 1;
  check_ok(zx_vmo_write(v->vmo, &byte, 5 * PAGE, 1)); /* a dirty page */
  struct worker* t1 = start_commit(v, 0, 8);
  for (uint64_t page = 0; page < 8; page += 2) {
    expect_read(v, page, 1);
    expect_nothing();
    supply(v, page, 1, TAG);
  }
  expect_ok(t1);
  expect_nothing();
}

/* pager.md 13.6 */
SCENARIO(a_commit_asks_for_everything_at_once) {
  struct root* v = make_root(300);
  struct worker* t1 = start_commit(v, 0, 300);
  expect_read(v, 0, 300);
  supply(v, 0, 300, TAG);
  expect_ok(t1);
  expect_nothing();
}

/* pager.md 4: no upper limit for zx_vmo_read either */
SCENARIO(a_large_read_asks_for_everything_at_once) {
  struct root* v = make_root(300);
  struct worker* t1 = start_read_pages(v, 0, 300);
  expect_read(v, 0, 300);
  supply(v, 0, 300, TAG);
  expect_ok(t1);
  expect_content(t1, 0, 300, TAG);
  expect_nothing();
}

static void hint_asks_for(uint32_t op) {
  struct root* v = make_root(8);
  struct worker* t1 = start_op(v->vmo, op, PAGE, 5 * PAGE);
  expect_read(v, 1, 5);
  expect_waiting(t1);
  supply(v, 1, 5, TAG);
  expect_ok(t1);
  expect_nothing();
}

/* pager.md 3.6, 4 */
SCENARIO(a_prefetch_asks_like_a_commit) { hint_asks_for(ZX_VMO_OP_PREFETCH); }
SCENARIO(always_need_asks_like_a_commit) { hint_asks_for(ZX_VMO_OP_ALWAYS_NEED); }

static void rounds_outward(uint32_t op) {
  struct root* v = make_root(8);
  struct worker* t1 = start_op(v->vmo, op, 2 * PAGE - 1, 2);
  expect_read(v, 1, 2);
  supply(v, 1, 2, TAG);
  expect_ok(t1);
  expect_nothing();
}

/* pager.md 3.6 */
SCENARIO(a_misaligned_commit_rounds_outward) { rounds_outward(ZX_VMO_OP_COMMIT); }
SCENARIO(a_misaligned_prefetch_rounds_outward) { rounds_outward(ZX_VMO_OP_PREFETCH); }
SCENARIO(a_misaligned_always_need_rounds_outward) { rounds_outward(ZX_VMO_OP_ALWAYS_NEED); }

/* pager.md 13.7 */
SCENARIO(a_write_asks_for_sixteen_pages_at_most) {
  struct root* v = make_root(20);
  struct worker* t1 = start_write(v->vmo, 0, 20 * PAGE, 0xee);
  expect_read(v, 0, 16);
  expect_nothing();
  supply(v, 0, 16, TAG);
  expect_read(v, 16, 4);
  supply(v, 16, 4, TAG);
  expect_ok(t1);
  expect_nothing();
}

/* pager.md 4: the sixteen pages count from the absent page */
SCENARIO(a_write_counts_its_sixteen_pages_from_the_absent_one) {
  struct root* v = make_root(24);
  supply(v, 0, 3, TAG);
  struct worker* t1 = start_write(v->vmo, 0, 24 * PAGE, 0xee);
  expect_read(v, 3, 16);
  supply(v, 3, 16, TAG);
  expect_read(v, 19, 5);
  supply(v, 19, 5, TAG);
  expect_ok(t1);
}

/* pager.md 3.6, 4: the last rows of the table */
SCENARIO(looking_at_a_vmo_asks_for_nothing) {
  struct root* v = make_root(8);
  const uint64_t before = waits_now();
  zx_handle_t second = duplicate(v->vmo);
  check_equal(vmo_info(second).committed_bytes, 0);
  uint64_t size = 0;
  check_ok(zx_vmo_get_size(second, &size));
  check_ok(zx_vmo_op_range(second, ZX_VMO_OP_DONT_NEED, 0, 8 * PAGE, NULL, 0));
  uint8_t byte = 0;
  check_ok(zx_vmo_read(second, &byte, 3 * PAGE, 0));
  check_ok(zx_vmo_write(second, &byte, 3 * PAGE, 0));
  drop(&second);
  check_equal(waits_now(), before);
  expect_nothing();
}

/* pager.md 4: mapping asks for nothing, with or without ZX_VM_MAP_RANGE */
SCENARIO(mapping_asks_for_nothing) {
  need_mappings();
  struct root* v = make_root(8);
  supply(v, 2, 1, TAG);
  const uint64_t before = waits_now();
  map_of(v);
  const uint8_t* ranged = map_with(v->vmo, ZX_VM_PERM_READ | ZX_VM_MAP_RANGE, 0, 8 * PAGE);
  expect_byte(start_load(ranged + 2 * PAGE), content_byte(TAG, 2, 0));
  check_equal(waits_now(), before);
  expect_nothing();
}

/* pager.md 3.6: the range is decided before any request is made */
SCENARIO(an_access_past_the_end_asks_for_nothing) {
  struct root* v = make_root(2);
  const uint64_t before = waits_now();
  uint8_t bytes[2] = {0};
  check_status(zx_vmo_read(v->vmo, bytes, 2 * PAGE - 1, 2), ZX_ERR_OUT_OF_RANGE);
  check_status(zx_vmo_write(v->vmo, bytes, 2 * PAGE - 1, 2), ZX_ERR_OUT_OF_RANGE);
  check_status(zx_vmo_op_range(v->vmo, ZX_VMO_OP_COMMIT, PAGE, 2 * PAGE, NULL, 0),
               ZX_ERR_OUT_OF_RANGE);
  check_equal(waits_now(), before);
  expect_nothing();
}

/* vmo.md 2, 3: an unbounded root reaches to almost 2^64 */
SCENARIO(an_unbounded_root_asks_at_far_offsets) {
  const uint64_t far_page = (UINT64_C(1) << 63) / PAGE + 5;
  struct root* v =
      make_root_on(fx.pager, fx.port, ZX_VMO_UNBOUNDED, FIRST_KEY, (far_page + 2) * PAGE);
  struct worker* t1 = start_read_pages(v, far_page, 2);
  expect_read(v, far_page, 2);
  supply(v, far_page, 2, TAG);
  expect_ok(t1);
  expect_content(t1, far_page, 2, TAG);
}

/* objects.md 11: what lies past the content of an unbounded root is known to be zero */
SCENARIO(an_unbounded_root_is_zero_past_its_content) {
  struct root* v = make_root_on(fx.pager, fx.port, ZX_VMO_UNBOUNDED, FIRST_KEY, 2 * PAGE);
  expect_zero_pages(VIA_CALLS, v, 2, 3);
  expect_zero_pages(VIA_CALLS, v, (UINT64_C(1) << 60) / PAGE, 1);
  expect_absent(v, 1);
  expect_nothing();
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_BOTH_WAYS(a_touch_asks_for_its_page_and_goes_on_after_the_supply),
      TEST_BOTH_WAYS(touches_in_turn_ask_for_one_page_each),
      TEST(a_load_between_present_pages_asks_for_one_page),
      TEST_BOTH_WAYS(a_write_asks_with_read_and_keeps_the_rest_of_the_page),
      TEST(a_write_of_a_whole_page_asks_for_it),
      TEST(a_read_asks_for_all_its_pages_at_once),
      TEST(a_read_across_a_border_asks_for_both_pages),
      TEST(a_read_asks_up_to_the_next_present_page),
      TEST(every_sort_of_content_ends_a_request),
      TEST(a_commit_asks_for_everything_at_once),
      TEST(a_large_read_asks_for_everything_at_once),
      TEST(a_prefetch_asks_like_a_commit),
      TEST(always_need_asks_like_a_commit),
      TEST(a_misaligned_commit_rounds_outward),
      TEST(a_misaligned_prefetch_rounds_outward),
      TEST(a_misaligned_always_need_rounds_outward),
      TEST(a_write_asks_for_sixteen_pages_at_most),
      TEST(a_write_counts_its_sixteen_pages_from_the_absent_one),
      TEST(looking_at_a_vmo_asks_for_nothing),
      TEST(mapping_asks_for_nothing),
      TEST(an_access_past_the_end_asks_for_nothing),
      TEST(an_unbounded_root_asks_at_far_offsets),
      TEST(an_unbounded_root_is_zero_past_its_content),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
