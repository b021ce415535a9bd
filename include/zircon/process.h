/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Handles that a program has from the start. They are the library's own: using them closes nothing,
 * and they must not be closed.
 */

#ifndef ZIRCON_PROCESS_H_
#define ZIRCON_PROCESS_H_

#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

zx_handle_t zx_process_self(void);

zx_handle_t zx_thread_self(void);

zx_handle_t zx_vmar_root_self(void);

zx_handle_t zx_job_default(void);

/* The same functions; language runtimes use these names. */
zx_handle_t _zx_process_self(void);
zx_handle_t _zx_thread_self(void);
zx_handle_t _zx_vmar_root_self(void);
zx_handle_t _zx_job_default(void);

__END_CDECLS

#endif  // ZIRCON_PROCESS_H_
