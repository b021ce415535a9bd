/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VMOs whose pages carry tags; comes on top of tests/pager/fixture.h and worker.h.
 *
 *   struct vmo   a handle, and in scenarios that use mappings, one mapping of eight pages
 *   tags         the content of a VMO as text: "1 9 0" is a page of ones, one of nines, one of
 *                zeros
 *   way          how a scenario writes and looks: by calls, by loads and stores, or by both in turn
 *
 * A scenario reads like the document's own (vmo.md 17):
 *
 *   EACH_WAY(s1) {
 *     struct vmo* a = anonymous(way, 0, "1 2 3");
 *     struct vmo* b = snapshot(a, 1, 3);
 *     expect_tags(b, "2 3 0");
 *     put(a, 1, 9);                     page 1 of A becomes nines
 *     expect_tags(b, "2 3 0");
 *     end(a);                           its handle is closed and its mapping gone
 *     expect_tags(b, "2 3 0");
 *   }
 *
 * EACH_WAY defines three tests. By calls, nothing is mapped. By mapping, every VMO is mapped from
 * its creation on, which for a child means that parent and child are mapped at once, and calls are
 * not used to move bytes. By both, the same, but calls and accesses take turns and every look is
 * made twice.
 *
 * Main thread only, as the fixture.
 */
#ifndef ZXP_TESTS_VMO_TAGGED_H_
#define ZXP_TESTS_VMO_TAGGED_H_

#include <zircon/process.h>

#include "fixture.h"
#include "worker.h"

enum way {
  BY_CALLS,
  BY_MAPPING,
  BY_BOTH,
};

struct vmo {
  zx_handle_t handle;
  enum way way;
  uint8_t* map;  /* NULL by calls, or after unmap_vmo() */
  unsigned turn; /* by both: counts writes */
};

/* Pages that a mapping of a struct vmo covers; what lies past the VMO's end is not touched. */
#define MAPPED_PAGES 8

/* ---- Defining tests ---- */

#define ONE_WAY(name, suffix, value)                                                 \
  static void name##_##suffix##_entry(const void* context __attribute__((unused))) { \
    if ((value) != BY_CALLS) need_mappings();                                        \
    name##_body(value);                                                              \
  }                                                                                  \
  static void name##_##suffix(void** state __attribute__((unused))) {                \
    scenario_run(name##_##suffix##_entry, NULL, 0);                                  \
  }

#define EACH_WAY(name)                   \
  static void name##_body(enum way way); \
  ONE_WAY(name, by_calls, BY_CALLS)      \
  ONE_WAY(name, by_mapping, BY_MAPPING)  \
  ONE_WAY(name, by_both, BY_BOTH)        \
  static void name##_body(enum way way)

#define TEST_EACH_WAY(name) TEST(name##_by_calls), TEST(name##_by_mapping), TEST(name##_by_both)

/* ---- Objects ---- */

/* Room for one more; the handle is the fixture's to close. */
struct vmo* vmo_of(enum way way, zx_handle_t handle);

/* A VMO with as many pages as there are tags. Pages with tag 0 stay absent. */
struct vmo* anonymous(enum way way, uint32_t options, const char* tags);

/* A child of the same way, in pages. Other arguments: zx_vmo_create_child by itself. */
#define child(parent, options, first, count) child_at(HERE, (parent), (options), (first), (count))

#define snapshot(parent, first, count) child((parent), ZX_VMO_CHILD_SNAPSHOT, (first), (count))
#define slice(parent, first, count)    child((parent), ZX_VMO_CHILD_SLICE, (first), (count))
#define reference(parent)              child((parent), ZX_VMO_CHILD_REFERENCE, 0, 0)
#define lazy(parent, first, count) \
  child((parent), ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE, (first), (count))
#define modified(parent, first, count) \
  child((parent), ZX_VMO_CHILD_SNAPSHOT_MODIFIED, (first), (count))
struct vmo* child_at(struct place place, struct vmo* parent, uint32_t options, uint64_t first,
                     uint64_t count);

/* The call alone, in bytes; what it makes belongs to the fixture. */
zx_status_t try_child(zx_handle_t parent, uint32_t options, uint64_t offset, uint64_t size,
                      zx_handle_t* out);
zx_handle_t make_child(zx_handle_t parent, uint32_t options, uint64_t first, uint64_t count);

/* Closes the handle and takes the mapping away. */
void end(struct vmo* v);
void unmap_vmo(struct vmo* v);

/* A root of the fixture's pager with its pages supplied; tag '-' leaves a page absent. */
struct vmo* pager_root(enum way way, uint32_t options, const char* tags, struct root** root);

/* Supplies pages from `first` on with tags. */
void supply_tags(struct root* root, uint64_t first, const char* tags);

/* ---- Writing ---- */

/* The whole page, or one byte of it. */
void put(struct vmo* v, uint64_t page, unsigned tag);
void put_byte(struct vmo* v, uint64_t page, uint64_t offset, uint8_t byte);

/* Calls, in pages. */
#define resize(v, pages)       check_ok(zx_vmo_set_size((v)->handle, (pages)*PAGE))
#define zero(v, first, count)  op_ok((v), ZX_VMO_OP_ZERO, (first), (count))
#define commit(v, first, n)    op_ok((v), ZX_VMO_OP_COMMIT, (first), (n))
#define decommit(v, first, n)  op_ok((v), ZX_VMO_OP_DECOMMIT, (first), (n))
#define op_ok(v, op, first, n) check_ok(try_op((v)->handle, (op), (first)*PAGE, (n)*PAGE))
zx_status_t try_op(zx_handle_t vmo, uint32_t op, uint64_t offset, uint64_t size);

/* ---- Looking ---- */

/* All pages of the VMO, its size too; with a mapping, through it. */
#define expect_tags(v, tags) expect_tags_at(HERE, #v, (v), (tags))
/* One byte. */
#define expect_at(v, page, offset, b) expect_at_at(HERE, #v, (v), (page), (offset), (b))
void expect_tags_at(struct place place, const char* name, struct vmo* v, const char* tags);
void expect_at_at(struct place place, const char* name, struct vmo* v, uint64_t page,
                  uint64_t offset, uint8_t byte);

/* A thread that reads the first byte of a page, by a load unless the way is by calls; and one that
 * writes. */
struct worker* start_look(struct vmo* v, uint64_t page);
struct worker* start_put(struct vmo* v, uint64_t page, uint8_t byte);

/* The three sums of vmo.md 10, in bytes. */
#define expect_committed(v, committed, private_, scaled) \
  expect_committed_at(HERE, #v, (v), (committed), (private_), (scaled))
void expect_committed_at(struct place place, const char* name, struct vmo* v, uint64_t committed,
                         uint64_t private_bytes, uint64_t scaled);

zx_koid_t koid_of(zx_handle_t handle);
bool has_signal(zx_handle_t vmo, zx_signals_t signal);

#endif /* ZXP_TESTS_VMO_TAGGED_H_ */
