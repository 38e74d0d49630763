// x <- x where mask is 1, base where it is 0, base + mask*(x - base) between. Definition: src/ops/apply_mask.rs
#include "common.cuh"

KERNEL apply_mask(float *__restrict__ x, const float *__restrict__ base, const float *__restrict__ mask, u64 n) {
  FOR_EACH(i, n) {
    float m = mask[i], from = base[i], to = x[i];
    float mixed = __fadd_rn(from, __fmul_rn(m, __fsub_rn(to, from)));
    x[i] = m == 0.0f ? from : m == 1.0f ? to : mixed;
  }
}
