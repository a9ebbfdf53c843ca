// The linear kernel of sm_80 and everything after it: cp.async and mma.sync.
//
// A block is four warps: 64 rows of weights (of two matrices, gate and up, where kGated) by kTokens
// rows of activations. Chunks of both run through a ring in shared memory, several under way at a
// time. The block computes the segments of its tile one after the other and adds them as linear.h
// says; or one segment, where sums are wanted apart.
#ifndef KERNELS_CUDA_LINEAR_MMA_KERNEL_H_
#define KERNELS_CUDA_LINEAR_MMA_KERNEL_H_

#include "kernels/cuda/linear_epilogue.h"
#include "kernels/cuda/tiles/all_tiles.h"

namespace kernels::cuda {

template <typename Tile, unsigned kTokens, bool kGated>
struct MmaPlan {
  static constexpr std::uint32_t kThreads = 128;
  static constexpr std::uint32_t kMatrices = kGated ? 2 : 1;
  static constexpr std::uint32_t kChunkCols = Tile::kChunkRecords * Tile::kRecordCols;
  static constexpr std::uint32_t kWeightBytes =
      Tile::kChunkRecords * Tile::kRecordBytes;  // of one matrix
  static constexpr std::uint32_t kRowBytes = padded_row_bytes(kChunkCols);
  static constexpr std::uint32_t kSlotBytes = kMatrices * kWeightBytes + kTokens * kRowBytes;
  // 48 KiB, so that two blocks fit where an SM has 100 KiB (sm_86, sm_120); at least two slots, at
  // most eight.
  static constexpr std::uint32_t kFitting = 48 * 1024 / kSlotBytes;
  static constexpr std::uint32_t kSlots = kFitting < 2 ? 2 : kFitting > 8 ? 8 : kFitting;
  static constexpr std::uint32_t kScalesAt = kSlots * kSlotBytes;  // of rows of activations
  static constexpr std::uint32_t kSharedBytes = kScalesAt + kTokens * 4;
  static_assert(kSharedBytes <= 99 * 1024, "the least of a block on sm_80 and later");
  static_assert(kWeightBytes % 16 == 0 && kSlotBytes % 16 == 0);
};

// The copies of one chunk into its slot.
template <typename Tile, unsigned kTokens, bool kGated>
class MmaFetch {
 public:
  using Plan = MmaPlan<Tile, kTokens, kGated>;

  KERNELS_DEVICE MmaFetch(const LinearArguments& args, const LinearPlace& place,
                          unsigned char* ring)
      : args_(args), ring_(ring) {
    const std::size_t tile_bytes = std::size_t{args.records} * Tile::kRecordBytes;
    const std::size_t tile =
        LinearArguments::before_expert(args.grid.row_tiles[place.matrix]) + place.first_tile;
    weights_[0] = args.matrices[place.matrix].tiles + tile * tile_bytes;
    if constexpr (kGated) weights_[1] = args.matrices[1].tiles + tile * tile_bytes;
  }

  // chunk_index counts from the block's first chunk.
  KERNELS_DEVICE void weights(std::uint32_t chunk, std::uint32_t chunk_index) const {
    const std::uint32_t bytes =
        records_of_chunk(args_.records, Tile::kChunkRecords, chunk) * Tile::kRecordBytes;
    unsigned char* to = ring_ + chunk_index % Plan::kSlots * Plan::kSlotBytes;
    KERNELS_UNROLL
    for (std::uint32_t m = 0; m < Plan::kMatrices; ++m) {
      const std::uint8_t* from = weights_[m] + std::size_t{chunk} * Plan::kWeightBytes;
      for (std::uint32_t at = thread() * 16; at < bytes; at += Plan::kThreads * 16)
        copy16(to + m * Plan::kWeightBytes + at, from + at, true);
    }
  }

  KERNELS_DEVICE void activations(std::uint32_t chunk, std::uint32_t chunk_index,
                                  LinearArguments::Tokens tokens) const {
    constexpr std::uint32_t kPieces = Plan::kChunkCols / 8;
    unsigned char* to = ring_ + chunk_index % Plan::kSlots * Plan::kSlotBytes +
                        Plan::kMatrices * Plan::kWeightBytes;
    for (std::uint32_t i = thread(); i < kTokens * kPieces; i += Plan::kThreads) {
      const std::uint32_t token = i / kPieces;
      const std::uint32_t col = chunk * Plan::kChunkCols + i % kPieces * 8;
      const bool valid = tokens.first + token < tokens.last && col < args_.padded_cols;
      const std::size_t from = valid ? std::size_t{tokens.first + token} * args_.x_stride + col : 0;
      copy16(to + token * Plan::kRowBytes + i % kPieces * 16, args_.x + from, valid);
    }
  }

 private:
  const LinearArguments& args_;
  unsigned char* ring_;
  const std::uint8_t* weights_[Plan::kMatrices];
};

// The products of one quad (64 columns): k16 steps ascend, and in a step the parts of an element.
template <typename Tile, unsigned kTokens, bool kGated>
KERNELS_DEVICE void multiply_quad(float (&sums)[kGated ? 2 : 1][kTokens / 8][4],
                                  const unsigned char* slot, std::uint32_t quad) {
  using Plan = MmaPlan<Tile, kTokens, kGated>;
  constexpr std::uint32_t kRecordQuads = Tile::kRecordCols / 64;
  const unsigned char* rows = slot + Plan::kMatrices * Plan::kWeightBytes + quad * 128;
  typename Tile::Codes codes[Plan::kMatrices];
  KERNELS_UNROLL
  for (std::uint32_t m = 0; m < Plan::kMatrices; ++m)
    Tile::load(codes[m], slot + m * Plan::kWeightBytes + quad / kRecordQuads * Tile::kRecordBytes,
               quad % kRecordQuads, thread());
  KERNELS_UNROLL
  for (std::uint32_t pair = 0; pair < 2; ++pair) {
    std::uint32_t b[kTokens / 8][4];  // fragments of two steps
    KERNELS_UNROLL
    for (std::uint32_t j = 0; j < kTokens / 8; ++j)
      load_matrices(b[j],
                    rows + (j * 8 + lane() % 8) * Plan::kRowBytes + pair * 64 + lane() / 8 * 16);
    KERNELS_UNROLL
    for (std::uint32_t half = 0; half < 2; ++half) {
      KERNELS_UNROLL
      for (std::uint32_t m = 0; m < Plan::kMatrices; ++m) {
        KERNELS_UNROLL
        for (unsigned part = 0; part < Tile::kParts; ++part) {
          std::uint32_t a[4];
          Tile::fragment(codes[m], pair * 2 + half, part, a);
          KERNELS_UNROLL
          for (std::uint32_t j = 0; j < kTokens / 8; ++j) {
            const std::uint32_t step[2] = {b[j][2 * half], b[j][2 * half + 1]};
            mma_bf16(sums[m][j], a, step);
          }
        }
      }
    }
  }
}

template <typename Tile, unsigned kTokens, bool kGated>
KERNELS_DEVICE void linear_mma(const LinearArguments& args) {
  using Plan = MmaPlan<Tile, kTokens, kGated>;
  KERNELS_SHARED(shared);
  const LinearPlace place = place_of_block(args.grid, block_x(), block_y(), blocks_x());
  const std::uint32_t segment_count = args.grid.segment_count[place.matrix];
  const ChunkRange range =
      args.grid.apart
          ? segment_chunks(args.padded_cols, Plan::kChunkCols, segment_count, place.segment)
          : ChunkRange{0, divide_up(args.padded_cols, Plan::kChunkCols)};
  const std::uint32_t chunks = range.last - range.first;
  float* const scales = reinterpret_cast<float*>(shared + Plan::kScalesAt);
  const std::uint32_t ahead = Plan::kSlots - 1;
  const MmaFetch<Tile, kTokens, kGated> fetch(args, place, shared);

  // Which expert has rows is known from the kernels before this one: without rows, its weights are
  // not read. Weights themselves depend on no kernel, and belong to the first group of copies.
  if (args.expert_first != nullptr) {
    wait_for_former();
    const LinearArguments::Tokens tokens = args.tokens(place.token_tile * kTokens);
    if (tokens.first >= tokens.last) return;
  }
  for (std::uint32_t i = 0; i < ahead && i < chunks; ++i) fetch.weights(range.first + i, i);
  wait_for_former();
  allow_next();
  const LinearArguments::Tokens tokens = args.tokens(place.token_tile * kTokens);
  if (tokens.first >= tokens.last) {
    commit_copies();
    wait_copies<0>();
    return;
  }
  make_scales<kTokens>(args, tokens, scales);
  for (std::uint32_t i = 0; i < ahead; ++i) {
    if (i < chunks) fetch.activations(range.first + i, i, tokens);
    commit_copies();
  }

  float sums[Plan::kMatrices][kTokens / 8][4] = {};
  float total[Plan::kMatrices][kTokens / 8][4] = {};
  std::uint32_t segment = 0;  // of the block's own
  std::uint32_t segment_end =
      args.grid.apart ? chunks
                      : segment_chunks(args.padded_cols, Plan::kChunkCols, segment_count, 0).last;
  for (std::uint32_t i = 0; i < chunks; ++i) {
    wait_copies<Plan::kSlots - 2>();
    sync_block();  // this chunk is there for all, and all are done with the one before it
    if (i + ahead < chunks) {
      fetch.weights(range.first + i + ahead, i + ahead);
      fetch.activations(range.first + i + ahead, i + ahead, tokens);
    }
    commit_copies();
    const unsigned char* slot = shared + i % Plan::kSlots * Plan::kSlotBytes;
    const std::uint32_t quads =
        records_of_chunk(args.records, Tile::kChunkRecords, range.first + i) *
        (Tile::kRecordCols / 64);
    for (std::uint32_t quad = 0; quad < quads; ++quad)
      multiply_quad<Tile, kTokens, kGated>(sums, slot, quad);
    if (i + 1 == segment_end) {
      KERNELS_UNROLL
      for (std::uint32_t m = 0; m < Plan::kMatrices; ++m) {
        KERNELS_UNROLL
        for (std::uint32_t j = 0; j < kTokens / 8; ++j)
          add_segment(total[m][j], sums[m][j], segment);
      }
      ++segment;
      segment_end = segment_chunks(args.padded_cols, Plan::kChunkCols, segment_count, segment).last;
    }
  }

  float results[Plan::kMatrices][kTokens / 2];
  KERNELS_UNROLL
  for (std::uint32_t m = 0; m < Plan::kMatrices; ++m) {
    KERNELS_UNROLL
    for (std::uint32_t i = 0; i < kTokens / 2; ++i) results[m][i] = total[m][i / 4][i % 4];
  }
  if constexpr (!kGated) {
    if (args.grid.apart) {
      store_segment<kTokens>(args, results[0], place, place.first_tile, tokens, thread());
      return;
    }
  }
  finish_tile<kTokens, kGated>(args, results, place.matrix, place.first_tile, tokens, thread(),
                               scales);
  if constexpr (!kGated) {
    if (args.next.weight != nullptr)
      prepare_next<kTokens>(args, results[0], place.first_tile, true, tokens,
                            reinterpret_cast<float*>(shared));
  }
}

template <typename Tile, unsigned kTokens, bool kGated>
KERNELS_GLOBAL void KERNELS_BOUNDS(128, 1) linear_mma_kernel(LinearArguments args) {
  linear_mma<Tile, kTokens, kGated>(args);
}

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_LINEAR_MMA_KERNEL_H_
