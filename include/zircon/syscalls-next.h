/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Calls and constants that Zircon keeps apart as not yet stable. Programs for Fuchsia define
 * FUCHSIA_UNSUPPORTED_ALLOW_SYSCALLS_NEXT_ON_INCOMPATIBLE_BUILDS around the inclusion; here it
 * makes no difference.
 */

#ifndef ZIRCON_SYSCALLS_NEXT_H_
#define ZIRCON_SYSCALLS_NEXT_H_

#include <stdint.h>
#include <zircon/compiler.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/debug.h>
#include <zircon/syscalls/exception.h>
#include <zircon/syscalls/iob.h>
#include <zircon/syscalls/port.h>

__BEGIN_CDECLS

#define ZX_PKT_TYPE_PROCESSOR_POWER_LEVEL_TRANSITION_REQUEST ((zx_packet_type_t)10u)

#define ZX_INTERRUPT_WAKE_VECTOR ((uint32_t)0x20u)

/* In zx_vmo_dirty_range_t: the range is dirty and reads as zeros, so nothing need be written back.
 */
#define ZX_VMO_DIRTY_RANGE_IS_ZERO ((uint64_t)1u)

/* One range of zx_pager_query_dirty_ranges(), in bytes, both ends on a page boundary. */
typedef struct zx_vmo_dirty_range {
  uint64_t offset;
  uint64_t length;
  uint64_t options;
} zx_vmo_dirty_range_t;

/*
 * Writes the ranges of `pager_vmo` that are dirty, or being written back, within `length` bytes
 * from `offset` on, rounded outward to pages: whole zx_vmo_dirty_range_t in rising order, as many
 * as fit into `buffer_size` bytes. `actual` and `avail` may be null: how many were written, and
 * how many there are. A null `buffer` of size 0 counts only.
 * Handles: `pager`, pager, ZX_RIGHT_MANAGE_VMO; `pager_vmo`, VMO, ZX_RIGHT_READ.
 * Errors: then ZX_ERR_INVALID_ARGS, `pager_vmo` is not of this pager; ZX_ERR_OUT_OF_RANGE, not
 * inside it; ZX_ERR_INVALID_ARGS, `buffer` is null and there is something to write.
 * Rule: docs/semantics/writeback.md 6
 */
zx_status_t zx_pager_query_dirty_ranges(zx_handle_t pager, zx_handle_t pager_vmo, uint64_t offset,
                                        uint64_t length, void* buffer, size_t buffer_size,
                                        size_t* actual, size_t* avail);

/* The same; language runtimes use this name. */
zx_status_t _zx_pager_query_dirty_ranges(zx_handle_t pager, zx_handle_t pager_vmo, uint64_t offset,
                                         uint64_t length, void* buffer, size_t buffer_size,
                                         size_t* actual, size_t* avail);

__END_CDECLS

#endif  // ZIRCON_SYSCALLS_NEXT_H_
