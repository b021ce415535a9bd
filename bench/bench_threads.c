/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Several threads that fault at once.
 *
 *   bench_threads [--rounds N] [--json FILE]
 *
 *   two faulting threads, each on memory of its own, served by one thread or by one for each: a
 *   second pager thread should not be in the way of the first. Once where the scheduler puts them,
 *   once with the faulting threads on a core each, and beside each its pager thread, if it has one
 *   of its own
 *
 *   four faulting threads and a pager that computes for 100 us before it answers, on one loop: the
 *   answers take all the time there is, and a loop that is placed badly takes more. Once the
 *   faulting threads do nothing else, once they compute as long themselves between two faults, so
 *   that a pager on the wrong core keeps one of them from running
 *
 * A sample is the time of a round, from the first touch to the last, divided by the faults. The
 * ways take turns.
 */
#include <pthread.h>
#include <stdio.h>
#include <zircon/zxpager.h>

#include "bench.h"
#include "place.h"
#include "way.h"

#define MAX_THREADS 4u
#define BUSY_NS     100000u

/* ---- Work ---- */

/* Steps that take BUSY_NS on an idle machine: an amount of work, whoever else has the core. */
static uint64_t busy_steps;

static void step(uint64_t count) {
  uint64_t x = count | 1;
  for (uint64_t i = 0; i < count; i++) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    __asm__ volatile("" : "+r"(x));
  }
}

static void compute(void) { step(busy_steps); }

static void calibrate(void) {
  const uint64_t tried = 1000000;
  uint64_t best = UINT64_MAX;
  for (int i = 0; i < 10; i++) {
    const uint64_t start = bench_now();
    step(tried);
    const uint64_t time = bench_now() - start;
    best = time < best ? time : best;
  }
  busy_steps = tried * BUSY_NS / best;
}

/* ---- Threads that fault ---- */

struct toucher {
  pthread_t thread;
  pthread_barrier_t* barrier;
  const unsigned char* memory;
  size_t pages;
  bool computes;
  int core; /* or -1 */
  uint64_t start;
  uint64_t end;
  bool wrong;
};

static void* touch_main(void* argument) {
  struct toucher* t = argument;
  if (t->core >= 0) {
    place_on_core(t->core);
  }
  pthread_barrier_wait(t->barrier);
  t->start = bench_now();
  for (size_t i = 0; i < t->pages; i++) {
    t->wrong |= *(const volatile unsigned char*)(t->memory + i * WAY_PAGE) != WAY_BYTE;
    if (t->computes) {
      compute();
    }
  }
  t->end = bench_now();
  return NULL;
}

/* How the touching threads of a test are served: memory i by way i % ways. */
struct service {
  const char* name;
  const char* against;
  const struct way_type* type;
  size_t way_count;
  struct way* ways[MAX_THREADS];
  struct bench_samples samples;
};

struct test {
  size_t threads;
  size_t pages; /* for each */
  bool pager_computes;
  bool touchers_compute;
  bool placed; /* thread i on core i, and its way's beside it */
  size_t service_count;
  struct service services[5];
};

static void round_of(const struct test* test, struct service* s) {
  struct toucher touchers[MAX_THREADS];
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, NULL, (unsigned)test->threads);
  for (size_t i = 0; i < test->threads; i++) {
    touchers[i] = (struct toucher){
        .barrier = &barrier,
        .memory = way_begin(s->ways[i % s->way_count], i / s->way_count),
        .pages = test->pages,
        .computes = test->touchers_compute,
        .core = test->placed ? (int)i : -1,
    };
  }
  for (size_t i = 0; i < test->threads; i++) {
    way_must(pthread_create(&touchers[i].thread, NULL, touch_main, &touchers[i]) == 0,
             "pthread_create");
  }
  uint64_t start = UINT64_MAX;
  uint64_t end = 0;
  for (size_t i = 0; i < test->threads; i++) {
    pthread_join(touchers[i].thread, NULL);
    way_must(!touchers[i].wrong, "wrong content");
    start = touchers[i].start < start ? touchers[i].start : start;
    end = touchers[i].end > end ? touchers[i].end : end;
  }
  pthread_barrier_destroy(&barrier);
  for (size_t i = 0; i < test->threads; i++) {
    way_end(s->ways[i % s->way_count], i / s->way_count);
  }
  const uint64_t faults = test->threads * test->pages;
  bench_samples_add(&s->samples, faults > 0 ? (end - start) / faults : 0);
}

static void run(struct test* test, size_t rounds, struct bench_report* r) {
  for (size_t i = 0; i < test->service_count; i++) {
    struct service* s = &test->services[i];
    const struct way_setup setup = {
        .pages = test->pages,
        .memories = test->threads / s->way_count,
        .work = test->pager_computes ? compute : NULL,
    };
    for (size_t w = 0; w < s->way_count; w++) {
      if (test->placed) {
        place_on_core((int)w);
      }
      s->ways[w] = way_start(s->type, &setup);
      way_must(s->ways[w] != NULL, s->name);
    }
    bench_samples_init(&s->samples, rounds);
  }
  place_touching(PLACE_FREE);
  /* One round more: the first warms up, and is forgotten. */
  for (size_t round = 0; round <= rounds; round++) {
    for (size_t i = 0; i < test->service_count; i++) {
      round_of(test, &test->services[i]);
      test->services[i].samples.count = round == 0 ? 0 : test->services[i].samples.count;
    }
  }
  for (size_t i = 0; i < test->service_count; i++) {
    struct service* s = &test->services[i];
    bench_report_add(r, s->name, &s->samples, s->against);
    for (size_t w = 0; w < s->way_count; w++) {
      way_stop(s->ways[w]);
    }
    bench_samples_free(&s->samples);
  }
}

/* ---- The tests ---- */

static struct test two_pagers = {
    .threads = 2,
    .pages = 512,
    .service_count = 4,
    .services =
        {
            {.name = "2 faulting, 1 raw loop", .type = &way_raw_poll, .way_count = 1},
            {.name = "2 faulting, 2 raw loops",
             .against = "2 faulting, 1 raw loop",
             .type = &way_raw_poll,
             .way_count = 2},
            {.name = "2 faulting, 1 thread in zx_port_wait",
             .against = "2 faulting, 1 raw loop",
             .type = &way_port,
             .way_count = 1},
            {.name = "2 faulting, 2 threads in zx_port_wait",
             .against = "2 faulting, 1 thread in zx_port_wait",
             .type = &way_port,
             .way_count = 2},
        },
};

static struct test two_pagers_placed = {
    .threads = 2,
    .pages = 512,
    .placed = true,
    .service_count = 4,
    .services =
        {
            {.name = "on 2 cores, 1 raw loop", .type = &way_raw_poll, .way_count = 1},
            {.name = "on 2 cores, 2 raw loops",
             .against = "on 2 cores, 1 raw loop",
             .type = &way_raw_poll,
             .way_count = 2},
            {.name = "on 2 cores, 1 thread in zx_port_wait",
             .against = "on 2 cores, 1 raw loop",
             .type = &way_port,
             .way_count = 1},
            {.name = "on 2 cores, 2 threads in zx_port_wait",
             .against = "on 2 cores, 1 thread in zx_port_wait",
             .type = &way_port,
             .way_count = 2},
        },
};

static struct test busy_pager = {
    .threads = 4,
    .pages = 32,
    .pager_computes = true,
    .service_count = 3,
    .services =
        {
            {.name = "100 us a fault, raw uv loop", .type = &way_raw_uv, .way_count = 1},
            {.name = "100 us a fault, libuv callback",
             .against = "100 us a fault, raw uv loop",
             .type = &way_uv_loop,
             .way_count = 1},
            {.name = "100 us a fault, library's loop thread",
             .against = "100 us a fault, raw uv loop",
             .type = &way_loop_thread,
             .way_count = 1},
        },
};

static struct test busy_all = {
    .threads = 4,
    .pages = 32,
    .pager_computes = true,
    .touchers_compute = true,
    .service_count = 3,
    .services =
        {
            {.name = "all busy, raw uv loop", .type = &way_raw_uv, .way_count = 1},
            {.name = "all busy, libuv callback",
             .against = "all busy, raw uv loop",
             .type = &way_uv_loop,
             .way_count = 1},
            {.name = "all busy, library's loop thread",
             .against = "all busy, raw uv loop",
             .type = &way_loop_thread,
             .way_count = 1},
        },
};

int main(int argc, char** argv) {
  size_t rounds = 60;
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

  struct bench_report r;
  bench_report_init(&r, "threads");
  calibrate();
  run(&two_pagers, rounds, &r);
  if (place_possible(PLACE_TWO_CORES)) {
    run(&two_pagers_placed, rounds, &r);
  }
  run(&busy_pager, rounds, &r);
  run(&busy_all, rounds, &r);
  bench_report_at_least(&r, 6, "2 faulting, 2 threads in zx_port_wait",
                        "2 faulting, 1 thread in zx_port_wait", 1);
  bench_report_at_least(&r, 6, "on 2 cores, 2 threads in zx_port_wait",
                        "on 2 cores, 1 thread in zx_port_wait", 1);
  /* Never worse than the same loop without placement; a twentieth is what two runs of one
   * differ. */
  bench_report_at_most(&r, 1, "100 us a fault, library's loop thread",
                       "100 us a fault, libuv callback", 1.05);
  bench_report_at_most(&r, 1, "all busy, library's loop thread", "all busy, libuv callback", 1.05);
  return bench_report_finish(&r, json);
}
