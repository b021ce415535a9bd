/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mappings that change while a thread waits in them: pager.md 8.7, 8.2, scenarios 46 and 47,
 * vmar.md 9.
 *
 * Unmapping and overwriting may wake the thread at once or let it sleep until the answer: the
 * scenarios hold either way.
 */
#include <zircon/process.h>

#include "fixture.h"
#include "worker.h"

#define READ_WRITE (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)

/* Maps the VMO's start over an address that is mapped already. */
static void overwrite(uint8_t* at, zx_handle_t vmo, uint64_t length) {
  const uint64_t offset = (uint64_t)(uintptr_t)at - fx.probe.window_base;
  zx_vaddr_t mapped = 0;
  check_ok(zx_vmar_map(zx_vmar_root_self(), READ_WRITE | ZX_VM_SPECIFIC_OVERWRITE, offset, vmo, 0,
                       length, &mapped));
  check_equal(mapped, (zx_vaddr_t)at);
}

static void protect(uint8_t* at, uint64_t length, zx_vm_option_t options) {
  check_ok(zx_vmar_protect(zx_vmar_root_self(), options, (zx_vaddr_t)at, length));
}

/* pager.md 13.46 */
SCENARIO(a_thread_in_an_unmapped_page_ends_with_its_vmo) {
  need_mappings();
  struct root* v = make_root(8);
  uint8_t* at = map_vmo(v->vmo, 0, 8 * PAGE);
  struct worker* t1 = start_load(at + 3 * PAGE + 33);
  expect_read(v, 3, 1);
  unmap(at, 8 * PAGE);
  drop(&v->vmo);
  expect_sigsegv(t1);
  expect_complete(v);
  expect_nothing();
}

/* vmar.md 9, first row; the pager's supply succeeds and the page is there */
SCENARIO(a_thread_in_an_unmapped_page_faults_on_the_hole) {
  need_mappings();
  struct root* v = make_root(8);
  uint8_t* at = map_vmo(v->vmo, 0, 8 * PAGE);
  struct worker* load = start_load(at + PAGE);
  expect_read(v, 1, 1);
  struct worker* store = start_store(at + 2 * PAGE, 1);
  expect_read(v, 2, 1);
  unmap(at, 8 * PAGE);
  supply(v, 1, 2, TAG);
  expect_sigsegv(load);
  expect_sigsegv(store);
  expect_nothing();
  expect_pages(VIA_CALLS, v, 1, 2, TAG);
}

/* pager.md 8.7: the request stands, so whoever touches the page elsewhere joins it */
SCENARIO(the_request_of_an_unmapped_page_stands) {
  need_mappings();
  struct root* v = make_root(8);
  map_of(v); /* made now, so that it cannot take the place that is left */
  uint8_t* at = map_vmo(v->vmo, 0, 8 * PAGE);
  struct worker* t1 = start_load(at + PAGE);
  expect_read(v, 1, 1);
  struct worker* t2 = start_read_pages(v, 1, 1);
  await_waiting(t2);
  unmap(at, 8 * PAGE);
  expect_waiting(t2);
  struct worker* t3 = start_touch(VIA_MAPPING, v, 1);
  await_waiting(t3);
  expect_nothing();
  supply(v, 1, 1, TAG);
  expect_sigsegv(t1);
  expect_ok(t2);
  expect_byte(t3, content_byte(TAG, 1, 0));
  expect_nothing();
}

/* pager.md 8.7: a failure, too, meets a hole */
SCENARIO(a_failure_after_the_unmapping_ends_the_thread) {
  need_mappings();
  struct root* v = make_root(8);
  uint8_t* at = map_vmo(v->vmo, 0, 8 * PAGE);
  struct worker* t1 = start_load(at + PAGE);
  expect_read(v, 1, 1);
  unmap(at, 8 * PAGE);
  fail_pages(v, 1, 1, ZX_ERR_IO);
  /* Woken by the unmapping or by the failure: the access is over either way. */
  await_end(t1);
  check_true(worker_signals(t1) == 1);
  expect_nothing();
}

/* vmar.md 15 S15 */
SCENARIO(unmapping_one_of_two_mappings_disturbs_only_its_threads) {
  need_mappings();
  struct root* v = make_root(8);
  uint8_t* m = map_vmo(v->vmo, 0, 8 * PAGE);
  uint8_t* n = map_vmo(v->vmo, 0, 8 * PAGE);
  struct worker* t1 = start_load(m);
  expect_read(v, 0, 1);
  struct worker* t2 = start_load(n);
  await_waiting(t2);
  unmap(m, 8 * PAGE);
  expect_waiting(t2);
  supply(v, 0, 1, TAG);
  expect_sigsegv(t1);
  expect_byte(t2, content_byte(TAG, 0, 0));
  expect_nothing();
}

/* vmar.md 9: split elsewhere */
SCENARIO(unmapping_the_neighbours_disturbs_nobody) {
  need_mappings();
  struct root* v = make_root(8);
  uint8_t* at = map_vmo(v->vmo, 0, 8 * PAGE);
  struct worker* t1 = start_load(at + 3 * PAGE);
  expect_read(v, 3, 1);
  unmap(at, 3 * PAGE);
  unmap(at + 4 * PAGE, PAGE);
  unmap(at + 6 * PAGE, 2 * PAGE);
  expect_waiting(t1);
  supply(v, 3, 1, TAG);
  expect_byte(t1, content_byte(TAG, 3, 0));
  /* What is left of the mapping works on. */
  struct worker* t2 = start_load(at + 5 * PAGE);
  expect_read(v, 5, 1);
  supply(v, 5, 1, TAG);
  expect_byte(t2, content_byte(TAG, 5, 0));
  expect_sigsegv(start_load(at + 2 * PAGE));
  expect_sigsegv(start_load(at + 4 * PAGE));
  expect_nothing();
}

/* pager.md 13.47 */
SCENARIO(a_thread_whose_page_is_overwritten_asks_the_other_pager_vmo) {
  need_mappings();
  struct root* v = make_root(8);
  struct root* w = make_root(8);
  uint8_t* at = map_vmo(v->vmo, 0, 8 * PAGE);
  struct worker* t1 = start_load(at + PAGE);
  expect_read(v, 1, 1);
  overwrite(at, w->vmo, 8 * PAGE);
  supply(v, 1, 1, TAG);
  expect_read(w, 1, 1);
  expect_waiting(t1);
  supply(w, 1, 1, TAG + 1);
  expect_byte(t1, content_byte(TAG + 1, 1, 0));
  expect_nothing();
  expect_pages(VIA_CALLS, v, 1, 1, TAG);
}

/* vmar.md 15 S16 */
SCENARIO(a_thread_whose_page_is_overwritten_reads_the_new_page) {
  need_mappings();
  struct root* v = make_root(8);
  const zx_handle_t other = make_source(0, 2, TAG + 1);
  uint8_t* at = map_vmo(v->vmo, 0, 8 * PAGE);
  struct worker* load = start_load(at + PAGE);
  expect_read(v, 1, 1);
  struct worker* store = start_store(at + 10, 0xee);
  expect_read(v, 0, 1);
  overwrite(at, other, 2 * PAGE);
  supply(v, 0, 2, TAG);
  expect_byte(load, content_byte(TAG + 1, 1, 0));
  expect_ok(store);
  expect_nothing();
  /* The store went to the new VMO, the old page is as supplied. */
  uint8_t byte = 0;
  check_ok(zx_vmo_read(other, &byte, 10, 1));
  check_equal(byte, 0xee);
  expect_pages(VIA_CALLS, v, 0, 2, TAG);
}

/* vmar.md 9: protect to less than the access needs */
SCENARIO(a_store_whose_page_becomes_read_only_ends_with_an_access_violation) {
  need_mappings();
  struct root* v = make_root(8);
  uint8_t* at = map_vmo(v->vmo, 0, 8 * PAGE);
  struct worker* store = start_store(at + PAGE, 0xee);
  expect_read(v, 1, 1);
  struct worker* load = start_load(at + 2 * PAGE);
  expect_read(v, 2, 1);
  protect(at, 8 * PAGE, ZX_VM_PERM_READ);
  expect_waiting(load);
  supply(v, 1, 2, TAG);
  expect_sigsegv(store);
  expect_byte(load, content_byte(TAG, 2, 0));
  expect_pages(VIA_CALLS, v, 1, 1, TAG);
  expect_nothing();
}

/* vmar.md 9: to nothing, and back before the answer */
SCENARIO(a_protection_that_is_given_back_in_time_goes_unnoticed) {
  need_mappings();
  struct root* v = make_root(8);
  uint8_t* at = map_vmo(v->vmo, 0, 8 * PAGE);
  struct worker* t1 = start_load(at + PAGE);
  expect_read(v, 1, 1);
  protect(at, 8 * PAGE, ZX_VM_PERM_READ);
  protect(at, 8 * PAGE, READ_WRITE);
  expect_waiting(t1);
  supply(v, 1, 1, TAG);
  expect_byte(t1, content_byte(TAG, 1, 0));
  expect_ok(start_store(at + PAGE, 0xee));
  expect_nothing();
}

/* vmar.md 9: taken away for good */
SCENARIO(a_load_whose_page_becomes_inaccessible_ends_with_an_access_violation) {
  need_mappings();
  struct root* v = make_root(8);
  uint8_t* at = map_vmo(v->vmo, 0, 8 * PAGE);
  struct worker* t1 = start_load(at + PAGE);
  expect_read(v, 1, 1);
  protect(at, 8 * PAGE, 0);
  supply(v, 1, 1, TAG);
  expect_sigsegv(t1);
  expect_nothing();
}

/* vmar.md 7: a store to a read-only mapping asks nobody */
SCENARIO(a_store_without_permission_asks_for_nothing) {
  need_mappings();
  struct root* v = make_root(8);
  uint8_t* at = map_with(v->vmo, ZX_VM_PERM_READ, 0, 8 * PAGE);
  const uint64_t before = waits_now();
  expect_sigsegv(start_store(at + PAGE + 5, 1));
  check_equal(waits_now(), before);
  expect_nothing();
  supply(v, 1, 1, TAG);
  expect_byte(start_load(at + PAGE), content_byte(TAG, 1, 0));
  expect_sigsegv(start_store(at + PAGE + 5, 1));
}

/* pager.md 11.10: the place stays reserved */
SCENARIO(an_unmapped_place_stays_a_hole) {
  need_mappings();
  struct root* v = make_root(8);
  supply(v, 0, 1, TAG);
  uint8_t* at = map_vmo(v->vmo, 0, 8 * PAGE);
  expect_ok(start_load(at));
  unmap(at, 8 * PAGE);
  expect_sigsegv(start_load(at));
  expect_sigsegv(start_store(at + 5 * PAGE, 1));
  expect_nothing();
}

/* pager.md 8.7: many threads, each on a page of its own */
SCENARIO(unmapping_ends_all_threads_that_wait_in_the_mapping) {
  enum {
    THREADS = 16
  };
  need_mappings();
  struct root* v = make_root(THREADS);
  uint8_t* at = map_vmo(v->vmo, 0, THREADS * PAGE);
  struct worker* threads[THREADS];
  for (uint64_t i = 0; i < THREADS; i++) {
    threads[i] = start_load(at + i * PAGE + i);
    expect_read(v, i, 1);
  }
  unmap(at, THREADS * PAGE);
  drop(&v->vmo);
  expect_complete(v);
  for (uint64_t i = 0; i < THREADS; i++) {
    expect_sigsegv(threads[i]);
  }
  expect_nothing();
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(a_thread_in_an_unmapped_page_ends_with_its_vmo),
      TEST(a_thread_in_an_unmapped_page_faults_on_the_hole),
      TEST(the_request_of_an_unmapped_page_stands),
      TEST(a_failure_after_the_unmapping_ends_the_thread),
      TEST(unmapping_one_of_two_mappings_disturbs_only_its_threads),
      TEST(unmapping_the_neighbours_disturbs_nobody),
      TEST(a_thread_whose_page_is_overwritten_asks_the_other_pager_vmo),
      TEST(a_thread_whose_page_is_overwritten_reads_the_new_page),
      TEST(a_store_whose_page_becomes_read_only_ends_with_an_access_violation),
      TEST(a_protection_that_is_given_back_in_time_goes_unnoticed),
      TEST(a_load_whose_page_becomes_inaccessible_ends_with_an_access_violation),
      TEST(a_store_without_permission_asks_for_nothing),
      TEST(an_unmapped_place_stays_a_hole),
      TEST(unmapping_ends_all_threads_that_wait_in_the_mapping),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
