/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What tests of the object layer share.
 *
 *   thread   a thread that makes one call and records its result; the main thread starts it, waits
 *            until it is blocked, does something, and joins it
 *
 * A thread counts as blocked when the kernel says that it sleeps in the way in which the library's
 * calls sleep. Only the main thread asserts.
 */
#ifndef ZXP_TESTS_OBJECT_SUPPORT_H_
#define ZXP_TESTS_OBJECT_SUPPORT_H_

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those before it. */
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/types.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/port.h>

/* Compares statuses and names both when they differ. */
#define assert_status(expression, expected) \
  assert_status_at(__FILE__, __LINE__, #expression, (expression), (expected))
#define assert_ok(expression) assert_status(expression, ZX_OK)

void assert_status_at(const char* file, int line, const char* text, zx_status_t got,
                      zx_status_t expected);

/* A value that is well-formed and names no live handle. */
zx_handle_t dead_handle(void);

zx_handle_t make_event(void);
zx_handle_t make_port(void);
void make_pair(zx_handle_t* a, zx_handle_t* b);

/* A second handle with just these rights (ZX_RIGHT_SAME_RIGHTS: all). */
zx_handle_t duplicate_with(zx_handle_t handle, zx_rights_t rights);
zx_handle_t duplicate_without(zx_handle_t handle, zx_rights_t rights);

void close_handle(zx_handle_t handle);

zx_info_handle_basic_t basic_info(zx_handle_t handle);
uint32_t count_handles(zx_handle_t handle);

/* The state now, by a wait that ends at once. */
zx_signals_t signals_of(zx_handle_t handle);

/* The port has no packet. */
#define assert_port_empty(port) assert_status(zx_port_wait((port), 0, NULL), ZX_ERR_TIMED_OUT)

/* The next packet, which must be there. */
zx_port_packet_t take_packet(zx_handle_t port);

void queue_packet(zx_handle_t port, uint64_t key);

struct thread {
  zx_status_t (*function)(void* argument);
  void* argument;
  pthread_t id;
  _Atomic pid_t tid;
  zx_status_t result; /* of the function; for after thread_join */
};

void thread_start(struct thread* thread, zx_status_t (*function)(void* argument), void* argument);

/* Waits until the thread sleeps in a call of the library. */
void thread_await_blocked(const struct thread* thread);

zx_status_t thread_join(struct thread* thread);

#endif /* ZXP_TESTS_OBJECT_SUPPORT_H_ */
