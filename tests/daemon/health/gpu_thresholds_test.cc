// Each threshold of the table just below, at, and above it, and what has to happen before it
// clears.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "daemon/health/care_table.h"
#include "daemon/health/gpu_care.h"
#include "tests/daemon/health/full_reading.h"

namespace daemon_health {
namespace {

using A = GpuAction;

// What one more reading has GpuCare say, by cause.
class Watched {
 public:
  std::vector<GpuVerdict> see(const GpuReading& reading, std::int64_t after_ms = 1'000) {
    return care_.observe(snapshot_of({reading}), now_ += after_ms);
  }
  std::vector<std::string> causes(const GpuReading& reading, std::int64_t after_ms = 1'000) {
    std::vector<std::string> causes;
    for (const auto& verdict : see(reading, after_ms)) causes.push_back(verdict.cause);
    return causes;
  }
  GpuState state() const { return care_.gpus().at("GPU-a").state; }

 private:
  GpuCare care_;
  std::int64_t now_ = 0;
};

struct Threshold {
  std::string cause;
  A action;
  std::function<void(GpuReading&)> below;
  std::function<void(GpuReading&)> at;
};

const Threshold kThresholds[] = {
    {"uncorrected errors", A::kAskReset, [](auto& r) { r.ecc_uncorrected_volatile = 0; },
     [](auto& r) { r.ecc_uncorrected_volatile = 1; }},
    {"sram threshold", A::kCallForRma, [](auto& r) { r.sram_threshold_exceeded = false; },
     [](auto& r) { r.sram_threshold_exceeded = true; }},
    {"row remap failed", A::kCallForRma, [](auto& r) { r.remap_failed = false; },
     [](auto& r) { r.remap_failed = true; }},
    {"row remap pending", A::kWatch, [](auto& r) { r.remap_pending = false; },
     [](auto& r) { r.remap_pending = true; }},
    {"row remaps", A::kWatch, [](auto& r) { r.remapped_uncorrectable = 511; },
     [](auto& r) { r.remapped_uncorrectable = 512; }},
    {"retired pages", A::kCallForRma,
     [](auto& r) {
       r.retired_pages_sbe = 60;
       r.retired_pages_dbe = 2;
     },
     [](auto& r) {
       r.retired_pages_sbe = 61;
       r.retired_pages_dbe = 2;
     }},
    {"retired pages rising", A::kCallForRma, [](auto& r) { r.retired_pages_dbe = 15; },
     [](auto& r) { r.retired_pages_dbe = 16; }},
    {"page retirement pending", A::kWatch, [](auto& r) { r.retirement_pending = false; },
     [](auto& r) { r.retirement_pending = true; }},
    {"nvlink replays", A::kAskReset, [](auto& r) { r.nvlink_replay_errors = 7; },
     [](auto& r) { r.nvlink_replay_errors = 8; }},
    {"nvlink recoveries", A::kAskReset, [](auto& r) { r.nvlink_recovery_errors = 7; },
     [](auto& r) { r.nvlink_recovery_errors = 8; }},
    {"nvlink down", A::kAskReset, [](auto& r) { r.nvlinks_down = 12; },
     [](auto& r) { r.nvlinks_down = 13; }},
    {"temperature", A::kWatch, [](auto& r) { r.temperature_c = 89; },
     [](auto& r) { r.temperature_c = 90; }},
    {"temperature shutdown", A::kQuarantine,
     [](auto& r) {
       r.slowdown_c.reset();
       r.temperature_c = 99;
     },
     [](auto& r) {
       r.slowdown_c.reset();
       r.temperature_c = 100;
     }},
    {"inforom", A::kWatch, [](auto& r) { r.inforom_valid = true; },
     [](auto& r) { r.inforom_valid = false; }},
    {"events lost", A::kWatch, [](auto& r) { r.events_lost = 0; },
     [](auto& r) { r.events_lost = 1; }},
};

TEST(GpuThresholds, SpeakAtTheirValueAndNotBelow) {
  for (const Threshold& threshold : kThresholds) {
    Watched watched;
    GpuReading reading = well();
    threshold.below(reading);
    EXPECT_THAT(watched.causes(reading), testing::IsEmpty()) << threshold.cause;
    EXPECT_THAT(watched.causes(reading), testing::IsEmpty()) << threshold.cause;
    EXPECT_EQ(watched.state(), GpuState::kHealthy) << threshold.cause;
    threshold.at(reading);
    const auto verdicts = watched.see(reading);
    ASSERT_EQ(verdicts.size(), 1u) << threshold.cause;
    EXPECT_EQ(verdicts[0].cause, threshold.cause);
    EXPECT_EQ(verdicts[0].action, threshold.action) << threshold.cause;
    EXPECT_FALSE(verdicts[0].text.empty());
    EXPECT_FALSE(verdicts[0].next_step.empty());
    EXPECT_EQ(watched.state(),
              quarantines(threshold.action) ? GpuState::kQuarantined : GpuState::kSuspect);
    EXPECT_THAT(watched.causes(reading), testing::IsEmpty()) << threshold.cause << " is told once";
  }
}

TEST(GpuThresholds, OfTheTableAreAllAmongThese) {
  std::vector<std::string> tested = {"corrected errors", "pcie replays", "nvlink crc",
                                     "nvlink crc some", "hardware slowdown"};
  for (const Threshold& threshold : kThresholds) tested.push_back(threshold.cause);
  for (const SignalRow& row : signal_rows()) {
    EXPECT_THAT(tested, testing::Contains(std::string(row.advice.cause)));
    EXPECT_LE(row.clears_below, row.at);
    EXPECT_GT(row.clears_below, 0u) << "0 would never clear";
    EXPECT_FALSE(row.advice.what.empty() || row.advice.next_step.empty() ||
                 row.advice.source.empty());
  }
  EXPECT_EQ(tested.size(), signal_rows().size());
  EXPECT_LE(signal_rows().size(), 32u) << "one bit each";
}

TEST(GpuThresholds, DoNotFlapAroundTheirValue) {
  Watched watched;
  GpuReading reading = well();
  reading.temperature_c = 90;
  EXPECT_THAT(watched.causes(reading), testing::ElementsAre("temperature"));
  for (const int temperature : {89, 90, 86, 91, 90}) {
    reading.temperature_c = temperature;
    EXPECT_THAT(watched.causes(reading), testing::IsEmpty()) << temperature;
  }
  reading.temperature_c = 85;  // below 95 %
  EXPECT_THAT(watched.causes(reading), testing::IsEmpty());
  reading.temperature_c = 90;
  EXPECT_THAT(watched.causes(reading), testing::ElementsAre("temperature"));
}

TEST(GpuThresholds, ForgiveOldRetiredPagesAndLinksThatWereNeverThere) {
  Watched watched;
  GpuReading reading = well();
  reading.retired_pages_dbe = 40;
  reading.nvlinks_down = 18;
  reading.nvlink_replay_errors = 1'000'000;
  EXPECT_THAT(watched.causes(reading), testing::IsEmpty());
  reading.retired_pages_dbe = 41;
  EXPECT_THAT(watched.causes(reading), testing::ElementsAre("retired pages rising"));
}

TEST(GpuThresholds, AllowReplaysByGenerationAndWidth) {
  EXPECT_EQ(pcie_replays_allowed(3, 16), 8u);
  EXPECT_EQ(pcie_replays_allowed(4, 16), 16u);
  EXPECT_EQ(pcie_replays_allowed(5, 16), 31u);
  EXPECT_EQ(pcie_replays_allowed(6, 16), 62u);
  EXPECT_EQ(pcie_replays_allowed(5, 8), 16u);
  EXPECT_EQ(pcie_replays_allowed(4, 1), 1u);
  EXPECT_EQ(pcie_replays_allowed(1, 16), 8u) << "older ones as generation 3";
  EXPECT_EQ(pcie_replays_allowed(9, 16), 62u);
  EXPECT_EQ(pcie_replays_allowed(0, 16), 0u);
}

TEST(GpuThresholds, CountReplaysPerMinute) {
  for (const std::uint32_t generation : {3u, 4u, 5u, 6u}) {
    const std::uint64_t allowed = pcie_replays_allowed(generation, 16);
    Watched watched;
    GpuReading reading = well();
    reading.pcie_generation = generation;
    reading.pcie_replays = 5'000;
    EXPECT_THAT(watched.causes(reading), testing::IsEmpty());
    for (int second = 1; second <= 120; ++second) {
      reading.pcie_replays = 5'000 + allowed * static_cast<std::uint64_t>(second) / 60;
      EXPECT_THAT(watched.causes(reading), testing::IsEmpty()) << generation << " " << second;
    }
    *reading.pcie_replays += allowed + 1;
    EXPECT_THAT(watched.causes(reading), testing::ElementsAre("pcie replays")) << generation;
  }
}

TEST(GpuThresholds, CountCorrectedErrorsPerMinute) {
  Watched watched;
  GpuReading reading = well();
  reading.ecc_corrected_volatile = 100;
  EXPECT_THAT(watched.causes(reading), testing::IsEmpty());
  reading.ecc_corrected_volatile = 109;
  EXPECT_THAT(watched.causes(reading), testing::IsEmpty());
  reading.ecc_corrected_volatile = 110;
  EXPECT_THAT(watched.causes(reading), testing::ElementsAre("corrected errors"));
}

TEST(GpuThresholds, CountDamagedPacketsPerSecond) {
  Watched watched;
  GpuReading reading = well();
  reading.nvlink_crc_errors = 10'000;
  EXPECT_THAT(watched.causes(reading), testing::IsEmpty());
  EXPECT_THAT(watched.causes(reading), testing::IsEmpty());
  *reading.nvlink_crc_errors += 1;
  EXPECT_THAT(watched.causes(reading), testing::ElementsAre("nvlink crc some"));
  *reading.nvlink_crc_errors += 99;
  EXPECT_THAT(watched.causes(reading), testing::IsEmpty());
  *reading.nvlink_crc_errors += 100;
  EXPECT_THAT(watched.causes(reading), testing::ElementsAre("nvlink crc"));
  EXPECT_EQ(watched.state(), GpuState::kQuarantined);
}

TEST(GpuThresholds, TakeSlowCountersOverLongRoundsAtTheirRate) {
  Watched watched;
  GpuReading reading = well();
  reading.nvlink_crc_errors = 0;
  EXPECT_THAT(watched.causes(reading), testing::IsEmpty());
  reading.nvlink_crc_errors = 990;  // in ten seconds: 99 in each
  EXPECT_THAT(watched.causes(reading, 10'000), testing::ElementsAre("nvlink crc some"));
  reading.nvlink_crc_errors = 3;  // the driver was loaded anew
  EXPECT_THAT(watched.causes(reading, 500), testing::IsEmpty());
  EXPECT_EQ(watched.state(), GpuState::kSuspect);
}

TEST(GpuThresholds, CountMinutesInWhichTheHardwareSlowsDown) {
  constexpr std::uint64_t kHwSlowdown = 0x8, kSwPowerCap = 0x4;
  Watched watched;
  GpuReading reading = well();
  std::vector<std::string> causes;
  for (int minute = 0; minute < 30; ++minute) {  // five of any ten, and power caps in between
    reading.throttle_reasons = minute % 2 == 0 ? kHwSlowdown : kSwPowerCap;
    for (const auto& cause : watched.causes(reading, 60'000)) causes.push_back(cause);
  }
  EXPECT_THAT(causes, testing::IsEmpty());
  reading.throttle_reasons = kHwSlowdown;
  for (int minute = 0; minute < 3; ++minute) {
    for (const auto& cause : watched.causes(reading, 60'000)) causes.push_back(cause);
  }
  EXPECT_THAT(causes, testing::ElementsAre("hardware slowdown"));
  reading.throttle_reasons = 0;
  EXPECT_THAT(watched.causes(reading, 3'600'000), testing::IsEmpty());
  reading.throttle_reasons = 0x40;  // by its heat
  EXPECT_THAT(watched.causes(reading, 60'000), testing::IsEmpty())
      << "the hour before is forgotten";
}

}  // namespace
}  // namespace daemon_health
