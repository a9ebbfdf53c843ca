#include "daemon/engine/backend.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <utility>

#include "runtime/model/model_spec.h"

namespace daemon_engine {
namespace {

using base::Result;
using kernels::cuda::Gpu;
using runtime::MemoryRequest;

std::uint64_t three_quarters_of_memory() {
  struct sysinfo info {};
  if (::sysinfo(&info) != 0) return 0;
  return std::uint64_t{info.totalram} * info.mem_unit / 4 * 3;
}

kernels::KvFormat kv_format_of(std::string_view name) {
  if (name == "f32") return kernels::KvFormat::kF32;
  return name == "q8_0" ? kernels::KvFormat::kQ8_0 : kernels::KvFormat::kF16;
}

std::size_t threads_of(const EngineConfig& config) {
  return config.threads != 0 ? config.threads : available_threads();
}

kernels::Limits limits_of(const runtime::ModelSpec& spec, const MemoryRequest& request) {
  return runtime::backend_limits(spec, request.rows_max, runtime::planned_context(spec, request));
}

Result<Backend> make_host_backend(const kernels::Limits& limits, const EngineConfig& config,
                                  BackendKind kind) {
  Backend backend{.ops = {}, .request = memory_request(config), .bytes_max = {0}};
  backend.ops.push_back(
      kind == BackendKind::kReference
          ? kernels::make_reference_ops(limits)
          : kernels::make_cpu_ops({.limits = limits, .threads = threads_of(config)}));
  if (backend.ops.front() == nullptr) return base::exhausted("the CPU backend could not be made");
  return backend;
}

// What the engine takes of a GPU: its share, or what is left where others have taken more.
std::uint64_t memory_on(const Gpu& gpu, const EngineConfig& config) {
  const std::uint64_t share = gpu.memory_bytes / 100 * config.gpu_memory_percent;
  return gpu.memory_free_bytes != 0 ? std::min(share, gpu.memory_free_bytes) : share;
}

class GpuBackends {
 public:
  GpuBackends(const kernels::Limits& limits, const EngineConfig& config, const EngineHooks& hooks)
      : limits_(limits), config_(config), hooks_(hooks) {}

  // Adds a GPU to the backend.
  base::Status add(const Gpu& gpu, Backend& backend) const {
    const kernels::cuda::GpuOptions options{.limits = limits_,
                                            .ordinal = gpu.ordinal,
                                            .memory_bytes = memory_on(gpu, config_),
                                            .fp8 = config_.gpu_weights == "fp8",
                                            .record_steps = true,
                                            .host_threads = threads_of(config_),
                                            .step_deadline_ms = config_.step_deadline_ms};
    const auto make =
        hooks_.make_gpu_ops != nullptr ? hooks_.make_gpu_ops : kernels::cuda::make_gpu_ops;
    std::string error;
    auto ops = make(options, &error);
    if (ops == nullptr) {
      return base::Error{base::ErrorCode::kDevice, 0,
                         fmt::format("{} ({}): {}", gpu.name, gpu.uuid, error)};
    }
    backend.ops.push_back(std::move(ops));
    backend.bytes_max.push_back(options.memory_bytes);
    return {};
  }

 private:
  const kernels::Limits& limits_;
  const EngineConfig& config_;
  const EngineHooks& hooks_;
};

// On as few of `gpus` as it takes; those behind are taken off the list.
Result<Backend> make_gpu_backend(const runtime::GgufFile& file, const GpuBackends& maker,
                                 const EngineConfig& config, std::vector<Gpu>& gpus) {
  Backend backend{.ops = {}, .request = memory_request(config), .bytes_max = {}};
  backend.request.memory_bytes_max = 0;  // that is the host's
  for (std::size_t count = 1;; ++count) {
    TRY(maker.add(gpus[count - 1], backend));
    const auto plan = runtime::plan_model(file, backend.devices(), backend.request);
    if (plan.ok()) {
      gpus.resize(count);
      return backend;
    }
    const bool more = plan.error().code == base::ErrorCode::kExhausted && count < gpus.size();
    if (!more) return plan.error();
  }
}

}  // namespace

std::vector<runtime::StageDevice> Backend::devices() const {
  std::vector<runtime::StageDevice> devices;
  for (std::size_t i = 0; i < ops.size(); ++i) devices.push_back({ops[i].get(), bytes_max[i]});
  return devices;
}

std::size_t available_threads() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
}

runtime::MemoryRequest memory_request(const EngineConfig& config) {
  MemoryRequest request;
  request.context_tokens = config.context_tokens;
  request.kv_bytes = config.kv_cache_bytes;
  request.memory_bytes_max =
      config.memory_bytes_max != 0 ? config.memory_bytes_max : three_quarters_of_memory();
  request.kv_format = kv_format_of(config.kv_format);
  request.rows_max = std::max(config.step_tokens_max, config.sequences_max);
  request.logit_rows_max = std::max<std::size_t>(config.sequences_max, 16);
  return request;
}

kernels::cuda::GpuInventory find_gpus(const EngineConfig& config, const EngineHooks& hooks) {
  if (config.backend != "auto" && config.backend != "cuda") return {};
  return hooks.find_gpus != nullptr ? hooks.find_gpus() : kernels::cuda::find_gpus();
}

Result<Backend> make_backend(const runtime::GgufFile& file, const EngineConfig& config,
                             const EngineHooks& hooks, BackendChoice& choice) {
  const runtime::ModelSpec spec = TRY(runtime::read_model_spec(file));
  const kernels::Limits limits = limits_of(spec, memory_request(config));
  if (choice.kind != BackendKind::kCuda) return make_host_backend(limits, config, choice.kind);
  const GpuBackends maker(limits, config, hooks);
  auto backend = make_gpu_backend(file, maker, config, choice.gpus);
  if (backend.ok() || !choice.may_fall_back) return backend;
  choice.fall_back(backend.error().message);
  return make_host_backend(limits, config, choice.kind);
}

}  // namespace daemon_engine
