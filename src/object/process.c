/* SPDX-License-Identifier: BSD-3-Clause */
#include "object/process.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/user.h"
#include "object/handle.h"

/* ---- fork ---- */

atomic_bool zxp_process_forked;

/* Stands for the start of the process, which the kernel tells in hundredths of a second only. */
static zx_time_t loaded_at;

/* A library that nobody has used yet is as good in the child, which may be a daemon's second
 * fork. */
static void in_child(void) {
  if (zxp_handle_used() || zxp_window_base != 0) {
    atomic_store_explicit(&zxp_process_forked, true, memory_order_relaxed);
  }
}

/* At load, so that no call has to ask whether it was done. Registering fails only without memory,
 * and then the process does not get far. */
__attribute__((constructor)) static void at_load(void) {
  pthread_atfork(NULL, NULL, in_child);
  loaded_at = zxp_clock_now();
}

/* ---- The process ---- */

static struct {
  struct zxp_object object;
  char name[ZX_MAX_NAME_LEN]; /* object.lock */
  zx_handle_t handle;         /* constant once made */
} process;

static zx_status_t get_name(struct zxp_object* object, char name[ZX_MAX_NAME_LEN]) {
  zxp_mutex_lock(&object->lock);
  memcpy(name, process.name, ZX_MAX_NAME_LEN);
  zxp_mutex_unlock(&object->lock);
  return ZX_OK;
}

static zx_status_t set_name(struct zxp_object* object, const char name[ZX_MAX_NAME_LEN]) {
  zxp_mutex_lock(&object->lock);
  memcpy(process.name, name, ZX_MAX_NAME_LEN);
  zxp_mutex_unlock(&object->lock);
  return ZX_OK;
}

/* The library keeps a reference for good. */
static void destroy(struct zxp_object* object) {
  (void)object;
  ZXP_ASSERT(!"the process object goes with the process");
}

static const struct zxp_object_ops process_ops = {
    .type = ZX_OBJ_TYPE_PROCESS,
    .name = "process",
    .user_signals = ZX_USER_SIGNAL_ALL,
    .waitable = true,
    .destroy = destroy,
    .get_name = get_name,
    .set_name = set_name,
};

static void make_process(void) {
  zxp_object_init(&process.object, &process_ops, 0);
  strncpy(process.name, program_invocation_short_name, sizeof process.name - 1);
  if (zxp_handle_install(&process.object, ZX_DEFAULT_PROCESS_RIGHTS, &process.handle) != ZX_OK) {
    process.handle = ZX_HANDLE_INVALID;
  }
}

static void ensure_process(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_process);
}

zx_handle_t zxp_process_self(void) {
  ensure_process();
  return process.handle;
}

zx_koid_t zxp_process_koid(void) {
  ensure_process();
  return process.object.koid;
}

/* ---- Topics ---- */

static zx_status_t get_process(struct zxp_object* object, zx_rights_t handle_rights, void* record) {
  (void)object;
  (void)handle_rights;
  *(zx_info_process_t*)record = (zx_info_process_t){
      .start_time = loaded_at,
      .flags = ZX_INFO_PROCESS_FLAG_STARTED,
  };
  return ZX_OK;
}

static void count_type(void* context, zx_handle_t handle, struct zxp_object* object,
                       zx_rights_t rights) {
  (void)handle;
  (void)rights;
  zx_info_process_handle_stats_t* stats = context;
  stats->handle_count[object->ops->type]++;
}

static zx_status_t get_handle_stats(struct zxp_object* object, zx_rights_t handle_rights,
                                    void* record) {
  (void)object;
  (void)handle_rights;
  zxp_handle_for_each(count_type, record); /* the record is zero at first */
  return ZX_OK;
}

const struct zxp_info_topic zxp_info_process = {
    .topic = ZX_INFO_PROCESS,
    .type = ZX_OBJ_TYPE_PROCESS,
    .rights = ZX_RIGHT_INSPECT,
    .record_size = sizeof(zx_info_process_t),
    .get = get_process,
};

const struct zxp_info_topic zxp_info_process_handle_stats = {
    .topic = ZX_INFO_PROCESS_HANDLE_STATS,
    .type = ZX_OBJ_TYPE_PROCESS,
    .rights = ZX_RIGHT_INSPECT,
    .record_size = sizeof(zx_info_process_handle_stats_t),
    .get = get_handle_stats,
};
