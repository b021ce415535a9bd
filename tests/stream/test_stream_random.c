/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random calls on streams, compared with plain arrays of bytes after each: objects.md 11, vmo.md 4.
 *
 * A round makes one VMO and two streams on it, and then a few calls of any sort. When the VMO and
 * the arrays differ, the calls of the round are printed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/random.h"
#include "streams.h"
#include "writeback.h"

#define CALLS   25
#define PAGES   6u
#define ROOM    (PAGES * PAGE)
#define STREAMS 2

enum sort {
  FIXED,
  RESIZABLE,
  NOT_TO_GROW, /* resizable, but the streams were made without ZX_RIGHT_RESIZE */
  SLICE,
  CHILD, /* a snapshot of a VMO full of bytes */
  ROOT,  /* of a pager that has supplied everything, resizable */
  SORTS,
};

static const char* const sort_names[] = {"fixed VMO",      "resizable VMO", "VMO not to grow",
                                         "slice of a VMO", "snapshot",      "pager root"};

struct model {
  uint8_t bytes[ROOM];
  uint64_t size; /* of the VMO */
  uint64_t content;
  uint64_t seek[STREAMS];
  bool append[STREAMS];
  bool can_grow;
  bool can_resize;
};

static struct model model;
static zx_handle_t vmo;
static zx_handle_t streams[STREAMS];

/* ---- The script of a round ---- */

static char script[CALLS + 1][120];
static unsigned script_length;
static uint64_t seed; /* of the round */

#define note(...)                                                      \
  do {                                                                 \
    check_true(script_length < sizeof(script) / sizeof(script[0]));    \
    snprintf(script[script_length++], sizeof(script[0]), __VA_ARGS__); \
  } while (0)

static void differ(const char* what, uint64_t at, uint64_t is, uint64_t should_be) {
  fprintf(stderr, "ZXP_SEED=%" PRIu64 " ZXP_ROUNDS=1\n", seed);
  for (unsigned i = 0; i < script_length; i++) {
    fprintf(stderr, "  %s\n", script[i]);
  }
  check_fail("%s %" PRIu64 ": %" PRIu64 ", not %" PRIu64, what, at, is, should_be);
}

/* ---- What calls should do ---- */

static uint64_t round_up(uint64_t size) { return (size + PAGE - 1) / PAGE * PAGE; }

static void model_zero(uint64_t from, uint64_t to) {
  if (from < to) memset(model.bytes + from, 0, to - from);
}

/* Says how many bytes are written; UINT64_MAX for no space. */
static uint64_t model_write(uint64_t at, const uint8_t* bytes, uint64_t length) {
  uint64_t end = at + length;
  if (end > model.size && model.can_grow) {
    model_zero(model.size, round_up(end));
    model.size = round_up(end);
  }
  if (at >= model.size) return UINT64_MAX;
  end = end < model.size ? end : model.size;
  model_zero(model.content, at);
  memcpy(model.bytes + at, bytes, end - at);
  model.content = model.content > end ? model.content : end;
  return end - at;
}

static uint64_t model_readable(uint64_t at) {
  const uint64_t end = model.content < model.size ? model.content : model.size;
  return at < end ? end - at : 0;
}

static void model_resize(uint64_t size) {
  const uint64_t rounded = round_up(size);
  if (rounded > model.size) model_zero(model.size, rounded);
  model_zero(size, rounded);
  model.size = rounded;
  model.content = size;
}

/* ---- Making the calls ---- */

static uint8_t buffer[ROOM];

/* Splits the buffer into a few entries, empty ones too. */
static size_t split(struct rng* rng, uint64_t length, zx_iovec_t* v) {
  size_t count = 0;
  uint64_t at = 0;
  while (at < length && count < 3) {
    const uint64_t n = rng_below(rng, length - at + 1);
    v[count++] = (zx_iovec_t){n == 0 ? NULL : buffer + at, n};
    at += n;
  }
  v[count++] = (zx_iovec_t){at == length ? NULL : buffer + at, length - at};
  return count;
}

static uint64_t some_length(struct rng* rng) {
  const uint64_t most[] = {4, 100, PAGE, 2 * PAGE};
  return 1 + rng_below(rng, most[rng_below(rng, 4)]);
}

/* Places near borders more often than others; a write from there stays in the room. */
static uint64_t some_place(struct rng* rng) {
  const uint64_t near[] = {model.content, model.size, PAGE, 2 * PAGE, 0};
  const uint64_t limit = ROOM - 2 * PAGE;
  uint64_t at = rng_below(rng, limit);
  if (rng_one_in(rng, 2)) at = near[rng_below(rng, 5)] + rng_below(rng, 9) - 4;
  return at < limit ? at : rng_below(rng, limit);
}

static void call_write(struct rng* rng) {
  const unsigned i = (unsigned)rng_below(rng, STREAMS);
  const uint64_t length = some_length(rng);
  const uint64_t kind = rng_below(rng, 3);
  uint64_t at = some_place(rng);
  zx_iovec_t v[4];
  size_t actual = 0;
  zx_status_t status;
  for (uint64_t k = 0; k < length; k++) {
    buffer[k] = (uint8_t)(1 + rng_below(rng, 255));
  }
  const size_t count = split(rng, length, v);
  const bool appends = kind == 1 || (kind == 0 && model.append[i]);
  if (kind == 0 && !appends) at = model.seek[i];
  if (appends) at = model.content;
  if (at + length > ROOM) return;
  if (kind == 2) {
    note("zx_stream_writev_at(s%u, %" PRIu64 ", %" PRIu64 " bytes)", i, at, length);
    status = zx_stream_writev_at(streams[i], 0, at, v, count, &actual);
  } else {
    note("zx_stream_writev(s%u, %s, %" PRIu64 " bytes)", i, appends ? "append" : "", length);
    status = zx_stream_writev(streams[i], kind == 1 ? ZX_STREAM_APPEND : 0, v, count, &actual);
  }
  const uint64_t want = model_write(at, buffer, length);
  if (status != (want == UINT64_MAX ? ZX_ERR_NO_SPACE : ZX_OK)) {
    differ("status of the write at", at, (uint64_t)status, want);
  }
  if (status == ZX_OK) {
    if (actual != want) differ("bytes written at", at, actual, want);
    if (kind != 2) model.seek[i] = at + actual;
  }
}

static void call_read(struct rng* rng) {
  const unsigned i = (unsigned)rng_below(rng, STREAMS);
  const uint64_t length = some_length(rng);
  const bool here = rng_one_in(rng, 2);
  const uint64_t at = here ? model.seek[i] : some_place(rng);
  zx_iovec_t v[4];
  size_t actual = 0;
  memset(buffer, 0xee, length);
  const size_t count = split(rng, length, v);
  note("zx_stream_readv%s(s%u, %" PRIu64 ", %" PRIu64 " bytes)", here ? "" : "_at", i, at, length);
  check_ok(here ? zx_stream_readv(streams[i], 0, v, count, &actual)
                : zx_stream_readv_at(streams[i], 0, at, v, count, &actual));
  const uint64_t most = model_readable(at);
  const uint64_t want = most < length ? most : length;
  if (actual != want) differ("bytes read at", at, actual, want);
  for (uint64_t k = 0; k < want; k++) {
    if (buffer[k] != model.bytes[at + k]) differ("byte", at + k, buffer[k], model.bytes[at + k]);
  }
  for (uint64_t k = want; k < length; k++) {
    if (buffer[k] != 0xee) differ("byte past the end", at + k, buffer[k], 0xee);
  }
  if (here) model.seek[i] += want;
}

static void call_seek(struct rng* rng) {
  const unsigned i = (unsigned)rng_below(rng, STREAMS);
  const uint64_t to = some_place(rng);
  const zx_stream_seek_origin_t whence = (zx_stream_seek_origin_t)rng_below(rng, 3);
  const uint64_t base[] = {0, model.seek[i], model.content};
  zx_off_t seek = 0;
  note("zx_stream_seek(s%u, %u) to %" PRIu64, i, whence, to);
  check_ok(zx_stream_seek(streams[i], whence, (int64_t)(to - base[whence]), &seek));
  if (seek != to) differ("seek offset", i, seek, to);
  model.seek[i] = to;
}

static void call_size(struct rng* rng) {
  const uint64_t size = some_place(rng);
  const uint64_t kind = rng_below(rng, 3);
  if (kind == 0 && model.can_resize) {
    note("zx_vmo_set_size(%" PRIu64 ")", size);
    check_ok(zx_vmo_set_size(vmo, size));
    model_resize(size);
  } else if (kind == 1) {
    note("zx_vmo_set_stream_size(%" PRIu64 ")", size);
    const zx_status_t status = zx_vmo_set_stream_size(vmo, size);
    if (size > model.size) {
      if (size != model.content) check_status(status, ZX_ERR_OUT_OF_RANGE);
    } else {
      check_ok(status);
      if (size != model.content) {
        model_zero(size < model.content ? size : model.content, model.size);
        model.content = size;
      }
    }
  } else {
    note("ZX_PROP_VMO_CONTENT_SIZE := %" PRIu64, size);
    check_ok(zx_object_set_property(vmo, ZX_PROP_VMO_CONTENT_SIZE, &size, sizeof(size)));
    model_zero(size, model.size);
    model.content = size;
  }
}

static void call_vmo_write(struct rng* rng) {
  const uint64_t at = some_place(rng);
  uint64_t length = some_length(rng);
  if (at >= model.size) return;
  length = length < model.size - at ? length : model.size - at;
  note("zx_vmo_write(%" PRIu64 ", %" PRIu64 " bytes)", at, length);
  memset(model.bytes + at, 0x77, length);
  check_ok(zx_vmo_write(vmo, model.bytes + at, at, length));
}

static void call_append_mode(struct rng* rng) {
  const unsigned i = (unsigned)rng_below(rng, STREAMS);
  const uint8_t on = rng_one_in(rng, 2);
  note("append mode of s%u := %u", i, on);
  check_ok(zx_object_set_property(streams[i], ZX_PROP_STREAM_MODE_APPEND, &on, sizeof(on)));
  model.append[i] = on != 0;
}

/* ---- A round ---- */

static void compare(void) {
  static uint8_t bytes[ROOM];
  if (vmo_size(vmo) != model.size) differ("VMO size", 0, vmo_size(vmo), model.size);
  if (content_size(vmo) != model.content) {
    differ("content size", 0, content_size(vmo), model.content);
  }
  for (unsigned i = 0; i < STREAMS; i++) {
    const zx_info_stream_t info = stream_info(streams[i]);
    if (info.seek != model.seek[i]) differ("seek offset of stream", i, info.seek, model.seek[i]);
    check_equal(info.content_size, model.content);
    check_equal(info.options, READ_WRITE | (model.append[i] ? APPEND : 0u));
  }
  check_ok(zx_vmo_read(vmo, bytes, 0, model.size));
  for (uint64_t i = 0; i < model.size; i++) {
    if (bytes[i] != model.bytes[i]) differ("byte", i, bytes[i], model.bytes[i]);
  }
}

static zx_handle_t make_child(zx_handle_t parent, uint32_t options, uint64_t offset,
                              uint64_t size) {
  zx_handle_t child = ZX_HANDLE_INVALID;
  check_ok(zx_vmo_create_child(parent, options, offset, size, &child));
  return child;
}

/* Makes the VMO and the model of it; the handles to close at the end of the round. */
static void begin(struct rng* rng, enum sort sort, zx_handle_t* other) {
  const uint64_t size = rng_below(rng, 3 * PAGE);
  memset(&model, 0, sizeof(model));
  model.content = size;
  model.size = round_up(size);
  model.can_resize = sort == RESIZABLE || sort == NOT_TO_GROW || sort == ROOT;
  model.can_grow = sort == RESIZABLE || sort == ROOT;
  *other = ZX_HANDLE_INVALID;
  if (sort == SLICE || sort == CHILD) {
    check_ok(zx_vmo_create(8 * PAGE, 0, other));
    fill_vmo(*other, 0x33);
    memset(model.bytes, 0x33, model.size);
    vmo =
        make_child(*other, sort == SLICE ? ZX_VMO_CHILD_SLICE : ZX_VMO_CHILD_SNAPSHOT, PAGE, size);
  } else if (sort == ROOT) {
    check_ok(zx_pager_create_vmo(fx.pager, ZX_VMO_RESIZABLE, fx.port, 1, size, &vmo));
    check_ok(zx_vmo_create(model.size, 0, other));
    fill_vmo(*other, 0x44);
    memset(model.bytes, 0x44, model.size);
    check_ok(zx_pager_supply_pages(fx.pager, vmo, 0, model.size, *other, 0));
  } else {
    check_ok(zx_vmo_create(size, sort == FIXED ? 0 : ZX_VMO_RESIZABLE, &vmo));
  }
  zx_handle_t with = vmo;
  if (sort == NOT_TO_GROW) {
    check_ok(zx_handle_duplicate(vmo, ZX_RIGHT_READ | ZX_RIGHT_WRITE, &with));
  }
  for (unsigned i = 0; i < STREAMS; i++) {
    check_ok(zx_stream_create(READ_WRITE, with, 0, &streams[i]));
  }
  if (sort == NOT_TO_GROW) check_ok(zx_handle_close(with));
  note("%s of %" PRIu64 " bytes", sort_names[sort], size);
}

static void run_round(void) {
  struct rng rng = rng_start(seed);
  zx_handle_t other;
  script_length = 0;
  begin(&rng, (enum sort)rng_below(&rng, SORTS), &other);
  compare();
  for (unsigned n = 0; n < CALLS; n++) {
    switch (rng_below(&rng, 12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        call_write(&rng);
        break;
      case 4:
      case 5:
      case 6:
        call_read(&rng);
        break;
      case 7:
        call_seek(&rng);
        break;
      case 8:
        call_size(&rng);
        break;
      case 9:
      case 10:
        call_vmo_write(&rng);
        break;
      default:
        call_append_mode(&rng);
        break;
    }
    compare();
  }
  for (unsigned i = 0; i < STREAMS; i++) {
    check_ok(zx_handle_close(streams[i]));
  }
  check_ok(zx_handle_close(vmo));
  check_ok(zx_handle_close(other));
}

SCENARIO(any_calls_do_what_arrays_of_bytes_do) {
  const uint64_t rounds = random_rounds(UNDER_SANITIZER ? 200 : 1500);
  for (uint64_t i = 0; i < rounds; i++) {
    seed = random_seed() + i;
    run_round();
  }
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(any_calls_do_what_arrays_of_bytes_do),
  };
  /* The time that they take is the user's choice. */
  scenario_extra_seconds = (unsigned)(random_rounds(0) / 500);
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
