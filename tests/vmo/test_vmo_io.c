/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_vmo_read and zx_vmo_write: vmo.md 3, scenario S20. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../base/random.h"
#include "tagged.h"

/* A buffer of one page that shows whether it was touched. */
#define UNTOUCHED 0xa5

/* ---- Ranges ---- */

struct range_row {
  uint64_t offset;
  uint64_t length;
  zx_status_t status;
};

/* vmo.md 3: the table, for a VMO of two pages, and the edges of 64 bits */
SCENARIO(ranges_are_all_or_nothing) {
  static const struct range_row rows[] = {
      {0, 0, ZX_OK},
      {0, 2 * PAGE, ZX_OK},
      {2 * PAGE, 0, ZX_OK},
      {2 * PAGE + 1, 0, ZX_ERR_OUT_OF_RANGE},
      {2 * PAGE - 1, 1, ZX_OK},
      {2 * PAGE - 1, 2, ZX_ERR_OUT_OF_RANGE},
      {0, 2 * PAGE + 1, ZX_ERR_OUT_OF_RANGE},
      {0, SIZE_MAX - PAGE, ZX_ERR_OUT_OF_RANGE},
      {0, SIZE_MAX, ZX_ERR_OUT_OF_RANGE},
      {1, SIZE_MAX, ZX_ERR_OUT_OF_RANGE},
      {UINT64_MAX, 1, ZX_ERR_OUT_OF_RANGE},
      {UINT64_MAX, 0, ZX_ERR_OUT_OF_RANGE},
      {UINT64_MAX - 1, 1, ZX_ERR_OUT_OF_RANGE},
  };
  struct vmo* v = anonymous(BY_CALLS, 0, "1 2");
  uint8_t buffer[3 * PAGE];
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    memset(buffer, UNTOUCHED, sizeof(buffer));
    check_status(zx_vmo_read(v->handle, buffer, rows[i].offset, rows[i].length), rows[i].status);
    const uint64_t touched = rows[i].status == ZX_OK ? rows[i].length : 0;
    check_true(is_filled_with(buffer + touched, UNTOUCHED, sizeof(buffer) - touched));
  }
  expect_tags(v, "1 2");
  memset(buffer, 1, sizeof(buffer));
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    if (rows[i].status == ZX_OK) continue;
    check_status(zx_vmo_write(v->handle, buffer, rows[i].offset, rows[i].length), rows[i].status);
    expect_tags(v, "1 2");
  }
}

/* vmo.md 3: rights first, then the range, then the buffer */
SCENARIO(rights_come_before_the_range_and_the_range_before_the_buffer) {
  const zx_handle_t vmo = make_vmo(1);
  const zx_handle_t no_read = duplicate_with(vmo, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_READ);
  const zx_handle_t no_write = duplicate_with(vmo, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_WRITE);
  check_status(zx_vmo_read(no_read, NULL, UINT64_MAX, 2), ZX_ERR_ACCESS_DENIED);
  check_status(zx_vmo_write(no_write, NULL, UINT64_MAX, 2), ZX_ERR_ACCESS_DENIED);
  check_status(zx_vmo_read(fx.port, NULL, UINT64_MAX, 2), ZX_ERR_WRONG_TYPE);
  check_status(zx_vmo_write(fx.port, NULL, UINT64_MAX, 2), ZX_ERR_WRONG_TYPE);
  check_status(zx_vmo_read(ZX_HANDLE_INVALID, NULL, UINT64_MAX, 2), ZX_ERR_BAD_HANDLE);
  check_status(zx_vmo_write(ZX_HANDLE_INVALID, NULL, UINT64_MAX, 2), ZX_ERR_BAD_HANDLE);
  check_status(zx_vmo_read(vmo, NULL, PAGE, 1), ZX_ERR_OUT_OF_RANGE);
  check_status(zx_vmo_write(vmo, NULL, PAGE, 1), ZX_ERR_OUT_OF_RANGE);
  check_status(zx_vmo_read(vmo, NULL, 0, 1), ZX_ERR_NOT_FOUND);
  check_status(zx_vmo_write(vmo, NULL, 0, 1), ZX_ERR_NOT_FOUND);
}

/* vmo.md 3: "The limit is the size, not the stream size" */
SCENARIO(bytes_past_the_stream_size_are_read_and_written) {
  zx_handle_t vmo = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create(100, 0, &vmo));
  keep(vmo);
  uint8_t byte = 7;
  check_ok(zx_vmo_write(vmo, &byte, PAGE - 1, 1));
  byte = 0;
  check_ok(zx_vmo_read(vmo, &byte, PAGE - 1, 1));
  check_equal(byte, 7);
  uint64_t stream_size = 0;
  check_ok(zx_vmo_get_stream_size(vmo, &stream_size));
  check_equal(stream_size, 100);
}

/* ---- Contents ---- */

/* vmo.md 3: any offset and length, also calls that are cut up inside */
SCENARIO(what_was_written_is_read_back_at_any_offset_and_length) {
  enum {
    PAGES = 700, /* past the megabyte that is moved at once */
    ROUNDS = 40,
  };
  const uint64_t size = PAGES * PAGE;
  uint8_t* model = calloc(1, size);
  uint8_t* buffer = malloc(size);
  if (model == NULL || buffer == NULL) check_fail("no memory");
  const zx_handle_t vmo = make_vmo(PAGES);
  struct rng rng = rng_start(random_seed());
  for (int i = 0; i < ROUNDS; i++) {
    const uint64_t offset = rng_below(&rng, size);
    const uint64_t most = rng_one_in(&rng, 4) ? size - offset : 3 * PAGE;
    const uint64_t length = rng_below(&rng, (most < size - offset ? most : size - offset) + 1);
    for (uint64_t k = 0; k < length; k++) {
      model[offset + k] = (uint8_t)(k * 7 + (uint64_t)i);
    }
    check_ok(zx_vmo_write(vmo, model + offset, offset, length));
    const uint64_t from = rng_below(&rng, size);
    const uint64_t n = rng_below(&rng, size - from + 1);
    check_ok(zx_vmo_read(vmo, buffer, from, n));
    check_true(memcmp(buffer, model + from, n) == 0);
  }
  check_ok(zx_vmo_read(vmo, buffer, 0, size));
  check_true(memcmp(buffer, model, size) == 0);
  free(model);
  free(buffer);
}

/* vmo.md 3, 10: "A page that is only read is not committed" */
EACH_WAY(reading_commits_nothing_and_writing_one_byte_one_page) {
  struct vmo* v = anonymous(way, 0, "0 0 0 0");
  expect_tags(v, "0 0 0 0");
  check_equal(vmo_info(v->handle).committed_bytes, 0);
  put_byte(v, 2, 5, 1);
  check_equal(vmo_info(v->handle).committed_bytes, PAGE);
  expect_at(v, 2, 5, 1);
  expect_at(v, 2, 6, 0);
  check_equal(vmo_info(v->handle).committed_bytes, PAGE);
}

/* vmo.md 3, last line: calls and mappings are coherent */
SCENARIO(calls_and_all_mappings_show_the_same_bytes_at_once) {
  const zx_handle_t vmo = make_vmo(4);
  volatile uint8_t* whole = map_vmo(vmo, 0, 4 * PAGE);
  volatile uint8_t* tail = map_vmo(vmo, 2 * PAGE, 2 * PAGE);
  uint8_t byte = 3;
  check_ok(zx_vmo_write(vmo, &byte, 2 * PAGE + 9, 1));
  check_equal(whole[2 * PAGE + 9], 3);
  check_equal(tail[9], 3);
  tail[PAGE] = 4;
  check_equal(whole[3 * PAGE], 4);
  check_ok(zx_vmo_read(vmo, &byte, 3 * PAGE, 1));
  check_equal(byte, 4);
  check_ok(try_op(vmo, ZX_VMO_OP_ZERO, 2 * PAGE, 2 * PAGE));
  check_equal(whole[2 * PAGE + 9], 0);
  check_equal(tail[PAGE], 0);
  whole[2 * PAGE] = 5;
  check_equal(tail[0], 5);
}

/* ---- Bad buffers ---- */

/* vmo.md 3: "With len 0 the buffer pointer is not looked at" */
SCENARIO(a_buffer_for_no_bytes_is_not_looked_at) {
  const zx_handle_t vmo = make_vmo(1);
  uint8_t* hole = map_vmo(vmo, 0, PAGE);
  unmap(hole, PAGE);
  check_ok(zx_vmo_read(vmo, NULL, 0, 0));
  check_ok(zx_vmo_write(vmo, NULL, 0, 0));
  check_ok(zx_vmo_read(vmo, hole, PAGE, 0));
  check_ok(zx_vmo_write(vmo, hole, PAGE, 0));
}

/* vmo.md 3: an address with no mapping */
SCENARIO(a_buffer_where_nothing_is_mapped_is_not_found) {
  const zx_handle_t vmo = make_vmo(1);
  uint8_t* hole = map_vmo(vmo, 0, 2 * PAGE);
  unmap(hole, 2 * PAGE);
  check_status(zx_vmo_read(vmo, hole, 0, 1), ZX_ERR_NOT_FOUND);
  check_status(zx_vmo_write(vmo, hole, 0, 1), ZX_ERR_NOT_FOUND);
  check_status(zx_vmo_read(vmo, hole + PAGE - 1, 0, 2), ZX_ERR_NOT_FOUND);
}

/* vmo.md 3: the second page of the buffer is gone; bytes before may have moved, none after */
SCENARIO(a_buffer_that_ends_too_early_is_not_found) {
  struct vmo* v = anonymous(BY_CALLS, 0, "1 2");
  const zx_handle_t other = make_vmo(2);
  uint8_t* at = map_vmo(other, 0, 2 * PAGE);
  unmap(at + PAGE, PAGE);
  check_status(zx_vmo_read(v->handle, at, 0, 2 * PAGE), ZX_ERR_NOT_FOUND);
  uint8_t bytes[PAGE];
  check_ok(zx_vmo_read(other, bytes, PAGE, PAGE));
  check_true(is_filled_with(bytes, 0, PAGE));
  check_status(zx_vmo_write(v->handle, at, 0, 2 * PAGE), ZX_ERR_NOT_FOUND);
  check_ok(zx_vmo_read(v->handle, bytes, PAGE, PAGE));
  check_true(is_filled_with(bytes, 2, PAGE));
}

/* vmo.md 3: a mapping without the permission */
SCENARIO(a_buffer_without_permission_is_denied) {
  struct vmo* v = anonymous(BY_CALLS, 0, "1");
  const zx_handle_t other = make_vmo(1);
  uint8_t* read_only = map_with(other, ZX_VM_PERM_READ, 0, PAGE);
  uint8_t* nothing = map_with(other, 0, 0, PAGE);
  check_status(zx_vmo_read(v->handle, read_only, 0, 1), ZX_ERR_ACCESS_DENIED);
  check_ok(zx_vmo_write(v->handle, read_only, 0, 1));
  check_status(zx_vmo_read(v->handle, nothing, 0, 1), ZX_ERR_ACCESS_DENIED);
  check_status(zx_vmo_write(v->handle, nothing, 0, 1), ZX_ERR_ACCESS_DENIED);
}

/* vmo.md 3: a mapping whose VMO is smaller, from the start or by now */
SCENARIO(a_buffer_past_the_end_of_its_vmo_is_out_of_range) {
  struct vmo* v = anonymous(BY_CALLS, 0, "1 1");
  const zx_handle_t other = make_resizable_vmo(2);
  uint8_t* at =
      map_with(other, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_ALLOW_FAULTS, 0, 3 * PAGE);
  check_status(zx_vmo_read(v->handle, at + 2 * PAGE, 0, 1), ZX_ERR_OUT_OF_RANGE);
  check_ok(zx_vmo_read(v->handle, at + PAGE, 0, PAGE));
  check_ok(zx_vmo_set_size(other, PAGE));
  check_status(zx_vmo_read(v->handle, at + PAGE, 0, 1), ZX_ERR_OUT_OF_RANGE);
  check_status(zx_vmo_write(v->handle, at + PAGE, 0, 1), ZX_ERR_OUT_OF_RANGE);
  check_status(zx_vmo_write(v->handle, at + PAGE - 1, 0, 2), ZX_ERR_OUT_OF_RANGE);
}

/* vmo.md 3: the buffer's page is refused by its pager */
SCENARIO(a_buffer_whose_page_the_pager_fails_gives_the_pagers_code) {
  need_mappings();
  const zx_handle_t vmo = make_vmo(1);
  struct root* r = make_root(1);
  struct worker* reader = start_read_to(vmo, map_of(r), 0, 8);
  expect_read(r, 0, 1);
  fail_pages(r, 0, 1, ZX_ERR_IO_DATA_INTEGRITY);
  expect_status(reader, ZX_ERR_IO_DATA_INTEGRITY);
  struct worker* writer = start_write_from(vmo, map_of(r), 0, 8);
  expect_read(r, 0, 1);
  detach(r);
  expect_status(writer, ZX_ERR_BAD_STATE);
  expect_complete(r);
}

/* ---- Buffers in mappings ---- */

/* vmo.md 17 S20 */
SCENARIO(s20_a_buffer_may_lie_in_a_mapping_of_another_vmo_or_of_the_same) {
  struct vmo* w = anonymous(BY_CALLS, 0, "3 4");
  struct vmo* v = anonymous(BY_CALLS, 0, "1 2");
  uint8_t* at = map_vmo(v->handle, 0, 2 * PAGE);
  check_ok(zx_vmo_read(w->handle, at, 0, 2 * PAGE));
  expect_tags(v, "3 4");
  check_ok(zx_vmo_write(v->handle, at, PAGE, PAGE));
  expect_tags(v, "3 3");
  expect_tags(w, "3 4");
}

/* vmo.md 17 S20, last sentence */
SCENARIO(s20_an_absent_buffer_is_asked_for_and_then_filled) {
  need_mappings();
  struct vmo* w = anonymous(BY_CALLS, 0, "3");
  struct root* r = make_root(2);
  struct worker* reader = start_read_to(w->handle, map_of(r) + PAGE, 0, PAGE);
  expect_read(r, 1, 1);
  expect_waiting(reader);
  /* Nobody else waits: calls on the same VMO go on, and so do others on the buffer's. */
  expect_tags(w, "3");
  put(w, 0, 5);
  check_equal(vmo_info(r->vmo).committed_bytes, 0);
  supply(r, 1, 1, TAG);
  expect_ok(reader);
  uint8_t bytes[PAGE];
  check_ok(zx_vmo_read(r->vmo, bytes, PAGE, PAGE));
  check_true(is_filled_with(bytes, 3, PAGE) || is_filled_with(bytes, 5, PAGE));
  expect_nothing();
}

/* vmo.md 3: overlap, page by page */
SCENARIO(overlapping_copies_of_whole_pages_go_forward_page_by_page) {
  struct vmo* v = anonymous(BY_CALLS, 0, "1 2 3 4");
  uint8_t* at = map_vmo(v->handle, 0, 4 * PAGE);
  /* Onto itself: nothing changes. */
  check_ok(zx_vmo_read(v->handle, at, 0, 4 * PAGE));
  expect_tags(v, "1 2 3 4");
  check_ok(zx_vmo_write(v->handle, at + PAGE, PAGE, 2 * PAGE));
  expect_tags(v, "1 2 3 4");
  /* Towards the front: a plain copy. */
  check_ok(zx_vmo_read(v->handle, at, PAGE, 3 * PAGE));
  expect_tags(v, "2 3 4 4");
  /* Towards the back: forward, so the first page is all that arrives. */
  check_ok(zx_vmo_read(v->handle, at + PAGE, 0, 3 * PAGE));
  expect_tags(v, "2 2 2 2");
}

/* vmo.md 3: a buffer that begins outside the root region and a VMO that is mapped */
SCENARIO(ordinary_and_mapped_memory_give_the_same_result) {
  struct vmo* v = anonymous(BY_BOTH, 0, "1 2 3");
  struct vmo* w = anonymous(BY_BOTH, 0, "0 0 0");
  uint8_t bytes[2 * PAGE];
  check_ok(zx_vmo_read(v->handle, bytes, PAGE / 2, 2 * PAGE));
  check_ok(zx_vmo_read(v->handle, w->map, PAGE / 2, 2 * PAGE));
  check_true(memcmp(bytes, w->map, 2 * PAGE) == 0);
  check_ok(zx_vmo_write(w->handle, v->map + 100, 200, PAGE));
  uint8_t expected[PAGE];
  memset(expected, 1, PAGE - 100);
  memset(expected + PAGE - 100, 2, 100);
  check_true(memcmp(w->map + 200, expected, PAGE) == 0);
}

/* ---- Several threads ---- */

#define CROSS_PAGES  4
#define CROSS_ROUNDS (UNDER_SANITIZER ? 300 : 2000)

struct cross {
  zx_handle_t from;
  uint8_t* to;
  bool writes; /* zx_vmo_write into `from` out of `to`, rather than the other way round */
};

static zx_status_t copy_many_times(void* argument) {
  const struct cross* c = argument;
  for (int i = 0; i < CROSS_ROUNDS; i++) {
    const zx_status_t status = c->writes ? zx_vmo_write(c->from, c->to, 0, CROSS_PAGES * PAGE)
                                         : zx_vmo_read(c->from, c->to, 0, CROSS_PAGES * PAGE);
    if (status != ZX_OK) return status;
  }
  return ZX_OK;
}

/* Every page is of one of the two VMOs: a call is not atomic, and may interleave page by page. */
static void expect_mixed(struct vmo* v) {
  uint8_t bytes[CROSS_PAGES * PAGE];
  check_ok(zx_vmo_read(v->handle, bytes, 0, sizeof(bytes)));
  for (size_t i = 0; i < sizeof(bytes); i++) {
    if (bytes[i] != 1 && bytes[i] != 2) check_fail("byte %zu is %u", i, bytes[i]);
  }
}

/* vmo.md 3: "two threads reading crosswise from two VMOs into each other's mappings" */
SCENARIO(threads_that_copy_crosswise_do_not_deadlock) {
  struct vmo* v = anonymous(BY_CALLS, 0, "1 1 1 1");
  struct vmo* w = anonymous(BY_CALLS, 0, "2 2 2 2");
  struct cross crosses[] = {
      {v->handle, map_vmo(w->handle, 0, CROSS_PAGES * PAGE), false},
      {w->handle, map_vmo(v->handle, 0, CROSS_PAGES * PAGE), false},
      {v->handle, map_vmo(w->handle, 0, CROSS_PAGES * PAGE), true},
      {w->handle, map_vmo(v->handle, 0, CROSS_PAGES * PAGE), true},
  };
  struct worker* workers[4];
  for (int i = 0; i < 4; i++) {
    workers[i] = start_call(copy_many_times, &crosses[i]);
  }
  for (int i = 0; i < 4; i++) {
    expect_ok(workers[i]);
  }
  expect_mixed(v);
  expect_mixed(w);
}

/* vmo.md 3: the same with both sides absent and pager-backed; each copy asks for both pages in
 * turn */
SCENARIO(threads_that_copy_crosswise_between_absent_pages_do_not_deadlock) {
  need_mappings();
  struct root* v = make_root(1);
  struct root* w = make_root(1);
  struct worker* t1 = start_read_to(v->vmo, map_of(w), 0, 8);
  struct worker* t2 = start_read_to(w->vmo, map_of(v), 0, 8);
  await_waiting(t1);
  await_waiting(t2);
  supply(v, 0, 1, TAG);
  supply(w, 0, 1, TAG + 1);
  expect_ok(t1);
  expect_ok(t2);
}

/* vmo.md 3: the same VMO, absent: the read needs its pages as a source and as a buffer */
SCENARIO(a_read_of_absent_pages_into_a_mapping_of_themselves_asks_once) {
  need_mappings();
  struct root* v = make_root(2);
  struct worker* t1 = start_read_to(v->vmo, map_of(v), 0, 2 * PAGE);
  expect_read(v, 0, 2);
  supply(v, 0, 2, TAG);
  expect_ok(t1);
  expect_pages(VIA_CALLS, v, 0, 2, TAG);
  expect_nothing();
}

struct filler {
  zx_handle_t vmo;
  uint8_t byte;
};

static zx_status_t fill_many_times(void* argument) {
  const struct filler* f = argument;
  uint8_t bytes[CROSS_PAGES * PAGE];
  memset(bytes, f->byte, sizeof(bytes));
  for (int i = 0; i < CROSS_ROUNDS; i++) {
    const zx_status_t status = zx_vmo_write(f->vmo, bytes, 0, sizeof(bytes));
    if (status != ZX_OK) return status;
  }
  return ZX_OK;
}

/* vmo.md 3: concurrent calls interleave, and bring nothing that nobody wrote */
SCENARIO(concurrent_writers_leave_bytes_of_one_or_the_other) {
  struct vmo* v = anonymous(BY_CALLS, 0, "1 1 1 1");
  struct filler ones = {v->handle, 1};
  struct filler twos = {v->handle, 2};
  struct worker* t1 = start_call(fill_many_times, &ones);
  struct worker* t2 = start_call(fill_many_times, &twos);
  while (!worker_has_ended(t1) || !worker_has_ended(t2)) {
    expect_mixed(v);
  }
  expect_ok(t1);
  expect_ok(t2);
  expect_mixed(v);
}

/* ---- Pages far from all others, which calls access in another way ---- */

#define FAR_SIZE  (UINT64_C(1) << 40)
#define FAR_PAGES 200u

/* Where page `n` is: the first and the last of the VMO among them, and some side by side. */
static uint64_t far_offset(uint64_t n) {
  const uint64_t pages = FAR_SIZE / PAGE;
  return n % 10 == 9 ? far_offset(n - 1) + PAGE : n * (pages - 2) / (FAR_PAGES - 2) * PAGE;
}

static void fill_far(uint8_t bytes[PAGE], uint64_t n, unsigned round) {
  for (size_t i = 0; i < PAGE; i++) {
    bytes[i] = (uint8_t)(n * 31 + round * 7 + i);
  }
}

/* vmo.md 3: how far apart pages are changes nothing, however often they are accessed */
SCENARIO(pages_far_apart_keep_their_bytes) {
  static uint8_t written[PAGE];
  static uint8_t read[PAGE];
  zx_handle_t vmo;
  check_ok(zx_vmo_create(FAR_SIZE, 0, &vmo));
  for (unsigned round = 0; round < 6; round++) {
    for (uint64_t n = 0; n < FAR_PAGES; n++) {
      fill_far(written, n, round);
      /* In two parts, of odd lengths. */
      const size_t part = 1 + n * 37 % (PAGE - 1);
      check_ok(zx_vmo_write(vmo, written, far_offset(n), part));
      check_ok(zx_vmo_write(vmo, written + part, far_offset(n) + part, PAGE - part));
    }
    for (uint64_t n = 0; n < FAR_PAGES; n++) {
      fill_far(written, n, round);
      const size_t part = 1 + n * 53 % (PAGE - 1);
      memset(read, UNTOUCHED, sizeof(read));
      check_ok(zx_vmo_read(vmo, read, far_offset(n), part));
      check_ok(zx_vmo_read(vmo, read + part, far_offset(n) + part, PAGE - part));
      check_true(memcmp(read, written, PAGE) == 0);
    }
  }
  check_ok(zx_handle_close(vmo));
}

/* vmo.md 3: calls and mappings show the same bytes, wherever the page is */
SCENARIO(a_page_far_from_others_is_the_same_in_a_mapping) {
  zx_handle_t vmo;
  zx_vaddr_t at;
  uint64_t word = 1;
  const uint64_t offset = far_offset(FAR_PAGES / 2);
  check_ok(zx_vmo_create(FAR_SIZE, 0, &vmo));
  check_ok(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, offset,
                       PAGE, &at));
  volatile uint64_t* const mapped = (volatile uint64_t*)at;
  for (uint64_t i = 1; i < 10; i++) {
    check_ok(zx_vmo_write(vmo, &i, offset, sizeof(i)));
    check_equal(*mapped, i);
    mapped[1] = 2 * i;
    check_ok(zx_vmo_read(vmo, &word, offset + sizeof(word), sizeof(word)));
    check_equal(word, 2 * i);
  }
  check_ok(zx_vmar_unmap(zx_vmar_root_self(), at, PAGE));
  check_ok(zx_handle_close(vmo));
}

static void* shut_page;

static void open_shut_page(int number, siginfo_t* info, void* context) {
  (void)number;
  (void)context;
  if (info->si_addr < shut_page || (uint8_t*)info->si_addr >= (uint8_t*)shut_page + PAGE ||
      mprotect(shut_page, PAGE, PROT_READ | PROT_WRITE) != 0) {
    abort();
  }
}

static void shut(void) { check_equal(mprotect(shut_page, PAGE, PROT_NONE), 0); }

/* objects.md, head: a buffer that is no memory is a signal, as it is for a load or a store: a
 * program that puts things right in its handler does not notice */
SCENARIO(a_buffer_that_a_signal_handler_repairs_is_copied) {
  const struct sigaction action = {.sa_sigaction = open_shut_page, .sa_flags = SA_SIGINFO};
  struct sigaction former;
  zx_handle_t vmo;
  zx_vaddr_t at;
  shut_page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check_true(shut_page != MAP_FAILED);
  check_equal(sigaction(SIGSEGV, &action, &former), 0);
  check_ok(zx_vmo_create(FAR_SIZE, 0, &vmo));

  /* Into a page without memory, into one that has it, and out of one far from others. */
  for (int i = 0; i < 2; i++) {
    memset(shut_page, 3, PAGE);
    shut();
    check_ok(zx_vmo_write(vmo, shut_page, far_offset(7), PAGE));
  }
  memset(shut_page, 4, PAGE);
  shut();
  check_ok(zx_vmo_read(vmo, shut_page, far_offset(7), PAGE));
  check_true(is_filled_with(shut_page, 3, PAGE));

  /* Out of a page that only a mapping has filled. */
  check_ok(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo,
                       far_offset(20), PAGE, &at));
  memset((void*)at, 5, PAGE);
  shut();
  check_ok(zx_vmo_read(vmo, shut_page, far_offset(20), PAGE));
  check_true(is_filled_with(shut_page, 5, PAGE));

  check_ok(zx_vmar_unmap(zx_vmar_root_self(), at, PAGE));
  check_ok(zx_handle_close(vmo));
  check_equal(sigaction(SIGSEGV, &former, NULL), 0);
  check_equal(munmap(shut_page, PAGE), 0);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(ranges_are_all_or_nothing),
      TEST(rights_come_before_the_range_and_the_range_before_the_buffer),
      TEST(bytes_past_the_stream_size_are_read_and_written),
      TEST(what_was_written_is_read_back_at_any_offset_and_length),
      TEST_EACH_WAY(reading_commits_nothing_and_writing_one_byte_one_page),
      TEST(calls_and_all_mappings_show_the_same_bytes_at_once),
      TEST(a_buffer_for_no_bytes_is_not_looked_at),
      TEST(a_buffer_where_nothing_is_mapped_is_not_found),
      TEST(a_buffer_that_ends_too_early_is_not_found),
      TEST(a_buffer_without_permission_is_denied),
      TEST(a_buffer_past_the_end_of_its_vmo_is_out_of_range),
      TEST(a_buffer_whose_page_the_pager_fails_gives_the_pagers_code),
      TEST(s20_a_buffer_may_lie_in_a_mapping_of_another_vmo_or_of_the_same),
      TEST(s20_an_absent_buffer_is_asked_for_and_then_filled),
      TEST(overlapping_copies_of_whole_pages_go_forward_page_by_page),
      TEST(ordinary_and_mapped_memory_give_the_same_result),
      TEST(threads_that_copy_crosswise_do_not_deadlock),
      TEST(threads_that_copy_crosswise_between_absent_pages_do_not_deadlock),
      TEST(a_read_of_absent_pages_into_a_mapping_of_themselves_asks_once),
      TEST(concurrent_writers_leave_bytes_of_one_or_the_other),
      TEST(pages_far_apart_keep_their_bytes),
      TEST(a_page_far_from_others_is_the_same_in_a_mapping),
      TEST(a_buffer_that_a_signal_handler_repairs_is_copied),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
