/* SPDX-License-Identifier: BSD-3-Clause */
/* Which operations wait for each other, and which do not: objects.md 11.2. */
#include <string.h>

#include "streams.h"
#include "writeback.h"

#define RESIZABLE ZX_VMO_RESIZABLE
#define TRAP      ZX_VMO_TRAP_DIRTY

/* ---- One stream's seek offset ---- */

/* operations that use it are serialised, also while one of them waits for a pager */
static void expect_behind_a_blocked_read(enum io_call call, uint64_t moved, uint64_t seek) {
  struct root* v = make_sized_root(RESIZABLE, 4 * PAGE);
  supply(v, 1, 3, TAG);
  const zx_handle_t s = make_stream(READ_WRITE, v->vmo, 0);
  struct io* t1 = start_readv(s, PAGE);
  expect_read(v, 0, 1);
  struct io* t2 = start_io(call, s, 0, 10, VALUE);
  await_asleep(t2);
  expect_blocked(t2);
  expect_blocked(t1);
  supply(v, 0, 1, TAG);
  expect_moved(t1, PAGE);
  expect_moved(t2, moved);
  check_equal(seek_of(s), seek);
  expect_nothing();
}

SCENARIO(a_read_waits_for_a_read_of_its_stream) {
  expect_behind_a_blocked_read(IO_READV, 10, PAGE + 10);
}
SCENARIO(a_write_waits_for_a_read_of_its_stream) {
  expect_behind_a_blocked_read(IO_WRITEV, 10, PAGE + 10);
}
SCENARIO(an_append_waits_for_a_read_of_its_stream) {
  expect_behind_a_blocked_read(IO_APPEND, 10, 4 * PAGE + 10);
}
/* They tell where the read has left the offset. */
SCENARIO(a_seek_waits_for_a_read_of_its_stream) {
  expect_behind_a_blocked_read(IO_SEEK, PAGE, PAGE);
}
SCENARIO(info_waits_for_a_read_of_its_stream) { expect_behind_a_blocked_read(IO_INFO, PAGE, PAGE); }

/* behind a write that waits for the pager too */
SCENARIO(a_read_waits_for_a_write_of_its_stream) {
  struct root* v = make_trap_root(2);
  supply(v, 0, 2, TAG);
  const zx_handle_t s = make_stream(READ_WRITE, v->vmo, 0);
  struct io* t1 = start_writev(s, PAGE, VALUE);
  expect_dirty(v, 0, 1);
  struct io* t2 = start_readv(s, PAGE);
  await_asleep(t2);
  expect_blocked(t2);
  dirty_pages(v, 0, 1);
  expect_moved(t1, PAGE);
  expect_moved(t2, PAGE);
  check_true(content_is(io_bytes(t2), 1, 1, TAG));
}

/* what has an offset of its own does not wait, nor another stream, nor the append property */
SCENARIO(what_does_not_use_the_seek_offset_does_not_wait) {
  struct root* v = make_root(4);
  supply(v, 1, 3, TAG);
  const zx_handle_t s = make_stream(READ_WRITE, v->vmo, 0);
  const zx_handle_t other = make_stream(READ_WRITE, v->vmo, PAGE);
  struct io* t1 = start_readv(s, PAGE);
  expect_read(v, 0, 1);
  expect_moved(start_readv_at(s, 2 * PAGE, 10), 10);
  expect_moved(start_writev_at(s, 2 * PAGE, 10, VALUE), 10);
  expect_moved(start_readv(other, 10), 10);
  const uint8_t on = 1;
  uint8_t is_on = 0;
  check_ok(zx_object_set_property(s, ZX_PROP_STREAM_MODE_APPEND, &on, 1));
  check_ok(zx_object_get_property(s, ZX_PROP_STREAM_MODE_APPEND, &is_on, 1));
  check_equal(is_on, 1);
  expect_blocked(t1);
  supply(v, 0, 1, TAG);
  expect_moved(t1, PAGE);
}

/* ---- Changes of one VMO's sizes ---- */

/* An append that is under way, waiting for the pager. */
struct growing {
  struct root* v;
  zx_handle_t stream;
  struct io* append;
};

/* A root of two pages that are there; the append adds a third. */
static struct growing start_growing(void) {
  struct growing g = {.v = make_sized_root(RESIZABLE | TRAP, 2 * PAGE)};
  supply(g.v, 0, 2, TAG);
  dirty_pages(g.v, 0, 2);
  g.stream = make_stream(READ_WRITE, g.v->vmo, 0);
  g.append = start_append(g.stream, PAGE, 1);
  expect_dirty(g.v, 2, 1);
  return g;
}

static void finish_growing(const struct growing* g) {
  dirty_pages(g->v, 2, 1);
  expect_moved(g->append, PAGE);
}

/* appends exclude each other, whichever stream they use, and come in order */
SCENARIO(appends_wait_for_an_append) {
  struct growing g = start_growing();
  struct io* t2 = start_append(make_stream(WRITE, g.v->vmo, 0), 10, 2);
  await_claims(1);
  struct io* t3 = start_append(make_stream(WRITE, g.v->vmo, 0), 10, 3);
  await_claims(2);
  expect_blocked(t3);
  expect_blocked(t2);
  check_equal(vmo_size(g.v->vmo), 3 * PAGE);
  finish_growing(&g);
  expect_dirty(g.v, 3, 1);
  expect_blocked(t3);
  dirty_pages(g.v, 3, 1);
  expect_moved(t2, 10);
  expect_moved(t3, 10);
  check_equal(content_size(g.v->vmo), 3 * PAGE + 20);
  expect_filled(g.v->vmo, 2 * PAGE, PAGE, 1);
  expect_filled(g.v->vmo, 3 * PAGE, 10, 2);
  expect_filled(g.v->vmo, 3 * PAGE + 10, 10, 3);
}

/* an append behind one that fails takes the place that that one had */
SCENARIO(an_append_behind_a_failed_one_leaves_no_hole) {
  struct growing g = start_growing();
  struct io* t2 = start_append(make_stream(WRITE, g.v->vmo, 0), 10, 2);
  await_claims(1);
  fail_pages(g.v, 2, 1, ZX_ERR_IO);
  expect_error(g.append, ZX_ERR_IO);
  expect_dirty(g.v, 2, 1);
  dirty_pages(g.v, 2, 1);
  expect_moved(t2, 10);
  check_equal(content_size(g.v->vmo), 2 * PAGE + 10);
  expect_filled(g.v->vmo, 2 * PAGE, 10, 2);
}

/* expanding writes too; one that has become an ordinary write meanwhile is one */
SCENARIO(a_growing_write_waits_for_an_append) {
  struct growing g = start_growing();
  struct io* t2 = start_writev_at(g.stream, 2 * PAGE + 5, 10, 2);
  await_claims(1);
  expect_blocked(t2);
  finish_growing(&g);
  expect_moved(t2, 10);
  check_equal(content_size(g.v->vmo), 3 * PAGE);
  expect_filled(g.v->vmo, 2 * PAGE, 5, 1);
  expect_filled(g.v->vmo, 2 * PAGE + 5, 10, 2);
  expect_filled(g.v->vmo, 2 * PAGE + 15, 10, 1);
}

/* size changes, each sort of them */
static void expect_size_change_waits(enum io_call call) {
  struct growing g = start_growing();
  struct io* t2 = start_io(call, g.v->vmo, PAGE, 0, 0);
  await_claims(1);
  expect_blocked(t2);
  check_equal(content_size(g.v->vmo), 2 * PAGE);
  finish_growing(&g);
  expect_done(t2);
  check_equal(content_size(g.v->vmo), PAGE);
  check_equal(vmo_size(g.v->vmo), call == IO_SET_SIZE ? PAGE : 3 * PAGE);
}

SCENARIO(set_size_waits_for_an_append) { expect_size_change_waits(IO_SET_SIZE); }
SCENARIO(set_stream_size_waits_for_an_append) { expect_size_change_waits(IO_SET_STREAM_SIZE); }
SCENARIO(the_content_size_property_waits_for_an_append) {
  expect_size_change_waits(IO_SET_CONTENT);
}

/* the other way round: a size change that waits for the pager */
SCENARIO(an_append_waits_for_a_size_change) {
  struct root* v = make_sized_root(RESIZABLE, 4 * PAGE);
  struct io* t1 = start_io(IO_SET_SIZE, v->vmo, PAGE + 100, 0, 0);
  /* The rest of the last page is zeroed. */
  expect_read(v, 1, 1);
  check_equal(content_size(v->vmo), PAGE + 100);
  struct io* t2 = start_append(make_stream(WRITE, v->vmo, 0), 10, VALUE);
  await_claims(1);
  expect_blocked(t2);
  supply(v, 1, 1, TAG);
  expect_done(t1);
  expect_moved(t2, 10);
  check_equal(content_size(v->vmo), PAGE + 110);
  expect_filled(v->vmo, PAGE + 100, 10, VALUE);
  expect_filled(v->vmo, PAGE + 110, PAGE - 110, 0);
}

/* what lies within the content goes on, and what only looks */
SCENARIO(what_does_not_grow_goes_on_beside_an_append) {
  struct growing g = start_growing();
  const zx_handle_t other = make_stream(READ_WRITE, g.v->vmo, 0);
  expect_moved(start_readv(other, 4 * PAGE), 2 * PAGE);
  expect_moved(start_readv_at(g.stream, PAGE, 4 * PAGE), PAGE);
  expect_moved(start_writev_at(g.stream, 0, 2 * PAGE, 7), 2 * PAGE);
  expect_moved(start_readv_at(g.stream, 2 * PAGE, 10), 0);
  check_equal(stream_info(other).content_size, 2 * PAGE);
  check_ok(zx_stream_seek(other, ZX_STREAM_SEEK_ORIGIN_END, 0, NULL));
  check_equal(seek_of(other), 2 * PAGE);
  expect_ok(start_write(g.v->vmo, 0, 2 * PAGE, 8));
  expect_blocked(g.append);
  finish_growing(&g);
}

/* VMOs do not wait for each other, nor a slice for what it is a slice of */
SCENARIO(an_append_waits_for_its_own_content_alone) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  check_ok(zx_object_set_property(v->vmo, ZX_PROP_VMO_CONTENT_SIZE, &(uint64_t){4 * PAGE}, 8));
  zx_handle_t slice = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create_child(v->vmo, ZX_VMO_CHILD_SLICE, 0, 100, &slice));
  keep(slice);
  struct io* t1 = start_append(make_stream(WRITE, slice, 0), 10, VALUE);
  expect_dirty(v, 0, 1);
  check_ok(zx_object_set_property(v->vmo, ZX_PROP_VMO_CONTENT_SIZE, &(uint64_t){5 * PAGE}, 8));
  check_ok(try_append(make_stream(WRITE, make_resizable_vmo(0), 0), 10, 1));
  dirty_pages(v, 0, 1);
  expect_moved(t1, 10);
  check_equal(content_size(slice), 110);
}

/* a reference changes the same content */
SCENARIO(an_append_waits_for_one_through_a_reference) {
  struct growing g = start_growing();
  zx_handle_t reference = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create_child(g.v->vmo, ZX_VMO_CHILD_REFERENCE | ZX_VMO_CHILD_RESIZABLE, 0, 0,
                               &reference));
  keep(reference);
  struct io* t2 = start_append(make_stream(WRITE, reference, 0), 10, 2);
  await_claims(1);
  struct io* t3 = start_io(IO_SET_SIZE, reference, PAGE, 0, 0);
  await_claims(2);
  expect_blocked(t3);
  expect_blocked(t2);
  finish_growing(&g);
  expect_dirty(g.v, 3, 1);
  dirty_pages(g.v, 3, 1);
  expect_moved(t2, 10);
  expect_done(t3);
  check_equal(content_size(g.v->vmo), PAGE);
}

/* ---- Bytes that a size change is about to zero ---- */

/* a write there waits, one before it does not: nothing of it shows in content that comes later */
SCENARIO(a_write_into_content_that_is_being_cut_waits) {
  struct root* v = make_root(2);
  supply(v, 0, 1, TAG);
  const zx_handle_t s = make_stream(READ_WRITE, v->vmo, 0);
  struct io* t1 = start_io(IO_SET_STREAM_SIZE, v->vmo, PAGE + 100, 0, 0);
  expect_read(v, 1, 1);
  struct io* t2 = start_writev_at(s, PAGE + 200, 10, VALUE);
  await_claims(1);
  expect_moved(start_writev_at(s, 0, 10, VALUE), 10);
  expect_moved(start_readv_at(s, 0, 10), 10);
  expect_blocked(t2);
  supply(v, 1, 1, TAG);
  expect_done(t1);
  /* It comes after the cut, so it is a write past the content. */
  expect_moved(t2, 10);
  check_equal(content_size(v->vmo), PAGE + 210);
  expect_filled(v->vmo, PAGE + 100, 100, 0);
  expect_filled(v->vmo, PAGE + 200, 10, VALUE);
}

/* a cut that fails leaves the content, and whoever waited writes into it */
SCENARIO(a_cut_that_fails_leaves_the_content) {
  struct root* v = make_root(2);
  supply(v, 0, 1, TAG);
  struct io* t1 = start_io(IO_SET_CONTENT, v->vmo, PAGE + 100, 0, 0);
  expect_read(v, 1, 1);
  struct io* t2 = start_writev_at(make_stream(WRITE, v->vmo, 0), PAGE + 200, 10, VALUE);
  await_claims(1);
  fail_pages(v, 1, 1, ZX_ERR_IO);
  expect_status(t1->worker, ZX_ERR_IO);
  expect_read(v, 1, 1);
  supply(v, 1, 1, TAG);
  expect_moved(t2, 10);
  check_equal(content_size(v->vmo), 2 * PAGE);
  expect_filled(v->vmo, PAGE + 199, 1, content_byte(TAG, 1, 199));
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(a_read_waits_for_a_read_of_its_stream),
      TEST(a_write_waits_for_a_read_of_its_stream),
      TEST(an_append_waits_for_a_read_of_its_stream),
      TEST(a_seek_waits_for_a_read_of_its_stream),
      TEST(info_waits_for_a_read_of_its_stream),
      TEST(a_read_waits_for_a_write_of_its_stream),
      TEST(what_does_not_use_the_seek_offset_does_not_wait),
      TEST(appends_wait_for_an_append),
      TEST(an_append_behind_a_failed_one_leaves_no_hole),
      TEST(a_growing_write_waits_for_an_append),
      TEST(set_size_waits_for_an_append),
      TEST(set_stream_size_waits_for_an_append),
      TEST(the_content_size_property_waits_for_an_append),
      TEST(an_append_waits_for_a_size_change),
      TEST(what_does_not_grow_goes_on_beside_an_append),
      TEST(an_append_waits_for_its_own_content_alone),
      TEST(an_append_waits_for_one_through_a_reference),
      TEST(a_write_into_content_that_is_being_cut_waits),
      TEST(a_cut_that_fails_leaves_the_content),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
