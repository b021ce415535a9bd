/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SHA-256 (FIPS 180-4) in portable C, so that the examples need no library but the one they show.
 *
 *   struct sha256 s;
 *   sha256_init(&s);
 *   sha256_add(&s, bytes, n);      any number of times
 *   sha256_finish(&s, digest);
 */
#ifndef EXAMPLES_SHA256_H_
#define EXAMPLES_SHA256_H_

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32

/* Room for a digest as lower-case hexadecimal text and its NUL. */
#define SHA256_TEXT (2 * SHA256_SIZE + 1)

struct sha256 {
  uint32_t state[8];
  uint64_t bytes;          /* added so far */
  unsigned char block[64]; /* the last bytes % 64 of them */
};

void sha256_init(struct sha256* s);
void sha256_add(struct sha256* s, const void* data, size_t size);
void sha256_finish(struct sha256* s, unsigned char digest[SHA256_SIZE]);

void sha256_text(const unsigned char digest[SHA256_SIZE], char text[SHA256_TEXT]);

#endif /* EXAMPLES_SHA256_H_ */
