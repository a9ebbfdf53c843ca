#include "kernels/cuda/kernel_set.h"

namespace kernels::cuda {

const KernelSet& emulated_kernel_set(bool sm90a) {
  static const KernelSet with_wgmma = {"emulated-sm90a", emulated_wgmma_linear_kernels(),
                                       emulated_row_kernels(), emulated_attention_kernels(),
                                       emulated_sample_kernels(), emulated_moe_kernels()};
  static const KernelSet with_mma = {"emulated-sm80", emulated_mma_linear_kernels(),
                                     emulated_row_kernels(), emulated_attention_kernels(),
                                     emulated_sample_kernels(), emulated_moe_kernels()};
  return sm90a ? with_wgmma : with_mma;
}

}  // namespace kernels::cuda
