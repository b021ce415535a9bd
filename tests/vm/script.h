/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Randomised comparison of a module with a plain model, as scripts of operations.
 *
 *   script_op        one operation: a kind and three numbers
 *   script_subject   what is compared: makes random scripts, runs one on module and model at once
 * and says what differed, prints one
 *
 * A test calls script_check. Scripts run in a child process, so that an assertion of the library
 * which fails is found like any other difference. A script that fails is shrunk: operations are
 * left out and numbers made smaller as long as it still fails. What remains is printed together
 * with the seed.
 */
#ifndef TESTS_VM_SCRIPT_H_
#define TESTS_VM_SCRIPT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../base/random.h"

#define SCRIPT_MAX 1000

struct script_op {
  unsigned kind;
  uint64_t a, b, c;
};

struct script_subject {
  const char* name;
  size_t length; /* operations in a script, at most SCRIPT_MAX */
  /* Any numbers must be fine: shrinking makes some that this never makes. */
  struct script_op (*make)(struct rng* rng);
  /* Stops at the first difference: false, and says it on `out`. */
  bool (*run)(const struct script_op* ops, size_t count, FILE* out);
  void (*print)(const struct script_op* op, FILE* out);
};

struct script_failure {
  uint64_t seed;
  size_t count; /* operations that are left after shrinking */
  struct script_op ops[SCRIPT_MAX];
};

/* Runs rounds of random scripts; whether one failed, and then the smallest script found. */
bool script_search(const struct script_subject* s, uint64_t seed, uint64_t rounds,
                   struct script_failure* failure);

/* Fails the test, and prints all there is to know, if a script fails. */
void script_check(const struct script_subject* s, uint64_t seed, uint64_t rounds);

#endif /* TESTS_VM_SCRIPT_H_ */
