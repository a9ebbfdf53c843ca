// Kernels of the cache and of attention for the emulator.
#include "kernels/cuda/attention_kernel_list.h"

namespace kernels::cuda {

AttentionKernels emulated_attention_kernels() {
  return list_attention_kernels();
}

}  // namespace kernels::cuda
