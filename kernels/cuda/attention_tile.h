// A tile of 64 positions of keys or values, and the queries, in shared memory as binary16.
//
// Rows of kDim elements; the 16-byte chunk q of row r lies at chunk q ^ (r % 8), so that eight
// rows' chunks of one number are in different banks (ldmatrix reads those, cp.async writes whole
// rows). Positions that no row of the block may see are zeros, as are dimensions beyond head_dim.
#ifndef KERNELS_CUDA_ATTENTION_TILE_H_
#define KERNELS_CUDA_ATTENTION_TILE_H_

#include <bit>

#include "kernels/cuda/attention_rows.h"

// A loop that is not unrolled whole: its addresses would be made before it, and take the registers
// that sums need.
#ifdef __CUDACC__
#define KERNELS_UNROLL_TWICE _Pragma("unroll 2")
#else
#define KERNELS_UNROLL_TWICE
#endif

namespace kernels::cuda {
#ifdef __CUDACC__
inline namespace for_gpus {
#else
inline namespace for_emulator {
#endif

struct alignas(16) Chunk {
  std::uint32_t at[4];
};

template <std::uint32_t kDim>
KERNELS_DEVICE std::uint32_t tile_offset(std::uint32_t row, std::uint32_t chunk) {
  return row * kDim * 2 + ((chunk ^ (row % 8)) * 16);
}

// Calls use(position in the tile, 16-byte chunk of the memory's row) for this thread's share. The
// share is the same for every tile, and in runs of 16 positions, which lie together whatever the
// size of a block of the cache.
template <typename Form, typename Use>
KERNELS_DEVICE void for_own_chunks(std::uint32_t run, const Use& use) {
  constexpr std::uint32_t kRowChunks = Form::kDim * (Form::kCodes ? 1 : 2) / 16;
  KERNELS_UNROLL
  for (std::uint32_t i = thread(); i < 16 * kRowChunks; i += Form::kThreads) {
    use(run * 16 + i / kRowChunks, i % kRowChunks);
  }
}

// Begins to copy the codes' scales: [group][64 positions] of binary16.
template <typename Form>
KERNELS_DEVICE void copy_scales(const AttentionArguments& a, const BlockRows& rows,
                                std::uint32_t which, std::int32_t first, unsigned char* to) {
  const KvLayer& kv = a.kv;
  for (std::uint32_t i = thread(); i < kv.scale_groups * 8; i += Form::kThreads) {
    const std::uint32_t group = i / 8;
    const std::int32_t position = first + static_cast<std::int32_t>(i % 8 * 8);
    const bool seen = position + 7 >= rows.visible.first && position <= rows.visible.last;
    const std::uint32_t block = seen ? block_of(a.rows, kv, rows.row, position) : kv.blocks;
    const bool valid = block < kv.blocks;
    const std::size_t slot = valid ? first_slot(kv, block, which, rows.kv_head) * kv.scale_groups +
                                         (static_cast<std::size_t>(group) << kv.block_shift) +
                                         slot_of(kv, position)
                                   : 0;
    copy16(to + (group * kTilePositions + i % 8 * 8) * 2, kv.scales + slot * 2, valid);
  }
}

// Begins to copy keys (which = 0) or values (1) of positions first … first + 63: f16 to `tile`, or
// codes and scales to `stage`.
template <typename Form>
KERNELS_DEVICE void begin_tile(const AttentionArguments& a, const BlockRows& rows,
                               std::uint32_t which, std::int32_t first, unsigned char* to) {
  const KvLayer& kv = a.kv;
  KERNELS_UNROLL_TWICE
  for (std::uint32_t run = 0; run < kTilePositions / 16; ++run) {
    const std::int32_t position = first + static_cast<std::int32_t>(run * 16);
    const bool seen = position + 15 >= rows.visible.first && position <= rows.visible.last;
    const std::uint32_t block = seen ? block_of(a.rows, kv, rows.row, position) : kv.blocks;
    const bool known = block < kv.blocks;
    const std::size_t slot =
        known ? first_slot(kv, block, which, rows.kv_head) + slot_of(kv, position) : 0;
    const std::uint8_t* from = kv.codes + slot * kv.row_bytes;
    for_own_chunks<Form>(run, [&](std::uint32_t row, std::uint32_t chunk) {
      const bool valid = known && chunk * 16 < kv.row_bytes &&
                         rows.visible.has(first + static_cast<std::int32_t>(row));
      const std::uint32_t at =
          Form::kCodes ? row * Form::kDim + chunk * 16 : tile_offset<Form::kDim>(row, chunk);
      copy16(to + at, valid ? from + (row % 16) * kv.row_bytes + chunk * 16 : kv.codes, valid);
    });
  }
  if constexpr (Form::kCodes) {
    copy_scales<Form>(a, rows, which, first, to + kTilePositions * Form::kDim);
  }
}

// Four codes as floats, exactly: 2^23 + 128 + code is a float whose last eight bits are the code's,
// but for the top one.
KERNELS_DEVICE void codes_to_floats(std::uint32_t codes, float (&out)[4]) {
  const std::uint32_t raised = codes ^ 0x80808080U;
  KERNELS_UNROLL
  for (std::uint32_t i = 0; i < 4; ++i) {
    out[i] = std::bit_cast<float>(((raised >> (8 * i)) & 0xffU) | 0x4b000000U) - 8388736.0F;
  }
}

// Codes and scales in `stage` become f16(code * scale) in `tile`. All threads see the stage when it
// is called.
template <typename Form>
KERNELS_DEVICE void widen_tile(const AttentionArguments& a, const BlockRows& rows,
                               std::int32_t first, const unsigned char* stage,
                               unsigned char* tile) {
  const auto* scales = reinterpret_cast<const std::uint16_t*>(stage + kTilePositions * Form::kDim);
  KERNELS_UNROLL_TWICE
  for (std::uint32_t run = 0; run < kTilePositions / 16; ++run) {
    for_own_chunks<Form>(run, [&](std::uint32_t row, std::uint32_t chunk) {
      // A scale beyond what is visible may be anything.
      const bool valid =
          chunk * 16 < a.kv.row_bytes && rows.visible.has(first + static_cast<std::int32_t>(row));
      const float scale = valid ? from_f16(scales[chunk / 2 * kTilePositions + row]) : 0.0F;
      const Chunk codes = *reinterpret_cast<const Chunk*>(stage + row * Form::kDim + chunk * 16);
      KERNELS_UNROLL
      for (std::uint32_t half = 0; half < 2; ++half) {
        Chunk wide;
        KERNELS_UNROLL
        for (std::uint32_t i = 0; i < 2; ++i) {
          float x[4];
          codes_to_floats(codes.at[half * 2 + i], x);
          wide.at[2 * i] = pack_f16(x[0] * scale, x[1] * scale);
          wide.at[2 * i + 1] = pack_f16(x[2] * scale, x[3] * scale);
        }
        *reinterpret_cast<Chunk*>(tile + tile_offset<Form::kDim>(row, chunk * 2 + half)) = wide;
      }
    });
  }
}

// The block's queries, times q_factor, as f16. Rows that do not exist are zeros.
template <typename Form>
KERNELS_DEVICE void load_queries(const AttentionArguments& a, const BlockRows& rows,
                                 unsigned char* queries) {
  constexpr std::uint32_t kRowChunks = Form::kDim / 8;
  for (std::uint32_t i = thread(); i < Form::kRows * kRowChunks; i += Form::kThreads) {
    const std::uint32_t index = i / kRowChunks, chunk = i % kRowChunks;
    const TileRow row = tile_row(a, rows, index);
    Chunk made = {{0, 0, 0, 0}};
    if (row.exists && chunk * 8 < a.kv.head_dim) {
      const float* q = a.q + static_cast<std::size_t>(row.row) * a.q_stride +
                       row.head * a.kv.head_dim + chunk * 8;
      KERNELS_UNROLL
      for (std::uint32_t pair = 0; pair < 4; ++pair) {
        made.at[pair] = pack_f16(q[2 * pair] * a.q_factor, q[2 * pair + 1] * a.q_factor);
      }
    }
    *reinterpret_cast<Chunk*>(queries + tile_offset<Form::kDim>(index, chunk)) = made;
  }
}
}
}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_ATTENTION_TILE_H_
