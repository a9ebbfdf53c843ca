// Writes GGUF version 3: for synthetic models and tests. Makes a file's header; the tensors' data
// follow it, in the order they were added, each padded to the alignment.
#ifndef RUNTIME_MODEL_GGUF_WRITER_H_
#define RUNTIME_MODEL_GGUF_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/byte_reader.h"
#include "kernels/format.h"

namespace runtime {

class GgufWriter {
 public:
  static constexpr std::size_t kAlignment = 32;

  // Metadata. Nothing is checked: tests write nonsense through this, too.
  void add_uint32(std::string_view key, std::uint32_t value);
  void add_float32(std::string_view key, float value);
  void add_bool(std::string_view key, bool value);
  void add_string(std::string_view key, std::string_view value);
  void add_strings(std::string_view key, std::span<const std::string> values);
  void add_floats(std::string_view key, std::span<const float> values);
  void add_int32s(std::string_view key, std::span<const std::int32_t> values);

  // A tensor of rows by cols; a vector when rows is 0. Requires cols to suit the format.
  void add_tensor(std::string_view name, kernels::Format format, std::size_t rows,
                  std::size_t cols);

  // Everything before the first tensor's data, padded.
  std::vector<std::byte> header() const;
  // The zero bytes to write after a tensor's `bytes`.
  static std::size_t padding_after(std::size_t bytes) {
    return (kAlignment - bytes % kAlignment) % kAlignment;
  }

 private:
  void begin(std::string_view key, std::uint32_t type);

  base::ByteWriter metadata_;
  base::ByteWriter tensors_;
  std::uint64_t metadata_count_ = 0;
  std::uint64_t tensor_count_ = 0;
  std::uint64_t next_offset_ = 0;
};

}  // namespace runtime

#endif  // RUNTIME_MODEL_GGUF_WRITER_H_
