/* SPDX-License-Identifier: BSD-3-Clause */
#include "fixture.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zircon/process.h>
#include <zircon/status.h>

#include "leaks.h"
#include "worker.h"

/* More than any scenario makes; the largest is a table of checks with a few objects a row. */
#define MAX_HANDLES  4096
#define MAX_MAPPINGS 1024
#define MAX_ROOTS    1024

struct fixture fx;

struct range {
  uint8_t* at;
  uint64_t length;
};

static zx_handle_t handles[MAX_HANDLES];
static size_t handle_count;
static struct range mappings[MAX_MAPPINGS];
static size_t mapping_count;
static struct root roots[MAX_ROOTS];
static size_t root_count;

static struct leaks_baseline baseline;

/* round_trip()'s own pager, and what it has added to the library's counters so far. */
static struct {
  struct root root;
  uint64_t trips;
} echo;

/* Pages of the echo VMO: one a trip, and as many trips as a scenario can want. */
#define ECHO_PAGES 100000

/* ---- Objects ---- */

zx_handle_t keep(zx_handle_t handle) {
  if (handle_count == MAX_HANDLES) check_fail("more handles than the fixture has room for");
  handles[handle_count++] = handle;
  return handle;
}

void drop(zx_handle_t* handle) {
  for (size_t i = 0; i < handle_count; i++) {
    if (handles[i] == *handle) handles[i] = ZX_HANDLE_INVALID;
  }
  check_ok(zx_handle_close(*handle));
  *handle = ZX_HANDLE_INVALID;
}

zx_handle_t make_pager(void) {
  zx_handle_t pager = ZX_HANDLE_INVALID;
  check_ok(zx_pager_create(0, &pager));
  return keep(pager);
}

zx_handle_t make_port(void) {
  zx_handle_t port = ZX_HANDLE_INVALID;
  check_ok(zx_port_create(0, &port));
  return keep(port);
}

zx_handle_t make_vmo(uint64_t pages) {
  zx_handle_t vmo = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create(pages * PAGE, 0, &vmo));
  return keep(vmo);
}

zx_handle_t make_resizable_vmo(uint64_t pages) {
  zx_handle_t vmo = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create(pages * PAGE, ZX_VMO_RESIZABLE, &vmo));
  return keep(vmo);
}

zx_handle_t duplicate_with(zx_handle_t handle, zx_rights_t rights) {
  zx_handle_t out = ZX_HANDLE_INVALID;
  check_ok(zx_handle_duplicate(handle, rights, &out));
  return keep(out);
}

zx_handle_t duplicate(zx_handle_t handle) { return duplicate_with(handle, ZX_RIGHT_SAME_RIGHTS); }

struct root* make_root_on(zx_handle_t pager, zx_handle_t port, uint32_t options, uint64_t key,
                          uint64_t size) {
  if (root_count == MAX_ROOTS) check_fail("more roots than the fixture has room for");
  struct root* v = &roots[root_count++];
  *v = (struct root){.pager = pager, .port = port, .key = key, .pages = (size + PAGE - 1) / PAGE};
  check_ok(zx_pager_create_vmo(pager, options, port, key, size, &v->vmo));
  keep(v->vmo);
  return v;
}

struct root* make_root(uint64_t pages) {
  return make_root_on(fx.pager, fx.port, 0, FIRST_KEY + root_count, pages * PAGE);
}

struct root* make_resizable_root(uint64_t pages) {
  return make_root_on(fx.pager, fx.port, ZX_VMO_RESIZABLE, FIRST_KEY + root_count, pages * PAGE);
}

uint8_t* map_with(zx_handle_t vmo, zx_vm_option_t options, uint64_t offset, uint64_t length) {
  if (mapping_count == MAX_MAPPINGS) check_fail("more mappings than the fixture has room for");
  zx_vaddr_t at = 0;
  check_ok(zx_vmar_map(zx_vmar_root_self(), options, 0, vmo, offset, length, &at));
  mappings[mapping_count++] = (struct range){(uint8_t*)at, length};
  return (uint8_t*)at;
}

uint8_t* map_vmo(zx_handle_t vmo, uint64_t offset, uint64_t length) {
  return map_with(vmo, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, offset, length);
}

void unmap(void* at, uint64_t length) {
  check_ok(zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)at, length));
}

uint8_t* map_of(struct root* v) {
  if (v->map == NULL) v->map = map_vmo(v->vmo, 0, v->pages * PAGE);
  return v->map;
}

void need_mappings(void) {
  if (fx.probe.mappings_supported) return;
  static char reason[640];
  snprintf(reason, sizeof(reason), "pager VMOs can't be mapped here: %s", fx.probe.advice);
  scenario_skip(reason);
}

/* ---- Content ---- */

uint8_t content_byte(unsigned tag, uint64_t page, uint64_t offset) {
  return (uint8_t)(1 + (tag * 31 + page * 7 + (offset >> 4)) % 255);
}

void content_fill(void* buffer, uint64_t first, uint64_t count, unsigned tag) {
  uint8_t* bytes = buffer;
  for (uint64_t i = 0; i < count * PAGE; i++) {
    bytes[i] = content_byte(tag, first + i / PAGE, i % PAGE);
  }
}

bool content_is(const void* buffer, uint64_t first, uint64_t count, unsigned tag) {
  const uint8_t* bytes = buffer;
  for (uint64_t i = 0; i < count * PAGE; i++) {
    if (bytes[i] != content_byte(tag, first + i / PAGE, i % PAGE)) return false;
  }
  return true;
}

bool is_filled_with(const void* buffer, uint8_t byte, size_t length) {
  const uint8_t* bytes = buffer;
  for (size_t i = 0; i < length; i++) {
    if (bytes[i] != byte) return false;
  }
  return true;
}

zx_handle_t make_source(uint64_t first, uint64_t count, unsigned tag) {
  const zx_handle_t source = make_vmo(count);
  if (count == 0) return source;
  uint8_t* bytes = malloc(count * PAGE);
  if (bytes == NULL) check_fail("no memory");
  content_fill(bytes, first, count, tag);
  check_ok(zx_vmo_write(source, bytes, 0, count * PAGE));
  free(bytes);
  return source;
}

/* ---- Answering ---- */

zx_status_t try_supply(struct root* v, uint64_t first, uint64_t count, unsigned tag) {
  zx_handle_t source = make_source(first, count, tag);
  const zx_status_t status =
      zx_pager_supply_pages(v->pager, v->vmo, first * PAGE, count * PAGE, source, 0);
  drop(&source);
  return status;
}

zx_status_t try_fail(struct root* v, uint64_t first, uint64_t count, zx_status_t status) {
  /* The code is passed sign-extended. */
  return zx_pager_op_range(v->pager, ZX_PAGER_OP_FAIL, v->vmo, first * PAGE, count * PAGE,
                           (uint64_t)(int64_t)status);
}

void supply_at(struct place place, struct root* v, uint64_t first, uint64_t count, unsigned tag) {
  check_status_at(place, "supply", try_supply(v, first, count, tag), ZX_OK);
}

void supply_zeros_at(struct place place, struct root* v, uint64_t first, uint64_t count) {
  zx_handle_t source = make_vmo(count);
  check_status_at(place, "supply",
                  zx_pager_supply_pages(v->pager, v->vmo, first * PAGE, count * PAGE, source, 0),
                  ZX_OK);
  drop(&source);
}

void supply_waking_at(struct place place, struct root* v, uint64_t first, uint64_t count,
                      unsigned tag, uint64_t wakes) {
  const struct counts before = counts_now();
  supply_at(place, v, first, count, tag);
  const struct counts after = counts_now();
  check_equal_at(place, "number of waiters woken", after.woken - before.woken, wakes);
  check_equal_at(place, "number of waiters failed", after.failed - before.failed, 0);
}

void fail_pages_at(struct place place, struct root* v, uint64_t first, uint64_t count,
                   zx_status_t status) {
  check_status_at(place, "OP_FAIL", try_fail(v, first, count, status), ZX_OK);
}

/* ---- The port ---- */

static zx_instant_mono_t event_deadline(void) {
  return zx_deadline_after((zx_duration_mono_t)EVENT_LIMIT * 1000000000);
}

static void describe_packet(const zx_port_packet_t* packet, char* text, size_t size) {
  if (packet->type != ZX_PKT_TYPE_PAGE_REQUEST) {
    snprintf(text, size, "type %u key %" PRIu64, packet->type, packet->key);
    return;
  }
  const zx_packet_page_request_t* request = &packet->page_request;
  static const char* const commands[] = {"READ", "COMPLETE", "DIRTY"};
  snprintf(text, size, "%s key %" PRIu64 " pages [%g, %g)",
           request->command < 3 ? commands[request->command] : "?", packet->key,
           (double)request->offset / (double)PAGE,
           (double)(request->offset + request->length) / (double)PAGE);
}

void expect_packet_at(struct place place, zx_handle_t port, uint64_t key, uint16_t command,
                      uint64_t offset, uint64_t length) {
  zx_port_packet_t want = {.key = key, .type = ZX_PKT_TYPE_PAGE_REQUEST, .status = ZX_OK};
  want.page_request.command = command;
  want.page_request.offset = offset;
  want.page_request.length = length;
  char want_text[128];
  describe_packet(&want, want_text, sizeof(want_text));

  zx_port_packet_t got;
  memset(&got, 0xa5, sizeof(got));
  const zx_status_t status = zx_port_wait(port, event_deadline(), &got);
  if (status != ZX_OK) {
    zxp_dump(stderr);
    scenario_fail(place, "no packet %s: %s", want_text, zx_status_get_string(status));
  }
  char got_text[128];
  describe_packet(&got, got_text, sizeof(got_text));
  if (got.type != want.type || got.key != key || got.page_request.command != command ||
      got.page_request.offset != offset || got.page_request.length != length) {
    scenario_fail(place, "packet %s, not %s", got_text, want_text);
  }
  /* pager.md 2: everything else is zero. */
  if (got.status != ZX_OK || got.page_request.flags != 0 || got.page_request.reserved0 != 0 ||
      got.page_request.reserved1 != 0) {
    scenario_fail(place, "packet %s with status %d, flags %u, reserved %u %" PRIu64, got_text,
                  got.status, got.page_request.flags, got.page_request.reserved0,
                  got.page_request.reserved1);
  }
}

void expect_empty_at(struct place place, zx_handle_t port) {
  zx_port_packet_t packet;
  memset(&packet, 0, sizeof(packet));
  const zx_status_t status = zx_port_wait(port, ZX_TIME_INFINITE_PAST, &packet);
  if (status == ZX_ERR_TIMED_OUT) return;
  char text[128];
  describe_packet(&packet, text, sizeof(text));
  scenario_fail(place, "the port is not empty: %s, %s", zx_status_get_string(status), text);
}

void expect_read_at(struct place place, struct root* v, uint64_t first, uint64_t count) {
  expect_packet_at(place, v->port, v->key, ZX_PAGER_VMO_READ, first * PAGE, count * PAGE);
}

void expect_complete_at(struct place place, struct root* v) {
  expect_packet_at(place, v->port, v->key, ZX_PAGER_VMO_COMPLETE, 0, 0);
}

void expect_user_packet_at(struct place place, zx_handle_t port, uint64_t key) {
  zx_port_packet_t packet;
  memset(&packet, 0, sizeof(packet));
  check_status_at(place, "zx_port_wait", zx_port_wait(port, event_deadline(), &packet), ZX_OK);
  check_equal_at(place, "packet type", packet.type, ZX_PKT_TYPE_USER);
  check_equal_at(place, "packet key", packet.key, key);
}

void queue_user_packet(zx_handle_t port, uint64_t key) {
  zx_port_packet_t packet;
  memset(&packet, 0, sizeof(packet));
  packet.key = key;
  packet.type = ZX_PKT_TYPE_USER;
  check_ok(zx_port_queue(port, &packet));
}

/* ---- Info ---- */

zx_info_vmo_t vmo_info(zx_handle_t vmo) {
  zx_info_vmo_t info;
  memset(&info, 0, sizeof(info));
  check_ok(zx_object_get_info(vmo, ZX_INFO_VMO, &info, sizeof(info), NULL, NULL));
  return info;
}

uint64_t committed_pages(zx_handle_t vmo) { return vmo_info(vmo).committed_bytes / PAGE; }

struct counts counts_now(void) {
  zxp_stats_t stats;
  check_ok(zxp_stats(&stats));
  /* A round trip makes one request, whose packet is taken, and wakes its reader with one page. */
  return (struct counts){
      .faults = stats.faults,
      .requests = stats.requests - echo.trips,
      .joined = stats.joined,
      .packets_taken = stats.packets_taken - echo.trips,
      .withdrawn = stats.withdrawn,
      .supplied_pages = stats.supplied_pages - echo.trips,
      .failed = stats.failed,
      .woken = stats.woken - echo.trips,
      .signals_sent = stats.signals_sent,
  };
}

uint64_t waits_now(void) {
  const struct counts counts = counts_now();
  return counts.requests + counts.joined;
}

void round_trip(void) {
  if (echo.trips == ECHO_PAGES) check_fail("more round trips than the echo VMO has pages");
  const uint64_t page = echo.trips;
  struct worker* reader = start_touch(VIA_CALLS, &echo.root, page);
  expect_read(&echo.root, page, 1);
  supply(&echo.root, page, 1, TAG);
  expect_byte(reader, content_byte(TAG, page, 0));
  echo.trips++;
}

/* ---- Beginning and end of a scenario ---- */

/* Makes the library start all that it starts once and keeps. */
static void warm_up(void) {
  zx_handle_t pager = make_pager();
  zx_handle_t port = make_port();
  struct root* v = make_root_on(pager, port, 0, 0, PAGE);
  const enum via via = fx.probe.mappings_supported ? VIA_MAPPING : VIA_CALLS;
  struct worker* w = start_touch(via, v, 0);
  expect_packet(port, 0, ZX_PAGER_VMO_READ, 0, PAGE);
  supply(v, 0, 1, TAG);
  expect_ok(w);
}

static void close_everything(void) {
  workers_end();
  for (size_t i = 0; i < mapping_count; i++) {
    unmap(mappings[i].at, mappings[i].length);
  }
  mapping_count = 0;
  while (handle_count > 0) {
    const zx_handle_t handle = handles[--handle_count];
    if (handle != ZX_HANDLE_INVALID) check_ok(zx_handle_close(handle));
  }
  root_count = 0;
}

void fixture_begin(void) {
  check_equal(zx_system_get_page_size(), PAGE);
  check_ok(zxp_probe(&fx.probe));
  workers_begin();
  warm_up();
  close_everything();

  leaks_take_baseline(&baseline, fx.probe.window_base, fx.probe.window_size);
  workers_begin();
  echo.root = *make_root_on(make_pager(), make_port(), 0, 0, ECHO_PAGES * PAGE);
  root_count = 0; /* keys count from the scenario's own first root */
  fx.pager = make_pager();
  fx.port = make_port();
}

void fixture_end(void) {
  close_everything();
  leaks_check(&baseline);
}
