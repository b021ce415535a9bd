/* SPDX-License-Identifier: BSD-3-Clause */
#include "writeback.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zircon/syscalls-next.h>
#include <zircon/syscalls.h>

/* Between two batches: long enough for some pages to become dirty, short enough that something is
 * under way most of the time. */
#define PERIOD_MS 5

static void complain(struct writeback* w, const char* problem) {
  if (w->problem == NULL) {
    w->problem = problem;
  }
}

static void note(struct writeback* w, enum journal_kind kind, uint64_t block, uint64_t a,
                 uint64_t b) {
  if (!journal_add(w->journal, kind, block, a, b)) {
    complain(w, "out of memory for the journal");
  }
}

/* Some KiB into the page cache, which takes no longer than to hand them to another thread. */
static void flush_notes(struct writeback* w) {
  if (!journal_flush(w->journal)) {
    complain(w, "the journal can't be written");
  }
}

static void begin_batch(struct writeback* w);
static void go_on(struct writeback* w);

static void on_timer(uv_timer_t* timer) { begin_batch(timer->data); }

static void wait_for_timer(struct writeback* w) {
  uv_timer_start(&w->timer, on_timer, PERIOD_MS, 0);
}

/* ---- What is dirty ---- */

static zx_status_t op(struct writeback* w, uint32_t op, uint64_t offset, uint64_t length,
                      uint64_t data) {
  return zx_pager_op_range(zxp_uv_pager_handle(&w->store->pager), op, w->store->handle, offset,
                           length, data);
}

/* Blocks of the file in the part; those that lie beyond its end are nobody's. */
static uint64_t first_block(const struct writeback_part* p) { return p->offset / BLOCK_SIZE; }

static uint64_t end_block(const struct writeback_part* p) {
  const uint64_t end = (p->offset + p->length) / BLOCK_SIZE;
  return end < p->writeback->file_blocks ? end : p->writeback->file_blocks;
}

static const struct block_content* found_in(const struct writeback_part* p) {
  return &p->writeback->found[p->copied_at / BLOCK_SIZE];
}

/* Looks at the blocks of the copy. Those with zeros in them may take a promise back. */
static void look_at_copy(struct writeback* w, const struct writeback_part* p) {
  struct block_content* found = &w->found[p->copied_at / BLOCK_SIZE];
  const uint64_t* words = w->copy + p->copied_at / sizeof(uint64_t);
  for (uint64_t b = first_block(p); b < end_block(p); b++, found++, words += BLOCK_WORDS) {
    *found = block_look(b, words);
    if (!found->valid) {
      complain(w, "the VMO has a word that nobody wrote");
    }
    if (found->low == 0) {
      note(w, JOURNAL_ZERO_SOON, b, 1, 0);
    }
  }
}

/* Takes a dirty range, or as much of it as there is room for, into the batch. False: no room. */
static bool take(struct writeback* w, const zx_vmo_dirty_range_t* range) {
  const bool zero = (range->options & ZX_VMO_DIRTY_RANGE_IS_ZERO) != 0;
  const uint64_t room = WRITEBACK_BYTES - w->copied;
  const uint64_t length = zero || range->length < room ? range->length : room;
  if (length == 0 || w->part_count == WRITEBACK_PARTS) {
    return false;
  }
  struct writeback_part* p = &w->parts[w->part_count++];
  *p = (struct writeback_part){
      .writeback = w,
      .offset = range->offset,
      .length = length,
      .zero = zero,
      .copied_at = w->copied,
  };
  w->cursor = p->offset + p->length;

  /* A page that became dirty since the query is not among the zeros: the option keeps it dirty. */
  zx_status_t st = op(w, ZX_PAGER_OP_WRITEBACK_BEGIN, p->offset, p->length,
                      zero ? ZX_VMO_DIRTY_RANGE_IS_ZERO : 0);
  if (zero) {
    note(w, JOURNAL_ZERO_SOON, first_block(p), end_block(p) - first_block(p), 0);
  } else if (st == ZX_OK) {
    /* After BEGIN. It asks for nothing: a page is present as long as it is dirty. */
    st = zx_vmo_read(w->store->handle, (char*)w->copy + w->copied, p->offset, p->length);
    w->copied += p->length;
    look_at_copy(w, p);
  }
  if (st != ZX_OK) {
    complain(w, "a dirty range could not be taken");
    w->failed = true;
  }
  return true;
}

/* Fills the batch from the cursor on. */
static void collect(struct writeback* w) {
  zx_vmo_dirty_range_t ranges[WRITEBACK_PARTS];
  uint64_t size = 0;
  zx_vmo_get_size(w->store->handle, &size);
  w->part_count = 0;
  w->copied = 0;
  w->failed = false;
  if (w->cursor >= size) {
    w->cursor = 0;
  }
  size_t count = 0;
  size_t in_all = 0;
  const zx_status_t st = zx_pager_query_dirty_ranges(zxp_uv_pager_handle(&w->store->pager),
                                                     w->store->handle, w->cursor, size - w->cursor,
                                                     ranges, sizeof ranges, &count, &in_all);
  if (st != ZX_OK) {
    complain(w, "zx_pager_query_dirty_ranges failed");
    return;
  }
  bool room = true;
  for (size_t i = 0; i < count && room; i++) {
    room = take(w, &ranges[i]);
  }
  if (room && count == in_all) {
    w->cursor = 0;
  }
}

/* ---- A batch ---- */

static void end_range(struct writeback* w, const struct writeback_part* p) {
  if (op(w, ZX_PAGER_OP_WRITEBACK_END, p->offset, p->length, 0) != ZX_OK) {
    complain(w, "ZX_PAGER_OP_WRITEBACK_END was refused");
    return;
  }
  *(p->zero ? &w->zero_pages : &w->pages) += p->length / zx_system_get_page_size();
  if (p->zero) {
    note(w, JOURNAL_ZERO, first_block(p), end_block(p) - first_block(p), 0);
    return;
  }
  const struct block_content* found = found_in(p);
  for (uint64_t b = first_block(p); b < end_block(p); b++, found++) {
    if (found->high == 0) {
      note(w, JOURNAL_ZERO, b, 1, 0);
    } else {
      note(w, JOURNAL_DATA, b, found->low, found->high);
    }
  }
}

static void end_batch(struct writeback* w) {
  if (w->failed) {
    w->io_errors++;
  } else {
    w->store->changes++;
    for (unsigned i = 0; i < w->part_count; i++) {
      end_range(w, &w->parts[i]);
    }
    flush_notes(w);
    w->batches++;
  }
  go_on(w);
}

static void on_batch_synced(uv_fs_t* request) {
  struct writeback* w = request->data;
  w->failed = w->failed || request->result < 0;
  uv_fs_req_cleanup(request);
  end_batch(w);
}

static void part_done(struct writeback* w) {
  if (--w->pending > 0) {
    return;
  }
  w->step = WRITEBACK_SYNCING;
  uv_fs_fdatasync(w->store->loop, &w->sync, w->store->fd, on_batch_synced);
}

static void on_written(uv_fs_t* request) {
  struct writeback_part* p = request->data;
  struct writeback* w = p->writeback;
  const uint64_t length = (end_block(p) - first_block(p)) * BLOCK_SIZE;
  /* A file takes less only where it takes no more: the disk is full. */
  w->failed = w->failed || request->result != (ssize_t)length;
  uv_fs_req_cleanup(request);
  part_done(w);
}

/* On a thread of libuv's, which has no call for this. */
static void punch(uv_work_t* work) {
  static const char zeros[1 << 16];
  struct writeback_part* p = work->data;
  const int fd = p->writeback->store->fd;
  const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  if (fallocate(fd, mode, (off_t)p->offset, (off_t)p->length) == 0) {
    return;
  }
  /* This filesystem has no holes. */
  uint64_t at = p->offset;
  const uint64_t end = end_block(p) * BLOCK_SIZE;
  while (at < end && p->error == 0) {
    const size_t part = end - at < sizeof zeros ? end - at : sizeof zeros;
    const ssize_t n = pwrite(fd, zeros, part, (off_t)at);
    if (n > 0) {
      at += (uint64_t)n;
    } else if (errno != EINTR) {
      p->error = errno;
    }
  }
}

static void on_punched(uv_work_t* work, int status) {
  struct writeback_part* p = work->data;
  struct writeback* w = p->writeback;
  w->failed = w->failed || status != 0 || p->error != 0;
  part_done(w);
}

static void write_part(struct writeback* w, struct writeback_part* p) {
  uv_loop_t* loop = w->store->loop;
  if (first_block(p) >= end_block(p)) {
    return;
  }
  w->pending++;
  if (p->zero) {
    p->request.punch.data = p;
    uv_queue_work(loop, &p->request.punch, punch, on_punched);
    return;
  }
  uv_buf_t buffer = uv_buf_init((char*)w->copy + p->copied_at,
                                (unsigned)((end_block(p) - first_block(p)) * BLOCK_SIZE));
  p->request.write.data = p;
  uv_fs_write(loop, &p->request.write, w->store->fd, &buffer, 1, (int64_t)p->offset, on_written);
}

static void begin_batch(struct writeback* w) {
  const bool from_the_start = w->cursor == 0;
  collect(w);
  if (w->part_count == 0 && !from_the_start) {
    w->cursor = 0;
    collect(w);
  }
  if (w->part_count == 0 || (w->when_clean != NULL && w->problem != NULL)) {
    if (w->when_clean != NULL) {
      void (*when_clean)(struct writeback*) = w->when_clean;
      w->when_clean = NULL;
      when_clean(w);
      return;
    }
    wait_for_timer(w);
    return;
  }
  w->step = WRITEBACK_WRITING;
  flush_notes(w);
  w->pending = 1; /* held until all have been started */
  for (unsigned i = 0; i < w->part_count; i++) {
    write_part(w, &w->parts[i]);
  }
  part_done(w);
}

/* ---- A new size ---- */

static void on_resized(uv_fs_t* request) {
  struct writeback* w = request->data;
  if (request->result < 0) {
    complain(w, "the file could not be resized");
  }
  uv_fs_req_cleanup(request);
  w->store->changes++;
  w->resizes++;
  note(w, JOURNAL_SIZE, w->file_blocks, 0, 0);
  flush_notes(w);
  uv_mutex_lock(&w->mutex);
  w->pause = PAUSE_NONE;
  uv_cond_broadcast(&w->changed);
  uv_mutex_unlock(&w->mutex);
  go_on(w);
}

static void on_truncated(uv_fs_t* request) {
  struct writeback* w = request->data;
  const bool good = request->result == 0;
  uv_fs_req_cleanup(request);
  if (!good) {
    complain(w, "the file could not be resized");
  }
  uv_fs_fdatasync(w->store->loop, request, w->store->fd, on_resized);
}

static void resize_file(struct writeback* w, uint64_t new_blocks) {
  w->step = WRITEBACK_RESIZING;
  w->file_blocks = new_blocks;
  note(w, JOURNAL_SIZE_SOON, new_blocks, 0, 0);
  flush_notes(w);
  uv_fs_ftruncate(w->store->loop, &w->sync, w->store->fd, (int64_t)(new_blocks * BLOCK_SIZE),
                  on_truncated);
}

/* Does what the other thread wants, if it is time for that. True: a batch has to wait. */
static bool serve_pause(struct writeback* w) {
  uv_mutex_lock(&w->mutex);
  if (w->pause == PAUSE_WANTED && w->step == WRITEBACK_IDLE) {
    w->step = WRITEBACK_PAUSED;
    w->pause = PAUSE_GRANTED;
    uv_cond_broadcast(&w->changed);
  }
  const bool ending = w->pause == PAUSE_ENDING && w->step == WRITEBACK_PAUSED;
  const uint64_t new_blocks = w->new_blocks;
  uv_mutex_unlock(&w->mutex);
  if (ending) {
    resize_file(w, new_blocks);
  }
  return w->step != WRITEBACK_IDLE;
}

static void on_asked(uv_async_t* async) {
  struct writeback* w = async->data;
  if (serve_pause(w)) {
    uv_timer_stop(&w->timer);
  }
}

static void ask(struct writeback* w, enum writeback_pause from, enum writeback_pause to,
                enum writeback_pause until) {
  uv_mutex_lock(&w->mutex);
  while (w->pause != from) {
    uv_cond_wait(&w->changed, &w->mutex);
  }
  w->pause = to;
  uv_async_send(&w->asked);
  while (w->pause != until) {
    uv_cond_wait(&w->changed, &w->mutex);
  }
  uv_mutex_unlock(&w->mutex);
}

void writeback_pause(struct writeback* w) { ask(w, PAUSE_NONE, PAUSE_WANTED, PAUSE_GRANTED); }

void writeback_resume(struct writeback* w, uint64_t new_blocks) {
  uv_mutex_lock(&w->mutex);
  w->new_blocks = new_blocks;
  uv_mutex_unlock(&w->mutex);
  ask(w, PAUSE_GRANTED, PAUSE_ENDING, PAUSE_NONE);
}

/* ---- Start and end ---- */

static void go_on(struct writeback* w) {
  w->step = WRITEBACK_IDLE;
  if (serve_pause(w)) {
    return;
  }
  if (w->when_clean != NULL && w->failed) {
    complain(w, "the file can't be written");
  }
  if (w->when_clean != NULL) {
    begin_batch(w);
  } else {
    wait_for_timer(w);
  }
}

bool writeback_start(struct writeback* w, struct store* store, struct journal* journal,
                     uint64_t file_blocks) {
  *w = (struct writeback){.store = store, .journal = journal, .file_blocks = file_blocks};
  w->copy = malloc(WRITEBACK_BYTES);
  if (w->copy == NULL) {
    return false;
  }
  uv_mutex_init(&w->mutex);
  uv_cond_init(&w->changed);
  w->sync.data = w;
  w->timer.data = w;
  uv_timer_init(store->loop, &w->timer);
  w->asked.data = w;
  uv_async_init(store->loop, &w->asked, on_asked);
  wait_for_timer(w);
  return true;
}

void writeback_finish(struct writeback* w, void (*when_clean)(struct writeback* w)) {
  w->when_clean = when_clean;
  if (w->step == WRITEBACK_IDLE) {
    uv_timer_stop(&w->timer);
    begin_batch(w);
  }
}

void writeback_close(struct writeback* w) {
  uv_close((uv_handle_t*)&w->timer, NULL);
  uv_close((uv_handle_t*)&w->asked, NULL);
}

void writeback_free(struct writeback* w) {
  uv_cond_destroy(&w->changed);
  uv_mutex_destroy(&w->mutex);
  free(w->copy);
}
