/* SPDX-License-Identifier: BSD-3-Clause */
/* How DIRTY requests are shared, answered in part and completed: writeback.md 3.3 and 8.7. */
#include "writeback.h"

/* ---- Kinds ---- */

/* writeback.md 3.3 rule 1 */
BOTH_WAYS(read_and_dirty_requests_stand_side_by_side) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 4, TAG);
  struct worker* reader = start_commit(v, 2, 6);
  expect_read(v, 4, 4);
  struct worker* writer = start_poke(via, v, 3, VALUE);
  expect_dirty(v, 3, 1);
  dirty_pages_waking(v, 3, 1, 1);
  expect_ok(writer);
  expect_waiting(reader);
  supply_waking(v, 4, 4, TAG, 1);
  expect_ok(reader);
  expect_nothing();
}

/* writeback.md 3.3 rule 1: of one page, both at a time */
BOTH_WAYS(a_page_can_be_asked_for_with_both_kinds_at_once) {
  struct root* v = make_trap_root(4);
  zero_pages(v, 1, 1);
  struct worker* writer = start_poke(via, v, 1, VALUE);
  expect_dirty(v, 1, 1);
  begin_zero_writeback(v, 1, 1);
  end_writeback(v, 1, 1);
  struct worker* reader = start_touch(VIA_CALLS, v, 1);
  expect_read(v, 1, 1);
  supply_waking(v, 1, 1, TAG, 1);
  expect_byte(reader, content_byte(TAG, 1, 0));
  expect_waiting(writer);
  expect_nothing();
  dirty_pages_waking(v, 1, 1, 1);
  expect_ok(writer);
  expect_bytes(v, 1, 1, VALUE);
  expect_listed(v, DATA(1, 1));
  expect_nothing();
}

/* writeback.md 3.3 rule 1: nor does the one shorten the other */
SCENARIO(an_outstanding_read_does_not_shorten_a_dirty_request) {
  struct root* v = make_trap_root(8);
  zero_pages(v, 0, 8);
  struct worker* t1 = start_write_pages(v, 2, 1, 1);
  expect_dirty(v, 2, 1);
  begin_zero_writeback(v, 0, 8);
  end_writeback(v, 0, 8);
  struct worker* reader = start_read_pages(v, 0, 8);
  expect_read(v, 0, 8);
  supply(v, 0, 8, TAG);
  expect_ok(reader);
  struct worker* t2 = start_write_pages(v, 0, 8, 2);
  expect_dirty(v, 0, 2);
  dirty_pages(v, 0, 8);
  expect_ok(t1);
  expect_ok(t2);
  expect_nothing();
}

/* ---- Joining ---- */

/* writeback.md 8.7.1, 3.3 rule 2 */
BOTH_WAYS(two_writers_of_a_page_share_one_request) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_poke(via, v, 0, 1);
  expect_dirty(v, 0, 1);
  struct worker* t2 = start_poke(via, v, 0, 2);
  await_waiting(t2);
  expect_nothing();
  dirty_pages_waking(v, 0, 1, 2);
  expect_ok(t1);
  expect_ok(t2);
  uint8_t byte = 0;
  check_ok(zx_vmo_read(v->vmo, &byte, 0, 1));
  check_true(byte == 1 || byte == 2);
  expect_nothing();
}

/* writeback.md 3.3 rule 2 */
BOTH_WAYS(many_writers_share_one_request) {
  enum {
    THREADS = 24
  };
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* threads[THREADS];
  const struct counts before = counts_now();
  const uint64_t mark = waits_now();
  for (unsigned i = 0; i < THREADS; i++) {
    threads[i] = start_poke(via, v, 2, VALUE);
  }
  await_waits(mark, THREADS);
  expect_dirty(v, 2, 1);
  expect_nothing();
  dirty_pages_waking(v, 2, 1, THREADS);
  for (unsigned i = 0; i < THREADS; i++) {
    expect_ok(threads[i]);
  }
  check_equal(counts_now().requests - before.requests, 1);
  check_equal(counts_now().joined - before.joined, THREADS - 1);
  expect_nothing();
}

/* writeback.md 3.3 rule 2: stores, writes, partial zeroing and commits alike */
SCENARIO(every_sort_of_writer_shares_a_request) {
  need_mappings();
  struct root* v = make_trap_root(4);
  supply(v, 0, 1, TAG);
  zero_pages(v, 2, 1);
  uint8_t* other = map_vmo(v->vmo, 0, 4 * PAGE);
  const uint64_t mark = waits_now();
  struct worker* threads[] = {
      start_poke(VIA_MAPPING, v, 0, 1), start_store(other + 100, 1),
      start_write_pages(v, 0, 1, 1),    start_op(v->vmo, ZX_VMO_OP_ZERO, 8, 8),
      start_poke(VIA_MAPPING, v, 2, 1), start_store(other + 2 * PAGE + 100, 1),
      start_write_pages(v, 2, 1, 1),    start_commit(v, 2, 1),
  };
  enum {
    THREADS = sizeof(threads) / sizeof(threads[0])
  };
  await_waits(mark, THREADS);
  const struct counts before = counts_now();
  dirty_pages_waking(v, 0, 1, THREADS / 2);
  dirty_pages_waking(v, 2, 1, THREADS / 2);
  for (unsigned i = 0; i < THREADS; i++) {
    expect_ok(threads[i]);
  }
  check_equal(counts_now().requests, before.requests);
  expect_listed(v, DATA(0, 1), DATA(2, 1));
}

/* writeback.md 8.7.2, 3.3 rule 2 */
SCENARIO(a_writer_that_begins_before_a_request_asks_for_the_part_before_it) {
  struct root* v = make_trap_root(12);
  supply(v, 0, 12, TAG);
  struct worker* t1 = start_write_pages(v, 4, 5, 1);
  expect_dirty(v, 4, 5);
  struct worker* t2 = start_write_pages(v, 2, 7, 2);
  expect_dirty(v, 2, 2);
  expect_nothing();
  dirty_pages(v, 4, 5);
  expect_ok(t1);
  expect_waiting(t2);
  dirty_pages(v, 2, 2);
  expect_ok(t2);
  expect_listed(v, DATA(2, 7));
  expect_nothing();
}

/* writeback.md 8.7.2, the answers in the other order */
SCENARIO(a_writer_whose_front_was_answered_joins_the_request_behind) {
  struct root* v = make_trap_root(12);
  supply(v, 0, 12, TAG);
  struct worker* t1 = start_write_pages(v, 4, 5, 1);
  expect_dirty(v, 4, 5);
  struct worker* t2 = start_write_pages(v, 2, 7, 2);
  expect_dirty(v, 2, 2);
  const struct counts before = counts_now();
  dirty_pages(v, 2, 2);
  wait_until(counts_now().joined == before.joined + 1);
  expect_waiting(t2);
  expect_bytes(v, 2, 2, 2);
  expect_nothing();
  dirty_pages(v, 4, 5);
  expect_ok(t1);
  expect_ok(t2);
  expect_listed(v, DATA(2, 7));
  expect_nothing();
}

/* writeback.md 8.7.3, 3.3 rule 2 */
SCENARIO(a_writer_that_begins_inside_a_request_joins_and_asks_for_the_rest_later) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  struct worker* t1 = start_write_pages(v, 1, 3, 1);
  expect_dirty(v, 1, 3);
  struct worker* t2 = start_write_pages(v, 3, 3, 2);
  await_waiting(t2);
  expect_nothing();
  dirty_pages(v, 1, 3);
  expect_ok(t1);
  expect_dirty(v, 4, 2);
  expect_waiting(t2);
  dirty_pages(v, 4, 2);
  expect_ok(t2);
  expect_listed(v, DATA(1, 5));
  expect_nothing();
}

/* writeback.md 3.3 rule 7: held until the whole request completes, or let go earlier */
BOTH_WAYS(a_writer_inside_a_larger_request_goes_on_when_that_is_over) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  if (via == VIA_MAPPING) map_of(v);
  struct worker* t1 = start_write_pages(v, 0, 6, 1);
  expect_dirty(v, 0, 6);
  struct worker* t2 = start_poke(via, v, 3, 2);
  await_waiting(t2);
  expect_nothing();
  dirty_pages(v, 3, 1);
  expect_nothing();
  expect_waiting(t1);
  dirty_pages(v, 0, 6);
  expect_ok(t1);
  expect_ok(t2);
  expect_listed(v, DATA(0, 6));
  expect_nothing();
}

/* writeback.md 3.3 rule 7: the other way to end a wait for a page that is dirty already */
BOTH_WAYS(a_writer_that_comes_after_a_partial_answer_does_not_ask) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  if (via == VIA_MAPPING) map_of(v);
  struct worker* t1 = start_write_pages(v, 0, 6, 1);
  expect_dirty(v, 0, 6);
  dirty_pages(v, 3, 1);
  poke_freely(via, v, 3, 2);
  dirty_pages(v, 0, 6);
  expect_ok(t1);
  expect_nothing();
}

/* ---- Answers ---- */

/* writeback.md 3.3 rule 3, the example */
SCENARIO(a_partial_answer_wakes_nobody) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  struct worker* t1 = start_write_pages(v, 0, 4, VALUE);
  expect_dirty(v, 0, 4);
  dirty_pages_waking(v, 0, 2, 0);
  expect_waiting(t1);
  expect_nothing();
  expect_listed(v, DATA(0, 2));
  expect_bytes(v, 0, 1, content_byte(TAG, 0, 0));
  dirty_pages_waking(v, 2, 2, 1);
  expect_ok(t1);
  expect_bytes(v, 0, 4, VALUE);
  expect_listed(v, DATA(0, 4));
  expect_nothing();
}

/* writeback.md 3.3 rule 3: in any order, from the middle */
SCENARIO(partial_answers_may_come_in_any_order) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  struct worker* t1 = start_write_pages(v, 1, 6, VALUE);
  expect_dirty(v, 1, 6);
  dirty_pages_waking(v, 3, 2, 0);
  dirty_pages_waking(v, 6, 1, 0);
  dirty_pages_waking(v, 1, 1, 0);
  dirty_pages_waking(v, 5, 1, 0);
  expect_waiting(t1);
  dirty_pages_waking(v, 2, 1, 1);
  expect_ok(t1);
  expect_listed(v, DATA(1, 6));
  expect_nothing();
}

/* writeback.md 3.3 rule 3: only pages that an answer turned dirty count */
SCENARIO(a_repeated_answer_does_not_count_twice) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  struct worker* t1 = start_write_pages(v, 0, 4, VALUE);
  expect_dirty(v, 0, 4);
  for (unsigned i = 0; i < 6; i++) {
    dirty_pages_waking(v, 0, 1 + i % 3, 0);
    expect_waiting(t1);
  }
  dirty_pages_waking(v, 0, 4, 1);
  expect_ok(t1);
  expect_nothing();
}

/* writeback.md 3.3 rule 3: an answer need not match a request */
SCENARIO(one_answer_may_end_several_requests) {
  struct root* v = make_trap_root(12);
  supply(v, 0, 12, TAG);
  struct worker* t1 = start_write_pages(v, 1, 2, 1);
  expect_dirty(v, 1, 2);
  struct worker* t2 = start_write_pages(v, 5, 1, 2);
  expect_dirty(v, 5, 1);
  struct worker* t3 = start_write_pages(v, 8, 3, 3);
  expect_dirty(v, 8, 3);
  dirty_pages_waking(v, 0, 12, 3);
  expect_ok(t1);
  expect_ok(t2);
  expect_ok(t3);
  expect_listed(v, DATA(0, 12));
  expect_nothing();
}

/* writeback.md 3.3 rule 3: an answer that ends one request and a part of another */
SCENARIO(an_answer_may_end_one_request_and_a_part_of_another) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  struct worker* t1 = start_write_pages(v, 0, 2, 1);
  expect_dirty(v, 0, 2);
  struct worker* t2 = start_write_pages(v, 3, 4, 2);
  expect_dirty(v, 3, 4);
  dirty_pages_waking(v, 0, 5, 1);
  expect_ok(t1);
  expect_waiting(t2);
  dirty_pages_waking(v, 5, 2, 1);
  expect_ok(t2);
  expect_nothing();
}

/* writeback.md 5.3 */
SCENARIO(an_answer_that_nobody_waits_for_is_fine) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  dirty_pages_waking(v, 2, 3, 0);
  expect_listed(v, DATA(2, 3));
  expect_nothing();
}

/* writeback.md 3.3 rule 4: something took the page away in between */
SCENARIO(a_writer_that_wakes_looks_at_its_pages_anew) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_write_pages(v, 0, 2, VALUE);
  expect_dirty(v, 0, 2);
  dirty_pages(v, 0, 1);
  begin_writeback(v, 0, 1);
  end_writeback(v, 0, 1);
  dirty_pages(v, 1, 1);
  expect_dirty(v, 0, 1);
  expect_waiting(t1);
  expect_listed(v, DATA(1, 1));
  dirty_pages(v, 0, 1);
  expect_ok(t1);
  expect_bytes(v, 0, 2, VALUE);
  expect_nothing();
}

/* writeback.md 3.3 rule 4: the page is gone, so READ comes first again */
SCENARIO(a_writer_whose_page_went_absent_asks_with_both_again) {
  struct root* v = make_trap_root(4);
  zero_pages(v, 0, 1);
  supply(v, 1, 1, TAG);
  struct worker* t1 = start_write_pages(v, 0, 2, VALUE);
  expect_dirty(v, 0, 2);
  begin_zero_writeback(v, 0, 1);
  end_writeback(v, 0, 1);
  check_status(try_dirty(v, 0, 2), ZX_ERR_NOT_FOUND);
  expect_read(v, 0, 1);
  expect_waiting(t1);
  supply(v, 0, 1, TAG);
  expect_dirty(v, 0, 2);
  dirty_pages(v, 0, 2);
  expect_ok(t1);
  expect_bytes(v, 0, 2, VALUE);
  expect_nothing();
}

/* ---- Packets ---- */

/* writeback.md 3.3 rule 5 */
BOTH_WAYS(an_unread_packet_goes_when_its_request_is_answered) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_poke(via, v, 1, VALUE);
  await_waiting(t1);
  const struct counts before = counts_now();
  dirty_pages(v, 1, 1);
  expect_ok(t1);
  check_equal(counts_now().withdrawn - before.withdrawn, 1);
  expect_nothing();
}

/* writeback.md 3.3 rule 3, 5: a part is not an answer; the packet stays as it was */
SCENARIO(an_unread_packet_stays_unchanged_through_a_partial_answer) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_write_pages(v, 0, 4, VALUE);
  await_waiting(t1);
  dirty_pages(v, 0, 2);
  expect_dirty(v, 0, 4);
  expect_waiting(t1);
  dirty_pages(v, 2, 2);
  expect_ok(t1);
  expect_nothing();
}

/* writeback.md 3.3 rule 6: read or withdrawn makes way for the next, of either kind */
BOTH_WAYS(the_next_packet_comes_when_the_one_before_was_withdrawn) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_poke(via, v, 1, VALUE);
  await_waiting(t1);
  struct worker* t2 = start_touch(via, v, 5);
  await_waiting(t2);
  struct worker* t3 = start_poke(via, v, 2, VALUE);
  await_waiting(t3);
  dirty_pages(v, 1, 1);
  expect_ok(t1);
  expect_read(v, 5, 1);
  expect_dirty(v, 2, 1);
  expect_nothing();
  supply(v, 5, 1, TAG);
  dirty_pages(v, 2, 1);
  expect_ok(t2);
  expect_ok(t3);
}

/* writeback.md 3.3 rule 6 */
BOTH_WAYS(a_vmo_has_one_packet_in_the_port_at_a_time) {
  struct root* a = make_trap_root(4);
  struct root* b = make_trap_root(4);
  supply(a, 0, 4, TAG);
  supply(b, 0, 4, TAG);
  struct worker* threads[4];
  threads[0] = start_poke(via, a, 0, VALUE);
  await_waiting(threads[0]);
  threads[1] = start_poke(via, a, 1, VALUE);
  await_waiting(threads[1]);
  threads[2] = start_poke(via, b, 0, VALUE);
  await_waiting(threads[2]);
  threads[3] = start_poke(via, a, 2, VALUE);
  await_waiting(threads[3]);
  expect_dirty(a, 0, 1);
  expect_dirty(b, 0, 1);
  expect_dirty(a, 1, 1);
  expect_dirty(a, 2, 1);
  expect_nothing();
  dirty_pages(a, 0, 4);
  dirty_pages(b, 0, 4);
  for (unsigned i = 0; i < 4; i++) {
    expect_ok(threads[i]);
  }
}

/* writeback.md 8.1.8 */
BOTH_WAYS(two_vmos_on_one_port_keep_apart) {
  struct root* a = make_trap_root(4);
  struct root* b = make_trap_root(4);
  supply(a, 0, 4, TAG);
  supply(b, 0, 4, TAG + 1);
  struct worker* t1 = start_poke(via, a, 1, 1);
  expect_dirty(a, 1, 1);
  struct worker* t2 = start_poke(via, b, 1, 2);
  expect_dirty(b, 1, 1);
  dirty_pages(a, 1, 1);
  expect_ok(t1);
  expect_waiting(t2);
  expect_listed(a, DATA(1, 1));
  expect_none_listed(b);
  expect_modified(a);
  expect_not_modified(b);
  begin_writeback(a, 0, 4);
  dirty_pages(b, 1, 1);
  expect_ok(t2);
  end_writeback(b, 0, 4);
  expect_listed(a, DATA(1, 1));
  expect_listed(b, DATA(1, 1));
  end_writeback(a, 0, 4);
  expect_none_listed(a);
  expect_bytes(a, 1, 1, 1);
  expect_bytes(b, 1, 1, 2);
}

/* ---- Mappings ---- */

/* writeback.md 8.7.4 */
SCENARIO(a_store_through_one_mapping_opens_the_others) {
  need_mappings();
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  uint8_t* maps[] = {map_of(v), map_vmo(v->vmo, 0, 4 * PAGE), map_vmo(v->vmo, PAGE, 2 * PAGE)};
  poke_asking(VIA_MAPPING, v, 1, 1);
  const uint64_t before = waits_now();
  expect_ok(start_store(maps[1] + PAGE, 2));
  expect_bytes(v, 1, 1, 2);
  expect_ok(start_store(maps[2], 3));
  expect_bytes(v, 1, 1, 3);
  check_equal(waits_now(), before);
  expect_nothing();
}

/* writeback.md 8.7.4, 3.3 rule 2 */
SCENARIO(stores_through_several_mappings_share_a_request) {
  need_mappings();
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  uint8_t* other = map_vmo(v->vmo, PAGE, 2 * PAGE);
  struct worker* t1 = start_poke(VIA_MAPPING, v, 1, 1);
  expect_dirty(v, 1, 1);
  struct worker* t2 = start_store(other + 8, 2);
  await_waiting(t2);
  expect_nothing();
  dirty_pages_waking(v, 1, 1, 2);
  expect_ok(t1);
  expect_ok(t2);
  uint8_t bytes[9];
  check_ok(zx_vmo_read(v->vmo, bytes, PAGE, sizeof(bytes)));
  check_equal(bytes[0], 1);
  check_equal(bytes[8], 2);
  expect_nothing();
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_BOTH_WAYS(read_and_dirty_requests_stand_side_by_side),
      TEST_BOTH_WAYS(a_page_can_be_asked_for_with_both_kinds_at_once),
      TEST(an_outstanding_read_does_not_shorten_a_dirty_request),
      TEST_BOTH_WAYS(two_writers_of_a_page_share_one_request),
      TEST_BOTH_WAYS(many_writers_share_one_request),
      TEST(every_sort_of_writer_shares_a_request),
      TEST(a_writer_that_begins_before_a_request_asks_for_the_part_before_it),
      TEST(a_writer_whose_front_was_answered_joins_the_request_behind),
      TEST(a_writer_that_begins_inside_a_request_joins_and_asks_for_the_rest_later),
      TEST_BOTH_WAYS(a_writer_inside_a_larger_request_goes_on_when_that_is_over),
      TEST_BOTH_WAYS(a_writer_that_comes_after_a_partial_answer_does_not_ask),
      TEST(a_partial_answer_wakes_nobody),
      TEST(partial_answers_may_come_in_any_order),
      TEST(a_repeated_answer_does_not_count_twice),
      TEST(one_answer_may_end_several_requests),
      TEST(an_answer_may_end_one_request_and_a_part_of_another),
      TEST(an_answer_that_nobody_waits_for_is_fine),
      TEST(a_writer_that_wakes_looks_at_its_pages_anew),
      TEST(a_writer_whose_page_went_absent_asks_with_both_again),
      TEST_BOTH_WAYS(an_unread_packet_goes_when_its_request_is_answered),
      TEST(an_unread_packet_stays_unchanged_through_a_partial_answer),
      TEST_BOTH_WAYS(the_next_packet_comes_when_the_one_before_was_withdrawn),
      TEST_BOTH_WAYS(a_vmo_has_one_packet_in_the_port_at_a_time),
      TEST_BOTH_WAYS(two_vmos_on_one_port_keep_apart),
      TEST(a_store_through_one_mapping_opens_the_others),
      TEST(stores_through_several_mappings_share_a_request),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
