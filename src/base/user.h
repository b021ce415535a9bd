/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The caller's memory.
 *
 * A buffer given to a call may lie in a mapping of a VMO, whose page the pager has yet to supply.
 * The library never touches such memory with plain loads and stores: a look-up tells whether an
 * address lies in the root region, and if so the transfer is made on the VMO behind it, page by
 * page, blocking like an access and answering with a status instead of a signal. Memory outside the
 * root region is touched directly; a bad pointer there raises SIGSEGV in the caller, as in any
 * Linux library.
 *
 * No lock may be held by the caller of the copy functions.
 */
#ifndef ZXP_BASE_USER_H_
#define ZXP_BASE_USER_H_

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/types.h>

/*
 * First address and end of the root region; both 0 before it exists. Another thread may be making
 * it: the end is stored last (vm/aspace.c), so whoever sees the end sees the base.
 */
extern _Atomic uintptr_t zxp_window_base;
extern _Atomic uintptr_t zxp_window_end;

/* Whether any byte of [p, p + n) lies in the root region. */
static inline bool zxp_user_in_window(const void* p, size_t n) {
  const uintptr_t at = (uintptr_t)p;
  return at < atomic_load_explicit(&zxp_window_end, memory_order_acquire) &&
         at + n > atomic_load_explicit(&zxp_window_base, memory_order_relaxed);
}

/*
 * Copies `n` bytes to or from the caller's memory. Errors for memory in the root region (vmo.md 3):
 * ZX_ERR_NOT_FOUND, nothing mapped; ZX_ERR_ACCESS_DENIED, no permission; ZX_ERR_OUT_OF_RANGE, past
 * the VMO's end; what the pager failed the page with. `*done` (may be NULL) gets the bytes that
 * were copied before an error. A null pointer with n > 0 is ZX_ERR_NOT_FOUND.
 */
zx_status_t zxp_user_copy_out(void* dst, const void* src, size_t n, size_t* done);
zx_status_t zxp_user_copy_in(void* dst, const void* src, size_t n, size_t* done);

#endif /* ZXP_BASE_USER_H_ */
