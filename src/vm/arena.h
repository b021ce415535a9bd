/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arena: one large sparse memfd in which the pages of all VMOs live.
 *
 *   extent of the arena   a run of *file offset space*, owned by one VMO (vm/extent.h). Offset
 *                         space is not memory: a page costs memory once it has been written.
 *   view                  the library's own mapping of the whole arena, never registered with
 *                         userfaultfd, so the library itself never takes a fault that it would have
 *                         to answer. Page n of the arena is at zxp_arena_view(n).
 *   void file             an empty memfd: a mapping of it raises SIGBUS on every access. It stands
 *                         behind the part of a mapping that lies past its VMO's end.
 *
 * Mapping 32 TiB of a memfd costs a few microseconds and no memory (measured on Linux 6.18), so the
 * view needs no windows. Where address space is short (ThreadSanitizer, RLIMIT_AS) the arena is
 * smaller.
 *
 * Typical use: zxp_arena_alloc(n, &at); write through the view; zxp_arena_punch(at, n) to give
 * memory back; zxp_arena_free(at, n) when the VMO ends (punches first).
 *
 * Lock: arena.lock (ZXP_RANK_LEAF) guards the allocator. Contents are guarded by the tree lock of
 * the VMO that owns the extent.
 */
#ifndef ZXP_VM_ARENA_H_
#define ZXP_VM_ARENA_H_

#include <stdbool.h>
#include <stdint.h>
#include <zircon/types.h>

#define ZXP_PAGE_SHIFT 12
#define ZXP_PAGE_SIZE  (UINT64_C(1) << ZXP_PAGE_SHIFT)
#define ZXP_PAGE_MASK  (ZXP_PAGE_SIZE - 1)

struct zxp_arena {
  int fd;                 /* (C) the memfd */
  int void_fd;            /* (C) the empty memfd */
  unsigned char* view;    /* (C) first byte of the view */
  uint64_t pages;         /* (C) size of the arena */
  uint64_t segment_pages; /* (C) largest extent handed out at once; a power of two */
};

/* Set up by the first zxp_arena_init; constant from then on. */
extern struct zxp_arena zxp_arena;

/* Sets the arena up, once; cheap afterwards. Errors: ZX_ERR_NO_MEMORY, ZX_ERR_NO_RESOURCES. */
zx_status_t zxp_arena_init(void);

/* Reserves a run of offset space for `count` pages: holes that read as zeros. Errors:
 * ZX_ERR_NO_MEMORY. */
zx_status_t zxp_arena_alloc(uint64_t count, uint64_t* first);

/* The pages a request for `count` really takes up: the next power of two. All of them may be
 * used. */
uint64_t zxp_arena_round(uint64_t count);

/* Gives a run from zxp_arena_alloc back whole, memory and offsets. */
void zxp_arena_free(uint64_t first, uint64_t count);

/* Gives the memory of the pages back; they read as zeros, in every mapping too. */
void zxp_arena_punch(uint64_t first, uint64_t count);

/* The first page in [first, first + count) that has memory, and how many follow without a hole;
 * false if there is none. One or two system calls. */
bool zxp_arena_next_data(uint64_t first, uint64_t count, uint64_t* data, uint64_t* data_count);

/* Puts bytes into pages by a system call: each appears whole, also to a mapping that looks at a
 * hole. */
zx_status_t zxp_arena_write(uint64_t first, const void* from, uint64_t count);

/* The same for any bytes; a hole that gets some gets zeros around them. ZX_ERR_NO_MEMORY: no
 * memory, or `from` cannot be read; part may have been written. */
zx_status_t zxp_arena_pwrite(uint64_t byte_offset, const void* from, size_t length);

/* Copies out of the arena without giving holes memory. False: `dst` cannot be written; part may
 * have been. */
bool zxp_arena_pread(void* dst, uint64_t byte_offset, size_t length);

static inline unsigned char* zxp_arena_view(uint64_t page) {
  return zxp_arena.view + (page << ZXP_PAGE_SHIFT);
}

#endif /* ZXP_VM_ARENA_H_ */
