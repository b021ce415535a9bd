/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the example shows while it runs: a map of the file that fills as its pages arrive, how many
 * pages and requests that makes a second, and how far the readers are. On a terminal it is drawn in
 * place; elsewhere it is a line a second.
 */
#ifndef EXAMPLES_FILEPAGER_VIEW_H_
#define EXAMPLES_FILEPAGER_VIEW_H_

#include <uv.h>

#include "readers.h"
#include "server.h"

struct view {
  const struct server* server;
  const struct reader* readers;
  unsigned reader_count;
  uv_timer_t timer;
  bool terminal;
  unsigned width;   /* of the terminal, with a column to spare */
  unsigned columns; /* of the map */
  unsigned rows;
  bool drawn; /* there is a map on the terminal to be drawn over */
  uint64_t started;
  /* At the last line, for the rates. */
  uint64_t last_time;
  uint64_t last_pages;
  uint64_t last_requests;
};

/* Starts to draw from a timer on the server's loop. */
void view_start(struct view* v, const struct server* server, const struct reader* readers,
                unsigned reader_count);

/* Draws the last state and closes the timer. */
void view_stop(struct view* v);

#endif /* EXAMPLES_FILEPAGER_VIEW_H_ */
