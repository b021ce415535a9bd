/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many reads and writes of one VMO by several threads while something else happens to it: vmo.md 3.
 *
 * Most of them take place with no lock held (src/base/biased_lock.h), so everything that changes a
 * VMO has a scenario here in which it meets them. Calls interleave at page granularity, so each
 * page that a read brings is all of one write.
 */
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <zircon/syscalls-next.h>

#include "tagged.h"

#define PAGES  4
#define ROUNDS (UNDER_SANITIZER ? 60 : 300)
/* Reads that a worker makes at least, so that it has been at it. */
#define READS 20

/* ---- Workers ---- */

struct reading {
  zx_handle_t vmo;
  uint64_t pages;
  const char* tags;    /* what a page may be full of: a digit each */
  zx_status_t instead; /* of ZX_OK, once something has happened */
  atomic_bool enough;
  atomic_uint reads;
};

/* Whether the page is full of one byte that is among the tags. */
static bool is_whole(const uint8_t* page, const char* tags) {
  return memchr(tags, '0' + page[0], strlen(tags)) != NULL && is_filled_with(page, page[0], PAGE);
}

static zx_status_t read_on(void* argument) {
  struct reading* r = argument;
  uint8_t bytes[PAGES * PAGE];
  while (!atomic_load(&r->enough)) {
    const zx_status_t status = zx_vmo_read(r->vmo, bytes, 0, r->pages * PAGE);
    for (uint64_t i = 0; status == ZX_OK && i < r->pages; i++) {
      if (!is_whole(bytes + i * PAGE, r->tags)) return ZX_ERR_INTERNAL;
    }
    if (status != ZX_OK && status != r->instead) return status;
    atomic_fetch_add(&r->reads, 1);
  }
  return ZX_OK;
}

struct writing {
  zx_handle_t vmo;
  uint64_t first;
  uint64_t pages;
  uint8_t byte;
  zx_status_t instead;
  bool look; /* the pages are this thread's alone: reads back what it has written */
  atomic_bool enough;
};

static zx_status_t write_on(void* argument) {
  struct writing* w = argument;
  uint8_t bytes[PAGES * PAGE];
  for (unsigned i = 0; !atomic_load(&w->enough); i++) {
    const uint8_t byte = w->look ? (uint8_t)i : w->byte;
    memset(bytes, byte, w->pages * PAGE);
    zx_status_t status = zx_vmo_write(w->vmo, bytes, w->first * PAGE, w->pages * PAGE);
    if (w->look && status == ZX_OK) {
      memset(bytes, ~byte, w->pages * PAGE);
      status = zx_vmo_read(w->vmo, bytes, w->first * PAGE, w->pages * PAGE);
      if (!is_filled_with(bytes, byte, w->pages * PAGE)) return ZX_ERR_INTERNAL;
    }
    if (status != ZX_OK && status != w->instead) return status;
  }
  return ZX_OK;
}

/* Returns when the reader has been at work for a while since. */
static void await_reads(struct reading* r) {
  const unsigned before = atomic_load(&r->reads);
  wait_until(atomic_load(&r->reads) - before >= READS);
}

static void stop(struct worker* w, atomic_bool* enough) {
  atomic_store(enough, true);
  expect_ok(w);
}

/* ---- Each other ---- */

/* vmo.md 3: two calls interleave at page granularity */
SCENARIO(pages_are_of_one_write_each) {
  struct vmo* v = anonymous(BY_CALLS, 0, "1 1 1 1");
  struct reading readings[2] = {{.vmo = v->handle, .pages = PAGES, .tags = "123"},
                                {.vmo = v->handle, .pages = PAGES, .tags = "123"}};
  struct writing twos = {.vmo = v->handle, .pages = PAGES, .byte = 2};
  struct writing threes = {.vmo = v->handle, .first = 1, .pages = 2, .byte = 3};
  struct worker* t1 = start_call(read_on, &readings[0]);
  struct worker* t2 = start_call(read_on, &readings[1]);
  await_reads(&readings[0]);
  struct worker* t3 = start_call(write_on, &twos);
  struct worker* t4 = start_call(write_on, &threes);
  for (int i = 0; i < 10; i++) {
    await_reads(&readings[0]);
    await_reads(&readings[1]);
  }
  stop(t4, &threes.enough);
  await_reads(&readings[0]);
  stop(t3, &twos.enough);
  stop(t1, &readings[0].enough);
  stop(t2, &readings[1].enough);
}

/* vmo.md 3: what a call has written is there for the next, whatever goes on beside it */
SCENARIO(writers_of_different_pages_leave_each_other_alone) {
  struct vmo* v = anonymous(BY_CALLS, 0, "1 1 1 1");
  struct writing own[2] = {{.vmo = v->handle, .first = 0, .pages = 1, .look = true},
                           {.vmo = v->handle, .first = 1, .pages = 2, .look = true}};
  struct reading reading = {.vmo = v->handle, .pages = 0, .tags = ""};
  struct worker* t1 = start_call(write_on, &own[0]);
  struct worker* t2 = start_call(write_on, &own[1]);
  struct worker* t3 = start_call(read_on, &reading);
  for (int i = 0; i < ROUNDS; i++) {
    uint8_t byte = (uint8_t)i;
    check_ok(zx_vmo_write(v->handle, &byte, 3 * PAGE + 7, 1));
    byte = (uint8_t)~byte;
    check_ok(zx_vmo_read(v->handle, &byte, 3 * PAGE + 7, 1));
    check_equal(byte, (uint8_t)i);
  }
  await_reads(&reading);
  stop(t1, &own[0].enough);
  stop(t2, &own[1].enough);
  stop(t3, &reading.enough);
}

/* ---- The end of the handle ---- */

struct passing {
  _Atomic uint64_t now; /* a handle, and above it the tag of its VMO */
  atomic_uint reads;
};

static zx_status_t read_what_there_is(void* argument) {
  struct passing* p = argument;
  uint8_t bytes[PAGE];
  uint64_t now;
  while ((now = atomic_load(&p->now)) != 0) {
    const zx_status_t status = zx_vmo_read((zx_handle_t)now, bytes, 0, PAGE);
    if (status == ZX_OK && !is_filled_with(bytes, (uint8_t)(now >> 32), PAGE)) {
      return ZX_ERR_INTERNAL;
    }
    if (status != ZX_OK && status != ZX_ERR_BAD_HANDLE) return status;
    atomic_fetch_add(&p->reads, status == ZX_OK);
  }
  return ZX_OK;
}

/* objects.md 2.5: a call that has begun goes on with the object of a handle that is closed */
SCENARIO(a_read_meets_the_vmo_or_no_handle) {
  struct passing p = {0};
  struct worker* workers[2];
  for (unsigned i = 0; i < (unsigned)ROUNDS; i++) {
    const uint8_t tag = (uint8_t)(1 + i % 200);
    uint8_t bytes[PAGE];
    zx_handle_t vmo;
    memset(bytes, tag, sizeof(bytes));
    check_ok(zx_vmo_create(PAGE, 0, &vmo));
    check_ok(zx_vmo_write(vmo, bytes, 0, PAGE));
    const zx_handle_t before = (zx_handle_t)atomic_exchange(&p.now, (uint64_t)tag << 32 | vmo);
    if (i == 0) {
      workers[0] = start_call(read_what_there_is, &p);
      workers[1] = start_call(read_what_there_is, &p);
    } else {
      check_ok(zx_handle_close(before));
    }
    const unsigned reads = atomic_load(&p.reads);
    const unsigned more = (i & 7) == 0 ? READS : 1;
    wait_until(atomic_load(&p.reads) - reads >= more);
  }
  const zx_handle_t last = (zx_handle_t)atomic_exchange(&p.now, 0);
  check_ok(zx_handle_close(last));
  expect_ok(workers[0]);
  expect_ok(workers[1]);
}

/* ---- Changes ---- */

/* vmo.md 4: a read meets one size or the other, and of cut pages nothing comes back */
SCENARIO(a_resize_meets_readers_and_writers) {
  struct vmo* v = anonymous(BY_CALLS, ZX_VMO_RESIZABLE, "1 1 1 1");
  struct reading r = {
      .vmo = v->handle, .pages = PAGES, .tags = "012", .instead = ZX_ERR_OUT_OF_RANGE};
  struct writing w = {
      .vmo = v->handle, .first = 2, .pages = 2, .byte = 2, .instead = ZX_ERR_OUT_OF_RANGE};
  struct worker* t1 = start_call(read_on, &r);
  struct worker* t2 = start_call(write_on, &w);
  for (int i = 0; i < ROUNDS / 10; i++) {
    await_reads(&r);
    resize(v, 1);
    await_reads(&r);
    resize(v, PAGES);
  }
  stop(t2, &w.enough);
  resize(v, 2);
  resize(v, PAGES);
  atomic_store(&r.enough, true);
  expect_ok(t1);
  uint8_t bytes[2 * PAGE];
  check_ok(zx_vmo_read(v->handle, bytes, 2 * PAGE, 2 * PAGE));
  check_true(is_filled_with(bytes, 0, sizeof(bytes)));
}

/* vmo.md 5: pages that are given back read as zeros, whole pages at a time */
SCENARIO(decommit_and_zero_meet_readers_and_writers) {
  struct vmo* v = anonymous(BY_CALLS, 0, "1 1 1 1");
  struct reading r = {.vmo = v->handle, .pages = PAGES, .tags = "012"};
  struct writing w = {.vmo = v->handle, .first = 1, .pages = 2, .byte = 2};
  struct worker* t1 = start_call(read_on, &r);
  struct worker* t2 = start_call(write_on, &w);
  for (int i = 0; i < ROUNDS / 10; i++) {
    await_reads(&r);
    decommit(v, 0, PAGES);
    await_reads(&r);
    zero(v, 1, 2);
  }
  stop(t2, &w.enough);
  stop(t1, &r.enough);
  decommit(v, 0, PAGES);
  expect_tags(v, "0 0 0 0");
  check_equal(committed_pages(v->handle), 0);
}

/* vmo.md 7: a snapshot stays as it is, and its pages are of one write each */
SCENARIO(a_snapshot_meets_writers) {
  struct vmo* v = anonymous(BY_CALLS, 0, "1 1 1 1");
  struct reading r = {.vmo = v->handle, .pages = PAGES, .tags = "123"};
  struct writing twos = {.vmo = v->handle, .pages = 3, .byte = 2};
  struct writing threes = {.vmo = v->handle, .first = 1, .pages = 3, .byte = 3};
  struct worker* t1 = start_call(read_on, &r);
  struct worker* t2 = start_call(write_on, &twos);
  struct worker* t3 = start_call(write_on, &threes);
  for (int i = 0; i < ROUNDS / 10; i++) {
    uint8_t once[PAGES * PAGE];
    uint8_t again[PAGES * PAGE];
    struct vmo* s = snapshot(v, 0, PAGES);
    check_ok(zx_vmo_read(s->handle, once, 0, sizeof(once)));
    await_reads(&r);
    for (int k = 0; k < 20; k++) {
      check_ok(zx_vmo_read(s->handle, again, 0, sizeof(again)));
      check_true(memcmp(once, again, sizeof(once)) == 0);
    }
    for (int page = 0; page < PAGES; page++) {
      check_true(is_whole(once + page * PAGE, "123"));
    }
    end(s);
    await_reads(&r);
  }
  stop(t2, &twos.enough);
  stop(t3, &threes.enough);
  stop(t1, &r.enough);
}

/* vmo.md 11: pages that are moved in appear as they were, whole pages at a time */
SCENARIO(a_transfer_meets_readers) {
  struct vmo* v = anonymous(BY_CALLS, 0, "1 1 1 1");
  struct reading r = {.vmo = v->handle, .pages = PAGES, .tags = "12"};
  struct worker* t1 = start_call(read_on, &r);
  for (int i = 0; i < ROUNDS / 10; i++) {
    struct vmo* from = anonymous(BY_CALLS, 0, i % 2 == 0 ? "2 2" : "1 1");
    await_reads(&r);
    check_ok(zx_vmo_transfer_data(v->handle, 0, PAGE, 2 * PAGE, from->handle, 0));
    end(from);
  }
  stop(t1, &r.enough);
}

/* ---- Pagers ---- */

/* pager.md 8.1: clean pages are gone for good, and asked for in vain */
SCENARIO(detach_meets_readers) {
  for (int i = 0; i < ROUNDS / 30; i++) {
    struct root* root;
    struct vmo* v = pager_root(BY_CALLS, 0, "1 1 1 1", &root);
    struct reading r = {.vmo = v->handle, .pages = PAGES, .tags = "1", .instead = ZX_ERR_BAD_STATE};
    struct worker* t1 = start_call(read_on, &r);
    struct worker* t2 = start_call(read_on, &r);
    await_reads(&r);
    detach(root);
    expect_complete(root);
    await_reads(&r);
    uint8_t byte;
    check_status(zx_vmo_read(v->handle, &byte, 0, 1), ZX_ERR_BAD_STATE);
    stop(t1, &r.enough);
    expect_ok(t2);
  }
}

/* writeback.md 5: a page that was written after BEGIN is dirty after END */
SCENARIO(writeback_meets_writers) {
  struct root* root;
  struct vmo* v = pager_root(BY_CALLS, 0, "1 1 1 1", &root);
  struct writing w = {.vmo = v->handle, .pages = PAGES, .byte = 2};
  struct reading r = {.vmo = v->handle, .pages = PAGES, .tags = "12"};
  struct worker* t1 = start_call(read_on, &r);
  struct worker* t2 = start_call(write_on, &w);
  for (int i = 0; i < ROUNDS / 10; i++) {
    await_reads(&r);
    check_ok(
        zx_pager_op_range(fx.pager, ZX_PAGER_OP_WRITEBACK_BEGIN, v->handle, 0, PAGES * PAGE, 0));
    await_reads(&r);
    check_ok(zx_pager_op_range(fx.pager, ZX_PAGER_OP_WRITEBACK_END, v->handle, 0, PAGES * PAGE, 0));
  }
  stop(t2, &w.enough);
  stop(t1, &r.enough);
}

/* ---- Writes that change more than bytes, after reads have shown that nothing changes ---- */

static void read_often(zx_handle_t vmo) {
  uint8_t byte;
  for (int i = 0; i < 100; i++) {
    check_ok(zx_vmo_read(vmo, &byte, 0, 1));
  }
}

static uint64_t dirty_ranges(zx_handle_t vmo) {
  zx_vmo_dirty_range_t ranges[PAGES];
  size_t actual = 0;
  check_ok(zx_pager_query_dirty_ranges(fx.pager, vmo, 0, PAGES * PAGE, ranges, sizeof(ranges),
                                       &actual, NULL));
  return actual;
}

/* writeback.md 4 */
SCENARIO(a_write_on_a_clean_page_makes_it_dirty) {
  struct root* root;
  struct vmo* v = pager_root(BY_CALLS, 0, "1 1 1 1", &root);
  read_often(v->handle);
  check_equal(dirty_ranges(v->handle), 0);
  read_often(v->handle);
  put_byte(v, 1, 5, 7);
  check_equal(dirty_ranges(v->handle), 1);
  read_often(v->handle);
  put_byte(v, 3, 5, 7);
  check_equal(dirty_ranges(v->handle), 2);
}

static uint32_t reset_stats(zx_handle_t vmo) {
  zx_pager_vmo_stats_t stats;
  check_ok(
      zx_pager_query_vmo_stats(fx.pager, vmo, ZX_PAGER_RESET_VMO_STATS, &stats, sizeof(stats)));
  return stats.modified;
}

/* writeback.md 4: each write modifies, also one on a page that is dirty */
SCENARIO(a_write_on_a_dirty_page_counts_as_a_modification) {
  struct root* root;
  struct vmo* v = pager_root(BY_CALLS, 0, "1 1 1 1", &root);
  put_byte(v, 1, 5, 7);
  check_equal(reset_stats(v->handle), ZX_PAGER_VMO_STATS_MODIFIED);
  check_equal(reset_stats(v->handle), 0);
  read_often(v->handle);
  put_byte(v, 1, 5, 8);
  check_equal(reset_stats(v->handle), ZX_PAGER_VMO_STATS_MODIFIED);
  read_often(v->handle);
  put_byte(v, 1, 5, 9);
  put_byte(v, 1, 5, 10);
  check_equal(reset_stats(v->handle), ZX_PAGER_VMO_STATS_MODIFIED);
}

/* vmo.md 8: a child sees what its parent is written, also through a mapping that has shown more */
SCENARIO(a_write_on_the_parent_shows_in_a_mapping_of_the_child) {
  need_mappings();
  struct root* root;
  struct vmo* v = pager_root(BY_CALLS, 0, "1 1 1 1", &root);
  struct vmo* c = lazy(v, 0, PAGES);
  put_byte(v, 1, 5, 7);
  const volatile uint8_t* map = map_vmo(c->handle, 0, PAGES * PAGE);
  check_equal(map[PAGE + 5], 7);
  read_often(v->handle);
  put_byte(v, 1, 5, 8);
  check_equal(map[PAGE + 5], 8);
  read_often(v->handle);
  put_byte(v, 1, 5, 9);
  check_equal(map[PAGE + 5], 9);
}

/* vmo.md 7: a write on the child is its own, however many reads have shown the parent's page */
SCENARIO(a_write_on_a_child_leaves_the_parent) {
  struct vmo* v = anonymous(BY_CALLS, 0, "1 2 3 4");
  struct vmo* c = snapshot(v, 0, PAGES);
  read_often(v->handle);
  read_often(c->handle);
  put(c, 0, 5);
  put(v, 1, 6);
  expect_tags(v, "1 6 3 4");
  expect_tags(c, "5 2 3 4");
}

/* ---- Buffers that are no memory ---- */

static uint8_t* make_nowhere(void) {
  uint8_t* nowhere = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check_true(nowhere != MAP_FAILED);
  return nowhere;
}

/* A bad pointer outside the root region is a signal in the caller (src/base/user.h). If the handler
 * jumps out of the read, other reads go on, and close returns (docs/design.md 7). */
SCENARIO(a_thread_that_jumps_out_of_a_read_holds_up_neither_reads_nor_close) {
  uint8_t* nowhere = make_nowhere();
  struct vmo* v = anonymous(BY_CALLS, 0, "1 2 3 4");
  read_often(v->handle);
  struct worker* t1 = start_read_to(v->handle, nowhere, PAGE, PAGE);
  await_end(t1);
  check_equal(worker_signals(t1), 1);
  check_equal((uintptr_t)worker_fault_address(t1) / PAGE, (uintptr_t)nowhere / PAGE);
  read_often(v->handle);
  expect_tags(v, "1 2 3 4");
  end(v);
  munmap(nowhere, PAGE);
}

/* The same for pages that have no memory yet, which are written by a system call. */
SCENARIO(a_write_from_nowhere_to_absent_pages_is_a_signal_too) {
  uint8_t* nowhere = make_nowhere();
  struct vmo* v = anonymous(BY_CALLS, 0, "0 0");
  struct worker* t1 = start_write_from(v->handle, nowhere, 0, PAGE);
  await_end(t1);
  check_equal(worker_signals(t1), 1);
  check_equal((uintptr_t)worker_fault_address(t1) / PAGE, (uintptr_t)nowhere / PAGE);
  munmap(nowhere, PAGE);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(pages_are_of_one_write_each),
      TEST(writers_of_different_pages_leave_each_other_alone),
      TEST(a_read_meets_the_vmo_or_no_handle),
      TEST(a_resize_meets_readers_and_writers),
      TEST(decommit_and_zero_meet_readers_and_writers),
      TEST(a_snapshot_meets_writers),
      TEST(a_transfer_meets_readers),
      TEST(detach_meets_readers),
      TEST(writeback_meets_writers),
      TEST(a_write_on_a_clean_page_makes_it_dirty),
      TEST(a_write_on_a_dirty_page_counts_as_a_modification),
      TEST(a_write_on_the_parent_shows_in_a_mapping_of_the_child),
      TEST(a_write_on_a_child_leaves_the_parent),
      TEST(a_thread_that_jumps_out_of_a_read_holds_up_neither_reads_nor_close),
      TEST(a_write_from_nowhere_to_absent_pages_is_a_signal_too),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
