/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/user.h"

#include <string.h>

#include "base/assert.h"

uintptr_t zxp_window_base;
uintptr_t zxp_window_end;

/* No root region exists yet, so that all of the caller's memory is ordinary. */
static zx_status_t copy(void* dst, const void* src, const void* user, size_t n, size_t* done) {
  if (done != NULL) {
    *done = 0;
  }
  if (user == NULL && n > 0) {
    return ZX_ERR_NOT_FOUND;
  }
  ZXP_ASSERT(!zxp_user_in_window(user, n));
  if (n > 0) {
    memcpy(dst, src, n);
  }
  if (done != NULL) {
    *done = n;
  }
  return ZX_OK;
}

zx_status_t zxp_user_copy_out(void* dst, const void* src, size_t n, size_t* done) {
  return copy(dst, src, dst, n, done);
}

zx_status_t zxp_user_copy_in(void* dst, const void* src, size_t n, size_t* done) {
  return copy(dst, src, src, n, done);
}
