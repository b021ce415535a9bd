/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Structures that <zircon/syscalls.h> passes by pointer without defining them. Include the header
 * of the structure (<zircon/syscalls/port.h>, ...) to use its fields.
 */

#ifndef ZIRCON_SYSCALLS_TYPES_H_
#define ZIRCON_SYSCALLS_TYPES_H_

#include <zircon/compiler.h>

__BEGIN_CDECLS

typedef struct zx_port_packet zx_port_packet_t;

__END_CDECLS

#endif  // ZIRCON_SYSCALLS_TYPES_H_
