/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Dirty tracking: how long the first store into a clean page takes, and what a query for dirty
 * ranges costs.
 *
 *   bench_dirty [--pages N] [--rounds N] [--json FILE]
 *
 * A store that traps is answered from zx_port_wait with ZX_PAGER_OP_DIRTY; the same by hand is a
 * thread that lifts write protection. A store that does not trap, but is tracked, is compared with
 * the kernel's own asynchronous way, where there is one (Linux 6.7). The ways take turns, a round
 * of N pages each; between rounds every page is made clean again, which is not measured.
 *
 * The queries list 20,000 dirty pages, scattered over 1 TiB, once with nothing between them and
 * once with zeros between them, so that there are twice as many ranges; the rows give the time a
 * range.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/status.h>
#include <zircon/syscalls-next.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/port.h>
#include <zircon/zxpager.h>

#include "bench.h"
#include "raw_wp.h"

#define PAGE 4096u

/* Packets of no VMO: the thread is to end. */
#define STOP_KEY UINT64_MAX

static void check(zx_status_t st, const char* what) {
  if (st != ZX_OK) {
    fprintf(stderr, "%s: %s\n", what, zx_status_get_string(st));
    exit(1);
  }
}

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
};

static void* port_main(void* argument) {
  const struct library_way* w = argument;
  for (;;) {
    zx_port_packet_t packet;
    check(zx_port_wait(w->port, ZX_TIME_INFINITE, &packet), "zx_port_wait");
    if (packet.key == STOP_KEY) {
      return NULL;
    }
    if (packet.page_request.command == ZX_PAGER_VMO_DIRTY) {
      check(zx_pager_op_range(w->pager, ZX_PAGER_OP_DIRTY, w->vmo, packet.page_request.offset,
                              packet.page_request.length, 0),
            "ZX_PAGER_OP_DIRTY");
    }
  }
}

/* All pages are there and clean; loaded once, as by a program that reads before it writes. */
static void library_way_start(struct library_way* w, size_t pages, uint32_t options) {
  zx_handle_t source;
  zx_vaddr_t address;
  const size_t size = pages * PAGE;
  w->pages = pages;
  check(zx_port_create(0, &w->port), "zx_port_create");
  check(zx_pager_create(0, &w->pager), "zx_pager_create");
  check(zx_pager_create_vmo(w->pager, options, w->port, 0, size, &w->vmo), "zx_pager_create_vmo");
  check(zx_vmo_create(size, 0, &source), "zx_vmo_create");
  check(zx_vmo_op_range(source, ZX_VMO_OP_COMMIT, 0, size, NULL, 0), "ZX_VMO_OP_COMMIT");
  check(zx_pager_supply_pages(w->pager, w->vmo, 0, size, source, 0), "zx_pager_supply_pages");
  zx_handle_close(source);
  check(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, w->vmo, 0, size,
                    &address),
        "zx_vmar_map");
  w->memory = (unsigned char*)address;
  for (size_t i = 0; i < pages; i++) {
    (void)*(volatile unsigned char*)(w->memory + i * PAGE);
  }
  if (pthread_create(&w->thread, NULL, port_main, w) != 0) {
    exit(1);
  }
}

static void library_way_round(struct library_way* w, struct bench_samples* out) {
  const size_t size = w->pages * PAGE;
  store_pages(w->memory, w->pages, out);
  check(zx_pager_op_range(w->pager, ZX_PAGER_OP_WRITEBACK_BEGIN, w->vmo, 0, size, 0),
        "ZX_PAGER_OP_WRITEBACK_BEGIN");
  check(zx_pager_op_range(w->pager, ZX_PAGER_OP_WRITEBACK_END, w->vmo, 0, size, 0),
        "ZX_PAGER_OP_WRITEBACK_END");
}

static void library_way_stop(struct library_way* w) {
  const zx_port_packet_t stop = {.key = STOP_KEY, .type = ZX_PKT_TYPE_USER};
  check(zx_port_queue(w->port, &stop), "zx_port_queue");
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
  check(zx_port_create(0, &port), "zx_port_create");
  check(zx_pager_create(0, &pager), "zx_pager_create");
  check(zx_vmo_create(PAGE, 0, &source), "zx_vmo_create");
  check(zx_pager_create_vmo(pager, ZX_VMO_TRAP_DIRTY | ZX_VMO_RESIZABLE, port, 0,
                            with_zeros ? 0 : HUGE_BYTES, &vmo),
        "zx_pager_create_vmo");
  if (with_zeros) {
    check(zx_vmo_set_size(vmo, HUGE_BYTES), "zx_vmo_set_size");
  }
  for (uint64_t i = 0; i < SCATTERED; i++) {
    const uint64_t offset = (i * stride + 1 + i * 7919 % (stride - 2)) * PAGE;
    if (!with_zeros) {
      check(zx_pager_supply_pages(pager, vmo, offset, PAGE, source, 0), "zx_pager_supply_pages");
    }
    check(zx_pager_op_range(pager, ZX_PAGER_OP_DIRTY, vmo, offset, PAGE, 0), "ZX_PAGER_OP_DIRTY");
  }
  for (int i = 0; i < QUERIES; i++) {
    size_t actual = 0;
    const uint64_t start = bench_now();
    check(zx_pager_query_dirty_ranges(pager, vmo, 0, HUGE_BYTES, ranges, sizeof ranges, &actual,
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

static size_t number(const char* text) {
  const long n = strtol(text, NULL, 10);
  if (n <= 0 || n > 1000000) {
    fprintf(stderr, "bench_dirty: %s: not a number from 1 to 1000000\n", text);
    exit(2);
  }
  return (size_t)n;
}

enum row {
  RAW_POLL,
  TRAP,
  RAW_ASYNC,
  PLAIN,
  QUERY_PAGES,
  QUERY_ZEROS,
  ROWS
};

int main(int argc, char** argv) {
  size_t pages = 256;
  size_t rounds = 100;
  const char* json = NULL;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 < argc && strcmp(argv[i], "--pages") == 0) {
      pages = number(argv[i + 1]);
    } else if (i + 1 < argc && strcmp(argv[i], "--rounds") == 0) {
      rounds = number(argv[i + 1]);
    } else if (i + 1 < argc && strcmp(argv[i], "--json") == 0) {
      json = argv[i + 1];
    } else {
      fprintf(stderr, "usage: bench_dirty [--pages N] [--rounds N] [--json FILE]\n");
      return 2;
    }
  }

  zxp_probe_t probe;
  check(zxp_probe(&probe), "zxp_probe");
  if (!probe.mappings_supported) {
    printf("skipped: page faults can't be served here\n%s\n", probe.advice);
    return 77;
  }
  const bool async = raw_wp_possible(RAW_WP_ASYNC);

  static struct raw_wp raw_poll;
  static struct raw_wp raw_async;
  static struct library_way trap;
  static struct library_way plain;
  struct bench_samples samples[ROWS];
  for (int i = 0; i < ROWS; i++) {
    bench_samples_init(&samples[i], pages * rounds > QUERIES ? pages * rounds : QUERIES);
  }
  if (!raw_wp_start(&raw_poll, pages, RAW_WP_POLL) ||
      (async && !raw_wp_start(&raw_async, pages, RAW_WP_ASYNC))) {
    return 1;
  }
  library_way_start(&trap, pages, ZX_VMO_TRAP_DIRTY);
  library_way_start(&plain, pages, 0);

  /* One round more: the first warms up, and is forgotten. */
  for (size_t round = 0; round <= rounds; round++) {
    raw_round(&raw_poll, pages, &samples[RAW_POLL]);
    library_way_round(&trap, &samples[TRAP]);
    if (async) {
      raw_round(&raw_async, pages, &samples[RAW_ASYNC]);
    }
    library_way_round(&plain, &samples[PLAIN]);
    for (int i = 0; round == 0 && i < ROWS; i++) {
      samples[i].count = 0;
    }
  }
  query_scattered(false, &samples[QUERY_PAGES]);
  query_scattered(true, &samples[QUERY_ZEROS]);

  struct bench_report report;
  bench_report_init(&report, "dirty");
  bench_report_add(&report, "raw write-protect loop", &samples[RAW_POLL], NULL);
  bench_report_add(&report, "trap, zx_port_wait", &samples[TRAP], "raw write-protect loop");
  if (async) {
    bench_report_add(&report, "raw WP_ASYNC", &samples[RAW_ASYNC], NULL);
  }
  bench_report_add(&report, "no trap", &samples[PLAIN],
                   async ? "raw WP_ASYNC" : "raw write-protect loop");
  bench_report_add(&report, "query, a range of data", &samples[QUERY_PAGES], NULL);
  bench_report_add(&report, "query, data and zeros", &samples[QUERY_ZEROS], NULL);
  bench_report_print(&report);
  const bool written = json == NULL || bench_report_write_json(&report, json);

  library_way_stop(&plain);
  library_way_stop(&trap);
  if (async) {
    raw_wp_stop(&raw_async);
  }
  raw_wp_stop(&raw_poll);
  for (int i = 0; i < ROWS; i++) {
    bench_samples_free(&samples[i]);
  }
  return written ? 0 : 1;
}
