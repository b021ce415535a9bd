/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads and writes within the content of pager-backed VMOs: objects.md 11.4, writeback.md 8.6. */
#include <string.h>

#include "streams.h"
#include "writeback.h"

/* ---- Reads ---- */

SCENARIO(a_read_of_an_absent_page_asks_and_blocks) {
  struct root* v = make_root(8);
  const zx_handle_t s = make_stream(READ, v->vmo, 3 * PAGE + 10);
  struct io* t1 = start_readv(s, 20);
  expect_read(v, 3, 1);
  expect_blocked(t1);
  supply(v, 3, 1, TAG);
  expect_moved(t1, 20);
  for (unsigned i = 0; i < 20; i++) {
    check_equal(io_bytes(t1)[i], content_byte(TAG, 3, 10 + i));
  }
  check_equal(seek_of(s), 3 * PAGE + 30);
  expect_nothing();
}

/* one request for the run, no further than the content */
SCENARIO(a_read_asks_for_all_its_pages_up_to_the_end_of_the_content) {
  struct root* v = make_sized_root(0, 4 * PAGE + 100);
  check_equal(content_size(v->vmo), 4 * PAGE + 100);
  check_equal(vmo_size(v->vmo), 5 * PAGE);
  const zx_handle_t s = make_stream(READ, v->vmo, 0);
  struct io* t1 = start_readv(s, 8 * PAGE);
  expect_read(v, 0, 5);
  supply(v, 0, 5, TAG);
  expect_moved(t1, 4 * PAGE + 100);
  check_true(content_is(io_bytes(t1), 0, 4, TAG));
  check_equal(seek_of(s), 4 * PAGE + 100);
  expect_nothing();
}

/* pages past the content, though the VMO has them, are not asked for */
SCENARIO(a_read_past_the_content_asks_for_nothing) {
  struct root* v = make_root(8);
  check_ok(zx_vmo_set_stream_size(v->vmo, 2 * PAGE));
  const uint64_t before = waits_now();
  uint8_t byte;
  check_equal(read_bytes_at(make_stream(READ, v->vmo, 0), 2 * PAGE, &byte, 1), 0);
  check_equal(waits_now(), before);
  expect_nothing();
}

/* the pager fails it with nothing read yet: that status */
SCENARIO(a_failed_page_fails_a_read_that_has_brought_nothing) {
  struct root* v = make_root(8);
  const zx_handle_t s = make_stream(READ, v->vmo, PAGE);
  struct io* t1 = start_readv(s, 4 * PAGE);
  expect_read(v, 1, 4);
  fail_pages(v, 2, 1, ZX_ERR_IO_DATA_INTEGRITY);
  expect_error(t1, ZX_ERR_IO_DATA_INTEGRITY);
  check_equal(seek_of(s), PAGE);
  struct io* t2 = start_readv_at(s, 0, 10);
  expect_read(v, 0, 1);
  fail_pages(v, 0, 1, ZX_ERR_BAD_STATE);
  expect_error(t2, ZX_ERR_BAD_STATE);
}

/* with earlier pages read, a short count */
SCENARIO(a_failed_page_ends_a_read_with_what_came_before) {
  struct root* v = make_root(8);
  supply(v, 0, 2, TAG);
  const zx_handle_t s = make_stream(READ, v->vmo, 100);
  struct io* t1 = start_readv(s, 4 * PAGE);
  expect_read(v, 2, 3);
  fail_pages(v, 2, 3, ZX_ERR_IO);
  expect_moved(t1, 2 * PAGE - 100);
  check_equal(seek_of(s), 2 * PAGE);
}

/* the same where the earlier pages came with the same request, however late the reader runs */
SCENARIO(what_was_supplied_before_the_rest_failed_is_read) {
  struct root* v = make_root(8);
  for (uint64_t there = 0; there < 3; there++) {
    struct io* t1 = start_readv_at(make_stream(READ, v->vmo, 0), 0, 4 * PAGE);
    expect_read(v, there, 4 - there);
    supply(v, there, 1, TAG);
    fail_pages(v, 3, 1, ZX_ERR_IO);
    expect_moved(t1, (there + 1) * PAGE);
    check_true(content_is(io_bytes(t1), 0, there + 1, TAG));
  }
  expect_nothing();
}

/* pages in the middle that are there, and several requests */
SCENARIO(a_read_over_present_and_absent_pages_asks_for_each_run) {
  struct root* v = make_root(6);
  supply(v, 1, 1, TAG);
  supply(v, 4, 1, TAG);
  struct io* t1 = start_readv(make_stream(READ, v->vmo, 0), 6 * PAGE);
  expect_read(v, 0, 1);
  supply(v, 0, 1, TAG);
  expect_read(v, 2, 2);
  supply(v, 2, 2, TAG);
  expect_read(v, 5, 1);
  supply(v, 5, 1, TAG);
  expect_moved(t1, 6 * PAGE);
  check_true(content_is(io_bytes(t1), 0, 6, TAG));
  expect_nothing();
}

/* ---- Writes ---- */

/* even of part of it: READ; on a plain VMO nothing else */
SCENARIO(a_write_to_an_absent_page_of_a_plain_vmo_asks_with_read) {
  struct root* v = make_root(8);
  const zx_handle_t s = make_stream(WRITE, v->vmo, 3 * PAGE + 10);
  struct io* t1 = start_writev(s, 4, VALUE);
  expect_read(v, 3, 1);
  expect_blocked(t1);
  supply(v, 3, 1, TAG);
  expect_moved(t1, 4);
  expect_nothing();
  expect_listed(v, DATA(3, 1));
  expect_filled(v->vmo, 3 * PAGE + 10, 4, VALUE);
  expect_filled(v->vmo, 3 * PAGE, 1, content_byte(TAG, 3, 0));
  expect_filled(v->vmo, 3 * PAGE + 14, 1, content_byte(TAG, 3, 14));
  struct io* t2 = start_writev_at(s, 5 * PAGE, PAGE, VALUE);
  expect_read(v, 5, 1);
  supply(v, 5, 1, TAG);
  expect_moved(t2, PAGE);
  check_equal(seek_of(s), 3 * PAGE + 14);
}

/* READ, then DIRTY */
SCENARIO(a_write_to_an_absent_page_of_a_trap_vmo_asks_twice) {
  struct root* v = make_trap_root(8);
  struct io* t1 = start_writev_at(make_stream(WRITE, v->vmo, 0), 3 * PAGE, 10, VALUE);
  expect_read(v, 3, 1);
  supply(v, 3, 1, TAG);
  expect_dirty(v, 3, 1);
  expect_blocked(t1);
  expect_none_listed(v);
  dirty_pages(v, 3, 1);
  expect_moved(t1, 10);
  expect_listed(v, DATA(3, 1));
  expect_nothing();
}

/* one write over adjacent pages: one request */
SCENARIO(a_write_over_clean_pages_asks_for_them_at_once) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  struct io* t1 = start_writev_at(make_stream(WRITE, v->vmo, 0), PAGE + 1, 3 * PAGE, VALUE);
  expect_dirty(v, 1, 4);
  dirty_pages(v, 1, 4);
  expect_moved(t1, 3 * PAGE);
  expect_filled(v->vmo, PAGE + 1, 3 * PAGE, VALUE);
  expect_filled(v->vmo, PAGE, 1, content_byte(TAG, 1, 0));
  expect_nothing();
}

/* writeback.md 1: 16 pages at most */
SCENARIO(a_request_of_a_write_has_16_pages_at_most) {
  struct root* v = make_trap_root(20);
  struct io* t1 = start_writev_at(make_stream(WRITE, v->vmo, 0), 0, 20 * PAGE, VALUE);
  expect_read(v, 0, 16);
  supply(v, 0, 20, TAG);
  expect_dirty(v, 0, 16);
  dirty_pages(v, 0, 16);
  expect_dirty(v, 16, 4);
  dirty_pages(v, 16, 4);
  expect_moved(t1, 20 * PAGE);
  expect_nothing();
}

/* a page that is dirty, a marker, one under writeback: writeback.md 3.2 holds for streams */
SCENARIO(a_write_asks_for_what_a_write_asks_for) {
  struct root* v = make_trap_root(6);
  supply(v, 0, 1, TAG);
  supply_zeros(v, 1, 1);
  supply(v, 2, 2, TAG);
  supply(v, 5, 1, TAG);
  dirty_pages(v, 2, 2);
  begin_writeback(v, 2, 1);
  struct io* t1 = start_writev_at(make_stream(WRITE, v->vmo, 0), 0, 6 * PAGE, VALUE);
  expect_dirty(v, 0, 3);
  dirty_pages(v, 0, 3);
  expect_read(v, 4, 1);
  expect_filled(v->vmo, 0, 4 * PAGE, VALUE);
  supply(v, 4, 1, TAG);
  expect_dirty(v, 4, 2);
  dirty_pages(v, 4, 2);
  expect_moved(t1, 6 * PAGE);
  expect_nothing();
}

/* OP_DIRTY on a part lets the write go on for that part; it asks again for the rest */
SCENARIO(a_part_that_is_dirtied_is_written_and_the_rest_asked_for_again) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct io* t1 = start_writev_at(make_stream(WRITE, v->vmo, 0), 0, 4 * PAGE, VALUE);
  expect_dirty(v, 0, 4);
  dirty_pages(v, 0, 1);
  expect_dirty(v, 1, 3);
  expect_filled(v->vmo, 0, PAGE, VALUE);
  expect_blocked(t1);
  dirty_pages(v, 1, 2);
  expect_dirty(v, 3, 1);
  expect_filled(v->vmo, PAGE, 2 * PAGE, VALUE);
  dirty_pages(v, 3, 1);
  expect_moved(t1, 4 * PAGE);
  expect_nothing();
}

/* a later part does not help before the first has come */
SCENARIO(a_later_part_that_is_dirtied_is_not_written_first) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct io* t1 = start_writev_at(make_stream(WRITE, v->vmo, 0), 0, 4 * PAGE, VALUE);
  expect_dirty(v, 0, 4);
  dirty_pages(v, 2, 2);
  expect_blocked(t1);
  expect_filled(v->vmo, 2 * PAGE, 1, content_byte(TAG, 2, 0));
  expect_nothing();
  dirty_pages(v, 0, 2);
  expect_moved(t1, 4 * PAGE);
  expect_nothing();
}

/* a failed DIRTY ends the write: its status if nothing was written */
SCENARIO(a_failed_dirty_fails_a_write_that_has_done_nothing) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  const zx_handle_t s = make_stream(WRITE, v->vmo, PAGE);
  struct io* t1 = start_writev(s, 2 * PAGE, VALUE);
  expect_dirty(v, 1, 2);
  fail_pages(v, 2, 1, ZX_ERR_NO_SPACE);
  expect_error(t1, ZX_ERR_NO_SPACE);
  check_equal(seek_of(s), PAGE);
  expect_none_listed(v);
  expect_not_modified(v);
  expect_filled(v->vmo, PAGE, 1, content_byte(TAG, 1, 0));
}

/* else a short count */
SCENARIO(a_failed_dirty_ends_a_write_with_what_came_before) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  dirty_pages(v, 0, 1);
  const zx_handle_t s = make_stream(WRITE, v->vmo, 100);
  struct io* t1 = start_writev(s, 2 * PAGE, VALUE);
  expect_dirty(v, 1, 2);
  fail_pages(v, 1, 1, ZX_ERR_NO_SPACE);
  expect_moved(t1, PAGE - 100);
  check_equal(seek_of(s), PAGE);
  expect_filled(v->vmo, 100, PAGE - 100, VALUE);
  expect_filled(v->vmo, PAGE, 1, content_byte(TAG, 1, 0));
  expect_modified(v);
}

/* the same where the earlier part was dirtied by the same request, however late the writer runs */
SCENARIO(what_was_dirtied_before_the_rest_failed_is_written) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  const zx_handle_t s = make_stream(WRITE, v->vmo, 0);
  struct io* t1 = start_writev(s, 4 * PAGE, VALUE);
  expect_dirty(v, 0, 4);
  dirty_pages(v, 0, 2);
  fail_pages(v, 2, 2, ZX_ERR_NO_SPACE);
  expect_moved(t1, 2 * PAGE);
  check_equal(seek_of(s), 2 * PAGE);
  expect_listed(v, DATA(0, 2));
  expect_filled(v->vmo, 0, 2 * PAGE, VALUE);
  expect_filled(v->vmo, 2 * PAGE, 1, content_byte(TAG, 2, 0));
}

/* a failed READ of a write */
SCENARIO(a_failed_read_ends_a_write) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 1, TAG);
  dirty_pages(v, 0, 1);
  const zx_handle_t s = make_stream(WRITE, v->vmo, 0);
  struct io* t1 = start_writev(s, 2 * PAGE, VALUE);
  expect_read(v, 1, 1);
  fail_pages(v, 1, 1, ZX_ERR_IO);
  expect_moved(t1, PAGE);
  struct io* t2 = start_writev(s, 2 * PAGE, VALUE);
  expect_read(v, 1, 2);
  fail_pages(v, 1, 2, ZX_ERR_IO);
  expect_error(t2, ZX_ERR_IO);
  check_equal(seek_of(s), PAGE);
}

/* writeback.md 3.3 rule 2: beside a zx_vmo_write that has asked already */
SCENARIO(a_stream_s_write_waits_with_a_request_that_is_out) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_write_pages(v, 0, 3, 1);
  expect_dirty(v, 0, 3);
  struct io* t2 = start_writev_at(make_stream(WRITE, v->vmo, 0), PAGE, 3 * PAGE, VALUE);
  await_asking(t2);
  expect_nothing();
  dirty_pages(v, 0, 3);
  expect_ok(t1);
  expect_dirty(v, 3, 1);
  dirty_pages(v, 3, 1);
  expect_moved(t2, 3 * PAGE);
}

/* ---- Children of a root ---- */

static zx_handle_t make_child(struct root* v, uint32_t options, uint64_t offset, uint64_t size) {
  zx_handle_t child = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create_child(v->vmo, options, offset, size, &child));
  return keep(child);
}

/* writeback.md 8.4 rule 1: a slice asks as the root does, in the root's pages */
SCENARIO(a_stream_on_a_slice_asks_for_pages_of_the_root) {
  struct root* v = make_trap_root(4);
  const zx_handle_t slice = make_child(v, ZX_VMO_CHILD_SLICE, PAGE, PAGE + 10);
  const zx_handle_t s = make_stream(READ_WRITE, slice, 0);
  struct io* t1 = start_readv(s, 4 * PAGE);
  expect_read(v, 1, 2);
  supply(v, 1, 2, TAG);
  expect_moved(t1, PAGE + 10);
  check_true(content_is(io_bytes(t1), 1, 1, TAG));
  struct io* t2 = start_append(s, 20, VALUE);
  expect_dirty(v, 2, 1);
  dirty_pages(v, 2, 1);
  expect_moved(t2, 20);
  check_equal(content_size(slice), PAGE + 30);
  check_equal(content_size(v->vmo), 4 * PAGE);
  expect_filled(v->vmo, 2 * PAGE + 10, 20, VALUE);
}

/* writeback.md 8.4 rule 3, vmo.md 8.1: a copy-on-write child reads from the root, dirties itself */
SCENARIO(a_stream_on_a_copy_on_write_child_never_asks_with_dirty) {
  struct root* v = make_trap_root(4);
  const zx_handle_t child = make_child(
      v, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE | ZX_VMO_CHILD_RESIZABLE, PAGE, 2 * PAGE);
  const zx_handle_t s = make_stream(READ_WRITE, child, 100);
  struct io* t1 = start_writev(s, 10, VALUE);
  expect_read(v, 1, 1);
  supply(v, 1, 1, TAG);
  expect_moved(t1, 10);
  struct io* t2 = start_readv(s, PAGE);
  expect_read(v, 2, 1);
  fail_pages(v, 2, 1, ZX_ERR_IO);
  expect_moved(t2, PAGE - 110);
  /* What it adds is its own. */
  expect_moved(start_append(s, PAGE, VALUE), PAGE);
  check_equal(vmo_size(child), 3 * PAGE);
  expect_filled(child, 2 * PAGE, PAGE, VALUE);
  expect_none_listed(v);
  expect_nothing();
}

/* ---- Detach ---- */

/* as it ends a blocked zx_vmo_read */
SCENARIO(detaching_ends_a_blocked_read) {
  struct root* v = make_root(4);
  const zx_handle_t s = make_stream(READ, v->vmo, 0);
  struct io* t1 = start_readv(s, PAGE);
  expect_read(v, 0, 1);
  detach(v);
  expect_error(t1, ZX_ERR_BAD_STATE);
  check_equal(seek_of(s), 0);
  check_status(try_read(s), ZX_ERR_BAD_STATE);
  expect_complete(v);
}

SCENARIO(detaching_ends_a_read_with_what_came_before) {
  struct root* v = make_root(4);
  supply(v, 0, 1, TAG);
  const zx_handle_t s = make_stream(READ, v->vmo, 0);
  struct io* t1 = start_readv(s, 2 * PAGE);
  expect_read(v, 1, 1);
  detach(v);
  expect_moved(t1, PAGE);
  expect_complete(v);
}

SCENARIO(detaching_ends_a_blocked_write) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 2, TAG);
  dirty_pages(v, 0, 1);
  const zx_handle_t s = make_stream(WRITE, v->vmo, 0);
  struct io* t1 = start_writev_at(s, PAGE, 10, VALUE);
  expect_dirty(v, 1, 1);
  struct io* t2 = start_writev_at(s, 0, 2 * PAGE, VALUE);
  await_asking(t2);
  detach(v);
  expect_error(t1, ZX_ERR_BAD_STATE);
  expect_moved(t2, PAGE);
  expect_complete(v);
}

/* closing the pager is the same without packets */
SCENARIO(closing_the_pager_ends_a_blocked_read) {
  zx_handle_t pager = make_pager();
  struct root* v = make_root_on(pager, fx.port, 0, 5, 4 * PAGE);
  struct io* t1 = start_readv(make_stream(READ, v->vmo, 0), PAGE);
  expect_read(v, 0, 1);
  drop(&pager);
  expect_error(t1, ZX_ERR_BAD_STATE);
  expect_nothing();
}

/* ---- Shrinking under a transfer ---- */

/* objects.md 11.2: at or past the content size, as it is then: ZX_OK, 0 */
SCENARIO(a_read_whose_page_is_cut_off_ends_at_the_new_end) {
  struct root* v = make_resizable_root(4);
  supply(v, 0, 1, TAG);
  const zx_handle_t s = make_stream(READ, v->vmo, 0);
  struct io* t1 = start_readv_at(s, 3 * PAGE, 10);
  expect_read(v, 3, 1);
  struct io* t2 = start_readv_at(s, 0, 4 * PAGE);
  expect_read(v, 1, 2);
  check_ok(zx_vmo_set_size(v->vmo, PAGE));
  expect_moved(t1, 0);
  expect_moved(t2, PAGE);
  expect_nothing();
}

/* objects.md 11.2: what is left then writes past the content */
SCENARIO(a_write_whose_page_is_cut_off_goes_on_behind_the_new_end) {
  struct root* v = make_resizable_root(4);
  const zx_handle_t s = make_stream(WRITE, v->vmo, 0);
  struct io* t1 = start_writev_at(s, 3 * PAGE, 10, VALUE);
  expect_read(v, 3, 1);
  check_ok(zx_vmo_set_size(v->vmo, PAGE));
  expect_moved(t1, 10);
  check_equal(vmo_size(v->vmo), 4 * PAGE);
  check_equal(content_size(v->vmo), 3 * PAGE + 10);
  expect_filled(v->vmo, PAGE, 2 * PAGE, 0);
  expect_filled(v->vmo, 3 * PAGE, 10, VALUE);
  expect_nothing();
}

/* the same by a stream that may not grow the VMO */
SCENARIO(a_write_whose_page_is_cut_off_has_no_space) {
  struct root* v = make_resizable_root(4);
  const zx_handle_t s = make_stream(WRITE, duplicate_with(v->vmo, ZX_RIGHT_WRITE), 0);
  struct io* t1 = start_writev_at(s, 3 * PAGE, 10, VALUE);
  expect_read(v, 3, 1);
  check_ok(zx_vmo_set_size(v->vmo, PAGE));
  expect_error(t1, ZX_ERR_NO_SPACE);
  check_equal(vmo_size(v->vmo), PAGE);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(a_read_of_an_absent_page_asks_and_blocks),
      TEST(a_read_asks_for_all_its_pages_up_to_the_end_of_the_content),
      TEST(a_read_past_the_content_asks_for_nothing),
      TEST(a_failed_page_fails_a_read_that_has_brought_nothing),
      TEST(a_failed_page_ends_a_read_with_what_came_before),
      TEST(what_was_supplied_before_the_rest_failed_is_read),
      TEST(a_read_over_present_and_absent_pages_asks_for_each_run),
      TEST(a_write_to_an_absent_page_of_a_plain_vmo_asks_with_read),
      TEST(a_write_to_an_absent_page_of_a_trap_vmo_asks_twice),
      TEST(a_write_over_clean_pages_asks_for_them_at_once),
      TEST(a_request_of_a_write_has_16_pages_at_most),
      TEST(a_write_asks_for_what_a_write_asks_for),
      TEST(a_part_that_is_dirtied_is_written_and_the_rest_asked_for_again),
      TEST(a_later_part_that_is_dirtied_is_not_written_first),
      TEST(a_failed_dirty_fails_a_write_that_has_done_nothing),
      TEST(a_failed_dirty_ends_a_write_with_what_came_before),
      TEST(what_was_dirtied_before_the_rest_failed_is_written),
      TEST(a_failed_read_ends_a_write),
      TEST(a_stream_s_write_waits_with_a_request_that_is_out),
      TEST(a_stream_on_a_slice_asks_for_pages_of_the_root),
      TEST(a_stream_on_a_copy_on_write_child_never_asks_with_dirty),
      TEST(detaching_ends_a_blocked_read),
      TEST(detaching_ends_a_read_with_what_came_before),
      TEST(detaching_ends_a_blocked_write),
      TEST(closing_the_pager_ends_a_blocked_read),
      TEST(a_read_whose_page_is_cut_off_ends_at_the_new_end),
      TEST(a_write_whose_page_is_cut_off_goes_on_behind_the_new_end),
      TEST(a_write_whose_page_is_cut_off_has_no_space),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
