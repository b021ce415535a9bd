/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events and event pairs (docs/semantics/objects.md 9): objects that are nothing but their signals.
 *
 * The two sides of a pair know each other through a small shared record; a side is taken off it
 * when its last handle goes, and only then is the other side told.
 *
 * Lock: the record's own (ZXP_RANK_LEAF), held to find the other side and never while it is
 * signalled.
 */
#ifndef ZXP_OBJECT_EVENT_H_
#define ZXP_OBJECT_EVENT_H_

#include "object/object.h"

/* Each result is a reference that the caller owns. ZX_ERR_NO_MEMORY. */
zx_status_t zxp_event_create(struct zxp_object** out);
zx_status_t zxp_eventpair_create(struct zxp_object** out0, struct zxp_object** out1);

#endif /* ZXP_OBJECT_EVENT_H_ */
