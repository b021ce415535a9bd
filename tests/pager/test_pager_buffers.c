/* SPDX-License-Identifier: BSD-3-Clause */
/* Pager memory as the buffer of calls, of this library and of Linux: pager.md 11.7, 11.8, 13.48. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "worker.h"

/* ---- Buffers in pager memory ---- */

/* pager.md 13.48, 11.7 */
SCENARIO(a_write_from_pager_memory_waits_alone) {
  need_mappings();
  struct root* v = make_root(8);
  const zx_handle_t plain = make_source(0, 2, TAG + 1);
  struct worker* t1 = start_write_from(plain, map_of(v) + 16, 100, 8);
  expect_read(v, 0, 1);

  /* Other calls on either VMO go on meanwhile. */
  expect_ok(start_read(plain, 0, 2 * PAGE));
  expect_ok(start_write(plain, PAGE, PAGE, 0xee));
  expect_ok(start_op(plain, ZX_VMO_OP_COMMIT, 0, 2 * PAGE));
  supply(v, 1, 1, TAG);
  expect_pages(VIA_CALLS, v, 1, 1, TAG);
  expect_pages(VIA_MAPPING, v, 1, 1, TAG);
  expect_ok(start_write(v->vmo, PAGE, 8, 1));
  expect_waiting(t1);

  supply(v, 0, 1, TAG);
  expect_ok(t1);
  expect_nothing();
  uint8_t bytes[8];
  check_ok(zx_vmo_read(plain, bytes, 100, sizeof(bytes)));
  for (unsigned i = 0; i < sizeof(bytes); i++) {
    check_equal(bytes[i], content_byte(TAG, 0, 16 + i));
  }
}

/* pager.md 11.7 */
SCENARIO(a_read_into_pager_memory_waits_for_the_page) {
  need_mappings();
  struct root* v = make_root(8);
  const zx_handle_t plain = make_source(0, 1, TAG + 1);
  struct worker* t1 = start_read_to(plain, map_of(v) + 2 * PAGE + 8, 0, 8);
  expect_read(v, 2, 1);
  expect_ok(start_write(plain, 64, 8, 1));
  expect_waiting(t1);
  supply(v, 2, 1, TAG);
  expect_ok(t1);
  expect_nothing();
  uint8_t bytes[24];
  check_ok(zx_vmo_read(v->vmo, bytes, 2 * PAGE, sizeof(bytes)));
  for (unsigned i = 0; i < sizeof(bytes); i++) {
    const bool read_there = i >= 8 && i < 16;
    check_equal(bytes[i], read_there ? content_byte(TAG + 1, 0, i - 8) : content_byte(TAG, 2, i));
  }
}

/* pager.md 11.7: across pages, some there and some not */
SCENARIO(a_buffer_over_several_pages_waits_for_each_that_is_absent) {
  need_mappings();
  struct root* v = make_root(8);
  supply(v, 1, 1, TAG);
  const zx_handle_t plain = make_vmo(4);
  struct worker* t1 = start_write_from(plain, map_of(v), 0, 3 * PAGE);
  expect_read(v, 0, 1);
  supply(v, 0, 1, TAG);
  expect_read(v, 2, 1);
  supply(v, 2, 1, TAG);
  expect_ok(t1);
  uint8_t bytes[3 * PAGE];
  check_ok(zx_vmo_read(plain, bytes, 0, sizeof(bytes)));
  check_true(content_is(bytes, 0, 3, TAG));
  expect_nothing();
}

/* vmo.md 3: a page request of the buffer that the pager failed gives the pager's code */
SCENARIO(a_failed_buffer_page_fails_the_call) {
  need_mappings();
  struct root* v = make_root(8);
  const zx_handle_t plain = make_vmo(1);
  struct worker* t1 = start_write_from(plain, map_of(v), 0, 8);
  expect_read(v, 0, 1);
  fail_pages(v, 0, 1, ZX_ERR_IO_DATA_INTEGRITY);
  expect_status(t1, ZX_ERR_IO_DATA_INTEGRITY);
  struct worker* t2 = start_read_to(plain, map_of(v), 0, 8);
  expect_read(v, 0, 1);
  detach(v);
  expect_status(t2, ZX_ERR_BAD_STATE);
}

/* pager.md 11.7: source and buffer in one VMO, neither there */
SCENARIO(a_read_of_a_vmo_into_its_own_mapping_ends) {
  need_mappings();
  struct root* v = make_root(8);
  struct worker* t1 = start_read_to(v->vmo, map_of(v) + 4 * PAGE, PAGE, PAGE);
  await_waiting(t1);
  supply(v, 0, 8, TAG);
  expect_ok(t1);
  expect_nothing();
  uint8_t bytes[PAGE];
  check_ok(zx_vmo_read(v->vmo, bytes, 4 * PAGE, PAGE));
  check_true(content_is(bytes, 1, 1, TAG));
}

/* vmo.md 3: two threads crosswise, from two VMOs into each other's mappings */
SCENARIO(crosswise_reads_do_not_deadlock) {
  need_mappings();
  struct root* a = make_root(8);
  struct root* b = make_root(8);
  struct worker* t1 = start_read_to(a->vmo, map_of(b) + 4 * PAGE, 0, 4 * PAGE);
  await_waiting(t1);
  struct worker* t2 = start_read_to(b->vmo, map_of(a) + 4 * PAGE, 0, 4 * PAGE);
  await_waiting(t2);
  supply(a, 0, 8, TAG);
  supply(b, 0, 8, TAG + 1);
  expect_ok(t1);
  expect_ok(t2);
  expect_nothing();
  uint8_t bytes[4 * PAGE];
  check_ok(zx_vmo_read(b->vmo, bytes, 4 * PAGE, sizeof(bytes)));
  check_true(content_is(bytes, 0, 4, TAG));
  check_ok(zx_vmo_read(a->vmo, bytes, 4 * PAGE, sizeof(bytes)));
  check_true(content_is(bytes, 0, 4, TAG + 1));
}

/* pager.md 11.7: after the wait the call checks size and state again */
SCENARIO(a_call_checks_the_size_again_after_its_buffer_waited) {
  need_mappings();
  struct root* v = make_root(8);
  const zx_handle_t plain = make_resizable_vmo(4);
  struct worker* t1 = start_write_from(plain, map_of(v), 3 * PAGE, 8);
  expect_read(v, 0, 1);
  check_ok(zx_vmo_set_size(plain, PAGE));
  supply(v, 0, 1, TAG);
  expect_status(t1, ZX_ERR_OUT_OF_RANGE);
  expect_nothing();
}

static zx_status_t get_info_into(void* buffer) {
  return zx_object_get_info(fx.port, ZX_INFO_HANDLE_BASIC, buffer, sizeof(zx_info_handle_basic_t),
                            NULL, NULL);
}

/* pager.md 11.7 */
SCENARIO(info_into_pager_memory_waits_for_the_page) {
  need_mappings();
  struct root* v = make_root(8);
  struct worker* t1 = start_call(get_info_into, map_of(v) + 3 * PAGE);
  expect_read(v, 3, 1);
  expect_waiting(t1);
  supply(v, 3, 1, TAG);
  expect_ok(t1);
  zx_info_handle_basic_t info;
  check_ok(zx_vmo_read(v->vmo, &info, 3 * PAGE, sizeof(info)));
  check_equal(info.type, ZX_OBJ_TYPE_PORT);
}

/* ---- System calls on pager memory ---- */

struct transfer {
  void* memory;
  int fd;
  bool write;
  ssize_t bytes;
  int error;
};

static zx_status_t transfer_8_bytes(void* argument) {
  struct transfer* t = argument;
  t->bytes = t->write ? write(t->fd, t->memory, 8) : read(t->fd, t->memory, 8);
  t->error = t->bytes < 0 ? errno : 0;
  return ZX_OK;
}

static void open_pipe(int fds[2]) { check_equal(pipe(fds), 0); }

static void close_pipe(int fds[2]) {
  close(fds[0]);
  close(fds[1]);
}

static void need_kernel_faults(void) {
  need_mappings();
  if (!fx.probe.kernel_faults_served) {
    scenario_skip("the kernel's own faults are not served here (user mode only)");
  }
}

/* pager.md 11.8, where the kernel's own accesses are covered */
SCENARIO(a_system_call_waits_for_the_page_it_reads) {
  need_kernel_faults();
  struct root* v = make_root(8);
  int fds[2];
  open_pipe(fds);
  struct transfer out = {.memory = map_of(v) + 2 * PAGE, .fd = fds[1], .write = true};
  struct worker* t1 = start_call(transfer_8_bytes, &out);
  expect_read(v, 2, 1);
  expect_waiting(t1);
  supply(v, 2, 1, TAG);
  expect_ok(t1);
  check_equal(out.bytes, 8);
  uint8_t bytes[8];
  check_equal(read(fds[0], bytes, sizeof(bytes)), 8);
  check_true(is_filled_with(bytes, content_byte(TAG, 2, 0), 8));
  close_pipe(fds);
  expect_nothing();
}

/* pager.md 11.8 */
SCENARIO(a_system_call_waits_for_the_page_it_writes) {
  need_kernel_faults();
  struct root* v = make_root(8);
  int fds[2];
  open_pipe(fds);
  check_equal(write(fds[1], "12345678", 8), 8);
  struct transfer in = {.memory = map_of(v) + 2 * PAGE + 1, .fd = fds[0]};
  struct worker* t1 = start_call(transfer_8_bytes, &in);
  expect_read(v, 2, 1);
  supply(v, 2, 1, TAG);
  expect_ok(t1);
  check_equal(in.bytes, 8);
  uint8_t bytes[10];
  check_ok(zx_vmo_read(v->vmo, bytes, 2 * PAGE, sizeof(bytes)));
  check_equal(bytes[0], content_byte(TAG, 2, 0));
  check_true(memcmp(bytes + 1, "12345678", 8) == 0);
  check_equal(bytes[9], content_byte(TAG, 2, 9));
  /* The kernel's store made the page dirty like any other. */
  detach(v);
  expect_byte(start_touch(VIA_MAPPING, v, 2), content_byte(TAG, 2, 0));
  close_pipe(fds);
}

/* pager.md 11.8, 11.2: a failed page is EFAULT for the kernel, once */
SCENARIO(a_system_call_on_a_failed_page_gets_efault) {
  need_kernel_faults();
  if (!fx.probe.poison) scenario_skip("the kernel cannot fail its own faults (UFFDIO_POISON)");
  struct root* v = make_root(8);
  int fds[2];
  open_pipe(fds);
  struct transfer out = {.memory = map_of(v) + 2 * PAGE, .fd = fds[1], .write = true};
  struct worker* t1 = start_call(transfer_8_bytes, &out);
  expect_read(v, 2, 1);
  struct worker* t2 = start_touch(VIA_MAPPING, v, 2);
  await_waiting(t2);
  fail_pages(v, 2, 1, ZX_ERR_IO);
  expect_ok(t1);
  check_equal(out.bytes, -1);
  check_equal(out.error, EFAULT);
  check_equal(worker_signals(t1), 0);
  expect_sigbus(t2);

  struct worker* again = start_call(transfer_8_bytes, &out);
  expect_read(v, 2, 1);
  supply(v, 2, 1, TAG);
  expect_ok(again);
  check_equal(out.bytes, 8);
  close_pipe(fds);
  expect_nothing();
}

/* pager.md 11.8, where they are not: an error, no hang, no packet */
SCENARIO(an_unserved_system_call_gets_efault) {
  need_mappings();
  if (fx.probe.kernel_faults_served) scenario_skip("the kernel's own faults are served here");
  struct root* v = make_root(8);
  int fds[2];
  open_pipe(fds);
  struct transfer out = {.memory = map_of(v) + 2 * PAGE, .fd = fds[1], .write = true};
  expect_ok(start_call(transfer_8_bytes, &out));
  check_equal(out.bytes, -1);
  check_equal(out.error, EFAULT);
  expect_nothing();
  close_pipe(fds);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(a_write_from_pager_memory_waits_alone),
      TEST(a_read_into_pager_memory_waits_for_the_page),
      TEST(a_buffer_over_several_pages_waits_for_each_that_is_absent),
      TEST(a_failed_buffer_page_fails_the_call),
      TEST(a_read_of_a_vmo_into_its_own_mapping_ends),
      TEST(crosswise_reads_do_not_deadlock),
      TEST(a_call_checks_the_size_again_after_its_buffer_waited),
      TEST(info_into_pager_memory_waits_for_the_page),
      TEST(a_system_call_waits_for_the_page_it_reads),
      TEST(a_system_call_waits_for_the_page_it_writes),
      TEST(a_system_call_on_a_failed_page_gets_efault),
      TEST(an_unserved_system_call_gets_efault),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
