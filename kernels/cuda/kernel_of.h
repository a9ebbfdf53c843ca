// A `Kernel` of a kernel function: included by the sources that instantiate kernels, for the device (*.cu) or for the
// emulator (emulated/*.cc).
#ifndef KERNELS_CUDA_KERNEL_OF_H_
#define KERNELS_CUDA_KERNEL_OF_H_

#include "kernels/cuda/device.h"

namespace kernels::cuda {

template <typename Arguments, void (*kFunction)(Arguments)>
Kernel kernel_of(const char* name, std::size_t shared_bytes_max) {
#ifdef __CUDACC__
  return {name, reinterpret_cast<const void*>(kFunction), nullptr, sizeof(Arguments), shared_bytes_max};
#else
  return {name, nullptr,
          [](const void* arguments) { kFunction(*static_cast<const Arguments*>(arguments)); },
          sizeof(Arguments), shared_bytes_max};
#endif
}

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_KERNEL_OF_H_
