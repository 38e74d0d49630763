// What is not among the row's k largest differences returns to x0. Definition: src/ops/project_l0.rs
#include "top_k_mask.cu"

KERNEL restore_rest(float *__restrict__ x, const float *__restrict__ x0, const u64 *__restrict__ lengths,
                    const u32 *__restrict__ cuts, const u64 *__restrict__ wanted, const u32 *__restrict__ ties,
                    const u64 *__restrict__ before, u64 n_rows, u64 n_samples, u64 n_words, u64 n_tiles) {
  FOR_ROWS(row, n_rows) {
    const u32 *row_ties = ties + row * n_words;
    const u64 *row_before = before + row * n_tiles;
    FOR_EACH(i, n_samples) {
      u64 at = row * n_samples + i;
      bool stays = i < lengths[row] &&
                   lets_in(key_of(x, x0, 1, at), cuts[row], wanted[row], row_ties, row_before, i);
      if (!stays) x[at] = x0[at];
    }
  }
}
