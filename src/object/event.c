/* SPDX-License-Identifier: BSD-3-Clause */
#include "object/event.h"

#include <stdlib.h>

/* ---- Events ---- */

static void event_destroy(struct zxp_object* object) {
  zxp_object_fini(object);
  free(object);
}

static const struct zxp_object_ops event_ops = {
    .type = ZX_OBJ_TYPE_EVENT,
    .name = "event",
    .user_signals = ZX_EVENT_SIGNAL_MASK,
    .waitable = true,
    .destroy = event_destroy,
};

zx_status_t zxp_event_create(struct zxp_object** out) {
  struct zxp_object* object = calloc(1, sizeof *object);
  if (object == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  zxp_object_init(object, &event_ops, 0);
  *out = object;
  return ZX_OK;
}

/* ---- Event pairs ---- */

struct side;

/* (L) lock */
struct pair {
  struct zxp_mutex lock;
  struct side* sides[2]; /* (L) borrowed; NULL once the last handle of that side has gone */
  unsigned objects;      /* (L) sides whose memory still exists */
};

/* (C) constant */
struct side {
  struct zxp_object object;
  struct pair* pair;      /* (C) */
  int index;              /* (C) */
  zx_koid_t related_koid; /* (C) the other side's, also after it has gone */
};

static struct side* side_of(struct zxp_object* object) {
  return ZXP_CONTAINER_OF(object, struct side, object);
}

/* The other side with a reference, or NULL if its last handle has gone. A side that is still in the
 * record is alive: on_zero_handles takes it out before its last reference can go. */
static struct side* get_peer(struct side* side) {
  struct pair* pair = side->pair;
  zxp_mutex_lock(&pair->lock);
  struct side* peer = pair->sides[1 - side->index];
  if (peer != NULL) {
    zxp_object_get(&peer->object);
  }
  zxp_mutex_unlock(&pair->lock);
  return peer;
}

static zx_status_t pair_signal_peer(struct zxp_object* object, zx_signals_t clear,
                                    zx_signals_t set) {
  struct side* peer = get_peer(side_of(object));
  if (peer == NULL) {
    return ZX_ERR_PEER_CLOSED;
  }
  zxp_object_set_signals(&peer->object, clear, set);
  zxp_object_put(&peer->object);
  return ZX_OK;
}

static zx_koid_t pair_related_koid(struct zxp_object* object) {
  return side_of(object)->related_koid;
}

static void pair_zero_handles(struct zxp_object* object) {
  struct side* side = side_of(object);
  struct pair* pair = side->pair;
  zxp_mutex_lock(&pair->lock);
  pair->sides[side->index] = NULL;
  zxp_mutex_unlock(&pair->lock);
  (void)pair_signal_peer(object, 0, ZX_EVENTPAIR_PEER_CLOSED);
}

static void pair_destroy(struct zxp_object* object) {
  struct side* side = side_of(object);
  struct pair* pair = side->pair;
  zxp_mutex_lock(&pair->lock);
  pair->sides[side->index] = NULL; /* a side that never got a handle */
  const bool last = --pair->objects == 0;
  zxp_mutex_unlock(&pair->lock);
  if (last) {
    zxp_mutex_destroy(&pair->lock);
    free(pair);
  }
  zxp_object_fini(object);
  free(side);
}

static const struct zxp_object_ops pair_ops = {
    .type = ZX_OBJ_TYPE_EVENTPAIR,
    .name = "eventpair",
    .user_signals = ZX_USER_SIGNAL_ALL | ZX_EVENTPAIR_SIGNALED,
    .waitable = true,
    .has_peer = true,
    .on_zero_handles = pair_zero_handles,
    .destroy = pair_destroy,
    .related_koid = pair_related_koid,
    .signal_peer = pair_signal_peer,
};

zx_status_t zxp_eventpair_create(struct zxp_object** out0, struct zxp_object** out1) {
  struct pair* pair = calloc(1, sizeof *pair);
  struct side* a = calloc(1, sizeof *a);
  struct side* b = calloc(1, sizeof *b);
  if (pair == NULL || a == NULL || b == NULL) {
    free(pair);
    free(a);
    free(b);
    return ZX_ERR_NO_MEMORY;
  }
  zxp_object_init(&a->object, &pair_ops, 0);
  zxp_object_init(&b->object, &pair_ops, 0);
  zxp_mutex_init(&pair->lock, ZXP_RANK_LEAF);
  pair->sides[0] = a;
  pair->sides[1] = b;
  pair->objects = 2;
  a->pair = b->pair = pair;
  a->index = 0;
  b->index = 1;
  a->related_koid = b->object.koid;
  b->related_koid = a->object.koid;
  *out0 = &a->object;
  *out1 = &b->object;
  return ZX_OK;
}
