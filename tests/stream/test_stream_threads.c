/* SPDX-License-Identifier: BSD-3-Clause */
/* Several threads on the streams of one VMO: objects.md 11.2. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../base/random.h"
#include "streams.h"
#include "writeback.h"

#define THREADS 4
#define RECORDS (UNDER_SANITIZER ? 60u : 200u)

/* ---- Records: what a thread writes at once, recognisable afterwards ---- */

#define MAGIC 0x5a17u

struct record {
  uint16_t magic;
  uint16_t thread;
  uint16_t number;
  uint16_t length; /* of the whole record */
};

#define RECORD_MAX 3000u

static uint8_t filler(unsigned thread, unsigned number) {
  return (uint8_t)(1 + (thread * 61 + number * 7) % 255);
}

static void make_record(uint8_t* bytes, unsigned thread, unsigned number, unsigned length) {
  const struct record r = {MAGIC, (uint16_t)thread, (uint16_t)number, (uint16_t)length};
  memset(bytes, filler(thread, number), length);
  memcpy(bytes, &r, sizeof(r));
}

/* The whole content is records, one behind the other: each of every thread once, in its order. */
static void expect_all_records(zx_handle_t vmo, unsigned threads) {
  const uint64_t size = content_size(vmo);
  uint8_t* bytes = malloc(size + 1);
  check_true(bytes != NULL);
  check_ok(zx_vmo_read(vmo, bytes, 0, size));
  unsigned next[THREADS] = {0};
  for (uint64_t at = 0; at < size;) {
    struct record r;
    check_true(size - at >= sizeof(r));
    memcpy(&r, bytes + at, sizeof(r));
    check_equal(r.magic, MAGIC);
    check_true(r.thread < threads && r.length >= sizeof(r) && r.length <= size - at);
    check_equal(r.number, next[r.thread]);
    next[r.thread]++;
    check_true(
        is_filled_with(bytes + at + sizeof(r), filler(r.thread, r.number), r.length - sizeof(r)));
    at += r.length;
  }
  for (unsigned i = 0; i < threads; i++) {
    check_equal(next[i], RECORDS);
  }
  free(bytes);
}

/* ---- Writers ---- */

struct writer {
  zx_handle_t stream;
  uint32_t options;
  unsigned thread;
};

/* In two buffers, so that a record is more than one step. */
static zx_status_t write_records(void* argument) {
  const struct writer* w = argument;
  struct rng rng = rng_start(random_seed() + w->thread);
  uint8_t bytes[RECORD_MAX];
  for (unsigned n = 0; n < RECORDS; n++) {
    const unsigned length =
        (unsigned)(sizeof(struct record) + rng_below(&rng, RECORD_MAX - sizeof(struct record) + 1));
    const unsigned first = (unsigned)rng_below(&rng, length + 1);
    make_record(bytes, w->thread, n, length);
    const zx_iovec_t v[2] = {{bytes, first}, {bytes + first, length - first}};
    size_t actual = 0;
    const zx_status_t status = zx_stream_writev(w->stream, w->options, v, 2, &actual);
    if (status != ZX_OK) return status;
    if (actual != length) return ZX_ERR_BAD_STATE;
  }
  return ZX_OK;
}

static void run_writers(struct writer* writers) {
  struct worker* workers[THREADS];
  for (unsigned i = 0; i < THREADS; i++) {
    writers[i].thread = i;
    workers[i] = start_call(write_records, &writers[i]);
  }
  for (unsigned i = 0; i < THREADS; i++) {
    expect_ok(workers[i]);
  }
}

/* appends of several threads never overlap and never leave holes, whichever stream they use */
static void expect_appends_to_follow_each_other(zx_handle_t vmo) {
  struct writer writers[THREADS];
  const zx_handle_t shared = make_stream(WRITE | APPEND, vmo, 0);
  writers[0] = (struct writer){.stream = shared};
  writers[1] = (struct writer){.stream = shared, .options = ZX_STREAM_APPEND};
  writers[2] = (struct writer){.stream = make_stream(WRITE | APPEND, vmo, 0)};
  writers[3] = (struct writer){.stream = make_stream(WRITE, vmo, 7), .options = ZX_STREAM_APPEND};
  run_writers(writers);
  expect_all_records(vmo, THREADS);
}

SCENARIO(appends_to_a_resizable_vmo_follow_each_other) {
  expect_appends_to_follow_each_other(make_resizable_vmo(0));
}

SCENARIO(appends_to_an_unbounded_vmo_follow_each_other) {
  expect_appends_to_follow_each_other(make_bytes(0, ZX_VMO_UNBOUNDED));
}

SCENARIO(appends_over_old_bytes_follow_each_other) {
  const zx_handle_t vmo = make_vmo(THREADS * RECORDS * RECORD_MAX / PAGE + 1);
  fill_vmo(vmo, 0xff);
  const uint64_t none = 0;
  check_ok(zx_vmo_set_stream_size(vmo, none));
  expect_appends_to_follow_each_other(vmo);
}

/* writes through one stream follow each other by its seek offset */
SCENARIO(writes_of_one_stream_follow_each_other) {
  const zx_handle_t vmo = make_resizable_vmo(0);
  const zx_handle_t s = make_stream(WRITE, vmo, 0);
  struct writer writers[THREADS];
  for (unsigned i = 0; i < THREADS; i++) {
    writers[i] = (struct writer){.stream = duplicate(s)};
  }
  run_writers(writers);
  expect_all_records(vmo, THREADS);
  check_equal(seek_of(s), content_size(vmo));
}

/* ---- With a pager ---- */

/* Pages may have been cut off since they were asked for; then there is nobody to answer. */
static zx_status_t dirty(const struct root* v, uint64_t from, uint64_t to) {
  const zx_status_t status =
      zx_pager_op_range(v->pager, ZX_PAGER_OP_DIRTY, v->vmo, from, to - from, 0);
  return status == ZX_ERR_OUT_OF_RANGE ? ZX_OK : status;
}

/* Answers everything, at once or the first page first, until a user packet comes. */
static zx_status_t serve(void* argument) {
  const struct root* v = argument;
  unsigned turn = 0;
  for (;;) {
    zx_port_packet_t packet;
    zx_status_t status = zx_port_wait(v->port, ZX_TIME_INFINITE, &packet);
    if (status != ZX_OK) return status;
    if (packet.type == ZX_PKT_TYPE_USER) return ZX_OK;
    if (packet.page_request.command == ZX_PAGER_VMO_COMPLETE) continue;
    if (packet.page_request.command != ZX_PAGER_VMO_DIRTY) return ZX_ERR_BAD_STATE;
    const uint64_t first = packet.page_request.offset;
    const uint64_t end = first + packet.page_request.length;
    const uint64_t middle = turn++ % 3 == 0 ? first + PAGE : end;
    status = dirty(v, first, middle);
    if (status == ZX_OK) status = dirty(v, middle, end);
    if (status != ZX_OK) return status;
  }
}

static void stop_serving(const struct root* v, struct worker* server) {
  const zx_port_packet_t packet = {.type = ZX_PKT_TYPE_USER};
  check_ok(zx_port_queue(v->port, &packet));
  expect_ok(server);
}

SCENARIO(appends_to_a_trap_vmo_follow_each_other) {
  struct root* v = make_sized_root(ZX_VMO_RESIZABLE | ZX_VMO_TRAP_DIRTY, 0);
  struct worker* server = start_call(serve, v);
  expect_appends_to_follow_each_other(v->vmo);
  stop_serving(v, server);
}

SCENARIO(appends_to_an_unbounded_trap_vmo_follow_each_other) {
  struct root* v = make_sized_root(ZX_VMO_UNBOUNDED | ZX_VMO_TRAP_DIRTY, 0);
  struct worker* server = start_call(serve, v);
  expect_appends_to_follow_each_other(v->vmo);
  stop_serving(v, server);
}

/* ---- A reader beside a growing writer ---- */

/* Never 0, and not that of a neighbouring page at the same place. */
static uint8_t byte_at(uint64_t offset) {
  return (uint8_t)(1 + (offset + offset / PAGE * 11) % 251);
}

struct beside {
  zx_handle_t vmo;
  zx_handle_t stream;
  uint64_t bytes; /* the writer's goal */
  atomic_bool done;
  bool resizes;
};

static zx_status_t grow(void* argument) {
  struct beside* b = argument;
  struct rng rng = rng_start(random_seed());
  static uint8_t bytes[5 * PAGE];
  for (uint64_t at = 0; at < b->bytes;) {
    uint64_t length = 1 + rng_below(&rng, sizeof(bytes));
    length = length < b->bytes - at ? length : b->bytes - at;
    for (uint64_t i = 0; i < length; i++) {
      bytes[i] = byte_at(at + i);
    }
    const zx_iovec_t v = {bytes, length};
    size_t actual = 0;
    /* By turns appending and writing at the end. */
    const zx_status_t status = rng_one_in(&rng, 2)
                                   ? zx_stream_writev(b->stream, ZX_STREAM_APPEND, &v, 1, &actual)
                                   : zx_stream_writev_at(b->stream, 0, at, &v, 1, &actual);
    if (status != ZX_OK) return status;
    if (actual != length) return ZX_ERR_BAD_STATE;
    at += length;
  }
  atomic_store(&b->done, true);
  return ZX_OK;
}

/* Reads what is last, again and again: all of it has been written. */
static zx_status_t follow(void* argument) {
  struct beside* b = argument;
  uint8_t bytes[3 * PAGE];
  uint64_t seen = 0;
  bool last = false;
  while (!last) {
    last = atomic_load(&b->done);
    const uint64_t from = seen > PAGE ? seen - PAGE : 0;
    zx_iovec_t v = {bytes, sizeof(bytes)};
    size_t actual = 0;
    const zx_status_t status = zx_stream_readv_at(b->stream, 0, from, &v, 1, &actual);
    if (status != ZX_OK) return status;
    for (size_t i = 0; i < actual; i++) {
      if (bytes[i] != byte_at(from + i)) return ZX_ERR_IO_DATA_INTEGRITY;
    }
    /* The content does not shrink here. */
    if (from + actual < seen) return ZX_ERR_BAD_STATE;
    last = last && from + actual == seen;
    seen = from + actual;
  }
  return seen == b->bytes ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}

static void expect_reader_to_see_what_was_written(zx_handle_t vmo) {
  struct beside b = {.vmo = vmo, .bytes = (UNDER_SANITIZER ? 200 : 1000) * PAGE + 77};
  b.stream = make_stream(READ_WRITE, vmo, 0);
  struct worker* readers[2] = {start_call(follow, &b), start_call(follow, &b)};
  struct worker* writer = start_call(grow, &b);
  expect_ok(writer);
  expect_ok(readers[0]);
  expect_ok(readers[1]);
  check_equal(content_size(vmo), b.bytes);
}

SCENARIO(a_reader_beside_a_growing_writer_sees_what_was_written) {
  expect_reader_to_see_what_was_written(make_resizable_vmo(0));
}

SCENARIO(a_reader_beside_a_writer_over_old_bytes_sees_what_was_written) {
  const zx_handle_t vmo = make_vmo((UNDER_SANITIZER ? 200 : 1000) + 1);
  fill_vmo(vmo, 0xff);
  const uint64_t none = 0;
  check_ok(zx_object_set_property(vmo, ZX_PROP_VMO_CONTENT_SIZE, &none, sizeof(none)));
  fill_vmo(vmo, 0xff);
  expect_reader_to_see_what_was_written(vmo);
}

SCENARIO(a_reader_beside_a_writer_to_a_trap_vmo_sees_what_was_written) {
  struct root* v = make_sized_root(ZX_VMO_RESIZABLE | ZX_VMO_TRAP_DIRTY, 0);
  struct worker* server = start_call(serve, v);
  expect_reader_to_see_what_was_written(v->vmo);
  stop_serving(v, server);
}

/* ---- Everything at once ---- */

/* What is written is always byte_at of its place, so content is that or a zeroed gap. */
static zx_status_t churn(void* argument) {
  struct beside* b = argument;
  static atomic_uint threads;
  struct rng rng = rng_start(random_seed() + 100 + atomic_fetch_add(&threads, 1));
  uint8_t bytes[2 * PAGE];
  const uint64_t limit = 12 * PAGE;
  for (unsigned turn = 0; turn < 5 * RECORDS; turn++) {
    const uint64_t at = rng_below(&rng, limit);
    const uint64_t length = 1 + rng_below(&rng, sizeof(bytes));
    zx_iovec_t v = {bytes, length};
    size_t actual = 0;
    uint64_t size = 0;
    zx_status_t status = ZX_OK;
    switch (rng_below(&rng, b->resizes ? 4 : 2)) {
      case 0:
        for (uint64_t i = 0; i < length; i++) {
          bytes[i] = byte_at(at + i);
        }
        status = zx_stream_writev_at(b->stream, 0, at, &v, 1, &actual);
        if (status == ZX_OK && actual != length) return ZX_ERR_BAD_STATE;
        break;
      case 1:
        status = zx_stream_readv_at(b->stream, 0, at, &v, 1, &actual);
        for (size_t i = 0; i < actual; i++) {
          if (bytes[i] != 0 && bytes[i] != byte_at(at + i)) return ZX_ERR_IO_DATA_INTEGRITY;
        }
        break;
      case 2:
        status = zx_vmo_set_size(b->vmo, at);
        break;
      default:
        status = zx_vmo_get_size(b->vmo, &size);
        if (status == ZX_OK) {
          const uint64_t to = rng_below(&rng, size + 1);
          status = zx_vmo_set_stream_size(b->vmo, to);
        }
        /* Others may have made the VMO smaller since. */
        if (status == ZX_ERR_OUT_OF_RANGE) status = ZX_OK;
        break;
    }
    if (status != ZX_OK) return status;
  }
  return ZX_OK;
}

static void run_churn(zx_handle_t vmo, unsigned resizers) {
  struct beside b[2] = {{.vmo = vmo, .stream = make_stream(READ_WRITE, vmo, 0)}};
  b[1].vmo = vmo;
  b[1].stream = make_stream(READ_WRITE, vmo, 0);
  b[1].resizes = true;
  struct worker* workers[THREADS];
  for (unsigned i = 0; i < THREADS; i++) {
    workers[i] = start_call(churn, &b[i < resizers ? 1 : 0]);
  }
  for (unsigned i = 0; i < THREADS; i++) {
    expect_ok(workers[i]);
  }
  check_true(content_size(vmo) <= vmo_size(vmo));
  static uint8_t bytes[16 * PAGE];
  const uint64_t n = read_bytes_at(b[0].stream, 0, bytes, sizeof(bytes));
  check_equal(n, content_size(vmo));
  for (uint64_t i = 0; i < n; i++) {
    check_true(bytes[i] == 0 || bytes[i] == byte_at(i));
  }
}

SCENARIO(writes_reads_and_size_changes_keep_the_content_whole) {
  run_churn(make_resizable_vmo(0), 2);
}

SCENARIO(writes_reads_and_size_changes_on_a_trap_vmo_keep_the_content_whole) {
  struct root* v = make_sized_root(ZX_VMO_RESIZABLE | ZX_VMO_TRAP_DIRTY, 0);
  struct worker* server = start_call(serve, v);
  run_churn(v->vmo, 1);
  stop_serving(v, server);
}

/* ---- Readers of one stream ---- */

struct reader {
  zx_handle_t stream;
  atomic_uchar* seen; /* one for each number */
  unsigned numbers;
};

static zx_status_t read_numbers(void* argument) {
  const struct reader* r = argument;
  for (;;) {
    uint32_t numbers[9];
    zx_iovec_t v[2] = {{numbers, 16}, {numbers + 4, 20}};
    size_t actual = 0;
    const zx_status_t status = zx_stream_readv(r->stream, 0, v, 2, &actual);
    if (status != ZX_OK) return status;
    if (actual == 0) return ZX_OK;
    for (size_t i = 0; i < actual / sizeof(numbers[0]); i++) {
      if (numbers[i] >= r->numbers) return ZX_ERR_IO_DATA_INTEGRITY;
      if (i > 0 && numbers[i] != numbers[i - 1] + 1) return ZX_ERR_IO_DATA_INTEGRITY;
      atomic_fetch_add(&r->seen[numbers[i]], 1);
    }
  }
}

/* every byte is read once */
SCENARIO(reads_of_one_stream_share_its_content) {
  enum {
    NUMBERS = 5000
  };
  static uint32_t numbers[NUMBERS];
  static atomic_uchar seen[NUMBERS];
  for (uint32_t i = 0; i < NUMBERS; i++) {
    numbers[i] = i;
  }
  const zx_handle_t vmo = make_bytes(sizeof(numbers), 0);
  check_ok(zx_vmo_write(vmo, numbers, 0, sizeof(numbers)));
  struct reader r = {.stream = make_stream(READ, vmo, 0), .seen = seen, .numbers = NUMBERS};
  struct worker* workers[THREADS];
  for (unsigned i = 0; i < THREADS; i++) {
    workers[i] = start_call(read_numbers, &r);
  }
  for (unsigned i = 0; i < THREADS; i++) {
    expect_ok(workers[i]);
  }
  for (unsigned i = 0; i < NUMBERS; i++) {
    check_equal(atomic_load(&seen[i]), 1);
  }
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      TEST(appends_to_a_resizable_vmo_follow_each_other),
      TEST(appends_to_an_unbounded_vmo_follow_each_other),
      TEST(appends_over_old_bytes_follow_each_other),
      TEST(writes_of_one_stream_follow_each_other),
      TEST(appends_to_a_trap_vmo_follow_each_other),
      TEST(appends_to_an_unbounded_trap_vmo_follow_each_other),
      TEST(a_reader_beside_a_growing_writer_sees_what_was_written),
      TEST(a_reader_beside_a_writer_over_old_bytes_sees_what_was_written),
      TEST(a_reader_beside_a_writer_to_a_trap_vmo_sees_what_was_written),
      TEST(writes_reads_and_size_changes_keep_the_content_whole),
      TEST(writes_reads_and_size_changes_on_a_trap_vmo_keep_the_content_whole),
      TEST(reads_of_one_stream_share_its_content),
  };
  return scenario_main(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
