// The sampling kernel as machine code.
#include "kernels/cuda/kernel_of.h"
#include "kernels/cuda/sample_kernel.h"

namespace kernels::cuda {

SampleKernels sample_kernels() {
  return {kernel_of<SampleArguments, sample_row>("sample_row", kSampleSharedBytes)};
}

}  // namespace kernels::cuda
