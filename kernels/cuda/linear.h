// Linear operations: out = weight x (+ bias), residual + weight x, act(gate x) * (up x). One kernel
// family from one row to prefill: 64 rows of a weight are the tensor core's M, rows of activations
// its N.
//
// ORDER OF SUMMATION, by weight shape and format alone: the columns are cut into S segments (S = 1,
// 2 or 4, whole stages of 256 columns, segments(shape)); inside a segment k16 steps ascend in one
// accumulator that starts at zero; segments are added in ascending order, ((s0 + s1) + s2) + s3;
// then the weight row's scale (e4m3), the norm's scale of the row of activations, the bias, the
// residual. On sm_90a, where rows are few, a segment is
// a block, and the S blocks of a tile are a cluster, which adds through distributed shared memory.
// Otherwise one block runs them one after the other. So the number of rows, their places, and the
// tile of rows never change a bit.
#ifndef KERNELS_CUDA_LINEAR_H_
#define KERNELS_CUDA_LINEAR_H_

#include "kernels/cuda/device.h"
#include "kernels/cuda/row_count.h"
#include "kernels/cuda/tiles/tile_format.h"

namespace kernels::cuda {

inline constexpr std::uint32_t kStageCols = 256;
inline constexpr std::uint32_t kMatricesMax = 4;
// Two for each SM of the largest GPUs: one warpgroup alone cannot dequantise as fast as memory
// delivers.
inline constexpr std::uint32_t kBlocksWanted = 256;

// As many that a matrix makes kBlocksWanted blocks, as long as a segment has two stages.
std::uint32_t segments(const TileShape& shape);

// A matrix in device memory and what becomes of its products.
struct LinearMatrix {
  TileShape shape;
  const std::uint8_t* tiles = nullptr;  // device, 256-byte aligned
  const float* bias = nullptr;          // [rows] or null
  float* out = nullptr;                 // [n, out_stride >= rows of an expert]; unused in kGated
  std::uint32_t out_stride = 0;         // floats
  // Of its columns; 0: segments(shape). A part of a matrix has those of the whole, so that its sums
  // have the whole one's bits.
  std::uint32_t segment_count = 0;
  const float* row_scales = nullptr;  // kE4m3: [rows]; null: behind the last tile
};

// The scale of a normalised row, which comes behind the product: x is then bf16(row * weight)
// (rows.h, NormCall).
struct NormScale {
  const float* square_sums = nullptr;  // device, [n, square_sum_count(cols)]; null: no scale
  std::uint32_t cols = 0;              // of the row that was squared
  float eps = 0;
};

// What the next operation reads of the rows that kAdd has written, so that it need not begin with a
// norm: bf16(row * weight) and the sums of its squares, as NormCall would make them. Of matrices of
// a multiple of 256 rows.
struct NextNorm {
  const float* weight = nullptr;  // [rows]; null: nothing is wanted
  std::uint16_t* x = nullptr;     // bf16 [n, x_stride]
  std::uint32_t x_stride = 0;
  float* square_sums = nullptr;  // [n, square_sum_count(rows)]
};

enum class LinearMode : std::uint8_t {
  kStore,     // out = …
  kAdd,       // out += …
  kSegments,  // the segments' sums as they are, one below the other: segment i of row m is
              // out[(i * n.rows_max + m) * out_stride …]; neither scale nor bias. rows.h adds them.
  kGated,  // matrices[0] is gate, [1] is up, of one shape and format: hidden = bf16(silu(gate x) *
           // (up x))
};

struct LinearCall {
  LinearMode mode = LinearMode::kStore;
  const LinearMatrix* matrices = nullptr;
  std::uint32_t matrix_count = 0;  // 1 … kMatricesMax, all of one format and as many columns
  const std::uint16_t* x =
      nullptr;  // device; bf16 [n, x_stride], zeros from cols to padded_cols; 16-byte aligned rows
  std::uint32_t x_stride = 0;  // bf16 elements, a multiple of 8
  RowCount n;
  NormScale scale;                  // not with kSegments
  NextNorm next;                    // kAdd
  std::uint16_t* hidden = nullptr;  // kGated: bf16 [n, hidden_stride]
  std::uint32_t hidden_stride = 0;

  // Experts (moe.h): each matrix is that many, one below the other, of a multiple of 64 rows each;
  // zero: it is one. Rows of x, and of out or hidden, then lie expert by expert: expert e's are
  // expert_first[e] … expert_first[e + 1] - 1, no more than n.rows_max (n.rows is null). A row's
  // bits are those that its expert gives alone, as a matrix of its own.
  std::uint32_t experts = 0;
  const std::uint32_t* expert_first = nullptr;  // device, [experts + 1], ascending
  std::uint32_t x_rows = 0;  // about as many rows x has: chooses a tile, changes no bit
};

// The kernels of one architecture, by format and by tile of rows. Which tile is used changes no
// bit.
struct LinearKernels {
  struct Tile {
    std::uint32_t rows = 0;    // of activations
    std::uint32_t groups = 1;  // neighbouring tiles of a weight in a block, 128 threads each
  };
  static constexpr std::size_t kTiles = 4;
  Kernel kernels[kTileFormats][kTiles];  // kStore and kAdd
  Kernel gated[kTileFormats][kTiles];    // kGated
  Tile tiles[kTiles];                    // of `kernels`, ascending; zero rows: there are fewer
  Tile gated_tiles[kTiles];
  bool clusters = false;  // blocks may share a tile's segments: sm_90a's
};
LinearKernels mma_linear_kernels();    // sm_80 and everything after it
LinearKernels wgmma_linear_kernels();  // sm_90a
LinearKernels emulated_mma_linear_kernels();
LinearKernels emulated_wgmma_linear_kernels();

Status run_linear(Device& device, const LinearKernels& kernels, const LinearCall& call);

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_LINEAR_H_
