/* SPDX-License-Identifier: BSD-3-Clause */
/* zxp_probe: what fault/uffd.c found out, and the window. */
#include <stdio.h>
#include <zircon/zxpager.h>

#include "base/export.h"
#include "fault/uffd.h"
#include "vm/aspace.h"

ZXP_EXPORT zx_status_t zxp_probe(zxp_probe_t* out) {
  if (out == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  *out = *zxp_uffd_probe();
  if (zxp_aspace_init() == ZX_OK) {
    out->window_base = zxp_aspace.base;
    out->window_size = zxp_aspace.size;
  } else {
    /* Under Valgrind, or a small RLIMIT_AS: nothing can be mapped at all. */
    out->mappings_supported = 0;
    out->kernel_faults_served = 0;
    snprintf(out->advice, sizeof out->advice,
             "64 GiB of address space for the root region cannot be reserved, so no VMO can be "
             "mapped. Raise the limit of address space (ulimit -v); Valgrind leaves too little.");
  }
  return ZX_OK;
}
