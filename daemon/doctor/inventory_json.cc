#include "daemon/doctor/inventory_json.h"

#include <string>

namespace daemon_doctor {
namespace {

using base::Json;
using kernels::cuda::Gpu;
using kernels::cuda::GpuInventory;
using kernels::cuda::GpuSupport;

constexpr std::int64_t kSupportMax = static_cast<std::int64_t>(GpuSupport::kArchitecture);
constexpr std::size_t kGpusMax = 64;

std::int64_t number(const Json& object, const char* name) {
  const Json* value = object.find(name);
  return value != nullptr && value->is_int() ? value->as_int() : 0;
}

std::string text(const Json& object, const char* name) {
  const Json* value = object.find(name);
  return value != nullptr && value->is_string() ? value->as_string() : std::string();
}

base::Result<GpuSupport> support_of(const Json& object) {
  const std::int64_t value = number(object, "support");
  if (value < 0 || value > kSupportMax) return base::invalid_input("support is out of range");
  return static_cast<GpuSupport>(value);
}

Json gpu_json(const Gpu& gpu) {
  return Json::object({{"ordinal", gpu.ordinal},
                       {"name", gpu.name},
                       {"uuid", gpu.uuid},
                       {"pci_bus_id", gpu.pci_bus_id},
                       {"capability", gpu.capability},
                       {"processors", gpu.processors},
                       {"memory_bytes", gpu.memory_bytes},
                       {"memory_free_bytes", gpu.memory_free_bytes},
                       {"support", static_cast<int>(gpu.support)},
                       {"kernels", gpu.kernels}});
}

base::Result<Gpu> parse_gpu(const Json& json) {
  if (!json.is_object()) return base::invalid_input("a GPU is not an object");
  Gpu gpu;
  gpu.ordinal = static_cast<int>(number(json, "ordinal"));
  gpu.name = text(json, "name");
  gpu.uuid = text(json, "uuid");
  gpu.pci_bus_id = text(json, "pci_bus_id");
  gpu.capability = static_cast<int>(number(json, "capability"));
  gpu.processors = static_cast<std::uint32_t>(number(json, "processors"));
  gpu.memory_bytes = static_cast<std::uint64_t>(number(json, "memory_bytes"));
  gpu.memory_free_bytes = static_cast<std::uint64_t>(number(json, "memory_free_bytes"));
  gpu.support = TRY(support_of(json));
  gpu.kernels = text(json, "kernels");
  return gpu;
}

}  // namespace

Json inventory_json(const GpuInventory& inventory) {
  Json gpus = Json::array();
  for (const Gpu& gpu : inventory.gpus) gpus.push_back(gpu_json(gpu));
  return Json::object({{"support", static_cast<int>(inventory.support)},
                       {"reason", inventory.reason},
                       {"driver_version", inventory.driver_version},
                       {"runtime_version", inventory.runtime_version},
                       {"gpus", std::move(gpus)}});
}

base::Result<GpuInventory> parse_inventory(const Json& json) {
  if (!json.is_object()) return base::invalid_input("the inventory is not an object");
  GpuInventory inventory;
  inventory.support = TRY(support_of(json));
  inventory.reason = text(json, "reason");
  inventory.driver_version = static_cast<int>(number(json, "driver_version"));
  inventory.runtime_version = static_cast<int>(number(json, "runtime_version"));
  const Json* gpus = json.find("gpus");
  if (gpus == nullptr || !gpus->is_array() || gpus->as_array().size() > kGpusMax)
    return base::invalid_input("gpus is not a short list");
  for (const Json& gpu : gpus->as_array()) inventory.gpus.push_back(TRY(parse_gpu(gpu)));
  return inventory;
}

}  // namespace daemon_doctor
