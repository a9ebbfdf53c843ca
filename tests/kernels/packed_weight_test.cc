// Panels: every format goes in and comes back with its bits, and lies where the layout says.
#include "kernels/cpu/packed_weight.h"

#include <gtest/gtest.h>

#include <cstring>

#include "kernels/block_codes.h"
#include "kernels/dequantize.h"
#include "kernels/formats/all.h"
#include "tests/kernels/samples.h"

namespace kernels_test {
namespace {

using kernels::Format;
using kernels::cpu::PackedWeight;

// A matrix of bytes that nobody checked: every code and scale occurs, infinities and NaN, too.
std::vector<std::uint8_t> random_bytes(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::uint8_t> bytes(count);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.next() >> 56U);
  return bytes;
}

// `data` of the result points into `panels`.
PackedWeight pack(const kernels::WeightSource& source, std::vector<std::uint8_t>* panels) {
  PackedWeight weight = kernels::cpu::plan_weight(source.format, source.rows, source.cols).value();
  panels->assign(weight.panels * weight.panel_bytes, 0);
  for (std::size_t p = 0; p < weight.panels; ++p)
    kernels::cpu::pack_panel(weight, source, p, panels->data() + p * weight.panel_bytes);
  weight.data = panels->data();
  return weight;
}

TEST(PackedWeight, GivesBackTheBitsOfEveryRowOfEveryFormat) {
  for (const kernels::FormatInfo& info : kernels::all_formats()) {
    for (const std::size_t rows : {1U, 16U, 37U}) {
      const std::size_t cols = 768;
      const std::size_t row_bytes = kernels::row_bytes(info.format, cols).value();
      const std::vector<std::uint8_t> bytes = random_bytes(rows * row_bytes, rows);
      std::vector<std::uint8_t> panels;
      const PackedWeight weight = pack({info.format, rows, cols, bytes.data()}, &panels);
      std::vector<float> expected(cols);
      std::vector<float> actual(cols);
      for (std::size_t r = 0; r < rows; ++r) {
        kernels::dequantize_row(info.format, bytes.data() + r * row_bytes, cols, expected.data());
        kernels::cpu::unpack_row(weight, r, actual.data());
        ASSERT_EQ(0, std::memcmp(actual.data(), expected.data(), cols * sizeof(float)))
            << info.name << " row " << r << " of " << rows;
      }
    }
  }
}

// Packed bytes outlive the program that wrote them: when this fails and the new bytes are meant,
// kPackedLayout goes up with the number below.
TEST(PackedWeight, WritesTheBytesOfItsLayoutNumber) {
  std::uint64_t hash = 14695981039346656037U;  // FNV-1a
  for (const kernels::FormatInfo& info : kernels::all_formats()) {
    const std::size_t row_bytes = kernels::row_bytes(info.format, 512).value();
    const std::vector<std::uint8_t> bytes = random_bytes(21 * row_bytes, 7);
    std::vector<std::uint8_t> panels;
    pack({info.format, 21, 512, bytes.data()}, &panels);
    for (const std::uint8_t byte : panels) hash = (hash ^ byte) * 1099511628211U;
  }
  EXPECT_EQ(kernels::cpu::kPackedLayout, 1U);
  EXPECT_EQ(hash, 8987231630473424326U);
}

TEST(PackedWeight, LeavesTheRowsPastTheLastAsZeros) {
  for (const kernels::FormatInfo& info : kernels::all_formats()) {
    const std::size_t row_bytes = kernels::row_bytes(info.format, 256).value();
    const std::vector<std::uint8_t> bytes = random_bytes(3 * row_bytes, 1);
    std::vector<std::uint8_t> panels;
    const PackedWeight weight = pack({info.format, 3, 256, bytes.data()}, &panels);
    std::vector<float> actual(256, 1.0F);
    kernels::cpu::unpack_row(weight, 3, actual.data());
    for (const float value : actual) ASSERT_EQ(value, 0.0F) << info.name;
  }
}

// Bits `count` of element e, as packed_weight.h tells where they are: which k-groups share a byte,
// and in which order.
unsigned low_bits_at(const std::uint8_t* part, unsigned count, std::size_t e, std::size_t lane) {
  const std::size_t group = e % 32 / 4;
  const std::size_t vector = count == 8 ? group : group % count;
  const std::size_t field = group / (count == 8 ? 8 : count);
  const std::uint8_t byte = part[64 * (count * (e / 32) + vector) + 4 * lane + e % 4];
  return (unsigned{byte} >> (count * field)) & ((1U << count) - 1U);
}

unsigned upper_bits_at(const std::uint8_t* part, unsigned count, std::size_t e, std::size_t lane) {
  const std::size_t group = e % 32 / 4;
  const std::size_t vector = count == 1 ? 0 : group / 4;
  const std::size_t field = count == 1 ? group : group % 4;
  const std::uint8_t byte = part[64 * (count * (e / 32) + vector) + 4 * lane + e % 4];
  return (unsigned{byte} >> (count * field)) & ((1U << count) - 1U);
}

template <typename F>
void expect_codes_in_place() {
  const kernels::FormatInfo& info = kernels::format_info(F::kFormat);
  const std::size_t row_bytes = kernels::row_bytes(F::kFormat, 512).value();
  const std::vector<std::uint8_t> bytes = random_bytes(16 * row_bytes, 7);
  std::vector<std::uint8_t> panel;
  const PackedWeight weight = pack({F::kFormat, 16, 512, bytes.data()}, &panel);
  ASSERT_EQ(weight.upper_offset, 512U * 16 * F::kLowBits / 8) << info.name;
  ASSERT_EQ(weight.scale_offset - weight.upper_offset, 512U * 16 * F::kUpperBits / 8) << info.name;
  kernels::BlockCodes codes;
  for (std::size_t lane = 0; lane < 16; ++lane) {
    for (std::size_t e = 0; e < 512; ++e) {
      const std::size_t block = e / info.block_elements;
      F::read(bytes.data() + lane * row_bytes + block * info.block_bytes, &codes);
      unsigned code = low_bits_at(panel.data(), F::kLowBits, e, lane);
      if (F::kUpperBits > 0) {
        code |= upper_bits_at(panel.data() + weight.upper_offset, F::kUpperBits, e, lane)
                << F::kLowBits;
      }
      ASSERT_EQ(code, codes.code[e % info.block_elements]) << info.name << " " << lane << " " << e;
    }
  }
}

TEST(PackedWeight, PutsTheBitsOfEveryCodeWhereTheLayoutSays) {
#define EXPECT_IN_PLACE(name, id, elements, bytes) expect_codes_in_place<kernels::formats::name>();
  KERNELS_BLOCK_FORMATS(EXPECT_IN_PLACE)
#undef EXPECT_IN_PLACE
}

// Row 5 of 16 rows of one format: where its scales lie after those of d.
struct ScalePlace {
  Format format;
  std::size_t bytes;       // per block of the format
  std::size_t scale_byte;  // of group 1 and row 5, from the block's first
  std::size_t min_byte;    // the same, or 0
};

TEST(PackedWeight, PutsScalesAndMinsWhereTheirKindSays) {
  for (const ScalePlace& place : {ScalePlace{Format::kQ4_K, 320, 64 + 32 + 5, 64 + 48 + 5},
                                  ScalePlace{Format::kQ5_K, 320, 64 + 32 + 5, 64 + 48 + 5},
                                  ScalePlace{Format::kQ6_K, 288, 32 + 16 + 5, 0},
                                  ScalePlace{Format::kQ3_K, 288, 32 + 16 + 5, 0},
                                  ScalePlace{Format::kIQ4_XS, 160, 32 + 16 + 5, 0}}) {
    const kernels::FormatInfo& info = kernels::format_info(place.format);
    const std::vector<std::uint8_t> bytes = random_bytes(16 * 2 * info.block_bytes, 9);
    std::vector<std::uint8_t> panel;
    const PackedWeight weight = pack({place.format, 16, 512, bytes.data()}, &panel);
    EXPECT_EQ(weight.panel_bytes - weight.scale_offset, (2 * place.bytes + 63) / 64 * 64);
    kernels::BlockCodes codes;
    kernels::read_block(place.format, bytes.data() + (5 * 2 + 1) * info.block_bytes, &codes);
    const std::uint8_t* second = panel.data() + weight.scale_offset + place.bytes;
    EXPECT_EQ(static_cast<std::int8_t>(second[place.scale_byte]), codes.scale[1]) << info.name;
    if (place.min_byte != 0) {
      EXPECT_EQ(second[place.min_byte], codes.min[1]) << info.name;
    }
    EXPECT_EQ(second[2 * 5] | second[2 * 5 + 1] << 8, codes.d) << info.name;
  }
}

TEST(PackedWeight, KeepsScaleAndMinOfQ2KInOneByte) {
  const std::vector<std::uint8_t> bytes = random_bytes(16 * 84, 3);
  std::vector<std::uint8_t> panel;
  const PackedWeight weight = pack({Format::kQ2_K, 16, 256, bytes.data()}, &panel);
  const std::uint8_t* scales = panel.data() + weight.scale_offset;
  for (std::size_t g = 0; g < 16; ++g) EXPECT_EQ(scales[64 + 16 * g + 11], bytes[11 * 84 + g]);
  EXPECT_EQ(0, std::memcmp(scales + 2 * 11, bytes.data() + 11 * 84 + 80, 2));
  EXPECT_EQ(0, std::memcmp(scales + 32 + 2 * 11, bytes.data() + 11 * 84 + 82, 2));
}

TEST(PackedWeight, KeepsTheScalesOfShortBlocksAsTheFileHasThem) {
  for (const Format format : {Format::kQ4_0, Format::kQ5_0, Format::kQ8_0, Format::kIQ4_NL,
                              Format::kQ4_1, Format::kQ5_1, Format::kMXFP4}) {
    const kernels::FormatInfo& info = kernels::format_info(format);
    const bool min = format == Format::kQ4_1 || format == Format::kQ5_1;
    const std::size_t value_bytes = format == Format::kMXFP4 ? 1 : 2;
    const std::size_t per_block = 16 * value_bytes * (min ? 2 : 1);
    const std::vector<std::uint8_t> bytes = random_bytes(16 * 8 * info.block_bytes, 4);
    std::vector<std::uint8_t> panel;
    const PackedWeight weight = pack({format, 16, 256, bytes.data()}, &panel);
    const std::uint8_t* file = bytes.data() + (9 * 8 + 3) * info.block_bytes;  // row 9, block 3
    const std::uint8_t* scales = panel.data() + weight.scale_offset + 3 * per_block;
    EXPECT_EQ(0, std::memcmp(scales + 9 * value_bytes, file, value_bytes)) << info.name;
    if (min) {
      EXPECT_EQ(0, std::memcmp(scales + 32 + 9 * 2, file + 2, 2)) << info.name;
    }
  }
}

TEST(PackedWeight, RefusesShapesItCannotCount) {
  EXPECT_FALSE(kernels::cpu::plan_weight(Format::kQ2_K, 4, 128).has_value());
  EXPECT_FALSE(kernels::cpu::plan_weight(Format::kMXFP4, 4, 48).has_value());
  EXPECT_FALSE(kernels::cpu::plan_weight(Format::kQ8_0, 0, 32).has_value());
  EXPECT_FALSE(kernels::cpu::plan_weight(Format::kQ8_0, std::size_t{1} << 40U, 32).has_value());
}

}  // namespace
}  // namespace kernels_test
