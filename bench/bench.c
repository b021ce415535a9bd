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

void bench_report_per_page(struct bench_report* r, size_t pages) {
  if (r->row_count > 0) {
    r->rows[r->row_count - 1].pages = pages;
  }
}

static void add_number(struct bench_report* r, const char* name, double number, const char* unit) {
  *new_row(r) = (struct bench_row){.name = name,
                                   .unit = unit,
                                   .samples = 1,
                                   .min = number,
                                   .mean = number,
                                   .p50 = number,
                                   .p99 = number};
}

void bench_report_add_bytes(struct bench_report* r, const char* name, double bytes) {
  add_number(r, name, bytes, "bytes");
}

void bench_report_add_calls(struct bench_report* r, const char* name, double calls) {
  add_number(r, name, calls, "calls");
}

static void add_bar(struct bench_report* r, int item, enum bench_bar_kind kind, const char* row,
                    const char* against, double limit) {
  if (r->bar_count == BENCH_MAX_BARS) {
    fprintf(stderr, "%s: more than %d bars\n", r->name, BENCH_MAX_BARS);
    exit(1);
  }
  r->bars[r->bar_count++] = (struct bench_bar){
      .item = item, .kind = kind, .row = row, .against = against, .limit = limit};
}

void bench_report_at_most(struct bench_report* r, int item, const char* row, const char* against,
                          double limit) {
  add_bar(r, item, BENCH_AT_MOST, row, against, limit);
}

void bench_report_at_least(struct bench_report* r, int item, const char* row, const char* against,
                           double limit) {
  add_bar(r, item, BENCH_AT_LEAST, row, against, limit);
}

void bench_report_at_most_more(struct bench_report* r, int item, const char* row,
                               const char* against, double limit) {
  add_bar(r, item, BENCH_AT_MOST_MORE, row, against, limit);
}

void bench_report_bar_of_mean(struct bench_report* r) {
  if (r->bar_count > 0) {
    r->bars[r->bar_count - 1].of_mean = true;
  }
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

/* ---- Bars ---- */

/* A bar held against what was measured. */
struct verdict {
  bool measured; /* else a row is missing: a peer that is not to be had here */
  bool met;
  double figure; /* what the bar is about */
  double mean;
  double p50;
  double p99;
  char text[32];
};

/* Rounded to what is printed, which is what is judged: 1.004 is at most 1.00. */
static double figure_of(enum bench_bar_kind kind, double row, double against) {
  double figure = 0;
  switch (kind) {
    case BENCH_AT_MOST:
      figure = ratio(row, against);
      break;
    case BENCH_AT_LEAST:
      figure = ratio(against, row);
      break;
    case BENCH_AT_MOST_MORE:
      figure = row - against;
      break;
  }
  const long long hundredths = (long long)(figure * 100 + (figure < 0 ? -0.5 : 0.5));
  return (double)hundredths / 100;
}

static struct verdict judge(const struct bench_report* r, const struct bench_bar* bar) {
  struct verdict v = {.measured = false};
  const struct bench_row* row = find_row(r, bar->row);
  const struct bench_row* against = find_row(r, bar->against);
  const char* direction = bar->kind == BENCH_AT_LEAST ? "at least" : "at most";
  if (bar->kind == BENCH_AT_MOST_MORE) {
    snprintf(v.text, sizeof v.text, "%s %.0f more", direction, bar->limit);
  } else {
    snprintf(v.text, sizeof v.text, "%s %.2f", direction, bar->limit);
  }
  if (row != NULL && against != NULL) {
    const double hair = 1e-6; /* 1.15 is not a number of the processor's */
    v.measured = true;
    v.mean = figure_of(bar->kind, row->mean, against->mean);
    v.p50 = figure_of(bar->kind, row->p50, against->p50);
    v.p99 = figure_of(bar->kind, row->p99, against->p99);
    v.figure = bar->of_mean ? v.mean : v.p50;
    v.met =
        bar->kind == BENCH_AT_LEAST ? v.figure > bar->limit - hair : v.figure < bar->limit + hair;
  }
  return v;
}

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
    printf(" %5.3f %s", number, unit);
  }
}

static void print_bars(const struct bench_report* r) {
  for (size_t i = 0; i < r->bar_count; i++) {
    const struct bench_bar* bar = &r->bars[i];
    const struct verdict v = judge(r, bar);
    printf("  bar %d: %s %s %s: ", bar->item, bar->row, bar->kind == BENCH_AT_MOST_MORE ? "-" : "/",
           bar->against);
    if (v.measured) {
      printf("%.2f%s (%s %.2f, p99 %.2f), %s: %s\n", v.figure, bar->of_mean ? " of the mean" : "",
             bar->of_mean ? "p50" : "mean", bar->of_mean ? v.p50 : v.mean, v.p99, v.text,
             v.met ? "met" : "MISSED");
    } else {
      printf("%s: not measured\n", v.text);
    }
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
    if (row->pages > 0) {
      printf("   %.3f a page", row->p50 / 1000 / (double)row->pages);
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
  print_bars(r);
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
  if (row->pages > 0) {
    fprintf(f, ", \"pages\": %zu, \"p50_per_page\": %.3f", row->pages,
            row->p50 / (double)row->pages);
  }
  if (base != NULL) {
    fprintf(f, ", ");
    write_text(f, "against", base->name);
    write_numbers(f, "ratio_", ratio(row->min, base->min), ratio(row->mean, base->mean),
                  ratio(row->p50, base->p50), ratio(row->p99, base->p99));
  }
  fprintf(f, "}");
}

static void write_bar(FILE* f, const struct bench_report* r, const struct bench_bar* bar) {
  const struct verdict v = judge(r, bar);
  fprintf(f, "{\"item\": %d, ", bar->item);
  write_text(f, "row", bar->row);
  write_text(f, "against", bar->against);
  write_text(f, "bar", v.text);
  if (v.measured) {
    fprintf(f, "\"of\": \"%s\", \"figure\": %.2f, ", bar->of_mean ? "mean" : "p50", v.figure);
    fprintf(f, "\"mean\": %.2f, \"p50\": %.2f, \"p99\": %.2f, \"met\": %s}", v.mean, v.p50, v.p99,
            v.met ? "true" : "false");
  } else {
    fprintf(f, "\"met\": null}");
  }
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
  fprintf(f, "\n], \"bars\": [");
  for (size_t i = 0; i < r->bar_count; i++) {
    fprintf(f, "%s\n  ", i == 0 ? "" : ",");
    write_bar(f, r, &r->bars[i]);
  }
  fprintf(f, "\n]}\n");
  const bool failed = ferror(f) != 0;
  if (fclose(f) != 0 || failed) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return false;
  }
  return true;
}

int bench_report_finish(const struct bench_report* r, const char* json) {
  bench_report_print(r);
  return json == NULL || bench_report_write_json(r, json) ? 0 : 1;
}

/* ---- Command lines ---- */

static bool take_value(const struct bench_option* option, const char* value) {
  if (option->text != NULL) {
    *option->text = value;
    return true;
  }
  char* end;
  errno = 0;
  const unsigned long long number = strtoull(value, &end, 10);
  if (errno != 0 || *end != '\0' || number == 0 || number > SIZE_MAX / 4096 || value[0] == '-') {
    fprintf(stderr, "%s %s: not a number from 1 on\n", option->name, value);
    return false;
  }
  *option->number = (size_t)number;
  return true;
}

bool bench_parse(int argc, char** argv, const struct bench_option* options, size_t count) {
  for (int i = 1; i < argc; i += 2) {
    size_t o = 0;
    while (o < count && strcmp(options[o].name, argv[i]) != 0) {
      o++;
    }
    if (o == count || i + 1 == argc) {
      fprintf(stderr, "usage: %s", argv[0]);
      for (size_t j = 0; j < count; j++) {
        fprintf(stderr, " [%s %s]", options[j].name, options[j].number != NULL ? "N" : "TEXT");
      }
      fprintf(stderr, "\n");
      return false;
    }
    if (!take_value(&options[o], argv[i + 1])) {
      return false;
    }
  }
  return true;
}
