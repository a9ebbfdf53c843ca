#include "tests/kernels/cuda/linear_runner.h"

#include <cmath>
#include <cstring>

#include "tests/kernels/cuda/launching.h"
#include "tests/kernels/samples.h"

namespace kernels::cuda {

LinearKernels kernels_of(Family family) {
  LinearKernels kernels =
      family == Family::kMma ? emulated_mma_linear_kernels() : emulated_wgmma_linear_kernels();
  if (family == Family::kWgmmaAlone) kernels.clusters = false;
  return kernels;
}

Tiles make_tiles(TileFormat format, std::size_t rows, std::size_t cols, std::uint64_t seed) {
  constexpr Format kSources[kTileFormats] = {Format::kBF16, Format::kF32,  Format::kF16,
                                             Format::kQ8_0, Format::kQ4_0, Format::kQ4_K,
                                             Format::kQ6_K, Format::kMXFP4};
  const auto matrix =
      kernels_test::make_matrix(kSources[static_cast<std::size_t>(format)], rows, cols, seed);
  Tiles tiles;
  tiles.shape = tile_shape(format, rows, cols).value();
  tiles.bytes.resize(tiles.shape.bytes());
  pack_tiles(tiles.shape, matrix.source(), 0, tiles.shape.row_tiles, tiles.bytes.data());
  if (format == TileFormat::kE4m3) {
    std::vector<float> scales(tiles.shape.row_tiles * kTileRows);
    pack_row_scales(tiles.shape, matrix.source(), scales.data());
    std::memcpy(tiles.bytes.data() + tiles.shape.row_tiles * tiles.shape.tile_bytes(),
                scales.data(), scales.size() * sizeof(float));
  }
  return tiles;
}

Activations make_activations(std::uint32_t n, const TileShape& shape, std::uint64_t seed) {
  Activations x{n, shape.cols, shape.padded_cols() + 8, {}};
  x.values.resize(std::size_t{n} * x.stride);
  kernels_test::Random random(seed);
  for (std::uint32_t i = 0; i < n; ++i)
    for (std::uint32_t c = 0; c < x.cols; ++c)
      x.values[i * x.stride + c] = to_bf16(random.uniform());
  return x;
}

std::vector<std::vector<float>> run(const Run& how, const std::vector<const Tiles*>& matrices,
                                    const Activations& x) {
  const auto device = emulated_device(how.order_seed, how.family == Family::kMma ? 80 : 90);
  const std::uint32_t n_max = how.rows_max == 0 ? x.n : how.rows_max;
  std::vector<std::uint16_t> padded = x.values;
  padded.resize(std::size_t{n_max} * x.stride, 0x7fc0);  // rows nobody asked for: NaN
  const OnDevice<std::uint16_t> inputs(*device, padded);
  const OnDevice<std::uint32_t> count(*device, std::vector<std::uint32_t>{x.n});
  std::vector<std::unique_ptr<OnDevice<std::uint8_t>>> tiles;
  std::vector<std::unique_ptr<OnDevice<float>>> outs, biases;
  std::vector<LinearMatrix> arguments;
  for (const Tiles* matrix : matrices) {
    const std::uint32_t stride = matrix->shape.rows + how.extra_stride;
    tiles.push_back(std::make_unique<OnDevice<std::uint8_t>>(*device, matrix->bytes));
    outs.push_back(
        std::make_unique<OnDevice<float>>(*device, std::vector<float>(n_max * stride, kUntouched)));
    if (how.bias != nullptr)
      biases.push_back(std::make_unique<OnDevice<float>>(*device, *how.bias));
    arguments.push_back({matrix->shape, tiles.back()->data(),
                         how.bias == nullptr ? nullptr : biases.back()->data(), outs.back()->data(),
                         stride});
  }
  const std::uint32_t hidden_stride = matrices[0]->shape.rows + how.extra_stride;
  const OnDevice<std::uint16_t> hidden(
      *device, std::vector<std::uint16_t>(n_max * hidden_stride, to_bf16(kUntouched)));
  LinearCall call;
  call.mode = how.mode;
  call.matrices = arguments.data();
  call.matrix_count = static_cast<std::uint32_t>(arguments.size());
  call.x = inputs.data();
  call.x_stride = x.stride;
  call.n = {n_max, how.rows_max == 0 ? nullptr : count.data()};
  call.hidden = hidden.data();
  call.hidden_stride = hidden_stride;
  EXPECT_EQ(run_linear(*device, kernels_of(how.family), call), Status::kOk);
  std::vector<std::vector<float>> results;
  if (how.mode == LinearMode::kGated) {
    results.emplace_back();
    for (const std::uint16_t bits : hidden.read()) results.back().push_back(from_bf16(bits));
  } else {
    for (const auto& out : outs) results.push_back(out->read());
  }
  return results;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}
std::vector<float> row_of(const std::vector<float>& out, std::uint32_t stride, std::uint32_t row) {
  return {out.begin() + std::ptrdiff_t{row} * stride,
          out.begin() + std::ptrdiff_t{row + 1} * stride};
}

void expect_right(const Tiles& tiles, const Activations& x, const std::vector<float>& out,
                  std::uint32_t stride) {
  const TileShape& shape = tiles.shape;
  std::vector<double> weights(shape.cols);
  for (std::uint32_t r = 0; r < shape.rows; ++r) {
    for (std::uint32_t c = 0; c < shape.cols; ++c)
      weights[c] = double{tile_element(shape, tiles.bytes.data(), r, c)};
    for (std::uint32_t i = 0; i < x.n; ++i) {
      double sum = 0, magnitude = 0;
      for (std::uint32_t c = 0; c < shape.cols; ++c) {
        const double product = weights[c] * double{from_bf16(x.values[i * x.stride + c])};
        sum += product;
        magnitude += std::fabs(product);
      }
      const double bound = magnitude * (2.0 * shape.cols + 8) * 0x1p-24;
      ASSERT_LE(std::fabs(double{out[i * stride + r]} - sum), bound)
          << "row " << i << " output " << r;
    }
  }
  for (std::uint32_t i = 0; i < x.n; ++i)
    for (std::uint32_t r = shape.rows; r < stride; ++r) ASSERT_EQ(out[i * stride + r], kUntouched);
}

}  // namespace kernels::cuda
