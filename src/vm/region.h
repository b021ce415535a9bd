/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Regions (VMARs): ranges of addresses that hold mappings and further regions
 * (docs/semantics/vmar.md).
 *
 *   zxp_region    a region; the root is the window (vm/aspace.h)
 *   zxp_vm_node   what a region and a mapping have in common as children of a region
 *
 * The files:
 *
 *   region.c           objects: the root, allocating, looking up; the tree
 *   region_place.c     places: where there is room
 *   region_map.c       zx_vmar_map
 *   region_unmap.c     zx_vmar_unmap, zx_vmar_destroy
 *   region_protect.c   zx_vmar_protect
 *   region_op.c        zx_vmar_op_range
 *   region_info.c      info topics about regions and maps
 *
 * Typical walk, zx_vmar_map: syscall/vmar.c checks handles, options and rights; zxp_region_map
 * takes aspace.lock for writing, finds a place, makes a mapping, has it show itself there
 * (vm/mapping.h), which in the same step takes the place away from what it overwrites, and puts it
 * into the tree.
 *
 * Every call does all of its work or none: what can fail is prepared first, and a step that fails
 * undoes those before it.
 *
 * Region objects live by handles and by their place in the tree: a region whose handles are all
 * closed keeps its place and its mappings until it is destroyed (vmar.md 1.3), so the tree holds a
 * reference.
 *
 *   ALIVE --- destroyed, or unmapped whole through a region above ---> destroyed, for good: out of
 *   the tree,
 *                                                                      no children, no parent
 *
 * Lock: aspace.lock guards the tree. It is not held while waiting for a pager or touching user
 * memory.
 */
#ifndef ZXP_VM_REGION_H_
#define ZXP_VM_REGION_H_

#include <zircon/syscalls/object.h>

#include "base/tree.h"
#include "object/object.h"
#include "vm/aspace.h"

struct zxp_info_topic;
struct zxp_mapping;
struct zxp_region;
struct zxp_vmo;

/* (C) constant  (M) aspace.lock */
struct zxp_vm_node {
  struct zxp_tree_node node; /* (M) in parent->children; key: first address */
  struct zxp_region* parent; /* (M) NULL: not in the tree, or the root */
  bool is_region;            /* (C) */
  uintptr_t end;             /* (M) one past the last address */
  /* (M) Of the subtree at this node: first address, end, and the largest gap between two
   * children. */
  uintptr_t low;
  uintptr_t high;
  uint64_t max_gap;
};

/* (C) constant  (M) aspace.lock */
struct zxp_region {
  struct zxp_object object;
  struct zxp_vm_node node;
  uintptr_t base;            /* (C) */
  uint64_t size;             /* (C) bytes */
  uint32_t flags;            /* (C) ZX_VM_CAN_MAP_* */
  bool alive;                /* (M) */
  struct zxp_tree children;  /* (M) struct zxp_vm_node, by first address */
  struct zxp_list gone_link; /* on its way out, see region_unmap.c */
};

extern const struct zxp_object_ops zxp_region_ops;

static inline struct zxp_region* zxp_region_of(struct zxp_object* object) {
  return ZXP_CONTAINER_OF(object, struct zxp_region, object);
}

/* The root region, made by the first call; borrowed. Errors: ZX_ERR_NO_MEMORY. */
zx_status_t zxp_region_root(struct zxp_region** out);

/*
 * zx_vmar_allocate from check 4 on (vmar.md 4). `*out` has a reference for the caller besides the
 * one of the tree.
 */
zx_status_t zxp_region_allocate(struct zxp_region* parent, zx_vm_option_t options, uint64_t offset,
                                uint64_t size, struct zxp_region** out);

/*
 * zx_vmar_map from check 14 on (vmar.md 5.1): `options` have been checked, `perms` and `max_perms`
 * worked out from them and the rights. Bytes.
 */
zx_status_t zxp_region_map(struct zxp_region* region, zx_vm_option_t options, uint64_t offset,
                           struct zxp_vmo* vmo, uint64_t vmo_offset, uint64_t length,
                           uint32_t perms, uint32_t max_perms, zx_vaddr_t* out);

/* zx_vmar_unmap and zx_vmar_protect behind the rights (6.1, 6.2). `op_children`: the handle has
 * that right. */
zx_status_t zxp_region_unmap(struct zxp_region* region, uintptr_t address, uint64_t length,
                             bool op_children);
zx_status_t zxp_region_protect(struct zxp_region* region, uint32_t perms, uintptr_t address,
                               uint64_t length, bool op_children);

/* zx_vmar_destroy behind the rights (6.5). */
zx_status_t zxp_region_destroy(struct zxp_region* region);

/* zx_vmar_op_range behind the rights, with a known `op` and a buffer that has been looked at
 * (8). */
zx_status_t zxp_region_op_range(struct zxp_region* region, uint32_t op, uintptr_t address,
                                uint64_t length, bool op_children);

/* The mapping that holds the address, or NULL. aspace.lock held. */
struct zxp_mapping* zxp_region_find_mapping_locked(uintptr_t address);

/* ---- region_info.c ---- */

/* ZX_INFO_VMAR. */
zx_status_t zxp_region_get_info(struct zxp_object* object, zx_info_vmar_t* out);

extern const struct zxp_info_topic zxp_info_vmar_maps;
extern const struct zxp_info_topic zxp_info_process_maps_v1;
extern const struct zxp_info_topic zxp_info_process_maps_v2;
extern const struct zxp_info_topic zxp_info_process_maps;
extern const struct zxp_info_topic zxp_info_process_vmos_v1;
extern const struct zxp_info_topic zxp_info_process_vmos_v2;
extern const struct zxp_info_topic zxp_info_process_vmos_v3;
extern const struct zxp_info_topic zxp_info_process_vmos;
extern const struct zxp_info_topic zxp_info_task_stats_v1;
extern const struct zxp_info_topic zxp_info_task_stats;

#endif /* ZXP_VM_REGION_H_ */
