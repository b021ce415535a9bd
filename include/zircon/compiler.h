/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Names for what compilers spell differently: attributes, builtins, linkage. Each expands to
 * nothing where the compiler (gcc or clang, C or C++) does not have it.
 */

#ifndef ZIRCON_COMPILER_H_
#define ZIRCON_COMPILER_H_

/* Older compilers lack these operators; the names stay usable in #if. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#ifndef __has_cpp_attribute
#define __has_cpp_attribute(x) 0
#endif

/* ---- Languages ---- */

#ifdef __cplusplus
#define __BEGIN_CDECLS extern "C" {
#define __END_CDECLS   }
#define __CONSTEXPR    constexpr
#else
#define __BEGIN_CDECLS
#define __END_CDECLS
#define __CONSTEXPR
#endif

/* ---- Functions ---- */

#define __NO_INLINE             __attribute__((__noinline__))
#define __ALWAYS_INLINE         __attribute__((__always_inline__))
#define __NO_RETURN             __attribute__((__noreturn__))
#define __WARN_UNUSED_RESULT    __attribute__((__warn_unused_result__))
#define __DEPRECATE             __attribute__((__deprecated__))
#define __PURE                  __attribute__((__pure__))
#define __CONST                 __attribute__((__const__))
#define __MALLOC                __attribute__((__malloc__))
#define __PRINTFLIKE(fmt, args) __attribute__((__format__(__printf__, fmt, args)))
#define __SCANFLIKE(fmt, args)  __attribute__((__format__(__scanf__, fmt, args)))
/* The argument is a list in parentheses: __NONNULL((1, 3)). */
#define __NONNULL(list) __attribute__((__nonnull__ list))
#define __LEAF_FN       __attribute__((__leaf__))

#ifdef __clang__
#define __ALLOC_SIZE(...) __attribute__((__alloc_size__(__VA_ARGS__)))
#define __OPTIMIZE(flags)
#define __NO_SAFESTACK         __attribute__((__no_sanitize__("safe-stack", "shadow-call-stack")))
#define __ANALYZER_CREATE_SINK __attribute__((__analyzer_noreturn__))
#define __EXTERNALLY_VISIBLE
#else
#define __ALLOC_SIZE(...)
#define __OPTIMIZE(flags) __attribute__((__optimize__(flags)))
#define __NO_SAFESTACK
#define __ANALYZER_CREATE_SINK
#define __EXTERNALLY_VISIBLE __attribute__((__externally_visible__))
#endif

/* ---- Data and types ---- */

/* C++ has [[maybe_unused]] for it, but older C++ code uses this name too. */
#define __UNUSED         __attribute__((__unused__))
#define __PACKED         __attribute__((__packed__))
#define __ALIGNED(bytes) __attribute__((__aligned__(bytes)))
#define __THREAD         __thread

#if defined(__clang__) && __has_attribute(__uninitialized__)
#define __UNINITIALIZED __attribute__((__uninitialized__))
#else
#define __UNINITIALIZED
#endif

#ifdef __cplusplus
#define __WARN_UNUSED_CONSTRUCTOR [[nodiscard]]
#endif

#if defined(__cplusplus) && __has_cpp_attribute(no_unique_address)
#define __NO_UNIQUE_ADDRESS [[no_unique_address]]
#else
#define __NO_UNIQUE_ADDRESS
#endif

#if defined(__cpp_constinit)
#define __CONSTINIT constinit
#elif defined(__cplusplus) && defined(__clang__)
#define __CONSTINIT [[clang::require_constant_initialization]]
#elif defined(__cplusplus) && defined(__GNUC__) && __GNUC__ >= 10
#define __CONSTINIT __constinit
#else
#define __CONSTINIT
#endif

#if defined(__cplusplus) && defined(__clang__)
#define __OWNER(type)   [[gsl::Owner(type)]]
#define __POINTER(type) [[gsl::Pointer(type)]]
#else
#define __OWNER(type)
#define __POINTER(type)
#endif

/* ---- Symbols ---- */

#define __ALIAS(name)      __attribute__((__alias__(name)))
#define __SECTION(name)    __attribute__((__section__(name)))
#define __WEAK             __attribute__((__weak__))
#define __WEAK_ALIAS(name) __attribute__((__weak__, __alias__(name)))
#define __ALWAYS_EMIT      __attribute__((__used__))
#define __EXPORT           __attribute__((__visibility__("default")))
#define __LOCAL            __attribute__((__visibility__("hidden")))

/* ---- Control flow ---- */

/* Function-like, so that the attributes [[likely]] and [[unlikely]] of C++20 still mean themselves.
 */
#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#endif
#ifndef unlikely
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif

#define __UNREACHABLE __builtin_unreachable()

#ifdef __cplusplus
#define __FALLTHROUGH [[fallthrough]]
#else
#define __FALLTHROUGH __attribute__((__fallthrough__))
#endif

/* ---- Builtins ---- */

/* The argument of the first two is there for the sake of old code, and ignored. */
#define __GET_CALLER(x)            __builtin_return_address(0)
#define __GET_FRAME(x)             __builtin_frame_address(0)
#define __ISCONSTANT(x)            __builtin_constant_p(x)
#define __offsetof(type, field)    __builtin_offsetof(type, field)
#define add_overflow(a, b, result) __builtin_add_overflow(a, b, result)
#define sub_overflow(a, b, result) __builtin_sub_overflow(a, b, result)
#define mul_overflow(a, b, result) __builtin_mul_overflow(a, b, result)

/* ---- Lock annotations ---- */

/*
 * clang checks them where the C++ library's own locks are annotated (libc++ with
 * _LIBCPP_ENABLE_THREAD_SAFETY_ANNOTATIONS); elsewhere they would only give false warnings.
 */
#if defined(__clang__) && defined(_LIBCPP_ENABLE_THREAD_SAFETY_ANNOTATIONS)
#define __THREAD_ANNOTATION(x) __attribute__((x))
#else
#define __THREAD_ANNOTATION(x)
#endif

#define __TA_CAPABILITY(x)       __THREAD_ANNOTATION(__capability__(x))
#define __TA_SCOPED_CAPABILITY   __THREAD_ANNOTATION(__scoped_lockable__)
#define __TA_GUARDED(x)          __THREAD_ANNOTATION(__guarded_by__(x))
#define __TA_ACQUIRE(...)        __THREAD_ANNOTATION(__acquire_capability__(__VA_ARGS__))
#define __TA_ACQUIRE_SHARED(...) __THREAD_ANNOTATION(__acquire_shared_capability__(__VA_ARGS__))
#define __TA_TRY_ACQUIRE(...)    __THREAD_ANNOTATION(__try_acquire_capability__(__VA_ARGS__))
#define __TA_TRY_ACQUIRE_SHARED(...) \
  __THREAD_ANNOTATION(__try_acquire_shared_capability__(__VA_ARGS__))
#define __TA_ACQUIRED_BEFORE(...) __THREAD_ANNOTATION(__acquired_before__(__VA_ARGS__))
#define __TA_ACQUIRED_AFTER(...)  __THREAD_ANNOTATION(__acquired_after__(__VA_ARGS__))
#define __TA_RELEASE(...)         __THREAD_ANNOTATION(__release_capability__(__VA_ARGS__))
#define __TA_RELEASE_SHARED(...)  __THREAD_ANNOTATION(__release_shared_capability__(__VA_ARGS__))
#define __TA_REQUIRES(...)        __THREAD_ANNOTATION(__requires_capability__(__VA_ARGS__))
#define __TA_REQUIRES_SHARED(...) __THREAD_ANNOTATION(__requires_shared_capability__(__VA_ARGS__))
#define __TA_EXCLUDES(...)        __THREAD_ANNOTATION(__locks_excluded__(__VA_ARGS__))
#define __TA_ASSERT(...)          __THREAD_ANNOTATION(__assert_capability__(__VA_ARGS__))
#define __TA_ASSERT_SHARED(...)   __THREAD_ANNOTATION(__assert_shared_capability__(__VA_ARGS__))

#define __TA_RETURN_CAPABILITY(x)      __THREAD_ANNOTATION(__lock_returned__(x))
#define __TA_NO_THREAD_SAFETY_ANALYSIS __THREAD_ANNOTATION(__no_thread_safety_analysis__)

#endif  // ZIRCON_COMPILER_H_
