/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Log topics and levels. ZXPAGER_DEBUG is read at load, so each case runs this program again with
 * the argument "levels" or "messages".
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "child.h"
/* After the headers that it needs and does not include. */
#include <cmocka.h>

/* ---- What the children do ---- */

/* The level of each topic, in the order of the enum. */
static int print_levels(void) {
  for (int t = 0; t < ZXP_TOPIC_COUNT; t++) {
    fprintf(stderr, "%d", atomic_load(&zxp_log_levels[t]));
  }
  return 0;
}

static int evaluated;

static int write_messages(void) {
  char filler[2000];
  memset(filler, 'x', sizeof filler - 1);
  filler[sizeof filler - 1] = '\0';

  errno = EDOM;
  ZXP_LOG(ZXP_TOPIC_FAULT, 1, "page %d of %s", 7, "seven");
  ZXP_LOG(ZXP_TOPIC_FAULT, 3, "not on, %d", ++evaluated);
  ZXP_LOG(ZXP_TOPIC_PORT, 1, "off, %d", ++evaluated);
  ZXP_LOG(ZXP_TOPIC_FAULT, 2, "long %s", filler);
  ZXP_LOG(ZXP_TOPIC_FAULT, 2, "last");
  return errno == EDOM && evaluated == 0 ? 0 : 1;
}

/* ---- Tests ---- */

static void assert_levels(const char* value, const char* levels) {
  const struct child_end end = child_exec("levels", "ZXPAGER_DEBUG", value);
  assert_int_equal(end.exit_code, 0);
  assert_string_equal(end.text, levels);
}

static void nothing_is_on_unless_asked_for(void** state) {
  (void)state;
  assert_levels(NULL, "0000000");
  assert_levels("", "0000000");
}

static void a_number_is_for_every_topic(void** state) {
  (void)state;
  assert_levels("2", "2222222");
  assert_levels("0", "0000000");
}

static void topics_have_levels_of_their_own(void** state) {
  (void)state;
  assert_levels("object=1,port=2,vmo=3,map=4,pager=5,fault=6,loop=7", "1234567");
  assert_levels("fault=3,pager=2", "0000230");
}

static void later_entries_win(void** state) {
  (void)state;
  assert_levels("1,port=3", "1311111");
  assert_levels("port=3,1", "1111111");
  assert_levels("port=3,port=2", "0200000");
}

static void levels_end_at_nine(void** state) {
  (void)state;
  assert_levels("9", "9999999");
  assert_levels("300", "9999999");
  assert_levels("99999999999999999999999", "9999999");
}

static void what_is_not_understood_is_passed_over(void** state) {
  (void)state;
  assert_levels("ports=3,po=2,Port=1,port=2", "0200000");
  assert_levels(",,port=2,", "0200000");
  assert_levels("port=", "0000000");
}

/* "[seconds.micros thread topic] text", one line each; a message that is off evaluates nothing,
 * and errno stays. */
static void messages_say_when_who_and_what(void** state) {
  (void)state;
  const struct child_end end = child_exec("messages", "ZXPAGER_DEBUG", "fault=2");
  assert_int_equal(end.exit_code, 0);

  long long seconds = 0;
  long long micros = 0;
  long thread = 0;
  int at = 0;
  assert_int_equal(sscanf(end.text, "[%lld.%6lld %ld fault] %n", &seconds, &micros, &thread, &at),
                   3);
  assert_true(at > 0 && thread > 0);
  assert_int_equal(strncmp(end.text + at, "page 7 of seven\n", 16), 0);
  assert_null(strstr(end.text, "not on"));
  assert_null(strstr(end.text, "off"));
}

static void a_message_too_long_is_cut_and_still_a_line(void** state) {
  (void)state;
  const struct child_end end = child_exec("messages", "ZXPAGER_DEBUG", "fault=2");
  const char* const start = strstr(end.text, "long xxx");
  assert_non_null(start);
  const size_t length = strcspn(start, "\n");
  assert_in_range(length, 400, 512);
  assert_int_equal(start[length], '\n');
  assert_int_equal(start[length + 1], '[');
  assert_int_equal(strcmp(end.text + end.length - 5, "last\n"), 0);
}

int main(int argc, char** argv) {
  if (argc == 2) {
    return strcmp(argv[1], "levels") == 0 ? print_levels() : write_messages();
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_on_unless_asked_for),
      cmocka_unit_test(a_number_is_for_every_topic),
      cmocka_unit_test(topics_have_levels_of_their_own),
      cmocka_unit_test(later_entries_win),
      cmocka_unit_test(levels_end_at_nine),
      cmocka_unit_test(what_is_not_understood_is_passed_over),
      cmocka_unit_test(messages_say_when_who_and_what),
      cmocka_unit_test(a_message_too_long_is_cut_and_still_a_line),
  };
  return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
