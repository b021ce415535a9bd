/* SPDX-License-Identifier: BSD-3-Clause */
/* What memory VMOs of a tree report, and what they use: vmo.md 10, scenarios S14 and S15. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tagged.h"

#define ONE_BYTE UINT64_C(0x8000000000000000) /* in the fractional fields */

/* Pages of all memfds of the process: what the library's VMOs really use. */
static uint64_t frames_in_use(void) {
  uint64_t pages = 0;
  DIR* directory = opendir("/proc/self/fd");
  if (directory == NULL) check_fail("cannot open /proc/self/fd");
  for (const struct dirent* entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
    char path[300];
    char target[300];
    struct stat status;
    snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
    const ssize_t n = readlink(path, target, sizeof(target) - 1);
    if (n <= 0) continue;
    target[n] = '\0';
    if (strncmp(target, "/memfd:", 7) != 0 || stat(path, &status) != 0) continue;
    pages += (uint64_t)status.st_blocks * 512 / PAGE;
  }
  closedir(directory);
  return pages;
}

/* The scaled sums of several VMOs together have to make up this many frames, but for rounding. */
static void expect_scaled_sum(struct place place, struct vmo** all, size_t n, uint64_t frames) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) {
    const zx_info_vmo_t info = vmo_info(all[i]->handle);
    check_true(info.committed_fractional_scaled_bytes < ONE_BYTE);
    check_equal(info.populated_fractional_scaled_bytes, info.committed_fractional_scaled_bytes);
    sum += (double)info.committed_scaled_bytes;
    sum += (double)info.committed_fractional_scaled_bytes / (double)ONE_BYTE;
  }
  const double off = sum - (double)(frames * PAGE);
  if (off > 0.001 || off < -0.001) {
    scenario_fail(place, "scaled bytes sum up to %f pages, not %llu", sum / (double)PAGE,
                  (unsigned long long)frames);
  }
}

/* ---- Scenarios of the document ---- */

/* vmo.md 17 S14 */
EACH_WAY(s14_shares_part_with_each_write) {
  struct vmo* a = anonymous(way, 0, "1 2");
  struct vmo* b = snapshot(a, 0, 2);
  expect_committed(a, 2 * PAGE, 0, PAGE);
  expect_committed(b, 2 * PAGE, 0, PAGE);
  expect_tags(a, "1 2");
  expect_tags(b, "1 2");
  put(a, 0, 3);
  expect_committed(a, 2 * PAGE, PAGE, PAGE + PAGE / 2);
  expect_committed(b, 2 * PAGE, PAGE, PAGE + PAGE / 2);
  expect_tags(a, "3 2");
  expect_tags(b, "1 2");
  put(b, 1, 4);
  expect_committed(a, 2 * PAGE, 2 * PAGE, 2 * PAGE);
  expect_committed(b, 2 * PAGE, 2 * PAGE, 2 * PAGE);
}

/* vmo.md 17 S15 */
EACH_WAY(s15_zeroing_gives_up_the_share) {
  struct vmo* a = anonymous(way, 0, "1 0");
  struct vmo* b = snapshot(a, 0, 2);
  expect_committed(a, PAGE, 0, PAGE / 2);
  expect_committed(b, PAGE, 0, PAGE / 2);
  zero(b, 0, 1);
  expect_committed(a, PAGE, PAGE, PAGE);
  expect_committed(b, 0, 0, 0);
  zero(a, 0, 1);
  expect_committed(a, 0, 0, 0);
  expect_committed(b, 0, 0, 0);
}

/* ---- The table ---- */

/* vmo.md 10: "page shared copy-on-write by n > 1 VMOs", and the fraction */
EACH_WAY(a_page_that_n_vmos_share_counts_for_an_nth_in_each) {
  enum {
    MOST = 7
  };
  struct vmo* all[MOST];
  all[0] = anonymous(way, 0, "1");
  expect_committed(all[0], PAGE, PAGE, PAGE);
  for (uint64_t n = 2; n <= MOST; n++) {
    /* Children of the first, and of the one before. */
    all[n - 1] = snapshot(all[n % 2 == 0 ? 0 : n - 2], 0, 1);
    for (uint64_t i = 0; i < n; i++) {
      expect_committed(all[i], PAGE, 0, PAGE / n);
      expect_tags(all[i], "1");
    }
    if (n == 3) {
      check_equal(PAGE / n, 1365);
      check_equal(vmo_info(all[0]->handle).committed_fractional_scaled_bytes, ONE_BYTE / 3);
    }
    expect_scaled_sum(HERE, all, n, 1);
  }
}

/* vmo.md 10: the row of absent pages and pages zeroed as a whole, and "Reading commits nothing" */
EACH_WAY(absent_and_zeroed_pages_count_for_nobody) {
  struct vmo* a = anonymous(way, 0, "0 1");
  struct vmo* b = snapshot(a, 0, 2);
  zero(b, 1, 1);
  expect_tags(a, "0 1");
  expect_tags(b, "0 0");
  expect_committed(a, PAGE, PAGE, PAGE);
  expect_committed(b, 0, 0, 0);
}

/* vmo.md 10: "Writing one byte commits one page. COMMIT commits." */
EACH_WAY(a_child_commits_by_writing_and_by_commit_alone) {
  struct vmo* a = anonymous(way, 0, "1 2 3");
  struct vmo* b = snapshot(a, 0, 3);
  expect_tags(b, "1 2 3");
  expect_committed(b, 3 * PAGE, 0, 3 * PAGE / 2);
  put_byte(b, 1, 7, 9);
  expect_committed(b, 3 * PAGE, PAGE, PAGE + PAGE);
  commit(b, 2, 1);
  expect_committed(b, 3 * PAGE, 2 * PAGE, 2 * PAGE + PAGE / 2);
  expect_committed(a, 3 * PAGE, 2 * PAGE, 2 * PAGE + PAGE / 2);
}

/* vmo.md 10: "anything, seen through a slice or reference", also when the parent object is gone */
EACH_WAY(slices_and_references_report_nothing) {
  struct vmo* a = anonymous(way, 0, "1 2 3");
  struct vmo* s = slice(a, 1, 2);
  struct vmo* r = reference(a);
  struct vmo* b = snapshot(a, 0, 3);
  put(s, 0, 5);
  put(r, 2, 6);
  expect_committed(s, 0, 0, 0);
  expect_committed(r, 0, 0, 0);
  expect_committed(a, 3 * PAGE, 2 * PAGE, 2 * PAGE + PAGE / 2);
  end(a);
  expect_tags(s, "5 6");
  expect_committed(s, 0, 0, 0);
  expect_committed(r, 0, 0, 0);
  end(b);
  put(s, 1, 7);
  expect_committed(s, 0, 0, 0);
  expect_committed(r, 0, 0, 0);
}

/* vmo.md 10: the row of pager trees; pager.md 10.2 */
EACH_WAY(a_lazy_child_counts_its_own_copies_alone) {
  struct vmo* r = pager_root(way, 0, "1 2 3", NULL);
  struct vmo* c = lazy(r, 0, 3);
  expect_tags(c, "1 2 3");
  expect_committed(r, 3 * PAGE, 3 * PAGE, 3 * PAGE);
  expect_committed(c, 0, 0, 0);
  put(c, 1, 5);
  expect_committed(r, 3 * PAGE, 3 * PAGE, 3 * PAGE);
  expect_committed(c, PAGE, PAGE, PAGE);
  /* A page of a lazy parent, seen through a child of that. */
  struct vmo* d = lazy(c, 0, 3);
  expect_tags(d, "1 5 3");
  expect_committed(c, PAGE, PAGE, PAGE);
  expect_committed(d, 0, 0, 0);
  zero(d, 1, 1);
  expect_committed(d, 0, 0, 0);
  commit(d, 2, 1);
  expect_committed(d, PAGE, PAGE, PAGE);
}

/* vmo.md 10, 8.3: what a `mod` snapshot shares is shared, the root's pages are not */
EACH_WAY(a_mod_snapshot_shares_the_forked_pages) {
  struct vmo* r = pager_root(way, 0, "1 2", NULL);
  struct vmo* c = lazy(r, 0, 2);
  put(c, 0, 5);
  struct vmo* d = modified(c, 0, 2);
  expect_tags(d, "5 2");
  expect_committed(c, PAGE, 0, PAGE / 2);
  expect_committed(d, PAGE, 0, PAGE / 2);
  expect_committed(r, 2 * PAGE, 2 * PAGE, 2 * PAGE);
  put(d, 0, 6);
  expect_committed(c, PAGE, PAGE, PAGE);
  expect_committed(d, PAGE, PAGE, PAGE);
  put(c, 1, 7);
  expect_committed(c, 2 * PAGE, 2 * PAGE, 2 * PAGE);
  expect_committed(d, PAGE, PAGE, PAGE);
}

/* ---- Coming and going ---- */

/* vmo.md 10: "leaves n-1 sharers", down to one */
EACH_WAY(each_write_leaves_one_sharer_less) {
  struct vmo* all[4];
  all[0] = anonymous(way, 0, "1");
  for (int i = 1; i < 4; i++) {
    all[i] = snapshot(all[0], 0, 1);
  }
  for (unsigned i = 0; i < 3; i++) {
    put(all[i], 0, 2 + i);
    expect_committed(all[i], PAGE, PAGE, PAGE);
    const uint64_t left = 3 - i;
    for (unsigned k = i + 1; k < 4; k++) {
      expect_committed(all[k], PAGE, left == 1 ? PAGE : 0, PAGE / left);
    }
    expect_scaled_sum(HERE, all, 4, i + 2);
  }
}

/* vmo.md 10: "Closing, shrinking or zeroing gives up the share." */
EACH_WAY(closing_shrinking_and_zeroing_give_up_the_share) {
  for (int how = 0; how < 3; how++) {
    struct vmo* a = anonymous(way, ZX_VMO_RESIZABLE, "1 2");
    struct vmo* b = child(a, ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE, 0, 2);
    struct vmo* c = snapshot(a, 0, 2);
    if (how == 0) end(b);
    if (how == 1) resize(b, 1);
    if (how == 2) zero(b, 1, 1);
    const uint64_t of_first = how == 0 ? PAGE / 2 : PAGE / 3;
    expect_committed(a, 2 * PAGE, 0, of_first + PAGE / 2);
    expect_committed(c, 2 * PAGE, 0, of_first + PAGE / 2);
    if (how != 0) expect_committed(b, PAGE, 0, PAGE / 3);
    /* And of the parent itself. */
    if (how == 1) resize(a, 0);
    if (how == 2) zero(a, 0, 2);
    if (how == 0) end(a);
    expect_committed(c, 2 * PAGE, how == 0 ? 2 * PAGE : PAGE,
                     how == 0 ? 2 * PAGE : PAGE / 2 + PAGE);
    expect_tags(c, "1 2");
  }
}

/* vmo.md 10: "a child that sees page 1 of a closed 3-page parent has exactly one page" */
EACH_WAY(pages_out_of_sight_are_freed_at_once) {
  const uint64_t before = frames_in_use();
  struct vmo* a = anonymous(way, 0, "1 2 3");
  struct vmo* b = snapshot(a, 1, 1);
  expect_committed(a, 3 * PAGE, 2 * PAGE, 2 * PAGE + PAGE / 2);
  end(a);
  expect_committed(b, PAGE, PAGE, PAGE);
  check_equal(frames_in_use() - before, 1);
  expect_tags(b, "2");
  end(b);
  check_equal(frames_in_use(), before);
}

/* vmo.md 10: the same for pages that a shrink or a zero of the last viewer leaves in nobody's
 * sight */
SCENARIO(pages_that_the_last_viewer_gives_up_are_freed) {
  const uint64_t before = frames_in_use();
  struct vmo* a = anonymous(BY_CALLS, ZX_VMO_RESIZABLE, "1 2 3 4");
  struct vmo* b = child(a, ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE, 0, 4);
  check_equal(frames_in_use() - before, 4);
  resize(a, 2);
  check_equal(frames_in_use() - before, 4);
  resize(b, 3);
  check_equal(frames_in_use() - before, 3);
  zero(b, 2, 1);
  check_equal(frames_in_use() - before, 2);
  zero(a, 0, 1);
  check_equal(frames_in_use() - before, 2);
  zero(b, 0, 1);
  check_equal(frames_in_use() - before, 1);
  put(b, 1, 5);
  check_equal(frames_in_use() - before, 2);
  end(a);
  check_equal(frames_in_use() - before, 1);
  expect_tags(b, "0 5 0");
}

/* Issue, "copy-on-write that is honest about memory": nothing is copied by the snapshot, one page
 * by a write */
SCENARIO(a_snapshot_copies_nothing_and_a_write_one_page) {
  enum {
    PAGES = 60
  };
  char tags[PAGES + 1] = {0};
  memset(tags, '1', PAGES);
  struct vmo* a = anonymous(BY_CALLS, 0, tags);
  const uint64_t before = frames_in_use();
  struct vmo* b = snapshot(a, 0, PAGES);
  struct vmo* c = snapshot(b, 0, PAGES);
  check_equal(frames_in_use(), before);
  expect_at(c, 40, 0, 1);
  check_equal(frames_in_use(), before);
  put(a, 3, 2);
  check_equal(frames_in_use() - before, 1);
  put(b, 3, 3);
  check_equal(frames_in_use() - before, 2);
  /* The last sharer's write copies nothing. */
  put(c, 3, 4);
  check_equal(frames_in_use() - before, 2);
  put(c, 3, 5);
  put(a, 3, 6);
  check_equal(frames_in_use() - before, 2);
  end(a);
  end(c);
  expect_at(b, 3, 0, 3);
  expect_at(b, 4, 0, 1);
  check_equal(frames_in_use(), before);
}

/* vmo.md 10: "When one sharer is left the page is private to it and its next write copies
 * nothing." */
SCENARIO(the_last_sharer_writes_in_place) {
  for (int child_stays = 0; child_stays < 2; child_stays++) {
    struct vmo* a = anonymous(BY_CALLS, 0, "1 2");
    struct vmo* b = snapshot(a, 0, 2);
    struct vmo* stays = child_stays ? b : a;
    end(child_stays ? a : b);
    expect_committed(stays, 2 * PAGE, 2 * PAGE, 2 * PAGE);
    const uint64_t before = frames_in_use();
    put(stays, 0, 7);
    put(stays, 1, 8);
    check_equal(frames_in_use(), before);
    expect_tags(stays, "7 8");
    end(stays);
  }
}

/* vmo.md 10: pages that a node between two others holds for nobody, when it is folded into the
 * next */
SCENARIO(unseen_pages_go_with_the_vmo_that_is_closed) {
  const uint64_t before = frames_in_use();
  struct vmo* a = anonymous(BY_CALLS, 0, "1 2");
  struct vmo* b = snapshot(a, 1, 2);
  put(b, 1, 3);
  struct vmo* c = snapshot(b, 0, 2);
  put(b, 0, 4);
  zero(c, 0, 1);
  put(b, 1, 5);
  put(c, 1, 6);
  end(a);
  check_equal(frames_in_use() - before, 3);
  expect_tags(b, "4 5");
  expect_tags(c, "0 6");
}

/* vmo.md 10: the same where the one that is closed was the last to see a page further up */
SCENARIO(a_page_goes_when_the_last_that_saw_it_from_below_is_closed) {
  const uint64_t before = frames_in_use();
  struct vmo* a = anonymous(BY_CALLS, 0, "1 0 0");
  struct vmo* b = snapshot(a, 1, 3);
  put(b, 1, 2);
  put(a, 0, 3);
  struct vmo* c = snapshot(a, 0, 3);
  zero(a, 2, 1);
  struct vmo* d = snapshot(a, 1, 3);
  zero(c, 1, 1);
  zero(a, 0, 1);
  end(c);
  check_equal(frames_in_use() - before, 1);
  expect_tags(a, "0 0 0");
  expect_tags(b, "0 2 0");
  expect_tags(d, "0 0 0");
}

/* ---- Sums ---- */

/* vmo.md 10: "scaled bytes over all VMOs of a tree add up to the frames really in use" */
SCENARIO(scaled_bytes_add_up_to_the_frames_in_use) {
  enum {
    MOST = 24,
    STEPS = 400,
  };
  const uint64_t before = frames_in_use();
  struct vmo* all[MOST] = {anonymous(BY_CALLS, 0, "1 2 3 4 5 6")};
  size_t n = 1;
  unsigned state =
      12345; /* any odd start of a simple generator: the steps are the same each time */
  for (int i = 0; i < STEPS; i++) {
    state = state * 1103515245u + 12345u;
    const unsigned r = state >> 16;
    struct vmo* v = all[r % n];
    switch ((r >> 8) % 4) {
      case 0:
        if (n < MOST) all[n++] = snapshot(v, r % 3, 6);
        break;
      case 1:
        zero(v, r % 6, 1);
        break;
      case 2:
        if (n > 1) {
          end(v);
          all[r % n] = all[n - 1];
          n--;
        }
        break;
      default:
        put(v, r % 6, 1 + r % 9);
        break;
    }
    expect_scaled_sum(HERE, all, n, frames_in_use() - before);
  }
}

/* ---- Other fields ---- */

/* vmo.md 10: metadata_bytes and committed_change_events */
EACH_WAY(there_is_metadata_once_there_is_a_page) {
  struct vmo* a = anonymous(way, 0, "0 0");
  check_equal(vmo_info(a->handle).metadata_bytes, 0);
  put(a, 0, 1);
  check_true(vmo_info(a->handle).metadata_bytes > 0);
  struct vmo* b = snapshot(a, 0, 2);
  put(b, 1, 2);
  check_true(vmo_info(b->handle).metadata_bytes > 0);
  check_equal(vmo_info(a->handle).committed_change_events, 0);
  check_equal(vmo_info(b->handle).committed_change_events, 0);
}

/* vmo.md 10: one page of 4 GiB; nothing is counted by walking what is not there */
SCENARIO(a_page_far_out_counts_as_one) {
  const zx_handle_t a = make_vmo(UINT64_C(1) << 30);
  const zx_handle_t b = make_child(a, ZX_VMO_CHILD_SNAPSHOT, 0, UINT64_C(1) << 30);
  const uint8_t byte = 5;
  check_ok(zx_vmo_write(a, &byte, (UINT64_C(1) << 42) - 1, 1));
  const zx_handle_t c = make_child(a, ZX_VMO_CHILD_SNAPSHOT, 0, UINT64_C(1) << 30);
  check_equal(vmo_info(a).committed_bytes, PAGE);
  check_equal(vmo_info(a).committed_private_bytes, 0);
  check_equal(vmo_info(c).committed_scaled_bytes, PAGE / 2);
  check_equal(vmo_info(b).committed_bytes, 0);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST_EACH_WAY(s14_shares_part_with_each_write),
      TEST_EACH_WAY(s15_zeroing_gives_up_the_share),
      TEST_EACH_WAY(a_page_that_n_vmos_share_counts_for_an_nth_in_each),
      TEST_EACH_WAY(absent_and_zeroed_pages_count_for_nobody),
      TEST_EACH_WAY(a_child_commits_by_writing_and_by_commit_alone),
      TEST_EACH_WAY(slices_and_references_report_nothing),
      TEST_EACH_WAY(a_lazy_child_counts_its_own_copies_alone),
      TEST_EACH_WAY(a_mod_snapshot_shares_the_forked_pages),
      TEST_EACH_WAY(each_write_leaves_one_sharer_less),
      TEST_EACH_WAY(closing_shrinking_and_zeroing_give_up_the_share),
      TEST_EACH_WAY(pages_out_of_sight_are_freed_at_once),
      TEST(pages_that_the_last_viewer_gives_up_are_freed),
      TEST(a_snapshot_copies_nothing_and_a_write_one_page),
      TEST(the_last_sharer_writes_in_place),
      TEST(unseen_pages_go_with_the_vmo_that_is_closed),
      TEST(a_page_goes_when_the_last_that_saw_it_from_below_is_closed),
      TEST(scaled_bytes_add_up_to_the_frames_in_use),
      TEST_EACH_WAY(there_is_metadata_once_there_is_a_page),
      TEST(a_page_far_out_counts_as_one),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
