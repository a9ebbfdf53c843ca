#include "kernels/cuda/kernel_set.h"

#include <utility>

namespace kernels::cuda {
namespace {

KernelSet kernels_of(std::string_view name, LinearKernels linear) {
  return {name,           std::move(linear), row_kernels(), attention_kernels(),
          sample_kernels(), moe_kernels()};
}

// Made at the first call: nothing of this refers to a GPU.
template <int kCapability>
const KernelSet* mma_kernels(std::string_view name) {
  static const KernelSet kernels = kernels_of(name, mma_linear_kernels());
  return &kernels;
}

}  // namespace

// Machine code runs on its own architecture and on later ones of the same major number, sm_90a's
// on 9.0 alone (CUDA C++ Programming Guide, "Binary Compatibility"): 80, 90a, 100 and 120 are built
// (CMakeLists.txt). GPUs that share code may still add in other ways inside their tensor cores, so
// each has a name of its own.
const KernelSet* kernel_set_for(int capability) {
  switch (capability) {
    case 80:
      return mma_kernels<80>("cuda-sm80");
    case 86:
      return mma_kernels<86>("cuda-sm86");
    case 87:
      return mma_kernels<87>("cuda-sm87");
    case 89:
      return mma_kernels<89>("cuda-sm89");
    case 90: {
      static const KernelSet kernels = kernels_of("cuda-sm90a", wgmma_linear_kernels());
      return &kernels;
    }
    case 100:
      return mma_kernels<100>("cuda-sm100");
    case 103:
      return mma_kernels<103>("cuda-sm103");
    case 120:
      return mma_kernels<120>("cuda-sm120");
    case 121:
      return mma_kernels<121>("cuda-sm121");
    default:
      return nullptr;
  }
}

}  // namespace kernels::cuda
