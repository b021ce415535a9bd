/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zx_pager_supply_pages (docs/semantics/pager.md 3.4, 7) and ZX_PAGER_OP_FAIL (6).
 *
 * Zircon moves pages; here bytes are copied and the source is emptied. The copy goes by UFFDIO_COPY
 * through a mapping of the root where there is one, which fills the page, maps it write-protected
 * and wakes its waiters in one system call; else by a write to the arena.
 */
#include <string.h>

#include "base/stats.h"
#include "fault/channel_private.h"
#include "fault/handoff.h"
#include "fault/uffd.h"
#include "vm/cow.h"
#include "vm/mapping.h"
#include "vm/page_source.h"
#include "vm/pager.h"

/* Pages copied before the source is cleared behind them: while they are in the cache still. */
#define CHUNK 64

/* Pages whose copy is quick enough for handing the core over with it. Longer ones wake afterwards,
 * in a call of its own. */
#define HASTY_MAX 16

/* The mapping through which to fill [page, page + count): one that shows `page`; how much of the
 * run. */
static struct zxp_mapping* filling_mapping(struct zxp_pages* root, uint64_t page, uint64_t count,
                                           uintptr_t* address, uint64_t* run) {
  ZXP_LIST_FOREACH(it, &root->mappings) {
    struct zxp_mapping* m = ZXP_CONTAINER_OF(it, struct zxp_mapping, pages_link);
    uint64_t clip_first;
    if (m->channel != NULL && zxp_mapping_clip_locked(m, page, count, address, &clip_first, run) &&
        clip_first == page) {
      return m;
    }
  }
  return NULL;
}

/* UFFDIO_COPY, and whoever waits for the pages goes on. */
static uint64_t copy_and_wake(struct zxp_pages* root, struct zxp_mapping* m, uintptr_t address,
                              const unsigned char* from, uint64_t count) {
  const int uffd = m->channel->uffd;
  const uint64_t length = count << ZXP_PAGE_SHIFT;
  uint64_t filled = 0;
  if (!zxp_handoff_on() || zxp_request_none(&root->source->requests, ZXP_REQUEST_READ)) {
    zxp_uffd_copy(uffd, address, from, length, ZXP_UFFD_COPY_PROTECTED, &filled);
  } else if (count <= HASTY_MAX) {
    zxp_handoff_begin();
    zxp_uffd_copy(uffd, address, from, length, ZXP_UFFD_COPY_PROTECTED, &filled);
    zxp_handoff_end();
  } else {
    zxp_uffd_copy(uffd, address, from, length, ZXP_UFFD_COPY_PROTECTED | ZXP_UFFD_COPY_WITHOUT_WAKE,
                  &filled);
    zxp_handoff_begin();
    zxp_uffd_wake(uffd, address, length);
    zxp_handoff_end();
  }
  return filled;
}

/*
 * Fills EMPTY pages of the root, all in one extent, from `from`. Write protection is in place in
 * every mapping before the page is there. Waiters of the mapping that was filled through are awake
 * afterwards, which the source is told.
 */
static zx_status_t fill_locked(struct zxp_pages* root, uint64_t page, uint64_t arena_page,
                               const unsigned char* from, uint64_t count) {
  while (count > 0) {
    uintptr_t address = 0;
    uint64_t n = count;
    struct zxp_mapping* m = filling_mapping(root, page, count, &address, &n);
    if (m == NULL) {
      n = count;
    }
    /* The list is a ring, so no link is null, which the analyzer can't know. */
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    ZXP_LIST_FOREACH(it, &root->mappings) {
      struct zxp_mapping* other = ZXP_CONTAINER_OF(it, struct zxp_mapping, pages_link);
      if (other != m) {
        zxp_mapping_write_protect_locked(other, page, n, true);
      }
    }
    uint64_t filled = 0;
    if (m != NULL) {
      const uint64_t bytes = copy_and_wake(root, m, address, from, n);
      filled = bytes >> ZXP_PAGE_SHIFT;
      if (filled > 0 && root->source->woken_channel == NULL) {
        root->source->woken_channel = m->channel;
        root->source->woken_from = address;
        root->source->woken_to = address + bytes;
      } else if (filled > 0 && root->source->woken_channel == m->channel &&
                 root->source->woken_to == address) {
        root->source->woken_to += bytes;
      }
    }
    if (filled < n) {
      /* No mapping; or the kernel declined, say because a page is there already. */
      if (m != NULL) {
        zxp_mapping_write_protect_locked(m, page + filled, n - filled, true);
      }
      const zx_status_t st =
          zxp_arena_write(arena_page + filled, from + (filled << ZXP_PAGE_SHIFT), n - filled);
      if (st != ZX_OK) {
        return st;
      }
    }
    page += n;
    arena_page += n;
    from += n << ZXP_PAGE_SHIFT;
    count -= n;
  }
  return ZX_OK;
}

/* Supplies one run of EMPTY pages from source pages, which read as zeros afterwards (7.1), and says
 * how far it got. */
static zx_status_t supply_run_locked(struct zxp_pages* root, uint64_t page, uint64_t count,
                                     struct zxp_pages* aux, uint64_t aux_page, uint64_t* supplied) {
  zx_status_t st = zxp_pages_reserve_locked(root, page, count);
  uint64_t done = 0;
  while (st == ZX_OK && done < count) {
    struct zxp_view v;
    zxp_cow_look_locked(aux, aux_page + done, count - done, &v);
    uint64_t n = v.count < CHUNK ? v.count : CHUNK;
    enum zxp_page_state state = ZXP_PAGE_MARKER;
    if (v.content == ZXP_CONTENT_ABSENT) {
      st = ZX_ERR_BAD_STATE; /* Fetched before the locks were taken, and gone again. */
      break;
    }
    if (v.content == ZXP_CONTENT_BYTES) {
      uint64_t to = 0;
      const bool have_to = zxp_extents_find(&root->storage->extents, page + done, n, &to, &n);
      ZXP_ASSERT(have_to);
      st = fill_locked(root, page + done, to, zxp_arena_view(v.arena_page), n);
      state = ZXP_PAGE_CLEAN;
    }
    if (st == ZX_OK) {
      st = zxp_page_map_set(&root->map, page + done, n, state);
    }
    if (st == ZX_OK) {
      st = zxp_pages_take_locked(aux, aux_page + done, n);
      done += n;
    }
  }
  *supplied = done;
  return st;
}

/* `offset` counts in the pages; a slice ends where its window does. */
static bool aux_inside_locked(const struct zxp_vmo* aux, uint64_t offset, uint64_t length) {
  const uint64_t end = aux->slice ? aux->window_offset + aux->window_size : aux->pages->size;
  return offset >= aux->window_offset && offset <= end && length <= end - offset;
}

zx_status_t zxp_pager_supply(struct zxp_pages* root, uint64_t offset, uint64_t length,
                             struct zxp_vmo* aux_vmo, uint64_t aux_offset) {
  struct zxp_pages* aux = aux_vmo->pages;
  struct zxp_source* s = root->source;
  const uint64_t first = offset >> ZXP_PAGE_SHIFT;
  const uint64_t count = length >> ZXP_PAGE_SHIFT;
  zx_status_t st = ZX_OK;

  if (aux->source == NULL && zxp_pages_root_source(aux) != NULL && length > 0) {
    /* A child of a pager root as the source gives what it sees, which may have to be asked for. */
    st = zxp_vmo_op_range(aux_vmo, ZX_VMO_OP_PREFETCH, aux_offset, length);
    if (st != ZX_OK) {
      return st;
    }
  }
  aux_offset += aux_vmo->window_offset;
  zxp_biased_lock_pair(&root->tree->lock, &aux->tree->lock);
  const uint64_t aux_first = aux_offset >> ZXP_PAGE_SHIFT;
  if (!aux_inside_locked(aux_vmo, aux_offset, length)) {
    st = ZX_ERR_OUT_OF_RANGE;
  } else if (aux->source != NULL) {
    st = ZX_ERR_NOT_SUPPORTED;
  } else if (offset > root->size || length > root->size - offset) {
    st = ZX_ERR_OUT_OF_RANGE;
  } else if (!zxp_source_attached_locked(s)) {
    st = ZX_ERR_BAD_STATE;
  } else {
    st = zxp_pages_harvest_locked(aux, aux_first, count);
  }
  for (uint64_t done = 0; st == ZX_OK && done < count;) {
    enum zxp_page_state state;
    uint64_t run = zxp_page_map_run(&root->map, first + done, count - done, &state);
    if (state == ZXP_PAGE_EMPTY) {
      uint64_t supplied = 0;
      s->woken_channel = NULL;
      st = supply_run_locked(root, first + done, run, aux, aux_first + done, &supplied);
      if (supplied > 0) {
        ZXP_COUNT(supplied_pages, supplied);
        zxp_request_answered(&s->requests, ZXP_REQUEST_READ, first + done, supplied);
      }
      s->woken_channel = NULL;
    } else {
      /* Pages that were not used go too (7.1). */
      st = zxp_pages_take_locked(aux, aux_first + done, run);
    }
    done += run;
  }
  zxp_biased_unlock_pair(&root->tree->lock, &aux->tree->lock);
  return st;
}

zx_status_t zxp_pager_fail(struct zxp_pages* root, uint64_t offset, uint64_t length,
                           zx_status_t status) {
  zx_status_t st = ZX_OK;
  zxp_pages_lock(root);
  if (offset > root->size || length > root->size - offset) {
    st = ZX_ERR_OUT_OF_RANGE;
  } else if (!zxp_source_attached_locked(root->source)) {
    st = ZX_ERR_BAD_STATE;
  } else if (length > 0) {
    zxp_request_fail(&root->source->requests, offset >> ZXP_PAGE_SHIFT, length >> ZXP_PAGE_SHIFT,
                     status);
  }
  zxp_pages_unlock(root);
  return st;
}
