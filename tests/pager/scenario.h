/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scenarios: tests that may hang or die, each run in a child process of its own.
 *
 *   scenario   one CMocka test; its body runs in a forked child
 *   check_*    what a body asserts with; the first that fails ends the child
 *
 * The test program itself never calls the library, which does not support fork with live objects:
 * each child starts with a library that nobody has used, makes what it needs (fixture.h), runs the
 * body, and must leave descriptors, threads and mappings as they were. A child that hangs is ended
 * by a watchdog, which prints zxp_dump first. What a child has to say comes back through a pipe and
 * becomes the CMocka failure.
 *
 *   SCENARIO(a_load_asks_for_one_page) { ... }         defines a test
 *   BOTH_WAYS(a_touch_asks_for_one_page) { ... via ... }  defines two: through a mapping, through
 * calls
 *
 *   int main(int argc, char** argv) {
 *     const struct CMUnitTest tests[] = {TEST(...), TEST_BOTH_WAYS(...)};
 *     return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
 *   }
 *
 * A program takes a CMocka filter as argument ('*zero*'). With ZXP_NO_FORK=1 the body runs in the
 * program itself, for a debugger.
 */
#ifndef ZXP_TESTS_PAGER_SCENARIO_H_
#define ZXP_TESTS_PAGER_SCENARIO_H_

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

/* CMocka needs the four headers above. */
#include <cmocka.h>
#include <zircon/types.h>

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#elif __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif
#define UNDER_SANITIZER (UNDER_ASAN || UNDER_TSAN)

/* Seconds until a scenario counts as hung. Sanitizers slow the library down several times. */
#define SCENARIO_LIMIT (UNDER_SANITIZER ? 60 : 20)

/* Seconds that one expected event may take. */
#define EVENT_LIMIT (SCENARIO_LIMIT / 2)

/* How an access is made. */
enum via {
  VIA_MAPPING, /* loads and stores */
  VIA_CALLS,   /* zx_vmo_read and zx_vmo_write */
};

typedef void (*scenario_body)(const void* context);

/*
 * Runs `body` in a child and fails the current CMocka test if it failed, or skips it if the child
 * asked for that. `death` is 0, or the signal that the child has to die of.
 */
void scenario_run(scenario_body body, const void* context, int death);

int scenario_main(const struct CMUnitTest* tests, size_t count, int argc, char** argv);

/* Added to SCENARIO_LIMIT by a program whose scenarios run as long as the user says. */
extern unsigned scenario_extra_seconds;

/* Where in the sources an expectation stands. */
struct place {
  const char* file;
  int line;
};
#define HERE ((struct place){__FILE__, __LINE__})

/* Ends the child: the test fails. Any thread. */
noreturn __attribute__((format(printf, 2, 3))) void scenario_fail(struct place place,
                                                                  const char* format, ...);

/* Ends the child: the test is skipped, for the reason given. */
noreturn void scenario_skip(const char* reason);

/* ---- Defining tests ---- */

#define SCENARIO_DYING_OF(death, name)                                                     \
  static void name##_body(void);                                                           \
  static void name##_entry(const void* context __attribute__((unused))) { name##_body(); } \
  static void name(void** state __attribute__((unused))) {                                 \
    scenario_run(name##_entry, NULL, (death));                                             \
  }                                                                                        \
  static void name##_body(void)

#define SCENARIO(name) SCENARIO_DYING_OF(0, name)

#define BOTH_WAYS(name)                                                      \
  static void name##_body(enum via via);                                     \
  static void name##_entry(const void* context) {                            \
    const enum via via = *(const enum via*)context;                          \
    if (via == VIA_MAPPING) need_mappings();                                 \
    name##_body(via);                                                        \
  }                                                                          \
  static void name##_through_mapping(void** state __attribute__((unused))) { \
    const enum via via = VIA_MAPPING;                                        \
    scenario_run(name##_entry, &via, 0);                                     \
  }                                                                          \
  static void name##_through_calls(void** state __attribute__((unused))) {   \
    const enum via via = VIA_CALLS;                                          \
    scenario_run(name##_entry, &via, 0);                                     \
  }                                                                          \
  static void name##_body(enum via via)

#define TEST(name)           cmocka_unit_test(name)
#define TEST_BOTH_WAYS(name) TEST(name##_through_mapping), TEST(name##_through_calls)

/* ---- Asserting, in the child's main thread ---- */

#define check_fail(...) scenario_fail(HERE, __VA_ARGS__)

#define check_true(condition)                            \
  do {                                                   \
    if (!(condition)) check_fail("not so: " #condition); \
  } while (0)

#define check_status(expression, expected) \
  check_status_at(HERE, #expression, (expression), (expected))

#define check_ok(expression) check_status(expression, ZX_OK)

/* Unsigned numbers, printed in decimal and hexadecimal. */
#define check_equal(actual, expected) \
  check_equal_at(HERE, #actual, (uint64_t)(actual), (uint64_t)(expected))

void check_status_at(struct place place, const char* what, zx_status_t actual,
                     zx_status_t expected);
void check_equal_at(struct place place, const char* what, uint64_t actual, uint64_t expected);

/* ---- Waiting ---- */

/* A moment from which time runs. */
struct limit {
  int64_t at; /* nanoseconds of CLOCK_MONOTONIC */
};

/* `seconds` from now. */
struct limit limit_in(double seconds);

/* Whether the limit has passed; if not, gives way to other threads for a moment. */
bool limit_passed(const struct limit* limit);

/*
 * Waits until the condition holds; fails the scenario after EVENT_LIMIT seconds. For events that
 * have no descriptor or semaphore to sleep on, such as a counter of the library that grows.
 */
#define wait_until(condition) wait_until_at(HERE, condition)
#define wait_until_at(place, condition)                                                     \
  do {                                                                                      \
    const struct limit wait_limit = limit_in(EVENT_LIMIT);                                  \
    while (!(condition)) {                                                                  \
      if (limit_passed(&wait_limit)) scenario_fail((place), "did not happen: " #condition); \
    }                                                                                       \
  } while (0)

#endif /* ZXP_TESTS_PAGER_SCENARIO_H_ */
