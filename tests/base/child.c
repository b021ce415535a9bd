/* SPDX-License-Identifier: BSD-3-Clause */
#include "child.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
/* After the headers that it needs and does not include. */
#include <cmocka.h>

/* Standard error of the child becomes the write end. */
static void become_child(const int ends[2]) {
  const struct rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  dup2(ends[1], STDERR_FILENO);
  close(ends[0]);
  close(ends[1]);
}

static struct child_end collect(pid_t child, const int ends[2]) {
  struct child_end end = {.exit_code = -1};
  close(ends[1]);
  for (;;) {
    const ssize_t n = read(ends[0], end.text + end.length, sizeof end.text - 1 - end.length);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      break;
    }
    end.length += (size_t)n;
  }
  close(ends[0]);
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (WIFEXITED(status)) {
    end.exit_code = WEXITSTATUS(status);
  } else {
    end.signal = WTERMSIG(status);
  }
  return end;
}

struct child_end child_run(int (*f)(void)) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  fflush(NULL);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    become_child(ends);
    _exit(f());
  }
  return collect(child, ends);
}

struct child_end child_exec(const char* argument, const char* name, const char* value) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  fflush(NULL);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    become_child(ends);
    if (value == NULL) {
      unsetenv(name);
    } else {
      setenv(name, value, 1);
    }
    execl("/proc/self/exe", "test", argument, (char*)NULL);
    _exit(127);
  }
  return collect(child, ends);
}

void assert_dies(int (*f)(void), const char* what) {
  const struct child_end end = child_run(f);
  if (end.signal != SIGABRT || strstr(end.text, "assertion failed") == NULL ||
      strstr(end.text, what) == NULL) {
    fail_msg("exit code %d, signal %d, no word of \"%s\": %s", end.exit_code, end.signal, what,
             end.text);
  }
}
