/* SPDX-License-Identifier: BSD-3-Clause */
/* What a pager and its VMOs tell about themselves: pager.md 10.4, 1, 2, 3.2. */
#include <string.h>

#include "fixture.h"
#include "worker.h"

static zx_info_handle_basic_t basic_info(zx_handle_t handle) {
  zx_info_handle_basic_t info;
  memset(&info, 0, sizeof(info));
  check_ok(zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL));
  return info;
}

static uint64_t content_size(zx_handle_t vmo) {
  uint64_t size = 0;
  check_ok(zx_object_get_property(vmo, ZX_PROP_VMO_CONTENT_SIZE, &size, sizeof(size)));
  return size;
}

/* pager.md 2 */
SCENARIO(a_pager_has_its_default_rights) {
  const zx_info_handle_basic_t info = basic_info(fx.pager);
  check_equal(info.type, ZX_OBJ_TYPE_PAGER);
  check_equal(info.rights, ZX_DEFAULT_PAGER_RIGHTS);
  check_equal(info.rights,
              ZX_RIGHT_INSPECT | ZX_RIGHT_TRANSFER | ZX_RIGHT_ATTACH_VMO | ZX_RIGHT_MANAGE_VMO);
}

/* pager.md 2 */
SCENARIO(a_pager_handle_can_be_replaced_but_not_duplicated) {
  zx_handle_t other = ZX_HANDLE_INVALID;
  check_status(zx_handle_duplicate(fx.pager, ZX_RIGHT_SAME_RIGHTS, &other), ZX_ERR_ACCESS_DENIED);
  zx_handle_t pager = ZX_HANDLE_INVALID;
  check_ok(zx_pager_create(0, &pager));
  check_ok(zx_handle_replace(pager, ZX_RIGHT_SAME_RIGHTS, &other));
  keep(other);
  struct root* v = make_root_on(other, fx.port, 0, 1, PAGE);
  supply(v, 0, 1, TAG);
  expect_pages(VIA_CALLS, v, 0, 1, TAG);
}

/* pager.md 3.2 */
SCENARIO(a_root_has_the_default_rights_of_a_vmo) {
  struct root* fixed = make_root(1);
  struct root* resizable = make_resizable_root(1);
  check_equal(basic_info(fixed->vmo).type, ZX_OBJ_TYPE_VMO);
  check_equal(basic_info(fixed->vmo).rights, ZX_DEFAULT_VMO_RIGHTS);
  check_equal(basic_info(resizable->vmo).rights, ZX_DEFAULT_VMO_RIGHTS | ZX_RIGHT_RESIZE);
}

/* pager.md 3.2 */
SCENARIO(the_size_is_rounded_up_and_the_content_size_is_not) {
  struct root* v = make_root_on(fx.pager, fx.port, 0, 1, PAGE + 100);
  uint64_t size = 0;
  check_ok(zx_vmo_get_size(v->vmo, &size));
  check_equal(size, 2 * PAGE);
  check_equal(vmo_info(v->vmo).size_bytes, 2 * PAGE);
  check_equal(content_size(v->vmo), PAGE + 100);
  expect_absent(v, 1);
}

/* pager.md 3.2 */
SCENARIO(a_root_may_have_no_pages) {
  struct root* v = make_root_on(fx.pager, fx.port, 0, 1, 0);
  uint64_t size = 1;
  check_ok(zx_vmo_get_size(v->vmo, &size));
  check_equal(size, 0);
  check_equal(vmo_info(v->vmo).committed_bytes, 0);
  uint8_t byte = 0;
  check_ok(zx_vmo_read(v->vmo, &byte, 0, 0));
  check_status(zx_vmo_read(v->vmo, &byte, 0, 1), ZX_ERR_OUT_OF_RANGE);
  expect_nothing();
}

/* pager.md 10.4 */
SCENARIO(a_root_tells_that_it_is_backed_by_a_pager) {
  struct root* v = make_root(2);
  const zx_info_vmo_t info = vmo_info(v->vmo);
  check_equal(info.flags,
              ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_PAGER_BACKED | ZX_INFO_VMO_VIA_HANDLE);
  check_equal(info.parent_koid, 0);
  check_equal(info.num_children, 0);
  check_equal(info.num_mappings, 0);
  check_equal(info.committed_bytes, 0);
  check_equal(info.populated_bytes, 0);
  check_equal(info.handle_rights, ZX_DEFAULT_VMO_RIGHTS);
  check_equal(info.koid, basic_info(v->vmo).koid);
}

/* pager.md 10.4 */
SCENARIO(a_resizable_root_tells_so) {
  struct root* v = make_resizable_root(2);
  check_equal(vmo_info(v->vmo).flags, ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_PAGER_BACKED |
                                          ZX_INFO_VMO_VIA_HANDLE | ZX_INFO_VMO_RESIZABLE);
}

/* pager.md 10.4: it stays set after a detach, and when the pager is closed */
SCENARIO(a_cut_off_root_is_still_backed_by_a_pager) {
  struct root* a = make_root(2);
  struct root* b = make_root(2);
  detach(a);
  drop(&fx.pager);
  check_true((vmo_info(a->vmo).flags & ZX_INFO_VMO_PAGER_BACKED) != 0);
  check_true((vmo_info(b->vmo).flags & ZX_INFO_VMO_PAGER_BACKED) != 0);
}

/* pager.md 10.4 */
SCENARIO(an_ordinary_vmo_is_not_backed_by_a_pager) {
  const zx_handle_t vmo = make_vmo(1);
  check_equal(vmo_info(vmo).flags & ZX_INFO_VMO_PAGER_BACKED, 0);
}

/* pager.md 10.4: mappings are counted, one each */
SCENARIO(a_root_counts_its_mappings) {
  need_mappings();
  struct root* v = make_root(4);
  uint8_t* first = map_vmo(v->vmo, 0, 4 * PAGE);
  map_vmo(v->vmo, PAGE, PAGE);
  check_equal(vmo_info(v->vmo).num_mappings, 2);
  unmap(first + PAGE, PAGE); /* cut in the middle: two */
  check_equal(vmo_info(v->vmo).num_mappings, 3);
  unmap(first, 4 * PAGE);
  check_equal(vmo_info(v->vmo).num_mappings, 1);
}

/* pager.md 1, table */
BOTH_WAYS(real_pages_are_counted_and_zeros_are_not) {
  struct root* v = make_resizable_root(8);
  supply(v, 0, 2, TAG);
  supply_zeros(v, 2, 2);
  check_ok(zx_vmo_op_range(v->vmo, ZX_VMO_OP_ZERO, 4 * PAGE, PAGE, NULL, 0));
  check_ok(zx_vmo_set_size(v->vmo, 9 * PAGE));
  check_equal(committed_pages(v->vmo), 2);
  check_equal(vmo_info(v->vmo).populated_bytes, 2 * PAGE);
  v->pages = 9;
  /* A read or a load commits nothing. */
  expect_zero_pages(via, v, 2, 3);
  expect_zero_pages(via, v, 8, 1);
  check_equal(committed_pages(v->vmo), 2);
  /* A write does. */
  expect_ok(start_poke(via, v, 2, 1));
  expect_ok(start_poke(via, v, 8, 1));
  check_equal(committed_pages(v->vmo), 4);
}

/* pager.md 1: a commit turns zeros of both sorts into real pages */
SCENARIO(a_commit_makes_real_pages_of_zeros) {
  struct root* v = make_resizable_root(2);
  supply_zeros(v, 0, 2);
  check_ok(zx_vmo_set_size(v->vmo, 4 * PAGE));
  v->pages = 4;
  check_equal(committed_pages(v->vmo), 0);
  check_ok(zx_vmo_op_range(v->vmo, ZX_VMO_OP_COMMIT, 0, 4 * PAGE, NULL, 0));
  expect_nothing();
  check_equal(committed_pages(v->vmo), 4);
  expect_zero_pages(VIA_CALLS, v, 0, 4);
}

/* pager.md 3.6: COMMIT does not dirty, so a detach drops the page */
SCENARIO(a_commit_does_not_dirty) {
  struct root* v = make_root(2);
  supply(v, 0, 1, TAG);
  supply_zeros(v, 1, 1);
  check_ok(zx_vmo_op_range(v->vmo, ZX_VMO_OP_COMMIT, 0, 2 * PAGE, NULL, 0));
  detach(v);
  check_equal(committed_pages(v->vmo), 0);
  expect_status(start_touch(VIA_CALLS, v, 0), ZX_ERR_BAD_STATE);
  expect_status(start_touch(VIA_CALLS, v, 1), ZX_ERR_BAD_STATE);
}

/* pager.md 4: PREFETCH and ALWAYS_NEED bring pages and commit what the pager gives */
SCENARIO(hints_over_present_pages_change_nothing) {
  struct root* v = make_root(4);
  supply(v, 0, 2, TAG);
  supply_zeros(v, 2, 2);
  check_ok(zx_vmo_op_range(v->vmo, ZX_VMO_OP_PREFETCH, 0, 4 * PAGE, NULL, 0));
  check_ok(zx_vmo_op_range(v->vmo, ZX_VMO_OP_ALWAYS_NEED, 0, 4 * PAGE, NULL, 0));
  expect_nothing();
  expect_pages(VIA_CALLS, v, 0, 2, TAG);
  expect_zero_pages(VIA_CALLS, v, 2, 2);
}

/* vmo.md 14: names */
SCENARIO(a_root_can_be_named) {
  struct root* v = make_root(1);
  check_equal(vmo_info(v->vmo).name[0], 0);
  check_ok(zx_object_set_property(v->vmo, ZX_PROP_NAME, "blob", 4));
  check_true(strcmp(vmo_info(v->vmo).name, "blob") == 0);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(a_pager_has_its_default_rights),
      TEST(a_pager_handle_can_be_replaced_but_not_duplicated),
      TEST(a_root_has_the_default_rights_of_a_vmo),
      TEST(the_size_is_rounded_up_and_the_content_size_is_not),
      TEST(a_root_may_have_no_pages),
      TEST(a_root_tells_that_it_is_backed_by_a_pager),
      TEST(a_resizable_root_tells_so),
      TEST(a_cut_off_root_is_still_backed_by_a_pager),
      TEST(an_ordinary_vmo_is_not_backed_by_a_pager),
      TEST(a_root_counts_its_mappings),
      TEST_BOTH_WAYS(real_pages_are_counted_and_zeros_are_not),
      TEST(a_commit_makes_real_pages_of_zeros),
      TEST(a_commit_does_not_dirty),
      TEST(hints_over_present_pages_change_nothing),
      TEST(a_root_can_be_named),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
