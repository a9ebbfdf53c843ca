// A build without CUDA: says so.
#include "kernels/cuda/gpus.h"

namespace kernels::cuda {

GpuInventory find_gpus() {
  GpuInventory inventory;
  inventory.reason = "this build computes on the CPU alone: it was made without CUDA";
  return inventory;
}

std::unique_ptr<Ops> make_gpu_ops(const GpuOptions& /*options*/, std::string* error) {
  *error = find_gpus().reason;
  return nullptr;
}

}  // namespace kernels::cuda
