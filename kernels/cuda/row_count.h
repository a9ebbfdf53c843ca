// How many rows a kernel computes. A recorded step serves every number of rows up to its bucket: the grid is made for
// `rows_max`, and the number itself is read from device memory when the kernel runs.
#ifndef KERNELS_CUDA_ROW_COUNT_H_
#define KERNELS_CUDA_ROW_COUNT_H_

#include <cstdint>

namespace kernels::cuda {

struct RowCount {
  std::uint32_t rows_max = 0;            // what the grid is made for
  const std::uint32_t* rows = nullptr;   // device; null: rows_max
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_ROW_COUNT_H_
