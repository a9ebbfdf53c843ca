#include "kernels/dequantize.h"

#include <cstring>

#include "kernels/check.h"
#include "kernels/half.h"

namespace kernels {
namespace {

template <typename Word, float (*kConvert)(Word)>
void convert_row(const std::uint8_t* row, std::size_t cols, float* out) {
  for (std::size_t i = 0; i < cols; ++i) {
    Word word;
    std::memcpy(&word, row + i * sizeof word, sizeof word);
    out[i] = kConvert(word);
  }
}

}  // namespace

void dequantize_codes(Format format, const BlockCodes& codes, float* out) {
  const float d = f16_to_f32(codes.d);
  if (format == Format::kQ4_0) {
    for (unsigned e = 0; e < 32; ++e) out[e] = d * static_cast<float>(codes.code[e] - 8);
  } else if (format == Format::kQ8_0) {
    for (unsigned e = 0; e < 32; ++e)
      out[e] = d * static_cast<float>(static_cast<std::int8_t>(codes.code[e]));
  } else if (format == Format::kQ6_K) {
    for (unsigned e = 0; e < 256; ++e) {
      out[e] = d * static_cast<float>(codes.scale[e / 16]) * static_cast<float>(codes.code[e] - 32);
    }
  } else {
    const float dmin = f16_to_f32(codes.dmin);
    for (unsigned e = 0; e < 256; ++e) {
      const float scale = d * static_cast<float>(codes.scale[e / 32]);
      const float min = dmin * static_cast<float>(codes.min[e / 32]);
      out[e] = scale * static_cast<float>(codes.code[e]) - min;
    }
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
