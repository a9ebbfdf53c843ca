// The linear kernels by themselves: every weight format in the shapes of an 8B and a 70B, from one
// row to a prompt. Matrices are cycled through so that they come from memory and not from the
// cache.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/gpu/gpu_bench.h"
#include "bench/gpu/recorded_time.h"
#include "bench/synth/random_blocks.h"
#include "kernels/cuda/tiles/tile_format.h"
#include "kernels/half.h"

namespace bench {
namespace {

using kernels::Format;
using kernels::Status;
using kernels::cuda::Device;
using kernels::cuda::TileFormat;
using kernels::cuda::TileShape;

struct Shape {
  std::uint32_t rows, cols;
  const char* name;
};
constexpr Shape kShapes[] = {{14336, 4096, "8B up"},    {4096, 14336, "8B down"},
                             {4096, 4096, "8B output"}, {128256, 4096, "8B head"},
                             {28672, 8192, "70B up"},   {8192, 28672, "70B down"}};
constexpr std::size_t kQuickShapes = 2;
constexpr std::uint32_t kRowCounts[] = {1, 8, 32, 128, 1024, 4096};
constexpr std::uint32_t kQuickRowCounts[] = {1, 32, 2048};
constexpr std::uint32_t kManyRows = 1024;  // held against arithmetic from here on
constexpr std::size_t kCycledBytes = std::size_t{400} << 20;
constexpr std::size_t kLaunches = 12;

// The file format that a tile format is made of.
Format source_of(TileFormat format) {
  switch (format) {
    case TileFormat::kBf16:
    case TileFormat::kE4m3:
      return Format::kBF16;
    case TileFormat::kSplitBf16:
      return Format::kF16;
    case TileFormat::kQ8_0:
      return Format::kQ8_0;
    case TileFormat::kQ4_0:
      return Format::kQ4_0;
    case TileFormat::kQ4_K:
      return Format::kQ4_K;
    case TileFormat::kQ6_K:
      return Format::kQ6_K;
    case TileFormat::kMxfp4:
      return Format::kMXFP4;
  }
  return Format::kBF16;
}

// 64 random rows, packed: the matrix repeats them.
std::vector<std::uint8_t> random_tile(TileFormat format, std::uint32_t cols) {
  const Format source = source_of(format);
  const auto row_bytes = kernels::row_bytes(source, cols);
  const auto shape = kernels::cuda::tile_shape(format, kernels::cuda::kTileRows, cols);
  if (!row_bytes || !shape) return {};
  std::vector<std::byte> rows(kernels::cuda::kTileRows * *row_bytes);
  for (std::size_t r = 0; r < kernels::cuda::kTileRows; ++r) {
    fill_random_row(source, cols, 0.02F, r + 1,
                    std::span(rows).subspan(r * *row_bytes, *row_bytes));
  }
  std::vector<std::uint8_t> tile(shape->tile_bytes());
  kernels::cuda::pack_tiles(*shape, {source, kernels::cuda::kTileRows, cols, rows.data()}, 0, 1,
                            tile.data());
  return tile;
}

Status upload(Device& device, const TileShape& shape, const std::vector<std::uint8_t>& tile,
              std::uint8_t** out) {
  void* memory = nullptr;
  if (const auto status = device.allocate(shape.bytes(), &memory); status != Status::kOk)
    return status;
  *out = static_cast<std::uint8_t*>(memory);
  for (std::uint32_t t = 0; t < shape.row_tiles; ++t) {
    if (const auto status = device.copy_in(*out + t * shape.tile_bytes(), tile.data(), tile.size());
        status != Status::kOk) {
      return status;
    }
  }
  const std::size_t tiles_bytes = shape.row_tiles * shape.tile_bytes();
  if (shape.bytes() > tiles_bytes) {  // the scales of rows
    const std::vector<float> ones((shape.bytes() - tiles_bytes) / sizeof(float), 0.01F);
    return device.copy_in(*out + tiles_bytes, ones.data(), ones.size() * sizeof(float));
  }
  return Status::kOk;
}

struct Matrices {
  explicit Matrices(Device& on) : device(on) {}
  ~Matrices() {
    for (std::uint8_t* copy : copies) device.free(copy);
    device.free(x);
    device.free(out);
  }
  Matrices(const Matrices&) = delete;
  Matrices& operator=(const Matrices&) = delete;

  Device& device;
  std::vector<std::uint8_t*> copies;
  void* x = nullptr;
  void* out = nullptr;
};

bool prepare(Matrices& matrices, const TileShape& shape, std::uint32_t rows_max) {
  const auto tile = random_tile(shape.format, shape.cols);
  if (tile.empty()) return false;
  const std::size_t count = std::clamp<std::size_t>(kCycledBytes / shape.bytes() + 1, 2, kLaunches);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint8_t* copy = nullptr;
    const auto status = upload(matrices.device, shape, tile, &copy);
    if (copy != nullptr) matrices.copies.push_back(copy);
    if (status != Status::kOk) return false;
  }
  const std::size_t x_count = std::size_t{rows_max} * shape.padded_cols();
  std::vector<std::uint16_t> x(x_count);
  RandomStream random(5);
  for (auto& value : x) value = kernels::f32_to_bf16(random.next_normal());
  return matrices.device.allocate(x_count * sizeof(std::uint16_t), &matrices.x) == Status::kOk &&
         matrices.device.copy_in(matrices.x, x.data(), x_count * sizeof(std::uint16_t)) ==
             Status::kOk &&
         matrices.device.allocate(std::size_t{rows_max} * shape.rows * sizeof(float),
                                  &matrices.out) == Status::kOk;
}

bool measure(const OpenGpu& gpu, const TileShape& shape, const char* name,
             std::span<const std::uint32_t> row_counts) {
  Matrices matrices(*gpu.device);
  // The head computes logits of few rows.
  const std::uint32_t rows_max = shape.rows > 100'000 ? 128 : row_counts.back();
  if (!prepare(matrices, shape, rows_max)) {
    std::fprintf(stderr, "%s %s: no memory, or no such layout\n", tile_format_name(shape.format),
                 name);
    return gpu.device->failure().empty();
  }
  for (const std::uint32_t n : row_counts) {
    if (n > rows_max) continue;
    const double seconds = recorded_seconds(*gpu.device, kLaunches, [&](std::size_t i) {
      kernels::cuda::LinearMatrix matrix;
      matrix.shape = shape;
      matrix.tiles = matrices.copies[i % matrices.copies.size()];
      matrix.out = static_cast<float*>(matrices.out);
      matrix.out_stride = shape.rows;
      kernels::cuda::LinearCall call;
      call.matrices = &matrix;
      call.matrix_count = 1;
      call.x = static_cast<const std::uint16_t*>(matrices.x);
      call.x_stride = shape.padded_cols();
      call.n = {n, nullptr};
      return kernels::cuda::run_linear(*gpu.device, gpu.kernels->linear, call);
    });
    if (seconds <= 0) return false;
    const double bytes = static_cast<double>(shape.bytes()) / seconds;
    const double flops = 2.0 * shape.rows * shape.cols * n / seconds;
    const bool many = n >= kManyRows;
    print_row({.target = n == 1 || many ? "G15" : "-",
               .what = std::string("linear ") + tile_format_name(shape.format) + " " +
                       std::to_string(shape.rows) + " x " + std::to_string(shape.cols) + " (" +
                       name + "), rows " + std::to_string(n),
               .value = many ? flops / 1e12 : bytes / 1e9,
               .unit = many ? "TFLOP/s" : "GB/s",
               .bytes_per_second = many ? 0 : bytes,
               .flops_per_second = flops,
               .note = std::to_string(seconds * 1e6) + " us"});
  }
  return true;
}

}  // namespace

int bench_gpu_linear(bool quick) {
  const OpenGpu gpu = open_gpu();
  if (gpu.device == nullptr) return 77;
  std::vector<TileFormat> formats{TileFormat::kBf16, TileFormat::kE4m3, TileFormat::kQ8_0,
                                  TileFormat::kQ4_K};
  if (!quick) {
    formats.insert(formats.end(), {TileFormat::kQ4_0, TileFormat::kQ6_K, TileFormat::kMxfp4,
                                   TileFormat::kSplitBf16});
  }
  const auto shapes = quick ? std::span(kShapes).first(kQuickShapes) : std::span(kShapes);
  const auto row_counts = quick ? std::span<const std::uint32_t>(kQuickRowCounts)
                                : std::span<const std::uint32_t>(kRowCounts);
  for (const TileFormat format : formats) {
    for (const Shape& shape : shapes) {
      const auto tiles = kernels::cuda::tile_shape(format, shape.rows, shape.cols);
      if (tiles && !measure(gpu, *tiles, shape.name, row_counts)) {
        std::fprintf(stderr, "linear stopped at %s %s: %s\n", tile_format_name(format), shape.name,
                     gpu.device->failure().c_str());
        return 1;
      }
    }
  }
  return 0;
}

}  // namespace bench
