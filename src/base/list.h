/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Intrusive doubly linked list with a head node.
 *
 * A node that is on no list points to itself, so "is it queued?" needs no extra flag and removing
 * twice is harmless. The list has no lock: its owner's lock guards it.
 */
#ifndef ZXP_BASE_LIST_H_
#define ZXP_BASE_LIST_H_

#include <stdbool.h>
#include <stddef.h>

struct zxp_list {
  struct zxp_list* next;
  struct zxp_list* prev;
};

#define ZXP_CONTAINER_OF(ptr, type, member) ((type*)(void*)((char*)(ptr)-offsetof(type, member)))

static inline void zxp_list_init(struct zxp_list* l) { l->next = l->prev = l; }

/* For a head: nothing queued. For a node: on no list. */
static inline bool zxp_list_empty(const struct zxp_list* l) { return l->next == l; }

static inline void zxp_list_insert_before(struct zxp_list* at, struct zxp_list* node) {
  node->prev = at->prev;
  node->next = at;
  at->prev->next = node;
  at->prev = node;
}

static inline void zxp_list_push_back(struct zxp_list* head, struct zxp_list* node) {
  zxp_list_insert_before(head, node);
}

static inline void zxp_list_push_front(struct zxp_list* head, struct zxp_list* node) {
  zxp_list_insert_before(head->next, node);
}

static inline void zxp_list_remove(struct zxp_list* node) {
  node->prev->next = node->next;
  node->next->prev = node->prev;
  zxp_list_init(node);
}

/* The first node, taken off; NULL if the list is empty. */
static inline struct zxp_list* zxp_list_pop_front(struct zxp_list* head) {
  struct zxp_list* node = head->next;
  if (node == head) {
    return NULL;
  }
  zxp_list_remove(node);
  return node;
}

/* Moves every node of `from` to the end of `to`. */
static inline void zxp_list_splice_back(struct zxp_list* to, struct zxp_list* from) {
  if (!zxp_list_empty(from)) {
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    zxp_list_init(from);
  }
}

/* Walks the list; the current node must stay on it. */
#define ZXP_LIST_FOREACH(it, head) \
  for (struct zxp_list* it = (head)->next; it != (head); it = it->next)

/* Walks the list; the current node may be removed or freed. */
#define ZXP_LIST_FOREACH_SAFE(it, head)                                         \
  for (struct zxp_list* it = (head)->next, *it##_next = it->next; it != (head); \
       it = it##_next, it##_next = it->next)

#endif /* ZXP_BASE_LIST_H_ */
