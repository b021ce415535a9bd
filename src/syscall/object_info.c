/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_object_get_info: docs/semantics/objects.md 4. The table of topics is at the end of the topics.
 */
#include <stdlib.h>
#include <string.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/exception.h>

#include "base/export.h"
#include "base/user.h"
#include "object/handle.h"
#include "object/info.h"
#include "object/process.h"
#include "object/timer.h"
#include "vm/blocked.h"
#include "vm/region.h"
#include "vm/stream.h"
#include "vm/vmo.h"

/* ---- Topics of every object ---- */

static zx_status_t get_basic(struct zxp_object* object, zx_rights_t handle_rights, void* record) {
  *(zx_info_handle_basic_t*)record = (zx_info_handle_basic_t){
      .koid = object->koid,
      .rights = handle_rights,
      .type = object->ops->type,
      .related_koid = object->ops->related_koid != NULL ? object->ops->related_koid(object) : 0,
  };
  return ZX_OK;
}

static zx_status_t get_count(struct zxp_object* object, zx_rights_t handle_rights, void* record) {
  (void)handle_rights;
  zxp_mutex_lock(&object->lock);
  *(zx_info_handle_count_t*)record = (zx_info_handle_count_t){.handle_count = object->handle_count};
  zxp_mutex_unlock(&object->lock);
  return ZX_OK;
}

/* No record: that the handle was found is the answer. */
static const struct zxp_info_topic info_handle_valid = {.topic = ZX_INFO_HANDLE_VALID};

static const struct zxp_info_topic info_handle_basic = {
    .topic = ZX_INFO_HANDLE_BASIC,
    .record_size = sizeof(zx_info_handle_basic_t),
    .get = get_basic,
};

static const struct zxp_info_topic info_handle_count = {
    .topic = ZX_INFO_HANDLE_COUNT,
    .rights = ZX_RIGHT_INSPECT,
    .record_size = sizeof(zx_info_handle_count_t),
    .get = get_count,
};

/* ---- Topics of objects whose own files do not know of topics ---- */

static zx_status_t get_vmar(struct zxp_object* object, zx_rights_t handle_rights, void* record) {
  (void)handle_rights;
  return zxp_region_get_info(object, record);
}

static const struct zxp_info_topic info_vmar = {
    .topic = ZX_INFO_VMAR,
    .type = ZX_OBJ_TYPE_VMAR,
    .rights = ZX_RIGHT_INSPECT,
    .record_size = sizeof(zx_info_vmar_t),
    .get = get_vmar,
};

/* 10.5: what the fault engine knows of a thread decides, not what the kernel says of it. */
static zx_status_t get_thread(struct zxp_object* object, zx_rights_t handle_rights, void* record) {
  (void)handle_rights;
  zx_thread_state_t state = ZX_THREAD_STATE_RUNNING;
  if ((zxp_object_signals(object) & ZX_THREAD_TERMINATED) != 0) {
    state = ZX_THREAD_STATE_DEAD;
  } else if (zxp_blocked_is_waiting(zxp_thread_tid(object))) {
    state = ZX_THREAD_STATE_BLOCKED_PAGER;
  }
  *(zx_info_thread_t*)record = (zx_info_thread_t){.state = state};
  return ZX_OK;
}

static const struct zxp_info_topic info_thread = {
    .topic = ZX_INFO_THREAD,
    .type = ZX_OBJ_TYPE_THREAD,
    .rights = ZX_RIGHT_INSPECT,
    .record_size = sizeof(zx_info_thread_t),
    .get = get_thread,
};

/* vmar.md 12: no thread is ever in an exception that could be reported. */
static zx_status_t no_report(struct zxp_object* object, struct zxp_info_list* list) {
  (void)object;
  (void)list;
  return ZX_ERR_BAD_STATE;
}

static const struct zxp_info_topic info_report = {
    .topic = ZX_INFO_THREAD_EXCEPTION_REPORT,
    .type = ZX_OBJ_TYPE_THREAD,
    .rights = ZX_RIGHT_INSPECT,
    .record_size = sizeof(zx_exception_report_t),
    .list = no_report,
};

static const struct zxp_info_topic info_report_v1 = {
    .topic = ZX_INFO_THREAD_EXCEPTION_REPORT_V1,
    .type = ZX_OBJ_TYPE_THREAD,
    .rights = ZX_RIGHT_INSPECT,
    .record_size = sizeof(zx_exception_report_t),
    .list = no_report,
};

static const struct zxp_info_topic* const topics[] = {
    &info_handle_valid,
    &info_handle_basic,
    &info_handle_count,
    &zxp_info_process,
    &zxp_info_process_handle_stats,
    &info_thread,
    &info_report,
    &info_report_v1,
    &zxp_info_stream,
    &zxp_info_timer,
    &info_vmar,
    &zxp_info_vmar_maps,
    &zxp_info_process_maps_v1,
    &zxp_info_process_maps_v2,
    &zxp_info_process_maps,
    &zxp_info_process_vmos_v1,
    &zxp_info_process_vmos_v2,
    &zxp_info_process_vmos_v3,
    &zxp_info_process_vmos,
    &zxp_info_task_stats_v1,
    &zxp_info_task_stats,
    &zxp_info_vmo_v1,
    &zxp_info_vmo_v2,
    &zxp_info_vmo_v3,
    &zxp_info_vmo,
};

/*
 * Topics about processes, threads and jobs that a library inside one process has no answer to
 * (docs/semantics/objects.md 14). A dead handle is found first.
 */
static const zx_object_info_topic_t outside[] = {
    ZX_INFO_PROCESS_THREADS, ZX_INFO_JOB_CHILDREN, ZX_INFO_JOB_PROCESSES, ZX_INFO_THREAD_STATS,
    ZX_INFO_TASK_RUNTIME_V1, ZX_INFO_TASK_RUNTIME, ZX_INFO_JOB,           ZX_INFO_HANDLE_TABLE,
};

/* ---- What topics share ---- */

void zxp_info_list_add(struct zxp_info_list* list, const void* record) {
  if (list->count < list->limit && list->count == list->capacity && !list->failed) {
    size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
    capacity = capacity < list->limit ? capacity : list->limit;
    char* records = realloc(list->records, capacity * list->record_size);
    if (records == NULL) {
      list->failed = true;
    } else {
      list->records = records;
      list->capacity = capacity;
    }
  }
  if (list->count < list->capacity) {
    memcpy(list->records + list->count * list->record_size, record, list->record_size);
  }
  list->count++;
}

static zx_status_t put_counts(size_t* user_actual, size_t actual, size_t* user_avail,
                              size_t avail) {
  zx_status_t status = ZX_OK;
  if (user_actual != NULL) {
    status = zxp_user_copy_out(user_actual, &actual, sizeof actual, NULL);
  }
  if (status == ZX_OK && user_avail != NULL) {
    status = zxp_user_copy_out(user_avail, &avail, sizeof avail, NULL);
  }
  return status;
}

static zx_status_t answer_record(const struct zxp_info_topic* topic, struct zxp_object* object,
                                 zx_rights_t handle_rights, void* buffer, size_t buffer_size,
                                 size_t* actual, size_t* avail) {
  if (buffer_size < topic->record_size) {
    const zx_status_t status = put_counts(actual, 0, avail, 1);
    return status == ZX_OK ? ZX_ERR_BUFFER_TOO_SMALL : status;
  }
  if (buffer == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  _Alignas(max_align_t) char record[ZXP_INFO_RECORD_MAX] = {0};
  ZXP_ASSERT(topic->record_size <= sizeof record);
  zx_status_t status = topic->get(object, handle_rights, record);
  if (status == ZX_OK) {
    status = zxp_user_copy_out(buffer, record, topic->record_size, NULL);
  }
  return status == ZX_OK ? put_counts(actual, 1, avail, 1) : status;
}

static zx_status_t answer_list(const struct zxp_info_topic* topic, struct zxp_object* object,
                               void* buffer, size_t buffer_size, size_t* actual, size_t* avail) {
  struct zxp_info_list list = {
      .record_size = topic->record_size,
      .limit = buffer_size / topic->record_size,
  };
  if (buffer == NULL && list.limit > 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  zx_status_t status = topic->list(object, &list);
  if (status == ZX_OK && list.failed) {
    status = ZX_ERR_NO_MEMORY;
  }
  const size_t given = list.count < list.capacity ? list.count : list.capacity;
  if (status == ZX_OK && given > 0) {
    status = zxp_user_copy_out(buffer, list.records, given * topic->record_size, NULL);
  }
  free(list.records);
  return status == ZX_OK ? put_counts(actual, given, avail, list.count) : status;
}

static const struct zxp_info_topic* find_topic(zx_object_info_topic_t number) {
  static const struct zxp_info_topic nothing = {0};
  for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
    if (topics[i]->topic == number) {
      return topics[i];
    }
  }
  for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
    if (outside[i] == number) {
      return &nothing;
    }
  }
  return NULL;
}

ZXP_EXPORT zx_status_t zx_object_get_info(zx_handle_t handle, uint32_t topic, void* buffer,
                                          size_t buffer_size, size_t* actual, size_t* avail) {
  const struct zxp_info_topic* found = find_topic(topic);
  if (found == NULL) {
    return ZX_ERR_NOT_SUPPORTED;
  }
  struct zxp_object* object;
  zx_rights_t handle_rights;
  zx_status_t status = zxp_handle_pin(handle, found->type, found->rights, &object, &handle_rights);
  if (status != ZX_OK) {
    return status;
  }
  if (found->get != NULL) {
    status = answer_record(found, object, handle_rights, buffer, buffer_size, actual, avail);
  } else if (found->list != NULL) {
    status = answer_list(found, object, buffer, buffer_size, actual, avail);
  } else if (found != &info_handle_valid) {
    status = ZX_ERR_NOT_SUPPORTED;
  }
  zxp_handle_unpin(handle);
  return status;
}
ZXP_TWIN(zx_object_get_info);
