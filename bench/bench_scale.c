/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many VMOs, and large ones: what a VMO costs among 2,000 and among 100,000, and what a page costs
 * in a small VMO and scattered over one of 1 TiB.
 *
 *   bench_scale [--rounds N] [--json FILE]
 *
 * A sample is the mean time of one VMO of a whole lot, or the time of a thousand pages. All VMOs of
 * a lot live at once, and each is mapped only while its page is touched: Linux has 65,530 mappings
 * for a process. By hand, a VMO is a memfd, and a large one a sparse memfd with pread and pwrite.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "bench.h"

#define PAGE     UINT64_C(4096)
#define FEW      2000u
#define MANY     100000u
#define BY_HAND  500u /* a process has 1024 descriptors as a rule */
#define PAGES    4000u
#define TIB      (UINT64_C(1) << 40)
#define FRACTION UINT64_C(0x9e3779b97f4a7c15) /* of 2^64: multiples of it are scattered evenly */

static void must(bool ok, const char* what) {
  if (!ok) {
    fprintf(stderr, "bench_scale: %s failed\n", what);
    exit(1);
  }
}

static unsigned char page_of_ones[PAGE];
static zx_handle_t handles[MANY];

/* ---- Many ---- */

static void make(size_t count, bool fill) {
  for (size_t i = 0; i < count; i++) {
    must(zx_vmo_create(PAGE, 0, &handles[i]) == ZX_OK, "zx_vmo_create");
    if (fill) {
      must(zx_vmo_write(handles[i], page_of_ones, 0, PAGE) == ZX_OK, "zx_vmo_write");
    }
  }
}

static void map_in_turn(size_t count) {
  const zx_handle_t root = zx_vmar_root_self();
  for (size_t i = 0; i < count; i++) {
    zx_vaddr_t at;
    must(
        zx_vmar_map(root, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, handles[i], 0, PAGE, &at) == ZX_OK,
        "zx_vmar_map");
    *(volatile unsigned char*)at = 2;
    must(zx_vmar_unmap(root, at, PAGE) == ZX_OK, "zx_vmar_unmap");
  }
}

static void close_all(size_t count) {
  for (size_t i = 0; i < count; i++) {
    must(zx_handle_close(handles[i]) == ZX_OK, "zx_handle_close");
  }
}

static uint64_t time_of_lot(size_t count, bool used) {
  const uint64_t start = bench_now();
  make(count, used);
  if (used) {
    map_in_turn(count);
  }
  close_all(count);
  return (bench_now() - start) / count;
}

static uint64_t time_by_hand(void) {
  static int files[BY_HAND];
  const uint64_t start = bench_now();
  for (size_t i = 0; i < BY_HAND; i++) {
    files[i] = memfd_create("bench_scale", MFD_CLOEXEC);
    must(files[i] >= 0 && ftruncate(files[i], (off_t)PAGE) == 0, "memfd");
    must(pwrite(files[i], page_of_ones, PAGE, 0) == (ssize_t)PAGE, "pwrite");
  }
  for (size_t i = 0; i < BY_HAND; i++) {
    unsigned char* at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, files[i], 0);
    must(at != MAP_FAILED, "mmap");
    *(volatile unsigned char*)at = 2;
    must(munmap(at, PAGE) == 0, "munmap");
  }
  for (size_t i = 0; i < BY_HAND; i++) {
    close(files[i]);
  }
  return (bench_now() - start) / BY_HAND;
}

/* ---- Large ---- */

enum {
  FIRST_WRITE,
  FIRST_READ,
  READ,
  SUPPLIED,
  STEPS
};

/* Where the n-th page of a VMO of `pages` pages is; in disorder in either. */
static uint64_t place(uint64_t n, uint64_t pages) {
  return pages == PAGES ? n * 1999 % PAGES : (n + 1) * FRACTION % pages;
}

static uint64_t per_thousand_pages(uint64_t start) {
  return bench_per_thousand(bench_now() - start, PAGES);
}

static void pages_of_vmo(uint64_t size, struct bench_samples* samples) {
  const uint64_t pages = size / PAGE;
  unsigned char buffer[PAGE];
  zx_handle_t vmo;
  must(zx_vmo_create(size, 0, &vmo) == ZX_OK, "zx_vmo_create");
  uint64_t start = bench_now();
  for (uint64_t i = 0; i < PAGES; i++) {
    must(zx_vmo_write(vmo, page_of_ones, place(i, pages) * PAGE, PAGE) == ZX_OK, "zx_vmo_write");
  }
  bench_samples_add(&samples[FIRST_WRITE], per_thousand_pages(start));
  for (int step = FIRST_READ; step <= READ; step++) {
    start = bench_now();
    for (uint64_t i = 0; i < PAGES; i++) {
      must(zx_vmo_read(vmo, buffer, place(i, pages) * PAGE, PAGE) == ZX_OK, "zx_vmo_read");
    }
    bench_samples_add(&samples[step], per_thousand_pages(start));
  }
  must(zx_handle_close(vmo) == ZX_OK, "zx_handle_close");
}

/* What a pager's page goes through: supplied, read, written, written back. */
static void pages_of_pager(uint64_t size, struct bench_samples* samples) {
  const uint64_t pages = size / PAGE;
  unsigned char buffer[PAGE];
  zx_handle_t port, pager, vmo, source;
  must(zx_port_create(0, &port) == ZX_OK && zx_pager_create(0, &pager) == ZX_OK &&
           zx_pager_create_vmo(pager, 0, port, 1, size, &vmo) == ZX_OK &&
           zx_vmo_create(PAGE, 0, &source) == ZX_OK,
       "making a pager");
  const uint64_t start = bench_now();
  for (uint64_t i = 0; i < PAGES; i++) {
    const uint64_t at = place(i, pages) * PAGE;
    must(zx_vmo_write(source, page_of_ones, 0, PAGE) == ZX_OK &&
             zx_pager_supply_pages(pager, vmo, at, PAGE, source, 0) == ZX_OK,
         "zx_pager_supply_pages");
    must(zx_vmo_read(vmo, buffer, at, PAGE) == ZX_OK, "zx_vmo_read");
    must(zx_vmo_write(vmo, buffer, at, PAGE) == ZX_OK, "zx_vmo_write");
    must(zx_pager_op_range(pager, ZX_PAGER_OP_WRITEBACK_BEGIN, vmo, at, PAGE, 0) == ZX_OK &&
             zx_pager_op_range(pager, ZX_PAGER_OP_WRITEBACK_END, vmo, at, PAGE, 0) == ZX_OK,
         "zx_pager_op_range");
  }
  must(zx_handle_close(vmo) == ZX_OK, "zx_handle_close"); /* gives the memory back */
  bench_samples_add(&samples[SUPPLIED], per_thousand_pages(start));
  must(zx_handle_close(source) == ZX_OK && zx_handle_close(pager) == ZX_OK &&
           zx_handle_close(port) == ZX_OK,
       "zx_handle_close");
}

static void pages_by_hand(uint64_t size, struct bench_samples* samples) {
  const uint64_t pages = size / PAGE;
  unsigned char buffer[PAGE];
  const int file = memfd_create("bench_scale", MFD_CLOEXEC);
  must(file >= 0 && ftruncate(file, (off_t)size) == 0, "memfd");
  uint64_t start = bench_now();
  for (uint64_t i = 0; i < PAGES; i++) {
    must(pwrite(file, page_of_ones, PAGE, (off_t)(place(i, pages) * PAGE)) == (ssize_t)PAGE,
         "pwrite");
  }
  bench_samples_add(&samples[FIRST_WRITE], per_thousand_pages(start));
  for (int step = FIRST_READ; step <= READ; step++) {
    start = bench_now();
    for (uint64_t i = 0; i < PAGES; i++) {
      must(pread(file, buffer, PAGE, (off_t)(place(i, pages) * PAGE)) == (ssize_t)PAGE, "pread");
    }
    bench_samples_add(&samples[step], per_thousand_pages(start));
  }
  close(file);
}

int main(int argc, char** argv) {
  size_t rounds = 5;
  const char* json = NULL;
  const struct bench_option options[] = {{"--rounds", &rounds, NULL}, {"--json", NULL, &json}};
  if (!bench_parse(argc, argv, options, 2)) {
    return 2;
  }
  memset(page_of_ones, 1, sizeof page_of_ones);
  struct bench_samples by_hand, few, many, few_bare, many_bare;
  struct bench_samples small[STEPS], sparse[STEPS], small_file[STEPS], sparse_file[STEPS];
  struct bench_samples* const all[] = {&by_hand, &few, &many, &few_bare, &many_bare};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    bench_samples_init(all[i], rounds);
  }
  for (int i = 0; i < STEPS; i++) {
    bench_samples_init(&small[i], rounds);
    bench_samples_init(&sparse[i], rounds);
    bench_samples_init(&small_file[i], rounds);
    bench_samples_init(&sparse_file[i], rounds);
  }
  (void)time_of_lot(FEW, true); /* sets the library up */
  for (size_t i = 0; i < rounds; i++) {
    bench_samples_add(&by_hand, time_by_hand());
    bench_samples_add(&few, time_of_lot(FEW, true));
    bench_samples_add(&many, time_of_lot(MANY, true));
    bench_samples_add(&few_bare, time_of_lot(FEW, false));
    bench_samples_add(&many_bare, time_of_lot(MANY, false));
    pages_by_hand(PAGES * PAGE, small_file);
    pages_by_hand(TIB, sparse_file);
    pages_of_vmo(PAGES * PAGE, small);
    pages_of_vmo(TIB, sparse);
    pages_of_pager(PAGES * PAGE, small);
    pages_of_pager(TIB, sparse);
  }

  struct bench_report report;
  bench_report_init(&report, "scale");
  bench_report_add(&report, "a memfd of 500", &by_hand, NULL);
  bench_report_add(&report, "a VMO of 2,000", &few, "a memfd of 500");
  bench_report_add(&report, "a VMO of 100,000", &many, "a VMO of 2,000");
  bench_report_add(&report, "create and close, of 2,000", &few_bare, NULL);
  bench_report_add(&report, "create and close, of 100,000", &many_bare,
                   "create and close, of 2,000");
  static const struct {
    const char* small_file;
    const char* sparse_file;
    const char* small;
    const char* sparse;
  } names[] = {
      [FIRST_WRITE] = {"1000 first writes, small memfd", "1000 first writes, 1 TiB memfd",
                       "1000 first writes, small VMO", "1000 first writes, 1 TiB VMO"},
      [FIRST_READ] = {"1000 first reads, small memfd", "1000 first reads, 1 TiB memfd",
                      "1000 first reads, small VMO", "1000 first reads, 1 TiB VMO"},
      [READ] = {"1000 reads, small memfd", "1000 reads, 1 TiB memfd", "1000 reads, small VMO",
                "1000 reads, 1 TiB VMO"},
  };
  for (int i = FIRST_WRITE; i <= READ; i++) {
    bench_report_add(&report, names[i].small_file, &small_file[i], NULL);
    bench_report_add(&report, names[i].sparse_file, &sparse_file[i], names[i].small_file);
    bench_report_add(&report, names[i].small, &small[i], names[i].small_file);
    bench_report_add(&report, names[i].sparse, &sparse[i], names[i].sparse_file);
  }
  bench_report_add(&report, "1000 pager's pages, small", &small[SUPPLIED], NULL);
  bench_report_add(&report, "1000 pager's pages, 1 TiB", &sparse[SUPPLIED],
                   "1000 pager's pages, small");
  bench_report_at_most(&report, 7, "a VMO of 100,000", "a VMO of 2,000", 1.5);
  bench_report_at_most(&report, 7, "create and close, of 100,000", "create and close, of 2,000",
                       1.5);
  bench_report_at_most(&report, 7, "1000 pager's pages, 1 TiB", "1000 pager's pages, small", 2);
  return bench_report_finish(&report, json);
}
