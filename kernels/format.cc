#include "kernels/format.h"

#include <array>

namespace kernels {
namespace {

constexpr std::array<FormatInfo, 8> kFormats{{
    {Format::kF32, "F32", 1, 4},
    {Format::kF16, "F16", 1, 2},
    {Format::kQ4_0, "Q4_0", 32, 18},
    {Format::kQ8_0, "Q8_0", 32, 34},
    {Format::kQ4_K, "Q4_K", 256, 144},
    {Format::kQ5_K, "Q5_K", 256, 176},
    {Format::kQ6_K, "Q6_K", 256, 210},
    {Format::kBF16, "BF16", 1, 2},
}};

}  // namespace

const FormatInfo* find_format(std::uint32_t gguf_type) {
  for (const FormatInfo& info : kFormats) {
    if (static_cast<std::uint32_t>(info.format) == gguf_type) return &info;
  }
  return nullptr;
}

const FormatInfo& format_info(Format format) { return *find_format(static_cast<std::uint32_t>(format)); }

std::optional<std::size_t> row_bytes(Format format, std::size_t cols) {
  const FormatInfo& info = format_info(format);
  if (cols == 0 || cols % info.block_elements != 0) return std::nullopt;
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(cols / info.block_elements, info.block_bytes, &bytes)) return std::nullopt;
  return bytes;
}

}  // namespace kernels
