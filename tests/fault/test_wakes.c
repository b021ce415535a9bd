/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a message still tells the truth (fault/wakes.h). The addresses are only numbers here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "fault/wakes.h"
#include "vm/arena.h"
/* After the headers that it needs and does not include. */
#include <cmocka.h>

/* More pages than the table remembers lie between two of these. */
#define FAR_AWAY ((uintptr_t)1 << 32)

/* Each test has pages of its own. */
static uintptr_t fresh_page(void) {
  static uintptr_t last = (uintptr_t)1 << 40;
  return last += FAR_AWAY + 64 * ZXP_PAGE_SIZE;
}

static void the_counter_only_grows(void** state) {
  (void)state;
  const uint64_t first = zxp_tick(1);
  const uint64_t second = zxp_tick(16);
  assert_true(second > first);
  assert_int_equal(zxp_tick_now(), second + 16);
}

static void a_message_about_a_page_that_nobody_woke_is_true(void** state) {
  (void)state;
  const uint64_t begun = zxp_tick(1);
  assert_int_equal(zxp_wakes_look(fresh_page(), begun, zxp_tick(1)), ZXP_WAIT_ON);
}

static void a_message_read_after_the_wake_is_true(void** state) {
  (void)state;
  const uintptr_t page = fresh_page();
  const uint64_t wake = zxp_tick(1);
  zxp_wakes_note(page, ZXP_PAGE_SIZE, wake, zxp_tick(1));
  const uint64_t begun = zxp_tick(1);
  assert_int_equal(zxp_wakes_look(page, begun, zxp_tick(1)), ZXP_WAIT_ON);
}

static void a_message_read_before_the_wake_is_over(void** state) {
  (void)state;
  const uintptr_t page = fresh_page();
  const uint64_t begun = zxp_tick(1);
  const uint64_t done = zxp_tick(1);
  const uint64_t wake = zxp_tick(1);
  zxp_wakes_note(page, ZXP_PAGE_SIZE, wake, zxp_tick(1));
  assert_int_equal(zxp_wakes_look(page + 17, begun, done), ZXP_WAIT_OVER);
}

/* Who only looks at the counter, at the end, may find it where the other begins. */
static void a_message_read_up_to_the_tick_of_the_wake_is_over(void** state) {
  (void)state;
  const uintptr_t page = fresh_page();
  const uint64_t begun = zxp_tick(1);
  const uint64_t done = zxp_tick_now();
  const uint64_t wake = zxp_tick(1);
  zxp_wakes_note(page, ZXP_PAGE_SIZE, wake, zxp_tick_now());
  assert_int_equal(zxp_wakes_look(page, begun, done), ZXP_WAIT_OVER);
  const uint64_t again = zxp_tick(1);
  assert_int_equal(zxp_wakes_look(page, again, zxp_tick_now()), ZXP_WAIT_ON);
}

static void of_a_message_read_during_the_wake_nobody_knows(void** state) {
  (void)state;
  const uintptr_t page = fresh_page();
  const uint64_t begun = zxp_tick(1);
  const uint64_t wake = zxp_tick(1);
  const uint64_t done = zxp_tick(1);
  zxp_wakes_note(page, ZXP_PAGE_SIZE, wake, zxp_tick(1));
  assert_int_equal(zxp_wakes_look(page, begun, done), ZXP_WAIT_UNKNOWN);
}

static void a_wake_reaches_all_its_pages_and_no_other(void** state) {
  (void)state;
  const uintptr_t page = fresh_page();
  const uint64_t begun = zxp_tick(1);
  const uint64_t done = zxp_tick(1);
  const uint64_t wake = zxp_tick(1);
  zxp_wakes_note(page, 3 * ZXP_PAGE_SIZE, wake, zxp_tick(1));
  assert_int_equal(zxp_wakes_look(page - 1, begun, done), ZXP_WAIT_ON);
  assert_int_equal(zxp_wakes_look(page, begun, done), ZXP_WAIT_OVER);
  assert_int_equal(zxp_wakes_look(page + 3 * ZXP_PAGE_SIZE - 1, begun, done), ZXP_WAIT_OVER);
  assert_int_equal(zxp_wakes_look(page + 3 * ZXP_PAGE_SIZE, begun, done), ZXP_WAIT_ON);
}

/* A wake that is noted late does not hide a later one. */
static void the_latest_wake_counts(void** state) {
  (void)state;
  const uintptr_t page = fresh_page();
  const uint64_t early = zxp_tick(1);
  const uint64_t early_done = zxp_tick(1);
  const uint64_t begun = zxp_tick(1);
  const uint64_t done = zxp_tick(1);
  const uint64_t late = zxp_tick(1);
  zxp_wakes_note(page, ZXP_PAGE_SIZE, late, zxp_tick(1));
  zxp_wakes_note(page, ZXP_PAGE_SIZE, early, early_done);
  assert_int_equal(zxp_wakes_look(page, begun, done), ZXP_WAIT_OVER);
}

/* The table is finite: then a page counts as not woken, and its neighbours stay. */
static void a_displaced_page_counts_as_not_woken(void** state) {
  (void)state;
  const uintptr_t page = fresh_page();
  const uint64_t begun = zxp_tick(1);
  const uint64_t done = zxp_tick(1);
  const uint64_t wake = zxp_tick(1);
  zxp_wakes_note(page, 2 * ZXP_PAGE_SIZE, wake, zxp_tick(1));
  const uint64_t other = zxp_tick(1);
  zxp_wakes_note(page + FAR_AWAY, ZXP_PAGE_SIZE, other, zxp_tick(1));
  assert_int_equal(zxp_wakes_look(page, begun, done), ZXP_WAIT_ON);
  assert_int_equal(zxp_wakes_look(page + ZXP_PAGE_SIZE, begun, done), ZXP_WAIT_OVER);
  assert_int_equal(zxp_wakes_look(page + FAR_AWAY, begun, done), ZXP_WAIT_OVER);
}

/* A supply of a whole large VMO is one wake. */
static void a_huge_wake_is_remembered_at_its_end(void** state) {
  (void)state;
  const uintptr_t page = fresh_page();
  const uint64_t begun = zxp_tick(1);
  const uint64_t done = zxp_tick(1);
  const uint64_t wake = zxp_tick(1);
  zxp_wakes_note(page, FAR_AWAY, wake, zxp_tick(1));
  assert_int_equal(zxp_wakes_look(page + FAR_AWAY - 1, begun, done), ZXP_WAIT_OVER);
  assert_int_equal(zxp_wakes_look(page, begun, done), ZXP_WAIT_ON);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_counter_only_grows),
      cmocka_unit_test(a_message_about_a_page_that_nobody_woke_is_true),
      cmocka_unit_test(a_message_read_after_the_wake_is_true),
      cmocka_unit_test(a_message_read_before_the_wake_is_over),
      cmocka_unit_test(a_message_read_up_to_the_tick_of_the_wake_is_over),
      cmocka_unit_test(of_a_message_read_during_the_wake_nobody_knows),
      cmocka_unit_test(a_wake_reaches_all_its_pages_and_no_other),
      cmocka_unit_test(the_latest_wake_counts),
      cmocka_unit_test(a_displaced_page_counts_as_not_woken),
      cmocka_unit_test(a_huge_wake_is_remembered_at_its_end),
  };
  return cmocka_run_group_tests_name("wakes", tests, NULL, NULL);
}
