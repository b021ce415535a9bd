/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A mapped file of a FUSE filesystem, which fuse_file serves from a process of its own.
 *
 * With one page an answer there is no readahead: every fault is one request. With more, the kernel
 * reads ahead by as much as an answer is, of which root has to give it leave.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "way.h"

struct fuse {
  struct way way;
  char directory[64];
  pid_t server;
  int fd;
  unsigned char** mapped; /* by memory */
};

static bool skipped(const char* why) {
  printf("%s: skipped, %s\n", way_fuse.name, why);
  return false;
}

/* The server lies beside this program, if libfuse3 was there when both were built. */
static bool server_path(char path[PATH_MAX]) {
  const ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - sizeof "/fuse_file");
  if (length <= 0) {
    return false;
  }
  path[length] = '\0';
  char* slash = strrchr(path, '/');
  if (slash == NULL) {
    return false;
  }
  memcpy(slash, "/fuse_file", sizeof "/fuse_file");
  return access(path, X_OK) == 0;
}

/* Waits for the server to say that it has mounted; false if it ended instead. */
static bool wait_for_mount(int fd) {
  char text[16];
  ssize_t n;
  do {
    n = read(fd, text, sizeof text);
  } while (n < 0 && errno == EINTR);
  return n > 0;
}

static bool spawn_server(struct fuse* f, const char* path, size_t size, size_t readahead) {
  char size_text[32];
  char readahead_text[32];
  snprintf(size_text, sizeof size_text, "%zu", size);
  snprintf(readahead_text, sizeof readahead_text, "%zu", readahead);
  char* arguments[] = {(char*)path, f->directory, size_text, readahead_text, NULL};
  int out[2];
  way_must(pipe2(out, O_CLOEXEC) == 0, "pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  const int error = posix_spawn(&f->server, path, &actions, NULL, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(out[1]);
  const bool mounted = error == 0 && wait_for_mount(out[0]);
  close(out[0]);
  if (error == 0 && !mounted) {
    (void)waitpid(f->server, NULL, 0);
  }
  return mounted;
}

/* The kernel reads ahead 128 KiB at most unless the device is told otherwise, before a file is
 * opened. */
static bool allow_readahead(const struct fuse* f, size_t bytes) {
  struct stat st;
  char path[64];
  if (stat(f->directory, &st) != 0) {
    return false;
  }
  snprintf(path, sizeof path, "/sys/class/bdi/%u:%u/read_ahead_kb", major(st.st_dev),
           minor(st.st_dev));
  FILE* file = fopen(path, "we");
  if (file == NULL) {
    return false;
  }
  const bool written = fprintf(file, "%zu\n", bytes / 1024) > 0;
  return fclose(file) == 0 && written;
}

static void stop(struct way* way) {
  struct fuse* f = (struct fuse*)way;
  close(f->fd);
  kill(f->server, SIGTERM);
  (void)waitpid(f->server, NULL, 0);
  rmdir(f->directory);
  free(f->mapped);
}

static bool start(struct way* way) {
  struct fuse* f = (struct fuse*)way;
  const size_t size = way->setup.memories * way->setup.pages * WAY_PAGE;
  const size_t readahead = way->setup.answer > 1 ? way->setup.answer * WAY_PAGE : 0;
  char path[PATH_MAX];
  if (!server_path(path)) {
    return skipped("built without libfuse3");
  }
  if (access("/dev/fuse", R_OK | W_OK) != 0) {
    return skipped("/dev/fuse cannot be opened");
  }
  snprintf(f->directory, sizeof f->directory, "/tmp/zxp-bench-XXXXXX");
  way_must(mkdtemp(f->directory) != NULL, "mkdtemp");
  if (!spawn_server(f, path, size, readahead)) {
    rmdir(f->directory);
    return skipped("mounting is not allowed here (or needs fusermount3)");
  }
  if (readahead > 0 && !allow_readahead(f, readahead)) {
    printf("%s: reads ahead 128 KiB only, more needs root\n", way_fuse.name);
  }
  snprintf(path, sizeof path, "%s/file", f->directory);
  f->fd = open(path, O_RDONLY | O_CLOEXEC);
  f->mapped = calloc(way->setup.memories, sizeof *f->mapped);
  way_must(f->fd >= 0 && f->mapped != NULL, path);
  if (readahead == 0) {
    (void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_RANDOM);
  }
  return true;
}

static const unsigned char* begin(struct way* way, size_t memory) {
  struct fuse* f = (struct fuse*)way;
  const size_t size = way->setup.pages * WAY_PAGE;
  f->mapped[memory] = mmap(NULL, size, PROT_READ, MAP_SHARED, f->fd, (off_t)(memory * size));
  way_must(f->mapped[memory] != MAP_FAILED, "mmap");
  madvise(f->mapped[memory], size, way->setup.answer > 1 ? MADV_SEQUENTIAL : MADV_RANDOM);
  return f->mapped[memory];
}

static void end(struct way* way, size_t memory) {
  struct fuse* f = (struct fuse*)way;
  const size_t size = way->setup.pages * WAY_PAGE;
  munmap(f->mapped[memory], size);
  way_must(posix_fadvise(f->fd, (off_t)(memory * size), (off_t)size, POSIX_FADV_DONTNEED) == 0,
           "POSIX_FADV_DONTNEED");
}

const struct way_type way_fuse = {.name = "mapped FUSE file",
                                  .size = sizeof(struct fuse),
                                  .start = start,
                                  .begin = begin,
                                  .end = end,
                                  .stop = stop};
