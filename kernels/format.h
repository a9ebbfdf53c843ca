// The block formats weights come in, as GGUF defines and numbers them (ggml type ids).
#ifndef KERNELS_FORMAT_H_
#define KERNELS_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernels/formats/list.h"

namespace kernels {

// kF32, kQ4_K, …: the values are those of GGUF's tensor info field "type".
enum class Format : std::uint32_t {
#define KERNELS_ENUMERATOR(name, id, elements, bytes) k##name = id,
  KERNELS_FLOAT_FORMATS(KERNELS_ENUMERATOR) KERNELS_BLOCK_FORMATS(KERNELS_ENUMERATOR)
#undef KERNELS_ENUMERATOR
};

struct FormatInfo {
  Format format;
  std::string_view name;       // as GGUF tools write it: "Q4_K"
  std::size_t block_elements;  // elements of one row that share a block: 1, 32 or 256
  std::size_t block_bytes;
};

// All formats, in the order of the list. Static lifetime.
std::span<const FormatInfo> all_formats();

// What is known of a GGUF type id, or of a name, or nothing when no kernel of ours reads it. Static
// lifetime.
const FormatInfo* find_format(std::uint32_t gguf_type);
const FormatInfo* find_format(std::string_view name);
const FormatInfo& format_info(Format format);

// Bytes of one row of `cols` elements; nothing when cols is not a positive multiple of the block or
// overflows.
std::optional<std::size_t> row_bytes(Format format, std::size_t cols);

}  // namespace kernels

#endif  // KERNELS_FORMAT_H_
