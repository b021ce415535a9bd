/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Dirty tracking, as scenarios use it; comes on top of tests/pager/fixture.h and worker.h.
 *
 *   trap root      a root that asks before a page becomes dirty (ZX_VMO_TRAP_DIRTY)
 *   plain root     one that does not; make_root() of the fixture makes it
 *   listed range   an entry of zx_pager_query_dirty_ranges, in pages
 *
 * A scenario reads like a script:
 *
 *   struct root* v = make_trap_root(4);
 *   supply(v, 0, 4, TAG);
 *   struct worker* t1 = start_poke(via, v, 0, 0xee);
 *   expect_dirty(v, 0, 1);                its packet
 *   dirty_pages(v, 0, 1);                 ZX_PAGER_OP_DIRTY
 *   expect_ok(t1);
 *   expect_listed(v, DATA(0, 1));         the whole list, in order
 *   begin_writeback(v, 0, 1);
 *   end_writeback(v, 0, 1);
 *   expect_none_listed(v);
 *
 * Main thread only, as the fixture.
 */
#ifndef ZXP_TESTS_WRITEBACK_WRITEBACK_H_
#define ZXP_TESTS_WRITEBACK_WRITEBACK_H_

#include <zircon/syscalls-next.h>

#include "fixture.h"
#include "worker.h"

/* What scenarios write, unless they write several things. */
#define VALUE ((uint8_t)0xee)

/* ---- Roots ---- */

struct root* make_trap_root(uint64_t pages);
struct root* make_resizable_trap_root(uint64_t pages);

/* With ZX_VMO_TRAP_DIRTY or without; resizable both. */
struct root* make_resizable_root_of(bool trap, uint64_t pages);

/* Maps the first `pages` pages, which need not exist, as the root's own mapping. */
void map_pages(struct root* v, uint64_t pages);

/* ---- The pager's calls ---- */

#define dirty_pages(v, first, count)     dirty_pages_at(HERE, (v), (first), (count))
#define begin_writeback(v, first, count) begin_writeback_at(HERE, (v), (first), (count), 0)
#define end_writeback(v, first, count)   end_writeback_at(HERE, (v), (first), (count))
#define begin_zero_writeback(v, first, count) \
  begin_writeback_at(HERE, (v), (first), (count), ZX_VMO_DIRTY_RANGE_IS_ZERO)

/* Answers, and expects the call to have woken just this many waiters. */
#define dirty_pages_waking(v, first, count, wakes) \
  dirty_pages_waking_at(HERE, (v), (first), (count), (wakes))

void dirty_pages_at(struct place place, struct root* v, uint64_t first, uint64_t count);
void dirty_pages_waking_at(struct place place, struct root* v, uint64_t first, uint64_t count,
                           uint64_t wakes);
void begin_writeback_at(struct place place, struct root* v, uint64_t first, uint64_t count,
                        uint64_t data);
void end_writeback_at(struct place place, struct root* v, uint64_t first, uint64_t count);

/* Unchecked. */
zx_status_t try_op(struct root* v, uint32_t op, uint64_t first, uint64_t count, uint64_t data);
zx_status_t try_dirty(struct root* v, uint64_t first, uint64_t count);

/* ---- What is done to a root ---- */

#define resize(v, pages)            check_ok(zx_vmo_set_size((v)->vmo, (pages)*PAGE))
#define zero_pages(v, first, count) zero_bytes((v), (first)*PAGE, (count)*PAGE)
#define zero_bytes(v, offset, length) \
  check_ok(zx_vmo_op_range((v)->vmo, ZX_VMO_OP_ZERO, (offset), (length), NULL, 0))

/* Whole pages by one zx_vmo_write, in a thread. */
struct worker* start_write_pages(struct root* v, uint64_t first, uint64_t count, uint8_t value);

/* Writes the first byte of a page, which is expected to go through without a request. */
#define poke_freely(via, v, page, value) poke_freely_at(HERE, (via), (v), (page), (value))
/* The same, expected to ask for the page with DIRTY, which is granted. */
#define poke_asking(via, v, page, value) poke_asking_at(HERE, (via), (v), (page), (value))
/* The same, whether it has to ask or not. */
#define poke(via, v, page, value) poke_at(HERE, (via), (v), (page), (value))
/* A write to the page asks with DIRTY; the request is failed again. */
#define expect_write_asks(via, v, page) expect_write_asks_at(HERE, (via), (v), (page))

void poke_freely_at(struct place place, enum via via, struct root* v, uint64_t page, uint8_t value);
void poke_asking_at(struct place place, enum via via, struct root* v, uint64_t page, uint8_t value);
void poke_at(struct place place, enum via via, struct root* v, uint64_t page, uint8_t value);
void expect_write_asks_at(struct place place, enum via via, struct root* v, uint64_t page);

/* ---- What becomes of it ---- */

#define expect_dirty(v, first, count) expect_dirty_at(HERE, (v), (first), (count))
void expect_dirty_at(struct place place, struct root* v, uint64_t first, uint64_t count);

/* The first bytes of these pages; read by calls, without a request. */
#define expect_bytes(v, first, count, byte) expect_bytes_at(HERE, (v), (first), (count), (byte))
void expect_bytes_at(struct place place, struct root* v, uint64_t first, uint64_t count,
                     uint8_t byte);

struct listed {
  uint64_t first;
  uint64_t count;
  bool zero;
};
#define DATA(first, count) ((struct listed){(first), (count), false})
#define ZERO(first, count) ((struct listed){(first), (count), true})

/* All that the root lists, in order. */
#define expect_listed(v, ...)                                                \
  expect_listed_at(HERE, (v), 0, UINT64_MAX, (struct listed[]){__VA_ARGS__}, \
                   sizeof((struct listed[]){__VA_ARGS__}) / sizeof(struct listed))
#define expect_none_listed(v) expect_listed_at(HERE, (v), 0, UINT64_MAX, NULL, 0)
/* What it lists in a part. */
#define expect_listed_in(v, first, count, ...)                                  \
  expect_listed_at(HERE, (v), (first), (count), (struct listed[]){__VA_ARGS__}, \
                   sizeof((struct listed[]){__VA_ARGS__}) / sizeof(struct listed))

/* `count` UINT64_MAX: up to the end. */
void expect_listed_at(struct place place, struct root* v, uint64_t first, uint64_t count,
                      const struct listed* want, size_t want_count);

/* ---- zx_pager_query_vmo_stats ---- */

#define expect_modified(v)     expect_modified_at(HERE, (v), true)
#define expect_not_modified(v) expect_modified_at(HERE, (v), false)
void expect_modified_at(struct place place, struct root* v, bool modified);
void forget_modified(struct root* v);

/* ---- Memory of the root region that is not mapped ---- */

/* An address where any access, also one by the library, finds nothing. */
void* make_hole(void);

#endif /* ZXP_TESTS_WRITEBACK_WRITEBACK_H_ */
