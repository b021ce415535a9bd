/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The transition table of writeback.md 2.2, cell by cell.
 *
 *   row    an event, and for each state of the page: what it asks for, what it returns, and the
 *          state that it leads to; for trap roots and for plain ones
 *   cell   one of them, run through a mapping or through calls; each is a test of its own
 *   wake   the other half of a row: what the event does to a thread that waits for the page
 *
 * A cell brings page 2 of a root into the state, through the mapping if there is one, makes the
 * event, answers what it asks for, and then looks whether the page is in the state that the table
 * says: by what is listed and committed, by its bytes, by what a write does, and by what
 * WRITEBACK_END does.
 */
#include <stdio.h>

#include "writeback.h"

/* The page that everything is about, and the size of the root. */
#define PAGE_NUMBER 2u
#define PAGES       4u

/* What a page was given before the event. */
#define OLD_VALUE ((uint8_t)0x77)

enum state {
  EMPTY,
  CLEAN,
  MARKER,
  DIRTY,
  AWAITING,
  INTERVAL,
  CLAIMED, /* an interval that WRITEBACK_BEGIN has been told of */
  STATES,
  CLEAN_OR_EMPTY,
};

static const char* const state_names[STATES] = {
    [EMPTY] = "empty",
    [CLEAN] = "clean",
    [MARKER] = "marker",
    [DIRTY] = "dirty",
    [AWAITING] = "awaiting_clean",
    [INTERVAL] = "zero_interval",
    [CLAIMED] = "claimed_interval",
};

/* What an event asks for, in this order. */
enum {
  ASKS_READ = 1 << 0,
  ASKS_DIRTY = 1 << 1,
};

struct cell {
  enum state after;
  unsigned asks;
  zx_status_t status;
};

/* What becomes of a thread that waits for the page. */
enum wake {
  STAYS,
  GOES_ON,
  FAILS_IO,
  FAILS_RANGE,
  FAILS_STATE,
};

struct row {
  const char* name;
  struct worker* (*start)(enum via via, struct root* v);
  /* What it does to the bytes at the start, in the middle and at the end; NULL: nothing. */
  void (*changes)(uint8_t bytes[3], enum state before);
  bool detaches;
  struct cell trap[STATES];
  struct cell plain[STATES];
  bool waits; /* it asks itself, so it tells nothing of those that wait */
  enum wake read_waiter;
  enum wake dirty_waiter;
};

/* ---- Events ---- */

static struct worker* read_page(enum via via, struct root* v) {
  return start_touch(via, v, PAGE_NUMBER);
}

static struct worker* write_page(enum via via, struct root* v) {
  return start_poke(via, v, PAGE_NUMBER, VALUE);
}

static struct worker* op(struct root* v, uint32_t which, uint64_t offset, uint64_t length) {
  return start_op(v->vmo, which, PAGE_NUMBER * PAGE + offset, length);
}

static struct worker* zero_whole(enum via via, struct root* v) {
  (void)via;
  return op(v, ZX_VMO_OP_ZERO, 0, PAGE);
}

static struct worker* zero_part(enum via via, struct root* v) {
  (void)via;
  return op(v, ZX_VMO_OP_ZERO, 100, 100);
}

static struct worker* commit(enum via via, struct root* v) {
  (void)via;
  return op(v, ZX_VMO_OP_COMMIT, 0, PAGE);
}

static struct worker* decommit(enum via via, struct root* v) {
  (void)via;
  return op(v, ZX_VMO_OP_DECOMMIT, 0, PAGE);
}

static struct worker* dont_need(enum via via, struct root* v) {
  (void)via;
  return op(v, ZX_VMO_OP_DONT_NEED, 0, PAGE);
}

static zx_status_t call_supply(void* v) { return try_supply(v, PAGE_NUMBER, 1, TAG + 1); }
static zx_status_t call_dirty(void* v) { return try_dirty(v, PAGE_NUMBER, 1); }
static zx_status_t call_begin(void* v) {
  return try_op(v, ZX_PAGER_OP_WRITEBACK_BEGIN, PAGE_NUMBER, 1, 0);
}
static zx_status_t call_begin_zero(void* v) {
  return try_op(v, ZX_PAGER_OP_WRITEBACK_BEGIN, PAGE_NUMBER, 1, ZX_VMO_DIRTY_RANGE_IS_ZERO);
}
static zx_status_t call_end(void* v) {
  return try_op(v, ZX_PAGER_OP_WRITEBACK_END, PAGE_NUMBER, 1, 0);
}
static zx_status_t call_fail(void* v) { return try_fail(v, PAGE_NUMBER, 1, ZX_ERR_IO); }
static zx_status_t call_detach(void* argument) {
  const struct root* v = argument;
  return zx_pager_detach_vmo(v->pager, v->vmo);
}
/* Cuts the page off and brings it back. */
static zx_status_t call_shrink(void* argument) {
  const struct root* v = argument;
  const zx_status_t status = zx_vmo_set_size(v->vmo, PAGE_NUMBER * PAGE);
  return status != ZX_OK ? status : zx_vmo_set_size(v->vmo, PAGES * PAGE);
}

/* The fixture's lists are the main thread's, so these calls are made at once and handed over. */
static zx_status_t made_already;
static zx_status_t hand_over(void* unused) {
  (void)unused;
  return made_already;
}
#define PAGERS_CALL(name)                                            \
  static struct worker* event_##name(enum via via, struct root* v) { \
    (void)via;                                                       \
    made_already = call_##name(v);                                   \
    return start_call(hand_over, NULL);                              \
  }
PAGERS_CALL(supply)
PAGERS_CALL(dirty)
PAGERS_CALL(begin)
PAGERS_CALL(begin_zero)
PAGERS_CALL(end)
PAGERS_CALL(fail)
PAGERS_CALL(detach)
PAGERS_CALL(shrink)

/* ---- What they do to the bytes ---- */

static const uint64_t probes[3] = {0, 150, PAGE - 1};

static void set_supplied(uint8_t bytes[3], unsigned tag) {
  for (unsigned i = 0; i < 3; i++) {
    bytes[i] = content_byte(tag, PAGE_NUMBER, probes[i]);
  }
}

static void set_zeros(uint8_t bytes[3]) {
  for (unsigned i = 0; i < 3; i++) {
    bytes[i] = 0;
  }
}

static void changes_supply(uint8_t bytes[3], enum state before) {
  if (before == EMPTY) set_supplied(bytes, TAG + 1);
}
static void changes_write(uint8_t bytes[3], enum state before) {
  (void)before;
  bytes[0] = VALUE;
}
static void changes_zero_whole(uint8_t bytes[3], enum state before) {
  (void)before;
  set_zeros(bytes);
}
static void changes_zero_part(uint8_t bytes[3], enum state before) {
  (void)before;
  bytes[1] = 0;
}

/* ---- The table ---- */

#define ALL_STAY                                                                             \
  {                                                                                          \
    [EMPTY] = {EMPTY, 0, ZX_OK}, [CLEAN] = {CLEAN, 0, ZX_OK}, [MARKER] = {MARKER, 0, ZX_OK}, \
    [DIRTY] = {DIRTY, 0, ZX_OK}, [AWAITING] = {AWAITING, 0, ZX_OK},                          \
    [INTERVAL] = {INTERVAL, 0, ZX_OK}, [CLAIMED] = {CLAIMED, 0, ZX_OK},                      \
  }
#define ALL_REFUSED                                                                           \
  {                                                                                           \
    [EMPTY] = {EMPTY, 0, ZX_ERR_NOT_SUPPORTED}, [CLEAN] = {CLEAN, 0, ZX_ERR_NOT_SUPPORTED},   \
    [MARKER] = {MARKER, 0, ZX_ERR_NOT_SUPPORTED}, [DIRTY] = {DIRTY, 0, ZX_ERR_NOT_SUPPORTED}, \
    [AWAITING] = {AWAITING, 0, ZX_ERR_NOT_SUPPORTED},                                         \
    [INTERVAL] = {INTERVAL, 0, ZX_ERR_NOT_SUPPORTED},                                         \
    [CLAIMED] = {CLAIMED, 0, ZX_ERR_NOT_SUPPORTED},                                           \
  }

static const struct row
    rows[] =
        {
            {
                .name = "read",
                .start = read_page,
                .trap =
                    {
                        [EMPTY] = {CLEAN, ASKS_READ, ZX_OK},
                        [CLEAN] = {CLEAN, 0, ZX_OK},
                        [MARKER] = {MARKER, 0, ZX_OK},
                        [DIRTY] = {DIRTY, 0, ZX_OK},
                        [AWAITING] = {AWAITING, 0, ZX_OK},
                        [INTERVAL] = {INTERVAL, 0, ZX_OK},
                        [CLAIMED] = {CLAIMED, 0, ZX_OK},
                    },
                .plain =
                    {
                        [EMPTY] = {CLEAN, ASKS_READ, ZX_OK},
                        [CLEAN] = {CLEAN, 0, ZX_OK},
                        [MARKER] = {MARKER, 0, ZX_OK},
                        [DIRTY] = {DIRTY, 0, ZX_OK},
                        [AWAITING] = {AWAITING, 0, ZX_OK},
                        [INTERVAL] = {INTERVAL, 0, ZX_OK},
                        [CLAIMED] = {CLAIMED, 0, ZX_OK},
                    },
                .waits = true,
            },
            {
                .name = "write",
                .start = write_page,
                .changes = changes_write,
                .trap =
                    {
                        [EMPTY] = {DIRTY, ASKS_READ | ASKS_DIRTY, ZX_OK},
                        [CLEAN] = {DIRTY, ASKS_DIRTY, ZX_OK},
                        [MARKER] = {DIRTY, ASKS_DIRTY, ZX_OK},
                        [DIRTY] = {DIRTY, 0, ZX_OK},
                        [AWAITING] = {DIRTY, ASKS_DIRTY, ZX_OK},
                        [INTERVAL] = {DIRTY, ASKS_DIRTY, ZX_OK},
                        [CLAIMED] = {DIRTY, ASKS_DIRTY, ZX_OK},
                    },
                .plain =
                    {
                        [EMPTY] = {DIRTY, ASKS_READ, ZX_OK},
                        [CLEAN] = {DIRTY, 0, ZX_OK},
                        [MARKER] = {DIRTY, 0, ZX_OK},
                        [DIRTY] = {DIRTY, 0, ZX_OK},
                        [AWAITING] = {DIRTY, 0, ZX_OK},
                        [INTERVAL] = {DIRTY, 0, ZX_OK},
                        [CLAIMED] = {DIRTY, 0, ZX_OK},
                    },
                .waits = true,
            },
            {
                .name = "supply",
                .start = event_supply,
                .changes = changes_supply,
                .trap =
                    {
                        [EMPTY] = {CLEAN, 0, ZX_OK},
                        [CLEAN] = {CLEAN, 0, ZX_OK},
                        [MARKER] = {MARKER, 0, ZX_OK},
                        [DIRTY] = {DIRTY, 0, ZX_OK},
                        [AWAITING] = {AWAITING, 0, ZX_OK},
                        [INTERVAL] = {INTERVAL, 0, ZX_OK},
                        [CLAIMED] = {CLAIMED, 0, ZX_OK},
                    },
                .plain =
                    {
                        [EMPTY] = {CLEAN, 0, ZX_OK},
                        [CLEAN] = {CLEAN, 0, ZX_OK},
                        [MARKER] = {MARKER, 0, ZX_OK},
                        [DIRTY] = {DIRTY, 0, ZX_OK},
                        [AWAITING] = {AWAITING, 0, ZX_OK},
                        [INTERVAL] = {INTERVAL, 0, ZX_OK},
                        [CLAIMED] = {CLAIMED, 0, ZX_OK},
                    },
                .read_waiter = GOES_ON,
                .dirty_waiter = STAYS,
            },
            {
                .name = "op_dirty",
                .start = event_dirty,
                .trap =
                    {
                        [EMPTY] = {EMPTY, 0, ZX_ERR_NOT_FOUND},
                        [CLEAN] = {DIRTY, 0, ZX_OK},
                        [MARKER] = {DIRTY, 0, ZX_OK},
                        [DIRTY] = {DIRTY, 0, ZX_OK},
                        [AWAITING] = {DIRTY, 0, ZX_OK},
                        [INTERVAL] = {DIRTY, 0, ZX_OK},
                        [CLAIMED] = {DIRTY, 0, ZX_OK},
                    },
                .plain = ALL_REFUSED,
                .read_waiter = STAYS,
                .dirty_waiter = GOES_ON,
            },
            {
                .name = "writeback_begin",
                .start = event_begin,
                .trap =
                    {
                        [EMPTY] = {EMPTY, 0, ZX_OK},
                        [CLEAN] = {CLEAN, 0, ZX_OK},
                        [MARKER] = {MARKER, 0, ZX_OK},
                        [DIRTY] = {AWAITING, 0, ZX_OK},
                        [AWAITING] = {AWAITING, 0, ZX_OK},
                        [INTERVAL] = {CLAIMED, 0, ZX_OK},
                        [CLAIMED] = {CLAIMED, 0, ZX_OK},
                    },
                .plain =
                    {
                        [EMPTY] = {EMPTY, 0, ZX_OK},
                        [CLEAN] = {CLEAN, 0, ZX_OK},
                        [MARKER] = {MARKER, 0, ZX_OK},
                        [DIRTY] = {AWAITING, 0, ZX_OK},
                        [AWAITING] = {AWAITING, 0, ZX_OK},
                        [INTERVAL] = {CLAIMED, 0, ZX_OK},
                        [CLAIMED] = {CLAIMED, 0, ZX_OK},
                    },
                .read_waiter = STAYS,
                .dirty_waiter = STAYS,
            },
            {
                .name = "writeback_begin_of_zeros",
                .start = event_begin_zero,
                .trap =
                    {
                        [EMPTY] = {EMPTY, 0, ZX_OK},
                        [CLEAN] = {CLEAN, 0, ZX_OK},
                        [MARKER] = {MARKER, 0, ZX_OK},
                        [DIRTY] = {DIRTY, 0, ZX_OK},
                        [AWAITING] = {AWAITING, 0, ZX_OK},
                        [INTERVAL] = {CLAIMED, 0, ZX_OK},
                        [CLAIMED] = {CLAIMED, 0, ZX_OK},
                    },
                .plain =
                    {
                        [EMPTY] = {EMPTY, 0, ZX_OK},
                        [CLEAN] = {CLEAN, 0, ZX_OK},
                        [MARKER] = {MARKER, 0, ZX_OK},
                        [DIRTY] = {DIRTY, 0, ZX_OK},
                        [AWAITING] = {AWAITING, 0, ZX_OK},
                        [INTERVAL] = {CLAIMED, 0, ZX_OK},
                        [CLAIMED] = {CLAIMED, 0, ZX_OK},
                    },
                .read_waiter = STAYS,
                .dirty_waiter = STAYS,
            },
            {
                .name = "writeback_end",
                .start = event_end,
                .trap =
                    {
                        [EMPTY] = {EMPTY, 0, ZX_OK},
                        [CLEAN] = {CLEAN, 0, ZX_OK},
                        [MARKER] = {MARKER, 0, ZX_OK},
                        [DIRTY] = {DIRTY, 0, ZX_OK},
                        [AWAITING] = {CLEAN, 0, ZX_OK},
                        [INTERVAL] = {INTERVAL, 0, ZX_OK},
                        [CLAIMED] = {EMPTY, 0, ZX_OK},
                    },
                .plain =
                    {
                        [EMPTY] = {EMPTY, 0, ZX_OK},
                        [CLEAN] = {CLEAN, 0, ZX_OK},
                        [MARKER] = {MARKER, 0, ZX_OK},
                        [DIRTY] = {DIRTY, 0, ZX_OK},
                        [AWAITING] = {CLEAN, 0, ZX_OK},
                        [INTERVAL] = {INTERVAL, 0, ZX_OK},
                        [CLAIMED] = {EMPTY, 0, ZX_OK},
                    },
                .read_waiter = STAYS,
                .dirty_waiter = STAYS,
            },
            {
                .name = "op_fail",
                .start = event_fail,
                .trap = ALL_STAY,
                .plain = ALL_STAY,
                .read_waiter = FAILS_IO,
                .dirty_waiter = FAILS_IO,
            },
            {
                .name = "zero_of_the_whole_page",
                .start = zero_whole,
                .changes = changes_zero_whole,
                .trap =
                    {
                        [EMPTY] = {INTERVAL, 0, ZX_OK},
                        [CLEAN] = {INTERVAL, 0, ZX_OK},
                        [MARKER] = {MARKER, 0, ZX_OK},
                        [DIRTY] = {INTERVAL, 0, ZX_OK},
                        [AWAITING] = {INTERVAL, 0, ZX_OK},
                        [INTERVAL] = {INTERVAL, 0, ZX_OK},
                        [CLAIMED] = {CLAIMED, 0, ZX_OK},
                    },
                .plain =
                    {
                        [EMPTY] = {INTERVAL, 0, ZX_OK},
                        [CLEAN] = {INTERVAL, 0, ZX_OK},
                        [MARKER] = {MARKER, 0, ZX_OK},
                        [DIRTY] = {INTERVAL, 0, ZX_OK},
                        [AWAITING] = {INTERVAL, 0, ZX_OK},
                        [INTERVAL] = {INTERVAL, 0, ZX_OK},
                        [CLAIMED] = {CLAIMED, 0, ZX_OK},
                    },
                .read_waiter = GOES_ON,
                .dirty_waiter = STAYS,
            },
            {
                .name = "zero_of_a_part",
                .start = zero_part,
                .changes = changes_zero_part,
                .trap =
                    {
                        [EMPTY] = {DIRTY, ASKS_READ | ASKS_DIRTY, ZX_OK},
                        [CLEAN] = {DIRTY, ASKS_DIRTY, ZX_OK},
                        [MARKER] = {MARKER, 0, ZX_OK},
                        [DIRTY] = {DIRTY, 0, ZX_OK},
                        [AWAITING] = {DIRTY, ASKS_DIRTY, ZX_OK},
                        [INTERVAL] = {INTERVAL, 0, ZX_OK},
                        [CLAIMED] = {CLAIMED, 0, ZX_OK},
                    },
                .plain =
                    {
                        [EMPTY] = {DIRTY, ASKS_READ, ZX_OK},
                        [CLEAN] = {DIRTY, 0, ZX_OK},
                        [MARKER] = {MARKER, 0, ZX_OK},
                        [DIRTY] = {DIRTY, 0, ZX_OK},
                        [AWAITING] = {DIRTY, 0, ZX_OK},
                        [INTERVAL] = {INTERVAL, 0, ZX_OK},
                        [CLAIMED] = {CLAIMED, 0, ZX_OK},
                    },
                .waits = true,
            },
            {
                .name = "commit",
                .start = commit,
                .trap =
                    {
                        [EMPTY] = {CLEAN, ASKS_READ, ZX_OK},
                        [CLEAN] = {CLEAN, 0, ZX_OK},
                        [MARKER] = {CLEAN, 0, ZX_OK},
                        [DIRTY] = {DIRTY, 0, ZX_OK},
                        [AWAITING] = {AWAITING, 0, ZX_OK},
                        [INTERVAL] = {DIRTY, ASKS_DIRTY, ZX_OK},
                        [CLAIMED] = {DIRTY, ASKS_DIRTY, ZX_OK},
                    },
                .plain =
                    {
                        [EMPTY] = {CLEAN, ASKS_READ, ZX_OK},
                        [CLEAN] = {CLEAN, 0, ZX_OK},
                        [MARKER] = {CLEAN, 0, ZX_OK},
                        [DIRTY] = {DIRTY, 0, ZX_OK},
                        [AWAITING] = {AWAITING, 0, ZX_OK},
                        [INTERVAL] = {DIRTY, 0, ZX_OK},
                        [CLAIMED] = {DIRTY, 0, ZX_OK},
                    },
                .waits = true,
            },
            {
                .name = "decommit",
                .start = decommit,
                .trap = ALL_REFUSED,
                .plain = ALL_REFUSED,
                .read_waiter = STAYS,
                .dirty_waiter = STAYS,
            },
            {
                /* And growth, so that there is a page to look at: zeros, with nothing claimed. */
                .name = "shrink_below_and_growth",
                .start = event_shrink,
                .changes = changes_zero_whole,
                .trap =
                    {
                        [EMPTY] = {INTERVAL, 0, ZX_OK},
                        [CLEAN] = {INTERVAL, 0, ZX_OK},
                        [MARKER] = {INTERVAL, 0, ZX_OK},
                        [DIRTY] = {INTERVAL, 0, ZX_OK},
                        [AWAITING] = {INTERVAL, 0, ZX_OK},
                        [INTERVAL] = {INTERVAL, 0, ZX_OK},
                        [CLAIMED] = {INTERVAL, 0, ZX_OK},
                    },
                .plain =
                    {
                        [EMPTY] = {INTERVAL, 0, ZX_OK},
                        [CLEAN] = {INTERVAL, 0, ZX_OK},
                        [MARKER] = {INTERVAL, 0, ZX_OK},
                        [DIRTY] = {INTERVAL, 0, ZX_OK},
                        [AWAITING] = {INTERVAL, 0, ZX_OK},
                        [INTERVAL] = {INTERVAL, 0, ZX_OK},
                        [CLAIMED] = {INTERVAL, 0, ZX_OK},
                    },
                .waits = true, /* the wakes are those of "shrink_below" */
            },
            {
                .name = "detach",
                .start = event_detach,
                .detaches = true,
                .trap =
                    {
                        [EMPTY] = {EMPTY, 0, ZX_OK},
                        [CLEAN] = {EMPTY, 0, ZX_OK},
                        [MARKER] = {EMPTY, 0, ZX_OK},
                        [DIRTY] = {DIRTY, 0, ZX_OK},
                        [AWAITING] = {AWAITING, 0, ZX_OK},
                        [INTERVAL] = {INTERVAL, 0, ZX_OK},
                        [CLAIMED] = {CLAIMED, 0, ZX_OK},
                    },
                .plain =
                    {
                        [EMPTY] = {EMPTY, 0, ZX_OK},
                        [CLEAN] = {EMPTY, 0, ZX_OK},
                        [MARKER] = {EMPTY, 0, ZX_OK},
                        [DIRTY] = {DIRTY, 0, ZX_OK},
                        [AWAITING] = {AWAITING, 0, ZX_OK},
                        [INTERVAL] = {INTERVAL, 0, ZX_OK},
                        [CLAIMED] = {CLAIMED, 0, ZX_OK},
                    },
                .read_waiter = FAILS_STATE,
                .dirty_waiter = FAILS_STATE,
            },
            {
                .name = "dont_need",
                .start = dont_need,
                .trap =
                    {
                        [EMPTY] = {EMPTY, 0, ZX_OK},
                        [CLEAN] = {CLEAN_OR_EMPTY, 0, ZX_OK},
                        [MARKER] = {CLEAN_OR_EMPTY, 0, ZX_OK},
                        [DIRTY] = {DIRTY, 0, ZX_OK},
                        [AWAITING] = {AWAITING, 0, ZX_OK},
                        [INTERVAL] = {INTERVAL, 0, ZX_OK},
                        [CLAIMED] = {CLAIMED, 0, ZX_OK},
                    },
                .plain =
                    {
                        [EMPTY] = {EMPTY, 0, ZX_OK},
                        [CLEAN] = {CLEAN_OR_EMPTY, 0, ZX_OK},
                        [MARKER] = {CLEAN_OR_EMPTY, 0, ZX_OK},
                        [DIRTY] = {DIRTY, 0, ZX_OK},
                        [AWAITING] = {AWAITING, 0, ZX_OK},
                        [INTERVAL] = {INTERVAL, 0, ZX_OK},
                        [CLAIMED] = {CLAIMED, 0, ZX_OK},
                    },
                .read_waiter = STAYS,
                .dirty_waiter = STAYS,
            },
};
enum {
  ROWS = sizeof(rows) / sizeof(rows[0])
};

struct context {
  const struct row* row;
  enum state state;
  bool trap;
  enum via via;
};

/* ---- Before ---- */

static struct root* prepare(const struct context* c, uint8_t bytes[3]) {
  struct root* v = make_resizable_root_of(c->trap, PAGES);
  if (c->via == VIA_MAPPING) map_of(v);
  set_zeros(bytes);
  switch (c->state) {
    case EMPTY:
      set_supplied(bytes, TAG); /* what it will be given when it asks */
      return v;
    case MARKER:
      supply_zeros(v, PAGE_NUMBER, 1);
      break;
    case INTERVAL:
    case CLAIMED:
      zero_pages(v, PAGE_NUMBER, 1);
      if (c->state == CLAIMED) begin_zero_writeback(v, PAGE_NUMBER, 1);
      break;
    default:
      supply_at(HERE, v, PAGE_NUMBER, 1, TAG);
      set_supplied(bytes, TAG);
      break;
  }
  if (c->state == DIRTY || c->state == AWAITING) {
    poke(c->via, v, PAGE_NUMBER, OLD_VALUE);
    bytes[0] = OLD_VALUE;
    if (c->state == AWAITING) begin_writeback(v, PAGE_NUMBER, 1);
  } else {
    expect_byte(start_touch(c->via, v, PAGE_NUMBER), bytes[0]);
  }
  return v;
}

/* ---- After ---- */

/* The page has these bytes, and nobody was asked. */
static void expect_probes(enum via via, struct root* v, const uint8_t bytes[3]) {
  const uint64_t before = waits_now();
  for (unsigned i = 0; i < 3; i++) {
    const uint64_t offset = PAGE_NUMBER * PAGE + probes[i];
    expect_byte(via == VIA_MAPPING ? start_load(v->map + offset) : start_read(v->vmo, offset, 1),
                bytes[i]);
  }
  check_equal(waits_now(), before);
}

static void expect_list(struct root* v, bool data, bool zero) {
  const struct listed entry = {PAGE_NUMBER, 1, zero};
  expect_listed_at(HERE, v, PAGE_NUMBER, 1, &entry, data || zero ? 1 : 0);
}

static void expect_gone(const struct context* c, struct root* v) {
  expect_list(v, false, false);
  check_equal(committed_pages(v->vmo), 0);
  struct worker* w = start_poke(c->via, v, PAGE_NUMBER, VALUE);
  if (c->row->detaches) {
    expect_failed(w, ZX_ERR_BAD_STATE);
    return;
  }
  expect_read(v, PAGE_NUMBER, 1);
  fail_pages(v, PAGE_NUMBER, 1, ZX_ERR_IO);
  expect_failed(w, ZX_ERR_IO);
}

static void expect_write_is_trapped(const struct context* c, struct root* v) {
  if (c->row->detaches) {
    expect_failed(start_poke(c->via, v, PAGE_NUMBER, VALUE), ZX_ERR_BAD_STATE);
  } else {
    expect_write_asks(c->via, v, PAGE_NUMBER);
  }
}

static void expect_state(const struct context* c, struct root* v, enum state state,
                         const uint8_t bytes[3]) {
  if (state == CLEAN_OR_EMPTY) {
    expect_list(v, false, false);
    return;
  }
  if (state == EMPTY) {
    expect_gone(c, v);
    return;
  }
  const bool data = state == DIRTY || state == AWAITING;
  const bool zero = state == INTERVAL || state == CLAIMED;
  expect_list(v, data, zero);
  check_equal(committed_pages(v->vmo), data || state == CLEAN ? 1 : 0);
  expect_probes(VIA_CALLS, v, bytes);
  expect_probes(c->via, v, bytes);
  if (c->trap && state != DIRTY) expect_write_is_trapped(c, v);
  expect_list(v, data, zero);

  end_writeback(v, PAGE_NUMBER, 1);
  if (state == CLAIMED) {
    if (c->via == VIA_CALLS) expect_gone(c, v);
    expect_list(v, false, false);
    return;
  }
  expect_list(v, state == DIRTY, zero);
  expect_probes(c->via, v, bytes);
  if (c->trap && state != DIRTY) {
    expect_write_is_trapped(c, v);
  } else {
    poke_freely(c->via, v, PAGE_NUMBER, 1);
    expect_list(v, true, false);
  }
}

static void cell_body(const void* argument) {
  const struct context* c = argument;
  if (c->via == VIA_MAPPING) need_mappings();
  const struct cell* cell = c->trap ? &c->row->trap[c->state] : &c->row->plain[c->state];
  uint8_t bytes[3];
  struct root* v = prepare(c, bytes);

  struct worker* w = c->row->start(c->via, v);
  if ((cell->asks & ASKS_READ) != 0) {
    expect_read(v, PAGE_NUMBER, 1);
    expect_waiting(w);
    supply_at(HERE, v, PAGE_NUMBER, 1, TAG);
  }
  if ((cell->asks & ASKS_DIRTY) != 0) {
    expect_dirty(v, PAGE_NUMBER, 1);
    expect_waiting(w);
    dirty_pages(v, PAGE_NUMBER, 1);
  }
  expect_status(w, cell->status);
  if (c->row->changes != NULL) c->row->changes(bytes, c->state);
  if (c->row->detaches) expect_complete(v);
  expect_nothing();
  expect_state(c, v, cell->after, bytes);
  expect_nothing();
}

static void run_cell(void** state) { scenario_run(cell_body, *state, 0); }

/* ---- Who waits ---- */

/* Cuts the page off, and does not bring it back: the other half of "shrink_below_and_growth". */
static struct worker* only_shrink(enum via via, struct root* v) {
  (void)via;
  return start_set_size(v->vmo, PAGE_NUMBER * PAGE);
}

static const struct row shrink_row = {
    .name = "shrink_below",
    .start = only_shrink,
    .read_waiter = FAILS_RANGE,
    .dirty_waiter = FAILS_RANGE,
};

/* The writer is still blocked after the event, and an answer lets it go. */
static void finish_writer(struct root* v, struct worker* writer, enum state state) {
  expect_waiting(writer);
  expect_nothing();
  const zx_status_t status = try_dirty(v, PAGE_NUMBER, 1);
  if (state == EMPTY || (state == CLEAN_OR_EMPTY && status != ZX_OK)) {
    check_status(status, ZX_ERR_NOT_FOUND);
    expect_read(v, PAGE_NUMBER, 1);
    supply_at(HERE, v, PAGE_NUMBER, 1, TAG);
    expect_dirty(v, PAGE_NUMBER, 1);
    dirty_pages(v, PAGE_NUMBER, 1);
  } else {
    check_ok(status);
  }
  expect_ok(writer);
  expect_list(v, true, false);
  expect_bytes(v, PAGE_NUMBER, 1, VALUE);
}

static void wake_body(const void* argument) {
  const struct context* c = argument;
  if (c->via == VIA_MAPPING) need_mappings();
  const bool reads = c->state == EMPTY;
  uint8_t bytes[3];
  struct root* v = prepare(c, bytes);
  struct worker* waiter;
  if (reads) {
    waiter = start_touch(c->via, v, PAGE_NUMBER);
    expect_read(v, PAGE_NUMBER, 1);
  } else {
    waiter = start_poke(c->via, v, PAGE_NUMBER, VALUE);
    expect_dirty(v, PAGE_NUMBER, 1);
  }

  await_end(c->row->start(VIA_CALLS, v));
  if (c->row->changes != NULL) c->row->changes(bytes, c->state);
  switch (reads ? c->row->read_waiter : c->row->dirty_waiter) {
    case STAYS:
      if (reads) {
        expect_waiting(waiter);
        expect_nothing();
        supply_at(HERE, v, PAGE_NUMBER, 1, TAG);
        expect_byte(waiter, content_byte(TAG, PAGE_NUMBER, 0));
      } else {
        finish_writer(v, waiter, c->row->trap[c->state].after);
      }
      break;
    case GOES_ON:
      if (reads) {
        expect_byte(waiter, bytes[0]);
      } else {
        expect_ok(waiter);
        expect_bytes(v, PAGE_NUMBER, 1, VALUE);
      }
      break;
    case FAILS_IO:
      expect_failed(waiter, ZX_ERR_IO);
      break;
    case FAILS_RANGE:
      expect_failed(waiter, ZX_ERR_OUT_OF_RANGE);
      break;
    case FAILS_STATE:
      expect_failed(waiter, ZX_ERR_BAD_STATE);
      expect_complete(v);
      break;
  }
  expect_nothing();
}

static void run_wake(void** state) { scenario_run(wake_body, *state, 0); }

/* ---- All of them ---- */

enum {
  MAX_TESTS = (ROWS + 1) * STATES * 2 * 2 * 2
};

static struct context contexts[MAX_TESTS];
static char names[MAX_TESTS][96];
static struct CMUnitTest tests[MAX_TESTS];
static size_t test_count;

static void add(CMUnitTestFunction function, const char* sort, struct context context) {
  contexts[test_count] = context;
  snprintf(names[test_count], sizeof(names[0]), "%s__%s__%s__%s_%s", context.row->name,
           state_names[context.state], sort, context.trap ? "trap" : "plain",
           context.via == VIA_MAPPING ? "through_mapping" : "through_calls");
  tests[test_count] = (struct CMUnitTest){
      .name = names[test_count],
      .test_func = function,
      .initial_state = &contexts[test_count],
  };
  test_count++;
}

static void add_wakes(const struct row* row) {
  for (unsigned s = 0; s < STATES; s++) {
    if (s == DIRTY) continue; /* nobody waits for a dirty page */
    for (unsigned i = 0; i < 4; i++) {
      const bool trap = i < 2;
      if (!trap && s != EMPTY) continue; /* a plain root has no DIRTY requests */
      add(run_wake, "waiter",
          (struct context){row, (enum state)s, trap, i % 2 == 0 ? VIA_MAPPING : VIA_CALLS});
    }
  }
}

int main(int argc, char** argv) {
  for (unsigned r = 0; r < ROWS; r++) {
    for (unsigned s = 0; s < STATES; s++) {
      for (unsigned i = 0; i < 4; i++) {
        add(run_cell, "page",
            (struct context){&rows[r], (enum state)s, i < 2, i % 2 == 0 ? VIA_MAPPING : VIA_CALLS});
      }
    }
    if (!rows[r].waits) add_wakes(&rows[r]);
  }
  add_wakes(&shrink_row);
  return scenario_main(tests, test_count, argc, argv);
}
