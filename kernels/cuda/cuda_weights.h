// Weights on the device: packed into tiles by the host's threads, run of tiles by run of tiles,
// each copied while the next is packed.
#ifndef KERNELS_CUDA_CUDA_WEIGHTS_H_
#define KERNELS_CUDA_CUDA_WEIGHTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "kernels/cpu/thread_pool.h"
#include "kernels/cuda/cuda_memory.h"
#include "kernels/cuda/linear.h"
#include "kernels/cuda/pinned_memory.h"
#include "kernels/cuda/tiles/tile_format.h"
#include "kernels/ops.h"

namespace kernels::cuda {

// What a device has of a matrix that is shared out as its WeightSplit says: part `index` of
// `count`.
struct WeightPart {
  std::uint32_t index = 0;
  std::uint32_t count = 1;
};

// A matrix, or a part of one: rows(), cols() and shape() are the part's.
class CudaWeight final : public Weight {
 public:
  CudaWeight(Format format, const TileShape& shape, std::uint32_t segment_count, DeviceRange tiles)
      : Weight(format, shape.rows, shape.cols),
        shape_(shape),
        segment_count_(segment_count),
        tiles_(std::move(tiles)) {}
  const TileShape& shape() const { return shape_; }
  // Segments of these columns as the whole matrix is cut (linear.h).
  std::uint32_t segment_count() const { return segment_count_; }
  const std::uint8_t* tiles() const { return tiles_.as<const std::uint8_t>(); }
  // kE4m3: [rows], behind the tiles; null for other formats.
  const float* row_scales() const;
  // As linear.h wants it; or `count` of its tiles alone, from tile `first`.
  LinearMatrix matrix() const { return matrix(0, shape_.row_tiles); }
  LinearMatrix matrix(std::uint32_t first, std::uint32_t count) const;

 private:
  TileShape shape_;
  std::uint32_t segment_count_;
  DeviceRange tiles_;
};

class WeightLoader {
 public:
  // Two of them are pinned. A single tile that is larger has buffers of its size.
  static constexpr std::size_t kPartBytes = std::size_t{16} << 20;

  // Everything is borrowed.
  WeightLoader(Device& device, DeviceArena& arena, cpu::ThreadPool& pool, std::size_t cols_max,
               bool fp8)
      : device_(device), arena_(arena), pool_(pool), cols_max_(cols_max), fp8_(fp8) {}
  Status prepare();

  // Of each of `count` parts. 0 where load() would say kUnsupported.
  std::size_t bytes(Format format, std::size_t rows, std::size_t cols,
                    WeightSplit split = WeightSplit::kNone, std::uint32_t count = 1) const;
  // All of it where its split is kNone, or there is one part.
  Status load(const WeightSource& source, std::unique_ptr<Weight>* out, WeightPart part = {});

  // Host memory for whoever copies between loads.
  const PinnedMemory& part() const { return parts_[0]; }

 private:
  // How a part is made: tiles are packed as the matrix has them, so that every code is the whole
  // matrix's, and some of each one's records are kept.
  struct Layout {
    TileShape packed;  // by rows: of the part's rows; by columns: of the matrix
    TileShape kept;
    std::uint32_t segment_count = 1;  // of kept
  };

  std::optional<TileShape> shape_of(Format format, std::size_t rows, std::size_t cols) const;
  // Nothing where there are no such parts.
  std::optional<Layout> layout_of(Format format, std::size_t rows, std::size_t cols,
                                  WeightSplit split, std::uint32_t count) const;
  Status copy_tiles(const Layout& layout, const WeightSource& source, std::uint32_t first_record,
                    std::uint8_t* to);
  Status copy_scales(const Layout& layout, const WeightSource& source, std::uint8_t* to);

  Device& device_;
  DeviceArena& arena_;
  cpu::ThreadPool& pool_;
  std::size_t cols_max_;
  bool fp8_;
  PinnedMemory parts_[2];
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_CUDA_WEIGHTS_H_
