/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of mappings know of each other; see mapping.h. */
#ifndef ZXP_VM_MAPPING_PRIVATE_H_
#define ZXP_VM_MAPPING_PRIVATE_H_

#include "vm/mapping.h"

/* What a place holds that areas are put at. */
enum zxp_place {
  ZXP_PLACE_UNUSED, /* nothing that a thread could read or write: reservation, or no permissions */
  ZXP_PLACE_IN_USE, /* other threads may touch it at any moment */
};

/* PROT_* for ZX_VM_PERM_*, and a status for what mmap or mprotect failed with. */
int zxp_prot_of(uint32_t perms);
zx_status_t zxp_status_of_mmap(int error);

/*
 * Puts areas behind [first, first + count) of the mapping's pages, showing what a VMO of `size`
 * bytes lets it show. Tree lock held. On an error some of them are there. Errors: ZX_ERR_NO_MEMORY,
 * ZX_ERR_ACCESS_DENIED.
 */
zx_status_t zxp_mapping_establish_locked(struct zxp_mapping* m, uint64_t first, uint64_t count,
                                         uint64_t size, enum zxp_place place);

/* The size of the VMO as mappings have to show it: a discarded one shows nothing until it is
 * locked. */
uint64_t zxp_mapping_size_locked(const struct zxp_mapping* m);

#endif /* ZXP_VM_MAPPING_PRIVATE_H_ */
