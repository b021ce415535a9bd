/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Topics of zx_object_get_info (docs/semantics/objects.md 4, vmar.md 10).
 *
 * A topic is a constant table entry. syscall/object_info.c lists them all and does what they share:
 * it looks the topic up, then the handle, its type and its rights, calls the topic, and copies out.
 * A topic fills records in the library's own memory and never sees the caller's, so it may hold
 * locks.
 *
 * To add one: define `const struct zxp_info_topic zxp_info_x` beside the object's code, declare it
 * in that module's header, and name it in the array in syscall/object_info.c.
 */
#ifndef ZXP_OBJECT_INFO_H_
#define ZXP_OBJECT_INFO_H_

#include <zircon/syscalls/object.h>

#include "object/object.h"

/* Most bytes of one record of a single-record topic. */
#define ZXP_INFO_RECORD_MAX 512

/* Where a list topic puts its records. */
struct zxp_info_list {
  char* records; /* library memory; grows as records are added */
  size_t record_size;
  size_t capacity; /* records that fit now */
  size_t limit;    /* records that the caller's buffer takes */
  size_t count;    /* records there are; those past `limit` are counted only */
  bool failed;     /* out of memory */
};

/* Adds a copy of one record. */
void zxp_info_list_add(struct zxp_info_list* list, const void* record);

struct zxp_info_topic {
  zx_object_info_topic_t topic;
  zx_obj_type_t type; /* ZX_OBJ_TYPE_NONE: any */
  zx_rights_t rights;
  size_t record_size;
  /* One of the two. `handle_rights` are those of the handle asked. Any error is the call's result.
   */
  zx_status_t (*get)(struct zxp_object* object, zx_rights_t handle_rights, void* record);
  zx_status_t (*list)(struct zxp_object* object, struct zxp_info_list* list);
};

#endif /* ZXP_OBJECT_INFO_H_ */
