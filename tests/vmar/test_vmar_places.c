/* SPDX-License-Identifier: BSD-3-Clause */
/* Where mappings and regions are placed, against a plain map of pages: vmar.md 4, rows 7 to 12;
 * 1.1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../base/random.h"
#include "regions.h"

#define PAGES 200

/* What each page of the region belongs to: 0, nothing. */
static struct {
  struct region* r;
  zx_handle_t vmo;
  unsigned owner[PAGES];
  unsigned last;
  unsigned regions; /* made so far; there is room for so many */
} model;

static bool is_free(uint64_t page, uint64_t count) {
  for (uint64_t i = page; i < page + count; i++) {
    if (i >= PAGES || model.owner[i] != 0) return false;
  }
  return true;
}

/* Whether there is a place, at all. */
static bool has_place(uint64_t count, uint64_t align, uint64_t limit) {
  for (uint64_t page = 0; page + count <= limit; page++) {
    if ((model.r->base + page * PAGE) % align == 0 && is_free(page, count)) return true;
  }
  return false;
}

/* A request with everything drawn. */
static void place_one(struct rng* rng) {
  const uint64_t count = 1 + rng_below(rng, rng_one_in(rng, 4) ? PAGES : 12);
  const unsigned exponent = rng_one_in(rng, 2) ? 0 : 10 + (unsigned)rng_below(rng, 9);
  const uint64_t align = exponent < 12 ? PAGE : UINT64_C(1) << exponent;
  const bool limited = rng_one_in(rng, 3);
  const uint64_t limit = limited ? rng_below(rng, PAGES + 1) : PAGES;
  const zx_vm_option_t options =
      (zx_vm_option_t)exponent << ZX_VM_ALIGN_BASE | (limited ? ZX_VM_OFFSET_IS_UPPER_LIMIT : 0);
  const uint64_t offset = limited ? limit * PAGE : 0;
  zx_vaddr_t at = 0;
  zx_status_t status;
  if (model.regions < 500 && rng_one_in(rng, 4)) {
    zx_handle_t child = ZX_HANDLE_INVALID;
    status = zx_vmar_allocate(model.r->vmar, options, offset, count * PAGE, &child, &at);
    if (status == ZX_OK) {
      keep(child);
      model.regions++;
    }
  } else {
    status = zx_vmar_map(model.r->vmar, READ | options, offset, model.vmo, 0, count * PAGE, &at);
  }
  if (count > limit) {
    check_status(status, ZX_ERR_INVALID_ARGS);
  } else if (!has_place(count, align, limit)) {
    check_status(status, ZX_ERR_NO_RESOURCES);
  } else {
    check_ok(status);
    const uint64_t page = (at - model.r->base) / PAGE;
    check_equal(at % align, 0);
    check_true(page + count <= limit && is_free(page, count));
    model.last++;
    for (uint64_t i = page; i < page + count; i++)
      model.owner[i] = model.last;
  }
}

/* Whether one owner reaches over the edge before a page. */
static bool joined(uint64_t page) {
  return page > 0 && page < PAGES && model.owner[page] != 0 &&
         model.owner[page] == model.owner[page - 1];
}

/* Unmaps a range that cuts nothing, so that regions go whole. */
static void unmap_some(struct rng* rng) {
  uint64_t first = rng_below(rng, PAGES);
  uint64_t end = first + 1 + rng_below(rng, 20);
  if (end > PAGES) end = PAGES;
  while (joined(first))
    first--;
  while (joined(end))
    end++;
  check_ok(try_unmap(model.r, first, end - first));
  memset(&model.owner[first], 0, (end - first) * sizeof(model.owner[0]));
}

/* vmar.md 4: a place is found if there is one, is aligned and below the limit, and touches
 * nobody */
REGIONS(a_place_is_found_if_there_is_one) {
  const uint64_t seed = random_seed();
  const uint64_t rounds = random_rounds(UNDER_SANITIZER ? 400 : 4000);
  struct rng rng = rng_start(seed);
  fprintf(stderr, "ZXP_SEED=%llu\n", (unsigned long long)seed);
  make_region(3); /* so that the base is not aligned by accident */
  model.r = make_region(PAGES);
  model.vmo = make_vmo(1);
  for (uint64_t i = 0; i < rounds; i++) {
    if (rng_one_in(&rng, 3)) {
      unmap_some(&rng);
    } else {
      place_one(&rng);
    }
  }
}

static double seconds(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* vmar.md 4: with tens of thousands of mappings; times are printed, not checked */
REGIONS(places_are_found_among_very_many_mappings) {
  const uint64_t many = UNDER_SANITIZER ? 2000 : 20000;
  struct region* r = make_region(many * 2);
  const zx_handle_t a = make_vmo(1);
  zx_vaddr_t at = 0;
  double start = seconds();
  for (uint64_t i = 0; i < many; i++) {
    check_ok(zx_vmar_map(r->vmar, READ, 0, a, 0, PAGE, &at));
  }
  fprintf(stderr, "%.2f us for each of %llu\n", (seconds() - start) * 1e6 / (double)many,
          (unsigned long long)many);
  /* Every second one goes; holes of one page are of no use for two. */
  for (uint64_t i = 0; i < many; i += 2)
    check_ok(try_unmap(r, i, 1));
  start = seconds();
  for (uint64_t i = 0; i < 1000; i++) {
    check_ok(zx_vmar_map(r->vmar, READ | ZX_VM_OFFSET_IS_UPPER_LIMIT, r->pages * PAGE, a, 0,
                         2 * PAGE, &at));
    check_true(at >= r->base + many * PAGE - PAGE);
    check_ok(zx_vmar_unmap(r->vmar, at, 2 * PAGE));
  }
  fprintf(stderr, "%.2f us for a place of two pages behind %llu holes of one\n",
          (seconds() - start) * 1e3, (unsigned long long)many / 2);
  check_status(zx_vmar_map(r->vmar, READ | ZX_VM_OFFSET_IS_UPPER_LIMIT, (many - 1) * PAGE, a, 0,
                           2 * PAGE, &at),
               ZX_ERR_NO_RESOURCES);
  check_ok(
      zx_vmar_map(r->vmar, READ | ZX_VM_OFFSET_IS_UPPER_LIMIT, (many - 1) * PAGE, a, 0, PAGE, &at));
  check_ok(zx_vmar_destroy(r->vmar));
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(a_place_is_found_if_there_is_one),
      TEST(places_are_found_among_very_many_mappings),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
