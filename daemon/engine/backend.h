// Makes what computes a model: the glue between the decision (backend_choice.h), the model's memory
// plan, and the GPUs.
#ifndef DAEMON_ENGINE_BACKEND_H_
#define DAEMON_ENGINE_BACKEND_H_

#include <memory>
#include <string>
#include <vector>

#include "daemon/engine/backend_choice.h"
#include "daemon/engine/engine_config.h"
#include "daemon/engine/engine_hooks.h"
#include "hardening/base/result.h"
#include "kernels/ops.h"
#include "runtime/model/gguf.h"
#include "runtime/model/layer_split.h"
#include "runtime/model/memory_plan.h"

namespace daemon_engine {

struct Backend {
  std::vector<std::unique_ptr<kernels::Ops>> ops;  // at least one
  runtime::MemoryRequest request;                  // what a plan is made with
  std::vector<std::uint64_t> bytes_max;            // of each; 0: no limit of its own

  std::vector<runtime::StageDevice> devices() const;
};

// The GPUs of this machine, as the hooks or the driver has them; none are looked for where the
// configuration asks for none.
kernels::cuda::GpuInventory find_gpus(const EngineConfig& config, const EngineHooks& hooks);

// What a model needs by the configuration, on the CPU.
runtime::MemoryRequest memory_request(const EngineConfig& config);
std::size_t available_threads();

// Makes the backend that was chosen, for the model that `file` is: on as few of the chosen GPUs as
// its memory plan fits on, which are then those of `choice`. Where it fits on none, or they cannot
// be had, and `choice` may fall back, it does. kExhausted, kUnsupported: the plan on GPUs; kDevice:
// the GPU cannot be had.
base::Result<Backend> make_backend(const runtime::GgufFile& file, const EngineConfig& config,
                                   const EngineHooks& hooks, BackendChoice& choice);

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_BACKEND_H_
