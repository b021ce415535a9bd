/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zx_vmo_create_child: order of checks, every cell of the parent x kind table, sizes, rights,
 * names: vmo.md 6.
 *
 *   mistake   something wrong with the arguments of a call that is right otherwise, and the status
 *   table     the mistakes of one kind of child, in the order in which they are found
 *   family    a kind of parent, and what each kind of child of it has to be
 */
#include <stdio.h>
#include <string.h>

#include "tagged.h"

#define MAX_SIZE UINT64_C(0xFFFFFFFFFFFE0000)
#define UNKNOWN  (UINT32_C(1) << 20)

#define SNAPSHOT        ZX_VMO_CHILD_SNAPSHOT
#define AT_LEAST        ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE
#define MODIFIED        ZX_VMO_CHILD_SNAPSHOT_MODIFIED
#define SLICE           ZX_VMO_CHILD_SLICE
#define REFERENCE       ZX_VMO_CHILD_REFERENCE
#define RESIZABLE       ZX_VMO_CHILD_RESIZABLE
#define NO_WRITE        ZX_VMO_CHILD_NO_WRITE
#define DEFAULT_RIGHTS  ZX_DEFAULT_VMO_RIGHTS
#define PROPERTY_RIGHTS (ZX_RIGHT_GET_PROPERTY | ZX_RIGHT_SET_PROPERTY)

/* ---- The order of the checks ---- */

struct args {
  zx_handle_t parent; /* anonymous, fixed, four pages */
  uint32_t options;
  uint64_t offset;
  uint64_t size;
};

/* Two mistakes that change the same argument cannot be made together. */
enum argument {
  PARENT = 1 << 0,
  OPTIONS = 1 << 1,
  OFFSET = 1 << 2,
  BYTES = 1 << 3,
};

struct mistake {
  const char* name;
  unsigned changes;
  void (*make)(struct args*);
  zx_status_t status;
};

struct table {
  uint32_t kind;
  uint64_t size; /* that is right */
  struct mistake mistakes[20];
};

static void size_unroundable(struct args* a) { a->size = UINT64_MAX; }
static void size_above_largest(struct args* a) { a->size = MAX_SIZE + 1; }
static void both_modifiers(struct args* a) { a->options |= NO_WRITE | RESIZABLE; }

static void parent_invalid(struct args* a) { a->parent = ZX_HANDLE_INVALID; }
static void parent_is_port(struct args* a) { a->parent = fx.port; }
static void parent_without_duplicate(struct args* a) {
  a->parent = duplicate_with(a->parent, DEFAULT_RIGHTS & ~ZX_RIGHT_DUPLICATE);
}
static void parent_without_read(struct args* a) {
  a->parent = duplicate_with(a->parent, DEFAULT_RIGHTS & ~ZX_RIGHT_READ);
}
static void parent_discardable(struct args* a) {
  check_ok(zx_vmo_create(4 * PAGE, ZX_VMO_DISCARDABLE, &a->parent));
  keep(a->parent);
}
static void parent_resizable(struct args* a) { a->parent = make_resizable_vmo(4); }
static void parent_uncached(struct args* a) {
  a->parent = make_vmo(4);
  check_ok(zx_vmo_set_cache_policy(a->parent, ZX_CACHE_POLICY_UNCACHED));
}
static void parent_is_slice(struct args* a) { a->parent = make_child(a->parent, SLICE, 0, 4); }
static void parent_is_pager_root(struct args* a) { a->parent = make_root(4)->vmo; }

static void no_kind(struct args* a) { a->options = 0; }
static void two_kinds(struct args* a) { a->options |= a->options == SNAPSHOT ? SLICE : SNAPSHOT; }
static void unknown_bit(struct args* a) { a->options |= UNKNOWN; }
static void lowest_unknown_bit(struct args* a) { a->options |= 1 << 1; }
static void resizable_asked(struct args* a) { a->options |= RESIZABLE; }

static void offset_misaligned(struct args* a) { a->offset = 1; }
static void offset_one_page(struct args* a) { a->offset = PAGE; }
static void offset_past_end(struct args* a) { a->offset = 5 * PAGE; }
static void size_past_end(struct args* a) { a->size = 4 * PAGE + 1; }
static void size_one(struct args* a) { a->size = 1; }
static void sum_overflows(struct args* a) {
  a->offset = UINT64_MAX - PAGE + 1;
  a->size = 2 * PAGE;
}

#define COMMON_MISTAKES                                                                     \
  {"size cannot be rounded up", BYTES, size_unroundable, ZX_ERR_OUT_OF_RANGE},              \
      {"size above the largest", BYTES, size_above_largest, ZX_ERR_OUT_OF_RANGE},           \
      {"NO_WRITE with RESIZABLE", OPTIONS, both_modifiers, ZX_ERR_INVALID_ARGS},            \
      {"parent invalid", PARENT, parent_invalid, ZX_ERR_BAD_HANDLE},                        \
      {"parent is a port", PARENT, parent_is_port, ZX_ERR_WRONG_TYPE},                      \
      {"parent without DUPLICATE", PARENT, parent_without_duplicate, ZX_ERR_ACCESS_DENIED}, \
      {"parent without READ", PARENT, parent_without_read, ZX_ERR_ACCESS_DENIED},           \
      {"parent discardable", PARENT, parent_discardable, ZX_ERR_NOT_SUPPORTED},             \
      {"no kind", OPTIONS, no_kind, ZX_ERR_INVALID_ARGS},                                   \
      {"two kinds", OPTIONS, two_kinds, ZX_ERR_INVALID_ARGS},                               \
      {"an unknown bit", OPTIONS, unknown_bit, ZX_ERR_INVALID_ARGS}, {                      \
    "bit 1", OPTIONS, lowest_unknown_bit, ZX_ERR_INVALID_ARGS                               \
  }

static const struct table tables[] = {
    {.kind = SLICE,
     .size = PAGE,
     .mistakes = {COMMON_MISTAKES,
                  {"RESIZABLE", OPTIONS, resizable_asked, ZX_ERR_INVALID_ARGS},
                  {"offset misaligned", OFFSET, offset_misaligned, ZX_ERR_INVALID_ARGS},
                  {"offset past the end", OFFSET, offset_past_end, ZX_ERR_INVALID_ARGS},
                  {"size past the end", BYTES, size_past_end, ZX_ERR_INVALID_ARGS},
                  {"sum overflows", OFFSET | BYTES, sum_overflows, ZX_ERR_INVALID_ARGS},
                  {"parent resizable", PARENT, parent_resizable, ZX_ERR_NOT_SUPPORTED},
                  {"parent uncached", PARENT, parent_uncached, ZX_ERR_BAD_STATE}}},
    {.kind = REFERENCE,
     .size = 0,
     .mistakes = {COMMON_MISTAKES,
                  {"offset of a page", OFFSET, offset_one_page, ZX_ERR_INVALID_ARGS},
                  {"offset misaligned", OFFSET, offset_misaligned, ZX_ERR_INVALID_ARGS},
                  {"size", BYTES, size_one, ZX_ERR_INVALID_ARGS},
                  {"parent is a slice", PARENT, parent_is_slice, ZX_ERR_NOT_SUPPORTED},
                  {"RESIZABLE of a fixed parent", OPTIONS, resizable_asked, ZX_ERR_NOT_SUPPORTED},
                  {"parent uncached", PARENT, parent_uncached, ZX_ERR_BAD_STATE}}},
    {.kind = SNAPSHOT,
     .size = PAGE,
     .mistakes = {COMMON_MISTAKES,
                  {"offset misaligned", OFFSET, offset_misaligned, ZX_ERR_INVALID_ARGS},
                  {"sum overflows", OFFSET | BYTES, sum_overflows, ZX_ERR_OUT_OF_RANGE},
                  {"parent uncached", PARENT, parent_uncached, ZX_ERR_BAD_STATE},
                  {"parent is a pager root", PARENT, parent_is_pager_root, ZX_ERR_NOT_SUPPORTED}}},
    {.kind = AT_LEAST,
     .size = PAGE,
     .mistakes = {COMMON_MISTAKES,
                  {"offset misaligned", OFFSET, offset_misaligned, ZX_ERR_INVALID_ARGS},
                  {"sum overflows", OFFSET | BYTES, sum_overflows, ZX_ERR_OUT_OF_RANGE},
                  {"parent uncached", PARENT, parent_uncached, ZX_ERR_BAD_STATE}}},
    {.kind = MODIFIED,
     .size = PAGE,
     .mistakes = {COMMON_MISTAKES,
                  {"offset misaligned", OFFSET, offset_misaligned, ZX_ERR_INVALID_ARGS},
                  {"sum overflows", OFFSET | BYTES, sum_overflows, ZX_ERR_OUT_OF_RANGE},
                  {"parent uncached", PARENT, parent_uncached, ZX_ERR_BAD_STATE}}},
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

static void try_mistakes(const struct table* t, const struct mistake* one,
                         const struct mistake* two, zx_status_t status) {
  struct args a = {.parent = make_vmo(4), .options = t->kind, .size = t->size};
  if (one != NULL) one->make(&a);
  if (two != NULL) two->make(&a);
  const zx_status_t got = try_child(a.parent, a.options, a.offset, a.size, NULL);
  if (got == status) return;
  check_fail("kind %x, %s, %s: %d, not %d", t->kind, one != NULL ? one->name : "right",
             two != NULL ? two->name : "right", got, status);
}

/* vmo.md 6: each mistake by itself */
SCENARIO(each_mistake_has_its_error) {
  for (size_t i = 0; i < TABLES; i++) {
    try_mistakes(&tables[i], NULL, NULL, ZX_OK);
    for (const struct mistake* m = tables[i].mistakes; m->make != NULL; m++) {
      try_mistakes(&tables[i], m, NULL, m->status);
    }
  }
}

/* vmo.md 6: "Order of checks", by every two mistakes that can be made at once */
SCENARIO(of_two_mistakes_the_first_in_order_is_found) {
  for (size_t i = 0; i < TABLES; i++) {
    for (const struct mistake* one = tables[i].mistakes; one->make != NULL; one++) {
      for (const struct mistake* two = one + 1; two->make != NULL; two++) {
        if ((one->changes & two->changes) != 0) continue;
        try_mistakes(&tables[i], one, two, one->status);
      }
    }
  }
}

/* vmo.md 6: pairs of properties that one parent can have at once */
SCENARIO(of_two_faults_of_the_parent_the_first_in_order_is_found) {
  struct args a = {.parent = ZX_HANDLE_INVALID};
  parent_discardable(&a);
  const zx_handle_t bare = duplicate_with(a.parent, DEFAULT_RIGHTS & ~ZX_RIGHT_READ);
  check_status(try_child(bare, SNAPSHOT, 0, PAGE, NULL), ZX_ERR_ACCESS_DENIED);
  parent_resizable(&a);
  check_ok(zx_vmo_set_cache_policy(a.parent, ZX_CACHE_POLICY_UNCACHED));
  check_status(try_child(a.parent, SLICE, 0, PAGE, NULL), ZX_ERR_NOT_SUPPORTED);
  check_status(try_child(a.parent, REFERENCE | RESIZABLE, 0, 0, NULL), ZX_ERR_BAD_STATE);
}

/* vmo.md 6, check 5: "exactly one kind", every combination of the eight bits */
SCENARIO(exactly_one_kind_and_its_modifiers) {
  const zx_handle_t fixed = make_vmo(1);
  const zx_handle_t resizable = make_resizable_vmo(1);
  const uint32_t cow = SNAPSHOT | AT_LEAST | MODIFIED;
  for (uint32_t options = 0; options < 256; options++) {
    const uint32_t kind = options & (cow | SLICE | REFERENCE);
    const bool one_kind = kind != 0 && (kind & (kind - 1)) == 0;
    const bool unknown = (options & ~(cow | SLICE | REFERENCE | RESIZABLE | NO_WRITE)) != 0;
    const bool both = (options & (RESIZABLE | NO_WRITE)) == (RESIZABLE | NO_WRITE);
    const bool fine = one_kind && !unknown && !both && !(kind == SLICE && (options & RESIZABLE));
    const zx_handle_t parent = kind == SLICE ? fixed : resizable;
    const zx_status_t status = try_child(parent, options, 0, kind == REFERENCE ? 0 : PAGE, NULL);
    if (status != (fine ? ZX_OK : ZX_ERR_INVALID_ARGS))
      check_fail("options %x: %d", options, status);
  }
}

/* vmo.md 9, last line: "Unsuccessful create_child changes nothing" */
SCENARIO(a_call_that_fails_changes_nothing) {
  struct vmo* a = anonymous(BY_CALLS, 0, "1 2 3 4");
  for (size_t i = 0; i < TABLES; i++) {
    for (const struct mistake* m = tables[i].mistakes; m->make != NULL; m++) {
      if ((m->changes & PARENT) != 0) continue;
      struct args args = {.parent = a->handle, .options = tables[i].kind, .size = tables[i].size};
      m->make(&args);
      check_status(try_child(args.parent, args.options, args.offset, args.size, NULL), m->status);
    }
  }
  check_status(zx_vmo_create_child(a->handle, SNAPSHOT, 0, PAGE, NULL), ZX_ERR_INVALID_ARGS);
  check_equal(vmo_info(a->handle).num_children, 0);
  check_true(has_signal(a->handle, ZX_VMO_ZERO_CHILDREN));
  decommit(a, 0, 1);
  expect_tags(a, "0 2 3 4");
}

/* ---- The parent x kind table ---- */

enum cell {
  SNAP,
  LAZY,
  MOD,
  OK, /* a slice or a reference: the same pages */
  NS,
  IA,
  BS,
};

/* A parent of two pages. Where there is a pager, `root` is its root, all of whose pages are
 * there. */
struct family {
  const char* name;
  struct vmo* (*make)(struct vmo** root);
  enum cell snapshot, at_least, modified, slice, reference;
};

static struct vmo* fixed(struct vmo** root) {
  (void)root;
  return anonymous(BY_CALLS, 0, "1 2");
}
static struct vmo* unbounded(struct vmo** root) {
  (void)root;
  zx_handle_t handle = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create(2 * PAGE, ZX_VMO_UNBOUNDED, &handle));
  struct vmo* v = vmo_of(BY_CALLS, keep(handle));
  put(v, 0, 1);
  put(v, 1, 2);
  return v;
}
static struct vmo* resizable(struct vmo** root) {
  (void)root;
  return anonymous(BY_CALLS, ZX_VMO_RESIZABLE, "1 2");
}
static struct vmo* discardable(struct vmo** root) {
  (void)root;
  return anonymous(BY_CALLS, ZX_VMO_DISCARDABLE, "1 2");
}
static struct vmo* uncached(struct vmo** root) {
  struct vmo* v = fixed(root);
  check_ok(zx_vmo_set_cache_policy(v->handle, ZX_CACHE_POLICY_WRITE_COMBINING));
  return v;
}
static struct vmo* cow_child(struct vmo** root) { return snapshot(fixed(root), 0, 2); }
static struct vmo* resizable_cow_child(struct vmo** root) {
  return child(fixed(root), SNAPSHOT | RESIZABLE, 0, 2);
}
static struct vmo* slice_of_fixed(struct vmo** root) { return slice(fixed(root), 0, 2); }
static struct vmo* slice_of_cow_child(struct vmo** root) { return slice(cow_child(root), 0, 2); }
static struct vmo* reference_to_fixed(struct vmo** root) { return reference(fixed(root)); }
static struct vmo* reference_to_resizable(struct vmo** root) { return reference(resizable(root)); }

static struct vmo* pager_root_fixed(struct vmo** root) {
  return *root = pager_root(BY_CALLS, 0, "1 2", NULL);
}
static struct vmo* pager_root_resizable(struct vmo** root) {
  return *root = pager_root(BY_CALLS, ZX_VMO_RESIZABLE, "1 2", NULL);
}
static struct vmo* slice_of_pager_root(struct vmo** root) {
  return slice(pager_root_fixed(root), 0, 2);
}
static struct vmo* reference_to_pager_root(struct vmo** root) {
  return reference(pager_root_fixed(root));
}
static struct vmo* lazy_child(struct vmo** root) { return lazy(pager_root_fixed(root), 0, 2); }
static struct vmo* lazy_child_with_page(struct vmo** root) {
  struct vmo* v = lazy_child(root);
  put(v, 0, 1);
  return v;
}
static struct vmo* resizable_lazy_child(struct vmo** root) {
  return child(pager_root_fixed(root), AT_LEAST | RESIZABLE, 0, 2);
}
static struct vmo* modified_child_of_root(struct vmo** root) {
  return modified(pager_root_fixed(root), 0, 2);
}
static struct vmo* lazy_child_with_lazy_child(struct vmo** root) {
  struct vmo* v = lazy_child_with_page(root);
  lazy(v, 0, 2);
  return v;
}
/* With a page of the parent's own in the window: without, the kernel makes something else (8.4). */
static struct vmo* lazy_child_of_lazy_child(struct vmo** root) {
  return lazy(lazy_child_with_page(root), 0, 2);
}
static struct vmo* parent_of_mod(struct vmo** root) {
  struct vmo* v = lazy_child_with_page(root);
  modified(v, 0, 2);
  return v;
}
static struct vmo* child_of_mod(struct vmo** root) {
  return modified(lazy_child_with_page(root), 0, 2);
}
static struct vmo* resizable_child_of_mod(struct vmo** root) {
  return child(lazy_child_with_page(root), MODIFIED | RESIZABLE, 0, 2);
}
static struct vmo* slice_of_lazy_child(struct vmo** root) { return slice(lazy_child(root), 0, 2); }
static struct vmo* slice_of_mod(struct vmo** root) { return slice(child_of_mod(root), 0, 2); }

static const struct family families[] = {
    {"anonymous, fixed", fixed, SNAP, SNAP, SNAP, OK, OK},
    {"anonymous, unbounded", unbounded, SNAP, SNAP, SNAP, OK, OK},
    {"anonymous, resizable", resizable, SNAP, SNAP, SNAP, NS, OK},
    {"discardable", discardable, NS, NS, NS, NS, NS},
    {"COW child", cow_child, SNAP, SNAP, SNAP, OK, OK},
    {"COW child, resizable", resizable_cow_child, SNAP, SNAP, SNAP, NS, OK},
    {"slice", slice_of_fixed, NS, NS, NS, OK, NS},
    {"slice of a COW child", slice_of_cow_child, NS, NS, NS, OK, NS},
    {"reference, fixed target", reference_to_fixed, SNAP, SNAP, SNAP, OK, OK},
    {"reference, resizable target", reference_to_resizable, SNAP, SNAP, SNAP, NS, OK},
    {"pager root", pager_root_fixed, NS, LAZY, LAZY, OK, OK},
    {"pager root, resizable", pager_root_resizable, NS, LAZY, LAZY, NS, OK},
    {"slice of a pager root", slice_of_pager_root, NS, LAZY, LAZY, OK, NS},
    {"reference to a pager root", reference_to_pager_root, NS, LAZY, LAZY, OK, OK},
    {"lazy child", lazy_child, NS, LAZY, MOD, OK, OK},
    {"lazy child with a page", lazy_child_with_page, NS, LAZY, MOD, OK, OK},
    {"lazy child, resizable", resizable_lazy_child, NS, LAZY, MOD, NS, OK},
    {"MODIFIED child of a root", modified_child_of_root, NS, LAZY, MOD, OK, OK},
    {"lazy child with a lazy child", lazy_child_with_lazy_child, NS, LAZY, NS, OK, OK},
    {"lazy child of a lazy child", lazy_child_of_lazy_child, NS, LAZY, NS, OK, OK},
    {"parent of a mod snapshot", parent_of_mod, NS, MOD, MOD, OK, OK},
    {"child of a mod snapshot", child_of_mod, NS, MOD, MOD, OK, OK},
    {"child of a mod snapshot, resizable", resizable_child_of_mod, NS, MOD, MOD, NS, OK},
    {"slice of a lazy child", slice_of_lazy_child, NS, LAZY, NS, OK, NS},
    {"slice of a VMO of a mod snapshot", slice_of_mod, NS, NS, NS, OK, NS},
    {"uncached", uncached, BS, BS, BS, BS, BS},
};
#define FAMILIES (sizeof(families) / sizeof(families[0]))

static zx_status_t status_of_cell(enum cell cell) {
  switch (cell) {
    case NS:
      return ZX_ERR_NOT_SUPPORTED;
    case IA:
      return ZX_ERR_INVALID_ARGS;
    case BS:
      return ZX_ERR_BAD_STATE;
    default:
      return ZX_OK;
  }
}

static uint8_t first_byte(zx_handle_t vmo, uint64_t page) {
  uint8_t byte = 0;
  check_ok(zx_vmo_read(vmo, &byte, page * PAGE, 1));
  return byte;
}

/* Whether the child is what the cell says, told by what it sees of later writes. */
static bool is_as_said(enum cell cell, struct vmo* parent, struct vmo* root, zx_handle_t made) {
  if (first_byte(made, 0) != 1 || first_byte(made, 1) != 2) return false;
  switch (cell) {
    case SNAP:
      put(parent, 0, 7);
      return first_byte(made, 0) == 1;
    case OK:
      put(parent, 0, 7);
      return first_byte(made, 0) == 7;
    case LAZY:
      put(parent, 0, 7);
      if (first_byte(made, 0) != 7) return false;
      put(vmo_of(BY_CALLS, made), 0, 8);
      put(parent, 0, 9);
      return first_byte(made, 0) == 8;
    case MOD:
      put(parent, 0, 7);
      put(root, 1, 6);
      return first_byte(made, 0) == 1 && first_byte(made, 1) == 6 &&
             first_byte(parent->handle, 1) == 6;
    default:
      return false;
  }
}

static void try_cell(const struct family* f, uint32_t kind, enum cell cell) {
  struct vmo* root = NULL;
  struct vmo* parent = f->make(&root);
  zx_handle_t made = ZX_HANDLE_INVALID;
  const uint64_t size = kind == REFERENCE ? 0 : 2 * PAGE;
  const zx_status_t status = try_child(parent->handle, kind, 0, size, &made);
  if (status != status_of_cell(cell)) {
    check_fail("%s, kind %x: %d, not %d", f->name, kind, status, status_of_cell(cell));
  }
  if (status == ZX_OK && !is_as_said(cell, parent, root, made)) {
    check_fail("%s, kind %x: not such a child", f->name, kind);
  }
}

#define CELLS_OF(name, kind, column)                      \
  SCENARIO(name) {                                        \
    for (size_t i = 0; i < FAMILIES; i++) {               \
      try_cell(&families[i], (kind), families[i].column); \
    }                                                     \
  }

/* vmo.md 6: the columns of the table */
CELLS_OF(snapshot_of_every_kind_of_parent, SNAPSHOT, snapshot)
CELLS_OF(at_least_on_write_of_every_kind_of_parent, AT_LEAST, at_least)
CELLS_OF(modified_of_every_kind_of_parent, MODIFIED, modified)
CELLS_OF(slice_of_every_kind_of_parent, SLICE, slice)
CELLS_OF(reference_of_every_kind_of_parent, REFERENCE, reference)

/* ---- Sizes and resizability ---- */

static uint64_t size_of(zx_handle_t vmo) {
  uint64_t size = 0;
  check_ok(zx_vmo_get_size(vmo, &size));
  return size;
}

static uint64_t stream_size_of(zx_handle_t vmo) {
  uint64_t size = 0;
  check_ok(zx_vmo_get_stream_size(vmo, &size));
  return size;
}

/* vmo.md 6: "any page-aligned offset, any size; both may lie beyond the parent's end" */
SCENARIO(a_cow_child_may_lie_anywhere) {
  struct vmo* a = anonymous(BY_CALLS, 0, "1 2");
  static const struct {
    uint64_t first, size;
    const char* tags;
  } rows[] = {
      {0, 0, ""},           {0, 1, "1"},          {1, 3 * PAGE, "2 0 0"}, {2, PAGE, "0"},
      {9, 2 * PAGE, "0 0"}, {1 << 30, PAGE, "0"}, {1, PAGE + 1, "2 0"},
  };
  static const uint32_t kinds[] = {SNAPSHOT, AT_LEAST, MODIFIED};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    for (size_t k = 0; k < 3; k++) {
      zx_handle_t made = ZX_HANDLE_INVALID;
      check_ok(try_child(a->handle, kinds[k], rows[i].first * PAGE, rows[i].size, &made));
      struct vmo* b = vmo_of(BY_CALLS, made);
      expect_tags(b, rows[i].tags);
      check_equal(stream_size_of(made), rows[i].size);
      if (size_of(made) > 0) put(b, 0, 5);
    }
  }
  expect_tags(a, "1 2");
}

/* vmo.md 6: slices of size 0, and of sizes that are rounded up */
SCENARIO(a_slice_fits_its_parent_after_rounding) {
  struct vmo* one = anonymous(BY_CALLS, 0, "1");
  struct vmo* a = anonymous(BY_CALLS, 0, "1 2 3");
  zx_handle_t made = ZX_HANDLE_INVALID;
  check_ok(try_child(one->handle, SLICE, 0, 42, &made));
  check_equal(size_of(made), PAGE);
  check_equal(stream_size_of(made), 42);
  for (uint64_t page = 0; page <= 3; page++) {
    check_ok(try_child(a->handle, SLICE, page * PAGE, 0, &made));
    check_equal(size_of(made), 0);
  }
  check_status(try_child(a->handle, SLICE, 4 * PAGE, 0, &made), ZX_ERR_INVALID_ARGS);
  check_status(try_child(one->handle, SLICE, 0, PAGE + 1, &made), ZX_ERR_INVALID_ARGS);
  check_ok(try_child(a->handle, SLICE, PAGE, PAGE + 1, &made));
  expect_tags(vmo_of(BY_CALLS, made), "2 3");
  check_status(try_child(a->handle, SLICE, 2 * PAGE, PAGE + 1, &made), ZX_ERR_INVALID_ARGS);
}

/* vmo.md 6: references and resizing; the option only gives the right */
SCENARIO(a_reference_follows_its_parent_in_size_and_flags) {
  struct vmo* a = anonymous(BY_CALLS, ZX_VMO_RESIZABLE, "1 2");
  struct vmo* fixed_parent = anonymous(BY_CALLS, 0, "1 2");
  struct vmo* without = reference(a);
  struct vmo* with = child(a, REFERENCE | RESIZABLE, 0, 0);
  struct vmo* of_fixed = reference(fixed_parent);
  check_true((vmo_info(without->handle).flags & ZX_INFO_VMO_RESIZABLE) != 0);
  check_true((vmo_info(with->handle).flags & ZX_INFO_VMO_RESIZABLE) != 0);
  check_true((vmo_info(of_fixed->handle).flags & ZX_INFO_VMO_RESIZABLE) == 0);
  check_status(zx_vmo_set_size(without->handle, PAGE), ZX_ERR_ACCESS_DENIED);
  check_status(zx_vmo_set_size(of_fixed->handle, PAGE), ZX_ERR_UNAVAILABLE);
  check_ok(zx_vmo_set_size(with->handle, 2 * PAGE + 7));
  check_equal(size_of(a->handle), 3 * PAGE);
  check_equal(size_of(without->handle), 3 * PAGE);
  check_equal(stream_size_of(without->handle), 2 * PAGE + 7);
  expect_tags(without, "1 2 0");
  /* A reference to a reference that may not resize still shows the resizable target. */
  struct vmo* again = reference(without);
  check_true((vmo_info(again->handle).flags & ZX_INFO_VMO_RESIZABLE) != 0);
  check_ok(zx_vmo_set_size(child(without, REFERENCE | RESIZABLE, 0, 0)->handle, PAGE));
  expect_tags(again, "1");
}

/* vmo.md 6: "COW child: resizable only with RESIZABLE, whatever the parent is" */
SCENARIO(a_cow_child_is_resizable_if_it_was_asked_for) {
  struct vmo* parents[] = {anonymous(BY_CALLS, 0, "1"), anonymous(BY_CALLS, ZX_VMO_RESIZABLE, "1")};
  for (int i = 0; i < 2; i++) {
    struct vmo* plain = snapshot(parents[i], 0, 1);
    struct vmo* sized = child(parents[i], SNAPSHOT | RESIZABLE, 0, 1);
    check_true((vmo_info(plain->handle).flags & ZX_INFO_VMO_RESIZABLE) == 0);
    check_true((vmo_info(sized->handle).flags & ZX_INFO_VMO_RESIZABLE) != 0);
    check_status(zx_vmo_set_size(plain->handle, 0), ZX_ERR_UNAVAILABLE);
    resize(sized, 3);
    expect_tags(sized, "1 0 0");
    expect_tags(parents[i], "1");
  }
}

/* vmo.md 6: stream sizes: a child's own, or the target's in both directions */
SCENARIO(stream_sizes_are_own_but_for_references) {
  struct vmo* a = anonymous(BY_CALLS, 0, "1 2 3");
  zx_handle_t b = ZX_HANDLE_INVALID;
  zx_handle_t s = ZX_HANDLE_INVALID;
  check_ok(try_child(a->handle, SNAPSHOT, 0, 2 * PAGE + 5, &b));
  check_ok(try_child(a->handle, SLICE, 0, PAGE + 9, &s));
  const zx_handle_t r = reference(a)->handle;
  check_equal(stream_size_of(b), 2 * PAGE + 5);
  check_equal(stream_size_of(s), PAGE + 9);
  check_equal(stream_size_of(r), 3 * PAGE);
  check_ok(zx_vmo_set_stream_size(a->handle, 2 * PAGE));
  check_equal(stream_size_of(b), 2 * PAGE + 5);
  check_equal(stream_size_of(s), PAGE + 9);
  check_equal(stream_size_of(r), 2 * PAGE);
  check_ok(zx_vmo_set_stream_size(r, PAGE));
  check_equal(stream_size_of(a->handle), PAGE);
  check_ok(zx_vmo_set_stream_size(s, 1));
  check_ok(zx_vmo_set_stream_size(b, 2));
  check_equal(stream_size_of(a->handle), PAGE);
  check_equal(stream_size_of(s), 1);
  check_equal(stream_size_of(b), 2);
}

/* ---- Rights, flags, names ---- */

struct rights_row {
  zx_rights_t parent;
  uint32_t options;
  zx_rights_t child;
};

#define D_R (ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ)

/* vmo.md 6: the table of rights, and what it leaves to be worked out */
SCENARIO(rights_of_a_child_follow_from_its_parents_and_the_options) {
  const zx_rights_t all = DEFAULT_RIGHTS;
  const zx_rights_t exec = DEFAULT_RIGHTS | ZX_RIGHT_EXECUTE;
  const zx_rights_t sized = DEFAULT_RIGHTS | ZX_RIGHT_RESIZE;
  const struct rights_row rows[] = {
      {D_R, SNAPSHOT, D_R | ZX_RIGHT_WRITE | PROPERTY_RIGHTS},
      {D_R, AT_LEAST, D_R | ZX_RIGHT_WRITE | PROPERTY_RIGHTS},
      {D_R, MODIFIED, D_R | ZX_RIGHT_WRITE | PROPERTY_RIGHTS},
      {D_R, SNAPSHOT | NO_WRITE, D_R | PROPERTY_RIGHTS},
      {D_R, SNAPSHOT | RESIZABLE, D_R | ZX_RIGHT_WRITE | ZX_RIGHT_RESIZE | PROPERTY_RIGHTS},
      {all, SNAPSHOT, all},
      {all, SNAPSHOT | NO_WRITE, all & ~ZX_RIGHT_WRITE},
      {exec, SNAPSHOT, all},
      {exec, MODIFIED, all},
      {exec, SNAPSHOT | NO_WRITE, exec & ~ZX_RIGHT_WRITE},
      {D_R, SLICE, D_R | PROPERTY_RIGHTS},
      {all, SLICE, all},
      {exec, SLICE, exec},
      {exec, SLICE | NO_WRITE, exec & ~ZX_RIGHT_WRITE},
      {all & ~ZX_RIGHT_WRITE, SLICE, all & ~ZX_RIGHT_WRITE},
      {sized, REFERENCE, all},
      {sized, REFERENCE | RESIZABLE, sized},
      {all, REFERENCE | RESIZABLE, sized},
      {D_R, REFERENCE, D_R | PROPERTY_RIGHTS},
      {exec, REFERENCE, exec},
      {exec, REFERENCE | NO_WRITE, exec & ~ZX_RIGHT_WRITE},
      {sized, SNAPSHOT, all},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const bool of_fixed = (rows[i].options & SLICE) != 0;
    zx_handle_t full = ZX_HANDLE_INVALID;
    check_ok(zx_vmo_create(PAGE, of_fixed ? 0 : ZX_VMO_RESIZABLE, &full));
    zx_handle_t executable = ZX_HANDLE_INVALID;
    check_ok(zx_vmo_replace_as_executable(full, ZX_HANDLE_INVALID, &executable));
    keep(executable);
    const zx_handle_t parent = duplicate_with(executable, rows[i].parent);
    zx_handle_t made = ZX_HANDLE_INVALID;
    const uint64_t size = (rows[i].options & REFERENCE) != 0 ? 0 : PAGE;
    check_ok(try_child(parent, rows[i].options, 0, size, &made));
    if (vmo_info(made).handle_rights != rows[i].child) {
      check_fail("parent %x, options %x: rights %x, not %x", rows[i].parent, rows[i].options,
                 vmo_info(made).handle_rights, rows[i].child);
    }
  }
}

/* vmo.md 6: "SNAPSHOT with NO_WRITE makes an object flagged ZX_INFO_VMO_IMMUTABLE" */
SCENARIO(only_a_snapshot_without_write_is_immutable) {
  struct vmo* a = anonymous(BY_CALLS, 0, "1");
  struct vmo* b = child(a, SNAPSHOT | NO_WRITE, 0, 1);
  check_true((vmo_info(b->handle).flags & ZX_INFO_VMO_IMMUTABLE) != 0);
  check_true((vmo_info(duplicate_with(b->handle, ZX_RIGHT_NONE)).flags & ZX_INFO_VMO_IMMUTABLE) !=
             0);
  check_true((vmo_info(snapshot(a, 0, 1)->handle).flags & ZX_INFO_VMO_IMMUTABLE) == 0);
  check_true((vmo_info(child(a, SLICE | NO_WRITE, 0, 1)->handle).flags & ZX_INFO_VMO_IMMUTABLE) ==
             0);
  check_true(
      (vmo_info(child(a, REFERENCE | NO_WRITE, 0, 0)->handle).flags & ZX_INFO_VMO_IMMUTABLE) == 0);
  uint8_t byte = 9;
  check_status(zx_vmo_write(b->handle, &byte, 0, 1), ZX_ERR_ACCESS_DENIED);
  put(a, 0, 5);
  expect_tags(b, "1");
}

/* vmo.md 6, 14, 15: names */
SCENARIO(a_child_takes_the_name_if_the_handle_may_read_it) {
  struct vmo* a = anonymous(BY_CALLS, 0, "1 2");
  check_ok(zx_object_set_property(a->handle, ZX_PROP_NAME, "parent", 6));
  const zx_handle_t silent = duplicate_with(a->handle, DEFAULT_RIGHTS & ~ZX_RIGHT_GET_PROPERTY);
  static const uint32_t kinds[] = {SNAPSHOT, SLICE, REFERENCE};
  for (int i = 0; i < 3; i++) {
    const uint64_t pages = kinds[i] == REFERENCE ? 0 : 1;
    const zx_handle_t named = make_child(a->handle, kinds[i], 0, pages);
    const zx_handle_t nameless = make_child(silent, kinds[i], 0, pages);
    check_true(strcmp(vmo_info(named).name, "parent") == 0);
    check_true(vmo_info(nameless).name[0] == '\0');
    check_ok(zx_object_set_property(a->handle, ZX_PROP_NAME, "renamed", 7));
    check_true(strcmp(vmo_info(named).name, "parent") == 0);
    check_ok(zx_object_set_property(named, ZX_PROP_NAME, "child", 5));
    check_true(strcmp(vmo_info(a->handle).name, "renamed") == 0);
    check_ok(zx_object_set_property(a->handle, ZX_PROP_NAME, "parent", 6));
  }
}

/* vmo.md 14: flags of children */
SCENARIO(flags_tell_what_a_child_is) {
  const uint32_t base = ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_VIA_HANDLE;
  struct vmo* a = anonymous(BY_CALLS, 0, "1 2");
  struct vmo* r = pager_root(BY_CALLS, 0, "1 2", NULL);
  check_equal(vmo_info(snapshot(a, 0, 1)->handle).flags, base | ZX_INFO_VMO_IS_COW_CLONE);
  check_equal(vmo_info(child(a, SNAPSHOT | RESIZABLE, 0, 1)->handle).flags,
              base | ZX_INFO_VMO_IS_COW_CLONE | ZX_INFO_VMO_RESIZABLE);
  check_equal(vmo_info(slice(a, 0, 1)->handle).flags, base);
  check_equal(vmo_info(reference(a)->handle).flags, base);
  check_equal(vmo_info(lazy(r, 0, 1)->handle).flags,
              base | ZX_INFO_VMO_IS_COW_CLONE | ZX_INFO_VMO_PAGER_BACKED);
  check_equal(vmo_info(slice(r, 0, 1)->handle).flags, base | ZX_INFO_VMO_PAGER_BACKED);
  check_equal(vmo_info(reference(r)->handle).flags, base | ZX_INFO_VMO_PAGER_BACKED);
  /* Slices and references of a COW child are no clones. */
  struct vmo* b = snapshot(a, 0, 2);
  check_equal(vmo_info(slice(b, 0, 1)->handle).flags, base);
  check_equal(vmo_info(reference(b)->handle).flags, base);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(each_mistake_has_its_error),
      TEST(of_two_mistakes_the_first_in_order_is_found),
      TEST(of_two_faults_of_the_parent_the_first_in_order_is_found),
      TEST(exactly_one_kind_and_its_modifiers),
      TEST(a_call_that_fails_changes_nothing),
      TEST(snapshot_of_every_kind_of_parent),
      TEST(at_least_on_write_of_every_kind_of_parent),
      TEST(modified_of_every_kind_of_parent),
      TEST(slice_of_every_kind_of_parent),
      TEST(reference_of_every_kind_of_parent),
      TEST(a_cow_child_may_lie_anywhere),
      TEST(a_slice_fits_its_parent_after_rounding),
      TEST(a_reference_follows_its_parent_in_size_and_flags),
      TEST(a_cow_child_is_resizable_if_it_was_asked_for),
      TEST(stream_sizes_are_own_but_for_references),
      TEST(rights_of_a_child_follow_from_its_parents_and_the_options),
      TEST(only_a_snapshot_without_write_is_immutable),
      TEST(a_child_takes_the_name_if_the_handle_may_read_it),
      TEST(flags_tell_what_a_child_is),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
