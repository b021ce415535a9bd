/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_vmo_set_size under dirty pages and under writers that wait: writeback.md 8.2.13 to 8.2.17. */
#include <signal.h>
#include <stdatomic.h>

#include "writeback.h"

/* ---- Pages that go ---- */

/* writeback.md 8.2.13 */
BOTH_WAYS(a_shrink_drops_changes_and_growth_brings_zeros) {
  for (unsigned trap = 0; trap < 2; trap++) {
    struct root* v = make_resizable_root_of(trap != 0, 4);
    supply(v, 0, 4, TAG);
    for (uint64_t page = 0; page < 4; page++) {
      poke(via, v, page, VALUE);
    }
    begin_writeback(v, 3, 1);
    resize(v, 2);
    expect_listed(v, DATA(0, 2));
    check_equal(committed_pages(v->vmo), 2);
    resize(v, 4);
    expect_listed(v, DATA(0, 2), ZERO(2, 2));
    expect_zero_pages(via, v, 2, 2);
    /* No trace of the writeback that began before. */
    end_writeback(v, 2, 2);
    expect_listed(v, DATA(0, 2), ZERO(2, 2));
    check_equal(committed_pages(v->vmo), 2);
    expect_nothing();
  }
}

/* writeback.md 8.2.13, 2.2: what comes back is tracked from the start */
BOTH_WAYS(a_page_that_was_dirty_before_a_shrink_asks_again_after_growth) {
  struct root* v = make_resizable_trap_root(4);
  supply(v, 0, 4, TAG);
  poke_asking(via, v, 3, VALUE);
  resize(v, 2);
  resize(v, 4);
  expect_write_asks(via, v, 3);
  expect_bytes(v, 3, 1, 0);
  poke_asking(via, v, 3, 7);
  expect_listed(v, ZERO(2, 1), DATA(3, 1));
  expect_nothing();
}

/* writeback.md 8.2.13: likewise on a plain root */
BOTH_WAYS(a_plain_root_notices_a_write_after_shrink_and_growth) {
  struct root* v = make_resizable_root(4);
  supply(v, 0, 4, TAG);
  poke_freely(via, v, 3, VALUE);
  resize(v, 2);
  resize(v, 4);
  expect_listed(v, ZERO(2, 2));
  poke_freely(via, v, 3, 7);
  expect_listed(v, ZERO(2, 1), DATA(3, 1));
  expect_bytes(v, 3, 1, 7);
}

/* writeback.md 8.2.13: a shrink to nothing and growth again and again */
SCENARIO(a_root_may_shrink_to_nothing_and_grow) {
  struct root* v = make_resizable_trap_root(4);
  supply(v, 0, 4, TAG);
  dirty_pages(v, 0, 4);
  for (uint64_t pages = 1; pages < 6; pages++) {
    resize(v, 0);
    expect_none_listed(v);
    check_equal(committed_pages(v->vmo), 0);
    resize(v, pages);
    expect_listed(v, ZERO(0, pages));
    dirty_pages(v, 0, pages);
    expect_listed(v, DATA(0, pages));
  }
}

/* ---- Writers that wait ---- */

/* writeback.md 8.2.14 */
BOTH_WAYS(a_shrink_turns_away_who_waits_beyond_the_new_end) {
  struct root* v = make_resizable_trap_root(4);
  supply(v, 0, 2, TAG);
  supply(v, 3, 1, TAG);
  struct worker* t1 = start_poke(via, v, 1, VALUE);
  expect_dirty(v, 1, 1);
  struct worker* t2 = start_poke(via, v, 3, VALUE);
  expect_dirty(v, 3, 1);
  struct worker* t3 = start_touch(via, v, 2);
  expect_read(v, 2, 1);
  resize(v, 1);
  expect_failed(t1, ZX_ERR_OUT_OF_RANGE);
  expect_failed(t2, ZX_ERR_OUT_OF_RANGE);
  expect_failed(t3, ZX_ERR_OUT_OF_RANGE);
  check_status(try_dirty(v, 1, 1), ZX_ERR_OUT_OF_RANGE);
  check_status(try_supply(v, 2, 1, TAG), ZX_ERR_OUT_OF_RANGE);
  expect_none_listed(v);
  expect_nothing();
}

/* writeback.md 8.2.14, 3.3 rule 5: unread packets go */
BOTH_WAYS(an_unread_packet_beyond_the_new_end_goes) {
  struct root* v = make_resizable_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_poke(via, v, 3, VALUE);
  await_waiting(t1);
  struct worker* t2 = start_poke(via, v, 1, VALUE);
  await_waiting(t2);
  resize(v, 2);
  expect_failed(t1, ZX_ERR_OUT_OF_RANGE);
  expect_dirty(v, 1, 1);
  dirty_pages(v, 1, 1);
  expect_ok(t2);
  expect_nothing();
}

/* writeback.md 8.2.14: for zeros and pages under writeback as for clean ones */
BOTH_WAYS(a_shrink_turns_away_who_waits_for_any_sort_of_page) {
  struct root* v = make_resizable_trap_root(5);
  supply(v, 0, 1, TAG);
  supply_zeros(v, 1, 1);
  supply(v, 2, 1, TAG);
  dirty_pages(v, 2, 1);
  begin_writeback(v, 2, 1);
  zero_pages(v, 3, 1);
  struct worker* threads[5];
  for (uint64_t page = 0; page < 5; page++) {
    threads[page] = start_poke(via, v, page, VALUE);
    await_waiting(threads[page]);
  }
  resize(v, 0);
  for (uint64_t page = 0; page < 5; page++) {
    expect_failed(threads[page], ZX_ERR_OUT_OF_RANGE);
  }
  expect_nothing();
}

/* writeback.md 8.2.15 */
SCENARIO(a_request_that_a_shrink_cuts_waits_for_what_is_left) {
  struct root* v = make_resizable_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_write_pages(v, 1, 2, VALUE);
  expect_dirty(v, 1, 2);
  resize(v, 2);
  expect_waiting(t1);
  expect_nothing();
  dirty_pages(v, 1, 1);
  expect_status(t1, ZX_ERR_OUT_OF_RANGE);
  expect_pages(VIA_CALLS, v, 0, 2, TAG);
  expect_listed(v, DATA(1, 1));
  expect_nothing();
}

/* writeback.md 8.2.15: the old range is out of range now, and yet an answer (5.3) */
SCENARIO(an_answer_for_the_old_range_ends_a_request_that_a_shrink_cut) {
  struct root* v = make_resizable_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_write_pages(v, 1, 2, VALUE);
  await_waiting(t1);
  resize(v, 2);
  expect_dirty(v, 1, 2);
  check_status(try_dirty(v, 1, 2), ZX_ERR_OUT_OF_RANGE);
  expect_status(t1, ZX_ERR_OUT_OF_RANGE);
  expect_none_listed(v);
  expect_nothing();
}

/* writeback.md 8.2.15, 3.3 rule 3: what had been answered before the shrink does not count twice */
SCENARIO(a_shrink_counts_answered_pages_once) {
  struct root* v = make_resizable_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_write_pages(v, 0, 4, VALUE);
  expect_dirty(v, 0, 4);
  dirty_pages(v, 2, 2);
  resize(v, 2);
  expect_waiting(t1);
  dirty_pages(v, 0, 2);
  expect_status(t1, ZX_ERR_OUT_OF_RANGE);
  expect_listed(v, DATA(0, 2));
  expect_nothing();
}

/* writeback.md 8.2.15, 3.3 rule 3: one that joined for what is left goes on when that is
 * answered */
BOTH_WAYS(who_joined_a_request_that_a_shrink_cut_goes_on) {
  struct root* v = make_resizable_trap_root(4);
  supply(v, 0, 4, TAG);
  if (via == VIA_MAPPING) map_of(v);
  struct worker* t1 = start_write_pages(v, 0, 4, VALUE);
  expect_dirty(v, 0, 4);
  struct worker* stays = start_poke(via, v, 1, 7);
  await_waiting(stays);
  struct worker* cut = start_poke(via, v, 3, 7);
  await_waiting(cut);
  resize(v, 2);
  expect_waiting(stays);
  expect_nothing();
  dirty_pages(v, 0, 2);
  expect_status(t1, ZX_ERR_OUT_OF_RANGE);
  expect_ok(stays);
  expect_failed(cut, ZX_ERR_OUT_OF_RANGE);
  expect_bytes(v, 1, 1, 7);
  expect_listed(v, DATA(0, 2));
  expect_nothing();
}

/* writeback.md 8.2.16 */
SCENARIO(a_store_beyond_the_new_end_takes_the_fatal_fault) {
  need_mappings();
  struct root* v = make_resizable_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_store(map_of(v) + 3 * PAGE + 77, VALUE);
  expect_dirty(v, 3, 1);
  struct worker* t2 = start_store(map_of(v) + 3 * PAGE + 78, VALUE);
  await_waiting(t2);
  resize(v, 3);
  expect_sigbus(t1);
  expect_sigbus(t2);
  expect_sigbus(start_store(map_of(v) + 3 * PAGE, VALUE));
  resize(v, 4);
  poke_asking(VIA_MAPPING, v, 3, VALUE);
  expect_nothing();
}

/* writeback.md 2.2, 8.2.1: growth under a writer does not disturb it */
BOTH_WAYS(growth_leaves_who_waits_alone) {
  struct root* v = make_resizable_trap_root(2);
  supply(v, 0, 2, TAG);
  struct worker* t1 = start_poke(via, v, 1, VALUE);
  expect_dirty(v, 1, 1);
  resize(v, 6);
  expect_waiting(t1);
  dirty_pages(v, 1, 1);
  expect_ok(t1);
  expect_listed(v, DATA(1, 1), ZERO(2, 4));
  expect_nothing();
}

/* writeback.md 8.2.15: a shrink and growth that leave the old range inside: the page is another */
BOTH_WAYS(a_writer_that_a_shrink_and_growth_passed_over_is_turned_away_or_asks_anew) {
  struct root* v = make_resizable_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_poke(via, v, 3, VALUE);
  expect_dirty(v, 3, 1);
  resize(v, 2);
  resize(v, 4);
  /* It was woken by the shrink; what it finds depends on when it runs. */
  const struct limit limit = limit_in(EVENT_LIMIT);
  zx_port_packet_t packet;
  while (!worker_has_ended(t1)) {
    if (zx_port_wait(fx.port, ZX_TIME_INFINITE_PAST, &packet) == ZX_OK) {
      check_equal(packet.page_request.command, ZX_PAGER_VMO_DIRTY);
      check_equal(packet.page_request.offset, 3 * PAGE);
      dirty_pages(v, 3, 1);
    }
    if (limit_passed(&limit)) check_fail("the writer is still blocked");
  }
  /* It asked and wrote, or it did neither. */
  uint8_t byte = 0;
  check_ok(zx_vmo_read(v->vmo, &byte, 3 * PAGE, 1));
  if (byte == 0) {
    expect_failed(t1, ZX_ERR_OUT_OF_RANGE);
    expect_listed(v, ZERO(2, 2));
  } else {
    expect_ok(t1);
    check_equal(byte, VALUE);
    expect_listed(v, ZERO(2, 1), DATA(3, 1));
  }
}

static atomic_uint tries;
static void try_again(int signo) {
  (void)signo;
  atomic_fetch_add(&tries, 1);
}

/* vmar.md 7, 7.1: growth must not replace what a running thread touches by something in between */
SCENARIO(a_store_that_crosses_growth_sees_the_end_or_the_page) {
  enum {
    ROUNDS = UNDER_SANITIZER ? 60 : 300
  };
  need_mappings();
  struct sigaction action = {.sa_handler = try_again};
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, NULL);
  struct root* v = make_resizable_root(1);
  map_pages(v, 8);
  for (unsigned round = 0; round < ROUNDS; round++) {
    const unsigned before = atomic_load(&tries);
    struct worker* t1 = start_store(v->map + 5 * PAGE, VALUE);
    if (round % 4 != 0) wait_until(atomic_load(&tries) != before);
    resize(v, 8);
    expect_ok(t1);
    expect_listed_in(v, 5, 1, DATA(5, 1));
    resize(v, 1);
  }
}

/* ---- Sizes inside a page ---- */

/* writeback.md 8.2.17 */
SCENARIO(a_size_inside_a_clean_page_asks_with_dirty_for_its_tail) {
  struct root* v = make_resizable_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_set_size(v->vmo, PAGE + 100);
  expect_dirty(v, 1, 1);
  expect_waiting(t1);
  dirty_pages(v, 1, 1);
  expect_ok(t1);
  uint64_t size = 0;
  check_ok(zx_vmo_get_size(v->vmo, &size));
  check_equal(size, 2 * PAGE);
  check_ok(zx_vmo_get_stream_size(v->vmo, &size));
  check_equal(size, PAGE + 100);
  uint8_t bytes[PAGE];
  check_ok(zx_vmo_read(v->vmo, bytes, PAGE, PAGE));
  for (uint64_t i = 0; i < PAGE; i++) {
    check_equal(bytes[i], i < 100 ? content_byte(TAG, 1, i) : 0);
  }
  expect_listed(v, DATA(1, 1));
  expect_nothing();
}

/* writeback.md 8.2.17 */
SCENARIO(a_size_inside_an_absent_page_asks_with_read_and_dirty) {
  struct root* v = make_resizable_trap_root(4);
  struct worker* t1 = start_set_size(v->vmo, PAGE + 100);
  expect_read(v, 1, 1);
  supply(v, 1, 1, TAG);
  expect_dirty(v, 1, 1);
  dirty_pages(v, 1, 1);
  expect_ok(t1);
  expect_listed(v, DATA(1, 1));
  expect_nothing();
}

/* writeback.md 8.2.17: also when the pager fails that */
SCENARIO(a_size_inside_a_page_that_fails_is_set_all_the_same) {
  struct root* v = make_resizable_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_set_size(v->vmo, PAGE + 100);
  expect_dirty(v, 1, 1);
  fail_pages(v, 1, 1, ZX_ERR_NO_SPACE);
  expect_ok(t1);
  uint64_t size = 0;
  check_ok(zx_vmo_get_size(v->vmo, &size));
  check_equal(size, 2 * PAGE);
  check_ok(zx_vmo_get_stream_size(v->vmo, &size));
  check_equal(size, PAGE + 100);
  expect_pages(VIA_CALLS, v, 0, 2, TAG);
  expect_none_listed(v);
  expect_modified(v);
  expect_nothing();
}

/* writeback.md 8.2.17, 8.3.4: nothing to clear in zeros, and nobody to ask in a dirty page */
SCENARIO(a_size_inside_zeros_or_a_dirty_page_asks_nobody) {
  struct root* v = make_resizable_trap_root(1);
  supply(v, 0, 1, TAG);
  dirty_pages(v, 0, 1);
  const uint64_t before = waits_now();
  check_ok(zx_vmo_set_size(v->vmo, 3 * PAGE + 10));
  expect_listed(v, DATA(0, 1), ZERO(1, 3));
  check_ok(zx_vmo_set_size(v->vmo, 2 * PAGE + 10));
  expect_listed(v, DATA(0, 1), ZERO(1, 2));
  check_ok(zx_vmo_set_size(v->vmo, 100));
  expect_listed(v, DATA(0, 1));
  check_equal(waits_now(), before);
  uint8_t bytes[PAGE];
  check_ok(zx_vmo_read(v->vmo, bytes, 0, PAGE));
  check_equal(bytes[99], content_byte(TAG, 0, 99));
  check_true(is_filled_with(bytes + 100, 0, PAGE - 100));
}

/* writeback.md 8.2.17: a plain root dirties the page */
SCENARIO(a_size_inside_a_page_of_a_plain_root_dirties_it) {
  struct root* v = make_resizable_root(4);
  supply(v, 0, 4, TAG);
  check_ok(zx_vmo_set_size(v->vmo, PAGE + 100));
  expect_listed(v, DATA(1, 1));
  expect_nothing();
}

/* writeback.md 8.2.17: the same where the size does not change but in its part of a page */
SCENARIO(a_size_in_the_last_page_clears_its_tail) {
  struct root* v = make_resizable_trap_root(2);
  supply(v, 0, 2, TAG);
  dirty_pages(v, 1, 1);
  check_ok(zx_vmo_set_size(v->vmo, PAGE + 8));
  uint8_t bytes[PAGE];
  check_ok(zx_vmo_read(v->vmo, bytes, PAGE, PAGE));
  check_equal(bytes[7], content_byte(TAG, 1, 7));
  check_true(is_filled_with(bytes + 8, 0, PAGE - 8));
  expect_listed(v, DATA(1, 1));
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_BOTH_WAYS(a_shrink_drops_changes_and_growth_brings_zeros),
      TEST_BOTH_WAYS(a_page_that_was_dirty_before_a_shrink_asks_again_after_growth),
      TEST_BOTH_WAYS(a_plain_root_notices_a_write_after_shrink_and_growth),
      TEST(a_root_may_shrink_to_nothing_and_grow),
      TEST_BOTH_WAYS(a_shrink_turns_away_who_waits_beyond_the_new_end),
      TEST_BOTH_WAYS(an_unread_packet_beyond_the_new_end_goes),
      TEST_BOTH_WAYS(a_shrink_turns_away_who_waits_for_any_sort_of_page),
      TEST(a_request_that_a_shrink_cuts_waits_for_what_is_left),
      TEST(an_answer_for_the_old_range_ends_a_request_that_a_shrink_cut),
      TEST(a_shrink_counts_answered_pages_once),
      TEST_BOTH_WAYS(who_joined_a_request_that_a_shrink_cut_goes_on),
      TEST(a_store_beyond_the_new_end_takes_the_fatal_fault),
      TEST_BOTH_WAYS(growth_leaves_who_waits_alone),
      TEST_BOTH_WAYS(a_writer_that_a_shrink_and_growth_passed_over_is_turned_away_or_asks_anew),
      TEST(a_store_that_crosses_growth_sees_the_end_or_the_page),
      TEST(a_size_inside_a_clean_page_asks_with_dirty_for_its_tail),
      TEST(a_size_inside_an_absent_page_asks_with_read_and_dirty),
      TEST(a_size_inside_a_page_that_fails_is_set_all_the_same),
      TEST(a_size_inside_zeros_or_a_dirty_page_asks_nobody),
      TEST(a_size_inside_a_page_of_a_plain_root_dirties_it),
      TEST(a_size_in_the_last_page_clears_its_tail),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
