/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Placement: how a loop thread of the library's own waits for the next fault, by measurement.
 *
 * Where the thread that faults and the one that answers run decides more about a fault than the
 * code between them. A loop thread of the library's own has three ways to go about it:
 *
 *   PLAIN      answers, sleeps in epoll, and leaves the rest to the scheduler, like any loop
 *   TOGETHER   hands its core over to the thread it wakes (fault/handoff.h), and looks for the next
 *              fault before it goes to sleep
 *   SPIN       looks for the next fault for up to ZXP_PLACE_SPIN_NS before it goes to sleep; for
 *              processes that may not hand over
 *
 * zxp_placer decides. It is told of every batch of faults, and compares what a fault takes from one
 * to the next, everything included:
 *
 *   TRYING    each way in turn for a few faults          -> HOLDING the fastest; PLAIN if none of
 *                                                           the others is clearly faster
 *   HOLDING   until `hold` faults are over, or it is not clearly faster any more than PLAIN was
 *             (PLAIN: clearly slower than it was)           -> TRYING
 *             the thread was starved (TOGETHER)             -> HOLDING PLAIN
 *
 * `hold` doubles as long as the choice stays the same, so trying costs less than one fault in a
 * hundred. Faults far apart are not counted at all: nobody waits there for the next one, and the
 * thread is PLAIN.
 *
 * zxp_placer is arithmetic: it reads no clock and makes no system call. Lock: none; both structs
 * are the loop thread's own.
 */
#ifndef ZXP_LOOP_PLACE_H_
#define ZXP_LOOP_PLACE_H_

#include <stdbool.h>
#include <stdint.h>
#include <zircon/types.h>

#include "fault/handoff.h"

/* Some times what it takes to wake a core that sleeps (up to 35 us on a virtual machine, Linux
 * 6.18). */
#define ZXP_PLACE_SPIN_NS 50000

enum zxp_place {
  ZXP_PLACE_PLAIN,
  ZXP_PLACE_SPIN,
  ZXP_PLACE_TOGETHER,
  ZXP_PLACES,
};

enum zxp_placer_state {
  ZXP_PLACER_TRYING,
  ZXP_PLACER_HOLDING,
};

#define ZXP_PLACER_SAMPLES 64

struct zxp_placer {
  unsigned allowed; /* ways, as bits 1 << place; PLAIN among them */
  enum zxp_placer_state state;
  enum zxp_place way; /* in use */
  zx_time_t last;     /* when the latest faults were read; 0: none yet */
  uint64_t batches;   /* in the way since it was taken up, or since the last look */
  unsigned count;     /* of samples of these */
  uint32_t samples[ZXP_PLACER_SAMPLES]; /* ns from one fault to the next */
  uint64_t held;                        /* HOLDING: faults so far */
  uint64_t hold;                        /* HOLDING: faults until the next trial */
  double cost[ZXP_PLACES];              /* ns a fault, as last tried */
  enum zxp_place chosen;                /* by the last trial */
};

void zxp_placer_init(struct zxp_placer* p, unsigned allowed);

/* `faults` > 0 have been read at `now`. `starved`: the thread was kept from running since. The way
 * to use from now on. */
enum zxp_place zxp_placer_note(struct zxp_placer* p, zx_time_t now, uint64_t faults, bool starved);

/* ---- Of a loop thread: place.c ---- */

struct zxp_loop_pager;

struct zxp_loop_place {
  struct zxp_placer placer;
  struct zxp_handoff handoff;
  struct zxp_loop_pager* pager; /* whose packets were handed out last; NULL: none, or it closed */
  uint64_t seen;                /* of handoff.faults */
  uint64_t followed;            /* `seen` when the other thread was looked for last */
};

/* Of the calling thread; NULL for all but the library's own loop threads, and where placement is
 * off. */
extern _Thread_local struct zxp_loop_place* zxp_loop_place_here;

/* On the loop thread, at its start and end. */
void zxp_loop_place_enter(struct zxp_loop_place* place);
void zxp_loop_place_leave(struct zxp_loop_place* place);

/* The pager has been looked after: faults were read, packets handed out. */
void zxp_loop_place_served(struct zxp_loop_place* place, struct zxp_loop_pager* pager);

/* The pager closes. */
void zxp_loop_place_forget(struct zxp_loop_place* place, const struct zxp_loop_pager* pager);

/* Before the loop sleeps: serves the next faults straight away, where that pays. True: there may be
 * more, so the loop is to look after its other handles without sleeping. */
bool zxp_loop_place_serve(struct zxp_loop_place* place);

#endif /* ZXP_LOOP_PLACE_H_ */
