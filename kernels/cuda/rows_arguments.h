// What the row kernels are launched with.
#ifndef KERNELS_CUDA_ROWS_ARGUMENTS_H_
#define KERNELS_CUDA_ROWS_ARGUMENTS_H_

#include <cstdint>

#include "kernels/cuda/rows.h"

namespace kernels::cuda {

using EmbedArguments = EmbedCall;
using PadArguments = PadCall;
using GateArguments = GateCall;
using AddSegmentsArguments = AddSegmentsCall;
using JoinArguments = JoinCall;
using LogitStatsArguments = LogitStatsCall;

struct NormArguments : NormCall {
  bool aligned = false;  // x and weight may be read 16 bytes at a time
};

inline constexpr std::uint32_t kRowSharedBytes = 64;  // a float per warp

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_ROWS_ARGUMENTS_H_
