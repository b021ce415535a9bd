/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long something took, over many times: a histogram with buckets 3 % wide, so that a run of any
 * length needs the same few kilobytes. Filled by one thread, read when that is done.
 */
#ifndef EXAMPLES_FILEPAGER_LATENCY_H_
#define EXAMPLES_FILEPAGER_LATENCY_H_

#include <stdint.h>
#include <time.h>

/* 32 buckets for each power of two of nanoseconds. */
#define LATENCY_STEPS   32
#define LATENCY_BUCKETS (60 * LATENCY_STEPS)

struct latency {
  uint64_t count;
  uint64_t buckets[LATENCY_BUCKETS];
};

static inline uint64_t nanoseconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void latency_add(struct latency* l, uint64_t nanoseconds) {
  /* Below 32 a bucket is one nanosecond; above, the five bits after the leading one choose. */
  unsigned bucket = (unsigned)nanoseconds;
  if (nanoseconds >= LATENCY_STEPS) {
    const unsigned shift = 58 - (unsigned)__builtin_clzll(nanoseconds);
    bucket = (shift + 1) * LATENCY_STEPS + (unsigned)(nanoseconds >> shift) % LATENCY_STEPS;
  }
  l->count++;
  l->buckets[bucket]++;
}

static inline void latency_merge(struct latency* to, const struct latency* from) {
  to->count += from->count;
  for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
    to->buckets[i] += from->buckets[i];
  }
}

/* The time that `percent` of all entries stayed below, in microseconds, up to the width of a
 * bucket. */
static inline double latency_percentile(const struct latency* l, double percent) {
  uint64_t left = (uint64_t)((double)l->count * percent / 100.0);
  for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
    if (l->buckets[i] > left) {
      if (i < LATENCY_STEPS) {
        return i / 1000.0;
      }
      const unsigned shift = i / LATENCY_STEPS - 1;
      return (double)((uint64_t)(LATENCY_STEPS + i % LATENCY_STEPS) << shift) / 1000.0;
    }
    left -= l->buckets[i];
  }
  return 0;
}

#endif /* EXAMPLES_FILEPAGER_LATENCY_H_ */
