// The CUDA backend: kernels/ops.h on a Device. Owns one arena, taken at creation, from which weights, buffers, caches and
// scratch are cut; nothing is allocated afterwards. Knows no CUDA header: the same code runs on the emulated device.
#ifndef KERNELS_CUDA_CUDA_OPS_H_
#define KERNELS_CUDA_CUDA_OPS_H_

#include <memory>
#include <string>

#include "kernels/cuda/device.h"
#include "kernels/cuda/kernel_set.h"
#include "kernels/ops.h"

namespace kernels::cuda {

struct CudaOpsOptions {
  Limits limits;
  std::uint64_t memory_bytes = 0;  // of the arena; 0: what is free, less a reserve for graphs and modules
  bool fp8 = false;                // float weights are rounded to e4m3
  bool record_steps = true;        // steps of decode are recorded and replayed (CUDA graphs)
  std::size_t host_threads = 1;    // that pack weights
};

// Null when memory is refused; `error` then says why.
std::unique_ptr<Ops> make_cuda_ops(std::unique_ptr<Device> device, const KernelSet& kernels,
                                   const CudaOpsOptions& options, std::string* error);

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_CUDA_OPS_H_
