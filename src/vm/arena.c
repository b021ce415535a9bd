/* SPDX-License-Identifier: BSD-3-Clause */
#include "vm/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/tree.h"

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif

/* 32 TiB of a 128 TiB address space: room for the root region (16 TiB) and the program beside it.
 * ThreadSanitizer leaves programs 1.5 TiB in all. */
#ifdef UNDER_TSAN
#define ARENA_PAGES_MAX (UINT64_C(1) << (39 - ZXP_PAGE_SHIFT))
#else
#define ARENA_PAGES_MAX (UINT64_C(1) << (45 - ZXP_PAGE_SHIFT))
#endif
/* Below this a program of any size would not work. */
#define ARENA_PAGES_MIN (UINT64_C(1) << (34 - ZXP_PAGE_SHIFT))
/* An extent takes at most this part of the arena, so that large sparse VMOs do not use it up. */
#define SEGMENTS_PER_ARENA 4096
/* Orders of the buddy allocator: 2^0 .. 2^(ORDERS - 1) pages. */
#define ORDERS 34

struct zxp_arena zxp_arena = {.fd = -1, .void_fd = -1};

/* A free block of 2^order pages; key: its first page. */
struct free_block {
  struct zxp_tree_node node;
};

static struct zxp_mutex lock = ZXP_MUTEX_INITIALIZER(ZXP_RANK_LEAF);
static struct zxp_tree free_blocks[ORDERS]; /* guarded by lock */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static zx_status_t init_status;

static unsigned order_of(uint64_t count) {
  return count <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(count - 1);
}

uint64_t zxp_arena_round(uint64_t count) { return UINT64_C(1) << order_of(count); }

static int make_memfd(const char* name) {
#ifdef MFD_EXEC
  /* Linux 6.3 warns without one of the two; mappings may ask for PROT_EXEC. */
  const int fd = memfd_create(name, MFD_CLOEXEC | MFD_EXEC);
  if (fd >= 0 || errno != EINVAL) {
    return fd;
  }
#endif
  return memfd_create(name, MFD_CLOEXEC);
}

static void init_once(void) {
  struct zxp_arena a = {.fd = -1, .void_fd = -1};
  void* view = MAP_FAILED;
  struct free_block* whole = malloc(sizeof *whole);
  init_status = ZX_ERR_NO_MEMORY;
  if (whole == NULL) {
    goto fail;
  }
  init_status = ZX_ERR_NO_RESOURCES;
  a.fd = make_memfd("zxpager-arena");
  a.void_fd = make_memfd("zxpager-void");
  if (a.fd < 0 || a.void_fd < 0) {
    goto fail;
  }
  init_status = ZX_ERR_NO_MEMORY;
  for (a.pages = ARENA_PAGES_MAX; a.pages >= ARENA_PAGES_MIN; a.pages /= 2) {
    const size_t bytes = a.pages << ZXP_PAGE_SHIFT;
    if (ftruncate(a.fd, (off_t)bytes) != 0) {
      continue;
    }
    view = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, a.fd, 0);
    if (view != MAP_FAILED) {
      break;
    }
  }
  if (view == MAP_FAILED) {
    goto fail;
  }
  /* A child must not see or write the pages; huge pages would blur which page has memory. */
  madvise(view, a.pages << ZXP_PAGE_SHIFT, MADV_DONTFORK);
  madvise(view, a.pages << ZXP_PAGE_SHIFT, MADV_NOHUGEPAGE);
  madvise(view, a.pages << ZXP_PAGE_SHIFT, MADV_DONTDUMP);
  a.view = view;
  a.segment_pages = a.pages / SEGMENTS_PER_ARENA;
  zxp_tree_insert(&free_blocks[order_of(a.pages)], &whole->node, 0);
  zxp_arena = a;
  init_status = ZX_OK;
  ZXP_LOG(ZXP_TOPIC_VMO, 2, "arena of %llu GiB at %p",
          (unsigned long long)(a.pages >> (30 - ZXP_PAGE_SHIFT)), view);
  return;
fail:
  free(whole);
  if (a.fd >= 0) {
    close(a.fd);
  }
  if (a.void_fd >= 0) {
    close(a.void_fd);
  }
}

zx_status_t zxp_arena_init(void) {
  pthread_once(&once, init_once);
  return init_status;
}

zx_status_t zxp_arena_alloc(uint64_t count, uint64_t* first) {
  const unsigned order = order_of(count);
  struct free_block* spare[ORDERS];
  unsigned from = order;
  zx_status_t st = ZX_ERR_NO_MEMORY;

  zxp_mutex_lock(&lock);
  while (from < ORDERS && zxp_tree_empty(&free_blocks[from])) {
    from++;
  }
  if (from >= ORDERS) {
    goto out;
  }
  /* Splitting leaves one free block of each order below. */
  for (unsigned o = order; o < from; o++) {
    spare[o] = malloc(sizeof *spare[o]);
    if (spare[o] == NULL) {
      while (o-- > order) {
        free(spare[o]);
      }
      goto out;
    }
  }
  struct zxp_tree_node* n = zxp_tree_first(&free_blocks[from]);
  const uint64_t at = n->key;
  zxp_tree_remove(&free_blocks[from], n);
  free(ZXP_CONTAINER_OF(n, struct free_block, node));
  for (unsigned o = order; o < from; o++) {
    zxp_tree_insert(&free_blocks[o], &spare[o]->node, at + (UINT64_C(1) << o));
  }
  *first = at;
  st = ZX_OK;
out:
  zxp_mutex_unlock(&lock);
  return st;
}

void zxp_arena_free(uint64_t first, uint64_t count) {
  unsigned order = order_of(count);
  zxp_arena_punch(first, count);
  struct free_block* block = malloc(sizeof *block);
  if (block == NULL) {
    return; /* The offsets are lost, the memory is not: offset space is there in plenty. */
  }
  zxp_mutex_lock(&lock);
  for (; order + 1 < ORDERS && (UINT64_C(2) << order) <= zxp_arena.pages; order++) {
    struct zxp_tree_node* buddy =
        zxp_tree_find(&free_blocks[order], first ^ (UINT64_C(1) << order));
    if (buddy == NULL) {
      break;
    }
    zxp_tree_remove(&free_blocks[order], buddy);
    free(ZXP_CONTAINER_OF(buddy, struct free_block, node));
    first &= ~(UINT64_C(1) << order);
  }
  zxp_tree_insert(&free_blocks[order], &block->node, first);
  zxp_mutex_unlock(&lock);
}

void zxp_arena_punch(uint64_t first, uint64_t count) {
  const off_t offset = (off_t)(first << ZXP_PAGE_SHIFT);
  const off_t length = (off_t)(count << ZXP_PAGE_SHIFT);
  int rc;
  do {
    rc = fallocate(zxp_arena.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
  } while (rc != 0 && errno == EINTR);
  /* Shared memory can always be punched; going on would show old bytes to a new owner. */
  ZXP_ASSERT(rc == 0);
}

bool zxp_arena_next_data(uint64_t first, uint64_t count, uint64_t* data, uint64_t* data_count) {
  const uint64_t end = first + count;
  const off_t at = lseek(zxp_arena.fd, (off_t)(first << ZXP_PAGE_SHIFT), SEEK_DATA);
  if (at < 0 || (uint64_t)at >> ZXP_PAGE_SHIFT >= end) {
    return false;
  }
  const off_t hole = lseek(zxp_arena.fd, at, SEEK_HOLE);
  uint64_t stop = hole < 0 ? end : (uint64_t)hole >> ZXP_PAGE_SHIFT;
  if (stop > end) {
    stop = end;
  }
  *data = (uint64_t)at >> ZXP_PAGE_SHIFT;
  if (stop <= *data) {
    stop = *data + 1; /* The page was punched between the two calls. */
  }
  *data_count = stop - *data;
  return true;
}

bool zxp_arena_pread(void* dst, uint64_t byte_offset, size_t length) {
  unsigned char* to = dst;
  while (length > 0) {
    const ssize_t n = pread(zxp_arena.fd, to, length, (off_t)byte_offset);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return false;
    }
    to += n;
    byte_offset += (uint64_t)n;
    length -= (size_t)n;
  }
  return true;
}

zx_status_t zxp_arena_pwrite(uint64_t byte_offset, const void* from, size_t length) {
  const unsigned char* at = from;
  while (length > 0) {
    const ssize_t n = pwrite(zxp_arena.fd, at, length, (off_t)byte_offset);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return ZX_ERR_NO_MEMORY;
    }
    at += n;
    byte_offset += (uint64_t)n;
    length -= (size_t)n;
  }
  return ZX_OK;
}

zx_status_t zxp_arena_write(uint64_t first, const void* from, uint64_t count) {
  return zxp_arena_pwrite(first << ZXP_PAGE_SHIFT, from, count << ZXP_PAGE_SHIFT);
}
