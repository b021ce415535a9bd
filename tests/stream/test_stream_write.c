/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes to plain VMOs: the table of objects.md 11.2, gaps, growth, append. */
#include <stdlib.h>
#include <string.h>

#include "streams.h"

static void set_content(zx_handle_t vmo, uint64_t size) {
  check_ok(zx_object_set_property(vmo, ZX_PROP_VMO_CONTENT_SIZE, &size, sizeof(size)));
}

static zx_handle_t make_unbounded_letters(void) {
  const zx_handle_t vmo = make_bytes(3, ZX_VMO_UNBOUNDED);
  check_ok(zx_vmo_write(vmo, "abc", 0, 3));
  return vmo;
}

/* ---- Within the VMO ---- */

/* all written; content size becomes max(old, end) */
SCENARIO(a_write_within_the_content_leaves_its_size) {
  const zx_handle_t vmo = make_letters("abcdefgh");
  const zx_handle_t s = make_stream(WRITE, vmo, 2);
  check_equal(write_letters(s, "XY"), 2);
  check_equal(seek_of(s), 4);
  check_equal(write_letters(s, "ZZZZ"), 4);
  expect_letters(vmo, "abXYZZZZ");
}

SCENARIO(a_write_past_the_content_moves_its_end) {
  const zx_handle_t vmo = make_letters("abcdefgh");
  const zx_handle_t s = make_stream(WRITE, vmo, 6);
  check_equal(write_letters(s, "XYZ"), 3);
  expect_letters(vmo, "abcdefXYZ");
  check_equal(write_letters(s, "!"), 1);
  expect_letters(vmo, "abcdefXYZ!");
  check_equal(seek_of(s), 10);
}

SCENARIO(a_write_at_an_offset_leaves_the_seek_offset) {
  const zx_handle_t vmo = make_letters("abcdefgh");
  const zx_handle_t s = make_stream(WRITE, vmo, 1);
  check_equal(write_letters_at(s, 4, "XY"), 2);
  check_equal(write_letters_at(s, 8, "Z"), 1);
  expect_letters(vmo, "abcdXYghZ");
  check_equal(seek_of(s), 1);
}

SCENARIO(a_write_empties_its_buffers_in_turn) {
  const zx_handle_t vmo = make_letters("abcdefgh");
  const zx_handle_t s = make_stream(WRITE, vmo, 6);
  char bytes[] = "123456";
  const zx_iovec_t v[3] = {{bytes, 2}, {bytes + 2, 3}, {bytes + 5, 1}};
  size_t actual = 0;
  check_ok(zx_stream_writev(s, 0, v, 3, &actual));
  check_equal(actual, 6);
  expect_letters(vmo, "abcdef123456");
}

SCENARIO(a_write_up_to_the_end_of_a_fixed_vmo_is_whole) {
  const zx_handle_t vmo = make_bytes(10, 0);
  const zx_handle_t s = make_stream(WRITE, vmo, PAGE - 3);
  check_equal(write_letters(s, "abc"), 3);
  check_equal(content_size(vmo), PAGE);
  check_equal(vmo_size(vmo), PAGE);
  expect_filled(vmo, 0, PAGE - 3, 0);
  expect_letters_in(vmo, PAGE - 3, "abc");
}

SCENARIO(a_large_write_is_whole) {
  const uint64_t pages = 700;
  const zx_handle_t vmo = make_resizable_vmo(0);
  uint8_t* bytes = malloc(pages * PAGE);
  check_true(bytes != NULL);
  content_fill(bytes, 0, pages, TAG);
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 0);
  const zx_iovec_t v = {bytes, pages * PAGE};
  size_t actual = 0;
  check_ok(zx_stream_writev(s, 0, &v, 1, &actual));
  check_equal(actual, pages * PAGE);
  check_equal(content_size(vmo), pages * PAGE);
  memset(bytes, 0, pages * PAGE);
  check_equal(read_bytes_at(s, 0, bytes, pages * PAGE), pages * PAGE);
  check_true(content_is(bytes, 0, pages, TAG));
  free(bytes);
}

/* ---- Gaps ---- */

/* bytes between are zeroed, stale ones of an earlier life too */
SCENARIO(a_write_past_the_content_zeroes_what_lies_between) {
  const zx_handle_t vmo = make_vmo(4);
  fill_vmo(vmo, 'x');
  check_ok(zx_vmo_set_stream_size(vmo, 100));
  fill_vmo(vmo, 'y');
  const zx_handle_t s = make_stream(WRITE, vmo, 2 * PAGE + 50);
  check_equal(write_letters(s, "abc"), 3);
  check_equal(content_size(vmo), 2 * PAGE + 53);
  expect_filled(vmo, 0, 100, 'y');
  expect_filled(vmo, 100, 2 * PAGE + 50 - 100, 0);
  expect_letters_in(vmo, 2 * PAGE + 50, "abc");
}

SCENARIO(a_gap_within_one_page_is_zeroed) {
  const zx_handle_t vmo = make_vmo(1);
  fill_vmo(vmo, 'x');
  check_ok(zx_vmo_set_stream_size(vmo, 4));
  fill_vmo(vmo, 'y');
  check_equal(write_letters_at(make_stream(WRITE, vmo, 0), 8, "ab"), 2);
  expect_letters(vmo, "yyyy....ab");
}

/* a write at the very end leaves no gap */
SCENARIO(a_write_at_the_end_of_the_content_zeroes_nothing) {
  const zx_handle_t vmo = make_vmo(1);
  fill_vmo(vmo, 'x');
  check_ok(zx_vmo_set_stream_size(vmo, 4));
  fill_vmo(vmo, 'y');
  check_equal(write_letters_at(make_stream(WRITE, vmo, 0), 4, "ab"), 2);
  expect_letters(vmo, "yyyyab");
}

/* the gap is zero for good: a later write further on does not uncover it */
SCENARIO(whole_pages_of_a_gap_have_no_memory) {
  const zx_handle_t vmo = make_vmo(8);
  fill_vmo(vmo, 'x');
  check_ok(zx_vmo_set_stream_size(vmo, PAGE));
  fill_vmo(vmo, 'y');
  check_equal(write_letters_at(make_stream(WRITE, vmo, 0), 6 * PAGE, "a"), 1);
  expect_filled(vmo, PAGE, 5 * PAGE, 0);
  check_true(committed_pages(vmo) <= 3);
}

/* ---- Growth of the VMO ---- */

/* VMO grows to `end` rounded up to a page, all written */
SCENARIO(a_write_past_a_resizable_vmo_makes_it_grow) {
  const zx_handle_t vmo = make_resizable_letters("abc");
  const zx_handle_t s = make_stream(WRITE, vmo, PAGE - 2);
  check_equal(write_letters(s, "defg"), 4);
  check_equal(vmo_size(vmo), 2 * PAGE);
  check_equal(content_size(vmo), PAGE + 2);
  check_equal(seek_of(s), PAGE + 2);
  expect_letters_in(vmo, 0, "abc");
  expect_filled(vmo, 3, PAGE - 5, 0);
  expect_letters_in(vmo, PAGE - 2, "defg");
  expect_filled(vmo, PAGE + 2, PAGE - 2, 0);
}

SCENARIO(a_write_far_past_a_resizable_vmo_makes_it_grow) {
  const zx_handle_t vmo = make_resizable_letters("abc");
  const uint64_t far_away = (UINT64_C(1) << 40) + 5;
  check_equal(write_letters_at(make_stream(WRITE, vmo, 0), far_away, "xyz"), 3);
  check_equal(vmo_size(vmo), (UINT64_C(1) << 40) + PAGE);
  check_equal(content_size(vmo), far_away + 3);
  expect_letters_in(vmo, far_away, "xyz");
  expect_filled(vmo, 3, PAGE - 3, 0);
  expect_filled(vmo, far_away - 5, 5, 0);
  check_true(committed_pages(vmo) <= 2);
}

SCENARIO(an_empty_resizable_vmo_grows) {
  const zx_handle_t vmo = make_resizable_vmo(0);
  const zx_handle_t s = make_stream(WRITE, vmo, 0);
  check_equal(write_letters(s, "abc"), 3);
  check_equal(vmo_size(vmo), PAGE);
  expect_letters(vmo, "abc");
}

/* a write that ends just at the end does not */
SCENARIO(a_vmo_grows_no_more_than_it_has_to) {
  const zx_handle_t vmo = make_resizable_vmo(1);
  const zx_handle_t s = make_stream(WRITE, vmo, PAGE - 3);
  check_equal(write_letters(s, "abc"), 3);
  check_equal(vmo_size(vmo), PAGE);
  check_equal(write_letters(s, "d"), 1);
  check_equal(vmo_size(vmo), 2 * PAGE);
}

/* objects.md 11.1: decided at creation, by the RESIZE right of the handle passed */
SCENARIO(the_right_to_grow_is_that_of_the_handle_at_creation) {
  const zx_handle_t vmo = make_resizable_letters("abc");
  const zx_handle_t fixed = duplicate_with(vmo, ZX_DEFAULT_VMO_RIGHTS);
  const zx_handle_t may_not = make_stream(WRITE, fixed, PAGE - 1);
  zx_handle_t passed = duplicate(vmo);
  const zx_handle_t may = make_stream(WRITE, passed, PAGE);
  drop(&passed);
  check_equal(write_letters(may_not, "xyz"), 1);
  check_status(try_write(may_not, 1, 'x'), ZX_ERR_NO_SPACE);
  check_equal(vmo_size(vmo), PAGE);
  check_equal(write_letters(may, "xyz"), 3);
  check_equal(vmo_size(vmo), 2 * PAGE);
  /* There is room now. */
  check_equal(write_letters(may_not, "w"), 1);
}

/* ---- No room ---- */

/* it may not or cannot grow, offset inside: up to the end, short; content size = VMO size */
SCENARIO(a_write_across_the_end_of_a_fixed_vmo_is_short) {
  const zx_handle_t vmo = make_letters("abc");
  const zx_handle_t s = make_stream(WRITE, vmo, PAGE - 2);
  check_equal(write_letters(s, "defg"), 2);
  check_equal(seek_of(s), PAGE);
  check_equal(content_size(vmo), PAGE);
  check_equal(vmo_size(vmo), PAGE);
  expect_letters_in(vmo, PAGE - 2, "de");
  expect_filled(vmo, 3, PAGE - 5, 0);
}

/* the same, offset at or past the end: NO_SPACE, nothing changes */
SCENARIO(a_write_behind_a_fixed_vmo_has_no_space) {
  const zx_handle_t vmo = make_letters("abc");
  const uint64_t places[] = {PAGE, PAGE + 1, 3 * PAGE, MAX_SIZE, UINT64_C(1) << 63};
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
    const zx_handle_t s = make_stream(WRITE, vmo, places[i]);
    check_status(try_write(s, 4, 'x'), ZX_ERR_NO_SPACE);
    check_status(try_write_at(s, places[i], 4, 'x'), ZX_ERR_NO_SPACE);
    check_equal(seek_of(s), places[i]);
  }
  expect_letters(vmo, "abc");
  check_equal(vmo_size(vmo), PAGE);
}

SCENARIO(an_empty_fixed_vmo_has_no_space) {
  const zx_handle_t vmo = make_vmo(0);
  const zx_handle_t s = make_stream(WRITE, vmo, 0);
  check_status(try_write(s, 1, 'x'), ZX_ERR_NO_SPACE);
  check_status(try_append(s, 1, 'x'), ZX_ERR_NO_SPACE);
}

/* a resizable VMO cannot grow past the largest size */
SCENARIO(a_resizable_vmo_cannot_grow_past_the_largest) {
  const zx_handle_t vmo = make_resizable_letters("abc");
  const zx_handle_t s = make_stream(WRITE, vmo, 0);
  check_status(try_write_at(s, MAX_SIZE, 1, 'x'), ZX_ERR_NO_SPACE);
  check_status(try_write_at(s, MAX_SIZE - 1, 2, 'x'), ZX_ERR_NO_SPACE);
  check_equal(vmo_size(vmo), PAGE);
  expect_letters(vmo, "abc");
}

/* a slice ends where it ends, and has a content size of its own */
SCENARIO(a_slice_does_not_grow) {
  const zx_handle_t vmo = make_vmo(4);
  zx_handle_t slice = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SLICE, PAGE, 10, &slice));
  keep(slice);
  check_equal(content_size(slice), 10);
  const zx_handle_t s = make_stream(READ_WRITE, slice, PAGE - 2);
  check_equal(write_letters(s, "abcd"), 2);
  check_equal(content_size(slice), PAGE);
  check_equal(content_size(vmo), 4 * PAGE);
  expect_letters_in(vmo, 2 * PAGE - 2, "ab..");
  check_status(try_write(s, 1, 'x'), ZX_ERR_NO_SPACE);
  char bytes[4];
  check_equal(read_bytes_at(s, PAGE - 2, bytes, 4), 2);
  check_true(memcmp(bytes, "ab", 2) == 0);
}

/* vmo.md 6: a reference shares the content size of its target */
SCENARIO(a_reference_shares_the_end_of_its_target) {
  const zx_handle_t vmo = make_resizable_letters("abc");
  zx_handle_t reference = ZX_HANDLE_INVALID;
  check_ok(
      zx_vmo_create_child(vmo, ZX_VMO_CHILD_REFERENCE | ZX_VMO_CHILD_RESIZABLE, 0, 0, &reference));
  keep(reference);
  const zx_handle_t a = make_stream(READ_WRITE, vmo, 0);
  const zx_handle_t b = make_stream(READ_WRITE, reference, 0);
  check_equal(append_letters(b, "de"), 2);
  check_equal(append_letters(a, "fg"), 2);
  expect_letters(vmo, "abcdefg");
  expect_letters(reference, "abcdefg");
  check_equal(write_letters_at(b, PAGE, "x"), 1);
  check_equal(vmo_size(vmo), 2 * PAGE);
}

/* vmo.md 6, 7: a snapshot has an end of its own, and parts with its parent */
SCENARIO(a_snapshot_has_its_own_end) {
  const zx_handle_t vmo = make_letters("abcdef");
  zx_handle_t child = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE, 0, 4, &child));
  keep(child);
  const zx_handle_t s = make_stream(READ_WRITE, child, 0);
  char bytes[8];
  check_equal(read_bytes(s, bytes, 8), 4);
  check_equal(append_letters(s, "XY"), 2);
  expect_letters(child, "abcdXY");
  check_equal(write_letters_at(s, PAGE + 1, "Z"), 1);
  check_equal(vmo_size(child), 2 * PAGE);
  expect_letters(vmo, "abcdef");
}

/* ---- Overflow ---- */

/* offset + sum overflows 64 bits: FILE_BIG; whatever the VMO */
SCENARIO(an_end_past_64_bits_is_too_big) {
  const zx_handle_t vmos[] = {make_letters("abc"), make_resizable_letters("abc"),
                              make_unbounded_letters()};
  for (size_t i = 0; i < 3; i++) {
    const zx_handle_t s = make_stream(WRITE, vmos[i], UINT64_MAX - 2);
    check_status(try_write(s, 3, 'x'), ZX_ERR_FILE_BIG);
    check_status(try_write_at(s, UINT64_MAX, 1, 'x'), ZX_ERR_FILE_BIG);
    check_equal(seek_of(s), UINT64_MAX - 2);
    const zx_iovec_t v = {(void*)(uintptr_t) "abc", SIZE_MAX};
    check_status(zx_stream_writev_at(s, 0, 1, &v, 1, NULL), ZX_ERR_FILE_BIG);
    expect_letters(vmos[i], "abc");
  }
}

/* `end` rounded up to a page overflows, and the offset is past the VMO: OUT_OF_RANGE */
SCENARIO(an_end_that_cannot_be_rounded_is_out_of_range) {
  const zx_handle_t vmos[] = {make_letters("abc"), make_resizable_letters("abc"),
                              make_unbounded_letters()};
  for (size_t i = 0; i < 3; i++) {
    const zx_handle_t s = make_stream(WRITE, vmos[i], UINT64_MAX - 4);
    check_status(try_write(s, 4, 'x'), ZX_ERR_OUT_OF_RANGE);
    check_status(try_write_at(s, UINT64_MAX - PAGE + 1, 1, 'x'), ZX_ERR_OUT_OF_RANGE);
    check_equal(seek_of(s), UINT64_MAX - 4);
    /* One byte less ends on the last page that there is a number for. */
    check_status(try_write_at(s, UINT64_MAX - PAGE, 1, 'x'), ZX_ERR_NO_SPACE);
    expect_letters(vmos[i], "abc");
  }
}

/* the same from inside the VMO: what fits is written */
SCENARIO(an_end_that_cannot_be_rounded_is_short_inside) {
  const zx_handle_t vmo = make_resizable_letters("abc");
  static uint8_t page[PAGE];
  memset(page, 'x', sizeof(page));
  const zx_handle_t s = make_stream(WRITE, vmo, 0);
  const zx_iovec_t v = {page, SIZE_MAX - 1};
  size_t actual = 0;
  check_ok(zx_stream_writev(s, 0, &v, 1, &actual));
  check_equal(actual, PAGE);
  check_equal(vmo_size(vmo), PAGE);
  check_equal(content_size(vmo), PAGE);
}

/* content size + sum overflows (append): OUT_OF_RANGE */
SCENARIO(an_append_past_64_bits_is_out_of_range) {
  const zx_handle_t vmo = make_resizable_letters("abc");
  set_content(vmo, UINT64_MAX - 2);
  const zx_handle_t s = make_stream(WRITE, vmo, 1);
  check_status(try_append(s, 3, 'x'), ZX_ERR_OUT_OF_RANGE);
  check_status(try_append(s, 2, 'x'), ZX_ERR_OUT_OF_RANGE);
  check_equal(seek_of(s), 1);
  check_equal(content_size(vmo), UINT64_MAX - 2);
  check_equal(vmo_size(vmo), PAGE);
}

/* ---- A content size past the VMO ---- */

/* objects.md 5.4: such content is there for streams as soon as the VMO grows */
SCENARIO(a_write_into_content_past_the_vmo_makes_it_grow) {
  const zx_handle_t vmo = make_resizable_letters("abc");
  set_content(vmo, 4 * PAGE);
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 2 * PAGE);
  check_equal(write_letters(s, "xyz"), 3);
  check_equal(vmo_size(vmo), 3 * PAGE);
  check_equal(content_size(vmo), 4 * PAGE);
  expect_filled(vmo, PAGE, PAGE, 0);
  check_equal(append_letters(s, "!"), 1);
  check_equal(vmo_size(vmo), 5 * PAGE);
  check_equal(content_size(vmo), 4 * PAGE + 1);
}

SCENARIO(content_past_a_fixed_vmo_takes_nothing) {
  const zx_handle_t vmo = make_letters("abc");
  set_content(vmo, 4 * PAGE);
  const zx_handle_t s = make_stream(READ_WRITE, vmo, PAGE - 1);
  check_equal(write_letters(s, "xyz"), 1);
  check_equal(content_size(vmo), 4 * PAGE);
  check_status(try_write(s, 1, 'x'), ZX_ERR_NO_SPACE);
  check_status(try_append(s, 1, 'x'), ZX_ERR_NO_SPACE);
}

/* ---- Append ---- */

/* the offset is the content size; afterwards seek = offset + count */
SCENARIO(an_append_goes_to_the_end_and_takes_the_seek_offset_along) {
  const zx_handle_t vmo = make_resizable_letters("abc");
  const zx_handle_t s = make_stream(WRITE, vmo, 1);
  check_equal(append_letters(s, "de"), 2);
  check_equal(seek_of(s), 5);
  check_equal(write_letters(s, "f"), 1);
  seek_to(s, 1000);
  check_equal(append_letters(s, "g"), 1);
  check_equal(seek_of(s), 7);
  expect_letters(vmo, "abcdefg");
}

/* stream mode; and a property that switches it */
SCENARIO(append_mode_appends_every_write) {
  const zx_handle_t vmo = make_resizable_letters("abc");
  const zx_handle_t s = make_stream(WRITE | APPEND, vmo, 0);
  check_equal(write_letters(s, "d"), 1);
  seek_to(s, 0);
  check_equal(write_letters(s, "e"), 1);
  check_equal(append_letters(s, "f"), 1);
  check_equal(seek_of(s), 6);
  const uint8_t off = 0;
  check_ok(zx_object_set_property(s, ZX_PROP_STREAM_MODE_APPEND, &off, 1));
  seek_to(s, 0);
  check_equal(write_letters(s, "X"), 1);
  expect_letters(vmo, "Xbcdef");
}

/* writev_at ignores append mode */
SCENARIO(a_write_at_an_offset_ignores_append_mode) {
  const zx_handle_t vmo = make_resizable_letters("abcdef");
  const zx_handle_t s = make_stream(WRITE | APPEND, vmo, 2);
  check_equal(write_letters_at(s, 1, "XY"), 2);
  check_equal(seek_of(s), 2);
  expect_letters(vmo, "aXYdef");
}

/* reads use the seek offset, whatever the mode */
SCENARIO(append_mode_does_not_touch_reads) {
  const zx_handle_t s = make_stream(READ_WRITE | APPEND, make_resizable_letters("abcdef"), 1);
  char bytes[2];
  check_equal(read_bytes(s, bytes, 2), 2);
  check_true(memcmp(bytes, "bc", 2) == 0);
  check_equal(write_letters(s, "g"), 1);
  check_equal(seek_of(s), 7);
}

SCENARIO(an_append_across_the_end_of_a_fixed_vmo_is_short) {
  const zx_handle_t vmo = make_bytes(PAGE - 2, 0);
  const zx_handle_t s = make_stream(WRITE, vmo, 7);
  check_equal(append_letters(s, "abcd"), 2);
  check_equal(seek_of(s), PAGE);
  check_equal(content_size(vmo), PAGE);
  check_status(try_append(s, 1, 'x'), ZX_ERR_NO_SPACE);
  expect_letters_in(vmo, PAGE - 2, "ab");
}

/* appends of streams of their own */
SCENARIO(appends_of_two_streams_follow_each_other) {
  const zx_handle_t vmo = make_resizable_vmo(0);
  const zx_handle_t a = make_stream(WRITE | APPEND, vmo, 0);
  const zx_handle_t b = make_stream(WRITE | APPEND, vmo, 0);
  check_equal(write_letters(a, "ab"), 2);
  check_equal(write_letters(b, "cd"), 2);
  check_equal(write_letters(a, "ef"), 2);
  expect_letters(vmo, "abcdef");
  check_equal(seek_of(a), 6);
  check_equal(seek_of(b), 4);
}

/* ---- Size changes ---- */

/* vmo.md 4: the content size is what zx_vmo_set_size says, exactly */
SCENARIO(resizing_moves_the_end_that_streams_see) {
  const zx_handle_t vmo = make_resizable_letters("abcdef");
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 0);
  check_ok(zx_vmo_set_size(vmo, 3));
  char bytes[8];
  check_equal(read_bytes(s, bytes, 8), 3);
  check_ok(zx_vmo_set_size(vmo, PAGE + 1));
  check_equal(stream_info(s).content_size, PAGE + 1);
  check_equal(append_letters(s, "x"), 1);
  expect_letters_in(vmo, 0, "abc...");
  expect_letters_in(vmo, PAGE, ".x");
}

/* vmo.md 4, the table: growing by the property uncovers old bytes, by the call it does not */
SCENARIO(what_a_grown_content_shows_depends_on_how_it_grew) {
  const zx_handle_t vmo = make_vmo(1);
  const zx_handle_t s = make_stream(READ, vmo, 0);
  char bytes[8] = {0};
  set_content(vmo, 2);
  fill_vmo(vmo, 'x');
  set_content(vmo, 4);
  check_equal(read_bytes(s, bytes, 8), 4);
  check_true(memcmp(bytes, "xxxx", 4) == 0);
  check_ok(zx_vmo_set_stream_size(vmo, 2));
  fill_vmo(vmo, 'y');
  check_ok(zx_vmo_set_stream_size(vmo, 4));
  check_equal(read_bytes_at(s, 0, bytes, 8), 4);
  check_true(memcmp(bytes, "yy\0\0", 4) == 0);
}

/* vmo.md 2: unbounded, the content alone grows */
SCENARIO(an_unbounded_vmo_grows_its_content) {
  const zx_handle_t vmo = make_bytes(3, ZX_VMO_UNBOUNDED);
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 0);
  check_equal(append_letters(s, "ab"), 2);
  check_equal(write_letters_at(s, UINT64_C(1) << 63, "cd"), 2);
  check_equal(content_size(vmo), (UINT64_C(1) << 63) + 2);
  check_equal(vmo_size(vmo), MAX_SIZE);
  check_equal(write_letters_at(s, MAX_SIZE - 1, "efg"), 1);
  check_equal(content_size(vmo), MAX_SIZE);
  check_status(try_append(s, 1, 'x'), ZX_ERR_NO_SPACE);
  char bytes[4];
  check_equal(read_bytes_at(s, MAX_SIZE - 1, bytes, 4), 1);
  check_equal(bytes[0], 'e');
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(a_write_within_the_content_leaves_its_size),
      TEST(a_write_past_the_content_moves_its_end),
      TEST(a_write_at_an_offset_leaves_the_seek_offset),
      TEST(a_write_empties_its_buffers_in_turn),
      TEST(a_write_up_to_the_end_of_a_fixed_vmo_is_whole),
      TEST(a_large_write_is_whole),
      TEST(a_write_past_the_content_zeroes_what_lies_between),
      TEST(a_gap_within_one_page_is_zeroed),
      TEST(a_write_at_the_end_of_the_content_zeroes_nothing),
      TEST(whole_pages_of_a_gap_have_no_memory),
      TEST(a_write_past_a_resizable_vmo_makes_it_grow),
      TEST(a_write_far_past_a_resizable_vmo_makes_it_grow),
      TEST(an_empty_resizable_vmo_grows),
      TEST(a_vmo_grows_no_more_than_it_has_to),
      TEST(the_right_to_grow_is_that_of_the_handle_at_creation),
      TEST(a_write_across_the_end_of_a_fixed_vmo_is_short),
      TEST(a_write_behind_a_fixed_vmo_has_no_space),
      TEST(an_empty_fixed_vmo_has_no_space),
      TEST(a_resizable_vmo_cannot_grow_past_the_largest),
      TEST(a_slice_does_not_grow),
      TEST(a_reference_shares_the_end_of_its_target),
      TEST(a_snapshot_has_its_own_end),
      TEST(an_end_past_64_bits_is_too_big),
      TEST(an_end_that_cannot_be_rounded_is_out_of_range),
      TEST(an_end_that_cannot_be_rounded_is_short_inside),
      TEST(an_append_past_64_bits_is_out_of_range),
      TEST(a_write_into_content_past_the_vmo_makes_it_grow),
      TEST(content_past_a_fixed_vmo_takes_nothing),
      TEST(an_append_goes_to_the_end_and_takes_the_seek_offset_along),
      TEST(append_mode_appends_every_write),
      TEST(a_write_at_an_offset_ignores_append_mode),
      TEST(append_mode_does_not_touch_reads),
      TEST(an_append_across_the_end_of_a_fixed_vmo_is_short),
      TEST(appends_of_two_streams_follow_each_other),
      TEST(resizing_moves_the_end_that_streams_see),
      TEST(what_a_grown_content_shows_depends_on_how_it_grew),
      TEST(an_unbounded_vmo_grows_its_content),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
