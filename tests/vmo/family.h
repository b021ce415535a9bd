/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random trees of VMOs against plain byte arrays.
 *
 *   family    up to a dozen VMOs that one thread makes, changes, maps and closes, and a model of
 *             each
 *   content   the model of the pages that one VMO, its slices and its references show
 *   step      one operation: a kind and three numbers, any of which are fine
 *
 * In an anonymous tree the model of a child is a copy. In a pager tree, whose pages are all
 * supplied, it is what vmo.md 8 says: per page, its own bytes or whatever its parent shows there
 * now, through a window that only ever shrinks.
 *
 * After each step one VMO is compared with its model as a whole; family_end compares all of them by
 * calls and through mappings. Nothing here asserts: the first difference is written to `out`, and
 * the step says false. So a family may live on any thread and in any process.
 *
 * Accesses past the end of a VMO are part of it, so a program that uses families has their handler
 * for SIGBUS (family_catch_faults).
 */
#ifndef ZXP_TESTS_VMO_FAMILY_H_
#define ZXP_TESTS_VMO_FAMILY_H_

#include <stdbool.h>
#include <stdio.h>
#include <zircon/syscalls.h>

#include "../vm/script.h"

struct family;

enum tree_kind {
  ANONYMOUS_TREE,
  PAGER_TREE,
};

/* Once, before the first access. */
void family_catch_faults(void);

/* A family without VMOs: its first steps make roots. NULL: no memory, or the pager could not be
 * made. */
struct family* family_begin(enum tree_kind kind, FILE* out);

/* The same, with a VMO of somebody else's tree, which shows `tag` in all of its pages now. Takes
 * the handle. */
struct family* family_adopt(zx_handle_t vmo, uint64_t pages, uint8_t tag, FILE* out);

bool family_step(struct family* f, const struct script_op* step);

/* Compares everything, ends everything. False if there was a difference, now or before. */
bool family_end(struct family* f);

/* A step at random, and in words. */
struct script_op family_random_step(struct rng* rng);
void family_print_step(const struct script_op* step, FILE* out);

#endif /* ZXP_TESTS_VMO_FAMILY_H_ */
