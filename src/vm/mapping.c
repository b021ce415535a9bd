/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm/mapping.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "fault/channel_private.h"
#include "fault/uffd.h"
#include "vm/aspace.h"
#include "vm/page_source.h"

static int prot_of(uint32_t perms) {
  return ((perms & ZX_VM_PERM_READ) != 0 ? PROT_READ : 0) |
         ((perms & ZX_VM_PERM_WRITE) != 0 ? PROT_WRITE : 0) |
         ((perms & ZX_VM_PERM_EXECUTE) != 0 ? PROT_EXEC : 0);
}

static zx_status_t status_of_mmap(int error) {
  /* EPERM, EACCES: a mount or a policy forbids PROT_EXEC. */
  return error == EPERM || error == EACCES ? ZX_ERR_ACCESS_DENIED : ZX_ERR_NO_MEMORY;
}

static uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* ---- Runs of permissions ---- */

uint32_t zxp_mapping_perms(const struct zxp_mapping* m, uint64_t page, uint64_t* run_end) {
  uint32_t low = 0;
  uint32_t high = m->runs_count;
  while (high - low > 1) {
    const uint32_t mid = low + (high - low) / 2;
    if (m->runs[mid].first <= page) {
      low = mid;
    } else {
      high = mid;
    }
  }
  if (run_end != NULL) {
    *run_end = low + 1 < m->runs_count ? m->runs[low + 1].first : m->pages_count;
  }
  return m->runs[low].perms;
}

/* Room for the two boundaries that one change can add. */
static zx_status_t runs_reserve(struct zxp_mapping* m) {
  if (m->runs_count + 2 > m->runs_capacity) {
    const uint32_t capacity = m->runs_capacity * 2 + 4;
    struct zxp_perm_run* grown = realloc(m->runs, capacity * sizeof *grown);
    if (grown == NULL) {
      return ZX_ERR_NO_MEMORY;
    }
    m->runs = grown;
    m->runs_capacity = capacity;
  }
  return ZX_OK;
}

/* Appends, or widens the last run if it says the same. */
static uint32_t runs_append(struct zxp_perm_run* to, uint32_t n, uint64_t first, uint32_t perms) {
  if (n > 0 && to[n - 1].perms == perms) {
    return n;
  }
  to[n] = (struct zxp_perm_run){.first = first, .perms = perms};
  return n + 1;
}

/* Copies the runs of [first, first + count) into `out`, counted from `first`. */
static zx_status_t runs_slice(const struct zxp_mapping* m, uint64_t first, uint64_t count,
                              struct zxp_perm_run** out, uint32_t* out_count) {
  struct zxp_perm_run* runs = malloc((m->runs_count + 2) * sizeof *runs);
  if (runs == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  uint32_t n = 0;
  for (uint64_t page = first; page < first + count;) {
    uint64_t end;
    const uint32_t perms = zxp_mapping_perms(m, page, &end);
    n = runs_append(runs, n, page - first, perms);
    page = end;
  }
  *out = runs;
  *out_count = n;
  return ZX_OK;
}

/* ---- Linux areas ---- */

/* Puts the reservation back; in one call, so that nothing of the process can slip in. */
static zx_status_t area_reserve(uintptr_t address, uint64_t length) {
  return zxp_aspace_reserve_area(address, length) ? ZX_OK : ZX_ERR_NO_MEMORY;
}

static zx_status_t area_map(uintptr_t address, uint64_t length, int prot, int fd, uint64_t offset) {
  void* at =
      mmap((void*)address, length, prot, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, (off_t)offset);
  if (at == MAP_FAILED) {
    return status_of_mmap(errno);
  }
  madvise(at, length, MADV_DONTFORK);
  madvise(at, length, MADV_NOHUGEPAGE);
  return ZX_OK;
}

/* Write-protects the pages of a run that have memory. */
static void mark_data_locked(struct zxp_mapping* m, uint64_t first, uint64_t count) {
  for (uint64_t page = first; page < first + count;) {
    uint64_t arena_page = 0;
    uint64_t n;
    uint64_t data = 0;
    uint64_t data_count = 0;
    if (zxp_extents_find(&m->pages->storage->extents, page, first + count - page, &arena_page,
                         &n)) {
      for (uint64_t a = arena_page; a < arena_page + n; a = data + data_count) {
        if (!zxp_arena_next_data(a, arena_page + n - a, &data, &data_count)) {
          break;
        }
        zxp_mapping_write_protect_locked(m, page + (data - arena_page), data_count, true);
      }
    }
    page += n;
  }
}

/*
 * Write-protects what is present in a new area. Also a root's dirty pages: its pager is told of the
 * first store through each mapping (writeback.md 4).
 */
static void mark_present_locked(struct zxp_mapping* m, uint64_t first, uint64_t count) {
  const uint64_t end = first + count;
  struct zxp_pages* pages = m->pages;
  for (uint64_t page = first; page < end;) {
    enum zxp_page_state st;
    const uint64_t run = zxp_page_map_run(&pages->map, page, end - page, &st);
    if (st == ZXP_PAGE_INTERVAL || (st == ZXP_PAGE_EMPTY && pages->source == NULL)) {
      /* A long run may show just a few pages that were read; or pages that lie here on loan (vm/cow.h). */
      mark_data_locked(m, page, run);
    } else if (st != ZXP_PAGE_EMPTY && (st != ZXP_PAGE_DIRTY || pages->source != NULL)) {
      zxp_mapping_write_protect_locked(m, page, run, true);
    }
    page += run;
  }
}

zx_status_t zxp_mapping_trap_locked(struct zxp_mapping* m, struct zxp_channel* channel) {
  struct zxp_pages* pages = m->pages;
  ZXP_ASSERT_HELD(&pages->tree->lock);
  if (m->channel != NULL) {
    return ZX_OK;
  }
  const uint64_t end = min_u64(pages->size >> ZXP_PAGE_SHIFT, m->end_page);
  uint64_t inside = end > m->first_page ? end - m->first_page : 0;
  inside = min_u64(inside, m->pages_count);
  for (uint64_t page = 0; page < inside;) {
    uint64_t arena_page;
    uint64_t run;
    if (zxp_extents_find(&pages->storage->extents, m->first_page + page, inside - page, &arena_page,
                         &run)) {
      const zx_status_t st = zxp_uffd_register(channel->uffd, m->base + (page << ZXP_PAGE_SHIFT),
                                               run << ZXP_PAGE_SHIFT);
      if (st != ZX_OK) {
        return st;
      }
    }
    page += run;
  }
  m->channel = channel;
  zxp_channel_get(channel);
  mark_data_locked(m, m->first_page, inside);
  return ZX_OK;
}

/* Areas for [first, first + count) of the mapping's pages, all inside the VMO or all past its end. */
static zx_status_t establish_locked(struct zxp_mapping* m, uint64_t first, uint64_t count,
                                    bool inside) {
  struct zxp_pages* pages = m->pages;
  if (inside) {
    const zx_status_t st =
        zxp_extents_ensure(&pages->storage->extents, m->first_page + first, count,
                           pages->size >> ZXP_PAGE_SHIFT, pages->resizable);
    if (st != ZX_OK) {
      return st;
    }
  }
  for (uint64_t page = first; page < first + count;) {
    uint64_t run_end;
    const int prot = prot_of(zxp_mapping_perms(m, page, &run_end));
    uint64_t n = min_u64(run_end, first + count) - page;
    const uintptr_t address = m->base + (page << ZXP_PAGE_SHIFT);
    zx_status_t st;
    if (!inside) {
      st = area_map(address, n << ZXP_PAGE_SHIFT, prot, zxp_arena.void_fd, 0);
    } else {
      uint64_t arena_page = 0;
      uint64_t run;
      const bool there =
          zxp_extents_find(&pages->storage->extents, m->first_page + page, n, &arena_page, &run);
      ZXP_ASSERT(there);
      n = run;
      /* Not to be touched before it is registered: a fault would read zeros that no pager supplied. */
      st = area_map(address, n << ZXP_PAGE_SHIFT, m->channel != NULL ? PROT_NONE : prot,
                    zxp_arena.fd, arena_page << ZXP_PAGE_SHIFT);
      if (st == ZX_OK && m->channel != NULL) {
        st = zxp_uffd_register(m->channel->uffd, address, n << ZXP_PAGE_SHIFT);
        if (st == ZX_OK) {
          mark_present_locked(m, m->first_page + page, n);
          if (prot != PROT_NONE && mprotect((void*)address, n << ZXP_PAGE_SHIFT, prot) != 0) {
            st = status_of_mmap(errno);
          }
        }
      }
    }
    if (st != ZX_OK) {
      return st;
    }
    page += n;
  }
  return ZX_OK;
}

/* ---- Life ---- */

zx_status_t zxp_mapping_create(struct zxp_vmo* vmo, uint64_t vmo_offset, uintptr_t base,
                               uint64_t length, uint32_t perms, uint32_t max_perms,
                               struct zxp_mapping** out) {
  struct zxp_pages* pages = vmo->pages;
  zx_status_t st = ZX_ERR_NO_MEMORY;
  struct zxp_mapping* m = calloc(1, sizeof *m);
  if (m == NULL) {
    return st;
  }
  zxp_list_init(&m->pages_link);
  m->base = base;
  m->pages_count = length >> ZXP_PAGE_SHIFT;
  m->first_page = (vmo->window_offset >> ZXP_PAGE_SHIFT) + (vmo_offset >> ZXP_PAGE_SHIFT);
  m->end_page = vmo->slice ? (vmo->window_offset + vmo->window_size) >> ZXP_PAGE_SHIFT : UINT64_MAX;
  m->vmo = vmo;
  m->pages = pages;
  m->max_perms = max_perms;
  zxp_object_get(&vmo->object);
  if (runs_reserve(m) != ZX_OK) {
    goto fail;
  }
  m->runs_count = runs_append(m->runs, 0, 0, perms);

  zxp_pages_lock(pages);
  st = ZX_OK;
  if (pages->source != NULL || pages->tracked) {
    const struct zxp_source* root = zxp_pages_root_source(pages);
    st = zxp_channel_for_mappings(root != NULL ? root->port : NULL, &m->channel);
  }
  if (st == ZX_OK) {
    /* A discarded VMO shows nothing until it is locked. */
    const uint64_t size_pages =
        pages->discard.state == ZXP_DISCARD_DISCARDED ? 0 : pages->size >> ZXP_PAGE_SHIFT;
    /* The kernel will fill this mapping without telling, and would show old bytes. */
    st = zxp_pages_scrub_locked(pages);
    const uint64_t end_page = min_u64(size_pages, m->end_page);
    uint64_t inside = end_page > m->first_page ? end_page - m->first_page : 0;
    inside = min_u64(inside, m->pages_count);
    if (st == ZX_OK && inside > 0) {
      st = establish_locked(m, 0, inside, true);
    }
    if (st == ZX_OK && inside < m->pages_count) {
      st = establish_locked(m, inside, m->pages_count - inside, false);
    }
    if (st == ZX_OK) {
      m->made_seq = zxp_channel_last_message();
      zxp_list_push_back(&pages->mappings, &m->pages_link);
      vmo->num_mappings++;
      pages->untracked = m->channel == NULL;
    }
  }
  zxp_pages_unlock(pages);
  if (st != ZX_OK) {
    /* Areas were replaced by others of the same extent, so this needs no more of them than before. */
    area_reserve(base, length);
    goto fail;
  }
  ZXP_LOG(ZXP_TOPIC_MAP, 2, "koid %llu page %llu mapped at %p, %llu pages",
          (unsigned long long)vmo->object.koid, (unsigned long long)m->first_page, (void*)base,
          (unsigned long long)m->pages_count);
  *out = m;
  return ZX_OK;
fail:
  zxp_mapping_free(m);
  return st;
}

void zxp_mapping_free(struct zxp_mapping* m) {
  if (m == NULL) {
    return;
  }
  ZXP_ASSERT(zxp_list_empty(&m->pages_link));
  if (m->channel != NULL) {
    zxp_channel_put(m->channel);
  }
  zxp_object_put(&m->vmo->object);
  free(m->runs);
  free(m);
}

/* The mapping becomes [first, first + count) of itself, with `runs`. */
static void narrow(struct zxp_mapping* m, uint64_t first, uint64_t count, struct zxp_perm_run* runs,
                   uint32_t runs_count) {
  free(m->runs);
  m->runs = runs;
  m->runs_capacity = m->runs_count = runs_count;
  m->base += first << ZXP_PAGE_SHIFT;
  m->first_page += first;
  m->pages_count = count;
}

zx_status_t zxp_mapping_cut(struct zxp_mapping* m, uint64_t first, uint64_t count,
                            struct zxp_mapping** rest, bool* gone) {
  const uint64_t end = first + count;
  const uint64_t after = m->pages_count - end;
  struct zxp_perm_run* front_runs = NULL;
  struct zxp_perm_run* back_runs = NULL;
  uint32_t front_count = 0;
  uint32_t back_count = 0;
  struct zxp_mapping* back = NULL;
  zx_status_t st = ZX_ERR_NO_MEMORY;

  *rest = NULL;
  *gone = false;
  if (first > 0 && runs_slice(m, 0, first, &front_runs, &front_count) != ZX_OK) {
    goto fail;
  }
  if (after > 0 && runs_slice(m, end, after, &back_runs, &back_count) != ZX_OK) {
    goto fail;
  }
  if (first > 0 && after > 0) {
    back = malloc(sizeof *back);
    if (back == NULL) {
      goto fail;
    }
  }

  zxp_pages_lock(m->pages);
  st = area_reserve(m->base + (first << ZXP_PAGE_SHIFT), count << ZXP_PAGE_SHIFT);
  if (st != ZX_OK) {
    zxp_pages_unlock(m->pages);
    goto fail;
  }
  if (back != NULL) {
    *back = *m;
    zxp_list_init(&back->pages_link);
    back->runs = NULL;
    zxp_object_get(&back->vmo->object);
    if (back->channel != NULL) {
      zxp_channel_get(back->channel);
    }
    narrow(back, end, after, back_runs, back_count);
    narrow(m, 0, first, front_runs, front_count);
    zxp_list_push_back(&m->pages->mappings, &back->pages_link);
    m->vmo->num_mappings++;
    *rest = back;
  } else if (first > 0) {
    narrow(m, 0, first, front_runs, front_count);
  } else if (after > 0) {
    narrow(m, end, after, back_runs, back_count);
  } else {
    zxp_list_remove(&m->pages_link);
    m->vmo->num_mappings--;
    *gone = true;
  }
  zxp_pages_unlock(m->pages);
  return ZX_OK;
fail:
  free(front_runs);
  free(back_runs);
  free(back);
  return st;
}

zx_status_t zxp_mapping_protect(struct zxp_mapping* m, uint64_t first, uint64_t count,
                                uint32_t perms) {
  const uint64_t end = first + count;
  struct zxp_perm_run* runs = malloc((m->runs_count + 2) * sizeof *runs);
  if (runs == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  uint32_t n = 0;
  for (uint64_t page = 0; page < m->pages_count;) {
    uint64_t run_end;
    const uint32_t old = zxp_mapping_perms(m, page, &run_end);
    if (page >= first && page < end) {
      n = runs_append(runs, n, page, perms);
      page = min_u64(run_end, end);
    } else {
      n = runs_append(runs, n, page, old);
      page = page < first ? min_u64(run_end, first) : run_end;
    }
  }

  zxp_pages_lock(m->pages);
  /* Marks of write protection stay through mprotect, so a page that is not dirty still traps. */
  zx_status_t st = ZX_OK;
  if (mprotect((void*)(m->base + (first << ZXP_PAGE_SHIFT)), count << ZXP_PAGE_SHIFT,
               prot_of(perms)) != 0) {
    st = status_of_mmap(errno);
  } else {
    free(m->runs);
    m->runs = runs;
    m->runs_count = n;
    m->runs_capacity = n;
    runs = NULL;
  }
  zxp_pages_unlock(m->pages);
  free(runs);
  return st;
}

/* ---- For the owner of the pages ---- */

bool zxp_mapping_clip_locked(const struct zxp_mapping* m, uint64_t first, uint64_t count,
                             uintptr_t* address, uint64_t* clip_first, uint64_t* clip_count) {
  const uint64_t low = first > m->first_page ? first : m->first_page;
  /* What a slice does not show has no pages behind it, whatever its parent has there. */
  const uint64_t end = min_u64(m->first_page + m->pages_count, m->end_page);
  const uint64_t high = min_u64(first + count, end);
  if (low >= high) {
    return false;
  }
  *address = m->base + ((low - m->first_page) << ZXP_PAGE_SHIFT);
  *clip_first = low;
  *clip_count = high - low;
  return true;
}

void zxp_mapping_write_protect_locked(struct zxp_mapping* m, uint64_t first, uint64_t count,
                                      bool on) {
  uintptr_t address;
  ZXP_ASSERT_HELD(&m->pages->tree->lock);
  if (m->channel == NULL || !zxp_mapping_clip_locked(m, first, count, &address, &first, &count)) {
    return;
  }
  /* One call an area: before Linux 6.3 the ioctl does not go across areas. */
  while (count > 0) {
    uint64_t arena_page;
    uint64_t run;
    if (zxp_extents_find(&m->pages->storage->extents, first, count, &arena_page, &run)) {
      const enum zxp_uffd_class c =
          zxp_uffd_protect(m->channel->uffd, address, run << ZXP_PAGE_SHIFT, on);
      /* The areas change with the tree lock held only; page tables may lack memory, and then a page
       * would be writable that must not be. */
      ZXP_ASSERT(c == ZXP_UFFD_DONE);
    }
    address += run << ZXP_PAGE_SHIFT;
    first += run;
    count -= run;
  }
}

struct zxp_mapping* zxp_mapping_at_locked(struct zxp_pages* pages, uintptr_t address,
                                          const struct zxp_channel* channel) {
  ZXP_LIST_FOREACH(it, &pages->mappings) {
    struct zxp_mapping* m = ZXP_CONTAINER_OF(it, struct zxp_mapping, pages_link);
    if (address - m->base < zxp_mapping_length(m) && m->channel == channel) {
      return m;
    }
  }
  return NULL;
}

static struct zxp_mapping* find_below(struct zxp_pages* node, uintptr_t address,
                                      const struct zxp_channel* channel) {
  struct zxp_mapping* m = zxp_mapping_at_locked(node, address, channel);
  ZXP_LIST_FOREACH(it, &node->children) {
    if (m != NULL) {
      break;
    }
    m = find_below(ZXP_CONTAINER_OF(it, struct zxp_pages, sibling), address, channel);
  }
  return m;
}

struct zxp_mapping* zxp_mapping_in_tree_locked(struct zxp_pages* pages, uintptr_t address,
                                               const struct zxp_channel* channel) {
  while (pages->parent != NULL) {
    pages = pages->parent;
  }
  return find_below(pages, address, channel);
}

zx_status_t zxp_mapping_resized_locked(struct zxp_mapping* m, uint64_t first, uint64_t end,
                                       uint64_t new_size) {
  uintptr_t address;
  uint64_t clip_first;
  uint64_t clip_count;
  if (!zxp_mapping_clip_locked(m, first, end - first, &address, &clip_first, &clip_count)) {
    return ZX_OK;
  }
  const bool inside = clip_first < min_u64(new_size >> ZXP_PAGE_SHIFT, m->end_page);
  return establish_locked(m, clip_first - m->first_page, clip_count, inside);
}

bool zxp_mapping_cover_locked(struct zxp_mapping* m, uintptr_t address) {
  const int prot = prot_of(zxp_mapping_perms(m, (address - m->base) >> ZXP_PAGE_SHIFT, NULL));
  return area_map(address, ZXP_PAGE_SIZE, prot, zxp_arena.void_fd, 0) == ZX_OK;
}

void zxp_mapping_uncover_locked(struct zxp_mapping* m, uintptr_t address) {
  const uint64_t page = (address - m->base) >> ZXP_PAGE_SHIFT;
  const bool inside = m->first_page + page < m->pages->size >> ZXP_PAGE_SHIFT;
  if (establish_locked(m, page, 1, inside) != ZX_OK) {
    /* Stays covered: its accesses fail, which is what failed pages do. */
    ZXP_LOG(ZXP_TOPIC_MAP, 1, "page at %p could not be put back", (void*)address);
  }
}
