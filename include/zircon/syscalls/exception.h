/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Exceptions, as Zircon reports them. This library has no exception channels: a fatal fault is a
 * SIGBUS in the thread that touched the page. The declarations let code that names them compile.
 */

#ifndef ZIRCON_SYSCALLS_EXCEPTION_H_
#define ZIRCON_SYSCALLS_EXCEPTION_H_

#include <zircon/types.h>

__BEGIN_CDECLS

typedef uint32_t zx_excp_type_t;

/* Exceptions of the processor. */
#define ZX_EXCP_GENERAL               ((uint32_t)0x8u)
#define ZX_EXCP_FATAL_PAGE_FAULT      ((uint32_t)0x108u)
#define ZX_EXCP_UNDEFINED_INSTRUCTION ((uint32_t)0x208u)
#define ZX_EXCP_SW_BREAKPOINT         ((uint32_t)0x308u)
#define ZX_EXCP_HW_BREAKPOINT         ((uint32_t)0x408u)
#define ZX_EXCP_UNALIGNED_ACCESS      ((uint32_t)0x508u)

/* Exceptions that the kernel makes up. */
#define ZX_EXCP_SYNTH            ((uint32_t)0x8000u)
#define ZX_EXCP_THREAD_STARTING  ((uint32_t)0x8008u)
#define ZX_EXCP_THREAD_EXITING   ((uint32_t)0x8108u)
#define ZX_EXCP_POLICY_ERROR     ((uint32_t)0x8208u)
#define ZX_EXCP_PROCESS_STARTING ((uint32_t)0x8308u)

#define ZX_EXCP_IS_ARCH(type) (((type)&ZX_EXCP_SYNTH) == 0)

/* What broke a job's policy, in synth_code. */
#define ZX_EXCP_POLICY_CODE_BAD_HANDLE              ((uint32_t)0u)
#define ZX_EXCP_POLICY_CODE_WRONG_OBJECT            ((uint32_t)1u)
#define ZX_EXCP_POLICY_CODE_VMAR_WX                 ((uint32_t)2u)
#define ZX_EXCP_POLICY_CODE_NEW_ANY                 ((uint32_t)3u)
#define ZX_EXCP_POLICY_CODE_NEW_VMO                 ((uint32_t)4u)
#define ZX_EXCP_POLICY_CODE_NEW_CHANNEL             ((uint32_t)5u)
#define ZX_EXCP_POLICY_CODE_NEW_EVENT               ((uint32_t)6u)
#define ZX_EXCP_POLICY_CODE_NEW_EVENTPAIR           ((uint32_t)7u)
#define ZX_EXCP_POLICY_CODE_NEW_PORT                ((uint32_t)8u)
#define ZX_EXCP_POLICY_CODE_NEW_SOCKET              ((uint32_t)9u)
#define ZX_EXCP_POLICY_CODE_NEW_FIFO                ((uint32_t)10u)
#define ZX_EXCP_POLICY_CODE_NEW_TIMER               ((uint32_t)11u)
#define ZX_EXCP_POLICY_CODE_NEW_PROCESS             ((uint32_t)12u)
#define ZX_EXCP_POLICY_CODE_NEW_PROFILE             ((uint32_t)13u)
#define ZX_EXCP_POLICY_CODE_NEW_PAGER               ((uint32_t)14u)
#define ZX_EXCP_POLICY_CODE_AMBIENT_MARK_VMO_EXEC   ((uint32_t)15u)
#define ZX_EXCP_POLICY_CODE_CHANNEL_FULL_WRITE      ((uint32_t)16u)
#define ZX_EXCP_POLICY_CODE_PORT_TOO_MANY_PACKETS   ((uint32_t)17u)
#define ZX_EXCP_POLICY_CODE_BAD_SYSCALL             ((uint32_t)18u)
#define ZX_EXCP_POLICY_CODE_PORT_TOO_MANY_OBSERVERS ((uint32_t)19u)

/* Option of zx_task_create_exception_channel(). */
#define ZX_EXCEPTION_CHANNEL_DEBUGGER ((uint32_t)1u)

#define ZX_EXCEPTION_CHANNEL_TYPE_NONE              ((uint32_t)0u)
#define ZX_EXCEPTION_CHANNEL_TYPE_DEBUGGER          ((uint32_t)1u)
#define ZX_EXCEPTION_CHANNEL_TYPE_THREAD            ((uint32_t)2u)
#define ZX_EXCEPTION_CHANNEL_TYPE_PROCESS           ((uint32_t)3u)
#define ZX_EXCEPTION_CHANNEL_TYPE_JOB               ((uint32_t)4u)
#define ZX_EXCEPTION_CHANNEL_TYPE_JOB_DEBUGGER      ((uint32_t)5u)
#define ZX_EXCEPTION_CHANNEL_JOB_DEBUGGER_MAX_COUNT ((uint32_t)32u)

typedef struct zx_x86_64_exc_data {
  uint64_t vector;
  uint64_t err_code;
  uint64_t cr2;
} zx_x86_64_exc_data_t;

typedef struct zx_exception_context {
  struct {
    union {
      zx_x86_64_exc_data_t x86_64;
    } u;
  } arch;
  uint32_t synth_code;
  uint32_t synth_data;
} zx_exception_context_t;

typedef struct zx_exception_header {
  uint32_t size;
  zx_excp_type_t type;
} zx_exception_header_t;

typedef struct zx_exception_report {
  zx_exception_header_t header;
  zx_exception_context_t context;
} zx_exception_report_t;

/* The message in an exception channel. */
typedef struct zx_exception_info {
  zx_koid_t pid;
  zx_koid_t tid;
  zx_excp_type_t type;
  uint8_t padding1[4];
} zx_exception_info_t;

__END_CDECLS

#endif  // ZIRCON_SYSCALLS_EXCEPTION_H_
