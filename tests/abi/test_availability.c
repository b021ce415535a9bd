/* SPDX-License-Identifier: BSD-3-Clause */

/* The comparisons of API levels, without a level and with one. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/availability.h>

#include <cmocka.h>

#ifndef __Fuchsia_API_level__

#if !FUCHSIA_API_LEVEL_AT_LEAST(27) || !FUCHSIA_API_LEVEL_AT_LEAST(NEXT) || \
    !FUCHSIA_API_LEVEL_AT_LEAST(HEAD) || FUCHSIA_API_LEVEL_AT_LEAST(PLATFORM)
#error without a level, everything up to HEAD is there
#endif
#if FUCHSIA_API_LEVEL_LESS_THAN(HEAD) || !FUCHSIA_API_LEVEL_LESS_THAN(PLATFORM) || \
    !FUCHSIA_API_LEVEL_AT_MOST(HEAD) || FUCHSIA_API_LEVEL_AT_MOST(NEXT)
#error without a level, it is HEAD
#endif

#elif __Fuchsia_API_level__ == 27

#if !FUCHSIA_API_LEVEL_AT_LEAST(27) || FUCHSIA_API_LEVEL_AT_LEAST(28) || \
    FUCHSIA_API_LEVEL_AT_LEAST(HEAD) || FUCHSIA_API_LEVEL_AT_LEAST(NEXT)
#error at least
#endif
#if FUCHSIA_API_LEVEL_LESS_THAN(27) || !FUCHSIA_API_LEVEL_LESS_THAN(28) || \
    !FUCHSIA_API_LEVEL_LESS_THAN(HEAD)
#error less than
#endif
#if !FUCHSIA_API_LEVEL_AT_MOST(27) || FUCHSIA_API_LEVEL_AT_MOST(26) || \
    !FUCHSIA_API_LEVEL_AT_MOST(PLATFORM)
#error at most
#endif

#else
#error the build runs this with level 27 and with none
#endif

/* The marks may stand behind any declaration. */
static int added(void) ZX_AVAILABLE_SINCE(7);
static int deprecated(void) ZX_DEPRECATED_SINCE(7, HEAD, "Use another.");
static int removed(void) ZX_REMOVED_SINCE(7, 12, NEXT, "Use another.");
static int added(void) { return 1; }
static int deprecated(void) { return 2; }
static int removed(void) { return 3; }

static void marks_expand_to_nothing(void** state) {
  (void)state;
  assert_int_equal(added() + deprecated() + removed(), 6);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(marks_expand_to_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
