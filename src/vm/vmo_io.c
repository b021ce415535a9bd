/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zx_vmo_read and zx_vmo_write (docs/semantics/vmo.md 3, pager.md 4), and the same for streams
 * (objects.md 11.2).
 *
 * A buffer outside the root region is copied to and from under the tree lock: nothing in it can be
 * a page that the library would have to supply. A buffer inside goes through a page on the stack,
 * copied with no lock held by vm/user.c.
 *
 * Where nothing but bytes has to be touched (the pages are there; for a write they are dirty, and
 * nobody else shows them) the lock is only visited (base/biased_lock.h), so that several threads do
 * not wait for each other.
 */
#include <string.h>

#include "base/user.h"
#include "vm/cow.h"
#include "vm/mapping.h"
#include "vm/page_source.h"
#include "vm/vmo.h"

/* Bytes copied under one hold of the lock, so that a long call does not shut others out. */
#define COPY_MAX (UINT64_C(1) << 20)

static uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* (C) constant */
struct transfer {
  const char* call;
  bool single;
  struct zxp_vmo* stream; /* of a stream: its VMO; NULL: all of the range or an error */
  bool claimed;           /* stream, write: with the claim of the content */
};

/* Checks of vmo.md 3, steps 2 and 4. */
static bool range_inside(const struct zxp_pages* pages, uint64_t offset, uint64_t length) {
  return offset <= pages->size && length <= pages->size - offset;
}

/* Where a transfer that is to end at `end` can end as things are now; false: it cannot be made.
 * Looked at again after each wait: the VMO may have shrunk. */
static bool clip_locked(const struct transfer* t, const struct zxp_pages* pages, uint64_t offset,
                        uint64_t length, bool writes, uint64_t* end) {
  if (t->stream == NULL) {
    return range_inside(pages, offset, length);
  }
  const struct zxp_content_size* content = zxp_vmo_content(t->stream);
  uint64_t limit = zxp_vmo_size_locked(t->stream);
  if (!t->claimed) {
    limit = min_u64(limit, writes ? zxp_content_settled_locked(content) : content->size);
  }
  *end = min_u64(*end, t->stream->window_offset + limit);
  return true;
}

/* ---- Pages that lie alone ----
 *
 * A page far from all others needs page tables of its own where the arena is mapped, which take
 * longer to make and to give up again than a few system calls take. So the first accesses to it are
 * system calls, and only one that is accessed again and again is touched there.
 */

/* A smaller VMO needs 32 page tables at most, and its pages are never that far apart. */
#define LONE_MIN_PAGES (UINT64_C(64) << (20 - ZXP_PAGE_SHIFT))
/* Among 64 pages: so few are not worth a page table. */
#define LONE_NEAR 2u
/* Calls, before the page is touched; a page fault takes about as long as two. */
#define LONE_CALLS 3u
/* Remembered by each thread, in 128 bytes of the few that a library may have. */
#define LONE_SLOTS_LOG2 4

/* Of the places accessed by calls of late: arena page / 64, times 4, plus how many calls. */
static _Thread_local uint64_t lone_calls[1 << LONE_SLOTS_LOG2];
_Static_assert(LONE_CALLS < 4, "two bits");

/* Whether `page`, which is at `arena_page`, should be accessed by a system call. */
static bool lies_alone(const struct zxp_pages* pages, uint64_t page, uint64_t arena_page) {
  if (pages->size >> ZXP_PAGE_SHIFT < LONE_MIN_PAGES ||
      zxp_page_map_near(&pages->map, page) > LONE_NEAR) {
    return false;
  }
  const uint64_t key = arena_page / 64 + 1; /* not 0, which is an empty slot */
  uint64_t* slot = &lone_calls[key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - LONE_SLOTS_LOG2)];
  if (*slot >> 2 != key) {
    *slot = key << 2;
  }
  if ((*slot & 3) >= LONE_CALLS) {
    return false;
  }
  ++*slot;
  return true;
}

/* ---- Copying ---- */

/* Copies part of a run that the view describes, without giving holes memory. `skip`: bytes into its
 * first page. Says how many bytes. A system call that cannot write to `to` is followed by a copy,
 * which says so as it would anywhere: by a signal. */
static uint64_t copy_from_view(const struct zxp_pages* pages, const struct zxp_view* v, void* to,
                               uint64_t skip, uint64_t length) {
  uint64_t n = min_u64(length, (v->count << ZXP_PAGE_SHIFT) - skip);
  if (v->content == ZXP_CONTENT_BYTES) {
    if (n > ZXP_PAGE_SIZE || !lies_alone(pages, v->page, v->arena_page) ||
        !zxp_arena_pread(to, (v->arena_page << ZXP_PAGE_SHIFT) + skip, n)) {
      memcpy(to, zxp_arena_view(v->arena_page) + skip, n);
    }
    return n;
  }
  uint64_t arena_page = 0;
  uint64_t run;
  if (pages->untracked &&
      zxp_extents_find(&pages->storage->extents, v->page, v->count, &arena_page, &run)) {
    /* A mapping may have filled it. */
    n = min_u64(n, (run << ZXP_PAGE_SHIFT) - skip);
    if (!zxp_arena_pread(to, (arena_page << ZXP_PAGE_SHIFT) + skip, n)) {
      memcpy(to, zxp_arena_view(arena_page) + skip, n);
    }
  } else {
    if (pages->untracked) {
      n = min_u64(n, (run << ZXP_PAGE_SHIFT) - skip);
    }
    memset(to, 0, n);
  }
  return n;
}

/* ---- Visits ---- */

/* Whether the bytes can be copied straight away, with the lock visited or held. */
static bool is_plain(const void* buffer, uint64_t length) {
  return buffer != NULL && length > 0 && !zxp_user_in_window(buffer, length);
}

/* Comes in for the next bytes [at, *end) of a transfer, if it may be made at all. */
static struct zxp_visitor* visit(struct zxp_pages* pages, uint64_t offset, uint64_t length,
                                 uint64_t at, bool writes, uint64_t* end) {
  struct zxp_biased_lock* lock = &pages->tree->lock;
  *end = at + min_u64(offset + length - at, COPY_MAX);
  struct zxp_visitor* v = zxp_biased_visit(lock, pages, at >> ZXP_PAGE_SHIFT,
                                           ((*end - 1) >> ZXP_PAGE_SHIFT) + 1, writes);
  if (v != NULL &&
      (!range_inside(pages, offset, length) || pages->discard.state == ZXP_DISCARD_DISCARDED)) {
    zxp_biased_leave(lock, v);
    v = NULL;
  }
  return v;
}

/* Reads as long as pages are there. Says how far it got; the rest is for those with the lock. */
static uint64_t read_visiting(struct zxp_pages* pages, unsigned char* to, uint64_t offset,
                              uint64_t length) {
  uint64_t at = offset;
  bool absent = false;
  while (!absent && at - offset < length) {
    uint64_t end;
    struct zxp_visitor* v = visit(pages, offset, length, at, false, &end);
    if (v == NULL) {
      break;
    }
    while (!absent && at < end) {
      const uint64_t page = at >> ZXP_PAGE_SHIFT;
      struct zxp_view view;
      zxp_cow_look_locked(pages, page, ((end - 1) >> ZXP_PAGE_SHIFT) - page + 1, &view);
      absent = view.content == ZXP_CONTENT_ABSENT;
      if (!absent) {
        at += copy_from_view(pages, &view, to + (at - offset), at & ZXP_PAGE_MASK, end - at);
      }
    }
    zxp_biased_leave(&pages->tree->lock, v);
  }
  return at;
}

static zx_status_t read_pages(struct zxp_pages* pages, void* buffer, uint64_t offset,
                              uint64_t length, const struct transfer* t, uint64_t* done) {
  unsigned char bounce[ZXP_PAGE_SIZE];
  unsigned char* to = buffer;
  const bool in_window = zxp_user_in_window(buffer, length);
  uint64_t end = offset + length;
  uint64_t at = offset;
  zx_status_t st = ZX_OK;
  struct zxp_access a;

  if (end < offset) {
    return ZX_ERR_OUT_OF_RANGE;
  }
  const bool plain = t->stream == NULL && is_plain(buffer, length);
  if (plain) {
    at = read_visiting(pages, to, offset, length);
    if (at == end) {
      goto out;
    }
    to += at - offset;
  }
  zxp_access_begin(&a, pages, t->call, !t->single);
  a.stream = t->stream != NULL;
  for (;;) {
    if (!clip_locked(t, pages, offset, length, false, &end)) {
      st = ZX_ERR_OUT_OF_RANGE;
      break;
    }
    if (at >= end) {
      break;
    }
    if (buffer == NULL) {
      st = ZX_ERR_NOT_FOUND;
      break;
    }
    if (pages->discard.state == ZXP_DISCARD_DISCARDED) {
      st = ZX_ERR_NOT_FOUND;
      break;
    }
    const uint64_t page = at >> ZXP_PAGE_SHIFT;
    const uint64_t last = (end - 1) >> ZXP_PAGE_SHIFT;
    const uint64_t skip = at & ZXP_PAGE_MASK;
    struct zxp_view v;
    zxp_cow_look_locked(pages, page, last - page + 1, &v);
    if (v.content == ZXP_CONTENT_ABSENT) {
      st = zxp_access_wait_locked(&a, ZXP_REQUEST_READ, v.page, t->single ? 1 : v.count);
      if (st != ZX_OK) {
        break;
      }
      continue;
    }
    uint64_t n;
    if (in_window) {
      n = copy_from_view(pages, &v, bounce, skip, min_u64(end - at, ZXP_PAGE_SIZE - skip));
      zxp_access_unlock(&a);
      size_t copied = 0;
      st = zxp_user_copy_out(to, bounce, n, &copied);
      zxp_access_lock(&a);
      if (st != ZX_OK) {
        at += copied;
        break;
      }
    } else {
      n = copy_from_view(pages, &v, to, skip, min_u64(end - at, COPY_MAX));
    }
    to += n;
    at += n;
    if (at < end && n == COPY_MAX) {
      zxp_access_unlock(&a);
      zxp_access_lock(&a);
    }
  }
  if (plain && st == ZX_OK && !a.changed) {
    zxp_biased_quiet(&pages->tree->lock, false);
  }
  zxp_access_end(&a);
out:
  if (done != NULL) {
    *done = at - offset;
  }
  return st;
}

zx_status_t zxp_pages_read(struct zxp_pages* pages, void* buffer, uint64_t offset, uint64_t length,
                           bool single, uint64_t* done) {
  const struct transfer t = {
      .call = single ? "copy from mapped memory" : "zx_vmo_read",
      .single = single,
  };
  return read_pages(pages, buffer, offset, length, &t, done);
}

zx_status_t zxp_vmo_read_content(struct zxp_vmo* vmo, void* buffer, uint64_t offset,
                                 uint64_t length, const char* call, uint64_t* done) {
  const struct transfer t = {.call = call, .stream = vmo};
  return read_pages(vmo->pages, buffer, vmo->window_offset + offset, length, &t, done);
}

/*
 * Copies to pages that are ready for writing; the lock is held or visited. `fresh`: they have no
 * memory yet. A system call gives it to them in less time than a page fault in the view, which
 * would zero it first; if it cannot, the copy says why, as it would anywhere: by a signal.
 */
static void copy_to_pages(struct zxp_pages* pages, const void* from, uint64_t offset,
                          uint64_t length, bool fresh) {
  const unsigned char* in = from;
  while (length > 0) {
    const uint64_t page = offset >> ZXP_PAGE_SHIFT;
    const uint64_t last = (offset + length - 1) >> ZXP_PAGE_SHIFT;
    uint64_t arena_page = 0;
    uint64_t run;
    const bool there =
        zxp_extents_find(&pages->storage->extents, page, last - page + 1, &arena_page, &run);
    ZXP_ASSERT(there);
    const uint64_t skip = offset & ZXP_PAGE_MASK;
    const uint64_t n = min_u64(length, (run << ZXP_PAGE_SHIFT) - skip);
    const bool call = fresh || (n <= ZXP_PAGE_SIZE && lies_alone(pages, page, arena_page));
    if (!call || zxp_arena_pwrite((arena_page << ZXP_PAGE_SHIFT) + skip, in, n) != ZX_OK) {
      memcpy(zxp_arena_view(arena_page) + skip, in, n);
    }
    in += n;
    offset += n;
    length -= n;
  }
}

/* Writes as long as pages are dirty, which they stay. Says how far it got. */
static uint64_t write_visiting(struct zxp_pages* pages, const unsigned char* from, uint64_t offset,
                               uint64_t length) {
  uint64_t at = offset;
  bool more = true;
  while (more && at - offset < length) {
    uint64_t end;
    struct zxp_visitor* v = visit(pages, offset, length, at, true, &end);
    if (v == NULL) {
      break;
    }
    /* Nobody else shows these pages, and the pager has been told already. */
    more = zxp_list_empty(&pages->children) && (pages->source == NULL || pages->source->modified);
    while (more && at < end) {
      const uint64_t page = at >> ZXP_PAGE_SHIFT;
      enum zxp_page_state state;
      const uint64_t run =
          zxp_page_map_run(&pages->map, page, ((end - 1) >> ZXP_PAGE_SHIFT) - page + 1, &state);
      more = state == ZXP_PAGE_DIRTY;
      if (more) {
        const uint64_t n = min_u64(end - at, (run << ZXP_PAGE_SHIFT) - (at & ZXP_PAGE_MASK));
        copy_to_pages(pages, from + (at - offset), at, n, false);
        at += n;
      }
    }
    zxp_biased_leave(&pages->tree->lock, v);
  }
  return at;
}

/* A stream's content goes up to `end` now. A mapping that cannot follow, for lack of areas, goes on
 * hiding the new page until the content size changes again: bytes have been written, and so have to
 * count. */
static void place_content_locked(struct zxp_vmo* vmo, uint64_t end) {
  struct zxp_content_size* content = zxp_vmo_content(vmo);
  if (content->size < end &&
      zxp_mapping_set_content_locked(vmo->pages, content, vmo->window_offset, end) != ZX_OK) {
    zxp_content_placed_locked(content, end);
  }
}

static zx_status_t write_pages(struct zxp_pages* pages, const void* buffer, uint64_t offset,
                               uint64_t length, const struct transfer* t, uint64_t* done) {
  unsigned char bounce[ZXP_PAGE_SIZE];
  const unsigned char* from = buffer;
  const bool in_window = zxp_user_in_window(buffer, length);
  uint64_t end = offset + length;
  uint64_t at = offset;
  uint64_t bounced = 0; /* bytes at `at` that bounce holds */
  zx_status_t st = ZX_OK;
  struct zxp_access a;

  if (end < offset) {
    return ZX_ERR_OUT_OF_RANGE;
  }
  const bool plain = t->stream == NULL && is_plain(buffer, length);
  if (plain) {
    at = write_visiting(pages, from, offset, length);
    if (at == end) {
      goto out;
    }
    from += at - offset;
  }
  zxp_access_begin(&a, pages, t->call, false);
  a.stream = t->stream != NULL;
  for (;;) {
    if (!clip_locked(t, pages, offset, length, true, &end)) {
      st = ZX_ERR_OUT_OF_RANGE;
      break;
    }
    if (at >= end) {
      break;
    }
    if (buffer == NULL) {
      st = ZX_ERR_NOT_FOUND;
      break;
    }
    if (pages->discard.state == ZXP_DISCARD_DISCARDED) {
      st = ZX_ERR_NOT_FOUND;
      break;
    }
    const uint64_t page = at >> ZXP_PAGE_SHIFT;
    const uint64_t last = (end - 1) >> ZXP_PAGE_SHIFT;
    uint64_t ready = 0;
    bool slept;
    /* A page that is dirtied here is written here: a buffer that may fault is copied page by
     * page. */
    const bool one = t->single || (in_window && pages->source == NULL);
    st = zxp_access_prepare_write_locked(&a, page, one ? 1 : last - page + 1, &ready, &slept);
    if (st != ZX_OK) {
      break;
    }
    if (slept) {
      continue;
    }
    uint64_t n = min_u64(end - at, (ready << ZXP_PAGE_SHIFT) - (at & ZXP_PAGE_MASK));
    if (in_window) {
      n = min_u64(n, ZXP_PAGE_SIZE - (at & ZXP_PAGE_MASK));
      if (bounced != n) {
        /* Fetch the bytes with no lock held, then look at the page again. */
        zxp_access_unlock(&a);
        st = zxp_user_copy_in(bounce, from, n, NULL);
        zxp_access_lock(&a);
        if (st != ZX_OK) {
          break;
        }
        bounced = n;
        continue;
      }
      copy_to_pages(pages, bounce, at, n, a.fresh);
      bounced = 0;
    } else {
      n = min_u64(n, COPY_MAX);
      copy_to_pages(pages, from, at, n, a.fresh);
    }
    if (pages->source != NULL) {
      pages->source->modified = true;
    }
    from += n;
    at += n;
    if (t->claimed) {
      place_content_locked(t->stream, at - t->stream->window_offset);
    }
    if (at < end && n == COPY_MAX) {
      zxp_access_unlock(&a);
      zxp_access_lock(&a);
    }
  }
  if (plain && st == ZX_OK && !a.changed && zxp_list_empty(&pages->children)) {
    zxp_biased_quiet(&pages->tree->lock, true);
  }
  zxp_access_end(&a);
out:
  if (done != NULL) {
    *done = at - offset;
  }
  return st;
}

zx_status_t zxp_pages_write(struct zxp_pages* pages, const void* buffer, uint64_t offset,
                            uint64_t length, bool single, uint64_t* done) {
  const struct transfer t = {
      .call = single ? "copy to mapped memory" : "zx_vmo_write",
      .single = single,
  };
  return write_pages(pages, buffer, offset, length, &t, done);
}

zx_status_t zxp_vmo_write_content(struct zxp_vmo* vmo, const void* buffer, uint64_t offset,
                                  uint64_t length, bool claimed, const char* call, uint64_t* done) {
  const struct transfer t = {.call = call, .stream = vmo, .claimed = claimed};
  return write_pages(vmo->pages, buffer, vmo->window_offset + offset, length, &t, done);
}

/* ---- For calls that visit the VMO too ---- */

uint64_t zxp_pages_read_visiting(struct zxp_pages* pages, void* buffer, uint64_t offset,
                                 uint64_t length) {
  return is_plain(buffer, length) ? read_visiting(pages, buffer, offset, length) - offset : 0;
}

uint64_t zxp_pages_write_visiting(struct zxp_pages* pages, const void* buffer, uint64_t offset,
                                  uint64_t length) {
  return is_plain(buffer, length) ? write_visiting(pages, buffer, offset, length) - offset : 0;
}
