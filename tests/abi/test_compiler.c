/* SPDX-License-Identifier: BSD-3-Clause */

/* The macros of <zircon/compiler.h>, each used as programs use it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zircon/compiler.h>

#include <cmocka.h>

/* ---- Attributes: that they are accepted where they are put is most of the test ---- */

__BEGIN_CDECLS
int compiler_exported(void) __EXPORT;
__END_CDECLS

static int noinline_function(void) __NO_INLINE;
static int unused_function(void) __UNUSED;
static int pure_function(const char* text) __PURE;
static int const_function(int n) __CONST __WARN_UNUSED_RESULT;
static int format_function(char* out, size_t size, const char* format, ...) __PRINTFLIKE(3, 4);
static int scan_function(const char* text, const char* format, ...) __SCANFLIKE(2, 3);
static size_t nonnull_function(const char* a, const char* b) __NONNULL((1, 2));
static int emitted_function(void) __ALWAYS_EMIT;
static int optimized_function(void) __OPTIMIZE("O1");
static int unprotected_function(void) __NO_SAFESTACK;
int compiler_weak(void) __WEAK __LOCAL;
int compiler_alias(void) __ALIAS("compiler_exported");
int compiler_weak_alias(void) __WEAK_ALIAS("compiler_exported");
int compiler_leaf(void) __LEAF_FN;
int compiler_visible(void) __EXTERNALLY_VISIBLE;
void* compiler_malloc(size_t size) __MALLOC __ALLOC_SIZE(1);
void* compiler_calloc(size_t count, size_t size) __MALLOC __ALLOC_SIZE(1, 2);
void compiler_sink(void) __ANALYZER_CREATE_SINK;
int compiler_old(void) __DEPRECATE;
void compiler_exit(void) __NO_RETURN;

int compiler_exported(void) { return 17; }
int compiler_weak(void) { return 18; }
int compiler_leaf(void) { return 19; }
int compiler_visible(void) { return 20; }

static int noinline_function(void) { return 1; }
static int unused_function(void) { return 2; }
static int pure_function(const char* text) { return (int)strlen(text); }
static int const_function(int n) { return n + 1; }
static int format_function(char* out, size_t size, const char* format, ...) {
  va_list args;
  va_start(args, format);
  const int length = vsnprintf(out, size, format, args);
  va_end(args);
  return length;
}
static int scan_function(const char* text, const char* format, ...) {
  va_list args;
  va_start(args, format);
  const int count = vsscanf(text, format, args);
  va_end(args);
  return count;
}
static size_t nonnull_function(const char* a, const char* b) { return strlen(a) + strlen(b); }
static int emitted_function(void) { return 3; }
static int optimized_function(void) { return 4; }
static int unprotected_function(void) { return 5; }
__ALWAYS_INLINE static inline int inlined_function(void) { return 6; }

static int in_section __SECTION("zxp_test_section") = 7;
static __THREAD int per_thread = 8;

typedef struct {
  uint8_t byte;
  uint64_t word;
} __PACKED packed_t;

typedef struct {
  uint8_t byte;
} __ALIGNED(64) aligned_t;

static void attributes_on_functions_are_accepted(void** state) {
  (void)state;
  char text[16];
  int number = 0;
  assert_int_equal(noinline_function(), 1);
  assert_int_equal(pure_function("four"), 4);
  assert_int_equal(const_function(4), 5);
  assert_int_equal(format_function(text, sizeof(text), "%d-%s", 5, "x"), 3);
  assert_string_equal(text, "5-x");
  assert_int_equal(scan_function("12", "%d", &number), 1);
  assert_int_equal(number, 12);
  assert_int_equal(nonnull_function("a", "bc"), 3);
  assert_int_equal(optimized_function() + unprotected_function() + inlined_function(), 15);
}

static void symbols_have_their_aliases(void** state) {
  (void)state;
  assert_int_equal(compiler_alias(), 17);
  assert_int_equal(compiler_weak_alias(), 17);
  assert_int_equal(compiler_weak(), 18);
  assert_int_equal(compiler_leaf(), 19);
  assert_int_equal(compiler_visible(), 20);
}

static void data_is_laid_out_as_told(void** state) {
  (void)state;
  assert_int_equal(sizeof(packed_t), 9);
  assert_int_equal(__offsetof(packed_t, word), 1);
  assert_int_equal(_Alignof(aligned_t), 64);
  assert_int_equal(in_section, 7);
  assert_int_equal(per_thread, 8);
}

/* ---- Expressions ---- */

static void overflow_is_told_and_the_result_wraps(void** state) {
  (void)state;
  uint32_t u = 0;
  int64_t s = 0;
  assert_false(add_overflow(1u, 2u, &u));
  assert_int_equal(u, 3);
  assert_true(add_overflow(UINT32_MAX, 1u, &u));
  assert_int_equal(u, 0);
  assert_true(sub_overflow(0u, 1u, &u));
  assert_int_equal(u, UINT32_MAX);
  assert_true(mul_overflow(INT64_MAX, INT64_C(2), &s));
  assert_int_equal(s, -2);
  assert_false(mul_overflow(INT64_C(-3), INT64_C(2), &s));
  assert_int_equal(s, -6);
}

static void branch_hints_keep_the_truth_value(void** state) {
  (void)state;
  assert_int_equal(likely(5), 1);
  assert_int_equal(unlikely(5), 1);
  assert_int_equal(likely(0), 0);
  assert_int_equal(unlikely(NULL), 0);
}

static void constants_are_recognised(void** state) {
  (void)state;
  volatile int variable = 3;
  assert_true(__ISCONSTANT(3));
  assert_false(__ISCONSTANT(variable));
  assert_non_null(__GET_CALLER());
  assert_non_null(__GET_FRAME());
  assert_non_null(__GET_CALLER(state));
}

static int classify(int n) {
  int result = 0;
  switch (n) {
    case 0:
      result++;
      __FALLTHROUGH;
    case 1:
      result++;
      break;
    case 2:
      return 10;
    default:
      __UNREACHABLE;
  }
  return result;
}

static void cases_fall_through_where_told(void** state) {
  (void)state;
  assert_int_equal(classify(0), 2);
  assert_int_equal(classify(1), 1);
  assert_int_equal(classify(2), 10);
}

static void locals_may_be_left_uninitialized(void** state) {
  (void)state;
  int array[4] __UNINITIALIZED;
  array[2] = 9;
  assert_int_equal(array[2], 9);
}

/* ---- What a compiler may lack can still be asked for ---- */

#if __has_feature(there_is_no_such_feature)
#error __has_feature
#endif
#if __has_cpp_attribute(there_is_no_such_attribute)
#error __has_cpp_attribute
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(attributes_on_functions_are_accepted),
      cmocka_unit_test(symbols_have_their_aliases),
      cmocka_unit_test(data_is_laid_out_as_told),
      cmocka_unit_test(overflow_is_told_and_the_result_wraps),
      cmocka_unit_test(branch_hints_keep_the_truth_value),
      cmocka_unit_test(constants_are_recognised),
      cmocka_unit_test(cases_fall_through_where_told),
      cmocka_unit_test(locals_may_be_left_uninitialized),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
