// Whatever it is told, it stays within its picture and its bounds, and never brings back what
// nobody proved.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "daemon/health/gpu_care.h"
#include "tests/daemon/health/full_reading.h"

namespace daemon_health {
namespace {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  bool one_in(std::uint64_t bound) { return below(bound) == 0; }

  GpuReading reading() {
    GpuReading reading;
    reading.uuid = "GPU-" + std::to_string(below(20));
    if (one_in(20)) reading.status = static_cast<NvmlStatus>(below(8));
    if (one_in(3)) reading.recovery = static_cast<RecoveryAction>(one_in(20) ? below(9) : 0);
    for (std::uint64_t i = one_in(4) ? below(5) : 0; i > 0; --i) {
      const std::uint64_t type = one_in(2) ? kEventXid : std::uint64_t{1} << below(64);
      reading.events.push_back(
          {type, one_in(9) ? engine_() : below(180), static_cast<std::int64_t>(engine_())});
    }
    for (const ReadingField& field : kReadingFields) {
      if (one_in(2)) continue;
      std::visit([&](const auto member) { fill(reading.*member, field); }, field.member);
    }
    for (std::uint64_t i = below(4); i > 0; --i)
      reading.processes.push_back(static_cast<std::uint32_t>(below(5)));
    return reading;
  }

 private:
  template <typename Number>
  void fill(std::optional<Number>& number, const ReadingField&) {
    number = static_cast<Number>(one_in(10) ? engine_() : below(60));
  }
  void fill(std::optional<bool>& flag, const ReadingField&) { flag = one_in(10); }

  std::mt19937_64 engine_;
};

class Picture {
 public:
  void take(const std::vector<GpuVerdict>& verdicts, bool proven) {
    for (const GpuVerdict& verdict : verdicts) {
      const auto [state, first] = states_.try_emplace(verdict.uuid, GpuState::kHealthy);
      ASSERT_EQ(verdict.from, state->second) << verdict.cause;
      ASSERT_TRUE(verdict.from == verdict.to || is_drawn(verdict.from, verdict.to))
          << verdict.cause;
      ASSERT_FALSE(verdict.text.empty() || verdict.next_step.empty() || verdict.cause.empty());
      const bool back = verdict.from == GpuState::kVerifying &&
                        verdict.to != GpuState::kQuarantined &&
                        verdict.to != GpuState::kResetting && verdict.to != GpuState::kVerifying;
      ASSERT_TRUE(!back || proven) << verdict.cause;
      ASSERT_EQ(quarantines(verdict.action),
                quarantines(verdict.action) && verdict.to == GpuState::kQuarantined);
      state->second = verdict.to;
    }
  }

 private:
  std::map<std::string, GpuState> states_;
};

TEST(GpuCare, StaysWithinItsPictureWhateverItIsTold) {
  std::size_t told = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Random random(seed);
    GpuCare care;
    Picture picture;
    std::int64_t now = 0;
    for (int step = 0; step < 1'000; ++step) {
      now += static_cast<std::int64_t>(random.one_in(50) ? random.below(1'000'000)
                                                         : random.below(2'000));
      GpuSnapshot snapshot;
      if (random.one_in(30)) snapshot.status = static_cast<NvmlStatus>(random.below(8));
      for (std::uint64_t gpus = random.below(20); gpus > 0; --gpus)
        snapshot.gpus.push_back(random.reading());
      const auto seen = care.observe(snapshot, now);
      told += seen.size();
      picture.take(seen, false);
      const auto what = static_cast<GpuHappening>(random.below(7));
      picture.take(care.happened("GPU-" + std::to_string(random.below(20)), what, now),
                   what == GpuHappening::kEngineVerified);
      picture.take(care.tick(now), false);
      ASSERT_FALSE(HasFatalFailure()) << "seed " << seed << " step " << step;
      ASSERT_LE(care.gpus().size(), kGpusMax);
      const auto next = care.next_deadline();
      ASSERT_TRUE(!next || *next >= now)
          << "a deadline that has passed would spin: " << *next << " at " << now;
    }
  }
  EXPECT_GT(told, 1'000u) << "it was told something";
}

TEST(GpuCare, SaysTheSameOfTheSame) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    Random a(seed), b(seed);
    GpuCare one, other;
    for (int step = 0; step < 200; ++step) {
      const auto first = one.observe(snapshot_of({a.reading(), a.reading()}), step * 700);
      const auto second = other.observe(snapshot_of({b.reading(), b.reading()}), step * 700);
      ASSERT_EQ(first.size(), second.size());
      for (std::size_t i = 0; i < first.size(); ++i) {
        EXPECT_EQ(first[i].uuid + first[i].cause + first[i].text,
                  second[i].uuid + second[i].cause + second[i].text);
      }
    }
  }
}

}  // namespace
}  // namespace daemon_health
