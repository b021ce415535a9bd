/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zx_vmo_read and zx_vmo_write of pages that are there, against memcpy, pread and pwrite; and what
 * two threads that use one VMO by one handle get done against one.
 *
 *   bench_vmo_io [--rounds N] [--json FILE]
 *
 * A sample is the time of 1000 transfers. With two threads it is the time until both have made 500:
 * half of one thread's, if neither is in the way of the other. The ways take turns.
 *
 * Two threads on two "processors" that share a core are never twice as fast as one, whatever they
 * do. So there are a loop that touches no memory, which shows what the machine has to give, and two
 * threads with a VMO each, which have nothing in common: one VMO has to be as fast as that.
 */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zircon/syscalls.h>

#include "bench.h"

#define KIB         UINT64_C(1024)
#define MEMORY      (256 * KIB) /* what each way goes through: fits in the cache of a core */
#define LARGEST     (64 * KIB)
#define MAX_THREADS 2u

enum how {
  BY_MEMCPY_FROM,
  BY_MEMCPY_TO,
  BY_PREAD,
  BY_PWRITE,
  BY_VMO_READ,
  BY_OWN_VMO_READ, /* each thread its own */
  BY_VMO_WRITE,
  BY_LOOP, /* touches no memory: what the machine has for a second thread */
};

struct way {
  const char* name;
  enum how how;
  size_t size;
  unsigned threads;
  size_t count;        /* transfers a sample, for all threads */
  const char* against; /* a row */
  int item;            /* of docs/performance.md; 0: no bar */
  double at_most;
  double at_least;
  const char* beside; /* a row that does the same with nothing in common: as fast, but for 10 % */
  struct bench_samples samples;
};

static struct way ways[] = {
    {.name = "memcpy from 64 KiB", .how = BY_MEMCPY_FROM, .size = 65536, .threads = 1},
    {.name = "zx_vmo_read 64 KiB",
     .how = BY_VMO_READ,
     .size = 65536,
     .threads = 1,
     .against = "memcpy from 64 KiB",
     .item = 2,
     .at_most = 1.10},
    {.name = "memcpy to 64 KiB", .how = BY_MEMCPY_TO, .size = 65536, .threads = 1},
    {.name = "zx_vmo_write 64 KiB",
     .how = BY_VMO_WRITE,
     .size = 65536,
     .threads = 1,
     .against = "memcpy to 64 KiB",
     .item = 2,
     .at_most = 1.10},
    {.name = "pread 8 bytes", .how = BY_PREAD, .size = 8, .threads = 1},
    {.name = "zx_vmo_read 8 bytes",
     .how = BY_VMO_READ,
     .size = 8,
     .threads = 1,
     .against = "pread 8 bytes",
     .item = 2,
     .at_most = 0.50},
    {.name = "pwrite 8 bytes", .how = BY_PWRITE, .size = 8, .threads = 1},
    {.name = "zx_vmo_write 8 bytes",
     .how = BY_VMO_WRITE,
     .size = 8,
     .threads = 1,
     .against = "pwrite 8 bytes",
     .item = 2,
     .at_most = 0.50},
    {.name = "zx_vmo_read 4 KiB", .how = BY_VMO_READ, .size = 4096, .threads = 1},
    {.name = "zx_vmo_write 4 KiB", .how = BY_VMO_WRITE, .size = 4096, .threads = 1},
    {.name = "a loop", .how = BY_LOOP, .size = 4096, .threads = 1},
    {.name = "2 threads, a loop", .how = BY_LOOP, .size = 4096, .threads = 2, .against = "a loop"},
    {.name = "2 threads, memcpy from 64 KiB",
     .how = BY_MEMCPY_FROM,
     .size = 65536,
     .threads = 2,
     .against = "memcpy from 64 KiB"},
    {.name = "2 threads, a VMO each, 64 KiB",
     .how = BY_OWN_VMO_READ,
     .size = 65536,
     .threads = 2,
     .against = "zx_vmo_read 64 KiB"},
    {.name = "2 threads, zx_vmo_read 64 KiB",
     .how = BY_VMO_READ,
     .size = 65536,
     .threads = 2,
     .against = "zx_vmo_read 64 KiB",
     .item = 6,
     .at_least = 1.8,
     .beside = "2 threads, a VMO each, 64 KiB"},
    {.name = "2 threads, a VMO each, 4 KiB",
     .how = BY_OWN_VMO_READ,
     .size = 4096,
     .threads = 2,
     .against = "zx_vmo_read 4 KiB"},
    {.name = "2 threads, zx_vmo_read 4 KiB",
     .how = BY_VMO_READ,
     .size = 4096,
     .threads = 2,
     .against = "zx_vmo_read 4 KiB",
     .item = 6,
     .at_least = 1.8,
     .beside = "2 threads, a VMO each, 4 KiB"},
    {.name = "2 threads, a VMO each, 8 bytes",
     .how = BY_OWN_VMO_READ,
     .size = 8,
     .threads = 2,
     .against = "zx_vmo_read 8 bytes"},
    {.name = "2 threads, zx_vmo_read 8 bytes",
     .how = BY_VMO_READ,
     .size = 8,
     .threads = 2,
     .against = "zx_vmo_read 8 bytes",
     .item = 6,
     .at_least = 1.8,
     .beside = "2 threads, a VMO each, 8 bytes"},
    {.name = "2 threads, zx_vmo_write 64 KiB",
     .how = BY_VMO_WRITE,
     .size = 65536,
     .threads = 2,
     .against = "zx_vmo_write 64 KiB"},
    {.name = "2 threads, zx_vmo_write 4 KiB",
     .how = BY_VMO_WRITE,
     .size = 4096,
     .threads = 2,
     .against = "zx_vmo_write 4 KiB"},
};

#define WAYS (sizeof ways / sizeof ways[0])

static zx_handle_t vmo; /* for reading; written once */
static zx_handle_t own[MAX_THREADS];
static zx_handle_t written;
static unsigned char* plain;
static int file;

static void must(bool ok, const char* what) {
  if (!ok) {
    fprintf(stderr, "bench_vmo_io: %s failed\n", what);
    exit(1);
  }
}

/* ---- Threads ---- */

struct worker {
  pthread_t thread;
  unsigned char* buffer;
};

static struct worker workers[MAX_THREADS];
static sem_t wanted;
static const struct way* _Atomic work; /* what is to be done; NULL: no more */
static atomic_bool ready;
static atomic_bool finished;

static bool transfer(const struct way* w, struct worker* me, uint64_t at) {
  switch (w->how) {
    case BY_MEMCPY_FROM:
      memcpy(me->buffer, plain + at, w->size);
      return true;
    case BY_MEMCPY_TO:
      memcpy(plain + at, me->buffer, w->size);
      return true;
    case BY_PREAD:
      return pread(file, me->buffer, w->size, (off_t)at) == (ssize_t)w->size;
    case BY_PWRITE:
      return pwrite(file, me->buffer, w->size, (off_t)at) == (ssize_t)w->size;
    case BY_VMO_READ:
      return zx_vmo_read(vmo, me->buffer, at, w->size) == ZX_OK;
    case BY_OWN_VMO_READ:
      return zx_vmo_read(own[me - workers], me->buffer, at, w->size) == ZX_OK;
    case BY_LOOP:
      for (uint64_t i = 0; i < 100; i++) {
        __asm__ volatile("" : "+r"(at));
      }
      return true;
    case BY_VMO_WRITE:
      return zx_vmo_write(written, me->buffer, at, w->size) == ZX_OK;
  }
  return false;
}

/* One thread goes through all of the memory, two writers through a half each, two readers through
 * all of it. */
static void do_share(const struct way* w, unsigned index) {
  const bool apart = w->threads > 1 && w->how == BY_VMO_WRITE;
  const uint64_t room = apart ? MEMORY / 2 : MEMORY;
  const uint64_t base = apart ? index * room : 0;
  const uint64_t step = w->size < 4096 ? 4096 : w->size;
  uint64_t at = 0;
  for (size_t i = 0; i < w->count / w->threads; i++) {
    must(transfer(w, &workers[index], base + at), w->name);
    at = at + step >= room ? 0 : at + step;
  }
}

static void* run_worker(void* context) {
  const unsigned index = (unsigned)((struct worker*)context - workers);
  for (;;) {
    while (sem_wait(&wanted) != 0) {
    }
    const struct way* w = atomic_load(&work);
    if (w == NULL) {
      return NULL;
    }
    atomic_store(&ready, true);
    while (atomic_load(&ready)) {
      /* The other thread starts the clock, and both. */
    }
    do_share(w, index);
    atomic_store(&finished, true);
  }
}

/* The other thread sleeps while one is at work, and is awake before two are. */
static uint64_t time_of(const struct way* w) {
  if (w->threads == 1) {
    const uint64_t start = bench_now();
    do_share(w, 0);
    return bench_now() - start;
  }
  atomic_store(&work, w);
  atomic_store(&finished, false);
  sem_post(&wanted);
  while (!atomic_load(&ready)) {
  }
  const uint64_t start = bench_now();
  atomic_store(&ready, false);
  do_share(w, 0);
  while (!atomic_load(&finished)) {
  }
  return bench_now() - start;
}

/* ---- What is transferred ---- */

static unsigned char* memory(size_t size) {
  unsigned char* p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(p != MAP_FAILED, "mmap");
  memset(p, 1, size);
  return p;
}

static zx_handle_t filled_vmo(void) {
  zx_handle_t h;
  must(zx_vmo_create(MEMORY, 0, &h) == ZX_OK, "zx_vmo_create");
  must(zx_vmo_write(h, plain, 0, MEMORY) == ZX_OK, "zx_vmo_write");
  return h;
}

static void set_up(void) {
  plain = memory(MEMORY);
  for (unsigned i = 0; i < MAX_THREADS; i++) {
    workers[i].buffer = memory(LARGEST);
    own[i] = filled_vmo();
  }
  must(sem_init(&wanted, 0, 0) == 0 &&
           pthread_create(&workers[1].thread, NULL, run_worker, &workers[1]) == 0,
       "starting a thread");
  vmo = filled_vmo();
  written = filled_vmo();
  file = memfd_create("bench_vmo_io", MFD_CLOEXEC);
  must(file >= 0 && pwrite(file, plain, MEMORY, 0) == (ssize_t)MEMORY, "memfd");
}

/* As many transfers as make some hundred microseconds: what starting a thread costs is then
 * little. */
static size_t count_for(size_t size) { return size >= LARGEST ? 200 : size >= 4096 ? 2000 : 10000; }

int main(int argc, char** argv) {
  size_t rounds = 200;
  const char* json = NULL;
  const struct bench_option options[] = {{"--rounds", &rounds, NULL}, {"--json", NULL, &json}};
  if (!bench_parse(argc, argv, options, 2)) {
    return 2;
  }
  set_up();
  for (size_t i = 0; i < WAYS; i++) {
    bench_samples_init(&ways[i].samples, rounds);
    ways[i].count = count_for(ways[i].size);
  }
  /* The first round sets up, and makes the library see that nobody changes anything. */
  for (size_t round = 0; round <= rounds; round++) {
    for (size_t i = 0; i < WAYS; i++) {
      const uint64_t time = time_of(&ways[i]);
      if (round > 0) {
        bench_samples_add(&ways[i].samples, bench_per_thousand(time, ways[i].count));
      }
    }
  }
  atomic_store(&work, NULL);
  sem_post(&wanted);
  pthread_join(workers[1].thread, NULL);

  struct bench_report report;
  bench_report_init(&report, "vmo_io");
  for (size_t i = 0; i < WAYS; i++) {
    struct way* w = &ways[i];
    bench_report_add(&report, w->name, &w->samples, w->against);
    if (w->at_most > 0) {
      bench_report_at_most(&report, w->item, w->name, w->against, w->at_most);
    }
    if (w->at_least > 0) {
      bench_report_at_least(&report, w->item, w->name, w->against, w->at_least);
    }
    if (w->beside != NULL) {
      bench_report_at_most(&report, w->item, w->name, w->beside, 1.10);
    }
    bench_samples_free(&w->samples);
  }
  return bench_report_finish(&report, json);
}
