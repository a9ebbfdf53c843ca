// The linear kernels of linear_wgmma_kernel.h for the emulator.
#include "kernels/cuda/linear_wgmma_table.h"

namespace kernels::cuda {

LinearKernels emulated_wgmma_linear_kernels() {
  static const LinearKernels kernels = wgmma_table();
  return kernels;
}

}  // namespace kernels::cuda
