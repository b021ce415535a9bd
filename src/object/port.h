/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports: one first-in-first-out queue of packets (docs/semantics/objects.md 8).
 *
 *   zxp_port         the object
 *   zxp_port_node    a queued packet; embedded in what it announces (a user packet, a wait, a page
 *                    source), so that queueing can neither fail nor allocate
 *   zxp_port_server  what a thread in zx_port_wait does while the queue is empty, besides sleeping:
 *                    the fault engine installs one, so that whoever waits for requests reads the
 *                    page faults itself ("one hop", docs/design.md)
 *
 * Page sources (vm/page_source.h) keep their packet slot and the requests that wait behind it under
 * port.lock, so they use the `_locked` calls with the lock taken by zxp_port_lock.
 *
 * When the last handle goes the queue is dropped and later pushes are dropped silently
 * (zxp_port_push_locked answers false); the object lives on while sources or waiting threads hold
 * it.
 */
#ifndef ZXP_OBJECT_PORT_H_
#define ZXP_OBJECT_PORT_H_

#include <stdio.h>
#include <zircon/syscalls/port.h>

#include "object/object.h"

struct zxp_port;
struct zxp_port_node;

struct zxp_port_node_ops {
  /*
   * The node has just been taken off the queue by a receiver (not by remove or drop), port.lock
   * held: fill `packet`. May push this or another node again (a page source's next request goes to
   * the tail here).
   */
  void (*take_locked)(struct zxp_port* port, struct zxp_port_node* node, zx_port_packet_t* packet);
  /* The node has just been taken off the queue because the last handle went; port.lock held. May be
   * NULL. */
  void (*dropped_locked)(struct zxp_port* port, struct zxp_port_node* node);
  /* The node's life in the port is over (taken and not pushed again, or dropped with the port), no
   * lock held: put references. NULL: the port does not touch the node again after the above. */
  void (*released)(struct zxp_port_node* node);
};

struct zxp_port_node {
  struct zxp_list link;                /* (P) in port.queue; empty if not queued */
  const struct zxp_port_node_ops* ops; /* (P) constant while queued */
};

struct zxp_port_server_ops {
  /*
   * Called by a thread in zx_port_wait that found the queue empty, no lock held. Works and sleeps
   * until something may have been queued (ZX_OK), or `deadline` (ZX_ERR_TIMED_OUT). ZX_OK may be
   * spurious. A passed deadline still means one look at what is there. Several threads may be
   * inside at once.
   */
  zx_status_t (*wait)(void* context, zx_time_t deadline);
  /*
   * A packet was queued: make one thread in `wait` return. port.lock is held; must not block.
   * Called only for a thread that is in `wait` or on its way in, so a kick must not be lost when it
   * comes first. A thread that was kicked and is not back yet answers for the packets that follow.
   */
  void (*kick)(void* context);
  /* Whether somebody outside of zx_port_wait, a libuv loop, watches the port and is to be kicked
   * for every packet. port.lock is held. May be NULL. */
  bool (*always_kick)(void* context);
};

zx_status_t zxp_port_create(struct zxp_port** out);

struct zxp_object* zxp_port_object(struct zxp_port* port);
struct zxp_port* zxp_port_from_object(struct zxp_object* object);

void zxp_port_lock(struct zxp_port* port);
void zxp_port_unlock(struct zxp_port* port);
void zxp_port_assert_held(struct zxp_port* port);

/* Queues at the tail and wakes a receiver. False, and not queued, if the last handle has gone. */
bool zxp_port_push_locked(struct zxp_port* port, struct zxp_port_node* node);

/* Takes the node back; false if it was not queued. Its `released` is not called. */
bool zxp_port_remove_locked(struct zxp_port* port, struct zxp_port_node* node);

void zxp_port_node_init(struct zxp_port_node* node, const struct zxp_port_node_ops* ops);

/* Takes the first packet if there is one: ZX_OK, or ZX_ERR_SHOULD_WAIT. Never sleeps, never serves.
 */
zx_status_t zxp_port_try_take(struct zxp_port* port, zx_port_packet_t* out);

/*
 * Queues a copy of the packet, its type overwritten. ZX_ERR_SHOULD_WAIT, as many as may wait in a
 * port do; ZX_ERR_BAD_HANDLE, the last handle has gone; ZX_ERR_NO_MEMORY.
 */
zx_status_t zxp_port_queue_user(struct zxp_port* port, const zx_port_packet_t* packet);

/*
 * The usual case of zx_port_queue and zx_port_wait, a user packet and no sleep, straight from the
 * handle and without pinning it. False: nothing was done, and why is found out the long way. On a
 * port with a server there is no short way to take, which is said, so that one need not ask again.
 */
bool zxp_port_queue_quick(zx_handle_t handle, const zx_port_packet_t* packet);
bool zxp_port_take_quick(zx_handle_t handle, zx_port_packet_t* out, bool* has_server);

/* zx_port_wait without the handle. */
zx_status_t zxp_port_wait(struct zxp_port* port, zx_time_t deadline, zx_port_packet_t* out);

/*
 * Waits registered with a port (port_wait.c): zx_object_wait_async without the look-ups. `handle`
 * is the one whose look-up gave `object`. ZX_ERR_BAD_HANDLE, the port's last handle has gone;
 * ZX_ERR_NO_MEMORY.
 */
zx_status_t zxp_port_wait_async(struct zxp_port* port, struct zxp_object* object,
                                zx_handle_t handle, uint64_t key, zx_signals_t mask,
                                uint32_t options);

/* Drops the waits, pending or queued, of this handle and key; false if there were none. */
bool zxp_port_cancel(struct zxp_port* port, struct zxp_object* object, zx_handle_t handle,
                     uint64_t key);

/* Drops waits and user packets with this key; false if there were none. */
bool zxp_port_cancel_key(struct zxp_port* port, uint64_t key);

/*
 * Installs what threads do while they wait; once per port. Threads already asleep change over. The
 * server's context must live as long as the port.
 */
void zxp_port_set_server(struct zxp_port* port, const struct zxp_port_server_ops* ops,
                         void* context);

/* The server's context, or NULL if none was installed. */
void* zxp_port_server_context(struct zxp_port* port);

/* Text about each port and its queue, for dumps; ports whose lock cannot be had are named. */
void zxp_port_dump_all(FILE* out);

/* The server is released when the port object is destroyed. */
void zxp_port_set_server_release(struct zxp_port* port, void (*release)(void* context));

#endif /* ZXP_OBJECT_PORT_H_ */
