/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What benchmarks share: time, samples with percentiles, and a report as text and JSON.
 *
 *   bench_samples   how long something took, each time it was done
 *   bench_report    rows of one benchmark, each from the samples of one way to do it
 *
 * A number by itself says little on a machine that somebody else has: every benchmark measures a
 * hand-written way in the same run, in turns, and the report gives ratios, and says which machine
 * the numbers are from. docs/performance.md has the format of the JSON.
 *
 *   struct bench_report report;
 *   bench_report_init(&report, "fault");
 *   bench_report_add(&report, "raw loop", &raw, NULL);
 *   bench_report_add(&report, "library", &ours, "raw loop");
 *   bench_report_print(&report);
 *   bench_report_write_json(&report, path);
 */
#ifndef BENCH_BENCH_H_
#define BENCH_BENCH_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct bench_samples {
  uint64_t* nanoseconds;
  size_t count;
  size_t room;
};

#define BENCH_MAX_ROWS 24

struct bench_row {
  const char* name;
  const char* against; /* the row that it is compared with, or NULL */
  const char* unit;    /* "ns" or "bytes" */
  size_t samples;
  double min; /* of what always does the same, the least disturbed */
  double mean;
  double p50;
  double p99;
};

struct bench_report {
  const char* name;
  size_t row_count;
  struct bench_row rows[BENCH_MAX_ROWS];
};

static inline uint64_t bench_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Room for `room` samples; ends the program when there is no memory. */
void bench_samples_init(struct bench_samples* s, size_t room);
void bench_samples_free(struct bench_samples* s);

/* Samples beyond the room are dropped. */
static inline void bench_samples_add(struct bench_samples* s, uint64_t nanoseconds) {
  if (s->count < s->room) {
    s->nanoseconds[s->count++] = nanoseconds;
  }
}

/* The time of `count` operations as that of a thousand: one may take less than a nanosecond. */
static inline uint64_t bench_per_thousand(uint64_t nanoseconds, uint64_t count) {
  return nanoseconds * 1000 / count;
}

void bench_report_init(struct bench_report* r, const char* name);

/* Sorts the samples. The names are borrowed. */
void bench_report_add(struct bench_report* r, const char* name, struct bench_samples* samples,
                      const char* against);

/* A row of one number that is no time: what something takes of memory. */
void bench_report_add_bytes(struct bench_report* r, const char* name, double bytes);

void bench_report_print(const struct bench_report* r);

/* False, with a message, if the file could not be written. */
bool bench_report_write_json(const struct bench_report* r, const char* path);

#endif /* BENCH_BENCH_H_ */
