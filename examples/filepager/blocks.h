/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What filepager --write writes: a file of blocks each of whose words tells where it belongs and
 * how often its block had been changed.
 *
 *   block        512 bytes, 64 words; eight to a page, so several threads write to each page
 *   generation   of a block: larger after each change
 *   word         the generation, and a number made of block, place and generation; or 0, which is
 *                what a file is made of where nobody has written
 *
 * A word is stored at once. So a block that was caught while it was being changed is no garbage: it
 * has words of two generations, and no word of an older one.
 */
#ifndef EXAMPLES_FILEPAGER_BLOCKS_H_
#define EXAMPLES_FILEPAGER_BLOCKS_H_

#include <stdbool.h>
#include <stdint.h>

#define BLOCK_SIZE  512u
#define BLOCK_WORDS (BLOCK_SIZE / sizeof(uint64_t))

/* `generation` is above 0. */
static inline uint64_t block_word(uint64_t block, unsigned place, uint32_t generation) {
  uint64_t x = (block * BLOCK_WORDS + place) ^ ((uint64_t)generation << 32);
  /* The multiplier and the shift of MurmurHash3's last step: each bit depends on all of them. */
  x ^= x >> 33;
  x *= UINT64_C(0xff51afd7ed558ccd);
  x ^= x >> 33;
  return (uint64_t)generation << 32 | (uint32_t)x;
}

/* What is known of the words of one block. */
struct block_content {
  uint32_t low;  /* the smallest generation; 0 if a word is zero */
  uint32_t high; /* the largest; 0 if all are zero */
  bool valid;    /* each word belongs here */
};

static inline struct block_content block_look(uint64_t block, const uint64_t* words) {
  struct block_content c = {.low = UINT32_MAX, .high = 0, .valid = true};
  for (unsigned i = 0; i < BLOCK_WORDS; i++) {
    const uint32_t generation = (uint32_t)(words[i] >> 32);
    if (words[i] != 0 && (generation == 0 || words[i] != block_word(block, i, generation))) {
      c.valid = false;
    }
    c.low = generation < c.low ? generation : c.low;
    c.high = generation > c.high ? generation : c.high;
  }
  return c;
}

static inline void block_fill(uint64_t block, uint32_t generation, uint64_t* words) {
  for (unsigned i = 0; i < BLOCK_WORDS; i++) {
    words[i] = block_word(block, i, generation);
  }
}

#endif /* EXAMPLES_FILEPAGER_BLOCKS_H_ */
