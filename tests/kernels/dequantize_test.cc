// Reading and writing weight formats against vectors made by GGUF's own package
// (tests/vectors/kernels).
#include "kernels/dequantize.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "kernels/quantize.h"
#include "tests/kernels/samples.h"

namespace kernels_test {
namespace {

using kernels::Format;

constexpr std::size_t kRows = 4;
constexpr std::size_t kCols = 256;

std::vector<std::uint8_t> read_vector(const std::string& name) {
  const std::string path = "tests/vectors/kernels/" + name;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  EXPECT_NE(file, nullptr) << path;
  if (file == nullptr) return {};
  std::vector<std::uint8_t> bytes(1 << 16);
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
  EXPECT_EQ(std::fclose(file), 0);
  return bytes;
}

std::vector<float> read_floats(const std::string& name) {
  const std::vector<std::uint8_t> bytes = read_vector(name);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

TEST(Dequantize, GivesTheBitsOfGgufForEveryBlockFormat) {
  for (const kernels::FormatInfo& info : kernels::all_formats()) {
    const Format format = info.format;
    if (info.block_elements == 1) continue;
    const std::string name(info.name);
    const std::vector<std::uint8_t> rows = read_vector(name + ".bin");
    const std::vector<float> expected = read_floats(name + ".f32");
    const std::size_t row_bytes = kernels::row_bytes(format, kCols).value();
    ASSERT_EQ(rows.size(), kRows * row_bytes) << name;
    ASSERT_EQ(expected.size(), kRows * kCols) << name;
    std::vector<float> actual(kCols);
    for (std::size_t r = 0; r < kRows; ++r) {
      kernels::dequantize_row(format, rows.data() + r * row_bytes, kCols, actual.data());
      for (std::size_t c = 0; c < kCols; ++c)
        ASSERT_EQ(std::bit_cast<std::uint32_t>(actual[c]),
                  std::bit_cast<std::uint32_t>(expected[r * kCols + c]))
            << name << " " << r << " " << c;
    }
  }
}

TEST(Quantize, GivesTheBytesOfGgufWhereItCanWrite) {
  const std::vector<float> input = read_floats("input.f32");
  ASSERT_EQ(input.size(), kRows * kCols);
  for (const Format format :
       {Format::kF16, Format::kBF16, Format::kQ8_0, Format::kQ4_0, Format::kQ4_1, Format::kQ5_0,
        Format::kQ5_1, Format::kTQ1_0, Format::kTQ2_0, Format::kMXFP4}) {
    const std::string name(kernels::format_info(format).name);
    const std::vector<std::uint8_t> expected = read_vector(name + ".quant");
    const std::size_t row_bytes = kernels::row_bytes(format, kCols).value();
    std::vector<std::uint8_t> actual(kRows * row_bytes);
    for (std::size_t r = 0; r < kRows; ++r) {
      kernels::quantize_row(format, input.data() + r * kCols, kCols, actual.data() + r * row_bytes);
    }
    EXPECT_EQ(actual, expected) << name;
  }
}

// The largest error of one element, as a part of the largest magnitude there is: half a step of the
// widest group, what coarse scales add to it, and what the shorter side of an uneven range loses.
TEST(Quantize, StaysWithinAStepOfItsInputWhereGgufCannotWrite) {
  const std::vector<float> input = Random(5).uniforms(1024);
  for (const auto& [format, largest_error] : {std::pair{Format::kQ2_K, 0.5F},
                                              {Format::kQ3_K, 0.27F},
                                              {Format::kQ4_K, 2.0F / 15},
                                              {Format::kQ5_K, 2.0F / 31},
                                              {Format::kQ6_K, 2.0F / 62},
                                              {Format::kIQ4_NL, 0.12F},
                                              {Format::kIQ4_XS, 0.15F}}) {
    std::vector<std::uint8_t> bytes(kernels::row_bytes(format, 1024).value());
    std::vector<float> output(1024);
    kernels::quantize_row(format, input.data(), 1024, bytes.data());
    kernels::dequantize_row(format, bytes.data(), 1024, output.data());
    for (std::size_t i = 0; i < 1024; ++i)
      ASSERT_NEAR(output[i], input[i], largest_error) << kernels::format_info(format).name << i;
  }
}

// -1, 0 and 1 need no more than three codes; the ternary formats and the floats have them exactly.
TEST(Quantize, KeepsThreeValuesApartInEveryFormat) {
  for (const kernels::FormatInfo& info : kernels::all_formats()) {
    std::vector<float> input(256);
    for (std::size_t i = 0; i < 256; ++i) input[i] = i % 3 == 0 ? -1.0F : i % 3 == 1 ? 0.0F : 1.0F;
    std::vector<std::uint8_t> bytes(kernels::row_bytes(info.format, 256).value());
    std::vector<float> output(256);
    kernels::quantize_row(info.format, input.data(), 256, bytes.data());
    kernels::dequantize_row(info.format, bytes.data(), 256, output.data());
    for (std::size_t i = 0; i < 256; ++i) ASSERT_NEAR(output[i], input[i], 0.34F) << info.name << i;
    if (info.name.starts_with("TQ") || info.block_elements == 1) {
      EXPECT_EQ(output, input) << info.name;
    }
  }
}

TEST(Quantize, WritesZerosAsZeros) {
  const std::vector<float> zeros(256);
  for (const kernels::FormatInfo& info : kernels::all_formats()) {
    std::vector<std::uint8_t> bytes(kernels::row_bytes(info.format, 256).value());
    std::vector<float> output(256, 1.0F);
    kernels::quantize_row(info.format, zeros.data(), 256, bytes.data());
    kernels::dequantize_row(info.format, bytes.data(), 256, output.data());
    EXPECT_EQ(output, zeros) << info.name;
  }
}

}  // namespace
}  // namespace kernels_test
