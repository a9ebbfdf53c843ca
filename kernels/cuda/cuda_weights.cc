#include "kernels/cuda/cuda_weights.h"

#include <algorithm>

#include "kernels/check.h"
#include "kernels/format.h"

namespace kernels::cuda {
namespace {

// Tiles that a thread packs at a time: as many as make their bytes a multiple of a cache line.
constexpr std::uint32_t kTilesOfTask = 4;

std::size_t row_scale_bytes(const TileShape& shape) {
  return shape.format == TileFormat::kE4m3
             ? std::size_t{shape.row_tiles} * kTileRows * sizeof(float)
             : 0;
}

void pack_in_parallel(cpu::ThreadPool& pool, const TileShape& shape, const WeightSource& source,
                      std::uint32_t first, std::uint32_t count, std::uint8_t* to) {
  const std::uint32_t tasks = (count + kTilesOfTask - 1) / kTilesOfTask;
  pool.parallel_for(tasks, [&](std::size_t task, std::size_t) {
    const std::uint32_t tile = static_cast<std::uint32_t>(task) * kTilesOfTask;
    const std::uint32_t tiles = std::min(kTilesOfTask, count - tile);
    pack_tiles(shape, source, first + tile, tiles, to + tile * shape.tile_bytes());
  });
}

}  // namespace

Status WeightLoader::prepare() {
  // The widest tile there is: two bf16 for each element.
  const std::size_t padded_cols = (cols_max_ + 255) / 256 * 256;
  const std::size_t tile_bytes = kTileRows * padded_cols * 4;
  for (PinnedMemory& part : parts_) {
    const Status status = part.allocate(device_, std::max(kPartBytes, tile_bytes));
    if (status != Status::kOk) return status;
  }
  return Status::kOk;
}

std::optional<TileShape> WeightLoader::shape_of(Format format, std::size_t rows,
                                                std::size_t cols) const {
  if (rows == 0 || cols > cols_max_ || !row_bytes(format, cols).has_value()) return std::nullopt;
  const auto shape = tile_shape(tile_format_of(format, fp8_), rows, cols);
  if (!shape.has_value() || shape->tile_bytes() > parts_[0].bytes()) return std::nullopt;
  return shape;
}

std::size_t WeightLoader::bytes(Format format, std::size_t rows, std::size_t cols) const {
  const auto shape = shape_of(format, rows, cols);
  return shape.has_value() ? DeviceArena::rounded(shape->bytes()) : 0;
}

Status WeightLoader::load(const WeightSource& source, std::unique_ptr<Weight>* out) {
  const auto shape = shape_of(source.format, source.rows, source.cols);
  if (!shape.has_value()) return Status::kUnsupported;
  DeviceRange range;
  Status status = arena_.take(shape->bytes(), &range);
  if (status != Status::kOk) return status;
  status = copy_tiles(*shape, source, range.as<std::uint8_t>());
  if (status != Status::kOk) return status;
  status = copy_scales(*shape, source, range.as<std::uint8_t>());
  if (status != Status::kOk) return status;
  *out = std::make_unique<CudaWeight>(source, *shape, std::move(range));
  return Status::kOk;
}

// Before a part is copied the one before it has arrived: so its buffer is free for the part after.
Status WeightLoader::copy_tiles(const TileShape& shape, const WeightSource& source,
                                std::uint8_t* to) {
  const std::size_t tile_bytes = shape.tile_bytes();
  const auto tiles_of_part = static_cast<std::uint32_t>(
      std::min<std::size_t>(shape.row_tiles, parts_[0].bytes() / tile_bytes));
  std::size_t part = 0;
  for (std::uint32_t first = 0; first < shape.row_tiles; first += tiles_of_part) {
    const std::uint32_t count = std::min(tiles_of_part, shape.row_tiles - first);
    std::uint8_t* const packed = parts_[part].data();
    pack_in_parallel(pool_, shape, source, first, count, packed);
    Status status = device_.synchronize();
    if (status != Status::kOk) return status;
    status = device_.copy_in_pinned(to + first * tile_bytes, packed, count * tile_bytes);
    if (status != Status::kOk) return status;
    part = 1 - part;
  }
  return device_.synchronize();
}

Status WeightLoader::copy_scales(const TileShape& shape, const WeightSource& source,
                                 std::uint8_t* to) {
  const std::size_t bytes = row_scale_bytes(shape);
  if (bytes == 0) return Status::kOk;
  std::vector<float> scales(bytes / sizeof(float));
  pack_row_scales(shape, source, scales.data());
  return device_.copy_in(to + shape.row_tiles * shape.tile_bytes(), scales.data(), bytes);
}

}  // namespace kernels::cuda
