/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The window: the one range of addresses in which all mapped VMOs lie, reserved early (vmar.md
 * 14.1).
 *
 * The root region is exactly the window. A free place in it stays reserved (PROT_NONE, no memory),
 * so no other mmap of the process can land there; every area is put in place and taken away with
 * MAP_FIXED inside the window and nowhere else.
 *
 * Lock: aspace.lock guards the tree of regions and mappings; the spares have a lock of their own, a
 * leaf.
 */
#ifndef ZXP_VM_ASPACE_H_
#define ZXP_VM_ASPACE_H_

#include <stdbool.h>
#include <stdint.h>
#include <zircon/types.h>

#include "base/rwlock.h"

struct zxp_aspace {
  struct zxp_rwlock lock; /* ZXP_RANK_ASPACE */
  uintptr_t base;         /* (C) */
  uint64_t size;          /* (C) bytes */
};

extern struct zxp_aspace zxp_aspace;

/* Reserves the window, once. Errors: ZX_ERR_NO_MEMORY, less than 64 GiB of address space to be
 * had. */
zx_status_t zxp_aspace_init(void);

/* Turns the area back into reservation, in one system call. False: out of areas. */
bool zxp_aspace_reserve_area(uintptr_t address, uint64_t length);

/*
 * Spare areas: a few that nobody uses, outside the window, so that a call that has run out of areas
 * half-way can be undone, which may need some for a moment. A call that may have to be undone
 * begins with stocking up; false: there is no room for spares, so it had better not begin. Undoing
 * begins with lending them. Other threads of the process may take what is lent; against that a few
 * more are kept than are needed.
 */
bool zxp_aspace_stock_spares(void);
void zxp_aspace_lend_spares(void);

#endif /* ZXP_VM_ASPACE_H_ */
