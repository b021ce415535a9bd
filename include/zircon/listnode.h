/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A doubly linked list whose links are part of what is linked. A list is a node like any other; an
 * empty list points at itself. A node that is in no list has null links, so list_in_list() can
 * tell. Nothing here takes a lock.
 */

#ifndef ZIRCON_LISTNODE_H_
#define ZIRCON_LISTNODE_H_

#include <stdbool.h>
#include <stddef.h>
#include <zircon/compiler.h>

__BEGIN_CDECLS

typedef struct list_node list_node_t;

struct list_node {
  list_node_t* prev;
  list_node_t* next;
};

/* ---- Nodes ---- */

#define LIST_INITIAL_VALUE(list) \
  { &(list), &(list) }
#define LIST_INITIAL_CLEARED_VALUE \
  { NULL, NULL }

static inline void list_initialize(list_node_t* list) {
  list->prev = list;
  list->next = list;
}

static inline void list_clear_node(list_node_t* item) {
  item->prev = NULL;
  item->next = NULL;
}

static inline bool list_in_list(const list_node_t* item) {
  return item->prev != NULL || item->next != NULL;
}

/* ---- Adding and removing ---- */

/* Puts new_node behind entry. */
static inline void list_add_after(list_node_t* entry, list_node_t* new_node) {
  new_node->prev = entry;
  new_node->next = entry->next;
  entry->next->prev = new_node;
  entry->next = new_node;
}

/* Puts new_node in front of entry. */
static inline void list_add_before(list_node_t* entry, list_node_t* new_node) {
  list_add_after(entry->prev, new_node);
}

static inline void list_add_head(list_node_t* list, list_node_t* item) {
  list_add_after(list, item);
}

static inline void list_add_tail(list_node_t* list, list_node_t* item) {
  list_add_after(list->prev, item);
}

static inline void list_delete(list_node_t* item) {
  item->prev->next = item->next;
  item->next->prev = item->prev;
  list_clear_node(item);
}

/* Puts new_node where old_node was. */
static inline void list_replace_node(list_node_t* old_node, list_node_t* new_node) {
  list_add_after(old_node, new_node);
  list_delete(old_node);
}

/* ---- Looking ---- */

static inline bool list_is_empty(const list_node_t* list) { return list->next == list; }

static inline size_t list_length(const list_node_t* list) {
  size_t length = 0;
  for (const list_node_t* node = list->next; node != list; node = node->next) {
    length++;
  }
  return length;
}

/* These give NULL where there is no such node. */
static inline list_node_t* list_peek_head(const list_node_t* list) {
  return list->next != list ? list->next : NULL;
}

static inline list_node_t* list_peek_tail(const list_node_t* list) {
  return list->prev != list ? list->prev : NULL;
}

static inline list_node_t* list_next(const list_node_t* list, const list_node_t* item) {
  return item->next != list ? item->next : NULL;
}

static inline list_node_t* list_prev(const list_node_t* list, const list_node_t* item) {
  return item->prev != list ? item->prev : NULL;
}

/* These go on at the other end; NULL only where item is the list itself and the list is empty. */
static inline list_node_t* list_next_wrap(const list_node_t* list, const list_node_t* item) {
  return item->next != list ? item->next : list_peek_head(list);
}

static inline list_node_t* list_prev_wrap(const list_node_t* list, const list_node_t* item) {
  return item->prev != list ? item->prev : list_peek_tail(list);
}

static inline list_node_t* list_remove_head(list_node_t* list) {
  list_node_t* item = list_peek_head(list);
  if (item != NULL) {
    list_delete(item);
  }
  return item;
}

static inline list_node_t* list_remove_tail(list_node_t* list) {
  list_node_t* item = list_peek_tail(list);
  if (item != NULL) {
    list_delete(item);
  }
  return item;
}

/* ---- Whole lists ---- */

/* Moves all of splice_from behind pos, in order, and leaves it empty. */
static inline void list_splice_after(list_node_t* splice_from, list_node_t* pos) {
  if (list_is_empty(splice_from)) {
    return;
  }
  splice_from->next->prev = pos;
  splice_from->prev->next = pos->next;
  pos->next->prev = splice_from->prev;
  pos->next = splice_from->next;
  list_initialize(splice_from);
}

/* Moves what comes behind pos in list to split_to, whose former content is forgotten. */
static inline void list_split_after(list_node_t* list, list_node_t* pos, list_node_t* split_to) {
  if (pos->next == list) {
    list_initialize(split_to);
    return;
  }
  split_to->prev = list->prev;
  split_to->next = pos->next;
  split_to->prev->next = split_to;
  split_to->next->prev = split_to;
  pos->next = list;
  list->prev = pos;
}

/* Moves all of old_list to new_list, whose former content is forgotten. */
static inline void list_move(list_node_t* old_list, list_node_t* new_list) {
  list_initialize(new_list);
  list_splice_after(old_list, new_list);
}

__END_CDECLS

/* ---- From a node to what it is part of ---- */

#ifndef containerof
#define containerof(ptr, type, member) ((type*)((char*)(ptr)-__offsetof(type, member)))
#endif

/* Of a pointer that may be NULL; evaluates it once. */
#define __LIST_CONTAINER(ptr, type, member)                              \
  (__extension__({                                                       \
    list_node_t* __list_node = (ptr);                                    \
    __list_node != NULL ? containerof(__list_node, type, member) : NULL; \
  }))

#define list_peek_head_type(list, type, member) __LIST_CONTAINER(list_peek_head(list), type, member)
#define list_peek_tail_type(list, type, member) __LIST_CONTAINER(list_peek_tail(list), type, member)
#define list_remove_head_type(list, type, member) \
  __LIST_CONTAINER(list_remove_head(list), type, member)
#define list_remove_tail_type(list, type, member) \
  __LIST_CONTAINER(list_remove_tail(list), type, member)
#define list_next_type(list, item, type, member) \
  __LIST_CONTAINER(list_next(list, item), type, member)
#define list_prev_type(list, item, type, member) \
  __LIST_CONTAINER(list_prev(list, item), type, member)
#define list_next_wrap_type(list, item, type, member) \
  __LIST_CONTAINER(list_next_wrap(list, item), type, member)
#define list_prev_wrap_type(list, item, type, member) \
  __LIST_CONTAINER(list_prev_wrap(list, item), type, member)

/* ---- Loops ---- */

/* In the forms with "safe" the current node may be removed; temp holds the next one. */
#define list_for_every(list, node) \
  for ((node) = (list)->next; (node) != (list); (node) = (node)->next)

#define list_for_every_safe(list, node, temp)                          \
  for ((node) = (list)->next, (temp) = (node)->next; (node) != (list); \
       (node) = (temp), (temp) = (node)->next)

#define list_for_every_entry(list, entry, type, member)                               \
  for ((entry) = containerof((list)->next, type, member); &(entry)->member != (list); \
       (entry) = containerof((entry)->member.next, type, member))

#define list_for_every_entry_safe(list, entry, temp, type, member) \
  for ((entry) = containerof((list)->next, type, member),          \
      (temp) = containerof((entry)->member.next, type, member);    \
       &(entry)->member != (list);                                 \
       (entry) = (temp), (temp) = containerof((temp)->member.next, type, member))

#endif  // ZIRCON_LISTNODE_H_
