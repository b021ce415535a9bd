/* SPDX-License-Identifier: BSD-3-Clause */
#include "leaks.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scenario.h"

#if UNDER_ASAN
#include <sanitizer/lsan_interface.h>
#endif

static size_t count_entries(const char* path) {
  DIR* directory = opendir(path);
  if (directory == NULL) check_fail("cannot open %s", path);
  size_t n = 0;
  for (const struct dirent* entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
    n += entry->d_name[0] != '.';
  }
  closedir(directory);
  return n;
}

size_t leaks_count_descriptors(void) {
  return count_entries("/proc/self/fd") - 1; /* the descriptor that looks */
}

size_t leaks_count_threads(void) { return count_entries("/proc/self/task"); }

size_t leaks_count_areas(uint64_t base, uint64_t size) {
  FILE* maps = fopen("/proc/self/maps", "re");
  if (maps == NULL) check_fail("cannot open /proc/self/maps");
  size_t n = 0;
  char line[512];
  while (fgets(line, sizeof(line), maps) != NULL) {
    uint64_t start = 0;
    uint64_t end = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) != 2) continue;
    n += size == 0 || (start >= base && start - base < size);
  }
  fclose(maps);
  return n;
}

static void list_descriptors(FILE* out) {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == NULL) return;
  for (const struct dirent* entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
    char path[300];
    char target[256];
    snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
    const ssize_t n = readlink(path, target, sizeof(target) - 1);
    if (n <= 0) continue;
    target[n] = '\0';
    fprintf(out, "  %s -> %s\n", entry->d_name, target);
  }
  closedir(directory);
}

static struct leaks_baseline counts_now(const struct leaks_baseline* like) {
  return (struct leaks_baseline){
      .descriptors = leaks_count_descriptors(),
      .threads = leaks_count_threads(),
      .areas = leaks_count_areas(like->window_base, like->window_size),
  };
}

void leaks_take_baseline(struct leaks_baseline* baseline, uint64_t window_base,
                         uint64_t window_size) {
  *baseline = (struct leaks_baseline){.window_base = window_base, .window_size = window_size};
  const struct leaks_baseline now = counts_now(baseline);
  baseline->descriptors = now.descriptors;
  baseline->threads = now.threads;
  baseline->areas = now.areas;
}

void leaks_check(const struct leaks_baseline* baseline) {
  const struct limit limit = limit_in(EVENT_LIMIT);
  for (;;) {
    const struct leaks_baseline now = counts_now(baseline);
    if (now.descriptors <= baseline->descriptors && now.threads <= baseline->threads &&
        now.areas <= baseline->areas) {
      break;
    }
    if (!limit_passed(&limit)) continue;
    list_descriptors(stderr);
    check_fail(
        "left behind: descriptors %zu (were %zu), threads %zu (were %zu), areas %zu (were %zu)",
        now.descriptors, baseline->descriptors, now.threads, baseline->threads, now.areas,
        baseline->areas);
  }
#if UNDER_ASAN
  if (__lsan_do_recoverable_leak_check() != 0) check_fail("memory was leaked");
#endif
}
