/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long a load from an absent page takes, from the touch until the thread goes on: answered from
 * zx_port_wait and from libuv callbacks, against the loops that one would write by hand and against
 * other ways to have a program fill pages (way.h).
 *
 *   bench_fault [--pages N] [--rounds N] [--way NAME] [--place one|two|free] [--json FILE]
 *
 * One thread touches N pages, from the first to the last; another one fills a page and answers.
 * The ways take turns, a round of N pages each, so that what else the machine does falls on all of
 * them. What comes before and after the touches is not measured. This is done three times: with
 * both threads on one core, on two, and where the scheduler puts them (place.h).
 *
 * With --way, the way of that name alone, with --place one place: for perf and strace.
 */
#include <stdio.h>
#include <string.h>
#include <zircon/zxpager.h>

#include "bench.h"
#include "place.h"
#include "way.h"

/* Touches to a fault where the kernel maps 16 pages around the one that is touched. */
#define AROUND 16u

#define GOES 10u

enum {
  RAW_POLL,
  PORT,
  RAW_UV,
  UV,
  LOOP_THREAD,
  LOOP_ALONE,
  SEGV,
  FUSE,
  CACHED,
  WAYS
};

static const struct {
  const struct way_type* type;
  int against; /* itself: nothing */
} compared[WAYS] = {
    [RAW_POLL] = {&way_raw_poll, RAW_POLL},
    [PORT] = {&way_port, RAW_POLL},
    [RAW_UV] = {&way_raw_uv, RAW_UV},
    [UV] = {&way_uv_loop, RAW_UV},
    [LOOP_THREAD] = {&way_loop_thread, RAW_POLL},
    [LOOP_ALONE] = {&way_loop_scheduler, RAW_POLL},
    [SEGV] = {&way_segv, RAW_POLL},
    [FUSE] = {&way_fuse, RAW_POLL},
    [CACHED] = {&way_file, RAW_POLL},
};

static const char* const place_options[PLACES] = {"one", "two", "free"};

static char row_names[PLACES][WAYS][64];

struct settings {
  size_t pages;
  size_t rounds;
  const char* way;   /* NULL: all */
  const char* place; /* NULL: all */
};

/* One go: threads that are started, and stay wherever they are put. */
static void measure(const struct settings* s, enum place place, size_t rounds,
                    struct bench_samples samples[WAYS]) {
  struct way* ways[WAYS];
  place_answering(place);
  for (int i = 0; i < WAYS; i++) {
    const struct way_setup setup = {.pages = i == CACHED ? s->pages * AROUND : s->pages};
    const bool wanted = s->way == NULL ? i != LOOP_ALONE || place == PLACE_FREE
                                       : strcmp(s->way, compared[i].type->name) == 0;
    ways[i] = wanted ? way_start(compared[i].type, &setup) : NULL;
  }
  place_touching(place);

  /* One round more: the first warms up, and is forgotten. */
  for (size_t round = 0; round <= rounds; round++) {
    for (int i = 0; i < WAYS; i++) {
      if (ways[i] == NULL) {
        continue;
      }
      const size_t before = samples[i].count;
      way_touch(way_begin(ways[i], 0), ways[i]->setup.pages, i == CACHED ? AROUND : 1, &samples[i]);
      way_end(ways[i], 0);
      samples[i].count = round == 0 ? before : samples[i].count;
    }
  }

  for (int i = 0; i < WAYS; i++) {
    if (ways[i] != NULL) {
      way_stop(ways[i]);
    }
  }
}

/* Where the scheduler has the choice it makes it early and sticks to it for a while; so there are
 * several goes. */
static void measure_place(const struct settings* s, enum place place, struct bench_report* r) {
  const size_t goes = place == PLACE_FREE && s->rounds >= GOES ? GOES : 1;
  struct bench_samples samples[WAYS];
  for (int i = 0; i < WAYS; i++) {
    bench_samples_init(&samples[i], s->pages * s->rounds);
  }
  for (size_t go = 0; go < goes; go++) {
    measure(s, place, s->rounds / goes, samples);
  }
  for (int i = 0; i < WAYS; i++) {
    if (samples[i].count > 0) {
      bench_report_add(r, row_names[place][i], &samples[i],
                       compared[i].against != i ? row_names[place][compared[i].against] : NULL);
    }
    bench_samples_free(&samples[i]);
  }
}

static void add_bars(struct bench_report* r) {
  for (enum place place = PLACE_ONE_CORE; place <= PLACE_TWO_CORES; place++) {
    char(*names)[64] = row_names[place];
    bench_report_at_most(r, 1, names[PORT], names[RAW_POLL], 1.15);
    bench_report_at_most(r, 1, names[UV], names[RAW_UV], 1.15);
    bench_report_at_most(r, 1, names[PORT], names[FUSE], 1);
    bench_report_at_most(r, 1, names[UV], names[FUSE], 1);
    bench_report_at_most(r, 1, names[PORT], names[SEGV], 1);
    bench_report_at_most(r, 1, names[UV], names[SEGV], 1);
  }
  bench_report_at_most(r, 1, row_names[PLACE_FREE][LOOP_THREAD], row_names[PLACE_FREE][RAW_POLL],
                       0.6);
  /* Which the scheduler puts on one core this time, and on two the next. */
  bench_report_bar_of_mean(r);
}

int main(int argc, char** argv) {
  struct settings s = {.pages = 256, .rounds = 40};
  const char* json = NULL;
  const struct bench_option options[] = {{"--pages", &s.pages, NULL},
                                         {"--rounds", &s.rounds, NULL},
                                         {"--way", NULL, &s.way},
                                         {"--place", NULL, &s.place},
                                         {"--json", NULL, &json}};
  if (!bench_parse(argc, argv, options, 5)) {
    return 2;
  }

  zxp_probe_t probe;
  way_check(zxp_probe(&probe), "zxp_probe");
  if (!probe.mappings_supported) {
    printf("skipped: page faults can't be served here\n%s\n", probe.advice);
    return 77;
  }

  struct bench_report r;
  bench_report_init(&r, "fault");
  for (enum place place = PLACE_ONE_CORE; place < PLACES; place++) {
    for (int i = 0; i < WAYS; i++) {
      const char* at = place_names[place];
      snprintf(row_names[place][i], sizeof row_names[place][i], "%s%s%s", compared[i].type->name,
               at[0] != '\0' ? ", " : "", at);
    }
    if (place_possible(place) && (s.place == NULL || strcmp(s.place, place_options[place]) == 0)) {
      measure_place(&s, place, &r);
    }
  }
  add_bars(&r);
  return bench_report_finish(&r, json);
}
