/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading a large file from its beginning to its end through a mapping, with 256 KiB supplied for
 * each request: the library, the same by hand, and a mapped FUSE file that the kernel reads ahead
 * by as much.
 *
 *   bench_scan [--mib N] [--kib N] [--rounds N] [--way NAME] [--json FILE]
 *
 * `mib` is the size of the file, `kib` that of an answer; with a way's name that way alone. One
 * load from each line of the processor's cache; a sample is the time of a whole scan. The ways take
 * turns, and start with nothing present.
 */
#include <stdio.h>
#include <string.h>
#include <zircon/zxpager.h>

#include "bench.h"
#include "way.h"

#define LINE 64u

/* The kernel has FUSE read on while the thread is busy with what there is; `ahead` has the others
 * do so. Answers beyond the one that was asked for: 2 MiB in all with 256 KiB each. */
#define AHEAD 7

static const struct {
  const char* name;
  const struct way_type* type;
  size_t ahead;
} compared[] = {
    {"raw poll loop", &way_raw_poll, 0},
    {"raw poll loop, ahead", &way_raw_poll, AHEAD},
    {"zx_port_wait", &way_port, 0},
    {"zx_port_wait, ahead", &way_port, AHEAD},
    {"libuv callback", &way_uv_loop, 0},
    {"libuv callback, ahead", &way_uv_loop, AHEAD},
    {"library's loop thread", &way_loop_thread, 0},
    {"library's loop thread, ahead", &way_loop_thread, AHEAD},
    {"FUSE file with readahead", &way_fuse, 0},
    {"mmap of a cached file", &way_file, 0},
};

#define WAYS (sizeof compared / sizeof compared[0])

static void scan(const unsigned char* memory, size_t size, struct bench_samples* out) {
  uint64_t sum = 0;
  const uint64_t start = bench_now();
  for (size_t at = 0; at < size; at += LINE) {
    sum += *(const volatile unsigned char*)(memory + at);
  }
  bench_samples_add(out, bench_now() - start);
  way_must(sum == (uint64_t)(size / LINE) * WAY_BYTE, "wrong content");
}

int main(int argc, char** argv) {
  size_t mib = 256;
  size_t kib = 256;
  size_t rounds = 11;
  const char* only = NULL;
  const char* json = NULL;
  const struct bench_option options[] = {{"--mib", &mib, NULL},
                                         {"--kib", &kib, NULL},
                                         {"--rounds", &rounds, NULL},
                                         {"--way", NULL, &only},
                                         {"--json", NULL, &json}};
  if (!bench_parse(argc, argv, options, 5)) {
    return 2;
  }
  if (kib % 4 != 0 || mib * 1024 % kib != 0) {
    fprintf(stderr, "an answer is of whole pages, the file of whole answers\n");
    return 2;
  }

  zxp_probe_t probe;
  way_check(zxp_probe(&probe), "zxp_probe");
  if (!probe.mappings_supported) {
    printf("skipped: page faults can't be served here\n%s\n", probe.advice);
    return 77;
  }

  struct way* ways[WAYS];
  struct bench_samples samples[WAYS];
  for (size_t i = 0; i < WAYS; i++) {
    const struct way_setup setup = {
        .pages = mib * 256, .answer = kib / 4, .ahead = compared[i].ahead};
    const bool wanted = only == NULL || strcmp(only, compared[i].name) == 0;
    ways[i] = wanted ? way_start(compared[i].type, &setup) : NULL;
    bench_samples_init(&samples[i], rounds);
  }
  /* One round more: the first warms up, and is forgotten. */
  for (size_t round = 0; round <= rounds; round++) {
    for (size_t i = 0; i < WAYS; i++) {
      if (ways[i] != NULL) {
        scan(way_begin(ways[i], 0), mib << 20, &samples[i]);
        way_end(ways[i], 0);
        samples[i].count = round == 0 ? 0 : samples[i].count;
      }
    }
  }

  struct bench_report r;
  bench_report_init(&r, "scan");
  for (size_t i = 0; i < WAYS; i++) {
    if (ways[i] != NULL) {
      bench_report_add(&r, compared[i].name, &samples[i], i == 0 ? NULL : compared[0].name);
      bench_report_per_page(&r, mib * 256);
    }
  }
  bench_report_at_least(&r, 5, "zx_port_wait", "FUSE file with readahead", 1);
  bench_report_at_least(&r, 5, "zx_port_wait, ahead", "FUSE file with readahead", 1);
  bench_report_at_least(&r, 5, "libuv callback, ahead", "FUSE file with readahead", 1);
  bench_report_at_least(&r, 5, "library's loop thread", "FUSE file with readahead", 1);
  bench_report_at_least(&r, 5, "library's loop thread, ahead", "FUSE file with readahead", 1);
  const int status = bench_report_finish(&r, json);
  for (size_t i = 0; i < WAYS; i++) {
    if (ways[i] != NULL) {
      way_stop(ways[i]);
    }
    bench_samples_free(&samples[i]);
  }
  return status;
}
