// A build with CUDA.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <utility>

#include "kernels/cuda/cuda_device.h"
#include "kernels/cuda/cuda_error.h"
#include "kernels/cuda/cuda_facts.h"
#include "kernels/cuda/cuda_ops.h"
#include "kernels/cuda/driver.h"
#include "kernels/cuda/gpus.h"
#include "kernels/cuda/kernel_list.h"
#include "kernels/cuda/tensor_parallel.h"

namespace kernels::cuda {
namespace {

std::string capability_text(int capability) {
  return std::to_string(capability / 10) + "." + std::to_string(capability % 10);
}

std::string no_machine_code(const std::string& name, int capability) {
  return "this build has no machine code for " + name + ", of compute capability " +
         capability_text(capability);
}

std::string pci_bus_id(int ordinal) {
  char text[32] = {};
  if (cudaDeviceGetPCIBusId(text, sizeof text - 1, ordinal) != cudaSuccess) return {};
  return text;
}

Gpu describe_gpu(int ordinal) {
  Gpu gpu;
  gpu.ordinal = ordinal;
  DeviceFacts facts;
  if (read_device_facts(ordinal, &facts) != cudaSuccess) {
    (void)cudaGetLastError();
    gpu.support = GpuSupport::kDriverFailed;
    return gpu;
  }
  gpu.name = facts.name;
  gpu.uuid = facts.uuid;
  gpu.pci_bus_id = pci_bus_id(ordinal);
  gpu.capability = facts.capability;
  gpu.processors = facts.processors;
  gpu.memory_bytes = facts.memory_bytes;
  const KernelSet* const kernels = kernel_set_for(facts.capability);
  gpu.support = kernels == nullptr ? GpuSupport::kArchitecture : GpuSupport::kUsable;
  if (kernels != nullptr) gpu.kernels = kernels->name;
  return gpu;
}

// Of an inventory in which no GPU is usable.
void blame_first(GpuInventory* inventory) {
  const Gpu& first = inventory->gpus.front();
  inventory->support = first.support;
  inventory->reason =
      first.support == GpuSupport::kArchitecture
          ? no_machine_code(first.name, first.capability)
          : "the NVIDIA driver does not describe GPU " + std::to_string(first.ordinal);
}

const Gpu* find_gpu(const GpuInventory& inventory, int ordinal) {
  if (ordinal < 0 || static_cast<std::size_t>(ordinal) >= inventory.gpus.size()) return nullptr;
  return &inventory.gpus[static_cast<std::size_t>(ordinal)];
}

// Of all of these GPUs; null where they have none in common. GPUs that share layers have the same:
// otherwise there would be no name for their bits.
const KernelSet* common_kernels(const GpuInventory& inventory, const std::vector<int>& ordinals,
                                std::string* error) {
  const KernelSet* common = nullptr;
  for (std::size_t i = 0; i < ordinals.size(); ++i) {
    const std::string number = std::to_string(ordinals[i]);
    const Gpu* const gpu = find_gpu(inventory, ordinals[i]);
    if (gpu == nullptr) {
      *error = "there is no GPU " + number + ": this machine shows " +
               std::to_string(inventory.gpus.size());
      return nullptr;
    }
    const auto former = ordinals.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(ordinals.begin(), former, ordinals[i]) != former) {
      *error = "GPU " + number + " is named twice among those that share layers";
      return nullptr;
    }
    const KernelSet* const kernels = kernel_set_for(gpu->capability);
    if (kernels == nullptr) {
      *error = no_machine_code(gpu->name, gpu->capability);
      return nullptr;
    }
    if (common != nullptr && kernels != common) {
      *error = "GPU " + number + " (" + gpu->name + ") cannot share layers with GPU " +
               std::to_string(ordinals[0]) + ": its kernels are " + std::string(kernels->name) +
               ", not " + std::string(common->name);
      return nullptr;
    }
    common = kernels;
  }
  return common;
}

std::unique_ptr<Device> open_gpu(const GpuInventory& inventory, int ordinal,
                                 std::uint32_t deadline_ms, const KernelSet& kernels,
                                 std::string* error) {
  auto device = open_cuda_device({.ordinal = ordinal, .deadline_ms = deadline_ms},
                                 list_kernels(kernels), error);
  if (device == nullptr) {
    *error = "GPU " + std::to_string(ordinal) + " (" + find_gpu(inventory, ordinal)->name +
             ") does not open: " + *error;
  }
  return device;
}

}  // namespace

GpuInventory find_gpus() {
  GpuInventory inventory;
  (void)cudaRuntimeGetVersion(&inventory.runtime_version);
  const auto blame = [&inventory](DriverFault fault) {
    inventory.support = fault.support;
    inventory.reason = std::move(fault.reason);
    return inventory;
  };
  const DriverTraces traces = look_for_driver();
  if (!traces.library) return blame(missing_library(traces));
  if (cudaDriverGetVersion(&inventory.driver_version) != cudaSuccess) inventory.driver_version = 0;
  int count = 0;
  if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess) {
    (void)cudaGetLastError();
    return blame(driver_fault(traces, error, inventory.driver_version, inventory.runtime_version));
  }
  if (count <= 0) {
    return blame(driver_fault(traces, cudaErrorNoDevice, inventory.driver_version,
                              inventory.runtime_version));
  }
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    inventory.gpus.push_back(describe_gpu(ordinal));
    if (inventory.gpus.back().support == GpuSupport::kUsable)
      inventory.support = GpuSupport::kUsable;
  }
  if (inventory.support != GpuSupport::kUsable) blame_first(&inventory);
  return inventory;
}

std::unique_ptr<Ops> make_gpu_ops(const GpuOptions& options, std::string* error) {
  const GpuInventory inventory = find_gpus();
  if (inventory.gpus.empty()) {
    *error = inventory.reason;
    return nullptr;
  }
  std::vector<int> ordinals = {options.ordinal};
  ordinals.insert(ordinals.end(), options.peers.begin(), options.peers.end());
  const KernelSet* const kernels = common_kernels(inventory, ordinals, error);
  if (kernels == nullptr) return nullptr;
  std::vector<std::unique_ptr<Device>> devices;
  for (const int ordinal : ordinals) {
    devices.push_back(open_gpu(inventory, ordinal, options.step_deadline_ms, *kernels, error));
    if (devices.back() == nullptr) return nullptr;
  }
  CudaOpsOptions ops_options;
  ops_options.limits = options.limits;
  ops_options.memory_bytes = options.memory_bytes;
  ops_options.fp8 = options.fp8;
  ops_options.record_steps = options.record_steps;
  ops_options.host_threads = options.host_threads;
  if (devices.size() > 1)
    return make_tensor_parallel_ops(std::move(devices), *kernels, ops_options, error);
  return make_cuda_ops(std::move(devices[0]), *kernels, ops_options, error);
}

}  // namespace kernels::cuda
