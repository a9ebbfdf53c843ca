// Kernels of the cache and of attention as machine code.
#include "kernels/cuda/attention_kernel_list.h"

namespace kernels::cuda {

AttentionKernels attention_kernels() {
  return list_attention_kernels();
}

}  // namespace kernels::cuda
