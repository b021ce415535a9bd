/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes that other modules queue, and the server of a port: what object/port.h promises them. The
 * numbers are those of docs/semantics/objects.md. */
#include <semaphore.h>

#include "base/wake.h"
#include "object/handle.h"
#include "object/port.h"
#include "support.h"

/* A packet that is embedded in what it announces, as a page source's is. */
struct announcer {
  struct zxp_port_node node;
  uint64_t key;
  unsigned again;    /* times that it queues itself again when it is taken */
  unsigned taken;    /* guarded by port.lock */
  unsigned dropped;  /* guarded by port.lock */
  unsigned released; /* main thread */
};

static void announcer_take(struct zxp_port* port, struct zxp_port_node* node,
                           zx_port_packet_t* out) {
  struct announcer* a = ZXP_CONTAINER_OF(node, struct announcer, node);
  zxp_port_assert_held(port);
  *out = (zx_port_packet_t){.key = a->key, .type = ZX_PKT_TYPE_PAGE_REQUEST};
  a->taken++;
  if (a->again > 0) {
    a->again--;
    (void)zxp_port_push_locked(port, node);
  }
}

static void announcer_dropped(struct zxp_port* port, struct zxp_port_node* node) {
  zxp_port_assert_held(port);
  ZXP_CONTAINER_OF(node, struct announcer, node)->dropped++;
}

static void announcer_released(struct zxp_port_node* node) {
  ZXP_CONTAINER_OF(node, struct announcer, node)->released++;
}

static const struct zxp_port_node_ops announcer_ops = {
    .take_locked = announcer_take,
    .dropped_locked = announcer_dropped,
    .released = announcer_released,
};

static struct zxp_port* new_port(zx_handle_t* handle) {
  struct zxp_port* port = NULL;
  assert_ok(zxp_port_create(&port));
  assert_ok(zxp_handle_install(zxp_port_object(port), ZX_DEFAULT_PORT_RIGHTS, handle));
  return port;
}

static void put_port(struct zxp_port* port) { zxp_object_put(zxp_port_object(port)); }

static bool push(struct zxp_port* port, struct announcer* a) {
  zxp_port_lock(port);
  const bool pushed = zxp_port_push_locked(port, &a->node);
  zxp_port_unlock(port);
  return pushed;
}

static bool take_back(struct zxp_port* port, struct announcer* a) {
  zxp_port_lock(port);
  const bool removed = zxp_port_remove_locked(port, &a->node);
  zxp_port_unlock(port);
  return removed;
}

/* 8.3 */
static void node_is_delivered_in_its_turn_and_released_once(void** state) {
  (void)state;
  zx_handle_t handle;
  struct zxp_port* port = new_port(&handle);
  struct announcer a = {.key = 5};
  zxp_port_node_init(&a.node, &announcer_ops);
  queue_packet(handle, 4);
  assert_true(push(port, &a));
  queue_packet(handle, 6);
  for (uint64_t key = 4; key <= 6; key++) {
    assert_int_equal(take_packet(handle).key, key);
  }
  assert_int_equal(a.taken, 1);
  assert_int_equal(a.released, 1);
  close_handle(handle);
  put_port(port);
}

/* 8.7 */
static void node_queued_again_when_taken_goes_to_the_tail(void** state) {
  (void)state;
  zx_handle_t handle;
  struct zxp_port* port = new_port(&handle);
  struct announcer a = {.key = 5, .again = 1};
  zxp_port_node_init(&a.node, &announcer_ops);
  assert_true(push(port, &a));
  queue_packet(handle, 6);
  assert_int_equal(take_packet(handle).key, 5);
  assert_int_equal(a.released, 0); /* its life goes on */
  assert_int_equal(take_packet(handle).key, 6);
  assert_int_equal(take_packet(handle).key, 5);
  assert_int_equal(a.released, 1);
  assert_port_empty(handle);
  close_handle(handle);
  put_port(port);
}

/* 8.7 */
static void node_can_be_withdrawn(void** state) {
  (void)state;
  zx_handle_t handle;
  struct zxp_port* port = new_port(&handle);
  struct announcer a = {.key = 5};
  zxp_port_node_init(&a.node, &announcer_ops);
  assert_false(take_back(port, &a));
  assert_true(push(port, &a));
  assert_true(take_back(port, &a));
  assert_false(take_back(port, &a));
  assert_port_empty(handle);
  assert_int_equal(a.taken, 0);
  assert_int_equal(a.released, 0);
  close_handle(handle);
  put_port(port);
}

/* 8.6 */
static void closed_port_drops_its_nodes_and_takes_no_more(void** state) {
  (void)state;
  zx_handle_t handle;
  struct zxp_port* port = new_port(&handle);
  struct announcer a = {.key = 5};
  struct announcer b = {.key = 6};
  zxp_port_node_init(&a.node, &announcer_ops);
  zxp_port_node_init(&b.node, &announcer_ops);
  assert_true(push(port, &a));
  close_handle(handle);
  assert_int_equal(a.taken, 0);
  assert_int_equal(a.dropped, 1);
  assert_int_equal(a.released, 1);
  assert_false(push(port, &b));
  assert_int_equal(b.released, 0);
  zx_port_packet_t packet = {0};
  assert_status(zxp_port_wait(port, 0, &packet), ZX_ERR_TIMED_OUT);
  /* What a call finds that had looked the port up before. */
  assert_status(zxp_port_queue_user(port, &packet), ZX_ERR_BAD_HANDLE);
  const zx_handle_t event = make_event();
  struct zxp_object* object = NULL;
  assert_ok(zxp_handle_pin(event, ZX_OBJ_TYPE_EVENT, 0, &object, NULL));
  assert_status(zxp_port_wait_async(port, object, event, 1, ZX_EVENT_SIGNALED, 0),
                ZX_ERR_BAD_HANDLE);
  zxp_handle_unpin(event);
  close_handle(event);
  put_port(port);
}

/* 8.4 */
static void cancelling_a_key_does_not_touch_nodes_of_others(void** state) {
  (void)state;
  zx_handle_t handle;
  struct zxp_port* port = new_port(&handle);
  struct announcer a = {.key = 5};
  zxp_port_node_init(&a.node, &announcer_ops);
  assert_true(push(port, &a));
  assert_status(zx_port_cancel_key(handle, 0, 5), ZX_ERR_NOT_FOUND);
  assert_int_equal(take_packet(handle).key, 5);
  close_handle(handle);
  put_port(port);
}

static void taking_without_waiting_tells_an_empty_port(void** state) {
  (void)state;
  zx_handle_t handle;
  struct zxp_port* port = new_port(&handle);
  zx_port_packet_t packet;
  assert_status(zxp_port_try_take(port, &packet), ZX_ERR_SHOULD_WAIT);
  queue_packet(handle, 3);
  assert_ok(zxp_port_try_take(port, &packet));
  assert_int_equal(packet.key, 3);
  close_handle(handle);
  put_port(port);
}

/* ---- Server ---- */

/* A server that sleeps on a wake event, as the fault engine's sleeps in poll(). */
struct server {
  struct zxp_mutex lock;
  struct zxp_wake wake; /* set by a kick, reset by the thread that it woke */
  atomic_uint waits;
  atomic_uint kicks;
  atomic_uint released;
  atomic_bool watched; /* somebody besides receivers is to be kicked */
};

static zx_status_t server_wait(void* context, zx_time_t deadline) {
  struct server* s = context;
  atomic_fetch_add(&s->waits, 1);
  const zx_status_t status = zxp_wake_wait(&s->wake, deadline);
  zxp_mutex_lock(&s->lock);
  zxp_wake_reset(&s->wake);
  zxp_mutex_unlock(&s->lock);
  return status;
}

static void server_kick(void* context) {
  struct server* s = context;
  atomic_fetch_add(&s->kicks, 1);
  zxp_mutex_lock(&s->lock);
  zxp_wake_set(&s->wake);
  zxp_mutex_unlock(&s->lock);
}

static bool server_always_kick(void* context) {
  return atomic_load(&((struct server*)context)->watched);
}

static const struct zxp_port_server_ops server_ops = {
    .wait = server_wait,
    .kick = server_kick,
    .always_kick = server_always_kick,
};

static void server_release(void* context) {
  atomic_fetch_add(&((struct server*)context)->released, 1);
}

static void server_init(struct server* s) {
  memset(s, 0, sizeof *s);
  zxp_mutex_init(&s->lock, ZXP_RANK_LEAF);
  zxp_wake_init(&s->wake);
}

struct receive {
  zx_handle_t port;
  zx_port_packet_t packet;
};

static zx_status_t receive(void* argument) {
  struct receive* r = argument;
  return zx_port_wait(r->port, ZX_TIME_INFINITE, &r->packet);
}

static void await_waits(struct server* s, unsigned n) {
  while (atomic_load(&s->waits) < n) {
    zx_nanosleep(zx_deadline_after(ZX_USEC(50)));
  }
}

static void receiver_works_in_the_server_and_is_kicked(void** state) {
  (void)state;
  struct server s;
  server_init(&s);
  zx_handle_t handle;
  struct zxp_port* port = new_port(&handle);
  assert_null(zxp_port_server_context(port));
  zxp_port_set_server(port, &server_ops, &s);
  assert_ptr_equal(zxp_port_server_context(port), &s);

  queue_packet(handle, 1); /* nobody waits: nobody is kicked */
  assert_int_equal(take_packet(handle).key, 1);
  assert_int_equal(atomic_load(&s.kicks), 0);
  assert_int_equal(atomic_load(&s.waits), 0);

  struct receive r = {.port = handle};
  struct thread thread;
  thread_start(&thread, receive, &r);
  await_waits(&s, 1);
  queue_packet(handle, 2);
  assert_ok(thread_join(&thread));
  assert_int_equal(r.packet.key, 2);
  assert_int_equal(atomic_load(&s.kicks), 1);
  close_handle(handle);
  put_port(port);
}

static void watched_port_is_kicked_for_every_packet(void** state) {
  (void)state;
  struct server s;
  server_init(&s);
  atomic_store(&s.watched, true);
  zx_handle_t handle;
  struct zxp_port* port = new_port(&handle);
  zxp_port_set_server(port, &server_ops, &s);
  for (unsigned i = 1; i <= 3; i++) {
    queue_packet(handle, i);
    assert_int_equal(atomic_load(&s.kicks), i);
  }
  for (unsigned i = 1; i <= 3; i++) {
    assert_int_equal(take_packet(handle).key, i);
  }
  close_handle(handle);
  put_port(port);
}

static void passed_deadline_still_gives_the_server_one_look(void** state) {
  (void)state;
  struct server s;
  server_init(&s);
  zx_handle_t handle;
  struct zxp_port* port = new_port(&handle);
  zxp_port_set_server(port, &server_ops, &s);
  assert_port_empty(handle);
  assert_int_equal(atomic_load(&s.waits), 1);
  close_handle(handle);
  put_port(port);
}

static void sleeping_receiver_changes_over_to_the_server(void** state) {
  (void)state;
  struct server s;
  server_init(&s);
  zx_handle_t handle;
  struct zxp_port* port = new_port(&handle);
  struct receive r = {.port = handle};
  struct thread thread;
  thread_start(&thread, receive, &r);
  thread_await_blocked(&thread);
  zxp_port_set_server(port, &server_ops, &s);
  await_waits(&s, 1);
  queue_packet(handle, 2);
  assert_ok(thread_join(&thread));
  assert_int_equal(r.packet.key, 2);
  close_handle(handle);
  put_port(port);
}

static void server_is_released_with_the_port_object(void** state) {
  (void)state;
  struct server s;
  server_init(&s);
  zx_handle_t handle;
  struct zxp_port* port = new_port(&handle);
  zxp_port_set_server(port, &server_ops, &s);
  zxp_port_set_server_release(port, server_release);
  close_handle(handle);
  assert_int_equal(atomic_load(&s.released), 0);
  put_port(port);
  assert_int_equal(atomic_load(&s.released), 1);
}

/* 8.7: the short way past the receivers' lock takes nothing before what is older. */
static void served_port_gives_packets_of_all_kinds_in_order(void** state) {
  (void)state;
  struct server s;
  server_init(&s);
  zx_handle_t handle;
  struct zxp_port* port = new_port(&handle);
  zxp_port_set_server(port, &server_ops, &s);
  struct announcer nodes[3] = {{.key = 1}, {.key = 4}, {.key = 5}};
  for (int i = 0; i < 3; i++) {
    zxp_port_node_init(&nodes[i].node, &announcer_ops);
  }
  assert_true(push(port, &nodes[0]));
  queue_packet(handle, 2);
  queue_packet(handle, 3);
  assert_true(push(port, &nodes[1]));
  assert_int_equal(take_packet(handle).key, 1);
  assert_int_equal(take_packet(handle).key, 2); /* with which 3 is made ready */
  assert_true(push(port, &nodes[2]));
  queue_packet(handle, 6);
  for (uint64_t key = 3; key <= 6; key++) {
    assert_int_equal(take_packet(handle).key, key);
  }
  assert_port_empty(handle);
  /* What is cancelled while it is ready is not waited for. */
  queue_packet(handle, 7);
  queue_packet(handle, 8);
  assert_int_equal(take_packet(handle).key, 7);
  assert_ok(zx_port_cancel_key(handle, 0, 8));
  assert_true(push(port, &nodes[0]));
  assert_int_equal(take_packet(handle).key, 1);
  assert_port_empty(handle);
  close_handle(handle);
  put_port(port);
}

/* A server for several receivers at once: a kick for each. */
static zx_status_t counting_wait(void* context, zx_time_t deadline) {
  (void)deadline;
  while (sem_wait(context) != 0) {
  }
  return ZX_OK;
}

static void counting_kick(void* context) { sem_post(context); }

static const struct zxp_port_server_ops counting_ops = {
    .wait = counting_wait,
    .kick = counting_kick,
};

#define SENT 3000u

static atomic_uint received[2 * SENT];

static zx_status_t receive_until_stopped(void* argument) {
  const zx_handle_t port = *(zx_handle_t*)argument;
  zx_port_packet_t packet;
  zx_status_t status;
  while ((status = zx_port_wait(port, ZX_TIME_INFINITE, &packet)) == ZX_OK &&
         packet.key != UINT64_MAX) {
    atomic_fetch_add(&received[packet.key], 1);
  }
  return status;
}

static zx_status_t send_numbers(void* argument) {
  const zx_handle_t port = *(zx_handle_t*)argument;
  for (uint64_t key = 0; key < SENT; key++) {
    zx_port_packet_t packet = {.key = key};
    zx_status_t status;
    while ((status = zx_port_queue(port, &packet)) == ZX_ERR_SHOULD_WAIT) {
      zx_nanosleep(zx_deadline_after(ZX_USEC(50)));
    }
    if (status != ZX_OK) {
      return status;
    }
  }
  return ZX_OK;
}

/* 8.1 */
static void receivers_of_a_served_port_get_each_packet_once(void** state) {
  (void)state;
  static struct announcer nodes[SENT];
  sem_t kicks;
  assert_int_equal(sem_init(&kicks, 0, 0), 0);
  zx_handle_t handle;
  struct zxp_port* port = new_port(&handle);
  zxp_port_set_server(port, &counting_ops, &kicks);
  struct thread receivers[3];
  struct thread sender;
  for (int i = 0; i < 3; i++) {
    thread_start(&receivers[i], receive_until_stopped, &handle);
  }
  thread_start(&sender, send_numbers, &handle);
  for (unsigned i = 0; i < SENT; i++) {
    nodes[i].key = SENT + i;
    zxp_port_node_init(&nodes[i].node, &announcer_ops);
    assert_true(push(port, &nodes[i]));
  }
  assert_ok(thread_join(&sender));
  for (int i = 0; i < 3; i++) {
    queue_packet(handle, UINT64_MAX);
  }
  for (int i = 0; i < 3; i++) {
    assert_ok(thread_join(&receivers[i]));
  }
  for (unsigned i = 0; i < 2 * SENT; i++) {
    assert_int_equal(atomic_load(&received[i]), 1);
  }
  close_handle(handle);
  put_port(port);
  sem_destroy(&kicks);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(node_is_delivered_in_its_turn_and_released_once),
      cmocka_unit_test(node_queued_again_when_taken_goes_to_the_tail),
      cmocka_unit_test(node_can_be_withdrawn),
      cmocka_unit_test(closed_port_drops_its_nodes_and_takes_no_more),
      cmocka_unit_test(cancelling_a_key_does_not_touch_nodes_of_others),
      cmocka_unit_test(taking_without_waiting_tells_an_empty_port),
      cmocka_unit_test(receiver_works_in_the_server_and_is_kicked),
      cmocka_unit_test(watched_port_is_kicked_for_every_packet),
      cmocka_unit_test(passed_deadline_still_gives_the_server_one_look),
      cmocka_unit_test(sleeping_receiver_changes_over_to_the_server),
      cmocka_unit_test(server_is_released_with_the_port_object),
      cmocka_unit_test(served_port_gives_packets_of_all_kinds_in_order),
      cmocka_unit_test(receivers_of_a_served_port_get_each_packet_once),
  };
  return cmocka_run_group_tests_name("port_node", tests, NULL, NULL);
}
