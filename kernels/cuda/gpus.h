// The GPUs of this machine, whether this build can use them, and why not. The one header of the CUDA backend that the rest
// of the program includes: it is there in every build, and in one without CUDA it says so.
#ifndef KERNELS_CUDA_GPUS_H_
#define KERNELS_CUDA_GPUS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/ops.h"

namespace kernels::cuda {

enum class GpuSupport : std::uint8_t {
  kUsable,
  kNotBuilt,        // this binary was built without CUDA
  kNoDriver,        // libcuda.so.1 is not there, or the kernel module is not loaded
  kDriverTooOld,    // for the runtime this binary was linked with
  kNoDevice,        // a driver, but no GPU it shows us
  kDriverFailed,    // anything else the driver says
  kArchitecture,    // no machine code for this GPU
};
const char* gpu_support_name(GpuSupport support);  // "usable", "not_built", …

struct Gpu {
  int ordinal = 0;               // as CUDA counts
  std::string name;
  std::string uuid;              // "GPU-…"
  std::string pci_bus_id;        // "00000000:3B:00.0"
  int capability = 0;            // 90
  std::uint32_t processors = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_free_bytes = 0;  // 0: unknown, as CUDA tells only who has a context
  GpuSupport support = GpuSupport::kUsable;
  std::string kernels;           // name of the kernel set that serves it
};

struct GpuInventory {
  GpuSupport support = GpuSupport::kNotBuilt;  // kUsable when at least one GPU is
  std::string reason;                          // for people: one sentence; empty when usable
  int driver_version = 0;                      // CUDA version the driver knows: 13000; 0: unknown
  int runtime_version = 0;                     // this binary was linked with; 0: without CUDA
  std::vector<Gpu> gpus;
};

// Loads the driver where there is one and makes no context on any GPU. Call it before the sandbox closes.
GpuInventory find_gpus();

struct GpuOptions {
  Limits limits;
  int ordinal = 0;
  // GPUs that share each layer with it (tensor_parallel.h): one or three, of the same kernel set. Empty: it is alone.
  std::vector<int> peers;
  std::uint64_t memory_bytes = 0;   // of each; 0: what is free
  bool fp8 = false;
  bool record_steps = true;
  std::size_t host_threads = 1;
  std::uint32_t step_deadline_ms = 0;  // a step that takes longer has hung: kDevice. 0: none
};
// Null when it cannot be; `error` says why.
std::unique_ptr<Ops> make_gpu_ops(const GpuOptions& options, std::string* error);

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_GPUS_H_
