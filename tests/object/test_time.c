/* SPDX-License-Identifier: BSD-3-Clause */
/* Clocks, sleeping, random bytes, facts about the system. Section numbers are those of
 * objects.md. */
#include <unistd.h>
#include <zircon/features.h>

#include "support.h"

/* 12 */
static void clocks_never_go_back(void** state) {
  (void)state;
  zx_time_t mono = zx_clock_get_monotonic();
  zx_time_t boot = zx_clock_get_boot();
  zx_ticks_t ticks = zx_ticks_get();
  zx_ticks_t boot_ticks = zx_ticks_get_boot();
  for (int i = 0; i < 10000; i++) {
    const zx_time_t mono_now = zx_clock_get_monotonic();
    const zx_time_t boot_now = zx_clock_get_boot();
    const zx_ticks_t ticks_now = zx_ticks_get();
    const zx_ticks_t boot_ticks_now = zx_ticks_get_boot();
    assert_true(mono_now >= mono && boot_now >= boot && ticks_now >= ticks &&
                boot_ticks_now >= boot_ticks);
    mono = mono_now;
    boot = boot_now;
    ticks = ticks_now;
    boot_ticks = boot_ticks_now;
  }
}

/* 12 */
static void ticks_measure_what_the_clock_measures(void** state) {
  (void)state;
  const zx_ticks_t rate = zx_ticks_per_second();
  assert_true(rate > 0);
  assert_int_equal(zx_ticks_per_second(), rate);
  /* The clock is read inside the span of ticks, then outside: the true length is between the
   * two. */
  const zx_ticks_t t0 = zx_ticks_get();
  const zx_time_t c0 = zx_clock_get_monotonic();
  assert_ok(zx_nanosleep(zx_deadline_after(ZX_MSEC(2))));
  const zx_time_t c1 = zx_clock_get_monotonic();
  const zx_ticks_t t1 = zx_ticks_get();
  assert_true((double)(t1 - t0) * 1e9 / (double)rate >= (double)(c1 - c0) * 0.999);
}

/* 12 */
static void deadline_after_saturates(void** state) {
  (void)state;
  assert_int_equal(zx_deadline_after(ZX_TIME_INFINITE), ZX_TIME_INFINITE);
  assert_int_equal(zx_deadline_after(ZX_TIME_INFINITE - 1), ZX_TIME_INFINITE);
  assert_true(zx_deadline_after(ZX_TIME_INFINITE_PAST) < 0);
  const zx_time_t before = zx_clock_get_monotonic();
  const zx_time_t past = zx_deadline_after(-1000);
  const zx_time_t future = zx_deadline_after(1000);
  const zx_time_t after = zx_clock_get_monotonic();
  assert_in_range(past, before - 1000, after - 1000);
  assert_in_range(future, before + 1000, after + 1000);
}

/* 12 */
static void sleep_of_a_passed_deadline_returns_at_once(void** state) {
  (void)state;
  const zx_time_t deadlines[] = {0, -1, ZX_TIME_INFINITE_PAST, 1, zx_clock_get_monotonic()};
  for (size_t i = 0; i < sizeof deadlines / sizeof deadlines[0]; i++) {
    assert_ok(zx_nanosleep(deadlines[i]));
  }
}

/* 12 */
static void sleep_ends_not_before_its_deadline(void** state) {
  (void)state;
  for (int i = 0; i < 5; i++) {
    const zx_time_t deadline = zx_deadline_after(ZX_MSEC(3));
    assert_ok(zx_nanosleep(deadline));
    assert_true(zx_clock_get_monotonic() >= deadline);
  }
}

/* 12 */
static void random_bytes_fill_exactly_the_buffer(void** state) {
  (void)state;
  const size_t sizes[] = {0, 1, 255, 256, 257, 4096, 70000};
  static unsigned char buffer[70000 + 1];
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    memset(buffer, 0, sizeof buffer);
    zx_cprng_draw(buffer, sizes[i]);
    assert_int_equal(buffer[sizes[i]], 0);
    if (sizes[i] >= 255) {
      /* A run of 32 zeros is as good as impossible; it would be a hole. */
      size_t zeros = 0;
      for (size_t at = 0; at < sizes[i]; at++) {
        zeros = buffer[at] == 0 ? zeros + 1 : 0;
        assert_true(zeros < 32);
      }
    }
  }
  unsigned char other[256];
  zx_cprng_draw(buffer, sizeof other);
  zx_cprng_draw(other, sizeof other);
  assert_memory_not_equal(buffer, other, sizeof other);
  zx_cprng_draw(NULL, 0);
}

static void entropy_of_at_most_256_bytes_is_taken(void** state) {
  (void)state;
  const unsigned char bytes[257] = {1};
  assert_ok(zx_cprng_add_entropy(bytes, 256));
  assert_ok(zx_cprng_add_entropy(NULL, 0));
  assert_status(zx_cprng_add_entropy(bytes, 257), ZX_ERR_INVALID_ARGS);
  assert_status(zx_cprng_add_entropy(NULL, 1), ZX_ERR_INVALID_ARGS);
}

/* 12 */
static void facts_about_the_system_are_constant(void** state) {
  (void)state;
  const uint32_t page = zx_system_get_page_size();
  assert_int_equal(page, sysconf(_SC_PAGESIZE));
  assert_int_equal(page & (page - 1), 0);
  assert_true(zx_system_get_num_cpus() >= 1);
  assert_int_equal(zx_system_get_num_cpus(), zx_system_get_num_cpus());
  assert_true(zx_system_get_physmem() >= page);
  assert_int_equal(zx_system_get_physmem() % page, 0);
  assert_int_equal(zx_system_get_physmem(), zx_system_get_physmem());
  const uint32_t line = zx_system_get_dcache_line_size();
  assert_true(line > 0 && (line & (line - 1)) == 0);
}

/* 12 */
static void version_string_is_terminated_and_stays_where_it_is(void** state) {
  (void)state;
  const zx_string_view_t version = zx_system_get_version_string();
  assert_true(version.length > 0);
  assert_int_equal(strlen(version.c_str), version.length);
  assert_ptr_equal(zx_system_get_version_string().c_str, version.c_str);
}

/* 12 */
static void features_of_known_kinds_only(void** state) {
  (void)state;
  const uint32_t kinds[] = {ZX_FEATURE_KIND_CPU, ZX_FEATURE_KIND_HW_BREAKPOINT_COUNT,
                            ZX_FEATURE_KIND_HW_WATCHPOINT_COUNT, ZX_FEATURE_KIND_ADDRESS_TAGGING,
                            ZX_FEATURE_KIND_VM};
  uint32_t features;
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    features = 0xaaaaaaaa;
    assert_ok(zx_system_get_features(kinds[i], &features));
    assert_int_not_equal(features, 0xaaaaaaaa);
    assert_status(zx_system_get_features(kinds[i], NULL), ZX_ERR_INVALID_ARGS);
  }
  assert_status(zx_system_get_features(99, &features), ZX_ERR_NOT_SUPPORTED);
  assert_status(zx_system_get_features(99, NULL), ZX_ERR_NOT_SUPPORTED);
}

static void cache_flush_checks_its_options(void** state) {
  (void)state;
  char bytes[64] = {0};
  assert_ok(zx_cache_flush(bytes, sizeof bytes, ZX_CACHE_FLUSH_DATA));
  assert_ok(zx_cache_flush(bytes, sizeof bytes, ZX_CACHE_FLUSH_INSN));
  assert_ok(zx_cache_flush(bytes, sizeof bytes, ZX_CACHE_FLUSH_DATA | ZX_CACHE_FLUSH_INVALIDATE));
  assert_status(zx_cache_flush(bytes, sizeof bytes, 0), ZX_ERR_INVALID_ARGS);
  assert_status(zx_cache_flush(bytes, sizeof bytes, ZX_CACHE_FLUSH_INVALIDATE),
                ZX_ERR_INVALID_ARGS);
  assert_status(zx_cache_flush(bytes, sizeof bytes, 8 | ZX_CACHE_FLUSH_DATA), ZX_ERR_INVALID_ARGS);
}

/* objects.md 12: no handle is one to a job */
static void system_events_belong_to_a_job(void** state) {
  (void)state;
  zx_handle_t vmo;
  zx_handle_t event = 77;
  assert_ok(zx_vmo_create(0, 0, &vmo));
  assert_status(zx_system_get_event(ZX_HANDLE_INVALID, ZX_SYSTEM_EVENT_OUT_OF_MEMORY, &event),
                ZX_ERR_BAD_HANDLE);
  assert_status(zx_system_get_event(vmo, ZX_SYSTEM_EVENT_OUT_OF_MEMORY, &event), ZX_ERR_WRONG_TYPE);
  assert_int_equal(event, 77);
  assert_ok(zx_handle_close(vmo));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(clocks_never_go_back),
      cmocka_unit_test(ticks_measure_what_the_clock_measures),
      cmocka_unit_test(deadline_after_saturates),
      cmocka_unit_test(sleep_of_a_passed_deadline_returns_at_once),
      cmocka_unit_test(sleep_ends_not_before_its_deadline),
      cmocka_unit_test(random_bytes_fill_exactly_the_buffer),
      cmocka_unit_test(entropy_of_at_most_256_bytes_is_taken),
      cmocka_unit_test(facts_about_the_system_are_constant),
      cmocka_unit_test(version_string_is_terminated_and_stays_where_it_is),
      cmocka_unit_test(features_of_known_kinds_only),
      cmocka_unit_test(cache_flush_checks_its_options),
      cmocka_unit_test(system_events_belong_to_a_job),
  };
  return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}
