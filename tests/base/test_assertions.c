/* SPDX-License-Identifier: BSD-3-Clause */
/* Assertions of the library: what they say, and which builds have them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "child.h"
/* After the headers that it needs and does not include. */
#include <cmocka.h>

static int one = 1;
static int evaluated;

static int fail_always_on(void) {
  ZXP_ASSERT(one == 2);
  return 0;
}

static int fail_in_debug(void) {
  ZXP_DEBUG_ASSERT(one == 3);
  return 0;
}

static void a_failed_assertion_names_its_place(void** state) {
  (void)state;
  assert_dies(fail_always_on, "one == 2");
  assert_dies(fail_always_on, "test_assertions.c");
}

static void debug_assertions_fail_in_debug_builds_only(void** state) {
  (void)state;
  if (ZXP_DEBUG) {
    assert_dies(fail_in_debug, "one == 3");
  } else {
    assert_int_equal(child_run(fail_in_debug).exit_code, 0);
  }
}

static void an_assertion_that_holds_does_nothing(void** state) {
  (void)state;
  ZXP_ASSERT(one == 1);
  ZXP_DEBUG_ASSERT(one == 1);
}

static void a_condition_is_evaluated_once_or_not_at_all(void** state) {
  (void)state;
  ZXP_ASSERT(++evaluated > 0);
  assert_int_equal(evaluated, 1);
  ZXP_DEBUG_ASSERT(++evaluated > 0);
  assert_int_equal(evaluated, ZXP_DEBUG ? 2 : 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_failed_assertion_names_its_place),
      cmocka_unit_test(debug_assertions_fail_in_debug_builds_only),
      cmocka_unit_test(an_assertion_that_holds_does_nothing),
      cmocka_unit_test(a_condition_is_evaluated_once_or_not_at_all),
  };
  return cmocka_run_group_tests_name("assertions", tests, NULL, NULL);
}
