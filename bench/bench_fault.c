/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long a load from an absent page takes, from the touch until the thread goes on: answered from
 * zx_port_wait and from a libuv callback, each against the loop that one would write by hand
 * (raw_uffd.h).
 *
 *   bench_fault [--pages N] [--rounds N] [--place free|same|apart] [--json FILE]
 *
 * One thread touches N pages one after the other; another one, which the scheduler may put
 * anywhere, fills a page and answers. The four ways take turns, a round of N pages each, so that
 * what else the machine does falls on all of them. What comes before and after the touches is not
 * measured.
 *
 * Where the two threads run decides more than the code between them. By default the scheduler
 * chooses, and may choose differently from one round to the next; `same` keeps both on one core,
 * `apart` on two.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/port.h>
#include <zircon/zxpager-uv.h>
#include <zircon/zxpager.h>

#include "bench.h"
#include "raw_uffd.h"

#define PAGE 4096u

/* Packets of no VMO: the thread is to end. */
#define STOP_KEY UINT64_MAX

static unsigned char pattern[PAGE];

static void check(zx_status_t st, const char* what) {
  if (st != ZX_OK) {
    fprintf(stderr, "%s: %s\n", what, zx_status_get_string(st));
    exit(1);
  }
}

/* Touches each page once. */
static void touch_pages(const unsigned char* memory, size_t pages, struct bench_samples* out) {
  for (size_t i = 0; i < pages; i++) {
    const uint64_t start = bench_now();
    const unsigned char byte = *(const volatile unsigned char*)(memory + i * PAGE);
    const uint64_t end = bench_now();
    if (byte != pattern[0]) {
      fprintf(stderr, "page %zu: wrong content\n", i);
      exit(1);
    }
    bench_samples_add(out, end - start);
  }
}

/* ---- The library's side of both ways ---- */

/* The buffer that a pager fills and supplies from. */
struct transfer {
  zx_handle_t vmo;
  zx_vaddr_t address;
};

static void transfer_init(struct transfer* t) {
  check(zx_vmo_create(PAGE, 0, &t->vmo), "zx_vmo_create");
  check(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, t->vmo, 0, PAGE,
                    &t->address),
        "zx_vmar_map");
}

static void transfer_free(struct transfer* t) {
  zx_vmar_unmap(zx_vmar_root_self(), t->address, PAGE);
  zx_handle_close(t->vmo);
}

static void answer(const struct transfer* t, zx_handle_t pager, zx_handle_t vmo, uint64_t offset) {
  memcpy((void*)t->address, pattern, PAGE);
  check(zx_pager_supply_pages(pager, vmo, offset, PAGE, t->vmo, 0), "zx_pager_supply_pages");
}

static void touch_vmo(zx_handle_t vmo, size_t pages, struct bench_samples* out) {
  zx_vaddr_t address;
  check(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, vmo, 0, pages * PAGE, &address),
        "zx_vmar_map");
  touch_pages((const unsigned char*)address, pages, out);
  check(zx_vmar_unmap(zx_vmar_root_self(), address, pages * PAGE), "zx_vmar_unmap");
}

/* ---- zx_port_wait ---- */

struct port_way {
  zx_handle_t port;
  zx_handle_t pager;
  zx_handle_t vmo; /* of the round; set while nothing is requested */
  struct transfer transfer;
  pthread_t thread;
};

static void* port_main(void* argument) {
  struct port_way* w = argument;
  for (;;) {
    zx_port_packet_t packet;
    check(zx_port_wait(w->port, ZX_TIME_INFINITE, &packet), "zx_port_wait");
    if (packet.key == STOP_KEY) {
      return NULL;
    }
    if (packet.page_request.command == ZX_PAGER_VMO_READ) {
      answer(&w->transfer, w->pager, w->vmo, packet.page_request.offset);
    }
  }
}

static void port_way_start(struct port_way* w) {
  check(zx_port_create(0, &w->port), "zx_port_create");
  check(zx_pager_create(0, &w->pager), "zx_pager_create");
  transfer_init(&w->transfer);
  if (pthread_create(&w->thread, NULL, port_main, w) != 0) {
    exit(1);
  }
}

static void port_way_round(struct port_way* w, size_t pages, struct bench_samples* out) {
  check(zx_pager_create_vmo(w->pager, 0, w->port, 0, pages * PAGE, &w->vmo), "zx_pager_create_vmo");
  touch_vmo(w->vmo, pages, out);
  zx_handle_close(w->vmo);
}

static void port_way_stop(struct port_way* w) {
  const zx_port_packet_t stop = {.key = STOP_KEY, .type = ZX_PKT_TYPE_USER};
  check(zx_port_queue(w->port, &stop), "zx_port_queue");
  pthread_join(w->thread, NULL);
  transfer_free(&w->transfer);
  zx_handle_close(w->pager);
  zx_handle_close(w->port);
}

/* ---- A libuv callback ---- */

struct uv_way {
  zxp_uv_thread_t thread;
  zxp_uv_pager_t pager;
  struct transfer transfer;
};

/* What a round needs, freed when its VMO completes. */
struct uv_round {
  zxp_uv_vmo_t vmo;
  struct uv_way* way;
};

static void on_read(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length) {
  (void)length; /* one page: a touch asks for no more */
  const struct uv_round* round = vmo->data;
  answer(&round->way->transfer, zxp_uv_pager_handle(vmo->pager), vmo->handle, offset);
}

static void on_complete(zxp_uv_vmo_t* vmo) { free(vmo->data); }

static void uv_way_start(struct uv_way* w) {
  static const zxp_uv_pager_callbacks_t callbacks = {
      .size = sizeof callbacks, .read = on_read, .complete = on_complete};
  transfer_init(&w->transfer);
  check(zxp_uv_thread_start(&w->thread, "bench-loop"), "zxp_uv_thread_start");
  check(zxp_uv_pager_init_on_thread(&w->thread, &w->pager, &callbacks), "zxp_uv_pager_init");
}

static void uv_way_round(struct uv_way* w, size_t pages, struct bench_samples* out) {
  struct uv_round* round = calloc(1, sizeof *round);
  if (round == NULL) {
    exit(1);
  }
  round->way = w;
  round->vmo.data = round;
  zx_handle_t vmo;
  check(zxp_uv_pager_create_vmo(&w->pager, &round->vmo, 0, pages * PAGE, &vmo),
        "zxp_uv_pager_create_vmo");
  touch_vmo(vmo, pages, out);
  zx_handle_close(vmo);
}

static void uv_way_stop(struct uv_way* w) {
  check(zxp_uv_pager_close_on_thread(&w->thread, &w->pager), "zxp_uv_pager_close_on_thread");
  check(zxp_uv_thread_stop(&w->thread), "zxp_uv_thread_stop");
  transfer_free(&w->transfer);
}

/* ---- All four in turns ---- */

static void raw_round(struct raw_uffd* r, size_t pages, struct bench_samples* out) {
  touch_pages(r->memory, pages, out);
  raw_uffd_reset(r);
}

static size_t number(const char* text) {
  const long n = strtol(text, NULL, 10);
  if (n <= 0 || n > 1000000) {
    fprintf(stderr, "bench_fault: %s: not a number from 1 to 1000000\n", text);
    exit(2);
  }
  return (size_t)n;
}

enum place {
  FREE,
  SAME,
  APART
};

static enum place place_of(const char* text) {
  if (strcmp(text, "same") == 0) return SAME;
  if (strcmp(text, "apart") == 0) return APART;
  if (strcmp(text, "free") == 0) return FREE;
  fprintf(stderr, "bench_fault: %s: not a place\n", text);
  exit(2);
}

/* Keeps the calling thread, and those that it starts from now on, on the nth core it may use. */
static void stay_on_core(const cpu_set_t* allowed, int n) {
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, allowed) && n-- == 0) {
      CPU_SET(cpu, &one);
    }
  }
  if (sched_setaffinity(0, sizeof one, &one) != 0) {
    fprintf(stderr, "bench_fault: there are not enough cores\n");
    exit(2);
  }
}

struct settings {
  size_t pages;
  size_t rounds;
  enum place place;
  const char* json;
};

static bool parse(int argc, char** argv, struct settings* s) {
  *s = (struct settings){.pages = 256, .rounds = 100, .place = FREE};
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 == argc) {
      return false;
    }
    if (strcmp(argv[i], "--pages") == 0) {
      s->pages = number(argv[i + 1]);
    } else if (strcmp(argv[i], "--rounds") == 0) {
      s->rounds = number(argv[i + 1]);
    } else if (strcmp(argv[i], "--place") == 0) {
      s->place = place_of(argv[i + 1]);
    } else if (strcmp(argv[i], "--json") == 0) {
      s->json = argv[i + 1];
    } else {
      return false;
    }
  }
  return true;
}

enum way {
  RAW_POLL,
  PORT,
  RAW_UV,
  UV,
  WAYS
};

int main(int argc, char** argv) {
  struct settings settings;
  if (!parse(argc, argv, &settings)) {
    fprintf(
        stderr,
        "usage: bench_fault [--pages N] [--rounds N] [--place free|same|apart] [--json FILE]\n");
    return 2;
  }
  const size_t pages = settings.pages;
  const size_t rounds = settings.rounds;

  zxp_probe_t probe;
  check(zxp_probe(&probe), "zxp_probe");
  if (!probe.mappings_supported) {
    printf("skipped: page faults can't be served here\n%s\n", probe.advice);
    return 77;
  }
  memset(pattern, 0x5a, sizeof pattern);

  cpu_set_t allowed;
  sched_getaffinity(0, sizeof allowed, &allowed);
  if (settings.place != FREE) {
    stay_on_core(&allowed, settings.place == APART ? 1 : 0);
  }

  static struct raw_uffd raw_poll;
  static struct raw_uffd raw_uv;
  static struct port_way port;
  static struct uv_way uv;
  if (!raw_uffd_start(&raw_poll, pages, pattern, false) ||
      !raw_uffd_start(&raw_uv, pages, pattern, true)) {
    return 1;
  }
  port_way_start(&port);
  uv_way_start(&uv);
  if (settings.place != FREE) {
    stay_on_core(&allowed, 0);
  }

  struct bench_samples samples[WAYS];
  for (int i = 0; i < WAYS; i++) {
    bench_samples_init(&samples[i], pages * rounds);
  }
  /* One round more: the first warms up, and is forgotten. */
  for (size_t round = 0; round <= rounds; round++) {
    raw_round(&raw_poll, pages, &samples[RAW_POLL]);
    port_way_round(&port, pages, &samples[PORT]);
    raw_round(&raw_uv, pages, &samples[RAW_UV]);
    uv_way_round(&uv, pages, &samples[UV]);
    for (int i = 0; round == 0 && i < WAYS; i++) {
      samples[i].count = 0;
    }
  }

  struct bench_report report;
  bench_report_init(&report, "fault");
  bench_report_add(&report, "raw poll loop", &samples[RAW_POLL], NULL);
  bench_report_add(&report, "zx_port_wait", &samples[PORT], "raw poll loop");
  bench_report_add(&report, "raw uv_poll_t loop", &samples[RAW_UV], NULL);
  bench_report_add(&report, "libuv callback", &samples[UV], "raw uv_poll_t loop");
  bench_report_print(&report);
  const bool written = settings.json == NULL || bench_report_write_json(&report, settings.json);

  uv_way_stop(&uv);
  port_way_stop(&port);
  raw_uffd_stop(&raw_uv);
  raw_uffd_stop(&raw_poll);
  for (int i = 0; i < WAYS; i++) {
    bench_samples_free(&samples[i]);
  }
  return written ? 0 : 1;
}
