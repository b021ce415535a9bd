/* SPDX-License-Identifier: BSD-3-Clause */
/* The ordered tree, against an array that says which keys are in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/tree.h"
#include "child.h"
#include "random.h"
/* After the headers that it needs and does not include. */
#include <cmocka.h>

#define KEYS 200

/* Keys lie apart and up to the largest number, so that some asked for lie between. */
static uint64_t key_of(int i) { return i == KEYS - 1 ? UINT64_MAX : (uint64_t)i * 10 + 5; }

static struct zxp_tree tree;
static struct zxp_tree_node nodes[KEYS];
static bool in[KEYS];

static int set_up(void** state) {
  (void)state;
  zxp_tree_init(&tree);
  memset(in, 0, sizeof in);
  return 0;
}

static void insert(int i) {
  zxp_tree_insert(&tree, &nodes[i], key_of(i));
  in[i] = true;
}

static void take_out(int i) {
  zxp_tree_remove(&tree, &nodes[i]);
  in[i] = false;
}

/* The nearest node that is in from `i` on, in steps of `step`; NULL if there is none. */
static struct zxp_tree_node* nearest(int i, int step) {
  while (i >= 0 && i < KEYS && !in[i]) {
    i += step;
  }
  return i >= 0 && i < KEYS ? &nodes[i] : NULL;
}

static void assert_same(void) {
  assert_true(zxp_tree_check(&tree));
  size_t count = 0;
  for (int i = 0; i < KEYS; i++) {
    const uint64_t key = key_of(i);
    count += in[i];
    assert_ptr_equal(zxp_tree_find(&tree, key), in[i] ? &nodes[i] : NULL);
    assert_null(zxp_tree_find(&tree, key - 1));
    assert_ptr_equal(zxp_tree_floor(&tree, key), nearest(i, -1));
    assert_ptr_equal(zxp_tree_floor(&tree, key - 1), nearest(i - 1, -1));
    assert_ptr_equal(zxp_tree_ceil(&tree, key), nearest(i, 1));
    assert_ptr_equal(zxp_tree_ceil(&tree, key - 1), nearest(i, 1));
    if (in[i]) {
      assert_ptr_equal(zxp_tree_next(&nodes[i]), nearest(i + 1, 1));
      assert_ptr_equal(zxp_tree_prev(&nodes[i]), nearest(i - 1, -1));
    }
  }
  assert_int_equal(tree.count, count);
  assert_int_equal(zxp_tree_empty(&tree), count == 0);
  assert_ptr_equal(zxp_tree_first(&tree), nearest(0, 1));
  assert_ptr_equal(zxp_tree_last(&tree), nearest(KEYS - 1, -1));
}

static void an_empty_tree_has_nothing(void** state) {
  (void)state;
  assert_same();
}

static void one_node_is_first_and_last(void** state) {
  (void)state;
  insert(0);
  assert_same();
  take_out(0);
  assert_same();
}

static void rising_keys_stay_in_balance(void** state) {
  (void)state;
  for (int i = 0; i < KEYS; i++) {
    insert(i);
    assert_true(zxp_tree_check(&tree));
  }
  assert_same();
  for (int i = 0; i < KEYS; i++) {
    take_out(i);
    assert_true(zxp_tree_check(&tree));
  }
  assert_same();
}

static void falling_keys_stay_in_balance(void** state) {
  (void)state;
  for (int i = KEYS - 1; i >= 0; i--) {
    insert(i);
    assert_true(zxp_tree_check(&tree));
  }
  assert_same();
  for (int i = KEYS - 1; i >= 0; i--) {
    take_out(i);
    assert_true(zxp_tree_check(&tree));
  }
  assert_same();
}

static void random_order_stays_in_balance(void** state) {
  (void)state;
  const uint64_t rounds = random_rounds(30);
  for (uint64_t round = 0; round < rounds; round++) {
    const uint64_t seed = random_seed() + round;
    struct rng rng = rng_start(seed);
    set_up(NULL);
    /* How full the tree gets differs from round to round. */
    const uint64_t of = 2 + rng_below(&rng, 6);
    for (int step = 0; step < 1000; step++) {
      const int i = (int)rng_below(&rng, KEYS);
      if (in[i]) {
        take_out(i);
      } else if (!rng_one_in(&rng, of)) {
        insert(i);
      }
      if (!zxp_tree_check(&tree)) {
        fail_msg("ZXP_SEED=%llu, step %d", (unsigned long long)seed, step);
      }
    }
    assert_same();
  }
}

/* How many nodes each subtree has, kept by the tree. */
static size_t sizes[KEYS];

static size_t size_of(const struct zxp_tree_node* n) { return n == NULL ? 0 : sizes[n - nodes]; }

static void update_size(struct zxp_tree_node* n) {
  sizes[n - nodes] = 1 + size_of(n->child[0]) + size_of(n->child[1]);
}

static size_t counted(const struct zxp_tree_node* n) {
  if (n == NULL) {
    return 0;
  }
  const size_t count = 1 + counted(n->child[0]) + counted(n->child[1]);
  assert_int_equal(size_of(n), count);
  return count;
}

static void what_nodes_say_of_their_subtrees_stays_right(void** state) {
  (void)state;
  const uint64_t seed = random_seed();
  struct rng rng = rng_start(seed);
  for (int step = 0; step < 3000; step++) {
    const int i = (int)rng_below(&rng, KEYS);
    if (in[i]) {
      zxp_tree_remove_updating(&tree, &nodes[i], update_size);
    } else {
      zxp_tree_insert_updating(&tree, &nodes[i], key_of(i), update_size);
    }
    in[i] = !in[i];
    assert_int_equal(counted(tree.root), tree.count);
  }
  assert_same();
}

static void a_key_may_change_while_the_order_stays(void** state) {
  (void)state;
  insert(1);
  insert(2);
  insert(3);
  nodes[2].key = key_of(3) - 1;
  assert_true(zxp_tree_check(&tree));
  assert_ptr_equal(zxp_tree_find(&tree, key_of(3) - 1), &nodes[2]);
  nodes[2].key = key_of(3);
  assert_false(zxp_tree_check(&tree));
}

static void the_check_finds_damage(void** state) {
  (void)state;
  for (int i = 0; i < 20; i++) {
    insert(i);
  }
  tree.count++;
  assert_false(zxp_tree_check(&tree));
  tree.count--;
  struct zxp_tree_node* const first = zxp_tree_first(&tree);
  first->parent_balance ^= 3;
  assert_false(zxp_tree_check(&tree));
  first->parent_balance ^= 3;
  assert_true(zxp_tree_check(&tree));
}

static int insert_twice(void) {
  struct zxp_tree_node other;
  insert(5);
  zxp_tree_insert(&tree, &other, key_of(5));
  return 0;
}

static void a_key_goes_in_once(void** state) {
  (void)state;
  assert_dies(insert_twice, "key");
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_empty_tree_has_nothing),
      TEST(one_node_is_first_and_last),
      TEST(rising_keys_stay_in_balance),
      TEST(falling_keys_stay_in_balance),
      TEST(random_order_stays_in_balance),
      TEST(a_key_may_change_while_the_order_stays),
      TEST(the_check_finds_damage),
      TEST(a_key_goes_in_once),
      TEST(what_nodes_say_of_their_subtrees_stays_right),
  };
  return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
