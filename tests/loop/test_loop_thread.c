/* SPDX-License-Identifier: BSD-3-Clause */
/* A loop on a thread of the library's own: its thread, what is posted to it, pagers on it, its end.
 * All of zxpager-uv.h, zxp_uv_thread_*. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "loop_fixture.h"

static zxp_uv_thread_t thread;

static void begin_thread(void) { check_ok(zxp_uv_thread_start(&thread, "test-loop")); }

static void end_thread(void) {
  check_ok(zxp_uv_thread_stop(&thread));
  end_libuv();
}

/* ---- The thread ---- */

struct observed {
  pid_t tid;
  char name[16];
  sigset_t mask;
};

static void observe(zxp_uv_thread_t* t, void* argument) {
  struct observed* o = argument;
  (void)t;
  o->tid = gettid();
  pthread_getname_np(pthread_self(), o->name, sizeof(o->name));
  pthread_sigmask(SIG_SETMASK, NULL, &o->mask);
}

SCENARIO(the_thread_has_a_name_and_blocks_all_signals) {
  struct observed o;
  sigset_t before;
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, NULL, &before);
  begin_thread();
  pthread_sigmask(SIG_SETMASK, NULL, &after);
  check_ok(zxp_uv_thread_call(&thread, observe, &o));
  check_true(o.tid != gettid());
  check_equal(strcmp(o.name, "test-loop"), 0);
  for (int signo = 1; signo < 32; signo++) {
    if (signo != SIGKILL && signo != SIGSTOP) check_equal(sigismember(&o.mask, signo), 1);
    check_equal(sigismember(&after, signo), sigismember(&before, signo));
  }
  end_thread();
}

SCENARIO(a_name_is_not_required_and_may_be_too_long) {
  struct observed o;
  check_ok(zxp_uv_thread_start(&thread, NULL));
  check_ok(zxp_uv_thread_call(&thread, observe, &o));
  check_equal(strcmp(o.name, "zxp-loop"), 0);
  check_ok(zxp_uv_thread_stop(&thread));
  check_ok(zxp_uv_thread_start(&thread, "a name of more than 15 bytes"));
  check_ok(zxp_uv_thread_call(&thread, observe, &o));
  check_equal(strcmp(o.name, "a name of more "), 0);
  end_thread();
}

SCENARIO(data_is_left_alone) {
  zxp_uv_thread_t t = {.data = &t};
  check_ok(zxp_uv_thread_start(&t, NULL));
  check_true(t.data == &t);
  check_true(t.loop != NULL);
  check_ok(zxp_uv_thread_stop(&t));
  check_true(t.data == &t);
  end_libuv();
}

/* ---- Posting ---- */

#define POSTS 1000

static unsigned order[POSTS];
static unsigned called;

static void note(zxp_uv_thread_t* t, void* argument) {
  check_true(t == &thread);
  order[called++] = *(unsigned*)argument;
}

SCENARIO(functions_are_called_in_order_of_posting) {
  static unsigned numbers[POSTS];
  begin_thread();
  for (unsigned i = 0; i < POSTS; i++) {
    numbers[i] = i;
    check_ok(zxp_uv_thread_post(&thread, note, &numbers[i]));
  }
  /* What was posted before still runs. */
  check_ok(zxp_uv_thread_stop(&thread));
  check_equal(called, POSTS);
  for (unsigned i = 0; i < POSTS; i++) {
    check_equal(order[i], i);
  }
  end_libuv();
}

struct nested {
  bool inner_ran;
  bool ran_inside;
  zx_status_t post_status;
  zx_status_t stop_status;
};

static void inner(zxp_uv_thread_t* t, void* argument) {
  (void)t;
  ((struct nested*)argument)->inner_ran = true;
}

static void outer(zxp_uv_thread_t* t, void* argument) {
  struct nested* n = argument;
  check_ok(zxp_uv_thread_call(t, inner, n));
  n->ran_inside = n->inner_ran;
  n->post_status = zxp_uv_thread_post(t, inner, n);
  n->stop_status = zxp_uv_thread_stop(t);
}

SCENARIO(calls_from_the_loop_itself) {
  struct nested n = {0};
  begin_thread();
  check_ok(zxp_uv_thread_call(&thread, outer, &n));
  check_true(n.ran_inside);
  check_ok(n.post_status);
  /* It would wait for itself. */
  check_status(n.stop_status, ZX_ERR_BAD_STATE);
  end_thread();
}

SCENARIO(a_stopped_thread_takes_nothing) {
  unsigned number = 0;
  zxp_uv_pager_t pager;
  begin_thread();
  check_ok(zxp_uv_thread_stop(&thread));
  check_status(zxp_uv_thread_post(&thread, note, &number), ZX_ERR_BAD_STATE);
  check_status(zxp_uv_thread_call(&thread, note, &number), ZX_ERR_BAD_STATE);
  check_status(zxp_uv_thread_stop(&thread), ZX_ERR_BAD_STATE);
  check_status(zxp_uv_pager_init_on_thread(&thread, &pager, &recording), ZX_ERR_BAD_STATE);
  check_equal(called, 0);
  end_libuv();
}

SCENARIO(null_arguments_are_refused) {
  zxp_uv_pager_t pager;
  check_status(zxp_uv_thread_start(NULL, NULL), ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_thread_stop(NULL), ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_thread_post(NULL, note, NULL), ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_thread_call(NULL, note, NULL), ZX_ERR_INVALID_ARGS);
  begin_thread();
  check_status(zxp_uv_thread_post(&thread, NULL, NULL), ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_thread_call(&thread, NULL, NULL), ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_pager_init_on_thread(NULL, &pager, &recording), ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_pager_init_on_thread(&thread, NULL, &recording), ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_pager_close_on_thread(&thread, NULL), ZX_ERR_INVALID_ARGS);
  check_status(zxp_uv_pager_close_on_thread(NULL, &pager), ZX_ERR_INVALID_ARGS);
  end_thread();
}

/* Many threads post while the loop is stopped under them: what was taken is called, once. */
enum {
  POSTERS = 4
};

static atomic_uint taken;
static atomic_uint ran;

static void count_run(zxp_uv_thread_t* t, void* argument) {
  (void)t;
  (void)argument;
  atomic_fetch_add(&ran, 1);
}

static sem_t refused;

static void* post_until_refused(void* argument) {
  (void)argument;
  while (zxp_uv_thread_post(&thread, count_run, NULL) == ZX_OK) {
    atomic_fetch_add(&taken, 1);
  }
  sem_post(&refused);
  return NULL;
}

/* Holds the loop, and so the end of stop, for as long as somebody may look at the structure. */
static void hold_until_refused(zxp_uv_thread_t* t, void* argument) {
  (void)t;
  (void)argument;
  for (int i = 0; i < POSTERS; i++) {
    sem_wait(&refused);
  }
}

SCENARIO(what_is_posted_while_stopping_is_called_or_refused) {
  pthread_t posters[POSTERS];
  sem_init(&refused, 0, 0);
  begin_thread();
  check_ok(zxp_uv_thread_post(&thread, hold_until_refused, NULL));
  for (int i = 0; i < POSTERS; i++) {
    check_equal(pthread_create(&posters[i], NULL, post_until_refused, NULL), 0);
  }
  wait_until(atomic_load(&taken) >= POSTERS);
  check_ok(zxp_uv_thread_stop(&thread));
  for (int i = 0; i < POSTERS; i++) {
    pthread_join(posters[i], NULL);
  }
  check_equal(atomic_load(&ran), atomic_load(&taken));
  sem_destroy(&refused);
  end_libuv();
}

/* ---- Pagers on the thread ---- */

BOTH_WAYS(a_pager_on_the_thread_is_served_there) {
  struct observed o;
  zxp_uv_pager_t pager;
  begin_thread();
  check_ok(zxp_uv_thread_call(&thread, observe, &o));
  check_ok(zxp_uv_pager_init_on_thread(&thread, &pager, &recording));
  check_true(pager.loop == thread.loop);
  struct served* v = serve(&pager, 8);
  struct worker* t1 = start_touch(via, &v->root, 5);
  const struct event read = expect_event_at(HERE, false, READ, v, 5, 1);
  check_equal(read.tid, o.tid);
  answer(v, 5, 1, TAG);
  expect_byte(t1, content_byte(TAG, 5, 0));
  check_ok(zxp_uv_pager_close_on_thread(&thread, &pager));
  check_equal(event_count(), 2);
  const struct event complete = expect_event_at(HERE, false, COMPLETE, v, 0, 0);
  check_equal(complete.tid, o.tid);
  end_thread();
}

static zx_handle_t prepared;

static void supply_prepared(const struct event* event) {
  if (event->kind == READ) {
    check_ok(zxp_uv_vmo_supply(event->vmo, event->offset, event->length, prepared, 0));
  }
}

BOTH_WAYS(a_callback_on_the_thread_may_answer_at_once) {
  zxp_uv_pager_t pager;
  begin_thread();
  check_ok(zxp_uv_pager_init_on_thread(&thread, &pager, &recording));
  struct served* v = serve(&pager, 2);
  prepared = make_source(1, 1, TAG);
  on_event = supply_prepared;
  struct worker* t1 = start_touch(via, &v->root, 1);
  expect_byte(t1, content_byte(TAG, 1, 0));
  await_event(READ, v, 1, 1);
  check_ok(zxp_uv_pager_close_on_thread(&thread, &pager));
  await_event(COMPLETE, v, 0, 0);
  end_thread();
}

/* zxpager-uv.h, zxp_uv_pager_close_on_thread. */
BOTH_WAYS(closing_on_the_thread_fails_who_waits) {
  zxp_uv_pager_t pager;
  begin_thread();
  check_ok(zxp_uv_pager_init_on_thread(&thread, &pager, &recording));
  struct served* v = serve(&pager, 1);
  struct worker* t1 = start_touch(via, &v->root, 0);
  await_event(READ, v, 0, 1);
  check_ok(zxp_uv_pager_close_on_thread(&thread, &pager));
  expect_failed(t1, ZX_ERR_BAD_STATE);
  await_event(COMPLETE, v, 0, 0);
  check_status(zxp_uv_pager_close_on_thread(&thread, &pager), ZX_ERR_BAD_STATE);
  end_thread();
}

struct close_inside {
  zxp_uv_pager_t* pager;
  zx_status_t status;
};

static void close_on_own_thread(zxp_uv_thread_t* t, void* argument) {
  struct close_inside* c = argument;
  c->status = zxp_uv_pager_close_on_thread(t, c->pager);
}

SCENARIO(closing_on_the_thread_cannot_wait_for_itself) {
  zxp_uv_pager_t pager;
  struct close_inside c = {.pager = &pager};
  begin_thread();
  check_ok(zxp_uv_pager_init_on_thread(&thread, &pager, &recording));
  check_ok(zxp_uv_thread_call(&thread, close_on_own_thread, &c));
  check_status(c.status, ZX_ERR_BAD_STATE);
  check_ok(zxp_uv_pager_close_on_thread(&thread, &pager));
  end_thread();
}

/* ---- Threads and the memory of a pager that they serve, or do not ---- */

static void* run_loop(void* unused) {
  (void)unused;
  uv_run(&loop, UV_RUN_DEFAULT);
  return NULL;
}

static void close_itself(uv_async_t* async) { uv_close((uv_handle_t*)async, NULL); }

/* Sanitizers would check an address whose memory comes and goes under them. */
__attribute__((noinline, no_sanitize("address", "thread"))) static uint8_t load_byte(
    const uint8_t* address) {
  return *(const volatile uint8_t*)address;
}

static sigjmp_buf out_of_touch;
static const void* volatile bus_error_at;

static void on_sigbus(int signo, siginfo_t* info, void* context) {
  (void)signo;
  (void)context;
  bus_error_at = info->si_addr;
  siglongjmp(out_of_touch, 1);
}

/* zxpager-uv.h, zxp_uv_pager_init: made by a thread that never runs the loop, which may then touch
 * the pager's memory like any other. */
SCENARIO(who_made_a_pager_may_touch_its_memory) {
  need_mappings();
  zxp_uv_pager_t pager;
  pthread_t runner;
  begin_loop();
  init_pager(&pager);
  zxp_uv_pager_unref(&pager);
  uv_async_t end;
  uv_async_init(&loop, &end, close_itself);
  struct served* v = serve(&pager, 1);
  const uint8_t* map = map_of(&v->root);
  prepared = make_source(0, 1, TAG);
  on_event = supply_prepared;
  check_equal(pthread_create(&runner, NULL, run_loop, NULL), 0);
  check_equal(load_byte(map), content_byte(TAG, 0, 0));
  await_event(READ, v, 0, 1);
  uv_async_send(&end);
  pthread_join(runner, NULL);
  close_pager(&pager);
  end_loop();
}

/* zxpager-uv.h, limits: nobody could answer, so the touch fails instead of hanging. */
SCENARIO(a_callback_that_touches_absent_memory_of_its_pager_gets_sigbus) {
  need_mappings();
  zxp_uv_pager_t pager;
  struct sigaction action = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO};
  struct sigaction former;
  begin_loop();
  init_pager(&pager);
  struct served* v = serve(&pager, 2);
  uint8_t* map = map_of(&v->root);
  /* The loop's thread is the one that served last. */
  struct worker* t1 = start_load(map);
  expect_event(READ, v, 0, 1);
  answer(v, 0, 1, TAG);
  expect_ok(t1);
  check_equal(sigaction(SIGBUS, &action, &former), 0);
  if (sigsetjmp(out_of_touch, 1) == 0) {
    load_byte(map + PAGE);
    check_fail("the load went on");
  }
  check_equal(sigaction(SIGBUS, &former, NULL), 0);
  check_true(bus_error_at == map + PAGE);
  expect_no_event();
  close_pager(&pager);
  end_loop();
}

/* ---- The end ---- */

/* zxpager-uv.h, zxp_uv_thread_stop: pagers that are open are closed. */
BOTH_WAYS(stop_closes_open_pagers) {
  zxp_uv_pager_t one;
  zxp_uv_pager_t two;
  begin_thread();
  check_ok(zxp_uv_pager_init_on_thread(&thread, &one, &recording));
  check_ok(zxp_uv_pager_init_on_thread(&thread, &two, &recording));
  struct served* v = serve(&one, 1);
  struct worker* t1 = start_touch(via, &v->root, 0);
  await_event(READ, v, 0, 1);
  check_ok(zxp_uv_thread_stop(&thread));
  expect_failed(t1, ZX_ERR_BAD_STATE);
  await_event(COMPLETE, v, 0, 0);
  check_true(zxp_uv_pager_is_closing(&one) != 0);
  check_true(zxp_uv_pager_is_closing(&two) != 0);
  end_libuv();
}

static void work(uv_work_t* request) { (void)request; }

static void after_work(uv_work_t* request, int status) { *(bool*)request->data = status == 0; }

static void never(uv_timer_t* timer) { (void)timer; }

struct left_open {
  uv_timer_t timer;
  uv_work_t request;
  bool work_ended;
};

static void leave_open(zxp_uv_thread_t* t, void* argument) {
  struct left_open* l = argument;
  uv_timer_init(t->loop, &l->timer);
  uv_timer_start(&l->timer, never, 3600000, 3600000);
  l->request.data = &l->work_ended;
  uv_queue_work(t->loop, &l->request, work, after_work);
}

/* The same: other handles are closed, requests are waited for. */
SCENARIO(stop_closes_handles_and_waits_for_requests) {
  struct left_open l = {.work_ended = false};
  begin_thread();
  check_ok(zxp_uv_thread_call(&thread, leave_open, &l));
  check_ok(zxp_uv_thread_stop(&thread));
  check_true(l.work_ended);
  check_true(uv_is_closing((uv_handle_t*)&l.timer) != 0);
  end_libuv();
}

static void stop_loop(zxp_uv_thread_t* t, void* argument) {
  (void)argument;
  uv_stop(t->loop);
}

/* The loop is the thread's: it goes on until zxp_uv_thread_stop, whoever calls uv_stop. */
SCENARIO(uv_stop_does_not_end_the_thread) {
  struct observed o;
  begin_thread();
  check_ok(zxp_uv_thread_call(&thread, stop_loop, NULL));
  check_ok(zxp_uv_thread_call(&thread, observe, &o));
  end_thread();
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(the_thread_has_a_name_and_blocks_all_signals),
      TEST(a_name_is_not_required_and_may_be_too_long),
      TEST(data_is_left_alone),
      TEST(functions_are_called_in_order_of_posting),
      TEST(calls_from_the_loop_itself),
      TEST(a_stopped_thread_takes_nothing),
      TEST(null_arguments_are_refused),
      TEST(what_is_posted_while_stopping_is_called_or_refused),
      TEST_BOTH_WAYS(a_pager_on_the_thread_is_served_there),
      TEST_BOTH_WAYS(a_callback_on_the_thread_may_answer_at_once),
      TEST_BOTH_WAYS(closing_on_the_thread_fails_who_waits),
      TEST(closing_on_the_thread_cannot_wait_for_itself),
      TEST(who_made_a_pager_may_touch_its_memory),
      TEST(a_callback_that_touches_absent_memory_of_its_pager_gets_sigbus),
      TEST_BOTH_WAYS(stop_closes_open_pagers),
      TEST(stop_closes_handles_and_waits_for_requests),
      TEST(uv_stop_does_not_end_the_thread),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
