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
#include "object/handle.h"
#include "object/port_private.h"

/* How often a receiver looks once more before it falls asleep: about a microsecond. */
#define LINGER_SPINS 20

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
    if (!zxp_quick_trylock(&port->lock)) {
      fprintf(out, ": its lock is held, skipped\n");
      continue;
    }
    size_t others = 0;
    ZXP_LIST_FOREACH(link, &port->queue) {
      others += !zxp_port_is_user(ZXP_CONTAINER_OF(link, struct zxp_port_node, link));
    }
    const uint32_t of_user =
        port->user_count -
        (atomic_load_explicit(&port->taken, memory_order_relaxed) - port->taken_seen);
    fprintf(out, ": %zu packets queued (%u of the user), %u threads waiting%s\n", others + of_user,
            of_user, port->sleepers, port->closed ? ", closed" : "");
    zxp_quick_unlock(&port->lock);
  }
  zxp_mutex_unlock(&all_lock);
}

/* ---- Life ---- */

/*
 * Memory of a port is used again for another port and never freed: zx_port_queue and zx_port_wait
 * take a port's lock on the strength of a look-up that holds nothing (zxp_handle_peek_port). So the
 * locks are made once, and stay what they are from one port to the next.
 */
static struct zxp_list pool = {&pool, &pool}; /* guarded by all_lock; linked by all_link */

static struct zxp_port* allocate(void) {
  struct zxp_port* port = NULL;
  zxp_mutex_lock(&all_lock);
  struct zxp_list* link = zxp_list_pop_front(&pool);
  zxp_mutex_unlock(&all_lock);
  if (link != NULL) {
    return ZXP_CONTAINER_OF(link, struct zxp_port, all_link);
  }
  port = aligned_alloc(ZXP_CACHE_LINE, sizeof *port);
  if (port != NULL) {
    memset(port, 0, sizeof *port);
    zxp_quick_lock_init(&port->lock, ZXP_RANK_PORT);
    zxp_quick_lock_init(&port->take_lock, ZXP_RANK_PORT_TAKE);
    zxp_list_init(&port->all_link);
  }
  return port;
}

zx_status_t zxp_port_create(struct zxp_port** out) {
  struct zxp_port* port = allocate();
  if (port == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  zxp_object_init(&port->object, &port_ops, 0);
  /* Somebody who meant the port that was here before may be about to find out. */
  zxp_port_lock_both(port);
  zxp_list_init(&port->queue);
  zxp_list_init(&port->waits);
  port->sleepers = 0;
  port->signalled = 0;
  port->wakes_due = 0;
  port->closed = false;
  /* Not atomic_init: zxp_port_take_quick may be looking, as above. */
  atomic_store_explicit(&port->server_ops, NULL, memory_order_relaxed);
  port->server_context = NULL;
  port->server_release = NULL;
  atomic_init(&port->wake_sequence, 0);
  atomic_init(&port->pushes, 0);
  zxp_port_user_init(port);
  zxp_port_unlock_both(port);
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
  zxp_port_user_fini(port);
  zxp_object_fini(object);
  zxp_mutex_lock(&all_lock);
  zxp_list_push_front(&pool, &port->all_link);
  zxp_mutex_unlock(&all_lock);
}

struct zxp_object* zxp_port_object(struct zxp_port* port) {
  return &port->object;
}

struct zxp_port* zxp_port_from_object(struct zxp_object* object) {
  ZXP_DEBUG_ASSERT(object->ops == &port_ops);
  return ZXP_CONTAINER_OF(object, struct zxp_port, object);
}

/* ---- Lock and wake-ups ---- */

void zxp_port_lock(struct zxp_port* port) { zxp_quick_lock(&port->lock); }

/* A push only notes that receivers are to be woken; that is done here, when they can have the lock
 * at once. Only the word's address is used after the lock is gone, so the port may be gone too. */
void zxp_port_unlock(struct zxp_port* port) {
  atomic_uint* const word = &port->wake_sequence;
  const uint32_t due = port->wakes_due;
  port->wakes_due = 0;
  zxp_quick_unlock(&port->lock);
  if (due > 0) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, due, NULL, NULL, 0);
  }
}

void zxp_port_lock_both(struct zxp_port* port) {
  zxp_quick_lock(&port->take_lock);
  zxp_port_lock(port);
}

void zxp_port_unlock_both(struct zxp_port* port) {
  zxp_port_unlock(port);
  zxp_quick_unlock(&port->take_lock);
}

static const struct zxp_port_server_ops* server_of(struct zxp_port* port) {
  return atomic_load_explicit(&port->server_ops, memory_order_acquire);
}

void zxp_port_assert_held(struct zxp_port* port) { ZXP_ASSERT_HELD(&port->lock); }

static void change_sequence_locked(struct zxp_port* port) {
  const unsigned sequence = atomic_load_explicit(&port->wake_sequence, memory_order_relaxed);
  atomic_store_explicit(&port->wake_sequence, sequence + 1, memory_order_relaxed);
}

/*
 * One receiver for one more packet. A receiver that was woken and has not run yet counts as awake:
 * it will look at the queue under the lock before it sleeps again.
 */
static void wake_one_locked(struct zxp_port* port) {
  const struct zxp_port_server_ops* server = server_of(port);
  if (server != NULL && server->always_kick != NULL && server->always_kick(port->server_context)) {
    server->kick(port->server_context);
    return;
  }
  if (port->sleepers == port->signalled) {
    return;
  }
  port->signalled++;
  /* Also for those who have counted themselves as asleep but not fallen asleep yet. */
  change_sequence_locked(port);
  if (server != NULL) {
    server->kick(port->server_context);
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
  atomic_store_explicit(&port->pushes,
                        atomic_load_explicit(&port->pushes, memory_order_relaxed) + 1,
                        memory_order_relaxed);
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

static void release_taken(struct zxp_port_node* node) {
  if (node != NULL) {
    node->ops->released(node);
  }
}

void zxp_port_release_dropped(struct zxp_list* dropped) {
  struct zxp_list* link;
  while ((link = zxp_list_pop_front(dropped)) != NULL) {
    release_taken(ZXP_CONTAINER_OF(link, struct zxp_port_node, link));
  }
}

/* ---- Receiving ---- */

/* Takes the oldest packet out of the queue; false if there is none. port.lock is held, and nothing
 * is ready; take_lock too if a user packet is at the head. `*taken` is the node if its life in the
 * port is over, for release_taken once the locks are gone. */
static bool take_queued_locked(struct zxp_port* port, zx_port_packet_t* out,
                               struct zxp_port_node** taken) {
  if (zxp_list_empty(&port->queue)) {
    return false;
  }
  struct zxp_port_node* node = ZXP_CONTAINER_OF(port->queue.next, struct zxp_port_node, link);
  if (zxp_port_is_user(node)) {
    zxp_port_refill_locked(port);
    return zxp_port_take_ready_locked(port, out);
  }
  const bool held = node->ops->released != NULL;
  zxp_list_remove(&node->link);
  node->ops->take_locked(port, node, out);
  /* A page source may have queued the node again for its next request. */
  *taken = held && zxp_list_empty(&node->link) ? node : NULL;
  return true;
}

/* How a receiver comes to look, and sleeps if there is nothing. */
struct receiver {
  bool slept; /* counts as a sleeper, and is to count no more */
  bool stays; /* is to count as one if there is nothing, in one step with having found nothing */
  unsigned sequence;                        /* then: the word's value to sleep on */
  const struct zxp_port_server_ops* server; /* or who waits for it */
};

static void wake_up_locked(struct zxp_port* port) {
  port->sleepers--;
  if (port->signalled > 0) {
    port->signalled--;
  }
}

/* Takes the oldest packet of all; false: there is none, and the receiver counts as a sleeper if it
 * is to. port.lock is held, and nothing is ready. */
static bool look_locked(struct zxp_port* port, zx_port_packet_t* out, struct receiver* r,
                        struct zxp_port_node** taken) {
  const bool found = take_queued_locked(port, out, taken);
  if (!found && r->stays) {
    port->sleepers++;
    r->sequence = atomic_load_explicit(&port->wake_sequence, memory_order_relaxed);
    r->server = server_of(port);
  }
  return found;
}

static bool take(struct zxp_port* port, zx_port_packet_t* out, struct receiver* r) {
  struct zxp_port_node* taken = NULL;
  bool found = false;
  if (server_of(port) != NULL) {
    zxp_port_lock(port);
    if (r->slept) {
      wake_up_locked(port);
      r->slept = false;
    }
    const bool done = zxp_port_is_free_of_user_locked(port);
    found = done && look_locked(port, out, r, &taken);
    zxp_port_unlock(port);
    if (done) {
      release_taken(taken);
      return found;
    }
  }
  zxp_quick_lock(&port->take_lock);
  found = zxp_port_take_ready_locked(port, out);
  if (!found || r->slept) {
    zxp_port_lock(port);
    if (r->slept) {
      wake_up_locked(port);
      r->slept = false;
    }
    found = found || look_locked(port, out, r, &taken);
    zxp_port_unlock(port);
  }
  zxp_quick_unlock(&port->take_lock);
  release_taken(taken);
  return found;
}

zx_status_t zxp_port_try_take(struct zxp_port* port, zx_port_packet_t* out) {
  struct receiver r = {0};
  return take(port, out, &r) ? ZX_OK : ZX_ERR_SHOULD_WAIT;
}

bool zxp_port_take_quick(zx_handle_t handle, zx_port_packet_t* out, bool* has_server) {
  struct zxp_object* object = zxp_handle_peek_port(handle, ZX_RIGHT_READ);
  if (object == NULL) {
    *has_server = false;
    return false;
  }
  struct zxp_port* port = ZXP_CONTAINER_OF(object, struct zxp_port, object);
  *has_server = server_of(port) != NULL;
  if (*has_server) {
    return false; /* User packets are rare on a port of pagers, and its receivers sleep in any
                   * case. */
  }
  zxp_quick_lock(&port->take_lock);
  /* A port that is alive now stays so until the lock is given back: its last handle's close drains
   * it under this lock before it ends. */
  bool found = zxp_handle_is_live(handle, object);
  if (found && !zxp_port_take_ready_locked(port, out)) {
    zxp_port_lock(port);
    zxp_port_refill_locked(port);
    zxp_port_unlock(port);
    found = zxp_port_take_ready_locked(port, out);
  }
  zxp_quick_unlock(&port->take_lock);
  return found;
}

/* A packet often comes while the receiver of the one before falls asleep. A moment's patience costs
 * less than that sleep and the wake-up that its producer would have to pay for. */
static void linger(struct zxp_port* port) {
  const unsigned pushes = atomic_load_explicit(&port->pushes, memory_order_relaxed);
  for (int i = 0; i < LINGER_SPINS; i++) {
    zxp_cpu_relax();
    if (atomic_load_explicit(&port->pushes, memory_order_relaxed) != pushes) {
      return;
    }
  }
}

zx_status_t zxp_port_wait(struct zxp_port* port, zx_time_t deadline, zx_port_packet_t* out) {
  zx_status_t status = ZX_OK;
  struct receiver r = {.stays = true};
  if (deadline > 0 && server_of(port) == NULL) {
    linger(port);
  }
  /* A packet wins over a passed deadline. */
  while (!take(port, out, &r)) {
    if (status != ZX_OK) {
      return status;
    }
    status = r.server != NULL ? r.server->wait(port->server_context, deadline)
                              : sleep_on_word(&port->wake_sequence, r.sequence, deadline);
    r.slept = true;
    r.stays = status == ZX_OK;
  }
  return ZX_OK;
}

/* ---- Server ---- */

void zxp_port_set_server(struct zxp_port* port, const struct zxp_port_server_ops* ops,
                         void* context) {
  zxp_port_lock(port);
  ZXP_ASSERT(server_of(port) == NULL);
  port->server_context = context;
  atomic_store_explicit(&port->server_ops, ops, memory_order_release);
  /* Whoever sleeps on the word looks at the port again and goes to the server. */
  change_sequence_locked(port);
  port->wakes_due = INT_MAX;
  zxp_port_unlock(port);
}

void* zxp_port_server_context(struct zxp_port* port) {
  return server_of(port) != NULL ? port->server_context : NULL;
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
  struct zxp_list* link;
  zxp_port_waits_closed(port);
  do {
    /* One at a time: until it is off the queue, a page source may take its node back. */
    zxp_port_lock_both(port);
    link = zxp_port_pop_ready_locked(port);
    if (link == NULL) {
      link = zxp_list_pop_front(&port->queue);
    }
    struct zxp_port_node* node =
        link != NULL ? ZXP_CONTAINER_OF(link, struct zxp_port_node, link) : NULL;
    const bool held = node != NULL && node->ops->released != NULL;
    if (node != NULL && node->ops->dropped_locked != NULL) {
      node->ops->dropped_locked(port, node);
    }
    zxp_port_unlock_both(port);
    release_taken(held ? node : NULL);
  } while (link != NULL);
  ZXP_LOG(ZXP_TOPIC_PORT, 2, "port %llu closed", (unsigned long long)object->koid);
}
