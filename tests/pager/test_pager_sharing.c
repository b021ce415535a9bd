/* SPDX-License-Identifier: BSD-3-Clause */
/* How requests are trimmed, joined, answered in part and left: pager.md 5, scenarios 8 to 20. */
#include "fixture.h"
#include "worker.h"

/* ---- Several threads ---- */

/* pager.md 13.8 */
BOTH_WAYS(many_threads_share_one_request) {
  enum {
    THREADS = 24
  };
  struct root* v = make_root(8);
  struct worker* threads[THREADS];
  const struct counts before = counts_now();
  const uint64_t mark = waits_now();
  for (int i = 0; i < THREADS; i++) {
    threads[i] = start_touch(via, v, 0);
  }
  await_waits(mark, THREADS);
  expect_read(v, 0, 1);
  expect_nothing();
  supply_waking(v, 0, 1, TAG, THREADS);
  for (int i = 0; i < THREADS; i++) {
    expect_byte(threads[i], content_byte(TAG, 0, 0));
  }
  expect_nothing();
  check_equal(counts_now().requests - before.requests, 1);
  check_equal(counts_now().joined - before.joined, THREADS - 1);
}

/* pager.md 13.9; 5.1, third row */
SCENARIO(a_commit_that_begins_inside_a_request_joins_and_asks_for_the_rest_later) {
  struct root* v = make_root(8);
  struct worker* t1 = start_commit(v, 0, 4);
  expect_read(v, 0, 4);
  struct worker* t2 = start_commit(v, 2, 4);
  await_waiting(t2);
  expect_nothing();
  supply(v, 0, 4, TAG);
  expect_ok(t1);
  expect_read(v, 4, 2);
  expect_waiting(t2);
  supply(v, 4, 2, TAG);
  expect_ok(t2);
  expect_nothing();
}

/* pager.md 13.10; 5.1, second row */
SCENARIO(a_commit_that_reaches_into_a_request_asks_for_the_part_before_it) {
  struct root* v = make_root(8);
  struct worker* t1 = start_commit(v, 2, 2);
  expect_read(v, 2, 2);
  struct worker* t2 = start_commit(v, 0, 6);
  expect_read(v, 0, 2);
  supply(v, 0, 4, TAG);
  expect_ok(t1);
  expect_read(v, 4, 2);
  expect_waiting(t2);
  supply(v, 4, 2, TAG);
  expect_ok(t2);
  expect_nothing();
}

/* pager.md 13.11 */
SCENARIO(a_commit_whose_front_was_supplied_joins_the_request_behind) {
  struct root* v = make_root(8);
  struct worker* t1 = start_commit(v, 2, 2);
  expect_read(v, 2, 2);
  struct worker* t2 = start_commit(v, 0, 6);
  expect_read(v, 0, 2);
  const struct counts before = counts_now();
  supply(v, 0, 2, TAG);
  wait_until(counts_now().joined == before.joined + 1);
  expect_waiting(t2);
  expect_waiting(t1);
  expect_nothing();
  supply(v, 2, 2, TAG);
  expect_ok(t1);
  expect_read(v, 4, 2);
  supply(v, 4, 2, TAG);
  expect_ok(t2);
  expect_nothing();
}

/* pager.md 5.1, fourth row */
SCENARIO(a_commit_inside_a_request_joins_it_whole) {
  struct root* v = make_root(8);
  struct worker* t1 = start_commit(v, 1, 6);
  expect_read(v, 1, 6);
  struct worker* t2 = start_commit(v, 2, 3);
  await_waiting(t2);
  expect_nothing();
  /* Its own pages are there, but the request stands: it sleeps on. */
  supply_waking(v, 2, 3, TAG, 0);
  expect_waiting(t2);
  supply_waking(v, 1, 6, TAG, 2);
  expect_ok(t1);
  expect_ok(t2);
  expect_nothing();
}

/* pager.md 5.1, first row: ranges that do not meet, and one that ends where the other begins */
SCENARIO(ranges_that_do_not_overlap_are_requests_of_their_own) {
  struct root* v = make_root(8);
  struct worker* t1 = start_commit(v, 5, 2);
  expect_read(v, 5, 2);
  struct worker* t2 = start_commit(v, 0, 2);
  expect_read(v, 0, 2);
  struct worker* t3 = start_commit(v, 2, 3);
  expect_read(v, 2, 3);
  struct worker* t4 = start_commit(v, 7, 1);
  expect_read(v, 7, 1);
  supply_waking(v, 2, 3, TAG, 1);
  expect_ok(t3);
  supply_waking(v, 0, 8, TAG, 3);
  expect_ok(t1);
  expect_ok(t2);
  expect_ok(t4);
  expect_nothing();
}

/* pager.md 5.1: a range may meet several requests; each comes in its turn */
SCENARIO(a_commit_over_several_requests_asks_for_each_gap_in_turn) {
  struct root* v = make_root(8);
  struct worker* t1 = start_commit(v, 1, 1);
  expect_read(v, 1, 1);
  struct worker* t2 = start_commit(v, 4, 2);
  expect_read(v, 4, 2);
  struct worker* t3 = start_commit(v, 0, 8);
  expect_read(v, 0, 1);
  supply(v, 0, 2, TAG);
  expect_ok(t1);
  expect_read(v, 2, 2);
  supply(v, 2, 4, TAG);
  expect_ok(t2);
  expect_read(v, 6, 2);
  supply(v, 6, 2, TAG);
  expect_ok(t3);
  expect_nothing();
}

/* pager.md 10.1, 5.1: faults and calls join each other's requests */
SCENARIO(loads_and_calls_share_a_request) {
  need_mappings();
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(VIA_MAPPING, v, 2);
  expect_read(v, 2, 1);
  struct worker* t2 = start_read_pages(v, 2, 1);
  await_waiting(t2);
  struct worker* t3 = start_commit(v, 2, 1);
  await_waiting(t3);
  struct worker* t4 = start_poke(VIA_MAPPING, v, 2, 0xee);
  await_waiting(t4);
  expect_nothing();
  supply_waking(v, 2, 1, TAG, 4);
  expect_ok(t1);
  expect_ok(t2);
  expect_ok(t3);
  expect_ok(t4);
  expect_nothing();
}

/* ---- Partial answers ---- */

/* pager.md 13.12, 5.4 */
SCENARIO(a_read_copies_its_front_as_soon_as_it_is_there) {
  struct root* v = make_root(8);
  struct worker* t1 = start_read_pages(v, 0, 8);
  expect_read(v, 0, 8);
  supply(v, 0, 4, TAG);
  for (uint64_t page = 0; page < 4; page++) {
    wait_until(worker_shows(t1, page, TAG));
  }
  expect_waiting(t1);
  expect_nothing();
  supply(v, 4, 4, TAG);
  expect_ok(t1);
  expect_content(t1, 0, 8, TAG);
  expect_nothing();
}

/* pager.md 13.13 */
SCENARIO(a_read_sleeps_on_through_supplies_elsewhere_in_its_range) {
  struct root* v = make_root(8);
  const struct counts before = counts_now();
  struct worker* t1 = start_read_pages(v, 0, 8);
  expect_read(v, 0, 8);
  supply_waking(v, 5, 3, TAG, 0);
  supply_waking(v, 2, 1, TAG, 0);
  expect_waiting(t1);
  check_true(!worker_shows(t1, 2, TAG));
  supply(v, 0, 2, TAG);
  for (uint64_t page = 0; page < 3; page++) {
    wait_until(worker_shows(t1, page, TAG));
  }
  expect_waiting(t1);
  supply(v, 3, 2, TAG);
  expect_ok(t1);
  expect_content(t1, 0, 8, TAG);
  expect_nothing();
  check_equal(counts_now().requests - before.requests, 1);
}

/* pager.md 5.4: early waking repeats as long as the front goes on */
SCENARIO(a_read_follows_supplies_page_by_page) {
  struct root* v = make_root(8);
  struct worker* t1 = start_read_pages(v, 0, 8);
  expect_read(v, 0, 8);
  for (uint64_t page = 0; page < 7; page++) {
    supply(v, page, 1, TAG);
    wait_until(worker_shows(t1, page, TAG));
  }
  expect_waiting(t1);
  supply(v, 7, 1, TAG);
  expect_ok(t1);
  expect_content(t1, 0, 8, TAG);
  expect_nothing();
}

/* pager.md 5.4: readers that joined wake along with the first if the run has reached their page */
SCENARIO(readers_that_joined_wake_early_with_the_first) {
  struct root* v = make_root(8);
  struct worker* t1 = start_read_pages(v, 0, 8);
  expect_read(v, 0, 8);
  struct worker* t2 = start_read_pages(v, 1, 5);
  await_waiting(t2);
  struct worker* t3 = start_read_pages(v, 6, 2);
  await_waiting(t3);
  supply(v, 0, 3, TAG);
  wait_until(worker_shows(t1, 2, TAG));
  wait_until(worker_shows(t2, 2, TAG));
  expect_waiting(t1);
  expect_waiting(t2);
  expect_waiting(t3);
  expect_nothing();
  supply(v, 3, 5, TAG);
  expect_ok(t1);
  expect_ok(t2);
  expect_ok(t3);
  expect_content(t2, 1, 5, TAG);
  expect_nothing();
}

/* pager.md 5.4: behind a first waiter of another kind everyone sleeps until the request ends */
SCENARIO(a_reader_behind_a_commit_sleeps_until_the_request_ends) {
  struct root* v = make_root(8);
  struct worker* t1 = start_commit(v, 0, 4);
  expect_read(v, 0, 4);
  struct worker* t2 = start_read_pages(v, 0, 4);
  await_waiting(t2);
  supply_waking(v, 0, 3, TAG, 0);
  expect_waiting(t2);
  check_true(!worker_shows(t2, 0, TAG));
  supply_waking(v, 3, 1, TAG, 2);
  expect_ok(t1);
  expect_ok(t2);
  expect_nothing();
}

/* pager.md 5.3: a waiter whose page is taken away again before it looks asks anew; here a reader
 * that joined for more than the request covers */
SCENARIO(a_reader_that_joined_asks_for_what_the_request_did_not_cover) {
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(VIA_CALLS, v, 2);
  expect_read(v, 2, 1);
  struct worker* t2 = start_read_pages(v, 2, 3);
  await_waiting(t2);
  expect_nothing();
  supply(v, 2, 1, TAG);
  expect_ok(t1);
  expect_read(v, 3, 2);
  supply(v, 3, 2, TAG);
  expect_ok(t2);
  expect_content(t2, 2, 3, TAG);
  expect_nothing();
}

/* pager.md 13.14 */
SCENARIO(a_commit_waits_for_the_last_of_its_pages) {
  struct root* v = make_root(8);
  struct worker* t1 = start_commit(v, 0, 4);
  expect_read(v, 0, 4);
  supply_waking(v, 0, 2, TAG, 0);
  supply_waking(v, 3, 1, TAG, 0);
  expect_waiting(t1);
  expect_nothing();
  supply_waking(v, 2, 1, TAG, 1);
  expect_ok(t1);
  expect_nothing();
}

/* pager.md 13.15, 5.2 */
SCENARIO(repeated_supplies_of_the_same_pages_do_not_end_a_request) {
  struct root* v = make_root(8);
  struct worker* t1 = start_commit(v, 0, 8);
  expect_read(v, 0, 8);
  for (uint64_t count = 1; count < 8; count++) {
    supply_waking(v, 0, count, TAG, 0);
  }
  expect_waiting(t1);
  supply_waking(v, 0, 8, TAG, 1);
  expect_ok(t1);
  expect_nothing();
}

/* pager.md 13.16, 9.2 */
BOTH_WAYS(an_unread_packet_goes_when_its_request_is_answered) {
  struct root* v = make_root(8);
  const struct counts before = counts_now();
  struct worker* t1 = start_touch(via, v, 0);
  await_waiting(t1);
  supply(v, 0, 1, TAG);
  expect_byte(t1, content_byte(TAG, 0, 0));
  expect_nothing();
  check_equal(counts_now().withdrawn - before.withdrawn, 1);
}

/* pager.md 13.17 */
BOTH_WAYS(the_next_packet_follows_one_that_was_taken_back) {
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(via, v, 0);
  await_waiting(t1);
  struct worker* t2 = start_touch(via, v, 1);
  await_waiting(t2);
  supply(v, 0, 1, TAG);
  expect_ok(t1);
  expect_read(v, 1, 1);
  expect_waiting(t2);
  expect_nothing();
  supply(v, 1, 1, TAG);
  expect_ok(t2);
}

/* pager.md 13.18, 9.3 */
BOTH_WAYS(an_unanswered_request_is_never_repeated) {
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(via, v, 0);
  expect_read(v, 0, 1);
  const struct counts before = counts_now();
  for (unsigned i = 0; i < 4; i++) {
    struct worker* t2 = start_touch(via, v, 0);
    await_waiting(t2);
    expect_nothing();
  }
  expect_waiting(t1);
  check_equal(counts_now().requests - before.requests, 0);
  check_equal(counts_now().joined - before.joined, 4);
  supply_waking(v, 0, 1, TAG, 5);
  expect_ok(t1);
  expect_nothing();
}

/* pager.md 13.19, 9.1 */
BOTH_WAYS(packets_of_a_vmo_wait_behind_each_other) {
  struct root* a = make_root(8);
  struct root* b = make_root(8);
  struct worker* t1 = start_touch(via, a, 0);
  await_waiting(t1);
  struct worker* t2 = start_touch(via, a, 1);
  await_waiting(t2);
  struct worker* t3 = start_touch(via, b, 0);
  await_waiting(t3);
  expect_read(a, 0, 1);
  expect_read(b, 0, 1);
  expect_read(a, 1, 1);
  expect_nothing();
  supply(a, 0, 2, TAG);
  supply(b, 0, 1, TAG);
  expect_ok(t1);
  expect_ok(t2);
  expect_ok(t3);
}

/* pager.md 13.20, 11.6 */
SCENARIO(threads_at_several_mappings_of_a_page_share_a_request) {
  need_mappings();
  struct root* v = make_root(8);
  struct worker* threads[3];
  const uint64_t mark = waits_now();
  for (int i = 0; i < 3; i++) {
    threads[i] = start_load(map_vmo(v->vmo, 0, 8 * PAGE) + PAGE);
  }
  await_waits(mark, 3);
  expect_read(v, 1, 1);
  expect_nothing();
  supply_waking(v, 1, 1, TAG, 3);
  for (int i = 0; i < 3; i++) {
    expect_byte(threads[i], content_byte(TAG, 1, 0));
  }
  expect_nothing();
}

/* pager.md 11.6: mappings of other offsets count from the VMO's start too */
SCENARIO(a_mapping_from_the_middle_asks_for_the_page_of_the_vmo) {
  need_mappings();
  struct root* v = make_root(8);
  struct worker* t1 = start_load(map_vmo(v->vmo, 3 * PAGE, 2 * PAGE) + PAGE + 17);
  expect_read(v, 4, 1);
  supply(v, 4, 1, TAG);
  expect_byte(t1, content_byte(TAG, 4, 17));
}

/* ---- Leaving ---- */

/* A buffer in a mapping that is unmapped while the read waits: the read gives up when it copies. */
struct leaving_read {
  struct worker* worker;
  uint8_t* buffer;
};

static struct leaving_read start_leaving_read(struct root* v, uint64_t pages) {
  uint8_t* buffer = map_vmo(make_vmo(pages), 0, pages * PAGE);
  struct worker* worker = start_read_to(v->vmo, buffer, 0, pages * PAGE);
  await_waiting(worker);
  unmap(buffer, pages * PAGE);
  return (struct leaving_read){worker, buffer};
}

/* pager.md 5.5: the others keep the request of one that gives up */
SCENARIO(a_request_outlives_the_waiter_that_made_it) {
  struct root* v = make_root(4);
  struct leaving_read t1 = start_leaving_read(v, 4);
  expect_read(v, 0, 4);
  struct worker* t2 = start_commit(v, 2, 2);
  await_waiting(t2);
  supply(v, 0, 1, TAG); /* t1 wakes early, and cannot copy */
  expect_status(t1.worker, ZX_ERR_NOT_FOUND);
  expect_waiting(t2);
  expect_nothing();
  supply_waking(v, 2, 2, TAG, 0); /* page 1 is still pending */
  expect_waiting(t2);
  supply_waking(v, 1, 1, TAG, 1);
  expect_ok(t2);
  expect_nothing();
}

/* pager.md 5.5: with no waiter left the request goes, and its unread packet too */
SCENARIO(a_request_goes_with_its_last_waiter) {
  struct root* v = make_root(4);
  struct leaving_read t1 = start_leaving_read(v, 4);
  supply(v, 0, 1, TAG);
  expect_status(t1.worker, ZX_ERR_NOT_FOUND);
  expect_nothing();
  struct worker* t2 = start_commit(v, 0, 4);
  expect_read(v, 1, 3);
  supply(v, 1, 3, TAG);
  expect_ok(t2);
  expect_nothing();
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_BOTH_WAYS(many_threads_share_one_request),
      TEST(a_commit_that_begins_inside_a_request_joins_and_asks_for_the_rest_later),
      TEST(a_commit_that_reaches_into_a_request_asks_for_the_part_before_it),
      TEST(a_commit_whose_front_was_supplied_joins_the_request_behind),
      TEST(a_commit_inside_a_request_joins_it_whole),
      TEST(ranges_that_do_not_overlap_are_requests_of_their_own),
      TEST(a_commit_over_several_requests_asks_for_each_gap_in_turn),
      TEST(loads_and_calls_share_a_request),
      TEST(a_read_copies_its_front_as_soon_as_it_is_there),
      TEST(a_read_sleeps_on_through_supplies_elsewhere_in_its_range),
      TEST(a_read_follows_supplies_page_by_page),
      TEST(readers_that_joined_wake_early_with_the_first),
      TEST(a_reader_behind_a_commit_sleeps_until_the_request_ends),
      TEST(a_reader_that_joined_asks_for_what_the_request_did_not_cover),
      TEST(a_commit_waits_for_the_last_of_its_pages),
      TEST(repeated_supplies_of_the_same_pages_do_not_end_a_request),
      TEST_BOTH_WAYS(an_unread_packet_goes_when_its_request_is_answered),
      TEST_BOTH_WAYS(the_next_packet_follows_one_that_was_taken_back),
      TEST_BOTH_WAYS(an_unanswered_request_is_never_repeated),
      TEST_BOTH_WAYS(packets_of_a_vmo_wait_behind_each_other),
      TEST(threads_at_several_mappings_of_a_page_share_a_request),
      TEST(a_mapping_from_the_middle_asks_for_the_page_of_the_vmo),
      TEST(a_request_outlives_the_waiter_that_made_it),
      TEST(a_request_goes_with_its_last_waiter),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
