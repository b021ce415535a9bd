/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handle table: zx_handle_t to object and rights (docs/semantics/objects.md 2).
 *
 * One table for the process. A value holds a slot number and a generation, with the two low bits
 * set; a value just closed comes back only after its slot's generation has gone all the way round.
 * Looking a handle up is the first thing of nearly every call, so two threads that look up
 * different handles must not line up behind one lock: each slot has a word of its own, with the
 * handle's rights and the number of calls that are using it (pins); the table's lock
 * (ZXP_RANK_TABLE) guards the free slots alone.
 *
 * Three ways to use an object by its handle:
 *
 *   zxp_handle_get                       a reference, as anything that outlives the call needs it
 *   zxp_handle_pin, zxp_handle_unpin     cheaper, for the length of a call: the object lives on
 *                                        also when the handle is closed meanwhile, until the pin
 *                                        goes
 *   zxp_handle_visit, zxp_handle_leave   the same for two threads with one handle, who would pass
 *                                        the slot's word to and fro: writes to nothing that they
 *                                        share (base/visitor.h), but may say no
 *
 * Does not do: order of several handles, transfer between processes.
 */
#ifndef ZXP_OBJECT_HANDLE_H_
#define ZXP_OBJECT_HANDLE_H_

#include "object/object.h"

struct zxp_visitor;

/* As many as Zircon allows at once. */
#define ZXP_HANDLE_MAX (256u * 1024u)

/*
 * Makes a handle to `object` with `rights`; takes a reference of its own and counts the handle.
 * `*out` is written on success only, and lies in the library's own memory. For the first handle of
 * an object; once its handles are gone it gets no more. Errors: ZX_ERR_NO_MEMORY, the table is
 * full; ZX_ERR_BAD_STATE, the process is a fork of the one that loaded the library.
 */
zx_status_t zxp_handle_install(struct zxp_object* object, zx_rights_t rights, zx_handle_t* out);

/*
 * zxp_handle_install for a call that gives the value to its caller: the last step of each creation.
 * ZX_ERR_INVALID_ARGS, `user_out` is null; then, or if the copy fails, the handle is closed again.
 */
zx_status_t zxp_handle_install_user(struct zxp_object* object, zx_rights_t rights,
                                    zx_handle_t* user_out);

/*
 * Looks a handle up and takes a reference to its object, in Zircon's order: ZX_ERR_BAD_HANDLE, not
 * a live handle (or the process is a fork of the one that made it); ZX_ERR_WRONG_TYPE, `type` is
 * not ZX_OBJ_TYPE_NONE and another one; ZX_ERR_ACCESS_DENIED, not all of `rights`.
 * `*rights_out` (may be NULL) gets all rights of the handle.
 */
zx_status_t zxp_handle_get(zx_handle_t handle, zx_obj_type_t type, zx_rights_t rights,
                           struct zxp_object** out, zx_rights_t* rights_out);

/*
 * As zxp_handle_get, with a pin on the handle instead of a reference to the object. Each success is
 * followed by one zxp_handle_unpin of the same value, whatever became of the handle in between;
 * that may be the end of the object, so no lock may be held that its destroy function takes.
 */
zx_status_t zxp_handle_pin(zx_handle_t handle, zx_obj_type_t type, zx_rights_t rights,
                           struct zxp_object** out, zx_rights_t* rights_out);
void zxp_handle_unpin(zx_handle_t handle);

/*
 * As pin, for one handle at a time, and only where all goes well: NULL if the handle cannot be used
 * so, for whatever reason, or this thread cannot make a visit now; the caller then goes one of the
 * other ways, which have the status. leave may be the end of the object, like unpin.
 */
struct zxp_visitor* zxp_handle_visit(zx_handle_t handle, zx_obj_type_t type, zx_rights_t rights,
                                     struct zxp_object** out);
void zxp_handle_leave(struct zxp_visitor* visitor);

/*
 * For ports alone, whose memory is never freed: a look-up that writes nothing. NULL if the handle
 * is not live, not a port's or without these rights. The port may be dead when this returns, and
 * its memory be another's: the caller takes a lock in it that the port's end has to pass, and asks
 * zxp_handle_is_live before it believes anything else.
 */
struct zxp_object* zxp_handle_peek_port(zx_handle_t handle, zx_rights_t rights);

/* Whether the value still names a live handle to this object. Any lock may be held. */
bool zxp_handle_is_live(zx_handle_t handle, const struct zxp_object* object);

/* The same, and that it has these rights: spares a pin where something else keeps the object. */
bool zxp_handle_is(zx_handle_t handle, const struct zxp_object* object, zx_rights_t rights);

/* A live handle's value dies, and all that objects.md 2.5 lists follows. ZX_ERR_BAD_HANDLE. */
zx_status_t zxp_handle_close(zx_handle_t handle);

/*
 * A second handle to the same object. ZX_ERR_BAD_HANDLE; ZX_ERR_ACCESS_DENIED, no
 * ZX_RIGHT_DUPLICATE; ZX_ERR_INVALID_ARGS, `rights` are neither a subset nor ZX_RIGHT_SAME_RIGHTS;
 * ZX_ERR_NO_MEMORY.
 */
zx_status_t zxp_handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out);

/*
 * The old value dies and a new one takes its slot, so this cannot run out of slots.
 * ZX_ERR_BAD_HANDLE; ZX_ERR_INVALID_ARGS as for duplicate, and the old handle is closed all the
 * same.
 */
zx_status_t zxp_handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out);

/* Whether there ever was a handle; asked in the child of a fork, which has one thread. */
bool zxp_handle_used(void);

/* Calls `visit` for each live handle, with the object kept alive; for process-wide info topics. */
void zxp_handle_for_each(void (*visit)(void* context, zx_handle_t handle, struct zxp_object* object,
                                       zx_rights_t rights),
                         void* context);

#endif /* ZXP_OBJECT_HANDLE_H_ */
