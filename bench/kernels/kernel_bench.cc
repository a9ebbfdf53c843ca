#include "bench/kernels/kernel_bench.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/kernels/read_bandwidth.h"
#include "kernels/dequantize.h"
#include "kernels/ops.h"
#include "kernels/quantize.h"

namespace {

using kernels::Format;
using Clock = std::chrono::steady_clock;

constexpr Format kFormats[] = {Format::kF32,  Format::kF16,  Format::kBF16, Format::kQ8_0,
                               Format::kQ4_0, Format::kQ4_K, Format::kQ5_K, Format::kQ6_K};

struct Shape {
  std::size_t rows;
  std::size_t cols;
  const char* where;
};
// qwen2.5-0.5b's 896 columns hold no block of 256: GGUF files keep such matrices in other formats.
constexpr Shape kShapes[] = {{4864, 896, "qwen2.5-0.5b up"},
                             {896, 4864, "qwen2.5-0.5b down"},
                             {8192, 2048, "llama-3.2-1b up"},
                             {2048, 8192, "llama-3.2-1b down"},
                             {4096, 4096, "square"}};

struct Options {
  std::size_t threads = std::max(1U, std::thread::hardware_concurrency());
  kernels::CpuIsa isa = kernels::CpuIsa::kBest;
  std::string_view format;
  std::size_t mib = 512;
  bool quick = false;
  const char* json = nullptr;
};

struct Result {
  std::string_view format;
  Shape shape;
  double weight_bytes;
  double seconds[3];  // per call with 1, 8 and 512 rows
};
constexpr std::size_t kRowCounts[] = {1, 8, 512};

bool parse(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--quick") {
      options->quick = true;
      options->mib = 4;
      continue;
    }
    if (i + 1 == argc) return false;
    const char* value = argv[++i];
    if (name == "--threads") {
      options->threads = std::strtoul(value, nullptr, 10);
    } else if (name == "--mib") {
      options->mib = std::strtoul(value, nullptr, 10);
    } else if (name == "--format") {
      options->format = value;
    } else if (name == "--json") {
      options->json = value;
    } else if (name == "--isa") {
      const std::string_view isa = value;
      if (isa == "plain")
        options->isa = kernels::CpuIsa::kPlain;
      else if (isa == "avx2")
        options->isa = kernels::CpuIsa::kAvx2;
      else if (isa == "avx512")
        options->isa = kernels::CpuIsa::kAvx512Vnni;
      else if (isa != "best")
        return false;
    } else {
      return false;
    }
  }
  return options->threads >= 1 && options->threads <= 1024 && options->mib >= 1;
}

// Rows of one quantised row repeated with its values turned
// about: all kernels take the same time whatever they read.
std::vector<std::uint8_t> make_weights(Format format, const Shape& shape) {
  const std::size_t row_bytes = kernels::row_bytes(format, shape.cols).value_or(0);
  std::vector<std::uint8_t> bytes(shape.rows * row_bytes);
  std::vector<float> row(shape.cols);
  constexpr std::size_t kDistinct = 16;
  for (std::size_t r = 0; r < shape.rows; ++r) {
    std::uint8_t* at = bytes.data() + r * row_bytes;
    if (r >= kDistinct) {
      std::memcpy(at, at - kDistinct * row_bytes, row_bytes);
      continue;
    }
    for (std::size_t c = 0; c < shape.cols; ++c)
      row[c] = std::sin(static_cast<float>(r * 131 + c * 7)) * 0.05F;
    kernels::quantize_row(format, row.data(), shape.cols, at);
  }
  return bytes;
}

// What the first outputs must be, near enough to notice a kernel that computes something else.
bool is_right(Format format, const Shape& shape, const std::vector<std::uint8_t>& bytes,
              const float* x, const float* out) {
  const std::size_t row_bytes = kernels::row_bytes(format, shape.cols).value_or(0);
  std::vector<float> row(shape.cols);
  for (std::size_t r = 0; r < 16; ++r) {
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

// Median seconds of one call of `rows` rows, taking another copy of the matrix each time.
double time_linear(kernels::Ops& ops, const std::vector<std::unique_ptr<kernels::Weight>>& copies,
                   std::size_t rows, const float* x, float* out, bool quick) {
  const std::size_t calls = quick ? 1 : std::max<std::size_t>(rows >= 512 ? 3 : 10, copies.size());
  std::vector<double> seconds;
  for (std::size_t call = 0; call < calls; ++call) {
    const kernels::Weight& weight = *copies[call % copies.size()];
    const kernels::LinearTerm term{&weight, nullptr, out, weight.rows()};
    const auto begin = Clock::now();
    (void)ops.norm_linear(x, rows, kernels::RmsNorm{}, &term, 1);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  std::nth_element(seconds.begin(),
                   seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2),
                   seconds.end());
  return seconds[seconds.size() / 2];
}

bool measure(kernels::Ops& ops, Format format, const Shape& shape, const Options& options,
             const float* x, float* out, Result* result) {
  const std::vector<std::uint8_t> bytes = make_weights(format, shape);
  const std::size_t weight_bytes = ops.weight_bytes(format, shape.rows, shape.cols);
  const std::size_t count = std::max<std::size_t>(1, (options.mib << 20U) / weight_bytes);
  std::vector<std::unique_ptr<kernels::Weight>> copies(count);
  for (auto& copy : copies) {
    if (ops.load_weight({format, shape.rows, shape.cols, bytes.data()}, &copy) !=
        kernels::Status::kOk)
      return false;
  }
  *result = {kernels::format_info(format).name, shape, static_cast<double>(weight_bytes), {}};
  for (std::size_t i = 0; i < 3; ++i) {
    result->seconds[i] = time_linear(ops, copies, kRowCounts[i], x, out, options.quick);
    if (!is_right(format, shape, bytes, x, out)) {
      (void)std::fprintf(stderr, "kernel-bench: wrong product of %s\n", result->format.data());
      return false;
    }
  }
  return true;
}

double gops(const Result& result, std::size_t i) {
  const double products =
      static_cast<double>(result.shape.rows * result.shape.cols * kRowCounts[i]);
  return 2e-9 * products / result.seconds[i];
}

void print_row(const Result& r, double bandwidth) {
  const double read = r.weight_bytes / r.seconds[0];
  (void)std::printf("%-6s %5zu x %-5zu %-18s %8.2f %5.0f%% %10.1f %10.1f\n", r.format.data(),
                    r.shape.rows, r.shape.cols, r.shape.where, read * 1e-9, 100 * read / bandwidth,
                    gops(r, 1), gops(r, 2));
}

bool write_json(const char* path, std::string_view kernels, const Options& options,
                double bandwidth, const std::vector<Result>& results) {
  std::FILE* file = std::fopen(path, "we");
  if (file == nullptr) return false;
  (void)std::fprintf(
      file, "{\"kernels\":\"%s\",\"threads\":%zu,\"read_bytes_per_second\":%.0f,\"results\":[",
      kernels.data(), options.threads, bandwidth);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Result& r = results[i];
    (void)std::fprintf(
        file,
        "%s\n{\"format\":\"%s\",\"rows\":%zu,\"cols\":%zu,\"gemv_bytes_per_second\":%.0f,"
        "\"gemm8_ops_per_second\":%.0f,\"gemm512_ops_per_second\":%.0f}",
        i == 0 ? "" : ",", r.format.data(), r.shape.rows, r.shape.cols,
        r.weight_bytes / r.seconds[0], gops(r, 1) * 1e9, gops(r, 2) * 1e9);
  }
  (void)std::fprintf(file, "\n]}\n");
  return std::fclose(file) == 0;
}

}  // namespace

int run_kernel_bench(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, &options)) {
    (void)std::fprintf(stderr,
                       "usage: kernels [--threads N] [--isa best|plain|avx2|avx512] [--format "
                       "NAME] [--mib N] [--quick] "
                       "[--json FILE]\n");
    return 2;
  }
  kernels::Limits limits;
  limits.cols_max = 8192;
  const auto ops = kernels::make_cpu_ops({limits, options.threads, options.isa});
  if (ops == nullptr) {
    (void)std::fprintf(
        stderr, "kernel-bench: this processor lacks that instruction set, or memory was refused\n");
    return 1;
  }
  const double bandwidth = bench::read_bandwidth(options.mib << 20U, options.threads);
  (void)std::printf("%s, %zu threads, memory read %.1f GB/s over %zu MiB\n\n", ops->name().data(),
                    options.threads, bandwidth * 1e-9, options.mib);
  (void)std::printf("%-6s %13s %-18s %8s %6s %10s %10s\n", "format", "rows x cols", "", "n=1 GB/s",
                    "of mem", "n=8 Gop/s", "512 Gop/s");
  std::vector<float> x(limits.rows_max * limits.cols_max);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::cos(static_cast<float>(i % 9973) * 0.37F);
  std::vector<float> out(limits.rows_max * 8192);
  std::vector<Result> results;
  for (const Format format : kFormats) {
    if (!options.format.empty() && options.format != kernels::format_info(format).name) continue;
    for (const Shape& shape : kShapes) {
      if (!kernels::row_bytes(format, shape.cols).has_value()) continue;
      Result result;
      if (!measure(*ops, format, shape, options, x.data(), out.data(), &result)) return 1;
      print_row(result, bandwidth);
      results.push_back(result);
    }
  }
  if (options.json != nullptr &&
      !write_json(options.json, ops->name(), options, bandwidth, results)) {
    (void)std::fprintf(stderr, "kernel-bench: cannot write %s\n", options.json);
    return 1;
  }
  return 0;
}
