// The kernels of moe.h as machine code.
#include "kernels/cuda/moe_kernel.h"

namespace kernels::cuda {

MoeKernels moe_kernels() {
  return list_moe_kernels();
}

}  // namespace kernels::cuda
