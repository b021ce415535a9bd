/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Extents: where in the arena the pages of one VMO live.
 *
 * A VMO's offsets run to almost 2^64, the arena is smaller, and most VMOs use little of what they
 * could; so an extent is reserved when a page of it is first needed (written, supplied, mapped). A
 * VMO of ordinary size has one extent; one beyond the arena's segment size has one for each segment
 * that is used; a resizable one gets further extents, each with headroom, as it grows. Once there,
 * an extent stays until the VMO ends, so that mappings of it need never move.
 *
 * Lock: the tree lock of the VMO.
 */
#ifndef ZXP_VM_EXTENT_H_
#define ZXP_VM_EXTENT_H_

#include "base/tree.h"
#include "vm/arena.h"

struct zxp_extents {
  struct zxp_tree by_first;   /* struct extent, by first page of the VMO */
  struct zxp_tree_node* last; /* the one that was made sure of last, looked at first; NULL: none */
};

void zxp_extents_init(struct zxp_extents* e);

/* Frees every extent with its memory. */
void zxp_extents_destroy(struct zxp_extents* e);

/*
 * Sees to it that [first, first + count) has extents. `size` is the VMO's size in pages (the range
 * lies inside), `grows` asks for headroom. Errors: ZX_ERR_NO_MEMORY; what was made by then stays,
 * unused.
 */
zx_status_t zxp_extents_ensure(struct zxp_extents* e, uint64_t first, uint64_t count, uint64_t size,
                               bool grows);

/*
 * The arena page of `page`, and how many pages from there on (at most `limit`) lie side by side.
 * False if the page has no extent; then *run is the number of pages up to the next that has one.
 */
bool zxp_extents_find(const struct zxp_extents* e, uint64_t page, uint64_t limit,
                      uint64_t* arena_page, uint64_t* run);

/* Gives back the memory of the pages, where they have extents. */
void zxp_extents_punch(const struct zxp_extents* e, uint64_t first, uint64_t count);

/* The bytes of a page that is known to have an extent. */
unsigned char* zxp_extents_page(const struct zxp_extents* e, uint64_t page);

/* Forgets everything outside [from, from + count) and counts pages from `from` on; memory outside
 * is given back. Extents that reach over an end keep their offset space. */
void zxp_extents_rebase(struct zxp_extents* e, uint64_t from, uint64_t count);

/* Bytes of metadata. */
uint64_t zxp_extents_metadata_bytes(const struct zxp_extents* e);

#endif /* ZXP_VM_EXTENT_H_ */
