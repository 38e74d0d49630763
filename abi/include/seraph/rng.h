/* seraph/rng.h - Philox4x32-10, the counter-based generator that every language side shares, so that one seed
 * gives one stream in C, C++ and Rust. Header-only; not part of the ABI.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. The block function
 * is checked against the known-answer vectors of that paper's library. How a 256-bit seed and a 64-bit stream
 * become key and counter (w = the seed's eight little-endian 32-bit words):
 *   m = Philox4x32-10(counter (w2, w3, w4, w5), key (w0, w1))
 *   key = (m0 ^ w6, m1 ^ w7)   counter = (block, block >> 32, m2 ^ stream, m3 ^ (stream >> 32))
 */
#ifndef SERAPH_RNG_H
#define SERAPH_RNG_H

#include <seraph/tensor.h>

SERAPH_BEGIN_DECLS

typedef struct seraph_rng {
  uint32_t key[2];
  uint32_t counter[4]; /* of the next block */
  uint32_t block[4];
  uint32_t used; /* words of block already given out; 4: none left */
} seraph_rng;

/* out = Philox4x32-10(counter, key). */
SERAPH_INLINE void seraph_philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
  int round;
  for (round = 0; round < 10; round++) {
    uint64_t p0 = SERAPH_CAST(uint64_t, 0xD2511F53u) * c0;
    uint64_t p1 = SERAPH_CAST(uint64_t, 0xCD9E8D57u) * c2;
    uint32_t n0 = SERAPH_CAST(uint32_t, p1 >> 32) ^ c1 ^ k0;
    uint32_t n2 = SERAPH_CAST(uint32_t, p0 >> 32) ^ c3 ^ k1;
    c1 = SERAPH_CAST(uint32_t, p1 & 0xFFFFFFFFu);
    c3 = SERAPH_CAST(uint32_t, p0 & 0xFFFFFFFFu);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/* Starts stream `stream` of a seed. Streams of one seed are independent: by custom task->streams[item]. */
SERAPH_INLINE void seraph_rng_init(seraph_rng *rng, const uint8_t seed[32], uint64_t stream) {
  uint32_t w[8], mixed[4];
  int i;
  for (i = 0; i < 8; i++) {
    w[i] = SERAPH_CAST(uint32_t, seed[4 * i]) | (SERAPH_CAST(uint32_t, seed[4 * i + 1]) << 8) |
           (SERAPH_CAST(uint32_t, seed[4 * i + 2]) << 16) | (SERAPH_CAST(uint32_t, seed[4 * i + 3]) << 24);
  }
  seraph_philox4x32_10(w + 2, w, mixed);
  rng->key[0] = mixed[0] ^ w[6];
  rng->key[1] = mixed[1] ^ w[7];
  rng->counter[0] = 0u;
  rng->counter[1] = 0u;
  rng->counter[2] = mixed[2] ^ SERAPH_CAST(uint32_t, stream & 0xFFFFFFFFu);
  rng->counter[3] = mixed[3] ^ SERAPH_CAST(uint32_t, stream >> 32);
  rng->used = 4u;
}

/* Uniform in 0..2^32-1. */
SERAPH_INLINE uint32_t seraph_rng_u32(seraph_rng *rng) {
  if (rng->used == 4u) {
    seraph_philox4x32_10(rng->counter, rng->key, rng->block);
    rng->counter[0]++;
    if (rng->counter[0] == 0u) rng->counter[1]++;
    rng->used = 0u;
  }
  return rng->block[rng->used++];
}

/* Uniform in [0, 1), a multiple of 2^-24. */
SERAPH_INLINE float seraph_rng_f32(seraph_rng *rng) {
  return SERAPH_CAST(float, seraph_rng_u32(rng) >> 8) * (1.0f / 16777216.0f);
}

SERAPH_END_DECLS

#endif /* SERAPH_RNG_H */
