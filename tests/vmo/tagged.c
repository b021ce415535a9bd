/* SPDX-License-Identifier: BSD-3-Clause */
#include "tagged.h"

#include <stdio.h>
#include <string.h>

/* More than any scenario makes. */
#define MAX_VMOS 512
#define MAX_TAGS 64

/* Sanitizers would remember accesses to memory whose state changes under them. */
#define UNCHECKED __attribute__((noinline, no_sanitize("address", "thread")))

static struct vmo vmos[MAX_VMOS];
static size_t vmo_count;

/* ---- Tags ---- */

/* The tags without spaces; says how many. */
static size_t parse_tags(const char* text, char* tags) {
  size_t n = 0;
  for (; *text != '\0'; text++) {
    if (*text == ' ') continue;
    if (n == MAX_TAGS - 1) check_fail("more tags than there is room for");
    tags[n++] = *text;
  }
  tags[n] = '\0';
  return n;
}

static void fill(uint8_t* page, char tag) { memset(page, tag - '0', PAGE); }

/* The tag of a page; '?' if its bytes differ, or are no tag. */
static char tag_of(const uint8_t* page) {
  if (page[0] > 9 || !is_filled_with(page, page[0], PAGE)) return '?';
  return (char)('0' + page[0]);
}

/* ---- Objects ---- */

struct vmo* vmo_of(enum way way, zx_handle_t handle) {
  if (vmo_count == MAX_VMOS) check_fail("more VMOs than there is room for");
  struct vmo* v = &vmos[vmo_count++];
  *v = (struct vmo){.handle = handle, .way = way};
  if (way != BY_CALLS) {
    const zx_vm_option_t all = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_ALLOW_FAULTS;
    zx_info_handle_basic_t info;
    check_ok(zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL));
    const bool writable = (info.rights & ZX_RIGHT_WRITE) != 0;
    v->map = map_with(handle, writable ? all : all & ~ZX_VM_PERM_WRITE, 0, MAPPED_PAGES * PAGE);
  }
  return v;
}

struct vmo* anonymous(enum way way, uint32_t options, const char* text) {
  char tags[MAX_TAGS];
  uint8_t page[PAGE];
  const size_t n = parse_tags(text, tags);
  zx_handle_t handle = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create(n * PAGE, options, &handle));
  keep(handle);
  for (size_t i = 0; i < n; i++) {
    if (tags[i] == '0') continue;
    fill(page, tags[i]);
    check_ok(zx_vmo_write(handle, page, i * PAGE, PAGE));
  }
  return vmo_of(way, handle);
}

zx_status_t try_child(zx_handle_t parent, uint32_t options, uint64_t offset, uint64_t size,
                      zx_handle_t* out) {
  zx_handle_t handle = ZX_HANDLE_INVALID;
  const zx_status_t status = zx_vmo_create_child(parent, options, offset, size, &handle);
  if (status == ZX_OK) {
    keep(handle);
  } else if (handle != ZX_HANDLE_INVALID) {
    check_fail("a zx_vmo_create_child that failed wrote a handle");
  }
  if (out != NULL) *out = handle;
  return status;
}

zx_handle_t make_child(zx_handle_t parent, uint32_t options, uint64_t first, uint64_t count) {
  zx_handle_t out = ZX_HANDLE_INVALID;
  check_ok(try_child(parent, options, first * PAGE, count * PAGE, &out));
  return out;
}

struct vmo* child_at(struct place place, struct vmo* parent, uint32_t options, uint64_t first,
                     uint64_t count) {
  zx_handle_t handle = ZX_HANDLE_INVALID;
  check_status_at(place, "zx_vmo_create_child",
                  try_child(parent->handle, options, first * PAGE, count * PAGE, &handle), ZX_OK);
  return vmo_of(parent->way, handle);
}

void unmap_vmo(struct vmo* v) {
  if (v->map == NULL) return;
  unmap(v->map, MAPPED_PAGES * PAGE);
  v->map = NULL;
}

void end(struct vmo* v) {
  unmap_vmo(v);
  drop(&v->handle);
}

struct vmo* pager_root(enum way way, uint32_t options, const char* text, struct root** root) {
  static uint64_t next_key = 100;
  char tags[MAX_TAGS];
  const size_t n = parse_tags(text, tags);
  struct root* r = make_root_on(fx.pager, fx.port, options, next_key++, n * PAGE);
  supply_tags(r, 0, text);
  if (root != NULL) *root = r;
  return vmo_of(way, r->vmo);
}

void supply_tags(struct root* root, uint64_t first, const char* text) {
  char tags[MAX_TAGS];
  uint8_t page[PAGE];
  const size_t n = parse_tags(text, tags);
  for (size_t i = 0; i < n; i++) {
    if (tags[i] == '-') continue;
    /* Of a source without a page the root gets zeros without one. */
    zx_handle_t source = make_vmo(1);
    fill(page, tags[i]);
    if (tags[i] != '0') check_ok(zx_vmo_write(source, page, 0, PAGE));
    check_ok(zx_pager_supply_pages(root->pager, root->vmo, (first + i) * PAGE, PAGE, source, 0));
    drop(&source);
  }
}

/* ---- Writing ---- */

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

static bool by_store(struct vmo* v) {
  return v->map != NULL && (v->way == BY_MAPPING || v->turn++ % 2 == 0);
}

void put(struct vmo* v, uint64_t page, unsigned tag) {
  if (by_store(v)) {
    store_bytes(v->map + page * PAGE, (uint8_t)tag, PAGE);
  } else {
    uint8_t bytes[PAGE];
    memset(bytes, (int)tag, sizeof(bytes));
    check_ok(zx_vmo_write(v->handle, bytes, page * PAGE, PAGE));
  }
}

void put_byte(struct vmo* v, uint64_t page, uint64_t offset, uint8_t byte) {
  if (by_store(v)) {
    store_bytes(v->map + page * PAGE + offset, byte, 1);
  } else {
    check_ok(zx_vmo_write(v->handle, &byte, page * PAGE + offset, 1));
  }
}

zx_status_t try_op(zx_handle_t vmo, uint32_t op, uint64_t offset, uint64_t size) {
  return zx_vmo_op_range(vmo, op, offset, size, NULL, 0);
}

/* ---- Looking ---- */

static void look(struct vmo* v, bool by_load, uint64_t page, uint8_t* bytes) {
  if (by_load) {
    load_bytes(bytes, v->map + page * PAGE, PAGE);
  } else {
    check_ok(zx_vmo_read(v->handle, bytes, page * PAGE, PAGE));
  }
}

static void compare_tags(struct place place, const char* name, struct vmo* v, bool by_load,
                         const char* tags, size_t n) {
  char found[MAX_TAGS] = {0};
  uint8_t bytes[PAGE];
  if (by_load && n > MAPPED_PAGES) n = MAPPED_PAGES;
  for (size_t i = 0; i < n; i++) {
    look(v, by_load, i, bytes);
    found[i] = tag_of(bytes);
  }
  if (strncmp(found, tags, n) == 0) return;
  scenario_fail(place, "%s is [%s], not [%.*s], by %s", name, found, (int)n, tags,
                by_load ? "loads" : "zx_vmo_read");
}

void expect_tags_at(struct place place, const char* name, struct vmo* v, const char* text) {
  char tags[MAX_TAGS];
  const size_t n = parse_tags(text, tags);
  uint64_t size = 0;
  check_status_at(place, "zx_vmo_get_size", zx_vmo_get_size(v->handle, &size), ZX_OK);
  check_equal_at(place, "pages of the VMO", size / PAGE, n);
  /* By both, which comes first changes: a load may leave something behind, a call may not need
   * it. */
  const bool load_first = v->turn++ % 2 == 0;
  const bool loads = v->map != NULL;
  const bool calls = v->map == NULL || v->way == BY_BOTH;
  if (loads && load_first) compare_tags(place, name, v, true, tags, n);
  if (calls) compare_tags(place, name, v, false, tags, n);
  if (loads && !load_first) compare_tags(place, name, v, true, tags, n);
}

void expect_at_at(struct place place, const char* name, struct vmo* v, uint64_t page,
                  uint64_t offset, uint8_t byte) {
  uint8_t found = 0;
  if (v->map != NULL) {
    load_bytes(&found, v->map + page * PAGE + offset, 1);
    check_equal_at(place, name, found, byte);
  }
  if (v->map == NULL || v->way == BY_BOTH) {
    check_status_at(place, "zx_vmo_read", zx_vmo_read(v->handle, &found, page * PAGE + offset, 1),
                    ZX_OK);
    check_equal_at(place, name, found, byte);
  }
}

struct worker* start_look(struct vmo* v, uint64_t page) {
  return v->map != NULL ? start_load(v->map + page * PAGE) : start_read(v->handle, page * PAGE, 1);
}

struct worker* start_put(struct vmo* v, uint64_t page, uint8_t byte) {
  return v->map != NULL ? start_store(v->map + page * PAGE, byte)
                        : start_write(v->handle, page * PAGE, 1, byte);
}

void expect_committed_at(struct place place, const char* name, struct vmo* v, uint64_t committed,
                         uint64_t private_bytes, uint64_t scaled) {
  const zx_info_vmo_t info = vmo_info(v->handle);
  if (info.committed_bytes == committed && info.committed_private_bytes == private_bytes &&
      info.committed_scaled_bytes == scaled && info.populated_bytes == committed &&
      info.populated_private_bytes == private_bytes && info.populated_scaled_bytes == scaled) {
    return;
  }
  scenario_fail(place,
                "%s: committed %llu private %llu scaled %llu (populated %llu %llu %llu), "
                "not %llu %llu %llu",
                name, (unsigned long long)info.committed_bytes,
                (unsigned long long)info.committed_private_bytes,
                (unsigned long long)info.committed_scaled_bytes,
                (unsigned long long)info.populated_bytes,
                (unsigned long long)info.populated_private_bytes,
                (unsigned long long)info.populated_scaled_bytes, (unsigned long long)committed,
                (unsigned long long)private_bytes, (unsigned long long)scaled);
}

zx_koid_t koid_of(zx_handle_t handle) {
  zx_info_handle_basic_t info;
  check_ok(zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL));
  return info.koid;
}

bool has_signal(zx_handle_t vmo, zx_signals_t signal) {
  zx_signals_t pending = 0;
  const zx_status_t status = zx_object_wait_one(vmo, signal, ZX_TIME_INFINITE_PAST, &pending);
  if (status != ZX_OK && status != ZX_ERR_TIMED_OUT) check_fail("zx_object_wait_one: %d", status);
  return (pending & signal) != 0;
}
