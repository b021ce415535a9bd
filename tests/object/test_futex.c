/* SPDX-License-Identifier: BSD-3-Clause */
/* Futexes. Section numbers are those of objects.md. */
#include <signal.h>
#include <zircon/process.h>

#include "support.h"

static zx_futex_t word;
static zx_futex_t other;

struct wait {
  const zx_futex_t* word;
  int current;
  zx_handle_t owner;
  zx_time_t deadline;
  zx_handle_t self; /* a duplicate of the thread's own handle, if `want_self` */
  bool want_self;
  atomic_int order; /* which to be woken, from 1 on */
};

static atomic_int woken;

static zx_status_t wait_on(void* argument) {
  struct wait* w = argument;
  if (w->want_self) {
    const zx_status_t status =
        zx_handle_duplicate(zx_thread_self(), ZX_RIGHT_SAME_RIGHTS, &w->self);
    if (status != ZX_OK) {
      return status;
    }
  }
  const zx_status_t status = zx_futex_wait(w->word, w->current, w->owner, w->deadline);
  atomic_store(&w->order, atomic_fetch_add(&woken, 1) + 1);
  return status;
}

/* Starts threads that wait for a word, one after the other, and returns when all are asleep. */
static void start_waits(struct thread* threads, struct wait* waits, int count,
                        const zx_futex_t* on) {
  atomic_store(&woken, 0);
  for (int i = 0; i < count; i++) {
    waits[i] = (struct wait){.word = on, .current = *on, .deadline = ZX_TIME_INFINITE};
    thread_start(&threads[i], wait_on, &waits[i]);
    thread_await_blocked(&threads[i]);
  }
}

static const zx_futex_t* misaligned(const zx_futex_t* w) {
  return (const zx_futex_t*)(const void*)((const char*)w + 1);
}

/* 13 */
static void wait_checks_in_order(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  atomic_store(&word, 5);
  assert_status(zx_futex_wait(NULL, 5, dead_handle(), 0), ZX_ERR_INVALID_ARGS);
  assert_status(zx_futex_wait(misaligned(&word), 5, dead_handle(), 0), ZX_ERR_INVALID_ARGS);
  assert_status(zx_futex_wait(&word, 6, dead_handle(), 0), ZX_ERR_BAD_STATE);
  assert_status(zx_futex_wait(&word, 5, dead_handle(), 0), ZX_ERR_BAD_HANDLE);
  assert_status(zx_futex_wait(&word, 5, event, 0), ZX_ERR_WRONG_TYPE);
  assert_status(zx_futex_wait(&word, 5, zx_thread_self(), 0), ZX_ERR_INVALID_ARGS);
  assert_status(zx_futex_wait(&word, 5, ZX_HANDLE_INVALID, 0), ZX_ERR_TIMED_OUT);
  close_handle(event);
}

/* 13, 1.6 */
static void wait_times_out_not_before_its_deadline(void** state) {
  (void)state;
  const zx_time_t past[] = {0, -1, ZX_TIME_INFINITE_PAST, 1};
  atomic_store(&word, 5);
  for (size_t i = 0; i < 4; i++) {
    assert_status(zx_futex_wait(&word, 5, ZX_HANDLE_INVALID, past[i]), ZX_ERR_TIMED_OUT);
  }
  const zx_time_t deadline = zx_deadline_after(ZX_MSEC(3));
  assert_status(zx_futex_wait(&word, 5, ZX_HANDLE_INVALID, deadline), ZX_ERR_TIMED_OUT);
  assert_true(zx_clock_get_monotonic() >= deadline);
}

/* 13 */
static void wake_checks_its_pointer(void** state) {
  (void)state;
  assert_status(zx_futex_wake(NULL, 1), ZX_ERR_INVALID_ARGS);
  assert_status(zx_futex_wake(misaligned(&word), 1), ZX_ERR_INVALID_ARGS);
  assert_ok(zx_futex_wake(&word, 1)); /* nobody waits */
  assert_ok(zx_futex_wake(&word, 0));
  assert_ok(zx_futex_wake(&word, UINT32_MAX));
  assert_status(zx_futex_wake_single_owner(NULL), ZX_ERR_INVALID_ARGS);
  assert_status(zx_futex_wake_single_owner(misaligned(&word)), ZX_ERR_INVALID_ARGS);
  assert_ok(zx_futex_wake_single_owner(&word));
}

/* 13 */
static void wake_takes_the_longest_waiting_first(void** state) {
  (void)state;
  struct thread threads[5];
  struct wait waits[5];
  start_waits(threads, waits, 5, &word);
  assert_ok(zx_futex_wake(&word, 0));
  assert_int_equal(atomic_load(&woken), 0);
  for (int i = 0; i < 3; i++) {
    assert_ok(zx_futex_wake(&word, 1));
    assert_ok(thread_join(&threads[i]));
    assert_int_equal(atomic_load(&waits[i].order), i + 1);
    assert_int_equal(atomic_load(&woken), i + 1);
  }
  assert_ok(zx_futex_wake(&word, 1000));
  assert_ok(thread_join(&threads[3]));
  assert_ok(thread_join(&threads[4]));
}

/* 13: the address is the identity */
static void wake_of_another_word_wakes_nobody(void** state) {
  (void)state;
  struct thread thread;
  struct wait wait;
  start_waits(&thread, &wait, 1, &word);
  assert_ok(zx_futex_wake(&other, 1));
  assert_ok(zx_futex_wake(&word + 1, 1));
  thread_await_blocked(&thread);
  assert_int_equal(atomic_load(&woken), 0);
  assert_ok(zx_futex_wake(&word, 1));
  assert_ok(thread_join(&thread));
}

/* 13 */
static void requeue_checks_in_order(void** state) {
  (void)state;
  const zx_handle_t event = make_event();
  const zx_handle_t dead = dead_handle();
  atomic_store(&word, 5);
  assert_status(zx_futex_requeue(NULL, 1, 6, &other, 1, dead), ZX_ERR_INVALID_ARGS);
  assert_status(zx_futex_requeue(misaligned(&word), 1, 6, &other, 1, dead), ZX_ERR_INVALID_ARGS);
  assert_status(zx_futex_requeue(&word, 1, 6, NULL, 1, dead), ZX_ERR_INVALID_ARGS);
  assert_status(zx_futex_requeue(&word, 1, 6, misaligned(&other), 1, dead), ZX_ERR_INVALID_ARGS);
  assert_status(zx_futex_requeue(&word, 1, 6, &word, 1, dead), ZX_ERR_INVALID_ARGS);
  assert_status(zx_futex_requeue(&word, 1, 6, &other, 1, dead), ZX_ERR_BAD_STATE);
  assert_status(zx_futex_requeue(&word, 1, 5, &other, 1, dead), ZX_ERR_BAD_HANDLE);
  assert_status(zx_futex_requeue(&word, 1, 5, &other, 1, event), ZX_ERR_WRONG_TYPE);
  assert_ok(zx_futex_requeue(&word, 1, 5, &other, 1, ZX_HANDLE_INVALID));
  assert_status(zx_futex_requeue_single_owner(&word, 6, &other, 1, dead), ZX_ERR_BAD_STATE);
  assert_status(zx_futex_requeue_single_owner(&word, 5, &word, 1, dead), ZX_ERR_INVALID_ARGS);
  assert_ok(zx_futex_requeue_single_owner(&word, 5, &other, 1, zx_thread_self()));
  close_handle(event);
}

/* 13 */
static void requeue_wakes_some_and_moves_some(void** state) {
  (void)state;
  struct thread threads[6];
  struct wait waits[6];
  start_waits(threads, waits, 6, &word);
  assert_ok(zx_futex_requeue(&word, 2, atomic_load(&word), &other, 3, ZX_HANDLE_INVALID));
  assert_ok(thread_join(&threads[0]));
  assert_ok(thread_join(&threads[1]));
  assert_int_equal(atomic_load(&woken), 2);
  /* Three wait for the other word now, in the order they had. */
  for (int i = 2; i < 5; i++) {
    assert_ok(zx_futex_wake(&other, 1));
    assert_ok(thread_join(&threads[i]));
    assert_int_equal(atomic_load(&waits[i].order), i + 1);
  }
  assert_ok(zx_futex_wake(&other, 1));
  thread_await_blocked(&threads[5]);
  assert_int_equal(atomic_load(&woken), 5);
  assert_ok(zx_futex_wake(&word, 1));
  assert_ok(thread_join(&threads[5]));
}

/* 13 */
static void requeued_waiter_still_times_out(void** state) {
  (void)state;
  struct thread thread;
  struct wait wait = {.word = &word, .current = atomic_load(&word)};
  wait.deadline = zx_deadline_after(ZX_MSEC(30));
  thread_start(&thread, wait_on, &wait);
  assert_ok(zx_futex_requeue(&word, 0, atomic_load(&word), &other, 1, ZX_HANDLE_INVALID));
  assert_status(thread_join(&thread), ZX_ERR_TIMED_OUT);
  assert_true(zx_clock_get_monotonic() >= wait.deadline);
  assert_ok(zx_futex_wake(&other, 1));
}

static void ignore_signal(int signo) { (void)signo; }

/* A handler that runs on a waiting thread neither ends the wait nor loses its place in the
 * queue. */
static void signal_handler_does_not_end_a_wait(void** state) {
  (void)state;
  struct sigaction action = {.sa_handler = ignore_signal};
  struct sigaction before;
  assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
  struct thread threads[2];
  struct wait waits[2];
  start_waits(threads, waits, 2, &word);
  for (int i = 0; i < 20; i++) {
    assert_int_equal(pthread_kill(threads[0].id, SIGUSR1), 0);
  }
  assert_ok(zx_futex_wake(&word, 1));
  assert_ok(thread_join(&threads[0])); /* the first to wait is the first to go */
  assert_int_equal(atomic_load(&waits[0].order), 1);
  assert_ok(zx_futex_wake(&word, 1));
  assert_ok(thread_join(&threads[1]));
  assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

/* ---- Owners ---- */

static zx_koid_t owner_of(const zx_futex_t* w) {
  zx_koid_t koid = 42;
  assert_ok(zx_futex_get_owner(w, &koid));
  return koid;
}

static void get_owner_checks_its_pointers(void** state) {
  (void)state;
  zx_koid_t koid;
  assert_status(zx_futex_get_owner(NULL, &koid), ZX_ERR_INVALID_ARGS);
  assert_status(zx_futex_get_owner(misaligned(&word), &koid), ZX_ERR_INVALID_ARGS);
  assert_status(zx_futex_get_owner(&word, NULL), ZX_ERR_INVALID_ARGS);
  assert_int_equal(owner_of(&word), ZX_KOID_INVALID);
}

static void last_waiter_names_the_owner(void** state) {
  (void)state;
  struct thread threads[2];
  struct wait waits[2];
  const zx_koid_t me = basic_info(zx_thread_self()).koid;
  for (int i = 0; i < 2; i++) {
    waits[i] = (struct wait){.word = &word,
                             .current = atomic_load(&word),
                             .owner = i == 0 ? zx_thread_self() : ZX_HANDLE_INVALID,
                             .deadline = ZX_TIME_INFINITE};
    thread_start(&threads[i], wait_on, &waits[i]);
    thread_await_blocked(&threads[i]);
    assert_int_equal(owner_of(&word), i == 0 ? me : ZX_KOID_INVALID);
  }
  assert_ok(zx_futex_wake(&word, 2));
  assert_ok(thread_join(&threads[0]));
  assert_ok(thread_join(&threads[1]));
  assert_int_equal(owner_of(&word), ZX_KOID_INVALID);
}

static void wake_leaves_no_owner_and_single_owner_wake_the_woken(void** state) {
  (void)state;
  struct thread threads[4];
  struct wait waits[4];
  const zx_handle_t me = zx_thread_self();
  for (int i = 0; i < 4; i++) {
    waits[i] = (struct wait){.word = &word,
                             .current = atomic_load(&word),
                             .owner = me,
                             .deadline = ZX_TIME_INFINITE,
                             .want_self = true};
    thread_start(&threads[i], wait_on, &waits[i]);
    thread_await_blocked(&threads[i]);
  }
  assert_int_equal(owner_of(&word), basic_info(me).koid);
  assert_ok(zx_futex_wake_single_owner(&word));
  assert_ok(thread_join(&threads[0]));
  assert_int_equal(owner_of(&word), basic_info(waits[0].self).koid);
  assert_ok(zx_futex_wake(&word, 1));
  assert_ok(thread_join(&threads[1]));
  assert_int_equal(owner_of(&word), ZX_KOID_INVALID);
  /* One woken, one moved, with an owner for each word. */
  assert_ok(zx_futex_requeue_single_owner(&word, atomic_load(&word), &other, 1, me));
  assert_ok(thread_join(&threads[2]));
  assert_int_equal(owner_of(&word), ZX_KOID_INVALID); /* nobody waits there */
  assert_int_equal(owner_of(&other), basic_info(me).koid);
  assert_ok(zx_futex_wake_single_owner(&other));
  assert_ok(thread_join(&threads[3]));
  assert_int_equal(owner_of(&other), ZX_KOID_INVALID);
  for (int i = 0; i < 4; i++) {
    close_handle(waits[i].self);
  }
}

static void waiting_thread_cannot_be_owner(void** state) {
  (void)state;
  struct thread thread;
  struct wait wait = {.word = &word,
                      .current = atomic_load(&word),
                      .deadline = ZX_TIME_INFINITE,
                      .want_self = true};
  thread_start(&thread, wait_on, &wait);
  thread_await_blocked(&thread);
  /* The thread has written its handle before it fell asleep; the futex call is what orders that. */
  assert_ok(zx_futex_requeue(&word, 0, atomic_load(&word), &other, 0, ZX_HANDLE_INVALID));
  assert_status(zx_futex_wait(&word, atomic_load(&word), wait.self, 0), ZX_ERR_INVALID_ARGS);
  assert_status(zx_futex_requeue(&word, 1, atomic_load(&word), &other, 1, wait.self),
                ZX_ERR_INVALID_ARGS);
  assert_ok(zx_futex_wake(&word, 1));
  assert_ok(thread_join(&thread));
  close_handle(wait.self);
}

/* ---- Races ---- */

/* A mutex by the book: 0 free, 1 held, 2 held and waited for. */
static zx_futex_t mutex_word;
static unsigned long guarded;

static zx_status_t lock_and_count(void* argument) {
  const int rounds = *(int*)argument;
  for (int i = 0; i < rounds; i++) {
    int seen = 0;
    if (!atomic_compare_exchange_strong(&mutex_word, &seen, 1)) {
      while (atomic_exchange(&mutex_word, 2) != 0) {
        const zx_status_t status =
            zx_futex_wait(&mutex_word, 2, ZX_HANDLE_INVALID, ZX_TIME_INFINITE);
        if (status != ZX_OK && status != ZX_ERR_BAD_STATE) {
          return status;
        }
      }
    }
    guarded++;
    if (atomic_exchange(&mutex_word, 0) == 2) {
      (void)zx_futex_wake(&mutex_word, 1);
    }
  }
  return ZX_OK;
}

/* 13: comparing and falling asleep are one step against wake-ups; else a wake-up is missed here */
static void mutex_of_futexes_never_sleeps_for_ever(void** state) {
  (void)state;
  int rounds = 5000;
  struct thread threads[4];
  guarded = 0;
  for (int i = 0; i < 4; i++) {
    thread_start(&threads[i], lock_and_count, &rounds);
  }
  for (int i = 0; i < 4; i++) {
    assert_ok(thread_join(&threads[i]));
  }
  assert_int_equal(guarded, 4 * rounds);
}

static zx_futex_t ping;
static zx_futex_t pong;

static zx_status_t answer(void* argument) {
  const int rounds = *(int*)argument;
  for (int i = 1; i <= rounds; i++) {
    while (atomic_load(&ping) != i) {
      (void)zx_futex_wait(&ping, i - 1, ZX_HANDLE_INVALID, ZX_TIME_INFINITE);
    }
    atomic_store(&pong, i);
    /* Some wake-ups go by way of another word, where nobody waits. */
    if (i % 2 == 0) {
      (void)zx_futex_wake(&pong, 1);
    } else {
      (void)zx_futex_requeue(&pong, 1, i, &other, 0, ZX_HANDLE_INVALID);
    }
  }
  return ZX_OK;
}

static void two_threads_take_turns(void** state) {
  (void)state;
  int rounds = 3000;
  struct thread thread;
  atomic_store(&ping, 0);
  atomic_store(&pong, 0);
  thread_start(&thread, answer, &rounds);
  for (int i = 1; i <= rounds; i++) {
    atomic_store(&ping, i);
    (void)zx_futex_wake(&ping, 1);
    while (atomic_load(&pong) != i) {
      (void)zx_futex_wait(&pong, i - 1, ZX_HANDLE_INVALID, ZX_TIME_INFINITE);
    }
  }
  assert_ok(thread_join(&thread));
}

static atomic_bool stop;

static zx_status_t wait_briefly(void* argument) {
  (void)argument;
  while (!atomic_load(&stop)) {
    const zx_status_t status =
        zx_futex_wait(&word, atomic_load(&word), ZX_HANDLE_INVALID, zx_deadline_after(ZX_USEC(20)));
    if (status != ZX_OK && status != ZX_ERR_TIMED_OUT) {
      return status;
    }
  }
  return ZX_OK;
}

/* A deadline that passes while the waiter is woken or moved leaves nothing behind. */
static void deadlines_race_with_wake_and_requeue(void** state) {
  (void)state;
  struct thread threads[3];
  atomic_store(&stop, false);
  for (int i = 0; i < 3; i++) {
    thread_start(&threads[i], wait_briefly, NULL);
  }
  for (int i = 0; i < 3000; i++) {
    assert_ok(
        zx_futex_requeue(&word, (uint32_t)i % 2, atomic_load(&word), &other, 2, ZX_HANDLE_INVALID));
    assert_ok(zx_futex_wake(&other, (uint32_t)i % 3));
  }
  atomic_store(&stop, true);
  for (int i = 0; i < 3; i++) {
    assert_ok(thread_join(&threads[i]));
  }
  assert_int_equal(owner_of(&word), ZX_KOID_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wait_checks_in_order),
      cmocka_unit_test(wait_times_out_not_before_its_deadline),
      cmocka_unit_test(wake_checks_its_pointer),
      cmocka_unit_test(wake_takes_the_longest_waiting_first),
      cmocka_unit_test(wake_of_another_word_wakes_nobody),
      cmocka_unit_test(requeue_checks_in_order),
      cmocka_unit_test(requeue_wakes_some_and_moves_some),
      cmocka_unit_test(requeued_waiter_still_times_out),
      cmocka_unit_test(signal_handler_does_not_end_a_wait),
      cmocka_unit_test(get_owner_checks_its_pointers),
      cmocka_unit_test(last_waiter_names_the_owner),
      cmocka_unit_test(wake_leaves_no_owner_and_single_owner_wake_the_woken),
      cmocka_unit_test(waiting_thread_cannot_be_owner),
      cmocka_unit_test(mutex_of_futexes_never_sleeps_for_ever),
      cmocka_unit_test(two_threads_take_turns),
      cmocka_unit_test(deadlines_race_with_wake_and_requeue),
  };
  return cmocka_run_group_tests_name("futex", tests, NULL, NULL);
}
