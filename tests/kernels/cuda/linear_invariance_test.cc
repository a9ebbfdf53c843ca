// The promise of kernels/ops.h, of the linear kernels of both families: a row's bits depend on that
// row alone.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/cuda/portable/portable.h"
#include "tests/kernels/cuda/linear_runner.h"
#include "tests/kernels/samples.h"

namespace kernels::cuda {
namespace {

class LinearFamilyTest : public testing::TestWithParam<Family> {};
INSTANTIATE_TEST_SUITE_P(Families, LinearFamilyTest, testing::ValuesIn(kFamilies),
                         [](const auto& family) {
                           return kFamilyNames[static_cast<int>(family.param)];
                         });

// Row i alone, in company, and in another place.
TEST_P(LinearFamilyTest, ARowsBitsDependOnNoOtherRow) {
  const Tiles tiles = make_tiles(TileFormat::kQ4_0, 64, 1088, 1);
  const Activations all = make_activations(129, tiles.shape, 2);
  const std::uint32_t stride = tiles.shape.rows + 3;
  std::vector<std::vector<float>> alone;
  for (const std::uint32_t row : {0U, 1U, 5U, 31U, 64U, 127U, 128U})
    alone.push_back(run({.family = GetParam()}, {&tiles}, all.rows(row, 1))[0]);
  const std::vector<float> company = run({.family = GetParam()}, {&tiles}, all)[0];
  std::size_t k = 0;
  for (const std::uint32_t row : {0U, 1U, 5U, 31U, 64U, 127U, 128U})
    EXPECT_TRUE(same_bits(row_of(company, stride, row), alone[k++])) << row;
  for (const std::uint32_t n : {2U, 3U, 7U, 8U, 9U, 16U, 31U, 32U, 33U, 64U, 127U, 128U}) {
    const std::uint32_t first = 129 - n;
    const std::vector<float> part = run({.family = GetParam()}, {&tiles}, all.rows(first, n))[0];
    for (std::uint32_t i = 0; i < n; ++i)
      ASSERT_TRUE(same_bits(row_of(part, stride, i), row_of(company, stride, first + i)))
          << n << " rows, row " << i;
  }
}

TEST_P(LinearFamilyTest, MatricesOfDifferentShapesShareALaunch) {
  const Tiles q = make_tiles(TileFormat::kBf16, 8192, 2048, 1);
  const Tiles k = make_tiles(TileFormat::kBf16, 100, 2048, 2);
  const Tiles v = make_tiles(TileFormat::kBf16, 64, 2048, 3);
  ASSERT_EQ(segments(q.shape), 2U);
  ASSERT_EQ(segments(k.shape), 4U);
  const Activations x = make_activations(2, q.shape, 4);
  const auto together = run({.family = GetParam()}, {&k, &q, &v}, x);
  EXPECT_TRUE(same_bits(together[0], run({.family = GetParam()}, {&k}, x)[0]));
  EXPECT_TRUE(same_bits(together[1], run({.family = GetParam()}, {&q}, x)[0]));
  EXPECT_TRUE(same_bits(together[2], run({.family = GetParam()}, {&v}, x)[0]));
  expect_right(k, x, together[0], 103);
}

TEST_P(LinearFamilyTest, BiasAndResidualAreAddedAfterTheSum) {
  const Tiles tiles = make_tiles(TileFormat::kE4m3, 70, 320, 1);
  const Activations x = make_activations(9, tiles.shape, 2);
  const std::vector<float> bias = kernels_test::Random(3).uniforms(70);
  const std::vector<float> plain = run({.family = GetParam()}, {&tiles}, x)[0];
  const std::vector<float> stored = run({.family = GetParam(), .bias = &bias}, {&tiles}, x)[0];
  const std::vector<float> added =
      run({.family = GetParam(), .mode = LinearMode::kAdd, .bias = &bias}, {&tiles}, x)[0];
  for (std::uint32_t i = 0; i < plain.size(); ++i) {
    if (i % 73 >= 70) continue;
    ASSERT_EQ(stored[i], plain[i] + bias[i % 73]);
    ASSERT_EQ(added[i], kUntouched + (plain[i] + bias[i % 73]));
  }
}

// A recorded step has a grid for more rows than there are.
TEST_P(LinearFamilyTest, RowsBeyondTheNumberInDeviceMemoryAreLeftAlone) {
  const Tiles tiles = make_tiles(TileFormat::kBf16, 80, 1024, 1);
  for (const std::uint32_t n : {1U, 17U, 32U, 129U}) {
    const Activations x = make_activations(n, tiles.shape, 2);
    const std::vector<float> exact = run({.family = GetParam()}, {&tiles}, x)[0];
    const std::vector<float> wide = run({.family = GetParam(), .rows_max = 200}, {&tiles}, x)[0];
    ASSERT_EQ(std::memcmp(exact.data(), wide.data(), exact.size() * sizeof(float)), 0) << n;
    for (std::size_t i = exact.size(); i < wide.size(); ++i) ASSERT_EQ(wide[i], kUntouched) << n;
  }
}

TEST_P(LinearFamilyTest, TheOrderInWhichThreadsRunChangesNothing) {
  const Tiles tiles = make_tiles(TileFormat::kQ6_K, 130, 2048, 1);
  const Activations x = make_activations(5, tiles.shape, 2);
  const std::vector<float> ascending = run({.family = GetParam()}, {&tiles}, x)[0];
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U})
    EXPECT_TRUE(
        same_bits(run({.family = GetParam(), .order_seed = seed}, {&tiles}, x)[0], ascending))
        << seed;
}

TEST_P(LinearFamilyTest, NaNStaysInItsRow) {
  const Tiles tiles = make_tiles(TileFormat::kQ8_0, 64, 512, 1);
  Activations x = make_activations(10, tiles.shape, 2);
  const std::vector<float> clean = run({.family = GetParam()}, {&tiles}, x)[0];
  x.values[4 * x.stride + 100] = to_bf16(std::numeric_limits<float>::quiet_NaN());
  for (const LinearMode mode : {LinearMode::kStore, LinearMode::kAdd}) {
    const std::vector<float> out = run({.family = GetParam(), .mode = mode}, {&tiles}, x)[0];
    for (std::uint32_t r = 0; r < 64; ++r) EXPECT_TRUE(std::isnan(out[4 * 67 + r]));
    if (mode != LinearMode::kStore) continue;
    for (const std::uint32_t row : {0U, 3U, 5U, 9U})
      EXPECT_TRUE(same_bits(row_of(out, 67, row), row_of(clean, 67, row)));
  }
  const std::vector<float> hidden =
      run({.family = GetParam(), .mode = LinearMode::kGated}, {&tiles, &tiles}, x)[0];
  for (std::uint32_t r = 0; r < 64; ++r) EXPECT_TRUE(std::isnan(hidden[4 * 67 + r]));
  EXPECT_FALSE(std::isnan(hidden[5 * 67]));
}

}  // namespace
}  // namespace kernels::cuda
