/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zx_vmar_protect: docs/semantics/vmar.md 6.2. The range is walked twice: the first walk decides,
 * and prepares what each mapping will need; the second changes, and what has been changed is taken
 * back if it fails.
 */
#include <stdlib.h>

#include "vm/region_private.h"

struct plan {
  struct zxp_protect* list;
  size_t count;
  size_t capacity;
};

/* Whether a page of the range has fewer permissions than it would get. */
static bool would_gain(const struct zxp_mapping* m, uint64_t first, uint64_t count,
                       uint32_t perms) {
  for (uint64_t page = first; page < first + count;) {
    uint64_t run_end;
    if ((perms & ~zxp_mapping_perms(m, page, &run_end)) != 0) {
      return true;
    }
    page = run_end;
  }
  return false;
}

static zx_status_t plan_add(struct plan* plan, struct zxp_mapping* m, uint64_t first,
                            uint64_t count, uint32_t perms) {
  if (plan->count == plan->capacity) {
    const size_t capacity = plan->capacity * 2 + 2;
    struct zxp_protect* list = realloc(plan->list, capacity * sizeof *list);
    if (list == NULL) {
      return ZX_ERR_NO_MEMORY;
    }
    plan->list = list;
    plan->capacity = capacity;
  }
  const zx_status_t st = zxp_protect_prepare(&plan->list[plan->count], m, first, count, perms);
  plan->count += st == ZX_OK;
  return st;
}

/* Rows 6 to 9, upwards; memory that is lacking shows only where no row applies. */
static zx_status_t walk(struct zxp_region* r, uint32_t perms, uintptr_t address, uintptr_t end,
                        bool op_children, struct plan* plan) {
  zx_status_t memory = ZX_OK;
  while (address < end) {
    struct zxp_mapping* m = zxp_region_mapping_after(r, address);
    if (m == NULL || m->base > address) {
      return ZX_ERR_NOT_FOUND;
    }
    const uintptr_t m_end = zxp_mapping_end(m);
    const uint64_t first = (address - m->base) >> ZXP_PAGE_SHIFT;
    const uint64_t count = ((end < m_end ? end : m_end) - address) >> ZXP_PAGE_SHIFT;
    if ((perms & ~m->max_perms) != 0) {
      return ZX_ERR_ACCESS_DENIED;
    }
    if (m->node.parent != r) {
      if (!op_children) {
        return ZX_ERR_INVALID_ARGS;
      }
      if (would_gain(m, first, count, perms)) {
        return ZX_ERR_ACCESS_DENIED;
      }
    }
    if (memory == ZX_OK) {
      memory = plan_add(plan, m, first, count, perms);
    }
    address = m_end;
  }
  return memory;
}

static zx_status_t carry_out(struct plan* plan) {
  if (!zxp_aspace_stock_spares()) {
    return ZX_ERR_NO_MEMORY;
  }
  for (size_t i = 0; i < plan->count; i++) {
    const zx_status_t st = zxp_protect_apply(&plan->list[i]);
    if (st != ZX_OK) {
      while (i-- > 0) {
        zxp_protect_revert(&plan->list[i]);
      }
      zxp_aspace_stock_spares();
      return st;
    }
  }
  return ZX_OK;
}

zx_status_t zxp_region_protect(struct zxp_region* r, uint32_t perms, uintptr_t address,
                               uint64_t length, bool op_children) {
  struct plan plan = {0};
  zx_status_t st;
  if ((address & ZXP_PAGE_MASK) != 0 || length + ZXP_PAGE_MASK <= ZXP_PAGE_MASK) {
    return ZX_ERR_INVALID_ARGS;
  }
  zxp_rwlock_write(&zxp_aspace.lock);
  const uintptr_t end = zxp_region_range_end(r, address, length);
  if (!r->alive) {
    st = ZX_ERR_BAD_STATE;
  } else if (end == 0) {
    st = ZX_ERR_INVALID_ARGS;
  } else {
    st = walk(r, perms, address, end, op_children, &plan);
  }
  if (st == ZX_OK) {
    st = carry_out(&plan);
  }
  zxp_rwlock_unlock(&zxp_aspace.lock);
  for (size_t i = 0; i < plan.count; i++) {
    free(plan.list[i].runs);
  }
  free(plan.list);
  return st;
}
