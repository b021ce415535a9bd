/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads that make one access each, and what became of it.
 *
 *   worker   a thread, its access, and the outcome: a status, bytes, or a signal with address and
 * code
 *
 * start_*() starts a thread and returns at once. The thread makes its access, records the outcome,
 * and stays, so that a signal that comes too late or twice has somewhere to strike: it ends the
 * scenario. Then
 *
 *   await_waiting(w)    the access is blocked in the library: it has made or joined a request
 *   expect_waiting(w)   it still is, after all that has happened so far
 *   expect_ok(w) ...    it ends, and so
 *
 * Workers are released, joined and freed at the end of the scenario; one that is still blocked then
 * fails it. Main thread only.
 */
#ifndef ZXP_TESTS_PAGER_WORKER_H_
#define ZXP_TESTS_PAGER_WORKER_H_

#include <signal.h>

#include "fixture.h"

struct worker;

/* ---- Starting ---- */

/* One byte through an address. */
struct worker* start_load(const void* address);
struct worker* start_store(void* address, uint8_t value);

/* As start_load, but the first `returns` fatal signals return from the handler: the load is
 * repeated. */
struct worker* start_stubborn_load(const void* address, unsigned returns);

/* The same with SIGBUS blocked in the thread. */
struct worker* start_load_with_sigbus_blocked(const void* address);

struct worker* start_read(zx_handle_t vmo, uint64_t offset, uint64_t length);
struct worker* start_read_to(zx_handle_t vmo, void* buffer, uint64_t offset, uint64_t length);
struct worker* start_write(zx_handle_t vmo, uint64_t offset, uint64_t length, uint8_t value);
struct worker* start_write_from(zx_handle_t vmo, const void* buffer, uint64_t offset,
                                uint64_t length);
struct worker* start_op(zx_handle_t vmo, uint32_t op, uint64_t offset, uint64_t length);
struct worker* start_set_size(zx_handle_t vmo, uint64_t size);

/* Whole pages: zx_vmo_read, and zx_vmo_op_range with COMMIT. */
struct worker* start_read_pages(struct root* v, uint64_t first, uint64_t count);
struct worker* start_commit(struct root* v, uint64_t first, uint64_t count);

/* Any function; what it returns is the outcome. */
struct worker* start_call(zx_status_t (*function)(void*), void* argument);

/* Reads or writes the first byte of a page, by load and store or by calls. */
struct worker* start_touch(enum via via, struct root* v, uint64_t page);
struct worker* start_poke(enum via via, struct root* v, uint64_t page, uint8_t value);

/* Touches the pages one after the other. */
struct worker* start_walk(enum via via, struct root* v, uint64_t first, uint64_t count);

/* Reads whole pages, through the root's mapping or by one zx_vmo_read. */
struct worker* start_fetch(enum via via, struct root* v, uint64_t first, uint64_t count);

/* ---- What became of it ---- */

#define await_waiting(w)         await_waiting_at(HERE, (w))
#define expect_waiting(w)        expect_waiting_at(HERE, (w))
#define await_end(w)             await_end_at(HERE, (w))
#define expect_ok(w)             expect_status_at(HERE, (w), ZX_OK)
#define expect_status(w, status) expect_status_at(HERE, (w), (status))
#define expect_byte(w, byte)     expect_byte_at(HERE, (w), (byte))
/* A fatal fault for loads and stores, the status for calls. */
#define expect_failed(w, status) expect_failed_at(HERE, (w), (status))
#define expect_sigbus(w)         expect_signal_at(HERE, (w), SIGBUS)
#define expect_sigsegv(w)        expect_signal_at(HERE, (w), SIGSEGV)
/* What a read that has ended brought: these pages of the VMO. */
#define expect_content(w, first, count, tag) expect_content_at(HERE, (w), (first), (count), (tag))
#define expect_zeros(w, first, count)        expect_zeros_at(HERE, (w), (first), (count))

void await_waiting_at(struct place place, struct worker* w);
void expect_waiting_at(struct place place, struct worker* w);
void await_end_at(struct place place, struct worker* w);
void expect_status_at(struct place place, struct worker* w, zx_status_t status);
void expect_byte_at(struct place place, struct worker* w, uint8_t byte);
void expect_failed_at(struct place place, struct worker* w, zx_status_t status);
void expect_signal_at(struct place place, struct worker* w, int signo);
void expect_content_at(struct place place, struct worker* w, uint64_t first, uint64_t count,
                       unsigned tag);
void expect_zeros_at(struct place place, struct worker* w, uint64_t first, uint64_t count);

/* Now, without waiting. */
bool worker_has_ended(struct worker* w);

/* Whether a read that goes on has put this page into its buffer. */
bool worker_shows(struct worker* w, uint64_t page, unsigned tag);

pid_t worker_tid(const struct worker* w);
pthread_t worker_thread(const struct worker* w);
/* Of the signal that the access ended with, or the last one it returned from. */
int worker_signal_code(const struct worker* w);
const void* worker_fault_address(const struct worker* w);
unsigned worker_signals(const struct worker* w);

/* ---- For threads that make many accesses ---- */

/*
 * One aligned word through a mapping: 0, or the fatal signal that it got. The signal has to name
 * the page; any other signal ends the scenario. In functions run by start_call.
 */
int guarded_load(const uint64_t* address, uint64_t* value);
int guarded_store(uint64_t* address, uint64_t value);

/* ---- Whole checks ---- */

/* These pages are there, with this content; no packet was needed to read them. */
#define expect_pages(via, v, first, count, tag) \
  expect_pages_at(HERE, (via), (v), (first), (count), (tag))
#define expect_zero_pages(via, v, first, count) \
  expect_zero_pages_at(HERE, (via), (v), (first), (count))
/* The page is absent: a touch asks for it. The request is failed again. */
#define expect_absent(v, page) expect_absent_at(HERE, (v), (page))

void expect_pages_at(struct place place, enum via via, struct root* v, uint64_t first,
                     uint64_t count, unsigned tag);
void expect_zero_pages_at(struct place place, enum via via, struct root* v, uint64_t first,
                          uint64_t count);
void expect_absent_at(struct place place, struct root* v, uint64_t page);

/* ---- For fixture.c ---- */

void workers_begin(void);
void workers_end(void);

#endif /* ZXP_TESTS_PAGER_WORKER_H_ */
