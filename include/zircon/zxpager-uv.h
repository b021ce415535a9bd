/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Page requests as callbacks on a libuv loop.
 *
 *   zxp_uv_pager_t    a pager whose requests are delivered by a uv_loop_t
 *   zxp_uv_vmo_t      one VMO of such a pager
 *   zxp_uv_thread_t   a loop on a thread of the library's own, for programs that have none
 *
 * Limits first:
 *  - A callback that touches absent memory of its own pager gets a SIGBUS: the loop that would have
 *    to supply it is the one that waits. Serve pagers from a loop that leaves their memory alone.
 *  - A request is answered through a handle of the VMO. Whoever closes the handle that
 *    zxp_uv_pager_create_vmo gave while mappings live on has to keep a duplicate to answer with.
 *  - libuv is the library's affair: a program that calls uv_* itself includes <uv.h> and links with
 *    libuv.
 *
 * A pager on a loop of the program's own:
 *
 *   static void on_read(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length) {
 *     ... fill `aux`, a VMO of at least `length` bytes, now or by way of uv_fs_read ...
 *     zxp_uv_vmo_supply(vmo, offset, length, aux, 0);
 *   }
 *
 *   static const zxp_uv_pager_callbacks_t callbacks = {.size = sizeof callbacks, .read = on_read};
 *
 *   zxp_uv_pager_t pager;
 *   zxp_uv_vmo_t vmo;
 *   zx_handle_t handle;
 *   zxp_uv_pager_init(loop, &pager, &callbacks);
 *   zxp_uv_pager_create_vmo(&pager, &vmo, 0, size, &handle);
 *   ... map `handle`, hand it out; uv_run(loop, UV_RUN_DEFAULT) ...
 *   zxp_uv_pager_close(&pager, on_closed);
 *
 * Memory. Structures are the caller's. A zxp_uv_pager_t stays in place from a successful init until
 * its close callback has begun, a zxp_uv_vmo_t from a successful create until its `complete`
 * callback has begun or, where none is given, until the pager's close callback has; both may be
 * freed or used again inside that callback. `data` is the program's and never looked at.
 *
 * Threads. As in libuv, a pager belongs to the thread that runs its loop: callbacks arrive there,
 * with no lock of the library held, and calls that take a zxp_uv_pager_t are made there unless they
 * say "any thread". Answers are given from any thread.
 *
 * Errors are zx_status_t; a libuv error is translated.
 */
#ifndef ZIRCON_ZXPAGER_UV_H_
#define ZIRCON_ZXPAGER_UV_H_

#include <stddef.h>
#include <stdint.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/* As in <uv.h>, which a strict C11 compiler takes only with a feature macro set (_POSIX_C_SOURCE or
 * _GNU_SOURCE), and which who only names loops does not need. */
typedef struct uv_loop_s uv_loop_t;

typedef struct zxp_uv_pager zxp_uv_pager_t;
typedef struct zxp_uv_vmo zxp_uv_vmo_t;
typedef struct zxp_uv_thread zxp_uv_thread_t;

/* ---- Callbacks ---- */

/*
 * READ: threads wait for the pages of [offset, offset + length), both in bytes and multiples of the
 * page size. They wait until every page was supplied, or failed. DIRTY: the same for leave to write
 * to pages that are present (ZX_VMO_TRAP_DIRTY). The answer may come at once or later, in pieces,
 * in any order, from any thread; until it does, no second callback is made for these pages.
 */
typedef void (*zxp_uv_request_cb)(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length);

/*
 * COMPLETE: the VMO was detached, or its last handle, mapping and child are gone, or the pager is
 * being closed. No request comes after it. Exactly one for each VMO.
 */
typedef void (*zxp_uv_complete_cb)(zxp_uv_vmo_t* vmo);

/* The pager is closed: its memory is the caller's again. */
typedef void (*zxp_uv_pager_close_cb)(zxp_uv_pager_t* pager);

typedef struct zxp_uv_pager_callbacks {
  size_t size;                 /* sizeof(zxp_uv_pager_callbacks_t), so that members can be added */
  zxp_uv_request_cb read;      /* required */
  zxp_uv_request_cb dirty;     /* NULL: DIRTY requests are granted at once, through vmo->handle */
  zxp_uv_complete_cb complete; /* may be NULL */
} zxp_uv_pager_callbacks_t;

/* ---- Pagers ---- */

struct zxp_uv_pager {
  void* data;      /* the program's */
  uv_loop_t* loop; /* read only */
  void* internal;
  void* reserved[5];
};

/*
 * Makes a pager whose requests `loop` delivers. It is active, and keeps uv_run going, until it is
 * closed or zxp_uv_pager_unref is called.
 *
 * `pager`      where to build it; `data` is left as it is
 * `callbacks`  borrowed for the call
 *
 * Thread: the loop's, or any while no thread runs the loop.
 * Errors: ZX_ERR_INVALID_ARGS, a null pointer, no `read`, or `size` is smaller than this version's;
 * ZX_ERR_NOT_SUPPORTED, `callbacks` is of a later version and uses a member that is not known here;
 * ZX_ERR_NO_MEMORY; ZX_ERR_NO_RESOURCES, out of descriptors; ZX_ERR_BAD_STATE, in a forked child.
 * After an error `pager` is not a pager and needs no close.
 */
zx_status_t zxp_uv_pager_init(uv_loop_t* loop, zxp_uv_pager_t* pager,
                              const zxp_uv_pager_callbacks_t* callbacks);

/*
 * Closes the pager. Before the call returns, every VMO of it that is left is detached: threads that
 * wait for its pages fail, as after zx_pager_detach_vmo, whoever has its handle by now. Later, from
 * the loop, each of these VMOs gets its `complete`, then `close_cb` (may be NULL) runs, once. VMO
 * handles stay the caller's to close. No `read` or `dirty` is called any more.
 *
 * May be called inside any callback, also of this pager. Thread: the loop's.
 * Errors: ZX_ERR_INVALID_ARGS, null; ZX_ERR_BAD_STATE, closed or being closed already.
 */
zx_status_t zxp_uv_pager_close(zxp_uv_pager_t* pager, zxp_uv_pager_close_cb close_cb);

/* Nonzero from the call of zxp_uv_pager_close on. Thread: the loop's. */
int zxp_uv_pager_is_closing(const zxp_uv_pager_t* pager);

/*
 * Whether the pager alone keeps uv_run from returning; it does at first. Both are idempotent. An
 * unreferenced pager works as before as long as something else keeps the loop running. Closing is
 * always waited for. Thread: the loop's.
 */
void zxp_uv_pager_ref(zxp_uv_pager_t* pager);
void zxp_uv_pager_unref(zxp_uv_pager_t* pager);
int zxp_uv_pager_has_ref(const zxp_uv_pager_t* pager);

/*
 * The pager for zx_pager_supply_pages and zx_pager_op_range: the library's own handle, borrowed
 * until the pager is closed. Not to be closed, or given to zx_handle_replace. Any thread.
 */
zx_handle_t zxp_uv_pager_handle(const zxp_uv_pager_t* pager);

/* ---- VMOs ---- */

struct zxp_uv_vmo {
  void* data;            /* the program's */
  zxp_uv_pager_t* pager; /* read only; not valid any more once the pager's close callback has run */
  zx_handle_t
      handle; /* read only: the handle that create gave, which the answers below go through */
  zx_handle_t internal_pager;
  zxp_uv_vmo_t* internal_next;
  zxp_uv_vmo_t** internal_link;
  void* reserved[2];
};

/*
 * zx_pager_create_vmo with the packets of the VMO delivered as callbacks.
 *
 * `vmo`      where to keep what the library knows of it; `data` is left as it is
 * `options`  ZX_VMO_RESIZABLE or ZX_VMO_UNBOUNDED, ZX_VMO_TRAP_DIRTY
 * `size`     bytes, rounded up to pages
 * `out`      gets a handle with ZX_DEFAULT_VMO_RIGHTS (and RESIZE), the caller's to close, at any
 *            time; when no mapping and no child are left either, `complete` follows
 *
 * Any thread, but not at the same time as, or after, the close callback.
 * Errors: ZX_ERR_INVALID_ARGS, a null pointer; ZX_ERR_BAD_STATE, the pager is being closed; those
 * of zx_pager_create_vmo. After an error `vmo` is the caller's at once, and no callback comes.
 */
zx_status_t zxp_uv_pager_create_vmo(zxp_uv_pager_t* pager, zxp_uv_vmo_t* vmo, uint32_t options,
                                    uint64_t size, zx_handle_t* out);

/*
 * Answers. Each is the call of zx_pager_* that it names, with the pager's handle and vmo->handle,
 * and returns what that returns. A program may just as well make these calls itself. `offset` and
 * `length` are bytes of the VMO and multiples of the page size; they need not be those of a
 * request.
 *
 * Any thread, as long as the caller sees to it that `vmo` is still there. An answer that comes
 * after the end of the VMO or its pager is harmless: ZX_ERR_BAD_STATE (detached) or
 * ZX_ERR_BAD_HANDLE (handle or pager closed).
 */

/* zx_pager_supply_pages: moves [aux_offset, +length) of the VMO `aux` into absent pages. */
zx_status_t zxp_uv_vmo_supply(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length, zx_handle_t aux,
                              uint64_t aux_offset);

/* ZX_PAGER_OP_FAIL: who waits for the range gets `status`, one of the five codes that may be given
 * to it, or a SIGBUS where it waits in a mapping. */
zx_status_t zxp_uv_vmo_fail(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length,
                            zx_status_t status);

/* ZX_PAGER_OP_DIRTY: grants a DIRTY request. */
zx_status_t zxp_uv_vmo_dirty(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length);

/* ZX_PAGER_OP_WRITEBACK_BEGIN, _END: dirty pages are about to be, and have been, written back. */
zx_status_t zxp_uv_vmo_writeback_begin(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length);
zx_status_t zxp_uv_vmo_writeback_end(zxp_uv_vmo_t* vmo, uint64_t offset, uint64_t length);

/* zx_pager_detach_vmo: ends every request; `complete` follows from the loop. */
zx_status_t zxp_uv_vmo_detach(zxp_uv_vmo_t* vmo);

/* ---- A loop on a thread of the library's own ---- */

struct zxp_uv_thread {
  void* data;      /* the program's */
  uv_loop_t* loop; /* read only: the loop, to be used on its thread only */
  void* internal;
  void* reserved[5];
};

typedef void (*zxp_uv_thread_cb)(zxp_uv_thread_t* thread, void* argument);

/*
 * Starts a thread that runs a loop of its own until zxp_uv_thread_stop, with all signals blocked.
 *
 * `thread`  stays in place until stop has returned; `data` is left as it is
 * `name`    of the thread, of which the kernel keeps 15 bytes; NULL is "zxp-loop"
 *
 * Any thread.
 * Errors: ZX_ERR_INVALID_ARGS, null; ZX_ERR_NO_MEMORY; ZX_ERR_NO_RESOURCES, out of descriptors or
 * threads.
 */
zx_status_t zxp_uv_thread_start(zxp_uv_thread_t* thread, const char* name);

/*
 * Has `function` called on the loop's thread, in the order of posting, and does not wait.
 *
 * Any thread, also from callbacks of the loop.
 * Errors: ZX_ERR_INVALID_ARGS, `thread` or `function` is null; ZX_ERR_BAD_STATE, being stopped;
 * ZX_ERR_NO_MEMORY.
 */
zx_status_t zxp_uv_thread_post(zxp_uv_thread_t* thread, zxp_uv_thread_cb function, void* argument);

/* As post, and waits until `function` has returned. On the loop's own thread it runs at once. */
zx_status_t zxp_uv_thread_call(zxp_uv_thread_t* thread, zxp_uv_thread_cb function, void* argument);

/*
 * Stops the loop and ends the thread. What was posted before still runs. Then pagers that are open
 * on the loop are closed as by zxp_uv_pager_close without a close callback, so each of their VMOs
 * gets its `complete`; other handles that the program left open are closed without a callback;
 * requests in progress (uv_fs_*, uv_queue_work) are waited for, with their callbacks. Returns when
 * the thread has ended.
 *
 * Any thread but the loop's own.
 * Errors: ZX_ERR_INVALID_ARGS, null; ZX_ERR_BAD_STATE, on the loop's own thread, or stopped before.
 */
zx_status_t zxp_uv_thread_stop(zxp_uv_thread_t* thread);

/*
 * Where the loop's thread runs, and how it waits for the next fault. A fault takes several times as
 * long when a core has to be woken for it, and the scheduler cannot know. With
 * ZXP_UV_PLACEMENT_MEASURED, which is how a thread starts, the library tries now and then which of
 * these is fastest: leaving all to the scheduler; handing the core over to the thread that an
 * answer wakes; looking for the next fault a few microseconds longer. Callbacks run with the policy
 * and the affinity that the thread was given; only inside the system call that wakes it is
 * SCHED_IDLE for a moment, which takes the right to leave that again (CAP_SYS_NICE, or RLIMIT_NICE
 * of 20). ZXP_UV_PLACEMENT_SCHEDULER does without all that, and so does ZXPAGER_PLACEMENT=scheduler
 * in the environment for all threads. Other threads are never touched.
 *
 * Any thread. Errors: ZX_ERR_INVALID_ARGS, `thread` is null or `placement` none of these; those of
 * call.
 */
typedef uint32_t zxp_uv_placement_t;
#define ZXP_UV_PLACEMENT_SCHEDULER ((zxp_uv_placement_t)0)
#define ZXP_UV_PLACEMENT_MEASURED  ((zxp_uv_placement_t)1)
zx_status_t zxp_uv_thread_set_placement(zxp_uv_thread_t* thread, zxp_uv_placement_t placement);

/* zxp_uv_pager_init on the loop of `thread`, from any thread; its errors and those of call. */
zx_status_t zxp_uv_pager_init_on_thread(zxp_uv_thread_t* thread, zxp_uv_pager_t* pager,
                                        const zxp_uv_pager_callbacks_t* callbacks);

/*
 * Closes a pager of the loop of `thread` and returns when it is closed: all callbacks have been
 * made and the memory is the caller's. Any thread but the loop's own (ZX_ERR_BAD_STATE); errors of
 * close and call.
 */
zx_status_t zxp_uv_pager_close_on_thread(zxp_uv_thread_t* thread, zxp_uv_pager_t* pager);

__END_CDECLS

#endif /* ZIRCON_ZXPAGER_UV_H_ */
