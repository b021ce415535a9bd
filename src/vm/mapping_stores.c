/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stores through mappings that the kernel notes by itself: taking note of them, stopping them,
 * making them trap.
 *
 * Where it matters that no store falls between looking and what follows (pages are dropped, areas
 * are replaced), stores are stopped first: every touch becomes a message then, which nobody answers
 * before the tree lock is free. An area that has been stopped has to be replaced.
 */
#include "base/log.h"
#include "fault/channel_private.h"
#include "fault/page_scan.h"
#include "fault/uffd.h"
#include "vm/mapping_private.h"

bool zxp_mapping_is_async(const struct zxp_mapping* m) {
  return m->channel != NULL && zxp_channel_is_async(m->channel);
}

void zxp_mapping_scan_locked(struct zxp_mapping* m, uint64_t first, uint64_t count,
                             enum zxp_scan_kind kind, zxp_scan_visit* visit, void* context) {
  uintptr_t address;
  ZXP_ASSERT_HELD(&m->pages->tree->lock);
  if (zxp_mapping_clip_locked(m, first, count, &address, &first, &count)) {
    zxp_scan(address, count << ZXP_PAGE_SHIFT, kind, visit, context);
  }
}

void zxp_mapping_resume_locked(struct zxp_mapping* m, uint64_t first, uint64_t count) {
  uintptr_t address;
  if (!zxp_mapping_is_async(m) ||
      !zxp_mapping_clip_locked(m, first, count, &address, &first, &count)) {
    return;
  }
  const uint64_t size = zxp_mapping_size_locked(m);
  const uint64_t page = first - m->first_page;
  if (zxp_mapping_establish_locked(m, page, count, size, ZXP_PLACE_IN_USE) != ZX_OK) {
    zxp_aspace_lend_spares();
    if (zxp_mapping_establish_locked(m, page, count, size, ZXP_PLACE_IN_USE) != ZX_OK) {
      ZXP_LOG(ZXP_TOPIC_MAP, 1, "areas at %p could not be put back", (void*)address);
    }
  }
  zxp_aspace_stock_spares();
}

zx_status_t zxp_mapping_settle_locked(struct zxp_mapping* m, uint64_t first, uint64_t count) {
  uintptr_t address;
  ZXP_ASSERT_HELD(&m->pages->tree->lock);
  if (!zxp_mapping_is_async(m) ||
      !zxp_mapping_clip_locked(m, first, count, &address, &first, &count)) {
    return ZX_OK;
  }
  zx_status_t st = zxp_uffd_stop(m->channel->uffd, address, count << ZXP_PAGE_SHIFT);
  if (st == ZX_OK) {
    st = zxp_pages_harvest_mapping_locked(m, first, count);
  }
  if (st != ZX_OK) {
    zxp_mapping_resume_locked(m, first, count);
  }
  return st;
}

zx_status_t zxp_mapping_trap_stores_locked(struct zxp_mapping* m) {
  ZXP_ASSERT_HELD(&m->pages->tree->lock);
  zx_status_t st = zxp_mapping_settle_locked(m, m->first_page, m->pages_count);
  if (st != ZX_OK || !zxp_mapping_is_async(m)) {
    return st;
  }
  /* Both are one thing for references. */
  struct zxp_channel* const async = m->channel;
  m->channel = async->main;
  const uint64_t size = zxp_mapping_size_locked(m);
  st = zxp_mapping_establish_locked(m, 0, m->pages_count, size, ZXP_PLACE_IN_USE);
  if (st != ZX_OK) {
    m->channel = async;
    zxp_mapping_resume_locked(m, m->first_page, m->pages_count);
  }
  return st;
}
