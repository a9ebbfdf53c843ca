#include "bench/model/requantize.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "bench/options.h"
#include "hardening/base/byte_reader.h"
#include "hardening/base/file.h"
#include "kernels/dequantize.h"
#include "kernels/format.h"
#include "kernels/quantize.h"
#include "runtime/model/gguf.h"

namespace bench {
namespace {

using base::Result;
using base::Status;
using runtime::GgufTensor;

constexpr std::size_t kFixedHeaderBytes = 24;  // magic, version, tensor count, metadata count
constexpr std::size_t kModelBytesMax = std::size_t{1} << 32;

Result<kernels::Format> find_format_named(std::string_view name) {
  for (std::uint32_t type = 0; type < 64; ++type) {
    const kernels::FormatInfo* info = kernels::find_format(type);
    if (info != nullptr && info->name == name) return info->format;
  }
  return base::unsupported(fmt::format("no format {}", name));
}

// Matrices take the new format where their columns allow; vectors stay as they are.
kernels::Format target_format(const GgufTensor& tensor, kernels::Format wanted) {
  const bool matrix = tensor.is_matrix() && tensor.rows() > 1;
  return matrix && kernels::row_bytes(wanted, tensor.cols()) ? wanted : tensor.format;
}

void convert(const GgufTensor& tensor, kernels::Format format, base::ByteWriter& out) {
  if (format == tensor.format) return out.write_bytes(tensor.data);
  const std::size_t from_bytes = *kernels::row_bytes(tensor.format, tensor.cols());
  std::vector<float> row(tensor.cols());
  std::vector<std::byte> converted(*kernels::row_bytes(format, tensor.cols()));
  for (std::size_t r = 0; r < tensor.rows(); ++r) {
    kernels::dequantize_row(tensor.format, tensor.data.data() + r * from_bytes, tensor.cols(), row.data());
    kernels::quantize_row(format, row.data(), tensor.cols(), converted.data());
    out.write_bytes(converted);
  }
}

void pad(base::ByteWriter& out, std::size_t alignment) {
  while (out.bytes().size() % alignment != 0) out.write(std::uint8_t{0});
}

// The metadata is taken over byte for byte: it lies between the fixed header and the first tensor's name.
std::vector<std::byte> rewrite(std::span<const std::byte> bytes, const runtime::GgufFile& file,
                               kernels::Format wanted) {
  constexpr std::size_t kAlignment = 32;
  const auto* first_info = reinterpret_cast<const std::byte*>(file.tensors()[0].name.data()) - sizeof(std::uint64_t);
  base::ByteWriter out;
  out.write_bytes(bytes.subspan(0, static_cast<std::size_t>(first_info - bytes.data())));
  std::uint64_t offset = 0;
  for (const GgufTensor& tensor : file.tensors()) {
    const kernels::Format format = target_format(tensor, wanted);
    const std::uint32_t dimensions = tensor.rows() > 1 ? 2 : 1;
    out.write_string<std::uint64_t>(tensor.name);
    out.write(dimensions);
    for (std::uint32_t d = 0; d < dimensions; ++d) out.write<std::uint64_t>(tensor.dimensions[d]);
    out.write(static_cast<std::uint32_t>(format));
    out.write(offset);
    const std::size_t size = *kernels::row_bytes(format, tensor.cols()) * tensor.rows();
    offset += (size + kAlignment - 1) / kAlignment * kAlignment;
  }
  for (const GgufTensor& tensor : file.tensors()) {
    pad(out, kAlignment);
    convert(tensor, target_format(tensor, wanted), out);
  }
  pad(out, kAlignment);
  return std::move(out).release();
}

Status requantize(int argc, char** argv) {
  const Options options = TRY(Options::parse(argc, argv, {"--quant"}));
  if (options.arguments().size() != 2) return base::invalid_input("an input and an output file are needed");
  const kernels::Format wanted = TRY(find_format_named(options.text("--quant", "Q8_0")));
  const std::string text = TRY(base::read_text_file(options.arguments()[0], kModelBytesMax));
  const auto bytes = std::as_bytes(std::span(text));
  const runtime::GgufFile file = TRY(runtime::GgufFile::parse(bytes));
  if (file.tensors().empty() || bytes.size() < kFixedHeaderBytes) return base::invalid_input("the file has no tensors");
  const auto out = rewrite(bytes, file, wanted);
  return base::replace_file(options.arguments()[1], {reinterpret_cast<const char*>(out.data()), out.size()}, 0644);
}

}  // namespace

int run_requantize(int argc, char** argv) {
  const Status status = requantize(argc, argv);
  if (status.ok()) return 0;
  fmt::print(stderr, "requantize: {}\n", status.error().message);
  return 1;
}

}  // namespace bench
