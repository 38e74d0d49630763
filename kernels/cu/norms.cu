// Sums over rows in the fixed order of src/reduce.rs, and what norms are made of. Definition: src/ops/norms.rs
#include "common.cuh"

#define TILE 4096ull
#define LANES 32u

// What is summed, of the difference d and the row's threshold t; the numbers are those of Term in src/ops/norms.rs.
DEVFN double term_of(u32 term, double d, double t) {
  double magnitude = d < 0.0 ? -d : d;
  switch (term) {
    case 0: return d != 0.0 ? 1.0 : 0.0;
    case 1: return magnitude;
    case 2: return __dmul_rn(d, d);
    case 3: return magnitude > t ? magnitude : 0.0;
    case 4: return magnitude > t ? 1.0 : 0.0;
    default: return magnitude > t ? __dsub_rn(magnitude, t) : 0.0;
  }
}

// lanes[row][tile][lane] = sum over the lane's samples of the tile, in order.
KERNEL lane_sums(const float *__restrict__ x, const float *__restrict__ base, u32 has_base,
                 const u64 *__restrict__ lengths, const double *__restrict__ thresholds, u32 term,
                 double *__restrict__ lanes, u64 n_rows, u64 n_samples, u64 n_tiles) {
  FOR_ROWS(row, n_rows) {
    u64 length = lengths[row];
    double threshold = thresholds[row];
    FOR_EACH(j, n_tiles * LANES) {
      u64 start = j / LANES * TILE, end = start + TILE < length ? start + TILE : length;
      double total = 0.0;
      for (u64 i = start + j % LANES; i < end; i += LANES) {
        double d = difference(x, base, has_base, row * n_samples + i);
        total = __dadd_rn(total, term_of(term, d, threshold));
      }
      lanes[row * n_tiles * LANES + j] = total;
    }
  }
}

// The same over the sums of n_sums tiles per row.
KERNEL lane_sums_of_tiles(const double *__restrict__ sums, double *__restrict__ lanes, u64 n_rows, u64 n_sums,
                          u64 n_tiles) {
  FOR_ROWS(row, n_rows) {
    FOR_EACH(j, n_tiles * LANES) {
      u64 start = j / LANES * TILE, end = start + TILE < n_sums ? start + TILE : n_sums;
      double total = 0.0;
      for (u64 i = start + j % LANES; i < end; i += LANES) total = __dadd_rn(total, sums[row * n_sums + i]);
      lanes[row * n_tiles * LANES + j] = total;
    }
  }
}

// sums[tile] = the tile's lanes, added by halves.
KERNEL fold_lanes(const double *__restrict__ lanes, double *__restrict__ sums, u64 n_tiles) {
  FOR_EACH(tile, n_tiles) {
    double held[LANES];
    for (u32 lane = 0; lane < LANES; ++lane) held[lane] = lanes[tile * LANES + lane];
    for (u32 half = LANES / 2; half > 0; half /= 2)
      for (u32 lane = 0; lane < half; ++lane) held[lane] = __dadd_rn(held[lane], held[lane + half]);
    sums[tile] = held[0];
  }
}

KERNEL square_roots(double *__restrict__ values, u64 n) {
  FOR_EACH(i, n) { values[i] = __dsqrt_rn(values[i]); }
}

// bits[row] = largest |x - base| as its float64 bits, which order as the magnitudes do, NaN above all.
KERNEL row_max_bits(const float *__restrict__ x, const float *__restrict__ base, u32 has_base,
                    const u64 *__restrict__ lengths, u64 *__restrict__ bits, u64 n_rows, u64 n_samples) {
  FOR_ROWS(row, n_rows) {
    u64 largest = 0;
    FOR_EACH(i, lengths[row]) {
      double d = difference(x, base, has_base, row * n_samples + i);
      u64 magnitude = (u64)__double_as_longlong(d) & 0x7FFFFFFFFFFFFFFFull;
      largest = magnitude > largest ? magnitude : largest;
    }
    if (largest > 0) atomicMax(&bits[row], largest);
  }
}

KERNEL from_bits(const u64 *__restrict__ bits, double *__restrict__ values, u64 n) {
  FOR_EACH(i, n) { values[i] = __longlong_as_double((long long)bits[i]); }
}
