/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zx_process_read_memory, zx_process_write_memory: docs/semantics/vmar.md 11. The process is this
 * one, and its memory the mappings of the library.
 *
 * Unlike other calls these answer with a status also for a buffer outside the root region that is
 * not there: tools that read around in memory call them. The kernel copies to and from such
 * buffers, by the system calls for the memory of processes; where these are forbidden, a bad buffer
 * raises SIGSEGV as everywhere.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zircon/syscalls.h>

#include "base/export.h"
#include "base/user.h"
#include "object/handle.h"
#include "vm/mapping.h"
#include "vm/region.h"

#define SIZE_MAX_ALLOWED (UINT64_C(64) << 20)
/* What is moved at once: pages up to this many bytes are asked for together, as zx_vmo_read
 * does. */
#define CHUNK (UINT64_C(1) << 20)

/* ---- The caller's buffer ---- */

static bool kernel_copy(void* dst, const void* src, size_t n, bool out, ssize_t* copied) {
  const struct iovec to = {.iov_base = dst, .iov_len = n};
  const struct iovec from = {.iov_base = (void*)(uintptr_t)src, .iov_len = n};
  *copied = out ? process_vm_writev(getpid(), &from, 1, &to, 1, 0)
                : process_vm_readv(getpid(), &to, 1, &from, 1, 0);
  return *copied >= 0 || errno == EFAULT;
}

/* Bytes between the caller's buffer and ours; `out`: to the caller. */
static zx_status_t copy_buffer(void* dst, const void* src, size_t n, bool out) {
  ssize_t copied;
  const bool in_window = zxp_user_in_window(out ? dst : src, n);
  if (!in_window && kernel_copy(dst, src, n, out, &copied)) {
    return copied == (ssize_t)n ? ZX_OK : ZX_ERR_INVALID_ARGS;
  }
  return out ? zxp_user_copy_out(dst, src, n, NULL) : zxp_user_copy_in(dst, src, n, NULL);
}

/* ---- The memory ---- */

/* What lies at an address, up to the end of one mapping. */
struct target {
  struct zxp_vmo* vmo; /* holds a reference */
  uint64_t offset;
  uint64_t length;
};

static zx_status_t find_target(uintptr_t address, uint64_t length, struct target* out) {
  zx_status_t st = ZX_ERR_NOT_FOUND;
  zxp_rwlock_read(&zxp_aspace.lock);
  const struct zxp_mapping* m = zxp_region_find_mapping_locked(address);
  if (m != NULL) {
    const uint64_t left = zxp_mapping_end(m) - address;
    out->vmo = m->vmo;
    zxp_object_get(&m->vmo->object);
    out->offset = zxp_mapping_vmo_offset(m, 0) + (address - m->base);
    out->length = length < left ? length : left;
    st = ZX_OK;
  }
  zxp_rwlock_unlock(&zxp_aspace.lock);
  return st;
}

/* Cuts the target at the end of the VMO. */
static zx_status_t clip_to_vmo(struct target* t) {
  const uint64_t size = zxp_vmo_size(t->vmo);
  if (t->offset >= size) {
    return ZX_ERR_OUT_OF_RANGE;
  }
  t->length = t->length < size - t->offset ? t->length : size - t->offset;
  return ZX_OK;
}

/* Moves the bytes; a VMO that shrinks meanwhile ends the transfer where it ends then. */
static zx_status_t transfer(const struct target* t, unsigned char* buffer, bool out,
                            uint64_t* done) {
  const uint64_t most = t->length < CHUNK ? t->length : CHUNK;
  unsigned char* chunk = malloc(most);
  zx_status_t st = chunk == NULL ? ZX_ERR_NO_MEMORY : ZX_OK;
  uint64_t at = 0;
  while (st == ZX_OK && at < t->length) {
    const uint64_t n = t->length - at < most ? t->length - at : most;
    if (out) {
      st = zxp_vmo_read(t->vmo, chunk, t->offset + at, n, NULL);
      if (st == ZX_OK) {
        st = copy_buffer(buffer + at, chunk, n, true);
      }
    } else {
      st = copy_buffer(chunk, buffer + at, n, false);
      if (st == ZX_OK) {
        st = zxp_vmo_write(t->vmo, chunk, t->offset + at, n, NULL);
      }
    }
    at += st == ZX_OK ? n : 0;
  }
  free(chunk);
  *done = at;
  return st == ZX_ERR_OUT_OF_RANGE && at > 0 ? ZX_OK : st;
}

static zx_status_t process_memory(zx_handle_t handle, zx_rights_t rights, zx_vaddr_t vaddr,
                                  void* buffer, size_t size, bool out, size_t* actual) {
  struct zxp_object* process;
  struct target t = {0};
  uint64_t done = 0;
  if (buffer == NULL || size == 0 || size > SIZE_MAX_ALLOWED) {
    return ZX_ERR_INVALID_ARGS;
  }
  zx_status_t st = zxp_handle_get(handle, ZX_OBJ_TYPE_PROCESS, rights, &process, NULL);
  if (st != ZX_OK) {
    return st;
  }
  if (actual == NULL) {
    st = ZX_ERR_INVALID_ARGS;
  }
  if (st == ZX_OK) {
    st = find_target(vaddr, size, &t);
  }
  if (st == ZX_OK) {
    st = clip_to_vmo(&t);
  }
  if (st == ZX_OK) {
    st = transfer(&t, buffer, out, &done);
  }
  if (st == ZX_OK) {
    const size_t moved = done;
    st = zxp_user_copy_out(actual, &moved, sizeof moved, NULL);
  }
  if (t.vmo != NULL) {
    zxp_object_put(&t.vmo->object);
  }
  zxp_object_put(process);
  return st;
}

ZXP_EXPORT zx_status_t zx_process_read_memory(zx_handle_t handle, zx_vaddr_t vaddr, void* buffer,
                                              size_t buffer_size, size_t* actual) {
  return process_memory(handle, ZX_RIGHT_READ | ZX_RIGHT_WRITE, vaddr, buffer, buffer_size, true,
                        actual);
}
ZXP_TWIN(zx_process_read_memory);

ZXP_EXPORT zx_status_t zx_process_write_memory(zx_handle_t handle, zx_vaddr_t vaddr,
                                               const void* buffer, size_t buffer_size,
                                               size_t* actual) {
  return process_memory(handle, ZX_RIGHT_WRITE, vaddr, (void*)(uintptr_t)buffer, buffer_size, false,
                        actual);
}
ZXP_TWIN(zx_process_write_memory);
