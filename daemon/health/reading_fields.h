// The optional numbers and flags of a GpuReading as a table: one row says how a member is called in
// JSON, where it stands, and between which bounds it is believed.
#ifndef DAEMON_HEALTH_READING_FIELDS_H_
#define DAEMON_HEALTH_READING_FIELDS_H_

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <variant>

#include "daemon/health/gpu_facts.h"

namespace daemon_health {

struct ReadingField {
  using Counter = std::optional<std::uint64_t> GpuReading::*;
  using Gauge = std::optional<std::uint32_t> GpuReading::*;
  using Degrees = std::optional<std::int32_t> GpuReading::*;
  using Flag = std::optional<bool> GpuReading::*;

  std::string_view key;
  std::variant<Counter, Gauge, Degrees, Flag> member;
  std::int64_t min = 0;  // inclusive, as max; of a flag 0 and 1
  std::int64_t max = 1;
  bool saturates = false;  // a larger one stays at max instead of being absent
};

namespace bounds {
inline constexpr std::int64_t kCounter = static_cast<std::int64_t>(kCounterMax);
inline constexpr std::int64_t kDegrees =
    1'000;  // either side of zero: limits and margins may be below it
inline constexpr std::int64_t kPowerMw = 100'000'000;
inline constexpr std::int64_t kMemoryBytes = std::int64_t{1} << 50;
inline constexpr std::int64_t kPcieGeneration = 16;
inline constexpr std::int64_t kPcieWidth = 64;
inline constexpr std::int64_t kClockMhz = 100'000;
inline constexpr std::int64_t kLinks = 256;
inline constexpr std::int64_t kReasons = std::numeric_limits<std::uint32_t>::max();
}  // namespace bounds

// Sorted by key, as canonical JSON is.
inline constexpr std::array kReadingFields = {
    ReadingField{"ecc_corrected_volatile", &GpuReading::ecc_corrected_volatile, 0, bounds::kCounter,
                 true},
    ReadingField{"ecc_enabled", &GpuReading::ecc_enabled},
    ReadingField{"ecc_uncorrected_aggregate", &GpuReading::ecc_uncorrected_aggregate, 0,
                 bounds::kCounter, true},
    ReadingField{"ecc_uncorrected_volatile", &GpuReading::ecc_uncorrected_volatile, 0,
                 bounds::kCounter, true},
    ReadingField{"inforom_valid", &GpuReading::inforom_valid},
    ReadingField{"margin_c", &GpuReading::margin_c, -bounds::kDegrees, bounds::kDegrees},
    ReadingField{"memory_clock_mhz", &GpuReading::memory_clock_mhz, 0, bounds::kClockMhz},
    ReadingField{"memory_temperature_c", &GpuReading::memory_temperature_c, -bounds::kDegrees,
                 bounds::kDegrees},
    ReadingField{"memory_total_bytes", &GpuReading::memory_total_bytes, 0, bounds::kMemoryBytes},
    ReadingField{"memory_used_bytes", &GpuReading::memory_used_bytes, 0, bounds::kMemoryBytes},
    ReadingField{"memory_utilisation_percent", &GpuReading::memory_utilisation_percent, 0, 100},
    ReadingField{"mig_enabled", &GpuReading::mig_enabled},
    ReadingField{"nvlink_crc_errors", &GpuReading::nvlink_crc_errors, 0, bounds::kCounter, true},
    ReadingField{"nvlink_recovery_errors", &GpuReading::nvlink_recovery_errors, 0, bounds::kCounter,
                 true},
    ReadingField{"nvlink_replay_errors", &GpuReading::nvlink_replay_errors, 0, bounds::kCounter,
                 true},
    ReadingField{"nvlinks_down", &GpuReading::nvlinks_down, 0, bounds::kLinks},
    ReadingField{"pcie_generation", &GpuReading::pcie_generation, 0, bounds::kPcieGeneration},
    ReadingField{"pcie_generation_max", &GpuReading::pcie_generation_max, 0,
                 bounds::kPcieGeneration},
    ReadingField{"pcie_replays", &GpuReading::pcie_replays, 0, bounds::kCounter, true},
    ReadingField{"pcie_width", &GpuReading::pcie_width, 0, bounds::kPcieWidth},
    ReadingField{"pcie_width_max", &GpuReading::pcie_width_max, 0, bounds::kPcieWidth},
    ReadingField{"persistence", &GpuReading::persistence},
    ReadingField{"power_limit_mw", &GpuReading::power_limit_mw, 0, bounds::kPowerMw},
    ReadingField{"power_mw", &GpuReading::power_mw, 0, bounds::kPowerMw},
    ReadingField{"remap_failed", &GpuReading::remap_failed},
    ReadingField{"remap_pending", &GpuReading::remap_pending},
    ReadingField{"remapped_correctable", &GpuReading::remapped_correctable, 0, bounds::kCounter,
                 true},
    ReadingField{"remapped_uncorrectable", &GpuReading::remapped_uncorrectable, 0, bounds::kCounter,
                 true},
    ReadingField{"retired_pages_dbe", &GpuReading::retired_pages_dbe, 0, bounds::kCounter, true},
    ReadingField{"retired_pages_sbe", &GpuReading::retired_pages_sbe, 0, bounds::kCounter, true},
    ReadingField{"retirement_pending", &GpuReading::retirement_pending},
    ReadingField{"shutdown_c", &GpuReading::shutdown_c, -bounds::kDegrees, bounds::kDegrees},
    ReadingField{"slowdown_c", &GpuReading::slowdown_c, -bounds::kDegrees, bounds::kDegrees},
    ReadingField{"sm_clock_mhz", &GpuReading::sm_clock_mhz, 0, bounds::kClockMhz},
    ReadingField{"sram_threshold_exceeded", &GpuReading::sram_threshold_exceeded},
    ReadingField{"temperature_c", &GpuReading::temperature_c, -bounds::kDegrees, bounds::kDegrees},
    ReadingField{"throttle_reasons", &GpuReading::throttle_reasons, 0, bounds::kReasons},
    ReadingField{"utilisation_percent", &GpuReading::utilisation_percent, 0, 100},
};

}  // namespace daemon_health

#endif  // DAEMON_HEALTH_READING_FIELDS_H_
