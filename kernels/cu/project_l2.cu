// x <- clip(x0 + keep*(x - x0), low, high), keep = min(1, radius/norm); padding becomes that of x0.
// Definition: src/ops/project_l2.rs
#include "common.cuh"

KERNEL shrink_rows(float *__restrict__ x, const float *__restrict__ x0, const u64 *__restrict__ lengths,
                   const double *__restrict__ norms, float radius, float low, float high, u64 n_rows,
                   u64 n_samples) {
  FOR_ROWS(row, n_rows) {
    double keep = keep_of(norms[row], radius);
    FOR_EACH(i, n_samples) {
      u64 at = row * n_samples + i;
      double base = (double)x0[at], d = __dsub_rn((double)x[at], base);
      float moved = keep == 1.0 ? x[at] : (float)__dadd_rn(base, __dmul_rn(keep, d));
      x[at] = i < lengths[row] ? clampf(moved, low, high) : x0[at];
    }
  }
}
