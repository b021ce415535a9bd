/* SPDX-License-Identifier: BSD-3-Clause */
/* Handing the core over (fault/handoff.h), and the switch for it (zxpager-uv.h). */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zircon/zxpager-uv.h>

#include "base/clock.h"
#include "fault/handoff.h"
#include "loop/place.h"
/* After the headers that it needs and does not include. */
#include <cmocka.h>

static void need_right(void) {
  if (!zxp_handoff_possible()) {
    print_message("skipped: this process may not leave SCHED_IDLE again\n");
    skip();
  }
}

/* Runs `function` on a thread of its own, since it changes what a thread is, and waits for it. */
static void on_a_thread(void* (*function)(void* argument), void* argument) {
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, function, argument), 0);
  pthread_join(thread, NULL);
}

struct seen {
  int before;
  int inside;
  int after;
  bool any;
};

static void* wake_once(void* argument) {
  struct seen* s = argument;
  struct zxp_handoff h;
  zxp_handoff_enter(&h);
  zxp_handoff_begin();
  s->before = sched_getscheduler(0);
  zxp_handoff_end();
  zxp_handoff_set(&h, true);
  s->any = zxp_handoff_any();
  zxp_handoff_begin();
  s->inside = sched_getscheduler(0);
  zxp_handoff_end();
  s->after = sched_getscheduler(0);
  zxp_handoff_leave(&h);
  return NULL;
}

static void a_waker_is_idle_inside_the_wake_only(void** state) {
  (void)state;
  struct seen s;
  need_right();
  on_a_thread(wake_once, &s);
  assert_int_equal(s.before, SCHED_OTHER);
  assert_int_equal(s.inside, SCHED_IDLE);
  assert_int_equal(s.after, SCHED_OTHER);
  assert_true(s.any);
  assert_false(zxp_handoff_any());
}

static void* wake_as_anyone(void* argument) {
  struct seen* s = argument;
  zxp_handoff_begin();
  s->inside = sched_getscheduler(0);
  zxp_handoff_end();
  return NULL;
}

static void other_threads_are_left_alone(void** state) {
  (void)state;
  struct seen s;
  on_a_thread(wake_as_anyone, &s);
  assert_int_equal(s.inside, sched_getscheduler(0));
}

/* ---- The watch ---- */

struct stuck {
  sem_t inside;
  atomic_bool go_on;
  atomic_bool starved;
  pid_t tid;
};

static void* stay_inside(void* argument) {
  struct stuck* s = argument;
  struct zxp_handoff h;
  zxp_handoff_enter(&h);
  zxp_handoff_set(&h, true);
  s->tid = (pid_t)syscall(SYS_gettid);
  zxp_handoff_begin();
  sem_post(&s->inside);
  while (!atomic_load(&s->go_on)) {
    sched_yield();
  }
  zxp_handoff_end();
  atomic_store(&s->starved, atomic_load(&h.starved));
  zxp_handoff_leave(&h);
  return NULL;
}

static void a_waker_that_is_away_for_too_long_becomes_an_ordinary_thread(void** state) {
  (void)state;
  struct stuck s = {.tid = 0};
  pthread_t thread;
  need_right();
  sem_init(&s.inside, 0, 0);
  assert_int_equal(pthread_create(&thread, NULL, stay_inside, &s), 0);
  sem_wait(&s.inside);
  assert_int_equal(sched_getscheduler(s.tid), SCHED_IDLE);
  const zx_time_t then = zxp_clock_now();
  zxp_handoff_watch(then); /* not long enough; unless this thread itself was kept from running */
  while (sched_getscheduler(s.tid) == SCHED_IDLE) {
    zxp_handoff_watch(zxp_clock_now());
  }
  atomic_store(&s.go_on, true);
  pthread_join(thread, NULL);
  assert_true(atomic_load(&s.starved));
  sem_destroy(&s.inside);
}

static void nobody_is_starved_by_a_short_wake(void** state) {
  (void)state;
  struct stuck s = {.tid = 0};
  pthread_t thread;
  need_right();
  sem_init(&s.inside, 0, 0);
  assert_int_equal(pthread_create(&thread, NULL, stay_inside, &s), 0);
  sem_wait(&s.inside);
  zxp_handoff_watch(0); /* a clock that stands at the beginning: no time has passed */
  assert_int_equal(sched_getscheduler(s.tid), SCHED_IDLE);
  atomic_store(&s.go_on, true);
  pthread_join(thread, NULL);
  assert_false(atomic_load(&s.starved));
  sem_destroy(&s.inside);
}

/* ---- Following ---- */

struct pinned {
  sem_t there;
  sem_t end;
  pid_t tid;
  int core;
};

static void stay_on(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  sched_setaffinity(0, sizeof set, &set);
}

static void* be_pinned(void* argument) {
  struct pinned* p = argument;
  stay_on(p->core);
  p->tid = (pid_t)syscall(SYS_gettid);
  sem_post(&p->there);
  while (sem_wait(&p->end) != 0) {
  }
  return NULL;
}

struct follow {
  pid_t tid;
  int from;
  bool moved;
  bool moved_again;
  cpu_set_t before;
  cpu_set_t after;
};

static void* follow(void* argument) {
  struct follow* f = argument;
  struct zxp_handoff h;
  zxp_handoff_enter(&h);
  h.faulter = f->tid;
  sched_getaffinity(0, sizeof f->before, &f->before);
  /* Over there, and free to go again. */
  stay_on(f->from);
  sched_setaffinity(0, sizeof f->before, &f->before);
  const int at = sched_getcpu();
  f->moved = zxp_handoff_follow(&h) || at != f->from;
  h.faulter = 0;
  f->moved_again = zxp_handoff_follow(&h);
  sched_getaffinity(0, sizeof f->after, &f->after);
  zxp_handoff_leave(&h);
  return NULL;
}

static void following_goes_where_the_thread_is_and_leaves_the_affinity(void** state) {
  (void)state;
  cpu_set_t allowed;
  int cores[2];
  int n = 0;
  sched_getaffinity(0, sizeof allowed, &allowed);
  for (int core = 0; core < CPU_SETSIZE && n < 2; core++) {
    if (CPU_ISSET(core, &allowed)) cores[n++] = core;
  }
  if (n < 2) skip();
  struct pinned p = {.core = cores[0]};
  pthread_t thread;
  sem_init(&p.there, 0, 0);
  sem_init(&p.end, 0, 0);
  assert_int_equal(pthread_create(&thread, NULL, be_pinned, &p), 0);
  sem_wait(&p.there);
  struct follow f = {.tid = p.tid, .from = cores[1]};
  on_a_thread(follow, &f);
  assert_true(f.moved);
  assert_false(f.moved_again);
  assert_true(CPU_EQUAL(&f.before, &f.after));
  sem_post(&p.end);
  pthread_join(thread, NULL);
  sem_destroy(&p.there);
  sem_destroy(&p.end);
}

/* ---- The switch ---- */

static void look_whether_placed(zxp_uv_thread_t* thread, void* argument) {
  (void)thread;
  *(bool*)argument = zxp_loop_place_here != NULL;
}

static bool placed(zxp_uv_thread_t* thread) {
  bool is = false;
  assert_int_equal(zxp_uv_thread_call(thread, look_whether_placed, &is), ZX_OK);
  return is;
}

static void placement_can_be_switched_off_and_on(void** state) {
  (void)state;
  cpu_set_t allowed;
  sched_getaffinity(0, sizeof allowed, &allowed);
  if (CPU_COUNT(&allowed) < 2) skip();
  zxp_uv_thread_t thread = {.data = NULL};
  assert_int_equal(zxp_uv_thread_start(&thread, NULL), ZX_OK);
  assert_true(placed(&thread));
  for (int i = 0; i < 2; i++) {
    assert_int_equal(zxp_uv_thread_set_placement(&thread, ZXP_UV_PLACEMENT_SCHEDULER), ZX_OK);
    assert_false(placed(&thread));
  }
  for (int i = 0; i < 2; i++) {
    assert_int_equal(zxp_uv_thread_set_placement(&thread, ZXP_UV_PLACEMENT_MEASURED), ZX_OK);
    assert_true(placed(&thread));
  }
  assert_int_equal(zxp_uv_thread_set_placement(&thread, 2), ZX_ERR_INVALID_ARGS);
  assert_int_equal(zxp_uv_thread_set_placement(NULL, ZXP_UV_PLACEMENT_MEASURED),
                   ZX_ERR_INVALID_ARGS);
  assert_int_equal(zxp_uv_thread_stop(&thread), ZX_OK);
  assert_int_equal(zxp_uv_thread_set_placement(&thread, ZXP_UV_PLACEMENT_MEASURED),
                   ZX_ERR_BAD_STATE);
}

static void the_environment_switches_it_off_for_all(void** state) {
  (void)state;
  zxp_uv_thread_t thread = {.data = NULL};
  assert_int_equal(setenv("ZXPAGER_PLACEMENT", "scheduler", 1), 0);
  assert_int_equal(zxp_uv_thread_start(&thread, NULL), ZX_OK);
  assert_false(placed(&thread));
  assert_int_equal(zxp_uv_thread_stop(&thread), ZX_OK);
  unsetenv("ZXPAGER_PLACEMENT");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_waker_is_idle_inside_the_wake_only),
      cmocka_unit_test(other_threads_are_left_alone),
      cmocka_unit_test(a_waker_that_is_away_for_too_long_becomes_an_ordinary_thread),
      cmocka_unit_test(nobody_is_starved_by_a_short_wake),
      cmocka_unit_test(following_goes_where_the_thread_is_and_leaves_the_affinity),
      cmocka_unit_test(placement_can_be_switched_off_and_on),
      cmocka_unit_test(the_environment_switches_it_off_for_all),
  };
  return cmocka_run_group_tests_name("hand-over", tests, NULL, NULL);
}
