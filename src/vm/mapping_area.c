/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Linux areas behind a mapping.
 *
 * An area that must trap is useless, worse: wrong, before it is registered with a userfaultfd,
 * since a touch would be answered by the kernel with zeros that no pager supplied. Where nobody can
 * touch it yet it is made without permissions, registered, marked, and then opened. Where other
 * threads use the place it is made ready elsewhere and moved there in one system call
 * (fault/move.c). On a kernel that cannot move it with its registration (UFFD_FEATURE_EVENT_REMAP,
 * Linux 4.11, so only where the feature is refused) there is a moment in which a touch raises
 * SIGSEGV.
 */
#include <errno.h>
#include <sys/mman.h>

#include "base/log.h"
#include "fault/channel_private.h"
#include "fault/uffd.h"
#include "vm/cow.h"
#include "vm/mapping_private.h"
#include "vm/page_source.h"

static uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }

int zxp_prot_of(uint32_t perms) {
  return ((perms & ZX_VM_PERM_READ) != 0 ? PROT_READ : 0) |
         ((perms & ZX_VM_PERM_WRITE) != 0 ? PROT_WRITE : 0) |
         ((perms & ZX_VM_PERM_EXECUTE) != 0 ? PROT_EXEC : 0);
}

zx_status_t zxp_status_of_mmap(int error) {
  /* EPERM, EACCES: a mount or a policy forbids PROT_EXEC. */
  return error == EPERM || error == EACCES ? ZX_ERR_ACCESS_DENIED : ZX_ERR_NO_MEMORY;
}

/* At `address`, or anywhere if that is 0. */
static zx_status_t area_map(uintptr_t address, uint64_t length, int prot, int fd, uint64_t offset,
                            uintptr_t* out) {
  const int flags = MAP_SHARED | MAP_NORESERVE | (address != 0 ? MAP_FIXED : 0);
  void* at = mmap((void*)address, length, prot, flags, fd, (off_t)offset);
  if (at == MAP_FAILED) {
    return zxp_status_of_mmap(errno);
  }
  madvise(at, length, MADV_DONTFORK);
  madvise(at, length, MADV_NOHUGEPAGE);
  if (out != NULL) {
    *out = (uintptr_t)at;
  }
  return ZX_OK;
}

/* The void at an address of the window. The file is empty, so any offset is past its end; this one
 * lets neighbouring areas be one. */
static zx_status_t void_map(uintptr_t address, uint64_t length, int prot) {
  return area_map(address, length, prot, zxp_arena.void_fd, address - zxp_aspace.base, NULL);
}

/* ---- Areas that trap ---- */

/* One area, of pages that lie side by side in the arena. */
struct run {
  uint64_t page; /* of the VMO's pages */
  uint64_t count;
  uint64_t arena_page;
  uintptr_t address;
  int prot;
};

/* The run at `page` of the mapping, up to `end` at most: one area at least up to its end. False:
 * its pages have no place in the arena; then only the count is right. */
static bool next_run_locked(const struct zxp_mapping* m, uint64_t page, uint64_t end,
                            struct run* out) {
  uint64_t run_end;
  *out = (struct run){
      .page = m->first_page + page,
      .address = m->base + (page << ZXP_PAGE_SHIFT),
      .prot = zxp_prot_of(zxp_mapping_perms(m, page, &run_end)),
  };
  return zxp_extents_find(&m->pages->storage->extents, out->page, min_u64(run_end, end) - page,
                          &out->arena_page, &out->count);
}

static void mark(struct zxp_mapping* m, uintptr_t at, uint64_t count) {
  const enum zxp_uffd_class c =
      zxp_uffd_protect(m->channel->uffd, at, count << ZXP_PAGE_SHIFT, true);
  /* Page tables may lack memory, and then a page would be writable that must not be. */
  ZXP_ASSERT(c == ZXP_UFFD_DONE);
}

/* Write-protects the pages of the run that have memory, in an area that shows the run at `at`. */
static void mark_data(struct zxp_mapping* m, const struct run* r, uintptr_t at) {
  const uint64_t end = r->arena_page + r->count;
  uint64_t data = 0;
  uint64_t count = 0;
  for (uint64_t a = r->arena_page; a < end && zxp_arena_next_data(a, end - a, &data, &count);
       a = data + count) {
    mark(m, at + ((data - r->arena_page) << ZXP_PAGE_SHIFT), count);
  }
}

/*
 * Pages that are not the VMO's own: write-protects those that lie here on loan (vm/cow.h), which
 * may have got their memory with no bytes in it yet, and zeros that were read.
 */
static void mark_shown_locked(struct zxp_mapping* m, const struct run* r, uint64_t first,
                              uint64_t count, uintptr_t at) {
  struct zxp_view v;
  for (uint64_t done = 0; done < count; done += v.count) {
    const uintptr_t part_at = at + (done << ZXP_PAGE_SHIFT);
    zxp_cow_look_locked(m->pages, r->page + first + done, count - done, &v);
    if (zxp_cow_in_place(m->pages, r->page + first + done, &v)) {
      mark(m, part_at, v.count);
    } else {
      const struct run part = {.arena_page = r->arena_page + first + done, .count = v.count};
      mark_data(m, &part, part_at);
    }
  }
}

/*
 * Write-protects what is present. Also a root's dirty pages: its pager is told of the first store
 * through each mapping (writeback.md 4).
 */
static void mark_present_locked(struct zxp_mapping* m, const struct run* r, uintptr_t at) {
  const struct zxp_pages* pages = m->pages;
  for (uint64_t page = 0; page < r->count;) {
    enum zxp_page_state st;
    const uint64_t n = zxp_page_map_run(&pages->map, r->page + page, r->count - page, &st);
    const uintptr_t n_at = at + (page << ZXP_PAGE_SHIFT);
    if (st == ZXP_PAGE_EMPTY && pages->source == NULL) {
      mark_shown_locked(m, r, page, n, n_at);
    } else if (st == ZXP_PAGE_INTERVAL) {
      /* A long run may show just a few pages that were read. */
      const struct run part = {.arena_page = r->arena_page + page, .count = n};
      mark_data(m, &part, n_at);
    } else if (st != ZXP_PAGE_EMPTY && (st != ZXP_PAGE_DIRTY || pages->source != NULL)) {
      mark(m, n_at, n);
    }
    page += n;
  }
}

static zx_status_t register_locked(struct zxp_mapping* m, const struct run* r, uintptr_t at) {
  const zx_status_t st = zxp_uffd_register(m->channel->uffd, at, r->count << ZXP_PAGE_SHIFT);
  if (st == ZX_OK) {
    mark_present_locked(m, r, at);
  }
  return st;
}

static zx_status_t put_trapping_locked(struct zxp_mapping* m, const struct run* r,
                                       enum zxp_place place) {
  const uint64_t length = r->count << ZXP_PAGE_SHIFT;
  const uint64_t offset = r->arena_page << ZXP_PAGE_SHIFT;
  zx_status_t st;
  if (place == ZXP_PLACE_IN_USE && zxp_uffd_can_move()) {
    uintptr_t stage = 0;
    st = area_map(0, length, r->prot, zxp_arena.fd, offset, &stage);
    if (st != ZX_OK) {
      return st;
    }
    st = register_locked(m, r, stage);
    if (st == ZX_OK) {
      st = zxp_uffd_move(m->channel->uffd, stage, r->address, length);
    }
    if (st != ZX_OK) {
      munmap((void*)stage, length);
    }
    return st;
  }
  st = area_map(r->address, length, PROT_NONE, zxp_arena.fd, offset, NULL);
  if (st == ZX_OK) {
    st = register_locked(m, r, r->address);
  }
  if (st == ZX_OK && r->prot != PROT_NONE && mprotect((void*)r->address, length, r->prot) != 0) {
    st = zxp_status_of_mmap(errno);
  }
  return st;
}

/* ---- All areas ---- */

uint64_t zxp_mapping_size_locked(const struct zxp_mapping* m) {
  return m->pages->discard.state == ZXP_DISCARD_DISCARDED ? 0 : m->pages->size;
}

/* The first page of the VMO's pages that the mapping does not show, if the VMO has `size` bytes. */
static uint64_t limit_locked(const struct zxp_mapping* m, uint64_t size) {
  const uint64_t end = min_u64(size >> ZXP_PAGE_SHIFT, m->end_page);
  if (!m->stream_limited) {
    return end;
  }
  /* The page that holds the end is shown whole. The stream size may be any number. */
  const uint64_t content = zxp_vmo_content(m->vmo)->size;
  const uint64_t pages = (content >> ZXP_PAGE_SHIFT) + ((content & ZXP_PAGE_MASK) != 0);
  return min_u64(end, (m->vmo->window_offset >> ZXP_PAGE_SHIFT) + pages);
}

bool zxp_mapping_shows_locked(const struct zxp_mapping* m, uint64_t page) {
  return page < limit_locked(m, zxp_mapping_size_locked(m));
}

/* Pages that are all shown. */
static zx_status_t establish_inside_locked(struct zxp_mapping* m, uint64_t first, uint64_t count,
                                           enum zxp_place place) {
  struct zxp_pages* pages = m->pages;
  zx_status_t st = zxp_extents_ensure(&pages->storage->extents, m->first_page + first, count,
                                      pages->size >> ZXP_PAGE_SHIFT, pages->resizable);
  for (uint64_t page = first, end = first + count; st == ZX_OK && page < end;) {
    struct run r;
    const bool there = next_run_locked(m, page, end, &r);
    ZXP_ASSERT(there);
    st = m->channel != NULL ? put_trapping_locked(m, &r, place)
                            : area_map(r.address, r.count << ZXP_PAGE_SHIFT, r.prot, zxp_arena.fd,
                                       r.arena_page << ZXP_PAGE_SHIFT, NULL);
    page += r.count;
  }
  return st;
}

static zx_status_t establish_void(struct zxp_mapping* m, uint64_t first, uint64_t count) {
  zx_status_t st = ZX_OK;
  for (uint64_t page = first, end = first + count; st == ZX_OK && page < end;) {
    uint64_t run_end;
    const int prot = zxp_prot_of(zxp_mapping_perms(m, page, &run_end));
    const uint64_t n = min_u64(run_end, end) - page;
    st = void_map(m->base + (page << ZXP_PAGE_SHIFT), n << ZXP_PAGE_SHIFT, prot);
    page += n;
  }
  return st;
}

zx_status_t zxp_mapping_establish_locked(struct zxp_mapping* m, uint64_t first, uint64_t count,
                                         uint64_t size, enum zxp_place place) {
  ZXP_ASSERT_HELD(&m->pages->tree->lock);
  const uint64_t limit = limit_locked(m, size);
  const uint64_t shown = limit > m->first_page ? limit - m->first_page : 0;
  const uint64_t end = first + count;
  const uint64_t inside = m->whole ? end : shown < first ? first : min_u64(shown, end);
  zx_status_t st = ZX_OK;
  if (inside > first) {
    st = establish_inside_locked(m, first, inside - first, place);
  }
  if (st == ZX_OK && end > inside) {
    st = establish_void(m, inside, end - inside);
  }
  return st;
}

/* ---- For the owner of the pages ---- */

zx_status_t zxp_mapping_resized_locked(struct zxp_mapping* m, uint64_t first, uint64_t end,
                                       uint64_t new_size) {
  const uint64_t low = first > m->first_page ? first : m->first_page;
  const uint64_t high = min_u64(end, m->first_page + m->pages_count);
  if (m->whole || low >= high) {
    return ZX_OK;
  }
  return zxp_mapping_establish_locked(m, low - m->first_page, high - low, new_size,
                                      ZXP_PLACE_IN_USE);
}

bool zxp_mapping_clip_locked(const struct zxp_mapping* m, uint64_t first, uint64_t count,
                             uintptr_t* address, uint64_t* clip_first, uint64_t* clip_count) {
  const uint64_t limit = limit_locked(m, zxp_mapping_size_locked(m));
  const uint64_t low = first > m->first_page ? first : m->first_page;
  const uint64_t high = min_u64(min_u64(first + count, limit), m->first_page + m->pages_count);
  if (low >= high) {
    return false;
  }
  *address = m->base + ((low - m->first_page) << ZXP_PAGE_SHIFT);
  *clip_first = low;
  *clip_count = high - low;
  return true;
}

zx_status_t zxp_mapping_trap_locked(struct zxp_mapping* m, struct zxp_channel* channel) {
  ZXP_ASSERT_HELD(&m->pages->tree->lock);
  if (m->channel != NULL) {
    return ZX_OK;
  }
  const uint64_t limit = limit_locked(m, zxp_mapping_size_locked(m));
  const uint64_t shown = limit > m->first_page ? limit - m->first_page : 0;
  const uint64_t end = min_u64(shown, m->pages_count);
  struct run r;
  for (uint64_t page = 0; page < end; page += r.count) {
    if (next_run_locked(m, page, end, &r)) {
      const zx_status_t st = zxp_uffd_register(channel->uffd, r.address, r.count << ZXP_PAGE_SHIFT);
      if (st != ZX_OK) {
        return st;
      }
    }
  }
  m->channel = channel;
  zxp_channel_get(channel);
  for (uint64_t page = 0; page < end; page += r.count) {
    if (next_run_locked(m, page, end, &r)) {
      mark_data(m, &r, r.address);
    }
  }
  return ZX_OK;
}

bool zxp_mapping_cover_locked(struct zxp_mapping* m, uintptr_t address) {
  const uint64_t page = (address - m->base) >> ZXP_PAGE_SHIFT;
  if (zxp_mapping_settle_locked(m, m->first_page + page, 1) != ZX_OK) {
    return false;
  }
  if (void_map(address, ZXP_PAGE_SIZE, zxp_prot_of(zxp_mapping_perms(m, page, NULL))) != ZX_OK) {
    zxp_mapping_resume_locked(m, m->first_page + page, 1);
    return false;
  }
  return true;
}

void zxp_mapping_uncover_locked(struct zxp_mapping* m, uintptr_t address) {
  const uint64_t page = (address - m->base) >> ZXP_PAGE_SHIFT;
  if (zxp_mapping_establish_locked(m, page, 1, zxp_mapping_size_locked(m), ZXP_PLACE_IN_USE) !=
      ZX_OK) {
    /* Stays covered: its accesses fail, which is what failed pages do. */
    ZXP_LOG(ZXP_TOPIC_MAP, 1, "page at %p could not be put back", (void*)address);
  }
}

void zxp_mapping_write_protect_locked(struct zxp_mapping* m, uint64_t first, uint64_t count,
                                      bool on) {
  uintptr_t address;
  ZXP_ASSERT_HELD(&m->pages->tree->lock);
  if (m->channel == NULL || !zxp_mapping_clip_locked(m, first, count, &address, &first, &count)) {
    return;
  }
  /* One call an area: before Linux 6.3 the ioctl does not go across areas. */
  struct run r;
  for (uint64_t page = first - m->first_page, end = page + count; page < end; page += r.count) {
    if (next_run_locked(m, page, end, &r)) {
      const enum zxp_uffd_class c =
          zxp_uffd_protect(m->channel->uffd, r.address, r.count << ZXP_PAGE_SHIFT, on);
      /* The areas change with the tree lock held only; page tables may lack memory, and then a page
       * would be writable that must not be. */
      ZXP_ASSERT(c == ZXP_UFFD_DONE);
    }
  }
}

void zxp_mapping_populate_locked(struct zxp_mapping* m, uint64_t first, uint64_t count) {
  ZXP_ASSERT_HELD(&m->pages->tree->lock);
#ifdef MADV_POPULATE_READ /* Linux 5.14 */
  if (m->channel != NULL) {
    return; /* A page that turns out to have no memory would stop this thread, which holds the
             * lock. */
  }
  const uint64_t limit = limit_locked(m, zxp_mapping_size_locked(m));
  const uint64_t end = min_u64(m->first_page + first + count, limit);
  for (uint64_t page = m->first_page + first; page < end;) {
    enum zxp_page_state st;
    const uint64_t n = zxp_page_map_run(&m->pages->map, page, end - page, &st);
    if (zxp_page_state_resident(st)) {
      madvise((void*)(m->base + ((page - m->first_page) << ZXP_PAGE_SHIFT)), n << ZXP_PAGE_SHIFT,
              MADV_POPULATE_READ);
    }
    page += n;
  }
#else
  (void)first;
  (void)count;
#endif
}
