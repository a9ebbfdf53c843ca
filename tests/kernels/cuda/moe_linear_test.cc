// The experts' matrices as one linear operation, against each expert's own.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "kernels/cuda/linear.h"
#include "tests/kernels/cuda/launching.h"
#include "tests/kernels/cuda/linear_runner.h"
#include "tests/kernels/samples.h"

namespace kernels::cuda {
namespace {

std::unique_ptr<Device> device_of(Family family, std::uint64_t order_seed) {
  return emulated_device(order_seed, family == Family::kMma ? 80 : 90);
}

// One expert of a matrix of several, as a matrix of its own.
Tiles expert_of(const Tiles& all, std::uint32_t experts, std::uint32_t e) {
  Tiles one;
  one.shape = tile_shape(all.shape.format, all.shape.rows / experts, all.shape.cols).value();
  const std::size_t bytes = one.shape.row_tiles * one.shape.tile_bytes();
  const auto from = all.bytes.begin() + static_cast<std::ptrdiff_t>(e * bytes);
  one.bytes.assign(from, from + static_cast<std::ptrdiff_t>(bytes));
  if (all.shape.format == TileFormat::kE4m3) {
    const std::size_t scales = one.shape.rows * sizeof(float);
    const auto behind =
        all.bytes.begin() + static_cast<std::ptrdiff_t>(experts * bytes + e * scales);
    one.bytes.insert(one.bytes.end(), behind, behind + static_cast<std::ptrdiff_t>(scales));
  }
  return one;
}

struct Experts {
  std::uint32_t count = 0;
  std::vector<std::uint32_t> first;  // [count + 1]
  std::uint32_t rows_max = 0;
};

Experts experts_with(const std::vector<std::uint32_t>& counts, std::uint32_t rows_max) {
  Experts experts{static_cast<std::uint32_t>(counts.size()), {0}, rows_max};
  for (const std::uint32_t count : counts) experts.first.push_back(experts.first.back() + count);
  return experts;
}

struct GroupedRun {
  Family family;
  LinearMode mode = LinearMode::kStore;
  std::uint64_t order_seed = 0;
  const std::vector<float>* bias = nullptr;  // [experts * rows of one], of every matrix
};

constexpr std::uint32_t kExtraStride = Run{}.extra_stride;

// As `run` of linear_runner.h: out of every matrix, or hidden. What lies behind the last expert's
// rows stays as it was.
std::vector<std::vector<float>> run_grouped(const GroupedRun& how, const Experts& experts,
                                            const std::vector<const Tiles*>& matrices,
                                            const Activations& x) {
  const auto device = device_of(how.family, how.order_seed);
  std::vector<std::uint16_t> padded = x.values;
  padded.resize(padded.size() + x.stride, 0x7fc0);  // a row of nobody's: NaN
  const OnDevice<std::uint16_t> inputs(*device, padded);
  const OnDevice<std::uint32_t> first(*device, experts.first);
  std::vector<std::unique_ptr<OnDevice<std::uint8_t>>> tiles;
  std::vector<std::unique_ptr<OnDevice<float>>> outs, biases;
  std::vector<LinearMatrix> arguments;
  for (const Tiles* matrix : matrices) {
    const std::uint32_t stride = matrix->shape.rows / experts.count + kExtraStride;
    tiles.push_back(std::make_unique<OnDevice<std::uint8_t>>(*device, matrix->bytes));
    outs.push_back(std::make_unique<OnDevice<float>>(
        *device, std::vector<float>((x.n + 1) * stride, kUntouched)));
    if (how.bias != nullptr)
      biases.push_back(std::make_unique<OnDevice<float>>(*device, *how.bias));
    arguments.push_back({matrix->shape, tiles.back()->data(),
                         how.bias == nullptr ? nullptr : biases.back()->data(), outs.back()->data(),
                         stride});
  }
  const std::uint32_t stride = matrices[0]->shape.rows / experts.count + kExtraStride;
  const OnDevice<std::uint16_t> hidden(
      *device, std::vector<std::uint16_t>((x.n + 1) * stride, to_bf16(kUntouched)));
  LinearCall call;
  call.mode = how.mode;
  call.matrices = arguments.data();
  call.matrix_count = static_cast<std::uint32_t>(arguments.size());
  call.x = inputs.data();
  call.x_stride = x.stride;
  call.n = {experts.rows_max, nullptr};
  call.hidden = hidden.data();
  call.hidden_stride = stride;
  call.experts = experts.count;
  call.expert_first = first.data();
  call.x_rows = x.n;
  EXPECT_EQ(run_linear(*device, kernels_of(how.family), call), Status::kOk);
  std::vector<std::vector<float>> results;
  if (how.mode == LinearMode::kGated) {
    results.emplace_back();
    for (const std::uint16_t bits : hidden.read()) results.back().push_back(from_bf16(bits));
  } else {
    for (const auto& out : outs) results.push_back(out->read());
  }
  for (std::vector<float>& result : results) {
    const std::size_t rows = result.size() / (x.n + 1) * x.n;
    EXPECT_EQ(
        std::count(result.begin() + static_cast<std::ptrdiff_t>(rows), result.end(), kUntouched),
        static_cast<std::ptrdiff_t>(result.size() - rows));
    result.resize(rows);
  }
  return results;
}

// Every expert's rows have the bits that its matrix gives by itself.
void expect_experts_alone(const GroupedRun& how, const Experts& experts,
                          const std::vector<const Tiles*>& matrices, const Activations& x) {
  const auto together = run_grouped(how, experts, matrices, x);
  for (std::uint32_t e = 0; e < experts.count; ++e) {
    const std::uint32_t n = experts.first[e + 1] - experts.first[e];
    if (n == 0) continue;
    std::vector<Tiles> own;
    for (const Tiles* matrix : matrices) own.push_back(expert_of(*matrix, experts.count, e));
    std::vector<const Tiles*> pointers;
    for (const Tiles& tiles : own) pointers.push_back(&tiles);
    std::vector<float> bias;
    if (how.bias != nullptr) {
      const std::size_t rows = own[0].shape.rows;
      bias.assign(how.bias->begin() + static_cast<std::ptrdiff_t>(e * rows),
                  how.bias->begin() + static_cast<std::ptrdiff_t>((e + 1) * rows));
    }
    Run alone;
    alone.family = how.family;
    alone.mode = how.mode;
    alone.bias = how.bias == nullptr ? nullptr : &bias;
    const auto expected = run(alone, pointers, x.rows(experts.first[e], n));
    for (std::size_t m = 0; m < expected.size(); ++m) {
      const std::size_t stride = own[m].shape.rows + kExtraStride;
      ASSERT_EQ(std::memcmp(expected[m].data(), together[m].data() + experts.first[e] * stride,
                            expected[m].size() * sizeof(float)),
                0)
          << "expert " << e << " matrix " << m;
    }
  }
}

class MoeLinearTest : public testing::TestWithParam<Family> {};
INSTANTIATE_TEST_SUITE_P(Families, MoeLinearTest, testing::ValuesIn(kFamilies),
                         [](const auto& family) {
                           return kFamilyNames[static_cast<int>(family.param)];
                         });

TEST_P(MoeLinearTest, EveryFormatAndModeGivesTheBitsOfTheExpertsAlone) {
  const Experts experts = experts_with({2, 0, 1, 9}, 12);
  const std::vector<float> bias = kernels_test::Random(3).uniforms(4 * 64);
  for (std::size_t f = 0; f < kTileFormats; ++f) {
    const auto format = static_cast<TileFormat>(f);
    const Tiles a = make_tiles(format, 4 * 64, 1024, 1);
    const Tiles b = make_tiles(format, 4 * 64, 1024, 2);
    const Activations x = make_activations(12, a.shape, 3);
    SCOPED_TRACE(tile_format_name(format));
    for (const LinearMode mode : {LinearMode::kStore, LinearMode::kAdd, LinearMode::kGated}) {
      expect_experts_alone({GetParam(), mode, 0, &bias}, experts, {&a, &b}, x);
      if (HasFatalFailure()) return;
    }
  }
}

// Three tiles to an expert, which two warpgroups do not divide; segments; several tiles of rows.
TEST_P(MoeLinearTest, ManyRowsAndOddTilesGiveTheBitsOfTheExpertsAlone) {
  const Tiles tiles = make_tiles(TileFormat::kQ4_0, 4 * 192, 1024, 1);
  ASSERT_EQ(segments(expert_of(tiles, 4, 0).shape), 2U);
  for (const auto& counts :
       std::vector<std::vector<std::uint32_t>>{{0, 150, 0, 1}, {33, 8, 64, 65}, {0, 0, 0, 140}}) {
    const Experts experts = experts_with(counts, 160);
    const Activations x = make_activations(experts.first.back(), tiles.shape, 2);
    expect_experts_alone({GetParam()}, experts, {&tiles}, x);
    if (HasFatalFailure()) return;
    expect_right(
        expert_of(tiles, 4, 3), x.rows(experts.first[3], counts[3]),
        [&] {
          const auto out = run_grouped({GetParam()}, experts, {&tiles}, x)[0];
          return std::vector<float>(out.begin() + experts.first[3] * 195, out.end());
        }(),
        195);
  }
}

// All experts together would have one segment where each alone has two.
TEST_P(MoeLinearTest, SegmentsAreThoseOfOneExpert) {
  static const Tiles tiles = make_tiles(TileFormat::kQ4_0, 256 * 64, 1024, 1);
  ASSERT_EQ(segments(tiles.shape), 1U);
  ASSERT_EQ(segments(expert_of(tiles, 256, 0).shape), 2U);
  std::vector<std::uint32_t> counts(256);
  counts[3] = 1;
  counts[255] = 5;
  const Activations x = make_activations(6, tiles.shape, 2);
  expect_experts_alone({GetParam()}, experts_with(counts, 6), {&tiles}, x);
}

TEST_P(MoeLinearTest, WhereNoExpertHasRowsNothingIsWritten) {
  const Tiles tiles = make_tiles(TileFormat::kBf16, 4 * 64, 256, 1);
  const Activations x = make_activations(3, tiles.shape, 2);
  const Experts experts = experts_with({0, 0, 0, 0}, 3);
  const auto out = run_grouped({GetParam()}, experts, {&tiles}, x);
  for (const float value : out[0]) ASSERT_EQ(value, kUntouched);
}

}  // namespace
}  // namespace kernels::cuda
