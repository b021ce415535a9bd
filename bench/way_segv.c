/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one did before userfaultfd: memory that may not be accessed, a SIGSEGV handler that hands
 * the address to a thread and sleeps, and mprotect when the page is there. Both go by futex. The
 * thread fills the page through a second mapping, as the first may not be touched yet.
 *
 * Pages are answered from the first to the last, so the kernel always has two ranges of different
 * protection to keep; in random order there would be one for each page, and it would be slower.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "way.h"

#define MAX_MEMORIES 16

/* A thread's request, one for each memory, as one thread at a time touches it. */
struct request {
  atomic_uint waiting; /* 1 from the signal until the page is there; a futex */
  _Atomic uintptr_t address;
};

struct segv {
  struct way way;
  int memfd;
  unsigned char* memory; /* what is touched: all memories, one after the other */
  unsigned char* alias;  /* the same pages, always accessible */
  size_t size;           /* bytes of each */
  unsigned char* source;
  atomic_uint bell; /* counts requests; a futex */
  atomic_bool stop;
  struct request requests[MAX_MEMORIES];
  struct sigaction old;
  pthread_t thread;
};

/* The one that runs: a signal handler is given no pointer. */
static struct segv* running;

static void futex_wait(atomic_uint* word, unsigned value) {
  (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(atomic_uint* word) {
  (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void on_signal(int signal, siginfo_t* info, void* context) {
  (void)context;
  const uintptr_t offset = (uintptr_t)info->si_addr - (uintptr_t)running->memory;
  if (offset >= running->size) {
    (void)sigaction(signal, &running->old, NULL); /* Not ours: happens again, without us. */
    return;
  }
  struct request* q = &running->requests[offset / (running->way.setup.pages * WAY_PAGE)];
  atomic_store(&q->address, (uintptr_t)info->si_addr);
  atomic_store(&q->waiting, 1);
  atomic_fetch_add(&running->bell, 1);
  futex_wake(&running->bell);
  while (atomic_load(&q->waiting) != 0) {
    futex_wait(&q->waiting, 1);
  }
}

static void answer(struct segv* s, struct request* q) {
  const size_t page = (atomic_load(&q->address) - (uintptr_t)s->memory) / WAY_PAGE;
  const size_t offset = way_answer_start(&s->way, page) * WAY_PAGE;
  const size_t size = s->way.setup.answer * WAY_PAGE;
  way_work(&s->way, s->source, s->way.setup.answer);
  memcpy(s->alias + offset, s->source, size);
  way_must(mprotect(s->memory + offset, size, PROT_READ) == 0, "mprotect");
  atomic_store(&q->waiting, 0);
  futex_wake(&q->waiting);
}

static void* answer_main(void* argument) {
  struct segv* s = argument;
  if (s->way.setup.before != NULL) {
    s->way.setup.before();
  }
  while (!atomic_load(&s->stop)) {
    const unsigned heard = atomic_load(&s->bell);
    bool any = false;
    for (size_t i = 0; i < s->way.setup.memories; i++) {
      if (atomic_load(&s->requests[i].waiting) != 0) {
        answer(s, &s->requests[i]);
        any = true;
      }
    }
    if (!any) {
      futex_wait(&s->bell, heard);
    }
  }
  return NULL;
}

static bool start(struct way* way) {
  struct segv* s = (struct segv*)way;
  s->size = way->setup.memories * way->setup.pages * WAY_PAGE;
  s->memfd = memfd_create("segv", MFD_CLOEXEC);
  way_must(way->setup.memories <= MAX_MEMORIES && s->memfd >= 0 &&
               ftruncate(s->memfd, (off_t)s->size) == 0,
           "memfd");
  s->memory = mmap(NULL, s->size, PROT_NONE, MAP_SHARED, s->memfd, 0);
  s->alias = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, s->memfd, 0);
  way_must(s->memory != MAP_FAILED && s->alias != MAP_FAILED, "mmap");
  s->source = aligned_alloc(WAY_PAGE, way->setup.answer * WAY_PAGE);
  way_must(s->source != NULL, "aligned_alloc");
  running = s;
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
  way_must(sigaction(SIGSEGV, &action, &s->old) == 0, "sigaction");
  way_must(pthread_create(&s->thread, NULL, answer_main, s) == 0, "pthread_create");
  return true;
}

static const unsigned char* begin(struct way* way, size_t memory) {
  return ((struct segv*)way)->memory + memory * way->setup.pages * WAY_PAGE;
}

static void end(struct way* way, size_t memory) {
  struct segv* s = (struct segv*)way;
  const size_t size = way->setup.pages * WAY_PAGE;
  way_must(mprotect(s->memory + memory * size, size, PROT_NONE) == 0 &&
               madvise(s->alias + memory * size, size, MADV_REMOVE) == 0,
           "PROT_NONE, MADV_REMOVE");
}

static void stop(struct way* way) {
  struct segv* s = (struct segv*)way;
  atomic_store(&s->stop, true);
  atomic_fetch_add(&s->bell, 1);
  futex_wake(&s->bell);
  pthread_join(s->thread, NULL);
  sigaction(SIGSEGV, &s->old, NULL);
  munmap(s->memory, s->size);
  munmap(s->alias, s->size);
  close(s->memfd);
  free(s->source);
}

const struct way_type way_segv = {.name = "SIGSEGV and mprotect",
                                  .size = sizeof(struct segv),
                                  .start = start,
                                  .begin = begin,
                                  .end = end,
                                  .stop = stop};
