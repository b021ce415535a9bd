/* SPDX-License-Identifier: BSD-3-Clause */
#include "object/wait.h"

#include "object/handle.h"

bool zxp_observer_link_locked(struct zxp_object* object, struct zxp_observer* observer) {
  ZXP_ASSERT_HELD(&object->lock);
  if (!zxp_handle_is_live(observer->handle, object)) {
    zxp_list_init(&observer->link);
    return false;
  }
  zxp_list_push_front(&object->observers, &observer->link);
  return true;
}

/* The waiter's thread may return, and its stack frame go, as soon as the wake event is set. */
static void settle_locked(struct zxp_wait* wait, enum zxp_wait_outcome outcome,
                          zx_signals_t observed) {
  ZXP_DEBUG_ASSERT(wait->outcome == ZXP_WAIT_PENDING);
  struct zxp_wake* wake = wait->wake;
  wait->observed = observed;
  wait->outcome = outcome;
  zxp_wake_set(wake);
}

static void wait_matched_locked(struct zxp_observer* observer, zx_signals_t state) {
  settle_locked(ZXP_CONTAINER_OF(observer, struct zxp_wait, observer), ZXP_WAIT_MATCHED, state);
}

static void wait_handle_closed_locked(struct zxp_observer* observer, zx_signals_t state) {
  settle_locked(ZXP_CONTAINER_OF(observer, struct zxp_wait, observer), ZXP_WAIT_CANCELED,
                state | ZX_SIGNAL_HANDLE_CLOSED);
}

static const struct zxp_observer_ops wait_ops = {
    .matched_locked = wait_matched_locked,
    .handle_closed_locked = wait_handle_closed_locked,
};

bool zxp_wait_begin(struct zxp_wait* wait, struct zxp_wake* wake, struct zxp_object* object,
                    zx_handle_t handle, zx_signals_t mask) {
  wait->observer.ops = &wait_ops;
  wait->observer.mask = mask;
  wait->observer.handle = handle;
  wait->wake = wake;
  wait->object = object;
  wait->outcome = ZXP_WAIT_PENDING;
  wait->observed = 0;
  zxp_mutex_lock(&object->lock);
  const zx_signals_t state = zxp_object_signals(object);
  if ((state & mask) != 0) {
    zxp_list_init(&wait->observer.link);
    wait->outcome = ZXP_WAIT_MATCHED;
    wait->observed = state;
  } else if (!zxp_observer_link_locked(object, &wait->observer)) {
    wait->outcome = ZXP_WAIT_CANCELED;
    wait->observed = state | ZX_SIGNAL_HANDLE_CLOSED;
  }
  const bool final = wait->outcome != ZXP_WAIT_PENDING;
  zxp_mutex_unlock(&object->lock);
  return final;
}

void zxp_wait_end(struct zxp_wait* wait) {
  zxp_mutex_lock(&wait->object->lock);
  if (wait->outcome == ZXP_WAIT_PENDING) {
    zxp_list_remove(&wait->observer.link);
    wait->outcome = ZXP_WAIT_ENDED;
    wait->observed = zxp_object_signals(wait->object);
  }
  zxp_mutex_unlock(&wait->object->lock);
}
