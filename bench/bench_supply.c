/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zx_pager_supply_pages of 64 KiB and of 2 MiB, against UFFDIO_COPY of as much.
 *
 *   bench_supply [--rounds N] [--json FILE]
 *
 * By hand: a buffer is filled, then UFFDIO_COPY takes it into a mapping of a memfd, registered for
 * missing pages. And, as what there is without a mapping, pwrite to the memfd.
 *
 * The library: a VMO is filled, through a mapping or by zx_vmo_write, then its pages are supplied
 * to a VMO of a pager, mapped or not. That empties the source, as Zircon's moves pages; so filling
 * it again may cost more, which is why filling and supplying together are rows too.
 *
 * A round goes through 32 MiB from the beginning to the end; the ways take turns. Nobody waits for
 * the pages. Making them absent again is not measured.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/zxpager.h>

#include "bench.h"
#include "way.h"
#include "way_vmo.h"

#define ROUND_BYTES ((size_t)32 << 20)

enum {
  RAW_COPY,
  RAW_PWRITE,
  BOTH_MAPPED,
  PAGER_MAPPED,
  AUX_MAPPED,
  NONE_MAPPED,
  WAYS
};

/* Samples of one way with one size. */
struct measured {
  struct bench_samples supply;
  struct bench_samples both; /* filling and supplying */
};

static unsigned char* content; /* 2 MiB: what a disk would have read */

/* ---- By hand ---- */

struct raw {
  int uffd;
  int memfd;
  unsigned char* memory;
  unsigned char* source;
};

static bool raw_start(struct raw* r, size_t size) {
  r->uffd = way_open_uffd(0);
  r->memfd = memfd_create("raw", MFD_CLOEXEC);
  r->source = aligned_alloc(WAY_PAGE, size);
  if (r->uffd < 0) {
    perror("userfaultfd");
    return false;
  }
  way_must(r->memfd >= 0 && r->source != NULL && ftruncate(r->memfd, (off_t)ROUND_BYTES) == 0,
           "memfd");
  r->memory = mmap(NULL, ROUND_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, r->memfd, 0);
  way_must(r->memory != MAP_FAILED, "mmap");
  struct uffdio_register registration = {
      .range = {.start = (uintptr_t)r->memory, .len = ROUND_BYTES},
      .mode = UFFDIO_REGISTER_MODE_MISSING,
  };
  way_must(ioctl(r->uffd, UFFDIO_REGISTER, &registration) == 0, "UFFDIO_REGISTER");
  return true;
}

static void raw_round(struct raw* r, size_t size, bool by_copy, struct measured* m) {
  for (size_t at = 0; at < ROUND_BYTES; at += size) {
    const uint64_t start = bench_now();
    memcpy(r->source, content, size);
    const uint64_t filled = bench_now();
    if (by_copy) {
      struct uffdio_copy copy = {
          .dst = (uintptr_t)r->memory + at, .src = (uintptr_t)r->source, .len = size};
      way_must(ioctl(r->uffd, UFFDIO_COPY, &copy) == 0, "UFFDIO_COPY");
    } else {
      way_must(pwrite(r->memfd, r->source, size, (off_t)at) == (ssize_t)size, "pwrite");
    }
    const uint64_t end = bench_now();
    bench_samples_add(&m->supply, end - filled);
    bench_samples_add(&m->both, end - start);
  }
  way_must(madvise(r->memory, ROUND_BYTES, MADV_REMOVE) == 0, "MADV_REMOVE");
}

static void raw_stop(struct raw* r) {
  munmap(r->memory, ROUND_BYTES);
  close(r->uffd);
  close(r->memfd);
  free(r->source);
}

/* ---- The library ---- */

struct library {
  zx_handle_t port;
  zx_handle_t pager;
  zx_handle_t aux_unmapped;
  struct way_transfer aux_mapped;
};

static void library_start(struct library* l, size_t size) {
  way_check(zx_port_create(0, &l->port), "zx_port_create");
  way_check(zx_pager_create(0, &l->pager), "zx_pager_create");
  way_check(zx_vmo_create(size, 0, &l->aux_unmapped), "zx_vmo_create");
  way_transfer_init(&l->aux_mapped, size / WAY_PAGE);
}

static void library_round(struct library* l, size_t size, bool pager_mapped, bool aux_mapped,
                          struct measured* m) {
  const zx_handle_t aux = aux_mapped ? l->aux_mapped.vmo : l->aux_unmapped;
  zx_handle_t vmo;
  zx_vaddr_t address = 0;
  way_check(zx_pager_create_vmo(l->pager, 0, l->port, 0, ROUND_BYTES, &vmo), "zx_pager_create_vmo");
  if (pager_mapped) {
    address = way_map(vmo, ROUND_BYTES / WAY_PAGE);
  }
  for (size_t at = 0; at < ROUND_BYTES; at += size) {
    const uint64_t start = bench_now();
    if (aux_mapped) {
      memcpy((void*)l->aux_mapped.address, content, size);
    } else {
      way_check(zx_vmo_write(aux, content, 0, size), "zx_vmo_write");
    }
    const uint64_t filled = bench_now();
    way_check(zx_pager_supply_pages(l->pager, vmo, at, size, aux, 0), "zx_pager_supply_pages");
    const uint64_t end = bench_now();
    bench_samples_add(&m->supply, end - filled);
    bench_samples_add(&m->both, end - start);
  }
  if (pager_mapped) {
    way_unmap(address, ROUND_BYTES / WAY_PAGE);
  }
  zx_handle_close(vmo);
}

static void library_stop(struct library* l) {
  way_transfer_free(&l->aux_mapped);
  zx_handle_close(l->aux_unmapped);
  zx_handle_close(l->pager);
  zx_handle_close(l->port);
}

/* ---- One size ---- */

#define SUPPLY 0
#define BOTH   1

struct names {
  char text[2][WAYS][80]; /* SUPPLY alone, and filling first */
};

static void name_rows(const char* size, struct names* names) {
  static const char* const endings[WAYS] = {
      [RAW_COPY] = " by UFFDIO_COPY",
      [RAW_PWRITE] = " by pwrite",
      [BOTH_MAPPED] = ", pager's VMO and source mapped",
      [PAGER_MAPPED] = ", pager's VMO mapped",
      [AUX_MAPPED] = ", source mapped",
      [NONE_MAPPED] = ", nothing mapped",
  };
  for (int i = 0; i < WAYS; i++) {
    snprintf(names->text[SUPPLY][i], sizeof names->text[SUPPLY][i], "%s%s", size, endings[i]);
    snprintf(names->text[BOTH][i], sizeof names->text[BOTH][i], "fill and supply %s%s", size,
             endings[i]);
  }
}

static bool measure(size_t size, char names[2][WAYS][80], size_t rounds, struct bench_report* r) {
  struct measured measured[WAYS];
  struct raw raw;
  struct library library;
  if (!raw_start(&raw, size)) {
    return false;
  }
  library_start(&library, size);
  for (int i = 0; i < WAYS; i++) {
    bench_samples_init(&measured[i].supply, rounds * (ROUND_BYTES / size));
    bench_samples_init(&measured[i].both, rounds * (ROUND_BYTES / size));
  }
  /* One round more: the first warms up, and is forgotten. */
  for (size_t round = 0; round <= rounds; round++) {
    raw_round(&raw, size, true, &measured[RAW_COPY]);
    library_round(&library, size, true, true, &measured[BOTH_MAPPED]);
    library_round(&library, size, true, false, &measured[PAGER_MAPPED]);
    raw_round(&raw, size, false, &measured[RAW_PWRITE]);
    library_round(&library, size, false, true, &measured[AUX_MAPPED]);
    library_round(&library, size, false, false, &measured[NONE_MAPPED]);
    for (int i = 0; round == 0 && i < WAYS; i++) {
      measured[i].supply.count = 0;
      measured[i].both.count = 0;
    }
  }
  for (int i = 0; i < WAYS; i++) {
    bench_report_add(r, names[SUPPLY][i], &measured[i].supply,
                     i == RAW_COPY ? NULL : names[SUPPLY][RAW_COPY]);
    bench_report_per_page(r, size / WAY_PAGE);
  }
  for (int i = 0; i < WAYS; i++) {
    bench_report_add(r, names[BOTH][i], &measured[i].both,
                     i == RAW_COPY ? NULL : names[BOTH][RAW_COPY]);
    bench_report_per_page(r, size / WAY_PAGE);
  }
  for (int i = BOTH_MAPPED; i < WAYS; i++) {
    bench_report_at_most(r, 3, names[SUPPLY][i], names[SUPPLY][RAW_COPY], 1.15);
    bench_samples_free(&measured[i].supply);
    bench_samples_free(&measured[i].both);
  }
  raw_stop(&raw);
  library_stop(&library);
  return true;
}

int main(int argc, char** argv) {
  size_t rounds = 20;
  const char* json = NULL;
  const struct bench_option options[] = {{"--rounds", &rounds, NULL}, {"--json", NULL, &json}};
  if (!bench_parse(argc, argv, options, 2)) {
    return 2;
  }
  zxp_probe_t probe;
  way_check(zxp_probe(&probe), "zxp_probe");
  if (!probe.mappings_supported) {
    printf("skipped: page faults can't be served here\n%s\n", probe.advice);
    return 77;
  }
  const size_t largest = (size_t)2 << 20;
  content = aligned_alloc(WAY_PAGE, largest);
  way_must(content != NULL, "aligned_alloc");
  memset(content, WAY_BYTE, largest);

  struct bench_report r;
  bench_report_init(&r, "supply");
  static struct names small;
  static struct names large;
  name_rows("64 KiB", &small);
  name_rows("2 MiB", &large);
  const bool measured =
      measure((size_t)64 << 10, small.text, rounds, &r) && measure(largest, large.text, rounds, &r);
  const int status = measured ? bench_report_finish(&r, json) : 1;
  free(content);
  return status;
}
