/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_object_get_property and zx_object_set_property: docs/semantics/objects.md 5. */
#include <string.h>
#include <zircon/syscalls.h>

#include "base/export.h"
#include "base/user.h"
#include "object/handle.h"
#include "vm/stream.h"
#include "vm/vmo.h"

/* Most bytes of a value. */
#define VALUE_MAX ZX_MAX_NAME_LEN

/*
 * A property: `get` fills `size` bytes, `set` is given the caller's bytes, `size` at least and
 * VALUE_MAX at most of them, both on an object of `type`.
 * NULL: that direction does not exist. `set` of a name takes any size. `set_rights`: what setting
 * it needs beside ZX_RIGHT_SET_PROPERTY on an object that has it.
 */
struct property {
  uint32_t number;
  zx_obj_type_t type; /* ZX_OBJ_TYPE_NONE: get and set know */
  size_t size;
  bool any_size_set;
  zx_status_t (*get)(struct zxp_object* object, void* value);
  zx_status_t (*set)(struct zxp_object* object, const void* value, size_t size);
  zx_rights_t set_rights;
};

static zx_status_t get_name(struct zxp_object* object, void* value) {
  return object->ops->get_name != NULL ? object->ops->get_name(object, value) : ZX_ERR_WRONG_TYPE;
}

static zx_status_t set_name(struct zxp_object* object, const void* value, size_t size) {
  if (object->ops->set_name == NULL) {
    return ZX_ERR_WRONG_TYPE;
  }
  char name[ZX_MAX_NAME_LEN] = {0};
  memcpy(name, value, strnlen(value, size < sizeof name - 1 ? size : sizeof name - 1));
  return object->ops->set_name(object, name);
}

static zx_status_t get_append(struct zxp_object* object, void* value) {
  *(uint8_t*)value = zxp_stream_get_append(zxp_stream_of(object)) ? 1 : 0;
  return ZX_OK;
}

static zx_status_t set_append(struct zxp_object* object, const void* value, size_t size) {
  (void)size;
  zxp_stream_set_append(zxp_stream_of(object), *(const uint8_t*)value != 0);
  return ZX_OK;
}

static zx_status_t get_content_size(struct zxp_object* object, void* value) {
  return zxp_vmo_get_content_size(object, value);
}

static zx_status_t set_content_size(struct zxp_object* object, const void* value, size_t size) {
  uint64_t content_size = 0;
  (void)size;
  memcpy(&content_size, value, sizeof content_size);
  return zxp_vmo_set_content_size(object, content_size);
}

/* Properties of processes that only a loader or a debugger has a use for: no object has them
 * here. */
static zx_status_t get_nothing(struct zxp_object* object, void* value) {
  (void)object;
  (void)value;
  return ZX_ERR_WRONG_TYPE;
}

static zx_status_t set_nothing(struct zxp_object* object, const void* value, size_t size) {
  (void)object;
  (void)value;
  (void)size;
  return ZX_ERR_WRONG_TYPE;
}

static const struct property properties[] = {
    {
        .number = ZX_PROP_NAME,
        .size = ZX_MAX_NAME_LEN,
        .any_size_set = true,
        .get = get_name,
        .set = set_name,
    },
    {
        .number = ZX_PROP_VMO_CONTENT_SIZE,
        .type = ZX_OBJ_TYPE_VMO,
        .size = sizeof(uint64_t),
        .get = get_content_size,
        .set = set_content_size,
        .set_rights = ZX_RIGHT_WRITE,
    },
    {
        .number = ZX_PROP_STREAM_MODE_APPEND,
        .type = ZX_OBJ_TYPE_STREAM,
        .size = sizeof(uint8_t),
        .get = get_append,
        .set = set_append,
    },
    {
        .number = ZX_PROP_PROCESS_DEBUG_ADDR,
        .size = sizeof(uintptr_t),
        .get = get_nothing,
        .set = set_nothing,
    },
    {
        .number = ZX_PROP_PROCESS_BREAK_ON_LOAD,
        .size = sizeof(uintptr_t),
        .get = get_nothing,
        .set = set_nothing,
    },
    {
        .number = ZX_PROP_PROCESS_VDSO_BASE_ADDRESS,
        .size = sizeof(uintptr_t),
        .get = get_nothing,
    },
};

static bool has_type(const struct zxp_object* object, const struct property* property) {
  return property->type == ZX_OBJ_TYPE_NONE || object->ops->type == property->type;
}

static const struct property* find_property(uint32_t number) {
  for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++) {
    if (properties[i].number == number) {
      return &properties[i];
    }
  }
  return NULL;
}

ZXP_EXPORT zx_status_t zx_object_get_property(zx_handle_t handle, uint32_t property, void* value,
                                              size_t value_size) {
  if (value == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct zxp_object* object;
  zx_status_t status =
      zxp_handle_pin(handle, ZX_OBJ_TYPE_NONE, ZX_RIGHT_GET_PROPERTY, &object, NULL);
  if (status != ZX_OK) {
    return status;
  }
  const struct property* found = find_property(property);
  _Alignas(max_align_t) char bytes[VALUE_MAX] = {0};
  if (found == NULL || found->get == NULL) {
    status = ZX_ERR_NOT_SUPPORTED;
  } else if (value_size < found->size) {
    status = ZX_ERR_BUFFER_TOO_SMALL;
  } else if (!has_type(object, found)) {
    status = ZX_ERR_WRONG_TYPE;
  } else {
    status = found->get(object, bytes);
  }
  zxp_handle_unpin(handle);
  return status == ZX_OK ? zxp_user_copy_out(value, bytes, found->size, NULL) : status;
}
ZXP_TWIN(zx_object_get_property);

ZXP_EXPORT zx_status_t zx_object_set_property(zx_handle_t handle, uint32_t property,
                                              const void* value, size_t value_size) {
  if (value == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct zxp_object* object;
  zx_rights_t rights;
  zx_status_t status =
      zxp_handle_pin(handle, ZX_OBJ_TYPE_NONE, ZX_RIGHT_SET_PROPERTY, &object, &rights);
  if (status != ZX_OK) {
    return status;
  }
  const struct property* found = find_property(property);
  _Alignas(max_align_t) char bytes[VALUE_MAX] = {0};
  const size_t size = value_size < sizeof bytes ? value_size : sizeof bytes;
  if (found == NULL || found->set == NULL) {
    status = ZX_ERR_NOT_SUPPORTED;
  } else if (value_size < found->size && !found->any_size_set) {
    status = ZX_ERR_BUFFER_TOO_SMALL;
  } else if (!has_type(object, found)) {
    status = ZX_ERR_WRONG_TYPE;
  } else if ((rights & found->set_rights) != found->set_rights) {
    status = ZX_ERR_ACCESS_DENIED;
  } else {
    status = zxp_user_copy_in(bytes, value, size, NULL);
  }
  if (status == ZX_OK) {
    status = found->set(object, bytes, size);
  }
  zxp_handle_unpin(handle);
  return status;
}
ZXP_TWIN(zx_object_set_property);
