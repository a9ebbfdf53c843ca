// What computes the model, and why: a decision over the configuration, the release's statement and
// the GPUs that were found. Touches nothing.
#ifndef DAEMON_ENGINE_BACKEND_CHOICE_H_
#define DAEMON_ENGINE_BACKEND_CHOICE_H_

#include <cstdint>
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

struct BackendChoice {
  BackendKind kind = BackendKind::kCpu;
  // With kCuda, at least one: before loading those that may be used, the largest first; afterwards
  // those that compute.
  std::vector<kernels::cuda::Gpu> gpus;
  // Whether the CPU takes over where the GPUs turn out not to do.
  bool may_fall_back = false;
  // Why it is the CPU and not a GPU, where nobody asked for the CPU: for people. Else empty.
  std::string reason;

  // Requires may_fall_back.
  void fall_back(std::string why);
  // {"kind":"cuda","kernels":…,"gpus":[{"name":…,"uuid":…,"memory_bytes":…}],"reason":…}: part of
  // the report of `ready`.
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

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_BACKEND_CHOICE_H_
