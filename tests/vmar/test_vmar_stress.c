/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many threads change regions while others read and write in them and a pager serves.
 *
 * The region is a row of slots. A changer holds a slot while it changes it, and knows what it put
 * there; readers and writers touch any slot at any time and check only what must hold of every
 * access: a byte of the tag that its place in the VMO has, whichever VMO is there, or a fault. At
 * the end everything is gone.
 *
 * ZXP_STRESS_SECONDS says how long (2 without), ZXP_SEED which run.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zircon/syscalls-next.h>

#include "../base/random.h"
#include "regions.h"

enum {
  SLOTS = 24,
  SLOT_PAGES = 8,
  CHANGERS = 3,
  READERS = 2,
  VMOS = 6, /* 0 to 2 plain, 3 resizable, 4 and 5 of the pager */
  DIRTY_VMO = 5,
};

/* Page p of every VMO is filled with 1 + p % 8; slots begin with page 0, so a place has one tag. */
static uint8_t tag_of_page(uint64_t page) { return (uint8_t)(1 + page % SLOT_PAGES); }

static struct {
  struct region* r;
  zx_handle_t vmos[VMOS];
  zx_handle_t port;
  zx_handle_t pager;
  atomic_bool busy[SLOTS];
  atomic_bool stop;
  atomic_ulong changes;
  atomic_ulong touches;
  atomic_ulong faults;
  uint64_t seed;
} field;

static zx_vaddr_t slot_at(uint64_t slot) { return field.r->base + slot * SLOT_PAGES * PAGE; }

/* ---- The pager ---- */

#define STOP_KEY UINT64_C(0xffff)

static zx_status_t serve(void* unused) {
  (void)unused;
  zx_handle_t source;
  zx_status_t status = zx_vmo_create(SLOT_PAGES * PAGE, 0, &source);
  while (status == ZX_OK) {
    zx_port_packet_t packet;
    status = zx_port_wait(field.port, ZX_TIME_INFINITE, &packet);
    if (status != ZX_OK || packet.type == ZX_PKT_TYPE_USER) break;
    const zx_packet_page_request_t* request = &packet.page_request;
    const zx_handle_t vmo = field.vmos[packet.key];
    if (request->command == ZX_PAGER_VMO_DIRTY) {
      status = zx_pager_op_range(field.pager, ZX_PAGER_OP_DIRTY, vmo, request->offset,
                                 request->length, 0);
      continue;
    }
    for (uint64_t i = 0; status == ZX_OK && i < request->length / PAGE; i++) {
      uint8_t bytes[4096];
      memset(bytes, tag_of_page(request->offset / PAGE + i), sizeof(bytes));
      status = zx_vmo_write(source, bytes, i * PAGE, PAGE);
    }
    if (status == ZX_OK) {
      status = zx_pager_supply_pages(field.pager, vmo, request->offset, request->length, source, 0);
    }
  }
  zx_handle_close(source);
  return status;
}

/* ---- Readers and writers ---- */

static zx_status_t touch(void* argument) {
  struct rng rng = rng_start(field.seed + 100 + (uintptr_t)argument);
  while (!atomic_load(&field.stop)) {
    const uint64_t page = rng_below(&rng, SLOTS * SLOT_PAGES);
    const uint64_t tag = tag_of_page(page) * UINT64_C(0x0101010101010101);
    uint64_t* at = (uint64_t*)(field.r->base + page * PAGE) + rng_below(&rng, 512);
    uint64_t word = 0;
    const bool store = rng_one_in(&rng, 4);
    const int signo = store ? guarded_store(at, tag) : guarded_load(at, &word);
    if (signo == 0 && !store && word != tag && word != 0) return ZX_ERR_IO_DATA_INTEGRITY;
    atomic_fetch_add(&field.touches, 1);
    if (signo != 0) atomic_fetch_add(&field.faults, 1);
  }
  return ZX_OK;
}

/* ---- Changers ---- */

static zx_status_t map_slot(uint64_t slot, uint64_t page, uint64_t count, zx_vm_option_t options,
                            zx_handle_t vmo) {
  zx_vaddr_t at = 0;
  return zx_vmar_map(field.r->vmar, options, slot_at(slot) + page * PAGE - field.r->base, vmo,
                     page * PAGE, count * PAGE, &at);
}

/* Whatever the last changer has left. */
static zx_status_t empty_slot(uint64_t slot) {
  return zx_vmar_unmap(field.r->vmar, slot_at(slot), SLOT_PAGES * PAGE);
}

/* A run of changes to one slot, which is empty before. */
static zx_status_t use_slot(uint64_t slot, struct rng* rng) {
  const zx_handle_t vmo = field.vmos[rng_below(rng, VMOS)];
  zx_status_t status = map_slot(slot, 0, SLOT_PAGES, RW | ZX_VM_SPECIFIC, vmo);
  for (unsigned i = 0; status == ZX_OK && i < 6; i++) {
    const uint64_t page = rng_below(rng, SLOT_PAGES);
    const uint64_t count = 1 + rng_below(rng, SLOT_PAGES - page);
    const zx_vaddr_t at = slot_at(slot) + page * PAGE;
    switch (rng_below(rng, 6)) {
      case 0:
        status = zx_vmar_unmap(field.r->vmar, at, PAGE);
        break;
      case 1:
      case 2:
        status = map_slot(slot, page, count, RW | ZX_VM_SPECIFIC_OVERWRITE,
                          field.vmos[rng_below(rng, VMOS)]);
        break;
      case 3: {
        static const zx_vm_option_t perms[] = {0, READ, RW, RW, RW};
        status = zx_vmar_protect(field.r->vmar, perms[rng_below(rng, 5)], at, count * PAGE);
        if (status == ZX_ERR_NOT_FOUND) status = ZX_OK; /* a gap */
        break;
      }
      case 4:
        status = zx_vmar_op_range(field.r->vmar, ZX_VMAR_OP_DONT_NEED, at, count * PAGE, NULL, 0);
        if (status == ZX_ERR_BAD_STATE) status = ZX_OK; /* a gap */
        break;
      default:
        status = zx_object_get_info(field.r->vmar, ZX_INFO_VMAR_MAPS, NULL, 0, NULL, NULL);
        break;
    }
  }
  return status;
}

/* The same with a region in the slot, which is destroyed here or left. */
static zx_status_t use_slot_as_region(uint64_t slot, struct rng* rng) {
  zx_handle_t child = ZX_HANDLE_INVALID;
  zx_handle_t inner = ZX_HANDLE_INVALID;
  zx_vaddr_t at = 0;
  zx_status_t status =
      zx_vmar_allocate(field.r->vmar, USUAL | ZX_VM_SPECIFIC, slot_at(slot) - field.r->base,
                       SLOT_PAGES * PAGE, &child, &at);
  if (status != ZX_OK) return status;
  status = zx_vmar_allocate(child, USUAL | ZX_VM_SPECIFIC, 2 * PAGE, 4 * PAGE, &inner, &at);
  if (status == ZX_OK) {
    status = zx_vmar_map(inner, RW | ZX_VM_SPECIFIC, 0, field.vmos[rng_below(rng, VMOS)], 2 * PAGE,
                         4 * PAGE, &at);
  }
  if (status == ZX_OK) {
    status = zx_vmar_map(child, RW | ZX_VM_SPECIFIC, 6 * PAGE, field.vmos[rng_below(rng, VMOS)],
                         6 * PAGE, 2 * PAGE, &at);
  }
  if (status == ZX_OK) {
    status = zx_vmar_protect(field.r->vmar, READ, slot_at(slot) + 3 * PAGE, 5 * PAGE);
  }
  if (status == ZX_OK && rng_one_in(rng, 3)) {
    status = zx_vmar_destroy(child);
    if (zx_vmar_unmap(inner, at, PAGE) != ZX_ERR_BAD_STATE) status = ZX_ERR_INTERNAL;
  }
  zx_handle_close(inner);
  zx_handle_close(child);
  return status;
}

static zx_status_t change(void* argument) {
  struct rng rng = rng_start(field.seed + (uintptr_t)argument);
  zx_status_t status = ZX_OK;
  while (status == ZX_OK && !atomic_load(&field.stop)) {
    const uint64_t slot = rng_below(&rng, SLOTS);
    if (atomic_exchange(&field.busy[slot], true)) continue;
    status = empty_slot(slot);
    if (status == ZX_OK) {
      status = rng_one_in(&rng, 3) ? use_slot_as_region(slot, &rng) : use_slot(slot, &rng);
    }
    atomic_store(&field.busy[slot], false);
    atomic_fetch_add(&field.changes, 1);
  }
  return status;
}

/* One thread changes the VMOs themselves: sizes, snapshots, writing back. */
static zx_status_t change_vmos(void* unused) {
  (void)unused;
  struct rng rng = rng_start(field.seed + 1000);
  zx_status_t status = ZX_OK;
  while (status == ZX_OK && !atomic_load(&field.stop)) {
    zx_handle_t child = ZX_HANDLE_INVALID;
    switch (rng_below(&rng, 3)) {
      case 0:
        status = zx_vmo_set_size(field.vmos[3], rng_below(&rng, SLOT_PAGES + 1) * PAGE);
        break;
      case 1:
        status = zx_vmo_create_child(field.vmos[rng_below(&rng, 3)], ZX_VMO_CHILD_SNAPSHOT, 0,
                                     SLOT_PAGES * PAGE, &child);
        if (status == ZX_OK) status = zx_handle_close(child);
        break;
      default:
        status = zx_pager_op_range(field.pager, ZX_PAGER_OP_WRITEBACK_BEGIN, field.vmos[DIRTY_VMO],
                                   0, SLOT_PAGES * PAGE, 0);
        if (status == ZX_OK) {
          status = zx_pager_op_range(field.pager, ZX_PAGER_OP_WRITEBACK_END, field.vmos[DIRTY_VMO],
                                     0, SLOT_PAGES * PAGE, 0);
        }
        break;
    }
    nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
  }
  return status;
}

/* ---- The run ---- */

static void run_for(double length) {
  struct worker* changers[CHANGERS];
  struct worker* readers[READERS];
  struct worker* server = start_call(serve, NULL);
  struct worker* sizes = start_call(change_vmos, NULL);
  for (uintptr_t i = 0; i < CHANGERS; i++)
    changers[i] = start_call(change, (void*)i);
  for (uintptr_t i = 0; i < READERS; i++)
    readers[i] = start_call(touch, (void*)i);
  const struct limit end = limit_in(length);
  while (!limit_passed(&end)) {
  }
  atomic_store(&field.stop, true);
  for (int i = 0; i < READERS; i++)
    expect_ok(readers[i]);
  for (int i = 0; i < CHANGERS; i++)
    expect_ok(changers[i]);
  expect_ok(sizes);
  const zx_port_packet_t stop = {.key = STOP_KEY, .type = ZX_PKT_TYPE_USER};
  check_ok(zx_port_queue(field.port, &stop));
  expect_ok(server);
}

REGIONS(regions_change_under_readers_and_writers) {
  need_mappings();
  field.seed = random_seed();
  fprintf(stderr, "ZXP_SEED=%llu\n", (unsigned long long)field.seed);
  field.r = make_region(SLOTS * SLOT_PAGES);
  field.pager = fx.pager;
  field.port = fx.port;
  for (int i = 0; i < 3; i++)
    field.vmos[i] = tagged("12345678");
  field.vmos[3] = tagged_with(ZX_VMO_RESIZABLE, "12345678");
  for (uint64_t i = 4; i < VMOS; i++) {
    field.vmos[i] = make_root_on(fx.pager, fx.port, i == DIRTY_VMO ? ZX_VMO_TRAP_DIRTY : 0, i,
                                 SLOT_PAGES * PAGE)
                        ->vmo;
  }
  run_for((double)env_number("ZXP_STRESS_SECONDS", 2));
  fprintf(stderr, "%lu runs of changes, %lu accesses, %lu faults\n", atomic_load(&field.changes),
          atomic_load(&field.touches), atomic_load(&field.faults));
  check_true(atomic_load(&field.changes) > 0 && atomic_load(&field.touches) > 0);
  check_ok(try_unmap(field.r, 0, SLOTS * SLOT_PAGES));
  for (int i = 0; i < VMOS; i++)
    check_equal(mappings_of(field.vmos[i]), 0);
  expect_maps(field.r, "region 0+192");
}

int main(int argc, char** argv) {
  scenario_extra_seconds = (unsigned)env_number("ZXP_STRESS_SECONDS", 2);
  const struct CMUnitTest tests[] = {
      TEST(regions_change_under_readers_and_writers),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
