/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Outstanding page requests, rule by rule, with ops that write down what they are told.
 *
 * Waiters have names, T1 to T9, and live in memory of their own that is freed as soon as they are
 * woken, as the memory of a real one may be. What happened is compared as text:
 *
 *   "READ 1+3"      a packet for pages [1, 4) is announced
 *   "back 1+3"      ... is taken back
 *   "T1"            T1 is woken to look again, "T1:-40" with an error, "T1 early" to copy what
 * there is
 *
 * Rule and scenario numbers are those of docs/semantics/pager.md unless another document is named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/errors.h>

#include "vm/page_request.h"
/* After the headers that it needs and does not include. */
#include <cmocka.h>

/* ---- Allocations that fail on demand; linked with --wrap=malloc ---- */

void* __real_malloc(size_t size);
void* __wrap_malloc(size_t size);

static bool no_memory;

void* __wrap_malloc(size_t size) { return no_memory ? NULL : __real_malloc(size); }

/* ---- Fixture ---- */

#define THREADS 10

static struct zxp_request_set set;
static struct zxp_waiter* threads[THREADS]; /* NULL: not waiting, or woken */
static char happened[1024];

__attribute__((format(printf, 1, 2))) static void note(const char* format, ...) {
  const size_t n = strlen(happened);
  va_list args;
  va_start(args, format);
  if (n > 0) {
    snprintf(happened + n, sizeof happened - n, " ");
  }
  const size_t at = strlen(happened);
  vsnprintf(happened + at, sizeof happened - at, format, args);
  va_end(args);
}

static void announce(struct zxp_request_set* s, struct zxp_request* r) {
  assert_ptr_equal(s, &set);
  assert_false(zxp_list_empty(&r->waiters));
  assert_int_equal(r->pending, r->count);
  assert_true(zxp_list_empty(&r->slot_link));
  note("%s %d+%d", r->kind == ZXP_REQUEST_READ ? "READ" : "DIRTY", (int)r->node.key, (int)r->count);
}

static void withdraw(struct zxp_request_set* s, struct zxp_request* r) {
  assert_ptr_equal(s, &set);
  /* It can no longer be joined. */
  assert_null(zxp_tree_find(&s->by_first[r->kind], r->node.key));
  note("back %d+%d", (int)r->node.key, (int)r->count);
}

static void wake(struct zxp_request_set* s, struct zxp_waiter* w, zx_status_t status, bool early) {
  assert_ptr_equal(s, &set);
  int t = 1;
  while (t < THREADS && threads[t] != w) {
    t++;
  }
  assert_in_range(t, 1, THREADS - 1);
  if (early) {
    assert_int_equal(status, ZX_OK);
    assert_non_null(w->request);
    note("T%d early", t);
    return;
  }
  assert_null(w->request);
  assert_true(zxp_list_empty(&w->link));
  if (status == ZX_OK) {
    note("T%d", t);
  } else {
    note("T%d:%d", t, status);
  }
  free(w);
  threads[t] = NULL;
}

static const struct zxp_request_ops ops = {announce, withdraw, wake};

static int set_up(void** state) {
  (void)state;
  zxp_request_set_init(&set, &ops);
  memset(threads, 0, sizeof threads);
  happened[0] = '\0';
  no_memory = false;
  return 0;
}

static int tear_down(void** state) {
  (void)state;
  for (int t = 1; t < THREADS; t++) {
    if (threads[t] != NULL) {
      zxp_request_leave(&set, threads[t]);
      free(threads[t]);
    }
  }
  zxp_request_set_destroy(&set);
  return 0;
}

/* What happened since the last look. */
static void expect(const char* text) {
  assert_string_equal(happened, text);
  happened[0] = '\0';
  assert_true(zxp_request_set_check(&set));
}

static void ask(int t, enum zxp_request_kind kind, uint64_t first, uint64_t end, bool partial) {
  if (threads[t] == NULL) {
    threads[t] = malloc(sizeof *threads[t]);
    assert_non_null(threads[t]);
    zxp_waiter_init(threads[t], partial);
  }
  assert_int_equal(zxp_request_ask(&set, kind, threads[t], first, end - first), ZX_OK);
}

/* COMMIT, or a load if it is for one page: wakes when the request is over. [first, end) as in the
 * scenarios. */
static void commit(int t, uint64_t first, uint64_t end) {
  ask(t, ZXP_REQUEST_READ, first, end, false);
}

/* zx_vmo_read: wakes early. */
static void vmo_read(int t, uint64_t first, uint64_t end) {
  ask(t, ZXP_REQUEST_READ, first, end, true);
}

static void vmo_write(int t, uint64_t first, uint64_t end) {
  ask(t, ZXP_REQUEST_DIRTY, first, end, false);
}

/* All pages of [first, end) were absent. */
static void supply(uint64_t first, uint64_t end) {
  zxp_request_answered(&set, ZXP_REQUEST_READ, first, end - first);
}

static void dirty(uint64_t first, uint64_t end) {
  zxp_request_answered(&set, ZXP_REQUEST_DIRTY, first, end - first);
}

static size_t op_fail(uint64_t first, uint64_t end) {
  return zxp_request_fail(&set, first, end - first, ZX_ERR_IO);
}

/* Thread t has been woken early, and has copied up to page `next`. */
static void copied(int t, uint64_t next) { zxp_waiter_advance(threads[t], next); }

static void leave(int t) {
  zxp_request_leave(&set, threads[t]);
  assert_null(threads[t]->request);
  free(threads[t]);
  threads[t] = NULL;
}

static void waits_for(int t, uint64_t first, uint64_t end) {
  assert_non_null(threads[t]);
  assert_non_null(threads[t]->request);
  assert_int_equal(threads[t]->next, first);
  assert_int_equal(threads[t]->end, end);
}

/* ---- 5.1 Trim and join ---- */

/* pager.md 5.1, first row */
static void the_first_request_is_announced(void** state) {
  (void)state;
  commit(1, 3, 7);
  expect("READ 3+4");
  waits_for(1, 3, 7);
}

/* pager.md 5.1, first row: e < rs, and nothing behind */
static void requests_apart_are_two(void** state) {
  (void)state;
  commit(1, 5, 7);
  commit(2, 1, 4);
  commit(3, 9, 10);
  expect("READ 5+2 READ 1+3 READ 9+1");
}

/* pager.md 5.1, second row: e = rs */
static void a_request_that_touches_the_next_is_its_own(void** state) {
  (void)state;
  commit(1, 5, 7);
  commit(2, 3, 5);
  expect("READ 5+2 READ 3+2");
  commit(3, 7, 8);
  expect("READ 7+1");
}

/* pager.md 5.1, second row */
static void a_request_ends_where_the_next_begins(void** state) {
  (void)state;
  commit(1, 5, 7);
  commit(2, 3, 6);
  expect("READ 5+2 READ 3+2");
  waits_for(2, 3, 5);
}

/* pager.md 5.1, second row */
static void a_request_around_another_is_the_part_before(void** state) {
  (void)state;
  commit(1, 5, 7);
  commit(2, 3, 20);
  expect("READ 5+2 READ 3+2");
  waits_for(2, 3, 5);
}

/* pager.md 5.1, third row */
static void a_request_over_the_end_joins_for_what_is_left(void** state) {
  (void)state;
  commit(1, 3, 7);
  commit(2, 5, 9);
  commit(3, 3, 7);
  expect("READ 3+4");
  waits_for(2, 5, 7);
  waits_for(3, 3, 7);
}

/* pager.md 5.1, fourth row */
static void a_request_inside_joins(void** state) {
  (void)state;
  commit(1, 3, 7);
  commit(2, 3, 4);
  commit(3, 5, 6);
  expect("READ 3+4");
  waits_for(2, 3, 4);
  waits_for(3, 5, 6);
}

/* pager.md 5.1: R is the request with the smallest end above s, not the one that starts next */
static void the_gap_between_two_requests_is_filled(void** state) {
  (void)state;
  commit(1, 0, 2);
  commit(2, 6, 8);
  commit(3, 2, 8);
  expect("READ 0+2 READ 6+2 READ 2+4");
  waits_for(3, 2, 6);
}

/* writeback.md 3.3.1 */
static void reads_and_dirties_are_kept_apart(void** state) {
  (void)state;
  commit(1, 0, 4);
  vmo_write(2, 1, 3);
  vmo_write(3, 2, 9);
  expect("READ 0+4 DIRTY 1+2");
  waits_for(3, 2, 3);
  supply(0, 4);
  expect("back 0+4 T1");
  dirty(1, 3);
  expect("back 1+2 T2 T3");
}

/* A failed ask leaves the waiter and the set as they were. */
static void asking_without_memory_changes_nothing(void** state) {
  (void)state;
  struct zxp_waiter w;
  zxp_waiter_init(&w, false);
  no_memory = true;
  assert_int_equal(zxp_request_ask(&set, ZXP_REQUEST_READ, &w, 0, 4), ZX_ERR_NO_MEMORY);
  no_memory = false;
  assert_null(w.request);
  expect("");
  assert_int_equal(op_fail(0, 10), 0);
}

static void joining_needs_no_memory(void** state) {
  (void)state;
  commit(1, 0, 4);
  threads[2] = malloc(sizeof *threads[2]);
  zxp_waiter_init(threads[2], false);
  no_memory = true;
  assert_int_equal(zxp_request_ask(&set, ZXP_REQUEST_READ, threads[2], 1, 2), ZX_OK);
  no_memory = false;
  expect("READ 0+4");
}

/* ---- 5.2 Supply ---- */

/* pager.md 5.2, scenario 15 */
static void a_request_stands_until_all_is_answered(void** state) {
  (void)state;
  commit(1, 0, 8);
  expect("READ 0+8");
  for (uint64_t p = 0; p < 7; p++) {
    supply(p, p + 1);
    expect("");
  }
  supply(7, 8);
  expect("back 0+8 T1");
}

/* pager.md 5.2, scenario 14 */
static void pages_may_be_answered_in_any_order(void** state) {
  (void)state;
  commit(1, 0, 4);
  expect("READ 0+4");
  supply(0, 2);
  supply(3, 4);
  expect("");
  supply(2, 3);
  expect("back 0+4 T1");
}

/* pager.md 7.5 */
static void one_answer_may_end_several_requests(void** state) {
  (void)state;
  commit(1, 5, 7);
  commit(2, 1, 3);
  commit(3, 1, 2);
  commit(4, 9, 11);
  expect("READ 5+2 READ 1+2 READ 9+2");
  supply(0, 10);
  expect("back 1+2 T2 T3 back 5+2 T1");
  supply(10, 11);
  expect("back 9+2 T4");
}

static void answers_elsewhere_change_nothing(void** state) {
  (void)state;
  commit(1, 3, 5);
  expect("READ 3+2");
  supply(0, 3);
  supply(5, 9);
  supply(4, 4);
  expect("");
  waits_for(1, 3, 5);
}

/* pager.md 5.2: the count can't go below zero when a page is lost and answered again */
static void a_page_answered_twice_ends_a_request_early_at_most(void** state) {
  (void)state;
  commit(1, 0, 3);
  expect("READ 0+3");
  supply(0, 2);
  supply(0, 2);
  expect("back 0+3 T1");
}

/* Scenario 8 */
static void everyone_waits_for_one_packet(void** state) {
  (void)state;
  for (int t = 1; t < THREADS; t++) {
    commit(t, 0, 1);
  }
  expect("READ 0+1");
  supply(0, 1);
  expect("back 0+1 T1 T2 T3 T4 T5 T6 T7 T8 T9");
}

/* Scenario 9 */
static void an_overlapping_commit_asks_for_the_rest_later(void** state) {
  (void)state;
  commit(1, 0, 4);
  commit(2, 2, 6);
  expect("READ 0+4");
  supply(0, 4);
  expect("back 0+4 T1 T2");
  commit(2, 4, 6);
  expect("READ 4+2");
}

/* Scenario 10 */
static void a_commit_around_another_asks_in_three_steps(void** state) {
  (void)state;
  commit(1, 2, 4);
  commit(2, 0, 6);
  expect("READ 2+2 READ 0+2");
  supply(0, 4);
  expect("back 0+2 T2 back 2+2 T1");
  commit(2, 4, 6);
  expect("READ 4+2");
}

/* Scenario 11 */
static void after_the_part_before_it_joins(void** state) {
  (void)state;
  commit(1, 2, 4);
  commit(2, 0, 6);
  expect("READ 2+2 READ 0+2");
  supply(0, 2);
  expect("back 0+2 T2");
  commit(2, 2, 6);
  expect("");
  waits_for(2, 2, 4);
  supply(2, 4);
  expect("back 2+2 T1 T2");
  commit(2, 4, 6);
  expect("READ 4+2");
}

/* Scenario 16: nothing is left of a request that was answered */
static void an_answered_request_is_gone(void** state) {
  (void)state;
  commit(1, 0, 1);
  supply(0, 1);
  expect("READ 0+1 back 0+1 T1");
  commit(1, 0, 1);
  expect("READ 0+1");
}

/* Scenario 17 */
static void another_request_is_not_touched(void** state) {
  (void)state;
  commit(1, 0, 1);
  commit(2, 1, 2);
  expect("READ 0+1 READ 1+1");
  supply(0, 1);
  expect("back 0+1 T1");
  waits_for(2, 1, 2);
}

/* Scenario 18 */
static void a_taken_request_is_joined_too(void** state) {
  (void)state;
  commit(1, 0, 1);
  expect("READ 0+1");
  threads[1]->request->taken = true;
  commit(2, 0, 1);
  expect("");
  supply(0, 1);
  expect("back 0+1 T1 T2");
}

/* writeback.md 3.3.3 */
static void a_partly_dirtied_request_wakes_nobody(void** state) {
  (void)state;
  vmo_write(1, 0, 4);
  expect("DIRTY 0+4");
  dirty(0, 2);
  expect("");
  dirty(2, 4);
  expect("back 0+4 T1");
}

/* writeback.md scenario 8.7.2 */
static void a_write_before_another_asks_for_the_part_before(void** state) {
  (void)state;
  vmo_write(1, 4, 9);
  vmo_write(2, 2, 9);
  expect("DIRTY 4+5 DIRTY 2+2");
  dirty(2, 9);
  expect("back 2+2 T2 back 4+5 T1");
}

/* writeback.md scenario 8.7.3 */
static void a_write_behind_another_joins_and_asks_for_the_rest(void** state) {
  (void)state;
  vmo_write(1, 1, 4);
  vmo_write(2, 3, 6);
  expect("DIRTY 1+3");
  dirty(1, 4);
  expect("back 1+3 T1 T2");
  vmo_write(2, 4, 6);
  expect("DIRTY 4+2");
}

/* writeback.md scenario 8.2.15: pages cut off count as answered */
static void pages_cut_off_count_as_answered(void** state) {
  (void)state;
  vmo_write(1, 1, 3);
  expect("DIRTY 1+2");
  dirty(2, UINT64_MAX);
  expect("");
  dirty(1, 2);
  expect("back 1+2 T1");
}

/* ---- 5.4 Early waking ---- */

/* pager.md 5.4, scenario 12 */
static void a_read_copies_what_there_is(void** state) {
  (void)state;
  vmo_read(1, 0, 8);
  expect("READ 0+8");
  supply(0, 4);
  expect("T1 early");
  copied(1, 4);
  waits_for(1, 4, 8);
  supply(4, 8);
  expect("back 0+8 T1");
}

/* pager.md 5.4, scenario 13 */
static void a_read_sleeps_until_its_next_page_is_there(void** state) {
  (void)state;
  vmo_read(1, 0, 8);
  expect("READ 0+8");
  supply(5, 8);
  supply(2, 3);
  expect("");
  supply(0, 2);
  expect("T1 early");
  copied(1, 3);
  supply(3, 5);
  expect("back 0+8 T1");
}

/* pager.md 5.4: "starts exactly at" */
static void a_run_over_the_next_page_wakes_nobody(void** state) {
  (void)state;
  vmo_read(1, 0, 8);
  supply(0, 2);
  expect("READ 0+8 T1 early");
  copied(1, 2);
  supply(1, 4);
  expect("");
}

/* pager.md 5.4: the run is cut to the request before it is compared */
static void a_run_from_before_the_request_starts_at_it(void** state) {
  (void)state;
  vmo_read(1, 3, 8);
  supply(0, 4);
  expect("READ 3+5 T1 early");
}

/* pager.md 5.4: the reader may have been late */
static void a_second_run_before_the_reader_moved_is_left_to_its_look(void** state) {
  (void)state;
  vmo_read(1, 0, 8);
  supply(0, 2);
  expect("READ 0+8 T1 early");
  supply(2, 4);
  expect("");
  copied(1, 4);
  supply(4, 5);
  expect("T1 early");
}

/* pager.md 5.4: readers that joined */
static void joined_readers_wake_where_the_run_reaches_them(void** state) {
  (void)state;
  vmo_read(1, 0, 8);
  vmo_read(2, 1, 3);
  vmo_read(3, 2, 3);
  vmo_read(4, 5, 8);
  expect("READ 0+8");
  supply(0, 2);
  expect("T1 early T2 early");
  copied(1, 2);
  copied(2, 2);
  supply(2, 4);
  expect("T1 early T2 early T3 early");
}

/* pager.md 5.4: "has passed" */
static void joined_readers_wake_where_the_run_has_passed_them(void** state) {
  (void)state;
  vmo_read(1, 0, 8);
  vmo_read(2, 1, 3);
  expect("READ 0+8");
  supply(1, 3);
  expect("");
  supply(0, 1);
  expect("T1 early");
  copied(1, 3);
  supply(3, 4);
  expect("T1 early T2 early");
}

/* pager.md 5.4: a joined reader that the first one does not wake for */
static void a_run_at_a_joined_readers_page_wakes_nobody(void** state) {
  (void)state;
  vmo_read(1, 0, 8);
  vmo_read(2, 4, 8);
  supply(4, 6);
  expect("READ 0+8");
}

/* pager.md 5.4: other waiters that joined sleep on */
static void a_joined_commit_sleeps_on(void** state) {
  (void)state;
  vmo_read(1, 0, 8);
  commit(2, 0, 4);
  vmo_read(3, 1, 4);
  supply(0, 4);
  expect("READ 0+8 T1 early T3 early");
  copied(1, 4);
  supply(4, 8);
  expect("back 0+8 T1 T2 T3");
}

/* pager.md 5.4, last sentence */
static void behind_a_commit_everyone_sleeps(void** state) {
  (void)state;
  commit(1, 0, 8);
  vmo_read(2, 0, 4);
  supply(0, 4);
  expect("READ 0+8");
  supply(4, 8);
  expect("back 0+8 T1 T2");
}

/* pager.md 5.4, 5.5: a joined reader that has all it needs goes, the request stays */
static void a_joined_reader_leaves_when_it_has_all(void** state) {
  (void)state;
  vmo_read(1, 0, 8);
  vmo_read(2, 0, 2);
  supply(0, 2);
  expect("READ 0+8 T1 early T2 early");
  copied(1, 2);
  leave(2);
  expect("");
  supply(2, 8);
  expect("back 0+8 T1");
}

/* A fault goes on with its page, and with it its place on the request; nothing reaches it later. */
static void load(int t, uint64_t page) {
  commit(t, page, page + 1);
  threads[t]->eager = true;
}

static void a_joined_fault_is_released_with_its_own_page(void** state) {
  (void)state;
  commit(1, 0, 4);
  load(2, 1);
  load(3, 3);
  expect("READ 0+4");
  supply(0, 2);
  expect("T2");
  op_fail(0, 2);
  expect("back 0+4 T1:-40 T3");
}

static void the_last_fault_released_takes_the_request_along(void** state) {
  (void)state;
  commit(1, 0, 4);
  load(2, 1);
  expect("READ 0+4");
  leave(1);
  expect("");
  supply(0, 2);
  expect("T2 back 0+4");
}

/* ---- 5.5 Leaving ---- */

/* pager.md 5.5 */
static void the_last_to_leave_takes_the_request_along(void** state) {
  (void)state;
  commit(1, 0, 4);
  expect("READ 0+4");
  leave(1);
  expect("back 0+4");
  commit(1, 0, 4);
  expect("READ 0+4");
}

/* pager.md 5.5: same range, same pending count, no new packet */
static void the_others_keep_the_request_of_one_that_leaves(void** state) {
  (void)state;
  commit(1, 0, 4);
  commit(2, 2, 3);
  commit(3, 0, 1);
  expect("READ 0+4");
  supply(0, 2);
  leave(1);
  expect("");
  waits_for(2, 2, 3);
  supply(2, 3);
  expect("");
  leave(3);
  expect("");
  supply(3, 4);
  expect("back 0+4 T2");
}

/* pager.md 5.4, 5.5: the next one is the first now */
static void the_second_reader_wakes_early_once_it_is_first(void** state) {
  (void)state;
  commit(1, 0, 8);
  vmo_read(2, 2, 8);
  expect("READ 0+8");
  supply(2, 3);
  expect("");
  leave(1);
  copied(2, 3);
  supply(3, 4);
  expect("T2 early");
}

/* objects.md 11.4: a stream's write goes on once its own next page is dirty, whoever asked */
static void writes_of_streams_wake_early_each_by_itself(void** state) {
  (void)state;
  vmo_write(1, 0, 8);
  ask(2, ZXP_REQUEST_DIRTY, 2, 8, true);
  ask(3, ZXP_REQUEST_DIRTY, 5, 8, true);
  expect("DIRTY 0+8");
  dirty(1, 2);
  expect("");
  dirty(3, 4);
  expect("");
  dirty(2, 3);
  expect("T2 early");
  dirty(4, 7);
  expect("T3 early");
}

static void leaving_nothing_is_harmless(void** state) {
  (void)state;
  struct zxp_waiter w;
  zxp_waiter_init(&w, true);
  zxp_request_leave(&set, &w);
  assert_int_equal(zxp_request_ask(&set, ZXP_REQUEST_READ, &w, 0, 1), ZX_OK);
  zxp_request_leave(&set, &w);
  zxp_request_leave(&set, &w);
  expect("READ 0+1 back 0+1");
}

/* ---- 6 Failing ---- */

/* pager.md 6, scenario 26 */
static void failing_a_part_ends_the_request_in_full(void** state) {
  (void)state;
  commit(1, 0, 4);
  expect("READ 0+4");
  assert_int_equal(op_fail(0, 1), 1);
  expect("back 0+4 T1:-40");
  supply(1, 4);
  expect("");
}

/* pager.md 6, scenario 27 */
static void failing_the_middle_ends_the_request_in_full(void** state) {
  (void)state;
  commit(1, 0, 4);
  assert_int_equal(op_fail(2, 3), 1);
  expect("READ 0+4 back 0+4 T1:-40");
  supply(0, 2);
  supply(3, 4);
  commit(1, 2, 3);
  expect("READ 2+1");
}

/* pager.md 6, scenario 28 */
static void failing_ends_every_request_it_touches(void** state) {
  (void)state;
  commit(1, 0, 2);
  commit(2, 5, 7);
  commit(3, 9, 11);
  expect("READ 0+2 READ 5+2 READ 9+2");
  assert_int_equal(op_fail(1, 10), 3);
  expect("back 0+2 T1:-40 back 5+2 T2:-40 back 9+2 T3:-40");
}

/* pager.md 6: of either kind */
static void failing_ends_requests_of_either_kind(void** state) {
  (void)state;
  commit(1, 0, 2);
  vmo_write(2, 1, 3);
  vmo_write(3, 4, 5);
  expect("READ 0+2 DIRTY 1+2 DIRTY 4+1");
  assert_int_equal(op_fail(1, 2), 2);
  expect("back 0+2 T1:-40 back 1+2 T2:-40");
  waits_for(3, 4, 5);
}

/* pager.md 6: with no request in the range it does nothing at all */
static void failing_beside_a_request_does_nothing(void** state) {
  (void)state;
  commit(1, 3, 5);
  expect("READ 3+2");
  assert_int_equal(op_fail(0, 3), 0);
  assert_int_equal(op_fail(5, 9), 0);
  assert_int_equal(op_fail(4, 4), 0);
  expect("");
}

/* Scenario 29: what a read has copied can't fail it any more, what it has yet to copy can */
static void failing_what_a_read_has_yet_to_copy(void** state) {
  (void)state;
  vmo_read(1, 0, 3);
  supply(0, 1);
  expect("READ 0+3 T1 early");
  copied(1, 1);
  assert_int_equal(op_fail(1, 2), 1);
  expect("back 0+3 T1:-40");
}

/* pager.md 6, table */
static void failing_what_a_read_has_copied_lets_it_look_again(void** state) {
  (void)state;
  vmo_read(1, 0, 3);
  supply(0, 1);
  copied(1, 1);
  expect("READ 0+3 T1 early");
  assert_int_equal(op_fail(0, 1), 1);
  expect("back 0+3 T1");
}

/* Scenario 30 */
static void failing_wakes_those_who_joined_for_other_pages(void** state) {
  (void)state;
  vmo_read(1, 0, 4);
  vmo_read(2, 1, 2);
  vmo_read(3, 3, 4);
  expect("READ 0+4");
  assert_int_equal(op_fail(1, 2), 1);
  expect("back 0+4 T1:-40 T2:-40 T3");
  vmo_read(3, 3, 4);
  expect("READ 3+1");
}

/* writeback.md 3.4.1 */
static void failing_one_page_ends_a_dirty_request(void** state) {
  (void)state;
  vmo_write(1, 2, 6);
  expect("DIRTY 2+4");
  assert_int_equal(op_fail(3, 4), 1);
  expect("back 2+4 T1:-40");
}

/* pager.md 6: it leaves no mark behind */
static void nothing_of_a_failure_is_remembered(void** state) {
  (void)state;
  commit(1, 1, 2);
  op_fail(1, 2);
  commit(1, 1, 2);
  supply(1, 2);
  expect("READ 1+1 back 1+1 T1:-40 READ 1+1 back 1+1 T1");
}

/* ---- 8 Endings ---- */

/* pager.md 8.1: every outstanding READ ends, waiters look again */
static void ending_all_ends_one_kind(void** state) {
  (void)state;
  commit(1, 0, 2);
  commit(2, 1, 2);
  commit(3, 5, 6);
  vmo_write(4, 8, 9);
  expect("READ 0+2 READ 5+1 DIRTY 8+1");
  zxp_request_end_all(&set, ZXP_REQUEST_READ, ZX_OK);
  expect("back 0+2 T1 T2 back 5+1 T3");
  zxp_request_end_all(&set, ZXP_REQUEST_DIRTY, ZX_ERR_BAD_STATE);
  expect("back 8+1 T4:-20");
  zxp_request_end_all(&set, ZXP_REQUEST_READ, ZX_OK);
  expect("");
}

/* Page numbers run up to 2^52; what callers pass as a length may be "all the rest". */
static void the_largest_page_numbers_work(void** state) {
  (void)state;
  const uint64_t last = (UINT64_C(1) << 52) - 1;
  ask(1, ZXP_REQUEST_READ, last, last + 1, false);
  ask(2, ZXP_REQUEST_READ, last - 1, last + 1, false);
  happened[0] = '\0';
  waits_for(2, last - 1, last);
  zxp_request_answered(&set, ZXP_REQUEST_READ, last, UINT64_MAX);
  assert_null(threads[1]);
  assert_int_equal(zxp_request_fail(&set, 0, UINT64_MAX, ZX_ERR_IO), 1);
  assert_null(threads[2]);
}

/* ---- The check itself ---- */

static void the_check_finds_damage(void** state) {
  (void)state;
  commit(1, 0, 4);
  commit(2, 4, 6);
  struct zxp_request* const r = threads[1]->request;
  assert_true(zxp_request_set_check(&set));
  r->pending = 5;
  assert_false(zxp_request_set_check(&set));
  r->pending = 0;
  assert_false(zxp_request_set_check(&set));
  r->pending = 4;
  r->count = 5;
  assert_false(zxp_request_set_check(&set));
  r->count = 4;
  threads[1]->request = threads[2]->request;
  assert_false(zxp_request_set_check(&set));
  threads[1]->request = r;
  threads[1]->end = 5;
  assert_false(zxp_request_set_check(&set));
  threads[1]->end = 4;
  assert_true(zxp_request_set_check(&set));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_first_request_is_announced),
      TEST(requests_apart_are_two),
      TEST(a_request_that_touches_the_next_is_its_own),
      TEST(a_request_ends_where_the_next_begins),
      TEST(a_request_around_another_is_the_part_before),
      TEST(a_request_over_the_end_joins_for_what_is_left),
      TEST(a_request_inside_joins),
      TEST(the_gap_between_two_requests_is_filled),
      TEST(reads_and_dirties_are_kept_apart),
      TEST(asking_without_memory_changes_nothing),
      TEST(joining_needs_no_memory),
      TEST(a_request_stands_until_all_is_answered),
      TEST(pages_may_be_answered_in_any_order),
      TEST(one_answer_may_end_several_requests),
      TEST(answers_elsewhere_change_nothing),
      TEST(a_page_answered_twice_ends_a_request_early_at_most),
      TEST(everyone_waits_for_one_packet),
      TEST(an_overlapping_commit_asks_for_the_rest_later),
      TEST(a_commit_around_another_asks_in_three_steps),
      TEST(after_the_part_before_it_joins),
      TEST(an_answered_request_is_gone),
      TEST(another_request_is_not_touched),
      TEST(a_taken_request_is_joined_too),
      TEST(a_partly_dirtied_request_wakes_nobody),
      TEST(a_write_before_another_asks_for_the_part_before),
      TEST(a_write_behind_another_joins_and_asks_for_the_rest),
      TEST(pages_cut_off_count_as_answered),
      TEST(a_read_copies_what_there_is),
      TEST(a_read_sleeps_until_its_next_page_is_there),
      TEST(a_run_over_the_next_page_wakes_nobody),
      TEST(a_run_from_before_the_request_starts_at_it),
      TEST(a_second_run_before_the_reader_moved_is_left_to_its_look),
      TEST(joined_readers_wake_where_the_run_reaches_them),
      TEST(joined_readers_wake_where_the_run_has_passed_them),
      TEST(a_run_at_a_joined_readers_page_wakes_nobody),
      TEST(a_joined_commit_sleeps_on),
      TEST(behind_a_commit_everyone_sleeps),
      TEST(a_joined_reader_leaves_when_it_has_all),
      TEST(a_joined_fault_is_released_with_its_own_page),
      TEST(the_last_fault_released_takes_the_request_along),
      TEST(the_last_to_leave_takes_the_request_along),
      TEST(the_others_keep_the_request_of_one_that_leaves),
      TEST(the_second_reader_wakes_early_once_it_is_first),
      TEST(writes_of_streams_wake_early_each_by_itself),
      TEST(leaving_nothing_is_harmless),
      TEST(failing_a_part_ends_the_request_in_full),
      TEST(failing_the_middle_ends_the_request_in_full),
      TEST(failing_ends_every_request_it_touches),
      TEST(failing_ends_requests_of_either_kind),
      TEST(failing_beside_a_request_does_nothing),
      TEST(failing_what_a_read_has_yet_to_copy),
      TEST(failing_what_a_read_has_copied_lets_it_look_again),
      TEST(failing_wakes_those_who_joined_for_other_pages),
      TEST(failing_one_page_ends_a_dirty_request),
      TEST(nothing_of_a_failure_is_remembered),
      TEST(ending_all_ends_one_kind),
      TEST(the_largest_page_numbers_work),
      TEST(the_check_finds_damage),
  };
  return cmocka_run_group_tests_name("page requests", tests, NULL, NULL);
}
