// x <- clip(clip(x + alpha*sign(g), x0 - epsilon, x0 + epsilon), low, high). Definition: src/ops/sign_step.rs
#include "common.cuh"

DEVFN float signf(float g) { return g < 0.0f ? -1.0f : g > 0.0f ? 1.0f : 0.0f; }

KERNEL sign_step(float *__restrict__ x, const float *__restrict__ x0, const float *__restrict__ g, float alpha,
                 float epsilon, float low, float high, u64 n) {
  FOR_EACH(i, n) {
    float base = x0[i];
    float moved = __fadd_rn(x[i], __fmul_rn(alpha, signf(g[i])));
    float inside = clampf(moved, __fsub_rn(base, epsilon), __fadd_rn(base, epsilon));
    x[i] = clampf(inside, low, high);
  }
}
