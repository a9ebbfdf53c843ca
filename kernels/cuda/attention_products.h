// The two matrix products of attention for a warp: scores of its positions, sums of its dimensions.
//
// Fragments are those of portable.h. A warp's 16 rows are A (queries, then weights); keys are B as
// they lie, [position] [dimension], values transposed.
#ifndef KERNELS_CUDA_ATTENTION_PRODUCTS_H_
#define KERNELS_CUDA_ATTENTION_PRODUCTS_H_

#include "kernels/cuda/attention_softmax.h"
#include "kernels/cuda/attention_tile.h"

namespace kernels::cuda {
#ifdef __CUDACC__
inline namespace for_gpus {
#else
inline namespace for_emulator {
#endif

// A 16 x 16 A fragment: rows row … row + 15, columns 16 step ….
template <std::uint32_t kDim>
KERNELS_DEVICE void load_a(const unsigned char* tile, std::uint32_t row, std::uint32_t step,
                           std::uint32_t (&a)[4]) {
  load_matrices(a, tile + tile_offset<kDim>(row + lane() % 16, 2 * step + lane() / 16));
}

// scores[b] = queries * keys of positions `position` + 8 b … of the tile.
template <typename Form>
KERNELS_DEVICE void multiply_keys(const unsigned char* queries, const unsigned char* keys,
                                  std::uint32_t row, std::uint32_t position, Scores<Form>& scores) {
  KERNELS_UNROLL
  for (std::uint32_t b = 0; b < Form::kScoreBlocks; ++b) {
    KERNELS_UNROLL
    for (std::uint32_t i = 0; i < 4; ++i) scores[b][i] = 0.0F;
  }
  KERNELS_UNROLL_TWICE
  for (std::uint32_t step = 0; step < Form::kDim / 16; ++step) {
    std::uint32_t a[4];
    load_a<Form::kDim>(queries, row, step, a);
    KERNELS_UNROLL
    for (std::uint32_t b = 0; b < Form::kScoreBlocks; b += 2) {
      std::uint32_t k[4];  // positions 0 … 7: dimensions 0 … 7, 8 … 15; then positions 8 … 15
      load_matrices(k,
                    keys + tile_offset<Form::kDim>(position + 8 * b + lane() % 8 + lane() / 16 * 8,
                                                   2 * step + lane() / 8 % 2));
      mma_f16(scores[b], a, {k[0], k[1]});
      mma_f16(scores[b + 1], a, {k[2], k[3]});
    }
  }
}

// The warp's weights as f16 into the tile [row][64 positions].
template <typename Form>
KERNELS_DEVICE void store_weights(const Scores<Form>& weights, std::uint32_t row,
                                  std::uint32_t position, unsigned char* tile) {
  KERNELS_UNROLL
  for (std::uint32_t b = 0; b < Form::kScoreBlocks; ++b) {
    KERNELS_UNROLL
    for (std::uint32_t half = 0; half < 2; ++half) {
      const std::uint32_t at =
          tile_offset<kTilePositions>(row + lane() / 4 + 8 * half, position / 8 + b) +
          4 * (lane() % 4);
      *reinterpret_cast<std::uint32_t*>(tile + at) =
          pack_f16(weights[b][2 * half], weights[b][2 * half + 1]);
    }
  }
}

// sums += weights * values of the warp's dimensions, which begin at `dimension`; total += weights
// * 1.
template <typename Form>
KERNELS_DEVICE void multiply_values(const unsigned char* weights, const unsigned char* values,
                                    std::uint32_t row, std::uint32_t dimension,
                                    Softmax<Form>* softmax) {
  constexpr std::uint32_t kOnes = 0x3c003c00U;  // binary16, twice
  KERNELS_UNROLL
  for (std::uint32_t step = 0; step < kTilePositions / 16; ++step) {
    std::uint32_t a[4];
    load_a<kTilePositions>(weights, row, step, a);
    mma_f16(softmax->total, a, {kOnes, kOnes});
    KERNELS_UNROLL
    for (std::uint32_t b = 0; b < Form::kSumBlocks; b += 2) {
      std::uint32_t v[4];  // dimensions 0 … 7: positions 0 … 7, 8 … 15; then dimensions 8 … 15
      load_matrices_transposed(
          v, values +
                 tile_offset<Form::kDim>(16 * step + lane() % 16, dimension / 8 + b + lane() / 16));
      mma_f16(softmax->sums[b], a, {v[0], v[1]});
      mma_f16(softmax->sums[b + 1], a, {v[2], v[3]});
    }
  }
}
}
}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_ATTENTION_PRODUCTS_H_
