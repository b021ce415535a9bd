/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets from one thread to another, and waits that need not wait.
 *
 *   bench_port [ROUNDS] [--json FILE]
 *
 *   queue     a ring of as many packets as a port holds, a mutex and a condition variable, against
 *             zx_port_queue and zx_port_wait
 *   signal    locking and unlocking a free mutex, against zx_object_wait_one on a signalled event
 *
 * The ways take turns. A sample is the time of a batch, divided down to a thousand operations.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/port.h>

#include "bench.h"

#define PACKETS 200000u /* a batch of a queue */
#define WAITS   200000u /* a batch of waits */
#define ROOM    4097u   /* user packets in a port */

static void must(zx_status_t status, const char* what) {
  if (status != ZX_OK) {
    fprintf(stderr, "%s: %d\n", what, status);
    exit(1);
  }
}

static void must_be_next(uint64_t key, uint64_t expected) {
  if (key != expected) {
    fprintf(stderr, "packet %llu came as number %llu\n", (unsigned long long)key,
            (unsigned long long)expected);
    exit(1);
  }
}

/* ---- The hand-written queue ---- */

static struct {
  pthread_mutex_t lock;
  pthread_cond_t filled;
  zx_port_packet_t ring[ROOM];
  size_t head;
  size_t count;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};

static void* produce_by_hand(void* unused) {
  (void)unused;
  for (uint64_t i = 0; i < PACKETS;) {
    const zx_port_packet_t packet = {.key = i};
    bool queued = false;
    pthread_mutex_lock(&queue.lock);
    if (queue.count < ROOM) {
      queue.ring[(queue.head + queue.count++) % ROOM] = packet;
      pthread_cond_signal(&queue.filled);
      queued = true;
    }
    pthread_mutex_unlock(&queue.lock);
    if (queued) {
      i++;
    } else {
      sched_yield();
    }
  }
  return NULL;
}

static void consume_by_hand(void) {
  for (uint64_t i = 0; i < PACKETS; i++) {
    pthread_mutex_lock(&queue.lock);
    while (queue.count == 0) {
      pthread_cond_wait(&queue.filled, &queue.lock);
    }
    const zx_port_packet_t packet = queue.ring[queue.head];
    queue.head = (queue.head + 1) % ROOM;
    queue.count--;
    pthread_mutex_unlock(&queue.lock);
    must_be_next(packet.key, i);
  }
}

/* ---- The port ---- */

static zx_handle_t port;

static void* produce_to_port(void* unused) {
  (void)unused;
  for (uint64_t i = 0; i < PACKETS;) {
    const zx_port_packet_t packet = {.key = i};
    if (zx_port_queue(port, &packet) == ZX_OK) {
      i++;
    } else {
      sched_yield();
    }
  }
  return NULL;
}

static void consume_from_port(void) {
  for (uint64_t i = 0; i < PACKETS; i++) {
    zx_port_packet_t packet;
    must(zx_port_wait(port, ZX_TIME_INFINITE, &packet), "zx_port_wait");
    must_be_next(packet.key, i);
  }
}

/* ---- Measuring ---- */

static void measure_flow(void* (*produce)(void*), void (*consume)(void),
                         struct bench_samples* samples) {
  pthread_t producer;
  const uint64_t start = bench_now();
  if (pthread_create(&producer, NULL, produce, NULL) != 0) {
    fprintf(stderr, "no thread\n");
    exit(1);
  }
  consume();
  pthread_join(producer, NULL);
  bench_samples_add(samples, (bench_now() - start) * 1000 / PACKETS);
}

static void measure_mutex(struct bench_samples* samples) {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  const uint64_t start = bench_now();
  for (unsigned i = 0; i < WAITS; i++) {
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
  }
  bench_samples_add(samples, (bench_now() - start) * 1000 / WAITS);
}

static void measure_wait(zx_handle_t event, struct bench_samples* samples) {
  const uint64_t start = bench_now();
  for (unsigned i = 0; i < WAITS; i++) {
    zx_signals_t observed;
    must(zx_object_wait_one(event, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, &observed), "wait_one");
  }
  bench_samples_add(samples, (bench_now() - start) * 1000 / WAITS);
}

/* A second thread that sleeps: with one thread alone the C library locks without atomic steps. */
static void* sleep_on_event(void* event) {
  (void)zx_object_wait_one(*(zx_handle_t*)event, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, NULL);
  return NULL;
}

int main(int argc, char** argv) {
  const char* json = NULL;
  size_t rounds = 20;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
      json = argv[++i];
    } else {
      rounds = strtoul(argv[i], NULL, 10);
    }
  }
  if (rounds == 0) {
    fprintf(stderr, "usage: bench_port [ROUNDS] [--json FILE]\n");
    return 2;
  }

  zx_handle_t event;
  zx_handle_t end;
  pthread_t sleeper;
  must(zx_port_create(0, &port), "zx_port_create");
  must(zx_event_create(0, &event), "zx_event_create");
  must(zx_event_create(0, &end), "zx_event_create");
  must(zx_object_signal(event, 0, ZX_EVENT_SIGNALED), "zx_object_signal");
  if (pthread_create(&sleeper, NULL, sleep_on_event, &end) != 0) {
    fprintf(stderr, "no thread\n");
    return 1;
  }

  struct bench_samples by_hand;
  struct bench_samples by_port;
  struct bench_samples by_mutex;
  struct bench_samples by_wait;
  bench_samples_init(&by_hand, rounds);
  bench_samples_init(&by_port, rounds);
  bench_samples_init(&by_mutex, rounds);
  bench_samples_init(&by_wait, rounds);
  for (size_t i = 0; i < rounds; i++) {
    measure_flow(produce_by_hand, consume_by_hand, &by_hand);
    measure_flow(produce_to_port, consume_from_port, &by_port);
    measure_mutex(&by_mutex);
    measure_wait(event, &by_wait);
  }

  struct bench_report report;
  bench_report_init(&report, "port");
  bench_report_add(&report, "1000 packets by hand", &by_hand, NULL);
  bench_report_add(&report, "1000 packets by port", &by_port, "1000 packets by hand");
  bench_report_add(&report, "1000 free mutexes", &by_mutex, NULL);
  bench_report_add(&report, "1000 waits, signalled", &by_wait, "1000 free mutexes");
  bench_report_print(&report);

  must(zx_object_signal(end, 0, ZX_EVENT_SIGNALED), "zx_object_signal");
  pthread_join(sleeper, NULL);
  bench_samples_free(&by_hand);
  bench_samples_free(&by_port);
  bench_samples_free(&by_mutex);
  bench_samples_free(&by_wait);
  const zx_handle_t all[] = {port, event, end};
  must(zx_handle_close_many(all, 3), "zx_handle_close_many");
  return json == NULL || bench_report_write_json(&report, json) ? 0 : 1;
}
