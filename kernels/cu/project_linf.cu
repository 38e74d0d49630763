// x <- clip(x, x0 - radius, x0 + radius); padding becomes that of x0. Definition: src/ops/project_linf.rs
#include "common.cuh"

KERNEL project_linf(float *__restrict__ x, const float *__restrict__ x0, const u64 *__restrict__ lengths, float radius,
                    u64 n_rows, u64 n_samples) {
  FOR_ROWS(row, n_rows) {
    FOR_EACH(i, n_samples) {
      u64 at = row * n_samples + i;
      float base = x0[at];
      float moved = clampf(x[at], __fsub_rn(base, radius), __fadd_rn(base, radius));
      x[at] = i < lengths[row] ? moved : base;
    }
  }
}
