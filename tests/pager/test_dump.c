/* SPDX-License-Identifier: BSD-3-Clause */
/* What zxp_dump and zxp_dump_on_signal tell (zircon/zxpager.h). */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zircon/syscalls.h>
#include <zircon/zxpager.h>

#include "fixture.h"
#include "worker.h"

static void expect_line(const char* text, const char* part) {
  if (strstr(text, part) == NULL) {
    check_fail("the dump does not say \"%s\":\n%s", part, text);
  }
}

static bool dump_says(const char* part) {
  char* text = NULL;
  size_t size = 0;
  FILE* out = open_memstream(&text, &size);
  zxp_dump(out);
  fclose(out);
  const bool says = strstr(text, part) != NULL;
  free(text);
  return says;
}

/* Page states as runs, the request, who waits for it and where */
BOTH_WAYS(a_dump_lists_states_requests_and_waiters) {
  struct root* v = make_root(8);
  supply(v, 2, 3, TAG);
  struct worker* t1 = start_touch(via, v, 6);
  expect_read(v, 6, 1);

  /* A lock that is held for a moment is skipped: the dump is taken again. */
  wait_until(dump_says("pages [2, 5) clean"));
  wait_until(dump_says("READ request, pages [6, 7), 1 unanswered, packet taken"));
  wait_until(dump_says(via == VIA_MAPPING ? "stopped by a load at" : "in zx_vmo_read"));
  wait_until(dump_says("libzxpager: ports"));

  supply(v, 6, 1, TAG);
  expect_ok(t1);
}

/* The text is written by a thread of the library, and the former handler comes back */
SCENARIO(a_signal_makes_the_library_dump) {
  int ends[2];
  struct sigaction before;
  struct sigaction after;
  sigaction(SIGUSR2, NULL, &before);
  check_equal(pipe(ends), 0);
  const int saved = dup(STDERR_FILENO);
  check_status(zxp_dump_on_signal(SIGKILL), ZX_ERR_INVALID_ARGS);
  check_status(zxp_dump_on_signal(-1), ZX_ERR_INVALID_ARGS);
  check_status(zxp_dump_on_signal(SIGUSR2), ZX_OK);
  dup2(ends[1], STDERR_FILENO);
  raise(SIGUSR2);
  char text[65536];
  size_t n = 0;
  text[0] = '\0';
  while (strstr(text, "libzxpager: ports") == NULL && n < sizeof text - 1) {
    const ssize_t got = read(ends[0], text + n, sizeof text - 1 - n);
    if (got <= 0) break;
    n += (size_t)got;
    text[n] = '\0';
  }
  check_status(zxp_dump_on_signal(0), ZX_OK);
  dup2(saved, STDERR_FILENO);
  close(saved);
  close(ends[0]);
  close(ends[1]);
  expect_line(text, "libzxpager: VMOs");
  expect_line(text, "libzxpager: ports");
  sigaction(SIGUSR2, NULL, &after);
  check_equal(after.sa_handler == before.sa_handler, true);
}

/* zircon/zxpager.h: outputs that are null */
SCENARIO(null_outputs_are_told) {
  check_status(zxp_probe(NULL), ZX_ERR_INVALID_ARGS);
  check_status(zxp_stats(NULL), ZX_ERR_INVALID_ARGS);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_BOTH_WAYS(a_dump_lists_states_requests_and_waiters),
      TEST(a_signal_makes_the_library_dump),
      TEST(null_outputs_are_told),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
