/* SPDX-License-Identifier: BSD-3-Clause */
/* The order in which transfers check their arguments, and empty transfers: objects.md 11.2. */
#include <string.h>

#include "streams.h"

/* One of the four calls, with all that can be wrong about it. */
struct call {
  zx_handle_t stream;
  uint32_t options;
  uint64_t offset;
  zx_iovec_t* vectors;
  size_t count;
  size_t* actual;
};

static zx_status_t readv(const struct call* c) {
  return zx_stream_readv(c->stream, c->options, c->vectors, c->count, c->actual);
}
static zx_status_t readv_at(const struct call* c) {
  return zx_stream_readv_at(c->stream, c->options, c->offset, c->vectors, c->count, c->actual);
}
static zx_status_t writev(const struct call* c) {
  return zx_stream_writev(c->stream, c->options, c->vectors, c->count, c->actual);
}
static zx_status_t writev_at(const struct call* c) {
  return zx_stream_writev_at(c->stream, c->options, c->offset, c->vectors, c->count, c->actual);
}

static const struct {
  zx_status_t (*make)(const struct call* c);
  bool writes;
  bool at;
} calls[] = {
    {readv, false, false}, {readv_at, false, true}, {writev, true, false}, {writev_at, true, true}};

#define FOR_EACH_CALL(k) for (size_t k = 0; k < sizeof(calls) / sizeof(calls[0]); k++)

/* objects.md 11.2: only writev knows an option */
SCENARIO(options_come_first) {
  FOR_EACH_CALL(k) {
    for (unsigned bit = 0; bit < 32; bit++) {
      const bool known = calls[k].writes && !calls[k].at && bit == 0;
      const struct call c = {.stream = ZX_HANDLE_INVALID, .options = UINT32_C(1) << bit};
      /* A null vector is an error of the same name; so with a vector, and a handle that is none. */
      zx_iovec_t v = {NULL, 0};
      struct call with = c;
      with.vectors = &v;
      check_status(calls[k].make(&c), ZX_ERR_INVALID_ARGS);
      check_status(calls[k].make(&with), known ? ZX_ERR_BAD_HANDLE : ZX_ERR_INVALID_ARGS);
    }
  }
}

/* objects.md 11.2: a null vector, even with n = 0, before the handle */
SCENARIO(a_null_vector_comes_before_the_handle) {
  FOR_EACH_CALL(k) {
    const struct call none = {.stream = ZX_HANDLE_INVALID};
    check_status(calls[k].make(&none), ZX_ERR_INVALID_ARGS);
    const struct call some = {.stream = make_stream(READ_WRITE, make_vmo(1), 0)};
    check_status(calls[k].make(&some), ZX_ERR_INVALID_ARGS);
  }
}

/* objects.md 11.2, 1.1 */
SCENARIO(handle_type_and_rights_come_before_the_sum) {
  const zx_handle_t vmo = make_vmo(1);
  zx_iovec_t too_much[2] = {{NULL, SIZE_MAX}, {NULL, 1}};
  FOR_EACH_CALL(k) {
    struct call c = {.vectors = too_much, .count = 2};
    check_status(calls[k].make(&c), ZX_ERR_BAD_HANDLE);
    c.stream = vmo;
    check_status(calls[k].make(&c), ZX_ERR_WRONG_TYPE);
    c.stream = make_stream(calls[k].writes ? READ : WRITE, vmo, 0);
    check_status(calls[k].make(&c), ZX_ERR_ACCESS_DENIED);
    c.stream = duplicate_with(make_stream(READ_WRITE, vmo, 0),
                              calls[k].writes ? ZX_RIGHT_READ : ZX_RIGHT_WRITE);
    check_status(calls[k].make(&c), ZX_ERR_ACCESS_DENIED);
    c.stream = make_stream(READ_WRITE, vmo, 0);
    check_status(calls[k].make(&c), ZX_ERR_INVALID_ARGS);
  }
}

/* objects.md 11.2: right of the handle, not mode of the stream */
SCENARIO(the_rights_of_the_handle_count) {
  const zx_handle_t both = make_stream(READ_WRITE, make_letters("abc"), 0);
  const zx_handle_t reader = duplicate_with(both, ZX_RIGHT_READ);
  const zx_handle_t writer = duplicate_with(both, ZX_RIGHT_WRITE);
  char byte;
  check_equal(read_bytes(reader, &byte, 1), 1);
  check_equal(write_letters(writer, "x"), 1);
  check_status(try_read(writer), ZX_ERR_ACCESS_DENIED);
  check_status(try_write(reader, 1, 1), ZX_ERR_ACCESS_DENIED);
}

/* objects.md 11.2: the sum of capacities */
SCENARIO(capacities_that_overflow_are_refused) {
  const zx_handle_t vmo = make_letters("abc");
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 0);
  char byte = 0;
  FOR_EACH_CALL(k) {
    size_t actual = 7;
    zx_iovec_t v[3] = {{&byte, 1}, {&byte, SIZE_MAX - 1}, {&byte, 1}};
    const struct call c = {.stream = s, .vectors = v, .count = 3, .actual = &actual};
    check_status(calls[k].make(&c), ZX_ERR_INVALID_ARGS);
    check_equal(actual, 7);
  }
  check_equal(seek_of(s), 0);
  expect_letters(vmo, "abc");
}

/* objects.md 11.2: the sum is 0: nothing else happens */
SCENARIO(an_empty_transfer_succeeds_and_does_nothing) {
  const zx_handle_t vmo = make_resizable_letters("abc");
  const uint64_t places[] = {0, 3, 4, PAGE, UINT64_MAX};
  zx_iovec_t none[2] = {{NULL, 0}, {NULL, 0}};
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
    for (unsigned append = 0; append < 2; append++) {
      const zx_handle_t s = make_stream(READ_WRITE | (append ? APPEND : 0), vmo, places[i]);
      FOR_EACH_CALL(k) {
        for (size_t count = 0; count <= 2; count++) {
          size_t actual = 7;
          const struct call c = {
              .stream = s, .offset = places[i], .vectors = none, .count = count, .actual = &actual};
          check_ok(calls[k].make(&c));
          check_equal(actual, 0);
        }
      }
      size_t actual = 7;
      check_ok(zx_stream_writev(s, ZX_STREAM_APPEND, none, 2, &actual));
      check_equal(actual, 0);
      check_equal(seek_of(s), places[i]);
    }
  }
  check_equal(vmo_size(vmo), PAGE);
  expect_letters(vmo, "abc");
}

/* objects.md 11.2: `actual` may be null */
SCENARIO(the_count_may_be_left_out) {
  const zx_handle_t vmo = make_letters("abcdef");
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 0);
  char bytes[2] = {'x', 'y'};
  zx_iovec_t v = {bytes, 2};
  check_ok(zx_stream_writev(s, 0, &v, 1, NULL));
  check_ok(zx_stream_writev_at(s, 0, 4, &v, 1, NULL));
  check_ok(zx_stream_readv(s, 0, &v, 1, NULL));
  check_true(memcmp(bytes, "cd", 2) == 0);
  check_ok(zx_stream_readv_at(s, 0, 0, &v, 1, NULL));
  check_true(memcmp(bytes, "xy", 2) == 0);
  expect_letters(vmo, "xycdxy");
}

/* objects.md 11.2: entries with capacity 0 are skipped, their pointer is not looked at */
SCENARIO(empty_entries_are_skipped) {
  const zx_handle_t vmo = make_letters("abcdef");
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 0);
  char a[2];
  char b[3];
  zx_iovec_t v[6] = {{NULL, 0}, {a, 2}, {NULL, 0}, {(void*)16, 0}, {b, 3}, {NULL, 0}};
  size_t actual = 0;
  check_ok(zx_stream_readv(s, 0, v, 6, &actual));
  check_equal(actual, 5);
  check_true(memcmp(a, "ab", 2) == 0 && memcmp(b, "cde", 3) == 0);
  memcpy(a, "12", 2);
  memcpy(b, "345", 3);
  check_ok(zx_stream_writev_at(s, 0, 1, v, 6, &actual));
  check_equal(actual, 5);
  expect_letters(vmo, "a12345");
}

/* objects.md 11.2: more entries than fit where few are kept */
SCENARIO(many_entries_are_one_transfer) {
  enum {
    ENTRIES = 300
  };
  const zx_handle_t vmo = make_bytes(2 * ENTRIES, 0);
  const zx_handle_t s = make_stream(READ_WRITE, vmo, 0);
  static uint8_t bytes[ENTRIES][2];
  static zx_iovec_t v[ENTRIES];
  for (unsigned i = 0; i < ENTRIES; i++) {
    bytes[i][0] = (uint8_t)i;
    bytes[i][1] = (uint8_t)(i / 256 + 1);
    v[i] = (zx_iovec_t){bytes[i], 2};
  }
  size_t actual = 0;
  check_ok(zx_stream_writev(s, 0, v, ENTRIES, &actual));
  check_equal(actual, 2 * ENTRIES);
  memset(bytes, 0, sizeof(bytes));
  check_ok(zx_stream_readv_at(s, 0, 0, v, ENTRIES, &actual));
  check_equal(actual, 2 * ENTRIES);
  for (unsigned i = 0; i < ENTRIES; i++) {
    check_equal(bytes[i][0], (uint8_t)i);
    check_equal(bytes[i][1], i / 256 + 1);
  }
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(options_come_first),
      TEST(a_null_vector_comes_before_the_handle),
      TEST(handle_type_and_rights_come_before_the_sum),
      TEST(the_rights_of_the_handle_count),
      TEST(capacities_that_overflow_are_refused),
      TEST(an_empty_transfer_succeeds_and_does_nothing),
      TEST(the_count_may_be_left_out),
      TEST(empty_entries_are_skipped),
      TEST(many_entries_are_one_transfer),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
