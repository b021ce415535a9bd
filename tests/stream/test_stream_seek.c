/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_stream_seek: objects.md 11.3. */
#include "streams.h"

#define START   ZX_STREAM_SEEK_ORIGIN_START
#define CURRENT ZX_STREAM_SEEK_ORIGIN_CURRENT
#define END     ZX_STREAM_SEEK_ORIGIN_END

static uint64_t seek(zx_handle_t s, zx_stream_seek_origin_t whence, int64_t offset) {
  zx_off_t out = 0x5a5a;
  check_ok(zx_stream_seek(s, whence, offset, &out));
  check_equal(seek_of(s), out);
  return out;
}

/* A failure leaves the offset, and what the caller passed. */
static void refuse_seek(zx_handle_t s, zx_stream_seek_origin_t whence, int64_t offset) {
  const uint64_t before = seek_of(s);
  zx_off_t out = 0x5a5a;
  check_status(zx_stream_seek(s, whence, offset, &out), ZX_ERR_INVALID_ARGS);
  check_equal(out, 0x5a5a);
  check_equal(seek_of(s), before);
}

SCENARIO(seeking_from_the_start) {
  const zx_handle_t s = make_stream(READ, make_letters("abcdef"), 3);
  check_equal(seek(s, START, 0), 0);
  check_equal(seek(s, START, 5), 5);
  check_equal(seek(s, START, 1000000), 1000000);
  check_equal(seek(s, START, INT64_MAX), INT64_MAX);
  refuse_seek(s, START, -1);
  refuse_seek(s, START, INT64_MIN);
}

SCENARIO(seeking_from_the_current_place) {
  const zx_handle_t s = make_stream(READ, make_letters("abcdef"), 3);
  check_equal(seek(s, CURRENT, 0), 3);
  check_equal(seek(s, CURRENT, 2), 5);
  check_equal(seek(s, CURRENT, -5), 0);
  refuse_seek(s, CURRENT, -1);
  check_equal(seek(s, CURRENT, 100), 100);
  refuse_seek(s, CURRENT, -101);
  refuse_seek(s, CURRENT, INT64_MIN);
}

/* relative to the content size of the moment */
SCENARIO(seeking_from_the_end) {
  const zx_handle_t vmo = make_resizable_letters("abcdef");
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 3);
  check_equal(seek(s, END, 0), 6);
  check_equal(seek(s, END, -6), 0);
  check_equal(seek(s, END, 4), 10);
  refuse_seek(s, END, -7);
  refuse_seek(s, END, INT64_MIN);
  check_equal(append_letters(s, "gh"), 2);
  check_equal(seek(s, END, -1), 7);
  check_ok(zx_vmo_set_stream_size(vmo, 2));
  check_equal(seek(s, END, 0), 2);
  refuse_seek(s, END, -3);
  const uint64_t far_end = UINT64_MAX - 3;
  check_ok(zx_object_set_property(vmo, ZX_PROP_VMO_CONTENT_SIZE, &far_end, sizeof(far_end)));
  check_equal(seek(s, END, 3), UINT64_MAX);
  refuse_seek(s, END, 4);
  check_equal(seek(s, END, INT64_MIN), far_end - ((uint64_t)INT64_MAX + 1));
}

/* past the end, up to UINT64_MAX */
SCENARIO(the_last_place_is_uint64_max) {
  const zx_handle_t s = make_stream(READ, make_letters("abc"), UINT64_MAX - 1);
  check_equal(seek(s, CURRENT, 1), UINT64_MAX);
  refuse_seek(s, CURRENT, 1);
  refuse_seek(s, CURRENT, INT64_MAX);
  check_equal(seek(s, CURRENT, INT64_MIN), UINT64_MAX - ((uint64_t)INT64_MAX + 1));
  check_equal(seek(s, CURRENT, INT64_MAX), UINT64_MAX - 1);
}

SCENARIO(an_unknown_origin_is_refused) {
  const zx_handle_t s = make_stream(READ, make_letters("abc"), 1);
  refuse_seek(s, 3, 0);
  refuse_seek(s, 4, 0);
  refuse_seek(s, UINT32_MAX, 0);
}

SCENARIO(the_handle_is_checked_before_the_origin) {
  const zx_handle_t vmo = make_vmo(1);
  check_status(zx_stream_seek(ZX_HANDLE_INVALID, 9, 0, NULL), ZX_ERR_BAD_HANDLE);
  check_status(zx_stream_seek(vmo, 9, 0, NULL), ZX_ERR_WRONG_TYPE);
  check_status(zx_stream_seek(make_stream(0, vmo, 0), 9, 0, NULL), ZX_ERR_ACCESS_DENIED);
  const zx_handle_t both = make_stream(READ_WRITE, vmo, 0);
  check_status(zx_stream_seek(duplicate_with(both, ZX_RIGHT_GET_PROPERTY), 9, 0, NULL),
               ZX_ERR_ACCESS_DENIED);
  check_status(zx_stream_seek(both, 9, 0, NULL), ZX_ERR_INVALID_ARGS);
}

/* either right will do */
SCENARIO(reading_or_writing_is_enough_to_seek) {
  const zx_handle_t vmo = make_vmo(1);
  check_equal(seek(make_stream(READ, vmo, 0), START, 5), 5);
  check_equal(seek(make_stream(WRITE, vmo, 0), START, 5), 5);
}

SCENARIO(the_result_may_be_left_out) {
  const zx_handle_t s = make_stream(READ, make_letters("abc"), 0);
  check_ok(zx_stream_seek(s, START, 2, NULL));
  check_equal(seek_of(s), 2);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(seeking_from_the_start),
      TEST(seeking_from_the_current_place),
      TEST(seeking_from_the_end),
      TEST(the_last_place_is_uint64_max),
      TEST(an_unknown_origin_is_refused),
      TEST(the_handle_is_checked_before_the_origin),
      TEST(reading_or_writing_is_enough_to_seek),
      TEST(the_result_may_be_left_out),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
