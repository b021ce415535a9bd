/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include <zircon/syscalls.h>

#include "base/export.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/log.h"
#include "fault/channel.h"
#include "loop/loop.h"
#include "loop/place.h"
#include "object/handle.h"
#include "object/port.h"
#include "vm/pager.h"

/*
 *   OPEN ----- zxp_uv_pager_close -----> CLOSING ----- its libuv handles closed -----> (freed)
 *
 *   OPEN      packets become callbacks; VMOs may be created
 *   CLOSING   every VMO is cut off, `pager_handle` is closed; only `complete` is still to come
 */
enum pager_state {
  OPEN,
  CLOSING
};

/* (C) constant after init  (L) used on the loop's thread only  (P) pager.lock */
struct zxp_loop_pager {
  zxp_uv_pager_t* handle;                /* (C) the program's side of it */
  struct zxp_pager* pager;               /* (C) referenced */
  zxp_uv_pager_callbacks_t callbacks;    /* (C) */
  struct zxp_port* port;                 /* (C) referenced */
  zx_handle_t port_handle;               /* (C) */
  zx_handle_t pager_handle;              /* (C) to `pager`; closed, not changed, when that closes */
  struct zxp_channel* channel;           /* (C) the port's; NULL until there is one */
  uv_poll_t polls[ZXP_CHANNEL_POLL_MAX]; /* (L) on the channel; the pager is their `data` */
  int fds[ZXP_CHANNEL_POLL_MAX];         /* (C) what they poll */
  unsigned poll_count;                   /* (C) */
  uv_idle_t again;                       /* (L) active while a batch left packets behind */
  zxp_uv_pager_close_cb close_cb;        /* (L) */
  unsigned open_handles;                 /* (L) of `polls` and `again` */
  struct zxp_mutex lock;
  enum pager_state state; /* (P) written on the loop's thread, which may read it without the lock */
  zxp_uv_vmo_t* vmos;     /* (P) those whose `complete` is still to come; once CLOSING (L) */
};

zx_status_t zxp_loop_status_from_uv(int error) {
  switch (error) {
    case 0:
      return ZX_OK;
    case UV_ENOMEM:
      return ZX_ERR_NO_MEMORY;
    case UV_EAGAIN: /* pthread_create: too many threads */
    case UV_EMFILE:
    case UV_ENFILE:
    case UV_ENOSPC: /* epoll_ctl: too many watches */
      return ZX_ERR_NO_RESOURCES;
    case UV_EINVAL:
      return ZX_ERR_INVALID_ARGS;
    default:
      return ZX_ERR_INTERNAL;
  }
}

/* ---- The list of VMOs ---- */

static void link_vmo_locked(struct zxp_loop_pager* p, zxp_uv_vmo_t* vmo) {
  ZXP_ASSERT_HELD(&p->lock);
  vmo->internal_next = p->vmos;
  vmo->internal_link = &p->vmos;
  if (p->vmos != NULL) {
    p->vmos->internal_link = &vmo->internal_next;
  }
  p->vmos = vmo;
}

static void unlink_vmo_locked(struct zxp_loop_pager* p, zxp_uv_vmo_t* vmo) {
  ZXP_ASSERT_HELD(&p->lock);
  *vmo->internal_link = vmo->internal_next;
  if (vmo->internal_next != NULL) {
    vmo->internal_next->internal_link = vmo->internal_link;
  }
  vmo->internal_next = NULL;
  vmo->internal_link = NULL;
}

/* The VMO is over: it leaves the list, then the program hears of it and may free it. */
static void complete_vmo(struct zxp_loop_pager* p, zxp_uv_vmo_t* vmo) {
  zxp_mutex_lock(&p->lock);
  unlink_vmo_locked(p, vmo);
  zxp_mutex_unlock(&p->lock);
  if (p->callbacks.complete != NULL) {
    p->callbacks.complete(vmo);
  }
}

/* ---- From packets to callbacks ---- */

static void deliver(struct zxp_loop_pager* p, const zx_port_packet_t* packet) {
  /* The port is known to nobody else, so each packet is a page request of a VMO on the list. */
  ZXP_ASSERT(packet->type == ZX_PKT_TYPE_PAGE_REQUEST);
  zxp_uv_vmo_t* vmo = (zxp_uv_vmo_t*)(uintptr_t)packet->key;
  const zx_packet_page_request_t* r = &packet->page_request;
  ZXP_LOG(ZXP_TOPIC_LOOP, 3, "pager %p: command %u, vmo %p, offset %#llx, length %#llx", (void*)p,
          r->command, (void*)vmo, (unsigned long long)r->offset, (unsigned long long)r->length);
  switch (r->command) {
    case ZX_PAGER_VMO_READ:
      p->callbacks.read(vmo, r->offset, r->length);
      break;
    case ZX_PAGER_VMO_DIRTY:
      if (p->callbacks.dirty != NULL) {
        p->callbacks.dirty(vmo, r->offset, r->length);
      } else {
        /* Fails where the request is over: the range was cut off, or the VMO detached. */
        (void)zxp_uv_vmo_dirty(vmo, r->offset, r->length);
      }
      break;
    case ZX_PAGER_VMO_COMPLETE:
      complete_vmo(p, vmo);
      break;
    default:
      ZXP_ASSERT(!"a command that no page source sends");
  }
}

static void on_again(uv_idle_t* idle);

/* Serves faults (`readable`: as zxp_channel_serve has it) and hands out at most one batch of
 * packets. Callbacks may close the pager. How many there were. */
static int dispatch(struct zxp_loop_pager* p, int readable) {
  struct zxp_loop_place* const place = zxp_loop_place_here;
  int n = 0;
  zxp_channel_serve(p->channel, readable);
  if (place != NULL) {
    zxp_loop_place_served(place, p);
  }
  for (; n < ZXP_LOOP_BATCH; n++) {
    zx_port_packet_t packet;
    if (zxp_port_try_take(p->port, &packet) != ZX_OK) {
      uv_idle_stop(&p->again);
      return n;
    }
    deliver(p, &packet);
    if (p->state == CLOSING) {
      return n + 1;
    }
  }
  uv_idle_start(&p->again, on_again);
  return n;
}

bool zxp_loop_pager_serve(struct zxp_loop_pager* p) { return dispatch(p, -1) > 0; }

static void on_again(uv_idle_t* idle) {
  dispatch(ZXP_CONTAINER_OF(idle, struct zxp_loop_pager, again), -1);
}

static void on_poll(uv_poll_t* poll, int status, int events) {
  /* Errors (the descriptor hung up) show themselves to zxp_channel_serve again. */
  (void)status;
  (void)events;
  struct zxp_loop_pager* p = poll->data;
  dispatch(p, p->fds[poll - p->polls]);
}

/* ---- Creation ---- */

/* Checks a table that may be older or newer than this library, and copies what is known of it. */
static zx_status_t copy_callbacks(zxp_uv_pager_callbacks_t* to,
                                  const zxp_uv_pager_callbacks_t* from) {
  if (from->size < sizeof *to || from->read == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  const unsigned char* bytes = (const unsigned char*)from;
  for (size_t i = sizeof *to; i < from->size; i++) {
    if (bytes[i] != 0) {
      return ZX_ERR_NOT_SUPPORTED;
    }
  }
  *to = *from;
  return ZX_OK;
}

/* Everything but the libuv handles, which the loop has to close. Accepts half-built pagers. */
static void free_pager(struct zxp_loop_pager* p) {
  if (p->channel != NULL) {
    zxp_channel_set_polled(p->channel, false);
  }
  if (p->pager_handle != ZX_HANDLE_INVALID && p->state == OPEN) {
    zx_handle_close(p->pager_handle);
  }
  if (p->pager != NULL) {
    zxp_object_put(zxp_pager_object(p->pager));
  }
  if (p->port_handle != ZX_HANDLE_INVALID) {
    zx_handle_close(p->port_handle);
  }
  if (p->port != NULL) {
    zxp_object_put(zxp_port_object(p->port));
  }
  zxp_mutex_destroy(&p->lock);
  free(p);
}

static void on_half_closed(uv_handle_t* h) {
  struct zxp_loop_pager* p = h->data;
  if (--p->poll_count == 0) {
    free_pager(p);
  }
}

/* Takes the pager over if it fails: what the loop knows already has to be closed by the loop. */
static zx_status_t start_polls(struct zxp_loop_pager* p, uv_loop_t* loop) {
  const unsigned count = zxp_channel_poll_fds(p->channel, p->fds);
  for (; p->poll_count < count; p->poll_count++) {
    uv_poll_t* const poll = &p->polls[p->poll_count];
    const int error = uv_poll_init(loop, poll, p->fds[p->poll_count]);
    if (error != 0) {
      if (p->poll_count == 0) {
        free_pager(p);
        return zxp_loop_status_from_uv(error);
      }
      for (unsigned i = 0; i < p->poll_count; i++) {
        uv_close((uv_handle_t*)&p->polls[i], on_half_closed);
      }
      return zxp_loop_status_from_uv(error);
    }
    poll->data = p;
  }
  for (unsigned i = 0; i < count; i++) {
    uv_poll_start(&p->polls[i], UV_READABLE, on_poll);
  }
  return ZX_OK;
}

ZXP_EXPORT zx_status_t zxp_uv_pager_init(uv_loop_t* loop, zxp_uv_pager_t* pager,
                                         const zxp_uv_pager_callbacks_t* callbacks) {
  if (loop == NULL || pager == NULL || callbacks == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct zxp_loop_pager* p = calloc(1, sizeof *p);
  if (p == NULL) {
    return ZX_ERR_NO_MEMORY;
  }
  p->handle = pager;
  p->state = OPEN;
  zxp_mutex_init(&p->lock, ZXP_RANK_LEAF);

  zx_status_t st = copy_callbacks(&p->callbacks, callbacks);
  if (st != ZX_OK) goto fail;
  if ((st = zxp_port_create(&p->port)) != ZX_OK) goto fail;
  st = zxp_handle_install(zxp_port_object(p->port), ZX_DEFAULT_PORT_RIGHTS, &p->port_handle);
  if (st != ZX_OK) goto fail;
  if ((st = zxp_pager_create(&p->pager)) != ZX_OK) goto fail;
  st = zxp_handle_install(zxp_pager_object(p->pager), ZX_DEFAULT_PAGER_RIGHTS, &p->pager_handle);
  if (st != ZX_OK) goto fail;
  if ((st = zxp_channel_of_port(p->port, &p->channel)) != ZX_OK) goto fail;
  zxp_channel_set_polled(p->channel, true);

  /* What leaves something in the loop is the last that can fail. */
  if ((st = start_polls(p, loop)) != ZX_OK) return st;
  uv_idle_init(loop, &p->again);

  pager->loop = loop;
  pager->internal = p;
  ZXP_LOG(ZXP_TOPIC_LOOP, 2, "pager %p: on loop %p", (void*)p, (void*)loop);
  return ZX_OK;

fail:
  free_pager(p);
  return st;
}

ZXP_EXPORT zx_status_t zxp_uv_pager_create_vmo(zxp_uv_pager_t* pager, zxp_uv_vmo_t* vmo,
                                               uint32_t options, uint64_t size, zx_handle_t* out) {
  if (pager == NULL || vmo == NULL || out == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct zxp_loop_pager* p = pager->internal;
  if (p == NULL) {
    return ZX_ERR_BAD_STATE;
  }
  zx_handle_t handle = ZX_HANDLE_INVALID;
  zx_status_t st = zx_pager_create_vmo(p->pager_handle, options, p->port_handle,
                                       (uint64_t)(uintptr_t)vmo, size, &handle);
  if (st != ZX_OK) {
    /* The pager's handle goes when it starts to close. */
    return st == ZX_ERR_BAD_HANDLE ? ZX_ERR_BAD_STATE : st;
  }
  zxp_mutex_lock(&p->lock);
  const bool open = p->state == OPEN;
  if (open) {
    /* Nobody else has the handle yet, so no packet can have come before the VMO is on the list. */
    vmo->pager = pager;
    vmo->handle = handle;
    vmo->internal_pager = p->pager_handle;
    link_vmo_locked(p, vmo);
  }
  zxp_mutex_unlock(&p->lock);
  if (!open) {
    /* A pager that is closing looks at no packet any more, this VMO's COMPLETE included. */
    zx_handle_close(handle);
    return ZX_ERR_BAD_STATE;
  }
  *out = handle;
  return ZX_OK;
}

/* ---- The end ---- */

static void finish(struct zxp_loop_pager* p) {
  while (p->vmos != NULL) {
    complete_vmo(p, p->vmos);
  }
  zxp_uv_pager_t* const handle = p->handle;
  const zxp_uv_pager_close_cb close_cb = p->close_cb;
  ZXP_LOG(ZXP_TOPIC_LOOP, 2, "pager %p: closed", (void*)p);
  handle->internal = NULL;
  free_pager(p);
  if (close_cb != NULL) {
    close_cb(handle);
  }
}

static void on_uv_closed(struct zxp_loop_pager* p) {
  if (--p->open_handles == 0) {
    finish(p);
  }
}

static void on_poll_closed(uv_handle_t* h) { on_uv_closed(h->data); }

static void on_again_closed(uv_handle_t* h) {
  on_uv_closed(ZXP_CONTAINER_OF(h, struct zxp_loop_pager, again));
}

ZXP_EXPORT zx_status_t zxp_uv_pager_close(zxp_uv_pager_t* pager, zxp_uv_pager_close_cb close_cb) {
  if (pager == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  struct zxp_loop_pager* p = pager->internal;
  if (p == NULL || p->state == CLOSING) {
    return ZX_ERR_BAD_STATE;
  }
  ZXP_LOG(ZXP_TOPIC_LOOP, 2, "pager %p: closing", (void*)p);
  zxp_mutex_lock(&p->lock);
  p->state = CLOSING;
  zxp_mutex_unlock(&p->lock);
  p->close_cb = close_cb;
  if (zxp_loop_place_here != NULL) {
    zxp_loop_place_forget(zxp_loop_place_here, p);
  }

  /* From here on only this thread changes the list. A VMO that another thread is making at this
   * moment is cut off with the handle. */
  zxp_pager_detach_all(p->pager);
  zx_handle_close(p->pager_handle);

  p->open_handles = p->poll_count + 1;
  for (unsigned i = 0; i < p->poll_count; i++) {
    uv_close((uv_handle_t*)&p->polls[i], on_poll_closed);
  }
  uv_close((uv_handle_t*)&p->again, on_again_closed);
  return ZX_OK;
}

static void close_if_pager(uv_handle_t* h, void* context) {
  (void)context;
  if (h->type != UV_POLL || ((uv_poll_t*)h)->poll_cb != on_poll) {
    return;
  }
  struct zxp_loop_pager* p = h->data;
  if (p->state == OPEN) {
    zxp_uv_pager_close(p->handle, NULL);
  }
}

void zxp_loop_close_pagers(uv_loop_t* loop) { uv_walk(loop, close_if_pager, NULL); }

/* ---- Questions and references ---- */

ZXP_EXPORT int zxp_uv_pager_is_closing(const zxp_uv_pager_t* pager) {
  const struct zxp_loop_pager* p = pager->internal;
  return p == NULL || p->state == CLOSING;
}

ZXP_EXPORT void zxp_uv_pager_ref(zxp_uv_pager_t* pager) {
  struct zxp_loop_pager* p = pager->internal;
  if (p != NULL) {
    for (unsigned i = 0; i < p->poll_count; i++) {
      uv_ref((uv_handle_t*)&p->polls[i]);
    }
    uv_ref((uv_handle_t*)&p->again);
  }
}

ZXP_EXPORT void zxp_uv_pager_unref(zxp_uv_pager_t* pager) {
  struct zxp_loop_pager* p = pager->internal;
  if (p != NULL) {
    for (unsigned i = 0; i < p->poll_count; i++) {
      uv_unref((uv_handle_t*)&p->polls[i]);
    }
    uv_unref((uv_handle_t*)&p->again);
  }
}

ZXP_EXPORT int zxp_uv_pager_has_ref(const zxp_uv_pager_t* pager) {
  const struct zxp_loop_pager* p = pager->internal;
  return p != NULL && uv_has_ref((const uv_handle_t*)&p->again);
}

ZXP_EXPORT zx_handle_t zxp_uv_pager_handle(const zxp_uv_pager_t* pager) {
  const struct zxp_loop_pager* p = pager->internal;
  return p == NULL ? ZX_HANDLE_INVALID : p->pager_handle;
}
