/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_vmo_create, what a new VMO is like, and getting sizes of it: vmo.md 2, 14, 15. */
#include <string.h>

#include "tagged.h"

#define MAX_SIZE UINT64_C(0xFFFFFFFFFFFE0000)
#define UNKNOWN  (UINT32_C(1) << 30)

/* ZX_VMO_TRAP_DIRTY is a bit of <zircon/syscalls-next.h>. */
#define TRAP_DIRTY (UINT32_C(1) << 3)

static zx_status_t try_create(uint64_t size, uint32_t options) {
  zx_handle_t out = 0xabcdef;
  const zx_status_t status = zx_vmo_create(size, options, &out);
  if (status == ZX_OK) {
    keep(out);
  } else {
    check_equal(out, 0xabcdef);
  }
  return status;
}

static zx_handle_t create(uint64_t size, uint32_t options) {
  zx_handle_t out = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create(size, options, &out));
  return keep(out);
}

static zx_rights_t rights_of(zx_handle_t handle) {
  zx_info_handle_basic_t info;
  check_ok(zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL));
  return info.rights;
}

/* vmo.md 2: the order of the checks, each with a mistake of the next kind beside it */
SCENARIO(mistakes_are_found_in_the_documented_order) {
  const uint32_t both = ZX_VMO_RESIZABLE | ZX_VMO_UNBOUNDED;
  check_status(try_create(1, both), ZX_ERR_INVALID_ARGS);
  check_status(try_create(UINT64_MAX, both), ZX_ERR_INVALID_ARGS);
  check_status(try_create(UINT64_MAX, both | UNKNOWN), ZX_ERR_INVALID_ARGS);
  check_status(try_create(UINT64_MAX, UNKNOWN), ZX_ERR_OUT_OF_RANGE);
  check_status(try_create(MAX_SIZE + 1, UNKNOWN), ZX_ERR_OUT_OF_RANGE);
  check_status(try_create(UINT64_MAX, ZX_VMO_UNBOUNDED | UNKNOWN), ZX_ERR_INVALID_ARGS);
  for (unsigned bit = 0; bit < 32; bit++) {
    const uint32_t option = UINT32_C(1) << bit;
    const bool known = (option & (ZX_VMO_RESIZABLE | ZX_VMO_DISCARDABLE | ZX_VMO_UNBOUNDED)) != 0;
    check_status(try_create(PAGE, option), known ? ZX_OK : ZX_ERR_INVALID_ARGS);
  }
  check_status(try_create(PAGE, TRAP_DIRTY), ZX_ERR_INVALID_ARGS);
}

/* vmo.md 2: sizes */
SCENARIO(sizes_are_rounded_up_to_pages_until_the_largest) {
  static const struct {
    uint64_t size, rounded;
  } rows[] = {
      {0, 0},
      {1, PAGE},
      {PAGE - 1, PAGE},
      {PAGE, PAGE},
      {PAGE + 1, 2 * PAGE},
      {UINT64_C(1) << 40, UINT64_C(1) << 40},
      {MAX_SIZE - 1, MAX_SIZE},
      {MAX_SIZE, MAX_SIZE},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const zx_handle_t vmo = create(rows[i].size, 0);
    uint64_t size = 1;
    uint64_t stream_size = 1;
    check_ok(zx_vmo_get_size(vmo, &size));
    check_ok(zx_vmo_get_stream_size(vmo, &stream_size));
    check_equal(size, rows[i].rounded);
    check_equal(stream_size, rows[i].size);
    check_equal(vmo_info(vmo).size_bytes, rows[i].rounded);
  }
  check_status(try_create(MAX_SIZE + 1, 0), ZX_ERR_OUT_OF_RANGE);
  check_status(try_create(UINT64_MAX - PAGE + 2, 0), ZX_ERR_OUT_OF_RANGE);
  check_status(try_create(UINT64_MAX, 0), ZX_ERR_OUT_OF_RANGE);
}

/* vmo.md 2: allowed combinations */
SCENARIO(discardable_goes_with_resizable_and_with_unbounded) {
  check_status(try_create(PAGE, ZX_VMO_DISCARDABLE | ZX_VMO_RESIZABLE), ZX_OK);
  check_status(try_create(PAGE, ZX_VMO_DISCARDABLE | ZX_VMO_UNBOUNDED), ZX_OK);
  check_status(try_create(PAGE, ZX_VMO_DISCARDABLE | ZX_VMO_UNBOUNDED | ZX_VMO_RESIZABLE),
               ZX_ERR_INVALID_ARGS);
}

/* vmo.md 2, 14: a fresh fixed VMO */
SCENARIO(a_new_vmo_has_nothing_and_no_relations) {
  const zx_handle_t vmo = create(3 * PAGE - 5, 0);
  const zx_info_vmo_t info = vmo_info(vmo);
  check_equal(info.koid, koid_of(vmo));
  check_true(info.koid != 0);
  check_true(is_filled_with(info.name, 0, sizeof(info.name)));
  check_equal(info.size_bytes, 3 * PAGE);
  check_equal(info.parent_koid, 0);
  check_equal(info.num_children, 0);
  check_equal(info.num_mappings, 0);
  check_equal(info.share_count, 1);
  check_equal(info.flags, ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_VIA_HANDLE);
  check_equal(info.committed_bytes, 0);
  check_equal(info.populated_bytes, 0);
  check_equal(info.committed_private_bytes, 0);
  check_equal(info.committed_scaled_bytes, 0);
  check_equal(info.committed_fractional_scaled_bytes, 0);
  check_equal(info.committed_change_events, 0);
  check_equal(info.metadata_bytes, 0);
  check_equal(info.cache_policy, ZX_CACHE_POLICY_CACHED);
  check_equal(info.handle_rights, ZX_DEFAULT_VMO_RIGHTS);
  check_true(has_signal(vmo, ZX_VMO_ZERO_CHILDREN));
  uint8_t bytes[3 * PAGE];
  memset(bytes, 0xff, sizeof(bytes));
  check_ok(zx_vmo_read(vmo, bytes, 0, sizeof(bytes)));
  check_true(is_filled_with(bytes, 0, sizeof(bytes)));
}

/* vmo.md 2, 14: flags of the options */
SCENARIO(options_show_in_the_flags) {
  const uint32_t base = ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_VIA_HANDLE;
  check_equal(vmo_info(create(PAGE, ZX_VMO_RESIZABLE)).flags, base | ZX_INFO_VMO_RESIZABLE);
  check_equal(vmo_info(create(PAGE, ZX_VMO_DISCARDABLE)).flags, base | ZX_INFO_VMO_DISCARDABLE);
  check_equal(vmo_info(create(PAGE, ZX_VMO_UNBOUNDED)).flags, base);
  check_equal(vmo_info(create(PAGE, ZX_VMO_RESIZABLE | ZX_VMO_DISCARDABLE)).flags,
              base | ZX_INFO_VMO_RESIZABLE | ZX_INFO_VMO_DISCARDABLE);
}

/* vmo.md 2, 15: rights at creation */
SCENARIO(only_resizable_vmos_come_with_the_right_to_resize) {
  check_equal(ZX_DEFAULT_VMO_RIGHTS, 0xD0EF);
  check_equal(rights_of(create(PAGE, 0)), ZX_DEFAULT_VMO_RIGHTS);
  check_equal(rights_of(create(PAGE, ZX_VMO_UNBOUNDED)), ZX_DEFAULT_VMO_RIGHTS);
  check_equal(rights_of(create(PAGE, ZX_VMO_DISCARDABLE)), ZX_DEFAULT_VMO_RIGHTS);
  check_equal(rights_of(create(PAGE, ZX_VMO_RESIZABLE)), ZX_DEFAULT_VMO_RIGHTS | ZX_RIGHT_RESIZE);
}

/* vmo.md 14: koids */
SCENARIO(koids_are_of_the_object_and_never_used_again) {
  zx_handle_t first = create(PAGE, 0);
  const zx_handle_t second = create(PAGE, 0);
  const zx_koid_t koid = koid_of(first);
  check_true(koid != koid_of(second));
  check_equal(vmo_info(duplicate(first)).koid, koid);
  drop(&first);
  for (int i = 0; i < 100; i++) {
    zx_handle_t vmo = create(PAGE, 0);
    check_true(koid_of(vmo) != koid);
    drop(&vmo);
  }
}

/* vmo.md 2: out pointer */
SCENARIO(no_place_for_the_handle_is_an_error_and_makes_nothing) {
  check_status(zx_vmo_create(PAGE, 0, NULL), ZX_ERR_INVALID_ARGS);
  /* In memory that cannot be written: the same answer as for any result. */
  const zx_handle_t vmo = create(PAGE, 0);
  uint8_t* read_only = map_with(vmo, ZX_VM_PERM_READ, 0, PAGE);
  check_status(zx_vmo_create(PAGE, 0, (zx_handle_t*)read_only), ZX_ERR_ACCESS_DENIED);
}

/* vmo.md 4: get_size and get_stream_size */
SCENARIO(sizes_need_no_right_but_a_place) {
  zx_handle_t vmo = create(PAGE + 1, 0);
  zx_handle_t bare = duplicate_with(vmo, ZX_RIGHT_NONE);
  uint64_t size = 0;
  check_ok(zx_vmo_get_size(bare, &size));
  check_equal(size, 2 * PAGE);
  check_ok(zx_vmo_get_stream_size(bare, &size));
  check_equal(size, PAGE + 1);
  check_status(zx_vmo_get_size(vmo, NULL), ZX_ERR_INVALID_ARGS);
  check_status(zx_vmo_get_stream_size(vmo, NULL), ZX_ERR_INVALID_ARGS);
  check_status(zx_vmo_get_size(fx.port, &size), ZX_ERR_WRONG_TYPE);
  check_status(zx_vmo_get_stream_size(fx.port, &size), ZX_ERR_WRONG_TYPE);
  check_status(zx_vmo_get_size(ZX_HANDLE_INVALID, &size), ZX_ERR_BAD_HANDLE);
  check_status(zx_vmo_get_stream_size(ZX_HANDLE_INVALID, &size), ZX_ERR_BAD_HANDLE);
  const zx_handle_t value = vmo;
  drop(&vmo);
  check_status(zx_vmo_get_size(value, &size), ZX_ERR_BAD_HANDLE);
}

/* vmo.md 2: the largest size costs nothing */
SCENARIO(a_thousand_of_the_largest_vmos_are_made_at_once) {
  for (int i = 0; i < 1000; i++) {
    const zx_handle_t vmo = create(MAX_SIZE, 0);
    const uint8_t byte = (uint8_t)(i + 1);
    check_ok(zx_vmo_write(vmo, &byte, MAX_SIZE - 1, 1));
    check_equal(vmo_info(vmo).committed_bytes, PAGE);
  }
}

/* vmo.md 14: names */
SCENARIO(a_name_belongs_to_the_object_and_is_cut_at_31_bytes) {
  const zx_handle_t vmo = create(PAGE, 0);
  const zx_handle_t other = duplicate(vmo);
  char name[ZX_MAX_NAME_LEN];
  check_ok(zx_object_set_property(vmo, ZX_PROP_NAME, "store", 5));
  check_ok(zx_object_get_property(other, ZX_PROP_NAME, name, sizeof(name)));
  check_true(strcmp(name, "store") == 0);
  check_true(strcmp(vmo_info(other).name, "store") == 0);

  static const char longest[] = "0123456789012345678901234567890123456789";
  check_ok(zx_object_set_property(other, ZX_PROP_NAME, longest, sizeof(longest)));
  check_ok(zx_object_get_property(vmo, ZX_PROP_NAME, name, sizeof(name)));
  check_true(strlen(name) == 31 && strncmp(name, longest, 31) == 0);

  check_status(zx_object_get_property(vmo, ZX_PROP_NAME, name, sizeof(name) - 1),
               ZX_ERR_BUFFER_TOO_SMALL);
  const zx_handle_t no_get = duplicate_with(vmo, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_GET_PROPERTY);
  const zx_handle_t no_set = duplicate_with(vmo, ZX_DEFAULT_VMO_RIGHTS & ~ZX_RIGHT_SET_PROPERTY);
  check_status(zx_object_get_property(no_get, ZX_PROP_NAME, name, sizeof(name)),
               ZX_ERR_ACCESS_DENIED);
  check_status(zx_object_set_property(no_set, ZX_PROP_NAME, "x", 1), ZX_ERR_ACCESS_DENIED);
}

/* vmo.md 14: ZX_INFO_VMO needs no right; older versions are the front of the newest */
SCENARIO(info_comes_in_four_versions_and_needs_no_right) {
  const zx_handle_t vmo = create(2 * PAGE, 0);
  put(vmo_of(BY_CALLS, vmo), 0, 1);
  const zx_handle_t bare = duplicate_with(vmo, ZX_RIGHT_NONE);
  const zx_info_vmo_t newest = vmo_info(bare);
  check_equal(newest.handle_rights, ZX_RIGHT_NONE);
  static const struct {
    zx_object_info_topic_t topic;
    size_t size;
  } rows[] = {
      {ZX_INFO_VMO_V1, sizeof(zx_info_vmo_v1_t)},
      {ZX_INFO_VMO_V2, sizeof(zx_info_vmo_v2_t)},
      {ZX_INFO_VMO_V3, sizeof(zx_info_vmo_v3_t)},
      {ZX_INFO_VMO, sizeof(zx_info_vmo_t)},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    zx_info_vmo_t info;
    memset(&info, 0xee, sizeof(info));
    size_t actual = 0;
    size_t avail = 0;
    check_ok(zx_object_get_info(bare, rows[i].topic, &info, rows[i].size, &actual, &avail));
    check_equal(actual, 1);
    check_equal(avail, 1);
    check_true(memcmp(&info, &newest, rows[i].size) == 0);
    check_true(is_filled_with((uint8_t*)&info + rows[i].size, 0xee, sizeof(info) - rows[i].size));
    check_status(zx_object_get_info(bare, rows[i].topic, &info, rows[i].size - 1, NULL, NULL),
                 ZX_ERR_BUFFER_TOO_SMALL);
  }
}

/* vmo.md 15: what each missing right blocks, of the calls on a VMO by itself */
SCENARIO(each_missing_right_blocks_its_calls) {
  const zx_handle_t vmo = create(2 * PAGE, ZX_VMO_RESIZABLE);
  const zx_rights_t all = ZX_DEFAULT_VMO_RIGHTS | ZX_RIGHT_RESIZE;
  const zx_handle_t no_read = duplicate_with(vmo, all & ~ZX_RIGHT_READ);
  const zx_handle_t no_write = duplicate_with(vmo, all & ~ZX_RIGHT_WRITE);
  const zx_handle_t no_resize = duplicate_with(vmo, all & ~ZX_RIGHT_RESIZE);
  const zx_handle_t no_map = duplicate_with(vmo, all & ~ZX_RIGHT_MAP);
  const zx_handle_t no_duplicate = duplicate_with(vmo, all & ~ZX_RIGHT_DUPLICATE);
  const zx_handle_t no_wait = duplicate_with(vmo, all & ~ZX_RIGHT_WAIT);
  uint8_t byte = 0;
  uint64_t size = PAGE;
  zx_handle_t out = ZX_HANDLE_INVALID;
  zx_vaddr_t at = 0;
  zx_signals_t pending;

  check_status(zx_vmo_read(no_read, &byte, 0, 1), ZX_ERR_ACCESS_DENIED);
  check_ok(zx_vmo_write(no_read, &byte, 0, 1));
  check_status(zx_vmo_create_child(no_read, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE, &out),
               ZX_ERR_ACCESS_DENIED);
  check_status(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, no_read, 0, PAGE, &at),
               ZX_ERR_ACCESS_DENIED);

  check_status(zx_vmo_write(no_write, &byte, 0, 1), ZX_ERR_ACCESS_DENIED);
  check_ok(zx_vmo_read(no_write, &byte, 0, 1));
  check_status(zx_vmo_set_size(no_write, PAGE), ZX_ERR_ACCESS_DENIED);
  check_status(zx_vmo_set_stream_size(no_write, PAGE), ZX_ERR_ACCESS_DENIED);
  check_status(zx_object_set_property(no_write, ZX_PROP_VMO_CONTENT_SIZE, &size, sizeof(size)),
               ZX_ERR_ACCESS_DENIED);
  check_status(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, no_write, 0,
                           PAGE, &at),
               ZX_ERR_ACCESS_DENIED);

  check_status(zx_vmo_set_size(no_resize, PAGE), ZX_ERR_ACCESS_DENIED);
  check_ok(zx_vmo_set_stream_size(no_resize, PAGE));

  check_status(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, no_map, 0, PAGE, &at),
               ZX_ERR_ACCESS_DENIED);
  check_status(zx_vmo_set_cache_policy(no_map, ZX_CACHE_POLICY_CACHED), ZX_ERR_ACCESS_DENIED);

  check_status(zx_vmo_create_child(no_duplicate, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE, &out),
               ZX_ERR_ACCESS_DENIED);
  check_status(zx_handle_duplicate(no_duplicate, ZX_RIGHT_SAME_RIGHTS, &out), ZX_ERR_ACCESS_DENIED);

  check_status(
      zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE, 0, vmo, 0, PAGE, &at),
      ZX_ERR_ACCESS_DENIED);
  check_status(zx_object_wait_one(no_wait, ZX_VMO_ZERO_CHILDREN, 0, &pending),
               ZX_ERR_ACCESS_DENIED);
}

/* vmo.md 15, last line */
SCENARIO(memory_stays_writable_when_the_handle_is_reduced_or_closed) {
  struct vmo* v = anonymous(BY_BOTH, 0, "1");
  zx_handle_t reduced = ZX_HANDLE_INVALID;
  const zx_handle_t watcher = duplicate(v->handle);
  zx_handle_t mapped = ZX_HANDLE_INVALID;
  check_ok(zx_handle_duplicate(v->handle, ZX_RIGHT_SAME_RIGHTS, &mapped));
  uint8_t* at = map_vmo(mapped, 0, PAGE);
  check_ok(zx_handle_replace(mapped, ZX_RIGHT_NONE, &reduced));
  *(volatile uint8_t*)at = 7;
  check_ok(zx_handle_close(reduced));
  *(volatile uint8_t*)(at + 1) = 8;
  uint8_t bytes[2];
  check_ok(zx_vmo_read(watcher, bytes, 0, 2));
  check_equal(bytes[0], 7);
  check_equal(bytes[1], 8);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(mistakes_are_found_in_the_documented_order),
      TEST(sizes_are_rounded_up_to_pages_until_the_largest),
      TEST(discardable_goes_with_resizable_and_with_unbounded),
      TEST(a_new_vmo_has_nothing_and_no_relations),
      TEST(options_show_in_the_flags),
      TEST(only_resizable_vmos_come_with_the_right_to_resize),
      TEST(koids_are_of_the_object_and_never_used_again),
      TEST(no_place_for_the_handle_is_an_error_and_makes_nothing),
      TEST(sizes_need_no_right_but_a_place),
      TEST(a_thousand_of_the_largest_vmos_are_made_at_once),
      TEST(a_name_belongs_to_the_object_and_is_cut_at_31_bytes),
      TEST(info_comes_in_four_versions_and_needs_no_right),
      TEST(each_missing_right_blocks_its_calls),
      TEST(memory_stays_writable_when_the_handle_is_reduced_or_closed),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
