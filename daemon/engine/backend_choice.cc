#include "daemon/engine/backend_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

namespace daemon_engine {
namespace {

using base::Result;
using kernels::cuda::Gpu;
using kernels::cuda::GpuInventory;
using kernels::cuda::GpuSupport;

constexpr std::string_view kCpu = "cpu";
constexpr std::string_view kCuda = "cuda";
constexpr std::size_t kSharingGpusMax = 4;

bool permits(std::span<const std::string> permitted, std::string_view backend) {
  return permitted.empty() || std::ranges::find(permitted, backend) != permitted.end();
}

bool names(const std::string& configured, const Gpu& gpu) {
  return configured == gpu.uuid || configured == std::to_string(gpu.ordinal);
}

bool is_configured(const EngineConfig& config, const Gpu& gpu) {
  return config.gpus.empty() ||
         std::ranges::any_of(config.gpus, [&gpu](const auto& name) { return names(name, gpu); });
}

bool is_excluded(const EngineConfig& config, const Gpu& gpu) {
  return std::ranges::find(config.gpus_excluded, gpu.uuid) != config.gpus_excluded.end();
}

std::uint64_t memory_of(const Gpu& gpu) {
  return gpu.memory_free_bytes != 0 ? gpu.memory_free_bytes : gpu.memory_bytes;
}

// The GPUs that count, the largest first; or why there is none.
struct Candidates {
  std::vector<Gpu> gpus;
  std::string reason;
};

Candidates candidates(const EngineConfig& config, const GpuInventory& inventory) {
  if (inventory.support != GpuSupport::kUsable) return {{}, inventory.reason};
  Candidates found;
  std::string reason = "engine.gpus names no GPU of this machine";
  for (const Gpu& gpu : inventory.gpus) {
    if (!is_configured(config, gpu)) continue;
    if (gpu.support != GpuSupport::kUsable) {
      reason = fmt::format("{} ({}) cannot be used: {}", gpu.name, gpu.uuid,
                           kernels::cuda::gpu_support_name(gpu.support));
    } else if (is_excluded(config, gpu)) {
      reason = gpu.uuid + " is in quarantine";
    } else {
      found.gpus.push_back(gpu);
    }
  }
  if (found.gpus.empty()) found.reason = std::move(reason);
  std::ranges::stable_sort(found.gpus,
                           [](const Gpu& a, const Gpu& b) { return memory_of(a) > memory_of(b); });
  return found;
}

base::Error not_permitted(std::string_view backend, std::span<const std::string> permitted) {
  return base::denied(fmt::format("the release is made for the backends {}, and {} is configured",
                                  fmt::join(permitted, ", "), backend));
}

// What "auto" and "cuda" have in common: the GPUs, or why not.
Result<std::vector<Gpu>> choose_gpus(const EngineConfig& config,
                                     std::span<const std::string> permitted,
                                     const GpuInventory& inventory) {
  if (!permits(permitted, kCuda)) return not_permitted(kCuda, permitted);
  if (config.kv_format == "f32") {
    return base::unsupported(
        "engine.kv_format is \"f32\", which GPUs do not have: \"f16\" or \"q8_0\"");
  }
  Candidates found = candidates(config, inventory);
  if (!found.gpus.empty()) return std::move(found.gpus);
  return base::Error{base::ErrorCode::kDevice, 0, std::move(found.reason)};
}

}  // namespace

void BackendChoice::fall_back(std::string why) {
  kind = BackendKind::kCpu;
  gpus.clear();
  split = GpuSplit::kLayers;
  reason = std::move(why);
}

std::vector<std::string> BackendChoice::uuids() const {
  std::vector<std::string> uuids;
  for (const Gpu& gpu : gpus) uuids.push_back(gpu.uuid);
  return uuids;
}

base::Json BackendChoice::describe(std::string_view kernels) const {
  constexpr std::string_view kKinds[] = {"reference", "cpu", "cuda"};
  constexpr std::string_view kSplits[] = {"layers", "tensor"};
  base::Json list = base::Json::array();
  for (const Gpu& gpu : gpus) {
    list.push_back(base::Json::object(
        {{"name", gpu.name}, {"uuid", gpu.uuid}, {"memory_bytes", gpu.memory_bytes}}));
  }
  base::Json json = base::Json::object({{"kind", kKinds[static_cast<std::size_t>(kind)]},
                                        {"kernels", kernels},
                                        {"gpus", std::move(list)},
                                        {"reason", reason}});
  if (gpus.size() > 1) json.set("split", kSplits[static_cast<std::size_t>(split)]);
  return json;
}

Result<BackendChoice> choose_backend(const EngineConfig& config,
                                     std::span<const std::string> permitted,
                                     const GpuInventory& inventory) {
  BackendChoice choice;
  if (config.backend == "reference" || config.backend == kCpu) {
    if (!permits(permitted, kCpu)) return not_permitted(config.backend, permitted);
    if (config.backend == "reference") choice.kind = BackendKind::kReference;
    return choice;
  }
  if (config.backend != kCuda && config.backend != "auto")
    return base::unsupported("backend " + config.backend);
  auto gpus = choose_gpus(config, permitted, inventory);
  choice.may_fall_back = config.backend == "auto" && permits(permitted, kCpu);
  if (gpus.ok()) {
    choice.kind = BackendKind::kCuda;
    choice.gpus = std::move(gpus).value();
    return choice;
  }
  if (!choice.may_fall_back)
    return std::move(gpus).context("the model is to be computed on a GPU").error();
  choice.fall_back(gpus.error().message);
  return choice;
}

std::vector<Gpu> sharing_gpus(std::span<const Gpu> gpus) {
  std::vector<Gpu> alike;
  std::ranges::copy_if(gpus, std::back_inserter(alike),
                       [&gpus](const Gpu& gpu) { return gpu.kernels == gpus.front().kernels; });
  alike.resize(std::min(std::bit_floor(alike.size()), kSharingGpusMax));
  return alike;
}

}  // namespace daemon_engine
