/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Regions, and what memory shows as text; comes on top of tests/pager/fixture.h and worker.h.
 *
 *   region   a region with its base and size; destroyed at the end of the scenario
 *   shows    what a load of each page gives: a digit is the tag that fills the page, 'x' is
 *            SIGSEGV, 'B' is SIGBUS
 *
 * A scenario reads like the document's own (vmar.md 15):
 *
 *   REGIONS(s2) {
 *     struct region* r = make_region(8);
 *     const zx_handle_t a = tagged("123456");
 *     map_at(r, 1, a, 0, 6);
 *     overwrite_at(r, 3, tagged("89"), 0, 2);
 *     expect_shows(r, "x128956x");
 *   }
 *
 * Places and sizes are in pages, addresses are absolute. Main thread only, as the fixture.
 */
#ifndef ZXP_TESTS_VMAR_REGIONS_H_
#define ZXP_TESTS_VMAR_REGIONS_H_

#include <zircon/process.h>

#include "fixture.h"
#include "worker.h"

#define READ    ZX_VM_PERM_READ
#define WRITE   ZX_VM_PERM_WRITE
#define EXECUTE ZX_VM_PERM_EXECUTE
#define RW      (READ | WRITE)

/* What regions of the scenarios are allowed unless they say otherwise. */
#define USUAL (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_SPECIFIC)

struct region {
  zx_handle_t vmar;
  zx_vaddr_t base;
  uint64_t pages;
};

/* ---- Defining tests ---- */

#define REGIONS(name)              \
  static void name##_inside(void); \
  SCENARIO(name) {                 \
    name##_inside();               \
    regions_end();                 \
  }                                \
  static void name##_inside(void)

/* Destroys the scenario's regions; REGIONS does it by itself. */
void regions_end(void);

/* ---- Making ---- */

/* A region somewhere below the root. */
struct region* make_region(uint64_t pages);
struct region* make_region_with(zx_vm_option_t options, uint64_t pages);
/* A region at a page of another. */
struct region* make_region_in(struct region* parent, uint64_t page, uint64_t pages);
struct region* make_region_in_with(struct region* parent, zx_vm_option_t options, uint64_t page,
                                   uint64_t pages);
/* The same region by a second handle with fewer rights. */
struct region by_handle(struct region* r, zx_rights_t rights);
/* The root as a region. */
struct region root_region(void);

/* A VMO as long as the text; page i is filled with the digit at i. */
zx_handle_t tagged(const char* tags);
zx_handle_t tagged_with(uint32_t options, const char* tags);
void tag_page(zx_handle_t vmo, uint64_t page, char tag);
/* A resizable pager VMO, of which nothing is supplied yet. */
void supply_tags(struct root* v, uint64_t first, const char* tags);

/* Address of a page. */
static inline uint8_t* page_of(const struct region* r, uint64_t page) {
  return (uint8_t*)r->base + page * PAGE;
}

/* ---- Calls ---- */

/* Maps `count` pages of the VMO from `vmo_page` on at a page of the region, for reading and
 * writing. */
#define map_at(r, page, vmo, vmo_page, count) \
  check_ok(try_map((r), RW | ZX_VM_SPECIFIC, (page), (vmo), (vmo_page), (count)))
#define map_with_at(r, perms, page, vmo, vmo_page, count) \
  check_ok(try_map((r), (perms) | ZX_VM_SPECIFIC, (page), (vmo), (vmo_page), (count)))
#define overwrite_at(r, page, vmo, vmo_page, count) \
  check_ok(try_map((r), RW | ZX_VM_SPECIFIC_OVERWRITE, (page), (vmo), (vmo_page), (count)))

zx_status_t try_map(const struct region* r, zx_vm_option_t options, uint64_t page, zx_handle_t vmo,
                    uint64_t vmo_page, uint64_t count);
zx_status_t try_unmap(const struct region* r, uint64_t page, uint64_t count);
zx_status_t try_protect(const struct region* r, zx_vm_option_t perms, uint64_t page,
                        uint64_t count);
zx_status_t try_op(const struct region* r, uint32_t op, uint64_t page, uint64_t count);

/* ---- Looking ---- */

#define expect_shows(r, text)          expect_shows_at(HERE, (r)->base, (text))
#define expect_shows_from(r, page, t)  expect_shows_at(HERE, (r)->base + (page)*PAGE, (t))
#define expect_shows_address(at, text) expect_shows_at(HERE, (zx_vaddr_t)(at), (text))
/* What a store to each page gives: '.' it works, else as above. Pages keep their content. */
#define expect_stores(r, text) expect_stores_at(HERE, (r)->base, (text))

void expect_shows_at(struct place place, zx_vaddr_t at, const char* text);
void expect_stores_at(struct place place, zx_vaddr_t at, const char* text);

/* The same for a VMO, by zx_vmo_read. */
#define expect_tags(vmo, text) expect_tags_at(HERE, (vmo), (text))
void expect_tags_at(struct place place, zx_handle_t vmo, const char* text);

uint64_t mappings_of(zx_handle_t vmo);

/* Linux areas in the region. */
uint64_t areas_in(const struct region* r);

/* Whether the region answers as one that is destroyed. */
bool is_destroyed(const struct region* r);

/* The maps of a region as text: "region 0 +12 / map 6 +1 rw 0 / ..."; places in pages from its
 * base. */
void maps_text(const struct region* r, char* text, size_t size);
#define expect_maps(r, text) expect_maps_at(HERE, (r), (text))
void expect_maps_at(struct place place, const struct region* r, const char* text);

#endif /* ZXP_TESTS_VMAR_REGIONS_H_ */
