/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ZX_INFO_VMO in its four versions (docs/semantics/vmo.md 14).
 */
#include <string.h>

#include "object/info.h"
#include "vm/cow.h"
#include "vm/page_source.h"
#include "vm/vmo.h"

zx_status_t zxp_vmo_get_info(struct zxp_object* object, zx_rights_t rights, zx_info_vmo_t* out) {
  struct zxp_vmo* vmo = zxp_vmo_of(object);
  struct zxp_pages* pages = vmo->pages;
  memset(out, 0, sizeof *out);
  zxp_pages_lock(pages);
  const zx_status_t st = zxp_pages_harvest_locked(pages, 0, pages->size >> ZXP_PAGE_SHIFT);
  struct zxp_cow_memory memory = {0};
  if (!vmo->slice && !vmo->reference) {
    zxp_cow_memory_locked(pages, 0, pages->size >> ZXP_PAGE_SHIFT, &memory);
  }
  out->koid = object->koid;
  memcpy(out->name, vmo->name, sizeof out->name);
  out->size_bytes = vmo->slice ? vmo->window_size : pages->size;
  out->parent_koid = vmo->parent != NULL ? vmo->parent->object.koid : 0;
  out->num_children = vmo->num_children;
  out->num_mappings = vmo->num_mappings;
  out->share_count = 1;
  out->flags = ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_VIA_HANDLE |
               (pages->resizable ? ZX_INFO_VMO_RESIZABLE : 0) |
               (pages->root_source != NULL ? ZX_INFO_VMO_PAGER_BACKED : 0) |
               (vmo->cow_child && vmo->parent != NULL ? ZX_INFO_VMO_IS_COW_CLONE : 0) |
               (vmo->immutable ? ZX_INFO_VMO_IMMUTABLE : 0) |
               ((vmo->options & ZX_VMO_DISCARDABLE) != 0 ? ZX_INFO_VMO_DISCARDABLE : 0);
  out->committed_bytes = out->populated_bytes = memory.committed;
  out->committed_private_bytes = out->populated_private_bytes = memory.private_bytes;
  out->committed_scaled_bytes = out->populated_scaled_bytes = memory.scaled;
  out->committed_fractional_scaled_bytes = memory.scaled_fraction;
  out->populated_fractional_scaled_bytes = memory.scaled_fraction;
  out->handle_rights = rights;
  out->cache_policy = atomic_load_explicit(&vmo->cache_policy, memory_order_relaxed);
  out->metadata_bytes =
      zxp_page_map_metadata_bytes(&pages->map) +
      (memory.committed > 0 ? zxp_extents_metadata_bytes(&pages->storage->extents) : 0);
  zxp_pages_unlock(pages);
  return st;
}

/* Each older record is the front of the newest. */
_Static_assert(offsetof(zx_info_vmo_t, metadata_bytes) == sizeof(zx_info_vmo_v1_t), "ABI");
_Static_assert(offsetof(zx_info_vmo_t, populated_bytes) == sizeof(zx_info_vmo_v2_t), "ABI");
_Static_assert(offsetof(zx_info_vmo_t, committed_private_bytes) == sizeof(zx_info_vmo_v3_t), "ABI");

static zx_status_t get_front(struct zxp_object* object, zx_rights_t rights, void* record,
                             size_t size) {
  zx_info_vmo_t info;
  const zx_status_t st = zxp_vmo_get_info(object, rights, &info);
  if (st == ZX_OK) {
    memcpy(record, &info, size);
  }
  return st;
}

static zx_status_t get_v1(struct zxp_object* object, zx_rights_t rights, void* record) {
  return get_front(object, rights, record, sizeof(zx_info_vmo_v1_t));
}

static zx_status_t get_v2(struct zxp_object* object, zx_rights_t rights, void* record) {
  return get_front(object, rights, record, sizeof(zx_info_vmo_v2_t));
}

static zx_status_t get_v3(struct zxp_object* object, zx_rights_t rights, void* record) {
  return get_front(object, rights, record, sizeof(zx_info_vmo_v3_t));
}

static zx_status_t get_newest(struct zxp_object* object, zx_rights_t rights, void* record) {
  return get_front(object, rights, record, sizeof(zx_info_vmo_t));
}

const struct zxp_info_topic zxp_info_vmo_v1 = {
    .topic = ZX_INFO_VMO_V1,
    .type = ZX_OBJ_TYPE_VMO,
    .record_size = sizeof(zx_info_vmo_v1_t),
    .get = get_v1,
};

const struct zxp_info_topic zxp_info_vmo_v2 = {
    .topic = ZX_INFO_VMO_V2,
    .type = ZX_OBJ_TYPE_VMO,
    .record_size = sizeof(zx_info_vmo_v2_t),
    .get = get_v2,
};

const struct zxp_info_topic zxp_info_vmo_v3 = {
    .topic = ZX_INFO_VMO_V3,
    .type = ZX_OBJ_TYPE_VMO,
    .record_size = sizeof(zx_info_vmo_v3_t),
    .get = get_v3,
};

const struct zxp_info_topic zxp_info_vmo = {
    .topic = ZX_INFO_VMO,
    .type = ZX_OBJ_TYPE_VMO,
    .record_size = sizeof(zx_info_vmo_t),
    .get = get_newest,
};
