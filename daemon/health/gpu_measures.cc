#include "daemon/health/gpu_measures.h"

#include <algorithm>
#include <bit>

namespace daemon_health {
namespace {

// nvmlClocksEventReasons: HwSlowdown, HwThermalSlowdown, HwPowerBrakeSlowdown.
constexpr std::uint64_t kSlowedByHardware = 0x8 | 0x40 | 0x80;
constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::uint32_t kMinutes = 10;
constexpr std::uint32_t kMinutesMask = (1u << kMinutes) - 1;

std::optional<std::uint64_t> flag(std::optional<bool> value) {
  if (!value) return std::nullopt;
  return *value ? 1 : 0;
}

std::optional<std::uint64_t> permille(std::optional<std::int32_t> part,
                                      std::optional<std::int32_t> whole) {
  if (!part || !whole || *part < 0 || *whole <= 0) return std::nullopt;
  return static_cast<std::uint64_t>(*part) * 1'000 / static_cast<std::uint64_t>(*whole);
}

std::optional<std::uint64_t> sum(std::optional<std::uint64_t> a, std::optional<std::uint64_t> b) {
  if (!a && !b) return std::nullopt;
  return a.value_or(0) + b.value_or(0);
}

std::optional<std::uint64_t> widened(std::optional<std::uint32_t> value) {
  if (!value) return std::nullopt;
  return *value;
}

std::uint64_t less(std::uint64_t value, std::uint64_t by) {
  return value > by ? value - by : 0;
}

}  // namespace

std::uint64_t pcie_replays_allowed(std::uint32_t generation, std::uint32_t width) {
  constexpr std::uint32_t kFirst = 3;
  constexpr std::uint32_t kLast = 6;
  constexpr std::uint64_t kHundredthsAtFirst = 48;
  if (generation == 0 || width == 0) return 0;
  const std::uint32_t known = std::clamp(generation, kFirst, kLast);
  const std::uint64_t hundredths = (kHundredthsAtFirst << (known - kFirst)) * width;
  return (hundredths + 99) / 100;
}

std::optional<std::uint64_t> GpuMeasures::Rate::see(std::optional<std::uint64_t> counter,
                                                    std::int64_t now) {
  if (!counter) return std::nullopt;
  if (!from_ || *counter < *from_) {
    from_ = counter;
    from_ms_ = now;
    last_ = 0;
  }
  const std::uint64_t more = *counter - *from_;
  const std::int64_t elapsed = now - from_ms_;
  if (elapsed < window_ms_) return std::max(more, last_);
  // Rounded down, in an order that does not overflow: a counter has at most 53 bits.
  last_ = static_cast<std::uint64_t>(static_cast<double>(more) * static_cast<double>(window_ms_) /
                                     static_cast<double>(elapsed));
  from_ = counter;
  from_ms_ = now;
  return last_;
}

std::optional<std::uint64_t> GpuMeasures::Growth::see(std::optional<std::uint64_t> counter) {
  if (!counter) return std::nullopt;
  if (!first_ || *counter < *first_) first_ = counter;
  return *counter - *first_;
}

std::uint64_t GpuMeasures::slow_minutes(std::uint64_t reasons, std::int64_t now) {
  const std::int64_t minute = now / kMinuteMs;
  const std::int64_t passed = std::clamp<std::int64_t>(minute - minute_, 0, kMinutes);
  slow_ = (slow_ << passed) & kMinutesMask;
  minute_ = std::max(minute, minute_);
  if ((reasons & kSlowedByHardware) != 0) slow_ |= 1;
  return static_cast<std::uint64_t>(std::popcount(slow_));
}

GpuMeasures::Values GpuMeasures::see(const GpuReading& reading, std::int64_t now) {
  Values values;
  const auto set = [&](Signal signal, std::optional<std::uint64_t> value) {
    values[static_cast<std::size_t>(signal)] = value;
  };

  if (const auto errors = reading.ecc_uncorrected_volatile) {
    contained_ = std::min(contained_, *errors);  // a reset begins at 0
    set(Signal::kUncorrectedErrors, *errors - contained_);
  }
  set(Signal::kCorrectedPerMinute, corrected_.see(reading.ecc_corrected_volatile, now));
  set(Signal::kSramThreshold, flag(reading.sram_threshold_exceeded));
  set(Signal::kRemapFailed, flag(reading.remap_failed));
  set(Signal::kRemapPending, flag(reading.remap_pending));
  set(Signal::kRemappedUncorrectable, reading.remapped_uncorrectable);
  set(Signal::kRetiredPages, sum(reading.retired_pages_sbe, reading.retired_pages_dbe));
  if (const auto grown = dbe_pages_.see(reading.retired_pages_dbe))
    set(Signal::kRetiredPagesRising, *grown > 0 ? *reading.retired_pages_dbe : 0);
  set(Signal::kRetirementPending, flag(reading.retirement_pending));

  const std::uint64_t allowed =
      pcie_replays_allowed(reading.pcie_generation.value_or(0), reading.pcie_width.value_or(0));
  const auto replays = replays_.see(reading.pcie_replays, now);
  if (replays && allowed > 0) set(Signal::kPcieReplaysInExcess, less(*replays, allowed));

  set(Signal::kNvlinkCrcPerSecond, crc_.see(reading.nvlink_crc_errors, now));
  set(Signal::kNvlinkReplays, nvlink_replays_.see(reading.nvlink_replay_errors));
  set(Signal::kNvlinkRecoveries, nvlink_recoveries_.see(reading.nvlink_recovery_errors));
  set(Signal::kNvlinksLost, nvlinks_down_.see(widened(reading.nvlinks_down)));

  set(Signal::kSlowMinutes, slow_minutes(reading.throttle_reasons.value_or(0), now));
  set(Signal::kPermilleOfSlowdown, permille(reading.temperature_c, reading.slowdown_c));
  set(Signal::kPermilleOfShutdown, permille(reading.temperature_c, reading.shutdown_c));
  if (reading.inforom_valid) set(Signal::kInforomInvalid, *reading.inforom_valid ? 0 : 1);
  set(Signal::kEventsLost, reading.events_lost);
  return values;
}

}  // namespace daemon_health
