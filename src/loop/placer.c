/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "base/assert.h"
#include "loop/place.h"

/* Batches that a way is tried for: enough for a median, few enough to stay below one in a
 * hundred. */
#define TRIAL 24
/* Batches before them that don't count: the threads move to where they will stay. */
#define SETTLE 12
/* Of a way that is held, the median is looked at this often. */
#define LOOK     ZXP_PLACER_SAMPLES
#define HOLD_MIN 8192
#define HOLD_MAX (1 << 18)
/* From one fault to the next; above that nobody is in a hurry. */
#define APART_NS 1000000
/* Another way than PLAIN has to be this much better to be chosen and kept. */
#define BETTER 0.85
/* PLAIN is thought over before its time if it takes this much longer than when it was tried. */
#define WORSE 2.0

_Static_assert(TRIAL <= ZXP_PLACER_SAMPLES, "room for a trial");

static void take_up(struct zxp_placer* p, enum zxp_place way) {
  p->way = way;
  p->batches = 0;
  p->count = 0;
}

static void start_trial(struct zxp_placer* p) {
  p->state = ZXP_PLACER_TRYING;
  take_up(p, ZXP_PLACE_PLAIN);
}

/* Of the samples so far, which are put in order. A pause of the program, or of the machine, does
 * not show in it. */
static double median(struct zxp_placer* p) {
  for (unsigned i = 1; i < p->count; i++) {
    const uint32_t s = p->samples[i];
    unsigned at = i;
    for (; at > 0 && p->samples[at - 1] > s; at--) {
      p->samples[at] = p->samples[at - 1];
    }
    p->samples[at] = s;
  }
  const unsigned middle = p->count / 2;
  return p->samples[middle];
}

void zxp_placer_init(struct zxp_placer* p, unsigned allowed) {
  memset(p, 0, sizeof *p);
  p->allowed = allowed | 1u << ZXP_PLACE_PLAIN;
  p->hold = HOLD_MIN;
  p->chosen = ZXP_PLACES;
  start_trial(p);
}

static enum zxp_place best_of(const struct zxp_placer* p) {
  enum zxp_place best = ZXP_PLACE_PLAIN;
  for (unsigned way = 0; way < ZXP_PLACES; way++) {
    const double limit = best == ZXP_PLACE_PLAIN ? BETTER * p->cost[best] : p->cost[best];
    if ((p->allowed >> way & 1) != 0 && p->cost[way] < limit) {
      best = (enum zxp_place)way;
    }
  }
  return best;
}

static void hold(struct zxp_placer* p, enum zxp_place way) {
  const uint64_t longer = p->hold * 2 < HOLD_MAX ? p->hold * 2 : HOLD_MAX;
  p->hold = way == p->chosen ? longer : HOLD_MIN;
  p->chosen = way;
  p->held = 0;
  p->state = ZXP_PLACER_HOLDING;
  take_up(p, way);
}

/* The way in use has had its trial: on to the next. */
static void tried(struct zxp_placer* p, double cost) {
  p->cost[p->way] = cost;
  for (unsigned way = p->way + 1; way < ZXP_PLACES; way++) {
    if ((p->allowed >> way & 1) != 0) {
      take_up(p, (enum zxp_place)way);
      return;
    }
  }
  hold(p, best_of(p));
}

enum zxp_place zxp_placer_note(struct zxp_placer* p, zx_time_t now, uint64_t faults, bool starved) {
  const zx_time_t took = now - p->last;
  const bool apart = p->last == 0 || took > APART_NS * (zx_time_t)faults;
  ZXP_DEBUG_ASSERT(faults > 0 && (p->allowed >> p->way & 1) != 0);
  p->last = now;
  if (p->allowed == 1u << ZXP_PLACE_PLAIN) {
    return p->way;
  }
  if (starved && p->way == ZXP_PLACE_TOGETHER) {
    /* It was to be fast, and something else wanted the core: whatever the mean, not now. */
    if (p->state == ZXP_PLACER_HOLDING) {
      p->chosen = ZXP_PLACES;
      p->hold = HOLD_MIN;
    }
    hold(p, ZXP_PLACE_PLAIN);
    return p->way;
  }
  if (apart) {
    return p->way;
  }
  p->batches++;
  if (p->state == ZXP_PLACER_HOLDING || p->batches > SETTLE) {
    p->samples[p->count++] = (uint32_t)(took / (zx_time_t)faults);
  }
  if (p->state == ZXP_PLACER_TRYING) {
    if (p->count == TRIAL) {
      tried(p, median(p));
    }
    return p->way;
  }
  p->held += faults;
  if (p->held >= p->hold) {
    start_trial(p);
  } else if (p->count == LOOK) {
    const double cost = median(p);
    const double limit = p->cost[ZXP_PLACE_PLAIN] * (p->way == ZXP_PLACE_PLAIN ? WORSE : BETTER);
    if (cost > limit) {
      start_trial(p);
    } else {
      take_up(p, p->way);
    }
  }
  return p->way;
}
