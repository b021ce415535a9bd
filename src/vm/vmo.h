/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VMOs: objects with an identity, and the pages behind them.
 *
 *   zxp_vmo        the kernel object: koid, name, children, mappings count, options
 *   zxp_pages      the pages it shows: size, page states, extents, mappings, and for a pager root
 *                  its source (vm/page_source.h)
 *   zxp_vmo_tree   a VMO without parent and all that descends from it; holds the one lock of all of
 *                  them
 *
 * Object and pages are apart because they live apart: the pages outlive the object that made them
 * while something else still shows them.
 *
 * The files:
 *
 *   vmo.c          objects: creation, end, sizes as reported, names, info
 *   pages.c        pages: storing, zeroing, giving back, and what mappings must be told before
 *   harvest.c      finding out what was done through mappings without telling
 *   vmo_access.c   making a page ready for an access: committing, asking the pager, waiting
 *   vmo_io.c       zx_vmo_read, zx_vmo_write
 *   vmo_ops.c      zx_vmo_op_range
 *   vmo_resize.c   zx_vmo_set_size and the stream size
 *   vmo_discard.c  discardable VMOs: lock, unlock, discard
 *   vmo_transfer.c zx_vmo_transfer_data
 *   vmo_window.c   the calls on an object: through the window of a slice, or straight on
 *
 * Typical walk, zx_vmo_read of an absent page of a pager root: vmo_io.c takes the tree lock, finds
 * the page EMPTY, calls zxp_pages_wait (vmo_access.c) which asks the source for it, drops the lock
 * and sleeps; after the pager's supply it takes the lock again and starts over.
 *
 * Lock: tree.lock. Everything marked (T) is guarded by it; nothing here sleeps or touches the
 * caller's mapped memory while holding it.
 */
#ifndef ZXP_VM_VMO_H_
#define ZXP_VM_VMO_H_

#include <stdatomic.h>
#include <zircon/syscalls/object.h>

#include "base/biased_lock.h"
#include "object/object.h"
#include "vm/arena.h"
#include "vm/blocked.h"
#include "vm/content_size.h"
#include "vm/extent.h"
#include "vm/page_map.h"
#include "vm/page_request.h"
#include "vm/vmo_discard.h"

struct zxp_info_topic;
struct zxp_mapping;
struct zxp_source;
struct zxp_vmo_block; /* the parts of a root VMO in one piece of memory; vmo.c */

/* The largest VMO: 2^64 minus 32 pages (vmo.md, head). */
#define ZXP_VMO_MAX_SIZE (UINT64_C(0) - 32 * ZXP_PAGE_SIZE)

struct zxp_vmo_tree {
  struct zxp_biased_lock lock; /* ZXP_RANK_TREE */
  atomic_uint refs;
  struct zxp_vmo_block* block; /* constant: what its memory is part of; NULL: nothing */
};

/*
 * The place of pages in the arena. Usually of one zxp_pages; after a snapshot shared with a hidden
 * node, each using pages of its own in it (vm/cow.h).
 */
struct zxp_storage {
  struct zxp_extents extents;  /* (T) */
  uint32_t refs;               /* (T) */
  struct zxp_vmo_block* block; /* constant: what its memory is part of; NULL: nothing */
};

/* (C) constant  (T) tree lock */
struct zxp_pages {
  struct zxp_vmo_tree* tree;       /* (C) holds a reference */
  struct zxp_source* source;       /* (C) pager root: its source; else NULL */
  struct zxp_source* root_source;  /* (C) the source of the root, also in children; holds a
                                   * reference */
  bool resizable;                  /* (C) */
  uint32_t owners;                 /* (T) objects that show these pages */
  uint64_t size;                   /* (T) bytes, a multiple of the page size */
  struct zxp_content_size content; /* (T) the stream size, exact bytes, and who is changing it */
  /*
   * (T) An anonymous VMO has been mapped: the kernel fills such mappings without telling, so a page
   * that the map calls EMPTY may hold bytes. A pager root has asynchronous mappings: a page that
   * the map calls anything but EMPTY may have been stored to. zxp_pages_harvest_locked finds out.
   */
  bool untracked;
  bool stores_trap; /* (T) pager root that has or had children: no mapping is asynchronous */
  struct zxp_discard discard; /* (T) */
  /*
   * (T) EMPTY pages in [kept_first, kept_end) may have kept their memory when a supply took them
   * from this transfer VMO, which will be filled again soon. In an untracked VMO they have been
   * zeroed; in another the old bytes are still there, and whatever could show them cleans first.
   */
  uint64_t kept_first;
  uint64_t kept_end;
  struct zxp_page_map map;     /* (T) */
  struct zxp_storage* storage; /* (T) where the bytes are */

  /* Copy-on-write relations (vm/cow.h); all (T). */
  struct zxp_pages* parent; /* what shows through where the map says EMPTY; NULL: zeros */
  uint64_t parent_offset;   /* page of the parent that our page 0 shows */
  uint64_t parent_limit;    /* pages [0, parent_limit) see the parent; only ever shrinks */
  uint64_t root_offset;     /* no parent: where page 0 lay in the top VMO that it was made
                                * from */
  struct zxp_list children; /* struct zxp_pages.sibling */
  struct zxp_list sibling;
  bool hidden;                 /* holds what others show; no object shows it */
  bool of_snapshot;            /* hidden from the start: what a snapshot shares, not a VMO that has
                                * ended */
  struct zxp_storage* lent;    /* hidden: where its DIRTY pages are, in place for who made them */
  bool tracked;                /* every mapping traps, and the map knows every page */
  uint64_t copies;             /* pages in state CLEAN: copies that a mapping was shown */
  struct zxp_list mappings;    /* (T) struct zxp_mapping.pages_link */
  uint32_t stream_limited;     /* (T) how many of them show nothing past the stream size */
  struct zxp_vmo_block* block; /* (C) what its memory is part of; NULL: nothing */
};

/* (C) constant  (T) tree lock  (A) atomic */
struct zxp_vmo {
  struct zxp_object object;
  struct zxp_pages* pages; /* (C) */
  uint32_t options;        /* (C) ZX_VMO_* it was made with */
  /* A slice shows [window_offset, +window_size) of the pages, bytes, and has a stream size of its
   * own. */
  bool slice;                             /* (C) */
  uint64_t window_offset;                 /* (C) 0 unless a slice */
  uint64_t window_size;                   /* (C) */
  struct zxp_content_size window_content; /* (T) */
  char name[ZX_MAX_NAME_LEN];             /* (T) */
  _Atomic uint32_t cache_policy;          /* (A) changed with the tree lock held */
  uint64_t num_mappings;                  /* (T) */
  struct zxp_vmo* parent;      /* (T) the object it was made from, or that one's parent; NULL */
  struct zxp_list children;    /* (T) struct zxp_vmo.sibling */
  struct zxp_list sibling;     /* (T) */
  uint64_t num_children;       /* (T) direct children */
  bool cow_child;              /* (C) made by one of the copy-on-write kinds */
  bool reference;              /* (C) made by ZX_VMO_CHILD_REFERENCE */
  bool immutable;              /* (C) SNAPSHOT with NO_WRITE */
  struct zxp_list all_link;    /* list of all VMOs, for dumps; its own lock */
  struct zxp_vmo_block* block; /* (C) what its memory is part of; NULL: nothing */
};

extern const struct zxp_object_ops zxp_vmo_ops;

static inline void zxp_vmo_tree_get(struct zxp_vmo_tree* tree) {
  atomic_fetch_add_explicit(&tree->refs, 1, memory_order_relaxed);
}
void zxp_vmo_tree_put(struct zxp_vmo_tree* tree);

static inline struct zxp_vmo* zxp_vmo_of(struct zxp_object* object) {
  return ZXP_CONTAINER_OF(object, struct zxp_vmo, object);
}

/* The source at the root of the tree: of the pages themselves, or of the root that they descend
 * from. */
static inline struct zxp_source* zxp_pages_root_source(const struct zxp_pages* pages) {
  return pages->root_source;
}

/* To change things, or to look at more than sizes: base/biased_lock.h. */
static inline void zxp_pages_lock(struct zxp_pages* pages) { zxp_biased_lock(&pages->tree->lock); }
static inline void zxp_pages_look(struct zxp_pages* pages) { zxp_biased_look(&pages->tree->lock); }
/* Ends either. */
static inline void zxp_pages_unlock(struct zxp_pages* pages) {
  zxp_biased_unlock(&pages->tree->lock);
}

/* ---- vmo.c ---- */

/*
 * Rounds a size up to pages. ZX_ERR_OUT_OF_RANGE if that overflows or the result is above the
 * largest VMO.
 */
zx_status_t zxp_vmo_round_size(uint64_t size, uint64_t* rounded);

/*
 * A new VMO of `size` bytes (rounded), with one reference for the caller. `source` (may be NULL)
 * makes it a pager root; the source's reference is taken on success. Errors: ZX_ERR_NO_MEMORY,
 * ZX_ERR_NO_RESOURCES.
 */
zx_status_t zxp_vmo_create(uint64_t size, uint64_t content_size, uint32_t options,
                           struct zxp_source* source, struct zxp_vmo** out);

/* ZX_INFO_VMO through a handle with `rights` (vmo_info.c), and the topics made of it. */
zx_status_t zxp_vmo_get_info(struct zxp_object* object, zx_rights_t rights, zx_info_vmo_t* out);
extern const struct zxp_info_topic zxp_info_vmo_v1;
extern const struct zxp_info_topic zxp_info_vmo_v2;
extern const struct zxp_info_topic zxp_info_vmo_v3;
extern const struct zxp_info_topic zxp_info_vmo;

/* The parts of it: pages of `size` bytes in a tree, with no owner yet; an object that shows pages
 * (whose owner it becomes in the caller's count). NULL: out of memory. */
struct zxp_pages* zxp_pages_new(struct zxp_vmo_tree* tree, uint64_t size);
void zxp_pages_free(struct zxp_pages* pages);
struct zxp_vmo* zxp_vmo_new(struct zxp_pages* pages, uint32_t options);
void zxp_storage_put(struct zxp_storage* storage);

/* Calls `visit` for each VMO that exists, with the lock of the list held, so `visit` may only try
 * locks. False: that lock could not be had at once. For dumps. */
bool zxp_vmo_try_for_each(void (*visit)(void* context, struct zxp_vmo* vmo), void* context);

/* ---- vmo_child.c ---- */

/* Whether the VMO, or what it is an alias of, is on one side of a copy-on-write relation. */
bool zxp_vmo_is_cow_relative_locked(const struct zxp_vmo* vmo);

/* Where page 0 lies in the VMO at the top of the tree, in bytes; bounds how far the pages may
 * reach. */
uint64_t zxp_pages_offset_in_root_locked(const struct zxp_pages* node);

/*
 * zx_vmo_create_child behind the handle and its rights (vmo.md 6, checks 4 to 6); `size` is not
 * rounded, the rounded size has been checked. One reference for the caller.
 */
zx_status_t zxp_vmo_create_child(struct zxp_vmo* parent, uint32_t options, uint64_t offset,
                                 uint64_t size, bool named, struct zxp_vmo** out);

/* The object ends: its children become its parent's (vmo.md 9). Takes the tree lock. */
void zxp_vmo_leave_family(struct zxp_vmo* vmo);

/* ---- pages.c: all need the tree lock ---- */

/* Extents for the range; the range lies inside the size. */
zx_status_t zxp_pages_reserve_locked(struct zxp_pages* pages, uint64_t first, uint64_t count);

/* The bytes of a page that has an extent. Reading a hole gives it memory: for pages with bytes
 * only. */
unsigned char* zxp_pages_bytes_locked(struct zxp_pages* pages, uint64_t page);

/* Gives the memory of the pages back, also in every mapping. Page states are the caller's. */
void zxp_pages_release_locked(struct zxp_pages* pages, uint64_t first, uint64_t count);

/* Gives `page`, which is not EMPTY, memory so that a mapping can show it. */
zx_status_t zxp_pages_materialize_locked(struct zxp_pages* pages, uint64_t page);

/* Gives the pages, which have extents, memory now, as Zircon's commit does, rather than on first
 * touch. Bytes that are there stay. */
zx_status_t zxp_pages_allocate_locked(struct zxp_pages* pages, uint64_t first, uint64_t count);

/* As zxp_pages_zero_whole_locked on an anonymous VMO, for pages that will be filled again soon:
 * they may keep their memory until something could see it. */
zx_status_t zxp_pages_take_locked(struct zxp_pages* pages, uint64_t first, uint64_t count);

/* Gives up the memory that EMPTY pages have kept. */
zx_status_t zxp_pages_scrub_locked(struct zxp_pages* pages);

/* Whether the page, which is EMPTY, may have kept old bytes. */
static inline bool zxp_pages_stale_locked(const struct zxp_pages* pages, uint64_t page) {
  return !pages->untracked && page >= pages->kept_first && page < pages->kept_end;
}

/* Zeroes whole pages: page states, memory, and requests that it answers. */
zx_status_t zxp_pages_zero_whole_locked(struct zxp_pages* pages, uint64_t first, uint64_t count);

/* Drops clean pages and markers (detach, eviction). */
void zxp_pages_drop_clean_locked(struct zxp_pages* pages, uint64_t first, uint64_t count);

/* Drops everything from `first` page on; the old size still stands. */
zx_status_t zxp_pages_cut_locked(struct zxp_pages* pages, uint64_t first);

/* One object less shows the pages; frees them after the last. Takes the tree lock itself. */
void zxp_pages_disown(struct zxp_pages* pages);

/* ---- harvest.c: all need the tree lock ---- */

/* Makes the page states say what was done through mappings: pages that were written become DIRTY.
 * ZX_ERR_NO_MEMORY: some of it is still to be found. */
zx_status_t zxp_pages_harvest_locked(struct zxp_pages* pages, uint64_t first, uint64_t count);

/* The same for one mapping, which is asynchronous. */
zx_status_t zxp_pages_harvest_mapping_locked(struct zxp_mapping* m, uint64_t first, uint64_t count);

/* Write-protects the pages in every mapping, present or not; done before a page that is not DIRTY
 * becomes present, and before a DIRTY page stops being so. A page that was stored to in an
 * asynchronous mapping is DIRTY afterwards. */
void zxp_pages_protect_locked(struct zxp_pages* pages, uint64_t first, uint64_t count);

/* The same only where stores trap: after a harvest of the range. */
void zxp_pages_protect_trapping_locked(struct zxp_pages* pages, uint64_t first, uint64_t count);

/* Harvests, and nothing is stored through asynchronous mappings from before that until resume.
 * ZX_ERR_NO_MEMORY: nothing is stopped. */
zx_status_t zxp_pages_settle_locked(struct zxp_pages* pages, uint64_t first, uint64_t count);
void zxp_pages_resume_locked(struct zxp_pages* pages, uint64_t first, uint64_t count);

/* From now on every mapping traps stores, those to come too. ZX_ERR_NO_MEMORY. */
zx_status_t zxp_pages_trap_stores_locked(struct zxp_pages* pages);

/* ---- vmo_access.c ---- */

/*
 * One access by a call that may have to wait for the pager. Lives on the stack of the call:
 *
 *   struct zxp_access a;
 *   zxp_access_begin(&a, pages, "zx_vmo_read", true);          // takes the tree lock
 *   ... zxp_access_wait_locked(&a, ZXP_REQUEST_READ, p, n) ...   // drops it while asleep
 *   zxp_access_end(&a);                                         // drops it
 */
struct zxp_access {
  struct zxp_blocked blocked;
  struct zxp_pages* pages;
  bool partial;       /* as given to begin */
  bool stream;        /* of a stream: what was answered counts even if the rest fails (objects.md
                       * 11.4) */
  zx_status_t failed; /* stream: what its last wait ended with; the next one would end so too */
  bool changed;       /* it has waited, or changed more than bytes */
  bool fresh;         /* the pages that were made ready last mostly have no memory yet */
};

void zxp_access_begin(struct zxp_access* a, struct zxp_pages* pages, const char* call,
                      bool partial);
void zxp_access_end(struct zxp_access* a);

/* Between begin and end: lets go of the tree lock and takes it again, say around a copy to memory
 * that may fault. Everything looked at before has to be looked at again. */
void zxp_access_unlock(struct zxp_access* a);
void zxp_access_lock(struct zxp_access* a);

/*
 * Asks the pager for [first, first + count), or goes on waiting for a request that this access is
 * on already, and sleeps until there is reason to look again (ZX_OK) or the wait has failed (the
 * pager's status; ZX_ERR_BAD_STATE if the source is cut off; ZX_ERR_NO_MEMORY). Everything may have
 * changed.
 */
zx_status_t zxp_access_wait_locked(struct zxp_access* a, enum zxp_request_kind kind, uint64_t first,
                                   uint64_t count);

/* The largest request that one zx_vmo_write or stream write makes (pager.md 4, writeback.md 1). */
#define ZXP_WRITE_REQUEST_PAGES 16

/*
 * Makes `page` ready to be written: present, and dirty where that is tracked. `limit` pages from it
 * on belong to the same access (at most ZXP_WRITE_REQUEST_PAGES are asked for at once). On ZX_OK
 * `*ready` pages from `page` on may be written through zxp_pages_bytes_locked until the lock is
 * dropped. May sleep; the size has to be checked again afterwards if `*slept`.
 */
zx_status_t zxp_access_prepare_write_locked(struct zxp_access* a, uint64_t page, uint64_t limit,
                                            uint64_t* ready, bool* slept);

/* ---- vmo_io.c ---- */

/*
 * zx_vmo_read and zx_vmo_write on pages. `single`: stands for loads and stores of the caller's
 * buffer (vm/user.c), so each request is for one page. `*done` (may be NULL): bytes moved.
 */
zx_status_t zxp_pages_read(struct zxp_pages* pages, void* buffer, uint64_t offset, uint64_t length,
                           bool single, uint64_t* done);
zx_status_t zxp_pages_write(struct zxp_pages* pages, const void* buffer, uint64_t offset,
                            uint64_t length, bool single, uint64_t* done);

/*
 * The part of them that can be had by a visit of the tree lock (base/biased_lock.h), with the VMO
 * kept alive in any way; from the start on. Bytes moved: if less than `length`, the call goes on
 * from there. `offset` + `length` does not overflow.
 */
uint64_t zxp_pages_read_visiting(struct zxp_pages* pages, void* buffer, uint64_t offset,
                                 uint64_t length);
uint64_t zxp_pages_write_visiting(struct zxp_pages* pages, const void* buffer, uint64_t offset,
                                  uint64_t length);

/*
 * zx_vmo_read and zx_vmo_write for streams: `offset` is one of the object and may lie anywhere. A
 * transfer that gets to the end of the content, as it is at that moment, or to the end of the
 * object stops there, ZX_OK. A write with the content's claim goes on to the end of the object and
 * moves the content size along; one without stops where it would have to claim.
 */
zx_status_t zxp_vmo_read_content(struct zxp_vmo* vmo, void* buffer, uint64_t offset,
                                 uint64_t length, const char* call, uint64_t* done);
zx_status_t zxp_vmo_write_content(struct zxp_vmo* vmo, const void* buffer, uint64_t offset,
                                  uint64_t length, bool claimed, const char* call, uint64_t* done);

/* ---- vmo_ops.c ---- */

/* zx_vmo_op_range on pages; rights are the caller's, ranges are checked here. */
zx_status_t zxp_pages_commit(struct zxp_pages* pages, uint64_t offset, uint64_t length);
zx_status_t zxp_pages_decommit(const struct zxp_vmo* vmo, uint64_t offset, uint64_t length);
zx_status_t zxp_pages_zero(struct zxp_pages* pages, uint64_t offset, uint64_t length);
zx_status_t zxp_pages_hint(struct zxp_pages* pages, bool always_need, uint64_t offset,
                           uint64_t length);
zx_status_t zxp_pages_prefetch(struct zxp_pages* pages, uint64_t offset, uint64_t length);

/* ---- vmo_transfer.c ---- */

/*
 * zx_vmo_transfer_data; `dst` and `src` are not the same place, numbers are multiples of the page
 * size. Errors: ZX_ERR_OUT_OF_RANGE, ZX_ERR_NOT_SUPPORTED (a pager root), of the source first;
 * ZX_ERR_NO_MEMORY.
 */
zx_status_t zxp_vmo_transfer(struct zxp_vmo* dst, uint64_t offset, uint64_t length,
                             struct zxp_vmo* src, uint64_t src_offset);

/* ---- vmo_resize.c ---- */

/* The VMO's size has changed from `old_size` to `new_size` or will: shows or hides pages [first,
 * end) in every mapping. If one cannot, those before it are put back. A discarded VMO stays
 * hidden. */
zx_status_t zxp_pages_resize_mappings_locked(struct zxp_pages* pages, uint64_t first, uint64_t end,
                                             uint64_t new_size, uint64_t old_size);

/* zx_vmo_set_size of a resizable VMO. */
zx_status_t zxp_pages_set_size(struct zxp_pages* pages, uint64_t size);

/* Makes a resizable VMO grow to `rounded` bytes; the caller has the claim of its content, whose
 * size stays. */
zx_status_t zxp_pages_grow_locked(struct zxp_pages* pages, uint64_t rounded);

/* ---- vmo_window.c: the same on an object, through its window; what calls use ---- */

/* Size, and the stream size in bytes. */
uint64_t zxp_vmo_size(struct zxp_vmo* vmo);
uint64_t zxp_vmo_size_locked(const struct zxp_vmo* vmo);

/* The content that streams on the object share: a reference has that of its target. */
static inline struct zxp_content_size* zxp_vmo_content(struct zxp_vmo* vmo) {
  return vmo->slice ? &vmo->window_content : &vmo->pages->content;
}
zx_status_t zxp_vmo_get_content_size(struct zxp_object* object, uint64_t* out);
zx_status_t zxp_vmo_set_content_size(struct zxp_object* object, uint64_t size);
zx_status_t zxp_vmo_set_stream_size(struct zxp_vmo* vmo, uint64_t size);

zx_status_t zxp_vmo_read(struct zxp_vmo* vmo, void* buffer, uint64_t offset, uint64_t length,
                         uint64_t* done);
zx_status_t zxp_vmo_write(struct zxp_vmo* vmo, const void* buffer, uint64_t offset, uint64_t length,
                          uint64_t* done);
uint64_t zxp_vmo_read_visiting(struct zxp_vmo* vmo, void* buffer, uint64_t offset, uint64_t length);
uint64_t zxp_vmo_write_visiting(struct zxp_vmo* vmo, const void* buffer, uint64_t offset,
                                uint64_t length);
zx_status_t zxp_vmo_zero(struct zxp_vmo* vmo, uint64_t offset, uint64_t length);

/* ZX_VMO_OP_COMMIT, DECOMMIT, ZERO, DONT_NEED, ALWAYS_NEED, PREFETCH; rights are the caller's. */
zx_status_t zxp_vmo_op_range(struct zxp_vmo* vmo, uint32_t op, uint64_t offset, uint64_t length);

#endif /* ZXP_VM_VMO_H_ */
