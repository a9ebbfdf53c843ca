#include "runtime/model/gguf_writer.h"

#include "hardening/base/check.h"
#include "runtime/model/gguf_value.h"

namespace runtime {
namespace {

constexpr std::uint32_t number_of(GgufType type) {
  return static_cast<std::uint32_t>(type);
}

}  // namespace

void GgufWriter::begin(std::string_view key, std::uint32_t type) {
  metadata_.write_string<std::uint64_t>(key);
  metadata_.write(type);
  ++metadata_count_;
}

void GgufWriter::add_uint32(std::string_view key, std::uint32_t value) {
  begin(key, number_of(GgufType::kUint32));
  metadata_.write(value);
}

void GgufWriter::add_float32(std::string_view key, float value) {
  begin(key, number_of(GgufType::kFloat32));
  metadata_.write(value);
}

void GgufWriter::add_bool(std::string_view key, bool value) {
  begin(key, number_of(GgufType::kBool));
  metadata_.write(static_cast<std::uint8_t>(value ? 1 : 0));
}

void GgufWriter::add_string(std::string_view key, std::string_view value) {
  begin(key, number_of(GgufType::kString));
  metadata_.write_string<std::uint64_t>(value);
}

void GgufWriter::add_strings(std::string_view key, std::span<const std::string> values) {
  begin(key, number_of(GgufType::kArray));
  metadata_.write(number_of(GgufType::kString));
  metadata_.write(std::uint64_t{values.size()});
  for (const std::string& value : values) metadata_.write_string<std::uint64_t>(value);
}

void GgufWriter::add_floats(std::string_view key, std::span<const float> values) {
  begin(key, number_of(GgufType::kArray));
  metadata_.write(number_of(GgufType::kFloat32));
  metadata_.write(std::uint64_t{values.size()});
  metadata_.write_bytes(std::as_bytes(values));
}

void GgufWriter::add_int32s(std::string_view key, std::span<const std::int32_t> values) {
  begin(key, number_of(GgufType::kArray));
  metadata_.write(number_of(GgufType::kInt32));
  metadata_.write(std::uint64_t{values.size()});
  metadata_.write_bytes(std::as_bytes(values));
}

void GgufWriter::add_tensor(std::string_view name, kernels::Format format, std::size_t rows,
                            std::size_t cols) {
  const auto row = kernels::row_bytes(format, cols);
  CHECK(row.has_value());
  tensors_.write_string<std::uint64_t>(name);
  tensors_.write(std::uint32_t{rows == 0 ? 1u : 2u});
  tensors_.write(std::uint64_t{cols});
  if (rows != 0) tensors_.write(std::uint64_t{rows});
  tensors_.write(static_cast<std::uint32_t>(format));
  tensors_.write(next_offset_);
  ++tensor_count_;
  const std::size_t bytes = *row * (rows == 0 ? 1 : rows);
  next_offset_ += bytes + padding_after(bytes);
}

std::vector<std::byte> GgufWriter::header() const {
  base::ByteWriter out;
  out.write_bytes(std::as_bytes(std::span("GGUF", 4)));
  out.write(std::uint32_t{3});
  out.write(tensor_count_);
  out.write(metadata_count_);
  out.write_bytes(metadata_.bytes());
  out.write_bytes(tensors_.bytes());
  const std::vector<std::byte> padding(padding_after(out.bytes().size()));
  out.write_bytes(padding);
  return std::move(out).release();
}

}  // namespace runtime
