/* SPDX-License-Identifier: BSD-3-Clause */
/* What parents and children see of each other in anonymous trees: vmo.md 7, scenarios S1 to S7, S9
 * to S12. */
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "tagged.h"

#define RESIZABLE_SNAPSHOT (ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE)

/* ---- Scenarios of the document ---- */

/* vmo.md 17 S1 */
EACH_WAY(s1_writes_of_either_side_are_its_own) {
  struct vmo* a = anonymous(way, 0, "1 2 3");
  struct vmo* b = snapshot(a, 1, 3);
  expect_tags(b, "2 3 0");
  put(a, 1, 9);
  expect_tags(b, "2 3 0");
  put(b, 0, 8);
  expect_tags(a, "1 9 3");
  expect_tags(b, "8 3 0");
  end(a);
  expect_tags(b, "8 3 0");
}

/* vmo.md 17 S2 */
EACH_WAY(s2_shrinking_and_growing_leave_the_other_side_alone) {
  struct vmo* a = anonymous(way, ZX_VMO_RESIZABLE, "1 2 3 4");
  struct vmo* b = child(a, RESIZABLE_SNAPSHOT, 0, 4);
  resize(a, 1);
  resize(a, 4);
  expect_tags(a, "1 0 0 0");
  expect_tags(b, "1 2 3 4");
  resize(b, 0);
  resize(b, 2);
  expect_tags(b, "0 0");
  expect_tags(a, "1 0 0 0");
}

/* vmo.md 17 S3 */
EACH_WAY(s3_a_zeroed_page_stays_zero_when_the_parent_ends) {
  struct vmo* a = anonymous(way, 0, "1");
  struct vmo* b = snapshot(a, 0, 1);
  zero(b, 0, 1);
  end(a);
  struct vmo* c = snapshot(b, 0, 1);
  expect_tags(b, "0");
  expect_tags(c, "0");
  put_byte(b, 0, 64, 5);
  expect_at(b, 0, 0, 0);
  expect_at(b, 0, 64, 5);
  expect_tags(c, "0");
}

/* vmo.md 17 S4 */
EACH_WAY(s4_a_grandchild_sees_no_more_than_the_middle) {
  struct vmo* a = anonymous(way, 0, "1 2 3");
  struct vmo* b = snapshot(a, 1, 1);
  struct vmo* c = snapshot(b, 0, 2);
  expect_tags(b, "2");
  expect_tags(c, "2 0");
  end(b);
  expect_tags(c, "2 0");
  end(a);
  expect_tags(c, "2 0");
}

/* vmo.md 17 S5 */
EACH_WAY(s5_a_mapping_from_before_the_snapshot_parts_at_its_next_store) {
  struct vmo* a = anonymous(way, 0, "0 0");
  put(a, 0, 1);
  put(a, 1, 2);
  expect_tags(a, "1 2");
  struct vmo* b = snapshot(a, 0, 2);
  put(a, 0, 7);
  expect_tags(a, "7 2");
  expect_tags(b, "1 2");
}

/* The members of `order` 0 to n - 1 in the k-th of n! orders. */
static void permute(unsigned k, unsigned n, unsigned* order) {
  bool taken[8] = {false};
  for (unsigned i = 0; i < n; i++) {
    unsigned left = n - i;
    unsigned skip = k % left;
    k /= left;
    unsigned at = 0;
    while (taken[at] || skip-- > 0) {
      at++;
    }
    taken[at] = true;
    order[i] = at;
  }
}

/* vmo.md 17 S6 */
EACH_WAY(s6_four_vmos_of_a_tree_are_written_in_any_order) {
  for (unsigned k = 0; k < 24; k++) {
    struct vmo* a = anonymous(way, 0, "1");
    struct vmo* b = snapshot(a, 0, 1);
    struct vmo* c = snapshot(a, 0, 1);
    struct vmo* d = snapshot(b, 0, 1);
    struct vmo* all[] = {a, b, c, d};
    unsigned order[4];
    unsigned tags[] = {1, 1, 1, 1};
    permute(k, 4, order);
    for (unsigned i = 0; i < 4; i++) {
      put(all[order[i]], 0, 2 + i);
      tags[order[i]] = 2 + i;
      for (unsigned j = 0; j < 4; j++) {
        const char text[] = {(char)('0' + tags[j]), '\0'};
        expect_tags(all[j], text);
      }
    }
    for (unsigned i = 0; i < 4; i++) {
      end(all[i]);
    }
  }
}

/* vmo.md 17 S7 */
EACH_WAY(s7_a_shrink_uncovers_nothing_and_takes_nothing) {
  struct vmo* a = anonymous(way, ZX_VMO_RESIZABLE, "1 2 3 4");
  struct vmo* m = snapshot(a, 0, 4);
  struct vmo* s = snapshot(a, 2, 1);
  resize(a, 1);
  resize(a, 4);
  expect_tags(a, "1 0 0 0");
  expect_tags(m, "1 2 3 4");
  expect_tags(s, "3");
  for (uint64_t page = 1; page < 4; page++) {
    put_byte(a, page, 100, 9);
    expect_at(a, page, 99, 0);
    expect_at(a, page, 100, 9);
    expect_at(a, page, 101, 0);
  }
  expect_tags(m, "1 2 3 4");
  expect_tags(s, "3");
}

/* vmo.md 17 S9 */
EACH_WAY(s9_a_slice_is_a_window_on_the_parents_pages) {
  struct vmo* a = anonymous(way, 0, "1 2 3 4");
  struct vmo* s = slice(a, 1, 2);
  expect_tags(s, "2 3");
  put(s, 1, 5);
  expect_tags(a, "1 2 5 4");
  decommit(s, 0, 1);
  expect_tags(a, "1 0 5 4");
  check_status(try_op(s->handle, ZX_VMO_OP_DECOMMIT, 2 * PAGE, PAGE), ZX_ERR_OUT_OF_RANGE);
  end(a);
  expect_tags(s, "0 5");
  put(s, 0, 6);
  expect_tags(s, "6 5");
}

/* vmo.md 17 S10 */
EACH_WAY(s10_a_slice_stays_with_the_parent_when_a_snapshot_parts) {
  struct vmo* a = anonymous(way, 0, "1 2");
  struct vmo* s = slice(a, 0, 2);
  struct vmo* b = snapshot(a, 0, 2);
  put(s, 0, 7);
  expect_tags(a, "7 2");
  expect_tags(s, "7 2");
  expect_tags(b, "1 2");
  put(a, 1, 8);
  expect_tags(s, "7 8");
  put(b, 0, 3);
  expect_tags(a, "7 8");
  expect_tags(s, "7 8");
  expect_tags(b, "3 2");
}

/* vmo.md 17 S11 */
EACH_WAY(s11_a_reference_is_the_parents_pages_under_another_name) {
  struct vmo* a = anonymous(way, ZX_VMO_RESIZABLE, "1 2");
  struct vmo* r = reference(a);
  check_equal(vmo_info(r->handle).committed_bytes, 0);
  resize(a, 3);
  expect_tags(r, "1 2 0");
  put(r, 2, 6);
  expect_tags(a, "1 2 6");
  check_equal(vmo_info(r->handle).committed_bytes, 0);
  end(a);
  expect_tags(r, "1 2 6");
  struct vmo* b = snapshot(r, 0, 3);
  put(r, 0, 9);
  expect_tags(b, "1 2 6");
  check_equal(vmo_info(r->handle).committed_bytes, 0);
}

/* vmo.md 17 S12: contents; the counts are in test_child_life.c */
EACH_WAY(s12_contents_outlive_the_middle_of_a_line) {
  struct vmo* a = anonymous(way, 0, "1 2 3");
  struct vmo* b = snapshot(a, 0, 3);
  put(b, 1, 5);
  struct vmo* c = snapshot(b, 0, 3);
  put(c, 2, 6);
  end(b);
  expect_tags(a, "1 2 3");
  expect_tags(c, "1 5 6");
  put(a, 0, 9);
  expect_tags(c, "1 5 6");
  end(c);
  expect_tags(a, "9 2 3");
  put(a, 1, 8);
  expect_tags(a, "9 8 3");
}

/* ---- Rule 1: whatever is done, to either side ---- */

/* vmo.md 7.1: each kind of change, of the parent and of the child, with the other looking on */
EACH_WAY(no_operation_of_one_side_is_seen_by_the_other) {
  for (int of_child = 0; of_child < 2; of_child++) {
    struct vmo* a = anonymous(way, ZX_VMO_RESIZABLE, "1 2 3 4 5 0");
    struct vmo* b = child(a, RESIZABLE_SNAPSHOT, 0, 6);
    struct vmo* changed = of_child ? b : a;
    struct vmo* other = of_child ? a : b;
    put(changed, 0, 7);
    expect_tags(other, "1 2 3 4 5 0");
    zero(changed, 1, 1);
    expect_tags(other, "1 2 3 4 5 0");
    commit(changed, 2, 1);
    put(changed, 2, 8);
    expect_tags(other, "1 2 3 4 5 0");
    struct vmo* source = anonymous(way, 0, "9 0");
    check_ok(zx_vmo_transfer_data(changed->handle, 0, 3 * PAGE, PAGE, source->handle, 0));
    expect_tags(other, "1 2 3 4 5 0");
    check_ok(zx_vmo_transfer_data(source->handle, 0, PAGE, PAGE, changed->handle, 4 * PAGE));
    expect_tags(source, "0 5");
    expect_tags(other, "1 2 3 4 5 0");
    put(changed, 5, 6);
    expect_tags(other, "1 2 3 4 5 0");
    expect_tags(changed, "7 0 8 9 0 6");
    resize(changed, 2);
    expect_tags(other, "1 2 3 4 5 0");
    resize(changed, 6);
    expect_tags(changed, "7 0 0 0 0 0");
    expect_tags(other, "1 2 3 4 5 0");
    end(changed);
    expect_tags(other, "1 2 3 4 5 0");
    put(other, 0, 2);
    expect_tags(other, "2 2 3 4 5 0");
    end(other);
    end(source);
  }
}

/* vmo.md 7.1: a page that nobody had at the moment of the snapshot */
EACH_WAY(pages_written_after_the_snapshot_are_of_one_side_alone) {
  struct vmo* a = anonymous(way, 0, "0 0 0");
  struct vmo* b = snapshot(a, 0, 3);
  put(a, 0, 1);
  put(b, 1, 2);
  expect_tags(a, "1 0 0");
  expect_tags(b, "0 2 0");
  put(b, 0, 3);
  put(a, 1, 4);
  expect_tags(a, "1 4 0");
  expect_tags(b, "3 2 0");
}

/* vmo.md 7.1: parts of pages: what is around the bytes is as it was */
EACH_WAY(a_write_of_one_byte_keeps_the_rest_of_the_page) {
  struct vmo* a = anonymous(way, 0, "1 2");
  struct vmo* b = snapshot(a, 0, 2);
  put_byte(b, 0, 1000, 9);
  put_byte(a, 1, 3000, 8);
  expect_at(b, 0, 999, 1);
  expect_at(b, 0, 1000, 9);
  expect_at(b, 0, 1001, 1);
  expect_tags(a, "1 ?");
  expect_at(a, 1, 2999, 2);
  expect_at(a, 1, 3000, 8);
  expect_at(a, 1, 3001, 2);
  expect_at(b, 1, 3000, 2);
}

/* vmo.md 7.1: several snapshots, each of its own moment */
EACH_WAY(every_snapshot_shows_its_own_moment) {
  struct vmo* a = anonymous(way, 0, "1 1");
  struct vmo* b = snapshot(a, 0, 2);
  put(a, 0, 2);
  struct vmo* c = snapshot(a, 0, 2);
  put(a, 1, 3);
  struct vmo* d = snapshot(a, 0, 2);
  put(a, 0, 4);
  put(a, 1, 4);
  expect_tags(b, "1 1");
  expect_tags(c, "2 1");
  expect_tags(d, "2 3");
  expect_tags(a, "4 4");
  put(c, 1, 9);
  expect_tags(b, "1 1");
  expect_tags(d, "2 3");
  end(c);
  expect_tags(b, "1 1");
  expect_tags(d, "2 3");
  expect_tags(a, "4 4");
}

/* vmo.md 6: what lies past the parent's end "reads zero and stays so when the parent grows
 * later" */
EACH_WAY(a_child_that_reaches_past_the_parent_stays_zero_there) {
  struct vmo* a = anonymous(way, ZX_VMO_RESIZABLE, "1 2");
  struct vmo* b = snapshot(a, 1, 3);
  struct vmo* c = snapshot(a, 4, 2);
  expect_tags(b, "2 0 0");
  expect_tags(c, "0 0");
  resize(a, 6);
  for (uint64_t page = 2; page < 6; page++) {
    put(a, page, 7);
  }
  expect_tags(b, "2 0 0");
  expect_tags(c, "0 0");
  put(b, 2, 5);
  expect_tags(b, "2 0 5");
  expect_tags(a, "1 2 7 7 7 7");
}

/* ---- Rules 2 and 3: mappings ---- */

/* vmo.md 7.2: all the mappings that there are, whoever they belong to */
SCENARIO(every_old_mapping_parts_from_the_child) {
  need_mappings();
  struct vmo* a = anonymous(BY_CALLS, 0, "1 1 1 1");
  struct vmo* s = slice(a, 1, 2);
  struct vmo* r = reference(a);
  volatile uint8_t* maps[] = {
      map_vmo(a->handle, 0, 4 * PAGE),
      map_vmo(a->handle, 0, 4 * PAGE),
      map_vmo(s->handle, 0, 2 * PAGE) - PAGE,
      map_vmo(r->handle, 0, 4 * PAGE),
  };
  /* Each has stored to each page that it shows, so it is mapped writable by now. */
  for (int i = 0; i < 4; i++) {
    for (uint64_t page = 1; page < 3; page++) {
      maps[i][page * PAGE + 8] = 1;
    }
  }
  for (int i = 0; i < 4; i++) {
    struct vmo* b = snapshot(a, 0, 4);
    uint8_t* child_map = map_vmo(b->handle, 0, 4 * PAGE);
    const uint8_t before = maps[0][PAGE + 9];
    maps[i][PAGE + 9] = (uint8_t)(10 + i);
    expect_at(b, 1, 9, before);
    check_equal(child_map[PAGE + 9], before);
    for (int k = 0; k < 4; k++) {
      check_equal(maps[k][PAGE + 9], 10 + i);
    }
    expect_at(a, 1, 9, (uint8_t)(10 + i));
    expect_at(s, 0, 9, (uint8_t)(10 + i));
    expect_at(r, 1, 9, (uint8_t)(10 + i));
  }
}

/* vmo.md 7.3: "all mappings of the VMO that forked show the new page", though they were read
 * before */
SCENARIO(all_mappings_of_a_child_show_its_own_page_after_a_write) {
  need_mappings();
  struct vmo* a = anonymous(BY_CALLS, 0, "1 2");
  struct vmo* b = snapshot(a, 0, 2);
  struct vmo* s = slice(b, 0, 2);
  struct vmo* r = reference(b);
  volatile uint8_t* maps[] = {
      map_vmo(b->handle, 0, 2 * PAGE),
      map_vmo(b->handle, 0, 2 * PAGE),
      map_vmo(s->handle, 0, 2 * PAGE),
      map_vmo(r->handle, 0, 2 * PAGE),
  };
  volatile uint8_t* parent_map = map_vmo(a->handle, 0, 2 * PAGE);
  for (int i = 0; i < 4; i++) {
    check_equal(maps[i][0], 1);
    check_equal(maps[i][PAGE], 2);
  }
  check_equal(parent_map[0], 1);
  maps[1][0] = 5;       /* a store */
  put(s, 1, 6);         /* a call, by an alias */
  parent_map[PAGE] = 7; /* and the other side */
  for (int i = 0; i < 4; i++) {
    check_equal(maps[i][0], 5);
    check_equal(maps[i][1], 1);
    check_equal(maps[i][PAGE], 6);
  }
  check_equal(parent_map[0], 1);
  check_equal(parent_map[PAGE], 7);
  expect_tags(a, "1 ?");
}

/* vmo.md 7.3: a mapping that is made after the fork, and one that only shows a part */
SCENARIO(mappings_made_later_show_what_is_there_by_then) {
  need_mappings();
  struct vmo* a = anonymous(BY_CALLS, 0, "1 2 3 4");
  struct vmo* b = snapshot(a, 0, 4);
  put(b, 1, 5);
  put(a, 2, 6);
  volatile uint8_t* whole = map_vmo(b->handle, 0, 4 * PAGE);
  volatile uint8_t* part = map_vmo(a->handle, 2 * PAGE, 2 * PAGE);
  check_equal(whole[0], 1);
  check_equal(whole[PAGE], 5);
  check_equal(whole[2 * PAGE], 3);
  check_equal(part[0], 6);
  part[PAGE] = 7;
  check_equal(whole[3 * PAGE], 4);
  whole[2 * PAGE + 1] = 8;
  check_equal(part[1], 6);
  expect_at(b, 2, 1, 8);
}

/* vmo.md 7.2: pages that were committed and have no bytes yet; what is looked at by a call first */
SCENARIO(committed_pages_without_bytes_part_like_others) {
  need_mappings();
  struct vmo* a = anonymous(BY_CALLS, 0, "1");
  struct vmo* b = snapshot(a, 1, 2);
  commit(b, 0, 2);
  struct vmo* c = snapshot(b, 0, 2);
  volatile uint8_t* map = map_vmo(b->handle, 0, 2 * PAGE);
  expect_tags(b, "0 0");
  expect_tags(c, "0 0");
  map[0] = 5;
  map[PAGE] = 6;
  expect_tags(c, "0 0");
  expect_at(b, 0, 0, 5);
  expect_at(b, 1, 0, 6);
}

/* vmo.md 3, 7.2: pages that a write was going to fill when its buffer failed */
SCENARIO(pages_that_a_failed_write_left_are_loaded_and_stored_to) {
  need_mappings();
  struct vmo* a = anonymous(BY_CALLS, 0, "1 0 0");
  struct vmo* b = snapshot(a, 0, 3);
  uint8_t* hole = map_vmo(a->handle, 0, PAGE);
  unmap(hole, PAGE);
  check_status(zx_vmo_write(b->handle, hole, PAGE, 2 * PAGE), ZX_ERR_NOT_FOUND);
  check_status(zx_vmo_write(a->handle, hole, PAGE, 2 * PAGE), ZX_ERR_NOT_FOUND);
  struct vmo* c = snapshot(b, 0, 3);
  struct vmo* d = snapshot(a, 0, 3);
  uint8_t* of_b = map_vmo(b->handle, 0, 3 * PAGE);
  uint8_t* of_a = map_vmo(a->handle, 0, 3 * PAGE);
  expect_byte(start_load(of_b + PAGE), 0);
  expect_byte(start_load(of_a + PAGE), 0);
  expect_ok(start_store(of_b + PAGE, 5));
  expect_ok(start_store(of_b + 2 * PAGE, 6));
  expect_ok(start_store(of_a + 2 * PAGE, 7));
  expect_tags(c, "1 0 0");
  expect_tags(d, "1 0 0");
  expect_at(b, 1, 0, 5);
  expect_at(b, 2, 0, 6);
  expect_at(a, 2, 0, 7);
}

/* vmo.md 16: "so that system calls that write into the memory work too" */
SCENARIO(a_system_call_that_writes_to_shared_pages_parts_them) {
  need_mappings();
  if (!fx.probe.kernel_faults_served) scenario_skip("faults of the kernel are not served here");
  struct vmo* a = anonymous(BY_BOTH, 0, "1 1");
  put(a, 0, 1);
  struct vmo* b = snapshot(a, 0, 2);
  int fds[2];
  check_equal(pipe(fds), 0);
  check_equal(write(fds[1], "abcd", 4), 4);
  check_equal(read(fds[0], a->map + PAGE - 2, 4), 4);
  expect_at(a, 0, PAGE - 1, 'b');
  expect_at(a, 1, 0, 'c');
  expect_tags(b, "1 1");
  /* And one that reads: from the child's memory, which nobody has touched yet. */
  struct vmo* c = snapshot(a, 0, 2);
  check_equal(write(fds[1], c->map + PAGE - 2, 4), 4);
  char bytes[4];
  check_equal(read(fds[0], bytes, 4), 4);
  check_true(memcmp(bytes, "abcd", 4) == 0);
  close(fds[0]);
  close(fds[1]);
}

/* vmo.md 3, 7: buffers in mappings of parents and children */
EACH_WAY(buffers_may_lie_in_mappings_of_parents_and_children) {
  need_mappings();
  struct vmo* a = anonymous(way, 0, "1 2");
  struct vmo* b = snapshot(a, 0, 2);
  uint8_t* of_a = a->map != NULL ? a->map : map_vmo(a->handle, 0, 2 * PAGE);
  uint8_t* of_b = b->map != NULL ? b->map : map_vmo(b->handle, 0, 2 * PAGE);
  /* A's page 1 into B's page 0, through B's mapping. */
  check_ok(zx_vmo_read(a->handle, of_b, PAGE, PAGE));
  expect_tags(a, "1 2");
  expect_tags(b, "2 2");
  /* B's page 1, by its mapping, into A's page 0. */
  check_ok(zx_vmo_write(a->handle, of_b + PAGE, 0, PAGE));
  expect_tags(a, "2 2");
  put(a, 1, 5);
  /* A's pages into B, the buffer in A. */
  check_ok(zx_vmo_write(b->handle, of_a, 0, 2 * PAGE));
  expect_tags(b, "2 5");
  put(b, 0, 6);
  expect_tags(a, "2 5");
}

/* ---- Rule 3, last paragraph: a snapshot shows one moment ---- */

#define SLOTS     16
#define SNAPSHOTS (UNDER_SANITIZER ? 40 : 200)

struct storer {
  uint64_t* slots[SLOTS]; /* where the stores go, in order and round again */
  uint64_t stores;        /* made; read by the main thread after the end */
  atomic_bool stop;
};

__attribute__((noinline, no_sanitize("address", "thread"))) static void store(uint64_t* at,
                                                                              uint64_t value) {
  *(volatile uint64_t*)at = value;
}

static zx_status_t store_in_order(void* argument) {
  struct storer* s = argument;
  uint64_t n = 0;
  while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
    n++;
    store(s->slots[n % SLOTS], n);
  }
  s->stores = n;
  return ZX_OK;
}

/* Whether the slots are as after some number of stores; says how many. */
static bool is_prefix(const uint64_t* values, uint64_t* stores) {
  uint64_t most = 0;
  for (uint64_t i = 0; i < SLOTS; i++) {
    if (values[i] > most) most = values[i];
  }
  *stores = most;
  for (uint64_t i = 0; i < SLOTS; i++) {
    const uint64_t back = (most + SLOTS - i) % SLOTS; /* stores since the slot's turn */
    const uint64_t expected = most >= back && most - back > 0 ? most - back : 0;
    if (values[i] != expected) return false;
  }
  return true;
}

/* The place of a slot: every other page of four, four in each, so that stores go to and fro. */
static uint64_t slot_offset(uint64_t i) { return (i * 5 % 4) * PAGE + i * 64; }

static void read_slots(zx_handle_t vmo, const uint8_t* map, uint64_t* values) {
  for (uint64_t i = 0; i < SLOTS; i++) {
    if (map != NULL) {
      values[i] = *(const volatile uint64_t*)(map + slot_offset(i));
    } else {
      check_ok(zx_vmo_read(vmo, &values[i], slot_offset(i), sizeof(values[i])));
    }
  }
}

/* vmo.md 7.3: "the child shows a prefix, and none of them is lost for the parent" */
SCENARIO(a_snapshot_under_stores_shows_a_prefix_of_them) {
  need_mappings();
  static struct storer s;
  struct vmo* a = anonymous(BY_CALLS, 0, "0 0 0 0");
  uint8_t* map = map_vmo(a->handle, 0, 4 * PAGE);
  for (uint64_t i = 0; i < SLOTS; i++) {
    s.slots[i] = (uint64_t*)(map + slot_offset(i));
  }
  struct worker* w = start_call(store_in_order, &s);
  uint64_t values[SLOTS];
  uint64_t last = 0;
  for (int i = 0; i < SNAPSHOTS; i++) {
    zx_handle_t b = make_child(a->handle, ZX_VMO_CHILD_SNAPSHOT, 0, 4);
    for (int twice = 0; twice < 2; twice++) {
      uint64_t stores = 0;
      uint8_t* child_map = i % 2 == 1 ? map_vmo(b, 0, 4 * PAGE) : NULL;
      read_slots(b, child_map, values);
      if (child_map != NULL) unmap(child_map, 4 * PAGE);
      if (!is_prefix(values, &stores)) check_fail("snapshot %d shows no prefix", i);
      if (twice == 1) check_equal(stores, last);
      check_true(stores >= last);
      last = stores;
    }
    drop(&b);
  }
  atomic_store(&s.stop, true);
  expect_ok(w);
  uint64_t stores = 0;
  read_slots(a->handle, NULL, values);
  check_true(is_prefix(values, &stores));
  check_equal(stores, s.stores);
}

struct adder {
  zx_handle_t vmo;
  uint8_t* map; /* NULL: by calls */
  uint64_t offset;
  atomic_bool* stop;
  uint64_t stores;
};

static zx_status_t count_up(void* argument) {
  struct adder* adder = argument;
  uint64_t n = 0;
  do {
    n++;
    if (adder->map != NULL) {
      store((uint64_t*)(adder->map + adder->offset), n);
    } else {
      const zx_status_t status = zx_vmo_write(adder->vmo, &n, adder->offset, sizeof(n));
      if (status != ZX_OK) return status;
    }
  } while (!atomic_load_explicit(adder->stop, memory_order_relaxed));
  adder->stores = n;
  return ZX_OK;
}

/* vmo.md 7.3, 16 requirement 3: no store is lost while pages part under several threads, by each
 * alias */
SCENARIO(no_store_is_lost_while_snapshots_are_made_and_ended) {
  need_mappings();
  static struct adder adders[5];
  static atomic_bool stop;
  struct vmo* a = anonymous(BY_CALLS, 0, "1 1");
  struct vmo* s = slice(a, 0, 2);
  uint8_t* first = map_vmo(a->handle, 0, 2 * PAGE);
  uint8_t* second = map_vmo(a->handle, 0, 2 * PAGE);
  uint8_t* of_slice = map_vmo(s->handle, 0, 2 * PAGE);
  struct worker* workers[5];
  uint8_t* const maps[] = {first, second, of_slice, NULL, NULL};
  for (int i = 0; i < 5; i++) {
    /* All of one page, so that each fork is raced for. */
    adders[i] =
        (struct adder){i == 4 ? s->handle : a->handle, maps[i], 512 + 64 * (uint64_t)i, &stop, 0};
    workers[i] = start_call(count_up, &adders[i]);
  }
  for (int i = 0; i < SNAPSHOTS; i++) {
    zx_handle_t b = make_child(a->handle, ZX_VMO_CHILD_SNAPSHOT, 0, 2);
    zx_handle_t c = make_child(b, ZX_VMO_CHILD_SNAPSHOT, 0, 2);
    uint8_t bytes[2 * PAGE];
    uint8_t again[2 * PAGE];
    check_ok(zx_vmo_read(b, bytes, 0, sizeof(bytes)));
    check_ok(zx_vmo_read(c, again, 0, sizeof(again)));
    check_true(memcmp(bytes, again, sizeof(bytes)) == 0);
    check_true(is_filled_with(bytes, 1, 512));
    drop(i % 2 == 0 ? &b : &c);
    check_ok(zx_vmo_read(i % 2 == 0 ? c : b, again, 0, sizeof(again)));
    check_true(memcmp(bytes, again, sizeof(bytes)) == 0);
    drop(i % 2 == 0 ? &c : &b);
  }
  atomic_store(&stop, true);
  for (int i = 0; i < 5; i++) {
    uint64_t value = 0;
    expect_ok(workers[i]);
    check_ok(zx_vmo_read(a->handle, &value, adders[i].offset, sizeof(value)));
    check_equal(value, adders[i].stores);
    check_equal(*(const volatile uint64_t*)(first + adders[i].offset), adders[i].stores);
  }
}

/* ---- Rules 4 to 7: shrinking, zeroing, bounds, closing ---- */

/* vmo.md 7.4: "growing a child past its first size gives zeros even if the parent had bytes
 * there" */
EACH_WAY(a_child_that_grows_past_its_first_size_gets_zeros) {
  struct vmo* a = anonymous(way, 0, "1 2 3 4");
  struct vmo* b = child(a, RESIZABLE_SNAPSHOT, 0, 2);
  resize(b, 4);
  expect_tags(b, "1 2 0 0");
  resize(b, 1);
  resize(b, 4);
  expect_tags(b, "1 0 0 0");
  put(b, 1, 7);
  expect_tags(b, "1 7 0 0");
  expect_tags(a, "1 2 3 4");
  struct vmo* c = snapshot(b, 0, 4);
  expect_tags(c, "1 7 0 0");
}

/* vmo.md 7.4: a shrink inside a page of a child */
EACH_WAY(a_child_that_shrinks_inside_a_shared_page_clears_its_own_bytes) {
  struct vmo* a = anonymous(way, 0, "1 2");
  struct vmo* b = child(a, RESIZABLE_SNAPSHOT, 0, 2);
  check_ok(zx_vmo_set_size(b->handle, 100));
  expect_at(b, 0, 99, 1);
  expect_at(b, 0, 100, 0);
  expect_tags(a, "1 2");
  resize(b, 2);
  expect_at(b, 0, 100, 0);
  expect_at(b, 1, 0, 0);
}

/* vmo.md 7.5: "also after the parent, a sibling or the grandparent is closed and after another
 * child is made" */
EACH_WAY(a_zeroed_page_hides_the_parents_for_good) {
  struct vmo* grandparent = anonymous(way, 0, "1 2");
  struct vmo* a = snapshot(grandparent, 0, 2);
  struct vmo* b = snapshot(a, 0, 2);
  struct vmo* sibling = snapshot(a, 0, 2);
  zero(b, 0, 1);
  check_ok(try_op(b->handle, ZX_VMO_OP_ZERO, PAGE + 10, 10));
  expect_tags(b, "0 ?");
  end(sibling);
  expect_tags(b, "0 ?");
  struct vmo* another = snapshot(a, 0, 2);
  expect_tags(another, "1 2");
  expect_tags(b, "0 ?");
  end(grandparent);
  expect_tags(b, "0 ?");
  end(a);
  expect_tags(b, "0 ?");
  expect_tags(another, "1 2");
  end(another);
  expect_tags(b, "0 ?");
  expect_at(b, 1, 9, 2);
  expect_at(b, 1, 10, 0);
  expect_at(b, 1, 20, 2);
  put_byte(b, 0, 1, 4);
  expect_at(b, 0, 0, 0);
}

/* vmo.md 7.5: the parent's zeros are its own as well */
EACH_WAY(a_parent_that_zeroes_takes_nothing_from_its_children) {
  struct vmo* a = anonymous(way, 0, "1 2 3");
  struct vmo* b = snapshot(a, 0, 3);
  zero(a, 0, 3);
  struct vmo* c = snapshot(a, 0, 3);
  expect_tags(a, "0 0 0");
  expect_tags(b, "1 2 3");
  expect_tags(c, "0 0 0");
  put(c, 1, 4);
  end(a);
  expect_tags(b, "1 2 3");
  expect_tags(c, "0 4 0");
}

/* vmo.md 7.6: the bound of the middle holds for pages that the root gets to show later, too */
EACH_WAY(the_middle_bounds_the_grandchild_whatever_ends_first) {
  for (int middle_first = 0; middle_first < 2; middle_first++) {
    struct vmo* a = anonymous(way, 0, "1 2 3 4");
    struct vmo* b = child(a, RESIZABLE_SNAPSHOT, 1, 2);
    resize(b, 1);
    struct vmo* c = snapshot(b, 0, 3);
    expect_tags(c, "2 0 0");
    resize(b, 3);
    put(b, 1, 9);
    expect_tags(c, "2 0 0");
    end(middle_first ? b : a);
    expect_tags(c, "2 0 0");
    put(c, 2, 5);
    expect_tags(c, "2 0 5");
    end(middle_first ? a : b);
    expect_tags(c, "2 0 5");
    end(c);
  }
}

/* Four VMOs of five pages. In a line each is a snapshot of the one before; in a fan all of the
 * first. */
enum shape {
  LINE,
  FAN,
  FORK, /* two of the first, and one of the second */
};

static struct vmo* parent_in(enum shape shape, struct vmo** all, int i) {
  return all[shape == LINE ? i - 1 : shape == FAN ? 0 : (i == 3 ? 1 : 0)];
}

static void close_in_every_order(enum way way, enum shape shape) {
  for (unsigned k = 0; k < 24; k++) {
    struct vmo* all[4];
    char tags[4][8] = {"12345", "12345", "12345", "12345"};
    unsigned order[4];
    permute(k, 4, order);
    all[0] = anonymous(way, 0, "1 2 3 4 5");
    for (int i = 1; i < 4; i++) {
      struct vmo* parent = parent_in(shape, all, i);
      const int p = parent == all[0] ? 0 : parent == all[1] ? 1 : 2;
      all[i] = snapshot(parent, 0, 5);
      memcpy(tags[i], tags[p], sizeof(tags[i]));
      /* Something of each in the middle of it, and of the parent after the snapshot. */
      put(all[i], (uint64_t)i, 6 + (unsigned)i);
      tags[i][i] = (char)('6' + i);
      zero(parent, 4, 1);
      tags[p][4] = '0';
    }
    for (unsigned closed = 0; closed < 4; closed++) {
      for (unsigned i = closed; i < 4; i++) {
        expect_tags(all[order[i]], tags[order[i]]);
      }
      /* One that stays writes, then one ends. */
      if (closed < 3) {
        const unsigned last = order[3];
        put(all[last], closed, 1);
        tags[last][closed] = '1';
      }
      end(all[order[closed]]);
    }
  }
}

/* vmo.md 7.7 */
EACH_WAY(a_line_may_be_closed_in_every_order) { close_in_every_order(way, LINE); }
EACH_WAY(a_fan_may_be_closed_in_every_order) { close_in_every_order(way, FAN); }
EACH_WAY(a_fork_may_be_closed_in_every_order) { close_in_every_order(way, FORK); }

/* vmo.md 7.7: windows that overlap in part, ended from both sides */
EACH_WAY(children_with_different_windows_end_without_harm) {
  for (unsigned k = 0; k < 24; k++) {
    unsigned order[4];
    permute(k, 4, order);
    struct vmo* a = anonymous(way, 0, "1 2 3 4 5 6");
    struct vmo* all[] = {a, snapshot(a, 0, 2), snapshot(a, 1, 4), snapshot(a, 4, 3)};
    const char* const tags[] = {"1 2 3 4 5 6", "1 2", "2 3 4 5", "5 6 0"};
    for (unsigned i = 0; i < 4; i++) {
      for (unsigned j = i; j < 4; j++) {
        expect_tags(all[order[j]], tags[order[j]]);
      }
      end(all[order[i]]);
    }
  }
}

/* ---- Rules 8 to 10: aliases ---- */

/* vmo.md 7.9 */
EACH_WAY(a_snapshot_of_a_reference_is_one_of_the_target) {
  struct vmo* a = anonymous(way, 0, "1 2");
  struct vmo* r = reference(a);
  struct vmo* b = snapshot(r, 0, 2);
  put(a, 0, 7);
  put(r, 1, 8);
  expect_tags(a, "7 8");
  expect_tags(r, "7 8");
  expect_tags(b, "1 2");
  put(b, 0, 9);
  expect_tags(r, "7 8");
}

/* vmo.md 7.10 */
EACH_WAY(decommit_of_the_parent_shows_zeros_in_slices_and_references) {
  struct vmo* a = anonymous(way, 0, "1 2 3");
  struct vmo* s = slice(a, 1, 2);
  struct vmo* r = reference(a);
  expect_tags(s, "2 3");
  decommit(a, 1, 1);
  expect_tags(s, "0 3");
  expect_tags(r, "1 0 3");
}

/* vmo.md 7.8: slices of slices, and of children */
EACH_WAY(slices_of_slices_and_of_children_show_their_pages) {
  struct vmo* a = anonymous(way, 0, "1 2 3 4");
  struct vmo* b = snapshot(a, 0, 4);
  struct vmo* s = slice(b, 1, 3);
  struct vmo* inner = slice(s, 1, 1);
  expect_tags(inner, "3");
  put(inner, 0, 7);
  expect_tags(s, "2 7 4");
  expect_tags(b, "1 2 7 4");
  expect_tags(a, "1 2 3 4");
  put(a, 3, 9);
  expect_tags(s, "2 7 4");
  end(b);
  expect_tags(s, "2 7 4");
  end(a);
  end(s);
  expect_tags(inner, "7");
}

/* vmo.md 7.8: the pages of a slice outlive parent and snapshot; what it parted from stays apart */
EACH_WAY(a_slice_of_a_parent_that_has_ended_still_parts_from_the_snapshot) {
  struct vmo* a = anonymous(way, 0, "1 2");
  struct vmo* s = slice(a, 0, 2);
  struct vmo* b = snapshot(a, 0, 2);
  end(a);
  put(s, 0, 5);
  expect_tags(s, "5 2");
  expect_tags(b, "1 2");
  put(b, 1, 6);
  expect_tags(s, "5 2");
  end(b);
  expect_tags(s, "5 2");
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_EACH_WAY(s1_writes_of_either_side_are_its_own),
      TEST_EACH_WAY(s2_shrinking_and_growing_leave_the_other_side_alone),
      TEST_EACH_WAY(s3_a_zeroed_page_stays_zero_when_the_parent_ends),
      TEST_EACH_WAY(s4_a_grandchild_sees_no_more_than_the_middle),
      TEST_EACH_WAY(s5_a_mapping_from_before_the_snapshot_parts_at_its_next_store),
      TEST_EACH_WAY(s6_four_vmos_of_a_tree_are_written_in_any_order),
      TEST_EACH_WAY(s7_a_shrink_uncovers_nothing_and_takes_nothing),
      TEST_EACH_WAY(s9_a_slice_is_a_window_on_the_parents_pages),
      TEST_EACH_WAY(s10_a_slice_stays_with_the_parent_when_a_snapshot_parts),
      TEST_EACH_WAY(s11_a_reference_is_the_parents_pages_under_another_name),
      TEST_EACH_WAY(s12_contents_outlive_the_middle_of_a_line),
      TEST_EACH_WAY(no_operation_of_one_side_is_seen_by_the_other),
      TEST_EACH_WAY(pages_written_after_the_snapshot_are_of_one_side_alone),
      TEST_EACH_WAY(a_write_of_one_byte_keeps_the_rest_of_the_page),
      TEST_EACH_WAY(every_snapshot_shows_its_own_moment),
      TEST_EACH_WAY(a_child_that_reaches_past_the_parent_stays_zero_there),
      TEST(every_old_mapping_parts_from_the_child),
      TEST(all_mappings_of_a_child_show_its_own_page_after_a_write),
      TEST(mappings_made_later_show_what_is_there_by_then),
      TEST(committed_pages_without_bytes_part_like_others),
      TEST(pages_that_a_failed_write_left_are_loaded_and_stored_to),
      TEST(a_system_call_that_writes_to_shared_pages_parts_them),
      TEST_EACH_WAY(buffers_may_lie_in_mappings_of_parents_and_children),
      TEST(a_snapshot_under_stores_shows_a_prefix_of_them),
      TEST(no_store_is_lost_while_snapshots_are_made_and_ended),
      TEST_EACH_WAY(a_child_that_grows_past_its_first_size_gets_zeros),
      TEST_EACH_WAY(a_child_that_shrinks_inside_a_shared_page_clears_its_own_bytes),
      TEST_EACH_WAY(a_zeroed_page_hides_the_parents_for_good),
      TEST_EACH_WAY(a_parent_that_zeroes_takes_nothing_from_its_children),
      TEST_EACH_WAY(the_middle_bounds_the_grandchild_whatever_ends_first),
      TEST_EACH_WAY(a_line_may_be_closed_in_every_order),
      TEST_EACH_WAY(a_fan_may_be_closed_in_every_order),
      TEST_EACH_WAY(a_fork_may_be_closed_in_every_order),
      TEST_EACH_WAY(children_with_different_windows_end_without_harm),
      TEST_EACH_WAY(a_snapshot_of_a_reference_is_one_of_the_target),
      TEST_EACH_WAY(decommit_of_the_parent_shows_zeros_in_slices_and_references),
      TEST_EACH_WAY(slices_of_slices_and_of_children_show_their_pages),
      TEST_EACH_WAY(a_slice_of_a_parent_that_has_ended_still_parts_from_the_snapshot),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
