/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Assertions about the library itself.
 *
 * A caller's mistake is always a zx_status_t; these are for invariants of ours. Two levels:
 *
 *   ZXP_ASSERT        always on. Guards memory safety: going on would corrupt somebody's data.
 *   ZXP_DEBUG_ASSERT  on unless NDEBUG. Checks beliefs, may walk whole structures.
 */
#ifndef ZXP_BASE_ASSERT_H_
#define ZXP_BASE_ASSERT_H_

#include <stdnoreturn.h>

/* Prints the message with its place to stderr and aborts. Async-signal-safe. */
noreturn void zxp_assert_failed(const char* file, int line, const char* what);

#define ZXP_ASSERT(cond)                            \
  do {                                              \
    if (__builtin_expect(!(cond), 0)) {             \
      zxp_assert_failed(__FILE__, __LINE__, #cond); \
    }                                               \
  } while (0)

#ifdef NDEBUG
/* Compiled, so that what only assertions call is not an unused function, and never run. */
#define ZXP_DEBUG_ASSERT(cond) \
  do {                         \
    if (0) (void)(cond);       \
  } while (0)
#define ZXP_DEBUG 0
#else
#define ZXP_DEBUG_ASSERT(cond) ZXP_ASSERT(cond)
#define ZXP_DEBUG              1
#endif

#endif /* ZXP_BASE_ASSERT_H_ */
