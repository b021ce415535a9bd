/* SPDX-License-Identifier: BSD-3-Clause */
#include "writeback.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zircon/process.h>

/* Away from the keys that the fixture gives to the roots it makes by itself. */
static uint64_t next_key = 1000;

/* ---- Roots ---- */

static struct root* make(uint32_t options, uint64_t pages) {
  return make_root_on(fx.pager, fx.port, options, next_key++, pages * PAGE);
}

struct root* make_trap_root(uint64_t pages) {
  return make(ZX_VMO_TRAP_DIRTY, pages);
}

struct root* make_resizable_trap_root(uint64_t pages) {
  return make(ZX_VMO_TRAP_DIRTY | ZX_VMO_RESIZABLE, pages);
}

struct root* make_resizable_root_of(bool trap, uint64_t pages) {
  return make(ZX_VMO_RESIZABLE | (trap ? ZX_VMO_TRAP_DIRTY : 0), pages);
}

void map_pages(struct root* v, uint64_t pages) {
  check_true(v->map == NULL);
  if (!fx.probe.mappings_supported) return; /* then the scenario uses calls */
  v->map = map_vmo(v->vmo, 0, pages * PAGE);
}

/* ---- The pager's calls ---- */

zx_status_t try_op(struct root* v, uint32_t op, uint64_t first, uint64_t count, uint64_t data) {
  return zx_pager_op_range(v->pager, op, v->vmo, first * PAGE, count * PAGE, data);
}

zx_status_t try_dirty(struct root* v, uint64_t first, uint64_t count) {
  return try_op(v, ZX_PAGER_OP_DIRTY, first, count, 0);
}

void dirty_pages_at(struct place place, struct root* v, uint64_t first, uint64_t count) {
  check_status_at(place, "OP_DIRTY", try_dirty(v, first, count), ZX_OK);
}

void dirty_pages_waking_at(struct place place, struct root* v, uint64_t first, uint64_t count,
                           uint64_t wakes) {
  const struct counts before = counts_now();
  dirty_pages_at(place, v, first, count);
  const struct counts after = counts_now();
  check_equal_at(place, "number of waiters woken", after.woken - before.woken, wakes);
  check_equal_at(place, "number of waiters failed", after.failed - before.failed, 0);
}

void begin_writeback_at(struct place place, struct root* v, uint64_t first, uint64_t count,
                        uint64_t data) {
  check_status_at(place, "WRITEBACK_BEGIN",
                  try_op(v, ZX_PAGER_OP_WRITEBACK_BEGIN, first, count, data), ZX_OK);
}

void end_writeback_at(struct place place, struct root* v, uint64_t first, uint64_t count) {
  check_status_at(place, "WRITEBACK_END", try_op(v, ZX_PAGER_OP_WRITEBACK_END, first, count, 0),
                  ZX_OK);
}

/* ---- What is done to a root ---- */

struct worker* start_write_pages(struct root* v, uint64_t first, uint64_t count, uint8_t value) {
  return start_write(v->vmo, first * PAGE, count * PAGE, value);
}

void poke_freely_at(struct place place, enum via via, struct root* v, uint64_t page,
                    uint8_t value) {
  const uint64_t before = waits_now();
  struct worker* w = start_poke(via, v, page, value);
  const struct limit limit = limit_in(EVENT_LIMIT);
  while (!worker_has_ended(w)) {
    if (waits_now() != before) scenario_fail(place, "the write of page %" PRIu64 " asks", page);
    if (limit_passed(&limit)) break;
  }
  expect_status_at(place, w, ZX_OK);
  if (waits_now() != before) scenario_fail(place, "the write of page %" PRIu64 " asked", page);
}

void poke_asking_at(struct place place, enum via via, struct root* v, uint64_t page,
                    uint8_t value) {
  struct worker* w = start_poke(via, v, page, value);
  expect_dirty_at(place, v, page, 1);
  dirty_pages_at(place, v, page, 1);
  expect_status_at(place, w, ZX_OK);
}

void poke_at(struct place place, enum via via, struct root* v, uint64_t page, uint8_t value) {
  const uint64_t before = waits_now();
  struct worker* w = start_poke(via, v, page, value);
  const struct limit limit = limit_in(EVENT_LIMIT);
  while (!worker_has_ended(w)) {
    if (waits_now() != before) {
      expect_dirty_at(place, v, page, 1);
      dirty_pages_at(place, v, page, 1);
      break;
    }
    if (limit_passed(&limit)) break;
  }
  expect_status_at(place, w, ZX_OK);
}

void expect_write_asks_at(struct place place, enum via via, struct root* v, uint64_t page) {
  struct worker* w = start_poke(via, v, page, VALUE);
  expect_dirty_at(place, v, page, 1);
  fail_pages_at(place, v, page, 1, ZX_ERR_IO);
  expect_failed_at(place, w, ZX_ERR_IO);
}

/* ---- What becomes of it ---- */

void expect_dirty_at(struct place place, struct root* v, uint64_t first, uint64_t count) {
  expect_packet_at(place, v->port, v->key, ZX_PAGER_VMO_DIRTY, first * PAGE, count * PAGE);
}

void expect_bytes_at(struct place place, struct root* v, uint64_t first, uint64_t count,
                     uint8_t byte) {
  uint8_t* bytes = malloc(count * PAGE);
  if (bytes == NULL) check_fail("no memory");
  const uint64_t before = waits_now();
  struct worker* w = start_read_to(v->vmo, bytes, first * PAGE, count * PAGE);
  const struct limit limit = limit_in(EVENT_LIMIT);
  while (!worker_has_ended(w)) {
    if (waits_now() != before) scenario_fail(place, "%" PRIu64 " and on: reading asks", first);
    if (limit_passed(&limit)) break;
  }
  expect_status_at(place, w, ZX_OK);
  for (uint64_t i = 0; i < count; i++) {
    if (bytes[i * PAGE] == byte) continue;
    scenario_fail(place, "page %" PRIu64 " begins with %u, not %u", first + i, bytes[i * PAGE],
                  byte);
  }
  free(bytes);
}

/* More than any scenario lists. */
#define MAX_LISTED 64

static size_t print_listed(char* text, size_t size, const struct listed* l, size_t n) {
  size_t at = 0;
  text[0] = '\0';
  for (size_t i = 0; i < n && at < size; i++) {
    at += (size_t)snprintf(text + at, size - at, " %s(%" PRIu64 ", %" PRIu64 ")",
                           l[i].zero ? "ZERO" : "DATA", l[i].first, l[i].count);
  }
  return at;
}

void expect_listed_at(struct place place, struct root* v, uint64_t first, uint64_t count,
                      const struct listed* want, size_t want_count) {
  zx_vmo_dirty_range_t entries[MAX_LISTED];
  struct listed got[MAX_LISTED];
  size_t actual = 0;
  size_t available = 0;
  uint64_t size = 0;
  check_ok(zx_vmo_get_size(v->vmo, &size));
  const uint64_t length = count == UINT64_MAX ? size - first * PAGE : count * PAGE;
  check_status_at(place, "the query",
                  zx_pager_query_dirty_ranges(v->pager, v->vmo, first * PAGE, length, entries,
                                              sizeof(entries), &actual, &available),
                  ZX_OK);
  check_equal_at(place, "the number of ranges there are", available, actual);
  bool same = actual == want_count;
  for (size_t i = 0; i < actual; i++) {
    if (entries[i].options > ZX_VMO_DIRTY_RANGE_IS_ZERO || entries[i].offset % PAGE != 0 ||
        entries[i].length % PAGE != 0) {
      scenario_fail(place, "entry %zu is %" PRIu64 " %" PRIu64 " %" PRIu64, i, entries[i].offset,
                    entries[i].length, entries[i].options);
    }
    got[i] = (struct listed){entries[i].offset / PAGE, entries[i].length / PAGE,
                             entries[i].options == ZX_VMO_DIRTY_RANGE_IS_ZERO};
    same = same && i < want_count && got[i].first == want[i].first &&
           got[i].count == want[i].count && got[i].zero == want[i].zero;
  }
  if (same) return;
  char got_text[512];
  char want_text[512];
  print_listed(got_text, sizeof(got_text), got, actual);
  print_listed(want_text, sizeof(want_text), want, want_count);
  scenario_fail(place, "listed:%s; not:%s", got_text, want_text);
}

/* ---- zx_pager_query_vmo_stats ---- */

static bool query_modified(struct root* v, uint32_t options) {
  zx_pager_vmo_stats_t stats = {.modified = 0xa5a5a5a5};
  check_ok(zx_pager_query_vmo_stats(v->pager, v->vmo, options, &stats, sizeof(stats)));
  check_true(stats.modified <= ZX_PAGER_VMO_STATS_MODIFIED);
  return stats.modified == ZX_PAGER_VMO_STATS_MODIFIED;
}

void expect_modified_at(struct place place, struct root* v, bool modified) {
  if (query_modified(v, 0) == modified) return;
  scenario_fail(place, "the root is%s modified", modified ? " not" : "");
}

void forget_modified(struct root* v) { query_modified(v, ZX_PAGER_RESET_VMO_STATS); }

/* ---- Memory of the root region that is not mapped ---- */

void* make_hole(void) {
  const zx_handle_t vmo = make_vmo(1);
  zx_vaddr_t at = 0;
  check_ok(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, vmo, 0, PAGE, &at));
  check_ok(zx_vmar_unmap(zx_vmar_root_self(), at, PAGE));
  return (void*)at;
}
