/* SPDX-License-Identifier: BSD-3-Clause */
/* The lock of src/base/quick_lock.h. */
#include "base/quick_lock.h"

#include "support.h"

static struct zxp_quick_lock lock;
static unsigned long guarded;

static zx_status_t count(void* argument) {
  const unsigned rounds = *(unsigned*)argument;
  for (unsigned i = 0; i < rounds; i++) {
    zxp_quick_lock(&lock);
    guarded++;
    zxp_quick_unlock(&lock);
  }
  return ZX_OK;
}

static void one_thread_at_a_time_has_it(void** state) {
  (void)state;
  unsigned rounds = 20000;
  struct thread threads[4];
  zxp_quick_lock_init(&lock, ZXP_RANK_LEAF);
  guarded = 0;
  for (int i = 0; i < 4; i++) {
    thread_start(&threads[i], count, &rounds);
  }
  for (int i = 0; i < 4; i++) {
    assert_ok(thread_join(&threads[i]));
  }
  assert_int_equal(guarded, 4 * rounds);
}

static atomic_bool has_it;

static zx_status_t take_once(void* argument) {
  (void)argument;
  zxp_quick_lock(&lock);
  atomic_store(&has_it, true);
  zxp_quick_unlock(&lock);
  return ZX_OK;
}

/* Held far longer than anybody spins, so that the others sleep. */
static void sleeping_waiters_are_woken(void** state) {
  (void)state;
  struct thread threads[3];
  zxp_quick_lock_init(&lock, ZXP_RANK_LEAF);
  atomic_store(&has_it, false);
  zxp_quick_lock(&lock);
  for (int i = 0; i < 3; i++) {
    thread_start(&threads[i], take_once, NULL);
  }
  while (atomic_load(&lock.state) != 2) { /* somebody may sleep on it */
    assert_ok(zx_nanosleep(zx_deadline_after(ZX_USEC(50))));
  }
  assert_false(atomic_load(&has_it));
  zxp_quick_unlock(&lock);
  for (int i = 0; i < 3; i++) {
    assert_ok(thread_join(&threads[i]));
  }
  assert_true(atomic_load(&has_it));
  assert_int_equal(atomic_load(&lock.state), 0);
}

static void trylock_fails_while_it_is_held(void** state) {
  (void)state;
  zxp_quick_lock_init(&lock, ZXP_RANK_LEAF);
  assert_true(zxp_quick_trylock(&lock));
  assert_false(zxp_quick_trylock(&lock));
  zxp_quick_unlock(&lock);
  assert_true(zxp_quick_trylock(&lock));
  zxp_quick_unlock(&lock);
}

static struct zxp_quick_lock another;

static zx_status_t take_both(void* argument) {
  const bool turned = *(bool*)argument;
  for (int i = 0; i < 20000; i++) {
    zxp_quick_lock_pair(turned ? &another : &lock, turned ? &lock : &another);
    guarded++;
    zxp_quick_unlock_pair(&lock, &another);
  }
  return ZX_OK;
}

/* Two threads that name them in different orders would stop each other if the order counted. */
static void two_locks_are_taken_in_one_order_however_named(void** state) {
  (void)state;
  bool turned[] = {false, true, false, true};
  struct thread threads[4];
  zxp_quick_lock_init(&lock, ZXP_RANK_LEAF);
  zxp_quick_lock_init(&another, ZXP_RANK_LEAF);
  guarded = 0;
  for (int i = 0; i < 4; i++) {
    thread_start(&threads[i], take_both, &turned[i]);
  }
  for (int i = 0; i < 4; i++) {
    assert_ok(thread_join(&threads[i]));
  }
  assert_int_equal(guarded, 4 * 20000);
}

static void a_lock_paired_with_itself_is_taken_once(void** state) {
  (void)state;
  zxp_quick_lock_init(&lock, ZXP_RANK_LEAF);
  zxp_quick_lock_pair(&lock, &lock);
  assert_int_equal(atomic_load(&lock.state), 1);
  zxp_quick_unlock_pair(&lock, &lock);
  assert_int_equal(atomic_load(&lock.state), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_thread_at_a_time_has_it),
      cmocka_unit_test(sleeping_waiters_are_woken),
      cmocka_unit_test(trylock_fails_while_it_is_held),
      cmocka_unit_test(two_locks_are_taken_in_one_order_however_named),
      cmocka_unit_test(a_lock_paired_with_itself_is_taken_once),
  };
  return cmocka_run_group_tests_name("quick_lock", tests, NULL, NULL);
}
