// x <- min(max(x, low), high), NaN stays. Definition: src/ops/clip.rs
#include "common.cuh"

KERNEL clip(float *__restrict__ x, float low, float high, u64 n) {
  FOR_EACH(i, n) { x[i] = clampf(x[i], low, high); }
}
