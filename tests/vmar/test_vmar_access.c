/* SPDX-License-Identifier: BSD-3-Clause */
/* What loads and stores meet: vmar.md 7, 5.9, 7.1 to 7.3, 15 S12 and S13. */
#include <string.h>

#include "regions.h"

#define LIMITED (RW | ZX_VM_SPECIFIC | ZX_VM_ALLOW_FAULTS | ZX_VM_FAULT_BEYOND_STREAM_SIZE)

/* ---- 7: the table ---- */

/* vmar.md 7: mapping, then permission, then end; si_addr is the address touched */
REGIONS(faults_are_told_apart_in_their_order) {
  struct region* r = make_region(6);
  const zx_handle_t a = tagged("1");
  map_at(r, 0, a, 0, 2);
  map_with_at(r, READ, 2, a, 0, 2);
  check_ok(try_map(r, ZX_VM_SPECIFIC, 4, a, 0, 1));
  static const struct {
    uint64_t page;
    bool store;
    int signo;
  } accesses[] = {
      {1, false, SIGBUS}, {1, true, SIGBUS},   {2, true, SIGSEGV},
      {3, false, SIGBUS}, {3, true, SIGSEGV},  {4, false, SIGSEGV},
      {4, true, SIGSEGV}, {5, false, SIGSEGV}, {5, true, SIGSEGV},
  };
  for (size_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++) {
    uint8_t* at = page_of(r, accesses[i].page) + 1234;
    struct worker* w = accesses[i].store ? start_store(at, 1) : start_load(at);
    await_end(w);
    if (accesses[i].signo == SIGBUS) {
      expect_sigbus(w);
    } else {
      expect_sigsegv(w);
    }
    check_equal((uintptr_t)worker_fault_address(w), (uintptr_t)at);
    check_true(worker_signal_code(w) > 0);
  }
}

/* vmar.md 7: the same for a pager VMO; a failed request, then a detached VMO */
REGIONS(faults_of_a_pager_vmo_have_the_same_order) {
  need_mappings();
  struct region* r = make_region(6);
  struct root* v = make_resizable_root(2);
  map_at(r, 0, v->vmo, 0, 3);
  map_with_at(r, READ, 3, v->vmo, 0, 3);
  expect_sigbus(start_load(page_of(r, 2) + 5));
  expect_sigbus(start_store(page_of(r, 2) + 5, 1));
  expect_sigsegv(start_store(page_of(r, 3) + 5, 1)); /* absent, and nobody is asked */
  expect_sigsegv(start_store(page_of(r, 5) + 5, 1)); /* past the end */
  expect_sigbus(start_load(page_of(r, 5) + 5));
  expect_nothing();
  struct worker* load = start_load(page_of(r, 0) + 77);
  expect_read(v, 0, 1);
  fail_pages(v, 0, 1, ZX_ERR_IO);
  expect_sigbus(load);
  check_equal((uintptr_t)worker_fault_address(load), (uintptr_t)page_of(r, 0) + 77);
  detach(v);
  expect_complete(v);
  expect_sigbus(start_load(page_of(r, 1)));
}

/* ---- 7.1: the end follows the size ---- */

static void follow_the_size(struct region* r, zx_handle_t vmo) {
  map_at(r, 0, vmo, 0, 4);
  expect_shows(r, "1234xx");
  check_ok(zx_vmo_set_size(vmo, 2 * PAGE));
  expect_shows(r, "12BBxx");
  expect_stores(r, "..BBxx");
  check_ok(zx_vmo_set_size(vmo, 3 * PAGE));
  expect_shows(r, "120Bxx");
  check_ok(zx_vmo_set_size(vmo, 6 * PAGE));
  expect_shows(r, "1200xx");
  expect_stores(r, "....xx");
  expect_maps(r, "region 0+6/ rw 0+4 @0");
}

/* vmar.md 7.1 */
REGIONS(the_end_follows_the_size_of_the_vmo) {
  follow_the_size(make_region(6), tagged_with(ZX_VMO_RESIZABLE, "1234"));
}

/* vmar.md 7.1 */
REGIONS(the_end_follows_the_size_of_a_pager_vmo) {
  need_mappings();
  struct root* v = make_resizable_root(4);
  supply_tags(v, 0, "1234");
  follow_the_size(make_region(6), v->vmo);
  expect_nothing();
}

/* vmar.md 7.1: in every mapping, whatever part it shows */
REGIONS(every_mapping_follows_the_size) {
  struct region* r = make_region(12);
  const zx_handle_t a = tagged_with(ZX_VMO_RESIZABLE, "1234");
  map_at(r, 0, a, 0, 3);
  map_at(r, 3, a, 2, 3);
  map_at(r, 6, a, 4, 2);
  map_at(r, 8, a, 1, 4);
  expect_shows(r, "12334BBB234B");
  check_ok(zx_vmo_set_size(a, 5 * PAGE));
  expect_shows(r,
               "123340"
               "0B"
               "2340");
  check_ok(zx_vmo_set_size(a, PAGE));
  expect_shows(r, "1BBBBBBBBBBB");
  check_ok(zx_vmo_set_size(a, 6 * PAGE));
  expect_shows(r, "100000000000");
}

/* ---- 5.9: the stream size ---- */

/* vmar.md 5.9: the page that holds the end is accessible whole; other mappings do not change */
REGIONS(a_mapping_may_end_with_the_stream) {
  struct region* r = make_region(8);
  const zx_handle_t a = tagged("1234");
  check_ok(try_map(r, LIMITED, 0, a, 0, 4));
  map_at(r, 4, a, 0, 4);
  expect_shows(r, "12341234");
  check_ok(zx_vmo_set_stream_size(a, PAGE + 1));
  expect_shows_from(r, 0, "1");
  expect_shows_from(r, 2, "BB");
  uint64_t word = 0;
  check_equal((uint64_t)guarded_load((uint64_t*)(page_of(r, 2) - 8), &word), 0);
  check_equal(word, 0);
  expect_shows_from(r, 6, "00");
  uint8_t byte = 1;
  check_ok(zx_vmo_read(a, &byte, 3 * PAGE, 1));
  check_equal(byte, 0);
}

/* vmar.md 5.9: later changes both ways, by every call that makes them */
REGIONS(the_end_follows_the_stream_size) {
  struct region* r = make_region(6);
  const zx_handle_t a = tagged_with(ZX_VMO_RESIZABLE, "1234");
  check_ok(try_map(r, LIMITED, 0, a, 0, 6));
  expect_shows(r, "1234BB");
  check_ok(zx_vmo_set_stream_size(a, PAGE));
  expect_shows(r, "1BBBBB");
  expect_stores(r, ".BBBBB");
  check_ok(zx_vmo_set_stream_size(a, 3 * PAGE));
  expect_shows(r, "100BBB");
  uint64_t property = 2 * PAGE;
  check_ok(zx_object_set_property(a, ZX_PROP_VMO_CONTENT_SIZE, &property, sizeof(property)));
  expect_shows(r, "10BBBB");
  check_ok(zx_vmo_set_size(a, 5 * PAGE));
  expect_shows(r, "10000B");
  check_ok(zx_vmo_set_size(a, PAGE));
  expect_shows(r, "1BBBBB");
  check_ok(zx_vmo_set_size(a, 4 * PAGE));
  expect_shows(r, "1000BB");
  /* The property takes any value; the end is the nearer of the two. */
  property = UINT64_MAX;
  check_ok(zx_object_set_property(a, ZX_PROP_VMO_CONTENT_SIZE, &property, sizeof(property)));
  expect_shows(r, "1000BB");
  check_ok(zx_vmo_set_stream_size(a, 0));
  expect_shows(r, "BBBBBB");
}

/* vmar.md 5.9: growth by an appending stream */
REGIONS(the_end_follows_what_a_stream_writes) {
  struct region* r = make_region(4);
  const zx_handle_t a = make_vmo(4);
  check_ok(zx_vmo_set_stream_size(a, 0));
  check_ok(try_map(r, LIMITED, 0, a, 0, 4));
  expect_shows(r, "BBBB");
  zx_handle_t stream = ZX_HANDLE_INVALID;
  check_ok(zx_stream_create(ZX_STREAM_MODE_WRITE, a, 0, &stream));
  keep(stream);
  static uint8_t bytes[3 * 4096];
  memset(bytes, 5, sizeof(bytes));
  const zx_iovec_t one = {.buffer = bytes, .capacity = PAGE};
  const zx_iovec_t more = {.buffer = bytes, .capacity = PAGE + 1};
  check_ok(zx_stream_writev(stream, 0, &one, 1, NULL));
  expect_shows(r, "5BBB");
  check_ok(zx_stream_writev(stream, 0, &more, 1, NULL));
  expect_shows_from(r, 0, "55");
  expect_shows_from(r, 3, "B");
  check_equal((uint64_t) * (volatile uint8_t*)page_of(r, 2), 5);
}

/* vmar.md 5.9: a part of the VMO, cut and overwritten like any mapping */
REGIONS(parts_of_such_a_mapping_go_on_following) {
  struct region* r = make_region(8);
  const zx_handle_t a = tagged("12345678");
  check_ok(try_map(r, LIMITED, 0, a, 0, 8));
  check_ok(try_unmap(r, 2, 1));
  overwrite_at(r, 5, tagged("0"), 0, 1);
  check_ok(zx_vmo_set_stream_size(a, 4 * PAGE));
  expect_shows(r, "12x4B0BB");
  check_ok(zx_vmo_set_stream_size(a, 7 * PAGE));
  expect_shows(r, "12x4000B");
  check_ok(try_protect(r, READ, 6, 2));
  expect_stores(r, "..x...xx");
}

/* vmar.md 5.9: with a pager; what lies past the stream asks for nothing */
REGIONS(past_the_stream_no_pager_is_asked) {
  need_mappings();
  struct region* r = make_region(8);
  struct root* v = make_root(4);
  check_ok(try_map(r, LIMITED, 0, v->vmo, 0, 4));
  map_at(r, 4, v->vmo, 0, 4);
  check_ok(zx_vmo_set_stream_size(v->vmo, 2 * PAGE));
  expect_shows_from(r, 2, "BB");
  expect_nothing();
  struct worker* load = start_load(page_of(r, 1));
  expect_read(v, 1, 1);
  supply_tags(v, 0, "12");
  expect_byte(load, 2);
  expect_shows(r, "12BB1200");
  check_ok(zx_vmo_set_stream_size(v->vmo, 3 * PAGE));
  expect_shows(r, "120B1200");
  expect_stores(r, "...B....");
  expect_nothing();
}

/* vmar.md 5.9 */
REGIONS(a_slice_has_a_stream_of_its_own) {
  struct region* r = make_region(8);
  const zx_handle_t a = tagged("12345678");
  zx_handle_t slice = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create_child(a, ZX_VMO_CHILD_SLICE, 2 * PAGE, 4 * PAGE, &slice));
  keep(slice);
  check_ok(try_map(r, LIMITED, 0, slice, 0, 5));
  expect_shows(r, "3456Bxxx");
  check_ok(zx_vmo_set_stream_size(a, 3 * PAGE));
  expect_shows(r, "3000Bxxx");
  check_ok(zx_vmo_set_stream_size(slice, 2 * PAGE));
  expect_shows(r, "30BBBxxx");
}

/* ---- 7.2, 7.3: one set of bytes ---- */

/* vmar.md 7.2: windows of different offsets, calls, and operations on VMO and region */
REGIONS(all_views_show_one_set_of_bytes) {
  struct region* r = make_region(12);
  const zx_handle_t a = tagged("1234");
  zx_handle_t slice = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create_child(a, ZX_VMO_CHILD_SLICE, PAGE, 2 * PAGE, &slice));
  keep(slice);
  map_at(r, 0, a, 0, 4);
  map_at(r, 4, a, 1, 3);
  map_at(r, 7, slice, 0, 2);
  expect_shows(r, "123423423xxx");
  memset(page_of(r, 4), 7, PAGE);
  expect_shows(r, "173473473xxx");
  expect_tags(a, "1734");
  tag_page(a, 2, '8');
  expect_shows(r, "178478478xxx");
  tag_page(slice, 1, '9');
  expect_shows(r, "179479479xxx");
  check_ok(zx_vmo_op_range(a, ZX_VMO_OP_DECOMMIT, PAGE, PAGE, NULL, 0));
  expect_shows(r, "109409409xxx");
  check_ok(try_op(r, ZX_VMAR_OP_ZERO, 5, 1));
  expect_shows(r, "100400400xxx");
  expect_tags(a, "1004");
}

/* vmar.md 15 S12; 7.3 */
REGIONS(s12_a_snapshot_keeps_the_bytes_of_its_moment) {
  need_mappings();
  struct region* r = make_region(8);
  const zx_handle_t a = tagged("123");
  map_at(r, 0, a, 0, 3);
  expect_stores(r, "...xxxxx");
  zx_handle_t c = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create_child(a, ZX_VMO_CHILD_SNAPSHOT, 0, 3 * PAGE, &c));
  keep(c);
  memset(page_of(r, 0), 7, PAGE);
  expect_tags(c, "123");
  expect_tags(a, "723");
  expect_shows(r, "723xxxxx");
  /* A mapping of the child that has shown its parent's page shows its own once that is made. */
  map_at(r, 4, c, 0, 3);
  expect_shows(r, "723x123x");
  tag_page(c, 0, '9');
  check_ok(zx_vmo_op_range(c, ZX_VMO_OP_ZERO, PAGE, PAGE, NULL, 0));
  check_ok(try_op(r, ZX_VMAR_OP_COMMIT, 6, 1));
  expect_shows(r, "723x903x");
  memset(page_of(r, 2), 8, PAGE);
  memset(page_of(r, 6), 4, PAGE);
  expect_shows(r, "728x904x");
}

/* vmar.md 15 S13; 10.6 */
REGIONS(s13_a_mapped_child_counts_until_its_last_page_goes) {
  struct region* r = make_region(2);
  const zx_handle_t a = tagged("12");
  zx_handle_t child = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create_child(a, ZX_VMO_CHILD_SLICE, 0, 2 * PAGE, &child));
  map_at(r, 0, child, 0, 2);
  check_ok(zx_handle_close(child));
  zx_signals_t seen = 0;
  check_status(zx_object_wait_one(a, ZX_VMO_ZERO_CHILDREN, ZX_TIME_INFINITE_PAST, &seen),
               ZX_ERR_TIMED_OUT);
  check_ok(try_unmap(r, 0, 1));
  check_status(zx_object_wait_one(a, ZX_VMO_ZERO_CHILDREN, ZX_TIME_INFINITE_PAST, &seen),
               ZX_ERR_TIMED_OUT);
  check_ok(try_unmap(r, 1, 1));
  check_ok(zx_object_wait_one(a, ZX_VMO_ZERO_CHILDREN, ZX_TIME_INFINITE_PAST, &seen));
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(faults_are_told_apart_in_their_order),
      TEST(faults_of_a_pager_vmo_have_the_same_order),
      TEST(the_end_follows_the_size_of_the_vmo),
      TEST(the_end_follows_the_size_of_a_pager_vmo),
      TEST(every_mapping_follows_the_size),
      TEST(a_mapping_may_end_with_the_stream),
      TEST(the_end_follows_the_stream_size),
      TEST(the_end_follows_what_a_stream_writes),
      TEST(parts_of_such_a_mapping_go_on_following),
      TEST(past_the_stream_no_pager_is_asked),
      TEST(a_slice_has_a_stream_of_its_own),
      TEST(all_views_show_one_set_of_bytes),
      TEST(s12_a_snapshot_keeps_the_bytes_of_its_moment),
      TEST(s13_a_mapped_child_counts_until_its_last_page_goes),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
