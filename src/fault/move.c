/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moving a registered area, with its registration and its marks, over whatever is at the target.
 *
 * mremap does that in one step as other threads see it, if the userfaultfd was opened with
 * UFFD_FEATURE_EVENT_REMAP; without, the area loses its registration. The price: mremap does not
 * return before somebody has read the event. The threads that usually read messages may be waiting
 * for a lock that the caller holds, so the caller reads, and a thread made for the purpose moves.
 * Rare: only a mapping of a pager VMO over a mapping that is in use needs it (about 100 us, Linux
 * 6.18).
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault/uffd.h"
#include "vm/arena.h"

/* Faults that come up meanwhile; they are sent on their way again, more than these at once. */
#define FAULTS 64

struct move {
  uintptr_t from;
  uintptr_t to;
  uint64_t length;
  int done_fd; /* eventfd: the move is over */
  int error;   /* 0, or errno of mremap */
};

bool zxp_uffd_can_move(void) {
  return (zxp_uffd_probe()->features & UFFD_FEATURE_EVENT_REMAP) != 0;
}

static void* mover(void* argument) {
  struct move* m = argument;
  const uint64_t one = 1;
  pthread_setname_np(pthread_self(), "zxp-mover");
  void* at =
      mremap((void*)m->from, m->length, m->length, MREMAP_MAYMOVE | MREMAP_FIXED, (void*)m->to);
  m->error = at == MAP_FAILED ? errno : 0;
  const ssize_t ignored = write(m->done_fd, &one, sizeof one);
  (void)ignored;
  return NULL;
}

static void wake_page(int fd, uint64_t address) {
  zxp_uffd_wake(fd, (uintptr_t)address & ~(uintptr_t)ZXP_PAGE_MASK, ZXP_PAGE_SIZE);
}

/* Reads messages until the move is over. Of faults nothing is decided here: their threads touch
 * again afterwards, and the message comes again to those whom it concerns. */
static void read_until_done(int fd, int done_fd) {
  uint64_t faults[FAULTS];
  size_t count = 0;
  for (;;) {
    struct pollfd polls[2] = {{.fd = fd, .events = POLLIN}, {.fd = done_fd, .events = POLLIN}};
    if (poll(polls, 2, -1) < 0) {
      continue; /* EINTR */
    }
    struct uffd_msg msg;
    if (polls[0].revents != 0 && read(fd, &msg, sizeof msg) == (ssize_t)sizeof msg &&
        msg.event == UFFD_EVENT_PAGEFAULT) {
      if (count < FAULTS) {
        faults[count++] = msg.arg.pagefault.address;
      } else {
        wake_page(fd, msg.arg.pagefault.address);
      }
    }
    if (polls[1].revents != 0) {
      break;
    }
  }
  while (count > 0) {
    wake_page(fd, faults[--count]);
  }
}

zx_status_t zxp_uffd_move(int fd, uintptr_t from, uintptr_t to, uint64_t length) {
  struct move m = {.from = from, .to = to, .length = length};
  pthread_t thread;
  sigset_t all;
  sigset_t old;
  m.done_fd = eventfd(0, EFD_CLOEXEC);
  if (m.done_fd < 0) {
    return ZX_ERR_NO_RESOURCES;
  }
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  const int rc = pthread_create(&thread, NULL, mover, &m);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (rc != 0) {
    close(m.done_fd);
    return ZX_ERR_NO_MEMORY; /* EAGAIN: most likely no area for its stack. */
  }
  read_until_done(fd, m.done_fd);
  pthread_join(thread, NULL);
  close(m.done_fd);
  return m.error == 0 ? ZX_OK : ZX_ERR_NO_MEMORY;
}
