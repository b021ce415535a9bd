/* SPDX-License-Identifier: BSD-3-Clause */
/* Random bytes: docs/semantics/objects.md 12. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/random.h>
#include <unistd.h>
#include <zircon/syscalls.h>

#include "base/assert.h"
#include "base/export.h"
#include "base/user.h"

/* Through memory of our own, since the caller's may be in a mapping that the kernel cannot fill. */
ZXP_EXPORT void zx_cprng_draw(void* buffer, size_t buffer_size) {
  char* at = buffer;
  while (buffer_size > 0) {
    unsigned char drawn[ZX_CPRNG_DRAW_MAX_LEN];
    const size_t want = buffer_size < sizeof drawn ? buffer_size : sizeof drawn;
    const ssize_t got = getrandom(drawn, want, 0);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    /* The call cannot report a failure, and handing out anything else than random bytes as such is
     * worse than the end. Linux has had getrandom since 3.17. */
    ZXP_ASSERT(got > 0);
    if (zxp_user_copy_out(at, drawn, (size_t)got, NULL) != ZX_OK) {
      return;
    }
    at += got;
    buffer_size -= (size_t)got;
  }
}
ZXP_TWIN(zx_cprng_draw);

ZXP_EXPORT zx_status_t zx_cprng_add_entropy(const void* buffer, size_t buffer_size) {
  unsigned char bytes[ZX_CPRNG_ADD_ENTROPY_MAX_LEN];
  if (buffer_size > sizeof bytes || (buffer == NULL && buffer_size > 0)) {
    return ZX_ERR_INVALID_ARGS;
  }
  const zx_status_t status = zxp_user_copy_in(bytes, buffer, buffer_size, NULL);
  if (status != ZX_OK) {
    return status;
  }
  /* A contribution to the kernel's pool, which draws do not depend on. */
  const int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
  if (fd >= 0) {
    const ssize_t ignored = write(fd, bytes, buffer_size);
    (void)ignored;
    close(fd);
  }
  return ZX_OK;
}
ZXP_TWIN(zx_cprng_add_entropy);
