/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers for randomised tests.
 *
 * A run is the same each time: round r of a test starts from seed + r, and the seed is fixed. To
 * look further: ZXP_SEED=<n> sets the seed, ZXP_ROUNDS=<n> the number of rounds.
 */
#ifndef TESTS_BASE_RANDOM_H_
#define TESTS_BASE_RANDOM_H_

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct rng {
  uint64_t state;
};

/* An xorshift generator with a multiplied output; the state may be anything but 0. */
static inline uint64_t rng_next(struct rng* r) {
  r->state ^= r->state >> 12;
  r->state ^= r->state << 25;
  r->state ^= r->state >> 27;
  return r->state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline struct rng rng_start(uint64_t seed) {
  /* Neighbouring seeds must not give neighbouring sequences. */
  struct rng r = {(seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1};
  for (int i = 0; i < 4; i++) {
    rng_next(&r);
  }
  return r;
}

static inline uint64_t rng_below(struct rng* r, uint64_t n) { return (rng_next(r) >> 11) % n; }

static inline bool rng_one_in(struct rng* r, uint64_t n) { return rng_below(r, n) == 0; }

static inline uint64_t env_number(const char* name, uint64_t otherwise) {
  const char* text = getenv(name);
  return text == NULL || *text == '\0' ? otherwise : strtoull(text, NULL, 0);
}

static inline uint64_t random_seed(void) { return env_number("ZXP_SEED", 1); }
static inline uint64_t random_rounds(uint64_t otherwise) {
  return env_number("ZXP_ROUNDS", otherwise);
}

#endif /* TESTS_BASE_RANDOM_H_ */
