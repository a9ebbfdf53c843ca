// Numbers to hold against thresholds: what a reading says, and what only follows from several of
// them (rates, changes). One history per GPU, of fixed size.
#ifndef DAEMON_HEALTH_GPU_MEASURES_H_
#define DAEMON_HEALTH_GPU_MEASURES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "daemon/health/gpu_facts.h"

namespace daemon_health {

enum class Signal : std::uint8_t {
  kUncorrectedErrors,  // volatile, less those that were contained
  kCorrectedPerMinute,
  kSramThreshold,  // 0 or 1, as every flag here
  kRemapFailed,
  kRemapPending,
  kRemappedUncorrectable,  // rows
  kRetiredPages,
  kRetiredPagesRising,  // of double bit errors: their number once it has grown under our eyes
  kRetirementPending,
  kPcieReplaysInExcess,  // per minute, beyond what the link's bit error rate allows
  kNvlinkCrcPerSecond,
  kNvlinkReplays,  // since the first reading, as the next two
  kNvlinkRecoveries,
  kNvlinksLost,
  kSlowMinutes,         // of the last ten: with a slowdown by the hardware
  kPermilleOfSlowdown,  // temperature, of the one at which the hardware slows down
  kPermilleOfShutdown,
  kInforomInvalid,
  kEventsLost,  // in the last message
};
inline constexpr std::size_t kSignals = 19;

// How many replays a link may have in a minute: the bit error rate that PCIe allows, 1e-12, times
// the speed, is 0.48 a minute and lane at generation 3, and doubles with each (DCGM 4.6.0). 0: the
// generation is not known.
std::uint64_t pcie_replays_allowed(std::uint32_t generation, std::uint32_t width);

class GpuMeasures {
 public:
  using Values = std::array<std::optional<std::uint64_t>, kSignals>;

  // A signal without a value could not be had. `now` does not go back.
  Values see(const GpuReading& reading, std::int64_t now);

  // What this reading counts has reached no other program: it is not held against the GPU.
  void contain_errors(const GpuReading& reading) {
    contained_ = reading.ecc_uncorrected_volatile.value_or(contained_);
  }

 private:
  // The rate of a counter, taken over windows of a fixed length.
  class Rate {
   public:
    explicit Rate(std::int64_t window_ms) : window_ms_(window_ms) {}
    // Events per window: of the last whole one, or of this one where it has more already.
    std::optional<std::uint64_t> see(std::optional<std::uint64_t> counter, std::int64_t now);

   private:
    std::int64_t window_ms_;
    std::optional<std::uint64_t> from_;
    std::int64_t from_ms_ = 0;
    std::uint64_t last_ = 0;
  };

  // What a counter has gained since it was seen first; one that falls begins anew.
  class Growth {
   public:
    std::optional<std::uint64_t> see(std::optional<std::uint64_t> counter);

   private:
    std::optional<std::uint64_t> first_;
  };

  std::uint64_t slow_minutes(std::uint64_t reasons, std::int64_t now);

  Rate corrected_{60'000}, replays_{60'000}, crc_{1'000};
  Growth nvlink_replays_, nvlink_recoveries_, nvlinks_down_, dbe_pages_;
  std::uint64_t contained_ = 0;
  std::int64_t minute_ = 0;
  std::uint32_t slow_ = 0;  // bit k: k minutes ago
};

}  // namespace daemon_health

#endif  // DAEMON_HEALTH_GPU_MEASURES_H_
