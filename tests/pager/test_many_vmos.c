/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 100,000 pager VMOs at once: they cost neither descriptors nor Linux mappings, and everything is
 * given back when they are closed.
 */
#include <malloc.h>
#include <stdlib.h>

#include "fixture.h"
#include "leaks.h"
#include "worker.h"

enum {
  VMOS = UNDER_SANITIZER ? 20000 : 100000,
  PAGES = 4,
  /* One in so many gets a page, and reads it back. */
  SUPPLIED_EVERY = 97,
  /* One in so many is asked for a page that it does not have. */
  ASKED_EVERY = 5003,
  /* One in so many is mapped. */
  MAPPED_EVERY = 1009,
};

/* What all of them together may cost: a few windows of the arena. */
#define SPARE_DESCRIPTORS 32
#define SPARE_AREAS       300
/* Linux areas of one mapping: itself and what it cuts its surroundings into. */
#define AREAS_A_MAPPING 4

static zx_handle_t vmos[VMOS];
static uint8_t* mapped[VMOS / MAPPED_EVERY + 1];

static void create_all(void) {
  for (uint64_t i = 0; i < VMOS; i++) {
    check_ok(zx_pager_create_vmo(fx.pager, 0, fx.port, i, PAGES * PAGE, &vmos[i]));
  }
}

static void supply_page(zx_handle_t vmo, uint64_t page, unsigned tag) {
  struct root v = {.vmo = vmo, .pager = fx.pager, .port = fx.port};
  supply(&v, page, 1, tag);
}

static void supply_some(void) {
  for (uint64_t i = 0; i < VMOS; i += SUPPLIED_EVERY) {
    supply_page(vmos[i], 1, (unsigned)i);
  }
  for (uint64_t i = 0; i < VMOS; i += SUPPLIED_EVERY) {
    uint8_t bytes[PAGE];
    check_ok(zx_vmo_read(vmos[i], bytes, PAGE, PAGE));
    check_true(content_is(bytes, 1, 1, (unsigned)i));
  }
}

static void ask_some(void) {
  for (uint64_t i = 0; i < VMOS; i += ASKED_EVERY) {
    struct worker* w = start_read(vmos[i], 2 * PAGE, PAGE);
    expect_packet(fx.port, i, ZX_PAGER_VMO_READ, 2 * PAGE, PAGE);
    supply_page(vmos[i], 2, (unsigned)i + 1);
    expect_ok(w);
    expect_content(w, 2, 1, (unsigned)i + 1);
  }
}

static void map_some(void) {
  if (!fx.probe.mappings_supported) return;
  for (uint64_t i = 0; i < VMOS; i += MAPPED_EVERY) {
    uint8_t* at = map_vmo(vmos[i], 0, PAGES * PAGE);
    mapped[i / MAPPED_EVERY] = at;
    struct worker* w = start_load(at + 3 * PAGE);
    expect_packet(fx.port, i, ZX_PAGER_VMO_READ, 3 * PAGE, PAGE);
    supply_page(vmos[i], 3, (unsigned)i + 2);
    expect_byte(w, content_byte((unsigned)i + 2, 3, 0));
  }
}

static void unmap_some(void) {
  if (!fx.probe.mappings_supported) return;
  for (uint64_t i = 0; i < VMOS; i += MAPPED_EVERY) {
    unmap(mapped[i / MAPPED_EVERY], PAGES * PAGE);
  }
}

static void close_all(void) {
  for (uint64_t i = 0; i < VMOS; i++) {
    check_ok(zx_handle_close(vmos[i]));
  }
  for (uint64_t i = 0; i < VMOS; i++) {
    expect_packet(fx.port, i, ZX_PAGER_VMO_COMPLETE, 0, 0);
  }
  expect_nothing();
}

static void one_round(void) {
  const size_t descriptors = leaks_count_descriptors();
  const size_t areas = leaks_count_areas(0, 0);
  create_all();
  check_true(leaks_count_descriptors() <= descriptors + SPARE_DESCRIPTORS);
  check_true(leaks_count_areas(0, 0) <= areas + SPARE_AREAS);
  supply_some();
  ask_some();
  check_true(leaks_count_areas(0, 0) <= areas + SPARE_AREAS);
  map_some();
  check_true(leaks_count_descriptors() <= descriptors + SPARE_DESCRIPTORS);
  check_true(leaks_count_areas(0, 0) <=
             areas + SPARE_AREAS + AREAS_A_MAPPING * (VMOS / MAPPED_EVERY + 1));
  unmap_some();
  close_all();
}

/* The fourth "must show" */
SCENARIO(many_vmos_need_few_descriptors_and_areas) { one_round(); }

/* Bytes that the C library has handed out. */
static size_t allocated(void) {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

/* What workers of a round keep until the end of the scenario, and what a table may keep spare. */
#define SPARE_BYTES ((size_t)256 * 1024)

SCENARIO(closing_many_vmos_gives_their_memory_back) {
  if (UNDER_SANITIZER) scenario_skip("a sanitizer's allocator does not count");
  one_round();
  const size_t before = allocated();
  one_round();
  const size_t after = allocated();
  if (after > before + SPARE_BYTES) {
    check_fail("%zu bytes more after a second round", after - before);
  }
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(many_vmos_need_few_descriptors_and_areas),
      TEST(closing_many_vmos_gives_their_memory_back),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
