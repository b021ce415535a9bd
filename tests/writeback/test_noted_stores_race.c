/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads that store through mappings of plain roots while another looks, writes back, or takes
 * pages or mappings away: no store that went through is forgotten.
 *
 *   storer   stores ever larger numbers into the first word of each page in turn, and remembers
 *            what it stored last; ends when it is told to, or when it gets a fatal signal
 *
 * A store that went through is there afterwards, and its page is listed, unless the page was
 * written back since; then the pager has it. writeback.md 2.2, 5, 8.5, 8.7; 9, 6.
 */
#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>

#include "writeback.h"

enum {
  PAGES = 16,
  STORERS = 2,
  /* Each is a new root; what races has a few microseconds to. */
  ROUNDS = UNDER_SANITIZER ? 10 : 30,
};

#define RW (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)

/* ---- Storers ---- */

struct storer {
  uint8_t* map;
  uint64_t word; /* of each page, its own */
  uint64_t last[PAGES];
  atomic_ulong stores;
  atomic_bool stop;
  bool goes_on; /* with the next page after a fatal signal */
  struct worker* worker;
};

static zx_status_t storer_main(void* context) {
  struct storer* s = context;
  uint64_t value = 1;
  while (!atomic_load(&s->stop)) {
    bool hit = false;
    for (uint64_t page = 0; page < PAGES; page++) {
      uint64_t* const at = (uint64_t*)(s->map + page * PAGE) + s->word;
      if (guarded_store(at, value) != 0) {
        hit = true;
        if (!s->goes_on) return ZX_OK;
        continue;
      }
      s->last[page] = value;
      atomic_fetch_add(&s->stores, 1);
    }
    value++;
    if (hit) sched_yield();
  }
  return ZX_OK;
}

static struct storer storers[STORERS];

static void storers_start(uint8_t* map, bool goes_on) {
  memset(storers, 0, sizeof(storers));
  for (uint64_t i = 0; i < STORERS; i++) {
    storers[i].map = map;
    storers[i].word = i;
    storers[i].goes_on = goes_on;
    storers[i].worker = start_call(storer_main, &storers[i]);
  }
}

/* Until each has stored a number of times more. */
static void storers_run(unsigned long stores) {
  for (unsigned i = 0; i < STORERS; i++) {
    const unsigned long until = atomic_load(&storers[i].stores) + stores;
    wait_until(atomic_load(&storers[i].stores) >= until || worker_has_ended(storers[i].worker));
  }
}

static void storers_end(bool tell) {
  for (unsigned i = 0; i < STORERS; i++) {
    if (tell) atomic_store(&storers[i].stop, true);
  }
  for (unsigned i = 0; i < STORERS; i++) {
    expect_ok(storers[i].worker);
  }
}

/* ---- What there is ---- */

static struct root* make_clean(void) {
  struct root* v = make_resizable_root(PAGES);
  const zx_handle_t zeros = make_source(0, PAGES, TAG);
  /* Pages of zeros that are there. */
  uint8_t none[PAGE] = {0};
  for (uint64_t page = 0; page < PAGES; page++) {
    check_ok(zx_vmo_write(zeros, none, page * PAGE, PAGE));
  }
  check_ok(zx_pager_supply_pages(v->pager, v->vmo, 0, PAGES * PAGE, zeros, 0));
  return v;
}

static bool is_listed(struct root* v, uint64_t page) {
  size_t actual = 0;
  zx_vmo_dirty_range_t range;
  check_ok(zx_pager_query_dirty_ranges(v->pager, v->vmo, page * PAGE, PAGE, &range, sizeof(range),
                                       &actual, NULL));
  return actual == 1 && range.options == 0;
}

static uint64_t word_of(struct root* v, uint64_t page, uint64_t word) {
  uint64_t value = 0;
  check_ok(zx_vmo_read(v->vmo, &value, page * PAGE + word * sizeof(value), sizeof(value)));
  return value;
}

/* Nothing was written back since `backing` was; storers have ended. */
static void expect_no_store_lost(struct root* v, uint64_t backing[PAGES][STORERS]) {
  for (uint64_t page = 0; page < PAGES; page++) {
    bool changed = false;
    for (uint64_t i = 0; i < STORERS; i++) {
      const uint64_t last = storers[i].last[page];
      changed = changed || last != backing[page][i];
    }
    if (!changed) continue;
    if (!is_listed(v, page)) {
      check_fail("page %" PRIu64 " was stored to, %" PRIu64 " and %" PRIu64 ", and is not listed",
                 page, storers[0].last[page], storers[1].last[page]);
    }
    for (uint64_t i = 0; i < STORERS; i++) {
      check_equal(word_of(v, page, i), storers[i].last[page]);
    }
  }
}

/* Writes back what is listed, as a pager does: begin, read, end. */
static void write_back(struct root* v, uint64_t backing[PAGES][STORERS]) {
  zx_vmo_dirty_range_t ranges[PAGES];
  size_t actual = 0;
  check_ok(zx_pager_query_dirty_ranges(v->pager, v->vmo, 0, PAGES * PAGE, ranges, sizeof(ranges),
                                       &actual, NULL));
  for (size_t r = 0; r < actual; r++) {
    const uint64_t first = ranges[r].offset / PAGE;
    const uint64_t count = ranges[r].length / PAGE;
    begin_writeback(v, first, count);
    for (uint64_t page = first; page < first + count; page++) {
      for (uint64_t i = 0; i < STORERS; i++) {
        backing[page][i] = word_of(v, page, i);
      }
    }
    end_writeback(v, first, count);
  }
}

/* ---- Looking and writing back ---- */

/* writeback.md 8.7.6, 9.6 */
SCENARIO(no_store_is_lost_while_pages_are_written_back) {
  need_mappings();
  struct root* v = make_clean();
  uint64_t backing[PAGES][STORERS] = {0};
  storers_start(map_of(v), false);
  for (unsigned i = 0; i < 20 * ROUNDS; i++) {
    write_back(v, backing);
    zx_pager_vmo_stats_t stats;
    check_ok(zx_pager_query_vmo_stats(v->pager, v->vmo, ZX_PAGER_RESET_VMO_STATS, &stats,
                                      sizeof(stats)));
    if (i % 8 == 0) storers_run(PAGES);
  }
  storers_end(true);
  expect_no_store_lost(v, backing);
  write_back(v, backing);
  for (uint64_t page = 0; page < PAGES; page++) {
    for (uint64_t i = 0; i < STORERS; i++) {
      check_equal(backing[page][i], storers[i].last[page]);
    }
  }
  expect_none_listed(v);
}

/* Entries that the kernel takes away under the storers; COMMIT and other mappings protect again */
SCENARIO(no_store_is_lost_while_other_mappings_come_and_go) {
  need_mappings();
  struct root* v = make_clean();
  uint64_t backing[PAGES][STORERS] = {0};
  storers_start(map_of(v), false);
  for (unsigned i = 0; i < 2 * ROUNDS; i++) {
    uint8_t* const at = map_vmo(v->vmo, 0, PAGES * PAGE);
    *(volatile uint64_t*)(at + PAGE - 8) = i;
    check_ok(zx_vmar_protect(zx_vmar_root_self(), ZX_VM_PERM_READ, (zx_vaddr_t)at, 2 * PAGE));
    unmap(at, PAGES * PAGE);
    if (!is_listed(v, 0)) check_fail("a store before unmapping is not listed");
    write_back(v, backing);
  }
  storers_end(true);
  expect_no_store_lost(v, backing);
}

/* ---- Taking away ---- */

/* writeback.md 8.5.1: a store that went through made its page dirty, and it stays */
SCENARIO(no_store_is_lost_when_the_root_is_detached) {
  need_mappings();
  for (unsigned i = 0; i < ROUNDS; i++) {
    struct root* v = make_clean();
    uint64_t backing[PAGES][STORERS] = {0};
    storers_start(map_of(v), true);
    storers_run(i % 4);
    detach(v);
    storers_run(0);
    storers_end(true);
    expect_complete(v);
    expect_no_store_lost(v, backing);
  }
}

/* writeback.md 9: what was stored before the mapping went */
SCENARIO(no_store_is_lost_when_the_mapping_goes) {
  need_mappings();
  struct root* v = make_clean();
  uint64_t backing[PAGES][STORERS] = {0};
  for (unsigned i = 0; i < ROUNDS; i++) {
    uint8_t* const at = map_vmo(v->vmo, 0, PAGES * PAGE);
    storers_start(at, true);
    storers_run(i % 4);
    unmap(at + PAGES / 2 * PAGE, PAGES / 2 * PAGE);
    unmap(at, PAGES / 2 * PAGE);
    storers_end(true);
    /* Storers count from one in each round; a page they did not get to has what was there. */
    for (uint64_t page = 0; page < PAGES; page++) {
      for (uint64_t j = 0; j < STORERS; j++) {
        if (storers[j].last[page] == 0) storers[j].last[page] = backing[page][j];
      }
    }
    expect_no_store_lost(v, backing);
    write_back(v, backing);
    expect_none_listed(v);
  }
}

/* ---- Taking away pages that are stored to for the first time ---- */

enum {
  MANY = 600,
};

/* One store into each of many clean pages. */
struct pass {
  uint8_t* map;
  atomic_ulong tried; /* pages */
  bool stored[MANY];
  struct worker* worker;
};

static zx_status_t pass_main(void* context) {
  struct pass* p = context;
  for (uint64_t page = 0; page < MANY; page++) {
    p->stored[page] = guarded_store((uint64_t*)(p->map + page * PAGE), 1) == 0;
    atomic_fetch_add(&p->tried, 1);
  }
  return ZX_OK;
}

static struct pass pass;

static void pass_start(uint8_t* map) {
  memset(&pass, 0, sizeof(pass));
  pass.map = map;
  pass.worker = start_call(pass_main, &pass);
}

static struct root* make_many(zx_handle_t zeros) {
  struct root* v = make_resizable_root(MANY);
  check_ok(zx_vmo_op_range(zeros, ZX_VMO_OP_COMMIT, 0, MANY * PAGE, NULL, 0));
  check_ok(zx_pager_supply_pages(v->pager, v->vmo, 0, MANY * PAGE, zeros, 0));
  return v;
}

/* The pass has ended: what it stored is there and listed, and nothing else is, but for one page at
 * most that was about to be stored to. */
static void expect_what_was_stored(struct root* v, uint64_t about_to_be) {
  zx_vmo_dirty_range_t ranges[MANY];
  bool listed[MANY] = {0};
  uint64_t others = 0;
  size_t actual = 0;
  check_ok(zx_pager_query_dirty_ranges(v->pager, v->vmo, 0, MANY * PAGE, ranges, sizeof(ranges),
                                       &actual, NULL));
  for (size_t r = 0; r < actual; r++) {
    for (uint64_t i = 0; i < ranges[r].length / PAGE; i++) {
      listed[ranges[r].offset / PAGE + i] = true;
    }
  }
  for (uint64_t page = 0; page < MANY; page++) {
    if (pass.stored[page] && !listed[page]) {
      check_fail("page %" PRIu64 " was stored to and is not listed", page);
    }
    if (pass.stored[page]) check_equal(word_of(v, page, 0), 1);
    if (listed[page] && !pass.stored[page]) others++;
  }
  check_true(others <= about_to_be);
}

/* writeback.md 8.5.1 */
SCENARIO(detaching_drops_just_the_pages_that_were_not_stored_to) {
  need_mappings();
  const zx_handle_t zeros = make_vmo(MANY);
  for (unsigned i = 0; i < ROUNDS; i++) {
    struct root* v = make_many(zeros);
    pass_start(map_of(v));
    wait_until(atomic_load(&pass.tried) >= i * MANY / ROUNDS);
    detach(v);
    expect_ok(pass.worker);
    expect_complete(v);
    expect_what_was_stored(v, 0);
    drop(&v->vmo);
  }
}

/* writeback.md 9 */
SCENARIO(unmapping_knows_just_the_pages_that_were_stored_to) {
  need_mappings();
  const zx_handle_t zeros = make_vmo(MANY);
  for (unsigned i = 0; i < ROUNDS; i++) {
    struct root* v = make_many(zeros);
    uint8_t* const at = map_vmo(v->vmo, 0, MANY * PAGE);
    pass_start(at);
    wait_until(atomic_load(&pass.tried) >= i * MANY / ROUNDS);
    unmap(at, MANY * PAGE);
    expect_ok(pass.worker);
    expect_what_was_stored(v, 1);
    drop(&v->vmo);
  }
}

/* Pages are hidden for a while. Shrinking the stream zeroes them first, and stores may come after
 * that. */
SCENARIO(no_store_is_lost_while_the_stream_size_changes) {
  need_mappings();
  struct root* v = make_clean();
  uint8_t* const at =
      map_with(v->vmo, RW | ZX_VM_ALLOW_FAULTS | ZX_VM_FAULT_BEYOND_STREAM_SIZE, 0, PAGES * PAGE);
  storers_start(at, true);
  for (unsigned i = 0; i < 4 * ROUNDS; i++) {
    check_ok(zx_vmo_set_stream_size(v->vmo, (i % PAGES) * PAGE));
    check_ok(zx_vmo_set_stream_size(v->vmo, PAGES * PAGE));
    for (uint64_t page = 0; page < PAGES; page++) {
      (void)*(volatile uint8_t*)(at + page * PAGE);
    }
  }
  storers_end(true);
  for (uint64_t page = 0; page < PAGES; page++) {
    const bool holds = word_of(v, page, 0) != 0 || word_of(v, page, 1) != 0;
    if (holds && !is_listed(v, page)) check_fail("page %" PRIu64 " is not listed", page);
  }
}

/* vmar.md 5.6: other memory takes the place under the storers */
SCENARIO(no_store_is_lost_when_the_mapping_is_overwritten) {
  need_mappings();
  zx_vaddr_t base = 0;
  zx_handle_t region = ZX_HANDLE_INVALID;
  check_ok(zx_vmar_allocate(zx_vmar_root_self(),
                            ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_SPECIFIC, 0,
                            PAGES * PAGE, &region, &base));
  keep(region);
  for (unsigned i = 0; i < ROUNDS; i++) {
    struct root* v = make_clean();
    struct root* next = make_clean();
    zx_vaddr_t at = 0;
    check_ok(zx_vmar_map(region, RW | ZX_VM_SPECIFIC_OVERWRITE, 0, v->vmo, 0, PAGES * PAGE, &at));
    storers_start((uint8_t*)base, false);
    storers_run(i % 4);
    check_ok(
        zx_vmar_map(region, RW | ZX_VM_SPECIFIC_OVERWRITE, 0, next->vmo, 0, PAGES * PAGE, &at));
    storers_run(1);
    storers_end(true);
    /* Each of the two lists what it holds, and the last number is in one of them. */
    for (uint64_t page = 0; page < PAGES; page++) {
      uint64_t held[STORERS];
      for (uint64_t j = 0; j < STORERS; j++) {
        const uint64_t old = word_of(v, page, j);
        const uint64_t new = word_of(next, page, j);
        held[j] = old > new ? old : new;
        check_equal(held[j], storers[j].last[page]);
        if (old != 0 && !is_listed(v, page)) check_fail("a page is not listed");
        if (new != 0 && !is_listed(next, page)) check_fail("a page of the next is not listed");
      }
    }
  }
  check_ok(zx_vmar_destroy(region));
}

/* vmo.md 7: from now on stores have to be noticed at once, for the child's sake */
SCENARIO(no_store_is_lost_when_a_child_is_made) {
  need_mappings();
  for (unsigned i = 0; i < ROUNDS; i++) {
    struct root* v = make_clean();
    uint64_t backing[PAGES][STORERS] = {0};
    storers_start(map_of(v), false);
    storers_run(i % 4);
    zx_handle_t child = ZX_HANDLE_INVALID;
    check_ok(zx_vmo_create_child(v->vmo, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE, 0, PAGES * PAGE,
                                 &child));
    keep(child);
    uint8_t* const at = map_vmo(child, 0, PAGES * PAGE);
    for (uint64_t page = 0; page < PAGES; page++) {
      (void)*(volatile uint64_t*)(at + page * PAGE);
    }
    write_back(v, backing);
    storers_end(true);
    /* The child shows what the root has now. */
    for (uint64_t page = 0; page < PAGES; page++) {
      const volatile uint64_t* const words = (const volatile uint64_t*)(at + page * PAGE);
      for (uint64_t j = 0; j < STORERS; j++) {
        check_equal(words[j], storers[j].last[page]);
      }
    }
    expect_no_store_lost(v, backing);
    unmap(at, PAGES * PAGE);
    drop(&child);
  }
}

/* writeback.md 5.5: zeros that are written back become empty, but not those that are none any
 * more. The pager answers with what was written back, which is zeros. */
SCENARIO(no_store_is_lost_while_zeros_are_written_back) {
  need_mappings();
  for (unsigned i = 0; i < ROUNDS; i++) {
    struct root* v = make_resizable_root(1);
    map_pages(v, PAGES);
    supply_zeros(v, 0, 1);
    resize(v, PAGES);
    zero_pages(v, 0, PAGES);
    /* Shown to the mapping, so that the next touch asks nobody. */
    for (uint64_t page = 0; page < PAGES; page++) {
      (void)*(volatile uint64_t*)(v->map + page * PAGE);
    }
    storers_start(v->map, false);
    begin_zero_writeback(v, 0, PAGES);
    end_writeback(v, 0, PAGES);
    storers_run(0);
    for (unsigned j = 0; j < STORERS; j++) {
      atomic_store(&storers[j].stop, true);
    }
    while (!worker_has_ended(storers[0].worker) || !worker_has_ended(storers[1].worker)) {
      zx_port_packet_t packet;
      if (zx_port_wait(v->port, zx_deadline_after(ZX_MSEC(1)), &packet) == ZX_OK) {
        check_equal(packet.page_request.command, ZX_PAGER_VMO_READ);
        supply_zeros(v, packet.page_request.offset / PAGE, packet.page_request.length / PAGE);
      }
    }
    storers_end(true);
    uint64_t backing[PAGES][STORERS] = {0};
    expect_no_store_lost(v, backing);
  }
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(no_store_is_lost_while_pages_are_written_back),
      TEST(no_store_is_lost_while_other_mappings_come_and_go),
      TEST(no_store_is_lost_when_the_root_is_detached),
      TEST(no_store_is_lost_when_the_mapping_goes),
      TEST(detaching_drops_just_the_pages_that_were_not_stored_to),
      TEST(unmapping_knows_just_the_pages_that_were_stored_to),
      TEST(no_store_is_lost_while_the_stream_size_changes),
      TEST(no_store_is_lost_when_the_mapping_is_overwritten),
      TEST(no_store_is_lost_when_a_child_is_made),
      TEST(no_store_is_lost_while_zeros_are_written_back),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
