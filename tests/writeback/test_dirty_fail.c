/* SPDX-License-Identifier: BSD-3-Clause */
/* ZX_PAGER_OP_FAIL on DIRTY requests: writeback.md 3.4 and 5.6. */
#include "writeback.h"

/* ---- Codes ---- */

static void fails_with(enum via via, zx_status_t status) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_poke(via, v, 1, VALUE);
  expect_dirty(v, 1, 1);
  fail_pages(v, 1, 1, status);
  expect_failed(t1, status);
  expect_none_listed(v);
  expect_pages(via, v, 0, 4, TAG);
  expect_nothing();
}

/* writeback.md 5.2, 3.4 rules 1 and 2 */
BOTH_WAYS(a_write_fails_with_io) { fails_with(via, ZX_ERR_IO); }
BOTH_WAYS(a_write_fails_with_io_data_integrity) { fails_with(via, ZX_ERR_IO_DATA_INTEGRITY); }
BOTH_WAYS(a_write_fails_with_bad_state) { fails_with(via, ZX_ERR_BAD_STATE); }
BOTH_WAYS(a_write_fails_with_no_space) { fails_with(via, ZX_ERR_NO_SPACE); }
BOTH_WAYS(a_write_fails_with_buffer_too_small) { fails_with(via, ZX_ERR_BUFFER_TOO_SMALL); }

/* ---- Nothing changes, nothing stays ---- */

/* writeback.md 3.4 rule 4 */
BOTH_WAYS(the_next_write_asks_again) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  for (unsigned i = 0; i < 3; i++) {
    expect_write_asks(via, v, 1);
  }
  poke_asking(via, v, 1, VALUE);
  expect_bytes(v, 1, 1, VALUE);
  expect_listed(v, DATA(1, 1));
  expect_nothing();
}

/* writeback.md 3.4 rule 1: no page state changes, whichever it is */
BOTH_WAYS(failing_changes_no_state) {
  struct root* v = make_trap_root(5);
  supply(v, 0, 1, TAG);
  supply_zeros(v, 1, 1);
  supply(v, 2, 1, TAG);
  dirty_pages(v, 2, 1);
  begin_writeback(v, 2, 1);
  zero_pages(v, 3, 1);
  supply(v, 4, 1, TAG);
  dirty_pages(v, 4, 1);
  const uint64_t committed = committed_pages(v->vmo);
  for (uint64_t page = 0; page < 4; page++) {
    expect_write_asks(via, v, page);
  }
  fail_pages(v, 0, 5, ZX_ERR_IO);
  expect_listed(v, DATA(2, 1), ZERO(3, 1), DATA(4, 1));
  expect_pages(via, v, 0, 1, TAG);
  expect_zero_pages(via, v, 1, 1);
  expect_pages(via, v, 2, 1, TAG);
  expect_zero_pages(via, v, 3, 1);
  check_equal(committed_pages(v->vmo), committed);
  poke_freely(via, v, 4, VALUE);
  end_writeback(v, 0, 5);
  expect_listed(v, ZERO(3, 1), DATA(4, 1));
  expect_nothing();
}

/* writeback.md 3.4 rule 1, 8.1.4 */
BOTH_WAYS(a_page_under_writeback_stays_so_when_its_write_fails) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  poke_asking(via, v, 0, 1);
  begin_writeback(v, 0, 1);
  expect_write_asks(via, v, 0);
  expect_listed(v, DATA(0, 1));
  expect_bytes(v, 0, 1, 1);
  end_writeback(v, 0, 1);
  expect_none_listed(v);
  expect_nothing();
}

/* writeback.md 3.3 rule 5: also when its request is failed */
BOTH_WAYS(an_unread_packet_goes_when_its_request_is_failed) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_poke(via, v, 1, VALUE);
  await_waiting(t1);
  fail_pages(v, 1, 1, ZX_ERR_IO);
  expect_failed(t1, ZX_ERR_IO);
  expect_nothing();
}

/* writeback.md 5.6 */
SCENARIO(failing_where_nothing_is_asked_for_does_nothing) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  fail_pages(v, 0, 8, ZX_ERR_IO);
  struct worker* t1 = start_write_pages(v, 2, 3, VALUE);
  expect_dirty(v, 2, 3);
  fail_pages(v, 0, 2, ZX_ERR_IO);
  fail_pages(v, 5, 3, ZX_ERR_IO);
  fail_pages(v, 3, 0, ZX_ERR_IO);
  expect_waiting(t1);
  expect_nothing();
  dirty_pages(v, 2, 3);
  expect_ok(t1);
}

/* ---- How far it reaches ---- */

/* writeback.md 3.4 rule 1, the example */
SCENARIO(failing_a_part_ends_the_request_in_full) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  struct worker* t1 = start_write_pages(v, 2, 4, VALUE);
  expect_dirty(v, 2, 4);
  fail_pages(v, 3, 1, ZX_ERR_NO_SPACE);
  expect_status(t1, ZX_ERR_NO_SPACE);
  expect_none_listed(v);
  expect_pages(VIA_CALLS, v, 0, 8, TAG);
  struct worker* t2 = start_write_pages(v, 2, 4, VALUE);
  expect_dirty(v, 2, 4);
  dirty_pages(v, 2, 4);
  expect_ok(t2);
  expect_nothing();
}

/* writeback.md 3.4 rule 1: the last page of the one, the first of the other */
SCENARIO(failing_ends_every_request_it_touches) {
  struct root* v = make_trap_root(12);
  supply(v, 0, 12, TAG);
  struct worker* t1 = start_write_pages(v, 0, 3, VALUE);
  expect_dirty(v, 0, 3);
  struct worker* t2 = start_write_pages(v, 5, 1, VALUE);
  expect_dirty(v, 5, 1);
  struct worker* t3 = start_write_pages(v, 7, 3, VALUE);
  expect_dirty(v, 7, 3);
  struct worker* t4 = start_write_pages(v, 10, 2, VALUE);
  expect_dirty(v, 10, 2);
  fail_pages(v, 2, 6, ZX_ERR_IO);
  expect_status(t1, ZX_ERR_IO);
  expect_status(t2, ZX_ERR_IO);
  expect_status(t3, ZX_ERR_IO);
  expect_waiting(t4);
  dirty_pages(v, 10, 2);
  expect_ok(t4);
  expect_listed(v, DATA(10, 2));
  expect_nothing();
}

/* writeback.md 3.4 rule 1: of both kinds */
BOTH_WAYS(failing_ends_requests_of_both_kinds) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 2, TAG);
  struct worker* writer = start_poke(via, v, 1, VALUE);
  expect_dirty(v, 1, 1);
  struct worker* reader = start_touch(via, v, 2);
  expect_read(v, 2, 1);
  fail_pages(v, 0, 4, ZX_ERR_IO_DATA_INTEGRITY);
  expect_failed(writer, ZX_ERR_IO_DATA_INTEGRITY);
  expect_failed(reader, ZX_ERR_IO_DATA_INTEGRITY);
  expect_nothing();
}

/* writeback.md 3.4 rule 1: one that joined for other pages asks anew */
SCENARIO(who_joined_for_other_pages_asks_anew) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  struct worker* t1 = start_write_pages(v, 1, 4, 1);
  expect_dirty(v, 1, 4);
  struct worker* t2 = start_write_pages(v, 3, 3, 2);
  await_waiting(t2);
  fail_pages(v, 1, 2, ZX_ERR_IO);
  expect_status(t1, ZX_ERR_IO);
  expect_dirty(v, 3, 3);
  expect_waiting(t2);
  dirty_pages(v, 3, 3);
  expect_ok(t2);
  expect_listed(v, DATA(3, 3));
  expect_nothing();
}

/* writeback.md 3.4 rule 1: so does a store */
BOTH_WAYS(a_store_that_joined_for_another_page_asks_anew) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  if (via == VIA_MAPPING) map_of(v);
  struct worker* t1 = start_write_pages(v, 1, 4, 1);
  expect_dirty(v, 1, 4);
  struct worker* t2 = start_poke(via, v, 3, 2);
  await_waiting(t2);
  struct worker* t3 = start_poke(via, v, 1, 3);
  await_waiting(t3);
  fail_pages(v, 1, 1, ZX_ERR_IO);
  expect_status(t1, ZX_ERR_IO);
  expect_failed(t3, ZX_ERR_IO);
  expect_dirty(v, 3, 1);
  dirty_pages(v, 3, 1);
  expect_ok(t2);
  expect_nothing();
}

/* writeback.md 3.4 rule 1: all that wait for it */
BOTH_WAYS(everybody_who_waits_for_the_page_fails) {
  enum {
    THREADS = 8
  };
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* threads[THREADS];
  for (unsigned i = 0; i < THREADS; i++) {
    threads[i] = start_poke(via, v, 2, VALUE);
    await_waiting(threads[i]);
  }
  expect_dirty(v, 2, 1);
  fail_pages(v, 2, 1, ZX_ERR_IO);
  for (unsigned i = 0; i < THREADS; i++) {
    expect_failed(threads[i], ZX_ERR_IO);
  }
  expect_pages(via, v, 2, 1, TAG);
  expect_nothing();
}

/* ---- What the writer has done by then ---- */

/* writeback.md 3.4 rule 2 */
SCENARIO(what_was_copied_before_stays) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  dirty_pages(v, 0, 2);
  struct worker* t1 = start_write_pages(v, 0, 4, VALUE);
  expect_dirty(v, 2, 2);
  fail_pages(v, 2, 2, ZX_ERR_NO_SPACE);
  expect_status(t1, ZX_ERR_NO_SPACE);
  expect_bytes(v, 0, 2, VALUE);
  expect_pages(VIA_CALLS, v, 2, 6, TAG);
  expect_listed(v, DATA(0, 2));
  expect_nothing();
}

/* writeback.md 3.4 rule 2: the same after a request that was granted */
SCENARIO(what_an_earlier_request_allowed_stays) {
  struct root* v = make_trap_root(20);
  supply(v, 0, 20, TAG);
  struct worker* t1 = start_write_pages(v, 0, 20, VALUE);
  expect_dirty(v, 0, 16);
  dirty_pages(v, 0, 16);
  expect_dirty(v, 16, 4);
  fail_pages(v, 19, 1, ZX_ERR_IO);
  expect_status(t1, ZX_ERR_IO);
  expect_bytes(v, 0, 16, VALUE);
  expect_pages(VIA_CALLS, v, 16, 4, TAG);
  expect_listed(v, DATA(0, 16));
  expect_nothing();
}

/* writeback.md 3.4 rule 3 */
SCENARIO(after_a_partial_answer_nothing_is_written_and_the_answered_pages_stay_dirty) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  struct worker* t1 = start_write_pages(v, 1, 4, VALUE);
  expect_dirty(v, 1, 4);
  dirty_pages(v, 1, 2);
  fail_pages(v, 3, 2, ZX_ERR_IO);
  expect_status(t1, ZX_ERR_IO);
  expect_pages(VIA_CALLS, v, 0, 8, TAG);
  expect_listed(v, DATA(1, 2));
  poke_freely(VIA_CALLS, v, 1, VALUE);
  expect_nothing();
}

/* writeback.md 2.2: the READ before the DIRTY may fail as well */
BOTH_WAYS(a_write_whose_read_fails_makes_nothing_dirty) {
  struct root* v = make_trap_root(4);
  struct worker* t1 = start_poke(via, v, 1, VALUE);
  expect_read(v, 1, 1);
  fail_pages(v, 1, 1, ZX_ERR_IO);
  expect_failed(t1, ZX_ERR_IO);
  expect_none_listed(v);
  expect_absent(v, 1);
  expect_nothing();
}

/* writeback.md 3.4 rule 2 */
SCENARIO(zeroing_a_part_of_a_page_returns_the_error) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_op(v->vmo, ZX_VMO_OP_ZERO, PAGE + 8, 8);
  expect_dirty(v, 1, 1);
  fail_pages(v, 1, 1, ZX_ERR_NO_SPACE);
  expect_status(t1, ZX_ERR_NO_SPACE);
  expect_pages(VIA_CALLS, v, 1, 1, TAG);
  expect_none_listed(v);
}

/* writeback.md 3.4 rule 2 */
SCENARIO(a_commit_of_a_zero_interval_returns_the_error) {
  struct root* v = make_trap_root(4);
  zero_pages(v, 1, 2);
  struct worker* t1 = start_commit(v, 0, 4);
  expect_read(v, 0, 1);
  supply(v, 0, 1, TAG);
  expect_dirty(v, 1, 2);
  fail_pages(v, 2, 1, ZX_ERR_NO_SPACE);
  expect_status(t1, ZX_ERR_NO_SPACE);
  expect_listed(v, ZERO(1, 2));
  check_equal(committed_pages(v->vmo), 1);
}

/* writeback.md 9: the pager's code for a call that touches the page through a mapping */
SCENARIO(a_read_into_a_trapped_mapping_returns_the_error) {
  need_mappings();
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  const zx_handle_t from = make_source(0, 1, TAG + 1);
  struct worker* t1 = start_read_to(from, map_of(v) + PAGE, 0, PAGE);
  expect_dirty(v, 1, 1);
  fail_pages(v, 1, 1, ZX_ERR_NO_SPACE);
  expect_status(t1, ZX_ERR_NO_SPACE);
  expect_pages(VIA_CALLS, v, 0, 4, TAG);
  expect_none_listed(v);
  expect_nothing();
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_BOTH_WAYS(a_write_fails_with_io),
      TEST_BOTH_WAYS(a_write_fails_with_io_data_integrity),
      TEST_BOTH_WAYS(a_write_fails_with_bad_state),
      TEST_BOTH_WAYS(a_write_fails_with_no_space),
      TEST_BOTH_WAYS(a_write_fails_with_buffer_too_small),
      TEST_BOTH_WAYS(the_next_write_asks_again),
      TEST_BOTH_WAYS(failing_changes_no_state),
      TEST_BOTH_WAYS(a_page_under_writeback_stays_so_when_its_write_fails),
      TEST_BOTH_WAYS(an_unread_packet_goes_when_its_request_is_failed),
      TEST(failing_where_nothing_is_asked_for_does_nothing),
      TEST(failing_a_part_ends_the_request_in_full),
      TEST(failing_ends_every_request_it_touches),
      TEST_BOTH_WAYS(failing_ends_requests_of_both_kinds),
      TEST(who_joined_for_other_pages_asks_anew),
      TEST_BOTH_WAYS(a_store_that_joined_for_another_page_asks_anew),
      TEST_BOTH_WAYS(everybody_who_waits_for_the_page_fails),
      TEST(what_was_copied_before_stays),
      TEST(what_an_earlier_request_allowed_stays),
      TEST(after_a_partial_answer_nothing_is_written_and_the_answered_pages_stay_dirty),
      TEST_BOTH_WAYS(a_write_whose_read_fails_makes_nothing_dirty),
      TEST(zeroing_a_part_of_a_page_returns_the_error),
      TEST(a_commit_of_a_zero_interval_returns_the_error),
      TEST(a_read_into_a_trapped_mapping_returns_the_error),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
