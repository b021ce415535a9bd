/* SPDX-License-Identifier: BSD-3-Clause */

/* A program of a user of the installed library, valid as C11 and as C++17. It needs no userfaultfd:
 * what is checked is that headers, library and pkg-config file fit together. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/port.h>

static int failures;

static void expect_ok(zx_status_t status, const char* what) {
  if (status == ZX_OK) return;
  fprintf(stderr, "%s: %s\n", what, zx_status_get_string(status));
  failures++;
}

int main(void) {
  zx_handle_t pager = ZX_HANDLE_INVALID;
  zx_handle_t port = ZX_HANDLE_INVALID;
  zx_handle_t source = ZX_HANDLE_INVALID;
  zx_handle_t vmo = ZX_HANDLE_INVALID;
  const uint64_t page = ZX_PAGE_SIZE;
  const char text[] = "installed";
  char seen[sizeof(text)] = "";
  zx_port_packet_t packet;

  expect_ok(zx_pager_create(0, &pager), "zx_pager_create");
  expect_ok(zx_port_create(0, &port), "zx_port_create");
  expect_ok(zx_vmo_create(page, 0, &source), "zx_vmo_create");
  expect_ok(zx_pager_create_vmo(pager, 0, port, 7, page, &vmo), "zx_pager_create_vmo");

  expect_ok(zx_vmo_write(source, text, 0, sizeof(text)), "zx_vmo_write");
  expect_ok(zx_pager_supply_pages(pager, vmo, 0, page, source, 0), "zx_pager_supply_pages");
  expect_ok(zx_vmo_read(vmo, seen, 0, sizeof(seen)), "zx_vmo_read");
  if (memcmp(seen, text, sizeof(text)) != 0) {
    fprintf(stderr, "read something else than was supplied\n");
    failures++;
  }

  expect_ok(zx_handle_close(vmo), "zx_handle_close");
  expect_ok(zx_port_wait(port, 0, &packet), "zx_port_wait");
  if (packet.key != 7 || packet.page_request.command != ZX_PAGER_VMO_COMPLETE) {
    fprintf(stderr, "the packet is not the one that ends the VMO\n");
    failures++;
  }
  expect_ok(zx_handle_close(source), "zx_handle_close");
  expect_ok(zx_handle_close(port), "zx_handle_close");
  expect_ok(zx_handle_close(pager), "zx_handle_close");

  printf("consumer: %s\n", failures == 0 ? "fine" : "FAILED");
  return failures == 0 ? 0 : 1;
}
