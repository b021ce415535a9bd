/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Rights of a handle, and the rights that a fresh handle of each kind of object has.
 */

#ifndef ZIRCON_RIGHTS_H_
#define ZIRCON_RIGHTS_H_

#include <stdint.h>

/* Bit set of rights. A right belongs to the handle, not to the object, and never changes. */
typedef uint32_t zx_rights_t;

#define ZX_RIGHT_NONE           ((zx_rights_t)0u)
#define ZX_RIGHT_DUPLICATE      ((zx_rights_t)0x1u)
#define ZX_RIGHT_TRANSFER       ((zx_rights_t)0x2u)
#define ZX_RIGHT_READ           ((zx_rights_t)0x4u)
#define ZX_RIGHT_WRITE          ((zx_rights_t)0x8u)
#define ZX_RIGHT_EXECUTE        ((zx_rights_t)0x10u)
#define ZX_RIGHT_MAP            ((zx_rights_t)0x20u)
#define ZX_RIGHT_GET_PROPERTY   ((zx_rights_t)0x40u)
#define ZX_RIGHT_SET_PROPERTY   ((zx_rights_t)0x80u)
#define ZX_RIGHT_ENUMERATE      ((zx_rights_t)0x100u)
#define ZX_RIGHT_DESTROY        ((zx_rights_t)0x200u)
#define ZX_RIGHT_SET_POLICY     ((zx_rights_t)0x400u)
#define ZX_RIGHT_GET_POLICY     ((zx_rights_t)0x800u)
#define ZX_RIGHT_SIGNAL         ((zx_rights_t)0x1000u)
#define ZX_RIGHT_SIGNAL_PEER    ((zx_rights_t)0x2000u)
#define ZX_RIGHT_WAIT           ((zx_rights_t)0x4000u)
#define ZX_RIGHT_INSPECT        ((zx_rights_t)0x8000u)
#define ZX_RIGHT_MANAGE_JOB     ((zx_rights_t)0x10000u)
#define ZX_RIGHT_MANAGE_PROCESS ((zx_rights_t)0x20000u)
#define ZX_RIGHT_MANAGE_THREAD  ((zx_rights_t)0x40000u)
#define ZX_RIGHT_APPLY_PROFILE  ((zx_rights_t)0x80000u)
#define ZX_RIGHT_MANAGE_SOCKET  ((zx_rights_t)0x100000u)
#define ZX_RIGHT_OP_CHILDREN    ((zx_rights_t)0x200000u)
#define ZX_RIGHT_RESIZE         ((zx_rights_t)0x400000u)
#define ZX_RIGHT_ATTACH_VMO     ((zx_rights_t)0x800000u)
#define ZX_RIGHT_MANAGE_VMO     ((zx_rights_t)0x1000000u)

/* For zx_handle_duplicate and zx_handle_replace, alone: the rights of the source. */
#define ZX_RIGHT_SAME_RIGHTS ((zx_rights_t)0x80000000u)

/* Groups that often go together. */
#define ZX_RIGHTS_BASIC (ZX_RIGHT_DUPLICATE | ZX_RIGHT_TRANSFER | ZX_RIGHT_WAIT | ZX_RIGHT_INSPECT)

#define ZX_RIGHTS_IO       (ZX_RIGHT_READ | ZX_RIGHT_WRITE)
#define ZX_RIGHTS_PROPERTY (ZX_RIGHT_GET_PROPERTY | ZX_RIGHT_SET_PROPERTY)
#define ZX_RIGHTS_POLICY   (ZX_RIGHT_SET_POLICY | ZX_RIGHT_GET_POLICY)

/*
 * Default rights. Readable, writable and executable VMARs, streams opened for reading or writing,
 * and resizable VMOs get the rights for that on top.
 */
#define ZX_DEFAULT_CHANNEL_RIGHTS                                                              \
  (ZX_RIGHTS_IO | ZX_RIGHT_TRANSFER | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER | ZX_RIGHT_WAIT | \
   ZX_RIGHT_INSPECT)
#define ZX_DEFAULT_EVENT_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHT_SIGNAL)
#define ZX_DEFAULT_SYSTEM_EVENT_LOW_MEMORY_RIGHTS \
  (ZX_RIGHT_DUPLICATE | ZX_RIGHT_TRANSFER | ZX_RIGHT_WAIT)
#define ZX_DEFAULT_EVENTPAIR_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER)
#define ZX_DEFAULT_FIFO_RIGHTS \
  (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER)
#define ZX_DEFAULT_GUEST_RIGHTS                                                 \
  (ZX_RIGHT_DUPLICATE | ZX_RIGHT_TRANSFER | ZX_RIGHT_WRITE | ZX_RIGHT_INSPECT | \
   ZX_RIGHT_MANAGE_THREAD)
#define ZX_DEFAULT_INTERRUPT_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL)
#define ZX_DEFAULT_JOB_RIGHTS                                                                    \
  (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHTS_PROPERTY | ZX_RIGHTS_POLICY | ZX_RIGHT_ENUMERATE | \
   ZX_RIGHT_DESTROY | ZX_RIGHT_SIGNAL | ZX_RIGHT_MANAGE_JOB | ZX_RIGHT_MANAGE_PROCESS |          \
   ZX_RIGHT_MANAGE_THREAD)
#define ZX_DEFAULT_LOG_RIGHTS           (ZX_RIGHTS_BASIC | ZX_RIGHT_WRITE | ZX_RIGHT_SIGNAL)
#define ZX_DEFAULT_MSI_RIGHTS           (ZX_RIGHTS_BASIC)
#define ZX_DEFAULT_PCI_DEVICE_RIGHTS    (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO)
#define ZX_DEFAULT_PCI_INTERRUPT_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL)
#define ZX_DEFAULT_PORT_RIGHTS \
  (ZX_RIGHTS_IO | ZX_RIGHT_DUPLICATE | ZX_RIGHT_TRANSFER | ZX_RIGHT_INSPECT)
#define ZX_DEFAULT_PROCESS_RIGHTS                                                                \
  (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHTS_PROPERTY | ZX_RIGHT_ENUMERATE | ZX_RIGHT_DESTROY | \
   ZX_RIGHT_SIGNAL | ZX_RIGHT_MANAGE_PROCESS | ZX_RIGHT_MANAGE_THREAD)
#define ZX_DEFAULT_RESOURCE_RIGHTS \
  (ZX_RIGHT_DUPLICATE | ZX_RIGHT_TRANSFER | ZX_RIGHT_WRITE | ZX_RIGHT_INSPECT)
#define ZX_DEFAULT_SOCKET_RIGHTS                                                                  \
  (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHTS_PROPERTY | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER | \
   ZX_RIGHT_MANAGE_SOCKET)
#define ZX_DEFAULT_STREAM_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_PROPERTY | ZX_RIGHT_SIGNAL)
#define ZX_DEFAULT_THREAD_RIGHTS                                                              \
  (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHTS_PROPERTY | ZX_RIGHT_DESTROY | ZX_RIGHT_SIGNAL | \
   ZX_RIGHT_MANAGE_THREAD)
#define ZX_DEFAULT_TIMER_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHT_WRITE | ZX_RIGHT_SIGNAL)

#define ZX_DEFAULT_VCPU_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_EXECUTE | ZX_RIGHT_SIGNAL)
#define ZX_DEFAULT_VMAR_RIGHTS \
  (ZX_RIGHT_DUPLICATE | ZX_RIGHT_TRANSFER | ZX_RIGHT_INSPECT | ZX_RIGHT_OP_CHILDREN)
#define ZX_DEFAULT_VMO_RIGHTS \
  (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHTS_PROPERTY | ZX_RIGHT_MAP | ZX_RIGHT_SIGNAL)
#define ZX_DEFAULT_IOMMU_RIGHTS (ZX_RIGHT_DUPLICATE | ZX_RIGHT_TRANSFER | ZX_RIGHT_INSPECT)
#define ZX_DEFAULT_BTI_RIGHTS                                                                  \
  (ZX_RIGHTS_IO | ZX_RIGHTS_PROPERTY | ZX_RIGHT_DUPLICATE | ZX_RIGHT_TRANSFER | ZX_RIGHT_MAP | \
   ZX_RIGHT_INSPECT)
#define ZX_DEFAULT_PROFILE_RIGHTS \
  (ZX_RIGHT_DUPLICATE | ZX_RIGHT_TRANSFER | ZX_RIGHT_INSPECT | ZX_RIGHT_APPLY_PROFILE)
#define ZX_DEFAULT_PMT_RIGHTS           (ZX_RIGHT_INSPECT)
#define ZX_DEFAULT_SUSPEND_TOKEN_RIGHTS (ZX_RIGHT_TRANSFER | ZX_RIGHT_INSPECT)
#define ZX_DEFAULT_PAGER_RIGHTS \
  (ZX_RIGHT_TRANSFER | ZX_RIGHT_INSPECT | ZX_RIGHT_ATTACH_VMO | ZX_RIGHT_MANAGE_VMO)
#define ZX_DEFAULT_EXCEPTION_RIGHTS (ZX_RIGHTS_PROPERTY | ZX_RIGHT_TRANSFER | ZX_RIGHT_INSPECT)
#define ZX_DEFAULT_CLOCK_RIGHTS     (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL)
#define ZX_DEFAULT_IOB_RIGHTS                                                             \
  (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHTS_PROPERTY | ZX_RIGHT_MAP | ZX_RIGHT_SIGNAL | \
   ZX_RIGHT_SIGNAL_PEER)
#define ZX_DEFAULT_COUNTER_RIGHTS           (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL)
#define ZX_DEFAULT_IOB_SHARED_REGION_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_PROPERTY | ZX_RIGHT_SIGNAL)

#endif  // ZIRCON_RIGHTS_H_
