/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How many system calls a fault of a single page takes, and which: those of the thread that
 * answers and of the one that touches.
 *
 *   bench_syscalls [--pages N] [--by perf|ptrace] [--json FILE]
 *
 * N faults are counted, after a round that sets things up. count_calls.h says how the two ways to
 * count differ; by perf where that is possible.
 */
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "count_calls.h"
#include "way.h"

const struct count_name count_names[] = {
    {SYS_epoll_wait, "epoll_wait"},
    {SYS_epoll_pwait, "epoll_pwait"},
    {441, "epoll_pwait2"}, /* Linux 5.11; in newer kernel headers than some this is built with */
    {SYS_epoll_ctl, "epoll_ctl"},
    {SYS_poll, "poll"},
    {SYS_read, "read"},
    {SYS_write, "write"},
    {SYS_pwrite64, "pwrite"},
    {SYS_ioctl, "ioctl"},
    {SYS_futex, "futex"},
    {SYS_lseek, "lseek"},
    {SYS_mprotect, "mprotect"},
    {SYS_madvise, "madvise"},
    {SYS_fallocate, "fallocate"},
    {SYS_rt_sigreturn, "rt_sigreturn"},
    {SYS_rt_sigprocmask, "rt_sigprocmask"},
    {SYS_sched_setaffinity, "sched_setaffinity"},
    {SYS_sched_setscheduler, "sched_setscheduler"},
    {SYS_sched_setattr, "sched_setattr"},
    {SYS_sched_yield, "sched_yield"},
    {SYS_membarrier, "membarrier"},
};

const size_t count_name_count = sizeof count_names / sizeof count_names[0];

static const char* name_of(long number, char buffer[32]) {
  for (size_t i = 0; i < count_name_count; i++) {
    if (count_names[i].number == number) {
      return count_names[i].name;
    }
  }
  snprintf(buffer, 32, "call %ld", number);
  return buffer;
}

static double print_calls(const struct call_counts* counts, enum count_role role, const char* who,
                          size_t pages) {
  double sum = 0;
  const char* before = who;
  for (long call = 0; call < COUNT_MAX_CALL; call++) {
    const double each = (double)counts->calls[role][call] / (double)pages;
    char buffer[32];
    if (each > 0) {
      printf("%s%s %.2f", before, name_of(call, buffer), each);
      before = ", ";
      sum += each;
    }
  }
  if (counts->unnamed[role] > 0) {
    const double each = (double)counts->unnamed[role] / (double)pages;
    printf("%sothers %.2f", before, each);
    sum += each;
  }
  return sum;
}

int main(int argc, char** argv) {
  static const struct way_type* const types[] = {&way_raw_poll, &way_port,        &way_raw_uv,
                                                 &way_uv_loop,  &way_loop_thread, &way_segv};
  const size_t type_count = sizeof types / sizeof types[0];
  size_t pages = 256;
  const char* by = "perf";
  const char* json = NULL;
  const struct bench_option options[] = {
      {"--pages", &pages, NULL}, {"--by", NULL, &by}, {"--json", NULL, &json}};
  if (!bench_parse(argc, argv, options, 3)) {
    return 2;
  }
  /* Not by zxp_probe: a process that has used the library can't have children that use it. */
  const int uffd = way_open_uffd(0);
  if (uffd < 0) {
    printf("skipped: page faults can't be served here\n");
    return 77;
  }
  close(uffd);
  const bool perf = strcmp(by, "ptrace") != 0 && count_perf_possible();
  printf("counted by %s\n", perf ? "perf_event_open" : "ptrace");

  struct bench_report r;
  bench_report_init(&r, "syscalls");
  for (size_t i = 0; i < type_count; i++) {
    static struct call_counts counts;
    memset(&counts, 0, sizeof counts);
    if (perf ? !count_by_perf(types[i], pages, &counts)
             : !count_by_ptrace(types[i], pages, &counts)) {
      continue;
    }
    printf("%s:", types[i]->name);
    double sum = print_calls(&counts, COUNT_ANSWERS, " the thread that answers: ", pages);
    sum += print_calls(&counts, COUNT_TOUCHES, "; the one that touches: ", pages);
    (void)print_calls(&counts, COUNT_OTHERS, "; others: ", pages);
    printf("\n");
    bench_report_add_calls(&r, types[i]->name, sum);
  }
  if (r.row_count == 0) {
    return 77;
  }
  bench_report_at_most_more(&r, 8, way_port.name, way_raw_poll.name, 1);
  bench_report_at_most_more(&r, 8, way_uv_loop.name, way_raw_uv.name, 1);
  bench_report_at_most_more(&r, 8, way_loop_thread.name, way_raw_uv.name, 1);
  return bench_report_finish(&r, json);
}
