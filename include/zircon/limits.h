/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Page size as a constant. A program that is to run where pages are larger asks
 * zx_system_get_page_size() instead, and uses the two bounds for what it has to size statically.
 */

#ifndef ZIRCON_LIMITS_H_
#define ZIRCON_LIMITS_H_

#include <stdint.h>

#define ZX_PAGE_SHIFT     ((uint32_t)12u)
#define ZX_MIN_PAGE_SHIFT ((uint32_t)12u)
#define ZX_MAX_PAGE_SHIFT ((uint32_t)21u)

#define ZX_PAGE_SIZE     ((uintptr_t)1u << ZX_PAGE_SHIFT)
#define ZX_PAGE_MASK     (ZX_PAGE_SIZE - 1u)
#define ZX_MIN_PAGE_SIZE ((uintptr_t)1u << ZX_MIN_PAGE_SHIFT)
#define ZX_MAX_PAGE_SIZE ((uintptr_t)1u << ZX_MAX_PAGE_SHIFT)

#endif  // ZIRCON_LIMITS_H_
