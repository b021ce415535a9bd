/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fault channels: the way of page faults from the kernel to whoever serves a port.
 *
 *   zxp_channel   one userfaultfd, an eventfd for packets, and an epoll descriptor over both
 *
 * Each port whose pager VMOs are mapped has one channel, and every mapping of those VMOs is
 * registered with its userfaultfd. The thread that waits in zx_port_wait, or the libuv loop that
 * serves the port, sleeps on these descriptors, reads the fault messages itself and turns them
 * into packets: one hop from fault to pager. A fault that needs no pager is resolved on the spot.
 *
 * Mappings whose stores the kernel notes by itself (vm/harvest.c) need a userfaultfd of another
 * kind. It is in the channel's *twin*, made with the first such mapping: a channel for messages,
 * which shares everything else with the one that it belongs to.
 *
 * One service thread of the library stands by for channels that nobody waits on at the moment. Its
 * own epoll descriptor is added to each userfaultfd after the channel's, both with EPOLLEXCLUSIVE,
 * so the kernel wakes it only where no thread sleeps on the channel.
 *
 * A channel is created with the first mapping of a pager VMO, or when a loop starts to serve a
 * port, and lives as long as the port object; mappings that are registered with it hold references
 * too.
 *
 * Lock: none while reading; resolving takes aspace.lock (read) and the tree lock of the VMO
 * touched.
 */
#ifndef ZXP_FAULT_CHANNEL_H_
#define ZXP_FAULT_CHANNEL_H_

#include <stdbool.h>

#include "object/port.h"

struct zxp_channel;

/*
 * The channel of a port, made if there is none yet; borrowed, valid as long as the port.
 * Errors: ZX_ERR_NO_RESOURCES (descriptors), ZX_ERR_NO_MEMORY.
 */
zx_status_t zxp_channel_of_port(struct zxp_port* port, struct zxp_channel** out);

/* The most descriptors that one channel has to be polled on. */
#define ZXP_CHANNEL_POLL_MAX 3

/* The descriptors to poll for reading: one of them is readable when a fault or a packet may be
 * waiting. How many; the same ones as long as the channel is there. */
unsigned zxp_channel_poll_fds(const struct zxp_channel* channel, int fds[ZXP_CHANNEL_POLL_MAX]);

/* From now on (until unset) a loop polls the descriptors: every packet that is queued makes one
 * readable, and no thread sleeps in zx_port_wait. */
void zxp_channel_set_polled(struct zxp_channel* channel, bool polled);

/* Reads and resolves all faults that wait at the descriptor, one of zxp_channel_poll_fds, that is
 * readable; -1: at one of them or another, to be tried. Clears the packet notification. Never
 * blocks on a pager. After it, take packets with zxp_port_try_take until it says
 * ZX_ERR_SHOULD_WAIT. */
void zxp_channel_serve(struct zxp_channel* channel, int readable);

#endif /* ZXP_FAULT_CHANNEL_H_ */
