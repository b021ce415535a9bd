/* SPDX-License-Identifier: BSD-3-Clause */
/* ZX_PAGER_OP_FAIL and what those who wait make of it: pager.md 6, scenarios 25 to 31. */
#include "fixture.h"
#include "worker.h"

static const zx_status_t codes[] = {
    ZX_ERR_IO, ZX_ERR_IO_DATA_INTEGRITY, ZX_ERR_BAD_STATE, ZX_ERR_NO_SPACE, ZX_ERR_BUFFER_TOO_SMALL,
};
enum {
  CODES = sizeof(codes) / sizeof(codes[0])
};

/* pager.md 13.25 */
BOTH_WAYS(a_failed_touch_can_be_tried_again) {
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(via, v, 1);
  expect_read(v, 1, 1);
  fail_pages(v, 1, 1, ZX_ERR_IO);
  expect_failed(t1, ZX_ERR_IO);
  expect_nothing();
  struct worker* again = start_touch(via, v, 1);
  expect_read(v, 1, 1);
  supply(v, 1, 1, TAG);
  expect_byte(again, content_byte(TAG, 1, 0));
  expect_nothing();
}

/* pager.md 3.5, 6: all five codes arrive as they are */
BOTH_WAYS(each_code_reaches_who_waits) {
  struct root* v = make_root(8);
  for (unsigned i = 0; i < CODES; i++) {
    struct worker* t1 = start_touch(via, v, 2);
    expect_read(v, 2, 1);
    fail_pages(v, 2, 1, codes[i]);
    expect_failed(t1, codes[i]);
  }
  expect_nothing();
}

/* pager.md 6: stores and writes fail alike, and nothing was written */
BOTH_WAYS(a_failed_write_changes_nothing) {
  struct root* v = make_root(8);
  struct worker* t1 = start_poke(via, v, 1, 0xee);
  expect_read(v, 1, 1);
  fail_pages(v, 1, 1, ZX_ERR_NO_SPACE);
  expect_failed(t1, ZX_ERR_NO_SPACE);
  check_equal(committed_pages(v->vmo), 0);
  supply(v, 1, 1, TAG);
  expect_pages(via, v, 1, 1, TAG);
}

/* pager.md 6: every thread that waits for the page, whatever way */
SCENARIO(all_who_share_a_failed_request_get_the_error) {
  need_mappings();
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(VIA_MAPPING, v, 2);
  expect_read(v, 2, 1);
  struct worker* t2 = start_poke(VIA_MAPPING, v, 2, 1);
  await_waiting(t2);
  struct worker* t3 = start_read_pages(v, 2, 1);
  await_waiting(t3);
  struct worker* t4 = start_write(v->vmo, 2 * PAGE, PAGE, 1);
  await_waiting(t4);
  struct worker* t5 = start_commit(v, 2, 1);
  await_waiting(t5);
  struct worker* t6 = start_op(v->vmo, ZX_VMO_OP_PREFETCH, 2 * PAGE, PAGE);
  await_waiting(t6);
  struct worker* t7 = start_op(v->vmo, ZX_VMO_OP_ZERO, 2 * PAGE + 1, 1);
  await_waiting(t7);
  struct worker* t8 = start_op(v->vmo, ZX_VMO_OP_ALWAYS_NEED, 2 * PAGE, PAGE);
  await_waiting(t8);
  fail_pages(v, 2, 1, ZX_ERR_IO_DATA_INTEGRITY);
  expect_sigbus(t1);
  expect_sigbus(t2);
  expect_status(t3, ZX_ERR_IO_DATA_INTEGRITY);
  expect_status(t4, ZX_ERR_IO_DATA_INTEGRITY);
  expect_status(t5, ZX_ERR_IO_DATA_INTEGRITY);
  expect_status(t6, ZX_ERR_IO_DATA_INTEGRITY);
  expect_status(t7, ZX_ERR_IO_DATA_INTEGRITY);
  expect_ok(t8);
  expect_nothing();
}

/* pager.md 6: with no request in the range it does nothing at all */
BOTH_WAYS(a_failure_that_nobody_waits_for_leaves_no_mark) {
  struct root* v = make_root(8);
  supply(v, 0, 1, TAG);
  fail_pages(v, 0, 8, ZX_ERR_IO);
  expect_pages(via, v, 0, 1, TAG);
  struct worker* t1 = start_touch(via, v, 1);
  expect_read(v, 1, 1);
  expect_waiting(t1);
  supply(v, 1, 1, TAG);
  expect_byte(t1, content_byte(TAG, 1, 0));
}

/* pager.md 3.5: length 0 */
BOTH_WAYS(a_failure_of_no_pages_does_nothing) {
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(via, v, 1);
  expect_read(v, 1, 1);
  fail_pages(v, 1, 0, ZX_ERR_IO);
  expect_waiting(t1);
  supply(v, 1, 1, TAG);
  expect_ok(t1);
}

/* pager.md 6: requests outside the range go on */
BOTH_WAYS(a_failure_elsewhere_disturbs_nobody) {
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(via, v, 3);
  expect_read(v, 3, 1);
  fail_pages(v, 0, 3, ZX_ERR_IO);
  fail_pages(v, 4, 4, ZX_ERR_IO);
  expect_waiting(t1);
  expect_nothing();
  supply(v, 3, 1, TAG);
  expect_byte(t1, content_byte(TAG, 3, 0));
}

/* pager.md 6, 9.2 */
BOTH_WAYS(an_unread_packet_goes_when_its_request_fails) {
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(via, v, 0);
  await_waiting(t1);
  fail_pages(v, 0, 1, ZX_ERR_IO);
  expect_failed(t1, ZX_ERR_IO);
  expect_nothing();
}

/* pager.md 13.26 */
SCENARIO(failing_the_front_of_a_request_ends_it) {
  struct root* v = make_root(8);
  struct worker* t1 = start_commit(v, 0, 4);
  expect_read(v, 0, 4);
  fail_pages(v, 0, 1, ZX_ERR_IO);
  expect_status(t1, ZX_ERR_IO);
  supply(v, 1, 3, TAG);
  expect_nothing();
}

/* pager.md 13.27 */
SCENARIO(failing_the_middle_of_a_request_leaves_the_rest_to_be_supplied) {
  struct root* v = make_root(8);
  struct worker* t1 = start_commit(v, 0, 4);
  expect_read(v, 0, 4);
  fail_pages(v, 2, 1, ZX_ERR_IO);
  expect_status(t1, ZX_ERR_IO);
  supply(v, 0, 2, TAG);
  supply(v, 3, 1, TAG);
  struct worker* again = start_commit(v, 0, 4);
  expect_read(v, 2, 1);
  supply(v, 2, 1, TAG);
  expect_ok(again);
  expect_nothing();
}

/* pager.md 13.28 */
SCENARIO(one_failure_ends_all_requests_it_touches) {
  struct root* v = make_root(11);
  struct worker* t1 = start_commit(v, 0, 2);
  expect_read(v, 0, 2);
  struct worker* t2 = start_commit(v, 5, 2);
  expect_read(v, 5, 2);
  struct worker* t3 = start_commit(v, 9, 2);
  expect_read(v, 9, 2);
  fail_pages(v, 1, 9, ZX_ERR_IO);
  expect_status(t1, ZX_ERR_IO);
  expect_status(t2, ZX_ERR_IO);
  expect_status(t3, ZX_ERR_IO);
  expect_nothing();
}

/* pager.md 13.29 */
SCENARIO(a_read_that_has_copied_its_front_fails_with_the_rest) {
  struct root* v = make_root(8);
  struct worker* t1 = start_read_pages(v, 0, 3);
  expect_read(v, 0, 3);
  supply(v, 0, 1, TAG);
  wait_until(worker_shows(t1, 0, TAG));
  expect_waiting(t1);
  fail_pages(v, 1, 1, ZX_ERR_IO);
  expect_status(t1, ZX_ERR_IO);
  expect_content(t1, 0, 1, TAG);
  expect_nothing();
}

/*
 * Whether a failure of a page that the read has copied already made it ask anew. False if the
 * failure came before the read had noted its copy: then it counts as not copied, and the read
 * fails.
 */
static bool copied_page_failed(void) {
  struct root* v = make_root(8);
  struct worker* t1 = start_read_pages(v, 0, 3);
  expect_read(v, 0, 3);
  supply(v, 0, 1, TAG);
  wait_until(worker_shows(t1, 0, TAG));
  round_trip();
  const uint64_t mark = waits_now();
  /* It waits for [1, 3) now. The failure touches the request all the same, and ends it. */
  fail_pages(v, 0, 1, ZX_ERR_IO);
  wait_until(waits_now() > mark || worker_has_ended(t1));
  if (worker_has_ended(t1)) {
    expect_status(t1, ZX_ERR_IO);
    return false;
  }
  expect_read(v, 1, 2);
  expect_waiting(t1);
  supply(v, 1, 2, TAG);
  expect_ok(t1);
  expect_content(t1, 0, 3, TAG);
  expect_nothing();
  return true;
}

/* pager.md 6: for a zx_vmo_read only what it has yet to copy counts as its range */
SCENARIO(a_failure_of_what_a_read_has_copied_makes_it_ask_anew) {
  bool seen = false;
  for (int i = 0; i < 30 && !seen; i++) {
    seen = copied_page_failed();
  }
  check_true(seen);
}

/* pager.md 13.30 */
SCENARIO(who_joined_for_other_pages_asks_anew) {
  struct root* v = make_root(8);
  struct worker* t1 = start_read_pages(v, 0, 4);
  expect_read(v, 0, 4);
  struct worker* t2 = start_read_pages(v, 1, 1);
  await_waiting(t2);
  struct worker* t3 = start_read_pages(v, 3, 1);
  await_waiting(t3);
  expect_nothing();
  fail_pages(v, 1, 1, ZX_ERR_IO);
  expect_status(t1, ZX_ERR_IO);
  expect_status(t2, ZX_ERR_IO);
  expect_read(v, 3, 1);
  expect_waiting(t3);
  supply(v, 3, 1, TAG);
  expect_ok(t3);
  expect_content(t3, 3, 1, TAG);
  expect_nothing();
}

/* pager.md 6: the same for a load that joined */
SCENARIO(a_load_that_joined_for_another_page_asks_anew) {
  need_mappings();
  struct root* v = make_root(8);
  struct worker* t1 = start_commit(v, 0, 4);
  expect_read(v, 0, 4);
  struct worker* t2 = start_touch(VIA_MAPPING, v, 3);
  await_waiting(t2);
  struct worker* t3 = start_touch(VIA_MAPPING, v, 1);
  await_waiting(t3);
  fail_pages(v, 1, 1, ZX_ERR_IO);
  expect_status(t1, ZX_ERR_IO);
  expect_sigbus(t3);
  expect_read(v, 3, 1);
  expect_waiting(t2);
  supply(v, 3, 1, TAG);
  expect_byte(t2, content_byte(TAG, 3, 0));
  expect_nothing();
}

/* pager.md 13.31 */
SCENARIO(always_need_steps_over_each_page_that_fails) {
  struct root* v = make_root(8);
  struct worker* t1 = start_op(v->vmo, ZX_VMO_OP_ALWAYS_NEED, 0, 3 * PAGE);
  for (uint64_t page = 0; page < 3; page++) {
    expect_read(v, page, 3 - page);
    expect_nothing();
    fail_pages(v, page, 3 - page, ZX_ERR_IO);
  }
  expect_ok(t1);
  expect_nothing();
}

/* pager.md 6, table: bytes before the failed page may have been transferred */
SCENARIO(a_long_write_fails_at_the_page_that_failed) {
  struct root* v = make_root(20);
  struct worker* t1 = start_write(v->vmo, 0, 20 * PAGE, 0xee);
  expect_read(v, 0, 16);
  supply(v, 0, 16, TAG);
  expect_read(v, 16, 4);
  fail_pages(v, 16, 4, ZX_ERR_NO_SPACE);
  expect_status(t1, ZX_ERR_NO_SPACE);
  expect_nothing();
  /* The pages that were supplied are there, with or without the new bytes. */
  uint8_t byte = 0;
  check_ok(zx_vmo_read(v->vmo, &byte, 15 * PAGE, 1));
  check_true(byte == 0xee || byte == content_byte(TAG, 15, 0));
  expect_absent(v, 16);
}

/* pager.md 6: a supply that crosses a failure; the request counts as over */
BOTH_WAYS(a_supply_after_a_failure_works) {
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(via, v, 4);
  expect_read(v, 4, 1);
  fail_pages(v, 4, 1, ZX_ERR_IO);
  supply(v, 4, 1, TAG);
  expect_failed(t1, ZX_ERR_IO);
  expect_pages(via, v, 4, 1, TAG);
  expect_nothing();
}

/* pager.md 6: pages that are there stay as they are, in a failed range too */
BOTH_WAYS(a_failure_changes_no_page) {
  struct root* v = make_root(8);
  supply(v, 0, 2, TAG);
  supply_zeros(v, 3, 1);
  struct worker* t1 = start_touch(via, v, 2);
  expect_read(v, 2, 1);
  fail_pages(v, 0, 8, ZX_ERR_IO);
  expect_failed(t1, ZX_ERR_IO);
  expect_pages(via, v, 0, 2, TAG);
  expect_zero_pages(via, v, 3, 1);
  expect_absent(v, 2);
}

/* pager.md 9.1: a failure moves the queue of a VMO on like any other end of a request */
BOTH_WAYS(the_next_packet_follows_one_that_failed_unread) {
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(via, v, 0);
  await_waiting(t1);
  struct worker* t2 = start_touch(via, v, 1);
  await_waiting(t2);
  fail_pages(v, 0, 1, ZX_ERR_IO);
  expect_failed(t1, ZX_ERR_IO);
  expect_read(v, 1, 1);
  supply(v, 1, 1, TAG);
  expect_ok(t2);
}

/* pager.md 6: a request behind an unread packet fails without ever having been in the port */
BOTH_WAYS(a_request_that_waits_behind_another_can_fail) {
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(via, v, 0);
  await_waiting(t1);
  struct worker* t2 = start_touch(via, v, 1);
  await_waiting(t2);
  fail_pages(v, 1, 1, ZX_ERR_IO);
  expect_failed(t2, ZX_ERR_IO);
  expect_waiting(t1);
  expect_read(v, 0, 1);
  expect_nothing();
  supply(v, 0, 1, TAG);
  expect_ok(t1);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_BOTH_WAYS(a_failed_touch_can_be_tried_again),
      TEST_BOTH_WAYS(each_code_reaches_who_waits),
      TEST_BOTH_WAYS(a_failed_write_changes_nothing),
      TEST(all_who_share_a_failed_request_get_the_error),
      TEST_BOTH_WAYS(a_failure_that_nobody_waits_for_leaves_no_mark),
      TEST_BOTH_WAYS(a_failure_of_no_pages_does_nothing),
      TEST_BOTH_WAYS(a_failure_elsewhere_disturbs_nobody),
      TEST_BOTH_WAYS(an_unread_packet_goes_when_its_request_fails),
      TEST(failing_the_front_of_a_request_ends_it),
      TEST(failing_the_middle_of_a_request_leaves_the_rest_to_be_supplied),
      TEST(one_failure_ends_all_requests_it_touches),
      TEST(a_read_that_has_copied_its_front_fails_with_the_rest),
      TEST(a_failure_of_what_a_read_has_copied_makes_it_ask_anew),
      TEST(who_joined_for_other_pages_asks_anew),
      TEST(a_load_that_joined_for_another_page_asks_anew),
      TEST(always_need_steps_over_each_page_that_fails),
      TEST(a_long_write_fails_at_the_page_that_failed),
      TEST_BOTH_WAYS(a_supply_after_a_failure_works),
      TEST_BOTH_WAYS(a_failure_changes_no_page),
      TEST_BOTH_WAYS(the_next_packet_follows_one_that_failed_unread),
      TEST_BOTH_WAYS(a_request_that_waits_behind_another_can_fail),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
