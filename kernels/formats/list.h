// Every weight format there is, in one list: name, GGUF type id, elements and bytes of a block.
//
// GGUF's tools write the name as it stands here; Format::kNAME is its number, formats::NAME its
// description. To add a block format: a line here and in all.h, and its two files.
// Source of ids and sizes: ggml.h (enum ggml_type) and ggml-common.h (the block structures).
#ifndef KERNELS_FORMATS_LIST_H_
#define KERNELS_FORMATS_LIST_H_

// Each element stands for itself.
#define KERNELS_FLOAT_FORMATS(X) \
  X(F32, 0, 1, 4)                \
  X(F16, 1, 1, 2)                \
  X(BF16, 30, 1, 2)

// Elements share a block: integer codes and the scales that make them numbers.
#define KERNELS_BLOCK_FORMATS(X) \
  X(Q4_0, 2, 32, 18)             \
  X(Q4_1, 3, 32, 20)             \
  X(Q5_0, 6, 32, 22)             \
  X(Q5_1, 7, 32, 24)             \
  X(Q8_0, 8, 32, 34)             \
  X(Q2_K, 10, 256, 84)           \
  X(Q3_K, 11, 256, 110)          \
  X(Q4_K, 12, 256, 144)          \
  X(Q5_K, 13, 256, 176)          \
  X(Q6_K, 14, 256, 210)          \
  X(IQ4_NL, 20, 32, 18)          \
  X(IQ4_XS, 23, 256, 136)        \
  X(TQ1_0, 34, 256, 54)          \
  X(TQ2_0, 35, 256, 66)          \
  X(MXFP4, 39, 32, 17)

#endif  // KERNELS_FORMATS_LIST_H_
