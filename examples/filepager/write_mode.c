/* SPDX-License-Identifier: BSD-3-Clause */
#include "write_mode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>
#include <zircon/process.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/zxpager.h>

#include "journal.h"
#include "store.h"
#include "writeback.h"
#include "writers.h"

/* Of the file, read at once. */
#define CHUNK_BLOCKS ((uint64_t)128)

/* The whole run. */
struct run {
  const struct write_options* options;
  int fd;
  struct journal journal;
  struct model model;
  struct store store;
  struct writeback writeback;
  struct crew crew;
  struct writer writers[WRITE_MAX_THREADS + 1];
  bool mapped;
  bool finishing;
  zx_vaddr_t memory;
  size_t memory_size;
  uv_loop_t loop;
  uv_async_t finished;
  uv_timer_t second;
  unsigned seconds; /* that have passed */
};

/* ---- The file and its journal ---- */

static int open_file(const char* path) {
  if (path != NULL) {
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  }
  const char* directory = getenv("TMPDIR");
  char name[4096];
  snprintf(name, sizeof name, "%s/filepager-XXXXXX", directory != NULL ? directory : "/tmp");
  const int fd = mkostemp(name, O_CLOEXEC);
  if (fd >= 0) {
    unlink(name);
  }
  return fd;
}

/* Calls `look` for each block of the file until it says false; false then, or for an error. */
static bool for_each_block(int fd, uint64_t blocks,
                           bool (*look)(void* context, uint64_t block, struct block_content c),
                           void* context) {
  uint64_t words[CHUNK_BLOCKS * BLOCK_WORDS];
  for (uint64_t first = 0; first < blocks; first += CHUNK_BLOCKS) {
    const uint64_t count = blocks - first < CHUNK_BLOCKS ? blocks - first : CHUNK_BLOCKS;
    if (pread(fd, words, count * BLOCK_SIZE, (off_t)(first * BLOCK_SIZE)) !=
        (ssize_t)(count * BLOCK_SIZE)) {
      return false;
    }
    for (uint64_t i = 0; i < count; i++) {
      if (!look(context, first + i, block_look(first + i, words + i * BLOCK_WORDS))) {
        return false;
      }
    }
  }
  return true;
}

struct scan {
  struct journal* journal;
  uint32_t* generation;
  uint32_t newest;
};

static bool scan_block(void* context, uint64_t block, struct block_content c) {
  struct scan* s = context;
  if (!c.valid) {
    return false;
  }
  s->generation[block] = c.low == c.high ? c.low : GENERATION_MIXED;
  s->newest = c.high > s->newest ? c.high : s->newest;
  /* What is there now is there: newer than what an earlier run may have reported. */
  return c.high == 0 || journal_add(s->journal, JOURNAL_DATA, block, c.low, c.high);
}

/* Reads what an earlier run has left. Makes the model. */
static bool take_over(struct run* run) {
  struct journal_result before = {0};
  struct stat status;
  if (run->journal.fd >= 0) {
    if (!journal_check(run->journal.fd, run->fd, &before)) {
      fprintf(stderr, "filepager: LOST: %s\n", before.problem);
      return false;
    }
    if (before.records > 0) {
      printf("journal of an earlier run: %llu blocks reported as written back, all there\n",
             (unsigned long long)before.promised);
    }
  }
  if (fstat(run->fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    fprintf(stderr, "filepager: not a regular file\n");
    return false;
  }
  const uint64_t blocks = (uint64_t)status.st_size / BLOCK_SIZE;
  const uint64_t wanted = run->options->size / BLOCK_SIZE;
  const uint64_t max_blocks = wanted > blocks ? wanted : blocks;
  struct scan scan = {.journal = &run->journal, .newest = before.newest};
  scan.generation = calloc(max_blocks, sizeof *scan.generation);
  if (scan.generation == NULL) {
    fprintf(stderr, "filepager: out of memory\n");
    return false;
  }
  /* Whoever names a file of value by mistake keeps it. */
  if ((uint64_t)status.st_size % BLOCK_SIZE != 0 ||
      !for_each_block(run->fd, blocks, scan_block, &scan)) {
    fprintf(stderr, "filepager: not a file that filepager --write made; it was left alone\n");
    free(scan.generation);
    return false;
  }
  model_init(&run->model, max_blocks, blocks, scan.generation);
  run->crew.first_generation = scan.newest + 1;
  if (!journal_add(&run->journal, JOURNAL_SIZE, blocks, 0, 0) || !journal_flush(&run->journal)) {
    fprintf(stderr, "filepager: the journal can't be written\n");
    return false;
  }
  return true;
}

/* ---- The run ---- */

static uint64_t changes(const struct run* run) {
  uint64_t n = 0;
  for (unsigned i = 1; i <= run->crew.writers; i++) {
    n += atomic_load_explicit(&run->writers[i].changes, memory_order_relaxed);
  }
  return n;
}

static void print_progress(const struct run* run) {
  const struct writeback* w = &run->writeback;
  printf(
      "%3u s  file of %llu KiB, %llu sizes so far; %llu changes; %llu pages and %llu of zeros"
      " written back in %llu batches\n",
      run->seconds, (unsigned long long)(w->file_blocks * BLOCK_SIZE / 1024),
      (unsigned long long)w->resizes, (unsigned long long)changes(run),
      (unsigned long long)w->pages, (unsigned long long)w->zero_pages,
      (unsigned long long)w->batches);
  fflush(stdout);
}

static void on_second(uv_timer_t* timer) {
  struct run* run = timer->data;
  run->seconds++;
  print_progress(run);
  if (run->seconds >= run->options->seconds) {
    atomic_store(&run->crew.stop, true);
    uv_timer_stop(timer);
  }
}

static void on_clean(struct writeback* w) {
  struct run* run = w->store->loop->data;
  writeback_close(w);
  store_close(&run->store);
  uv_close((uv_handle_t*)&run->second, NULL);
  uv_close((uv_handle_t*)&run->finished, NULL);
}

static void on_finished(uv_async_t* async) {
  struct run* run = async->data;
  if (atomic_load(&run->crew.running) > 0 || run->finishing) {
    return;
  }
  run->finishing = true;
  if (run->mapped) {
    zx_vmar_unmap(zx_vmar_root_self(), run->memory, run->memory_size);
  }
  writeback_finish(&run->writeback, on_clean);
}

static bool map(struct run* run) {
  zxp_probe_t probe;
  if (zxp_probe(&probe) != ZX_OK || !probe.mappings_supported) {
    printf("no page faults can be served here: all threads call zx_vmo_write\n  %s\n",
           probe.advice);
    return true;
  }
  /* As long as the file may get; what lies beyond its end is not there until it does. */
  run->memory_size = run->model.max_blocks * BLOCK_SIZE;
  const zx_vm_option_t options = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_ALLOW_FAULTS;
  const zx_status_t st = zx_vmar_map(zx_vmar_root_self(), options, 0, run->store.handle, 0,
                                     run->memory_size, &run->memory);
  run->mapped = st == ZX_OK;
  return run->mapped;
}

static bool start(struct run* run) {
  uv_loop_init(&run->loop);
  run->loop.data = run;
  run->finished.data = run;
  uv_async_init(&run->loop, &run->finished, on_finished);
  run->second.data = run;
  uv_timer_init(&run->loop, &run->second);
  uv_timer_start(&run->second, on_second, 1000, 1000);

  const zx_status_t st =
      store_start(&run->store, &run->loop, run->fd, run->model.blocks * BLOCK_SIZE);
  if (st != ZX_OK || !map(run)) {
    fprintf(stderr, "filepager: the pager could not be set up: %s\n", zx_status_get_string(st));
    return false;
  }
  if (!writeback_start(&run->writeback, &run->store, &run->journal, run->model.blocks)) {
    fprintf(stderr, "filepager: out of memory\n");
    return false;
  }
  run->crew.model = &run->model;
  run->crew.writeback = &run->writeback;
  run->crew.vmo = run->store.handle;
  run->crew.memory = run->mapped ? (unsigned char*)run->memory : NULL;
  run->crew.writers = run->options->threads;
  run->crew.seed = run->options->seed;
  run->crew.finished = &run->finished;
  if (crew_start(&run->crew, run->writers) != 0) {
    fprintf(stderr, "filepager: a thread could not be started\n");
    return false;
  }
  return true;
}

/* ---- The result ---- */

static bool matches_model(void* context, uint64_t block, struct block_content c) {
  const struct model* m = context;
  const uint32_t generation = m->generation[block];
  if (!c.valid ||
      (generation != GENERATION_MIXED && (c.low != generation || c.high != generation))) {
    printf("  block %llu: generations %u to %u in the file, %u was written%s\n",
           (unsigned long long)block, c.low, c.high, generation, c.valid ? "" : "; garbage");
    return false;
  }
  return true;
}

static bool file_matches(struct run* run) {
  struct stat status;
  if (fstat(run->fd, &status) != 0 || (uint64_t)status.st_size != run->model.blocks * BLOCK_SIZE) {
    printf("  the file has %lld bytes instead of %llu\n", (long long)status.st_size,
           (unsigned long long)(run->model.blocks * BLOCK_SIZE));
    return false;
  }
  return for_each_block(run->fd, run->model.blocks, matches_model, &run->model);
}

static bool journal_matches(const struct run* run) {
  struct journal_result r;
  if (run->journal.fd < 0) {
    return true;
  }
  const bool good = journal_check(run->journal.fd, run->fd, &r);
  printf("  journal: %llu records, %llu blocks promised: %s\n", (unsigned long long)r.records,
         (unsigned long long)r.promised, good ? "all there" : r.problem);
  return good;
}

static bool print_result(struct run* run) {
  const struct store* s = &run->store;
  const struct writeback* w = &run->writeback;
  bool good = true;
  for (unsigned i = 0; i <= run->crew.writers; i++) {
    const struct writer* one = &run->writers[i];
    if (one->problem != NULL) {
      printf("  thread %u: %s, block %llu\n", i, one->problem,
             (unsigned long long)one->problem_block);
      good = false;
    }
  }
  if (s->problem != NULL || w->problem != NULL || s->failed_reads > 0 || !s->complete) {
    printf("  pager: %s, writeback: %s; %llu reads failed; VMO %s\n",
           s->problem != NULL ? s->problem : "fine", w->problem != NULL ? w->problem : "fine",
           (unsigned long long)s->failed_reads, s->complete ? "complete" : "NOT complete");
    good = false;
  }
  printf(
      "  pager: %llu READ and %llu DIRTY requests, %llu file reads, %llu of them repeated since"
      " the file had changed\n",
      (unsigned long long)s->read_requests, (unsigned long long)s->dirty_requests,
      (unsigned long long)s->reads, (unsigned long long)s->repeated_reads);
  if (w->io_errors > 0) {
    printf("  %llu batches failed and were tried again\n", (unsigned long long)w->io_errors);
  }
  good = file_matches(run) && good;
  good = journal_matches(run) && good;
  printf("%s: %llu changes, %llu sizes, seed %llu\n",
         good ? "the file is what was written" : "THE FILE IS NOT WHAT WAS WRITTEN",
         (unsigned long long)changes(run), (unsigned long long)w->resizes,
         (unsigned long long)run->options->seed);
  return good;
}

int write_mode(const struct write_options* options) {
  static struct run run;
  run.options = options;
  run.fd = open_file(options->path);
  if (run.fd < 0 || !journal_open(&run.journal, options->journal)) {
    fprintf(stderr, "filepager: %s: %s\n", run.fd < 0 ? "the file" : options->journal,
            strerror(errno));
    return 1;
  }
  if (!take_over(&run)) {
    return 1;
  }
  printf("%u threads write to %s of up to %llu KiB, seed %llu\n", options->threads,
         options->path != NULL ? options->path : "a file of their own",
         (unsigned long long)(run.model.max_blocks * BLOCK_SIZE / 1024),
         (unsigned long long)options->seed);
  fflush(stdout);
  if (!start(&run)) {
    return 1;
  }
  uv_run(&run.loop, UV_RUN_DEFAULT);
  for (unsigned i = 0; i <= run.crew.writers; i++) {
    uv_thread_join(&run.writers[i].thread);
  }
  const bool clean = uv_loop_close(&run.loop) == 0;
  const bool good = print_result(&run);
  writeback_free(&run.writeback);
  model_free(&run.model);
  journal_close(&run.journal);
  close(run.fd);
  return good && clean ? 0 : 1;
}
