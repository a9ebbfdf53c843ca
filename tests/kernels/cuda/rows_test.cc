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
