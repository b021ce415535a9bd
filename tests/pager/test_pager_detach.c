/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_pager_detach_vmo: pager.md 8.1, scenarios 32 to 34. */
#include "fixture.h"
#include "worker.h"

/* pager.md 13.32 */
BOTH_WAYS(a_detach_fails_all_who_wait_and_leaves_only_complete) {
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(via, v, 0);
  expect_read(v, 0, 1);
  struct worker* t2 = start_touch(via, v, 1);
  await_waiting(t2);
  detach(v);
  expect_failed(t1, ZX_ERR_BAD_STATE);
  expect_failed(t2, ZX_ERR_BAD_STATE);
  expect_complete(v);
  expect_nothing();
  detach(v);
  if (v->map != NULL) unmap(v->map, 8 * PAGE);
  drop(&v->vmo);
  expect_nothing();
}

/* pager.md 13.33 */
BOTH_WAYS(a_detach_keeps_dirty_pages_and_drops_clean_ones) {
  struct root* v = make_root(8);
  supply(v, 0, 3, TAG);
  expect_ok(start_touch(via, v, 1));
  expect_ok(start_poke(via, v, 0, 0xee));
  detach(v);
  expect_byte(start_touch(via, v, 0), 0xee);
  expect_failed(start_touch(via, v, 1), ZX_ERR_BAD_STATE);
  expect_failed(start_touch(via, v, 2), ZX_ERR_BAD_STATE);
  check_equal(committed_pages(v->vmo), 1);
  uint8_t byte = 0;
  check_ok(zx_vmo_read(v->vmo, &byte, PAGE - 1, 1));
  check_equal(byte, content_byte(TAG, 0, PAGE - 1));
}

/* pager.md 8.1: written by a store, read by a call, and the reverse */
SCENARIO(pages_dirtied_through_a_mapping_survive_a_detach) {
  need_mappings();
  struct root* v = make_root(4);
  supply(v, 0, 4, TAG);
  expect_ok(start_poke(VIA_MAPPING, v, 1, 0xee));
  expect_ok(start_poke(VIA_CALLS, v, 2, 0xdd));
  detach(v);
  expect_byte(start_touch(VIA_CALLS, v, 1), 0xee);
  expect_byte(start_touch(VIA_MAPPING, v, 2), 0xdd);
  expect_sigbus(start_touch(VIA_MAPPING, v, 0));
  expect_status(start_touch(VIA_CALLS, v, 3), ZX_ERR_BAD_STATE);
}

/* pager.md 8.1: a page that was only read through a writable mapping is clean */
SCENARIO(pages_read_through_a_writable_mapping_go_with_a_detach) {
  need_mappings();
  struct root* v = make_root(4);
  supply(v, 0, 1, TAG);
  const uint8_t* other = map_vmo(v->vmo, 0, 4 * PAGE);
  expect_ok(start_touch(VIA_MAPPING, v, 0));
  expect_ok(start_load(other));
  detach(v);
  expect_sigbus(start_touch(VIA_MAPPING, v, 0));
  expect_sigbus(start_load(other));
  check_equal(committed_pages(v->vmo), 0);
}

/* pager.md 8.1 */
BOTH_WAYS(a_detach_keeps_zero_intervals_and_drops_clean_zeros) {
  struct root* v = make_resizable_root(3);
  check_ok(zx_vmo_set_size(v->vmo, 4 * PAGE));
  v->pages = 4;
  supply_zeros(v, 0, 1);
  check_ok(zx_vmo_op_range(v->vmo, ZX_VMO_OP_ZERO, PAGE, PAGE, NULL, 0));
  detach(v);
  expect_failed(start_touch(via, v, 0), ZX_ERR_BAD_STATE);
  expect_byte(start_touch(via, v, 1), 0);
  expect_failed(start_touch(via, v, 2), ZX_ERR_BAD_STATE);
  expect_byte(start_touch(via, v, 3), 0);
}

/* pager.md 8.1: what stays can also be written to */
BOTH_WAYS(what_a_detach_keeps_stays_writable) {
  struct root* v = make_root(4);
  supply(v, 0, 1, TAG);
  expect_ok(start_poke(via, v, 0, 0xee));
  check_ok(zx_vmo_op_range(v->vmo, ZX_VMO_OP_ZERO, PAGE, PAGE, NULL, 0));
  detach(v);
  expect_ok(start_poke(via, v, 0, 0xdd));
  expect_ok(start_poke(via, v, 1, 0xcc));
  expect_failed(start_poke(via, v, 2, 0xbb), ZX_ERR_BAD_STATE);
  expect_byte(start_touch(via, v, 0), 0xdd);
  expect_byte(start_touch(via, v, 1), 0xcc);
}

/* pager.md 13.34 */
SCENARIO(a_read_across_two_pages_fails_when_the_second_is_detached) {
  struct root* v = make_root(8);
  struct worker* t1 = start_read(v->vmo, PAGE - 4, 8);
  expect_read(v, 0, 2);
  supply(v, 0, 1, TAG);
  detach(v);
  expect_status(t1, ZX_ERR_BAD_STATE);
  expect_complete(v);
  expect_nothing();
}

/* pager.md 8.1 */
BOTH_WAYS(accesses_after_a_detach_fail_at_once) {
  struct root* v = make_root(8);
  detach(v);
  expect_complete(v);
  const uint64_t before = waits_now();
  expect_failed(start_touch(via, v, 0), ZX_ERR_BAD_STATE);
  expect_failed(start_poke(via, v, 1, 1), ZX_ERR_BAD_STATE);
  expect_failed(start_fetch(via, v, 2, 3), ZX_ERR_BAD_STATE);
  check_equal(waits_now(), before);
  expect_nothing();
}

/* pager.md 8.1 */
SCENARIO(ops_after_a_detach_fail_but_for_the_hints) {
  struct root* v = make_root(8);
  detach(v);
  expect_status(start_commit(v, 0, 8), ZX_ERR_BAD_STATE);
  expect_status(start_op(v->vmo, ZX_VMO_OP_PREFETCH, 0, 8 * PAGE), ZX_ERR_BAD_STATE);
  expect_status(start_op(v->vmo, ZX_VMO_OP_ZERO, 100, 8), ZX_ERR_BAD_STATE);
  expect_ok(start_op(v->vmo, ZX_VMO_OP_ALWAYS_NEED, 0, 8 * PAGE));
  expect_ok(start_op(v->vmo, ZX_VMO_OP_DONT_NEED, 0, 8 * PAGE));
  expect_complete(v);
  expect_nothing();
}

/* pager.md 8.1: those who wait in ops */
SCENARIO(a_detach_ends_ops_that_wait) {
  struct root* v = make_root(8);
  struct worker* commit = start_commit(v, 0, 2);
  await_waiting(commit);
  struct worker* prefetch = start_op(v->vmo, ZX_VMO_OP_PREFETCH, 2 * PAGE, PAGE);
  await_waiting(prefetch);
  struct worker* need = start_op(v->vmo, ZX_VMO_OP_ALWAYS_NEED, 3 * PAGE, 2 * PAGE);
  await_waiting(need);
  struct worker* zero = start_op(v->vmo, ZX_VMO_OP_ZERO, 6 * PAGE + 8, 8);
  await_waiting(zero);
  struct worker* write = start_write(v->vmo, 7 * PAGE, 8, 1);
  await_waiting(write);
  detach(v);
  expect_status(commit, ZX_ERR_BAD_STATE);
  expect_status(prefetch, ZX_ERR_BAD_STATE);
  expect_ok(need);
  expect_status(zero, ZX_ERR_BAD_STATE);
  expect_status(write, ZX_ERR_BAD_STATE);
  expect_complete(v);
  expect_nothing();
}

/* pager.md 8.1 */
SCENARIO(a_detached_vmo_takes_no_answers) {
  struct root* v = make_root(8);
  detach(v);
  check_status(try_supply(v, 0, 1, TAG), ZX_ERR_BAD_STATE);
  check_status(try_fail(v, 0, 1, ZX_ERR_IO), ZX_ERR_BAD_STATE);
  check_equal(committed_pages(v->vmo), 0);
}

/* pager.md 8.1: waiters whose page is there go on; here it is there by ZERO, in a larger request */
SCENARIO(a_waiter_whose_page_is_there_survives_a_detach) {
  struct root* v = make_root(8);
  struct worker* t1 = start_commit(v, 0, 4);
  expect_read(v, 0, 4);
  struct worker* t2 = start_read_pages(v, 2, 1);
  await_waiting(t2);
  check_ok(zx_vmo_op_range(v->vmo, ZX_VMO_OP_ZERO, 2 * PAGE, PAGE, NULL, 0));
  expect_waiting(t2);
  detach(v);
  expect_status(t1, ZX_ERR_BAD_STATE);
  expect_ok(t2);
  expect_zeros(t2, 2, 1);
}

/* pager.md 8.1: exactly one COMPLETE, whatever follows */
SCENARIO(complete_is_sent_once) {
  struct root* v = make_root(8);
  detach(v);
  detach(v);
  expect_complete(v);
  detach(v);
  drop(&v->vmo);
  expect_nothing();
}

/* pager.md 8.1: other VMOs of the pager go on */
BOTH_WAYS(a_detach_leaves_the_other_vmos_of_the_pager_alone) {
  struct root* a = make_root(4);
  struct root* b = make_root(4);
  struct worker* t1 = start_touch(via, b, 2);
  expect_read(b, 2, 1);
  supply(b, 1, 1, TAG);
  detach(a);
  expect_complete(a);
  expect_waiting(t1);
  expect_pages(via, b, 1, 1, TAG);
  supply(b, 2, 1, TAG);
  expect_ok(t1);
}

/* pager.md 8.1, 8.5: a detached VMO can still be resized */
SCENARIO(a_detached_vmo_can_be_resized) {
  struct root* v = make_resizable_root(4);
  supply(v, 0, 1, TAG);
  expect_ok(start_poke(VIA_CALLS, v, 0, 0xee));
  detach(v);
  check_ok(zx_vmo_set_size(v->vmo, 6 * PAGE));
  expect_zero_pages(VIA_CALLS, v, 4, 2);
  check_ok(zx_vmo_set_size(v->vmo, PAGE));
  expect_byte(start_touch(VIA_CALLS, v, 0), 0xee);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_BOTH_WAYS(a_detach_fails_all_who_wait_and_leaves_only_complete),
      TEST_BOTH_WAYS(a_detach_keeps_dirty_pages_and_drops_clean_ones),
      TEST(pages_dirtied_through_a_mapping_survive_a_detach),
      TEST(pages_read_through_a_writable_mapping_go_with_a_detach),
      TEST_BOTH_WAYS(a_detach_keeps_zero_intervals_and_drops_clean_zeros),
      TEST_BOTH_WAYS(what_a_detach_keeps_stays_writable),
      TEST(a_read_across_two_pages_fails_when_the_second_is_detached),
      TEST_BOTH_WAYS(accesses_after_a_detach_fail_at_once),
      TEST(ops_after_a_detach_fail_but_for_the_hints),
      TEST(a_detach_ends_ops_that_wait),
      TEST(a_detached_vmo_takes_no_answers),
      TEST(a_waiter_whose_page_is_there_survives_a_detach),
      TEST(complete_is_sent_once),
      TEST_BOTH_WAYS(a_detach_leaves_the_other_vmos_of_the_pager_alone),
      TEST(a_detached_vmo_can_be_resized),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
