/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffers that are bad, or that lie in mapped VMOs: objects.md 11.2, 16.8, vmo.md 3. */
#include <string.h>

#include "streams.h"
#include "writeback.h"

static zx_status_t readv2(zx_handle_t s, void* a, size_t a_size, void* b, size_t b_size,
                          size_t* actual) {
  zx_iovec_t v[2] = {{a, a_size}, {b, b_size}};
  return zx_stream_readv(s, 0, v, 2, actual);
}

static zx_status_t writev2(zx_handle_t s, void* a, size_t a_size, void* b, size_t b_size,
                           size_t* actual) {
  const zx_iovec_t v[2] = {{a, a_size}, {b, b_size}};
  return zx_stream_writev(s, 0, v, 2, actual);
}

/* ---- Bad buffers ---- */

/* nothing moved yet: NOT_FOUND; the offset stays */
SCENARIO(a_null_buffer_that_comes_first_is_not_found) {
  const zx_handle_t vmo = make_resizable_letters("abcdef");
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 1);
  size_t actual = 7;
  char bytes[4] = "wxyz";
  check_status(readv2(s, NULL, 2, bytes, 2, &actual), ZX_ERR_NOT_FOUND);
  check_status(writev2(s, NULL, 2, bytes, 2, &actual), ZX_ERR_NOT_FOUND);
  check_status(readv2(s, bytes, 0, NULL, 2, &actual), ZX_ERR_NOT_FOUND);
  check_equal(actual, 7);
  check_equal(seek_of(s), 1);
  expect_letters(vmo, "abcdef");
}

/* else a short count */
SCENARIO(a_null_buffer_ends_a_transfer_with_what_came_before) {
  const zx_handle_t vmo = make_letters("abcdef");
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 1);
  size_t actual = 7;
  char bytes[4] = "####";
  check_ok(readv2(s, bytes, 2, NULL, 2, &actual));
  check_equal(actual, 2);
  check_true(memcmp(bytes, "bc##", 4) == 0);
  check_equal(seek_of(s), 3);
  check_ok(writev2(s, bytes, 2, NULL, 100, &actual));
  check_equal(actual, 2);
  check_equal(seek_of(s), 5);
  expect_letters(vmo, "abcbcf");
}

/* entries beyond what there is to transfer are not looked at */
SCENARIO(a_null_buffer_that_is_not_reached_does_not_count) {
  const zx_handle_t vmo = make_letters("abcdef");
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 4);
  size_t actual = 7;
  char bytes[4];
  check_ok(readv2(s, bytes, 2, NULL, 2, &actual));
  check_equal(actual, 2);
  check_ok(readv2(s, NULL, 2, NULL, 2, &actual));
  check_equal(actual, 0);
  seek_to(s, PAGE - 2);
  check_ok(writev2(s, bytes, 2, NULL, 2, &actual));
  check_equal(actual, 2);
  check_status(writev2(s, NULL, 2, NULL, 2, &actual), ZX_ERR_NO_SPACE);
}

/* the VMO has grown; the content covers what was written, which is nothing */
SCENARIO(a_bad_buffer_of_a_growing_write_leaves_the_content) {
  const zx_handle_t vmo = make_resizable_letters("abc");
  const zx_handle_t s = make_stream(WRITE, vmo, 2 * PAGE);
  size_t actual = 7;
  char bytes[4] = "wxyz";
  check_status(writev2(s, NULL, 4, bytes, 4, &actual), ZX_ERR_NOT_FOUND);
  check_equal(vmo_size(vmo), 3 * PAGE);
  expect_letters(vmo, "abc");
  check_equal(seek_of(s), 2 * PAGE);
  check_ok(writev2(s, bytes, 4, NULL, 4, &actual));
  check_equal(actual, 4);
  check_equal(content_size(vmo), 2 * PAGE + 4);
  check_equal(seek_of(s), 2 * PAGE + 4);
}

/* memory of the root region where nothing is mapped */
SCENARIO(an_unmapped_buffer_is_not_found) {
  need_mappings();
  const zx_handle_t vmo = make_letters("abcdef");
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 0);
  uint8_t* hole = make_hole();
  size_t actual = 7;
  char bytes[2] = "xy";
  check_status(readv2(s, hole, 2, bytes, 2, &actual), ZX_ERR_NOT_FOUND);
  check_status(writev2(s, hole, 2, bytes, 2, &actual), ZX_ERR_NOT_FOUND);
  check_equal(actual, 7);
  check_ok(writev2(s, bytes, 2, hole, 2, &actual));
  check_equal(actual, 2);
  check_equal(seek_of(s), 2);
  expect_letters(vmo, "xycdef");
}

/* vmo.md 3: no permission; past the end of what is mapped */
SCENARIO(a_buffer_without_permission_is_denied) {
  need_mappings();
  const zx_handle_t s = make_stream(READ_WRITE, make_letters("abcdef"), 0);
  const zx_handle_t shown = make_resizable_vmo(2);
  uint8_t* read_only = map_with(shown, ZX_VM_PERM_READ, 0, 2 * PAGE);
  uint8_t* at = map_vmo(shown, 0, 2 * PAGE);
  size_t actual = 7;
  check_status(readv2(s, read_only, 2, NULL, 0, &actual), ZX_ERR_ACCESS_DENIED);
  check_ok(zx_vmo_set_size(shown, PAGE));
  check_status(readv2(s, at + PAGE, 2, NULL, 0, &actual), ZX_ERR_OUT_OF_RANGE);
  check_status(writev2(s, at + PAGE, 2, NULL, 0, &actual), ZX_ERR_OUT_OF_RANGE);
  check_equal(actual, 7);
  check_equal(seek_of(s), 0);
  check_ok(writev2(s, read_only, 2, at + PAGE, 2, &actual));
  check_equal(actual, 2);
}

/* a buffer that is good up to some byte */
SCENARIO(a_buffer_that_ends_early_gives_a_short_count) {
  need_mappings();
  const zx_handle_t vmo = make_source(0, 4, TAG);
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 0);
  const zx_handle_t shown = make_resizable_vmo(2);
  uint8_t* at = map_vmo(shown, 0, 2 * PAGE);
  check_ok(zx_vmo_set_size(shown, PAGE));
  size_t actual = 0;
  check_ok(readv2(s, at, 2 * PAGE, NULL, 0, &actual));
  check_equal(actual, PAGE);
  check_true(content_is(at, 0, 1, TAG));
  seek_to(s, 2 * PAGE);
  check_ok(writev2(s, at, 2 * PAGE, NULL, 0, &actual));
  check_equal(actual, PAGE);
  check_equal(seek_of(s), 3 * PAGE);
}

/* ---- Buffers in mapped VMOs ---- */

/* of another VMO, of the same one */
SCENARIO(a_buffer_may_be_a_mapping) {
  need_mappings();
  const zx_handle_t vmo = make_source(0, 4, TAG);
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 0);
  uint8_t* other = map_vmo(make_vmo(2), 0, 2 * PAGE);
  uint8_t* same = map_vmo(vmo, 0, 4 * PAGE);
  size_t actual = 0;
  check_ok(readv2(s, other, 2 * PAGE, NULL, 0, &actual));
  check_equal(actual, 2 * PAGE);
  check_true(content_is(other, 0, 2, TAG));
  /* Pages 0 and 1 to 2 and 3. */
  check_ok(writev2(s, same, PAGE, same + PAGE, PAGE, &actual));
  check_equal(actual, 2 * PAGE);
  check_true(content_is(same + 2 * PAGE, 0, 2, TAG));
  /* Onto itself: nothing changes. */
  seek_to(s, 0);
  check_ok(writev2(s, same, 2 * PAGE, NULL, 0, &actual));
  seek_to(s, 0);
  check_ok(readv2(s, same, 2 * PAGE, NULL, 0, &actual));
  check_true(content_is(same, 0, 2, TAG));
}

/* an append of a mapping of the VMO that grows */
SCENARIO(a_vmo_may_be_appended_to_itself) {
  need_mappings();
  const zx_handle_t vmo = make_resizable_vmo(1);
  uint8_t* at = map_with(vmo, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_ALLOW_FAULTS, 0, 4 * PAGE);
  content_fill(at, 0, 1, TAG);
  const zx_handle_t s = make_stream(WRITE, vmo, 0);
  for (uint64_t n = 1; n < 4; n++) {
    const zx_iovec_t v = {at, PAGE};
    size_t actual = 0;
    check_ok(zx_stream_writev(s, ZX_STREAM_APPEND, &v, 1, &actual));
    check_equal(actual, PAGE);
    check_true(content_is(at + n * PAGE, 0, 1, TAG));
  }
}

/* a page that the pager has yet to supply blocks just this caller */
SCENARIO(a_buffer_in_pager_memory_waits_for_its_page) {
  need_mappings();
  struct root* v = make_root(4);
  const zx_handle_t vmo = make_letters("abcdef");
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 0);
  struct io* t1 = start_io_with(IO_READV, s, 0, map_of(v) + PAGE + 8, 4);
  expect_read(v, 1, 1);
  check_equal(write_letters_at(s, 4, "XY"), 2);
  expect_blocked(t1);
  supply(v, 1, 1, TAG);
  expect_moved(t1, 4);
  expect_letters_in(v->vmo, PAGE + 8, "abcd");
  struct io* t2 = start_io_with(IO_WRITEV_AT, s, 0, map_of(v) + 2 * PAGE, 3);
  expect_read(v, 2, 1);
  fail_pages(v, 2, 1, ZX_ERR_IO);
  expect_error(t2, ZX_ERR_IO);
  expect_letters(vmo, "abcdXY");
  expect_nothing();
}

/* and a growing write while it waits so claims its own content only */
SCENARIO(a_growing_write_waits_for_its_buffer) {
  need_mappings();
  struct root* v = make_root(4);
  const zx_handle_t vmo = make_resizable_letters("abc");
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 0);
  struct io* t1 = start_io_with(IO_APPEND, s, 0, map_of(v), PAGE);
  expect_read(v, 0, 1);
  check_equal(content_size(vmo), 3);
  struct io* t2 = start_io(IO_SET_SIZE, vmo, 1, 0, 0);
  await_claims(1);
  expect_blocked(t2);
  check_equal(write_letters_at(s, 0, "X"), 1);
  supply(v, 0, 1, TAG);
  expect_moved(t1, PAGE);
  expect_done(t2);
  expect_letters(vmo, "X");
}

/* source and buffer in one VMO of a pager, neither there */
SCENARIO(a_read_of_a_vmo_into_its_own_mapping_ends) {
  need_mappings();
  struct root* v = make_root(8);
  struct io* t1 =
      start_io_with(IO_READV_AT, make_stream(READ, v->vmo, 0), PAGE, map_of(v) + 4 * PAGE, PAGE);
  await_asking(t1);
  supply(v, 0, 8, TAG);
  expect_moved(t1, PAGE);
  uint8_t bytes[PAGE];
  check_ok(zx_vmo_read(v->vmo, bytes, 4 * PAGE, PAGE));
  check_true(content_is(bytes, 1, 1, TAG));
}

/* two threads crosswise */
SCENARIO(crosswise_transfers_do_not_deadlock) {
  need_mappings();
  struct root* a = make_root(8);
  struct root* b = make_root(8);
  const zx_handle_t sa = make_stream(READ_WRITE, a->vmo, 0);
  const zx_handle_t sb = make_stream(READ_WRITE, b->vmo, 0);
  struct io* t1 = start_io_with(IO_READV, sa, 0, map_of(b) + 4 * PAGE, 4 * PAGE);
  await_asking(t1);
  struct io* t2 = start_io_with(IO_WRITEV, sb, 0, map_of(a) + 4 * PAGE, 4 * PAGE);
  await_asking(t2);
  supply(a, 0, 8, TAG);
  supply(b, 0, 8, TAG + 1);
  expect_moved(t1, 4 * PAGE);
  expect_moved(t2, 4 * PAGE);
  expect_nothing();
}

/* the vectors and the results may lie there too */
SCENARIO(vectors_and_results_may_be_in_mapped_memory) {
  need_mappings();
  struct root* v = make_root(1);
  supply(v, 0, 1, TAG);
  uint8_t* at = map_of(v);
  const zx_handle_t vmo = make_letters("abcdef");
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 0);
  zx_iovec_t vectors[2] = {{at + 512, 2}, {at + 600, 3}};
  check_ok(zx_vmo_write(v->vmo, vectors, 64, sizeof(vectors)));
  check_ok(zx_stream_readv(s, 0, (zx_iovec_t*)(at + 64), 2, (size_t*)(at + 8)));
  size_t actual = 0;
  check_ok(zx_vmo_read(v->vmo, &actual, 8, sizeof(actual)));
  check_equal(actual, 5);
  expect_letters_in(v->vmo, 512, "ab");
  expect_letters_in(v->vmo, 600, "cde");
  check_ok(zx_stream_seek(s, ZX_STREAM_SEEK_ORIGIN_CURRENT, 1, (zx_off_t*)(at + 16)));
  uint64_t seek = 0;
  check_ok(zx_vmo_read(v->vmo, &seek, 16, sizeof(seek)));
  check_equal(seek, 6);
  zx_iovec_t* hole = make_hole();
  check_status(zx_stream_readv(s, 0, hole, 1, NULL), ZX_ERR_NOT_FOUND);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(a_null_buffer_that_comes_first_is_not_found),
      TEST(a_null_buffer_ends_a_transfer_with_what_came_before),
      TEST(a_null_buffer_that_is_not_reached_does_not_count),
      TEST(a_bad_buffer_of_a_growing_write_leaves_the_content),
      TEST(an_unmapped_buffer_is_not_found),
      TEST(a_buffer_without_permission_is_denied),
      TEST(a_buffer_that_ends_early_gives_a_short_count),
      TEST(a_buffer_may_be_a_mapping),
      TEST(a_vmo_may_be_appended_to_itself),
      TEST(a_buffer_in_pager_memory_waits_for_its_page),
      TEST(a_growing_write_waits_for_its_buffer),
      TEST(a_read_of_a_vmo_into_its_own_mapping_ends),
      TEST(crosswise_transfers_do_not_deadlock),
      TEST(vectors_and_results_may_be_in_mapped_memory),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
