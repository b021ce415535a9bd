/* SPDX-License-Identifier: BSD-3-Clause */
#include "readers.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zircon/syscalls.h>

/* What a reader in order asks for at once by zx_vmo_read: several clusters, so several file reads
 * run. */
#define CHUNK_PAGES ((size_t)64)

/* With --fail-every 2, the smallest, and readers that take turns one page can fail some times in a
 * row. So often in a row is no chance any more. */
#define MAX_TRIES 1000

/* ---- Touching memory that may fail ---- */

/* The access under way on this thread. */
static _Thread_local struct {
  volatile sig_atomic_t armed;
  const volatile unsigned char* volatile page;
  sigjmp_buf out;
} touching;

static void on_sigbus(int signo, siginfo_t* info, void* context) {
  (void)signo;
  (void)context;
  const uintptr_t page = (uintptr_t)info->si_addr & ~(uintptr_t)(PAGE_SIZE_BYTES - 1);
  if (touching.armed && page == (uintptr_t)touching.page) {
    touching.armed = 0;
    siglongjmp(touching.out, 1);
  }
  static const char text[] = "filepager: SIGBUS in a thread that did not touch the page\n";
  (void)!write(STDERR_FILENO, text, sizeof text - 1);
  _exit(1);
}

int readers_init(void) {
  struct sigaction action = {.sa_sigaction = on_sigbus};
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  return sigaction(SIGBUS, &action, NULL);
}

/* Loads one byte, which waits for the pager where the page is absent. False if the pager failed it.
 */
static bool touch(const unsigned char* page) {
  touching.page = page;
  /* With the mask: SIGBUS is blocked while it is handled, and the handler is left by a jump. */
  if (sigsetjmp(touching.out, 1) != 0) {
    return false;
  }
  touching.armed = 1;
  (void)*touching.page;
  touching.armed = 0;
  return true;
}

/* ---- Getting at pages ---- */

/* Bytes of the file in [page, page + count). */
static size_t file_bytes(const struct server* s, uint64_t page, uint64_t count) {
  const uint64_t offset = page * PAGE_SIZE_BYTES;
  const uint64_t left = s->file_size - offset;
  return count * PAGE_SIZE_BYTES < left ? count * PAGE_SIZE_BYTES : left;
}

static bool all_zero(const unsigned char* p, size_t n) {
  while (n > 0 && *p == 0) {
    p++;
    n--;
  }
  return n == 0;
}

/* Waits until the page is there; its bytes then lie in the mapping. */
static const unsigned char* get_mapped(struct reader* r, uint64_t page) {
  const unsigned char* p = r->memory + page * PAGE_SIZE_BYTES;
  const bool absent = !server_has_page(r->server, page);
  const uint64_t start = nanoseconds_now();
  for (int tries = 0; !touch(p); tries++) {
    r->signals++;
    if (tries == MAX_TRIES) {
      r->problem = "the pager goes on failing a page";
      return NULL;
    }
  }
  if (absent) {
    latency_add(&r->waits, nanoseconds_now() - start);
  }
  return p;
}

/* The same for some pages by zx_vmo_read into `buffer`. */
static const unsigned char* get_read(struct reader* r, uint64_t page, uint64_t count,
                                     unsigned char* buffer) {
  const bool absent = !server_has_page(r->server, page);
  const uint64_t start = nanoseconds_now();
  for (int tries = 0;; tries++) {
    const zx_status_t st =
        zx_vmo_read(r->server->handle, buffer, page * PAGE_SIZE_BYTES, count * PAGE_SIZE_BYTES);
    if (st == ZX_OK) {
      break;
    }
    r->errors++;
    if (st != ZX_ERR_IO || tries == MAX_TRIES) {
      r->problem = "zx_vmo_read fails";
      return NULL;
    }
  }
  if (absent) {
    latency_add(&r->waits, nanoseconds_now() - start);
  }
  return buffer;
}

static const unsigned char* get_from_file(struct reader* r, uint64_t page, uint64_t count,
                                          unsigned char* buffer) {
  const size_t size = file_bytes(r->server, page, count);
  for (size_t done = 0; done < size;) {
    const ssize_t n =
        pread(r->server->fd, buffer + done, size - done, (off_t)(page * PAGE_SIZE_BYTES + done));
    if (n <= 0) {
      r->problem = "the file can't be read, or became shorter";
      return NULL;
    }
    done += (size_t)n;
  }
  /* As the VMO has it: the rest of the last page is zero. */
  memset(buffer + size, 0, count * PAGE_SIZE_BYTES - size);
  return buffer;
}

static const unsigned char* get_pages(struct reader* r, uint64_t page, uint64_t count,
                                      unsigned char* buffer) {
  switch (r->kind) {
    case READER_MAP_IN_ORDER:
    case READER_MAP_RANDOM:
      return get_mapped(r, page); /* always one */
    case READER_CALL_IN_ORDER:
    case READER_CALL_RANDOM:
      return get_read(r, page, count, buffer);
    default:
      return get_from_file(r, page, count, buffer);
  }
}

/* ---- Reading the whole file ---- */

/* A number without common divisor with `pages`, near the golden section: its multiples go
 * everywhere. */
static uint64_t stride_of(uint64_t pages) {
  for (uint64_t stride = (uint64_t)((double)pages * 0.6180339887) | 1;; stride += 2) {
    uint64_t a = stride;
    uint64_t b = pages;
    while (b != 0) {
      const uint64_t rest = a % b;
      a = b;
      b = rest;
    }
    if (a == 1) {
      return stride % pages;
    }
  }
}

static bool is_random(const struct reader* r) {
  return r->kind == READER_MAP_RANDOM || r->kind == READER_CALL_RANDOM;
}

static bool is_mapped(const struct reader* r) {
  return r->kind == READER_MAP_IN_ORDER || r->kind == READER_MAP_RANDOM;
}

/* `digests` has room for one of each page, or is NULL where these are not wanted. */
static void read_all(struct reader* r, unsigned char (*digests)[SHA256_SIZE],
                     unsigned char* buffer) {
  const uint64_t pages = r->server->pages;
  const uint64_t step = is_random(r) || is_mapped(r) ? 1 : CHUNK_PAGES;
  const uint64_t stride = is_random(r) ? stride_of(pages) : 0;
  uint64_t random_page = r->number * (pages / 7) % pages; /* each starts elsewhere */
  struct sha256 whole;
  sha256_init(&whole);

  for (uint64_t i = 0; i < pages; i += step) {
    const uint64_t page = is_random(r) ? random_page : i;
    const uint64_t count = step < pages - i ? step : pages - i;
    const unsigned char* bytes = get_pages(r, page, count, buffer);
    if (bytes == NULL) {
      return;
    }
    const size_t size = file_bytes(r->server, page, count);
    if (!all_zero(bytes + size, count * PAGE_SIZE_BYTES - size)) {
      r->problem = "the last page does not end in zeros";
      return;
    }
    if (!is_random(r)) {
      sha256_add(&whole, bytes, size);
    }
    for (uint64_t k = 0; digests != NULL && k < count; k++) {
      struct sha256 one;
      sha256_init(&one);
      sha256_add(&one, bytes + k * PAGE_SIZE_BYTES, file_bytes(r->server, page + k, 1));
      sha256_finish(&one, digests[page + k]);
    }
    random_page = (random_page + stride) % pages;
    atomic_fetch_add_explicit(&r->pages_read, count, memory_order_relaxed);
  }

  sha256_finish(&whole, r->whole);
  if (digests != NULL) {
    struct sha256 list;
    sha256_init(&list);
    sha256_add(&list, digests, pages * SHA256_SIZE);
    sha256_finish(&list, r->paged);
  }
}

static void reader_main(void* argument) {
  struct reader* r = argument;
  const bool wants_digests = is_random(r) || r->kind == READER_FILE;
  unsigned char(*digests)[SHA256_SIZE] =
      wants_digests ? calloc(r->server->pages, sizeof *digests) : NULL;
  unsigned char* buffer = malloc(CHUNK_PAGES * PAGE_SIZE_BYTES);
  if (buffer == NULL || (wants_digests && digests == NULL)) {
    r->problem = "out of memory";
  } else {
    read_all(r, digests, buffer);
  }
  free(buffer);
  free(digests);
  atomic_fetch_sub(r->running, 1);
  uv_async_send(r->finished);
}

int reader_start(struct reader* r) { return uv_thread_create(&r->thread, reader_main, r); }

const char* reader_kind_name(enum reader_kind kind) {
  static const char* const names[READER_KINDS] = {
      [READER_FILE] = "pread of the file",
      [READER_MAP_IN_ORDER] = "mapping, in order",
      [READER_CALL_IN_ORDER] = "zx_vmo_read, in order",
      [READER_MAP_RANDOM] = "mapping, random",
      [READER_CALL_RANDOM] = "zx_vmo_read, random",
  };
  return names[kind];
}

bool reader_matches(const struct reader* r, const struct reader* reference) {
  if (r->problem != NULL || reference->problem != NULL) {
    return false;
  }
  return is_random(r) ? memcmp(r->paged, reference->paged, SHA256_SIZE) == 0
                      : memcmp(r->whole, reference->whole, SHA256_SIZE) == 0;
}
