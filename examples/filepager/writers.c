/* SPDX-License-Identifier: BSD-3-Clause */
#include "writers.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zircon/syscalls-next.h>
#include <zircon/syscalls.h>

/* Blocks of a stretch: more than two pages, so that one has whole pages to zero, and odd, so that
 * its ends fall anywhere in a page. */
#define STRETCH 19

/* One change in so many is to zeros. */
#define ZERO_ONE_IN 12

/* The resizer rests so long at most: some tens of sizes a second. */
#define MAX_REST_MS 60

/* Of the file, read at once and looked at in one go. */
#define AUDIT_BLOCKS ((uint64_t)128)

void model_init(struct model* m, uint64_t max_blocks, uint64_t blocks, uint32_t* generation) {
  pthread_rwlockattr_t attributes;
  *m = (struct model){.max_blocks = max_blocks, .blocks = blocks, .generation = generation};
  /* The default lets readers pass, and there is always one here: the resizer would starve. */
  pthread_rwlockattr_init(&attributes);
  pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  pthread_rwlock_init(&m->size_lock, &attributes);
  pthread_rwlockattr_destroy(&attributes);
}

void model_free(struct model* m) {
  pthread_rwlock_destroy(&m->size_lock);
  free(m->generation);
}

/* Marsaglia's xorshift, in [0, bound). */
static uint64_t random_below(struct writer* w, uint64_t bound) {
  w->random ^= w->random << 13;
  w->random ^= w->random >> 7;
  w->random ^= w->random << 17;
  return (w->random >> 16) % bound;
}

static void complain(struct writer* w, const char* problem, uint64_t block) {
  w->problem = problem;
  w->problem_block = block;
  atomic_store(&w->crew->stop, true);
}

/* ---- Changes ---- */

/* What a writer changes at once. */
struct change {
  uint64_t first;
  uint64_t count;
};

/* Whether the model says so, too. */
static bool is_expected(const struct writer* w, uint64_t block, const uint64_t* words) {
  const struct block_content c = block_look(block, words);
  const uint32_t generation = w->crew->model->generation[block];
  if (generation == GENERATION_MIXED) {
    return c.valid;
  }
  return c.valid && c.low == generation && c.high == generation;
}

static void store_mapped(struct writer* w, const struct change* c) {
  for (uint64_t b = c->first; b < c->first + c->count; b++) {
    uint64_t* words = (uint64_t*)(void*)(w->crew->memory + b * BLOCK_SIZE);
    if (!is_expected(w, b, words)) {
      complain(w, "the mapping does not show what was written", b);
      return;
    }
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
      __atomic_store_n(&words[i], block_word(b, i, w->generation), __ATOMIC_RELAXED);
    }
    w->crew->model->generation[b] = w->generation;
  }
}

static void write_by_call(struct writer* w, const struct change* c) {
  uint64_t words[STRETCH * BLOCK_WORDS];
  const zx_handle_t vmo = w->crew->vmo;
  if (zx_vmo_read(vmo, words, c->first * BLOCK_SIZE, c->count * BLOCK_SIZE) != ZX_OK) {
    complain(w, "zx_vmo_read fails", c->first);
    return;
  }
  for (uint64_t i = 0; i < c->count; i++) {
    if (!is_expected(w, c->first + i, words + i * BLOCK_WORDS)) {
      complain(w, "zx_vmo_read does not give what was written", c->first + i);
      return;
    }
    block_fill(c->first + i, w->generation, words + i * BLOCK_WORDS);
    w->crew->model->generation[c->first + i] = w->generation;
  }
  if (zx_vmo_write(vmo, words, c->first * BLOCK_SIZE, c->count * BLOCK_SIZE) != ZX_OK) {
    complain(w, "zx_vmo_write fails", c->first);
  }
}

static void zero(struct writer* w, const struct change* c) {
  if (zx_vmo_op_range(w->crew->vmo, ZX_VMO_OP_ZERO, c->first * BLOCK_SIZE, c->count * BLOCK_SIZE,
                      NULL, 0) != ZX_OK) {
    complain(w, "ZX_VMO_OP_ZERO fails", c->first);
    return;
  }
  memset(&w->crew->model->generation[c->first], 0, c->count * sizeof w->crew->model->generation[0]);
}

/* Picks some blocks of a stretch of its own; false where the file is too short to have one. */
static bool pick(struct writer* w, struct change* c) {
  const uint64_t blocks = w->crew->model->blocks;
  const uint64_t stretches = (blocks + STRETCH - 1) / STRETCH;
  const uint64_t mine = w->number - 1;
  if (stretches <= mine) {
    return false;
  }
  const uint64_t owned = (stretches - mine - 1) / w->crew->writers + 1;
  const uint64_t begin = (random_below(w, owned) * w->crew->writers + mine) * STRETCH;
  const uint64_t end = begin + STRETCH < blocks ? begin + STRETCH : blocks;
  c->first = begin + random_below(w, end - begin);
  c->count = 1 + random_below(w, end - c->first);
  return true;
}

static void write_once(struct writer* w) {
  struct change c;
  pthread_rwlock_rdlock(&w->crew->model->size_lock);
  const bool picked = pick(w, &c);
  if (picked && random_below(w, ZERO_ONE_IN) == 0) {
    zero(w, &c);
  } else if (picked && w->crew->memory != NULL && w->number % 2 == 1) {
    store_mapped(w, &c);
  } else if (picked) {
    write_by_call(w, &c);
  }
  pthread_rwlock_unlock(&w->crew->model->size_lock);
  if (!picked) {
    sched_yield();
    return;
  }
  w->generation++;
  atomic_fetch_add_explicit(&w->changes, 1, memory_order_relaxed);
}

/* ---- Sizes ---- */

/* Holds clean blocks of [first, first + count) against the file. */
static void audit_clean(struct writer* w, uint64_t first, uint64_t count) {
  uint64_t words[AUDIT_BLOCKS * BLOCK_WORDS];
  for (uint64_t end = first + count; first < end; first += AUDIT_BLOCKS) {
    const uint64_t part = end - first < AUDIT_BLOCKS ? end - first : AUDIT_BLOCKS;
    if (pread(w->crew->writeback->store->fd, words, part * BLOCK_SIZE,
              (off_t)(first * BLOCK_SIZE)) != (ssize_t)(part * BLOCK_SIZE)) {
      complain(w, "the file can't be read, or is too short", first);
      return;
    }
    for (uint64_t i = 0; i < part; i++) {
      if (!is_expected(w, first + i, words + i * BLOCK_WORDS)) {
        complain(w, "not dirty, but not in the file either", first + i);
        return;
      }
    }
  }
}

/* The same for the whole file, but for what is listed as dirty. Nobody writes, neither to the VMO
 * nor to the file. */
static void audit(struct writer* w) {
  const uint64_t blocks = w->crew->model->blocks;
  const zx_handle_t pager = zxp_uv_pager_handle(&w->crew->writeback->store->pager);
  uint64_t block = 0;
  while (block < blocks && w->problem == NULL) {
    zx_vmo_dirty_range_t range;
    size_t found = 0;
    if (zx_pager_query_dirty_ranges(pager, w->crew->vmo, block * BLOCK_SIZE,
                                    (blocks - block) * BLOCK_SIZE, &range, sizeof range, &found,
                                    NULL) != ZX_OK) {
      complain(w, "zx_pager_query_dirty_ranges fails", block);
      return;
    }
    const uint64_t dirty = found == 0 ? blocks : range.offset / BLOCK_SIZE;
    audit_clean(w, block, dirty - block);
    block = found == 0 ? blocks : (range.offset + range.length) / BLOCK_SIZE;
  }
}

static void resize_once(struct writer* w) {
  struct model* m = w->crew->model;
  uint64_t new_blocks = 1 + random_below(w, m->max_blocks);
  writeback_pause(w->crew->writeback);
  pthread_rwlock_wrlock(&m->size_lock);
  audit(w);
  /* A size that is no multiple of the page size zeroes the rest of its last page, which may ask the
   * pager: the loop goes on serving. */
  const zx_status_t st = zx_vmo_set_size(w->crew->vmo, new_blocks * BLOCK_SIZE);
  if (st != ZX_OK) {
    complain(w, "zx_vmo_set_size fails", new_blocks);
    new_blocks = m->blocks;
  }
  for (uint64_t b = new_blocks; b < m->blocks; b++) {
    m->generation[b] = 0;
  }
  m->blocks = new_blocks;
  pthread_rwlock_unlock(&m->size_lock);
  writeback_resume(w->crew->writeback, new_blocks);
  atomic_fetch_add_explicit(&w->changes, 1, memory_order_relaxed);
}

/* ---- Threads ---- */

static void writer_main(void* argument) {
  struct writer* w = argument;
  struct crew* crew = w->crew;
  while (!atomic_load(&crew->stop)) {
    if (w->number == 0) {
      resize_once(w);
      zx_nanosleep(zx_deadline_after(ZX_MSEC((zx_duration_t)random_below(w, MAX_REST_MS))));
    } else {
      write_once(w);
    }
  }
  atomic_fetch_sub(&crew->running, 1);
  uv_async_send(crew->finished);
}

int crew_start(struct crew* crew, struct writer* writers) {
  atomic_init(&crew->stop, false);
  atomic_init(&crew->running, 0);
  for (unsigned i = 0; i <= crew->writers; i++) {
    struct writer* w = &writers[i];
    *w = (struct writer){
        .crew = crew,
        .number = i,
        /* Any odd multiplier keeps the seeds of the threads apart; 0 is none for xorshift. */
        .random = (crew->seed + i) * UINT64_C(0x9e3779b97f4a7c15) | 1,
        .generation = crew->first_generation,
    };
    atomic_fetch_add(&crew->running, 1);
    const int error = uv_thread_create(&w->thread, writer_main, w);
    if (error != 0) {
      atomic_fetch_sub(&crew->running, 1);
      return error;
    }
  }
  return 0;
}
