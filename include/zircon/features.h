/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Kinds and bits for zx_system_get_features().
 */

#ifndef ZIRCON_FEATURES_H_
#define ZIRCON_FEATURES_H_

#include <stdint.h>

/* Kinds. */
#define ZX_FEATURE_KIND_CPU                 ((uint32_t)0u)
#define ZX_FEATURE_KIND_HW_BREAKPOINT_COUNT ((uint32_t)1u)
#define ZX_FEATURE_KIND_HW_WATCHPOINT_COUNT ((uint32_t)2u)
#define ZX_FEATURE_KIND_ADDRESS_TAGGING     ((uint32_t)3u)
#define ZX_FEATURE_KIND_VM                  ((uint32_t)4u)

/* Bits of ZX_FEATURE_KIND_CPU. */
#define ZX_HAS_CPU_FEATURES ((uint32_t)0x1u)

/* Bits of ZX_FEATURE_KIND_VM. */
#define ZX_VM_FEATURE_CAN_MAP_XOM ((uint32_t)0x1u)

#endif  // ZIRCON_FEATURES_H_
