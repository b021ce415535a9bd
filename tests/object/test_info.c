/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_object_get_info: what all topics share, and those of every object. Section numbers are those
 * of objects.md. */
#include "support.h"

static const uint32_t unknown_topics[] = {0, 3, 999, 0xffffffff, ZX_INFO_HANDLE_BASIC | 1u << 28};

/* 4.1 */
static void unknown_topic_is_found_before_the_handle(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  char buffer[64];
  for (size_t i = 0; i < sizeof unknown_topics / sizeof unknown_topics[0]; i++) {
    assert_status(zx_object_get_info(event, unknown_topics[i], buffer, 64, NULL, NULL),
                  ZX_ERR_NOT_SUPPORTED);
    assert_status(zx_object_get_info(dead_handle(), unknown_topics[i], buffer, 64, NULL, NULL),
                  ZX_ERR_NOT_SUPPORTED);
  }
  close_handle(event);
}

/* 2.4, 4.1 */
static void handle_valid_needs_no_right_and_leaves_all_alone(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t bare = duplicate_with(event, ZX_RIGHT_NONE);
  char buffer[4] = "abc";
  size_t actual = 7;
  size_t avail = 8;
  assert_ok(zx_object_get_info(bare, ZX_INFO_HANDLE_VALID, buffer, 4, &actual, &avail));
  assert_ok(zx_object_get_info(bare, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL));
  assert_string_equal(buffer, "abc");
  assert_int_equal(actual, 7);
  assert_int_equal(avail, 8);
  const zx_handle_t bad[] = {ZX_HANDLE_INVALID, event & ~(zx_handle_t)1, event & ~(zx_handle_t)2,
                             dead_handle()};
  for (size_t i = 0; i < 4; i++) {
    assert_status(zx_object_get_info(bad[i], ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL),
                  ZX_ERR_BAD_HANDLE);
  }
  close_handle(bare);
  close_handle(event);
}

/* 4.1 */
static void basic_needs_no_right_and_count_needs_inspect(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t bare = duplicate_without(event, ZX_RIGHT_INSPECT);
  const zx_handle_t none = duplicate_with(event, ZX_RIGHT_NONE);
  zx_info_handle_count_t count;
  size_t actual = 7;
  size_t avail = 8;
  assert_int_equal(basic_info(none).rights, ZX_RIGHT_NONE);
  assert_status(
      zx_object_get_info(bare, ZX_INFO_HANDLE_COUNT, &count, sizeof count, &actual, &avail),
      ZX_ERR_ACCESS_DENIED);
  assert_status(zx_object_get_info(dead_handle(), ZX_INFO_HANDLE_COUNT, &count, sizeof count,
                                   &actual, &avail),
                ZX_ERR_BAD_HANDLE);
  assert_int_equal(actual, 7);
  assert_int_equal(avail, 8);
  const zx_handle_t all[] = {event, bare, none};
  assert_ok(zx_handle_close_many(all, 3));
}

/* 4.2 */
static void record_fits_or_does_not(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const struct {
    uint32_t topic;
    size_t size;
  } rows[] = {{ZX_INFO_HANDLE_BASIC, 32}, {ZX_INFO_HANDLE_COUNT, 4}};
  for (size_t i = 0; i < 2; i++) {
    const size_t size = rows[i].size;
    unsigned char buffer[96];
    unsigned char untouched[96];
    memset(buffer, 0x5a, sizeof buffer);
    memset(untouched, 0x5a, sizeof untouched);
    size_t actual = 7;
    size_t avail = 8;
    /* Too small, down to nothing at all. */
    assert_status(zx_object_get_info(event, rows[i].topic, buffer, size - 1, &actual, &avail),
                  ZX_ERR_BUFFER_TOO_SMALL);
    assert_int_equal(actual, 0);
    assert_int_equal(avail, 1);
    assert_memory_equal(buffer, untouched, sizeof buffer);
    actual = avail = 7;
    assert_status(zx_object_get_info(event, rows[i].topic, NULL, 0, &actual, &avail),
                  ZX_ERR_BUFFER_TOO_SMALL);
    assert_int_equal(actual, 0);
    assert_int_equal(avail, 1);
    assert_status(zx_object_get_info(event, rows[i].topic, buffer, 0, NULL, NULL),
                  ZX_ERR_BUFFER_TOO_SMALL);
    /* Large enough, but null. */
    actual = avail = 7;
    assert_status(zx_object_get_info(event, rows[i].topic, NULL, size, &actual, &avail),
                  ZX_ERR_INVALID_ARGS);
    assert_int_equal(actual, 7);
    assert_int_equal(avail, 7);
    /* Large enough, and larger: one record. */
    assert_ok(zx_object_get_info(event, rows[i].topic, buffer, sizeof buffer, &actual, &avail));
    assert_int_equal(actual, 1);
    assert_int_equal(avail, 1);
    assert_memory_equal(buffer + size, untouched, sizeof buffer - size);
    assert_ok(zx_object_get_info(event, rows[i].topic, buffer, size, NULL, &avail));
    assert_ok(zx_object_get_info(event, rows[i].topic, buffer, size, &actual, NULL));
  }
  close_handle(event);
}

/* 4.3 */
static void basic_info_tells_what_the_handle_is(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_info_handle_basic_t info = basic_info(event);
  assert_true(info.koid >= ZX_KOID_FIRST);
  assert_int_equal(info.koid >> 63, 0);
  assert_int_equal(info.rights, ZX_DEFAULT_EVENT_RIGHTS);
  assert_int_equal(info.type, ZX_OBJ_TYPE_EVENT);
  assert_int_equal(info.related_koid, 0);
  assert_int_equal(info.reserved, 0);
  close_handle(event);
}

/* 4.4 */
static void koids_are_unique_and_shared_by_handles(void** state) {
  (void)state;
  zx_koid_t last = 0;
  for (int i = 0; i < 100; i++) {
    const zx_handle_t event = make_event();
    const zx_handle_t other = duplicate_with(event, ZX_RIGHT_SAME_RIGHTS);
    const zx_koid_t koid = basic_info(event).koid;
    assert_int_equal(basic_info(other).koid, koid);
    assert_true(koid > last);
    last = koid;
    close_handle(event);
    close_handle(other);
  }
}

/* 4.4 */
static void related_koid_is_the_peers_for_good(void** state) {
  (void)state;
  zx_handle_t a;
  zx_handle_t b;
  make_pair(&a, &b);
  const zx_koid_t koid = basic_info(a).koid;
  assert_int_equal(basic_info(b).related_koid, koid);
  assert_int_equal(basic_info(a).related_koid, basic_info(b).koid);
  close_handle(a);
  assert_int_equal(basic_info(b).related_koid, koid);
  close_handle(b);
  const zx_handle_t port = make_port();
  assert_int_equal(basic_info(port).related_koid, 0);
  close_handle(port);
}

/* 4.5 */
static void count_counts_live_handles(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  zx_handle_t others[10];
  assert_int_equal(count_handles(event), 1);
  for (uint32_t i = 0; i < 10; i++) {
    others[i] = duplicate_with(event, ZX_RIGHT_SAME_RIGHTS);
    assert_int_equal(count_handles(others[i]), i + 2);
  }
  assert_ok(zx_handle_replace(others[0], ZX_RIGHT_NONE, &others[0]));
  assert_int_equal(count_handles(event), 11);
  assert_ok(zx_handle_close_many(others, 10));
  assert_int_equal(count_handles(event), 1);
  close_handle(event);
}

/* 4.5: a registered wait is no handle */
static void count_does_not_count_internal_references(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  assert_ok(zx_object_wait_async(event, port, 0, ZX_EVENT_SIGNALED, 0));
  assert_int_equal(count_handles(event), 1);
  assert_int_equal(count_handles(port), 1);
  close_handle(port);
  close_handle(event);
}

/* 14 */
static void topics_about_other_tasks_are_not_supported(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const uint32_t topics[] = {ZX_INFO_PROCESS_THREADS, ZX_INFO_JOB_CHILDREN, ZX_INFO_JOB_PROCESSES,
                             ZX_INFO_THREAD_STATS,    ZX_INFO_JOB,          ZX_INFO_TASK_RUNTIME};
  char buffer[256];
  for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
    assert_status(zx_object_get_info(dead_handle(), topics[i], buffer, sizeof buffer, NULL, NULL),
                  ZX_ERR_BAD_HANDLE);
    assert_status(zx_object_get_info(event, topics[i], buffer, sizeof buffer, NULL, NULL),
                  ZX_ERR_NOT_SUPPORTED);
  }
  close_handle(event);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(unknown_topic_is_found_before_the_handle),
      cmocka_unit_test(handle_valid_needs_no_right_and_leaves_all_alone),
      cmocka_unit_test(basic_needs_no_right_and_count_needs_inspect),
      cmocka_unit_test(record_fits_or_does_not),
      cmocka_unit_test(basic_info_tells_what_the_handle_is),
      cmocka_unit_test(koids_are_unique_and_shared_by_handles),
      cmocka_unit_test(related_koid_is_the_peers_for_good),
      cmocka_unit_test(count_counts_live_handles),
      cmocka_unit_test(count_does_not_count_internal_references),
      cmocka_unit_test(topics_about_other_tasks_are_not_supported),
  };
  return cmocka_run_group_tests_name("info", tests, NULL, NULL);
}
