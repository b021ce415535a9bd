/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Log topics and levels, chosen by the environment variable ZXPAGER_DEBUG.
 *
 *   ZXPAGER_DEBUG=2                  every topic up to level 2
 *   ZXPAGER_DEBUG=fault=3,pager=2    by topic; later entries win
 *
 * Levels: 1 something is wrong, 2 what happens to objects, 3 every request and fault. A message
 * that is off costs one load and a branch. Messages go to stderr, one write each, with time, thread
 * and topic, and leave errno as it was.
 */
#ifndef ZXP_BASE_LOG_H_
#define ZXP_BASE_LOG_H_

#include <stdatomic.h>

enum zxp_topic {
  ZXP_TOPIC_OBJECT, /* handles, signals, waits */
  ZXP_TOPIC_PORT,   /* packets queued, taken, withdrawn */
  ZXP_TOPIC_VMO,    /* creation, sizes, page states */
  ZXP_TOPIC_MAP,    /* regions and mappings */
  ZXP_TOPIC_PAGER,  /* requests and answers */
  ZXP_TOPIC_FAULT,  /* userfaultfd messages and what became of them */
  ZXP_TOPIC_LOOP,   /* libuv side */
  ZXP_TOPIC_COUNT,
};

/* (A) the level of each topic; written once, at load. */
extern atomic_uchar zxp_log_levels[ZXP_TOPIC_COUNT];

__attribute__((format(printf, 2, 3))) void zxp_log_write(enum zxp_topic topic, const char* format,
                                                         ...);

#define ZXP_LOG(topic, level, ...)                                                                 \
  do {                                                                                             \
    if (__builtin_expect(                                                                          \
            atomic_load_explicit(&zxp_log_levels[(topic)], memory_order_relaxed) >= (level), 0)) { \
      zxp_log_write((topic), __VA_ARGS__);                                                         \
    }                                                                                              \
  } while (0)

#endif /* ZXP_BASE_LOG_H_ */
