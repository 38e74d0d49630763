// x <- x + alpha*g/norm; a row whose norm is 0 or no number stays. Definition: src/ops/l2_step.rs
#include "common.cuh"

KERNEL l2_advance(float *__restrict__ x, const float *__restrict__ g, const u64 *__restrict__ lengths,
                  const double *__restrict__ norms, float alpha, u64 n_rows, u64 n_samples) {
  FOR_ROWS(row, n_rows) {
    double norm = norms[row];
    double scale = norm > 0.0 && is_finite_d(norm) ? __ddiv_rn((double)alpha, norm) : 0.0;
    if (scale == 0.0) continue;
    FOR_EACH(i, lengths[row]) {
      u64 at = row * n_samples + i;
      x[at] = (float)__dadd_rn((double)x[at], __dmul_rn(scale, (double)g[at]));
    }
  }
}
