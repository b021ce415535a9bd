/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Regions of an IO buffer. This library has no IO buffers; the declarations let code that names
 * them compile.
 */

#ifndef ZIRCON_SYSCALLS_IOB_H_
#define ZIRCON_SYSCALLS_IOB_H_

#include <stdint.h>
#include <zircon/compiler.h>

__BEGIN_CDECLS

#define ZX_IOB_MAX_REGIONS (64)

typedef uint64_t zx_iob_discipline_type_t;

#define ZX_IOB_DISCIPLINE_TYPE_NONE ((zx_iob_discipline_type_t)0u)

typedef struct zx_iob_discipline {
  zx_iob_discipline_type_t type;
  union {
    uint64_t reserved[8];
  };
} zx_iob_discipline_t;

typedef uint32_t zx_iob_access_t;

#define ZX_IOB_ACCESS_EP0_CAN_MAP_READ       ((zx_iob_access_t)0x1u)
#define ZX_IOB_ACCESS_EP0_CAN_MAP_WRITE      ((zx_iob_access_t)0x2u)
#define ZX_IOB_ACCESS_EP0_CAN_MEDIATED_READ  ((zx_iob_access_t)0x4u)
#define ZX_IOB_ACCESS_EP0_CAN_MEDIATED_WRITE ((zx_iob_access_t)0x8u)
#define ZX_IOB_ACCESS_EP1_CAN_MAP_READ       ((zx_iob_access_t)0x10u)
#define ZX_IOB_ACCESS_EP1_CAN_MAP_WRITE      ((zx_iob_access_t)0x20u)
#define ZX_IOB_ACCESS_EP1_CAN_MEDIATED_READ  ((zx_iob_access_t)0x40u)
#define ZX_IOB_ACCESS_EP1_CAN_MEDIATED_WRITE ((zx_iob_access_t)0x80u)

typedef uint32_t zx_iob_region_type_t;

#define ZX_IOB_REGION_TYPE_PRIVATE ((zx_iob_region_type_t)0u)

typedef struct zx_iob_region_private {
  uint32_t options;
  uint32_t padding1;
  uint64_t padding2[3];
} zx_iob_region_private_t;

typedef struct zx_iob_region {
  zx_iob_region_type_t type;
  zx_iob_access_t access;
  uint64_t size;
  zx_iob_discipline_t discipline;
  union {
    zx_iob_region_private_t private_region;
    uint8_t max_extension[32];
  };
} zx_iob_region_t;

__END_CDECLS

#endif  // ZIRCON_SYSCALLS_IOB_H_
