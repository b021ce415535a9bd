/* SPDX-License-Identifier: BSD-3-Clause */
/* How long VMOs live, whose children they are, and ZX_VMO_ZERO_CHILDREN: vmo.md 9, scenarios S12
 * and S13. */
#include "tagged.h"

static uint64_t children_of(const struct vmo* v) { return vmo_info(v->handle).num_children; }
static zx_koid_t parent_of(const struct vmo* v) { return vmo_info(v->handle).parent_koid; }

static bool childless(const struct vmo* v) {
  const bool up = has_signal(v->handle, ZX_VMO_ZERO_CHILDREN);
  /* The signal and the count never disagree. */
  check_equal(up, children_of(v) == 0);
  return up;
}

/* vmo.md 17 S12 */
EACH_WAY(s12_children_move_up_when_the_middle_ends) {
  struct vmo* a = anonymous(way, 0, "1");
  struct vmo* b = snapshot(a, 0, 1);
  struct vmo* c = snapshot(b, 0, 1);
  check_equal(children_of(a), 1);
  check_equal(children_of(b), 1);
  check_equal(parent_of(c), koid_of(b->handle));
  check_equal(parent_of(b), koid_of(a->handle));
  check_equal(parent_of(a), 0);
  end(b);
  check_equal(children_of(a), 1);
  check_equal(parent_of(c), koid_of(a->handle));
  check_true(!childless(a));
  end(c);
  check_true(childless(a));
}

/* vmo.md 17 S13 */
SCENARIO(s13_a_mapped_child_counts_until_it_is_unmapped) {
  struct vmo* a = anonymous(BY_CALLS, 0, "1 2");
  struct vmo* b = slice(a, 0, 2);
  uint8_t* at = map_vmo(b->handle, 0, 2 * PAGE);
  drop(&b->handle);
  check_equal(children_of(a), 1);
  check_true(!childless(a));
  check_equal(*(volatile uint8_t*)(at + PAGE), 2);
  /* In pieces: the last one counts. */
  unmap(at, PAGE);
  check_true(!childless(a));
  unmap(at + PAGE, PAGE);
  check_true(childless(a));
}

/* vmo.md 9: "num_children counts direct children of all kinds" */
EACH_WAY(children_of_every_kind_count) {
  struct vmo* a = anonymous(way, 0, "1 2");
  check_true(childless(a));
  static const uint32_t kinds[] = {ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
                                   ZX_VMO_CHILD_SNAPSHOT_MODIFIED, ZX_VMO_CHILD_SLICE,
                                   ZX_VMO_CHILD_REFERENCE};
  struct vmo* made[5];
  for (int i = 0; i < 5; i++) {
    made[i] = child(a, kinds[i], 0, kinds[i] == ZX_VMO_CHILD_REFERENCE ? 0 : 2);
    check_equal(children_of(a), (unsigned)i + 1);
    check_true(!childless(a));
    check_equal(parent_of(made[i]), koid_of(a->handle));
    check_true(childless(made[i]));
  }
  for (int i = 0; i < 5; i++) {
    check_true(!childless(a));
    end(made[i]);
    check_equal(children_of(a), 4 - (unsigned)i);
  }
  check_true(childless(a));
}

/* vmo.md 9: every child has its own koid, whatever it shows */
SCENARIO(children_are_objects_of_their_own) {
  struct vmo* a = anonymous(BY_CALLS, 0, "1");
  struct vmo* all[] = {a, snapshot(a, 0, 1), slice(a, 0, 1), reference(a)};
  for (int i = 0; i < 4; i++) {
    for (int k = 0; k < i; k++) {
      check_true(koid_of(all[i]->handle) != koid_of(all[k]->handle));
    }
  }
}

/* vmo.md 9: "the grandparent's num_children goes up by them and down by one" */
EACH_WAY(all_children_of_one_that_ends_are_taken_over) {
  struct vmo* a = anonymous(way, 0, "1 2");
  struct vmo* b = snapshot(a, 0, 2);
  struct vmo* other = slice(a, 0, 1);
  struct vmo* taken[] = {snapshot(b, 0, 2), slice(b, 0, 1), reference(b)};
  check_equal(children_of(a), 2);
  check_equal(children_of(b), 3);
  end(b);
  check_equal(children_of(a), 4);
  for (int i = 0; i < 3; i++) {
    check_equal(parent_of(taken[i]), koid_of(a->handle));
    expect_at(taken[i], 0, 0, 1);
  }
  end(other);
  for (int i = 0; i < 3; i++) {
    check_true(!childless(a));
    end(taken[i]);
  }
  check_true(childless(a));
}

/* vmo.md 9: "or to none", "or 0"; vmo.md 14: when IS_COW_CLONE goes */
EACH_WAY(children_of_a_vmo_without_parent_have_none_when_it_ends) {
  struct vmo* a = anonymous(way, 0, "1 2");
  struct vmo* b = snapshot(a, 0, 2);
  struct vmo* c = snapshot(b, 0, 2);
  struct vmo* s = slice(b, 0, 1);
  check_true((vmo_info(b->handle).flags & ZX_INFO_VMO_IS_COW_CLONE) != 0);
  end(a);
  check_equal(parent_of(b), 0);
  check_true((vmo_info(b->handle).flags & ZX_INFO_VMO_IS_COW_CLONE) == 0);
  check_equal(parent_of(c), koid_of(b->handle));
  check_true((vmo_info(c->handle).flags & ZX_INFO_VMO_IS_COW_CLONE) != 0);
  end(b);
  check_equal(parent_of(c), 0);
  check_equal(parent_of(s), 0);
  check_true((vmo_info(c->handle).flags & ZX_INFO_VMO_IS_COW_CLONE) == 0);
  expect_tags(c, "1 2");
  expect_tags(s, "1");
  struct vmo* d = snapshot(c, 0, 2);
  check_equal(children_of(c), 1);
  check_equal(parent_of(d), koid_of(c->handle));
}

/* vmo.md 14: a clone that moved up is a clone still */
SCENARIO(a_clone_that_moved_up_to_a_grandparent_is_a_clone_still) {
  struct vmo* a = anonymous(BY_CALLS, 0, "1");
  struct vmo* b = snapshot(a, 0, 1);
  struct vmo* c = snapshot(b, 0, 1);
  end(b);
  check_true((vmo_info(c->handle).flags & ZX_INFO_VMO_IS_COW_CLONE) != 0);
  end(a);
  check_true((vmo_info(c->handle).flags & ZX_INFO_VMO_IS_COW_CLONE) == 0);
}

/* vmo.md 9: "An object lives while a handle to it or a mapping of it exists" */
SCENARIO(a_parent_that_is_mapped_stays_the_parent) {
  need_mappings();
  struct vmo* a = anonymous(BY_CALLS, 0, "1 2");
  struct vmo* b = snapshot(a, 0, 2);
  const zx_koid_t koid = koid_of(a->handle);
  uint8_t* at = map_vmo(a->handle, 0, 2 * PAGE);
  drop(&a->handle);
  check_equal(parent_of(b), koid);
  *(volatile uint8_t*)at = 9;
  expect_tags(b, "1 2");
  unmap(at, 2 * PAGE);
  check_equal(parent_of(b), 0);
  expect_tags(b, "1 2");
}

/* vmo.md 9: handles: the last of several counts */
SCENARIO(a_child_lives_while_one_of_its_handles_does) {
  struct vmo* a = anonymous(BY_CALLS, 0, "1");
  struct vmo* b = snapshot(a, 0, 1);
  zx_handle_t second = duplicate_with(b->handle, ZX_RIGHT_NONE);
  drop(&b->handle);
  check_true(!childless(a));
  drop(&second);
  check_true(childless(a));
}

/* vmo.md 9: "closing B alone leaves A's signal down until C ends", also where C is only mapped */
SCENARIO(the_signal_waits_for_a_grandchild_that_is_only_mapped) {
  need_mappings();
  struct vmo* a = anonymous(BY_CALLS, 0, "1");
  struct vmo* b = snapshot(a, 0, 1);
  struct vmo* c = snapshot(b, 0, 1);
  uint8_t* at = map_vmo(c->handle, 0, PAGE);
  drop(&c->handle);
  drop(&b->handle);
  check_true(!childless(a));
  check_equal(children_of(a), 1);
  check_equal(*(volatile uint8_t*)at, 1);
  unmap(at, PAGE);
  check_true(childless(a));
}

/* vmo.md 9: the signal goes up and down again with each generation */
EACH_WAY(the_signal_follows_every_child) {
  struct vmo* a = anonymous(way, 0, "1");
  for (int i = 0; i < 5; i++) {
    check_true(childless(a));
    struct vmo* b = i % 2 == 0 ? snapshot(a, 0, 1) : slice(a, 0, 1);
    check_true(!childless(a));
    end(b);
  }
  check_true(childless(a));
}

struct wait {
  zx_handle_t vmo;
  zx_signals_t pending;
};

static zx_status_t wait_for_no_children(void* argument) {
  struct wait* w = argument;
  return zx_object_wait_one(w->vmo, ZX_VMO_ZERO_CHILDREN, ZX_TIME_INFINITE, &w->pending);
}

/* vmo.md 9, objects.md 6: a thread that waits for the signal goes on when the last child ends */
SCENARIO(a_thread_waits_for_the_last_child) {
  struct vmo* a = anonymous(BY_CALLS, 0, "1");
  struct vmo* b = snapshot(a, 0, 1);
  struct vmo* c = snapshot(b, 0, 1);
  struct wait wait = {a->handle, 0};
  struct worker* w = start_call(wait_for_no_children, &wait);
  round_trip();
  check_true(!worker_has_ended(w));
  end(b);
  round_trip();
  check_true(!worker_has_ended(w));
  end(c);
  expect_ok(w);
  check_true((wait.pending & ZX_VMO_ZERO_CHILDREN) != 0);
}

/* vmo.md 9, objects.md 7.7: and a port gets a packet */
SCENARIO(a_port_is_told_when_the_last_child_ends) {
  struct vmo* a = anonymous(BY_CALLS, 0, "1");
  struct vmo* b = slice(a, 0, 1);
  check_ok(zx_object_wait_async(a->handle, fx.port, 77, ZX_VMO_ZERO_CHILDREN, 0));
  expect_nothing();
  end(b);
  zx_port_packet_t packet;
  check_ok(zx_port_wait(fx.port, ZX_TIME_INFINITE_PAST, &packet));
  check_equal(packet.key, 77);
  check_equal(packet.type, ZX_PKT_TYPE_SIGNAL_ONE);
  check_true((packet.signal.observed & ZX_VMO_ZERO_CHILDREN) != 0);
}

/* vmo.md 9: signals of users stay apart; ZX_VMO_ZERO_CHILDREN is the library's */
SCENARIO(users_cannot_change_the_signal) {
  struct vmo* a = anonymous(BY_CALLS, 0, "1");
  check_status(zx_object_signal(a->handle, ZX_VMO_ZERO_CHILDREN, 0), ZX_ERR_INVALID_ARGS);
  check_ok(zx_object_signal(a->handle, 0, ZX_USER_SIGNAL_3));
  struct vmo* b = snapshot(a, 0, 1);
  check_true(has_signal(a->handle, ZX_USER_SIGNAL_3));
  check_status(zx_object_signal(a->handle, 0, ZX_VMO_ZERO_CHILDREN), ZX_ERR_INVALID_ARGS);
  check_true(!childless(a));
  end(b);
  check_true(childless(a));
}

/* vmo.md 9 in a pager tree, 8.5: children of a root that has been closed go on, and their parent is
 * 0 */
SCENARIO(children_of_a_closed_pager_root_have_no_parent) {
  struct root* r = NULL;
  struct vmo* v = pager_root(BY_CALLS, 0, "1 -", &r);
  struct vmo* b = lazy(v, 0, 2);
  struct vmo* c = lazy(b, 0, 2);
  check_equal(parent_of(c), koid_of(b->handle));
  drop(&v->handle);
  check_equal(parent_of(b), 0);
  check_true((vmo_info(b->handle).flags & ZX_INFO_VMO_IS_COW_CLONE) == 0);
  check_true((vmo_info(b->handle).flags & ZX_INFO_VMO_PAGER_BACKED) != 0);
  end(b);
  check_equal(parent_of(c), 0);
  expect_at(c, 0, 0, 1);
  expect_nothing();
  end(c);
  expect_complete(r);
}

/* ---- Several threads ---- */

#define CHURN_ROUNDS (UNDER_SANITIZER ? 100 : 500)

static zx_status_t make_and_end_children(void* argument) {
  const struct vmo* a = argument;
  for (int i = 0; i < CHURN_ROUNDS; i++) {
    zx_handle_t b = ZX_HANDLE_INVALID;
    zx_handle_t c = ZX_HANDLE_INVALID;
    const uint32_t kind = i % 2 == 0 ? ZX_VMO_CHILD_SNAPSHOT : ZX_VMO_CHILD_SLICE;
    zx_status_t status = zx_vmo_create_child(a->handle, kind, 0, PAGE, &b);
    if (status == ZX_OK) status = zx_vmo_create_child(b, ZX_VMO_CHILD_SLICE, 0, PAGE, &c);
    if (status != ZX_OK) return status;
    const uint8_t byte = (uint8_t)i;
    /* A slice of the parent shows its page, so it is only looked at. */
    uint8_t seen = 0;
    status =
        kind == ZX_VMO_CHILD_SNAPSHOT ? zx_vmo_write(c, &byte, 5, 1) : zx_vmo_read(c, &seen, 0, 1);
    if (status == ZX_OK && kind == ZX_VMO_CHILD_SNAPSHOT) {
      status = zx_vmo_read(b, &seen, 5, 1);
      if (seen != byte) return ZX_ERR_IO_DATA_INTEGRITY;
    }
    if (status != ZX_OK) return status;
    zx_handle_close(i % 3 == 0 ? c : b);
    zx_handle_close(i % 3 == 0 ? b : c);
  }
  return ZX_OK;
}

/* vmo.md 9: counts and signal are right after any number of threads */
SCENARIO(children_may_come_and_go_on_several_threads) {
  struct vmo* a = anonymous(BY_CALLS, 0, "1 2");
  struct worker* workers[4];
  for (int i = 0; i < 4; i++) {
    workers[i] = start_call(make_and_end_children, a);
  }
  for (int i = 0; i < 4; i++) {
    expect_ok(workers[i]);
  }
  check_true(childless(a));
  expect_tags(a, "1 2");
  check_equal(vmo_info(a->handle).committed_private_bytes, 2 * PAGE);
}

/* ---- Deep trees ---- */

/* vmo.md 9: a line of any depth, ended from the top: the last one is the root in the end */
EACH_WAY(a_long_line_ends_from_the_top) {
  enum {
    LENGTH = 40
  };
  struct vmo* all[LENGTH];
  all[0] = anonymous(way, 0, "1 2");
  for (int i = 1; i < LENGTH; i++) {
    all[i] = snapshot(all[i - 1], 0, 2);
    put_byte(all[i], 1, (uint64_t)i * 8, 9);
  }
  for (int i = 0; i < LENGTH - 1; i++) {
    check_equal(children_of(all[i]), 1);
    check_equal(parent_of(all[i]), 0);
    end(all[i]);
  }
  struct vmo* last = all[LENGTH - 1];
  check_equal(parent_of(last), 0);
  check_equal(vmo_info(last->handle).committed_bytes, 2 * PAGE);
  check_equal(vmo_info(last->handle).committed_private_bytes, 2 * PAGE);
  for (int i = 0; i < LENGTH; i++) {
    expect_at(last, 1, (uint64_t)i * 8, i == 0 ? 2 : 9);
    expect_at(last, 1, (uint64_t)i * 8 + 1, 2);
  }
  expect_at(last, 0, 7, 1);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_EACH_WAY(s12_children_move_up_when_the_middle_ends),
      TEST(s13_a_mapped_child_counts_until_it_is_unmapped),
      TEST_EACH_WAY(children_of_every_kind_count),
      TEST(children_are_objects_of_their_own),
      TEST_EACH_WAY(all_children_of_one_that_ends_are_taken_over),
      TEST_EACH_WAY(children_of_a_vmo_without_parent_have_none_when_it_ends),
      TEST(a_clone_that_moved_up_to_a_grandparent_is_a_clone_still),
      TEST(a_parent_that_is_mapped_stays_the_parent),
      TEST(a_child_lives_while_one_of_its_handles_does),
      TEST(the_signal_waits_for_a_grandchild_that_is_only_mapped),
      TEST_EACH_WAY(the_signal_follows_every_child),
      TEST(a_thread_waits_for_the_last_child),
      TEST(a_port_is_told_when_the_last_child_ends),
      TEST(users_cannot_change_the_signal),
      TEST(children_of_a_closed_pager_root_have_no_parent),
      TEST(children_may_come_and_go_on_several_threads),
      TEST_EACH_WAY(a_long_line_ends_from_the_top),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
