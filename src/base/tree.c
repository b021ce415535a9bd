/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/tree.h"

#include "base/assert.h"

/* Nodes are at least 8-aligned, so two low bits of the parent pointer are free. They hold the
 * balance factor plus one: height(right) - height(left) + 1, in 0..2. */
#define BALANCE_MASK ((uintptr_t)3)

static struct zxp_tree_node* parent_of(const struct zxp_tree_node* n) {
  return (struct zxp_tree_node*)(n->parent_balance & ~BALANCE_MASK);
}

static int balance_of(const struct zxp_tree_node* n) {
  return (int)(n->parent_balance & BALANCE_MASK) - 1;
}

static void set_parent(struct zxp_tree_node* n, struct zxp_tree_node* parent) {
  n->parent_balance = (uintptr_t)parent | (n->parent_balance & BALANCE_MASK);
}

static void set_balance(struct zxp_tree_node* n, int balance) {
  n->parent_balance = (n->parent_balance & ~BALANCE_MASK) | (uintptr_t)(balance + 1);
}

static int side_of(const struct zxp_tree_node* parent, const struct zxp_tree_node* child) {
  return parent->child[1] == child;
}

static void replace_child(struct zxp_tree* t, struct zxp_tree_node* parent,
                          struct zxp_tree_node* old, struct zxp_tree_node* now) {
  if (parent == NULL) {
    t->root = now;
  } else {
    parent->child[side_of(parent, old)] = now;
  }
}

/* From `n` up to the root. `update` is NULL for a tree that keeps nothing about subtrees. */
static void update_upwards(struct zxp_tree_node* n, zxp_tree_update update) {
  for (; update != NULL && n != NULL; n = parent_of(n)) {
    update(n);
  }
}

/* Lifts n->child[side] over n and returns it; balances are the caller's. */
static struct zxp_tree_node* rotate(struct zxp_tree* t, struct zxp_tree_node* n, int side,
                                    zxp_tree_update update) {
  struct zxp_tree_node* up = n->child[side];
  struct zxp_tree_node* parent = parent_of(n);
  n->child[side] = up->child[!side];
  if (n->child[side] != NULL) {
    set_parent(n->child[side], n);
  }
  up->child[!side] = n;
  replace_child(t, parent, n, up);
  set_parent(up, parent);
  set_parent(n, up);
  if (update != NULL) {
    update(n);
    update(up); /* Those above have the same subtree as before. */
  }
  return up;
}

/* `n` leans by two to `side`. Returns the new top of the subtree; its balance tells whether the
 * subtree got lower (0) or not. */
static struct zxp_tree_node* rebalance(struct zxp_tree* t, struct zxp_tree_node* n, int side,
                                       zxp_tree_update update) {
  const int lean = side ? 1 : -1;
  struct zxp_tree_node* c = n->child[side];
  if (balance_of(c) == -lean) {
    struct zxp_tree_node* g = c->child[!side];
    const int gb = balance_of(g);
    rotate(t, c, !side, update);
    rotate(t, n, side, update);
    set_balance(n, gb == lean ? -lean : 0);
    set_balance(c, gb == -lean ? lean : 0);
    set_balance(g, 0);
    return g;
  }
  const int cb = balance_of(c);
  rotate(t, n, side, update);
  set_balance(n, cb == 0 ? lean : 0);
  set_balance(c, cb == 0 ? -lean : 0);
  return c;
}

void zxp_tree_insert(struct zxp_tree* t, struct zxp_tree_node* node, uint64_t key) {
  zxp_tree_insert_updating(t, node, key, NULL);
}

void zxp_tree_insert_updating(struct zxp_tree* t, struct zxp_tree_node* node, uint64_t key,
                              zxp_tree_update update) {
  struct zxp_tree_node* parent = NULL;
  struct zxp_tree_node** at = &t->root;
  while (*at != NULL) {
    parent = *at;
    ZXP_ASSERT(key != parent->key);
    at = &parent->child[key > parent->key];
  }
  node->key = key;
  node->child[0] = node->child[1] = NULL;
  node->parent_balance = (uintptr_t)parent | 1;
  *at = node;
  t->count++;
  update_upwards(node, update);

  for (struct zxp_tree_node* n = node; parent != NULL; n = parent, parent = parent_of(n)) {
    const int side = side_of(parent, n);
    const int b = balance_of(parent) + (side ? 1 : -1);
    if (b == 2 || b == -2) {
      rebalance(t, parent, side, update);
      return;
    }
    set_balance(parent, b);
    if (b == 0) {
      return;
    }
  }
}

/* The subtree on `side` of `parent` got lower by one: repair upwards. */
static void shrink_fixup(struct zxp_tree* t, struct zxp_tree_node* parent, int side,
                         zxp_tree_update update) {
  while (parent != NULL) {
    const int b = balance_of(parent) + (side ? -1 : 1);
    struct zxp_tree_node* top = parent;
    if (b == 2 || b == -2) {
      top = rebalance(t, parent, b == 2, update);
      if (balance_of(top) != 0) {
        return;
      }
    } else {
      set_balance(parent, b);
      if (b != 0) {
        return;
      }
    }
    parent = parent_of(top);
    if (parent != NULL) {
      side = side_of(parent, top);
    }
  }
}

void zxp_tree_remove(struct zxp_tree* t, struct zxp_tree_node* node) {
  zxp_tree_remove_updating(t, node, NULL);
}

void zxp_tree_remove_updating(struct zxp_tree* t, struct zxp_tree_node* node,
                              zxp_tree_update update) {
  struct zxp_tree_node* fix_parent;
  int fix_side = 0;

  if (node->child[0] != NULL && node->child[1] != NULL) {
    /* Put the next node in order, which has no left child, in this one's place. */
    struct zxp_tree_node* next = node->child[1];
    while (next->child[0] != NULL) {
      next = next->child[0];
    }
    struct zxp_tree_node* next_parent = parent_of(next);
    if (next_parent == node) {
      fix_parent = next;
      fix_side = 1;
    } else {
      fix_parent = next_parent;
      next_parent->child[0] = next->child[1];
      if (next->child[1] != NULL) {
        set_parent(next->child[1], next_parent);
      }
      next->child[1] = node->child[1];
      set_parent(next->child[1], next);
    }
    next->child[0] = node->child[0];
    set_parent(next->child[0], next);
    replace_child(t, parent_of(node), node, next);
    next->parent_balance = node->parent_balance;
  } else {
    struct zxp_tree_node* child = node->child[node->child[0] == NULL];
    fix_parent = parent_of(node);
    if (fix_parent != NULL) {
      fix_side = side_of(fix_parent, node);
    }
    replace_child(t, fix_parent, node, child);
    if (child != NULL) {
      set_parent(child, fix_parent);
    }
  }
  node->child[0] = node->child[1] = NULL;
  node->parent_balance = 1;
  t->count--;
  update_upwards(fix_parent, update);
  shrink_fixup(t, fix_parent, fix_side, update);
}

struct zxp_tree_node* zxp_tree_find(const struct zxp_tree* t, uint64_t key) {
  struct zxp_tree_node* n = t->root;
  while (n != NULL && n->key != key) {
    n = n->child[key > n->key];
  }
  return n;
}

struct zxp_tree_node* zxp_tree_floor(const struct zxp_tree* t, uint64_t key) {
  struct zxp_tree_node* best = NULL;
  for (struct zxp_tree_node* n = t->root; n != NULL;) {
    if (n->key <= key) {
      best = n;
      n = n->child[1];
    } else {
      n = n->child[0];
    }
  }
  return best;
}

struct zxp_tree_node* zxp_tree_ceil(const struct zxp_tree* t, uint64_t key) {
  struct zxp_tree_node* best = NULL;
  for (struct zxp_tree_node* n = t->root; n != NULL;) {
    if (n->key >= key) {
      best = n;
      n = n->child[0];
    } else {
      n = n->child[1];
    }
  }
  return best;
}

static struct zxp_tree_node* extreme(struct zxp_tree_node* n, int side) {
  while (n != NULL && n->child[side] != NULL) {
    n = n->child[side];
  }
  return n;
}

static struct zxp_tree_node* step(const struct zxp_tree_node* n, int side) {
  if (n->child[side] != NULL) {
    return extreme(n->child[side], !side);
  }
  struct zxp_tree_node* parent = parent_of(n);
  while (parent != NULL && parent->child[side] == n) {
    n = parent;
    parent = parent_of(n);
  }
  return parent;
}

struct zxp_tree_node* zxp_tree_first(const struct zxp_tree* t) {
  return extreme(t->root, 0);
}
struct zxp_tree_node* zxp_tree_last(const struct zxp_tree* t) {
  return extreme(t->root, 1);
}
struct zxp_tree_node* zxp_tree_next(const struct zxp_tree_node* n) {
  return step(n, 1);
}
struct zxp_tree_node* zxp_tree_prev(const struct zxp_tree_node* n) {
  return step(n, 0);
}

/* Height of the subtree, or -1 if something is wrong in it. */
static int checked_height(const struct zxp_tree_node* n, const struct zxp_tree_node* parent,
                          size_t* count) {
  if (n == NULL) {
    return 0;
  }
  if (parent_of(n) != parent || (n->child[0] != NULL && n->child[0]->key >= n->key) ||
      (n->child[1] != NULL && n->child[1]->key <= n->key)) {
    return -1;
  }
  const int left = checked_height(n->child[0], n, count);
  const int right = checked_height(n->child[1], n, count);
  if (left < 0 || right < 0 || right - left != balance_of(n)) {
    return -1;
  }
  (*count)++;
  return 1 + (left > right ? left : right);
}

bool zxp_tree_check(const struct zxp_tree* t) {
  size_t count = 0;
  if (checked_height(t->root, NULL, &count) < 0 || count != t->count) {
    return false;
  }
  for (const struct zxp_tree_node* n = zxp_tree_first(t); n != NULL;) {
    const struct zxp_tree_node* next = zxp_tree_next(n);
    if (next != NULL && next->key <= n->key) {
      return false;
    }
    n = next;
  }
  return true;
}
