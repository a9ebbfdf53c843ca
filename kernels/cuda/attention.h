// Keys and values into the paged cache, and attention over it.
//
// The cache: [layer][block][K, V][kv_head][block_tokens][head_dim] of binary16 (saturated, so that
// no infinity ever lies in it) or of Q8_0's int8 codes, and behind all codes Q8_0's scales,
// [layer][block][K, V][kv_head][head_dim / 32][block_tokens]. So 16 positions of a head are one run
// of bytes. A key or value with a NaN makes the whole key NaN (f16: its first element; Q8_0: its
// first scale) and never lies among the values: whoever sees the position gets NaN, and nobody else
// can, though a tensor core multiplies the values that a row may not see as well, by zero.
//
// ORDER, by absolute position alone. Splits of 256 positions at multiples of 256, each begun
// afresh; in a split tiles of 64 positions ascend (Dao et al. 2022, algorithm 1, in powers of 2):
//
//   q'       = f16(q * (scale * log2 e))
//   score    = sum of q' * k, dimensions ascending in k16 steps (mma m16n8k16, f32)
//   largest' = max(largest, scores of the tile)
//   rescale  = 2^(largest - largest')
//   weight   = f16(2^(score - largest'))
//   sums     = sums * rescale, and onto that the sum of weight * v, positions ascending in k16
//              steps; v is f16, or f16(code * scale)
//   total    = likewise with v = 1: the weights' sum is one more column of the same product
//
// Splits are merged ascending, sums = fma(the split's, take, sums * keep), total alike, and
// out = bf16(sums * (1 / total)). Positions that a row may not see have weight exactly zero; a tile
// or a split with none that it may see changes nothing.
//
// Sixteen rows share an instruction: the query heads of a group (those of one kv head; where they
// are more than 16, equal parts of them) at one position or at several adjacent ones. Two or four
// warps share those rows: each computes the scores of its positions and the sums of its dimensions,
// so that an element is always the same chain of instructions. A row that is the only one of its
// sequence is "decode": a block to a split, and the last to arrive (an integer counter says who)
// merges all; or, where the workspace has no room for its splits, one block for all of them in
// turn. All other rows are "prefill": up to 64 of a sequence to a block, which runs all splits in
// turn. One function merges, so all of these give the same bits.
#ifndef KERNELS_CUDA_ATTENTION_H_
#define KERNELS_CUDA_ATTENTION_H_

#include "kernels/cuda/device.h"
#include "kernels/cuda/row_count.h"

namespace kernels::cuda {

inline constexpr std::uint32_t kSplitPositions = 256;
inline constexpr std::uint32_t kTilePositions = 64;

// A KvCache's memory as kernels address it.
struct KvMemory {
  void* data = nullptr;  // device, 256-byte aligned
  KvFormat format = KvFormat::kF16;
  std::uint32_t layers = 0, kv_heads = 0, head_dim = 0, block_tokens = 0, blocks = 0;
};
// 0: not supported (kF32; head_dim not a multiple of 16 or over 256; block_tokens no power of two
// of 16 to 256; too large).
std::size_t kv_memory_bytes(const KvShape& shape, KvFormat format);

// Device copies of kernels::Rows.
struct RowTable {
  RowCount n;
  const std::int32_t* positions = nullptr;
  const std::int32_t* sequences = nullptr;
  const std::int32_t* block_tables = nullptr;
  std::uint32_t block_table_stride = 0;
};

struct RopeStoreCall {
  float* q = nullptr;
  std::uint32_t q_stride = 0, q_heads = 0;
  const float* k = nullptr;
  const float* v = nullptr;
  std::uint32_t kv_stride = 0;
  RmsNorm q_norm, k_norm;
  Rope rope;
  RowTable rows;
  KvMemory cache;
  std::uint32_t layer = 0;
};

struct AttentionCall {
  const float* q = nullptr;  // rotated, f32
  std::uint32_t q_stride = 0, q_heads = 0;
  float scale = 0;
  float softcap = 0;  // > 0: score = softcap * tanh(score / softcap)
  const float* sinks =
      nullptr;  // device, [q_heads], or null: a score per head that has a weight, but no value
  std::int32_t window = 0;
  std::uint16_t* out = nullptr;  // bf16 [n, out_stride]
  std::uint32_t out_stride = 0;  // bf16 elements, even; `out` 4-byte aligned
  RowTable rows;
  bool decode = false;  // every row is of another sequence: splits may run side by side
  std::uint32_t positions_max =
      0;  // no row's position is larger (an upper bound will do: work is found on the device)
  KvMemory cache;
  std::uint32_t layer = 0;
  void* workspace = nullptr;  // device, 256-byte aligned; counters in it are zero before and after.
                              // Null: splits run one after the other
  std::size_t workspace_bytes = 0;  // as attention_workspace_bytes has it
};

inline constexpr std::size_t kKvKernelFormats = 2;  // f16, Q8_0
inline constexpr std::size_t kHeadDims = 3;         // head_dim up to 64, 128, 256
struct AttentionKernels {
  Kernel rope_store[kKvKernelFormats];
  Kernel decode[kKvKernelFormats][kHeadDims];
  Kernel prefill[kKvKernelFormats][kHeadDims];
  Kernel copy_block;
};
AttentionKernels attention_kernels();
AttentionKernels emulated_attention_kernels();

// Partial results for 16 times the splits of the longest context (256 at least, 2,048 at most),
// which is how many run side by side, of all rows together; and counters. It follows from
// heads_max, head_dim_max and context_tokens_max alone.
std::size_t attention_workspace_bytes(const Limits& limits, std::size_t kv_heads,
                                      std::size_t processors);
Status run_rope_store(Device& device, const AttentionKernels& kernels, const RopeStoreCall& call);
Status run_attention(Device& device, const AttentionKernels& kernels, const AttentionCall& call);
Status run_copy_block(Device& device, const AttentionKernels& kernels, const KvMemory& cache,
                      std::int32_t from, std::int32_t to);

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_ATTENTION_H_
