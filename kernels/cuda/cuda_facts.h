// What the CUDA runtime says of a GPU, without a context on it.
#ifndef KERNELS_CUDA_CUDA_FACTS_H_
#define KERNELS_CUDA_CUDA_FACTS_H_

#include <cuda_runtime_api.h>

#include "kernels/cuda/device.h"

namespace kernels::cuda {

// All but memory_free_bytes, which takes a context to ask.
cudaError_t read_device_facts(int ordinal, DeviceFacts* out);

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_CUDA_FACTS_H_
