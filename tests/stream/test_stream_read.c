/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads of plain VMOs: objects.md 11.2. */
#include <stdlib.h>
#include <string.h>

#include "streams.h"

/* The next read brings these letters and no more. */
static void expect_read_letters(zx_handle_t s, uint64_t length, const char* letters) {
  char bytes[64];
  memset(bytes, '#', sizeof(bytes));
  check_equal(read_bytes(s, bytes, length), strlen(letters));
  check_true(memcmp(bytes, letters, strlen(letters)) == 0);
  for (size_t i = strlen(letters); i < sizeof(bytes); i++) {
    check_equal(bytes[i], '#');
  }
}

SCENARIO(a_read_moves_the_seek_offset_by_its_count) {
  const zx_handle_t s = make_stream(READ, make_letters("abcdefgh"), 0);
  expect_read_letters(s, 3, "abc");
  check_equal(seek_of(s), 3);
  expect_read_letters(s, 2, "de");
  check_equal(seek_of(s), 5);
}

/* at most up to the content size; at or past it: ZX_OK, 0 */
SCENARIO(a_read_ends_where_the_content_ends) {
  const zx_handle_t s = make_stream(READ, make_letters("abcdefgh"), 6);
  expect_read_letters(s, 10, "gh");
  check_equal(seek_of(s), 8);
  expect_read_letters(s, 10, "");
  check_equal(seek_of(s), 8);
  seek_to(s, 9);
  expect_read_letters(s, 10, "");
  check_equal(seek_of(s), 9);
  seek_to(s, UINT64_MAX);
  expect_read_letters(s, 10, "");
  check_equal(seek_of(s), UINT64_MAX);
}

SCENARIO(a_read_at_an_offset_leaves_the_seek_offset) {
  const zx_handle_t s = make_stream(READ, make_letters("abcdefgh"), 1);
  char bytes[4];
  check_equal(read_bytes_at(s, 4, bytes, 3), 3);
  check_true(memcmp(bytes, "efg", 3) == 0);
  check_equal(read_bytes_at(s, 7, bytes, 3), 1);
  check_equal(bytes[0], 'h');
  check_equal(read_bytes_at(s, 8, bytes, 3), 0);
  check_equal(read_bytes_at(s, UINT64_MAX, bytes, 3), 0);
  check_equal(read_bytes_at(s, UINT64_MAX - 1, bytes, 3), 0);
  check_equal(seek_of(s), 1);
}

/* the sum may reach past UINT64_MAX from the offset: reads end at the content */
SCENARIO(a_read_may_offer_more_room_than_there_are_offsets) {
  const zx_handle_t s = make_stream(READ, make_letters("abc"), 1);
  char bytes[4];
  size_t actual = 0;
  zx_iovec_t v = {bytes, SIZE_MAX};
  check_ok(zx_stream_readv(s, 0, &v, 1, &actual));
  check_equal(actual, 2);
  check_true(memcmp(bytes, "bc", 2) == 0);
}

/* not past the content, though the VMO has bytes there */
SCENARIO(bytes_past_the_content_are_not_read) {
  const zx_handle_t vmo = make_vmo(2);
  fill_vmo(vmo, 'x');
  check_ok(zx_vmo_set_stream_size(vmo, PAGE - 1));
  fill_vmo(vmo, 'y');
  const zx_handle_t s = make_stream(READ, vmo, PAGE - 4);
  expect_read_letters(s, 10, "yyy");
  expect_read_letters(s, 10, "");
}

/* objects.md 5.4: the content size may be set past the VMO; there is nothing to read there */
SCENARIO(a_read_ends_where_the_vmo_ends) {
  const zx_handle_t vmo = make_vmo(1);
  fill_vmo(vmo, 'x');
  const uint64_t sizes[] = {2 * PAGE, UINT64_MAX};
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    check_ok(zx_object_set_property(vmo, ZX_PROP_VMO_CONTENT_SIZE, &sizes[i], sizeof(sizes[i])));
    const zx_handle_t s = make_stream(READ, vmo, PAGE - 3);
    expect_read_letters(s, 10, "xxx");
    expect_read_letters(s, 10, "");
    check_equal(seek_of(s), PAGE);
  }
}

SCENARIO(a_read_fills_its_buffers_in_turn) {
  const zx_handle_t s = make_stream(READ, make_letters("abcdefgh"), 1);
  char a[2] = "##";
  char b[3] = "###";
  char c[4] = "####";
  zx_iovec_t v[3] = {{a, 2}, {b, 3}, {c, 4}};
  size_t actual = 0;
  check_ok(zx_stream_readv(s, 0, v, 3, &actual));
  check_equal(actual, 7);
  check_true(memcmp(a, "bc", 2) == 0 && memcmp(b, "def", 3) == 0 && memcmp(c, "gh##", 4) == 0);
}

/* pages that nobody wrote */
SCENARIO(absent_pages_read_as_zeros_and_stay_absent) {
  const zx_handle_t vmo = make_bytes(3 * PAGE + 100, 0);
  const uint8_t one = 1;
  check_ok(zx_vmo_write(vmo, &one, PAGE, 1));
  static uint8_t bytes[4 * PAGE];
  memset(bytes, '#', sizeof(bytes));
  const zx_handle_t s = make_stream(READ, vmo, 0);
  check_equal(read_bytes(s, bytes, sizeof(bytes)), 3 * PAGE + 100);
  check_equal(bytes[PAGE], 1);
  bytes[PAGE] = 0;
  check_true(is_filled_with(bytes, 0, 3 * PAGE + 100));
  check_true(is_filled_with(bytes + 3 * PAGE + 100, '#', PAGE - 100));
  check_equal(committed_pages(vmo), 1);
}

/* more than one hold of a lock copies */
SCENARIO(a_large_read_is_whole) {
  const uint64_t pages = 700;
  const zx_handle_t vmo = make_source(0, pages, TAG);
  uint8_t* bytes = malloc(pages * PAGE);
  check_true(bytes != NULL);
  const zx_handle_t s = make_stream(READ, vmo, 0);
  check_equal(read_bytes(s, bytes, pages * PAGE), pages * PAGE);
  check_true(content_is(bytes, 0, pages, TAG));
  free(bytes);
}

/* vmo.md 13, 3: memory that is not cached */
SCENARIO(a_vmo_that_is_not_cached_is_not_read_or_written) {
  const zx_handle_t vmo = make_bytes(8, 0);
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 0);
  check_ok(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_UNCACHED));
  check_status(try_read(s), ZX_ERR_BAD_STATE);
  check_status(try_read_at(s, 0), ZX_ERR_BAD_STATE);
  check_status(try_write(s, 1, 1), ZX_ERR_BAD_STATE);
  check_status(try_write_at(s, 0, 1, 1), ZX_ERR_BAD_STATE);
  check_equal(seek_of(s), 0);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(a_read_moves_the_seek_offset_by_its_count),
      TEST(a_read_ends_where_the_content_ends),
      TEST(a_read_at_an_offset_leaves_the_seek_offset),
      TEST(a_read_may_offer_more_room_than_there_are_offsets),
      TEST(bytes_past_the_content_are_not_read),
      TEST(a_read_ends_where_the_vmo_ends),
      TEST(a_read_fills_its_buffers_in_turn),
      TEST(absent_pages_read_as_zeros_and_stay_absent),
      TEST(a_large_read_is_whole),
      TEST(a_vmo_that_is_not_cached_is_not_read_or_written),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
