/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The library, answered by callbacks on a libuv loop: one that the program runs on a thread of its
 * own, or the library's loop thread.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <uv.h>
#include <zircon/syscalls.h>
#include <zircon/zxpager-uv.h>

#include "way.h"
#include "way_vmo.h"

/* One memory of one round; freed when its VMO completes. */
struct uv_memory {
  zxp_uv_vmo_t vmo;
  struct uv_way* way;
  zx_handle_t handle;
  zx_vaddr_t address;
};

struct uv_way {
  struct way way;
  struct way_transfer transfer;
  zxp_uv_pager_t pager;
  struct uv_memory** memories;
  sem_t completed; /* posted for each VMO that has gone */
  /* The program's loop: */
  uv_loop_t loop;
  uv_async_t stop;
  pthread_t thread;
  /* Or the library's: */
  zxp_uv_thread_t loop_thread;
};

static void on_read(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length) {
  (void)length; /* one page: a touch asks for no more */
  const struct uv_memory* m = vmo->data;
  way_answer(&m->way->way, &m->way->transfer, zxp_uv_pager_handle(vmo->pager), vmo->handle, offset);
}

static void on_complete(zxp_uv_vmo_t* vmo) {
  struct uv_memory* m = vmo->data;
  sem_post(&m->way->completed);
  free(m);
}

static const zxp_uv_pager_callbacks_t callbacks = {
    .size = sizeof callbacks, .read = on_read, .complete = on_complete};

static void set_up(struct uv_way* w) {
  way_transfer_init(&w->transfer, w->way.setup.answer);
  sem_init(&w->completed, 0, 0);
  w->memories = calloc(w->way.setup.memories, sizeof(struct uv_memory*));
  way_must(w->memories != NULL, "calloc");
}

static void tear_down(struct uv_way* w) {
  way_transfer_free(&w->transfer);
  sem_destroy(&w->completed);
  free(w->memories);
}

static const unsigned char* begin(struct way* way, size_t memory) {
  struct uv_way* w = (struct uv_way*)way;
  struct uv_memory* m = calloc(1, sizeof *m);
  way_must(m != NULL, "calloc");
  m->way = w;
  m->vmo.data = m;
  way_check(zxp_uv_pager_create_vmo(&w->pager, &m->vmo, 0, way->setup.pages * WAY_PAGE, &m->handle),
            "zxp_uv_pager_create_vmo");
  m->address = way_map(m->handle, way->setup.pages);
  w->memories[memory] = m;
  return (const unsigned char*)m->address;
}

static void end(struct way* way, size_t memory) {
  struct uv_way* w = (struct uv_way*)way;
  const struct uv_memory* m = w->memories[memory];
  const zx_handle_t handle = m->handle; /* `m` may be gone once it is closed */
  way_unmap(m->address, way->setup.pages);
  way_check(zx_handle_close(handle), "zx_handle_close");
  way_wait(&w->completed); /* and whatever of it was left to the loop is not measured */
}

/* ---- A loop of the program's ---- */

static void on_stop(uv_async_t* async) {
  struct uv_way* w = async->data;
  way_check(zxp_uv_pager_close(&w->pager, NULL), "zxp_uv_pager_close");
  uv_close((uv_handle_t*)async, NULL);
}

static void* loop_main(void* argument) {
  struct uv_way* w = argument;
  if (w->way.setup.before != NULL) {
    w->way.setup.before();
  }
  uv_run(&w->loop, UV_RUN_DEFAULT);
  uv_loop_close(&w->loop);
  return NULL;
}

static bool start_loop(struct way* way) {
  struct uv_way* w = (struct uv_way*)way;
  set_up(w);
  way_must(uv_loop_init(&w->loop) == 0 && uv_async_init(&w->loop, &w->stop, on_stop) == 0, "libuv");
  w->stop.data = w;
  way_check(zxp_uv_pager_init(&w->loop, &w->pager, &callbacks), "zxp_uv_pager_init");
  way_must(pthread_create(&w->thread, NULL, loop_main, w) == 0, "pthread_create");
  return true;
}

static void stop_loop(struct way* way) {
  struct uv_way* w = (struct uv_way*)way;
  uv_async_send(&w->stop);
  pthread_join(w->thread, NULL);
  tear_down(w);
}

const struct way_type way_uv_loop = {.name = "libuv callback",
                                     .size = sizeof(struct uv_way),
                                     .start = start_loop,
                                     .begin = begin,
                                     .end = end,
                                     .stop = stop_loop};

/* ---- The library's loop thread ---- */

static void call_before(zxp_uv_thread_t* thread, void* argument) {
  (void)thread;
  const struct uv_way* w = argument;
  w->way.setup.before();
}

static bool start_thread(struct way* way) {
  struct uv_way* w = (struct uv_way*)way;
  set_up(w);
  way_check(zxp_uv_thread_start(&w->loop_thread, "bench-loop"), "zxp_uv_thread_start");
  way_check(zxp_uv_pager_init_on_thread(&w->loop_thread, &w->pager, &callbacks),
            "zxp_uv_pager_init_on_thread");
  if (way->setup.before != NULL) {
    way_check(zxp_uv_thread_call(&w->loop_thread, call_before, w), "zxp_uv_thread_call");
  }
  return true;
}

static bool start_scheduled(struct way* way) {
  struct uv_way* w = (struct uv_way*)way;
  (void)start_thread(way);
  way_check(zxp_uv_thread_set_placement(&w->loop_thread, ZXP_UV_PLACEMENT_SCHEDULER),
            "zxp_uv_thread_set_placement");
  return true;
}

static void stop_thread(struct way* way) {
  struct uv_way* w = (struct uv_way*)way;
  way_check(zxp_uv_pager_close_on_thread(&w->loop_thread, &w->pager),
            "zxp_uv_pager_close_on_thread");
  way_check(zxp_uv_thread_stop(&w->loop_thread), "zxp_uv_thread_stop");
  tear_down(w);
}

const struct way_type way_loop_thread = {.name = "library's loop thread",
                                         .size = sizeof(struct uv_way),
                                         .start = start_thread,
                                         .begin = begin,
                                         .end = end,
                                         .stop = stop_thread};

const struct way_type way_loop_scheduler = {.name = "loop thread, left alone",
                                            .size = sizeof(struct uv_way),
                                            .start = start_scheduled,
                                            .begin = begin,
                                            .end = end,
                                            .stop = stop_thread};
