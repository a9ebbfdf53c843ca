// The block formats weights come in, as GGUF defines and numbers them (ggml type ids).
#ifndef KERNELS_FORMAT_H_
#define KERNELS_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kernels {

// The values are those of GGUF's tensor info field "type".
enum class Format : std::uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ8_0 = 8,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kBF16 = 30,
};

struct FormatInfo {
  Format format;
  std::string_view name;       // as GGUF tools write it: "Q4_K"
  std::size_t block_elements;  // elements of one row that share a block: 1, 32 or 256
  std::size_t block_bytes;
};

// What is known of a GGUF type id, or nothing when no kernel of ours reads it. Static lifetime.
const FormatInfo* find_format(std::uint32_t gguf_type);
const FormatInfo& format_info(Format format);

// Bytes of one row of `cols` elements; nothing when cols is not a positive multiple of the block or overflows.
std::optional<std::size_t> row_bytes(Format format, std::size_t cols);

}  // namespace kernels

#endif  // KERNELS_FORMAT_H_
