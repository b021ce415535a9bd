/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

atomic_uchar zxp_log_levels[ZXP_TOPIC_COUNT];

static const char* const topic_names[ZXP_TOPIC_COUNT] = {
    [ZXP_TOPIC_OBJECT] = "object", [ZXP_TOPIC_PORT] = "port",   [ZXP_TOPIC_VMO] = "vmo",
    [ZXP_TOPIC_MAP] = "map",       [ZXP_TOPIC_PAGER] = "pager", [ZXP_TOPIC_FAULT] = "fault",
    [ZXP_TOPIC_LOOP] = "loop",
};

static void set_level(const char* name, size_t length, unsigned char level) {
  for (int t = 0; t < ZXP_TOPIC_COUNT; t++) {
    if (length == 0 ||
        (strlen(topic_names[t]) == length && memcmp(topic_names[t], name, length) == 0)) {
      atomic_store_explicit(&zxp_log_levels[t], level, memory_order_relaxed);
    }
  }
}

/* At load, so that a message which is off needs no "is it set up?" of its own. */
__attribute__((constructor)) static void read_environment(void) {
  const char* at = getenv("ZXPAGER_DEBUG");
  while (at != NULL && *at != '\0') {
    const size_t entry = strcspn(at, ",");
    const char* equals = memchr(at, '=', entry);
    const char* digits = equals == NULL ? at : equals + 1;
    const unsigned long level = strtoul(digits, NULL, 10);
    set_level(at, equals == NULL ? 0 : (size_t)(equals - at),
              (unsigned char)(level > 9 ? 9 : level));
    at += entry;
    at += *at == ',';
  }
}

void zxp_log_write(enum zxp_topic topic, const char* format, ...) {
  const int saved_errno = errno;
  char line[512];
  const zx_time_t now = zxp_clock_now();
  int n = snprintf(line, sizeof line, "[%lld.%06lld %ld %s] ", (long long)(now / 1000000000),
                   (long long)(now / 1000 % 1000000), syscall(SYS_gettid), topic_names[topic]);
  va_list args;
  va_start(args, format);
  n += vsnprintf(line + n, sizeof line - (size_t)n, format, args);
  va_end(args);
  if ((size_t)n > sizeof line - 2) {
    n = sizeof line - 2;
  }
  line[n++] = '\n';
  ssize_t ignored = write(STDERR_FILENO, line, (size_t)n);
  (void)ignored;
  errno = saved_errno;
}
