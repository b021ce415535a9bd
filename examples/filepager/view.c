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

/* The map has `cells` cells from `first` on in this row; a small file has fewer clusters than
 * cells. */
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

static void print_numbers(struct view* v, double pages_a_second, double requests_a_second) {
  const struct server* s = v->server;
  printf(" %3u%%  %llu/%llu pages, %llu requests  %.0f pages/s, %.0f requests/s",
         (unsigned)(s->pages_supplied * 100 / s->pages), (unsigned long long)s->pages_supplied,
         (unsigned long long)s->pages, (unsigned long long)s->requests, pages_a_second,
         requests_a_second);
  if (s->failed_requests > 0) {
    printf(", %llu failed", (unsigned long long)s->failed_requests);
  }
}

static void draw(struct view* v, uint64_t since, uint64_t pages, uint64_t requests) {
  const struct server* s = v->server;
  const uint64_t now = nanoseconds_now();
  const double seconds = (double)(now - since + 1) / 1e9;
  const double pages_a_second = (double)(s->pages_supplied - pages) / seconds;
  const double requests_a_second = (double)(s->requests - requests) / seconds;
  if (v->terminal) {
    if (v->drawn) {
      printf("\033[%uA", v->rows + 1);
    }
    for (unsigned row = 0; row < v->rows; row++) {
      printf("\r  ");
      print_row(v, row);
      printf("\033[K\n");
    }
    printf("\r ");
    print_numbers(v, pages_a_second, requests_a_second);
    printf("\033[K\n");
    v->drawn = true;
  } else {
    printf("%5.1f s  [", (double)(now - v->started) / 1e9);
    print_row(v, 0);
    printf("]");
    print_numbers(v, pages_a_second, requests_a_second);
    printf("\n");
  }
  fflush(stdout);
  v->last_time = now;
  v->last_pages = s->pages_supplied;
  v->last_requests = s->requests;
}

static void on_timer(uv_timer_t* timer) {
  struct view* v = timer->data;
  draw(v, v->last_time, v->last_pages, v->last_requests);
}

void view_start(struct view* v, const struct server* server) {
  *v = (struct view){.server = server, .columns = 32, .rows = 1};
  v->terminal = isatty(STDOUT_FILENO);
  struct winsize window;
  if (v->terminal) {
    v->columns = 64;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 3 &&
        window.ws_col - 3u < v->columns) {
      v->columns = window.ws_col - 3u;
    }
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
  draw(v, v->started, 0, 0);
  uv_close((uv_handle_t*)&v->timer, NULL);
}
