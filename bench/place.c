/* SPDX-License-Identifier: BSD-3-Clause */
#include "place.h"

#include <sched.h>

#include "way.h"

const char* const place_names[PLACES] = {
    [PLACE_ONE_CORE] = "one core",
    [PLACE_TWO_CORES] = "two cores",
    [PLACE_FREE] = "",
};

/* The cores that the program was started with. */
static const cpu_set_t* allowed(void) {
  static cpu_set_t set;
  static bool known;
  if (!known) {
    way_must(sched_getaffinity(0, sizeof set, &set) == 0, "sched_getaffinity");
    known = true;
  }
  return &set;
}

bool place_possible(enum place place) {
  return place != PLACE_TWO_CORES || CPU_COUNT(allowed()) > 1;
}

void place_on_core(int n) {
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, allowed()) && n-- == 0) {
      CPU_SET(cpu, &one);
    }
  }
  way_must(sched_setaffinity(0, sizeof one, &one) == 0, "sched_setaffinity");
}

static void stay(enum place place, int core) {
  if (place == PLACE_FREE) {
    way_must(sched_setaffinity(0, sizeof(cpu_set_t), allowed()) == 0, "sched_setaffinity");
  } else {
    place_on_core(place == PLACE_TWO_CORES ? core : 0);
  }
}

void place_answering(enum place place) { stay(place, 1); }

void place_touching(enum place place) { stay(place, 0); }
