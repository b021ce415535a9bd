/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The page map against a plain model: an array with the state of every page, in which each rule of
 * writeback.md 2 is followed page by page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include "script.h"
#include "vm/page_map.h"
/* After the headers that it needs and does not include. */
#include <cmocka.h>

/* Pages of the model: several leaves, and ends that are no multiple of a leaf. */
#define PAGES 300

/* ---- The model ---- */

static struct {
  unsigned char state[PAGES];
  uint64_t await[PAGES]; /* counts at the first page of an interval only */
} model;

/* A fault in the model, to see that the comparison finds it. */
static enum {
  NO_FAULT,
  SPLIT_KEEPS_AWAIT_RIGHT,
  MARK_NOT_CARRIED
} model_fault;

static bool in_interval(int64_t page) {
  return page >= 0 && page < PAGES && model.state[page] == ZXP_PAGE_INTERVAL;
}

static bool starts_interval(int64_t page) { return in_interval(page) && !in_interval(page - 1); }

static uint64_t interval_start(uint64_t page) {
  while (in_interval((int64_t)page - 1)) {
    page--;
  }
  return page;
}

static uint64_t interval_end(uint64_t page) {
  while (in_interval((int64_t)page)) {
    page++;
  }
  return page;
}

static void model_set(uint64_t first, uint64_t end, unsigned char state) {
  for (uint64_t p = first; p < end; p++) {
    if (in_interval((int64_t)p) && in_interval((int64_t)p + 1)) {
      const uint64_t claimed = model.await[interval_start(p)];
      uint64_t rest = 0;
      if (starts_interval((int64_t)p)) {
        rest = claimed == 0 ? 0 : claimed - 1;
      } else if (model_fault == SPLIT_KEEPS_AWAIT_RIGHT) {
        rest = claimed;
      }
      model.await[p + 1] = rest;
    }
    model.state[p] = state;
  }
}

static void model_zero(uint64_t first, uint64_t end) {
  for (uint64_t p = first; p < end; p++) {
    if (model.state[p] != ZXP_PAGE_MARKER && model.state[p] != ZXP_PAGE_INTERVAL) {
      model.state[p] = ZXP_PAGE_INTERVAL;
      model.await[p] = 0;
    }
  }
}

static void model_writeback_begin(uint64_t first, uint64_t end, bool zero_only) {
  for (uint64_t p = first; p < end; p++) {
    if (model.state[p] == ZXP_PAGE_DIRTY && !zero_only) {
      model.state[p] = ZXP_PAGE_AWAITING;
    }
    if (starts_interval((int64_t)p)) {
      const uint64_t own_end = interval_end(p);
      const uint64_t claimed = (own_end < end ? own_end : end) - p;
      model.await[p] = model.await[p] > claimed ? model.await[p] : claimed;
    }
  }
}

/* Marks the pages that became empty in `emptied`. */
static void model_writeback_end(uint64_t first, uint64_t end, bool* emptied) {
  uint64_t mark = first;
  for (uint64_t p = first; p < end; p++) {
    if (model.state[p] == ZXP_PAGE_AWAITING) {
      model.state[p] = ZXP_PAGE_CLEAN;
    }
    if (!starts_interval((int64_t)p)) {
      continue;
    }
    if (model_fault == MARK_NOT_CARRIED) {
      mark = p;
    }
    const uint64_t own_end = interval_end(p);
    mark = mark > p + model.await[p] ? mark : p + model.await[p];
    uint64_t gone_end = mark < end ? mark : end;
    gone_end = gone_end < own_end ? gone_end : own_end;
    if (gone_end < p) {
      gone_end = p;
    }
    if (gone_end < own_end) {
      const uint64_t gone = gone_end - p;
      model.await[gone_end] = model.await[p] > gone ? model.await[p] - gone : 0;
    }
    for (uint64_t q = p; q < gone_end; q++) {
      model.state[q] = ZXP_PAGE_EMPTY;
      emptied[q] = true;
    }
    /* What remains of the interval starts at gone_end now, but is not a new one to look at. */
    p = own_end - 1;
  }
}

/* ---- The comparison ---- */

struct told {
  uint64_t base;
  bool page[PAGES];
  bool wrong; /* a run that is empty, outside, not the longest, or told twice */
};

static void tell(void* context, uint64_t first, uint64_t count) {
  struct told* t = context;
  first -= t->base;
  if (count == 0 || first >= PAGES || count > PAGES - first || (first > 0 && t->page[first - 1]) ||
      (first + count < PAGES && t->page[first + count])) {
    t->wrong = true;
    return;
  }
  for (uint64_t p = first; p < first + count; p++) {
    t->wrong |= t->page[p];
    t->page[p] = true;
  }
}

#define DIFFER(...)            \
  do {                         \
    fprintf(out, __VA_ARGS__); \
    fprintf(out, "\n");        \
    return false;              \
  } while (0)

/* The states as one sees them from page `from` to `end` of the model. */
static bool same_queries(const struct zxp_page_map* map, uint64_t base, uint64_t from, uint64_t end,
                         FILE* out) {
  uint64_t run = 1;
  while (from + run < end && model.state[from + run] == model.state[from]) {
    run++;
  }
  enum zxp_page_state state;
  const uint64_t got = zxp_page_map_run(map, base + from, end - from, &state);
  if (state != model.state[from] || got != run) {
    DIFFER("run from %d to %d: %d pages of state %d, not %d of %d", (int)from, (int)end, (int)got,
           (int)state, (int)run, model.state[from]);
  }

  uint64_t present = from;
  uint64_t resident = 0;
  while (present < end && model.state[present] == ZXP_PAGE_EMPTY) {
    present++;
  }
  if (zxp_page_map_next_present(map, base + from, base + end) != base + present) {
    DIFFER("next present from %d to %d is not %d", (int)from, (int)end, (int)present);
  }
  for (uint64_t p = from; p < end; p++) {
    resident += zxp_page_state_resident((enum zxp_page_state)model.state[p]);
  }
  if (zxp_page_map_count_resident(map, base + from, end - from) != resident) {
    DIFFER("resident from %d to %d are not %d", (int)from, (int)end, (int)resident);
  }

  /* A dirty-range query, entry by entry. */
  uint64_t at = from;
  for (;;) {
    while (at < end && model.state[at] != ZXP_PAGE_DIRTY && model.state[at] != ZXP_PAGE_AWAITING &&
           model.state[at] != ZXP_PAGE_INTERVAL) {
      at++;
    }
    uint64_t first = 0;
    uint64_t count = 0;
    bool zero = false;
    const bool any = zxp_page_map_next_dirty(map, base + from, base + end, &first, &count, &zero);
    if (any != (at < end)) {
      DIFFER("dirty from %d to %d: %s", (int)from, (int)end, any ? "one too many" : "one missing");
    }
    if (!any) {
      return true;
    }
    const bool is_zero = model.state[at] == ZXP_PAGE_INTERVAL;
    uint64_t after = at;
    while (after < end && (is_zero ? model.state[after] == ZXP_PAGE_INTERVAL
                                   : model.state[after] == ZXP_PAGE_DIRTY ||
                                         model.state[after] == ZXP_PAGE_AWAITING)) {
      after++;
    }
    if (first != base + at || count != after - at || zero != is_zero) {
      DIFFER("dirty from %d: {%d, %d, %d}, not {%d, %d, %d}", (int)from, (int)(first - base),
             (int)count, zero, (int)at, (int)(after - at), is_zero);
    }
    from = at = after;
  }
}

static bool same(const struct zxp_page_map* map, uint64_t base, FILE* out) {
  if (!zxp_page_map_check(map)) {
    DIFFER("an invariant is broken");
  }
  uint64_t resident = 0;
  uint64_t start = 0; /* of the interval that p lies in, if in one */
  uint64_t after = 0;
  for (uint64_t p = 0; p < PAGES; p++) {
    const enum zxp_page_state got = zxp_page_map_get(map, base + p);
    if (got != model.state[p]) {
      DIFFER("page %d: state %d, not %d", (int)p, (int)got, model.state[p]);
    }
    resident += zxp_page_state_resident((enum zxp_page_state)model.state[p]);

    if (starts_interval((int64_t)p)) {
      start = p;
      after = interval_end(p);
    }
    const bool inside = in_interval((int64_t)p);
    const uint64_t want = inside ? model.await[start] : 0;
    const uint64_t want_first = inside ? base + start : 0;
    const uint64_t want_count = inside ? after - start : 0;
    uint64_t first = 1;
    uint64_t count = 1;
    const uint64_t await = zxp_page_map_interval_await(map, base + p, &first, &count);
    if (await != want || first != want_first || count != want_count) {
      DIFFER("page %d: await %d of {%d, %d}, not %d of {%d, %d}", (int)p, (int)await,
             (int)(first - base), (int)count, (int)want, (int)start, (int)want_count);
    }
  }
  if (map->resident != resident) {
    DIFFER("%d pages resident, not %d", (int)map->resident, (int)resident);
  }
  return true;
}

/* ---- Scripts ---- */

enum kind {
  SET,
  ZERO,
  CUT,
  DROP_CLEAN,
  BEGIN,
  BEGIN_ZERO,
  END,
  QUERY,
  KINDS
};

static struct script_op make(struct rng* rng) {
  struct script_op op = {.kind = (unsigned)rng_below(rng, KINDS),
                         .a = rng_below(rng, PAGES),
                         .b = rng_one_in(rng, 3)   ? rng_below(rng, PAGES)
                              : rng_one_in(rng, 2) ? 1
                                                   : rng_below(rng, 8),
                         .c = rng_below(rng, 5)};
  if (op.kind == CUT && !rng_one_in(rng, 8)) {
    /* Else there is never much in the map. */
    op.kind = ZERO;
  }
  return op;
}

/* The range of an operation, inside the model whatever the numbers. */
static void range_of(const struct script_op* op, uint64_t* first, uint64_t* end) {
  *first = op->a % PAGES;
  *end = *first + op->b % (PAGES - *first + 1);
}

static void print(const struct script_op* op, FILE* out) {
  static const char* const names[KINDS] = {[SET] = "set",     [ZERO] = "zero",
                                           [CUT] = "cut",     [DROP_CLEAN] = "drop_clean",
                                           [BEGIN] = "begin", [BEGIN_ZERO] = "begin zero_only",
                                           [END] = "end",     [QUERY] = "query"};
  uint64_t first;
  uint64_t end;
  range_of(op, &first, &end);
  fprintf(out, "%s (%d, %d)", names[op->kind], (int)first, (int)(end - first));
  if (op->kind == SET) {
    fprintf(out, " state %d", (int)(op->c % 5));
  }
}

static bool apply(struct zxp_page_map* map, uint64_t base, const struct script_op* op, FILE* out) {
  static struct told told;
  static bool expected[PAGES];
  uint64_t first;
  uint64_t end;
  range_of(op, &first, &end);
  const uint64_t count = end - first;
  memset(&told, 0, sizeof told);
  memset(expected, 0, sizeof expected);
  told.base = base;

  switch ((enum kind)op->kind) {
    case SET:
      model_set(first, end, (unsigned char)(op->c % 5));
      if (zxp_page_map_set(map, base + first, count, (enum zxp_page_state)(op->c % 5)) != ZX_OK) {
        DIFFER("set failed");
      }
      break;
    case ZERO:
      model_zero(first, end);
      if (zxp_page_map_zero(map, base + first, count) != ZX_OK) {
        DIFFER("zero failed");
      }
      break;
    case CUT:
      memset(model.state + first, ZXP_PAGE_EMPTY, PAGES - first);
      zxp_page_map_cut(map, base + first);
      break;
    case DROP_CLEAN:
      for (uint64_t p = first; p < end; p++) {
        expected[p] = model.state[p] == ZXP_PAGE_CLEAN;
        if (model.state[p] == ZXP_PAGE_CLEAN || model.state[p] == ZXP_PAGE_MARKER) {
          model.state[p] = ZXP_PAGE_EMPTY;
        }
      }
      zxp_page_map_drop_clean(map, base + first, count, tell, &told);
      break;
    case BEGIN:
    case BEGIN_ZERO:
      model_writeback_begin(first, end, op->kind == BEGIN_ZERO);
      zxp_page_map_writeback_begin(map, base + first, count, op->kind == BEGIN_ZERO);
      break;
    case END:
      model_writeback_end(first, end, expected);
      zxp_page_map_writeback_end(map, base + first, count, tell, &told);
      break;
    case QUERY:
      return count == 0 || same_queries(map, base, first, end, out);
    case KINDS:
      break;
  }
  if (told.wrong || memcmp(told.page, expected, sizeof expected) != 0) {
    DIFFER("the callback was told other runs");
  }
  return same(map, base, out);
}

/* Where page 0 of the model lies: at the start, across leaves, at the largest page number there is.
 */
static const uint64_t bases[] = {0, 1037, (UINT64_C(1) << 52) - PAGES};

static bool run(const struct script_op* ops, size_t count, FILE* out) {
  for (size_t b = 0; b < sizeof bases / sizeof *bases; b++) {
    struct zxp_page_map map;
    zxp_page_map_init(&map);
    memset(&model, 0, sizeof model);
    bool fine = true;
    for (size_t i = 0; i < count && fine; i++) {
      fine = apply(&map, bases[b], &ops[i], out);
      if (!fine) {
        fprintf(out, "after operation %d, first page %llu\n", (int)i + 1,
                (unsigned long long)bases[b]);
      }
    }
    zxp_page_map_destroy(&map);
    if (!fine) {
      return false;
    }
  }
  return true;
}

static const struct script_subject subject = {
    .name = "page map", .length = 200, .make = make, .run = run, .print = print};

/* writeback.md 2, 5, 6: every rule that the model follows. */
static void the_map_does_what_the_model_does(void** state) {
  (void)state;
  script_check(&subject, random_seed(), random_rounds(40));
}

/* A comparison that finds nothing must be one that could have. */
static void a_fault_is_found_and_shrunk(void** state) {
  (void)state;
  static struct script_failure failure;
  /* Zero pages, claim them, set one inside, look: four operations at most. */
  model_fault = SPLIT_KEEPS_AWAIT_RIGHT;
  assert_true(script_search(&subject, 1, 40, &failure));
  assert_in_range(failure.count, 1, 4);
  /* Zero pages, claim them, set one inside, end. */
  model_fault = MARK_NOT_CARRIED;
  assert_true(script_search(&subject, 1, 40, &failure));
  assert_in_range(failure.count, 1, 4);
  model_fault = NO_FAULT;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_map_does_what_the_model_does),
      cmocka_unit_test(a_fault_is_found_and_shrunk),
  };
  return cmocka_run_group_tests_name("page map, random", tests, NULL, NULL);
}
