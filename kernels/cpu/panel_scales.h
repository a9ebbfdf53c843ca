// The scales of one block of one row, written into their lane of a panel and read back, for every
// kind of formats/block_format.h. For packed_weight.cc alone.
#ifndef KERNELS_CPU_PANEL_SCALES_H_
#define KERNELS_CPU_PANEL_SCALES_H_

#include <cstddef>
#include <cstdint>

#include "kernels/block_codes.h"
#include "kernels/formats/block_format.h"

namespace kernels::cpu {

// Bytes of the scales of one block (32 or 256 columns) of a panel.
std::size_t scale_bytes(formats::ScaleKind kind);

// `scales`: scale_bytes(kind), of which those of row `lane` are written or read.
void write_scales(formats::ScaleKind kind, const BlockCodes& codes, std::size_t lane,
                  std::uint8_t* scales);
void read_scales(formats::ScaleKind kind, const std::uint8_t* scales, std::size_t lane,
                 BlockCodes* out);

}  // namespace kernels::cpu

#endif  // KERNELS_CPU_PANEL_SCALES_H_
