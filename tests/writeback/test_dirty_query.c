/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_pager_query_dirty_ranges: its checks, and what the entries say. writeback.md 6. */
#include <string.h>

#include "writeback.h"

static zx_status_t query(struct root* v, uint64_t offset, uint64_t length, void* buffer,
                         size_t size, size_t* actual, size_t* avail) {
  return zx_pager_query_dirty_ranges(v->pager, v->vmo, offset, length, buffer, size, actual, avail);
}

/* A trap root of 12 pages that lists DATA(1, 2), ZERO(3, 2), DATA(6, 1), ZERO(8, 4). */
static struct root* make_mixture(void) {
  struct root* v = make_trap_root(12);
  supply(v, 1, 2, TAG);
  supply(v, 6, 2, TAG);
  dirty_pages(v, 1, 2);
  dirty_pages(v, 6, 1);
  zero_pages(v, 3, 2);
  zero_pages(v, 8, 4);
  return v;
}

/* ---- Checks ---- */

struct args {
  zx_handle_t owner; /* what has to be closed: the pager, or what replaced it */
  zx_handle_t pager;
  zx_handle_t vmo; /* a trap root of 4 pages, all dirty */
  uint64_t offset;
  uint64_t length;
  void* buffer;
  size_t* actual;
  size_t* avail;
};

enum part {
  PAGER = 1 << 0,
  VMO = 1 << 1,
  RANGE = 1 << 2,
  BUFFER = 1 << 3,
  OUT = 1 << 4,
};

struct mistake {
  const char* name;
  unsigned part;
  void (*make)(struct args* a);
  zx_status_t status;
};

static void no_pager(struct args* a) { a->pager = ZX_HANDLE_INVALID; }
static void port_as_pager(struct args* a) { a->pager = fx.port; }
static void weak_pager(struct args* a) {
  check_ok(zx_handle_replace(a->owner, ZX_DEFAULT_PAGER_RIGHTS & ~ZX_RIGHT_MANAGE_VMO, &a->owner));
  a->pager = a->owner;
}
static void no_vmo(struct args* a) { a->vmo = ZX_HANDLE_INVALID; }
static void port_as_vmo(struct args* a) { a->vmo = fx.port; }
static void weak_vmo(struct args* a) {
  a->vmo = duplicate_with(a->vmo, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_READ);
}
static void ordinary_vmo(struct args* a) { a->vmo = make_vmo(8); }
static void vmo_of_another_pager(struct args* a) {
  a->vmo = make_root_on(make_pager(), fx.port, ZX_VMO_TRAP_DIRTY, 1, 8 * PAGE)->vmo;
}
static void end_beyond_the_end(struct args* a) { a->length = 4 * PAGE + 1; }
static void start_beyond_the_end(struct args* a) {
  a->offset = 4 * PAGE + 1;
  a->length = 0;
}
static void sum_overflows(struct args* a) {
  a->offset = PAGE;
  a->length = UINT64_MAX;
}
static void null_buffer(struct args* a) { a->buffer = NULL; }
static void buffer_in_a_hole(struct args* a) { a->buffer = make_hole(); }
static void actual_in_a_hole(struct args* a) { a->actual = make_hole(); }
static void avail_in_a_hole(struct args* a) { a->avail = make_hole(); }

/* In the order of the table of writeback.md 6. */
static const struct mistake mistakes[] = {
    {"no pager", PAGER, no_pager, ZX_ERR_BAD_HANDLE},
    {"port as pager", PAGER, port_as_pager, ZX_ERR_WRONG_TYPE},
    {"pager without MANAGE_VMO", PAGER, weak_pager, ZX_ERR_ACCESS_DENIED},
    {"no VMO", VMO, no_vmo, ZX_ERR_BAD_HANDLE},
    {"port as VMO", VMO, port_as_vmo, ZX_ERR_WRONG_TYPE},
    {"VMO without READ", VMO, weak_vmo, ZX_ERR_ACCESS_DENIED},
    {"ordinary VMO", VMO, ordinary_vmo, ZX_ERR_INVALID_ARGS},
    {"VMO of another pager", VMO, vmo_of_another_pager, ZX_ERR_INVALID_ARGS},
    {"end beyond the end", RANGE, end_beyond_the_end, ZX_ERR_OUT_OF_RANGE},
    {"start beyond the end", RANGE, start_beyond_the_end, ZX_ERR_OUT_OF_RANGE},
    {"sum overflows", RANGE, sum_overflows, ZX_ERR_OUT_OF_RANGE},
    {"null buffer", BUFFER, null_buffer, ZX_ERR_INVALID_ARGS},
    {"buffer in a hole", BUFFER, buffer_in_a_hole, ZX_ERR_INVALID_ARGS},
    {"actual in a hole", OUT, actual_in_a_hole, ZX_ERR_INVALID_ARGS},
    {"avail in a hole", OUT, avail_in_a_hole, ZX_ERR_INVALID_ARGS},
};
enum {
  MISTAKES = sizeof(mistakes) / sizeof(mistakes[0])
};

static zx_vmo_dirty_range_t scratch[8];
static size_t scratch_actual;
static size_t scratch_avail;

static struct args good_args(void) {
  zx_handle_t pager = ZX_HANDLE_INVALID;
  check_ok(zx_pager_create(0, &pager));
  struct root* v = make_root_on(pager, fx.port, ZX_VMO_TRAP_DIRTY, 1, 4 * PAGE);
  supply(v, 0, 4, TAG);
  dirty_pages(v, 0, 4);
  return (struct args){.owner = pager,
                       .pager = pager,
                       .vmo = v->vmo,
                       .length = 4 * PAGE,
                       .buffer = scratch,
                       .actual = &scratch_actual,
                       .avail = &scratch_avail};
}

static zx_status_t call(const struct args* a) {
  const zx_status_t status = zx_pager_query_dirty_ranges(
      a->pager, a->vmo, a->offset, a->length, a->buffer, sizeof(scratch), a->actual, a->avail);
  check_ok(zx_handle_close(a->owner));
  return status;
}

/* writeback.md 6, the table; all pairs of mistakes */
SCENARIO(the_query_checks_in_order) {
  struct args good = good_args();
  check_ok(call(&good));
  for (unsigned i = 0; i < MISTAKES; i++) {
    struct args a = good_args();
    mistakes[i].make(&a);
    const zx_status_t got = call(&a);
    if (got != mistakes[i].status) {
      check_fail("%s gave %d, not %d", mistakes[i].name, got, mistakes[i].status);
    }
    for (unsigned k = i + 1; k < MISTAKES; k++) {
      if ((mistakes[i].part & mistakes[k].part) != 0) continue;
      a = good_args();
      mistakes[k].make(&a);
      mistakes[i].make(&a);
      const zx_status_t both = call(&a);
      if (both != mistakes[i].status) {
        check_fail("%s and %s gave %d, not %d", mistakes[i].name, mistakes[k].name, both,
                   mistakes[i].status);
      }
    }
  }
}

/* writeback.md 6 row 5, rule 6: a buffer of a mapping that cannot be written */
SCENARIO(a_buffer_that_cannot_be_written_is_refused_when_there_is_something_to_store) {
  struct root* v = make_mixture();
  void* read_only = map_with(make_vmo(1), ZX_VM_PERM_READ, 0, PAGE);
  size_t actual = 99;
  size_t avail = 99;
  check_status(query(v, 0, 12 * PAGE, read_only, PAGE, &actual, &avail), ZX_ERR_INVALID_ARGS);
  check_status(query(v, 0, 12 * PAGE, NULL, PAGE, &actual, &avail), ZX_ERR_INVALID_ARGS);
  /* Nothing to store, or no room for an entry. */
  check_ok(query(v, 0, PAGE, read_only, PAGE, &actual, &avail));
  check_equal(actual, 0);
  check_equal(avail, 0);
  check_ok(query(v, 0, PAGE, NULL, PAGE, &actual, &avail));
  check_ok(query(v, 0, 12 * PAGE, NULL, sizeof(zx_vmo_dirty_range_t) - 1, &actual, &avail));
  check_equal(actual, 0);
  check_equal(avail, 4);
  check_ok(query(v, 0, 12 * PAGE, read_only, 8, &actual, &avail));
  check_equal(actual, 0);
  check_equal(avail, 4);
}

/* writeback.md 6 row 4: the edges */
SCENARIO(the_range_may_touch_the_end_but_not_pass_it) {
  struct root* v = make_trap_root(4);
  size_t avail = 99;
  check_ok(query(v, 0, 4 * PAGE, NULL, 0, NULL, &avail));
  check_equal(avail, 0);
  check_ok(query(v, 4 * PAGE, 0, NULL, 0, NULL, &avail));
  check_ok(query(v, 4 * PAGE - 1, 1, NULL, 0, NULL, &avail));
  check_status(query(v, 4 * PAGE - 1, 2, NULL, 0, NULL, &avail), ZX_ERR_OUT_OF_RANGE);
  check_status(query(v, 4 * PAGE, 1, NULL, 0, NULL, &avail), ZX_ERR_OUT_OF_RANGE);
  check_status(query(v, UINT64_MAX, 1, NULL, 0, NULL, &avail), ZX_ERR_OUT_OF_RANGE);
  struct root* empty = make_trap_root(0);
  check_ok(query(empty, 0, 0, NULL, 0, NULL, &avail));
  check_equal(avail, 0);
}

/* ---- Entries ---- */

/* writeback.md 6 rules 2 and 3 */
SCENARIO(entries_rise_and_tell_zeros_from_data) {
  struct root* v = make_mixture();
  expect_listed(v, DATA(1, 2), ZERO(3, 2), DATA(6, 1), ZERO(8, 4));
}

/* writeback.md 6 rule 3 */
BOTH_WAYS(dirty_and_awaiting_pages_are_one_entry) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  for (uint64_t page = 1; page < 7; page++) {
    poke_asking(via, v, page, VALUE);
  }
  begin_writeback(v, 2, 1);
  begin_writeback(v, 5, 2);
  expect_listed(v, DATA(1, 6));
  end_writeback(v, 2, 1);
  expect_listed(v, DATA(1, 1), DATA(3, 4));
}

/* writeback.md 6 rule 3: clean pages and markers part entries */
SCENARIO(clean_content_parts_entries) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 3, TAG);
  supply_zeros(v, 3, 1);
  supply(v, 4, 1, TAG);
  dirty_pages(v, 0, 1);
  dirty_pages(v, 2, 1);
  dirty_pages(v, 4, 1);
  expect_listed(v, DATA(0, 1), DATA(2, 1), DATA(4, 1));
}

/* writeback.md 6 rule 3: an interval never joins with pages */
SCENARIO(zeros_and_data_side_by_side_are_entries_of_their_own) {
  struct root* v = make_trap_root(6);
  zero_pages(v, 0, 6);
  dirty_pages(v, 2, 2);
  expect_listed(v, ZERO(0, 2), DATA(2, 2), ZERO(4, 2));
}

/* writeback.md 6 rule 2: clipped to the range */
SCENARIO(entries_are_clipped_to_the_range) {
  struct root* v = make_mixture();
  expect_listed_in(v, 2, 7, DATA(2, 1), ZERO(3, 2), DATA(6, 1), ZERO(8, 1));
  expect_listed_in(v, 4, 1, ZERO(4, 1));
  expect_listed_in(v, 9, 2, ZERO(9, 2));
  expect_listed_at(HERE, v, 0, 1, NULL, 0);
  expect_listed_at(HERE, v, 5, 1, NULL, 0);
  expect_listed_at(HERE, v, 7, 1, NULL, 0);
  expect_listed_at(HERE, v, 3, 0, NULL, 0);
}

/* writeback.md 6 rule 1: rounded outward, clipped to what was rounded */
SCENARIO(an_unaligned_range_rounds_outward) {
  struct root* v = make_mixture();
  zx_vmo_dirty_range_t entry;
  static const struct {
    uint64_t offset;
    uint64_t length;
    uint64_t first;
    uint64_t count;
  } cases[] = {
      {PAGE + 1, 1, 1, 1},
      {2 * PAGE - 1, 1, 1, 1},
      {2 * PAGE - 1, 2, 1, 2},
      {PAGE + 7, PAGE, 1, 2},
      {8 * PAGE + 1, 2 * PAGE - 1, 8, 2},
      {8 * PAGE + 1, 2 * PAGE, 8, 3},
      {12 * PAGE - 1, 1, 11, 1},
  };
  for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    size_t actual = 0;
    size_t avail = 0;
    check_ok(query(v, cases[i].offset, cases[i].length, &entry, sizeof(entry), &actual, &avail));
    check_equal(actual, 1);
    check_equal(avail, 1);
    check_equal(entry.offset, cases[i].first * PAGE);
    check_equal(entry.length, cases[i].count * PAGE);
  }
}

/* writeback.md 6 rule 1, 2: a length of 0 in the middle of a page looks at no page or at that
 * page */
SCENARIO(a_query_of_nothing_lists_at_most_the_page_it_is_in) {
  struct root* v = make_mixture();
  zx_vmo_dirty_range_t entries[4];
  size_t avail = 99;
  check_ok(query(v, PAGE + 5, 0, entries, sizeof(entries), NULL, &avail));
  check_true(avail <= 1);
  check_ok(query(v, PAGE, 0, entries, sizeof(entries), NULL, &avail));
  check_equal(avail, 0);
}

/* ---- Buffers ---- */

/* writeback.md 6 rules 4 and 5 */
SCENARIO(a_short_buffer_gets_the_first_entries) {
  struct root* v = make_mixture();
  static const uint64_t firsts[] = {1, 3, 6, 8};
  for (size_t size = 0; size <= 5 * sizeof(zx_vmo_dirty_range_t); size++) {
    uint8_t buffer[6 * sizeof(zx_vmo_dirty_range_t)];
    memset(buffer, 0xa5, sizeof(buffer));
    size_t actual = 99;
    size_t avail = 99;
    check_ok(query(v, 0, 12 * PAGE, buffer, size, &actual, &avail));
    const size_t fit = size / sizeof(zx_vmo_dirty_range_t);
    check_equal(actual, fit < 4 ? fit : 4);
    check_equal(avail, 4);
    const size_t used = actual * sizeof(zx_vmo_dirty_range_t);
    check_true(is_filled_with(buffer + used, 0xa5, sizeof(buffer) - used));
    for (size_t i = 0; i < actual; i++) {
      zx_vmo_dirty_range_t entry;
      memcpy(&entry, buffer + i * sizeof(entry), sizeof(entry));
      check_equal(entry.offset, firsts[i] * PAGE);
    }
  }
}

/* writeback.md 6 rule 5: either pointer may be null, or both */
SCENARIO(the_counts_need_not_be_asked_for) {
  struct root* v = make_mixture();
  zx_vmo_dirty_range_t entries[4];
  size_t n = 0;
  check_ok(query(v, 0, 12 * PAGE, entries, sizeof(entries), NULL, NULL));
  check_equal(entries[3].offset, 8 * PAGE);
  check_ok(query(v, 0, 12 * PAGE, entries, sizeof(entries), &n, NULL));
  check_equal(n, 4);
  n = 0;
  check_ok(query(v, 0, 12 * PAGE, entries, sizeof(entries), NULL, &n));
  check_equal(n, 4);
  check_ok(query(v, 0, 12 * PAGE, NULL, 0, NULL, NULL));
}

/* writeback.md 6 rule 6 */
SCENARIO(a_null_buffer_counts) {
  struct root* v = make_mixture();
  size_t actual = 99;
  size_t avail = 99;
  check_ok(query(v, 0, 12 * PAGE, NULL, 0, &actual, &avail));
  check_equal(actual, 0);
  check_equal(avail, 4);
}

/* writeback.md 6 rule 7: page by page, however small the buffer */
SCENARIO(a_pager_that_resumes_misses_nothing) {
  enum {
    PAGES = 301
  };
  struct root* v = make_trap_root(PAGES);
  supply(v, 0, PAGES, TAG);
  for (uint64_t page = 0; page < PAGES; page += 2) {
    if (page % 3 == 0) {
      zero_pages(v, page, 1);
    } else {
      dirty_pages(v, page, 1);
    }
  }
  for (size_t room = 1; room <= 130; room = room * 2 + 1) {
    zx_vmo_dirty_range_t entries[130];
    uint64_t at = 0;
    uint64_t next = 0;
    for (;;) {
      size_t actual = 0;
      check_ok(query(v, at, PAGES * PAGE - at, entries, room * sizeof(entries[0]), &actual, NULL));
      if (actual == 0) break;
      for (size_t i = 0; i < actual; i++) {
        check_equal(entries[i].offset, next * PAGE);
        check_equal(entries[i].length, PAGE);
        check_equal(entries[i].options, next % 3 == 0 ? ZX_VMO_DIRTY_RANGE_IS_ZERO : 0);
        next += 2;
      }
      at = entries[actual - 1].offset + entries[actual - 1].length;
    }
    check_equal(next, PAGES + 1);
  }
}

/* writeback.md 6 rule 4, 5: more entries than the library gathers at once */
SCENARIO(a_large_buffer_gets_everything) {
  enum {
    ENTRIES = 1000
  };
  static zx_vmo_dirty_range_t entries[ENTRIES + 1];
  struct root* v = make_trap_root(2 * ENTRIES);
  supply(v, 0, 2 * ENTRIES, TAG);
  for (uint64_t i = 0; i < ENTRIES; i++) {
    dirty_pages(v, 2 * i, 1);
  }
  size_t actual = 0;
  size_t avail = 0;
  check_ok(query(v, 0, 2 * ENTRIES * PAGE, entries, sizeof(entries), &actual, &avail));
  check_equal(actual, ENTRIES);
  check_equal(avail, ENTRIES);
  for (uint64_t i = 0; i < ENTRIES; i++) {
    check_equal(entries[i].offset, 2 * i * PAGE);
    check_equal(entries[i].length, PAGE);
  }
  check_ok(query(v, 0, 2 * ENTRIES * PAGE, entries, 700 * sizeof(entries[0]), &actual, &avail));
  check_equal(actual, 700);
  check_equal(avail, ENTRIES);
}

/* ---- Kinds of roots ---- */

/* writeback.md 6 rule 8 */
BOTH_WAYS(a_plain_root_lists_like_a_trap_root) {
  struct root* v = make_root(8);
  supply(v, 0, 6, TAG);
  expect_none_listed(v);
  poke_freely(via, v, 1, VALUE);
  poke_freely(via, v, 2, VALUE);
  zero_pages(v, 4, 1);
  begin_writeback(v, 2, 1);
  expect_listed(v, DATA(1, 2), ZERO(4, 1));
}

/* writeback.md 6 rule 8 */
SCENARIO(a_detached_root_lists_as_before) {
  struct root* v = make_mixture();
  detach(v);
  expect_complete(v);
  expect_listed(v, DATA(1, 2), ZERO(3, 2), DATA(6, 1), ZERO(8, 4));
}

/* writeback.md 6: a root that nothing was done to */
SCENARIO(a_fresh_root_lists_nothing) {
  expect_none_listed(make_root(8));
  struct root* unbounded =
      make_root_on(fx.pager, fx.port, ZX_VMO_UNBOUNDED | ZX_VMO_TRAP_DIRTY, 1, 0);
  expect_none_listed(unbounded);
  const uint64_t far_page = (UINT64_C(1) << 63) / PAGE + 3;
  supply(unbounded, far_page, 1, TAG);
  expect_none_listed(unbounded);
  dirty_pages(unbounded, far_page, 1);
  expect_listed(unbounded, DATA(far_page, 1));
}

/* pager.md 11.7: the entries go into memory that another root has to supply first */
SCENARIO(the_buffer_may_be_memory_of_a_pager) {
  need_mappings();
  struct root* buffer = make_trap_root(1);
  struct root* v = make_mixture();
  supply(buffer, 0, 1, TAG);
  dirty_pages(buffer, 0, 1);
  zx_vmo_dirty_range_t* entries = (zx_vmo_dirty_range_t*)map_of(buffer);
  size_t actual = 0;
  check_ok(query(v, 0, 12 * PAGE, entries, PAGE, &actual, NULL));
  check_equal(actual, 4);
  uint64_t offset = 0;
  check_ok(zx_vmo_read(buffer->vmo, &offset, 3 * sizeof(*entries), sizeof(offset)));
  check_equal(offset, 8 * PAGE);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(the_query_checks_in_order),
      TEST(a_buffer_that_cannot_be_written_is_refused_when_there_is_something_to_store),
      TEST(the_range_may_touch_the_end_but_not_pass_it),
      TEST(entries_rise_and_tell_zeros_from_data),
      TEST_BOTH_WAYS(dirty_and_awaiting_pages_are_one_entry),
      TEST(clean_content_parts_entries),
      TEST(zeros_and_data_side_by_side_are_entries_of_their_own),
      TEST(entries_are_clipped_to_the_range),
      TEST(an_unaligned_range_rounds_outward),
      TEST(a_query_of_nothing_lists_at_most_the_page_it_is_in),
      TEST(a_short_buffer_gets_the_first_entries),
      TEST(the_counts_need_not_be_asked_for),
      TEST(a_null_buffer_counts),
      TEST(a_pager_that_resumes_misses_nothing),
      TEST(a_large_buffer_gets_everything),
      TEST_BOTH_WAYS(a_plain_root_lists_like_a_trap_root),
      TEST(a_detached_root_lists_as_before),
      TEST(a_fresh_root_lists_nothing),
      TEST(the_buffer_may_be_memory_of_a_pager),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
