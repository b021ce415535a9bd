/* SPDX-License-Identifier: BSD-3-Clause */
/* What object/handle.h promises other modules: pins, references, and the end of an object. The
 * numbers are those of docs/semantics/objects.md. */
#include "object/handle.h"
#include "support.h"

/* An object that says what has become of it. */
struct witness {
  struct zxp_object object;
  unsigned zero_handles;
  unsigned destroyed;
};

static void witness_zero_handles(struct zxp_object* object) {
  struct witness* w = ZXP_CONTAINER_OF(object, struct witness, object);
  assert_int_equal(w->destroyed, 0);
  w->zero_handles++;
}

static void witness_destroy(struct zxp_object* object) {
  struct witness* w = ZXP_CONTAINER_OF(object, struct witness, object);
  w->destroyed++;
  zxp_object_fini(object);
}

static const struct zxp_object_ops witness_ops = {
    .type = ZX_OBJ_TYPE_COUNTER,
    .name = "witness",
    .waitable = true,
    .on_zero_handles = witness_zero_handles,
    .destroy = witness_destroy,
};

static zx_handle_t open_witness(struct witness* w, zx_rights_t rights) {
  zx_handle_t handle = ZX_HANDLE_INVALID;
  memset(w, 0, sizeof *w);
  zxp_object_init(&w->object, &witness_ops, 0);
  assert_ok(zxp_handle_install(&w->object, rights, &handle));
  zxp_object_put(&w->object);
  return handle;
}

/* 2.5, 2.6 */
static void pinned_object_outlives_its_last_handle(void** state) {
  (void)state;
  struct witness w;
  struct zxp_object* object = NULL;
  zx_rights_t rights = 0;
  const zx_handle_t handle = open_witness(&w, ZX_RIGHT_READ | ZX_RIGHT_WAIT);
  assert_ok(zxp_handle_pin(handle, ZX_OBJ_TYPE_COUNTER, ZX_RIGHT_READ, &object, &rights));
  assert_ptr_equal(object, &w.object);
  assert_int_equal(rights, ZX_RIGHT_READ | ZX_RIGHT_WAIT);
  assert_ok(zxp_handle_pin(handle, ZX_OBJ_TYPE_NONE, 0, &object, NULL));
  assert_ok(zxp_handle_close(handle));
  assert_int_equal(w.zero_handles, 1); /* at once, whoever still uses the object */
  assert_false(zxp_handle_is_live(handle, &w.object));
  assert_status(zxp_handle_pin(handle, ZX_OBJ_TYPE_NONE, 0, &object, NULL), ZX_ERR_BAD_HANDLE);
  zxp_handle_unpin(handle);
  assert_int_equal(w.destroyed, 0);
  zxp_handle_unpin(handle);
  assert_int_equal(w.destroyed, 1);
  assert_int_equal(w.zero_handles, 1);
}

/* 2.5 */
static void pin_survives_a_replaced_handle(void** state) {
  (void)state;
  struct witness w;
  struct zxp_object* object = NULL;
  const zx_handle_t handle = open_witness(&w, ZX_RIGHT_READ);
  zx_handle_t made = ZX_HANDLE_INVALID;
  assert_ok(zxp_handle_pin(handle, ZX_OBJ_TYPE_NONE, 0, &object, NULL));
  assert_ok(zxp_handle_replace(handle, ZX_RIGHT_NONE, &made));
  assert_int_equal(w.zero_handles, 0);
  assert_true(zxp_handle_is_live(made, &w.object));
  assert_ok(zxp_handle_close(made));
  assert_int_equal(w.zero_handles, 1);
  assert_int_equal(w.destroyed, 0);
  zxp_handle_unpin(handle);
  assert_int_equal(w.destroyed, 1);
}

/* 1.1 */
static void failed_look_ups_leave_no_pin(void** state) {
  (void)state;
  struct witness w;
  struct zxp_object* object = NULL;
  const zx_handle_t handle = open_witness(&w, ZX_RIGHT_READ);
  assert_status(zxp_handle_pin(handle, ZX_OBJ_TYPE_EVENT, 0, &object, NULL), ZX_ERR_WRONG_TYPE);
  assert_status(zxp_handle_pin(handle, ZX_OBJ_TYPE_NONE, ZX_RIGHT_WRITE, &object, NULL),
                ZX_ERR_ACCESS_DENIED);
  assert_status(zxp_handle_get(handle, ZX_OBJ_TYPE_EVENT, 0, &object, NULL), ZX_ERR_WRONG_TYPE);
  assert_null(object);
  assert_ok(zxp_handle_close(handle));
  assert_int_equal(w.destroyed, 1); /* nobody else had it */
}

static void reference_outlives_the_last_handle_too(void** state) {
  (void)state;
  struct witness w;
  struct zxp_object* object = NULL;
  const zx_handle_t handle = open_witness(&w, ZX_RIGHT_READ);
  assert_ok(zxp_handle_get(handle, ZX_OBJ_TYPE_NONE, 0, &object, NULL));
  assert_ok(zxp_handle_close(handle));
  assert_int_equal(w.zero_handles, 1);
  assert_int_equal(w.destroyed, 0);
  zxp_object_put(object);
  assert_int_equal(w.destroyed, 1);
}

/* 2.5: a slot is not used again while a call still holds its old value */
static void pinned_slot_is_not_reused(void** state) {
  (void)state;
  struct witness w;
  struct zxp_object* object = NULL;
  const zx_handle_t handle = open_witness(&w, ZX_RIGHT_READ);
  const zx_handle_t slot_mask = 0xffffc; /* the middle bits name the slot */
  assert_ok(zxp_handle_pin(handle, ZX_OBJ_TYPE_NONE, 0, &object, NULL));
  assert_ok(zxp_handle_close(handle));
  for (int i = 0; i < 2000; i++) {
    const zx_handle_t event = make_event();
    assert_int_not_equal(event & slot_mask, handle & slot_mask);
    close_handle(event);
  }
  zxp_handle_unpin(handle);
  assert_int_equal(w.destroyed, 1);
}

struct tally {
  const struct zxp_object* object;
  unsigned seen;
  zx_rights_t rights;
};

static void count_object(void* context, zx_handle_t handle, struct zxp_object* object,
                         zx_rights_t rights) {
  struct tally* tally = context;
  if (object == tally->object) {
    assert_true(zxp_handle_is_live(handle, object));
    tally->seen++;
    tally->rights |= rights;
  }
}

static void walk_visits_every_live_handle(void** state) {
  (void)state;
  struct witness w;
  const zx_handle_t handle = open_witness(&w, ZX_RIGHT_READ | ZX_RIGHT_DUPLICATE);
  zx_handle_t others[300];
  for (size_t i = 0; i < 300; i++) {
    assert_ok(zxp_handle_duplicate(handle, ZX_RIGHT_READ, &others[i]));
  }
  assert_ok(zxp_handle_close(others[7]));
  struct tally tally = {.object = &w.object};
  zxp_handle_for_each(count_object, &tally);
  assert_int_equal(tally.seen, 300);
  assert_int_equal(tally.rights, ZX_RIGHT_READ | ZX_RIGHT_DUPLICATE);
  for (size_t i = 0; i < 300; i++) {
    if (i != 7) {
      assert_ok(zxp_handle_close(others[i]));
    }
  }
  assert_int_equal(w.zero_handles, 0);
  assert_ok(zxp_handle_close(handle));
  assert_int_equal(w.zero_handles, 1);
  assert_int_equal(w.destroyed, 1);
}

static void peek_sees_ports_alone(void** state) {
  (void)state;
  struct witness w;
  const zx_handle_t handle = open_witness(&w, ZX_DEFAULT_PORT_RIGHTS);
  const zx_handle_t port = make_port();
  assert_null(zxp_handle_peek_port(handle, ZX_RIGHT_READ));
  assert_non_null(zxp_handle_peek_port(port, ZX_RIGHT_READ | ZX_RIGHT_WRITE));
  assert_null(zxp_handle_peek_port(port, ZX_RIGHT_WAIT));
  zx_handle_t made = ZX_HANDLE_INVALID;
  assert_ok(zxp_handle_replace(port, ZX_RIGHT_READ, &made));
  assert_null(zxp_handle_peek_port(port, ZX_RIGHT_READ));
  assert_non_null(zxp_handle_peek_port(made, ZX_RIGHT_READ));
  assert_null(zxp_handle_peek_port(made, ZX_RIGHT_WRITE));
  assert_ok(zxp_handle_close(made));
  assert_null(zxp_handle_peek_port(made, ZX_RIGHT_READ));
  assert_ok(zxp_handle_close(handle));
}

static void a_look_tells_the_object_and_its_rights(void** state) {
  (void)state;
  struct witness w;
  struct witness other;
  const zx_handle_t handle = open_witness(&w, ZX_RIGHT_READ | ZX_RIGHT_WAIT);
  const zx_handle_t of_other = open_witness(&other, ZX_RIGHT_READ);
  assert_true(zxp_handle_is(handle, &w.object, ZX_RIGHT_NONE));
  assert_true(zxp_handle_is(handle, &w.object, ZX_RIGHT_READ | ZX_RIGHT_WAIT));
  assert_false(zxp_handle_is(handle, &w.object, ZX_RIGHT_READ | ZX_RIGHT_WRITE));
  assert_false(zxp_handle_is(handle, &other.object, ZX_RIGHT_READ));
  assert_false(zxp_handle_is(ZX_HANDLE_INVALID, &w.object, ZX_RIGHT_NONE));
  zx_handle_t made = ZX_HANDLE_INVALID;
  assert_ok(zxp_handle_replace(handle, ZX_RIGHT_WAIT, &made));
  assert_false(zxp_handle_is(handle, &w.object, ZX_RIGHT_WAIT));
  assert_true(zxp_handle_is(made, &w.object, ZX_RIGHT_WAIT));
  assert_false(zxp_handle_is(made, &w.object, ZX_RIGHT_READ));
  assert_ok(zxp_handle_close(made));
  assert_false(zxp_handle_is(made, &w.object, ZX_RIGHT_NONE));
  assert_ok(zxp_handle_close(of_other));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pinned_object_outlives_its_last_handle),
      cmocka_unit_test(pin_survives_a_replaced_handle),
      cmocka_unit_test(failed_look_ups_leave_no_pin),
      cmocka_unit_test(reference_outlives_the_last_handle_too),
      cmocka_unit_test(pinned_slot_is_not_reused),
      cmocka_unit_test(walk_visits_every_live_handle),
      cmocka_unit_test(peek_sees_ports_alone),
      cmocka_unit_test(a_look_tells_the_object_and_its_rights),
  };
  return cmocka_run_group_tests_name("handle_pin", tests, NULL, NULL);
}
