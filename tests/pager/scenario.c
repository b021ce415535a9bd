/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zircon/status.h>
#include <zircon/zxpager.h>

#include "fixture.h"

/* Exit statuses of a child. */
enum {
  CHILD_PASSED = 0,
  CHILD_FAILED = 1,
  CHILD_SKIPPED = 77, /* as Meson has it for whole programs */
};

#define MESSAGE_SIZE 2048

/* Seconds between the watchdog's end and the alarm that ends a child whose watchdog hangs too. */
#define GRACE 10

/* Where a child writes its message; -1 in a program that does not fork. */
static int message_fd = -1;

/* What the tests of this program came to: a program all of whose tests were skipped exits with 77.
 */
static unsigned tests_run;
static unsigned tests_skipped;

unsigned scenario_extra_seconds;

static unsigned limit_seconds(void) { return SCENARIO_LIMIT + scenario_extra_seconds; }

static void say(const char* message) {
  if (message_fd < 0) {
    fprintf(stderr, "%s\n", message);
    return;
  }
  /* The pipe holds more than one message; a parent that has gone needs none. */
  if (write(message_fd, message, strlen(message)) < 0) perror("message to the test program");
}

noreturn static void end_child(int status) {
  if (message_fd < 0 && status == CHILD_FAILED) abort();
  fflush(NULL);
  _exit(status);
}

void scenario_fail(struct place place, const char* format, ...) {
  char message[MESSAGE_SIZE];
  const char* slash = strrchr(place.file, '/');
  const int n = snprintf(message, sizeof(message),
                         "%s:%d: ", slash != NULL ? slash + 1 : place.file, place.line);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message + n, sizeof(message) - (size_t)n, format, arguments);
  va_end(arguments);
  say(message);
  end_child(CHILD_FAILED);
}

void scenario_skip(const char* reason) {
  say(reason);
  end_child(CHILD_SKIPPED);
}

void check_status_at(struct place place, const char* what, zx_status_t actual,
                     zx_status_t expected) {
  if (actual == expected) return;
  scenario_fail(place, "%s gave %s (%d), not %s (%d)", what, zx_status_get_string(actual), actual,
                zx_status_get_string(expected), expected);
}

void check_equal_at(struct place place, const char* what, uint64_t actual, uint64_t expected) {
  if (actual == expected) return;
  scenario_fail(place, "%s is %llu (0x%llx), not %llu (0x%llx)", what, (unsigned long long)actual,
                (unsigned long long)actual, (unsigned long long)expected,
                (unsigned long long)expected);
}

static int64_t now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

struct limit limit_in(double seconds) {
  return (struct limit){.at = now() + (int64_t)(seconds * 1e9)};
}

bool limit_passed(const struct limit* limit) {
  if (now() >= limit->at) return true;
  /* Long enough to let a thread on the same core run, short against what is waited for. */
  nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
  return false;
}

/* ---- The child ---- */

static sem_t watchdog_off;

static void* watchdog(void* unused) {
  (void)unused;
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += limit_seconds();
  while (sem_timedwait(&watchdog_off, &end) != 0) {
    if (errno == EINTR) continue;
    zxp_dump(stderr);
    scenario_fail(HERE, "hung for %u s", limit_seconds());
  }
  return NULL;
}

static pthread_t watchdog_start(void) {
  /* The last resort, should the dump hang as well. */
  alarm(limit_seconds() + GRACE);
  sem_init(&watchdog_off, 0, 0);

  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  const int error = pthread_create(&thread, NULL, watchdog, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error != 0) check_fail("watchdog: %s", strerror(error));
  return thread;
}

static void watchdog_stop(pthread_t thread) {
  sem_post(&watchdog_off);
  pthread_join(thread, NULL);
  sem_destroy(&watchdog_off);
  alarm(0);
}

static void child_main(scenario_body body, const void* context) {
  /* Some children have to die; nobody looks at what they leave. */
  setrlimit(RLIMIT_CORE, &(struct rlimit){0});
  const pthread_t thread = watchdog_start();
  fixture_begin();
  body(context);
  fixture_end();
  watchdog_stop(thread);
}

/* ---- The test program ---- */

static void read_message(int fd, char* message, size_t size) {
  size_t n = 0;
  while (n < size - 1) {
    const ssize_t got = read(fd, message + n, size - 1 - n);
    if (got > 0) {
      n += (size_t)got;
    } else if (got == 0 || errno != EINTR) {
      break;
    }
  }
  message[n] = '\0';
}

void scenario_run(scenario_body body, const void* context, int death) {
  tests_run++;
  if (getenv("ZXP_NO_FORK") != NULL) {
    child_main(body, context);
    return;
  }

  /* What is in stdio's buffers would be written twice. */
  fflush(NULL);
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) fail_msg("pipe2: %s", strerror(errno));
  const pid_t child = fork();
  if (child < 0) fail_msg("fork: %s", strerror(errno));
  if (child == 0) {
    close(fds[0]);
    message_fd = fds[1];
    child_main(body, context);
    end_child(CHILD_PASSED);
  }

  close(fds[1]);
  char message[MESSAGE_SIZE];
  read_message(fds[0], message, sizeof(message));
  close(fds[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) fail_msg("waitpid: %s", strerror(errno));
  }

  if (WIFSIGNALED(status)) {
    if (WTERMSIG(status) != death) fail_msg("died of %s. %s", strsignal(WTERMSIG(status)), message);
    return;
  }
  switch (WEXITSTATUS(status)) {
    case CHILD_PASSED:
      if (death != 0) fail_msg("did not die of %s", strsignal(death));
      return;
    case CHILD_SKIPPED:
      tests_skipped++;
      print_message("skipped: %s\n", message);
      skip();
      return;
    default:
      fail_msg("%s", message[0] != '\0' ? message : "failed without a word");
  }
}

int scenario_main(const struct CMUnitTest* tests, size_t count, int argc, char** argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  const char* slash = strrchr(argv[0], '/');
  const int failed =
      _cmocka_run_group_tests(slash != NULL ? slash + 1 : argv[0], tests, count, NULL, NULL);
  if (failed == 0 && tests_run > 0 && tests_skipped == tests_run) return CHILD_SKIPPED;
  return failed == 0 ? 0 : 1;
}
