/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything at once, at random, on one resizable root: writers, a resizer, a reader, and a pager
 * that answers, refuses, and writes back. At the end what was written back is what was written.
 *
 *   lane       a quarter of each page of the first and the last part; each has one writer, two of
 *              them through mappings, two through calls
 *   block      the pages between; one writer writes and zeroes them in runs of any length
 *   tail       the last part, which the resizer cuts off and grows anew
 *   backing    what the pager supplies from and writes back to
 *   model      what the writers know to have written, byte for byte
 *
 * In the tail a write may or may not survive a resize that it crosses. An epoch, odd while a resize
 * is under way, tells which writes crossed none; those have to be there at the end, or have been
 * cut off by a later resize.
 *
 * Environment: ZXP_SEED (printed), ZXP_STRESS_SECONDS (each of the two scenarios runs that long).
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "writeback.h"

enum {
  PAGE_BYTES = 4096,
  LANES = 4,
  LANE_BYTES = PAGE_BYTES / LANES,
  BLOCK_FIRST = 32,
  TAIL_FIRST = 80,
  PAGES = 128,
  BLOCK_PAGES = TAIL_FIRST - BLOCK_FIRST,
  TAIL_PAGES = PAGES - TAIL_FIRST,
  /* More than the largest request, so that a write makes several. */
  LONGEST_RUN = 20,
  QUERY_ENTRIES = 8,
};

static uint64_t seed;
static double seconds = 1.5;

static struct root* v;
static bool trap;
static atomic_bool stop_writing;
static atomic_bool drain; /* writing back ends when nothing is listed any more */

static uint8_t backing[PAGES * PAGE_BYTES]; /* backing_lock */
/* Held from the reading of the backing to the supply, and from the writing of it to WRITEBACK_END:
 * a supply must not bring back what has been overwritten and cleaned meanwhile. */
static pthread_mutex_t backing_lock = PTHREAD_MUTEX_INITIALIZER;

/* Each byte belongs to one writer, until all have ended. */
static uint8_t model[TAIL_FIRST * PAGE_BYTES];

/* How often what happened: a run in which nothing did proves nothing. */
static struct {
  atomic_ulong stores, writes, zeroes, commits, refused, bus_errors;
  atomic_ulong reads_answered, dirties_answered, failures;
  atomic_ulong cycles, data_ranges, zero_ranges, unfinished, out_of_range;
  atomic_ulong resizes, reads;
} happened;

#define COUNT(what) atomic_fetch_add_explicit(&happened.what, 1, memory_order_relaxed)

/* ---- Chance ---- */

struct chance {
  uint64_t state; /* never 0 */
};

static struct chance chance_make(uint64_t stream) {
  const uint64_t mixed =
      (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ (stream + 1) * UINT64_C(0xbf58476d1ce4e5b9);
  return (struct chance){mixed != 0 ? mixed : 1};
}

static uint64_t draw(struct chance* c, uint64_t below) {
  c->state ^= c->state << 13;
  c->state ^= c->state >> 7;
  c->state ^= c->state << 17;
  return (c->state >> 11) % below;
}

static bool one_in(struct chance* c, uint64_t n) { return draw(c, n) == 0; }

static void pause_up_to(struct chance* c, uint64_t microseconds) {
  nanosleep(&(struct timespec){.tv_nsec = (long)draw(c, microseconds) * 1000}, NULL);
}

/* ---- Accesses that may fail ---- */

/* False if a fatal fault came; some of the words may have been stored by then. */
static bool try_store(uint8_t* to, const uint64_t* words, size_t count) {
  uint64_t* at = (uint64_t*)to;
  for (size_t i = 0; i < count; i++) {
    const int signo = guarded_store(at + i, words[i]);
    if (signo == 0) continue;
    if (signo != SIGBUS) check_fail("a store got signal %d", signo);
    COUNT(bus_errors);
    return false;
  }
  return true;
}

static bool try_load(const uint8_t* from, uint64_t* word) {
  const int signo = guarded_load((const uint64_t*)from, word);
  if (signo == 0) return true;
  if (signo != SIGBUS) check_fail("a load got signal %d", signo);
  COUNT(bus_errors);
  return false;
}

/* ---- The tail ---- */

/* Odd while a resize is under way. */
static _Atomic uint64_t epoch;
/* The epoch of the last resize that cut the page off. */
static _Atomic uint64_t cut_in[TAIL_PAGES];

/* What a lane's writer knows of its word in a page of the tail. */
struct tail_word {
  uint64_t value;   /* of the last write that crossed no resize */
  uint64_t at;      /* and its epoch */
  uint64_t highest; /* value of any write that may have landed */
  bool uncertain;   /* one that may have landed came after */
};

/* Every value names its place; the serial number makes later ones larger. */
static uint64_t tail_value(uint64_t serial, uint64_t page, unsigned lane) {
  return serial << 16 | page << 4 | lane | 8;
}

static bool names_place(uint64_t value, uint64_t page, unsigned lane) {
  return (value & 0xffff) == (page << 4 | lane | 8);
}

/* ---- Lane writers ---- */

struct lane_writer {
  unsigned lane;
  uint8_t* map; /* NULL: through calls */
  struct chance chance;
  uint64_t serial;
  struct tail_word tail[TAIL_PAGES];
};

/* The bytes of the lane in a page of the VMO. */
static uint64_t lane_offset(const struct lane_writer* w, uint64_t page) {
  return page * PAGE_BYTES + w->lane * LANE_BYTES;
}

static zx_status_t write_once(const struct lane_writer* w, uint64_t offset, const uint64_t* words,
                              size_t count) {
  if (w->map != NULL) {
    COUNT(stores);
    return try_store(w->map + offset, words, count) ? ZX_OK : ZX_ERR_IO;
  }
  COUNT(writes);
  const zx_status_t status = zx_vmo_write(v->vmo, words, offset, count * sizeof(*words));
  if (status != ZX_OK && status != ZX_ERR_IO && status != ZX_ERR_OUT_OF_RANGE) {
    check_fail("writing gave %d", status);
  }
  return status;
}

/* In pages that stay, a write that was refused is made again until it succeeds. */
static void write_surely(const struct lane_writer* w, uint64_t offset, const uint64_t* words,
                         size_t count) {
  for (;;) {
    const zx_status_t status = write_once(w, offset, words, count);
    if (status == ZX_OK) break;
    if (status != ZX_ERR_IO) check_fail("writing to a page that stays gave %d", status);
    COUNT(refused);
  }
  memcpy(model + offset, words, count * sizeof(*words));
}

/* Some words of the lane, and then its first: the serial number, which only ever grows. */
static void write_lane(struct lane_writer* w) {
  uint64_t words[LANE_BYTES / sizeof(uint64_t)];
  const uint64_t offset = lane_offset(w, draw(&w->chance, BLOCK_FIRST));
  const size_t room = LANE_BYTES / sizeof(uint64_t) - 1;
  const size_t first = 1 + draw(&w->chance, room);
  const size_t count = 1 + draw(&w->chance, room + 1 - first);
  const uint64_t serial = ++w->serial;
  for (size_t i = 0; i < count; i++) {
    words[i] = serial << 8 | i;
  }
  write_surely(w, offset + first * sizeof(uint64_t), words, count);
  write_surely(w, offset, &serial, 1);
}

static void write_tail(struct lane_writer* w) {
  const uint64_t page = draw(&w->chance, TAIL_PAGES);
  struct tail_word* t = &w->tail[page];
  const uint64_t value = tail_value(++w->serial, page, w->lane);
  const uint64_t before = atomic_load(&epoch);
  const zx_status_t status = write_once(w, lane_offset(w, TAIL_FIRST + page), &value, 1);
  const uint64_t after = atomic_load(&epoch);
  if (before == after && before % 2 == 0) {
    /* One word in one page: a write that was refused has left nothing. */
    if (status == ZX_OK) *t = (struct tail_word){.value = value, .at = before, .highest = value};
  } else {
    t->highest = value;
    t->uncertain = true;
  }
}

static zx_status_t lane_main(void* argument) {
  struct lane_writer* w = argument;
  while (!atomic_load(&stop_writing)) {
    if (one_in(&w->chance, 3)) {
      write_tail(w);
    } else {
      write_lane(w);
    }
    if (one_in(&w->chance, 32)) pause_up_to(&w->chance, 200);
  }
  return ZX_OK;
}

/* ---- The block's writer ---- */

struct block_writer {
  struct chance chance;
  uint8_t* scratch; /* memory of the library, whose pages it copies itself; or NULL */
  uint64_t serial;
};

static void block_step(struct block_writer* b) {
  static uint8_t own[LONGEST_RUN * PAGE_BYTES];
  const uint64_t length = 1 + draw(&b->chance, LONGEST_RUN * PAGE_BYTES);
  const uint64_t offset = BLOCK_FIRST * (uint64_t)PAGE_BYTES +
                          draw(&b->chance, BLOCK_PAGES * (uint64_t)PAGE_BYTES - length + 1);
  const uint64_t kind = draw(&b->chance, 8);
  uint8_t* from = b->scratch != NULL && one_in(&b->chance, 4) ? b->scratch : own;
  const uint8_t value = (uint8_t)++b->serial;
  if (kind < 5) memset(from, value, length);
  for (;;) {
    zx_status_t status;
    if (kind < 5) {
      COUNT(writes);
      status = zx_vmo_write(v->vmo, from, offset, length);
    } else if (kind < 7) {
      COUNT(zeroes);
      status = zx_vmo_op_range(v->vmo, ZX_VMO_OP_ZERO, offset, length, NULL, 0);
    } else {
      COUNT(commits);
      status = zx_vmo_op_range(v->vmo, ZX_VMO_OP_COMMIT, offset, length, NULL, 0);
    }
    if (status == ZX_OK) break;
    if (status != ZX_ERR_IO) check_fail("the block's writer got %d", status);
    COUNT(refused);
  }
  if (kind < 7) memset(model + offset, kind < 5 ? value : 0, length);
}

static zx_status_t block_main(void* argument) {
  struct block_writer* b = argument;
  while (!atomic_load(&stop_writing)) {
    block_step(b);
    pause_up_to(&b->chance, 300);
  }
  return ZX_OK;
}

/* ---- The resizer ---- */

static uint64_t current_pages; /* the resizer's, and the main thread's at the end */

static zx_status_t resizer_main(void* argument) {
  struct chance* c = argument;
  while (!atomic_load(&stop_writing)) {
    const uint64_t pages = TAIL_FIRST + draw(c, TAIL_PAGES + 1);
    const uint64_t during = atomic_fetch_add(&epoch, 1) + 1;
    for (uint64_t page = pages; page < current_pages; page++) {
      atomic_store(&cut_in[page - TAIL_FIRST], during);
    }
    const zx_status_t status = zx_vmo_set_size(v->vmo, pages * PAGE_BYTES);
    if (status != ZX_OK) check_fail("zx_vmo_set_size gave %d", status);
    atomic_fetch_add(&epoch, 1);
    current_pages = pages;
    COUNT(resizes);
    pause_up_to(c, 2000);
  }
  return ZX_OK;
}

/* ---- The reader ---- */

struct reader {
  struct chance chance;
  const uint8_t* map; /* or NULL */
  uint64_t seen[BLOCK_FIRST][LANES];
};

static bool read_word(struct reader* r, uint64_t offset, uint64_t* word) {
  COUNT(reads);
  if (r->map != NULL && one_in(&r->chance, 2)) return try_load(r->map + offset, word);
  const zx_status_t status = zx_vmo_read(v->vmo, word, offset, sizeof(*word));
  if (status != ZX_OK && status != ZX_ERR_IO && status != ZX_ERR_OUT_OF_RANGE) {
    check_fail("reading gave %d", status);
  }
  return status == ZX_OK;
}

/* A serial number that was seen is never followed by an older one. */
static void read_lane(struct reader* r) {
  const uint64_t page = draw(&r->chance, BLOCK_FIRST);
  const unsigned lane = (unsigned)draw(&r->chance, LANES);
  uint64_t word = 0;
  if (!read_word(r, page * PAGE_BYTES + lane * LANE_BYTES, &word)) return;
  if (word < r->seen[page][lane]) {
    check_fail("page %" PRIu64 " lane %u went back from %" PRIu64 " to %" PRIu64, page, lane,
               r->seen[page][lane], word);
  }
  r->seen[page][lane] = word;
}

static void read_tail(struct reader* r) {
  const uint64_t page = draw(&r->chance, TAIL_PAGES);
  const unsigned lane = (unsigned)draw(&r->chance, LANES);
  uint64_t word = 0;
  if (!read_word(r, (TAIL_FIRST + page) * PAGE_BYTES + lane * LANE_BYTES, &word)) return;
  if (word != 0 && !names_place(word, page, lane)) {
    check_fail("tail page %" PRIu64 " lane %u holds %" PRIx64, page, lane, word);
  }
}

static zx_status_t reader_main(void* argument) {
  static uint8_t bytes[LONGEST_RUN * PAGE_BYTES];
  struct reader* r = argument;
  while (!atomic_load(&stop_writing)) {
    switch (draw(&r->chance, 8)) {
      case 0:
        (void)zx_vmo_read(v->vmo, bytes, draw(&r->chance, PAGES * (uint64_t)PAGE_BYTES),
                          1 + draw(&r->chance, sizeof(bytes)));
        break;
      case 1:
        read_tail(r);
        break;
      default:
        read_lane(r);
        break;
    }
    if (one_in(&r->chance, 16)) pause_up_to(&r->chance, 200);
  }
  return ZX_OK;
}

/* ---- The pager ---- */

static zx_status_t only(zx_status_t status, const char* what) {
  /* The VMO may have shrunk since; the page may have been cleaned away, or not been asked for. */
  if (status != ZX_OK && status != ZX_ERR_OUT_OF_RANGE && status != ZX_ERR_NOT_FOUND) {
    check_fail("%s gave %d", what, status);
  }
  return status;
}

/* Calls `answer` for the range, and page by page if a shrink has cut it: what is left of it still
 * has to be answered. */
static void answer_all(zx_status_t (*answer)(uint64_t offset, uint64_t length), uint64_t offset,
                       uint64_t length) {
  if (answer(offset, length) == ZX_OK) return;
  for (uint64_t at = offset; at < offset + length; at += PAGE_BYTES) {
    answer(at, PAGE_BYTES);
  }
}

static zx_handle_t source;

static zx_status_t supply_range(uint64_t offset, uint64_t length) {
  pthread_mutex_lock(&backing_lock);
  zx_status_t status = zx_vmo_write(source, backing + offset, 0, length);
  if (status == ZX_OK) {
    status = zx_pager_supply_pages(v->pager, v->vmo, offset, length, source, 0);
  }
  pthread_mutex_unlock(&backing_lock);
  return only(status, "supply");
}

static zx_status_t refuse_range(uint64_t offset, uint64_t length) {
  return only(zx_pager_op_range(v->pager, ZX_PAGER_OP_FAIL, v->vmo, offset, length,
                                (uint64_t)(int64_t)ZX_ERR_IO),
              "OP_FAIL");
}

static void grant(struct chance* c, uint64_t offset, uint64_t length) {
  const uint64_t part = one_in(c, 4) ? draw(c, length / PAGE_BYTES) * PAGE_BYTES : 0;
  if (part != 0) {
    only(zx_pager_op_range(v->pager, ZX_PAGER_OP_DIRTY, v->vmo, offset, part, 0), "OP_DIRTY");
  }
  /* Answers also where it fails. */
  only(zx_pager_op_range(v->pager, ZX_PAGER_OP_DIRTY, v->vmo, offset + part, length - part, 0),
       "OP_DIRTY");
}

static zx_status_t pager_main(void* argument) {
  struct chance* c = argument;
  zx_status_t status = zx_vmo_create(PAGES * PAGE_BYTES, 0, &source);
  while (status == ZX_OK) {
    zx_port_packet_t packet;
    status = zx_port_wait(v->port, ZX_TIME_INFINITE, &packet);
    if (status != ZX_OK || packet.type == ZX_PKT_TYPE_USER) break;
    const uint64_t offset = packet.page_request.offset;
    const uint64_t length = packet.page_request.length;
    if (one_in(c, 40)) {
      answer_all(refuse_range, offset, length);
      COUNT(failures);
    } else if (packet.page_request.command == ZX_PAGER_VMO_READ) {
      answer_all(supply_range, offset, length);
      COUNT(reads_answered);
    } else {
      grant(c, offset, length);
      COUNT(dirties_answered);
    }
  }
  zx_handle_close(source);
  return status;
}

/* ---- Writing back ---- */

static zx_status_t op_range(uint32_t op, uint64_t offset, uint64_t length, uint64_t data) {
  return only(zx_pager_op_range(v->pager, op, v->vmo, offset, length, data), "writing back");
}

/* True if the range is clean now, but for what was written to since. */
static bool write_back(struct chance* c, const zx_vmo_dirty_range_t* range, bool leave) {
  static uint8_t bytes[PAGES * PAGE_BYTES];
  const bool zero = range->options == ZX_VMO_DIRTY_RANGE_IS_ZERO;
  if (op_range(ZX_PAGER_OP_WRITEBACK_BEGIN, range->offset, range->length, range->options) !=
      ZX_OK) {
    return false;
  }
  if (one_in(c, 3)) pause_up_to(c, 300);
  if (zero) {
    memset(bytes, 0, range->length);
    COUNT(zero_ranges);
  } else {
    const zx_status_t status = zx_vmo_read(v->vmo, bytes, range->offset, range->length);
    if (status != ZX_OK) {
      if (status != ZX_ERR_OUT_OF_RANGE && status != ZX_ERR_IO) {
        check_fail("reading to write back gave %d", status);
      }
      return false;
    }
    COUNT(data_ranges);
  }
  if (one_in(c, 3)) pause_up_to(c, 300);
  pthread_mutex_lock(&backing_lock);
  memcpy(backing + range->offset, bytes, range->length);
  zx_status_t status = ZX_OK;
  if (leave) {
    COUNT(unfinished);
  } else {
    /* At times in two parts. */
    const uint64_t part =
        one_in(c, 4) ? draw(c, range->length / PAGE_BYTES) * PAGE_BYTES : range->length;
    status = op_range(ZX_PAGER_OP_WRITEBACK_END, range->offset, part, 0);
    if (status == ZX_OK && part < range->length) {
      status = op_range(ZX_PAGER_OP_WRITEBACK_END, range->offset + part, range->length - part, 0);
    }
  }
  pthread_mutex_unlock(&backing_lock);
  if (status != ZX_OK) COUNT(out_of_range);
  return status == ZX_OK;
}

static zx_status_t writeback_main(void* argument) {
  struct chance* c = argument;
  for (;;) {
    const bool last = atomic_load(&drain);
    zx_vmo_dirty_range_t ranges[QUERY_ENTRIES];
    uint64_t at = 0;
    bool any = false;
    for (;;) {
      uint64_t size = 0;
      size_t actual = 0;
      zx_status_t status = zx_vmo_get_size(v->vmo, &size);
      if (status == ZX_OK && at < size) {
        status = zx_pager_query_dirty_ranges(v->pager, v->vmo, at, size - at, ranges,
                                             sizeof(ranges), &actual, NULL);
      }
      if (status == ZX_ERR_OUT_OF_RANGE) break; /* it has just shrunk */
      if (status != ZX_OK) return status;
      if (actual == 0) break;
      any = true;
      for (size_t i = 0; i < actual; i++) {
        /* Some are left as they are for the next cycle, as by a pager that was interrupted. */
        write_back(c, &ranges[i], !last && one_in(c, 16));
      }
      at = ranges[actual - 1].offset + ranges[actual - 1].length;
    }
    COUNT(cycles);
    if (last && !any) return ZX_OK;
    pause_up_to(c, 1000);
  }
}

/* ---- At the end ---- */

static void check_bytes(const char* what, const uint8_t* got, const uint8_t* want, uint64_t first,
                        uint64_t count) {
  for (uint64_t i = 0; i < count * PAGE_BYTES; i++) {
    if (got[i] == want[i]) continue;
    check_fail("%s: page %" PRIu64 " byte %u is %u, not %u", what, first + i / PAGE_BYTES,
               (unsigned)(i % PAGE_BYTES), got[i], want[i]);
  }
}

static void check_tail(const uint8_t* bytes, const struct lane_writer* writers) {
  for (uint64_t page = 0; page < current_pages - TAIL_FIRST; page++) {
    const uint8_t* at = bytes + page * PAGE_BYTES;
    for (unsigned lane = 0; lane < LANES; lane++) {
      const struct tail_word* t = &writers[lane].tail[page];
      uint64_t word = 0;
      memcpy(&word, at + lane * LANE_BYTES, sizeof(word));
      const bool cut = atomic_load(&cut_in[page]) > t->at;
      bool right = word == (cut ? 0 : t->value);
      if (t->uncertain) {
        right = word == 0 || (names_place(word, page, lane) && word >= (cut ? 0 : t->value) &&
                              word <= t->highest);
      }
      if (!right) {
        check_fail("tail page %" PRIu64 " lane %u holds %" PRIx64 ", last sure %" PRIx64
                   " at %" PRIu64 ", cut at %" PRIu64 "%s",
                   page, lane, word, t->value, t->at, atomic_load(&cut_in[page]),
                   t->uncertain ? ", unsure after" : "");
      }
      check_true(
          is_filled_with(at + lane * LANE_BYTES + sizeof(word), 0, LANE_BYTES - sizeof(word)));
    }
  }
}

static void print_what_happened(void) {
  printf(
      "%s: stores %lu writes %lu zeroes %lu commits %lu refused %lu bus errors %lu\n"
      "  READ answered %lu DIRTY answered %lu failed %lu\n"
      "  cycles %lu data ranges %lu zero ranges %lu unfinished %lu out of range %lu\n"
      "  resizes %lu reads %lu\n",
      trap ? "trap" : "plain", happened.stores, happened.writes, happened.zeroes, happened.commits,
      happened.refused, happened.bus_errors, happened.reads_answered, happened.dirties_answered,
      happened.failures, happened.cycles, happened.data_ranges, happened.zero_ranges,
      happened.unfinished, happened.out_of_range, happened.resizes, happened.reads);
}

static void check_enough_happened(void) {
  check_true(happened.writes > 0 && happened.zeroes > 0);
  check_true(happened.reads_answered > 0);
  check_true(!trap || happened.dirties_answered > 0);
  check_true(happened.cycles > 0 && happened.data_ranges > 0 && happened.zero_ranges > 0);
  check_true(happened.resizes > 0 && happened.reads > 0);
}

/* ---- The run ---- */

static void make_content(struct chance* c) {
  for (uint64_t i = 0; i < TAIL_FIRST * (uint64_t)PAGE_BYTES; i++) {
    backing[i] = (uint8_t)(1 + draw(c, 255));
  }
  /* Serial numbers start from 0. */
  for (uint64_t page = 0; page < BLOCK_FIRST; page++) {
    for (unsigned lane = 0; lane < LANES; lane++) {
      memset(backing + page * PAGE_BYTES + lane * LANE_BYTES, 0, sizeof(uint64_t));
    }
  }
  memcpy(model, backing, sizeof(model));
}

static void run(bool traps) {
  static struct lane_writer writers[LANES];
  static struct block_writer block;
  static struct reader reader;
  static uint8_t bytes[PAGES * PAGE_BYTES];
  trap = traps;
  v = make_resizable_root_of(trap, TAIL_FIRST);
  current_pages = TAIL_FIRST;
  struct chance main_chance = chance_make(1);
  struct chance resizer_chance = chance_make(2);
  struct chance pager_chance = chance_make(3);
  struct chance writeback_chance = chance_make(4);
  block.chance = chance_make(5);
  reader.chance = chance_make(6);
  make_content(&main_chance);

  const bool maps = fx.probe.mappings_supported;
  for (unsigned i = 0; i < LANES; i++) {
    writers[i].lane = i;
    writers[i].map = maps && i < 2 ? map_vmo(v->vmo, 0, PAGES * PAGE) : NULL;
    writers[i].chance = chance_make(10 + i);
  }
  reader.map = maps ? map_vmo(v->vmo, 0, PAGES * PAGE) : NULL;
  block.scratch = map_vmo(make_vmo(LONGEST_RUN), 0, LONGEST_RUN * PAGE);

  struct worker* pager = start_call(pager_main, &pager_chance);
  struct worker* writeback = start_call(writeback_main, &writeback_chance);
  struct worker* others[LANES + 3];
  for (unsigned i = 0; i < LANES; i++) {
    others[i] = start_call(lane_main, &writers[i]);
  }
  others[LANES] = start_call(block_main, &block);
  others[LANES + 1] = start_call(resizer_main, &resizer_chance);
  others[LANES + 2] = start_call(reader_main, &reader);

  const struct limit limit = limit_in(seconds);
  while (!limit_passed(&limit)) {
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }

  /* From here on everything must come to its end, since the pager goes on. */
  atomic_store(&stop_writing, true);
  for (unsigned i = 0; i < LANES + 3; i++) {
    expect_ok(others[i]);
  }
  atomic_store(&drain, true);
  expect_ok(writeback);
  expect_none_listed(v);

  /* The VMO still says the same as the backing, pages that have to be supplied again included. */
  for (;;) {
    const zx_status_t status = zx_vmo_read(v->vmo, bytes, 0, current_pages * PAGE);
    if (status == ZX_OK) break;
    check_status(status, ZX_ERR_IO); /* the pager may refuse */
  }
  queue_user_packet(v->port, 0);
  expect_ok(pager);
  expect_nothing();
  check_bytes("the VMO against the backing", bytes, backing, 0, current_pages);
  check_bytes("the backing against the model", backing, model, 0, TAIL_FIRST);
  check_tail(backing + TAIL_FIRST * PAGE_BYTES, writers);

  if (getenv("ZXP_STRESS_SECONDS") != NULL) print_what_happened();
  check_enough_happened();
}

/* writeback.md 8.7.6, 5.5 and all else: no write is lost */
SCENARIO(what_is_written_is_written_back_from_a_trap_root) { run(true); }
SCENARIO(what_is_written_is_written_back_from_a_plain_root) { run(false); }

int main(int argc, char** argv) {
  const char* text = getenv("ZXP_SEED");
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  seed = text != NULL ? strtoull(text, NULL, 0) : (uint64_t)now.tv_nsec / 1000 % 1000000;
  printf("ZXP_SEED=%" PRIu64 "\n", seed);
  text = getenv("ZXP_STRESS_SECONDS");
  if (text != NULL) seconds = strtod(text, NULL);
  scenario_extra_seconds = (unsigned)seconds + 1;
  const struct CMUnitTest tests[] = {
      TEST(what_is_written_is_written_back_from_a_trap_root),
      TEST(what_is_written_is_written_back_from_a_plain_root),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
