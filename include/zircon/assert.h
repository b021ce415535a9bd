/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Assertions for programs. ZX_ASSERT is always on. ZX_DEBUG_ASSERT is on where the build defines
 * ZX_ASSERT_LEVEL as 2 or more.
 */

#ifndef ZIRCON_ASSERT_H_
#define ZIRCON_ASSERT_H_

#include <zircon/compiler.h>

__BEGIN_CDECLS

/* Writes the message to the standard error output and ends the process with SIGABRT. */
void __zx_panic(const char* format, ...) __NO_RETURN __PRINTFLIKE(1, 2);

__END_CDECLS

/* ZX_PANIC(format, ...) */
#define ZX_PANIC(...) __zx_panic(__VA_ARGS__)

#ifdef ZX_ASSERT_LEVEL
#define ZX_DEBUG_ASSERT_IMPLEMENTED (ZX_ASSERT_LEVEL > 1)
#else
#define ZX_DEBUG_ASSERT_IMPLEMENTED 0
#endif

/* The condition. In C++ it is written bare, so that it may declare: ZX_ASSERT(auto p = Find()). */
#ifdef __cplusplus
#define __ZX_ASSERT_TEST(x) if (x)
#else
#define __ZX_ASSERT_TEST(x) if (likely(x))
#endif

/* ZX_ASSERT(condition) */
#define ZX_ASSERT(x)                                                             \
  do {                                                                           \
    __ZX_ASSERT_TEST(x) {}                                                       \
    else {                                                                       \
      __zx_panic("ASSERT FAILED at (%s:%d): %s\n", __FILE__, (int)__LINE__, #x); \
    }                                                                            \
  } while (0)

/*
 * The message of ZX_ASSERT_MSG is pasted onto the format, and its arguments follow those of the
 * assertion. C11 cannot drop the comma before an empty list, so a last argument is always added: a
 * 0 that "%.0d" prints as nothing.
 */
#define __ZX_ASSERT_FIRST(first, ...) first
#define __ZX_ASSERT_REST(first, ...)  __VA_ARGS__

/* ZX_ASSERT_MSG(condition, message, ...) */
#define ZX_ASSERT_MSG(x, ...)                                                                 \
  do {                                                                                        \
    __ZX_ASSERT_TEST(x) {}                                                                    \
    else {                                                                                    \
      __zx_panic("ASSERT FAILED at (%s:%d): %s\n" __ZX_ASSERT_FIRST(__VA_ARGS__, 0) "%.0d\n", \
                 __FILE__, (int)__LINE__, #x, __ZX_ASSERT_REST(__VA_ARGS__, 0));              \
    }                                                                                         \
  } while (0)

/* Where debug assertions are off, the condition is compiled all the same, but not evaluated. */
#define ZX_DEBUG_ASSERT(x)             \
  do {                                 \
    if (ZX_DEBUG_ASSERT_IMPLEMENTED) { \
      ZX_ASSERT(x);                    \
    }                                  \
  } while (0)

#define ZX_DEBUG_ASSERT_MSG(x, ...)    \
  do {                                 \
    if (ZX_DEBUG_ASSERT_IMPLEMENTED) { \
      ZX_ASSERT_MSG(x, __VA_ARGS__);   \
    }                                  \
  } while (0)

/* Where debug assertions are off, the condition is not even compiled. */
#if ZX_DEBUG_ASSERT_IMPLEMENTED
#define ZX_DEBUG_ASSERT_COND(x)          ZX_DEBUG_ASSERT(x)
#define ZX_DEBUG_ASSERT_MSG_COND(x, ...) ZX_DEBUG_ASSERT_MSG(x, __VA_ARGS__)
#else
#define ZX_DEBUG_ASSERT_COND(x) \
  do {                          \
  } while (0)
#define ZX_DEBUG_ASSERT_MSG_COND(x, ...) \
  do {                                   \
  } while (0)
#endif

#endif  // ZIRCON_ASSERT_H_
