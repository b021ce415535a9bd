/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Topics and records of zx_object_get_info(), and properties of zx_object_get_property() and
 * zx_object_set_property().
 *
 * A topic carries the version of its record in its top four bits, counted from 0, so that a program
 * goes on getting the record that it was compiled against. The plain name is the newest version.
 */

#ifndef ZIRCON_SYSCALLS_OBJECT_H_
#define ZIRCON_SYSCALLS_OBJECT_H_

#include <zircon/syscalls/iob.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/* ---- Topics ---- */

typedef uint32_t zx_object_info_topic_t;

#define __ZX_INFO_TOPIC(topic, version) \
  ((zx_object_info_topic_t)((uint32_t)(topic) | ((uint32_t)(version) << 28)))

#define ZX_INFO_NONE                       ((zx_object_info_topic_t)0u)
#define ZX_INFO_HANDLE_VALID               ((zx_object_info_topic_t)1u)
#define ZX_INFO_HANDLE_BASIC               ((zx_object_info_topic_t)2u)
#define ZX_INFO_PROCESS                    __ZX_INFO_TOPIC(3u, 1u)
#define ZX_INFO_PROCESS_THREADS            ((zx_object_info_topic_t)4u)
#define ZX_INFO_VMAR                       ((zx_object_info_topic_t)7u)
#define ZX_INFO_JOB_CHILDREN               ((zx_object_info_topic_t)8u)
#define ZX_INFO_JOB_PROCESSES              ((zx_object_info_topic_t)9u)
#define ZX_INFO_THREAD                     ((zx_object_info_topic_t)10u)
#define ZX_INFO_THREAD_EXCEPTION_REPORT_V1 ((zx_object_info_topic_t)11u)
#define ZX_INFO_THREAD_EXCEPTION_REPORT    __ZX_INFO_TOPIC(11u, 1u)
#define ZX_INFO_TASK_STATS_V1              ((zx_object_info_topic_t)12u)
#define ZX_INFO_TASK_STATS                 __ZX_INFO_TOPIC(12u, 1u)
#define ZX_INFO_PROCESS_MAPS_V1            ((zx_object_info_topic_t)13u)
#define ZX_INFO_PROCESS_MAPS_V2            __ZX_INFO_TOPIC(13u, 1u)
#define ZX_INFO_PROCESS_MAPS               __ZX_INFO_TOPIC(13u, 2u)
#define ZX_INFO_PROCESS_VMOS_V1            ((zx_object_info_topic_t)14u)
#define ZX_INFO_PROCESS_VMOS_V2            __ZX_INFO_TOPIC(14u, 1u)
#define ZX_INFO_PROCESS_VMOS_V3            __ZX_INFO_TOPIC(14u, 2u)
#define ZX_INFO_PROCESS_VMOS               __ZX_INFO_TOPIC(14u, 3u)
#define ZX_INFO_THREAD_STATS               ((zx_object_info_topic_t)15u)
#define ZX_INFO_CPU_STATS                  ((zx_object_info_topic_t)16u)
#define ZX_INFO_KMEM_STATS_V1              ((zx_object_info_topic_t)17u)
#define ZX_INFO_KMEM_STATS                 __ZX_INFO_TOPIC(17u, 1u)
#define ZX_INFO_RESOURCE                   ((zx_object_info_topic_t)18u)
#define ZX_INFO_HANDLE_COUNT               ((zx_object_info_topic_t)19u)
#define ZX_INFO_BTI                        ((zx_object_info_topic_t)20u)
#define ZX_INFO_PROCESS_HANDLE_STATS       ((zx_object_info_topic_t)21u)
#define ZX_INFO_SOCKET                     ((zx_object_info_topic_t)22u)
#define ZX_INFO_VMO_V1                     ((zx_object_info_topic_t)23u)
#define ZX_INFO_VMO_V2                     __ZX_INFO_TOPIC(23u, 1u)
#define ZX_INFO_VMO_V3                     __ZX_INFO_TOPIC(23u, 2u)
#define ZX_INFO_VMO                        __ZX_INFO_TOPIC(23u, 3u)
#define ZX_INFO_JOB                        ((zx_object_info_topic_t)24u)
#define ZX_INFO_TIMER                      ((zx_object_info_topic_t)25u)
#define ZX_INFO_STREAM                     ((zx_object_info_topic_t)26u)
#define ZX_INFO_HANDLE_TABLE               ((zx_object_info_topic_t)27u)
#define ZX_INFO_MSI                        ((zx_object_info_topic_t)28u)
#define ZX_INFO_GUEST_STATS                ((zx_object_info_topic_t)29u)
#define ZX_INFO_TASK_RUNTIME_V1            ((zx_object_info_topic_t)30u)
#define ZX_INFO_TASK_RUNTIME               __ZX_INFO_TOPIC(30u, 1u)
#define ZX_INFO_KMEM_STATS_EXTENDED        ((zx_object_info_topic_t)31u)
#define ZX_INFO_VCPU                       ((zx_object_info_topic_t)32u)
#define ZX_INFO_KMEM_STATS_COMPRESSION     ((zx_object_info_topic_t)33u)
#define ZX_INFO_IOB                        ((zx_object_info_topic_t)34u)
#define ZX_INFO_IOB_REGIONS                ((zx_object_info_topic_t)35u)
#define ZX_INFO_VMAR_MAPS                  ((zx_object_info_topic_t)36u)
#define ZX_INFO_POWER_DOMAINS              ((zx_object_info_topic_t)37u)

/* ---- Handles ---- */

typedef struct zx_info_handle_basic {
  zx_koid_t koid;
  zx_rights_t rights;
  zx_obj_type_t type;
  zx_koid_t related_koid;
  uint32_t reserved;
  uint8_t padding1[4];
} zx_info_handle_basic_t;

typedef struct zx_info_handle_extended {
  zx_obj_type_t type;
  zx_handle_t handle_value;
  zx_rights_t rights;
  uint32_t reserved;
  zx_koid_t koid;
  zx_koid_t related_koid;
  zx_koid_t peer_owner_koid;
} zx_info_handle_extended_t;

typedef struct zx_info_handle_count {
  uint32_t handle_count;
} zx_info_handle_count_t;

typedef struct zx_info_process_handle_stats {
  /* Indexed by zx_obj_type_t. */
  uint32_t handle_count[ZX_OBJ_TYPE_UPPER_BOUND];
} zx_info_process_handle_stats_t;

/* ---- VMOs ---- */

/* Bits of the field flags of zx_info_vmo_t. */
#define ZX_INFO_VMO_TYPE_PAGED     ((uint32_t)0x1u)
#define ZX_INFO_VMO_TYPE_PHYSICAL  ((uint32_t)0u)
#define ZX_INFO_VMO_TYPE(flags)    ((flags)&ZX_INFO_VMO_TYPE_PAGED)
#define ZX_INFO_VMO_RESIZABLE      ((uint32_t)0x2u)
#define ZX_INFO_VMO_IS_COW_CLONE   ((uint32_t)0x4u)
#define ZX_INFO_VMO_VIA_HANDLE     ((uint32_t)0x8u)
#define ZX_INFO_VMO_VIA_MAPPING    ((uint32_t)0x10u)
#define ZX_INFO_VMO_PAGER_BACKED   ((uint32_t)0x20u)
#define ZX_INFO_VMO_CONTIGUOUS     ((uint32_t)0x40u)
#define ZX_INFO_VMO_DISCARDABLE    ((uint32_t)0x80u)
#define ZX_INFO_VMO_IMMUTABLE      ((uint32_t)0x100u)
#define ZX_INFO_VMO_VIA_IOB_HANDLE ((uint32_t)0x200u)

typedef struct zx_info_vmo {
  zx_koid_t koid;
  char name[ZX_MAX_NAME_LEN];
  uint64_t size_bytes;
  zx_koid_t parent_koid;
  size_t num_children;
  size_t num_mappings;
  size_t share_count;
  uint32_t flags;
  uint8_t padding1[4];
  uint64_t committed_bytes;
  zx_rights_t handle_rights;
  uint32_t cache_policy;
  uint64_t metadata_bytes;
  uint64_t committed_change_events;
  uint64_t populated_bytes;
  uint64_t committed_private_bytes;
  uint64_t populated_private_bytes;
  uint64_t committed_scaled_bytes;
  uint64_t populated_scaled_bytes;
  uint64_t committed_fractional_scaled_bytes;
  uint64_t populated_fractional_scaled_bytes;
} zx_info_vmo_t;

typedef struct zx_info_vmo_v3 {
  zx_koid_t koid;
  char name[ZX_MAX_NAME_LEN];
  uint64_t size_bytes;
  zx_koid_t parent_koid;
  size_t num_children;
  size_t num_mappings;
  size_t share_count;
  uint32_t flags;
  uint8_t padding1[4];
  uint64_t committed_bytes;
  zx_rights_t handle_rights;
  uint32_t cache_policy;
  uint64_t metadata_bytes;
  uint64_t committed_change_events;
  uint64_t populated_bytes;
} zx_info_vmo_v3_t;

typedef struct zx_info_vmo_v2 {
  zx_koid_t koid;
  char name[ZX_MAX_NAME_LEN];
  uint64_t size_bytes;
  zx_koid_t parent_koid;
  size_t num_children;
  size_t num_mappings;
  size_t share_count;
  uint32_t flags;
  uint8_t padding1[4];
  uint64_t committed_bytes;
  zx_rights_t handle_rights;
  uint32_t cache_policy;
  uint64_t metadata_bytes;
  uint64_t committed_change_events;
} zx_info_vmo_v2_t;

typedef struct zx_info_vmo_v1 {
  zx_koid_t koid;
  char name[ZX_MAX_NAME_LEN];
  uint64_t size_bytes;
  zx_koid_t parent_koid;
  size_t num_children;
  size_t num_mappings;
  size_t share_count;
  uint32_t flags;
  uint8_t padding1[4];
  uint64_t committed_bytes;
  zx_rights_t handle_rights;
  uint32_t cache_policy;
} zx_info_vmo_v1_t;

/* ---- Address regions and mappings ---- */

typedef struct zx_info_vmar {
  uintptr_t base;
  size_t len;
} zx_info_vmar_t;

typedef uint32_t zx_info_maps_type_t;

#define ZX_INFO_MAPS_TYPE_NONE    ((zx_info_maps_type_t)0u)
#define ZX_INFO_MAPS_TYPE_ASPACE  ((zx_info_maps_type_t)1u)
#define ZX_INFO_MAPS_TYPE_VMAR    ((zx_info_maps_type_t)2u)
#define ZX_INFO_MAPS_TYPE_MAPPING ((zx_info_maps_type_t)3u)

typedef struct zx_info_maps_mapping {
  zx_vm_option_t mmu_flags;
  uint8_t padding1[4];
  zx_koid_t vmo_koid;
  uint64_t vmo_offset;
  size_t committed_bytes;
  size_t populated_bytes;
  size_t committed_private_bytes;
  size_t populated_private_bytes;
  size_t committed_scaled_bytes;
  size_t populated_scaled_bytes;
  uint64_t committed_fractional_scaled_bytes;
  uint64_t populated_fractional_scaled_bytes;
} zx_info_maps_mapping_t;

typedef struct zx_info_maps_mapping_v2 {
  zx_vm_option_t mmu_flags;
  uint8_t padding1[4];
  zx_koid_t vmo_koid;
  uint64_t vmo_offset;
  size_t committed_pages;
  size_t populated_pages;
} zx_info_maps_mapping_v2_t;

typedef struct zx_info_maps_mapping_v1 {
  zx_vm_option_t mmu_flags;
  uint8_t padding1[4];
  zx_koid_t vmo_koid;
  uint64_t vmo_offset;
  size_t committed_pages;
} zx_info_maps_mapping_v1_t;

typedef struct zx_info_maps {
  char name[ZX_MAX_NAME_LEN];
  zx_vaddr_t base;
  size_t size;
  /* Levels below the root; entries come in depth-first order. */
  size_t depth;
  zx_info_maps_type_t type;
  uint8_t padding1[4];
  union {
    /* Where type is ZX_INFO_MAPS_TYPE_MAPPING. */
    zx_info_maps_mapping_t mapping;
  } u;
} zx_info_maps_t;

typedef struct zx_info_maps_v2 {
  char name[ZX_MAX_NAME_LEN];
  zx_vaddr_t base;
  size_t size;
  size_t depth;
  zx_info_maps_type_t type;
  uint8_t padding1[4];
  union {
    zx_info_maps_mapping_v2_t mapping;
  } u;
} zx_info_maps_v2_t;

typedef struct zx_info_maps_v1 {
  char name[ZX_MAX_NAME_LEN];
  zx_vaddr_t base;
  size_t size;
  size_t depth;
  zx_info_maps_type_t type;
  uint8_t padding1[4];
  union {
    zx_info_maps_mapping_v1_t mapping;
  } u;
} zx_info_maps_v1_t;

/* ---- Timers and streams ---- */

typedef struct zx_info_timer {
  uint32_t options;
  zx_clock_t clock_id;
  zx_time_t deadline;
  zx_duration_t slack;
} zx_info_timer_t;

typedef struct zx_info_stream {
  uint32_t options;
  uint8_t padding1[4];
  zx_off_t seek;
  uint64_t content_size;
} zx_info_stream_t;

/* ---- Processes, jobs, threads ---- */

#define ZX_TASK_RETCODE_SYSCALL_KILL          ((int64_t)-1024)
#define ZX_TASK_RETCODE_OOM_KILL              ((int64_t)-1025)
#define ZX_TASK_RETCODE_POLICY_KILL           ((int64_t)-1026)
#define ZX_TASK_RETCODE_VDSO_KILL             ((int64_t)-1027)
#define ZX_TASK_RETCODE_EXCEPTION_KILL        ((int64_t)-1028)
#define ZX_TASK_RETCODE_CRITICAL_PROCESS_KILL ((int64_t)-1029)

typedef uint32_t zx_info_process_flags_t;

#define ZX_INFO_PROCESS_FLAG_STARTED           ((zx_info_process_flags_t)0x1u)
#define ZX_INFO_PROCESS_FLAG_EXITED            ((zx_info_process_flags_t)0x2u)
#define ZX_INFO_PROCESS_FLAG_DEBUGGER_ATTACHED ((zx_info_process_flags_t)0x4u)

typedef struct zx_info_process {
  int64_t return_code;
  zx_time_t start_time;
  zx_info_process_flags_t flags;
  uint8_t padding1[4];
} zx_info_process_t;

typedef struct zx_info_job {
  int64_t return_code;
  bool exited;
  bool kill_on_oom;
  bool debugger_attached;
  uint8_t padding1[5];
} zx_info_job_t;

typedef uint32_t zx_thread_state_t;

#define ZX_THREAD_STATE_NEW               ((zx_thread_state_t)0x0u)
#define ZX_THREAD_STATE_RUNNING           ((zx_thread_state_t)0x1u)
#define ZX_THREAD_STATE_SUSPENDED         ((zx_thread_state_t)0x2u)
#define ZX_THREAD_STATE_BLOCKED           ((zx_thread_state_t)0x3u)
#define ZX_THREAD_STATE_DYING             ((zx_thread_state_t)0x4u)
#define ZX_THREAD_STATE_DEAD              ((zx_thread_state_t)0x5u)
#define ZX_THREAD_STATE_BLOCKED_EXCEPTION ((zx_thread_state_t)0x103u)
#define ZX_THREAD_STATE_BLOCKED_SLEEPING  ((zx_thread_state_t)0x203u)
#define ZX_THREAD_STATE_BLOCKED_FUTEX     ((zx_thread_state_t)0x303u)
#define ZX_THREAD_STATE_BLOCKED_PORT      ((zx_thread_state_t)0x403u)
#define ZX_THREAD_STATE_BLOCKED_CHANNEL   ((zx_thread_state_t)0x503u)
#define ZX_THREAD_STATE_BLOCKED_WAIT_ONE  ((zx_thread_state_t)0x603u)
#define ZX_THREAD_STATE_BLOCKED_WAIT_MANY ((zx_thread_state_t)0x703u)
#define ZX_THREAD_STATE_BLOCKED_INTERRUPT ((zx_thread_state_t)0x803u)
#define ZX_THREAD_STATE_BLOCKED_PAGER     ((zx_thread_state_t)0x903u)

/* A thread's state without the reason why it is blocked. */
#define ZX_THREAD_STATE_BASIC(n) ((n)&0xffu)

typedef struct zx_info_thread {
  zx_thread_state_t state;
  uint32_t wait_exception_channel_type;
  zx_cpu_set_t cpu_affinity_mask;
} zx_info_thread_t;

typedef struct zx_info_thread_stats {
  zx_duration_t total_runtime;
  uint32_t last_scheduled_cpu;
  uint8_t padding1[4];
} zx_info_thread_stats_t;

typedef struct zx_info_task_stats {
  size_t mem_mapped_bytes;
  size_t mem_private_bytes;
  size_t mem_shared_bytes;
  size_t mem_scaled_shared_bytes;
  uint64_t mem_fractional_scaled_shared_bytes;
} zx_info_task_stats_t;

typedef struct zx_info_task_stats_v1 {
  size_t mem_mapped_bytes;
  size_t mem_private_bytes;
  size_t mem_shared_bytes;
  size_t mem_scaled_shared_bytes;
} zx_info_task_stats_v1_t;

typedef struct zx_info_task_runtime {
  zx_duration_t cpu_time;
  zx_duration_t queue_time;
  zx_duration_t page_fault_time;
  zx_duration_t lock_contention_time;
} zx_info_task_runtime_t;

typedef struct zx_info_task_runtime_v1 {
  zx_duration_t cpu_time;
  zx_duration_t queue_time;
} zx_info_task_runtime_v1_t;

/* ---- The machine ---- */

#define ZX_INFO_INVALID_CPU ((uint32_t)0xffffffffu)

#define ZX_INFO_VCPU_FLAG_KICKED      ((uint32_t)0x1u)
#define ZX_INFO_CPU_STATS_FLAG_ONLINE ((uint32_t)0x1u)

typedef struct zx_info_kmem_stats {
  uint64_t total_bytes;
  uint64_t free_bytes;
  uint64_t free_loaned_bytes;
  uint64_t wired_bytes;
  uint64_t total_heap_bytes;
  uint64_t free_heap_bytes;
  uint64_t vmo_bytes;
  uint64_t mmu_overhead_bytes;
  uint64_t ipc_bytes;
  uint64_t cache_bytes;
  uint64_t slab_bytes;
  uint64_t zram_bytes;
  uint64_t other_bytes;
  uint64_t vmo_reclaim_total_bytes;
  uint64_t vmo_reclaim_newest_bytes;
  uint64_t vmo_reclaim_oldest_bytes;
  uint64_t vmo_reclaim_disabled_bytes;
  uint64_t vmo_discardable_locked_bytes;
  uint64_t vmo_discardable_unlocked_bytes;
} zx_info_kmem_stats_t;

typedef struct zx_info_kmem_stats_v1 {
  uint64_t total_bytes;
  uint64_t free_bytes;
  uint64_t wired_bytes;
  uint64_t total_heap_bytes;
  uint64_t free_heap_bytes;
  uint64_t vmo_bytes;
  uint64_t mmu_overhead_bytes;
  uint64_t ipc_bytes;
  uint64_t other_bytes;
} zx_info_kmem_stats_v1_t;

typedef struct zx_info_kmem_stats_extended {
  uint64_t total_bytes;
  uint64_t free_bytes;
  uint64_t wired_bytes;
  uint64_t total_heap_bytes;
  uint64_t free_heap_bytes;
  uint64_t vmo_bytes;
  uint64_t vmo_pager_total_bytes;
  uint64_t vmo_pager_newest_bytes;
  uint64_t vmo_pager_oldest_bytes;
  uint64_t vmo_discardable_locked_bytes;
  uint64_t vmo_discardable_unlocked_bytes;
  uint64_t mmu_overhead_bytes;
  uint64_t ipc_bytes;
  uint64_t other_bytes;
  uint64_t vmo_reclaim_disabled_bytes;
} zx_info_kmem_stats_extended_t;

typedef struct zx_info_resource {
  uint32_t kind;
  uint32_t flags;
  uint64_t base;
  size_t size;
  char name[ZX_MAX_NAME_LEN];
} zx_info_resource_t;

/* ---- Properties ---- */

#if defined(__x86_64__)
#define ZX_PROP_REGISTER_GS ((uint32_t)2u)
#define ZX_PROP_REGISTER_FS ((uint32_t)4u)
#endif

#define ZX_PROP_NAME                        ((uint32_t)3u)
#define ZX_PROP_PROCESS_DEBUG_ADDR          ((uint32_t)5u)
#define ZX_PROP_PROCESS_VDSO_BASE_ADDRESS   ((uint32_t)6u)
#define ZX_PROP_PROCESS_BREAK_ON_LOAD       ((uint32_t)7u)
#define ZX_PROP_PROCESS_HW_TRACE_CONTEXT_ID ((uint32_t)8u)
#define ZX_PROP_SOCKET_RX_THRESHOLD         ((uint32_t)12u)
#define ZX_PROP_SOCKET_TX_THRESHOLD         ((uint32_t)13u)
#define ZX_PROP_JOB_KILL_ON_OOM             ((uint32_t)15u)
#define ZX_PROP_EXCEPTION_STATE             ((uint32_t)16u)
#define ZX_PROP_VMO_CONTENT_SIZE            ((uint32_t)17u)
#define ZX_PROP_EXCEPTION_STRATEGY          ((uint32_t)18u)
#define ZX_PROP_STREAM_MODE_APPEND          ((uint32_t)19u)

#define ZX_EXCEPTION_STATE_TRY_NEXT    ((uint32_t)0u)
#define ZX_EXCEPTION_STATE_HANDLED     ((uint32_t)1u)
#define ZX_EXCEPTION_STATE_THREAD_EXIT ((uint32_t)2u)

#define ZX_EXCEPTION_STRATEGY_FIRST_CHANCE  ((uint32_t)0u)
#define ZX_EXCEPTION_STRATEGY_SECOND_CHANCE ((uint32_t)1u)

__END_CDECLS

#endif  // ZIRCON_SYSCALLS_OBJECT_H_
