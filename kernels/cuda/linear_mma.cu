// The linear kernels of linear_mma_kernel.h for GPUs.
#include "kernels/cuda/linear_mma_table.h"

namespace kernels::cuda {

LinearKernels mma_linear_kernels() {
  static const LinearKernels kernels = mma_table();
  return kernels;
}

}  // namespace kernels::cuda
