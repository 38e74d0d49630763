// The kernels as host C++: CUDA's names for threads, roundings and atomics, and a launch that is a loop. Threads run
// one after the other, first to last or last to first: a kernel whose result depends on that order is wrong.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

struct Index { unsigned x = 1, y = 1; };
static thread_local Index threadIdx, blockIdx, blockDim, gridDim;

#define KERNEL static void
#define DEVFN static inline
#define UNROLL

// Built with -ffp-contract=off: each of these is one rounding.
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fsub_rn(float a, float b) { return a - b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline double __dadd_rn(double a, double b) { return a + b; }
static inline double __dsub_rn(double a, double b) { return a - b; }
static inline double __dmul_rn(double a, double b) { return a * b; }
static inline double __ddiv_rn(double a, double b) { return a / b; }
static inline double __dsqrt_rn(double a) { return std::sqrt(a); }
static inline unsigned __popc(unsigned bits) { return (unsigned)__builtin_popcount(bits); }

template <class To, class From> static To same_bits(From from) {
  static_assert(sizeof(To) == sizeof(From), "only between types of one size");
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}
static inline unsigned __float_as_uint(float v) { return same_bits<unsigned>(v); }
static inline float __uint_as_float(unsigned v) { return same_bits<float>(v); }
static inline long long __double_as_longlong(double v) { return same_bits<long long>(v); }
static inline double __longlong_as_double(long long v) { return same_bits<double>(v); }

template <class T> static T atomicAdd(T *at, T value) { T old = *at; *at = old + value; return old; }
template <class T> static T atomicMax(T *at, T value) { T old = *at; if (value > old) *at = value; return old; }

#include "../../cu/apply_mask.cu"
#include "../../cu/axpy.cu"
#include "../../cu/clip.cu"
#include "../../cu/finite_check.cu"
#include "../../cu/l2_step.cu"
#include "../../cu/norms.cu"
#include "../../cu/pcm16_round.cu"
#include "../../cu/project_l0.cu"
#include "../../cu/project_l1.cu"
#include "../../cu/project_l2.cu"
#include "../../cu/project_linf.cu"
#include "../../cu/quantise.cu"
#include "../../cu/sign_step.cu"

// Arguments as the CUDA driver takes them: a pointer to each.
template <class... Args, std::size_t... I>
static void call(void (*kernel)(Args...), void **args, std::index_sequence<I...>) {
  kernel(*static_cast<Args *>(args[I])...);
}
template <class... Args> static void call(void (*kernel)(Args...), void **args) {
  call(kernel, args, std::index_sequence_for<Args...>{});
}

template <class Kernel> static void run_grid(Kernel kernel, void **args, bool backwards) {
  std::uint64_t total = (std::uint64_t)gridDim.x * gridDim.y * blockDim.x;
  for (std::uint64_t step = 0; step < total; ++step) {
    std::uint64_t thread = backwards ? total - 1 - step : step;
    threadIdx.x = (unsigned)(thread % blockDim.x);
    blockIdx.x = (unsigned)(thread / blockDim.x % gridDim.x);
    blockIdx.y = (unsigned)(thread / blockDim.x / gridDim.x);
    call(kernel, args);
  }
}

#define ALL_KERNELS(K)                                                                                             \
  K(apply_mask) K(axpy) K(clip) K(finite_check) K(l2_advance) K(lane_sums) K(lane_sums_of_tiles) K(fold_lanes)      \
  K(square_roots) K(row_max_bits) K(from_bits) K(pcm16_round) K(restore_rest) K(l1_start) K(l1_advance)             \
  K(soft_threshold) K(shrink_rows) K(project_linf) K(quantise_hard) K(quantise_random) K(sign_step)                 \
  K(start_selection) K(count_digits) K(pick_digit) K(mark_ties) K(count_ties) K(scan_ties) K(write_mask)

// 0, or 1 where there is no kernel of this name.
extern "C" int seraph_shim_launch(const char *name, unsigned grid_x, unsigned grid_y, unsigned block, int backwards,
                                  void **args) {
  gridDim.x = grid_x, gridDim.y = grid_y, blockDim.x = block;
#define TRY(kernel) \
  if (std::strcmp(name, #kernel) == 0) return run_grid(kernel, args, backwards != 0), 0;
  ALL_KERNELS(TRY)
  return 1;
}
