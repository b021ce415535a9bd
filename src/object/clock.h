/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clock objects: a time of a program's own making, kept by one and read by many.
 *
 *   reference        the monotonic clock, or the boot clock, in nanoseconds
 *   transformation   what reads apply to the reference: synthetic_offset + (reference -
 *                    reference_offset) * rate
 *   backstop         a time that the clock never shows less of
 *
 *   STOPPED --- first update, which must set a value; or made so by AUTO_START ---> STARTED
 *
 * A stopped clock shows its backstop. A monotonic clock never goes back: an update after which it
 * would show less than before, now, is refused. A continuous one cannot be set at all once it is
 * started, only made slower and faster. Each update raises ZX_CLOCK_UPDATED for a moment: waiters
 * are told, and the state does not keep it.
 *
 * Lock: object.lock guards the transformation, so that reads and updates are one step each.
 */
#ifndef ZXP_OBJECT_CLOCK_H_
#define ZXP_OBJECT_CLOCK_H_

#include <zircon/syscalls/clock.h>

#include "object/object.h"

/* `options` without a version. A reference that the caller owns. ZX_ERR_INVALID_ARGS, a combination
 * that cannot be; ZX_ERR_NO_MEMORY. */
zx_status_t zxp_clock_create(uint64_t options, zx_time_t backstop, struct zxp_object** out);

zx_time_t zxp_clock_read(struct zxp_object* object);

void zxp_clock_get_details(struct zxp_object* object, zx_clock_details_v1_t* out);

/*
 * `options`: ZX_CLOCK_UPDATE_OPTION_ bits. `version`: of the arguments as the caller had them; the
 * rules for monotonic clocks differ. ZX_ERR_BAD_STATE, a first update without a value;
 * ZX_ERR_INVALID_ARGS, the clock does not allow it.
 */
zx_status_t zxp_clock_update(struct zxp_object* object, uint64_t options, int version,
                             const zx_clock_update_args_v2_t* args);

#endif /* ZXP_OBJECT_CLOCK_H_ */
