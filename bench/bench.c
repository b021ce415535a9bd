/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

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

static struct bench_row* new_row(struct bench_report* r) {
  if (r->row_count == BENCH_MAX_ROWS) {
    fprintf(stderr, "%s: more than %d rows\n", r->name, BENCH_MAX_ROWS);
    exit(1);
  }
  return &r->rows[r->row_count++];
}

void bench_report_add(struct bench_report* r, const char* name, struct bench_samples* samples,
                      const char* against) {
  qsort(samples->nanoseconds, samples->count, sizeof *samples->nanoseconds, compare);
  double sum = 0;
  for (size_t i = 0; i < samples->count; i++) {
    sum += (double)samples->nanoseconds[i];
  }
  *new_row(r) = (struct bench_row){
      .name = name,
      .against = against,
      .unit = "ns",
      .samples = samples->count,
      .min = percentile(samples, 0),
      .mean = samples->count == 0 ? 0 : sum / (double)samples->count,
      .p50 = percentile(samples, 50),
      .p99 = percentile(samples, 99),
  };
}

void bench_report_add_bytes(struct bench_report* r, const char* name, double bytes) {
  *new_row(r) = (struct bench_row){.name = name,
                                   .unit = "bytes",
                                   .samples = 1,
                                   .min = bytes,
                                   .mean = bytes,
                                   .p50 = bytes,
                                   .p99 = bytes};
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

/* ---- Where the numbers are from ---- */

struct machine {
  char cpu[128];
  long cpus;
  struct utsname system;
};

static struct machine look_at_machine(void) {
  struct machine machine = {.cpu = "an unknown processor", .cpus = sysconf(_SC_NPROCESSORS_ONLN)};
  char line[256];
  if (uname(&machine.system) != 0) {
    machine.system.release[0] = '\0';
  }
  FILE* f = fopen("/proc/cpuinfo", "r");
  while (f != NULL && fgets(line, sizeof line, f) != NULL) {
    const char* colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
      snprintf(machine.cpu, sizeof machine.cpu, "%s", colon + 1 + strspn(colon + 1, " "));
      machine.cpu[strcspn(machine.cpu, "\n\"\\")] = '\0'; /* what JSON would have to escape */
      break;
    }
  }
  if (f != NULL) {
    fclose(f);
  }
  return machine;
}

/* As the library, which the build gives the same options. */
static const char* build_kind(void) {
#if defined(__OPTIMIZE__) && defined(NDEBUG)
  return "optimized";
#elif defined(__OPTIMIZE__)
  return "optimized, with debug assertions";
#else
  return "not optimized";
#endif
}

/* ---- Output ---- */

static void print_number(double number, const char* unit) {
  if (strcmp(unit, "ns") == 0) {
    printf(" %11.3f", number / 1000);
  } else {
    printf(" %5.3f bytes", number);
  }
}

void bench_report_print(const struct bench_report* r) {
  const struct machine m = look_at_machine();
  int width = 0;
  for (size_t i = 0; i < r->row_count; i++) {
    const int length = (int)strlen(r->rows[i].name);
    width = length > width ? length : width;
  }
  printf("%s, on %ld x %s, Linux %s; %s\n", r->name, m.cpus, m.cpu, m.system.release, build_kind());
  printf("  %-*s %9s %11s %11s %11s %11s\n", width, "", "samples", "min us", "mean us", "p50 us",
         "p99 us");
  for (size_t i = 0; i < r->row_count; i++) {
    const struct bench_row* row = &r->rows[i];
    printf("  %-*s %9zu", width, row->name, row->samples);
    print_number(row->min, row->unit);
    if (strcmp(row->unit, "ns") == 0) {
      print_number(row->mean, row->unit);
      print_number(row->p50, row->unit);
      print_number(row->p99, row->unit);
    }
    printf("\n");
  }
  for (size_t i = 0; i < r->row_count; i++) {
    const struct bench_row* row = &r->rows[i];
    const struct bench_row* base = find_row(r, row->against);
    if (base != NULL) {
      printf("  %s / %s: min %.2f, mean %.2f, p50 %.2f, p99 %.2f\n", row->name, base->name,
             ratio(row->min, base->min), ratio(row->mean, base->mean), ratio(row->p50, base->p50),
             ratio(row->p99, base->p99));
    }
  }
}

/* Names are literals of the programs here: nothing in them needs escaping. */
static void write_text(FILE* f, const char* key, const char* text) {
  fprintf(f, "\"%s\": \"%s\", ", key, text);
}

static void write_numbers(FILE* f, const char* prefix, double min, double mean, double p50,
                          double p99) {
  fprintf(f, "\"%smin\": %.3f, \"%smean\": %.3f, ", prefix, min, prefix, mean);
  fprintf(f, "\"%sp50\": %.3f, \"%sp99\": %.3f", prefix, p50, prefix, p99);
}

static void write_row(FILE* f, const struct bench_row* row, const struct bench_row* base) {
  fprintf(f, "{");
  write_text(f, "name", row->name);
  write_text(f, "unit", row->unit);
  fprintf(f, "\"samples\": %zu, ", row->samples);
  write_numbers(f, "", row->min, row->mean, row->p50, row->p99);
  if (base != NULL) {
    fprintf(f, ", ");
    write_text(f, "against", base->name);
    write_numbers(f, "ratio_", ratio(row->min, base->min), ratio(row->mean, base->mean),
                  ratio(row->p50, base->p50), ratio(row->p99, base->p99));
  }
  fprintf(f, "}");
}

bool bench_report_write_json(const struct bench_report* r, const char* path) {
  FILE* f = fopen(path, "w");
  if (f == NULL) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return false;
  }
  const struct machine m = look_at_machine();
  fprintf(f, "{");
  write_text(f, "benchmark", r->name);
  fprintf(f, "\"machine\": {");
  write_text(f, "cpu", m.cpu);
  write_text(f, "kernel", m.system.release);
  write_text(f, "build", build_kind());
  fprintf(f, "\"cpus\": %ld}, \"rows\": [", m.cpus);
  for (size_t i = 0; i < r->row_count; i++) {
    fprintf(f, "%s\n  ", i == 0 ? "" : ",");
    write_row(f, &r->rows[i], find_row(r, r->rows[i].against));
  }
  fprintf(f, "\n]}\n");
  const bool failed = ferror(f) != 0;
  if (fclose(f) != 0 || failed) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return false;
  }
  return true;
}
