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
  std::vector<std::uint64_t> bytes_max;  // of each, and of each GPU of one; 0: no limit of its own

  std::vector<runtime::StageDevice> devices() const;
};

// The GPUs of this machine, as the hooks or the driver has them; none are looked for where the
// configuration asks for none.
kernels::cuda::GpuInventory find_gpus(const EngineConfig& config, const EngineHooks& hooks);

// What a model needs by the configuration, on the CPU.
runtime::MemoryRequest memory_request(const EngineConfig& config);
std::size_t available_threads();

// Makes the backend that was chosen, for the model that `file` is, on GPUs that its memory plan
// fits on; these are then those of `choice`, in the order they compute. EngineConfig::gpu_split
// says how:
//
//   layers  on as few as it takes, consecutive layers on each
//   tensor  on as many as can share each layer (sharing_gpus): all of them or none
//   auto    on one; else two that share each layer, else four, where there are such and the model
//           can be shared out so; else as `layers`
//
// What does not fit is gone before the next is made. Where nothing fits, or a GPU cannot be had,
// and `choice` may fall back, it does; but where GPUs are looked after (EngineConfig::gpu_care),
// one that cannot be had is an error: the supervisor takes it out of use if another engine does no
// better, and a trouble that passes costs a moment and not the GPU. `name_gpus` is told before a
// GPU is opened. kExhausted, kUnsupported: the plan on GPUs; kDevice: the GPU cannot be had.
base::Result<Backend> make_backend(const runtime::GgufFile& file, const EngineConfig& config,
                                   const EngineHooks& hooks, BackendChoice& choice,
                                   const NameGpus& name_gpus = {});

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_BACKEND_H_
