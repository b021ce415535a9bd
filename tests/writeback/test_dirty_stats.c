/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_pager_query_vmo_stats: its checks and its reset; what it reports is in test_dirty_modified.c.
 * writeback.md 7. */
#include <string.h>

#include "writeback.h"

static zx_status_t stats(struct root* v, uint32_t options, void* buffer, size_t size) {
  return zx_pager_query_vmo_stats(v->pager, v->vmo, options, buffer, size);
}

/* ---- Checks ---- */

struct args {
  zx_handle_t owner; /* what has to be closed: the pager, or what replaced it */
  zx_handle_t pager;
  zx_handle_t vmo;
  uint32_t options;
  void* buffer;
  size_t size;
};

enum part {
  PAGER = 1 << 0,
  VMO = 1 << 1,
  SIZE = 1 << 2,
  OPTIONS = 1 << 3,
  BUFFER = 1 << 4,
};

struct mistake {
  const char* name;
  unsigned part;
  void (*make)(struct args* a);
  zx_status_t status;
};

static void no_pager(struct args* a) { a->pager = ZX_HANDLE_INVALID; }
static void port_as_pager(struct args* a) { a->pager = fx.port; }
static void weak_pager(struct args* a) {
  check_ok(zx_handle_replace(a->owner, ZX_DEFAULT_PAGER_RIGHTS & ~ZX_RIGHT_MANAGE_VMO, &a->owner));
  a->pager = a->owner;
}
static void no_vmo(struct args* a) { a->vmo = ZX_HANDLE_INVALID; }
static void port_as_vmo(struct args* a) { a->vmo = fx.port; }
static void weak_vmo(struct args* a) {
  a->vmo = duplicate_with(a->vmo, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_READ);
}
static void ordinary_vmo(struct args* a) { a->vmo = make_vmo(8); }
static void vmo_of_another_pager(struct args* a) {
  a->vmo = make_root_on(make_pager(), fx.port, 0, 1, 8 * PAGE)->vmo;
}
static void short_buffer(struct args* a) { a->size = sizeof(zx_pager_vmo_stats_t) - 1; }
static void no_buffer_size(struct args* a) { a->size = 0; }
static void unknown_option(struct args* a) { a->options |= 2; }
static void null_buffer(struct args* a) { a->buffer = NULL; }
static void buffer_in_a_hole(struct args* a) { a->buffer = make_hole(); }

/* In the order of writeback.md 7. */
static const struct mistake mistakes[] = {
    {"no pager", PAGER, no_pager, ZX_ERR_BAD_HANDLE},
    {"port as pager", PAGER, port_as_pager, ZX_ERR_WRONG_TYPE},
    {"pager without MANAGE_VMO", PAGER, weak_pager, ZX_ERR_ACCESS_DENIED},
    {"no VMO", VMO, no_vmo, ZX_ERR_BAD_HANDLE},
    {"port as VMO", VMO, port_as_vmo, ZX_ERR_WRONG_TYPE},
    {"VMO without READ", VMO, weak_vmo, ZX_ERR_ACCESS_DENIED},
    {"ordinary VMO", VMO, ordinary_vmo, ZX_ERR_INVALID_ARGS},
    {"VMO of another pager", VMO, vmo_of_another_pager, ZX_ERR_INVALID_ARGS},
    {"short buffer", SIZE, short_buffer, ZX_ERR_BUFFER_TOO_SMALL},
    {"no buffer size", SIZE, no_buffer_size, ZX_ERR_BUFFER_TOO_SMALL},
    {"unknown option", OPTIONS, unknown_option, ZX_ERR_INVALID_ARGS},
    {"null buffer", BUFFER, null_buffer, ZX_ERR_INVALID_ARGS},
    {"buffer in a hole", BUFFER, buffer_in_a_hole, ZX_ERR_INVALID_ARGS},
};
enum {
  MISTAKES = sizeof(mistakes) / sizeof(mistakes[0])
};

static zx_pager_vmo_stats_t scratch;

static struct args good_args(void) {
  zx_handle_t pager = ZX_HANDLE_INVALID;
  check_ok(zx_pager_create(0, &pager));
  struct root* v = make_root_on(pager, fx.port, 0, 1, 4 * PAGE);
  return (struct args){.owner = pager,
                       .pager = pager,
                       .vmo = v->vmo,
                       .options = ZX_PAGER_RESET_VMO_STATS,
                       .buffer = &scratch,
                       .size = sizeof(scratch)};
}

static zx_status_t call(const struct args* a) {
  const zx_status_t status =
      zx_pager_query_vmo_stats(a->pager, a->vmo, a->options, a->buffer, a->size);
  check_ok(zx_handle_close(a->owner));
  return status;
}

/* writeback.md 7; all pairs of mistakes */
SCENARIO(the_stats_check_in_order) {
  struct args good = good_args();
  check_ok(call(&good));
  for (unsigned i = 0; i < MISTAKES; i++) {
    struct args a = good_args();
    mistakes[i].make(&a);
    const zx_status_t got = call(&a);
    if (got != mistakes[i].status) {
      check_fail("%s gave %d, not %d", mistakes[i].name, got, mistakes[i].status);
    }
    for (unsigned k = i + 1; k < MISTAKES; k++) {
      if ((mistakes[i].part & mistakes[k].part) != 0) continue;
      a = good_args();
      mistakes[k].make(&a);
      mistakes[i].make(&a);
      const zx_status_t both = call(&a);
      if (both != mistakes[i].status) {
        check_fail("%s and %s gave %d, not %d", mistakes[i].name, mistakes[k].name, both,
                   mistakes[i].status);
      }
    }
  }
}

/* writeback.md 7: any option bit but one */
SCENARIO(every_other_option_bit_is_refused) {
  struct root* v = make_root(1);
  zx_pager_vmo_stats_t out;
  for (unsigned bit = 0; bit < 32; bit++) {
    check_status(stats(v, UINT32_C(1) << bit, &out, sizeof(out)),
                 bit == 0 ? ZX_OK : ZX_ERR_INVALID_ARGS);
  }
}

/* writeback.md 7 */
SCENARIO(a_larger_buffer_is_fine_and_only_its_front_is_written) {
  struct root* v = make_root(1);
  zero_pages(v, 0, 1);
  uint8_t buffer[64];
  for (size_t size = sizeof(zx_pager_vmo_stats_t); size <= sizeof(buffer); size++) {
    memset(buffer, 0xa5, sizeof(buffer));
    check_ok(stats(v, 0, buffer, size));
    zx_pager_vmo_stats_t out;
    memcpy(&out, buffer, sizeof(out));
    check_equal(out.modified, ZX_PAGER_VMO_STATS_MODIFIED);
    check_true(is_filled_with(buffer + sizeof(out), 0xa5, sizeof(buffer) - sizeof(out)));
  }
}

/* ---- The reset ---- */

/* writeback.md 4 */
BOTH_WAYS(a_reset_reports_once_more_and_clears) {
  struct root* v = make_root(4);
  supply(v, 0, 4, TAG);
  poke_freely(via, v, 1, VALUE);
  zx_pager_vmo_stats_t out = {0};
  check_ok(stats(v, 0, &out, sizeof(out)));
  check_equal(out.modified, ZX_PAGER_VMO_STATS_MODIFIED);
  check_ok(stats(v, ZX_PAGER_RESET_VMO_STATS, &out, sizeof(out)));
  check_equal(out.modified, ZX_PAGER_VMO_STATS_MODIFIED);
  check_ok(stats(v, ZX_PAGER_RESET_VMO_STATS, &out, sizeof(out)));
  check_equal(out.modified, 0);
  check_ok(stats(v, 0, &out, sizeof(out)));
  check_equal(out.modified, 0);
}

/* writeback.md 7: a call that fails its checks clears nothing */
SCENARIO(a_refused_reset_clears_nothing) {
  struct root* v = make_root(4);
  zero_pages(v, 0, 1);
  zx_pager_vmo_stats_t out;
  check_status(stats(v, ZX_PAGER_RESET_VMO_STATS, &out, 3), ZX_ERR_BUFFER_TOO_SMALL);
  check_status(stats(v, ZX_PAGER_RESET_VMO_STATS | 4, &out, sizeof(out)), ZX_ERR_INVALID_ARGS);
  check_status(stats(v, ZX_PAGER_RESET_VMO_STATS, NULL, sizeof(out)), ZX_ERR_INVALID_ARGS);
  expect_modified(v);
}

/* Writes once: the flag is set from then on. */
static zx_status_t write_once(void* argument) {
  struct root* v = argument;
  const uint8_t byte = VALUE;
  return zx_vmo_write(v->vmo, &byte, 0, 1);
}

/* writeback.md 4: in one step: the write is reported exactly once, whatever it crosses */
SCENARIO(a_write_that_crosses_resets_is_reported_once) {
  struct root* v = make_root(1);
  supply(v, 0, 1, TAG);
  for (unsigned round = 0; round < 100; round++) {
    unsigned reported = 0;
    zx_pager_vmo_stats_t out = {0};
    struct worker* t1 = start_call(write_once, v);
    bool ended;
    do {
      ended = worker_has_ended(t1);
      check_ok(stats(v, ZX_PAGER_RESET_VMO_STATS, &out, sizeof(out)));
      reported += out.modified;
    } while (!ended);
    expect_ok(t1);
    check_equal(reported, 1);
  }
}

/* writeback.md 8.5.5 */
SCENARIO(a_detached_root_has_stats) {
  struct root* v = make_root(4);
  zero_pages(v, 0, 1);
  detach(v);
  expect_complete(v);
  expect_modified(v);
  forget_modified(v);
  expect_not_modified(v);
  zero_pages(v, 0, 1);
  expect_modified(v);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(the_stats_check_in_order),
      TEST(every_other_option_bit_is_refused),
      TEST(a_larger_buffer_is_fine_and_only_its_front_is_written),
      TEST_BOTH_WAYS(a_reset_reports_once_more_and_clears),
      TEST(a_refused_reset_clears_nothing),
      TEST(a_write_that_crosses_resets_is_reported_once),
      TEST(a_detached_root_has_stats),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
