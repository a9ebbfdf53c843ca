// What the CPU backend hands out: packed weights, buffers, and the paged KV cache.
#ifndef KERNELS_CPU_STORAGE_H_
#define KERNELS_CPU_STORAGE_H_

#include <optional>
#include <utility>

#include "kernels/cpu/arena.h"
#include "kernels/cpu/kernel_set.h"
#include "kernels/ops.h"

namespace kernels::cpu {

// Owns the piece its data lie in; an empty one where they are the caller's.
class CpuWeight final : public Weight {
 public:
  CpuWeight(const PackedWeight& packed, Arena::Piece piece)
      : Weight(packed.format, packed.rows, packed.cols),
        packed_(packed),
        piece_(std::move(piece)) {}

  const PackedWeight& packed() const { return packed_; }

 private:
  PackedWeight packed_;
  Arena::Piece piece_;
};

class CpuBuffer final : public Buffer {
 public:
  CpuBuffer(Arena::Piece piece, std::size_t bytes)
      : Buffer(piece.data(), bytes), piece_(std::move(piece)) {}

 private:
  Arena::Piece piece_;
};

// Bytes of a cache, or nothing when the shape is outside the contract or too large to count.
std::optional<std::size_t> cache_bytes(const KvShape& shape, KvFormat format);

// [layer][keys, values][block][kv head][what KvView says].
class CpuKvCache final : public KvCache {
 public:
  CpuKvCache(const KvShape& shape, KvFormat format, Arena::Piece piece);

  KvView view(std::size_t layer) const;
  void copy_block(std::size_t from, std::size_t to);

 private:
  std::size_t block_bytes() const;

  Arena::Piece piece_;
};

}  // namespace kernels::cpu

#endif  // KERNELS_CPU_STORAGE_H_
