// What each member of a reading is asked for by. Fields come first, all with one call; where a
// driver does not know a field, the older function is asked.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <vector>

#include "daemon/health/nvml_asker.h"

namespace daemon_health {
namespace {

using nvml::FieldValue;
using Number = std::optional<std::uint64_t>;

// Negative numbers and those that are none are no value of these fields.
Number unsigned_value(const FieldValue& field) {
  const auto natural = [](long long value) {
    return value < 0 ? Number() : Number(static_cast<std::uint64_t>(value));
  };
  switch (field.value_type) {
    case nvml::kDouble:
      if (!(field.value.d >= 0 && field.value.d < 0x1p53)) return std::nullopt;
      return static_cast<std::uint64_t>(field.value.d);
    case nvml::kUnsignedInt:
      return field.value.ui;
    case nvml::kUnsignedLong:
      return field.value.ul;
    case nvml::kUnsignedLongLong:
      return field.value.ull;
    case nvml::kSignedLongLong:
      return natural(field.value.sll);
    case nvml::kSignedInt:
      return natural(field.value.si);
    case nvml::kUnsignedShort:
      return field.value.us;
    default:
      return std::nullopt;
  }
}

// Several fields with one call.
class Fields {
 public:
  explicit Fields(std::span<const unsigned> ids) {
    for (const unsigned id : ids) add(id, 0);
  }
  Fields() = default;

  void add(unsigned id, unsigned scope) {
    FieldValue value{};
    value.field = id;
    value.scope = scope;
    value.status = nvml::kNotSupported;
    values_.push_back(value);
  }

  void read(const nvml::Calls& calls, NvmlAsker& asker) {
    read_ = asker.must(calls.field_values, static_cast<int>(values_.size()), values_.data());
    if (!read_) return;
    for (const FieldValue& value : values_) asker.note(value.status, false);
  }

  Number get(unsigned id) const {
    for (const FieldValue& value : values_) {
      if (value.field == id && usable(value)) return unsigned_value(value);
    }
    return std::nullopt;
  }

  // Over all scopes; nothing where none has it.
  Number sum(unsigned id) const {
    Number sum;
    for (const FieldValue& value : values_) {
      if (value.field != id || !usable(value)) continue;
      if (const Number number = unsigned_value(value))
        sum = std::min(sum.value_or(0), kCounterMax) + std::min(*number, kCounterMax);
    }
    return sum;
  }

 private:
  bool usable(const FieldValue& value) const { return read_ && value.status == nvml::kSuccess; }

  std::vector<FieldValue> values_;
  bool read_ = false;
};

constexpr std::array kFieldIds = {
    nvml::field::kRecoveryAction,  // first: it is what decides
    nvml::field::kEccSbeVolTotal,     nvml::field::kEccDbeVolTotal,
    nvml::field::kEccDbeAggTotal,     nvml::field::kRetiredSbe,
    nvml::field::kRetiredDbe,         nvml::field::kRetiredPending,
    nvml::field::kNvlinkCrcFlitTotal, nvml::field::kNvlinkCrcDataTotal,
    nvml::field::kNvlinkReplayTotal,  nvml::field::kNvlinkRecoveryTotal,
    nvml::field::kMemoryTemp,         nvml::field::kNvlinkLinkCount,
    nvml::field::kPcieReplayCounter,  nvml::field::kRemappedCor,
    nvml::field::kRemappedUnc,        nvml::field::kRemappedPending,
    nvml::field::kRemappedFailure,    nvml::field::kPowerInstant,
    nvml::field::kPowerCurrentLimit,
};

std::optional<bool> flag(Number number) {
  if (!number || *number > 1) return std::nullopt;
  return *number == 1;
}

std::optional<std::int32_t> degrees(Number number) {
  if (!number || *number > std::numeric_limits<std::int16_t>::max()) return std::nullopt;
  return static_cast<std::int32_t>(*number);
}

Number wide(std::optional<std::uint32_t> number) {
  if (!number) return std::nullopt;
  return *number;
}

Number sum(Number a, Number b) {
  if (!a && !b) return std::nullopt;
  return std::min(a.value_or(0), kCounterMax) + std::min(b.value_or(0), kCounterMax);
}

std::optional<RecoveryAction> recovery(Number number) {
  if (!number) return std::nullopt;
  constexpr auto kLast = static_cast<std::uint64_t>(RecoveryAction::kSystemReboot);
  return *number <= kLast ? static_cast<RecoveryAction>(*number) : RecoveryAction::kUnknown;
}

Number total_ecc(const nvml::Calls& calls, NvmlAsker& asker, int type, int counter) {
  unsigned long long count = 0;
  if (!asker.ask(calls.total_ecc_errors, type, counter, &count)) return std::nullopt;
  return count;
}

void read_memory_errors(const nvml::Calls& calls, NvmlAsker& asker, const Fields& fields,
                        GpuReading& reading) {
  namespace f = nvml::field;
  reading.ecc_corrected_volatile = fields.get(f::kEccSbeVolTotal);
  if (!reading.ecc_corrected_volatile)
    reading.ecc_corrected_volatile = total_ecc(calls, asker, nvml::kCorrected, nvml::kVolatileEcc);
  reading.ecc_uncorrected_volatile = fields.get(f::kEccDbeVolTotal);
  if (!reading.ecc_uncorrected_volatile)
    reading.ecc_uncorrected_volatile =
        total_ecc(calls, asker, nvml::kUncorrected, nvml::kVolatileEcc);
  reading.ecc_uncorrected_aggregate = fields.get(f::kEccDbeAggTotal);
  if (!reading.ecc_uncorrected_aggregate)
    reading.ecc_uncorrected_aggregate =
        total_ecc(calls, asker, nvml::kUncorrected, nvml::kAggregateEcc);

  nvml::SramEccStatus sram{};
  sram.version = nvml::version_word<nvml::SramEccStatus>(1);
  if (asker.ask(calls.sram_ecc_status, &sram))
    reading.sram_threshold_exceeded = flag(sram.threshold_exceeded);

  reading.retired_pages_sbe = fields.get(f::kRetiredSbe);
  reading.retired_pages_dbe = fields.get(f::kRetiredDbe);
  reading.retirement_pending = flag(fields.get(f::kRetiredPending));
}

void read_remaps(const nvml::Calls& calls, NvmlAsker& asker, const Fields& fields,
                 GpuReading& reading) {
  namespace f = nvml::field;
  reading.remapped_correctable = fields.get(f::kRemappedCor);
  reading.remapped_uncorrectable = fields.get(f::kRemappedUnc);
  reading.remap_pending = flag(fields.get(f::kRemappedPending));
  reading.remap_failed = flag(fields.get(f::kRemappedFailure));
  const bool whole = reading.remapped_correctable && reading.remapped_uncorrectable &&
                     reading.remap_pending && reading.remap_failed;
  if (whole) return;
  unsigned correctable = 0, uncorrectable = 0, pending = 0, failed = 0;
  if (!asker.ask(calls.remapped_rows, &correctable, &uncorrectable, &pending, &failed)) return;
  reading.remapped_correctable = correctable;
  reading.remapped_uncorrectable = uncorrectable;
  reading.remap_pending = flag(pending);
  reading.remap_failed = flag(failed);
}

void read_heat(const nvml::Calls& calls, NvmlAsker& asker, const Fields& fields,
               GpuReading& reading) {
  nvml::Temperature temperature{nvml::version_word<nvml::Temperature>(1), nvml::kSensorGpu, 0};
  if (asker.ask(calls.temperature_v, &temperature)) {
    reading.temperature_c = temperature.temperature;
  } else {
    reading.temperature_c = degrees(wide(asker.number(calls.temperature, nvml::kSensorGpu)));
  }
  reading.memory_temperature_c = degrees(fields.get(nvml::field::kMemoryTemp));
  reading.shutdown_c =
      degrees(wide(asker.number(calls.temperature_threshold, nvml::kThresholdShutdown)));
  reading.slowdown_c =
      degrees(wide(asker.number(calls.temperature_threshold, nvml::kThresholdSlowdown)));
  nvml::MarginTemperature margin{nvml::version_word<nvml::MarginTemperature>(1), 0};
  if (asker.ask(calls.margin_temperature, &margin)) reading.margin_c = margin.margin;
}

void read_power(const nvml::Calls& calls, NvmlAsker& asker, const Fields& fields,
                GpuReading& reading) {
  unsigned long long reasons = 0;
  if (asker.ask(calls.clocks_event_reasons, &reasons) ||
      asker.ask(calls.clocks_throttle_reasons, &reasons))
    reading.throttle_reasons = reasons;
  reading.power_mw = fields.get(nvml::field::kPowerInstant);
  if (!reading.power_mw) reading.power_mw = wide(asker.number(calls.power_usage));
  reading.power_limit_mw = fields.get(nvml::field::kPowerCurrentLimit);
  if (!reading.power_limit_mw)
    reading.power_limit_mw = wide(asker.number(calls.enforced_power_limit));
  reading.sm_clock_mhz = asker.number(calls.clock_info, nvml::kClockSm);
  reading.memory_clock_mhz = asker.number(calls.clock_info, nvml::kClockMemory);
}

void read_load(const nvml::Calls& calls, NvmlAsker& asker, GpuReading& reading) {
  nvml::Utilization utilization{};
  if (asker.ask(calls.utilization_rates, &utilization)) {
    reading.utilisation_percent = utilization.gpu;
    reading.memory_utilisation_percent = utilization.memory;
  }
  nvml::Memory memory{};
  if (asker.must(calls.memory_info, &memory)) {
    reading.memory_used_bytes = memory.used;
    reading.memory_total_bytes = memory.total;
  }
  constexpr std::size_t kAsked = 256;
  std::array<nvml::ProcessInfo, kAsked> processes{};
  unsigned count = kAsked;
  if (!asker.ask(calls.compute_processes, &count, processes.data())) return;
  for (std::size_t i = 0; i < std::min<std::size_t>(count, kProcessesMax); ++i)
    reading.processes.push_back(processes[i].pid);
}

void read_pcie(const nvml::Calls& calls, NvmlAsker& asker, const Fields& fields,
               GpuReading& reading) {
  reading.pcie_generation = asker.number(calls.pcie_generation);
  reading.pcie_generation_max = asker.number(calls.pcie_generation_max);
  reading.pcie_width = asker.number(calls.pcie_width);
  reading.pcie_width_max = asker.number(calls.pcie_width_max);
  reading.pcie_replays = fields.get(nvml::field::kPcieReplayCounter);
  if (!reading.pcie_replays) reading.pcie_replays = wide(asker.number(calls.pcie_replay_counter));
}

void read_nvlinks(const nvml::Calls& calls, NvmlAsker& asker, const Fields& fields,
                  GpuReading& reading) {
  namespace f = nvml::field;
  const auto links = static_cast<unsigned>(
      std::min<std::uint64_t>(fields.get(f::kNvlinkLinkCount).value_or(0), nvml::kNvlinksMax));
  reading.nvlink_crc_errors =
      sum(fields.get(f::kNvlinkCrcFlitTotal), fields.get(f::kNvlinkCrcDataTotal));
  reading.nvlink_replay_errors = fields.get(f::kNvlinkReplayTotal);
  reading.nvlink_recovery_errors = fields.get(f::kNvlinkRecoveryTotal);
  if (links == 0) return;

  std::uint32_t down = 0, told = 0;
  for (unsigned link = 0; link < links; ++link) {
    int enabled = 0;
    if (!asker.ask(calls.nvlink_state, link, &enabled)) continue;
    ++told;
    if (enabled != nvml::kEnabled) ++down;
  }
  if (told > 0) reading.nvlinks_down = down;
  if (reading.nvlink_crc_errors && reading.nvlink_replay_errors && reading.nvlink_recovery_errors)
    return;

  Fields of_links;
  for (unsigned link = 0; link < links; ++link) {
    for (const unsigned id :
         {f::kNvlinkErrorDlReplay, f::kNvlinkErrorDlRecovery, f::kNvlinkErrorDlCrc})
      of_links.add(id, link);
  }
  of_links.read(calls, asker);
  if (!reading.nvlink_crc_errors) reading.nvlink_crc_errors = of_links.sum(f::kNvlinkErrorDlCrc);
  if (!reading.nvlink_replay_errors)
    reading.nvlink_replay_errors = of_links.sum(f::kNvlinkErrorDlReplay);
  if (!reading.nvlink_recovery_errors)
    reading.nvlink_recovery_errors = of_links.sum(f::kNvlinkErrorDlRecovery);
}

void read_modes(const nvml::Calls& calls, NvmlAsker& asker, GpuReading& reading) {
  int mode = 0, pending = 0;
  if (asker.ask(calls.persistence_mode, &mode)) reading.persistence = mode == nvml::kEnabled;
  if (asker.ask(calls.ecc_mode, &mode, &pending)) reading.ecc_enabled = mode == nvml::kEnabled;
  unsigned current = 0, next = 0;
  if (asker.ask(calls.mig_mode, &current, &next)) reading.mig_enabled = current == 1;
}

}  // namespace

void read_values(const nvml::Calls& calls, NvmlAsker& asker, GpuReading& reading) {
  Fields fields(kFieldIds);
  fields.read(calls, asker);
  reading.recovery = recovery(fields.get(nvml::field::kRecoveryAction));
  read_memory_errors(calls, asker, fields, reading);
  read_remaps(calls, asker, fields, reading);
  read_heat(calls, asker, fields, reading);
  read_power(calls, asker, fields, reading);
  read_load(calls, asker, reading);
  read_pcie(calls, asker, fields, reading);
  read_nvlinks(calls, asker, fields, reading);
  read_modes(calls, asker, reading);
}

}  // namespace daemon_health
