/* SPDX-License-Identifier: BSD-3-Clause */

/* The arithmetic of <zircon/time.h>: exact inside the range, clamped at both ends of it. */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/time.h>

#include <cmocka.h>

#define MAX ZX_TIME_INFINITE
#define MIN ZX_TIME_INFINITE_PAST

/* The conversion of a constant may stand where C wants a constant. */
static const zx_duration_t kConstants[] = {
    ZX_NSEC(7), ZX_USEC(7), ZX_MSEC(7), ZX_SEC(7), ZX_MIN(7), ZX_HOUR(-7),
};

/* An operation of two operands, what it is to give, and where it is to be clamped. */
typedef struct {
  int64_t left;
  int64_t right;
  int64_t result;
} row_t;

static const row_t kSums[] = {
    {0, 0, 0},         {5, -7, -2},        {MAX, 0, MAX},   {MAX - 1, 1, MAX},  {MAX, 1, MAX},
    {MAX - 1, 2, MAX}, {1, MAX, MAX},      {MAX, MAX, MAX}, {MAX, -1, MAX - 1}, {MAX, MIN, -1},
    {MIN, 0, MIN},     {MIN + 1, -1, MIN}, {MIN, -1, MIN},  {MIN + 1, -2, MIN}, {-1, MIN, MIN},
    {MIN, MIN, MIN},   {MIN, 1, MIN + 1},  {MIN, MAX, -1},
};

static const row_t kDifferences[] = {
    {0, 0, 0},          {5, 7, -2},         {MAX, 0, MAX},  {MAX, 1, MAX - 1}, {MAX, -1, MAX},
    {MAX - 1, -1, MAX}, {MAX - 1, -2, MAX}, {0, MIN, MAX},  {-1, MIN, MAX},    {1, MIN, MAX},
    {MAX, MIN, MAX},    {MAX, MAX, 0},      {MIN, 0, MIN},  {MIN, 1, MIN},     {MIN + 1, 1, MIN},
    {MIN + 1, 2, MIN},  {MIN, -1, MIN + 1}, {-1, MAX, MIN}, {-2, MAX, MIN},    {MIN, MAX, MIN},
    {MIN, MIN, 0},
};

static const row_t kProducts[] = {
    {0, 0, 0},
    {3, -4, -12},
    {MAX, 1, MAX},
    {MAX, -1, MIN + 1},
    {MAX, 2, MAX},
    {2, MAX, MAX},
    {MAX, -2, MIN},
    {-2, MAX, MIN},
    {MIN, 1, MIN},
    {MIN, -1, MAX},
    {-1, MIN, MAX},
    {MIN, 2, MIN},
    {MIN, MIN, MAX},
    {MAX, MAX, MAX},
    {MIN, 0, 0},
    {MAX / 2, 2, MAX - 1},
    {MAX / 2 + 1, 2, MAX},
    {MIN / 2, 2, MIN},
    {MIN / 2 - 1, 2, MIN},
};

#define CHECK_ALL(function, rows)                                             \
  do {                                                                        \
    for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++) {           \
      const int64_t got = function((rows)[i].left, (rows)[i].right);          \
      if (got != (rows)[i].result) {                                          \
        fail_msg("%s, row %zu: %lld, not %lld", #function, i, (long long)got, \
                 (long long)(rows)[i].result);                                \
      }                                                                       \
    }                                                                         \
  } while (0)

static void sums_are_exact_or_clamped(void** state) {
  (void)state;
  CHECK_ALL(zx_time_add_duration, kSums);
  CHECK_ALL(zx_duration_add_duration, kSums);
  CHECK_ALL(zx_ticks_add_ticks, kSums);
}

static void differences_are_exact_or_clamped(void** state) {
  (void)state;
  CHECK_ALL(zx_time_sub_duration, kDifferences);
  CHECK_ALL(zx_time_sub_time, kDifferences);
  CHECK_ALL(zx_duration_sub_duration, kDifferences);
  CHECK_ALL(zx_ticks_sub_ticks, kDifferences);
}

static void products_are_exact_or_clamped(void** state) {
  (void)state;
  CHECK_ALL(zx_duration_mul_int64, kProducts);
  CHECK_ALL(zx_ticks_mul_int64, kProducts);
}

/* A unit: its length, its function, and its macro with an argument that is not a constant. */
typedef struct {
  int64_t nanoseconds;
  zx_duration_t (*function)(int64_t n);
  zx_duration_t (*macro)(int64_t n);
} unit_t;

static zx_duration_t from_nsec(int64_t n) { return zx_duration_from_nsec(n); }
static zx_duration_t from_usec(int64_t n) { return zx_duration_from_usec(n); }
static zx_duration_t from_msec(int64_t n) { return zx_duration_from_msec(n); }
static zx_duration_t from_sec(int64_t n) { return zx_duration_from_sec(n); }
static zx_duration_t from_min(int64_t n) { return zx_duration_from_min(n); }
static zx_duration_t from_hour(int64_t n) { return zx_duration_from_hour(n); }

/* Volatile, so that no optimiser makes a constant of it after all. */
static zx_duration_t macro_nsec(int64_t n) {
  volatile int64_t variable = n;
  return ZX_NSEC(variable);
}
static zx_duration_t macro_usec(int64_t n) {
  volatile int64_t variable = n;
  return ZX_USEC(variable);
}
static zx_duration_t macro_msec(int64_t n) {
  volatile int64_t variable = n;
  return ZX_MSEC(variable);
}
static zx_duration_t macro_sec(int64_t n) {
  volatile int64_t variable = n;
  return ZX_SEC(variable);
}
static zx_duration_t macro_min(int64_t n) {
  volatile int64_t variable = n;
  return ZX_MIN(variable);
}
static zx_duration_t macro_hour(int64_t n) {
  volatile int64_t variable = n;
  return ZX_HOUR(variable);
}

static const unit_t kUnits[] = {
    {INT64_C(1), from_nsec, macro_nsec},         {INT64_C(1000), from_usec, macro_usec},
    {INT64_C(1000000), from_msec, macro_msec},   {INT64_C(1000000000), from_sec, macro_sec},
    {INT64_C(60000000000), from_min, macro_min}, {INT64_C(3600000000000), from_hour, macro_hour},
};

static void units_are_exact_or_clamped(void** state) {
  (void)state;
  for (size_t i = 0; i < sizeof(kUnits) / sizeof(kUnits[0]); i++) {
    const int64_t unit = kUnits[i].nanoseconds;
    /* The largest and the smallest count that still fit, and one beyond where there is one. */
    const int64_t most = MAX / unit, least = MIN / unit;
    const row_t rows[] = {
        {0, 0, 0},
        {1, 0, unit},
        {-1, 0, -unit},
        {most, 0, most * unit},
        {least, 0, least * unit},
        {unit == 1 ? MAX : most + 1, 0, MAX},
        {unit == 1 ? MIN : least - 1, 0, MIN},
        {MAX, 0, MAX},
        {MIN, 0, MIN},
    };
    for (size_t j = 0; j < sizeof(rows) / sizeof(rows[0]); j++) {
      assert_true(kUnits[i].function(rows[j].left) == rows[j].result);
      assert_true(kUnits[i].macro(rows[j].left) == rows[j].result);
    }
  }
}

static void units_of_constants_are_products(void** state) {
  (void)state;
  const int64_t expected[] = {7, 7000, 7000000, 7000000000, 420000000000, -25200000000000};
  for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
    assert_true(kConstants[i] == expected[i]);
  }
  /* Fractions of a unit are allowed in a constant. */
  assert_true(ZX_SEC(0.5) == 500000000);
}

static void nanoseconds_are_the_duration(void** state) {
  (void)state;
  assert_true(zx_nsec_from_duration(MAX) == MAX);
  assert_true(zx_nsec_from_duration(MIN) == MIN);
  assert_true(zx_nsec_from_duration(-3) == -3);
}

static void timespecs_convert_both_ways(void** state) {
  (void)state;
  const int64_t durations[] = {0, 1, -1, 999999999, 1000000000, -1000000001, MAX, MIN};
  for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
    const struct timespec ts = zx_timespec_from_duration(durations[i]);
    assert_true(ts.tv_sec == durations[i] / 1000000000);
    assert_true(ts.tv_nsec == durations[i] % 1000000000);
    assert_true(zx_duration_from_timespec(ts) == durations[i]);

    const struct timespec time = zx_timespec_from_time(durations[i]);
    assert_true(time.tv_sec == ts.tv_sec && time.tv_nsec == ts.tv_nsec);
    assert_true(zx_time_from_timespec(time) == durations[i]);
  }
}

static void timespecs_out_of_range_are_clamped(void** state) {
  (void)state;
  const struct timespec late = {LONG_MAX, 999999999}, early = {LONG_MIN, 0};
  assert_true(zx_duration_from_timespec(late) == MAX);
  assert_true(zx_duration_from_timespec(early) == MIN);
  /* The seconds fit, and the nanoseconds make it too much. */
  const struct timespec just = {MAX / 1000000000, 999999999};
  assert_true(zx_time_from_timespec(just) == MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sums_are_exact_or_clamped),
      cmocka_unit_test(differences_are_exact_or_clamped),
      cmocka_unit_test(products_are_exact_or_clamped),
      cmocka_unit_test(units_are_exact_or_clamped),
      cmocka_unit_test(units_of_constants_are_products),
      cmocka_unit_test(nanoseconds_are_the_duration),
      cmocka_unit_test(timespecs_convert_both_ways),
      cmocka_unit_test(timespecs_out_of_range_are_clamped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
