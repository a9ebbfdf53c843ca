// The row kernels against the reference's arithmetic, and bit for bit against themselves.
#include "kernels/cuda/rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/half.h"
#include "tests/kernels/cuda/launching.h"
#include "tests/kernels/samples.h"

namespace kernels::cuda {
namespace {

using kernels_test::Random;

struct NormCase {
  std::size_t cols;
  std::size_t rows = 1;
  float scale = 1;
  bool weight = true;
  std::vector<std::int32_t> indexes = {};
  const std::uint32_t* count = nullptr;
};

std::uint32_t padded(std::size_t cols) {
  return static_cast<std::uint32_t>((cols + 255) / 256 * 256);
}

// bf16 rows of padded(cols) elements, as floats.
std::vector<float> run_norm_on(Device& device, const std::vector<float>& x,
                               const std::vector<float>& weight, const NormCase& of) {
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
  call.weight = of.weight ? weights.data() : nullptr;
  call.eps = 1e-5F;
  call.out = out.data();
  call.out_stride = padded(of.cols);
  call.padded_cols = padded(of.cols);
  EXPECT_EQ(run_norm(device, emulated_row_kernels(), call), Status::kOk);
  std::vector<float> values;
  for (const std::uint16_t bits : out.read()) values.push_back(bf16_to_f32(bits));
  return values;
}

// One rounding to bf16 (2^-8: eight bits of significand), and what float32 loses before it.
constexpr double kNormError = 0x1p-8 + 0x1p-18;

TEST(NormRow, IsTheReferencesRowRoundedOnce) {
  const auto device = emulated_device();
  for (const std::size_t cols : {1U, 3U, 64U, 255U, 256U, 1000U, 1027U, 4096U}) {
    for (const float scale : {1e-4F, 1.0F, 1e4F}) {
      const std::vector<float> x = Random(cols).uniforms(cols, scale);
      const std::vector<float> weight = Random(cols + 1).uniforms(cols);
      const std::vector<float> out = run_norm_on(*device, x, weight, {.cols = cols});
      double sum = 0;
      for (const float value : x) sum += static_cast<double>(value) * static_cast<double>(value);
      const double root = std::sqrt(sum / static_cast<double>(cols) + static_cast<double>(1e-5F));
      for (std::size_t c = 0; c < cols; ++c) {
        const double expected = static_cast<double>(x[c]) / root * static_cast<double>(weight[c]);
        ASSERT_NEAR(static_cast<double>(out[c]), expected, std::fabs(expected) * kNormError + 1e-38)
            << cols << " " << scale << " " << c;
      }
      for (std::size_t c = cols; c < padded(cols); ++c) ASSERT_EQ(out[c], 0.0F);
    }
  }
}

TEST(NormRow, WithoutAWeightRoundsAndNothingElse) {
  const auto device = emulated_device();
  const std::vector<float> x = Random(5).uniforms(300, 3.0F);
  const std::vector<float> out = run_norm_on(*device, x, x, {.cols = 300, .weight = false});
  for (std::size_t c = 0; c < 300; ++c) ASSERT_EQ(out[c], bf16_to_f32(f32_to_bf16(x[c])));
  for (std::size_t c = 300; c < 512; ++c) ASSERT_EQ(out[c], 0.0F);
}

TEST(NormRow, GivesARowTheSameBitsAtEveryPlaceAndInEveryOrderOfThreads) {
  const std::size_t cols = 515;
  const std::vector<float> x = Random(6).uniforms(5 * cols);
  const std::vector<float> weight = Random(7).uniforms(cols);
  const std::vector<float> all =
      run_norm_on(*emulated_device(), x, weight, {.cols = cols, .rows = 5});
  const auto shuffled = emulated_device(9);
  const std::vector<float> chosen =
      run_norm_on(*shuffled, x, weight, {.cols = cols, .rows = 3, .indexes = {4, 0, 4}});
  const std::size_t row = padded(cols);
  for (std::size_t c = 0; c < row; ++c) {
    ASSERT_EQ(chosen[c], all[4 * row + c]);
    ASSERT_EQ(chosen[row + c], all[c]);
    ASSERT_EQ(chosen[2 * row + c], all[4 * row + c]);
  }
}

TEST(NormRow, LeavesRowsBeyondTheCountOnTheDeviceAlone) {
  const auto device = emulated_device();
  const OnDevice<std::uint32_t> count(*device, std::vector<std::uint32_t>{2});
  const std::vector<float> x = Random(8).uniforms(4 * 64);
  const std::vector<float> out =
      run_norm_on(*device, x, x, {.cols = 64, .rows = 4, .count = count.data()});
  EXPECT_FALSE(std::isnan(out[1 * 256 + 63]));
  EXPECT_TRUE(std::isnan(out[2 * 256]));
  EXPECT_TRUE(std::isnan(out[3 * 256]));
}

TEST(NormRow, ShowsANanInItsWholeRowAndKeepsThePaddingZero) {
  const auto device = emulated_device();
  std::vector<float> x = Random(9).uniforms(100);
  x[40] = std::nanf("");
  const std::vector<float> out =
      run_norm_on(*device, x, std::vector<float>(100, 1.0F), {.cols = 100});
  for (std::size_t c = 0; c < 100; ++c) ASSERT_TRUE(std::isnan(out[c]));
  for (std::size_t c = 100; c < 256; ++c) ASSERT_EQ(out[c], 0.0F);
}

TEST(PadRow, CopiesElementsAndFillsUpWithZeros) {
  const auto device = emulated_device();
  std::vector<std::uint16_t> x(2 * 70);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::uint16_t>(i + 1);
  const OnDevice<std::uint16_t> from(*device, x);
  const OnDevice<std::uint16_t> to(*device, std::vector<std::uint16_t>(2 * 128, 0xFFFF));
  PadCall call;
  call.x = from.data();
  call.x_stride = 70;
  call.n = {2, nullptr};
  call.cols = 35;
  call.out = to.data();
  call.out_stride = 128;
  call.padded_cols = 64;
  ASSERT_EQ(run_pad(*device, emulated_row_kernels(), call), Status::kOk);
  const std::vector<std::uint16_t> out = to.read();
  for (std::size_t row = 0; row < 2; ++row) {
    for (std::size_t c = 0; c < 128; ++c) {
      const std::uint16_t expected = c < 35 ? x[row * 70 + c] : c < 64 ? 0 : 0xFFFF;
      ASSERT_EQ(out[row * 128 + c], expected) << row << " " << c;
    }
  }
}

TEST(GateRow, MultipliesTheActivatedGateWithUp) {
  const auto device = emulated_device();
  std::vector<float> gate = Random(10).uniforms(2 * 300, 8.0F);
  gate[0] = -200.0F;
  gate[1] = 200.0F;
  const std::vector<float> up = Random(11).uniforms(2 * 300, 2.0F);
  const OnDevice<float> gates(*device, gate);
  const OnDevice<float> ups(*device, up);
  const OnDevice<std::uint16_t> to(*device, std::vector<std::uint16_t>(2 * 600));
  ASSERT_EQ(run_gate(*device, emulated_row_kernels(),
                     {gates.data(), ups.data(), {2, nullptr}, 300, to.data(), 600}),
            Status::kOk);
  const std::vector<std::uint16_t> out = to.read();
  for (std::size_t i = 0; i < 600; ++i) {
    const double z = static_cast<double>(gate[i]);
    const double expected = z / (1 + std::exp(-z)) * static_cast<double>(up[i]);
    const float actual = bf16_to_f32(out[i / 300 * 600 + i % 300]);
    // A rounding to bf16, and an exponential of 2^-22 whose argument has an error of 2^-24 of
    // itself.
    ASSERT_NEAR(static_cast<double>(actual), expected,
                std::fabs(expected) * (0x1p-8 + 0x1p-19) + 1e-36)
        << z;
  }
}

struct Stats {
  std::vector<float> maximum;
  std::vector<float> sum;
};
Stats stats_of(Device& device, const std::vector<float>& logits, std::size_t count) {
  const OnDevice<float> on_device(device, logits);
  const OnDevice<float> maximum(device, count);
  const OnDevice<float> sum(device, count);
  const auto vocabulary = static_cast<std::uint32_t>(logits.size() / count);
  EXPECT_EQ(run_logit_stats(device, emulated_row_kernels(),
                            {on_device.data(), static_cast<std::uint32_t>(count), vocabulary,
                             maximum.data(), sum.data()}),
            Status::kOk);
  return {maximum.read(), sum.read()};
}

TEST(LogitStatsRow, GivesTheLargestAndTheSum) {
  const auto device = emulated_device();
  for (const std::size_t vocabulary : {1U, 15U, 1000U, 5003U, 40'000U}) {
    const std::vector<float> logits = Random(vocabulary).uniforms(3 * vocabulary, 20.0F);
    const Stats stats = stats_of(*device, logits, 3);
    for (std::size_t row = 0; row < 3; ++row) {
      const float* const from = logits.data() + row * vocabulary;
      const float largest = *std::max_element(from, from + vocabulary);
      double sum = 0;
      for (std::size_t v = 0; v < vocabulary; ++v)
        sum += std::exp(static_cast<double>(from[v]) - static_cast<double>(largest));
      EXPECT_EQ(stats.maximum[row], largest);
      EXPECT_NEAR(std::log(static_cast<double>(stats.sum[row])), std::log(sum), 4e-6) << vocabulary;
    }
  }
}

TEST(LogitStatsRow, ShowsANanWhereverItIs) {
  const auto device = emulated_device();
  for (const std::size_t at : {0U, 1U, 300U, 599U}) {
    std::vector<float> logits = Random(12).uniforms(1200);
    logits[at] = std::nanf("");
    const Stats stats = stats_of(*device, logits, 2);
    EXPECT_TRUE(std::isnan(stats.maximum[0]) && std::isnan(stats.sum[0]));
    EXPECT_FALSE(std::isnan(stats.maximum[1]) || std::isnan(stats.sum[1]));
  }
}

TEST(LogitStatsRow, DependsNeitherOnOtherRowsNorOnTheOrderOfThreads) {
  const std::vector<float> logits = Random(13).uniforms(4 * 777, 10.0F);
  const Stats all = stats_of(*emulated_device(), logits, 4);
  const auto shuffled = emulated_device(5);
  for (std::size_t row = 0; row < 4; ++row) {
    const auto first = logits.begin() + static_cast<std::ptrdiff_t>(row * 777);
    const Stats alone = stats_of(*shuffled, std::vector<float>(first, first + 777), 1);
    EXPECT_EQ(alone.maximum[0], all.maximum[row]);
    EXPECT_EQ(alone.sum[0], all.sum[row]);
  }
}

TEST(EmbedRow, ReadsTheElementsThatProductsAreMadeOf) {
  const auto device = emulated_device();
  for (const Format format : kernels_test::kFormats) {
    for (const bool fp8 : {false, true}) {
      const std::size_t rows = 70;
      const std::size_t cols = 512;
      const kernels_test::Matrix table = kernels_test::make_matrix(format, rows, cols, 3);
      const auto shape = tile_shape(tile_format_of(format, fp8), rows, cols);
      ASSERT_TRUE(shape.has_value());
      std::vector<std::uint8_t> tiles(shape->bytes());
      pack_tiles(*shape, table.source(), 0, shape->row_tiles, tiles.data());
      pack_row_scales(
          *shape, table.source(),
          reinterpret_cast<float*>(tiles.data() + shape->row_tiles * shape->tile_bytes()));
      const OnDevice<std::uint8_t> on_device(*device, tiles);
      const OnDevice<std::int32_t> tokens(*device, std::vector<std::int32_t>{0, 69, 64, 17});
      const OnDevice<float> out(*device, 4 * cols);
      ASSERT_EQ(run_embed(*device, emulated_row_kernels(),
                          {*shape, on_device.data(), tokens.data(), {4, nullptr}, out.data()}),
                Status::kOk);
      const std::vector<float> read = out.read();
      const std::uint32_t asked[] = {0, 69, 64, 17};
      for (std::size_t i = 0; i < 4; ++i) {
        for (std::uint32_t c = 0; c < cols; ++c) {
          ASSERT_EQ(read[i * cols + c], tile_element(*shape, tiles.data(), asked[i], c))
              << tile_format_name(shape->format) << " token " << asked[i] << " column " << c;
        }
      }
    }
  }
}

}  // namespace
}  // namespace kernels::cuda
