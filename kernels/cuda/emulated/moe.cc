// The kernels of moe.h for the emulator.
#include "kernels/cuda/moe_kernel.h"

namespace kernels::cuda {

MoeKernels emulated_moe_kernels() {
  return list_moe_kernels();
}

}  // namespace kernels::cuda
