/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Arguments of the clock object calls: zx_clock_create(), zx_clock_update(),
 * zx_clock_get_details(). The version of an argument structure travels in the top bits of options.
 */

#ifndef ZIRCON_SYSCALLS_CLOCK_H_
#define ZIRCON_SYSCALLS_CLOCK_H_

#include <zircon/types.h>

__BEGIN_CDECLS

#define ZX_CLOCK_ARGS_VERSION_SHIFT ((uint64_t)58u)
#define ZX_CLOCK_ARGS_VERSION_BITS  ((uint64_t)6u)
#define ZX_CLOCK_ARGS_VERSION_MASK \
  ((((uint64_t)1u << ZX_CLOCK_ARGS_VERSION_BITS) - 1u) << ZX_CLOCK_ARGS_VERSION_SHIFT)

#define ZX_CLOCK_ARGS_VERSION(n) \
  (((uint64_t)(n) << ZX_CLOCK_ARGS_VERSION_SHIFT) & ZX_CLOCK_ARGS_VERSION_MASK)

/* Options of zx_clock_create(). */
#define ZX_CLOCK_OPT_MONOTONIC  ((uint64_t)0x1u)
#define ZX_CLOCK_OPT_CONTINUOUS ((uint64_t)0x2u)
#define ZX_CLOCK_OPT_AUTO_START ((uint64_t)0x4u)
#define ZX_CLOCK_OPT_BOOT       ((uint64_t)0x8u)

typedef struct zx_clock_create_args_v1 {
  zx_time_t backstop_time;
} zx_clock_create_args_v1_t;

/* synthetic_ticks pass on the clock while reference_ticks pass on its reference. */
typedef struct zx_clock_rate {
  uint32_t synthetic_ticks;
  uint32_t reference_ticks;
} zx_clock_rate_t;

typedef struct zx_clock_transformation {
  int64_t reference_offset;
  int64_t synthetic_offset;
  zx_clock_rate_t rate;
} zx_clock_transformation_t;

typedef struct zx_clock_details_v1 {
  uint64_t options;
  zx_time_t backstop_time;
  zx_clock_transformation_t reference_ticks_to_synthetic;
  zx_clock_transformation_t reference_to_synthetic;
  uint64_t error_bound;
  zx_ticks_t query_ticks;
  zx_ticks_t last_value_update_ticks;
  zx_ticks_t last_rate_adjust_update_ticks;
  zx_ticks_t last_error_bounds_update_ticks;
  uint32_t generation_counter;
  uint8_t padding1[4];
} zx_clock_details_v1_t;

/* Options of zx_clock_update(): which fields of its arguments count. */
#define ZX_CLOCK_UPDATE_OPTION_VALUE_VALID           ((uint64_t)0x1u)
#define ZX_CLOCK_UPDATE_OPTION_RATE_ADJUST_VALID     ((uint64_t)0x2u)
#define ZX_CLOCK_UPDATE_OPTION_ERROR_BOUND_VALID     ((uint64_t)0x4u)
#define ZX_CLOCK_UPDATE_OPTION_REFERENCE_VALUE_VALID ((uint64_t)0x8u)
#define ZX_CLOCK_UPDATE_OPTION_SYNTHETIC_VALUE_VALID ((uint64_t)0x1u)
#define ZX_CLOCK_UPDATE_OPTION_BOTH_VALUES_VALID     ((uint64_t)0x9u)
#define ZX_CLOCK_UPDATE_OPTIONS_ALL                  ((uint64_t)0xfu)

#define ZX_CLOCK_UNKNOWN_ERROR ((uint64_t)0xffffffffffffffffu)

/* Bounds of rate_adjust, in parts per million. */
#define ZX_CLOCK_UPDATE_MIN_RATE_ADJUST ((int32_t)-1000)
#define ZX_CLOCK_UPDATE_MAX_RATE_ADJUST ((int32_t)1000)

typedef struct zx_clock_update_args_v1 {
  int32_t rate_adjust;
  uint8_t padding1[4];
  int64_t value;
  uint64_t error_bound;
} zx_clock_update_args_v1_t;

typedef struct zx_clock_update_args_v2 {
  int32_t rate_adjust;
  uint8_t padding1[4];
  int64_t synthetic_value;
  int64_t reference_value;
  uint64_t error_bound;
} zx_clock_update_args_v2_t;

__END_CDECLS

#endif  // ZIRCON_SYSCALLS_CLOCK_H_
