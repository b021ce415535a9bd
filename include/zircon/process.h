/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Handles that a program has from the start. They are the library's own: each call gives the same
 * value, and it is not for the caller to close. Where there is no such object, or none could be
 * made, it is ZX_HANDLE_INVALID. Any thread may call these, at any time.
 */

#ifndef ZIRCON_PROCESS_H_
#define ZIRCON_PROCESS_H_

#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/* The process that the library runs in. Rule: docs/semantics/vmar.md 1.5 */
zx_handle_t zx_process_self(void);

/* The calling thread. Rule: docs/semantics/vmar.md 1.5 */
zx_handle_t zx_thread_self(void);

/* The region that holds all others. Rule: docs/semantics/vmar.md 1.5, 14.1 */
zx_handle_t zx_vmar_root_self(void);

/* On Zircon, the job in which to make processes. This library makes none and has no jobs. */
zx_handle_t zx_job_default(void);

/* The same functions; language runtimes use these names. */
zx_handle_t _zx_process_self(void);
zx_handle_t _zx_thread_self(void);
zx_handle_t _zx_vmar_root_self(void);
zx_handle_t _zx_job_default(void);

__END_CDECLS

#endif  // ZIRCON_PROCESS_H_
