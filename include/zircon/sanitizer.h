/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * On Fuchsia the C library gives compiler runtimes their hooks here. On Linux the C library and the
 * runtimes have arrangements of their own, so there is nothing to declare; the header exists
 * because programs include it by name.
 */

#ifndef ZIRCON_SANITIZER_H_
#define ZIRCON_SANITIZER_H_

#include <zircon/compiler.h>
#include <zircon/types.h>

#endif  // ZIRCON_SANITIZER_H_
