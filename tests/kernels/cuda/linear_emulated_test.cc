// The linear kernels of both families, run by the emulator: right results in every format, and
// equal bits.
#include <gtest/gtest.h>

#include <string>

#include "kernels/cuda/linear_epilogue.h"
#include "tests/kernels/cuda/linear_runner.h"

namespace kernels::cuda {
namespace {

class LinearFormatTest : public testing::TestWithParam<TileFormat> {};

TEST_P(LinearFormatTest, BothFamiliesGiveEqualBitsThatAreRight) {
  struct Case {
    std::size_t rows, cols;
    std::uint32_t n;
  };
  // One, two and four segments; chunks that end early; tiles that do; every tile of rows.
  constexpr Case kCases[] = {
      {70, 256, 3}, {65, 1280, 8}, {40, 2304, 20}, {65, 768, 40}, {130, 512, 70}};
  for (const Case& shape : kCases) {
    SCOPED_TRACE(std::to_string(shape.rows) + " x " + std::to_string(shape.cols) + ", " +
                 std::to_string(shape.n));
    const bool any_cols = GetParam() != TileFormat::kQ4_K && GetParam() != TileFormat::kQ6_K;
    const Tiles tiles = make_tiles(GetParam(), shape.rows, shape.cols - (any_cols ? 32 : 0), 1);
    const Activations x = make_activations(shape.n, tiles.shape, 2);
    const std::vector<float> mma = run({.family = Family::kMma}, {&tiles}, x)[0];
    const std::vector<float> wgmma = run({.family = Family::kWgmma}, {&tiles}, x)[0];
    EXPECT_TRUE(same_bits(mma, wgmma));
    EXPECT_TRUE(same_bits(run({.family = Family::kWgmmaAlone}, {&tiles}, x)[0], wgmma));
    expect_right(tiles, x, wgmma, tiles.shape.rows + 3);
  }
}

TEST_P(LinearFormatTest, GatedIsSiluOfTheOneProductTimesTheOther) {
  const Tiles gate = make_tiles(GetParam(), 100, 1024, 3);
  const Tiles up = make_tiles(GetParam(), 100, 1024, 4);
  for (const std::uint32_t n : {5U, 12U, 20U, 40U}) {
    const Activations x = make_activations(n, gate.shape, 5);
    const auto products = run({.family = Family::kMma}, {&gate, &up}, x);
    for (const Family family : kFamilies) {
      const auto hidden = run({.family = family, .mode = LinearMode::kGated}, {&gate, &up}, x)[0];
      for (std::uint32_t i = 0; i < hidden.size(); ++i) {
        const float expected =
            i % 103 < 100 ? from_bf16(to_bf16(silu(products[0][i]) * products[1][i])) : kUntouched;
        ASSERT_EQ(hidden[i], expected) << n << ", element " << i;
      }
    }
  }
}

std::string name_of(const testing::TestParamInfo<TileFormat>& info) {
  return tile_format_name(info.param);
}
INSTANTIATE_TEST_SUITE_P(Formats, LinearFormatTest,
                         testing::Values(TileFormat::kBf16, TileFormat::kSplitBf16,
                                         TileFormat::kE4m3, TileFormat::kQ8_0, TileFormat::kQ4_0,
                                         TileFormat::kQ4_K, TileFormat::kQ6_K, TileFormat::kMxfp4),
                         name_of);

}  // namespace
}  // namespace kernels::cuda
