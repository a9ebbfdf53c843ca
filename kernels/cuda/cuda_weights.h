// Weights on the device: packed into tiles by the host's threads, part by part, each part copied
// while the next is packed.
#ifndef KERNELS_CUDA_CUDA_WEIGHTS_H_
#define KERNELS_CUDA_CUDA_WEIGHTS_H_

#include <memory>
#include <optional>
#include <utility>

#include "kernels/cpu/thread_pool.h"
#include "kernels/cuda/cuda_memory.h"
#include "kernels/cuda/pinned_memory.h"
#include "kernels/cuda/tiles/tile_format.h"
#include "kernels/ops.h"

namespace kernels::cuda {

class CudaWeight final : public Weight {
 public:
  CudaWeight(const WeightSource& source, const TileShape& shape, DeviceRange tiles)
      : Weight(source.format, source.rows, source.cols), shape_(shape), tiles_(std::move(tiles)) {}
  const TileShape& shape() const { return shape_; }
  const std::uint8_t* tiles() const { return tiles_.as<const std::uint8_t>(); }

 private:
  TileShape shape_;
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

  // 0 where load() would say kUnsupported.
  std::size_t bytes(Format format, std::size_t rows, std::size_t cols) const;
  Status load(const WeightSource& source, std::unique_ptr<Weight>* out);

  // Host memory for whoever copies between loads.
  const PinnedMemory& part() const { return parts_[0]; }

 private:
  std::optional<TileShape> shape_of(Format format, std::size_t rows, std::size_t cols) const;
  Status copy_tiles(const TileShape& shape, const WeightSource& source, std::uint8_t* to);
  Status copy_scales(const TileShape& shape, const WeightSource& source, std::uint8_t* to);

  Device& device_;
  DeviceArena& arena_;
  cpu::ThreadPool& pool_;
  std::size_t cols_max_;
  bool fp8_;
  PinnedMemory parts_[2];
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_CUDA_WEIGHTS_H_
