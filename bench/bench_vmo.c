/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Snapshots: what making one costs, whatever the size; what the first write after it costs; and
 * what a read through a folded chain costs against a plain VMO.
 *
 *   bench_vmo [--json FILE]      ZXP_BENCH_GIB: size of the large VMO, 1 by default
 *
 * Times of snapshots and writes are CPU time of the thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/syscalls.h>

#include "bench.h"

#define PAGE   UINT64_C(4096)
#define ROUNDS 200
#define LINKS  1000
#define READS  2000

static uint64_t cpu_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void must(zx_status_t status, const char* what) {
  if (status != ZX_OK) {
    fprintf(stderr, "%s: %d\n", what, status);
    exit(1);
  }
}

static zx_handle_t committed(uint64_t size) {
  zx_handle_t vmo;
  must(zx_vmo_create(size, 0, &vmo), "create");
  must(zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, size, NULL, 0), "commit");
  return vmo;
}

/* Snapshots of a committed VMO, and the first write to one page of it after each. */
static void snapshots(uint64_t size, struct bench_samples* snapshot, struct bench_samples* write) {
  const zx_handle_t vmo = committed(size);
  for (uint64_t i = 0; i < ROUNDS; i++) {
    zx_handle_t child;
    const char byte = (char)i;
    uint64_t start = cpu_now();
    must(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, size, &child), "snapshot");
    bench_samples_add(snapshot, cpu_now() - start);
    start = cpu_now();
    must(zx_vmo_write(vmo, &byte, i * 61 % (size / PAGE) * PAGE, 1), "write");
    bench_samples_add(write, cpu_now() - start);
    must(zx_handle_close(child), "close");
  }
  must(zx_handle_close(vmo), "close");
}

/* The last of a chain of snapshots, all others closed. */
static zx_handle_t chain(uint64_t size) {
  zx_handle_t vmo = committed(size);
  for (uint64_t i = 0; i < LINKS; i++) {
    zx_handle_t next;
    const char byte = (char)i;
    must(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, size, &next), "snapshot");
    must(zx_vmo_write(next, &byte, i * 61 % (size / PAGE) * PAGE, 1), "write");
    must(zx_handle_close(vmo), "close");
    vmo = next;
  }
  return vmo;
}

static void read_once(zx_handle_t vmo, uint64_t size, uint64_t i, struct bench_samples* s) {
  static char buffer[16 * 4096];
  const uint64_t start = bench_now();
  must(zx_vmo_read(vmo, buffer, i * 17 % (size / sizeof buffer) * sizeof buffer, sizeof buffer),
       "read");
  bench_samples_add(s, bench_now() - start);
}

int main(int argc, char** argv) {
  const char* gib = getenv("ZXP_BENCH_GIB");
  const uint64_t large = (gib != NULL ? strtoull(gib, NULL, 10) : 1) << 30;
  const uint64_t small = UINT64_C(16) << 20;
  struct bench_samples made_small, made_large, write_small, write_large, plain, chained;
  bench_samples_init(&made_small, ROUNDS);
  bench_samples_init(&made_large, ROUNDS);
  bench_samples_init(&write_small, ROUNDS);
  bench_samples_init(&write_large, ROUNDS);
  bench_samples_init(&plain, READS);
  bench_samples_init(&chained, READS);

  snapshots(small, &made_small, &write_small);
  snapshots(large, &made_large, &write_large);
  const zx_handle_t alone = committed(small);
  const zx_handle_t last = chain(small);
  for (uint64_t i = 0; i < READS; i++) {
    read_once(alone, small, i, &plain);
    read_once(last, small, i, &chained);
  }

  struct bench_report report;
  bench_report_init(&report, "vmo");
  bench_report_add(&report, "snapshot, 16 MiB", &made_small, NULL);
  bench_report_add(&report, "snapshot, large", &made_large, "snapshot, 16 MiB");
  bench_report_add(&report, "first write after, 16 MiB", &write_small, NULL);
  bench_report_add(&report, "first write after, large", &write_large, "first write after, 16 MiB");
  bench_report_add(&report, "read 64 KiB, plain", &plain, NULL);
  bench_report_add(&report, "read 64 KiB, chain of 1000", &chained, "read 64 KiB, plain");
  bench_report_print(&report);
  if (argc == 3 && strcmp(argv[1], "--json") == 0 && !bench_report_write_json(&report, argv[2])) {
    return 1;
  }
  return 0;
}
