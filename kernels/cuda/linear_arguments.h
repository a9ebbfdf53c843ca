// What a linear kernel is given.
#ifndef KERNELS_CUDA_LINEAR_ARGUMENTS_H_
#define KERNELS_CUDA_LINEAR_ARGUMENTS_H_

#include <cstdint>

#include "kernels/cuda/linear_geometry.h"

namespace kernels::cuda {

struct LinearArguments {
  struct Matrix {
    const std::uint8_t* tiles = nullptr;
    const float* row_scales = nullptr;  // null but for kE4m3
    const float* bias = nullptr;
    float* out = nullptr;
    std::uint32_t rows = 0;
    std::uint32_t out_stride = 0;
  };
  Matrix matrices[kMatricesMax];
  LinearGrid grid;  // kGated: of one matrix, which stands for both
  std::uint32_t records = 0;
  std::uint32_t padded_cols = 0;
  const std::uint16_t* x = nullptr;
  std::uint32_t x_stride = 0;
  RowCount n;
  bool add = false;
  NormScale scale;
  NextNorm next;  // of matrices[0], the only one
  std::uint16_t* hidden = nullptr;
  std::uint32_t hidden_stride = 0;
  const std::uint32_t* expert_first = nullptr;  // linear.h; `grid` and rows are of one expert

  KERNELS_DEVICE std::uint32_t rows() const { return n.rows == nullptr ? n.rows_max : *n.rows; }

  // Rows of activations from a block's first to the last of its expert's, or of all; `last` is not
  // among them. `first`: as if they began at zero.
  struct Tokens {
    std::uint32_t first, last;
  };
  KERNELS_DEVICE Tokens tokens(std::uint32_t first) const {
    if (expert_first == nullptr) return {first, rows()};
    const std::uint32_t* const expert = expert_first + block_z();
    return {expert[0] + first, expert[1]};
  }
  // Of `count` tiles or rows to an expert, those before the block's expert. Without experts the
  // grid is flat.
  KERNELS_DEVICE static std::uint32_t before_expert(std::uint32_t count) {
    return block_z() * count;
  }
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_LINEAR_ARGUMENTS_H_
