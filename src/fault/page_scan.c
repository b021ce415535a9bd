/* SPDX-License-Identifier: BSD-3-Clause */
#include "fault/page_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/lock.h"
#include "vm/arena.h"

/* The kernel's interface, which came with Linux 6.7 and is not in older headers. */
struct scan_region {
  uint64_t start;
  uint64_t end;
  uint64_t categories;
};

struct scan_argument {
  uint64_t size;
  uint64_t flags;
  uint64_t start;
  uint64_t end;
  uint64_t walk_end;
  uint64_t vec;
  uint64_t vec_len;
  uint64_t max_pages;
  uint64_t category_inverted;
  uint64_t category_mask;
  uint64_t category_anyof_mask;
  uint64_t return_mask;
};
_Static_assert(sizeof(struct scan_argument) == 96, "kernel layout");

#define SCAN_REQUEST _IOWR('f', 16, struct scan_argument)

enum {
  /* Flags. */
  WP_MATCHING = 1 << 0, /* protect what is reported as written */
  /* Categories. A marker counts as SWAPPED. Linux 6.18 calls a page without an entry WRITTEN. */
  REGISTERED = 1 << 0, /* in an area whose protection the kernel lifts by itself */
  WRITTEN = 1 << 1,
  PRESENT = 1 << 3,
  SWAPPED = 1 << 4,
  HAS_ENTRY = PRESENT | SWAPPED,
};

/* Regions asked for at once: what fits on a stack. */
#define REGIONS 256

static struct zxp_mutex open_lock = ZXP_MUTEX_INITIALIZER(ZXP_RANK_LEAF);
static atomic_int pagemap_fd = -1; /* set once, with open_lock held */

/* The memory of this process as the kernel sees it; -1: it is not to be seen, or not so. */
static int open_pagemap(void) {
  const int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  struct scan_argument nothing = {.size = sizeof nothing};
  if (fd >= 0 && ioctl(fd, SCAN_REQUEST, &nothing) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

bool zxp_scan_possible(void) {
  const int fd = open_pagemap();
  if (fd >= 0) {
    close(fd);
  }
  return fd >= 0;
}

bool zxp_scan_begin(void) {
  zxp_mutex_lock(&open_lock);
  if (pagemap_fd < 0) {
    pagemap_fd = open_pagemap();
  }
  const bool ready = pagemap_fd >= 0;
  zxp_mutex_unlock(&open_lock);
  return ready;
}

/* What a page of these categories is; false: protected. */
static bool classify(uint64_t categories, enum zxp_scan_result* what) {
  if ((categories & HAS_ENTRY) == 0) {
    *what = ZXP_SCAN_UNMAPPED;
    return true;
  }
  *what = ZXP_SCAN_WRITTEN;
  return (categories & WRITTEN) != 0;
}

static void scan(const struct scan_argument* what_for, zxp_scan_visit* visit, void* context) {
  struct scan_argument a = *what_for;
  struct scan_region regions[REGIONS];
  const int fd = atomic_load_explicit(&pagemap_fd, memory_order_relaxed);
  a.size = sizeof a;
  a.vec = (uintptr_t)regions;
  a.vec_len = REGIONS;
  a.return_mask = WRITTEN | HAS_ENTRY;
  while (a.start < a.end) {
    const int n = ioctl(fd, SCAN_REQUEST, &a);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
      continue;
    }
    /* The areas are ours; what is left is that page tables lack memory, and then it would not be
     * known what was written. */
    ZXP_ASSERT(n >= 0 && a.walk_end > a.start);
    for (int i = 0; i < n; i++) {
      enum zxp_scan_result what;
      if (classify(regions[i].categories, &what)) {
        visit(context, regions[i].start, regions[i].end - regions[i].start, what);
      }
    }
    a.start = a.walk_end;
  }
}

void zxp_scan(uintptr_t address, uint64_t length, enum zxp_scan_kind kind, zxp_scan_visit* visit,
              void* context) {
  const uint64_t take = kind == ZXP_SCAN_LOOK ? 0 : WP_MATCHING;
  const struct scan_argument all = {.flags = take, .start = address, .end = address + length};
  if (kind == ZXP_SCAN_TAKE_ALL) {
    scan(&all, visit, context);
    return;
  }
  struct scan_argument written = all;
  written.category_mask = WRITTEN;
  written.category_anyof_mask = HAS_ENTRY;
  scan(&written, visit, context);
  struct scan_argument unmapped = all;
  unmapped.flags = 0;
  unmapped.category_inverted = HAS_ENTRY;
  unmapped.category_mask = HAS_ENTRY | REGISTERED;
  scan(&unmapped, visit, context);
}
