/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Outstanding page requests against a plain model: for every page the request that it belongs to,
 * for every request the set of its pages that are unanswered. What ops are told must be the same,
 * in the same order (pager.md 5 and 6).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <zircon/errors.h>

#include "script.h"
#include "vm/page_request.h"
/* After the headers that it needs and does not include. */
#include <cmocka.h>

#define PAGES   24
#define THREADS 8
#define EVENTS  64

/* ---- What happened, and what should have ---- */

enum what {
  ANNOUNCE,
  WITHDRAW,
  WAKE,
  WAKE_EARLY
};

struct event {
  enum what what;
  int subject; /* a request: kind; a waiter: which */
  uint64_t first;
  uint64_t count;
  zx_status_t status;
};

struct events {
  struct event all[EVENTS];
  size_t count;
};

static struct events got;
static struct events want;

static void add(struct events* e, enum what what, int subject, uint64_t first, uint64_t count,
                zx_status_t status) {
  if (e->count < EVENTS) {
    e->all[e->count++] = (struct event){what, subject, first, count, status};
  }
}

static void print_events(const char* title, const struct events* e, FILE* out) {
  fprintf(out, "%s:", title);
  for (size_t i = 0; i < e->count; i++) {
    const struct event* const v = &e->all[i];
    switch (v->what) {
      case ANNOUNCE:
      case WITHDRAW:
        fprintf(out, " %s %s %d+%d", v->what == ANNOUNCE ? "announce" : "withdraw",
                v->subject == ZXP_REQUEST_READ ? "READ" : "DIRTY", (int)v->first, (int)v->count);
        break;
      case WAKE:
        fprintf(out, " T%d:%d", v->subject, v->status);
        break;
      case WAKE_EARLY:
        fprintf(out, " T%d early", v->subject);
        break;
    }
  }
  fprintf(out, "\n");
}

static bool same_events(void) {
  if (got.count != want.count) {
    return false;
  }
  for (size_t i = 0; i < got.count; i++) {
    const struct event* const g = &got.all[i];
    const struct event* const w = &want.all[i];
    if (g->what != w->what || g->subject != w->subject || g->first != w->first ||
        g->count != w->count || g->status != w->status) {
      return false;
    }
  }
  return true;
}

/* ---- The model ---- */

struct model_request {
  bool stands;
  bool unanswered[PAGES];
  int again;            /* pages answered that had been answered before */
  int waiters[THREADS]; /* in the order in which they came */
  int waiter_count;
};

struct model_waiter {
  int request; /* -1: waits for nothing */
  int kind;
  uint64_t next;
  uint64_t end;
  bool partial;
};

static struct {
  int owner[ZXP_REQUEST_KINDS][PAGES]; /* the request of a page, or -1 */
  struct model_request request[THREADS];
  struct model_waiter waiter[THREADS];
} model;

/* A fault in the model, to see that the comparison finds it. */
static bool model_wakes_everyone_early;

static void model_reset(void) {
  memset(&model, 0, sizeof model);
  memset(model.owner, -1, sizeof model.owner);
  for (int t = 0; t < THREADS; t++) {
    model.waiter[t].request = -1;
  }
}

static void model_range(int kind, int r, uint64_t* first, uint64_t* end) {
  *first = *end = 0;
  for (uint64_t p = 0; p < PAGES; p++) {
    if (model.owner[kind][p] == r) {
      *first = *end == 0 ? p : *first;
      *end = p + 1;
    }
  }
}

static void model_ask(int t, int kind, uint64_t first, uint64_t end, bool partial) {
  struct model_waiter* const w = &model.waiter[t];
  int r = model.owner[kind][first];
  uint64_t stop = first;
  if (r >= 0) {
    while (stop < end && model.owner[kind][stop] == r) {
      stop++;
    }
  } else {
    for (r = 0; model.request[r].stands;) {
      r++;
    }
    memset(&model.request[r], 0, sizeof model.request[r]);
    model.request[r].stands = true;
    while (stop < end && model.owner[kind][stop] < 0) {
      model.owner[kind][stop] = r;
      model.request[r].unanswered[stop] = true;
      stop++;
    }
    add(&want, ANNOUNCE, kind, first, stop - first, 0);
  }
  struct model_request* const m = &model.request[r];
  m->waiters[m->waiter_count++] = t;
  *w = (struct model_waiter){r, kind, first, stop, partial};
}

static void model_remove(int kind, int r) {
  uint64_t first;
  uint64_t end;
  model_range(kind, r, &first, &end);
  add(&want, WITHDRAW, kind, first, end - first, 0);
  for (uint64_t p = first; p < end; p++) {
    model.owner[kind][p] = -1;
  }
  model.request[r].stands = false;
}

static void model_end(int kind, int r, uint64_t first, uint64_t end, zx_status_t status) {
  struct model_request* const m = &model.request[r];
  model_remove(kind, r);
  for (int i = 0; i < m->waiter_count; i++) {
    struct model_waiter* const w = &model.waiter[m->waiters[i]];
    bool meets = false;
    for (uint64_t p = w->next; p < w->end; p++) {
      meets |= p >= first && p < end;
    }
    w->request = -1;
    add(&want, WAKE, m->waiters[i], 0, 0, meets ? status : ZX_OK);
  }
}

static void model_answered(int kind, uint64_t first, uint64_t end) {
  for (uint64_t p = first; p < end;) {
    const int r = model.owner[kind][p];
    const uint64_t run_first = p;
    struct model_request* const m = &model.request[r < 0 ? 0 : r];
    while (p < end && model.owner[kind][p] == r) {
      if (r >= 0) {
        m->again += !m->unanswered[p];
        m->unanswered[p] = false;
      }
      p++;
    }
    if (r < 0) {
      continue;
    }
    int left = 0;
    for (int q = 0; q < PAGES; q++) {
      left += m->unanswered[q];
    }
    const struct model_waiter* const maker = &model.waiter[m->waiters[0]];
    if (left <= m->again) {
      model_end(kind, r, 0, 0, ZX_OK);
    } else if (kind == ZXP_REQUEST_DIRTY || (maker->partial && maker->next == run_first)) {
      /* DIRTY: each for itself (objects.md 11.4). */
      const uint64_t from = kind == ZXP_REQUEST_DIRTY ? run_first : 0;
      for (int i = 0; i < m->waiter_count; i++) {
        const struct model_waiter* const w = &model.waiter[m->waiters[i]];
        if (w->partial && w->next >= from && (w->next < p || model_wakes_everyone_early)) {
          add(&want, WAKE_EARLY, m->waiters[i], 0, 0, ZX_OK);
        }
      }
    }
  }
}

static size_t model_end_within(int kind, uint64_t first, uint64_t end, zx_status_t status) {
  size_t ended = 0;
  for (uint64_t p = first; p < end; p++) {
    if (model.owner[kind][p] >= 0) {
      model_end(kind, model.owner[kind][p], first, end, status);
      ended++;
    }
  }
  return ended;
}

static void model_leave(int t) {
  struct model_waiter* const w = &model.waiter[t];
  struct model_request* const m = &model.request[w->request];
  int at = 0;
  while (m->waiters[at] != t) {
    at++;
  }
  m->waiter_count--;
  memmove(m->waiters + at, m->waiters + at + 1,
          (size_t)(m->waiter_count - at) * sizeof *m->waiters);
  if (m->waiter_count == 0) {
    model_remove(w->kind, w->request);
  }
  w->request = -1;
}

/* ---- The set, and its ops ---- */

static struct zxp_request_set set;
static struct zxp_waiter* waiters[THREADS];

static void announce(struct zxp_request_set* s, struct zxp_request* r) {
  (void)s;
  add(&got, ANNOUNCE, (int)r->kind, r->node.key, r->count, 0);
}

static void withdraw(struct zxp_request_set* s, struct zxp_request* r) {
  (void)s;
  add(&got, WITHDRAW, (int)r->kind, r->node.key, r->count, 0);
}

static void wake(struct zxp_request_set* s, struct zxp_waiter* w, zx_status_t status, bool early) {
  (void)s;
  int t = 0;
  while (t < THREADS - 1 && waiters[t] != w) {
    t++;
  }
  add(&got, early ? WAKE_EARLY : WAKE, t, 0, 0, status);
  if (!early && waiters[t] == w) {
    free(w);
    waiters[t] = NULL;
  }
}

static const struct zxp_request_ops ops = {announce, withdraw, wake};

/* ---- Scripts ---- */

enum kind {
  ASK_READ,
  ASK_DIRTY,
  ANSWER_READ,
  ANSWER_DIRTY,
  FAIL,
  LEAVE,
  ADVANCE,
  END_ALL,
  KINDS
};

static struct script_op make(struct rng* rng) {
  static const enum kind likely[] = {ASK_READ,    ASK_READ,    ASK_READ, ASK_DIRTY,
                                     ANSWER_READ, ANSWER_READ, ADVANCE};
  const unsigned kind = rng_one_in(rng, 2)
                            ? (unsigned)likely[rng_below(rng, sizeof likely / sizeof *likely)]
                            : (unsigned)rng_below(rng, KINDS);
  if (kind == END_ALL && !rng_one_in(rng, 5)) {
    return make(rng);
  }
  return (struct script_op){kind, rng_below(rng, PAGES),
                            1 + (rng_one_in(rng, 3) ? rng_below(rng, PAGES) : rng_below(rng, 5)),
                            rng_below(rng, (uint64_t)THREADS * 2)};
}

static void range_of(const struct script_op* op, uint64_t* first, uint64_t* end) {
  *first = op->a % PAGES;
  *end = *first + op->b % (PAGES - *first + 1);
}

static int thread_of(const struct script_op* op) { return (int)(op->c % THREADS); }
static bool partial_of(const struct script_op* op) { return op->c / THREADS % 2 != 0; }

static void print(const struct script_op* op, FILE* out) {
  static const char* const names[KINDS] = {[ASK_READ] = "asks READ",
                                           [ASK_DIRTY] = "asks DIRTY",
                                           [ANSWER_READ] = "READ answered",
                                           [ANSWER_DIRTY] = "DIRTY answered",
                                           [FAIL] = "failed",
                                           [LEAVE] = "leaves",
                                           [ADVANCE] = "has copied a page of",
                                           [END_ALL] = "all end"};
  uint64_t first;
  uint64_t end;
  range_of(op, &first, &end);
  fprintf(out, "T%d%s %s (%d, %d)", thread_of(op), partial_of(op) ? ", partial," : "",
          names[op->kind], (int)first, (int)(end - first));
}

static void apply(const struct script_op* op) {
  uint64_t first;
  uint64_t end;
  range_of(op, &first, &end);
  const int t = thread_of(op);
  struct model_waiter* const w = &model.waiter[t];

  switch ((enum kind)op->kind) {
    case ASK_READ:
    case ASK_DIRTY: {
      if (waiters[t] != NULL || first == end) {
        return;
      }
      const int kind = op->kind == ASK_READ ? ZXP_REQUEST_READ : ZXP_REQUEST_DIRTY;
      waiters[t] = malloc(sizeof *waiters[t]);
      zxp_waiter_init(waiters[t], partial_of(op));
      model_ask(t, kind, first, end, partial_of(op));
      (void)zxp_request_ask(&set, (enum zxp_request_kind)kind, waiters[t], first, end - first);
      return;
    }
    case ANSWER_READ:
      model_answered(ZXP_REQUEST_READ, first, end);
      zxp_request_answered(&set, ZXP_REQUEST_READ, first, end - first);
      return;
    case ANSWER_DIRTY:
      model_answered(ZXP_REQUEST_DIRTY, first, end);
      zxp_request_answered(&set, ZXP_REQUEST_DIRTY, first, end - first);
      return;
    case FAIL: {
      size_t n = model_end_within(ZXP_REQUEST_READ, first, end, ZX_ERR_IO);
      n += model_end_within(ZXP_REQUEST_DIRTY, first, end, ZX_ERR_IO);
      if (zxp_request_fail(&set, first, end - first, ZX_ERR_IO) != n) {
        add(&got, WAKE, -1, 0, 0, ZX_ERR_INTERNAL);
      }
      return;
    }
    case LEAVE:
      if (waiters[t] != NULL) {
        model_leave(t);
        zxp_request_leave(&set, waiters[t]);
        free(waiters[t]);
        waiters[t] = NULL;
      }
      return;
    case ADVANCE:
      if (waiters[t] != NULL && w->partial && w->next + 1 < w->end) {
        w->next++;
        zxp_waiter_advance(waiters[t], w->next);
      }
      return;
    case END_ALL:
      model_end_within(ZXP_REQUEST_READ, 0, PAGES, ZX_ERR_BAD_STATE);
      zxp_request_end_all(&set, ZXP_REQUEST_READ, ZX_ERR_BAD_STATE);
      return;
    case KINDS:
      return;
  }
}

static bool same_waiters(void) {
  for (int t = 0; t < THREADS; t++) {
    const struct model_waiter* const m = &model.waiter[t];
    if ((waiters[t] != NULL) != (m->request >= 0) ||
        (waiters[t] != NULL && (waiters[t]->next != m->next || waiters[t]->end != m->end))) {
      return false;
    }
  }
  return true;
}

static bool run(const struct script_op* script, size_t count, FILE* out) {
  zxp_request_set_init(&set, &ops);
  model_reset();
  bool fine = true;
  for (size_t i = 0; i < count && fine; i++) {
    got.count = want.count = 0;
    apply(&script[i]);
    fine = same_events() && same_waiters() && zxp_request_set_check(&set);
    if (!fine) {
      fprintf(out, "after operation %d\n", (int)i + 1);
      print_events("happened", &got, out);
      print_events("expected", &want, out);
    }
  }
  for (int t = 0; t < THREADS; t++) {
    if (waiters[t] != NULL) {
      zxp_request_leave(&set, waiters[t]);
      free(waiters[t]);
      waiters[t] = NULL;
    }
  }
  zxp_request_set_destroy(&set);
  return fine;
}

static const struct script_subject subject = {
    .name = "page requests", .length = 200, .make = make, .run = run, .print = print};

/* pager.md 5, 6: every rule that the model follows */
static void requests_do_what_the_model_does(void** state) {
  (void)state;
  script_check(&subject, random_seed(), random_rounds(200));
}

/* A comparison that finds nothing must be one that could have. */
static void a_fault_is_found_and_shrunk(void** state) {
  (void)state;
  static struct script_failure failure;
  /* A reader asks, one joins further behind, the front is answered. */
  model_wakes_everyone_early = true;
  assert_true(script_search(&subject, 1, 200, &failure));
  assert_in_range(failure.count, 1, 3);
  model_wakes_everyone_early = false;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(requests_do_what_the_model_does),
      cmocka_unit_test(a_fault_is_found_and_shrunk),
  };
  return cmocka_run_group_tests_name("page requests, random", tests, NULL, NULL);
}
