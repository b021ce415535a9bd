/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blocks.h"

/* Of the file, read at once. */
#define CHUNK_BLOCKS ((size_t)128)

/* ---- Writing ---- */

bool journal_open(struct journal* j, const char* path) {
  *j = (struct journal){.fd = -1};
  if (path == NULL) {
    return true;
  }
  j->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  struct stat status;
  if (j->fd < 0 || fstat(j->fd, &status) != 0) {
    return false;
  }
  /* Who was killed while it wrote may have left a part of a record. */
  const off_t size = status.st_size;
  return size % (off_t)sizeof(struct journal_record) == 0 ||
         ftruncate(j->fd, size - size % (off_t)sizeof(struct journal_record)) == 0;
}

void journal_close(struct journal* j) {
  if (j->fd >= 0) {
    close(j->fd);
  }
  free(j->records);
}

bool journal_add(struct journal* j, enum journal_kind kind, uint64_t block, uint64_t a,
                 uint64_t b) {
  if (j->fd < 0) {
    return true;
  }
  if (j->count > 0 && (kind == JOURNAL_ZERO || kind == JOURNAL_ZERO_SOON)) {
    struct journal_record* last = &j->records[j->count - 1];
    if (last->kind == (uint32_t)kind && last->block + last->a == block) {
      last->a += (uint32_t)a;
      return true;
    }
  }
  if (j->count == j->room) {
    const size_t room = j->room == 0 ? 1024 : 2 * j->room;
    struct journal_record* records = realloc(j->records, room * sizeof *records);
    if (records == NULL) {
      return false;
    }
    j->records = records;
    j->room = room;
  }
  j->records[j->count++] = (struct journal_record){
      .kind = (uint32_t)kind, .block = (uint32_t)block, .a = (uint32_t)a, .b = (uint32_t)b};
  return true;
}

bool journal_flush(struct journal* j) {
  const char* p = (const char*)j->records;
  for (size_t left = j->count * sizeof *j->records; left > 0;) {
    const ssize_t n = write(j->fd, p, left);
    if (n < 0 && errno != EINTR) {
      return false;
    }
    p += n > 0 ? n : 0;
    left -= n > 0 ? (size_t)n : 0;
  }
  j->flushed += j->count;
  j->count = 0;
  return true;
}

/* ---- Reading ---- */

/* What may be found in a block. A word is zero where `zero` is set, or of generation `low` or
 * more. */
struct promise {
  uint32_t low;
  uint32_t high; /* the largest generation promised so far */
  bool zero;
};

struct promises {
  struct promise* blocks;
  size_t count;
  uint64_t size; /* of the file, in blocks */
  uint64_t size_soon;
};

static bool cover(struct promises* p, uint64_t end) {
  if (end <= p->count) {
    return true;
  }
  const size_t count = end > 2 * p->count ? end : 2 * p->count;
  struct promise* blocks = realloc(p->blocks, count * sizeof *blocks);
  if (blocks == NULL) {
    return false;
  }
  for (size_t i = p->count; i < count; i++) {
    blocks[i] = (struct promise){.zero = true};
  }
  p->blocks = blocks;
  p->count = count;
  return true;
}

static void warn_of_zeros(struct promises* p, uint64_t first, uint64_t end) {
  for (uint64_t i = first; i < end; i++) {
    p->blocks[i].zero = true;
  }
}

static void promise_zeros(struct promises* p, uint64_t first, uint64_t end) {
  for (uint64_t i = first; i < end; i++) {
    p->blocks[i].low = p->blocks[i].high + 1;
    p->blocks[i].zero = true;
  }
}

static void promise_data(struct promise* p, uint32_t low, uint32_t high) {
  p->high = high > p->high ? high : p->high;
  p->zero = low == 0;
  if (low > 0) {
    p->low = low;
  }
}

/* False: no memory, or no record of ours. */
static bool apply(struct promises* p, const struct journal_record* r) {
  const uint64_t end = (uint64_t)r->block + r->a;
  switch (r->kind) {
    case JOURNAL_DATA:
      if (!cover(p, (uint64_t)r->block + 1)) {
        return false;
      }
      promise_data(&p->blocks[r->block], r->a, r->b);
      return true;
    case JOURNAL_ZERO:
      if (!cover(p, end)) {
        return false;
      }
      promise_zeros(p, r->block, end);
      return true;
    case JOURNAL_ZERO_SOON:
      if (!cover(p, end)) {
        return false;
      }
      warn_of_zeros(p, r->block, end);
      return true;
    case JOURNAL_SIZE:
      p->size = p->size_soon = r->block;
      promise_zeros(p, r->block, p->count);
      return true;
    case JOURNAL_SIZE_SOON:
      p->size_soon = r->block;
      warn_of_zeros(p, r->block, p->count);
      return true;
    default:
      return false;
  }
}

/* Bytes read, less than `length` only at the end; -1 for an error. */
static ssize_t read_fully(int fd, void* buffer, size_t length, uint64_t offset) {
  size_t done = 0;
  while (done < length) {
    const ssize_t n = pread(fd, (char*)buffer + done, length - done, (off_t)(offset + done));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return -1;
    }
    if (n == 0) {
      break;
    }
    done += (size_t)n;
  }
  return (ssize_t)done;
}

static bool read_journal(int fd, struct promises* p, struct journal_result* out) {
  struct journal_record records[256];
  uint64_t offset = 0;
  for (;;) {
    const ssize_t n = read_fully(fd, records, sizeof records, offset);
    if (n < 0) {
      snprintf(out->problem, sizeof out->problem, "the journal: %s", strerror(errno));
      return false;
    }
    const size_t count = (size_t)n / sizeof records[0];
    for (size_t i = 0; i < count; i++) {
      if (!apply(p, &records[i])) {
        snprintf(out->problem, sizeof out->problem, "the journal: record %llu is none of ours",
                 (unsigned long long)(out->records + i));
        return false;
      }
      out->resizes += records[i].kind == JOURNAL_SIZE;
      if (records[i].kind == JOURNAL_DATA && records[i].b > out->newest) {
        out->newest = records[i].b;
      }
    }
    out->records += count;
    offset += count * sizeof records[0];
    if (count < sizeof records / sizeof records[0]) {
      return true;
    }
  }
}

static bool check_block(uint64_t block, const struct promise* p, const uint64_t* words,
                        struct journal_result* out) {
  const struct block_content c = block_look(block, words);
  if (!c.valid) {
    snprintf(out->problem, sizeof out->problem, "block %llu: a word that nobody wrote",
             (unsigned long long)block);
    return false;
  }
  for (unsigned i = 0; i < BLOCK_WORDS; i++) {
    const uint32_t generation = (uint32_t)(words[i] >> 32);
    if (words[i] == 0 ? !p->zero : generation < p->low) {
      snprintf(out->problem, sizeof out->problem,
               "block %llu, word %u: generation %u, but %u was reported as written back",
               (unsigned long long)block, i, generation, p->low);
      return false;
    }
  }
  out->promised += !p->zero;
  return true;
}

/* What lies beyond the file's end reads as zeros. */
static bool check_file(int fd, const struct promises* p, uint64_t file_blocks,
                       struct journal_result* out) {
  static const struct promise none = {.zero = true};
  uint64_t words[CHUNK_BLOCKS * BLOCK_WORDS];
  const uint64_t end = file_blocks > p->count ? file_blocks : p->count;
  for (uint64_t first = 0; first < end; first += CHUNK_BLOCKS) {
    memset(words, 0, sizeof words);
    if (read_fully(fd, words, sizeof words, first * BLOCK_SIZE) < 0) {
      snprintf(out->problem, sizeof out->problem, "the file: %s", strerror(errno));
      return false;
    }
    for (uint64_t i = 0; i < CHUNK_BLOCKS && first + i < end; i++) {
      const uint64_t block = first + i;
      const struct promise* promise = block < p->count ? &p->blocks[block] : &none;
      if (!check_block(block, promise, words + i * BLOCK_WORDS, out)) {
        return false;
      }
    }
  }
  return true;
}

bool journal_check(int journal_fd, int file_fd, struct journal_result* out) {
  *out = (struct journal_result){0};
  struct promises p = {.blocks = NULL};
  struct stat status;
  bool good = read_journal(journal_fd, &p, out);
  if (good && fstat(file_fd, &status) != 0) {
    snprintf(out->problem, sizeof out->problem, "the file: %s", strerror(errno));
    good = false;
  }
  if (good) {
    const uint64_t size = (uint64_t)status.st_size;
    good = size == p.size * BLOCK_SIZE || size == p.size_soon * BLOCK_SIZE;
    if (!good) {
      snprintf(out->problem, sizeof out->problem,
               "the file has %llu bytes, but %llu blocks were reported, and %llu on the way",
               (unsigned long long)size, (unsigned long long)p.size,
               (unsigned long long)p.size_soon);
    }
    good = good && check_file(file_fd, &p, size / BLOCK_SIZE, out);
  }
  free(p.blocks);
  return good;
}
