/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Regions (VMARs): ranges of addresses that hold mappings and further regions (docs/semantics/vmar.md).
 *
 *   zxp_region    a region; the root is the window (vm/aspace.h)
 *   zxp_vm_node   what a region and a mapping have in common as children of a region
 *
 * Typical walk, zx_vmar_map: syscall/vmar.c checks handles, options and rights; zxp_region_map takes
 * aspace.lock for writing, finds a place, makes the mapping there and puts it into the tree.
 *
 * Region objects live by handles and by their place in the tree: a region whose handles are all closed keeps
 * its place and its mappings until it is destroyed (vmar.md 1.3), so the tree holds a reference.
 *
 * Lock: aspace.lock guards the tree. It is not held while waiting for a pager or touching user memory.
 */
#ifndef ZXP_VM_REGION_H_
#define ZXP_VM_REGION_H_

#include <zircon/syscalls/object.h>

#include "base/tree.h"
#include "object/object.h"
#include "vm/aspace.h"

struct zxp_mapping;
struct zxp_region;
struct zxp_vmo;

/* (M) aspace.lock (and for mappings the tree lock of the VMO) */
struct zxp_vm_node {
  struct zxp_tree_node node;  /* (M) in parent->children; key: first address */
  struct zxp_region* parent;  /* (M) NULL: not in the tree */
  bool is_region;             /* constant */
};

/* (C) constant  (M) aspace.lock */
struct zxp_region {
  struct zxp_object object;
  struct zxp_vm_node node;
  uintptr_t base;           /* (C) */
  uint64_t size;            /* (C) bytes */
  uint32_t flags;           /* (C) ZX_VM_CAN_MAP_* */
  bool alive;               /* (M) */
  struct zxp_tree children; /* (M) struct zxp_vm_node, by first address */
};

extern const struct zxp_object_ops zxp_region_ops;

static inline struct zxp_region* zxp_region_of(struct zxp_object* object) {
  return ZXP_CONTAINER_OF(object, struct zxp_region, object);
}

/* The root region, made by the first call; borrowed. Errors: ZX_ERR_NO_MEMORY. */
zx_status_t zxp_region_root(struct zxp_region** out);

/*
 * zx_vmar_map from check 14 on (vmar.md 5.1): `options` have been checked, `perms` and `max_perms` worked
 * out from them and the rights. Bytes.
 */
zx_status_t zxp_region_map(struct zxp_region* region, zx_vm_option_t options, uint64_t offset,
                           struct zxp_vmo* vmo, uint64_t vmo_offset, uint64_t length,
                           uint32_t perms, uint32_t max_perms, zx_vaddr_t* out);

/* zx_vmar_unmap and zx_vmar_protect behind the rights (6.1, 6.2). `op_children`: the handle has that right. */
zx_status_t zxp_region_unmap(struct zxp_region* region, uintptr_t address, uint64_t length,
                             bool op_children);
zx_status_t zxp_region_protect(struct zxp_region* region, uint32_t perms, uintptr_t address,
                               uint64_t length, bool op_children);

/* ZX_INFO_VMAR. */
zx_status_t zxp_region_get_info(struct zxp_object* object, zx_info_vmar_t* out);

/* The mapping that holds the address, or NULL. aspace.lock held. */
struct zxp_mapping* zxp_region_find_mapping_locked(uintptr_t address);

#endif /* ZXP_VM_REGION_H_ */
