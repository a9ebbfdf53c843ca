#include "kernels/quantize.h"

#include <cstring>

#include "kernels/check.h"
#include "kernels/formats/all.h"
#include "kernels/half.h"

namespace kernels {
namespace {

void quantize_block(Format format, const float* x, std::uint8_t* block) {
  switch (format) {
#define KERNELS_QUANTIZE(name, id, elements, bytes) \
  case Format::k##name:                             \
    return formats::name::quantize(x, block);
    KERNELS_BLOCK_FORMATS(KERNELS_QUANTIZE)
#undef KERNELS_QUANTIZE
    case Format::kF32:
      std::memcpy(block, x, sizeof(float));
      return;
    case Format::kF16:
    case Format::kBF16: {
      const std::uint16_t bits = format == Format::kF16 ? f32_to_f16(*x) : f32_to_bf16(*x);
      std::memcpy(block, &bits, sizeof bits);
      return;
    }
  }
}

}  // namespace

void quantize_row(Format format, const float* x, std::size_t cols, void* row) {
  KERNELS_CHECK(row_bytes(format, cols).has_value());
  const FormatInfo& info = format_info(format);
  auto* block = static_cast<std::uint8_t*>(row);
  for (std::size_t at = 0; at < cols; at += info.block_elements) {
    quantize_block(format, x + at, block);
    block += info.block_bytes;
  }
}

}  // namespace kernels
