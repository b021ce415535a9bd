/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of statuses, and the panic behind failed assertions. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zircon/assert.h>
#include <zircon/status.h>

#include "support.h"

/* objects.md 12 */
static void status_has_the_name_of_its_macro(void** state) {
  (void)state;
  assert_string_equal(zx_status_get_string(ZX_OK), "ZX_OK");
  assert_string_equal(zx_status_get_string(ZX_ERR_INTERNAL), "ZX_ERR_INTERNAL");
  assert_string_equal(zx_status_get_string(ZX_ERR_TIMED_OUT), "ZX_ERR_TIMED_OUT");
  assert_string_equal(zx_status_get_string(ZX_ERR_IO_DATA_INTEGRITY), "ZX_ERR_IO_DATA_INTEGRITY");
  assert_string_equal(zx_status_get_string(ZX_ERR_CONNECTION_ABORTED), "ZX_ERR_CONNECTION_ABORTED");
}

/* objects.md 12: every status from 0 down either has a name that begins like one, or has none */
static void value_without_a_name_is_unknown(void** state) {
  (void)state;
  const zx_status_t unnamed[] = {1, 42, -5, -9, -16, -100, INT32_MIN, INT32_MAX};
  for (size_t i = 0; i < sizeof unnamed / sizeof unnamed[0]; i++) {
    assert_string_equal(zx_status_get_string(unnamed[i]), "(UNKNOWN)");
  }
  unsigned named = 0;
  for (zx_status_t status = -80; status < 0; status++) {
    const char* name = zx_status_get_string(status);
    if (strcmp(name, "(UNKNOWN)") != 0) {
      assert_int_equal(strncmp(name, "ZX_ERR_", 7), 0);
      named++;
    }
  }
  assert_int_equal(named, 45);
}

static void panic_says_why_and_aborts(void** state) {
  (void)state;
  int pipe_ends[2];
  assert_int_equal(pipe(pipe_ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(pipe_ends[1], STDERR_FILENO);
    __zx_panic("so it is: %d\n", 42);
  }
  close(pipe_ends[1]);
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGABRT);
  char said[256] = {0};
  assert_true(read(pipe_ends[0], said, sizeof said - 1) > 0);
  close(pipe_ends[0]);
  assert_non_null(strstr(said, "so it is: 42"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(status_has_the_name_of_its_macro),
      cmocka_unit_test(value_without_a_name_is_unknown),
      cmocka_unit_test(panic_says_why_and_aborts),
  };
  return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
