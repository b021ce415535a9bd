/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Intrusive ordered map from uint64_t to node: an AVL tree.
 *
 * Used wherever something sparse is kept in order of offset or address: leaves of a page map, zero
 * intervals, outstanding requests, extents, mappings. Keys are unique in one tree. Nodes live in
 * their owner's structure (ZXP_CONTAINER_OF leads back), so inserting never allocates and never
 * fails. No lock of its own: the owner's lock guards the tree.
 *
 * Typical use:
 *
 *   struct zxp_tree_node* n = zxp_tree_floor(&map->intervals, page);   // start <= page
 *   for (n = zxp_tree_ceil(&t, from); n != NULL && n->key < to; n = zxp_tree_next(n)) { ... }
 *
 * A node's key may be changed in place (`n->key = k`) as long as the order stays the same.
 */
#ifndef ZXP_BASE_TREE_H_
#define ZXP_BASE_TREE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zxp_tree_node {
  uint64_t key;
  struct zxp_tree_node* child[2];
  uintptr_t parent_balance; /* parent pointer; balance + 1 in the two low bits */
};

struct zxp_tree {
  struct zxp_tree_node* root;
  size_t count;
};

static inline void zxp_tree_init(struct zxp_tree* t) {
  t->root = NULL;
  t->count = 0;
}

static inline bool zxp_tree_empty(const struct zxp_tree* t) { return t->root == NULL; }

/* Puts `node` in under `key`. The key must not be in the tree yet (asserted). */
void zxp_tree_insert(struct zxp_tree* t, struct zxp_tree_node* node, uint64_t key);

/* Takes `node` out; it must be in `t`. */
void zxp_tree_remove(struct zxp_tree* t, struct zxp_tree_node* node);

/*
 * For trees whose nodes also say something about their whole subtree, such as its largest gap.
 * `update` works that out anew from the node itself and from what its children (`child`, may be
 * NULL) say, which is right already. A tree is changed by these two functions only, or never by
 * them.
 */
typedef void (*zxp_tree_update)(struct zxp_tree_node* node);
void zxp_tree_insert_updating(struct zxp_tree* t, struct zxp_tree_node* node, uint64_t key,
                              zxp_tree_update update);
void zxp_tree_remove_updating(struct zxp_tree* t, struct zxp_tree_node* node,
                              zxp_tree_update update);

/* The node with exactly this key, or NULL. */
struct zxp_tree_node* zxp_tree_find(const struct zxp_tree* t, uint64_t key);

/* The node with the largest key <= `key`, or NULL. */
struct zxp_tree_node* zxp_tree_floor(const struct zxp_tree* t, uint64_t key);

/* The node with the smallest key >= `key`, or NULL. */
struct zxp_tree_node* zxp_tree_ceil(const struct zxp_tree* t, uint64_t key);

/* First, last, and neighbours in key order; NULL at the ends. */
struct zxp_tree_node* zxp_tree_first(const struct zxp_tree* t);
struct zxp_tree_node* zxp_tree_last(const struct zxp_tree* t);
struct zxp_tree_node* zxp_tree_next(const struct zxp_tree_node* node);
struct zxp_tree_node* zxp_tree_prev(const struct zxp_tree_node* node);

/* Whether order, balance and parent links hold everywhere; for tests and debug assertions. */
bool zxp_tree_check(const struct zxp_tree* t);

#endif /* ZXP_BASE_TREE_H_ */
