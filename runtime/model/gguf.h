// A bounded reader of GGUF, versions 2 and 3, little-endian: the container of model files.
//
//   magic "GGUF", u32 version, u64 tensor count, u64 metadata count
//   metadata:     string key, u32 type, value                      (gguf_value.h)
//   tensor infos: string name, u32 n, u64 dimensions[n], u32 type, u64 offset
//   padding to general.alignment, then the tensors' data, each at its offset from there
//
// (ggml, docs/gguf.md.) What parse() accepts is true of the file: each tensor has a format we read,
// lies inside the file, aligned, and shares no byte with another; keys and names are unique
// printable ASCII.
#ifndef RUNTIME_MODEL_GGUF_H_
#define RUNTIME_MODEL_GGUF_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "hardening/base/byte_reader.h"
#include "hardening/base/result.h"
#include "kernels/format.h"
#include "runtime/model/gguf_value.h"

namespace runtime {

struct GgufEntry {
  std::string_view key;
  GgufValue value;
};

struct GgufTensor {
  std::string_view name;
  kernels::Format format = kernels::Format::kF32;
  std::array<std::size_t, 4> dimensions{
      1, 1, 1, 1};  // the fastest first: {columns, rows, …}; unused ones are 1
  std::size_t file_offset = 0;
  std::size_t bytes = 0;            // of its data
  std::span<const std::byte> data;  // empty where only the file's head was read

  std::size_t cols() const { return dimensions[0]; }
  std::size_t rows() const { return dimensions[1]; }
  // No more than two dimensions, as every tensor of a dense transformer.
  bool is_matrix() const { return dimensions[2] == 1 && dimensions[3] == 1; }
};

// Borrows the file's bytes, which outlive it.
class GgufFile {
 public:
  // kInvalidInput: malformed; kExhausted: beyond limits.h; kUnsupported: well-formed but not read
  // here. The message names the field or tensor, its value and the limit.
  static base::Result<GgufFile> parse(std::span<const std::byte> bytes);
  // The same of a file of which only the head is here: the first head_bytes() bytes of
  // `file_bytes`. Its tensors have no data.
  static base::Result<GgufFile> parse_head(std::span<const std::byte> head, std::size_t file_bytes);

  std::uint32_t version() const { return version_; }
  std::size_t file_bytes() const { return file_bytes_; }
  // Everything before the tensors' data, and the padding in front of these.
  std::size_t head_bytes() const { return head_bytes_; }

  // In the order of the file.
  std::span<const GgufEntry> entries() const { return entries_; }
  std::span<const GgufTensor> tensors() const { return tensors_; }

  // By name, or null.
  const GgufValue* find(std::string_view key) const;
  const GgufTensor* find_tensor(std::string_view name) const;

 private:
  static base::Result<GgufFile> parse(std::span<const std::byte> bytes, std::size_t file_bytes);
  base::Status read_entries(base::ByteReader& reader, std::uint64_t count);
  base::Status read_tensor_infos(base::ByteReader& reader, std::uint64_t count);
  base::Result<std::uint32_t> alignment() const;
  base::Status place_tensors(std::size_t data_start, std::size_t alignment);
  base::Status refuse_overlap() const;

  std::span<const std::byte> bytes_;  // the file, or its head
  std::size_t file_bytes_ = 0;
  std::size_t head_bytes_ = 0;
  std::uint32_t version_ = 0;
  std::vector<GgufEntry> entries_;
  std::vector<GgufTensor> tensors_;
  std::vector<std::uint32_t> entries_by_key_;   // indexes into entries_
  std::vector<std::uint32_t> tensors_by_name_;  // indexes into tensors_
};

}  // namespace runtime

#endif  // RUNTIME_MODEL_GGUF_H_
