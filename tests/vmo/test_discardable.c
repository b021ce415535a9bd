/* SPDX-License-Identifier: BSD-3-Clause */
/* Discardable VMOs, as a program sees them where nothing is ever discarded: vmo.md 12. */
#include <string.h>

#include "tagged.h"

static zx_handle_t discardable(uint64_t size, uint32_t more) {
  zx_handle_t out = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create(size, ZX_VMO_DISCARDABLE | more, &out));
  return keep(out);
}

static zx_status_t lock(zx_handle_t vmo, uint64_t size) {
  zx_vmo_lock_state_t state;
  return zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, size, &state, sizeof(state));
}

static zx_status_t try_lock(zx_handle_t vmo, uint64_t size) {
  return zx_vmo_op_range(vmo, ZX_VMO_OP_TRY_LOCK, 0, size, NULL, 0);
}

static zx_status_t unlock(zx_handle_t vmo, uint64_t size) {
  return zx_vmo_op_range(vmo, ZX_VMO_OP_UNLOCK, 0, size, NULL, 0);
}

/* The lock count, found out by unlocking; put back by locking. */
static unsigned locks_of(zx_handle_t vmo, uint64_t size) {
  unsigned n = 0;
  while (unlock(vmo, size) == ZX_OK) {
    n++;
  }
  check_status(unlock(vmo, size), ZX_ERR_BAD_STATE);
  for (unsigned i = 0; i < n; i++) {
    check_ok(try_lock(vmo, size));
  }
  return n;
}

/* vmo.md 12: LOCK fills the record */
SCENARIO(lock_tells_that_nothing_was_discarded) {
  const zx_handle_t vmo = discardable(3 * PAGE, 0);
  zx_vmo_lock_state_t state;
  memset(&state, 0xee, sizeof(state));
  check_equal(sizeof(state), 32);
  check_ok(zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, 3 * PAGE, &state, sizeof(state)));
  check_equal(state.offset, 0);
  check_equal(state.size, 3 * PAGE);
  check_equal(state.discarded_offset, 0);
  check_equal(state.discarded_size, 0);
}

/* vmo.md 12: "Locks nest." */
SCENARIO(locks_nest) {
  const zx_handle_t vmo = discardable(PAGE, 0);
  check_status(unlock(vmo, PAGE), ZX_ERR_BAD_STATE);
  check_ok(lock(vmo, PAGE));
  check_ok(try_lock(vmo, PAGE));
  check_ok(lock(vmo, PAGE));
  check_equal(locks_of(vmo, PAGE), 3);
  for (int i = 0; i < 3; i++) {
    check_ok(unlock(vmo, PAGE));
  }
  check_status(unlock(vmo, PAGE), ZX_ERR_BAD_STATE);
  check_ok(try_lock(vmo, PAGE));
  check_equal(locks_of(vmo, PAGE), 1);
}

/* vmo.md 12: the count is the object's, not the handle's, and outlives handles */
SCENARIO(the_count_belongs_to_the_vmo) {
  const zx_handle_t vmo = discardable(PAGE, 0);
  zx_handle_t other = duplicate(vmo);
  check_ok(lock(other, PAGE));
  drop(&other);
  check_equal(locks_of(vmo, PAGE), 1);
}

/* vmo.md 12: the order of the checks of LOCK; the count stays as it is */
SCENARIO(mistakes_are_found_in_the_documented_order_and_lock_nothing) {
  static const uint32_t ops[] = {ZX_VMO_OP_LOCK, ZX_VMO_OP_TRY_LOCK, ZX_VMO_OP_UNLOCK};
  const zx_handle_t vmo = discardable(2 * PAGE, 0);
  const zx_handle_t plain = make_vmo(2);
  const zx_rights_t neither = ZX_DEFAULT_VMO_RIGHTS & ~(ZX_RIGHT_READ | ZX_RIGHT_WRITE);
  const zx_handle_t bare = duplicate_with(vmo, neither);
  const zx_handle_t plain_bare = duplicate_with(plain, neither);
  const zx_handle_t reader = duplicate_with(vmo, ZX_RIGHT_READ);
  const zx_handle_t writer = duplicate_with(vmo, ZX_RIGHT_WRITE);
  zx_vmo_lock_state_t state;
  for (int i = 0; i < 3; i++) {
    check_status(zx_vmo_op_range(bare, ops[i], 1, 0, NULL, 0), ZX_ERR_ACCESS_DENIED);
    check_status(zx_vmo_op_range(plain_bare, ops[i], 1, 0, NULL, 0), ZX_ERR_ACCESS_DENIED);
    check_status(zx_vmo_op_range(plain, ops[i], 1, 0, NULL, 0), ZX_ERR_NOT_SUPPORTED);
    check_status(zx_vmo_op_range(fx.port, ops[i], 1, 0, NULL, 0), ZX_ERR_WRONG_TYPE);
    static const uint64_t ranges[][2] = {
        {0, 0},        {0, PAGE},       {0, 2 * PAGE - 1}, {0, 2 * PAGE + 1},
        {0, 3 * PAGE}, {PAGE, PAGE},    {PAGE, 0},         {PAGE, 2 * PAGE},
        {1, 2 * PAGE}, {0, UINT64_MAX}, {2 * PAGE, 0},
    };
    for (size_t k = 0; k < sizeof(ranges) / sizeof(ranges[0]); k++) {
      check_status(zx_vmo_op_range(vmo, ops[i], ranges[k][0], ranges[k][1], NULL, 0),
                   ZX_ERR_OUT_OF_RANGE);
    }
  }
  check_status(zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, 2 * PAGE, &state, sizeof(state) - 1),
               ZX_ERR_INVALID_ARGS);
  check_status(zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, 2 * PAGE, NULL, 0), ZX_ERR_INVALID_ARGS);
  check_status(zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, 2 * PAGE, NULL, sizeof(state)),
               ZX_ERR_INVALID_ARGS);
  uint8_t* hole = map_vmo(plain, 0, PAGE);
  unmap(hole, PAGE);
  check_status(zx_vmo_op_range(vmo, ZX_VMO_OP_LOCK, 0, 2 * PAGE, hole, sizeof(state)),
               ZX_ERR_INVALID_ARGS);
  check_equal(locks_of(vmo, 2 * PAGE), 0);
  /* A larger buffer, and either right. */
  zx_vmo_lock_state_t two[2];
  check_ok(zx_vmo_op_range(reader, ZX_VMO_OP_LOCK, 0, 2 * PAGE, two, sizeof(two)));
  check_ok(try_lock(writer, 2 * PAGE));
  check_ok(unlock(reader, 2 * PAGE));
  check_ok(unlock(writer, 2 * PAGE));
}

/* vmo.md 12: "exactly (0, size)", the size of now */
SCENARIO(the_range_follows_the_size) {
  const zx_handle_t vmo = discardable(2 * PAGE, ZX_VMO_RESIZABLE);
  check_ok(lock(vmo, 2 * PAGE));
  check_ok(zx_vmo_set_size(vmo, 5 * PAGE));
  check_status(unlock(vmo, 2 * PAGE), ZX_ERR_OUT_OF_RANGE);
  check_ok(unlock(vmo, 5 * PAGE));
  check_ok(zx_vmo_set_size(vmo, 0));
  check_ok(lock(vmo, 0));
  check_ok(unlock(vmo, 0));
}

/* vmo.md 2, 12: an unbounded one is locked as a whole */
SCENARIO(an_unbounded_vmo_is_locked_as_a_whole) {
  const zx_handle_t vmo = discardable(PAGE, ZX_VMO_UNBOUNDED);
  uint64_t size = 0;
  check_ok(zx_vmo_get_size(vmo, &size));
  check_status(lock(vmo, PAGE), ZX_ERR_OUT_OF_RANGE);
  check_ok(lock(vmo, size));
  check_ok(unlock(vmo, size));
}

/* vmo.md 12: "Unlocked and not discarded, the VMO reads and writes normally and keeps its
 * bytes." */
SCENARIO(bytes_are_kept_locked_or_not) {
  struct vmo* v = vmo_of(BY_BOTH, discardable(3 * PAGE, ZX_VMO_RESIZABLE));
  put(v, 0, 1);
  put(v, 1, 2);
  expect_tags(v, "1 2 0");
  check_ok(lock(v->handle, 3 * PAGE));
  expect_tags(v, "1 2 0");
  put(v, 2, 3);
  check_ok(unlock(v->handle, 3 * PAGE));
  expect_tags(v, "1 2 3");
  decommit(v, 0, 1);
  zero(v, 1, 1);
  expect_tags(v, "0 0 3");
  resize(v, 1);
  resize(v, 2);
  expect_tags(v, "0 0");
  check_ok(try_lock(v->handle, 2 * PAGE));
  commit(v, 0, 2);
  check_equal(committed_pages(v->handle), 2);
}

/* vmo.md 12: "Mapping needs ZX_VM_ALLOW_FAULTS" */
SCENARIO(a_mapping_has_to_allow_faults) {
  const zx_handle_t vmo = discardable(PAGE, 0);
  zx_vaddr_t at = 0;
  check_status(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, vmo, 0, PAGE, &at),
               ZX_ERR_NOT_SUPPORTED);
  check_ok(lock(vmo, PAGE));
  check_status(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, vmo, 0, PAGE, &at),
               ZX_ERR_NOT_SUPPORTED);
  map_with(vmo, ZX_VM_PERM_READ | ZX_VM_ALLOW_FAULTS, 0, PAGE);
}

/* vmo.md 2, 6: no children; as a source of a supply it is an ordinary VMO */
SCENARIO(it_has_no_children_and_may_be_supplied_from) {
  struct vmo* v = vmo_of(BY_CALLS, discardable(PAGE, 0));
  put(v, 0, 7);
  check_status(try_child(v->handle, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE, NULL), ZX_ERR_NOT_SUPPORTED);
  check_status(try_child(v->handle, ZX_VMO_CHILD_REFERENCE, 0, 0, NULL), ZX_ERR_NOT_SUPPORTED);
  struct root* root = NULL;
  struct vmo* r = pager_root(BY_CALLS, 0, "-", &root);
  check_ok(zx_pager_supply_pages(root->pager, root->vmo, 0, PAGE, v->handle, 0));
  expect_tags(r, "7");
  expect_tags(v, "0");
}

#define COUNT_ROUNDS (UNDER_SANITIZER ? 1000 : 5000)

static zx_status_t lock_and_unlock(void* argument) {
  const zx_handle_t vmo = *(const zx_handle_t*)argument;
  for (int i = 0; i < COUNT_ROUNDS; i++) {
    zx_status_t status = i % 2 == 0 ? lock(vmo, PAGE) : try_lock(vmo, PAGE);
    if (status == ZX_OK) status = unlock(vmo, PAGE);
    if (status != ZX_OK) return status;
  }
  return lock(vmo, PAGE);
}

/* vmo.md 12: counts of several threads add up */
SCENARIO(several_threads_lock_and_unlock) {
  zx_handle_t vmo = discardable(PAGE, 0);
  struct worker* workers[3];
  for (int i = 0; i < 3; i++) {
    workers[i] = start_call(lock_and_unlock, &vmo);
  }
  for (int i = 0; i < 3; i++) {
    expect_ok(workers[i]);
  }
  check_equal(locks_of(vmo, PAGE), 3);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(lock_tells_that_nothing_was_discarded),
      TEST(locks_nest),
      TEST(the_count_belongs_to_the_vmo),
      TEST(mistakes_are_found_in_the_documented_order_and_lock_nothing),
      TEST(the_range_follows_the_size),
      TEST(an_unbounded_vmo_is_locked_as_a_whole),
      TEST(bytes_are_kept_locked_or_not),
      TEST(a_mapping_has_to_allow_faults),
      TEST(it_has_no_children_and_may_be_supplied_from),
      TEST(several_threads_lock_and_unlock),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
