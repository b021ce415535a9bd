/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing pages back: WRITEBACK_BEGIN and END on pages, writeback.md 5.4, 5.5 and 8.1. */
#include <stdatomic.h>

#include "writeback.h"

/* ---- The cycle ---- */

/* writeback.md 8.1.1 */
BOTH_WAYS(a_page_becomes_dirty_and_clean_and_dirty_again) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  for (uint8_t round = 1; round <= 3; round++) {
    poke_asking(via, v, 0, round);
    expect_listed(v, DATA(0, 1));
    begin_writeback(v, 0, 1);
    expect_listed(v, DATA(0, 1));
    expect_bytes(v, 0, 1, round);
    end_writeback(v, 0, 1);
    expect_none_listed(v);
    expect_bytes(v, 0, 1, round);
    check_equal(committed_pages(v->vmo), 4);
  }
  expect_nothing();
}

/* writeback.md 8.1.2, 5.5 */
BOTH_WAYS(a_write_during_writeback_keeps_the_page_dirty) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  poke_asking(via, v, 0, 1);
  begin_writeback(v, 0, 1);
  poke_asking(via, v, 0, 2);
  end_writeback(v, 0, 1);
  expect_listed(v, DATA(0, 1));
  expect_bytes(v, 0, 1, 2);
  begin_writeback(v, 0, 1);
  end_writeback(v, 0, 1);
  expect_none_listed(v);
}

/* writeback.md 8.1.3, 5.5: BEGIN and END don't touch an outstanding request */
BOTH_WAYS(a_write_that_waits_through_the_end_goes_on_with_its_own_answer) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  poke_asking(via, v, 0, 1);
  begin_writeback(v, 0, 1);
  struct worker* t1 = start_poke(via, v, 0, 2);
  expect_dirty(v, 0, 1);
  end_writeback(v, 0, 1);
  expect_none_listed(v);
  expect_bytes(v, 0, 1, 1);
  expect_waiting(t1);
  expect_nothing();
  begin_writeback(v, 0, 4);
  expect_waiting(t1);
  dirty_pages_waking(v, 0, 1, 1);
  expect_ok(t1);
  expect_listed(v, DATA(0, 1));
  expect_bytes(v, 0, 1, 2);
  expect_nothing();
}

/* writeback.md 8.1.4 */
BOTH_WAYS(a_write_that_is_refused_during_writeback_leaves_the_page_to_be_cleaned) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  poke_asking(via, v, 0, 1);
  begin_writeback(v, 0, 1);
  struct worker* t1 = start_poke(via, v, 0, 2);
  expect_dirty(v, 0, 1);
  fail_pages(v, 0, 1, ZX_ERR_NO_SPACE);
  expect_failed(t1, ZX_ERR_NO_SPACE);
  expect_listed(v, DATA(0, 1));
  end_writeback(v, 0, 1);
  expect_none_listed(v);
  expect_bytes(v, 0, 1, 1);
  expect_nothing();
}

/* writeback.md 8.1.5 */
BOTH_WAYS(a_plain_root_notices_a_write_during_writeback) {
  struct root* v = make_root(4);
  supply(v, 0, 4, TAG);
  for (uint8_t round = 1; round <= 6; round += 2) {
    poke_freely(via, v, 0, round);
    begin_writeback(v, 0, 4);
    poke_freely(via, v, 0, round + 1);
    end_writeback(v, 0, 4);
    expect_listed(v, DATA(0, 1));
    expect_bytes(v, 0, 1, round + 1);
    begin_writeback(v, 0, 4);
    end_writeback(v, 0, 4);
    expect_none_listed(v);
  }
  expect_nothing();
}

/* writeback.md 8.1.5: a clean page of a plain root */
BOTH_WAYS(a_plain_root_notices_a_write_after_writeback) {
  struct root* v = make_root(4);
  supply(v, 0, 4, TAG);
  for (uint8_t round = 1; round <= 3; round++) {
    poke_freely(via, v, 2, round);
    expect_listed(v, DATA(2, 1));
    begin_writeback(v, 0, 4);
    end_writeback(v, 0, 4);
    expect_none_listed(v);
  }
  expect_bytes(v, 2, 1, 3);
}

/* writeback.md 8.1.6 */
BOTH_WAYS(op_dirty_during_writeback_keeps_the_page_dirty) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  poke_asking(via, v, 0, 1);
  begin_writeback(v, 0, 1);
  dirty_pages(v, 0, 1);
  end_writeback(v, 0, 1);
  expect_listed(v, DATA(0, 1));
  poke_freely(via, v, 0, 2);
  expect_bytes(v, 0, 1, 2);
  expect_nothing();
}

/* writeback.md 8.1.7 */
BOTH_WAYS(an_end_of_a_part_cleans_the_part) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  for (uint64_t page = 0; page < 4; page++) {
    poke_asking(via, v, page, VALUE);
  }
  begin_writeback(v, 0, 4);
  end_writeback(v, 1, 2);
  expect_listed(v, DATA(0, 1), DATA(3, 1));
  expect_write_asks(via, v, 0);
  expect_write_asks(via, v, 1);
  end_writeback(v, 3, 1);
  expect_listed(v, DATA(0, 1));
  end_writeback(v, 0, 1);
  expect_none_listed(v);
}

/* ---- What BEGIN and END pass over ---- */

/* writeback.md 5.4: a part of what is dirty */
BOTH_WAYS(a_begin_of_a_part_claims_the_part) {
  struct root* v = make_trap_root(6);
  supply(v, 0, 6, TAG);
  dirty_pages(v, 0, 6);
  for (uint64_t page = 0; page < 6; page++) {
    poke_freely(via, v, page, VALUE);
  }
  begin_writeback(v, 2, 2);
  poke_freely(via, v, 1, 2);
  poke_freely(via, v, 4, 2);
  expect_write_asks(via, v, 2);
  expect_write_asks(via, v, 3);
  expect_listed(v, DATA(0, 6));
  end_writeback(v, 0, 6);
  expect_listed(v, DATA(0, 2), DATA(4, 2));
}

/* writeback.md 5.5 */
BOTH_WAYS(an_end_without_a_begin_does_nothing) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  poke_asking(via, v, 1, VALUE);
  zero_pages(v, 2, 2);
  end_writeback(v, 0, 4);
  expect_listed(v, DATA(1, 1), ZERO(2, 2));
  poke_freely(via, v, 1, 2);
  expect_nothing();
}

/* writeback.md 5.4 */
BOTH_WAYS(begin_twice_is_harmless) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  poke_asking(via, v, 1, VALUE);
  begin_writeback(v, 0, 4);
  begin_writeback(v, 1, 1);
  begin_writeback(v, 0, 4);
  expect_listed(v, DATA(1, 1));
  expect_write_asks(via, v, 1);
  end_writeback(v, 0, 4);
  expect_none_listed(v);
  end_writeback(v, 0, 4);
  expect_none_listed(v);
  expect_bytes(v, 1, 1, VALUE);
}

/* writeback.md 5.4: nested: a page that was written after the first BEGIN is claimed by the
 * second */
BOTH_WAYS(a_second_begin_claims_what_was_written_since_the_first) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  poke_asking(via, v, 1, 1);
  begin_writeback(v, 0, 4);
  poke_asking(via, v, 1, 2);
  begin_writeback(v, 0, 4);
  end_writeback(v, 0, 4);
  expect_none_listed(v);
  expect_bytes(v, 1, 1, 2);
}

/* writeback.md 5.4: clean, absent and awaiting pages are passed over */
BOTH_WAYS(a_cycle_leaves_what_is_not_dirty_alone) {
  struct root* v = make_trap_root(8);
  supply(v, 0, 2, TAG);
  supply_zeros(v, 2, 2);
  if (via == VIA_MAPPING) map_of(v);
  begin_writeback(v, 0, 8);
  end_writeback(v, 0, 8);
  expect_none_listed(v);
  expect_pages(via, v, 0, 2, TAG);
  expect_zero_pages(via, v, 2, 2);
  check_equal(committed_pages(v->vmo), 2);
  expect_absent(v, 4);
  expect_write_asks(via, v, 0);
  expect_write_asks(via, v, 2);
  expect_nothing();
}

/* writeback.md 5.4: the pager wrote zeros; a page with content is not covered by that */
BOTH_WAYS(a_begin_for_zeros_leaves_pages_dirty) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  poke_asking(via, v, 1, VALUE);
  begin_zero_writeback(v, 0, 4);
  poke_freely(via, v, 1, 2);
  end_writeback(v, 0, 4);
  expect_listed(v, DATA(1, 1));
  poke_freely(via, v, 1, 3);
  expect_bytes(v, 1, 1, 3);
  expect_nothing();
}

/* writeback.md 5.4: nor are pages claimed before given back to be dirty */
BOTH_WAYS(a_begin_for_zeros_leaves_pages_under_writeback_so) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  poke_asking(via, v, 1, VALUE);
  begin_writeback(v, 0, 4);
  begin_zero_writeback(v, 0, 4);
  expect_write_asks(via, v, 1);
  end_writeback(v, 0, 4);
  expect_none_listed(v);
}

/* writeback.md 2.2: a supply over pages that are dirty, or being cleaned, is dropped */
BOTH_WAYS(a_supply_during_a_cycle_is_dropped) {
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  poke_asking(via, v, 1, VALUE);
  supply(v, 0, 4, TAG + 1);
  expect_bytes(v, 1, 1, VALUE);
  begin_writeback(v, 0, 4);
  supply(v, 0, 4, TAG + 1);
  expect_bytes(v, 1, 1, VALUE);
  end_writeback(v, 0, 4);
  supply(v, 0, 4, TAG + 1);
  expect_bytes(v, 1, 1, VALUE);
  expect_pages(via, v, 2, 2, TAG);
  expect_nothing();
}

/* writeback.md 4, 8.1.1: pages that a write made dirty and then never reached */
SCENARIO(pages_that_a_failed_write_made_dirty_can_be_cleaned_and_read) {
  need_mappings();
  struct root* from = make_root(4);
  struct root* v = make_root(4);
  zero_pages(v, 0, 4);
  map_of(v);
  struct worker* t1 = start_write_from(v->vmo, map_of(from), 0, 4 * PAGE);
  expect_read(from, 0, 1);
  supply(from, 0, 1, TAG);
  expect_read(from, 1, 1);
  fail_pages(from, 1, 1, ZX_ERR_IO);
  expect_status(t1, ZX_ERR_IO);
  begin_writeback(v, 0, 4);
  end_writeback(v, 0, 4);
  expect_none_listed(v);
  expect_pages(VIA_MAPPING, v, 0, 1, TAG);
  zx_info_vmo_t info = vmo_info(v->vmo);
  for (uint64_t page = 1; page < info.committed_bytes / PAGE; page++) {
    expect_zero_pages(VIA_MAPPING, v, page, 1);
  }
}

/* ---- Protection ---- */

/* writeback.md 8.7.4, 8.7.6 */
SCENARIO(begin_takes_write_access_from_every_mapping) {
  enum {
    MAPS = 4
  };
  need_mappings();
  struct root* v = make_trap_root(4);
  supply(v, 0, 4, TAG);
  dirty_pages(v, 1, 1);
  uint8_t* maps[MAPS];
  for (unsigned i = 0; i < MAPS; i++) {
    maps[i] = map_vmo(v->vmo, PAGE, 2 * PAGE);
    expect_ok(start_store(maps[i], (uint8_t)i));
  }
  for (unsigned i = 0; i < MAPS; i++) {
    begin_writeback(v, 0, 4);
    struct worker* t1 = start_store(maps[i], VALUE);
    expect_dirty(v, 1, 1);
    expect_bytes(v, 1, 1, i == 0 ? MAPS - 1 : VALUE);
    dirty_pages(v, 1, 1);
    expect_ok(t1);
    end_writeback(v, 0, 4);
    expect_listed(v, DATA(1, 1));
  }
  expect_nothing();
}

/* writeback.md 8.7.4: the same on a plain root, where nobody asks */
SCENARIO(a_plain_root_notices_stores_through_every_mapping) {
  enum {
    MAPS = 4
  };
  need_mappings();
  struct root* v = make_root(4);
  supply(v, 0, 4, TAG);
  uint8_t* maps[MAPS];
  for (unsigned i = 0; i < MAPS; i++) {
    maps[i] = map_vmo(v->vmo, PAGE, 2 * PAGE);
    expect_ok(start_store(maps[i], (uint8_t)i));
  }
  for (unsigned i = 0; i < MAPS; i++) {
    begin_writeback(v, 0, 4);
    expect_ok(start_store(maps[i], VALUE));
    end_writeback(v, 0, 4);
    expect_listed(v, DATA(1, 1));
  }
  expect_nothing();
}

struct storm {
  uint8_t* at;
  atomic_bool stop;
  _Atomic uint64_t last; /* the value stored last */
};

/* The checker would see stores that race with the reader's loads, which is what is being tested. */
__attribute__((no_sanitize("address", "thread"))) static void store_number(uint8_t* at,
                                                                           uint64_t value) {
  *(volatile uint64_t*)at = value;
}

/* Stores ever higher numbers. */
static zx_status_t store_on(void* argument) {
  struct storm* s = argument;
  for (uint64_t n = 1; !atomic_load(&s->stop); n++) {
    store_number(s->at, n);
    atomic_store(&s->last, n);
  }
  return ZX_OK;
}

/* writeback.md 8.7.6: no store lands after BEGIN returned and before a DIRTY was granted */
SCENARIO(no_store_lands_unnoticed_after_begin) {
  enum {
    ROUNDS = UNDER_SANITIZER ? 100 : 400
  };
  need_mappings();
  struct root* v = make_trap_root(1);
  supply(v, 0, 1, TAG);
  dirty_pages(v, 0, 1);
  static struct storm storm;
  storm.at = map_of(v);
  struct worker* t1 = start_call(store_on, &storm);
  for (unsigned round = 0; round < ROUNDS; round++) {
    const uint64_t seen = atomic_load(&storm.last);
    wait_until(atomic_load(&storm.last) != seen);
    begin_writeback(v, 0, 1);
    uint64_t before = 0;
    check_ok(zx_vmo_read(v->vmo, &before, 0, sizeof(before)));
    expect_dirty(v, 0, 1);
    uint64_t after = 0;
    check_ok(zx_vmo_read(v->vmo, &after, 0, sizeof(after)));
    check_equal(after, before);
    if (round % 2 == 0) {
      end_writeback(v, 0, 1);
      expect_none_listed(v);
    }
    dirty_pages(v, 0, 1);
  }
  atomic_store(&storm.stop, true);
  expect_ok(t1);
}

/* writeback.md 8.7.6, 8.1.5: and on a plain root none that the list forgets */
SCENARIO(no_store_is_forgotten_by_a_plain_root) {
  enum {
    ROUNDS = UNDER_SANITIZER ? 100 : 400
  };
  need_mappings();
  struct root* v = make_root(1);
  supply(v, 0, 1, TAG);
  static struct storm storm;
  storm.at = map_of(v);
  struct worker* t1 = start_call(store_on, &storm);
  wait_until(atomic_load(&storm.last) != 0);
  for (unsigned round = 0; round < ROUNDS; round++) {
    begin_writeback(v, 0, 1);
    uint64_t written_back = 0;
    check_ok(zx_vmo_read(v->vmo, &written_back, 0, sizeof(written_back)));
    end_writeback(v, 0, 1);
    /* What is in the page now is what was written back, or the page is listed. */
    uint64_t now = 0;
    check_ok(zx_vmo_read(v->vmo, &now, 0, sizeof(now)));
    if (now != written_back) expect_listed(v, DATA(0, 1));
    wait_until(atomic_load(&storm.last) > written_back);
    expect_listed(v, DATA(0, 1));
  }
  atomic_store(&storm.stop, true);
  expect_ok(t1);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_BOTH_WAYS(a_page_becomes_dirty_and_clean_and_dirty_again),
      TEST_BOTH_WAYS(a_write_during_writeback_keeps_the_page_dirty),
      TEST_BOTH_WAYS(a_write_that_waits_through_the_end_goes_on_with_its_own_answer),
      TEST_BOTH_WAYS(a_write_that_is_refused_during_writeback_leaves_the_page_to_be_cleaned),
      TEST_BOTH_WAYS(a_plain_root_notices_a_write_during_writeback),
      TEST_BOTH_WAYS(a_plain_root_notices_a_write_after_writeback),
      TEST_BOTH_WAYS(op_dirty_during_writeback_keeps_the_page_dirty),
      TEST_BOTH_WAYS(an_end_of_a_part_cleans_the_part),
      TEST_BOTH_WAYS(a_begin_of_a_part_claims_the_part),
      TEST_BOTH_WAYS(an_end_without_a_begin_does_nothing),
      TEST_BOTH_WAYS(begin_twice_is_harmless),
      TEST_BOTH_WAYS(a_second_begin_claims_what_was_written_since_the_first),
      TEST_BOTH_WAYS(a_cycle_leaves_what_is_not_dirty_alone),
      TEST_BOTH_WAYS(a_begin_for_zeros_leaves_pages_dirty),
      TEST_BOTH_WAYS(a_begin_for_zeros_leaves_pages_under_writeback_so),
      TEST_BOTH_WAYS(a_supply_during_a_cycle_is_dropped),
      TEST(pages_that_a_failed_write_made_dirty_can_be_cleaned_and_read),
      TEST(begin_takes_write_access_from_every_mapping),
      TEST(a_plain_root_notices_stores_through_every_mapping),
      TEST(no_store_lands_unnoticed_after_begin),
      TEST(no_store_is_forgotten_by_a_plain_root),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
