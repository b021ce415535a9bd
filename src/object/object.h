/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kernel objects: what every thing behind a handle has in common.
 *
 *   zxp_object       embedded first in each object (VMO, port, event, pager, ...): type, koid,
 *                    reference count, handle count, signals, observers
 *   zxp_object_ops   the table of its type
 *   zxp_observer     somebody who waits for signals of an object: a thread in a call, or a port
 *                    (object/wait.h)
 *
 * Two counts. References keep the memory: a call in progress, a mapping, a stream, an internal
 * pointer each hold one. Handles are counted apart: when the last one goes, on_zero_handles runs
 * (peer closed, port drained, timer stopped, pager cut off), once, while the object still lives; a
 * handle holds a reference too. destroy runs when the last reference goes and must not look the
 * object up again.
 *
 * Typical use:
 *
 *   struct zxp_event* e = calloc(1, sizeof *e);
 *   zxp_object_init(&e->object, &event_ops);                     // one reference, ours
 *   zx_status_t st = zxp_handle_install(&e->object, rights, out);  // its own reference
 *   zxp_object_put(&e->object);                                  // drop ours; last put destroys
 *
 *   st = zxp_handle_get(handle, ZX_OBJ_TYPE_EVENT, ZX_RIGHT_SIGNAL, &object, NULL);
 *   ... zxp_object_put(object);
 *
 * Lock: object.lock (ZXP_RANK_OBJECT) guards signals, observers and the handle count. A change of
 * signals and the notification of everybody it satisfies are one step under it.
 */
#ifndef ZXP_OBJECT_OBJECT_H_
#define ZXP_OBJECT_OBJECT_H_

#include <stdatomic.h>
#include <stdbool.h>
#include <zircon/types.h>

#include "base/list.h"
#include "base/lock.h"

struct zxp_object;

struct zxp_object_ops {
  zx_obj_type_t type;
  const char* name;          /* for dumps and logs */
  zx_signals_t user_signals; /* bits that zx_object_signal may change */
  bool waitable;             /* false: ports, pagers, VMARs */
  bool has_peer;             /* zx_object_signal_peer makes sense */
  /* The last handle went. No lock held. May be NULL. */
  void (*on_zero_handles)(struct zxp_object* object);
  /* The last reference went: free everything. No lock held. */
  void (*destroy)(struct zxp_object* object);
  /* The peer's koid, 0 without; may be NULL. */
  zx_koid_t (*related_koid)(struct zxp_object* object);
  /* Changes the peer's signals, arguments checked: ZX_ERR_PEER_CLOSED if gone. NULL: no peer. */
  zx_status_t (*signal_peer)(struct zxp_object* object, zx_signals_t clear, zx_signals_t set);
  /*
   * Properties and info topics that belong to the type. Return ZX_ERR_NOT_SUPPORTED for a property
   * or topic that is not theirs; the generic code in syscall/ has already checked handle and rights
   * as docs/semantics/objects.md 4 and 5 order them. May be NULL.
   */
  zx_status_t (*get_name)(struct zxp_object* object, char name[ZX_MAX_NAME_LEN]);
  zx_status_t (*set_name)(struct zxp_object* object, const char name[ZX_MAX_NAME_LEN]);
};

/* (C) constant  (A) atomic  (O) object.lock */
struct zxp_object {
  const struct zxp_object_ops* ops; /* (C) */
  zx_koid_t koid;                   /* (C) unique, from ZX_KOID_FIRST on, never reused */
  atomic_uint refs;                 /* (A) */
  uint32_t handle_count;            /* (O) live handles */
  _Atomic zx_signals_t signals;     /* (O) to change; (A) to look at: the fast path of a wait */
  struct zxp_list observers;        /* (O) newest first */
  struct zxp_mutex lock;
};

/* Starts with one reference, which the caller owns, no handle, and `signals` as its state. */
void zxp_object_init(struct zxp_object* object, const struct zxp_object_ops* ops,
                     zx_signals_t signals);

/* Takes down what init set up; for `destroy` functions, last thing before free. */
void zxp_object_fini(struct zxp_object* object);

static inline void zxp_object_get(struct zxp_object* object) {
  atomic_fetch_add_explicit(&object->refs, 1, memory_order_relaxed);
}

/* Takes a reference unless the last has gone already; for lists that hold objects without one. */
static inline bool zxp_object_try_get(struct zxp_object* object) {
  unsigned refs = atomic_load_explicit(&object->refs, memory_order_relaxed);
  while (refs != 0 &&
         !atomic_compare_exchange_weak_explicit(&object->refs, &refs, refs + 1,
                                                memory_order_relaxed, memory_order_relaxed)) {
  }
  return refs != 0;
}

/* Drops a reference; NULL is fine. Runs `destroy` when it was the last, so no lock may be held that
 * destroy takes. */
void zxp_object_put(struct zxp_object* object);

/*
 * Clears, then sets, in one step, and notifies whoever that satisfies (objects.md 6.4). The whole
 * new state is captured for each observer, so that a pulse is not lost. Takes object.lock.
 */
void zxp_object_set_signals(struct zxp_object* object, zx_signals_t clear, zx_signals_t set);

/* The same with object.lock held, for objects whose own state must change in the same step. */
void zxp_object_set_signals_locked(struct zxp_object* object, zx_signals_t clear, zx_signals_t set);

/* The signals now. Any lock or none. */
static inline zx_signals_t zxp_object_signals(const struct zxp_object* object) {
  return atomic_load_explicit(&object->signals, memory_order_acquire);
}

/*
 * A handle has died. Called by the handle table alone: ends the waits made with it; with `last_too`
 * (closed, not replaced) also counts it off and, at zero, runs on_zero_handles.
 */
void zxp_object_handle_died(struct zxp_object* object, zx_handle_t handle, bool last_too);

/* A new koid. */
zx_koid_t zxp_koid_new(void);

#endif /* ZXP_OBJECT_OBJECT_H_ */
