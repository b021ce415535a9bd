/* SPDX-License-Identifier: BSD-3-Clause */
#include "way_vmo.h"

#include <errno.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

void way_transfer_init(struct way_transfer* t, size_t pages) {
  const size_t size = pages * WAY_PAGE;
  t->pages = pages;
  way_check(zx_vmo_create(size, 0, &t->vmo), "zx_vmo_create");
  way_check(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, t->vmo, 0, size,
                        &t->address),
            "zx_vmar_map");
}

void way_transfer_free(struct way_transfer* t) {
  way_unmap(t->address, t->pages);
  zx_handle_close(t->vmo);
}

static void supply_run(const struct way* way, const struct way_transfer* t, zx_handle_t pager,
                       zx_handle_t vmo, size_t page) {
  way_work(way, (unsigned char*)t->address, t->pages);
  way_check(zx_pager_supply_pages(pager, vmo, page * WAY_PAGE, t->pages * WAY_PAGE, t->vmo, 0),
            "zx_pager_supply_pages");
}

void way_answer(const struct way* way, const struct way_transfer* t, zx_handle_t pager,
                zx_handle_t vmo, uint64_t offset) {
  size_t page = way_answer_start(way, offset / WAY_PAGE);
  supply_run(way, t, pager, vmo, page);
  for (size_t i = 0; i < way->setup.ahead; i++) {
    page += way->setup.answer;
    if (page >= way->setup.pages) {
      break;
    }
    supply_run(way, t, pager, vmo, page);
  }
}

zx_vaddr_t way_map(zx_handle_t vmo, size_t pages) {
  zx_vaddr_t address;
  way_check(
      zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, vmo, 0, pages * WAY_PAGE, &address),
      "zx_vmar_map");
  return address;
}

void way_unmap(zx_vaddr_t address, size_t pages) {
  way_check(zx_vmar_unmap(zx_vmar_root_self(), address, pages * WAY_PAGE), "zx_vmar_unmap");
}

void way_wait(sem_t* semaphore) {
  while (sem_wait(semaphore) != 0) {
    way_must(errno == EINTR, "sem_wait");
  }
}
