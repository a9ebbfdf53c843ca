// Where a test executable reaches into the engine: faults and GPUs that production has no switch for. Production's
// main() passes none of them, and nothing from outside (no flag, no file, no environment) can set one.
#ifndef DAEMON_ENGINE_ENGINE_HOOKS_H_
#define DAEMON_ENGINE_ENGINE_HOOKS_H_

#include <memory>
#include <string>

#include "kernels/cuda/gpus.h"
#include "runtime/model/decoder.h"

namespace daemon_engine {

struct EngineHooks {
  // What computes instead of the model's decoder, which it borrows. Null: the model's own.
  std::unique_ptr<runtime::Decoder> (*decorate_decoder)(runtime::Decoder& decoder) = nullptr;
  // GPUs other than the machine's. Null: kernels::cuda's own.
  kernels::cuda::GpuInventory (*find_gpus)() = nullptr;
  std::unique_ptr<kernels::Ops> (*make_gpu_ops)(const kernels::cuda::GpuOptions& options,
                                                std::string* error) = nullptr;
};

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_ENGINE_HOOKS_H_
