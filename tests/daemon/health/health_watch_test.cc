// The role's loop over a fake library and a channel: what the supervisor hears, and how soon.
#include "daemon/health/health_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <optional>
#include <thread>

#include "daemon/health/nvml_library.h"
#include "hardening/base/clock.h"
#include "tests/daemon/health/fake_script.h"
#include "tests/daemon/health/full_reading.h"

namespace daemon_health {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kPatienceMs = 5'000;

class HealthWatchTest : public testing::Test {
 protected:
  void TearDown() override { end(); }

  void start(bool with_library, std::uint32_t poll_interval_ms) {
    auto ends = daemon_ipc::Channel::create_pair().value();
    supervisor_.emplace(std::move(ends.first));
    role_ =
        std::thread([this, with_library, poll_interval_ms, fd = std::move(ends.second)]() mutable {
          HealthWatch::Parts parts{nullptr, {}, clock_, poll_interval_ms};
          std::optional<NvmlReader> reader;
          std::unique_ptr<NvmlLibrary> library;
          if (with_library) {
            library = NvmlLibrary::open(kFakeNvml).value();
            parts.reader = &reader.emplace(*library, clock_);
          } else {
            parts.missing.status = NvmlStatus::kNoDriver;
            parts.missing.error = "libnvidia-ml.so.1: not found";
          }
          HealthWatch watch(std::move(parts), daemon_ipc::Channel(std::move(fd)));
          status_ = watch.run(base::Json::object({{"gpus", 1}}));
        });
  }
  void end() {
    supervisor_.reset();
    if (role_.joinable()) role_.join();
  }

  template <typename Message>
  std::optional<Message> expect() {
    const auto until = Clock::now() + std::chrono::milliseconds(kPatienceMs);
    while (Clock::now() < until) {
      auto received = supervisor_->receive();
      if (!received.ok()) return std::nullopt;
      if (!received.value()) {
        pollfd readable{supervisor_->fd(), POLLIN, 0};
        (void)::poll(&readable, 1, 100);
        continue;
      }
      if (auto* message = std::get_if<Message>(&received.value()->message))
        return std::move(*message);
    }
    return std::nullopt;
  }
  GpuSnapshot facts() {
    const auto message = expect<daemon_ipc::GpuFacts>();
    EXPECT_TRUE(message.has_value());
    if (!message) return {};
    auto snapshot = GpuSnapshot::parse_text(message->snapshot);
    EXPECT_TRUE(snapshot.ok()) << snapshot.error().message;
    return snapshot.ok() ? std::move(snapshot).value() : GpuSnapshot{};
  }

  base::SystemClock clock_;
  FakeScript script_;
  std::optional<daemon_ipc::Channel> supervisor_;
  std::thread role_;
  std::optional<base::Status> status_;
};

TEST_F(HealthWatchTest, SaysThatItIsReadyAndThenWhatItSees) {
  start(true, 50);
  ASSERT_TRUE(expect<daemon_ipc::Ready>());
  const GpuSnapshot first = facts();
  EXPECT_EQ(first.round, 1u);
  ASSERT_EQ(first.gpus.size(), 1u);
  EXPECT_EQ(first.gpus[0].uuid, "GPU-fake-0000");
  script_.write("0.temperature_c = 77");
  GpuSnapshot later = facts();
  for (int i = 0; i < 20 && later.gpus[0].temperature_c != 77; ++i) later = facts();
  EXPECT_EQ(later.gpus[0].temperature_c, 77);
  end();
  EXPECT_TRUE(status_->ok()) << "the supervisor's end is ours";
}

TEST_F(HealthWatchTest, TellsOfAnXidAtOnce) {
  start(true, 60'000);
  (void)facts();
  const auto before = Clock::now();
  script_.append("event = 0 8 79");
  const GpuSnapshot snapshot = facts();
  ASSERT_EQ(snapshot.gpus.size(), 1u);
  ASSERT_EQ(snapshot.gpus[0].events.size(), 1u);
  EXPECT_EQ(snapshot.gpus[0].events[0].xid, 79u);
  EXPECT_LT(Clock::now() - before, std::chrono::seconds(1));
}

TEST_F(HealthWatchTest, AnswersPingsWhileItWaits) {
  start(true, 60'000);
  (void)facts();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(supervisor_->send(daemon_ipc::Ping{}).ok());
    const auto alive = expect<daemon_ipc::Alive>();
    ASSERT_TRUE(alive);
    EXPECT_EQ(alive->work, 1u) << "one round was made";
    EXPECT_FALSE(alive->busy);
  }
}

TEST_F(HealthWatchTest, LivesWithoutALibrary) {
  start(false, 50);
  ASSERT_TRUE(expect<daemon_ipc::Ready>());
  const GpuSnapshot snapshot = facts();
  EXPECT_EQ(snapshot.status, NvmlStatus::kNoDriver);
  EXPECT_EQ(snapshot.error, "libnvidia-ml.so.1: not found");
  ASSERT_TRUE(supervisor_->send(daemon_ipc::Ping{}).ok());
  EXPECT_TRUE(expect<daemon_ipc::Alive>());
}

TEST_F(HealthWatchTest, LosesNoEventWhereNobodyListens) {
  start(true, 1);
  (void)facts();
  // Until the channel is full, and longer.
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  script_.append("event = 0 8 31");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  script_.append("event = 0 8 79");
  std::vector<std::uint64_t> xids;
  const auto deadline = Clock::now() + std::chrono::seconds(20);
  while (xids.size() < 2 && Clock::now() < deadline) {
    for (const GpuReading& gpu : facts().gpus) {
      for (const GpuEvent& event : gpu.events) xids.push_back(event.xid);
    }
  }
  EXPECT_EQ(xids, (std::vector<std::uint64_t>{31, 79}));
}

TEST(HealthWatch, CarriesEventsOver) {
  GpuSnapshot former = snapshot_of({well("GPU-a"), well("GPU-b"), well("GPU-c")});
  former.gpus[0].events = {xid_event(1), xid_event(2)};
  former.gpus[0].events_lost = 5;
  former.gpus[2].events = {xid_event(4)};
  GpuSnapshot next = snapshot_of({well("GPU-b"), well("GPU-a")});
  next.gpus[1].events = {xid_event(3)};
  next.gpus[1].events_lost = 1;
  carry_over_events(former, next);
  EXPECT_TRUE(next.gpus[0].events.empty());
  EXPECT_EQ(next.gpus[1].events, (std::vector<GpuEvent>{xid_event(1), xid_event(2), xid_event(3)}));
  EXPECT_EQ(next.gpus[1].events_lost, 6u);
  for (int i = 0; i < 100; ++i) carry_over_events(GpuSnapshot(next), next);
  EXPECT_EQ(next.gpus[1].events.size(), kEventsMax) << "no more than a message holds";
}

}  // namespace
}  // namespace daemon_health
