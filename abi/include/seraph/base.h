/* seraph/base.h - version, status codes, strings and tensor views: what every other header rests on.
 *
 * Rules that hold for every header of this folder, and that a test checks:
 *   - C89 + <stddef.h> and <stdint.h>; also valid C99..C23 and C++98..C++23.
 *   - No bitfield, no enum, no bool, no long, no size_t in a struct or signature; padding is explicit.
 *   - Every struct that can grow begins with `struct_size`, which its producer sets to sizeof. It grows at the
 *     end only. A field exists if and only if SERAPH_HAS(p, T, f).
 *   - No function slot is ever NULL: what is not supported returns SERAPH_E_UNSUPPORTED or SERAPH_E_DENIED.
 *   - Ownership never crosses: whoever allocates frees, and what is passed is borrowed for the call.
 *   - Each slot ends with who may call it: [worker-thread] one thread at a time, [any-thread] any, any time.
 */
#ifndef SERAPH_BASE_H
#define SERAPH_BASE_H

#include <stddef.h>
#include <stdint.h>

#define SERAPH_ABI_MAJOR 1
#define SERAPH_ABI_MINOR 0

#if defined(_WIN32)
#define SERAPH_CALL __cdecl
#define SERAPH_EXPORT __declspec(dllexport)
#elif defined(__GNUC__)
#define SERAPH_CALL
#define SERAPH_EXPORT __attribute__((visibility("default")))
#else
#define SERAPH_CALL
#define SERAPH_EXPORT
#endif

#ifdef __cplusplus
#define SERAPH_EXTERN_C extern "C"
#define SERAPH_BEGIN_DECLS extern "C" {
#define SERAPH_END_DECLS }
#define SERAPH_CAST(T, v) static_cast<T>(v)
#else
#define SERAPH_EXTERN_C extern
#define SERAPH_BEGIN_DECLS
#define SERAPH_END_DECLS
#define SERAPH_CAST(T, v) ((T)(v))
#endif

SERAPH_BEGIN_DECLS

/* ---- status: 0 or a negative code. A code is never reused and never renumbered. ---------------------- */

typedef int32_t seraph_status;
#define SERAPH_OK SERAPH_CAST(seraph_status, 0)
#define SERAPH_E_FAIL SERAPH_CAST(seraph_status, -1)        /* anything else; say what through set_error */
#define SERAPH_E_ARG SERAPH_CAST(seraph_status, -2)         /* an argument breaks its contract */
#define SERAPH_E_NOMEM SERAPH_CAST(seraph_status, -3)       /* out of memory, or past the memory budget */
#define SERAPH_E_UNSUPPORTED SERAPH_CAST(seraph_status, -4) /* this object does not do that */
#define SERAPH_E_DENIED SERAPH_CAST(seraph_status, -5)      /* the threat model does not grant it */
#define SERAPH_E_BUDGET SERAPH_CAST(seraph_status, -6)      /* the host-counted budget of a row is spent */
#define SERAPH_E_CANCELLED SERAPH_CAST(seraph_status, -7)   /* return soon: the worker is killed after 2 s */
#define SERAPH_E_NONFINITE SERAPH_CAST(seraph_status, -8)   /* NaN or infinity where there must be none */
#define SERAPH_E_STATE SERAPH_CAST(seraph_status, -9)       /* not now: wrong order of calls */
#define SERAPH_E_VERSION SERAPH_CAST(seraph_status, -10)    /* a version that this side does not speak */
#define SERAPH_E_MODEL SERAPH_CAST(seraph_status, -11)      /* the model file is missing, broken or unfit */

/* ---- strings: UTF-8, borrowed, no terminator needed --------------------------------------------------- */

typedef struct seraph_str {
  const char *ptr; /* NULL only when len is 0 */
  uint64_t len;    /* bytes */
} seraph_str;

#define SERAPH_STR(literal) { (literal), sizeof(literal) - 1u }

/* True if the producer of *p knew the field f of struct T. */
#define SERAPH_HAS(p, T, f) \
  (SERAPH_CAST(size_t, (p)->struct_size) >= offsetof(T, f) + sizeof(SERAPH_CAST(T *, 0)->f))

/* ---- tensor: a borrowed view. Frozen at 160 bytes, never grows, holds no pointer but data. ------------- */

#define SERAPH_MAX_RANK 6

#define SERAPH_DEVICE_CPU 1  /* numerically DLPack's kDLCPU */
#define SERAPH_DEVICE_CUDA 2 /* numerically DLPack's kDLCUDA; only between the host and a trusted plugin */

#define SERAPH_DTYPE_INT 0u /* DLPack's type codes */
#define SERAPH_DTYPE_UINT 1u
#define SERAPH_DTYPE_FLOAT 2u
#define SERAPH_DTYPE_BFLOAT 4u

#define SERAPH_TENSOR_READONLY 1u

typedef struct seraph_tensor {
  void *data;
  uint64_t byte_len;    /* bytes addressable from data: either side can bounds-check alone */
  uint64_t byte_offset; /* of the first element, from data */
  int32_t device_type;  /* SERAPH_DEVICE_* */
  int32_t device_id;
  uint8_t dtype_code;   /* SERAPH_DTYPE_* */
  uint8_t dtype_bits;
  uint16_t dtype_lanes; /* 1 */
  uint32_t flags;       /* SERAPH_TENSOR_* */
  int32_t rank;         /* 0..SERAPH_MAX_RANK */
  uint32_t reserved0;   /* 0 */
  int64_t shape[SERAPH_MAX_RANK];
  int64_t stride[SERAPH_MAX_RANK]; /* in elements, always filled; version 1 requires row-major contiguous */
  uint64_t reserved[2];            /* 0 */
} seraph_tensor;

SERAPH_END_DECLS

#endif /* SERAPH_BASE_H */
