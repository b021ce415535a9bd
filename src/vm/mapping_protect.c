/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changing the current permissions of a part of a mapping.
 *
 * Marks of write protection stay through mprotect, so a page that is not dirty still traps after it
 * has become writable, and that of a mapping made read-only in between is as it was.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/log.h"
#include "vm/mapping_private.h"

/* Appends, or widens the last run if it says the same. */
static uint32_t append(struct zxp_perm_run* to, uint32_t n, uint64_t first, uint32_t perms) {
  if (n > 0 && to[n - 1].perms == perms) {
    return n;
  }
  to[n] = (struct zxp_perm_run){.first = first, .perms = perms};
  return n + 1;
}

zx_status_t zxp_protect_prepare(struct zxp_protect* p, struct zxp_mapping* m, uint64_t first,
                                uint64_t count, uint32_t perms) {
  const uint64_t end = first + count;
  /* One change adds two boundaries at most. */
  struct zxp_perm_run* runs = malloc((m->runs_count + 2) * sizeof *runs);
  if (runs == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  uint32_t n = 0;
  for (uint64_t page = 0; page < m->pages_count;) {
    uint64_t run_end;
    const uint32_t old = zxp_mapping_perms(m, page, &run_end);
    const bool inside = page >= first && page < end;
    n = append(runs, n, page, inside ? perms : old);
    if (page < first && run_end > first) {
      run_end = first;
    } else if (inside && run_end > end) {
      run_end = end;
    }
    page = run_end;
  }
  *p = (struct zxp_protect){
      .mapping = m, .first = first, .count = count, .runs = runs, .runs_count = n};
  return ZX_OK;
}

/* Exchanges the runs of the mapping for those kept. Tree lock held. */
static void swap_runs_locked(struct zxp_protect* p) {
  struct zxp_mapping* m = p->mapping;
  struct zxp_perm_run* const runs = m->runs;
  const uint32_t n = m->runs_count;
  m->runs = p->runs;
  m->runs_count = p->runs_count;
  p->runs = runs;
  p->runs_count = n;
}

/* Brings the areas of the part into line with the runs. */
static int protect_areas_locked(const struct zxp_protect* p) {
  const struct zxp_mapping* m = p->mapping;
  for (uint64_t page = p->first, end = p->first + p->count; page < end;) {
    uint64_t run_end;
    const int prot = zxp_prot_of(zxp_mapping_perms(m, page, &run_end));
    const uint64_t n = (run_end < end ? run_end : end) - page;
    if (mprotect((void*)(m->base + (page << ZXP_PAGE_SHIFT)), n << ZXP_PAGE_SHIFT, prot) != 0) {
      return errno;
    }
    page += n;
  }
  return 0;
}

/* The old runs are those of the mapping again. */
static void restore_areas_locked(const struct zxp_protect* p) {
  void* const at = (void*)(p->mapping->base + (p->first << ZXP_PAGE_SHIFT));
  const size_t length = p->count << ZXP_PAGE_SHIFT;
  zxp_aspace_lend_spares();
  if (protect_areas_locked(p) != 0) {
    ZXP_LOG(ZXP_TOPIC_MAP, 1, "permissions at %p could not be put back", at);
  }
  /* A call that fails may leave an area cut in two that are alike (Linux 6.18). A change that
   * nobody notices, made and unmade, joins them. */
  madvise(at, length, MADV_DONTDUMP);
  madvise(at, length, MADV_DODUMP);
}

zx_status_t zxp_protect_apply(struct zxp_protect* p) {
  zx_status_t st = ZX_OK;
  zxp_pages_lock(p->mapping->pages);
  swap_runs_locked(p);
  const int error = protect_areas_locked(p);
  if (error != 0) {
    /* The call stops at the area that it cannot change; those before it have changed. */
    st = zxp_status_of_mmap(error);
    swap_runs_locked(p);
    restore_areas_locked(p);
  }
  zxp_pages_unlock(p->mapping->pages);
  return st;
}

void zxp_protect_revert(struct zxp_protect* p) {
  zxp_pages_lock(p->mapping->pages);
  swap_runs_locked(p);
  restore_areas_locked(p);
  zxp_pages_unlock(p->mapping->pages);
}
