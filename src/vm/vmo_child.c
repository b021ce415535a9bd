/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Children as objects: what may be made of what, and who is whose child (docs/semantics/vmo.md 6,
 * 9). How their pages show through is in cow.c.
 */
#include <string.h>

#include "vm/cow.h"
#include "vm/page_source.h"
#include "vm/vmo.h"

#define COW_KINDS \
  (ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE | ZX_VMO_CHILD_SNAPSHOT_MODIFIED)

/* ---- Family ---- */

static void join_family_locked(struct zxp_vmo* child, struct zxp_vmo* parent) {
  child->parent = parent;
  zxp_list_push_back(&parent->children, &child->sibling);
  if (parent->num_children++ == 0) {
    zxp_object_set_signals(&parent->object, ZX_VMO_ZERO_CHILDREN, 0);
  }
}

void zxp_vmo_leave_family(struct zxp_vmo* vmo) {
  zxp_pages_lock(vmo->pages);
  struct zxp_vmo* parent = vmo->parent;
  struct zxp_list* link;
  while ((link = zxp_list_pop_front(&vmo->children)) != NULL) {
    struct zxp_vmo* child = ZXP_CONTAINER_OF(link, struct zxp_vmo, sibling);
    child->parent = parent;
    if (parent != NULL) {
      zxp_list_push_back(&parent->children, &child->sibling);
      parent->num_children++;
    }
  }
  if (parent != NULL) {
    zxp_list_remove(&vmo->sibling);
    if (--parent->num_children == 0) {
      zxp_object_set_signals(&parent->object, 0, ZX_VMO_ZERO_CHILDREN);
    }
  }
  zxp_pages_unlock(vmo->pages);
}

static bool has_cow_child(const struct zxp_vmo* vmo) {
  ZXP_LIST_FOREACH(it, &vmo->children) {
    if (ZXP_CONTAINER_OF(it, const struct zxp_vmo, sibling)->cow_child) {
      return true;
    }
  }
  return false;
}

bool zxp_vmo_is_cow_relative_locked(const struct zxp_vmo* vmo) {
  ZXP_ASSERT_HELD(&vmo->pages->tree->lock);
  /* By the pages: there is a node above them, which both sides of a snapshot have. */
  if (zxp_cow_is_child_locked(vmo->pages)) {
    return true;
  }
  /* By the objects, where the pages show nothing of each other. */
  while ((vmo->slice || vmo->reference) && vmo->parent != NULL &&
         vmo->parent->pages == vmo->pages) {
    vmo = vmo->parent;
  }
  if (vmo->cow_child && vmo->parent != NULL) {
    return true;
  }
  ZXP_LIST_FOREACH(it, &vmo->children) {
    const struct zxp_vmo* child = ZXP_CONTAINER_OF(it, const struct zxp_vmo, sibling);
    /* One that was made of a reference is one of the VMO. */
    if (child->cow_child || (child->pages == vmo->pages && has_cow_child(child))) {
      return true;
    }
  }
  return false;
}

/* ---- Checks: vmo.md 6, step 6 ---- */

static bool overflows(uint64_t a, uint64_t b) { return a + b < a; }

uint64_t zxp_pages_offset_in_root_locked(const struct zxp_pages* node) {
  uint64_t pages = 0;
  for (; node->parent != NULL; node = node->parent) {
    pages += node->parent_offset;
  }
  return (pages + node->root_offset) << ZXP_PAGE_SHIFT;
}

static zx_status_t check_slice(const struct zxp_vmo* parent, uint64_t offset, uint64_t rounded) {
  const uint64_t size = parent->slice ? parent->window_size : parent->pages->size;
  if ((offset & ZXP_PAGE_MASK) != 0 || offset > size || rounded > size - offset) {
    return ZX_ERR_INVALID_ARGS;
  }
  if (parent->pages->resizable) {
    return ZX_ERR_NOT_SUPPORTED;
  }
  return parent->cache_policy != ZX_CACHE_POLICY_CACHED ? ZX_ERR_BAD_STATE : ZX_OK;
}

static zx_status_t check_reference(const struct zxp_vmo* parent, uint32_t options, uint64_t offset,
                                   uint64_t size) {
  if (offset != 0 || size != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  if (parent->slice || ((options & ZX_VMO_CHILD_RESIZABLE) != 0 && !parent->pages->resizable)) {
    return ZX_ERR_NOT_SUPPORTED;
  }
  return parent->cache_policy != ZX_CACHE_POLICY_CACHED ? ZX_ERR_BAD_STATE : ZX_OK;
}

/* Whether the node, in a pager tree, shares what a snapshot found: the node of that hangs over
 * it. */
static bool in_modified_locked(const struct zxp_pages* node) {
  return node->parent != NULL && node->parent->of_snapshot;
}

/* The table "Parent x kind" for pager trees; `*lazy` tells how. */
static zx_status_t check_pager_tree_locked(const struct zxp_vmo* parent, uint32_t kind,
                                           bool* lazy) {
  struct zxp_pages* node = parent->pages;
  const bool modified = kind == ZX_VMO_CHILD_SNAPSHOT_MODIFIED;
  if (in_modified_locked(node)) {
    *lazy = false;
    return parent->slice ? ZX_ERR_NOT_SUPPORTED : ZX_OK;
  }
  *lazy = true;
  if (node->source != NULL || !modified) {
    return ZX_OK;
  }
  /* MODIFIED of a lazy child. */
  if (parent->slice || !zxp_list_empty(&node->children) || node->parent->source == NULL) {
    return ZX_ERR_NOT_SUPPORTED;
  }
  *lazy = false;
  return ZX_OK;
}

static zx_status_t check_cow_locked(const struct zxp_vmo* parent, uint32_t kind, uint64_t offset,
                                    uint64_t rounded, bool* lazy) {
  struct zxp_pages* node = parent->pages;
  if ((offset & ZXP_PAGE_MASK) != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  if (overflows(offset, rounded)) {
    return ZX_ERR_OUT_OF_RANGE;
  }
  if (parent->cache_policy != ZX_CACHE_POLICY_CACHED) {
    return ZX_ERR_BAD_STATE;
  }
  if (kind == ZX_VMO_CHILD_SNAPSHOT && node->root_source != NULL) {
    return ZX_ERR_NOT_SUPPORTED;
  }
  const uint64_t in_root = zxp_pages_offset_in_root_locked(node);
  const uint64_t start = parent->window_offset + offset;
  if (overflows(in_root, start) || overflows(in_root + start, rounded)) {
    return ZX_ERR_INVALID_ARGS;
  }
  if (node->root_source != NULL) {
    return check_pager_tree_locked(parent, kind, lazy);
  }
  *lazy = false;
  return parent->slice ? ZX_ERR_NOT_SUPPORTED : ZX_OK;
}

/* ---- Making ---- */

/* The new object, owning `pages` (counted by the caller). */
static struct zxp_vmo* make_object(struct zxp_vmo* parent, struct zxp_pages* pages,
                                   uint32_t options, bool named) {
  struct zxp_vmo* vmo = zxp_vmo_new(pages, 0);
  if (vmo == NULL) {
    return NULL;
  }
  const uint32_t frozen = ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_NO_WRITE;
  vmo->cow_child = (options & COW_KINDS) != 0;
  vmo->immutable = (options & frozen) == frozen;
  if (named) {
    memcpy(vmo->name, parent->name, sizeof vmo->name);
  }
  return vmo;
}

static zx_status_t make_alias_locked(struct zxp_vmo* parent, uint32_t options, uint64_t offset,
                                     uint64_t size, bool named, struct zxp_vmo** out) {
  struct zxp_vmo* vmo = make_object(parent, parent->pages, options, named);
  if (vmo == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  if ((options & ZX_VMO_CHILD_SLICE) != 0) {
    vmo->slice = true;
    vmo->window_offset = parent->window_offset + offset;
    vmo->window_size = (size + ZXP_PAGE_MASK) & ~ZXP_PAGE_MASK;
    vmo->window_content.size = size;
  } else {
    vmo->reference = true;
  }
  parent->pages->owners++;
  *out = vmo;
  return ZX_OK;
}

static zx_status_t make_cow_locked(struct zxp_vmo* parent, uint32_t options, uint64_t offset,
                                   uint64_t size, bool named, bool lazy, struct zxp_vmo** out) {
  const uint64_t rounded = (size + ZXP_PAGE_MASK) & ~ZXP_PAGE_MASK;
  const uint64_t first = (parent->window_offset >> ZXP_PAGE_SHIFT) + (offset >> ZXP_PAGE_SHIFT);
  struct zxp_pages* pages;
  const uint64_t in_root = zxp_pages_offset_in_root_locked(parent->pages) >> ZXP_PAGE_SHIFT;
  zx_status_t st = lazy ? zxp_cow_lazy_child_locked(parent->pages, first, rounded, &pages)
                        : zxp_cow_snapshot_locked(parent->pages, first, rounded, &pages);
  if (st != ZX_OK) {
    return st;
  }
  if (parent->slice && pages->parent != NULL) {
    /* What it sees ends where the slice does. */
    const uint64_t seen = (parent->window_size >> ZXP_PAGE_SHIFT);
    const uint64_t skip = offset >> ZXP_PAGE_SHIFT;
    const uint64_t limit = seen > skip ? seen - skip : 0;
    pages->parent_limit = pages->parent_limit < limit ? pages->parent_limit : limit;
  }
  if (pages->parent == NULL) {
    pages->root_offset =
        in_root + first; /* It shows nothing, but its place still bounds its size. */
  }
  pages->resizable = (options & ZX_VMO_CHILD_RESIZABLE) != 0;
  pages->content.size = size;
  *out = make_object(parent, pages, options, named);
  if (*out == NULL) {
    struct zxp_pages* root = NULL;
    pages->owners = 0;
    zxp_cow_leave_locked(pages, &root);
    ZXP_ASSERT(root == NULL); /* The parent object shows it. */
    return ZX_ERR_NO_MEMORY;
  }
  return ZX_OK;
}

zx_status_t zxp_vmo_create_child(struct zxp_vmo* parent, uint32_t options, uint64_t offset,
                                 uint64_t size, bool named, struct zxp_vmo** out) {
  const uint32_t kind = options & ~(ZX_VMO_CHILD_NO_WRITE | ZX_VMO_CHILD_RESIZABLE);
  const uint64_t rounded = (size + ZXP_PAGE_MASK) & ~ZXP_PAGE_MASK;
  if ((parent->options & ZX_VMO_DISCARDABLE) != 0 ||
      parent->pages->discard.state != ZXP_DISCARD_NEVER) {
    return ZX_ERR_NOT_SUPPORTED;
  }
  if (kind != ZX_VMO_CHILD_SLICE && kind != ZX_VMO_CHILD_REFERENCE &&
      kind != ZX_VMO_CHILD_SNAPSHOT && kind != ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE &&
      kind != ZX_VMO_CHILD_SNAPSHOT_MODIFIED) {
    return ZX_ERR_INVALID_ARGS;
  }
  if (kind == ZX_VMO_CHILD_SLICE && (options & ZX_VMO_CHILD_RESIZABLE) != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  zx_status_t st;
  bool lazy = false;
  zxp_pages_lock(parent->pages);
  if (kind == ZX_VMO_CHILD_SLICE) {
    st = check_slice(parent, offset, rounded);
  } else if (kind == ZX_VMO_CHILD_REFERENCE) {
    st = check_reference(parent, options, offset, size);
  } else {
    st = check_cow_locked(parent, kind, offset, rounded, &lazy);
  }
  if (st == ZX_OK) {
    st = (kind & COW_KINDS) != 0 ? make_cow_locked(parent, options, offset, size, named, lazy, out)
                                 : make_alias_locked(parent, options, offset, size, named, out);
  }
  if (st == ZX_OK) {
    join_family_locked(*out, parent);
  }
  zxp_pages_unlock(parent->pages);
  return st;
}
