/* SPDX-License-Identifier: BSD-3-Clause */
#include "fault/wakes.h"

#include <stdatomic.h>

#include "base/quick_lock.h"
#include "vm/arena.h"

/* Pages that are remembered; a power of two. Neighbours never displace each other. */
#define PLACES 4096

/* Written under lock. */
struct wake {
  _Atomic uintptr_t page; /* its number; 0: none */
  _Atomic uint64_t begun;
  _Atomic uint64_t done;
};

static _Atomic uint64_t ticks = 1;

static struct zxp_quick_lock lock = ZXP_QUICK_LOCK_INITIALIZER(ZXP_RANK_LEAF);
static struct wake wakes[PLACES];

uint64_t zxp_tick(uint64_t count) { return atomic_fetch_add(&ticks, count); }

uint64_t zxp_tick_now(void) { return atomic_load(&ticks); }

void zxp_wakes_note(uintptr_t address, uint64_t length, uint64_t begun, uint64_t done) {
  uintptr_t page = address >> ZXP_PAGE_SHIFT;
  uint64_t count = length >> ZXP_PAGE_SHIFT;
  if (count > PLACES) {
    page += count - PLACES; /* Those in front would be displaced by these. */
    count = PLACES;
  }
  zxp_quick_lock(&lock);
  for (; count > 0; count--, page++) {
    struct wake* w = &wakes[page % PLACES];
    if (w->page != page || w->done <= done) {
      atomic_store_explicit(&w->done, done, memory_order_relaxed);
      atomic_store_explicit(&w->begun, begun, memory_order_relaxed);
      atomic_store_explicit(&w->page, page, memory_order_relaxed);
    }
  }
  zxp_quick_unlock(&lock);
}

enum zxp_wait zxp_wakes_look(uintptr_t address, uint64_t begun, uint64_t done) {
  const uintptr_t page = address >> ZXP_PAGE_SHIFT;
  enum zxp_wait wait = ZXP_WAIT_ON;
  const struct wake* w = &wakes[page % PLACES];
  /* Mostly it is clear at a glance; what is being noted at this moment might as well come later. */
  if (atomic_load_explicit(&w->page, memory_order_relaxed) != page ||
      begun >= atomic_load_explicit(&w->done, memory_order_relaxed)) {
    return wait;
  }
  zxp_quick_lock(&lock);
  if (w->page == page && begun < w->done) {
    wait = done <= w->begun ? ZXP_WAIT_OVER : ZXP_WAIT_UNKNOWN;
  }
  zxp_quick_unlock(&lock);
  return wait;
}
