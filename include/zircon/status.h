/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Names of status codes.
 */

#ifndef ZIRCON_STATUS_H_
#define ZIRCON_STATUS_H_

#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/*
 * The name of a status as a static string ("ZX_ERR_TIMED_OUT"), or "(UNKNOWN)". May be called from
 * any thread and from a signal handler. docs/semantics/objects.md 12
 */
const char* zx_status_get_string(zx_status_t status);

const char* _zx_status_get_string(zx_status_t status);

__END_CDECLS

#endif  // ZIRCON_STATUS_H_
