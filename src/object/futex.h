/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Futexes (docs/semantics/objects.md 13).
 *
 *   word      an aligned int in the caller's memory; its address is the futex
 *   bucket    the waiting threads of all futexes whose addresses hash alike, longest waiting first
 *   sleeper   a waiting thread; on its stack
 *
 * Threads sleep on Linux futexes (base/wake.h), each on one of its own; who waits for which word is
 * kept here. Waiting on the caller's word itself would not do: Linux takes a thread off the queue
 * while a signal handler runs on it, and a wake-up that comes then is lost; it has no owners; and
 * where userfaultfd serves user mode only, it could not read a word whose page the pager has yet to
 * supply.
 *
 * Comparing and falling asleep have to be one step against wake-ups, but no lock may be held while
 * the word is read. So a bucket counts its wake-ups: wait reads the count, then the word, then
 * takes the lock, and starts again if the count has moved. A wake-up that came in between is thus
 * never missed, and one that comes later finds the sleeper in the bucket. Requeue, which compares
 * too, does the same with a count of those who have fallen asleep.
 *
 * Owners: the thread, by koid, that the program says holds what the futex stands for. Nothing is
 * inherited from it here; zx_futex_get_owner tells it. A futex has an owner only while threads
 * wait: all sleepers of one word carry the same.
 *
 * Lock: bucket.lock (ZXP_RANK_LEAF); requeue takes two, lower address first.
 */
#ifndef ZXP_OBJECT_FUTEX_H_
#define ZXP_OBJECT_FUTEX_H_

#include <zircon/types.h>

/* What wake and requeue make the owner of the woken futex. */
enum zxp_futex_owner {
  ZXP_FUTEX_OWNER_NONE,
  ZXP_FUTEX_OWNER_WOKEN, /* the one thread that is woken; `count` is 1 */
};

/* Pointers are checked already. The statuses are those of the zx_futex_ calls. */
zx_status_t zxp_futex_wait(const zx_futex_t* word, int current, zx_handle_t owner,
                           zx_time_t deadline);
void zxp_futex_wake(const zx_futex_t* word, uint32_t count, enum zxp_futex_owner mode);
zx_status_t zxp_futex_requeue(const zx_futex_t* word, uint32_t wake_count,
                              enum zxp_futex_owner mode, int current, const zx_futex_t* to,
                              uint32_t move_count, zx_handle_t to_owner);
zx_koid_t zxp_futex_owner(const zx_futex_t* word);

#endif /* ZXP_OBJECT_FUTEX_H_ */
