/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "count_calls.h"

/* The traced process talks to the tracer by a prctl that does not exist. */
#define MARK 0x7a78706d

enum mark {
  MARK_ANSWERS = 1, /* the calling thread is the one that answers */
  MARK_BEGIN,       /* ... the one that touches, and begins */
  MARK_END,
};

#define MAX_ANSWERS 8

struct tracing {
  pid_t answering[MAX_ANSWERS];
  size_t answering_count;
  pid_t touching;
  bool counting;
  struct call_counts* counts;
};

/* ---- The traced process ---- */

static void mark(enum mark what) { (void)syscall(SYS_prctl, MARK, what, 0, 0, 0); }

static void mark_answers(void) { mark(MARK_ANSWERS); }

/* Status 77: this way can't be had here. */
static int run_way(const struct way_type* type, size_t pages, int go) {
  char byte;
  struct bench_samples ignored;
  way_must(read(go, &byte, 1) == 1, "the tracer");
  const struct way_setup setup = {.pages = pages, .before = mark_answers};
  struct way* way = way_start(type, &setup);
  if (way == NULL) {
    return 77;
  }
  bench_samples_init(&ignored, 2 * pages);
  way_touch(way_begin(way, 0), pages, 1, &ignored);
  way_end(way, 0);
  const unsigned char* memory = way_begin(way, 0);
  mark(MARK_BEGIN);
  way_touch(memory, pages, 1, &ignored);
  mark(MARK_END);
  way_end(way, 0);
  way_stop(way);
  bench_samples_free(&ignored);
  return 0;
}

/* ---- The tracer ---- */

static enum count_role role_of(const struct tracing* t, pid_t thread) {
  for (size_t i = 0; i < t->answering_count; i++) {
    if (t->answering[i] == thread) {
      return COUNT_ANSWERS;
    }
  }
  return thread == t->touching ? COUNT_TOUCHES : COUNT_OTHERS;
}

static void on_mark(struct tracing* t, pid_t thread, enum mark what) {
  switch (what) {
    case MARK_ANSWERS:
      if (t->answering_count < MAX_ANSWERS) {
        t->answering[t->answering_count++] = thread;
      }
      break;
    case MARK_BEGIN:
      t->touching = thread;
      t->counting = true;
      break;
    case MARK_END:
      t->counting = false;
      break;
  }
}

/* A thread stopped at the beginning or the end of a system call. */
static void on_call(struct tracing* t, pid_t thread) {
  struct __ptrace_syscall_info info;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0 ||
      info.op != PTRACE_SYSCALL_INFO_ENTRY) {
    return;
  }
  if (info.entry.nr == SYS_prctl && info.entry.args[0] == MARK) {
    on_mark(t, thread, (enum mark)info.entry.args[1]);
  } else if (t->counting && info.entry.nr < COUNT_MAX_CALL) {
    t->counts->calls[role_of(t, thread)][info.entry.nr]++;
  }
}

/* Until the process ends; its wait status. */
static int trace(pid_t child, struct call_counts* counts) {
  struct tracing t = {.counts = counts};
  for (;;) {
    int status;
    const pid_t thread = waitpid(-1, &status, __WALL);
    if (thread < 0 || (thread == child && (WIFEXITED(status) || WIFSIGNALED(status)))) {
      return thread < 0 ? -1 : status;
    }
    if (!WIFSTOPPED(status)) {
      continue; /* a thread ended */
    }
    int signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) {
      on_call(&t, thread);
      signal = 0;
    } else if (status >> 16 != 0) {
      signal = 0; /* an event of the tracing itself */
    }
    (void)ptrace(PTRACE_SYSCALL, thread, NULL, signal);
  }
}

/* False if there is nothing to report: not to be had here, or the process may not be traced. */
bool count_by_ptrace(const struct way_type* type, size_t pages, struct call_counts* counts) {
  int go[2];
  way_must(pipe(go) == 0, "pipe");
  fflush(stdout);
  const pid_t child = fork();
  way_must(child >= 0, "fork");
  if (child == 0) {
    close(go[1]);
    const int status = run_way(type, pages, go[0]);
    fflush(stdout);
    _exit(status);
  }
  close(go[0]);
  const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
  const bool traced = ptrace(PTRACE_SEIZE, child, NULL, options) == 0 &&
                      ptrace(PTRACE_INTERRUPT, child, NULL, NULL) == 0;
  if (!traced) {
    printf("skipped: a process can't be traced here: %s\n", strerror(errno));
    close(go[1]); /* It ends when it reads nothing. */
    (void)waitpid(child, NULL, 0);
    return false;
  }
  way_must(write(go[1], "", 1) == 1, "pipe");
  close(go[1]);
  const int status = trace(child, counts);
  way_must(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77),
           type->name);
  return WEXITSTATUS(status) == 0;
}
