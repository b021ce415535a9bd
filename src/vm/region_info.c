/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Info topics about regions, maps and the memory of the process: docs/semantics/vmar.md 10.
 *
 * The tree is walked with aspace.lock held for reading, and each VMO looked at under its tree lock
 * in turn, so that a list is right about places, and about each VMO by itself.
 */
#include <string.h>

#include "object/handle.h"
#include "object/info.h"
#include "vm/cow.h"
#include "vm/region_private.h"

zx_status_t zxp_region_get_info(struct zxp_object* object, zx_info_vmar_t* out) {
  const struct zxp_region* r = zxp_region_of(object);
  out->base = r->base;
  out->len = r->size;
  return ZX_OK;
}

/* ---- Maps ---- */

/* Adds an entry to a list of one of the versions. */
typedef void (*add_maps)(struct zxp_info_list* list, const zx_info_maps_t* entry);

static void add_v3(struct zxp_info_list* list, const zx_info_maps_t* entry) {
  zxp_info_list_add(list, entry);
}

/* The older records have the same front, and count pages. */
static void add_v2(struct zxp_info_list* list, const zx_info_maps_t* entry) {
  zx_info_maps_v2_t old = {0};
  memcpy(&old, entry, offsetof(zx_info_maps_v2_t, u));
  old.u.mapping.mmu_flags = entry->u.mapping.mmu_flags;
  old.u.mapping.vmo_koid = entry->u.mapping.vmo_koid;
  old.u.mapping.vmo_offset = entry->u.mapping.vmo_offset;
  old.u.mapping.committed_pages = entry->u.mapping.committed_bytes >> ZXP_PAGE_SHIFT;
  old.u.mapping.populated_pages = entry->u.mapping.populated_bytes >> ZXP_PAGE_SHIFT;
  zxp_info_list_add(list, &old);
}

static void add_v1(struct zxp_info_list* list, const zx_info_maps_t* entry) {
  zx_info_maps_v1_t old = {0};
  memcpy(&old, entry, offsetof(zx_info_maps_v1_t, u));
  old.u.mapping.mmu_flags = entry->u.mapping.mmu_flags;
  old.u.mapping.vmo_koid = entry->u.mapping.vmo_koid;
  old.u.mapping.vmo_offset = entry->u.mapping.vmo_offset;
  old.u.mapping.committed_pages = entry->u.mapping.committed_bytes >> ZXP_PAGE_SHIFT;
  zxp_info_list_add(list, &old);
}
_Static_assert(offsetof(zx_info_maps_t, u) == offsetof(zx_info_maps_v2_t, u), "ABI");
_Static_assert(offsetof(zx_info_maps_t, u) == offsetof(zx_info_maps_v1_t, u), "ABI");

/* What the VMO answers for behind pages of the mapping: nothing, if it only shows those of
 * another. */
static zx_status_t memory_locked(const struct zxp_mapping* m, uint64_t first, uint64_t count,
                                 struct zxp_cow_memory* out) {
  struct zxp_pages* pages = m->pages;
  const uint64_t size = pages->size >> ZXP_PAGE_SHIFT;
  const uint64_t page = m->first_page + first;
  const uint64_t end = page + count < size ? page + count : size;
  *out = (struct zxp_cow_memory){0};
  if (m->vmo->slice || m->vmo->reference || page >= end) {
    return ZX_OK;
  }
  const zx_status_t st = zxp_pages_harvest_locked(pages, page, end - page);
  zxp_cow_memory_locked(pages, page, end - page, out);
  return st;
}

/* One entry for each run of equal permissions (10.2). */
static zx_status_t list_mapping(const struct zxp_mapping* m, size_t depth,
                                struct zxp_info_list* list, add_maps add) {
  zx_status_t st = ZX_OK;
  zxp_pages_lock(m->pages);
  for (uint64_t page = 0; st == ZX_OK && page < m->pages_count;) {
    uint64_t end;
    struct zxp_cow_memory memory;
    const uint32_t perms = zxp_mapping_perms(m, page, &end);
    st = memory_locked(m, page, end - page, &memory);
    zx_info_maps_t entry = {
        .base = m->base + (page << ZXP_PAGE_SHIFT),
        .size = (end - page) << ZXP_PAGE_SHIFT,
        .depth = depth,
        .type = ZX_INFO_MAPS_TYPE_MAPPING,
        .u.mapping =
            {
                .mmu_flags = perms,
                .vmo_koid = m->vmo->object.koid,
                .vmo_offset = zxp_mapping_vmo_offset(m, page),
                .committed_bytes = memory.committed,
                .populated_bytes = memory.committed,
                .committed_private_bytes = memory.private_bytes,
                .populated_private_bytes = memory.private_bytes,
                .committed_scaled_bytes = memory.scaled,
                .populated_scaled_bytes = memory.scaled,
                .committed_fractional_scaled_bytes = memory.scaled_fraction,
                .populated_fractional_scaled_bytes = memory.scaled_fraction,
            },
    };
    memcpy(entry.name, m->vmo->name, sizeof entry.name);
    add(list, &entry);
    page = end;
  }
  zxp_pages_unlock(m->pages);
  return st;
}

/* The region and everything below, the region itself at `depth`. */
static zx_status_t list_region(struct zxp_region* top, size_t depth, struct zxp_info_list* list,
                               add_maps add) {
  zx_status_t st = ZX_OK;
  for (struct zxp_vm_node* n = &top->node; n != NULL && st == ZX_OK;
       n = zxp_region_walk(top, n, &depth)) {
    if (n->is_region) {
      const struct zxp_region* r = zxp_region_of_node(n);
      const zx_info_maps_t entry = {
          .base = r->base,
          .size = r->size,
          .depth = depth,
          .type = ZX_INFO_MAPS_TYPE_VMAR,
      };
      add(list, &entry);
    } else {
      st = list_mapping(zxp_mapping_of_node(n), depth, list, add);
    }
  }
  return st;
}

static zx_status_t list_vmar_maps(struct zxp_object* object, struct zxp_info_list* list) {
  struct zxp_region* r = zxp_region_of(object);
  zxp_rwlock_read(&zxp_aspace.lock);
  const zx_status_t st = r->alive ? list_region(r, 0, list, add_v3) : ZX_ERR_BAD_STATE;
  zxp_rwlock_unlock(&zxp_aspace.lock);
  return st;
}

static zx_status_t list_process_maps(struct zxp_info_list* list, add_maps add) {
  struct zxp_region* root;
  zx_status_t st = zxp_region_root(&root);
  if (st != ZX_OK) {
    return st;
  }
  const zx_info_maps_t entry = {
      .base = zxp_aspace.base,
      .size = zxp_aspace.size,
      .type = ZX_INFO_MAPS_TYPE_ASPACE,
  };
  add(list, &entry);
  zxp_rwlock_read(&zxp_aspace.lock);
  st = list_region(root, 1, list, add);
  zxp_rwlock_unlock(&zxp_aspace.lock);
  return st;
}

static zx_status_t list_process_maps_v1(struct zxp_object* object, struct zxp_info_list* list) {
  (void)object;
  return list_process_maps(list, add_v1);
}

static zx_status_t list_process_maps_v2(struct zxp_object* object, struct zxp_info_list* list) {
  (void)object;
  return list_process_maps(list, add_v2);
}

static zx_status_t list_process_maps_v3(struct zxp_object* object, struct zxp_info_list* list) {
  (void)object;
  return list_process_maps(list, add_v3);
}

const struct zxp_info_topic zxp_info_vmar_maps = {
    .topic = ZX_INFO_VMAR_MAPS,
    .type = ZX_OBJ_TYPE_VMAR,
    .rights = ZX_RIGHT_INSPECT,
    .record_size = sizeof(zx_info_maps_t),
    .list = list_vmar_maps,
};

const struct zxp_info_topic zxp_info_process_maps_v1 = {
    .topic = ZX_INFO_PROCESS_MAPS_V1,
    .type = ZX_OBJ_TYPE_PROCESS,
    .rights = ZX_RIGHT_INSPECT,
    .record_size = sizeof(zx_info_maps_v1_t),
    .list = list_process_maps_v1,
};

const struct zxp_info_topic zxp_info_process_maps_v2 = {
    .topic = ZX_INFO_PROCESS_MAPS_V2,
    .type = ZX_OBJ_TYPE_PROCESS,
    .rights = ZX_RIGHT_INSPECT,
    .record_size = sizeof(zx_info_maps_v2_t),
    .list = list_process_maps_v2,
};

const struct zxp_info_topic zxp_info_process_maps = {
    .topic = ZX_INFO_PROCESS_MAPS,
    .type = ZX_OBJ_TYPE_PROCESS,
    .rights = ZX_RIGHT_INSPECT,
    .record_size = sizeof(zx_info_maps_t),
    .list = list_process_maps_v3,
};

/* ---- VMOs ---- */

struct vmo_list {
  struct zxp_info_list* list;
  zx_status_t status;
};

/* The older records are the front of the newest, and the list copies as much as a record of it
 * has. */
static void add_vmo(struct vmo_list* to, struct zxp_vmo* vmo, zx_rights_t rights, uint32_t via) {
  zx_info_vmo_t info;
  const zx_status_t st = zxp_vmo_get_info(&vmo->object, rights, &info);
  if (st != ZX_OK) {
    to->status = st;
    return;
  }
  info.flags = (info.flags & ~ZX_INFO_VMO_VIA_HANDLE) | via;
  zxp_info_list_add(to->list, &info);
}

static void add_handle(void* context, zx_handle_t handle, struct zxp_object* object,
                       zx_rights_t rights) {
  (void)handle;
  if (object->ops->type == ZX_OBJ_TYPE_VMO) {
    add_vmo(context, zxp_vmo_of(object), rights, ZX_INFO_VMO_VIA_HANDLE);
  }
}

static zx_status_t list_process_vmos(struct zxp_object* object, struct zxp_info_list* list) {
  struct vmo_list to = {.list = list, .status = ZX_OK};
  struct zxp_region* root;
  size_t depth = 0;
  (void)object;
  zxp_handle_for_each(add_handle, &to);
  if (zxp_region_root(&root) != ZX_OK) {
    return to.status; /* Without a window nothing is mapped. */
  }
  zxp_rwlock_read(&zxp_aspace.lock);
  for (struct zxp_vm_node* n = &root->node; n != NULL; n = zxp_region_walk(root, n, &depth)) {
    if (!n->is_region) {
      add_vmo(&to, zxp_mapping_of_node(n)->vmo, ZX_RIGHT_NONE, ZX_INFO_VMO_VIA_MAPPING);
    }
  }
  zxp_rwlock_unlock(&zxp_aspace.lock);
  return to.status;
}

const struct zxp_info_topic zxp_info_process_vmos_v1 = {
    .topic = ZX_INFO_PROCESS_VMOS_V1,
    .type = ZX_OBJ_TYPE_PROCESS,
    .rights = ZX_RIGHT_INSPECT,
    .record_size = sizeof(zx_info_vmo_v1_t),
    .list = list_process_vmos,
};

const struct zxp_info_topic zxp_info_process_vmos_v2 = {
    .topic = ZX_INFO_PROCESS_VMOS_V2,
    .type = ZX_OBJ_TYPE_PROCESS,
    .rights = ZX_RIGHT_INSPECT,
    .record_size = sizeof(zx_info_vmo_v2_t),
    .list = list_process_vmos,
};

const struct zxp_info_topic zxp_info_process_vmos_v3 = {
    .topic = ZX_INFO_PROCESS_VMOS_V3,
    .type = ZX_OBJ_TYPE_PROCESS,
    .rights = ZX_RIGHT_INSPECT,
    .record_size = sizeof(zx_info_vmo_v3_t),
    .list = list_process_vmos,
};

const struct zxp_info_topic zxp_info_process_vmos = {
    .topic = ZX_INFO_PROCESS_VMOS,
    .type = ZX_OBJ_TYPE_PROCESS,
    .rights = ZX_RIGHT_INSPECT,
    .record_size = sizeof(zx_info_vmo_t),
    .list = list_process_vmos,
};

/* ---- Totals ---- */

static zx_status_t get_task_stats(struct zxp_object* object, zx_rights_t handle_rights,
                                  void* record) {
  zx_info_task_stats_v1_t* stats = record; /* zero at first; the newer record goes on with zeros */
  struct zxp_region* root;
  size_t depth = 0;
  (void)object;
  (void)handle_rights;
  zx_status_t st = zxp_region_root(&root);
  if (st != ZX_OK) {
    return st;
  }
  zxp_rwlock_read(&zxp_aspace.lock);
  for (struct zxp_vm_node* n = &root->node; n != NULL && st == ZX_OK;
       n = zxp_region_walk(root, n, &depth)) {
    if (!n->is_region) {
      const struct zxp_mapping* m = zxp_mapping_of_node(n);
      struct zxp_cow_memory memory;
      zxp_pages_lock(m->pages);
      st = memory_locked(m, 0, m->pages_count, &memory);
      zxp_pages_unlock(m->pages);
      stats->mem_mapped_bytes += zxp_mapping_length(m);
      stats->mem_private_bytes += memory.committed;
    }
  }
  zxp_rwlock_unlock(&zxp_aspace.lock);
  return st;
}
_Static_assert(offsetof(zx_info_task_stats_t, mem_private_bytes) ==
                   offsetof(zx_info_task_stats_v1_t, mem_private_bytes),
               "ABI");

const struct zxp_info_topic zxp_info_task_stats_v1 = {
    .topic = ZX_INFO_TASK_STATS_V1,
    .type = ZX_OBJ_TYPE_PROCESS,
    .rights = ZX_RIGHT_INSPECT,
    .record_size = sizeof(zx_info_task_stats_v1_t),
    .get = get_task_stats,
};

const struct zxp_info_topic zxp_info_task_stats = {
    .topic = ZX_INFO_TASK_STATS,
    .type = ZX_OBJ_TYPE_PROCESS,
    .rights = ZX_RIGHT_INSPECT,
    .record_size = sizeof(zx_info_task_stats_t),
    .get = get_task_stats,
};
