/* SPDX-License-Identifier: BSD-3-Clause */
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "count_calls.h"

#define MAX_COUNTERS 32

/* The counters of one thread: one for each call that has a name, and last one for all calls. */
struct counters {
  int fds[MAX_COUNTERS];
  unsigned long long at_begin[MAX_COUNTERS];
};

/* Static, as the answering thread gets no argument to find them by. */
static struct counters answering;
static struct counters touching;

/* The number of the tracepoint where system calls begin, or -1. */
static long tracepoint(void) {
  static const char* const places[] = {
      "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id",
      "/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter/id",
  };
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    char text[32] = "";
    FILE* f = fopen(places[i], "re");
    if (f == NULL) {
      continue;
    }
    const bool got = fgets(text, sizeof text, f) != NULL;
    fclose(f);
    if (got) {
      return strtol(text, NULL, 10);
    }
  }
  return -1;
}

/* Counts calls of the calling thread: those with this number, or all. */
static int open_counter(long number) {
  struct perf_event_attr attr = {
      .type = PERF_TYPE_TRACEPOINT,
      .size = sizeof attr,
      .config = (unsigned long long)tracepoint(),
  };
  const int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  char filter[32];
  snprintf(filter, sizeof filter, "id == %ld", number);
  if (fd >= 0 && number >= 0 && ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

bool count_perf_possible(void) {
  const int fd = tracepoint() < 0 ? -1 : open_counter(0);
  if (fd >= 0) {
    close(fd);
  }
  return fd >= 0 && count_name_count < MAX_COUNTERS;
}

static void open_counters(struct counters* c) {
  for (size_t i = 0; i <= count_name_count; i++) {
    c->fds[i] = open_counter(i < count_name_count ? count_names[i].number : -1);
    way_must(c->fds[i] >= 0, "perf_event_open");
  }
}

static void open_answering(void) { open_counters(&answering); }

static unsigned long long value_of(int fd) {
  unsigned long long value = 0;
  way_must(read(fd, &value, sizeof value) == (ssize_t)sizeof value, "a counter");
  return value;
}

static void begin(struct counters* c) {
  for (size_t i = 0; i <= count_name_count; i++) {
    c->at_begin[i] = value_of(c->fds[i]);
  }
}

/* `own`: the calling thread's. From when a counter was read to when it is read again, it has seen
 * one read of each, which are no part of the way. */
static void end(struct counters* c, bool own, struct call_counts* counts, enum count_role role) {
  const unsigned long long reads = own ? count_name_count + 1 : 0;
  unsigned long long calls[MAX_COUNTERS];
  unsigned long long named = 0;
  for (size_t i = 0; i <= count_name_count; i++) {
    calls[i] = value_of(c->fds[i]) - c->at_begin[i];
  }
  for (size_t i = 0; i < count_name_count; i++) {
    calls[i] -= count_names[i].number == SYS_read ? reads : 0;
    counts->calls[role][count_names[i].number] = calls[i];
    named += calls[i];
  }
  counts->unnamed[role] = calls[count_name_count] - reads - named;
  for (size_t i = 0; i <= count_name_count; i++) {
    close(c->fds[i]);
  }
}

bool count_by_perf(const struct way_type* type, size_t pages, struct call_counts* counts) {
  struct bench_samples ignored;
  const struct way_setup setup = {.pages = pages, .before = open_answering};
  struct way* way = way_start(type, &setup);
  if (way == NULL) {
    return false;
  }
  open_counters(&touching);
  bench_samples_init(&ignored, 2 * pages);
  way_touch(way_begin(way, 0), pages, 1, &ignored);
  way_end(way, 0);
  const unsigned char* memory = way_begin(way, 0);
  begin(&answering);
  begin(&touching);
  way_touch(memory, pages, 1, &ignored);
  end(&touching, true, counts, COUNT_TOUCHES);
  end(&answering, false, counts, COUNT_ANSWERS);
  way_end(way, 0);
  way_stop(way);
  bench_samples_free(&ignored);
  return true;
}
