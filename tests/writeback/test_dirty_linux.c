/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Dirty tracking through Linux mappings: protection comes and goes in every mapping, and mappings
 * change under a writer that waits. writeback.md 9, 8.7.4 to 8.7.6; vmar.md 6.3, 7.4, 9.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls/object.h>

#include "writeback.h"

static void protect(const void* at, uint64_t pages, zx_vm_option_t permissions) {
  check_ok(zx_vmar_protect(zx_vmar_root_self(), permissions, (zx_vaddr_t)at, pages * PAGE));
}

#define READ_ONLY  ZX_VM_PERM_READ
#define READ_WRITE (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)

/* A store that asks for this page of `v`, and is granted. */
static void store_asking(struct root* v, uint64_t page, uint8_t* at, uint8_t value) {
  struct worker* w = start_store(at, value);
  expect_dirty(v, page, 1);
  expect_waiting(w);
  dirty_pages(v, page, 1);
  expect_ok(w);
  expect_nothing();
}

/* A store that goes through by itself. */
static void store_freely(uint8_t* at, uint8_t value) {
  const uint64_t before = waits_now();
  expect_ok(start_store(at, value));
  check_equal(waits_now(), before);
}

/* ---- Protecting mappings ---- */

/* writeback.md 8.7.5, vmar.md 15 S18 */
SCENARIO(making_a_mapping_writable_does_not_lift_the_tracking) {
  need_mappings();
  struct root* v = make_trap_root(5);
  supply(v, 0, 2, TAG);
  supply_zeros(v, 2, 1);
  zero_pages(v, 3, 1);
  supply(v, 4, 1, TAG);
  dirty_pages(v, 1, 1);
  begin_writeback(v, 1, 1);
  dirty_pages(v, 4, 1);
  /* Loaded, or not touched yet; mapped to be read, or not even that. */
  for (unsigned i = 0; i < 4; i++) {
    uint8_t* at = map_vmo(v->vmo, 0, 5 * PAGE);
    protect(at, 5, i / 2 == 0 ? READ_ONLY : 0);
    if (i == 0) {
      for (uint64_t page = 0; page < 5; page++) {
        expect_ok(start_load(at + page * PAGE));
      }
    }
    protect(at, 5, READ_WRITE);
    for (uint64_t page = 0; page < 4; page++) {
      struct worker* w = start_store(at + page * PAGE, VALUE);
      expect_dirty(v, page, 1);
      fail_pages(v, page, 1, ZX_ERR_IO);
      expect_sigbus(w);
    }
    store_freely(at + 4 * PAGE, VALUE);
  }
  expect_listed(v, DATA(1, 1), ZERO(3, 1), DATA(4, 1));
}

/* vmar.md 15 S18: a dirty page */
SCENARIO(a_dirty_page_stays_writable_through_protect_calls) {
  need_mappings();
  struct root* v = make_trap_root(2);
  supply(v, 0, 2, TAG);
  store_asking(v, 0, map_of(v), 1);
  protect(v->map, 2, READ_ONLY);
  expect_sigsegv(start_store(v->map, 2));
  protect(v->map, 2, READ_WRITE);
  store_freely(v->map, 3);
  expect_bytes(v, 0, 1, 3);
  begin_writeback(v, 0, 2);
  protect(v->map, 2, READ_ONLY);
  protect(v->map, 2, READ_WRITE);
  store_asking(v, 0, v->map, 4);
}

/* writeback.md 9: BEGIN while the mapping cannot be written to anyhow */
SCENARIO(a_begin_reaches_mappings_that_are_read_only_at_the_moment) {
  need_mappings();
  struct root* v = make_trap_root(3);
  supply(v, 0, 3, TAG);
  for (uint64_t page = 0; page < 3; page++) {
    store_asking(v, page, map_of(v) + page * PAGE, 1);
  }
  protect(v->map, 1, READ_ONLY);
  protect(v->map + PAGE, 1, 0);
  begin_writeback(v, 0, 3);
  protect(v->map, 3, READ_WRITE);
  for (uint64_t page = 0; page < 3; page++) {
    store_asking(v, page, v->map + page * PAGE, 2);
  }
  end_writeback(v, 0, 3);
  expect_listed(v, DATA(0, 3));
}

/* writeback.md 9, 8.7.6: a mapping of several Linux areas */
SCENARIO(a_begin_reaches_every_area_of_a_mapping) {
  enum {
    PAGES = 16
  };
  need_mappings();
  struct root* v = make_trap_root(PAGES);
  supply(v, 0, PAGES, TAG);
  dirty_pages(v, 0, PAGES);
  map_of(v);
  for (uint64_t page = 0; page < PAGES; page++) {
    store_freely(v->map + page * PAGE, 1);
  }
  /* Every fourth page is protected otherwise, so that the areas fall apart. */
  for (uint64_t page = 1; page < PAGES; page += 4) {
    protect(v->map + page * PAGE, 1, READ_ONLY);
  }
  begin_writeback(v, 0, PAGES);
  protect(v->map, PAGES, READ_WRITE);
  for (uint64_t page = 0; page < PAGES; page++) {
    store_asking(v, page, v->map + page * PAGE, 2);
  }
}

/* writeback.md 9: a mapping that was cut in two */
SCENARIO(a_begin_reaches_both_parts_of_a_mapping_that_was_cut) {
  need_mappings();
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  dirty_pages(v, 0, 8);
  uint8_t* at = map_vmo(v->vmo, 0, 8 * PAGE);
  for (uint64_t page = 0; page < 8; page++) {
    store_freely(at + page * PAGE, 1);
  }
  unmap(at + 3 * PAGE, 2 * PAGE);
  begin_writeback(v, 0, 8);
  store_asking(v, 2, at + 2 * PAGE, 2);
  store_asking(v, 5, at + 5 * PAGE, 2);
  end_writeback(v, 0, 8);
  expect_listed(v, DATA(2, 1), DATA(5, 1));
  expect_sigsegv(start_store(at + 3 * PAGE, 2));
}

/* writeback.md 9: a root that grew lies in several places */
SCENARIO(a_begin_reaches_all_of_a_root_that_grew) {
  need_mappings();
  struct root* v = make_resizable_trap_root(4);
  supply(v, 0, 4, TAG);
  map_pages(v, 4000);
  uint64_t sizes[] = {4, 40, 400, 4000};
  for (unsigned i = 0; i < 4; i++) {
    resize(v, sizes[i]);
    const uint64_t last = sizes[i] - 1;
    store_asking(v, last, v->map + last * PAGE, (uint8_t)(i + 1));
  }
  begin_writeback(v, 0, 4000);
  for (unsigned i = 0; i < 4; i++) {
    const uint64_t last = sizes[i] - 1;
    expect_bytes(v, last, 1, (uint8_t)(i + 1));
    store_asking(v, last, v->map + last * PAGE, VALUE);
  }
}

/* ---- New mappings ---- */

static void new_mappings_come_up_protected(enum via via, bool trap) {
  struct root* v = make_resizable_root_of(trap, 5);
  supply(v, 0, 2, TAG);
  supply_zeros(v, 2, 1);
  zero_pages(v, 3, 1);
  poke(VIA_CALLS, v, 1, VALUE);
  begin_writeback(v, 1, 1);
  /* So that every page has memory. */
  expect_ok(start_walk(via, v, 0, 4));
  uint8_t* at = map_vmo(v->vmo, 0, 5 * PAGE);
  for (uint64_t page = 0; page < 4; page++) {
    if (trap) {
      store_asking(v, page, at + page * PAGE, 1);
    } else {
      store_freely(at + page * PAGE, 1);
    }
  }
  end_writeback(v, 0, 5);
  expect_listed(v, DATA(0, 4));
  expect_bytes(v, 0, 4, 1);
  expect_nothing();
}

/* writeback.md 9: a new mapping must come up protected unless the page is dirty */
BOTH_WAYS(a_new_mapping_of_a_trap_root_asks) {
  need_mappings();
  new_mappings_come_up_protected(via, true);
}
BOTH_WAYS(a_new_mapping_of_a_plain_root_is_tracked) {
  need_mappings();
  new_mappings_come_up_protected(via, false);
}

/* writeback.md 9: one that shows a part, from elsewhere than the start */
SCENARIO(a_new_mapping_of_a_part_asks) {
  need_mappings();
  struct root* v = make_trap_root(8);
  supply(v, 0, 8, TAG);
  dirty_pages(v, 5, 1);
  uint8_t* at = map_vmo(v->vmo, 4 * PAGE, 3 * PAGE);
  store_asking(v, 4, at, 1);
  store_freely(at + PAGE, 1);
  store_asking(v, 6, at + 2 * PAGE, 1);
  expect_listed(v, DATA(4, 3));
}

/* writeback.md 9: pages that are supplied after the mapping was made */
SCENARIO(a_page_that_is_supplied_later_comes_up_protected_in_every_mapping) {
  enum {
    MAPS = 3
  };
  need_mappings();
  struct root* v = make_trap_root(MAPS + 1);
  uint8_t* maps[MAPS];
  for (unsigned i = 0; i < MAPS; i++) {
    maps[i] = map_vmo(v->vmo, 0, (MAPS + 1) * PAGE);
  }
  supply(v, 0, MAPS + 1, TAG);
  for (unsigned i = 0; i < MAPS; i++) {
    store_asking(v, i, maps[i] + i * PAGE, 1);
    /* Loaded through one, stored to through another. */
    expect_ok(start_load(maps[i] + MAPS * PAGE));
    struct worker* w = start_store(maps[(i + 1) % MAPS] + MAPS * PAGE, 1);
    expect_dirty(v, MAPS, 1);
    fail_pages(v, MAPS, 1, ZX_ERR_IO);
    expect_sigbus(w);
  }
}

/* writeback.md 9 consequence 3: a load of zeros must not make the page writable */
SCENARIO(zeros_that_were_loaded_come_up_protected_in_every_mapping) {
  need_mappings();
  for (unsigned trap = 0; trap < 2; trap++) {
    struct root* v = make_resizable_root_of(trap != 0, 4);
    uint8_t* maps[] = {map_of(v), map_vmo(v->vmo, 0, 4 * PAGE)};
    supply_zeros(v, 0, 2);
    zero_pages(v, 2, 2);
    for (uint64_t page = 0; page < 4; page++) {
      expect_byte(start_load(maps[page % 2] + page * PAGE), 0);
    }
    expect_listed(v, ZERO(2, 2));
    for (uint64_t page = 0; page < 4; page++) {
      uint8_t* at = maps[page / 2 % 2] + page * PAGE;
      if (trap != 0) {
        store_asking(v, page, at, VALUE);
      } else {
        store_freely(at, VALUE);
      }
    }
    expect_listed(v, DATA(0, 4));
  }
}

/* writeback.md 9: a refault: the page was given up, and comes back by another supply */
SCENARIO(a_page_that_comes_back_comes_up_protected) {
  need_mappings();
  struct root* v = make_trap_root(2);
  map_of(v);
  zero_pages(v, 1, 1);
  store_asking(v, 1, v->map + PAGE, 1);
  zero_pages(v, 1, 1);
  begin_zero_writeback(v, 1, 1);
  end_writeback(v, 1, 1);
  struct worker* w = start_store(v->map + PAGE, 2);
  expect_read(v, 1, 1);
  supply(v, 1, 1, TAG);
  expect_dirty(v, 1, 1);
  dirty_pages(v, 1, 1);
  expect_ok(w);
  expect_bytes(v, 1, 1, 2);
}

/* vmar.md 7.1, 8.2.1: a part beyond the end comes to be by growth */
SCENARIO(growth_under_a_mapping_comes_up_protected) {
  need_mappings();
  for (unsigned trap = 0; trap < 2; trap++) {
    struct root* v = make_resizable_root_of(trap != 0, 1);
    map_pages(v, 4);
    expect_sigbus(start_store(v->map + 2 * PAGE, 1));
    resize(v, 4);
    if (trap != 0) {
      store_asking(v, 2, v->map + 2 * PAGE, VALUE);
    } else {
      store_freely(v->map + 2 * PAGE, VALUE);
    }
    expect_listed(v, ZERO(1, 1), DATA(2, 1), ZERO(3, 1));
  }
}

/* ---- Mappings that change under a writer ---- */

/* vmar.md 9, writeback.md 9 */
SCENARIO(a_writer_whose_mapping_goes_meets_the_hole) {
  need_mappings();
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  uint8_t* at = map_vmo(v->vmo, 0, 4 * PAGE);
  struct worker* t1 = start_store(at + 2 * PAGE + 5, VALUE);
  expect_dirty(v, 2, 1);
  unmap(at, 4 * PAGE);
  expect_nothing();
  dirty_pages(v, 2, 1);
  expect_sigsegv(t1);
  expect_listed(v, DATA(2, 1));
  expect_pages(VIA_CALLS, v, 0, 4, TAG);
  expect_nothing();
}

/* vmar.md 9: the other mapping is not concerned */
SCENARIO(a_writer_through_another_mapping_goes_on) {
  need_mappings();
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  uint8_t* goes = map_vmo(v->vmo, 0, 4 * PAGE);
  uint8_t* stays = map_vmo(v->vmo, 0, 4 * PAGE);
  struct worker* t1 = start_store(goes + PAGE, 1);
  expect_dirty(v, 1, 1);
  struct worker* t2 = start_store(stays + PAGE, 2);
  await_waiting(t2);
  unmap(goes, 4 * PAGE);
  dirty_pages(v, 1, 1);
  expect_sigsegv(t1);
  expect_ok(t2);
  expect_bytes(v, 1, 1, 2);
  expect_nothing();
}

/* vmar.md 9: the rest of the mapping goes, the page stays */
SCENARIO(a_writer_whose_page_stays_mapped_goes_on) {
  need_mappings();
  struct root* v = make_trap_root(6);
  supply(v, 0, 6, TAG);
  uint8_t* at = map_vmo(v->vmo, 0, 6 * PAGE);
  struct worker* front = start_store(at, 1);
  expect_dirty(v, 0, 1);
  struct worker* back = start_store(at + 5 * PAGE, 2);
  expect_dirty(v, 5, 1);
  unmap(at + 2 * PAGE, 2 * PAGE);
  dirty_pages(v, 0, 6);
  expect_ok(front);
  expect_ok(back);
  expect_bytes(v, 0, 1, 1);
  expect_bytes(v, 5, 1, 2);
  expect_nothing();
}

/* vmar.md 9, 15 S17 */
SCENARIO(a_writer_whose_mapping_becomes_read_only_is_stopped) {
  need_mappings();
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_store(map_of(v) + PAGE + 9, VALUE);
  expect_dirty(v, 1, 1);
  protect(v->map, 4, READ_ONLY);
  expect_nothing();
  dirty_pages(v, 1, 1);
  expect_sigsegv(t1);
  expect_listed(v, DATA(1, 1));
  expect_pages(VIA_CALLS, v, 0, 4, TAG);
  protect(v->map, 4, READ_WRITE);
  store_freely(v->map + PAGE, VALUE);
  expect_nothing();
}

/* vmar.md 9: and one that may write again by then goes on */
SCENARIO(a_writer_whose_mapping_is_writable_again_goes_on) {
  need_mappings();
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_store(map_of(v) + PAGE, VALUE);
  expect_dirty(v, 1, 1);
  protect(v->map, 4, 0);
  protect(v->map + PAGE, 1, READ_ONLY);
  protect(v->map, 4, READ_WRITE);
  expect_waiting(t1);
  expect_nothing();
  dirty_pages(v, 1, 1);
  expect_ok(t1);
  expect_bytes(v, 1, 1, VALUE);
  expect_nothing();
}

/* vmar.md 9, pager.md 13.47: another root in the same place */
SCENARIO(a_writer_whose_place_is_taken_by_another_root_asks_there) {
  need_mappings();
  struct root* v = make_trap_root(2);
  struct root* w = make_trap_root(2);
  supply(v, 0, 2, TAG);
  supply(w, 0, 2, TAG + 1);
  uint8_t* at = map_vmo(v->vmo, 0, 2 * PAGE);
  struct worker* t1 = start_store(at + PAGE, VALUE);
  expect_dirty(v, 1, 1);
  zx_info_vmar_t root_region;
  check_ok(zx_object_get_info(zx_vmar_root_self(), ZX_INFO_VMAR, &root_region, sizeof(root_region),
                              NULL, NULL));
  zx_vaddr_t placed = 0;
  check_ok(zx_vmar_map(zx_vmar_root_self(), READ_WRITE | ZX_VM_SPECIFIC_OVERWRITE,
                       (zx_vaddr_t)at - root_region.base, w->vmo, 0, 2 * PAGE, &placed));
  check_equal(placed, (zx_vaddr_t)at);
  dirty_pages(v, 1, 1);
  expect_dirty(w, 1, 1);
  expect_waiting(t1);
  dirty_pages(w, 1, 1);
  expect_ok(t1);
  expect_bytes(w, 1, 1, VALUE);
  expect_pages(VIA_CALLS, v, 0, 2, TAG);
  expect_listed(v, DATA(1, 1));
  expect_listed(w, DATA(1, 1));
  expect_nothing();
}

/* vmar.md 9: a failure of what is not there any more */
SCENARIO(a_writer_whose_mapping_went_is_stopped_by_a_failure_too) {
  need_mappings();
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  uint8_t* at = map_vmo(v->vmo, 0, 4 * PAGE);
  struct worker* t1 = start_store(at + 2 * PAGE, VALUE);
  expect_dirty(v, 2, 1);
  unmap(at, 4 * PAGE);
  fail_pages(v, 2, 1, ZX_ERR_IO);
  await_end(t1);
  check_true(worker_signals(t1) == 1);
  expect_none_listed(v);
  expect_nothing();
}

/* ---- Fatal faults and signals ---- */

static struct sigaction workers_action;
static atomic_uint returns;

/* Returns from the first signals, and leaves the others to the workers. */
static void return_at_first(int signo, siginfo_t* info, void* context) {
  unsigned left = atomic_load(&returns);
  while (left > 0) {
    if (atomic_compare_exchange_weak(&returns, &left, left - 1)) return;
  }
  workers_action.sa_sigaction(signo, info, context);
}

/* writeback.md 9: if the handler returns the access is retried and makes a new request */
SCENARIO(a_store_is_repeated_when_the_handler_returns) {
  need_mappings();
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct sigaction action = {.sa_sigaction = return_at_first, .sa_flags = SA_SIGINFO};
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &workers_action);
  atomic_store(&returns, 2);
  struct worker* t1 = start_store(map_of(v) + PAGE, VALUE);
  for (unsigned i = 0; i < 2; i++) {
    expect_dirty(v, 1, 1);
    fail_pages(v, 1, 1, ZX_ERR_NO_SPACE);
  }
  expect_dirty(v, 1, 1);
  check_equal(atomic_load(&returns), 0);
  dirty_pages(v, 1, 1);
  expect_ok(t1);
  expect_bytes(v, 1, 1, VALUE);
  expect_nothing();
}

/* writeback.md 9: to exactly the threads that were blocked, with the address each of them
 * touched */
SCENARIO(a_failed_store_is_told_its_own_address) {
  need_mappings();
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  const uint64_t offsets[] = {0, 1, 777, PAGE - 1};
  struct worker* threads[4];
  for (unsigned i = 0; i < 4; i++) {
    threads[i] = start_store(map_of(v) + PAGE + offsets[i], VALUE);
    await_waiting(threads[i]);
  }
  struct worker* other = start_store(map_of(v) + 2 * PAGE, VALUE);
  await_waiting(other);
  fail_pages(v, 1, 1, ZX_ERR_IO);
  for (unsigned i = 0; i < 4; i++) {
    expect_sigbus(threads[i]);
    check_equal(worker_signals(threads[i]), 1);
    check_true(worker_signal_code(threads[i]) > 0);
  }
  expect_waiting(other);
  expect_dirty(v, 2, 1);
  dirty_pages(v, 2, 1);
  expect_ok(other);
  expect_nothing();
}

static void on_user_signal(int signo) { (void)signo; }

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

/* pager.md 11.3: a signal makes the processor repeat the access; no second packet */
BOTH_WAYS(a_signal_makes_no_second_packet) {
  struct sigaction action = {.sa_handler = on_user_signal};
  sigemptyset(&action.sa_mask);
  sigaction(SIGUSR1, &action, NULL);
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  struct worker* t1 = start_poke(via, v, 1, VALUE);
  expect_dirty(v, 1, 1);
  const uint64_t before = waits_now();
  for (unsigned i = 0; i < 3; i++) {
    const uint64_t faults = counts_now().faults;
    check_equal(pthread_kill(worker_thread(t1), SIGUSR1), 0);
    wait_until(!user_signal_pending(t1));
    if (via == VIA_MAPPING) wait_until(counts_now().faults > faults);
    expect_nothing();
    expect_waiting(t1);
  }
  check_equal(waits_now(), before);
  dirty_pages_waking(v, 1, 1, 1);
  expect_ok(t1);
  expect_nothing();
}

/* ---- Races ---- */

static void spin(unsigned n) {
  for (volatile unsigned i = 0; i < n; i++) {
  }
}

/* pager.md 11.5: a store that crosses its own answer: the page was dirtied unasked */
BOTH_WAYS(a_write_that_crosses_op_dirty_goes_through) {
  enum {
    ROUNDS = UNDER_SANITIZER ? 60 : 200
  };
  struct root* v = make_trap_root(ROUNDS);
  supply(v, 0, ROUNDS, TAG);
  for (uint64_t page = 0; page < ROUNDS; page++) {
    struct worker* t1 = start_poke(via, v, page, VALUE);
    spin((unsigned)(page * 37 % 200) * 100);
    dirty_pages(v, page, 1);
    expect_ok(t1);
    expect_nothing();
  }
  expect_listed(v, DATA(0, ROUNDS));
  expect_bytes(v, 0, ROUNDS, VALUE);
}

/* pager.md 11.5: one that crosses a detach is turned away, or has gone through */
BOTH_WAYS(a_write_that_crosses_a_detach_ends) {
  for (unsigned round = 0; round < 60; round++) {
    struct root* v = make_trap_root(2);
    supply(v, 0, 2, TAG);
    if (via == VIA_MAPPING) map_of(v);
    struct worker* t1 = start_poke(via, v, 1, VALUE);
    spin(round * 37 % 200 * 100);
    detach(v);
    expect_failed(t1, ZX_ERR_BAD_STATE);
    expect_complete(v);
    expect_nothing();
  }
}

/* writeback.md 8.7.6: a write that crosses BEGIN is seen by the one cycle or by the next */
BOTH_WAYS(a_write_that_crosses_begin_is_kept) {
  enum {
    ROUNDS = UNDER_SANITIZER ? 60 : 200
  };
  struct root* v = make_root(1);
  supply(v, 0, 1, TAG);
  poke_freely(via, v, 0, VALUE);
  for (unsigned round = 0; round < ROUNDS; round++) {
    const uint8_t value = (uint8_t)(round % 200);
    struct worker* t1 = start_poke(via, v, 0, value);
    spin(round * 37 % 200 * 100);
    begin_writeback(v, 0, 1);
    uint8_t written_back = 0;
    check_ok(zx_vmo_read(v->vmo, &written_back, 0, 1));
    end_writeback(v, 0, 1);
    expect_ok(t1);
    if (written_back != value) {
      expect_listed(v, DATA(0, 1));
    }
    expect_bytes(v, 0, 1, value);
  }
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(making_a_mapping_writable_does_not_lift_the_tracking),
      TEST(a_dirty_page_stays_writable_through_protect_calls),
      TEST(a_begin_reaches_mappings_that_are_read_only_at_the_moment),
      TEST(a_begin_reaches_every_area_of_a_mapping),
      TEST(a_begin_reaches_both_parts_of_a_mapping_that_was_cut),
      TEST(a_begin_reaches_all_of_a_root_that_grew),
      TEST_BOTH_WAYS(a_new_mapping_of_a_trap_root_asks),
      TEST_BOTH_WAYS(a_new_mapping_of_a_plain_root_is_tracked),
      TEST(a_new_mapping_of_a_part_asks),
      TEST(a_page_that_is_supplied_later_comes_up_protected_in_every_mapping),
      TEST(zeros_that_were_loaded_come_up_protected_in_every_mapping),
      TEST(a_page_that_comes_back_comes_up_protected),
      TEST(growth_under_a_mapping_comes_up_protected),
      TEST(a_writer_whose_mapping_goes_meets_the_hole),
      TEST(a_writer_through_another_mapping_goes_on),
      TEST(a_writer_whose_page_stays_mapped_goes_on),
      TEST(a_writer_whose_mapping_becomes_read_only_is_stopped),
      TEST(a_writer_whose_mapping_is_writable_again_goes_on),
      TEST(a_writer_whose_place_is_taken_by_another_root_asks_there),
      TEST(a_writer_whose_mapping_went_is_stopped_by_a_failure_too),
      TEST(a_store_is_repeated_when_the_handler_returns),
      TEST(a_failed_store_is_told_its_own_address),
      TEST_BOTH_WAYS(a_signal_makes_no_second_packet),
      TEST_BOTH_WAYS(a_write_that_crosses_op_dirty_goes_through),
      TEST_BOTH_WAYS(a_write_that_crosses_a_detach_ends),
      TEST_BOTH_WAYS(a_write_that_crosses_begin_is_kept),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
