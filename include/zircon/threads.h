/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The handle that belongs to a C or POSIX thread: the one that zx_thread_self() gives on it. It is
 * the library's own and not for the caller to close. The thread must be alive.
 */

#ifndef ZIRCON_THREADS_H_
#define ZIRCON_THREADS_H_

#include <pthread.h>
#include <threads.h>
#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

zx_handle_t thrd_get_zx_handle(thrd_t thread);

zx_handle_t native_thread_get_zx_handle(pthread_t thread);

__END_CDECLS

#endif  // ZIRCON_THREADS_H_
