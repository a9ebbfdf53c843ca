#include "kernels/format.h"

namespace kernels {
namespace {

constexpr FormatInfo kFormats[] = {
#define KERNELS_INFO(name, id, elements, bytes) {Format::k##name, #name, elements, bytes},
    KERNELS_FLOAT_FORMATS(KERNELS_INFO) KERNELS_BLOCK_FORMATS(KERNELS_INFO)
#undef KERNELS_INFO
};

}  // namespace

std::span<const FormatInfo> all_formats() {
  return kFormats;
}

const FormatInfo* find_format(std::uint32_t gguf_type) {
  for (const FormatInfo& info : kFormats) {
    if (static_cast<std::uint32_t>(info.format) == gguf_type) return &info;
  }
  return nullptr;
}

const FormatInfo* find_format(std::string_view name) {
  for (const FormatInfo& info : kFormats) {
    if (info.name == name) return &info;
  }
  return nullptr;
}

const FormatInfo& format_info(Format format) {
  return *find_format(static_cast<std::uint32_t>(format));
}

std::optional<std::size_t> row_bytes(Format format, std::size_t cols) {
  const FormatInfo& info = format_info(format);
  if (cols == 0 || cols % info.block_elements != 0) return std::nullopt;
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(cols / info.block_elements, info.block_bytes, &bytes))
    return std::nullopt;
  return bytes;
}

}  // namespace kernels
