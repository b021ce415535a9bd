/* SPDX-License-Identifier: BSD-3-Clause */
#include "support.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zircon/status.h>

void assert_status_at(const char* file, int line, const char* text, zx_status_t got,
                      zx_status_t expected) {
  if (got != expected) {
    print_error("%s\n  gave %s, expected %s\n", text, zx_status_get_string(got),
                zx_status_get_string(expected));
    _fail(file, line);
  }
}

zx_handle_t dead_handle(void) {
  zx_handle_t event = make_event();
  close_handle(event);
  return event;
}

zx_handle_t make_event(void) {
  zx_handle_t event = ZX_HANDLE_INVALID;
  assert_ok(zx_event_create(0, &event));
  return event;
}

zx_handle_t make_port(void) {
  zx_handle_t port = ZX_HANDLE_INVALID;
  assert_ok(zx_port_create(0, &port));
  return port;
}

void make_pair(zx_handle_t* a, zx_handle_t* b) { assert_ok(zx_eventpair_create(0, a, b)); }

zx_handle_t duplicate_with(zx_handle_t handle, zx_rights_t rights) {
  zx_handle_t made = ZX_HANDLE_INVALID;
  assert_ok(zx_handle_duplicate(handle, rights, &made));
  return made;
}

zx_handle_t duplicate_without(zx_handle_t handle, zx_rights_t rights) {
  return duplicate_with(handle, basic_info(handle).rights & ~rights);
}

void close_handle(zx_handle_t handle) { assert_ok(zx_handle_close(handle)); }

zx_info_handle_basic_t basic_info(zx_handle_t handle) {
  zx_info_handle_basic_t info;
  memset(&info, 0xaa, sizeof info);
  assert_ok(zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof info, NULL, NULL));
  return info;
}

uint32_t count_handles(zx_handle_t handle) {
  zx_info_handle_count_t info = {0};
  assert_ok(zx_object_get_info(handle, ZX_INFO_HANDLE_COUNT, &info, sizeof info, NULL, NULL));
  return info.handle_count;
}

zx_signals_t signals_of(zx_handle_t handle) {
  zx_signals_t observed = 0xaaaaaaaa;
  assert_status(zx_object_wait_one(handle, 0, 0, &observed), ZX_ERR_TIMED_OUT);
  return observed;
}

zx_port_packet_t take_packet(zx_handle_t port) {
  zx_port_packet_t packet;
  memset(&packet, 0xaa, sizeof packet);
  assert_ok(zx_port_wait(port, 0, &packet));
  return packet;
}

void queue_packet(zx_handle_t port, uint64_t key) {
  const zx_port_packet_t packet = {.key = key};
  assert_ok(zx_port_queue(port, &packet));
}

static void* thread_main(void* argument) {
  struct thread* thread = argument;
  atomic_store(&thread->tid, gettid());
  thread->result = thread->function(thread->argument);
  return NULL;
}

void thread_start(struct thread* thread, zx_status_t (*function)(void* argument), void* argument) {
  thread->function = function;
  thread->argument = argument;
  atomic_init(&thread->tid, 0);
  thread->result = ZX_ERR_INTERNAL;
  assert_int_equal(pthread_create(&thread->id, NULL, thread_main, thread), 0);
}

/* The library sleeps with an absolute deadline, which mutexes of the C library do not. */
static bool sleeps_in_library(pid_t tid) {
  char path[64];
  char line[256];
  snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)tid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  const ssize_t n = read(fd, line, sizeof line - 1);
  close(fd);
  if (n <= 0) {
    return false;
  }
  line[n] = '\0';
  char* at = line;
  const long number = strtol(at, &at, 10);
  (void)strtoul(at, &at, 16);
  const unsigned long operation = strtoul(at, &at, 16);
  return (number == SYS_futex &&
          (operation & ~(unsigned long)FUTEX_CLOCK_REALTIME) == FUTEX_WAIT_BITSET_PRIVATE) ||
         number == SYS_clock_nanosleep;
}

void thread_await_blocked(const struct thread* thread) {
  /* Far longer than any machine needs; then the test fails instead of hanging. */
  const zx_time_t limit = zx_deadline_after(ZX_SEC(30));
  while (!sleeps_in_library(atomic_load(&thread->tid))) {
    if (zx_clock_get_monotonic() > limit) {
      fail_msg("the thread did not block");
    }
    sched_yield();
  }
}

zx_status_t thread_join(struct thread* thread) {
  assert_int_equal(pthread_join(thread->id, NULL), 0);
  return thread->result;
}
