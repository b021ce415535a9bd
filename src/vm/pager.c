/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pager object: its life, and cutting roots off. What it answers is in pager_supply.c and
 * pager_writeback.c.
 */
#include "vm/pager.h"

#include <stdlib.h>

#include "base/log.h"
#include "vm/page_source.h"

zx_status_t zxp_pager_create(struct zxp_pager** out) {
  struct zxp_pager* pager = calloc(1, sizeof *pager);
  if (pager == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  zxp_object_init(&pager->object, &zxp_pager_ops, 0);
  zxp_mutex_init(&pager->lock, ZXP_RANK_PAGER);
  zxp_list_init(&pager->sources);
  *out = pager;
  return ZX_OK;
}

void zxp_pager_add_source(struct zxp_pager* pager, struct zxp_source* source) {
  zxp_mutex_lock(&pager->lock);
  zxp_list_push_back(&pager->sources, &source->pager_link);
  zxp_mutex_unlock(&pager->lock);
}

void zxp_pager_remove_source(struct zxp_pager* pager, struct zxp_source* source) {
  zxp_mutex_lock(&pager->lock);
  zxp_list_remove(&source->pager_link);
  zxp_mutex_unlock(&pager->lock);
}

struct zxp_pager* zxp_pager_of_root(const struct zxp_vmo* vmo) {
  if (vmo->slice || vmo->reference) {
    return NULL; /* They show the root's pages and are no roots. */
  }
  const struct zxp_source* s = vmo->pages->source;
  return s != NULL ? s->pager : NULL;
}

void zxp_pager_detach(struct zxp_pages* root) {
  zxp_pages_lock(root);
  if (zxp_source_attached_locked(root->source)) {
    zxp_source_detach_locked(root->source, true);
    zxp_pages_drop_clean_locked(root, 0, root->size >> ZXP_PAGE_SHIFT);
  }
  zxp_pages_unlock(root);
}

/* A source that is still in use, taken off the list; NULL when there is none left. */
static struct zxp_source* take_source(struct zxp_pager* pager) {
  struct zxp_source* s = NULL;
  zxp_mutex_lock(&pager->lock);
  struct zxp_list* link;
  while (s == NULL && (link = zxp_list_pop_front(&pager->sources)) != NULL) {
    s = ZXP_CONTAINER_OF(link, struct zxp_source, pager_link);
    /* One whose last reference is being put at this moment needs nothing any more. */
    unsigned refs = atomic_load_explicit(&s->refs, memory_order_relaxed);
    while (refs != 0 && !atomic_compare_exchange_weak(&s->refs, &refs, refs + 1)) {
    }
    if (refs == 0) {
      s = NULL;
    }
  }
  zxp_mutex_unlock(&pager->lock);
  return s;
}

void zxp_pager_detach_all(struct zxp_pager* pager) {
  struct zxp_source* s;
  while ((s = take_source(pager)) != NULL) {
    zxp_biased_lock(&s->tree->lock);
    /* One without pages has sent its COMPLETE. */
    if (s->pages != NULL && zxp_source_attached_locked(s)) {
      zxp_source_detach_locked(s, true);
      zxp_pages_drop_clean_locked(s->pages, 0, s->pages->size >> ZXP_PAGE_SHIFT);
    }
    zxp_biased_unlock(&s->tree->lock);
    zxp_source_put(s);
  }
}

/* The last handle went: every root is cut off (8.3). Pages that are there stay. */
static void on_zero_handles(struct zxp_object* object) {
  struct zxp_pager* pager = zxp_pager_of(object);
  struct zxp_source* s;
  while ((s = take_source(pager)) != NULL) {
    zxp_biased_lock(&s->tree->lock);
    zxp_source_cut_locked(s);
    zxp_biased_unlock(&s->tree->lock);
    zxp_source_put(s);
  }
}

static void pager_destroy(struct zxp_object* object) {
  struct zxp_pager* pager = zxp_pager_of(object);
  zxp_mutex_destroy(&pager->lock);
  zxp_object_fini(object);
  free(pager);
}

const struct zxp_object_ops zxp_pager_ops = {
    .type = ZX_OBJ_TYPE_PAGER,
    .name = "pager",
    .user_signals = 0,
    .waitable = false,
    .on_zero_handles = on_zero_handles,
    .destroy = pager_destroy,
};
