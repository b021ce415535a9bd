/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zxp_dump: what the library is doing, as text for people and debuggers.
 *
 * Locks that cannot be had at once are skipped and named, so that the call works from gdb on a
 * process that was stopped anywhere.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zircon/zxpager.h>

#include "base/clock.h"
#include "base/export.h"
#include "object/handle.h"
#include "object/port.h"
#include "vm/blocked.h"
#include "vm/mapping.h"
#include "vm/page_source.h"
#include "vm/vmo.h"

static const char* state_name(const struct zxp_pages* pages, enum zxp_page_state s) {
  switch (s) {
    case ZXP_PAGE_EMPTY:
      return "empty";
    case ZXP_PAGE_CLEAN:
      return pages->source != NULL ? "clean" : "copy shown to a mapping";
    case ZXP_PAGE_MARKER:
      return "zero marker";
    case ZXP_PAGE_DIRTY:
      return pages->source != NULL ? "dirty" : "committed";
    case ZXP_PAGE_AWAITING:
      return "awaiting clean";
    case ZXP_PAGE_INTERVAL:
      return "zero interval";
  }
  return "?";
}

/* Where stores that nobody has taken note of so far are printed. */
struct stores {
  FILE* out;
  struct zxp_mapping* mapping;
};

static void print_stores(void* context, uintptr_t address, uint64_t length,
                         enum zxp_scan_result what) {
  const struct stores* s = context;
  const struct zxp_pages* pages = s->mapping->pages;
  const uint64_t first = zxp_mapping_page_at(s->mapping, address);
  const uint64_t end = first + (length >> ZXP_PAGE_SHIFT);
  for (uint64_t page = first; page < end;) {
    enum zxp_page_state state;
    const uint64_t n = zxp_page_map_run(&pages->map, page, end - page, &state);
    if (state != ZXP_PAGE_EMPTY && state != ZXP_PAGE_DIRTY &&
        (what == ZXP_SCAN_WRITTEN || zxp_page_state_resident(state))) {
      fprintf(s->out, "    pages [%llu, %llu) have been stored to since\n",
              (unsigned long long)page, (unsigned long long)(page + n));
    }
    page += n;
  }
}

/* A dump changes nothing, so it looks and does not harvest. */
static void dump_stores_locked(struct zxp_pages* pages, FILE* out) {
  ZXP_LIST_FOREACH(it, &pages->mappings) {
    struct stores s = {.out = out, .mapping = ZXP_CONTAINER_OF(it, struct zxp_mapping, pages_link)};
    if (zxp_mapping_is_async(s.mapping)) {
      zxp_mapping_scan_locked(s.mapping, 0, pages->size >> ZXP_PAGE_SHIFT, ZXP_SCAN_LOOK,
                              print_stores, &s);
    }
  }
}

/* A VMO with very many runs is cut short; its totals are printed in any case. */
#define RUNS_MAX 1000

static void dump_pages_locked(struct zxp_pages* pages, FILE* out) {
  const uint64_t end = pages->size >> ZXP_PAGE_SHIFT;
  int runs = 0;
  for (uint64_t page = zxp_page_map_next_present(&pages->map, 0, end); page < end;
       page = zxp_page_map_next_present(&pages->map, page, end)) {
    enum zxp_page_state state;
    const uint64_t n = zxp_page_map_run(&pages->map, page, end - page, &state);
    if (runs++ == RUNS_MAX) {
      fprintf(out, "    ...\n");
      break;
    }
    fprintf(out, "    pages [%llu, %llu) %s\n", (unsigned long long)page,
            (unsigned long long)(page + n), state_name(pages, state));
    page += n;
  }
  dump_stores_locked(pages, out);
}

void zxp_source_dump_locked(struct zxp_source* s, FILE* out) {
  static const char* const states[] = {"attached", "detached", "pager closed"};
  static const char* const kinds[] = {"READ", "DIRTY"};
  const zx_time_t now = zxp_clock_now();
  fprintf(out, "    source: key %llu, %s%s%s\n", (unsigned long long)s->key, states[s->state],
          s->trap_dirty ? ", traps dirty" : "", s->modified ? ", modified" : "");
  for (int kind = 0; kind < ZXP_REQUEST_KINDS; kind++) {
    for (struct zxp_tree_node* n = zxp_tree_first(&s->requests.by_first[kind]); n != NULL;
         n = zxp_tree_next(n)) {
      struct zxp_request* r = zxp_request_of(n);
      fprintf(out, "    %s request, pages [%llu, %llu), %llu unanswered, packet %s\n", kinds[kind],
              (unsigned long long)n->key, (unsigned long long)(n->key + r->count),
              (unsigned long long)r->pending, r->taken ? "taken" : "not taken");
      ZXP_LIST_FOREACH(it, &r->waiters) {
        const struct zxp_blocked* b = ZXP_CONTAINER_OF(it, struct zxp_blocked, w.link);
        const long long ms = b->since < now ? (long long)((now - b->since) / 1000000) : 0;
        if (b->call != NULL) {
          fprintf(out, "      thread %d in %s, needs pages [%llu, %llu), for %lld ms\n", b->tid,
                  b->call, (unsigned long long)b->w.next, (unsigned long long)b->w.end, ms);
        } else {
          fprintf(out, "      thread %d stopped by a %s at %p, for %lld ms\n", b->tid,
                  b->writes ? "store" : "load", (void*)b->address, ms);
        }
      }
    }
  }
}

static void dump_vmo(void* context, struct zxp_vmo* vmo) {
  FILE* out = context;
  struct zxp_pages* pages = vmo->pages;
  fprintf(out, "  vmo koid %llu", (unsigned long long)vmo->object.koid);
  if (!zxp_biased_try_lock(&pages->tree->lock)) {
    fprintf(out, ": its tree lock is held, skipped\n");
    return;
  }
  fprintf(out, " \"%s\": %llu bytes, %llu pages committed, %llu mappings%s\n", vmo->name,
          (unsigned long long)pages->size, (unsigned long long)pages->map.resident,
          (unsigned long long)vmo->num_mappings, pages->resizable ? ", resizable" : "");
  if (vmo->parent != NULL) {
    fprintf(out, "    %s of koid %llu\n",
            vmo->slice       ? "slice"
            : vmo->reference ? "reference"
                             : "copy-on-write child",
            (unsigned long long)vmo->parent->object.koid);
  }
  if (!vmo->reference) {
    zxp_content_dump_locked(zxp_vmo_content(vmo), out);
  }
  if (vmo->slice || vmo->reference) {
    zxp_biased_unlock(&pages->tree->lock);
    return; /* The pages are listed with the VMO that it shows. */
  }
  dump_pages_locked(pages, out);
  if (pages->source != NULL) {
    zxp_source_dump_locked(pages->source, out);
  }
  zxp_biased_unlock(&pages->tree->lock);
}

ZXP_EXPORT void zxp_dump(FILE* out) {
  const int saved_errno = errno;
  fprintf(out, "libzxpager: VMOs\n");
  if (!zxp_vmo_try_for_each(dump_vmo, out)) {
    fprintf(out, "  the list of VMOs is locked, skipped\n");
  }
  fprintf(out, "libzxpager: ports\n");
  zxp_port_dump_all(out);
  fflush(out);
  errno = saved_errno;
}

/* ---- By a signal ---- */

static struct zxp_mutex lock = ZXP_MUTEX_INITIALIZER(ZXP_RANK_LEAF);
static int handled_signal;        /* guarded by lock */
static struct sigaction former;   /* guarded by lock */
static pthread_t dumper;          /* guarded by lock */
static atomic_int notify_fd = -1; /* what the handler writes to */
static atomic_bool dumper_stop;

static void on_signal(int signo) {
  const int saved_errno = errno;
  const uint64_t one = 1;
  (void)signo;
  ssize_t ignored = write(atomic_load(&notify_fd), &one, sizeof one);
  (void)ignored;
  errno = saved_errno;
}

static void* dumper_main(void* context) {
  const int fd = *(const int*)context;
  uint64_t count;
  pthread_setname_np(pthread_self(), "zxp-dump");
  while (read(fd, &count, sizeof count) == sizeof count || errno == EINTR) {
    if (atomic_load(&dumper_stop)) {
      break;
    }
    zxp_dump(stderr);
  }
  return NULL;
}

/* Puts the former handler back and ends the thread. */
static void stop_dumper_locked(void) {
  if (handled_signal == 0) {
    return;
  }
  sigaction(handled_signal, &former, NULL);
  handled_signal = 0;
  atomic_store(&dumper_stop, true);
  on_signal(0);
  pthread_join(dumper, NULL);
  close(atomic_exchange(&notify_fd, -1));
}

static zx_status_t start_dumper_locked(int signo) {
  static int fd; /* outlives this call for the thread */
  sigset_t all;
  sigset_t old;
  fd = eventfd(0, EFD_CLOEXEC);
  if (fd < 0) {
    return ZX_ERR_NO_RESOURCES;
  }
  atomic_store(&dumper_stop, false);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  const int rc = pthread_create(&dumper, NULL, dumper_main, &fd);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (rc != 0) {
    close(fd);
    return ZX_ERR_NO_RESOURCES;
  }
  atomic_store(&notify_fd, fd);
  struct sigaction act;
  memset(&act, 0, sizeof act);
  act.sa_handler = on_signal;
  act.sa_flags = SA_RESTART;
  sigemptyset(&act.sa_mask);
  sigaction(signo, &act, &former);
  handled_signal = signo;
  return ZX_OK;
}

ZXP_EXPORT zx_status_t zxp_dump_on_signal(int signo) {
  zx_status_t st = ZX_OK;
  if (signo < 0 || signo > SIGRTMAX || signo == SIGKILL || signo == SIGSTOP) {
    return ZX_ERR_INVALID_ARGS;
  }
  zxp_mutex_lock(&lock);
  stop_dumper_locked();
  if (signo != 0) {
    st = start_dumper_locked(signo);
  }
  zxp_mutex_unlock(&lock);
  return st;
}
