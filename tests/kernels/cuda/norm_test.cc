// A norm in two halves: what the row kernel makes of a row, against the reference's arithmetic; and
// the same bits of whoever else makes it.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/cuda/rows.h"
#include "kernels/half.h"
#include "tests/kernels/cuda/launching.h"
#include "tests/kernels/cuda/linear_runner.h"
#include "tests/kernels/samples.h"

namespace kernels::cuda {
namespace {

using kernels_test::Random;

struct NormCase {
  std::size_t cols;
  std::size_t rows = 1;
  bool weight = true;
  std::vector<std::int32_t> indexes = {};
  const std::uint32_t* count = nullptr;
};

std::uint32_t padded(std::size_t cols) {
  return static_cast<std::uint32_t>((cols + 255) / 256 * 256);
}

struct Normed {
  std::vector<float> out;          // bf16 rows of padded(cols) elements, as floats
  std::vector<float> square_sums;  // [rows, square_sum_count(cols)]
};

Normed run_norm_on(Device& device, const std::vector<float>& x, const std::vector<float>& weight,
                   const NormCase& of) {
  const OnDevice<float> on_device(device, x);
  const OnDevice<float> weights(device, weight);
  const OnDevice<std::int32_t> indexes(
      device, of.indexes.empty() ? std::vector<std::int32_t>{0} : of.indexes);
  const OnDevice<std::uint16_t> out(device,
                                    std::vector<std::uint16_t>(of.rows * padded(of.cols), 0x7FFF));
  NormCall call;
  call.x = on_device.data();
  call.indexes = of.indexes.empty() ? nullptr : indexes.data();
  call.n = {static_cast<std::uint32_t>(of.rows), of.count};
  call.cols = static_cast<std::uint32_t>(of.cols);
  const OnDevice<float> sums(device,
                             std::vector<float>(of.rows * square_sum_count(call.cols), kUntouched));
  call.weight = of.weight ? weights.data() : nullptr;
  call.out = out.data();
  call.out_stride = padded(of.cols);
  call.padded_cols = padded(of.cols);
  call.square_sums = of.weight ? sums.data() : nullptr;
  EXPECT_EQ(run_norm(device, emulated_row_kernels(), call), Status::kOk);
  Normed normed;
  for (const std::uint16_t bits : out.read()) normed.out.push_back(bf16_to_f32(bits));
  normed.square_sums = sums.read();
  return normed;
}

// rows.h's order, written down once more.
float squares_of_64(const float* x) {
  float groups[4];
  for (std::size_t g = 0; g < 4; ++g) {
    float q[8];
    for (std::size_t j = 0; j < 8; ++j) {
      const float low = x[g * 16 + j];
      const float high = x[g * 16 + j + 8];
      q[j] = std::fma(high, high, low * low);
    }
    groups[g] = ((q[0] + q[1]) + (q[2] + q[3])) + ((q[4] + q[5]) + (q[6] + q[7]));
  }
  return (groups[0] + groups[1]) + (groups[2] + groups[3]);
}

TEST(NormRow, RoundsOnceAndAddsSquaresInTheStatedOrder) {
  const auto device = emulated_device();
  for (const std::size_t cols : {1U, 3U, 64U, 255U, 256U, 1000U, 1027U, 4096U}) {
    for (const float scale : {1e-4F, 1.0F, 1e4F}) {
      std::vector<float> x = Random(cols).uniforms(cols, scale);
      const std::vector<float> weight = Random(cols + 1).uniforms(cols);
      const Normed normed = run_norm_on(*device, x, weight, {.cols = cols});
      for (std::size_t c = 0; c < cols; ++c)
        ASSERT_EQ(normed.out[c], bf16_to_f32(f32_to_bf16(x[c] * weight[c])));
      for (std::size_t c = cols; c < padded(cols); ++c) ASSERT_EQ(normed.out[c], 0.0F);
      x.resize(padded(cols));
      for (std::size_t i = 0; i < normed.square_sums.size(); ++i)
        ASSERT_EQ(normed.square_sums[i], squares_of_64(x.data() + 64 * i)) << cols << " " << i;
    }
  }
}

TEST(NormRow, WithoutAWeightRoundsAndNothingElse) {
  const auto device = emulated_device();
  const std::vector<float> x = Random(5).uniforms(300, 3.0F);
  const Normed normed = run_norm_on(*device, x, x, {.cols = 300, .weight = false});
  for (std::size_t c = 0; c < 300; ++c) ASSERT_EQ(normed.out[c], bf16_to_f32(f32_to_bf16(x[c])));
  for (std::size_t c = 300; c < 512; ++c) ASSERT_EQ(normed.out[c], 0.0F);
  for (const float sum : normed.square_sums) ASSERT_EQ(sum, kUntouched);
}

TEST(NormRow, GivesARowTheSameBitsAtEveryPlaceAndInEveryOrderOfThreads) {
  const std::size_t cols = 515;
  const std::vector<float> x = Random(6).uniforms(5 * cols);
  const std::vector<float> weight = Random(7).uniforms(cols);
  const Normed all = run_norm_on(*emulated_device(), x, weight, {.cols = cols, .rows = 5});
  const auto shuffled = emulated_device(9);
  const std::vector<std::int32_t> indexes = {4, 0, 4};
  const Normed chosen =
      run_norm_on(*shuffled, x, weight, {.cols = cols, .rows = 3, .indexes = indexes});
  const auto expect_rows = [&](const std::vector<float>& some, const std::vector<float>& every,
                               std::size_t row) {
    for (std::size_t i = 0; i < indexes.size(); ++i) {
      const std::size_t from = static_cast<std::size_t>(indexes[i]) * row;
      for (std::size_t c = 0; c < row; ++c) ASSERT_EQ(some[i * row + c], every[from + c]);
    }
  };
  expect_rows(chosen.out, all.out, padded(cols));
  expect_rows(chosen.square_sums, all.square_sums, square_sum_count(cols));
}

TEST(NormRow, LeavesRowsBeyondTheCountOnTheDeviceAlone) {
  const auto device = emulated_device();
  const OnDevice<std::uint32_t> count(*device, std::vector<std::uint32_t>{2});
  const std::vector<float> x = Random(8).uniforms(4 * 64);
  const Normed normed = run_norm_on(*device, x, x, {.cols = 64, .rows = 4, .count = count.data()});
  EXPECT_FALSE(std::isnan(normed.out[1 * 256 + 63]));
  EXPECT_TRUE(std::isnan(normed.out[2 * 256]));
  EXPECT_TRUE(std::isnan(normed.out[3 * 256]));
  EXPECT_NE(normed.square_sums[1], kUntouched);
  EXPECT_EQ(normed.square_sums[2], kUntouched);
}

TEST(NormRow, ShowsANanInTheSumOfItsSquares) {
  const auto device = emulated_device();
  std::vector<float> x = Random(9).uniforms(100);
  x[40] = std::nanf("");
  const Normed normed = run_norm_on(*device, x, std::vector<float>(100, 1.0F), {.cols = 100});
  EXPECT_TRUE(std::isnan(normed.square_sums[0]));
  EXPECT_FALSE(std::isnan(normed.square_sums[1]));
  for (std::size_t c = 100; c < 256; ++c) ASSERT_EQ(normed.out[c], 0.0F);
}

// ---- whoever writes a row makes the halves at once
// ------------------------------------------------

// What a linear operation adds to a residual, with the next norm, in one launch or by segments.
struct Residual {
  std::vector<float> out, square_sums;
  std::vector<std::uint16_t> x;
};

struct ResidualCase {
  Family family = Family::kWgmma;
  bool apart = false;
  std::uint32_t rows_max = 0;  // 0: x.n, and no number on the device
};

Residual add_with_next(const ResidualCase& how, const Tiles& tiles, const Activations& x) {
  const auto device = emulated_device();
  const LinearKernels kernels = kernels_of(how.family);
  const std::uint32_t rows = tiles.shape.rows;
  const std::uint32_t n = how.rows_max == 0 ? x.n : how.rows_max;
  const OnDevice<std::uint8_t> weight(*device, tiles.bytes);
  const OnDevice<std::uint16_t> in(*device, x.values);
  const OnDevice<float> bias(*device, Random(1).uniforms(rows));
  const OnDevice<float> norm(*device, Random(2).uniforms(rows));
  const OnDevice<float> out(*device, Random(3).uniforms(std::size_t{n} * rows, 2.0F));
  const OnDevice<std::uint16_t> next(*device, std::vector<std::uint16_t>(std::size_t{n} * rows));
  const OnDevice<float> sums(
      *device, std::vector<float>(std::size_t{n} * square_sum_count(rows), kUntouched));
  const OnDevice<std::uint32_t> count(*device, std::vector<std::uint32_t>{x.n});
  const RowCount row_count = {n, how.rows_max == 0 ? nullptr : count.data()};

  LinearMatrix matrix{.shape = tiles.shape, .tiles = weight.data()};
  matrix.out = out.data();
  matrix.out_stride = rows;
  const std::uint32_t parts = segments(tiles.shape);
  const OnDevice<float> apart(*device,
                              std::vector<float>(std::size_t{parts} * n * rows, kUntouched));
  LinearCall call;
  call.mode = how.apart ? LinearMode::kSegments : LinearMode::kAdd;
  call.matrices = &matrix;
  call.matrix_count = 1;
  call.x = in.data();
  call.x_stride = x.stride;
  call.n = row_count;
  const NextNorm wanted = {norm.data(), next.data(), rows, sums.data()};
  if (how.apart) {
    matrix.out = apart.data();
  } else {
    matrix.bias = bias.data();
    call.next = wanted;
  }
  EXPECT_EQ(run_linear(*device, kernels, call), Status::kOk);
  if (how.apart) {
    AddSegmentsCall add;
    add.sums = apart.data();
    add.segments = parts;
    add.n = row_count;
    add.rows = rows;
    if (tiles.shape.format == TileFormat::kE4m3)
      add.row_scales = reinterpret_cast<const float*>(weight.data() + tiles.shape.row_tiles *
                                                                          tiles.shape.tile_bytes());
    add.bias = bias.data();
    add.out = out.data();
    add.out_stride = rows;
    add.next = wanted;
    EXPECT_EQ(run_add_segments(*device, emulated_row_kernels(), add), Status::kOk);
  }
  return {out.read(), sums.read(), next.read()};
}

TEST(NextNorm, HasTheBitsOfANormBehindTheSum) {
  const auto device = emulated_device();
  for (const TileFormat format : {TileFormat::kBf16, TileFormat::kE4m3, TileFormat::kQ4_K}) {
    const Tiles tiles = make_tiles(format, 256, 1536, 4);
    ASSERT_EQ(segments(tiles.shape), 2U);
    const std::vector<float> weight = Random(2).uniforms(256);
    for (const std::uint32_t n : {1U, 9U, 70U, 130U}) {
      const Activations x = make_activations(n, tiles.shape, n);
      for (const Family family : kFamilies) {
        const Residual made = add_with_next({.family = family}, tiles, x);
        const Normed normed = run_norm_on(*device, made.out, weight, {.cols = 256, .rows = n});
        for (std::size_t i = 0; i < made.x.size(); ++i)
          ASSERT_EQ(bf16_to_f32(made.x[i]), normed.out[i])
              << tile_format_name(format) << " n " << n << " element " << i;
        ASSERT_TRUE(same_bits(made.square_sums, normed.square_sums))
            << tile_format_name(format) << " n " << n << " family " << static_cast<int>(family);
      }
    }
  }
}

TEST(NextNorm, HasTheSameBitsWhereSegmentsAreAddedByThemselves) {
  for (const TileFormat format : {TileFormat::kSplitBf16, TileFormat::kE4m3, TileFormat::kQ8_0}) {
    for (const std::size_t cols : {768U, 1536U, 2048U}) {  // one segment, two, four
      const Tiles tiles = make_tiles(format, 256, cols, 5);
      for (const std::uint32_t n : {1U, 17U}) {
        const Activations x = make_activations(n, tiles.shape, n);
        const Residual whole = add_with_next({}, tiles, x);
        for (const Family family : kFamilies) {
          const Residual apart = add_with_next({.family = family, .apart = true}, tiles, x);
          ASSERT_TRUE(same_bits(apart.out, whole.out)) << cols << " n " << n;
          ASSERT_TRUE(same_bits(apart.square_sums, whole.square_sums)) << cols << " n " << n;
          ASSERT_EQ(apart.x, whole.x) << cols << " n " << n;
        }
      }
    }
  }
}

TEST(NextNorm, LeavesRowsBeyondTheCountOnTheDeviceAlone) {
  const Tiles tiles = make_tiles(TileFormat::kBf16, 256, 1024, 6);
  Activations x = make_activations(12, tiles.shape, 7);
  x.n = 5;
  for (const bool apart : {false, true}) {
    const Residual five = add_with_next({.apart = apart, .rows_max = 12}, tiles, x);
    const Residual alone = add_with_next({}, tiles, x.rows(0, 5));
    for (std::size_t i = 0; i < alone.out.size(); ++i) ASSERT_EQ(five.out[i], alone.out[i]);
    for (std::size_t i = 5 * 4; i < five.square_sums.size(); ++i)
      ASSERT_EQ(five.square_sums[i], kUntouched);
    for (std::size_t i = std::size_t{5} * 256; i < five.x.size(); ++i) ASSERT_EQ(five.x[i], 0);
  }
}

}  // namespace
}  // namespace kernels::cuda
