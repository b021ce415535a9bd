/* SPDX-License-Identifier: BSD-3-Clause */
#include "object/clock.h"

#include <stdlib.h>

#include "base/clock.h"

#define PPM 1000000

#define OPTIONS_ALL \
  (ZX_CLOCK_OPT_MONOTONIC | ZX_CLOCK_OPT_CONTINUOUS | ZX_CLOCK_OPT_AUTO_START | ZX_CLOCK_OPT_BOOT)

/* (C) constant  (O) object.lock */
struct clock {
  struct zxp_object object;
  uint64_t options;                  /* (C) */
  zx_time_t backstop;                /* (C) */
  bool started;                      /* (O) */
  zx_clock_transformation_t current; /* (O) */
  int32_t rate_adjust;               /* (O) parts per million */
  uint64_t error_bound;              /* (O) */
  zx_ticks_t value_updated;          /* (O) reference times of the last updates, 0 before */
  zx_ticks_t rate_updated;           /* (O) */
  zx_ticks_t error_updated;          /* (O) */
  uint32_t generation;               /* (O) number of updates */
};

static struct clock* clock_of(struct zxp_object* object) {
  return ZXP_CONTAINER_OF(object, struct clock, object);
}

static zx_time_t reference_now(const struct clock* clock) {
  return (clock->options & ZX_CLOCK_OPT_BOOT) != 0 ? zxp_clock_boot_now() : zxp_clock_now();
}

__extension__ typedef __int128 wide;

/* Rounds down, and stays at the ends of the range instead of wrapping round. */
static zx_time_t apply(const zx_clock_transformation_t* t, zx_time_t reference) {
  const wide product = ((wide)reference - t->reference_offset) * t->rate.synthetic_ticks;
  wide scaled = product / t->rate.reference_ticks;
  scaled -= product % t->rate.reference_ticks < 0;
  const wide synthetic = scaled + t->synthetic_offset;
  return synthetic > INT64_MAX   ? INT64_MAX
         : synthetic < INT64_MIN ? INT64_MIN
                                 : (zx_time_t)synthetic;
}

static void clock_destroy(struct zxp_object* object) {
  zxp_object_fini(object);
  free(clock_of(object));
}

static const struct zxp_object_ops clock_ops = {
    .type = ZX_OBJ_TYPE_CLOCK,
    .name = "clock",
    .user_signals = ZX_USER_SIGNAL_ALL,
    .waitable = true,
    .destroy = clock_destroy,
};

zx_status_t zxp_clock_create(uint64_t options, zx_time_t backstop, struct zxp_object** out) {
  const bool auto_start = (options & ZX_CLOCK_OPT_AUTO_START) != 0;
  if ((options & ~OPTIONS_ALL) != 0 || backstop < 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  if ((options & ZX_CLOCK_OPT_CONTINUOUS) != 0 && (options & ZX_CLOCK_OPT_MONOTONIC) == 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct clock* clock = calloc(1, sizeof *clock);
  if (clock == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  clock->options = options;
  clock->backstop = backstop;
  if (auto_start && backstop > reference_now(clock)) {
    free(clock);
    return ZX_ERR_INVALID_ARGS;
  }
  clock->started = auto_start;
  if (auto_start) {
    clock->current.rate = (zx_clock_rate_t){.synthetic_ticks = 1, .reference_ticks = 1};
  } else {
    clock->current.synthetic_offset = backstop;
    clock->current.rate = (zx_clock_rate_t){.synthetic_ticks = 0, .reference_ticks = 1};
  }
  clock->error_bound = ZX_CLOCK_UNKNOWN_ERROR;
  zxp_object_init(&clock->object, &clock_ops, auto_start ? ZX_CLOCK_STARTED : 0);
  *out = &clock->object;
  return ZX_OK;
}

zx_time_t zxp_clock_read(struct zxp_object* object) {
  struct clock* clock = clock_of(object);
  zxp_mutex_lock(&object->lock);
  const zx_time_t now = apply(&clock->current, reference_now(clock));
  zxp_mutex_unlock(&object->lock);
  return now;
}

void zxp_clock_get_details(struct zxp_object* object, zx_clock_details_v1_t* out) {
  const struct clock* clock = clock_of(object);
  zxp_mutex_lock(&object->lock);
  *out = (zx_clock_details_v1_t){
      .options = clock->options,
      .backstop_time = clock->backstop,
      .reference_ticks_to_synthetic = clock->current, /* a tick is a nanosecond */
      .reference_to_synthetic = clock->current,
      .error_bound = clock->error_bound,
      .query_ticks = reference_now(clock),
      .last_value_update_ticks = clock->value_updated,
      .last_rate_adjust_update_ticks = clock->rate_updated,
      .last_error_bounds_update_ticks = clock->error_updated,
      .generation_counter = clock->generation,
  };
  zxp_mutex_unlock(&object->lock);
}

/* What an update asks for, as a set of questions. */
struct change {
  bool value;
  bool rate;
  bool error;
  bool at_reference; /* the caller says for which reference time */
};

/* The rules that do not depend on what the clock shows. */
static zx_status_t check_rules_locked(const struct clock* clock, const struct change* change,
                                      int version) {
  if (!clock->started) {
    return change->value ? ZX_OK : ZX_ERR_BAD_STATE;
  }
  if ((clock->options & ZX_CLOCK_OPT_CONTINUOUS) != 0 && change->value) {
    return ZX_ERR_INVALID_ARGS;
  }
  if ((clock->options & ZX_CLOCK_OPT_MONOTONIC) != 0 && version > 1) {
    if (change->value && !change->at_reference) {
      return ZX_ERR_INVALID_ARGS;
    }
    if (change->rate && (change->value || change->at_reference)) {
      return ZX_ERR_INVALID_ARGS;
    }
  }
  return ZX_OK;
}

/* The transformation after the update. */
static zx_clock_transformation_t transform_locked(const struct clock* clock,
                                                  const struct change* change,
                                                  const zx_clock_update_args_v2_t* args,
                                                  zx_time_t now) {
  zx_clock_transformation_t t = clock->current;
  if (!change->value && !change->rate) {
    return t;
  }
  /* The same rate from now on is the same line; another anchor would only add a rounding error. */
  if (!change->value && !change->at_reference && args->rate_adjust == clock->rate_adjust) {
    return t;
  }
  t.reference_offset = change->at_reference ? args->reference_value : now;
  t.synthetic_offset =
      change->value ? args->synthetic_value : apply(&clock->current, t.reference_offset);
  if (change->rate) {
    t.rate.synthetic_ticks = (uint32_t)(PPM + args->rate_adjust);
    t.rate.reference_ticks = PPM;
  } else if (!clock->started) {
    t.rate = (zx_clock_rate_t){.synthetic_ticks = 1, .reference_ticks = 1};
  }
  return t;
}

zx_status_t zxp_clock_update(struct zxp_object* object, uint64_t options, int version,
                             const zx_clock_update_args_v2_t* args) {
  struct clock* clock = clock_of(object);
  const struct change change = {
      .value = (options & ZX_CLOCK_UPDATE_OPTION_SYNTHETIC_VALUE_VALID) != 0,
      .rate = (options & ZX_CLOCK_UPDATE_OPTION_RATE_ADJUST_VALID) != 0,
      .error = (options & ZX_CLOCK_UPDATE_OPTION_ERROR_BOUND_VALID) != 0,
      .at_reference = (options & ZX_CLOCK_UPDATE_OPTION_REFERENCE_VALUE_VALID) != 0,
  };
  zxp_mutex_lock(&object->lock);
  zx_status_t status = check_rules_locked(clock, &change, version);
  if (status != ZX_OK) {
    goto done;
  }
  const zx_time_t now = reference_now(clock);
  const zx_clock_transformation_t t = transform_locked(clock, &change, args, now);
  const zx_time_t shown = apply(&t, now);
  if (shown < clock->backstop ||
      ((clock->options & ZX_CLOCK_OPT_MONOTONIC) != 0 && shown < apply(&clock->current, now))) {
    status = ZX_ERR_INVALID_ARGS;
    goto done;
  }
  clock->current = t;
  clock->generation++;
  if (change.value) {
    clock->value_updated = now;
  }
  if (change.rate || !clock->started) {
    clock->rate_updated = now;
    clock->rate_adjust = change.rate ? args->rate_adjust : 0;
  }
  if (change.error) {
    clock->error_updated = now;
    clock->error_bound = args->error_bound;
  }
  clock->started = true;
  zxp_object_set_signals_locked(object, 0, ZX_CLOCK_STARTED | ZX_CLOCK_UPDATED);
  zxp_object_set_signals_locked(object, ZX_CLOCK_UPDATED, 0);
done:
  zxp_mutex_unlock(&object->lock);
  return status;
}
