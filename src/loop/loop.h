/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The libuv side: page requests as callbacks (include/zircon/zxpager-uv.h).
 *
 *   zxp_loop_pager   what stands behind a zxp_uv_pager_t: a pager, a port of its own that nobody
 *                    else waits on, and a few libuv handles
 *   zxp_uv_vmo_t     is on the pager's list from its creation until its `complete`; its address is
 *                    the key of its packets
 *   zxp_loop_thread  what stands behind a zxp_uv_thread_t: a loop, its thread, and functions posted
 *                    to it
 *
 * The walk of a fault: the kernel makes the port's fault channel readable, so one of `polls` calls
 * back on the loop's thread; zxp_channel_serve reads the fault there and turns it into a packet;
 * zxp_port_try_take takes it; the program's `read` runs. Nothing hops between threads. After
 * ZXP_LOOP_BATCH packets other handles of the loop get their turn: serving has cleared the
 * readiness of the channel, so `again`, an idle handle, brings the loop back to the rest.
 *
 * The end of a pager: zxp_uv_pager_close cuts every VMO off and lets the loop close the
 * handles. The last of them calls `complete` for each VMO on the list, then the program's close
 * callback. Packets that are still in the port by then say nothing new and go with it.
 *
 * A loop of the library's own differs in nothing but who calls uv_run.
 *
 * Locks: zxp_loop_pager.lock and zxp_loop_thread.lock (ZXP_RANK_LEAF). None is held while a
 * callback, or any call of the layers below, runs.
 *
 * Does not do: decide how a request is answered; serve ports of the program (zx_port_wait does).
 */
#ifndef ZXP_LOOP_LOOP_H_
#define ZXP_LOOP_LOOP_H_

#include <stdbool.h>
#include <uv.h>
#include <zircon/zxpager-uv.h>

/*
 * Packets taken per iteration of the loop: enough that the cost of an iteration (some microseconds)
 * disappears behind them, few enough that other handles wait less than a millisecond for callbacks
 * that answer at once.
 */
#define ZXP_LOOP_BATCH 64

zx_status_t zxp_loop_status_from_uv(int error);

struct zxp_loop_pager;

/* Reads faults and hands out packets without waiting. True: there was something. On the loop's
 * thread; callbacks may close the pager. */
bool zxp_loop_pager_serve(struct zxp_loop_pager* p);

/* Starts to close every zxp_uv_pager_t on the loop that isn't closing. On the loop's thread. */
void zxp_loop_close_pagers(uv_loop_t* loop);

#endif /* ZXP_LOOP_LOOP_H_ */
