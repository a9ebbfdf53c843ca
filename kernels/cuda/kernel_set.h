// All kernels of one architecture.
#ifndef KERNELS_CUDA_KERNEL_SET_H_
#define KERNELS_CUDA_KERNEL_SET_H_

#include <string_view>

#include "kernels/cuda/attention.h"
#include "kernels/cuda/linear.h"
#include "kernels/cuda/moe.h"
#include "kernels/cuda/rows.h"
#include "kernels/cuda/sample.h"

namespace kernels::cuda {

struct KernelSet {
  std::string_view name;  // "cuda-sm90a", "cuda-sm86": the bits are those of this name (Ops::name)
  LinearKernels linear;
  RowKernels rows;
  AttentionKernels attention;
  SampleKernels sample;
  MoeKernels moe;
};

// For a GPU of that compute capability (90: 9.0); null when this build has no machine code for it.
const KernelSet* kernel_set_for(int capability);
// The same sources for the emulator: "emulated-sm90a" (wgmma, clusters, bulk copies) and "emulated-sm80".
const KernelSet& emulated_kernel_set(bool sm90a);

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_KERNEL_SET_H_
