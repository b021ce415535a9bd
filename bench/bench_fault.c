/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long a load from an absent page takes, from the touch until the thread goes on: answered from
 * zx_port_wait and from libuv callbacks, against the loops that one would write by hand and against
 * other ways to have a program fill pages (way.h).
 *
 *   bench_fault [--pages N] [--rounds N] [--place free|same|apart] [--way NAME] [--json FILE]
 *
 * One thread touches N pages, from the first to the last; another one, which the scheduler may put
 * anywhere, fills a page and answers. The ways take turns, a round of N pages each, so that what
 * else the machine does falls on all of them. What comes before and after the touches is not
 * measured. With --way, the way of that name alone: for perf and strace.
 *
 * Where the two threads run decides more than the code between them. By default the scheduler
 * chooses, and may choose differently from one round to the next; `same` keeps both on one core,
 * `apart` on two.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/zxpager.h>

#include "bench.h"
#include "way.h"

/* Touches to a fault where the kernel maps 16 pages around the one that is touched. */
#define AROUND 16u

enum {
  RAW_POLL,
  PORT,
  RAW_UV,
  UV,
  LOOP_THREAD,
  SEGV,
  FUSE,
  CACHED,
  WAYS
};

static const struct {
  const struct way_type* type;
  const struct way_type* against;
} compared[WAYS] = {
    [RAW_POLL] = {&way_raw_poll, NULL},
    [PORT] = {&way_port, &way_raw_poll},
    [RAW_UV] = {&way_raw_uv, NULL},
    [UV] = {&way_uv_loop, &way_raw_uv},
    [LOOP_THREAD] = {&way_loop_thread, &way_raw_poll},
    [SEGV] = {&way_segv, &way_raw_poll},
    [FUSE] = {&way_fuse, &way_raw_poll},
    [CACHED] = {&way_file, &way_raw_poll},
};

enum place {
  FREE,
  SAME,
  APART
};

static bool place_of(const char* text, enum place* place) {
  static const char* const names[] = {[FREE] = "free", [SAME] = "same", [APART] = "apart"};
  for (int i = FREE; i <= APART; i++) {
    if (strcmp(text, names[i]) == 0) {
      *place = (enum place)i;
      return true;
    }
  }
  fprintf(stderr, "--place %s: free, same or apart\n", text);
  return false;
}

/* Keeps the calling thread, and those that it starts from now on, on the nth core it may use. */
static void stay_on_core(const cpu_set_t* allowed, int n) {
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, allowed) && n-- == 0) {
      CPU_SET(cpu, &one);
    }
  }
  if (sched_setaffinity(0, sizeof one, &one) != 0) {
    fprintf(stderr, "bench_fault: there are not enough cores\n");
    exit(2);
  }
}

static void report(struct bench_samples samples[WAYS], struct bench_report* r) {
  bench_report_init(r, "fault");
  for (int i = 0; i < WAYS; i++) {
    if (samples[i].count > 0) {
      bench_report_add(r, compared[i].type->name, &samples[i],
                       compared[i].against != NULL ? compared[i].against->name : NULL);
    }
  }
  bench_report_at_most(r, 1, way_port.name, way_raw_poll.name, 1.15);
  bench_report_at_most(r, 1, way_uv_loop.name, way_raw_uv.name, 1.15);
  bench_report_at_most(r, 1, way_loop_thread.name, way_raw_poll.name, 0.6);
  bench_report_at_most(r, 1, way_port.name, way_fuse.name, 1);
  bench_report_at_most(r, 1, way_port.name, way_segv.name, 1);
  bench_report_at_most(r, 1, way_uv_loop.name, way_fuse.name, 1);
  bench_report_at_most(r, 1, way_uv_loop.name, way_segv.name, 1);
}

int main(int argc, char** argv) {
  size_t pages = 256;
  size_t rounds = 100;
  const char* place_text = "free";
  const char* only = NULL;
  const char* json = NULL;
  const struct bench_option options[] = {{"--pages", &pages, NULL},
                                         {"--rounds", &rounds, NULL},
                                         {"--place", NULL, &place_text},
                                         {"--way", NULL, &only},
                                         {"--json", NULL, &json}};
  enum place place;
  if (!bench_parse(argc, argv, options, 5) || !place_of(place_text, &place)) {
    return 2;
  }

  zxp_probe_t probe;
  way_check(zxp_probe(&probe), "zxp_probe");
  if (!probe.mappings_supported) {
    printf("skipped: page faults can't be served here\n%s\n", probe.advice);
    return 77;
  }

  cpu_set_t allowed;
  sched_getaffinity(0, sizeof allowed, &allowed);
  if (place != FREE) {
    stay_on_core(&allowed, place == APART ? 1 : 0);
  }
  struct way* ways[WAYS];
  struct bench_samples samples[WAYS];
  for (int i = 0; i < WAYS; i++) {
    const struct way_setup setup = {.pages = i == CACHED ? pages * AROUND : pages};
    const bool wanted = only == NULL || strcmp(only, compared[i].type->name) == 0;
    ways[i] = wanted ? way_start(compared[i].type, &setup) : NULL;
    bench_samples_init(&samples[i], pages * rounds);
  }
  if (place != FREE) {
    stay_on_core(&allowed, 0);
  }

  /* One round more: the first warms up, and is forgotten. */
  for (size_t round = 0; round <= rounds; round++) {
    for (int i = 0; i < WAYS; i++) {
      if (ways[i] == NULL) {
        continue;
      }
      way_touch(way_begin(ways[i], 0), ways[i]->setup.pages, i == CACHED ? AROUND : 1, &samples[i]);
      way_end(ways[i], 0);
      samples[i].count = round == 0 ? 0 : samples[i].count;
    }
  }

  struct bench_report r;
  report(samples, &r);
  const int status = bench_report_finish(&r, json);
  for (int i = 0; i < WAYS; i++) {
    if (ways[i] != NULL) {
      way_stop(ways[i]);
    }
    bench_samples_free(&samples[i]);
  }
  return status;
}
