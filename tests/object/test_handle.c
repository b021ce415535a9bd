/* SPDX-License-Identifier: BSD-3-Clause */
/* Handles: values, duplicates, replacements, closing. Section numbers are those of objects.md. */
#include <stdlib.h>

#include "support.h"

/* 2.1 */
static void low_two_bits_of_a_value_are_set(void** state) {
  (void)state;
  zx_handle_t events[100];
  for (size_t i = 0; i < 100; i++) {
    events[i] = make_event();
    assert_int_equal(events[i] & ZX_HANDLE_FIXED_BITS_MASK, ZX_HANDLE_FIXED_BITS_MASK);
  }
  assert_ok(zx_handle_close_many(events, 100));
}

/* 2.1 */
static void value_with_a_low_bit_clear_is_never_valid(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  for (zx_handle_t bits = 0; bits < ZX_HANDLE_FIXED_BITS_MASK; bits++) {
    const zx_handle_t broken = (event & ~ZX_HANDLE_FIXED_BITS_MASK) | bits;
    zx_handle_t out;
    assert_status(zx_handle_duplicate(broken, ZX_RIGHT_SAME_RIGHTS, &out), ZX_ERR_BAD_HANDLE);
    assert_status(zx_handle_replace(broken, ZX_RIGHT_SAME_RIGHTS, &out), ZX_ERR_BAD_HANDLE);
    assert_status(zx_object_signal(broken, 0, 0), ZX_ERR_BAD_HANDLE);
    assert_status(zx_handle_close(broken), ZX_ERR_BAD_HANDLE);
  }
  close_handle(event);
}

/* 2.1 */
static void closed_value_comes_back_only_after_thousands_of_handles(void** state) {
  (void)state;
  const zx_handle_t first = make_event();
  close_handle(first);
  for (int i = 0; i < 4095; i++) {
    const zx_handle_t event = make_event();
    assert_int_not_equal(event, first);
    close_handle(event);
  }
}

/* 2.1 */
static void table_holds_as_many_handles_as_the_kernel(void** state) {
  (void)state;
  const size_t most = 256 * 1024;
  zx_handle_t* handles = calloc(most, sizeof *handles);
  assert_non_null(handles);
  const zx_handle_t event = make_event();
  size_t made = 0;
  zx_status_t status = ZX_OK;
  while (made < most) {
    status = zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, &handles[made]);
    if (status != ZX_OK) {
      break;
    }
    made++;
  }
  assert_status(status, ZX_ERR_NO_MEMORY);
  /* The rest: the event's own, and those that the library keeps for itself. */
  assert_in_range(made, most - 8, most - 1);
  assert_int_equal(count_handles(event), made + 1);
  /* A full table can still replace, and a close makes room for one. */
  assert_ok(zx_handle_replace(handles[0], ZX_RIGHT_SAME_RIGHTS, &handles[0]));
  zx_handle_t out = ZX_HANDLE_INVALID;
  assert_status(zx_port_create(0, &out), ZX_ERR_NO_MEMORY);
  assert_int_equal(out, ZX_HANDLE_INVALID);
  close_handle(handles[0]);
  assert_ok(zx_port_create(0, &handles[0]));
  assert_ok(zx_handle_close_many(handles, made));
  assert_int_equal(count_handles(event), 1);
  close_handle(event);
  free(handles);
}

/* 2.2 */
static void closing_no_handle_does_nothing(void** state) {
  (void)state;
  assert_ok(zx_handle_close(ZX_HANDLE_INVALID));
  assert_status(zx_handle_close(dead_handle()), ZX_ERR_BAD_HANDLE);
}

/* 2.2 */
static void closing_many_closes_all_that_are_valid(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t bad[] = {
      duplicate_with(event, ZX_RIGHT_SAME_RIGHTS),
      ZX_HANDLE_INVALID,
      dead_handle(),
      duplicate_with(event, ZX_RIGHT_SAME_RIGHTS),
  };
  assert_status(zx_handle_close_many(bad, 4), ZX_ERR_BAD_HANDLE);
  assert_int_equal(count_handles(event), 1);

  const zx_handle_t good[] = {ZX_HANDLE_INVALID, duplicate_with(event, ZX_RIGHT_SAME_RIGHTS)};
  assert_ok(zx_handle_close_many(good, 2));
  assert_int_equal(count_handles(event), 1);

  const zx_handle_t twice = duplicate_with(event, ZX_RIGHT_SAME_RIGHTS);
  const zx_handle_t same[] = {twice, twice, duplicate_with(event, ZX_RIGHT_SAME_RIGHTS)};
  assert_status(zx_handle_close_many(same, 3), ZX_ERR_BAD_HANDLE);
  assert_int_equal(count_handles(event), 1);
  close_handle(event);
}

/* 2.2 */
static void closing_many_of_nothing_is_ok(void** state) {
  (void)state;
  assert_ok(zx_handle_close_many(NULL, 0));
  assert_status(zx_handle_close_many(NULL, 1), ZX_ERR_INVALID_ARGS);
}

/* 2.2 */
static void duplicate_has_any_subset_of_the_rights(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_rights_t subsets[] = {ZX_DEFAULT_EVENT_RIGHTS, ZX_RIGHT_NONE, ZX_RIGHT_WAIT,
                                 ZX_RIGHT_SIGNAL | ZX_RIGHT_DUPLICATE};
  for (size_t i = 0; i < 4; i++) {
    const zx_handle_t made = duplicate_with(event, subsets[i]);
    const zx_info_handle_basic_t info = basic_info(made);
    assert_int_equal(info.rights, subsets[i]);
    assert_int_equal(info.koid, basic_info(event).koid);
    close_handle(made);
  }
  assert_int_equal(basic_info(event).rights, ZX_DEFAULT_EVENT_RIGHTS); /* the source stays */
  close_handle(event);
}

/* 2.2 */
static void duplicate_checks_handle_then_right_then_subset(void** state) {
  (void)state;
  zx_handle_t out = 42;
  const zx_handle_t event = make_event();
  const zx_handle_t single = duplicate_without(event, ZX_RIGHT_DUPLICATE);
  assert_status(zx_handle_duplicate(dead_handle(), ZX_RIGHT_READ, &out), ZX_ERR_BAD_HANDLE);
  assert_status(zx_handle_duplicate(ZX_HANDLE_INVALID, 0, &out), ZX_ERR_BAD_HANDLE);
  assert_status(zx_handle_duplicate(single, ZX_RIGHT_READ, &out), ZX_ERR_ACCESS_DENIED);
  assert_status(zx_handle_duplicate(event, ZX_RIGHT_READ, &out), ZX_ERR_INVALID_ARGS);
  assert_int_equal(out, 42);
  assert_int_equal(count_handles(event), 2);
  close_handle(single);
  close_handle(event);
}

/* 1.3 */
static void failed_copy_out_leaves_no_handle_behind(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  assert_status(zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, NULL), ZX_ERR_INVALID_ARGS);
  assert_int_equal(count_handles(event), 1);
  const zx_handle_t other = duplicate_with(event, ZX_RIGHT_SAME_RIGHTS);
  assert_status(zx_handle_replace(other, ZX_RIGHT_SAME_RIGHTS, NULL), ZX_ERR_INVALID_ARGS);
  assert_int_equal(count_handles(event), 1);
  close_handle(event);
}

/* 2.3 */
static void same_rights_must_stand_alone(void** state) {
  (void)state;
  zx_handle_t out;
  const zx_handle_t event = make_event();
  assert_status(zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS | ZX_RIGHT_WAIT, &out),
                ZX_ERR_INVALID_ARGS);
  assert_status(zx_handle_replace(event, ZX_RIGHT_SAME_RIGHTS | ZX_RIGHT_WAIT, &out),
                ZX_ERR_INVALID_ARGS);
  assert_status(zx_handle_close(event), ZX_ERR_BAD_HANDLE); /* replace closed it */
}

/* 2.2 */
static void replace_needs_no_right_and_closes_the_source(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t bare = duplicate_with(event, ZX_RIGHT_NONE);
  zx_handle_t made;
  assert_ok(zx_handle_replace(bare, ZX_RIGHT_NONE, &made));
  assert_int_not_equal(made, bare);
  assert_status(zx_handle_close(bare), ZX_ERR_BAD_HANDLE);
  assert_int_equal(basic_info(made).rights, ZX_RIGHT_NONE);
  assert_int_equal(basic_info(made).koid, basic_info(event).koid);
  assert_int_equal(count_handles(event), 2);
  close_handle(made);
  close_handle(event);
}

/* 2.2 */
static void replace_closes_the_source_when_rights_are_not_a_subset(void** state) {
  (void)state;
  zx_handle_t out = 42;
  zx_handle_t a;
  zx_handle_t b;
  make_pair(&a, &b);
  assert_status(zx_handle_replace(a, ZX_RIGHT_READ, &out), ZX_ERR_INVALID_ARGS);
  assert_int_equal(out, 42);
  assert_status(zx_handle_close(a), ZX_ERR_BAD_HANDLE);
  /* It was the last handle of its side. */
  assert_int_equal(signals_of(b), ZX_EVENTPAIR_PEER_CLOSED);
  close_handle(b);
  assert_status(zx_handle_replace(dead_handle(), ZX_RIGHT_READ, &out), ZX_ERR_BAD_HANDLE);
}

/* 2.5 */
static void replacing_the_only_handle_does_not_reach_zero(void** state) {
  (void)state;
  zx_handle_t a;
  zx_handle_t b;
  make_pair(&a, &b);
  assert_ok(zx_handle_replace(a, ZX_RIGHT_SAME_RIGHTS, &a));
  assert_int_equal(signals_of(b), 0);
  close_handle(a);
  assert_int_equal(signals_of(b), ZX_EVENTPAIR_PEER_CLOSED);
  close_handle(b);
}

/* 2.4 */
static void check_valid_has_codes_of_its_own(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t bare = duplicate_with(event, ZX_RIGHT_NONE);
  assert_ok(zx_handle_check_valid(event));
  assert_ok(zx_handle_check_valid(bare));
  assert_status(zx_handle_check_valid(ZX_HANDLE_INVALID), ZX_ERR_INVALID_ARGS);
  assert_status(zx_handle_check_valid(event & ~(zx_handle_t)1), ZX_ERR_OUT_OF_RANGE);
  assert_status(zx_handle_check_valid(event & ~(zx_handle_t)2), ZX_ERR_OUT_OF_RANGE);
  assert_status(zx_handle_check_valid(dead_handle()), ZX_ERR_NOT_FOUND);
  close_handle(bare);
  close_handle(event);
}

/* 1.1 */
static void type_is_looked_at_before_rights(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t bare = duplicate_with(event, ZX_RIGHT_NONE);
  const zx_port_packet_t packet = {0};
  assert_status(zx_port_queue(bare, &packet), ZX_ERR_WRONG_TYPE);
  assert_status(zx_port_queue(dead_handle(), &packet), ZX_ERR_BAD_HANDLE);
  close_handle(bare);
  close_handle(event);
}

/* 3 */
static void fresh_handles_have_the_default_rights(void** state) {
  (void)state;
  zx_handle_t pair[2];
  make_pair(&pair[0], &pair[1]);
  const struct {
    zx_handle_t handle;
    zx_obj_type_t type;
    zx_rights_t rights;
  } rows[] = {
      {make_event(), 5, 0xd003},
      {make_port(), 6, 0x800f},
      {pair[0], 16, 0xf003},
      {pair[1], 16, 0xf003},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    assert_int_equal(basic_info(rows[i].handle).type, rows[i].type);
    assert_int_equal(basic_info(rows[i].handle).rights, rows[i].rights);
    close_handle(rows[i].handle);
  }
}

static atomic_bool stop;
static _Atomic zx_handle_t raced;

static zx_status_t duplicate_and_close(void* argument) {
  unsigned* made = argument;
  while (!atomic_load(&stop)) {
    zx_handle_t handle;
    if (zx_handle_duplicate(atomic_load(&raced), ZX_RIGHT_SAME_RIGHTS, &handle) == ZX_OK) {
      (*made)++;
      if (zx_handle_close(handle) != ZX_OK) {
        return ZX_ERR_BAD_STATE;
      }
    }
  }
  return ZX_OK;
}

/* 2.5: the last-handle action runs once, and never while a handle lives. */
static void duplicate_racing_with_the_last_close_gets_nothing_or_a_live_object(void** state) {
  (void)state;
  struct thread thread;
  unsigned made = 0;
  atomic_store(&stop, false);
  atomic_store(&raced, ZX_HANDLE_INVALID);
  thread_start(&thread, duplicate_and_close, &made);
  for (int i = 0; i < 2000; i++) {
    zx_handle_t a;
    zx_handle_t b;
    make_pair(&a, &b);
    atomic_store(&raced, a);
    close_handle(a);
    /* Whoever holds the last handle now, it goes soon. */
    zx_signals_t observed;
    assert_ok(zx_object_wait_one(b, ZX_EVENTPAIR_PEER_CLOSED, ZX_TIME_INFINITE, &observed));
    zx_handle_t late;
    assert_status(zx_handle_duplicate(a, ZX_RIGHT_SAME_RIGHTS, &late), ZX_ERR_BAD_HANDLE);
    close_handle(b);
  }
  atomic_store(&stop, true);
  assert_ok(thread_join(&thread));
}

static zx_status_t close_shared(void* argument) {
  (void)argument;
  return zx_handle_close(atomic_load(&raced));
}

/* 2.2 */
static void of_several_closers_exactly_one_succeeds(void** state) {
  (void)state;
  for (int i = 0; i < 200; i++) {
    struct thread threads[3];
    atomic_store(&raced, make_event());
    for (int t = 0; t < 3; t++) {
      thread_start(&threads[t], close_shared, NULL);
    }
    int succeeded = 0;
    for (int t = 0; t < 3; t++) {
      const zx_status_t status = thread_join(&threads[t]);
      succeeded += status == ZX_OK;
      assert_true(status == ZX_OK || status == ZX_ERR_BAD_HANDLE);
    }
    assert_int_equal(succeeded, 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(low_two_bits_of_a_value_are_set),
      cmocka_unit_test(value_with_a_low_bit_clear_is_never_valid),
      cmocka_unit_test(closed_value_comes_back_only_after_thousands_of_handles),
      cmocka_unit_test(table_holds_as_many_handles_as_the_kernel),
      cmocka_unit_test(closing_no_handle_does_nothing),
      cmocka_unit_test(closing_many_closes_all_that_are_valid),
      cmocka_unit_test(closing_many_of_nothing_is_ok),
      cmocka_unit_test(duplicate_has_any_subset_of_the_rights),
      cmocka_unit_test(duplicate_checks_handle_then_right_then_subset),
      cmocka_unit_test(failed_copy_out_leaves_no_handle_behind),
      cmocka_unit_test(same_rights_must_stand_alone),
      cmocka_unit_test(replace_needs_no_right_and_closes_the_source),
      cmocka_unit_test(replace_closes_the_source_when_rights_are_not_a_subset),
      cmocka_unit_test(replacing_the_only_handle_does_not_reach_zero),
      cmocka_unit_test(check_valid_has_codes_of_its_own),
      cmocka_unit_test(type_is_looked_at_before_rights),
      cmocka_unit_test(fresh_handles_have_the_default_rights),
      cmocka_unit_test(duplicate_racing_with_the_last_close_gets_nothing_or_a_live_object),
      cmocka_unit_test(of_several_closers_exactly_one_succeeds),
  };
  return cmocka_run_group_tests_name("handle", tests, NULL, NULL);
}
