/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parts of a test that end their process, or need one of their own.
 *
 *   child_run    calls a function in a forked child
 *   child_exec   runs the test program itself again, with an argument and an environment variable
 *
 * Both wait for the end and keep what the child wrote to standard error.
 */
#ifndef TESTS_BASE_CHILD_H_
#define TESTS_BASE_CHILD_H_

#include <stddef.h>

struct child_end {
  int exit_code; /* -1 if a signal ended it */
  int signal;    /* 0 if none did */
  size_t length; /* of `text` */
  char text[4096];
};

/* `f` returns the exit code. */
struct child_end child_run(int (*f)(void));

/* `name` is set to `value` for the child, or unset if `value` is NULL. */
struct child_end child_exec(const char* argument, const char* name, const char* value);

/* Fails the test unless `f` dies of a failed assertion, the message of which has `what` in it. */
void assert_dies(int (*f)(void), const char* what);

#endif /* TESTS_BASE_CHILD_H_ */
