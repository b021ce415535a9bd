/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports, waits and handles under contention: threads queue, wait, cancel, signal, replace and close
 * at once, and every packet is delivered once or cancelled, none twice, none never. Section numbers
 * are those of objects.md. Short by default; ZXPAGER_TEST_SECONDS says how long each case is to go
 * on.
 */
#include <sched.h>
#include <stdlib.h>

#include "support.h"

enum {
  THREADS = 8
};

/* Packets or waits that one thread numbers; more than a minute's worth on any machine of today. */
#define MAX_NUMBER (1u << 24)

#define STOP_KEY UINT64_MAX

static zx_time_t end;

static void set_end(void) {
  const char* seconds = getenv("ZXPAGER_TEST_SECONDS");
  end = zx_deadline_after(seconds != NULL ? ZX_SEC(strtoll(seconds, NULL, 10)) : ZX_MSEC(300));
}

static bool time_is_up(void) { return zx_clock_get_monotonic() >= end; }

/* What became of packet or wait `number` of thread `thread`. */
enum {
  DELIVERED = 1,
  CANCELED = 2,
  MUST_ARRIVE = 4
};
static atomic_uchar* fates[THREADS];

static atomic_uint wrong; /* anything that must not happen */

static void allocate_fates(unsigned threads) {
  for (unsigned i = 0; i < threads; i++) {
    fates[i] = calloc(MAX_NUMBER, 1); /* untouched pages take no memory */
    assert_non_null(fates[i]);
  }
  atomic_store(&wrong, 0);
}

static void free_fates(unsigned threads) {
  for (unsigned i = 0; i < threads; i++) {
    free(fates[i]);
    fates[i] = NULL;
  }
}

static uint64_t make_key(uint64_t thread, uint32_t number) { return thread << 32 | number; }

static void note_delivery(uint64_t key) {
  const unsigned char before =
      atomic_fetch_or(&fates[key >> 32][key & UINT32_MAX], (unsigned char)DELIVERED);
  if ((before & (DELIVERED | CANCELED)) != 0) {
    atomic_fetch_add(&wrong, 1);
  }
}

/* A generator for each thread. */
static uint32_t next_random(uint64_t* state) {
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(*state >> 33);
}

static zx_status_t queue_with_patience(zx_handle_t port, const zx_port_packet_t* packet) {
  zx_status_t status;
  while ((status = zx_port_queue(port, packet)) == ZX_ERR_SHOULD_WAIT) {
    sched_yield(); /* full */
  }
  return status;
}

/* Each receiver ends with one of these, behind all that was queued before. */
static void stop_receivers(zx_handle_t port, struct thread* receivers, unsigned count) {
  const zx_port_packet_t stop = {.key = STOP_KEY};
  for (unsigned i = 0; i < count; i++) {
    assert_ok(queue_with_patience(port, &stop));
  }
  for (unsigned i = 0; i < count; i++) {
    assert_ok(thread_join(&receivers[i]));
  }
}

/* ---- User packets ---- */

enum {
  PRODUCERS = 4,
  RECEIVERS = 4
};

static zx_handle_t port;

struct producer {
  uint64_t index;
  uint32_t queued;
};

static zx_status_t produce(void* argument) {
  struct producer* p = argument;
  while (p->queued < MAX_NUMBER && !time_is_up()) {
    zx_port_packet_t packet = {.key = make_key(p->index, p->queued)};
    packet.user.u64[3] = ~packet.key;
    const zx_status_t status = queue_with_patience(port, &packet);
    if (status != ZX_OK) {
      return status;
    }
    p->queued++;
  }
  return ZX_OK;
}

static zx_status_t receive_user(void* argument) {
  (void)argument;
  uint32_t next[PRODUCERS] = {0}; /* a number that a producer's next packet is not below */
  for (;;) {
    zx_port_packet_t packet;
    const zx_status_t status = zx_port_wait(port, ZX_TIME_INFINITE, &packet);
    if (status != ZX_OK) {
      return status;
    }
    if (packet.key == STOP_KEY) {
      return ZX_OK;
    }
    const uint64_t from = packet.key >> 32;
    const uint32_t number = (uint32_t)packet.key;
    if (from >= PRODUCERS || packet.user.u64[3] != ~packet.key || number < next[from]) {
      return ZX_ERR_IO_DATA_INTEGRITY;
    }
    next[from] = number + 1;
    note_delivery(packet.key);
  }
}

/* 8.3 */
static void every_user_packet_is_delivered_once_and_in_order(void** state) {
  (void)state;
  struct producer producers[PRODUCERS];
  struct thread queueing[PRODUCERS];
  struct thread receiving[RECEIVERS];
  port = make_port();
  allocate_fates(PRODUCERS);
  set_end();
  for (int i = 0; i < RECEIVERS; i++) {
    thread_start(&receiving[i], receive_user, NULL);
  }
  for (unsigned i = 0; i < PRODUCERS; i++) {
    producers[i] = (struct producer){.index = i};
    thread_start(&queueing[i], produce, &producers[i]);
  }
  for (int i = 0; i < PRODUCERS; i++) {
    assert_ok(thread_join(&queueing[i]));
  }
  stop_receivers(port, receiving, RECEIVERS);
  unsigned long total = 0;
  for (unsigned i = 0; i < PRODUCERS; i++) {
    for (uint32_t number = 0; number < producers[i].queued; number++) {
      assert_int_equal(fates[i][number], DELIVERED);
    }
    total += producers[i].queued;
  }
  assert_int_equal(atomic_load(&wrong), 0);
  assert_port_empty(port);
  close_handle(port);
  free_fates(PRODUCERS);
  print_message("%lu packets\n", total);
}

/* ---- Registered waits ---- */

/*
 * Three threads register waits, and end them by cancel, cancel_key, or by closing or replacing the
 * handle; two signal; two receive; one queues user packets in between and cancels some.
 */
enum {
  REGISTRARS = 3,
  SIGNALLERS = 2,
  WAIT_RECEIVERS = 2,
  EVENTS = 3,
  USER_INDEX = REGISTRARS
};

static zx_handle_t events[EVENTS];

struct registrar {
  uint64_t index;
  uint32_t registered;
  uint32_t canceled;
};

static zx_status_t end_wait(struct registrar* r, zx_handle_t handle, uint64_t* random) {
  const uint64_t key = make_key(r->index, r->registered);
  atomic_uchar* fate = &fates[r->index][r->registered];
  zx_status_t status;
  bool must_arrive = true; /* unless a cancel finds it */
  switch (next_random(random) % 4) {
    case 0:
      status = zx_port_cancel(port, handle, key);
      break;
    case 1:
      status = zx_port_cancel_key(port, 0, key);
      break;
    case 2:
      /* The old value's waits vanish; the new one has none to cancel. A queued packet stays. */
      status = zx_handle_replace(handle, ZX_RIGHT_SAME_RIGHTS, &handle);
      if (status != ZX_OK) {
        return status;
      }
      status = zx_port_cancel(port, handle, key);
      must_arrive = false;
      break;
    default:
      status = ZX_ERR_NOT_FOUND; /* the handle is closed while it waits */
      must_arrive = false;
      break;
  }
  if (status == ZX_OK) {
    r->canceled++;
    if ((atomic_fetch_or(fate, (unsigned char)CANCELED) & DELIVERED) != 0) {
      atomic_fetch_add(&wrong, 1);
    }
  } else if (status != ZX_ERR_NOT_FOUND) {
    return status;
  } else if (must_arrive) {
    atomic_fetch_or(fate, (unsigned char)MUST_ARRIVE);
  }
  return zx_handle_close(handle);
}

static zx_status_t register_and_end(void* argument) {
  struct registrar* r = argument;
  uint64_t random = r->index + 1;
  while (r->registered < MAX_NUMBER && !time_is_up()) {
    zx_handle_t handle;
    zx_status_t status =
        zx_handle_duplicate(events[next_random(&random) % EVENTS], ZX_RIGHT_SAME_RIGHTS, &handle);
    if (status == ZX_OK) {
      status = zx_object_wait_async(handle, port, make_key(r->index, r->registered),
                                    ZX_USER_SIGNAL_0 << (next_random(&random) % 2),
                                    next_random(&random) % 2 != 0 ? ZX_WAIT_ASYNC_EDGE : 0);
    }
    if (next_random(&random) % 4 == 0) {
      sched_yield(); /* let a match come in between */
    }
    if (status == ZX_OK) {
      status = end_wait(r, handle, &random);
    }
    if (status != ZX_OK) {
      return status;
    }
    r->registered++;
  }
  return ZX_OK;
}

static zx_status_t signal_events(void* argument) {
  uint64_t random = (uint64_t)(uintptr_t)argument;
  while (!time_is_up()) {
    const zx_signals_t bit = ZX_USER_SIGNAL_0 << (next_random(&random) % 2);
    const zx_handle_t event = events[next_random(&random) % EVENTS];
    const bool set = next_random(&random) % 2 != 0;
    const zx_status_t status = zx_object_signal(event, set ? 0 : bit, set ? bit : 0);
    if (status != ZX_OK) {
      return status;
    }
  }
  return ZX_OK;
}

static zx_status_t queue_and_cancel(void* argument) {
  struct registrar* r = argument;
  while (r->registered < MAX_NUMBER && !time_is_up()) {
    const zx_port_packet_t packet = {.key = make_key(r->index, r->registered)};
    atomic_uchar* fate = &fates[r->index][r->registered];
    zx_status_t status = queue_with_patience(port, &packet);
    if (status != ZX_OK) {
      return status;
    }
    status = r->registered % 2 != 0 ? zx_port_cancel_key(port, 0, packet.key) : ZX_ERR_NOT_FOUND;
    if (status == ZX_OK) {
      r->canceled++;
      if ((atomic_fetch_or(fate, (unsigned char)CANCELED) & DELIVERED) != 0) {
        atomic_fetch_add(&wrong, 1);
      }
    } else {
      atomic_fetch_or(fate, (unsigned char)MUST_ARRIVE);
    }
    r->registered++;
  }
  return ZX_OK;
}

static zx_status_t receive_any(void* argument) {
  (void)argument;
  for (;;) {
    zx_port_packet_t packet;
    const zx_status_t status = zx_port_wait(port, ZX_TIME_INFINITE, &packet);
    if (status != ZX_OK) {
      return status;
    }
    if (packet.key == STOP_KEY) {
      return ZX_OK;
    }
    const bool user = packet.key >> 32 == USER_INDEX;
    if (packet.type != (user ? ZX_PKT_TYPE_USER : ZX_PKT_TYPE_SIGNAL_ONE) ||
        (!user && (packet.signal.observed & packet.signal.trigger) == 0)) {
      return ZX_ERR_IO_DATA_INTEGRITY;
    }
    note_delivery(packet.key);
  }
}

/* 8.4, 7.7 */
static void every_wait_is_delivered_once_or_cancelled(void** state) {
  (void)state;
  struct registrar registrars[REGISTRARS + 1];
  struct thread threads[REGISTRARS + 1 + SIGNALLERS];
  struct thread receivers[WAIT_RECEIVERS];
  unsigned started = 0;
  port = make_port();
  for (int i = 0; i < EVENTS; i++) {
    events[i] = make_event();
  }
  allocate_fates(REGISTRARS + 1);
  set_end();
  for (int i = 0; i < WAIT_RECEIVERS; i++) {
    thread_start(&receivers[i], receive_any, NULL);
  }
  for (unsigned i = 0; i <= REGISTRARS; i++) {
    registrars[i] = (struct registrar){.index = i};
    thread_start(&threads[started++], i == USER_INDEX ? queue_and_cancel : register_and_end,
                 &registrars[i]);
  }
  for (uintptr_t i = 0; i < SIGNALLERS; i++) {
    thread_start(&threads[started++], signal_events, (void*)(i + 100));
  }
  for (unsigned i = 0; i < started; i++) {
    assert_ok(thread_join(&threads[i]));
  }
  stop_receivers(port, receivers, WAIT_RECEIVERS);

  unsigned long delivered = 0;
  unsigned long canceled = 0;
  for (unsigned i = 0; i <= REGISTRARS; i++) {
    for (uint32_t number = 0; number < registrars[i].registered; number++) {
      const unsigned char fate = fates[i][number];
      /* Delivered, cancelled, or vanished with its handle; one that no cancel found has arrived. */
      assert_true(fate == DELIVERED || fate == CANCELED || fate == 0 ||
                  fate == (DELIVERED | MUST_ARRIVE));
      delivered += (fate & DELIVERED) != 0;
    }
    canceled += registrars[i].canceled;
  }
  assert_int_equal(atomic_load(&wrong), 0);
  assert_true(delivered > 0 && canceled > 0);
  assert_port_empty(port);
  for (int i = 0; i < EVENTS; i++) {
    assert_int_equal(count_handles(events[i]), 1);
    close_handle(events[i]);
  }
  close_handle(port);
  free_fates(REGISTRARS + 1);
  print_message("%lu delivered, %lu cancelled\n", delivered, canceled);
}

/* ---- Everything closes under everybody ---- */

static _Atomic zx_handle_t shared_event;
static _Atomic zx_handle_t shared_port;

static bool expected(zx_status_t status, zx_status_t also) {
  return status == ZX_OK || status == ZX_ERR_BAD_HANDLE || status == also;
}

static zx_status_t use_shared(void* argument) {
  uint64_t random = (uint64_t)(uintptr_t)argument;
  while (!time_is_up()) {
    const zx_handle_t event = atomic_load(&shared_event);
    const zx_handle_t other = atomic_load(&shared_port);
    const zx_time_t soon = zx_deadline_after(ZX_USEC(next_random(&random) % 50));
    const zx_port_packet_t packet = {.key = 1};
    zx_port_packet_t taken;
    zx_signals_t observed = 0;
    zx_status_t status;
    bool fine = false;
    switch (next_random(&random) % 7) {
      case 0:
        status = zx_object_wait_one(event, ZX_USER_SIGNAL_0, soon, &observed);
        fine = (status == ZX_OK && (observed & ZX_USER_SIGNAL_0) != 0) ||
               (status == ZX_ERR_CANCELED && (observed & ZX_SIGNAL_HANDLE_CLOSED) != 0) ||
               status == ZX_ERR_TIMED_OUT || status == ZX_ERR_BAD_HANDLE;
        break;
      case 1: {
        zx_wait_item_t items[2] = {{event, ZX_USER_SIGNAL_0, 0}, {event, ZX_USER_SIGNAL_1, 0}};
        status = zx_object_wait_many(items, 2, soon);
        fine = expected(status, ZX_ERR_TIMED_OUT) || status == ZX_ERR_CANCELED;
        break;
      }
      case 2:
        fine = expected(zx_object_wait_async(event, other, next_random(&random) % 4,
                                             ZX_USER_SIGNAL_0, ZX_WAIT_ASYNC_EDGE),
                        ZX_OK);
        break;
      case 3:
        fine = expected(zx_port_wait(other, soon, &taken), ZX_ERR_TIMED_OUT);
        break;
      case 4:
        fine = expected(zx_port_queue(other, &packet), ZX_ERR_SHOULD_WAIT);
        break;
      case 5:
        fine = expected(next_random(&random) % 2 != 0
                            ? zx_port_cancel(other, event, next_random(&random) % 4)
                            : zx_port_cancel_key(other, 0, next_random(&random) % 4),
                        ZX_ERR_NOT_FOUND);
        break;
      default:
        fine = expected(zx_object_signal(event, ZX_USER_SIGNAL_0, 0), ZX_OK) &&
               expected(zx_object_signal(event, 0, ZX_USER_SIGNAL_0), ZX_OK);
        break;
    }
    if (!fine) {
      return ZX_ERR_BAD_STATE;
    }
  }
  return ZX_OK;
}

/* Gives the others a new object every now and then, and takes the old one away from them. */
static zx_status_t exchange(void* argument) {
  uint64_t random = (uint64_t)(uintptr_t)argument;
  while (!time_is_up()) {
    const bool event = next_random(&random) % 2 != 0;
    _Atomic zx_handle_t* shared = event ? &shared_event : &shared_port;
    zx_handle_t made;
    zx_status_t status;
    if (next_random(&random) % 3 == 0) {
      status = zx_handle_replace(atomic_load(shared), ZX_RIGHT_SAME_RIGHTS, &made);
      atomic_store(shared, made);
    } else {
      status = event ? zx_event_create(0, &made) : zx_port_create(0, &made);
      if (status == ZX_OK) {
        status = zx_handle_close(atomic_exchange(shared, made));
      }
    }
    if (status != ZX_OK) {
      return status;
    }
    if (next_random(&random) % 4 == 0) {
      sched_yield();
    }
  }
  return ZX_OK;
}

/* 2.5, 8.6 */
static void objects_close_under_everybody(void** state) {
  (void)state;
  struct thread threads[THREADS];
  atomic_store(&shared_event, make_event());
  atomic_store(&shared_port, make_port());
  set_end();
  for (uintptr_t i = 0; i < THREADS; i++) {
    thread_start(&threads[i], i == 0 ? exchange : use_shared, (void*)(i + 1));
  }
  for (int i = 0; i < THREADS; i++) {
    assert_ok(thread_join(&threads[i]));
  }
  close_handle(atomic_load(&shared_event));
  close_handle(atomic_load(&shared_port));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_user_packet_is_delivered_once_and_in_order),
      cmocka_unit_test(every_wait_is_delivered_once_or_cancelled),
      cmocka_unit_test(objects_close_under_everybody),
  };
  return cmocka_run_group_tests_name("contention", tests, NULL, NULL);
}
