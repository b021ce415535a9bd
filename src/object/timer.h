/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Timers (docs/semantics/objects.md 10).
 *
 *   timer        the object; armed or not
 *   queue        armed timers by deadline, one queue for each clock
 *   the thread   sleeps until the first deadline of either queue, takes what is due off it, and
 *                signals; started when a timer is armed, ends a while after none is
 *
 *            set, deadline ahead                    set, deadline passed; expiry
 *   IDLE ------------------------> ARMED ---------------------------------------> IDLE + SIGNALED
 *                                    |        cancel, set, last handle closed
 *                                    +------------------------------------------> IDLE
 *
 * An expiry has two steps: off the queue, then, under object.lock, the signal, if the timer is
 * still armed for a time that has passed. A cancel or a new deadline that comes between the two
 * wins.
 *
 * Slack allows a timer to be early or late so that the kernel can serve several with one interrupt.
 * Linux does that by itself as it likes; here a timer fires at its deadline whatever its slack.
 *
 * Lock: object.lock guards a timer's state, the queue's own lock (ZXP_RANK_LEAF) the queues.
 */
#ifndef ZXP_OBJECT_TIMER_H_
#define ZXP_OBJECT_TIMER_H_

#include "object/info.h"
#include "object/object.h"

/* A reference that the caller owns. Arguments are checked already. ZX_ERR_NO_MEMORY. */
zx_status_t zxp_timer_create(uint32_t options, zx_clock_t clock_id, struct zxp_object** out);

/* ZX_ERR_NO_RESOURCES, the thread could not be started: the timer is not armed. */
zx_status_t zxp_timer_set(struct zxp_object* object, zx_time_t deadline, zx_duration_t slack);

void zxp_timer_cancel(struct zxp_object* object);

extern const struct zxp_info_topic zxp_info_timer;

#endif /* ZXP_OBJECT_TIMER_H_ */
