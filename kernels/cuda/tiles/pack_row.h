// One row of a zeroed record, on the host: the other direction of the tiles' load and fragment.
// `row` is 0 … 63 of the tile. What is not packed stays zero, and every format reads zeros as an
// element of zero.
#ifndef KERNELS_CUDA_TILES_PACK_ROW_H_
#define KERNELS_CUDA_TILES_PACK_ROW_H_

#include <cstddef>
#include <cstdint>

#include "kernels/block_codes.h"
#include "kernels/cuda/tiles/all_tiles.h"

namespace kernels::cuda {

// From kRecordCols values.
void pack_row(Bf16Tile, unsigned char* record, std::uint32_t row, const float* values);
void pack_row(SplitBf16Tile, unsigned char* record, std::uint32_t row, const float* values);
// `scale` as e4m3_scale gives it for the whole row; unless it is positive all codes are zero.
void pack_row(E4m3Tile, unsigned char* record, std::uint32_t row, const float* values, float scale);

// From the row's blocks of this record: one, or up to two of 32 columns.
void pack_row(Q8_0Tile, unsigned char* record, std::uint32_t row, const BlockCodes* blocks,
              std::uint32_t count);
void pack_row(Q4_0Tile, unsigned char* record, std::uint32_t row, const BlockCodes* blocks,
              std::uint32_t count);
void pack_row(Mxfp4Tile, unsigned char* record, std::uint32_t row, const BlockCodes* blocks,
              std::uint32_t count);
void pack_row(Q4_KTile, unsigned char* record, std::uint32_t row, const BlockCodes* blocks,
              std::uint32_t count);
void pack_row(Q6_KTile, unsigned char* record, std::uint32_t row, const BlockCodes* blocks,
              std::uint32_t count);

// The nearest e4m3, ties to even, saturating at 448. `value` is a number.
std::uint8_t e4m3_code(float value);
// A row's scale: its largest magnitude / 448. NaN where a value is not finite: then all of the row
// is NaN.
float e4m3_scale(const float* values, std::size_t count);

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_TILES_PACK_ROW_H_
