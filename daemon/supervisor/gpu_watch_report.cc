// How the GPUs are, as others are told: `redoubt status`, and GET /metrics.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>

#include "daemon/supervisor/gpu_watch.h"

namespace daemon_supervisor {

using base::Json;
using daemon_health::GpuCare;
using daemon_health::GpuReading;
using daemon_health::GpuState;

namespace {

template <typename T>
void set_if(Json& json, const char* name, const std::optional<T>& value) {
  if (value) json.set(name, Json(*value));
}

Json facts_of(const GpuReading& gpu) {
  Json json = Json::object();
  set_if(json, "temperature_c",
         gpu.temperature_c ? std::optional<std::int64_t>(*gpu.temperature_c) : std::nullopt);
  set_if(json, "power_mw", gpu.power_mw);
  set_if(json, "utilisation_percent", gpu.utilisation_percent);
  set_if(json, "memory_used_bytes", gpu.memory_used_bytes);
  set_if(json, "memory_total_bytes", gpu.memory_total_bytes);
  set_if(json, "throttle_reasons", gpu.throttle_reasons);
  set_if(json, "ecc_uncorrected", gpu.ecc_uncorrected_volatile);
  set_if(json, "ecc_corrected", gpu.ecc_corrected_volatile);
  return json;
}

Json record_json(const GpuRecord& record) {
  return Json::object({{"uuid", record.uuid},
                       {"name", record.name},
                       {"state", daemon_health::gpu_state_name(GpuState::kQuarantined)},
                       {"action", daemon_health::gpu_action_name(record.action)},
                       {"cause", record.cause},
                       {"text", record.text},
                       {"next_step", record.next_step},
                       {"used", false}});
}

// ---- Prometheus ---------------------------------------------------------------------------------

// A label's value: UUIDs and names come from the driver, bounded and printable; two characters are
// escaped.
std::string label(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

struct Metric {
  const char* name;
  const char* type;
  const char* help;
  std::optional<double> (*value)(const GpuReading&);
};

template <auto Member>
std::optional<double> plain(const GpuReading& gpu) {
  const auto& value = gpu.*Member;
  return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

constexpr std::array kMetrics = {
    Metric{"redoubt_gpu_temperature_celsius", "gauge", "Temperature of the GPU.",
           &plain<&GpuReading::temperature_c>},
    Metric{"redoubt_gpu_memory_temperature_celsius", "gauge", "Temperature of the GPU's memory.",
           &plain<&GpuReading::memory_temperature_c>},
    Metric{"redoubt_gpu_power_milliwatts", "gauge", "Power that the GPU takes.",
           &plain<&GpuReading::power_mw>},
    Metric{"redoubt_gpu_utilisation_percent", "gauge", "Time during which kernels ran.",
           &plain<&GpuReading::utilisation_percent>},
    Metric{"redoubt_gpu_memory_used_bytes", "gauge", "Memory in use.",
           &plain<&GpuReading::memory_used_bytes>},
    Metric{"redoubt_gpu_memory_total_bytes", "gauge", "Memory of the GPU.",
           &plain<&GpuReading::memory_total_bytes>},
    Metric{"redoubt_gpu_throttle_reasons", "gauge",
           "Why clocks are held back, as the bits of NVML's clocks event reasons.",
           &plain<&GpuReading::throttle_reasons>},
    Metric{"redoubt_gpu_ecc_uncorrected_total", "counter",
           "Errors of memory beyond repair since the driver was loaded.",
           &plain<&GpuReading::ecc_uncorrected_volatile>},
    Metric{"redoubt_gpu_ecc_corrected_total", "counter",
           "Errors of memory that were corrected since the driver was loaded.",
           &plain<&GpuReading::ecc_corrected_volatile>},
    Metric{"redoubt_gpu_remapped_rows_uncorrectable", "gauge",
           "Rows of memory replaced for errors beyond repair.",
           &plain<&GpuReading::remapped_uncorrectable>},
    Metric{"redoubt_gpu_pcie_replays_total", "counter", "Packets that PCIe had to send again.",
           &plain<&GpuReading::pcie_replays>},
};

void begin(std::string& out, const char* name, const char* type, const char* help) {
  fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

constexpr std::array kStates = {GpuState::kHealthy,   GpuState::kSuspect,   GpuState::kDraining,
                                GpuState::kResetting, GpuState::kVerifying, GpuState::kQuarantined};

}  // namespace

Json GpuWatch::gpu_json(const GpuCare::Status& gpu, std::int64_t now) const {
  const GpuRecord* record = records_.find(gpu.last.uuid);
  const bool verifying =
      std::find(verifying_.begin(), verifying_.end(), gpu.last.uuid) != verifying_.end();
  Json json;
  if (record != nullptr) {
    json = record_json(*record);
  } else {
    const GpuState state =
        verifying && gpu.state == GpuState::kHealthy ? GpuState::kVerifying : gpu.state;
    json = Json::object({{"uuid", gpu.last.uuid},
                         {"name", gpu.last.name},
                         {"state", daemon_health::gpu_state_name(state)},
                         {"action", daemon_health::gpu_action_name(gpu.verdict.action)},
                         {"cause", gpu.verdict.cause},
                         {"text", gpu.verdict.text},
                         {"next_step", gpu.verdict.next_step},
                         {"used", computes(gpu.last.uuid)}});
  }
  json.set("index", gpu.last.index);
  json.set("pci_bus_id", gpu.last.pci_bus_id);
  if (gpu.since > 0) json.set("since_ms", std::max<std::int64_t>(0, now - gpu.since));
  if (const auto count = counts_.find(gpu.last.uuid); count != counts_.end()) {
    json.set("xids", count->second.xids);
    json.set("last_xid", count->second.last_xid);
  }
  json.set("facts", facts_of(gpu.last));
  return json;
}

bool GpuWatch::computes(std::string_view uuid) const {
  return std::find(engine_gpus_.begin(), engine_gpus_.end(), uuid) != engine_gpus_.end();
}

Json GpuWatch::report(std::int64_t now) const {
  Json gpus = Json::array();
  for (const auto& [uuid, gpu] : care_.gpus()) gpus.push_back(gpu_json(gpu, now));
  for (const GpuRecord& record : records_.gpus) {
    if (!care_.gpus().contains(record.uuid)) gpus.push_back(record_json(record));
  }
  Json report = Json::object({{"driver", driver_version_}, {"nvml", nvml_version_}});
  report.set("round_ms", round_ms_);
  if (!trouble_.empty()) report.set("error", trouble_);
  if (const std::string text = alarm(); !text.empty()) report.set("alarm", text);
  report.set("gpus", std::move(gpus));
  return report;
}

std::string GpuWatch::metrics() const {
  std::string out;
  const auto sample = [&out](const char* name, const GpuReading& gpu, std::string_view more,
                             double value) {
    fmt::format_to(std::back_inserter(out), "{}{{uuid=\"{}\",gpu=\"{}\"{}}} {}\n", name,
                   label(gpu.uuid), gpu.index, more, value);
  };
  begin(out, "redoubt_gpu_state", "gauge", "1 for the state that the GPU is in.");
  for (const auto& [uuid, gpu] : care_.gpus()) {
    const GpuState state = records_.find(uuid) != nullptr ? GpuState::kQuarantined : gpu.state;
    for (const GpuState each : kStates) {
      sample("redoubt_gpu_state", gpu.last,
             fmt::format(",state=\"{}\"", daemon_health::gpu_state_name(each)),
             each == state ? 1 : 0);
    }
  }
  begin(out, "redoubt_gpu_xid_total", "counter", "XID errors that the driver has told of.");
  for (const auto& [uuid, gpu] : care_.gpus()) {
    const auto count = counts_.find(uuid);
    sample("redoubt_gpu_xid_total", gpu.last, "",
           count == counts_.end() ? 0 : static_cast<double>(count->second.xids));
  }
  for (const Metric& metric : kMetrics) {
    bool begun = false;
    for (const auto& [uuid, gpu] : care_.gpus()) {
      const auto value = metric.value(gpu.last);
      if (!value) continue;
      if (!std::exchange(begun, true)) begin(out, metric.name, metric.type, metric.help);
      sample(metric.name, gpu.last, "", *value);
    }
  }
  return out;
}

}  // namespace daemon_supervisor
