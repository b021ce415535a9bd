/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * userfaultfd: the kernel's interface, and nothing of the library's own.
 *
 * Opening tries the device node, the system call, and the system call for user-mode faults only, in
 * this order; features are asked for at run time, never inferred from the headers of the build
 * machine, whose constants may be older (private copies below, each with the kernel that brought
 * it).
 *
 * Every answer of the ioctls is put into one of a few classes by one function (zxp_uffd_classify):
 * some errno values are everyday answers, not errors.
 *
 * No locks; descriptors are plain ints.
 */
#ifndef ZXP_FAULT_UFFD_H_
#define ZXP_FAULT_UFFD_H_

#include <linux/userfaultfd.h>
#include <stdbool.h>
#include <stdint.h>
#include <zircon/types.h>
#include <zircon/zxpager.h>

/* Linux 5.19 */
#ifndef UFFD_FEATURE_WP_HUGETLBFS_SHMEM
#define UFFD_FEATURE_WP_HUGETLBFS_SHMEM (1 << 12)
#endif
/* Linux 6.4 */
#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED (1 << 13)
#endif
/* Linux 6.6 */
#ifndef UFFD_FEATURE_POISON
#define UFFD_FEATURE_POISON (1 << 14)
#endif
/* Linux 6.7 */
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif
/* Linux 5.14 */
#ifndef UFFD_FEATURE_MINOR_SHMEM
#define UFFD_FEATURE_MINOR_SHMEM (1 << 10)
#endif
#ifndef UFFDIO_REGISTER_MODE_MINOR
#define UFFDIO_REGISTER_MODE_MINOR ((uint64_t)1 << 2)
#endif
/* Linux 5.11 */
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
/* Linux 6.1: /dev/userfaultfd */
#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif

/* UFFDIO_POISON and its argument, Linux 6.6. */
struct zxp_uffdio_poison {
  struct uffdio_range range;
  uint64_t mode;
  int64_t updated;
};
_Static_assert(sizeof(struct zxp_uffdio_poison) == 32, "kernel layout");
#define ZXP_UFFDIO_POISON _IOWR(0xAA, 0x08, struct zxp_uffdio_poison)

/* What a failed ioctl means to us. */
enum zxp_uffd_class {
  ZXP_UFFD_DONE,     /* it worked */
  ZXP_UFFD_PRESENT,  /* EEXIST: the page is there already; whoever waits must still be woken */
  ZXP_UFFD_RETRY,    /* EAGAIN, EINTR, or a short count: go on where it stopped */
  ZXP_UFFD_GONE,     /* ENOENT, ESRCH, EINVAL, EFAULT: the mapping is no longer what we thought */
  ZXP_UFFD_NO_MEMORY /* ENOMEM, ENOSPC */
};
enum zxp_uffd_class zxp_uffd_classify(int error);

/* What the running kernel offers; found once, by the first call. */
const zxp_probe_t* zxp_uffd_probe(void);

/* How stores to protected pages are noticed through a userfaultfd. */
enum zxp_uffd_kind {
  ZXP_UFFD_TRAPS, /* by a message; the thread stops */
  ZXP_UFFD_ASYNC, /* the kernel lifts the protection; fault/page_scan.h tells of it later */
};

/* A new userfaultfd with the features the library uses, non-blocking, or -1. ZXP_UFFD_ASYNC: only
 * where the probe says `async_stores`. */
int zxp_uffd_open(enum zxp_uffd_kind kind);

/* Registers [address, +length) for missing pages and write protection. */
zx_status_t zxp_uffd_register(int fd, uintptr_t address, uint64_t length);

/* How zxp_uffd_copy goes about it. */
#define ZXP_UFFD_COPY_PROTECTED    1u
#define ZXP_UFFD_COPY_WITHOUT_WAKE 2u

/*
 * Stops stores in a range that is registered with a ZXP_UFFD_ASYNC: from now on every touch is a
 * message, also of pages that are there, and protection stays for zxp_scan to look at. There
 * is no way back (Linux 6.18 adds modes to an area, and does not take them away): the area is to be
 * replaced. ZX_ERR_NO_MEMORY (areas): some of it may have been stopped.
 */
zx_status_t zxp_uffd_stop(int fd, uintptr_t address, uint64_t length);

/*
 * Fills the pages from `from` and maps them, write-protected if asked, waking whoever waits for
 * them if not asked otherwise. `*filled` gets how many bytes at the front were filled. Stops at the
 * first page that is there already (ZXP_UFFD_PRESENT). Retries by itself.
 */
enum zxp_uffd_class zxp_uffd_copy(int fd, uintptr_t address, const void* from, uint64_t length,
                                  unsigned how, uint64_t* filled);

/* Sets or lifts write protection; lifting wakes whoever waits. */
enum zxp_uffd_class zxp_uffd_protect(int fd, uintptr_t address, uint64_t length, bool on);

void zxp_uffd_wake(int fd, uintptr_t address, uint64_t length);

/* Marks pages so that a touch raises SIGBUS; wakes. ZXP_UFFD_GONE where the kernel lacks it. */
enum zxp_uffd_class zxp_uffd_poison(int fd, uintptr_t address, uint64_t length);

/* ---- fault/move.c ---- */

/* Whether a registered area can be moved with its registration. */
bool zxp_uffd_can_move(void);

/*
 * Moves a registered area to `to`, over whatever is there, so that other threads touch either the
 * one or the other. Any lock may be held but those that reading this descriptor takes. On an error
 * the area is still at `from`, and what was at `to` may be gone. Errors: ZX_ERR_NO_RESOURCES,
 * ZX_ERR_NO_MEMORY.
 */
zx_status_t zxp_uffd_move(int fd, uintptr_t from, uintptr_t to, uint64_t length);

/* The system call behind all of the above; tests put a fake in its place. */
extern int (*zxp_uffd_ioctl)(int fd, unsigned long request, void* argument);

#endif /* ZXP_FAULT_UFFD_H_ */
