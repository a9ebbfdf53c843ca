// Runs linear operations on the emulated device, for the tests of their kernels.
#ifndef TESTS_KERNELS_CUDA_LINEAR_RUNNER_H_
#define TESTS_KERNELS_CUDA_LINEAR_RUNNER_H_

#include <cstdint>
#include <vector>

#include "kernels/cuda/linear.h"

namespace kernels::cuda {

// kWgmmaAlone: without clusters, as where rows are many.
enum class Family : std::uint8_t { kMma, kWgmma, kWgmmaAlone };
inline constexpr Family kFamilies[] = {Family::kMma, Family::kWgmma, Family::kWgmmaAlone};
inline constexpr const char* kFamilyNames[] = {"mma", "wgmma", "wgmma_alone"};
LinearKernels kernels_of(Family family);  // for the emulator

// A matrix in tiles, on the host.
struct Tiles {
  TileShape shape;
  std::vector<std::uint8_t> bytes;
};

// Random weights; of kE4m3 with their scales.
Tiles make_tiles(TileFormat format, std::size_t rows, std::size_t cols, std::uint64_t seed);

// n rows of activations, zeros from cols to the stride.
struct Activations {
  std::uint32_t n, cols, stride;
  std::vector<std::uint16_t> values;

  Activations rows(std::uint32_t first, std::uint32_t count) const {
    const auto from = values.begin() + std::ptrdiff_t{first} * stride;
    return {count, cols, stride, {from, from + std::ptrdiff_t{count} * stride}};
  }
};

Activations make_activations(std::uint32_t n, const TileShape& shape, std::uint64_t seed);

// What memory holds that a kernel should not write.
inline constexpr float kUntouched = -77.5F;

struct Run {
  Family family = Family::kWgmma;
  LinearMode mode = LinearMode::kStore;
  std::uint32_t extra_stride = 3;
  std::uint32_t rows_max = 0;  // 0: x.n, and no number in device memory
  std::uint64_t order_seed = 0;
  const std::vector<float>* bias = nullptr;  // of every matrix
};

// out of every matrix, [n or rows_max, rows + extra_stride]; kGated: one, hidden as floats.
std::vector<std::vector<float>> run(const Run& how, const std::vector<const Tiles*>& matrices,
                                    const Activations& x);

bool same_bits(const std::vector<float>& a, const std::vector<float>& b);
std::vector<float> row_of(const std::vector<float>& out, std::uint32_t stride, std::uint32_t row);

// Products are exact in a float; a sum of `cols` of them in any order is off by no more than cols *
// 2^-24 of the sum of their magnitudes (Higham 2002, section 4.2). The e4m3 scale rounds once more.
void expect_right(const Tiles& tiles, const Activations& x, const std::vector<float>& out,
                  std::uint32_t stride);

}  // namespace kernels::cuda

#endif  // TESTS_KERNELS_CUDA_LINEAR_RUNNER_H_
