// y <- y + a*x, rounded twice. Definition: src/ops/axpy.rs
#include "common.cuh"

KERNEL axpy(float *__restrict__ y, const float *__restrict__ x, float a, u64 n) {
  FOR_EACH(i, n) { y[i] = __fadd_rn(y[i], __fmul_rn(a, x[i])); }
}
