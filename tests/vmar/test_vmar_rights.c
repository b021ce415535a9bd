/* SPDX-License-Identifier: BSD-3-Clause */
/* Rights of handles and permissions of mappings: vmar.md 2, 5.3. */
#include "regions.h"

/* READ, WRITE, EXECUTE as rights and as permissions, by the bits of a number. */
static zx_rights_t rights_of(unsigned bits) {
  return ((bits & 1) != 0 ? ZX_RIGHT_READ : 0) | ((bits & 2) != 0 ? ZX_RIGHT_WRITE : 0) |
         ((bits & 4) != 0 ? ZX_RIGHT_EXECUTE : 0);
}

static zx_vm_option_t perms_of(unsigned bits) {
  return ((bits & 1) != 0 ? READ : 0) | ((bits & 2) != 0 ? WRITE : 0) |
         ((bits & 4) != 0 ? EXECUTE : 0);
}

/* Reading goes along with the others. */
static bool makes_sense(unsigned bits) { return (bits & 1) != 0 || bits == 0; }

static zx_handle_t executable_vmo(void) {
  zx_handle_t plain = ZX_HANDLE_INVALID;
  zx_handle_t executable = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create(PAGE, 0, &plain));
  check_ok(zx_vmo_replace_as_executable(plain, ZX_HANDLE_INVALID, &executable));
  return keep(executable);
}

/* Whether this system lets shared memory be executed (vmar.md 14.10). */
static bool execution_allowed(struct region* r, zx_handle_t vmo) {
  const zx_status_t status = try_map(r, READ | EXECUTE | ZX_VM_SPECIFIC, 0, vmo, 0, 1);
  if (status == ZX_OK) check_ok(try_unmap(r, 0, 1));
  return status == ZX_OK;
}

/* vmar.md 5.3: every combination of rights on both handles and permissions asked for, and what a
 * protect through the full handle can make of it later */
REGIONS(permissions_come_from_the_rights_of_both_handles) {
  struct region* r = make_region_with(USUAL | ZX_VM_CAN_MAP_EXECUTE, 1);
  const zx_handle_t vmo = executable_vmo();
  const unsigned all = execution_allowed(r, vmo) ? 8 : 4;
  for (unsigned on_vmo = 0; on_vmo < all; on_vmo++) {
    zx_handle_t v = duplicate_with(vmo, ZX_RIGHT_MAP | rights_of(on_vmo));
    for (unsigned on_region = 0; on_region < all; on_region++) {
      struct region weak = by_handle(r, rights_of(on_region));
      const unsigned both = on_vmo & on_region;
      for (unsigned asked = 0; asked < all; asked++) {
        const zx_status_t status = try_map(&weak, perms_of(asked) | ZX_VM_SPECIFIC, 0, v, 0, 1);
        if (!makes_sense(asked)) {
          check_status(status, ZX_ERR_INVALID_ARGS);
          continue;
        }
        check_status(status, (asked & ~both) == 0 ? ZX_OK : ZX_ERR_ACCESS_DENIED);
        if (status != ZX_OK) continue;
        expect_shows(r, asked != 0 ? "0" : "x");
        expect_stores(r, (asked & 2) != 0 ? "." : "x");
        for (unsigned later = 0; later < all; later++) {
          if (!makes_sense(later)) continue;
          check_status(try_protect(r, perms_of(later), 0, 1),
                       (later & ~both) == 0 ? ZX_OK : ZX_ERR_ACCESS_DENIED);
        }
        check_ok(try_unmap(r, 0, 1));
      }
      drop(&weak.vmar);
    }
    drop(&v);
  }
}

/* vmar.md 2: rights for each permission in protect, whatever the mapping may */
REGIONS(protecting_needs_the_right_of_each_permission) {
  struct region* r = make_region_with(USUAL | ZX_VM_CAN_MAP_EXECUTE, 1);
  map_at(r, 0, make_vmo(1), 0, 1);
  for (unsigned rights = 0; rights < 8; rights++) {
    const struct region weak = by_handle(r, rights_of(rights));
    for (unsigned asked = 0; asked < 4; asked++) {
      if (!makes_sense(asked)) continue;
      check_status(try_protect(&weak, perms_of(asked), 0, 1),
                   (asked & ~rights) == 0 ? ZX_OK : ZX_ERR_ACCESS_DENIED);
    }
  }
}

/* vmar.md 2: the calls that need no right of their own, and those that need one */
REGIONS(each_call_needs_its_right) {
  struct region* r = make_region(8);
  const zx_handle_t a = make_vmo(8);
  map_at(r, 0, a, 0, 8);
  const struct region nothing = by_handle(r, ZX_RIGHT_NONE);
  static const struct {
    uint32_t op;
    zx_rights_t right;
  } ops[] = {
      {ZX_VMAR_OP_COMMIT, ZX_RIGHT_WRITE},   {ZX_VMAR_OP_DECOMMIT, ZX_RIGHT_WRITE},
      {ZX_VMAR_OP_ZERO, ZX_RIGHT_WRITE},     {ZX_VMAR_OP_PREFETCH, ZX_RIGHT_READ},
      {ZX_VMAR_OP_MAP_RANGE, ZX_RIGHT_READ}, {ZX_VMAR_OP_ALWAYS_NEED, ZX_RIGHT_NONE},
      {ZX_VMAR_OP_DONT_NEED, ZX_RIGHT_NONE},
  };
  for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
    const struct region just = by_handle(r, ops[i].right);
    const struct region others =
        by_handle(r, (ZX_RIGHT_READ | ZX_RIGHT_WRITE | ZX_RIGHT_OP_CHILDREN) & ~ops[i].right);
    check_ok(try_op(&just, ops[i].op, 0, 8));
    check_status(try_op(&nothing, ops[i].op, 0, 8),
                 ops[i].right == 0 ? ZX_OK : ZX_ERR_ACCESS_DENIED);
    check_status(try_op(&others, ops[i].op, 0, 8),
                 ops[i].right == 0 ? ZX_OK : ZX_ERR_ACCESS_DENIED);
  }
  check_ok(try_unmap(&nothing, 0, 4));
  check_ok(try_map(&nothing, ZX_VM_SPECIFIC, 0, a, 0, 1));
  zx_info_vmar_t info;
  check_status(zx_object_get_info(nothing.vmar, ZX_INFO_VMAR, &info, sizeof(info), NULL, NULL),
               ZX_ERR_ACCESS_DENIED);
  check_status(zx_object_get_info(nothing.vmar, ZX_INFO_VMAR_MAPS, NULL, 0, NULL, NULL),
               ZX_ERR_ACCESS_DENIED);
  const struct region inspects = by_handle(r, ZX_RIGHT_INSPECT);
  check_ok(zx_object_get_info(inspects.vmar, ZX_INFO_VMAR, &info, sizeof(info), NULL, NULL));
  check_ok(zx_object_get_info(inspects.vmar, ZX_INFO_VMAR_MAPS, NULL, 0, NULL, NULL));
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(permissions_come_from_the_rights_of_both_handles),
      TEST(protecting_needs_the_right_of_each_permission),
      TEST(each_call_needs_its_right),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
