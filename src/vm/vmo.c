/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm/vmo.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "vm/page_source.h"

/* ---- All VMOs, for dumps ---- */

static struct zxp_mutex all_lock = ZXP_MUTEX_INITIALIZER(ZXP_RANK_LEAF);
static struct zxp_list all = {&all, &all}; /* guarded by all_lock */

bool zxp_vmo_try_for_each(void (*visit)(void* context, struct zxp_vmo* vmo), void* context) {
  /* Objects leave the list before they are taken apart, so all that are on it are whole. */
  if (!zxp_mutex_try_lock(&all_lock)) {
    return false;
  }
  ZXP_LIST_FOREACH(it, &all) { visit(context, ZXP_CONTAINER_OF(it, struct zxp_vmo, all_link)); }
  zxp_mutex_unlock(&all_lock);
  return true;
}

/* ---- Memory ---- */

/*
 * A VMO without parent with all that belongs to it. The four mostly end together, and one piece of
 * memory is made and given back faster than four; in a tree some live on, and the memory with them.
 */
struct zxp_vmo_block {
  atomic_uint parts; /* that have not ended */
  struct zxp_vmo vmo;
  struct zxp_pages pages;
  struct zxp_storage storage;
  struct zxp_vmo_tree tree;
};

#define PARTS 4

/* Frees a part of a VMO. */
static void give_back(void* part, struct zxp_vmo_block* block) {
  if (block == NULL) {
    free(part);
  } else if (atomic_fetch_sub_explicit(&block->parts, 1, memory_order_acq_rel) == 1) {
    free(block);
  }
}

/* ---- Life ---- */

static void tree_init(struct zxp_vmo_tree* tree) {
  zxp_biased_init(&tree->lock, ZXP_RANK_TREE);
  atomic_init(&tree->refs, 0); /* the pages will hold it */
}

void zxp_vmo_tree_put(struct zxp_vmo_tree* tree) {
  if (atomic_fetch_sub_explicit(&tree->refs, 1, memory_order_acq_rel) == 1) {
    give_back(tree, tree->block);
  }
}

zx_status_t zxp_vmo_round_size(uint64_t size, uint64_t* rounded) {
  if (size > ZXP_VMO_MAX_SIZE) {
    return ZX_ERR_OUT_OF_RANGE;
  }
  *rounded = (size + ZXP_PAGE_MASK) & ~ZXP_PAGE_MASK;
  return ZX_OK;
}

/* The memory is zeroed. */
static void pages_init(struct zxp_pages* pages, struct zxp_storage* storage,
                       struct zxp_vmo_tree* tree, uint64_t size) {
  zxp_extents_init(&storage->extents);
  storage->refs = 1;
  pages->storage = storage;
  pages->tree = tree;
  zxp_vmo_tree_get(tree);
  pages->size = size;
  zxp_page_map_init(&pages->map);
  zxp_list_init(&pages->mappings);
  zxp_list_init(&pages->children);
  zxp_list_init(&pages->sibling);
}

struct zxp_pages* zxp_pages_new(struct zxp_vmo_tree* tree, uint64_t size) {
  struct zxp_pages* pages = calloc(1, sizeof *pages);
  struct zxp_storage* storage = calloc(1, sizeof *storage);
  if (pages == NULL || storage == NULL) {
    free(pages);
    free(storage);
    return NULL;
  }
  pages_init(pages, storage, tree, size);
  return pages;
}

void zxp_storage_put(struct zxp_storage* storage) {
  if (storage != NULL && --storage->refs == 0) {
    zxp_extents_destroy(&storage->extents);
    give_back(storage, storage->block);
  }
}

void zxp_pages_free(struct zxp_pages* pages) {
  ZXP_ASSERT(zxp_list_empty(&pages->mappings) && zxp_list_empty(&pages->children));
  zxp_page_map_destroy(&pages->map);
  zxp_storage_put(pages->storage);
  zxp_storage_put(pages->lent);
  zxp_vmo_tree_put(pages->tree);
  give_back(pages, pages->block);
}

/* The memory is zeroed. */
static void vmo_init(struct zxp_vmo* vmo, struct zxp_pages* pages, uint32_t options) {
  zxp_object_init(&vmo->object, &zxp_vmo_ops, ZX_VMO_ZERO_CHILDREN);
  vmo->pages = pages;
  vmo->options = options;
  zxp_list_init(&vmo->children);
  zxp_list_init(&vmo->sibling);
  zxp_mutex_lock(&all_lock);
  zxp_list_push_back(&all, &vmo->all_link);
  zxp_mutex_unlock(&all_lock);
}

struct zxp_vmo* zxp_vmo_new(struct zxp_pages* pages, uint32_t options) {
  struct zxp_vmo* vmo = calloc(1, sizeof *vmo);
  if (vmo != NULL) {
    vmo_init(vmo, pages, options);
  }
  return vmo;
}

zx_status_t zxp_vmo_create(uint64_t size, uint64_t content_size, uint32_t options,
                           struct zxp_source* source, struct zxp_vmo** out) {
  const zx_status_t st = zxp_arena_init();
  if (st != ZX_OK) {
    return st;
  }
  /* Not calloc(), which in glibc before 2.41 goes past the memory that a thread keeps at hand. */
  struct zxp_vmo_block* block = malloc(sizeof *block);
  if (block == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  memset(block, 0, sizeof *block);
  atomic_init(&block->parts, PARTS);
  block->vmo.block = block->pages.block = block->storage.block = block->tree.block = block;
  tree_init(&block->tree);
  struct zxp_pages* pages = &block->pages;
  pages_init(pages, &block->storage, &block->tree, size);
  pages->source = source;
  pages->root_source = source;
  pages->resizable = (options & ZX_VMO_RESIZABLE) != 0;
  pages->content.size = content_size;
  if (source != NULL && (options & ZX_VMO_UNBOUNDED) != 0 && content_size < size) {
    /* The pager has content up to there; what lies past it has never been anything. */
    const uint64_t first = (content_size + ZXP_PAGE_MASK) >> ZXP_PAGE_SHIFT;
    const uint64_t end = size >> ZXP_PAGE_SHIFT;
    if (first < end && zxp_page_map_know_zeros(&pages->map, first, end - first) != ZX_OK) {
      zxp_pages_free(pages);
      give_back(&block->vmo, block);
      return ZX_ERR_NO_MEMORY;
    }
  }
  pages->discard.state =
      (options & ZX_VMO_DISCARDABLE) != 0 ? ZXP_DISCARD_UNLOCKED : ZXP_DISCARD_NEVER;
  pages->owners = 1;
  struct zxp_vmo* vmo = &block->vmo;
  vmo_init(vmo, pages, options);
  if (source != NULL) {
    zxp_source_bind(source, pages);
  }
  ZXP_LOG(ZXP_TOPIC_VMO, 2, "koid %llu: VMO of %llu bytes, options %x%s",
          (unsigned long long)vmo->object.koid, (unsigned long long)size, options,
          source != NULL ? ", pager-backed" : "");
  *out = vmo;
  return ZX_OK;
}

static void vmo_destroy(struct zxp_object* object) {
  struct zxp_vmo* vmo = zxp_vmo_of(object);
  zxp_mutex_lock(&all_lock);
  zxp_list_remove(&vmo->all_link);
  zxp_mutex_unlock(&all_lock);
  zxp_vmo_leave_family(vmo);
  zxp_pages_disown(vmo->pages);
  zxp_object_fini(object);
  give_back(vmo, vmo->block);
}

/* ---- Names ---- */

static zx_status_t get_name(struct zxp_object* object, char name[ZX_MAX_NAME_LEN]) {
  struct zxp_vmo* vmo = zxp_vmo_of(object);
  zxp_pages_look(vmo->pages);
  memcpy(name, vmo->name, ZX_MAX_NAME_LEN);
  zxp_pages_unlock(vmo->pages);
  return ZX_OK;
}

static zx_status_t set_name(struct zxp_object* object, const char name[ZX_MAX_NAME_LEN]) {
  struct zxp_vmo* vmo = zxp_vmo_of(object);
  zxp_pages_look(vmo->pages);
  memcpy(vmo->name, name, ZX_MAX_NAME_LEN);
  vmo->name[ZX_MAX_NAME_LEN - 1] = '\0';
  zxp_pages_unlock(vmo->pages);
  return ZX_OK;
}

const struct zxp_object_ops zxp_vmo_ops = {
    .type = ZX_OBJ_TYPE_VMO,
    .name = "vmo",
    /* Not ZX_VMO_ZERO_CHILDREN, which is the library's (objects.md 6.1). */
    .user_signals = ZX_USER_SIGNAL_ALL,
    .waitable = true,
    .destroy = vmo_destroy,
    .get_name = get_name,
    .set_name = set_name,
};
