// x <- clip(rint(32768*x), -32768, 32767) / 32768, NaN becomes 0. Definition: src/ops/pcm16_round.rs
#include "common.cuh"

KERNEL pcm16_round(float *__restrict__ x, u64 n) {
  const float rounder = 12582912.0f;
  FOR_EACH(i, n) {
    float v = x[i];
    float scaled = clampf(__fmul_rn(v, 32768.0f), -32768.0f, 32767.0f);
    float code = __fsub_rn(__fadd_rn(scaled, rounder), rounder);
    u32 bits = (__float_as_uint(code) & 0x7FFFFFFFu) | (__float_as_uint(scaled) & 0x80000000u);
    x[i] = v != v ? 0.0f : __fmul_rn(__uint_as_float(bits), 1.0f / 32768.0f);
  }
}
