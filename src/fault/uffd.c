/* SPDX-License-Identifier: BSD-3-Clause */
#include "fault/uffd.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/export.h"
#include "base/log.h"
#include "fault/page_scan.h"
#include "fault/wakes.h"
#include "vm/arena.h"

static int real_ioctl(int fd, unsigned long request, void* argument) {
  return ioctl(fd, request, argument);
}

int (*zxp_uffd_ioctl)(int fd, unsigned long request, void* argument) = real_ioctl;

enum zxp_uffd_class zxp_uffd_classify(int error) {
  switch (error) {
    case 0:
      return ZXP_UFFD_DONE;
    case EEXIST:
      return ZXP_UFFD_PRESENT;
    case EAGAIN:
    case EINTR:
      return ZXP_UFFD_RETRY;
    case ENOMEM:
    case ENOSPC:
      return ZXP_UFFD_NO_MEMORY;
    default:
      return ZXP_UFFD_GONE;
  }
}

/* ---- Opening ---- */

/* Without these no mapping of a pager-backed VMO can be right. */
#define FEATURES_NEEDED                                                     \
  ((uint64_t)(UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_MISSING_SHMEM | \
              UFFD_FEATURE_WP_HUGETLBFS_SHMEM | UFFD_FEATURE_THREAD_ID))
/* These make it better. */
#define FEATURES_WANTED \
  ((uint64_t)(UFFD_FEATURE_EXACT_ADDRESS | UFFD_FEATURE_POISON | UFFD_FEATURE_EVENT_REMAP))

/* Where the kernel has all of these, it can note stores by itself: zxp_uffd_stop needs the second,
 * and undoing what that does the third. */
#define FEATURES_FOR_ASYNC \
  ((uint64_t)(UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_EVENT_REMAP))

static int open_device(void) {
  const int dev = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
  if (dev < 0) {
    return -1;
  }
  const int fd = ioctl(dev, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
  const int saved = errno;
  close(dev);
  errno = saved;
  return fd;
}

static int open_syscall(void) { return (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK); }

static int open_user_only(void) {
  return (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
}

static int open_mode(zxp_fault_mode_t mode) {
  switch (mode) {
    case ZXP_FAULT_MODE_DEVICE:
      return open_device();
    case ZXP_FAULT_MODE_SYSCALL:
      return open_syscall();
    case ZXP_FAULT_MODE_USER_ONLY:
      return open_user_only();
    default:
      errno = ENOSYS;
      return -1;
  }
}

/* Agrees on `features`; `*offered` gets all that the kernel has. A descriptor can be asked once
 * only. */
static bool handshake(int fd, uint64_t features, uint64_t* offered) {
  struct uffdio_api api = {.api = UFFD_API, .features = features};
  if (ioctl(fd, UFFDIO_API, &api) != 0) {
    return false;
  }
  *offered = api.features;
  return true;
}

static zxp_probe_t probe; /* constant after probe_once */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void advise(void) {
  const char* text = "";
  if (probe.mode == ZXP_FAULT_MODE_NONE) {
    text =
        "userfaultfd cannot be opened. Run as root, or give the user access to /dev/userfaultfd "
        "(Linux 6.1), or set vm.unprivileged_userfaultfd=1; a container's seccomp profile must "
        "allow "
        "userfaultfd(2). Until then pager-backed VMOs can be read and written by calls, not "
        "mapped.";
  } else if (!probe.mappings_supported) {
    text =
        "This kernel cannot write-protect shared memory by userfaultfd (Linux 5.19 can), so "
        "pager-backed VMOs can be read and written by calls, not mapped.";
  } else if (!probe.kernel_faults_served) {
    text =
        "Only faults of user code are served: a system call that is handed a page not yet supplied "
        "fails with EFAULT. For the rest run as root, give the user access to /dev/userfaultfd, or "
        "set vm.unprivileged_userfaultfd=1.";
  }
  snprintf(probe.advice, sizeof probe.advice, "%s", text);
}

/* ZXPAGER_ASYNC_STORES=0: as on a kernel that can't. */
static bool async_wanted(void) {
  const char* const text = getenv("ZXPAGER_ASYNC_STORES");
  return text == NULL || strcmp(text, "0") != 0;
}

static void probe_once(void) {
  static const zxp_fault_mode_t ways[] = {ZXP_FAULT_MODE_DEVICE, ZXP_FAULT_MODE_SYSCALL,
                                          ZXP_FAULT_MODE_USER_ONLY};
  int32_t* const errors[] = {&probe.device_errno, &probe.syscall_errno, &probe.user_only_errno};
  for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
    const int fd = open_mode(ways[i]);
    if (fd < 0) {
      *errors[i] = errno;
      continue;
    }
    uint64_t offered = 0;
    const bool agreed = handshake(fd, 0, &offered);
    const int saved = errno;
    close(fd);
    if (!agreed) {
      *errors[i] = saved; /* Valgrind lets the device be opened but not spoken to. */
      continue;
    }
    probe.mode = ways[i];
    probe.features = offered;
    break;
  }
  probe.write_protect_shared = (probe.features & UFFD_FEATURE_WP_HUGETLBFS_SHMEM) != 0;
  probe.poison = (probe.features & UFFD_FEATURE_POISON) != 0;
  probe.write_protect_async = (probe.features & UFFD_FEATURE_WP_ASYNC) != 0;
  probe.thread_id = (probe.features & UFFD_FEATURE_THREAD_ID) != 0;
  probe.exact_address = (probe.features & UFFD_FEATURE_EXACT_ADDRESS) != 0;
  probe.mappings_supported = (probe.features & FEATURES_NEEDED) == FEATURES_NEEDED;
  probe.kernel_faults_served = probe.mappings_supported && probe.mode != ZXP_FAULT_MODE_USER_ONLY;
  probe.async_stores = probe.mappings_supported && async_wanted() &&
                       (probe.features & FEATURES_FOR_ASYNC) == FEATURES_FOR_ASYNC &&
                       zxp_scan_possible();
  advise();
  ZXP_LOG(ZXP_TOPIC_FAULT, 2, "userfaultfd mode %u, features %llx", probe.mode,
          (unsigned long long)probe.features);
}

const zxp_probe_t* zxp_uffd_probe(void) {
  pthread_once(&once, probe_once);
  return &probe;
}

int zxp_uffd_open(enum zxp_uffd_kind kind) {
  const zxp_probe_t* p = zxp_uffd_probe();
  uint64_t features = FEATURES_NEEDED | FEATURES_WANTED;
  if (!p->mappings_supported || (kind == ZXP_UFFD_ASYNC && !p->async_stores)) {
    return -1;
  }
  if (kind == ZXP_UFFD_ASYNC) {
    features |= FEATURES_FOR_ASYNC;
    if (!zxp_scan_begin()) {
      return -1;
    }
  }
  const int fd = open_mode(p->mode);
  uint64_t offered;
  if (fd >= 0 && !handshake(fd, features & p->features, &offered)) {
    close(fd);
    return -1;
  }
  return fd;
}

/* ---- Using ---- */

static zx_status_t register_modes(int fd, uintptr_t address, uint64_t length, uint64_t modes) {
  struct uffdio_register r = {
      .range = {.start = address, .len = length},
      .mode = modes,
  };
  if (zxp_uffd_ioctl(fd, UFFDIO_REGISTER, &r) == 0) {
    return ZX_OK;
  }
  return errno == ENOMEM ? ZX_ERR_NO_MEMORY : ZX_ERR_INTERNAL;
}

zx_status_t zxp_uffd_register(int fd, uintptr_t address, uint64_t length) {
  return register_modes(fd, address, length,
                        UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP);
}

/* Linux 5.18: also where mlockall() has locked the area. */
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

zx_status_t zxp_uffd_stop(int fd, uintptr_t address, uint64_t length) {
  const zx_status_t st = register_modes(
      fd, address, length,
      UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP | UFFDIO_REGISTER_MODE_MINOR);
  if (st != ZX_OK) {
    return st;
  }
  /* A page with an entry raises nothing. Of entries that were protected markers stay. */
  return madvise((void*)address, length, MADV_DONTNEED_LOCKED) == 0 ? ZX_OK : ZX_ERR_NO_MEMORY;
}

enum zxp_uffd_class zxp_uffd_copy(int fd, uintptr_t address, const void* from, uint64_t length,
                                  unsigned how, uint64_t* filled) {
  uint64_t at = 0;
  enum zxp_uffd_class c = ZXP_UFFD_DONE;
  const uint64_t begun = zxp_tick(1);
  while (at < length) {
    struct uffdio_copy copy = {
        .dst = address + at,
        .src = (uintptr_t)from + at,
        .len = length - at,
        .mode = ((how & ZXP_UFFD_COPY_PROTECTED) != 0 ? UFFDIO_COPY_MODE_WP : 0) |
                ((how & ZXP_UFFD_COPY_WITHOUT_WAKE) != 0 ? UFFDIO_COPY_MODE_DONTWAKE : 0),
    };
    if (zxp_uffd_ioctl(fd, UFFDIO_COPY, &copy) == 0) {
      at = length;
      break;
    }
    /* `copy` holds the bytes filled before the error; EAGAIN stands for "short count" too. */
    const int error = errno;
    if (copy.copy > 0) {
      at += (uint64_t)copy.copy;
      continue;
    }
    c = zxp_uffd_classify(error);
    if (c != ZXP_UFFD_RETRY) {
      break;
    }
    c = ZXP_UFFD_DONE;
  }
  *filled = at;
  if ((how & ZXP_UFFD_COPY_WITHOUT_WAKE) == 0) {
    zxp_wakes_note(address, at, begun, zxp_tick_now());
  }
  return c;
}

enum zxp_uffd_class zxp_uffd_protect(int fd, uintptr_t address, uint64_t length, bool on) {
  struct uffdio_writeprotect wp = {
      .range = {.start = address, .len = length},
      .mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
  };
  enum zxp_uffd_class c;
  const uint64_t begun = zxp_tick(1);
  do {
    c = zxp_uffd_ioctl(fd, UFFDIO_WRITEPROTECT, &wp) == 0 ? ZXP_UFFD_DONE
                                                          : zxp_uffd_classify(errno);
  } while (c == ZXP_UFFD_RETRY);
  if (!on) {
    zxp_wakes_note(address, length, begun, zxp_tick_now());
  }
  return c;
}

void zxp_uffd_wake(int fd, uintptr_t address, uint64_t length) {
  struct uffdio_range range = {.start = address, .len = length};
  const uint64_t begun = zxp_tick(1);
  zxp_uffd_ioctl(fd, UFFDIO_WAKE, &range);
  zxp_wakes_note(address, length, begun, zxp_tick_now());
}

enum zxp_uffd_class zxp_uffd_poison(int fd, uintptr_t address, uint64_t length) {
  if (!zxp_uffd_probe()->poison) {
    return ZXP_UFFD_GONE;
  }
  struct zxp_uffdio_poison p = {.range = {.start = address, .len = length}};
  enum zxp_uffd_class c;
  do {
    c = zxp_uffd_ioctl(fd, ZXP_UFFDIO_POISON, &p) == 0 ? ZXP_UFFD_DONE : zxp_uffd_classify(errno);
  } while (c == ZXP_UFFD_RETRY);
  return c;
}
