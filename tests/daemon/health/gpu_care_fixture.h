// A GPU under care, told what it shows second by second; every verdict is checked on its way out.
#ifndef TESTS_DAEMON_HEALTH_GPU_CARE_FIXTURE_H_
#define TESTS_DAEMON_HEALTH_GPU_CARE_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "daemon/health/gpu_care.h"
#include "tests/daemon/health/full_reading.h"

namespace daemon_health {

using A = GpuAction;
using H = GpuHappening;
using S = GpuState;
using Verdicts = std::vector<GpuVerdict>;

class Care {
 public:
  explicit Care(const GpuCare::Limits& limits = {}) : care_(limits) {}

  Verdicts see(const GpuReading& reading) {
    return check(care_.observe(snapshot_of({reading}), now_ += 1'000));
  }
  Verdicts see(const GpuSnapshot& snapshot) {
    return check(care_.observe(snapshot, now_ += 1'000));
  }
  Verdicts xids(const std::vector<std::uint64_t>& numbers) {
    GpuReading reading = well();
    for (const auto xid : numbers) reading.events.push_back(xid_event(xid));
    return see(reading);
  }
  Verdicts happened(H what) { return check(care_.happened("GPU-a", what, now_ += 1'000)); }
  // Quiet rounds for so long.
  Verdicts pass(std::int64_t ms, const GpuReading& reading = well()) {
    Verdicts all;
    for (const std::int64_t until = now_ + ms; now_ < until;) {
      for (auto& verdict : see(reading)) all.push_back(std::move(verdict));
      for (auto& verdict : check(care_.tick(now_))) all.push_back(std::move(verdict));
    }
    return all;
  }
  Verdicts tick(std::int64_t after_ms) { return check(care_.tick(now_ += after_ms)); }

  // From healthy, as a service would.
  void reach(S state) {
    (void)see(well());
    switch (state) {
      case S::kHealthy:
        break;
      case S::kSuspect:
        (void)xids({43});
        break;
      case S::kDraining:
        drain();
        break;
      case S::kResetting:
        (void)happened(H::kEngineHung);
        break;
      case S::kVerifying:
        (void)happened(H::kEngineHung);
        (void)happened(H::kEngineStarted);
        break;
      case S::kQuarantined:
        (void)xids({142});
        break;
    }
    EXPECT_EQ(this->state(), state);
  }
  void drain() {
    GpuReading reading = well();
    reading.status = NvmlStatus::kTimeout;
    (void)see(reading);
  }

  S state() const { return status().state; }
  const GpuCare::Status& status() const { return care_.gpus().at("GPU-a"); }
  GpuCare& care() { return care_; }
  std::int64_t now() const { return now_; }

 private:
  static Verdicts check(Verdicts verdicts) {
    for (const auto& verdict : verdicts) {
      EXPECT_TRUE(verdict.from == verdict.to || is_drawn(verdict.from, verdict.to))
          << gpu_state_name(verdict.from) << " to " << gpu_state_name(verdict.to) << ": "
          << verdict.cause;
      EXPECT_FALSE(verdict.uuid.empty() || verdict.cause.empty() || verdict.text.empty() ||
                   verdict.next_step.empty());
    }
    return verdicts;
  }

  GpuCare care_;
  std::int64_t now_ = 0;
};

}  // namespace daemon_health

#endif  // TESTS_DAEMON_HEALTH_GPU_CARE_FIXTURE_H_
