/* SPDX-License-Identifier: BSD-3-Clause */
/* The flag `modified` of a root: what sets it and what does not. writeback.md 4. */
#include <zircon/syscalls/object.h>

#include "writeback.h"

/* ---- Writes ---- */

/* writeback.md 4 */
BOTH_WAYS(a_write_to_a_plain_root_sets_the_flag) {
  struct root* v = make_root(4);
  expect_not_modified(v);
  supply(v, 0, 4, TAG);
  expect_not_modified(v);
  poke_freely(via, v, 1, VALUE);
  expect_modified(v);
  expect_modified(v);
}

/* writeback.md 4: when the bytes are there, not when the page is made dirty */
BOTH_WAYS(a_write_to_a_trap_root_sets_the_flag_when_it_goes_through) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_poke(via, v, 1, VALUE);
  expect_dirty(v, 1, 1);
  expect_waiting(t1);
  expect_not_modified(v);
  dirty_pages(v, 1, 1);
  expect_ok(t1);
  expect_modified(v);
}

/* writeback.md 4: on every sort of page that a write can begin with */
BOTH_WAYS(a_write_to_every_state_sets_the_flag) {
  struct root* v = make_root(8);
  supply(v, 0, 1, TAG);
  supply_zeros(v, 1, 1);
  supply(v, 2, 1, TAG);
  expect_ok(start_write_pages(v, 2, 1, 1));
  begin_writeback(v, 2, 1);
  zero_pages(v, 3, 1);
  for (uint64_t page = 0; page < 4; page++) {
    forget_modified(v);
    expect_not_modified(v);
    poke_freely(via, v, page, VALUE);
    expect_modified(v);
  }
  forget_modified(v);
  struct worker* t1 = start_poke(via, v, 4, VALUE);
  expect_read(v, 4, 1);
  supply(v, 4, 1, TAG);
  expect_ok(t1);
  expect_modified(v);
}

/* writeback.md 4: a request that was failed */
BOTH_WAYS(a_write_that_failed_before_its_first_byte_does_not_set_the_flag) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  expect_write_asks(via, v, 1);
  expect_not_modified(v);
}

/* writeback.md 4: also if it then failed */
SCENARIO(a_write_that_failed_after_its_first_byte_sets_the_flag) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  dirty_pages(v, 0, 1);
  expect_not_modified(v);
  struct worker* t1 = start_write_pages(v, 0, 2, VALUE);
  expect_dirty(v, 1, 1);
  fail_pages(v, 1, 1, ZX_ERR_IO);
  expect_status(t1, ZX_ERR_IO);
  expect_modified(v);
}

/* writeback.md 4 */
SCENARIO(a_write_of_nothing_does_not_set_the_flag) {
  struct root* v = make_root(2);
  supply(v, 0, 2, TAG);
  const uint8_t bytes[2] = {1, 2};
  check_ok(zx_vmo_write(v->vmo, bytes, 0, 0));
  check_status(zx_vmo_write(v->vmo, bytes, 2 * PAGE - 1, 2), ZX_ERR_OUT_OF_RANGE);
  expect_not_modified(v);
  expect_none_listed(v);
}

/* writeback.md 4: the page is marked dirty before bytes are copied */
SCENARIO(a_write_from_an_unreadable_buffer_lists_the_page_but_sets_no_flag) {
  const void* hole = make_hole();
  struct root* v = make_root(2);
  supply(v, 0, 2, TAG);
  expect_status(start_write_from(v->vmo, hole, PAGE, 8), ZX_ERR_NOT_FOUND);
  expect_listed(v, DATA(1, 1));
  expect_not_modified(v);
  expect_pages(VIA_CALLS, v, 0, 2, TAG);
}

/* writeback.md 4: the same of a dirty page of a trap root */
SCENARIO(a_write_from_an_unreadable_buffer_to_a_dirty_page_sets_no_flag) {
  const void* hole = make_hole();
  struct root* v = make_trap_root(2);
  supply(v, 0, 2, TAG);
  dirty_pages(v, 1, 1);
  expect_status(start_write_from(v->vmo, hole, PAGE, 8), ZX_ERR_NOT_FOUND);
  expect_listed(v, DATA(1, 1));
  expect_not_modified(v);
}

/* writeback.md 9: a source that is another root's page, and that fails */
SCENARIO(a_write_whose_source_fails_sets_no_flag) {
  need_mappings();
  struct root* from = make_root(1);
  struct root* v = make_root(2);
  supply(v, 0, 2, TAG);
  struct worker* t1 = start_write_from(v->vmo, map_of(from), 0, PAGE);
  expect_read(from, 0, 1);
  fail_pages(from, 0, 1, ZX_ERR_IO_DATA_INTEGRITY);
  expect_status(t1, ZX_ERR_IO_DATA_INTEGRITY);
  expect_not_modified(v);
  expect_pages(VIA_CALLS, v, 0, 2, TAG);
}

/* ---- Stores into pages that were made dirty in some other way ---- */

/* writeback.md 4, 9 consequence 4 */
BOTH_WAYS(a_write_after_op_dirty_sets_the_flag) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 1, TAG);
  supply_zeros(v, 1, 1);
  zero_pages(v, 2, 2);
  if (via == VIA_MAPPING) map_of(v);
  forget_modified(v);
  dirty_pages(v, 0, 4);
  expect_not_modified(v);
  for (uint64_t page = 0; page < 4; page++) {
    poke_freely(via, v, page, VALUE);
    expect_modified(v);
    forget_modified(v);
  }
}

/* writeback.md 4: whether or not its bytes were looked at meanwhile by a call */
BOTH_WAYS(a_write_after_op_dirty_and_a_read_sets_the_flag) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 1, TAG);
  supply_zeros(v, 1, 1);
  zero_pages(v, 2, 2);
  if (via == VIA_MAPPING) map_of(v);
  forget_modified(v);
  dirty_pages(v, 0, 4);
  expect_bytes(v, 1, 3, 0);
  expect_not_modified(v);
  for (uint64_t page = 0; page < 4; page++) {
    poke_freely(via, v, page, VALUE);
    expect_modified(v);
    forget_modified(v);
  }
}

/* writeback.md 4: the mapping has not touched the page since OP_DIRTY, but before */
SCENARIO(a_store_after_a_load_and_op_dirty_sets_the_flag) {
  need_mappings();
  struct root* v = make_trap_root(4);
  supply(v, 0, 1, TAG);
  supply_zeros(v, 1, 1);
  zero_pages(v, 2, 2);
  expect_ok(start_walk(VIA_MAPPING, v, 0, 4));
  forget_modified(v);
  dirty_pages(v, 0, 4);
  for (uint64_t page = 0; page < 4; page++) {
    poke_freely(VIA_MAPPING, v, page, VALUE);
    expect_modified(v);
    forget_modified(v);
  }
}

/* writeback.md 4: a mapping that has not touched the page since it was mapped */
SCENARIO(a_store_through_a_new_mapping_of_a_dirty_page_sets_the_flag) {
  need_mappings();
  struct root* v = make_root(4);
  supply(v, 0, 4, TAG);
  expect_ok(start_write_pages(v, 0, 4, 1));
  forget_modified(v);
  map_of(v);
  poke_freely(VIA_MAPPING, v, 1, VALUE);
  expect_modified(v);
}

/* writeback.md 4: nor has this one, though it was there when a call wrote the page */
SCENARIO(a_store_into_a_page_that_a_call_wrote_sets_the_flag) {
  need_mappings();
  struct root* v = make_root(4);
  map_of(v);
  supply(v, 0, 1, TAG);
  supply_zeros(v, 1, 1);
  zero_pages(v, 2, 2);
  expect_ok(start_write_pages(v, 0, 4, 1));
  forget_modified(v);
  for (uint64_t page = 0; page < 4; page++) {
    poke_freely(VIA_MAPPING, v, page, VALUE);
    expect_modified(v);
    forget_modified(v);
  }
}

/* writeback.md 4: nor where COMMIT made the page */
SCENARIO(a_store_into_a_committed_interval_sets_the_flag) {
  need_mappings();
  for (unsigned trap = 0; trap < 2; trap++) {
    struct root* v = make_resizable_root_of(trap != 0, 2);
    map_of(v);
    zero_pages(v, 0, 2);
    struct worker* t1 = start_commit(v, 0, 2);
    if (trap != 0) {
      expect_dirty(v, 0, 2);
      dirty_pages(v, 0, 2);
    }
    expect_ok(t1);
    forget_modified(v);
    poke_freely(VIA_MAPPING, v, 1, VALUE);
    expect_modified(v);
  }
}

/* writeback.md 4: the store of another mapping of the same page */
SCENARIO(a_store_through_a_second_mapping_sets_the_flag_again) {
  need_mappings();
  struct root* v = make_root(4);
  supply(v, 0, 2, TAG);
  zero_pages(v, 2, 2);
  uint8_t* other = map_vmo(v->vmo, 0, 4 * PAGE);
  for (uint64_t page = 0; page < 4; page++) {
    poke_freely(VIA_MAPPING, v, page, 1);
    forget_modified(v);
    expect_ok(start_store(other + page * PAGE, 2));
    expect_modified(v);
  }
}

/* writeback.md 4: since the page's last WRITEBACK_BEGIN */
BOTH_WAYS(a_write_after_writeback_begin_sets_the_flag_again) {
  struct root* v = make_root(4);
  supply(v, 0, 4, TAG);
  poke_freely(via, v, 1, 1);
  begin_writeback(v, 0, 4);
  forget_modified(v);
  poke_freely(via, v, 1, 2);
  expect_modified(v);
  end_writeback(v, 0, 4);
  expect_listed(v, DATA(1, 1));
}

/* writeback.md 4, 5.4: BEGIN for zeros leaves the page dirty, and takes write access all the
 * same */
BOTH_WAYS(a_write_after_a_begin_for_zeros_sets_the_flag_again) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  poke_asking(via, v, 1, 1);
  begin_zero_writeback(v, 0, 4);
  forget_modified(v);
  poke_freely(via, v, 1, 2);
  expect_modified(v);
}

/* writeback.md 4: since the page's last state change, here by OP_ZERO */
BOTH_WAYS(a_write_after_zeroing_sets_the_flag_again) {
  struct root* v = make_root(4);
  supply(v, 0, 4, TAG);
  poke_freely(via, v, 1, 1);
  zero_pages(v, 1, 1);
  forget_modified(v);
  poke_freely(via, v, 1, 2);
  expect_modified(v);
}

/* writeback.md 4: after a shrink and growth the page is another */
BOTH_WAYS(a_write_after_shrink_and_growth_sets_the_flag_again) {
  struct root* v = make_resizable_root(4);
  supply(v, 0, 4, TAG);
  poke_freely(via, v, 3, 1);
  resize(v, 2);
  resize(v, 4);
  forget_modified(v);
  poke_freely(via, v, 3, 2);
  expect_modified(v);
}

/* ---- Zeroing ---- */

/* writeback.md 4 */
SCENARIO(zeroing_a_whole_page_sets_the_flag_whatever_it_held) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 1, TAG);
  supply_zeros(v, 1, 1);
  supply(v, 2, 2, TAG);
  dirty_pages(v, 2, 2);
  begin_writeback(v, 3, 1);
  zero_pages(v, 4, 1); /* page 5 is absent */
  for (uint64_t page = 0; page < 6; page++) {
    forget_modified(v);
    expect_not_modified(v);
    zero_pages(v, page, 1);
    expect_modified(v);
  }
  expect_listed(v, ZERO(0, 1), ZERO(2, 4));
}

/* writeback.md 4, 2.2: a part is a write of zeros */
SCENARIO(zeroing_a_part_of_a_page_sets_the_flag) {
  struct root* v = make_root(2);
  supply(v, 0, 2, TAG);
  zero_bytes(v, 8, 8);
  expect_modified(v);
}

/* writeback.md 4 */
SCENARIO(zeroing_that_failed_before_a_whole_page_sets_no_flag) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  struct worker* t1 = start_op(v->vmo, ZX_VMO_OP_ZERO, 8, 4 * PAGE);
  expect_dirty(v, 0, 1);
  fail_pages(v, 0, 1, ZX_ERR_IO);
  expect_status(t1, ZX_ERR_IO);
  expect_not_modified(v);
  check_ok(zx_vmo_op_range(v->vmo, ZX_VMO_OP_ZERO, PAGE, 0, NULL, 0));
  check_status(zx_vmo_op_range(v->vmo, ZX_VMO_OP_ZERO, PAGE, 8 * PAGE, NULL, 0),
               ZX_ERR_OUT_OF_RANGE);
  expect_not_modified(v);
  expect_none_listed(v);
}

/* ---- Sizes ---- */

/* writeback.md 4: up, down, or to the same size */
SCENARIO(every_resize_sets_the_flag) {
  for (unsigned trap = 0; trap < 2; trap++) {
    struct root* v = make_resizable_root_of(trap != 0, 4);
    expect_not_modified(v);
    const uint64_t sizes[] = {4, 6, 6, 3, 0, 0, 1};
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
      resize(v, sizes[i]);
      expect_modified(v);
      forget_modified(v);
      expect_not_modified(v);
    }
  }
}

/* writeback.md 4 */
SCENARIO(a_resize_that_failed_sets_no_flag) {
  struct root* v = make_resizable_root(4);
  check_status(zx_vmo_set_size(v->vmo, UINT64_MAX), ZX_ERR_OUT_OF_RANGE);
  check_status(zx_vmo_set_size(v->vmo, UINT64_MAX - PAGE + 1), ZX_ERR_OUT_OF_RANGE);
  const zx_handle_t weak = duplicate_with(v->vmo, ZX_DEFAULT_VMO_RIGHTS);
  check_status(zx_vmo_set_size(weak, PAGE), ZX_ERR_ACCESS_DENIED);
  expect_not_modified(v);
  struct root* fixed = make_root(4);
  check_status(zx_vmo_set_size(fixed->vmo, PAGE), ZX_ERR_UNAVAILABLE);
  expect_not_modified(fixed);
}

/* ---- What does not set it ---- */

/* writeback.md 4 */
BOTH_WAYS(reading_does_not_set_the_flag) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 2, TAG);
  supply_zeros(v, 2, 1);
  supply(v, 3, 1, TAG);
  dirty_pages(v, 3, 1);
  zero_pages(v, 4, 1);
  forget_modified(v);
  expect_ok(start_walk(via, v, 0, 5));
  struct worker* t1 = start_touch(via, v, 5);
  expect_read(v, 5, 1);
  supply(v, 5, 1, TAG);
  expect_ok(t1);
  expect_not_modified(v);
}

/* writeback.md 4 */
SCENARIO(committing_does_not_set_the_flag) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 1, TAG);
  supply_zeros(v, 1, 1);
  zero_pages(v, 2, 1);
  forget_modified(v);
  struct worker* t1 = start_commit(v, 0, 4);
  expect_dirty(v, 2, 1);
  dirty_pages(v, 2, 1);
  expect_read(v, 3, 1);
  supply(v, 3, 1, TAG);
  expect_ok(t1);
  expect_listed(v, DATA(2, 1));
  expect_not_modified(v);

  struct root* plain = make_root(2);
  zero_pages(plain, 0, 2);
  forget_modified(plain);
  expect_ok(start_commit(plain, 0, 2));
  expect_listed(plain, DATA(0, 2));
  expect_not_modified(plain);
}

/* writeback.md 4 */
SCENARIO(the_pagers_own_calls_do_not_set_the_flag) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 4, TAG);
  supply_zeros(v, 4, 2);
  dirty_pages(v, 0, 3);
  begin_writeback(v, 0, 8);
  dirty_pages(v, 1, 1);
  end_writeback(v, 0, 8);
  begin_zero_writeback(v, 0, 8);
  end_writeback(v, 0, 8);
  fail_pages(v, 0, 8, ZX_ERR_IO);
  expect_listed(v, DATA(1, 1));
  expect_not_modified(v);
}

/* writeback.md 4: flag and list are independent */
BOTH_WAYS(cleaning_the_pages_leaves_the_flag) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  poke_asking(via, v, 1, VALUE);
  begin_writeback(v, 0, 4);
  end_writeback(v, 0, 4);
  expect_none_listed(v);
  expect_modified(v);
  forget_modified(v);
  expect_not_modified(v);
}

/* writeback.md 4: and the other way round */
BOTH_WAYS(forgetting_the_flag_leaves_the_list) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  poke_asking(via, v, 1, VALUE);
  forget_modified(v);
  expect_not_modified(v);
  expect_listed(v, DATA(1, 1));
  poke_freely(VIA_CALLS, v, 1, VALUE);
  expect_modified(v);
}

/* writeback.md 4: one flag a root, whoever asks, through whichever handle it was written */
SCENARIO(the_flag_is_the_roots) {
  struct root* v = make_root(2);
  supply(v, 0, 2, TAG);
  zx_handle_t second = duplicate(v->vmo);
  expect_ok(start_write(second, 0, 1, 1));
  drop(&second);
  expect_modified(v);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_BOTH_WAYS(a_write_to_a_plain_root_sets_the_flag),
      TEST_BOTH_WAYS(a_write_to_a_trap_root_sets_the_flag_when_it_goes_through),
      TEST_BOTH_WAYS(a_write_to_every_state_sets_the_flag),
      TEST_BOTH_WAYS(a_write_that_failed_before_its_first_byte_does_not_set_the_flag),
      TEST(a_write_that_failed_after_its_first_byte_sets_the_flag),
      TEST(a_write_of_nothing_does_not_set_the_flag),
      TEST(a_write_from_an_unreadable_buffer_lists_the_page_but_sets_no_flag),
      TEST(a_write_from_an_unreadable_buffer_to_a_dirty_page_sets_no_flag),
      TEST(a_write_whose_source_fails_sets_no_flag),
      TEST_BOTH_WAYS(a_write_after_op_dirty_sets_the_flag),
      TEST_BOTH_WAYS(a_write_after_op_dirty_and_a_read_sets_the_flag),
      TEST(a_store_after_a_load_and_op_dirty_sets_the_flag),
      TEST(a_store_through_a_new_mapping_of_a_dirty_page_sets_the_flag),
      TEST(a_store_into_a_page_that_a_call_wrote_sets_the_flag),
      TEST(a_store_into_a_committed_interval_sets_the_flag),
      TEST(a_store_through_a_second_mapping_sets_the_flag_again),
      TEST_BOTH_WAYS(a_write_after_writeback_begin_sets_the_flag_again),
      TEST_BOTH_WAYS(a_write_after_a_begin_for_zeros_sets_the_flag_again),
      TEST_BOTH_WAYS(a_write_after_zeroing_sets_the_flag_again),
      TEST_BOTH_WAYS(a_write_after_shrink_and_growth_sets_the_flag_again),
      TEST(zeroing_a_whole_page_sets_the_flag_whatever_it_held),
      TEST(zeroing_a_part_of_a_page_sets_the_flag),
      TEST(zeroing_that_failed_before_a_whole_page_sets_no_flag),
      TEST(every_resize_sets_the_flag),
      TEST(a_resize_that_failed_sets_no_flag),
      TEST_BOTH_WAYS(reading_does_not_set_the_flag),
      TEST(committing_does_not_set_the_flag),
      TEST(the_pagers_own_calls_do_not_set_the_flag),
      TEST_BOTH_WAYS(cleaning_the_pages_leaves_the_flag),
      TEST_BOTH_WAYS(forgetting_the_flag_leaves_the_list),
      TEST(the_flag_is_the_roots),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
