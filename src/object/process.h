/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The process and its threads as objects (docs/semantics/vmar.md 1.5, 10).
 *
 *   process   one, from the first zx_process_self() on
 *   thread    one for each thread that has called zx_thread_self(); its handle goes with the
 *             thread, the object lives as long as somebody has a handle to it
 *
 * They carry a name, signals and rights, and can be asked about; nothing can be started, stopped or
 * killed through them. The two self handles belong to the library and stay the same.
 *
 * fork: memory and threads of the library do not follow into the child, and its locks may be held
 * there by threads that do not exist. A handler of pthread_atfork sets a flag in the child, which
 * handle look-ups and creations read before they touch anything else.
 *
 * Lock: object.lock guards the names.
 */
#ifndef ZXP_OBJECT_PROCESS_H_
#define ZXP_OBJECT_PROCESS_H_

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>
#include <zircon/types.h>

#include "object/info.h"

extern atomic_bool zxp_process_forked; /* (A) set once, in the child */

/* Whether this process is a fork of the one that loaded the library. */
static inline bool zxp_process_is_fork(void) {
  return atomic_load_explicit(&zxp_process_forked, memory_order_relaxed);
}

/* ZX_HANDLE_INVALID if there is no memory for them, or in a fork. */
zx_handle_t zxp_process_self(void);
zx_handle_t zxp_thread_self(void);

zx_koid_t zxp_process_koid(void);

/* The koid of the calling thread, whether it has an object yet or not. */
zx_koid_t zxp_thread_koid(void);

/* The kernel's id of the thread that a thread object stands for; it may have ended. */
pid_t zxp_thread_tid(struct zxp_object* thread);

extern const struct zxp_info_topic zxp_info_process;
extern const struct zxp_info_topic zxp_info_process_handle_stats;

#endif /* ZXP_OBJECT_PROCESS_H_ */
