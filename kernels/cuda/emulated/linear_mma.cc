// The linear kernels of linear_mma_kernel.h for the emulator.
#include "kernels/cuda/linear_mma_table.h"

namespace kernels::cuda {

LinearKernels emulated_mma_linear_kernels() {
  static const LinearKernels kernels = mma_table();
  return kernels;
}

}  // namespace kernels::cuda
