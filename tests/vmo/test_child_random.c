/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Randomised trees of children against plain byte arrays: vmo.md 7, 8. A failing sequence is shrunk
 * and printed; ZXP_SEED and ZXP_ROUNDS as in tests/base/random.h.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
/* After the headers that it needs and does not include. */
#include <cmocka.h>
#include <zircon/zxpager.h>

#include "family.h"
#include "scenario.h"

#define STEPS  150
#define ROUNDS (UNDER_SANITIZER ? 60 : 400)

static bool run_family(enum tree_kind kind, const struct script_op* ops, size_t count, FILE* out) {
  family_catch_faults();
  struct family* f = family_begin(kind, out);
  if (f == NULL) {
    return false;
  }
  for (size_t i = 0; i < count && family_step(f, &ops[i]); i++) {
  }
  return family_end(f);
}

static bool run_anonymous(const struct script_op* ops, size_t count, FILE* out) {
  return run_family(ANONYMOUS_TREE, ops, count, out);
}

static bool run_pager(const struct script_op* ops, size_t count, FILE* out) {
  return run_family(PAGER_TREE, ops, count, out);
}

static const struct script_subject anonymous_trees = {
    .name = "anonymous trees",
    .length = STEPS,
    .make = family_random_step,
    .run = run_anonymous,
    .print = family_print_step,
};

static const struct script_subject pager_trees = {
    .name = "pager trees",
    .length = STEPS,
    .make = family_random_step,
    .run = run_pager,
    .print = family_print_step,
};

/* vmo.md 7 */
static void anonymous_trees_are_like_byte_arrays(void** state) {
  (void)state;
  script_check(&anonymous_trees, random_seed(), random_rounds(ROUNDS));
}

/* vmo.md 8 */
static void pager_trees_are_like_byte_arrays(void** state) {
  (void)state;
  script_check(&pager_trees, random_seed(), random_rounds(ROUNDS));
}

/* ---- Several threads ---- */

#define THREADS       4
#define THREAD_ROUNDS (UNDER_SANITIZER ? 4 : 20)
#define THREAD_STEPS  400
#define PARENT_PAGES  6

struct thread_run {
  zx_handle_t child;
  uint64_t seed;
  bool fine;
};

/* A family of one tree with the others': what they do must not show. */
static void* run_thread(void* argument) {
  struct thread_run* run = argument;
  struct rng rng = rng_start(run->seed);
  struct family* f = family_adopt(run->child, PARENT_PAGES, 7, stderr);
  run->fine = f != NULL;
  for (int i = 0; i < THREAD_STEPS && run->fine; i++) {
    const struct script_op op = family_random_step(&rng);
    run->fine = family_step(f, &op);
  }
  if (f != NULL && !family_end(f)) run->fine = false;
  return NULL;
}

/* One tree, of which every thread has a child; and one thread that changes the parent all the
 * time. */
static bool run_threads(uint64_t seed) {
  uint8_t bytes[PARENT_PAGES * 4096];
  struct thread_run runs[THREADS];
  pthread_t threads[THREADS];
  zx_handle_t parent = ZX_HANDLE_INVALID;
  memset(bytes, 7, sizeof bytes);
  if (zx_vmo_create(sizeof bytes, 0, &parent) != ZX_OK ||
      zx_vmo_write(parent, bytes, 0, sizeof bytes) != ZX_OK) {
    return false;
  }
  for (int i = 0; i < THREADS; i++) {
    runs[i] = (struct thread_run){.seed = seed * THREADS + (uint64_t)i};
    if (zx_vmo_create_child(parent, ZX_VMO_CHILD_SNAPSHOT, 0, sizeof bytes, &runs[i].child) !=
        ZX_OK) {
      return false;
    }
  }
  for (int i = 0; i < THREADS; i++) {
    if (pthread_create(&threads[i], NULL, run_thread, &runs[i]) != 0) return false;
  }
  struct rng rng = rng_start(seed);
  for (int i = 0; i < THREAD_STEPS; i++) {
    zx_handle_t child = ZX_HANDLE_INVALID;
    memset(bytes, (int)rng_below(&rng, 256), sizeof bytes);
    zx_vmo_write(parent, bytes, 0, rng_below(&rng, sizeof bytes));
    zx_vmo_op_range(parent, ZX_VMO_OP_ZERO, rng_below(&rng, sizeof bytes), 1, NULL, 0);
    if (zx_vmo_create_child(parent, ZX_VMO_CHILD_SNAPSHOT, 0, sizeof bytes, &child) == ZX_OK) {
      zx_handle_close(child);
    }
  }
  bool fine = true;
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    fine = fine && runs[i].fine;
  }
  zx_handle_close(parent);
  return fine;
}

/* vmo.md 7.1, on several threads; no shrinking, since a failure may depend on their order */
static void trees_of_several_threads_are_like_byte_arrays(void** state) {
  (void)state;
  const uint64_t rounds = random_rounds(THREAD_ROUNDS);
  fflush(NULL);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    family_catch_faults();
    for (uint64_t i = 0; i < rounds; i++) {
      alarm(20);
      if (!run_threads(random_seed() + i)) {
        fprintf(stderr, "several threads: ZXP_SEED=%llu fails\n",
                (unsigned long long)(random_seed() + i));
        _exit(1);
      }
    }
    exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (WIFSIGNALED(status)) fail_msg("died of %s", strsignal(WTERMSIG(status)));
  assert_int_equal(WEXITSTATUS(status), 0);
}

int main(int argc, char** argv) {
  zxp_probe_t probe;
  /* In a child: the library does not go through a fork. */
  const pid_t child = fork();
  if (child == 0) _exit(zxp_probe(&probe) == ZX_OK && probe.mappings_supported ? 0 : 77);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return 1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
    printf("skipped: VMOs with children can't be mapped here\n");
    return 77;
  }
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(anonymous_trees_are_like_byte_arrays),
      cmocka_unit_test(pager_trees_are_like_byte_arrays),
      cmocka_unit_test(trees_of_several_threads_are_like_byte_arrays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
