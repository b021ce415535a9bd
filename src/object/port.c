/* SPDX-License-Identifier: BSD-3-Clause */
#include "object/port.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "object/port_private.h"

/* As many user packets as Zircon lets wait in one port (docs/semantics/objects.md 8.5). */
#define USER_PACKETS_MAX 4097u

/* User packets kept for reuse, so that a queue in steady flow allocates nothing. */
#define SPARE_MAX 64u

struct user_packet {
  struct zxp_port_node node;
  zx_port_packet_t packet; /* (C) while queued */
};

static void port_zero_handles(struct zxp_object* object);
static void port_destroy(struct zxp_object* object);

static const struct zxp_object_ops port_ops = {
    .type = ZX_OBJ_TYPE_PORT,
    .name = "port",
    .on_zero_handles = port_zero_handles,
    .destroy = port_destroy,
};

/* ---- All ports, for dumps ---- */

static struct zxp_mutex all_lock = ZXP_MUTEX_INITIALIZER(ZXP_RANK_LEAF);
static struct zxp_list all = {&all, &all}; /* guarded by all_lock */

void zxp_port_dump_all(FILE* out) {
  /* The lock of the list is held throughout: a port cannot end while it is on the list, and nothing
   * here waits for another lock. */
  if (!zxp_mutex_try_lock(&all_lock)) {
    fprintf(out, "  the list of ports is locked, skipped\n");
    return;
  }
  ZXP_LIST_FOREACH(it, &all) {
    struct zxp_port* port = ZXP_CONTAINER_OF(it, struct zxp_port, all_link);
    fprintf(out, "  port koid %llu", (unsigned long long)port->object.koid);
    if (pthread_mutex_trylock(&port->lock.m) != 0) {
      fprintf(out, ": its lock is held, skipped\n");
      continue;
    }
    size_t queued = 0;
    ZXP_LIST_FOREACH(link, &port->queue) { queued++; }
    fprintf(out, ": %zu packets queued (%u of the user), %u threads waiting%s\n", queued,
            port->user_count, port->sleepers, port->closed ? ", closed" : "");
    pthread_mutex_unlock(&port->lock.m);
  }
  zxp_mutex_unlock(&all_lock);
}

zx_status_t zxp_port_create(struct zxp_port** out) {
  struct zxp_port* port = calloc(1, sizeof *port);
  if (port == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  zxp_object_init(&port->object, &port_ops, 0);
  zxp_mutex_init(&port->lock, ZXP_RANK_PORT);
  zxp_list_init(&port->queue);
  zxp_list_init(&port->waits);
  zxp_list_init(&port->spare);
  atomic_init(&port->wake_sequence, 0);
  zxp_mutex_lock(&all_lock);
  zxp_list_push_back(&all, &port->all_link);
  zxp_mutex_unlock(&all_lock);
  *out = port;
  return ZX_OK;
}

static void port_destroy(struct zxp_object* object) {
  struct zxp_port* port = zxp_port_from_object(object);
  zxp_mutex_lock(&all_lock);
  zxp_list_remove(&port->all_link);
  zxp_mutex_unlock(&all_lock);
  ZXP_ASSERT(zxp_list_empty(&port->queue) && zxp_list_empty(&port->waits) && port->sleepers == 0);
  if (port->server_release != NULL) {
    port->server_release(port->server_context);
  }
  struct zxp_list* link;
  while ((link = zxp_list_pop_front(&port->spare)) != NULL) {
    free(ZXP_CONTAINER_OF(link, struct user_packet, node.link));
  }
  zxp_mutex_destroy(&port->lock);
  zxp_object_fini(object);
  free(port);
}

struct zxp_object* zxp_port_object(struct zxp_port* port) {
  return &port->object;
}

struct zxp_port* zxp_port_from_object(struct zxp_object* object) {
  ZXP_DEBUG_ASSERT(object->ops == &port_ops);
  return ZXP_CONTAINER_OF(object, struct zxp_port, object);
}

/* ---- Lock and wake-ups ---- */

void zxp_port_lock(struct zxp_port* port) { zxp_mutex_lock(&port->lock); }

/* A push only notes that receivers are to be woken; that is done here, when they can have the lock
 * at once. Only the word's address is used after the lock is gone, so the port may be gone too. */
void zxp_port_unlock(struct zxp_port* port) {
  atomic_uint* const word = &port->wake_sequence;
  const uint32_t due = port->wakes_due;
  port->wakes_due = 0;
  zxp_mutex_unlock(&port->lock);
  if (due > 0) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, due, NULL, NULL, 0);
  }
}

void zxp_port_assert_held(struct zxp_port* port) { ZXP_ASSERT_HELD(&port->lock); }

/*
 * One receiver for one more packet. A receiver that was woken and has not run yet counts as awake:
 * it will look at the queue under the lock before it sleeps again.
 */
static void wake_one_locked(struct zxp_port* port) {
  const struct zxp_port_server_ops* server = port->server_ops;
  if (server != NULL && server->always_kick != NULL && server->always_kick(port->server_context)) {
    server->kick(port->server_context);
    return;
  }
  if (port->sleepers == port->signalled) {
    return;
  }
  port->signalled++;
  /* Also for those who have counted themselves as asleep but not fallen asleep yet. */
  atomic_fetch_add_explicit(&port->wake_sequence, 1, memory_order_relaxed);
  if (port->server_ops != NULL) {
    port->server_ops->kick(port->server_context);
  } else {
    port->wakes_due++;
  }
}

/* Sleeps until the word changes or the deadline passes; may return early. */
static zx_status_t sleep_on_word(atomic_uint* word, unsigned value, zx_time_t deadline) {
  struct timespec ts;
  const struct timespec* limit = NULL;
  if (deadline != ZX_TIME_INFINITE) {
    ts = zxp_clock_timespec(deadline);
    limit = &ts;
  }
  const long rc = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, limit, NULL,
                          FUTEX_BITSET_MATCH_ANY);
  return rc < 0 && errno == ETIMEDOUT ? ZX_ERR_TIMED_OUT : ZX_OK;
}

/* ---- Queue ---- */

void zxp_port_node_init(struct zxp_port_node* node, const struct zxp_port_node_ops* ops) {
  zxp_list_init(&node->link);
  node->ops = ops;
}

bool zxp_port_push_locked(struct zxp_port* port, struct zxp_port_node* node) {
  ZXP_ASSERT_HELD(&port->lock);
  ZXP_ASSERT(zxp_list_empty(&node->link));
  if (port->closed) {
    return false;
  }
  zxp_list_push_back(&port->queue, &node->link);
  wake_one_locked(port);
  return true;
}

bool zxp_port_remove_locked(struct zxp_port* port, struct zxp_port_node* node) {
  ZXP_ASSERT_HELD(&port->lock);
  if (zxp_list_empty(&node->link)) {
    return false;
  }
  zxp_list_remove(&node->link);
  return true;
}

/* Takes the oldest packet; false if there is none. `*taken` is the node if its life in the port is
 * over, else NULL; for release_taken, once the lock is gone. */
static bool take_locked(struct zxp_port* port, zx_port_packet_t* out,
                        struct zxp_port_node** taken) {
  struct zxp_list* link = zxp_list_pop_front(&port->queue);
  if (link == NULL) {
    return false;
  }
  struct zxp_port_node* node = ZXP_CONTAINER_OF(link, struct zxp_port_node, link);
  node->ops->take_locked(port, node, out);
  /* A page source may have queued the node again for its next request; a user packet is spare now.
   */
  *taken = zxp_list_empty(&node->link) ? node : NULL;
  return true;
}

static void release_taken(struct zxp_port_node* node) {
  if (node != NULL && node->ops->released != NULL) {
    node->ops->released(node);
  }
}

void zxp_port_release_dropped(struct zxp_list* dropped) {
  struct zxp_list* link;
  while ((link = zxp_list_pop_front(dropped)) != NULL) {
    release_taken(ZXP_CONTAINER_OF(link, struct zxp_port_node, link));
  }
}

zx_status_t zxp_port_try_take(struct zxp_port* port, zx_port_packet_t* out) {
  struct zxp_port_node* taken = NULL;
  zxp_port_lock(port);
  const bool found = take_locked(port, out, &taken);
  zxp_port_unlock(port);
  release_taken(taken);
  return found ? ZX_OK : ZX_ERR_SHOULD_WAIT;
}

zx_status_t zxp_port_wait(struct zxp_port* port, zx_time_t deadline, zx_port_packet_t* out) {
  struct zxp_port_node* taken = NULL;
  zx_status_t status = ZX_OK;
  zxp_port_lock(port);
  for (;;) {
    if (take_locked(port, out, &taken)) {
      status = ZX_OK; /* a packet wins over a passed deadline */
      break;
    }
    if (status != ZX_OK) {
      break;
    }
    const struct zxp_port_server_ops* server = port->server_ops;
    const unsigned sequence = atomic_load_explicit(&port->wake_sequence, memory_order_relaxed);
    port->sleepers++;
    zxp_port_unlock(port);
    status = server != NULL ? server->wait(port->server_context, deadline)
                            : sleep_on_word(&port->wake_sequence, sequence, deadline);
    zxp_port_lock(port);
    port->sleepers--;
    if (port->signalled > 0) {
      port->signalled--;
    }
  }
  zxp_port_unlock(port);
  release_taken(taken);
  return status;
}

/* ---- User packets ---- */

static void user_take_locked(struct zxp_port* port, struct zxp_port_node* node,
                             zx_port_packet_t* out) {
  struct user_packet* user = ZXP_CONTAINER_OF(node, struct user_packet, node);
  *out = user->packet;
  port->user_count--;
  if (port->spare_count < SPARE_MAX) {
    zxp_list_push_front(&port->spare, &node->link);
    port->spare_count++;
  }
}

/* Only of those that did not become spare. */
static void user_released(struct zxp_port_node* node) {
  free(ZXP_CONTAINER_OF(node, struct user_packet, node));
}

static const struct zxp_port_node_ops user_ops = {
    .take_locked = user_take_locked,
    .released = user_released,
};

zx_status_t zxp_port_queue_user(struct zxp_port* port, const zx_port_packet_t* packet) {
  struct user_packet* made = NULL;
  zx_status_t status = ZX_OK;
  zxp_port_lock(port);
  if (port->spare_count == 0 && port->user_count < USER_PACKETS_MAX) {
    zxp_port_unlock(port);
    made = malloc(sizeof *made);
    if (made == NULL) {
      return ZX_ERR_NO_MEMORY;
    }
    zxp_port_node_init(&made->node, &user_ops);
    zxp_port_lock(port);
  }
  if (port->closed) {
    status = ZX_ERR_BAD_HANDLE; /* closed since the look-up */
  } else if (port->user_count >= USER_PACKETS_MAX) {
    status = ZX_ERR_SHOULD_WAIT;
  } else {
    struct user_packet* user = made;
    made = NULL;
    if (user == NULL) {
      struct zxp_list* link = zxp_list_pop_front(&port->spare);
      port->spare_count--;
      user = ZXP_CONTAINER_OF(link, struct user_packet, node.link);
    }
    user->packet = *packet;
    user->packet.type = ZX_PKT_TYPE_USER;
    port->user_count++;
    (void)zxp_port_push_locked(port, &user->node);
  }
  zxp_port_unlock(port);
  free(made);
  return status;
}

bool zxp_port_drop_user_locked(struct zxp_port* port, uint64_t key, struct zxp_list* dropped) {
  bool found = false;
  ZXP_LIST_FOREACH_SAFE(link, &port->queue) {
    struct zxp_port_node* node = ZXP_CONTAINER_OF(link, struct zxp_port_node, link);
    if (node->ops == &user_ops &&
        ZXP_CONTAINER_OF(node, struct user_packet, node)->packet.key == key) {
      zxp_list_remove(link);
      zxp_list_push_back(dropped, link);
      port->user_count--;
      found = true;
    }
  }
  return found;
}

/* ---- Server ---- */

void zxp_port_set_server(struct zxp_port* port, const struct zxp_port_server_ops* ops,
                         void* context) {
  zxp_port_lock(port);
  ZXP_ASSERT(port->server_ops == NULL);
  port->server_context = context;
  port->server_ops = ops;
  /* Whoever sleeps on the word looks at the port again and goes to the server. */
  atomic_fetch_add_explicit(&port->wake_sequence, 1, memory_order_relaxed);
  port->wakes_due = INT_MAX;
  zxp_port_unlock(port);
}

void* zxp_port_server_context(struct zxp_port* port) {
  zxp_port_lock(port);
  void* context = port->server_context;
  zxp_port_unlock(port);
  return context;
}

void zxp_port_set_server_release(struct zxp_port* port, void (*release)(void* context)) {
  zxp_port_lock(port);
  port->server_release = release;
  zxp_port_unlock(port);
}

/* ---- Last handle ---- */

/* The queue is emptied and stays empty. Threads in zxp_port_wait are not woken: in Zircon they
 * sleep on until their deadline, and so they do here (docs/semantics/objects.md 8.6). */
static void port_zero_handles(struct zxp_object* object) {
  struct zxp_port* port = zxp_port_from_object(object);
  zxp_port_waits_closed(port);
  for (;;) {
    /* One at a time: until it is off the queue, a page source may take its node back. */
    zxp_port_lock(port);
    struct zxp_list* link = zxp_list_pop_front(&port->queue);
    if (link != NULL) {
      struct zxp_port_node* node = ZXP_CONTAINER_OF(link, struct zxp_port_node, link);
      if (node->ops->dropped_locked != NULL) {
        node->ops->dropped_locked(port, node);
      }
    }
    zxp_port_unlock(port);
    if (link == NULL) {
      break;
    }
    release_taken(ZXP_CONTAINER_OF(link, struct zxp_port_node, link));
  }
  ZXP_LOG(ZXP_TOPIC_PORT, 2, "port %llu closed", (unsigned long long)object->koid);
}
