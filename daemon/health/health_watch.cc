#include "daemon/health/health_watch.h"

#include <poll.h>

#include <algorithm>
#include <utility>
#include <variant>

namespace daemon_health {
namespace {

using base::Json;
using base::Status;

constexpr std::size_t kMessagesPerTurn = 64;
constexpr std::int64_t kEventWaitMs = 100;  // a ping waits no longer
constexpr std::int64_t kIdleIntervalMs = 5'000;
constexpr std::int64_t kBetweenRoundsMs = 20;  // however many events there are

bool is_end(const base::Error& error) {
  return error.code == base::ErrorCode::kIo;
}

}  // namespace

void carry_over_events(const GpuSnapshot& former, GpuSnapshot& next) {
  for (const GpuReading& then : former.gpus) {
    const auto now = std::find_if(next.gpus.begin(), next.gpus.end(),
                                  [&](const GpuReading& gpu) { return gpu.uuid == then.uuid; });
    if (now == next.gpus.end()) continue;
    now->events.insert(now->events.begin(), then.events.begin(), then.events.end());
    now->events_lost += then.events_lost;
  }
  next.bound();
}

std::int64_t HealthWatch::interval_ms() const {
  return parts_.reader != nullptr
             ? parts_.poll_interval_ms
             : std::max<std::int64_t>(parts_.poll_interval_ms, kIdleIntervalMs);
}

// A full channel has enough for now; one that ended ends us.
Status HealthWatch::send(const daemon_ipc::Message& message) {
  Status sent = control_.send(message);
  if (sent.ok() || !is_end(sent.error())) return sent;
  ended_ = true;
  return {};
}

GpuSnapshot HealthWatch::look() {
  ++rounds_;
  if (parts_.reader != nullptr) return parts_.reader->read();
  GpuSnapshot snapshot = parts_.missing;
  snapshot.round = rounds_;
  return snapshot;
}

Status HealthWatch::tell() {
  GpuSnapshot snapshot = look();
  if (unsent_) carry_over_events(*unsent_, snapshot);
  unsent_.reset();
  const Status sent = send(daemon_ipc::GpuFacts{snapshot.text()});
  if (sent.ok()) return {};
  if (sent.error().code != base::ErrorCode::kUnavailable) return sent;
  unsent_ = std::move(snapshot);
  return {};
}

Status HealthWatch::read_control() {
  for (std::size_t i = 0; i < kMessagesPerTurn && !ended_; ++i) {
    auto received = control_.receive();
    if (!received.ok()) {
      if (!is_end(received.error())) return std::move(received).error();
      ended_ = true;
      return {};
    }
    if (!received.value()) return {};
    if (!std::holds_alternative<daemon_ipc::Ping>(received.value()->message))
      continue;  // a drain: nothing is under way here
    const Json stats = Json::object({{"rounds", rounds_}});
    const Status sent = send(daemon_ipc::Alive{rounds_, false, stats.dump()});
    if (!sent.ok() && sent.error().code != base::ErrorCode::kUnavailable) return sent;
  }
  return {};
}

void HealthWatch::pause(std::int64_t for_ms) const {
  pollfd control{control_.fd(), POLLIN, 0};
  (void)::poll(&control, 1, static_cast<int>(std::max<std::int64_t>(for_ms, 0)));
}

void HealthWatch::wait(std::int64_t for_ms) {
  if (parts_.reader == nullptr) return pause(for_ms);
  const auto bounded =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(for_ms, 0, kEventWaitMs));
  switch (parts_.reader->wait(bounded)) {
    case NvmlReader::Waited::kEvent:
      event_ = true;
      break;
    case NvmlReader::Waited::kNothing:
      break;
    case NvmlReader::Waited::kCannot:
      pause(for_ms);
      break;
  }
}

Status HealthWatch::turn() {
  TRY(read_control());
  if (ended_) return {};
  const std::int64_t now = now_ms();
  if (now >= next_ms_ || event_) {
    const bool event = std::exchange(event_, false);
    TRY(tell());
    if (event) pause(kBetweenRoundsMs);
    next_ms_ = now_ms() + interval_ms();
  }
  wait(next_ms_ - now_ms());
  return {};
}

Status HealthWatch::run(const Json& report) {
  TRY(send(daemon_ipc::Ready{report.dump()}));
  while (!ended_) TRY(turn());
  return {};
}

}  // namespace daemon_health
