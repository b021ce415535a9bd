/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>

#include "object/process.h"

atomic_bool zxp_process_forked;

static void in_child(void) {
  atomic_store_explicit(&zxp_process_forked, true, memory_order_relaxed);
}

/* At load, so that no call has to ask whether it was done. Fails only without memory, at which the
 * process would not get far. */
__attribute__((constructor)) static void register_handler(void) {
  pthread_atfork(NULL, NULL, in_child);
}
