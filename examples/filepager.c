/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * filepager [options] [file]: a file behind a pager. With --write it is changed and written back:
 * filepager/write_mode.h has that. Without:
 *
 * The main thread runs a libuv loop with a pager on it (filepager/server.c), whose VMO shows the
 * file. Other threads read the VMO through a mapping and through zx_vmo_read, in order and at
 * random (filepager/readers.c); every page that they touch first comes by a page request, which the
 * pager answers from an asynchronous file read. At the end, what each of them saw is held against
 * the file by its SHA-256. Exit status 0: everything matched; 1: something did not; 2: wrong
 * arguments.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
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

#include "filepager/readers.h"
#include "filepager/server.h"
#include "filepager/view.h"
#include "filepager/write_mode.h"

#define MAX_THREADS 64

_Static_assert(MAX_THREADS == WRITE_MAX_THREADS, "one option is for both");

struct options {
  const char* path; /* NULL: a file of our own */
  uint64_t size;    /* of that */
  unsigned threads;
  uint64_t fail_every;
  uint64_t cluster_size;
  bool write;
  const char* journal; /* NULL: none */
  uint64_t seconds;
  uint64_t seed;
};

/* The whole run. */
struct run {
  struct options options;
  int fd;
  uint64_t size;
  uv_loop_t loop;
  uv_async_t finished; /* a reader ended */
  struct server server;
  struct view view;
  bool mappable;
  zx_vaddr_t memory;
  struct reader readers[MAX_THREADS + 1]; /* the first is the reference */
  unsigned reader_count;
  atomic_uint running;
  zxp_stats_t before;
};

/* ---- Options and the file ---- */

static void usage(FILE* out) {
  fprintf(
      out,
      "usage: filepager [options] [file]\n"
      "  --threads N      threads that read the file through the pager (default 4, at most %d)\n"
      "  --fail-every N   fail every Nth request with ZX_ERR_IO (N > 1)\n"
      "  --cluster BYTES  what one file read brings in; K, M, G may follow (default 64K)\n"
      "  --size BYTES     of the file that is made up where none is named (default 64M)\n"
      "\n"
      "filepager --write [options] [file]: threads change the file, which is written back;\n"
      "  a file that is there must have been made in this way\n"
      "  --threads N      threads that write (default 4); one more resizes the file\n"
      "  --size BYTES     the most that the file grows to (default 16M, at most 64G)\n"
      "  --seconds N      how long they do (default 5)\n"
      "  --seed N         of what they choose (default: the time)\n"
      "  --journal FILE   tell there what was written back: kill the program whenever you like,\n"
      "                   start it again, and it looks whether all of that is in the file\n",
      MAX_THREADS);
}

/* A number with an optional K, M or G; false if it is none or outside of [low, high]. */
static bool parse_number(const char* text, uint64_t low, uint64_t high, uint64_t* out) {
  char* end;
  errno = 0;
  const unsigned long long n = strtoull(text, &end, 10);
  if (errno != 0 || end == text || *text == '-') {
    return false;
  }
  const char* const units = "KMG";
  const char* unit = *end != '\0' ? strchr(units, *end) : NULL;
  const unsigned shift = unit != NULL ? (unsigned)(unit - units + 1) * 10 : 0;
  if (end[unit != NULL] != '\0' || n > UINT64_MAX >> shift) {
    return false;
  }
  *out = (uint64_t)n << shift;
  return *out >= low && *out <= high;
}

static bool parse_options(int argc, char** argv, struct options* o) {
  static const struct option names[] = {
      {"threads", required_argument, NULL, 't'}, {"fail-every", required_argument, NULL, 'f'},
      {"cluster", required_argument, NULL, 'c'}, {"size", required_argument, NULL, 's'},
      {"write", no_argument, NULL, 'w'},         {"journal", required_argument, NULL, 'j'},
      {"seconds", required_argument, NULL, 'n'}, {"seed", required_argument, NULL, 'r'},
      {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
  };
  *o = (struct options){.size = UINT64_MAX, .threads = 4, .cluster_size = 64 << 10, .seconds = 5};
  o->seed = nanoseconds_now();
  uint64_t n = 0;
  for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    bool good = false;
    switch (c) {
      case 't':
        good = parse_number(optarg, 1, MAX_THREADS, &n);
        o->threads = (unsigned)n;
        break;
      case 'f':
        /* Every request failed would be no pager. */
        good = parse_number(optarg, 2, UINT64_MAX, &o->fail_every);
        break;
      case 'c':
        good = parse_number(optarg, PAGE_SIZE_BYTES, 16 << 20, &o->cluster_size) &&
               o->cluster_size % PAGE_SIZE_BYTES == 0;
        break;
      case 's':
        good = parse_number(optarg, 0, INT64_MAX, &o->size);
        break;
      case 'w':
        good = o->write = true;
        break;
      case 'j':
        o->journal = optarg;
        good = true;
        break;
      case 'n':
        good = parse_number(optarg, 1, UINT32_MAX, &o->seconds);
        break;
      case 'r':
        good = parse_number(optarg, 0, UINT64_MAX, &o->seed);
        break;
      case 'h':
        usage(stdout);
        exit(0);
      default:
        break;
    }
    if (!good) {
      return false;
    }
  }
  if (o->size == UINT64_MAX) {
    o->size = o->write ? 16 << 20 : 64 << 20;
  }
  if (o->write && (o->size < PAGE_SIZE_BYTES || o->size > UINT64_C(64) << 30)) {
    return false;
  }
  o->path = argv[optind];
  return o->path == NULL || argv[optind + 1] == NULL;
}

/* Always the same bytes, and no two pages alike. */
static int write_made_up_file(int fd, uint64_t size) {
  static uint64_t words[(1 << 20) / sizeof(uint64_t)];
  uint64_t x = 88172645463325252; /* any number but 0 starts Marsaglia's xorshift */
  for (uint64_t done = 0; done < size;) {
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
      x ^= x << 13;
      x ^= x >> 7;
      x ^= x << 17;
      words[i] = x;
    }
    const size_t chunk = size - done < sizeof words ? size - done : sizeof words;
    const ssize_t n = write(fd, words, chunk);
    if (n != (ssize_t)chunk) {
      return -1;
    }
    done += chunk;
  }
  return 0;
}

/* The descriptor of the file to serve, or -1 with a message. */
static int open_file(const struct options* o, uint64_t* size) {
  int fd = -1;
  if (o->path != NULL) {
    fd = open(o->path, O_RDONLY | O_CLOEXEC);
  } else {
    const char* directory = getenv("TMPDIR");
    char name[4096];
    snprintf(name, sizeof name, "%s/filepager-XXXXXX", directory != NULL ? directory : "/tmp");
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0) {
      unlink(name);
    }
  }
  struct stat status;
  if (fd < 0 || (o->path == NULL && write_made_up_file(fd, o->size) != 0) ||
      fstat(fd, &status) != 0) {
    fprintf(stderr, "filepager: %s: %s\n", o->path != NULL ? o->path : "temporary file",
            strerror(errno));
    return -1;
  }
  if (!S_ISREG(status.st_mode)) {
    fprintf(stderr, "filepager: %s: not a regular file\n", o->path);
    return -1;
  }
  *size = (uint64_t)status.st_size;
  return fd;
}

/* ---- The run ---- */

static void on_finished(uv_async_t* async) {
  struct run* run = async->data;
  if (atomic_load(&run->running) > 0) {
    return;
  }
  view_stop(&run->view);
  if (run->mappable) {
    zx_vmar_unmap(zx_vmar_root_self(), run->memory, run->server.pages * PAGE_SIZE_BYTES);
  }
  server_close(&run->server);
  uv_close((uv_handle_t*)async, NULL);
}

/* One of each kind in turn. Without mappings, their share goes to zx_vmo_read. */
static enum reader_kind kind_of(const struct run* run, unsigned number) {
  static const enum reader_kind kinds[] = {READER_MAP_IN_ORDER, READER_CALL_RANDOM,
                                           READER_MAP_RANDOM, READER_CALL_IN_ORDER};
  const enum reader_kind kind = kinds[(number - 1) % 4];
  if (!run->mappable && kind == READER_MAP_IN_ORDER) return READER_CALL_IN_ORDER;
  if (!run->mappable && kind == READER_MAP_RANDOM) return READER_CALL_RANDOM;
  return kind;
}

static bool start_readers(struct run* run) {
  atomic_init(&run->running, run->options.threads + 1);
  for (; run->reader_count <= run->options.threads; run->reader_count++) {
    const unsigned number = run->reader_count;
    struct reader* r = &run->readers[number];
    *r = (struct reader){
        .kind = number == 0 ? READER_FILE : kind_of(run, number),
        .number = number,
        .server = &run->server,
        .memory = (const unsigned char*)run->memory,
        .finished = &run->finished,
        .running = &run->running,
    };
    if (reader_start(r) != 0) {
      fprintf(stderr, "filepager: a thread could not be started\n");
      return false;
    }
  }
  return true;
}

static bool start(struct run* run) {
  zxp_probe_t probe;
  if (zxp_probe(&probe) == ZX_OK && probe.mappings_supported) {
    run->mappable = true;
  } else {
    printf(
        "no page faults can be served here, so there is no mapping: all threads call"
        " zx_vmo_read\n  %s\n",
        probe.advice);
  }
  zxp_stats(&run->before);
  uv_loop_init(&run->loop);
  run->finished.data = run;
  uv_async_init(&run->loop, &run->finished, on_finished);

  zx_status_t st = server_start(&run->server, &run->loop, run->fd, run->size,
                                run->options.cluster_size, run->options.fail_every);
  if (st == ZX_OK && run->mappable) {
    st = zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, run->server.handle, 0,
                     run->server.pages * PAGE_SIZE_BYTES, &run->memory);
  }
  if (st != ZX_OK) {
    fprintf(stderr, "filepager: the pager could not be set up: %s\n", zx_status_get_string(st));
    return false;
  }
  if (readers_init() != 0) {
    return false;
  }
  view_start(&run->view, &run->server, run->readers, run->options.threads + 1);
  return start_readers(run);
}

/* ---- The result ---- */

static void print_waits(const struct latency* l) {
  if (l->count == 0) {
    printf("never waited");
    return;
  }
  printf("waited %llu times, p50 %.0f us, p99 %.0f us", (unsigned long long)l->count,
         latency_percentile(l, 50), latency_percentile(l, 99));
}

static bool print_reader(const struct reader* r, const struct reader* reference) {
  const bool matches = reader_matches(r, reference);
  printf("  %-22s %-9s ", reader_kind_name(r->kind), matches ? "match" : "MISMATCH");
  print_waits(&r->waits);
  if (r->signals > 0) {
    printf(", %llu SIGBUS", (unsigned long long)r->signals);
  }
  if (r->errors > 0) {
    printf(", %llu ZX_ERR_IO", (unsigned long long)r->errors);
  }
  if (r->problem != NULL) {
    printf(" (%s)", r->problem);
  }
  printf("\n");
  return matches;
}

/* What was failed on purpose has arrived, where it should and nowhere else. */
static bool print_failures(const struct run* run, uint64_t signals, uint64_t errors,
                           uint64_t signals_sent) {
  if (run->options.fail_every == 0) {
    return signals + errors == 0;
  }
  const uint64_t failed = run->server.failed_requests;
  /* A request that several threads wait for fails for each of them. */
  const bool good = signals == signals_sent && signals + errors >= failed;
  printf(
      "  failed on purpose: %llu requests; %llu SIGBUS sent, %llu caught, each by the thread that"
      " touched the page; %llu errors returned; every retry succeeded: %s\n",
      (unsigned long long)failed, (unsigned long long)signals_sent, (unsigned long long)signals,
      (unsigned long long)errors, good ? "yes" : "NO");
  return good;
}

static bool print_result(const struct run* run, double seconds) {
  const struct server* s = &run->server;
  const struct reader* reference = &run->readers[0];
  zxp_stats_t after;
  zxp_stats(&after);
  char text[SHA256_TEXT];
  sha256_text(reference->whole, text);
  printf("sha256 of the file      %s\n", text);
  const struct reader* shown = NULL;
  bool all = reference->problem == NULL;
  uint64_t signals = 0;
  uint64_t errors = 0;
  struct latency waits = {0};
  for (unsigned i = 1; i < run->reader_count; i++) {
    const struct reader* r = &run->readers[i];
    if (shown == NULL && (r->kind == READER_MAP_IN_ORDER || r->kind == READER_CALL_IN_ORDER)) {
      shown = r;
    }
    signals += r->signals;
    errors += r->errors;
    latency_merge(&waits, &r->waits);
  }
  if (shown != NULL) {
    sha256_text(shown->whole, text);
    printf("sha256 through the pager %s\n", text);
  }
  for (unsigned i = 1; i < run->reader_count; i++) {
    all = print_reader(&run->readers[i], reference) && all;
  }
  printf("  all threads: ");
  print_waits(&waits);
  printf(
      "\n  pager: %llu requests, %llu file reads, %llu of %llu pages; from request to answer"
      " p50 %.0f us, p99 %.0f us\n",
      (unsigned long long)s->requests, (unsigned long long)s->reads,
      (unsigned long long)s->pages_supplied, (unsigned long long)s->pages,
      latency_percentile(&s->answers, 50), latency_percentile(&s->answers, 99));
  printf(
      "  library: %llu page faults, %llu of them needed no pager; %llu accesses joined a request\n",
      (unsigned long long)(after.faults - run->before.faults),
      (unsigned long long)(after.faults_local - run->before.faults_local),
      (unsigned long long)(after.joined - run->before.joined));
  all = print_failures(run, signals, errors, after.signals_sent - run->before.signals_sent) && all;
  if (s->pages_supplied != s->pages || s->read_errors > 0 || !s->complete) {
    printf("  the pager did not serve each page once, or its VMO did not complete\n");
    all = false;
  }
  printf("%s: %llu bytes by %u threads in %.2f s\n",
         all ? "everything matched" : "SOMETHING DID NOT MATCH", (unsigned long long)run->size,
         run->options.threads, seconds);
  return all;
}

int main(int argc, char** argv) {
  static struct run run;
  if (!parse_options(argc, argv, &run.options)) {
    usage(stderr);
    return 2;
  }
  if (run.options.write) {
    const struct write_options options = {
        .path = run.options.path,
        .journal = run.options.journal,
        .size = run.options.size,
        .threads = run.options.threads,
        .seconds = (unsigned)run.options.seconds,
        .seed = run.options.seed,
    };
    return write_mode(&options);
  }
  run.fd = open_file(&run.options, &run.size);
  if (run.fd < 0) {
    return 1;
  }
  printf("serving %s: %llu bytes\n", run.options.path != NULL ? run.options.path : "a made-up file",
         (unsigned long long)run.size);
  if (run.size == 0) {
    printf("everything matched: an empty file has no pages\n");
    return 0;
  }
  const uint64_t began = nanoseconds_now();
  if (!start(&run)) {
    return 1;
  }
  uv_run(&run.loop, UV_RUN_DEFAULT);
  for (unsigned i = 0; i < run.reader_count; i++) {
    uv_thread_join(&run.readers[i].thread);
  }
  const bool clean = uv_loop_close(&run.loop) == 0;
  const bool good = print_result(&run, (double)(nanoseconds_now() - began) / 1e9);
  server_free(&run.server);
  close(run.fd);
  return good && clean ? 0 : 1;
}
