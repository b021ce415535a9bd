/* SPDX-License-Identifier: BSD-3-Clause */
/* The process and its threads as objects: vmar.md 1.5 and 10; fork; calls that are not supported:
 * objects.md 14. */
#include <sys/wait.h>
#include <unistd.h>
#include <zircon/process.h>
#include <zircon/syscalls/exception.h>

#include "support.h"

static void get_name(zx_handle_t handle, char name[ZX_MAX_NAME_LEN]) {
  assert_ok(zx_object_get_property(handle, ZX_PROP_NAME, name, ZX_MAX_NAME_LEN));
}

/* vmar.md 1.5 */
static void self_handles_stay_the_same(void** state) {
  (void)state;
  const zx_handle_t process = zx_process_self();
  const zx_handle_t thread = zx_thread_self();
  assert_int_not_equal(process, ZX_HANDLE_INVALID);
  assert_int_not_equal(thread, ZX_HANDLE_INVALID);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(zx_process_self(), process);
    assert_int_equal(zx_thread_self(), thread);
    assert_int_equal(_zx_process_self(), process);
    assert_int_equal(_zx_thread_self(), thread);
  }
  assert_int_equal(count_handles(process), 1);
  assert_int_equal(count_handles(thread), 1);
}

static void self_handles_have_type_and_default_rights(void** state) {
  (void)state;
  const zx_info_handle_basic_t process = basic_info(zx_process_self());
  assert_int_equal(process.type, ZX_OBJ_TYPE_PROCESS);
  assert_int_equal(process.rights, ZX_DEFAULT_PROCESS_RIGHTS);
  const zx_info_handle_basic_t thread = basic_info(zx_thread_self());
  assert_int_equal(thread.type, ZX_OBJ_TYPE_THREAD);
  assert_int_equal(thread.rights, ZX_DEFAULT_THREAD_RIGHTS);
  assert_int_equal(thread.related_koid, process.koid);
}

static void there_is_no_job(void** state) {
  (void)state;
  assert_int_equal(zx_job_default(), ZX_HANDLE_INVALID);
}

static void process_is_named_after_its_program(void** state) {
  (void)state;
  char name[ZX_MAX_NAME_LEN];
  get_name(zx_process_self(), name);
  assert_string_equal(name, "test_process");
}

/* Passes a handle of its own out, and its name; then ends. */
struct named {
  zx_handle_t handle; /* a duplicate, for the main thread to close */
  zx_handle_t self;
  char name[ZX_MAX_NAME_LEN];
  zx_handle_t ready; /* an event: the thread has filled this in */
  zx_handle_t go;    /* an event: it may end */
};

static zx_status_t run_named(void* argument) {
  struct named* n = argument;
  pthread_setname_np(pthread_self(), "a worker");
  n->self = zx_thread_self();
  zx_status_t status = zx_handle_duplicate(n->self, ZX_RIGHT_SAME_RIGHTS, &n->handle);
  if (status == ZX_OK) {
    status = zx_object_get_property(n->self, ZX_PROP_NAME, n->name, sizeof n->name);
  }
  if (status == ZX_OK) {
    status = zx_object_signal(n->ready, 0, ZX_EVENT_SIGNALED);
  }
  if (status == ZX_OK) {
    status = zx_object_wait_one(n->go, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, NULL);
  }
  return status;
}

static void start_named(struct thread* thread, struct named* n) {
  *n = (struct named){.ready = make_event(), .go = make_event()};
  thread_start(thread, run_named, n);
  assert_ok(zx_object_wait_one(n->ready, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, NULL));
}

static void close_named(struct named* n) {
  const zx_handle_t all[] = {n->handle, n->ready, n->go};
  assert_ok(zx_handle_close_many(all, 3));
}

static void thread_has_its_own_object_and_pthread_name(void** state) {
  (void)state;
  struct named n;
  struct thread thread;
  start_named(&thread, &n);
  assert_ok(zx_object_signal(n.go, 0, ZX_EVENT_SIGNALED));
  assert_ok(thread_join(&thread));
  assert_string_equal(n.name, "a worker");
  assert_int_not_equal(n.self, zx_thread_self());
  /* The thread is gone, the object stays as long as its handle, and knows what it was called. */
  char name[ZX_MAX_NAME_LEN];
  get_name(n.handle, name);
  assert_string_equal(name, "a worker");
  assert_status(zx_handle_check_valid(n.self), ZX_ERR_NOT_FOUND);
  close_named(&n);
}

static void names_of_threads_can_be_set_from_outside(void** state) {
  (void)state;
  struct named n;
  struct thread thread;
  start_named(&thread, &n);
  const char longer[] = "a name of more than 15 bytes";
  assert_ok(zx_object_set_property(n.handle, ZX_PROP_NAME, longer, sizeof longer));
  char name[ZX_MAX_NAME_LEN];
  char linux_name[16];
  get_name(n.handle, name);
  assert_string_equal(name, longer);
  assert_int_equal(pthread_getname_np(thread.id, linux_name, sizeof linux_name), 0);
  assert_string_equal(linux_name, "a name of more ");
  assert_int_equal(pthread_setname_np(thread.id, "in Linux"), 0);
  get_name(n.handle, name);
  assert_string_equal(name, "in Linux");
  assert_ok(zx_object_set_property(n.handle, ZX_PROP_NAME, "", 0));
  get_name(n.handle, name);
  assert_string_equal(name, "");
  assert_ok(zx_object_signal(n.go, 0, ZX_EVENT_SIGNALED));
  assert_ok(thread_join(&thread));
  close_named(&n);
}

static void end_of_a_thread_is_signalled(void** state) {
  (void)state;
  struct named n;
  struct thread thread;
  start_named(&thread, &n);
  assert_int_equal(signals_of(n.handle), ZX_THREAD_RUNNING);
  assert_ok(zx_object_signal(n.go, 0, ZX_EVENT_SIGNALED));
  zx_signals_t observed;
  assert_ok(zx_object_wait_one(n.handle, ZX_THREAD_TERMINATED, ZX_TIME_INFINITE, &observed));
  assert_int_equal(observed, ZX_THREAD_TERMINATED);
  assert_ok(thread_join(&thread));
  close_named(&n);
}

/* vmar.md 10 */
static void process_info_says_started(void** state) {
  (void)state;
  zx_info_process_t info;
  memset(&info, 0xaa, sizeof info);
  assert_ok(zx_object_get_info(zx_process_self(), ZX_INFO_PROCESS, &info, sizeof info, NULL, NULL));
  assert_int_equal(info.flags, ZX_INFO_PROCESS_FLAG_STARTED);
  assert_int_equal(info.return_code, 0);
  assert_true(info.start_time > 0 && info.start_time <= zx_clock_get_monotonic());
  const zx_handle_t event = make_event();
  const zx_handle_t bare = duplicate_without(zx_process_self(), ZX_RIGHT_INSPECT);
  assert_status(zx_object_get_info(event, ZX_INFO_PROCESS, &info, sizeof info, NULL, NULL),
                ZX_ERR_WRONG_TYPE);
  assert_status(zx_object_get_info(bare, ZX_INFO_PROCESS, &info, sizeof info, NULL, NULL),
                ZX_ERR_ACCESS_DENIED);
  close_handle(bare);
  close_handle(event);
}

/* vmar.md 12 */
static void no_thread_has_an_exception_to_report(void** state) {
  (void)state;
  zx_exception_report_t report;
  const uint32_t topics[] = {ZX_INFO_THREAD_EXCEPTION_REPORT, ZX_INFO_THREAD_EXCEPTION_REPORT_V1};
  for (size_t i = 0; i < 2; i++) {
    assert_status(
        zx_object_get_info(zx_thread_self(), topics[i], &report, sizeof report, NULL, NULL),
        ZX_ERR_BAD_STATE);
    assert_status(
        zx_object_get_info(zx_process_self(), topics[i], &report, sizeof report, NULL, NULL),
        ZX_ERR_WRONG_TYPE);
  }
}

/* vmar.md 10.5 */
static void thread_info_says_running_and_dead(void** state) {
  (void)state;
  zx_info_thread_t info;
  memset(&info, 0xaa, sizeof info);
  assert_ok(zx_object_get_info(zx_thread_self(), ZX_INFO_THREAD, &info, sizeof info, NULL, NULL));
  assert_int_equal(info.state, ZX_THREAD_STATE_RUNNING);
  assert_int_equal(info.wait_exception_channel_type, 0);
  assert_status(
      zx_object_get_info(zx_process_self(), ZX_INFO_THREAD, &info, sizeof info, NULL, NULL),
      ZX_ERR_WRONG_TYPE);
  struct named n;
  struct thread thread;
  start_named(&thread, &n);
  assert_ok(zx_object_signal(n.go, 0, ZX_EVENT_SIGNALED));
  assert_ok(thread_join(&thread));
  assert_ok(zx_object_get_info(n.handle, ZX_INFO_THREAD, &info, sizeof info, NULL, NULL));
  assert_int_equal(info.state, ZX_THREAD_STATE_DEAD);
  close_named(&n);
}

static void handle_stats_count_by_type(void** state) {
  (void)state;
  zx_info_process_handle_stats_t before;
  zx_info_process_handle_stats_t after;
  const zx_handle_t self = zx_process_self();
  assert_ok(
      zx_object_get_info(self, ZX_INFO_PROCESS_HANDLE_STATS, &before, sizeof before, NULL, NULL));
  zx_handle_t a;
  zx_handle_t b;
  make_pair(&a, &b);
  const zx_handle_t made[] = {make_event(), make_port(), a, b};
  assert_ok(
      zx_object_get_info(self, ZX_INFO_PROCESS_HANDLE_STATS, &after, sizeof after, NULL, NULL));
  for (uint32_t type = 0; type < ZX_OBJ_TYPE_UPPER_BOUND; type++) {
    const uint32_t more = after.handle_count[type] - before.handle_count[type];
    const uint32_t expected = type == ZX_OBJ_TYPE_EVENTPAIR                           ? 2
                              : type == ZX_OBJ_TYPE_EVENT || type == ZX_OBJ_TYPE_PORT ? 1
                                                                                      : 0;
    assert_int_equal(more, expected);
  }
  assert_ok(zx_handle_close_many(made, 4));
}

/* ---- fork ---- */

/* What a forked child finds; the number of the first check that fails is its exit status. */
static int look_around_in_child(zx_handle_t event, zx_handle_t port) {
  zx_handle_t out = 42;
  char name[ZX_MAX_NAME_LEN];
  const zx_port_packet_t packet = {0};
  const struct {
    zx_status_t got;
    zx_status_t expected;
  } checks[] = {
      {zx_object_signal(event, 0, ZX_EVENT_SIGNALED), ZX_ERR_BAD_HANDLE},
      {zx_object_wait_one(event, ZX_EVENT_SIGNALED, 0, NULL), ZX_ERR_BAD_HANDLE},
      {zx_object_wait_async(event, port, 0, 0, 0), ZX_ERR_BAD_HANDLE},
      {zx_port_queue(port, &packet), ZX_ERR_BAD_HANDLE},
      {zx_port_wait(port, 0, NULL), ZX_ERR_BAD_HANDLE},
      {zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, &out), ZX_ERR_BAD_HANDLE},
      {zx_handle_replace(event, ZX_RIGHT_SAME_RIGHTS, &out), ZX_ERR_BAD_HANDLE},
      {zx_handle_close(event), ZX_ERR_BAD_HANDLE},
      {zx_handle_check_valid(event), ZX_ERR_NOT_FOUND},
      {zx_object_get_info(event, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL), ZX_ERR_BAD_HANDLE},
      {zx_object_get_property(zx_process_self(), ZX_PROP_NAME, name, sizeof name),
       ZX_ERR_BAD_HANDLE},
      {zx_event_create(0, &out), ZX_ERR_BAD_STATE},
      {zx_eventpair_create(0, &out, &out), ZX_ERR_BAD_STATE},
      {zx_port_create(0, &out), ZX_ERR_BAD_STATE},
      {(zx_status_t)out, 42},
  };
  for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
    if (checks[i].got != checks[i].expected) {
      return (int)i + 1;
    }
  }
  return 0;
}

static void forked_child_has_no_handles_and_makes_none(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t port = make_port();
  const pid_t child = fork();
  if (child == 0) {
    _exit(look_around_in_child(event, port));
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  assert_int_equal(signals_of(event), 0); /* the parent's is another */
  close_handle(port);
  close_handle(event);
}

/* ---- Not supported ---- */

static void calls_outside_the_library_find_a_dead_handle_first(void** state) {
  (void)state;
  zx_handle_t out = 42;
  zx_vaddr_t at;
  const zx_handle_t live = zx_process_self();
  const zx_handle_t dead = dead_handle();
  assert_status(zx_object_get_child(dead, 0, 0, &out), ZX_ERR_BAD_HANDLE);
  assert_status(zx_object_get_child(live, 0, 0, &out), ZX_ERR_NOT_SUPPORTED);
  assert_status(zx_object_set_profile(dead, live, 0), ZX_ERR_BAD_HANDLE);
  assert_status(zx_object_set_profile(live, dead, 0), ZX_ERR_NOT_SUPPORTED);
  assert_status(zx_task_create_exception_channel(dead, 0, &out), ZX_ERR_BAD_HANDLE);
  assert_status(zx_task_create_exception_channel(live, 0, &out), ZX_ERR_NOT_SUPPORTED);
  assert_status(zx_vmar_map_iob(dead, 0, 0, live, 0, 0, 0, &at), ZX_ERR_BAD_HANDLE);
  assert_status(zx_vmar_map_iob(live, 0, 0, live, 0, 0, 0, &at), ZX_ERR_NOT_SUPPORTED);
  assert_status(zx_vmar_map_clock(dead, 0, 0, live, 0, &at), ZX_ERR_BAD_HANDLE);
  assert_status(zx_vmar_map_clock(live, 0, 0, live, 0, &at), ZX_ERR_NOT_SUPPORTED);
  assert_int_equal(out, 42);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(self_handles_stay_the_same),
      cmocka_unit_test(self_handles_have_type_and_default_rights),
      cmocka_unit_test(there_is_no_job),
      cmocka_unit_test(process_is_named_after_its_program),
      cmocka_unit_test(thread_has_its_own_object_and_pthread_name),
      cmocka_unit_test(names_of_threads_can_be_set_from_outside),
      cmocka_unit_test(end_of_a_thread_is_signalled),
      cmocka_unit_test(process_info_says_started),
      cmocka_unit_test(no_thread_has_an_exception_to_report),
      cmocka_unit_test(thread_info_says_running_and_dead),
      cmocka_unit_test(handle_stats_count_by_type),
      cmocka_unit_test(forked_child_has_no_handles_and_makes_none),
      cmocka_unit_test(calls_outside_the_library_find_a_dead_handle_first),
  };
  return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
