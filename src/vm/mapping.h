/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mappings: ranges of addresses that show ranges of VMOs.
 *
 *   zxp_mapping   one mapping; a leaf of the region tree (vm/region.h)
 *   zxp_cut       a part of a mapping that is to go, or has gone
 *   zxp_cuts      all parts that one call takes away
 *
 * The files:
 *
 *   mapping.c           mappings, their permissions; what the owner of the pages calls
 *   mapping_area.c      the Linux areas behind a mapping
 *   mapping_cut.c       taking parts away, putting a mapping in place
 *   mapping_protect.c   changing permissions
 *   mapping_stores.c    stores that the kernel notes by itself
 *
 * What Linux areas stand behind a mapping, page by page:
 *
 *   inside the VMO, no pager    the arena, shared; the kernel fills it by itself
 *   inside the VMO, pager root  the arena, shared, registered for missing pages and write
 *                               protection with a userfaultfd of the root's port
 *   inside a VMO that has or    as a pager root; without a pager the userfaultfd is one that only
 *   had copy-on-write children  the service thread reads
 *   past the VMO's end          the void file: every access is SIGBUS. For a mapping that was made
 *                               with ZX_VM_FAULT_BEYOND_STREAM_SIZE, past the stream size too
 *   past the end of a root      the arena, as if inside, so that a resize has no area to replace;
 *   that can be resized         the fault engine raises the SIGBUS
 *
 * The rule that dirty tracking stands on: in every mapping of a pager root, each page that is
 * present is write-protected until a store through this mapping finds it DIRTY. It is so because a
 * page is marked in every mapping before it becomes present and before it stops being DIRTY
 * (zxp_pages_protect_locked), because a mapping made later marks what is present then, and because
 * marks outlive the page, mprotect and hole punching (measured, Linux 6.18).
 *
 * A root without dirty trap asks nobody before a store, so where the kernel can (Linux 6.7) its
 * mappings are *asynchronous*: the kernel lifts the protection by itself, and a page without
 * protection is one that was stored to, whatever the map says. vm/harvest.c brings that together.
 *
 * Typical use, zx_vmar_map over other mappings (vm/region_map.c), aspace.lock held for writing:
 *
 *   zxp_mapping_create(vmo, offset, base, ..., &m);     shows nothing yet
 *   zxp_cuts_add(&cuts, old, from, to);                 for each mapping in the way: prepares
 *   zxp_cuts_show(&cuts, m, length);                    all or nothing
 *   ... the region tree follows ...
 *   zxp_cuts_free(&cuts);
 *
 * Current permissions are kept page by page as runs; the maximum is fixed at creation.
 *
 * Locks: place and permissions change with aspace.lock (write) and the tree lock of the VMO held,
 * so either is enough to read them.
 */
#ifndef ZXP_VM_MAPPING_H_
#define ZXP_VM_MAPPING_H_

#include "fault/page_scan.h"
#include "vm/region.h"
#include "vm/vmo.h"

struct zxp_channel;

/* Current permissions from one page of the mapping up to the next run. */
struct zxp_perm_run {
  uint64_t first; /* page of the mapping */
  uint32_t perms; /* ZX_VM_PERM_* */
};

/* (C) constant  (M) aspace.lock and tree lock  (T) tree lock */
struct zxp_mapping {
  struct zxp_vm_node node;     /* (M) in its region */
  uintptr_t base;              /* (M) */
  uint64_t pages_count;        /* (M) 0: shows nothing yet */
  uint64_t first_page;         /* (M) page of `pages` shown at base */
  struct zxp_perm_run* runs;   /* (M) sorted, the first at page 0, neighbours differ */
  uint32_t runs_count;         /* (M) */
  struct zxp_vmo* vmo;         /* (C) holds a reference */
  struct zxp_pages* pages;     /* (C) the vmo's */
  uint64_t end_page;           /* (C) of `pages`: where the object ends, if it is a slice; else
                                * UINT64_MAX */
  struct zxp_channel* channel; /* (T) where its faults go, if it traps; holds a reference. The twin
                                * of the port's channel: it is asynchronous */
  uint32_t max_perms;          /* (C) */
  bool stream_limited;         /* (C) shows nothing past the stream size */
  bool whole;                  /* (C) once it shows something: the arena stands past the end too */
  struct zxp_list pages_link;  /* (T) in pages->mappings, once it shows something */
  uint64_t made_seq;           /* (M) faults in it have this message number or a larger one */
};

static inline uint64_t zxp_mapping_length(const struct zxp_mapping* m) {
  return m->pages_count << ZXP_PAGE_SHIFT;
}

static inline uintptr_t zxp_mapping_end(const struct zxp_mapping* m) {
  return m->base + zxp_mapping_length(m);
}

/* The page of the VMO's pages at an address of the mapping. */
static inline uint64_t zxp_mapping_page_at(const struct zxp_mapping* m, uintptr_t address) {
  return m->first_page + ((address - m->base) >> ZXP_PAGE_SHIFT);
}

/* The offset into the VMO object shown at a page of the mapping. */
static inline uint64_t zxp_mapping_vmo_offset(const struct zxp_mapping* m, uint64_t page) {
  return ((m->first_page + page) << ZXP_PAGE_SHIFT) - m->vmo->window_offset;
}

/* ---- Life ---- */

/*
 * Makes a mapping that is to stand at `base`; it shows nothing yet. Takes a reference to the VMO.
 * Errors: ZX_ERR_NO_MEMORY.
 */
zx_status_t zxp_mapping_create(struct zxp_vmo* vmo, uint64_t vmo_offset, uintptr_t base,
                               uint32_t perms, uint32_t max_perms, bool stream_limited,
                               struct zxp_mapping** out);

/* Drops what a mapping holds that shows nothing, and is in no tree. NULL is fine. No lock held. */
void zxp_mapping_free(struct zxp_mapping* m);

/* ---- Cuts: mapping_cut.c; aspace.lock held for writing ---- */

/* Place and permissions of a mapping: what a cut changes. */
struct zxp_mapping_shape {
  uintptr_t base;
  uint64_t pages_count;
  uint64_t first_page;
  struct zxp_perm_run* runs;
  uint32_t runs_count;
};

struct zxp_cut {
  struct zxp_mapping* mapping;
  uint64_t first; /* pages of the mapping, as it was */
  uint64_t count;
  struct zxp_mapping_shape before;
  struct zxp_mapping_shape after; /* no pages: nothing is left */
  struct zxp_mapping* rest;       /* the part behind, where one in front stays too; else NULL */
  bool made;
};

struct zxp_cuts {
  struct zxp_cut* list;
  size_t count;
  size_t capacity;
};

/* Prepares to take [from, to) out of the mapping, wherein it lies. By rising address.
 * ZX_ERR_NO_MEMORY. */
zx_status_t zxp_cuts_add(struct zxp_cuts* cuts, struct zxp_mapping* m, uintptr_t from,
                         uintptr_t to);

/* Makes all cuts: address space there is reserved again. ZX_ERR_NO_MEMORY (areas): nothing has
 * changed. */
zx_status_t zxp_cuts_hide(struct zxp_cuts* cuts);

/*
 * Puts `m`, which shows nothing yet, in place with `count` pages, over the parts in `cuts`. Page by
 * page other threads see what was there until they see what is there now. Errors, with nothing
 * changed: ZX_ERR_NO_MEMORY (areas, memory), ZX_ERR_ACCESS_DENIED (PROT_EXEC refused),
 * ZX_ERR_NOT_SUPPORTED (it has to trap, and there is no userfaultfd), ZX_ERR_NO_RESOURCES
 * (descriptors).
 */
zx_status_t zxp_cuts_show(struct zxp_cuts* cuts, struct zxp_mapping* m, uint64_t count);

/* Frees the list, and what was prepared for cuts that have not been made. */
void zxp_cuts_free(struct zxp_cuts* cuts);

/* ---- Permissions: mapping_protect.c ---- */

/* The current permissions of a page of the mapping, and where they change next. aspace.lock or tree
 * lock. */
uint32_t zxp_mapping_perms(const struct zxp_mapping* m, uint64_t page, uint64_t* run_end);

/* One mapping's part in a change of permissions. */
struct zxp_protect {
  struct zxp_mapping* mapping;
  uint64_t first; /* pages of the mapping */
  uint64_t count;
  struct zxp_perm_run* runs; /* the new ones, or when changed the old ones */
  uint32_t runs_count;
};

/* Prepares the change. ZX_ERR_NO_MEMORY. */
zx_status_t zxp_protect_prepare(struct zxp_protect* p, struct zxp_mapping* m, uint64_t first,
                                uint64_t count, uint32_t perms);

/* Makes the change, or takes it back. aspace.lock held for writing. Errors, with nothing changed:
 * ZX_ERR_NO_MEMORY (areas), ZX_ERR_ACCESS_DENIED (PROT_EXEC refused). */
zx_status_t zxp_protect_apply(struct zxp_protect* p);
void zxp_protect_revert(struct zxp_protect* p);

/* ---- For the owner of the pages: tree lock held ---- */

/* Whether the page (of the pages) is shown, as far as the VMO's size and stream size go. */
bool zxp_mapping_shows_locked(const struct zxp_mapping* m, uint64_t page);

/* The VMO's size, or the stream size, has become another; the size is `new_size`: shows or hides
 * its pages in [first, end). */
zx_status_t zxp_mapping_resized_locked(struct zxp_mapping* m, uint64_t first, uint64_t end,
                                       uint64_t new_size);

/*
 * A stream size becomes `size`, and mappings that end there follow. It is that of the pages, or of
 * a slice that begins at `window_offset`. ZX_ERR_NO_MEMORY (areas): nothing has changed.
 */
zx_status_t zxp_mapping_set_content_locked(struct zxp_pages* pages,
                                           struct zxp_content_size* content, uint64_t window_offset,
                                           uint64_t size);

/* Cuts [first, first + count) of the VMO to what the mapping shows; false if nothing. */
bool zxp_mapping_clip_locked(const struct zxp_mapping* m, uint64_t first, uint64_t count,
                             uintptr_t* address, uint64_t* clip_first, uint64_t* clip_count);

/* Write-protects (or not) the part of the VMO's pages that this mapping shows. */
void zxp_mapping_write_protect_locked(struct zxp_mapping* m, uint64_t first, uint64_t count,
                                      bool on);

/* From now on the mapping traps what is missing, and stores to what is there. */
zx_status_t zxp_mapping_trap_locked(struct zxp_mapping* m, struct zxp_channel* channel);

/* Covers one page with the void file, so that a thread stopped at it runs into SIGBUS, and puts it
 * back. `address` is of the page. False: out of areas. */
bool zxp_mapping_cover_locked(struct zxp_mapping* m, uintptr_t address);
void zxp_mapping_uncover_locked(struct zxp_mapping* m, uintptr_t address);

/* ---- Stores that the kernel notes by itself: mapping_stores.c; tree lock held ---- */

bool zxp_mapping_is_async(const struct zxp_mapping* m);

/* Tells `visit` of pages that the mapping shows in the range and that are not protected, by address
 * (fault/page_scan.h). */
void zxp_mapping_scan_locked(struct zxp_mapping* m, uint64_t first, uint64_t count,
                             enum zxp_scan_kind kind, zxp_scan_visit* visit, void* context);

/*
 * Before areas of the mapping are given up or replaced, if it is asynchronous: stops stores and
 * harvests what there were. Pages of the VMO. ZX_ERR_NO_MEMORY: nothing is stopped.
 */
zx_status_t zxp_mapping_settle_locked(struct zxp_mapping* m, uint64_t first, uint64_t count);

/* The opposite, where the areas are to go on: new ones are put in their place. */
void zxp_mapping_resume_locked(struct zxp_mapping* m, uint64_t first, uint64_t count);

/* From now on it traps stores. ZX_ERR_NO_MEMORY: as before. */
zx_status_t zxp_mapping_trap_stores_locked(struct zxp_mapping* m);

/* ---- */

/* Makes page-table entries for pages that have bytes; a hint. First page and count of the
 * mapping. */
void zxp_mapping_populate_locked(struct zxp_mapping* m, uint64_t first, uint64_t count);

/* The mapping of `pages` that shows `address` through `channel`, or NULL. */
struct zxp_mapping* zxp_mapping_at_locked(struct zxp_pages* pages, uintptr_t address,
                                          const struct zxp_channel* channel);

/* The same over every node of the tree that `pages` is in. */
struct zxp_mapping* zxp_mapping_in_tree_locked(struct zxp_pages* pages, uintptr_t address,
                                               const struct zxp_channel* channel);

#endif /* ZXP_VM_MAPPING_H_ */
