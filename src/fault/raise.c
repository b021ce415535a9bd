/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Raising SIGBUS in exactly the thread whose access failed (docs/semantics/pager.md 11.1, 11.2).
 *
 * A thread stopped by user code, which takes signals: it is sent a real-time signal that carries
 * the address. That breaks the wait. The library's handler for it, on the thread itself, queues
 * SIGBUS with BUS_ADRERR to the thread (the kernel allows a positive code from oneself only), and
 * since SIGBUS is blocked while the handler runs, it is delivered on the context of the access that
 * failed. If the program's handler returns, the access is made again and asks anew. Nothing sticks.
 *
 * A thread stopped inside a system call does not leave that wait for a signal; one that blocks the
 * signals does not see them. For those the page is covered by the void file for a moment: the
 * thread, woken, meets it, gets SIGBUS or EFAULT from the kernel, and then the mapping is put back.
 * Others that touch the page in that moment get SIGBUS too; they would have had to ask for a page
 * that has just failed.
 *
 * A message of the thread may still be on its way to being resolved: it was woken and touched again
 * for some other reason just before. Resolving it must not raise a second time in a thread that is
 * elsewhere by then, so it is remembered by message numbers when a thread was last raised in
 * (zxp_raised_since). Waking the page for one thread that is covered sends all that wait there into
 * the void; those that take signals are raised in first.
 *
 * /proc/self/task/<tid>/syscall tells the cases apart: "running" for a thread that is not stopped
 * any more (it left the wait, so it is owed nothing), "-1 ..." for one stopped in user code. A
 * thread counts as stopped from before its message can be read (Linux sets the state under the lock
 * of the message queue).
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/stats.h"
#include "fault/channel_private.h"
#include "fault/uffd.h"
#include "vm/blocked.h"
#include "vm/mapping.h"

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif

/* Tells our signal from one that somebody else sends; the kernel wants it negative. */
#define OUR_CODE (-0x7a78)

/* How long a thread may take to run into the void; it has been woken, so this is scheduling. */
#define PASS_LIMIT_NS 1000000000
/* CPU time after which a woken thread has surely repeated its access, which takes a few us. */
#define PASS_RUN_NS 50000

/* Who was raised in last; of threads that share a place the latest. More places than blocked
 * threads. */
#define RAISED 1024
/* Threads of one page that are raised in before it is covered; more meet the void. */
#define NEIGHBOURS 32

static struct zxp_mutex raised_lock = ZXP_MUTEX_INITIALIZER(ZXP_RANK_LEAF);
static struct {
  pid_t tid;
  uint64_t seq;
} raised[RAISED]; /* guarded by raised_lock */
/* The largest `seq` in it; written under the lock. Later messages need not look. */
static _Atomic uint64_t last_raised;

static int carrier; /* the real-time signal; 0: none was free. Constant after init. */

__attribute__((no_sanitize("thread"))) static void on_carrier(int signo, siginfo_t* info,
                                                              void* context) {
  const int saved_errno = errno;
  (void)signo;
  (void)context;
  if (info->si_code == OUR_CODE) {
    siginfo_t bus;
    memset(&bus, 0, sizeof bus);
    bus.si_signo = SIGBUS;
    bus.si_code = BUS_ADRERR;
    bus.si_addr = info->si_value.sival_ptr;
    syscall(SYS_rt_tgsigqueueinfo, getpid(), (pid_t)syscall(SYS_gettid), SIGBUS, &bus);
  }
  errno = saved_errno;
}

#ifdef UNDER_TSAN
/* ThreadSanitizer puts asynchronous signals off until the thread calls it, which one that is
 * stopped at a load never does. glibc's second name for sigaction is not intercepted. */
extern int __sigaction(int signo, const struct sigaction* act, struct sigaction* old);
#define install_handler __sigaction
#else
#define install_handler sigaction
#endif

static void init_once(void) {
  for (int signo = SIGRTMAX - 1; signo > SIGRTMIN; signo--) {
    struct sigaction old;
    if (sigaction(signo, NULL, &old) != 0 || (old.sa_flags & SA_SIGINFO) != 0 ||
        old.sa_handler != SIG_DFL) {
      continue;
    }
    struct sigaction act;
    memset(&act, 0, sizeof act);
    act.sa_sigaction = on_carrier;
    act.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    sigemptyset(&act.sa_mask);
    sigaddset(&act.sa_mask, SIGBUS);
    if (install_handler(signo, &act, NULL) == 0) {
      carrier = signo;
      return;
    }
  }
  ZXP_LOG(ZXP_TOPIC_FAULT, 1, "no real-time signal is free; failing pages by covering them");
}

void zxp_raise_init(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, init_once);
}

/* Reads a file of /proc/self/task/<tid>; false if that is not to be had. */
static bool read_task_file(pid_t tid, const char* name, char* text, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/%s", tid, name);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  const ssize_t n = read(fd, text, size - 1);
  close(fd);
  text[n > 0 ? n : 0] = '\0';
  return n > 0;
}

static bool blocks_signals(pid_t tid) {
  char text[4096];
  if (!read_task_file(tid, "status", text, sizeof text)) {
    return false;
  }
  const char* at = strstr(text, "SigBlk:");
  if (at == NULL) {
    return false;
  }
  const unsigned long long blocked = strtoull(at + 7, NULL, 16);
  const unsigned long long ours = 1ULL << (SIGBUS - 1) | 1ULL << (carrier - 1);
  return (blocked & ours) != 0;
}

/* Whether a thread that is asleep in a system call sleeps in a page fault; yes if the kernel does
 * not tell. */
static bool sleeps_in_fault(pid_t tid) {
  char text[64];
  return !read_task_file(tid, "wchan", text, sizeof text) || strcmp(text, "0") == 0 ||
         strstr(text, "userfault") != NULL;
}

static unsigned long long run_time(pid_t tid) {
  char text[128];
  return read_task_file(tid, "schedstat", text, sizeof text) ? strtoull(text, NULL, 10) : 0;
}

/* Waits until the thread, just woken, has repeated its access. */
static void wait_until_past(pid_t tid, const char* stopped_as) {
  const zx_time_t limit = zxp_clock_now() + PASS_LIMIT_NS;
  const unsigned long long ran = run_time(tid);
  char text[256];
  while (zxp_clock_now() < limit && read_task_file(tid, "syscall", text, sizeof text)) {
    if (strncmp(text, "running", 7) == 0) {
      if (run_time(tid) > ran + PASS_RUN_NS) {
        return;
      }
    } else if (strcmp(text, stopped_as) != 0) {
      return;
    }
    sched_yield();
  }
}

static void remember(pid_t tid) {
  zxp_mutex_lock(&raised_lock);
  raised[(unsigned)tid % RAISED].tid = tid;
  raised[(unsigned)tid % RAISED].seq = zxp_channel_last_message();
  atomic_store(&last_raised, raised[(unsigned)tid % RAISED].seq);
  zxp_mutex_unlock(&raised_lock);
}

bool zxp_raised_since(pid_t tid, uint64_t seq) {
  if (seq >= atomic_load(&last_raised)) {
    return false;
  }
  zxp_mutex_lock(&raised_lock);
  const bool since =
      raised[(unsigned)tid % RAISED].tid == tid && seq < raised[(unsigned)tid % RAISED].seq;
  zxp_mutex_unlock(&raised_lock);
  return since;
}

static bool send_carrier(pid_t tid, uintptr_t address) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  info.si_signo = carrier;
  info.si_code = OUR_CODE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_ptr = (void*)address;
  return syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, carrier, &info) == 0;
}

/* Raises in the other threads on record at this page, as far as they take signals. */
static void raise_in_neighbours(struct zxp_channel* c, pid_t tid, uintptr_t page) {
  struct zxp_blocked_at at[NEIGHBOURS];
  const size_t n = zxp_blocked_at_page(c, page, at, NEIGHBOURS);
  for (size_t i = 0; i < n; i++) {
    char stopped_as[256];
    if (at[i].tid != tid && carrier != 0 &&
        read_task_file(at[i].tid, "syscall", stopped_as, sizeof stopped_as) &&
        strncmp(stopped_as, "-1 ", 3) == 0 && !blocks_signals(at[i].tid) &&
        send_carrier(at[i].tid, at[i].address)) {
      ZXP_COUNT(signals_sent, 1);
      remember(at[i].tid);
    }
  }
}

static void cover(struct zxp_pages* pages, struct zxp_channel* c, pid_t tid, uintptr_t address,
                  const char* stopped_as) {
  const uintptr_t page = address & ~(uintptr_t)ZXP_PAGE_MASK;
  /* A child of the pages may be what is mapped there. */
  struct zxp_mapping* m = pages == NULL ? NULL : zxp_mapping_in_tree_locked(pages, address, c);
  if (m == NULL || !zxp_mapping_cover_locked(m, page)) {
    /* Unmapped meanwhile: it meets the hole. */
    zxp_uffd_wake(c->uffd, page, ZXP_PAGE_SIZE);
    return;
  }
  raise_in_neighbours(c, tid, page);
  zxp_uffd_wake(c->uffd, page, ZXP_PAGE_SIZE);
  wait_until_past(tid, stopped_as);
  zxp_mapping_uncover_locked(m, page);
}

void zxp_raise_bus_error(struct zxp_pages* pages, struct zxp_channel* c, pid_t tid,
                         uintptr_t address) {
  char stopped_as[256];
  const bool known = read_task_file(tid, "syscall", stopped_as, sizeof stopped_as);
  if (known && strncmp(stopped_as, "running", 7) == 0) {
    return;
  }
  const bool in_user_code = !known || strncmp(stopped_as, "-1 ", 3) == 0;
  if (!in_user_code && !sleeps_in_fault(tid)) {
    /* Something else woke it, such as the covering of the page for another thread. */
    return;
  }
  ZXP_COUNT(signals_sent, 1);
  if (carrier == 0 || !in_user_code || blocks_signals(tid)) {
    cover(pages, c, tid, address, stopped_as);
    remember(tid);
    return;
  }
  if (!send_carrier(tid, address)) {
    /* Out of queued signals, or the thread has ended. */
    cover(pages, c, tid, address, stopped_as);
  }
  remember(tid);
}
