/* SPDX-License-Identifier: BSD-3-Clause */
/* Cache policy, executable handles, contiguous and physical memory, counts of mappings: vmo.md 13,
 * 14. */
#include <string.h>

#include "tagged.h"

#define CACHED    ZX_CACHE_POLICY_CACHED
#define UNCACHED  ZX_CACHE_POLICY_UNCACHED
#define COMBINING ZX_CACHE_POLICY_WRITE_COMBINING

/* ---- zx_vmo_set_cache_policy ---- */

/* vmo.md 13: the policy before the handle, the handle before the right, the right before the
 * state */
SCENARIO(an_unknown_policy_is_found_before_the_handle) {
  struct vmo* v = anonymous(BY_CALLS, 0, "1");
  struct vmo* child_of_v = snapshot(v, 0, 1);
  const zx_handle_t no_map = duplicate_with(v->handle, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_MAP);
  const zx_handle_t only_map = duplicate_with(v->handle, ZX_RIGHT_MAP);
  for (uint32_t policy = 4; policy != 0; policy <<= 1) {
    check_status(zx_vmo_set_cache_policy(ZX_HANDLE_INVALID, policy), ZX_ERR_INVALID_ARGS);
  }
  check_status(zx_vmo_set_cache_policy(ZX_HANDLE_INVALID, UNCACHED), ZX_ERR_BAD_HANDLE);
  check_status(zx_vmo_set_cache_policy(fx.port, UNCACHED), ZX_ERR_WRONG_TYPE);
  check_status(zx_vmo_set_cache_policy(no_map, UNCACHED), ZX_ERR_ACCESS_DENIED);
  check_status(zx_vmo_set_cache_policy(only_map, UNCACHED), ZX_ERR_BAD_STATE);
  end(child_of_v);
  check_ok(zx_vmo_set_cache_policy(only_map, UNCACHED));
}

/* vmo.md 13, 14: every policy, as the info tells it */
SCENARIO(the_policy_is_told_by_the_info_of_every_handle) {
  const zx_handle_t vmo = make_vmo(1);
  const zx_handle_t other = duplicate(vmo);
  static const uint32_t policies[] = {UNCACHED, ZX_CACHE_POLICY_UNCACHED_DEVICE, COMBINING, CACHED,
                                      CACHED};
  for (int i = 0; i < 5; i++) {
    check_ok(zx_vmo_set_cache_policy(vmo, policies[i]));
    check_equal(vmo_info(other).cache_policy, policies[i]);
  }
}

/* vmo.md 13: pages stand against a change of what is not cached, and only of that */
SCENARIO(committed_pages_keep_an_uncached_policy) {
  struct vmo* v = anonymous(BY_CALLS, 0, "1 0");
  check_ok(zx_vmo_set_cache_policy(v->handle, UNCACHED));
  check_status(zx_vmo_set_cache_policy(v->handle, CACHED), ZX_ERR_BAD_STATE);
  check_status(zx_vmo_set_cache_policy(v->handle, UNCACHED), ZX_ERR_BAD_STATE);
  check_equal(vmo_info(v->handle).cache_policy, UNCACHED);
  decommit(v, 0, 2);
  check_ok(zx_vmo_set_cache_policy(v->handle, CACHED));
  expect_tags(v, "0 0");
}

/* vmo.md 13: mapped, children, parent, reference, references */
SCENARIO(relations_and_mappings_keep_the_policy) {
  struct vmo* a = anonymous(BY_CALLS, 0, "1");
  uint8_t* at = map_vmo(a->handle, 0, PAGE);
  check_status(zx_vmo_set_cache_policy(a->handle, UNCACHED), ZX_ERR_BAD_STATE);
  check_status(zx_vmo_set_cache_policy(a->handle, CACHED), ZX_ERR_BAD_STATE);
  unmap(at, PAGE);
  static const uint32_t kinds[] = {ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SLICE,
                                   ZX_VMO_CHILD_REFERENCE};
  for (int i = 0; i < 3; i++) {
    struct vmo* b = child(a, kinds[i], 0, kinds[i] == ZX_VMO_CHILD_REFERENCE ? 0 : 1);
    check_status(zx_vmo_set_cache_policy(a->handle, UNCACHED), ZX_ERR_BAD_STATE);
    check_status(zx_vmo_set_cache_policy(b->handle, UNCACHED), ZX_ERR_BAD_STATE);
    end(b);
  }
  struct vmo* r = reference(a);
  drop(&a->handle);
  check_status(zx_vmo_set_cache_policy(r->handle, UNCACHED), ZX_ERR_BAD_STATE);
  struct vmo* alone = anonymous(BY_CALLS, 0, "1");
  check_ok(zx_vmo_set_cache_policy(alone->handle, UNCACHED));
}

/* vmo.md 13, 3: read, write and children of what is not cached; the order in 3 */
SCENARIO(uncached_memory_is_not_read_or_written_by_calls) {
  struct vmo* v = anonymous(BY_CALLS, ZX_VMO_RESIZABLE, "1 2");
  uint8_t byte = 7;
  check_ok(zx_vmo_set_cache_policy(v->handle, COMBINING));
  check_status(zx_vmo_read(v->handle, &byte, 0, 1), ZX_ERR_BAD_STATE);
  check_status(zx_vmo_write(v->handle, &byte, 0, 1), ZX_ERR_BAD_STATE);
  check_status(zx_vmo_read(v->handle, &byte, 9 * PAGE, 1), ZX_ERR_BAD_STATE);
  check_status(zx_vmo_write(v->handle, &byte, 9 * PAGE, 1), ZX_ERR_BAD_STATE);
  check_status(zx_vmo_read(v->handle, NULL, 0, 0), ZX_ERR_BAD_STATE);
  check_status(zx_vmo_read(v->handle, &byte, UINT64_MAX, 2), ZX_ERR_OUT_OF_RANGE);
  check_status(zx_vmo_write(v->handle, &byte, UINT64_MAX, 2), ZX_ERR_OUT_OF_RANGE);
  check_status(try_op(v->handle, ZX_VMO_OP_ZERO, 0, PAGE), ZX_ERR_BAD_STATE);
  check_equal(byte, 7);
  check_status(try_child(v->handle, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE, NULL), ZX_ERR_BAD_STATE);
  check_status(try_child(v->handle, ZX_VMO_CHILD_REFERENCE, 0, 0, NULL), ZX_ERR_BAD_STATE);
}

/* vmo.md 13: "mapping, COMMIT, resize, info work" */
SCENARIO(uncached_memory_is_mapped_committed_and_resized) {
  const zx_handle_t vmo = make_resizable_vmo(2);
  check_ok(zx_vmo_set_cache_policy(vmo, UNCACHED));
  volatile uint8_t* at = map_vmo(vmo, 0, 2 * PAGE);
  at[5] = 9;
  check_equal(at[5], 9);
  check_ok(try_op(vmo, ZX_VMO_OP_COMMIT, 0, 2 * PAGE));
  check_equal(committed_pages(vmo), 2);
  check_ok(zx_vmo_set_size(vmo, PAGE + 10));
  check_ok(zx_vmo_set_size(vmo, 4 * PAGE));
  check_equal(at[5], 9);
  check_equal(vmo_info(vmo).size_bytes, 4 * PAGE);
}

/* ---- zx_vmo_replace_as_executable ---- */

/* vmo.md 13: "new handle, same koid, rights + EXECUTE" */
SCENARIO(a_handle_becomes_executable_and_the_old_one_dies) {
  zx_handle_t old = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create(PAGE, 0, &old));
  const zx_koid_t koid = koid_of(old);
  zx_handle_t made = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_replace_as_executable(old, ZX_HANDLE_INVALID, &made));
  keep(made);
  check_status(zx_handle_close(old), ZX_ERR_BAD_HANDLE);
  check_equal(koid_of(made), koid);
  check_equal(vmo_info(made).handle_rights, ZX_DEFAULT_VMO_RIGHTS | ZX_RIGHT_EXECUTE);
  struct vmo* v = vmo_of(BY_CALLS, made);
  put(v, 0, 3);
  expect_tags(v, "3");
  zx_info_handle_count_t count;
  check_ok(zx_object_get_info(made, ZX_INFO_HANDLE_COUNT, &count, sizeof(count), NULL, NULL));
  check_equal(count.handle_count, 1);
}

/* vmo.md 13: no right is needed, and none but EXECUTE is added */
SCENARIO(a_handle_without_rights_gets_execute_alone) {
  const zx_handle_t vmo = make_vmo(1);
  zx_handle_t bare = ZX_HANDLE_INVALID;
  zx_handle_t made = ZX_HANDLE_INVALID;
  check_ok(zx_handle_duplicate(vmo, ZX_RIGHT_NONE, &bare));
  check_ok(zx_vmo_replace_as_executable(bare, ZX_HANDLE_INVALID, &made));
  keep(made);
  check_equal(vmo_info(made).handle_rights, ZX_RIGHT_EXECUTE);
  check_equal(vmo_info(vmo).handle_rights, ZX_DEFAULT_VMO_RIGHTS);
}

/* vmo.md 13: with a mapping, which EXECUTE is for */
SCENARIO(executable_memory_is_mapped_with_an_executable_handle) {
  zx_handle_t old = ZX_HANDLE_INVALID;
  zx_handle_t made = ZX_HANDLE_INVALID;
  const zx_vm_option_t options = ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE;
  zx_vaddr_t at = 0;
  check_ok(zx_vmo_create(PAGE, 0, &old));
  check_status(zx_vmar_map(zx_vmar_root_self(), options, 0, old, 0, PAGE, &at),
               ZX_ERR_ACCESS_DENIED);
  check_ok(zx_vmo_replace_as_executable(old, ZX_HANDLE_INVALID, &made));
  keep(made);
#if defined(__x86_64__)
  static const uint8_t code[] = {0xb8, 0x2a, 0, 0, 0, 0xc3}; /* mov $42, %eax; ret */
  check_ok(zx_vmo_write(made, code, 0, sizeof(code)));
#endif
  const zx_status_t status = zx_vmar_map(zx_vmar_root_self(), options, 0, made, 0, PAGE, &at);
  if (status == ZX_ERR_ACCESS_DENIED) scenario_skip("executable mappings are refused here");
  check_ok(status);
#if defined(__x86_64__)
  int (*function)(void) = NULL;
  memcpy(&function, &at, sizeof(function));
  check_equal(function(), 42);
#endif
  unmap((void*)at, PAGE);
}

/* vmo.md 13: "the handle is consumed in every case in which it was valid" */
SCENARIO(the_handle_is_gone_whatever_the_mistake) {
  zx_handle_t made = 0xabcdef;
  zx_handle_t vmo = ZX_HANDLE_INVALID;
  zx_handle_t event = ZX_HANDLE_INVALID;
  zx_handle_t stale = make_vmo(1);
  const zx_handle_t stale_value = stale;
  drop(&stale);

  /* Another type. */
  check_ok(zx_event_create(0, &event));
  check_status(zx_vmo_replace_as_executable(event, ZX_HANDLE_INVALID, &made), ZX_ERR_BAD_HANDLE);
  check_status(zx_handle_close(event), ZX_ERR_BAD_HANDLE);
  /* A vmex that is no resource, or no handle. */
  check_ok(zx_vmo_create(PAGE, 0, &vmo));
  check_status(zx_vmo_replace_as_executable(vmo, fx.port, &made), ZX_ERR_WRONG_TYPE);
  check_status(zx_handle_close(vmo), ZX_ERR_BAD_HANDLE);
  check_ok(zx_vmo_create(PAGE, 0, &vmo));
  check_status(zx_vmo_replace_as_executable(vmo, stale_value, &made), ZX_ERR_BAD_HANDLE);
  check_status(zx_handle_close(vmo), ZX_ERR_BAD_HANDLE);
  check_ok(zx_vmo_create(PAGE, 0, &vmo));
  check_status(zx_vmo_replace_as_executable(vmo, vmo, &made), ZX_ERR_WRONG_TYPE);
  check_status(zx_handle_close(vmo), ZX_ERR_BAD_HANDLE);
  /* No place for the result. */
  check_ok(zx_vmo_create(PAGE, 0, &vmo));
  check_status(zx_vmo_replace_as_executable(vmo, ZX_HANDLE_INVALID, NULL), ZX_ERR_INVALID_ARGS);
  check_status(zx_handle_close(vmo), ZX_ERR_BAD_HANDLE);
  /* No handle. */
  check_status(zx_vmo_replace_as_executable(ZX_HANDLE_INVALID, ZX_HANDLE_INVALID, &made),
               ZX_ERR_BAD_HANDLE);
  check_status(zx_vmo_replace_as_executable(stale_value, fx.port, &made), ZX_ERR_BAD_HANDLE);
  check_equal(made, 0xabcdef);
  check_ok(zx_handle_check_valid(fx.port));
}

/* vmo.md 9, 13: the object does not end in between: it stays whose parent and child it is */
SCENARIO(the_object_lives_through_it) {
  struct vmo* a = anonymous(BY_CALLS, 0, "1");
  zx_handle_t b = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create_child(a->handle, ZX_VMO_CHILD_SLICE, 0, PAGE, &b));
  zx_handle_t made = ZX_HANDLE_INVALID;
  check_ok(zx_object_wait_async(a->handle, fx.port, 1, ZX_VMO_ZERO_CHILDREN, 0));
  check_ok(zx_vmo_replace_as_executable(b, ZX_HANDLE_INVALID, &made));
  keep(made);
  expect_nothing();
  check_equal(vmo_info(made).parent_koid, koid_of(a->handle));
  check_equal(vmo_info(a->handle).num_children, 1);
}

/* ---- Contiguous and physical memory ---- */

/* vmo.md 13 */
SCENARIO(there_is_no_contiguous_or_physical_memory) {
  zx_handle_t out = 0xabcdef;
  const zx_handle_t vmo = make_vmo(1);
  check_status(zx_vmo_create_contiguous(ZX_HANDLE_INVALID, 0, 0, &out), ZX_ERR_INVALID_ARGS);
  check_status(zx_vmo_create_contiguous(vmo, 0, 12, &out), ZX_ERR_INVALID_ARGS);
  for (uint32_t alignment = 0; alignment < 70; alignment++) {
    const bool good = alignment == 0 || (alignment >= 12 && alignment < 64);
    check_status(zx_vmo_create_contiguous(ZX_HANDLE_INVALID, PAGE, alignment, &out),
                 good ? ZX_ERR_BAD_HANDLE : ZX_ERR_INVALID_ARGS);
    check_status(zx_vmo_create_contiguous(vmo, 5, alignment, &out),
                 good ? ZX_ERR_WRONG_TYPE : ZX_ERR_INVALID_ARGS);
  }
  check_status(zx_vmo_create_contiguous(vmo, PAGE, UINT32_MAX, &out), ZX_ERR_INVALID_ARGS);
  check_status(zx_vmo_create_physical(ZX_HANDLE_INVALID, 0, 0, &out), ZX_ERR_BAD_HANDLE);
  check_status(zx_vmo_create_physical(vmo, 1, 0, &out), ZX_ERR_WRONG_TYPE);
  check_status(zx_vmo_create_physical(fx.port, 0, PAGE, &out), ZX_ERR_WRONG_TYPE);
  check_equal(out, 0xabcdef);
}

/* ---- Info ---- */

/* vmo.md 14: "a mapping of a slice counts for the slice only" */
SCENARIO(mappings_count_for_the_object_that_was_mapped) {
  need_mappings();
  struct vmo* a = anonymous(BY_CALLS, 0, "1 2 3");
  struct vmo* s = slice(a, 0, 2);
  struct vmo* r = reference(a);
  struct vmo* b = snapshot(a, 0, 3);
  struct vmo* all[] = {a, s, r, b};
  for (unsigned i = 0; i < 4; i++) {
    for (unsigned k = 0; k < i + 1; k++) {
      map_vmo(all[i]->handle, 0, PAGE);
    }
  }
  for (unsigned i = 0; i < 4; i++) {
    check_equal(vmo_info(all[i]->handle).num_mappings, i + 1);
    check_equal(vmo_info(all[i]->handle).share_count, 1);
  }
  /* A cut in the middle makes two of one (vmar.md 10.3). */
  uint8_t* at = map_vmo(b->handle, 0, 3 * PAGE);
  unmap(at + PAGE, PAGE);
  check_equal(vmo_info(b->handle).num_mappings, 6);
  unmap(at, 3 * PAGE);
  check_equal(vmo_info(b->handle).num_mappings, 4);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(an_unknown_policy_is_found_before_the_handle),
      TEST(the_policy_is_told_by_the_info_of_every_handle),
      TEST(committed_pages_keep_an_uncached_policy),
      TEST(relations_and_mappings_keep_the_policy),
      TEST(uncached_memory_is_not_read_or_written_by_calls),
      TEST(uncached_memory_is_mapped_committed_and_resized),
      TEST(a_handle_becomes_executable_and_the_old_one_dies),
      TEST(a_handle_without_rights_gets_execute_alone),
      TEST(executable_memory_is_mapped_with_an_executable_handle),
      TEST(the_handle_is_gone_whatever_the_mistake),
      TEST(the_object_lives_through_it),
      TEST(there_is_no_contiguous_or_physical_memory),
      TEST(mappings_count_for_the_object_that_was_mapped),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
