/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pagers: objects that own sources and answer their requests.
 *
 *   zxp_pager   made by zx_pager_create; owns any number of roots, keeps no port of its own
 *
 * The answers (supply, fail, dirty, writeback, queries) are here as calls on a root's pages;
 * handles and rights are checked in syscall/pager.c.
 *
 * Lock: pager.lock guards the list of sources. Sources are on it from creation until they are
 * freed, which for a root whose COMPLETE nobody has read is later than its pages, since closing the
 * pager takes such a packet back (pager.md 8.3).
 */
#ifndef ZXP_VM_PAGER_H_
#define ZXP_VM_PAGER_H_

#include "object/object.h"
#include "vm/vmo.h"

struct zxp_pager {
  struct zxp_object object;
  struct zxp_mutex lock;
  struct zxp_list sources; /* (G) struct zxp_source.pager_link */
};

extern const struct zxp_object_ops zxp_pager_ops;

zx_status_t zxp_pager_create(struct zxp_pager** out);

static inline struct zxp_object* zxp_pager_object(struct zxp_pager* pager) {
  return &pager->object;
}
static inline struct zxp_pager* zxp_pager_of(struct zxp_object* object) {
  return ZXP_CONTAINER_OF(object, struct zxp_pager, object);
}

void zxp_pager_add_source(struct zxp_pager* pager, struct zxp_source* source);
void zxp_pager_remove_source(struct zxp_pager* pager, struct zxp_source* source);

/* The pager that `vmo` is a root of, which lives as long as that; NULL if it is none. */
struct zxp_pager* zxp_pager_of_root(const struct zxp_vmo* vmo);

/* zx_pager_detach_vmo (pager.md 8.1). */
void zxp_pager_detach(struct zxp_pages* root);

/* The same for every root, whoever has its handles, since the pager is about to be closed: none of
 * them is on the pager's list afterwards. */
void zxp_pager_detach_all(struct zxp_pager* pager);

/* zx_pager_supply_pages from the checks of the source range on (pager.md 3.4, 7). Bytes,
 * page-aligned. */
zx_status_t zxp_pager_supply(struct zxp_pages* root, uint64_t offset, uint64_t length,
                             struct zxp_vmo* aux, uint64_t aux_offset);

/* The operations of zx_pager_op_range, arguments checked up to the range (writeback.md 5). */
zx_status_t zxp_pager_fail(struct zxp_pages* root, uint64_t offset, uint64_t length,
                           zx_status_t status);
zx_status_t zxp_pager_dirty(struct zxp_pages* root, uint64_t offset, uint64_t length);
zx_status_t zxp_pager_writeback_begin(struct zxp_pages* root, uint64_t offset, uint64_t length,
                                      bool zero);
zx_status_t zxp_pager_writeback_end(struct zxp_pages* root, uint64_t offset, uint64_t length);

/* Finds out what was stored through mappings in the range, bytes: before a query. ZX_ERR_NO_MEMORY.
 */
zx_status_t zxp_pager_harvest(struct zxp_pages* root, uint64_t offset, uint64_t end);

/* Up to `max` entries of a dirty-range query from `*cursor` (bytes) on, clipped to `end`; advances
 * the cursor past what was found. Returns how many. */
size_t zxp_pager_query_dirty(struct zxp_pages* root, uint64_t* cursor, uint64_t end, void* entries,
                             size_t max);

/* zx_pager_query_vmo_stats: says whether the root was modified, and forgets it if asked to.
 * ZX_ERR_NO_MEMORY. */
zx_status_t zxp_pager_query_stats(struct zxp_pages* root, bool reset, bool* modified);

#endif /* ZXP_VM_PAGER_H_ */
