/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Dirty tracking: how long the first store into a clean page takes, and what a query for dirty
 * ranges costs.
 *
 *   bench_dirty [--pages N] [--rounds N] [--json FILE]
 *
 * A store that traps is answered with ZX_PAGER_OP_DIRTY, from zx_port_wait or from a libuv
 * callback; the same by hand is a thread that lifts write protection, from poll or from a
 * uv_poll_t. A store that does not trap,
 * but is tracked, is compared with the kernel's own asynchronous way, where there is one (Linux
 * 6.7). The ways take turns, a round of N pages each; between rounds every page is made clean
 * again, which is not measured. Those with a thread that answers run with all threads on one core,
 * on two, and where the scheduler puts them (place.h).
 *
 * The queries list 20,000 dirty pages, scattered over 1 TiB, once with nothing between them and
 * once with zeros between them, so that there are twice as many ranges; the rows give the time a
 * range.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>
#include <zircon/process.h>
#include <zircon/syscalls-next.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/port.h>
#include <zircon/zxpager-uv.h>
#include <zircon/zxpager.h>

#include "bench.h"
#include "place.h"
#include "raw_wp.h"
#include "way.h"

#define PAGE WAY_PAGE

/* Packets of no VMO: the thread is to end. */
#define STOP_KEY UINT64_MAX

/* Stores into each page once. */
static void store_pages(unsigned char* memory, size_t pages, struct bench_samples* out) {
  for (size_t i = 0; i < pages; i++) {
    const uint64_t start = bench_now();
    *(volatile unsigned char*)(memory + i * PAGE) = 7;
    bench_samples_add(out, bench_now() - start);
  }
}

/* ---- The library's side ---- */

struct library_way {
  zx_handle_t port;
  zx_handle_t pager;
  zx_handle_t vmo;
  unsigned char* memory;
  size_t pages;
  pthread_t thread;
  /* Instead of the port, a loop: */
  uv_loop_t loop;
  uv_async_t stop;
  zxp_uv_pager_t uv_pager;
  zxp_uv_vmo_t uv_vmo;
};

static void* port_main(void* argument) {
  const struct library_way* w = argument;
  for (;;) {
    zx_port_packet_t packet;
    way_check(zx_port_wait(w->port, ZX_TIME_INFINITE, &packet), "zx_port_wait");
    if (packet.key == STOP_KEY) {
      return NULL;
    }
    if (packet.page_request.command == ZX_PAGER_VMO_DIRTY) {
      way_check(zx_pager_op_range(w->pager, ZX_PAGER_OP_DIRTY, w->vmo, packet.page_request.offset,
                                  packet.page_request.length, 0),
                "ZX_PAGER_OP_DIRTY");
    }
  }
}

/* All pages are there and clean; loaded once, as by a program that reads before it writes. */
static void fill_and_map(struct library_way* w, size_t pages) {
  zx_handle_t source;
  zx_vaddr_t address;
  const size_t size = pages * PAGE;
  w->pages = pages;
  way_check(zx_vmo_create(size, 0, &source), "zx_vmo_create");
  way_check(zx_vmo_op_range(source, ZX_VMO_OP_COMMIT, 0, size, NULL, 0), "ZX_VMO_OP_COMMIT");
  way_check(zx_pager_supply_pages(w->pager, w->vmo, 0, size, source, 0), "zx_pager_supply_pages");
  zx_handle_close(source);
  way_check(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, w->vmo, 0, size,
                        &address),
            "zx_vmar_map");
  w->memory = (unsigned char*)address;
  for (size_t i = 0; i < pages; i++) {
    (void)*(volatile unsigned char*)(w->memory + i * PAGE);
  }
}

static void library_way_start(struct library_way* w, size_t pages, uint32_t options) {
  way_check(zx_port_create(0, &w->port), "zx_port_create");
  way_check(zx_pager_create(0, &w->pager), "zx_pager_create");
  way_check(zx_pager_create_vmo(w->pager, options, w->port, 0, pages * PAGE, &w->vmo),
            "zx_pager_create_vmo");
  fill_and_map(w, pages);
  way_must(pthread_create(&w->thread, NULL, port_main, w) == 0, "pthread_create");
}

static void on_read(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length) {
  way_check(zxp_uv_vmo_fail(vmo, offset, length, ZX_ERR_IO), "zxp_uv_vmo_fail"); /* all are there */
}

static void on_dirty(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length) {
  way_check(zxp_uv_vmo_dirty(vmo, offset, length), "zxp_uv_vmo_dirty");
}

static void on_stop(uv_async_t* async) {
  struct library_way* w = async->data;
  way_check(zxp_uv_pager_close(&w->uv_pager, NULL), "zxp_uv_pager_close");
  uv_close((uv_handle_t*)async, NULL);
}

static void* loop_main(void* argument) {
  struct library_way* w = argument;
  uv_run(&w->loop, UV_RUN_DEFAULT);
  uv_loop_close(&w->loop);
  return NULL;
}

static void uv_way_start(struct library_way* w, size_t pages) {
  static const zxp_uv_pager_callbacks_t callbacks = {
      .size = sizeof callbacks, .read = on_read, .dirty = on_dirty};
  way_must(uv_loop_init(&w->loop) == 0 && uv_async_init(&w->loop, &w->stop, on_stop) == 0, "libuv");
  w->stop.data = w;
  way_check(zxp_uv_pager_init(&w->loop, &w->uv_pager, &callbacks), "zxp_uv_pager_init");
  way_check(
      zxp_uv_pager_create_vmo(&w->uv_pager, &w->uv_vmo, ZX_VMO_TRAP_DIRTY, pages * PAGE, &w->vmo),
      "zxp_uv_pager_create_vmo");
  w->pager = zxp_uv_pager_handle(&w->uv_pager);
  fill_and_map(w, pages);
  way_must(pthread_create(&w->thread, NULL, loop_main, w) == 0, "pthread_create");
}

static void uv_way_stop(struct library_way* w) {
  zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)w->memory, w->pages * PAGE);
  zx_handle_close(w->vmo);
  uv_async_send(&w->stop);
  pthread_join(w->thread, NULL);
}

static void library_way_round(struct library_way* w, struct bench_samples* out) {
  const size_t size = w->pages * PAGE;
  store_pages(w->memory, w->pages, out);
  way_check(zx_pager_op_range(w->pager, ZX_PAGER_OP_WRITEBACK_BEGIN, w->vmo, 0, size, 0),
            "ZX_PAGER_OP_WRITEBACK_BEGIN");
  way_check(zx_pager_op_range(w->pager, ZX_PAGER_OP_WRITEBACK_END, w->vmo, 0, size, 0),
            "ZX_PAGER_OP_WRITEBACK_END");
}

static void library_way_stop(struct library_way* w) {
  const zx_port_packet_t stop = {.key = STOP_KEY, .type = ZX_PKT_TYPE_USER};
  way_check(zx_port_queue(w->port, &stop), "zx_port_queue");
  pthread_join(w->thread, NULL);
  zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)w->memory, w->pages * PAGE);
  zx_handle_close(w->vmo);
  zx_handle_close(w->pager);
  zx_handle_close(w->port);
}

static void raw_round(struct raw_wp* r, size_t pages, struct bench_samples* out) {
  store_pages(r->memory, pages, out);
  raw_wp_reset(r);
}

/* ---- Queries ---- */

#define HUGE_BYTES (UINT64_C(1) << 40)

enum {
  SCATTERED = 20000,
  QUERIES = 50,
};

/* Ranges in all; every sample is the time of one query, by range. */
static void query_scattered(bool with_zeros, struct bench_samples* out) {
  static zx_vmo_dirty_range_t ranges[2 * SCATTERED + 1];
  const uint64_t stride = HUGE_BYTES / PAGE / SCATTERED;
  zx_handle_t port;
  zx_handle_t pager;
  zx_handle_t vmo;
  zx_handle_t source;
  way_check(zx_port_create(0, &port), "zx_port_create");
  way_check(zx_pager_create(0, &pager), "zx_pager_create");
  way_check(zx_vmo_create(PAGE, 0, &source), "zx_vmo_create");
  way_check(zx_pager_create_vmo(pager, ZX_VMO_TRAP_DIRTY | ZX_VMO_RESIZABLE, port, 0,
                                with_zeros ? 0 : HUGE_BYTES, &vmo),
            "zx_pager_create_vmo");
  if (with_zeros) {
    way_check(zx_vmo_set_size(vmo, HUGE_BYTES), "zx_vmo_set_size");
  }
  for (uint64_t i = 0; i < SCATTERED; i++) {
    const uint64_t offset = (i * stride + 1 + i * 7919 % (stride - 2)) * PAGE;
    if (!with_zeros) {
      way_check(zx_pager_supply_pages(pager, vmo, offset, PAGE, source, 0),
                "zx_pager_supply_pages");
    }
    way_check(zx_pager_op_range(pager, ZX_PAGER_OP_DIRTY, vmo, offset, PAGE, 0),
              "ZX_PAGER_OP_DIRTY");
  }
  for (int i = 0; i < QUERIES; i++) {
    size_t actual = 0;
    const uint64_t start = bench_now();
    way_check(zx_pager_query_dirty_ranges(pager, vmo, 0, HUGE_BYTES, ranges, sizeof ranges, &actual,
                                          NULL),
              "zx_pager_query_dirty_ranges");
    const uint64_t end = bench_now();
    if (actual != (with_zeros ? 2 * SCATTERED + 1 : SCATTERED)) {
      fprintf(stderr, "%zu ranges\n", actual);
      exit(1);
    }
    bench_samples_add(out, (end - start) / actual);
  }
  zx_handle_close(source);
  zx_handle_close(vmo);
  zx_handle_close(pager);
  zx_handle_close(port);
}

/* ---- All in turns ---- */

enum row {
  RAW_POLL,
  TRAP,
  RAW_UV,
  TRAP_UV,
  TRAP_ROWS
};

static const char* const trap_names[PLACES][TRAP_ROWS] = {
    [PLACE_ONE_CORE] = {"raw write-protect loop, one core", "trap, zx_port_wait, one core",
                        "raw uv write-protect loop, one core", "trap, libuv callback, one core"},
    [PLACE_TWO_CORES] = {"raw write-protect loop, two cores", "trap, zx_port_wait, two cores",
                         "raw uv write-protect loop, two cores", "trap, libuv callback, two cores"},
    [PLACE_FREE] = {"raw write-protect loop", "trap, zx_port_wait", "raw uv write-protect loop",
                    "trap, libuv callback"},
};

static void measure_traps(size_t pages, size_t rounds, enum place place, struct bench_report* r) {
  static struct raw_wp raw;
  static struct raw_wp raw_uv;
  static struct library_way trap;
  static struct library_way trap_uv;
  struct bench_samples samples[TRAP_ROWS];
  const char* const* names = trap_names[place];
  for (int i = 0; i < TRAP_ROWS; i++) {
    bench_samples_init(&samples[i], pages * rounds);
  }
  place_answering(place);
  way_must(raw_wp_start(&raw, pages, RAW_WP_POLL) && raw_wp_start(&raw_uv, pages, RAW_WP_UV),
           "raw_wp_start");
  library_way_start(&trap, pages, ZX_VMO_TRAP_DIRTY);
  uv_way_start(&trap_uv, pages);
  place_touching(place);
  /* One round more: the first warms up, and is forgotten. */
  for (size_t round = 0; round <= rounds; round++) {
    raw_round(&raw, pages, &samples[RAW_POLL]);
    library_way_round(&trap, &samples[TRAP]);
    raw_round(&raw_uv, pages, &samples[RAW_UV]);
    library_way_round(&trap_uv, &samples[TRAP_UV]);
    for (int i = 0; round == 0 && i < TRAP_ROWS; i++) {
      samples[i].count = 0;
    }
  }
  uv_way_stop(&trap_uv);
  library_way_stop(&trap);
  raw_wp_stop(&raw_uv);
  raw_wp_stop(&raw);
  for (int i = 0; i < TRAP_ROWS; i++) {
    bench_report_add(r, names[i], &samples[i],
                     i == TRAP      ? names[RAW_POLL]
                     : i == TRAP_UV ? names[RAW_UV]
                                    : NULL);
    bench_samples_free(&samples[i]);
  }
  if (place != PLACE_FREE) {
    bench_report_at_most(r, 1, names[TRAP], names[RAW_POLL], 1.15);
    bench_report_at_most(r, 1, names[TRAP_UV], names[RAW_UV], 1.15);
  }
}

/* Nobody answers: what the first store costs, if it is only kept in mind. */
static void measure_tracking(size_t pages, size_t rounds, struct bench_report* r) {
  static struct raw_wp raw;
  static struct library_way plain;
  struct bench_samples raw_samples;
  struct bench_samples plain_samples;
  const bool async = raw_wp_possible(RAW_WP_ASYNC);
  bench_samples_init(&raw_samples, pages * rounds);
  bench_samples_init(&plain_samples, pages * rounds);
  way_must(!async || raw_wp_start(&raw, pages, RAW_WP_ASYNC), "raw_wp_start");
  library_way_start(&plain, pages, 0);
  for (size_t round = 0; round <= rounds; round++) {
    if (async) {
      raw_round(&raw, pages, &raw_samples);
    }
    library_way_round(&plain, &plain_samples);
    if (round == 0) {
      raw_samples.count = 0;
      plain_samples.count = 0;
    }
  }
  library_way_stop(&plain);
  if (async) {
    raw_wp_stop(&raw);
    bench_report_add(r, "raw WP_ASYNC", &raw_samples, NULL);
  }
  bench_report_add(r, "no trap", &plain_samples, async ? "raw WP_ASYNC" : NULL);
  bench_report_at_most(r, 4, "no trap", "raw WP_ASYNC", 1.15);
  bench_samples_free(&raw_samples);
  bench_samples_free(&plain_samples);
}

int main(int argc, char** argv) {
  size_t pages = 256;
  size_t rounds = 40;
  const char* json = NULL;
  const struct bench_option options[] = {
      {"--pages", &pages, NULL}, {"--rounds", &rounds, NULL}, {"--json", NULL, &json}};
  if (!bench_parse(argc, argv, options, 3)) {
    return 2;
  }

  zxp_probe_t probe;
  way_check(zxp_probe(&probe), "zxp_probe");
  if (!probe.mappings_supported) {
    printf("skipped: page faults can't be served here\n%s\n", probe.advice);
    return 77;
  }

  struct bench_report report;
  bench_report_init(&report, "dirty");
  for (enum place place = PLACE_ONE_CORE; place < PLACES; place++) {
    if (place_possible(place)) {
      measure_traps(pages, rounds, place, &report);
    }
  }
  measure_tracking(pages, rounds, &report);
  struct bench_samples query;
  bench_samples_init(&query, QUERIES);
  query_scattered(false, &query);
  bench_report_add(&report, "query, a range of data", &query, NULL);
  query.count = 0;
  query_scattered(true, &query);
  bench_report_add(&report, "query, data and zeros", &query, NULL);
  bench_samples_free(&query);
  return bench_report_finish(&report, json);
}
