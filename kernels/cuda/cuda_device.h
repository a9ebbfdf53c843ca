// A GPU through the CUDA runtime, linked statically: what device.h asks for, on one stream.
//
// Nothing here waits without end: every wait polls an event and gives up at the deadline, because a
// kernel that hangs would otherwise hold its caller for ever. All machine code is loaded and all
// staging memory taken when the device is opened. After a failure nothing more is asked of the
// driver, not even to give memory back: it might not answer; the process ends.
#ifndef KERNELS_CUDA_CUDA_DEVICE_H_
#define KERNELS_CUDA_CUDA_DEVICE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/cuda/device.h"

namespace kernels::cuda {

struct CudaDeviceOptions {
  int ordinal = 0;
  std::uint32_t deadline_ms = 0;  // of every wait; 0: none
};

// Makes the context of that GPU and loads `kernels` (static lifetime; those without a function are
// passed over). Null when it cannot; `error` says why.
std::unique_ptr<Device> open_cuda_device(const CudaDeviceOptions& options,
                                         const std::vector<const Kernel*>& kernels,
                                         std::string* error);

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_CUDA_DEVICE_H_
