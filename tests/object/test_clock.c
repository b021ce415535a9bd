/* SPDX-License-Identifier: BSD-3-Clause */
/* Clock objects. Rules are those of src/object/clock.h. */
#include <zircon/syscalls/clock.h>

#include "support.h"

#define V1          ZX_CLOCK_ARGS_VERSION(1)
#define V2          ZX_CLOCK_ARGS_VERSION(2)
#define VALUE       ZX_CLOCK_UPDATE_OPTION_SYNTHETIC_VALUE_VALID
#define RATE        ZX_CLOCK_UPDATE_OPTION_RATE_ADJUST_VALID
#define ERROR_BOUND ZX_CLOCK_UPDATE_OPTION_ERROR_BOUND_VALID
#define REFERENCE   ZX_CLOCK_UPDATE_OPTION_REFERENCE_VALUE_VALID

static zx_handle_t make_clock(uint64_t options) {
  zx_handle_t clock = ZX_HANDLE_INVALID;
  assert_ok(zx_clock_create(options, NULL, &clock));
  return clock;
}

static zx_handle_t make_clock_with_backstop(uint64_t options, zx_time_t backstop) {
  const zx_clock_create_args_v1_t args = {.backstop_time = backstop};
  zx_handle_t clock = ZX_HANDLE_INVALID;
  assert_ok(zx_clock_create(options | V1, &args, &clock));
  return clock;
}

static zx_time_t read_clock(zx_handle_t clock) {
  zx_time_t now = -1;
  assert_ok(zx_clock_read(clock, &now));
  return now;
}

static zx_clock_details_v1_t details_of(zx_handle_t clock) {
  zx_clock_details_v1_t details;
  memset(&details, 0xaa, sizeof details);
  assert_ok(zx_clock_get_details(clock, V1, &details));
  return details;
}

static zx_status_t set_value(zx_handle_t clock, zx_time_t value) {
  const zx_clock_update_args_v2_t args = {.synthetic_value = value};
  return zx_clock_update(clock, V2 | VALUE, &args);
}

static zx_status_t set_value_at(zx_handle_t clock, zx_time_t reference, zx_time_t value) {
  const zx_clock_update_args_v2_t args = {.synthetic_value = value, .reference_value = reference};
  return zx_clock_update(clock, V2 | VALUE | REFERENCE, &args);
}

static zx_status_t set_rate(zx_handle_t clock, int32_t ppm) {
  const zx_clock_update_args_v2_t args = {.rate_adjust = ppm};
  return zx_clock_update(clock, V2 | RATE, &args);
}

static void create_checks_its_arguments(void** state) {
  (void)state;
  zx_handle_t out = 42;
  const zx_clock_create_args_v1_t zero = {0};
  const zx_clock_create_args_v1_t negative = {.backstop_time = -1};
  const zx_clock_create_args_v1_t future = {.backstop_time = ZX_TIME_INFINITE};
  assert_status(zx_clock_create(0x10, NULL, &out), ZX_ERR_INVALID_ARGS);
  assert_status(zx_clock_create(0, &zero, &out), ZX_ERR_INVALID_ARGS);
  assert_status(zx_clock_create(V1, NULL, &out), ZX_ERR_INVALID_ARGS);
  assert_status(zx_clock_create(V2, &zero, &out), ZX_ERR_INVALID_ARGS);
  assert_status(zx_clock_create(V1, &negative, &out), ZX_ERR_INVALID_ARGS);
  assert_status(zx_clock_create(ZX_CLOCK_OPT_CONTINUOUS, NULL, &out), ZX_ERR_INVALID_ARGS);
  assert_status(zx_clock_create(V1 | ZX_CLOCK_OPT_AUTO_START, &future, &out), ZX_ERR_INVALID_ARGS);
  assert_int_equal(out, 42);
  assert_status(zx_clock_create(0, NULL, NULL), ZX_ERR_INVALID_ARGS);
}

static void fresh_clock_is_stopped_at_its_backstop(void** state) {
  (void)state;
  const zx_handle_t plain = make_clock(0);
  const zx_handle_t clock = make_clock_with_backstop(ZX_CLOCK_OPT_MONOTONIC, 5500);
  assert_int_equal(basic_info(clock).type, ZX_OBJ_TYPE_CLOCK);
  assert_int_equal(basic_info(clock).rights, ZX_DEFAULT_CLOCK_RIGHTS);
  assert_int_equal(read_clock(plain), 0);
  assert_int_equal(read_clock(clock), 5500);
  assert_int_equal(signals_of(clock), 0);
  const zx_clock_details_v1_t details = details_of(clock);
  assert_int_equal(details.options, ZX_CLOCK_OPT_MONOTONIC);
  assert_int_equal(details.backstop_time, 5500);
  assert_int_equal(details.reference_to_synthetic.synthetic_offset, 5500);
  assert_int_equal(details.reference_to_synthetic.rate.synthetic_ticks, 0);
  assert_true(details.error_bound == ZX_CLOCK_UNKNOWN_ERROR);
  assert_int_equal(details.last_value_update_ticks, 0);
  assert_true(details.query_ticks > 0 && details.query_ticks <= zx_ticks_get());
  close_handle(plain);
  close_handle(clock);
}

static void calls_check_in_order(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t clock = make_clock(0);
  const zx_handle_t no_read = duplicate_without(clock, ZX_RIGHT_READ);
  const zx_handle_t no_write = duplicate_without(clock, ZX_RIGHT_WRITE);
  const zx_handle_t dead = dead_handle();
  zx_clock_details_v1_t details;
  zx_clock_update_args_v2_t args = {0};
  assert_status(zx_clock_read(dead, NULL), ZX_ERR_BAD_HANDLE);
  assert_status(zx_clock_read(event, NULL), ZX_ERR_WRONG_TYPE);
  assert_status(zx_clock_read(no_read, NULL), ZX_ERR_ACCESS_DENIED);
  assert_status(zx_clock_read(clock, NULL), ZX_ERR_INVALID_ARGS);

  assert_status(zx_clock_get_details(dead, 0, &details), ZX_ERR_INVALID_ARGS);
  assert_status(zx_clock_get_details(dead, V2, &details), ZX_ERR_INVALID_ARGS);
  assert_status(zx_clock_get_details(dead, V1, NULL), ZX_ERR_INVALID_ARGS);
  assert_status(zx_clock_get_details(dead, V1, &details), ZX_ERR_BAD_HANDLE);
  assert_status(zx_clock_get_details(event, V1, &details), ZX_ERR_WRONG_TYPE);
  assert_status(zx_clock_get_details(no_read, V1, &details), ZX_ERR_ACCESS_DENIED);

  assert_status(zx_clock_update(dead, VALUE, &args), ZX_ERR_INVALID_ARGS);
  assert_status(zx_clock_update(dead, ZX_CLOCK_ARGS_VERSION(3) | VALUE, &args),
                ZX_ERR_INVALID_ARGS);
  assert_status(zx_clock_update(dead, V2, &args), ZX_ERR_INVALID_ARGS);
  assert_status(zx_clock_update(dead, V2 | 0x10, &args), ZX_ERR_INVALID_ARGS);
  assert_status(zx_clock_update(dead, V2 | VALUE, NULL), ZX_ERR_INVALID_ARGS);
  assert_status(zx_clock_update(dead, V1 | VALUE | REFERENCE, &args), ZX_ERR_INVALID_ARGS);
  assert_status(zx_clock_update(dead, V2 | ERROR_BOUND | REFERENCE, &args), ZX_ERR_INVALID_ARGS);
  args.rate_adjust = 1001;
  assert_status(zx_clock_update(dead, V2 | RATE, &args), ZX_ERR_INVALID_ARGS);
  args.rate_adjust = -1001;
  assert_status(zx_clock_update(dead, V2 | RATE, &args), ZX_ERR_INVALID_ARGS);
  assert_status(zx_clock_update(dead, V2 | VALUE, &args), ZX_ERR_BAD_HANDLE);
  assert_status(zx_clock_update(event, V2 | VALUE, &args), ZX_ERR_WRONG_TYPE);
  assert_status(zx_clock_update(no_write, V2 | VALUE, &args), ZX_ERR_ACCESS_DENIED);
  const zx_handle_t all[] = {event, clock, no_read, no_write};
  assert_ok(zx_handle_close_many(all, 4));
}

static void first_update_must_set_a_value_and_starts_the_clock(void** state) {
  (void)state;
  const zx_handle_t clock = make_clock(0);
  assert_status(set_rate(clock, 10), ZX_ERR_BAD_STATE);
  assert_int_equal(signals_of(clock), 0);
  const zx_time_t before = zx_clock_get_monotonic();
  assert_ok(set_value(clock, 1500));
  const zx_time_t between = zx_clock_get_monotonic();
  assert_int_equal(signals_of(clock), ZX_CLOCK_STARTED);
  const zx_time_t read = read_clock(clock);
  const zx_time_t after = zx_clock_get_monotonic();
  assert_true(read >= 1500 && read - 1500 <= after - before);
  const zx_clock_details_v1_t details = details_of(clock);
  assert_in_range(details.last_value_update_ticks, before, between);
  assert_int_equal(details.last_rate_adjust_update_ticks, details.last_value_update_ticks);
  assert_int_equal(details.last_error_bounds_update_ticks, 0);
  assert_int_equal(details.reference_to_synthetic.rate.synthetic_ticks, 1);
  assert_int_equal(details.reference_to_synthetic.rate.reference_ticks, 1);
  close_handle(clock);
}

static void auto_started_clock_is_its_reference(void** state) {
  (void)state;
  const struct {
    uint64_t option;
    zx_time_t (*now)(void);
  } rows[] = {{0, zx_clock_get_monotonic}, {ZX_CLOCK_OPT_BOOT, zx_clock_get_boot}};
  for (size_t i = 0; i < 2; i++) {
    const zx_handle_t clock = make_clock(ZX_CLOCK_OPT_AUTO_START | rows[i].option);
    assert_int_equal(signals_of(clock), ZX_CLOCK_STARTED);
    const zx_time_t before = rows[i].now();
    const zx_time_t read = read_clock(clock);
    assert_true(before <= read && read <= rows[i].now());
    close_handle(clock);
  }
}

static void every_update_is_signalled_for_a_moment(void** state) {
  (void)state;
  const zx_handle_t clock = make_clock(0);
  const zx_handle_t port = make_port();
  assert_ok(zx_object_wait_async(clock, port, 1, ZX_CLOCK_UPDATED, 0));
  assert_ok(set_value(clock, 1));
  assert_int_equal(take_packet(port).signal.observed, ZX_CLOCK_STARTED | ZX_CLOCK_UPDATED);
  assert_int_equal(signals_of(clock), ZX_CLOCK_STARTED);
  const uint32_t generation = details_of(clock).generation_counter;
  assert_ok(zx_object_wait_async(clock, port, 2, ZX_CLOCK_UPDATED, 0));
  assert_ok(set_rate(clock, 1));
  assert_int_equal(take_packet(port).key, 2);
  assert_int_not_equal(details_of(clock).generation_counter, generation);
  close_handle(port);
  close_handle(clock);
}

static void rate_is_in_parts_per_million(void** state) {
  (void)state;
  const zx_handle_t clock = make_clock(0);
  /* Anchored an hour ago, so that a part in a million shows at once. */
  const zx_time_t hour = ZX_SEC(3600);
  const zx_time_t now = zx_clock_get_monotonic();
  const zx_clock_update_args_v2_t args = {
      .rate_adjust = 1000, .synthetic_value = hour, .reference_value = now - hour};
  assert_ok(zx_clock_update(clock, V2 | VALUE | RATE | REFERENCE, &args));
  const zx_time_t before = zx_clock_get_monotonic();
  const zx_time_t read = read_clock(clock);
  const zx_time_t after = zx_clock_get_monotonic();
  const zx_duration_t fast = hour / 1000;
  assert_true(read >= hour + (before - now) + hour + fast);
  assert_true(read <= hour + (after - now) + hour + fast + (after - now) / 1000 + 1);
  close_handle(clock);
}

static void rate_change_keeps_what_is_shown(void** state) {
  (void)state;
  const zx_handle_t clock =
      make_clock(ZX_CLOCK_OPT_AUTO_START | ZX_CLOCK_OPT_MONOTONIC | ZX_CLOCK_OPT_CONTINUOUS);
  zx_time_t last = read_clock(clock);
  const int32_t rates[] = {1000, -1000, 0, 500, -1, 1, 0};
  for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
    assert_ok(set_rate(clock, rates[i]));
    const zx_time_t now = read_clock(clock);
    assert_true(now >= last);
    last = now;
  }
  /* And it is still near its reference: each step lasted far less than a second. */
  assert_true(last - zx_clock_get_monotonic() < ZX_MSEC(10));
  assert_true(zx_clock_get_monotonic() - last < ZX_SEC(10));
  close_handle(clock);
}

static void continuous_clock_cannot_be_set_once_started(void** state) {
  (void)state;
  const zx_handle_t clock = make_clock(ZX_CLOCK_OPT_MONOTONIC | ZX_CLOCK_OPT_CONTINUOUS);
  assert_ok(set_value(clock, 100));
  assert_status(set_value(clock, ZX_SEC(1000)), ZX_ERR_INVALID_ARGS);
  assert_status(set_value_at(clock, zx_clock_get_monotonic(), ZX_SEC(1000)), ZX_ERR_INVALID_ARGS);
  const zx_clock_update_args_v1_t old = {.value = ZX_SEC(1000)};
  assert_status(zx_clock_update(clock, V1 | VALUE, &old), ZX_ERR_INVALID_ARGS);
  assert_ok(set_rate(clock, -20));
  close_handle(clock);
}

static void monotonic_clock_never_goes_back(void** state) {
  (void)state;
  const zx_handle_t clock = make_clock(ZX_CLOCK_OPT_MONOTONIC);
  const zx_time_t reference = zx_clock_get_monotonic();
  assert_ok(set_value(clock, ZX_SEC(100)));
  const zx_time_t shown = read_clock(clock);
  assert_status(set_value_at(clock, reference, ZX_SEC(90)), ZX_ERR_INVALID_ARGS);
  assert_true(read_clock(clock) >= shown); /* and nothing changed */
  /* A value without a reference time, or with a rate, is refused by the rules of version 2. */
  assert_status(set_value(clock, ZX_SEC(200)), ZX_ERR_INVALID_ARGS);
  const zx_clock_update_args_v2_t both = {
      .rate_adjust = 5, .synthetic_value = ZX_SEC(200), .reference_value = reference};
  assert_status(zx_clock_update(clock, V2 | VALUE | RATE | REFERENCE, &both), ZX_ERR_INVALID_ARGS);
  assert_status(zx_clock_update(clock, V2 | RATE | REFERENCE, &both), ZX_ERR_INVALID_ARGS);
  assert_ok(set_value_at(clock, reference, ZX_SEC(200)));
  assert_true(read_clock(clock) >= ZX_SEC(200));
  /* Version 1 has no reference time to ask for. */
  const zx_clock_update_args_v1_t old = {.value = ZX_SEC(300)};
  assert_ok(zx_clock_update(clock, V1 | VALUE, &old));
  const zx_clock_update_args_v1_t back = {.value = ZX_SEC(250)};
  assert_status(zx_clock_update(clock, V1 | VALUE, &back), ZX_ERR_INVALID_ARGS);
  close_handle(clock);
}

static void plain_clock_goes_back_but_not_behind_its_backstop(void** state) {
  (void)state;
  const zx_handle_t clock = make_clock_with_backstop(0, 5000);
  assert_status(set_value(clock, 4999), ZX_ERR_INVALID_ARGS);
  assert_int_equal(signals_of(clock), 0); /* not started by it */
  assert_ok(set_value(clock, ZX_SEC(50)));
  assert_ok(set_value(clock, 5000));
  assert_true(read_clock(clock) < ZX_SEC(50));
  assert_status(set_value(clock, 4999), ZX_ERR_INVALID_ARGS);
  assert_status(set_value_at(clock, zx_clock_get_monotonic() + ZX_SEC(10), 5000),
                ZX_ERR_INVALID_ARGS);
  close_handle(clock);
}

static void error_bound_is_kept(void** state) {
  (void)state;
  const zx_handle_t clock = make_clock(ZX_CLOCK_OPT_AUTO_START);
  const zx_clock_details_v1_t before = details_of(clock);
  const zx_clock_update_args_v2_t args = {.error_bound = 12345};
  assert_ok(zx_clock_update(clock, V2 | ERROR_BOUND, &args));
  const zx_clock_details_v1_t after = details_of(clock);
  assert_int_equal(after.error_bound, 12345);
  assert_true(after.last_error_bounds_update_ticks >= before.query_ticks);
  assert_int_equal(after.last_value_update_ticks, before.last_value_update_ticks);
  assert_int_equal(after.last_rate_adjust_update_ticks, before.last_rate_adjust_update_ticks);
  assert_memory_equal(&after.reference_to_synthetic, &before.reference_to_synthetic,
                      sizeof after.reference_to_synthetic);
  close_handle(clock);
}

static void value_at_the_end_of_the_range_stays_there(void** state) {
  (void)state;
  const zx_handle_t clock = make_clock(0);
  assert_ok(set_value_at(clock, 0, ZX_TIME_INFINITE - 5));
  assert_int_equal(read_clock(clock), ZX_TIME_INFINITE);
  close_handle(clock);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(create_checks_its_arguments),
      cmocka_unit_test(fresh_clock_is_stopped_at_its_backstop),
      cmocka_unit_test(calls_check_in_order),
      cmocka_unit_test(first_update_must_set_a_value_and_starts_the_clock),
      cmocka_unit_test(auto_started_clock_is_its_reference),
      cmocka_unit_test(every_update_is_signalled_for_a_moment),
      cmocka_unit_test(rate_is_in_parts_per_million),
      cmocka_unit_test(rate_change_keeps_what_is_shown),
      cmocka_unit_test(continuous_clock_cannot_be_set_once_started),
      cmocka_unit_test(monotonic_clock_never_goes_back),
      cmocka_unit_test(plain_clock_goes_back_but_not_behind_its_backstop),
      cmocka_unit_test(error_bound_is_kept),
      cmocka_unit_test(value_at_the_end_of_the_range_stays_there),
  };
  return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
