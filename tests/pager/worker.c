/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zircon/status.h>

/*
 * Sanitizers would check the address, or remember the access: it is memory whose state changes
 * under them, and the access is what is being tested.
 */
#define UNCHECKED __attribute__((noinline, no_sanitize("address", "thread")))

enum kind {
  KIND_LOAD,
  KIND_STORE,
  KIND_WALK_LOADS,
  KIND_WALK_READS,
  KIND_COPY, /* whole pages out of a mapping */
  KIND_READ,
  KIND_WRITE,
  KIND_OP,
  KIND_SET_SIZE,
  KIND_CALL,
};

/*
 * Plain fields are written by the thread before it posts `ended` and read by the main thread after
 * it has waited for that, unless noted.
 */
struct worker {
  struct worker* next;

  /* The access; constant. */
  enum kind kind;
  zx_handle_t vmo;
  uint32_t op;
  uint64_t offset;
  uint64_t length;
  uint8_t* address;
  uint8_t value;
  uint8_t* buffer;
  bool buffer_owned;
  zx_status_t (*function)(void*);
  void* argument;
  bool block_sigbus;
  uint64_t mark; /* waits_now() before it started */

  /* The outcome. */
  zx_status_t status;
  uint8_t byte;
  int signo; /* 0, or the signal that ended the access */

  /* For the signal handler, on the worker's own thread. */
  sigjmp_buf jump;
  volatile sig_atomic_t armed;
  volatile unsigned returns; /* signals to return from before one jumps out */
  const uint8_t* volatile touching;

  atomic_uint signals; /* fatal signals caught */
  const void* fault_address;
  int code;

  pthread_t thread;
  _Atomic pid_t tid;
  bool joined_end; /* main thread: `ended` has been waited for */
  atomic_bool has_ended;
  sem_t ended;
  sem_t release;
};

static struct worker* workers;
static struct sigaction former_sigbus;
static struct sigaction former_sigsegv;

static _Thread_local struct worker* volatile this_worker;

/* A guarded access of the calling thread. */
struct guard {
  sigjmp_buf jump;
  const void* address;
};
/* Volatile: the compiler doesn't see that the access may end in the signal handler. */
static _Thread_local struct guard* volatile this_guard;
static _Thread_local const void* last_guarded; /* for messages */

/* ---- On the worker's thread ---- */

static void on_fatal_signal(int signo, siginfo_t* info, void* context) {
  (void)context;
  struct guard* guard = this_guard;
  if (guard != NULL) {
    if ((uintptr_t)guard->address / PAGE != (uintptr_t)info->si_addr / PAGE) {
      scenario_fail(HERE, "%s at %p (code %d) in an access to %p (tid %d)", strsignal(signo),
                    info->si_addr, info->si_code, guard->address, (int)gettid());
    }
    this_guard = NULL;
    siglongjmp(guard->jump, signo);
  }
  struct worker* w = this_worker;
  if (w == NULL || !w->armed) {
    scenario_fail(HERE, "%s at %p (code %d) on a thread that makes no access (tid %d)",
                  strsignal(signo), info->si_addr, info->si_code, (int)gettid());
  }
  if (w->kind == KIND_CALL) {
    scenario_fail(HERE, "%s at %p (code %d) outside of an access, the last one to %p (tid %d)",
                  strsignal(signo), info->si_addr, info->si_code, last_guarded, (int)gettid());
  }
  w->fault_address = info->si_addr;
  w->code = info->si_code;
  atomic_fetch_add(&w->signals, 1);
  if (w->returns > 0) {
    w->returns--;
    return;
  }
  w->armed = 0;
  w->signo = signo;
  siglongjmp(w->jump, 1);
}

UNCHECKED static uint8_t load_byte(const uint8_t* address) {
  return *(const volatile uint8_t*)address;
}

UNCHECKED static void store_byte(uint8_t* address, uint8_t value) {
  *(volatile uint8_t*)address = value;
}

/* Page by page, and by single loads, so that `touching` names the page at all times. */
UNCHECKED static void copy_pages(struct worker* w) {
  const uint64_t page = PAGE;
  for (uint64_t at = 0; at < w->length; at += page) {
    w->touching = w->address + at;
    const volatile uint64_t* from = (const volatile uint64_t*)(w->address + at);
    uint64_t* to = (uint64_t*)(w->buffer + at);
    for (uint64_t i = 0; i < page / sizeof(*to); i++) {
      to[i] = from[i];
    }
  }
}

UNCHECKED static uint64_t load_word(const uint64_t* address) {
  return *(const volatile uint64_t*)address;
}

UNCHECKED static void store_word(uint64_t* address, uint64_t value) {
  *(volatile uint64_t*)address = value;
}

int guarded_load(const uint64_t* address, uint64_t* value) {
  struct guard guard = {.address = address};
  const int signo = sigsetjmp(guard.jump, 1);
  if (signo != 0) return signo;
  last_guarded = address;
  this_guard = &guard;
  *value = load_word(address);
  this_guard = NULL;
  return 0;
}

int guarded_store(uint64_t* address, uint64_t value) {
  struct guard guard = {.address = address};
  const int signo = sigsetjmp(guard.jump, 1);
  if (signo != 0) return signo;
  last_guarded = address;
  this_guard = &guard;
  store_word(address, value);
  this_guard = NULL;
  return 0;
}

static zx_status_t perform(struct worker* w) {
  switch (w->kind) {
    case KIND_LOAD:
      w->touching = w->address;
      w->byte = load_byte(w->address);
      return ZX_OK;
    case KIND_STORE:
      w->touching = w->address;
      store_byte(w->address, w->value);
      return ZX_OK;
    case KIND_WALK_LOADS:
      for (uint64_t at = 0; at < w->length; at += PAGE) {
        w->touching = w->address + at;
        w->byte = load_byte(w->address + at);
      }
      return ZX_OK;
    case KIND_WALK_READS:
      for (uint64_t at = 0; at < w->length; at += PAGE) {
        const zx_status_t status = zx_vmo_read(w->vmo, &w->byte, w->offset + at, 1);
        if (status != ZX_OK) return status;
      }
      return ZX_OK;
    case KIND_COPY:
      copy_pages(w);
      return ZX_OK;
    case KIND_READ:
      return zx_vmo_read(w->vmo, w->buffer, w->offset, w->length);
    case KIND_WRITE:
      return zx_vmo_write(w->vmo, w->buffer, w->offset, w->length);
    case KIND_OP:
      return zx_vmo_op_range(w->vmo, w->op, w->offset, w->length, NULL, 0);
    case KIND_SET_SIZE:
      return zx_vmo_set_size(w->vmo, w->offset);
    case KIND_CALL:
      return w->function(w->argument);
  }
  return ZX_ERR_INTERNAL;
}

static void* worker_main(void* argument) {
  struct worker* w = argument;
  this_worker = w;
  atomic_store(&w->tid, gettid());
  if (w->block_sigbus) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGBUS);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
  }
  if (sigsetjmp(w->jump, 1) == 0) {
    w->armed = 1;
    w->status = perform(w);
    w->armed = 0;
  }
  atomic_store(&w->has_ended, true);
  sem_post(&w->ended);
  while (sem_wait(&w->release) != 0) {
  }
  return NULL;
}

/* ---- Starting ---- */

static struct worker* worker_new(enum kind kind) {
  struct worker* w = calloc(1, sizeof(*w));
  if (w == NULL) check_fail("no memory");
  w->kind = kind;
  w->status = ZX_ERR_INTERNAL;
  sem_init(&w->ended, 0, 0);
  sem_init(&w->release, 0, 0);
  return w;
}

static struct worker* worker_start(struct worker* w) {
  w->mark = waits_now();
  w->next = workers;
  workers = w;
  const int error = pthread_create(&w->thread, NULL, worker_main, w);
  if (error != 0) check_fail("pthread_create: %s", strerror(error));
  return w;
}

static void own_buffer(struct worker* w, uint64_t length) {
  w->buffer = calloc(1, length > 0 ? length : 1);
  if (w->buffer == NULL) check_fail("no memory");
  w->buffer_owned = true;
}

struct worker* start_load(const void* address) {
  return start_stubborn_load(address, 0);
}

struct worker* start_stubborn_load(const void* address, unsigned returns) {
  struct worker* w = worker_new(KIND_LOAD);
  w->address = (uint8_t*)(uintptr_t)address;
  w->returns = returns;
  return worker_start(w);
}

struct worker* start_load_with_sigbus_blocked(const void* address) {
  struct worker* w = worker_new(KIND_LOAD);
  w->address = (uint8_t*)(uintptr_t)address;
  w->block_sigbus = true;
  return worker_start(w);
}

struct worker* start_store(void* address, uint8_t value) {
  struct worker* w = worker_new(KIND_STORE);
  w->address = address;
  w->value = value;
  return worker_start(w);
}

struct worker* start_read(zx_handle_t vmo, uint64_t offset, uint64_t length) {
  struct worker* w = worker_new(KIND_READ);
  w->vmo = vmo;
  w->offset = offset;
  w->length = length;
  own_buffer(w, length);
  return worker_start(w);
}

struct worker* start_read_to(zx_handle_t vmo, void* buffer, uint64_t offset, uint64_t length) {
  struct worker* w = worker_new(KIND_READ);
  w->vmo = vmo;
  w->offset = offset;
  w->length = length;
  w->buffer = buffer;
  return worker_start(w);
}

struct worker* start_write(zx_handle_t vmo, uint64_t offset, uint64_t length, uint8_t value) {
  struct worker* w = worker_new(KIND_WRITE);
  w->vmo = vmo;
  w->offset = offset;
  w->length = length;
  own_buffer(w, length);
  memset(w->buffer, value, length);
  return worker_start(w);
}

struct worker* start_write_from(zx_handle_t vmo, const void* buffer, uint64_t offset,
                                uint64_t length) {
  struct worker* w = worker_new(KIND_WRITE);
  w->vmo = vmo;
  w->offset = offset;
  w->length = length;
  w->buffer = (uint8_t*)(uintptr_t)buffer;
  return worker_start(w);
}

struct worker* start_op(zx_handle_t vmo, uint32_t op, uint64_t offset, uint64_t length) {
  struct worker* w = worker_new(KIND_OP);
  w->vmo = vmo;
  w->op = op;
  w->offset = offset;
  w->length = length;
  return worker_start(w);
}

struct worker* start_set_size(zx_handle_t vmo, uint64_t size) {
  struct worker* w = worker_new(KIND_SET_SIZE);
  w->vmo = vmo;
  w->offset = size;
  return worker_start(w);
}

struct worker* start_read_pages(struct root* v, uint64_t first, uint64_t count) {
  return start_read(v->vmo, first * PAGE, count * PAGE);
}

struct worker* start_commit(struct root* v, uint64_t first, uint64_t count) {
  return start_op(v->vmo, ZX_VMO_OP_COMMIT, first * PAGE, count * PAGE);
}

struct worker* start_call(zx_status_t (*function)(void*), void* argument) {
  struct worker* w = worker_new(KIND_CALL);
  w->function = function;
  w->argument = argument;
  return worker_start(w);
}

struct worker* start_touch(enum via via, struct root* v, uint64_t page) {
  if (via == VIA_MAPPING) return start_load(map_of(v) + page * PAGE);
  return start_read(v->vmo, page * PAGE, 1);
}

struct worker* start_poke(enum via via, struct root* v, uint64_t page, uint8_t value) {
  if (via == VIA_MAPPING) return start_store(map_of(v) + page * PAGE, value);
  return start_write(v->vmo, page * PAGE, 1, value);
}

struct worker* start_walk(enum via via, struct root* v, uint64_t first, uint64_t count) {
  struct worker* w = worker_new(via == VIA_MAPPING ? KIND_WALK_LOADS : KIND_WALK_READS);
  w->vmo = v->vmo;
  w->offset = first * PAGE;
  w->length = count * PAGE;
  if (via == VIA_MAPPING) w->address = map_of(v) + first * PAGE;
  return worker_start(w);
}

struct worker* start_fetch(enum via via, struct root* v, uint64_t first, uint64_t count) {
  if (via == VIA_CALLS) return start_read_pages(v, first, count);
  struct worker* w = worker_new(KIND_COPY);
  w->offset = first * PAGE;
  w->length = count * PAGE;
  w->address = map_of(v) + first * PAGE;
  own_buffer(w, w->length);
  return worker_start(w);
}

/* ---- What became of it ---- */

static bool through_mapping(const struct worker* w) {
  return w->kind == KIND_LOAD || w->kind == KIND_STORE || w->kind == KIND_WALK_LOADS ||
         w->kind == KIND_COPY;
}

/* What the access is, for messages; not reentrant. */
static const char* describe(const struct worker* w) {
  static char text[96];
  switch (w->kind) {
    case KIND_LOAD:
    case KIND_WALK_LOADS:
    case KIND_COPY:
      snprintf(text, sizeof(text), "load at %p", (const void*)w->touching);
      break;
    case KIND_STORE:
      snprintf(text, sizeof(text), "store at %p", (const void*)w->touching);
      break;
    case KIND_OP:
      snprintf(text, sizeof(text), "op %u of pages %g to %g", w->op,
               (double)w->offset / (double)PAGE, (double)(w->offset + w->length) / (double)PAGE);
      break;
    case KIND_READ:
    case KIND_WALK_READS:
    case KIND_WRITE:
      snprintf(text, sizeof(text), "%s of pages %g to %g", w->kind == KIND_WRITE ? "write" : "read",
               (double)w->offset / (double)PAGE, (double)(w->offset + w->length) / (double)PAGE);
      break;
    case KIND_SET_SIZE:
      snprintf(text, sizeof(text), "set_size to %llu", (unsigned long long)w->offset);
      break;
    case KIND_CALL:
      snprintf(text, sizeof(text), "call");
      break;
  }
  return text;
}

/* How it ended, for messages; not reentrant. */
static const char* outcome(const struct worker* w) {
  static char text[128];
  if (w->signo != 0) {
    snprintf(text, sizeof(text), "got signal %d at %p (code %d)", w->signo, w->fault_address,
             w->code);
  } else {
    snprintf(text, sizeof(text), "ended with %s (%d)", zx_status_get_string(w->status), w->status);
  }
  return text;
}

bool worker_has_ended(struct worker* w) {
  if (!atomic_load(&w->has_ended)) return false;
  await_end(w);
  return true;
}

void await_end_at(struct place place, struct worker* w) {
  if (w->joined_end) return;
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += EVENT_LIMIT;
  while (sem_timedwait(&w->ended, &end) != 0) {
    if (errno == EINTR) continue;
    zxp_dump(stderr);
    scenario_fail(place, "%s is still blocked", describe(w));
  }
  w->joined_end = true;
}

void await_waiting_at(struct place place, struct worker* w) {
  const struct limit limit = limit_in(EVENT_LIMIT);
  while (waits_now() == w->mark) {
    if (worker_has_ended(w)) {
      scenario_fail(place, "%s should be blocked, but %s", describe(w), outcome(w));
    }
    if (limit_passed(&limit)) {
      zxp_dump(stderr);
      scenario_fail(place, "%s does not show as waiting", describe(w));
    }
  }
}

void expect_waiting_at(struct place place, struct worker* w) {
  round_trip();
  if (worker_has_ended(w)) {
    scenario_fail(place, "%s should still be blocked, but %s", describe(w), outcome(w));
  }
}

void expect_status_at(struct place place, struct worker* w, zx_status_t status) {
  await_end_at(place, w);
  if (w->signo == 0 && w->status == status) return;
  scenario_fail(place, "%s %s, not %s", describe(w), outcome(w), zx_status_get_string(status));
}

void expect_byte_at(struct place place, struct worker* w, uint8_t byte) {
  expect_status_at(place, w, ZX_OK);
  const uint8_t got = w->kind == KIND_READ ? w->buffer[0] : w->byte;
  if (got != byte) scenario_fail(place, "%s brought %u, not %u", describe(w), got, byte);
}

void expect_failed_at(struct place place, struct worker* w, zx_status_t status) {
  if (through_mapping(w)) {
    expect_signal_at(place, w, SIGBUS);
  } else {
    expect_status_at(place, w, status);
  }
}

void expect_signal_at(struct place place, struct worker* w, int signo) {
  await_end_at(place, w);
  if (w->signo != signo) {
    scenario_fail(place, "%s %s, not signal %d", describe(w), outcome(w), signo);
  }
  /* pager.md 11.1: the touched byte where the kernel reports it, else its page. */
  const uint64_t touched = (uint64_t)(uintptr_t)w->touching;
  const uint64_t reported = (uint64_t)(uintptr_t)w->fault_address;
  const bool same =
      fx.probe.exact_address ? reported == touched : reported / PAGE == touched / PAGE;
  if (!same) scenario_fail(place, "%s %s", describe(w), outcome(w));
}

static const uint8_t* read_bytes_of(struct place place, struct worker* w, uint64_t first,
                                    uint64_t count) {
  await_end_at(place, w);
  if (w->buffer == NULL || first * PAGE < w->offset ||
      (first + count) * PAGE > w->offset + w->length) {
    scenario_fail(place, "%s brings no such pages", describe(w));
  }
  return w->buffer + (first * PAGE - w->offset);
}

void expect_content_at(struct place place, struct worker* w, uint64_t first, uint64_t count,
                       unsigned tag) {
  const uint8_t* bytes = read_bytes_of(place, w, first, count);
  for (uint64_t i = 0; i < count; i++) {
    if (content_is(bytes + i * PAGE, first + i, 1, tag)) continue;
    scenario_fail(place, "%s brought page %llu as %u %u ..., not as %u %u ...", describe(w),
                  (unsigned long long)(first + i), bytes[i * PAGE], bytes[i * PAGE + 1],
                  content_byte(tag, first + i, 0), content_byte(tag, first + i, 1));
  }
}

void expect_zeros_at(struct place place, struct worker* w, uint64_t first, uint64_t count) {
  const uint8_t* bytes = read_bytes_of(place, w, first, count);
  if (!is_filled_with(bytes, 0, count * PAGE)) {
    scenario_fail(place, "%s brought something other than zeros", describe(w));
  }
}

/* The buffer is being written to: the answer may be "not yet", never a wrong "yes". */
UNCHECKED bool worker_shows(struct worker* w, uint64_t page, unsigned tag) {
  const volatile uint8_t* bytes = w->buffer + (page * PAGE - w->offset);
  for (uint64_t i = 0; i < PAGE; i++) {
    if (bytes[i] != content_byte(tag, page, i)) return false;
  }
  return true;
}

pid_t worker_tid(const struct worker* w) {
  wait_until(atomic_load(&w->tid) != 0);
  return atomic_load(&w->tid);
}

pthread_t worker_thread(const struct worker* w) { return w->thread; }

int worker_signal_code(const struct worker* w) { return w->code; }

const void* worker_fault_address(const struct worker* w) { return w->fault_address; }

unsigned worker_signals(const struct worker* w) { return atomic_load(&w->signals); }

/* ---- Whole checks ---- */

static struct worker* fetch_without_asking(struct place place, enum via via, struct root* v,
                                           uint64_t first, uint64_t count) {
  const uint64_t before = waits_now();
  struct worker* w = start_fetch(via, v, first, count);
  const struct limit limit = limit_in(EVENT_LIMIT);
  while (!worker_has_ended(w)) {
    if (waits_now() != before) scenario_fail(place, "%s asks the pager", describe(w));
    if (limit_passed(&limit)) break;
  }
  expect_status_at(place, w, ZX_OK);
  if (waits_now() != before) scenario_fail(place, "%s asked the pager", describe(w));
  return w;
}

void expect_pages_at(struct place place, enum via via, struct root* v, uint64_t first,
                     uint64_t count, unsigned tag) {
  expect_content_at(place, fetch_without_asking(place, via, v, first, count), first, count, tag);
}

void expect_zero_pages_at(struct place place, enum via via, struct root* v, uint64_t first,
                          uint64_t count) {
  expect_zeros_at(place, fetch_without_asking(place, via, v, first, count), first, count);
}

void expect_absent_at(struct place place, struct root* v, uint64_t page) {
  struct worker* w = start_touch(VIA_CALLS, v, page);
  expect_read_at(place, v, page, 1);
  fail_pages_at(place, v, page, 1, ZX_ERR_IO);
  expect_status_at(place, w, ZX_ERR_IO);
}

/* ---- Beginning and end of a scenario ---- */

void workers_begin(void) {
  struct sigaction action = {.sa_sigaction = on_fatal_signal, .sa_flags = SA_SIGINFO};
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &former_sigbus);
  sigaction(SIGSEGV, &action, &former_sigsegv);
}

void workers_end(void) {
  for (struct worker* w = workers; w != NULL; w = w->next) {
    await_end(w);
  }
  while (workers != NULL) {
    struct worker* w = workers;
    workers = w->next;
    sem_post(&w->release);
    pthread_join(w->thread, NULL);
    sem_destroy(&w->ended);
    sem_destroy(&w->release);
    if (w->buffer_owned) free(w->buffer);
    free(w);
  }
  sigaction(SIGBUS, &former_sigbus, NULL);
  sigaction(SIGSEGV, &former_sigsegv, NULL);
}
