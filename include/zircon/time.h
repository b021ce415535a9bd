/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Points and lengths of time, in nanoseconds or ticks, and arithmetic on them that clamps instead
 * of overflowing: above to ZX_TIME_INFINITE, below to ZX_TIME_INFINITE_PAST.
 */

#ifndef ZIRCON_TIME_H_
#define ZIRCON_TIME_H_

#include <stdint.h>
#include <zircon/compiler.h>

#if __has_include(<time.h>)
#include <time.h>
#define __ZX_HAS_TIMESPEC 1
#endif

__BEGIN_CDECLS

/* A point in time on any timeline, and a length of time, in nanoseconds. */
typedef int64_t zx_time_t;
typedef int64_t zx_duration_t;

/* A point in time or a length, in ticks of zx_ticks_per_second(). */
typedef int64_t zx_ticks_t;

/* The timeline of zx_clock_get_monotonic(), which stands still while the machine is suspended. */
typedef int64_t zx_instant_mono_t;
typedef int64_t zx_instant_mono_ticks_t;
typedef int64_t zx_duration_mono_t;
typedef int64_t zx_duration_mono_ticks_t;

/* The timeline of zx_clock_get_boot(), which goes on. */
typedef int64_t zx_instant_boot_t;
typedef int64_t zx_instant_boot_ticks_t;
typedef int64_t zx_duration_boot_t;
typedef int64_t zx_duration_boot_ticks_t;

/* As a deadline: never, and long ago. */
#define ZX_TIME_INFINITE      INT64_MAX
#define ZX_TIME_INFINITE_PAST INT64_MIN

__END_CDECLS

/*
 * A length of time in other units. A constant is multiplied, so that the result may initialise a
 * static variable; any other number goes through a function that clamps.
 */
#define ZX_NSEC(n) \
  (__ISCONSTANT(n) ? ((zx_duration_t)(1LL * (n))) : (zx_duration_from_nsec((int64_t)(n))))
#define ZX_USEC(n) \
  (__ISCONSTANT(n) ? ((zx_duration_t)(1000LL * (n))) : (zx_duration_from_usec((int64_t)(n))))
#define ZX_MSEC(n) \
  (__ISCONSTANT(n) ? ((zx_duration_t)(1000000LL * (n))) : (zx_duration_from_msec((int64_t)(n))))
#define ZX_SEC(n) \
  (__ISCONSTANT(n) ? ((zx_duration_t)(1000000000LL * (n))) : (zx_duration_from_sec((int64_t)(n))))
#define ZX_MIN(n) \
  (__ISCONSTANT(n) ? ((zx_duration_t)(60000000000LL * (n))) : (zx_duration_from_min((int64_t)(n))))
#define ZX_HOUR(n)                                            \
  (__ISCONSTANT(n) ? ((zx_duration_t)(3600000000000LL * (n))) \
                   : (zx_duration_from_hour((int64_t)(n))))

/* ---- Points and lengths in nanoseconds ---- */

__CONSTEXPR static inline zx_time_t zx_time_add_duration(zx_time_t time, zx_duration_t duration) {
  zx_time_t sum = 0;
  if (__builtin_add_overflow(time, duration, &sum)) {
    return duration > 0 ? ZX_TIME_INFINITE : ZX_TIME_INFINITE_PAST;
  }
  return sum;
}

__CONSTEXPR static inline zx_time_t zx_time_sub_duration(zx_time_t time, zx_duration_t duration) {
  zx_time_t difference = 0;
  if (__builtin_sub_overflow(time, duration, &difference)) {
    return duration < 0 ? ZX_TIME_INFINITE : ZX_TIME_INFINITE_PAST;
  }
  return difference;
}

__CONSTEXPR static inline zx_duration_t zx_time_sub_time(zx_time_t time1, zx_time_t time2) {
  return zx_time_sub_duration(time1, time2);
}

__CONSTEXPR static inline zx_duration_t zx_duration_add_duration(zx_duration_t duration1,
                                                                 zx_duration_t duration2) {
  return zx_time_add_duration(duration1, duration2);
}

__CONSTEXPR static inline zx_duration_t zx_duration_sub_duration(zx_duration_t duration1,
                                                                 zx_duration_t duration2) {
  return zx_time_sub_duration(duration1, duration2);
}

__CONSTEXPR static inline zx_duration_t zx_duration_mul_int64(zx_duration_t duration,
                                                              int64_t multiplier) {
  zx_duration_t product = 0;
  if (__builtin_mul_overflow(duration, multiplier, &product)) {
    return (duration < 0) == (multiplier < 0) ? ZX_TIME_INFINITE : ZX_TIME_INFINITE_PAST;
  }
  return product;
}

/* ---- Ticks ---- */

__CONSTEXPR static inline zx_ticks_t zx_ticks_add_ticks(zx_ticks_t ticks1, zx_ticks_t ticks2) {
  return zx_time_add_duration(ticks1, ticks2);
}

__CONSTEXPR static inline zx_ticks_t zx_ticks_sub_ticks(zx_ticks_t ticks1, zx_ticks_t ticks2) {
  return zx_time_sub_duration(ticks1, ticks2);
}

__CONSTEXPR static inline zx_ticks_t zx_ticks_mul_int64(zx_ticks_t ticks, int64_t multiplier) {
  return zx_duration_mul_int64(ticks, multiplier);
}

/* ---- Other units ---- */

__CONSTEXPR static inline zx_duration_t zx_duration_from_nsec(int64_t n) { return n; }

__CONSTEXPR static inline zx_duration_t zx_duration_from_usec(int64_t n) {
  return zx_duration_mul_int64(1000, n);
}

__CONSTEXPR static inline zx_duration_t zx_duration_from_msec(int64_t n) {
  return zx_duration_mul_int64(1000000, n);
}

__CONSTEXPR static inline zx_duration_t zx_duration_from_sec(int64_t n) {
  return zx_duration_mul_int64(1000000000, n);
}

__CONSTEXPR static inline zx_duration_t zx_duration_from_min(int64_t n) {
  return zx_duration_mul_int64(60000000000, n);
}

__CONSTEXPR static inline zx_duration_t zx_duration_from_hour(int64_t n) {
  return zx_duration_mul_int64(3600000000000, n);
}

__CONSTEXPR static inline int64_t zx_nsec_from_duration(zx_duration_t n) { return n; }

#ifdef __ZX_HAS_TIMESPEC

__CONSTEXPR static inline zx_duration_t zx_duration_from_timespec(struct timespec ts) {
  return zx_duration_add_duration(zx_duration_from_sec(ts.tv_sec),
                                  zx_duration_from_nsec(ts.tv_nsec));
}

/* Truncates toward zero: the fields of a negative length are both zero or less. */
__CONSTEXPR static inline struct timespec zx_timespec_from_duration(zx_duration_t duration) {
  struct timespec ts = {0, 0};
  ts.tv_sec = (time_t)(duration / 1000000000);
  ts.tv_nsec = (long)(duration % 1000000000);
  return ts;
}

__CONSTEXPR static inline zx_time_t zx_time_from_timespec(struct timespec ts) {
  return zx_duration_from_timespec(ts);
}

__CONSTEXPR static inline struct timespec zx_timespec_from_time(zx_time_t time) {
  return zx_timespec_from_duration(time);
}

#endif  // __ZX_HAS_TIMESPEC

#endif  // ZIRCON_TIME_H_
