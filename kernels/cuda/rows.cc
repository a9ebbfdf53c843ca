#include "kernels/cuda/rows.h"

#include "kernels/check.h"
#include "kernels/cuda/rows_arguments.h"

namespace kernels::cuda {
namespace {

LaunchShape one_block_a_row(std::uint32_t rows, std::uint32_t shared_bytes = 0) {
  LaunchShape shape;
  shape.grid_x = rows;
  shape.threads = kRowThreads;
  shape.shared_bytes = shared_bytes;
  return shape;
}

bool is_aligned(const void* pointer, std::size_t bytes) {
  return reinterpret_cast<std::uintptr_t>(pointer) % bytes == 0;
}

}  // namespace

Status run_embed(Device& device, const RowKernels& kernels, const EmbedCall& call) {
  KERNELS_CHECK(call.n.rows_max >= 1 && call.shape.cols >= 1);
  const Kernel& kernel = kernels.embed[static_cast<std::size_t>(call.shape.format)];
  return device.launch_with(kernel, one_block_a_row(call.n.rows_max), EmbedArguments{call});
}

Status run_norm(Device& device, const RowKernels& kernels, const NormCall& call) {
  KERNELS_CHECK(call.n.rows_max >= 1 && call.cols >= 1 && call.padded_cols >= call.cols);
  KERNELS_CHECK(call.padded_cols % 256 == 0 && call.out_stride % 4 == 0 &&
                call.out_stride >= call.padded_cols && is_aligned(call.out, 8));
  KERNELS_CHECK(call.weight == nullptr || call.square_sums != nullptr);
  const bool aligned = call.cols % 4 == 0 && is_aligned(call.x, 16) && is_aligned(call.weight, 16);
  return device.launch_with(kernels.norm, one_block_a_row(call.n.rows_max),
                            NormArguments{call, aligned});
}

Status run_add_segments(Device& device, const RowKernels& kernels, const AddSegmentsCall& call) {
  KERNELS_CHECK(call.n.rows_max >= 1 && call.segments >= 1 && call.rows >= 1);
  KERNELS_CHECK(call.out_stride >= call.rows);
  if (call.next.weight != nullptr) {
    KERNELS_CHECK(call.rows % 256 == 0 && call.next.x != nullptr &&
                  call.next.square_sums != nullptr && call.next.x_stride >= call.rows);
  }
  return device.launch_with(kernels.add_segments, one_block_a_row(call.n.rows_max),
                            AddSegmentsArguments{call});
}

Status run_join(Device& device, const RowKernels& kernels, const JoinCall& call) {
  KERNELS_CHECK(call.n.rows_max >= 1 && call.cols >= 1);
  KERNELS_CHECK(call.out_stride >= call.cols && call.first <= call.out_stride - call.cols);
  return device.launch_with(kernels.join, one_block_a_row(call.n.rows_max), JoinArguments{call});
}

Status run_pad(Device& device, const RowKernels& kernels, const PadCall& call) {
  KERNELS_CHECK(call.n.rows_max >= 1 && call.cols >= 1 && call.padded_cols >= call.cols);
  KERNELS_CHECK(call.out_stride >= call.padded_cols && call.x_stride >= call.cols);
  return device.launch_with(kernels.pad, one_block_a_row(call.n.rows_max), PadArguments{call});
}

Status run_gate(Device& device, const RowKernels& kernels, const GateCall& call) {
  KERNELS_CHECK(call.n.rows_max >= 1 && call.cols >= 1 && call.out_stride >= call.cols);
  return device.launch_with(kernels.gate, one_block_a_row(call.n.rows_max), GateArguments{call});
}

Status run_logit_stats(Device& device, const RowKernels& kernels, const LogitStatsCall& call) {
  KERNELS_CHECK(call.count >= 1 && call.vocabulary >= 1);
  return device.launch_with(kernels.logit_stats, one_block_a_row(call.count, kRowSharedBytes),
                            LogitStatsArguments{call});
}

}  // namespace kernels::cuda
