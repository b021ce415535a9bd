/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void zxp_assert_failed(const char* file, int line, const char* what) {
  char text[512];
  const int n =
      snprintf(text, sizeof text, "libzxpager: %s:%d: assertion failed: %s\n", file, line, what);
  if (n > 0) {
    /* Nothing useful is left to do if stderr cannot be written. */
    ssize_t ignored =
        write(STDERR_FILENO, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
    (void)ignored;
  }
  abort();
}
