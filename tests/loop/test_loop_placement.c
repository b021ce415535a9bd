/* SPDX-License-Identifier: BSD-3-Clause */
/* A loop thread of the library's own under many faults, with the placement that it chooses
 * (zxpager-uv.h, zxp_uv_thread_set_placement). */
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include <zircon/process.h>

#include "loop_fixture.h"

#define PAGES  512u
#define ROUNDS (UNDER_SANITIZER ? 4u : 20u)

static zxp_uv_thread_t thread;
static zxp_uv_pager_t pager;
static cpu_set_t cores;
static int policy;
static atomic_uint reads;
static atomic_uint changed; /* callbacks that ran as something else than the thread was given */

/* What a callback runs as is what it would run as on any loop, and so is what it starts. */
static void look(void) {
  cpu_set_t now;
  sched_getaffinity(0, sizeof(now), &now);
  if (sched_getscheduler(0) != policy || !CPU_EQUAL(&now, &cores)) {
    atomic_fetch_add(&changed, 1);
  }
}

static void fill(unsigned char* page, uint64_t number) {
  memset(page, (int)(number % 251 + 1), PAGE);
}

static void on_read(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length) {
  unsigned char page[PAGE];
  zx_handle_t aux;
  look();
  atomic_fetch_add(&reads, 1);
  if (zx_vmo_create(length, 0, &aux) != ZX_OK) return;
  for (uint64_t at = 0; at < length; at += PAGE) {
    fill(page, (offset + at) / PAGE);
    (void)zx_vmo_write(aux, page, at, PAGE);
  }
  (void)zxp_uv_vmo_supply(vmo, offset, length, aux, 0);
  zx_handle_close(aux);
}

struct toucher {
  pthread_t thread;
  zxp_uv_vmo_t vmo;      /* its `data` is the toucher */
  atomic_bool completed; /* the library does not look at `vmo` any more */
  unsigned wrong;
};

static void on_complete(zxp_uv_vmo_t* vmo) {
  struct toucher* t = vmo->data;
  look();
  atomic_store(&t->completed, true);
}

static const zxp_uv_pager_callbacks_t callbacks = {
    .size = sizeof(callbacks), .read = on_read, .complete = on_complete};

static void touch_all(struct toucher* t) {
  zx_handle_t handle;
  zx_vaddr_t at = 0;
  t->vmo.data = t;
  atomic_store(&t->completed, false);
  if (zxp_uv_pager_create_vmo(&pager, &t->vmo, 0, PAGES * PAGE, &handle) != ZX_OK ||
      zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, handle, 0, PAGES * PAGE, &at) != ZX_OK) {
    t->wrong++;
    return;
  }
  for (uint64_t page = 0; page < PAGES; page++) {
    const unsigned char byte = *(const volatile unsigned char*)(at + page * PAGE + page % PAGE);
    t->wrong += byte != page % 251 + 1;
  }
  zx_vmar_unmap(zx_vmar_root_self(), at, PAGES * PAGE);
  zx_handle_close(handle);
  while (!atomic_load(&t->completed))
    sched_yield();
}

static void* touch_rounds(void* argument) {
  struct toucher* t = argument;
  for (unsigned round = 0; round < ROUNDS && t->wrong == 0; round++) {
    touch_all(t);
  }
  return NULL;
}

static void begin(void) {
  need_mappings();
  sched_getaffinity(0, sizeof(cores), &cores);
  policy = sched_getscheduler(0);
  check_ok(zxp_uv_thread_start(&thread, "placed"));
  check_ok(zxp_uv_pager_init_on_thread(&thread, &pager, &callbacks));
}

static void end(void) {
  check_ok(zxp_uv_pager_close_on_thread(&thread, &pager));
  check_ok(zxp_uv_thread_stop(&thread));
  check_equal(atomic_load(&changed), 0);
  end_libuv();
}

SCENARIO(callbacks_run_as_the_thread_was_given_whatever_is_chosen) {
  static struct toucher t;
  begin();
  touch_rounds(&t);
  check_equal(t.wrong, 0);
  check_equal(atomic_load(&reads), ROUNDS * PAGES);
  end();
}

SCENARIO(placement_changes_under_faults_and_nothing_is_lost) {
  static struct toucher t;
  pthread_t toucher;
  begin();
  check_equal(pthread_create(&toucher, NULL, touch_rounds, &t), 0);
  for (unsigned i = 0; atomic_load(&reads) < ROUNDS * PAGES / 2; i++) {
    check_ok(zxp_uv_thread_set_placement(
        &thread, i % 2 == 0 ? ZXP_UV_PLACEMENT_SCHEDULER : ZXP_UV_PLACEMENT_MEASURED));
  }
  pthread_join(toucher, NULL);
  check_equal(t.wrong, 0);
  check_equal(atomic_load(&reads), ROUNDS * PAGES);
  end();
}

/* Other handles of the loop get their turn between faults that never end. */
static atomic_uint ticks;
static uv_timer_t timer;
static void on_tick(uv_timer_t* t) {
  (void)t;
  look();
  atomic_fetch_add(&ticks, 1);
}

static void start_timer(zxp_uv_thread_t* t, void* argument) {
  (void)argument;
  uv_timer_init(t->loop, &timer);
  uv_timer_start(&timer, on_tick, 1, 1);
}

static void stop_timer(zxp_uv_thread_t* t, void* argument) {
  (void)t;
  (void)argument;
  uv_close((uv_handle_t*)&timer, NULL);
}

SCENARIO(timers_of_the_loop_fire_between_faults_without_end) {
  static struct toucher t;
  begin();
  check_ok(zxp_uv_thread_call(&thread, start_timer, NULL));
  const unsigned enough = 20;
  while (atomic_load(&ticks) < enough && t.wrong == 0) {
    touch_all(&t);
  }
  check_equal(t.wrong, 0);
  check_ok(zxp_uv_thread_call(&thread, stop_timer, NULL));
  end();
}

/* A thread that computes on after its fault has the core; others are answered all the same. */
static atomic_bool stop_computing;
static void* touch_and_compute(void* argument) {
  struct toucher* t = argument;
  touch_rounds(t);
  while (!atomic_load(&stop_computing)) {
  }
  return NULL;
}

SCENARIO(a_thread_that_computes_on_does_not_keep_others_from_their_pages) {
  static struct toucher busy[2];
  static struct toucher t;
  begin();
  for (int i = 0; i < 2; i++) {
    check_equal(pthread_create(&busy[i].thread, NULL, touch_and_compute, &busy[i]), 0);
  }
  touch_rounds(&t);
  atomic_store(&stop_computing, true);
  for (int i = 0; i < 2; i++) {
    pthread_join(busy[i].thread, NULL);
    check_equal(busy[i].wrong, 0);
  }
  check_equal(t.wrong, 0);
  end();
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(callbacks_run_as_the_thread_was_given_whatever_is_chosen),
      TEST(placement_changes_under_faults_and_nothing_is_lost),
      TEST(timers_of_the_loop_fire_between_faults_without_end),
      TEST(a_thread_that_computes_on_does_not_keep_others_from_their_pages),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
