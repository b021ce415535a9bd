/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bench_samples_init(struct bench_samples* s, size_t room) {
  s->nanoseconds = malloc(room * sizeof *s->nanoseconds);
  if (s->nanoseconds == NULL) {
    fprintf(stderr, "out of memory\n");
    exit(1);
  }
  s->count = 0;
  s->room = room;
}

void bench_samples_free(struct bench_samples* s) {
  free(s->nanoseconds);
  s->nanoseconds = NULL;
}

static int compare(const void* a, const void* b) {
  const uint64_t x = *(const uint64_t*)a;
  const uint64_t y = *(const uint64_t*)b;
  return (x > y) - (x < y);
}

static double percentile(const struct bench_samples* s, double percent) {
  const size_t at = (size_t)((double)s->count * percent / 100);
  return s->count == 0 ? 0 : (double)s->nanoseconds[at < s->count ? at : s->count - 1];
}

void bench_report_init(struct bench_report* r, const char* name) {
  memset(r, 0, sizeof *r);
  r->name = name;
}

void bench_report_add(struct bench_report* r, const char* name, struct bench_samples* samples,
                      const char* against) {
  if (r->row_count == BENCH_MAX_ROWS) {
    return;
  }
  qsort(samples->nanoseconds, samples->count, sizeof *samples->nanoseconds, compare);
  double sum = 0;
  for (size_t i = 0; i < samples->count; i++) {
    sum += (double)samples->nanoseconds[i];
  }
  r->rows[r->row_count++] = (struct bench_row){
      .name = name,
      .against = against,
      .samples = samples->count,
      .mean = samples->count == 0 ? 0 : sum / (double)samples->count,
      .p50 = percentile(samples, 50),
      .p99 = percentile(samples, 99),
  };
}

static const struct bench_row* find_row(const struct bench_report* r, const char* name) {
  for (size_t i = 0; name != NULL && i < r->row_count; i++) {
    if (strcmp(r->rows[i].name, name) == 0) {
      return &r->rows[i];
    }
  }
  return NULL;
}

static double ratio(double a, double b) { return b > 0 ? a / b : 0; }

void bench_report_print(const struct bench_report* r) {
  printf("%s\n  %-28s %9s %11s %11s %11s\n", r->name, "", "samples", "mean us", "p50 us", "p99 us");
  for (size_t i = 0; i < r->row_count; i++) {
    const struct bench_row* row = &r->rows[i];
    printf("  %-28s %9zu %11.2f %11.2f %11.2f\n", row->name, row->samples, row->mean / 1000,
           row->p50 / 1000, row->p99 / 1000);
  }
  for (size_t i = 0; i < r->row_count; i++) {
    const struct bench_row* row = &r->rows[i];
    const struct bench_row* base = find_row(r, row->against);
    if (base != NULL) {
      printf("  %s / %s: mean %.2f, p50 %.2f, p99 %.2f\n", row->name, base->name,
             ratio(row->mean, base->mean), ratio(row->p50, base->p50), ratio(row->p99, base->p99));
    }
  }
}

bool bench_report_write_json(const struct bench_report* r, const char* path) {
  FILE* f = fopen(path, "w");
  if (f == NULL) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return false;
  }
  /* Names are literals of the programs here: nothing in them needs escaping. */
  fprintf(f, "{\"benchmark\": \"%s\", \"unit\": \"ns\", \"rows\": [", r->name);
  for (size_t i = 0; i < r->row_count; i++) {
    const struct bench_row* row = &r->rows[i];
    const struct bench_row* base = find_row(r, row->against);
    fprintf(
        f,
        "%s\n  {\"name\": \"%s\", \"samples\": %zu, \"mean\": %.1f, \"p50\": %.1f, \"p99\": %.1f",
        i == 0 ? "" : ",", row->name, row->samples, row->mean, row->p50, row->p99);
    if (base != NULL) {
      fprintf(
          f,
          ", \"against\": \"%s\", \"ratio_mean\": %.3f, \"ratio_p50\": %.3f, \"ratio_p99\": %.3f",
          base->name, ratio(row->mean, base->mean), ratio(row->p50, base->p50),
          ratio(row->p99, base->p99));
    }
    fprintf(f, "}");
  }
  fprintf(f, "\n]}\n");
  const bool failed = ferror(f) != 0;
  if (fclose(f) != 0 || failed) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return false;
  }
  return true;
}
