/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Observers: who waits for signals of an object (docs/semantics/objects.md 6, 7).
 *
 *   zxp_observer   one wait on one object, made with one handle; embedded in what waits
 *   zxp_wait       an observer of a thread blocked in zx_object_wait_one or _many, with the state
 *                  captured for it; all waits of one call share a wake event
 *
 * The other kind of observer, a wait registered with a port, is in object/port_wait.c.
 *
 * Matching is done by the thread that changes the signals, under object.lock, and the whole new
 * state is captured in the record of each wait that it satisfies. A woken thread never looks at the
 * object again to find out why it was woken, so a bit that was set and cleared before it ran is not
 * lost.
 *
 * Waits belong to a handle, not only to an object: closing or replacing the handle ends exactly the
 * waits made with it. A handle may die between its look-up and the registration, so registration
 * looks at the handle once more, under object.lock, before it links the observer. The closing
 * thread kills the value first and takes object.lock afterwards: whichever comes second sees the
 * other.
 *
 * Typical use:
 *
 *   struct zxp_wake wake;
 *   struct zxp_wait wait;
 *   zxp_wake_init(&wake);
 *   if (!zxp_wait_begin(&wait, &wake, object, handle, mask)) {
 *     zxp_wake_wait(&wake, deadline);
 *   }
 *   zxp_wait_end(&wait);          // off the object; wait.outcome and wait.observed are final
 *
 * Lock: object.lock guards the list of observers and, while it is linked, each of them.
 */
#ifndef ZXP_OBJECT_WAIT_H_
#define ZXP_OBJECT_WAIT_H_

#include "base/wake.h"
#include "object/object.h"

struct zxp_observer;

/* One of the two is called, once, by whoever takes the observer off the list under object.lock. */
struct zxp_observer_ops {
  /* `state` is the object's whole state at the match. */
  void (*matched_locked)(struct zxp_observer* observer, zx_signals_t state);
  /* The handle was closed or replaced. May free the observer. */
  void (*handle_closed_locked)(struct zxp_observer* observer, zx_signals_t state);
};

/* (C) constant while linked  (O) object.lock */
struct zxp_observer {
  struct zxp_list link;               /* (O) in object.observers */
  const struct zxp_observer_ops* ops; /* (C) */
  zx_signals_t mask;                  /* (C) what it waits for; 0 never matches */
  zx_handle_t handle;                 /* (C) the handle it was made with */
};

/*
 * Links the observer, newest first. The object must be locked. False if the handle has died since
 * it was looked up: then the observer is not linked and no hook is called.
 */
bool zxp_observer_link_locked(struct zxp_object* object, struct zxp_observer* observer);

/* ---- Blocked threads ---- */

/*
 *   PENDING -> MATCHED    the thread that changes the signals, or zxp_wait_begin
 *   PENDING -> CANCELED   the thread that closes the handle, or zxp_wait_begin if that came first
 *   PENDING -> ENDED      zxp_wait_end: the deadline, or another wait of the same call
 * The last three are final.
 */
enum zxp_wait_outcome {
  ZXP_WAIT_PENDING,
  ZXP_WAIT_MATCHED,
  ZXP_WAIT_CANCELED,
  ZXP_WAIT_ENDED,
};

struct zxp_wait {
  struct zxp_observer observer;
  struct zxp_wake* wake;         /* (C) set when the outcome becomes MATCHED or CANCELED */
  struct zxp_object* object;     /* (C) borrowed; the caller holds a reference */
  enum zxp_wait_outcome outcome; /* (O) until it is final */
  zx_signals_t observed;         /* (O) the state at the moment the outcome became final */
};

/* Starts waiting. True if the outcome is final already, so that there is nothing to sleep for. */
bool zxp_wait_begin(struct zxp_wait* wait, struct zxp_wake* wake, struct zxp_object* object,
                    zx_handle_t handle, zx_signals_t mask);

/* Takes the wait off the object; if nothing happened, captures the state of now as ENDED. */
void zxp_wait_end(struct zxp_wait* wait);

#endif /* ZXP_OBJECT_WAIT_H_ */
