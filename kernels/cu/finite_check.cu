// counts[row] += samples of the row that are NaN or infinite. Definition: src/ops/finite_check.rs
#include "common.cuh"

KERNEL finite_check(const float *__restrict__ x, const u64 *__restrict__ lengths, u64 *__restrict__ counts, u64 n_rows,
                    u64 n_samples) {
  FOR_ROWS(row, n_rows) {
    FOR_EACH(i, lengths[row]) {
      bool broken = (__float_as_uint(x[row * n_samples + i]) & 0x7F800000u) == 0x7F800000u;
      if (broken) atomicAdd(&counts[row], 1ull);
    }
  }
}
