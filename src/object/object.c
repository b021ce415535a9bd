/* SPDX-License-Identifier: BSD-3-Clause */
#include "object/object.h"

#include "object/wait.h"

zx_koid_t zxp_koid_new(void) {
  static _Atomic uint64_t next = ZX_KOID_FIRST;
  return atomic_fetch_add_explicit(&next, 1, memory_order_relaxed);
}

void zxp_object_init(struct zxp_object* object, const struct zxp_object_ops* ops,
                     zx_signals_t signals) {
  object->ops = ops;
  object->koid = zxp_koid_new();
  atomic_init(&object->refs, 1);
  object->handle_count = 0;
  atomic_init(&object->signals, signals);
  zxp_list_init(&object->observers);
  zxp_mutex_init(&object->lock, ZXP_RANK_OBJECT);
}

void zxp_object_fini(struct zxp_object* object) {
  /* Every observer belongs to a handle or to a call in progress, and both hold a reference. */
  ZXP_ASSERT(zxp_list_empty(&object->observers));
  ZXP_ASSERT(object->handle_count == 0);
  zxp_mutex_destroy(&object->lock);
}

void zxp_object_put(struct zxp_object* object) {
  if (object == NULL) {
    return;
  }
  /* Release: what this thread did to the object comes before its end. Acquire: the destroying
   * thread sees what all others did. */
  const unsigned before = atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel);
  ZXP_ASSERT(before != 0);
  if (before == 1) {
    object->ops->destroy(object);
  }
}

void zxp_object_set_signals_locked(struct zxp_object* object, zx_signals_t clear,
                                   zx_signals_t set) {
  ZXP_ASSERT_HELD(&object->lock);
  const zx_signals_t before = zxp_object_signals(object);
  const zx_signals_t now = (before & ~clear) | set;
  atomic_store_explicit(&object->signals, now, memory_order_release);
  if ((now & ~before) == 0) {
    return; /* nothing became active: nobody is notified */
  }
  ZXP_LIST_FOREACH_SAFE(link, &object->observers) {
    struct zxp_observer* observer = ZXP_CONTAINER_OF(link, struct zxp_observer, link);
    if ((observer->mask & now) != 0) {
      zxp_list_remove(link);
      observer->ops->matched_locked(observer, now); /* may be the end of `observer` */
    }
  }
}

void zxp_object_set_signals(struct zxp_object* object, zx_signals_t clear, zx_signals_t set) {
  zxp_mutex_lock(&object->lock);
  zxp_object_set_signals_locked(object, clear, set);
  zxp_mutex_unlock(&object->lock);
}

void zxp_object_handle_died(struct zxp_object* object, zx_handle_t handle, bool last_too) {
  bool last = false;
  zxp_mutex_lock(&object->lock);
  ZXP_LIST_FOREACH_SAFE(link, &object->observers) {
    struct zxp_observer* observer = ZXP_CONTAINER_OF(link, struct zxp_observer, link);
    if (observer->handle == handle) {
      zxp_list_remove(link);
      observer->ops->handle_closed_locked(observer, zxp_object_signals(object));
    }
  }
  if (last_too) {
    ZXP_ASSERT(object->handle_count > 0);
    last = --object->handle_count == 0;
  }
  zxp_mutex_unlock(&object->lock);
  if (last && object->ops->on_zero_handles != NULL) {
    object->ops->on_zero_handles(object);
  }
}
