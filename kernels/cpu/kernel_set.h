// The border between the CPU backend and its instruction
// sets: plain structs, and one table of functions per ISA.
//
// Everything on this side is compiled for the baseline processor and decides who computes what;
// everything behind the table is compiled for one ISA and computes. Both sides include this header,
// so it holds no inline function: a linker that met the same inline function compiled twice could
// keep the copy an older processor cannot run.
#ifndef KERNELS_CPU_KERNEL_SET_H_
#define KERNELS_CPU_KERNEL_SET_H_

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"
#include "kernels/ops.h"

namespace kernels::cpu {

// Output rows of a panel, and lanes of a vector, whatever the register width.
constexpr std::size_t kLanes = 16;
constexpr std::size_t kBlock = 32;     // elements that share one activation scale
constexpr std::size_t kTileRows = 12;  // activation rows that lie together
// Positions of one attention split: a multiple of every block_tokens.
constexpr std::size_t kSplit = 256;
// Queries one attention task takes together: of a few rows, where the splits of a sequence are
// spread over threads, or of many, where each task does all splits of its rows.
constexpr std::size_t kTileQueries = 16;
constexpr std::size_t kBigTileQueries = 96;

// A matrix repacked into panels (packed_weight.h). Offsets are from the start of a panel.
struct PackedWeight {
  Format format;
  std::size_t rows;
  std::size_t cols;
  std::size_t panels;
  std::size_t panel_bytes;
  std::size_t upper_offset;  // bits five and up of the codes, where the format has them
  std::size_t scale_offset;
  const std::uint8_t* data;  // 64-byte aligned
};

// 32 elements of one quantised activation row: value = scale * q. One cache line.
// The sums serve formats whose codes are shifted to be unsigned:
//   sum (code - z) * q = sum code * q - z * sum q
struct alignas(64) QuantBlock {
  std::int8_t q[kBlock];
  float scale;              // largest magnitude / 127
  float minus_sum;          // -(scale * sum of q)
  std::int32_t start8;      // -8 * sum of q
  std::int32_t start128;    // -128 * sum of q
  std::int32_t start32[2];  // -32 * sum of q, for the first and the second 16 elements
  float minus_sums[2];      // -(scale * sum of q), for each half
};

// The n input rows of a linear operation in tiles of kTileRows (the last may have fewer: m): within
// a tile element k of row i lies at [k * m + i], so that a kernel reads one stream whatever m is.
//   quant   [tile][cols / 32][m] blocks          floats   [tile][cols][m]
struct Activations {
  const QuantBlock* quant;
  const float* floats;
  std::size_t n;
  std::size_t cols;
};

// Normalises one row and spreads it into its tile; quant or floats may be null.
struct RowJob {
  const float* x;
  std::size_t cols;
  RmsNorm norm;
  QuantBlock* quant;   // block b at quant[b * stride]
  float* floats;       // element k at floats[k * stride]
  std::size_t stride;  // rows of the tile
};

enum class Epilogue : std::uint8_t {
  kStore,  // out = sum + bias
  kAdd,    // out += sum + bias
  kGated,  // out = silu(gate sum) * up sum
};

struct LinearJob {
  Epilogue epilogue;
  const PackedWeight* weight;
  const PackedWeight* up;  // kGated only
  const float* bias;       // or null
  float* out;
  std::size_t out_stride;
};

// The elements of (block, head) are groups of 16 positions: keys [head_dim][16 positions], values
// [16 positions][padded_dim]. With kQ8_0 these are int8 codes, and behind those of a group are its
// binary16 scales, [blocks of 32 dimensions][16 positions]; head_dim may end within a block.
struct KvView {
  KvFormat format;
  std::size_t head_dim;
  std::size_t padded_dim;  // head_dim rounded up to kLanes; padding is zero
  std::size_t block_tokens;
  std::size_t block_bytes;  // from a block to the next
  std::size_t head_bytes;   // from a head to the next within a block
  std::size_t group_bytes;  // from a group to the next within a head
  std::uint8_t* keys;       // of one layer
  std::uint8_t* values;
};

// One row's part of Ops::rope_store.
struct RopeJob {
  const Ops::RopeStore* args;
  const KvView* view;
  std::size_t kv_heads;
  std::size_t row;
  std::size_t block;
  std::size_t slot;
};

// What one attention task works on: the query heads of one
// KV head, of adjacent rows of one sequence.
struct AttentionTile {
  const Ops::Attention* args;
  const KvView* view;
  const std::int32_t* block_table;  // of the sequence
  std::size_t first_row;
  std::size_t rows;
  std::size_t first_position;  // of first_row
  std::size_t kv_head;
  std::size_t group;  // query heads per KV head
};

// The softmax of some positions for one query: [padded_dim] sums weighted by exp(score - max), then
// max and the sum of the weights. A sum of zero says that no position was seen. Partials lie
// `partial_floats(padded_dim)` apart.
constexpr std::size_t kPartialExtra = kLanes;

// Working memory of one thread.
struct AttentionScratch {
  float* queries;  // the tile's queries as its kernels read them
  float* scores;   // [queries, kSplit]
  float* lanes;    // [queries, kLanes]: the largest score, then the sum of weights, of each lane
  float* widened;  // keys or values as floats: kWidenedFloats, or kWidenedGroupsMin groups if more
};

// Groups that are widened together fill 32 KiB, which leaves room for scores in a first-level
// cache; but never fewer than four, which are scored together.
constexpr std::size_t kWidenedFloats = 4096;
constexpr std::size_t kWidenedGroupsMin = 4;

struct KernelSet {
  const char* name;

  void (*prepare_row)(const RowJob& job);
  // Panels first … last - 1 for all rows of x.
  void (*linear)(const LinearJob& job, const Activations& x, std::size_t first, std::size_t last);
  void (*rope_store)(const RopeJob& job);
  // Lays the tile's queries out in scratch, for attend_split.
  void (*pack_queries)(const AttentionTile& tile, float* queries);
  // Positions of split `split` for every query of the tile.
  void (*attend_split)(const AttentionTile& tile, std::size_t split,
                       const AttentionScratch& scratch, float* partials);
  // state = state merged with partial, for `queries` queries; a state begins as zeros.
  void (*merge_partials)(float* state, const float* partials, std::size_t queries,
                         std::size_t padded_dim);
  // Divides by the sum of weights and writes the rows of the tile.
  void (*write_attention)(const AttentionTile& tile, const float* state);
  // max of x, and sum of exp(x - max), of `count` logits.
  void (*logit_chunk)(const float* x, std::size_t count, float* max, float* sum);
};

const KernelSet& plain_kernels();
const KernelSet& avx2_kernels();
const KernelSet& avx512_kernels();
const KernelSet& amx_kernels();

}  // namespace kernels::cpu

#endif  // KERNELS_CPU_KERNEL_SET_H_
