/* SPDX-License-Identifier: BSD-3-Clause */
/* What object/handle.h promises those who use an object on a visit. The numbers are those of
 * docs/semantics/objects.md. */
#include "base/visitor.h"
#include "object/handle.h"
#include "support.h"

/* An object that says what has become of it. */
struct witness {
  struct zxp_object object;
  atomic_uint zero_handles;
  atomic_uint destroyed;
  unsigned value; /* for those who hold it alive; the end of the object changes it */
};

static void witness_zero_handles(struct zxp_object* object) {
  atomic_fetch_add(&ZXP_CONTAINER_OF(object, struct witness, object)->zero_handles, 1);
}

static void witness_destroy(struct zxp_object* object) {
  struct witness* w = ZXP_CONTAINER_OF(object, struct witness, object);
  zxp_object_fini(object);
  w->value = 0;
  atomic_fetch_add(&w->destroyed, 1);
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
  w->value = 1;
  zxp_object_init(&w->object, &witness_ops, 0);
  assert_ok(zxp_handle_install(&w->object, rights, &handle));
  zxp_object_put(&w->object);
  return handle;
}

static struct zxp_visitor* visit(zx_handle_t handle) {
  struct zxp_object* object = NULL;
  return zxp_handle_visit(handle, ZX_OBJ_TYPE_COUNTER, ZX_RIGHT_READ, &object);
}

/* 2.5, 2.6 */
static void visited_object_outlives_its_last_handle(void** state) {
  (void)state;
  struct witness w;
  struct zxp_object* object = NULL;
  const zx_handle_t handle = open_witness(&w, ZX_RIGHT_READ | ZX_RIGHT_WAIT);
  struct zxp_visitor* v = zxp_handle_visit(handle, ZX_OBJ_TYPE_COUNTER, ZX_RIGHT_READ, &object);
  assert_non_null(v);
  assert_ptr_equal(object, &w.object);
  assert_ok(zxp_handle_close(handle));
  assert_int_equal(w.zero_handles, 1); /* at once, whoever still uses the object */
  assert_int_equal(w.destroyed, 0);
  zxp_handle_leave(v);
  assert_int_equal(w.destroyed, 1);
  assert_int_equal(w.zero_handles, 1);
}

static void a_visit_leaves_nothing(void** state) {
  (void)state;
  struct witness w;
  const zx_handle_t handle = open_witness(&w, ZX_RIGHT_READ);
  for (int i = 0; i < 3; i++) {
    struct zxp_visitor* v = visit(handle);
    assert_non_null(v);
    zxp_handle_leave(v);
  }
  assert_ok(zxp_handle_close(handle));
  assert_int_equal(w.destroyed, 1);
}

/* 2.5 */
static void visit_survives_a_replaced_handle(void** state) {
  (void)state;
  struct witness w;
  zx_handle_t made = ZX_HANDLE_INVALID;
  const zx_handle_t handle = open_witness(&w, ZX_RIGHT_READ);
  struct zxp_visitor* v = visit(handle);
  assert_non_null(v);
  assert_ok(zxp_handle_replace(handle, ZX_RIGHT_NONE, &made));
  assert_ok(zxp_handle_close(made)); /* another value of the same slot */
  assert_int_equal(w.zero_handles, 1);
  assert_int_equal(w.destroyed, 0);
  zxp_handle_leave(v);
  assert_int_equal(w.destroyed, 1);
}

/* 2.4: rights that are no subset close the handle all the same */
static void visit_survives_a_failed_replacement(void** state) {
  (void)state;
  struct witness w;
  zx_handle_t made = ZX_HANDLE_INVALID;
  const zx_handle_t handle = open_witness(&w, ZX_RIGHT_READ);
  struct zxp_visitor* v = visit(handle);
  assert_non_null(v);
  assert_status(zxp_handle_replace(handle, ZX_RIGHT_WRITE, &made), ZX_ERR_INVALID_ARGS);
  assert_int_equal(w.zero_handles, 1);
  assert_int_equal(w.destroyed, 0);
  zxp_handle_leave(v);
  assert_int_equal(w.destroyed, 1);
}

/* 1.1 */
static void failed_visits_leave_nothing(void** state) {
  (void)state;
  struct witness w;
  struct zxp_object* object = NULL;
  const zx_handle_t handle = open_witness(&w, ZX_RIGHT_READ);
  assert_null(zxp_handle_visit(handle, ZX_OBJ_TYPE_EVENT, 0, &object));
  assert_null(zxp_handle_visit(handle, ZX_OBJ_TYPE_COUNTER, ZX_RIGHT_WRITE, &object));
  assert_null(
      zxp_handle_visit(handle & ~ZX_HANDLE_FIXED_BITS_MASK, ZX_OBJ_TYPE_COUNTER, 0, &object));
  assert_null(visit(ZX_HANDLE_INVALID));
  assert_ok(zxp_handle_close(handle));
  assert_int_equal(w.destroyed, 1); /* nobody else had it */
  assert_null(visit(handle));
}

static void one_visit_at_a_time(void** state) {
  (void)state;
  struct witness w;
  const zx_handle_t handle = open_witness(&w, ZX_RIGHT_READ);
  struct zxp_visitor* v = visit(handle);
  assert_non_null(v);
  assert_null(visit(handle));
  zxp_handle_leave(v);
  v = visit(handle);
  assert_non_null(v);
  zxp_handle_leave(v);
  assert_ok(zxp_handle_close(handle));
  assert_int_equal(w.destroyed, 1);
}

/* ---- Several threads ---- */

struct stay {
  zx_handle_t handle;
  atomic_bool in;
  atomic_bool go;
};

static zx_status_t stay_there(void* argument) {
  struct stay* stay = argument;
  struct zxp_visitor* v = visit(stay->handle);
  atomic_store(&stay->in, true);
  while (!atomic_load(&stay->go)) {
    zx_nanosleep(0);
  }
  if (v == NULL) {
    return ZX_ERR_BAD_HANDLE;
  }
  zxp_handle_leave(v);
  return ZX_OK;
}

/* 2.5: close is not held up by who uses the object, and each of them keeps it alive */
static void close_waits_for_no_visit(void** state) {
  (void)state;
  struct witness w;
  const zx_handle_t handle = open_witness(&w, ZX_RIGHT_READ);
  struct stay stays[3] = {{.handle = handle}, {.handle = handle}, {.handle = handle}};
  struct thread threads[3];
  for (int i = 0; i < 3; i++) {
    thread_start(&threads[i], stay_there, &stays[i]);
    while (!atomic_load(&stays[i].in)) {
      zx_nanosleep(0);
    }
  }
  assert_ok(zxp_handle_close(handle));
  assert_int_equal(w.zero_handles, 1);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(w.destroyed, 0);
    atomic_store(&stays[i].go, true);
    assert_ok(thread_join(&threads[i]));
  }
  assert_int_equal(w.destroyed, 1);
}

#define WITNESSES 3000

static struct witness witnesses[WITNESSES];
static _Atomic zx_handle_t current;
static atomic_uint visits;

static zx_status_t visit_what_there_is(void* argument) {
  (void)argument;
  for (;;) {
    const zx_handle_t handle = atomic_load(&current);
    struct zxp_object* object;
    if (handle == ZX_HANDLE_INVALID) {
      return ZX_OK;
    }
    struct zxp_visitor* v = zxp_handle_visit(handle, ZX_OBJ_TYPE_COUNTER, ZX_RIGHT_READ, &object);
    if (v != NULL) {
      /* Not atomic: whoever ends the object must come after. */
      const unsigned value = ZXP_CONTAINER_OF(object, struct witness, object)->value;
      zxp_handle_leave(v);
      if (value != 1) {
        return ZX_ERR_INTERNAL;
      }
      atomic_fetch_add(&visits, 1);
    }
  }
}

/* 2.5, 2.6 */
static void visits_race_the_end_of_the_object(void** state) {
  (void)state;
  struct thread threads[3];
  atomic_store(&current, open_witness(&witnesses[0], ZX_RIGHT_READ));
  for (int i = 0; i < 3; i++) {
    thread_start(&threads[i], visit_what_there_is, NULL);
  }
  for (int i = 1; i < WITNESSES; i++) {
    const unsigned seen = atomic_load(&visits);
    /* Now and then not before somebody has been there. */
    while (i % 16 == 0 && atomic_load(&visits) == seen) {
      zx_nanosleep(0);
    }
    const zx_handle_t before = atomic_load(&current);
    atomic_store(&current, open_witness(&witnesses[i], ZX_RIGHT_READ));
    assert_ok(zxp_handle_close(before));
  }
  const zx_handle_t last = atomic_load(&current);
  atomic_store(&current, ZX_HANDLE_INVALID);
  assert_ok(zxp_handle_close(last));
  for (int i = 0; i < 3; i++) {
    assert_ok(thread_join(&threads[i]));
  }
  for (int i = 0; i < WITNESSES; i++) {
    assert_int_equal(witnesses[i].destroyed, 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(visited_object_outlives_its_last_handle),
      cmocka_unit_test(a_visit_leaves_nothing),
      cmocka_unit_test(visit_survives_a_replaced_handle),
      cmocka_unit_test(visit_survives_a_failed_replacement),
      cmocka_unit_test(failed_visits_leave_nothing),
      cmocka_unit_test(one_visit_at_a_time),
      cmocka_unit_test(close_waits_for_no_visit),
      cmocka_unit_test(visits_race_the_end_of_the_object),
  };
  return cmocka_run_group_tests_name("handle_visit", tests, NULL, NULL);
}
