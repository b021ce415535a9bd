/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bad input: each row of each table of pager.md 3, and the order of the rows.
 *
 *   mistake   one row: what it does to the arguments of a call that is right otherwise, and the
 *             status
 *   table     the rows of one call, in their order
 *
 * Each row is a test of its own. A further test for each table makes every two mistakes at once,
 * where they do not change the same argument, and expects the status of the row that comes first.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "worker.h"

/* What a call is made with; the right values are those of args_make(). */
struct args {
  zx_handle_t pager;
  zx_handle_t port;
  zx_handle_t vmo; /* of the pager, 8 pages; resizable and ordinary ones where a row says so */
  zx_handle_t aux; /* ordinary, 8 pages */
  uint32_t options;
  uint32_t op;
  uint64_t key;
  uint64_t offset;
  uint64_t length;
  uint64_t aux_offset;
  uint64_t size;
  uint64_t data;
  uint8_t bytes[10 * PAGE];
  bool null_out;
  /* Untouched copies, for mistakes that make something with them first. */
  zx_handle_t full_pager;
  zx_handle_t full_port;
  zx_handle_t full_vmo;
};

/* Which argument a mistake changes; two that change the same one cannot be made together. */
enum argument {
  PAGER = 1 << 0,
  PORT = 1 << 1,
  VMO = 1 << 2,
  AUX = 1 << 3,
  OPTIONS = 1 << 4,
  OP = 1 << 5,
  OFFSET = 1 << 6,
  LENGTH = 1 << 7,
  AUX_OFFSET = 1 << 8,
  SIZE = 1 << 9,
  DATA = 1 << 10,
  OUT = 1 << 11,
  STATE = 1 << 12, /* of the VMO */
};

struct mistake {
  const char* name;
  unsigned changes; /* of enum argument */
  void (*make)(struct args*);
  zx_status_t status;
};

#define MAX_MISTAKES 24

struct table {
  const char* name;
  zx_status_t (*call)(struct args*);
  void (*prepare)(struct args*); /* NULL, or more of what is right for this call */
  struct mistake mistakes[MAX_MISTAKES];
};

static zx_handle_t stale_handle(void) {
  zx_handle_t handle = make_port();
  const zx_handle_t value = handle;
  drop(&handle);
  return value;
}

/* A pager handle cannot be duplicated, so the one with fewer rights takes its place. */
static zx_handle_t pager_without(zx_handle_t pager, zx_rights_t right) {
  zx_handle_t out = ZX_HANDLE_INVALID;
  check_ok(zx_handle_replace(pager, ZX_DEFAULT_PAGER_RIGHTS & ~right, &out));
  return out;
}

static zx_handle_t vmo_without(zx_handle_t vmo, zx_rights_t right) {
  return duplicate_with(vmo, ZX_DEFAULT_VMO_RIGHTS & ~right);
}

/* ---- Mistakes ---- */

static void pager_invalid(struct args* a) { a->pager = ZX_HANDLE_INVALID; }
static void pager_stale(struct args* a) { a->pager = stale_handle(); }
static void pager_is_port(struct args* a) { a->pager = fx.port; }
static void pager_without_attach(struct args* a) {
  a->pager = pager_without(a->pager, ZX_RIGHT_ATTACH_VMO);
}
static void pager_without_manage(struct args* a) {
  a->pager = pager_without(a->pager, ZX_RIGHT_MANAGE_VMO);
}

static void port_invalid(struct args* a) { a->port = ZX_HANDLE_INVALID; }
static void port_is_vmo(struct args* a) { a->port = a->aux; }
static void port_without_write(struct args* a) {
  a->port = duplicate_with(a->port, ZX_DEFAULT_PORT_RIGHTS & ~ZX_RIGHT_WRITE);
}

static void vmo_invalid(struct args* a) { a->vmo = ZX_HANDLE_INVALID; }
static void vmo_is_port(struct args* a) { a->vmo = fx.port; }
static void vmo_without_write(struct args* a) { a->vmo = vmo_without(a->vmo, ZX_RIGHT_WRITE); }
static void vmo_without_read(struct args* a) { a->vmo = vmo_without(a->vmo, ZX_RIGHT_READ); }
static void vmo_ordinary(struct args* a) { a->vmo = make_vmo(8); }
static void vmo_of_other_pager(struct args* a) {
  a->vmo = make_root_on(make_pager(), fx.port, 0, 1, 8 * PAGE)->vmo;
}
static void vmo_detached(struct args* a) {
  check_ok(zx_pager_detach_vmo(a->full_pager, a->full_vmo));
}

static void aux_invalid(struct args* a) { a->aux = ZX_HANDLE_INVALID; }
static void aux_is_port(struct args* a) { a->aux = fx.port; }
static void aux_without_read(struct args* a) { a->aux = vmo_without(a->aux, ZX_RIGHT_READ); }
static void aux_without_write(struct args* a) { a->aux = vmo_without(a->aux, ZX_RIGHT_WRITE); }
static void aux_is_target(struct args* a) { a->aux = a->full_vmo; }
static void aux_of_other_pager(struct args* a) {
  a->aux = make_root_on(make_pager(), fx.port, 0, 1, 8 * PAGE)->vmo;
}

static void offset_misaligned(struct args* a) { a->offset += 1; }
static void length_misaligned(struct args* a) { a->length += 8; }
static void aux_offset_misaligned(struct args* a) { a->aux_offset += PAGE / 2; }
static void offset_past_end(struct args* a) { a->offset = 8 * PAGE; }
static void offset_overflows(struct args* a) { a->offset = UINT64_MAX - PAGE + 1; }
static void aux_offset_past_end(struct args* a) { a->aux_offset = 8 * PAGE; }
static void aux_offset_overflows(struct args* a) { a->aux_offset = UINT64_MAX - PAGE + 1; }
/* One page too many for the VMO; eight are there. */
static void length_past_end(struct args* a) { a->length = 9 * PAGE; }

static void op_unknown(struct args* a) { a->op = 99; }
static void op_zero(struct args* a) { a->op = 0; }

static void data_zero(struct args* a) { a->data = 0; }
static void data_other_code(struct args* a) { a->data = (uint64_t)(int64_t)ZX_ERR_INTERNAL; }
static void data_zero_extended(struct args* a) { a->data = (uint32_t)ZX_ERR_IO; }
static void data_positive(struct args* a) { a->data = 40; }
static void data_high_bits(struct args* a) {
  a->data = (uint64_t)(int64_t)ZX_ERR_IO ^ (UINT64_C(1) << 40);
}

static void options_one(struct args* a) { a->options = 1; }
static void options_unknown(struct args* a) { a->options = UINT32_C(1) << 30; }
static void options_resizable_unbounded(struct args* a) {
  a->options = ZX_VMO_RESIZABLE | ZX_VMO_UNBOUNDED;
}
static void options_discardable(struct args* a) { a->options = ZX_VMO_DISCARDABLE; }
static void size_unroundable(struct args* a) { a->size = UINT64_MAX; }
static void size_above_largest(struct args* a) { a->size = UINT64_C(0xFFFFFFFFFFFE0000) + 1; }
static void out_null(struct args* a) { a->null_out = true; }

/* ---- The calls ---- */

static void args_make(struct args* a) {
  *a = (struct args){.key = 1, .length = PAGE, .size = PAGE};
  /* Not kept by the fixture: a mistake may replace the handle. */
  check_ok(zx_pager_create(0, &a->pager));
  a->port = make_port();
  struct root* v = make_root_on(a->pager, a->port, 0, 1, 8 * PAGE);
  a->vmo = v->vmo;
  a->aux = make_source(0, 8, TAG);
  a->full_pager = a->pager;
  a->full_port = a->port;
  a->full_vmo = a->vmo;
}

static void args_end(struct args* a) {
  /* Whichever of the two the pager's handle is by now. */
  if (zx_handle_close(a->full_pager) != ZX_OK) check_ok(zx_handle_close(a->pager));
}

static zx_status_t call_create(struct args* a) {
  zx_handle_t out = ZX_HANDLE_INVALID;
  const zx_status_t status = zx_pager_create(a->options, a->null_out ? NULL : &out);
  if (status == ZX_OK) keep(out);
  return status;
}

static zx_status_t call_create_vmo(struct args* a) {
  zx_handle_t out = ZX_HANDLE_INVALID;
  const zx_status_t status =
      zx_pager_create_vmo(a->pager, a->options, a->port, a->key, a->size, &out);
  if (status == ZX_OK) {
    keep(out);
  } else {
    check_equal(out, ZX_HANDLE_INVALID);
  }
  return status;
}

static zx_status_t call_detach(struct args* a) { return zx_pager_detach_vmo(a->pager, a->vmo); }

static zx_status_t call_supply(struct args* a) {
  return zx_pager_supply_pages(a->pager, a->vmo, a->offset, a->length, a->aux, a->aux_offset);
}

static zx_status_t call_fail(struct args* a) {
  return zx_pager_op_range(a->pager, a->op, a->vmo, a->offset, a->length, a->data);
}

static void prepare_fail(struct args* a) {
  a->op = ZX_PAGER_OP_FAIL;
  a->data = (uint64_t)(int64_t)ZX_ERR_IO;
}

static const struct table create_table = {
    .name = "zx_pager_create",
    .call = call_create,
    .mistakes =
        {
            {"options 1", OPTIONS, options_one, ZX_ERR_INVALID_ARGS},
            {"options 1 << 30", OPTIONS, options_unknown, ZX_ERR_INVALID_ARGS},
            {"out null", OUT, out_null, ZX_ERR_INVALID_ARGS},
        },
};

static const struct table create_vmo_table = {
    .name = "zx_pager_create_vmo",
    .call = call_create_vmo,
    .mistakes =
        {
            {"pager invalid", PAGER, pager_invalid, ZX_ERR_BAD_HANDLE},
            {"pager closed", PAGER, pager_stale, ZX_ERR_BAD_HANDLE},
            {"pager is a port", PAGER, pager_is_port, ZX_ERR_WRONG_TYPE},
            {"pager without ATTACH_VMO", PAGER, pager_without_attach, ZX_ERR_ACCESS_DENIED},
            {"port invalid", PORT, port_invalid, ZX_ERR_BAD_HANDLE},
            {"port is a VMO", PORT, port_is_vmo, ZX_ERR_WRONG_TYPE},
            {"port without WRITE", PORT, port_without_write, ZX_ERR_ACCESS_DENIED},
            {"RESIZABLE with UNBOUNDED", OPTIONS, options_resizable_unbounded, ZX_ERR_INVALID_ARGS},
            {"size cannot be rounded up", SIZE, size_unroundable, ZX_ERR_OUT_OF_RANGE},
            {"size above the largest", SIZE, size_above_largest, ZX_ERR_OUT_OF_RANGE},
            {"unknown option", OPTIONS, options_unknown, ZX_ERR_INVALID_ARGS},
            {"option 1", OPTIONS, options_one, ZX_ERR_INVALID_ARGS},
            {"DISCARDABLE", OPTIONS, options_discardable, ZX_ERR_INVALID_ARGS},
        },
};

static const struct table detach_table = {
    .name = "zx_pager_detach_vmo",
    .call = call_detach,
    .mistakes =
        {
            {"pager invalid", PAGER, pager_invalid, ZX_ERR_BAD_HANDLE},
            {"pager is a port", PAGER, pager_is_port, ZX_ERR_WRONG_TYPE},
            {"pager without ATTACH_VMO", PAGER, pager_without_attach, ZX_ERR_ACCESS_DENIED},
            {"pager without MANAGE_VMO", PAGER, pager_without_manage, ZX_ERR_ACCESS_DENIED},
            {"vmo invalid", VMO, vmo_invalid, ZX_ERR_BAD_HANDLE},
            {"vmo is a port", VMO, vmo_is_port, ZX_ERR_WRONG_TYPE},
            {"vmo without WRITE", VMO, vmo_without_write, ZX_ERR_ACCESS_DENIED},
            {"vmo is ordinary", VMO, vmo_ordinary, ZX_ERR_INVALID_ARGS},
            {"vmo of another pager", VMO, vmo_of_other_pager, ZX_ERR_INVALID_ARGS},
        },
};

static const struct table supply_table = {
    .name = "zx_pager_supply_pages",
    .call = call_supply,
    .mistakes =
        {
            {"offset misaligned", OFFSET, offset_misaligned, ZX_ERR_INVALID_ARGS},
            {"length misaligned", LENGTH, length_misaligned, ZX_ERR_INVALID_ARGS},
            {"aux_offset misaligned", AUX_OFFSET, aux_offset_misaligned, ZX_ERR_INVALID_ARGS},
            {"pager invalid", PAGER, pager_invalid, ZX_ERR_BAD_HANDLE},
            {"pager is a port", PAGER, pager_is_port, ZX_ERR_WRONG_TYPE},
            {"pager without MANAGE_VMO", PAGER, pager_without_manage, ZX_ERR_ACCESS_DENIED},
            {"vmo invalid", VMO, vmo_invalid, ZX_ERR_BAD_HANDLE},
            {"vmo is a port", VMO, vmo_is_port, ZX_ERR_WRONG_TYPE},
            {"vmo without WRITE", VMO, vmo_without_write, ZX_ERR_ACCESS_DENIED},
            {"vmo is ordinary", VMO, vmo_ordinary, ZX_ERR_INVALID_ARGS},
            {"vmo of another pager", VMO, vmo_of_other_pager, ZX_ERR_INVALID_ARGS},
            {"aux invalid", AUX, aux_invalid, ZX_ERR_BAD_HANDLE},
            {"aux is a port", AUX, aux_is_port, ZX_ERR_WRONG_TYPE},
            {"aux without READ", AUX, aux_without_read, ZX_ERR_ACCESS_DENIED},
            {"aux without WRITE", AUX, aux_without_write, ZX_ERR_ACCESS_DENIED},
            {"range outside aux", AUX_OFFSET, aux_offset_past_end, ZX_ERR_OUT_OF_RANGE},
            {"range in aux overflows", AUX_OFFSET, aux_offset_overflows, ZX_ERR_OUT_OF_RANGE},
            {"aux is the target", AUX, aux_is_target, ZX_ERR_NOT_SUPPORTED},
            {"aux is another pager's VMO", AUX, aux_of_other_pager, ZX_ERR_NOT_SUPPORTED},
            {"range outside the VMO", OFFSET, offset_past_end, ZX_ERR_OUT_OF_RANGE},
            {"range overflows", OFFSET, offset_overflows, ZX_ERR_OUT_OF_RANGE},
            {"detached", STATE, vmo_detached, ZX_ERR_BAD_STATE},
        },
};

static const struct table fail_table = {
    .name = "zx_pager_op_range",
    .call = call_fail,
    .prepare = prepare_fail,
    .mistakes =
        {
            {"offset misaligned", OFFSET, offset_misaligned, ZX_ERR_INVALID_ARGS},
            {"length misaligned", LENGTH, length_misaligned, ZX_ERR_INVALID_ARGS},
            {"pager invalid", PAGER, pager_invalid, ZX_ERR_BAD_HANDLE},
            {"pager is a port", PAGER, pager_is_port, ZX_ERR_WRONG_TYPE},
            {"pager without MANAGE_VMO", PAGER, pager_without_manage, ZX_ERR_ACCESS_DENIED},
            {"vmo invalid", VMO, vmo_invalid, ZX_ERR_BAD_HANDLE},
            {"vmo is a port", VMO, vmo_is_port, ZX_ERR_WRONG_TYPE},
            {"vmo without WRITE", VMO, vmo_without_write, ZX_ERR_ACCESS_DENIED},
            {"vmo is ordinary", VMO, vmo_ordinary, ZX_ERR_INVALID_ARGS},
            {"vmo of another pager", VMO, vmo_of_other_pager, ZX_ERR_INVALID_ARGS},
            {"op 99", OP, op_unknown, ZX_ERR_NOT_SUPPORTED},
            {"op 0", OP, op_zero, ZX_ERR_NOT_SUPPORTED},
            {"data 0", DATA, data_zero, ZX_ERR_INVALID_ARGS},
            {"data another code", DATA, data_other_code, ZX_ERR_INVALID_ARGS},
            {"data zero-extended", DATA, data_zero_extended, ZX_ERR_INVALID_ARGS},
            {"data positive", DATA, data_positive, ZX_ERR_INVALID_ARGS},
            {"data beyond 32 bits", DATA, data_high_bits, ZX_ERR_INVALID_ARGS},
            {"range outside the VMO", OFFSET, offset_past_end, ZX_ERR_OUT_OF_RANGE},
            {"length outside the VMO", LENGTH, length_past_end, ZX_ERR_OUT_OF_RANGE},
            {"range overflows", OFFSET, offset_overflows, ZX_ERR_OUT_OF_RANGE},
            {"detached", STATE, vmo_detached, ZX_ERR_BAD_STATE},
        },
};

/* ---- zx_vmo_op_range, zx_vmo_read, zx_vmo_write ---- */

static zx_status_t call_op(struct args* a) {
  return zx_vmo_op_range(a->vmo, a->op, a->offset, a->length, NULL, 0);
}

static zx_status_t call_read(struct args* a) {
  return zx_vmo_read(a->vmo, a->bytes, a->offset, a->length);
}

static zx_status_t call_write(struct args* a) {
  return zx_vmo_write(a->vmo, a->bytes, a->offset, a->length);
}

/* So that nothing has to be asked for. */
static void prepare_present(struct args* a) {
  zx_handle_t source = make_source(0, 8, TAG);
  check_ok(zx_pager_supply_pages(a->pager, a->vmo, 0, 8 * PAGE, source, 0));
  drop(&source);
}

static void prepare_commit(struct args* a) {
  prepare_present(a);
  a->op = ZX_VMO_OP_COMMIT;
}
static void prepare_zero(struct args* a) { a->op = ZX_VMO_OP_ZERO; }
static void prepare_always_need(struct args* a) {
  prepare_present(a);
  a->op = ZX_VMO_OP_ALWAYS_NEED;
}
static void prepare_dont_need(struct args* a) { a->op = ZX_VMO_OP_DONT_NEED; }
static void prepare_prefetch(struct args* a) {
  prepare_present(a);
  a->op = ZX_VMO_OP_PREFETCH;
}
static void prepare_decommit_nothing(struct args* a) {
  a->op = ZX_VMO_OP_DECOMMIT;
  a->length = 0;
}

static void length_zero_past_end(struct args* a) {
  a->offset = 8 * PAGE + 1;
  a->length = 0;
}
static void op_five(struct args* a) { a->op = 5; }
static void op_fifteen(struct args* a) { a->op = 15; }
static void one_byte_too_long(struct args* a) {
  a->offset = 8 * PAGE - 1;
  a->length = 2;
}

#define OP_LOOKUP                                                                               \
  {"vmo invalid", VMO, vmo_invalid, ZX_ERR_BAD_HANDLE},                                         \
      {"vmo is a port", VMO, vmo_is_port, ZX_ERR_WRONG_TYPE},                                   \
      {"op 0", OP, op_zero, ZX_ERR_INVALID_ARGS}, {"op 5", OP, op_five, ZX_ERR_INVALID_ARGS}, { \
    "op 15", OP, op_fifteen, ZX_ERR_INVALID_ARGS                                                \
  }
#define OP_RANGE                                                                        \
  {"range outside the VMO", OFFSET, offset_past_end, ZX_ERR_OUT_OF_RANGE},              \
      {"length outside the VMO", LENGTH, length_past_end, ZX_ERR_OUT_OF_RANGE},         \
      {"range overflows", OFFSET | LENGTH, offset_overflows, ZX_ERR_OUT_OF_RANGE}, {    \
    "length 0 past the end", OFFSET | LENGTH, length_zero_past_end, ZX_ERR_OUT_OF_RANGE \
  }

static const struct table op_tables[] = {
    {.name = "COMMIT",
     .call = call_op,
     .prepare = prepare_commit,
     .mistakes = {OP_LOOKUP,
                  {"vmo without WRITE", VMO, vmo_without_write, ZX_ERR_ACCESS_DENIED},
                  OP_RANGE}},
    {.name = "DECOMMIT of nothing",
     .call = call_op,
     .prepare = prepare_decommit_nothing,
     .mistakes = {OP_LOOKUP,
                  {"vmo without WRITE", VMO, vmo_without_write, ZX_ERR_ACCESS_DENIED},
                  {"length outside the VMO", LENGTH, length_past_end, ZX_ERR_OUT_OF_RANGE},
                  {"length 0 past the end", OFFSET | LENGTH, length_zero_past_end,
                   ZX_ERR_OUT_OF_RANGE}}},
    {.name = "ZERO",
     .call = call_op,
     .prepare = prepare_zero,
     .mistakes = {OP_LOOKUP,
                  {"vmo without WRITE", VMO, vmo_without_write, ZX_ERR_ACCESS_DENIED},
                  OP_RANGE}},
    {.name = "ALWAYS_NEED",
     .call = call_op,
     .prepare = prepare_always_need,
     .mistakes = {OP_LOOKUP, OP_RANGE}},
    {.name = "DONT_NEED",
     .call = call_op,
     .prepare = prepare_dont_need,
     .mistakes = {OP_LOOKUP, OP_RANGE}},
    {.name = "PREFETCH",
     .call = call_op,
     .prepare = prepare_prefetch,
     .mistakes = {OP_LOOKUP,
                  {"vmo without READ", VMO, vmo_without_read, ZX_ERR_ACCESS_DENIED},
                  OP_RANGE}},
    {.name = "zx_vmo_read",
     .call = call_read,
     .prepare = prepare_present,
     .mistakes = {{"vmo invalid", VMO, vmo_invalid, ZX_ERR_BAD_HANDLE},
                  {"vmo is a port", VMO, vmo_is_port, ZX_ERR_WRONG_TYPE},
                  {"vmo without READ", VMO, vmo_without_read, ZX_ERR_ACCESS_DENIED},
                  {"one byte too long", OFFSET | LENGTH, one_byte_too_long, ZX_ERR_OUT_OF_RANGE},
                  OP_RANGE}},
    {.name = "zx_vmo_write",
     .call = call_write,
     .prepare = prepare_present,
     .mistakes = {{"vmo invalid", VMO, vmo_invalid, ZX_ERR_BAD_HANDLE},
                  {"vmo is a port", VMO, vmo_is_port, ZX_ERR_WRONG_TYPE},
                  {"vmo without WRITE", VMO, vmo_without_write, ZX_ERR_ACCESS_DENIED},
                  {"one byte too long", OFFSET | LENGTH, one_byte_too_long, ZX_ERR_OUT_OF_RANGE},
                  OP_RANGE}},
};
enum {
  OP_TABLES = sizeof(op_tables) / sizeof(op_tables[0])
};

static const struct table* const call_tables[] = {
    &create_table, &create_vmo_table, &detach_table, &supply_table, &fail_table,
};
enum {
  CALL_TABLES = sizeof(call_tables) / sizeof(call_tables[0])
};

/* ---- Running the tables ---- */

struct row {
  const struct table* table;
  const struct mistake* mistake; /* NULL: none, the call succeeds */
};

static void expect_call(const struct table* table, const struct mistake* first,
                        const struct mistake* second) {
  struct args a;
  args_make(&a);
  if (table->prepare != NULL) table->prepare(&a);
  /* The later row first: it may need the handles that the earlier one spoils. */
  if (second != NULL) second->make(&a);
  if (first != NULL) first->make(&a);
  /* A detach sends COMPLETE, which is no doing of the call. */
  zx_port_packet_t packet;
  (void)zx_port_wait(a.full_port, ZX_TIME_INFINITE_PAST, &packet);

  const zx_status_t wanted = first != NULL ? first->status : ZX_OK;
  const zx_status_t got = table->call(&a);
  if (got != wanted) {
    check_fail("%s%s%s%s%s gave %d, not %d", table->name, first != NULL ? ", " : "",
               first != NULL ? first->name : "", second != NULL ? " and " : "",
               second != NULL ? second->name : "", got, wanted);
  }
  /* pager.md 3.2: a call that fails leaves nothing behind and sends no packet. */
  if (wanted != ZX_OK) expect_empty(a.full_port);
  args_end(&a);
}

static void row_in_child(const void* context) {
  const struct row* row = context;
  expect_call(row->table, row->mistake, NULL);
}

static void order_in_child(const void* context) {
  const struct table* table = context;
  const struct mistake* m = table->mistakes;
  for (unsigned i = 0; m[i].name != NULL; i++) {
    for (unsigned j = i + 1; m[j].name != NULL; j++) {
      if ((m[i].changes & m[j].changes) == 0) expect_call(table, &m[i], &m[j]);
    }
  }
}

static void run_row(void** state) { scenario_run(row_in_child, *state, 0); }
static void run_order(void** state) { scenario_run(order_in_child, *state, 0); }

/* ---- What the tables do not say ---- */

/* pager.md 3.1, 3.2: what succeeds */
SCENARIO(each_option_of_a_root_is_accepted) {
  static const uint32_t options[] = {0,
                                     ZX_VMO_RESIZABLE,
                                     ZX_VMO_TRAP_DIRTY,
                                     ZX_VMO_UNBOUNDED,
                                     ZX_VMO_RESIZABLE | ZX_VMO_TRAP_DIRTY,
                                     ZX_VMO_UNBOUNDED | ZX_VMO_TRAP_DIRTY};
  for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
    make_root_on(fx.pager, fx.port, options[i], i, PAGE);
  }
  /* An unbounded VMO takes any size for its content. */
  make_root_on(fx.pager, fx.port, ZX_VMO_UNBOUNDED, 99, UINT64_MAX);
  expect_nothing();
}

/* pager.md 3.2: MANAGE_VMO is not needed */
SCENARIO(creating_a_root_needs_only_attach) {
  zx_handle_t pager = ZX_HANDLE_INVALID;
  check_ok(zx_pager_create(0, &pager));
  pager = keep(pager_without(pager, ZX_RIGHT_MANAGE_VMO));
  make_root_on(pager, fx.port, 0, 1, PAGE);
}

/* pager.md 3.4: READ on the target is not needed */
SCENARIO(supplying_needs_no_read) {
  struct root* v = make_root(2);
  struct root blind = *v;
  blind.vmo = vmo_without(v->vmo, ZX_RIGHT_READ);
  supply(&blind, 0, 2, TAG);
  expect_pages(VIA_CALLS, v, 0, 2, TAG);
}

/* pager.md 3.3: a detach of a detached VMO succeeds */
SCENARIO(a_detach_may_be_repeated) {
  struct root* v = make_root(2);
  detach(v);
  detach(v);
  expect_complete(v);
  expect_nothing();
}

/* pager.md 3.4: length 0 passes every handle check, and the ranges */
SCENARIO(a_supply_of_nothing_is_checked) {
  struct root* v = make_root(2);
  const zx_handle_t source = make_vmo(1);
  check_ok(zx_pager_supply_pages(fx.pager, v->vmo, 2 * PAGE, 0, source, PAGE));
  check_status(zx_pager_supply_pages(fx.pager, v->vmo, 0, 0, ZX_HANDLE_INVALID, 0),
               ZX_ERR_BAD_HANDLE);
  check_status(zx_pager_supply_pages(fx.pager, ZX_HANDLE_INVALID, 0, 0, source, 0),
               ZX_ERR_BAD_HANDLE);
}

/* pager.md 3.5: length 0 inside the VMO */
SCENARIO(a_failure_of_nothing_is_checked) {
  struct root* v = make_root(2);
  check_ok(try_fail(v, 2, 0, ZX_ERR_IO));
  check_status(try_fail(v, 3, 0, ZX_ERR_IO), ZX_ERR_OUT_OF_RANGE);
  check_status(try_fail(v, 0, 0, ZX_ERR_TIMED_OUT), ZX_ERR_INVALID_ARGS);
}

/* pager.md 3.5: the five codes */
SCENARIO(each_of_the_five_codes_is_accepted) {
  struct root* v = make_root(2);
  check_ok(try_fail(v, 0, 2, ZX_ERR_IO));
  check_ok(try_fail(v, 0, 2, ZX_ERR_IO_DATA_INTEGRITY));
  check_ok(try_fail(v, 0, 2, ZX_ERR_BAD_STATE));
  check_ok(try_fail(v, 0, 2, ZX_ERR_NO_SPACE));
  check_ok(try_fail(v, 0, 2, ZX_ERR_BUFFER_TOO_SMALL));
}

/* pager.md 3.6: DECOMMIT is never supported, also when misaligned */
SCENARIO(decommit_is_not_supported) {
  struct root* v = make_root(8);
  supply(v, 0, 8, TAG);
  check_status(zx_vmo_op_range(v->vmo, ZX_VMO_OP_DECOMMIT, 0, PAGE, NULL, 0), ZX_ERR_NOT_SUPPORTED);
  check_status(zx_vmo_op_range(v->vmo, ZX_VMO_OP_DECOMMIT, 1, PAGE, NULL, 0), ZX_ERR_NOT_SUPPORTED);
  check_status(zx_vmo_op_range(v->vmo, ZX_VMO_OP_DECOMMIT, 0, 9 * PAGE, NULL, 0),
               ZX_ERR_OUT_OF_RANGE);
  expect_pages(VIA_CALLS, v, 0, 8, TAG);
}

/* vmo.md 5: neither is locking */
SCENARIO(locking_is_not_supported) {
  struct root* v = make_root(1);
  zx_vmo_lock_state_t state;
  check_status(zx_vmo_op_range(v->vmo, ZX_VMO_OP_TRY_LOCK, 0, PAGE, NULL, 0), ZX_ERR_NOT_SUPPORTED);
  check_status(zx_vmo_op_range(v->vmo, ZX_VMO_OP_LOCK, 0, PAGE, &state, sizeof(state)),
               ZX_ERR_NOT_SUPPORTED);
  check_status(zx_vmo_op_range(v->vmo, ZX_VMO_OP_UNLOCK, 0, PAGE, NULL, 0), ZX_ERR_NOT_SUPPORTED);
}

/* pager.md 3.6: length 0 in range succeeds, up to and including the end */
SCENARIO(ops_of_nothing_succeed) {
  static const uint32_t ops[] = {ZX_VMO_OP_COMMIT,    ZX_VMO_OP_DECOMMIT,    ZX_VMO_OP_ZERO,
                                 ZX_VMO_OP_DONT_NEED, ZX_VMO_OP_ALWAYS_NEED, ZX_VMO_OP_PREFETCH};
  struct root* v = make_root(2);
  const uint64_t before = waits_now();
  for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
    check_ok(zx_vmo_op_range(v->vmo, ops[i], 0, 0, NULL, 0));
    check_ok(zx_vmo_op_range(v->vmo, ops[i], 2 * PAGE, 0, NULL, 0));
  }
  check_equal(waits_now(), before);
  expect_nothing();
}

/* pager.md 3.6: the hints need no right at all */
SCENARIO(hints_need_no_right) {
  struct root* v = make_root(2);
  supply(v, 0, 2, TAG);
  const zx_handle_t bare = duplicate_with(v->vmo, ZX_RIGHT_INSPECT);
  check_ok(zx_vmo_op_range(bare, ZX_VMO_OP_ALWAYS_NEED, 0, 2 * PAGE, NULL, 0));
  check_ok(zx_vmo_op_range(bare, ZX_VMO_OP_DONT_NEED, 0, 2 * PAGE, NULL, 0));
}

/* pager.md 3.6: PREFETCH needs only READ, COMMIT only WRITE */
SCENARIO(prefetch_needs_only_read_and_commit_only_write) {
  struct root* v = make_root(2);
  supply(v, 0, 2, TAG);
  const zx_handle_t readable = duplicate_with(v->vmo, ZX_RIGHT_READ);
  const zx_handle_t writable = duplicate_with(v->vmo, ZX_RIGHT_WRITE);
  check_ok(zx_vmo_op_range(readable, ZX_VMO_OP_PREFETCH, 0, 2 * PAGE, NULL, 0));
  check_ok(zx_vmo_op_range(writable, ZX_VMO_OP_COMMIT, 0, 2 * PAGE, NULL, 0));
  check_ok(zx_vmo_op_range(writable, ZX_VMO_OP_ZERO, 0, 2 * PAGE, NULL, 0));
}

/* pager.md 3.6: on VMOs with no pager at the root the two hints succeed whatever the range */
SCENARIO(hints_on_ordinary_vmos_succeed_whatever_the_range) {
  const zx_handle_t vmo = make_vmo(1);
  check_ok(zx_vmo_op_range(vmo, ZX_VMO_OP_ALWAYS_NEED, 0, 9 * PAGE, NULL, 0));
  check_ok(zx_vmo_op_range(vmo, ZX_VMO_OP_DONT_NEED, 50 * PAGE, UINT64_MAX, NULL, 0));
}

/* vmo.md 3: bad buffers in the root region */
SCENARIO(a_bad_buffer_is_an_error) {
  struct root* v = make_root(2);
  supply(v, 0, 2, TAG);
  check_status(zx_vmo_read(v->vmo, NULL, 0, 1), ZX_ERR_NOT_FOUND);
  check_status(zx_vmo_write(v->vmo, NULL, 0, 1), ZX_ERR_NOT_FOUND);
  check_ok(zx_vmo_read(v->vmo, NULL, 0, 0));

  const zx_handle_t plain = make_resizable_vmo(1);
  uint8_t* read_only = map_with(plain, ZX_VM_PERM_READ, 0, PAGE);
  check_status(zx_vmo_read(v->vmo, read_only, 0, 1), ZX_ERR_ACCESS_DENIED);
  check_ok(zx_vmo_write(v->vmo, read_only, 0, 1));
  check_ok(zx_vmo_set_size(plain, 0));
  check_status(zx_vmo_write(v->vmo, read_only, 0, 1), ZX_ERR_OUT_OF_RANGE);
  unmap(read_only, PAGE);
  check_status(zx_vmo_write(v->vmo, read_only, 0, 1), ZX_ERR_NOT_FOUND);
}

/* ---- */

static const struct CMUnitTest further_tests[] = {
    TEST(each_option_of_a_root_is_accepted),
    TEST(creating_a_root_needs_only_attach),
    TEST(supplying_needs_no_read),
    TEST(a_detach_may_be_repeated),
    TEST(a_supply_of_nothing_is_checked),
    TEST(a_failure_of_nothing_is_checked),
    TEST(each_of_the_five_codes_is_accepted),
    TEST(decommit_is_not_supported),
    TEST(locking_is_not_supported),
    TEST(ops_of_nothing_succeed),
    TEST(hints_need_no_right),
    TEST(prefetch_needs_only_read_and_commit_only_write),
    TEST(hints_on_ordinary_vmos_succeed_whatever_the_range),
    TEST(a_bad_buffer_is_an_error),
};
enum {
  FURTHER_TESTS = sizeof(further_tests) / sizeof(further_tests[0])
};

#define MAX_TESTS ((MAX_MISTAKES + 2) * (CALL_TABLES + OP_TABLES) + FURTHER_TESTS)

static struct CMUnitTest tests[MAX_TESTS];
static struct row rows[MAX_TESTS];
static char names[MAX_TESTS][96];
static size_t test_count;

static void add_test(const struct table* table, const struct mistake* mistake, const char* name,
                     CMUnitTestFunction function) {
  rows[test_count] = (struct row){table, mistake};
  snprintf(names[test_count], sizeof(names[0]), "%s: %s", table->name, name);
  tests[test_count] = (struct CMUnitTest){
      .name = names[test_count],
      .test_func = function,
      .initial_state = function == run_order ? (void*)(uintptr_t)table : &rows[test_count],
  };
  test_count++;
}

static void add_table(const struct table* table) {
  add_test(table, NULL, "nothing wrong", run_row);
  for (const struct mistake* m = table->mistakes; m->name != NULL; m++) {
    add_test(table, m, m->name, run_row);
  }
  add_test(table, NULL, "of two mistakes the earlier row", run_order);
}

int main(int argc, char** argv) {
  for (unsigned i = 0; i < CALL_TABLES; i++) {
    add_table(call_tables[i]);
  }
  for (unsigned i = 0; i < OP_TABLES; i++) {
    add_table(&op_tables[i]);
  }
  for (unsigned i = 0; i < FURTHER_TESTS; i++) {
    tests[test_count++] = further_tests[i];
  }
  return scenario_main(tests, test_count, argc, argv);
}
