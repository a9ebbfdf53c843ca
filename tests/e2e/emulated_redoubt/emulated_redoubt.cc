// The whole of redoubt with two GPUs that are emulated: a test executable, never installed. Its
// main() is production's but for where GPUs come from. The backend, its kernels, the loading, the
// plan and the choice are production's own.
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/cli/command.h"
#include "kernels/cuda/cuda_ops.h"
#include "kernels/cuda/emulated/emulated_device.h"
#include "kernels/cuda/gpus.h"
#include "kernels/cuda/kernel_set.h"
#include "kernels/cuda/tensor_parallel.h"

namespace {

namespace cuda = kernels::cuda;

constexpr std::uint64_t kMemoryBytes = std::uint64_t{1} << 30;
// The names that the stand-in for NVIDIA's library has for its first two.
constexpr std::array kUuids = {"GPU-fake-0000", "GPU-fake-0001"};

cuda::GpuInventory find_emulated() {
  cuda::GpuInventory inventory;
  inventory.support = cuda::GpuSupport::kUsable;
  inventory.runtime_version = inventory.driver_version = 13'000;
  for (const char* uuid : kUuids) {
    cuda::Gpu gpu;
    gpu.ordinal = static_cast<int>(inventory.gpus.size());
    gpu.name = "Emulated GPU";
    gpu.uuid = uuid;
    gpu.pci_bus_id = "00000000:3B:00." + std::to_string(gpu.ordinal);
    gpu.capability = 90;
    gpu.processors = 4;
    gpu.memory_bytes = gpu.memory_free_bytes = kMemoryBytes;
    gpu.kernels = std::string(cuda::emulated_kernel_set(true).name);
    inventory.gpus.push_back(gpu);
  }
  return inventory;
}

std::unique_ptr<kernels::Ops> make_emulated(const cuda::GpuOptions& options, std::string* error) {
  cuda::EmulatedDeviceOptions device;
  device.memory_bytes = kMemoryBytes;
  device.explain_faults = false;  // a sandboxed engine may not set a handler
  cuda::CudaOpsOptions ops;
  ops.limits = options.limits;
  ops.memory_bytes = options.memory_bytes;
  ops.fp8 = options.fp8;
  ops.record_steps = options.record_steps;
  if (options.peers.empty()) {
    return cuda::make_cuda_ops(cuda::make_emulated_device(device), cuda::emulated_kernel_set(true),
                               ops, error);
  }
  std::vector<std::unique_ptr<cuda::Device>> devices;
  for (std::size_t i = 0; i < 1 + options.peers.size(); ++i)
    devices.push_back(cuda::make_emulated_device(device));
  return cuda::make_tensor_parallel_ops(std::move(devices), cuda::emulated_kernel_set(true), ops,
                                        error);
}

}  // namespace

int main(int argc, char** argv) {
  daemon_supervisor::RoleHooks hooks;
  hooks.engine.find_gpus = find_emulated;
  hooks.engine.make_gpu_ops = make_emulated;
  return daemon_cli::run_command_line(argc, argv, hooks);
}
