#include "kernels/cuda/cuda_weights.h"

#include <algorithm>
#include <cstring>
#include <vector>

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

// The source of a part that has rows of its own.
WeightSource rows_of_part(const WeightSource& source, std::size_t rows, std::uint32_t index) {
  const std::size_t bytes_of_row = *row_bytes(source.format, source.cols);
  WeightSource part = source;
  part.rows = rows;
  part.data = static_cast<const std::uint8_t*>(source.data) + index * rows * bytes_of_row;
  return part;
}

// Closes up, in place, tiles of which some neighbouring records are kept.
void keep_records(const TileShape& packed, const TileShape& kept, std::uint32_t first_record,
                  std::uint32_t tiles, std::uint8_t* data) {
  if (packed.records == kept.records) return;
  const std::size_t before = std::size_t{first_record} * packed.record_bytes;
  for (std::uint32_t tile = 0; tile < tiles; ++tile) {
    std::memmove(data + tile * kept.tile_bytes(), data + tile * packed.tile_bytes() + before,
                 kept.tile_bytes());
  }
}

}  // namespace

const float* CudaWeight::row_scales() const {
  if (shape_.format != TileFormat::kE4m3) return nullptr;
  return reinterpret_cast<const float*>(tiles() + shape_.row_tiles * shape_.tile_bytes());
}

LinearMatrix CudaWeight::matrix(std::uint32_t first, std::uint32_t count) const {
  KERNELS_CHECK(first < shape_.row_tiles && count >= 1 && count <= shape_.row_tiles - first);
  LinearMatrix matrix;
  matrix.shape = shape_;
  matrix.shape.rows = std::min(shape_.rows - first * kTileRows, count * kTileRows);
  matrix.shape.row_tiles = count;
  matrix.tiles = tiles() + first * shape_.tile_bytes();
  if (row_scales() != nullptr) matrix.row_scales = row_scales() + first * kTileRows;
  matrix.segment_count = segment_count_;
  return matrix;
}

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

std::optional<WeightLoader::Layout> WeightLoader::layout_of(Format format, std::size_t rows,
                                                            std::size_t cols, WeightSplit split,
                                                            std::uint32_t count) const {
  const auto whole = shape_of(format, rows, cols);
  if (!whole.has_value()) return std::nullopt;
  const std::uint32_t segment_count = segments(*whole);
  if (count == 1 || split == WeightSplit::kNone) return Layout{*whole, *whole, segment_count};
  if (split == WeightSplit::kRows) {
    if (rows % count != 0) return std::nullopt;
    const auto part = shape_of(format, rows / count, cols);
    if (!part.has_value()) return std::nullopt;
    return Layout{*part, *part, segment_count};
  }
  // As many segments for each, of as many stages in all: where the whole matrix's end inside of a
  // part (linear_geometry.h, segment_chunks) is then where the part's own end.
  const bool even = cols % kStageCols == 0 && cols / kStageCols % count == 0;
  if (!even || segment_count % count != 0) return std::nullopt;
  TileShape part = *whole;
  part.cols /= count;
  part.records /= count;
  return Layout{*whole, part, segment_count / count};
}

std::size_t WeightLoader::bytes(Format format, std::size_t rows, std::size_t cols,
                                WeightSplit split, std::uint32_t count) const {
  const auto layout = layout_of(format, rows, cols, split, count);
  return layout.has_value() ? DeviceArena::rounded(layout->kept.bytes()) : 0;
}

Status WeightLoader::load(const WeightSource& source, std::unique_ptr<Weight>* out,
                          WeightPart part) {
  KERNELS_CHECK(part.count >= 1 && part.index < part.count);
  const auto layout = layout_of(source.format, source.rows, source.cols, source.split, part.count);
  if (!layout.has_value()) return Status::kUnsupported;
  const TileShape& kept = layout->kept;
  const bool by_rows = kept.rows != source.rows;
  const bool by_columns = kept.cols != source.cols;
  const WeightSource packed = by_rows ? rows_of_part(source, kept.rows, part.index) : source;
  DeviceRange range;
  Status status = arena_.take(kept.bytes(), &range);
  if (status != Status::kOk) return status;
  status = copy_tiles(*layout, packed, by_columns ? part.index * kept.records : 0,
                      range.as<std::uint8_t>());
  if (status != Status::kOk) return status;
  status = copy_scales(*layout, packed, range.as<std::uint8_t>());
  if (status != Status::kOk) return status;
  *out = std::make_unique<CudaWeight>(source.format, kept, layout->segment_count, std::move(range));
  return Status::kOk;
}

// Before a run of tiles is copied the one before it has arrived: so its buffer is free for the one
// after.
Status WeightLoader::copy_tiles(const Layout& layout, const WeightSource& source,
                                std::uint32_t first_record, std::uint8_t* to) {
  const TileShape& shape = layout.packed;
  const std::size_t kept_bytes = layout.kept.tile_bytes();
  const auto tiles_of_part = static_cast<std::uint32_t>(
      std::min<std::size_t>(shape.row_tiles, parts_[0].bytes() / shape.tile_bytes()));
  std::size_t part = 0;
  for (std::uint32_t first = 0; first < shape.row_tiles; first += tiles_of_part) {
    const std::uint32_t count = std::min(tiles_of_part, shape.row_tiles - first);
    std::uint8_t* const packed = parts_[part].data();
    pack_in_parallel(pool_, shape, source, first, count, packed);
    keep_records(shape, layout.kept, first_record, count, packed);
    Status status = device_.synchronize();
    if (status != Status::kOk) return status;
    status = device_.copy_in_pinned(to + first * kept_bytes, packed, count * kept_bytes);
    if (status != Status::kOk) return status;
    part = 1 - part;
  }
  return device_.synchronize();
}

Status WeightLoader::copy_scales(const Layout& layout, const WeightSource& source,
                                 std::uint8_t* to) {
  const std::size_t bytes = row_scale_bytes(layout.packed);
  if (bytes == 0) return Status::kOk;
  std::vector<float> scales(bytes / sizeof(float));
  pack_row_scales(layout.packed, source, scales.data());
  const TileShape& kept = layout.kept;
  return device_.copy_in(to + kept.row_tiles * kept.tile_bytes(), scales.data(), bytes);
}

}  // namespace kernels::cuda
