/* SPDX-License-Identifier: BSD-3-Clause */
/* Which way a loop thread waits for the next fault (loop/place.h): the arithmetic of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/place.h"
/* After the headers that it needs and does not include. */
#include <cmocka.h>

#define BIT(way)  (1u << (way))
#define ALL       (BIT(ZXP_PLACE_PLAIN) | BIT(ZXP_PLACE_TOGETHER) | BIT(ZXP_PLACE_SPIN))
#define MILLION   1000000
#define FAR_APART 10000000 /* ns */

static struct zxp_placer placer;
static zx_time_t now;
static uint64_t used[ZXP_PLACES]; /* faults in each way */

static void begin(unsigned allowed) {
  zxp_placer_init(&placer, allowed);
  now = 1000;
  for (int way = 0; way < ZXP_PLACES; way++) {
    used[way] = 0;
  }
}

/* That many faults, each taking what the way in use takes. */
static void faults(uint64_t count, const zx_time_t took[ZXP_PLACES]) {
  for (uint64_t i = 0; i < count; i++) {
    now += took[placer.way];
    used[placer.way]++;
    zxp_placer_note(&placer, now, 1, false);
  }
}

static void the_first_faults_are_left_to_the_scheduler(void** state) {
  (void)state;
  begin(ALL);
  assert_int_equal(placer.way, ZXP_PLACE_PLAIN);
  assert_int_equal(zxp_placer_note(&placer, now, 1, false), ZXP_PLACE_PLAIN);
}

static void each_way_is_tried_and_the_fastest_is_held(void** state) {
  (void)state;
  for (int best = 0; best < ZXP_PLACES; best++) {
    zx_time_t took[ZXP_PLACES] = {20000, 20000, 20000};
    took[best] = 5000;
    begin(ALL);
    faults(200, took);
    for (int way = 0; way < ZXP_PLACES; way++) {
      assert_true(used[way] > 0);
    }
    assert_int_equal(placer.state, ZXP_PLACER_HOLDING);
    assert_int_equal(placer.way, best);
  }
}

static void what_is_hardly_faster_is_not_chosen(void** state) {
  (void)state;
  static const zx_time_t took[ZXP_PLACES] = {10000, 9000, 9500};
  begin(ALL);
  faults(200, took);
  assert_int_equal(placer.state, ZXP_PLACER_HOLDING);
  assert_int_equal(placer.way, ZXP_PLACE_PLAIN);
}

static void trying_takes_less_than_one_fault_in_a_hundred(void** state) {
  (void)state;
  static const zx_time_t took[ZXP_PLACES] = {10000, 20000, 50000};
  begin(ALL);
  faults(MILLION, took);
  assert_true(used[ZXP_PLACE_PLAIN] > MILLION / 100 * 99);
  static const zx_time_t other[ZXP_PLACES] = {50000, 20000, 10000};
  begin(ALL);
  faults(MILLION, other);
  assert_true(used[ZXP_PLACE_TOGETHER] > MILLION / 100 * 99);
}

static void only_what_is_allowed_is_tried(void** state) {
  (void)state;
  static const zx_time_t took[ZXP_PLACES] = {30000, 20000, 10000};
  begin(BIT(ZXP_PLACE_PLAIN) | BIT(ZXP_PLACE_SPIN));
  faults(MILLION, took);
  assert_int_equal(used[ZXP_PLACE_TOGETHER], 0);
  assert_int_equal(placer.way, ZXP_PLACE_SPIN);
  begin(0);
  faults(MILLION, took);
  assert_int_equal(used[ZXP_PLACE_PLAIN], MILLION);
}

static void faults_far_apart_say_nothing(void** state) {
  (void)state;
  static const zx_time_t took[ZXP_PLACES] = {FAR_APART, FAR_APART, FAR_APART};
  begin(ALL);
  faults(10000, took);
  assert_int_equal(used[ZXP_PLACE_PLAIN], 10000);
}

/* Else one pause of the program would make the way that it fell into look slow for long. */
static void a_pause_does_not_end_what_is_held(void** state) {
  (void)state;
  static const zx_time_t took[ZXP_PLACES] = {50000, 50000, 10000};
  begin(ALL);
  faults(200, took);
  for (int i = 0; i < 20; i++) {
    now += FAR_APART;
    faults(100, took);
  }
  assert_int_equal(placer.way, ZXP_PLACE_TOGETHER);
}

static void a_way_that_becomes_slow_is_given_up_before_its_time(void** state) {
  (void)state;
  static const zx_time_t fast[ZXP_PLACES] = {50000, 60000, 10000};
  static const zx_time_t slow[ZXP_PLACES] = {50000, 60000, 90000};
  begin(ALL);
  faults(200, fast);
  assert_int_equal(placer.way, ZXP_PLACE_TOGETHER);
  faults(300, slow);
  assert_int_equal(placer.way, ZXP_PLACE_PLAIN);
}

static void plain_is_thought_over_when_it_becomes_slow(void** state) {
  (void)state;
  static const zx_time_t near[ZXP_PLACES] = {5000, 8000, 8000};
  static const zx_time_t far[ZXP_PLACES] = {60000, 30000, 8000};
  begin(ALL);
  faults(200, near);
  assert_int_equal(placer.way, ZXP_PLACE_PLAIN);
  faults(300, far);
  assert_int_equal(placer.way, ZXP_PLACE_TOGETHER);
}

static void a_starved_thread_is_plain_at_once(void** state) {
  (void)state;
  static const zx_time_t took[ZXP_PLACES] = {50000, 60000, 10000};
  begin(ALL);
  faults(200, took);
  assert_int_equal(placer.way, ZXP_PLACE_TOGETHER);
  now += 10000;
  assert_int_equal(zxp_placer_note(&placer, now, 1, true), ZXP_PLACE_PLAIN);
  assert_int_equal(placer.state, ZXP_PLACER_HOLDING);
  /* Not for ever. */
  faults(20000, took);
  assert_int_equal(placer.way, ZXP_PLACE_TOGETHER);
}

/* Trying is not for free where every trial ends like this. */
static void who_is_starved_again_and_again_tries_less_and_less(void** state) {
  (void)state;
  static const zx_time_t took[ZXP_PLACES] = {20000, 30000, 10000};
  unsigned starved = 0;
  begin(BIT(ZXP_PLACE_PLAIN) | BIT(ZXP_PLACE_TOGETHER));
  for (int i = 0; i < MILLION; i++) {
    const bool now_starved = placer.way == ZXP_PLACE_TOGETHER;
    now += took[placer.way];
    zxp_placer_note(&placer, now, 1, now_starved);
    starved += now_starved;
  }
  assert_in_range(starved, 2, 20);
}

/* Several messages read at once are several faults. */
static void a_batch_counts_as_many(void** state) {
  (void)state;
  begin(BIT(ZXP_PLACE_PLAIN) | BIT(ZXP_PLACE_TOGETHER));
  for (int i = 0; i < 100 && placer.state == ZXP_PLACER_TRYING; i++) {
    now += placer.way == ZXP_PLACE_PLAIN ? 40000 : 40000 + 1000;
    zxp_placer_note(&placer, now, placer.way == ZXP_PLACE_PLAIN ? 1 : 4, false);
  }
  assert_int_equal(placer.way, ZXP_PLACE_TOGETHER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_faults_are_left_to_the_scheduler),
      cmocka_unit_test(each_way_is_tried_and_the_fastest_is_held),
      cmocka_unit_test(what_is_hardly_faster_is_not_chosen),
      cmocka_unit_test(trying_takes_less_than_one_fault_in_a_hundred),
      cmocka_unit_test(only_what_is_allowed_is_tried),
      cmocka_unit_test(faults_far_apart_say_nothing),
      cmocka_unit_test(a_pause_does_not_end_what_is_held),
      cmocka_unit_test(a_way_that_becomes_slow_is_given_up_before_its_time),
      cmocka_unit_test(plain_is_thought_over_when_it_becomes_slow),
      cmocka_unit_test(a_starved_thread_is_plain_at_once),
      cmocka_unit_test(who_is_starved_again_and_again_tries_less_and_less),
      cmocka_unit_test(a_batch_counts_as_many),
  };
  return cmocka_run_group_tests_name("placer", tests, NULL, NULL);
}
