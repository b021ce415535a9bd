/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What benchmarks share: time, samples with percentiles, and a report as text and JSON.
 *
 *   bench_samples   how long something took, each time it was done
 *   bench_report    rows of one benchmark, each from the samples of one way to do it
 *   bench_bar       what the ratio of two rows is expected to be
 *
 * A number by itself says little on a machine that somebody else has: every benchmark measures a
 * hand-written way in the same run, in turns, and the report gives ratios, and says which machine
 * the numbers are from. docs/performance.md has the format of the JSON.
 *
 *   struct bench_report report;
 *   bench_report_init(&report, "fault");
 *   bench_report_add(&report, "raw loop", &raw, NULL);
 *   bench_report_add(&report, "library", &ours, "raw loop");
 *   bench_report_at_most(&report, 1, "library", "raw loop", 1.15);
 *   return bench_report_finish(&report, path);
 *
 * A bar that is missed is marked as such in what is printed and in the JSON, and nothing more comes
 * of it: a benchmark is no test, and the machine may have been busy.
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

#define BENCH_MAX_ROWS 32
#define BENCH_MAX_BARS 24

struct bench_row {
  const char* name;
  const char* against; /* the row that it is compared with, or NULL */
  const char* unit;    /* "ns", "bytes" or "calls" */
  size_t samples;
  size_t pages; /* of one sample, if a time by page says more; else 0 */
  double min;   /* of what always does the same, the least disturbed */
  double mean;
  double p50;
  double p99;
};

enum bench_bar_kind {
  BENCH_AT_MOST,      /* row / against */
  BENCH_AT_LEAST,     /* the inverse: how many times as fast as `against` */
  BENCH_AT_MOST_MORE, /* row - against */
};

/* Held against two rows: their p50 or, where a row is sometimes one thing and sometimes another, so
 * that the p50 jumps, their mean. */
struct bench_bar {
  int item; /* of the list of bars in docs/performance.md */
  bool of_mean;
  enum bench_bar_kind kind;
  const char* row;
  const char* against;
  double limit;
};

struct bench_report {
  const char* name;
  size_t row_count;
  struct bench_row rows[BENCH_MAX_ROWS];
  size_t bar_count;
  struct bench_bar bars[BENCH_MAX_BARS];
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

/* Has the time a page printed for the row added last, whose samples are of `pages` pages each. */
void bench_report_per_page(struct bench_report* r, size_t pages);

/* A row of one number that is no time: what something takes of memory, or how many system calls. */
void bench_report_add_bytes(struct bench_report* r, const char* name, double bytes);
void bench_report_add_calls(struct bench_report* r, const char* name, double calls);

/* The time of `row` is at most `limit` times that of `against`. */
void bench_report_at_most(struct bench_report* r, int item, const char* row, const char* against,
                          double limit);
/* `row` does at least `limit` times as much in the same time as `against`. */
void bench_report_at_least(struct bench_report* r, int item, const char* row, const char* against,
                           double limit);
/* `row` is at most `limit` more than `against`. */
void bench_report_at_most_more(struct bench_report* r, int item, const char* row,
                               const char* against, double limit);

/* The bar added last is about the mean. */
void bench_report_bar_of_mean(struct bench_report* r);

void bench_report_print(const struct bench_report* r);

/* False, with a message, if the file could not be written. */
bool bench_report_write_json(const struct bench_report* r, const char* path);

/* Prints, writes the JSON if there is a path, and gives the status to end with. */
int bench_report_finish(const struct bench_report* r, const char* json);

/* ---- Command lines: "--name value", each at most once ---- */

struct bench_option {
  const char* name; /* with its dashes */
  size_t* number;   /* where a number from 1 on goes, or NULL */
  const char** text;
};

/* False, with a list of what there is, if something is not understood. */
bool bench_parse(int argc, char** argv, const struct bench_option* options, size_t count);

#endif /* BENCH_BENCH_H_ */
