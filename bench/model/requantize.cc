#include "bench/model/requantize.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "bench/options.h"
#include "bench/synth/quant_mix.h"
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

// What the rules of a mixture ask of the file's model.
MixedModel mixed_model(const runtime::GgufFile& file) {
  MixedModel model;
  while (file.find_tensor(fmt::format("blk.{}.attn_norm.weight", model.layers)) != nullptr)
    ++model.layers;
  const GgufTensor* queries = file.find_tensor("blk.0.attn_q.weight");
  const GgufTensor* keys = file.find_tensor("blk.0.attn_k.weight");
  if (queries != nullptr && keys != nullptr)
    model.heads_per_kv_head = static_cast<std::uint32_t>(queries->rows() / keys->rows());
  model.tied_output = file.find_tensor("output.weight") == nullptr;
  return model;
}

struct Wanted {
  const QuantMix& mix;
  MixedModel model;

  // Vectors stay as they are.
  kernels::Format format_of(const GgufTensor& tensor) const {
    const bool matrix = tensor.is_matrix() && tensor.rows() > 1;
    return matrix ? mixed_format(mix, model, tensor.name, tensor.cols()) : tensor.format;
  }
};

void convert(const GgufTensor& tensor, kernels::Format format, base::ByteWriter& out) {
  if (format == tensor.format) return out.write_bytes(tensor.data);
  const std::size_t from_bytes = *kernels::row_bytes(tensor.format, tensor.cols());
  std::vector<float> row(tensor.cols());
  std::vector<std::byte> converted(*kernels::row_bytes(format, tensor.cols()));
  for (std::size_t r = 0; r < tensor.rows(); ++r) {
    kernels::dequantize_row(tensor.format, tensor.data.data() + r * from_bytes, tensor.cols(),
                            row.data());
    kernels::quantize_row(format, row.data(), tensor.cols(), converted.data());
    out.write_bytes(converted);
  }
}

void pad(base::ByteWriter& out, std::size_t alignment) {
  while (out.bytes().size() % alignment != 0) out.write(std::uint8_t{0});
}

// The metadata is taken over byte for byte: it lies between the fixed header and the first tensor's
// name.
std::vector<std::byte> rewrite(std::span<const std::byte> bytes, const runtime::GgufFile& file,
                               const Wanted& wanted) {
  constexpr std::size_t kAlignment = 32;
  const auto* first_info =
      reinterpret_cast<const std::byte*>(file.tensors()[0].name.data()) - sizeof(std::uint64_t);
  base::ByteWriter out;
  out.write_bytes(bytes.subspan(0, static_cast<std::size_t>(first_info - bytes.data())));
  std::uint64_t offset = 0;
  for (const GgufTensor& tensor : file.tensors()) {
    const kernels::Format format = wanted.format_of(tensor);
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
    convert(tensor, wanted.format_of(tensor), out);
  }
  pad(out, kAlignment);
  return std::move(out).release();
}

Status requantize(int argc, char** argv) {
  const Options options = TRY(Options::parse(argc, argv, {"--quant"}));
  if (options.arguments().size() != 2)
    return base::invalid_input("an input and an output file are needed");
  const std::string name = options.text("--quant", "Q8_0");
  const QuantMix* mix = find_quant_mix(name);
  if (mix == nullptr)
    return base::invalid_input(fmt::format("there is no format or mixture {}", name));
  const std::string text = TRY(base::read_text_file(options.arguments()[0], kModelBytesMax));
  const auto bytes = std::as_bytes(std::span(text));
  const runtime::GgufFile file = TRY(runtime::GgufFile::parse(bytes));
  if (file.tensors().empty() || bytes.size() < kFixedHeaderBytes)
    return base::invalid_input("the file has no tensors");
  const auto out = rewrite(bytes, file, {*mix, mixed_model(file)});
  return base::replace_file(options.arguments()[1],
                            {reinterpret_cast<const char*>(out.data()), out.size()}, 0644);
}

}  // namespace

int run_requantize(int argc, char** argv) {
  const Status status = requantize(argc, argv);
  if (status.ok()) return 0;
  fmt::print(stderr, "requantize: {}\n", status.error().message);
  return 1;
}

}  // namespace bench
