/* SPDX-License-Identifier: BSD-3-Clause */
/* Stream writes that add to the content of pager-backed VMOs: objects.md 11.4, writeback.md 8.6. */
#include <string.h>

#include "streams.h"
#include "writeback.h"

#define RESIZABLE ZX_VMO_RESIZABLE
#define TRAP      ZX_VMO_TRAP_DIRTY

/* ---- Pages that growth adds ---- */

/* writeback.md 8.6.2: no READ; a plain VMO asks for nothing */
SCENARIO(pages_added_to_a_plain_vmo_ask_for_nothing) {
  struct root* v = make_sized_root(RESIZABLE, 2 * PAGE);
  const zx_handle_t s = make_stream(WRITE, v->vmo, 2 * PAGE);
  const uint64_t before = waits_now();
  check_ok(try_write(s, PAGE + 10, VALUE));
  check_equal(waits_now(), before);
  check_equal(vmo_size(v->vmo), 4 * PAGE);
  check_equal(content_size(v->vmo), 3 * PAGE + 10);
  expect_listed(v, DATA(2, 2));
  expect_filled(v->vmo, 2 * PAGE, PAGE + 10, VALUE);
  expect_filled(v->vmo, 3 * PAGE + 10, PAGE - 10, 0);
  expect_nothing();
}

/* DIRTY for the pages written; the others of the growth are an interval */
SCENARIO(pages_added_to_a_trap_vmo_ask_with_dirty_only) {
  struct root* v = make_sized_root(RESIZABLE | TRAP, 2 * PAGE);
  struct io* t1 = start_writev_at(make_stream(WRITE, v->vmo, 0), 4 * PAGE, PAGE + 10, VALUE);
  expect_dirty(v, 4, 2);
  check_equal(vmo_size(v->vmo), 6 * PAGE);
  check_equal(content_size(v->vmo), 2 * PAGE);
  expect_listed(v, ZERO(2, 4));
  expect_blocked(t1);
  expect_nothing();
  dirty_pages(v, 4, 2);
  expect_moved(t1, PAGE + 10);
  check_equal(content_size(v->vmo), 5 * PAGE + 10);
  expect_listed(v, ZERO(2, 2), DATA(4, 2));
  expect_nothing();
}

/* writeback.md 8.6.2: failed with nothing written */
SCENARIO(a_failed_growth_leaves_the_content_and_keeps_the_vmo) {
  struct root* v = make_sized_root(RESIZABLE | TRAP, 2 * PAGE);
  const zx_handle_t s = make_stream(WRITE, v->vmo, 2 * PAGE);
  struct io* t1 = start_writev(s, PAGE, VALUE);
  expect_dirty(v, 2, 1);
  fail_pages(v, 2, 1, ZX_ERR_NO_SPACE);
  expect_error(t1, ZX_ERR_NO_SPACE);
  check_equal(content_size(v->vmo), 2 * PAGE);
  check_equal(vmo_size(v->vmo), 3 * PAGE);
  check_equal(seek_of(s), 2 * PAGE);
  expect_listed(v, ZERO(2, 1));
}

/* the same of an append, whose seek offset is not promised; the next one starts at the same
 * place */
SCENARIO(a_failed_append_leaves_the_content) {
  struct root* v = make_sized_root(RESIZABLE | TRAP, 2 * PAGE);
  const zx_handle_t s = make_stream(WRITE, v->vmo, 0);
  struct io* t1 = start_append(s, PAGE, VALUE);
  expect_dirty(v, 2, 1);
  fail_pages(v, 2, 1, ZX_ERR_IO);
  expect_error(t1, ZX_ERR_IO);
  check_equal(content_size(v->vmo), 2 * PAGE);
  struct io* t2 = start_append(s, PAGE, VALUE);
  expect_dirty(v, 2, 1);
  dirty_pages(v, 2, 1);
  expect_moved(t2, PAGE);
  check_equal(seek_of(s), 3 * PAGE);
  check_equal(content_size(v->vmo), 3 * PAGE);
}

/* content size covers what was written and no more */
SCENARIO(a_short_growth_ends_the_content_where_it_got_to) {
  struct root* v = make_sized_root(RESIZABLE | TRAP, 2 * PAGE);
  supply(v, 0, 2, TAG);
  dirty_pages(v, 1, 1);
  const zx_handle_t s = make_stream(READ_WRITE, v->vmo, PAGE + 100);
  struct io* t1 = start_writev(s, 3 * PAGE, VALUE);
  expect_dirty(v, 2, 3);
  dirty_pages(v, 2, 1);
  expect_dirty(v, 3, 2);
  fail_pages(v, 3, 2, ZX_ERR_NO_SPACE);
  expect_moved(t1, 2 * PAGE - 100);
  check_equal(content_size(v->vmo), 3 * PAGE);
  check_equal(vmo_size(v->vmo), 5 * PAGE);
  check_equal(seek_of(s), 3 * PAGE);
  uint8_t byte;
  check_equal(read_bytes(s, &byte, 1), 0);
}

/* the content rises as bytes are placed; a reader sees those, and waits for no more */
SCENARIO(the_content_rises_as_bytes_are_placed) {
  struct root* v = make_sized_root(RESIZABLE | TRAP, 0);
  const zx_handle_t s = make_stream(READ_WRITE, v->vmo, 0);
  const zx_handle_t reader = make_stream(READ, v->vmo, 0);
  struct io* t1 = start_writev(s, 3 * PAGE, VALUE);
  expect_dirty(v, 0, 3);
  static uint8_t bytes[4 * PAGE];
  check_equal(read_bytes_at(reader, 0, bytes, sizeof(bytes)), 0);
  for (uint64_t page = 0; page < 3; page++) {
    dirty_pages(v, page, 1);
    if (page < 2) {
      expect_dirty(v, page + 1, 2 - page);
      check_equal(content_size(v->vmo), (page + 1) * PAGE);
      check_equal(read_bytes_at(reader, 0, bytes, sizeof(bytes)), (page + 1) * PAGE);
      check_true(is_filled_with(bytes, VALUE, (page + 1) * PAGE));
    }
  }
  expect_moved(t1, 3 * PAGE);
  check_equal(content_size(v->vmo), 3 * PAGE);
}

/* a write that begins inside the content and ends past the VMO */
SCENARIO(a_write_across_the_end_asks_for_old_and_new_pages) {
  struct root* v = make_sized_root(RESIZABLE | TRAP, PAGE + 100);
  const zx_handle_t s = make_stream(WRITE, v->vmo, PAGE + 50);
  struct io* t1 = start_writev(s, 2 * PAGE, VALUE);
  expect_read(v, 1, 1);
  /* Growth comes first. */
  check_equal(vmo_size(v->vmo), 4 * PAGE);
  check_equal(content_size(v->vmo), PAGE + 100);
  supply(v, 1, 1, TAG);
  expect_dirty(v, 1, 3);
  dirty_pages(v, 1, 3);
  expect_moved(t1, 2 * PAGE);
  check_equal(content_size(v->vmo), 3 * PAGE + 50);
  check_equal(vmo_size(v->vmo), 4 * PAGE);
  expect_filled(v->vmo, PAGE + 49, 1, content_byte(TAG, 1, 49));
}

/* a VMO that cannot grow: its pages past the content are asked for like any */
SCENARIO(pages_past_the_content_of_a_fixed_vmo_are_asked_for) {
  struct root* v = make_sized_root(0, 4 * PAGE);
  const uint64_t size = PAGE;
  /* By the property, which zeroes pages that are whole; then one is content of the pager's
   * again. */
  check_ok(zx_object_set_property(v->vmo, ZX_PROP_VMO_CONTENT_SIZE, &size, sizeof(size)));
  expect_listed(v, ZERO(1, 3));
  const uint64_t before = waits_now();
  check_ok(try_append(make_stream(WRITE, v->vmo, 0), PAGE, VALUE));
  check_equal(waits_now(), before);
  expect_listed(v, DATA(1, 1), ZERO(2, 2));
  check_equal(content_size(v->vmo), 2 * PAGE);
}

/* writeback.md 4 */
SCENARIO(a_growing_write_is_a_modification) {
  struct root* v = make_sized_root(RESIZABLE, PAGE);
  expect_not_modified(v);
  check_ok(try_append(make_stream(WRITE, v->vmo, 0), 1, VALUE));
  expect_modified(v);
}

/* ---- Gaps ---- */

/* writeback.md 8.6.3, 8.3 rule 4: the rest of the last page is zeroed like a write of zeros */
SCENARIO(a_gap_that_begins_inside_a_page_asks_for_that_page) {
  struct root* v = make_sized_root(RESIZABLE | TRAP, PAGE + 100);
  struct io* t1 = start_writev_at(make_stream(WRITE, v->vmo, 0), 3 * PAGE + 20, 10, VALUE);
  expect_read(v, 1, 1);
  check_equal(vmo_size(v->vmo), 4 * PAGE);
  check_equal(content_size(v->vmo), PAGE + 100);
  supply(v, 1, 1, TAG);
  expect_dirty(v, 1, 1);
  dirty_pages(v, 1, 1);
  expect_dirty(v, 3, 1);
  check_equal(content_size(v->vmo), PAGE + 100);
  dirty_pages(v, 3, 1);
  expect_moved(t1, 10);
  check_equal(content_size(v->vmo), 3 * PAGE + 30);
  expect_listed(v, DATA(1, 1), ZERO(2, 1), DATA(3, 1));
  expect_filled(v->vmo, PAGE + 99, 1, content_byte(TAG, 1, 99));
  expect_filled(v->vmo, PAGE + 100, 2 * PAGE - 80, 0);
  expect_filled(v->vmo, 3 * PAGE + 20, 10, VALUE);
  expect_nothing();
}

/* the pager fails the page of the gap: nothing was written */
SCENARIO(a_gap_that_cannot_be_zeroed_fails_the_write) {
  struct root* v = make_sized_root(RESIZABLE, PAGE + 100);
  const zx_handle_t s = make_stream(WRITE, v->vmo, 3 * PAGE);
  struct io* t1 = start_writev(s, 10, VALUE);
  expect_read(v, 1, 1);
  fail_pages(v, 1, 1, ZX_ERR_IO);
  expect_error(t1, ZX_ERR_IO);
  check_equal(content_size(v->vmo), PAGE + 100);
  check_equal(vmo_size(v->vmo), 4 * PAGE);
  check_equal(seek_of(s), 3 * PAGE);
}

/* whole absent pages of a gap become zeros that nobody is asked for: 8.3 rule 2 */
SCENARIO(whole_pages_of_a_gap_ask_for_nothing) {
  struct root* v = make_sized_root(RESIZABLE, PAGE);
  const uint64_t before = waits_now();
  check_ok(try_write_at(make_stream(WRITE, v->vmo, 0), 3 * PAGE, 10, VALUE));
  check_equal(waits_now(), before);
  expect_listed(v, ZERO(1, 2), DATA(3, 1));
  expect_filled(v->vmo, PAGE, 2 * PAGE, 0);
}

/* ---- Unbounded VMOs ---- */

/* objects.md 11.4: known to be zero past the content: no READ */
SCENARIO(pages_past_the_content_of_an_unbounded_vmo_are_zero) {
  struct root* v = make_sized_root(ZX_VMO_UNBOUNDED, PAGE + 100);
  const uint64_t before = waits_now();
  const uint64_t places[] = {2 * PAGE, 5 * PAGE, UINT64_C(1) << 63, MAX_SIZE - PAGE};
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
    expect_filled(v->vmo, places[i], PAGE, 0);
  }
  check_equal(waits_now(), before);
  expect_none_listed(v);
  /* The page that the content ends on is the pager's. */
  struct worker* t1 = start_read(v->vmo, PAGE + 200, 1);
  expect_read(v, 1, 1);
  supply(v, 1, 1, TAG);
  expect_byte(t1, content_byte(TAG, 1, 200));
  expect_nothing();
}

SCENARIO(an_append_to_a_plain_unbounded_vmo_asks_for_nothing) {
  struct root* v = make_sized_root(ZX_VMO_UNBOUNDED, 2 * PAGE);
  const zx_handle_t s = make_stream(WRITE, v->vmo, 0);
  const uint64_t before = waits_now();
  check_ok(try_append(s, 10, VALUE));
  check_ok(try_append(s, PAGE, VALUE));
  check_equal(waits_now(), before);
  check_equal(content_size(v->vmo), 3 * PAGE + 10);
  expect_filled(v->vmo, 2 * PAGE, PAGE + 10, VALUE);
  expect_listed(v, DATA(2, 2));
  expect_nothing();
}

SCENARIO(an_append_to_an_unbounded_trap_vmo_asks_with_dirty_only) {
  struct root* v = make_sized_root(ZX_VMO_UNBOUNDED | TRAP, 2 * PAGE);
  const zx_handle_t s = make_stream(WRITE, v->vmo, 0);
  struct io* t1 = start_append(s, 2 * PAGE, VALUE);
  expect_dirty(v, 2, 2);
  dirty_pages(v, 2, 2);
  expect_moved(t1, 2 * PAGE);
  expect_listed(v, DATA(2, 2));
  struct io* t2 = start_writev_at(s, 8 * PAGE + 5, 1, VALUE);
  expect_dirty(v, 8, 1);
  dirty_pages(v, 8, 1);
  expect_moved(t2, 1);
  check_equal(content_size(v->vmo), 8 * PAGE + 6);
  expect_filled(v->vmo, 4 * PAGE, 4 * PAGE + 5, 0);
  expect_nothing();
}

/* failed: the content stays */
SCENARIO(a_failed_append_to_an_unbounded_vmo_leaves_the_content) {
  struct root* v = make_sized_root(ZX_VMO_UNBOUNDED | TRAP, 2 * PAGE);
  struct io* t1 = start_append(make_stream(WRITE, v->vmo, 0), 2 * PAGE, VALUE);
  expect_dirty(v, 2, 2);
  fail_pages(v, 2, 2, ZX_ERR_NO_SPACE);
  expect_error(t1, ZX_ERR_NO_SPACE);
  check_equal(content_size(v->vmo), 2 * PAGE);
  expect_none_listed(v);
}

/* through mappings too */
SCENARIO(a_load_past_the_content_of_an_unbounded_vmo_reads_zero) {
  need_mappings();
  struct root* v = make_sized_root(ZX_VMO_UNBOUNDED, PAGE);
  uint8_t* at = map_vmo(v->vmo, 0, 8 * PAGE);
  const uint64_t before = waits_now();
  expect_byte(start_load(at + 3 * PAGE), 0);
  expect_ok(start_store(at + 4 * PAGE, VALUE));
  check_equal(waits_now(), before);
  expect_filled(v->vmo, 4 * PAGE, 1, VALUE);
  expect_listed(v, DATA(4, 1));
  expect_nothing();
}

/* a page that was written, written back and evicted is the pager's like any; detaching evicts */
SCENARIO(what_was_written_back_is_not_known_to_be_zero) {
  struct root* v = make_sized_root(ZX_VMO_UNBOUNDED, PAGE);
  check_ok(try_write_at(make_stream(WRITE, v->vmo, 0), 3 * PAGE, PAGE, VALUE));
  begin_writeback(v, 0, 8);
  end_writeback(v, 0, 8);
  expect_filled(v->vmo, 3 * PAGE, PAGE, VALUE);
  detach(v);
  uint8_t byte;
  check_status(zx_vmo_read(v->vmo, &byte, 3 * PAGE, 1), ZX_ERR_BAD_STATE);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(pages_added_to_a_plain_vmo_ask_for_nothing),
      TEST(pages_added_to_a_trap_vmo_ask_with_dirty_only),
      TEST(a_failed_growth_leaves_the_content_and_keeps_the_vmo),
      TEST(a_failed_append_leaves_the_content),
      TEST(a_short_growth_ends_the_content_where_it_got_to),
      TEST(the_content_rises_as_bytes_are_placed),
      TEST(a_write_across_the_end_asks_for_old_and_new_pages),
      TEST(pages_past_the_content_of_a_fixed_vmo_are_asked_for),
      TEST(a_growing_write_is_a_modification),
      TEST(a_gap_that_begins_inside_a_page_asks_for_that_page),
      TEST(a_gap_that_cannot_be_zeroed_fails_the_write),
      TEST(whole_pages_of_a_gap_ask_for_nothing),
      TEST(pages_past_the_content_of_an_unbounded_vmo_are_zero),
      TEST(an_append_to_a_plain_unbounded_vmo_asks_for_nothing),
      TEST(an_append_to_an_unbounded_trap_vmo_asks_with_dirty_only),
      TEST(a_failed_append_to_an_unbounded_vmo_leaves_the_content),
      TEST(a_load_past_the_content_of_an_unbounded_vmo_reads_zero),
      TEST(what_was_written_back_is_not_known_to_be_zero),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
