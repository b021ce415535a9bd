/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of a program whose ZX_ASSERT failed. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zircon/assert.h>

#include "base/export.h"

ZXP_EXPORT void __zx_panic(const char* format, ...) {
  va_list args;
  va_start(args, format);
  (void)vfprintf(stderr, format, args);
  va_end(args);
  (void)fflush(stderr);
  abort();
}
