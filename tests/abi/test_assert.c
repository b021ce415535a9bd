/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The assertions of <zircon/assert.h>. What ends the process runs in a forked child, whose message
 * is read from a pipe.
 */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zircon/assert.h>

#include <cmocka.h>

static int evaluations;

static int count(int result) {
  evaluations++;
  return result;
}

/* Runs `body` in a child that is expected to panic, and puts what it wrote into `message`. */
static void expect_panic(void (*body)(void), char* message, size_t size) {
  int fds[2];
  assert_int_equal(pipe(fds), 0);
  fflush(NULL);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    /* The test framework and sanitizers would turn the signal into a report of their own. */
    signal(SIGABRT, SIG_DFL);
    dup2(fds[1], STDERR_FILENO);
    body();
    _exit(0);
  }
  close(fds[1]);
  size_t length = 0;
  ssize_t got;
  while (length < size - 1 && (got = read(fds[0], message + length, size - 1 - length)) > 0) {
    length += (size_t)got;
  }
  message[length] = '\0';
  close(fds[0]);
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) {
    fail_msg("the child did not abort: status 0x%x, message \"%s\"", (unsigned)status, message);
  }
}

static void expect_text(const char* message, const char* part) {
  if (strstr(message, part) == NULL) {
    fail_msg("\"%s\" is not in \"%s\"", part, message);
  }
}

/* ---- Assertions that hold ---- */

static void a_true_condition_is_evaluated_once_and_does_nothing(void** state) {
  (void)state;
  evaluations = 0;
  ZX_ASSERT(count(1));
  assert_int_equal(evaluations, 1);
  ZX_ASSERT_MSG(count(2), "no arguments");
  assert_int_equal(evaluations, 2);
  ZX_ASSERT_MSG(count(3), "argument %d", count(4));
  assert_int_equal(evaluations, 3);
}

static void an_assertion_is_one_statement(void** state) {
  (void)state;
  int reached = 0;
  if (evaluations >= 0)
    ZX_ASSERT(1);
  else
    ZX_ASSERT_MSG(0, "not reached");
  reached++;
  assert_int_equal(reached, 1);
}

static void a_pointer_is_a_condition(void** state) {
  (void)state;
  int* volatile pointer = &evaluations;
  ZX_ASSERT(pointer);
}

/* ---- Assertions that fail ---- */

static void fail_plainly(void) { ZX_ASSERT(count(0) == 5 % 3); }

static void a_false_condition_ends_the_process_and_is_shown(void** state) {
  (void)state;
  char message[1024];
  expect_panic(fail_plainly, message, sizeof(message));
  /* The condition's own percent sign is shown, not taken for a conversion. */
  expect_text(message, "count(0) == 5 % 3");
  expect_text(message, "test_assert.c");
}

static void fail_with_arguments(void) { ZX_ASSERT_MSG(count(0), "%s is %d", "the answer", 42); }

static void a_message_with_arguments_is_formatted(void** state) {
  (void)state;
  char message[1024];
  expect_panic(fail_with_arguments, message, sizeof(message));
  expect_text(message, "count(0)");
  expect_text(message, "the answer is 42");
}

static void fail_without_arguments(void) {
  ZX_ASSERT_MSG(0,
                "in two"
                " pieces");
}

static void a_message_without_arguments_is_shown_as_it_is(void** state) {
  (void)state;
  char message[1024];
  expect_panic(fail_without_arguments, message, sizeof(message));
  expect_text(message, "in two pieces\n");
}

static void panic_with_arguments(void) { ZX_PANIC("no way %c%d\n", 'x', -1); }
static void panic_without_arguments(void) { ZX_PANIC("no way out\n"); }

static void a_panic_shows_its_message(void** state) {
  (void)state;
  char message[1024];
  expect_panic(panic_with_arguments, message, sizeof(message));
  expect_text(message, "no way x-1");
  expect_panic(panic_without_arguments, message, sizeof(message));
  expect_text(message, "no way out");
}

/* ---- Debug assertions: the build runs this file without ZX_ASSERT_LEVEL, with 1 and with 2 ----
 */

#if !defined(ZX_ASSERT_LEVEL) || ZX_ASSERT_LEVEL < 2

static void debug_assertions_are_off_and_evaluate_nothing(void** state) {
  (void)state;
  assert_int_equal(ZX_DEBUG_ASSERT_IMPLEMENTED, 0);
  evaluations = 0;
  ZX_DEBUG_ASSERT(count(0));
  ZX_DEBUG_ASSERT_MSG(count(0), "nor the %d", count(0));
  assert_int_equal(evaluations, 0);
  /* These do not even look at their arguments. */
  ZX_DEBUG_ASSERT_COND(there is no such thing);
  ZX_DEBUG_ASSERT_MSG_COND(there is no such thing, nor this, nor that);
}

#else

static void fail_debug(void) { ZX_DEBUG_ASSERT(count(0)); }
static void fail_debug_message(void) { ZX_DEBUG_ASSERT_MSG(count(0), "debug %d", 1); }
static void fail_debug_condition(void) { ZX_DEBUG_ASSERT_COND(count(0)); }
static void fail_debug_message_condition(void) { ZX_DEBUG_ASSERT_MSG_COND(count(0), "debug 2"); }

static void debug_assertions_are_on_and_are_assertions(void** state) {
  (void)state;
  assert_int_equal(ZX_DEBUG_ASSERT_IMPLEMENTED, 1);
  evaluations = 0;
  ZX_DEBUG_ASSERT(count(1));
  ZX_DEBUG_ASSERT_MSG(count(1), "unused");
  ZX_DEBUG_ASSERT_COND(count(1));
  ZX_DEBUG_ASSERT_MSG_COND(count(1), "unused %d", 3);
  assert_int_equal(evaluations, 4);

  char message[1024];
  expect_panic(fail_debug, message, sizeof(message));
  expect_text(message, "count(0)");
  expect_panic(fail_debug_message, message, sizeof(message));
  expect_text(message, "debug 1");
  expect_panic(fail_debug_condition, message, sizeof(message));
  expect_text(message, "count(0)");
  expect_panic(fail_debug_message_condition, message, sizeof(message));
  expect_text(message, "debug 2");
}

#endif

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_true_condition_is_evaluated_once_and_does_nothing),
    cmocka_unit_test(an_assertion_is_one_statement),
    cmocka_unit_test(a_pointer_is_a_condition),
    cmocka_unit_test(a_false_condition_ends_the_process_and_is_shown),
    cmocka_unit_test(a_message_with_arguments_is_formatted),
    cmocka_unit_test(a_message_without_arguments_is_shown_as_it_is),
    cmocka_unit_test(a_panic_shows_its_message),
#if ZX_DEBUG_ASSERT_IMPLEMENTED
    cmocka_unit_test(debug_assertions_are_on_and_are_assertions),
#else
    cmocka_unit_test(debug_assertions_are_off_and_evaluate_nothing),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
