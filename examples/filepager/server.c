/* SPDX-License-Identifier: BSD-3-Clause */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <zircon/process.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

static uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint64_t cluster_offset(const struct server* s, uint64_t cluster) {
  return cluster * s->cluster_size;
}

/* Bytes of the cluster as the VMO has them: whole pages. */
static uint64_t cluster_length(const struct server* s, uint64_t cluster) {
  return smaller(s->cluster_size, s->pages * PAGE_SIZE_BYTES - cluster_offset(s, cluster));
}

static void set_state(struct server* s, uint64_t cluster, enum cluster_state state) {
  atomic_store_explicit(&s->states[cluster], (unsigned char)state, memory_order_release);
}

static enum cluster_state get_state(const struct server* s, uint64_t cluster) {
  return (enum cluster_state)atomic_load_explicit(&s->states[cluster], memory_order_acquire);
}

bool server_has_page(const struct server* s, uint64_t page) {
  return get_state(s, page * PAGE_SIZE_BYTES / s->cluster_size) == CLUSTER_PRESENT;
}

/* ---- Reading the file ---- */

static void fill_slots(struct server* s);

/* The bytes are in the slot: move its pages into the VMO. The slot is empty afterwards. */
static zx_status_t answer(struct server* s, const struct slot* slot, ssize_t result) {
  const uint64_t offset = cluster_offset(s, slot->cluster);
  const uint64_t length = cluster_length(s, slot->cluster);
  if (result != (ssize_t)smaller(length, s->file_size - offset)) {
    s->read_errors++;
    set_state(s, slot->cluster, CLUSTER_ABSENT);
    return zxp_uv_vmo_fail(&s->vmo, offset, length, ZX_ERR_IO);
  }
  /* Said first: a thread that goes on must not find it unsaid. */
  set_state(s, slot->cluster, CLUSTER_PRESENT);
  const uint64_t slot_offset = (uint64_t)(slot - s->slots) * s->cluster_size;
  const zx_status_t st = zxp_uv_vmo_supply(&s->vmo, offset, length, s->transfer, slot_offset);
  if (st != ZX_OK) {
    set_state(s, slot->cluster, CLUSTER_ABSENT);
    return st;
  }
  latency_add(&s->answers, nanoseconds_now() - s->asked_at[slot->cluster]);
  s->pages_supplied += length / PAGE_SIZE_BYTES;
  return ZX_OK;
}

static void on_file_read(uv_fs_t* request) {
  struct slot* slot = request->data;
  struct server* s = slot->server;
  const ssize_t result = request->result;
  uv_fs_req_cleanup(request);
  slot->busy = false;
  if (zxp_uv_pager_is_closing(&s->pager)) {
    return;
  }
  const zx_status_t st = answer(s, slot, result);
  if (st != ZX_OK) {
    fprintf(stderr, "filepager: an answer was refused: %s\n", zx_status_get_string(st));
  }
  fill_slots(s);
}

static void read_cluster(struct server* s, struct slot* slot, uint64_t cluster) {
  const uint64_t offset = cluster_offset(s, cluster);
  char* memory = (char*)(s->transfer_address + (uint64_t)(slot - s->slots) * s->cluster_size);
  uv_buf_t buffer =
      uv_buf_init(memory, (unsigned)smaller(cluster_length(s, cluster), s->file_size - offset));
  slot->cluster = cluster;
  slot->busy = true;
  slot->request.data = slot;
  set_state(s, cluster, CLUSTER_READING);
  s->reads++;
  /* Fails only for want of a callback. */
  uv_fs_read(s->loop, &slot->request, s->fd, &buffer, 1, (int64_t)offset, on_file_read);
}

static void fill_slots(struct server* s) {
  for (int i = 0; i < SERVER_SLOTS && s->queue_length > 0; i++) {
    if (!s->slots[i].busy) {
      const uint64_t cluster = s->queue[s->queue_head];
      s->queue_head = (s->queue_head + 1) % s->clusters;
      s->queue_length--;
      read_cluster(s, &s->slots[i], cluster);
    }
  }
}

/* ---- Page requests ---- */

static void on_page_request(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length) {
  struct server* s = vmo->data;
  s->requests++;
  if (s->fail_every != 0 && s->requests % s->fail_every == 0) {
    s->failed_requests++;
    zxp_uv_vmo_fail(vmo, offset, length, ZX_ERR_IO);
    return;
  }
  /* A cluster that is on its way for another request answers this one too when it arrives. */
  for (uint64_t c = offset / s->cluster_size; cluster_offset(s, c) < offset + length; c++) {
    if (get_state(s, c) == CLUSTER_ABSENT) {
      set_state(s, c, CLUSTER_QUEUED);
      s->asked_at[c] = nanoseconds_now();
      s->queue[(s->queue_head + s->queue_length++) % s->clusters] = c;
    }
  }
  fill_slots(s);
}

static void on_complete(zxp_uv_vmo_t* vmo) {
  struct server* s = vmo->data;
  s->complete = true;
}

/* ---- Start and end ---- */

zx_status_t server_start(struct server* s, uv_loop_t* loop, uv_file fd, uint64_t file_size,
                         uint64_t cluster_size, uint64_t fail_every) {
  static const zxp_uv_pager_callbacks_t callbacks = {
      .size = sizeof callbacks,
      .read = on_page_request,
      .complete = on_complete,
  };
  *s = (struct server){
      .loop = loop,
      .fd = fd,
      .file_size = file_size,
      .pages = (file_size + PAGE_SIZE_BYTES - 1) / PAGE_SIZE_BYTES,
      .cluster_size = cluster_size,
      .clusters = (file_size + cluster_size - 1) / cluster_size,
      .fail_every = fail_every,
  };
  s->states = calloc(s->clusters, sizeof *s->states);
  s->asked_at = calloc(s->clusters, sizeof *s->asked_at);
  s->queue = calloc(s->clusters, sizeof *s->queue);
  if (s->states == NULL || s->asked_at == NULL || s->queue == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  for (int i = 0; i < SERVER_SLOTS; i++) {
    s->slots[i].server = s;
  }

  const size_t transfer_size = SERVER_SLOTS * cluster_size;
  zx_status_t st = zx_vmo_create(transfer_size, 0, &s->transfer);
  if (st != ZX_OK) return st;
  st = zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, s->transfer, 0,
                   transfer_size, &s->transfer_address);
  if (st != ZX_OK) return st;

  st = zxp_uv_pager_init(loop, &s->pager, &callbacks);
  if (st != ZX_OK) return st;
  s->vmo.data = s;
  return zxp_uv_pager_create_vmo(&s->pager, &s->vmo, 0, file_size, &s->handle);
}

void server_close(struct server* s) {
  zx_handle_close(s->handle);
  zxp_uv_pager_close(&s->pager, NULL);
  zx_vmar_unmap(zx_vmar_root_self(), s->transfer_address, SERVER_SLOTS * s->cluster_size);
  zx_handle_close(s->transfer);
}

void server_free(struct server* s) {
  free(s->states);
  free(s->asked_at);
  free(s->queue);
}
