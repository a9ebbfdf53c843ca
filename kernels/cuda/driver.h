// Whether the NVIDIA driver is there, and what the matter is where the CUDA runtime says only that
// something is.
#ifndef KERNELS_CUDA_DRIVER_H_
#define KERNELS_CUDA_DRIVER_H_

#include <string>

#include "kernels/cuda/gpus.h"

namespace kernels::cuda {

struct DriverFault {
  GpuSupport support = GpuSupport::kUsable;
  std::string reason;  // a sentence without its full stop: what is wrong, and what to do
};

// What can be seen of the driver from outside: its library, its kernel module, its device nodes.
struct DriverTraces {
  bool library = false;         // libcuda.so.1 can be loaded
  bool module = false;          // /proc/driver/nvidia/version
  bool unified_memory = false;  // /dev/nvidia-uvm, which CUDA does not work without
  bool control_node = false;    // /dev/nvidiactl
};
DriverTraces look_for_driver();

// `error`: a cudaError_t other than success that cudaGetDeviceCount gave; versions as
// cudaDriverGetVersion and cudaRuntimeGetVersion give them (13000: 13.0).
DriverFault driver_fault(const DriverTraces& traces, int error, int driver_version,
                         int runtime_version);
// The same where the runtime was not asked, for want of a library.
DriverFault missing_library(const DriverTraces& traces);

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_DRIVER_H_
