/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The process and its threads as objects (docs/semantics/vmar.md 1.5).
 *
 * A process object and, from its first zx_thread_self() on, one object for each thread. They carry
 * a name, signals and rights; nothing can be started, stopped or killed through them.
 *
 * fork: memory and threads of the library do not follow into the child, and its locks may be held
 * there by threads that do not exist. A handler of pthread_atfork sets a flag in the child, which
 * handle look-ups and creations read before they touch anything else.
 */
#ifndef ZXP_OBJECT_PROCESS_H_
#define ZXP_OBJECT_PROCESS_H_

#include <stdatomic.h>
#include <stdbool.h>
#include <zircon/types.h>

extern atomic_bool zxp_process_forked; /* (A) set once, in the child */

/* Whether this process is a fork of the one that loaded the library. */
static inline bool zxp_process_is_fork(void) {
  return atomic_load_explicit(&zxp_process_forked, memory_order_relaxed);
}

#endif /* ZXP_OBJECT_PROCESS_H_ */
