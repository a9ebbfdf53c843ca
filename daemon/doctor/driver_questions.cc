#include "daemon/doctor/driver_questions.h"

#include "daemon/doctor/ask_in_child.h"
#include "daemon/doctor/inventory_json.h"
#include "daemon/health/nvml_library.h"
#include "daemon/health/nvml_reader.h"
#include "hardening/base/clock.h"
#include "hardening/base/json.h"

namespace daemon_doctor {
namespace {

using daemon_health::GpuSnapshot;

GpuSnapshot read_nvml(const std::string& path) {
  const auto library =
      daemon_health::NvmlLibrary::open(path.empty() ? daemon_health::kNvmlLibrary : path);
  if (!library.ok()) {
    GpuSnapshot nothing;
    nothing.error = library.error().message;
    return nothing;
  }
  const base::SystemClock clock;
  return daemon_health::NvmlReader(*library.value(), clock).read();
}

}  // namespace

std::optional<kernels::cuda::GpuInventory> ask_cuda(std::int64_t deadline_ms) {
  const auto text =
      ask_in_child([] { return inventory_json(kernels::cuda::find_gpus()).dump(); }, deadline_ms);
  if (!text) return std::nullopt;
  const auto json = base::Json::parse(*text);
  if (!json.ok()) return std::nullopt;
  auto inventory = parse_inventory(json.value());
  if (!inventory.ok()) return std::nullopt;
  return std::move(inventory).value();
}

std::optional<daemon_health::GpuSnapshot> ask_nvml(const std::string& library,
                                                   std::int64_t deadline_ms) {
  const auto text =
      ask_in_child([&] { return read_nvml(library).serialize().dump(); }, deadline_ms);
  if (!text) return std::nullopt;
  const auto json = base::Json::parse(*text);
  if (!json.ok()) return std::nullopt;
  auto snapshot = GpuSnapshot::parse(json.value());
  if (!snapshot.ok()) return std::nullopt;
  return std::move(snapshot).value();
}

}  // namespace daemon_doctor
