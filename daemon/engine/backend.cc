#include "daemon/engine/backend.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <span>
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

// "NVIDIA H200 (GPU-8f6d), NVIDIA H200 (GPU-a01c)"
std::string names_of(std::span<const Gpu> gpus) {
  std::string names;
  for (const Gpu& gpu : gpus)
    names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", gpu.name, gpu.uuid);
  return names;
}

// Makes backends on GPUs for one model. One that the model does not fit on is gone when its error
// is returned: its GPUs' memory is free again.
class GpuBackends {
 public:
  GpuBackends(const runtime::GgufFile& file, const kernels::Limits& limits,
              const EngineConfig& config, const EngineHooks& hooks, const NameGpus& name_gpus)
      : file_(file), limits_(limits), config_(config), hooks_(hooks), name_gpus_(name_gpus) {}

  // On as few as it takes, but at least so many, consecutive layers on each.
  Result<Backend> in_layers(std::span<const Gpu> gpus, std::size_t least) const {
    Backend backend = empty();
    for (std::size_t count = 1;; ++count) {
      TRY(add(gpus.subspan(count - 1, 1), backend));
      if (count < least) continue;
      const base::Status fit = fits(backend);
      if (fit.ok()) return backend;
      const bool more = fit.error().code == base::ErrorCode::kExhausted && count < gpus.size();
      if (!more) return fit.error();
    }
  }

  // On all of them, which share each layer.
  Result<Backend> shared(std::span<const Gpu> gpus) const {
    Backend backend = empty();
    TRY(add(gpus, backend));
    if (gpus.size() == 1)
      TRY(fits(backend));
    else
      TRY(fits(backend).context(fmt::format("{} GPUs that share each layer", gpus.size())));
    return backend;
  }

 private:
  Backend empty() const {
    Backend backend{.ops = {}, .request = memory_request(config_), .bytes_max = {}};
    backend.request.memory_bytes_max = 0;  // that is the host's
    return backend;
  }

  // One GPU, or several as one.
  base::Status add(std::span<const Gpu> gpus, Backend& backend) const {
    kernels::cuda::GpuOptions options{.limits = limits_,
                                      .ordinal = gpus.front().ordinal,
                                      .peers = {},
                                      .memory_bytes = memory_on(gpus.front(), config_),
                                      .fp8 = config_.gpu_weights == "fp8",
                                      .record_steps = true,
                                      .host_threads = threads_of(config_),
                                      .step_deadline_ms = config_.step_deadline_ms};
    for (const Gpu& peer : gpus.subspan(1)) {
      options.peers.push_back(peer.ordinal);
      options.memory_bytes = std::min(options.memory_bytes, memory_on(peer, config_));
    }
    const auto make =
        hooks_.make_gpu_ops != nullptr ? hooks_.make_gpu_ops : kernels::cuda::make_gpu_ops;
    name(gpus);
    std::string error;
    auto ops = make(options, &error);
    if (ops == nullptr) {
      return base::Error{base::ErrorCode::kDevice, 0, fmt::format("{}: {}", names_of(gpus), error)};
    }
    backend.ops.push_back(std::move(ops));
    backend.bytes_max.push_back(options.memory_bytes);
    return {};
  }

  void name(std::span<const Gpu> gpus) const {
    std::vector<std::string> uuids;
    for (const Gpu& gpu : gpus) uuids.push_back(gpu.uuid);
    if (name_gpus_) name_gpus_(std::move(uuids));
  }

  base::Status fits(const Backend& backend) const {
    auto plan = runtime::plan_model(file_, backend.devices(), backend.request);
    if (plan.ok()) return {};
    return std::move(plan).error();
  }

  const runtime::GgufFile& file_;
  const kernels::Limits& limits_;
  const EngineConfig& config_;
  const EngineHooks& hooks_;
  const NameGpus& name_gpus_;
};

// What computes, and on which GPUs.
struct Made {
  Result<Backend> backend;
  GpuSplit split = GpuSplit::kLayers;
  std::vector<Gpu> gpus;
};

Made make_shared(const GpuBackends& maker, std::span<const Gpu> gpus) {
  return {maker.shared(gpus), GpuSplit::kTensor, {gpus.begin(), gpus.end()}};
}

Made make_in_layers(const GpuBackends& maker, std::span<const Gpu> gpus, std::size_t least) {
  auto backend = maker.in_layers(gpus, least);
  if (backend.ok()) gpus = gpus.first(backend.value().ops.size());
  return {std::move(backend), GpuSplit::kLayers, {gpus.begin(), gpus.end()}};
}

// A model that cannot be shared out, or GPUs that cannot share, are no failure here: layers can
// always be one after the other.
Made make_on_fewest(const GpuBackends& maker, std::span<const Gpu> gpus) {
  Made alone = make_in_layers(maker, gpus.first(1), 1);
  if (alone.backend.ok() || alone.backend.error().code != base::ErrorCode::kExhausted ||
      gpus.size() == 1) {
    return alone;
  }
  const std::vector<Gpu> sharing = sharing_gpus(gpus);
  for (std::size_t count = 2; count <= sharing.size(); count *= 2) {
    Made shared = make_shared(maker, std::span(sharing).first(count));
    if (shared.backend.ok()) return shared;
  }
  return make_in_layers(maker, gpus, 2);
}

Made make_gpu_backend(const GpuBackends& maker, const EngineConfig& config,
                      std::span<const Gpu> gpus) {
  if (config.gpu_split == "layers") return make_in_layers(maker, gpus, 1);
  if (config.gpu_split == "tensor") return make_shared(maker, sharing_gpus(gpus));
  return make_on_fewest(maker, gpus);
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
                             const EngineHooks& hooks, BackendChoice& choice,
                             const NameGpus& name_gpus) {
  const runtime::ModelSpec spec = TRY(runtime::read_model_spec(file));
  const kernels::Limits limits = limits_of(spec, memory_request(config));
  if (choice.kind != BackendKind::kCuda) return make_host_backend(limits, config, choice.kind);
  Made made = make_gpu_backend({file, limits, config, hooks, name_gpus}, config, choice.gpus);
  if (made.backend.ok()) {
    choice.gpus = std::move(made.gpus);
    choice.split = made.split;
  }
  if (made.backend.ok() || !choice.may_fall_back) return std::move(made.backend);
  if (config.gpu_care && made.backend.error().code == base::ErrorCode::kDevice)
    return std::move(made.backend);
  choice.fall_back(made.backend.error().message);
  return make_host_backend(limits, config, choice.kind);
}

}  // namespace daemon_engine
