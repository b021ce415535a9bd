/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What port.c (queue, receivers) and port_wait.c (waits registered with a port) share.
 *
 * Lock: port.lock (ZXP_RANK_PORT). It is taken inside object.lock, never around it.
 */
#ifndef ZXP_OBJECT_PORT_PRIVATE_H_
#define ZXP_OBJECT_PORT_PRIVATE_H_

#include "object/port.h"

/* (A) atomic  (P) port.lock  (Z) written once under port.lock, before `server_ops` is */
struct zxp_port {
  struct zxp_object object;
  struct zxp_mutex lock;
  struct zxp_list queue;     /* (P) zxp_port_node.link, oldest first */
  struct zxp_list waits;     /* (P) pending waits, port_wait.c, newest first */
  struct zxp_list spare;     /* (P) user packets to use again */
  struct zxp_list all_link;  /* in the list of all ports; its own lock */
  uint32_t user_count;       /* (P) user packets queued */
  uint32_t spare_count;      /* (P) */
  uint32_t sleepers;         /* (P) threads in zxp_port_wait that found nothing */
  uint32_t signalled;        /* (P) of these, woken and not running yet; <= sleepers */
  uint32_t wakes_due;        /* (P) how many zxp_port_unlock has to wake; 0 while unlocked */
  bool closed;               /* (P) the last handle has gone; for good */
  atomic_uint wake_sequence; /* (A) the word on which receivers sleep */
  const struct zxp_port_server_ops* server_ops; /* (P) NULL until installed */
  void* server_context;                         /* (Z) */
  void (*server_release)(void* context);        /* (Z) */
};

/*
 * Takes every user packet with this key off the queue and puts it at the end of `dropped`, whose
 * nodes zxp_port_release_dropped frees once the lock is gone. True if there was one.
 */
bool zxp_port_drop_user_locked(struct zxp_port* port, uint64_t key, struct zxp_list* dropped);

/* Calls `released` of each node, and empties the list, which nobody else can see. No lock held. */
void zxp_port_release_dropped(struct zxp_list* dropped);

/* The last handle has gone: closes the port, and drops every wait registered with it. */
void zxp_port_waits_closed(struct zxp_port* port);

#endif /* ZXP_OBJECT_PORT_PRIVATE_H_ */
