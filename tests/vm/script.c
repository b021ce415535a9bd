/* SPDX-License-Identifier: BSD-3-Clause */
#include "script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
/* After the headers that it needs and does not include. */
#include <cmocka.h>

static void make_script(const struct script_subject* s, uint64_t seed, struct script_op* ops) {
  struct rng rng = rng_start(seed);
  for (size_t i = 0; i < s->length; i++) {
    ops[i] = s->make(&rng);
  }
}

/* A child that an assertion ends is expected here, and its memory of no interest. */
static void leave_no_core(void) {
  const struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

/* Seconds after which a script counts as one that hangs; the slowest checker needs a hundredth. */
#define SCRIPT_LIMIT 20

/* Whether the script fails, in a child. Silent unless `loud`. */
static bool fails(const struct script_subject* s, const struct script_op* ops, size_t count,
                  bool loud) {
  fflush(NULL);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    leave_no_core();
    alarm(SCRIPT_LIMIT);
    if (!loud && (freopen("/dev/null", "w", stderr) == NULL)) {
      _exit(2);
    }
    const bool fine = s->run(ops, count, stderr);
    fflush(stderr);
    _exit(fine ? 0 : 1);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Leaves out what comes after the operation that fails. */
static void cut_off(const struct script_subject* s, struct script_failure* f) {
  size_t fine = 0; /* operations that don't fail yet */
  while (f->count - fine > 1) {
    const size_t half = fine + (f->count - fine) / 2;
    if (fails(s, f->ops, half, false)) {
      f->count = half;
    } else {
      fine = half;
    }
  }
}

/* Leaves out stretches of operations, long ones first. */
static bool leave_out(const struct script_subject* s, struct script_failure* f) {
  static struct script_op tried[SCRIPT_MAX];
  bool any = false;
  for (size_t stretch = (f->count + 1) / 2; stretch > 0; stretch /= 2) {
    for (size_t at = 0; at < f->count;) {
      const size_t out = stretch < f->count - at ? stretch : f->count - at;
      memcpy(tried, f->ops, at * sizeof *tried);
      memcpy(tried + at, f->ops + at + out, (f->count - at - out) * sizeof *tried);
      if (fails(s, tried, f->count - out, false)) {
        f->count -= out;
        memcpy(f->ops, tried, f->count * sizeof *tried);
        any = true;
      } else {
        at += stretch;
      }
    }
  }
  return any;
}

/* Makes one number smaller, by bisection. Where it isn't the smallest that fails, the next sweep
 * may find a smaller one. */
static bool lower(const struct script_subject* s, struct script_failure* f, uint64_t* number) {
  const uint64_t was = *number;
  uint64_t failing = was;
  uint64_t fine = 0;
  *number = 0;
  if (was > 0 && fails(s, f->ops, f->count, false)) {
    return true;
  }
  while (failing > fine + 1) {
    *number = fine + (failing - fine) / 2;
    if (fails(s, f->ops, f->count, false)) {
      failing = *number;
    } else {
      fine = *number;
    }
  }
  *number = failing;
  return failing < was;
}

static void shrink(const struct script_subject* s, struct script_failure* f) {
  cut_off(s, f);
  for (bool any = true; any;) {
    any = leave_out(s, f);
    for (size_t i = 0; i < f->count; i++) {
      any |= lower(s, f, &f->ops[i].a);
      any |= lower(s, f, &f->ops[i].b);
      any |= lower(s, f, &f->ops[i].c);
    }
  }
}

bool script_search(const struct script_subject* s, uint64_t seed, uint64_t rounds,
                   struct script_failure* failure) {
  static struct script_op ops[SCRIPT_MAX];
  assert_true(s->length <= SCRIPT_MAX);
  uint64_t* const round =
      mmap(NULL, sizeof *round, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_ptr_not_equal(round, MAP_FAILED);

  /* One child for all rounds; it leaves by exit, so that a leak checker looks at it. */
  fflush(NULL);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    leave_no_core();
    /* What went wrong is said when the shrunk script runs. */
    FILE* const null = fopen("/dev/null", "w");
    for (; *round < rounds && null != NULL; (*round)++) {
      alarm(SCRIPT_LIMIT);
      make_script(s, seed + *round, ops);
      if (!s->run(ops, s->length, null)) {
        _exit(1);
      }
    }
    if (null != NULL) {
      fclose(null);
    }
    exit(null == NULL);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  const uint64_t reached = *round;
  munmap(round, sizeof *round);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    return false;
  }
  /* All rounds done: a leak, which belongs to no single script. */
  assert_true(reached < rounds);

  failure->seed = seed + reached;
  failure->count = s->length;
  make_script(s, failure->seed, failure->ops);
  shrink(s, failure);
  return true;
}

void script_check(const struct script_subject* s, uint64_t seed, uint64_t rounds) {
  static struct script_failure failure;
  if (!script_search(s, seed, rounds, &failure)) {
    return;
  }
  fprintf(stderr, "%s: ZXP_SEED=%llu fails; shrunk to %zu operations:\n", s->name,
          (unsigned long long)failure.seed, failure.count);
  for (size_t i = 0; i < failure.count; i++) {
    fprintf(stderr, "  ");
    s->print(&failure.ops[i], stderr);
    fprintf(stderr, "\n");
  }
  fails(s, failure.ops, failure.count, true);
  fail_msg("%s: seed %llu", s->name, (unsigned long long)failure.seed);
}
