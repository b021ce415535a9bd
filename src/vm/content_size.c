/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm/content_size.h"

#include <stddef.h>

#include "base/clock.h"
#include "vm/vmo.h"

void zxp_content_claim(struct zxp_content_claim* claim, struct zxp_vmo_tree* tree,
                       struct zxp_content_size* content) {
#if ZXP_DEBUG
  zxp_rank_acquire(content, ZXP_RANK_CONTENT, false);
#endif
  claim->content = content;
  claim->tree = tree;
  claim->next = NULL;
  claim->cut = UINT64_MAX;
  claim->tid = zxp_gettid();
  claim->since = zxp_clock_now();
  zxp_wake_init(&claim->granted);
  zxp_biased_lock(&tree->lock);
  const bool wait = content->first != NULL;
  if (wait) {
    content->last->next = claim;
  } else {
    content->first = claim;
  }
  content->last = claim;
  zxp_biased_unlock(&tree->lock);
  if (wait) {
    zxp_wake_wait(&claim->granted, ZX_TIME_INFINITE);
  }
}

void zxp_content_release(struct zxp_content_claim* claim) {
  struct zxp_content_size* content = claim->content;
  zxp_biased_lock(&claim->tree->lock);
  ZXP_ASSERT(content->first == claim);
  content->first = claim->next;
  if (content->first == NULL) {
    content->last = NULL;
  } else {
    zxp_wake_set(&content->first->granted);
  }
  zxp_biased_unlock(&claim->tree->lock);
#if ZXP_DEBUG
  zxp_rank_release(content);
#endif
}

void zxp_content_dump_locked(const struct zxp_content_size* content, FILE* out) {
  const zx_time_t now = zxp_clock_now();
  fprintf(out, "    content: %llu bytes\n", (unsigned long long)content->size);
  for (const struct zxp_content_claim* c = content->first; c != NULL; c = c->next) {
    fprintf(out, "      thread %d %s it, for %lld ms\n", c->tid,
            c == content->first ? "has claimed" : "waits to claim",
            (long long)((now - c->since) / 1000000));
  }
}
