/* SPDX-License-Identifier: BSD-3-Clause */
/* Locks, and the check of their order, which debug builds have. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"
#include "base/rwlock.h"
#include "child.h"
/* After the headers that it needs and does not include. */
#include <cmocka.h>

/* Of rank TREE; their addresses are in order. */
static struct zxp_mutex trees[2];
static struct zxp_mutex port;
static struct zxp_mutex leaf;
static struct zxp_rwlock aspace;
static struct zxp_mutex from_initializer = ZXP_MUTEX_INITIALIZER(ZXP_RANK_TABLE);
static struct zxp_rwlock rw_from_initializer = ZXP_RWLOCK_INITIALIZER(ZXP_RANK_LEAF);

static int set_up(void** state) {
  (void)state;
  zxp_mutex_init(&trees[0], ZXP_RANK_TREE);
  zxp_mutex_init(&trees[1], ZXP_RANK_TREE);
  zxp_mutex_init(&port, ZXP_RANK_PORT);
  zxp_mutex_init(&leaf, ZXP_RANK_LEAF);
  zxp_rwlock_init(&aspace, ZXP_RANK_ASPACE);
  return 0;
}

static int tear_down(void** state) {
  (void)state;
  zxp_mutex_destroy(&trees[0]);
  zxp_mutex_destroy(&trees[1]);
  zxp_mutex_destroy(&port);
  zxp_mutex_destroy(&leaf);
  return 0;
}

/* ---- What is allowed ---- */

static void locks_are_taken_downwards(void** state) {
  (void)state;
  zxp_rwlock_write(&aspace);
  zxp_mutex_lock(&trees[0]);
  zxp_mutex_lock(&port);
  zxp_mutex_lock(&from_initializer);
  zxp_rwlock_read(&rw_from_initializer);
  zxp_rwlock_unlock(&rw_from_initializer);
  zxp_mutex_unlock(&from_initializer);
  zxp_mutex_unlock(&port);
  zxp_mutex_unlock(&trees[0]);
  zxp_rwlock_unlock(&aspace);
}

static void locks_are_released_in_any_order(void** state) {
  (void)state;
  zxp_mutex_lock(&trees[0]);
  zxp_mutex_lock(&port);
  zxp_mutex_lock(&leaf);
  zxp_mutex_unlock(&trees[0]);
  ZXP_ASSERT_HELD(&port);
  ZXP_ASSERT_HELD(&leaf);
  zxp_mutex_unlock(&port);
  zxp_mutex_unlock(&leaf);
  /* Nothing is left that would forbid this. */
  zxp_mutex_lock(&trees[0]);
  zxp_mutex_unlock(&trees[0]);
}

static void a_pair_is_locked_in_either_order(void** state) {
  (void)state;
  zxp_mutex_lock_pair(&trees[0], &trees[1]);
  ZXP_ASSERT_HELD(&trees[0]);
  ZXP_ASSERT_HELD(&trees[1]);
  zxp_mutex_unlock_pair(&trees[0], &trees[1]);
  zxp_mutex_lock_pair(&trees[1], &trees[0]);
  zxp_mutex_lock(&port);
  zxp_mutex_unlock(&port);
  zxp_mutex_unlock_pair(&trees[1], &trees[0]);
}

static void a_pair_of_one_is_locked_once(void** state) {
  (void)state;
  zxp_mutex_lock_pair(&trees[0], &trees[0]);
  zxp_mutex_unlock_pair(&trees[0], &trees[0]);
  zxp_mutex_lock(&trees[0]);
  zxp_mutex_unlock(&trees[0]);
}

/* ---- Several threads ---- */

#define TURNS 2000

static int counter;

static void* count_up(void* context) {
  (void)context;
  for (int i = 0; i < TURNS; i++) {
    zxp_mutex_lock_pair(&trees[i % 2], &trees[(i + 1) % 2]);
    counter++;
    zxp_mutex_unlock_pair(&trees[i % 2], &trees[(i + 1) % 2]);
  }
  return NULL;
}

/* Two threads that name a pair in opposite orders don't lock each other out. */
static void pairs_exclude_each_other(void** state) {
  (void)state;
  pthread_t threads[2];
  counter = 0;
  for (int i = 0; i < 2; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, count_up, NULL), 0);
  }
  for (int i = 0; i < 2; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  }
  assert_int_equal(counter, 2 * TURNS);
}

static void* read_too(void* context) {
  (void)context;
  zxp_rwlock_read(&aspace);
  zxp_rwlock_unlock(&aspace);
  return NULL;
}

static void readers_share(void** state) {
  (void)state;
  pthread_t thread;
  zxp_rwlock_read(&aspace);
  assert_int_equal(pthread_create(&thread, NULL, read_too, NULL), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  zxp_rwlock_unlock(&aspace);
}

static void* lock_the_first(void* context) {
  (void)context;
  zxp_mutex_lock(&trees[0]);
  zxp_mutex_unlock(&trees[0]);
  return NULL;
}

/* A thread's locks are its own: what this one holds forbids the other nothing. */
static void order_is_a_matter_of_one_thread(void** state) {
  (void)state;
  pthread_t thread;
  zxp_mutex_lock(&port);
  assert_int_equal(pthread_create(&thread, NULL, lock_the_first, NULL), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  zxp_mutex_unlock(&port);
}

/* ---- What is not; debug builds only ---- */

static int take_upwards(void) {
  zxp_mutex_lock(&port);
  zxp_mutex_lock(&trees[0]);
  return 0;
}

static int take_upwards_for_reading(void) {
  zxp_mutex_lock(&trees[0]);
  zxp_rwlock_read(&aspace);
  return 0;
}

static int take_above_one_of_several(void) {
  zxp_mutex_lock(&trees[0]);
  zxp_mutex_lock(&leaf);
  zxp_mutex_lock(&port);
  return 0;
}

static int take_two_of_a_rank(void) {
  zxp_mutex_lock(&trees[0]);
  zxp_mutex_lock(&trees[1]);
  return 0;
}

static int take_a_pair_below_one_of_its_rank(void) {
  static struct zxp_mutex third;
  zxp_mutex_init(&third, ZXP_RANK_TREE);
  zxp_mutex_lock(&third);
  zxp_mutex_lock_pair(&trees[0], &trees[1]);
  return 0;
}

static int take_twice(void) {
  zxp_mutex_lock(&leaf);
  zxp_mutex_lock(&leaf);
  return 0;
}

static int read_twice(void) {
  zxp_rwlock_read(&aspace);
  zxp_rwlock_read(&aspace);
  return 0;
}

static int release_what_is_free(void) {
  zxp_mutex_unlock(&leaf);
  return 0;
}

static int claim_to_hold(void) {
  ZXP_ASSERT_HELD(&leaf);
  return 0;
}

static int claim_to_hold_what_was_released(void) {
  zxp_mutex_lock(&leaf);
  zxp_mutex_unlock(&leaf);
  ZXP_ASSERT_HELD(&leaf);
  return 0;
}

static void a_wrong_order_ends_the_process(void** state) {
  (void)state;
  if (!ZXP_DEBUG) {
    print_message("skipped: ranks are checked in debug builds only\n");
    skip();
  }
  assert_dies(take_upwards, "rank");
  assert_dies(take_upwards_for_reading, "rank");
  assert_dies(take_above_one_of_several, "rank");
  assert_dies(take_two_of_a_rank, "rank");
  assert_dies(take_a_pair_below_one_of_its_rank, "rank");
}

static void taking_a_lock_twice_ends_the_process(void** state) {
  (void)state;
  if (!ZXP_DEBUG) {
    print_message("skipped: ranks are checked in debug builds only\n");
    skip();
  }
  assert_dies(take_twice, "lock");
  assert_dies(read_twice, "lock");
}

static void a_lock_that_is_not_held_is_noticed(void** state) {
  (void)state;
  if (!ZXP_DEBUG) {
    print_message("skipped: ranks are checked in debug builds only\n");
    skip();
  }
  assert_dies(release_what_is_free, "not held");
  assert_dies(claim_to_hold, "zxp_rank_held");
  assert_dies(claim_to_hold_what_was_released, "zxp_rank_held");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(locks_are_taken_downwards),
      TEST(locks_are_released_in_any_order),
      TEST(a_pair_is_locked_in_either_order),
      TEST(a_pair_of_one_is_locked_once),
      TEST(pairs_exclude_each_other),
      TEST(readers_share),
      TEST(order_is_a_matter_of_one_thread),
      TEST(a_wrong_order_ends_the_process),
      TEST(taking_a_lock_twice_ends_the_process),
      TEST(a_lock_that_is_not_held_is_noticed),
  };
  return cmocka_run_group_tests_name("locks", tests, NULL, NULL);
}
