/* SPDX-License-Identifier: BSD-3-Clause */
/* cc hello_pager.c -o hello_pager $(pkg-config --cflags --libs zxpager) && ./hello_pager */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/port.h>

#define PAGE ((size_t)4096)
#define SIZE (4 * PAGE)

/* Loads from memory that is not there yet: each first touch of a page waits for the pager. */
static void* reader(void* memory) {
  for (size_t at = 0; at < SIZE; at += PAGE) {
    char text[64]; /* printf would wait with stdout locked, and the pager prints too */
    memcpy(text, (const char*)memory + at, sizeof text);
    printf("reader: %s\n", text);
  }
  return NULL;
}

int main(void) {
  zx_handle_t port, pager, vmo, buffer;
  zx_vaddr_t address;
  zx_port_packet_t packet;
  pthread_t thread;

  if (zx_port_create(0, &port) != ZX_OK || zx_pager_create(0, &pager) != ZX_OK ||
      zx_pager_create_vmo(pager, 0, port, /*key=*/1, SIZE, &vmo) != ZX_OK ||
      zx_vmo_create(SIZE, 0, &buffer) != ZX_OK) {
    return 1;
  }
  zx_status_t st = zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, vmo, 0, SIZE, &address);
  if (st != ZX_OK) {
    printf("skipped: no page faults here (%s), see zxpager-check\n", zx_status_get_string(st));
    return 77;
  }
  if (pthread_create(&thread, NULL, reader, (void*)address) != 0) {
    return 1;
  }
  for (uint64_t left = SIZE; left > 0; left -= packet.page_request.length) {
    if (zx_port_wait(port, ZX_TIME_INFINITE, &packet) != ZX_OK) {
      return 1;
    }
    const uint64_t offset = packet.page_request.offset, length = packet.page_request.length;
    char text[64];
    snprintf(text, sizeof text, "hello from page %d", (int)(offset / PAGE));
    printf("pager:  request for bytes %d to %d\n", (int)offset, (int)(offset + length - 1));
    zx_vmo_write(buffer, text, 0, strlen(text) + 1);
    zx_pager_supply_pages(pager, vmo, offset, length, buffer, 0);
  }
  return pthread_join(thread, NULL);
}
