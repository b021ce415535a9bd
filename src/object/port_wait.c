/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Waits registered with a port (docs/semantics/objects.md 7.5 to 7.7, 8.4).
 *
 * A wait is on its object's list of observers and on its port's list of waits; when it is
 * satisfied, the packet inside it goes into the port's queue, so that this neither fails nor
 * allocates.
 *
 *              matched_locked                 take, cancel, port closed
 *   PENDING ---------------------> QUEUED ------------------------------> freed
 *      |
 *      |  cancel_key, port closed             object.lock taken once more
 *      +---------------------> DROPPED ---------------------------------> freed
 *      |
 *      +--- cancel, handle closed --------------------------------------> freed
 *
 * Every arrow out of PENDING is taken under port.lock, so exactly one thread takes it, and that
 * thread owns the wait from then on. object.lock comes before port.lock in the order. Who comes
 * from the object (a match, the close of a handle, cancel) holds both. Who comes from the port
 * (cancel_key, its close) has port.lock alone: it marks the waits DROPPED, which settles that no
 * packet can come, and afterwards takes them off their objects, one object.lock after the other.
 *
 * A wait holds no reference. While it is PENDING, its object lives because the handle it was made
 * with does: closing that handle ends the wait before it lets go of the object. Its port lives
 * because its last handle does, likewise. A DROPPED wait holds a reference to its object; QUEUED
 * ones do not look at theirs again. A thread that finds a wait on an object's list, under
 * object.lock, may use its port in any state: whoever drops it has to pass object.lock before it
 * lets go of the port.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "object/port_private.h"
#include "object/wait.h"

enum wait_state {
  PENDING,
  QUEUED,
  DROPPED
};

/* (C) constant  (P) port.lock */
struct port_wait {
  struct zxp_observer observer; /* its link: object.lock */
  struct zxp_port_node node;    /* (P) */
  struct zxp_list link;         /* (P) in port.waits while PENDING; then the list of its owner */
  struct zxp_port* port;        /* (C) */
  struct zxp_object* object;    /* (C) */
  uint64_t key;                 /* (C) */
  uint32_t options;             /* (C) */
  enum wait_state state;        /* (P) */
  zx_signals_t observed;        /* (P) once QUEUED: the object's state at the match */
  zx_time_t timestamp;          /* (P) once QUEUED */
};

static void take_locked(struct zxp_port* port, struct zxp_port_node* node, zx_port_packet_t* out) {
  (void)port;
  const struct port_wait* wait = ZXP_CONTAINER_OF(node, struct port_wait, node);
  *out = (zx_port_packet_t){
      .key = wait->key,
      .type = ZX_PKT_TYPE_SIGNAL_ONE,
      .status = ZX_OK,
      .signal =
          {
              .trigger = wait->observer.mask,
              .observed = wait->observed,
              .count = 1,
              .timestamp = wait->timestamp,
          },
  };
}

static void released(struct zxp_port_node* node) {
  free(ZXP_CONTAINER_OF(node, struct port_wait, node));
}

static const struct zxp_port_node_ops node_ops = {
    .take_locked = take_locked,
    .released = released,
};

static zx_time_t now_for(uint32_t options) {
  if ((options & ZX_WAIT_ASYNC_TIMESTAMP) != 0) {
    return zxp_clock_now();
  }
  if ((options & ZX_WAIT_ASYNC_BOOT_TIMESTAMP) != 0) {
    return zxp_clock_boot_now();
  }
  return 0;
}

static void queue_locked(struct port_wait* wait, zx_signals_t state) {
  zxp_port_assert_held(wait->port);
  wait->state = QUEUED;
  wait->observed = state;
  wait->timestamp = now_for(wait->options);
  const bool pushed = zxp_port_push_locked(wait->port, &wait->node);
  ZXP_ASSERT(pushed); /* the close of a port leaves no wait PENDING */
}

static void matched_locked(struct zxp_observer* observer, zx_signals_t state) {
  struct port_wait* wait = ZXP_CONTAINER_OF(observer, struct port_wait, observer);
  struct zxp_port* port = wait->port;
  zxp_port_lock(port);
  if (wait->state == PENDING) {
    zxp_list_remove(&wait->link);
    queue_locked(wait, state);
  }
  zxp_port_unlock(port); /* a receiver may have freed the wait by now */
}

/* object.lock and port.lock are held. True if the wait was pending; it is the caller's then. */
static bool drop_locked(struct port_wait* wait) {
  zxp_port_assert_held(wait->port);
  if (wait->state != PENDING) {
    return false;
  }
  wait->state = DROPPED;
  zxp_list_remove(&wait->link);
  return true;
}

static void handle_closed_locked(struct zxp_observer* observer, zx_signals_t state) {
  (void)state;
  struct port_wait* wait = ZXP_CONTAINER_OF(observer, struct port_wait, observer);
  struct zxp_port* port = wait->port;
  zxp_port_lock(port);
  const bool mine = drop_locked(wait);
  zxp_port_unlock(port);
  if (mine) {
    free(wait);
  }
}

static const struct zxp_observer_ops observer_ops = {
    .matched_locked = matched_locked,
    .handle_closed_locked = handle_closed_locked,
};

zx_status_t zxp_port_wait_async(struct zxp_port* port, struct zxp_object* object,
                                zx_handle_t handle, uint64_t key, zx_signals_t mask,
                                uint32_t options) {
  struct port_wait* wait = calloc(1, sizeof *wait);
  if (wait == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  wait->observer.ops = &observer_ops;
  wait->observer.mask = mask;
  wait->observer.handle = handle;
  zxp_list_init(&wait->observer.link);
  zxp_list_init(&wait->link);
  zxp_port_node_init(&wait->node, &node_ops);
  wait->port = port;
  wait->object = object;
  wait->key = key;
  wait->options = options;

  zx_status_t status = ZX_OK;
  bool keep = false;
  zxp_mutex_lock(&object->lock);
  const zx_signals_t state = zxp_object_signals(object);
  zxp_port_lock(port);
  if (port->closed) {
    status = ZX_ERR_BAD_HANDLE; /* closed since the look-up */
  } else if ((options & ZX_WAIT_ASYNC_EDGE) == 0 && (state & mask) != 0) {
    queue_locked(wait, state);
    keep = true;
  } else if (zxp_observer_link_locked(object, &wait->observer)) {
    wait->state = PENDING;
    zxp_list_push_front(&port->waits, &wait->link);
    keep = true;
  }
  /* Else the handle has just been closed, which ends a wait without a packet. */
  zxp_port_unlock(port);
  zxp_mutex_unlock(&object->lock);
  if (!keep) {
    free(wait);
  }
  return status;
}

bool zxp_port_cancel(struct zxp_port* port, struct zxp_object* object, zx_handle_t handle,
                     uint64_t key) {
  struct zxp_list dropped;
  zxp_list_init(&dropped);
  /* Both locks, so that a match finds the wait either still pending or already gone. */
  zxp_mutex_lock(&object->lock);
  zxp_port_lock(port);
  ZXP_LIST_FOREACH_SAFE(link, &object->observers) {
    struct zxp_observer* observer = ZXP_CONTAINER_OF(link, struct zxp_observer, link);
    if (observer->ops != &observer_ops || observer->handle != handle) {
      continue;
    }
    struct port_wait* wait = ZXP_CONTAINER_OF(observer, struct port_wait, observer);
    if (wait->port == port && wait->key == key && drop_locked(wait)) {
      zxp_list_remove(link);
      zxp_list_push_back(&dropped, &wait->node.link);
    }
  }
  ZXP_LIST_FOREACH_SAFE(link, &port->queue) {
    struct zxp_port_node* node = ZXP_CONTAINER_OF(link, struct zxp_port_node, link);
    if (node->ops != &node_ops) {
      continue;
    }
    struct port_wait* wait = ZXP_CONTAINER_OF(node, struct port_wait, node);
    if (wait->observer.handle == handle && wait->key == key) {
      zxp_list_remove(link);
      zxp_list_push_back(&dropped, link);
    }
  }
  zxp_port_unlock(port);
  zxp_mutex_unlock(&object->lock);
  const bool found = !zxp_list_empty(&dropped);
  zxp_port_release_dropped(&dropped);
  return found;
}

/* Marks the pending waits with this key (all of them if `key` is NULL) and moves them to `dropped`.
 */
static void drop_waits_locked(struct zxp_port* port, const uint64_t* key,
                              struct zxp_list* dropped) {
  ZXP_LIST_FOREACH_SAFE(link, &port->waits) {
    struct port_wait* wait = ZXP_CONTAINER_OF(link, struct port_wait, link);
    if (key == NULL || wait->key == *key) {
      (void)drop_locked(wait);
      zxp_object_get(wait->object);
      zxp_list_push_back(dropped, link);
    }
  }
}

/* Takes the waits that drop_waits_locked gave off their objects. No lock held. */
static void finish_dropped(struct zxp_list* dropped) {
  struct zxp_list* link;
  while ((link = zxp_list_pop_front(dropped)) != NULL) {
    struct port_wait* wait = ZXP_CONTAINER_OF(link, struct port_wait, link);
    struct zxp_object* object = wait->object;
    zxp_mutex_lock(&object->lock);
    zxp_list_remove(&wait->observer.link);
    zxp_mutex_unlock(&object->lock);
    free(wait);
    zxp_object_put(object);
  }
}

bool zxp_port_cancel_key(struct zxp_port* port, uint64_t key) {
  struct zxp_list waits;
  struct zxp_list packets;
  zxp_list_init(&waits);
  zxp_list_init(&packets);
  zxp_port_lock_both(port);
  drop_waits_locked(port, &key, &waits);
  (void)zxp_port_drop_user_locked(port, key, &packets);
  ZXP_LIST_FOREACH_SAFE(link, &port->queue) {
    struct zxp_port_node* node = ZXP_CONTAINER_OF(link, struct zxp_port_node, link);
    if (node->ops == &node_ops && ZXP_CONTAINER_OF(node, struct port_wait, node)->key == key) {
      zxp_list_remove(link);
      zxp_list_push_back(&packets, link);
    }
  }
  zxp_port_unlock_both(port);
  const bool found = !zxp_list_empty(&waits) || !zxp_list_empty(&packets);
  finish_dropped(&waits);
  zxp_port_release_dropped(&packets);
  return found;
}

void zxp_port_waits_closed(struct zxp_port* port) {
  struct zxp_list waits;
  zxp_list_init(&waits);
  zxp_port_lock(port);
  port->closed = true;
  drop_waits_locked(port, NULL, &waits);
  zxp_port_unlock(port);
  finish_dropped(&waits);
}
