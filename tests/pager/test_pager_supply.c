/* SPDX-License-Identifier: BSD-3-Clause */
/* What zx_pager_supply_pages moves and leaves: pager.md 7, scenarios 21 to 24. */
#include "fixture.h"
#include "worker.h"

/* Supplies root pages from `first` on out of the pages of `source` from `source_first` on. */
static zx_status_t supply_from(struct root* v, uint64_t first, uint64_t count, zx_handle_t source,
                               uint64_t source_first) {
  return zx_pager_supply_pages(v->pager, v->vmo, first * PAGE, count * PAGE, source,
                               source_first * PAGE);
}

static bool source_page_is(zx_handle_t source, uint64_t page, unsigned tag) {
  uint8_t bytes[PAGE];
  check_ok(zx_vmo_read(source, bytes, page * PAGE, PAGE));
  return content_is(bytes, page, 1, tag);
}

static bool source_page_is_zero(zx_handle_t source, uint64_t page) {
  uint8_t bytes[PAGE];
  check_ok(zx_vmo_read(source, bytes, page * PAGE, PAGE));
  return is_filled_with(bytes, 0, PAGE);
}

/* pager.md 13.21 */
BOTH_WAYS(a_supply_empties_just_the_source_range) {
  struct root* v = make_root(8);
  const zx_handle_t source = make_source(0, 6, TAG);
  check_ok(supply_from(v, 5, 2, source, 2));
  for (uint64_t page = 0; page < 6; page++) {
    if (page == 2 || page == 3) {
      check_true(source_page_is_zero(source, page));
    } else {
      check_true(source_page_is(source, page, TAG));
    }
  }
  check_equal(committed_pages(source), 4);
  /* Root pages 5 and 6 hold what was source page 2 and 3. */
  struct worker* t1 = start_fetch(via, v, 5, 2);
  expect_ok(t1);
  struct worker* t2 = start_touch(via, v, 6);
  expect_byte(t2, content_byte(TAG, 3, 0));
  expect_nothing();
}

/* pager.md 13.22, 7.1, 7.3 */
BOTH_WAYS(a_supply_keeps_a_page_that_was_written_to) {
  struct root* v = make_root(8);
  supply(v, 1, 1, TAG);
  expect_ok(start_poke(via, v, 1, 0xee));
  const zx_handle_t source = make_source(0, 4, TAG + 1);
  check_ok(supply_from(v, 0, 4, source, 0));
  expect_pages(via, v, 0, 1, TAG + 1);
  expect_pages(via, v, 2, 2, TAG + 1);
  uint8_t bytes[2];
  check_ok(zx_vmo_read(v->vmo, bytes, PAGE, 2));
  check_equal(bytes[0], 0xee);
  check_equal(bytes[1], content_byte(TAG, 1, 1));
  for (uint64_t page = 0; page < 4; page++) {
    check_true(source_page_is_zero(source, page));
  }
  check_equal(committed_pages(source), 0);
}

/* pager.md 7.3: a clean page and a clean zero stay too */
BOTH_WAYS(a_supply_keeps_clean_pages) {
  struct root* v = make_root(8);
  supply(v, 1, 1, TAG);
  supply_zeros(v, 2, 1);
  supply(v, 0, 4, TAG + 1);
  expect_pages(via, v, 0, 1, TAG + 1);
  expect_pages(via, v, 1, 1, TAG);
  expect_zero_pages(via, v, 2, 1);
  expect_pages(via, v, 3, 1, TAG + 1);
}

/* pager.md 13.23 */
BOTH_WAYS(a_supply_leaves_the_grown_part_zero) {
  struct root* v = make_resizable_root(1);
  check_ok(zx_vmo_set_size(v->vmo, 3 * PAGE));
  v->pages = 3;
  supply(v, 0, 3, TAG);
  expect_pages(via, v, 0, 1, TAG);
  expect_zero_pages(via, v, 1, 2);
  expect_nothing();
}

/* pager.md 13.24 */
BOTH_WAYS(a_supply_leaves_a_zeroed_page_zero) {
  struct root* v = make_root(8);
  check_ok(zx_vmo_op_range(v->vmo, ZX_VMO_OP_ZERO, PAGE, PAGE, NULL, 0));
  expect_nothing();
  supply(v, 0, 3, TAG);
  expect_pages(via, v, 0, 1, TAG);
  expect_zero_pages(via, v, 1, 1);
  expect_pages(via, v, 2, 1, TAG);
}

/* pager.md 7.2 */
BOTH_WAYS(uncommitted_source_pages_arrive_as_zeros) {
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(via, v, 2);
  expect_read(v, 2, 1);
  supply_zeros(v, 0, 4);
  expect_byte(t1, 0);
  expect_zero_pages(via, v, 0, 4);
  check_equal(committed_pages(v->vmo), 0);
  expect_nothing();
}

/* pager.md 7.2: committed and uncommitted pages in one source */
BOTH_WAYS(a_source_may_be_committed_in_part) {
  struct root* v = make_root(8);
  const zx_handle_t source = make_vmo(4);
  uint8_t bytes[PAGE];
  content_fill(bytes, 2, 1, TAG);
  check_ok(zx_vmo_write(source, bytes, 2 * PAGE, PAGE));
  check_ok(supply_from(v, 0, 4, source, 0));
  expect_zero_pages(via, v, 0, 2);
  expect_pages(via, v, 2, 1, TAG);
  expect_zero_pages(via, v, 3, 1);
  check_equal(committed_pages(v->vmo), 1);
}

/* pager.md 7.1: through mappings of the source alike */
SCENARIO(a_mapped_source_reads_as_zeros_afterwards) {
  struct root* v = make_root(8);
  const zx_handle_t source = make_source(0, 3, TAG);
  const volatile uint8_t* at = map_vmo(source, 0, 3 * PAGE);
  for (uint64_t page = 0; page < 3; page++) {
    check_equal(at[page * PAGE], content_byte(TAG, page, 0));
  }
  check_ok(supply_from(v, 0, 2, source, 0));
  check_equal(at[0], 0);
  check_equal(at[PAGE + 100], 0);
  check_equal(at[2 * PAGE], content_byte(TAG, 2, 0));
  check_equal(committed_pages(source), 1);
}

/* pager.md 7.1: one that is larger than what is copied at once or kept, over pages that are
 * there */
BOTH_WAYS(a_long_source_is_emptied_to_its_end) {
  const uint64_t pages = 700;
  struct root* v = make_root(pages);
  check_ok(supply_from(v, 100, 10, make_source(100, 10, TAG + 1), 0));
  for (int mapped = 0; mapped < 2; mapped++) {
    const zx_handle_t source = make_source(0, pages, TAG);
    const volatile uint8_t* at = mapped ? map_vmo(source, 0, pages * PAGE) : NULL;
    check_ok(supply_from(v, 0, pages, source, 0));
    check_equal(committed_pages(source), 0);
    for (uint64_t page = 0; page < pages; page++) {
      uint8_t byte = 1;
      check_ok(zx_vmo_read(source, &byte, page * PAGE + 7, 1));
      check_equal(byte, 0);
      if (mapped) check_equal(at[page * PAGE + 7], 0);
    }
  }
  expect_pages(via, v, 0, 100, TAG);
  expect_pages(via, v, 100, 10, TAG + 1);
  expect_pages(via, v, 110, pages - 110, TAG);
}

/* pager.md 5.2: whoever waits for pages of a long answer, at its front, in it, and for the last */
BOTH_WAYS(a_long_answer_lets_all_go_that_wait_for_pages_of_it) {
  const uint64_t pages = 200;
  static const uint64_t waiting[] = {0, 1, 40, 100, 199};
  struct root* v = make_root(pages);
  struct worker* t[5];
  for (int i = 0; i < 5; i++) {
    t[i] = start_touch(via, v, waiting[i]);
    expect_read(v, waiting[i], 1);
  }
  check_ok(supply_from(v, 0, pages, make_source(0, pages, TAG), 0));
  for (int i = 0; i < 5; i++) {
    expect_byte(t[i], content_byte(TAG, waiting[i], 0));
  }
  expect_pages(via, v, 0, pages, TAG);
  expect_nothing();
}

/* pager.md 7.6, both directions, and through a mapping that was there before */
BOTH_WAYS(source_and_root_part_ways) {
  struct root* v = make_root(2);
  const zx_handle_t source = make_source(0, 2, TAG);
  uint8_t* at = map_vmo(source, 0, 2 * PAGE);
  check_ok(supply_from(v, 0, 2, source, 0));
  const uint8_t byte = 0x11;
  check_ok(zx_vmo_write(source, &byte, 0, 1));
  ((volatile uint8_t*)at)[PAGE] = byte;
  expect_pages(via, v, 0, 2, TAG);
  expect_ok(start_poke(via, v, 0, 0x22));
  check_equal(*(volatile uint8_t*)at, 0x11);
}

/* pager.md 7.6: the usual pager uses one transfer VMO again and again */
BOTH_WAYS(a_source_can_be_used_again) {
  struct root* v = make_root(8);
  const zx_handle_t source = make_vmo(2);
  uint8_t* at = map_vmo(source, 0, 2 * PAGE);
  for (uint64_t page = 0; page < 8; page += 2) {
    struct worker* t1 = start_touch(via, v, page);
    expect_read(v, page, 1);
    if (page % 4 == 0) {
      content_fill(at, page, 2, TAG);
    } else {
      uint8_t bytes[2 * PAGE];
      content_fill(bytes, page, 2, TAG);
      check_ok(zx_vmo_write(source, bytes, 0, sizeof(bytes)));
    }
    check_ok(supply_from(v, page, 2, source, 0));
    expect_byte(t1, content_byte(TAG, page, 0));
    check_true(source_page_is_zero(source, 0));
  }
  expect_pages(via, v, 0, 8, TAG);
  expect_nothing();
}

/* pager.md 7.7 */
SCENARIO(a_resizable_source_is_fine) {
  struct root* v = make_root(4);
  const zx_handle_t source = make_resizable_vmo(4);
  uint8_t bytes[4 * PAGE];
  content_fill(bytes, 0, 4, TAG);
  check_ok(zx_vmo_write(source, bytes, 0, sizeof(bytes)));
  check_ok(supply_from(v, 0, 4, source, 0));
  expect_pages(VIA_CALLS, v, 0, 4, TAG);
  check_ok(zx_vmo_set_size(source, 0));
  expect_pages(VIA_CALLS, v, 0, 4, TAG);
}

/* pager.md 7.5 */
BOTH_WAYS(a_supply_may_come_before_any_request) {
  struct root* v = make_root(8);
  supply(v, 0, 8, TAG);
  expect_pages(via, v, 0, 8, TAG);
  expect_nothing();
}

/* pager.md 7.5 */
BOTH_WAYS(a_supply_may_cover_more_than_was_asked_for) {
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(via, v, 3);
  expect_read(v, 3, 1);
  supply(v, 1, 6, TAG);
  expect_byte(t1, content_byte(TAG, 3, 0));
  expect_pages(via, v, 1, 6, TAG);
  expect_absent(v, 0);
  expect_absent(v, 7);
}

/* pager.md 7.5, 7.4 */
BOTH_WAYS(one_supply_may_answer_several_requests) {
  struct root* v = make_root(8);
  struct worker* threads[4];
  for (uint64_t i = 0; i < 4; i++) {
    threads[i] = start_touch(via, v, 2 * i);
    expect_read(v, 2 * i, 1);
  }
  supply_waking(v, 0, 8, TAG, 4);
  for (uint64_t i = 0; i < 4; i++) {
    expect_byte(threads[i], content_byte(TAG, 2 * i, 0));
  }
  expect_nothing();
}

/* pager.md 7.8 */
BOTH_WAYS(a_supply_that_reaches_past_the_end_puts_nothing_in) {
  struct root* v = make_root(4);
  struct worker* t1 = start_touch(via, v, 3);
  expect_read(v, 3, 1);
  check_status(try_supply(v, 2, 3, TAG), ZX_ERR_OUT_OF_RANGE);
  expect_waiting(t1);
  expect_absent(v, 2);
  supply(v, 3, 1, TAG + 1);
  expect_byte(t1, content_byte(TAG + 1, 3, 0));
}

/* pager.md 3.4: length 0 moves nothing and wakes nobody */
BOTH_WAYS(a_supply_of_no_pages_wakes_nobody) {
  struct root* v = make_root(4);
  struct worker* t1 = start_touch(via, v, 1);
  expect_read(v, 1, 1);
  supply_waking(v, 1, 0, TAG, 0);
  expect_waiting(t1);
  supply(v, 1, 1, TAG);
  expect_ok(t1);
}

/* pager.md 1, 7: the counters */
SCENARIO(only_absent_pages_count_as_supplied) {
  struct root* v = make_root(8);
  const struct counts before = counts_now();
  supply(v, 2, 2, TAG);
  supply(v, 0, 8, TAG);
  check_equal(counts_now().supplied_pages - before.supplied_pages, 8);
  check_equal(committed_pages(v->vmo), 8);
}

/* pager.md 7: a large supply, over the borders of whatever the library allocates by */
BOTH_WAYS(a_large_supply_arrives_whole) {
  enum {
    PAGES = 1500
  };
  struct root* v = make_root(PAGES);
  struct worker* t1 = start_touch(via, v, PAGES - 1);
  expect_read(v, PAGES - 1, 1);
  supply(v, 0, PAGES, TAG);
  expect_ok(t1);
  expect_pages(via, v, 0, PAGES, TAG);
  check_equal(committed_pages(v->vmo), PAGES);
}

/* pager.md 7.6, 11.6: pages that were mapped before the supply show it like those mapped later */
SCENARIO(mappings_made_before_and_after_a_supply_show_the_same) {
  need_mappings();
  struct root* v = make_root(4);
  const uint8_t* before = map_vmo(v->vmo, 0, 4 * PAGE);
  supply(v, 0, 4, TAG);
  const uint8_t* after = map_vmo(v->vmo, 0, 4 * PAGE);
  for (uint64_t page = 0; page < 4; page++) {
    expect_byte(start_load(before + page * PAGE + 5), content_byte(TAG, page, 5));
    expect_byte(start_load(after + page * PAGE + 5), content_byte(TAG, page, 5));
  }
  /* A store through one is seen through the other and by calls. */
  expect_ok(start_store((uint8_t*)(uintptr_t)before + 2 * PAGE, 0xee));
  expect_byte(start_load(after + 2 * PAGE), 0xee);
  uint8_t byte = 0;
  check_ok(zx_vmo_read(v->vmo, &byte, 2 * PAGE, 1));
  check_equal(byte, 0xee);
  expect_nothing();
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_BOTH_WAYS(a_supply_empties_just_the_source_range),
      TEST_BOTH_WAYS(a_supply_keeps_a_page_that_was_written_to),
      TEST_BOTH_WAYS(a_supply_keeps_clean_pages),
      TEST_BOTH_WAYS(a_supply_leaves_the_grown_part_zero),
      TEST_BOTH_WAYS(a_supply_leaves_a_zeroed_page_zero),
      TEST_BOTH_WAYS(uncommitted_source_pages_arrive_as_zeros),
      TEST_BOTH_WAYS(a_source_may_be_committed_in_part),
      TEST(a_mapped_source_reads_as_zeros_afterwards),
      TEST_BOTH_WAYS(a_long_source_is_emptied_to_its_end),
      TEST_BOTH_WAYS(a_long_answer_lets_all_go_that_wait_for_pages_of_it),
      TEST_BOTH_WAYS(source_and_root_part_ways),
      TEST_BOTH_WAYS(a_source_can_be_used_again),
      TEST(a_resizable_source_is_fine),
      TEST_BOTH_WAYS(a_supply_may_come_before_any_request),
      TEST_BOTH_WAYS(a_supply_may_cover_more_than_was_asked_for),
      TEST_BOTH_WAYS(one_supply_may_answer_several_requests),
      TEST_BOTH_WAYS(a_supply_that_reaches_past_the_end_puts_nothing_in),
      TEST_BOTH_WAYS(a_supply_of_no_pages_wakes_nobody),
      TEST(only_absent_pages_count_as_supplied),
      TEST_BOTH_WAYS(a_large_supply_arrives_whole),
      TEST(mappings_made_before_and_after_a_supply_show_the_same),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
