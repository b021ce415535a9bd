/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scenarios with a libuv loop, on top of those of tests/pager (scenario.h, fixture.h, worker.h).
 *
 *   loop      the loop that the scenario's main thread runs, from begin_loop() to end_loop()
 *   served    a VMO of a pager on a loop, with what fixture.h wants to know of a root, so that
 *             workers can touch it
 *   event     a callback that was made: which, for what, on which thread
 *
 * A scenario reads like a script:
 *
 *   begin_loop();
 *   struct served* v = serve(&pager, 8);            init_pager(&pager) came before
 *   struct worker* t1 = start_touch(via, &v->root, 3);
 *   expect_event(READ, v, 3, 1);                    runs the loop until the callback comes
 *   answer(v, 3, 1, TAG);
 *   expect_byte(t1, content_byte(TAG, 3, 0));
 *   expect_no_event();
 *   end_loop();
 *
 * Callbacks record, and call the scenario's `on_event` if there is one. They may come on any
 * thread; all else is called by the scenario's main thread.
 */
#ifndef ZXP_TESTS_LOOP_LOOP_FIXTURE_H_
#define ZXP_TESTS_LOOP_LOOP_FIXTURE_H_

#include <uv.h>
#include <zircon/zxpager-uv.h>

#include "fixture.h"
#include "worker.h"

enum event_kind {
  READ,
  DIRTY,
  COMPLETE,
  CLOSED
};

struct event {
  enum event_kind kind;
  zxp_uv_vmo_t* vmo;     /* NULL for CLOSED */
  zxp_uv_pager_t* pager; /* for CLOSED */
  uint64_t offset;
  uint64_t length;
  pid_t tid;
};

struct served {
  zxp_uv_vmo_t uv;
  struct root root;
};

extern uv_loop_t loop;

/* Runs inside each callback, once it has been recorded. NULL: nothing does. */
extern void (*on_event)(const struct event* event);

/* All callbacks, recording. `recording_without_dirty` has no `dirty`. */
extern const zxp_uv_pager_callbacks_t recording;
extern const zxp_uv_pager_callbacks_t recording_without_dirty;
void record_closed(zxp_uv_pager_t* pager);

void begin_loop(void);

/* Runs the loop until nothing is active, closes it, and expects no event beyond those expected. */
void end_loop(void);

/* For scenarios without a loop of their own: nothing of libuv is left behind. */
void end_libuv(void);

/* ---- Pagers and VMOs ---- */

/* A recording pager on `loop`. */
void init_pager(zxp_uv_pager_t* pager);

/* Closes it and expects a COMPLETE for each VMO that has not had one, then CLOSED. */
void close_pager(zxp_uv_pager_t* pager);

struct served* serve(zxp_uv_pager_t* pager, uint64_t pages);
struct served* serve_with(zxp_uv_pager_t* pager, uint32_t options, uint64_t pages);

/* Supplies content from fixture.h, and checks the status. */
#define answer(v, first, count, tag) check_ok(try_answer((v), (first), (count), (tag)))
zx_status_t try_answer(struct served* v, uint64_t first, uint64_t count, unsigned tag);

/* ---- Events ---- */

/* How many there were, and one of them. Any thread. */
size_t event_count(void);
struct event event_at(size_t index);

/* Runs the loop until the condition holds. A loop that nothing wakes is the watchdog's to end. */
#define run_until(condition)      \
  do {                            \
    while (!(condition)) {        \
      uv_run(&loop, UV_RUN_ONCE); \
    }                             \
  } while (0)

/* The next event in order, for which the loop is run. `v` NULL and 0, 0 for CLOSED. */
#define expect_event(kind, v, first, count) \
  expect_event_at(HERE, true, (kind), (v), (first), (count))
/* The same where another thread runs the loop. */
#define await_event(kind, v, first, count) \
  expect_event_at(HERE, false, (kind), (v), (first), (count))
struct event expect_event_at(struct place place, bool run, enum event_kind kind, struct served* v,
                             uint64_t first, uint64_t count);

/* After all that has happened so far, and some turns of the loop, there is no event left. */
#define expect_no_event() expect_no_event_at(HERE)
void expect_no_event_at(struct place place);

#endif /* ZXP_TESTS_LOOP_LOOP_FIXTURE_H_ */
