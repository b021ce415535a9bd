/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stores through mappings of plain roots, which ask nobody: whatever looks at page states, or takes
 * pages or mappings away, knows of them. writeback.md 2.2, 4, 5, 6, 8.
 *
 * Where the kernel notes such stores by itself the library finds out only when it looks; elsewhere
 * they come by messages. The program runs both ways.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zircon/process.h>
#include <zircon/syscalls/object.h>

#include "writeback.h"

#define RW (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)

/* `pages` clean pages, mapped, and each loaded once. */
static struct root* make_mapped(uint64_t pages) {
  struct root* v = make_resizable_root(pages);
  map_of(v);
  supply(v, 0, pages, TAG);
  for (uint64_t page = 0; page < pages; page++) {
    check_equal(v->map[page * PAGE], content_byte(TAG, page, 0));
  }
  return v;
}

/* By the calling thread, which is free to: nobody is asked. */
static void store(uint8_t* at, uint8_t value) { *(volatile uint8_t*)at = value; }
static uint8_t load(const uint8_t* at) { return *(const volatile uint8_t*)at; }

static void write_back(struct root* v) {
  begin_writeback(v, 0, v->pages);
  end_writeback(v, 0, v->pages);
}

static void protect(const void* at, uint64_t pages, zx_vm_option_t permissions) {
  check_ok(zx_vmar_protect(zx_vmar_root_self(), permissions, (zx_vaddr_t)at, pages * PAGE));
}

/* ---- How ---- */

/* The library says which way it is */
SCENARIO(a_store_stops_the_thread_only_where_the_probe_says_so) {
  need_mappings();
  const char* const forbidden = getenv("ZXPAGER_ASYNC_STORES");
  if (forbidden != NULL && strcmp(forbidden, "0") == 0) check_equal(fx.probe.async_stores, 0);
  struct root* v = make_mapped(4);
  const uint64_t before = counts_now().faults;
  for (uint64_t page = 0; page < 4; page++) {
    store(v->map + page * PAGE, VALUE);
  }
  check_equal(counts_now().faults - before, fx.probe.async_stores != 0 ? 0 : 4);
  expect_listed(v, DATA(0, 4));
  expect_nothing();
}

/* ---- Looking ---- */

/* writeback.md 2.2, 4, 6 */
SCENARIO(a_store_is_listed_and_modifies) {
  need_mappings();
  struct root* v = make_mapped(4);
  expect_none_listed(v);
  expect_not_modified(v);
  store(v->map + PAGE, VALUE);
  store(v->map + 3 * PAGE, VALUE);
  expect_listed(v, DATA(1, 1), DATA(3, 1));
  expect_modified(v);
}

/* writeback.md 6: only a part is looked at */
SCENARIO(a_query_of_a_part_leaves_the_rest_to_be_found) {
  need_mappings();
  struct root* v = make_mapped(4);
  store(v->map, VALUE);
  store(v->map + 3 * PAGE, VALUE);
  expect_listed_in(v, 0, 2, DATA(0, 1));
  expect_listed_in(v, 2, 2, DATA(3, 1));
  expect_listed(v, DATA(0, 1), DATA(3, 1));
}

/* writeback.md 4: loads, and what the pager does, do not */
SCENARIO(loads_neither_list_nor_modify) {
  need_mappings();
  struct root* v = make_resizable_root(4);
  uint8_t* const other = map_vmo(v->vmo, 0, 4 * PAGE);
  map_of(v);
  supply(v, 0, 2, TAG);
  supply_zeros(v, 2, 2);
  for (uint64_t page = 0; page < 4; page++) {
    load(v->map + page * PAGE);
    load(other + page * PAGE);
  }
  expect_none_listed(v);
  write_back(v);
  uint8_t* const late = map_vmo(v->vmo, 0, 4 * PAGE);
  for (uint64_t page = 0; page < 4; page++) {
    load(late + page * PAGE);
  }
  expect_none_listed(v);
  expect_not_modified(v);
}

/* writeback.md 4 */
SCENARIO(each_first_store_modifies_anew) {
  need_mappings();
  struct root* v = make_mapped(2);
  store(v->map, 1);
  expect_listed(v, DATA(0, 1));
  forget_modified(v);
  expect_not_modified(v);
  expect_listed(v, DATA(0, 1));
  expect_not_modified(v);
  /* A page that a call has made dirty: the mapping has not stored to it. */
  check_ok(zx_vmo_write(v->vmo, &(uint8_t){2}, PAGE, 1));
  forget_modified(v);
  store(v->map + PAGE, 3);
  expect_modified(v);
  forget_modified(v);
  /* And after a BEGIN. */
  begin_writeback(v, 0, 2);
  expect_not_modified(v);
  store(v->map, 4);
  expect_modified(v);
  end_writeback(v, 0, 2);
  expect_listed(v, DATA(0, 1));
}

/* writeback.md 4: the BEGIN between store and query */
SCENARIO(a_begin_does_not_hide_that_the_root_was_modified) {
  need_mappings();
  struct root* v = make_mapped(1);
  check_ok(zx_vmo_write(v->vmo, &(uint8_t){1}, 0, 1));
  forget_modified(v);
  store(v->map, 2);
  write_back(v);
  expect_none_listed(v);
  expect_modified(v);
}

/* A store that the kernel makes for a system call */
SCENARIO(a_system_call_that_writes_into_the_mapping_is_a_store) {
  need_mappings();
  if (fx.probe.kernel_faults_served == 0 && fx.probe.async_stores == 0) {
    scenario_skip("faults of the kernel are not served");
  }
  struct root* v = make_mapped(3);
  int ends[2];
  check_equal(pipe(ends), 0);
  check_equal(write(ends[1], "zx", 2), 2);
  check_equal(read(ends[0], v->map + 2 * PAGE - 1, 2), 2);
  close(ends[0]);
  close(ends[1]);
  expect_listed(v, DATA(1, 2));
  expect_modified(v);
}

/* vmo.md 14: zeros that were stored to are memory */
SCENARIO(what_was_stored_over_zeros_counts_as_memory) {
  need_mappings();
  struct root* v = make_resizable_root(1);
  map_pages(v, 4);
  supply_zeros(v, 0, 1);
  resize(v, 4);
  for (uint64_t page = 0; page < 4; page++) {
    check_equal(load(v->map + page * PAGE), 0);
  }
  check_equal(committed_pages(v->vmo), 0);
  store(v->map, VALUE);
  store(v->map + 2 * PAGE, VALUE);
  check_equal(committed_pages(v->vmo), 2);
  expect_listed(v, DATA(0, 1), ZERO(1, 1), DATA(2, 1), ZERO(3, 1));
}

/* vmo.md 3: reading by calls, before anybody else has looked */
SCENARIO(what_was_stored_over_zeros_is_read) {
  need_mappings();
  struct root* v = make_resizable_root(1);
  map_pages(v, 3);
  supply_zeros(v, 0, 1);
  resize(v, 3);
  for (uint64_t page = 0; page < 3; page++) {
    load(v->map + page * PAGE);
    store(v->map + page * PAGE, VALUE);
  }
  uint8_t got[3 * 4096];
  check_ok(zx_vmo_read(v->vmo, got, 0, sizeof(got)));
  for (uint64_t page = 0; page < 3; page++) {
    check_equal(got[page * PAGE], VALUE);
    check_equal(got[page * PAGE + 1], 0);
  }
}

static bool dump_says(const char* part) {
  char* text = NULL;
  size_t size = 0;
  FILE* out = open_memstream(&text, &size);
  zxp_dump(out);
  fclose(out);
  const bool says = strstr(text, part) != NULL;
  free(text);
  return says;
}

/* Text for people. A lock that is held for a moment, by whoever let the store go, is skipped: the
 * dump is taken again. */
SCENARIO(a_dump_tells_of_stores) {
  need_mappings();
  struct root* v = make_mapped(3);
  store(v->map + PAGE, VALUE);
  wait_until(dump_says(fx.probe.async_stores != 0 ? "pages [1, 2) have been stored to since"
                                                  : "pages [1, 2) dirty"));
}

/* The program may tell the kernel that it does not need page-table entries for now */
SCENARIO(a_store_is_listed_though_its_entry_has_gone) {
  need_mappings();
  struct root* v = make_resizable_root(2);
  map_pages(v, 4);
  supply(v, 0, 1, TAG);
  supply_zeros(v, 1, 1);
  resize(v, 4);
  for (uint64_t page = 0; page < 4; page++) {
    load(v->map + page * PAGE);
  }
  store(v->map, VALUE);
  store(v->map + PAGE, VALUE);
  store(v->map + 2 * PAGE, VALUE);
  check_equal(madvise(v->map, 4 * PAGE, MADV_DONTNEED), 0);
  expect_listed(v, DATA(0, 3), ZERO(3, 1));
  expect_modified(v);
  forget_modified(v);
  expect_not_modified(v);
  check_equal(load(v->map + 2 * PAGE), VALUE);
  v->pages = 4;
  write_back(v);
  check_equal(madvise(v->map, 3 * PAGE, MADV_DONTNEED), 0);
  check_equal(load(v->map + PAGE), VALUE);
  expect_none_listed(v);
  store(v->map + PAGE, VALUE);
  expect_listed(v, DATA(1, 1));
}

/* ---- Writing back ---- */

/* writeback.md 8.1.5 */
SCENARIO(a_store_after_a_begin_stays_listed) {
  need_mappings();
  struct root* v = make_mapped(4);
  store(v->map, 1);
  store(v->map + PAGE, 1);
  begin_writeback(v, 0, 4);
  store(v->map + PAGE, 2);
  store(v->map + 2 * PAGE, 2);
  end_writeback(v, 0, 4);
  expect_listed(v, DATA(1, 2));
  write_back(v);
  expect_none_listed(v);
  store(v->map, 3);
  expect_listed(v, DATA(0, 1));
}

/* writeback.md 5.4: what a BEGIN finds is awaiting clean, though nobody has queried it */
SCENARIO(a_begin_takes_what_was_stored_before_it) {
  need_mappings();
  struct root* v = make_mapped(2);
  store(v->map, 1);
  begin_writeback(v, 0, 2);
  expect_listed(v, DATA(0, 1));
  end_writeback(v, 0, 2);
  expect_none_listed(v);
}

/* writeback.md 8.7.4, 8.7.6 */
SCENARIO(a_begin_reaches_every_mapping) {
  need_mappings();
  struct root* v = make_mapped(2);
  uint8_t* const other = map_vmo(v->vmo, 0, 2 * PAGE);
  store(v->map, 1);
  store(other, 2);
  store(other + PAGE, 2);
  for (unsigned i = 0; i < 4; i++) {
    write_back(v);
    expect_none_listed(v);
    store((i % 2 == 0 ? v->map : other) + i / 2 * PAGE, 3);
    expect_listed(v, DATA(i / 2, 1));
  }
}

/* writeback.md 5.4, 8.2.6 */
SCENARIO(a_store_into_zeros_outlives_their_writing_back) {
  need_mappings();
  struct root* v = make_resizable_root(1);
  map_pages(v, 5);
  supply(v, 0, 1, TAG);
  resize(v, 5);
  for (uint64_t page = 1; page < 5; page++) {
    check_equal(load(v->map + page * PAGE), 0);
  }
  store(v->map + PAGE, 1);
  expect_listed(v, DATA(1, 1), ZERO(2, 3));
  begin_zero_writeback(v, 2, 3);
  store(v->map + 3 * PAGE, 2);
  end_writeback(v, 2, 3);
  expect_listed(v, DATA(1, 1), DATA(3, 1));
  expect_bytes(v, 3, 1, 2);
  check_equal(load(v->map + 3 * PAGE), 2);
  expect_absent(v, 2);
  expect_absent(v, 4);
}

/* ---- Zeroing, committing, writing ---- */

/* writeback.md 2.2 */
SCENARIO(zeroing_zeroes_what_was_stored_over_zeros) {
  need_mappings();
  struct root* v = make_resizable_root(2);
  map_pages(v, 4);
  supply_zeros(v, 0, 2);
  resize(v, 4);
  for (uint64_t page = 0; page < 4; page++) {
    load(v->map + page * PAGE);
    store(v->map + page * PAGE, VALUE);
    store(v->map + page * PAGE + 100, VALUE);
  }
  zero_pages(v, 0, 1);
  zero_pages(v, 2, 1);
  zero_bytes(v, PAGE, 50);
  zero_bytes(v, 3 * PAGE, 50);
  expect_bytes(v, 0, 4, 0);
  for (uint64_t page = 0; page < 4; page++) {
    check_equal(load(v->map + page * PAGE + 100), page % 2 == 0 ? 0 : VALUE);
  }
  expect_listed(v, ZERO(0, 1), DATA(1, 1), ZERO(2, 1), DATA(3, 1));
}

/* writeback.md 8.3.8: COMMIT of a marker makes a clean page of it, but not of one that was stored
 * to */
SCENARIO(committing_keeps_what_was_stored_over_zeros) {
  need_mappings();
  struct root* v = make_resizable_root(2);
  map_pages(v, 3);
  supply_zeros(v, 0, 2);
  resize(v, 3);
  load(v->map);
  load(v->map + 2 * PAGE);
  store(v->map, VALUE);
  store(v->map + 2 * PAGE, VALUE);
  check_ok(zx_vmo_op_range(v->vmo, ZX_VMO_OP_COMMIT, 0, 3 * PAGE, NULL, 0));
  expect_listed(v, DATA(0, 1), DATA(2, 1));
  expect_bytes(v, 0, 1, VALUE);
  expect_bytes(v, 2, 1, VALUE);
  expect_bytes(v, 1, 1, 0);
  /* And goes on. */
  write_back(v);
  store(v->map + PAGE, 3);
  expect_listed_in(v, 1, 1, DATA(1, 1));
}

/* writeback.md 2.2: supply over what is there is dropped */
SCENARIO(supplying_again_changes_nothing_that_was_stored) {
  need_mappings();
  struct root* v = make_mapped(2);
  store(v->map, VALUE);
  supply(v, 0, 2, TAG + 1);
  check_equal(load(v->map), VALUE);
  expect_listed(v, DATA(0, 1));
}

/* Loads that find zeros by a message do not undo a store */
SCENARIO(a_load_through_another_mapping_keeps_a_store_over_zeros) {
  need_mappings();
  struct root* v = make_resizable_root(1);
  uint8_t* const other = map_vmo(v->vmo, 0, PAGE);
  map_of(v);
  supply_zeros(v, 0, 1);
  load(v->map);
  store(v->map, VALUE);
  check_equal(load(other), VALUE);
  expect_listed(v, DATA(0, 1));
}

/* ---- Mappings that go or change ---- */

/* writeback.md 9 */
SCENARIO(a_store_is_listed_when_its_mapping_has_gone) {
  need_mappings();
  struct root* v = make_mapped(4);
  uint8_t* const at = map_vmo(v->vmo, 0, 4 * PAGE);
  store(at + PAGE, VALUE);
  unmap(at, 4 * PAGE);
  expect_listed(v, DATA(1, 1));
  expect_modified(v);
  expect_bytes(v, 1, 1, VALUE);
}

/* vmar.md 6.1 */
SCENARIO(a_store_is_listed_when_a_part_of_its_mapping_has_gone) {
  need_mappings();
  struct root* v = make_resizable_root(6);
  supply(v, 0, 6, TAG);
  uint8_t* const at = map_vmo(v->vmo, 0, 6 * PAGE);
  store(at + PAGE, 1);
  store(at + 3 * PAGE, 1);
  check_ok(zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)at + 2 * PAGE, 2 * PAGE));
  store(at + 5 * PAGE, 1);
  expect_listed(v, DATA(1, 1), DATA(3, 1), DATA(5, 1));
  write_back(v);
  store(at, 2);
  store(at + 4 * PAGE, 2);
  expect_listed(v, DATA(0, 1), DATA(4, 1));
  unmap(at, 2 * PAGE);
  unmap(at + 4 * PAGE, 2 * PAGE);
}

/* vmar.md 5.6: another mapping comes in its place, of this VMO or another */
SCENARIO(a_store_is_listed_when_its_mapping_was_overwritten) {
  need_mappings();
  struct root* v = make_mapped(4);
  struct root* w = make_root(4);
  supply(w, 0, 4, TAG);
  zx_vaddr_t base = 0;
  zx_vaddr_t at = 0;
  zx_handle_t region = ZX_HANDLE_INVALID;
  check_ok(zx_vmar_allocate(zx_vmar_root_self(),
                            ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_SPECIFIC, 0,
                            8 * PAGE, &region, &base));
  keep(region);
  uint8_t* const memory = (uint8_t*)base;
  check_ok(zx_vmar_map(region, RW | ZX_VM_SPECIFIC, 0, v->vmo, 0, 4 * PAGE, &at));
  store(memory + PAGE, 1);
  store(memory + 2 * PAGE, 1);
  check_ok(zx_vmar_map(region, RW | ZX_VM_SPECIFIC_OVERWRITE, 2 * PAGE, w->vmo, 0, 4 * PAGE, &at));
  store(memory + 2 * PAGE, 2);
  expect_listed(v, DATA(1, 2));
  expect_listed(w, DATA(0, 1));
  write_back(v);
  store(memory, 3);
  check_ok(zx_vmar_map(region, RW | ZX_VM_SPECIFIC_OVERWRITE, 0, v->vmo, 2 * PAGE, PAGE, &at));
  expect_listed(v, DATA(0, 1));
  store(memory, 4);
  expect_listed(v, DATA(0, 1), DATA(2, 1));
  store(memory + PAGE, 4);
  check_ok(zx_vmar_destroy(region));
  expect_listed(v, DATA(0, 3));
}

/* writeback.md 8.7.5, vmar.md 15 S18 */
SCENARIO(protecting_and_back_neither_hides_a_store_nor_makes_one) {
  need_mappings();
  struct root* v = make_mapped(3);
  store(v->map, 1);
  protect(v->map, 3, ZX_VM_PERM_READ);
  protect(v->map, 2, 0);
  protect(v->map, 3, RW);
  expect_listed(v, DATA(0, 1));
  write_back(v);
  protect(v->map + PAGE, 1, 0);
  protect(v->map, 3, RW);
  expect_none_listed(v);
  store(v->map + 2 * PAGE, 1);
  protect(v->map + 2 * PAGE, 1, ZX_VM_PERM_READ);
  expect_listed(v, DATA(2, 1));
}

/* vmar.md 4: pages that a mapping hides for a while */
SCENARIO(a_store_is_listed_when_the_stream_size_hides_its_page) {
  need_mappings();
  struct root* v = make_resizable_root(4);
  supply(v, 0, 4, TAG);
  uint8_t* const at =
      map_with(v->vmo, RW | ZX_VM_ALLOW_FAULTS | ZX_VM_FAULT_BEYOND_STREAM_SIZE, 0, 4 * PAGE);
  store(at + PAGE, 1);
  store(at + 3 * PAGE, 1);
  check_ok(zx_vmo_set_stream_size(v->vmo, 2 * PAGE));
  expect_listed_in(v, 0, 2, DATA(1, 1));
  expect_sigbus(start_load(at + 3 * PAGE));
  check_ok(zx_vmo_set_stream_size(v->vmo, 4 * PAGE));
  /* Shrinking has zeroed what lay past it. */
  expect_listed(v, DATA(1, 1), ZERO(2, 2));
  check_equal(load(at + 3 * PAGE), 0);
  store(at + 2 * PAGE, 1);
  expect_listed(v, DATA(1, 2), ZERO(3, 1));
}

/* writeback.md 8.2.13 */
SCENARIO(shrinking_drops_stores_and_keeps_those_before) {
  need_mappings();
  struct root* v = make_mapped(4);
  store(v->map + PAGE, 1);
  store(v->map + 3 * PAGE, 1);
  resize(v, 2);
  expect_listed(v, DATA(1, 1));
  resize(v, 4);
  check_equal(load(v->map + 3 * PAGE), 0);
  expect_listed(v, DATA(1, 1), ZERO(2, 2));
}

/* ---- Detaching ---- */

/* writeback.md 8.5.1 */
SCENARIO(detaching_keeps_what_was_stored) {
  need_mappings();
  struct root* v = make_resizable_root(4);
  map_pages(v, 6);
  supply(v, 0, 2, TAG);
  supply_zeros(v, 2, 2);
  resize(v, 6);
  for (uint64_t page = 0; page < 6; page++) {
    load(v->map + page * PAGE);
  }
  store(v->map, VALUE);
  store(v->map + 2 * PAGE, VALUE);
  store(v->map + 4 * PAGE, VALUE);
  detach(v);
  expect_complete(v);
  expect_listed(v, DATA(0, 1), DATA(2, 1), DATA(4, 1), ZERO(5, 1));
  expect_bytes(v, 0, 1, VALUE);
  expect_bytes(v, 2, 1, VALUE);
  expect_bytes(v, 4, 1, VALUE);
  expect_sigbus(start_load(v->map + PAGE));
  expect_sigbus(start_load(v->map + 3 * PAGE));
  /* And it goes on. */
  store(v->map, 1);
  store(v->map + 5 * PAGE, 1);
  check_equal(load(v->map), 1);
  expect_listed(v, DATA(0, 1), DATA(2, 1), DATA(4, 2));
}

/* writeback.md 8.5.6 */
SCENARIO(stores_count_when_the_pager_has_gone) {
  need_mappings();
  struct root* v = make_mapped(2);
  drop(&fx.pager);
  store(v->map, VALUE);
  expect_bytes(v, 0, 1, VALUE);
  expect_bytes(v, 1, 1, content_byte(TAG, 1, 0));
}

/* ---- Children ---- */

static zx_handle_t make_child(struct root* v) {
  zx_handle_t child = ZX_HANDLE_INVALID;
  check_ok(
      zx_vmo_create_child(v->vmo, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE, 0, 4 * PAGE, &child));
  return keep(child);
}

/* vmo.md 7, writeback.md 8.4.3 */
SCENARIO(a_child_sees_what_was_stored_before_and_after) {
  need_mappings();
  struct root* v = make_resizable_root(2);
  map_pages(v, 4);
  supply(v, 0, 1, TAG);
  supply_zeros(v, 1, 1);
  resize(v, 4);
  for (uint64_t page = 0; page < 4; page++) {
    load(v->map + page * PAGE);
  }
  store(v->map, 1);
  store(v->map + PAGE, 1);
  store(v->map + 2 * PAGE, 1);
  const zx_handle_t child = make_child(v);
  uint8_t* const at = map_vmo(child, 0, 4 * PAGE);
  for (uint64_t page = 0; page < 4; page++) {
    check_equal(load(at + page * PAGE), page < 3 ? 1 : 0);
  }
  expect_listed(v, DATA(0, 3), ZERO(3, 1));
  for (uint64_t page = 0; page < 4; page++) {
    store(v->map + page * PAGE, 2);
    check_equal(load(at + page * PAGE), 2);
  }
  expect_listed(v, DATA(0, 4));
  store(at + PAGE, 3);
  store(v->map + PAGE, 4);
  check_equal(load(at + PAGE), 3);
  check_equal(load(v->map + PAGE), 4);
}

/* vmo.md 7: mappings of the root that are made when there is a child, or was one */
SCENARIO(stores_are_listed_when_there_was_a_child) {
  need_mappings();
  struct root* v = make_resizable_root(4);
  supply(v, 0, 4, TAG);
  uint8_t* const before = map_vmo(v->vmo, 0, 4 * PAGE);
  store(before, 1);
  zx_handle_t child = make_child(v);
  map_of(v);
  store(v->map + PAGE, 1);
  drop(&child);
  uint8_t* const after = map_vmo(v->vmo, 0, 4 * PAGE);
  store(after + 2 * PAGE, 1);
  store(before + 3 * PAGE, 1);
  expect_listed(v, DATA(0, 4));
  write_back(v);
  expect_none_listed(v);
  store(before, 2);
  store(after + 3 * PAGE, 2);
  expect_listed(v, DATA(0, 1), DATA(3, 1));
}

/* vmo.md 7 */
SCENARIO(a_child_sees_stores_through_mappings_made_after_it) {
  need_mappings();
  struct root* v = make_resizable_root(4);
  supply(v, 0, 4, TAG);
  const zx_handle_t child = make_child(v);
  uint8_t* const at = map_vmo(child, 0, 4 * PAGE);
  map_of(v);
  for (uint64_t page = 0; page < 4; page++) {
    check_equal(load(at + page * PAGE), content_byte(TAG, page, 0));
    store(v->map + page * PAGE, 1);
    check_equal(load(at + page * PAGE), 1);
  }
  expect_listed(v, DATA(0, 4));
}

/* A thread that waits for a page while the mapping changes its kind */
SCENARIO(a_thread_that_waits_is_answered_when_there_is_a_child) {
  need_mappings();
  struct root* v = make_resizable_root(4);
  map_of(v);
  supply(v, 0, 1, TAG);
  struct worker* supplied = start_load(v->map + PAGE);
  expect_read(v, 1, 1);
  struct worker* failed = start_store(v->map + 2 * PAGE, 1);
  expect_read(v, 2, 1);
  make_child(v);
  supply(v, 1, 1, TAG);
  expect_byte(supplied, content_byte(TAG, 1, 0));
  fail_pages(v, 2, 1, ZX_ERR_IO);
  expect_sigbus(failed);
  store(v->map, 1);
  expect_listed(v, DATA(0, 1));
  expect_nothing();
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(a_store_stops_the_thread_only_where_the_probe_says_so),
      TEST(a_store_is_listed_and_modifies),
      TEST(a_query_of_a_part_leaves_the_rest_to_be_found),
      TEST(loads_neither_list_nor_modify),
      TEST(each_first_store_modifies_anew),
      TEST(a_begin_does_not_hide_that_the_root_was_modified),
      TEST(a_system_call_that_writes_into_the_mapping_is_a_store),
      TEST(what_was_stored_over_zeros_counts_as_memory),
      TEST(what_was_stored_over_zeros_is_read),
      TEST(a_dump_tells_of_stores),
      TEST(a_store_is_listed_though_its_entry_has_gone),
      TEST(a_store_after_a_begin_stays_listed),
      TEST(a_begin_takes_what_was_stored_before_it),
      TEST(a_begin_reaches_every_mapping),
      TEST(a_store_into_zeros_outlives_their_writing_back),
      TEST(zeroing_zeroes_what_was_stored_over_zeros),
      TEST(committing_keeps_what_was_stored_over_zeros),
      TEST(supplying_again_changes_nothing_that_was_stored),
      TEST(a_load_through_another_mapping_keeps_a_store_over_zeros),
      TEST(a_store_is_listed_when_its_mapping_has_gone),
      TEST(a_store_is_listed_when_a_part_of_its_mapping_has_gone),
      TEST(a_store_is_listed_when_its_mapping_was_overwritten),
      TEST(protecting_and_back_neither_hides_a_store_nor_makes_one),
      TEST(a_store_is_listed_when_the_stream_size_hides_its_page),
      TEST(shrinking_drops_stores_and_keeps_those_before),
      TEST(detaching_keeps_what_was_stored),
      TEST(stores_count_when_the_pager_has_gone),
      TEST(a_child_sees_what_was_stored_before_and_after),
      TEST(stores_are_listed_when_there_was_a_child),
      TEST(a_child_sees_stores_through_mappings_made_after_it),
      TEST(a_thread_that_waits_is_answered_when_there_is_a_child),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
