/* SPDX-License-Identifier: BSD-3-Clause */
/* A pager as a libuv handle: what keeps a loop running, and bad arguments. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "leaks.h"
#include "loop_fixture.h"

/* ---- References ---- */

/* zxpager-uv.h, zxp_uv_pager_init: active until closed. */
SCENARIO(an_open_pager_keeps_the_loop_alive) {
  zxp_uv_pager_t pager;
  begin_loop();
  check_equal(uv_loop_alive(&loop), 0);
  init_pager(&pager);
  check_true(zxp_uv_pager_has_ref(&pager) != 0);
  check_true(uv_loop_alive(&loop) != 0);
  close_pager(&pager);
  check_equal(zxp_uv_pager_has_ref(&pager), 0);
  check_equal(uv_loop_alive(&loop), 0);
  end_loop();
}

/* zxpager-uv.h, zxp_uv_pager_unref. */
SCENARIO(an_unreferenced_pager_lets_uv_run_return) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 1);
  zxp_uv_pager_unref(&pager);
  zxp_uv_pager_unref(&pager);
  check_equal(zxp_uv_pager_has_ref(&pager), 0);
  /* The watchdog would end a loop that goes on. */
  check_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
  zxp_uv_pager_ref(&pager);
  zxp_uv_pager_ref(&pager);
  check_true(zxp_uv_pager_has_ref(&pager) != 0);
  check_true(uv_loop_alive(&loop) != 0);
  zxp_uv_pager_unref(&pager);
  check_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
  zxp_uv_pager_ref(&pager);
  close_pager(&pager);
  (void)v;
  end_loop();
}

static void on_timer(uv_timer_t* timer) { (void)timer; }

/* The same: it works as long as something else keeps the loop running. */
BOTH_WAYS(an_unreferenced_pager_is_served_meanwhile) {
  zxp_uv_pager_t pager;
  uv_timer_t timer;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 1);
  zxp_uv_pager_unref(&pager);
  uv_timer_init(&loop, &timer);
  uv_timer_start(&timer, on_timer, 3600000, 0);
  struct worker* t1 = start_touch(via, &v->root, 0);
  expect_event(READ, v, 0, 1);
  answer(v, 0, 1, TAG);
  expect_ok(t1);
  uv_close((uv_handle_t*)&timer, NULL);
  check_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
  close_pager(&pager);
  end_loop();
}

/* The same: closing is waited for. */
SCENARIO(the_close_of_an_unreferenced_pager_is_waited_for) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 1);
  zxp_uv_pager_unref(&pager);
  check_ok(zxp_uv_pager_close(&pager, record_closed));
  uv_run(&loop, UV_RUN_DEFAULT);
  check_equal(event_count(), 2);
  expect_event(COMPLETE, v, 0, 0);
  expect_event(CLOSED, NULL, 0, 0);
  end_loop();
}

/* Packets that a batch left over don't turn an unreferenced pager into a referenced one. */
SCENARIO(an_unreferenced_pager_with_much_to_do_lets_uv_run_return) {
  enum {
    COUNT = 200
  };
  zxp_uv_pager_t pager;
  struct served* v[COUNT];
  begin_loop();
  init_pager(&pager);
  zxp_uv_pager_unref(&pager);
  for (int i = 0; i < COUNT; i++) {
    v[i] = serve(&pager, 1);
  }
  for (int i = 0; i < COUNT; i++) {
    drop(&v[i]->root.vmo);
  }
  uv_run(&loop, UV_RUN_NOWAIT);
  check_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
  close_pager(&pager);
  check_equal(event_count(), COUNT + 1);
  end_loop();
}

/* ---- Arguments ---- */

/* A table of callbacks from a later version of the header. */
struct later_callbacks {
  zxp_uv_pager_callbacks_t known;
  void* unknown;
};

/* zxpager-uv.h, zxp_uv_pager_init, errors. */
SCENARIO(init_checks_its_arguments) {
  zxp_uv_pager_t pager;
  zxp_uv_pager_callbacks_t c = recording;
  begin_loop();
  check_status(zxp_uv_pager_init(NULL, &pager, &recording), ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_pager_init(&loop, NULL, &recording), ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_pager_init(&loop, &pager, NULL), ZX_ERR_INVALID_ARGS);
  c.size = sizeof(c) - 1;
  check_status(zxp_uv_pager_init(&loop, &pager, &c), ZX_ERR_INVALID_ARGS);
  c.size = 0;
  check_status(zxp_uv_pager_init(&loop, &pager, &c), ZX_ERR_INVALID_ARGS);
  c = recording;
  c.read = NULL;
  check_status(zxp_uv_pager_init(&loop, &pager, &c), ZX_ERR_INVALID_ARGS);
  check_equal(uv_loop_alive(&loop), 0);
  end_loop();
}

/* The same: a later table is taken as long as what is new in it is not used. */
SCENARIO(later_tables_of_callbacks_are_taken) {
  zxp_uv_pager_t pager;
  struct later_callbacks later = {.known = recording};
  later.known.size = sizeof(later);
  begin_loop();
  check_ok(zxp_uv_pager_init(&loop, &pager, &later.known));
  close_pager(&pager);
  later.unknown = &later;
  check_status(zxp_uv_pager_init(&loop, &pager, &later.known), ZX_ERR_NOT_SUPPORTED);
  end_loop();
}

/* The same: the table is borrowed for the call only. */
SCENARIO(the_table_of_callbacks_may_go_after_init) {
  zxp_uv_pager_t pager;
  zxp_uv_pager_callbacks_t* c = malloc(sizeof(*c));
  check_true(c != NULL);
  *c = recording;
  begin_loop();
  check_ok(zxp_uv_pager_init(&loop, &pager, c));
  memset(c, 0xdd, sizeof(*c));
  free(c);
  struct served* v = serve(&pager, 1);
  drop(&v->root.vmo);
  expect_event(COMPLETE, v, 0, 0);
  close_pager(&pager);
  end_loop();
}

/* zxpager-uv.h, zxp_uv_pager_create_vmo, errors; pager.md 3.2. */
SCENARIO(create_vmo_passes_errors_on) {
  zxp_uv_pager_t pager;
  zxp_uv_vmo_t vmo;
  zx_handle_t handle = 12345;
  begin_loop();
  init_pager(&pager);
  check_status(zxp_uv_pager_create_vmo(NULL, &vmo, 0, PAGE, &handle), ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_pager_create_vmo(&pager, NULL, 0, PAGE, &handle), ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_pager_create_vmo(&pager, &vmo, 0, PAGE, NULL), ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_pager_create_vmo(&pager, &vmo, 0x8000, PAGE, &handle), ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_pager_create_vmo(&pager, &vmo, ZX_VMO_DISCARDABLE, PAGE, &handle),
               ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_pager_create_vmo(&pager, &vmo, 0, UINT64_MAX, &handle), ZX_ERR_OUT_OF_RANGE);
  check_equal(handle, 12345);
  expect_no_event();
  close_pager(&pager);
  end_loop();
}

/* zxpager-uv.h, answers: those of the calls behind them. */
SCENARIO(answers_pass_errors_on) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 1);
  const zx_handle_t source = make_vmo(2);
  check_status(zxp_uv_vmo_supply(NULL, 0, PAGE, source, 0), ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_vmo_supply(&v->uv, 1, PAGE, source, 0), ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_vmo_supply(&v->uv, 0, 2 * PAGE, source, 0), ZX_ERR_OUT_OF_RANGE);
  check_status(zxp_uv_vmo_supply(&v->uv, 0, PAGE, ZX_HANDLE_INVALID, 0), ZX_ERR_BAD_HANDLE);
  check_status(zxp_uv_vmo_fail(NULL, 0, PAGE, ZX_ERR_IO), ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_vmo_fail(&v->uv, 0, PAGE, ZX_ERR_NOT_FOUND), ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_vmo_fail(&v->uv, 0, 2 * PAGE, ZX_ERR_IO), ZX_ERR_OUT_OF_RANGE);
  check_status(zxp_uv_vmo_dirty(NULL, 0, PAGE), ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_vmo_detach(NULL), ZX_ERR_INVALID_ARGS);
  drop(&v->root.vmo);
  check_status(zxp_uv_vmo_fail(&v->uv, 0, PAGE, ZX_ERR_IO), ZX_ERR_BAD_HANDLE);
  expect_event(COMPLETE, v, 0, 0);
  close_pager(&pager);
  end_loop();
}

/* zxpager-uv.h, zxp_uv_pager_init: out of descriptors, and what it had made is gone again. */
SCENARIO(init_fails_cleanly_without_descriptors) {
  zxp_uv_pager_t pager;
  begin_loop();
  /* What is made once for the process is there first, and what was made for this pager alone is
   * gone: a thread of the library takes its descriptors with it when it ends. */
  const size_t threads = leaks_count_threads();
  init_pager(&pager);
  close_pager(&pager);
  wait_until(leaks_count_threads() <= threads);
  const size_t before = leaks_count_descriptors();
  struct rlimit limit;
  check_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlim_t soft = limit.rlim_cur;
  /* Each number of descriptors that may be left, until there are enough. */
  unsigned refusals = 0;
  const int first_free = dup(0);
  check_true(first_free >= 0);
  close(first_free);
  for (rlim_t room = 0;; room++) {
    limit.rlim_cur = (rlim_t)first_free + room;
    check_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    const zx_status_t st = zxp_uv_pager_init(&loop, &pager, &recording);
    limit.rlim_cur = soft;
    check_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (st == ZX_OK) break;
    check_status(st, ZX_ERR_NO_RESOURCES);
    wait_until(leaks_count_threads() <= threads && leaks_count_descriptors() <= before);
    check_equal(uv_loop_alive(&loop), 0);
    refusals++;
  }
  check_true(refusals > 0);
  close_pager(&pager);
  end_loop();
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(an_open_pager_keeps_the_loop_alive),
      TEST(an_unreferenced_pager_lets_uv_run_return),
      TEST_BOTH_WAYS(an_unreferenced_pager_is_served_meanwhile),
      TEST(the_close_of_an_unreferenced_pager_is_waited_for),
      TEST(an_unreferenced_pager_with_much_to_do_lets_uv_run_return),
      TEST(init_checks_its_arguments),
      TEST(later_tables_of_callbacks_are_taken),
      TEST(the_table_of_callbacks_may_go_after_init),
      TEST(create_vmo_passes_errors_on),
      TEST(answers_pass_errors_on),
      TEST(init_fails_cleanly_without_descriptors),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
