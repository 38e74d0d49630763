// What every kernel shares. Sources are C++ that is read twice: by NVRTC for the GPU, and by a host compiler
// through tests/host/shim.cpp, which defines the few CUDA names used here. There are no barriers and no shuffles,
// and every floating-point step that a compiler might fuse is spelled as an intrinsic: both readings, and the
// functions in src/ops, give the same bits.
#pragma once

#ifndef KERNEL
#define KERNEL extern "C" __global__ void
#define DEVFN static __device__ __forceinline__
#define UNROLL _Pragma("unroll 4")
#endif

typedef unsigned int u32;
typedef unsigned long long u64;

// Rows are spread over blockIdx.y, what is in a row over blockIdx.x; both loops stride over the grid.
#define FOR_ROWS(row, n_rows) for (u64 row = blockIdx.y; row < (n_rows); row += gridDim.y)
#define FOR_EACH(i, n)                                                                      \
  UNROLL for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x, i##_end = (n); i < i##_end; \
              i += (u64)gridDim.x * blockDim.x)

// NaN stays NaN.
DEVFN float clampf(float value, float low, float high) {
  float raised = value < low ? low : value;
  return raised > high ? high : raised;
}

// x - base in double, or x alone.
DEVFN double difference(const float *x, const float *base, u32 has_base, u64 i) {
  return has_base ? __dsub_rn((double)x[i], (double)base[i]) : (double)x[i];
}

DEVFN bool is_finite_d(double v) { return __dsub_rn(v, v) == 0.0; }

// What of a perturbation of this norm stays so that it fits the radius.
DEVFN double keep_of(double norm, float radius) {
  return norm > (double)radius && is_finite_d(norm) ? __ddiv_rn((double)radius, norm) : 1.0;
}
