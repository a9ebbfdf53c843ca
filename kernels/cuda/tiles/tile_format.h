// How weights lie in GPU memory: as the tensor cores want them.
//
// A matrix [rows, cols] is cut into tiles of 64 rows. A tile is a run of records, ascending in
// columns; a record holds 64 or 256 columns of the tile's rows, codes first, scales after them. So
// a tile's part of any range of columns is one run of bytes, and is copied as such. Rows and
// columns beyond the matrix's are zeros.
//
// Inside a record the codes lie by lane: warp w holds rows 16 w … 16 w + 15, and lane (g, c) the
// elements of its A fragments (portable.h), so that one 16-byte load gives a lane the codes of
// several k16 steps. mma and wgmma have the same fragment, and so one layout serves every
// architecture.
//
// Elements become bf16 (F32 and F16: two, high part and rest, so that 16 bits of significand are
// kept); every other format than those below is repacked as bf16 when it is loaded.
#ifndef KERNELS_CUDA_TILES_TILE_FORMAT_H_
#define KERNELS_CUDA_TILES_TILE_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "kernels/ops.h"

namespace kernels::cuda {

enum class TileFormat : std::uint8_t {
  kBf16,
  kSplitBf16,
  kE4m3,
  kQ8_0,
  kQ4_0,
  kQ4_K,
  kQ6_K,
  kMxfp4
};
inline constexpr std::size_t kTileFormats = 8;
const char* tile_format_name(TileFormat format);

inline constexpr std::uint32_t kTileRows = 64;

struct TileShape {
  TileFormat format = TileFormat::kBf16;
  std::uint32_t rows = 0;  // of the matrix
  std::uint32_t cols = 0;
  std::uint32_t row_tiles = 0;
  std::uint32_t records = 0;       // of a tile
  std::uint32_t record_cols = 0;   // 64 or 256
  std::uint32_t record_bytes = 0;  // a multiple of 16
  std::uint32_t padded_cols() const {
    return records * record_cols;
  }  // what activations have, zeros beyond cols
  std::size_t tile_bytes() const { return std::size_t{records} * record_bytes; }
  // kE4m3 has a float per row (of row_tiles * 64) behind the last tile.
  std::size_t bytes() const;
};

// What a file's format becomes. `fp8`: BF16, F16 and F32 matrices are rounded to e4m3 with a scale
// per row.
TileFormat tile_format_of(Format format, bool fp8);
// Nothing where rows or cols are zero or too large, or cols do not fit the format's blocks.
std::optional<TileShape> tile_shape(TileFormat format, std::size_t rows, std::size_t cols);

// Packs tiles first … first + count - 1 of `source` to `to` (host; count * tile_bytes(), 64-byte
// aligned, any contents). Tiles are independent: threads share them out.
void pack_tiles(const TileShape& shape, const WeightSource& source, std::uint32_t first,
                std::uint32_t count, std::uint8_t* to);
// The row scales of kE4m3, [row_tiles * 64]; nothing for other formats.
void pack_row_scales(const TileShape& shape, const WeightSource& source, float* to);
// Element (row, col) of packed tiles as the kernels see it (the bf16 that is multiplied, times the
// row's scale).
float tile_element(const TileShape& shape, const std::uint8_t* tiles, std::uint32_t row,
                   std::uint32_t col);

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_TILES_TILE_FORMAT_H_
