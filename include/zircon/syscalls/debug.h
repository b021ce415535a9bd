/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Zircon declares the register sets of a thread here. This library has no thread objects whose
 * registers could be read, so there is nothing to declare; <zircon/syscalls-next.h> and programs
 * include the header by name.
 */

#ifndef ZIRCON_SYSCALLS_DEBUG_H_
#define ZIRCON_SYSCALLS_DEBUG_H_

#include <zircon/types.h>

#endif  // ZIRCON_SYSCALLS_DEBUG_H_
