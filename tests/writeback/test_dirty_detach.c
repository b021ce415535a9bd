/* SPDX-License-Identifier: BSD-3-Clause */
/* Detaching, and closing the pager, with dirty pages and writers that wait: writeback.md 8.5. */
#include "writeback.h"

/* Trap or plain, 6 pages: clean, marker, dirty, awaiting clean, interval, absent. */
static struct root* make_every_state(bool trap) {
  struct root* v = make_resizable_root_of(trap, 6);
  if (fx.probe.mappings_supported) map_of(v);
  supply(v, 0, 1, TAG);
  supply_zeros(v, 1, 1);
  supply(v, 2, 2, TAG);
  poke(VIA_CALLS, v, 2, VALUE);
  poke(VIA_CALLS, v, 3, VALUE);
  begin_writeback(v, 3, 1);
  zero_pages(v, 4, 1);
  return v;
}

static void expect_bad_state(struct worker* w) { expect_failed(w, ZX_ERR_BAD_STATE); }

/* ---- What stays ---- */

static void keeps_what_is_dirty(enum via via, bool trap) {
  struct root* v = make_every_state(trap);
  /* A mapping has shown all of it. */
  expect_ok(start_walk(via, v, 0, 5));
  detach(v);
  expect_complete(v);
  expect_listed(v, DATA(2, 2), ZERO(4, 1));
  check_equal(committed_pages(v->vmo), 2);
  expect_bytes(v, 2, 2, VALUE);
  expect_zero_pages(via, v, 4, 1);
  expect_byte(start_touch(via, v, 2), VALUE);
  expect_byte(start_touch(via, v, 3), VALUE);
  expect_bad_state(start_touch(via, v, 0));
  expect_bad_state(start_touch(via, v, 1));
  expect_bad_state(start_touch(via, v, 5));
  expect_nothing();
}

/* writeback.md 8.5.1, 8.5.3 */
BOTH_WAYS(a_detached_trap_root_keeps_what_is_dirty) { keeps_what_is_dirty(via, true); }
BOTH_WAYS(a_detached_plain_root_keeps_what_is_dirty) { keeps_what_is_dirty(via, false); }

/* ---- Writes ---- */

/* writeback.md 8.5.3 */
BOTH_WAYS(a_detached_trap_root_takes_writes_to_dirty_pages_only) {
  struct root* v = make_every_state(true);
  detach(v);
  expect_complete(v);
  poke_freely(via, v, 2, 7);
  expect_bytes(v, 2, 1, 7);
  expect_bad_state(start_poke(via, v, 0, 7));
  expect_bad_state(start_poke(via, v, 1, 7));
  expect_bad_state(start_poke(via, v, 3, 7));
  expect_bad_state(start_poke(via, v, 4, 7));
  expect_bad_state(start_poke(via, v, 5, 7));
  expect_listed(v, DATA(2, 2), ZERO(4, 1));
  expect_bytes(v, 3, 1, VALUE);
  expect_nothing();
}

/* writeback.md 8.5.3 */
BOTH_WAYS(a_detached_plain_root_takes_writes_to_all_that_it_kept) {
  struct root* v = make_every_state(false);
  detach(v);
  expect_complete(v);
  for (uint64_t page = 2; page < 5; page++) {
    poke_freely(via, v, page, 7);
  }
  expect_bytes(v, 2, 3, 7);
  expect_bad_state(start_poke(via, v, 0, 7));
  expect_bad_state(start_poke(via, v, 1, 7));
  expect_bad_state(start_poke(via, v, 5, 7));
  expect_listed(v, DATA(2, 3));
  end_writeback(v, 0, 6);
  expect_listed(v, DATA(2, 3));
  expect_nothing();
}

/* writeback.md 8.5.2 */
BOTH_WAYS(a_writer_that_waits_is_turned_away) {
  struct root* v = make_every_state(true);
  struct worker* taken = start_poke(via, v, 0, 7);
  expect_dirty(v, 0, 1);
  const uint64_t mark = waits_now();
  struct worker* threads[] = {start_poke(via, v, 1, 7), start_poke(via, v, 3, 7),
                              start_poke(via, v, 4, 7), start_poke(via, v, 5, 7),
                              start_touch(via, v, 5)};
  enum {
    THREADS = sizeof(threads) / sizeof(threads[0])
  };
  await_waits(mark, THREADS);
  detach(v);
  expect_bad_state(taken);
  for (unsigned i = 0; i < THREADS; i++) {
    expect_bad_state(threads[i]);
  }
  /* The unread packets went, and COMPLETE is the last. */
  expect_complete(v);
  expect_nothing();
  expect_listed(v, DATA(2, 2), ZERO(4, 1));
}

/* writeback.md 8.5.2: a write that is half done */
SCENARIO(a_write_over_several_pages_is_turned_away_where_it_waits) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  dirty_pages(v, 0, 2);
  struct worker* t1 = start_write_pages(v, 0, 4, VALUE);
  expect_dirty(v, 2, 2);
  detach(v);
  expect_status(t1, ZX_ERR_BAD_STATE);
  expect_complete(v);
  expect_bytes(v, 0, 2, VALUE);
  expect_listed(v, DATA(0, 2));
}

/* writeback.md 8.5.2: a part was granted: those pages are dirty, and stay */
SCENARIO(a_partial_answer_outlives_the_detach) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_write_pages(v, 0, 4, VALUE);
  expect_dirty(v, 0, 4);
  dirty_pages(v, 0, 3);
  detach(v);
  expect_status(t1, ZX_ERR_BAD_STATE);
  expect_complete(v);
  expect_listed(v, DATA(0, 3));
}

/* writeback.md 8.5.2, 8.3.9: a commit of zeros, and a part that is zeroed */
SCENARIO(other_writers_that_wait_are_turned_away) {
  struct root* v = make_every_state(true);
  struct worker* commit = start_commit(v, 4, 1);
  await_waiting(commit);
  struct worker* zero = start_op(v->vmo, ZX_VMO_OP_ZERO, 8, 8);
  await_waiting(zero);
  detach(v);
  expect_status(commit, ZX_ERR_BAD_STATE);
  expect_status(zero, ZX_ERR_BAD_STATE);
  expect_complete(v);
  check_status(zx_vmo_op_range(v->vmo, ZX_VMO_OP_COMMIT, 4 * PAGE, PAGE, NULL, 0),
               ZX_ERR_BAD_STATE);
  check_status(zx_vmo_op_range(v->vmo, ZX_VMO_OP_ZERO, 3 * PAGE + 8, 8, NULL, 0), ZX_ERR_BAD_STATE);
  zero_bytes(v, 2 * PAGE + 8, 8);
  zero_bytes(v, 4 * PAGE + 8, 8);
  expect_listed(v, DATA(2, 2), ZERO(4, 1));
}

/* ---- The pager's calls ---- */

/* writeback.md 8.5.4 */
SCENARIO(a_detached_root_can_be_zeroed_and_resized) {
  for (unsigned trap = 0; trap < 2; trap++) {
    struct root* v = make_every_state(trap != 0);
    detach(v);
    expect_complete(v);
    resize(v, 8);
    expect_listed(v, DATA(2, 2), ZERO(4, 1), ZERO(6, 2));
    zero_pages(v, 0, 3);
    expect_listed(v, ZERO(0, 3), DATA(3, 1), ZERO(4, 1), ZERO(6, 2));
    resize(v, 7);
    expect_listed(v, ZERO(0, 3), DATA(3, 1), ZERO(4, 1), ZERO(6, 1));
    expect_zero_pages(VIA_CALLS, v, 0, 3);
    resize(v, 2);
    expect_listed(v, ZERO(0, 2));
    expect_nothing();
  }
}

/* writeback.md 8.5.5 */
BOTH_WAYS(a_detached_root_is_written_back_as_before) {
  for (unsigned trap = 0; trap < 2; trap++) {
    struct root* v = make_every_state(trap != 0);
    expect_ok(start_walk(via, v, 0, 5));
    detach(v);
    expect_complete(v);
    end_writeback(v, 0, 6);
    expect_listed(v, DATA(2, 1), ZERO(4, 1));
    expect_byte(start_touch(via, v, 3), VALUE);
    begin_writeback(v, 0, 6);
    expect_byte(start_touch(via, v, 2), VALUE);
    end_writeback(v, 0, 6);
    expect_none_listed(v);
    expect_byte(start_touch(via, v, 2), VALUE);
    expect_bad_state(start_touch(VIA_CALLS, v, 4));
    expect_nothing();
  }
}

/* writeback.md 8.5.5: after their checks of argument and range */
SCENARIO(a_detached_root_takes_no_answers) {
  struct root* v = make_every_state(true);
  detach(v);
  expect_complete(v);
  for (uint64_t page = 0; page < 6; page++) {
    check_status(try_dirty(v, page, 1), ZX_ERR_BAD_STATE);
    check_status(try_fail(v, page, 1, ZX_ERR_IO), ZX_ERR_BAD_STATE);
  }
  check_status(try_dirty(v, 4, 3), ZX_ERR_OUT_OF_RANGE);
  check_status(try_fail(v, 4, 3, ZX_ERR_IO), ZX_ERR_OUT_OF_RANGE);
  check_status(try_op(v, ZX_PAGER_OP_DIRTY, 0, 1, 1), ZX_ERR_INVALID_ARGS);
  check_status(try_fail(v, 0, 1, ZX_ERR_INTERNAL), ZX_ERR_INVALID_ARGS);
  check_status(try_op(v, ZX_PAGER_OP_WRITEBACK_BEGIN, 4, 3, 0), ZX_ERR_OUT_OF_RANGE);
  check_status(try_op(v, ZX_PAGER_OP_WRITEBACK_END, 4, 3, 0), ZX_ERR_OUT_OF_RANGE);
  expect_listed(v, DATA(2, 2), ZERO(4, 1));
}

/* writeback.md 8.5.3: a store through a mapping that could write before */
BOTH_WAYS(a_page_that_begin_protected_stays_so_after_the_detach) {
  struct root* v = make_trap_root(2);
  supply(v, 0, 2, TAG);
  poke_asking(via, v, 0, 1);
  poke_asking(via, v, 1, 1);
  begin_writeback(v, 0, 1);
  detach(v);
  expect_complete(v);
  expect_bad_state(start_poke(via, v, 0, 2));
  poke_freely(via, v, 1, 2);
  expect_bytes(v, 0, 1, 1);
  expect_bytes(v, 1, 1, 2);
  begin_writeback(v, 1, 1);
  expect_bad_state(start_poke(via, v, 1, 3));
  end_writeback(v, 0, 2);
  expect_none_listed(v);
  expect_bytes(v, 1, 1, 2);
}

/* ---- Closing ---- */

/* writeback.md 8.5.6 */
BOTH_WAYS(closing_the_pager_turns_writers_away_without_packets) {
  zx_handle_t pager = make_pager();
  struct root* v = make_root_on(pager, fx.port, ZX_VMO_TRAP_DIRTY, 1, 6 * PAGE);
  supply(v, 0, 3, TAG);
  zero_pages(v, 3, 1);
  poke_asking(via, v, 1, VALUE);
  poke_asking(via, v, 2, VALUE);
  begin_writeback(v, 2, 1);
  struct worker* taken = start_poke(via, v, 0, 7);
  expect_dirty(v, 0, 1);
  struct worker* unread = start_poke(via, v, 3, 7);
  await_waiting(unread);
  drop(&pager);
  expect_bad_state(taken);
  expect_bad_state(unread);
  expect_nothing();
  poke_freely(via, v, 1, 7);
  expect_bytes(v, 1, 1, 7);
  expect_bad_state(start_poke(via, v, 0, 7));
  expect_bad_state(start_poke(via, v, 2, 7));
  expect_bad_state(start_poke(via, v, 3, 7));
  expect_bad_state(start_poke(via, v, 4, 7));
  expect_bytes(v, 2, 1, VALUE);
  expect_nothing();
}

/* writeback.md 8.5.6, pager.md 8.3: a plain root is written to as before */
BOTH_WAYS(closing_the_pager_leaves_a_plain_root_writable) {
  zx_handle_t pager = make_pager();
  struct root* v = make_root_on(pager, fx.port, 0, 1, 6 * PAGE);
  supply(v, 0, 2, TAG);
  zero_pages(v, 2, 1);
  if (via == VIA_MAPPING) map_of(v);
  drop(&pager);
  for (uint64_t page = 0; page < 3; page++) {
    poke_freely(via, v, page, VALUE);
  }
  expect_bytes(v, 0, 3, VALUE);
  expect_bad_state(start_poke(via, v, 4, 7));
  expect_nothing();
}

/* pager.md 8.2: the last reference goes while pages are dirty */
SCENARIO(dirty_pages_do_not_keep_a_vmo) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 2, TAG);
  dirty_pages(v, 0, 2);
  begin_writeback(v, 0, 1);
  zero_pages(v, 2, 1);
  drop(&v->vmo);
  expect_complete(v);
  expect_nothing();
}

/* pager.md 8.4: nobody hears of the request any more, but an answer ends it */
BOTH_WAYS(closing_the_port_leaves_writers_waiting_for_an_answer) {
  zx_handle_t port = make_port();
  struct root* v = make_root_on(fx.pager, port, ZX_VMO_TRAP_DIRTY, 1, 4 * PAGE);
  supply(v, 0, 4, TAG);
  if (via == VIA_MAPPING) map_of(v);
  struct worker* before = start_poke(via, v, 0, VALUE);
  await_waiting(before);
  drop(&port);
  struct worker* after = start_poke(via, v, 1, VALUE);
  await_waiting(after);
  expect_waiting(before);
  dirty_pages_waking(v, 0, 2, 2);
  expect_ok(before);
  expect_ok(after);
  expect_listed(v, DATA(0, 2));
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_BOTH_WAYS(a_detached_trap_root_keeps_what_is_dirty),
      TEST_BOTH_WAYS(a_detached_plain_root_keeps_what_is_dirty),
      TEST_BOTH_WAYS(a_detached_trap_root_takes_writes_to_dirty_pages_only),
      TEST_BOTH_WAYS(a_detached_plain_root_takes_writes_to_all_that_it_kept),
      TEST_BOTH_WAYS(a_writer_that_waits_is_turned_away),
      TEST(a_write_over_several_pages_is_turned_away_where_it_waits),
      TEST(a_partial_answer_outlives_the_detach),
      TEST(other_writers_that_wait_are_turned_away),
      TEST(a_detached_root_can_be_zeroed_and_resized),
      TEST_BOTH_WAYS(a_detached_root_is_written_back_as_before),
      TEST(a_detached_root_takes_no_answers),
      TEST_BOTH_WAYS(a_page_that_begin_protected_stays_so_after_the_detach),
      TEST_BOTH_WAYS(closing_the_pager_turns_writers_away_without_packets),
      TEST_BOTH_WAYS(closing_the_pager_leaves_a_plain_root_writable),
      TEST(dirty_pages_do_not_keep_a_vmo),
      TEST_BOTH_WAYS(closing_the_port_leaves_writers_waiting_for_an_answer),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
