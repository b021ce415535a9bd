/* SPDX-License-Identifier: BSD-3-Clause */
#include "regions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/status.h>

#include "leaks.h"

#define MAX_REGIONS 2048

static struct region regions[MAX_REGIONS];
static zx_handle_t owners[MAX_REGIONS]; /* handles that no scenario closes */
static size_t region_count;

/* ---- Making ---- */

static struct region* add_region(zx_handle_t parent, zx_vm_option_t options, uint64_t offset,
                                 uint64_t pages) {
  if (region_count == MAX_REGIONS) check_fail("more regions than there is room for");
  struct region* r = &regions[region_count];
  r->pages = pages;
  check_ok(zx_vmar_allocate(parent, options, offset, pages * PAGE, &r->vmar, &r->base));
  keep(r->vmar);
  check_ok(zx_handle_duplicate(r->vmar, ZX_RIGHT_SAME_RIGHTS, &owners[region_count]));
  region_count++;
  return r;
}

void regions_end(void) {
  while (region_count > 0) {
    const zx_handle_t owner = owners[--region_count];
    const zx_status_t status = zx_vmar_destroy(owner);
    if (status != ZX_ERR_BAD_STATE) check_status(status, ZX_OK);
    check_ok(zx_handle_close(owner));
  }
}

struct region* make_region(uint64_t pages) {
  return make_region_with(USUAL, pages);
}

struct region* make_region_with(zx_vm_option_t options, uint64_t pages) {
  return add_region(zx_vmar_root_self(), options, 0, pages);
}

struct region* make_region_in(struct region* parent, uint64_t page, uint64_t pages) {
  return make_region_in_with(parent, USUAL, page, pages);
}

struct region* make_region_in_with(struct region* parent, zx_vm_option_t options, uint64_t page,
                                   uint64_t pages) {
  return add_region(parent->vmar, options | ZX_VM_SPECIFIC, page * PAGE, pages);
}

struct region by_handle(struct region* r, zx_rights_t rights) {
  return (struct region){
      .vmar = duplicate_with(r->vmar, rights), .base = r->base, .pages = r->pages};
}

struct region root_region(void) {
  return (struct region){
      .vmar = zx_vmar_root_self(),
      .base = fx.probe.window_base,
      .pages = fx.probe.window_size / PAGE,
  };
}

void tag_page(zx_handle_t vmo, uint64_t page, char tag) {
  uint8_t bytes[4096];
  memset(bytes, tag - '0', sizeof(bytes));
  check_ok(zx_vmo_write(vmo, bytes, page * PAGE, PAGE));
}

zx_handle_t tagged_with(uint32_t options, const char* tags) {
  const size_t n = strlen(tags);
  zx_handle_t vmo = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create(n * PAGE, options, &vmo));
  keep(vmo);
  for (size_t i = 0; i < n; i++) {
    if (tags[i] != '0') tag_page(vmo, i, tags[i]);
  }
  return vmo;
}

zx_handle_t tagged(const char* tags) { return tagged_with(0, tags); }

void supply_tags(struct root* v, uint64_t first, const char* tags) {
  zx_handle_t source = tagged(tags);
  check_ok(zx_pager_supply_pages(v->pager, v->vmo, first * PAGE, strlen(tags) * PAGE, source, 0));
  drop(&source);
}

/* ---- Calls ---- */

zx_status_t try_map(const struct region* r, zx_vm_option_t options, uint64_t page, zx_handle_t vmo,
                    uint64_t vmo_page, uint64_t count) {
  zx_vaddr_t at = 0;
  const zx_status_t status =
      zx_vmar_map(r->vmar, options, page * PAGE, vmo, vmo_page * PAGE, count * PAGE, &at);
  const zx_vm_option_t fixed = ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE;
  if (status == ZX_OK && (options & fixed) != 0) check_equal(at, r->base + page * PAGE);
  return status;
}

zx_status_t try_unmap(const struct region* r, uint64_t page, uint64_t count) {
  return zx_vmar_unmap(r->vmar, r->base + page * PAGE, count * PAGE);
}

zx_status_t try_protect(const struct region* r, zx_vm_option_t perms, uint64_t page,
                        uint64_t count) {
  return zx_vmar_protect(r->vmar, perms, r->base + page * PAGE, count * PAGE);
}

zx_status_t try_op(const struct region* r, uint32_t op, uint64_t page, uint64_t count) {
  return zx_vmar_op_range(r->vmar, op, r->base + page * PAGE, count * PAGE, NULL, 0);
}

/* ---- Looking ---- */

/* The digit of a word whose bytes are all one tag. */
static char tag_of(uint64_t word) {
  const uint64_t tag = word & 0xff;
  if (tag > 9 || word != tag * UINT64_C(0x0101010101010101)) return '?';
  return (char)('0' + tag);
}

static char name_of(int signo, char without) {
  if (signo == 0) return without;
  if (signo == SIGSEGV) return 'x';
  if (signo == SIGBUS) return 'B';
  return '?';
}

/* The last word of a page is looked at too: a page is of one piece. */
static char look(zx_vaddr_t page) {
  const uint64_t* words = (const uint64_t*)page;
  const size_t last = PAGE / sizeof(*words) - 1;
  uint64_t first_word = 0;
  uint64_t last_word = 0;
  const int signo = guarded_load(words, &first_word);
  if (guarded_load(words + last, &last_word) != signo || first_word != last_word) return '?';
  return name_of(signo, tag_of(first_word));
}

static char poke(zx_vaddr_t page) {
  uint64_t word = 0;
  (void)guarded_load((const uint64_t*)page, &word);
  return name_of(guarded_store((uint64_t*)page, word), '.');
}

static void compare(struct place place, const char* what, const char* got, const char* want) {
  if (strcmp(got, want) != 0) scenario_fail(place, "%s \"%s\", not \"%s\"", what, got, want);
}

void expect_shows_at(struct place place, zx_vaddr_t at, const char* text) {
  char got[256] = {0};
  for (size_t i = 0; text[i] != '\0' && i < sizeof(got) - 1; i++) {
    got[i] = look(at + i * PAGE);
  }
  compare(place, "memory shows", got, text);
}

void expect_stores_at(struct place place, zx_vaddr_t at, const char* text) {
  char got[256] = {0};
  for (size_t i = 0; text[i] != '\0' && i < sizeof(got) - 1; i++) {
    got[i] = poke(at + i * PAGE);
  }
  compare(place, "stores give", got, text);
}

void expect_tags_at(struct place place, zx_handle_t vmo, const char* text) {
  char got[256] = {0};
  for (size_t i = 0; text[i] != '\0' && i < sizeof(got) - 1; i++) {
    uint64_t words[512];
    check_status_at(place, "zx_vmo_read", zx_vmo_read(vmo, words, i * PAGE, PAGE), ZX_OK);
    got[i] = tag_of(words[0]);
    if (words[0] != words[511]) got[i] = '?';
  }
  compare(place, "the VMO has", got, text);
}

uint64_t mappings_of(zx_handle_t vmo) { return vmo_info(vmo).num_mappings; }

uint64_t areas_in(const struct region* r) { return leaks_count_areas(r->base, r->pages * PAGE); }

bool is_destroyed(const struct region* r) {
  size_t avail = 0;
  const zx_status_t status = zx_object_get_info(r->vmar, ZX_INFO_VMAR_MAPS, NULL, 0, NULL, &avail);
  if (status != ZX_OK) check_status(status, ZX_ERR_BAD_STATE);
  return status == ZX_ERR_BAD_STATE;
}

void maps_text(const struct region* r, char* text, size_t size) {
  zx_info_maps_t maps[64];
  size_t actual = 0;
  size_t avail = 0;
  size_t n = 0;
  check_ok(zx_object_get_info(r->vmar, ZX_INFO_VMAR_MAPS, maps, sizeof(maps), &actual, &avail));
  check_equal(actual, avail);
  text[0] = '\0';
  for (size_t i = 0; i < actual && n < size; i++) {
    const zx_info_maps_t* m = &maps[i];
    const unsigned long long page = (m->base - r->base) / PAGE;
    const unsigned long long count = m->size / PAGE;
    n += (size_t)snprintf(text + n, size - n, "%s%*s", i == 0 ? "" : "/", (int)m->depth, "");
    if (n < size && m->type == ZX_INFO_MAPS_TYPE_VMAR) {
      n += (size_t)snprintf(text + n, size - n, "region %llu+%llu", page, count);
    } else if (n < size) {
      const zx_vm_option_t perms = m->u.mapping.mmu_flags;
      n += (size_t)snprintf(text + n, size - n, "%s%s%s%s %llu+%llu @%llu",
                            (perms & READ) != 0 ? "r" : "", (perms & WRITE) != 0 ? "w" : "",
                            (perms & EXECUTE) != 0 ? "x" : "", perms == 0 ? "none" : "", page,
                            count, (unsigned long long)(m->u.mapping.vmo_offset / PAGE));
    }
  }
}

void expect_maps_at(struct place place, const struct region* r, const char* text) {
  char got[2048];
  maps_text(r, got, sizeof(got));
  compare(place, "maps are", got, text);
}
