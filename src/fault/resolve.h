/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resolving: what becomes of one page-fault message.
 *
 * A message says that a thread was stopped at an address because a page was missing there, or was
 * write-protected. By the time it is looked at anything may have changed, so nothing in it but
 * thread and address is believed: the mapping and the page are looked up under the locks, and one
 * of these is done.
 *
 *   WAKE    the thread touches again and meets what is there now: the page, or a hole (SIGSEGV), or
 *           the void past the VMO's end (SIGBUS)
 *   SHOW    the page reads as zeros but has no memory: give it some, wake
 *   DIRTY   a store that nobody has to be asked about: dirty the page, lift the protection (wakes)
 *   FORK    a store to a page of a copy-on-write child: give it a page of its own, wake
 *   COPY    a load of such a page: put the bytes where the mapping looks, wake
 *   ASK     ask the pager; the thread stays stopped, and is now on record
 *   FAIL    the pager is gone: SIGBUS
 *   DROP    the thread has been woken since, and says so again if it still waits (fault/wakes.h)
 *
 * Lock: takes aspace.lock (read) and the tree lock of the VMO.
 */
#ifndef ZXP_FAULT_RESOLVE_H_
#define ZXP_FAULT_RESOLVE_H_

#include <stdint.h>
#include <sys/types.h>

struct zxp_channel;

/* `flags` as in the message: UFFD_PAGEFAULT_FLAG_*; `seq`: messages of one channel are numbered in
 * the order in which they were read, so that a stale one can be told from a later one of the same
 * thread; `done`: the tick after it was read, see fault/wakes.h. */
void zxp_fault_resolve(struct zxp_channel* channel, uintptr_t address, uint64_t flags, pid_t tid,
                       uint64_t seq, uint64_t done);

#endif /* ZXP_FAULT_RESOLVE_H_ */
