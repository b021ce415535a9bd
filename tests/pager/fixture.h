/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A user pager, as scenarios use it.
 *
 *   fx         the pager and the port of the scenario
 *   root       a VMO of that pager, with its key and, once asked for, a mapping of the whole
 *   content    what a supply puts into pages: bytes that differ by tag, page and place
 *   counts     the library's counters, less what the fixture itself adds to them
 *
 * A scenario reads like a script:
 *
 *   struct root* v = make_root(8);
 *   struct worker* t1 = start_touch(via, v, 3);   a thread that loads a byte (worker.h)
 *   expect_read(v, 3, 1);                         its packet
 *   supply(v, 3, 1, TAG);
 *   expect_byte(t1, content_byte(TAG, 3, 0));     it went on, with this byte
 *   expect_nothing();                             the port is empty
 *
 * Expectations fail the scenario where they stand. Whatever a scenario makes through this file is
 * closed and unmapped at its end; then descriptors, threads and the Linux mappings in the root
 * region have to be back to what they were before.
 *
 * Only the scenario's main thread calls these functions.
 */
#ifndef ZXP_TESTS_PAGER_FIXTURE_H_
#define ZXP_TESTS_PAGER_FIXTURE_H_

#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>
#include <zircon/syscalls/port.h>
#include <zircon/types.h>
#include <zircon/zxpager.h>

#include "scenario.h"

/* The numbers in the scenarios count these; fixture_begin compares with zx_system_get_page_size. */
#define PAGE ((uint64_t)4096)

/* Any tag; scenarios that need more use TAG + 1 and so on. */
#define TAG 10u

/* The key of the first root that a scenario makes; the next has the next number. */
#define FIRST_KEY ((uint64_t)7)

struct fixture {
  zx_handle_t pager;
  zx_handle_t port;
  zxp_probe_t probe;
};
extern struct fixture fx;

struct root {
  zx_handle_t vmo;
  zx_handle_t pager; /* borrowed */
  zx_handle_t port;  /* borrowed */
  uint64_t key;
  uint64_t pages; /* at creation */
  uint8_t* map;   /* NULL until map_of() */
};

/* Called by scenario.c around the body. */
void fixture_begin(void);
void fixture_end(void);

/* Skips the scenario where pager VMOs can't be mapped. */
void need_mappings(void);

/* ---- Objects ---- */

/* The handle is closed at the end of the scenario, unless drop() did so before. */
zx_handle_t keep(zx_handle_t handle);
void drop(zx_handle_t* handle);

zx_handle_t make_pager(void);
zx_handle_t make_port(void);
zx_handle_t make_vmo(uint64_t pages);
zx_handle_t make_resizable_vmo(uint64_t pages);
/* A second handle, with all rights or with `rights`. */
zx_handle_t duplicate(zx_handle_t handle);
zx_handle_t duplicate_with(zx_handle_t handle, zx_rights_t rights);

struct root* make_root(uint64_t pages);
struct root* make_resizable_root(uint64_t pages);
struct root* make_root_on(zx_handle_t pager, zx_handle_t port, uint32_t options, uint64_t key,
                          uint64_t size);

/* Maps `length` bytes for reading and writing; unmapped at the end of the scenario. */
uint8_t* map_vmo(zx_handle_t vmo, uint64_t offset, uint64_t length);
uint8_t* map_with(zx_handle_t vmo, zx_vm_option_t options, uint64_t offset, uint64_t length);
void unmap(void* at, uint64_t length);

/* The root's own mapping, made at the first call. */
uint8_t* map_of(struct root* v);

/* ---- Content ---- */

/* Never 0. */
uint8_t content_byte(unsigned tag, uint64_t page, uint64_t offset);
void content_fill(void* buffer, uint64_t first, uint64_t count, unsigned tag);
/* Whether `buffer` holds the pages [first, first + count). */
bool content_is(const void* buffer, uint64_t first, uint64_t count, unsigned tag);
bool is_filled_with(const void* buffer, uint8_t byte, size_t length);

/* A plain VMO with the content of these pages, to supply from. */
zx_handle_t make_source(uint64_t first, uint64_t count, unsigned tag);

/* ---- Answering ---- */

#define supply(v, first, count, tag)   supply_at(HERE, (v), (first), (count), (tag))
#define supply_zeros(v, first, count)  supply_zeros_at(HERE, (v), (first), (count))
#define fail_pages(v, first, count, s) fail_pages_at(HERE, (v), (first), (count), (s))
#define detach(v)                      check_ok(zx_pager_detach_vmo((v)->pager, (v)->vmo))

/* Supplies, and expects the call to have woken just this many waiters. */
#define supply_waking(v, first, count, tag, wakes) \
  supply_waking_at(HERE, (v), (first), (count), (tag), (wakes))

void supply_at(struct place place, struct root* v, uint64_t first, uint64_t count, unsigned tag);
void supply_zeros_at(struct place place, struct root* v, uint64_t first, uint64_t count);
void supply_waking_at(struct place place, struct root* v, uint64_t first, uint64_t count,
                      unsigned tag, uint64_t wakes);
void fail_pages_at(struct place place, struct root* v, uint64_t first, uint64_t count,
                   zx_status_t status);

/* The two calls, unchecked. */
zx_status_t try_supply(struct root* v, uint64_t first, uint64_t count, unsigned tag);
zx_status_t try_fail(struct root* v, uint64_t first, uint64_t count, zx_status_t status);

/* ---- The port ---- */

#define expect_packet(port, key, command, offset, length) \
  expect_packet_at(HERE, (port), (key), (command), (offset), (length))
#define expect_empty(port)           expect_empty_at(HERE, (port))
#define expect_read(v, first, count) expect_read_at(HERE, (v), (first), (count))
#define expect_complete(v)           expect_complete_at(HERE, (v))
#define expect_user_packet(port, k)  expect_user_packet_at(HERE, (port), (k))
/* The scenario's own port is empty. */
#define expect_nothing() expect_empty_at(HERE, fx.port)

/* Takes the next packet, waiting for it, and compares every field. */
void expect_packet_at(struct place place, zx_handle_t port, uint64_t key, uint16_t command,
                      uint64_t offset, uint64_t length);
void expect_empty_at(struct place place, zx_handle_t port);
void expect_read_at(struct place place, struct root* v, uint64_t first, uint64_t count);
void expect_complete_at(struct place place, struct root* v);
void expect_user_packet_at(struct place place, zx_handle_t port, uint64_t key);
void queue_user_packet(zx_handle_t port, uint64_t key);

/* ---- Info ---- */

zx_info_vmo_t vmo_info(zx_handle_t vmo);
uint64_t committed_pages(zx_handle_t vmo);

struct counts {
  uint64_t faults;
  uint64_t requests;
  uint64_t joined;
  uint64_t packets_taken;
  uint64_t withdrawn;
  uint64_t supplied_pages;
  uint64_t failed;
  uint64_t woken;
  uint64_t signals_sent;
};
struct counts counts_now(void);

/* How many waits there were so far: each either makes a request or joins one. */
uint64_t waits_now(void);

/* Waits until there were `n` waits more than `mark`. */
#define await_waits(mark, n) wait_until(waits_now() >= (mark) + (n))

/*
 * A thread reads a page of a VMO, pager and port of its own, is answered, and ends. Whatever the
 * library had under way before has had its chance to show.
 */
void round_trip(void);

#endif /* ZXP_TESTS_PAGER_FIXTURE_H_ */
