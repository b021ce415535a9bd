/* SPDX-License-Identifier: BSD-3-Clause */
/* Page requests of a pager on the program's own loop: which callbacks come, where, and how they may
 * be answered. The rules behind them are those of pager.md; what is tested here is their way to a
 * loop. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "loop_fixture.h"

/* zxpager-uv.h, callbacks; pager.md 13, 1. */
BOTH_WAYS(a_touch_of_an_absent_page_calls_read) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 8);
  struct worker* t1 = start_touch(via, &v->root, 3);
  expect_event(READ, v, 3, 1);
  answer(v, 3, 1, TAG);
  expect_byte(t1, content_byte(TAG, 3, 0));
  expect_no_event();
  close_pager(&pager);
  end_loop();
}

/* zxpager-uv.h, threads. */
BOTH_WAYS(callbacks_come_on_the_thread_that_runs_the_loop) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 1);
  struct worker* t1 = start_touch(via, &v->root, 0);
  const struct event read = expect_event_at(HERE, true, READ, v, 0, 1);
  check_equal(read.tid, gettid());
  answer(v, 0, 1, TAG);
  expect_ok(t1);
  drop(&v->root.vmo);
  if (v->root.map != NULL) unmap(v->root.map, PAGE);
  const struct event complete = expect_event_at(HERE, true, COMPLETE, v, 0, 0);
  check_equal(complete.tid, gettid());
  close_pager(&pager);
  end_loop();
}

/* zxpager-uv.h, `data`. */
SCENARIO(data_is_left_alone) {
  zxp_uv_pager_t pager = {.data = &pager};
  zxp_uv_vmo_t vmo = {.data = &vmo};
  begin_loop();
  init_pager(&pager);
  zx_handle_t handle;
  check_ok(zxp_uv_pager_create_vmo(&pager, &vmo, 0, PAGE, &handle));
  check_true(pager.data == &pager);
  check_true(pager.loop == &loop);
  check_true(vmo.data == &vmo);
  check_true(vmo.pager == &pager);
  check_equal(vmo.handle, handle);
  check_ok(zx_handle_close(handle));
  run_until(event_count() > 0);
  check_equal(event_at(0).kind, COMPLETE);
  check_true(event_at(0).vmo == &vmo);
  check_true(vmo.data == &vmo);
  close_pager(&pager);
  check_true(pager.data == &pager);
  end_loop();
}

/* ---- Answers ---- */

static zx_handle_t prepared; /* what callbacks supply from */

static void supply_prepared(const struct event* event) {
  if (event->kind == READ) {
    check_ok(zxp_uv_vmo_supply(event->vmo, event->offset, event->length, prepared, 0));
  }
}

/* zxpager-uv.h: the answer may come at once. */
BOTH_WAYS(a_callback_may_answer_at_once) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 4);
  prepared = make_source(2, 1, TAG);
  on_event = supply_prepared;
  struct worker* t1 = start_touch(via, &v->root, 2);
  expect_event(READ, v, 2, 1);
  expect_byte(t1, content_byte(TAG, 2, 0));
  close_pager(&pager);
  end_loop();
}

struct late {
  uv_timer_t timer;
  uv_work_t work;
  zxp_uv_vmo_t* vmo;
  zx_status_t status;
  bool done;
};

static void answer_from_timer(uv_timer_t* timer) {
  struct late* late = timer->data;
  late->status = zxp_uv_vmo_supply(late->vmo, 0, PAGE, prepared, 0);
  late->done = true;
  uv_close((uv_handle_t*)timer, NULL);
}

/* zxpager-uv.h: or later. */
BOTH_WAYS(an_answer_may_come_from_a_timer) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 1);
  prepared = make_source(0, 1, TAG);
  struct worker* t1 = start_touch(via, &v->root, 0);
  expect_event(READ, v, 0, 1);
  struct late late = {.vmo = &v->uv};
  late.timer.data = &late;
  uv_timer_init(&loop, &late.timer);
  uv_timer_start(&late.timer, answer_from_timer, 5, 0);
  expect_waiting(t1);
  run_until(late.done);
  check_ok(late.status);
  expect_byte(t1, content_byte(TAG, 0, 0));
  close_pager(&pager);
  end_loop();
}

static void answer_from_work(uv_work_t* work) {
  struct late* late = work->data;
  late->status = zxp_uv_vmo_supply(late->vmo, 0, PAGE, prepared, 0);
}

static void after_work(uv_work_t* work, int status) {
  struct late* late = work->data;
  late->done = status == 0;
}

/* zxpager-uv.h: from any thread. */
BOTH_WAYS(an_answer_may_come_from_the_thread_pool) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 1);
  prepared = make_source(0, 1, TAG);
  struct worker* t1 = start_touch(via, &v->root, 0);
  expect_event(READ, v, 0, 1);
  struct late late = {.vmo = &v->uv};
  late.work.data = &late;
  uv_queue_work(&loop, &late.work, answer_from_work, after_work);
  expect_byte(t1, content_byte(TAG, 0, 0));
  run_until(late.done);
  check_ok(late.status);
  close_pager(&pager);
  end_loop();
}

static void* answer_from_thread(void* argument) {
  struct late* late = argument;
  late->status = zxp_uv_vmo_supply(late->vmo, 0, PAGE, prepared, 0);
  return NULL;
}

/* zxpager-uv.h: from any thread. */
BOTH_WAYS(an_answer_may_come_from_a_thread_without_a_loop) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 1);
  prepared = make_source(0, 1, TAG);
  struct worker* t1 = start_touch(via, &v->root, 0);
  expect_event(READ, v, 0, 1);
  struct late late = {.vmo = &v->uv};
  pthread_t thread;
  check_equal(pthread_create(&thread, NULL, answer_from_thread, &late), 0);
  expect_byte(t1, content_byte(TAG, 0, 0));
  pthread_join(thread, NULL);
  check_ok(late.status);
  close_pager(&pager);
  end_loop();
}

/* zxpager-uv.h: in pieces, in any order; pager.md 5.2. */
SCENARIO(an_answer_may_come_in_pieces) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 4);
  struct worker* t1 = start_read_pages(&v->root, 0, 4);
  expect_event(READ, v, 0, 4);
  answer(v, 3, 1, TAG);
  answer(v, 1, 2, TAG);
  expect_waiting(t1);
  expect_no_event();
  answer(v, 0, 1, TAG);
  expect_content(t1, 0, 4, TAG);
  expect_no_event();
  close_pager(&pager);
  end_loop();
}

/* zxpager-uv.h: the calls of zx_pager_* do as well. */
BOTH_WAYS(a_program_may_answer_with_the_pager_handle) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 1);
  struct worker* t1 = start_touch(via, &v->root, 0);
  expect_event(READ, v, 0, 1);
  supply(&v->root, 0, 1, TAG);
  expect_byte(t1, content_byte(TAG, 0, 0));
  close_pager(&pager);
  end_loop();
}

/* zxpager-uv.h, zxp_uv_vmo_fail; pager.md 6. */
BOTH_WAYS(a_request_may_be_failed_and_asked_again) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 2);
  struct worker* t1 = start_touch(via, &v->root, 1);
  expect_event(READ, v, 1, 1);
  check_ok(zxp_uv_vmo_fail(&v->uv, PAGE, PAGE, ZX_ERR_IO_DATA_INTEGRITY));
  expect_failed(t1, ZX_ERR_IO_DATA_INTEGRITY);
  struct worker* t2 = start_touch(via, &v->root, 1);
  expect_event(READ, v, 1, 1);
  answer(v, 1, 1, TAG);
  expect_byte(t2, content_byte(TAG, 1, 0));
  close_pager(&pager);
  end_loop();
}

/* pager.md 9.2: a request that is over when the loop gets to it is no callback. */
BOTH_WAYS(a_request_that_is_over_is_not_delivered) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 1);
  if (via == VIA_MAPPING) {
    /* Nobody runs the loop: a thread of the library's makes the request. */
    map_of(&v->root);
  }
  struct worker* t1 = start_touch(via, &v->root, 0);
  await_waiting(t1);
  answer(v, 0, 1, TAG);
  expect_byte(t1, content_byte(TAG, 0, 0));
  expect_no_event();
  close_pager(&pager);
  end_loop();
}

/* ---- Dirty requests ---- */

/* zxpager-uv.h, `dirty`; writeback.md 3. */
BOTH_WAYS(a_first_write_calls_dirty) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve_with(&pager, ZX_VMO_TRAP_DIRTY, 2);
  struct worker* t1 = start_poke(via, &v->root, 1, 0x77);
  expect_event(READ, v, 1, 1);
  answer(v, 1, 1, TAG);
  expect_event(DIRTY, v, 1, 1);
  expect_waiting(t1);
  check_ok(zxp_uv_vmo_dirty(&v->uv, PAGE, PAGE));
  expect_ok(t1);
  uint8_t byte = 0;
  check_ok(zx_vmo_read(v->root.vmo, &byte, PAGE, 1));
  check_equal(byte, 0x77);
  check_ok(zxp_uv_vmo_writeback_begin(&v->uv, PAGE, PAGE));
  check_ok(zxp_uv_vmo_writeback_end(&v->uv, PAGE, PAGE));
  expect_no_event();
  close_pager(&pager);
  end_loop();
}

/* zxpager-uv.h, `dirty`: NULL grants. */
BOTH_WAYS(without_a_dirty_callback_writes_are_granted) {
  zxp_uv_pager_t pager;
  begin_loop();
  check_ok(zxp_uv_pager_init(&loop, &pager, &recording_without_dirty));
  struct served* v = serve_with(&pager, ZX_VMO_TRAP_DIRTY, 1);
  struct worker* t1 = start_poke(via, &v->root, 0, 0x55);
  expect_event(READ, v, 0, 1);
  answer(v, 0, 1, TAG);
  /* No callback tells when the request is granted. */
  wait_until((uv_run(&loop, UV_RUN_NOWAIT), worker_has_ended(t1)));
  expect_ok(t1);
  expect_no_event();
  close_pager(&pager);
  end_loop();
}

/* ---- The end of a VMO ---- */

/* zxpager-uv.h, `complete`; pager.md 8.2. */
SCENARIO(the_last_handle_calls_complete) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 1);
  expect_no_event();
  drop(&v->root.vmo);
  expect_event(COMPLETE, v, 0, 0);
  close_pager(&pager);
  end_loop();
}

/* pager.md 8.2: a mapping keeps a VMO. */
SCENARIO(the_last_mapping_calls_complete) {
  need_mappings();
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 1);
  uint8_t* map = map_of(&v->root);
  drop(&v->root.vmo);
  expect_no_event();
  unmap(map, PAGE);
  expect_event(COMPLETE, v, 0, 0);
  close_pager(&pager);
  end_loop();
}

/* zxpager-uv.h, zxp_uv_vmo_detach; pager.md 8.1: one COMPLETE, and no answers from then on. */
BOTH_WAYS(detach_fails_who_waits_and_calls_complete_once) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 2);
  struct worker* t1 = start_touch(via, &v->root, 0);
  expect_event(READ, v, 0, 1);
  check_ok(zxp_uv_vmo_detach(&v->uv));
  expect_failed(t1, ZX_ERR_BAD_STATE);
  check_status(try_answer(v, 0, 1, TAG), ZX_ERR_BAD_STATE);
  expect_event(COMPLETE, v, 0, 0);
  check_ok(zxp_uv_vmo_detach(&v->uv));
  drop(&v->root.vmo);
  expect_no_event();
  close_pager(&pager);
  end_loop();
}

static void drop_and_scrub(const struct event* event) {
  if (event->kind == COMPLETE) {
    /* As good as freed, and found out by whoever looks at it still. */
    memset(event->vmo, 0xdd, sizeof(*event->vmo));
  }
}

/* zxpager-uv.h, memory. */
SCENARIO(a_vmo_may_be_freed_in_its_complete_callback) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  on_event = drop_and_scrub;
  struct served* v[3];
  for (int i = 0; i < 3; i++) {
    v[i] = serve(&pager, 1);
  }
  drop(&v[1]->root.vmo);
  expect_event(COMPLETE, v[1], 0, 0);
  drop(&v[0]->root.vmo);
  expect_event(COMPLETE, v[0], 0, 0);
  close_pager(&pager);
  end_loop();
}

static struct served* victim;

static void close_victim(const struct event* event) {
  if (event->kind != READ) return;
  if (victim->root.map != NULL) {
    unmap(victim->root.map, victim->root.pages * PAGE);
  }
  drop(&victim->root.vmo);
}

/* Closing a VMO inside its own callback ends its requests like any last close (pager.md 8.2). */
SCENARIO(a_callback_may_close_the_vmo_it_is_called_for) {
  need_mappings();
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  victim = serve(&pager, 1);
  on_event = close_victim;
  struct worker* t1 = start_touch(VIA_MAPPING, &victim->root, 0);
  expect_event(READ, victim, 0, 1);
  expect_sigsegv(t1);
  expect_event(COMPLETE, victim, 0, 0);
  close_pager(&pager);
  end_loop();
}

/* ---- Several at once ---- */

/* Each packet finds its VMO. */
BOTH_WAYS(vmos_of_one_pager_are_told_apart) {
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v[4];
  struct worker* t[4];
  for (unsigned i = 0; i < 4; i++) {
    v[i] = serve(&pager, 4);
  }
  for (unsigned i = 0; i < 4; i++) {
    t[i] = start_touch(via, &v[i]->root, i);
    expect_event(READ, v[i], i, 1);
  }
  for (unsigned i = 4; i-- > 0;) {
    answer(v[i], i, 1, TAG + i);
    expect_byte(t[i], content_byte(TAG + i, i, 0));
  }
  close_pager(&pager);
  end_loop();
}

/* Two pagers share a loop, and one of them ends without the other. */
BOTH_WAYS(two_pagers_on_one_loop_do_not_meet) {
  zxp_uv_pager_t one;
  zxp_uv_pager_t two;
  begin_loop();
  init_pager(&one);
  init_pager(&two);
  check_true(zxp_uv_pager_handle(&one) != zxp_uv_pager_handle(&two));
  struct served* v = serve(&one, 1);
  struct served* w = serve(&two, 1);
  struct worker* t1 = start_touch(via, &v->root, 0);
  expect_event(READ, v, 0, 1);
  struct worker* t2 = start_touch(via, &w->root, 0);
  expect_event(READ, w, 0, 1);
  check_ok(zxp_uv_pager_close(&one, record_closed));
  expect_failed(t1, ZX_ERR_BAD_STATE);
  expect_event(COMPLETE, v, 0, 0);
  expect_event(CLOSED, NULL, 0, 0);
  expect_waiting(t2);
  answer(w, 0, 1, TAG);
  expect_byte(t2, content_byte(TAG, 0, 0));
  close_pager(&two);
  end_loop();
}

/* loop.h: the packets that a turn of the loop takes are bounded. */
#define MANY        200
#define MOST_A_TURN ((size_t)64)

static size_t most_in_a_turn;
static size_t seen_before;

static void measure_turn(uv_check_t* check) {
  (void)check;
  const size_t n = event_count();
  if (n - seen_before > most_in_a_turn) most_in_a_turn = n - seen_before;
  seen_before = n;
}

SCENARIO(other_handles_get_their_turn_between_many_packets) {
  zxp_uv_pager_t pager;
  uv_check_t check;
  begin_loop();
  init_pager(&pager);
  uv_check_init(&loop, &check);
  uv_check_start(&check, measure_turn);
  struct served* v[MANY];
  for (int i = 0; i < MANY; i++) {
    v[i] = serve(&pager, 1);
  }
  for (int i = 0; i < MANY; i++) {
    drop(&v[i]->root.vmo);
  }
  for (int i = 0; i < MANY; i++) {
    expect_event(COMPLETE, v[i], 0, 0);
  }
  /* An iteration may serve the descriptor and what the one before left over. */
  check_true(most_in_a_turn > 0 && most_in_a_turn <= 2 * MOST_A_TURN);
  uv_close((uv_handle_t*)&check, NULL);
  close_pager(&pager);
  end_loop();
}

/* Many threads, each with requests one after the other, answered inside the callback. */
static zx_handle_t zeros;

static void supply_zeros_at_once(const struct event* event) {
  if (event->kind == READ) {
    check_ok(zxp_uv_vmo_supply(event->vmo, event->offset, event->length, zeros, 0));
  }
}

BOTH_WAYS(many_threads_are_served) {
  enum {
    THREADS = 8,
    PAGES = 64
  };
  zxp_uv_pager_t pager;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, PAGES);
  zeros = make_vmo(PAGES);
  on_event = supply_zeros_at_once;
  if (via == VIA_MAPPING) map_of(&v->root);
  struct worker* t[THREADS];
  for (int i = 0; i < THREADS; i++) {
    t[i] = start_walk(via, &v->root, 0, PAGES);
  }
  for (uint64_t page = 0; page < PAGES; page++) {
    expect_event(READ, v, page, 1);
  }
  for (int i = 0; i < THREADS; i++) {
    expect_ok(t[i]);
  }
  expect_no_event();
  close_pager(&pager);
  end_loop();
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_BOTH_WAYS(a_touch_of_an_absent_page_calls_read),
      TEST_BOTH_WAYS(callbacks_come_on_the_thread_that_runs_the_loop),
      TEST(data_is_left_alone),
      TEST_BOTH_WAYS(a_callback_may_answer_at_once),
      TEST_BOTH_WAYS(an_answer_may_come_from_a_timer),
      TEST_BOTH_WAYS(an_answer_may_come_from_the_thread_pool),
      TEST_BOTH_WAYS(an_answer_may_come_from_a_thread_without_a_loop),
      TEST(an_answer_may_come_in_pieces),
      TEST_BOTH_WAYS(a_program_may_answer_with_the_pager_handle),
      TEST_BOTH_WAYS(a_request_may_be_failed_and_asked_again),
      TEST_BOTH_WAYS(a_request_that_is_over_is_not_delivered),
      TEST_BOTH_WAYS(a_first_write_calls_dirty),
      TEST_BOTH_WAYS(without_a_dirty_callback_writes_are_granted),
      TEST(the_last_handle_calls_complete),
      TEST(the_last_mapping_calls_complete),
      TEST_BOTH_WAYS(detach_fails_who_waits_and_calls_complete_once),
      TEST(a_vmo_may_be_freed_in_its_complete_callback),
      TEST(a_callback_may_close_the_vmo_it_is_called_for),
      TEST_BOTH_WAYS(vmos_of_one_pager_are_told_apart),
      TEST_BOTH_WAYS(two_pagers_on_one_loop_do_not_meet),
      TEST(other_handles_get_their_turn_between_many_packets),
      TEST_BOTH_WAYS(many_threads_are_served),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
