/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * On which cores the threads of a benchmark run.
 *
 * Where one thread wakes another, that decides more than the code between them: on one core there
 * is a switch, on two a sleeping core has to be woken first. Left alone, the scheduler chooses, and
 * may choose differently from one round to the next; so ratios are to be trusted where the place is
 * given, and what is left to the scheduler shows what a program gets.
 *
 *   place_answering(place);     threads that are started now answer
 *   ... start them ...
 *   place_touching(place);      the calling thread touches
 */
#ifndef BENCH_PLACE_H_
#define BENCH_PLACE_H_

#include <stdbool.h>

enum place {
  PLACE_ONE_CORE,  /* all threads */
  PLACE_TWO_CORES, /* those that answer on one, those that touch on another */
  PLACE_FREE,      /* the scheduler's choice */
  PLACES
};

/* "one core" and so on; for the scheduler's choice, nothing: it is what one has without asking. */
extern const char* const place_names[PLACES];

/* False if there are not enough cores. */
bool place_possible(enum place place);

void place_answering(enum place place);
void place_touching(enum place place);

/* Keeps the calling thread, and those that it starts from now on, on the nth core. */
void place_on_core(int n);

#endif /* BENCH_PLACE_H_ */
