// The sampling kernel for the emulator.
#include "kernels/cuda/kernel_of.h"
#include "kernels/cuda/sample_kernel.h"

namespace kernels::cuda {

SampleKernels emulated_sample_kernels() {
  return {kernel_of<SampleArguments, sample_row>("sample_row", kSampleSharedBytes)};
}

}  // namespace kernels::cuda
