/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libzxpager's own calls: what the kernel offers, what the library is doing, what is blocked.
 *
 * Limits first:
 *  - One process. fork() with live objects is not supported: memory is not inherited, and in the
 *    child every call that makes or looks up a handle fails.
 *  - Page faults through mappings of pager-backed VMOs need userfaultfd with write protection on
 *    shared memory (Linux 5.19). Without it everything but those mappings works; see zxp_probe.
 *  - A thread that serves a pager must not touch absent memory of that pager.
 */
#ifndef ZIRCON_ZXPAGER_H_
#define ZIRCON_ZXPAGER_H_

#include <stdio.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/* ---- What the kernel offers ---- */

/* The way by which userfaultfd was opened. */
typedef uint32_t zxp_fault_mode_t;
/* No way works: pager-backed VMOs can be read and written by calls but not mapped. */
#define ZXP_FAULT_MODE_NONE ((zxp_fault_mode_t)0u)
/* /dev/userfaultfd; faults of the kernel on behalf of a system call are served too. */
#define ZXP_FAULT_MODE_DEVICE ((zxp_fault_mode_t)1u)
/* userfaultfd(2) with full rights; as above. */
#define ZXP_FAULT_MODE_SYSCALL ((zxp_fault_mode_t)2u)
/* userfaultfd(2), user-mode faults only: a system call that is handed absent memory gets EFAULT. */
#define ZXP_FAULT_MODE_USER_ONLY ((zxp_fault_mode_t)3u)

typedef struct zxp_probe {
  zxp_fault_mode_t mode;
  /* Each 1 if the running kernel has it, else 0. */
  uint32_t write_protect_shared; /* write protection and markers on shared memory, Linux 5.19 */
  uint32_t poison;               /* UFFDIO_POISON, Linux 6.6 */
  uint32_t write_protect_async;  /* UFFD_FEATURE_WP_ASYNC, Linux 6.7 */
  uint32_t thread_id;            /* messages name the thread, Linux 4.14 */
  uint32_t exact_address;        /* messages name the byte, Linux 5.18 */
  uint32_t mappings_supported;   /* what follows: pager-backed VMOs can be mapped */
  uint32_t kernel_faults_served; /* what follows: system calls may touch absent memory */
  uint64_t features;             /* the kernel's own feature bits, as UFFDIO_API gave them */
  uint64_t window_base;          /* the root region: first address ... */
  uint64_t window_size;          /* ... and bytes */
  /* errno of each way that was tried and refused, 0 otherwise. */
  int32_t device_errno;
  int32_t syscall_errno;
  int32_t user_only_errno;
  uint32_t async_stores; /* what follows: stores to VMOs without dirty trap stop no thread; 0 also
                            if the environment has ZXPAGER_ASYNC_STORES=0 */
  /* One or more sentences: what to change where something is missing; "" if nothing is. */
  char advice[512];
} zxp_probe_t;

/*
 * Fills `*out` with what the library found. Opens and closes descriptors of its own; may be called
 * at any time from any thread.
 *
 * Errors: ZX_ERR_INVALID_ARGS, `out` is null.
 */
zx_status_t zxp_probe(zxp_probe_t* out);

/* ---- What the library is doing ---- */

/* Counters since the library was loaded. All only ever grow. */
typedef struct zxp_stats {
  uint64_t faults;         /* page-fault messages read from the kernel */
  uint64_t faults_local;   /* of these, answered without a pager */
  uint64_t requests;       /* page requests made, each one packet */
  uint64_t joined;         /* waiters that joined an outstanding request */
  uint64_t packets_taken;  /* page-request packets received */
  uint64_t withdrawn;      /* page-request packets taken back unread */
  uint64_t supplied_pages; /* absent pages that got content from a supply */
  uint64_t dirtied_pages;  /* pages that became dirty */
  uint64_t failed;         /* waiters that got an error */
  uint64_t woken;          /* waiters that went on */
  uint64_t signals_sent;   /* SIGBUS raised in threads */
  uint64_t reserved[5];
} zxp_stats_t;

/* Copies the counters. Errors: ZX_ERR_INVALID_ARGS, `out` is null. Any thread. */
zx_status_t zxp_stats(zxp_stats_t* out);

/*
 * Writes a text to `out` that lists each VMO with its page states as runs, its outstanding
 * requests, who waits on them (thread id, address or call, since when), and each port's queue.
 * Meant for people and debuggers: `call zxp_dump(stderr)` in gdb works on a stopped process, since
 * locks that cannot be had are skipped and named instead of waited for. Any thread.
 */
void zxp_dump(FILE* out);

/*
 * Has every `signo` from now on write zxp_dump to stderr. The text is written by a thread of the
 * library, not in the signal handler. 0 puts the former handler back and ends that thread.
 *
 * Errors: ZX_ERR_INVALID_ARGS, not a signal that can be caught; ZX_ERR_NO_RESOURCES, the thread
 * could not be started.
 */
zx_status_t zxp_dump_on_signal(int signo);

__END_CDECLS

#endif /* ZIRCON_ZXPAGER_H_ */
