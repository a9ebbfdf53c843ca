// A build with CUDA.
#include <cuda_runtime_api.h>

#include <utility>

#include "kernels/cuda/cuda_device.h"
#include "kernels/cuda/cuda_error.h"
#include "kernels/cuda/cuda_facts.h"
#include "kernels/cuda/cuda_ops.h"
#include "kernels/cuda/driver.h"
#include "kernels/cuda/gpus.h"
#include "kernels/cuda/kernel_list.h"

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
  if (options.ordinal < 0 || static_cast<std::size_t>(options.ordinal) >= inventory.gpus.size()) {
    *error = "there is no GPU " + std::to_string(options.ordinal) + ": this machine shows " +
             std::to_string(inventory.gpus.size());
    return nullptr;
  }
  const Gpu& gpu = inventory.gpus[static_cast<std::size_t>(options.ordinal)];
  const KernelSet* const kernels = kernel_set_for(gpu.capability);
  if (kernels == nullptr) {
    *error = no_machine_code(gpu.name, gpu.capability);
    return nullptr;
  }
  auto device =
      open_cuda_device({.ordinal = options.ordinal, .deadline_ms = options.step_deadline_ms},
                       list_kernels(*kernels), error);
  if (device == nullptr) {
    *error =
        "GPU " + std::to_string(options.ordinal) + " (" + gpu.name + ") does not open: " + *error;
    return nullptr;
  }
  CudaOpsOptions ops_options;
  ops_options.limits = options.limits;
  ops_options.memory_bytes = options.memory_bytes;
  ops_options.fp8 = options.fp8;
  ops_options.record_steps = options.record_steps;
  ops_options.host_threads = options.host_threads;
  return make_cuda_ops(std::move(device), *kernels, ops_options, error);
}

}  // namespace kernels::cuda
