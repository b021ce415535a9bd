/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the ways of the library share: the VMO that a pager supplies from, answers, mappings.
 */
#ifndef BENCH_WAY_VMO_H_
#define BENCH_WAY_VMO_H_

#include <semaphore.h>

#include "way.h"

/* The buffer that a pager fills and supplies from. */
struct way_transfer {
  zx_handle_t vmo;
  zx_vaddr_t address;
  size_t pages;
};

void way_transfer_init(struct way_transfer* t, size_t pages);
void way_transfer_free(struct way_transfer* t);

/* Answers a request for the page at `offset`. */
void way_answer(const struct way* way, const struct way_transfer* t, zx_handle_t pager,
                zx_handle_t vmo, uint64_t offset);

zx_vaddr_t way_map(zx_handle_t vmo, size_t pages); /* for loads */
void way_unmap(zx_vaddr_t address, size_t pages);

/* sem_wait, whatever signals come. */
void way_wait(sem_t* semaphore);

#endif /* BENCH_WAY_VMO_H_ */
