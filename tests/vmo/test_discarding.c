/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a discarded VMO is like: vmo.md 12. Nothing in the library discards, so this reaches inside
 * and does what memory pressure would.
 */
#include "object/handle.h"
#include "tagged.h"
#include "vm/vmo.h"

static zx_status_t discard(const struct vmo* v) {
  struct zxp_object* object;
  check_ok(zxp_handle_get(v->handle, ZX_OBJ_TYPE_VMO, ZX_RIGHT_NONE, &object, NULL));
  const zx_status_t status = zxp_vmo_discard(zxp_vmo_of(object)->pages);
  zxp_object_put(object);
  return status;
}

static zx_status_t lock(const struct vmo* v, uint64_t pages, zx_vmo_lock_state_t* state) {
  return zx_vmo_op_range(v->handle, ZX_VMO_OP_LOCK, 0, pages * PAGE, state, sizeof(*state));
}

/* vmo.md 12: "read/write/faults fail with NOT_FOUND until it is locked, after LOCK it reads
 * zero" */
EACH_WAY(a_discarded_vmo_has_nothing_until_it_is_locked) {
  struct vmo* v = anonymous(way, ZX_VMO_DISCARDABLE, "1 2");
  expect_tags(v, "1 2");
  check_ok(discard(v));
  check_equal(committed_pages(v->handle), 0);
  uint8_t byte = 5;
  check_status(zx_vmo_read(v->handle, &byte, 0, 1), ZX_ERR_NOT_FOUND);
  check_status(zx_vmo_write(v->handle, &byte, 0, 1), ZX_ERR_NOT_FOUND);
  check_ok(zx_vmo_read(v->handle, &byte, 0, 0));
  check_status(zx_vmo_read(v->handle, &byte, 2 * PAGE, 1), ZX_ERR_OUT_OF_RANGE);
  check_status(try_op(v->handle, ZX_VMO_OP_COMMIT, 0, PAGE), ZX_ERR_NOT_FOUND);
  if (v->map != NULL) {
    expect_sigbus(start_load(v->map));
    expect_sigbus(start_store(v->map + PAGE, 1));
  }
  check_status(try_op(v->handle, ZX_VMO_OP_TRY_LOCK, 0, 2 * PAGE), ZX_ERR_UNAVAILABLE);
  check_status(try_op(v->handle, ZX_VMO_OP_UNLOCK, 0, 2 * PAGE), ZX_ERR_BAD_STATE);
  zx_vmo_lock_state_t state;
  check_ok(lock(v, 2, &state));
  check_equal(state.offset, 0);
  check_equal(state.size, 2 * PAGE);
  check_equal(state.discarded_offset, 0);
  check_equal(state.discarded_size, 2 * PAGE);
  expect_tags(v, "0 0");
  put(v, 1, 7);
  expect_tags(v, "0 7");
  /* The second lock has nothing to tell. */
  check_ok(lock(v, 2, &state));
  check_equal(state.discarded_size, 0);
}

/* vmo.md 12: "never while locked" */
SCENARIO(a_locked_vmo_is_not_discarded) {
  struct vmo* v = anonymous(BY_CALLS, ZX_VMO_DISCARDABLE, "1");
  zx_vmo_lock_state_t state;
  check_ok(lock(v, 1, &state));
  check_ok(lock(v, 1, &state));
  check_ok(try_op(v->handle, ZX_VMO_OP_UNLOCK, 0, PAGE));
  check_status(discard(v), ZX_ERR_BAD_STATE);
  expect_tags(v, "1");
  check_ok(try_op(v->handle, ZX_VMO_OP_UNLOCK, 0, PAGE));
  check_ok(discard(v));
  check_status(discard(v), ZX_ERR_BAD_STATE);
  check_status(discard(anonymous(BY_CALLS, 0, "1")), ZX_ERR_NOT_SUPPORTED);
}

/* vmo.md 12: a lock that its caller could not be told of tells the next one */
SCENARIO(a_lock_with_a_bad_buffer_leaves_it_discarded) {
  struct vmo* v = anonymous(BY_CALLS, ZX_VMO_DISCARDABLE, "1");
  zx_vmo_lock_state_t state;
  check_ok(discard(v));
  check_status(zx_vmo_op_range(v->handle, ZX_VMO_OP_LOCK, 0, PAGE, NULL, sizeof(state)),
               ZX_ERR_INVALID_ARGS);
  check_status(zx_vmo_op_range(v->handle, ZX_VMO_OP_LOCK, 0, PAGE, &state, 8), ZX_ERR_INVALID_ARGS);
  check_status(try_op(v->handle, ZX_VMO_OP_TRY_LOCK, 0, PAGE), ZX_ERR_UNAVAILABLE);
  check_ok(lock(v, 1, &state));
  check_equal(state.discarded_size, PAGE);
}

/* vmo.md 4, 12: sizes change all the same; mappings stay hidden, new ones too */
SCENARIO(a_discarded_vmo_may_be_resized_and_mapped) {
  struct vmo* v = anonymous(BY_MAPPING, ZX_VMO_DISCARDABLE | ZX_VMO_RESIZABLE, "1 2");
  check_ok(discard(v));
  resize(v, 4);
  expect_sigbus(start_load(v->map + 3 * PAGE));
  resize(v, 3);
  struct vmo* again = vmo_of(BY_MAPPING, duplicate(v->handle));
  expect_sigbus(start_load(again->map));
  zx_vmo_lock_state_t state;
  check_ok(lock(v, 3, &state));
  expect_tags(v, "0 0 0");
  put(again, 2, 5);
  expect_tags(v, "0 0 5");
  expect_sigbus(start_load(v->map + 3 * PAGE));
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_EACH_WAY(a_discarded_vmo_has_nothing_until_it_is_locked),
      TEST(a_locked_vmo_is_not_discarded),
      TEST(a_lock_with_a_bad_buffer_leaves_it_discarded),
      TEST(a_discarded_vmo_may_be_resized_and_mapped),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
