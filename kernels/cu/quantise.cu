// Soft positions to a mask of zeros and ones, and Philox4x32-10 for the random way. Definition: src/ops/quantise.rs
#include "common.cuh"

KERNEL quantise_hard(float *__restrict__ p, u64 n) {
  FOR_EACH(i, n) { p[i] = p[i] >= 0.5f ? 1.0f : 0.0f; }
}

// out = Philox4x32-10(counter = block, block >> 32, nonce; key). Source: Salmon et al., SC 2011.
DEVFN void philox(u64 block, const u32 *stream, u32 *out) {
  u32 c0 = (u32)block, c1 = (u32)(block >> 32), c2 = stream[2], c3 = stream[3], k0 = stream[0], k1 = stream[1];
  for (int round = 0; round < 10; ++round) {
    u64 p0 = (u64)0xD2511F53u * c0, p1 = (u64)0xCD9E8D57u * c2;
    c0 = (u32)(p1 >> 32) ^ c1 ^ k0;
    c2 = (u32)(p0 >> 32) ^ c3 ^ k1;
    c1 = (u32)p1;
    c3 = (u32)p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

// Four samples per thread: one block of random numbers.
KERNEL quantise_random(float *__restrict__ p, float *__restrict__ stays_soft, const u32 *__restrict__ streams,
                       const u64 *__restrict__ lengths, u64 n_rows, u64 n_samples) {
  FOR_ROWS(row, n_rows) {
    FOR_EACH(block, (n_samples + 3) / 4) {
      u32 words[4];
      philox(block, streams + 4 * row, words);
      for (u32 draw = 0; draw < 4; ++draw) {
        u64 i = 4 * block + draw, at = row * n_samples + i;
        if (i >= n_samples) break;
        bool sound = i < lengths[row], soft = sound && words[draw] < 0x80000000u;
        stays_soft[at] = soft ? 1.0f : 0.0f;
        if (!soft) p[at] = sound && p[at] >= 0.5f ? 1.0f : 0.0f;
      }
    }
  }
}
