/* SPDX-License-Identifier: BSD-3-Clause */
/* Info topics about regions, maps, process and thread: vmar.md 10. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "regions.h"

#define MAPS_MAX 256

static zx_info_maps_t maps[MAPS_MAX];

/* All maps of the process; their number. */
static size_t process_maps(void) {
  size_t actual = 0;
  size_t avail = 0;
  check_ok(zx_object_get_info(zx_process_self(), ZX_INFO_PROCESS_MAPS, maps, sizeof(maps), &actual,
                              &avail));
  check_equal(actual, avail);
  return actual;
}

/* ---- VMAR ---- */

/* vmar.md 10 */
REGIONS(a_region_tells_base_and_size) {
  struct region* r = make_region(16);
  struct region* s = make_region_in(r, 3, 5);
  zx_info_vmar_t info;
  check_ok(zx_object_get_info(s->vmar, ZX_INFO_VMAR, &info, sizeof(info), NULL, NULL));
  check_equal(info.base, r->base + 3 * PAGE);
  check_equal(info.len, 5 * PAGE);
  check_ok(zx_object_get_info(zx_vmar_root_self(), ZX_INFO_VMAR, &info, sizeof(info), NULL, NULL));
  check_equal(info.base, fx.probe.window_base);
  check_equal(info.len, fx.probe.window_size);
}

/* vmar.md 10.1 */
REGIONS(a_record_that_does_not_fit_is_too_large) {
  struct region* r = make_region(1);
  const struct {
    zx_handle_t handle;
    uint32_t topic;
    size_t size;
  } topics[] = {
      {r->vmar, ZX_INFO_VMAR, sizeof(zx_info_vmar_t)},
      {zx_process_self(), ZX_INFO_TASK_STATS, sizeof(zx_info_task_stats_t)},
      {zx_process_self(), ZX_INFO_TASK_STATS_V1, sizeof(zx_info_task_stats_v1_t)},
      {zx_process_self(), ZX_INFO_PROCESS, sizeof(zx_info_process_t)},
      {zx_thread_self(), ZX_INFO_THREAD, sizeof(zx_info_thread_t)},
  };
  for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
    uint8_t record[256];
    size_t actual = 7;
    size_t avail = 7;
    check_status(zx_object_get_info(topics[i].handle, topics[i].topic, record, topics[i].size - 1,
                                    &actual, &avail),
                 ZX_ERR_BUFFER_TOO_SMALL);
    check_equal(actual, 0);
    check_equal(avail, 1);
    check_ok(zx_object_get_info(topics[i].handle, topics[i].topic, record, topics[i].size, &actual,
                                &avail));
    check_equal(actual, 1);
    check_equal(avail, 1);
  }
}

/* vmar.md 10, the columns of handle and right */
REGIONS(topics_need_their_object_and_inspection) {
  struct region* r = make_region(1);
  static const uint32_t of_process[] = {
      ZX_INFO_PROCESS_MAPS_V1, ZX_INFO_PROCESS_MAPS_V2, ZX_INFO_PROCESS_MAPS,
      ZX_INFO_PROCESS_VMOS_V1, ZX_INFO_PROCESS_VMOS_V2, ZX_INFO_PROCESS_VMOS_V3,
      ZX_INFO_PROCESS_VMOS,    ZX_INFO_TASK_STATS_V1,   ZX_INFO_TASK_STATS,
      ZX_INFO_PROCESS,
  };
  const zx_handle_t weak = duplicate_with(zx_process_self(), ZX_RIGHT_READ);
  for (size_t i = 0; i < sizeof(of_process) / sizeof(of_process[0]); i++) {
    check_status(zx_object_get_info(r->vmar, of_process[i], NULL, 0, NULL, NULL),
                 ZX_ERR_WRONG_TYPE);
    check_status(zx_object_get_info(weak, of_process[i], NULL, 0, NULL, NULL),
                 ZX_ERR_ACCESS_DENIED);
    check_status(zx_object_get_info(ZX_HANDLE_INVALID, of_process[i], NULL, 0, NULL, NULL),
                 ZX_ERR_BAD_HANDLE);
  }
  check_status(zx_object_get_info(zx_process_self(), ZX_INFO_VMAR_MAPS, NULL, 0, NULL, NULL),
               ZX_ERR_WRONG_TYPE);
}

/* ---- Maps ---- */

/* vmar.md 10.2: the document's example */
REGIONS(maps_have_an_entry_for_each_run_of_permissions) {
  struct region* r = make_region(12);
  const zx_handle_t a = tagged("1234");
  check_ok(zx_object_set_property(a, ZX_PROP_NAME, "the name", 8));
  map_at(r, 6, a, 0, 4);
  check_ok(try_protect(r, READ, 7, 2));
  expect_maps(r, "region 0+12/ rw 6+1 @0/ r 7+2 @1/ rw 9+1 @3");
  zx_info_maps_t some[4];
  check_ok(zx_object_get_info(r->vmar, ZX_INFO_VMAR_MAPS, some, sizeof(some), NULL, NULL));
  for (size_t i = 1; i < 4; i++) {
    check_equal(some[i].u.mapping.vmo_koid, vmo_info(a).koid);
    check_true(strcmp(some[i].name, "the name") == 0);
    check_equal(some[i].u.mapping.committed_bytes, some[i].size);
    check_equal(some[i].u.mapping.populated_bytes, some[i].size);
    check_equal(some[i].u.mapping.committed_private_bytes, some[i].size);
    check_equal(some[i].u.mapping.committed_scaled_bytes, some[i].size);
    check_equal(some[i].u.mapping.committed_fractional_scaled_bytes, 0);
  }
}

/* vmar.md 10.2: depth-first, parents before children, by address */
REGIONS(maps_come_parents_first_and_by_address) {
  struct region* r = make_region(16);
  const zx_handle_t a = make_vmo(8);
  struct region* s = make_region_in(r, 4, 8);
  struct region* t = make_region_in(s, 2, 4);
  make_region_in(s, 7, 1);
  map_at(r, 13, a, 5, 1);
  map_with_at(t, READ, 3, a, 1, 1);
  map_at(r, 0, a, 0, 2);
  check_ok(try_map(t, ZX_VM_SPECIFIC, 0, a, 2, 1));
  map_at(s, 6, a, 7, 1);
  expect_maps(r,
              "region 0+16/ rw 0+2 @0/ region 4+8/  region 6+4/   none 6+1 @2/   r 9+1 @1/"
              "  rw 10+1 @7/  region 11+1/ rw 13+1 @5");
}

/* vmar.md 10.2: the process has an entry for the address space, then the root, one deeper each */
REGIONS(the_maps_of_the_process_begin_with_the_address_space) {
  struct region* r = make_region(4);
  const zx_handle_t a = tagged("12");
  map_at(r, 1, a, 0, 2);
  const size_t n = process_maps();
  check_true(n >= 4);
  check_equal(maps[0].type, ZX_INFO_MAPS_TYPE_ASPACE);
  check_equal(maps[0].depth, 0);
  check_equal(maps[0].base, fx.probe.window_base);
  check_equal(maps[0].size, fx.probe.window_size);
  check_equal(maps[1].type, ZX_INFO_MAPS_TYPE_VMAR);
  check_equal(maps[1].depth, 1);
  check_equal(maps[1].base, fx.probe.window_base);
  size_t at = 2;
  while (at < n && maps[at].base != r->base)
    at++;
  check_true(at + 1 < n);
  check_equal(maps[at].type, ZX_INFO_MAPS_TYPE_VMAR);
  check_equal(maps[at].depth, 2);
  check_equal(maps[at + 1].type, ZX_INFO_MAPS_TYPE_MAPPING);
  check_equal(maps[at + 1].depth, 3);
  check_equal(maps[at + 1].base, r->base + PAGE);
}

/* vmar.md 10: the older versions say the same in their own records */
REGIONS(older_maps_say_the_same) {
  struct region* r = make_region(4);
  map_at(r, 1, tagged("10"), 0, 2);
  const size_t n = process_maps();
  static zx_info_maps_v1_t v1[MAPS_MAX];
  static zx_info_maps_v2_t v2[MAPS_MAX];
  size_t n1 = 0;
  size_t n2 = 0;
  check_ok(
      zx_object_get_info(zx_process_self(), ZX_INFO_PROCESS_MAPS_V1, v1, sizeof(v1), &n1, NULL));
  check_ok(
      zx_object_get_info(zx_process_self(), ZX_INFO_PROCESS_MAPS_V2, v2, sizeof(v2), &n2, NULL));
  check_equal(n1, n);
  check_equal(n2, n);
  for (size_t i = 0; i < n; i++) {
    const zx_info_maps_mapping_t* m = &maps[i].u.mapping;
    check_true(memcmp(&v1[i], &maps[i], offsetof(zx_info_maps_t, u)) == 0);
    check_true(memcmp(&v2[i], &maps[i], offsetof(zx_info_maps_t, u)) == 0);
    check_equal(v1[i].u.mapping.mmu_flags, m->mmu_flags);
    check_equal(v2[i].u.mapping.mmu_flags, m->mmu_flags);
    check_equal(v1[i].u.mapping.vmo_koid, m->vmo_koid);
    check_equal(v2[i].u.mapping.vmo_koid, m->vmo_koid);
    check_equal(v1[i].u.mapping.vmo_offset, m->vmo_offset);
    check_equal(v2[i].u.mapping.vmo_offset, m->vmo_offset);
    check_equal(v1[i].u.mapping.committed_pages * PAGE, m->committed_bytes);
    check_equal(v2[i].u.mapping.committed_pages * PAGE, m->committed_bytes);
    check_equal(v2[i].u.mapping.populated_pages * PAGE, m->populated_bytes);
  }
}

/* vmar.md 10.1: as many whole records as fit */
REGIONS(a_list_is_cut_at_whole_records) {
  struct region* r = make_region(8);
  const zx_handle_t a = make_vmo(1);
  for (uint64_t i = 0; i < 4; i++)
    map_at(r, 2 * i, a, 0, 1);
  size_t actual = 9;
  size_t avail = 9;
  check_ok(zx_object_get_info(r->vmar, ZX_INFO_VMAR_MAPS, NULL, 0, &actual, &avail));
  check_equal(actual, 0);
  check_equal(avail, 5);
  check_ok(zx_object_get_info(r->vmar, ZX_INFO_VMAR_MAPS, maps, 3 * sizeof(maps[0]) - 1, &actual,
                              &avail));
  check_equal(actual, 2);
  check_equal(avail, 5);
  check_ok(zx_object_get_info(r->vmar, ZX_INFO_VMAR_MAPS, maps, sizeof(maps), NULL, NULL));
}

/* vmar.md 10.2 */
REGIONS(the_maps_of_a_destroyed_region_are_bad_state) {
  struct region* r = make_region(8);
  check_ok(zx_vmar_destroy(r->vmar));
  check_status(zx_object_get_info(r->vmar, ZX_INFO_VMAR_MAPS, maps, sizeof(maps), NULL, NULL),
               ZX_ERR_BAD_STATE);
}

/* vmar.md 10.2: offsets are those of the object mapped */
REGIONS(the_offset_in_a_slice_is_the_slices) {
  struct region* r = make_region(4);
  const zx_handle_t a = tagged("12345");
  zx_handle_t slice = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create_child(a, ZX_VMO_CHILD_SLICE, 2 * PAGE, 3 * PAGE, &slice));
  keep(slice);
  map_at(r, 0, slice, 1, 2);
  expect_shows(r, "45xx");
  expect_maps(r, "region 0+4/ rw 0+2 @1");
  zx_info_maps_t some[2];
  check_ok(zx_object_get_info(r->vmar, ZX_INFO_VMAR_MAPS, some, sizeof(some), NULL, NULL));
  check_equal(some[1].u.mapping.vmo_koid, vmo_info(slice).koid);
}

/* vmar.md 10.2; vmo.md 10: what a snapshot shares counts in part, what a slice shows counts
 * elsewhere */
REGIONS(maps_tell_shared_memory_from_private) {
  need_mappings();
  struct region* r = make_region(8);
  const zx_handle_t a = tagged("12");
  zx_handle_t child = ZX_HANDLE_INVALID;
  zx_handle_t slice = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create_child(a, ZX_VMO_CHILD_SLICE, 0, 2 * PAGE, &slice));
  keep(slice);
  check_ok(zx_vmo_create_child(a, ZX_VMO_CHILD_SNAPSHOT, 0, 2 * PAGE, &child));
  keep(child);
  tag_page(child, 1, '5');
  map_at(r, 0, a, 0, 2);
  map_at(r, 2, child, 0, 2);
  map_at(r, 4, slice, 0, 2);
  expect_shows(r, "121512xx");
  zx_info_maps_t some[4];
  check_ok(zx_object_get_info(r->vmar, ZX_INFO_VMAR_MAPS, some, sizeof(some), NULL, NULL));
  for (size_t i = 1; i < 3; i++) {
    check_equal(some[i].u.mapping.committed_bytes, 2 * PAGE);
    check_equal(some[i].u.mapping.committed_private_bytes, PAGE);
    check_equal(some[i].u.mapping.committed_scaled_bytes, PAGE + PAGE / 2);
  }
  check_equal(some[3].u.mapping.committed_bytes, 0);
}

/* vmar.md 10.3 */
REGIONS(mappings_are_counted) {
  struct region* r = make_region(16);
  const zx_handle_t a = make_vmo(8);
  check_equal(vmo_info(a).share_count, 1);
  map_at(r, 0, a, 0, 8);
  check_equal(mappings_of(a), 1);
  check_ok(try_unmap(r, 0, 1));
  check_ok(try_unmap(r, 7, 1));
  check_equal(mappings_of(a), 1);
  check_ok(try_protect(r, READ, 2, 2));
  check_equal(mappings_of(a), 1);
  check_ok(try_unmap(r, 3, 1));
  check_equal(mappings_of(a), 2);
  map_at(r, 8, a, 0, 8);
  check_equal(mappings_of(a), 3);
  check_ok(try_unmap(r, 0, 16));
  check_equal(mappings_of(a), 0);
  check_equal(vmo_info(a).share_count, 1);
}

/* ---- VMOs and totals ---- */

/* Entries of a VMO among those of the process, via handles and via mappings. */
static void count_entries(zx_koid_t koid, size_t* handles, size_t* mappings, zx_rights_t* rights) {
  static zx_info_vmo_t vmos[512];
  size_t actual = 0;
  size_t avail = 0;
  *handles = 0;
  *mappings = 0;
  *rights = 0;
  check_ok(zx_object_get_info(zx_process_self(), ZX_INFO_PROCESS_VMOS, vmos, sizeof(vmos), &actual,
                              &avail));
  check_equal(actual, avail);
  for (size_t i = 0; i < actual; i++) {
    if (vmos[i].koid != koid) continue;
    check_true(((vmos[i].flags & ZX_INFO_VMO_VIA_HANDLE) != 0) !=
               ((vmos[i].flags & ZX_INFO_VMO_VIA_MAPPING) != 0));
    if ((vmos[i].flags & ZX_INFO_VMO_VIA_HANDLE) != 0) {
      (*handles)++;
      *rights |= vmos[i].handle_rights;
    } else {
      (*mappings)++;
      check_equal(vmos[i].handle_rights, 0);
    }
  }
}

/* vmar.md 10: one entry per handle and one per mapping, not merged */
REGIONS(vmos_are_listed_by_handle_and_by_mapping) {
  struct region* r = make_region(8);
  zx_handle_t a = tagged("12");
  const zx_koid_t koid = vmo_info(a).koid;
  size_t handles;
  size_t mappings;
  zx_rights_t rights;
  count_entries(koid, &handles, &mappings, &rights);
  check_equal(handles, 1);
  check_equal(mappings, 0);
  check_equal(rights, ZX_DEFAULT_VMO_RIGHTS);
  zx_handle_t other = duplicate_with(a, ZX_RIGHT_MAP);
  map_at(r, 0, a, 0, 2);
  map_at(r, 4, a, 0, 2);
  count_entries(koid, &handles, &mappings, &rights);
  check_equal(handles, 2);
  check_equal(mappings, 2);
  drop(&other);
  drop(&a);
  count_entries(koid, &handles, &mappings, &rights);
  check_equal(handles, 0);
  check_equal(mappings, 2);
}

/* vmar.md 10: older versions are the front of the newest */
REGIONS(older_vmo_lists_are_as_long) {
  make_vmo(1);
  static const struct {
    uint32_t topic;
    size_t size;
  } versions[] = {
      {ZX_INFO_PROCESS_VMOS_V1, sizeof(zx_info_vmo_v1_t)},
      {ZX_INFO_PROCESS_VMOS_V2, sizeof(zx_info_vmo_v2_t)},
      {ZX_INFO_PROCESS_VMOS_V3, sizeof(zx_info_vmo_v3_t)},
  };
  static zx_info_vmo_t newest[512];
  static uint8_t records[512 * sizeof(zx_info_vmo_t)];
  size_t n = 0;
  check_ok(zx_object_get_info(zx_process_self(), ZX_INFO_PROCESS_VMOS, newest, sizeof(newest), &n,
                              NULL));
  for (size_t i = 0; i < 3; i++) {
    size_t actual = 0;
    check_ok(zx_object_get_info(zx_process_self(), versions[i].topic, records,
                                512 * versions[i].size, &actual, NULL));
    check_equal(actual, n);
    for (size_t k = 0; k < n; k++) {
      check_true(memcmp(records + k * versions[i].size, &newest[k], versions[i].size) == 0);
    }
  }
}

/* vmar.md 10.4 */
REGIONS(task_stats_sum_up_mappings) {
  zx_info_task_stats_t before;
  zx_info_task_stats_t after;
  zx_info_task_stats_v1_t v1;
  const zx_handle_t self = zx_process_self();
  check_ok(zx_object_get_info(self, ZX_INFO_TASK_STATS, &before, sizeof(before), NULL, NULL));
  struct region* r = make_region(16);
  const zx_handle_t a = tagged("1020");
  map_at(r, 0, a, 0, 8);
  map_at(r, 8, a, 2, 1);
  check_ok(zx_object_get_info(self, ZX_INFO_TASK_STATS, &after, sizeof(after), NULL, NULL));
  check_equal(after.mem_mapped_bytes - before.mem_mapped_bytes, 9 * PAGE);
  check_equal(after.mem_private_bytes - before.mem_private_bytes, 3 * PAGE);
  check_equal(after.mem_shared_bytes, 0);
  check_equal(after.mem_scaled_shared_bytes, 0);
  check_equal(after.mem_fractional_scaled_shared_bytes, 0);
  check_ok(zx_object_get_info(self, ZX_INFO_TASK_STATS_V1, &v1, sizeof(v1), NULL, NULL));
  check_equal(v1.mem_mapped_bytes, after.mem_mapped_bytes);
  check_equal(v1.mem_private_bytes, after.mem_private_bytes);
  /* A store through the mapping commits. */
  memset(page_of(r, 1), 5, PAGE);
  check_ok(zx_object_get_info(self, ZX_INFO_TASK_STATS, &after, sizeof(after), NULL, NULL));
  check_equal(after.mem_private_bytes - before.mem_private_bytes, 4 * PAGE);
}

/* vmar.md 10 */
REGIONS(the_process_has_started_and_not_ended) {
  zx_info_process_t info;
  check_ok(zx_object_get_info(zx_process_self(), ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL));
  check_true((info.flags & ZX_INFO_PROCESS_FLAG_STARTED) != 0);
  check_true((info.flags & ZX_INFO_PROCESS_FLAG_EXITED) == 0);
  check_equal((uint64_t)info.return_code, 0);
  check_true(info.start_time <= zx_clock_get_monotonic());
}

/* ---- THREAD ---- */

static zx_handle_t its_handle; /* written by a worker before it signals the event */

struct touch {
  zx_handle_t ready;
  const uint64_t* address; /* NULL: the call instead */
  zx_handle_t vmo;
};

static zx_status_t tell_and_touch(void* argument) {
  struct touch* t = argument;
  uint64_t word;
  zx_handle_t copy = ZX_HANDLE_INVALID;
  zx_handle_duplicate(zx_thread_self(), ZX_RIGHT_SAME_RIGHTS, &copy);
  its_handle = copy;
  zx_object_signal(t->ready, 0, ZX_USER_SIGNAL_0);
  if (t->address == NULL) return zx_vmo_read(t->vmo, &word, 0, 1);
  return guarded_load(t->address, &word) == 0 ? ZX_OK : ZX_ERR_BAD_STATE;
}

static zx_thread_state_t state_of(zx_handle_t thread) {
  zx_info_thread_t info;
  memset(&info, 0xff, sizeof(info));
  check_ok(zx_object_get_info(thread, ZX_INFO_THREAD, &info, sizeof(info), NULL, NULL));
  check_equal(info.wait_exception_channel_type, 0);
  return info.state;
}

/* vmar.md 10.5: in an access and in a call */
REGIONS(a_thread_that_waits_for_a_pager_says_so) {
  need_mappings();
  struct region* r = make_region(1);
  check_equal(state_of(zx_thread_self()), ZX_THREAD_STATE_RUNNING);
  for (int by_call = 0; by_call < 2; by_call++) {
    struct root* v = make_root(1);
    overwrite_at(r, 0, v->vmo, 0, 1);
    struct touch t = {.vmo = v->vmo};
    if (!by_call) t.address = (const uint64_t*)page_of(r, 0);
    check_ok(zx_event_create(0, &t.ready));
    keep(t.ready);
    struct worker* w = start_call(tell_and_touch, &t);
    check_ok(zx_object_wait_one(t.ready, ZX_USER_SIGNAL_0, zx_deadline_after(ZX_SEC(10)), NULL));
    const zx_handle_t thread = keep(its_handle);
    expect_read(v, 0, 1);
    wait_until(state_of(thread) == ZX_THREAD_STATE_BLOCKED_PAGER);
    supply_tags(v, 0, "1");
    expect_ok(w);
    check_equal(state_of(thread), ZX_THREAD_STATE_RUNNING);
  }
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(a_region_tells_base_and_size),
      TEST(a_record_that_does_not_fit_is_too_large),
      TEST(topics_need_their_object_and_inspection),
      TEST(maps_have_an_entry_for_each_run_of_permissions),
      TEST(maps_come_parents_first_and_by_address),
      TEST(the_maps_of_the_process_begin_with_the_address_space),
      TEST(older_maps_say_the_same),
      TEST(a_list_is_cut_at_whole_records),
      TEST(the_maps_of_a_destroyed_region_are_bad_state),
      TEST(the_offset_in_a_slice_is_the_slices),
      TEST(maps_tell_shared_memory_from_private),
      TEST(mappings_are_counted),
      TEST(vmos_are_listed_by_handle_and_by_mapping),
      TEST(older_vmo_lists_are_as_long),
      TEST(task_stats_sum_up_mappings),
      TEST(the_process_has_started_and_not_ended),
      TEST(a_thread_that_waits_for_a_pager_says_so),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
