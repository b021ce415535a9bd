/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "object/handle.h"
#include "object/process.h"

/* A thread's name in Linux, its terminating NUL included. */
#define COMM_LEN 16

/* (C) constant  (O) object.lock */
struct thread {
  struct zxp_object object;
  pid_t tid;                  /* (C) */
  bool ended;                 /* (O) */
  char name[ZX_MAX_NAME_LEN]; /* (O) the last name set here; Linux keeps the first 15 bytes of it */
};

static pthread_key_t at_exit_key;
static bool have_key;
static _Thread_local zx_handle_t self = ZX_HANDLE_INVALID;
static _Thread_local zx_koid_t self_koid = ZX_KOID_INVALID;

static struct thread* thread_of(struct zxp_object* object) {
  return ZXP_CONTAINER_OF(object, struct thread, object);
}

/* ---- Names ---- */

/*
 * The name in Linux is what debuggers and ps show and what pthread_setname_np changes, but it holds
 * 15 bytes only. A longer name is kept here, and counts as long as Linux still has its beginning.
 */
static bool comm_open(const struct thread* thread, int flags, int* fd) {
  char path[64];
  (void)snprintf(path, sizeof path, "/proc/self/task/%d/comm", (int)thread->tid);
  *fd = open(path, flags | O_CLOEXEC);
  return *fd >= 0;
}

static zx_status_t get_name(struct zxp_object* object, char name[ZX_MAX_NAME_LEN]) {
  struct thread* thread = thread_of(object);
  char comm[COMM_LEN + 1] = {0}; /* and the newline that the file ends with */
  int fd;
  zxp_mutex_lock(&object->lock);
  if (!thread->ended && comm_open(thread, O_RDONLY, &fd)) {
    const ssize_t n = read(fd, comm, COMM_LEN);
    close(fd);
    comm[n > 0 ? n - 1 : 0] = '\0';
    if (strncmp(comm, thread->name, COMM_LEN - 1) != 0) {
      memset(thread->name, 0, sizeof thread->name);
      memcpy(thread->name, comm, COMM_LEN - 1);
    }
  }
  memcpy(name, thread->name, ZX_MAX_NAME_LEN);
  zxp_mutex_unlock(&object->lock);
  return ZX_OK;
}

static zx_status_t set_name(struct zxp_object* object, const char name[ZX_MAX_NAME_LEN]) {
  struct thread* thread = thread_of(object);
  int fd;
  zxp_mutex_lock(&object->lock);
  memcpy(thread->name, name, ZX_MAX_NAME_LEN);
  if (!thread->ended && comm_open(thread, O_WRONLY, &fd)) {
    /* An empty name cannot be written as nothing at all. */
    const size_t length = strnlen(name, COMM_LEN - 1);
    const ssize_t ignored = length > 0 ? write(fd, name, length) : write(fd, "", 1);
    (void)ignored;
    close(fd);
  }
  zxp_mutex_unlock(&object->lock);
  return ZX_OK;
}

/* ---- Life ---- */

static void destroy(struct zxp_object* object) {
  zxp_object_fini(object);
  free(thread_of(object));
}

static zx_koid_t related_koid(struct zxp_object* object) {
  (void)object;
  return zxp_process_koid();
}

static const struct zxp_object_ops thread_ops = {
    .type = ZX_OBJ_TYPE_THREAD,
    .name = "thread",
    .user_signals = ZX_USER_SIGNAL_ALL,
    .waitable = true,
    .destroy = destroy,
    .related_koid = related_koid,
    .get_name = get_name,
    .set_name = set_name,
};

pid_t zxp_thread_tid(struct zxp_object* thread) { return thread_of(thread)->tid; }

/* The thread ends: those who wait for that are told, and the handle that was its own goes. */
static void at_thread_exit(void* value) {
  struct thread* thread = value;
  char last_name[ZX_MAX_NAME_LEN];
  (void)get_name(&thread->object, last_name); /* the kernel forgets it */
  zxp_mutex_lock(&thread->object.lock);
  thread->ended = true;
  zxp_object_set_signals_locked(&thread->object, ZX_THREAD_RUNNING, ZX_THREAD_TERMINATED);
  zxp_mutex_unlock(&thread->object.lock);
  (void)zxp_handle_close(self); /* a user who closed it has to live with that */
  self = ZX_HANDLE_INVALID;
  zxp_object_put(&thread->object);
}

zx_koid_t zxp_thread_koid(void) {
  if (self_koid == ZX_KOID_INVALID) {
    self_koid = zxp_koid_new();
  }
  return self_koid;
}

static void make_key(void) { have_key = pthread_key_create(&at_exit_key, at_thread_exit) == 0; }

zx_handle_t zxp_thread_self(void) {
  if (self != ZX_HANDLE_INVALID) {
    return self;
  }
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_key);
  struct thread* thread = calloc(1, sizeof *thread);
  if (thread == NULL || !have_key) {
    free(thread);
    return ZX_HANDLE_INVALID;
  }
  zxp_object_init(&thread->object, &thread_ops, ZX_THREAD_RUNNING);
  thread->object.koid = zxp_thread_koid();
  thread->tid = (pid_t)syscall(SYS_gettid);
  zx_handle_t made;
  if (zxp_handle_install(&thread->object, ZX_DEFAULT_THREAD_RIGHTS, &made) != ZX_OK) {
    zxp_object_put(&thread->object);
    return ZX_HANDLE_INVALID;
  }
  if (pthread_setspecific(at_exit_key, thread) != 0) {
    (void)zxp_handle_close(made);
    zxp_object_put(&thread->object);
    return ZX_HANDLE_INVALID;
  }
  self = made; /* the key keeps our reference */
  return self;
}
