/* SPDX-License-Identifier: BSD-3-Clause */
/* zx_port_*: docs/semantics/objects.md 8. */
#include "object/port.h"

#include <zircon/syscalls.h>

#include "base/export.h"
#include "base/user.h"
#include "object/handle.h"

static zx_status_t pin_port(zx_handle_t handle, zx_rights_t rights, struct zxp_port** out) {
  struct zxp_object* object;
  const zx_status_t status = zxp_handle_pin(handle, ZX_OBJ_TYPE_PORT, rights, &object, NULL);
  if (status == ZX_OK) {
    *out = zxp_port_from_object(object);
  }
  return status;
}

ZXP_EXPORT zx_status_t zx_port_create(uint32_t options, zx_handle_t* out) {
  /* The option prepares a port for interrupts. There are none here, so it asks for nothing. */
  if (options != 0 && options != ZX_PORT_BIND_TO_INTERRUPT) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct zxp_port* port;
  zx_status_t status = zxp_port_create(&port);
  if (status != ZX_OK) {
    return status;
  }
  status = zxp_handle_install_user(zxp_port_object(port), ZX_DEFAULT_PORT_RIGHTS, out);
  zxp_object_put(zxp_port_object(port));
  return status;
}
ZXP_TWIN(zx_port_create);

ZXP_EXPORT zx_status_t zx_port_queue(zx_handle_t handle, const zx_port_packet_t* packet) {
  zx_port_packet_t copy;
  zx_status_t copied = ZX_ERR_INVALID_ARGS;
  if (packet != NULL) {
    copied = zxp_user_copy_in(&copy, packet, sizeof copy, NULL);
    if (copied == ZX_OK && zxp_port_queue_quick(handle, &copy)) {
      return ZX_OK;
    }
  }
  struct zxp_port* port;
  zx_status_t status = pin_port(handle, ZX_RIGHT_WRITE, &port);
  if (status != ZX_OK) {
    return status;
  }
  status = copied == ZX_OK ? zxp_port_queue_user(port, &copy) : copied;
  zxp_handle_unpin(handle);
  return status;
}
ZXP_TWIN(zx_port_queue);

/* Takes a packet the short way, if that is worth trying. */
static bool take_quick(zx_handle_t handle, zx_port_packet_t* out) {
  /* The port that this thread serves. Should the value name another one some day, it takes the long
   * way there, once more each time. */
  static _Thread_local zx_handle_t served;
  bool has_server = false;
  if (handle == served) {
    return false;
  }
  const bool taken = zxp_port_take_quick(handle, out, &has_server);
  if (has_server) {
    served = handle;
  }
  return taken;
}

ZXP_EXPORT zx_status_t zx_port_wait(zx_handle_t handle, zx_instant_mono_t deadline,
                                    zx_port_packet_t* packet) {
  zx_port_packet_t taken;
  if (!take_quick(handle, &taken)) {
    struct zxp_port* port;
    zx_status_t status = pin_port(handle, ZX_RIGHT_READ, &port);
    if (status != ZX_OK) {
      return status;
    }
    status = zxp_port_wait(port, deadline, &taken);
    zxp_handle_unpin(handle);
    if (status != ZX_OK) {
      return status;
    }
  }
  return packet == NULL ? ZX_ERR_INVALID_ARGS
                        : zxp_user_copy_out(packet, &taken, sizeof taken, NULL);
}
ZXP_TWIN(zx_port_wait);

ZXP_EXPORT zx_status_t zx_port_cancel(zx_handle_t handle, zx_handle_t source, uint64_t key) {
  struct zxp_port* port;
  struct zxp_object* object;
  zx_status_t status = pin_port(handle, ZX_RIGHT_WRITE, &port);
  if (status != ZX_OK) {
    return status;
  }
  status = zxp_handle_pin(source, ZX_OBJ_TYPE_NONE, ZX_RIGHT_WAIT, &object, NULL);
  if (status == ZX_OK) {
    if (!object->ops->waitable) {
      status = ZX_ERR_NOT_SUPPORTED;
    } else if (!zxp_port_cancel(port, object, source, key)) {
      status = ZX_ERR_NOT_FOUND;
    }
    zxp_handle_unpin(source);
  }
  zxp_handle_unpin(handle);
  return status;
}
ZXP_TWIN(zx_port_cancel);

ZXP_EXPORT zx_status_t zx_port_cancel_key(zx_handle_t handle, uint32_t options, uint64_t key) {
  if (options != 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct zxp_port* port;
  zx_status_t status = pin_port(handle, ZX_RIGHT_WRITE, &port);
  if (status != ZX_OK) {
    return status;
  }
  status = zxp_port_cancel_key(port, key) ? ZX_OK : ZX_ERR_NOT_FOUND;
  zxp_handle_unpin(handle);
  return status;
}
ZXP_TWIN(zx_port_cancel_key);
