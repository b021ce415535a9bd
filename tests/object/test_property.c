/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_object_get_property and zx_object_set_property: order of checks, names. Section numbers are
 * those of objects.md. The process object stands for all that have a name. */
#include <zircon/process.h>

#include "support.h"

static const uint32_t unknown_properties[] = {0, 1, 8, 99, 0xffffffff};

/* 5 */
static void get_checks_in_order(void** state) {
  (void)state;
  const zx_handle_t process = zx_process_self();
  const zx_handle_t bare = duplicate_without(process, ZX_RIGHT_GET_PROPERTY);
  const zx_handle_t event = make_event();
  char value[ZX_MAX_NAME_LEN];
  assert_status(zx_object_get_property(dead_handle(), 99, NULL, 0), ZX_ERR_INVALID_ARGS);
  assert_status(zx_object_get_property(dead_handle(), 99, value, 0), ZX_ERR_BAD_HANDLE);
  assert_status(zx_object_get_property(bare, 99, value, 0), ZX_ERR_ACCESS_DENIED);
  for (size_t i = 0; i < sizeof unknown_properties / sizeof unknown_properties[0]; i++) {
    assert_status(zx_object_get_property(process, unknown_properties[i], value, 0),
                  ZX_ERR_NOT_SUPPORTED);
  }
  assert_status(zx_object_get_property(process, ZX_PROP_NAME, value, ZX_MAX_NAME_LEN - 1),
                ZX_ERR_BUFFER_TOO_SMALL);
  assert_ok(zx_object_get_property(process, ZX_PROP_NAME, value, ZX_MAX_NAME_LEN));
  close_handle(bare);
  close_handle(event);
}

/* 5 */
static void set_checks_in_order(void** state) {
  (void)state;
  const zx_handle_t process = zx_process_self();
  const zx_handle_t bare = duplicate_without(process, ZX_RIGHT_SET_PROPERTY);
  const char value[] = "x";
  assert_status(zx_object_set_property(dead_handle(), 99, NULL, 0), ZX_ERR_INVALID_ARGS);
  assert_status(zx_object_set_property(dead_handle(), 99, value, 0), ZX_ERR_BAD_HANDLE);
  assert_status(zx_object_set_property(bare, 99, value, 0), ZX_ERR_ACCESS_DENIED);
  for (size_t i = 0; i < sizeof unknown_properties / sizeof unknown_properties[0]; i++) {
    assert_status(zx_object_set_property(process, unknown_properties[i], value, 1),
                  ZX_ERR_NOT_SUPPORTED);
  }
  close_handle(bare);
}

/* 5.3 */
static void objects_without_property_rights_deny_access(void** state) {
  (void)state;
  zx_handle_t a;
  zx_handle_t b;
  make_pair(&a, &b);
  const zx_handle_t objects[] = {make_event(), make_port(), a, b};
  char value[ZX_MAX_NAME_LEN] = "x";
  for (size_t i = 0; i < 4; i++) {
    assert_status(zx_object_get_property(objects[i], ZX_PROP_NAME, value, sizeof value),
                  ZX_ERR_ACCESS_DENIED);
    assert_status(zx_object_set_property(objects[i], ZX_PROP_NAME, value, 1), ZX_ERR_ACCESS_DENIED);
  }
  assert_ok(zx_handle_close_many(objects, 4));
}

static void set_name(const char* bytes, size_t size) {
  assert_ok(zx_object_set_property(zx_process_self(), ZX_PROP_NAME, bytes, size));
}

/* Gets the name into a larger buffer, all of whose first 32 bytes have to be written, and no
 * more. */
static void assert_name(const char* expected) {
  char padded[ZX_MAX_NAME_LEN] = {0};
  char got[2 * ZX_MAX_NAME_LEN];
  memcpy(padded, expected, strlen(expected));
  memset(got, 0x5a, sizeof got);
  assert_ok(zx_object_get_property(zx_process_self(), ZX_PROP_NAME, got, sizeof got));
  assert_memory_equal(got, padded, sizeof padded);
  for (size_t i = ZX_MAX_NAME_LEN; i < sizeof got; i++) {
    assert_int_equal(got[i], 0x5a);
  }
}

/* 5.1 */
static void name_is_filled_with_zeros_to_32_bytes(void** state) {
  (void)state;
  set_name("a name", 6);
  assert_name("a name");
}

/* 5.2 */
static void name_of_any_size_is_taken(void** state) {
  (void)state;
  const char digits[] = "0123456789012345678901234567890123456789";
  set_name(digits, 5);
  assert_name("01234");
  set_name(digits, 31);
  assert_name("0123456789012345678901234567890");
  for (size_t size = 32; size <= 40; size++) {
    set_name("", 0);
    set_name(digits, size);
    assert_name("0123456789012345678901234567890"); /* 31 bytes count */
  }
  set_name(digits, 0);
  assert_name("");
}

/* 5.2 */
static void name_ends_at_its_first_nul(void** state) {
  (void)state;
  set_name("ab\0cd", 5);
  assert_name("ab");
  set_name("ab", 3);
  assert_name("ab");
  set_name("\0cd", 3);
  assert_name("");
}

/* 1.4 */
static void name_belongs_to_the_object(void** state) {
  (void)state;
  const zx_handle_t other = duplicate_with(zx_process_self(), ZX_RIGHT_SET_PROPERTY);
  assert_ok(zx_object_set_property(other, ZX_PROP_NAME, "other", 5));
  assert_name("other");
  close_handle(other);
}

/* 5: size is looked at before the type */
static void process_properties_never_give_more_than_wrong_type(void** state) {
  (void)state;
  const uint32_t properties[] = {ZX_PROP_PROCESS_DEBUG_ADDR, ZX_PROP_PROCESS_BREAK_ON_LOAD,
                                 ZX_PROP_PROCESS_VDSO_BASE_ADDRESS};
  uintptr_t value = 0;
  for (size_t i = 0; i < 3; i++) {
    assert_status(zx_object_get_property(zx_process_self(), properties[i], &value, 7),
                  ZX_ERR_BUFFER_TOO_SMALL);
    assert_status(zx_object_get_property(zx_process_self(), properties[i], &value, 8),
                  ZX_ERR_WRONG_TYPE);
    if (i < 2) {
      assert_status(zx_object_set_property(zx_process_self(), properties[i], &value, 7),
                    ZX_ERR_BUFFER_TOO_SMALL);
      assert_status(zx_object_set_property(zx_process_self(), properties[i], &value, 8),
                    ZX_ERR_WRONG_TYPE);
    }
  }
  assert_status(
      zx_object_set_property(zx_process_self(), ZX_PROP_PROCESS_VDSO_BASE_ADDRESS, &value, 8),
      ZX_ERR_NOT_SUPPORTED);
}

static zx_handle_t make_vmo(uint64_t size) {
  zx_handle_t vmo = ZX_HANDLE_INVALID;
  assert_ok(zx_vmo_create(size, 0, &vmo));
  return vmo;
}

/* 5: size before type, type before the right that only VMOs ask for */
static void content_size_checks_in_order(void** state) {
  (void)state;
  const zx_handle_t process = zx_process_self();
  const zx_handle_t vmo = make_vmo(100);
  const zx_handle_t bare = duplicate_without(vmo, ZX_RIGHT_WRITE);
  const zx_handle_t process_bare = duplicate_without(process, ZX_RIGHT_WRITE);
  uint64_t size = 0;
  assert_status(zx_object_get_property(process, ZX_PROP_VMO_CONTENT_SIZE, &size, 7),
                ZX_ERR_BUFFER_TOO_SMALL);
  assert_status(zx_object_get_property(process, ZX_PROP_VMO_CONTENT_SIZE, &size, 8),
                ZX_ERR_WRONG_TYPE);
  assert_status(zx_object_set_property(process_bare, ZX_PROP_VMO_CONTENT_SIZE, &size, 7),
                ZX_ERR_BUFFER_TOO_SMALL);
  assert_status(zx_object_set_property(process_bare, ZX_PROP_VMO_CONTENT_SIZE, &size, 8),
                ZX_ERR_WRONG_TYPE);
  assert_status(zx_object_set_property(bare, ZX_PROP_VMO_CONTENT_SIZE, &size, 8),
                ZX_ERR_ACCESS_DENIED);
  assert_ok(zx_object_get_property(bare, ZX_PROP_VMO_CONTENT_SIZE, &size, 8));
  assert_int_equal(size, 100);
  close_handle(process_bare);
  close_handle(bare);
  close_handle(vmo);
}

/* 5.4 */
static void content_size_may_be_set_past_the_vmo(void** state) {
  (void)state;
  const zx_handle_t vmo = make_vmo(100);
  uint64_t size = UINT64_MAX - 5;
  assert_ok(zx_object_set_property(vmo, ZX_PROP_VMO_CONTENT_SIZE, &size, sizeof size));
  size = 0;
  assert_ok(zx_object_get_property(vmo, ZX_PROP_VMO_CONTENT_SIZE, &size, sizeof size));
  assert_int_equal(size, UINT64_MAX - 5);
  assert_ok(zx_vmo_get_size(vmo, &size));
  assert_int_equal(size, zx_system_get_page_size());
  close_handle(vmo);
}

/* 5.2 */
static void fresh_vmo_has_the_empty_name(void** state) {
  (void)state;
  const zx_handle_t vmo = make_vmo(100);
  const char zeros[ZX_MAX_NAME_LEN] = {0};
  char name[ZX_MAX_NAME_LEN] = "x";
  assert_ok(zx_object_get_property(vmo, ZX_PROP_NAME, name, sizeof name));
  assert_memory_equal(name, zeros, sizeof zeros);
  close_handle(vmo);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(get_checks_in_order),
      cmocka_unit_test(set_checks_in_order),
      cmocka_unit_test(objects_without_property_rights_deny_access),
      cmocka_unit_test(name_is_filled_with_zeros_to_32_bytes),
      cmocka_unit_test(name_of_any_size_is_taken),
      cmocka_unit_test(name_ends_at_its_first_nul),
      cmocka_unit_test(name_belongs_to_the_object),
      cmocka_unit_test(content_size_checks_in_order),
      cmocka_unit_test(content_size_may_be_set_past_the_vmo),
      cmocka_unit_test(fresh_vmo_has_the_empty_name),
      cmocka_unit_test(process_properties_never_give_more_than_wrong_type),
  };
  return cmocka_run_group_tests_name("property", tests, NULL, NULL);
}
