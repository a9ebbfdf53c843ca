// While it lives, an access beyond a block's shared memory, or a full stack, ends the process with
// a message that names kernel, block and thread, instead of a bare segmentation fault.
#ifndef KERNELS_CUDA_EMULATED_FAULT_HANDLER_H_
#define KERNELS_CUDA_EMULATED_FAULT_HANDLER_H_

#include <csignal>

#include "kernels/cuda/emulated/block_run.h"

namespace kernels::cuda::emulated {

class FaultHandler {
 public:
  explicit FaultHandler(ClusterRun& run);  // one at a time
  ~FaultHandler();
  FaultHandler(const FaultHandler&) = delete;
  FaultHandler& operator=(const FaultHandler&) = delete;

 private:
  struct sigaction former_action_ = {};
  stack_t former_stack_ = {};
  std::vector<unsigned char> stack_;
};

}  // namespace kernels::cuda::emulated

#endif  // KERNELS_CUDA_EMULATED_FAULT_HANDLER_H_
