/* SPDX-License-Identifier: BSD-3-Clause */
/* Long chains of snapshots (vmo.md 7, 9): every intermediate VMO is closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* After the headers that it needs and does not include. */
#include <cmocka.h>
#include <zircon/syscalls.h>

#define PAGE  4096u
#define PAGES 64u
#define LINKS 1000u

static zx_info_vmo_t info_of(zx_handle_t vmo) {
  zx_info_vmo_t info;
  assert_int_equal(zx_object_get_info(vmo, ZX_INFO_VMO, &info, sizeof info, NULL, NULL), ZX_OK);
  return info;
}

static void expect_pages(zx_handle_t vmo, const uint8_t* model) {
  for (unsigned page = 0; page < PAGES; page++) {
    uint8_t byte = 0;
    assert_int_equal(zx_vmo_read(vmo, &byte, page * PAGE + 7, 1), ZX_OK);
    assert_int_equal(byte, model[page]);
  }
}

/* One page differs in each link */
static zx_handle_t make_chain(uint8_t* model, unsigned kept, zx_handle_t* kept_vmo,
                              uint8_t* kept_model) {
  zx_handle_t vmo;
  assert_int_equal(zx_vmo_create(PAGES * PAGE, 0, &vmo), ZX_OK);
  for (unsigned page = 0; page < PAGES; page++) {
    model[page] = (uint8_t)(page + 1);
    assert_int_equal(zx_vmo_write(vmo, &model[page], page * PAGE + 7, 1), ZX_OK);
  }
  for (unsigned link = 0; link < LINKS; link++) {
    zx_handle_t next;
    assert_int_equal(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, PAGES * PAGE, &next),
                     ZX_OK);
    const unsigned page = link * 37 % PAGES;
    model[page] = (uint8_t)(link % 251 + 1);
    assert_int_equal(zx_vmo_write(next, &model[page], page * PAGE + 7, 1), ZX_OK);
    if (link == kept) {
      *kept_vmo = vmo;
      memcpy(kept_model, model, PAGES);
    } else {
      assert_int_equal(zx_handle_close(vmo), ZX_OK);
    }
    vmo = next;
  }
  return vmo;
}

/* issue: all but the last closed; nobody else's pages are left, and it has no parent any more */
static void the_last_of_a_thousand_snapshots_stands_alone(void** state) {
  (void)state;
  uint8_t model[PAGES];
  const zx_handle_t vmo = make_chain(model, LINKS, NULL, NULL);
  expect_pages(vmo, model);
  const zx_info_vmo_t info = info_of(vmo);
  assert_int_equal(info.parent_koid, 0);
  assert_int_equal(info.committed_bytes, PAGES * PAGE);
  assert_int_equal(info.committed_private_bytes, PAGES * PAGE);
  /* vmo.md 5, note 1: it is nobody's child, and decommits like any VMO. */
  assert_int_equal(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, PAGE, NULL, 0), ZX_OK);
  assert_int_equal(zx_handle_close(vmo), ZX_OK);
}

static void one_kept_in_the_middle_keeps_its_moment(void** state) {
  (void)state;
  uint8_t model[PAGES];
  uint8_t kept_model[PAGES];
  zx_handle_t kept = ZX_HANDLE_INVALID;
  const zx_handle_t vmo = make_chain(model, LINKS / 2, &kept, kept_model);
  /* It is the parent of the link that changed a page. */
  const unsigned page = LINKS / 2 * 37 % PAGES;
  uint8_t byte = 0;
  assert_int_equal(zx_vmo_read(kept, &byte, page * PAGE + 7, 1), ZX_OK);
  kept_model[page] = byte;
  assert_int_not_equal(byte, LINKS / 2 % 251 + 1);
  expect_pages(kept, kept_model);
  expect_pages(vmo, model);
  const zx_info_vmo_t info = info_of(vmo);
  const zx_info_vmo_t kept_info = info_of(kept);
  assert_int_equal(info.parent_koid, kept_info.koid);
  assert_true(info.committed_scaled_bytes + kept_info.committed_scaled_bytes <= 2 * PAGES * PAGE);
  assert_int_equal(zx_handle_close(kept), ZX_OK);
  expect_pages(vmo, model);
  assert_int_equal(info_of(vmo).committed_private_bytes, PAGES * PAGE);
  assert_int_equal(zx_handle_close(vmo), ZX_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_last_of_a_thousand_snapshots_stands_alone),
      cmocka_unit_test(one_kept_in_the_middle_keeps_its_moment),
  };
  return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
