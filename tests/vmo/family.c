/* SPDX-License-Identifier: BSD-3-Clause */
#include "family.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>

#define PAGE      ((uint64_t)4096)
#define PAGES_MAX 6
#define VMOS_MAX  12

/* Sanitizers would remember accesses to memory whose state changes under them. */
#define UNCHECKED __attribute__((noinline, no_sanitize("address", "thread")))

#define COW_KINDS \
  (ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE | ZX_VMO_CHILD_SNAPSHOT_MODIFIED)

/* Lives as long as a VMO shows it or a child looks at it. */
struct content {
  unsigned refs;
  bool resizable;
  bool related; /* it is or was on one side of a snapshot: DECOMMIT may be refused */
  uint64_t pages;
  bool own[PAGES_MAX];
  uint8_t bytes[PAGES_MAX][4096]; /* where own */
  /* Pager trees. */
  struct content* parent; /* NULL: zeros */
  uint64_t parent_offset; /* in pages */
  uint64_t parent_limit;
  bool in_mod;       /* took part in a MODIFIED snapshot of a lazy child */
  bool had_children; /* lazy ones */
};

struct vmo {
  bool used;
  zx_handle_t handle; /* ZX_HANDLE_INVALID: lives by its mapping */
  struct content* content;
  bool slice;
  bool reference;
  uint64_t first; /* the window of a slice, in pages */
  uint64_t count;
  uint8_t* map; /* NULL: not mapped */
  uint64_t map_first;
  uint64_t map_count;
};

struct family {
  enum tree_kind kind;
  FILE* out;
  bool different;
  zx_handle_t pager;
  zx_handle_t port;
  struct vmo vmos[VMOS_MAX];
};

enum step_kind {
  STEP_ROOT,
  STEP_COW,
  STEP_SLICE,
  STEP_REFERENCE,
  STEP_CLOSE,
  STEP_WRITE,
  STEP_ZERO,
  STEP_RESIZE,
  STEP_COMMIT,
  STEP_DECOMMIT,
  STEP_TRANSFER,
  STEP_MAP,
  STEP_UNMAP,
  STEP_STORE,
  STEP_LOAD,
  STEP_READ_INTO_MAPPING,
  STEP_STREAM_SIZE,
  STEP_KINDS,
};

static const char* const step_names[STEP_KINDS] = {
    "root",  "cow",    "slice",  "reference",         "close",       "write",
    "zero",  "resize", "commit", "decommit",          "transfer",    "map",
    "unmap", "store",  "load",   "read-into-mapping", "stream-size",
};

/* How often each, of a hundred or so. */
static const unsigned step_weights[STEP_KINDS] = {4, 12, 4, 4, 9,  14, 7, 5, 3,
                                                  3, 4,  8, 4, 12, 6,  3, 2};

struct script_op family_random_step(struct rng* rng) {
  unsigned total = 0;
  for (unsigned i = 0; i < STEP_KINDS; i++) {
    total += step_weights[i];
  }
  unsigned at = (unsigned)rng_below(rng, total);
  unsigned kind = 0;
  while (at >= step_weights[kind]) {
    at -= step_weights[kind++];
  }
  return (struct script_op){.kind = kind,
                            .a = rng_below(rng, 64),
                            .b = rng_below(rng, 1 << 16),
                            .c = rng_below(rng, 1 << 16)};
}

void family_print_step(const struct script_op* step, FILE* out) {
  fprintf(out, "{%s, %llu, %llu, %llu}", step_names[step->kind % STEP_KINDS],
          (unsigned long long)step->a, (unsigned long long)step->b, (unsigned long long)step->c);
}

/* ---- Faults ---- */

static _Thread_local sigjmp_buf fault_jump;
static _Thread_local volatile sig_atomic_t fault_armed;

static void on_fault(int signo, siginfo_t* info, void* context) {
  (void)info;
  (void)context;
  if (!fault_armed) {
    signal(signo, SIG_DFL);
    return;
  }
  fault_armed = 0;
  siglongjmp(fault_jump, 1);
}

void family_catch_faults(void) {
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, NULL);
  /* CMocka's handlers would go on with the next test in the child whose assertion failed. */
  static const int fatal[] = {SIGABRT, SIGSEGV, SIGILL, SIGFPE, SIGSYS};
  for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
    signal(fatal[i], SIG_DFL);
  }
}

UNCHECKED static void store_bytes(uint8_t* to, uint8_t byte, uint64_t n) {
  for (uint64_t i = 0; i < n; i++) {
    ((volatile uint8_t*)to)[i] = byte;
  }
}

UNCHECKED static void load_bytes(uint8_t* to, const uint8_t* from, uint64_t n) {
  for (uint64_t i = 0; i < n; i++) {
    to[i] = ((const volatile uint8_t*)from)[i];
  }
}

/* One of the two through a mapping; false if it faulted. */
static bool access_guarded(uint8_t* at, uint64_t n, const uint8_t* store, uint8_t* load) {
  if (sigsetjmp(fault_jump, 1) != 0) {
    return false;
  }
  fault_armed = 1;
  if (store != NULL) {
    store_bytes(at, *store, n);
  } else {
    load_bytes(load, at, n);
  }
  fault_armed = 0;
  return true;
}

/* ---- The model ---- */

static struct content* content_new(uint64_t pages) {
  struct content* c = calloc(1, sizeof *c);
  if (c != NULL) {
    c->refs = 1;
    c->pages = pages;
  }
  return c;
}

static void content_put(struct content* c) {
  while (c != NULL && --c->refs == 0) {
    struct content* parent = c->parent;
    free(c);
    c = parent;
  }
}

static void content_look(const struct content* c, uint64_t page, uint8_t* out) {
  while (!c->own[page]) {
    if (c->parent == NULL || page >= c->parent_limit) {
      memset(out, 0, PAGE);
      return;
    }
    page += c->parent_offset;
    c = c->parent;
  }
  memcpy(out, c->bytes[page], PAGE);
}

/* The page becomes its own, with what it shows. */
static uint8_t* content_fork(struct content* c, uint64_t page) {
  if (!c->own[page]) {
    content_look(c, page, c->bytes[page]);
    c->own[page] = true;
  }
  return c->bytes[page];
}

static void content_set(struct content* c, uint64_t offset, uint64_t length, int byte) {
  while (length > 0) {
    const uint64_t skip = offset % PAGE;
    const uint64_t n = length < PAGE - skip ? length : PAGE - skip;
    memset(content_fork(c, offset / PAGE) + skip, byte, n);
    offset += n;
    length -= n;
  }
}

/* What is cut off is gone for the VMO; for those that look at it, vmo_shrunk() says so. */
static void content_resize(struct content* c, uint64_t pages) {
  for (uint64_t page = pages; page < c->pages; page++) {
    c->own[page] = false;
  }
  if (c->parent_limit > pages) {
    c->parent_limit = pages;
  }
  c->pages = pages;
}

/* A child that starts at `first` of `c`. */
static struct content* content_snapshot(struct content* c, uint64_t first, uint64_t pages) {
  struct content* child = content_new(pages);
  if (child == NULL) {
    return NULL;
  }
  for (uint64_t page = 0; page < pages && first + page < c->pages; page++) {
    content_look(c, first + page, child->bytes[page]);
    child->own[page] = true;
  }
  child->related = c->related = true;
  return child;
}

static struct content* content_lazy(struct content* c, uint64_t first, uint64_t pages) {
  struct content* child = content_new(pages);
  if (child != NULL) {
    c->refs++;
    c->had_children = true;
    child->parent = c;
    child->parent_offset = first;
    const uint64_t seen = c->pages > first ? c->pages - first : 0;
    child->parent_limit = seen < pages ? seen : pages;
    child->related = c->related = true;
  }
  return child;
}

/* MODIFIED of a lazy child: its own pages as they are, the rest lazy towards what it looks at
 * itself. */
static struct content* content_mod(struct content* c, uint64_t first, uint64_t pages) {
  struct content* child = content_new(pages);
  if (child == NULL) {
    return NULL;
  }
  for (uint64_t page = 0; page < pages && first + page < c->pages; page++) {
    if (c->own[first + page]) {
      memcpy(child->bytes[page], c->bytes[first + page], PAGE);
      child->own[page] = true;
    }
  }
  child->parent = c->parent;
  if (c->parent != NULL) {
    c->parent->refs++;
    child->parent_offset = c->parent_offset + first;
    const uint64_t limit = c->parent_limit < c->pages ? c->parent_limit : c->pages;
    const uint64_t seen = limit > first ? limit - first : 0;
    child->parent_limit = seen < pages ? seen : pages;
  }
  child->related = c->related = child->in_mod = c->in_mod = true;
  return child;
}

/* ---- VMOs ---- */

static uint64_t pages_of(const struct vmo* v) { return v->slice ? v->count : v->content->pages; }

__attribute__((format(printf, 2, 3))) static bool report(struct family* f, const char* format,
                                                         ...) {
  va_list args;
  va_start(args, format);
  fprintf(f->out, "difference: ");
  vfprintf(f->out, format, args);
  fprintf(f->out, "\n");
  va_end(args);
  f->different = true;
  return false;
}

#define differs(f, format, a, b) \
  report((f), format, (unsigned long long)(a), (unsigned long long)(b))

static bool expect_status(struct family* f, const char* call, zx_status_t got, zx_status_t wanted) {
  if (got == wanted) {
    return true;
  }
  fprintf(f->out, "difference: %s gave %d, not %d\n", call, got, wanted);
  f->different = true;
  return false;
}

/* A used VMO by any number, or NULL; `with_handle`: one whose handle is open. */
static struct vmo* pick(struct family* f, uint64_t number, bool with_handle) {
  struct vmo* found[VMOS_MAX];
  uint64_t n = 0;
  for (int i = 0; i < VMOS_MAX; i++) {
    struct vmo* v = &f->vmos[i];
    if (v->used && (!with_handle || v->handle != ZX_HANDLE_INVALID)) {
      found[n++] = v;
    }
  }
  return n == 0 ? NULL : found[number % n];
}

static struct vmo* pick_mapped(struct family* f, uint64_t number) {
  struct vmo* found[VMOS_MAX];
  uint64_t n = 0;
  for (int i = 0; i < VMOS_MAX; i++) {
    if (f->vmos[i].used && f->vmos[i].map != NULL) {
      found[n++] = &f->vmos[i];
    }
  }
  return n == 0 ? NULL : found[number % n];
}

static struct vmo* free_vmo(struct family* f) {
  for (int i = 0; i < VMOS_MAX; i++) {
    if (!f->vmos[i].used) {
      return &f->vmos[i];
    }
  }
  return NULL;
}

static void add(struct vmo* v, zx_handle_t handle, struct content* content) {
  *v = (struct vmo){.used = true, .handle = handle, .content = content};
}

/* The object has ended if neither a handle nor a mapping is left. */
static void drop_if_ended(struct vmo* v) {
  if (v->handle == ZX_HANDLE_INVALID && v->map == NULL) {
    content_put(v->content);
    v->used = false;
  }
}

static bool compare(struct family* f, const struct vmo* v, bool by_call) {
  uint8_t wanted[PAGE];
  uint8_t got[PAGE];
  const uint64_t pages = pages_of(v);
  if (by_call) {
    uint64_t size = 0;
    if (!expect_status(f, "get_size", zx_vmo_get_size(v->handle, &size), ZX_OK)) return false;
    if (size != pages * PAGE) return differs(f, "size is %llu pages, not %llu", size / PAGE, pages);
  }
  for (uint64_t page = 0; page < pages; page++) {
    if (!by_call && (page < v->map_first || page >= v->map_first + v->map_count)) continue;
    content_look(v->content, v->first + page, wanted);
    if (by_call) {
      if (!expect_status(f, "read", zx_vmo_read(v->handle, got, page * PAGE, PAGE), ZX_OK))
        return false;
    } else if (!access_guarded(v->map + (page - v->map_first) * PAGE, PAGE, NULL, got)) {
      return differs(f, "VMO %llu faults at page %llu", (unsigned long long)(v - f->vmos), page);
    }
    if (memcmp(got, wanted, PAGE) != 0) {
      uint64_t at = 0;
      while (got[at] == wanted[at]) {
        at++;
      }
      fprintf(f->out, "VMO %d, %s: byte %llu of page %llu is %u, not %u\n", (int)(v - f->vmos),
              by_call ? "read" : "mapping", (unsigned long long)at, (unsigned long long)page,
              got[at], wanted[at]);
      f->different = true;
      return false;
    }
  }
  return true;
}

/* ---- Steps ---- */

static bool make_root(struct family* f, const struct script_op* s) {
  struct vmo* v = free_vmo(f);
  const uint64_t pages = s->b % (PAGES_MAX + 1);
  const bool resizable = s->c % 2 == 1;
  const uint32_t options = resizable ? ZX_VMO_RESIZABLE : 0;
  zx_handle_t handle = ZX_HANDLE_INVALID;
  struct content* c = v != NULL ? content_new(pages) : NULL;
  if (c == NULL) return true;
  c->resizable = resizable;
  if (f->kind == ANONYMOUS_TREE) {
    if (!expect_status(f, "create", zx_vmo_create(pages * PAGE, options, &handle), ZX_OK))
      return false;
  } else {
    zx_handle_t source = ZX_HANDLE_INVALID;
    zx_status_t status = zx_pager_create_vmo(f->pager, options, f->port, 1, pages * PAGE, &handle);
    if (status == ZX_OK) status = zx_vmo_create(pages * PAGE, 0, &source);
    for (uint64_t page = 0; page < pages && status == ZX_OK; page++) {
      if ((s->c >> page) % 2 == 1) continue; /* supplied as zeros */
      memset(c->bytes[page], (int)(page + 1), PAGE);
      status = zx_vmo_write(source, c->bytes[page], page * PAGE, PAGE);
    }
    if (status == ZX_OK) {
      status = zx_pager_supply_pages(f->pager, handle, 0, pages * PAGE, source, 0);
    }
    zx_handle_close(source);
    if (!expect_status(f, "pager root", status, ZX_OK)) return false;
    memset(c->own, 1, sizeof c->own);
  }
  add(v, handle, c);
  return true;
}

/* What kind of COW child the parent may have: vmo.md 6; false where a program should not rely on
 * either. */
static bool predict_cow(const struct family* f, const struct vmo* parent, uint32_t kind,
                        zx_status_t* status,
                        struct content* (**make)(struct content*, uint64_t, uint64_t)) {
  const struct content* c = parent->content;
  *status = ZX_OK;
  if (f->kind == ANONYMOUS_TREE) {
    *make = content_snapshot;
    *status = parent->slice ? ZX_ERR_NOT_SUPPORTED : ZX_OK;
    return true;
  }
  *make = content_lazy;
  if (kind == ZX_VMO_CHILD_SNAPSHOT) {
    *status = ZX_ERR_NOT_SUPPORTED;
    return true;
  }
  if (c->in_mod) {
    /* When the other side has ended, it may be a lazy child again. */
    return false;
  }
  if (c->parent != NULL && kind == ZX_VMO_CHILD_SNAPSHOT_MODIFIED) {
    *make = content_mod;
    if (c->had_children || c->parent->parent != NULL) {
      return false;
    }
    *status = parent->slice ? ZX_ERR_NOT_SUPPORTED : ZX_OK;
  }
  return true;
}

/* A mod snapshot of a VMO of one: allowed as long as both sides live, and harmless to try at any
 * time. */
static bool make_mod_of_mod(struct family* f, struct vmo* parent, uint64_t first, uint64_t pages,
                            struct vmo* v) {
  zx_handle_t handle = ZX_HANDLE_INVALID;
  if (parent->slice || parent->content->had_children) return true;
  const zx_status_t status = zx_vmo_create_child(parent->handle, ZX_VMO_CHILD_SNAPSHOT_MODIFIED,
                                                 first * PAGE, pages * PAGE, &handle);
  if (!expect_status(f, "create_child", status, ZX_OK)) return false;
  struct content* c = content_mod(parent->content, first, pages);
  if (c == NULL) {
    zx_handle_close(handle);
    return true;
  }
  add(v, handle, c);
  return true;
}

static bool make_cow(struct family* f, struct vmo* parent, const struct script_op* s) {
  static const uint32_t kinds[] = {ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
                                   ZX_VMO_CHILD_SNAPSHOT_MODIFIED};
  struct vmo* v = free_vmo(f);
  const uint32_t kind = kinds[s->c % 3];
  const bool resizable = (s->c / 3) % 2 == 1;
  const uint64_t first = s->b % (PAGES_MAX + 2);
  const uint64_t pages = (s->b / 8) % (PAGES_MAX + 1);
  struct content* (*make)(struct content*, uint64_t, uint64_t) = NULL;
  zx_status_t wanted = ZX_OK;
  zx_handle_t handle = ZX_HANDLE_INVALID;
  if (v == NULL) return true;
  if (!predict_cow(f, parent, kind, &wanted, &make)) {
    return kind == ZX_VMO_CHILD_SNAPSHOT_MODIFIED && parent->content->in_mod
               ? make_mod_of_mod(f, parent, first, pages, v)
               : true;
  }
  const zx_status_t status =
      zx_vmo_create_child(parent->handle, kind | (resizable ? ZX_VMO_CHILD_RESIZABLE : 0),
                          first * PAGE, pages * PAGE, &handle);
  if (!expect_status(f, "create_child", status, wanted)) return false;
  if (status != ZX_OK) return true;
  struct content* c = make(parent->content, parent->first + first, pages);
  if (c == NULL) {
    zx_handle_close(handle);
    return true;
  }
  if (parent->slice && c->parent_limit > 0) {
    /* It sees no more than the slice. */
    const uint64_t seen = parent->count > first ? parent->count - first : 0;
    c->parent_limit = c->parent_limit < seen ? c->parent_limit : seen;
  }
  c->resizable = resizable;
  add(v, handle, c);
  return true;
}

static bool make_slice(struct family* f, struct vmo* parent, const struct script_op* s) {
  struct vmo* v = free_vmo(f);
  const uint64_t first = s->b % (PAGES_MAX + 1);
  const uint64_t count = s->c % (PAGES_MAX + 1);
  zx_handle_t handle = ZX_HANDLE_INVALID;
  if (v == NULL) return true;
  const zx_status_t wanted = first + count > pages_of(parent) ? ZX_ERR_INVALID_ARGS
                             : parent->content->resizable     ? ZX_ERR_NOT_SUPPORTED
                                                              : ZX_OK;
  const zx_status_t status =
      zx_vmo_create_child(parent->handle, ZX_VMO_CHILD_SLICE, first * PAGE, count * PAGE, &handle);
  if (!expect_status(f, "slice", status, wanted)) return false;
  if (status != ZX_OK) return true;
  parent->content->refs++;
  add(v, handle, parent->content);
  v->slice = true;
  v->first = parent->first + first;
  v->count = count;
  return true;
}

static bool make_reference(struct family* f, struct vmo* parent, const struct script_op* s) {
  struct vmo* v = free_vmo(f);
  const bool resizable = s->c % 2 == 1;
  zx_handle_t handle = ZX_HANDLE_INVALID;
  if (v == NULL) return true;
  const bool refused = parent->slice || (resizable && !parent->content->resizable);
  const zx_status_t status = zx_vmo_create_child(
      parent->handle, ZX_VMO_CHILD_REFERENCE | (resizable ? ZX_VMO_CHILD_RESIZABLE : 0), 0, 0,
      &handle);
  if (!expect_status(f, "reference", status, refused ? ZX_ERR_NOT_SUPPORTED : ZX_OK)) return false;
  if (status != ZX_OK) return true;
  parent->content->refs++;
  add(v, handle, parent->content);
  v->reference = true;
  return true;
}

static void unmap_vmo(struct vmo* v) {
  zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)v->map, v->map_count * PAGE);
  v->map = NULL;
}

static bool map_vmo(struct family* f, struct vmo* v, const struct script_op* s) {
  if (v->map != NULL) unmap_vmo(v);
  v->map_first = s->b % 3;
  v->map_count = 1 + s->c % (PAGES_MAX + 1);
  zx_vaddr_t at = 0;
  const zx_status_t status =
      zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_ALLOW_FAULTS, 0,
                  v->handle, v->map_first * PAGE, v->map_count * PAGE, &at);
  if (!expect_status(f, "map", status, ZX_OK)) return false;
  v->map = (uint8_t*)at;
  return true;
}

/* Bytes [offset, +length) of the VMO, cut to what it has; 0 if nothing. */
static uint64_t byte_range(const struct vmo* v, const struct script_op* s, uint64_t* offset) {
  const uint64_t size = pages_of(v) * PAGE;
  *offset = s->b % (PAGES_MAX * PAGE + 1);
  if (*offset >= size) return 0;
  /* A few bytes, or some pages. */
  const uint64_t length = s->c % 2 == 0 ? 1 + s->c % 64 : s->c % (3 * PAGE);
  return length < size - *offset ? length : size - *offset;
}

static bool write_vmo(struct family* f, struct vmo* v, const struct script_op* s) {
  uint8_t bytes[3 * PAGE];
  uint64_t offset;
  const uint64_t n = byte_range(v, s, &offset);
  const uint8_t byte = (uint8_t)(1 + s->c % 255);
  memset(bytes, byte, n);
  const bool inside = offset <= pages_of(v) * PAGE;
  const zx_status_t status = zx_vmo_write(v->handle, bytes, offset, n);
  if (!expect_status(f, "write", status, inside ? ZX_OK : ZX_ERR_OUT_OF_RANGE)) return false;
  content_set(v->content, v->first * PAGE + offset, n, byte);
  return true;
}

static bool zero_vmo(struct family* f, struct vmo* v, const struct script_op* s) {
  uint64_t offset;
  uint64_t n = byte_range(v, s, &offset);
  if (s->a % 2 == 1) {
    /* Whole pages. */
    offset = offset / PAGE * PAGE;
    n = (n + PAGE - 1) / PAGE * PAGE;
    if (offset + n > pages_of(v) * PAGE) n = 0;
  }
  if (offset > pages_of(v) * PAGE) return true;
  const zx_status_t status = zx_vmo_op_range(v->handle, ZX_VMO_OP_ZERO, offset, n, NULL, 0);
  if (!expect_status(f, "zero", status, ZX_OK)) return false;
  content_set(v->content, v->first * PAGE + offset, n, 0);
  return true;
}

/* Windows onto what has been cut off close for good, also those of children of ended VMOs. */
static void close_windows(struct family* f, const struct content* c) {
  for (int i = 0; i < VMOS_MAX; i++) {
    /* Each content that is looked through from a VMO that still lives. */
    for (struct content* at = f->vmos[i].used ? f->vmos[i].content : NULL; at != NULL;
         at = at->parent) {
      if (at->parent == c) {
        const uint64_t seen = c->pages > at->parent_offset ? c->pages - at->parent_offset : 0;
        at->parent_limit = at->parent_limit < seen ? at->parent_limit : seen;
      }
    }
  }
}

static bool resize_vmo(struct family* f, struct vmo* v, const struct script_op* s) {
  struct content* c = v->content;
  const uint64_t size = s->b % (PAGES_MAX * PAGE + 1);
  const uint64_t pages = (size + PAGE - 1) / PAGE;
  zx_info_handle_basic_t info;
  memset(&info, 0, sizeof info);
  if (!c->resizable) return true;
  zx_object_get_info(v->handle, ZX_INFO_HANDLE_BASIC, &info, sizeof info, NULL, NULL);
  const bool may = (info.rights & ZX_RIGHT_RESIZE) != 0;
  const zx_status_t status = zx_vmo_set_size(v->handle, size);
  if (!expect_status(f, "set_size", status, may ? ZX_OK : ZX_ERR_ACCESS_DENIED)) return false;
  if (status != ZX_OK) return true;
  const uint64_t before = c->pages;
  content_resize(c, pages);
  close_windows(f, c);
  if (c->parent == NULL && f->kind == PAGER_TREE) {
    for (uint64_t page = before; page < pages; page++) {
      memset(c->bytes[page], 0, PAGE);
      c->own[page] = true;
    }
  }
  content_set(c, size, pages * PAGE - size, 0);
  return true;
}

static bool set_stream_size(struct family* f, struct vmo* v, const struct script_op* s) {
  const uint64_t size = s->b % (pages_of(v) * PAGE + 1);
  uint64_t old = 0;
  if (!expect_status(f, "get_stream_size", zx_vmo_get_stream_size(v->handle, &old), ZX_OK))
    return false;
  if (!expect_status(f, "set_stream_size", zx_vmo_set_stream_size(v->handle, size), ZX_OK))
    return false;
  const uint64_t from = size < old ? size : old;
  if (size != old && from < pages_of(v) * PAGE) {
    content_set(v->content, v->first * PAGE + from, pages_of(v) * PAGE - from, 0);
  }
  return true;
}

static bool commit_vmo(struct family* f, struct vmo* v, const struct script_op* s) {
  const uint64_t first = s->b % (PAGES_MAX + 1);
  const uint64_t count = s->c % (PAGES_MAX + 1);
  const bool inside = first + count <= pages_of(v);
  const zx_status_t status =
      zx_vmo_op_range(v->handle, ZX_VMO_OP_COMMIT, first * PAGE, count * PAGE, NULL, 0);
  if (!expect_status(f, "commit", status, inside ? ZX_OK : ZX_ERR_OUT_OF_RANGE)) return false;
  for (uint64_t page = first; inside && page < first + count; page++) {
    content_fork(v->content, v->first + page);
  }
  return true;
}

static bool decommit_vmo(struct family* f, struct vmo* v, const struct script_op* s) {
  const uint64_t first = s->b % (PAGES_MAX + 1);
  const uint64_t count = s->c % (PAGES_MAX + 1);
  const zx_status_t status =
      zx_vmo_op_range(v->handle, ZX_VMO_OP_DECOMMIT, first * PAGE, count * PAGE, NULL, 0);
  if (first + count > pages_of(v)) return expect_status(f, "decommit", status, ZX_ERR_OUT_OF_RANGE);
  if (count == 0) return expect_status(f, "decommit", status, ZX_OK);
  if (f->kind == PAGER_TREE) return expect_status(f, "decommit", status, ZX_ERR_NOT_SUPPORTED);
  if (status == ZX_ERR_NOT_SUPPORTED && v->content->related) return true;
  if (!expect_status(f, "decommit", status, ZX_OK)) return false;
  content_set(v->content, (v->first + first) * PAGE, count * PAGE, 0);
  return true;
}

static bool transfer(struct family* f, struct vmo* dst, const struct script_op* s) {
  struct vmo* src = pick(f, s->c / 64, true);
  const uint64_t to = s->b % PAGES_MAX;
  const uint64_t from = (s->b / 8) % PAGES_MAX;
  const uint64_t n = (s->b / 64) % (PAGES_MAX + 1);
  if (to + n > pages_of(dst) || from + n > pages_of(src)) return true;
  const zx_status_t status =
      zx_vmo_transfer_data(dst->handle, 0, to * PAGE, n * PAGE, src->handle, from * PAGE);
  if (status == ZX_ERR_NOT_SUPPORTED && f->kind == PAGER_TREE) {
    /* One of them is a root, or an alias of one; which has no parent to look at. */
    return dst->content->parent == NULL || src->content->parent == NULL ||
           expect_status(f, "transfer", status, ZX_OK);
  }
  if (!expect_status(f, "transfer", status, ZX_OK)) return false;
  uint8_t moved[PAGES_MAX][4096];
  if (src->content == dst->content && src->first + from == dst->first + to) return true;
  for (uint64_t i = 0; i < n; i++) {
    content_look(src->content, src->first + from + i, moved[i]);
  }
  content_set(src->content, (src->first + from) * PAGE, n * PAGE, 0);
  for (uint64_t i = 0; i < n; i++) {
    memcpy(content_fork(dst->content, dst->first + to + i), moved[i], PAGE);
  }
  return true;
}

static bool touch(struct family* f, struct vmo* v, const struct script_op* s, bool store) {
  const uint64_t page = v->map_first + s->b % v->map_count;
  const uint64_t skip = (s->b / 8) % PAGE;
  const uint64_t n = s->c % 4 == 0 ? PAGE - skip : 1 + s->c % 16;
  const uint64_t length = n < PAGE - skip ? n : PAGE - skip;
  const uint8_t byte = (uint8_t)(1 + s->c % 255);
  uint8_t got[PAGE];
  uint8_t wanted[PAGE];
  const bool inside = page < pages_of(v);
  uint8_t* at = v->map + (page - v->map_first) * PAGE + skip;
  if (access_guarded(at, length, store ? &byte : NULL, got) != inside) {
    return differs(f,
                   inside ? "an access to page %llu of %llu faults"
                          : "an access to page %llu of %llu does not fault",
                   page, pages_of(v));
  }
  if (!inside) return true;
  if (store) {
    content_set(v->content, (v->first + page) * PAGE + skip, length, byte);
    return true;
  }
  content_look(v->content, v->first + page, wanted);
  return memcmp(got, wanted + skip, length) == 0 ||
         differs(f, "a load at page %llu brings other bytes than %llu", page, wanted[skip]);
}

/* The first byte that could not be stored ends it; what came before may have been. */
static bool read_into_mapping(struct family* f, struct vmo* v, const struct script_op* s) {
  struct vmo* buffer = pick_mapped(f, s->c / 8);
  if (buffer == NULL || pages_of(v) == 0) return true;
  const uint64_t from = s->b % pages_of(v);
  const uint64_t to = buffer->map_first + (s->b / 8) % buffer->map_count;
  uint8_t bytes[PAGE];
  content_look(v->content, v->first + from, bytes);
  const zx_status_t status =
      zx_vmo_read(v->handle, buffer->map + (to - buffer->map_first) * PAGE, from * PAGE, PAGE);
  const bool inside = to < pages_of(buffer);
  if (!expect_status(f, "read into a mapping", status, inside ? ZX_OK : ZX_ERR_OUT_OF_RANGE)) {
    return false;
  }
  if (inside) memcpy(content_fork(buffer->content, buffer->first + to), bytes, PAGE);
  return true;
}

static bool close_vmo(struct vmo* v) {
  zx_handle_close(v->handle);
  v->handle = ZX_HANDLE_INVALID;
  drop_if_ended(v);
  return true;
}

static bool do_step(struct family* f, const struct script_op* s) {
  const enum step_kind kind = s->kind % STEP_KINDS;
  struct vmo* v = pick(f, s->a, true);
  struct vmo* mapped = pick_mapped(f, s->a);
  switch (kind) {
    case STEP_ROOT:
      return make_root(f, s);
    case STEP_UNMAP:
      if (mapped == NULL) return true;
      unmap_vmo(mapped);
      drop_if_ended(mapped);
      return true;
    case STEP_STORE:
    case STEP_LOAD:
      return mapped == NULL || touch(f, mapped, s, kind == STEP_STORE);
    default:
      break;
  }
  if (v == NULL) return true;
  switch (kind) {
    case STEP_COW:
      return make_cow(f, v, s);
    case STEP_SLICE:
      return make_slice(f, v, s);
    case STEP_REFERENCE:
      return make_reference(f, v, s);
    case STEP_CLOSE:
      return close_vmo(v);
    case STEP_WRITE:
      return write_vmo(f, v, s);
    case STEP_ZERO:
      return zero_vmo(f, v, s);
    case STEP_RESIZE:
      return resize_vmo(f, v, s);
    case STEP_COMMIT:
      return commit_vmo(f, v, s);
    case STEP_DECOMMIT:
      return decommit_vmo(f, v, s);
    case STEP_TRANSFER:
      return transfer(f, v, s);
    case STEP_MAP:
      return map_vmo(f, v, s);
    case STEP_READ_INTO_MAPPING:
      return read_into_mapping(f, v, s);
    case STEP_STREAM_SIZE:
      return set_stream_size(f, v, s);
    default:
      return true;
  }
}

bool family_step(struct family* f, const struct script_op* step) {
  if (f->different) return false;
  if (!do_step(f, step)) {
    f->different = true;
    return false;
  }
  struct vmo* v = pick(f, step->b / 3 + step->c, true);
  return v == NULL || compare(f, v, true);
}

/* ---- Beginning and end ---- */

struct family* family_begin(enum tree_kind kind, FILE* out) {
  struct family* f = calloc(1, sizeof *f);
  if (f == NULL) return NULL;
  f->kind = kind;
  f->out = out;
  if (kind == PAGER_TREE &&
      (zx_pager_create(0, &f->pager) != ZX_OK || zx_port_create(0, &f->port) != ZX_OK)) {
    free(f);
    return NULL;
  }
  return f;
}

struct family* family_adopt(zx_handle_t vmo, uint64_t pages, uint8_t tag, FILE* out) {
  struct family* f = family_begin(ANONYMOUS_TREE, out);
  struct content* c = f != NULL ? content_new(pages) : NULL;
  if (c == NULL) {
    free(f);
    return NULL;
  }
  c->related = true;
  content_set(c, 0, pages * PAGE, tag);
  add(&f->vmos[0], vmo, c);
  return f;
}

bool family_end(struct family* f) {
  for (int i = 0; i < VMOS_MAX; i++) {
    const struct vmo* v = &f->vmos[i];
    if (!v->used || f->different) continue;
    /* Mappings first: calls may leave nothing for them to find wrong. */
    if (v->map != NULL) compare(f, v, false);
    if (v->handle != ZX_HANDLE_INVALID && !f->different) compare(f, v, true);
  }
  for (int i = 0; i < VMOS_MAX; i++) {
    struct vmo* v = &f->vmos[i];
    if (!v->used) continue;
    if (v->map != NULL) unmap_vmo(v);
    if (v->handle != ZX_HANDLE_INVALID) {
      close_vmo(v);
    } else {
      drop_if_ended(v);
    }
  }
  if (f->kind == PAGER_TREE) {
    zx_handle_close(f->pager);
    zx_handle_close(f->port);
  }
  const bool fine = !f->different;
  free(f);
  return fine;
}
