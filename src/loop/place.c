/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop/place.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/quick_lock.h"
#include "loop/loop.h"

/* Rounds before the loop looks after its other handles: a fraction of a millisecond. */
#define ROUNDS 16
/* TOGETHER: faults from one look where the other thread is to the next. A look takes as long as a
 * fault or two, and a fault that was not there yet as long as several. */
#define FOLLOW_EVERY 4

_Thread_local struct zxp_loop_place* zxp_loop_place_here;

/* The ways that this process and this machine allow. */
static unsigned allowed(void) {
  const char* asked = getenv("ZXPAGER_PLACEMENT");
  cpu_set_t cores;
  if ((asked != NULL && strcmp(asked, "scheduler") == 0) ||
      sched_getaffinity(0, sizeof cores, &cores) != 0 || CPU_COUNT(&cores) < 2) {
    return 1u << ZXP_PLACE_PLAIN;
  }
  return 1u << ZXP_PLACE_PLAIN |
         1u << (zxp_handoff_possible() ? ZXP_PLACE_TOGETHER : ZXP_PLACE_SPIN);
}

void zxp_loop_place_enter(struct zxp_loop_place* place) {
  const unsigned ways = allowed();
  if (ways == 1u << ZXP_PLACE_PLAIN) {
    return;
  }
  memset(place, 0, sizeof *place);
  zxp_placer_init(&place->placer, ways);
  zxp_handoff_enter(&place->handoff);
  zxp_loop_place_here = place;
}

void zxp_loop_place_leave(struct zxp_loop_place* place) {
  if (zxp_loop_place_here == place) {
    zxp_handoff_leave(&place->handoff);
    zxp_loop_place_here = NULL;
  }
}

void zxp_loop_place_served(struct zxp_loop_place* place, struct zxp_loop_pager* pager) {
  const uint64_t faults = place->handoff.faults - place->seen;
  place->pager = pager;
  if (faults == 0) {
    return;
  }
  place->seen = place->handoff.faults;
  const bool starved =
      atomic_exchange_explicit(&place->handoff.starved, false, memory_order_relaxed);
  const enum zxp_place before = place->placer.way;
  const enum zxp_place way = zxp_placer_note(&place->placer, zxp_clock_now(), faults, starved);
  if (way != before) {
    zxp_handoff_set(&place->handoff, way == ZXP_PLACE_TOGETHER);
    const double* cost = place->placer.cost;
    ZXP_LOG(ZXP_TOPIC_LOOP, 3, "placement: way %d after %d; ns a fault: %.0f %.0f %.0f%s", (int)way,
            (int)before, cost[ZXP_PLACE_PLAIN], cost[ZXP_PLACE_TOGETHER], cost[ZXP_PLACE_SPIN],
            starved ? "; starved" : "");
  }
}

void zxp_loop_place_forget(struct zxp_loop_place* place, const struct zxp_loop_pager* pager) {
  if (place->pager == pager) {
    place->pager = NULL;
  }
}

/* Nothing was waiting: perhaps the thread that was answered runs elsewhere. */
static void missed(struct zxp_loop_place* place) {
  if (place->seen - place->followed >= FOLLOW_EVERY) {
    place->followed = place->seen;
    zxp_handoff_follow(&place->handoff);
  }
}

bool zxp_loop_place_serve(struct zxp_loop_place* place) {
  for (int round = 0; round < ROUNDS; round++) {
    const enum zxp_place way = place->placer.way;
    if (way == ZXP_PLACE_PLAIN || place->pager == NULL) {
      return false;
    }
    bool found = zxp_loop_pager_serve(place->pager);
    if (!found && way == ZXP_PLACE_SPIN) {
      const zx_time_t until = zxp_clock_now() + ZXP_PLACE_SPIN_NS;
      while (!found && zxp_clock_now() < until && place->pager != NULL) {
        zxp_cpu_relax();
        found = zxp_loop_pager_serve(place->pager);
      }
    }
    if (!found) {
      if (way == ZXP_PLACE_TOGETHER) {
        missed(place);
      }
      return false;
    }
  }
  return true;
}
