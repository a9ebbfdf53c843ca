// The ring of the sm_90a linear kernel in shared memory, and the copies that fill it.
#ifndef KERNELS_CUDA_LINEAR_WGMMA_RING_H_
#define KERNELS_CUDA_LINEAR_WGMMA_RING_H_

#include "kernels/cuda/linear_arguments.h"

namespace kernels::cuda {

// In shared memory: activations of every slot, weights of every slot, a barrier for every slot, a
// scale for every row of activations. When the last chunk is done, the sums of a segment lie where
// activations and weights were, and after them those of squares.
template <typename Tile, unsigned kTokens, unsigned kGroups, bool kGated>
struct WgmmaPlan {
  static constexpr std::uint32_t kThreads = 128 * kGroups;
  static constexpr std::uint32_t kMatrices = kGated ? 2 : 1;
  static constexpr std::uint32_t kChunkCols = Tile::kChunkRecords * Tile::kRecordCols;
  static constexpr std::uint32_t kActivationBytes = kTokens * kChunkCols * 2;
  static constexpr std::uint32_t kTileBytes =
      Tile::kChunkRecords * Tile::kRecordBytes;  // of one tile of one matrix
  static constexpr std::uint32_t kWeightBytes = kGroups * kMatrices * kTileBytes;
  static constexpr std::uint32_t kSlotBytes = kActivationBytes + kWeightBytes;
  // One group: three blocks share the 227 KiB of an SM. Two: a block has them to itself.
  static constexpr std::uint32_t kBudget = (kGroups == 1 ? 72 : 208) * 1024;
  static constexpr std::uint32_t kFitting = kBudget / kSlotBytes;
  static constexpr std::uint32_t kLeast = kGroups == 1 ? 3 : 2;
  static constexpr std::uint32_t kSlots = kFitting < kLeast ? kLeast : kFitting > 8 ? 8 : kFitting;
  static constexpr std::uint32_t kWeightsAt = kSlots * kActivationBytes;
  static constexpr std::uint32_t kBarriersAt = kSlots * kSlotBytes;
  static constexpr std::uint32_t kScalesAt = kBarriersAt + kSlots * 8;
  static constexpr std::uint32_t kSharedBytes = kScalesAt + kTokens * 4;
  static constexpr std::uint32_t kSums = kTokens / 2;  // of a thread and a matrix
  static_assert(kActivationBytes % 1024 == 0 && kTileBytes % 16 == 0);
  static_assert(kSharedBytes <= 232448);
  static_assert(kThreads * kMatrices * kSums * sizeof(float) <= kBarriersAt);
};

// The copies of one chunk into its slot.
template <typename Tile, unsigned kTokens, unsigned kGroups, bool kGated>
class WgmmaFetch {
 public:
  using Plan = WgmmaPlan<Tile, kTokens, kGroups, kGated>;

  KERNELS_DEVICE WgmmaFetch(const LinearArguments& args, const LinearPlace& place,
                            unsigned char* shared)
      : args_(args),
        place_(place),
        shared_(shared),
        barriers_(reinterpret_cast<Barrier*>(shared + Plan::kBarriersAt)) {}

  KERNELS_DEVICE Barrier* barrier(std::uint32_t chunk_index) const {
    return barriers_ + chunk_index % Plan::kSlots;
  }

  // By one thread. chunk_index counts from the block's first chunk. Tiles beyond the matrix's last
  // are not there.
  KERNELS_DEVICE void weights(std::uint32_t chunk, std::uint32_t chunk_index) const {
    const std::uint32_t bytes =
        records_of_chunk(args_.records, Tile::kChunkRecords, chunk) * Tile::kRecordBytes;
    const std::size_t tile_bytes = std::size_t{args_.records} * Tile::kRecordBytes;
    const std::uint32_t row_tiles = args_.grid.row_tiles[place_.matrix];
    const std::size_t first_tile = LinearArguments::before_expert(row_tiles) + place_.first_tile;
    const std::uint32_t tiles_left = row_tiles - place_.first_tile;
    const std::uint32_t tiles = tiles_left < kGroups ? tiles_left : kGroups;
    barrier_expect(barrier(chunk_index), tiles * Plan::kMatrices * bytes);
    for (std::uint32_t group = 0; group < tiles; ++group) {
      for (std::uint32_t m = 0; m < Plan::kMatrices; ++m) {
        const std::uint8_t* from = args_.matrices[place_.matrix + m].tiles +
                                   (first_tile + group) * tile_bytes +
                                   std::size_t{chunk} * Plan::kTileBytes;
        bulk_copy(tile(chunk_index, group, m), from, bytes, barrier(chunk_index));
      }
    }
  }

  KERNELS_DEVICE void activations(std::uint32_t chunk, std::uint32_t chunk_index,
                                  LinearArguments::Tokens tokens) const {
    constexpr std::uint32_t kPieces = Plan::kChunkCols / 8;
    unsigned char* to = shared_ + chunk_index % Plan::kSlots * Plan::kActivationBytes;
    for (std::uint32_t i = thread(); i < kTokens * kPieces; i += Plan::kThreads) {
      const std::uint32_t token = i / kPieces;
      const std::uint32_t piece = i % kPieces;
      const std::uint32_t col = chunk * Plan::kChunkCols + piece * 8;
      const bool valid = tokens.first + token < tokens.last && col < args_.padded_cols;
      const std::size_t from = valid ? std::size_t{tokens.first + token} * args_.x_stride + col : 0;
      copy16(to + swizzled_offset(kTokens, token, piece), args_.x + from, valid);
    }
  }

  KERNELS_DEVICE unsigned char* tile(std::uint32_t chunk_index, std::uint32_t group,
                                     std::uint32_t m) const {
    return shared_ + Plan::kWeightsAt + chunk_index % Plan::kSlots * Plan::kWeightBytes +
           (group * Plan::kMatrices + m) * Plan::kTileBytes;
  }
  KERNELS_DEVICE const unsigned char* activation_tile(std::uint32_t chunk_index,
                                                      std::uint32_t quad) const {
    return shared_ + chunk_index % Plan::kSlots * Plan::kActivationBytes + quad * kTokens * 128;
  }

 private:
  const LinearArguments& args_;
  const LinearPlace& place_;
  unsigned char* shared_;
  Barrier* barriers_;
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_LINEAR_WGMMA_RING_H_
