/* SPDX-License-Identifier: BSD-3-Clause */
#include "view.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TERMINAL_PERIOD_MS 100
#define LINE_PERIOD_MS     1000

/* How full a cell is, in fifths: the first is nothing at all, the last is everything. */
static const char fills[] = ".:+*#";

static char cell(const struct server* s, uint64_t from, uint64_t to) {
  uint64_t present = 0;
  for (uint64_t c = from; c < to; c++) {
    const enum cluster_state state =
        (enum cluster_state)atomic_load_explicit(&s->states[c], memory_order_relaxed);
    present += state == CLUSTER_PRESENT;
  }
  if (present == 0) return fills[0];
  if (present == to - from) return fills[4];
  return fills[1 + present * 3 / (to - from)];
}

/* A small file has fewer clusters than the map has cells: several cells then show the same one. */
static void print_row(const struct view* v, uint64_t row) {
  const struct server* s = v->server;
  const uint64_t cells = (uint64_t)v->rows * v->columns;
  for (unsigned i = 0; i < v->columns; i++) {
    const uint64_t n = row * v->columns + i;
    const uint64_t from = n * s->clusters / cells;
    const uint64_t to = (n + 1) * s->clusters / cells;
    putchar(cell(s, from, to > from ? to : from + 1));
  }
}

static unsigned percent_read(const struct view* v) {
  uint64_t pages = 0;
  for (unsigned i = 0; i < v->reader_count; i++) {
    pages += atomic_load_explicit(&v->readers[i].pages_read, memory_order_relaxed);
  }
  const uint64_t all = v->server->pages * v->reader_count;
  return all == 0 ? 100 : (unsigned)(pages * 100 / all);
}

/* What the numbers are told since. */
struct since {
  uint64_t time;
  uint64_t pages;
  uint64_t requests;
};

struct texts {
  char pages[128];
  char requests[128];
};

static void write_texts(const struct view* v, const struct since* since, struct texts* t) {
  const struct server* s = v->server;
  const double seconds = (double)(nanoseconds_now() - since->time + 1) / 1e9;
  snprintf(t->pages, sizeof t->pages, "%llu of %llu pages (%u%%), %.0f a second",
           (unsigned long long)s->pages_supplied, (unsigned long long)s->pages,
           (unsigned)(s->pages_supplied * 100 / s->pages),
           (double)(s->pages_supplied - since->pages) / seconds);
  const int n =
      snprintf(t->requests, sizeof t->requests, "%llu requests, %.0f a second; readers at %u%%",
               (unsigned long long)s->requests, (double)(s->requests - since->requests) / seconds,
               percent_read(v));
  if (s->failed_requests > 0) {
    snprintf(t->requests + n, sizeof t->requests - (size_t)n, "; %llu failed",
             (unsigned long long)s->failed_requests);
  }
}

static void draw_terminal(struct view* v, const struct texts* t) {
  if (v->drawn) {
    printf("\033[%uA", v->rows + 2); /* up again */
  }
  for (unsigned row = 0; row < v->rows; row++) {
    printf("\r  ");
    print_row(v, row);
    printf("\033[K\n"); /* nothing more in this line */
  }
  /* A line that wraps would throw the count of lines out. */
  printf("\r  %.*s\033[K\n\r  %.*s\033[K\n", (int)v->width - 2, t->pages, (int)v->width - 2,
         t->requests);
  v->drawn = true;
}

static void draw(struct view* v, const struct since* since) {
  struct texts t = {.pages = "", .requests = ""};
  write_texts(v, since, &t);
  if (v->terminal) {
    draw_terminal(v, &t);
  } else {
    printf("%5.1f s  [", (double)(nanoseconds_now() - v->started) / 1e9);
    print_row(v, 0);
    printf("] %s; %s\n", t.pages, t.requests);
  }
  fflush(stdout);
}

static void on_timer(uv_timer_t* timer) {
  struct view* v = timer->data;
  const struct since since = {v->last_time, v->last_pages, v->last_requests};
  draw(v, &since);
  v->last_time = nanoseconds_now();
  v->last_pages = v->server->pages_supplied;
  v->last_requests = v->server->requests;
}

void view_start(struct view* v, const struct server* server, const struct reader* readers,
                unsigned reader_count) {
  *v = (struct view){.server = server, .readers = readers, .reader_count = reader_count};
  v->columns = 32;
  v->rows = 1;
  v->terminal = isatty(STDOUT_FILENO);
  if (v->terminal) {
    struct winsize window;
    const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 8;
    v->width = known ? window.ws_col - 1u : 79;
    v->columns = v->width - 2 < 64 ? v->width - 2 : 64;
    v->rows = 8;
  }
  v->started = v->last_time = nanoseconds_now();
  v->timer.data = v;
  const uint64_t period = v->terminal ? TERMINAL_PERIOD_MS : LINE_PERIOD_MS;
  uv_timer_init(server->loop, &v->timer);
  uv_timer_start(&v->timer, on_timer, period, period);
}

void view_stop(struct view* v) {
  /* The last line tells of the whole run. */
  const struct since start = {.time = v->started};
  draw(v, &start);
  uv_close((uv_handle_t*)&v->timer, NULL);
}
