/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Types and constants that the calls of <zircon/syscalls.h> share: handles, signals, objects, and
 * the options of VMOs, mappings and pagers.
 *
 * Names, values and layouts are those of Zircon, also for kinds of objects that this library does
 * not have, so that code which merely mentions them compiles.
 */

#ifndef ZIRCON_TYPES_H_
#define ZIRCON_TYPES_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zircon/compiler.h>
#include <zircon/errors.h>
#include <zircon/limits.h>
#include <zircon/rights.h>
#include <zircon/time.h>
#ifndef __cplusplus
#include <stdatomic.h>
#endif

__BEGIN_CDECLS

/* ---- Handles, status, identity ---- */

/* Names an object and carries rights to it. The low two bits of a valid handle are set. */
typedef uint32_t zx_handle_t;

#define ZX_HANDLE_INVALID         ((zx_handle_t)0u)
#define ZX_HANDLE_FIXED_BITS_MASK ((zx_handle_t)0x3u)

/* ZX_OK, or one of the negative values of <zircon/errors.h>. */
typedef int32_t zx_status_t;

/* Identity of an object: unique for the life of the process, at least ZX_KOID_FIRST. */
typedef uint64_t zx_koid_t;

#define ZX_KOID_INVALID ((uint64_t)0u)
#define ZX_KOID_KERNEL  ((uint64_t)1u)
#define ZX_KOID_FIRST   ((uint64_t)1024u)

typedef uint32_t zx_obj_type_t;

#define ZX_OBJ_TYPE_NONE              ((zx_obj_type_t)0u)
#define ZX_OBJ_TYPE_PROCESS           ((zx_obj_type_t)1u)
#define ZX_OBJ_TYPE_THREAD            ((zx_obj_type_t)2u)
#define ZX_OBJ_TYPE_VMO               ((zx_obj_type_t)3u)
#define ZX_OBJ_TYPE_CHANNEL           ((zx_obj_type_t)4u)
#define ZX_OBJ_TYPE_EVENT             ((zx_obj_type_t)5u)
#define ZX_OBJ_TYPE_PORT              ((zx_obj_type_t)6u)
#define ZX_OBJ_TYPE_INTERRUPT         ((zx_obj_type_t)9u)
#define ZX_OBJ_TYPE_PCI_DEVICE        ((zx_obj_type_t)11u)
#define ZX_OBJ_TYPE_DEBUGLOG          ((zx_obj_type_t)12u)
#define ZX_OBJ_TYPE_LOG               ((zx_obj_type_t)12u)
#define ZX_OBJ_TYPE_SOCKET            ((zx_obj_type_t)14u)
#define ZX_OBJ_TYPE_RESOURCE          ((zx_obj_type_t)15u)
#define ZX_OBJ_TYPE_EVENTPAIR         ((zx_obj_type_t)16u)
#define ZX_OBJ_TYPE_JOB               ((zx_obj_type_t)17u)
#define ZX_OBJ_TYPE_VMAR              ((zx_obj_type_t)18u)
#define ZX_OBJ_TYPE_FIFO              ((zx_obj_type_t)19u)
#define ZX_OBJ_TYPE_GUEST             ((zx_obj_type_t)20u)
#define ZX_OBJ_TYPE_VCPU              ((zx_obj_type_t)21u)
#define ZX_OBJ_TYPE_TIMER             ((zx_obj_type_t)22u)
#define ZX_OBJ_TYPE_IOMMU             ((zx_obj_type_t)23u)
#define ZX_OBJ_TYPE_BTI               ((zx_obj_type_t)24u)
#define ZX_OBJ_TYPE_PROFILE           ((zx_obj_type_t)25u)
#define ZX_OBJ_TYPE_PMT               ((zx_obj_type_t)26u)
#define ZX_OBJ_TYPE_SUSPEND_TOKEN     ((zx_obj_type_t)27u)
#define ZX_OBJ_TYPE_PAGER             ((zx_obj_type_t)28u)
#define ZX_OBJ_TYPE_EXCEPTION         ((zx_obj_type_t)29u)
#define ZX_OBJ_TYPE_CLOCK             ((zx_obj_type_t)30u)
#define ZX_OBJ_TYPE_STREAM            ((zx_obj_type_t)31u)
#define ZX_OBJ_TYPE_MSI               ((zx_obj_type_t)32u)
#define ZX_OBJ_TYPE_IOB               ((zx_obj_type_t)33u)
#define ZX_OBJ_TYPE_COUNTER           ((zx_obj_type_t)34u)
#define ZX_OBJ_TYPE_IOB_SHARED_REGION ((zx_obj_type_t)35u)
#define ZX_OBJ_TYPE_UPPER_BOUND       ((zx_obj_type_t)64u)

/* ---- Addresses, offsets, clocks ---- */

typedef uintptr_t zx_vaddr_t;
typedef uintptr_t zx_paddr_t;
typedef uintptr_t zx_gpaddr_t;
typedef uint64_t zx_off_t;

typedef uint32_t zx_clock_t;

#define ZX_CLOCK_MONOTONIC ((zx_clock_t)0u)
#define ZX_CLOCK_BOOT      ((zx_clock_t)1u)

/* ---- Signals ---- */

/* State of an object that can be waited on. The top eight bits are the user's own. */
typedef uint32_t zx_signals_t;

#define ZX_SIGNAL_NONE ((zx_signals_t)0u)

#define ZX_USER_SIGNAL_ALL ((zx_signals_t)0xff000000u)
#define ZX_USER_SIGNAL_0   ((zx_signals_t)0x1000000u)
#define ZX_USER_SIGNAL_1   ((zx_signals_t)0x2000000u)
#define ZX_USER_SIGNAL_2   ((zx_signals_t)0x4000000u)
#define ZX_USER_SIGNAL_3   ((zx_signals_t)0x8000000u)
#define ZX_USER_SIGNAL_4   ((zx_signals_t)0x10000000u)
#define ZX_USER_SIGNAL_5   ((zx_signals_t)0x20000000u)
#define ZX_USER_SIGNAL_6   ((zx_signals_t)0x40000000u)
#define ZX_USER_SIGNAL_7   ((zx_signals_t)0x80000000u)

/* Bits of which each kind of object names its own below. */
#define __ZX_OBJECT_SIGNAL_ALL    ((zx_signals_t)0xffffffu)
#define __ZX_OBJECT_READABLE      ((zx_signals_t)0x1u)
#define __ZX_OBJECT_WRITABLE      ((zx_signals_t)0x2u)
#define __ZX_OBJECT_PEER_CLOSED   ((zx_signals_t)0x4u)
#define __ZX_OBJECT_SIGNALED      ((zx_signals_t)0x8u)
#define __ZX_OBJECT_HANDLE_CLOSED ((zx_signals_t)0x800000u)
#define __ZX_OBJECT_SIGNAL_4      ((zx_signals_t)0x10u)
#define __ZX_OBJECT_SIGNAL_5      ((zx_signals_t)0x20u)
#define __ZX_OBJECT_SIGNAL_6      ((zx_signals_t)0x40u)
#define __ZX_OBJECT_SIGNAL_7      ((zx_signals_t)0x80u)
#define __ZX_OBJECT_SIGNAL_8      ((zx_signals_t)0x100u)
#define __ZX_OBJECT_SIGNAL_9      ((zx_signals_t)0x200u)
#define __ZX_OBJECT_SIGNAL_10     ((zx_signals_t)0x400u)
#define __ZX_OBJECT_SIGNAL_11     ((zx_signals_t)0x800u)
#define __ZX_OBJECT_SIGNAL_12     ((zx_signals_t)0x1000u)
#define __ZX_OBJECT_SIGNAL_13     ((zx_signals_t)0x2000u)
#define __ZX_OBJECT_SIGNAL_14     ((zx_signals_t)0x4000u)
#define __ZX_OBJECT_SIGNAL_15     ((zx_signals_t)0x8000u)
#define __ZX_OBJECT_SIGNAL_16     ((zx_signals_t)0x10000u)
#define __ZX_OBJECT_SIGNAL_17     ((zx_signals_t)0x20000u)
#define __ZX_OBJECT_SIGNAL_18     ((zx_signals_t)0x40000u)
#define __ZX_OBJECT_SIGNAL_19     ((zx_signals_t)0x80000u)
#define __ZX_OBJECT_SIGNAL_20     ((zx_signals_t)0x100000u)
#define __ZX_OBJECT_SIGNAL_21     ((zx_signals_t)0x200000u)
#define __ZX_OBJECT_SIGNAL_22     ((zx_signals_t)0x400000u)

/* Never part of an object's state: set in the result of a wait whose handle was closed. */
#define ZX_SIGNAL_HANDLE_CLOSED __ZX_OBJECT_HANDLE_CLOSED

#define ZX_EVENT_SIGNALED    __ZX_OBJECT_SIGNALED
#define ZX_EVENT_SIGNAL_MASK (ZX_USER_SIGNAL_ALL | __ZX_OBJECT_SIGNALED)

#define ZX_EVENTPAIR_SIGNALED    __ZX_OBJECT_SIGNALED
#define ZX_EVENTPAIR_PEER_CLOSED __ZX_OBJECT_PEER_CLOSED
#define ZX_EVENTPAIR_SIGNAL_MASK \
  (ZX_USER_SIGNAL_ALL | __ZX_OBJECT_SIGNALED | __ZX_OBJECT_PEER_CLOSED)

#define ZX_TIMER_SIGNALED __ZX_OBJECT_SIGNALED

/* Set while a VMO has no children. */
#define ZX_VMO_ZERO_CHILDREN __ZX_OBJECT_SIGNALED

#define ZX_CHANNEL_READABLE    __ZX_OBJECT_READABLE
#define ZX_CHANNEL_WRITABLE    __ZX_OBJECT_WRITABLE
#define ZX_CHANNEL_PEER_CLOSED __ZX_OBJECT_PEER_CLOSED

#define ZX_CLOCK_STARTED __ZX_OBJECT_SIGNAL_4
#define ZX_CLOCK_UPDATED __ZX_OBJECT_SIGNAL_5

#define ZX_SOCKET_READABLE            __ZX_OBJECT_READABLE
#define ZX_SOCKET_WRITABLE            __ZX_OBJECT_WRITABLE
#define ZX_SOCKET_PEER_CLOSED         __ZX_OBJECT_PEER_CLOSED
#define ZX_SOCKET_PEER_WRITE_DISABLED __ZX_OBJECT_SIGNAL_4
#define ZX_SOCKET_WRITE_DISABLED      __ZX_OBJECT_SIGNAL_5
#define ZX_SOCKET_READ_THRESHOLD      __ZX_OBJECT_SIGNAL_10
#define ZX_SOCKET_WRITE_THRESHOLD     __ZX_OBJECT_SIGNAL_11

#define ZX_FIFO_READABLE    __ZX_OBJECT_READABLE
#define ZX_FIFO_WRITABLE    __ZX_OBJECT_WRITABLE
#define ZX_FIFO_PEER_CLOSED __ZX_OBJECT_PEER_CLOSED

#define ZX_TASK_TERMINATED    __ZX_OBJECT_SIGNALED
#define ZX_JOB_TERMINATED     __ZX_OBJECT_SIGNALED
#define ZX_JOB_NO_JOBS        __ZX_OBJECT_SIGNAL_4
#define ZX_JOB_NO_PROCESSES   __ZX_OBJECT_SIGNAL_5
#define ZX_PROCESS_TERMINATED __ZX_OBJECT_SIGNALED
#define ZX_THREAD_TERMINATED  __ZX_OBJECT_SIGNALED
#define ZX_THREAD_RUNNING     __ZX_OBJECT_SIGNAL_4
#define ZX_THREAD_SUSPENDED   __ZX_OBJECT_SIGNAL_5

#define ZX_LOG_READABLE __ZX_OBJECT_READABLE
#define ZX_LOG_WRITABLE __ZX_OBJECT_WRITABLE

#define ZX_IOB_PEER_CLOSED __ZX_OBJECT_PEER_CLOSED

#define ZX_COUNTER_SIGNALED     __ZX_OBJECT_SIGNALED
#define ZX_COUNTER_POSITIVE     __ZX_OBJECT_SIGNAL_4
#define ZX_COUNTER_NON_POSITIVE __ZX_OBJECT_SIGNAL_5

#define ZX_VIRTUAL_INTERRUPT_UNTRIGGERED __ZX_OBJECT_SIGNAL_4

/* One entry of zx_object_wait_many(). */
typedef struct zx_wait_item {
  zx_handle_t handle;
  zx_signals_t waitfor;
  zx_signals_t pending;
} zx_wait_item_t;

/* Most entries that zx_object_wait_many() takes. */
#define ZX_WAIT_MANY_MAX_ITEMS ((size_t)64u)

/* ---- Names and random bytes ---- */

/* Size of a name, its terminating NUL included. */
#define ZX_MAX_NAME_LEN ((size_t)32u)

#define ZX_CPRNG_DRAW_MAX_LEN        ((size_t)256u)
#define ZX_CPRNG_ADD_ENTROPY_MAX_LEN ((size_t)256u)

/* ---- VMOs ---- */

/* Options of zx_vmo_create() and zx_pager_create_vmo(). */
#define ZX_VMO_RESIZABLE   ((uint32_t)0x2u)
#define ZX_VMO_DISCARDABLE ((uint32_t)0x4u)
#define ZX_VMO_TRAP_DIRTY  ((uint32_t)0x8u)
#define ZX_VMO_UNBOUNDED   ((uint32_t)0x10u)

/* From the time when VMOs were resizable unless this was given; older programs still pass it. */
#define ZX_VMO_NON_RESIZABLE ((uint32_t)0u)

/* Operations of zx_vmo_op_range(). */
#define ZX_VMO_OP_COMMIT                 ((uint32_t)1u)
#define ZX_VMO_OP_DECOMMIT               ((uint32_t)2u)
#define ZX_VMO_OP_LOCK                   ((uint32_t)3u)
#define ZX_VMO_OP_UNLOCK                 ((uint32_t)4u)
#define ZX_VMO_OP_CACHE_SYNC             ((uint32_t)6u)
#define ZX_VMO_OP_CACHE_INVALIDATE       ((uint32_t)7u)
#define ZX_VMO_OP_CACHE_CLEAN            ((uint32_t)8u)
#define ZX_VMO_OP_CACHE_CLEAN_INVALIDATE ((uint32_t)9u)
#define ZX_VMO_OP_ZERO                   ((uint32_t)10u)
#define ZX_VMO_OP_TRY_LOCK               ((uint32_t)11u)
#define ZX_VMO_OP_DONT_NEED              ((uint32_t)12u)
#define ZX_VMO_OP_ALWAYS_NEED            ((uint32_t)13u)
#define ZX_VMO_OP_PREFETCH               ((uint32_t)14u)

/* What ZX_VMO_OP_LOCK and ZX_VMO_OP_TRY_LOCK report of a discardable VMO. */
typedef struct zx_vmo_lock_state {
  uint64_t offset;
  uint64_t size;
  uint64_t discarded_offset;
  uint64_t discarded_size;
} zx_vmo_lock_state_t;

/* Options of zx_vmo_create_child(). */
#define ZX_VMO_CHILD_SNAPSHOT                   ((uint32_t)0x1u)
#define ZX_VMO_CHILD_RESIZABLE                  ((uint32_t)0x4u)
#define ZX_VMO_CHILD_SLICE                      ((uint32_t)0x8u)
#define ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE ((uint32_t)0x10u)
#define ZX_VMO_CHILD_NO_WRITE                   ((uint32_t)0x20u)
#define ZX_VMO_CHILD_REFERENCE                  ((uint32_t)0x40u)
#define ZX_VMO_CHILD_SNAPSHOT_MODIFIED          ((uint32_t)0x80u)

/* Cache policies of zx_vmo_set_cache_policy(). */
#define ZX_CACHE_POLICY_CACHED          ((uint32_t)0u)
#define ZX_CACHE_POLICY_UNCACHED        ((uint32_t)1u)
#define ZX_CACHE_POLICY_UNCACHED_DEVICE ((uint32_t)2u)
#define ZX_CACHE_POLICY_WRITE_COMBINING ((uint32_t)3u)
#define ZX_CACHE_POLICY_MASK            ((uint32_t)3u)

/* ---- Pagers ---- */

/* Operations of zx_pager_op_range(). */
#define ZX_PAGER_OP_FAIL            ((uint32_t)1u)
#define ZX_PAGER_OP_DIRTY           ((uint32_t)2u)
#define ZX_PAGER_OP_WRITEBACK_BEGIN ((uint32_t)3u)
#define ZX_PAGER_OP_WRITEBACK_END   ((uint32_t)4u)

/* What zx_pager_query_vmo_stats() reports: ZX_PAGER_VMO_STATS_MODIFIED or 0. */
typedef struct zx_pager_vmo_stats {
  uint32_t modified;
} zx_pager_vmo_stats_t;

#define ZX_PAGER_VMO_STATS_MODIFIED ((uint32_t)1u)

/* Option of zx_pager_query_vmo_stats(): forget the statistics once they are reported. */
#define ZX_PAGER_RESET_VMO_STATS ((uint32_t)1u)

/* ---- Mappings ---- */

/* Options of zx_vmar_map(), zx_vmar_allocate() and zx_vmar_protect(). */
typedef uint32_t zx_vm_option_t;

#define ZX_VM_PERM_READ                    ((zx_vm_option_t)0x1u)
#define ZX_VM_PERM_WRITE                   ((zx_vm_option_t)0x2u)
#define ZX_VM_PERM_EXECUTE                 ((zx_vm_option_t)0x4u)
#define ZX_VM_COMPACT                      ((zx_vm_option_t)0x8u)
#define ZX_VM_SPECIFIC                     ((zx_vm_option_t)0x10u)
#define ZX_VM_SPECIFIC_OVERWRITE           ((zx_vm_option_t)0x20u)
#define ZX_VM_CAN_MAP_SPECIFIC             ((zx_vm_option_t)0x40u)
#define ZX_VM_CAN_MAP_READ                 ((zx_vm_option_t)0x80u)
#define ZX_VM_CAN_MAP_WRITE                ((zx_vm_option_t)0x100u)
#define ZX_VM_CAN_MAP_EXECUTE              ((zx_vm_option_t)0x200u)
#define ZX_VM_MAP_RANGE                    ((zx_vm_option_t)0x400u)
#define ZX_VM_REQUIRE_NON_RESIZABLE        ((zx_vm_option_t)0x800u)
#define ZX_VM_ALLOW_FAULTS                 ((zx_vm_option_t)0x1000u)
#define ZX_VM_OFFSET_IS_UPPER_LIMIT        ((zx_vm_option_t)0x2000u)
#define ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED ((zx_vm_option_t)0x4000u)
#define ZX_VM_FAULT_BEYOND_STREAM_SIZE     ((zx_vm_option_t)0x8000u)

/* The alignment of an address is asked for by its exponent, from this bit on. */
#define ZX_VM_ALIGN_BASE (24)

#define ZX_VM_ALIGN_1KB   ((zx_vm_option_t)(10u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_2KB   ((zx_vm_option_t)(11u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_4KB   ((zx_vm_option_t)(12u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_8KB   ((zx_vm_option_t)(13u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_16KB  ((zx_vm_option_t)(14u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_32KB  ((zx_vm_option_t)(15u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_64KB  ((zx_vm_option_t)(16u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_128KB ((zx_vm_option_t)(17u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_256KB ((zx_vm_option_t)(18u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_512KB ((zx_vm_option_t)(19u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_1MB   ((zx_vm_option_t)(20u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_2MB   ((zx_vm_option_t)(21u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_4MB   ((zx_vm_option_t)(22u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_8MB   ((zx_vm_option_t)(23u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_16MB  ((zx_vm_option_t)(24u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_32MB  ((zx_vm_option_t)(25u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_64MB  ((zx_vm_option_t)(26u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_128MB ((zx_vm_option_t)(27u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_256MB ((zx_vm_option_t)(28u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_512MB ((zx_vm_option_t)(29u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_1GB   ((zx_vm_option_t)(30u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_2GB   ((zx_vm_option_t)(31u << ZX_VM_ALIGN_BASE))
#define ZX_VM_ALIGN_4GB   ((zx_vm_option_t)(32u << ZX_VM_ALIGN_BASE))

/* Operations of zx_vmar_op_range(). */
#define ZX_VMAR_OP_COMMIT      ((uint32_t)1u)
#define ZX_VMAR_OP_DECOMMIT    ((uint32_t)2u)
#define ZX_VMAR_OP_MAP_RANGE   ((uint32_t)3u)
#define ZX_VMAR_OP_ZERO        ((uint32_t)10u)
#define ZX_VMAR_OP_DONT_NEED   ((uint32_t)12u)
#define ZX_VMAR_OP_ALWAYS_NEED ((uint32_t)13u)
#define ZX_VMAR_OP_PREFETCH    ((uint32_t)14u)

/* Older names of the options above. */
#define ZX_VM_FLAG_PERM_READ             ((uint32_t)0x1u)
#define ZX_VM_FLAG_PERM_WRITE            ((uint32_t)0x2u)
#define ZX_VM_FLAG_PERM_EXECUTE          ((uint32_t)0x4u)
#define ZX_VM_FLAG_COMPACT               ((uint32_t)0x8u)
#define ZX_VM_FLAG_SPECIFIC              ((uint32_t)0x10u)
#define ZX_VM_FLAG_SPECIFIC_OVERWRITE    ((uint32_t)0x20u)
#define ZX_VM_FLAG_CAN_MAP_SPECIFIC      ((uint32_t)0x40u)
#define ZX_VM_FLAG_CAN_MAP_READ          ((uint32_t)0x80u)
#define ZX_VM_FLAG_CAN_MAP_WRITE         ((uint32_t)0x100u)
#define ZX_VM_FLAG_CAN_MAP_EXECUTE       ((uint32_t)0x200u)
#define ZX_VM_FLAG_MAP_RANGE             ((uint32_t)0x400u)
#define ZX_VM_FLAG_REQUIRE_NON_RESIZABLE ((uint32_t)0x800u)

/* ---- Streams ---- */

/* Modes of a stream, given to zx_stream_create(). */
#define ZX_STREAM_MODE_READ   ((uint32_t)0x1u)
#define ZX_STREAM_MODE_WRITE  ((uint32_t)0x2u)
#define ZX_STREAM_MODE_APPEND ((uint32_t)0x4u)
#define ZX_STREAM_CREATE_MASK ((uint32_t)0x7u)

/* Option of zx_stream_writev(). */
#define ZX_STREAM_APPEND ((uint32_t)0x1u)

typedef uint32_t zx_stream_seek_origin_t;

#define ZX_STREAM_SEEK_ORIGIN_START   ((zx_stream_seek_origin_t)0u)
#define ZX_STREAM_SEEK_ORIGIN_CURRENT ((zx_stream_seek_origin_t)1u)
#define ZX_STREAM_SEEK_ORIGIN_END     ((zx_stream_seek_origin_t)2u)

/* One buffer of zx_stream_readv() or zx_stream_writev(). */
typedef struct zx_iovec {
  void* buffer;
  size_t capacity;
} zx_iovec_t;

/* ---- Timers, futexes, system ---- */

/* Options of zx_timer_create(): where within the slack a timer may fire. */
#define ZX_TIMER_SLACK_CENTER ((uint32_t)0u)
#define ZX_TIMER_SLACK_EARLY  ((uint32_t)1u)
#define ZX_TIMER_SLACK_LATE   ((uint32_t)2u)

/* A futex word. In C++ it is reached through std::atomic_ref or the compiler's atomics. */
#ifdef __cplusplus
typedef int zx_futex_t;
#else
typedef atomic_int zx_futex_t;
#endif

/* The value of a futex word, when it is not shared. */
typedef int zx_futex_storage_t;

/* Kinds of zx_system_get_event(). */
typedef uint32_t zx_system_event_type_t;

#define ZX_SYSTEM_EVENT_OUT_OF_MEMORY            ((zx_system_event_type_t)1u)
#define ZX_SYSTEM_EVENT_MEMORY_PRESSURE_CRITICAL ((zx_system_event_type_t)2u)
#define ZX_SYSTEM_EVENT_MEMORY_PRESSURE_WARNING  ((zx_system_event_type_t)3u)
#define ZX_SYSTEM_EVENT_MEMORY_PRESSURE_NORMAL   ((zx_system_event_type_t)4u)
#define ZX_SYSTEM_EVENT_IMMINENT_OUT_OF_MEMORY   ((zx_system_event_type_t)5u)

typedef uint32_t zx_system_memory_stall_type_t;

#define ZX_SYSTEM_MEMORY_STALL_SOME ((zx_system_memory_stall_type_t)0u)
#define ZX_SYSTEM_MEMORY_STALL_FULL ((zx_system_memory_stall_type_t)1u)

/* Options of zx_cache_flush(). */
#define ZX_CACHE_FLUSH_INSN       ((uint32_t)0x1u)
#define ZX_CACHE_FLUSH_DATA       ((uint32_t)0x2u)
#define ZX_CACHE_FLUSH_INVALIDATE ((uint32_t)0x4u)

/* ---- Kinds of objects that this library does not have ---- */

#define ZX_INTERRUPT_REMAP_IRQ       ((uint32_t)1u)
#define ZX_INTERRUPT_MODE_DEFAULT    ((uint32_t)0u)
#define ZX_INTERRUPT_MODE_EDGE_LOW   ((uint32_t)0x2u)
#define ZX_INTERRUPT_MODE_EDGE_HIGH  ((uint32_t)0x4u)
#define ZX_INTERRUPT_MODE_LEVEL_LOW  ((uint32_t)0x6u)
#define ZX_INTERRUPT_MODE_LEVEL_HIGH ((uint32_t)0x8u)
#define ZX_INTERRUPT_MODE_EDGE_BOTH  ((uint32_t)0xau)
#define ZX_INTERRUPT_MODE_MASK       ((uint32_t)0xeu)
#define ZX_INTERRUPT_VIRTUAL         ((uint32_t)0x10u)
#define ZX_INTERRUPT_TIMESTAMP_MONO  ((uint32_t)0x40u)
#define ZX_INTERRUPT_BIND            ((uint32_t)0u)
#define ZX_INTERRUPT_UNBIND          ((uint32_t)1u)

#define ZX_BTI_PERM_READ                        ((uint32_t)0x1u)
#define ZX_BTI_PERM_WRITE                       ((uint32_t)0x2u)
#define ZX_BTI_PERM_EXECUTE                     ((uint32_t)0x4u)
#define ZX_BTI_COMPRESS                         ((uint32_t)0x8u)
#define ZX_BTI_CONTIGUOUS                       ((uint32_t)0x10u)
#define ZX_JOB_CRITICAL_PROCESS_RETCODE_NONZERO ((uint32_t)0x1u)
#define ZX_PROCESS_SHARED                       ((uint32_t)0x1u)

/* Channels. */
#define ZX_CHANNEL_READ_MAY_DISCARD ((uint32_t)1u)
#define ZX_CHANNEL_WRITE_USE_IOVEC  ((uint32_t)2u)
#define ZX_CHANNEL_MAX_MSG_BYTES    ((uint32_t)65536u)
#define ZX_CHANNEL_MAX_MSG_HANDLES  ((uint32_t)64u)
#define ZX_CHANNEL_MAX_MSG_IOVECS   ((uint32_t)8192u)

typedef uint32_t zx_txid_t;
typedef uint32_t zx_handle_op_t;

#define ZX_HANDLE_OP_MOVE      ((zx_handle_op_t)0u)
#define ZX_HANDLE_OP_DUPLICATE ((zx_handle_op_t)1u)

typedef struct zx_handle_info {
  zx_handle_t handle;
  zx_obj_type_t type;
  zx_rights_t rights;
  uint32_t unused;
} zx_handle_info_t;

typedef struct zx_handle_disposition {
  zx_handle_op_t operation;
  zx_handle_t handle;
  zx_obj_type_t type;
  zx_rights_t rights;
  zx_status_t result;
} zx_handle_disposition_t;

typedef struct zx_channel_call_args {
  const void* wr_bytes;
  const zx_handle_t* wr_handles;
  void* rd_bytes;
  zx_handle_t* rd_handles;
  uint32_t wr_num_bytes;
  uint32_t wr_num_handles;
  uint32_t rd_num_bytes;
  uint32_t rd_num_handles;
} zx_channel_call_args_t;

typedef struct zx_channel_call_etc_args {
  const void* wr_bytes;
  zx_handle_disposition_t* wr_handles;
  void* rd_bytes;
  zx_handle_info_t* rd_handles;
  uint32_t wr_num_bytes;
  uint32_t wr_num_handles;
  uint32_t rd_num_bytes;
  uint32_t rd_num_handles;
} zx_channel_call_etc_args_t;

typedef struct zx_channel_iovec {
  const void* buffer;
  uint32_t capacity;
  uint32_t reserved;
} zx_channel_iovec_t;

/* Sockets and FIFOs. */
#define ZX_SOCKET_DISPOSITION_WRITE_DISABLED ((uint32_t)0x1u)
#define ZX_SOCKET_DISPOSITION_WRITE_ENABLED  ((uint32_t)0x2u)
#define ZX_SOCKET_STREAM                     ((uint32_t)0u)
#define ZX_SOCKET_DATAGRAM                   ((uint32_t)0x1u)
#define ZX_SOCKET_CREATE_MASK                ((uint32_t)1u)
#define ZX_SOCKET_PEEK                       ((uint32_t)0x8u)

#define ZX_FIFO_MAX_SIZE_BYTES ZX_PAGE_SIZE

/* Sets of processors. */
#define ZX_CPU_SET_MAX_CPUS      (512)
#define ZX_CPU_SET_BITS_PER_WORD (64)

typedef struct zx_cpu_set {
  uint64_t mask[ZX_CPU_SET_MAX_CPUS / ZX_CPU_SET_BITS_PER_WORD];
} zx_cpu_set_t;

__END_CDECLS

#endif  // ZIRCON_TYPES_H_
