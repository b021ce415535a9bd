/* SPDX-License-Identifier: BSD-3-Clause */
/* Places of threads: src/base/visitor.h. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/visitor.h"
/* After the headers that it needs and does not include. */
#include <cmocka.h>

#define MORE 8
#define MANY (ZXP_VISITORS_MAX + MORE)

static pthread_barrier_t all_there;
static struct zxp_visitor* places[MANY];

static void* take_a_place(void* context) {
  struct zxp_visitor** place = context;
  *place = zxp_visitor_self();
  if (zxp_visitor_self() != *place) {
    *place = NULL;
  }
  if (*place != NULL) {
    /* As if a signal handler had jumped out of a visit. */
    atomic_store(&(*place)->lock, 1);
    atomic_store(&(*place)->handle, 1);
  }
  pthread_barrier_wait(&all_there);
  return NULL;
}

static unsigned take_many(unsigned count) {
  static pthread_t threads[MANY];
  unsigned placed = 0;
  assert_int_equal(pthread_barrier_init(&all_there, NULL, count), 0);
  for (unsigned i = 0; i < count; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, take_a_place, &places[i]), 0);
  }
  for (unsigned i = 0; i < count; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    placed += places[i] != NULL;
  }
  pthread_barrier_destroy(&all_there);
  return placed;
}

static void each_thread_has_a_place_of_its_own(void** state) {
  (void)state;
  struct zxp_visitor* mine = zxp_visitor_self();
  assert_non_null(mine);
  assert_ptr_equal(zxp_visitor_self(), mine);
  assert_int_equal(take_many(3), 3);
  for (int i = 0; i < 3; i++) {
    assert_ptr_not_equal(places[i], mine);
    assert_ptr_not_equal(places[i], places[(i + 1) % 3]);
    assert_true((unsigned)(places[i] - zxp_visitors) < zxp_visitor_count());
  }
}

static void places_are_used_again(void** state) {
  (void)state;
  for (int i = 0; i < 20; i++) {
    assert_int_equal(take_many(3), 3);
  }
  assert_true(zxp_visitor_count() <= 4); /* with the main thread's */
}

static void visits_end_with_their_thread(void** state) {
  (void)state;
  assert_int_equal(take_many(3), 3);
  for (unsigned i = 0; i < ZXP_VISITORS_MAX; i++) {
    assert_int_equal(atomic_load(&zxp_visitors[i].lock), 0);
    assert_int_equal(atomic_load(&zxp_visitors[i].handle), 0);
  }
}

static void threads_beyond_the_places_have_none(void** state) {
  (void)state;
  /* The main thread has one. */
  assert_int_equal(take_many(MANY), ZXP_VISITORS_MAX - 1);
  assert_int_equal(zxp_visitor_count(), ZXP_VISITORS_MAX);
  assert_int_equal(take_many(3), 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_thread_has_a_place_of_its_own),
      cmocka_unit_test(places_are_used_again),
      cmocka_unit_test(visits_end_with_their_thread),
      cmocka_unit_test(threads_beyond_the_places_have_none),
  };
  return cmocka_run_group_tests_name("visitors", tests, NULL, NULL);
}
