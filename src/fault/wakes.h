/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether a page-fault message still tells the truth: does the thread wait there?
 *
 * Messages are read by several threads, and resolved under locks that may take long to get.
 * Meanwhile the page may be woken for another thread's sake, or be there for a moment; the thread
 * goes on, and may be stopped somewhere else by the time its message is looked at. Asking a pager
 * for it would be waste; raising SIGBUS in it would hit an innocent access. So all reads and wakes
 * are put in one order by a counter: each of them moves it on when it begins, and notes where it
 * stands when it is done; and for each page the latest wake is remembered.
 *
 *   read begun after the wake was done     the thread waits                        ZXP_WAIT_ON
 *   read done before the wake was begun    woken; it sends another message if it   ZXP_WAIT_OVER
 *                                          still waits, and this one is dropped
 *   the two overlap                        nobody knows: wake the page once more   ZXP_WAIT_UNKNOWN
 *
 * The table is finite; a page that another one has displaced counts as not woken. Lock: a leaf of
 * its own.
 */
#ifndef ZXP_FAULT_WAKES_H_
#define ZXP_FAULT_WAKES_H_

#include <stdint.h>

enum zxp_wait {
  ZXP_WAIT_ON,
  ZXP_WAIT_UNKNOWN,
  ZXP_WAIT_OVER,
};

/* The next `count` numbers of the counter; the first of them. */
uint64_t zxp_tick(uint64_t count);

/* The number that comes next. */
uint64_t zxp_tick_now(void);

/* The pages of [address, +length) have been woken by a system call that began with the tick `begun`
 * (zxp_tick) and after which the counter stood at `done` (zxp_tick_now). */
void zxp_wakes_note(uintptr_t address, uint64_t length, uint64_t begun, uint64_t done);

/* Of a message about the page of `address`, read between these two likewise. */
enum zxp_wait zxp_wakes_look(uintptr_t address, uint64_t begun, uint64_t done);

#endif /* ZXP_FAULT_WAKES_H_ */
