// What computes the model, and why: a decision over the configuration, the release's statement and
// the GPUs that were found. Touches nothing.
#ifndef DAEMON_ENGINE_BACKEND_CHOICE_H_
#define DAEMON_ENGINE_BACKEND_CHOICE_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/engine/engine_config.h"
#include "hardening/base/json.h"
#include "hardening/base/result.h"
#include "kernels/cuda/gpus.h"

namespace daemon_engine {

enum class BackendKind : std::uint8_t { kReference, kCpu, kCuda };

// How several GPUs compute one model: consecutive layers on each (runtime/model/layer_split.h), or
// a part of every layer (kernels/cuda/tensor_parallel.h). The bits are the same.
enum class GpuSplit : std::uint8_t { kLayers, kTensor };

// Told UUIDs before these GPUs are touched (daemon_ipc::GpusInUse says what they mean).
using NameGpus = std::function<void(std::vector<std::string> uuids)>;

struct BackendChoice {
  BackendKind kind = BackendKind::kCpu;
  // With kCuda, at least one: before loading those that may be used, the largest first; afterwards
  // those that compute.
  std::vector<kernels::cuda::Gpu> gpus;
  GpuSplit split = GpuSplit::kLayers;  // where several compute
  // Whether the CPU takes over where the GPUs turn out not to do.
  bool may_fall_back = false;
  // Why it is the CPU and not a GPU, where nobody asked for the CPU: for people. Else empty.
  std::string reason;

  // Requires may_fall_back.
  void fall_back(std::string why);
  std::vector<std::string> uuids() const;  // of `gpus`
  // {"kind":"cuda","kernels":…,"gpus":[{"name":…,"uuid":…,"memory_bytes":…}],"reason":…}, with
  // "split":"layers" or "tensor" where several GPUs compute: part of the report of `ready`.
  base::Json describe(std::string_view kernels) const;
};

// `permitted` are the backends that the release's statement names; empty where there is none. A GPU
// counts when it is usable, configured (EngineConfig::gpus), and not excluded.
//
//   auto    GPUs where the statement permits them, the KV format is one of theirs, and one counts;
//           else the CPU, with the reason
//   cuda    GPUs, or an error
//
// kDenied: the statement does not permit what the configuration asks for. kUnsupported: GPUs do not
// have the KV format. kDevice: there is no GPU now; another process may find one.
base::Result<BackendChoice> choose_backend(const EngineConfig& config,
                                           std::span<const std::string> permitted,
                                           const kernels::cuda::GpuInventory& inventory);

// Those of `gpus` that could share each layer: as many with the first one's kernel set, in their
// order, as are a power of two up to four. Requires one.
std::vector<kernels::cuda::Gpu> sharing_gpus(std::span<const kernels::cuda::Gpu> gpus);

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_BACKEND_CHOICE_H_
