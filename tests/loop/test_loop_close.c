/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of a pager on a loop: what happens at once, what comes later and in which order, and what
 * is the caller's again when. All of zxpager-uv.h, zxp_uv_pager_close, unless another rule is
 * named. */
#include <stdlib.h>
#include <string.h>

#include "loop_fixture.h"

SCENARIO(a_pager_without_vmos_closes) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  check_equal(zxp_uv_pager_is_closing(&pager), 0);
  check_ok(zxp_uv_pager_close(&pager, record_closed));
  check_true(zxp_uv_pager_is_closing(&pager) != 0);
  /* As in libuv, never inside the call. */
  check_equal(event_count(), 0);
  expect_event(CLOSED, NULL, 0, 0);
  check_true(event_at(0).pager == &pager);
  check_true(zxp_uv_pager_is_closing(&pager) != 0);
  end_loop();
}

SCENARIO(a_close_callback_is_not_required) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  check_ok(zxp_uv_pager_close(&pager, NULL));
  end_loop();
}

SCENARIO(a_pager_closes_once) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  check_ok(zxp_uv_pager_close(&pager, record_closed));
  check_status(zxp_uv_pager_close(&pager, record_closed), ZX_ERR_BAD_STATE);
  expect_event(CLOSED, NULL, 0, 0);
  check_status(zxp_uv_pager_close(&pager, record_closed), ZX_ERR_BAD_STATE);
  check_status(zxp_uv_pager_close(NULL, NULL), ZX_ERR_INVALID_ARGS);
  end_loop();
}

/* Threads fail inside the call, as after any detach (pager.md 8.1); callbacks come later, in this
 * order. */
BOTH_WAYS(closing_fails_who_waits_then_completes_then_closes) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 2);
  struct worker* t1 = start_touch(via, &v->root, 0);
  expect_event(READ, v, 0, 1);
  check_ok(zxp_uv_pager_close(&pager, record_closed));
  expect_failed(t1, ZX_ERR_BAD_STATE);
  struct worker* t2 = start_touch(via, &v->root, 1);
  expect_failed(t2, ZX_ERR_BAD_STATE);
  expect_event(COMPLETE, v, 0, 0);
  expect_event(CLOSED, NULL, 0, 0);
  end_loop();
}

/* A request that the loop has not seen ends like one that it has. */
BOTH_WAYS(closing_before_a_request_was_delivered) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 1);
  if (via == VIA_MAPPING) map_of(&v->root);
  struct worker* t1 = start_touch(via, &v->root, 0);
  await_waiting(t1);
  check_ok(zxp_uv_pager_close(&pager, record_closed));
  expect_failed(t1, ZX_ERR_BAD_STATE);
  expect_event(COMPLETE, v, 0, 0);
  expect_event(CLOSED, NULL, 0, 0);
  end_loop();
}

static zxp_uv_pager_t* to_close;
static enum event_kind close_in;

static void close_inside(const struct event* event) {
  if (event->kind != close_in) return;
  on_event = NULL;
  check_ok(zxp_uv_pager_close(to_close, record_closed));
}

BOTH_WAYS(a_read_callback_may_close_its_pager) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 1);
  to_close = &pager;
  close_in = READ;
  on_event = close_inside;
  struct worker* t1 = start_touch(via, &v->root, 0);
  expect_event(READ, v, 0, 1);
  expect_failed(t1, ZX_ERR_BAD_STATE);
  expect_event(COMPLETE, v, 0, 0);
  expect_event(CLOSED, NULL, 0, 0);
  end_loop();
}

/* Packets of the same batch that were not looked at yet are not lost: their VMOs complete by the
 * close. */
SCENARIO(a_complete_callback_may_close_its_pager) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 1);
  struct served* w = serve(&pager, 1);
  to_close = &pager;
  close_in = COMPLETE;
  on_event = close_inside;
  drop(&v->root.vmo);
  drop(&w->root.vmo);
  expect_event(COMPLETE, v, 0, 0);
  expect_event(COMPLETE, w, 0, 0);
  expect_event(CLOSED, NULL, 0, 0);
  end_loop();
}

/* No handle is left to detach by; the pager's end cuts the VMO off all the same (pager.md 8.3). */
SCENARIO(a_vmo_that_only_a_mapping_keeps_is_cut_off) {
  need_mappings();
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 2);
  uint8_t* map = map_of(&v->root);
  drop(&v->root.vmo);
  struct worker* t1 = start_load(map);
  expect_event(READ, v, 0, 1);
  check_ok(zxp_uv_pager_close(&pager, record_closed));
  expect_sigbus(t1);
  struct worker* t2 = start_load(map + PAGE);
  expect_sigbus(t2);
  expect_event(COMPLETE, v, 0, 0);
  expect_event(CLOSED, NULL, 0, 0);
  unmap(map, 2 * PAGE);
  end_loop();
}

/* The same where the program has moved the handle to another value. */
BOTH_WAYS(a_vmo_whose_handle_was_replaced_is_cut_off) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 1);
  zx_handle_t moved = duplicate(v->root.vmo);
  drop(&v->root.vmo);
  v->root.vmo = moved;
  struct worker* t1 = start_touch(via, &v->root, 0);
  expect_event(READ, v, 0, 1);
  check_ok(zxp_uv_pager_close(&pager, record_closed));
  expect_failed(t1, ZX_ERR_BAD_STATE);
  expect_event(COMPLETE, v, 0, 0);
  expect_event(CLOSED, NULL, 0, 0);
  end_loop();
}

/* Exactly one COMPLETE for each VMO: one that had it gets no other. */
SCENARIO(a_vmo_that_completed_before_does_not_again) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 1);
  check_ok(zxp_uv_vmo_detach(&v->uv));
  expect_event(COMPLETE, v, 0, 0);
  check_ok(zxp_uv_pager_close(&pager, record_closed));
  expect_event(CLOSED, NULL, 0, 0);
  end_loop();
}

/* And one whose packet is still in the port gets one, not two. */
SCENARIO(a_complete_that_waits_to_be_delivered_comes_once) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 1);
  check_ok(zxp_uv_vmo_detach(&v->uv));
  check_ok(zxp_uv_pager_close(&pager, record_closed));
  expect_event(COMPLETE, v, 0, 0);
  expect_event(CLOSED, NULL, 0, 0);
  end_loop();
}

/* Pages that were supplied are dropped, as a detach does; not by way of create's handle. */
SCENARIO(clean_pages_go_and_dirty_ones_stay) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 2);
  answer(v, 0, 2, TAG);
  const uint8_t mine = 0x42;
  check_ok(zx_vmo_write(v->root.vmo, &mine, PAGE, 1));
  zx_handle_t moved = duplicate(v->root.vmo);
  drop(&v->root.vmo);
  v->root.vmo = moved;
  close_pager(&pager);
  uint8_t byte = 0;
  check_status(zx_vmo_read(v->root.vmo, &byte, 0, 1), ZX_ERR_BAD_STATE);
  check_ok(zx_vmo_read(v->root.vmo, &byte, PAGE, 1));
  check_equal(byte, mine);
  end_loop();
}

/* A pager that is closing makes no VMO; the structure is the caller's at once. */
SCENARIO(a_closing_pager_makes_no_vmo) {
  zxp_uv_pager_t pager;
  zxp_uv_vmo_t vmo;
  zx_handle_t handle = 12345;
  begin_loop();
  init_pager(&pager);
  check_ok(zxp_uv_pager_close(&pager, record_closed));
  check_status(zxp_uv_pager_create_vmo(&pager, &vmo, 0, PAGE, &handle), ZX_ERR_BAD_STATE);
  expect_event(CLOSED, NULL, 0, 0);
  check_status(zxp_uv_pager_create_vmo(&pager, &vmo, 0, PAGE, &handle), ZX_ERR_BAD_STATE);
  check_equal(handle, 12345);
  check_equal(zxp_uv_pager_handle(&pager), ZX_HANDLE_INVALID);
  end_loop();
}

/* zxpager-uv.h, answers: late ones are harmless. */
SCENARIO(answers_after_the_end_are_refused) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 1);
  close_pager(&pager);
  check_status(try_answer(v, 0, 1, TAG), ZX_ERR_BAD_HANDLE);
  check_status(zxp_uv_vmo_fail(&v->uv, 0, PAGE, ZX_ERR_IO), ZX_ERR_BAD_HANDLE);
  check_status(zxp_uv_vmo_dirty(&v->uv, 0, PAGE), ZX_ERR_BAD_HANDLE);
  check_status(zxp_uv_vmo_detach(&v->uv), ZX_ERR_BAD_HANDLE);
  end_loop();
}

static void free_pager(zxp_uv_pager_t* pager) {
  record_closed(pager);
  /* Sanitizers and the next allocation tell whether somebody looks at it still. */
  memset(pager, 0xdd, sizeof(*pager));
  free(pager);
}

static void free_vmo(const struct event* event) {
  if (event->kind == COMPLETE) free(event->vmo);
}

/* zxpager-uv.h, memory: freed where that is allowed first. */
SCENARIO(memory_may_be_freed_in_the_last_callbacks) {
  begin_loop();
  zxp_uv_pager_t* pager = calloc(1, sizeof(*pager));
  zxp_uv_vmo_t* vmo = calloc(1, sizeof(*vmo));
  check_true(pager != NULL && vmo != NULL);
  init_pager(pager);
  zx_handle_t handle;
  check_ok(zxp_uv_pager_create_vmo(pager, vmo, 0, PAGE, &handle));
  keep(handle);
  on_event = free_vmo;
  check_ok(zxp_uv_pager_close(pager, free_pager));
  run_until(event_count() == 2);
  struct served* is_vmo =
      (struct served*)(void*)vmo; /* its first member; only the address counts */
  expect_event(COMPLETE, is_vmo, 0, 0);
  expect_event(CLOSED, NULL, 0, 0);
  end_loop();
}

static void init_again(zxp_uv_pager_t* pager) {
  record_closed(pager);
  init_pager(pager);
}

/* The structure may be used again inside the close callback. */
BOTH_WAYS(a_closed_pager_may_be_made_anew) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  check_ok(zxp_uv_pager_close(&pager, init_again));
  expect_event(CLOSED, NULL, 0, 0);
  struct served* v = serve(&pager, 1);
  struct worker* t1 = start_touch(via, &v->root, 0);
  expect_event(READ, v, 0, 1);
  answer(v, 0, 1, TAG);
  expect_ok(t1);
  close_pager(&pager);
  end_loop();
}

/* Many VMOs, some of which have gone before. */
SCENARIO(every_vmo_completes_once) {
  enum {
    COUNT = 300
  };
  zxp_uv_pager_t pager;
  struct served* v[COUNT];
  unsigned completions[COUNT] = {0};
  begin_loop();
  init_pager(&pager);
  for (int i = 0; i < COUNT; i++) {
    v[i] = serve(&pager, 1);
    if (i % 3 == 0) drop(&v[i]->root.vmo);
  }
  uv_run(&loop, UV_RUN_NOWAIT);
  close_pager(&pager);
  check_equal(event_count(), COUNT + 1);
  for (size_t n = 0; n < COUNT; n++) {
    for (int i = 0; i < COUNT; i++) {
      completions[i] += event_at(n).vmo == &v[i]->uv;
    }
  }
  for (int i = 0; i < COUNT; i++) {
    check_equal(completions[i], 1);
  }
  end_loop();
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(a_pager_without_vmos_closes),
      TEST(a_close_callback_is_not_required),
      TEST(a_pager_closes_once),
      TEST_BOTH_WAYS(closing_fails_who_waits_then_completes_then_closes),
      TEST_BOTH_WAYS(closing_before_a_request_was_delivered),
      TEST_BOTH_WAYS(a_read_callback_may_close_its_pager),
      TEST(a_complete_callback_may_close_its_pager),
      TEST(a_vmo_that_only_a_mapping_keeps_is_cut_off),
      TEST_BOTH_WAYS(a_vmo_whose_handle_was_replaced_is_cut_off),
      TEST(a_vmo_that_completed_before_does_not_again),
      TEST(a_complete_that_waits_to_be_delivered_comes_once),
      TEST(clean_pages_go_and_dirty_ones_stay),
      TEST(a_closing_pager_makes_no_vmo),
      TEST(answers_after_the_end_are_refused),
      TEST(memory_may_be_freed_in_the_last_callbacks),
      TEST_BOTH_WAYS(a_closed_pager_may_be_made_anew),
      TEST(every_vmo_completes_once),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
