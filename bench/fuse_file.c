/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A FUSE filesystem of one file, "file", full of one byte: the peer that way_fuse.c starts.
 *
 *   fuse_file DIRECTORY BYTES READAHEAD      READAHEAD in bytes, 0 for none
 *
 * Mounts itself at DIRECTORY, prints "mounted", and serves from one thread, as plainly as can be,
 * until SIGTERM. Content comes into a buffer of its own first, as from a disk.
 */
#define FUSE_USE_VERSION 34

#include <errno.h>
#include <fuse_lowlevel.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "way.h"

#define FILE_INODE 2
#define FOREVER    1e9 /* seconds that the kernel may remember names and attributes */

static struct {
  size_t size;
  size_t readahead;
  unsigned char* buffer;
  size_t buffer_size;
  unsigned char content[WAY_PAGE];
} served;

static struct stat attributes(fuse_ino_t inode) {
  const bool file = inode == FILE_INODE;
  return (struct stat){.st_ino = inode,
                       .st_mode = file ? S_IFREG | 0444 : S_IFDIR | 0555,
                       .st_nlink = file ? 1 : 2,
                       .st_size = file ? (off_t)served.size : 0};
}

static void on_init(void* data, struct fuse_conn_info* conn) {
  (void)data;
  /* Pipes between the device and the server pay only for what is passed on unread. */
  conn->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
  conn->max_readahead = (unsigned)served.readahead;
}

static void on_lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  struct fuse_entry_param entry = {.ino = FILE_INODE,
                                   .attr = attributes(FILE_INODE),
                                   .attr_timeout = FOREVER,
                                   .entry_timeout = FOREVER};
  if (parent != FUSE_ROOT_ID || strcmp(name, "file") != 0) {
    fuse_reply_err(request, ENOENT);
  } else {
    fuse_reply_entry(request, &entry);
  }
}

static void on_getattr(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info* info) {
  (void)info;
  const struct stat st = attributes(inode);
  fuse_reply_attr(request, &st, FOREVER);
}

static void on_open(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info* info) {
  (void)inode;
  info->keep_cache = 1;
  fuse_reply_open(request, info);
}

static void on_read(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset,
                    struct fuse_file_info* info) {
  (void)inode;
  (void)info;
  const size_t left = (size_t)offset < served.size ? served.size - (size_t)offset : 0;
  size = size < left ? size : left;
  if (size > served.buffer_size) {
    fuse_reply_err(request, EIO);
    return;
  }
  for (size_t at = 0; at < size; at += WAY_PAGE) {
    memcpy(served.buffer + at, served.content, WAY_PAGE);
  }
  fuse_reply_buf(request, (const char*)served.buffer, size);
}

static const struct fuse_lowlevel_ops operations = {
    .init = on_init, .lookup = on_lookup, .getattr = on_getattr, .open = on_open, .read = on_read};

static int serve(const char* directory) {
  static char name[] = "fuse_file";
  static char* arguments[] = {name, NULL};
  struct fuse_args args = FUSE_ARGS_INIT(1, arguments);
  struct fuse_session* session =
      fuse_session_new(&args, &operations, sizeof operations, /*userdata=*/NULL);
  if (session == NULL || fuse_set_signal_handlers(session) != 0 ||
      fuse_session_mount(session, directory) != 0) {
    return 1;
  }
  printf("mounted\n");
  fflush(stdout);
  const int status = fuse_session_loop(session) < 0;
  fuse_session_unmount(session);
  fuse_remove_signal_handlers(session);
  fuse_session_destroy(session);
  fuse_opt_free_args(&args);
  return status;
}

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: fuse_file DIRECTORY BYTES READAHEAD\n");
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGTERM); /* Nothing stays mounted if the benchmark crashes. */
  served.size = strtoull(argv[2], NULL, 10);
  served.readahead = strtoull(argv[3], NULL, 10);
  served.buffer_size = (size_t)4 << 20;
  served.buffer = aligned_alloc(WAY_PAGE, served.buffer_size);
  if (served.buffer == NULL) {
    return 1;
  }
  memset(served.content, WAY_BYTE, sizeof served.content);
  return serve(argv[1]);
}
