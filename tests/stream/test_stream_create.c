/* SPDX-License-Identifier: BSD-3-Clause */
/* Making streams, and what the object layer says of them: objects.md 11.1, 3, 4, 5. */
#include <string.h>

#include "streams.h"

static zx_info_handle_basic_t basic_info(zx_handle_t handle) {
  zx_info_handle_basic_t info;
  check_ok(zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL));
  return info;
}

static zx_status_t try_create(uint32_t options, zx_handle_t vmo) {
  zx_handle_t stream = ZX_HANDLE_INVALID;
  const zx_status_t status = zx_stream_create(options, vmo, 0, &stream);
  if (status == ZX_OK) {
    keep(stream);
  } else {
    check_equal(stream, ZX_HANDLE_INVALID);
  }
  return status;
}

static zx_handle_t make_event(void) {
  zx_handle_t event = ZX_HANDLE_INVALID;
  check_ok(zx_event_create(0, &event));
  return keep(event);
}

/* ---- zx_stream_create ---- */

/* objects.md 11.1: options before the handle */
SCENARIO(an_unknown_option_is_refused_before_the_handle) {
  for (uint32_t bit = 3; bit < 32; bit++) {
    check_status(try_create(UINT32_C(1) << bit, ZX_HANDLE_INVALID), ZX_ERR_INVALID_ARGS);
    check_status(try_create(READ | (UINT32_C(1) << bit), make_vmo(1)), ZX_ERR_INVALID_ARGS);
  }
}

/* objects.md 11.1, 1.1 */
SCENARIO(the_handle_is_checked_before_its_type_and_its_rights) {
  check_status(try_create(READ, ZX_HANDLE_INVALID), ZX_ERR_BAD_HANDLE);
  check_status(try_create(READ_WRITE, make_event()), ZX_ERR_WRONG_TYPE);
  check_status(try_create(READ, make_stream(READ, make_vmo(1), 0)), ZX_ERR_WRONG_TYPE);
}

/* objects.md 11.1 */
SCENARIO(each_mode_needs_the_right_of_that_kind) {
  const zx_handle_t vmo = make_vmo(1);
  const zx_handle_t readable = duplicate_with(vmo, ZX_RIGHT_READ);
  const zx_handle_t writable = duplicate_with(vmo, ZX_RIGHT_WRITE);
  const zx_handle_t bare = duplicate_with(vmo, ZX_RIGHT_NONE);
  check_status(try_create(READ, writable), ZX_ERR_ACCESS_DENIED);
  check_status(try_create(WRITE, readable), ZX_ERR_ACCESS_DENIED);
  check_status(try_create(READ_WRITE, readable), ZX_ERR_ACCESS_DENIED);
  check_status(try_create(READ_WRITE, writable), ZX_ERR_ACCESS_DENIED);
  check_ok(try_create(READ, readable));
  check_ok(try_create(WRITE, writable));
  check_ok(try_create(WRITE | APPEND, writable));
  check_ok(try_create(0, bare));
  check_ok(try_create(APPEND, bare));
}

/* objects.md 1.3 */
SCENARIO(a_null_result_is_found_last) {
  check_status(zx_stream_create(READ, make_vmo(1), 0, NULL), ZX_ERR_INVALID_ARGS);
  check_status(zx_stream_create(READ, ZX_HANDLE_INVALID, 0, NULL), ZX_ERR_BAD_HANDLE);
}

/* objects.md 3, 11.1: READ and WRITE just as asked, whatever the VMO's handle has */
SCENARIO(the_handle_has_the_rights_that_were_asked_for) {
  const zx_handle_t vmo = make_resizable_vmo(1);
  const struct {
    uint32_t modes;
    zx_rights_t rights;
  } cases[] = {
      {0, 0},
      {READ, ZX_RIGHT_READ},
      {WRITE, ZX_RIGHT_WRITE},
      {READ_WRITE, ZX_RIGHT_READ | ZX_RIGHT_WRITE},
      {APPEND, 0},
      {READ_WRITE | APPEND, ZX_RIGHT_READ | ZX_RIGHT_WRITE},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    const zx_info_handle_basic_t info = basic_info(make_stream(cases[i].modes, vmo, 0));
    check_equal(info.rights, 0xd0c3u | cases[i].rights);
    check_equal(info.type, ZX_OBJ_TYPE_STREAM);
    check_equal(info.related_koid, 0);
  }
}

/* objects.md 11.1 */
SCENARIO(any_initial_seek_is_accepted) {
  const zx_handle_t vmo = make_vmo(1);
  const uint64_t places[] = {0, 1, PAGE, PAGE + 1, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX};
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
    check_equal(seek_of(make_stream(READ, vmo, places[i])), places[i]);
  }
}

/* objects.md 11.1, 2.6: a stream keeps the VMO */
SCENARIO(the_vmo_s_handle_may_be_closed) {
  zx_handle_t vmo = make_resizable_letters("abc");
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 0);
  drop(&vmo);
  char bytes[8] = {0};
  check_equal(read_bytes(s, bytes, sizeof(bytes)), 3);
  check_true(memcmp(bytes, "abc", 3) == 0);
  check_equal(append_letters(s, "de"), 2);
  check_equal(read_bytes_at(s, 0, bytes, sizeof(bytes)), 5);
  check_true(memcmp(bytes, "abcde", 5) == 0);
}

/* objects.md 2.6: of a pager too, which then hears no COMPLETE before the stream ends */
SCENARIO(a_stream_keeps_a_pager_s_vmo) {
  struct root* v = make_root(1);
  zx_handle_t s = make_stream(READ, v->vmo, 0);
  supply(v, 0, 1, TAG);
  drop(&v->vmo);
  expect_nothing();
  uint8_t byte = 0;
  check_equal(read_bytes(s, &byte, 1), 1);
  check_equal(byte, content_byte(TAG, 0, 0));
  drop(&s);
  expect_complete(v);
}

/* objects.md 4.5: not a handle */
SCENARIO(a_stream_is_no_handle_to_its_vmo) {
  const zx_handle_t vmo = make_vmo(1);
  make_stream(READ, vmo, 0);
  zx_info_handle_count_t count;
  check_ok(zx_object_get_info(vmo, ZX_INFO_HANDLE_COUNT, &count, sizeof(count), NULL, NULL));
  check_equal(count.handle_count, 1);
}

/* objects.md 11: the seek offset is the object's, not the handle's */
SCENARIO(two_handles_share_one_seek_offset) {
  const zx_handle_t a = make_stream(READ, make_letters("abcdef"), 0);
  const zx_handle_t b = duplicate(a);
  char bytes[4];
  check_equal(read_bytes(a, bytes, 2), 2);
  check_equal(seek_of(b), 2);
  check_equal(read_bytes(b, bytes, 2), 2);
  check_equal(bytes[0], 'c');
  check_equal(seek_of(a), 4);
}

/* objects.md 11: two streams do not */
SCENARIO(two_streams_have_a_seek_offset_each) {
  const zx_handle_t vmo = make_letters("abcdef");
  const zx_handle_t a = make_stream(READ, vmo, 0);
  const zx_handle_t b = make_stream(READ, vmo, 4);
  char bytes[2];
  check_equal(read_bytes(a, bytes, 2), 2);
  check_equal(seek_of(b), 4);
  check_equal(read_bytes(b, bytes, 1), 1);
  check_equal(seek_of(a), 2);
}

/* ---- ZX_INFO_STREAM ---- */

/* objects.md 4.1 */
SCENARIO(info_tells_modes_seek_and_content_size) {
  const zx_handle_t vmo = make_letters("abcdef");
  for (uint32_t modes = 0; modes <= ZX_STREAM_CREATE_MASK; modes++) {
    const zx_info_stream_t info = stream_info(make_stream(modes, vmo, 4 + modes));
    check_equal(info.options, modes);
    check_equal(info.seek, 4 + modes);
    check_equal(info.content_size, 6);
  }
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 0);
  check_equal(write_letters(s, "xy"), 2);
  check_ok(zx_vmo_set_stream_size(vmo, 5));
  check_equal(stream_info(s).seek, 2);
  check_equal(stream_info(s).content_size, 5);
}

/* objects.md 4.1, 4.2 */
SCENARIO(info_is_checked_like_any_record) {
  const zx_handle_t vmo = make_letters("abc");
  const zx_handle_t s = make_stream(READ, vmo, 0);
  zx_info_stream_t info;
  size_t actual = 7;
  size_t avail = 7;
  check_status(
      zx_object_get_info(ZX_HANDLE_INVALID, ZX_INFO_STREAM, &info, sizeof(info), &actual, &avail),
      ZX_ERR_BAD_HANDLE);
  check_status(zx_object_get_info(vmo, ZX_INFO_STREAM, &info, sizeof(info), &actual, &avail),
               ZX_ERR_WRONG_TYPE);
  const zx_handle_t blind = duplicate_with(s, ZX_RIGHT_READ);
  check_status(zx_object_get_info(blind, ZX_INFO_STREAM, &info, sizeof(info), &actual, &avail),
               ZX_ERR_ACCESS_DENIED);
  check_equal(actual, 7);
  check_equal(avail, 7);
  check_status(zx_object_get_info(s, ZX_INFO_STREAM, &info, sizeof(info) - 1, &actual, &avail),
               ZX_ERR_BUFFER_TOO_SMALL);
  check_equal(actual, 0);
  check_equal(avail, 1);
  check_ok(zx_object_get_info(s, ZX_INFO_STREAM, &info, sizeof(info), &actual, &avail));
  check_equal(actual, 1);
}

/* ---- Properties ---- */

static uint8_t get_append(zx_handle_t stream) {
  uint8_t value = 0x5a;
  check_ok(zx_object_get_property(stream, ZX_PROP_STREAM_MODE_APPEND, &value, sizeof(value)));
  return value;
}

static void set_append(zx_handle_t stream, uint8_t value) {
  check_ok(zx_object_set_property(stream, ZX_PROP_STREAM_MODE_APPEND, &value, sizeof(value)));
}

/* objects.md 5.5 */
SCENARIO(append_mode_reads_back_as_0_or_1) {
  const zx_handle_t s = make_stream(WRITE, make_vmo(1), 0);
  check_equal(get_append(s), 0);
  set_append(s, 1);
  check_equal(get_append(s), 1);
  set_append(s, 0);
  check_equal(get_append(s), 0);
  set_append(s, 0x80);
  check_equal(get_append(s), 1);
  check_equal(get_append(make_stream(APPEND, make_vmo(1), 0)), 1);
}

/* objects.md 5.5, 4.1: of the object, and told by info */
SCENARIO(append_mode_is_the_stream_s) {
  const zx_handle_t a = make_stream(WRITE, make_resizable_letters("abc"), 0);
  const zx_handle_t b = duplicate(a);
  set_append(a, 1);
  check_equal(get_append(b), 1);
  check_equal(stream_info(b).options, WRITE | APPEND);
  check_equal(write_letters(b, "d"), 1);
  check_equal(seek_of(a), 4);
  set_append(b, 0);
  check_equal(stream_info(a).options, WRITE);
}

/* objects.md 5: value, handle, right, size, type, in this order */
SCENARIO(append_mode_is_checked_like_any_property) {
  const zx_handle_t vmo = make_vmo(1);
  const zx_handle_t s = make_stream(WRITE, vmo, 0);
  const zx_handle_t poor = duplicate_with(s, ZX_RIGHT_WRITE);
  uint8_t value = 1;
  check_status(zx_object_get_property(ZX_HANDLE_INVALID, ZX_PROP_STREAM_MODE_APPEND, NULL, 1),
               ZX_ERR_INVALID_ARGS);
  check_status(zx_object_set_property(ZX_HANDLE_INVALID, ZX_PROP_STREAM_MODE_APPEND, NULL, 1),
               ZX_ERR_INVALID_ARGS);
  check_status(zx_object_get_property(ZX_HANDLE_INVALID, ZX_PROP_STREAM_MODE_APPEND, &value, 1),
               ZX_ERR_BAD_HANDLE);
  check_status(zx_object_get_property(poor, ZX_PROP_STREAM_MODE_APPEND, &value, 0),
               ZX_ERR_ACCESS_DENIED);
  check_status(zx_object_set_property(poor, ZX_PROP_STREAM_MODE_APPEND, &value, 0),
               ZX_ERR_ACCESS_DENIED);
  check_status(zx_object_get_property(vmo, ZX_PROP_STREAM_MODE_APPEND, &value, 0),
               ZX_ERR_BUFFER_TOO_SMALL);
  check_status(zx_object_set_property(vmo, ZX_PROP_STREAM_MODE_APPEND, &value, 0),
               ZX_ERR_BUFFER_TOO_SMALL);
  check_status(zx_object_get_property(vmo, ZX_PROP_STREAM_MODE_APPEND, &value, 1),
               ZX_ERR_WRONG_TYPE);
  check_status(zx_object_set_property(vmo, ZX_PROP_STREAM_MODE_APPEND, &value, 1),
               ZX_ERR_WRONG_TYPE);
  uint64_t wide = 1;
  check_ok(zx_object_set_property(s, ZX_PROP_STREAM_MODE_APPEND, &wide, sizeof(wide)));
  check_equal(get_append(s), 1);
}

/* objects.md 5.3, 5 */
SCENARIO(a_stream_has_no_name_and_no_content_size_property) {
  const zx_handle_t s = make_stream(READ_WRITE, make_vmo(1), 0);
  char name[ZX_MAX_NAME_LEN] = "s";
  uint64_t size = 0;
  check_status(zx_object_get_property(s, ZX_PROP_NAME, name, sizeof(name)), ZX_ERR_WRONG_TYPE);
  check_status(zx_object_set_property(s, ZX_PROP_NAME, name, 1), ZX_ERR_WRONG_TYPE);
  check_status(zx_object_get_property(s, ZX_PROP_VMO_CONTENT_SIZE, &size, sizeof(size)),
               ZX_ERR_WRONG_TYPE);
  check_status(zx_object_set_property(s, ZX_PROP_VMO_CONTENT_SIZE, &size, sizeof(size)),
               ZX_ERR_WRONG_TYPE);
}

/* ---- Signals ---- */

/* objects.md 6.1, 3: none of its own, user signals as everywhere */
SCENARIO(a_stream_has_user_signals_alone) {
  const zx_handle_t s = make_stream(READ, make_vmo(1), 0);
  zx_signals_t seen = 1;
  check_status(zx_object_wait_one(s, UINT32_MAX, 0, &seen), ZX_ERR_TIMED_OUT);
  check_equal(seen, 0);
  check_ok(zx_object_signal(s, 0, ZX_USER_SIGNAL_3));
  check_ok(zx_object_wait_one(s, ZX_USER_SIGNAL_3, ZX_TIME_INFINITE, &seen));
  check_equal(seen, ZX_USER_SIGNAL_3);
  check_status(zx_object_signal(s, 0, ZX_EVENT_SIGNALED), ZX_ERR_INVALID_ARGS);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(an_unknown_option_is_refused_before_the_handle),
      TEST(the_handle_is_checked_before_its_type_and_its_rights),
      TEST(each_mode_needs_the_right_of_that_kind),
      TEST(a_null_result_is_found_last),
      TEST(the_handle_has_the_rights_that_were_asked_for),
      TEST(any_initial_seek_is_accepted),
      TEST(the_vmo_s_handle_may_be_closed),
      TEST(a_stream_keeps_a_pager_s_vmo),
      TEST(a_stream_is_no_handle_to_its_vmo),
      TEST(two_handles_share_one_seek_offset),
      TEST(two_streams_have_a_seek_offset_each),
      TEST(info_tells_modes_seek_and_content_size),
      TEST(info_is_checked_like_any_record),
      TEST(append_mode_reads_back_as_0_or_1),
      TEST(append_mode_is_the_stream_s),
      TEST(append_mode_is_checked_like_any_property),
      TEST(a_stream_has_no_name_and_no_content_size_property),
      TEST(a_stream_has_user_signals_alone),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
