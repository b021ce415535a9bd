/* SPDX-License-Identifier: BSD-3-Clause */
/* The handles that a program has from the start (docs/semantics/vmar.md 1.5). */
#include "object/process.h"

#include <zircon/process.h>

#include "base/export.h"

ZXP_EXPORT zx_handle_t zx_process_self(void) { return zxp_process_self(); }
ZXP_TWIN(zx_process_self);

ZXP_EXPORT zx_handle_t zx_thread_self(void) { return zxp_thread_self(); }
ZXP_TWIN(zx_thread_self);

/* There are no jobs, so nobody is in one. */
ZXP_EXPORT zx_handle_t zx_job_default(void) { return ZX_HANDLE_INVALID; }
ZXP_TWIN(zx_job_default);
