// Packed tiles against GGUF's own dequantisation: the right number at the right place, for every
// format and odd shapes.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "kernels/cuda/tiles/pack_row.h"
#include "kernels/cuda/tiles/tile_format.h"
#include "kernels/dequantize.h"
#include "kernels/half.h"
#include "tests/kernels/samples.h"

namespace {

using kernels::Format;
using kernels::cuda::TileFormat;
using kernels::cuda::TileShape;
using kernels_test::Matrix;

std::vector<std::uint8_t> pack(const TileShape& shape, const kernels::WeightSource& source) {
  std::vector<std::uint8_t> tiles(shape.bytes(), 0xa5);
  kernels::cuda::pack_tiles(shape, source, 0, shape.row_tiles, tiles.data());
  if (shape.format == TileFormat::kE4m3) {
    std::vector<float> scales(shape.row_tiles * kernels::cuda::kTileRows);
    kernels::cuda::pack_row_scales(shape, source, scales.data());
    std::memcpy(tiles.data() + shape.row_tiles * shape.tile_bytes(), scales.data(),
                scales.size() * sizeof(float));
  }
  return tiles;
}

float rounded(float value) {
  return kernels::bf16_to_f32(kernels::f32_to_bf16(value));
}

// Where an element may be: at `value`, or within `error` of it.
struct Expected {
  float value;
  float error;
};
Expected expected(TileFormat tile, Format format, float element, float row_scale) {
  if (tile == TileFormat::kE4m3)
    return {element, std::max(std::fabs(element) * 0x1.02p-4F, row_scale * 0x1.02p-10F)};
  if (tile == TileFormat::kSplitBf16)
    return {element, format == Format::kF16 ? 0.0F : std::fabs(element) * 0x1p-17F};
  return {rounded(element), 0};
}

void expect_matches(const Matrix& matrix, bool fp8) {
  const TileFormat format = kernels::cuda::tile_format_of(matrix.format, fp8);
  const auto shape = kernels::cuda::tile_shape(format, matrix.rows, matrix.cols);
  ASSERT_TRUE(shape.has_value());
  const std::vector<std::uint8_t> tiles = pack(*shape, matrix.source());
  for (std::uint32_t r = 0; r < shape->row_tiles * kernels::cuda::kTileRows; ++r) {
    const float* row = matrix.elements.data() + r * matrix.cols;
    const float scale = r < matrix.rows ? kernels::cuda::e4m3_scale(row, matrix.cols) : 0.0F;
    for (std::uint32_t c = 0; c < shape->padded_cols(); ++c) {
      const float element = tile_element(*shape, tiles.data(), r, c);
      if (r >= matrix.rows || c >= matrix.cols) {
        ASSERT_EQ(element, 0.0F) << "padding, row " << r << " column " << c;
        continue;
      }
      const Expected want = expected(format, matrix.format, row[c], scale);
      ASSERT_LE(std::fabs(element - want.value), want.error)
          << kernels::format_info(matrix.format).name << " row " << r << " column " << c << ": "
          << element << " for " << want.value;
    }
  }
}

class TilesFormatTest : public testing::TestWithParam<Format> {};
class TilesBlockTest : public testing::TestWithParam<Format> {};

constexpr Format kBlockFormats[] = {
#define KERNELS_TEST_FORMAT(name, id, elements, bytes) Format::k##name,
    KERNELS_BLOCK_FORMATS(KERNELS_TEST_FORMAT)
#undef KERNELS_TEST_FORMAT
};

std::string name_of(const testing::TestParamInfo<Format>& info) {
  return std::string(kernels::format_info(info.param).name);
}

TEST_P(TilesFormatTest, ElementsAreThoseOfTheFileRoundedOnceAndPaddingIsZero) {
  const std::size_t block = kernels::format_info(GetParam()).block_elements;
  constexpr std::size_t kRows[] = {1, 64, 65, 130};
  constexpr std::size_t kCols[] = {1, 32, 96, 256, 320, 768, 896, 4864};
  std::uint64_t seed = 1;
  for (const std::size_t rows : kRows) {
    for (const std::size_t cols : kCols) {
      if (cols % block != 0 || rows * cols > 200'000) continue;
      SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(cols));
      expect_matches(kernels_test::make_matrix(GetParam(), rows, cols, seed++), false);
    }
  }
}

// quantize_row never makes some codes and scales; a file may have any.
TEST_P(TilesBlockTest, EveryBitPatternOfABlockIsRead) {
  const kernels::FormatInfo& info = kernels::format_info(GetParam());
  Matrix matrix = kernels_test::make_matrix(GetParam(), 70, 2 * info.block_elements, 5);
  kernels_test::Random random(6);
  for (std::size_t block = 0; block < 140; ++block) {
    std::uint8_t* bytes = matrix.bytes.data() + block * info.block_bytes;
    for (std::size_t i = 0; i < info.block_bytes; ++i)
      bytes[i] = static_cast<std::uint8_t>(random.next());
    kernels_test::set_unit_scales(GetParam(), bytes);
  }
  const std::size_t row_bytes = matrix.bytes.size() / matrix.rows;
  for (std::size_t r = 0; r < matrix.rows; ++r)
    kernels::dequantize_row(GetParam(), matrix.bytes.data() + r * row_bytes, matrix.cols,
                            matrix.elements.data() + r * matrix.cols);
  expect_matches(matrix, false);
}

TEST_P(TilesFormatTest, TilesPackedOneByOneAreThoseOfAllAtOnce) {
  const Matrix matrix = kernels_test::make_matrix(GetParam(), 190, 512, 9);
  const auto shape = kernels::cuda::tile_shape(kernels::cuda::tile_format_of(GetParam(), false),
                                               matrix.rows, matrix.cols)
                         .value();
  const std::vector<std::uint8_t> all = pack(shape, matrix.source());
  std::vector<std::uint8_t> single(shape.tile_bytes(), 0x5a);
  for (std::uint32_t tile = 0; tile < shape.row_tiles; ++tile) {
    kernels::cuda::pack_tiles(shape, matrix.source(), tile, 1, single.data());
    EXPECT_EQ(std::memcmp(single.data(), all.data() + tile * shape.tile_bytes(), single.size()), 0)
        << tile;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, TilesFormatTest, testing::ValuesIn(kernels_test::kFormats),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Formats, TilesBlockTest, testing::ValuesIn(kBlockFormats), name_of);

TEST(TilesFormatTest, FloatsBecomeE4m3WithAScalePerRow) {
  for (const Format format : {Format::kF32, Format::kF16, Format::kBF16})
    expect_matches(kernels_test::make_matrix(format, 67, 200, 3), true);
}

// A code's neighbours decide: half way between two codes the even one is taken.
TEST(TilesFormatTest, E4m3RoundsToTheNearestCodeTiesToEven) {
  using kernels::cuda::e4m3_code;
  for (unsigned code = 0; code < 0x7e; ++code) {
    const float low = kernels::cuda::from_e4m3(static_cast<std::uint8_t>(code));
    const float high = kernels::cuda::from_e4m3(static_cast<std::uint8_t>(code + 1));
    const float middle = (low + high) / 2;
    EXPECT_EQ(e4m3_code(low), code);
    EXPECT_EQ(e4m3_code(-high), (code + 1) | 0x80U);
    EXPECT_EQ(e4m3_code(middle), code % 2 == 0 ? code : code + 1);
    EXPECT_EQ(e4m3_code(std::nextafter(middle, low)), code);
    EXPECT_EQ(e4m3_code(std::nextafter(middle, high)), code + 1);
  }
  EXPECT_EQ(e4m3_code(1e9F), 0x7e);
}

TEST(TilesFormatTest, ARowThatIsNotFiniteIsNaNInE4m3AndHarmsNoOther) {
  Matrix matrix = kernels_test::make_matrix(Format::kF32, 3, 64, 1);
  const float infinity = std::numeric_limits<float>::infinity();
  std::memcpy(matrix.bytes.data() + 64 * 4 + 20, &infinity, 4);
  const auto shape = kernels::cuda::tile_shape(TileFormat::kE4m3, 3, 64).value();
  const std::vector<std::uint8_t> tiles = pack(shape, matrix.source());
  EXPECT_TRUE(std::isnan(tile_element(shape, tiles.data(), 1, 0)));
  EXPECT_FALSE(std::isnan(tile_element(shape, tiles.data(), 0, 5)));
  EXPECT_FALSE(std::isnan(tile_element(shape, tiles.data(), 2, 5)));
}

TEST(TilesFormatTest, EveryExponentOfMxfp4IsExact) {
  Matrix matrix = kernels_test::make_matrix(Format::kMXFP4, 256, 32, 1);
  for (std::size_t r = 0; r < 256; ++r) {
    std::uint8_t* block = matrix.bytes.data() + r * 17;
    block[0] = static_cast<std::uint8_t>(r);
    for (unsigned i = 0; i < 16; ++i) block[1 + i] = static_cast<std::uint8_t>(i | (15 - i) << 4U);
    kernels::dequantize_row(Format::kMXFP4, block, 32, matrix.elements.data() + r * 32);
  }
  const auto shape = kernels::cuda::tile_shape(TileFormat::kMxfp4, 256, 32).value();
  const std::vector<std::uint8_t> tiles = pack(shape, matrix.source());
  for (std::uint32_t r = 0; r < 256; ++r)
    for (std::uint32_t c = 0; c < 32; ++c)
      EXPECT_EQ(tile_element(shape, tiles.data(), r, c), matrix.elements[r * 32 + c])
          << r << ", " << c;
}

TEST(TilesFormatTest, ShapesThatDoNotFitAreRefused) {
  using kernels::cuda::tile_shape;
  EXPECT_FALSE(tile_shape(TileFormat::kBf16, 0, 64).has_value());
  EXPECT_FALSE(tile_shape(TileFormat::kBf16, 64, 0).has_value());
  EXPECT_FALSE(tile_shape(TileFormat::kBf16, std::size_t{1} << 40U, 64).has_value());
  EXPECT_FALSE(tile_shape(TileFormat::kBf16, 64, std::size_t{1} << 33U).has_value());
  EXPECT_FALSE(tile_shape(TileFormat::kQ8_0, 64, 40).has_value());
  EXPECT_FALSE(tile_shape(TileFormat::kQ4_K, 64, 128).has_value());
  EXPECT_TRUE(tile_shape(TileFormat::kSplitBf16, 1, 1).has_value());
}

}  // namespace
