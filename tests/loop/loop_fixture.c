/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop_fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More than any scenario makes. */
#define MAX_EVENTS 4096
#define MAX_SERVED 1024

/* Turns of the loop after which whatever was under way would have shown: one to take packets, one
 * for what a callback left to an idle handle, and one more. */
#define SPARE_TURNS 3

uv_loop_t loop;
void (*on_event)(const struct event* event);

static pthread_mutex_t events_lock = PTHREAD_MUTEX_INITIALIZER;
static struct event events[MAX_EVENTS]; /* under the lock */
static size_t events_recorded;          /* under the lock */
static size_t events_expected;

static struct served* all_served[MAX_SERVED];
static size_t served_count;

static const char* const kind_names[] = {"READ", "DIRTY", "COMPLETE", "CLOSED"};

/* ---- Recording ---- */

static void record(struct event event) {
  event.tid = gettid();
  pthread_mutex_lock(&events_lock);
  if (events_recorded == MAX_EVENTS) check_fail("more events than the fixture has room for");
  events[events_recorded++] = event;
  pthread_mutex_unlock(&events_lock);
  if (on_event != NULL) on_event(&event);
}

static void record_read(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length) {
  record((struct event){.kind = READ, .vmo = vmo, .offset = offset, .length = length});
}

static void record_dirty(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length) {
  record((struct event){.kind = DIRTY, .vmo = vmo, .offset = offset, .length = length});
}

static void record_complete(zxp_uv_vmo_t* vmo) {
  record((struct event){.kind = COMPLETE, .vmo = vmo});
}

void record_closed(zxp_uv_pager_t* pager) {
  record((struct event){.kind = CLOSED, .pager = pager});
}

const zxp_uv_pager_callbacks_t recording = {
    .size = sizeof(recording),
    .read = record_read,
    .dirty = record_dirty,
    .complete = record_complete,
};

const zxp_uv_pager_callbacks_t recording_without_dirty = {
    .size = sizeof(recording_without_dirty),
    .read = record_read,
    .complete = record_complete,
};

size_t event_count(void) {
  pthread_mutex_lock(&events_lock);
  const size_t n = events_recorded;
  pthread_mutex_unlock(&events_lock);
  return n;
}

struct event event_at(size_t index) {
  pthread_mutex_lock(&events_lock);
  const struct event event = events[index];
  pthread_mutex_unlock(&events_lock);
  return event;
}

/* ---- The loop ---- */

void begin_loop(void) { check_equal(uv_loop_init(&loop), 0); }

void end_libuv(void) {
  check_equal(event_count(), events_expected);
  for (size_t i = 0; i < served_count; i++) {
    free(all_served[i]);
  }
  /* Threads of the pool, and descriptors that libuv keeps for the process. */
  uv_library_shutdown();
}

void end_loop(void) {
  uv_run(&loop, UV_RUN_DEFAULT);
  check_equal(uv_loop_close(&loop), 0);
  end_libuv();
}

/* ---- Pagers and VMOs ---- */

void init_pager(zxp_uv_pager_t* pager) { check_ok(zxp_uv_pager_init(&loop, pager, &recording)); }

void close_pager(zxp_uv_pager_t* pager) {
  check_ok(zxp_uv_pager_close(pager, record_closed));
  run_until(event_count() > events_expected && event_at(event_count() - 1).kind == CLOSED);
  /* The order of those that complete is nobody's business. */
  for (; events_expected < event_count() - 1; events_expected++) {
    check_equal(event_at(events_expected).kind, COMPLETE);
  }
  expect_event(CLOSED, NULL, 0, 0);
}

struct served* serve_with(zxp_uv_pager_t* pager, uint32_t options, uint64_t pages) {
  struct served* v = calloc(1, sizeof(*v));
  if (v == NULL || served_count == MAX_SERVED) check_fail("no room for a VMO");
  all_served[served_count++] = v;
  v->root.pages = pages;
  check_ok(zxp_uv_pager_create_vmo(pager, &v->uv, options, pages * PAGE, &v->root.vmo));
  v->root.pager = zxp_uv_pager_handle(pager);
  keep(v->root.vmo);
  return v;
}

struct served* serve(zxp_uv_pager_t* pager, uint64_t pages) {
  return serve_with(pager, 0, pages);
}

zx_status_t try_answer(struct served* v, uint64_t first, uint64_t count, unsigned tag) {
  zx_handle_t source = make_source(first, count, tag);
  const zx_status_t status = zxp_uv_vmo_supply(&v->uv, first * PAGE, count * PAGE, source, 0);
  drop(&source);
  return status;
}

/* ---- Events ---- */

struct event expect_event_at(struct place place, bool run, enum event_kind kind, struct served* v,
                             uint64_t first, uint64_t count) {
  if (run) {
    run_until(event_count() > events_expected);
  } else {
    wait_until_at(place, event_count() > events_expected);
  }
  const struct event event = event_at(events_expected++);
  if (event.kind != kind) {
    scenario_fail(place, "%s was called, not %s", kind_names[event.kind], kind_names[kind]);
  }
  if (event.vmo != (v != NULL ? &v->uv : NULL)) {
    scenario_fail(place, "%s was called for another VMO", kind_names[kind]);
  }
  check_equal_at(place, "offset", event.offset, first * PAGE);
  check_equal_at(place, "length", event.length, count * PAGE);
  return event;
}

void expect_no_event_at(struct place place) {
  round_trip();
  for (int i = 0; i < SPARE_TURNS; i++) {
    uv_run(&loop, UV_RUN_NOWAIT);
  }
  if (event_count() > events_expected) {
    scenario_fail(place, "%s was called", kind_names[event_at(events_expected).kind]);
  }
}
