/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The calls. Each has the name, the type and the behaviour of the Zircon call; docs/semantics
 * holds the rules, and each comment below names the page and section that it is taken from.
 *
 * How to read a comment
 *
 * - "Handles" lists what is looked up, in this order. A handle that names nothing is
 *   ZX_ERR_BAD_HANDLE; an object of another type, ZX_ERR_WRONG_TYPE; a missing right,
 *   ZX_ERR_ACCESS_DENIED. These three are not repeated under "Errors".
 * - "Errors" come in the order in which they are looked for: the first that applies is returned.
 *   "before the handles" and "then" tell where the look-up of the handles has its place.
 * - A result that a call hands out through a pointer is written on success only, unless it says
 *   otherwise. Where a result is required and the pointer is null, the error is
 *   ZX_ERR_INVALID_ARGS, and nothing is left behind. Any other bad pointer to a result may raise
 *   SIGSEGV.
 * - `offset`, `length` and `size` are bytes. Ranges "in pages" are bytes that must be, or are
 *   rounded to, multiples of zx_system_get_page_size().
 *
 * Threads
 *
 * Every call may be made by any thread at any time, and no call sees half of what another does.
 * "May block" means that the call can wait for a pager, a deadline or a signal; all others return
 * at once. A thread that serves a pager must not make a call that waits for this same pager.
 * Buffers may lie in mappings of any VMO: a call that touches pages which a pager has yet to
 * supply waits for them, without keeping other calls from going on. A signal that the waiting
 * thread handles does not end a call. In a child of fork() calls fail. None of this may be called
 * from a signal handler, except the calls that read a clock.
 *
 * Every call exists under a second name with an underscore in front (_zx_vmo_create), at the same
 * address; language runtimes use it.
 *
 * Zircon marks its calls as leaf functions (__LEAF_FN). Here that would be wrong: gcc then keeps
 * static variables in registers across a call which waits for another thread to change them.
 */

#ifndef ZIRCON_SYSCALLS_H_
#define ZIRCON_SYSCALLS_H_

#include <zircon/compiler.h>
#include <zircon/string_view.h>
#include <zircon/syscalls/object.h>
#include <zircon/syscalls/types.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/* ---- Handles ---- */

/*
 * Closes a handle. What follows, in this order: the value dies; waits made with this handle end
 * (ZX_ERR_CANCELED, or without a packet); if it was the object's last, the object ends.
 * ZX_HANDLE_INVALID is fine and does nothing.
 * Errors: ZX_ERR_BAD_HANDLE, `handle` names nothing.
 * Rule: docs/semantics/objects.md 2.2, 2.5
 */
zx_status_t zx_handle_close(zx_handle_t handle);

/*
 * Closes `num_handles` handles. Each that is valid is closed, whatever the others are; entries
 * that are ZX_HANDLE_INVALID are skipped.
 * Errors: ZX_ERR_INVALID_ARGS, `handles` is null and `num_handles` is not 0; ZX_ERR_BAD_HANDLE,
 * an entry named nothing (a value that occurs twice does so the second time).
 * Rule: docs/semantics/objects.md 2.2
 */
zx_status_t zx_handle_close_many(const zx_handle_t* handles, size_t num_handles);

/*
 * Makes a second handle to the same object, with `rights`: any subset of those of `handle`, or
 * ZX_RIGHT_SAME_RIGHTS alone.
 * Handles: `handle`, any object, ZX_RIGHT_DUPLICATE.
 * Errors: then ZX_ERR_INVALID_ARGS, `rights` is no subset, or `out` is null; ZX_ERR_NO_MEMORY,
 * too many handles.
 * Rule: docs/semantics/objects.md 2.2, 2.3
 */
zx_status_t zx_handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out);

/*
 * Puts a new handle with `rights` (as in zx_handle_duplicate) into the place of `handle`, which
 * is closed on success and also where `rights` is refused.
 * Handles: `handle`, any object, no right.
 * Errors: then ZX_ERR_INVALID_ARGS, `rights` is no subset, or `out` is null.
 * Rule: docs/semantics/objects.md 2.2, 2.3
 */
zx_status_t zx_handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out);

/*
 * Whether a value is a live handle; changes nothing and needs no right.
 * Errors: ZX_ERR_INVALID_ARGS, it is ZX_HANDLE_INVALID; ZX_ERR_OUT_OF_RANGE, it cannot be a
 * handle, since one of its low two bits is clear; ZX_ERR_NOT_FOUND, it could be one, but is not.
 * Rule: docs/semantics/objects.md 2.4
 */
zx_status_t zx_handle_check_valid(zx_handle_t handle);

/* ---- All kinds of objects ---- */

/*
 * Waits until the object has one of `signals`, or until `deadline` (monotonic, absolute). May
 * block. What the state was when it matched is not lost even if it has changed since. `observed`
 * may be null; it is also written on a time-out and on cancellation.
 * Handles: `handle`, any object that can be waited on, ZX_RIGHT_WAIT.
 * Errors: then ZX_ERR_NOT_SUPPORTED, it cannot be waited on; ZX_ERR_CANCELED, `handle` was closed
 * or replaced (`*observed` has ZX_SIGNAL_HANDLE_CLOSED); ZX_ERR_TIMED_OUT.
 * Rule: docs/semantics/objects.md 7.1
 */
zx_status_t zx_object_wait_one(zx_handle_t handle, zx_signals_t signals, zx_time_t deadline,
                               zx_signals_t* observed);

/*
 * Waits until one of `num_items` objects has one of the signals of its item, or until `deadline`.
 * May block. With no items it sleeps until the deadline. Every item's `pending` is written on
 * ZX_OK, ZX_ERR_TIMED_OUT and ZX_ERR_CANCELED.
 * Errors: before the handles, ZX_ERR_OUT_OF_RANGE, more than ZX_WAIT_MANY_MAX_ITEMS;
 * ZX_ERR_INVALID_ARGS, `items` is null. Then the items in order, each as in zx_object_wait_one.
 * Then ZX_ERR_CANCELED, a handle was closed (it goes before a match); ZX_ERR_TIMED_OUT.
 * Rule: docs/semantics/objects.md 7.2, 7.3, 7.4
 */
zx_status_t zx_object_wait_many(zx_wait_item_t* items, size_t num_items, zx_time_t deadline);

/*
 * Asks for one packet (ZX_PKT_TYPE_SIGNAL_ONE, with `key`) in `port` once the object has one of
 * `signals`. `options`: ZX_WAIT_ASYNC_TIMESTAMP or ZX_WAIT_ASYNC_BOOT_TIMESTAMP, the packet
 * carries the time; ZX_WAIT_ASYNC_EDGE, the present state does not count. The wait ends without a
 * packet when `handle` is closed.
 * Handles: `port`, port, ZX_RIGHT_WRITE; `handle`, any object that can be waited on,
 * ZX_RIGHT_WAIT.
 * Errors: before the handles, ZX_ERR_INVALID_ARGS, an unknown option, or both timestamps; then
 * ZX_ERR_NOT_SUPPORTED, it cannot be waited on; ZX_ERR_NO_MEMORY.
 * Rule: docs/semantics/objects.md 7.5, 7.6, 7.7
 */
zx_status_t zx_object_wait_async(zx_handle_t handle, zx_handle_t port, uint64_t key,
                                 zx_signals_t signals, uint32_t options);

/*
 * Clears the signals of `clear_mask`, then sets those of `set_mask`, in one step. User code may
 * change ZX_USER_SIGNAL_ALL, and of events and event pairs also the signalled bit.
 * Handles: `handle`, any object, ZX_RIGHT_SIGNAL.
 * Errors: then ZX_ERR_INVALID_ARGS, a bit that may not be changed; nothing is changed.
 * Rule: docs/semantics/objects.md 6.1, 6.2
 */
zx_status_t zx_object_signal(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask);

/*
 * The same on the other side of an event pair.
 * Handles: `handle`, event pair, ZX_RIGHT_SIGNAL_PEER (which no other kind of object has).
 * Errors: then ZX_ERR_NOT_SUPPORTED, the object has no peer; ZX_ERR_INVALID_ARGS, a bit that may
 * not be changed; ZX_ERR_PEER_CLOSED, the other side is gone.
 * Rule: docs/semantics/objects.md 6.3
 */
zx_status_t zx_object_signal_peer(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask);

/*
 * Writes the record or records of `topic` (ZX_INFO_..., <zircon/syscalls/object.h>) into `buffer`
 * of `buffer_size` bytes. `actual` and `avail` may be null: how many records were written, and
 * how many there are. A topic of one record needs room for it; a topic of many writes what fits.
 * May block if `buffer` is memory that waits for a pager.
 * Handles: `handle`, of the type that the topic is about; ZX_RIGHT_INSPECT, but none for
 * ZX_INFO_HANDLE_VALID, ZX_INFO_HANDLE_BASIC and ZX_INFO_VMO.
 * Errors: before the handles, ZX_ERR_NOT_SUPPORTED, an unknown topic; then
 * ZX_ERR_BUFFER_TOO_SMALL (one record; `*actual` 0, `*avail` 1); ZX_ERR_INVALID_ARGS, `buffer` is
 * null; ZX_ERR_BAD_STATE, the region is destroyed.
 * Rule: docs/semantics/objects.md 4, docs/semantics/vmo.md 14, docs/semantics/vmar.md 10
 */
zx_status_t zx_object_get_info(zx_handle_t handle, uint32_t topic, void* buffer, size_t buffer_size,
                               size_t* actual, size_t* avail);

/*
 * Reads a property (ZX_PROP_...) into `value` of `value_size` bytes. A name always fills
 * ZX_MAX_NAME_LEN bytes.
 * Handles: `handle`, any object, ZX_RIGHT_GET_PROPERTY.
 * Errors: before the handles, ZX_ERR_INVALID_ARGS, `value` is null; then ZX_ERR_NOT_SUPPORTED, an
 * unknown property; ZX_ERR_BUFFER_TOO_SMALL; ZX_ERR_WRONG_TYPE, not a property of such an object.
 * Rule: docs/semantics/objects.md 5
 */
zx_status_t zx_object_get_property(zx_handle_t handle, uint32_t property, void* value,
                                   size_t value_size);

/*
 * Sets a property from `value` of `value_size` bytes. Of a name the first 31 bytes count, up to a
 * NUL. ZX_PROP_VMO_CONTENT_SIZE sets the bytes from there to the end of the VMO to zero, for
 * which it may block.
 * Handles: `handle`, any object, ZX_RIGHT_SET_PROPERTY (for the content size ZX_RIGHT_WRITE as
 * well).
 * Errors: as zx_object_get_property.
 * Rule: docs/semantics/objects.md 5, docs/semantics/vmo.md 4
 */
zx_status_t zx_object_set_property(zx_handle_t handle, uint32_t property, const void* value,
                                   size_t value_size);

/*
 * On Zircon, opens a child of a job, process or resource by its koid. There are none here.
 * Handles: `handle`, any object, no right.
 * Errors: ZX_ERR_BAD_HANDLE, `handle` names nothing; else ZX_ERR_NOT_SUPPORTED.
 * Rule: docs/semantics/objects.md 14
 */
zx_status_t zx_object_get_child(zx_handle_t handle, uint64_t koid, zx_rights_t rights,
                                zx_handle_t* out);

/*
 * On Zircon, applies a scheduling profile. There are none here.
 * Handles: `handle`, any object, no right.
 * Errors: ZX_ERR_BAD_HANDLE, `handle` names nothing; else ZX_ERR_NOT_SUPPORTED.
 * Rule: docs/semantics/objects.md 14
 */
zx_status_t zx_object_set_profile(zx_handle_t handle, zx_handle_t profile, uint32_t options);

/* ---- Events ---- */

/*
 * Makes an event: an object that carries signals. The handle has ZX_DEFAULT_EVENT_RIGHTS.
 * Errors: ZX_ERR_INVALID_ARGS, `options` is not 0, or `out` is null; ZX_ERR_NO_MEMORY.
 * Rule: docs/semantics/objects.md 9
 */
zx_status_t zx_event_create(uint32_t options, zx_handle_t* out);

/*
 * Makes a pair of events that can signal each other. When the last handle of one side is closed,
 * the other gets ZX_EVENTPAIR_PEER_CLOSED. The handles have ZX_DEFAULT_EVENTPAIR_RIGHTS.
 * Errors: ZX_ERR_NOT_SUPPORTED, `options` is not 0; ZX_ERR_INVALID_ARGS, a result is null;
 * ZX_ERR_NO_MEMORY.
 * Rule: docs/semantics/objects.md 9
 */
zx_status_t zx_eventpair_create(uint32_t options, zx_handle_t* out0, zx_handle_t* out1);

/* ---- Ports ---- */

/*
 * Makes a port: a queue of packets. `options`: 0 or ZX_PORT_BIND_TO_INTERRUPT, which changes
 * nothing here. The handle has ZX_DEFAULT_PORT_RIGHTS.
 * Errors: ZX_ERR_INVALID_ARGS, another option, or `out` is null; ZX_ERR_NO_MEMORY.
 * Rule: docs/semantics/objects.md 8
 */
zx_status_t zx_port_create(uint32_t options, zx_handle_t* out);

/*
 * Queues a packet of the caller's. Its type becomes ZX_PKT_TYPE_USER, all else is delivered as it
 * is.
 * Handles: `handle`, port, ZX_RIGHT_WRITE.
 * Errors: then ZX_ERR_INVALID_ARGS, `packet` is null; ZX_ERR_SHOULD_WAIT, too many packets of
 * this kind are waiting to be taken.
 * Rule: docs/semantics/objects.md 8.2, 8.5
 */
zx_status_t zx_port_queue(zx_handle_t handle, const zx_port_packet_t* packet);

/*
 * Takes the first packet, or waits for one until `deadline` (monotonic, absolute). May block,
 * also when the port's last handle is closed meanwhile. A packet that is there goes before a
 * deadline that is past. The waiting thread also does the library's work for the page faults
 * whose requests go to this port.
 * Handles: `handle`, port, ZX_RIGHT_READ.
 * Errors: then ZX_ERR_TIMED_OUT; ZX_ERR_INVALID_ARGS, `packet` is null (the packet is gone).
 * Rule: docs/semantics/objects.md 8.2, 8.3, 8.6, docs/semantics/pager.md 9
 */
zx_status_t zx_port_wait(zx_handle_t handle, zx_instant_mono_t deadline, zx_port_packet_t* packet);

/*
 * Ends the waits that zx_object_wait_async registered in this port with the handle `source` and
 * `key`, and takes their packets back. Afterwards none of them can appear.
 * Handles: `handle`, port, ZX_RIGHT_WRITE; `source`, any object that can be waited on,
 * ZX_RIGHT_WAIT.
 * Errors: then ZX_ERR_NOT_SUPPORTED, `source` cannot be waited on; ZX_ERR_NOT_FOUND, there was
 * neither wait nor packet.
 * Rule: docs/semantics/objects.md 8.4
 */
zx_status_t zx_port_cancel(zx_handle_t handle, zx_handle_t source, uint64_t key);

/*
 * The same for all sources, user packets with `key` included. Not for a key that a pager uses.
 * Handles: `handle`, port, ZX_RIGHT_WRITE.
 * Errors: before the handles, ZX_ERR_INVALID_ARGS, `options` is not 0; then ZX_ERR_NOT_FOUND,
 * there was nothing.
 * Rule: docs/semantics/objects.md 8.4
 */
zx_status_t zx_port_cancel_key(zx_handle_t handle, uint32_t options, uint64_t key);

/* ---- Pagers ---- */

/*
 * Makes a pager: what supplies the pages of VMOs. The handle has ZX_DEFAULT_PAGER_RIGHTS, so it
 * cannot be duplicated. When the last handle is closed, its VMOs are cut off.
 * Errors: ZX_ERR_INVALID_ARGS, `options` is not 0, or `out` is null; ZX_ERR_NO_MEMORY.
 * Rule: docs/semantics/pager.md 3.1, 8.3
 */
zx_status_t zx_pager_create(uint32_t options, zx_handle_t* out);

/*
 * Makes a VMO of `size` bytes, rounded up to pages, whose absent pages are asked for by packets
 * with `key` in `port`. `options`: ZX_VMO_RESIZABLE; ZX_VMO_TRAP_DIRTY, a write to a clean page
 * is asked for too; ZX_VMO_UNBOUNDED. The handle has ZX_DEFAULT_VMO_RIGHTS, with ZX_RIGHT_RESIZE
 * if resizable.
 * Handles: `pager`, pager, ZX_RIGHT_ATTACH_VMO; `port`, port, ZX_RIGHT_WRITE.
 * Errors: then ZX_ERR_INVALID_ARGS, resizable and unbounded; ZX_ERR_OUT_OF_RANGE, too large;
 * ZX_ERR_INVALID_ARGS, another option, or `out` is null; ZX_ERR_NO_MEMORY. No packet is sent.
 * Rule: docs/semantics/pager.md 3.2
 */
zx_status_t zx_pager_create_vmo(zx_handle_t pager, uint32_t options, zx_handle_t port, uint64_t key,
                                uint64_t size, zx_handle_t* out);

/*
 * Cuts a VMO off from its pager: outstanding requests end, unread packets are taken back, one
 * packet ZX_PAGER_VMO_COMPLETE is sent, and clean pages go. Who waited, and who needs an absent
 * page from then on, gets ZX_ERR_BAD_STATE, or SIGBUS in an access. Doing it twice is fine.
 * Handles: `pager`, pager, ZX_RIGHT_ATTACH_VMO and ZX_RIGHT_MANAGE_VMO; `vmo`, VMO,
 * ZX_RIGHT_WRITE.
 * Errors: then ZX_ERR_INVALID_ARGS, `vmo` was not made by zx_pager_create_vmo with this pager.
 * Rule: docs/semantics/pager.md 3.3, 8.1
 */
zx_status_t zx_pager_detach_vmo(zx_handle_t pager, zx_handle_t vmo);

/*
 * Moves pages of `aux_vmo` into the absent pages of a range of `pager_vmo`, and wakes who waited
 * for them. All three numbers are bytes and must be multiples of the page size. The source reads
 * as zeros afterwards, also the pages that were not needed; uncommitted ones arrive as zeros. A
 * page that has content keeps it. No request need be outstanding.
 * Handles: `pager`, pager, ZX_RIGHT_MANAGE_VMO; `pager_vmo`, VMO, ZX_RIGHT_WRITE; after the first
 * of the errors, `aux_vmo`, VMO, ZX_RIGHT_READ and ZX_RIGHT_WRITE.
 * Errors: before the handles, ZX_ERR_INVALID_ARGS, a number is misaligned; then
 * ZX_ERR_INVALID_ARGS, `pager_vmo` is not of this pager; ZX_ERR_NOT_SUPPORTED, `aux_vmo` is
 * contiguous or physical; ZX_ERR_OUT_OF_RANGE, the range is not inside `aux_vmo`;
 * ZX_ERR_NOT_SUPPORTED, `aux_vmo` belongs to a pager; from here on the source may be empty:
 * ZX_ERR_OUT_OF_RANGE, not inside `pager_vmo`; ZX_ERR_BAD_STATE, it is detached;
 * ZX_ERR_NO_MEMORY.
 * Rule: docs/semantics/pager.md 3.4, 7
 */
zx_status_t zx_pager_supply_pages(zx_handle_t pager, zx_handle_t pager_vmo, uint64_t offset,
                                  uint64_t length, zx_handle_t aux_vmo, uint64_t aux_offset);

/*
 * Tells about a range of `pager_vmo`, in bytes that must be multiples of the page size. `op`,
 * `data`:
 *   ZX_PAGER_OP_FAIL             the status, sign-extended to 64 bits: ZX_ERR_IO,
 *                                ZX_ERR_IO_DATA_INTEGRITY, ZX_ERR_BAD_STATE, ZX_ERR_NO_SPACE or
 *                                ZX_ERR_BUFFER_TOO_SMALL. Requests in the range fail with it.
 *   ZX_PAGER_OP_DIRTY            0. All pages become dirty; requests for that are answered.
 *   ZX_PAGER_OP_WRITEBACK_BEGIN  0 or ZX_VMO_DIRTY_RANGE_IS_ZERO. The pager begins to write back.
 *   ZX_PAGER_OP_WRITEBACK_END    0. Pages not written to since the beginning become clean.
 * Handles: `pager`, pager, ZX_RIGHT_MANAGE_VMO; `pager_vmo`, VMO, ZX_RIGHT_WRITE.
 * Errors: before the handles, ZX_ERR_INVALID_ARGS, `offset` or `length` is misaligned; then
 * ZX_ERR_INVALID_ARGS, `pager_vmo` is not of this pager; ZX_ERR_NOT_SUPPORTED, an unknown `op`;
 * ZX_ERR_INVALID_ARGS, bad `data`; ZX_ERR_NOT_SUPPORTED, dirty without ZX_VMO_TRAP_DIRTY;
 * ZX_ERR_OUT_OF_RANGE; ZX_ERR_BAD_STATE, fail or dirty of a detached VMO; ZX_ERR_NOT_FOUND, dirty
 * of an absent page; ZX_ERR_NO_MEMORY.
 * Rule: docs/semantics/pager.md 3.5, 6, docs/semantics/writeback.md 5
 */
zx_status_t zx_pager_op_range(zx_handle_t pager, uint32_t op, zx_handle_t pager_vmo,
                              uint64_t offset, uint64_t length, uint64_t data);

/*
 * Writes a zx_pager_vmo_stats_t: whether the VMO was modified since it was made, or since the
 * last call with the option ZX_PAGER_RESET_VMO_STATS.
 * Handles: `pager`, pager, ZX_RIGHT_MANAGE_VMO; `pager_vmo`, VMO, ZX_RIGHT_READ.
 * Errors: then ZX_ERR_INVALID_ARGS, `pager_vmo` is not of this pager; ZX_ERR_BUFFER_TOO_SMALL;
 * ZX_ERR_INVALID_ARGS, another option, or `buffer` is null.
 * Rule: docs/semantics/writeback.md 4, 7
 */
zx_status_t zx_pager_query_vmo_stats(zx_handle_t pager, zx_handle_t pager_vmo, uint32_t options,
                                     void* buffer, size_t buffer_size);

/* ---- VMOs ---- */

/*
 * Makes a VMO of `size` bytes, rounded up to pages, all zero and nothing committed. `options`:
 * ZX_VMO_RESIZABLE, ZX_VMO_DISCARDABLE, ZX_VMO_UNBOUNDED (the largest size; `size` is the stream
 * size only). The handle has ZX_DEFAULT_VMO_RIGHTS, with ZX_RIGHT_RESIZE if resizable.
 * Errors: ZX_ERR_INVALID_ARGS, resizable and unbounded; ZX_ERR_OUT_OF_RANGE, too large;
 * ZX_ERR_INVALID_ARGS, another option, or `out` is null; ZX_ERR_NO_MEMORY.
 * Rule: docs/semantics/vmo.md 2
 */
zx_status_t zx_vmo_create(uint64_t size, uint32_t options, zx_handle_t* out);

/*
 * Copies `buffer_size` bytes from `offset` on into `buffer`, all or none; the end is the VMO's
 * size, not the stream size. May block on pages that a pager has yet to supply.
 * Handles: `handle`, VMO, ZX_RIGHT_READ.
 * Errors: then ZX_ERR_OUT_OF_RANGE, the sum overflows; ZX_ERR_BAD_STATE, not cached;
 * ZX_ERR_OUT_OF_RANGE, not inside the VMO. While copying, after which some bytes may have been
 * moved: what the pager failed the request with (ZX_ERR_IO, ...); ZX_ERR_BAD_STATE, detached;
 * ZX_ERR_NOT_FOUND or ZX_ERR_ACCESS_DENIED, a bad `buffer`; ZX_ERR_OUT_OF_RANGE, the VMO was
 * shrunk.
 * Rule: docs/semantics/vmo.md 3, docs/semantics/pager.md 4, 5, 6
 */
zx_status_t zx_vmo_read(zx_handle_t handle, void* buffer, uint64_t offset, size_t buffer_size);

/*
 * Copies `buffer_size` bytes of `buffer` to `offset` on; as zx_vmo_read otherwise. May block on
 * absent pages, and with ZX_VMO_TRAP_DIRTY on clean ones. Does not move the stream size.
 * Handles: `handle`, VMO, ZX_RIGHT_WRITE.
 * Errors: as zx_vmo_read; also ZX_ERR_NO_MEMORY.
 * Rule: docs/semantics/vmo.md 3, docs/semantics/writeback.md 3
 */
zx_status_t zx_vmo_write(zx_handle_t handle, const void* buffer, uint64_t offset,
                         size_t buffer_size);

/*
 * The size in bytes, a multiple of the page size.
 * Handles: `handle`, VMO, no right.
 * Errors: then ZX_ERR_INVALID_ARGS, `size` is null.
 * Rule: docs/semantics/vmo.md 4
 */
zx_status_t zx_vmo_get_size(zx_handle_t handle, uint64_t* size);

/*
 * Resizes to `size` bytes, rounded up to pages; the stream size becomes `size` exactly. The new
 * part reads zero; what is cut off is gone. May block: the rest of the last page is set to zero,
 * for which the page is needed.
 * Handles: `handle`, VMO, ZX_RIGHT_WRITE, and ZX_RIGHT_RESIZE if it is resizable.
 * Errors: then ZX_ERR_OUT_OF_RANGE, cannot be rounded; ZX_ERR_UNAVAILABLE, not resizable;
 * ZX_ERR_OUT_OF_RANGE, too large; ZX_ERR_INVALID_ARGS, a child would reach past the largest
 * offset of its root; ZX_ERR_NO_MEMORY.
 * Rule: docs/semantics/vmo.md 4, docs/semantics/pager.md 8.5
 */
zx_status_t zx_vmo_set_size(zx_handle_t handle, uint64_t size);

/*
 * The stream size in bytes: where streams find the end, not rounded.
 * Handles: `handle`, VMO, no right.
 * Errors: then ZX_ERR_INVALID_ARGS, `size` is null.
 * Rule: docs/semantics/vmo.md 4
 */
zx_status_t zx_vmo_get_stream_size(zx_handle_t handle, uint64_t* size);

/*
 * Sets the stream size in bytes. Everything from the smaller of the old and the new one to the
 * end of the VMO becomes zero. May block.
 * Handles: `handle`, VMO, ZX_RIGHT_WRITE.
 * Errors: then ZX_ERR_NOT_SUPPORTED, contiguous or physical; ZX_ERR_OUT_OF_RANGE, above the VMO's
 * size.
 * Rule: docs/semantics/vmo.md 4
 */
zx_status_t zx_vmo_set_stream_size(zx_handle_t handle, uint64_t size);

/*
 * Does something to a range, in bytes. `buffer` counts for ZX_VMO_OP_LOCK alone, which writes a
 * zx_vmo_lock_state_t. `op`, the right it needs, what it does:
 *   COMMIT                  WRITE  gives each page a frame; rounds outward; may block
 *   DECOMMIT                WRITE  whole pages read as zeros; not where a pager or a snapshot is
 *   ZERO                    WRITE  the bytes read as zeros; may block
 *   PREFETCH                READ   asks the pager for absent pages; rounds outward; may block
 *   ALWAYS_NEED             none   the same as a hint that ignores failures; may block
 *   DONT_NEED               none   a hint; rounds outward
 *   LOCK, TRY_LOCK, UNLOCK  READ or WRITE, discardable VMOs, the whole VMO
 *   CACHE_SYNC, CACHE_CLEAN, CACHE_CLEAN_INVALIDATE  READ  no effect; CACHE_INVALIDATE is refused
 * Errors: ZX_ERR_INVALID_ARGS, an unknown `op`, between the type and the right of the handle;
 * then ZX_ERR_OUT_OF_RANGE, not inside the VMO; ZX_ERR_NOT_SUPPORTED, not for this VMO;
 * ZX_ERR_INVALID_ARGS, misaligned (DECOMMIT), size 0 (CACHE_...), bad `buffer` (LOCK);
 * ZX_ERR_BAD_STATE, not cached (ZERO), not locked (UNLOCK), detached; ZX_ERR_UNAVAILABLE,
 * discarded (TRY_LOCK); the pager's error; ZX_ERR_NO_MEMORY.
 * Rule: docs/semantics/vmo.md 5, 12, docs/semantics/pager.md 3.6
 */
zx_status_t zx_vmo_op_range(zx_handle_t handle, uint32_t op, uint64_t offset, uint64_t size,
                            void* buffer, size_t buffer_size);

/*
 * Makes a child of a range, in bytes; `size` is rounded up to pages. `options`: one of
 * ZX_VMO_CHILD_SNAPSHOT, _SNAPSHOT_AT_LEAST_ON_WRITE, _SNAPSHOT_MODIFIED (copy-on-write), _SLICE
 * (a window), _REFERENCE (the whole VMO again); with _RESIZABLE or _NO_WRITE. The child's rights
 * follow from those of `handle`.
 * Handles: `handle`, VMO, ZX_RIGHT_DUPLICATE and ZX_RIGHT_READ.
 * Errors: before the handles, ZX_ERR_OUT_OF_RANGE, `size` is too large; ZX_ERR_INVALID_ARGS,
 * resizable and not writable; then ZX_ERR_NOT_SUPPORTED, the parent is discardable;
 * ZX_ERR_INVALID_ARGS, the options do not go together, the offset is misaligned, or a slice is
 * not inside the parent; ZX_ERR_NOT_SUPPORTED, this parent cannot have such a child;
 * ZX_ERR_BAD_STATE, not cached; ZX_ERR_NO_MEMORY.
 * Rule: docs/semantics/vmo.md 6, 7, 8
 */
zx_status_t zx_vmo_create_child(zx_handle_t handle, uint32_t options, uint64_t offset,
                                uint64_t size, zx_handle_t* out);

/*
 * Sets the cache policy, ZX_CACHE_POLICY_.... Here it is only remembered: memory stays cached,
 * but a VMO that is not cached refuses what Zircon refuses.
 * Handles: `handle`, VMO, ZX_RIGHT_MAP.
 * Errors: before the handles, ZX_ERR_INVALID_ARGS, an unknown policy; then ZX_ERR_BAD_STATE, it
 * is mapped, has children or a parent, or has pages and is not cached.
 * Rule: docs/semantics/vmo.md 13
 */
zx_status_t zx_vmo_set_cache_policy(zx_handle_t handle, uint32_t cache_policy);

/*
 * Puts a handle that also has ZX_RIGHT_EXECUTE into the place of `handle`, which is closed in any
 * case in which it was valid. `vmex`: ZX_HANDLE_INVALID.
 * Handles: `handle`, VMO, no right; `vmex`, a resource, of which there are none here.
 * Errors: ZX_ERR_BAD_HANDLE, also where `handle` is of another type; ZX_ERR_WRONG_TYPE, another
 * `vmex`; ZX_ERR_INVALID_ARGS, `out` is null.
 * Rule: docs/semantics/vmo.md 13
 */
zx_status_t zx_vmo_replace_as_executable(zx_handle_t handle, zx_handle_t vmex, zx_handle_t* out);

/*
 * Moves the pages of a range of `src_vmo` to `dst_vmo`, in bytes that must be multiples of the
 * page size. The source reads as zeros afterwards, unless both ranges are one.
 * Handles: `dst_vmo`, VMO, ZX_RIGHT_WRITE; `src_vmo`, VMO, ZX_RIGHT_READ and ZX_RIGHT_WRITE.
 * Errors: before the handles, ZX_ERR_INVALID_ARGS, `options` is not 0, or a number is misaligned;
 * then, of the source and after that of the target, ZX_ERR_NOT_SUPPORTED, contiguous or physical;
 * ZX_ERR_OUT_OF_RANGE; ZX_ERR_NOT_SUPPORTED, it belongs to a pager. ZX_ERR_NO_MEMORY.
 * Rule: docs/semantics/vmo.md 11
 */
zx_status_t zx_vmo_transfer_data(zx_handle_t dst_vmo, uint32_t options, uint64_t offset,
                                 uint64_t length, zx_handle_t src_vmo, uint64_t src_offset);

/*
 * On Zircon, makes a VMO of adjacent frames for a device. There are no devices here.
 * Errors: ZX_ERR_INVALID_ARGS, `size` is 0, or an `alignment_log2` that is neither 0 nor between
 * a page's and 63; then ZX_ERR_BAD_HANDLE or ZX_ERR_WRONG_TYPE, since no handle names a BTI.
 * Rule: docs/semantics/vmo.md 13
 */
zx_status_t zx_vmo_create_contiguous(zx_handle_t bti, size_t size, uint32_t alignment_log2,
                                     zx_handle_t* out);

/*
 * On Zircon, makes a VMO of given frames. There are none to give here.
 * Errors: ZX_ERR_BAD_HANDLE or ZX_ERR_WRONG_TYPE, since no handle names a resource.
 * Rule: docs/semantics/vmo.md 13
 */
zx_status_t zx_vmo_create_physical(zx_handle_t resource, zx_paddr_t paddr, size_t size,
                                   zx_handle_t* out);

/* ---- Regions and mappings ---- */

/*
 * Reserves `size` bytes (in pages) of a region as a region of its own. `options`:
 * ZX_VM_CAN_MAP_..., what it may hold; ZX_VM_SPECIFIC, at `offset` from the base of the parent;
 * ZX_VM_OFFSET_IS_UPPER_LIMIT, below it; ZX_VM_ALIGN_...; ZX_VM_COMPACT. Without the two,
 * `offset` is 0. `child_addr` is the absolute address.
 * Handles: `parent_vmar`, VMAR, ZX_RIGHT_READ, _WRITE, _EXECUTE for each ZX_VM_CAN_MAP_ of that
 * kind.
 * Errors: then ZX_ERR_INVALID_ARGS, a bad option, or a `size` that is misaligned;
 * ZX_ERR_BAD_STATE, the parent is destroyed; ZX_ERR_INVALID_ARGS, size 0; ZX_ERR_ACCESS_DENIED,
 * more than the parent may hold; ZX_ERR_INVALID_ARGS, a bad `offset`; ZX_ERR_ACCESS_DENIED, no
 * fixed places in the parent; ZX_ERR_INVALID_ARGS, not inside the parent; ZX_ERR_ALREADY_EXISTS,
 * taken; ZX_ERR_NO_RESOURCES, no room.
 * Rule: docs/semantics/vmar.md 4
 */
zx_status_t zx_vmar_allocate(zx_handle_t parent_vmar, zx_vm_option_t options, size_t offset,
                             size_t size, zx_handle_t* child_vmar, zx_vaddr_t* child_addr);

/*
 * Unmaps everything in a region, destroys the regions in it and itself. Its handles stay valid,
 * and useless.
 * Handles: `handle`, VMAR, ZX_RIGHT_OP_CHILDREN.
 * Errors: then ZX_ERR_NOT_SUPPORTED, the root; ZX_ERR_BAD_STATE, destroyed already.
 * Rule: docs/semantics/vmar.md 6.5
 */
zx_status_t zx_vmar_destroy(zx_handle_t handle);

/*
 * Maps `len` bytes of a VMO, rounded up to pages, from `vmo_offset` on (in pages) into a region.
 * `options`: ZX_VM_PERM_...; the place as in zx_vmar_allocate, with ZX_VM_SPECIFIC_OVERWRITE to
 * replace mappings; ZX_VM_MAP_RANGE, ZX_VM_REQUIRE_NON_RESIZABLE, ZX_VM_ALLOW_FAULTS,
 * ZX_VM_FAULT_BEYOND_STREAM_SIZE. The range may reach past the VMO's end; touching it there is
 * SIGBUS. `mapped_addr` is absolute. The mapping keeps the VMO.
 * Handles: `handle`, VMAR, and `vmo`, VMO, ZX_RIGHT_MAP; both with ZX_RIGHT_READ, _WRITE,
 * _EXECUTE for each permission; the rights are looked at after both types.
 * Errors: ZX_ERR_NOT_SUPPORTED, not for this VMO; ZX_ERR_INVALID_ARGS, options that do not go
 * together, an unknown one, a misaligned `vmo_offset`, `len` 0; ZX_ERR_OUT_OF_RANGE, a sum
 * overflows; ZX_ERR_BAD_STATE, the region is destroyed; and those of zx_vmar_allocate about the
 * place. ZX_ERR_NOT_SUPPORTED, page faults cannot be served here (zxp_probe); ZX_ERR_NO_MEMORY,
 * too many areas.
 * Rule: docs/semantics/vmar.md 5
 */
zx_status_t zx_vmar_map(zx_handle_t handle, zx_vm_option_t options, size_t vmar_offset,
                        zx_handle_t vmo, uint64_t vmo_offset, size_t len, zx_vaddr_t* mapped_addr);

/*
 * Unmaps a range of addresses (in pages, `len` is rounded up) and destroys the regions that are
 * wholly in it. Mappings that are partly in it are cut. Nothing in the range is fine. Who waits
 * for a page there meets what is mapped then, or SIGSEGV.
 * Handles: `handle`, VMAR, no right.
 * Errors: then ZX_ERR_INVALID_ARGS, `addr` misaligned, `len` 0; ZX_ERR_BAD_STATE, the region is
 * destroyed; ZX_ERR_INVALID_ARGS, not inside the region, a region is partly in the range, or one
 * is in it and the handle lacks ZX_RIGHT_OP_CHILDREN; ZX_ERR_NO_MEMORY, too many areas. Nothing
 * has changed then.
 * Rule: docs/semantics/vmar.md 6.1, 9
 */
zx_status_t zx_vmar_unmap(zx_handle_t handle, zx_vaddr_t addr, size_t len);

/*
 * Sets the permissions (ZX_VM_PERM_...) of a range of addresses (in pages, `len` is rounded up),
 * all or none. A mapping never gets more than it could have had when it was made.
 * Handles: `handle`, VMAR, ZX_RIGHT_READ, _WRITE, _EXECUTE for each permission.
 * Errors: then ZX_ERR_INVALID_ARGS, `addr` misaligned, bad options, `len` 0; ZX_ERR_BAD_STATE,
 * the region is destroyed; ZX_ERR_INVALID_ARGS, not inside it; upwards from `addr`:
 * ZX_ERR_NOT_FOUND, a gap; ZX_ERR_ACCESS_DENIED, more than the mapping may have;
 * ZX_ERR_INVALID_ARGS, in a region below without ZX_RIGHT_OP_CHILDREN; ZX_ERR_ACCESS_DENIED, more
 * than it has now in a region below. ZX_ERR_NO_MEMORY.
 * Rule: docs/semantics/vmar.md 6.2, 6.3
 */
zx_status_t zx_vmar_protect(zx_handle_t handle, zx_vm_option_t options, zx_vaddr_t addr,
                            size_t len);

/*
 * Does something to the VMOs behind a range of addresses (in pages, `size` is rounded up),
 * mapping by mapping. `buffer` is null and `buffer_size` 0. `op`: ZX_VMAR_OP_COMMIT, _DECOMMIT,
 * _ZERO (ZX_RIGHT_WRITE); _PREFETCH, _MAP_RANGE (ZX_RIGHT_READ); _ALWAYS_NEED, _DONT_NEED (no
 * right). May block, without keeping others from changing the region. What came before a failure
 * stays done.
 * Errors: ZX_ERR_INVALID_ARGS, an unknown `op`, between the type and the right of the handle;
 * then ZX_ERR_INVALID_ARGS, a buffer, size 0, `address` misaligned; ZX_ERR_OUT_OF_RANGE, not
 * inside the region; ZX_ERR_BAD_STATE, it is destroyed, or there is a gap; ZX_ERR_INVALID_ARGS,
 * not in a region below; ZX_ERR_ACCESS_DENIED, the mapping can never be written (read); what
 * zx_vmo_op_range gives.
 * Rule: docs/semantics/vmar.md 8
 */
zx_status_t zx_vmar_op_range(zx_handle_t handle, uint32_t op, zx_vaddr_t address, size_t size,
                             void* buffer, size_t buffer_size);

/*
 * On Zircon, maps a region of an IO buffer. There are none here.
 * Errors: ZX_ERR_NOT_SUPPORTED.
 * Rule: docs/semantics/vmar.md 5.12
 */
zx_status_t zx_vmar_map_iob(zx_handle_t handle, zx_vm_option_t options, size_t vmar_offset,
                            zx_handle_t ep, uint32_t region_index, uint64_t region_offset,
                            size_t region_length, zx_vaddr_t* mapped_addr);

/*
 * On Zircon, maps the state of a clock. There are none here.
 * Errors: ZX_ERR_NOT_SUPPORTED.
 * Rule: docs/semantics/vmar.md 5.12
 */
zx_status_t zx_vmar_map_clock(zx_handle_t handle, zx_vm_option_t options, size_t vmar_offset,
                              zx_handle_t clock, size_t len, zx_vaddr_t* mapped_addr);

/*
 * Reads memory of a process by address, permissions of the mapping or not, up to the end of the
 * mapping. `buffer_size` is 1 byte to 64 MiB. May block. `actual` is written on success.
 * Handles: `handle`, process (zx_process_self), ZX_RIGHT_READ and ZX_RIGHT_WRITE.
 * Errors: before the handles, ZX_ERR_INVALID_ARGS, `buffer` is null, or a bad size; then
 * ZX_ERR_NOT_FOUND, nothing of the library is mapped there; ZX_ERR_OUT_OF_RANGE, past the VMO's
 * end; the pager's error.
 * Rule: docs/semantics/vmar.md 11
 */
zx_status_t zx_process_read_memory(zx_handle_t handle, zx_vaddr_t vaddr, void* buffer,
                                   size_t buffer_size, size_t* actual);

/*
 * Writes memory of a process by address; as zx_process_read_memory otherwise.
 * Handles: `handle`, process (zx_process_self), ZX_RIGHT_WRITE.
 * Errors: as zx_process_read_memory.
 * Rule: docs/semantics/vmar.md 11
 */
zx_status_t zx_process_write_memory(zx_handle_t handle, zx_vaddr_t vaddr, const void* buffer,
                                    size_t buffer_size, size_t* actual);

/*
 * On Zircon, makes the channel to which exceptions are sent. Here a fatal fault is SIGBUS or
 * SIGSEGV in the thread that touched the page.
 * Errors: ZX_ERR_NOT_SUPPORTED.
 * Rule: docs/semantics/vmar.md 12
 */
zx_status_t zx_task_create_exception_channel(zx_handle_t handle, uint32_t options,
                                             zx_handle_t* out);

/* ---- Streams ---- */

/*
 * Makes a stream over a VMO, with its seek offset at `seek` (bytes; any value). `options`:
 * ZX_STREAM_MODE_READ, _WRITE, _APPEND. The handle has ZX_DEFAULT_STREAM_RIGHTS, with
 * ZX_RIGHT_READ and ZX_RIGHT_WRITE as asked. Writes can make the VMO grow if `vmo` has
 * ZX_RIGHT_RESIZE now.
 * Handles: `vmo`, VMO, ZX_RIGHT_READ and ZX_RIGHT_WRITE for the mode of that kind.
 * Errors: before the handles, ZX_ERR_INVALID_ARGS, another option; then ZX_ERR_WRONG_TYPE,
 * contiguous or physical; ZX_ERR_INVALID_ARGS, `out_stream` is null; ZX_ERR_NO_MEMORY.
 * Rule: docs/semantics/objects.md 11.1
 */
zx_status_t zx_stream_create(uint32_t options, zx_handle_t vmo, zx_off_t seek,
                             zx_handle_t* out_stream);

/*
 * Reads at the seek offset, which moves by the bytes read, into `num_vectors` buffers, up to the
 * stream size. `options` is 0. `actual` may be null. May block. If a byte was read, the result is
 * ZX_OK.
 * Handles: `handle`, stream, ZX_RIGHT_READ.
 * Errors: before the handles, ZX_ERR_INVALID_ARGS, options, or `vectors` is null; then
 * ZX_ERR_INVALID_ARGS, the capacities overflow; ZX_ERR_NOT_FOUND, a bad buffer; the pager's
 * error.
 * Rule: docs/semantics/objects.md 11.2, 11.4
 */
zx_status_t zx_stream_readv(zx_handle_t handle, uint32_t options, zx_iovec_t* vectors,
                            size_t num_vectors, size_t* actual);

/*
 * Reads at `offset` (bytes); the seek offset is not used. As zx_stream_readv otherwise.
 * Handles: `handle`, stream, ZX_RIGHT_READ.
 * Errors: as zx_stream_readv.
 * Rule: docs/semantics/objects.md 11.2, 11.4
 */
zx_status_t zx_stream_readv_at(zx_handle_t handle, uint32_t options, zx_off_t offset,
                               zx_iovec_t* vectors, size_t num_vectors, size_t* actual);

/*
 * Writes at the seek offset, which moves by the bytes written, or with ZX_STREAM_APPEND (or in
 * that mode) at the stream size. The stream size, and a VMO that may grow, follow. `actual` may
 * be null. May block. If a byte was written, the result is ZX_OK.
 * Handles: `handle`, stream, ZX_RIGHT_WRITE.
 * Errors: before the handles, ZX_ERR_INVALID_ARGS, another option, or `vectors` is null; then
 * ZX_ERR_INVALID_ARGS, the capacities overflow; ZX_ERR_FILE_BIG or (append) ZX_ERR_OUT_OF_RANGE,
 * the end overflows; ZX_ERR_OUT_OF_RANGE, it cannot be rounded up; ZX_ERR_NO_SPACE, at the VMO's
 * end, and it cannot grow; ZX_ERR_NOT_FOUND, a bad buffer; the pager's error; ZX_ERR_NO_MEMORY.
 * Rule: docs/semantics/objects.md 11.2, 11.4
 */
zx_status_t zx_stream_writev(zx_handle_t handle, uint32_t options, const zx_iovec_t* vectors,
                             size_t num_vectors, size_t* actual);

/*
 * Writes at `offset` (bytes); neither the seek offset nor append mode are used. `options` is 0.
 * As zx_stream_writev otherwise.
 * Handles: `handle`, stream, ZX_RIGHT_WRITE.
 * Errors: as zx_stream_writev.
 * Rule: docs/semantics/objects.md 11.2, 11.4
 */
zx_status_t zx_stream_writev_at(zx_handle_t handle, uint32_t options, zx_off_t offset,
                                const zx_iovec_t* vectors, size_t num_vectors, size_t* actual);

/*
 * Moves the seek offset to `offset` bytes from `whence`: ZX_STREAM_SEEK_ORIGIN_START, _CURRENT,
 * _END (the stream size). It may lie past the end. `out_seek` may be null. May block while
 * another thread's transfer uses the seek offset.
 * Handles: `handle`, stream, ZX_RIGHT_READ or ZX_RIGHT_WRITE.
 * Errors: then ZX_ERR_INVALID_ARGS, another `whence`, or an offset below 0 or above UINT64_MAX.
 * Rule: docs/semantics/objects.md 11.3
 */
zx_status_t zx_stream_seek(zx_handle_t handle, zx_stream_seek_origin_t whence, int64_t offset,
                           zx_off_t* out_seek);

/* ---- Time ---- */

/* Nanoseconds on the clock of deadlines, CLOCK_MONOTONIC. Rule: docs/semantics/objects.md 12 */
zx_instant_mono_t zx_clock_get_monotonic(void);

/*
 * The same, going on while the machine is suspended: CLOCK_BOOTTIME.
 * Rule: docs/semantics/objects.md 12
 */
zx_instant_boot_t zx_clock_get_boot(void);

/*
 * Now plus a length of time, as a deadline; clamps at both ends.
 * Rule: docs/semantics/objects.md 12
 */
zx_instant_mono_t zx_deadline_after(zx_duration_mono_t nanoseconds);

/*
 * Sleeps until a deadline; returns ZX_OK, never before it. May block.
 * Rule: docs/semantics/objects.md 12
 */
zx_status_t zx_nanosleep(zx_instant_mono_t deadline);

/* A counter of a constant rate that never goes back. Rule: docs/semantics/objects.md 12 */
zx_instant_mono_ticks_t zx_ticks_get(void);

/* The same, going on while the machine is suspended. Rule: docs/semantics/objects.md 12 */
zx_instant_boot_ticks_t zx_ticks_get_boot(void);

/* The rate of both counters, constant. Rule: docs/semantics/objects.md 12 */
zx_ticks_t zx_ticks_per_second(void);

/* ---- Timers ---- */

/*
 * Makes a timer on the clock ZX_CLOCK_MONOTONIC or ZX_CLOCK_BOOT. `options`:
 * ZX_TIMER_SLACK_CENTER, _EARLY or _LATE. The handle has ZX_DEFAULT_TIMER_RIGHTS.
 * Errors: ZX_ERR_INVALID_ARGS, another clock, another option, or `out` is null; ZX_ERR_NO_MEMORY.
 * Rule: docs/semantics/objects.md 10
 */
zx_status_t zx_timer_create(uint32_t options, zx_clock_t clock_id, zx_handle_t* out);

/*
 * Clears ZX_TIMER_SIGNALED, and sets it once at `deadline` (absolute, on the timer's clock), give
 * or take `slack`; at once if that is past.
 * Handles: `handle`, timer, ZX_RIGHT_WRITE.
 * Errors: before the handles, ZX_ERR_OUT_OF_RANGE, a negative slack.
 * Rule: docs/semantics/objects.md 10
 */
zx_status_t zx_timer_set(zx_handle_t handle, zx_time_t deadline, zx_duration_t slack);

/*
 * Clears ZX_TIMER_SIGNALED and forgets the deadline; fine on a timer that was never set.
 * Handles: `handle`, timer, ZX_RIGHT_WRITE.
 * Rule: docs/semantics/objects.md 10
 */
zx_status_t zx_timer_cancel(zx_handle_t handle);

/* ---- Futexes ---- */

/*
 * Sleeps if the word still has the value `current_value`, until woken or until `deadline`; the
 * comparison and falling asleep are one step. May block. `new_futex_owner` is ZX_HANDLE_INVALID
 * or a thread.
 * Errors: ZX_ERR_INVALID_ARGS, `value_ptr` is null or misaligned; ZX_ERR_BAD_STATE, another
 * value; ZX_ERR_BAD_HANDLE or ZX_ERR_WRONG_TYPE, the owner; ZX_ERR_TIMED_OUT.
 * Rule: docs/semantics/objects.md 13
 */
zx_status_t zx_futex_wait(const zx_futex_t* value_ptr, zx_futex_t current_value,
                          zx_handle_t new_futex_owner, zx_time_t deadline);

/*
 * Wakes up to `wake_count` of those who sleep on the word, the longest first. Nobody is fine.
 * Errors: ZX_ERR_INVALID_ARGS, `value_ptr` is null or misaligned.
 * Rule: docs/semantics/objects.md 13
 */
zx_status_t zx_futex_wake(const zx_futex_t* value_ptr, uint32_t wake_count);

/*
 * Wakes one, which becomes the owner of the futex.
 * Errors: as zx_futex_wake.
 * Rule: docs/semantics/objects.md 13
 */
zx_status_t zx_futex_wake_single_owner(const zx_futex_t* value_ptr);

/*
 * If the first word still has the value `current_value`, wakes up to `wake_count` of those who
 * sleep on it and moves up to `requeue_count` of the rest to the second.
 * Errors: ZX_ERR_INVALID_ARGS, a pointer is null or misaligned, or both are one;
 * ZX_ERR_BAD_STATE, another value; ZX_ERR_BAD_HANDLE or ZX_ERR_WRONG_TYPE, the owner.
 * Rule: docs/semantics/objects.md 13
 */
zx_status_t zx_futex_requeue(const zx_futex_t* value_ptr, uint32_t wake_count,
                             zx_futex_t current_value, const zx_futex_t* requeue_ptr,
                             uint32_t requeue_count, zx_handle_t new_requeue_owner);

/*
 * The same; wakes one, which becomes the owner of the first futex.
 * Errors: as zx_futex_requeue.
 * Rule: docs/semantics/objects.md 13
 */
zx_status_t zx_futex_requeue_single_owner(const zx_futex_t* value_ptr, zx_futex_t current_value,
                                          const zx_futex_t* requeue_ptr, uint32_t requeue_count,
                                          zx_handle_t new_requeue_owner);

/*
 * The koid of the thread that owns the futex, or ZX_KOID_INVALID.
 * Errors: ZX_ERR_INVALID_ARGS, a pointer is null or misaligned.
 * Rule: docs/semantics/objects.md 13
 */
zx_status_t zx_futex_get_owner(const zx_futex_t* value_ptr, zx_koid_t* koid);

/* ---- The system ---- */

/* Bytes of a page: a power of two, constant. Rule: docs/semantics/objects.md 12 */
uint32_t zx_system_get_page_size(void);

/* Processors, at least 1, constant. Rule: docs/semantics/objects.md 12 */
uint32_t zx_system_get_num_cpus(void);

/* Bytes of memory in the machine, constant. Rule: docs/semantics/objects.md 12 */
uint64_t zx_system_get_physmem(void);

/* The version as a static string that ends with a NUL. Rule: docs/semantics/objects.md 12 */
zx_string_view_t zx_system_get_version_string(void);

/*
 * Features of a kind, ZX_FEATURE_KIND_... (<zircon/features.h>).
 * Errors: ZX_ERR_NOT_SUPPORTED, an unknown kind; ZX_ERR_INVALID_ARGS, `features` is null.
 * Rule: docs/semantics/objects.md 12
 */
zx_status_t zx_system_get_features(uint32_t kind, uint32_t* features);

/* Fills a buffer of any size with random bytes; cannot fail. Rule: docs/semantics/objects.md 12 */
void zx_cprng_draw(void* buffer, size_t buffer_size);

/* ---- Declared for programs that name them ---- */

/*
 * What follows has no rule of its own in docs/semantics: wrappers and runtimes name these calls
 * without pagers needing them. A call that this version of the library does not have does not
 * link, rather than pretend.
 */

/* Bytes of a line of the data cache. */
uint32_t zx_system_get_dcache_line_size(void);

/*
 * The event of a kind of memory pressure, ZX_SYSTEM_EVENT_.... There are no jobs here, so the
 * answer is ZX_ERR_BAD_HANDLE or ZX_ERR_WRONG_TYPE (docs/semantics/objects.md 12).
 */
zx_status_t zx_system_get_event(zx_handle_t root_job, uint32_t kind, zx_handle_t* event);

/* Adds up to ZX_CPRNG_ADD_ENTROPY_MAX_LEN bytes to what random bytes are drawn from. */
zx_status_t zx_cprng_add_entropy(const void* buffer, size_t buffer_size);

/* Flushes or invalidates caches for `size` bytes of memory. `options`: ZX_CACHE_FLUSH_.... */
zx_status_t zx_cache_flush(const void* addr, size_t size, uint32_t options);

/* Clock objects, <zircon/syscalls/clock.h>: make, read, describe and adjust one. */
zx_status_t zx_clock_create(uint64_t options, const void* args, zx_handle_t* out);

zx_status_t zx_clock_read(zx_handle_t handle, zx_time_t* now);

zx_status_t zx_clock_get_details(zx_handle_t handle, uint64_t options, void* details);

zx_status_t zx_clock_update(zx_handle_t handle, uint64_t options, const void* args);

/* A resource: the right to something of the machine. */
zx_status_t zx_resource_create(zx_handle_t parent_rsrc, uint32_t options, uint64_t base,
                               size_t size, const char* name, size_t name_size,
                               zx_handle_t* resource_out);

__END_CDECLS

#include <zircon/syscalls/internal/underscore-names.h>

#endif  // ZIRCON_SYSCALLS_H_
