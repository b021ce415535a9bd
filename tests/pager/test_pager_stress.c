/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything at once, at random: threads that touch pages through mappings and calls, pagers that
 * answer in any order and size and fail some, and one thread that resizes, detaches, closes, unmaps
 * and maps anew.
 *
 *   slot       a resizable VMO with a pager of its own, and a mapping at an address that never
 *              changes. Every now and then both are replaced: the next generation
 *   toucher    a thread that reads and writes in all slots
 *   answerer   a thread that takes the packets of one port and answers them in its own way
 *   chaos      the thread that changes the slots
 *
 * What must hold, whatever happens: a word reads as what the answerers give for it, as zero, or as
 * a stamp that names it, never as anything of another page; a call ends with a status that
 * something going on allows; no VMO sends a READ after its COMPLETE, nor two COMPLETEs; while all
 * is answered no thread stays blocked; and nothing is left behind.
 *
 * Environment: ZXP_SEED (printed), ZXP_STRESS_SECONDS.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zircon/process.h>

#include "fixture.h"
#include "worker.h"

enum {
  SLOTS = 4,
  PAGES = 64,
  TOUCHERS = 5,
  ANSWERERS = 2, /* slot i belongs to answerer i % ANSWERERS */
  MAX_PENDING = 1024,
  MAX_GENERATIONS = 1 << 16,
  WORD = sizeof(uint64_t),
  WORDS = 4096 / WORD, /* of a page */
  DEFAULT_SECONDS = 2,
};

/* Keys name slot and generation. */
#define KEY(slot, generation) ((uint64_t)(slot) << 32 | (generation))

struct generation {
  uint64_t number;
  zx_handle_t pager;
  zx_handle_t vmo;
};

struct slot {
  uint64_t index;   /* constant */
  uint8_t* at;      /* constant; NULL where VMOs can't be mapped */
  zx_handle_t port; /* constant */
  pthread_mutex_t lock;
  struct generation now; /* lock */
};

static struct slot slots[SLOTS];
static uint8_t supplied[SLOTS][PAGES][WORDS * WORD]; /* what the pages hold; constant */
static uint64_t seed;
static atomic_bool stop_touching;
static atomic_bool stop_answering;

/* How often what happened: a run in which nothing did proves nothing. */
static struct {
  atomic_ulong loads, stores, faults, reads, writes, transfers, ops, errors;
  atomic_ulong requests, supplies, failures, completes;
  atomic_ulong resizes, remaps, detaches, pager_closes;
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

/* ---- Content ---- */

static uint64_t supplied_word(uint64_t slot, uint64_t page, uint64_t word) {
  return UINT64_C(0xc0) << 56 | slot << 48 | page << 32 | word << 16 | 0xbeef;
}

static uint64_t stamp(uint64_t slot, uint64_t page, uint64_t word, uint64_t serial) {
  return UINT64_C(0x57) << 56 | slot << 48 | page << 32 | word << 16 | (serial & 0xffff);
}

static void check_word(uint64_t value, uint64_t slot, uint64_t page, uint64_t word) {
  if (value == 0 || value == supplied_word(slot, page, word) ||
      value >> 16 == stamp(slot, page, word, 0) >> 16) {
    return;
  }
  check_fail("slot %" PRIu64 " page %" PRIu64 " word %" PRIu64 " reads %016" PRIx64, slot, page,
             word, value);
}

/* Words from `first` of the slot on. */
static void check_words(const uint64_t* values, uint64_t slot, uint64_t first, uint64_t count) {
  for (uint64_t i = first; i < first + count; i++) {
    check_word(values[i - first], slot, i / WORDS, i % WORDS);
  }
}

/* ---- Touchers ---- */

struct toucher {
  struct chance chance;
  uint64_t serial;
  zx_handle_t scratch; /* a plain VMO of its own */
  uint64_t words[4 * WORDS];
};

static void stamp_words(struct toucher* t, uint64_t slot, uint64_t first, uint64_t count) {
  for (uint64_t i = first; i < first + count; i++) {
    t->words[i - first] = stamp(slot, i / WORDS, i % WORDS, t->serial++);
  }
}

/* The handle as of now; it may be closed by the time it is used. */
static struct generation generation_of(struct slot* s) {
  pthread_mutex_lock(&s->lock);
  const struct generation now = s->now;
  pthread_mutex_unlock(&s->lock);
  return now;
}

/* Success, what an answerer fails with, a detach, a shrink, a closed handle. */
static bool check_outcome(const char* what, zx_status_t status) {
  switch (status) {
    case ZX_OK:
      return true;
    case ZX_ERR_IO:
    case ZX_ERR_IO_DATA_INTEGRITY:
    case ZX_ERR_NO_SPACE:
    case ZX_ERR_BUFFER_TOO_SMALL:
    case ZX_ERR_BAD_STATE:
    case ZX_ERR_OUT_OF_RANGE:
    case ZX_ERR_BAD_HANDLE:
      COUNT(errors);
      return false;
    default:
      check_fail("%s ended with %d", what, status);
  }
}

static void touch_mapping(struct toucher* t, struct slot* s) {
  const uint64_t page = draw(&t->chance, PAGES);
  const uint64_t word = draw(&t->chance, WORDS);
  uint64_t* at = (uint64_t*)(s->at + page * PAGE) + word;
  if (one_in(&t->chance, 3)) {
    if (guarded_store(at, stamp(s->index, page, word, t->serial++)) == 0) {
      COUNT(stores);
    } else {
      COUNT(faults);
    }
    return;
  }
  uint64_t value = 0;
  if (guarded_load(at, &value) == 0) {
    COUNT(loads);
    check_word(value, s->index, page, word);
  } else {
    COUNT(faults);
  }
}

static void touch_by_read(struct toucher* t, struct slot* s) {
  const uint64_t count = 1 + draw(&t->chance, 4 * WORDS);
  const uint64_t first = draw(&t->chance, PAGES * WORDS - count + 1);
  const zx_status_t status =
      zx_vmo_read(generation_of(s).vmo, t->words, first * WORD, count * WORD);
  if (!check_outcome("zx_vmo_read", status)) return;
  COUNT(reads);
  check_words(t->words, s->index, first, count);
}

static void touch_by_write(struct toucher* t, struct slot* s) {
  const uint64_t count = 1 + draw(&t->chance, 2 * WORDS);
  const uint64_t first = draw(&t->chance, PAGES * WORDS - count + 1);
  stamp_words(t, s->index, first, count);
  const zx_status_t status =
      zx_vmo_write(generation_of(s).vmo, t->words, first * WORD, count * WORD);
  if (check_outcome("zx_vmo_write", status)) COUNT(writes);
}

static void touch_by_op(struct toucher* t, struct slot* s) {
  static const uint32_t ops[] = {ZX_VMO_OP_COMMIT,    ZX_VMO_OP_PREFETCH, ZX_VMO_OP_ALWAYS_NEED,
                                 ZX_VMO_OP_DONT_NEED, ZX_VMO_OP_ZERO,     ZX_VMO_OP_ZERO};
  const uint32_t op = ops[draw(&t->chance, sizeof(ops) / sizeof(ops[0]))];
  /* By words, so that ZERO cuts none in two. */
  const uint64_t count = 1 + draw(&t->chance, 8 * WORDS);
  const uint64_t first = draw(&t->chance, PAGES * WORDS - count + 1);
  const zx_status_t status =
      zx_vmo_op_range(generation_of(s).vmo, op, first * WORD, count * WORD, NULL, 0);
  if (check_outcome("zx_vmo_op_range", status)) COUNT(ops);
}

/* The slot's mapping as the buffer of a call on another VMO; it may be unmapped or protected. */
static void touch_as_buffer(struct toucher* t, struct slot* s) {
  const uint64_t count = 1 + draw(&t->chance, 2 * WORDS);
  const uint64_t first = draw(&t->chance, PAGES * WORDS - count + 1);
  uint8_t* buffer = s->at + first * WORD;
  zx_status_t status = ZX_OK;
  if (one_in(&t->chance, 2)) {
    status = zx_vmo_write(t->scratch, buffer, 0, count * WORD);
    if (status == ZX_OK) {
      check_ok(zx_vmo_read(t->scratch, t->words, 0, count * WORD));
      check_words(t->words, s->index, first, count);
    }
  } else {
    stamp_words(t, s->index, first, count);
    check_ok(zx_vmo_write(t->scratch, t->words, 0, count * WORD));
    status = zx_vmo_read(t->scratch, buffer, 0, count * WORD);
  }
  if (status == ZX_ERR_NOT_FOUND || status == ZX_ERR_ACCESS_DENIED) return;
  if (check_outcome("a call with a buffer in pager memory", status)) COUNT(transfers);
}

static zx_status_t toucher_main(void* argument) {
  struct toucher* t = argument;
  while (!atomic_load(&stop_touching)) {
    struct slot* s = &slots[draw(&t->chance, SLOTS)];
    switch (draw(&t->chance, s->at != NULL ? 9 : 5)) {
      case 0:
      case 1:
        touch_by_read(t, s);
        break;
      case 2:
      case 3:
        touch_by_write(t, s);
        break;
      case 4:
        touch_by_op(t, s);
        break;
      case 5:
        touch_as_buffer(t, s);
        break;
      default:
        touch_mapping(t, s);
        break;
    }
  }
  return ZX_OK;
}

/* ---- Answerers ---- */

/* A READ packet that has been taken and not been answered. */
struct pending {
  struct slot* slot;
  uint64_t generation;
  uint64_t first;
  uint64_t count;
};

struct answerer {
  struct chance chance;
  zx_handle_t port;
  zx_handle_t source;
  bool source_is_empty;
  struct pending pending[MAX_PENDING];
  size_t count;
  /* Of each generation of each slot, whether its COMPLETE has come. */
  bool complete[SLOTS][MAX_GENERATIONS];
};

static void forget(struct answerer* a, size_t i) { a->pending[i] = a->pending[--a->count]; }

static void receive(struct answerer* a, const zx_port_packet_t* packet) {
  if (packet->type == ZX_PKT_TYPE_USER) return;
  const zx_packet_page_request_t* r = &packet->page_request;
  const uint64_t slot = packet->key >> 32;
  const uint64_t generation = packet->key & UINT32_MAX;
  if (packet->type != ZX_PKT_TYPE_PAGE_REQUEST || slot >= SLOTS || generation >= MAX_GENERATIONS ||
      slots[slot].port != a->port) {
    check_fail("a packet of type %u with key %" PRIx64, packet->type, packet->key);
  }
  if (a->complete[slot][generation]) {
    check_fail("a packet with command %u after COMPLETE", r->command);
  }
  if (r->command == ZX_PAGER_VMO_COMPLETE) {
    a->complete[slot][generation] = true;
    COUNT(completes);
    return;
  }
  if (r->command != ZX_PAGER_VMO_READ || r->length == 0 || r->length % PAGE != 0 ||
      r->offset % PAGE != 0 || r->offset + r->length > PAGES * PAGE) {
    check_fail("a packet with command %u, offset %" PRIu64 ", length %" PRIu64, r->command,
               r->offset, r->length);
  }
  if (a->count == MAX_PENDING) check_fail("more requests than threads can make");
  a->pending[a->count++] =
      (struct pending){&slots[slot], generation, r->offset / PAGE, r->length / PAGE};
  COUNT(requests);
}

/* A cut-off VMO, a shrink and a closed handle are nothing that an answerer could know of. */
static zx_status_t check_answer(const char* what, zx_status_t status) {
  if (status != ZX_OK && status != ZX_ERR_OUT_OF_RANGE && status != ZX_ERR_BAD_STATE &&
      status != ZX_ERR_BAD_HANDLE) {
    check_fail("%s gave %d", what, status);
  }
  return status;
}

static zx_status_t supply_range(struct answerer* a, const struct generation* g, uint64_t slot,
                                uint64_t first, uint64_t count) {
  if (one_in(&a->chance, 8)) {
    /* A supply leaves the source empty, so zeros arrive; one that failed may leave anything. */
    if (!a->source_is_empty) {
      check_ok(zx_vmo_op_range(a->source, ZX_VMO_OP_ZERO, 0, PAGES * PAGE, NULL, 0));
      a->source_is_empty = true;
    }
  } else {
    check_ok(zx_vmo_write(a->source, supplied[slot][first], 0, count * PAGE));
  }
  COUNT(supplies);
  const zx_status_t status =
      zx_pager_supply_pages(g->pager, g->vmo, first * PAGE, count * PAGE, a->source, 0);
  a->source_is_empty = status == ZX_OK && (a->source_is_empty || count == PAGES);
  return check_answer("supply", status);
}

static zx_status_t fail_range(struct answerer* a, const struct generation* g, uint64_t first,
                              uint64_t count) {
  static const zx_status_t codes[] = {ZX_ERR_IO, ZX_ERR_IO_DATA_INTEGRITY, ZX_ERR_BAD_STATE,
                                      ZX_ERR_NO_SPACE, ZX_ERR_BUFFER_TOO_SMALL};
  const zx_status_t code = codes[draw(&a->chance, sizeof(codes) / sizeof(codes[0]))];
  COUNT(failures);
  return check_answer("OP_FAIL", zx_pager_op_range(g->pager, ZX_PAGER_OP_FAIL, g->vmo, first * PAGE,
                                                   count * PAGE, (uint64_t)(int64_t)code));
}

/* Answers all of a range, or part of it, or more, or fails it. */
static void answer(struct answerer* a, size_t i) {
  const struct pending p = a->pending[i];
  const struct generation g = generation_of(p.slot);
  const uint64_t slot = p.slot->index;
  if (g.number != p.generation) {
    forget(a, i); /* It ended when its VMO was cut off. */
    return;
  }
  const uint64_t part = draw(&a->chance, p.count);
  const uint64_t part_count = 1 + draw(&a->chance, p.count - part);
  switch (draw(&a->chance, 16)) {
    case 0: /* Part of it fails, which ends it. */
      if (fail_range(a, &g, p.first + part, part_count) == ZX_OK) forget(a, i);
      return;
    case 1: /* Some of it now, the rest later. */
    case 2:
    case 3:
      supply_range(a, &g, slot, p.first + part, part_count);
      return;
    case 4: /* More than was asked for. */
      if (supply_range(a, &g, slot, 0, PAGES) == ZX_OK) forget(a, i);
      return;
    default:
      break;
  }
  if (supply_range(a, &g, slot, p.first, p.count) == ZX_ERR_OUT_OF_RANGE) {
    /* Cut short by a shrink: what is left has to be answered all the same. */
    for (uint64_t page = p.first; page < p.first + p.count; page++) {
      supply_range(a, &g, slot, page, 1);
    }
  }
  forget(a, i);
}

static zx_status_t answerer_main(void* argument) {
  struct answerer* a = argument;
  while (!atomic_load(&stop_answering)) {
    zx_port_packet_t packet;
    /* With answers owed, the wait is for more to choose from. */
    const zx_instant_mono_t deadline =
        a->count == 0 ? ZX_TIME_INFINITE
                      : zx_deadline_after((zx_duration_mono_t)draw(&a->chance, 200) * 1000);
    const zx_status_t status = zx_port_wait(a->port, deadline, &packet);
    if (status == ZX_OK) {
      receive(a, &packet);
      if (one_in(&a->chance, 2)) continue;
    } else if (status != ZX_ERR_TIMED_OUT) {
      check_fail("zx_port_wait gave %d", status);
    }
    if (a->count > 0) answer(a, (size_t)draw(&a->chance, a->count));
  }
  return ZX_OK;
}

/* ---- Chaos ---- */

#define READ_WRITE (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)

static struct generation make_generation(struct slot* s, uint64_t number) {
  struct generation g = {.number = number};
  check_ok(zx_pager_create(0, &g.pager));
  check_ok(zx_pager_create_vmo(g.pager, ZX_VMO_RESIZABLE, s->port, KEY(s->index, number),
                               PAGES * PAGE, &g.vmo));
  return g;
}

static void map_slot(struct slot* s, zx_vm_option_t how) {
  const uint64_t offset = (uint64_t)(uintptr_t)s->at - fx.probe.window_base;
  zx_vaddr_t at = 0;
  check_ok(
      zx_vmar_map(zx_vmar_root_self(), READ_WRITE | how, offset, s->now.vmo, 0, PAGES * PAGE, &at));
}

static void remap(struct chance* c, struct slot* s) {
  if (s->at == NULL) return;
  COUNT(remaps);
  if (one_in(c, 2)) {
    map_slot(s, ZX_VM_SPECIFIC_OVERWRITE);
    return;
  }
  const uint64_t first = draw(c, PAGES);
  const uint64_t count = 1 + draw(c, PAGES - first);
  if (one_in(c, 2)) {
    unmap(s->at + first * PAGE, count * PAGE);
  } else {
    check_ok(zx_vmar_protect(zx_vmar_root_self(), ZX_VM_PERM_READ,
                             (zx_vaddr_t)(s->at + first * PAGE), count * PAGE));
  }
  pause_up_to(c, 100);
  unmap(s->at, PAGES * PAGE);
  map_slot(s, ZX_VM_SPECIFIC);
}

static void resize(struct chance* c, struct slot* s) {
  COUNT(resizes);
  /* Whole words, and large more often than small. */
  const uint64_t words = one_in(c, 2) ? PAGES * WORDS : draw(c, PAGES * WORDS + 1);
  check_ok(zx_vmo_set_size(s->now.vmo, words * WORD));
}

/* Cuts the VMO off and puts a new one in its place. */
static void replace(struct chance* c, struct slot* s) {
  const struct generation old = s->now;
  if (old.number + 1 == MAX_GENERATIONS) return;
  const struct generation next = make_generation(s, old.number + 1);
  if (one_in(c, 2)) {
    COUNT(pager_closes);
    check_ok(zx_handle_close(old.pager));
    pause_up_to(c, 200);
  } else {
    COUNT(detaches);
    check_ok(zx_pager_detach_vmo(old.pager, old.vmo));
    pause_up_to(c, 200);
    check_ok(zx_handle_close(old.pager));
  }
  pthread_mutex_lock(&s->lock);
  s->now = next;
  pthread_mutex_unlock(&s->lock);
  if (s->at != NULL) map_slot(s, ZX_VM_SPECIFIC_OVERWRITE);
  check_ok(zx_handle_close(old.vmo));
}

static void look(FILE* nowhere) {
  for (unsigned i = 0; i < SLOTS; i++) {
    (void)vmo_info(slots[i].now.vmo);
  }
  zxp_dump(nowhere);
}

static zx_status_t chaos_main(void* argument) {
  struct chance* c = argument;
  FILE* nowhere = fopen("/dev/null", "we");
  check_true(nowhere != NULL);
  while (!atomic_load(&stop_touching)) {
    /* Only this thread changes slots, so it may read them without their locks. */
    struct slot* s = &slots[draw(c, SLOTS)];
    switch (draw(c, 12)) {
      case 0:
        replace(c, s);
        break;
      case 1:
        look(nowhere);
        break;
      case 2:
      case 3:
      case 4:
        remap(c, s);
        break;
      default:
        resize(c, s);
        break;
    }
    pause_up_to(c, 300);
  }
  fclose(nowhere);
  return ZX_OK;
}

/* ---- */

static double seconds_to_run(void) {
  const char* text = getenv("ZXP_STRESS_SECONDS");
  return text != NULL ? strtod(text, NULL) : DEFAULT_SECONDS;
}

static void make_slots(struct answerer* answerers) {
  for (uint64_t i = 0; i < SLOTS; i++) {
    struct slot* s = &slots[i];
    *s = (struct slot){.index = i, .port = answerers[i % ANSWERERS].port};
    pthread_mutex_init(&s->lock, NULL);
    s->now = make_generation(s, 0);
    if (fx.probe.mappings_supported) s->at = map_vmo(s->now.vmo, 0, PAGES * PAGE);
    for (uint64_t word = 0; word < PAGES * WORDS; word++) {
      const uint64_t value = supplied_word(i, word / WORDS, word % WORDS);
      memcpy((uint8_t*)supplied[i] + word * WORD, &value, WORD);
    }
  }
}

static void close_slots(void) {
  for (unsigned i = 0; i < SLOTS; i++) {
    if (slots[i].at != NULL) unmap(slots[i].at, PAGES * PAGE);
    check_ok(zx_handle_close(slots[i].now.vmo));
    check_ok(zx_handle_close(slots[i].now.pager));
    pthread_mutex_destroy(&slots[i].lock);
  }
}

static void print_what_happened(void) {
  printf(
      "loads %lu stores %lu faults %lu reads %lu writes %lu transfers %lu ops %lu errors %lu\n"
      "requests %lu supplies %lu failures %lu completes %lu\n"
      "resizes %lu remaps %lu detaches %lu pagers closed %lu\n",
      happened.loads, happened.stores, happened.faults, happened.reads, happened.writes,
      happened.transfers, happened.ops, happened.errors, happened.requests, happened.supplies,
      happened.failures, happened.completes, happened.resizes, happened.remaps, happened.detaches,
      happened.pager_closes);
}

static void check_enough_happened(void) {
  check_true(happened.reads > 0);
  check_true(happened.writes > 0);
  check_true(happened.ops > 0);
  check_true(happened.errors > 0);
  check_true(happened.supplies > 0);
  check_true(happened.failures > 0);
  check_true(happened.resizes > 0);
  if (!fx.probe.mappings_supported) return;
  check_true(happened.loads > 0);
  check_true(happened.stores > 0);
  check_true(happened.faults > 0);
  check_true(happened.transfers > 0);
  check_true(happened.remaps > 0);
}

SCENARIO(everything_at_once) {
  static struct toucher touchers[TOUCHERS];
  static struct answerer answerers[ANSWERERS];
  struct worker* toucher_threads[TOUCHERS];
  struct worker* answerer_threads[ANSWERERS];

  for (uint64_t i = 0; i < ANSWERERS; i++) {
    answerers[i].chance = chance_make(i);
    answerers[i].port = make_port();
    answerers[i].source = make_vmo(PAGES);
    answerers[i].source_is_empty = true;
  }
  make_slots(answerers);
  for (uint64_t i = 0; i < ANSWERERS; i++) {
    answerer_threads[i] = start_call(answerer_main, &answerers[i]);
  }
  for (uint64_t i = 0; i < TOUCHERS; i++) {
    touchers[i].chance = chance_make(ANSWERERS + i);
    touchers[i].scratch = make_vmo(4);
    toucher_threads[i] = start_call(toucher_main, &touchers[i]);
  }
  struct chance chaos_chance = chance_make(ANSWERERS + TOUCHERS);
  struct worker* chaos = start_call(chaos_main, &chaos_chance);

  const struct limit limit = limit_in(seconds_to_run());
  while (!limit_passed(&limit)) {
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }

  /* From here on every access must end, since the answerers go on. */
  atomic_store(&stop_touching, true);
  expect_ok(chaos);
  for (unsigned i = 0; i < TOUCHERS; i++) {
    expect_ok(toucher_threads[i]);
  }
  atomic_store(&stop_answering, true);
  for (unsigned i = 0; i < ANSWERERS; i++) {
    queue_user_packet(answerers[i].port, 0);
    expect_ok(answerer_threads[i]);
  }
  if (getenv("ZXP_STRESS_SECONDS") != NULL) print_what_happened();
  check_enough_happened();
  close_slots();
}

int main(int argc, char** argv) {
  const char* text = getenv("ZXP_SEED");
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  seed = text != NULL ? strtoull(text, NULL, 0) : (uint64_t)now.tv_nsec / 1000 % 1000000;
  printf("ZXP_SEED=%" PRIu64 "\n", seed);
  scenario_extra_seconds = (unsigned)seconds_to_run();
  const struct CMUnitTest tests[] = {
      TEST(everything_at_once),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
