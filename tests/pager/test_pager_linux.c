/* SPDX-License-Identifier: BSD-3-Clause */
/* What a pager is in a Linux process: fatal faults, signals, late faults. pager.md 11. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "worker.h"

/* ---- Fatal faults ---- */

/* pager.md 11.1: the touched byte, where the kernel reports it; expect_sigbus compares */
SCENARIO(a_fatal_fault_names_the_touched_byte) {
  need_mappings();
  struct root* v = make_root(8);
  const uint64_t offsets[] = {0, 1, 1234, PAGE - 1, 3 * PAGE, 5 * PAGE + 77};
  for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
    struct worker* load = start_load(map_of(v) + offsets[i]);
    expect_read(v, offsets[i] / PAGE, 1);
    struct worker* store = start_store(map_of(v) + offsets[i], 1);
    await_waiting(store);
    fail_pages(v, 0, 8, ZX_ERR_IO);
    expect_sigbus(load);
    expect_sigbus(store);
  }
}

/* vmar.md 12: a positive code, as for faults that the kernel raises itself */
SCENARIO(a_fatal_fault_has_the_code_of_a_fault) {
  need_mappings();
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(VIA_MAPPING, v, 3);
  expect_read(v, 3, 1);
  fail_pages(v, 3, 1, ZX_ERR_IO);
  expect_sigbus(t1);
  check_true(worker_signal_code(t1) > 0);
}

/* pager.md 11.1: if the handler returns, the access is repeated and asks again */
SCENARIO(an_access_is_repeated_when_the_handler_returns) {
  need_mappings();
  struct root* v = make_root(8);
  struct worker* t1 = start_stubborn_load(map_of(v) + 2 * PAGE + 9, 2);
  for (unsigned i = 0; i < 2; i++) {
    expect_read(v, 2, 1);
    fail_pages(v, 2, 1, ZX_ERR_IO);
  }
  expect_read(v, 2, 1);
  check_equal(worker_signals(t1), 2);
  supply(v, 2, 1, TAG);
  expect_byte(t1, content_byte(TAG, 2, 9));
  check_equal(worker_signals(t1), 2);
  expect_nothing();
}

/* pager.md 11.2 */
SCENARIO(a_failed_page_is_not_poisoned) {
  need_mappings();
  struct root* v = make_root(8);
  const uint8_t* other = map_vmo(v->vmo, 0, 8 * PAGE);
  for (unsigned round = 0; round < 10; round++) {
    struct worker* t1 = start_touch(VIA_MAPPING, v, 3);
    expect_read(v, 3, 1);
    fail_pages(v, 3, 1, ZX_ERR_IO);
    expect_sigbus(t1);
  }
  struct worker* t2 = start_touch(VIA_MAPPING, v, 3);
  expect_read(v, 3, 1);
  struct worker* t3 = start_load(other + 3 * PAGE);
  await_waiting(t3);
  struct worker* t4 = start_read_pages(v, 3, 1);
  await_waiting(t4);
  supply(v, 3, 1, TAG);
  expect_byte(t2, content_byte(TAG, 3, 0));
  expect_byte(t3, content_byte(TAG, 3, 0));
  expect_ok(t4);
  expect_nothing();
}

/* pager.md 11.2: who comes while the signal is on its way reads the page as supplied */
SCENARIO(a_supply_right_after_a_failure_serves_the_next_access) {
  need_mappings();
  struct root* v = make_root(64);
  for (uint64_t page = 0; page < 64; page++) {
    struct worker* t1 = start_touch(VIA_MAPPING, v, page);
    expect_read(v, page, 1);
    fail_pages(v, page, 1, ZX_ERR_IO);
    supply(v, page, 1, TAG);
    struct worker* t2 = start_touch(VIA_MAPPING, v, page);
    expect_sigbus(t1);
    expect_byte(t2, content_byte(TAG, page, 0));
  }
  expect_nothing();
}

/* vmar.md 12: without a handler the process dies */
SCENARIO_DYING_OF(SIGBUS, a_fatal_fault_without_a_handler_ends_the_process) {
  need_mappings();
  signal(SIGBUS, SIG_DFL);
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(VIA_MAPPING, v, 0);
  expect_read(v, 0, 1);
  fail_pages(v, 0, 1, ZX_ERR_IO);
  await_end(t1);
}

/* pager.md 11.1: blocking the signal is no way to hang; a blocked synchronous signal kills */
SCENARIO_DYING_OF(SIGBUS, a_fatal_fault_with_sigbus_blocked_ends_the_process) {
  need_mappings();
  struct root* v = make_root(8);
  struct worker* t1 = start_load_with_sigbus_blocked(map_of(v));
  expect_read(v, 0, 1);
  fail_pages(v, 0, 1, ZX_ERR_IO);
  await_end(t1);
}

/* pager.md 11.1: a thread that blocks SIGBUS is served like others */
SCENARIO(a_thread_with_sigbus_blocked_is_served) {
  need_mappings();
  struct root* v = make_root(8);
  struct worker* t1 = start_load_with_sigbus_blocked(map_of(v));
  expect_read(v, 0, 1);
  supply(v, 0, 1, TAG);
  expect_byte(t1, content_byte(TAG, 0, 0));
}

/* ---- Signals that the program handles ---- */

static void on_user_signal(int signo) { (void)signo; }

static void handle_user_signals(void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler};
  sigemptyset(&action.sa_mask);
  sigaction(SIGUSR1, &action, NULL);
}

/* Whether the thread has a SIGUSR1 that was not delivered yet. */
static bool user_signal_pending(const struct worker* w) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)worker_tid(w));
  FILE* status = fopen(path, "re");
  if (status == NULL) check_fail("cannot open %s", path);
  unsigned long long pending = 0;
  char line[256];
  while (fgets(line, sizeof(line), status) != NULL) {
    if (strncmp(line, "SigPnd:", 7) == 0) pending = strtoull(line + 7, NULL, 16);
  }
  fclose(status);
  return (pending >> (SIGUSR1 - 1) & 1) != 0;
}

/* Sends the signal and waits until the thread has taken it. */
static void interrupt(const struct worker* w) {
  check_equal(pthread_kill(worker_thread(w), SIGUSR1), 0);
  wait_until(!user_signal_pending(w));
}

/* pager.md 13.49, 11.3 */
BOTH_WAYS(a_signal_makes_no_second_packet) {
  handle_user_signals(on_user_signal);
  struct root* v = make_root(8);
  struct worker* t1 = start_touch(via, v, 0);
  expect_read(v, 0, 1);
  const struct counts before = counts_now();
  for (unsigned i = 0; i < 3; i++) {
    const uint64_t faults = counts_now().faults;
    interrupt(t1);
    /* The processor repeats the access, and the kernel reports it again. */
    if (via == VIA_MAPPING) wait_until(counts_now().faults > faults);
    expect_nothing();
    expect_waiting(t1);
  }
  check_equal(counts_now().requests - before.requests, 0);
  check_equal(counts_now().joined - before.joined, 0);
  supply_waking(v, 0, 1, TAG, 1);
  expect_byte(t1, content_byte(TAG, 0, 0));
  expect_nothing();
}

/* pager.md 11.3: no EINTR in any call that waits */
SCENARIO(calls_go_on_through_signals) {
  handle_user_signals(on_user_signal);
  struct root* v = make_resizable_root(8);
  const uint64_t mark = waits_now();
  struct worker* threads[] = {
      start_read_pages(v, 0, 1),
      start_write(v->vmo, PAGE, 8, 1),
      start_commit(v, 2, 1),
      start_op(v->vmo, ZX_VMO_OP_PREFETCH, 3 * PAGE, PAGE),
      start_op(v->vmo, ZX_VMO_OP_ALWAYS_NEED, 4 * PAGE, PAGE),
      start_op(v->vmo, ZX_VMO_OP_ZERO, 5 * PAGE + 1, 1),
      start_set_size(v->vmo, 7 * PAGE + 10),
  };
  enum {
    THREADS = sizeof(threads) / sizeof(threads[0])
  };
  await_waits(mark, THREADS);
  for (unsigned round = 0; round < 3; round++) {
    for (unsigned i = 0; i < THREADS; i++) {
      interrupt(threads[i]);
    }
  }
  expect_waiting(threads[0]);
  supply(v, 0, 8, TAG);
  for (unsigned i = 0; i < THREADS; i++) {
    expect_ok(threads[i]);
  }
  expect_nothing();
}

/* pager.md 11.3, 11.1: a failure still reaches a thread that signals have moved about */
SCENARIO(a_failure_reaches_a_thread_that_took_signals) {
  need_mappings();
  handle_user_signals(on_user_signal);
  struct root* v = make_root(8);
  for (unsigned round = 0; round < 20; round++) {
    struct worker* t1 = start_touch(VIA_MAPPING, v, 0);
    expect_read(v, 0, 1);
    const uint64_t faults = counts_now().faults;
    interrupt(t1);
    wait_until(counts_now().faults > faults);
    fail_pages(v, 0, 1, ZX_ERR_IO);
    expect_sigbus(t1);
    expect_nothing();
  }
}

static uint8_t* volatile nested_address;
static volatile uint8_t nested_byte;
static void on_user_signal_touch(int signo) {
  (void)signo;
  nested_byte = *(volatile uint8_t*)nested_address;
}

/* pager.md 11.3: a handler may itself wait for another page */
SCENARIO(a_signal_handler_may_touch_another_page) {
  need_mappings();
  if (UNDER_TSAN) scenario_skip("ThreadSanitizer runs the handler only when the load is over");
  handle_user_signals(on_user_signal_touch);
  struct root* v = make_root(8);
  nested_address = map_of(v) + 5 * PAGE;
  struct worker* t1 = start_touch(VIA_MAPPING, v, 0);
  expect_read(v, 0, 1);
  interrupt(t1);
  expect_read(v, 5, 1);
  supply(v, 0, 1, TAG);
  expect_waiting(t1);
  supply(v, 5, 1, TAG);
  expect_byte(t1, content_byte(TAG, 0, 0));
  check_equal(nested_byte, content_byte(TAG, 5, 0));
  expect_nothing();
}

/* ---- Memory that nobody attends to ---- */

/* design: faults that need no pager are served while the pager's thread is elsewhere */
SCENARIO(present_pages_are_served_while_nobody_waits_in_the_port) {
  enum {
    THREADS = 8
  };
  need_mappings();
  struct root* v = make_root(THREADS + 1);
  struct worker* stuck = start_touch(VIA_MAPPING, v, THREADS);
  await_waiting(stuck);
  supply(v, 0, THREADS / 2, TAG);
  check_ok(
      zx_vmo_op_range(v->vmo, ZX_VMO_OP_ZERO, THREADS / 2 * PAGE, THREADS / 2 * PAGE, NULL, 0));
  struct worker* threads[THREADS];
  for (uint64_t i = 0; i < THREADS; i++) {
    threads[i] = start_touch(VIA_MAPPING, v, i);
  }
  for (uint64_t i = 0; i < THREADS; i++) {
    expect_byte(threads[i], i < THREADS / 2 ? content_byte(TAG, i, 0) : 0);
  }
  expect_waiting(stuck);
  expect_read(v, THREADS, 1);
  supply(v, THREADS, 1, TAG);
  expect_ok(stuck);
}

/* The thread that serves the pager may use what is present through mappings itself. */
SCENARIO(the_pagers_thread_may_touch_present_pages) {
  need_mappings();
  struct root* v = make_root(8);
  supply(v, 0, 8, TAG);
  check_ok(zx_vmo_op_range(v->vmo, ZX_VMO_OP_ZERO, 4 * PAGE, PAGE, NULL, 0));
  volatile uint8_t* at = map_of(v);
  for (uint64_t page = 0; page < 8; page++) {
    check_equal(at[page * PAGE], page == 4 ? 0 : content_byte(TAG, page, 0));
  }
  at[4 * PAGE] = 0xee;
  check_equal(at[4 * PAGE], 0xee);
  expect_nothing();
}

/*
 * The kernel lets a thread go on as soon as its page is there, though it joined a request that
 * stands (5.2 has it sleep until the request is over). What becomes of the rest is none of its
 * business then.
 */
SCENARIO(a_load_goes_on_as_soon_as_its_page_is_there) {
  need_mappings();
  struct root* v = make_root(8);
  const uint8_t* other = map_vmo(v->vmo, 0, 8 * PAGE);
  struct worker* commit = start_commit(v, 0, 4);
  expect_read(v, 0, 4);
  struct worker* t1 = start_walk(VIA_MAPPING, v, 2, 4);
  await_waiting(t1);
  struct worker* t2 = start_load(other + 2 * PAGE);
  await_waiting(t2);
  const struct counts before = counts_now();
  supply_waking(v, 2, 1, TAG, 2);
  expect_byte(t2, content_byte(TAG, 2, 0));
  wait_until(counts_now().joined > before.joined); /* t1, at page 3 */
  fail_pages(v, 2, 1, ZX_ERR_IO);
  expect_status(commit, ZX_ERR_IO);
  expect_read(v, 3, 1); /* t1 asks anew */
  supply(v, 3, 3, TAG);
  expect_ok(t1);
  expect_nothing();
}

/* ---- Late faults ---- */

static void spin(unsigned n) {
  for (volatile unsigned i = 0; i < n; i++) {
  }
}

/* pager.md 11.5: a fault that crosses its supply leaves no packet behind */
BOTH_WAYS(a_touch_that_crosses_its_supply_is_served) {
  enum {
    ROUNDS = UNDER_SANITIZER ? 60 : 200
  };
  struct root* v = make_root(ROUNDS);
  for (uint64_t page = 0; page < ROUNDS; page++) {
    struct worker* t1 = start_touch(via, v, page);
    spin((unsigned)(page * 37 % 200) * 100);
    supply(v, page, 1, TAG);
    expect_byte(t1, content_byte(TAG, page, 0));
    expect_nothing();
  }
}

/* pager.md 11.5: one that crosses a detach fails, and does not hang */
BOTH_WAYS(a_touch_that_crosses_a_detach_fails) {
  for (unsigned round = 0; round < 60; round++) {
    struct root* v = make_root(2);
    if (via == VIA_MAPPING) map_of(v);
    struct worker* t1 = start_touch(via, v, 1);
    spin(round * 37 % 200 * 100);
    detach(v);
    expect_failed(t1, ZX_ERR_BAD_STATE);
    expect_complete(v);
    expect_nothing();
  }
}

/* pager.md 8.7: one that crosses an unmapping gets its page or the hole */
SCENARIO(a_touch_that_crosses_an_unmapping_ends) {
  need_mappings();
  for (unsigned round = 0; round < 60; round++) {
    struct root* v = make_root(2);
    uint8_t* at = map_vmo(v->vmo, 0, 2 * PAGE);
    struct worker* t1 = start_load(at + PAGE);
    spin(round * 37 % 200 * 100);
    unmap(at, 2 * PAGE);
    supply(v, 0, 2, TAG);
    expect_sigsegv(t1);
  }
  expect_nothing();
}

/* pager.md 8.2: one that crosses the end of the VMO */
SCENARIO(a_touch_that_crosses_the_end_of_its_vmo_ends) {
  need_mappings();
  for (unsigned round = 0; round < 60; round++) {
    struct root* v = make_root(2);
    uint8_t* at = map_vmo(v->vmo, 0, 2 * PAGE);
    struct worker* t1 = start_load(at + PAGE);
    spin(round * 37 % 200 * 100);
    drop(&v->vmo);
    unmap(at, 2 * PAGE);
    expect_sigsegv(t1);
    expect_complete(v);
    expect_nothing();
  }
}

/* ---- The process ---- */

/* pager.md 11.10: other mappings of the process never fall into the root region */
SCENARIO(memory_of_others_stays_out_of_the_root_region) {
  struct root* v = make_root(8);
  if (fx.probe.mappings_supported) unmap(map_of(v), 8 * PAGE);
  const uint64_t base = fx.probe.window_base;
  const uint64_t end = base + fx.probe.window_size;
  for (unsigned i = 0; i < 100; i++) {
    const uint64_t size = PAGE << (i % 12);
    void* at = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check_true(at != MAP_FAILED);
    check_true((uint64_t)(uintptr_t)at + size <= base || (uint64_t)(uintptr_t)at >= end);
    munmap(at, size);
  }
}

/* Exit statuses of the child below. */
enum {
  CHILD_READS = 1,
  CHILD_CREATES = 2
};

/* pager.md 11.10: a fork has neither handles nor mappings, and does no harm */
SCENARIO(a_forked_child_is_shut_out) {
  struct root* v = make_root(8);
  supply(v, 0, 1, TAG);
  const uint8_t* at = fx.probe.mappings_supported ? map_of(v) : NULL;
  fflush(NULL);
  const pid_t child = fork();
  check_true(child >= 0);
  if (child == 0) {
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    uint8_t byte = 0;
    zx_handle_t pager = ZX_HANDLE_INVALID;
    if (zx_vmo_read(v->vmo, &byte, 0, 1) != ZX_ERR_BAD_HANDLE) _exit(CHILD_READS);
    if (zx_pager_create(0, &pager) == ZX_OK) _exit(CHILD_CREATES);
    if (at != NULL) byte = *(const volatile uint8_t*)(at + 3 * PAGE);
    raise(SIGSEGV); /* where there is no mapping to touch */
  }
  int status = 0;
  check_equal(waitpid(child, &status, 0), child);
  check_true(WIFSIGNALED(status));
  check_equal(WTERMSIG(status), SIGSEGV);
  expect_pages(VIA_CALLS, v, 0, 1, TAG);
  expect_absent(v, 3);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(a_fatal_fault_names_the_touched_byte),
      TEST(a_fatal_fault_has_the_code_of_a_fault),
      TEST(an_access_is_repeated_when_the_handler_returns),
      TEST(a_failed_page_is_not_poisoned),
      TEST(a_supply_right_after_a_failure_serves_the_next_access),
      TEST(a_fatal_fault_without_a_handler_ends_the_process),
      TEST(a_fatal_fault_with_sigbus_blocked_ends_the_process),
      TEST(a_thread_with_sigbus_blocked_is_served),
      TEST_BOTH_WAYS(a_signal_makes_no_second_packet),
      TEST(calls_go_on_through_signals),
      TEST(a_failure_reaches_a_thread_that_took_signals),
      TEST(a_signal_handler_may_touch_another_page),
      TEST(present_pages_are_served_while_nobody_waits_in_the_port),
      TEST(the_pagers_thread_may_touch_present_pages),
      TEST(a_load_goes_on_as_soon_as_its_page_is_there),
      TEST_BOTH_WAYS(a_touch_that_crosses_its_supply_is_served),
      TEST_BOTH_WAYS(a_touch_that_crosses_a_detach_fails),
      TEST(a_touch_that_crosses_an_unmapping_ends),
      TEST(a_touch_that_crosses_the_end_of_its_vmo_ends),
      TEST(memory_of_others_stays_out_of_the_root_region),
      TEST(a_forked_child_is_shut_out),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
