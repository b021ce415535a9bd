/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What port.c (queue, receivers), port_user.c (user packets) and port_wait.c (waits registered with
 * a port) share.
 *
 * User packets are queued and taken in great numbers, and the two sides would spend their time
 * waiting for each other's lock. So a receiver that finds user packets at the head of the queue
 * moves a batch of them over to `ready`, from where receivers take them without port.lock. What is
 * ready is older than all that is in the queue, so the order stays. Only user packets are ever
 * ready: everything else is taken, and taken back, in the queue. On a port of pagers, where user
 * packets are rare, a receiver that finds nothing of theirs needs port.lock alone.
 *
 * Locks: port.take_lock (ZXP_RANK_PORT_TAKE) is a receiver's, and goes around port.lock
 * (ZXP_RANK_PORT), which is taken inside object.lock, never around it.
 */
#ifndef ZXP_OBJECT_PORT_PRIVATE_H_
#define ZXP_OBJECT_PORT_PRIVATE_H_

#include "base/quick_lock.h"
#include "object/port.h"

#define ZXP_CACHE_LINE 64

/* (A) atomic  (P) port.lock  (R) port.take_lock
 * (Z) written once under port.lock, before `server_ops` is */
struct zxp_port {
  struct zxp_object object;
  struct zxp_quick_lock lock;
  struct zxp_list queue;    /* (P) zxp_port_node.link, oldest first */
  struct zxp_list waits;    /* (P) pending waits, port_wait.c, newest first */
  struct zxp_list spare;    /* (P) user packets to use again */
  struct zxp_list all_link; /* in the list of all ports; its own lock */
  uint32_t user_count;  /* (P) user packets queued or ready, less those of `taken` not seen yet */
  uint32_t taken_seen;  /* (P) how much of `taken` has been counted off */
  uint32_t spare_count; /* (P) */
  uint32_t sleepers;    /* (P) threads in zxp_port_wait that found nothing */
  uint32_t signalled;   /* (P) of these, woken and not running yet; <= sleepers */
  uint32_t wakes_due;   /* (P) how many zxp_port_unlock has to wake; 0 while unlocked */
  bool closed;          /* (P) the last handle has gone; for good */
  atomic_uint wake_sequence; /* (P) to change, (A) to read: the word on which receivers sleep */
  atomic_uint pushes;        /* (P) to change, (A) to read: packets ever queued, modulo 2^32 */
  /* (P) to change, (A) to read: NULL until installed */
  const struct zxp_port_server_ops* _Atomic server_ops;
  void* server_context;                  /* (Z) */
  void (*server_release)(void* context); /* (Z) */
  /* The receivers' side, on cache lines of its own. */
  _Alignas(ZXP_CACHE_LINE) struct zxp_quick_lock take_lock;
  struct zxp_list ready;   /* (R) user packets, older than all that is queued */
  atomic_uint ready_count; /* (R) to change, (P) too to raise, (A) to read: packets in `ready` */
  struct zxp_list used;    /* (R) user packets that were taken, for `spare` */
  uint32_t used_count;     /* (R) */
  atomic_uint taken;       /* (R) to change, (A) to read: user packets taken, modulo 2^32 */
};

/* ---- port_user.c ---- */

void zxp_port_user_init(struct zxp_port* port);
void zxp_port_user_fini(struct zxp_port* port);

/* Whether this node is a user packet. */
bool zxp_port_is_user(const struct zxp_port_node* node);

/* Whether neither what is ready nor the head of the queue is a user packet, and so it stays as long
 * as port.lock is held. */
bool zxp_port_is_free_of_user_locked(struct zxp_port* port);

/* Takes the oldest packet that is ready off the list; NULL if there is none. take_lock is held. */
struct zxp_list* zxp_port_pop_ready_locked(struct zxp_port* port);

/* Takes the oldest packet that is ready; false if there is none. take_lock is held. */
bool zxp_port_take_ready_locked(struct zxp_port* port, zx_port_packet_t* out);

/* Moves the user packets at the head of the queue over to `ready`, up to a batch. Both locks are
 * held, and nothing is ready. */
void zxp_port_refill_locked(struct zxp_port* port);

/*
 * Takes every user packet with this key out of the port and puts it at the end of `dropped`, whose
 * nodes zxp_port_release_dropped frees once the locks are gone. True if there was one. Both locks
 * are held.
 */
bool zxp_port_drop_user_locked(struct zxp_port* port, uint64_t key, struct zxp_list* dropped);

/* Calls `released` of each node, and empties the list, which nobody else can see. No lock held. */
void zxp_port_release_dropped(struct zxp_list* dropped);

/* ---- port.c ---- */

/* Both locks, for what has to see every packet at once. */
void zxp_port_lock_both(struct zxp_port* port);
void zxp_port_unlock_both(struct zxp_port* port);

/* ---- port_wait.c ---- */

/* The last handle has gone: closes the port, and drops every wait registered with it. */
void zxp_port_waits_closed(struct zxp_port* port);

#endif /* ZXP_OBJECT_PORT_PRIVATE_H_ */
