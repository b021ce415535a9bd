/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A mapping that changes while a thread waits in it: vmar.md 9; threads that wait by several
 * mappings: 7.4. tests/pager/test_pager_unmap.c has more of the same in the root region.
 */
#include <zircon/syscalls-next.h>

#include "regions.h"

static struct root* make_trapping_root(uint64_t pages) {
  return make_root_on(fx.pager, fx.port, ZX_VMO_TRAP_DIRTY, FIRST_KEY, pages * PAGE);
}

#define expect_dirty(v, first, count) \
  expect_packet((v)->port, (v)->key, ZX_PAGER_VMO_DIRTY, (first)*PAGE, (count)*PAGE)

static void dirty(struct root* v, uint64_t first, uint64_t count) {
  check_ok(zx_pager_op_range(v->pager, ZX_PAGER_OP_DIRTY, v->vmo, first * PAGE, count * PAGE, 0));
}

static uint64_t dirty_ranges(struct root* v) {
  uint64_t avail = 0;
  check_ok(
      zx_pager_query_dirty_ranges(v->pager, v->vmo, 0, v->pages * PAGE, NULL, 0, NULL, &avail));
  return avail;
}

/* vmar.md 7.4: one request for all mappings, and all are woken */
REGIONS(threads_of_several_mappings_share_a_request) {
  need_mappings();
  struct region* r = make_region(12);
  struct root* v = make_root(4);
  map_at(r, 0, v->vmo, 0, 4);
  map_at(r, 4, v->vmo, 1, 3);
  map_with_at(r, READ, 8, v->vmo, 0, 4);
  struct worker* w1 = start_load(page_of(r, 2) + 9);
  expect_read(v, 2, 1);
  struct worker* w2 = start_store(page_of(r, 5) + 9, 7);
  struct worker* w3 = start_load(page_of(r, 10) + 10);
  await_waiting(w2);
  await_waiting(w3);
  expect_nothing();
  supply_tags(v, 2, "5");
  await_end(w1);
  expect_ok(w2);
  expect_byte(w3, 5);
  expect_nothing();
}

/* vmar.md 7.4: of a TRAP_DIRTY VMO loads do not wait; once dirty, stores by all mappings go
 * through */
REGIONS(stores_of_all_mappings_wait_for_one_answer) {
  need_mappings();
  struct region* r = make_region(8);
  struct root* v = make_trapping_root(4);
  supply_tags(v, 0, "1234");
  map_at(r, 0, v->vmo, 0, 4);
  map_at(r, 4, v->vmo, 0, 4);
  struct worker* w1 = start_store(page_of(r, 1), 8);
  expect_dirty(v, 1, 1);
  struct worker* w2 = start_store(page_of(r, 5) + 1, 8);
  await_waiting(w2);
  expect_shows(r, "12341234");
  expect_nothing();
  dirty(v, 1, 1);
  expect_ok(w1);
  expect_ok(w2);
  expect_ok(start_store(page_of(r, 5) + 2, 8));
  expect_nothing();
}

/* vmar.md 9, row 1; 15 S15 */
REGIONS(s15_unmapping_one_of_two_mappings) {
  need_mappings();
  struct region* r = make_region(4);
  struct root* v = make_root(2);
  map_at(r, 0, v->vmo, 0, 2);
  map_at(r, 2, v->vmo, 0, 2);
  uint8_t* m = page_of(r, 0) + 321;
  struct worker* by_m = start_load(m);
  expect_read(v, 0, 1);
  struct worker* by_n = start_load(page_of(r, 2));
  await_waiting(by_n);
  check_ok(try_unmap(r, 0, 2));
  expect_nothing();
  supply_tags(v, 0, "4");
  expect_sigsegv(by_m);
  check_equal((uintptr_t)worker_fault_address(by_m), (uintptr_t)m);
  expect_byte(by_n, 4);
  expect_nothing();
}

/* vmar.md 9, row 1: destroying its region, or one above */
REGIONS(a_thread_whose_region_is_destroyed_faults) {
  need_mappings();
  struct region* r = make_region(8);
  struct region* s = make_region_in(r, 0, 4);
  struct root* v = make_root(2);
  struct region* t = make_region_in(s, 1, 3);
  map_at(t, 0, v->vmo, 0, 2);
  struct worker* load = start_load(page_of(t, 1));
  expect_read(v, 1, 1);
  check_ok(zx_vmar_destroy(s->vmar));
  expect_nothing();
  supply_tags(v, 1, "4");
  expect_sigsegv(load);
  expect_nothing();
}

/* vmar.md 9, row 2; 15 S16 */
REGIONS(s16_an_overwritten_page_shows_the_new_one) {
  need_mappings();
  struct region* r = make_region(2);
  struct root* v = make_root(2);
  map_at(r, 0, v->vmo, 0, 2);
  struct worker* load = start_load(page_of(r, 1));
  expect_read(v, 1, 1);
  struct worker* store = start_store(page_of(r, 0) + 4, 3);
  expect_read(v, 0, 1);
  const zx_handle_t b = tagged("89");
  overwrite_at(r, 0, b, 0, 2);
  supply_tags(v, 0, "12");
  expect_byte(load, 9);
  expect_ok(store);
  uint8_t byte = 0;
  check_ok(zx_vmo_read(b, &byte, 4, 1));
  check_equal(byte, 3);
  expect_tags(v->vmo, "12");
  expect_nothing();
}

/* vmar.md 9, row 2: by another pager VMO, whose pager is asked then */
REGIONS(an_overwritten_page_may_need_the_other_pager) {
  need_mappings();
  struct region* r = make_region(2);
  struct root* v = make_root(2);
  struct root* w = make_root(2);
  map_at(r, 0, v->vmo, 0, 2);
  struct worker* load = start_load(page_of(r, 1));
  expect_read(v, 1, 1);
  overwrite_at(r, 0, w->vmo, 0, 2);
  supply_tags(v, 1, "2");
  expect_read(w, 1, 1);
  expect_waiting(load);
  supply_tags(w, 1, "6");
  expect_byte(load, 6);
  expect_nothing();
}

/* vmar.md 9, row 3; 15 S17 */
REGIONS(s17_a_store_that_is_no_longer_allowed) {
  need_mappings();
  struct region* r = make_region(2);
  struct root* v = make_trapping_root(2);
  supply_tags(v, 0, "1");
  map_at(r, 0, v->vmo, 0, 2);
  struct worker* store = start_store(page_of(r, 0), 9);
  expect_dirty(v, 0, 1);
  check_ok(try_protect(r, READ, 0, 2));
  expect_nothing();
  dirty(v, 0, 1);
  expect_sigsegv(store);
  expect_shows(r, "1");
  check_equal(dirty_ranges(v), 1);
  expect_nothing();
}

/* vmar.md 9, row 4 */
REGIONS(changes_that_leave_the_access_alone_go_unnoticed) {
  need_mappings();
  struct region* r = make_region(8);
  struct root* v = make_root(8);
  map_at(r, 0, v->vmo, 0, 8);
  struct worker* load = start_load(page_of(r, 4));
  expect_read(v, 4, 1);
  check_ok(try_protect(r, READ, 0, 8));
  check_ok(try_unmap(r, 0, 4));
  check_ok(try_unmap(r, 6, 1));
  overwrite_at(r, 5, tagged("9"), 0, 1);
  expect_waiting(load);
  supply_tags(v, 4, "5");
  expect_byte(load, 5);
  expect_shows(r, "xxxx59x");
  expect_nothing();
}

/* vmar.md 9, row 5; 15 S19 */
REGIONS(s19_shrinking_ends_the_wait_at_once) {
  need_mappings();
  struct region* r = make_region(4);
  struct root* v = make_resizable_root(4);
  map_at(r, 0, v->vmo, 0, 4);
  struct worker* far = start_load(page_of(r, 3) + 55);
  expect_read(v, 3, 1);
  struct worker* near = start_load(page_of(r, 1));
  expect_read(v, 1, 1);
  check_ok(zx_vmo_set_size(v->vmo, 2 * PAGE));
  expect_sigbus(far);
  check_equal((uintptr_t)worker_fault_address(far), (uintptr_t)page_of(r, 3) + 55);
  expect_waiting(near);
  supply_tags(v, 1, "2");
  expect_byte(near, 2);
  expect_nothing();
}

/* vmar.md 9, row 6 */
REGIONS(a_failed_or_detached_page_ends_the_wait) {
  need_mappings();
  struct region* r = make_region(4);
  struct root* v = make_root(4);
  map_at(r, 0, v->vmo, 0, 4);
  struct worker* failed = start_load(page_of(r, 1));
  expect_read(v, 1, 1);
  struct worker* detached = start_load(page_of(r, 2));
  expect_read(v, 2, 1);
  check_ok(try_protect(r, READ, 0, 4));
  fail_pages(v, 1, 1, ZX_ERR_IO);
  expect_sigbus(failed);
  expect_waiting(detached);
  detach(v);
  expect_sigbus(detached);
  expect_complete(v);
  expect_nothing();
}

/* vmar.md 9: unmapped and mapped again elsewhere and here, the wait belongs to the page */
REGIONS(a_place_may_change_hands_more_than_once) {
  need_mappings();
  struct region* r = make_region(4);
  struct root* v = make_root(4);
  map_at(r, 0, v->vmo, 0, 4);
  struct worker* load = start_load(page_of(r, 1));
  expect_read(v, 1, 1);
  check_ok(try_unmap(r, 0, 4));
  map_at(r, 0, tagged("5678"), 0, 4);
  overwrite_at(r, 0, v->vmo, 0, 4);
  check_ok(try_unmap(r, 1, 1));
  map_at(r, 1, v->vmo, 2, 1);
  /* The page is page 2 by now; the old request is for page 1. */
  supply_tags(v, 1, "4");
  expect_read(v, 2, 1);
  expect_waiting(load);
  supply_tags(v, 2, "3");
  expect_byte(load, 3);
  expect_nothing();
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(threads_of_several_mappings_share_a_request),
      TEST(stores_of_all_mappings_wait_for_one_answer),
      TEST(s15_unmapping_one_of_two_mappings),
      TEST(a_thread_whose_region_is_destroyed_faults),
      TEST(s16_an_overwritten_page_shows_the_new_one),
      TEST(an_overwritten_page_may_need_the_other_pager),
      TEST(s17_a_store_that_is_no_longer_allowed),
      TEST(changes_that_leave_the_access_alone_go_unnoticed),
      TEST(s19_shrinking_ends_the_wait_at_once),
      TEST(a_failed_or_detached_page_ends_the_wait),
      TEST(a_place_may_change_hands_more_than_once),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
