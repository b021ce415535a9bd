/* SPDX-License-Identifier: BSD-3-Clause */
/* Sizes, stream sizes and the content-size property: vmo.md 4. */
#include <string.h>

#include "tagged.h"

#define MAX_SIZE UINT64_C(0xFFFFFFFFFFFE0000)

static uint64_t size_of(zx_handle_t vmo) {
  uint64_t size = 0;
  check_ok(zx_vmo_get_size(vmo, &size));
  return size;
}

static uint64_t stream_size_of(zx_handle_t vmo) {
  uint64_t size = 0;
  check_ok(zx_vmo_get_stream_size(vmo, &size));
  return size;
}

static uint64_t content_size_of(zx_handle_t vmo) {
  uint64_t size = 0;
  check_ok(zx_object_get_property(vmo, ZX_PROP_VMO_CONTENT_SIZE, &size, sizeof(size)));
  return size;
}

static zx_status_t set_property(zx_handle_t vmo, uint64_t size) {
  return zx_object_set_property(vmo, ZX_PROP_VMO_CONTENT_SIZE, &size, sizeof(size));
}

/* Whether the bytes [offset, offset + length) are all this. */
static bool bytes_are(zx_handle_t vmo, uint64_t offset, uint64_t length, uint8_t byte) {
  uint8_t bytes[4 * PAGE];
  check_ok(zx_vmo_read(vmo, bytes, offset, length));
  return is_filled_with(bytes, byte, length);
}

/* ---- zx_vmo_set_size ---- */

/* vmo.md 4: the order of the checks */
SCENARIO(set_size_finds_mistakes_in_the_documented_order) {
  const zx_handle_t fixed = make_vmo(1);
  const zx_handle_t resizable = make_resizable_vmo(1);
  const zx_rights_t all = ZX_DEFAULT_VMO_RIGHTS | ZX_RIGHT_RESIZE;
  const zx_handle_t no_write = duplicate_with(resizable, all & ~ZX_RIGHT_WRITE);
  const zx_handle_t no_resize = duplicate_with(resizable, all & ~ZX_RIGHT_RESIZE);
  const zx_handle_t fixed_no_write = duplicate_with(fixed, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_WRITE);

  check_status(zx_vmo_set_size(ZX_HANDLE_INVALID, UINT64_MAX), ZX_ERR_BAD_HANDLE);
  check_status(zx_vmo_set_size(fx.port, UINT64_MAX), ZX_ERR_WRONG_TYPE);
  check_status(zx_vmo_set_size(no_write, UINT64_MAX), ZX_ERR_ACCESS_DENIED);
  check_status(zx_vmo_set_size(fixed_no_write, PAGE), ZX_ERR_ACCESS_DENIED);
  check_status(zx_vmo_set_size(no_resize, UINT64_MAX), ZX_ERR_ACCESS_DENIED);
  check_status(zx_vmo_set_size(no_resize, PAGE), ZX_ERR_ACCESS_DENIED);
  check_status(zx_vmo_set_size(fixed, UINT64_MAX), ZX_ERR_OUT_OF_RANGE);
  check_status(zx_vmo_set_size(fixed, UINT64_MAX - PAGE + 2), ZX_ERR_OUT_OF_RANGE);
  check_status(zx_vmo_set_size(fixed, UINT64_MAX - PAGE + 1), ZX_ERR_UNAVAILABLE);
  check_status(zx_vmo_set_size(fixed, MAX_SIZE + 1), ZX_ERR_UNAVAILABLE);
  check_status(zx_vmo_set_size(fixed, PAGE), ZX_ERR_UNAVAILABLE);
  check_status(zx_vmo_set_size(resizable, UINT64_MAX), ZX_ERR_OUT_OF_RANGE);
  check_status(zx_vmo_set_size(resizable, MAX_SIZE + 1), ZX_ERR_OUT_OF_RANGE);
  check_equal(size_of(resizable), PAGE);
  check_equal(stream_size_of(resizable), PAGE);
  check_ok(zx_vmo_set_size(resizable, MAX_SIZE));
  check_equal(size_of(resizable), MAX_SIZE);
}

/* vmo.md 4: "New size is rounded up; the stream size becomes `size` exactly" */
SCENARIO(set_size_rounds_the_size_and_takes_the_stream_size_as_it_is) {
  const zx_handle_t vmo = make_resizable_vmo(2);
  static const uint64_t sizes[] = {3 * PAGE, 3 * PAGE + 1, 100, 0, PAGE - 1, PAGE, 5 * PAGE - 7};
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    check_ok(zx_vmo_set_size(vmo, sizes[i]));
    check_equal(size_of(vmo), (sizes[i] + PAGE - 1) / PAGE * PAGE);
    check_equal(stream_size_of(vmo), sizes[i]);
    check_equal(content_size_of(vmo), sizes[i]);
  }
}

/* vmo.md 4: "Bytes from `size` to the rounded end are zero afterwards" */
EACH_WAY(the_rest_of_the_last_page_becomes_zero) {
  struct vmo* v = anonymous(way, ZX_VMO_RESIZABLE, "1 1 1");
  check_ok(zx_vmo_set_size(v->handle, PAGE + 100));
  expect_at(v, 1, 99, 1);
  expect_at(v, 1, 100, 0);
  expect_at(v, 1, PAGE - 1, 0);
  expect_at(v, 0, PAGE - 1, 1);
  /* Within the same page, growing: what was written past the old size goes too. */
  put_byte(v, 1, 200, 5);
  put_byte(v, 1, 400, 6);
  check_ok(zx_vmo_set_size(v->handle, PAGE + 300));
  expect_at(v, 1, 99, 1);
  expect_at(v, 1, 200, 5);
  expect_at(v, 1, 400, 0);
  resize(v, 3);
  expect_at(v, 1, 400, 0);
  expect_at(v, 2, 0, 0);
}

/* vmo.md 4: "Shrinking drops pages for good" */
EACH_WAY(pages_that_were_cut_off_come_back_as_zeros) {
  struct vmo* v = anonymous(way, ZX_VMO_RESIZABLE, "1 2 3 4");
  expect_tags(v, "1 2 3 4");
  resize(v, 2);
  expect_tags(v, "1 2");
  check_equal(vmo_info(v->handle).committed_bytes, 2 * PAGE);
  resize(v, 4);
  expect_tags(v, "1 2 0 0");
  check_equal(vmo_info(v->handle).committed_bytes, 2 * PAGE);
  put(v, 3, 7);
  resize(v, 0);
  expect_tags(v, "");
  check_equal(vmo_info(v->handle).committed_bytes, 0);
  resize(v, 4);
  expect_tags(v, "0 0 0 0");
}

/* vmo.md 4: "Through a mapping, an access past the end faults fatally" */
SCENARIO(an_access_past_the_end_is_fatal_until_the_vmo_grows_again) {
  struct vmo* v = anonymous(BY_MAPPING, ZX_VMO_RESIZABLE, "1 2 3");
  expect_tags(v, "1 2 3");
  expect_sigbus(start_load(v->map + 3 * PAGE));
  resize(v, 1);
  expect_sigbus(start_load(v->map + PAGE));
  expect_sigbus(start_store(v->map + 3 * PAGE - 1, 1));
  expect_byte(start_load(v->map + PAGE - 1), 1);
  resize(v, 4);
  expect_byte(start_load(v->map + PAGE), 0);
  expect_ok(start_store(v->map + 3 * PAGE, 9));
  expect_at(v, 3, 0, 9);
}

/* vmo.md 4: the same through a mapping of another part, and through one that is cut short */
SCENARIO(every_mapping_follows_the_size) {
  struct vmo* v = anonymous(BY_CALLS, ZX_VMO_RESIZABLE, "1 2 3 4");
  const zx_vm_option_t options = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_ALLOW_FAULTS;
  uint8_t* tail = map_with(v->handle, options, 2 * PAGE, 4 * PAGE);
  uint8_t* cut = map_with(v->handle, options, 0, 4 * PAGE);
  unmap(cut + PAGE, PAGE);
  expect_byte(start_load(tail), 3);
  resize(v, 3);
  expect_sigbus(start_load(tail + PAGE));
  expect_sigbus(start_load(cut + 3 * PAGE));
  expect_byte(start_load(cut + 2 * PAGE), 3);
  expect_sigsegv(start_load(cut + PAGE));
  resize(v, 6);
  expect_byte(start_load(tail + PAGE), 0);
  expect_ok(start_store(tail + 3 * PAGE, 6));
  expect_sigsegv(start_load(cut + PAGE));
  expect_tags(v, "1 2 3 0 0 ?");
}

/* vmo.md 4: a resize to the size it has */
EACH_WAY(a_resize_to_the_same_size_keeps_the_pages) {
  struct vmo* v = anonymous(way, ZX_VMO_RESIZABLE, "1 2");
  resize(v, 2);
  expect_tags(v, "1 2");
}

/* ---- zx_vmo_set_stream_size ---- */

/* vmo.md 4: the order of the checks */
SCENARIO(set_stream_size_needs_write_and_no_more_than_the_size) {
  const zx_handle_t vmo = make_vmo(2);
  const zx_handle_t no_write = duplicate_with(vmo, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_WRITE);
  const zx_handle_t resizable = make_resizable_vmo(2);
  const zx_handle_t no_resize = duplicate_with(resizable, ZX_DEFAULT_VMO_RIGHTS);
  check_status(zx_vmo_set_stream_size(ZX_HANDLE_INVALID, 0), ZX_ERR_BAD_HANDLE);
  check_status(zx_vmo_set_stream_size(fx.port, 0), ZX_ERR_WRONG_TYPE);
  check_status(zx_vmo_set_stream_size(no_write, UINT64_MAX), ZX_ERR_ACCESS_DENIED);
  check_status(zx_vmo_set_stream_size(vmo, 2 * PAGE + 1), ZX_ERR_OUT_OF_RANGE);
  check_status(zx_vmo_set_stream_size(vmo, UINT64_MAX), ZX_ERR_OUT_OF_RANGE);
  check_ok(zx_vmo_set_stream_size(vmo, 2 * PAGE));
  check_ok(zx_vmo_set_stream_size(vmo, 0));
  check_ok(zx_vmo_set_stream_size(no_resize, 5));
  check_equal(stream_size_of(vmo), 0);
  check_equal(stream_size_of(resizable), 5);
  check_equal(size_of(vmo), 2 * PAGE);
}

/* vmo.md 4: "Equal to the current stream size: OK", even where that is above the VMO's size */
SCENARIO(the_current_stream_size_may_be_set_again_whatever_it_is) {
  const zx_handle_t vmo = make_vmo(1);
  check_ok(set_property(vmo, 3 * PAGE));
  check_ok(zx_vmo_set_stream_size(vmo, 3 * PAGE));
  check_equal(stream_size_of(vmo), 3 * PAGE);
  check_status(zx_vmo_set_stream_size(vmo, 2 * PAGE), ZX_ERR_OUT_OF_RANGE);
  check_equal(stream_size_of(vmo), 3 * PAGE);
}

/* A VMO of four pages of 0xff with a stream size of one: the table of vmo.md 4. */
static struct vmo* full_vmo(enum way way) {
  struct vmo* v = anonymous(way, 0, "0 0 0 0");
  check_ok(zx_vmo_set_stream_size(v->handle, PAGE));
  for (uint64_t page = 0; page < 4; page++) {
    put(v, page, 0xff);
  }
  check_equal(stream_size_of(v->handle), PAGE);
  return v;
}

static void expect_thirds(struct vmo* v, uint64_t stream_size, uint8_t second, uint8_t third,
                          uint8_t fourth) {
  check_equal(stream_size_of(v->handle), stream_size);
  check_true(bytes_are(v->handle, 0, PAGE, 0xff));
  check_true(bytes_are(v->handle, PAGE, PAGE, second));
  check_true(bytes_are(v->handle, 2 * PAGE, PAGE, third));
  check_true(bytes_are(v->handle, 3 * PAGE, PAGE, fourth));
  if (v->map == NULL) return;
  expect_at(v, 1, 1, second);
  expect_at(v, 2, 2, third);
  expect_at(v, 3, 3, fourth);
}

/* vmo.md 4: first row of the table */
EACH_WAY(set_stream_size_to_more_clears_from_the_old_one) {
  struct vmo* v = full_vmo(way);
  check_ok(zx_vmo_set_stream_size(v->handle, 3 * PAGE));
  expect_thirds(v, 3 * PAGE, 0, 0, 0);
}

/* vmo.md 4: second row */
EACH_WAY(set_stream_size_to_the_same_touches_nothing) {
  struct vmo* v = full_vmo(way);
  check_ok(zx_vmo_set_stream_size(v->handle, PAGE));
  expect_thirds(v, PAGE, 0xff, 0xff, 0xff);
}

/* vmo.md 4: third row */
EACH_WAY(the_property_set_to_more_clears_from_the_new_value_only) {
  struct vmo* v = full_vmo(way);
  check_ok(set_property(v->handle, 3 * PAGE));
  expect_thirds(v, 3 * PAGE, 0xff, 0xff, 0);
}

/* vmo.md 4: fourth row */
EACH_WAY(the_property_set_to_the_same_clears_the_rest) {
  struct vmo* v = full_vmo(way);
  check_ok(set_property(v->handle, PAGE));
  expect_thirds(v, PAGE, 0, 0, 0);
}

/* vmo.md 4: byte-exact, downwards */
EACH_WAY(set_stream_size_to_less_clears_from_there_on) {
  struct vmo* v = full_vmo(way);
  check_ok(zx_vmo_set_stream_size(v->handle, 10));
  check_equal(stream_size_of(v->handle), 10);
  expect_at(v, 0, 9, 0xff);
  check_true(bytes_are(v->handle, 10, 4 * PAGE - 10, 0));
  expect_at(v, 0, 10, 0);
  expect_at(v, 3, 0, 0);
}

/* ---- ZX_PROP_VMO_CONTENT_SIZE ---- */

/* vmo.md 4: "any value is accepted, above the VMO size too" */
SCENARIO(the_property_takes_any_value) {
  struct vmo* v = anonymous(BY_CALLS, 0, "1 2");
  check_ok(set_property(v->handle, UINT64_MAX));
  check_equal(content_size_of(v->handle), UINT64_MAX);
  check_equal(stream_size_of(v->handle), UINT64_MAX);
  check_equal(size_of(v->handle), 2 * PAGE);
  expect_tags(v, "1 2");
  check_ok(set_property(v->handle, 2 * PAGE));
  expect_tags(v, "1 2");
  check_ok(set_property(v->handle, PAGE));
  expect_tags(v, "1 0");
}

/* vmo.md 4: order of checks, get and set */
SCENARIO(the_property_finds_mistakes_in_the_documented_order) {
  const zx_handle_t vmo = make_vmo(1);
  const zx_handle_t no_get = duplicate_with(vmo, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_GET_PROPERTY);
  const zx_handle_t no_set = duplicate_with(vmo, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_SET_PROPERTY);
  const zx_handle_t no_write = duplicate_with(vmo, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_WRITE);
  uint64_t value[2] = {7, 7};
  const uint32_t number = ZX_PROP_VMO_CONTENT_SIZE;
  check_status(zx_object_get_property(no_get, number, value, 4), ZX_ERR_ACCESS_DENIED);
  check_status(zx_object_get_property(vmo, number, value, 7), ZX_ERR_BUFFER_TOO_SMALL);
  check_ok(zx_object_get_property(vmo, number, value, sizeof(value)));
  check_equal(value[0], PAGE);
  check_equal(value[1], 7);
  check_ok(zx_object_get_property(no_write, number, value, 8));

  check_status(zx_object_set_property(no_set, number, value, 4), ZX_ERR_ACCESS_DENIED);
  check_status(zx_object_set_property(no_write, number, value, 8), ZX_ERR_ACCESS_DENIED);
  check_status(zx_object_set_property(vmo, number, value, 7), ZX_ERR_BUFFER_TOO_SMALL);
  check_ok(zx_object_set_property(vmo, number, value, sizeof(value)));
}

/* vmo.md 4: what was cleared holds no memory */
SCENARIO(clearing_past_the_stream_size_gives_memory_back) {
  struct vmo* v = anonymous(BY_CALLS, 0, "1 2 3 4");
  check_ok(zx_vmo_set_stream_size(v->handle, PAGE + 1));
  check_equal(vmo_info(v->handle).committed_bytes, 2 * PAGE);
  check_ok(set_property(v->handle, 0));
  check_equal(vmo_info(v->handle).committed_bytes, 0);
}

/* ---- Several threads ---- */

#define RESIZE_ROUNDS (UNDER_SANITIZER ? 200 : 1000)

static zx_status_t grow_and_shrink(void* argument) {
  const struct vmo* v = argument;
  for (int i = 0; i < RESIZE_ROUNDS; i++) {
    zx_status_t status = zx_vmo_set_size(v->handle, PAGE);
    if (status == ZX_OK) status = zx_vmo_set_size(v->handle, 4 * PAGE);
    if (status != ZX_OK) return status;
  }
  return ZX_OK;
}

/* vmo.md 4: bytes of cut pages never come back, whoever looks and writes meanwhile */
SCENARIO(reads_and_writes_meet_a_size_or_the_other) {
  struct vmo* v = anonymous(BY_CALLS, ZX_VMO_RESIZABLE, "1 1 1 1");
  struct worker* resizer = start_call(grow_and_shrink, v);
  uint8_t bytes[4 * PAGE];
  while (!worker_has_ended(resizer)) {
    memset(bytes, 9, sizeof(bytes));
    zx_status_t status = zx_vmo_read(v->handle, bytes, 0, sizeof(bytes));
    check_true(status == ZX_OK || status == ZX_ERR_OUT_OF_RANGE);
    check_true(status == ZX_OK ? is_filled_with(bytes, 1, PAGE)
                               : is_filled_with(bytes, 9, sizeof(bytes)));
    bytes[0] = 2;
    status = zx_vmo_write(v->handle, bytes, 3 * PAGE, 1);
    check_true(status == ZX_OK || status == ZX_ERR_OUT_OF_RANGE);
  }
  expect_ok(resizer);
  resize(v, 1);
  resize(v, 4);
  expect_tags(v, "1 0 0 0");
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(set_size_finds_mistakes_in_the_documented_order),
      TEST(set_size_rounds_the_size_and_takes_the_stream_size_as_it_is),
      TEST_EACH_WAY(the_rest_of_the_last_page_becomes_zero),
      TEST_EACH_WAY(pages_that_were_cut_off_come_back_as_zeros),
      TEST(an_access_past_the_end_is_fatal_until_the_vmo_grows_again),
      TEST(every_mapping_follows_the_size),
      TEST_EACH_WAY(a_resize_to_the_same_size_keeps_the_pages),
      TEST(set_stream_size_needs_write_and_no_more_than_the_size),
      TEST(the_current_stream_size_may_be_set_again_whatever_it_is),
      TEST_EACH_WAY(set_stream_size_to_more_clears_from_the_old_one),
      TEST_EACH_WAY(set_stream_size_to_the_same_touches_nothing),
      TEST_EACH_WAY(the_property_set_to_more_clears_from_the_new_value_only),
      TEST_EACH_WAY(the_property_set_to_the_same_clears_the_rest),
      TEST_EACH_WAY(set_stream_size_to_less_clears_from_there_on),
      TEST(the_property_takes_any_value),
      TEST(the_property_finds_mistakes_in_the_documented_order),
      TEST(clearing_past_the_stream_size_gives_memory_back),
      TEST(reads_and_writes_meet_a_size_or_the_other),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
