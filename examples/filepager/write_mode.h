/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * filepager --write: threads change a file through its VMO while a task on the loop writes it back.
 *
 * The main thread runs the loop, with the pager (store.h) and the writeback (writeback.h) on it;
 * other threads write and resize (writers.h). At the end all is written back, and the file is held
 * against what was written.
 *
 * With a journal the program may be killed at any moment: started again on the same file and
 * journal, it first looks whether everything that was reported as written back is there.
 */
#ifndef EXAMPLES_FILEPAGER_WRITE_MODE_H_
#define EXAMPLES_FILEPAGER_WRITE_MODE_H_

#include <stdint.h>

#define WRITE_MAX_THREADS 64

struct write_options {
  const char* path;    /* NULL: a file of our own */
  const char* journal; /* NULL: none */
  uint64_t size;       /* the most that the file grows to, in bytes */
  unsigned threads;
  unsigned seconds;
  uint64_t seed;
};

/* The exit status. */
int write_mode(const struct write_options* options);

#endif /* EXAMPLES_FILEPAGER_WRITE_MODE_H_ */
