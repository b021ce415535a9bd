/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * filepager --write, killed at random moments: what it had reported as written back is in the file.
 *
 *   test_filepager_write PROGRAM
 *
 * The moments are counted in the journal's writes, so that they lie inside of the work on a machine
 * of any speed; ZXP_SEED chooses them, ZXP_ROUNDS how many.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
/* After the headers that it needs and does not include. */
#include <cmocka.h>

#include "blocks.h"
#include "journal.h"
#include "random.h"

#define ROUNDS 20

/* Milliseconds without a sign of life after which the program hangs. */
#define PATIENCE_MS 30000

static const char* program;
static char directory[256];
static char file_name[300];
static char journal_name[300];

/* ---- Files ---- */

static int make_directory(void** state) {
  (void)state;
  const char* where = getenv("TMPDIR");
  snprintf(directory, sizeof directory, "%s/filepager-XXXXXX", where != NULL ? where : "/tmp");
  if (mkdtemp(directory) == NULL) {
    return -1;
  }
  snprintf(file_name, sizeof file_name, "%s/file", directory);
  snprintf(journal_name, sizeof journal_name, "%s/journal", directory);
  return 0;
}

static int remove_files(void** state) {
  (void)state;
  unlink(file_name);
  unlink(journal_name);
  return 0;
}

static int remove_directory(void** state) {
  (void)state;
  return rmdir(directory);
}

static int open_or_fail(const char* name, int flags) {
  const int fd = open(name, flags | O_CLOEXEC, 0644);
  if (fd < 0) {
    fail_msg("%s: %s", name, strerror(errno));
  }
  return fd;
}

/* ---- The program ---- */

static pid_t start(const char* const* arguments) {
  posix_spawn_file_actions_t actions;
  pid_t pid = -1;
  fflush(NULL);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  assert_int_equal(posix_spawn(&pid, program, &actions, NULL, (char* const*)arguments, environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

/* How it ended, as waitpid tells. */
static int wait_for_end(pid_t pid) {
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return status;
}

/* Waits until `watch` has told of so many changes, or the program has ended. False: neither
 * came. */
static bool wait_for_changes(int watch, pid_t pid, uint64_t changes) {
  const int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  struct pollfd fds[2] = {{.fd = watch, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
  bool good = true;
  while (changes > 0 && good && fds[1].revents == 0) {
    good = poll(fds, 2, PATIENCE_MS) > 0;
    struct inotify_event event;
    if (good && fds[0].revents != 0 && read(watch, &event, sizeof event) == (ssize_t)sizeof event) {
      changes--;
    }
  }
  close(pidfd);
  return good;
}

/* A moment between two of those that can be waited for. */
static void pass_time(struct rng* rng, uint64_t most_us) {
  const struct timespec t = {.tv_nsec = (long)(rng_below(rng, most_us) * 1000)};
  nanosleep(&t, NULL);
}

static void check_promises(uint64_t seed, uint64_t round, struct journal_result* result) {
  const int journal = open_or_fail(journal_name, O_RDONLY);
  const int file = open_or_fail(file_name, O_RDONLY | O_CREAT);
  if (!journal_check(journal, file, result)) {
    fail_msg("ZXP_SEED=%llu, round %llu: %s", (unsigned long long)seed, (unsigned long long)round,
             result->problem);
  }
  close(file);
  close(journal);
}

/* Starts the program on the files, and kills it some time later. */
static void kill_once(struct rng* rng) {
  static const char* const sizes[] = {"40K", "256K", "1M", "4M"};
  char threads[16];
  char seed[32];
  snprintf(threads, sizeof threads, "%d", 1 + (int)rng_below(rng, 6));
  snprintf(seed, sizeof seed, "%llu", (unsigned long long)(rng_next(rng) >> 1));
  const char* const arguments[] = {
      program,     "--write",    "--seconds", "60",     "--threads",
      threads,     "--seed",     seed,        "--size", sizes[rng_below(rng, 4)],
      "--journal", journal_name, file_name,   NULL};
  const int watch = inotify_init1(IN_CLOEXEC);
  assert_true(watch >= 0);
  close(open_or_fail(journal_name, O_RDWR | O_CREAT));
  assert_true(inotify_add_watch(watch, journal_name, IN_MODIFY) >= 0);

  const pid_t pid = start(arguments);
  /* Now and then while it starts, before or while it looks at what there is. */
  const bool early = rng_one_in(rng, 6);
  const bool alive = early || wait_for_changes(watch, pid, 1 + rng_below(rng, 60));
  pass_time(rng, early ? 20000 : 3000);
  kill(pid, SIGKILL);
  const int status = wait_for_end(pid);
  close(watch);
  assert_true(alive);
  if (!WIFSIGNALED(status)) {
    fail_msg("the program ended by itself with status %d", WEXITSTATUS(status));
  }
  assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* writeback.md 5.4, 5.5, 8.7 rule 6: a page is clean only if the pager was given all that was in
 * it. */
static void test_killed_at_any_moment_it_has_lost_nothing_reported(void** state) {
  (void)state;
  const uint64_t seed = random_seed();
  const uint64_t rounds = random_rounds(ROUNDS);
  uint64_t with_promises = 0;
  struct journal_result result = {0};
  for (uint64_t round = 0; round < rounds; round++) {
    struct rng rng = rng_start(seed + round);
    kill_once(&rng);
    check_promises(seed, round, &result);
    with_promises += result.promised > 0;
  }
  print_message("%llu rounds, %llu of them with blocks to lose; %llu records, %llu sizes\n",
                (unsigned long long)rounds, (unsigned long long)with_promises,
                (unsigned long long)result.records, (unsigned long long)result.resizes);
  assert_true(with_promises > 0);

  /* It can still go on from there to a proper end. */
  const char* const arguments[] = {program, "--write",   "--seconds",  "1",       "--size",
                                   "1M",    "--journal", journal_name, file_name, NULL};
  const int status = wait_for_end(start(arguments));
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  check_promises(seed, rounds, &result);
}

/* A file that somebody else made is not written to. */
static void test_a_file_of_another_kind_is_left_alone(void** state) {
  (void)state;
  char content[2 * BLOCK_SIZE];
  memset(content, 'x', sizeof content);
  const int fd = open_or_fail(file_name, O_RDWR | O_CREAT);
  assert_int_equal(write(fd, content, sizeof content), sizeof content);
  const char* const arguments[] = {program, "--write", "--seconds", "1", file_name, NULL};
  const int status = wait_for_end(start(arguments));
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 1);
  char after[sizeof content + 1];
  assert_int_equal(pread(fd, after, sizeof after, 0), sizeof content);
  assert_memory_equal(after, content, sizeof content);
  close(fd);
}

/* ---- The check itself ---- */

/* A file of `count` blocks of generation 5, all promised. */
static int make_promised_file(struct journal* j, uint64_t count) {
  const int fd = open_or_fail(file_name, O_RDWR | O_CREAT | O_TRUNC);
  unlink(journal_name);
  assert_true(journal_open(j, journal_name));
  journal_add(j, JOURNAL_SIZE, count, 0, 0);
  for (uint64_t b = 0; b < count; b++) {
    uint64_t words[BLOCK_WORDS];
    block_fill(b, 5, words);
    assert_int_equal(pwrite(fd, words, sizeof words, (off_t)(b * BLOCK_SIZE)), sizeof words);
    journal_add(j, JOURNAL_DATA, b, 5, 5);
  }
  return fd;
}

static void set_word(int fd, uint64_t block, unsigned place, uint64_t word) {
  const off_t at = (off_t)(block * BLOCK_SIZE + place * sizeof word);
  assert_int_equal(pwrite(fd, &word, sizeof word, at), sizeof word);
}

/* Ends the use of both. */
static bool holds(struct journal* j, int fd) {
  struct journal_result result;
  assert_true(journal_flush(j));
  const bool good = journal_check(j->fd, fd, &result);
  assert_int_equal(good, result.problem[0] == '\0');
  journal_close(j);
  close(fd);
  return good;
}

static void test_check_accepts_what_was_promised(void** state) {
  (void)state;
  struct journal j;
  const int fd = make_promised_file(&j, 20);
  assert_true(holds(&j, fd));
}

static void test_check_accepts_a_newer_word(void** state) {
  (void)state;
  struct journal j;
  const int fd = make_promised_file(&j, 20);
  set_word(fd, 7, 3, block_word(7, 3, 6));
  assert_true(holds(&j, fd));
}

static void test_check_notices_an_older_word(void** state) {
  (void)state;
  struct journal j;
  const int fd = make_promised_file(&j, 20);
  set_word(fd, 7, 63, block_word(7, 63, 4));
  assert_false(holds(&j, fd));
}

static void test_check_notices_a_zero(void** state) {
  (void)state;
  struct journal j;
  const int fd = make_promised_file(&j, 20);
  set_word(fd, 19, 0, 0);
  assert_false(holds(&j, fd));
}

static void test_check_notices_a_word_of_elsewhere(void** state) {
  (void)state;
  struct journal j;
  const int fd = make_promised_file(&j, 20);
  set_word(fd, 7, 3, block_word(7, 4, 6));
  assert_false(holds(&j, fd));
}

static void test_check_notices_a_shorter_file(void** state) {
  (void)state;
  struct journal j;
  const int fd = make_promised_file(&j, 20);
  assert_int_equal(ftruncate(fd, 19 * BLOCK_SIZE), 0);
  assert_false(holds(&j, fd));
}

static void test_check_accepts_a_file_that_was_about_to_be_cut(void** state) {
  (void)state;
  struct journal j;
  const int fd = make_promised_file(&j, 20);
  journal_add(&j, JOURNAL_SIZE_SOON, 19, 0, 0);
  assert_int_equal(ftruncate(fd, 19 * BLOCK_SIZE), 0);
  assert_true(holds(&j, fd));
}

static void test_check_notices_what_comes_back_after_a_cut(void** state) {
  (void)state;
  struct journal j;
  const int fd = make_promised_file(&j, 20);
  journal_add(&j, JOURNAL_SIZE, 10, 0, 0);
  journal_add(&j, JOURNAL_SIZE, 20, 0, 0);
  assert_false(holds(&j, fd));
}

static void test_check_accepts_zeros_it_was_warned_of(void** state) {
  (void)state;
  struct journal j;
  const int fd = make_promised_file(&j, 20);
  journal_add(&j, JOURNAL_ZERO_SOON, 3, 2, 0);
  set_word(fd, 3, 0, 0);
  set_word(fd, 4, 63, 0);
  assert_true(holds(&j, fd));
}

static void test_check_notices_a_zero_beside_those_it_was_warned_of(void** state) {
  (void)state;
  struct journal j;
  const int fd = make_promised_file(&j, 20);
  journal_add(&j, JOURNAL_ZERO_SOON, 3, 2, 0);
  set_word(fd, 5, 0, 0);
  assert_false(holds(&j, fd));
}

static void test_check_notices_data_where_zeros_were_promised(void** state) {
  (void)state;
  struct journal j;
  const int fd = make_promised_file(&j, 20);
  journal_add(&j, JOURNAL_ZERO, 3, 1, 0);
  assert_false(holds(&j, fd));
}

/* A kill can fall between two bytes of the journal. */
static void test_journal_goes_on_after_a_part_of_a_record(void** state) {
  (void)state;
  struct journal j;
  int fd = make_promised_file(&j, 20);
  assert_true(journal_flush(&j));
  assert_int_equal(write(j.fd, "abc", 3), 3);
  assert_true(holds(&j, fd));
  assert_true(journal_open(&j, journal_name));
  fd = open_or_fail(file_name, O_RDWR);
  journal_add(&j, JOURNAL_DATA, 0, 6, 6);
  assert_false(holds(&j, fd));
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(test_check_accepts_what_was_promised, remove_files),
      cmocka_unit_test_teardown(test_check_accepts_a_newer_word, remove_files),
      cmocka_unit_test_teardown(test_check_notices_an_older_word, remove_files),
      cmocka_unit_test_teardown(test_check_notices_a_zero, remove_files),
      cmocka_unit_test_teardown(test_check_notices_a_word_of_elsewhere, remove_files),
      cmocka_unit_test_teardown(test_check_notices_a_shorter_file, remove_files),
      cmocka_unit_test_teardown(test_check_accepts_a_file_that_was_about_to_be_cut, remove_files),
      cmocka_unit_test_teardown(test_check_notices_what_comes_back_after_a_cut, remove_files),
      cmocka_unit_test_teardown(test_check_accepts_zeros_it_was_warned_of, remove_files),
      cmocka_unit_test_teardown(test_check_notices_a_zero_beside_those_it_was_warned_of,
                                remove_files),
      cmocka_unit_test_teardown(test_check_notices_data_where_zeros_were_promised, remove_files),
      cmocka_unit_test_teardown(test_journal_goes_on_after_a_part_of_a_record, remove_files),
      cmocka_unit_test_teardown(test_a_file_of_another_kind_is_left_alone, remove_files),
      cmocka_unit_test_teardown(test_killed_at_any_moment_it_has_lost_nothing_reported,
                                remove_files),
  };
  if (argc != 2) {
    fprintf(stderr, "usage: test_filepager_write PROGRAM\n");
    return 2;
  }
  program = argv[1];
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
