/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm/page_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/stats.h"
#include "fault/channel_private.h"
#include "vm/pager.h"
#include "vm/vmo.h"

/* ---- The packet slot: everything here under port.lock ---- */

/* A request's packet is taken back before its request ends, and so before the source does. COMPLETE
 * outlives the pages, so it holds a reference. */
static const struct zxp_port_node_ops request_packet_ops;
static const struct zxp_port_node_ops complete_packet_ops;

/* The packet is out of the source's hands: from here on the request may end without port.lock. */
static void mark_taken(struct zxp_request* r) {
  atomic_store_explicit(&r->taken, true, memory_order_release);
}

static void fill_slot_locked(struct zxp_source* s) {
  if (s->in_slot != NULL || s->complete_in_slot || s->silent) {
    return;
  }
  struct zxp_list* next = zxp_list_pop_front(&s->waiting);
  if (next != NULL) {
    s->in_slot = ZXP_CONTAINER_OF(next, struct zxp_request, slot_link);
    s->node.ops = &request_packet_ops;
  } else if (s->complete_pending) {
    s->complete_pending = false;
    s->complete_in_slot = true;
    s->node.ops = &complete_packet_ops;
    zxp_source_get(s);
  } else {
    return;
  }
  if (!zxp_port_push_locked(s->port, &s->node)) {
    /* The port is closed; the request stands, but nobody will hear of it (8.4). */
    struct zxp_request* const unheard = s->in_slot;
    if (unheard != NULL) {
      s->in_slot = NULL;
      mark_taken(unheard);
    } else {
      s->complete_in_slot = false;
      /* Never the last reference: whoever calls this holds one. */
      atomic_fetch_sub_explicit(&s->refs, 1, memory_order_relaxed);
    }
    fill_slot_locked(s);
  }
}

static void take_locked(struct zxp_port* port, struct zxp_port_node* node,
                        zx_port_packet_t* packet) {
  struct zxp_source* s = ZXP_CONTAINER_OF(node, struct zxp_source, node);
  (void)port;
  memset(packet, 0, sizeof *packet);
  packet->key = s->key;
  packet->type = ZX_PKT_TYPE_PAGE_REQUEST;
  packet->status = ZX_OK;
  if (s->in_slot != NULL) {
    struct zxp_request* r = s->in_slot;
    packet->page_request.command =
        r->kind == ZXP_REQUEST_READ ? ZX_PAGER_VMO_READ : ZX_PAGER_VMO_DIRTY;
    packet->page_request.offset = r->node.key << ZXP_PAGE_SHIFT;
    packet->page_request.length = r->count << ZXP_PAGE_SHIFT;
    s->in_slot = NULL;
    mark_taken(r);
  } else {
    ZXP_ASSERT(s->complete_in_slot && zxp_list_empty(&s->waiting)); /* It is the last. */
    packet->page_request.command = ZX_PAGER_VMO_COMPLETE;
    s->complete_in_slot = false;
  }
  ZXP_COUNT(packets_taken, 1);
  fill_slot_locked(s);
}

/* The port let go of COMPLETE: taken, or dropped with the port's last handle. */
static void released(struct zxp_port_node* node) {
  zxp_source_put(ZXP_CONTAINER_OF(node, struct zxp_source, node));
}

/* Dropped with the port: what was in the slot is lost (8.4). */
static void dropped_locked(struct zxp_port* port, struct zxp_port_node* node) {
  struct zxp_source* s = ZXP_CONTAINER_OF(node, struct zxp_source, node);
  (void)port;
  struct zxp_request* const lost = s->in_slot;
  if (lost != NULL) {
    s->in_slot = NULL;
    mark_taken(lost);
  }
  s->complete_in_slot = false;
  s->complete_pending = false;
  struct zxp_list* next;
  while ((next = zxp_list_pop_front(&s->waiting)) != NULL) {
    mark_taken(ZXP_CONTAINER_OF(next, struct zxp_request, slot_link));
  }
}

static const struct zxp_port_node_ops request_packet_ops = {
    .take_locked = take_locked,
    .dropped_locked = dropped_locked,
};

static const struct zxp_port_node_ops complete_packet_ops = {
    .take_locked = take_locked,
    .dropped_locked = dropped_locked,
    .released = released,
};

/* Takes the queued packet back; true if it held a reference, which is the caller's to put. */
static bool empty_slot_locked(struct zxp_source* s) {
  const bool held = s->complete_in_slot;
  if (!zxp_port_remove_locked(s->port, &s->node)) {
    return false;
  }
  s->in_slot = NULL;
  s->complete_in_slot = false;
  ZXP_COUNT(withdrawn, 1);
  return held;
}

/* ---- Request operations: tree lock held ---- */

static struct zxp_source* source_of(struct zxp_request_set* set) {
  return ZXP_CONTAINER_OF(set, struct zxp_source, requests);
}

static void announce(struct zxp_request_set* set, struct zxp_request* request) {
  struct zxp_source* s = source_of(set);
  ZXP_LOG(ZXP_TOPIC_PAGER, 3, "key %llu: %s request [%llu, +%llu)", (unsigned long long)s->key,
          request->kind == ZXP_REQUEST_READ ? "READ" : "DIRTY",
          (unsigned long long)request->node.key, (unsigned long long)request->count);
  zxp_port_lock(s->port);
  /* Counted under the port's lock: who sees the count finds the packet, who takes the packet sees
   * the count. */
  ZXP_COUNT(requests, 1);
  zxp_list_push_back(&s->waiting, &request->slot_link);
  fill_slot_locked(s);
  zxp_port_unlock(s->port);
}

static void withdraw(struct zxp_request_set* set, struct zxp_request* request) {
  struct zxp_source* s = source_of(set);
  if (atomic_load_explicit(&request->taken, memory_order_acquire)) {
    return; /* Its packet has been read, or never will be: it is in nobody's hands. */
  }
  zxp_port_lock(s->port);
  if (s->in_slot == request) {
    (void)empty_slot_locked(s); /* which a request holds no reference in */
    fill_slot_locked(s);
  } else if (!zxp_list_empty(&request->slot_link)) {
    zxp_list_remove(&request->slot_link);
    ZXP_COUNT(withdrawn, 1);
  }
  zxp_port_unlock(s->port);
}

static void wake(struct zxp_request_set* set, struct zxp_waiter* waiter, zx_status_t status,
                 bool early) {
  struct zxp_blocked* b = ZXP_CONTAINER_OF(waiter, struct zxp_blocked, w);
  if (!early) {
    if (status == ZX_OK) {
      ZXP_COUNT(woken, 1);
    } else {
      ZXP_COUNT(failed, 1);
    }
  }
  if (b->call == NULL) {
    zxp_fault_release(source_of(set), b, status);
    return;
  }
  b->status = status;
  b->early = early;
  zxp_wake_set(&b->event);
}

static const struct zxp_request_ops request_ops = {
    .announce = announce,
    .withdraw = withdraw,
    .wake = wake,
};

/* ---- Life ---- */

zx_status_t zxp_source_create(struct zxp_pager* pager, struct zxp_port* port, uint64_t key,
                              bool trap_dirty, struct zxp_source** out) {
  struct zxp_source* s = calloc(1, sizeof *s);
  if (s == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  atomic_init(&s->refs, 1);
  s->pager = pager;
  zxp_object_get(zxp_pager_object(pager));
  s->port = port;
  zxp_object_get(zxp_port_object(port));
  s->key = key;
  s->trap_dirty = trap_dirty;
  zxp_request_set_init(&s->requests, &request_ops);
  zxp_list_init(&s->pager_link);
  zxp_list_init(&s->waiting);
  zxp_port_node_init(&s->node, &request_packet_ops);
  *out = s;
  return ZX_OK;
}

void zxp_source_bind(struct zxp_source* s, struct zxp_pages* pages) {
  s->pages = pages;
  s->tree = pages->tree;
  zxp_vmo_tree_get(s->tree);
  zxp_pager_add_source(s->pager, s);
}

void zxp_source_put(struct zxp_source* s) {
  if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) {
    return;
  }
  zxp_pager_remove_source(s->pager, s);
  zxp_request_set_destroy(&s->requests);
  free(s->spare_record);
  zxp_object_put(zxp_pager_object(s->pager));
  zxp_object_put(zxp_port_object(s->port));
  if (s->tree != NULL) {
    zxp_vmo_tree_put(s->tree);
  }
  free(s);
}

static void end_requests_locked(struct zxp_source* s) {
  zxp_request_end_all(&s->requests, ZXP_REQUEST_READ, ZX_OK);
  zxp_request_end_all(&s->requests, ZXP_REQUEST_DIRTY, ZX_OK);
}

void zxp_source_detach_locked(struct zxp_source* s, bool complete) {
  if (s->state != ZXP_SOURCE_ATTACHED) {
    return;
  }
  s->state = ZXP_SOURCE_DETACHED;
  s->ended_seq = zxp_channel_last_message();
  end_requests_locked(s);
  if (complete) {
    zxp_port_lock(s->port);
    s->complete_pending = true;
    fill_slot_locked(s);
    zxp_port_unlock(s->port);
  }
}

void zxp_source_cut_locked(struct zxp_source* s) {
  bool put;
  zxp_port_lock(s->port);
  s->silent = true;
  s->complete_pending = false;
  put = empty_slot_locked(s);
  zxp_port_unlock(s->port);
  if (s->state == ZXP_SOURCE_ATTACHED) {
    s->ended_seq = zxp_channel_last_message();
    end_requests_locked(s);
  }
  s->state = ZXP_SOURCE_CUT;
  if (put) {
    zxp_source_put(s); /* The caller holds another. */
  }
}

void zxp_source_last_reference_locked(struct zxp_source* s) {
  zxp_source_detach_locked(s, true);
  s->pages = NULL;
}
