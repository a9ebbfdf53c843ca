// What the kernels of the cache and of attention are launched with, and their shared memory.
#ifndef KERNELS_CUDA_ATTENTION_ARGUMENTS_H_
#define KERNELS_CUDA_ATTENTION_ARGUMENTS_H_

#include "kernels/cuda/attention.h"

namespace kernels::cuda {

// One layer of the cache. Offsets are bytes from `codes` and `scales`.
struct KvLayer {
  std::uint8_t* codes = nullptr;
  std::uint8_t* scales = nullptr;  // Q8_0
  std::uint32_t kv_heads = 0, head_dim = 0, blocks = 0;
  std::uint32_t block_shift = 0;   // block_tokens is 1 << block_shift
  std::uint32_t row_bytes = 0;     // a position of a head
  std::uint32_t scale_groups = 0;  // scales of a position of a head
};

// A layer's blocks are one run of bytes; so are a block's codes (and its scales) of a layer.
struct KvStrides {
  std::size_t block_bytes = 0, layer_bytes = 0;
  std::size_t scale_block_bytes = 0, scale_layer_bytes = 0;
  std::size_t scales_at = 0;  // from the cache's first byte
  std::size_t bytes = 0;      // of the cache
};

inline constexpr std::uint32_t kRopeWarps = 4;  // of a block, a head each
inline constexpr std::uint32_t kHeadDimMax = 256;
struct RopeStoreArguments {
  float* q = nullptr;
  const float* k = nullptr;
  const float* v = nullptr;
  std::uint32_t q_stride = 0, kv_stride = 0, q_heads = 0;
  RmsNorm q_norm, k_norm;
  Rope rope;
  RowTable rows;
  KvLayer kv;
};
inline constexpr std::uint32_t kRopeSharedBytes = kRopeWarps * kHeadDimMax * sizeof(float);

struct CopyBlockArguments {
  std::uint8_t* codes = nullptr;
  std::uint8_t* scales = nullptr;
  std::uint64_t layer_bytes = 0, block_bytes = 0, scale_layer_bytes = 0, scale_block_bytes = 0;
  std::uint32_t from = 0, to = 0;
};

struct AttentionArguments {
  const float* q = nullptr;
  std::uint16_t* out = nullptr;
  const float* sinks = nullptr;
  std::uint32_t q_stride = 0, out_stride = 0;
  // Query heads that read one kv head, up to 16 of them, are a group; where more do, they are
  // `parts` groups.
  std::uint32_t heads = 0;  // groups: kv heads * parts
  std::uint32_t group = 0;  // query heads of a group
  std::uint32_t parts = 1;
  float q_factor = 0;  // q is multiplied by it before it is rounded
  float cap = 0;       // softcap * log2 e; 0: none
  std::int32_t window = 0;
  RowTable rows;
  bool only_singles = false;  // no two rows are of one sequence
  KvLayer kv;
  std::uint32_t* counters = nullptr;  // [partial_slots][heads]: a row's is that of its first slot
  float* partials = nullptr;          // [partial_slots][heads][group][2 + head_dim]
  std::uint32_t partial_slots = 0;
};

// The form of a kernel: `kTilesT` tiles of 16 rows to a block, `kShareT` warps to a tile.
template <KvFormat kFormatT, std::uint32_t kDimT, std::uint32_t kTilesT, std::uint32_t kShareT>
struct AttentionForm {
  static constexpr KvFormat kFormat = kFormatT;
  static constexpr bool kCodes = kFormat == KvFormat::kQ8_0;
  static constexpr std::uint32_t kDim = kDimT, kTiles = kTilesT, kShare = kShareT;
  static constexpr std::uint32_t kThreads = 32 * kTiles * kShare;
  static constexpr std::uint32_t kRows = 16 * kTiles;
  static constexpr std::uint32_t kScoreBlocks =
      kTilePositions / kShare / 8;                                // 8 positions each, of a warp
  static constexpr std::uint32_t kSumBlocks = kDim / kShare / 8;  // 8 dimensions each, of a warp

  // Shared memory, in bytes: queries; a tile of keys and one of values as f16, or one for both and
  // the codes and scales they are made of; weights; the largest score of every row as each of its
  // warps has it.
  static constexpr std::uint32_t kTileBytes = kTilePositions * kDim * 2;
  static constexpr std::uint32_t kStageBytes =
      kTilePositions * kDim + kTilePositions * (kDim / 32) * 2;
  static constexpr std::uint32_t kQueries = 0;
  static constexpr std::uint32_t kKeys = kQueries + kRows * kDim * 2;
  static constexpr std::uint32_t kValues = kCodes ? kKeys : kKeys + kTileBytes;
  static constexpr std::uint32_t kKeyCodes = kValues + kTileBytes;
  static constexpr std::uint32_t kValueCodes = kKeyCodes + (kCodes ? kStageBytes : 0);
  static constexpr std::uint32_t kWeights = kValueCodes + (kCodes ? kStageBytes : 0);
  static constexpr std::uint32_t kLargest = kWeights + kRows * kTilePositions * 2;
  static constexpr std::uint32_t kIsLast = kLargest + kRows * kShare * 4;
  static constexpr std::uint32_t kSharedBytes = kIsLast + 16;
  // The least that a supported GPU gives a block (compute capability 8.6, 8.9 and 12.0: 99 KiB).
  static_assert(kSharedBytes <= 99 * 1024);
};

template <KvFormat kFormat, std::uint32_t kDim>
using DecodeForm = AttentionForm<kFormat, kDim, 1, 4>;
template <KvFormat kFormat, std::uint32_t kDim>
using PrefillForm = AttentionForm<kFormat, kDim, kDim == 256 ? 3 : 4, 2>;

inline constexpr std::uint32_t kGroupHeadsMax = 16;
inline constexpr std::uint32_t kDecodeThreads = DecodeForm<KvFormat::kF16, 64>::kThreads;
// Of decode that a processor has registers for at once.
constexpr std::uint32_t decode_blocks(std::uint32_t head_dim) {
  return head_dim > 128 ? 2 : 3;
}

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_ATTENTION_ARGUMENTS_H_
