/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_process_read_memory, zx_process_write_memory: vmar.md 11. */
#include <string.h>
#include <sys/mman.h>

#include "regions.h"

#define MOST (UINT64_C(64) << 20)

static zx_status_t read_at(const struct region* r, uint64_t offset, void* buffer, size_t size,
                           size_t* actual) {
  return zx_process_read_memory(zx_process_self(), r->base + offset, buffer, size, actual);
}

static zx_status_t write_at(const struct region* r, uint64_t offset, const void* buffer,
                            size_t size, size_t* actual) {
  return zx_process_write_memory(zx_process_self(), r->base + offset, buffer, size, actual);
}

/* ---- The order of checks, for both calls ---- */

struct direction {
  zx_status_t (*call)(zx_handle_t, zx_vaddr_t, void*, size_t, size_t*);
  zx_rights_t rights;
};

static zx_status_t write_call(zx_handle_t process, zx_vaddr_t at, void* buffer, size_t size,
                              size_t* actual) {
  return zx_process_write_memory(process, at, buffer, size, actual);
}

static const struct direction directions[] = {
    {zx_process_read_memory, ZX_RIGHT_READ | ZX_RIGHT_WRITE},
    {write_call, ZX_RIGHT_WRITE},
};

/* vmar.md 11: buffer and size before the handle, handle before the address */
REGIONS(mistakes_are_found_in_their_order) {
  struct region* r = make_region(2);
  uint8_t byte = 0;
  for (size_t i = 0; i < 2; i++) {
    const struct direction* d = &directions[i];
    size_t actual = 77;
    check_status(d->call(ZX_HANDLE_INVALID, 0, NULL, 1, &actual), ZX_ERR_INVALID_ARGS);
    check_status(d->call(ZX_HANDLE_INVALID, 0, &byte, 0, &actual), ZX_ERR_INVALID_ARGS);
    check_status(d->call(ZX_HANDLE_INVALID, 0, &byte, MOST + 1, &actual), ZX_ERR_INVALID_ARGS);
    check_status(d->call(ZX_HANDLE_INVALID, 0, &byte, MOST, &actual), ZX_ERR_BAD_HANDLE);
    check_status(d->call(r->vmar, 0, &byte, 1, &actual), ZX_ERR_WRONG_TYPE);
    for (unsigned bits = 0; bits < 4; bits++) {
      const zx_rights_t rights =
          ((bits & 1) != 0 ? ZX_RIGHT_READ : 0) | ((bits & 2) != 0 ? ZX_RIGHT_WRITE : 0);
      zx_handle_t weak = duplicate_with(zx_process_self(), rights);
      check_status(d->call(weak, r->base, &byte, 1, &actual),
                   (rights & d->rights) == d->rights ? ZX_ERR_NOT_FOUND : ZX_ERR_ACCESS_DENIED);
      drop(&weak);
    }
    check_status(d->call(zx_process_self(), r->base, &byte, 1, &actual), ZX_ERR_NOT_FOUND);
    check_equal(actual, 77);
  }
}

/* vmar.md 11, choice: memory that the library did not map */
REGIONS(memory_of_others_is_not_found) {
  uint64_t mine = 5;
  uint8_t buffer[8];
  size_t actual = 0;
  for (size_t i = 0; i < 2; i++) {
    check_status(directions[i].call(zx_process_self(), (zx_vaddr_t)&mine, buffer, 8, &actual),
                 ZX_ERR_NOT_FOUND);
    check_status(directions[i].call(zx_process_self(), 0, buffer, 8, &actual), ZX_ERR_NOT_FOUND);
    check_status(directions[i].call(zx_process_self(), UINT64_MAX, buffer, 8, &actual),
                 ZX_ERR_NOT_FOUND);
  }
  check_equal(mine, 5);
}

/* ---- Transfers ---- */

/* vmar.md 11: permissions do not matter, not even for writing */
REGIONS(permissions_of_the_mapping_do_not_matter) {
  struct region* r = make_region(2);
  const zx_handle_t a = tagged("12");
  map_with_at(r, READ, 0, a, 0, 1);
  check_ok(try_map(r, ZX_VM_SPECIFIC, 1, duplicate_with(a, ZX_RIGHT_MAP), 1, 1));
  uint8_t byte = 0;
  size_t actual = 0;
  check_ok(read_at(r, PAGE + 5, &byte, 1, &actual));
  check_equal(byte, 2);
  check_equal(actual, 1);
  byte = 9;
  check_ok(write_at(r, PAGE + 5, &byte, 1, &actual));
  check_ok(write_at(r, 5, &byte, 1, &actual));
  for (uint64_t page = 0; page < 2; page++) {
    check_ok(zx_vmo_read(a, &byte, page * PAGE + 5, 1));
    check_equal(byte, 9);
  }
}

/* vmar.md 11: cut at the mapping's end and at the VMO's end */
REGIONS(transfers_are_cut_at_the_end) {
  struct region* r = make_region(8);
  const zx_handle_t a = tagged("12");
  static uint8_t buffer[8 * 4096];
  size_t actual = 0;
  map_at(r, 0, a, 0, 4);
  check_ok(read_at(r, 100, buffer, sizeof(buffer), &actual));
  check_equal(actual, 2 * PAGE - 100);
  check_true(is_filled_with(buffer, 1, PAGE - 100) && is_filled_with(buffer + PAGE - 100, 2, PAGE));
  check_status(read_at(r, 2 * PAGE, buffer, 1, &actual), ZX_ERR_OUT_OF_RANGE);
  check_status(write_at(r, 3 * PAGE, buffer, 1, &actual), ZX_ERR_OUT_OF_RANGE);
  map_at(r, 5, a, 0, 1);
  check_ok(read_at(r, 5 * PAGE + 1, buffer, sizeof(buffer), &actual));
  check_equal(actual, PAGE - 1);
  memset(buffer, 7, sizeof(buffer));
  check_ok(write_at(r, PAGE + 4000, buffer, sizeof(buffer), &actual));
  check_equal(actual, 96);
  uint8_t byte = 0;
  check_ok(zx_vmo_read(a, &byte, PAGE + 3999, 1));
  check_equal(byte, 2);
  check_ok(zx_vmo_read(a, &byte, PAGE + 4000, 1));
  check_equal(byte, 7);
  check_status(read_at(r, 4 * PAGE, buffer, 1, &actual), ZX_ERR_NOT_FOUND);
}

/* vmar.md 11: large ones, and through a mapping that does not begin at the VMO's start */
REGIONS(large_transfers_arrive_whole) {
  enum {
    PAGES = 600
  };
  struct region* r = make_region(PAGES);
  const zx_handle_t a = make_source(0, PAGES + 3, TAG);
  map_with_at(r, READ, 0, a, 3, PAGES);
  static uint8_t buffer[PAGES * 4096];
  size_t actual = 0;
  check_ok(read_at(r, 0, buffer, sizeof(buffer), &actual));
  check_equal(actual, sizeof(buffer));
  check_true(content_is(buffer, 3, PAGES, TAG));
  content_fill(buffer, 0, PAGES, TAG + 1);
  check_ok(write_at(r, 0, buffer, sizeof(buffer), &actual));
  check_equal(actual, sizeof(buffer));
  memset(buffer, 0, sizeof(buffer));
  check_ok(zx_vmo_read(a, buffer, 3 * PAGE, sizeof(buffer)));
  check_true(content_is(buffer, 0, PAGES, TAG + 1));
}

/* vmar.md 11: a buffer in a mapping too, also of the same VMO */
REGIONS(the_buffer_may_be_mapped_itself) {
  struct region* r = make_region(4);
  const zx_handle_t a = tagged("12");
  map_at(r, 0, a, 0, 2);
  map_at(r, 2, tagged("00"), 0, 2);
  size_t actual = 0;
  check_ok(read_at(r, 0, page_of(r, 2), 2 * PAGE, &actual));
  expect_shows(r, "1212");
  check_ok(write_at(r, 0, page_of(r, 1), PAGE, &actual));
  expect_shows(r, "2212");
  map_with_at(make_region(1), READ, 0, a, 0, 1);
}

/* A buffer that is not there gives an error, not a signal. */
REGIONS(a_buffer_that_is_not_there_is_an_error) {
  struct region* r = make_region(2);
  map_at(r, 0, tagged("1"), 0, 1);
  void* hole = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check_true(hole != MAP_FAILED);
  size_t actual = 0;
  check_status(read_at(r, 0, hole, 8, &actual), ZX_ERR_INVALID_ARGS);
  check_status(write_at(r, 0, hole, 8, &actual), ZX_ERR_INVALID_ARGS);
  check_status(read_at(r, 0, page_of(r, 1), 8, &actual), ZX_ERR_NOT_FOUND);
  uint8_t buffer[8];
  check_status(read_at(r, 0, buffer, 8, NULL), ZX_ERR_INVALID_ARGS);
  check_equal(actual, 0);
  expect_shows(r, "1x");
  munmap(hole, PAGE);
}

/* ---- Pagers ---- */

struct transfer {
  const struct region* region;
  uint8_t buffer[8];
  size_t actual;
  bool write;
};

static zx_status_t run_transfer(void* argument) {
  struct transfer* t = argument;
  return t->write ? write_at(t->region, 3, t->buffer, 8, &t->actual)
                  : read_at(t->region, 3, t->buffer, 8, &t->actual);
}

/* vmar.md 11: it waits like an access; a failure is returned, not raised */
REGIONS(a_transfer_waits_for_the_pager) {
  need_mappings();
  struct region* r = make_region(2);
  struct root* v = make_root(2);
  map_with_at(r, READ, 0, v->vmo, 0, 2);
  struct transfer t = {.region = r, .actual = 55};
  struct worker* w = start_call(run_transfer, &t);
  expect_read(v, 0, 1);
  await_waiting(w);
  fail_pages(v, 0, 1, ZX_ERR_IO);
  expect_status(w, ZX_ERR_IO);
  check_equal(t.actual, 55);
  w = start_call(run_transfer, &t);
  expect_read(v, 0, 1);
  supply_tags(v, 0, "6");
  expect_ok(w);
  check_equal(t.actual, 8);
  check_true(is_filled_with(t.buffer, 6, 8));
  t.write = true;
  w = start_call(run_transfer, &t);
  expect_ok(w);
  detach(v);
  expect_complete(v);
  size_t actual = 0;
  check_status(read_at(r, PAGE, t.buffer, 1, &actual), ZX_ERR_BAD_STATE);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(mistakes_are_found_in_their_order),
      TEST(memory_of_others_is_not_found),
      TEST(permissions_of_the_mapping_do_not_matter),
      TEST(transfers_are_cut_at_the_end),
      TEST(large_transfers_arrive_whole),
      TEST(the_buffer_may_be_mapped_itself),
      TEST(a_buffer_that_is_not_there_is_an_error),
      TEST(a_transfer_waits_for_the_pager),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
