#include "kernels/dequantize.h"

#include <bit>
#include <cstring>

#include "kernels/check.h"
#include "kernels/formats/all.h"
#include "kernels/half.h"

namespace kernels {
namespace {

using formats::ScaleKind;

template <typename Word, float (*kConvert)(Word)>
void convert_row(const std::uint8_t* row, std::size_t cols, float* out) {
  for (std::size_t i = 0; i < cols; ++i) {
    Word word;
    std::memcpy(&word, row + i * sizeof word, sizeof word);
    out[i] = kConvert(word);
  }
}

// 2^(exponent - 128). The two smallest are subnormal: fractions of 2^-126.
float power_of_two(std::uint32_t exponent) {
  return std::bit_cast<float>(exponent < 2 ? 0x00200000U << exponent : (exponent - 1) << 23U);
}

template <typename F>
float value_of(std::uint8_t code) {
  if constexpr (F::kHasTable) return static_cast<float>(F::kTable[code]);
  if constexpr (F::kLowBits == 8) return static_cast<float>(static_cast<std::int8_t>(code));
  return static_cast<float>(code - F::kZero);
}

// The formula of block_codes.h. What a format lacks (a scale of 1, a min of 0) is left out, which
// changes no bit of the result.
template <typename F>
void write_elements(const BlockCodes& codes, float* out) {
  constexpr std::size_t kElements = formats::kBlockElements<F::kScales>;
  constexpr std::size_t kGroup = formats::kGroupElements<F::kScales>;
  constexpr bool kSuperBlock = kElements == 256 && F::kScales != ScaleKind::kSuper;
  const float d = F::kScales == ScaleKind::kE8M0 ? power_of_two(codes.d) : f16_to_f32(codes.d);
  const float dmin = formats::kHasMins<F::kScales> ? f16_to_f32(codes.dmin) : 0;
  for (std::size_t g = 0; g < kElements / kGroup; ++g) {
    const float scale = kSuperBlock ? d * static_cast<float>(codes.scale[g]) : d;
    for (std::size_t e = kGroup * g; e < kGroup * (g + 1); ++e) {
      const float product = scale * value_of<F>(codes.code[e]);
      if constexpr (F::kScales == ScaleKind::kF16Min) {
        out[e] = product + dmin;
      } else if constexpr (formats::kHasMins<F::kScales>) {
        out[e] = product - dmin * static_cast<float>(codes.min[g]);
      } else {
        out[e] = product;
      }
    }
  }
}

}  // namespace

void dequantize_codes(Format format, const BlockCodes& codes, float* out) {
  switch (format) {
#define KERNELS_WRITE(name, id, elements, bytes)                                \
  case Format::k##name:                                                         \
    static_assert(formats::kBlockElements<formats::name::kScales> == elements); \
    return write_elements<formats::name>(codes, out);
    KERNELS_BLOCK_FORMATS(KERNELS_WRITE)
#undef KERNELS_WRITE
    default:
      check_failed(__FILE__, __LINE__, "a format without blocks");
  }
}

void dequantize_row(Format format, const void* row, std::size_t cols, float* out) {
  KERNELS_CHECK(row_bytes(format, cols).has_value());
  const auto* bytes = static_cast<const std::uint8_t*>(row);
  if (format == Format::kF32) {
    std::memcpy(out, bytes, cols * sizeof(float));
    return;
  }
  if (format == Format::kF16) return convert_row<std::uint16_t, f16_to_f32>(bytes, cols, out);
  if (format == Format::kBF16) return convert_row<std::uint16_t, bf16_to_f32>(bytes, cols, out);

  const FormatInfo& info = format_info(format);
  BlockCodes codes;
  for (std::size_t at = 0; at < cols; at += info.block_elements) {
    read_block(format, bytes, &codes);
    dequantize_codes(format, codes, out + at);
    bytes += info.block_bytes;
  }
}

}  // namespace kernels
