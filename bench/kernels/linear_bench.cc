// Linear operations by weight format, on the matrices of small models.
#include <fmt/format.h>

#include <cmath>

#include "bench/kernels/call_time.h"
#include "bench/kernels/kernel_bench.h"
#include "bench/synth/random_blocks.h"
#include "kernels/dequantize.h"

namespace bench {
namespace {

using base::Result;
using base::Status;
using kernels::Format;

struct Shape {
  std::size_t rows;
  std::size_t cols;
};
// Up and down matrices of qwen2.5-0.5b and llama-3.2-1b. 896 columns hold no block of 256.
constexpr Shape kShapes[] = {{4864, 896}, {896, 4864}, {8192, 2048}, {2048, 8192}};
constexpr std::size_t kRowCounts[] = {1, 8, 16, 512};
constexpr std::size_t kMemoryBound = 1;  // rows: more are held against arithmetic
constexpr std::uint32_t kTypesMax = 64;  // GGUF's numbers are below
constexpr std::size_t kChecked = 16;

std::vector<std::byte> make_weights(Format format, const Shape& shape) {
  const std::size_t row_bytes = *kernels::row_bytes(format, shape.cols);
  std::vector<std::byte> bytes(shape.rows * row_bytes);
  for (std::size_t r = 0; r < shape.rows; ++r) {
    fill_random_row(format, shape.cols, 0.02F, r,
                    std::span(bytes).subspan(r * row_bytes, row_bytes));
  }
  return bytes;
}

// What the first outputs of the first row must be, near enough to notice a kernel that computes
// something else.
bool is_right(Format format, const Shape& shape, const std::vector<std::byte>& bytes,
              const float* x, const float* out) {
  const std::size_t row_bytes = *kernels::row_bytes(format, shape.cols);
  std::vector<float> row(shape.cols);
  for (std::size_t r = 0; r < kChecked; ++r) {
    kernels::dequantize_row(format, bytes.data() + r * row_bytes, shape.cols, row.data());
    double sum = 0;
    double magnitude = 0;
    for (std::size_t c = 0; c < shape.cols; ++c) {
      const double product = static_cast<double>(row[c]) * static_cast<double>(x[c]);
      sum += product;
      magnitude += std::fabs(product);
    }
    if (std::fabs(sum - static_cast<double>(out[r])) > 0.01 * magnitude) return false;
  }
  return true;
}

Result<std::vector<std::unique_ptr<kernels::Weight>>> load_copies(
    kernels::Ops& ops, Format format, const Shape& shape, const std::vector<std::byte>& bytes,
    std::size_t cycle_bytes) {
  const std::size_t each = ops.weight_bytes(format, shape.rows, shape.cols);
  std::vector<std::unique_ptr<kernels::Weight>> copies(
      std::max<std::size_t>(1, cycle_bytes / std::max<std::size_t>(each, 1)));
  for (auto& copy : copies) {
    const auto status = ops.load_weight({format, shape.rows, shape.cols, bytes.data()}, &copy);
    if (status == kernels::Status::kUnsupported) return base::unsupported("format");
    if (status != kernels::Status::kOk) return base::exhausted("no memory for weights");
  }
  return copies;
}

Status bench_shape(kernels::Ops& ops, const kernels::FormatInfo& info, const Shape& shape,
                   const KernelBenchOptions& options, const std::vector<float>& x,
                   std::vector<float>& out, const RowSink& sink) {
  const auto bytes = make_weights(info.format, shape);
  const auto copies = load_copies(ops, info.format, shape, bytes, options.cycle_bytes);
  if (!copies.ok() && copies.error().code == base::ErrorCode::kUnsupported) return {};
  if (!copies.ok()) return copies.error();
  for (const std::size_t n : kRowCounts) {
    const double seconds = call_seconds(options.quick, [&](std::size_t call) {
      const kernels::Weight& weight = *copies.value()[call % copies.value().size()];
      const kernels::LinearTerm term{&weight, nullptr, out.data(), shape.rows};
      (void)ops.norm_linear(x.data(), n, kernels::RmsNorm{}, &term, 1);
    });
    if (!is_right(info.format, shape, bytes, x.data(), out.data())) {
      return base::corrupt(fmt::format("wrong product of {}", info.name));
    }
    const Limit* arithmetic = options.limits == nullptr
                                  ? nullptr
                                  : arithmetic_bound(*options.limits, ops.name(), info.name);
    sink({fmt::format("linear {}", info.name),
          fmt::format("{} x {}, n {}", shape.rows, shape.cols, n), seconds,
          static_cast<double>(bytes.size()), 2.0 * static_cast<double>(shape.rows * shape.cols * n),
          n <= kMemoryBound ? std::string(kReadHugePages)
                            : (arithmetic == nullptr ? "" : arithmetic->key)});
  }
  return {};
}

}  // namespace

Status bench_linear(kernels::Ops& ops, const KernelBenchOptions& options, const RowSink& sink) {
  std::vector<float> x(ops.limits().rows_max * ops.limits().cols_max);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::cos(static_cast<float>(i % 9973) * 0.37F);
  std::vector<float> out(ops.limits().rows_max * 8192);
  for (std::uint32_t type = 0; type < kTypesMax; ++type) {
    const kernels::FormatInfo* info = kernels::find_format(type);
    if (info == nullptr || (!options.format.empty() && options.format != info->name)) continue;
    for (const Shape& shape : kShapes) {
      if (!kernels::row_bytes(info->format, shape.cols)) continue;
      TRY(bench_shape(ops, *info, shape, options, x, out, sink));
    }
  }
  return {};
}

}  // namespace bench
