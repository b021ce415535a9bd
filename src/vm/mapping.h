/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mappings: ranges of addresses that show ranges of VMOs.
 *
 *   zxp_mapping   one mapping; a leaf of the region tree (vm/region.h)
 *
 * What Linux areas stand behind a mapping, page by page:
 *
 *   inside the VMO, no pager    the arena, shared; the kernel fills it by itself
 *   inside the VMO, pager root  the arena, shared, registered for missing pages and write protection with the
 *                               userfaultfd of the root's port
 *   inside a VMO that has or    as a pager root; without a pager the userfaultfd is one that only the
 *   had copy-on-write children  service thread reads
 *   past the VMO's end          the void file: every access is SIGBUS
 *
 * The rule that dirty tracking stands on: in every mapping of a pager root, each page that is
 * present is write-protected until a store through this mapping finds it DIRTY. It is so because a
 * page is marked in every mapping before it becomes present and before it stops being DIRTY
 * (zxp_pages_protect_locked), because a mapping made later marks what is present then, and because
 * marks outlive the page, mprotect and hole punching (measured, Linux 6.18).
 *
 * Current permissions are kept page by page as runs; the maximum is fixed at creation.
 *
 * Locks: place and permissions change with aspace.lock (write) and the tree lock of the VMO held, so
 * either is enough to read them.
 */
#ifndef ZXP_VM_MAPPING_H_
#define ZXP_VM_MAPPING_H_

#include "vm/region.h"
#include "vm/vmo.h"

struct zxp_channel;

/* Current permissions from one page of the mapping up to the next run. */
struct zxp_perm_run {
  uint64_t first; /* page of the mapping */
  uint32_t perms; /* ZX_VM_PERM_* */
};

/* (C) constant  (M) aspace.lock and tree lock */
struct zxp_mapping {
  struct zxp_vm_node node; /* (M) in its region */
  uintptr_t base;          /* (M) */
  uint64_t pages_count;    /* (M) */
  uint64_t first_page;     /* (M) page of `pages` shown at base */
  uint64_t end_page; /* (C) of `pages`: where the object ends, if it is a slice; else UINT64_MAX */
  struct zxp_vmo* vmo;         /* (C) holds a reference */
  struct zxp_pages* pages;     /* (C) the vmo's */
  struct zxp_channel* channel; /* (T) where its faults go, if it traps; holds a reference */
  uint32_t max_perms;          /* (C) */
  struct zxp_perm_run* runs;   /* (M) sorted, the first at page 0, neighbours differ */
  uint32_t runs_count;         /* (M) */
  uint32_t runs_capacity;      /* (M) */
  struct zxp_list pages_link;  /* (T) in pages->mappings */
  uint64_t made_seq;           /* (C) faults in it have this message number or a larger one */
};

static inline uint64_t zxp_mapping_length(const struct zxp_mapping* m) {
  return m->pages_count << ZXP_PAGE_SHIFT;
}

/*
 * Makes the mapping at `base`, which is reserved address space of the window that nobody else uses. Takes
 * a reference to the VMO. aspace.lock held for writing, no tree lock.
 * Errors: ZX_ERR_NO_MEMORY (areas, memory), ZX_ERR_ACCESS_DENIED (PROT_EXEC refused),
 * ZX_ERR_NOT_SUPPORTED (pager root and no userfaultfd), ZX_ERR_NO_RESOURCES (descriptors).
 */
zx_status_t zxp_mapping_create(struct zxp_vmo* vmo, uint64_t vmo_offset, uintptr_t base,
                               uint64_t length, uint32_t perms, uint32_t max_perms,
                               struct zxp_mapping** out);

/*
 * Takes [first, first + count) of the mapping's pages out; address space there is reserved again. What is
 * left keeps VMO, offset and permissions: `m` the front part (or the back, if the front went), `*rest` the
 * back part if both ends stay, else NULL. If nothing is left `*gone` is true and the caller drops `m` with
 * zxp_mapping_free once the locks are released. aspace.lock held for writing.
 */
zx_status_t zxp_mapping_cut(struct zxp_mapping* m, uint64_t first, uint64_t count,
                            struct zxp_mapping** rest, bool* gone);

/* Drops what a mapping that is out of the region tree holds; no lock held. */
void zxp_mapping_free(struct zxp_mapping* m);

/* Changes current permissions; all checks have been made. aspace.lock held for writing. */
zx_status_t zxp_mapping_protect(struct zxp_mapping* m, uint64_t first, uint64_t count,
                                uint32_t perms);

/* The current permissions of a page of the mapping. aspace.lock or tree lock. */
uint32_t zxp_mapping_perms(const struct zxp_mapping* m, uint64_t page, uint64_t* run_end);

/* ---- For the owner of the pages: tree lock held ---- */

/* The VMO's size has become `new_size`: shows or hides its pages in [first, end) of the VMO. */
zx_status_t zxp_mapping_resized_locked(struct zxp_mapping* m, uint64_t first, uint64_t end,
                                       uint64_t new_size);

/* Cuts [first, first + count) of the VMO to what the mapping shows; false if nothing. */
bool zxp_mapping_clip_locked(const struct zxp_mapping* m, uint64_t first, uint64_t count,
                             uintptr_t* address, uint64_t* clip_first, uint64_t* clip_count);

/* Write-protects (or not) the part of the VMO's pages that this mapping shows. */
void zxp_mapping_write_protect_locked(struct zxp_mapping* m, uint64_t first, uint64_t count,
                                      bool on);

/* From now on the mapping traps what is missing, and stores to what is there. */
zx_status_t zxp_mapping_trap_locked(struct zxp_mapping* m, struct zxp_channel* channel);

/* Covers one page with the void file, so that a thread stopped at it runs into SIGBUS, and puts it back.
 * `address` is of the page. False: out of areas. */
bool zxp_mapping_cover_locked(struct zxp_mapping* m, uintptr_t address);
void zxp_mapping_uncover_locked(struct zxp_mapping* m, uintptr_t address);

/* The mapping of `pages` that shows `address` through `channel`, or NULL. */
struct zxp_mapping* zxp_mapping_at_locked(struct zxp_pages* pages, uintptr_t address,
                                          const struct zxp_channel* channel);

/* The same over every node of the tree that `pages` is in. */
struct zxp_mapping* zxp_mapping_in_tree_locked(struct zxp_pages* pages, uintptr_t address,
                                               const struct zxp_channel* channel);

#endif /* ZXP_VM_MAPPING_H_ */
