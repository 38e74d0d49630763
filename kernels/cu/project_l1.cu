// Michelot's search for the threshold, a row per thread, and the soft threshold. Definition: src/ops/project_l1.rs
#include "common.cuh"

// A threshold below 0 marks a row that stays as it is.
KERNEL l1_start(const double *__restrict__ norms, double *__restrict__ thresholds, float radius, u64 n_rows) {
  FOR_EACH(row, n_rows) { thresholds[row] = keep_of(norms[row], radius) == 1.0 ? -1.0 : 0.0; }
}

// A search that has come to its end gives the same threshold again: further steps change nothing.
KERNEL l1_advance(const double *__restrict__ sums, const double *__restrict__ counts, double *__restrict__ thresholds,
                  float radius, u64 n_rows) {
  FOR_EACH(row, n_rows) {
    double threshold = thresholds[row], count = counts[row];
    double next = __ddiv_rn(__dsub_rn(sums[row], (double)radius), count);
    if (threshold >= 0.0 && count != 0.0 && next > threshold) thresholds[row] = next;
  }
}

KERNEL soft_threshold(float *__restrict__ x, const float *__restrict__ x0, const u64 *__restrict__ lengths,
                      const double *__restrict__ thresholds, const double *__restrict__ left, float radius, u64 n_rows,
                      u64 n_samples) {
  FOR_ROWS(row, n_rows) {
    double threshold = thresholds[row], keep = keep_of(left[row], radius);
    bool stays = threshold < 0.0 || (threshold == 0.0 && keep == 1.0);
    FOR_EACH(i, n_samples) {
      u64 at = row * n_samples + i;
      double base = (double)x0[at], d = __dsub_rn((double)x[at], base), magnitude = d < 0.0 ? -d : d;
      double rest = __dmul_rn(keep, magnitude > threshold ? __dsub_rn(magnitude, threshold) : 0.0);
      float moved = (float)(d < 0.0 ? __dsub_rn(base, rest) : __dadd_rn(base, rest));
      x[at] = i >= lengths[row] ? x0[at] : stays ? x[at] : moved;
    }
  }
}
