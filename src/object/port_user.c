/* SPDX-License-Identifier: BSD-3-Clause */
/* User packets of a port (docs/semantics/objects.md 8): how they flow is told in port_private.h. */
#include <stdlib.h>

#include "object/handle.h"
#include "object/port_private.h"

/* As many user packets as Zircon lets wait in one port (docs/semantics/objects.md 8.5). */
#define USER_PACKETS_MAX 4097u

/* User packets that a receiver moves over at once: enough that the two sides seldom meet, few
 * enough that producers don't feel it. */
#define BATCH 64u

struct user_packet {
  struct zxp_port_node node;
  zx_port_packet_t packet; /* (C) while queued */
};

static struct user_packet* packet_of(struct zxp_list* link) {
  return ZXP_CONTAINER_OF(link, struct user_packet, node.link);
}

/* Dropped. One that was taken stays with the port for the next: a queue in flow allocates
 * nothing. */
static void user_released(struct zxp_port_node* node) {
  free(ZXP_CONTAINER_OF(node, struct user_packet, node));
}

/* They are not taken like other nodes: zxp_port_take_ready_locked. */
static const struct zxp_port_node_ops user_ops = {.released = user_released};

bool zxp_port_is_user(const struct zxp_port_node* node) { return node->ops == &user_ops; }

void zxp_port_user_init(struct zxp_port* port) {
  port->user_count = 0;
  port->taken_seen = 0;
  port->spare_count = 0;
  port->used_count = 0;
  zxp_list_init(&port->spare);
  zxp_list_init(&port->ready);
  zxp_list_init(&port->used);
  atomic_init(&port->taken, 0);
  atomic_init(&port->ready_count, 0);
}

void zxp_port_user_fini(struct zxp_port* port) {
  ZXP_ASSERT(zxp_list_empty(&port->ready));
  zxp_port_release_dropped(&port->spare);
  zxp_port_release_dropped(&port->used);
}

/* ---- Receivers ---- */

/* With take_lock held. */
static void count_ready(struct zxp_port* port, uint32_t by) {
  atomic_store_explicit(&port->ready_count,
                        atomic_load_explicit(&port->ready_count, memory_order_relaxed) + by,
                        memory_order_relaxed);
}

bool zxp_port_is_free_of_user_locked(struct zxp_port* port) {
  ZXP_ASSERT_HELD(&port->lock);
  /* Raised under this lock only; whoever lowers it meanwhile takes what is older. */
  return atomic_load_explicit(&port->ready_count, memory_order_relaxed) == 0 &&
         (zxp_list_empty(&port->queue) ||
          !zxp_port_is_user(ZXP_CONTAINER_OF(port->queue.next, struct zxp_port_node, link)));
}

struct zxp_list* zxp_port_pop_ready_locked(struct zxp_port* port) {
  ZXP_ASSERT_HELD(&port->take_lock);
  struct zxp_list* link = zxp_list_pop_front(&port->ready);
  if (link != NULL) {
    count_ready(port, UINT32_MAX); /* one less */
  }
  return link;
}

bool zxp_port_take_ready_locked(struct zxp_port* port, zx_port_packet_t* out) {
  struct zxp_list* link = zxp_port_pop_ready_locked(port);
  if (link == NULL) {
    return false;
  }
  *out = packet_of(link)->packet;
  zxp_list_push_front(&port->used, link);
  port->used_count++;
  atomic_store_explicit(&port->taken, atomic_load_explicit(&port->taken, memory_order_relaxed) + 1,
                        memory_order_relaxed);
  return true;
}

/* Counts off what receivers have taken since the last time. They do not wait for this: what it
 * misses counts as not taken yet. */
static void count_taken_locked(struct zxp_port* port) {
  const uint32_t taken = atomic_load_explicit(&port->taken, memory_order_relaxed);
  port->user_count -= taken - port->taken_seen;
  port->taken_seen = taken;
}

void zxp_port_refill_locked(struct zxp_port* port) {
  ZXP_ASSERT_HELD(&port->take_lock);
  ZXP_ASSERT_HELD(&port->lock);
  for (uint32_t n = 0; n < BATCH && !zxp_list_empty(&port->queue); n++) {
    struct zxp_list* link = port->queue.next;
    if (!zxp_port_is_user(ZXP_CONTAINER_OF(link, struct zxp_port_node, link))) {
      break;
    }
    zxp_list_remove(link);
    zxp_list_push_back(&port->ready, link);
    count_ready(port, 1);
  }
  count_taken_locked(port);
  zxp_list_splice_back(&port->spare, &port->used);
  port->spare_count += port->used_count;
  port->used_count = 0;
}

/* ---- Producers ---- */

/* Whether one more user packet may be queued. */
static zx_status_t check_room_locked(struct zxp_port* port) {
  if (port->closed) {
    return ZX_ERR_BAD_HANDLE; /* since the look-up */
  }
  if (port->user_count >= USER_PACKETS_MAX) {
    count_taken_locked(port);
  }
  return port->user_count >= USER_PACKETS_MAX ? ZX_ERR_SHOULD_WAIT : ZX_OK;
}

static void push_user_locked(struct zxp_port* port, struct user_packet* user,
                             const zx_port_packet_t* packet) {
  user->packet = *packet;
  user->packet.type = ZX_PKT_TYPE_USER;
  port->user_count++;
  (void)zxp_port_push_locked(port, &user->node);
}

static struct user_packet* pop_spare_locked(struct zxp_port* port) {
  port->spare_count--;
  return packet_of(zxp_list_pop_front(&port->spare));
}

bool zxp_port_queue_quick(zx_handle_t handle, const zx_port_packet_t* packet) {
  struct zxp_object* object = zxp_handle_peek_port(handle, ZX_RIGHT_WRITE);
  if (object == NULL) {
    return false;
  }
  struct zxp_port* port = ZXP_CONTAINER_OF(object, struct zxp_port, object);
  zxp_port_lock(port);
  /* As in zxp_port_take_quick: alive under the lock means alive until it is given back. */
  const bool queued = zxp_handle_is_live(handle, object) && port->spare_count > 0 &&
                      check_room_locked(port) == ZX_OK;
  if (queued) {
    push_user_locked(port, pop_spare_locked(port), packet);
  }
  zxp_port_unlock(port);
  return queued;
}

zx_status_t zxp_port_queue_user(struct zxp_port* port, const zx_port_packet_t* packet) {
  struct user_packet* user = NULL;
  zxp_port_lock(port);
  zx_status_t status = check_room_locked(port);
  if (status == ZX_OK && port->spare_count == 0) {
    zxp_port_unlock(port);
    user = malloc(sizeof *user);
    if (user == NULL) {
      return ZX_ERR_NO_MEMORY;
    }
    zxp_port_node_init(&user->node, &user_ops);
    zxp_port_lock(port);
    status = check_room_locked(port);
  } else if (status == ZX_OK) {
    user = pop_spare_locked(port);
  }
  if (status == ZX_OK) {
    push_user_locked(port, user, packet);
    user = NULL;
  }
  zxp_port_unlock(port);
  free(user);
  return status;
}

/* ---- Cancelling ---- */

static bool drop_key(struct zxp_list* list, uint64_t key, struct zxp_list* dropped,
                     uint32_t* count) {
  bool found = false;
  ZXP_LIST_FOREACH_SAFE(link, list) {
    if (zxp_port_is_user(ZXP_CONTAINER_OF(link, struct zxp_port_node, link)) &&
        packet_of(link)->packet.key == key) {
      zxp_list_remove(link);
      zxp_list_push_back(dropped, link);
      (*count)--;
      found = true;
    }
  }
  return found;
}

bool zxp_port_drop_user_locked(struct zxp_port* port, uint64_t key, struct zxp_list* dropped) {
  ZXP_ASSERT_HELD(&port->take_lock);
  ZXP_ASSERT_HELD(&port->lock);
  const uint32_t before = port->user_count;
  const bool ready = drop_key(&port->ready, key, dropped, &port->user_count);
  count_ready(port, port->user_count - before);
  const bool queued = drop_key(&port->queue, key, dropped, &port->user_count);
  return ready || queued;
}
