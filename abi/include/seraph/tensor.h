/* seraph/tensor.h - inline helpers to fill and check tensor views. Conveniences, not part of the ABI. */
#ifndef SERAPH_TENSOR_H
#define SERAPH_TENSOR_H

#include <seraph/base.h>

#if defined(__cplusplus) || (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L)
#define SERAPH_INLINE static inline
#elif defined(__GNUC__)
#define SERAPH_INLINE static __inline__ __attribute__((unused))
#else
#define SERAPH_INLINE static
#endif

SERAPH_BEGIN_DECLS

/* A view of row-major float32 [rows, columns] on the CPU. For a read-only view cast the const away and set
 * SERAPH_TENSOR_READONLY in flags. */
SERAPH_INLINE seraph_tensor seraph_tensor_f32(float *data, int64_t rows, int64_t columns) {
  seraph_tensor t;
  int axis;
  t.data = data;
  t.byte_len = SERAPH_CAST(uint64_t, rows) * SERAPH_CAST(uint64_t, columns) * 4u;
  t.byte_offset = 0u;
  t.device_type = SERAPH_DEVICE_CPU;
  t.device_id = 0;
  t.dtype_code = SERAPH_DTYPE_FLOAT;
  t.dtype_bits = 32u;
  t.dtype_lanes = 1u;
  t.flags = 0u;
  t.rank = 2;
  t.reserved0 = 0u;
  for (axis = 0; axis < SERAPH_MAX_RANK; axis++) {
    t.shape[axis] = axis == 0 ? rows : axis == 1 ? columns : 0;
    t.stride[axis] = axis == 0 ? columns : axis == 1 ? 1 : 0;
  }
  t.reserved[0] = 0u;
  t.reserved[1] = 0u;
  return t;
}

/* The first element of a float32 CPU tensor. */
SERAPH_INLINE float *seraph_tensor_data_f32(const seraph_tensor *t) {
#ifdef __cplusplus
  return reinterpret_cast<float *>(static_cast<unsigned char *>(t->data) + t->byte_offset);
#else
  return (float *)(void *)((unsigned char *)t->data + t->byte_offset);
#endif
}

SERAPH_END_DECLS

#endif /* SERAPH_TENSOR_H */
