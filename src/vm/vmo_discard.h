/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Discardable VMOs: memory that may be taken away while nobody has it locked (docs/semantics/vmo.md
 * 12).
 *
 *   zxp_discard   state and lock count of one VMO, part of its zxp_pages
 *
 *                   lock, try_lock              unlock, the last one
 *   UNLOCKED ------------------------> LOCKED -----------------------> UNLOCKED
 *      |                                  ^
 *      `--- zxp_vmo_discard ---> DISCARDED ' lock; try_lock is refused
 *
 *   NEVER       made without ZX_VMO_DISCARDABLE; has no lock count
 *   UNLOCKED    reads and writes as any VMO, keeps its bytes
 *   LOCKED      the same; is never discarded; the lock count is not 0
 *   DISCARDED   has no pages; calls and faults find nothing until it is locked, then zeros
 *
 * Nothing in the library calls zxp_vmo_discard by itself: there is no memory pressure here. It is
 * what a test, or a memory budget, would call.
 *
 * A discarded VMO is hidden from its mappings as if it had shrunk to nothing, so an access raises
 * SIGBUS. It has no children and no parent, so its pages are its own.
 *
 * Lock: the tree lock.
 */
#ifndef ZXP_VM_VMO_DISCARD_H_
#define ZXP_VM_VMO_DISCARD_H_

#include <stdbool.h>
#include <stdint.h>
#include <zircon/types.h>

struct zxp_pages;

enum zxp_discard_state {
  ZXP_DISCARD_NEVER = 0,
  ZXP_DISCARD_UNLOCKED,
  ZXP_DISCARD_LOCKED,
  ZXP_DISCARD_DISCARDED,
};

/* (T) tree lock */
struct zxp_discard {
  enum zxp_discard_state state; /* (T) */
  uint64_t locks;               /* (T) */
};

/*
 * ZX_VMO_OP_LOCK; `*state` is filled on success. ZX_ERR_NOT_SUPPORTED, not discardable;
 * ZX_ERR_OUT_OF_RANGE, not exactly the whole VMO; ZX_ERR_NO_MEMORY, a mapping could not be put
 * back.
 */
zx_status_t zxp_vmo_lock(struct zxp_pages* pages, uint64_t offset, uint64_t size,
                         zx_vmo_lock_state_t* state);

/* Takes back a zxp_vmo_lock whose caller could not be told of it. */
void zxp_vmo_lock_undo(struct zxp_pages* pages, const zx_vmo_lock_state_t* state);

/* ZX_VMO_OP_TRY_LOCK: the same, but ZX_ERR_UNAVAILABLE if it has been discarded. */
zx_status_t zxp_vmo_try_lock(struct zxp_pages* pages, uint64_t offset, uint64_t size);

/* ZX_VMO_OP_UNLOCK: the same, but ZX_ERR_BAD_STATE if it is not locked. */
zx_status_t zxp_vmo_unlock(struct zxp_pages* pages, uint64_t offset, uint64_t size);

/*
 * Takes the pages away. ZX_ERR_NOT_SUPPORTED, not discardable; ZX_ERR_BAD_STATE, locked or
 * discarded; ZX_ERR_NO_MEMORY, a mapping could not be hidden.
 */
zx_status_t zxp_vmo_discard(struct zxp_pages* pages);

#endif /* ZXP_VM_VMO_DISCARD_H_ */
