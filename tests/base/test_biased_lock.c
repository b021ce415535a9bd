/* SPDX-License-Identifier: BSD-3-Clause */
/* The lock of src/base/biased_lock.h. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/biased_lock.h"
#include "child.h"
/* After the headers that it needs and does not include. */
#include <cmocka.h>

static struct zxp_biased_lock lock;
static struct zxp_biased_lock other;
static int parts[2]; /* of what the lock guards */

static int set_up(void** state) {
  (void)state;
  zxp_biased_init(&lock, ZXP_RANK_TREE);
  zxp_biased_init(&other, ZXP_RANK_TREE);
  return 0;
}

static int tear_down(void** state) {
  (void)state;
  return 0;
}

static void hold_quietly(struct zxp_biased_lock* l, bool writes) {
  zxp_biased_lock(l);
  zxp_biased_quiet(l, writes);
  zxp_biased_unlock(l);
}

/* Quiet holds until they have brought it. */
static void bias_by(struct zxp_biased_lock* l, bool writes) {
  for (int i = 0; i < 1000 && atomic_load(&l->bias) == ZXP_BIAS_NONE; i++) {
    hold_quietly(l, writes);
  }
  ZXP_ASSERT(atomic_load(&l->bias) != ZXP_BIAS_NONE); /* in children of the test too */
}

static void bias(struct zxp_biased_lock* l) { bias_by(l, false); }

static bool can_visit(bool writes) {
  struct zxp_visitor* v = zxp_biased_visit(&lock, &parts[0], 0, 1, writes);
  if (v != NULL) {
    zxp_biased_leave(&lock, v);
  }
  return v != NULL;
}

/* ---- When visits can be made ---- */

static void visits_begin_after_some_quiet_holds(void** state) {
  (void)state;
  assert_false(can_visit(false));
  hold_quietly(&lock, false);
  assert_false(can_visit(false));
  bias(&lock);
  assert_true(can_visit(false));
  assert_true(can_visit(true));
}

static void quiet_holds_that_write_do_as_well(void** state) {
  (void)state;
  bias_by(&lock, true);
  assert_true(can_visit(true));
  assert_true(can_visit(false));
}

static void a_change_takes_the_bias_away(void** state) {
  (void)state;
  bias(&lock);
  zxp_biased_lock(&lock);
  zxp_biased_unlock(&lock);
  assert_false(can_visit(false));
  bias(&lock);
  zxp_biased_lock_pair(&other, &lock);
  zxp_biased_unlock_pair(&other, &lock);
  assert_false(can_visit(false));
}

static void a_look_leaves_the_bias(void** state) {
  (void)state;
  bias(&lock);
  zxp_biased_look(&lock);
  ZXP_ASSERT_HELD(&lock);
  zxp_biased_unlock(&lock);
  assert_true(can_visit(false));
}

struct trial {
  bool taken;
};

static void* try_once(void* context) {
  struct trial* trial = context;
  trial->taken = zxp_biased_try_lock(&lock);
  if (trial->taken) {
    zxp_biased_unlock(&lock);
  }
  return NULL;
}

static bool can_take(void) {
  pthread_t thread;
  struct trial trial = {false};
  assert_int_equal(pthread_create(&thread, NULL, try_once, &trial), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  return trial.taken;
}

/* For dumps, which wait for nobody. */
static void a_trial_takes_the_lock_if_nobody_is_in(void** state) {
  (void)state;
  assert_true(can_take());
  bias(&lock);
  assert_true(can_take());
  assert_false(can_visit(false));
  bias(&lock);
  struct zxp_visitor* v = zxp_biased_visit(&lock, &parts[0], 0, 1, false);
  assert_non_null(v);
  assert_false(can_take());
  zxp_biased_leave(&lock, v);
  assert_true(can_visit(false)); /* the next change knows that there may be visits */
  zxp_biased_look(&lock);
  assert_false(can_take());
  zxp_biased_unlock(&lock);
}

/* Else readers would look for writers for good. */
static void writers_that_have_gone_are_forgotten(void** state) {
  (void)state;
  bias(&lock);
  assert_true(can_visit(true));
  assert_int_equal(atomic_load(&lock.bias), ZXP_BIAS_WRITES);
  int visits = 0;
  while (can_visit(false)) {
    assert_true(visits++ < 100000);
  }
  zxp_biased_lock(&lock); /* as those do who are refused */
  zxp_biased_unlock(&lock);
  bias(&lock);
  assert_int_equal(atomic_load(&lock.bias), ZXP_BIAS_READS);
}

static void a_visit_in_a_visit_is_refused(void** state) {
  (void)state;
  bias(&lock);
  bias(&other);
  struct zxp_visitor* v = zxp_biased_visit(&lock, &parts[0], 0, 1, false);
  assert_non_null(v);
  assert_null(zxp_biased_visit(&other, &parts[0], 0, 1, false));
  assert_null(zxp_biased_visit(&lock, &parts[0], 0, 1, false));
  zxp_biased_leave(&lock, v);
  assert_true(can_visit(false));
}

/* ---- Who meets whom: the main thread is in while another comes ---- */

struct visit {
  const void* of;
  uint64_t first;
  uint64_t end;
  bool writes;
  bool made;
};

static void* make_visit(void* context) {
  struct visit* visit = context;
  struct zxp_visitor* v =
      zxp_biased_visit(&lock, visit->of, visit->first, visit->end, visit->writes);
  visit->made = v != NULL;
  if (v != NULL) {
    zxp_biased_leave(&lock, v);
  }
  return NULL;
}

static bool can_visit_together(bool here_writes, struct visit there) {
  pthread_t thread;
  zxp_biased_lock(&lock); /* what was before says nothing */
  zxp_biased_unlock(&lock);
  bias(&lock);
  struct zxp_visitor* v = zxp_biased_visit(&lock, &parts[0], 10, 20, here_writes);
  assert_non_null(v);
  assert_int_equal(pthread_create(&thread, NULL, make_visit, &there), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  zxp_biased_leave(&lock, v);
  return there.made;
}

static void readers_do_not_meet(void** state) {
  (void)state;
  assert_true(can_visit_together(false, (struct visit){&parts[0], 10, 20, false, false}));
}

static void a_writer_meets_readers_and_writers_of_its_range(void** state) {
  (void)state;
  assert_false(can_visit_together(false, (struct visit){&parts[0], 10, 20, true, false}));
  assert_false(can_visit_together(true, (struct visit){&parts[0], 10, 20, false, false}));
  assert_false(can_visit_together(true, (struct visit){&parts[0], 10, 20, true, false}));
  assert_false(can_visit_together(true, (struct visit){&parts[0], 19, 30, false, false}));
  assert_false(can_visit_together(false, (struct visit){&parts[0], 0, 11, true, false}));
}

static void a_writer_meets_nobody_elsewhere(void** state) {
  (void)state;
  assert_true(can_visit_together(true, (struct visit){&parts[0], 20, 30, true, false}));
  assert_true(can_visit_together(true, (struct visit){&parts[0], 0, 10, false, false}));
  assert_true(can_visit_together(false, (struct visit){&parts[0], 0, 10, true, false}));
  assert_true(can_visit_together(true, (struct visit){&parts[1], 10, 20, true, false}));
}

/* ---- A change and those who are in ---- */

static atomic_bool changed;

static void* change(void* context) {
  (void)context;
  zxp_biased_lock(&lock);
  atomic_store(&changed, true);
  zxp_biased_unlock(&lock);
  return NULL;
}

static void a_change_waits_for_those_who_are_in(void** state) {
  (void)state;
  pthread_t thread;
  atomic_store(&changed, false);
  bias(&lock);
  struct zxp_visitor* v = zxp_biased_visit(&lock, &parts[0], 0, 1, false);
  assert_non_null(v);
  assert_int_equal(pthread_create(&thread, NULL, change, NULL), 0);
  while (atomic_load(&lock.bias) != ZXP_BIAS_NONE) { /* it has come, and looks for visits */
    sched_yield();
  }
  for (int i = 0; i < 1000; i++) {
    assert_false(atomic_load(&changed));
    sched_yield();
  }
  zxp_biased_leave(&lock, v);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_true(atomic_load(&changed));
}

static void* look(void* context) {
  (void)context;
  zxp_biased_look(&lock);
  zxp_biased_unlock(&lock);
  /* Another lock's visits are nobody's business here. */
  zxp_biased_lock(&other);
  zxp_biased_unlock(&other);
  return NULL;
}

static void neither_a_look_nor_another_lock_waits(void** state) {
  (void)state;
  pthread_t thread;
  bias(&lock);
  bias(&other);
  struct zxp_visitor* v = zxp_biased_visit(&lock, &parts[0], 0, 1, false);
  assert_non_null(v);
  assert_int_equal(pthread_create(&thread, NULL, look, NULL), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  zxp_biased_leave(&lock, v);
}

/* ---- All at once ---- */

#define CELLS 4
#define TURNS 6000

/* Plain memory: what is not ordered is a data race to ThreadSanitizer. */
static struct {
  unsigned generation; /* changed under the lock alone */
  unsigned again;      /* the same */
  struct {
    unsigned count;
    unsigned again;
  } cells[CELLS]; /* visits that write do so to their cells */
} guarded;

struct turns {
  unsigned seed;
  unsigned changes;
  unsigned writes;
  unsigned visits;
  bool wrong;
};

static void add(struct turns* t, unsigned first, unsigned end) {
  for (unsigned i = first; i < end; i++) {
    t->wrong = t->wrong || guarded.cells[i].count != guarded.cells[i].again;
    guarded.cells[i].count++;
    guarded.cells[i].again++;
    t->writes++;
  }
  t->wrong = t->wrong || guarded.generation != guarded.again;
}

static void compare(struct turns* t, unsigned first, unsigned end) {
  for (unsigned i = first; i < end; i++) {
    t->wrong = t->wrong || guarded.cells[i].count != guarded.cells[i].again;
  }
  t->wrong = t->wrong || guarded.generation != guarded.again;
}

static void use(struct turns* t, bool writes, unsigned first, unsigned end) {
  struct zxp_visitor* v = zxp_biased_visit(&lock, &guarded, first, end, writes);
  if (v == NULL) {
    zxp_biased_lock(&lock);
  }
  (writes ? add : compare)(t, first, end);
  if (v != NULL) {
    t->visits++;
    zxp_biased_leave(&lock, v);
  } else {
    zxp_biased_quiet(&lock, writes);
    zxp_biased_unlock(&lock);
  }
}

static void* take_turns(void* context) {
  struct turns* t = context;
  for (int i = 0; i < TURNS; i++) {
    t->seed = t->seed * 1103515245u + 12345u;
    const unsigned dice = t->seed >> 16 & 1023;
    const unsigned first = dice % CELLS;
    if (dice < 10) {
      zxp_biased_lock(&lock);
      t->wrong = t->wrong || guarded.generation != guarded.again;
      guarded.generation++;
      guarded.again++;
      add(t, 0, CELLS);
      t->changes++;
      zxp_biased_unlock(&lock);
    } else {
      use(t, dice % 3 == 0, first, dice % 5 == 0 ? CELLS : first + 1);
    }
  }
  return NULL;
}

static void readers_writers_and_changers_keep_apart(void** state) {
  (void)state;
  pthread_t threads[4];
  struct turns turns[4] = {{.seed = 1}, {.seed = 2}, {.seed = 3}, {.seed = 4}};
  struct turns sum = {0};
  unsigned count = 0;
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, take_turns, &turns[i]), 0);
  }
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_false(turns[i].wrong);
    sum.changes += turns[i].changes;
    sum.writes += turns[i].writes;
    sum.visits += turns[i].visits;
  }
  for (int i = 0; i < CELLS; i++) {
    count += guarded.cells[i].count;
  }
  assert_int_equal(guarded.generation, sum.changes);
  assert_int_equal(count, sum.writes);
  assert_true(sum.visits > 0); /* else nothing was tested */
}

/* ---- Ranks; debug builds only ---- */

static int change_from_inside(void) {
  bias(&lock);
  (void)zxp_biased_visit(&lock, &parts[0], 0, 1, false);
  zxp_biased_lock(&lock);
  return 0;
}

static int take_a_lower_lock_from_inside(void) {
  static struct zxp_mutex aspace;
  zxp_mutex_init(&aspace, ZXP_RANK_ASPACE);
  bias(&lock);
  (void)zxp_biased_visit(&lock, &parts[0], 0, 1, false);
  zxp_mutex_lock(&aspace);
  return 0;
}

static int visit_beside_one_of_its_rank(void) {
  bias(&lock);
  zxp_biased_lock(&other);
  (void)zxp_biased_visit(&lock, &parts[0], 0, 1, false);
  return 0;
}

static void visits_have_the_rank_of_the_lock(void** state) {
  (void)state;
  if (!ZXP_DEBUG) {
    print_message("skipped: ranks are checked in debug builds only\n");
    skip();
  }
  assert_dies(change_from_inside, "lock");
  assert_dies(take_a_lower_lock_from_inside, "rank");
  assert_dies(visit_beside_one_of_its_rank, "rank");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(visits_begin_after_some_quiet_holds),
      TEST(quiet_holds_that_write_do_as_well),
      TEST(a_change_takes_the_bias_away),
      TEST(a_look_leaves_the_bias),
      TEST(a_trial_takes_the_lock_if_nobody_is_in),
      TEST(writers_that_have_gone_are_forgotten),
      TEST(a_visit_in_a_visit_is_refused),
      TEST(readers_do_not_meet),
      TEST(a_writer_meets_readers_and_writers_of_its_range),
      TEST(a_writer_meets_nobody_elsewhere),
      TEST(a_change_waits_for_those_who_are_in),
      TEST(neither_a_look_nor_another_lock_waits),
      TEST(readers_writers_and_changers_keep_apart),
      TEST(visits_have_the_rank_of_the_lock),
  };
  return cmocka_run_group_tests_name("biased lock", tests, NULL, NULL);
}
