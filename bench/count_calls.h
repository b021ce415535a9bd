/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counts the system calls of the threads of a way while it serves faults.
 *
 * By the kernel's own counters (perf_event_open on the tracepoint of system calls), which disturb
 * nothing but ask for root and a mounted tracefs; or by tracing a process of its own (ptrace),
 * which works for everybody, but makes every call slow: then faults are far apart, and what goes by
 * time, such as polling before sleeping, and looking after faults that nobody seems to take, counts
 * for more than it would.
 */
#ifndef BENCH_COUNT_CALLS_H_
#define BENCH_COUNT_CALLS_H_

#include "way.h"

enum count_role {
  COUNT_ANSWERS, /* the thread that answers */
  COUNT_TOUCHES, /* the one that touches */
  COUNT_OTHERS,  /* seen by ptrace only */
  COUNT_ROLES
};

#define COUNT_MAX_CALL 512

struct call_counts {
  unsigned long long calls[COUNT_ROLES][COUNT_MAX_CALL];
  unsigned long long unnamed[COUNT_ROLES]; /* calls that the counters have no name for */
};

/* Calls that may be met, and what they are called. */
struct count_name {
  long number;
  const char* name;
};

extern const struct count_name count_names[];
extern const size_t count_name_count;

/* Have `type` serve `pages` faults, after a round that sets things up. False if that can't be
 * counted, or the way can't be had here, which is printed. */
bool count_by_perf(const struct way_type* type, size_t pages, struct call_counts* counts);
bool count_by_ptrace(const struct way_type* type, size_t pages, struct call_counts* counts);

/* Whether count_by_perf works here. */
bool count_perf_possible(void);

#endif /* BENCH_COUNT_CALLS_H_ */
